/*
 * Finds all folders of a root, breadth first and without recursion. A
 * directory that can be reached by several paths is one folder: the path
 * without links wins, then the first in order; so directories come before all
 * links.
 */
#include "maildir/maildir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/os.h"
#include "base/str.h"
#include "internal.h"

#define WALK_MAX	(4u * LIMIT_FOLDERS)	/* directories of any kind */

enum { PART_CUR = 1, PART_NEW = 2, PART_TMP = 4, PART_ALL = 7 };

struct walk_seen {
	dev_t dev;
	ino_t ino;
};

/* An open-addressed set; (0, 0) is an empty slot. */
struct walk_set {
	struct walk_seen *slot;
	size_t n, cap;
};

struct walk_todo {
	char **path;
	size_t n, cap, at;
};

struct walk {
	struct maildir *m;
	struct walk_todo dirs, links, strays;
	struct walk_set seen;
	struct maildir_folder *folder;
	size_t n, cap;
	/* the directory being read */
	const char *path;
	int fd;
	size_t dirs_mark, links_mark, strays_mark; /* its entries begin there */
	bool by_link;			/* only links are left */
	unsigned parts, real;		/* PART_* there, and as directories */
};

static unsigned
part_of(const char *name)
{
	return strcmp(name, "cur") == 0 ? PART_CUR :
	    strcmp(name, "new") == 0 ? PART_NEW :
	    strcmp(name, "tmp") == 0 ? PART_TMP : 0;
}

static size_t
set_find(const struct walk_set *set, struct walk_seen key)
{
	uint64_t h = ((uint64_t)key.ino + 1) * UINT64_C(0x9e3779b97f4a7c15);
	size_t i = (size_t)((h ^ (uint64_t)key.dev) >> 7) & (set->cap - 1);

	while ((set->slot[i].ino != 0 || set->slot[i].dev != 0) &&
	    (set->slot[i].ino != key.ino || set->slot[i].dev != key.dev))
		i = (i + 1) & (set->cap - 1);
	return i;
}

static void
set_grow(struct walk_set *set)
{
	struct walk_set more = { NULL, set->n, set->cap != 0 ?
	    set->cap * 2 : 64 };

	more.slot = xcalloc(more.cap, sizeof(*more.slot));
	for (size_t i = 0; i < set->cap; i++)
		if (set->slot[i].ino != 0 || set->slot[i].dev != 0)
			more.slot[set_find(&more, set->slot[i])] =
			    set->slot[i];
	free(set->slot);
	*set = more;
}

/* False when it is in there already. */
static bool
set_add(struct walk_set *set, struct walk_seen key)
{
	size_t i;

	if (set->n * 2 >= set->cap)
		set_grow(set);
	i = set_find(set, key);
	if (set->slot[i].ino == key.ino && set->slot[i].dev == key.dev)
		return false;
	set->slot[i] = key;
	set->n++;
	return true;
}

static void
todo_add(struct walk_todo *todo, const char *above, const char *name)
{
	char *path = above[0] == '\0' ? xstrdup(name) :
	    xasprintf("%s/%s", above, name);

	*VEC_ADD(todo->path, todo->n, todo->cap) = path;
}

static void
todo_cut(struct walk_todo *todo, size_t n)
{
	while (todo->n > n)
		free(todo->path[--todo->n]);
}

static unsigned char
entry_type(int fd, const char *name, unsigned char type)
{
	struct stat st;

	if (type != DT_UNKNOWN)
		return type;
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return DT_UNKNOWN;
	return S_ISDIR(st.st_mode) ? DT_DIR : S_ISLNK(st.st_mode) ? DT_LNK :
	    DT_REG;
}

static int
walk_entry(void *arg, const char *name, unsigned char type, struct err *err)
{
	struct walk *w = arg;
	unsigned part = part_of(name);
	enum layout_entry entry;

	type = entry_type(w->fd, name, type);
	if (part != 0) {
		w->parts |= part;
		w->real |= type == DT_DIR ? part : 0;
		return 0;
	}
	entry = w->path[0] == '\0' && strcmp(name, "lost+found") == 0 ?
	    ENTRY_PASSED : layout_entry(&w->m->layout, w->path, name);
	if (entry == ENTRY_STRAY && type == DT_DIR)
		todo_add(&w->strays, w->path, name);
	if (entry != ENTRY_ENTERED)
		return 0;
	if (w->dirs.n + w->links.n >= WALK_MAX)
		return err_set(err, ERR_IO, "more than %u directories",
		    WALK_MAX);
	if (type == DT_DIR)
		todo_add(&w->dirs, w->path, name);
	else if (type == DT_LNK)
		todo_add(&w->links, w->path, name);
	return 0;
}

static void
walk_restart(void *arg)
{
	struct walk *w = arg;

	todo_cut(&w->dirs, w->dirs_mark);
	todo_cut(&w->links, w->links_mark);
	todo_cut(&w->strays, w->strays_mark);
	w->parts = w->real = 0;
}

