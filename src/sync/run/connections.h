/* The connections beside the main one, and how many the server allows. */
#ifndef SYNC_RUN_CONNECTIONS_H
#define SYNC_RUN_CONNECTIONS_H

#include "core/run.h"

/* Index lane: how many the server allowed a run of the last day; in a
 * transaction, how many it allowed this one. */
int connections_load(struct run *, struct err *);
int connections_keep(struct run *, struct err *);

/* So many altogether, with the main one, are worth their price. */
unsigned connections_wanted(const struct run *);
/* Asks for more, up to so many altogether; the run is woken when one is there.
 * */
void connections_open(struct run *, unsigned n);
/* How many were asked for beside the main one; the i-th of these, or NULL while
 * it is not open. */
unsigned connections_count(const struct run *);
struct conn *connection(struct run *, unsigned i);

/* Closes what is open, gives up what is being opened. */
void connections_close(struct run *, bool polite);
void connections_release(struct run *);

#endif
