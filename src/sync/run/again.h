/* Whether a sync that lost its connection begins anew with another one. */
#ifndef SYNC_RUN_AGAIN_H
#define SYNC_RUN_AGAIN_H

#include "core/run.h"

/* It has failed. */
bool again_is_worth_it(struct run *);
/* What it learned goes to the next attempt of the same sync; then that learns
 * it, when its folders are known. Index lane. */
void again_hand_over(struct run *from, struct run *to);
int again_recall(struct run *, struct err *);
void again_release(struct past *);

#endif
