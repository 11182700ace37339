/*
 * What observers of the server saw, and what becomes of rows when a side means
 * nothing any more. Only the seen states change, and only rows where something
 * differs: an unchanged mailbox writes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"
#include "index/content.h"
#include "index/place.h"
#include "mail/flags.h"

#define BATCH	256	/* rows in memory at once */

/* True when the state had to change. */
static bool
update_state(struct state *s, unsigned flags, const char *keywords)
{
	if (s->present && s->flags == flags &&
	    keywords_equal(s->keywords, keywords))
		return false;
	state_set(s, true, flags, keywords);
	return true;
}

static bool
update_remote(struct place *p, const struct index_seen_remote *seen)
{
	unsigned flags = seen->has_flags ? seen->flags : p->remote.flags;
	const char *keywords = p->remote.keywords;
	bool changed;

	if (seen->has_flags)
		keywords = seen->keywords == NULL ? "" : seen->keywords;
	changed = seen->has_flags && p->expected.present;
	if (changed)
		place_show(p, flags, keywords);
	else
		changed = update_state(&p->remote, flags, keywords);
	if (seen->size != 0 && p->size != seen->size) {
		p->size = seen->size;
		changed = true;
	}
	if (seen->has_date && (!p->has_date || p->date != seen->date)) {
		p->has_date = true;
		p->date = seen->date;
		changed = true;
	}
	if (seen->lineage != 0 && p->lineage != seen->lineage) {
		p->lineage = seen->lineage;
		changed = true;
	}
	return changed;
}

/* It has what was not asked about: nobody says that this is gone. */
static bool
has_more(const struct state *s, const struct index_seen_remote *seen)
{
	char *more;
	bool has;

	if (seen->asked_keywords == NULL || !s->present)
		return false;
	if (s->flags & ~seen->asked_flags)
		return true;
	if (*s->keywords == '\0')
		return false;
	more = keywords_less(s->keywords, seen->asked_keywords);
	has = *more != '\0';
	free(more);
	return has;
}

/* A row shows it: whether it is the one that was sent is known later. */
static int
confirm(struct index *ix, struct place *p, struct err *err)
{
	p->unconfirmed = false;
	return index_intent_shown(ix, p->id, err);
}

int
index_see_remote(struct index *ix, int64_t folder,
    const struct index_seen_remote *seen, bool *changed_out, struct err *err)
{
	struct place p;
	int r;

	if (index_may_write(ix, err) < 0)
		return -1;
	r = index_place_by_uid(ix, folder, seen->uid, &p, err);
	if (r < 0)
		return -1;
	if (r == 0) {
		place_init(&p);
		p.folder = folder;
		p.uid = seen->uid;
	}
	if (has_more(&p.remote, seen)) {
		*changed_out = false;
		place_release(&p);
		return 1;
	}
	*changed_out = update_remote(&p, seen) || p.unconfirmed;
	r = p.unconfirmed ? confirm(ix, &p, err) : 0;
	if (r == 0 && *changed_out)
		r = index_place_put(ix, &p, err);
	place_release(&p);
	return r;
}

struct unseeing {
	struct index *ix;
	int64_t folder;
	bool named;	/* as gone; else a listing lacks them: of what no row
			   has shown yet, that says nothing */
	uint64_t changed;
};

/* Flags stay as they were last seen: a message that moved takes them along. */
static int
unsee_uid(struct unseeing *u, uint32_t uid, struct err *err)
{
	struct index *ix = u->ix;
	struct place p;
	int r = index_place_by_uid(ix, u->folder, uid, &p, err);

	if (r <= 0)
		return r;
	if (p.remote.present && (u->named || !p.unconfirmed)) {
		p.remote.present = false;
		u->changed++;
		r = index_place_put(ix, &p, err);
	} else {
		r = 0;
	}
	place_release(&p);
	return r;
}

/* The next known uids of the folder in first..last: how many, or -1. */
static int
next_uids(struct index *ix, int64_t folder, struct uidrange in,
    uint32_t *out, struct err *err)
{
	struct query q;
	int n = 0;
	int r;

	query_init(&q, ix, SLOT_PLACE_UIDS, "SELECT uid FROM place"
	    " INDEXED BY place_uid WHERE folder = ? AND uid BETWEEN ? AND ?"
	    " ORDER BY uid LIMIT ?");
	query_int(&q, folder);
	query_int(&q, in.first);
	query_int(&q, in.last);
	query_int(&q, BATCH);
	while ((r = query_step(&q, err)) > 0 && n < BATCH)
		out[n++] = (uint32_t)query_get_int(&q, 0);
	query_end(&q);
	return r < 0 ? -1 : n;
}

/*
 * Walks what is known within a range, so that the work follows the smaller of
 * what the server names and what the index knows.
 */
