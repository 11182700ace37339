/* Modified UTF-7 and dates: RFC 3501 sections 5.1.3 and 9. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imap/text.h"

static const struct {
	const char *raw, *utf8;
} names[] = {
	{ "", "" },
	{ "INBOX", "INBOX" },
	{ "a b~", "a b~" },
	{ "&-", "&" },
	{ "R&-D", "R&D" },
	{ "&-&-", "&&" },
	{ "&AOQ-", "\xc3\xa4" },
	{ "Entw&APw-rfe", "Entw\xc3\xbcrfe" },
	{ "&U,BTFw-", "\xe5\x8f\xb0\xe5\x8c\x97" },
	{ "~peter/mail/&U,BTFw-/&ZeVnLIqe-",
	  "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" },
	{ "&Jjo-!", "\xe2\x98\xba!" },
	{ "&2D3eAA-", "\xf0\x9f\x98\x80" },
	{ "&2D3eANg93gA-", "\xf0\x9f\x98\x80\xf0\x9f\x98\x80" },
	{ "&AAEAfw-", "\x01\x7f" },
	{ "&AOQ-&-&AOQ-", "\xc3\xa4&\xc3\xa4" },
	{ "&,,8-", "\xef\xbf\xbf" },
};

static void
test_utf7_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *utf8 = imap_utf7_decode(span_of(names[i].raw));
		char *raw = imap_utf7_encode(names[i].utf8);

		assert_non_null(utf8);
		assert_string_equal(utf8, names[i].utf8);
		assert_non_null(raw);
		assert_string_equal(raw, names[i].raw);
		free(utf8);
		free(raw);
	}
}

/* Torture 17, and every other spelling that encoding would not produce. */
static void
test_torture_17_bad_utf7(void **state)
{
	static const char *const bad[] = {
		"&bad", "&A-", "&", "&AOQ", "a&", "&AOQ-&AOQ-", "&AGE-",
		"&AOQAYQ-", "&ACY-", "&AOR-", "&AOQA-", "&AOQAA-", "&AO/-",
		"&AO Q-", "&2D0-", "&3gA-", "&2D0AYQ-", "\xc3\xa4",
		"a\tb", "\x7f", "&AAA-", "&AOQ=-", "&!-", "&----&",
		"&3gDYPQ-", "&2D3YPQ-",
	};
	struct span nul = { "a\0b", 3 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *utf8 = imap_utf7_decode(span_of(bad[i]));

		if (utf8 != NULL)
			fail_msg("%s became %s", bad[i], utf8);
	}
	assert_null(imap_utf7_decode(nul));
}

static void
test_utf7_refuses_invalid_utf8(void **state)
{
	static const char *const bad[] = {
		"\x80", "\xc3", "a\xc3(", "\xc0\xaf", "\xe0\x80\xaf",
		"\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
		"\xff", "\xe2\x98", "\xf0\x9f\x98", "\xf0\x80\x80\x80",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_null(imap_utf7_encode(bad[i]));
}

/* Every character by itself and between others comes back. */
static void
test_utf7_every_character(void **state)
{
	(void)state;
	for (uint32_t c = 1; c <= 0x10ffff; c += c < 0x3000 ? 1 : 61) {
		char utf8[8] = "x", *raw, *back;
		size_t n = 1;

		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		if (c < 0x80) {
			utf8[n++] = (char)c;
		} else if (c < 0x800) {
			utf8[n++] = (char)(0xc0 | c >> 6);
			utf8[n++] = (char)(0x80 | (c & 63));
		} else if (c < 0x10000) {
			utf8[n++] = (char)(0xe0 | c >> 12);
			utf8[n++] = (char)(0x80 | (c >> 6 & 63));
			utf8[n++] = (char)(0x80 | (c & 63));
		} else {
			utf8[n++] = (char)(0xf0 | c >> 18);
			utf8[n++] = (char)(0x80 | (c >> 12 & 63));
			utf8[n++] = (char)(0x80 | (c >> 6 & 63));
			utf8[n++] = (char)(0x80 | (c & 63));
		}
		utf8[n] = 'y';
		raw = imap_utf7_encode(utf8);
		assert_non_null(raw);
		for (const char *p = raw; *p != '\0'; p++)
			assert_true(*p >= ' ' && *p <= '~');
		back = imap_utf7_decode(span_of(raw));
		assert_non_null(back);
		assert_string_equal(back, utf8);
		free(raw);
		free(back);
	}
}

static const struct {
	const char *text;
	int64_t seconds;
} dates[] = {
	{ "17-Jul-1996 02:44:25 -0700", 837596665 },
	{ "01-Jan-1970 00:00:00 +0000", 0 },
	{ "01-Jan-1970 01:00:00 +0100", 0 },
	{ "31-Dec-1969 23:59:59 +0000", -1 },
	{ "31-Dec-1969 18:29:59 -0530", -1 },
	{ "29-Feb-2000 12:00:00 +0000", 951825600 },
	{ "28-Feb-2100 23:59:59 +0000", 4107542399 },
	{ "01-Mar-2100 00:00:00 +0000", 4107542400 },
	{ "19-Jan-2038 03:14:08 +0000", 2147483648 },
	{ "01-Jan-1900 00:00:00 +0000", -2208988800 },
	{ "31-Dec-9999 23:59:59 +0000", 253402300799 },
	{ "01-Jan-0001 00:00:00 +0000", -62135596800 },
	{ "01-jAN-1970 00:00:60 +0000", 60 },
};

static void
test_dates(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		int64_t seconds = 42;

		assert_true(imap_date_parse(span_of(dates[i].text), &seconds));
		assert_int_equal(seconds, dates[i].seconds);
	}
}

