/* The attic, where removed messages wait before they are really gone. */
#include "maildir/attic.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/os.h"
#include "internal.h"

/* --- names --- */

static void
day_name(char out[16], int64_t now)
{
	time_t t = (time_t)now;
	struct tm tm = { 0 };

	gmtime_r(&t, &tm);
	if (strftime(out, 16, "%Y-%m-%d", &tm) != 10)
		memcpy(out, "0000-00-00", 11);
}

/* Those sort as time does. */
bool
maildir_attic_is_day(const char *name)
{
	static const char form[] = "dddd-dd-dd";
	size_t i;

	for (i = 0; form[i] != '\0'; i++)
		if (form[i] == 'd' ? name[i] < '0' || name[i] > '9' :
		    name[i] != form[i])
			return false;
	if (name[i] == '\0')
		return true;
	return name[i] == '.' && name[i + 1] != '\0' &&
	    strspn(name + i + 1, "0123456789") == strlen(name + i + 1);
}

/* Two folders whose long names end up equal share a directory: no harm. */
static char *
folder_name(const char *path)
{
	char *out = xmalloc(3 * strlen(path) + 1), hex[17];
	uint64_t sum = fnv1a(FNV1A_START, path, strlen(path));
	size_t n = 0;

	for (const char *p = path; *p != '\0'; p++) {
		if (*p == '/' || *p == '%') {
			memcpy(out + n, *p == '/' ? "%2F" : "%25", 3);
			n += 3;
		} else {
			out[n++] = *p;
		}
	}
	if (n > ATTIC_COMPONENT_MAX) {
		n = ATTIC_COMPONENT_MAX - ATTIC_CUT_LEN;
		while (n > 0 && ((unsigned char)out[n] & 0xc0) == 0x80)
			n--;
		snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)sum);
		memcpy(out + n, "%~", 2);
		memcpy(out + n + 2, hex, 16);
		n += ATTIC_CUT_LEN;
	}
	out[n] = '\0';
	return out;
}

/* --- directories --- */

static int
no_room(const struct maildir_attic *a, struct err *err)
{
	bool full = errno == ENOSPC || errno == EDQUOT;
	size_t n;

	err_errno(err, ERR_IO, "folder %s: can't keep a removed message in "
	    "%s/" MARK_DIR "/" ATTIC, a->path, a->m->root);
	n = strlen(err->msg);
	if (full)
		snprintf(err->msg + n, sizeof(err->msg) - n,
		    "; make room, or set attic = none");
	return -1;
}

/* dirfd/name, made durably where it is missing. Closes dirfd. */
static int
enter(const struct maildir_attic *a, int dirfd, const char *name,
    struct err *err)
{
	int made = maildir_dir_make(dirfd, name), fd = -1;

	if (made < 0)
		no_room(a, err);
	else if (made > 0 || fs_sync(dirfd, ATTIC, err) == 0) {
		fd = openat(dirfd, name, ATTIC_OPEN);
		if (fd < 0)
			no_room(a, err);
	}
	close(dirfd);
	return fd;
}

static int
open_attic(const struct maildir_attic *a, struct err *err)
{
	int fd;

	if (a->m->mark_fd < 0)
		return err_set(err, ERR_IO, "Maildir %s is not locked",
		    a->m->root);
	fd = openat(a->m->mark_fd, ".", ATTIC_OPEN);
	if (fd < 0)
		return no_room(a, err);
	fd = enter(a, fd, ATTIC, err);
	return fd < 0 ? -1 : enter(a, fd, "tmp", err);
}

/* attic/tmp/DAY/FOLDER; the n-th of its day. */
int
maildir_attic_open_day(const struct maildir_attic *a, int n, struct err *err)
{
	char *folder = folder_name(a->path), day[32];
	int fd = open_attic(a, err);

	if (n == 0)
		snprintf(day, sizeof(day), "%s", a->day);
	else
		snprintf(day, sizeof(day), "%s.%d", a->day, n);
	if (fd >= 0)
		fd = enter(a, fd, day, err);
	if (fd >= 0)
		fd = enter(a, fd, folder, err);
	free(folder);
	return fd;
}

int
maildir_attic_open_part(const struct maildir_attic *a, struct err *err)
{
	int fd = open_attic(a, err);

	return fd < 0 ? -1 : enter(a, fd, ATTIC_PART, err);
}

