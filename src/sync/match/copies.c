/* Finds what new files are copies of (copies.h). */
#include "match/copies.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/pick.h"
#include "mail/flags.h"
#include "match/unlooked.h"
#include "plan/match.h"

#define SOURCES	64	/* of one content that are looked at */

/* A file that is to be pushed. */
struct wanting {
	int64_t content, place;
	size_t folder;
	unsigned flags;
};

struct wantings {
	struct wanting *v;
	size_t n, cap;
};

/* --- which files --- */

static bool
takes_copies(const struct run *run, const struct folder *f)
{
	return folder_takes_uploads(run, f) && f->unseen_local &&
	    !f->row.read_only;
}

/*
 * What was begun before is push.c's, which looks for it first. So is what the
 * folder has already: of two that are the same some servers keep one.
 */
static int
add_wanting(struct wantings *w, struct run *run, size_t i,
    const struct place *p, struct err *err)
{
	struct index_intent open;
	bool has = false;
	int found;

	if (p->content == 0)
		return 0;
	found = index_intent_of(run->ix, p->folder, p->id, &open, err);
	if (found == 0 && index_content_on_server(run->ix, p->content,
	    p->folder, &has, err) == -1)
		return -1;
	if (found == 0 && !has)
		*VEC_ADD(w->v, w->n, w->cap) = (struct wanting){
			.content = p->content, .place = p->id, .folder = i,
			.flags = p->local.flags,
		};
	return found == -1 ? -1 : 0;
}

/* A folder with messages that nobody could look at is left to the uploads,
 * which see file by file if it may be one of those. */
static int
has_unlooked(struct run *run, const struct folder *f, struct err *err)
{
	struct unlooked u = { .known = false };
	bool any;

	if (unlooked_settle(run, f, err) == -1 ||
	    unlooked_load(run, f, INDEX_REMOTE, &u, err) == -1)
		return -1;
	any = u.n > 0 || u.unlisted_to > 0;
	unlooked_release(&u);
	return any;
}

static int
want_of_folder(struct wantings *w, struct run *run, size_t i, struct err *err)
{
	struct picked row[SYNC_ROWS];
	struct pick pick = {
		.run = run, .folder = &run->folder[i], .ops = OP_PUSH,
		.max = SYNC_ROWS, .failed = ITEM_PUSH, .late = true,
		.sends = true,
	};
	int k, n, rc = has_unlooked(run, &run->folder[i], err);

	if (rc != 0)
		return rc == 1 ? 0 : -1;
	while (rc == 0 && !pick.end) {
		n = pick_rows(&pick, row, err);
		if (n == -1)
			return -1;
		for (k = 0; k < n && rc == 0; k++)
			rc = add_wanting(w, run, i, &row[k].place, err);
		picked_release(row, n);
	}
	return rc;
}

static int
wanting_by_content(const void *a, const void *b)
{
	const struct wanting *x = a, *y = b;

	if (x->content != y->content)
		return (x->content > y->content) - (x->content < y->content);
	return (x->place > y->place) - (x->place < y->place);
}

/* --- of what --- */

static bool
gives_copies(const struct folder *f)
{
	return f != NULL && folder_in_play(f) && f->row.remote;
}

struct choice {
	const struct index_source *source;
	size_t folder[SOURCES];		/* of each, of run->folder */
	bool taken[SOURCES];
	int n, best;
	bool left;
};

static void
choose_source(struct choice *c, const struct wanting *w)
{
	unsigned best = 0;
	int i;

	for (i = 0; i < c->n; i++) {
		const struct match_source m = {
			.left = !c->source[i].on_disk, .taken = c->taken[i],
			.same_flags = c->source[i].flags == w->flags,
		};

		if (i > 0 && match_rank(&m) <= best)
			continue;
		best = match_rank(&m);
		c->left = match_is_move(&m);
		c->best = i;
	}
	c->taken[c->best] = true;
}

static void
pair_off(struct run *run, struct choice *c, const struct wanting *w, size_t n)
{
	struct copies *all = run->copies;
	size_t k;

	for (k = 0; k < n; k++) {
		const struct index_source *s;

		choose_source(c, &w[k]);
		s = &c->source[c->best];
		*VEC_ADD(all->v, all->n, all->cap) = (struct copy){
			.source = s->place, .target = w[k].place, .uid = s->uid,
			.from = c->folder[c->best], .to = w[k].folder,
			.left = c->left,
			.moves = c->left && !run->opt.undo_deletes,
		};
	}
}

/* All that want the same content: n of them. */
static int
find_sources(struct run *run, const struct wanting *w, size_t n,
    struct err *err)
{
	struct index_source source[SOURCES];
	struct choice c = { .source = source };
	int i, all = index_sources(run->ix, w->content, source, SOURCES, err);

	for (i = 0; i < all; i++) {
		const struct folder *f = folder_by_id(run, source[i].folder);

		if (!gives_copies(f))
			continue;
		c.folder[c.n] = (size_t)(f - run->folder);
		source[c.n++] = source[i];
	}
	if (c.n > 0)
		pair_off(run, &c, w, n);
	return all == -1 ? -1 : 0;
}

/* --- in the order in which they are carried out --- */

static int
by_way(const void *a, const void *b)
{
	const struct copy *x = a, *y = b;

	if (x->from != y->from)
		return (x->from > y->from) - (x->from < y->from);
	if (x->to != y->to)
		return (x->to > y->to) - (x->to < y->to);
	if (x->uid != y->uid)
		return (x->uid > y->uid) - (x->uid < y->uid);
	return (x->target > y->target) - (x->target < y->target);
}

