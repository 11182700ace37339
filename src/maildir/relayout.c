/*
 * Moves all folders to where they lie in another layout. Two layouts may have
 * one directory for different folders ("a.b"), so none goes straight to its
 * place:
 *
 *	1	each folder goes to MARK_DIR/moving, inner ones first
 *	2	the new layout is recorded
 *	3	each goes from there to its place, the other way round
 *
 * Whatever waits in moving has no layout, and all else lies in the recorded
 * one. That holds at every instant, so a run that is killed leaves nothing to
 * guess: the next does step 3 for what waits, under the layout that is
 * recorded, and only then begins with another one.
 *
 * Where INBOX is or becomes the root only its cur, new and tmp move: the rest
 * of the root is not its own, nor would what else lies in its directory be the
 * root's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "internal.h"
#include "maildir/layout.h"
#include "moving.h"

static const char *const part[] = { "cur", "new", "tmp" };

struct relaid {
	const char *path;	/* of the folder; in relayout's list */
	char *from, *to;	/* its directory, now and then */
};

struct relayout {
	struct maildir *m;
	const struct layout *want;
	struct maildir_folder *folder;
	size_t n_folder;
	struct relaid *v;	/* by path */
	size_t n, cap;
	char **sorted;		/* all from, or all to */
	bool folds;
};

static bool
is_the_root(const char *dir)
{
	return strcmp(dir, ".") == 0;
}

/* Where the last component begins. */
static const char *
last_of(const char *dir)
{
	const char *slash = strrchr(dir, '/');

	return slash != NULL ? slash + 1 : dir;
}

static int
open_above(int fd, const char *dir, struct err *err)
{
	const char *last = last_of(dir);
	char *above = last == dir ? xstrdup(".") :
	    xstrndup(dir, (size_t)(last - dir - 1));
	int r = fs_make_dirs(fd, above, err) == 0 ?
	    fs_open_dir(fd, above, err) : -1;

	free(above);
	return r;
}

/* --- one directory --- */

/* From one to the other, both durable. */
static int
move_entry(int from, const char *name, int to, const char *as, struct err *err)
{
	if (fs_rename_new(from, name, to, as, err) < 0)
		return -1;
	return fs_sync(to, as, err) == 0 && fs_sync(from, name, err) == 0 ?
	    0 : -1;
}

/* The directory dir below a becomes place below b. */
static int
move_dir(int a, const char *dir, int b, const char *place, struct err *err)
{
	int from = open_above(a, dir, err), to, r;

	if (from < 0)
		return -1;
	to = open_above(b, place, err);
	r = to < 0 ? -1 : move_entry(from, last_of(dir), to, last_of(place),
	    err);
	if (to >= 0)
		close(to);
	close(from);
	return r;
}

/* What stands in the way goes if it is an empty directory. */
static int
move_over_empty(int from, const char *name, int to, struct err *err)
{
	int r = move_entry(from, name, to, name, err);

	if (r == 0 || err->kind != ERR_STALE ||
	    unlinkat(to, name, AT_REMOVEDIR) < 0)
		return r;
	err->kind = ERR_NONE;
	return move_entry(from, name, to, name, err);
}

struct names {
	char **v;
	size_t n, cap;
};

static int
list_entry(void *arg, const char *name, unsigned char type, struct err *err)
{
	struct names *l = arg;

	(void)type;
	(void)err;
	*VEC_ADD(l->v, l->n, l->cap) = xstrdup(name);
	return 0;
}

static void
list_restart(void *arg)
{
	struct names *l = arg;

	while (l->n > 0)
		free(l->v[--l->n]);
}

/* All that is in one directory into another. */
static int
move_all(int from, int to, struct err *err)
{
	struct names l = { 0 };
	const struct dir_visit visit = { &l, list_entry };
	int r = maildir_dir_list(from, &visit, list_restart, err);

	for (size_t i = 0; i < l.n && r == 0; i++)
		r = move_over_empty(from, l.v[i], to, err);
	list_restart(&l);
	free(l.v);
	return r;
}

