/* Tells a disaster from somebody tidying up (plan/guard.h). */
#include "plan/guard.h"

#define GUARD_FEW	50	/* removals that nobody asks about */
#define GUARD_PERCENT	30
#define GUARD_ALL	10	/* from here on "everything" is suspicious */
#define GUARD_FOLDER	200	/* over half of a folder, and that many */

static bool
too_many(uint64_t count, uint64_t total)
{
	return count > GUARD_FEW && count * 100 > total * GUARD_PERCENT;
}

static bool
everything(const struct guard_count *c)
{
	return c->vanishing >= GUARD_ALL && c->vanishing >= c->total;
}

/* Over half of it, and no small folder. */
static bool
most(const struct guard_count *c)
{
	return c->vanishing >= GUARD_FOLDER && c->vanishing * 2 > c->total;
}

bool
guard_holds(const struct guard_count *folder, size_t n, size_t *worst_out)
{
	struct guard_count all = { 0, 0 };
	size_t i;

	for (i = 0; i < n; i++) {
		all.total += folder[i].total;
		all.vanishing += folder[i].vanishing;
	}
	*worst_out = n;
	if (too_many(all.vanishing, all.total) || everything(&all))
		return true;
	for (i = 0; i < n; i++)
		if (most(&folder[i])) {
			*worst_out = i;
			return true;
		}
	return false;
}

bool
guard_holds_growing(uint64_t first, uint64_t second)
{
	return second > GUARD_FEW && second > first;
}

bool
guard_holds_uploads(uint64_t uploads, uint64_t remote_total)
{
	return too_many(uploads, remote_total);
}
