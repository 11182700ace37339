/* What could not be looked at, and may be what lies on the other side. */
#include "match/unlooked.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/learned.h"
#include "index/fact.h"
#include "match/match.h"

#define SETTLED		"settled"	/* up to that place nothing waits */

/* Since then no look has found as many as the server says that there are. */
static int
load_unlisted(struct run *run, const struct folder *f, struct unlooked *u,
    struct err *err)
{
	return f->sight.hidden == 0 &&
	    (!f->unsettled || f->row.uidnext != 0) ? 0 :
	    learned_anew(run, f, &u->unlisted_to, err);
}

/* The user does not want to hear of it any more: what waits are others. */
static int
is_let_go(struct run *run, const struct folder *f, enum index_side side,
    struct err *err)
{
	const struct index_item_key key = { f->row.id, 0, side == INDEX_LOCAL ?
	    ITEM_UNSURE_PULL : ITEM_UNSURE_PUSH, NULL };
	struct index_item it;
	int found = run->opt.adopt || !run->report.any ? 0 :
	    index_item_find(run->ix, &key, &it, err);

	if (found != 1)
		return found == -1 ? -1 : run->opt.adopt;
	found = it.ignored;
	index_item_release(&it);
	return found;
}

int
unlooked_load(struct run *run, const struct folder *f, enum index_side side,
    struct unlooked *u, struct err *err)
{
	struct index_unlooked of = { .folder = f->row.id, .side = side };
	int let_go = is_let_go(run, f, side, err);

	unlooked_release(u);
	u->known = true;
	if (let_go != 0)
		return let_go == 1 ? 0 : -1;
	if (index_fact_get(run->ix, f->row.id, SETTLED, &of.after, err) == -1 ||
	    index_unlooked(run->ix, &of, &u->size, &u->n, err) == -1)
		return -1;
	u->any_size = run->learned.sizes_inexact ||
	    (u->n > 0 && u->size[0] == 0);
	return side == INDEX_LOCAL ? 0 : load_unlisted(run, f, u, err);
}

int
unlooked_load_files(struct run *run, struct unlooked *u, struct err *err)
{
	struct index_unlooked of = { .side = INDEX_LOCAL };
	size_t i, n, cap = 0, k;
	uint64_t *size;

	unlooked_release(u);
	u->known = true;
	for (i = 0; i < run->n_folder && !run->opt.adopt; i++) {
		of.folder = run->folder[i].row.id;
		if (of.folder == 0)
			continue;
		if (index_unlooked(run->ix, &of, &size, &n, err) == -1)
			return -1;
		for (k = 0; k < n; k++)
			*VEC_ADD(u->size, u->n, cap) = size[k];
		for (k = 0; k < n; k++)
			u->any_size |= size[k] == 0;
		free(size);
	}
	return 0;
}

void
unlooked_release(struct unlooked *u)
{
	free(u->size);
	*u = (struct unlooked){ .n = 0 };
}

static bool
has_between(const struct unlooked *u, uint64_t from, uint64_t to)
{
	size_t i;

	for (i = 0; i < u->n; i++)
		if (u->size[i] >= from && u->size[i] <= to)
			return true;
	return false;
}

/* The server's copy may have more of the fields that do not count. */
bool
unlooked_may_be_file(const struct unlooked *u, const struct place *p,
    const struct fingerprint *fp)
{
	uint64_t least = fp->size > 2 ? fp->size - 2 : 0;

	if (p->id <= u->unlisted_to)
		return true;
	return u->n > 0 && (u->any_size ||
	    has_between(u, least, fp->size + FIELDS_LEFT_OUT));
}

/* Each line end may be one octet more on the wire, and each side may have
 * fields that do not count. */
bool
unlooked_may_be_message(const struct unlooked *u, uint32_t size)
{
	uint64_t least = size / 2;

	least = least > FIELDS_LEFT_OUT ? least - FIELDS_LEFT_OUT : 0;
	return u->n > 0 && (u->any_size || size == 0 ||
	    has_between(u, least, (uint64_t)size + FIELDS_LEFT_OUT));
}

/* One side at least is known whole, and there is something on the other. */
static int
may_settle(struct run *run, const struct folder *f, bool *out, struct err *err)
{
	struct unlooked messages = { .n = 0 }, files = { .n = 0 };
	bool unpaired = false;
	int rc = unlooked_load(run, f, INDEX_REMOTE, &messages, err);

	if (rc == 0)
		rc = unlooked_load(run, f, INDEX_LOCAL, &files, err);
	if (rc == 0)
		rc = index_has(run->ix, PLACES_UNPAIRED_LOCAL, f->row.id,
		    &unpaired, err);
	*out = messages.n > 0 ? !unpaired : files.n > 0;
	unlooked_release(&messages);
	unlooked_release(&files);
	return rc;
}

int
unlooked_settle(struct run *run, const struct folder *f, struct err *err)
{
	int64_t newest;
	bool may;
	int rc = may_settle(run, f, &may, err);

	if (rc == -1 || !may || run->md->look_only)
		return rc;
	if (index_newest_place(run->ix, &newest, err) == -1 ||
	    index_begin(run->ix, err) == -1)
		return -1;
	rc = index_fact_set(run->ix, f->row.id, SETTLED, newest, err);
	return index_end(run->ix, rc, err);
}
