/*
 * What lies in the attic, told as it is read: nothing is kept but one page of
 * directory entries a level, and the next days. Expiry may run beside it, and
 * so may a sync that puts files away.
 */
#include "maildir/attic.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/os.h"
#include "base/str.h"
#include "internal.h"

#define DAYS	256		/* sorted at once */

struct lister {
	struct maildir *m;
	const struct maildir_attic_visit *visit;
	struct maildir_attic_entry entry;	/* where it is now */
	int fd;				/* the directory that is read */
	uint64_t day[DAYS];		/* the next ones, in order */
	size_t n_days;
	uint64_t after;			/* days up to here were read */
	struct err *err;		/* the caller's, for the visitor */
	bool stopped;			/* by the visitor */
	struct err failed;		/* the first that could not be read */
};

/* --- names --- */

/* A number that sorts as days do; 0: nothing is ever put away under it. */
static uint64_t
day_number(const char *name)
{
	uint64_t year, month, day, same = 0;

	if (!maildir_attic_is_day(name))
		return 0;
	span_number((struct span){ name, 4 }, 9999, &year);
	span_number((struct span){ name + 5, 2 }, 99, &month);
	span_number((struct span){ name + 8, 2 }, 99, &day);
	if (name[10] == '.' && (name[11] == '0' ||
	    !span_number(span_of(name + 11), ATTIC_SAME_MAX, &same)))
		return 0;
	return 1 + same + 100 * (day + 100 * (month + 100 * year));
}

static void
day_format(char out[16], uint64_t number)
{
	unsigned same = (unsigned)((number - 1) % 100);
	unsigned date = (unsigned)((number - 1) / 100);
	int n;

	n = snprintf(out, 16, "%04u-%02u-%02u", date / 10000 % 10000,
	    date / 100 % 100, date % 100);
	if (same != 0)
		snprintf(out + n, 16 - (size_t)n, ".%u", same);
}

static bool
was_cut(const char *dir)
{
	size_t n = strlen(dir);

	/* At most three bytes of a character were cut, too. */
	if (n + 3 < ATTIC_COMPONENT_MAX)
		return false;
	dir += n - ATTIC_CUT_LEN;
	return memcmp(dir, "%~", 2) == 0 &&
	    strspn(dir + 2, "0123456789abcdef") == ATTIC_CUT_LEN - 2;
}

/* The folder's path out of its name; NULL: that stands for none. */
static char *
folder_path(const char *dir)
{
	char *out = xmalloc(strlen(dir) + 1);
	bool ours = true;
	size_t n = 0;

	for (const char *p = dir; *p != '\0' && ours; p++) {
		if (strncmp(p, "%2F", 3) == 0 || strncmp(p, "%25", 3) == 0) {
			out[n++] = p[2] == 'F' ? '/' : '%';
			p += 2;
		} else {
			ours = *p != '%';
			out[n++] = *p;
		}
	}
	out[n] = '\0';
	if (ours && maildir_path_is_safe(out))
		return out;
	free(out);
	return NULL;
}

/* --- directories --- */

/* What can't be read is told at the end: all else comes nevertheless. */
static void
note_failure(struct lister *l, struct err *err)
{
	const struct maildir_attic_entry *e = &l->entry;

	if (l->failed.kind != ERR_NONE)
		return;
	err_within(err, "%s/" MARK_DIR "/" ATTIC "/tmp%s%s%s%s", l->m->root,
	    e->day != NULL ? "/" : "", e->day != NULL ? e->day : "",
	    e->dir != NULL ? "/" : "", e->dir != NULL ? e->dir : "");
	l->failed = *err;
}

/* It went its way; or it is a file or a link, which we never make. */
static bool
is_passed_over(int number)
{
	return number == ENOENT || number == ESTALE || number == ENOTDIR ||
	    number == ELOOP;
}

/* -1: there is nothing to read. */
static int
open_dir(struct lister *l, int dirfd, const char *name)
{
	int fd = openat(dirfd, name, ATTIC_OPEN);
	struct err err;

	if (fd < 0 && !is_passed_over(errno)) {
		err_errno(&err, ERR_IO, "can't open the directory");
		note_failure(l, &err);
	}
	return fd;
}

/* Closes fd, which may be -1. -1: the visitor has stopped it. */
static int
read_dir(struct lister *l, int fd,
    int (*entry)(void *, const char *, unsigned char, struct err *))
{
	const struct dir_visit visit = { l, entry };
	struct dir_pass pass = { 0 };
	struct err err = { 0 };
	struct stat st;
	int above = l->fd;

	if (fd < 0)
		return 0;
	l->fd = fd;
	if (fstat(fd, &st) < 0)
		err_errno(&err, ERR_IO, "can't read the directory");
	else
		(void)maildir_pass_read(&pass, fd, &st, &visit, &err);
	maildir_pass_release(&pass);
	close(fd);
	l->fd = above;
	if (l->stopped)
		return -1;
	/* ERR_STALE: it is gone, with all that was in it. */
	if (err.kind != ERR_NONE && err.kind != ERR_STALE)
		note_failure(l, &err);
	return 0;
}

