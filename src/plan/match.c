/* Chooses what a new file is a copy of (plan/match.h). */
#include "plan/match.h"

bool
match_is_move(const struct match_source *s)
{
	return s->left && !s->taken;
}

unsigned
match_rank(const struct match_source *s)
{
	return (match_is_move(s) ? 4u : 0) + (s->taken ? 0 : 2u) +
	    (s->same_flags ? 1u : 0);
}
