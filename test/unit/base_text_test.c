/* Errors, buffers, strings, memory: what holds foreign text. */
#include "base/str.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"

static void
test_printable(void **state)
{
	static const struct {
		const char *in, *out;
		size_t max;
	} t[] = {
		{ "", "", 10 },
		{ "plain", "plain", 10 },
		{ "a\tb\r\nc", "a?b??c", 20 },
		{ "\x1b[31mred\x1b[0m", "?[31mred?[0m", 20 },
		{ "\x7f", "?", 20 },
		{ "caf\xc3\xa9", "caf\xc3\xa9", 20 },
		{ "\xe2\x82\xac \xf0\x9f\x90\xa6",
		    "\xe2\x82\xac \xf0\x9f\x90\xa6", 20 },
		{ "\xc2\x9b" "31m", "?31m", 20 },		/* C1 CSI */
		{ "\xc2\xa0", "\xc2\xa0", 20 },
		{ "a\xe2\x80\xae" "b", "a?b", 20 },		/* U+202E */
		{ "\xe2\x81\xa6\xe2\x81\xa9\xd8\x9c", "???", 20 },
		{ "\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\xa8", "???", 20 },
		{ "\xe2\x80\x90", "\xe2\x80\x90", 20 },		/* a hyphen */
		{ "\xff\xfe\x80", "???", 20 },
		{ "\xc0\xaf", "??", 20 },			/* overlong */
		{ "\xe0\x80\xaf", "???", 20 },
		{ "\xf0\x80\x80\xaf", "????", 20 },
		{ "\xed\xa0\x80", "???", 20 },			/* surrogate */
		{ "\xf4\x90\x80\x80", "????", 20 },
		{ "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf", 20 },
		{ "\xc3", "?", 20 },				/* cut short */
		{ "\xe2\x82", "??", 20 },
		{ "\xc3(", "?(", 20 },
		{ "abcdef", "abcdef", 6 },
		{ "abcdefg", "abcdef...", 6 },
		{ "abcde\xc3\xa9", "abcde...", 6 },	/* never half of one */
		{ "abcd\xc3\xa9", "abcd\xc3\xa9", 6 },
		{ "x", "...", 0 },
	};
	char out[24];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memset(out, 'Z', sizeof(out));
		str_printable(out, t[i].max, t[i].in, strlen(t[i].in));
		assert_string_equal(out, t[i].out);
	}
	str_printable(out, 20, "a\0b", 3);
	assert_string_equal(out, "a?b");
}

