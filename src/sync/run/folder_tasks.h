/*
 * The connections of an account, and what works with each: a hand takes a
 * folder, brings both sides' additions and changes over, and takes the next.
 * The main connection has a hand from the start; others are opened where there
 * is enough to do for them.
 */
#ifndef SYNC_RUN_FOLDER_TASKS_H
#define SYNC_RUN_FOLDER_TASKS_H

#include "core/internal.h"

/* Each folder in turn, by all hands; goes on with after. A step of the
 * account's. */
enum task_result folder_tasks_begin(struct account *, task_step *after);
/* Of all but the main connection: closes what is open, gives up what is being
 * opened. */
void connections_close(struct account *, bool polite);
void folder_tasks_release(struct account *);
/* Some hand is at a folder: more may come for the disk. */
bool folder_tasks_are_busy(const struct account *);
/* Index lane: how many connections the server allowed a run of the last day, and
 * in a transaction, this one. What is done by hands says nothing (work_tells):
 * several do it at a time. */
int connections_load(struct account *, struct err *);
int connections_keep(struct account *, struct err *);

/* account.c: opens one more connection to the account's server. */
void conn_open_start(struct account *, struct imap_open *);

#endif
