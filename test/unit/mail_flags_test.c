#include "mail/flags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"

/*
 * Every world of one flag, written from design section 4 rule 1: base of this
 * side, this side, base of the other, the other -> this side, where it can
 * store the flag. Where it can't it keeps what it has.
 */
static const struct {
	int side_base, side, other_base, other, want;
} one_flag[] = {
	{ 0, 0, 0, 0,  0 },	/* nothing anywhere */
	{ 0, 0, 0, 1,  1 },	/* the other added */
	{ 0, 0, 1, 0,  0 },	/* the other removed what we never had */
	{ 0, 0, 1, 1,  0 },	/* no change there: ours can differ */
	{ 0, 1, 0, 0,  1 },	/* we added */
	{ 0, 1, 0, 1,  1 },	/* both added */
	{ 0, 1, 1, 0,  1 },	/* we added, the other removed: ours survives */
	{ 0, 1, 1, 1,  1 },	/* we added what the other has */
	{ 1, 0, 0, 0,  0 },	/* we removed */
	{ 1, 0, 0, 1,  1 },	/* we removed, the other added: it survives */
	{ 1, 0, 1, 0,  0 },	/* both removed */
	{ 1, 0, 1, 1,  0 },	/* we removed, the other did nothing */
	{ 1, 1, 0, 0,  1 },	/* we have it, no change */
	{ 1, 1, 0, 1,  1 },	/* the other added what we have */
	{ 1, 1, 1, 0,  0 },	/* the other removed */
	{ 1, 1, 1, 1,  1 },	/* both have it */
};

#define NWORLDS	(sizeof(one_flag) / sizeof(one_flag[0]))

static void
test_merge_one_flag(void **state)
{
	(void)state;
	assert_int_equal(NWORLDS, 16);
	for (size_t i = 0; i < NWORLDS; i++)
		for (unsigned bit = 1; bit < FLAG_ALL; bit <<= 1) {
			unsigned sb = one_flag[i].side_base ? bit : 0;
			unsigned s = one_flag[i].side ? bit : 0;
			unsigned ob = one_flag[i].other_base ? bit : 0;
			unsigned o = one_flag[i].other ? bit : 0;
			unsigned want = one_flag[i].want ? bit : 0;

			assert_int_equal(flags_merge(sb, s, ob, o, FLAG_ALL),
			    want);
			assert_int_equal(flags_merge(sb, s, ob, o, bit), want);
			assert_int_equal(flags_merge(sb, s, ob, o,
			    FLAG_ALL & ~bit), s);
			assert_int_equal(flags_merge(sb, s, ob, o, 0), s);
		}
}

/* Flags don't influence one another: every pair of one-flag worlds. */
static void
test_merge_two_flags(void **state)
{
	const unsigned a = FLAG_SEEN, b = FLAG_DELETED;

	(void)state;
	for (size_t i = 0; i < NWORLDS; i++)
		for (size_t j = 0; j < NWORLDS; j++) {
			unsigned got = flags_merge(
			    (one_flag[i].side_base ? a : 0) |
			    (one_flag[j].side_base ? b : 0),
			    (one_flag[i].side ? a : 0) |
			    (one_flag[j].side ? b : 0),
			    (one_flag[i].other_base ? a : 0) |
			    (one_flag[j].other_base ? b : 0),
			    (one_flag[i].other ? a : 0) |
			    (one_flag[j].other ? b : 0), FLAG_ALL);

			assert_int_equal(got, (one_flag[i].want ? a : 0) |
			    (one_flag[j].want ? b : 0));
		}
}

/* From a common base both sides come to the same, and stay there. */
static void
test_merge_converges(void **state)
{
	(void)state;
	for (unsigned w = 0; w < 64; w++) {
		unsigned base = w & 3, l = w >> 2 & 3, r = w >> 4 & 3;
		unsigned l2 = flags_merge(base, l, base, r, FLAG_ALL);
		unsigned r2 = flags_merge(base, r, base, l, FLAG_ALL);

		assert_int_equal(l2, r2);
		assert_int_equal(flags_merge(l2, l2, r2, r2, FLAG_ALL), l2);
	}
}

