/*
 * Where removed messages wait before they are really gone:
 *
 *	ROOT/.mailtern/attic/tmp/YYYY-MM-DD/FOLDER/FILE
 *
 * The day (UTC) of the removal; the folder's path with "%2F" for '/' and "%25"
 * for '%' (over 255 bytes: cut, with "%~" and 16 hex digits behind it); the
 * name that the file had. A second file of that name goes to YYYY-MM-DD.1, and
 * so on. Nothing in there is called cur or new, so no program takes it for a
 * folder. Under the lock, but for what is read.
 */
#ifndef MAILDIR_ATTIC_H
#define MAILDIR_ATTIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "maildir/maildir.h"
#include "maildir/store.h"

/* One folder's place in it, for one batch. */
struct maildir_attic {
	struct maildir *m;
	char *path;		/* of the folder */
	char day[16];
	int fd;			/* attic/tmp/DAY/FOLDER */
	bool used;
};

/* now: seconds since the epoch, for the day. Nothing is made yet. */
void maildir_attic_init(struct maildir_attic *, struct maildir *,
    const char *path, int64_t now);
/*
 * As maildir_remove_known, but the file is moved. It is not durable yet: the
 * attic's side by maildir_attic_sync first, then the folder's by
 * maildir_sync_folder. ERR_IO when the attic can't take it; it stays then.
 */
int maildir_put_away(struct maildir_attic *, const struct maildir_message *,
    const struct maildir_known *, struct err *);
int maildir_attic_sync(struct maildir_attic *, struct err *);
void maildir_attic_release(struct maildir_attic *);

/*
 * Unlinks what was put away before that time (wall-clock seconds), by the name
 * of its day and by its own ctime, at most max files; *left_out: there is more
 * to do. max 0 only asks: *left_out says whether a day of the attic is that
 * old. Follows no link and touches nothing deeper than FILE.
 */
int maildir_attic_expire(struct maildir *, int64_t before, size_t max,
    bool *left_out, struct err *);

/* A file that was put away. Names are borrowed, for the call. */
struct maildir_attic_entry {
	const char *day;	/* YYYY-MM-DD, with or without ".N" */
	const char *dir;	/* FOLDER, as it is called there */
	const char *folder;	/* its path; NULL: the name was cut, and can
				   stand for several */
	const char *file;
	int64_t size;		/* octets, as stored */
	int64_t mtime;		/* seconds */
};

/*
 * Calls entry for each file in the attic, the oldest day first, and within a
 * day one folder after the other, until it returns -1; then -1 with the error
 * it set in err. Needs no lock, and little memory however much there is: what
 * is put away or expires meanwhile may come or not. Links are not followed, and
 * what is not named as above is passed over. What can't be read is no reason
 * to keep back the rest: ERR_IO at the end.
 */
struct maildir_attic_visit {
	void *arg;
	int (*entry)(void *arg, const struct maildir_attic_entry *,
	    struct err *);
};
int maildir_attic_list(struct maildir *, const struct maildir_attic_visit *,
    struct err *);
/* What one of them holds. Errors as below. */
int maildir_attic_fingerprint(struct maildir *,
    const struct maildir_attic_entry *, struct fingerprint *out, struct err *);
/* One of them, for reading: ERR_STALE when it is gone. Needs no lock. */
int maildir_attic_open(struct maildir *, const struct maildir_attic_entry *,
    int *fd_out, struct err *);

#endif
