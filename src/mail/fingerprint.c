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
#include "mail/date.h"

/*
 * Three layers, each of which sees no more than the one below hands it:
 * fingerprint_add finds the line ends, the line functions know header from body
 * and field from field, and put/digest hash the canonical octets. A line comes
 * in pieces of any size; of a field name only a window is kept, long enough to
 * tell the names that matter, so memory does not depend on the message.
 *
 * The three forms of most messages are one: a form is hashed by itself only
 * from the first octet on that tells it from the form before it.
 */

#define NAME_MAX_LEN	32	/* longer than every name in field_table */
#define STAGE		4096	/* octets collected before they are hashed */
#define DATE_MAX	100	/* of what could be a date */
#define RAW_MAX		500	/* of a subject that is encoded */

enum field {
	FIELD_OTHER,
	FIELD_REMOVED,		/* programs rewrite it: no part of identity */
	FIELD_REMOVED_NOW,	/* but it was one in the first form */
	FIELD_MESSAGE_ID,
	FIELD_DATE,
	FIELD_RECEIVED,
	FIELD_PARTIAL,
	FIELD_SUBJECT,
	FIELD_FROM,
};

enum where {
	LINE_START,		/* of a header line: nothing seen yet */
	LINE_NAME,		/* collecting a field name */
	LINE_VALUE,		/* the rest of a header line */
	BODY,
};

/* Form by form, each like the one before it until it forks. */
enum form { FORM_IS, FORM_MASKED, FORM_OLD, FORMS };

struct stream {
	EVP_MD_CTX *md;		/* NULL: it has not forked */
	size_t n;
	unsigned char stage[STAGE];
};

/* What a field says when: of Received, that is behind the last semicolon. */
struct when {
	bool done;		/* an earlier field of the name said it */
	size_t n;
	char text[DATE_MAX];
};

/* The beginning of what people read of it. */
struct raw {
	bool done;		/* an earlier field of the name said it */
	size_t n;
	char text[RAW_MAX];
};

struct fingerprinter {
	struct stream stream[FORMS];
	enum where where;
	enum field field;	/* of this line and of those that continue it */
	bool cr;		/* a CR waits for what follows it */
	bool midline;		/* the line has octets already */
	bool id_done;		/* an earlier Message-ID was not empty */
	bool later;		/* this line is not the first */
	struct when date, received;
	struct raw subject, from;
	size_t id_len, name_len;
	char name[NAME_MAX_LEN];
	struct fingerprint out;
};

static const struct {
	const char *name;
	enum field field;
} field_table[] = {
	{ "Status", FIELD_REMOVED },
	{ "X-Status", FIELD_REMOVED },
	{ "Content-Length", FIELD_REMOVED },
	{ "Lines", FIELD_REMOVED },		/* mbox */
	{ "X-TUID", FIELD_REMOVED_NOW },	/* mbsync, in what it stores */
	{ "X-UID", FIELD_REMOVED_NOW },		/* c-client, Dovecot: mbox */
	{ "X-IMAP", FIELD_REMOVED_NOW },
	{ "X-IMAPbase", FIELD_REMOVED_NOW },
	{ "X-Keywords", FIELD_REMOVED_NOW },
	{ "X-Mozilla-Status", FIELD_REMOVED_NOW },	/* Thunderbird */
	{ "X-Mozilla-Status2", FIELD_REMOVED_NOW },
	{ "X-Mozilla-Keys", FIELD_REMOVED_NOW },
	{ "X-Evolution", FIELD_REMOVED_NOW },
	{ "X-OfflineIMAP", FIELD_REMOVED_NOW },	/* what it could not find */
	{ "Message-ID", FIELD_MESSAGE_ID },
	{ "Date", FIELD_DATE },
	{ "Received", FIELD_RECEIVED },
	{ "X-Mailtern-Partial", FIELD_PARTIAL },
	{ "Subject", FIELD_SUBJECT },
	{ "From", FIELD_FROM },
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

	f->stream[FORM_IS].md = EVP_MD_CTX_new();
	digest_check(f->stream[FORM_IS].md != NULL);
	digest_check(EVP_DigestInit_ex(f->stream[FORM_IS].md, EVP_sha256(),
	    NULL));
	return f;
}

