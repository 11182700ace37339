/* Sets of UIDs as ranges: parsed, added to, searched, written. */
#include "mail/uidset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/*
 * range[0 .. n - tail) is ascending, disjoint and never adjacent. What was
 * added out of order waits in the last `tail` ranges until somebody reads, or
 * until it has become as much as the rest, so that no order of adding is
 * quadratic and saying the same UID again and again takes no memory.
 */
#define TAIL_MIN	64

void
uidset_release(struct uidset *set)
{
	free(set->range);
	*set = (struct uidset){ 0 };
}

void
uidset_clear(struct uidset *set)
{
	set->n = set->tail = 0;
}

/* Whether b overlaps a or follows it without a gap; a.first <= b.first. */
static bool
range_joins(struct uidrange a, struct uidrange b)
{
	return b.first <= a.last || b.first - 1 == a.last;
}

static int
range_cmp(const void *va, const void *vb)
{
	const struct uidrange *a = va, *b = vb;

	return (a->first > b->first) - (a->first < b->first);
}

/* Appends, joining with the last where it can; order of first is given. */
static void
range_push(struct uidrange *out, size_t *n, struct uidrange r)
{
	if (*n > 0 && range_joins(out[*n - 1], r)) {
		if (r.last > out[*n - 1].last)
			out[*n - 1].last = r.last;
	} else {
		out[(*n)++] = r;
	}
}

void
uidset_settle(struct uidset *set)
{
	size_t sorted = set->n - set->tail, a = 0, b = sorted, n = 0;
	struct uidrange *out;

	if (set->tail == 0)
		return;
	qsort(set->range + sorted, set->tail, sizeof(*set->range), range_cmp);
	out = xreallocarray(NULL, set->n, sizeof(*out));
	while (a < sorted || b < set->n) {
		if (b == set->n || (a < sorted &&
		    set->range[a].first <= set->range[b].first))
			range_push(out, &n, set->range[a++]);
		else
			range_push(out, &n, set->range[b++]);
	}
	free(set->range);
	set->range = out;
	set->cap = set->n;
	set->n = n;
	set->tail = 0;
}

/* Readers take const: the members stay the same, only their order settles. */
static void
uidset_order(const struct uidset *set)
{
	if (set->tail > 0)
		uidset_settle((struct uidset *)(uintptr_t)set);
}

/* Whether r could be joined to the range added last. */
static bool
range_extend(struct uidrange *last, struct uidrange r)
{
	bool joins = r.first >= last->first ? range_joins(*last, r) :
	    range_joins(r, *last);

	if (!joins)
		return false;
	if (r.first < last->first)
		last->first = r.first;
	if (r.last > last->last)
		last->last = r.last;
	return true;
}

void
uidset_add_range(struct uidset *set, uint32_t first, uint32_t last)
{
	struct uidrange r = { first, last };
	struct uidrange *end = set->n > 0 ? &set->range[set->n - 1] : NULL;
	bool ordered;

	if (first > last)
		r = (struct uidrange){ last, first };
	if (r.last == 0)
		return;
	if (r.first == 0)
		r.first = 1;
	/* Growing downwards is safe only where nothing settled lies below. */
	if (end != NULL && (r.first >= end->first || set->tail > 0 ||
	    set->n == 1) && range_extend(end, r))
		return;
	ordered = set->tail == 0 && (end == NULL || r.first > end->last);
	*VEC_ADD(set->range, set->n, set->cap) = r;
	if (ordered)
		return;
	set->tail++;
	if (set->tail > TAIL_MIN && set->tail > set->n - set->tail)
		uidset_settle(set);
}

void
uidset_add(struct uidset *set, uint32_t uid)
{
	uidset_add_range(set, uid, uid);
}

