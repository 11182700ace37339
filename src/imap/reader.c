/*
 * Framing: bytes become responses. Every byte is looked at once, however small
 * the pieces are in which they come, because what was seen is moved out of the
 * input at once.
 */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

/* From here on a set is given out in pieces. */
#define SPLIT_AT	(LIMIT_RESPONSE / 4)

/* What a step of the reader did. */
enum { STEP_REFUSED = -1, STEP_STARVED = 0, STEP_RESPONSE = 1, STEP_ON = 2 };

struct imap_reader *
imap_reader_new(void)
{
	struct imap_reader *r = xcalloc(1, sizeof(*r));

	buf_init(&r->text, LIMIT_RESPONSE);
	buf_init(&r->words, LIMIT_KEYWORDS + LIMIT_KEYWORD);
	return r;
}

void
imap_reader_free(struct imap_reader *r)
{
	if (r == NULL)
		return;
	buf_release(&r->text);
	buf_release(&r->words);
	free(r->words_last);
	free(r->canon);
	uidset_release(&r->uids);
	uidset_release(&r->to);
	free(r);
}

bool
imap_reader_partial(const struct imap_reader *r)
{
	return r->frame != FRAME_LINE || r->tail != 0 ||
	    (!r->done && r->text.len > 0);
}

/* Forgets the response that was given, but for what a long set goes on with. */
static void
reader_forget(struct imap_reader *r)
{
	r->done = false;
	uidset_clear(&r->uids);
	uidset_clear(&r->to);
	if (r->tail != 0) {
		size_t n = r->text.len - r->tail;

		memmove(r->text.data + r->prefix, r->text.data + r->tail, n);
		r->text.len = r->prefix + n;
		r->tail = 0;
		return;
	}
	buf_clear(&r->text);
	r->segment = 0;
	r->shape = SHAPE_NEW;
}

static int
reader_classify(struct imap_reader *r, struct err *err)
{
	if (resp_classify(r, err) < 0)
		return -1;
	if (r->shape == SHAPE_FETCH)
		fetch_begin(r);
	return 0;
}

static struct span
reader_segment(const struct imap_reader *r)
{
	return (struct span){ (const char *)r->text.data + r->segment,
	    r->text.len - r->segment };
}

/* A literal of n octets is announced by text[at..]. */
static int
reader_literal(struct imap_reader *r, size_t at, struct imap_resp *resp,
    struct err *err)
{
	switch (r->shape) {
	case SHAPE_FETCH:
		if (fetch_literal(r, at, &r->frame, err) < 0)
			return STEP_REFUSED;
		break;
	case SHAPE_KEEP:
		r->frame = FRAME_KEEP;
		break;
	default:
		r->frame = FRAME_SKIP;
		break;
	}
	if (r->frame == FRAME_BODY) {
		resp->kind = IMAP_BODY_BEGIN;
		resp->fetch = r->fetch.row;
		resp->fetch.size = r->left;
		resp->fetch.section = fetch_section(r);
		return STEP_RESPONSE;
	}
	if (r->frame == FRAME_KEEP && (r->left > LIMIT_INLINE_LITERAL ||
	    !buf_add(&r->text, "\n", 1)))
		return lex_refuse(r, "too long a literal", err);
	r->segment = r->text.len;
	return STEP_ON;
}

/* A line has ended; its LF is taken off already. */
static int
reader_line(struct imap_reader *r, struct imap_resp *resp, struct err *err)
{
	bool too_big;
	size_t at;

	if (r->text.len > r->segment &&
	    r->text.data[r->text.len - 1] == '\r')
		r->text.len--;
	if (r->shape == SHAPE_NEW) {
		if (r->text.len == 0)
			return STEP_ON;		/* an empty line */
		if (reader_classify(r, err) < 0)
			return STEP_REFUSED;
	}
	if (r->shape != SHAPE_TEXT && lex_announced(reader_segment(r), &at,
	    &r->left, &too_big)) {
		if (too_big)
			return lex_refuse(r, "too large a literal", err);
		return reader_literal(r, r->segment + at, resp, err);
	}
	if (resp_parse(r, r->text.len, resp, err) < 0)
		return STEP_REFUSED;
	r->done = true;
	return STEP_RESPONSE;
}

