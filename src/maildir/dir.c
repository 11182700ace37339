/* Directories by their path, and whether a reading of one can be trusted. */
#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/os.h"
#include "base/str.h"
#include "maildir/name.h"

#define PASS_FIRST	(32u << 10)
#define PASS_MAX	(16u << 20)	/* about 200,000 names */
#define LIST_TRIES	4

#define NS		INT64_C(1000000000)
#define TICK		(NS / 100)	/* coarsest kernel clock: HZ = 100 */
#define COARSE		(2 * NS)	/* stamps of other file systems */

bool
maildir_path_is_safe(const char *path)
{
	for (const char *p = path;; p++) {
		struct span part = { p, strcspn(p, "/") };

		if (part.n == 0 || *p == '.' || span_eq(part, "cur") ||
		    span_eq(part, "new") || span_eq(part, "tmp"))
			return false;
		p += part.n;
		if (*p == '\0')
			return true;
	}
}

char *
maildir_dir_of(const struct maildir *m, const char *path, struct err *err)
{
	char *dir = maildir_path_is_safe(path) ? layout_dir(&m->layout, path) :
	    NULL;

	if (dir == NULL)
		err_set(err, ERR_IO, "not a folder's path: %s", path);
	return dir;
}

char *
maildir_shown(const struct maildir *m, const char *path)
{
	char *dir = layout_dir(&m->layout, path);

	if (dir == NULL)
		return xstrdup(path);
	if (strcmp(dir, ".") != 0)
		return dir;
	free(dir);
	return xstrdup(m->root);
}

bool
maildir_file_is_safe(const char *file)
{
	return file[0] != '\0' && file[0] != '.' &&
	    strchr(file, '/') == NULL && strlen(file) <= MAILDIR_NAME_MAX;
}

static int
dir_open_error(const char *path, const char *dir, struct err *err)
{
	if (errno == ENOENT)
		return err_set(err, ERR_STALE, "folder %s: no directory %s",
		    path, dir);
	return err_errno(err, ERR_IO, "folder %s: can't open %s", path, dir);
}

int
maildir_dir_open(struct maildir *m, const char *path, const char *sub,
    struct err *err)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC, fd;
	char *dir = maildir_dir_of(m, path, err), *whole;

	if (dir == NULL)
		return -1;
	whole = sub == NULL ? xstrdup(dir) : xasprintf("%s/%s", dir, sub);
	free(dir);
	if (m->fd < 0)
		fd = err_set(err, ERR_STALE, "folder %s: no directory %s",
		    path, m->root);
	else if ((fd = openat(m->fd, whole, sub == NULL ? flags :
	    flags | O_NOFOLLOW)) < 0)
		fd = dir_open_error(path, whole, err);
	free(whole);
	return fd;
}

int
maildir_dir_make(int dirfd, const char *name)
{
	struct stat st;

	if (mkdirat(dirfd, name, 0700) < 0)
		return errno == EEXIST ? 1 : -1;
	/* chmod takes an inherited setgid away: only where it is needed. */
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if ((st.st_mode & 0777) != 0700 && S_ISDIR(st.st_mode))
		return fchmodat(dirfd, name, 0700, 0);
	return 0;
}

static int64_t
now_ns(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * NS + t.tv_nsec;
}

bool
maildir_stamps_are_fine(int fd)
{
	return os_fs_kind(fd) == OS_FS_LOCAL;
}

int
maildir_dir_stamp(int fd, struct stat *out)
{
	int64_t age;

	if (fstat(fd, out) < 0)
		return -1;
	age = now_ns() - fs_mtime_ns(out);
	if (age < 0 || age >= TICK)
		return 0;
	nanosleep(&(struct timespec){ .tv_nsec = (long)(TICK - age) }, NULL);
	return fstat(fd, out);
}

static bool
is_unmoved(int fd, const struct stat *stamp)
{
	struct stat st;

	return fstat(fd, &st) == 0 && fs_mtime_ns(&st) == fs_mtime_ns(stamp);
}

/* Local, and not so young that a change could leave the ctime as it is. */
bool
maildir_dir_is_settled(int fd, const struct stat *st)
{
	int64_t changed = (int64_t)os_ctime(st).tv_sec * NS;

	return maildir_stamps_are_fine(fd) && now_ns() - changed > COARSE + NS;
}

