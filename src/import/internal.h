/* What the files of import share. Nobody outside src/import sees this. */
#ifndef IMPORT_INTERNAL_H
#define IMPORT_INTERNAL_H

#include "import/found.h"
#include "import/mbsync_account.h"
#include "maildir/maildir.h"

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

/* Says what a password needs, where nothing encrypts. */
void import_note_cleartext(struct import_account *);
/* Lower case and what else syncrc wants; not empty. Caller frees. */
char *import_account_name(const char *from);
/* Each `from` becomes `to`. Caller frees. */
char *import_replaced(const char *text, const char *from, const char *to);
/* The name of a folder that may stand in modified UTF-7. Caller frees. */
char *import_plain_name(const char *name);

/*
 * file.c. The whole file behind what out has; when it was written (ns), or
 * NULL. ERR_STALE: there is none.
 */
int import_read_file(const char *path, struct buf *out, int64_t *written_out,
    struct err *);
/*
 * Calls folder for the path of each folder of the account's Maildir, until it
 * returns -1. What hinders is noted; ERR_HELD: the Maildir does not exist.
 */
struct import_visit {
	void *arg;
	int (*folder)(void *arg, const char *path, struct err *);
};
int import_folders(struct import_account *, const struct import_visit *,
    struct err *);
/* A folder more, with copies of both; the rest of it is zeroed, which says that
 * nothing is known of it. */
struct takeover_folder *import_add_folder(struct import_entry *,
    const char *name, const char *path);
/* mbsync_base.c: what mbsync agreed on, and what it noted with the account. */
int mbsync_base_read(struct mbsync_account *, struct import_entry *out,
    struct err *);
/*
 * "$VARIABLE/tail", or home/instead/tail without that variable; where nothing
 * is there, home/old. Caller frees.
 */
struct import_place {
	const char *variable, *instead, *tail, *old;
};
char *import_find(const struct import_place *, const char *home);
/* The directory of a file, absolute where that is to be had. */
char *import_directory_of(const char *path);
/* Some process holds a lock (fcntl; flock) on it. */
bool import_is_locked(const char *path);
bool import_is_flocked(const char *path);
/* When it was written (ns); false: it is not there. */
bool import_written(const char *path, int64_t *out);
/* There is a file of that name with the tail behind it. */
bool import_has_beside(const char *path, const char *tail);

#endif
