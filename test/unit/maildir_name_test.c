#include "maildir/name.h"

#include <pthread.h>

#include "mail/flags.h"
#include "maildir_root.h"

static const struct {
	const char *file;
	bool message;
	const char *unique, *letters;
	unsigned flags;
	char mark;
} parse_table[] = {
	{ "1.M2P3.host", true, "1.M2P3.host", "", 0, 0 },
	{ "1.host:2,", true, "1.host", "", 0, 0 },
	{ "1.host:2,S", true, "1.host", "S", FLAG_SEEN, 0 },
	{ "1.host:2,DFPRST", true, "1.host", "DFPRST", FLAG_ALL, 0 },
	{ "1.host:2,TSRPFD", true, "1.host", "TSRPFD", FLAG_ALL, 0 },
	{ "1.host:2,FSab", true, "1.host", "FSab", FLAG_FLAGGED | FLAG_SEEN, 0 },
	{ "1.host:2,xyz", true, "1.host", "xyz", 0, 0 },
	{ "1.host,S=98,W=105:2,F", true, "1.host,S=98,W=105", "F",
	    FLAG_FLAGGED, 0 },
	{ "1.host,U=7:2,S", true, "1.host,U=7", "S", FLAG_SEEN, 0 },
	{ "1.host:2,S,T", true, "1.host", "S,T", FLAG_SEEN, 0 },
	{ "1.host:1,S", true, "1.host:1,S", "", 0, 0 },
	{ "a:2,S:2,T", true, "a", "S:2,T", FLAG_SEEN, 0 },
	{ "1.host;2,FS", true, "1.host", "FS", FLAG_FLAGGED | FLAG_SEEN, ';' },
	{ "1.host!2,", true, "1.host", "", 0, '!' },
	{ "1.host;2,Sa", true, "1.host;2,Sa", "", 0, 0 },
	{ "1.host!2,S,x", true, "1.host!2,S,x", "", 0, 0 },
	{ "1.host-2,S", true, "1.host-2,S", "", 0, 0 },
	{ "1.host;1,S", true, "1.host;1,S", "", 0, 0 },
	{ "a;2,S:2,T", true, "a;2,S", "T", FLAG_DELETED, 0 },
	{ "a:2,;2,S", true, "a", ";2,S", 0, 0 },
	{ "a;2,S!2,F", true, "a;2,S", "F", FLAG_FLAGGED, '!' },
	{ "2,S", true, "2,S", "", 0, 0 },
	{ "DFPRST", true, "DFPRST", "", 0, 0 },
	{ ",S", true, ",S", "", 0, 0 },
	{ "plain", true, "plain", "", 0, 0 },
	{ "\xff\xfe:2,R", true, "\xff\xfe", "R", FLAG_ANSWERED, 0 },
	{ "", false, NULL, NULL, 0, 0 },
	{ ".", false, NULL, NULL, 0, 0 },
	{ "..", false, NULL, NULL, 0, 0 },
	{ ".hidden", false, NULL, NULL, 0, 0 },
	{ ":2,S", true, "", "S", FLAG_SEEN, 0 },
	{ ";2,S", true, "", "S", FLAG_SEEN, ';' },
	{ ":2,", true, "", "", 0, 0 },
};

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(parse_table) / sizeof(*parse_table);
	    i++) {
		struct maildir_name name;

		assert_int_equal(maildir_name_parse(parse_table[i].file,
		    &name), parse_table[i].message);
		if (!parse_table[i].message)
			continue;
		assert_true(span_eq(name.unique, parse_table[i].unique));
		assert_true(span_eq(name.letters, parse_table[i].letters));
		assert_int_equal(name.flags, parse_table[i].flags);
		if (parse_table[i].mark != '\0')
			assert_int_equal(name.mark, parse_table[i].mark);
		else
			assert_true(name.mark == ':' || name.mark == '\0');
	}
}

