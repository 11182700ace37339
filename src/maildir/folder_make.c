/*
 * Makes and removes folders, so that each appears whole and goes whole. A run
 * that is killed leaves none behind that lacks one of its directories: it is
 * built in MARK_DIR and moved into place, and moved there before it is taken
 * apart. Only where that can't be done (other file system, link, other things
 * in the directory) it is done in place.
 */
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

#define SCRATCH_LEN	32	/* a prefix and 16 digits */

static const char *const folder_sub[3] = { "tmp", "new", "cur" };

static void
scratch_name(char out[SCRATCH_LEN], const char *prefix)
{
	size_t n = strlen(prefix);
	char hex[33];

	random_hex(hex);
	memcpy(out, prefix, n);
	memcpy(out + n, hex, 16);
	out[n + 16] = '\0';
}

/* Splits its directory: the one above it, opened, and the last component
 * ("." is the root itself), which the caller frees. */
static int
parent_open(struct maildir *m, const char *path, char **name_out,
    struct err *err)
{
	char *dir = maildir_dir_of(m, path, err), *slash;
	int fd;

	*name_out = NULL;
	if (dir == NULL)
		return -1;
	slash = strrchr(dir, '/');
	if (slash == NULL) {
		*name_out = dir;
		return fs_open_dir(m->fd, ".", err);
	}
	*name_out = xstrdup(slash + 1);
	*slash = '\0';
	fd = fs_make_dirs(m->fd, dir, err) == 0 ?
	    fs_open_dir(m->fd, dir, err) : -1;
	free(dir);
	return fd;
}

static int
rename_at(int from, const char *from_name, int to, const char *to_name,
    struct err *err)
{
	return fs_rename_new(from, from_name, to, to_name, err) == 0 &&
	    fs_sync(to, to_name, err) == 0 &&
	    fs_sync(from, from_name, err) == 0 ? 0 : -1;
}

/* The root stays where it is. */
static bool
is_root(const char *name)
{
	return strcmp(name, ".") == 0;
}

/* dir: of the one that is to move. */
static int
rename_dir(struct maildir *m, const char *dir, const char *to, struct err *err)
{
	const char *slash = strrchr(dir, '/');
	char *above = slash != NULL ? xstrndup(dir, (size_t)(slash - dir)) :
	    xstrdup("."), *name = NULL;
	int from_fd = fs_open_dir(m->fd, above, err), r = -1;
	int to_fd = from_fd < 0 ? -1 : parent_open(m, to, &name, err);

	if (to_fd >= 0 && (is_root(dir) || is_root(name)))
		r = err_set(err, ERR_STALE, "it is the root of the Maildir");
	else if (to_fd >= 0)
		r = rename_at(from_fd, slash != NULL ? slash + 1 : dir,
		    to_fd, name, err);
	if (to_fd >= 0)
		close(to_fd);
	if (from_fd >= 0)
		close(from_fd);
	free(name);
	free(above);
	return r;
}

int
maildir_folder_rename(struct maildir *m, const char *from, const char *to,
    struct err *err)
{
	char *dir = maildir_dir_of(m, from, err);
	int r = -1;

	if (dir == NULL)
		return -1;
	if (layout_below(&m->layout, to, from) != NULL)
		err_set(err, ERR_STALE, "%s lies in it", to);
	else
		r = rename_dir(m, dir, to, err);
	free(dir);
	return r == 0 ? 0 : err_within(err, "folder %s", from);
}

/* Makes what is missing of the three directories; *made: something was. */
static int
folder_add_subs(int fd, const char *path, bool *made, struct err *err)
{
	*made = false;
	for (int i = 0; i < 3; i++) {
		int r = maildir_dir_make(fd, folder_sub[i]);
		struct stat st;

		if (r < 0)
			return err_errno(err, ERR_IO,
			    "folder %s: can't make %s", path, folder_sub[i]);
		*made = *made || r == 0;
		if (r == 1 && (fstatat(fd, folder_sub[i], &st,
		    AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode)))
			return err_set(err, ERR_IO,
			    "folder %s: %s is no directory", path,
			    folder_sub[i]);
	}
	return 0;
}

/* The same, durably. */
static int
folder_fill(int fd, const char *path, struct err *err)
{
	bool made;

	if (folder_add_subs(fd, path, &made, err) < 0)
		return -1;
	return made ? fs_sync(fd, path, err) : 0;
}

