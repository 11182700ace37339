/*
 * What LIST leaves open: a folder that it lacks is asked for by its name before
 * anybody believes that it is gone, and so is INBOX. And whether the server
 * takes names that differ in case for one, where a directory is new beside a
 * folder that it has.
 */
#ifndef SYNC_OBSERVE_FOLDER_PROOF_H
#define SYNC_OBSERVE_FOLDER_PROOF_H

#include "core/pass.h"

/* *again: the server folds case, and now that this is known the folders are to
 * be loaded anew. */
void folder_proof_start(struct conn *, bool *again, struct pass_result *);

#endif