static int
unsee_range(struct unseeing *u, struct uidrange in, struct err *err)
{
	uint32_t uid[BATCH];
	int n;

	for (;;) {
		n = next_uids(u->ix, u->folder, in, uid, err);
		if (n <= 0)
			return n;
		for (int i = 0; i < n; i++)
			if (unsee_uid(u, uid[i], err) < 0)
				return -1;
		if (uid[n - 1] >= in.last)
			return 0;
		in.first = uid[n - 1] + 1;
	}
}

int
index_unsee_remote(struct index *ix, int64_t folder, const struct uidset *set,
    uint64_t *changed_out, struct err *err)
{
	struct unseeing u = { ix, folder, true, 0 };
	int r = index_may_write(ix, err);

	for (size_t i = 0; i < set->n && r == 0; i++)
		r = unsee_range(&u, set->range[i], err);
	*changed_out = u.changed;
	return r;
}

/* The gaps between what stays, up to the bound, are gone. */
static int
keep_listed(struct unseeing *u, const struct index_listed *listed,
    struct err *err)
{
	const struct uidset *set = listed->uids;
	struct uidrange gap = { 1, 0 };
	uint32_t upto = listed->upto;

	for (size_t i = 0; i < set->n && set->range[i].first <= upto; i++) {
		gap.last = set->range[i].first - 1;
		if (gap.first <= gap.last && unsee_range(u, gap, err) < 0)
			return -1;
		if (set->range[i].last >= upto)
			return 0;
		gap.first = set->range[i].last + 1;
	}
	gap.last = upto;
	return gap.first > gap.last ? 0 : unsee_range(u, gap, err);
}

int
index_keep_remote(struct index *ix, int64_t folder,
    const struct index_listed *listed, uint64_t *changed_out, struct err *err)
{
	struct unseeing u = { ix, folder, false, 0 };
	int r = index_may_write(ix, err);

	if (r == 0)
		r = keep_listed(&u, listed, err);
	*changed_out = u.changed;
	return r;
}

/* Deleted on disk, as far as was seen: that stays known, by what it was. */
static bool
is_lost_here(const struct place *p)
{
	return p->base_local.present && p->content != 0 &&
	    (!p->local.present || p->missing);
}

/*
 * What the disk took away from a message since both agreed: it stays away where
 * the two are united again (mail/state.h).
 */
static void
keep_taken_away(struct place *p)
{
	unsigned flags = p->base_local.flags & ~p->local.flags;
	char *words = keywords_less(p->base_local.keywords,
	    p->local.keywords);

	state_set(&p->base_local, false, flags, words);
	state_set(&p->base_remote, false, flags, words);
	free(words);
}

static int
reset_remote(struct index *ix, struct place *p, struct err *err)
{
	place_forget_remote(p);
	if (is_lost_here(p)) {
		p->local.present = p->missing = false;
		return index_place_put(ix, p, err);
	}
	if (!p->local.present)
		return index_place_drop(ix, p->id, err);
	if (p->base_local.present)
		keep_taken_away(p);
	return index_place_put(ix, p, err);
}

static int
reset_local(struct index *ix, struct place *p, struct err *err)
{
	if (!p->remote.present)
		return index_place_drop(ix, p->id, err);
	place_forget_local(p);
	state_set(&p->base_local, false, 0, "");
	state_set(&p->base_remote, false, 0, "");
	return index_place_put(ix, p, err);
}

static int
reset_place(struct index *ix, struct place *p, bool local, struct err *err)
{
	return local ? reset_local(ix, p, err) : reset_remote(ix, p, err);
}

/* Both agreed on it, or the server has it. */
static bool
is_known_there(const struct place *p)
{
	return p->base_local.present || p->base_remote.present ||
	    p->remote.present;
}

static int
reset_side(struct index *ix, int64_t folder, bool local, bool *known_out,
    struct err *err)
{
	bool known = false;
	struct index_place_stream all = { PLACES_ALL, folder, 0 };
	struct place *row = xcalloc(BATCH, sizeof(*row));
	int r = index_may_write(ix, err);
	int n = r;

	while (r == 0 && (n = index_places(ix, &all, row, BATCH, err)) > 0) {
		for (int i = 0; i < n; i++) {
			known |= is_known_there(&row[i]);
			if (r == 0)
				r = reset_place(ix, &row[i], local, err);
			place_release(&row[i]);
		}
	}
	free(row);
	if (known_out != NULL)
		*known_out = known;
	return r < 0 || n < 0 ? -1 : 0;
}

int
index_reset_remote(struct index *ix, int64_t folder, bool *known_out,
    struct err *err)
{
	return reset_side(ix, folder, false, known_out, err);
}

int
index_reset_local(struct index *ix, int64_t folder, struct err *err)
{
	return reset_side(ix, folder, true, NULL, err);
}