/* The same table once more, for keywords. */
static void
test_keywords_merge_table(void **state)
{
	static const char *const word[] = { "", "Work" };
	static const char *const more[] = { "aa zz", "aa Work zz" };

	(void)state;
	for (size_t i = 0; i < NWORLDS; i++) {
		const char *sb = word[one_flag[i].side_base];
		const char *s = word[one_flag[i].side];
		const char *ob = word[one_flag[i].other_base];
		const char *o = word[one_flag[i].other];
		char *got = keywords_merge(sb, s, ob, o, NULL);

		assert_string_equal(got, word[one_flag[i].want]);
		free(got);
		got = keywords_merge(sb, s, ob, o, "other work");
		assert_string_equal(got, word[one_flag[i].want]);
		free(got);
		got = keywords_merge(sb, s, ob, o, "other");
		assert_string_equal(got, s);
		free(got);
		got = keywords_merge(more[one_flag[i].side_base],
		    more[one_flag[i].side], more[one_flag[i].other_base],
		    more[one_flag[i].other], NULL);
		assert_string_equal(got, more[one_flag[i].want]);
		free(got);
	}
}

static void
test_keywords_merge_mixed(void **state)
{
	char *got;

	(void)state;
	/* b removed there, c added there, d added here, e removed here */
	got = keywords_merge("a b e", "a b d", "a b e", "a c e", NULL);
	assert_string_equal(got, "a c d");
	free(got);
	/* only a and b can be stored: c stays out, x stays as it is */
	got = keywords_merge("a x", "a x", "a x", "b c", "a b");
	assert_string_equal(got, "b x");
	free(got);
	/* case is no change, and this side's spelling stays */
	got = keywords_merge("Foo", "Foo", "foo", "FOO", NULL);
	assert_string_equal(got, "Foo");
	free(got);
	got = keywords_merge("", "A", "", "a B", "");
	assert_string_equal(got, "A");
	free(got);
}

static void
test_keywords_canon(void **state)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{ "", "" },
		{ "   ", "" },
		{ "b a", "a b" },
		{ "  b   a  ", "a b" },
		{ "b\ta\r\n", "a b" },
		{ "Zeta alpha Beta", "alpha Beta Zeta" },
		{ "Foo foo FOO", "Foo" },
		{ "foo FOO Foo", "foo" },
		{ "aa a", "a aa" },
		{ "_ A b", "_ A b" },		/* '_' is 0x5f, 'a' is 0x61 */
		{ "b ~ ^ 1 $x", "$x 1 ^ b ~" },
		{ "\\Seen \\Recent \\Odd x", "x" },
		{ "$Forwarded $forwarded $MDNSent", "$MDNSent" },
		{ "a(b c{ d% e* f\" g\\ h] i) ok", "ok" },
		{ "caf\xc3\xa9 ok", "ok" },
		{ "\x7f \x01 ok", "ok" },
		{ "$Junk NonJunk Junk", "$Junk Junk NonJunk" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char *once = keywords_canon(t[i].in);
		char *twice = keywords_canon(once);

		assert_string_equal(once, t[i].out);
		assert_string_equal(twice, once);
		free(once);
		free(twice);
	}
}

