/*
 * Answers that are sets of UIDs: SEARCH, ESEARCH, VANISHED. A mailbox of a
 * million messages makes them longer than LIMIT_RESPONSE, so a long one is
 * cut between two members and given out as if the server had sent several.
 */
#include "reader.h"

#include <string.h>

/* A number that can't be read makes an enumeration incomplete: refused. */
int
search_plain(struct imap_reader *r, size_t end, struct imap_resp *resp,
    struct err *err)
{
	struct cursor c = lex_cursor(r, r->rest, end);
	uint64_t uid;

	while (lex_blanks(&c) && c.p < c.end && *c.p != '(') {
		if (!span_number(lex_word(&c), UINT32_MAX, &uid) || uid == 0)
			return lex_refuse(r, "a broken SEARCH", err);
		uidset_add(&r->uids, (uint32_t)uid);
	}
	uidset_settle(&r->uids);	/* the response gets a shallow copy */
	resp->kind = IMAP_SEARCH;
	resp->search.uids = r->uids;
	return 0;
}

/* (TAG "a1"): whose answer this is. */
static bool
search_tag(struct cursor *c, struct span *out)
{
	struct cursor in = *c;

	if (!lex_char(&in, '(') || !span_ieq(lex_word(&in), "TAG"))
		return false;
	lex_blanks(&in);
	if (!lex_quoted(&in, out) && !lex_literal(&in, out))
		*out = lex_until(&in, " )");
	if (!lex_char(&in, ')'))
		return false;
	*c = in;
	return true;
}

/* Passes a value in parentheses. */
static void
skip_list(struct cursor *c)
{
	unsigned depth = 0;
	struct span quoted;

	do {
		if (lex_quoted(c, &quoted) || lex_literal(c, &quoted))
			continue;
		if (*c->p == '"') {
			c->p = c->end;		/* never closed */
			return;
		}
		if (*c->p == '(')
			depth++;
		else if (*c->p == ')')
			depth--;
		c->p++;
	} while (c->p < c->end && depth > 0);
}

int
search_extended(struct imap_reader *r, size_t end, struct imap_resp *resp,
    struct err *err)
{
	struct cursor c = lex_cursor(r, r->rest, end);
	struct imap_search *s = &resp->search;

	resp->kind = IMAP_SEARCH;
	s->esearch = true;
	while (lex_blanks(&c) && c.p < c.end) {
		struct span name = lex_word(&c), value;
		uint64_t n;

		if (name.n == 0) {
			if (!search_tag(&c, &s->tag))
				skip_list(&c);
			continue;
		}
		if (span_ieq(name, "UID")) {
			s->uid = true;
			continue;
		}
		lex_blanks(&c);
		value = lex_word(&c);
		if (value.n == 0 && c.p < c.end) {
			skip_list(&c);
		} else if (span_ieq(name, "COUNT")) {
			s->has_count = span_number(value, UINT32_MAX, &n);
			s->count = s->has_count ? (uint32_t)n : 0;
		} else if (span_ieq(name, "ALL") && value.n > 0 &&
		    (memchr(value.p, '*', value.n) != NULL ||
		    uidset_parse(&r->uids, value) < 0)) {
			return lex_refuse(r, "a broken ESEARCH", err);
		}
	}
	s->uids = r->uids;
	return 0;
}

/*
 * A set that can't be read ("0:1" of Dovecot 2.3.14) says nothing: whoever
 * adds up the messages notices what is missing, and enumerates.
 */
int
search_vanished(struct imap_reader *r, size_t end, struct imap_resp *resp,
    struct err *err)
{
	struct cursor c = lex_cursor(r, r->rest, end);

	(void)err;
	resp->kind = IMAP_VANISHED;
	lex_blanks(&c);
	if (lex_char(&c, '(')) {
		resp->vanished.earlier = span_ieq(lex_until(&c, " )"),
		    "EARLIER");
		lex_until(&c, ")");
		lex_char(&c, ')');
		lex_blanks(&c);
	}
	while (c.end > c.p && c.end[-1] == ' ')
		c.end--;
	if (uidset_parse(&r->uids, (struct span){ c.p,
	    (size_t)(c.end - c.p) }) < 0)
		uidset_clear(&r->uids);
	resp->vanished.uids = r->uids;
	return 0;
}

bool
search_split(struct imap_reader *r, size_t *end_out)
{
	const char *text = (const char *)r->text.data;
	size_t n = r->text.len, from, cut;
	char sep = r->word == WORD_SEARCH ? ' ' : ',';

	if (r->word == WORD_SEARCH) {
		from = r->rest + 1;	/* a blank stands there */
	} else if (r->word == WORD_ESEARCH || r->word == WORD_VANISHED) {
		for (from = n; from > r->rest && text[from - 1] != ' '; from--)
			;
		if (r->word == WORD_ESEARCH && (from < 5 ||
		    !span_ieq((struct span){ text + from - 5, 5 }, " ALL ")))
			return false;
	} else {
		return false;
	}
	for (cut = n; cut > from + 1 && text[cut - 1] != sep; cut--)
		;
	if (from < r->segment || cut <= from + 1 ||
	    memchr(text + from, '(', n - from) != NULL)
		return false;
	r->prefix = from;
	r->tail = cut;
	*end_out = cut - 1;
	return true;
}
