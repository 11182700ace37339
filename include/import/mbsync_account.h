/*
 * What mbsync's configuration means for mailtern: each pair of an IMAP store
 * and a Maildir store that channels connect is an account.
 */
#ifndef IMPORT_MBSYNC_ACCOUNT_H
#define IMPORT_MBSYNC_ACCOUNT_H

#include "import/account.h"
#include "import/mbsync.h"

/* Where things are that the file does not name. All absolute. */
struct mbsync_env {
	const char *home;
	const char *dir;	/* that relative paths begin at */
	const char *state;	/* of SyncState by default, with its '/' */
	const char *path;	/* of the file, for sentences */
};

struct mbsync_channel {
	char *name;
	char *far, *near;	/* a box; with patterns, what stands before
				   each */
	bool patterns;
	/* "*": in the box; else what stands before its name. */
	char *state;
	bool state_is_own;	/* of this channel: the name is the box alone */
};

struct mbsync_account {
	struct import_account a;
	char *far_store, *near_store;
	char *inbox;		/* its directory, below a.maildir */
	char *flatten;		/* between levels on disk; NULL: '/' */
	struct mbsync_channel *channel;
	size_t n, cap;
};

/* ERR_CONFIG where it is not as mbsync reads it, or connects no such stores. */
int mbsync_accounts(const struct mbsync_rc *, const struct mbsync_env *,
    struct mbsync_account **out, size_t *n_out, struct err *);
void mbsync_accounts_free(struct mbsync_account *, size_t n);

/*
 * The folder that a directory below the Maildir is: its name for mailtern, and
 * the file with what was last agreed on. NULL: no channel has it. Both are the
 * caller's.
 */
char *mbsync_folder_of(const struct mbsync_account *, const char *path,
    char **state_out);

#endif
