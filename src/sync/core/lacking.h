/*
 * Flags that a folder of the server does not store, although it says that it
 * can: what was answered OK twice and never shown, or refused. They are kept as
 * facts of the folder until what it says changes, or a month has passed. Index
 * lane.
 */
#ifndef SYNC_CORE_LACKING_H
#define SYNC_CORE_LACKING_H

#include "core/run.h"

/* Of all folders, as the index has it. */
int lacking_load(struct run *, struct err *);
/* In a transaction: of these flags and keywords, with a note. */
int lacking_learn(struct run *, struct folder *, unsigned flags,
    const char *keywords, struct err *);
/* In a transaction: what the server can't hold of the row is told, once for
 * each flag. Of \Seen there is an issue (run/unread.c). */
int lacking_tell(struct run *, const struct folder *, const struct place *,
    struct err *);
/* In a transaction: nothing is known. */
int lacking_forget(struct run *, struct folder *, struct err *);

#endif
