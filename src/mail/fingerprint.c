/* The digests by which a message is recognised, whoever has it. */
#include "mail/fingerprint.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/mem.h"
#include "base/str.h"

/*
 * Three layers, each of which sees no more than the one below hands it:
 * fingerprint_add finds the line ends, the line functions know header from body
 * and field from field, and put/digest hash the canonical octets. A line comes
 * in pieces of any size; of a field name only a window is kept, long enough to
 * tell the names that matter, so memory does not depend on the message.
 */

#define NAME_MAX_LEN	32	/* longer than every name in field_table */
#define STAGE		4096	/* octets collected before they are hashed */

enum field {
	FIELD_OTHER,
	FIELD_REMOVED,		/* MUAs rewrite it: no part of the identity */
	FIELD_MESSAGE_ID,
	FIELD_DATE,
	FIELD_PARTIAL,
};

enum where {
	LINE_START,		/* of a header line: nothing seen yet */
	LINE_NAME,		/* collecting a field name */
	LINE_VALUE,		/* the rest of a header line */
	BODY,
};

struct fingerprinter {
	EVP_MD_CTX *md;
	enum where where;
	enum field field;	/* of this line and of those that continue it */
	bool cr;		/* a CR waits for what follows it */
	bool midline;		/* the line has octets already */
	bool id_done;		/* an earlier Message-ID was not empty */
	size_t id_len, name_len, stage_len;
	char name[NAME_MAX_LEN];
	unsigned char stage[STAGE];
	struct fingerprint out;
};

static const struct {
	const char *name;
	enum field field;
} field_table[] = {
	{ "Status", FIELD_REMOVED },
	{ "X-Status", FIELD_REMOVED },
	{ "Content-Length", FIELD_REMOVED },
	{ "Lines", FIELD_REMOVED },
	{ "Message-ID", FIELD_MESSAGE_ID },
	{ "Date", FIELD_DATE },
	{ "X-Mailtern-Partial", FIELD_PARTIAL },
};

static void *
crypto_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return n != 0 ? xmalloc(n) : NULL;
}

static void
crypto_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static void *
crypto_realloc(void *p, size_t n, const char *file, int line)
{
	if (n != 0)
		return xrealloc(p, n);
	crypto_free(p, file, line);
	return NULL;
}

/* Refused when something has used OpenSSL before: then it stays as it was. */
void
fingerprint_init(void)
{
	(void)CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc,
	    crypto_free);
}

/* libcrypto fails here for want of memory or of SHA-256. */
static void
digest_check(int ok)
{
	if (ok != 1)
		fatal("out of memory, or SHA-256 does not work");
}

struct fingerprinter *
fingerprint_new(void)
{
	struct fingerprinter *f = xcalloc(1, sizeof(*f));

	f->md = EVP_MD_CTX_new();
	digest_check(f->md != NULL);
	digest_check(EVP_DigestInit_ex(f->md, EVP_sha256(), NULL));
	return f;
}

void
fingerprint_cancel(struct fingerprinter *f)
{
	if (f == NULL)
		return;
	EVP_MD_CTX_free(f->md);
	free(f);
}

static void
stage_flush(struct fingerprinter *f)
{
	if (f->stage_len > 0)
		digest_check(EVP_DigestUpdate(f->md, f->stage, f->stage_len));
	f->stage_len = 0;
}

static void
put(struct fingerprinter *f, const unsigned char *p, size_t n)
{
	f->out.size += n;
	if (n >= STAGE) {
		stage_flush(f);
		digest_check(EVP_DigestUpdate(f->md, p, n));
		return;
	}
	if (n > STAGE - f->stage_len)
		stage_flush(f);
	if (n > 0)
		memcpy(f->stage + f->stage_len, p, n);
	f->stage_len += n;
}

/* Header octets: counted out with their field, or hashed with 8-bit masked. */
static void
put_header(struct fingerprinter *f, const unsigned char *p, size_t n)
{
	if (f->field == FIELD_REMOVED) {
		f->out.removed += n;
		return;
	}
	while (n > 0) {
		unsigned char masked[256];
		size_t part = n < sizeof(masked) ? n : sizeof(masked);

		for (size_t i = 0; i < part; i++)
			masked[i] = p[i] < 0x80 ? p[i] : 'X';
		put(f, masked, part);
		p += part;
		n -= part;
	}
}

/* The digest of everything so far; hashing can go on. */
static void
digest_now(struct fingerprinter *f, uint8_t out[32])
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();

	stage_flush(f);
	digest_check(copy != NULL);
	digest_check(EVP_MD_CTX_copy_ex(copy, f->md));
	digest_check(EVP_DigestFinal_ex(copy, out, NULL));
	EVP_MD_CTX_free(copy);
}

static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

/* "Status : RO" was legal once (RFC 5322 section 4.5). */
static enum field
field_find(struct span name)
{
	while (name.n > 0 && is_blank((unsigned char)name.p[name.n - 1]))
		name.n--;
	for (size_t i = 0; i < sizeof(field_table) / sizeof(*field_table); i++)
		if (span_ieq(name, field_table[i].name))
			return field_table[i].field;
	return FIELD_OTHER;
}

