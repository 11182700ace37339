/* What is to be done with a folder. */
#ifndef SYNC_RUN_FOLDER_READY_H
#define SYNC_RUN_FOLDER_READY_H

#include "core/pass.h"

/* Index lane: counts it, and takes a token before any of it is done. Both sides
 * have the folder from then on, where they do. */
int folder_ready_work(struct pass *, struct err *);

#endif
