/* Reads, re-flags and removes single messages. */
#ifndef MAILDIR_STORE_H
#define MAILDIR_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "mail/fingerprint.h"
#include "mail/state.h"
#include "maildir/maildir.h"
#include "maildir/name.h"

/* A message file where it was last seen. */
struct maildir_message {
	const char *path;	/* of the folder */
	bool in_new;
	const char *file;
};

/*
 * A message's bytes in wire form (every line end CRLF). ERR_STALE when the file
 * is not there under that name; not a regular file, or unreadable: ERR_IO;
 * larger than any message can be: ERR_REFUSED, before it is read.
 * mtime_out is in seconds.
 */
struct maildir_source;
int maildir_source_open(struct maildir *, const struct maildir_message *,
    struct maildir_source **out, int64_t *mtime_out, struct err *);
/* Up to n bytes; 0 at the end; -1 error. */
ssize_t maildir_source_read(struct maildir_source *, void *, size_t n,
    struct err *);
/* ERR_STALE when it changed since it was opened. */
int maildir_source_unchanged(const struct maildir_source *, struct err *);
/* Bytes and name made durable: fsync of the file, and of its directory unless
 * that was done and nothing changed there since. By one thread at a time. */
int maildir_source_sync(struct maildir_source *, struct err *);
void maildir_source_close(struct maildir_source *);
/*
 * For n messages of the folder, before they are opened: true when bytes and
 * names of all are durable by one syncfs. False where an fsync each is cheaper,
 * or when that failed: then maildir_source_sync has to tell, for each.
 */
bool maildir_sync_many(struct maildir *, const char *path, size_t n);

/* The file itself, for reading; *fd_out is the caller's. Errors as above. */
int maildir_message_open(struct maildir *, const struct maildir_message *,
    int *fd_out, struct err *);

/* Reads the whole file. ERR_STALE also when it changed meanwhile. */
int maildir_fingerprint(struct maildir *, const struct maildir_message *,
    struct fingerprint *out, int64_t *mtime_out, struct err *);

/* Where a message is from now on. */
struct maildir_renamed {
	bool in_new;
	char file[MAILDIR_NAME_MAX + 1];
};

/*
 * Renames so that it carries flags (foreign letters kept); from new/ to cur/
 * when a flag is set. A name that says so already is left as it is. Where flags
 * find no room, a name with a shorter unique part is made. ERR_STALE
 * when the file is not there under that very name, or the target exists. The
 * directories are not synced yet: maildir_sync_folder.
 */
int maildir_set_flags(struct maildir *, const struct maildir_message *,
    unsigned flags, struct maildir_renamed *out, struct err *);

/*
 * Another unique part, for a file whose name a message has already: the letters
 * and the directory stay. The new name goes to file_out. Errors and durability
 * as with maildir_set_flags.
 */
int maildir_rename_fresh(struct maildir *, const struct maildir_message *,
    char file_out[MAILDIR_NAME_MAX + 1], struct err *);

/* What is known of a file that is to go. */
struct maildir_known {
	/* ERR_STALE where stat says otherwise and the content is not the same;
	 * one that is not known passes. */
	struct file_hint hint;
	bool has_content;
	unsigned form;			/* as fingerprint_is takes both */
	uint8_t content[32];
};

/*
 * unlink; ERR_STALE when it is not there under that very name, or not what is
 * known of it (NULL: nothing): somebody edited it. Where only stat differs (a
 * copy that was put back) it is read.
 */
int maildir_remove_known(struct maildir *, const struct maildir_message *,
    const struct maildir_known *, struct err *);

/*
 * Who renames by a link and is interrupted leaves the message under two names.
 * A scan that meets the second one notes it: so it goes together with the first
 * when that is removed, and is no message that is left then.
 */
void maildir_note_leftover(struct maildir *, const char *path,
    const char *file);

/* fsync of new/ and cur/. */
int maildir_sync_folder(struct maildir *, const char *path, struct err *);

#endif
