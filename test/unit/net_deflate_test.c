/* The codec of COMPRESS=DEFLATE, against zlib itself. */
#include "net/deflate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/limits.h"

#define EMPTY	"\x00\x00\x00\xff\xff"		/* a stored block of nothing */
#define HI	"\x00\x02\x00\xfd\xff" "hi"	/* ... of two octets */
#define END	"\x01\x00\x00\xff\xff"		/* the last block, of nothing */

static const char *const fixtures[] = {
	"test/fixture/imap/dovecot.txt", "test/fixture/imap/rfc.txt",
	"test/fixture/imap/imap4d.txt", "test/fixture/imap/cyrus.txt",
	"test/fixture/imap/courier.txt", "test/fixture/imap/gmail.txt",
};
#define N_FIXTURES	(sizeof(fixtures) / sizeof(fixtures[0]))

static void
read_fixture(const char *path, struct buf *out)
{
	char chunk[4096];
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	buf_init(out, 1u << 20);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		assert_true(buf_add(out, chunk, n));
	fclose(f);
}

/* What a server makes of text, flushed after every few octets. */
static void
pack(const struct buf *text, size_t every, struct buf *out)
{
	z_stream z = { 0 };
	size_t at, n;

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -15, 8,
	    Z_DEFAULT_STRATEGY), Z_OK);
	buf_init(out, 4u << 20);
	for (at = 0; at < text->len; at += n) {
		n = text->len - at < every ? text->len - at : every;
		z.next_in = text->data + at;
		z.avail_in = (uInt)n;
		z.avail_out = (uInt)(2 * n + 100);
		z.next_out = buf_room(out, z.avail_out);
		assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
		buf_added(out, 2 * n + 100 - z.avail_out);
	}
	deflateEnd(&z);
}

/* Feeds n octets, and gives what comes out to got, at most room at a time. */
static int
feed(struct deflate *d, const void *data, size_t n, size_t room,
    struct buf *got, struct err *err)
{
	struct buf packed, plain;
	int r;

	buf_init(&packed, 4u << 20);
	buf_init(&plain, room);
	assert_true(buf_add(&packed, data, n));
	do {
		buf_clear(&plain);
		r = deflate_unwrap(d, &packed, &plain, err);
		assert_true(plain.len <= room);
		assert_true(buf_add(got, plain.data, plain.len));
	} while (r == 1 && plain.len == room);
	if (r == 1)
		assert_int_equal(packed.len, 0);
	buf_release(&packed);
	buf_release(&plain);
	return r;
}

static void
assert_same(const struct buf *a, const struct buf *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->data, b->data, a->len);
}

static void
test_cut_at_every_byte(void **state)
{
	struct buf text, packed, got;
	struct err err = { 0 };
	size_t i, cut;

	(void)state;
	for (i = 0; i < N_FIXTURES; i++) {
		read_fixture(fixtures[i], &text);
		pack(&text, 100, &packed);
		buf_init(&got, 1u << 20);
		for (cut = 0; cut <= packed.len; cut++) {
			struct deflate *d = deflate_new("h");

			buf_clear(&got);
			assert_int_equal(feed(d, packed.data, cut, 4096, &got,
			    &err), 1);
			assert_int_equal(feed(d, packed.data + cut,
			    packed.len - cut, 4096, &got, &err), 1);
			assert_same(&got, &text);
			deflate_free(d);
		}
		buf_release(&got);
		buf_release(&packed);
		buf_release(&text);
	}
}

/* A byte at a time, and out through a small hole. */
static void
test_little_by_little(void **state)
{
	static const size_t rooms[] = { 1, 7, 256, 65536 };
	struct buf text, packed, got;
	struct err err = { 0 };
	size_t i, k, at;

	(void)state;
	for (i = 0; i < N_FIXTURES; i++) {
		read_fixture(fixtures[i], &text);
		pack(&text, text.len, &packed);
		buf_init(&got, 1u << 20);
		for (k = 0; k < sizeof(rooms) / sizeof(rooms[0]); k++) {
			struct deflate *d = deflate_new("h");

			buf_clear(&got);
			for (at = 0; at < packed.len; at++)
				assert_int_equal(feed(d, packed.data + at, 1,
				    rooms[k], &got, &err), 1);
			assert_same(&got, &text);
			deflate_free(d);
			/* All at once. */
			d = deflate_new("h");
			buf_clear(&got);
			assert_int_equal(feed(d, packed.data, packed.len,
			    rooms[k], &got, &err), 1);
			assert_same(&got, &text);
			deflate_free(d);
		}
		buf_release(&got);
		buf_release(&packed);
		buf_release(&text);
	}
}

