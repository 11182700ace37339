/* Files that share a message of the server. */
#ifndef SYNC_MATCH_TWINS_H
#define SYNC_MATCH_TWINS_H

#include "index/place.h"

/* In a transaction, when both sides have been looked at. 1: a message has
 * another file now, whose flags may differ; 0, -1. */
int twins_settle(struct index *, int64_t folder, struct err *);
/* The server has one more message with p's content: it becomes that of a twin
 * in p's folder. 1, 0, -1; p's row is written. */
int twin_join(struct index *, struct place *p, struct err *);

#endif
