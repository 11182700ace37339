/*
 * Parses LIST, STATUS and NAMESPACE, what the server says of folders. A LIST
 * line that can't be read is an error and not a line to skip: a folder that is
 * missing in a list looks deleted.
 */
#include "reader.h"

#include <string.h>

#include "base/hash.h"

enum name_end {
	NAME_AT_END,		/* of the line, or before " (" */
	NAME_BEFORE_LIST,	/* before " (" */
};

/* Whether a name may end before p. */
static bool
name_may_end(const struct cursor *c, const char *p, enum name_end how)
{
	if (p == c->end)
		return how == NAME_AT_END;
	while (p < c->end && *p == ' ')
		p++;
	return p == c->end ? how == NAME_AT_END : *p == '(' && p[-1] == ' ';
}

/* Exchange does not escape quotes inside: the one that closes is the first
 * with the right thing behind it. */
static bool
name_quoted(struct cursor *c, enum name_end how, struct span *out)
{
	char *from = c->p + 1, *q = from;

	while ((q = lex_quote_end(q, c->end)) != NULL) {
		if (name_may_end(c, q + 1, how)) {
			*out = lex_unquote(from, q);
			c->p = q + 1;
			return true;
		}
		q++;
	}
	return false;
}

/* Atoms may have blanks, tabs, digits and colons in them. */
static bool
name_atom(struct cursor *c, enum name_end how, struct span *out)
{
	char *p = c->p;
	bool end;

	for (end = false; p < c->end && !end; p++)
		end = *p == ' ' && p + 1 < c->end && p[1] == '(' &&
		    (how == NAME_BEFORE_LIST ||
		    (p + 2 < c->end && p[2] == '"'));
	if (end)
		p--;
	*out = (struct span){ c->p, (size_t)(p - c->p) };
	while (out->n > 0 && out->p[out->n - 1] == ' ')
		out->n--;
	c->p = p;
	return out->n > 0;
}

static bool
name_parse(struct cursor *c, enum name_end how, struct span *out)
{
	lex_blanks(c);
	if (c->p == c->end)
		return false;
	if (*c->p == '"')
		return name_quoted(c, how, out);
	return lex_literal(c, out) || name_atom(c, how, out);
}

/* NUL, CR and LF can't be in a name that is to be sent back. */
static bool
name_sane(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == '\0' || name.p[i] == '\r' ||
		    name.p[i] == '\n')
			return false;
	return true;
}

static void
list_attribute(struct span word, struct imap_mailbox_item *m)
{
	static const struct {
		const char *name;
		enum imap_use use;
	} uses[] = {
		{ "\\All", USE_ALL }, { "\\AllMail", USE_ALL },
		{ "\\Archive", USE_ARCHIVE }, { "\\Drafts", USE_DRAFTS },
		{ "\\Flagged", USE_FLAGGED }, { "\\Starred", USE_FLAGGED },
		{ "\\Junk", USE_JUNK }, { "\\Spam", USE_JUNK },
		{ "\\Sent", USE_SENT }, { "\\Trash", USE_TRASH },
	};

	if (span_ieq(word, "\\Noselect"))
		m->noselect = true;
	else if (span_ieq(word, "\\NonExistent"))
		m->nonexistent = m->noselect = true;
	else if (span_ieq(word, "\\Noinferiors"))
		m->noinferiors = true;
	else if (span_ieq(word, "\\Subscribed"))
		m->subscribed = true;
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (span_ieq(word, uses[i].name))
			m->use = uses[i].use;
}

/* Attributes may be glued: "(\HasNoChildren\Sent)". */
static bool
list_attributes(struct cursor *c, struct imap_mailbox_item *m)
{
	lex_blanks(c);
	if (!lex_char(c, '('))
		return false;
	while (lex_blanks(c) && c->p < c->end && *c->p != ')') {
		struct cursor behind = { c->p + 1, c->end };
		struct span word = { c->p, 1 + lex_until(&behind, " )\\").n };

		list_attribute(word, m);
		c->p = behind.p;
	}
	return lex_char(c, ')');
}

static bool
list_delimiter(struct cursor *c, char *out)
{
	struct span s;

	lex_blanks(c);
	if (c->end - c->p >= 4 && memcmp(c->p, "\"\\\"", 3) == 0 &&
	    (c->p[3] == ' ' || c->p[3] == ')')) {
		/* a backslash that was not escaped */
		*out = '\\';
		c->p += 3;
		return true;
	}
	if (!lex_quoted(c, &s)) {
		s = lex_word(c);
		if (span_ieq(s, "NIL"))
			s.n = 0;
		else if (s.n != 1)
			return false;
	}
	*out = s.n == 1 ? s.p[0] : '\0';
	return s.n <= 1;
}