static void
test_utf8(void **state)
{
	static const struct {
		const char *in;
		size_t n, len;
		uint32_t code;
	} t[] = {
		{ "", 1, 1, 0 }, { "a\xc3\xa9", 3, 1, 'a' },
		{ "\x7f", 1, 1, 0x7f }, { "\xc2\x80", 2, 2, 0x80 },
		{ "\xdf\xbf", 2, 2, 0x7ff }, { "\xe0\xa0\x80", 3, 3, 0x800 },
		{ "\xed\x9f\xbf", 3, 3, 0xd7ff },
		{ "\xee\x80\x80", 3, 3, 0xe000 },
		{ "\xef\xbf\xbf", 3, 3, 0xffff },
		{ "\xf0\x90\x80\x80", 4, 4, 0x10000 },
		{ "\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff },
		{ "\x80", 1, 0, 0 }, { "\xc1\xbf", 2, 0, 0 },
		{ "\xe0\x9f\xbf", 3, 0, 0 }, { "\xed\xa0\x80", 3, 0, 0 },
		{ "\xed\xbf\xbf", 3, 0, 0 }, { "\xf0\x8f\xbf\xbf", 4, 0, 0 },
		{ "\xf4\x90\x80\x80", 4, 0, 0 },
		{ "\xf5\x80\x80\x80", 4, 0, 0 }, { "\xff", 1, 0, 0 },
		/* what is behind n is not looked at */
		{ "\xc2\x80", 1, 0, 0 }, { "\xe2\x82\xac", 2, 0, 0 },
		{ "\xf0\x9f\x90\xa6", 3, 0, 0 },
		{ "\xe2(\xac", 3, 0, 0 }, { "\xe2\x82(", 3, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint32_t code = 4711;

		assert_int_equal(utf8_decode(t[i].in, t[i].n, &code),
		    t[i].len);
		assert_int_equal(code, t[i].len > 0 ? t[i].code : 4711);
	}
}

static void
test_number(void **state)
{
	static const struct {
		const char *in;
		uint64_t max, value;
		bool ok;
	} t[] = {
		{ "0", 9, 0, true }, { "9", 9, 9, true }, { "10", 9, 0, false },
		{ "007", 9, 7, true }, { "", 9, 0, false },
		{ "-1", 9, 0, false }, { "+1", 9, 0, false },
		{ " 1", 9, 0, false }, { "1 ", 9, 0, false },
		{ "1a", 99, 0, false }, { "0x1", 99, 0, false },
		{ "4294967295", 4294967295u, 4294967295u, true },
		{ "4294967296", 4294967295u, 0, false },
		{ "18446744073709551615", UINT64_MAX, UINT64_MAX, true },
		{ "18446744073709551616", UINT64_MAX, 0, false },
		{ "99999999999999999999999", UINT64_MAX, 0, false },
		{ "0", 0, 0, true }, { "1", 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint64_t value = 4711;

		assert_int_equal(span_number(span_of(t[i].in), t[i].max,
		    &value), t[i].ok);
		assert_true(value == (t[i].ok ? t[i].value : 4711));
	}
}

static void
test_spans(void **state)
{
	struct span part = { "HelloWorld", 5 };
	char *copy = span_dup(part), hex[7];

	(void)state;
	assert_string_equal(copy, "Hello");
	free(copy);
	assert_true(span_eq(part, "Hello"));
	assert_false(span_eq(part, "hello"));
	assert_false(span_eq(part, "HelloWorld"));
	assert_false(span_eq(part, "Hell"));
	assert_true(span_ieq(part, "hELLO"));
	assert_false(span_ieq(part, "hELLOw"));
	assert_false(span_ieq(span_of("["), "{"));	/* no letters */
	assert_true(span_eq(span_of(NULL), ""));
	hex_format(hex, "\x00\x7f\xff", 3);
	assert_string_equal(hex, "007fff");
}

/* From the reference of the Fowler/Noll/Vo hash. */
static void
test_fnv1a(void **state)
{
	(void)state;
	assert_true(fnv1a(FNV1A_START, "", 0) == 0xcbf29ce484222325);
	assert_true(fnv1a(FNV1A_START, "a", 1) == 0xaf63dc4c8601ec8c);
	assert_true(fnv1a(FNV1A_START, "foobar", 6) == 0x85944171f73967e8);
	assert_true(fnv1a(fnv1a(FNV1A_START, "foo", 3), "bar", 3) ==
	    0x85944171f73967e8);
}

static void
test_random_hex(void **state)
{
	char a[33], b[33];

	(void)state;
	random_hex(a);
	random_hex(b);
	assert_int_equal(strlen(a), 32);
	assert_int_equal(strspn(a, "0123456789abcdef"), 32);
	assert_string_not_equal(a, b);
}

static void
test_distance(void **state)
{
	char longer[100];

	(void)state;
	assert_int_equal(str_distance("", ""), 0);
	assert_int_equal(str_distance("host", "host"), 0);
	assert_int_equal(str_distance("", "abc"), 3);
	assert_int_equal(str_distance("abc", ""), 3);
	assert_int_equal(str_distance("kitten", "sitting"), 3);
	assert_int_equal(str_distance("maildri", "maildir"), 2);
	assert_int_equal(str_distance("pasword", "password"), 1);
	memset(longer, 'a', sizeof(longer));
	longer[99] = '\0';
	assert_int_equal(str_distance(longer, "a"), 64);
	assert_int_equal(str_distance(longer, longer), 0);
	longer[64] = '\0';
	assert_int_equal(str_distance(longer, "a"), 63);
}

static void
test_err_text(void **state)
{
	struct err err = { 0 };
	char big[3000];

	(void)state;
	assert_int_equal(err_set(&err, ERR_PROTO, "server said %s",
	    "\x1b[2J\xc3\xa9\n"), -1);
	assert_int_equal(err.kind, ERR_PROTO);
	assert_string_equal(err.msg, "server said ?[2J\xc3\xa9?");

	errno = ENOSPC;
	assert_int_equal(err_errno(&err, ERR_IO, "can't write %s", "x"), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_string_equal(err.msg, "can't write x: No space left on device");
	assert_int_equal(errno, ENOSPC);

	assert_int_equal(err_within(&err, "folder %s", "a\tb"), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_string_equal(err.msg,
	    "folder a?b: can't write x: No space left on device");
	/* An argument may be the message itself. */
	err_set(&err, ERR_HELD, "<%s>", err.msg);
	assert_string_equal(err.msg,
	    "<folder a?b: can't write x: No space left on device>");

	memset(big, 'b', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	err_set(&err, ERR_IO, "%s", big);
	assert_int_equal(strlen(err.msg), 999);
	assert_string_equal(err.msg + 996, "...");
	err_within(&err, "here");
	assert_int_equal(strlen(err.msg), 999);
	assert_memory_equal(err.msg, "here: bbb", 9);
	assert_int_equal(err_set(NULL, ERR_IO, "%s", "x"), -1);
}

static void
test_exit_status(void **state)
{
	static const struct {
		enum err_kind kind;
		int status;
	} t[] = {
		{ ERR_NONE, 0 }, { ERR_USAGE, 64 }, { ERR_IO, 74 },
		{ ERR_NET, 75 }, { ERR_BUSY, 75 }, { ERR_CANCELED, 75 },
		{ ERR_PROTO, 76 }, { ERR_TLS, 76 }, { ERR_AUTH, 77 },
		{ ERR_CONFIG, 78 }, { ERR_REFUSED, 1 }, { ERR_STALE, 1 },
		{ ERR_HELD, 1 },
	};
	static const int order[] = { 78, 77, 76, 74, 1, 75, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(err_exit_status(t[i].kind), t[i].status);
	for (size_t i = 0; i < 7; i++)
		for (size_t j = i; j < 7; j++) {
			assert_int_equal(err_exit_worse(order[i], order[j]),
			    order[i]);
			assert_int_equal(err_exit_worse(order[j], order[i]),
			    order[i]);
		}
	assert_int_equal(err_exit_worse(78, 64), 64);
}

static void
test_buf_bound(void **state)
{
	struct buf b;
	char ten[] = "0123456789";

	(void)state;
	buf_init(&b, 10);
	assert_string_equal(buf_str(&b), "");
	assert_true(buf_add(&b, ten, 10));
	assert_string_equal(buf_str(&b), ten);
	assert_false(buf_add(&b, "x", 1));
	assert_false(buf_add_str(&b, "x"));
	assert_false(buf_addf(&b, "%d", 1));
	assert_null(buf_room(&b, 1));
	assert_null(buf_room(&b, SIZE_MAX));
	assert_true(buf_add(&b, "", 0));
	assert_non_null(buf_room(&b, 0));
	assert_string_equal(buf_str(&b), ten);
	buf_consume(&b, 4);
	assert_false(buf_addf(&b, "%s", "abcde"));
	assert_true(buf_addf(&b, "%s", "abcd"));
	assert_int_equal(b.len, 10);
	assert_string_equal(buf_str(&b), "456789abcd");
	buf_consume(&b, 10);
	assert_int_equal(b.len, 0);
	assert_true(buf_add_str(&b, "again"));
	buf_clear(&b);
	assert_int_equal(b.len, 0);
	memcpy(buf_room(&b, 3), "xyz", 3);
	buf_added(&b, 2);
	assert_string_equal(buf_str(&b), "xy");
	buf_release(&b);
	buf_release(&b);

	struct buf zero = { 0 };

	assert_false(buf_add(&zero, "x", 1));
	assert_true(buf_add(&zero, NULL, 0));
	assert_string_equal(buf_str(&zero), "");
	buf_consume(&zero, 0);
	buf_release(&zero);
}

/* Against a plain queue; the allocation stays within a constant of max. */
static void
test_buf_random(void **state)
{
	enum { MAX = 3000, TOTAL = 400000 };
	unsigned char *model = xmalloc(TOTAL);
	size_t head = 0, tail = 0;
	unsigned seed = 5;
	struct buf b;

	(void)state;
	for (size_t i = 0; i < TOTAL; i++)
		model[i] = (unsigned char)rand_r(&seed);
	buf_init(&b, MAX);
	while (tail < TOTAL - 700) {
		size_t n = (size_t)rand_r(&seed) % 700;
		bool fits = tail - head + n <= MAX;

		assert_int_equal(buf_add(&b, model + tail, n), fits);
		tail += fits ? n : 0;
		if (rand_r(&seed) % 16 == 0)
			buf_str(&b);
		n = (size_t)rand_r(&seed) % 700;
		if (n > b.len)
			n = b.len;
		buf_consume(&b, n);
		head += n;
		assert_int_equal(b.len, tail - head);
		if (b.len > 0)
			assert_memory_equal(b.data, model + head, b.len);
		assert_true(b.cap <= 4 * MAX + 256);
	}
	buf_release(&b);
	free(model);
}

static void
test_mem(void **state)
{
	struct pair { int a, b; } *v = NULL;
	size_t n = 0, cap = 0;
	char *s = xasprintf("%d-%s", 7, "x"), secret[] = "secret";

	(void)state;
	assert_string_equal(s, "7-x");
	str_wipe_free(s);
	str_wipe_free(NULL);
	mem_wipe(secret, 6);
	assert_memory_equal(secret, "\0\0\0\0\0\0", 6);
	mem_wipe(NULL, 6);
	assert_null(xstrdup(NULL));
	s = xstrndup("abcdef", 3);
	assert_string_equal(s, "abc");
	free(s);
	for (int i = 0; i < 1000; i++) {
		struct pair *p = VEC_ADD(v, n, cap);

		assert_int_equal(p->a | p->b, 0);
		p->a = p->b = i + 1;
	}
	n = 500;	/* a slot used before is zeroed, too */
	assert_int_equal(VEC_ADD(v, n, cap)->a, 0);
	assert_int_equal(n, 501);
	assert_int_equal(v[499].a, 500);
	free(v);
	free(xmalloc(0));
	free(xcalloc(0, 8));
}

static void
test_mem_overflow_ends(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		close(STDERR_FILENO);
		free(xreallocarray(NULL, SIZE_MAX / 2, 4));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 74);
}

static uint64_t
now_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Limits hold whatever becomes of the time of day. */
static void
test_clocks(void **state)
{
	uint64_t before = now_ms(CLOCK_MONOTONIC), mono = clock_mono_ms();
	uint64_t day = now_ms(CLOCK_REALTIME) / 1000;
	int64_t wall = clock_wall();

	(void)state;
	assert_in_range(mono, before, now_ms(CLOCK_MONOTONIC));
	assert_in_range(wall, day - 1, now_ms(CLOCK_REALTIME) / 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printable),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_spans),
		cmocka_unit_test(test_fnv1a),
		cmocka_unit_test(test_random_hex),
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_err_text),
		cmocka_unit_test(test_exit_status),
		cmocka_unit_test(test_buf_bound),
		cmocka_unit_test(test_buf_random),
		cmocka_unit_test(test_mem),
		cmocka_unit_test(test_mem_overflow_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