static const struct {
	const char *unique;
	unsigned flags;
	const char *letters, *file;
	char mark;
} format_table[] = {
	{ "1.host", 0, "", "1.host:2,", 0 },
	{ "1.host", FLAG_SEEN, "", "1.host:2,S", 0 },
	{ "1.host", FLAG_ALL, "", "1.host:2,DFPRST", 0 },
	{ "1.host", FLAG_SEEN, "F", "1.host:2,S", 0 },
	{ "1.host", FLAG_SEEN | FLAG_FLAGGED, "abS", "1.host:2,FSab", 0 },
	{ "1.host", FLAG_SEEN, "ba", "1.host:2,Sab", 0 },
	{ "1.host", FLAG_SEEN, "zXaB", "1.host:2,BSXaz", 0 },
	{ "1.host", 0, "aabT", "1.host:2,ab", 0 },
	{ "1.host", FLAG_FLAGGED, "S,T", "1.host:2,F,T", 0 },
	{ "1.host,S=9,W=10", FLAG_ANSWERED, "", "1.host,S=9,W=10:2,R", 0 },
	{ "1.host", FLAG_SEEN, "R", "1.host;2,S", ';' },
	{ "1.host", 0, "S", "1.host!2,", '!' },
};

static void
test_format(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(format_table) / sizeof(*format_table);
	    i++) {
		char out[MAILDIR_NAME_MAX + 1];

		const struct maildir_name name = {
			.unique = span_of(format_table[i].unique),
			.mark = format_table[i].mark,
			.letters = span_of(format_table[i].letters),
		};

		assert_true(maildir_name_format(out, &name,
		    format_table[i].flags));
		assert_string_equal(out, format_table[i].file);
	}
}

static void
test_format_length(void **state)
{
	char unique[MAILDIR_NAME_MAX + 1], out[MAILDIR_NAME_MAX + 1];
	struct maildir_name name = { .unique = { unique, 251 },
	    .letters = { "", 0 } };

	(void)state;
	memset(unique, 'x', sizeof(unique));
	assert_true(maildir_name_format(out, &name, FLAG_SEEN));
	assert_int_equal(strlen(out), 255);
	assert_false(maildir_name_format(out, &name,
	    FLAG_SEEN | FLAG_FLAGGED));
	name.letters = span_of("a");
	assert_false(maildir_name_format(out, &name, FLAG_SEEN));
	name.letters = span_of(",");
	assert_false(maildir_name_format(out, &name, FLAG_SEEN));
}

static void
test_leftovers(void **state)
{
	static const struct {
		const char *file, *of;
	} cases[] = {
		{ "1.host:2,S~", "1.host:2,S" },
		{ "1.host~", "1.host" },
		{ "a~~", "a~" },
		{ "#1.host:2,S#", "1.host:2,S" },
		{ ".1.host:2,S.swp", "1.host:2,S" },
		{ ".1.host.swo", "1.host" },
		{ "1.host:2,S", NULL },
		{ "~", NULL },
		{ "#", NULL },
		{ "##", NULL },
		{ "#1.host", NULL },
		{ "1.host#", NULL },
		{ ".swp", NULL },
		{ "1.host.swp", NULL },
		{ ".1.host.swP", NULL },
		{ ".1.host~", NULL },
		{ "~1.host:2,S", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct span of;

		assert_int_equal(maildir_name_is_leftover(cases[i].file, &of),
		    cases[i].of != NULL);
		if (cases[i].of != NULL)
			assert_true(span_eq(of, cases[i].of));
	}
}

#define NAMES	2000

static void *
make_names(void *arg)
{
	char (*name)[MAILDIR_NAME_MAX + 1] = arg;

	for (int i = 0; i < NAMES; i++)
		maildir_name_new(name[i]);
	return NULL;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
test_new(void **state)
{
	size_t size = MAILDIR_NAME_MAX + 1;
	char *all = xcalloc(2 * NAMES, size);
	pthread_t other;

	(void)state;
	assert_int_equal(pthread_create(&other, NULL, make_names, all), 0);
	make_names(all + NAMES * size);
	pthread_join(other, NULL);
	qsort(all, 2 * NAMES, size, compare_names);
	for (size_t i = 0; i < 2 * NAMES; i++) {
		const char *name = all + i * size;
		struct maildir_name parsed;

		assert_true(maildir_name_parse(name, &parsed));
		assert_true(span_eq(parsed.unique, name));
		assert_null(strpbrk(name, "/:"));
		assert_true(strlen(name) < 200);
		if (i > 0)
			assert_string_not_equal(name, name - size);
	}
	free(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_length),
		cmocka_unit_test(test_leftovers),
		cmocka_unit_test(test_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