/* The directory name in dirfd with all three in it; completes what is there. */
static int
folder_make_in(int dirfd, const char *name, const char *path, struct err *err)
{
	int fd, r;

	if (maildir_dir_make(dirfd, name) < 0)
		return err_errno(err, ERR_IO, "folder %s: can't make it", path);
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, ERR_IO, "folder %s: can't open it", path);
	r = folder_fill(fd, path, err);
	close(fd);
	return r;
}

/* 1 when all three were there and empty and are gone now; 0 when something is
 * in one of them: then all three are there still, or again. */
static int
folder_take_apart(int fd, const char *path, struct err *err)
{
	int i;

	for (i = 2; i >= 0; i--)
		if (unlinkat(fd, folder_sub[i], AT_REMOVEDIR) < 0 &&
		    errno != ENOENT)
			break;
	if (i < 0)
		return 1;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return err_errno(err, ERR_IO, "folder %s: can't remove %s",
		    path, folder_sub[i]);
	return folder_fill(fd, path, err);
}

/* Whether a directory can be renamed from one to the other. */
static bool
same_device(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev;
}

static void
scratch_remove(struct maildir *m, const char *scratch, const char *path)
{
	struct err ignored = { 0 };
	int fd = openat(m->mark_fd, scratch,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	folder_take_apart(fd, path, &ignored);
	close(fd);
	unlinkat(m->mark_fd, scratch, AT_REMOVEDIR);
}

/* 0 also when somebody else made the folder first; then it is completed. */
static int
folder_build(struct maildir *m, int parent, const char *name,
    const char *path, struct err *err)
{
	char scratch[SCRATCH_LEN];
	int r;

	if (m->mark_fd < 0 || !same_device(m->mark_fd, parent))
		return folder_make_in(parent, name, path, err);
	scratch_name(scratch, MAKING_PREFIX);
	r = folder_make_in(m->mark_fd, scratch, path, err);
	if (r == 0)
		r = fs_rename_new(m->mark_fd, scratch, parent, name, err);
	if (r == 0)
		return 0;
	scratch_remove(m, scratch, path);
	return err->kind == ERR_STALE ?
	    folder_make_in(parent, name, path, err) :
	    err_within(err, "folder %s", path);
}

static int
folder_create_in(struct maildir *m, int parent, const char *name,
    const char *path, struct err *err)
{
	struct stat st;
	int r;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		r = folder_make_in(parent, name, path, err);
	else if (errno == ENOENT)
		r = folder_build(m, parent, name, path, err);
	else
		r = err_errno(err, ERR_IO, "folder %s: can't look at it", path);
	return r == 0 ? fs_sync(parent, path, err) : r;
}

int
maildir_folder_create(struct maildir *m, const char *path, struct err *err)
{
	char *name;
	int parent, r;

	if (!maildir_path_is_safe(path))
		return err_set(err, ERR_IO, "not a folder's path: %s",
		    path);
	if (m->fd < 0)
		return err_set(err, ERR_IO, "folder %s: %s is not there", path,
		    m->root);
	parent = parent_open(m, path, &name, err);
	r = parent < 0 ? err_within(err, "folder %s", path) :
	    folder_create_in(m, parent, name, path, err);
	if (parent >= 0)
		close(parent);
	free(name);
	return r;
}

/* Built in MARK_DIR, not synced. */
static int
making_build(struct maildir *m, struct maildir_making *v)
{
	bool made;
	int fd, r;

	if (!maildir_path_is_safe(v->path))
		return err_set(&v->err, ERR_IO, "not a folder's path: %s",
		    v->path);
	scratch_name(v->scratch, MAKING_PREFIX);
	if (maildir_dir_make(m->mark_fd, v->scratch) < 0)
		return err_errno(&v->err, ERR_IO, "folder %s: can't make it",
		    v->path);
	fd = openat(m->mark_fd, v->scratch,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(&v->err, ERR_IO, "folder %s: can't open it",
		    v->path);
	r = folder_add_subs(fd, v->path, &made, &v->err);
	close(fd);
	return r;
}

/* Into place, not synced. 1: that can't be; there is something (the root is),
 * or it lies on another file system. */
static int
making_move(struct maildir *m, struct maildir_making *v)
{
	char *name;
	int parent = parent_open(m, v->path, &name, &v->err), r = 1;

	if (parent >= 0 && !is_root(name) && same_device(m->mark_fd, parent))
		r = fs_rename_new(m->mark_fd, v->scratch, parent, name,
		    &v->err);
	free(name);
	if (parent < 0)
		return err_within(&v->err, "folder %s", v->path);
	close(parent);
	if (r < 0 && v->err.kind != ERR_STALE)
		return err_within(&v->err, "folder %s", v->path);
	return r == 0 ? 0 : 1;
}

/* All that did well so far shares the outcome of the sync. */
static void
makings_sync(struct maildir *m, struct maildir_making *v, size_t n)
{
	struct err err = { 0 };

	if (fs_sync_all(m->mark_fd, m->root, &err) == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (v[i].result < 0)
			continue;
		v[i].result = -1;
		v[i].err = err;
	}
}

static void
making_place(struct maildir *m, struct maildir_making *v)
{
	int r = v->result == 0 ? making_move(m, v) : -1;

	if (r != 0 && v->scratch[0] != '\0')
		scratch_remove(m, v->scratch, v->path);
	v->result = r == 1 ? maildir_folder_create(m, v->path, &v->err) : r;
}

void
maildir_folders_create(struct maildir *m, struct maildir_making *v, size_t n)
{
	bool together = n > 1 && m->fd >= 0 && m->mark_fd >= 0 &&
	    os_can_sync_fs(m->mark_fd);

	for (size_t i = 0; i < n; i++) {
		v[i].scratch[0] = '\0';
		v[i].result = together ? making_build(m, &v[i]) :
		    maildir_folder_create(m, v[i].path, &v[i].err);
	}
	if (!together)
		return;
	makings_sync(m, v, n);
	for (size_t i = 0; i < n; i++)
		making_place(m, &v[i]);
	makings_sync(m, v, n);
}

static int
count_entry(void *arg, const char *name, unsigned char type, struct err *err)
{
	size_t *n = arg;

	(void)type;
	(void)err;
	*n += strcmp(name, "cur") != 0 && strcmp(name, "new") != 0 &&
	    strcmp(name, "tmp") != 0;
	return 0;
}

static void
count_restart(void *arg)
{
	*(size_t *)arg = 0;
}

/* Entries of a directory that are none of cur, new, tmp. */
static int
count_others(int fd, size_t *out, struct err *err)
{
	const struct dir_visit visit = { out, count_entry };

	*out = 0;
	return maildir_dir_list(fd, &visit, count_restart, err);
}

/* ERR_STALE when something is in the folder that is not ours to remove. */
static int
folder_check_empty(struct maildir *m, const char *path, struct err *err)
{
	for (int i = 0; i < 3; i++) {
		bool tmp = i == 0;
		size_t left = 0;
		int fd = maildir_dir_open(m, path, folder_sub[i], err), r;

		if (fd < 0 && err->kind == ERR_STALE)
			continue;
		if (fd < 0)
			return -1;
		r = tmp ? maildir_tmp_sweep(fd, true, &left, err) :
		    count_others(fd, &left, err);
		close(fd);
		if (r < 0)
			return err_within(err, "folder %s", path);
		if (left > 0)
			return err_set(err, ERR_STALE,
			    "folder %s: something is in %s", path,
			    folder_sub[i]);
	}
	return 0;
}

static int
folder_not_empty(const char *path, struct err *err)
{
	return err_set(err, ERR_STALE,
	    "folder %s: something came while it was removed", path);
}

/* In place; the directory itself goes where nothing else is in it. */
static int
folder_remove_here(int parent, const char *name, const char *path,
    struct err *err)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return err_errno(err, ERR_IO, "folder %s: can't open it", path);
	r = folder_take_apart(fd, path, err);
	if (r > 0 && fs_sync(fd, path, err) < 0)
		r = -1;
	close(fd);
	if (r == 0)
		return folder_not_empty(path, err);
	if (r < 0)
		return -1;
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY &&
	    errno != EEXIST && errno != ENOTDIR && errno != ENOENT)
		return err_errno(err, ERR_IO, "folder %s: can't remove it",
		    path);
	return 0;
}

