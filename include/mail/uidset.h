/*
 * Sets of UIDs as ascending, disjoint ranges; never expanded, so "1:*" costs
 * as much as "1". RFC 9051 sequence-set.
 */
#ifndef MAIL_UIDSET_H
#define MAIL_UIDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct uidrange {
	uint32_t first, last;	/* inclusive, first <= last, first >= 1 */
};

struct uidset {
	struct uidrange *range;
	size_t n, cap;
	size_t tail;		/* private: how many at the end are unsettled */
};

/*
 * Who reads range[] directly calls this first after adding out of order; every
 * reading function below does so by itself. Because of that two threads must
 * not share one set, not even to read it.
 */
void uidset_settle(struct uidset *);

void uidset_release(struct uidset *);
void uidset_clear(struct uidset *);
/* Amortised O(1) when ascending, O(log n) in any other order. */
void uidset_add(struct uidset *, uint32_t uid);
/* The ends may be reversed. UID 0 is never a member. */
void uidset_add_range(struct uidset *, uint32_t first, uint32_t last);
/* Adds, or takes away, all of the second: the first is settled then. */
void uidset_join(struct uidset *, const struct uidset *);
void uidset_less(struct uidset *, const struct uidset *);
bool uidset_has(const struct uidset *, uint32_t uid);
bool uidset_empty(const struct uidset *);
uint64_t uidset_count(const struct uidset *);

/*
 * Parses "1,3:5,9:7,12:*"; '*' is 4294967295. Ranges may be reversed or
 * overlap. 0 and anything that is no number is refused (-1, set unchanged).
 */
int uidset_parse(struct uidset *, struct span);

/*
 * Appends "1,3:5" to out, ascending, starting at range *at, at most max bytes;
 * returns false when ranges are left (or out is full), with *at where to go on.
 * One range takes up to 21 bytes; with less than that it may never go on.
 */
bool uidset_format(const struct uidset *, size_t *at, size_t max,
    struct buf *out);

/* Iterates: *uid starts at 0 and becomes the next member; false at the end. */
bool uidset_next(const struct uidset *, uint32_t *uid);

#endif
