#include "mail/uidset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

#define WORLD	200	/* UIDs of the naive set */
#define STAR	4294967295u

static void
check_format(const struct uidset *set, const char *want)
{
	struct buf out;
	size_t at = 0;

	buf_init(&out, 1 << 20);
	assert_true(uidset_format(set, &at, 1 << 20, &out));
	assert_string_equal(buf_str(&out), want);
	buf_release(&out);
}

static void
test_parse(void **state)
{
	static const struct {
		const char *in, *out;
		uint64_t count;
	} good[] = {
		{ "1", "1", 1 },
		{ "1,3:5,9:7,12:*", "1,3:5,7:9,12:4294967295", 4294967291u },
		{ "*", "4294967295", 1 },
		{ "*:*", "4294967295", 1 },
		{ "*:4294967290", "4294967290:4294967295", 6 },
		{ "1:*", "1:4294967295", STAR },
		{ "1:4294967295", "1:4294967295", STAR },
		{ "1:4294967295,5,9:3", "1:4294967295", STAR },
		{ "5,4,3,2,1", "1:5", 5 },
		{ "1,2,3", "1:3", 3 },
		{ "1,1,1", "1", 1 },
		{ "9,1,5", "1,5,9", 3 },
		{ "10:20,15:30,1", "1,10:30", 22 },
		{ "1:3,5:7,4", "1:7", 7 },
		{ "4294967295,1,4294967294", "1,4294967294:4294967295", 3 },
		{ "007", "7", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct uidset set = { 0 };

		assert_int_equal(uidset_parse(&set, span_of(good[i].in)), 0);
		check_format(&set, good[i].out);
		assert_true(uidset_count(&set) == good[i].count);
		uidset_release(&set);
	}
}

static void
test_parse_refused(void **state)
{
	static const char *const bad[] = {
		"", "0", "0:5", "5:0", ",", "1,", ",1", "1,,2", "1:", ":1",
		"1:2:3", "a", "1a", " 1", "1 ", "-1", "+1", "1-3", "4294967296",
		"99999999999999999999999", "1.5", "**", "1;2", "NIL",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct uidset set = { 0 };
		char *mixed;

		uidset_add(&set, 42);
		if (uidset_parse(&set, span_of(bad[i])) != -1)
			fail_msg("accepted \"%s\"", bad[i]);
		check_format(&set, "42");
		/* Nor behind something good. */
		if (asprintf(&mixed, "7,%s", bad[i]) < 0)
			fail();
		assert_int_equal(uidset_parse(&set, span_of(mixed)), -1);
		check_format(&set, "42");
		free(mixed);
		uidset_release(&set);
	}
	struct uidset set = { 0 };
	struct span inner = { "1,25", 3 };	/* not terminated: "1,2" */

	assert_int_equal(uidset_parse(&set, inner), 0);
	check_format(&set, "1:2");
	uidset_release(&set);
}

static void
test_edges(void **state)
{
	struct uidset set = { 0 };
	uint32_t uid = 0;

	(void)state;
	assert_true(uidset_empty(&set));
	assert_true(uidset_count(&set) == 0);
	assert_false(uidset_has(&set, 1));
	assert_false(uidset_next(&set, &uid));
	check_format(&set, "");

	uidset_add(&set, 0);
	uidset_add_range(&set, 0, 0);
	assert_true(uidset_empty(&set));
	uidset_add_range(&set, 3, 0);
	check_format(&set, "1:3");
	assert_false(uidset_has(&set, 0));

	uidset_add_range(&set, STAR, STAR - 1);
	assert_true(uidset_has(&set, STAR));
	assert_false(uidset_has(&set, STAR - 2));
	uid = 3;
	assert_true(uidset_next(&set, &uid));
	assert_true(uid == STAR - 1);
	assert_true(uidset_next(&set, &uid));
	assert_true(uid == STAR);
	assert_false(uidset_next(&set, &uid));

	uidset_add_range(&set, 1, STAR);
	uidset_add(&set, STAR);
	uidset_add(&set, 1);
	uidset_settle(&set);
	assert_int_equal(set.n, 1);
	assert_true(uidset_count(&set) == STAR);
	uidset_clear(&set);
	assert_true(uidset_empty(&set));
	check_format(&set, "");
	uidset_release(&set);
	uidset_release(&set);
}

/* In pieces of every size: put together they give the set again. */
static void
test_format_pieces(void **state)
{
	struct uidset set = { 0 };

	(void)state;
	assert_int_equal(uidset_parse(&set,
	    span_of("1,3:5,100:200,4294967290:4294967295,1000000000")), 0);
	for (size_t max = 21; max < 60; max++) {
		struct uidset again = { 0 };
		struct buf out;
		size_t at = 0;
		bool more = true;

		buf_init(&out, 100);
		while (more) {
			buf_clear(&out);
			more = !uidset_format(&set, &at, max, &out);
			assert_in_range(out.len, 1, max);
			assert_int_equal(uidset_parse(&again,
			    span_of(buf_str(&out))), 0);
		}
		check_format(&again,
		    "1,3:5,100:200,1000000000,4294967290:4294967295");
		uidset_release(&again);
		buf_release(&out);
	}
	uidset_release(&set);
}

static void
test_format_full_buffer(void **state)
{
	struct uidset set = { 0 };
	struct buf out;
	size_t at = 0;

	(void)state;
	uidset_add(&set, 10);
	uidset_add(&set, 20);
	uidset_add(&set, 30);
	buf_init(&out, 5);
	assert_false(uidset_format(&set, &at, 100, &out));
	assert_string_equal(buf_str(&out), "10,20");
	assert_int_equal(at, 2);
	buf_clear(&out);
	assert_true(uidset_format(&set, &at, 100, &out));
	assert_string_equal(buf_str(&out), "30");
	buf_release(&out);
	uidset_release(&set);
}

static void
check_world(struct uidset *set, const bool *world)
{
	uint64_t count = 0;
	uint32_t uid = 0;

	for (uint32_t u = 0; u < WORLD; u++) {
		assert_int_equal(uidset_has(set, u), world[u]);
		count += world[u];
	}
	assert_true(uidset_count(set) == count);
	for (uint32_t u = 1; u < WORLD; u++)
		if (world[u]) {
			assert_true(uidset_next(set, &uid));
			assert_int_equal(uid, u);
		}
	assert_false(uidset_next(set, &uid));
	for (size_t i = 0; i < set->n; i++) {
		assert_true(set->range[i].first <= set->range[i].last);
		if (i > 0)
			assert_true(set->range[i].first >
			    set->range[i - 1].last + 1);
	}
}

static void
test_random_worlds(void **state)
{
	unsigned seed = 20240229;

	(void)state;
	for (int round = 0; round < 1500; round++) {
		struct uidset set = { 0 };
		bool world[WORLD] = { false };
		int steps = rand_r(&seed) % 250;

		for (int i = 0; i < steps; i++) {
			uint32_t a = (uint32_t)rand_r(&seed) % WORLD;
			uint32_t b = a + (uint32_t)rand_r(&seed) % 5;

			if (b >= WORLD || rand_r(&seed) % 2)
				b = a;
			if (a == b)
				uidset_add(&set, a);
			else if (rand_r(&seed) % 2)
				uidset_add_range(&set, a, b);
			else
				uidset_add_range(&set, b, a);
			for (uint32_t u = a; u <= b; u++)
				world[u] = u != 0;
			/* Reading in between must change nothing. */
			if (rand_r(&seed) % 4 == 0) {
				uint32_t u = (uint32_t)rand_r(&seed) % WORLD;

				assert_int_equal(uidset_has(&set, u), world[u]);
			}
		}
		check_world(&set, world);
		uidset_release(&set);
	}
}

/* Orders that a quadratic set would need minutes for. */
static void
test_hostile_orders(void **state)
{
	const uint32_t n = 400000;
	uint64_t start = clock_mono_ms();
	struct uidset set = { 0 };
	unsigned seed = 1;

	(void)state;
	for (uint32_t u = n; u >= 1; u--)		/* downwards */
		uidset_add(&set, u);
	check_format(&set, "1:400000");
	uidset_clear(&set);
	for (uint32_t u = n; u >= 1; u--)		/* with gaps */
		uidset_add(&set, u * 2);
	assert_true(uidset_count(&set) == n);
	uidset_clear(&set);
	for (uint32_t i = 0; i < n; i++)		/* at random */
		uidset_add(&set, (uint32_t)rand_r(&seed) | 1);
	assert_true(uidset_count(&set) > n / 2);
	uidset_clear(&set);
	for (uint32_t i = 0; i < n / 4; i++) {		/* add, read, add */
		uidset_add(&set, (n - i) * 2);
		assert_false(uidset_has(&set, 1));
	}
	uidset_clear(&set);
	for (uint32_t i = 0; i < n; i++)		/* two, for ever */
		uidset_add(&set, i % 2 ? 10 : 20);
	assert_true(set.cap < 1000);
	check_format(&set, "10,20");
	uidset_release(&set);
	assert_true(clock_mono_ms() - start < 20000);
}

static void
test_join_and_less(void **state)
{
	static const struct {
		const char *a, *b, *joined, *less;
	} rows[] = {
		{ "1:10", "4", "1:10", "1:3,5:10" },
		{ "1:10", "1:10", "1:10", "" },
		{ "1:10", "8:20", "1:20", "1:7" },
		{ "5:10", "1:5,7,10:12", "1:12", "6,8:9" },
		{ "3,5,7", "1:2,4,6,8", "1:8", "3,5,7" },
		{ "4294967290:*", "4294967295", "4294967290:4294967295",
		    "4294967290:4294967294" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct uidset a = { 0 }, b = { 0 }, c = { 0 };

		assert_int_equal(uidset_parse(&a, span_of(rows[i].a)), 0);
		assert_int_equal(uidset_parse(&b, span_of(rows[i].b)), 0);
		uidset_join(&c, &a);
		uidset_join(&c, &b);
		check_format(&c, rows[i].joined);
		uidset_less(&a, &b);
		check_format(&a, rows[i].less);
		uidset_release(&a);
		uidset_release(&b);
		uidset_release(&c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_refused),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_format_pieces),
		cmocka_unit_test(test_format_full_buffer),
		cmocka_unit_test(test_join_and_less),
		cmocka_unit_test(test_random_worlds),
		cmocka_unit_test(test_hostile_orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