static void
test_keywords_sets(void **state)
{
	static const struct {
		const char *a, *b, *both, *less;
	} t[] = {
		{ "", "", "", "" },
		{ "a", "", "a", "a" },
		{ "", "a", "a", "" },
		{ "a c", "b", "a b c", "a c" },
		{ "A b", "a", "A b", "b" },
		{ "a", "A b", "a b", "" },
		{ "a b c d", "b d e", "a b c d e", "a c" },
		{ "ab", "a", "a ab", "ab" },
		{ "c a", "a", "a c", "c" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char *both = keywords_union(t[i].a, t[i].b);
		char *less = keywords_less(t[i].a, t[i].b);

		assert_string_equal(both, t[i].both);
		assert_string_equal(less, t[i].less);
		free(both);
		free(less);
	}
	assert_true(keywords_equal("", ""));
	assert_true(keywords_equal("a B", "A b"));
	assert_false(keywords_equal("a", "a b"));
	assert_false(keywords_equal("a b", "a c"));
}

static void
test_keyword_valid(void **state)
{
	char text[LIMIT_KEYWORD + 2];

	(void)state;
	assert_true(keyword_valid(span_of("$Label1")));
	assert_true(keyword_valid(span_of("a[b")));	/* '[' is an atom's */
	assert_false(keyword_valid(span_of("")));
	assert_false(keyword_valid(span_of("a b")));
	assert_false(keyword_valid(span_of("\\Seen")));
	assert_false(keyword_valid((struct span){ "a\0b", 3 }));
	memset(text, 'k', sizeof(text));
	assert_true(keyword_valid((struct span){ text, LIMIT_KEYWORD }));
	assert_false(keyword_valid((struct span){ text, LIMIT_KEYWORD + 1 }));
}

/* The n words "PREFIX000...i", of 100 bytes each, upwards or downwards. */
static char *
many_words(char prefix, int n, bool up)
{
	char *text = xmalloc((size_t)n * 101 + 1), *p = text;

	for (int i = 0; i < n; i++)
		p += snprintf(p, 102, "%c%099d ", prefix,
		    up ? i : n - 1 - i);
	*p = '\0';
	return text;
}

static void
test_keywords_limit(void **state)
{
	char *here = many_words('m', 40, true);
	char *there = many_words('a', 50000, false);
	char *first = many_words('a', 40, true);
	char *mine = keywords_canon(here), *sum, *cut, *again;

	(void)state;
	assert_int_equal(strlen(mine), 40 * 101 - 1);
	/* 40 * 101 - 1 = 4039: there is no room for another word. */
	sum = keywords_union(mine, there);
	assert_string_equal(sum, mine);
	/* The first forty in order, whatever the order they came in. */
	cut = keywords_canon(there);
	assert_int_equal(strlen(cut), 40 * 101 - 1);
	assert_memory_equal(cut, first, strlen(cut));
	again = keywords_less(there, "");
	assert_string_equal(again, cut);
	free(here);
	free(there);
	free(first);
	free(mine);
	free(sum);
	free(cut);
	free(again);
}

static void
test_names(void **state)
{
	static const struct {
		const char *imap;
		char letter;
		unsigned bit;
	} t[] = {
		{ "\\Draft", 'D', FLAG_DRAFT },
		{ "\\Flagged", 'F', FLAG_FLAGGED },
		{ "$Forwarded", 'P', FLAG_PASSED },
		{ "\\Answered", 'R', FLAG_ANSWERED },
		{ "\\Seen", 'S', FLAG_SEEN },
		{ "\\Deleted", 'T', FLAG_DELETED },
	};
	static const char *const none[] = {
		"", "\\Recent", "Seen", "\\Seen ", "\\*", "\\", "$Forwarde",
		"Forwarded", "\\Passed",
	};
	char letters[7];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(flag_from_imap(span_of(t[i].imap)), t[i].bit);
		assert_int_equal(flag_from_letter(t[i].letter), t[i].bit);
		assert_string_equal(flag_imap_name(t[i].bit), t[i].imap);
	}
	assert_int_equal(flag_from_imap(span_of("\\sEEN")), FLAG_SEEN);
	assert_int_equal(flag_from_imap(span_of("$FORWARDED")), FLAG_PASSED);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(flag_from_imap(span_of(none[i])), 0);
	assert_int_equal(flag_from_letter('s'), 0);
	assert_int_equal(flag_from_letter('\0'), 0);
	assert_int_equal(flag_from_letter('a'), 0);
	assert_null(flag_imap_name(0));
	assert_null(flag_imap_name(FLAG_SEEN | FLAG_DRAFT));
	flag_letters(FLAG_ALL, letters);
	assert_string_equal(letters, "DFPRST");
	flag_letters(0, letters);
	assert_string_equal(letters, "");
	flag_letters(FLAG_SEEN | FLAG_FLAGGED, letters);
	assert_string_equal(letters, "FS");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merge_one_flag),
		cmocka_unit_test(test_merge_two_flags),
		cmocka_unit_test(test_merge_converges),
		cmocka_unit_test(test_keywords_merge_table),
		cmocka_unit_test(test_keywords_merge_mixed),
		cmocka_unit_test(test_keywords_canon),
		cmocka_unit_test(test_keywords_sets),
		cmocka_unit_test(test_keyword_valid),
		cmocka_unit_test(test_keywords_limit),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
