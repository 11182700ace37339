/*
 * The canonical form (mail/fingerprint.h), row by row, each also in its CRLF
 * form and cut at every place. The digests are checked against libcrypto's
 * one-shot function over the canonical text that stands in the row.
 */
#include "mail/fingerprint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "base/mem.h"
#include "base/str.h"

struct bytes {
	const char *p;
	size_t n;
};

#define S(text)	{ text, sizeof(text) - 1 }

static const struct row {
	const char *name;
	struct bytes in, head, body;	/* body: what follows the header */
} rows[] = {
	{ "empty input",
	    S(""),
	    S(""),
	    S("") },
	{ "plain",
	    S("From: a@b\nSubject: x\n\nhello\n"),
	    S("From: a@b\r\nSubject: x\r\n\r\n"),
	    S("hello\r\n") },
	{ "no last line end",
	    S("A: b\n\nhello"),
	    S("A: b\r\n\r\n"),
	    S("hello\r\n") },
	{ "header only",
	    S("A: b\nC: d\n"),
	    S("A: b\r\nC: d\r\n"),
	    S("") },
	{ "header only, no last line end",
	    S("A: b\nC: d"),
	    S("A: b\r\nC: d\r\n"),
	    S("") },
	{ "header and blank line",
	    S("A: b\n\n"),
	    S("A: b\r\n\r\n"),
	    S("") },
	{ "body only",
	    S("\nhello\n"),
	    S("\r\n"),
	    S("hello\r\n") },
	{ "only a blank line",
	    S("\n"),
	    S("\r\n"),
	    S("") },
	{ "no header, blank line later",
	    S("hello there\nworld\n\nStatus: R\n"),
	    S("hello there\r\nworld\r\n\r\n"),
	    S("Status: R\r\n") },
	{ "status fields",
	    S("Status: RO\nA: b\nX-Status: A\nContent-Length: 12\n"
	    "Lines: 3\nC: d\n\nx\n"),
	    S("A: b\r\nC: d\r\n\r\n"),
	    S("x\r\n") },
	{ "in any case",
	    S("sTATUS: RO\nx-sTatus:A\nCONTENT-LENGTH: 5\nlines:1\n"
	    "A: b\n\nx\n"),
	    S("A: b\r\n\r\n"),
	    S("x\r\n") },
	{ "with continuation",
	    S("A: b\n c\nStatus: R\n\tO\n \n more\nC: d\n e\n\nx\n"),
	    S("A: b\r\n c\r\nC: d\r\n e\r\n\r\n"),
	    S("x\r\n") },
	{ "blank before the colon",
	    S("Status : R\nLines \t: 1\nA: b\n\nx\n"),
	    S("A: b\r\n\r\n"),
	    S("x\r\n") },
	{ "nothing but removed",
	    S("Status: RO"),
	    S(""),
	    S("") },
	{ "nearly removed",
	    S("Statu: 1\nStatus2: 2\nStatus\nX-Statuss: 3\n\nx\n"),
	    S("Statu: 1\r\nStatus2: 2\r\nStatus\r\nX-Statuss: 3\r\n"
	    "\r\n"),
	    S("x\r\n") },
	{ "begins with a continuation",
	    S(" Status: R\nA: b\n\n"),
	    S(" Status: R\r\nA: b\r\n\r\n"),
	    S("") },
	{ "removed only in the header",
	    S("A: b\n\nStatus: RO\nLines: 1\n"),
	    S("A: b\r\n\r\n"),
	    S("Status: RO\r\nLines: 1\r\n") },
	{ "8-bit",
	    S("A: caf\303\251\n\377: \200\n\ncaf\303\251\n"),
	    S("A: caf\303\251\r\n\377: \200\r\n\r\n"),
	    S("caf\303\251\r\n") },
	{ "what programs write",
	    S("X-TUID: a\nX-UID: 1\nX-IMAP: 1\nX-IMAPbase: 1 2\n"
	    "X-Keywords: a\n b\nx-mozilla-status: 0001\n"
	    "X-Mozilla-Status2: 0\nX-Mozilla-Keys: \nX-Evolution: 1-0\n"
	    "X-OfflineIMAP: 1\nA: b\n\nX-TUID: a\n"),
	    S("A: b\r\n\r\n"),
	    S("X-TUID: a\r\n") },
	{ "of an mbox",
	    S("From jane@example.org Mon Jan  1 00:00:00 2024\nA: b\n"
	    "From x\n\nFrom y\n"),
	    S("A: b\r\nFrom x\r\n\r\n"),
	    S("From y\r\n") },
	{ "of an mbox, and short",
	    S("From x\nA: b\n\n"),
	    S("A: b\r\n\r\n"),
	    S("") },
	{ "a field at the start",
	    S("From : x\nFrom \nA: b\n\n"),
	    S("From : x\r\nFrom \r\nA: b\r\n\r\n"),
	    S("") },
	{ "lone CR",
	    S("A: b\rc\n\nx\ry\r\r\nz\r"),
	    S("A: b\rc\r\n\r\n"),
	    S("x\ry\r\r\nz\r\r\n") },
	{ "CR at a line start",
	    S("A: b\n\rC: d\n\n\r"),
	    S("A: b\r\n\rC: d\r\n\r\n"),
	    S("\r\r\n") },
	{ "mixed ends",
	    S("A: b\r\nC: d\n\r\nx\ny\r\n"),
	    S("A: b\r\nC: d\r\n\r\n"),
	    S("x\r\ny\r\n") },
	{ "NUL",
	    S("A: b\n\nx\000y\n"),
	    S("A: b\r\n\r\n"),
	    S("x\000y\r\n") },
	{ "blank line with a blank in it",
	    S("A: b\n \nC: d\n\nx\n"),
	    S("A: b\r\n \r\nC: d\r\n\r\n"),
	    S("x\r\n") },
	{ "many blank lines",
	    S("A: b\n\n\n\n"),
	    S("A: b\r\n\r\n"),
	    S("\r\n\r\n") },
	{ "a name of 32 with blanks",
	    S("Status                          : x\nStatus        "
	    "                 : y\n\n"),
	    S("Status                          : x\r\n\r\n"),
	    S("") },
	{ "a very long name",
	    S("NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN"
	    "NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN: "
	    "x\nStatus: 1\n\n"),
	    S("NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN"
	    "NNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNNN: "
	    "x\r\n\r\n"),
	    S("") },
};

