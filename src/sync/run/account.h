/* What an account keeps open, and its end. */
#ifndef SYNC_RUN_ACCOUNT_H
#define SYNC_RUN_ACCOUNT_H

#include "core/run.h"

/*
 * Closes what is open: the session (with a LOGOUT when polite), then, behind
 * what is posted on the lanes, index and Maildir. t is woken when that is done
 * (a->close_job). Twice is once.
 */
void account_shut(struct account *, struct task *t, bool polite);

#endif
