/* Dates of headers, row by row; what date(1) says of each stands beside it. */
#include "mail/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct row {
	const char *text;
	int64_t seconds;	/* NONE: it is none */
} rows[] = {
#define NONE	INT64_MIN
	{ "Fri, 14 Jul 2017 02:40:00 +0000", 1500000000 },
	{ "14 Jul 2017 02:40:00 +0000", 1500000000 },
	{ "Fri, 14 Jul 2017 04:40:00 +0200", 1500000000 },
	{ "Thu, 13 Jul 2017 18:10 -0830", 1500000000 },
	{ "fri,14 july 2017 02:40:00 GMT", 1500000000 },
	{ "Fri, 14 Jul 17 02:40:00 UT", 1500000000 },
	{ "Fri, 14 Jul 117 02:40:00 Z", 1500000000 },
	{ "Thu, 13 Jul 2017 22:40:00 EDT", 1500000000 },
	{ "Thu, 13 Jul 2017 18:40:00 PST (so it says)", 1500000000 },
	{ "Fri (a day), 14 (Jul) Jul (x (y)) 2017 02 : 40 : 00 +0000",
	    1500000000 },
	{ "Fri, 14 Jul 2017\r\n\t02:40:00 +0000", 1500000000 },
	{ "Fri, 14 Jul 2017 02:40:00", 1500000000 },
	{ "Fri, 14 Jul 2017 02:40:00 +99", 1500000000 },
	{ "Fri, 14 Jul 2017 02:40:00 Europe/Berlin", 1500000000 },
	{ "Thu, 1 Jan 1970 00:00:00 +0000", 0 },
	{ "Wed, 31 Dec 1969 23:59:59 +0000", -1 },
	{ "Mon, 1 Jan 1900 00:00:00 +0000", -2208988800 },
	{ "Sat, 1 Jan 00 00:00:00 +0000", 946684800 },
	{ "Sun, 1 Jan 50 00:00:00 +0000", -631152000 },
	{ "Fri, 31 Dec 9999 23:59:59 +0000", 253402300799 },
	{ "", NONE },
	{ "Fri", NONE },
	{ "Fri,", NONE },
	{ "Fri, 14 Jul 2017", NONE },
	{ "Fri, 14 Jul 2017 02", NONE },
	{ "Fri, 14 Jul 2017 24:00:00 +0000", NONE },
	{ "Fri, 14 Jul 2017 02:60:00 +0000", NONE },
	{ "Fri, 14 Jul 2017 02:40:61 +0000", NONE },
	{ "Fri, 0 Jul 2017 02:40:00 +0000", NONE },
	{ "Fri, 32 Jul 2017 02:40:00 +0000", NONE },
	{ "Fri, 14 Foo 2017 02:40:00 +0000", NONE },
	{ "Fri, 14 Ju 2017 02:40:00 +0000", NONE },
	{ "Fri, 14 Jul 12017 02:40:00 +0000", NONE },
	{ "Fri, 14 Jul 0001 02:40:00 +0000", NONE },
	{ "2017-07-14 02:40:00", NONE },
	{ "today", NONE },
	{ "((((((", NONE },
};

static void
test_dates(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t got = NONE;
		bool is = mail_date_parse(span_of(rows[i].text), &got);

		if (is != (rows[i].seconds != NONE) ||
		    (is && got != rows[i].seconds))
			fail_msg("%s: %lld", rows[i].text, (long long)got);
	}
}

/* What is cut anywhere is read within its bounds, whatever comes of it. */
static void
test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t n = 0; n <= strlen(rows[i].text); n++) {
			char *copy = malloc(n + 1);
			int64_t got;

			assert_non_null(copy);
			memcpy(copy, rows[i].text, n);
			(void)mail_date_parse((struct span){ copy, n }, &got);
			free(copy);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