#define NROWS	(sizeof(rows) / sizeof(rows[0]))

/* In two pieces, or in single octets when cut is beyond the end. */
static struct fingerprint
take(struct bytes in, size_t cut)
{
	struct fingerprinter *f = fingerprint_new();
	struct fingerprint fp;

	if (cut > in.n) {
		for (size_t i = 0; i < in.n; i++)
			fingerprint_add(f, in.p + i, 1);
	} else {
		fingerprint_add(f, in.p, cut);
		fingerprint_add(f, in.p + cut, in.n - cut);
	}
	fingerprint_end(f, &fp);
	return fp;
}

static struct fingerprint
take_text(const char *s)
{
	return take((struct bytes){ s, strlen(s) }, strlen(s));
}

/* Every line end as CRLF. Caller frees p. */
static struct bytes
crlf_form(struct bytes in)
{
	char *out = xmalloc(in.n * 2 + 1);
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] == '\n' && (i == 0 || in.p[i - 1] != '\r'))
			out[n++] = '\r';
		out[n++] = in.p[i];
	}
	return (struct bytes){ out, n };
}

static void
check_row(const struct row *row, struct bytes in, size_t cut, size_t wire)
{
	struct fingerprint fp = take(in, cut);
	size_t n = row->head.n + row->body.n;
	unsigned char want[32];
	char *whole = xmalloc(n + 1);

	memcpy(whole, row->head.p, row->head.n);
	memcpy(whole + row->head.n, row->body.p, row->body.n);
	assert_int_equal(EVP_Digest(whole, n, want, NULL, EVP_sha256(), NULL),
	    1);
	if (memcmp(want, fp.content, 32) != 0 || fp.size != n)
		fail_msg("%s: content, cut at %zu", row->name, cut);
	assert_int_equal(EVP_Digest(row->head.p, row->head.n, want, NULL,
	    EVP_sha256(), NULL), 1);
	if (memcmp(want, fp.head, 32) != 0)
		fail_msg("%s: head, cut at %zu", row->name, cut);
	if (fp.wire != wire)
		fail_msg("%s: wire, cut at %zu", row->name, cut);
	/* What was not left out is there, with or without a line end added. */
	assert_true(fp.wire == fp.size + fp.removed ||
	    fp.wire + 2 == fp.size + fp.removed);
	assert_int_equal(fp.has_nul, memchr(in.p, 0, in.n) != NULL);
	free(whole);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < NROWS; i++) {
		struct bytes crlf = crlf_form(rows[i].in);

		for (size_t cut = 0; cut <= rows[i].in.n + 1; cut++)
			check_row(&rows[i], rows[i].in, cut, crlf.n);
		for (size_t cut = 0; cut <= crlf.n + 1; cut++)
			check_row(&rows[i], crlf, cut, crlf.n);
		free((char *)(uintptr_t)crlf.p);
	}
}

