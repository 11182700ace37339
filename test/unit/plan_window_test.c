/* Whether what a server no longer shows is gone or out of sight. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plan/window.h"

static const struct {
	const char *what;
	struct window_look look;
	enum window_op op;
} rows[] = {
	{ "as many came as went", { 20, 20, true, true, 0, 0, 0 },
	    WINDOW_WAITS },
	{ "a second time", { 20, 20, true, true, 1, 0, 0 }, WINDOW_WAITS },
	{ "a third time", { 20, 20, true, true, 2, 0, 0 }, WINDOW_OUT },
	{ "nothing came, and nothing went meanwhile",
	    { 20, 20, false, false, 2, 0, 0 }, WINDOW_WAITS },
	{ "mail came, and nothing more went",
	    { 20, 20, true, false, 2, 0, 0 }, WINDOW_WAITS },
	{ "EXISTS rose: it was deleted", { 21, 20, true, true, 2, 0, 0 },
	    WINDOW_GONE },
	{ "EXISTS fell", { 19, 20, true, true, 1, 0, 0 }, WINDOW_GONE },
	{ "nothing came", { 30, 30, false, true, 0, 0, 0 }, WINDOW_GONE },
	{ "a small folder", { 19, 19, true, true, 2, 0, 0 }, WINDOW_GONE },
	{ "Yahoo's number", { 10000, 10000, true, true, 0, 0, 0 },
	    WINDOW_OUT },
	{ "Gmail's, the first time", { 1000, 990, true, true, 0, 0, 0 },
	    WINDOW_OUT },
	{ "one beside it", { 1001, 990, true, true, 0, 0, 0 }, WINDOW_GONE },
	{ "a size that was found", { 70, 68, true, true, 0, 70, 0 },
	    WINDOW_OUT },
	{ "not of that size any more", { 69, 70, true, true, 0, 70, 0 },
	    WINDOW_GONE },
	{ "what the user says", { 50, 49, false, true, 0, 0, 50 },
	    WINDOW_OUT },
	{ "more than the user says", { 51, 49, true, true, 0, 0, 50 },
	    WINDOW_GONE },
	{ "less than the user says", { 49, 52, false, true, 0, 0, 50 },
	    WINDOW_GONE },
	{ "other than the user says, three times",
	    { 30, 30, true, true, 2, 0, 50 }, WINDOW_OUT },
};

static void
judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (window_judge(&rows[i].look) != rows[i].op)
			fail_msg("%s", rows[i].what);
}

static void
usual_numbers(void **state)
{
	static const uint32_t yes[] = { 1000, 2000, 5000, 10000 };
	static const uint32_t no[] = { 0, 100, 999, 1001, 3000, 10001 };

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		assert_true(window_is_usual(yes[i]));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(window_is_usual(no[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judged),
		cmocka_unit_test(usual_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
