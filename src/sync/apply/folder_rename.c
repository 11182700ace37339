/*
 * Carries over that the server calls folders by other names. Index lane, before
 * anything is compared: then what they hold is what it was, and nothing is
 * transferred. Where the directory can't follow, the messages are gone from the
 * folder, and new under the other name: nothing is doubled by a merge.
 *
 *	index	which directories are about to move
 *	disk	they move
 *	index	the folders have their new names
 *
 * A run that ends in between leaves a directory under its new name, and the
 * next finds out in the same way whose it is. What is in run->folder is good
 * for nothing behind this: the folders are to be loaded anew.
 */
#include "apply/folder_rename.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "index/fact.h"
#include "observe/folder_renamed.h"
#include "observe/observe.h"
#include "plan/rename.h"

struct renaming {
	struct folder_move *move;	/* NULL: its mailbox is not there */
	struct folder *f;
	const struct imap_folder *to;	/* NULL, then */
	struct folder *there;	/* of that name; NULL: outside of `folders` */
	char *path;		/* where that is; NULL */
	/* It was renamed on disk as well: a new one, in which its files are
	 * now; NULL. */
	const struct folder *dir;
	enum rename_op op;
	bool planned;
};

struct renames {
	struct run *run;
	struct renaming *v;
	size_t n;
};

/* --- what is to be done --- */

/* Only listed so far: what is in it was never compared with anything. */
static bool
is_fresh(const struct folder *f)
{
	return !f->row.base && f->row.uidvalidity == 0;
}

static struct renaming *
renaming_of(const struct renames *r, const struct folder *f)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (r->v[i].f == f)
			return &r->v[i];
	return NULL;
}

/* Where its directory is now. */
static const char *
directory_path(const struct renaming *one)
{
	return one->dir != NULL ? one->dir->row.path : one->f->row.path;
}

/* It ends up where the directory takes it. */
static bool
goes_along(const struct renames *r, const struct renaming *inner,
    const struct renaming *outer)
{
	const struct layout *l = &r->run->md->layout;
	const char *rest = layout_below(l, directory_path(inner),
	    directory_path(outer));
	const char *to = inner->path == NULL || outer->path == NULL ? NULL :
	    layout_below(l, inner->path, outer->path);

	return rest != NULL && to != NULL && strcmp(rest, to) == 0;
}

/* What is new in it, and known nowhere, may go along. */
static bool
is_burdened(const struct renames *r, const struct renaming *one)
{
	size_t i;

	for (i = 0; i < r->run->n_folder; i++) {
		const struct folder *f = &r->run->folder[i];
		const struct renaming *inner;

		if (!f->row.local || is_fresh(f) || layout_below(
		    &r->run->md->layout, f->row.path, directory_path(one)) ==
		    NULL)
			continue;
		inner = renaming_of(r, f);
		if (inner == NULL || !goes_along(r, inner, one))
			return true;
	}
	return false;
}

static bool
is_carried(const struct renames *r, const struct renaming *one)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (r->v[i].planned && r->v[i].op == RENAME_DIRECTORY &&
		    goes_along(r, one, &r->v[i]))
			return true;
	return false;
}

/* Nobody is known by the new name, or whoever was has another one now. */
static bool
is_name_free(const struct renames *r, const struct renaming *one)
{
	const struct renaming *holder = renaming_of(r, one->there);

	return !folder_is_inbox(one->f) && (is_fresh(one->there) ||
	    (holder != NULL && holder->planned && holder->op != RENAME_AWAY));
}

static int
plan_one(struct renames *r, struct renaming *one, struct err *err)
{
	const struct renaming *holder = one->there == NULL ? NULL :
	    renaming_of(r, one->there);
	struct rename_place at = { .wanted = one->there != NULL };
	int64_t here, there;

	if (index_fact_get(r->run->ix, one->f->row.id, FACT_RENAMING, &here,
	    err) == -1 || index_fact_get(r->run->ix, one->f->row.id,
	    FACT_RENAMING_THERE, &there, err) == -1)
		return -1;
	if (at.wanted) {
		at.free = is_name_free(r, one);
		at.here = one->dir != NULL ? one->dir != one->there :
		    one->f->row.local && one->f->local_seen &&
		    !one->f->local_broken;
		at.there = one->there->local_seen && holder == NULL;
		at.begun = here == renaming_mark(one->to->name) ||
		    there == renaming_mark(one->to->name) ||
		    (one->dir != NULL && one->dir == one->there);
		at.carried = is_carried(r, one);
		at.burdened = is_burdened(r, one);
	}
	one->op = rename_reconcile(&at);
	return 0;
}