/* --- from the top down --- */

/* False: it is not to be told. */
static bool
look_at(struct lister *l, const char *name, struct stat *out)
{
	struct err err;

	if (fstatat(l->fd, name, out, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISREG(out->st_mode);
	if (!is_passed_over(errno)) {
		err_errno(&err, ERR_IO, "can't look at %s", name);
		note_failure(l, &err);
	}
	return false;
}

static int
file_entry(void *arg, const char *name, unsigned char type, struct err *err)
{
	struct lister *l = arg;
	struct maildir_name parsed;
	struct stat st;

	(void)type;
	(void)err;
	/* A copy that is not whole yet begins with a dot. */
	if (!maildir_name_parse(name, &parsed) || parsed.unique.n == 0 ||
	    !look_at(l, name, &st))
		return 0;
	l->entry.file = name;
	l->entry.size = st.st_size;
	l->entry.mtime = os_mtime(&st).tv_sec;
	if (l->visit->entry(l->visit->arg, &l->entry, l->err) == 0)
		return 0;
	l->stopped = true;
	return -1;
}

static int
folder_entry(void *arg, const char *name, unsigned char type, struct err *err)
{
	struct lister *l = arg;
	char *path = folder_path(name);
	int r = 0;

	(void)type;
	(void)err;
	if (path != NULL || was_cut(name)) {
		l->entry.dir = name;
		l->entry.folder = path;
		r = read_dir(l, open_dir(l, l->fd, name), file_entry);
		l->entry.dir = l->entry.folder = NULL;
	}
	free(path);
	return r;
}

/* Of the days that were not read yet, the first ones. */
static int
day_entry(void *arg, const char *name, unsigned char type, struct err *err)
{
	struct lister *l = arg;
	uint64_t day = day_number(name);
	size_t i;

	(void)type;
	(void)err;
	if (day <= l->after ||
	    (l->n_days == DAYS && day > l->day[DAYS - 1]))
		return 0;
	if (l->n_days < DAYS)
		l->n_days++;
	for (i = l->n_days - 1; i > 0 && l->day[i - 1] > day; i--)
		l->day[i] = l->day[i - 1];
	l->day[i] = day;
	return 0;
}

static int
list_day(struct lister *l, int fd, uint64_t day)
{
	char name[16];
	int r;

	day_format(name, day);
	l->entry.day = name;
	r = read_dir(l, open_dir(l, fd, name), folder_entry);
	l->entry.day = NULL;
	l->after = day;
	return r;
}

static int
list_days(struct lister *l, int fd)
{
	size_t i;

	do {
		l->n_days = 0;
		if (read_dir(l, open_dir(l, fd, "."), day_entry) < 0)
			return -1;
		for (i = 0; i < l->n_days; i++)
			if (list_day(l, fd, l->day[i]) < 0)
				return -1;
	} while (l->n_days == DAYS);
	return 0;
}

static int
open_tmp(struct lister *l)
{
	static const char *const names[] = { MARK_DIR, ATTIC, "tmp" };
	int fd = l->m->fd, next;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]) && fd >= 0; i++) {
		next = open_dir(l, fd, names[i]);
		if (fd != l->m->fd)
			close(fd);
		fd = next;
	}
	return fd;
}

int
maildir_attic_list(struct maildir *m, const struct maildir_attic_visit *visit,
    struct err *err)
{
	struct lister l = { .m = m, .visit = visit, .fd = -1, .err = err };
	int fd = open_tmp(&l), r = 0;

	if (fd >= 0) {
		r = list_days(&l, fd);
		close(fd);
	}
	if (r == 0 && l.failed.kind != ERR_NONE) {
		*err = l.failed;
		r = -1;
	}
	return r;
}

/* --- one of them --- */

int
maildir_attic_open(struct maildir *m, const struct maildir_attic_entry *e,
    int *fd_out, struct err *err)
{
	const char *const names[] = { MARK_DIR, ATTIC, "tmp", e->day, e->dir };
	int fd = openat(m->fd, ".", ATTIC_OPEN), next;
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]) && fd >= 0; i++) {
		next = openat(fd, names[i], ATTIC_OPEN);
		close(fd);
		fd = next;
	}
	*fd_out = -1;
	if (fd >= 0) {
		*fd_out = openat(fd, e->file, O_RDONLY | O_NOFOLLOW |
		    O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		close(fd);
	}
	if (*fd_out < 0)
		return is_passed_over(errno) ? err_set(err, ERR_STALE, "%s is "
		    "not in the attic any more", e->file) :
		    err_errno(err, ERR_IO, "can't open %s in the attic",
		    e->file);
	if (fstat(*fd_out, &st) == 0 && S_ISREG(st.st_mode))
		return 0;
	close(*fd_out);
	return err_set(err, ERR_STALE, "%s is not in the attic any more",
	    e->file);
}
