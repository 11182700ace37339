/* Files and directories: synced, made, locked, renamed over nothing. */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/os.h"

static _Atomic uint64_t sync_count;

uint64_t
fs_syncs(void)
{
	return atomic_load(&sync_count);
}

void
fs_count_sync(void)
{
	atomic_fetch_add(&sync_count, 1);
}

/*
 * EINTR says that nothing was decided. Any other failure may have dropped the
 * dirty pages, so that asking again would lie: the caller discards its batch.
 */
int
fs_sync(int fd, const char *what, struct err *err)
{
	int r;

	fs_count_sync();
	do
		r = os_sync(fd);
	while (r < 0 && errno == EINTR);
	return r == 0 ? 0 : err_errno(err, ERR_IO, "can't sync %s", what);
}

int
fs_sync_all(int fd, const char *what, struct err *err)
{
	int r;

	fs_count_sync();
	do
		r = os_sync_fs(fd);
	while (r < 0 && errno == EINTR);
	return r == 0 ? 0 :
	    err_errno(err, ERR_IO, "can't sync the file system of %s", what);
}

/* parent may be good for nothing but passing through (os_open_search). */
static int
fs_sync_parent(int parent, const char *path, struct err *err)
{
	int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return err_errno(err, ERR_IO,
		    "can't open the directory above %s", path);
	r = fs_sync(fd, path, err);
	close(fd);
	return r;
}

/*
 * The directory name in parent, made if it is missing, opened to pass through:
 * a home may have directories above it that one may pass but not read.
 */
static int
fs_enter_dir(int parent, const char *name, const char *path, struct err *err)
{
	int fd = os_open_search(parent, name);

	if (fd >= 0)
		return fd;
	if (errno != ENOENT)
		return err_errno(err, ERR_IO, "can't enter %s in %s", name,
		    path);
	if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return err_errno(err, ERR_IO, "can't make directory %s", path);
	if (fs_sync_parent(parent, path, err) < 0)
		return -1;
	fd = os_open_search(parent, name);
	if (fd < 0)
		return err_errno(err, ERR_IO, "can't enter %s in %s", name,
		    path);
	return fd;
}

int
fs_make_dirs(int dirfd, const char *path, struct err *err)
{
	const char *start = path[0] == '/' ? "/" : ".", *p = path;
	int fd = os_open_search(dirfd, start);
	int r = fd < 0 ? err_errno(err, ERR_IO, "can't make %s", path) : 0;

	while (r == 0 && *(p += strspn(p, "/")) != '\0') {
		size_t n = strcspn(p, "/");
		char *name = xstrndup(p, n);
		int next = fs_enter_dir(fd, name, path, err);

		free(name);
		close(fd);
		fd = next;
		r = next < 0 ? -1 : 0;
		p += n;
	}
	if (fd >= 0)
		close(fd);
	return r;
}

int
fs_open_dir(int dirfd, const char *path, struct err *err)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, ERR_IO, "can't open directory %s", path);
	return fd;
}

int
fs_lock(int fd, const char *what, struct err *err)
{
	int r;

	do
		r = flock(fd, LOCK_EX | LOCK_NB);
	while (r < 0 && errno == EINTR);
	if (r < 0 && errno == EWOULDBLOCK)
		return err_set(err, ERR_BUSY,
		    "another mailtern is at work on %s", what);
	return r == 0 ? 0 : err_errno(err, ERR_IO, "can't lock %s", what);
}

int
fs_rename_new(int fromfd, const char *from, int tofd, const char *to,
    struct err *err)
{
	struct stat st;

	if (os_rename_new(fromfd, from, tofd, to) == 0)
		return 0;
	if (errno == EEXIST)
		return err_set(err, ERR_STALE, "%s exists already", to);
	/* ENOENT may also mean the directory of the new name. */
	if (errno == ENOENT &&
	    fstatat(fromfd, from, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return err_set(err, ERR_STALE, "%s is gone", from);
	}
	return err_errno(err, ERR_IO, "can't rename %s to %s", from, to);
}

/* Saturates: a file may claim any year. */
int64_t
fs_mtime_ns(const struct stat *st)
{
	const int64_t second = 1000000000;
	struct timespec t = os_mtime(st);
	int64_t ns;

	if (__builtin_mul_overflow((int64_t)t.tv_sec, second, &ns) ||
	    __builtin_add_overflow(ns, (int64_t)t.tv_nsec, &ns))
		return t.tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

char *
fs_expand_home(const char *path)
{
	const char *home = getenv("HOME");
	struct passwd *pw;

	if (path[0] != '~' || (path[1] != '/' && path[1] != '\0'))
		return xstrdup(path);
	if (home == NULL || home[0] == '\0') {
		pw = getpwuid(getuid());
		home = pw != NULL ? pw->pw_dir : NULL;
	}
	return home != NULL ? xasprintf("%s%s", home, path + 1) : xstrdup(path);
}