static void
test_damage(void **state)
{
#define DAMAGED(why) "what mail.test sends compressed is damaged (" why "); " \
    "if that is so each time, set compress = no"
	static const struct {
		const char *bytes;
		size_t n;
		const char *got, *msg;
	} rows[] = {
		{ "\x07", 1, "", DAMAGED("invalid block type") },
		{ HI "\x07", 8, "hi", DAMAGED("invalid block type") },
		{ HI "\x00\x01\x00\x00\x00", 12, "hi",
		  DAMAGED("invalid stored block lengths") },
		/* A server that says OK and goes on in clear text. */
		{ "* 1 EXISTS\r\n", 12, "p",
		  DAMAGED("invalid distance too far back") },
	};
	struct buf got;
	struct err err;
	size_t i, cut;

	(void)state;
	buf_init(&got, 1000);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (cut = 0; cut <= rows[i].n; cut++) {
			struct deflate *d = deflate_new("mail.test");

			buf_clear(&got);
			err = (struct err){ 0 };
			feed(d, rows[i].bytes, cut, 100, &got, &err);
			assert_int_equal(feed(d, rows[i].bytes + cut,
			    rows[i].n - cut, 100, &got, &err), -1);
			assert_string_equal(err.msg, rows[i].msg);
			assert_int_equal(err.kind, ERR_PROTO);
			assert_string_equal(buf_str(&got), rows[i].got);
			/* For good. */
			err = (struct err){ 0 };
			assert_int_equal(feed(d, HI, 7, 100, &got, &err), -1);
			assert_string_equal(err.msg, rows[i].msg);
			assert_string_equal(buf_str(&got), rows[i].got);
			deflate_free(d);
		}
	}
	buf_release(&got);
}

/* Whatever a damaged byte makes of it: it ends, and within bounds. */
static void
test_every_byte_damaged(void **state)
{
	struct buf text, packed, got;
	unsigned refused = 0;
	struct err err;
	size_t at;

	(void)state;
	read_fixture(fixtures[0], &text);
	pack(&text, 200, &packed);
	buf_init(&got, 4u << 20);
	for (at = 0; at < packed.len; at++) {
		struct deflate *d = deflate_new("h");
		int r;

		packed.data[at] ^= 0x55;
		buf_clear(&got);
		r = feed(d, packed.data, packed.len, 4096, &got, &err);
		if (r == -1)
			assert_int_equal(err.kind, ERR_PROTO);
		refused += r == -1;
		packed.data[at] ^= 0x55;
		deflate_free(d);
	}
	assert_true(refused > packed.len / 4);
	buf_release(&got);
	buf_release(&packed);
	buf_release(&text);
}

static void
test_end(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *got;
	} rows[] = {
		{ END, 5, "" },
		{ HI END, 12, "hi" },
		{ HI HI END "what follows means nothing", 45, "hihi" },
		{ HI END "\x07", 13, "hi" },
	};
	struct buf got;
	struct err err;
	size_t i;

	(void)state;
	buf_init(&got, 1000);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct deflate *d = deflate_new("h");
		size_t at;
		int r = 1;

		buf_clear(&got);
		for (at = 0; at < rows[i].n && r == 1; at++)
			r = feed(d, rows[i].bytes + at, 1, 1, &got, &err);
		assert_int_equal(r, 0);
		assert_int_equal(feed(d, HI, 7, 100, &got, &err), 0);
		assert_string_equal(buf_str(&got), rows[i].got);
		deflate_free(d);
	}
	buf_release(&got);
}

