/*
 * What observers of the server saw, and what becomes of rows when a side means
 * nothing any more. Only the seen states change, and only rows where something
 * differs: an unchanged mailbox writes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"
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
	*changed_out = update_remote(&p, seen);
	r = *changed_out ? index_place_put(ix, &p, err) : 0;
	place_release(&p);
	return r;
}

/* Flags stay as they were last seen: a message that moved takes them along. */
static int
unsee_uid(struct index *ix, int64_t folder, uint32_t uid, uint64_t *changed,
    struct err *err)
{
	struct place p;
	int r = index_place_by_uid(ix, folder, uid, &p, err);

	if (r <= 0)
		return r;
	if (p.remote.present) {
		p.remote.present = false;
		(*changed)++;
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
unsee_range(struct index *ix, int64_t folder, struct uidrange in,
    uint64_t *changed, struct err *err)
{
	uint32_t uid[BATCH];
	int n;

	for (;;) {
		n = next_uids(ix, folder, in, uid, err);
		if (n <= 0)
			return n;
		for (int i = 0; i < n; i++)
			if (unsee_uid(ix, folder, uid[i], changed, err) < 0)
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
	*changed_out = 0;
	if (index_may_write(ix, err) < 0)
		return -1;
	for (size_t i = 0; i < set->n; i++)
		if (unsee_range(ix, folder, set->range[i], changed_out,
		    err) < 0)
			return -1;
	return 0;
}

/* The gaps between what stays, up to the bound, are gone. */
int
index_keep_remote(struct index *ix, int64_t folder,
    const struct index_listed *listed, uint64_t *changed_out, struct err *err)
{
	const struct uidset *set = listed->uids;
	struct uidrange gap = { 1, 0 };
	uint32_t upto = listed->upto;

	*changed_out = 0;
	if (index_may_write(ix, err) < 0)
		return -1;
	for (size_t i = 0; i < set->n && set->range[i].first <= upto; i++) {
		gap.last = set->range[i].first - 1;
		if (gap.first <= gap.last &&
		    unsee_range(ix, folder, gap, changed_out, err) < 0)
			return -1;
		if (set->range[i].last >= upto)
			return 0;
		gap.first = set->range[i].last + 1;
	}
	gap.last = upto;
	if (gap.first > gap.last)
		return 0;
	return unsee_range(ix, folder, gap, changed_out, err);
}

static int
reset_place(struct index *ix, struct place *p, bool local, struct err *err)
{
	if (local ? !p->remote.present : !p->local.present)
		return index_place_drop(ix, p->id, err);
	if (local)
		place_forget_local(p);
	else
		place_forget_remote(p);
	state_set(&p->base_local, false, 0, "");
	state_set(&p->base_remote, false, 0, "");
	return index_place_put(ix, p, err);
}

static int
reset_side(struct index *ix, int64_t folder, bool local, struct err *err)
{
	struct index_place_stream all = { PLACES_ALL, folder, 0 };
	struct place *row = xcalloc(BATCH, sizeof(*row));
	int r = index_may_write(ix, err);
	int n = r;

	while (r == 0 && (n = index_places(ix, &all, row, BATCH, err)) > 0) {
		for (int i = 0; i < n; i++) {
			if (r == 0)
				r = reset_place(ix, &row[i], local, err);
			place_release(&row[i]);
		}
	}
	free(row);
	return r < 0 || n < 0 ? -1 : 0;
}

int
index_reset_remote(struct index *ix, int64_t folder, struct err *err)
{
	return reset_side(ix, folder, false, err);
}

int
index_reset_local(struct index *ix, int64_t folder, struct err *err)
{
	return reset_side(ix, folder, true, err);
}
