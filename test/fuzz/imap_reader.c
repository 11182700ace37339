/*
 * Fuzzes the reader. The first byte says in what pieces the rest arrives; what
 * comes out must be the same as in one piece, bodies must have the announced
 * length, and nothing may stand in for a row after the reader gave up.
 *
 * With libFuzzer:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE \
 *	    -Iinclude test/fuzz/imap_reader.c ARCHIVES -lcrypto
 * Without, add -DFUZZ_REPLAY: the program then replays the files it is given.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "imap/resp.h"
#include "imap/text.h"

#define INPUT_MAX	(8u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came out, as a sum that does not depend on the pieces of bodies. */
struct digest {
	uint64_t sum;
	uint64_t responses;
	bool in_body;
	uint64_t body_left;
	int rc;
};

static void
digest_add(struct digest *d, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++)
		d->sum = (d->sum ^ p[i]) * 0x100000001b3u;
}

static void
digest_number(struct digest *d, uint64_t n)
{
	digest_add(d, &n, sizeof(n));
}

static void
digest_span(struct digest *d, struct span s)
{
	digest_number(d, s.n);
	digest_add(d, s.p, s.n);
}

static void
digest_set(struct digest *d, const struct uidset *set)
{
	digest_number(d, uidset_count(set));
	for (size_t i = 0; i < set->n; i++) {
		assert(set->range[i].first >= 1);
		assert(set->range[i].first <= set->range[i].last);
		digest_number(d, set->range[i].first);
		digest_number(d, set->range[i].last);
	}
}

static void
digest_body(struct digest *d, const struct imap_resp *r)
{
	switch (r->kind) {
	case IMAP_BODY_BEGIN:
		assert(!d->in_body);
		d->in_body = true;
		d->body_left = r->fetch.size;
		break;
	case IMAP_BODY_DATA:
		assert(d->in_body && r->data.n > 0);
		assert(r->data.n <= d->body_left);
		d->body_left -= r->data.n;
		digest_add(d, r->data.p, r->data.n);
		break;
	case IMAP_BODY_END:
		assert(d->in_body && d->body_left == 0);
		d->in_body = false;
		break;
	default:
		assert(!d->in_body);
		break;
	}
}

static void
digest_resp(struct digest *d, const struct imap_resp *r)
{
	const struct imap_fetch *f = &r->fetch;

	digest_body(d, r);
	if (r->kind == IMAP_BODY_DATA)
		return;
	d->responses++;
	digest_number(d, r->kind);
	digest_number(d, r->number);
	digest_span(d, r->tag);
	digest_span(d, r->text);
	digest_span(d, r->caps);
	digest_span(d, r->code.args);
	digest_set(d, &r->code.uids);
	digest_set(d, &r->code.to);
	digest_span(d, r->mailbox.name);
	digest_set(d, &r->search.uids);
	digest_set(d, &r->vanished.uids);
	if (r->kind != IMAP_FETCH)
		return;
	assert(f->seq != 0 || f->uid != 0);
	assert(!f->has_flags || f->keywords != NULL);
	digest_number(d, f->uid);
	digest_number(d, f->flags);
	digest_number(d, f->size);
	digest_number(d, (uint64_t)f->date);
	digest_number(d, f->modseq);
	digest_number(d, f->body);
	digest_span(d, f->section);
	digest_span(d, f->data);
}

static struct digest
digest_stream(const uint8_t *data, size_t size, size_t piece)
{
	struct imap_reader *r = imap_reader_new();
	struct digest d = { .sum = 0xcbf29ce484222325u };
	struct imap_resp resp;
	struct buf in;
	struct err err;

	buf_init(&in, INPUT_MAX);
	for (size_t at = 0; at < size && d.rc == 0; at += piece) {
		buf_add(&in, data + at, piece < size - at ? piece : size - at);
		while ((d.rc = imap_reader_next(r, &in, &resp, &err)) == 1)
			digest_resp(&d, &resp);
		assert(d.rc < 0 || in.len == 0);
	}
	if (d.rc < 0) {
		assert(err.kind == ERR_PROTO);
		assert(imap_reader_next(r, &in, &resp, &err) == -1);
	}
	buf_release(&in);
	imap_reader_free(r);
	return d;
}

/* The small notations, on the same bytes. */
static void
fuzz_text(const uint8_t *data, size_t size)
{
	struct span s = { (const char *)data, size };
	char *name = imap_utf7_decode(s);
	int64_t seconds;

	if (name != NULL) {
		char *raw = imap_utf7_encode(name);

		assert(raw != NULL && span_eq(s, raw));
		free(raw);
		free(name);
	}
	if (imap_date_parse(s, &seconds)) {
		char out[30];

		imap_date_format(seconds, out);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct digest whole, pieces;

	if (size < 2 || size > INPUT_MAX)
		return 0;
	fuzz_text(data + 1, size - 1);
	whole = digest_stream(data + 1, size - 1, size);
	pieces = digest_stream(data + 1, size - 1, data[0] % 64 + 1u);
	assert(whole.sum == pieces.sum);
	assert(whole.responses == pieces.responses);
	assert(whole.rc == pieces.rc);
	return 0;
}

#ifdef FUZZ_REPLAY
int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		uint8_t *data = malloc(INPUT_MAX);
		size_t n;

		if (f == NULL || data == NULL) {
			perror(argv[i]);
			return 1;
		}
		n = fread(data, 1, INPUT_MAX, f);
		fclose(f);
		LLVMFuzzerTestOneInput(data, n);
		free(data);
	}
	return 0;
}
#endif
