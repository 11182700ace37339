/* The root of a Maildir: opened, locked, and marked as whose it is. */
#include "maildir/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/os.h"
#include "base/str.h"
#include "internal.h"

#define ID_LEN		32
#define MARK_LEN	(2 * ID_LEN + 1)

struct mark {
	char id[ID_LEN + 1], token[ID_LEN + 1];
	unsigned found;
	bool malformed;
	struct layout layout;
	unsigned layouts;	/* that were recorded */
	bool moving;
};

static bool
is_id(const char *s, size_t n)
{
	return n == ID_LEN && strspn(s, "0123456789abcdef") >= ID_LEN;
}

/* What has no dot in its name is ours for other purposes. */
static int
mark_entry(void *arg, const char *name, unsigned char type, struct err *err)
{
	struct mark *mark = arg;

	(void)type;
	if (strcmp(name, MOVING_DIR) == 0)
		mark->moving = true;
	if (name[0] == '.' || strchr(name, '.') == NULL)
		return 0;
	if (maildir_layout_is_mark(name)) {
		mark->layouts++;
		return maildir_layout_parse(name, &mark->layout, err);
	}
	mark->found++;
	if (strlen(name) != MARK_LEN || !is_id(name, ID_LEN) ||
	    name[ID_LEN] != '.' || !is_id(name + ID_LEN + 1, ID_LEN)) {
		mark->malformed = true;
		return 0;
	}
	memcpy(mark->id, name, ID_LEN);
	memcpy(mark->token, name + ID_LEN + 1, ID_LEN);
	return 0;
}

static void
mark_restart(void *arg)
{
	*(struct mark *)arg = (struct mark){ 0 };
}

/* Reads the marker in fd. */
static int
mark_read(const struct maildir *m, int fd, struct mark *out, struct err *err)
{
	const struct dir_visit visit = { out, mark_entry };

	mark_restart(out);
	if (maildir_dir_list(fd, &visit, mark_restart, err) < 0)
		return err_within(err, "%s/" MARK_DIR, m->root);
	if (out->found > 1)
		return err_set(err, ERR_CONFIG, "%s/" MARK_DIR
		    " has several markers: it was copied together from more "
		    "than one Maildir", m->root);
	if (out->malformed || out->layouts > 1)
		return err_set(err, ERR_CONFIG,
		    "the marker in %s/" MARK_DIR " is damaged", m->root);
	return 0;
}

