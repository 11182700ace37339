/* The log of an account, read by who tells it and by who takes back. */
#ifndef SYNC_RUN_HISTORY_H
#define SYNC_RUN_HISTORY_H

#include <stdbool.h>

#include "index/log.h"
#include "sync/history.h"

/* A message was removed, from disk or from the server. */
bool history_is_removal(const struct index_log_entry *);

/* Calls entry for each that is wanted, until it returns -1. */
struct history_visit {
	void *arg;
	int (*entry)(void *arg, struct index_log_entry *, struct err *);
};
int history_each(struct index *, const struct sync_log_query *,
    const struct history_visit *, struct err *);

#endif