/* By way of MARK_DIR. A message that came at the last moment goes back. */
static int
folder_remove_whole(struct maildir *m, int parent, const char *name,
    const char *path, struct err *err)
{
	char scratch[SCRATCH_LEN];
	int fd, r;

	scratch_name(scratch, GONE_PREFIX);
	if (fs_rename_new(parent, name, m->mark_fd, scratch, err) < 0)
		return err_within(err, "folder %s", path);
	if (fs_sync(parent, path, err) < 0)
		return -1;
	fd = openat(m->mark_fd, scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, ERR_IO, "folder %s: can't open it", path);
	r = folder_take_apart(fd, path, err);
	close(fd);
	if (r < 0)
		return -1;
	if (r > 0 && unlinkat(m->mark_fd, scratch, AT_REMOVEDIR) == 0)
		return 0;
	if (fs_rename_new(m->mark_fd, scratch, parent, name, err) < 0)
		return maildir_folder_recover(m, err) < 0 ? -1 :
		    folder_not_empty(path, err);
	if (fs_sync(parent, path, err) < 0)
		return -1;
	return folder_not_empty(path, err);
}

/* Whether the directory can go as one. */
static int
folder_is_movable(struct maildir *m, int parent, const char *name,
    bool *out, struct err *err)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	size_t others;
	int r;

	*out = false;
	if (fd < 0 || m->mark_fd < 0 || !same_device(m->mark_fd, fd)) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	r = count_others(fd, &others, err);
	close(fd);
	*out = r == 0 && others == 0;
	return r;
}