void
fingerprint_cancel(struct fingerprinter *f)
{
	if (f == NULL)
		return;
	for (int i = 0; i < FORMS; i++)
		EVP_MD_CTX_free(f->stream[i].md);
	free(f);
}

static void
stage_flush(struct stream *s)
{
	if (s->n > 0)
		digest_check(EVP_DigestUpdate(s->md, s->stage, s->n));
	s->n = 0;
}

/* The stream of a form, its own or that which it still follows. */
static struct stream *
stream_of(struct fingerprinter *f, enum form form)
{
	while (f->stream[form].md == NULL)
		form--;
	return &f->stream[form];
}

static EVP_MD_CTX *
copy_of(struct stream *s)
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();

	stage_flush(s);
	digest_check(copy != NULL);
	digest_check(EVP_MD_CTX_copy_ex(copy, s->md));
	return copy;
}

/* From here on the form is another one than that before it. */
static void
fork_form(struct fingerprinter *f, enum form form)
{
	if (f->stream[form].md == NULL)
		f->stream[form].md = copy_of(stream_of(f, form));
}

static void
stream_put(struct stream *s, const unsigned char *p, size_t n)
{
	if (s->md == NULL)
		return;
	if (n >= STAGE) {
		stage_flush(s);
		digest_check(EVP_DigestUpdate(s->md, p, n));
		return;
	}
	if (n > STAGE - s->n)
		stage_flush(s);
	if (n > 0)
		memcpy(s->stage + s->n, p, n);
	s->n += n;
}

/* Octets that are alike in all forms. */
static void
put(struct fingerprinter *f, const unsigned char *p, size_t n)
{
	f->out.size += n;
	f->out.first_size += n;
	for (int i = 0; i < FORMS; i++)
		stream_put(&f->stream[i], p, n);
}

static bool
is_7bit(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] >= 0x80)
			return false;
	return true;
}

static void
put_masked(struct stream *s, const unsigned char *p, size_t n)
{
	unsigned char masked[256];

	while (s->md != NULL && n > 0) {
		size_t part = n < sizeof(masked) ? n : sizeof(masked);

		for (size_t i = 0; i < part; i++)
			masked[i] = p[i] < 0x80 ? p[i] : 'X';
		stream_put(s, masked, part);
		p += part;
		n -= part;
	}
}

/* Header octets: each form has its own view of them. */
static void
put_header(struct fingerprinter *f, const unsigned char *p, size_t n)
{
	switch (f->field) {
	case FIELD_REMOVED:
		f->out.removed += n;
		return;
	case FIELD_REMOVED_NOW:
		f->out.removed += n;
		f->out.first_size += n;
		fork_form(f, FORM_OLD);
		put_masked(&f->stream[FORM_OLD], p, n);
		return;
	default:
		break;
	}
	if (is_7bit(p, n)) {
		put(f, p, n);
		return;
	}
	f->out.has_8bit = true;
	f->out.size += n;
	f->out.first_size += n;
	fork_form(f, FORM_MASKED);
	stream_put(&f->stream[FORM_IS], p, n);
	put_masked(&f->stream[FORM_MASKED], p, n);
	put_masked(&f->stream[FORM_OLD], p, n);
}

