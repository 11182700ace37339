/* The state of OfflineIMAP: one SQLite file a folder, which is only read. */
#ifndef INDEX_STATUS_H
#define INDEX_STATUS_H

#include <stdint.h>

#include "base/err.h"

/*
 * Calls row for each message that both sides had: its UID, and the letters of
 * its flags. No lock is taken, and no journal looked at: nobody may write to
 * the file. ERR_CONFIG: it is not what OfflineIMAP writes.
 */
struct index_status_visit {
	void (*row)(void *arg, int64_t uid, const char *letters);
	void *arg;
};
int index_status_read(const char *path, const struct index_status_visit *,
    struct err *);

#endif