static int
compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct maildir_folder *
walk_add(struct walk *w, char *path, struct err *err)
{
	struct maildir_folder *f;

	if (w->n >= LIMIT_FOLDERS) {
		err_set(err, ERR_IO, "more than %d folders", LIMIT_FOLDERS);
		free(path);
		return NULL;
	}
	f = VEC_ADD(w->folder, w->n, w->cap);
	f->path = path;
	return f;
}

static int
walk_found(struct walk *w, const char *dir, bool whole, int unread,
    struct err *err)
{
	char *path = layout_path(&w->m->layout, *dir != '\0' ? dir : ".");
	bool stray = path == NULL && unread == 0;
	struct maildir_folder *f;

	if (stray && !whole)
		return 0;
	f = walk_add(w, path != NULL ? path : xstrdup(dir), err);
	if (f == NULL)
		return -1;
	f->stray = stray;
	f->whole = whole && !stray;
	f->broken = !whole && unread == 0;
	f->by_link = w->by_link;
	f->unread = unread;
	return 0;
}

/*
 * What has lost its empty tmp or new (to git, rsync, find -empty) gets it
 * again; what has no cur is no folder, or somebody is at work on it.
 */
static void
walk_mend(struct walk *w, int fd)
{
	static const char *const name[] = { "new", "tmp" };
	struct err ignored;

	if (w->m->mark_fd < 0 || w->m->look_only || w->parts != w->real ||
	    !(w->real & PART_CUR) || w->real == PART_ALL)
		return;
	for (int i = 0; i < 2; i++)
		if (!(w->parts & part_of(name[i])) &&
		    maildir_dir_make(fd, name[i]) == 0)
			w->parts = w->real |= part_of(name[i]);
	(void)fs_sync(fd, w->path, &ignored);
}

static bool
has_file(int root, const char *path, const char *part)
{
	char *sub = xasprintf("%s/%s", path, part);
	DIR *dir = maildir_dir_stream(root, sub);
	struct dirent *e = NULL;

	free(sub);
	while (dir != NULL && (e = readdir(dir)) != NULL &&
	    e->d_name[0] == '.')
		;
	if (dir != NULL)
		closedir(dir);
	return e != NULL;
}

/* Mail in a layout that is not ours; what can't be read is passed over. */
static int
walk_strays(struct walk *w, struct err *err)
{
	struct maildir_folder *f;
	int r = 0;

	for (size_t i = w->strays_mark; i < w->strays.n && r == 0; i++) {
		const char *path = w->strays.path[i];

		if (!has_file(w->m->fd, path, "cur") &&
		    !has_file(w->m->fd, path, "new"))
			continue;
		f = walk_add(w, xstrdup(path), err);
		if (f == NULL)
			r = -1;
		else
			f->stray = true;
	}
	todo_cut(&w->strays, w->strays_mark);
	return r;
}

/* Reads the open directory fd. */
static int
walk_read(struct walk *w, int fd, const char *path, struct err *err)
{
	const struct dir_visit visit = { w, walk_entry };

	w->fd = fd;
	w->path = path;
	w->dirs_mark = w->dirs.n;
	w->links_mark = w->links.n;
	w->strays_mark = w->strays.n;
	w->parts = w->real = 0;
	if (maildir_dir_list(fd, &visit, walk_restart, err) < 0 ||
	    walk_strays(w, err) < 0)
		return -1;
	if (w->dirs.n > w->dirs_mark)
		qsort(w->dirs.path + w->dirs_mark, w->dirs.n - w->dirs_mark,
		    sizeof(char *), compare_paths);
	if (w->parts == 0 || (path[0] == '\0' && !w->m->layout.dotted))
		return 0;
	walk_mend(w, fd);
	return walk_found(w, path, w->real == PART_ALL, 0, err);
}

static size_t
path_depth(const char *path)
{
	size_t n = 1;

	for (; *path != '\0'; path++)
		n += *path == '/';
	return n;
}

/*
 * path can't be opened, as errno says. What vanished meanwhile is no folder; a
 * link that leads nowhere is one that is broken.
 */
