/* One sync, from its beginning to its end. */
#ifndef SYNC_RUN_RUN_H
#define SYNC_RUN_RUN_H

#include "core/run.h"

/* Begins a run; there must be none under way. waiter is woken when it has
 * ended and account->result is set; NULL is fine. */
void run_start(struct account *, const struct sync_options *,
    const struct sync_callbacks *, struct task *waiter);

#endif
