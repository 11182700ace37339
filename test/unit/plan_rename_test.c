#include "plan/rename.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define S	INT64_C(1000000000)

/* Design section 4, rule 7: by its files; and a backup is no rename. */
static const struct {
	const char *what;
	struct rename_here h;
	bool want;
} here[] = {
	{ "all of them", { 3, 3, 0, 0 }, true },
	{ "most", { 3, 2, 0, 0 }, true },
	{ "half", { 4, 2, 0, 0 }, false },
	{ "few", { 4, 1, 0, 0 }, false },
	{ "none", { 4, 0, 0, 0 }, false },
	{ "there were none", { 0, 0, 0, 0 }, false },
	{ "as it was", { 3, 3, 9 * S, 9 * S }, true },
	{ "changed since", { 3, 3, 9 * S, 99 * S }, true },
	{ "clocks differ so much", { 3, 3, 9 * S, 7 * S }, true },
	{ "from before", { 3, 3, 9 * S, 7 * S - 1 }, false },
};

static void
test_here(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++)
		if (rename_here_is_proven(&here[i].h) != here[i].want)
			fail_msg("%s", here[i].what);
}

/* What is not sent is copied: all but the one that names no reason. */
static void
test_there(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 64; bits++) {
		const struct rename_there t = {
			.as_it_was = bits & 1, .free = bits & 2,
			.inside_itself = bits & 4, .carried = bits & 8,
			.burdened = bits & 16, .tried = bits & 32,
		};
		enum rename_sent want = bits & 8 ? RENAME_CARRIED :
		    bits == 3 ? RENAME_SEND : RENAME_COPY;

		if (rename_send(&t) != want)
			fail_msg("%u", bits);
	}
}

/* An id decides; then our own mark with the UIDVALIDITY; then headers. */
static const struct {
	const char *what;
	struct rename_likeness l;
	bool want;
} there[] = {
	{ "one id", { .ids = true, .same_id = true }, true },
	{ "two ids", { .ids = true, .same_validity = true, .own = true,
	    .found = 9 }, false },
	{ "ours", { .own = true, .same_validity = true }, true },
	{ "ours, and another number", { .own = true }, false },
	{ "ours, numbered anew", { .own = true, .by_content = true,
	    .found = 4, .wrong = 1 }, true },
	{ "nothing to tell it by", { .same_validity = true }, false },
	{ "its messages", { .same_validity = true, .found = 5, .wrong = 1 },
	    true },
	{ "others", { .same_validity = true, .found = 5, .wrong = 2 },
	    false },
	{ "half of them are others", { .by_content = true, .found = 4,
	    .wrong = 3 }, false },
};

static void
test_likeness(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
		if (rename_is_proven(&there[i].l) != there[i].want)
			fail_msg("%s", there[i].what);
}

/* The directory: wanted, free, here, there, begun, carried, burdened. */
static const struct {
	struct rename_place p;
	enum rename_op want;
} places[] = {
	{ { 1, 1, 1, 0, 0, 0, 0 }, RENAME_DIRECTORY },
	{ { 1, 1, 1, 0, 1, 0, 0 }, RENAME_DIRECTORY },
	{ { 1, 1, 1, 0, 0, 0, 1 }, RENAME_AWAY },
	{ { 1, 1, 1, 1, 0, 0, 0 }, RENAME_AWAY },
	{ { 1, 1, 0, 1, 0, 0, 0 }, RENAME_AWAY },
	{ { 1, 1, 0, 1, 1, 0, 0 }, RENAME_NAME },
	{ { 1, 1, 1, 1, 1, 0, 0 }, RENAME_AWAY },
	{ { 1, 1, 0, 0, 1, 0, 0 }, RENAME_AWAY },
	{ { 1, 1, 1, 0, 0, 1, 1 }, RENAME_NAME },
	{ { 1, 0, 1, 0, 0, 1, 0 }, RENAME_AWAY },
	{ { 0, 1, 1, 0, 0, 1, 0 }, RENAME_AWAY },
};

static void
test_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (rename_reconcile(&places[i].p) != places[i].want)
			fail_msg("%zu", i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_here),
		cmocka_unit_test(test_there),
		cmocka_unit_test(test_likeness),
		cmocka_unit_test(test_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
