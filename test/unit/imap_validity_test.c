#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "imap/resp.h"

/* A number of any length (design section 11). */

static uint64_t
validity(const char *digits)
{
	uint64_t v = 1;

	if (!imap_validity(span_of(digits), &v))
		fail_msg("%s is no number", digits);
	return v;
}

static void
what_is_short_is_exact(void **state)
{
	(void)state;
	assert_int_equal(validity("0"), 0);
	assert_int_equal(validity("00000000000000000000000000"), 0);
	assert_int_equal(validity("7"), 7);
	assert_int_equal(validity("000000000000000000000000007"), 7);
	assert_int_equal(validity("4294967296"), 4294967296);
	assert_int_equal(validity("1713632002544"), 1713632002544);
	assert_int_equal(validity("4611686018427387903"),
	    IMAP_VALIDITY_EXACT);
}

/* Never none, never one that is exact, never the next one. */
static void
what_is_long_is_itself(void **state)
{
	static const char *const starts[] = {
		"46116860184273879", "184467440737095516",
		"99999999999999999999999999999999999999",
		"1000000000000000000000000000000000000000000000000000000000000"
	};
	uint64_t seen[400];
	size_t n = 0;
	char digits[100];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (unsigned k = 4; k < 100; k++) {
			snprintf(digits, sizeof(digits), "%s%02u", starts[i],
			    k);
			seen[n] = validity(digits);
			assert_true(seen[n] > IMAP_VALIDITY_EXACT);
			assert_true(seen[n] <= INT64_MAX);
			for (size_t j = 0; j < n; j++)
				assert_int_not_equal(seen[j], seen[n]);
			n++;
		}
	assert_int_equal(validity("00099999999999999999999999999999999999999"),
	    validity("99999999999999999999999999999999999999"));
}

static void
what_is_no_number(void **state)
{
	static const char *const odd[] = { "", "-1", "+1", "1a", " 1", "1 ",
		"0x10", "999999999999999999999999999999999x" };
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_false(imap_validity(span_of(odd[i]), &v));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_short_is_exact),
		cmocka_unit_test(what_is_long_is_itself),
		cmocka_unit_test(what_is_no_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
