#include "plan/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* Design section 5, "Guard". worst: the folder to name, or n for all. */
static const struct {
	const char *what;
	size_t n;
	struct guard_count folder[4];
	bool hold;
	size_t worst;
} guards[] = {
	{ "no folder", 0, { { 0, 0 } }, false, 0 },
	{ "empty folder", 1, { { 0, 0 } }, false, 1 },
	{ "nothing vanishes", 2, { { 1000, 0 }, { 5, 0 } }, false, 2 },

	/* All of 10 or more. */
	{ "all of 9", 1, { { 9, 9 } }, false, 1 },
	{ "all of 10", 1, { { 10, 10 } }, true, 1 },
	{ "9 of 10", 1, { { 10, 9 } }, false, 1 },
	{ "10 of 11", 1, { { 11, 10 } }, false, 1 },
	{ "all of an account in small folders", 2, { { 5, 5 }, { 5, 5 } },
	    true, 2 },
	{ "all of 9 in two folders", 2, { { 5, 5 }, { 4, 4 } }, false, 2 },
	{ "all of a folder of 50", 2, { { 500, 0 }, { 50, 50 } }, false, 2 },
	{ "more than there was", 1, { { 10, 12 } }, true, 1 },
	{ "the first folder is named", 3, { { 5000, 0 }, { 210, 200 },
	    { 220, 220 } }, true, 1 },

	/* More than max(50, 30 %) of the account. */
	{ "50 of 51", 1, { { 51, 50 } }, false, 1 },
	{ "51 of 52", 1, { { 52, 51 } }, true, 1 },
	{ "50 of 100", 1, { { 100, 50 } }, false, 1 },
	{ "51 of 100", 1, { { 100, 51 } }, true, 1 },
	{ "51 of 169: 30.2 %", 1, { { 169, 51 } }, true, 1 },
	{ "51 of 170: 30 %", 1, { { 170, 51 } }, false, 1 },
	{ "300 of 1000", 2, { { 700, 150 }, { 300, 150 } }, false, 2 },
	{ "301 of 1000", 2, { { 700, 151 }, { 300, 150 } }, true, 2 },
	{ "60 of 100 in a big account", 2, { { 900, 0 }, { 100, 60 } },
	    false, 2 },

	/* Over half and at least 200 of one folder. */
	{ "199 of 398", 2, { { 10000, 0 }, { 398, 199 } }, false, 2 },
	{ "199 of 200", 2, { { 10000, 0 }, { 200, 199 } }, false, 2 },
	{ "200 of 400: half", 2, { { 10000, 0 }, { 400, 200 } }, false, 2 },
	{ "200 of 399", 2, { { 10000, 0 }, { 399, 200 } }, true, 1 },
	{ "201 of 400", 2, { { 10000, 0 }, { 400, 201 } }, true, 1 },
	{ "201 of 402: half", 2, { { 10000, 0 }, { 402, 201 } }, false, 2 },
	{ "201 of 401, first folder", 2, { { 401, 201 }, { 10000, 0 } },
	    true, 0 },
	{ "half of two folders together", 3, { { 10000, 0 }, { 150, 140 },
	    { 150, 140 } }, false, 3 },
};

static void
test_guard_holds(void **state)
{
	size_t i, worst;

	(void)state;
	for (i = 0; i < sizeof(guards) / sizeof(guards[0]); i++) {
		worst = 99;
		if (guard_holds(guards[i].folder, guards[i].n, &worst) !=
		    guards[i].hold)
			fail_msg("%s", guards[i].what);
		if (worst != guards[i].worst)
			fail_msg("%s: folder %zu", guards[i].what, worst);
	}
}

static const struct {
	uint64_t first, second;
	bool hold;
} growths[] = {
	{ 0, 0, false }, { 0, 50, false }, { 49, 50, false }, { 50, 50, false },
	{ 0, 51, true }, { 50, 51, true }, { 51, 51, false }, { 52, 51, false },
	{ 999, 1000, true }, { 1000, 999, false },
};

static void
test_guard_holds_growing(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(growths) / sizeof(growths[0]); i++)
		if (guard_holds_growing(growths[i].first,
		    growths[i].second) != growths[i].hold)
			fail_msg("row %zu", i);
}

static const struct {
	uint64_t uploads, remote;
	bool hold;
} uploads[] = {
	{ 0, 0, false }, { 50, 0, false }, { 51, 0, true },
	{ 50, 10, false }, { 51, 169, true }, { 51, 170, false },
	{ 300, 1000, false }, { 301, 1000, true }, { 5000, 20000, false },
};

static void
test_guard_holds_uploads(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(uploads) / sizeof(uploads[0]); i++)
		if (guard_holds_uploads(uploads[i].uploads,
		    uploads[i].remote) != uploads[i].hold)
			fail_msg("row %zu", i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guard_holds),
		cmocka_unit_test(test_guard_holds_growing),
		cmocka_unit_test(test_guard_holds_uploads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
