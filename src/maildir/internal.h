/* What the files of maildir/ share and nobody else needs. */
#ifndef MAILDIR_INTERNAL_H
#define MAILDIR_INTERNAL_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"
#include "mail/state.h"
#include "maildir/maildir.h"
#include "maildir/name.h"
#include "maildir/store.h"

#define MARK_DIR	".mailtern"
/* What a run that was killed may leave in MARK_DIR: a folder that was not in
 * place yet, a folder that was just taken away. No dot, so no marker. */
#define MAKING_PREFIX	"making-"
#define GONE_PREFIX	"gone-"
/* Folders on their way to another layout. */
#define MOVING_DIR	"moving"

/* dir.c: directories by path, and how they are read. */

/* No ".." nor other dot component, not absolute, none of cur, new, tmp. */
bool maildir_path_is_safe(const char *path);
/* No '/', no leading dot, not empty, at most MAILDIR_NAME_MAX. */
bool maildir_file_is_safe(const char *file);

/* Its directory, below the root; NULL, with ERR_IO, for what is no path. */
char *maildir_dir_of(const struct maildir *, const char *path, struct err *);

/*
 * Opens path, or path/sub; sub itself is never reached by a link. -1:
 * ERR_STALE when it is not there, else ERR_IO.
 */
int maildir_dir_open(struct maildir *, const char *path, const char *sub,
    struct err *);

/* mkdir 0700 whatever the umask; 1 when it is there already, -1 with errno. */
int maildir_dir_make(int dirfd, const char *name);

/* One reading of a directory from its start. */
struct dir_pass {
	char *buf;		/* freed by maildir_pass_release */
	size_t size;
	uint64_t bytes;		/* that the last reading brought */
	bool proven;		/* nothing can have been missed */
	int64_t wait;		/* ns; a reading before proves no more */
	uint64_t inode;		/* of the entry that comes right now */
};

struct dir_visit {
	void *arg;
	/* 0, or -1 with err set; "." and ".." do not come. */
	int (*entry)(void *arg, const char *name, unsigned char type,
	    struct err *);
};

/* stamp is what fstat said before anything was read. */
int maildir_pass_read(struct dir_pass *, int fd, const struct stat *stamp,
    const struct dir_visit *, struct err *);
/* Before the next reading: a larger buffer, so that it may take one call; where
 * that is of no use, waits until a change would be seen by the mtime. */
void maildir_pass_again(struct dir_pass *);
void maildir_pass_release(struct dir_pass *);

/*
 * fstat such that any later change of the directory moves its mtime: waits out
 * the clock tick of a change that was made just now.
 */
int maildir_dir_stamp(int fd, struct stat *out);

/* Any change moves the directory's mtime, by the kernel's own clock. */
bool maildir_stamps_are_fine(int fd);

/* Every change after the call that filled st moves its ctime. */
bool maildir_dir_is_settled(int fd, const struct stat *st);

/* The whole of a small directory; entry may come again after restart. */
int maildir_dir_list(int fd, const struct dir_visit *, void (*restart)(void *),
    struct err *);

/* To be read as it is, as far as it goes. A link at the end of the path is not
 * followed; NULL: it can't be opened. */
DIR *maildir_dir_stream(int root, const char *path);

/* name.c: made by maildir_name_new on this host; pid_out is who made it. */
bool maildir_name_is_ours(const char *file, uint64_t *pid_out);

/* look.c */
struct file_hint maildir_hint_of(const struct stat *);

/* store.c: what stat says of a file that is to go; ERR_STALE when it is not
 * there, ERR_IO when it is no regular file. fd is its directory. */
int maildir_look_removable(int fd, const struct maildir_message *,
    struct file_hint *out, struct err *);
/* Its directory opened, if it is what is known of it: ERR_STALE else. Its other
 * names in the folder are gone then. */
int maildir_open_removable(struct maildir *, const struct maildir_message *,
    const struct maildir_known *, struct err *);

/* leftover.c: what was noted of the file's unique part, and is the very file
 * that is about to go: unlinked. ERR_IO when that fails. */
int maildir_leftovers_remove(struct maildir *, const struct maildir_message *,
    const struct stat *, struct err *);
void maildir_leftovers_free(struct maildir *);

/* tmp.c */

/* Unlinks leftovers in tmp/: files of ours (but of this very process only when
 * all is set), and files older than 36 h. left_out counts what stays. */
int maildir_tmp_sweep(int fd, bool all, size_t *left_out, struct err *);
/* Nothing that is being delivered: older than 36 h. */
bool maildir_tmp_is_old(const struct stat *);

/*
 * msgfile.c: one message being written into tmp/. Wire form comes in; LF line
 * ends are stored, or the wire form itself where it has a line end that would
 * not come back.
 */
struct maildir_msgfile {
	int dirfd;		/* tmp/, the batch's */
	int fd;			/* -1: closed */
	char name[MAILDIR_NAME_MAX + 1];	/* "": not there */
	unsigned char *buf;	/* not written yet */
	size_t used;
	unsigned char last;	/* the last byte stored, 0 at first */
	bool cr;		/* a CR came that is not stored yet */
	bool raw;		/* as received */
};

/* All of it; -1 with errno. */
int maildir_write_all(int fd, const unsigned char *, size_t n);

/* These return -1 with errno; the caller then discards the file. */
int maildir_msgfile_create(struct maildir_msgfile *, int dirfd);
int maildir_msgfile_add(struct maildir_msgfile *, const void *, size_t);
int maildir_msgfile_end(struct maildir_msgfile *);	/* fd stays open */
/* Closes and unlinks; fine on one that is not there. */
void maildir_msgfile_discard(struct maildir_msgfile *);

/* attic.c */
#define ATTIC			"attic"
#define ATTIC_OPEN (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define ATTIC_COMPONENT_MAX	255
#define ATTIC_CUT_LEN		18	/* "%~" and 16 digits */
#define ATTIC_SAME_MAX		99	/* files of one name on one day */
/* What is on its way to a day of it. No day, so it is passed over. */
#define ATTIC_PART		"part"
/* Its directories, made durably where they are missing: attic/tmp/part, and
 * attic/tmp/DAY/FOLDER, of the n-th such DAY. */
struct maildir_attic;
int maildir_attic_open_part(const struct maildir_attic *, struct err *);
int maildir_attic_open_day(const struct maildir_attic *, int n, struct err *);
/* 1: that content is there under that name, durably; 0: nothing is; -1. */
struct maildir_keeping;
int maildir_attic_has(int dirfd, const struct maildir_keeping *, struct err *);
/* "2026-11-23" or "2026-11-23.1": YYYY-MM-DD. */
bool maildir_attic_is_day(const char *name);
/* Under the lock. What a killed run left on its way to the attic goes. Older
 * versions made an empty cur and new beside its tmp, which other programs took
 * for a folder: so do these. */
void maildir_attic_tidy(struct maildir *);

/* layout_mark.c: the layout as it is recorded in MARK_DIR. */
/* False: no such record. ERR_CONFIG: one that this version does not know. */
bool maildir_layout_is_mark(const char *name);
int maildir_layout_parse(const char *name, struct layout *out, struct err *);
/* What is recorded becomes this, durably. Under the lock. */
int maildir_layout_record(struct maildir *, const struct layout *,
    struct err *);

/* folder_make.c: ends what a killed run began in MARK_DIR. Under the lock. */
int maildir_folder_recover(struct maildir *, struct err *);

#endif
