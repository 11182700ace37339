/* What kind of response a text is, and the simple kinds. */
#include "reader.h"

#include <string.h>

static const struct {
	const char *name;
	enum word word;
	enum shape shape;
} unnumbered[] = {
	{ "LIST", WORD_LIST, SHAPE_KEEP },
	{ "STATUS", WORD_STATUS, SHAPE_KEEP },
	{ "CAPABILITY", WORD_CAPABILITY, SHAPE_TEXT },
	{ "ENABLED", WORD_ENABLED, SHAPE_TEXT },
	{ "ESEARCH", WORD_ESEARCH, SHAPE_KEEP },
	{ "FLAGS", WORD_FLAGS, SHAPE_TEXT },
	{ "ID", WORD_ID, SHAPE_KEEP },
	{ "LSUB", WORD_LSUB, SHAPE_KEEP },
	{ "NAMESPACE", WORD_NAMESPACE, SHAPE_KEEP },
	{ "SEARCH", WORD_SEARCH, SHAPE_TEXT },
	{ "VANISHED", WORD_VANISHED, SHAPE_TEXT },
	{ "XLIST", WORD_LIST, SHAPE_KEEP },
}, numbered[] = {
	{ "FETCH", WORD_FETCH, SHAPE_FETCH },
	{ "EXISTS", WORD_EXISTS, SHAPE_TEXT },
	{ "EXPUNGE", WORD_EXPUNGE, SHAPE_TEXT },
	{ "EXPUNGED", WORD_EXPUNGE, SHAPE_TEXT },	/* GNU imap4d */
	{ "UIDFETCH", WORD_UIDFETCH, SHAPE_FETCH },	/* RFC 9586 */
};

static bool
status_find(struct span word, enum imap_status *out)
{
	static const struct {
		const char *name;
		enum imap_status status;
	} known[] = {
		{ "OK", IMAP_OK }, { "NO", IMAP_NO }, { "BAD", IMAP_BAD },
		{ "BYE", IMAP_BYE }, { "PREAUTH", IMAP_PREAUTH },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_ieq(word, known[i].name)) {
			*out = known[i].status;
			return true;
		}
	return false;
}