/* -1 with errno. */
static int
mark_dir_open(int rootfd)
{
	return openat(rootfd, MARK_DIR,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* As mark_read, for a root that is not locked. No directory: none found. */
static int
mark_look(const struct maildir *m, struct mark *out, struct err *err)
{
	int fd = mark_dir_open(m->fd), r;

	mark_restart(out);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_errno(err, errno == ENOTDIR ||
		    os_error_is_link(errno) ? ERR_CONFIG : ERR_IO,
		    "can't open %s/" MARK_DIR, m->root);
	r = mark_read(m, fd, out, err);
	close(fd);
	return r;
}

/* A fresh file system has a lost+found that we may not even read. */
static int
root_entry(void *arg, const char *name, unsigned char type, struct err *err)
{
	(void)type;
	(void)err;
	if (strcmp(name, MARK_DIR) != 0 && strcmp(name, "lost+found") != 0)
		*(bool *)arg = true;
	return 0;
}

static void
root_restart(void *arg)
{
	*(bool *)arg = false;
}

static int
root_look(struct maildir *m, enum maildir_root *out, struct mark *mark,
    struct err *err)
{
	bool used = false;
	const struct dir_visit visit = { &used, root_entry };

	m->fd = open(m->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->fd < 0 && errno == ENOENT) {
		*out = ROOT_MISSING;
		return 0;
	}
	if (m->fd < 0)
		return err_errno(err, ERR_IO, "can't open Maildir %s", m->root);
	if (mark_look(m, mark, err) < 0)
		return -1;
	if (maildir_dir_list(m->fd, &visit, root_restart, err) < 0)
		return err_within(err, "Maildir %s", m->root);
	m->layout = mark->layout;
	m->moving = mark->moving;
	*out = mark->found > 0 ? ROOT_MARKED : used ? ROOT_UNMARKED :
	    ROOT_EMPTY;
	return 0;
}

int
maildir_open(struct maildir *m, const char *root, struct maildir_found *out,
    struct err *err)
{
	struct mark mark = { 0 };

	*m = (struct maildir){ .root = xstrdup(root), .fd = -1,
	    .mark_fd = -1 };
	*out = (struct maildir_found){ .root = ROOT_MISSING };
	if (root_look(m, &out->root, &mark, err) < 0) {
		maildir_close(m);
		return -1;
	}
	if (out->root == ROOT_MARKED) {
		memcpy(out->id, mark.id, sizeof(mark.id));
		memcpy(out->token, mark.token, sizeof(mark.token));
	}
	return 0;
}

void
maildir_close(struct maildir *m)
{
	/* A zeroed one was never opened: its descriptors are not 0. */
	if (m->root != NULL && m->fd >= 0)
		close(m->fd);
	if (m->root != NULL && m->mark_fd >= 0)
		close(m->mark_fd);
	free(m->root);
	maildir_leftovers_free(m);
	*m = (struct maildir){ .fd = -1, .mark_fd = -1 };
}

static int
root_make(struct maildir *m, struct err *err)
{
	if (m->fd >= 0)
		return 0;
	if (fs_make_dirs(AT_FDCWD, m->root, err) < 0)
		return -1;
	m->fd = fs_open_dir(AT_FDCWD, m->root, err);
	if (m->fd < 0)
		return -1;
	if (fchmod(m->fd, 0700) < 0)
		return err_errno(err, ERR_IO, "can't set the mode of %s",
		    m->root);
	return 0;
}

bool
maildir_folds_case(const struct maildir *m)
{
	struct stat own, other;

	return m->fd >= 0 && fstatat(m->fd, MARK_DIR, &own, 0) == 0 &&
	    fstatat(m->fd, ".MAILTERN", &other, 0) == 0 &&
	    own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

bool
maildir_root_is_folder(const struct maildir *m)
{
	static const char *const name[] = { "cur", "new", "tmp" };
	unsigned found = 0;
	struct stat st;

	if (m->layout.dotted)
		return false;
	for (int i = 0; i < 3 && m->fd >= 0; i++)
		found += fstatat(m->fd, name[i], &st, 0) == 0 &&
		    S_ISDIR(st.st_mode);
	return found == 3;
}

int
maildir_lock(struct maildir *m, struct err *err)
{
	int made, fd;

	if (m->mark_fd >= 0)
		return 0;
	if (root_make(m, err) < 0)
		return -1;
	made = maildir_dir_make(m->fd, MARK_DIR);
	if (made < 0)
		return err_errno(err, ERR_IO, "can't make %s/" MARK_DIR,
		    m->root);
	if (made == 0 && fs_sync(m->fd, m->root, err) < 0)
		return -1;
	fd = mark_dir_open(m->fd);
	if (fd < 0)
		return err_errno(err, errno == ENOTDIR ||
		    os_error_is_link(errno) ? ERR_CONFIG : ERR_IO,
		    "can't open %s/" MARK_DIR, m->root);
	if (fs_lock(fd, m->root, err) < 0) {
		close(fd);
		return -1;
	}
	m->mark_fd = fd;
	maildir_attic_tidy(m);
	return maildir_folder_recover(m, err);
}

/* A name that mark_entry would take again. */
static int
mark_name(char out[MARK_LEN + 1], const char *id, const char *token,
    struct err *err)
{
	if (!is_id(id, strlen(id)) || !is_id(token, strlen(token)))
		return err_set(err, ERR_CONFIG,
		    "not the name of a marker: %s.%s", id, token);
	memcpy(out, id, ID_LEN);
	out[ID_LEN] = '.';
	memcpy(out + ID_LEN + 1, token, ID_LEN + 1);
	return 0;
}

static int
need_lock(const struct maildir *m, struct err *err)
{
	return m->mark_fd >= 0 ? 0 :
	    err_set(err, ERR_IO, "Maildir %s is not locked", m->root);
}

int
maildir_mark(struct maildir *m, const char *id, const char *token,
    struct err *err)
{
	char name[MARK_LEN + 1];
	struct mark mark;

	if (need_lock(m, err) < 0 || mark_name(name, id, token, err) < 0 ||
	    mark_read(m, m->mark_fd, &mark, err) < 0)
		return -1;
	if (mark.found > 0)
		return err_set(err, ERR_CONFIG,
		    "%s belongs to another account or an older index", m->root);
	if (!layout_equal(&mark.layout, &m->layout) &&
	    maildir_layout_record(m, &m->layout, err) < 0)
		return -1;
	if (maildir_dir_make(m->mark_fd, name) < 0)
		return err_errno(err, ERR_IO, "can't mark %s", m->root);
	return fs_sync(m->mark_fd, m->root, err);
}

int
maildir_remark(struct maildir *m, const char *id, const char *token,
    const char *next, struct err *err)
{
	char from[MARK_LEN + 1], to[MARK_LEN + 1];

	if (need_lock(m, err) < 0 || mark_name(from, id, token, err) < 0 ||
	    mark_name(to, id, next, err) < 0)
		return -1;
	if (fs_rename_new(m->mark_fd, from, m->mark_fd, to, err) == 0)
		return fs_sync(m->mark_fd, m->root, err);
	/* Names of markers say nothing to anybody. */
	if (err->kind == ERR_STALE)
		return err_set(err, ERR_CONFIG, "the marker of Maildir %s is "
		    "not the one that was left there", m->root);
	return err_errno(err, ERR_IO, "can't write to Maildir %s", m->root);
}

int
maildir_unmark(struct maildir *m, const char *id, const char *token,
    struct err *err)
{
	char name[MARK_LEN + 1];

	if (need_lock(m, err) < 0 || mark_name(name, id, token, err) < 0)
		return -1;
	if (unlinkat(m->mark_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_errno(err, ERR_IO, "can't remove the marker of %s",
		    m->root);
	return fs_sync(m->mark_fd, m->root, err);
}

/* What we hold open must still be what the path leads to: a file system may
 * have been mounted over it, or a backup put in its place. */
static int
root_still_there(const struct maildir *m, struct err *err)
{
	struct stat held, now;

	if (m->fd < 0 || stat(m->root, &now) < 0)
		return err_set(err, ERR_CONFIG, "Maildir %s is gone", m->root);
	if (fstat(m->fd, &held) < 0)
		return err_errno(err, ERR_IO, "can't look at %s", m->root);
	if (held.st_dev != now.st_dev || held.st_ino != now.st_ino)
		return err_set(err, ERR_CONFIG,
		    "another directory took the place of Maildir %s", m->root);
	return 0;
}

int
maildir_check_mark(struct maildir *m, const char *id, const char *token,
    struct err *err)
{
	struct mark mark;

	if (root_still_there(m, err) < 0 || mark_look(m, &mark, err) < 0)
		return -1;
	if (mark.found == 0)
		return err_set(err, ERR_CONFIG,
		    "the marker of Maildir %s is gone", m->root);
	if (strcmp(mark.id, id) != 0 || strcmp(mark.token, token) != 0)
		return err_set(err, ERR_CONFIG,
		    "the marker of Maildir %s is not the one that was "
		    "left there", m->root);
	return 0;
}
