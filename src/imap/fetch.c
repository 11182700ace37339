/*
 * Parses FETCH, what the server says of a message. It is read token by token,
 * without recursion, and reading can stop at the end of what has come: at each
 * literal the item it belongs to decides whether it is handed out, and all
 * parentheses are still counted when the row goes on behind it. After a literal
 * that was announced too short or too long, what follows does not add up, and
 * the response is refused.
 */
#include "reader.h"

#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "imap/text.h"

#define SECTION_MAX	4096	/* bytes of BODY[...]: it may be read twice */

static const struct {
	const char *name;
	enum attr attr;
	const char *whole;	/* the section that an old name stands for */
} items[] = {
	{ "UID", ATTR_UID, NULL },
	{ "FLAGS", ATTR_FLAGS, NULL },
	{ "MODSEQ", ATTR_MODSEQ, NULL },
	{ "RFC822.SIZE", ATTR_SIZE, NULL },
	{ "INTERNALDATE", ATTR_DATE, NULL },
	{ "EMAILID", ATTR_LINEAGE, NULL },
	{ "X-GM-MSGID", ATTR_LINEAGE, NULL },
	{ "X-GUID", ATTR_LINEAGE, NULL },
	{ "RFC822", ATTR_BODY, "" },
	{ "RFC822.HEADER", ATTR_BODY, "HEADER" },
	{ "RFC822.TEXT", ATTR_BODY, "TEXT" },
};

static size_t
fetch_offset(const struct imap_reader *r, const char *p)
{
	return (size_t)(p - (const char *)r->text.data);
}

void
fetch_begin(struct imap_reader *r)
{
	r->fetch = (struct fetch_scan){ .pos = r->rest };
	if (r->word == WORD_UIDFETCH)
		r->fetch.row.uid = (uint32_t)r->number;
	else
		r->fetch.row.seq = (uint32_t)r->number;
}

struct span
fetch_section(const struct imap_reader *r)
{
	const struct fetch_scan *f = &r->fetch;

	if (f->whole != NULL)
		return span_of(f->whole);
	return (struct span){ (const char *)r->text.data + f->section.at,
	    f->section.n };
}

/* The "]" of a section: c stands behind the "[". NULL: not here yet. */
static char *
section_end(struct cursor c)
{
	struct span s;

	while (c.p < c.end && *c.p != ']') {
		if (*c.p == '"') {
			c.p = lex_quote_end(c.p + 1, c.end);
			if (c.p == NULL)
				return NULL;
			c.p++;
		} else if (!lex_literal(&c, &s)) {
			c.p++;
		}
	}
	return c.p < c.end ? c.p : NULL;
}

/*
 * "[SECTION]" or "[SECTION]<0>" behind BODY or BINARY. What has an origin is
 * not the whole: its section is then "SECTION]<0>".
 */
static int
fetch_section_begin(struct imap_reader *r, struct cursor *c, bool body,
    struct err *err)
{
	struct fetch_scan *f = &r->fetch;
	char *from = c->p + 1, *end;

	end = section_end((struct cursor){ from, c->end });
	if ((size_t)((end != NULL ? end : c->end) - from) > SECTION_MAX)
		return lex_refuse(r, "too long a section", err);
	f->in_section = end == NULL;
	if (end == NULL)
		return 0;
	c->p = end + 1;
	if (lex_char(c, '<')) {
		lex_until(c, ">");
		if (!lex_char(c, '>'))
			return lex_refuse(r, "a broken FETCH", err);
		end = c->p;
	}
	f->attr = ATTR_OTHER;
	if (body) {
		f->attr = ATTR_BODY;
		f->whole = NULL;
		f->section = (struct piece){ fetch_offset(r, from),
		    (size_t)(end - from) };
	}
	return 0;
}

