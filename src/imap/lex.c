/* The smallest parts of a response: blanks, words, numbers, strings. */
#include "reader.h"

#include <string.h>

#include "base/limits.h"

#define ANNOUNCED_MAX	32	/* of "~{4294967295+}" LF, with leading zeros */

struct cursor
lex_cursor(struct imap_reader *r, size_t from, size_t to)
{
	char *text = (char *)r->text.data;

	return (struct cursor){ text + from, text + to };
}

bool
lex_blanks(struct cursor *c)
{
	while (c->p < c->end && *c->p == ' ')
		c->p++;
	return true;
}

bool
lex_char(struct cursor *c, char want)
{
	if (c->p == c->end || *c->p != want)
		return false;
	c->p++;
	return true;
}

struct span
lex_until(struct cursor *c, const char *stops)
{
	struct span s = { c->p, 0 };
	size_t n = strlen(stops);

	while (c->p < c->end && memchr(stops, *c->p, n) == NULL)
		c->p++;
	s.n = (size_t)(c->p - s.p);
	return s;
}

struct span
lex_word(struct cursor *c)
{
	struct span s = { c->p, 0 };

	while (c->p < c->end && *c->p != ' ' && *c->p != '(' && *c->p != ')')
		c->p++;
	s.n = (size_t)(c->p - s.p);
	return s;
}

char *
lex_quote_end(char *p, const char *end)
{
	for (; p < end && *p != '"'; p++)
		if (*p == '\\' && p + 1 < end)
			p++;
	return p < end ? p : NULL;
}

struct span
lex_unquote(char *from, const char *end)
{
	struct span s = { from, 0 };
	char *to = from;

	for (; from < end; from++) {
		if (*from == '\\' && from + 1 < end)
			from++;
		*to++ = *from;
	}
	s.n = (size_t)(to - s.p);
	return s;
}

bool
lex_quoted(struct cursor *c, struct span *out)
{
	char *from = c->p + 1, *end;

	if (c->p == c->end || *c->p != '"' ||
	    (end = lex_quote_end(from, c->end)) == NULL)
		return false;
	*out = lex_unquote(from, end);
	c->p = end + 1;
	return true;
}

bool
lex_literal(struct cursor *c, struct span *out)
{
	size_t left = (size_t)(c->end - c->p), at;
	size_t look = left < ANNOUNCED_MAX ? left : ANNOUNCED_MAX;
	char *lf = look > 0 ? memchr(c->p, '\n', look) : NULL;
	bool too_big;
	uint32_t n;

	if (lf == NULL || !lex_announced((struct span){ c->p,
	    (size_t)(lf - c->p) }, &at, &n, &too_big) || at != 0 || too_big ||
	    n > (size_t)(c->end - lf - 1))
		return false;
	*out = (struct span){ lf + 1, n };
	c->p = lf + 1 + n;
	return true;
}

/*
 * Only "{" digits ["+"] "}" behind a blank or a parenthesis counts: else a
 * mailbox that is sent as the atom "a{5}" would swallow what follows.
 */
bool
lex_announced(struct span text, size_t *at_out, uint32_t *n_out, bool *too_big)
{
	size_t end = text.n, from, at;
	uint64_t n = 0;

	*too_big = false;
	if (end < 3 || text.p[--end] != '}')
		return false;
	if (text.p[end - 1] == '+')
		end--;
	for (from = end; from > 0 && text.p[from - 1] >= '0' &&
	    text.p[from - 1] <= '9'; from--)
		;
	if (from == end || from == 0 || text.p[from - 1] != '{')
		return false;
	at = from - 1;
	if (at > 0 && text.p[at - 1] == '~')
		at--;
	if (at > 0 && text.p[at - 1] != ' ' && text.p[at - 1] != '(')
		return false;
	*too_big = !span_number((struct span){ text.p + from, end - from },
	    LIMIT_MESSAGE, &n);
	*at_out = at;
	*n_out = (uint32_t)n;
	return true;
}

int
lex_refuse(struct imap_reader *r, const char *why, struct err *err)
{
	char shown[84];

	str_printable(shown, sizeof(shown) - 4, (const char *)r->text.data,
	    r->text.len);
	return err_set(err, ERR_PROTO, "the server sent %s: %s", why, shown);
}
