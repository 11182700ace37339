/* When what was refused is tried again: a table written from the rule. */
#include "plan/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define AT	1000000

static const struct {
	uint32_t tries;
	int64_t wait;		/* seconds behind the last one; -1: at once */
} waits[] = {
	{ 0, -1 }, { 1, -1 }, { 2, 300 }, { 3, 600 }, { 4, 1200 },
	{ 5, 2400 }, { 6, 4800 }, { 7, 9600 }, { 8, 19200 }, { 9, 38400 },
	{ 10, 76800 }, { 11, 86400 }, { 12, 86400 }, { UINT32_MAX, 86400 },
};

static void
test_waits_double_up_to_a_day(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		assert_int_equal(retry_next(waits[i].tries, AT),
		    waits[i].wait == -1 ? 0 : AT + waits[i].wait);
}

static void
test_later(void **state)
{
	(void)state;
	assert_false(retry_is_later(0, AT));
	assert_false(retry_is_later(AT, AT));
	assert_true(retry_is_later(AT + 1, AT));
	assert_true(retry_is_later(AT + 86400, AT));
}

static void
test_clock_set_back_makes_nothing_wait(void **state)
{
	(void)state;
	assert_false(retry_is_later(AT + 86401, AT));
	assert_false(retry_is_later(INT64_MAX, AT));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits_double_up_to_a_day),
		cmocka_unit_test(test_later),
		cmocka_unit_test(test_clock_set_back_makes_nothing_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