static int
walk_unopened(struct walk *w, const char *path, bool link, struct err *err)
{
	struct stat st;

	if (link && (errno == ENOENT || errno == ELOOP))
		return fstatat(w->m->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ?
		    0 : walk_found(w, path, false, 0, err);
	if (errno == ENOENT || errno == ENOTDIR)
		return 0;
	if (path[0] != '\0' && (errno == EACCES || errno == EPERM))
		return walk_found(w, path, false, errno, err);
	return err_errno(err, ERR_IO, "can't open directory %s", path);
}

static int
walk_opened(struct walk *w, int fd, const char *path, struct err *err)
{
	struct stat st;
	int r = 0;

	if (fstat(fd, &st) < 0)
		r = err_errno(err, ERR_IO, "can't look at %s", path);
	else if (set_add(&w->seen, (struct walk_seen){ st.st_dev, st.st_ino }))
		r = walk_read(w, fd, path, err);
	/* What vanishes while it is read is no folder either. */
	if (r < 0 && path[0] != '\0' && fstat(fd, &st) == 0 &&
	    st.st_nlink == 0) {
		walk_restart(w);
		r = 0;
	}
	return r;
}

static int
walk_enter(struct walk *w, const char *path, bool link, struct err *err)
{
	int fd, r;

	if (path[0] != '\0' && path_depth(path) > LIMIT_DEPTH)
		return 0;
	fd = openat(w->m->fd, path[0] != '\0' ? path : ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return walk_unopened(w, path, link, err);
	r = walk_opened(w, fd, path, err);
	close(fd);
	return r;
}

static int
walk_all(struct walk *w, struct err *err)
{
	if (walk_enter(w, "", false, err) < 0)
		return -1;
	for (;;) {
		struct walk_todo *todo = &w->dirs;
		const char *path;

		if (todo->at == todo->n) {
			todo = &w->links;
			w->by_link = true;
			if (todo->at == todo->n)
				return 0;
			qsort(todo->path + todo->at, todo->n - todo->at,
			    sizeof(char *), compare_paths);
		}
		path = todo->path[todo->at++];
		if (walk_enter(w, path, todo == &w->links, err) < 0)
			return err_within(err, "%s", path);
	}
}

static int
compare_folders(const void *a, const void *b)
{
	const struct maildir_folder *x = a, *y = b;

	return strcmp(x->path, y->path);
}

int
maildir_folders(struct maildir *m, struct maildir_folder **out, size_t *n_out,
    struct err *err)
{
	struct walk w = { .m = m };
	int r = m->fd >= 0 ? walk_all(&w, err) : 0;

	todo_cut(&w.dirs, 0);
	todo_cut(&w.links, 0);
	todo_cut(&w.strays, 0);
	free(w.dirs.path);
	free(w.links.path);
	free(w.strays.path);
	free(w.seen.slot);
	if (r < 0) {
		maildir_folders_free(w.folder, w.n);
		return err_within(err, "the folders of %s", m->root);
	}
	if (w.n > 0)
		qsort(w.folder, w.n, sizeof(*w.folder), compare_folders);
	*out = w.folder;
	*n_out = w.n;
	return 0;
}

void
maildir_folders_free(struct maildir_folder *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(f[i].path);
	free(f);
}

/* There is no directory dir: because it went, or because what holds it did? */
static int
there_missing(struct maildir *m, const char *path, const char *dir,
    enum maildir_there *out, struct err *err)
{
	const char *slash = strrchr(dir, '/');
	char *above = slash != NULL ? xstrndup(dir, (size_t)(slash - dir)) :
	    xstrdup(".");
	struct stat st;
	int r = 0;

	*out = THERE_UNKNOWN;
	/* A removed directory that is held open still answers. */
	if (fstatat(m->fd, above, &st, 0) == 0) {
		if (S_ISDIR(st.st_mode) && st.st_nlink > 0)
			*out = THERE_GONE;
	} else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
		r = err_errno(err, ERR_IO, "folder %s: can't look at %s", path,
		    above);
	}
	free(above);
	return r;
}

static int
there_parts(int fd, const char *path, enum maildir_there *out, struct err *err)
{
	static const char *const name[] = { "cur", "new", "tmp" };
	unsigned found = 0, real = 0;

	for (int i = 0; i < 3; i++) {
		struct stat st;

		if (fstatat(fd, name[i], &st, AT_SYMLINK_NOFOLLOW) == 0) {
			found++;
			real += S_ISDIR(st.st_mode);
		} else if (errno != ENOENT) {
			return err_errno(err, ERR_IO,
			    "folder %s: can't look at %s", path, name[i]);
		}
	}
	*out = real == 3 ? THERE_WHOLE : found > 0 ? THERE_BROKEN : THERE_BARE;
	return 0;
}

static int
there_look(struct maildir *m, const char *path, const char *dir,
    enum maildir_there *out, struct err *err)
{
	struct stat st;
	int fd = os_open_search(m->fd, dir), r;

	if (fd >= 0) {
		r = there_parts(fd, path, out, err);
		close(fd);
		return r;
	}
	if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
		return err_errno(err, ERR_IO, "folder %s: can't open it", path);
	/* Something that is no directory, or a link that leads nowhere. */
	if (fstatat(m->fd, dir, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		*out = THERE_BROKEN;
		return 0;
	}
	return there_missing(m, path, dir, out, err);
}

int
maildir_folder_there(struct maildir *m, const char *path,
    enum maildir_there *out, struct err *err)
{
	char *dir = maildir_dir_of(m, path, err);
	int r = 0;

	if (dir == NULL)
		return -1;
	*out = THERE_UNKNOWN;
	if (m->fd >= 0)
		r = there_look(m, path, dir, out, err);
	free(dir);
	return r;
}