/* A long line without end: a set is given out as far as it came. */
static int
reader_long(struct imap_reader *r, struct imap_resp *resp, struct err *err)
{
	size_t end;

	if (r->text.len == SPLIT_AT) {
		if (r->shape == SHAPE_NEW && reader_classify(r, err) < 0)
			return STEP_REFUSED;
		if (search_split(r, &end)) {
			if (resp_parse(r, end, resp, err) < 0)
				return STEP_REFUSED;
			r->done = true;
			return STEP_RESPONSE;
		}
	}
	if (r->text.len >= LIMIT_RESPONSE)
		return lex_refuse(r, "too long a response", err);
	return STEP_ON;
}

static int
step_line(struct imap_reader *r, struct buf *in, struct imap_resp *resp,
    struct err *err)
{
	size_t limit = r->text.len < SPLIT_AT ? SPLIT_AT : LIMIT_RESPONSE;
	size_t n = limit - r->text.len;
	unsigned char *lf;

	/* Some servers send NULs between responses. */
	while (r->text.len == 0 && in->len > 0 && in->data[0] == '\0')
		buf_consume(in, 1);
	if (in->len == 0)
		return STEP_STARVED;
	if (n > in->len)
		n = in->len;
	lf = memchr(in->data, '\n', n);
	if (lf != NULL)
		n = (size_t)(lf - in->data);
	buf_add(&r->text, in->data, n);
	buf_consume(in, lf != NULL ? n + 1 : n);
	return lf != NULL ? reader_line(r, resp, err) :
	    reader_long(r, resp, err);
}

/* FRAME_KEEP and FRAME_SKIP. */
static int
step_literal(struct imap_reader *r, struct buf *in, struct err *err)
{
	size_t n = in->len < r->left ? in->len : r->left;

	if (r->frame == FRAME_KEEP && !buf_add(&r->text, in->data, n))
		return lex_refuse(r, "too long a response", err);
	buf_consume(in, n);
	r->left -= (uint32_t)n;
	if (r->left > 0)
		return STEP_STARVED;
	r->frame = FRAME_LINE;
	r->segment = r->text.len;
	return STEP_ON;
}

static int
step_body(struct imap_reader *r, struct buf *in, struct imap_resp *resp)
{
	size_t n = in->len < r->left ? in->len : r->left;

	if (r->left == 0) {
		resp->kind = IMAP_BODY_END;
		r->frame = FRAME_LINE;
		r->segment = r->text.len;
		return STEP_RESPONSE;
	}
	if (n == 0)
		return STEP_STARVED;
	resp->kind = IMAP_BODY_DATA;
	resp->data = (struct span){ (const char *)in->data, n };
	buf_consume(in, n);
	r->left -= (uint32_t)n;
	return STEP_RESPONSE;
}

static int
reader_step(struct imap_reader *r, struct buf *in, struct imap_resp *resp,
    struct err *err)
{
	switch (r->frame) {
	case FRAME_LINE:
		return step_line(r, in, resp, err);
	case FRAME_KEEP:
	case FRAME_SKIP:
		return step_literal(r, in, err);
	case FRAME_BODY:
		return step_body(r, in, resp);
	}
	return STEP_REFUSED;
}

int
imap_reader_next(struct imap_reader *r, struct buf *in,
    struct imap_resp *resp_out, struct err *err)
{
	int rc = STEP_ON;

	*resp_out = (struct imap_resp){ .kind = IMAP_UNKNOWN };
	if (r->done)
		reader_forget(r);
	while (rc == STEP_ON && r->dead.kind == ERR_NONE)
		rc = reader_step(r, in, resp_out, &r->dead);
	if (r->dead.kind != ERR_NONE) {
		*err = r->dead;
		return -1;
	}
	return rc;
}
