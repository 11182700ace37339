/* What the files of import share. Nobody outside src/import sees this. */
#ifndef IMPORT_INTERNAL_H
#define IMPORT_INTERNAL_H

#include "import/mbsync_account.h"

/* Accounts in the making: what is read, and the channel in turn. */
struct making {
	const struct mbsync_rc *rc;
	const struct mbsync_env *env;
	struct mbsync_account *all;
	size_t n, cap;
	const struct mbsync_section *channel, *imap, *maildir;
	const char *name;		/* of the channel */
	struct mbsync_account *a;	/* that it belongs to */
};

/* mbsync_store.c: fills an account with what its two stores say. */
int mbsync_stores_read(struct making *, struct err *);
/* Absolute; "~" is filled in. Caller frees. */
char *mbsync_path(const struct mbsync_env *, const char *path);

/* The name of a folder that may stand in modified UTF-7. Caller frees. */
char *import_plain_name(const char *name);

/*
 * file.c. The whole file behind what out has; when it was written (ns), or
 * NULL. ERR_STALE: there is none.
 */
int import_read_file(const char *path, struct buf *out, int64_t *written_out,
    struct err *);
/* Some process holds a lock (fcntl) on it. */
bool import_is_locked(const char *path);

#endif
