/*
 * Files made durable. All functions work relative to a directory descriptor
 * and never follow a symbolic link in the last component. Errors are ERR_IO
 * and name the path.
 */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"

/* How many syncs of files and file systems were made so far; any thread. */
uint64_t fs_syncs(void);
/* Counts one made elsewhere (the index). */
void fs_count_sync(void);

int fs_sync(int fd, const char *what, struct err *);	/* os_sync */
int fs_sync_all(int fd, const char *what, struct err *); /* os_sync_fs */

/*
 * mkdir -p below dirfd, 0700; each new directory's parent is fsynced. An
 * existing directory may be reached by a link; nothing is made behind a
 * dangling one.
 */
int fs_make_dirs(int dirfd, const char *path, struct err *);

/* Opens a directory (O_DIRECTORY|O_CLOEXEC, following links: roots may be). */
int fs_open_dir(int dirfd, const char *path, struct err *);

/*
 * Takes an exclusive flock on an open descriptor without waiting. ERR_BUSY
 * "another mailtern is at work on WHAT" when somebody has it.
 */
int fs_lock(int fd, const char *what, struct err *);

/* Renames without replacing (os_rename_new). ERR_STALE when from is gone or to
 * exists. */
int fs_rename_new(int fromfd, const char *from, int tofd, const char *to,
    struct err *);

/* os_mtime in nanoseconds since the epoch. */
int64_t fs_mtime_ns(const struct stat *);

/* Expands a leading "~/" or "~" with $HOME, or without one from the
 * password database. Caller frees. */
char *fs_expand_home(const char *path);

#endif