void
maildir_attic_init(struct maildir_attic *a, struct maildir *m,
    const char *path, int64_t now)
{
	*a = (struct maildir_attic){ .m = m, .path = xstrdup(path), .fd = -1 };
	day_name(a->day, now);
}

void
maildir_attic_release(struct maildir_attic *a)
{
	if (a->path != NULL && a->fd >= 0)
		close(a->fd);
	free(a->path);
	*a = (struct maildir_attic){ .fd = -1 };
}

int
maildir_attic_sync(struct maildir_attic *a, struct err *err)
{
	return a->used ? fs_sync(a->fd, ATTIC, err) : 0;
}

/* --- putting away --- */

static int
copy_bytes(int from, int to)
{
	unsigned char *buf = xmalloc(64u << 10);
	ssize_t n;

	while ((n = read(from, buf, 64u << 10)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || maildir_write_all(to, buf, (size_t)n) < 0)
			break;
	}
	free(buf);
	return n == 0 ? 0 : -1;
}

/* The copy, whole and durable, under a name that no one takes for a message. */
static int
copy_file(int fromfd, const char *file, int tofd, const char *part)
{
	int in = openat(fromfd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC), out, r = -1, saved;
	struct stat st;

	if (in < 0)
		return -1;
	unlinkat(tofd, part, 0);
	out = openat(tofd, part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (out >= 0 && fstat(in, &st) == 0 && copy_bytes(in, out) == 0 &&
	    futimens(out, (struct timespec[2]){ os_atime(&st),
	    os_mtime(&st) }) == 0)
		r = os_sync(out);
	fs_count_sync();
	saved = errno;
	if (out >= 0)
		close(out);
	if (out >= 0 && r < 0)
		unlinkat(tofd, part, 0);
	close(in);
	errno = saved;
	return r;
}

/*
 * The folder lies on another file system. The copy has its name and is durable
 * before the file goes, which is looked at once more: it may have been edited
 * while it was copied.
 */
static int
move_by_copy(struct maildir_attic *a, const struct maildir_message *msg,
    int fromfd, int tofd, struct err *err)
{
	static const char part[] = ".part";
	struct file_hint before, after;

	if (maildir_look_removable(fromfd, msg, &before, err) < 0)
		return -1;
	if (copy_file(fromfd, msg->file, tofd, part) < 0)
		return no_room(a, err);
	if (fs_rename_new(tofd, part, tofd, msg->file, err) < 0 ||
	    fs_sync(tofd, ATTIC, err) < 0 ||
	    maildir_look_removable(fromfd, msg, &after, err) < 0)
		return -1;
	if (!file_hint_equal(&before, &after)) {
		unlinkat(tofd, msg->file, 0);
		return err_set(err, ERR_STALE, "folder %s: %s is being edited",
		    msg->path, msg->file);
	}
	if (unlinkat(fromfd, msg->file, 0) < 0)
		return err_errno(err, ERR_IO, "folder %s: can't remove %s",
		    msg->path, msg->file);
	return 0;
}

static bool
is_other_device(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) < 0 || fstat(b, &y) < 0 || x.st_dev != y.st_dev;
}