static int
fetch_name(struct imap_reader *r, struct cursor *c, struct err *err)
{
	struct fetch_scan *f = &r->fetch;
	struct span name = lex_until(c, " ()[\"");

	if (name.n == 0)
		return lex_refuse(r, "a broken FETCH", err);
	if (c->p < c->end && *c->p == '[') {
		int rc = fetch_section_begin(r, c, span_ieq(name, "BODY") ||
		    span_ieq(name, "BINARY"), err);

		if (f->in_section)
			c->p = c->end;
		return rc;
	}
	f->attr = ATTR_OTHER;
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		if (span_ieq(name, items[i].name)) {
			f->attr = items[i].attr;
			if (f->attr == ATTR_BODY)
				f->whole = items[i].whole;
			break;
		}
	return 0;
}

/* A UID that is none leaves the row without; two different ones contradict. */
static int
fetch_uid(struct imap_reader *r, struct span value, struct err *err)
{
	struct imap_fetch *row = &r->fetch.row;
	uint64_t n;

	if (!span_number(value, UINT32_MAX, &n) || n == 0)
		return 0;
	if (row->uid != 0 && row->uid != n)
		return lex_refuse(r, "a FETCH with two UIDs", err);
	row->uid = (uint32_t)n;
	return 0;
}

static void
fetch_modseq(struct imap_fetch *row, struct span value)
{
	uint64_t n;

	row->has_modseq = span_number(value, INT64_MAX, &n) && n > 0;
	row->modseq = row->has_modseq ? n : 0;
}

static void
fetch_size(struct imap_fetch *row, struct span value)
{
	uint64_t n;

	row->has_size = span_number(value, UINT32_MAX, &n);
	row->size = row->has_size ? (uint32_t)n : 0;
}

/* NIL is none (RFC 8474 section 5.1). */
static void
fetch_lineage(struct imap_fetch *row, struct span value, bool quoted)
{
	if (value.n == 0 || (!quoted && span_ieq(value, "NIL")))
		return;
	row->lineage = (int64_t)(fnv1a(FNV1A_START, value.p, value.n) &
	    INT64_MAX);
	if (row->lineage == 0)
		row->lineage = 1;
}

static void
fetch_body(struct imap_reader *r, struct span value, bool quoted)
{
	struct fetch_scan *f = &r->fetch;

	if (quoted) {
		f->row.body = BODY_INLINE;
		f->data = (struct piece){ fetch_offset(r, value.p), value.n };
	} else {
		f->row.body = span_ieq(value, "NIL") ? BODY_NIL : BODY_NONE;
	}
}

/* One atom or string that is (part of) the value of an item. */
static int
fetch_value(struct imap_reader *r, struct span value, bool quoted,
    struct err *err)
{
	struct fetch_scan *f = &r->fetch;
	enum attr attr = f->attr;

	if (f->nest > 0) {
		if (f->nest > 1)
			return 0;
		if (attr == ATTR_MODSEQ)
			fetch_modseq(&f->row, value);
		else if (attr == ATTR_LINEAGE)
			fetch_lineage(&f->row, value, quoted);
		else if (attr == ATTR_FLAGS && !quoted &&
		    !words_add(r, value, &f->row.flags))
			f->bad_flags = true;
		return 0;
	}
	f->attr = ATTR_NONE;
	switch (attr) {
	case ATTR_UID:
		return fetch_uid(r, value, err);
	case ATTR_SIZE:
		fetch_size(&f->row, value);
		break;
	case ATTR_MODSEQ:
		fetch_modseq(&f->row, value);
		break;
	case ATTR_DATE:
		f->row.has_date = imap_date_parse(value, &f->row.date);
		break;
	case ATTR_BODY:
		fetch_body(r, value, quoted);
		break;
	case ATTR_LINEAGE:
		fetch_lineage(&f->row, value, quoted);
		break;
	case ATTR_FLAGS:
	case ATTR_OTHER:
	case ATTR_NONE:
		break;
	}
	return 0;
}