/*
 * An mtime that stood still proves something only when a change would have
 * moved it: when it was not set just before, as coarsely as it is kept. Whole
 * seconds are all that small inodes of ext4 hold.
 */
static bool
stood_still(struct dir_pass *pass, int fd, const struct stat *stamp,
    int64_t began)
{
	int64_t age = began - fs_mtime_ns(stamp);
	bool fine = os_mtime(stamp).tv_nsec != 0 && maildir_stamps_are_fine(fd);
	int64_t grain = fine ? TICK : COARSE;

	if (age < grain && age > -grain)
		pass->wait = grain - age;
	return is_unmoved(fd, stamp) && pass->wait == 0;
}

/* For pass_entry: where what comes goes. */
struct pass_reading {
	struct dir_pass *pass;
	const struct dir_visit *visit;
	struct err *err;
};

static int
pass_entry(void *arg, const struct os_entry *e)
{
	struct pass_reading *r = arg;

	r->pass->inode = e->inode;
	return r->visit->entry(r->visit->arg, e->name, e->type, r->err) < 0;
}

/* Whether nothing can have been missed. */
static bool
pass_proves(struct dir_pass *pass, int fd, const struct stat *stamp,
    bool at_once, int64_t began)
{
	/* Others change it between what the kernel asks of them, several times
	 * for one call. */
	return at_once ? os_fs_kind(fd) != OS_FS_SHARED ||
	    is_unmoved(fd, stamp) : stood_still(pass, fd, stamp, began);
}

int
maildir_pass_read(struct dir_pass *pass, int fd, const struct stat *stamp,
    const struct dir_visit *visit, struct err *err)
{
	struct pass_reading to = { pass, visit, err };
	struct os_reading reading;
	int64_t began = now_ns();
	int r;

	if (pass->buf == NULL) {
		pass->size = PASS_FIRST;
		pass->buf = xmalloc(pass->size);
	}
	pass->proven = false;
	pass->wait = 0;
	reading = (struct os_reading){ pass->buf, pass->size, 0, false };
	r = os_dir_read(fd, &reading, pass_entry, &to);
	pass->bytes = reading.bytes;
	if (r > 0)
		return -1;
	if (r < 0 && errno == ENOENT)
		return err_set(err, ERR_STALE, "the directory is gone");
	if (r < 0)
		return err_errno(err, ERR_IO, "can't read the directory");
	pass->proven = pass_proves(pass, fd, stamp, reading.at_once, began);
	return 0;
}

void
maildir_pass_again(struct dir_pass *pass)
{
	uint64_t want = pass->bytes + pass->bytes / 4 + PASS_FIRST;

	if (want > PASS_MAX)
		want = PASS_MAX;
	if (want <= pass->size) {
		nanosleep(&(struct timespec){ .tv_sec = pass->wait / NS,
		    .tv_nsec = (long)(pass->wait % NS) }, NULL);
		return;
	}
	free(pass->buf);
	pass->size = (size_t)want;
	pass->buf = xmalloc(pass->size);
}

void
maildir_pass_release(struct dir_pass *pass)
{
	free(pass->buf);
	*pass = (struct dir_pass){ 0 };
}

int
maildir_dir_list(int fd, const struct dir_visit *visit,
    void (*restart)(void *), struct err *err)
{
	struct dir_pass pass = { 0 };
	struct stat stamp;
	int r = 0;

	for (int i = 0; i < LIST_TRIES && r == 0 && !pass.proven; i++) {
		if (i > 0) {
			restart(visit->arg);
			maildir_pass_again(&pass);
		}
		if (fstat(fd, &stamp) < 0)
			r = err_errno(err, ERR_IO, "can't read the directory");
		else
			r = maildir_pass_read(&pass, fd, &stamp, visit, err);
	}
	if (r == 0 && !pass.proven)
		r = err_set(err, ERR_STALE, "the directory keeps changing");
	maildir_pass_release(&pass);
	return r;
}

DIR *
maildir_dir_stream(int root, const char *path)
{
	int fd = openat(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir == NULL && fd >= 0)
		close(fd);
	return dir;
}
