/*
 * How the server is asked for its folders, when that has cost connections. What
 * is first used right behind the login is left out when a connection was lost
 * at it; LIST with STATUS becomes LIST, then STATUS of each; a folder at whose
 * STATUS it was lost is asked for without; and where it is LIST itself, the
 * folders are those that are known: by the index, or by what LIST told before
 * it ended. Nothing is gone because such a run has not seen it.
 */
#ifndef SYNC_RUN_LISTING_H
#define SYNC_RUN_LISTING_H

#include "core/run.h"

/* Index lane, before the login: what earlier syncs found out. */
int listing_load(struct run *, struct err *);
const struct imap_list_care *listing_care(const struct run *);
bool listing_is_by_name(const struct run *);

/* The loop. A login failed behind its password; a list did not come. */
struct imap_open;
void listing_lost_login(struct run *, const struct imap_open *);
void listing_lost(struct run *, const struct imap_list *);

/* The folders are loaded, by name: what such a run can't judge is left alone.
 * Then it is told. */
void listing_leave_unsure(struct run *);
void listing_report(struct run *);

/* Index lane, in a transaction: the sync went through. */
int listing_learn(struct run *, struct err *);
void listing_free(struct listing *);

#endif