/* Domino puts more parentheses around the items than there should be. */
static int
fetch_open(struct imap_reader *r, struct err *err)
{
	struct fetch_scan *f = &r->fetch;

	if (f->depth + f->nest >= LIMIT_DEPTH)
		return lex_refuse(r, "too many parentheses", err);
	if (f->attr == ATTR_NONE) {
		f->depth++;
		return 0;
	}
	if (f->nest++ == 0 && f->attr == ATTR_FLAGS) {
		words_begin(r);
		f->row.flags = 0;
		f->bad_flags = false;
	}
	return 0;
}

static void
fetch_close(struct fetch_scan *f)
{
	if (f->nest > 0) {
		if (--f->nest > 0)
			return;
		if (f->attr == ATTR_FLAGS)
			f->row.has_flags = !f->bad_flags;
	} else {
		f->closed = --f->depth == 0;
	}
	f->attr = ATTR_NONE;	/* an item without value: it is not there */
}

static int
fetch_step(struct imap_reader *r, struct cursor *c, struct err *err)
{
	struct fetch_scan *f = &r->fetch;
	struct span value;

	if (f->after_literal && *c->p != ' ' && *c->p != ')')
		return lex_refuse(r, "a literal of the wrong length", err);
	f->after_literal = false;
	if (lex_char(c, ' '))
		return 0;
	if (f->closed) {
		if (lex_char(c, ')') && !f->streamed)
			return 0;
		return lex_refuse(r, "a FETCH that does not add up", err);
	}
	if (lex_char(c, '('))
		return fetch_open(r, err);
	if (f->depth == 0)
		return lex_refuse(r, "a broken FETCH", err);
	if (lex_char(c, ')')) {
		fetch_close(f);
		return 0;
	}
	if (f->attr == ATTR_NONE)
		return fetch_name(r, c, err);
	if (*c->p == '"') {
		if (!lex_quoted(c, &value))
			return lex_refuse(r, "a broken string", err);
		return fetch_value(r, value, true, err);
	}
	return fetch_value(r, lex_word(c), false, err);
}

/* Reads on up to text[end], or to the name of an item whose section is not
 * complete there. */
static int
fetch_run(struct imap_reader *r, size_t end, struct err *err)
{
	struct fetch_scan *f = &r->fetch;
	struct cursor c = lex_cursor(r, f->pos, end);

	f->in_section = false;
	while (c.p < c.end) {
		if (fetch_step(r, &c, err) < 0)
			return -1;
		if (f->in_section)
			return 0;
		f->pos = fetch_offset(r, c.p);
	}
	return 0;
}

int
fetch_literal(struct imap_reader *r, size_t at, enum frame *out,
    struct err *err)
{
	struct fetch_scan *f = &r->fetch;

	if (fetch_run(r, at, err) < 0)
		return -1;
	if (f->in_section) {
		*out = FRAME_KEEP;
		return 0;
	}
	if (f->after_literal || f->depth == 0 || f->closed ||
	    f->attr == ATTR_NONE)
		return lex_refuse(r, "a literal where none can be", err);
	*out = FRAME_SKIP;
	if (f->nest == 0) {
		if (f->attr == ATTR_BODY) {
			*out = FRAME_BODY;
			f->streamed = true;
			f->row.body = BODY_STREAMED;
		}
		f->attr = ATTR_NONE;
	}
	f->pos = r->text.len;
	f->after_literal = true;
	return 0;
}

int
fetch_end(struct imap_reader *r, struct imap_resp *resp, struct err *err)
{
	struct fetch_scan *f = &r->fetch;

	if (fetch_run(r, r->text.len, err) < 0)
		return -1;
	if (!f->closed)
		return lex_refuse(r, "a FETCH that does not add up", err);
	resp->kind = IMAP_FETCH;
	resp->fetch = f->row;
	if (f->row.has_flags)
		resp->fetch.keywords = words_canon(r);
	if (f->row.body != BODY_NONE)
		resp->fetch.section = fetch_section(r);
	if (f->row.body == BODY_INLINE)
		resp->fetch.data = (struct span){
		    (const char *)r->text.data + f->data.at, f->data.n };
	return 0;
}
