/*
 * Lists of words: flags and capabilities. The canonical form of the last list
 * of keywords is kept, because neighbouring messages mostly have the same.
 */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "mail/flags.h"

void
words_begin(struct imap_reader *r)
{
	buf_clear(&r->words);
}

bool
words_add(struct imap_reader *r, struct span word, unsigned *flags)
{
	unsigned bit = flag_from_imap(word);

	*flags |= bit;
	/* \Recent and what we have no place for are not ours to judge. */
	if (bit != 0 || word.n == 0 || word.p[0] == '\\' ||
	    word.n > LIMIT_KEYWORD || memchr(word.p, '\0', word.n) != NULL)
		return true;
	if (r->words.len + word.n + 1 > LIMIT_KEYWORDS)
		return false;
	if (r->words.len > 0)
		buf_add(&r->words, " ", 1);
	return buf_add(&r->words, word.p, word.n);
}

const char *
words_canon(struct imap_reader *r)
{
	const char *words;

	if (r->words.len == 0)
		return "";
	words = buf_str(&r->words);
	if (r->words_last == NULL || strcmp(words, r->words_last) != 0) {
		free(r->words_last);
		free(r->canon);
		r->words_last = xstrdup(words);
		r->canon = keywords_canon(words);
	}
	return r->canon;
}

bool
words_flag_list(struct imap_reader *r, struct cursor *c, struct imap_flags *out)
{
	*out = (struct imap_flags){ .keywords = "" };
	if (!lex_char(c, '('))
		return false;
	words_begin(r);
	while (lex_blanks(c) && c->p < c->end && *c->p != ')') {
		struct span word = lex_until(c, " )");

		if (span_eq(word, "\\*"))
			out->any = true;
		else
			words_add(r, word, &out->flags);	/* what fits */
	}
	out->keywords = words_canon(r);
	return lex_char(c, ')');
}

struct span
words_squeeze(struct cursor c)
{
	struct span out = { c.p, 0 };
	char *to = c.p;

	while (lex_blanks(&c) && c.p < c.end) {
		struct span word = lex_until(&c, " ");

		if (to > out.p && !span_eq(word, "+"))
			*to++ = ' ';
		memmove(to, word.p, word.n);
		to += word.n;
	}
	out.n = (size_t)(to - out.p);
	return out;
}
