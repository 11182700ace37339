/* Which file is which message (design section 3). */
#ifndef SYNC_MATCH_MATCH_H
#define SYNC_MATCH_MATCH_H

#include "core/pass.h"

/* The header fields that identity leaves out, in the longest form expected. */
#define FIELDS_LEFT_OUT	2000u

/* digest.c: contents of unknown files. pair.c: match step 2, before anything is
 * transferred. */
pass_starter digest_start;
pass_starter pair_start;
/* uploaded.c: behind a look, where the folder has uploads. */
pass_starter uploaded_start;
/* Index lane, in a transaction: an upload that was answered is nowhere to be
 * seen. By the name that stays when flags change. */
int record_not_shown(struct run *, struct folder *, const struct place *,
    struct err *);

/*
 * join.c, index lane, in a transaction. Match step 2: an unpaired file of p's
 * folder with p's content, if there is one, becomes p's, whose row is written.
 * 1, 0, -1.
 */
int join_local(struct index *, struct place *p, struct err *);
/* The same with the file of known, whose row goes. */
int join_known(struct index *, struct place *p, struct place *known,
    struct err *);
/* A message that was deleted on disk before the server's UIDs came to mean
 * nothing, with p's content: p is to be removed. 1, 0, -1. */
int join_vanished(struct index *, struct place *p, struct err *);

#endif
