/* What a new file is a copy of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan/match.h"

/* The better one first. */
static const struct {
	const char *what;
	struct match_source better, worse;
} pairs[] = {
	{ "what was left, before what stays",
	    { true, false, false }, { false, false, true } },
	{ "what was left with those flags",
	    { true, false, true }, { true, false, false } },
	{ "what stays with those flags",
	    { false, false, true }, { false, false, false } },
	{ "one to one: what stays, before what another came from",
	    { false, false, false }, { true, true, true } },
	{ "one to one, among what stays",
	    { false, false, false }, { false, true, true } },
};

static void
ranks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (match_rank(&pairs[i].better) <= match_rank(&pairs[i].worse))
			fail_msg("%s", pairs[i].what);
}

static void
moves(void **state)
{
	(void)state;
	assert_true(match_is_move(&(struct match_source){ true, false, false }));
	assert_false(match_is_move(&(struct match_source){ true, true, true }));
	assert_false(match_is_move(&(struct match_source){ false, false,
	    true }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranks),
		cmocka_unit_test(moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