static int
by_path(const void *x, const void *y)
{
	const struct renaming *a = x, *b = y;

	return strcmp(directory_path(a), directory_path(b));
}

/* Whose new name another one has to leave first waits for that; outer ones come
 * before inner ones. */
static bool
waits(const struct renames *r, const struct renaming *one)
{
	const struct renaming *holder = one->there == NULL ? NULL :
	    renaming_of(r, one->there);

	return holder != NULL && holder != one && !holder->planned;
}

/* In the order in which they can be done. Those that wait for each other leave
 * their names without their directories. */
static int
plan_all(struct renames *r, struct err *err)
{
	size_t i, planned = 0, before;
	bool force = false;

	qsort(r->v, r->n, sizeof(*r->v), by_path);
	while (planned < r->n) {
		before = planned;
		for (i = planned; i < r->n; i++) {
			struct renaming one = r->v[i];

			if (!force && waits(r, &one))
				continue;
			if (plan_one(r, &one, err) == -1)
				return -1;
			one.planned = true;
			memmove(&r->v[planned + 1], &r->v[planned],
			    (i - planned) * sizeof(one));
			r->v[planned++] = one;
			force = false;
		}
		force = planned == before;
	}
	return 0;
}

/* --- it is done --- */

static int
intend_renames(struct renames *r, struct err *err)
{
	size_t i;
	int rc = index_begin(r->run->ix, err);

	for (i = 0; i < r->n && rc == 0; i++)
		if (r->v[i].op != RENAME_AWAY)
			rc = index_fact_set(r->run->ix, r->v[i].f->row.id,
			    FACT_RENAMING, renaming_mark(r->v[i].to->name),
			    err);
	return index_end(r->run->ix, rc, err);
}

/* Across file systems, say, or a mount point. */
static bool
stays_where_it_is(const struct err *why)
{
	return err_is_of_path(why) || why->number == EXDEV ||
	    why->number == EBUSY || why->number == EINVAL;
}

/* A directory that can't be moved stays, and so do those that it would have
 * taken along. */
static void
stay(struct renames *r, struct renaming *one)
{
	size_t i;

	one->op = RENAME_AWAY;
	for (i = 0; i < r->n; i++)
		if (r->v[i].op == RENAME_NAME && goes_along(r, &r->v[i], one))
			r->v[i].op = RENAME_AWAY;
}

static int
move_directories(struct renames *r, struct err *err)
{
	struct err why;
	size_t i;

	if (root_mark(r->run, err) == -1)
		return -1;
	for (i = 0; i < r->n; i++) {
		struct renaming *one = &r->v[i];

		if (one->op != RENAME_DIRECTORY ||
		    maildir_folder_rename(r->run->md, directory_path(one),
		    one->path, &why) == 0)
			continue;
		if (!stays_where_it_is(&why)) {
			*err = why;
			return -1;
		}
		stay(r, one);
	}
	return 0;
}

enum sync_op
folder_move_op(const struct folder_move *m)
{
	return m->own ? SYNC_RENAME_REMOTE : SYNC_RENAME_LOCAL;
}

/* The row of the new name knows nothing yet; who had it before has left it. */
static int
take_other_name(struct renames *r, struct renaming *one, struct err *err)
{
	struct index *ix = r->run->ix;
	struct index_folder *row = &one->f->row;

	if (is_fresh(one->there) && one->there->row.id != 0 &&
	    index_folder_drop(ix, one->there->row.id, err) == -1)
		return -1;
	free(one->move->was);
	one->move->was = row->name;
	free(row->raw);
	free(row->path);
	row->name = xstrdup(one->to->name);
	row->raw = xstrdup(one->to->raw);
	row->path = xstrdup(one->path);
	row->local = true;
	if (index_folder_put(ix, row, err) == -1)
		return -1;
	return log_done(r->run, folder_move_op(one->move), one->f,
	    &(struct log_about){ .detail = one->move->was }, err);
}