static void
digest_of(const char *text, size_t n, unsigned char out[32])
{
	assert_int_equal(EVP_Digest(text, n, out, NULL, EVP_sha256(), NULL), 1);
}

/*
 * The other two forms, in canonical text: with octets masked, and as the first
 * version had it, which masked them too and left fewer fields out.
 */
static void
test_other_forms(void **state)
{
	static const struct {
		struct bytes in, masked, first;
		size_t head;	/* of both, in octets */
		bool has_8bit;
	} t[] = {
		{ S("A: b\n\nx\n"), S("A: b\r\n\r\nx\r\n"),
		    S("A: b\r\n\r\nx\r\n"), 8, false },
		{ S("A: \351b\nB: \351\n\nx\351\n"),
		    S("A: Xb\r\nB: X\r\n\r\nx\351\r\n"),
		    S("A: Xb\r\nB: X\r\n\r\nx\351\r\n"), 15, true },
		{ S("Lines: \351\nA: b\n\nx"), S("A: b\r\n\r\nx\r\n"),
		    S("A: b\r\n\r\nx\r\n"), 8, false },
	};
	static const struct bytes early = S("A: b\nX-UID: \3511\n\351: c\n\nx"),
	    now = S("A: b\r\nX: c\r\n\r\nx\r\n"),
	    then = S("A: b\r\nX-UID: X1\r\nX: c\r\n\r\nx\r\n");
	unsigned char want[32];
	struct fingerprint fp;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (size_t cut = 0; cut <= t[i].in.n + 1; cut++) {
			fp = take(t[i].in, cut);
			assert_int_equal(fp.has_8bit, t[i].has_8bit);
			assert_int_equal(fp.first_size, fp.size);
			digest_of(t[i].masked.p, t[i].masked.n, want);
			assert_memory_equal(want, fp.masked.content, 32);
			digest_of(t[i].first.p, t[i].first.n, want);
			assert_memory_equal(want, fp.first.content, 32);
			digest_of(t[i].first.p, t[i].head, want);
			assert_memory_equal(want, fp.masked.head, 32);
			assert_memory_equal(want, fp.first.head, 32);
		}
	for (size_t cut = 0; cut <= early.n + 1; cut++) {
		fp = take(early, cut);
		digest_of(now.p, now.n, want);
		assert_memory_equal(want, fp.masked.content, 32);
		digest_of(then.p, then.n, want);
		assert_memory_equal(want, fp.first.content, 32);
		digest_of(then.p, then.n - 3, want);
		assert_memory_equal(want, fp.first.head, 32);
		assert_int_equal(fp.first_size, then.n);
		assert_int_equal(fp.size, now.n);
	}
}

