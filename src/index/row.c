/* The place row: its checksum, and reading it with every value checked. */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/place.h"

static uint64_t
sum_text(uint64_t sum, const char *s)
{
	sum = index_sum_int(sum, s != NULL);
	return s == NULL ? sum : index_sum(sum, s, strlen(s));
}

static uint64_t
sum_state(uint64_t sum, const struct state *s)
{
	sum = index_sum_int(sum, s->present);
	sum = index_sum_int(sum, s->flags);
	return sum_text(sum, s->keywords);
}

/* What came with versions 7 and 8 counts only where it says something: so the
 * sums of older rows hold. */
static uint64_t
sum_later(uint64_t sum, const struct place *p)
{
	int64_t bits = (p->has_date != (p->date != 0)) | p->likely << 1 |
	    p->unconfirmed << 2 | p->expected.present << 3;

	if (bits == 0 && p->lineage == 0)
		return sum;
	sum = index_sum_int(sum, bits);
	sum = sum_state(sum, &p->expected);
	return p->lineage == 0 ? sum : index_sum_int(sum, p->lineage);
}

/* Of what the row means, so a number that was narrowed shows as well. */
uint64_t
place_sum(const struct place *p)
{
	uint64_t sum = INDEX_SUM_START;

	sum = index_sum_int(sum, p->id);
	sum = index_sum_int(sum, p->folder);
	sum = index_sum_int(sum, p->uid);
	sum = sum_text(sum, p->unique);
	sum = sum_text(sum, p->file);
	sum = index_sum_int(sum, p->in_new);
	sum = index_sum_int(sum, p->missing);
	sum = sum_state(sum, &p->base_local);
	sum = sum_state(sum, &p->base_remote);
	sum = sum_state(sum, &p->local);
	sum = sum_state(sum, &p->remote);
	sum = index_sum_int(sum, p->content);
	sum = index_sum_int(sum, p->size);
	sum = index_sum_int(sum, p->date);
	sum = index_sum_int(sum, p->fetched);
	sum = index_sum_int(sum, (int64_t)p->hint.inode);
	sum = index_sum_int(sum, p->hint.size);
	sum = index_sum_int(sum, p->hint.mtime);
	return sum_later(sum, p);
}

uint64_t
index_name_sum(bool in_new, const char *file, uint64_t inode)
{
	uint64_t sum = index_sum_int(INDEX_SUM_START, in_new);

	/* Each a step of its own: one bit here and one of the name would
	 * make up for each other. */
	sum = index_sum_int(sum, (int64_t)inode);
	sum = index_sum(sum, file, strlen(file));
	return sum != 0 ? sum : 1;
}

/* The file that a deletion on the server waits for is never taken on trust. */
uint64_t
place_seen(const struct place *p)
{
	if (!p->local.present || p->missing || p->file == NULL ||
	    p->hint.inode == 0 ||
	    (p->base_local.present && !p->remote.present))
		return 0;
	return index_name_sum(p->in_new, p->file, p->hint.inode);
}

void
place_stored(struct place *p)
{
	p->row = (struct place_row){
		.known = true, .named = p->unique != NULL,
		.missing = p->missing, .base = p->base_local.present,
		.local = p->local.present, .remote = p->remote.present,
		.content = p->content, .lineage = p->lineage,
		.seen = place_seen(p),
	};
}

/* A number that must lie in 0..max; anything else spoils the row. */
static uint64_t
get_upto(struct query *q, int column, uint64_t max, bool *bad)
{
	int64_t v = query_get_int(q, column);

	if (v >= 0 && (uint64_t)v <= max)
		return (uint64_t)v;
	*bad = true;
	return 0;
}

/* Where presence stands, and where flags and keywords begin. */
static void
get_state(struct query *q, int present, int flags, struct state *out, bool *bad)
{
	out->present = get_upto(q, present, 1, bad);
	out->flags = (unsigned)get_upto(q, flags, UINT32_MAX, bad);
	out->keywords = query_get_text(q, flags + 1);
	if (out->keywords == NULL)
		*bad = true;
}

static void
get_place(struct query *q, struct place *p, bool *bad)
{
	p->id = query_get_int(q, 0);
	p->folder = query_get_int(q, 1);
	p->uid = (uint32_t)get_upto(q, 2, UINT32_MAX, bad);
	p->unique = query_get_text(q, 3);
	p->file = query_get_text(q, 4);
	p->in_new = get_upto(q, 5, 1, bad);
	p->missing = get_upto(q, 6, 1, bad);
	get_state(q, 7, 8, &p->base_local, bad);
	get_state(q, 7, 10, &p->base_remote, bad);
	get_state(q, 12, 13, &p->local, bad);
	get_state(q, 15, 16, &p->remote, bad);
	p->content = query_get_int(q, 18);
	p->size = (uint32_t)get_upto(q, 19, UINT32_MAX, bad);
	p->date = query_get_int(q, 20);
	p->fetched = (enum fetched)get_upto(q, 21, FETCHED_FULL, bad);
	p->hint.inode = (uint64_t)query_get_int(q, 22);
	p->hint.size = query_get_int(q, 23);
	p->hint.mtime = query_get_int(q, 24);
	p->has_date = get_upto(q, 25, 1, bad);
	p->likely = get_upto(q, 26, 1, bad);
	p->unconfirmed = get_upto(q, 27, 1, bad);
	get_state(q, 28, 29, &p->expected, bad);
	p->lineage = query_get_int(q, 31);
}

int
place_read(struct query *q, struct place *out, struct err *err)
{
	struct place p = { 0 };
	bool bad = false;
	char what[80];

	get_place(q, &p, &bad);
	if (!bad && place_sum(&p) == (uint64_t)query_get_int(q, 32)) {
		place_stored(&p);
		*out = p;
		return 0;
	}
	snprintf(what, sizeof(what), "the row of place %" PRId64 " is wrong",
	    p.id);
	place_release(&p);
	return index_damage(q->ix, what, err);
}

int
place_read_one(struct query *q, struct place *out, struct err *err)
{
	int r = query_step(q, err);

	if (r > 0 && place_read(q, out, err) < 0)
		r = -1;
	query_end(q);
	return r;
}