static int
folder_remove_in(struct maildir *m, int parent, const char *name,
    const char *path, struct err *err)
{
	bool movable;
	int r;

	if (is_root(name))
		return err_set(err, ERR_STALE, "folder %s: it is the root of "
		    "the Maildir", path);
	r = folder_is_movable(m, parent, name, &movable, err);
	if (r == 0)
		r = movable ? folder_remove_whole(m, parent, name, path, err) :
		    folder_remove_here(parent, name, path, err);
	return r == 0 ? fs_sync(parent, path, err) : r;
}

int
maildir_folder_remove(struct maildir *m, const char *path, struct err *err)
{
	enum maildir_there there;
	char *name;
	int parent, r;

	if (maildir_folder_there(m, path, &there, err) < 0)
		return -1;
	if (there == THERE_GONE || there == THERE_BARE)
		return 0;
	if (there == THERE_UNKNOWN)
		return err_set(err, ERR_STALE,
		    "folder %s: the directory above it is gone", path);
	if (folder_check_empty(m, path, err) < 0)
		return -1;
	parent = parent_open(m, path, &name, err);
	r = parent < 0 ? err_within(err, "folder %s", path) :
	    folder_remove_in(m, parent, name, path, err);
	if (parent >= 0)
		close(parent);
	free(name);
	return r;
}

struct leftovers {
	char **name;
	size_t n, cap;
};

static int
leftover_entry(void *arg, const char *name, unsigned char type,
    struct err *err)
{
	struct leftovers *l = arg;

	(void)type;
	(void)err;
	if (strncmp(name, MAKING_PREFIX, strlen(MAKING_PREFIX)) == 0 ||
	    strncmp(name, GONE_PREFIX, strlen(GONE_PREFIX)) == 0)
		*VEC_ADD(l->name, l->n, l->cap) = xstrdup(name);
	return 0;
}

static void
leftover_restart(void *arg)
{
	struct leftovers *l = arg;

	while (l->n > 0)
		free(l->name[--l->n]);
}

/*
 * What somebody put into a folder just when it went must be seen again. Its
 * name is not known here, so it becomes a folder of a new name.
 */
static int
leftover_end(struct maildir *m, const char *name, struct err *err)
{
	int fd = openat(m->mark_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC), r;
	char back[SCRATCH_LEN], *dir;

	if (fd < 0)
		return 0;	/* not a directory: not ours */
	r = folder_take_apart(fd, name, err);
	close(fd);
	if (r < 0)
		return -1;
	if (r > 0 && unlinkat(m->mark_fd, name, AT_REMOVEDIR) == 0)
		return 0;
	scratch_name(back, "recovered-");
	dir = layout_dir(&m->layout, back);
	r = fs_rename_new(m->mark_fd, name, m->fd, dir, err);
	free(dir);
	return r == 0 ? fs_sync(m->fd, m->root, err) : -1;
}

int
maildir_folder_recover(struct maildir *m, struct err *err)
{
	struct leftovers l = { 0 };
	const struct dir_visit visit = { &l, leftover_entry };
	int r = maildir_dir_list(m->mark_fd, &visit, leftover_restart, err);

	for (size_t i = 0; i < l.n && r == 0; i++)
		r = leftover_end(m, l.name[i], err);
	leftover_restart(&l);
	free(l.name);
	return r == 0 ? 0 : err_within(err, "%s/" MARK_DIR, m->root);
}
