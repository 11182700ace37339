/*
 * Fuzzes the inflating half of COMPRESS=DEFLATE. The first byte says in what
 * pieces the rest arrives, the second how much room there is for what comes
 * out; that must be the same as in one piece, and never more than fits.
 *
 * Built and replayed like imap_reader.c.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "net/deflate.h"

/* So little that the limit on blocks without content is never met: that one
 * depends on the pieces. */
#define INPUT_MAX	(60u << 10)
#define OUTPUT_MAX	(16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	uint64_t sum, octets;
	int rc;
};

static void
take(struct outcome *o, struct buf *plain)
{
	for (size_t i = 0; i < plain->len; i++)
		o->sum = (o->sum ^ plain->data[i]) * 0x100000001b3u;
	o->octets += plain->len;
	buf_clear(plain);
}

static struct outcome
inflate_all(const uint8_t *data, size_t size, size_t piece, size_t room)
{
	struct deflate *d = deflate_new("host");
	struct outcome o = { .sum = 0xcbf29ce484222325u, .rc = 1 };
	struct buf packed, plain;
	struct err err = { 0 };
	size_t at, n, got;

	buf_init(&packed, INPUT_MAX);
	buf_init(&plain, room);
	for (at = 0; at < size && o.rc == 1; at += n) {
		n = piece < size - at ? piece : size - at;
		assert(buf_add(&packed, data + at, n));
		do {
			o.rc = deflate_unwrap(d, &packed, &plain, &err);
			assert(plain.len <= room);
			got = plain.len;
			take(&o, &plain);
		} while (o.rc == 1 && got == room && o.octets < OUTPUT_MAX);
		if (o.octets >= OUTPUT_MAX)
			break;
		assert(o.rc != 1 || packed.len == 0);
	}
	if (o.rc == -1)
		assert(err.kind == ERR_PROTO && err.msg[0] != '\0');
	buf_release(&packed);
	buf_release(&plain);
	deflate_free(d);
	return o;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole, pieces;

	if (size < 3 || size > INPUT_MAX)
		return 0;
	whole = inflate_all(data + 2, size - 2, size, LIMIT_STREAM_IN);
	pieces = inflate_all(data + 2, size - 2, data[0] % 64 + 1u,
	    data[1] * 16u + 1u);
	if (whole.octets >= OUTPUT_MAX || pieces.octets >= OUTPUT_MAX)
		return 0;
	assert(whole.rc == pieces.rc);
	assert(whole.sum == pieces.sum);
	assert(whole.octets == pieces.octets);
	return 0;
}

#ifdef FUZZ_REPLAY
int
main(int argc, char **argv)
{
	static uint8_t data[INPUT_MAX + 1];

	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");

		if (f == NULL) {
			perror(argv[i]);
			return 1;
		}
		LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof(data), f));
		fclose(f);
	}
	return 0;
}
#endif
