/*
 * First looks at the disk while the connection is made: a child task of the run
 * that takes one folder after the other.
 */
#ifndef SYNC_OBSERVE_PRESCAN_H
#define SYNC_OBSERVE_PRESCAN_H

#include "observe/observe.h"

void prescan_start(struct run *);
/* No further folder is begun. */
void prescan_stop(struct run *);
/* Index lane: 1 and what was seen of this folder, once, with the time when the
 * look began; 0: there was none; -1: it failed so. A sync that failed must not
 * be tried again silently. */
int prescan_take(struct run *, const struct index_folder *,
    struct observed_local *out, int64_t *begun_out, struct err *);
/* When the lanes are at rest: the error of a look, although its folder may not
 * have been come to. NULL: none. */
const struct err *prescan_failed(const struct run *);
void prescan_release(struct run *);

#endif
