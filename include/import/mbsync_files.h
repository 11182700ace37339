/*
 * Reads mbsync's files, and writes none: its configuration, and for each folder
 * on disk what it last agreed on.
 */
#ifndef IMPORT_MBSYNC_FILES_H
#define IMPORT_MBSYNC_FILES_H

#include "import/mbsync_account.h"
#include "sync/takeover.h"

/*
 * The accounts of path; NULL: where mbsync looks for it. *path_out is what was
 * read, and the caller's.
 */
int mbsync_read(const char *path, char **path_out,
    struct mbsync_account **out, size_t *n_out, struct err *);

struct mbsync_base {
	struct takeover t;
	struct takeover_folder *folder;	/* of t */
	size_t cap;
};

/*
 * Of all folders on disk that a channel has. What can't be taken over is noted
 * with the account. ERR_BUSY: mbsync is at work; ERR_HELD: its last run was cut
 * off, and it has to finish that first.
 */
int mbsync_base_read(struct mbsync_account *, struct mbsync_base *out,
    struct err *);
void mbsync_base_release(struct mbsync_base *);

#endif
