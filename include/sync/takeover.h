/*
 * What another program last agreed on with the server becomes the base of an
 * account that mailtern has not synced yet: so what either side changed since
 * then is a change, and goes the right way. Blocking, and without the network;
 * neither the Maildir nor anything of the other program is touched.
 *
 * Taken over is what is proven on disk: a pair whose file is there under the
 * number that the other program gave it, and a pair whose file two complete
 * scans lack, of a directory that was written to since that was recorded: one
 * that was not is older, as a backup is, and lost nothing. All else is left to
 * be merged by content, which deletes nothing: numbers that two files have; and
 * a file that came into the folder, or was renamed there, since the other
 * program last wrote its state, where another folder lacks one of that number:
 * it may be that one, moved.
 *
 * A pair that was taken over counts as likely (design section 3): the body
 * proves it before anything is removed on its account.
 */
#ifndef SYNC_TAKEOVER_H
#define SYNC_TAKEOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct conf_account;

struct takeover_pair {
	uint32_t uid;		/* on the server, not 0 */
	uint32_t near;		/* the number of its file, not 0 */
	unsigned flags;		/* FLAG_*, that both sides had */
};

/* Borrowed. A UID, or a number, that stands in two pairs decides nothing. */
struct takeover_folder {
	const char *name;	/* UTF-8, '/' between */
	const char *path;	/* its directory, below the root */
	const char *mark;	/* only files that have this in their name are
				   numbered; NULL: all */
	uint64_t uidvalidity;	/* of the server; 0: nothing is known of it, and
				   the first sync asks if it has files */
	const struct takeover_pair *pair;
	size_t n;
	int64_t written;	/* ns: when that was recorded */
};

struct takeover {
	const char *from;	/* the other program */
	/* The number in a file's name; 0: none. */
	uint32_t (*near_of)(const char *file);
	const struct takeover_folder *folder;
	size_t n;
	/* There are directories that only the server's list tells the folders
	 * of: the first sync asks before it does anything. */
	bool asks;
};

struct takeover_result {
	uint64_t agreed;	/* pairs whose file is there */
	uint64_t gone;		/* pairs whose file was deleted since */
	uint64_t merged;	/* pairs that are left to be merged */
	uint64_t files;		/* that belong to none: new here, or merged */
	/* The first sync asks (--adopt): for that, or as so many files are
	 * alone. */
	bool asks;
};

/*
 * Into the index of the account, which is made. ERR_HELD: it was synced
 * already, or its Maildir is not there; ERR_BUSY: another mailtern is at work.
 * Done again before the first sync, it begins anew.
 */
int sync_takeover(const struct conf_account *, const char *state_dir,
    const struct takeover *, struct takeover_result *, struct err *);

#endif
