/*
 * One Maildir root: its folders, its marker, its lock. A plain blocking
 * library: call it from a lane. Folders are named by their paths, which are the
 * same in every layout (maildir/layout.h), and never leave the root; symbolic
 * links are followed for the root and for folder directories, not for messages.
 */
#ifndef MAILDIR_MAILDIR_H
#define MAILDIR_MAILDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "base/err.h"
#include "maildir/layout.h"

/* A directory as it was when its entries were synced; ino 0: none. */
struct maildir_durable {
	dev_t dev;
	ino_t ino;
	struct timespec changed;
};

struct maildir {
	char *root;		/* as configured */
	int fd;			/* the root directory; -1: does not exist */
	int mark_fd;		/* ROOT/.mailtern, locked; -1: none yet */
	struct layout layout;	/* as the directories lie */
	bool moving;		/* some are on their way to another layout:
				   nothing is to be believed before
				   maildir_relayout */
	/* Set after maildir_open by who only wants to know: a scan renames
	 * nothing then. */
	bool look_only;
	struct maildir_durable durable[2];	/* cur, new: by sources only */
	struct maildir_leftovers *leftovers;	/* NULL: none was noted */
};

enum maildir_root {
	ROOT_MISSING,		/* no such directory */
	ROOT_EMPTY,		/* nothing in it, no marker */
	ROOT_UNMARKED,		/* something in it, no marker */
	ROOT_MARKED,
};

/*
 * Looks, changes nothing. The marker is ROOT/.mailtern/ID.TOKEN/, an empty
 * directory. Two markers, or a malformed one: ERR_CONFIG. The layout of a root
 * that is not marked is the caller's to set; else it is the one recorded beside
 * the marker (ROOT/.mailtern/layout.NAME/), without that layout fs.
 */
struct maildir_found {
	enum maildir_root root;
	char id[33], token[33];		/* "" but for ROOT_MARKED */
};
int maildir_open(struct maildir *, const char *root, struct maildir_found *,
    struct err *);
void maildir_close(struct maildir *);		/* unlocks */

/* The file system takes names that differ in case for one, as far as ours tell:
 * without ROOT/.mailtern nobody knows. */
bool maildir_folds_case(const struct maildir *);

/* The root itself has cur, new and tmp, and is no folder in its layout: its
 * mail would lie in none. */
bool maildir_root_is_folder(const struct maildir *);

/* Makes the root (0700) and ROOT/.mailtern where missing, durably, and takes
 * the lock on it (ERR_BUSY). */
int maildir_lock(struct maildir *, struct err *);

/* Makes the marker durably, and records the layout; after maildir_lock; there
 * must be none. */
int maildir_mark(struct maildir *, const char *id, const char *token,
    struct err *);
/* Renames it to the next token, durably. */
int maildir_remark(struct maildir *, const char *id, const char *token,
    const char *next, struct err *);
/* Takes it away, durably: the root is to get another one. None is fine. */
int maildir_unmark(struct maildir *, const char *id, const char *token,
    struct err *);
/* The marker as it stands now; ERR_CONFIG when it is not id.token. */
int maildir_check_mark(struct maildir *, const char *id, const char *token,
    struct err *);

/*
 * Moves the directories of all folders to where they lie in another layout,
 * durably; nothing else changes, nor what is known of their messages. Under the
 * lock. A run that is killed leaves some in ROOT/.mailtern/moving/, from where
 * the next call takes them, whatever layout is wanted then. ERR_HELD when one
 * has no place there, when something is in the way, or lies where it can't be
 * moved from: that is looked for before anything moves. *n_out: so many moved.
 */
int maildir_relayout(struct maildir *, const struct layout *want,
    size_t *n_out, struct err *);

/* Where a folder lies, to be shown: below the root, or the root itself. Caller
 * frees. */
char *maildir_shown(const struct maildir *, const char *path);

struct maildir_folder {
	char *path;		/* of a stray one, and where no folder can
				   lie: the directory */
	bool whole;		/* has all of cur, new, tmp */
	bool broken;		/* has some of them, or is a dangling link */
	bool by_link;		/* no way without links was found */
	bool stray;		/* no folder in this layout, by its name, and
				   yet there is mail in it */
	int unread;		/* errno: it can't be entered; whether it and
				   what lies in it are folders is not known */
};

/*
 * Every directory that the layout takes for a folder and that has one of cur,
 * new, tmp, sorted by path, at most LIMIT_FOLDERS (more: ERR_IO), and every one
 * that we are not allowed to read, as what it holds would look deleted. What is
 * stray (in layout fs a name that begins with a dot, in maildir++ one that does
 * not), a lost+found in the root, and cur, new, tmp themselves are not entered;
 * a directory is entered once, under its path without links if it has one.
 * Under the lock, and unless look_only is set, one that has a cur gets its tmp
 * and new again where they are missing.
 */
int maildir_folders(struct maildir *, struct maildir_folder **out,
    size_t *n_out, struct err *);
void maildir_folders_free(struct maildir_folder *, size_t n);

/* What is at path now. */
enum maildir_there {
	THERE_WHOLE,
	THERE_BROKEN,
	THERE_BARE,		/* none of cur, new, tmp */
	THERE_GONE,		/* and the directory above exists */
	THERE_UNKNOWN,		/* that is gone as well */
};
int maildir_folder_there(struct maildir *, const char *path,
    enum maildir_there *out, struct err *);

/* Makes what is missing of it, and of the directories above it, durably. Under
 * the lock a folder appears whole or not at all. */
int maildir_folder_create(struct maildir *, const char *path, struct err *);
/* The same for many, with two syncs for all where syncfs will do. Each has its
 * own result. */
struct maildir_making {
	const char *path;		/* borrowed; those above come first */
	int result;
	struct err err;
	char scratch[33];		/* private */
};
void maildir_folders_create(struct maildir *, struct maildir_making *, size_t);
/* With all that is in it, durably; nothing may be there. ERR_STALE when there
 * is, when it is gone, or would have to lie in itself. */
int maildir_folder_rename(struct maildir *, const char *from, const char *to,
    struct err *);
/* The directory, as somebody else may have made it, and those above it, up to
 * the root: made durable. */
int maildir_folder_sync(struct maildir *, const char *path, struct err *);
/*
 * Removes an emptied folder: rmdir of tmp (old leftovers of ours are unlinked),
 * new, cur and the directory itself where nothing else is in it. Never
 * recursive. ERR_STALE when a message, or a file in tmp/ that may not be
 * unlinked, is in it. Nothing to do when it is gone.
 */
int maildir_folder_remove(struct maildir *, const char *path, struct err *);

#endif