/* One octet of a Message-ID: as much as has room, and fit to be text. */
static void
id_add(struct fingerprinter *f, unsigned char c)
{
	char text = (char)c;

	if (f->id_done || f->id_len >= sizeof(f->out.message_id) - 1)
		return;
	if (is_blank(c)) {
		if (f->id_len == 0)
			return;
		text = ' ';
	} else if (c < 0x20 || c == 0x7f) {
		text = '?';
	} else if (c >= 0x80) {
		text = 'X';
	}
	f->out.message_id[f->id_len++] = text;
}

static void
field_value(struct fingerprinter *f, const unsigned char *p, size_t n)
{
	if (f->field != FIELD_MESSAGE_ID && f->field != FIELD_DATE)
		return;
	for (size_t i = 0; i < n; i++) {
		if (!is_blank(p[i]))
			f->out.has_identity = true;
		if (f->field == FIELD_MESSAGE_ID)
			id_add(f, p[i]);
	}
}

/* The field before this line is complete. */
static void
field_end(struct fingerprinter *f)
{
	if (f->field == FIELD_MESSAGE_ID && f->id_len > 0)
		f->id_done = true;
	f->field = FIELD_OTHER;
}

/* Now it is known what the line is: hash the name that was held back. */
static void
name_end(struct fingerprinter *f, enum field field)
{
	f->field = field;
	if (field == FIELD_PARTIAL)
		f->out.partial = true;
	put_header(f, (const unsigned char *)f->name, f->name_len);
	f->name_len = 0;
	f->where = LINE_VALUE;
}

/* Takes what belongs to the field name and the colon; returns how much. */
static size_t
name_add(struct fingerprinter *f, const unsigned char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] != ':' && f->name_len < sizeof(f->name))
		f->name[f->name_len++] = (char)p[i++];
	/* A full window decides at once, or pieces would make a difference. */
	if (f->name_len == sizeof(f->name)) {
		name_end(f, FIELD_OTHER);
	} else if (i < n) {
		name_end(f, field_find((struct span){ f->name, f->name_len }));
		put_header(f, p + i++, 1);
	}
	return i;
}

/* Octets of a line, never its end. */
static void
line_add(struct fingerprinter *f, const unsigned char *p, size_t n)
{
	if (n == 0)
		return;
	f->midline = true;
	if (f->where == BODY) {
		put(f, p, n);
		return;
	}
	if (f->where == LINE_START && is_blank(*p)) {
		f->where = LINE_VALUE;	/* goes on with the field before it */
	} else if (f->where == LINE_START) {
		field_end(f);
		f->where = LINE_NAME;
	}
	if (f->where == LINE_NAME) {
		size_t taken = name_add(f, p, n);

		p += taken;
		n -= taken;
	}
	if (n > 0) {
		put_header(f, p, n);
		field_value(f, p, n);
	}
}

static void
header_end(struct fingerprinter *f)
{
	field_end(f);
	digest_now(f, f->out.head);
	f->where = BODY;
}

static void
line_end(struct fingerprinter *f)
{
	static const unsigned char crlf[] = { '\r', '\n' };
	bool blank = !f->midline;

	f->midline = false;
	if (f->where == BODY) {
		put(f, crlf, 2);
	} else if (blank) {
		put(f, crlf, 2);
		header_end(f);
	} else {
		if (f->where == LINE_NAME)
			name_end(f, FIELD_OTHER);
		put_header(f, crlf, 2);
		f->where = LINE_START;
	}
}

void
fingerprint_add(struct fingerprinter *f, const void *data, size_t n)
{
	const unsigned char *p = data, *end;

	if (n > 0 && !f->out.has_nul)
		f->out.has_nul = memchr(p, '\0', n) != NULL;
	for (; n > 0; p += 1, n -= 1) {
		size_t text;

		if (f->cr && *p != '\n')
			line_add(f, (const unsigned char *)"\r", 1);
		f->cr = false;
		end = memchr(p, '\n', n);
		text = end != NULL ? (size_t)(end - p) : n;
		if (text > 0 && p[text - 1] == '\r') {
			f->cr = end == NULL;
			line_add(f, p, text - 1);
		} else {
			line_add(f, p, text);
		}
		if (end == NULL)
			return;
		line_end(f);
		p += text;
		n -= text;
	}
}

void
fingerprint_end(struct fingerprinter *f, struct fingerprint *out)
{
	bool open;

	if (f->cr)
		line_add(f, (const unsigned char *)"\r", 1);
	open = f->midline;
	if (open)
		line_end(f);
	f->out.wire = f->out.size + f->out.removed - (open ? 2 : 0);
	if (f->where != BODY)
		header_end(f);
	while (f->id_len > 0 && f->out.message_id[f->id_len - 1] == ' ')
		f->id_len--;
	f->out.message_id[f->id_len] = '\0';
	digest_now(f, f->out.content);
	*out = f->out;
	fingerprint_cancel(f);
}