/* The digests of everything so far; hashing can go on. */
static void
digest_now(struct fingerprinter *f, uint8_t *const out[FORMS])
{
	for (int i = 0; i < FORMS; i++) {
		EVP_MD_CTX *copy;

		if (f->stream[i].md == NULL) {
			memcpy(out[i], out[i - 1], 32);
			continue;
		}
		copy = copy_of(&f->stream[i]);
		digest_check(EVP_DigestFinal_ex(copy, out[i], NULL));
		EVP_MD_CTX_free(copy);
	}
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

/* As mbox has it before each message: "From jane Mon Jan  1 00:00:00 2024". */
static bool
is_from_line(struct span name)
{
	size_t i = 5;

	if (name.n <= i || memcmp(name.p, "From ", i) != 0)
		return false;
	while (i < name.n && is_blank((unsigned char)name.p[i]))
		i++;
	return i < name.n;
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
when_add(struct when *w, unsigned char c)
{
	if (!w->done && w->n < sizeof(w->text))
		w->text[w->n++] = (char)c;
}

static void
received_add(struct when *w, unsigned char c)
{
	if (c != ';')
		when_add(w, c);
	else if (!w->done)
		w->n = 0;
}

static void
raw_add(struct raw *r, const unsigned char *p, size_t n)
{
	size_t room = sizeof(r->text) - r->n;

	if (r->done)
		return;
	n = n < room ? n : room;
	memcpy(r->text + r->n, p, n);
	r->n += n;
}

static void
field_value(struct fingerprinter *f, const unsigned char *p, size_t n)
{
	const bool names = f->field == FIELD_MESSAGE_ID ||
	    f->field == FIELD_DATE;

	if (f->field == FIELD_SUBJECT)
		raw_add(&f->subject, p, n);
	else if (f->field == FIELD_FROM)
		raw_add(&f->from, p, n);
	for (size_t i = 0; i < n; i++) {
		f->out.has_identity |= names && !is_blank(p[i]);
		if (f->field == FIELD_MESSAGE_ID)
			id_add(f, p[i]);
		else if (f->field == FIELD_DATE)
			when_add(&f->date, p[i]);
		else if (f->field == FIELD_RECEIVED)
			received_add(&f->received, p[i]);
		else
			break;
	}
}

static bool
when_parse(const struct when *w, int64_t *out)
{
	return mail_date_parse((struct span){ w->text, w->n }, out);
}

/* The field before this line is complete. */
static void
field_end(struct fingerprinter *f)
{
	if (f->field == FIELD_MESSAGE_ID && f->id_len > 0)
		f->id_done = true;
	f->date.done |= f->date.n > 0;
	f->received.done |= f->received.n > 0;
	f->subject.done |= f->subject.n > 0;
	f->from.done |= f->from.n > 0;
	f->field = FIELD_OTHER;
}

/* Now it is known what the line is: hash the name that was held back. Without
 * a colon it is that of no field. */
static void
name_end(struct fingerprinter *f, bool colon)
{
	const struct span name = { f->name, f->name_len };

	if (!f->later && is_from_line(name))
		f->field = FIELD_REMOVED_NOW;
	else
		f->field = colon ? field_find(name) : FIELD_OTHER;
	if (f->field == FIELD_PARTIAL)
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
		name_end(f, false);
	} else if (i < n) {
		name_end(f, true);
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
	uint8_t *const head[FORMS] = {
		f->out.head, f->out.masked.head, f->out.first.head
	};

	field_end(f);
	digest_now(f, head);
	f->out.has_sent = when_parse(&f->date, &f->out.sent) ||
	    when_parse(&f->received, &f->out.sent);
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
			name_end(f, false);
		put_header(f, crlf, 2);
		f->where = LINE_START;
		f->later = true;
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
	uint8_t *const content[FORMS] = {
		f->out.content, f->out.masked.content, f->out.first.content
	};
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
	mail_text_decode(f->out.subject, (struct span){ f->subject.text,
	    f->subject.n });
	mail_text_sender(f->out.sender, (struct span){ f->from.text,
	    f->from.n });
	digest_now(f, content);
	*out = f->out;
	fingerprint_cancel(f);
}

bool
fingerprint_is(const struct fingerprint *fp, unsigned form,
    const uint8_t content[32])
{
	return memcmp(form < FORM_NOW ? fp->first.content : fp->content,
	    content, 32) == 0;
}

void
fingerprint_md5(const char *text, char out[33])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	out[0] = '\0';
	if (EVP_Digest(text, strlen(text), sum, &n, EVP_md5(), NULL) == 1 &&
	    n == 16)
		hex_format(out, sum, n);
}