int
mailbox_list(struct imap_reader *r, struct imap_resp *resp, struct err *err)
{
	struct cursor c = lex_cursor(r, r->rest, r->text.len);
	struct imap_mailbox_item *m = &resp->mailbox;

	if (!list_attributes(&c, m) || !list_delimiter(&c, &m->delimiter) ||
	    !name_parse(&c, NAME_AT_END, &m->name))
		return lex_refuse(r, "a broken LIST", err);
	if (r->word == WORD_LSUB)
		m->subscribed = true;
	if (name_sane(m->name))
		resp->kind = IMAP_LIST;
	return 0;
}

bool
imap_validity(struct span digits, uint64_t *out)
{
	for (size_t i = 0; i < digits.n; i++)
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
	if (digits.n == 0)
		return false;
	while (digits.n > 0 && *digits.p == '0') {
		digits.p++;
		digits.n--;
	}
	if (digits.n == 0)
		*out = 0;
	else if (!span_number(digits, IMAP_VALIDITY_EXACT, out))
		*out = (fnv1a(FNV1A_START, digits.p, digits.n) &
		    IMAP_VALIDITY_EXACT) | (IMAP_VALIDITY_EXACT + 1);
	return true;
}

static void
status_item(struct span name, struct span value, struct imap_mailbox_item *m)
{
	uint64_t n;
	bool number = span_number(value, UINT32_MAX, &n);

	if (span_ieq(name, "UIDVALIDITY")) {
		m->has_uidvalidity = imap_validity(value, &m->uidvalidity);
		return;
	}
	m->has_guid |= span_ieq(name, "X-GUID") && value.n > 0;
	if (span_ieq(name, "HIGHESTMODSEQ")) {
		m->has_modseq = span_number(value, INT64_MAX, &m->modseq);
	} else if (!number) {
		return;
	} else if (span_ieq(name, "MESSAGES")) {
		m->has_messages = true;
		m->messages = (uint32_t)n;
	} else if (span_ieq(name, "UIDNEXT")) {
		m->has_uidnext = true;
		m->uidnext = (uint32_t)n;
	}
}

/*
 * Values in parentheses are passed without looking at quotes: Cyrus 3.6 sends
 * raw bytes for a MAILBOXID, one of which may be a quote.
 */
static void
status_items(struct cursor *c, struct imap_mailbox_item *m)
{
	while (lex_blanks(c) && c->p < c->end && *c->p != ')') {
		struct span name = lex_word(c);

		lex_blanks(c);
		if (lex_char(c, '(')) {
			lex_until(c, ")");
			lex_char(c, ')');
		} else {
			status_item(name, lex_word(c), m);
		}
	}
}

int
mailbox_status(struct imap_reader *r, struct imap_resp *resp, struct err *err)
{
	struct cursor c = lex_cursor(r, r->rest, r->text.len);
	struct imap_mailbox_item *m = &resp->mailbox;

	if (!name_parse(&c, NAME_BEFORE_LIST, &m->name))
		return lex_refuse(r, "a broken STATUS", err);
	lex_blanks(&c);
	if (!lex_char(&c, '('))
		return lex_refuse(r, "a broken STATUS", err);
	status_items(&c, m);
	if (name_sane(m->name))
		resp->kind = IMAP_STATUS;
	return 0;
}

int
mailbox_namespace(struct imap_reader *r, struct imap_resp *resp,
    struct err *err)
{
	struct cursor c = lex_cursor(r, r->rest, r->text.len);
	struct imap_mailbox_item *m = &resp->mailbox;

	resp->kind = IMAP_NAMESPACE;
	lex_blanks(&c);
	if (!lex_char(&c, '(')) {
		if (span_ieq(lex_word(&c), "NIL"))
			return 0;
		return lex_refuse(r, "a broken NAMESPACE", err);
	}
	lex_blanks(&c);
	if (!lex_char(&c, '(') || !(lex_blanks(&c) &&
	    (lex_quoted(&c, &m->name) || lex_literal(&c, &m->name))) ||
	    !list_delimiter(&c, &m->delimiter) || !name_sane(m->name))
		return lex_refuse(r, "a broken NAMESPACE", err);
	return 0;
}