/* Torture 35. */
static void
test_torture_35_days_and_invalid_dates(void **state)
{
	static const char *const good[] = {
		" 1-Feb-2020 10:00:00 +0000", "1-Feb-2020 10:00:00 +0000",
		"01-Feb-2020 10:00:00 +0000",
	}, *const bad[] = {
		"", "00-Jan-0000 00:00:00 +0000", "00-Jan-2020 00:00:00 +0000",
		"01-Jan-0000 00:00:00 +0000", "30-Feb-2020 00:00:00 +0000",
		"29-Feb-1900 00:00:00 +0000", "31-Apr-2020 00:00:00 +0000",
		"32-Jan-2020 00:00:00 +0000", "01-Jam-2020 00:00:00 +0000",
		"01-Jan-20 00:00:00 +0000", "01-Jan-2020 24:00:00 +0000",
		"01-Jan-2020 00:60:00 +0000", "01-Jan-2020 00:00:61 +0000",
		"01-Jan-2020 00:00:00 0000", "01-Jan-2020 00:00:00 +000",
		"01-Jan-2020 00:00:00 +2400", "01-Jan-2020 00:00:00 +0060",
		"01-Jan-2020 00:00:00 +0000 ", "01-Jan-2020 00:00:00",
		"  1-Jan-2020 00:00:00 +0000", " 11-Jan-2020 00:00:00 +0000",
		"01-Jan-2020  0:00:00 +0000", "01-Jan--020 00:00:00 +0000",
		"1- Jan-2020 00:00:00 +0000", "01-Jan-2020 00:00:00 GMT",
	};
	int64_t seconds;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		seconds = 0;
		assert_true(imap_date_parse(span_of(good[i]), &seconds));
		assert_int_equal(seconds, 1580551200);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		seconds = 42;
		if (imap_date_parse(span_of(bad[i]), &seconds))
			fail_msg("%s was taken", bad[i]);
		assert_int_equal(seconds, 42);
	}
}

static void
test_date_format(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} table[] = {
		{ 837596665, "\"17-Jul-1996 09:44:25 +0000\"" },
		{ 0, "\"01-Jan-1970 00:00:00 +0000\"" },
		{ -1, "\"31-Dec-1969 23:59:59 +0000\"" },
		{ 951825600, "\"29-Feb-2000 12:00:00 +0000\"" },
		{ INT64_MIN, "\"01-Jan-0001 00:00:00 +0000\"" },
		{ INT64_MAX, "\"31-Dec-9999 23:59:59 +0000\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char out[30];

		imap_date_format(table[i].seconds, out);
		assert_string_equal(out, table[i].text);
	}
}

static void
test_date_there_and_back(void **state)
{
	(void)state;
	for (int64_t t = -62135596800; t <= 253402300799; t += 86400 * 13 + 7) {
		char out[30];
		int64_t back = 0;

		imap_date_format(t, out);
		assert_true(imap_date_parse((struct span){ out + 1,
		    strlen(out) - 2 }, &back));
		assert_int_equal(back, t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf7_both_ways),
		cmocka_unit_test(test_torture_17_bad_utf7),
		cmocka_unit_test(test_utf7_refuses_invalid_utf8),
		cmocka_unit_test(test_utf7_every_character),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_torture_35_days_and_invalid_dates),
		cmocka_unit_test(test_date_format),
		cmocka_unit_test(test_date_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
