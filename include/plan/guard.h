/*
 * Whether removals look like a disaster rather than like somebody tidying up
 * (design section 5, "Guard"). Pure.
 */
#ifndef PLAN_GUARD_H
#define PLAN_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One folder of one side. Content that stays somewhere else on that side, as
 * after a move, is not vanishing; Trash and Junk do not come here at all. */
struct guard_count {
	uint64_t total;		/* messages there before */
	uint64_t vanishing;	/* of them would be removed for good */
};

/*
 * True when the removals of this side must wait for the user: more than
 * max(50, 30 %) of the account; all of an account of 10 or more (one small
 * folder is emptied every day, and on purpose); over half and at least 200 of
 * one folder. *worst_out is the folder to name, or n for the whole account or
 * when nothing is held.
 */
bool guard_holds(const struct guard_count *folder, size_t n, size_t *worst_out);

/* True when removals were more in the second scan than in the first and are
 * above 50: somebody is still at it, or a disk is going away. */
bool guard_holds_growing(uint64_t first, uint64_t second);

/* True when a first run would upload suspiciously much: more than
 * max(50, 30 %) of what the server holds. */
bool guard_holds_uploads(uint64_t uploads, uint64_t remote_total);

#endif
