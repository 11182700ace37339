/*
 * Flags that a folder of the server does not store, although it says that it
 * can: what was answered OK twice and never shown, or refused, in two runs. A
 * server has bad hours, and what is taken for the way it is keeps the user's
 * changes from it: so the first run doubts, and the next one asks again. They
 * are kept as facts of the folder until what it says changes, it shows one
 * where there was none, or a month has passed; then they are doubted. Index
 * lane, but for lacking_doubted.
 */
#ifndef SYNC_CORE_LACKING_H
#define SYNC_CORE_LACKING_H

#include "core/run.h"

/* Of all folders, as the index has it. */
int lacking_load(struct run *, struct err *);
/* These flags and keywords were doubted before this run. */
bool lacking_doubted(const struct folder *, unsigned flags,
    const char *keywords);
/* In a transaction: these were not stored. What was doubted before is lacking
 * from now on, with a note; the rest is doubted by the next run. */
int lacking_learn(struct run *, struct folder *, const struct state *,
    struct err *);
/* In a transaction: these were stored, and shown. */
int lacking_refute(struct run *, struct folder *, const struct state *,
    struct err *);
/* The row has one that is lacking, and had not when it was seen last: -1, 0,
 * 1. */
int lacking_shown(struct run *, const struct folder *,
    const struct index_seen_remote *, struct err *);
/* In a transaction: what the server can't hold of the row is told, once for
 * each flag. Of \Seen there is an issue (run/unread.c). */
int lacking_tell(struct run *, const struct folder *, const struct place *,
    struct err *);
/* In a transaction: all is doubted. */
int lacking_doubt(struct run *, struct folder *, struct err *);

#endif
