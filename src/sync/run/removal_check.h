/* Index lane. */
#ifndef SYNC_RUN_REMOVAL_CHECK_H
#define SYNC_RUN_REMOVAL_CHECK_H

#include "core/run.h"

/* Counts the removals of the account, asks the guard and sets
 * run->hold_remove_*; a later check in the same run may only hold more. */
int removal_check(struct run *, struct err *);
/* Rows that both sides lost by themselves go. */
int removals_forget(struct run *, struct err *);

#endif
