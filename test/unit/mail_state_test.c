#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "mail/flags.h"
#include "mail/state.h"

static void
assert_absent(const struct state *s)
{
	assert_false(s->present);
	assert_int_equal(s->flags, 0);
	assert_string_equal(s->keywords, "");
}

static void
test_init_and_release(void **state)
{
	struct place p, zero = { 0 };

	(void)state;
	memset(&p, 0xff, sizeof(p));
	place_init(&p);
	assert_int_equal(p.id, 0);
	assert_int_equal(p.uid, 0);
	assert_null(p.unique);
	assert_null(p.file);
	assert_false(p.in_new || p.missing);
	assert_absent(&p.base_local);
	assert_absent(&p.base_remote);
	assert_absent(&p.local);
	assert_absent(&p.remote);
	assert_int_equal(p.fetched, FETCHED_NONE);
	p.unique = xstrdup("a");
	p.file = xstrdup("a:2,");
	place_release(&p);
	assert_memory_equal(&p, &zero, sizeof(p));
	place_release(&p);
	place_release(&zero);
}

static void
test_set(void **state)
{
	char words[] = "a b";
	struct place p;

	(void)state;
	place_init(&p);
	state_set(&p.local, true, FLAG_SEEN, words);
	words[0] = 'x';
	assert_true(p.local.present);
	assert_int_equal(p.local.flags, FLAG_SEEN);
	assert_string_equal(p.local.keywords, "a b");
	/* From itself, from another, from nothing. */
	state_set(&p.local, false, FLAG_DRAFT, p.local.keywords + 2);
	assert_string_equal(p.local.keywords, "b");
	assert_false(p.local.present);
	state_set(&p.remote, true, 0, p.local.keywords);
	assert_true(p.remote.keywords != p.local.keywords);
	assert_string_equal(p.remote.keywords, "b");
	state_set(&p.remote, true, 0, NULL);
	assert_string_equal(p.remote.keywords, "");
	place_release(&p);
}

static void
test_hints(void **state)
{
	static const struct {
		struct file_hint a, b;
		bool equal;
	} table[] = {
		{ { 1, 2, 3 }, { 1, 2, 3 }, true },
		{ { 1, 2, 3 }, { 2, 2, 3 }, false },
		{ { 1, 2, 3 }, { 1, 3, 3 }, false },
		{ { 1, 2, 3 }, { 1, 2, 4 }, false },
		{ { 1, 0, 0 }, { 1, 0, 0 }, true },
		{ { 0, 2, 3 }, { 0, 2, 3 }, false },	/* not known */
		{ { 0, 0, 0 }, { 1, 0, 0 }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(file_hint_equal(&table[i].a, &table[i].b),
		    table[i].equal);
}

static unsigned
bits(const char *letters)
{
	unsigned flags = 0;

	for (; *letters != '\0' && *letters != '/'; letters++)
		flags |= flag_from_letter(*letters);
	return flags;
}

static const char *
words(const char *text)
{
	const char *slash = strchr(text, '/');

	return slash == NULL ? "" : slash + 1;
}

static void
assert_state(const struct state *s, const char *text)
{
	assert_int_equal(s->flags, bits(text));
	assert_string_equal(s->keywords, words(text));
}

/* Of the flags asked for, what is shown is agreed on, and what is not never
 * was; others are as they were. */
static void
test_show(void **state)
{
	static const struct {
		const char *base, *remote, *expected, *shown, *after;
	} table[] = {
		{ "S", "S", NULL, "", "S" },
		{ "S", "S", "FS", "FS", "FS" },
		{ "S", "S", "FS", "S", "S" },
		{ "S", "S", "FS", "F", "FS" },
		{ "S", "S", "FS", "RS", "S" },
		{ "S", "S", "", "", "" },
		{ "S", "S", "", "S", "S" },
		{ "/a b", "/a b", "/a c", "/a c", "/a c" },
		{ "/a b", "/a b", "/a c", "/b", "/a b" },
		{ "/a", "/a", "/a B", "/b d", "/a b" },
		/* Given with the message. */
		{ "FS/a", "FS/a", "FS/a", "FS/a", "FS/a" },
		{ "FS/a", "FS/a", "FS/a", "S", "S" },
		{ "FS/a", "FS/a", "FS/a", "RS/a b", "S/a" },
		/* With more, and with less, than was agreed on. */
		{ "S/a", "FS/a b", "FS/a b", "FS/a b", "S/a" },
		{ "S/a", "FS/a b", "FS/a b", "F/b", "" },
		{ "FS/a b", "S/a", "S/a", "S/a", "FS/a b" },
		{ "FS/a b", "S/a", "S/a", "", "F/b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct place p;

		place_init(&p);
		state_set(&p.base_local, true, bits(table[i].base),
		    words(table[i].base));
		state_set(&p.base_remote, true, bits(table[i].base),
		    words(table[i].base));
		state_set(&p.remote, true, bits(table[i].remote),
		    words(table[i].remote));
		if (table[i].expected != NULL)
			state_set(&p.expected, true, bits(table[i].expected),
			    words(table[i].expected));
		place_show(&p, bits(table[i].shown), words(table[i].shown));
		assert_absent(&p.expected);
		assert_state(&p.remote, table[i].shown);
		assert_int_equal(p.base_local.flags, bits(table[i].after));
		assert_true(keywords_equal(p.base_local.keywords,
		    words(table[i].after)));
		assert_int_equal(p.base_remote.flags, bits(table[i].after));
		assert_true(keywords_equal(p.base_remote.keywords,
		    words(table[i].after)));
		place_release(&p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init_and_release),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_show),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