static int
forget_marks(struct index *ix, int64_t folder, struct err *err)
{
	return index_fact_set(ix, folder, FACT_RENAMING, 0, err) == -1 ||
	    index_fact_set(ix, folder, FACT_RENAMING_THERE, 0, err) == -1 ?
	    -1 : 0;
}

/* The messages of one that leaves its name are where it went; what has that now
 * is another one. */
static int
record(struct renames *r, struct err *err)
{
	size_t i;
	int rc = index_begin(r->run->ix, err);

	for (i = 0; i < r->n && rc == 0; i++) {
		struct renaming *one = &r->v[i];

		rc = one->op == RENAME_AWAY ?
		    folder_left_remote(r->run, one->f, err) :
		    take_other_name(r, one, err);
		if (rc == 0)
			rc = forget_marks(r->run->ix, one->f->row.id, err);
	}
	return index_end(r->run->ix, rc, err);
}

/* --- all of them --- */

/* The server did not tell where it is, or it has a name of its own. */
static bool
is_in_doubt(const struct folder_moves *moves, const struct folder *f)
{
	size_t i;

	for (i = 0; i < moves->n; i++)
		if (moves->v[i].id == f->row.id && !moves->v[i].ousted)
			return true;
	return false;
}

/* Whatever the number says that it has. */
static bool
is_ousted(const struct folder_moves *moves, const struct folder *f)
{
	size_t i;

	for (i = 0; i < moves->n; i++)
		if (moves->v[i].id == f->row.id && moves->v[i].ousted)
			return true;
	return false;
}

/* Its name is known to be another mailbox's now, and its own has none that LIST
 * shows: that is gone, and nothing there is to be merged with it. */
static void
collect_ousted(struct renames *r, const struct folder_moves *moves)
{
	size_t i, n = r->n;

	for (i = 0; i < n; i++) {
		struct folder *f = r->v[i].there;

		if (f == NULL || is_fresh(f) || folder_is_inbox(f) ||
		    renaming_of(r, f) != NULL || is_in_doubt(moves, f) ||
		    (f->row.uidvalidity == f->listed.uidvalidity &&
		    !is_ousted(moves, f)))
			continue;
		r->v[r->n++].f = f;
	}
}

static int
collect_renames(struct renames *r, struct folder_moves *moves,
    const struct imap_list *list, struct err *err)
{
	size_t i;
	int rc = 0;

	r->v = xcalloc(2 * moves->n + 1, sizeof(*r->v));
	for (i = 0; i < moves->n && rc == 0; i++) {
		struct renaming *one = &r->v[r->n];

		if (!moves->v[i].proven)
			continue;
		one->move = &moves->v[i];
		one->f = folder_by_id(r->run, moves->v[i].id);
		one->to = &list->folder[moves->v[i].to];
		one->there = folder_named(r->run, one->to->name);
		if (one->there != NULL && !one->there->inside)
			one->there = NULL;
		one->path = one->there == NULL ? NULL :
		    xstrdup(one->there->row.path);
		rc = folder_find_directory(r->run, one->f, &one->dir, err);
		r->n++;
	}
	collect_ousted(r, moves);
	return rc;
}

static int
carry_out(struct renames *r, struct err *err)
{
	return plan_all(r, err) == 0 && intend_renames(r, err) == 0 &&
	    move_directories(r, err) == 0 && record(r, err) == 0 ? 0 : -1;
}

int
folders_rename(struct run *run, const struct imap_list *list,
    struct folder_moves *moves, struct err *err)
{
	struct renames r = { .run = run };
	size_t i;
	int rc;

	rc = collect_renames(&r, moves, list, err);
	if (rc == 0 && r.n > 0)
		rc = carry_out(&r, err);
	for (i = 0; i < r.n; i++)
		free(r.v[i].path);
	free(r.v);
	return rc;
}