static int
move_parts(int from, int to, struct err *err)
{
	struct stat st;
	int r = 0;

	for (int i = 0; i < 3 && r == 0; i++)
		if (fstatat(from, part[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
			r = move_over_empty(from, part[i], to, err);
	return r;
}

/* --- 1: away from where they are --- */

/* Directories that only led to others go with these. */
static void
tidy_above(struct maildir *m, const char *dir)
{
	char *above = xstrdup(dir), *slash;

	while ((slash = strrchr(above, '/')) != NULL) {
		*slash = '\0';
		if (unlinkat(m->fd, above, AT_REMOVEDIR) < 0)
			break;
	}
	free(above);
}

static int
take_parts(struct maildir *m, const char *dir, const char *place,
    struct err *err)
{
	int from = fs_open_dir(m->fd, dir, err), to = -1, r = -1;

	if (from >= 0 && fs_make_dirs(m->mark_fd, place, err) == 0)
		to = fs_open_dir(m->mark_fd, place, err);
	if (to >= 0)
		r = move_parts(from, to, err);
	if (to >= 0)
		close(to);
	if (from >= 0)
		close(from);
	if (r == 0 && !is_the_root(dir))
		(void)unlinkat(m->fd, dir, AT_REMOVEDIR);
	return r;
}

static bool
moves_by_parts(const struct relaid *one)
{
	return is_the_root(one->from) || is_the_root(one->to);
}

static int
take_folder(struct maildir *m, const struct relaid *one, struct err *err)
{
	char *place = moving_place(one->path);
	int r = moves_by_parts(one) ? take_parts(m, one->from, place, err) :
	    move_dir(m->fd, one->from, m->mark_fd, place, err);

	free(place);
	if (r < 0)
		return err_within(err, "folder %s", one->path);
	tidy_above(m, one->from);
	return 0;
}

/* --- 3: to their places --- */

static int
put_into(struct maildir *m, const char *place, const char *dir,
    struct err *err)
{
	int from = fs_open_dir(m->mark_fd, place, err), to, r;

	if (from < 0)
		return -1;
	to = fs_open_dir(m->fd, dir, err);
	r = to < 0 ? -1 : move_all(from, to, err);
	if (to >= 0)
		close(to);
	close(from);
	return r;
}

/* A directory that is there already takes what the folder holds. */
static int
put_at(struct maildir *m, const char *place, const char *dir, struct err *err)
{
	struct stat st;
	int r;

	if (fstatat(m->fd, dir, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISDIR(st.st_mode))
		r = move_dir(m->mark_fd, place, m->fd, dir, err);
	else
		r = put_into(m, place, dir, err);
	if (r < 0 && err->kind == ERR_STALE)
		return err_set(err, ERR_HELD, "its directory can't go from "
		    "%s/" MARK_DIR "/%s to %s/%s, where something is in the "
		    "way; move that away, and run sync again", m->root, place,
		    m->root, is_the_root(dir) ? "" : dir);
	return r;
}

static int
put_folder(struct maildir *m, const char *path, struct err *err)
{
	char *place = moving_place(path), *dir = layout_dir(&m->layout, path);
	int r = dir == NULL ? err_set(err, ERR_HELD, "its name is too long "
	    "for a directory in this layout") : put_at(m, place, dir, err);

	if (r == 0)
		moving_tidy(m, place);
	free(dir);
	free(place);
	return r == 0 ? 0 : err_within(err, "folder %s", path);
}

static int
put_all(struct maildir *m, size_t *n_out, struct err *err)
{
	struct moving_list waiting;
	int r = moving_find(m, &waiting, err);

	for (size_t i = 0; i < waiting.n && r == 0; i++)
		r = put_folder(m, waiting.path[i], err);
	*n_out += waiting.n;
	moving_release(&waiting);
	if (r < 0)
		return -1;
	moving_tidy(m, MOVING_DIR);
	m->moving = false;
	return 0;
}

/* --- is anything in the way? --- */

static int
in_the_way(const struct relayout *r, const struct relaid *one,
    const char *dir, struct err *err)
{
	return err_set(err, ERR_HELD, "folder %s: %s/%s is in the way of its "
	    "directory in the new layout; move that away or set `layout` back "
	    "(nothing was moved)", one->path, r->m->root, dir);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
by_folded(const void *a, const void *b)
{
	return strcasecmp(*(char *const *)a, *(char *const *)b);
}

static void
sort_dirs(struct relayout *r, bool to)
{
	for (size_t i = 0; i < r->n; i++)
		r->sorted[i] = to ? r->v[i].to : r->v[i].from;
	qsort(r->sorted, r->n, sizeof(*r->sorted), r->folds ? by_folded :
	    by_name);
}

static bool
is_sorted_in(const struct relayout *r, const char *dir)
{
	return bsearch(&dir, r->sorted, r->n, sizeof(*r->sorted), r->folds ?
	    by_folded : by_name) != NULL;
}

/* A directory that can be renamed into MARK_DIR; or what is to lie in it can
 * come from there. */
static bool
is_movable(const struct relayout *r, int fd, const char *name)
{
	struct stat st, mark;

	return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode) && fstat(r->m->mark_fd, &mark) == 0 &&
	    st.st_dev == mark.st_dev && faccessat(fd, name, W_OK | X_OK,
	    0) == 0;
}

static int
check_from(const struct relayout *r, const struct relaid *one, struct err *err)
{
	bool movable = is_movable(r, r->m->fd, one->from);
	struct stat st;

	for (int i = 0; i < 3 && movable && moves_by_parts(one); i++) {
		char *dir = xasprintf("%s/%s", one->from, part[i]);

		movable = fstatat(r->m->fd, dir, &st, AT_SYMLINK_NOFOLLOW) <
		    0 || is_movable(r, r->m->fd, dir);
		free(dir);
	}
	return movable ? 0 : err_set(err, ERR_HELD, "folder %s: %s/%s is a "
	    "link, on another file system or not ours to write to, so it can't "
	    "be moved to its place in the new layout; mend it or set `layout` "
	    "back (nothing was moved)", one->path, r->m->root, one->from);
}

/* An empty one gives way. */
static bool
part_is_free(int root, const char *dir)
{
	DIR *d = maildir_dir_stream(root, dir);
	struct dirent *e = NULL;

	if (d == NULL)
		return errno == ENOENT;
	while ((e = readdir(d)) != NULL && (strcmp(e->d_name, ".") == 0 ||
	    strcmp(e->d_name, "..") == 0))
		;
	closedir(d);
	return e == NULL;
}

static int
check_parts(const struct relayout *r, const struct relaid *one,
    struct err *err)
{
	int rc = 0;

	for (int i = 0; i < 3 && rc == 0; i++) {
		char *dir = xasprintf("%s/%s", one->to, part[i]);

		if (!part_is_free(r->m->fd, dir))
			rc = in_the_way(r, one, dir, err);
		free(dir);
	}
	return rc;
}

/* Every directory on the way to it. */
static int
check_above(const struct relayout *r, const struct relaid *one,
    struct err *err)
{
	char *above = xstrdup(one->to);
	struct stat st;
	int rc = 0;

	for (char *p = above; rc == 0 && (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		if (fstatat(r->m->fd, above, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    !is_movable(r, r->m->fd, above))
			rc = in_the_way(r, one, above, err);
		*p = '/';
	}
	free(above);
	return rc;
}

/* sorted: all from. */
static int
check_to(const struct relayout *r, const struct relaid *one, struct err *err)
{
	struct stat st;

	if (is_the_root(one->to) && is_the_root(one->from))
		return 0;
	if (check_above(r, one, err) < 0)
		return -1;
	if (moves_by_parts(one) && is_movable(r, r->m->fd, one->to))
		return check_parts(r, one, err);
	if (fstatat(r->m->fd, one->to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return is_sorted_in(r, one->to) ? 0 :
		    in_the_way(r, one, one->to, err);
	return errno == ENOENT ? 0 : err_errno(err, ERR_IO,
	    "folder %s: can't look at %s/%s", one->path, r->m->root, one->to);
}

static int
check_twins(struct relayout *r, struct err *err)
{
	sort_dirs(r, true);
	for (size_t i = 1; i < r->n; i++)
		if ((r->folds ? by_folded : by_name)(&r->sorted[i - 1],
		    &r->sorted[i]) == 0)
			return err_set(err, ERR_HELD, "two folders would both "
			    "lie in %s/%s in the new layout; rename one of "
			    "them or set `layout` back (nothing was moved)",
			    r->m->root, r->sorted[i]);
	return 0;
}

static int
check_all(struct relayout *r, struct err *err)
{
	int rc;

	r->folds = maildir_folds_case(r->m);
	r->sorted = xcalloc(r->n + 1, sizeof(*r->sorted));
	rc = check_twins(r, err);
	sort_dirs(r, false);
	for (size_t i = 0; i < r->n && rc == 0; i++)
		rc = check_from(r, &r->v[i], err) < 0 ? -1 :
		    check_to(r, &r->v[i], err);
	free(r->sorted);
	r->sorted = NULL;
	return rc;
}

/* --- which there are --- */

static int
add_relaid(struct relayout *r, const struct maildir_folder *f,
    struct err *err)
{
	struct relaid *one;

	if (f->unread != 0 || f->by_link) {
		errno = f->unread != 0 ? f->unread : ELOOP;
		return err_errno(err, ERR_HELD, "folder %s: it can't be moved "
		    "to its place in the new layout; mend it or set `layout` "
		    "back (nothing was moved)", f->path);
	}
	one = VEC_ADD(r->v, r->n, r->cap);
	one->path = f->path;
	one->from = layout_dir(&r->m->layout, f->path);
	one->to = layout_dir(r->want, f->path);
	return one->to != NULL ? 0 : err_set(err, ERR_HELD, "folder %s: its "
	    "name is too long for a directory in the new layout; rename it or "
	    "set `layout` back (nothing was moved)", f->path);
}

static int
gather(struct relayout *r, struct err *err)
{
	int rc = maildir_folders(r->m, &r->folder, &r->n_folder, err);

	for (size_t i = 0; i < r->n_folder && rc == 0; i++)
		if (!r->folder[i].stray)
			rc = add_relaid(r, &r->folder[i], err);
	return rc;
}

static void
relayout_release(struct relayout *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].from);
		free(r->v[i].to);
	}
	free(r->v);
	maildir_folders_free(r->folder, r->n_folder);
}

/* Inner ones come behind outer ones in the list. */
static int
take_all(struct relayout *r, struct err *err)
{
	int rc = 0;

	if (r->n > 0)
		r->m->moving = true;
	for (size_t i = r->n; i > 0 && rc == 0; i--)
		rc = take_folder(r->m, &r->v[i - 1], err);
	return rc;
}

int
maildir_relayout(struct maildir *m, const struct layout *want, size_t *n_out,
    struct err *err)
{
	struct relayout r = { .m = m, .want = want };
	int rc;

	*n_out = 0;
	if (m->moving && put_all(m, n_out, err) < 0)
		return -1;
	if (layout_equal(&m->layout, want))
		return 0;
	rc = gather(&r, err) == 0 && check_all(&r, err) == 0 &&
	    take_all(&r, err) == 0 ? maildir_layout_record(m, want, err) : -1;
	relayout_release(&r);
	if (rc < 0 && err->kind == ERR_STALE)	/* others are at work */
		err->kind = ERR_HELD;
	if (rc < 0)
		return -1;
	m->layout = *want;
	*n_out = 0;
	return put_all(m, n_out, err);
}
