/*
 * As much of cmocka as the unit tests use, for "make musl": the library itself
 * is built for glibc. As there, an assertion that fails ends its test.
 */
#ifndef TEST_MUSL_CMOCKA_H
#define TEST_MUSL_CMOCKA_H

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
	const char *name;
	void (*run)(void **state);
	int (*setup)(void **state);
	int (*teardown)(void **state);
};

static jmp_buf few_failed;

#define print_message	printf
#define print_error	printf

#define few_fail(...) do { \
	printf(__VA_ARGS__); \
	printf("\n%s:%d: error: Failure!\n", __FILE__, __LINE__); \
	longjmp(few_failed, 1); \
} while (0)

#define fail()		few_fail("fail")
#define fail_msg	few_fail

#define assert_true(c) do { \
	if (!(c)) \
		few_fail("%s", #c); \
} while (0)
#define assert_false(c)		assert_true(!(c))
#define assert_null(p)		assert_true((p) == NULL)
#define assert_non_null(p)	assert_true((p) != NULL)
#define assert_ptr_equal(a, b)	assert_true((a) == (b))

/* As cmocka does: both sides as unsigned numbers, each evaluated once. */
#define few_number(n)		((uintmax_t)(n))
#define few_compare(a, op, b) do { \
	uintmax_t few_a = few_number(a), few_b = few_number(b); \
	if (!(few_a op few_b)) \
		few_fail("0x%jx, 0x%jx: not %s", few_a, few_b, #op); \
} while (0)
#define assert_int_equal(a, b)		few_compare(a, ==, b)
#define assert_int_not_equal(a, b)	few_compare(a, !=, b)
#define assert_in_range(n, least, most) do { \
	uintmax_t few_n = few_number(n); \
	if (few_n < few_number(least) || few_n > few_number(most)) \
		few_fail("0x%jx: out of range", few_n); \
} while (0)

#define assert_string_equal(a, b) do { \
	const char *few_s = (a), *few_t = (b); \
	if (strcmp(few_s, few_t) != 0) \
		few_fail("\"%s\" != \"%s\"", few_s, few_t); \
} while (0)
#define assert_string_not_equal(a, b)	assert_true(strcmp(a, b) != 0)
#define assert_memory_equal(a, b, n)	assert_true(memcmp(a, b, n) == 0)

#define cmocka_unit_test_setup_teardown(f, setup, teardown) \
	{ #f, f, setup, teardown }
#define cmocka_unit_test(f)	{ #f, f, NULL, NULL }

/* Apart, so that no variable lives through the jump. */
static inline int
few_try(const struct CMUnitTest *test, void **state)
{
	if (setjmp(few_failed) != 0)
		return 1;
	test->run(state);
	return 0;
}

static inline int
few_run(const struct CMUnitTest *test, void *state)
{
	int failed;

	printf("[ RUN      ] %s\n", test->name);
	if (test->setup != NULL && test->setup(&state) != 0)
		return 1;
	failed = few_try(test, &state);
	if (test->teardown != NULL && test->teardown(&state) != 0)
		failed = 1;
	return failed;
}

static inline int
few_run_all(const struct CMUnitTest *tests, size_t n,
    int (*setup)(void **state), int (*teardown)(void **state))
{
	void *state = NULL;
	size_t bad = 0;

	if (setup != NULL && setup(&state) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (few_run(&tests[i], state) != 0) {
			printf("[  FAILED  ] %s\n", tests[i].name);
			bad++;
		}
		fflush(stdout);
	}
	if (teardown != NULL && teardown(&state) != 0)
		bad++;
	printf("[  PASSED  ] %zu test(s).\n", n - bad);
	return (int)bad;
}

#define cmocka_run_group_tests(tests, setup, teardown) \
	few_run_all(tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)

#endif