static int
by_target(const void *a, const void *b)
{
	const struct copy *x = *(struct copy *const *)a;
	const struct copy *y = *(struct copy *const *)b;

	return (x->target > y->target) - (x->target < y->target);
}

static int
by_source(const void *a, const void *b)
{
	const struct copy *x = *(struct copy *const *)a;
	const struct copy *y = *(struct copy *const *)b;

	return (x->source > y->source) - (x->source < y->source);
}

static void
put_in_order(struct copies *c)
{
	size_t i;

	if (c->n > 1)
		qsort(c->v, c->n, sizeof(*c->v), by_way);
	c->by_target = xcalloc(c->n + 1, sizeof(struct copy *));
	c->moved = xcalloc(c->n + 1, sizeof(struct copy *));
	for (i = 0; i < c->n; i++) {
		c->by_target[i] = &c->v[i];
		if (c->v[i].moves)
			c->moved[c->n_moved++] = &c->v[i];
	}
	if (c->n > 1)
		qsort(c->by_target, c->n, sizeof(struct copy *), by_target);
	if (c->n_moved > 1)
		qsort(c->moved, c->n_moved, sizeof(struct copy *), by_source);
}

int
copies_find(struct run *run, struct err *err)
{
	struct wantings w = { .v = NULL };
	size_t i, end;
	int rc = 0;

	copies_release(run);
	run->copies = xcalloc(1, sizeof(*run->copies));
	for (i = 0; i < run->n_folder && rc == 0; i++)
		if (takes_copies(run, &run->folder[i]))
			rc = want_of_folder(&w, run, i, err);
	if (w.n > 1)
		qsort(w.v, w.n, sizeof(*w.v), wanting_by_content);
	for (i = 0; i < w.n && rc == 0; i = end) {
		for (end = i + 1; end < w.n &&
		    w.v[end].content == w.v[i].content; end++)
			;
		rc = find_sources(run, &w.v[i], end - i, err);
	}
	free(w.v);
	put_in_order(run->copies);
	return rc;
}

/* --- looking up --- */

size_t
copies_from(const struct run *run, const struct folder *f)
{
	const struct copies *c = run->copies;
	const size_t from = (size_t)(f - run->folder);
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t i = low + (high - low) / 2;

		if (c->v[i].from < from)
			low = i + 1;
		else
			high = i;
	}
	return low < c->n && c->v[low].from == from ? low : c->n;
}

static struct copy *
look_up_copy(struct copy *const *v, size_t n, const struct copy *key,
    int (*order)(const void *, const void *))
{
	struct copy *const *found = n == 0 ? NULL :
	    bsearch(&key, v, n, sizeof(struct copy *), order);

	return found == NULL ? NULL : *found;
}

struct copy *
copies_to(const struct run *run, int64_t target)
{
	const struct copies *c = run->copies;
	const struct copy key = { .target = target };

	return c == NULL ? NULL : look_up_copy(c->by_target, c->n, &key,
	    by_target);
}

bool
copies_are_made_to(const struct run *run, int64_t target)
{
	const struct copy *c = copies_to(run, target);

	return c != NULL && c->done;
}

bool
copies_moved(const struct run *run, int64_t source)
{
	const struct copies *c = run->copies;
	const struct copy key = { .source = source };
	const struct copy *moved = c == NULL ? NULL : look_up_copy(c->moved,
	    c->n_moved, &key, by_source);

	return moved != NULL && moved->done;
}

void
copies_inherit(const struct copy *c, struct place *t, const struct place *s)
{
	state_set(&t->local, true, t->local.flags, c->left ?
	    s->base_local.keywords : "");
}

void
copies_take_away(struct place *t, const struct place *s,
    const struct state *local, const struct state *remote)
{
	const struct state *was = &s->base_local;
	unsigned lost = was->flags & ~(local->flags & remote->flags);
	char *gone = keywords_less(was->keywords, remote->keywords);
	char *left = keywords_less(was->keywords, local->keywords);
	char *words = keywords_union(gone, left);

	state_set(&t->base_local, false, lost, words);
	state_set(&t->base_remote, false, lost, words);
	free(words);
	free(gone);
	free(left);
}

void
copies_take_base(struct place *t, const struct place *s)
{
	const struct state *l = &s->base_local, *r = &s->base_remote;

	state_set(&t->base_local, true, l->flags, l->keywords);
	state_set(&t->base_remote, true, r->flags, r->keywords);
}

void
copies_agree(const struct copy *c, struct place *t, const struct place *s)
{
	copies_inherit(c, t, s);
	state_set(&t->remote, true, s->remote.flags, s->remote.keywords);
	copies_take_base(t, s);
}

static enum sync_op
op_of(const struct copy *c)
{
	return c->moves ? SYNC_MOVE_REMOTE : SYNC_COPY_REMOTE;
}

static char *
whence(const struct run *run, const struct copy *c)
{
	return xasprintf("from %s", run->folder[c->from].row.name);
}

void
report_copy(struct run *run, const struct copy *c, const struct place *p)
{
	char *from = whence(run, c);

	report_done(run, op_of(c), &run->folder[c->to], p, from);
	free(from);
}

int
log_copy(struct run *run, const struct copy *c, const struct place *p,
    struct err *err)
{
	char *from = whence(run, c);
	int rc = log_done(run, op_of(c), &run->folder[c->to],
	    &(struct log_about){ p, from }, err);

	free(from);
	return rc;
}

void
copies_release(struct run *run)
{
	if (run->copies == NULL)
		return;
	free(run->copies->v);
	free(run->copies->by_target);
	free(run->copies->moved);
	free(run->copies);
	run->copies = NULL;
}