/* Blocks of nothing for ever are refused, some between others are not. */
static void
test_no_progress(void **state)
{
	struct deflate *d = deflate_new("mail.test");
	struct err err = { 0 };
	struct buf got;
	int i, k, r = 1;

	(void)state;
	buf_init(&got, 1000);
	for (k = 0; k < 3; k++) {
		assert_int_equal(feed(d, HI, 7, 100, &got, &err), 1);
		for (i = 0; i < (60 << 10) / 5; i++)
			assert_int_equal(feed(d, EMPTY, 5, 100, &got, &err),
			    1);
	}
	for (i = 0; i < (64 << 10) / 5 && r == 1; i++)
		r = feed(d, EMPTY, 5, 100, &got, &err);
	assert_int_equal(r, -1);
	assert_int_equal(err.kind, ERR_PROTO);
	assert_string_equal(err.msg, DAMAGED("there is nothing in it"));
	assert_string_equal(buf_str(&got), "hihihi");
	buf_release(&got);
	deflate_free(d);
}

static long
peak_kib(void)
{
	char line[200];
	long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "VmHWM:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	if (f != NULL)
		fclose(f);
	return kib;
}

/* A thousand to one: 256 MiB of zeros out of some 260 kB. */
static void
test_bomb(void **state)
{
	static unsigned char zeros[1u << 20], bomb[1u << 20];
	const size_t times = 256;
	z_stream z = { .next_out = bomb, .avail_out = sizeof(bomb) };
	struct deflate *d = deflate_new("h");
	struct buf packed, plain;
	struct err err = { 0 };
	size_t i, total = 0, size;
	long before;

	(void)state;
	deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
	for (i = 0; i < times; i++) {
		z.next_in = zeros;
		z.avail_in = sizeof(zeros);
		assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
	}
	size = sizeof(bomb) - z.avail_out;
	deflateEnd(&z);
	assert_true(times * sizeof(zeros) / size > 950);

	before = peak_kib();
	buf_init(&packed, LIMIT_STREAM_IN * 2);
	buf_init(&plain, LIMIT_STREAM_IN);
	assert_true(buf_add(&packed, bomb, size));
	do {
		buf_clear(&plain);
		assert_int_equal(deflate_unwrap(d, &packed, &plain, &err), 1);
		assert_true(plain.len <= LIMIT_STREAM_IN);
		total += plain.len;
	} while (plain.len > 0);
	assert_int_equal(total, times * sizeof(zeros));
	assert_int_equal(packed.len, 0);
/* Sanitizers keep freed memory. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_true(peak_kib() - before < 2 * 1024);
#else
	(void)before;
#endif
	buf_release(&packed);
	buf_release(&plain);
	deflate_free(d);
}

/* What we send: zlib reads all of it as soon as it has it. */
static void
wrap_and_check(const unsigned char *data, size_t n, size_t max)
{
	struct deflate *d = deflate_new("h");
	unsigned char *back = malloc(n + 1);
	z_stream z = { .next_out = back, .avail_out = (uInt)n + 1 };
	struct buf plain, packed;
	size_t left;

	assert_non_null(back);
	buf_init(&plain, n + 1);
	buf_init(&packed, 2 * n + (64u << 10));
	assert_true(buf_add(&plain, data, n));
	assert_int_equal(inflateInit2(&z, -15), Z_OK);
	while (plain.len > 0) {
		left = plain.len;
		deflate_wrap(d, &plain, &packed, max);
		assert_int_equal(plain.len, left > max ? left - max : 0);
		z.next_in = packed.data;
		z.avail_in = (uInt)packed.len;
		assert_int_equal(inflate(&z, Z_NO_FLUSH), Z_OK);
		assert_int_equal(z.avail_in, 0);
		assert_int_equal(z.total_out, n - plain.len);
		buf_clear(&packed);
	}
	assert_memory_equal(back, data, n);
	inflateEnd(&z);
	free(back);
	buf_release(&plain);
	buf_release(&packed);
	deflate_free(d);
}

static void
test_wrap(void **state)
{
	static const size_t sizes[] = { 1, 9, 16383, 16384, 16385, 300000 };
	static const size_t most[] = { 100, 65536, 262144 };
	static unsigned char noise[300000], text[300000];
	uint32_t x = 1;
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(noise); i++) {
		x = x * 1664525u + 1013904223u;
		noise[i] = (unsigned char)(x >> 24);
		text[i] = (unsigned char)"a1 UID STORE "[i % 13];
	}
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (k = 0; k < sizeof(most) / sizeof(most[0]); k++) {
			wrap_and_check(noise, sizes[i], most[k]);
			wrap_and_check(text, sizes[i], most[k]);
		}
	}
	deflate_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_at_every_byte),
		cmocka_unit_test(test_little_by_little),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_every_byte_damaged),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_no_progress),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