/* 1: the name is taken there. */
static int
move_to(struct maildir_attic *a, const struct maildir_message *msg,
    int fromfd, int tofd, struct err *err)
{
	struct stat st;

	if (fstatat(tofd, msg->file, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	if (is_other_device(fromfd, tofd))
		return move_by_copy(a, msg, fromfd, tofd, err);
	if (fs_rename_new(fromfd, msg->file, tofd, msg->file, err) == 0)
		return 0;
	if (err->kind == ERR_STALE)
		return -1;
	/* One device, but mounted twice. */
	return errno == EXDEV ? move_by_copy(a, msg, fromfd, tofd, err) :
	    no_room(a, err);
}

/* A name that is taken goes to another directory of that day. */
static int
move_beside(struct maildir_attic *a, const struct maildir_message *msg,
    int fromfd, struct err *err)
{
	for (int n = 1; n <= ATTIC_SAME_MAX; n++) {
		int fd = maildir_attic_open_day(a, n, err), r;

		if (fd < 0)
			return -1;
		r = move_to(a, msg, fromfd, fd, err);
		if (r == 0)
			r = fs_sync(fd, ATTIC, err);
		close(fd);
		if (r <= 0)
			return r;
	}
	return err_set(err, ERR_IO, "folder %s: %s was removed too often "
	    "today; the attic has no place for it", msg->path, msg->file);
}

int
maildir_put_away(struct maildir_attic *a, const struct maildir_message *msg,
    const struct maildir_known *known, struct err *err)
{
	int fd, r;

	if (a->fd < 0)
		a->fd = maildir_attic_open_day(a, 0, err);
	if (a->fd < 0)
		return -1;
	fd = maildir_open_removable(a->m, msg, known, err);
	if (fd < 0)
		return -1;
	r = move_to(a, msg, fd, a->fd, err);
	a->used |= r == 0;
	if (r > 0)
		r = move_beside(a, msg, fd, err);
	close(fd);
	return r;
}

/* --- expiry --- */

struct names {
	char **v;
	size_t n, cap;
};

static int
name_entry(void *arg, const char *name, unsigned char type, struct err *err)
{
	struct names *l = arg;

	(void)type;
	(void)err;
	*VEC_ADD(l->v, l->n, l->cap) = xstrdup(name);
	return 0;
}

static void
names_restart(void *arg)
{
	struct names *l = arg;

	while (l->n > 0)
		free(l->v[--l->n]);
}

static void
names_release(struct names *l)
{
	names_restart(l);
	free(l->v);
}

static int
names_read(int fd, struct names *out, struct err *err)
{
	const struct dir_visit visit = { out, name_entry };

	*out = (struct names){ 0 };
	if (maildir_dir_list(fd, &visit, names_restart, err) == 0)
		return 0;
	names_release(out);
	return -1;
}

struct expiry {
	char day[16];		/* those before it */
	int64_t before;		/* ctimes before it, seconds */
	size_t left;		/* so many may still be unlinked */
	bool more;
};

/* Files of one FOLDER. What is young by its ctime stays. */
static int
expire_files(struct expiry *e, int fd, struct err *err)
{
	struct names files;
	struct stat st;

	if (names_read(fd, &files, err) < 0)
		return -1;
	for (size_t i = 0; i < files.n && !e->more; i++) {
		if (fstatat(fd, files.v[i], &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode) ||
		    (int64_t)os_ctime(&st).tv_sec >= e->before)
			continue;
		if (e->left == 0)
			e->more = true;
		else if (unlinkat(fd, files.v[i], 0) == 0)
			e->left--;
	}
	names_release(&files);
	return 0;
}

/* FOLDERs of one day, each with what is in it. */
static int
expire_day(struct expiry *e, int fd, struct err *err)
{
	struct names folders;
	int r = names_read(fd, &folders, err);

	if (r < 0)
		return -1;
	for (size_t i = 0; i < folders.n && r == 0 && !e->more; i++) {
		int sub = openat(fd, folders.v[i], ATTIC_OPEN);

		if (sub < 0)
			continue;	/* not ours */
		r = expire_files(e, sub, err);
		close(sub);
		if (r == 0)
			unlinkat(fd, folders.v[i], AT_REMOVEDIR);
	}
	names_release(&folders);
	return r;
}

static int
expire_days(struct expiry *e, int fd, struct err *err)
{
	bool asked = e->left == 0;
	struct names days;
	int r = names_read(fd, &days, err);

	if (r < 0)
		return -1;
	for (size_t i = 0; i < days.n && r == 0 && !e->more; i++) {
		int sub;

		/* The day without its ".1". */
		if (!maildir_attic_is_day(days.v[i]) ||
		    strncmp(days.v[i], e->day, 10) >= 0)
			continue;
		if (asked) {
			e->more = true;
			break;
		}
		sub = openat(fd, days.v[i], ATTIC_OPEN);
		if (sub < 0)
			continue;
		r = expire_day(e, sub, err);
		close(sub);
		if (r == 0)
			unlinkat(fd, days.v[i], AT_REMOVEDIR);
	}
	names_release(&days);
	return r;
}

int
maildir_attic_expire(struct maildir *m, int64_t before, size_t max,
    bool *left_out, struct err *err)
{
	struct expiry e = { .before = before, .left = max };
	int fd, r;

	*left_out = false;
	day_name(e.day, before);
	fd = m->mark_fd < 0 ? -1 : openat(m->mark_fd, ATTIC, ATTIC_OPEN);
	if (fd < 0)
		return 0;
	r = openat(fd, "tmp", ATTIC_OPEN);
	close(fd);
	if (r < 0)
		return 0;
	fd = r;
	r = expire_days(&e, fd, err);
	close(fd);
	*left_out = e.more;
	return r == 0 ? 0 : err_within(err, "%s/" MARK_DIR "/" ATTIC, m->root);
}