/* The first range that does not end below uid, or n. Of the settled ones. */
static size_t
uidset_find(const struct uidset *set, uint32_t uid)
{
	size_t low = 0, high = set->n - set->tail;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (set->range[mid].last < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* A short tail is searched as it is, else add-has-add-has would be slow. */
bool
uidset_has(const struct uidset *set, uint32_t uid)
{
	size_t i;

	if (set->tail > TAIL_MIN && set->tail > set->n / set->tail)
		uidset_order(set);
	i = uidset_find(set, uid);
	if (i < set->n - set->tail && set->range[i].first <= uid)
		return uid != 0;
	for (i = set->n - set->tail; i < set->n; i++)
		if (set->range[i].first <= uid && uid <= set->range[i].last)
			return true;
	return false;
}

bool
uidset_empty(const struct uidset *set)
{
	return set->n == 0;
}

uint64_t
uidset_count(const struct uidset *set)
{
	uint64_t count = 0;

	uidset_order(set);
	for (size_t i = 0; i < set->n; i++)
		count += (uint64_t)set->range[i].last - set->range[i].first + 1;
	return count;
}

/* seq-number = nz-number / "*" */
static bool
number_parse(struct span s, uint32_t *out)
{
	uint64_t n = UINT32_MAX;

	if (!span_eq(s, "*") && !span_number(s, UINT32_MAX, &n))
		return false;
	*out = (uint32_t)n;
	return n != 0;
}

/* The text before the first c, which is cut off from *rest with it. */
static struct span
span_split(struct span *rest, char c, bool *found)
{
	const char *end = rest->n > 0 ? memchr(rest->p, c, rest->n) : NULL;
	struct span head = *rest;

	*found = end != NULL;
	if (end != NULL) {
		head.n = (size_t)(end - rest->p);
		rest->p += head.n + 1;
		rest->n -= head.n + 1;
	} else {
		rest->n = 0;
	}
	return head;
}

static int
sequence_walk(struct uidset *set, struct span s)
{
	bool more = true;

	while (more) {
		struct span last = span_split(&s, ',', &more), first;
		struct uidrange r;
		bool two;

		first = span_split(&last, ':', &two);
		if (!number_parse(first, &r.first))
			return -1;
		r.last = r.first;
		if (two && !number_parse(last, &r.last))
			return -1;
		if (set != NULL)
			uidset_add_range(set, r.first, r.last);
	}
	return 0;
}

int
uidset_parse(struct uidset *set, struct span s)
{
	if (sequence_walk(NULL, s) < 0)
		return -1;
	sequence_walk(set, s);
	uidset_settle(set);
	return 0;
}

void
uidset_join(struct uidset *set, const struct uidset *with)
{
	size_t i;

	uidset_order(with);
	for (i = 0; i < with->n; i++)
		uidset_add_range(set, with->range[i].first,
		    with->range[i].last);
	uidset_settle(set);
}

/* What is left of a range in front of each that goes, and behind the last. */
static void
range_less(struct uidset *out, struct uidrange r, const struct uidset *less)
{
	uint64_t from = r.first;
	size_t i;

	for (i = uidset_find(less, r.first); i < less->n &&
	    less->range[i].first <= r.last; i++) {
		if (less->range[i].first > from)
			uidset_add_range(out, (uint32_t)from,
			    less->range[i].first - 1);
		from = (uint64_t)less->range[i].last + 1;
	}
	if (from <= r.last)
		uidset_add_range(out, (uint32_t)from, r.last);
}

void
uidset_less(struct uidset *set, const struct uidset *less)
{
	struct uidset out = { 0 };
	size_t i;

	uidset_order(set);
	uidset_order(less);
	for (i = 0; i < set->n; i++)
		range_less(&out, set->range[i], less);
	uidset_release(set);
	*set = out;
}

bool
uidset_format(const struct uidset *set, size_t *at, size_t max,
    struct buf *out)
{
	size_t used = 0;

	uidset_order(set);
	for (; *at < set->n; ++*at) {
		struct uidrange r = set->range[*at];
		char text[32];
		int n = snprintf(text, sizeof(text), "%s%u",
		    used > 0 ? "," : "", (unsigned)r.first);

		if (r.last != r.first)
			n += snprintf(text + n, sizeof(text) - (size_t)n, ":%u",
			    (unsigned)r.last);
		if ((size_t)n > max - used || !buf_add(out, text, (size_t)n))
			return false;
		used += (size_t)n;
	}
	return true;
}

bool
uidset_next(const struct uidset *set, uint32_t *uid)
{
	size_t i;

	uidset_order(set);
	if (*uid == UINT32_MAX)
		return false;
	i = uidset_find(set, *uid + 1);
	if (i == set->n)
		return false;
	*uid = set->range[i].first > *uid ? set->range[i].first : *uid + 1;
	return true;
}