static bool
is_digits(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

/* "12 FETCH": c stands behind the number. */
static int
classify_numbered(struct imap_reader *r, struct cursor *c, struct span number,
    struct err *err)
{
	struct span word;

	if (!span_number(number, UINT32_MAX, &r->number))
		return lex_refuse(r, "a number out of range", err);
	lex_blanks(c);
	word = lex_word(c);
	for (size_t i = 0; i < sizeof(numbered) / sizeof(numbered[0]); i++) {
		if (!span_ieq(word, numbered[i].name))
			continue;
		/* There is no message 0; some servers speak of it. */
		if (r->number == 0 && numbered[i].word != WORD_EXISTS)
			return 0;
		r->word = numbered[i].word;
		r->shape = numbered[i].shape;
	}
	return 0;
}

/* "* WORD": c stands behind the star. What is not known has literals that are
 * skipped. */
static int
classify_untagged(struct imap_reader *r, struct cursor *c, struct err *err)
{
	struct span word;

	r->word = WORD_OTHER;
	r->shape = SHAPE_SKIP;
	lex_blanks(c);
	if (c->p < c->end && *c->p == '[') {
		/* "* [COPYUID ...]" without OK */
		r->word = WORD_STATUS_LINE;
		r->shape = SHAPE_TEXT;
		r->status = IMAP_OK;
		return 0;
	}
	word = lex_word(c);
	if (is_digits(word))
		return classify_numbered(r, c, word, err);
	if (status_find(word, &r->status) && (c->p == c->end || *c->p == ' ')) {
		/* "STATUS (" is no status line, nor would "OK(" be */
		r->word = WORD_STATUS_LINE;
		r->shape = SHAPE_TEXT;
		return 0;
	}
	for (size_t i = 0; i < sizeof(unnumbered) / sizeof(unnumbered[0]); i++)
		if (span_ieq(word, unnumbered[i].name)) {
			r->word = unnumbered[i].word;
			r->shape = unnumbered[i].shape;
		}
	return 0;
}

/* Some servers leave the tag out (Proton): then it is empty. */
static int
classify_tagged(struct imap_reader *r, struct cursor *c, struct err *err)
{
	struct span tag = lex_until(c, " ");
	struct span word;

	lex_blanks(c);
	word = lex_until(c, " ");
	if (!status_find(word, &r->status) || r->status > IMAP_BAD)
		return lex_refuse(r, "something that is not IMAP", err);
	r->word = WORD_TAGGED;
	r->tag = (struct piece){ 0, tag.n };
	return 0;
}

int
resp_classify(struct imap_reader *r, struct err *err)
{
	struct cursor c = lex_cursor(r, 0, r->text.len);
	int rc = 0;

	r->shape = SHAPE_TEXT;
	if (lex_char(&c, '+'))
		r->word = WORD_CONTINUE;
	else if (lex_char(&c, '*'))
		rc = classify_untagged(r, &c, err);
	else
		rc = classify_tagged(r, &c, err);
	r->rest = (size_t)(c.p - (char *)r->text.data);
	return rc;
}

static int
parse_caps(struct cursor c, enum imap_kind kind, struct imap_resp *resp)
{
	resp->kind = kind;
	resp->caps = words_squeeze(c);
	return 0;
}

static int
parse_flags(struct imap_reader *r, struct cursor c, struct imap_resp *resp)
{
	lex_blanks(&c);
	if (words_flag_list(r, &c, &resp->flags))
		resp->kind = IMAP_FLAGS;
	return 0;
}

static int
parse_number(struct imap_reader *r, enum imap_kind kind,
    struct imap_resp *resp)
{
	resp->kind = kind;
	resp->number = r->number;
	return 0;
}

static int
parse_status(struct imap_reader *r, struct cursor c, struct imap_resp *resp)
{
	resp->kind = r->word == WORD_TAGGED ? IMAP_TAGGED : IMAP_STATUS_LINE;
	resp->tag = (struct span){ (const char *)r->text.data + r->tag.at,
	    r->tag.n };
	resp->status = r->status;
	code_parse(r, c, resp);
	return 0;
}

int
resp_parse(struct imap_reader *r, size_t end, struct imap_resp *resp,
    struct err *err)
{
	struct cursor c = lex_cursor(r, r->rest, end);

	resp->kind = IMAP_UNKNOWN;
	switch (r->word) {
	case WORD_FETCH:
	case WORD_UIDFETCH:
		return fetch_end(r, resp, err);
	case WORD_TAGGED:
	case WORD_STATUS_LINE:
		return parse_status(r, c, resp);
	case WORD_CONTINUE:
		resp->kind = IMAP_CONTINUE;
		lex_blanks(&c);
		resp->text = (struct span){ c.p, (size_t)(c.end - c.p) };
		return 0;
	case WORD_CAPABILITY:
		return parse_caps(c, IMAP_CAPABILITY, resp);
	case WORD_ENABLED:
		return parse_caps(c, IMAP_ENABLED, resp);
	case WORD_LIST:
	case WORD_LSUB:
		return mailbox_list(r, resp, err);
	case WORD_STATUS:
		return mailbox_status(r, resp, err);
	case WORD_NAMESPACE:
		return mailbox_namespace(r, resp, err);
	case WORD_FLAGS:
		return parse_flags(r, c, resp);
	case WORD_EXISTS:
		return parse_number(r, IMAP_EXISTS, resp);
	case WORD_EXPUNGE:
		return parse_number(r, IMAP_EXPUNGE, resp);
	case WORD_SEARCH:
		return search_plain(r, end, resp, err);
	case WORD_ESEARCH:
		return search_extended(r, end, resp, err);
	case WORD_VANISHED:
		return search_vanished(r, end, resp, err);
	case WORD_ID:
		ident_parse(c, resp);
		return 0;
	case WORD_OTHER:
		return 0;
	}
	return 0;
}