/* An absolute value, so that the form can't drift: sha256sum of the text. */
static void
test_known_digest(void **state)
{
	struct fingerprint fp = take_text("From: a@b\nStatus: O\nSubject: x\n"
	    "\nhello\n");
	char hex[65];

	(void)state;
	hex_format(hex, fp.content, 32);
	assert_string_equal(hex, "a50c8a28be1d24288d18b35442b9e829"
	    "9388489ab883f83791bb03f86d869627");
	hex_format(hex, fp.head, 32);
	assert_string_equal(hex, "7d516d60935ce1532c3983d077125104"
	    "7ad9ad21b3eabac180cbe82714d88057");
}

static void
test_removed_octets(void **state)
{
	static const struct {
		const char *in;
		unsigned removed, wire;
	} t[] = {
		{ "A: b\n\n", 0, 8 },
		{ "Status: RO\nA: b\n\n", 12, 20 },
		{ "Lines: 1\n 2\n\t\nA: b\n\n", 10 + 4 + 3, 25 },
		{ "Status: \xe9\n\n", 11, 13 },
		{ "Status: RO", 12, 10 },	/* its line end is added */
		{ "A: b", 0, 4 },
		{ "A: b\n\nLines: 1\n", 0, 18 },
		{ "From x\nX-UID: 1\nA: b\n\n", 8 + 10, 26 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct fingerprint fp = take_text(t[i].in);

		assert_int_equal(fp.removed, t[i].removed);
		assert_int_equal(fp.wire, t[i].wire);
	}
}

static void
test_identity(void **state)
{
	static const struct {
		const char *in, *id;
		bool identity, partial;
	} t[] = {
		{ "A: b\n\n", "", false, false },
		{ "", "", false, false },
		{ "Message-ID: <a@b>\n\n", "<a@b>", true, false },
		{ "MESSAGE-id:<a@b>", "<a@b>", true, false },
		{ "Message-ID:\n\t<a@b> \t\nA: b\n\n", "<a@b>", true, false },
		{ "Message-ID: <a\n b>\n  \n\n", "<a b>", true, false },
		{ "Message-ID: <a\n\tb>\n\n", "<a b>", true, false },
		{ "Message-ID: <1>\nMessage-ID: <2>\n\n", "<1>", true, false },
		{ "Message-ID: \nMessage-ID: <2>\n\n", "<2>", true, false },
		{ "Message-ID: <1>\nA: b\n <2>\n\n", "<1>", true, false },
		{ "Message-ID:\n\n", "", false, false },
		{ "Message-ID: \t \n  \n\n<a@b>\n", "", false, false },
		{ "Message-IDs: <a@b>\n\n", "", false, false },
		{ "Message-ID <a@b>\n\n", "", false, false },
		{ "\nMessage-ID: <a@b>\n", "", false, false },
		{ "Message-ID: <\xc3\xa9\x01\x7f>\n\n", "<XX??" ">", true,
		    false },
		{ "Date: today\n\n", "", true, false },
		{ "date:\n today\n\n", "", true, false },
		{ "Date: \n\n", "", false, false },
		{ "Resent-Date: x\n\n", "", false, false },
		{ "X-Mailtern-Partial: 1\n\n", "", false, true },
		{ "x-mailtern-partial:", "", false, true },
		{ "X-Mailtern-Partial\n\n", "", false, false },
		{ "\nX-Mailtern-Partial: 1\n", "", false, false },
		{ "A: b\n X-Mailtern-Partial: 1\n\n", "", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct bytes lf = { t[i].in, strlen(t[i].in) };
		struct bytes crlf = crlf_form(lf);

		for (size_t cut = 0; cut <= crlf.n + 1; cut++) {
			struct fingerprint fp = take(crlf, cut);

			assert_string_equal(fp.message_id, t[i].id);
			assert_int_equal(fp.has_identity, t[i].identity);
			assert_int_equal(fp.partial, t[i].partial);
			if (cut > lf.n + 1)
				continue;
			fp = take(lf, cut);
			assert_string_equal(fp.message_id, t[i].id);
			assert_int_equal(fp.has_identity, t[i].identity);
			assert_int_equal(fp.partial, t[i].partial);
		}
		free((char *)(uintptr_t)crlf.p);
	}
}

static void
test_message_id_cut(void **state)
{
	char text[700] = "Message-ID: ";
	struct fingerprint fp;

	(void)state;
	memset(text + 12, 'i', 600);
	fp = take_text(text);
	assert_int_equal(strlen(fp.message_id), 255);
	assert_int_equal(strspn(fp.message_id, "i"), 255);
	text[12 + 254] = ' ';
	fp = take_text(text);
	assert_int_equal(strlen(fp.message_id), 254);
}

/* Large bodies and lines go past the staging buffer; any piece size agrees. */
static void
test_large_pieces(void **state)
{
	size_t n = 300000;
	char *text = xmalloc(n);
	struct fingerprint whole;
	unsigned seed = 7;

	(void)state;
	for (size_t i = 0; i < n; i++)
		text[i] = (char)rand_r(&seed);
	memset(text, 'h', 20000);	/* one field name without end */
	memset(text + 50000, '\n', 2);
	memset(text + 100000, 'b', 100000);
	whole = take((struct bytes){ text, n }, n);
	assert_true(whole.has_nul);
	for (int round = 0; round < 20; round++) {
		struct fingerprinter *f = fingerprint_new();
		struct fingerprint fp;
		size_t at = 0, most = (size_t)1 << (1 + round % 18);

		while (at < n) {
			size_t piece = (size_t)rand_r(&seed) % most + 1;

			if (piece > n - at)
				piece = n - at;
			fingerprint_add(f, text + at, piece);
			at += piece;
		}
		fingerprint_end(f, &fp);
		assert_memory_equal(fp.content, whole.content, 32);
		assert_memory_equal(fp.head, whole.head, 32);
		assert_true(fp.size == whole.size && fp.wire == whole.wire);
	}
	free(text);
}

/* Texts over the octets that matter, whole against single octets and CRLF. */
static void
test_random_texts(void **state)
{
	static const char *const atom[] = {
		"\n", "\n", "\r", " ", ":", "Status", "Lines:", "Message-ID:",
		"\n ", "x", "\x80", "\t", "Date: ", "\r\n", "From ", "X-UID",
	};
	unsigned seed = 99;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[400] = "";
		size_t n = 0;
		struct bytes lf = { text, 0 }, crlf;
		struct fingerprint a, b, c;

		for (int k = rand_r(&seed) % 24; k > 0; k--) {
			const char *s = atom[(size_t)rand_r(&seed) % 16];

			memcpy(text + n, s, strlen(s));
			n += strlen(s);
		}
		lf.n = n;
		crlf = crlf_form(lf);
		a = take(lf, n);
		b = take(lf, n + 1);
		c = take(crlf, crlf.n + 1);
		assert_memory_equal(a.content, b.content, 32);
		assert_memory_equal(a.content, c.content, 32);
		assert_memory_equal(&a.masked, &b.masked, sizeof(a.masked));
		assert_memory_equal(&a.masked, &c.masked, sizeof(a.masked));
		assert_memory_equal(&a.first, &b.first, sizeof(a.first));
		assert_memory_equal(&a.first, &c.first, sizeof(a.first));
		assert_memory_equal(a.head, b.head, 32);
		assert_memory_equal(a.head, c.head, 32);
		assert_string_equal(a.message_id, b.message_id);
		assert_string_equal(a.message_id, c.message_id);
		assert_true(a.size == b.size && a.size == c.size);
		assert_true(a.removed == b.removed && a.removed == c.removed);
		assert_true(a.wire == crlf.n && b.wire == crlf.n);
		assert_true(c.wire == crlf.n);
		free((char *)(uintptr_t)crlf.p);
	}
}

static void
test_cancel(void **state)
{
	struct fingerprinter *f = fingerprint_new();

	(void)state;
	fingerprint_add(f, "Message-ID: <", 13);
	fingerprint_cancel(f);
	fingerprint_cancel(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_other_forms),
		cmocka_unit_test(test_known_digest),
		cmocka_unit_test(test_removed_octets),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_message_id_cut),
		cmocka_unit_test(test_large_pieces),
		cmocka_unit_test(test_random_texts),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
