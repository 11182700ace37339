/* Flags as bits and as letters; keywords as one sorted string. */
#include "mail/flags.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

static const struct {
	unsigned bit;
	char letter;
	const char *imap;
} flag_table[] = {		/* in the order of the letters */
	{ FLAG_DRAFT, 'D', "\\Draft" },
	{ FLAG_FLAGGED, 'F', "\\Flagged" },
	{ FLAG_PASSED, 'P', "$Forwarded" },
	{ FLAG_ANSWERED, 'R', "\\Answered" },
	{ FLAG_SEEN, 'S', "\\Seen" },
	{ FLAG_DELETED, 'T', "\\Deleted" },
};

#define NFLAGS	(sizeof(flag_table) / sizeof(flag_table[0]))

unsigned
flag_from_imap(struct span word)
{
	for (size_t i = 0; i < NFLAGS; i++)
		if (span_ieq(word, flag_table[i].imap))
			return flag_table[i].bit;
	return 0;
}

const char *
flag_imap_name(unsigned bit)
{
	for (size_t i = 0; i < NFLAGS; i++)
		if (flag_table[i].bit == bit)
			return flag_table[i].imap;
	return NULL;
}

unsigned
flag_from_letter(char letter)
{
	for (size_t i = 0; i < NFLAGS; i++)
		if (flag_table[i].letter == letter)
			return flag_table[i].bit;
	return 0;
}

void
flag_letters(unsigned flags, char out[7])
{
	size_t n = 0;

	for (size_t i = 0; i < NFLAGS; i++)
		if (flags & flag_table[i].bit)
			out[n++] = flag_table[i].letter;
	out[n] = '\0';
}

unsigned
flags_merge(unsigned side_base, unsigned side, unsigned other_base,
    unsigned other, unsigned storable)
{
	unsigned added = other & ~other_base;
	unsigned removed = other_base & ~other;
	unsigned mine = side & ~side_base;
	unsigned want = (side | added) & ~(removed & ~mine);

	return (want & storable) | (side & ~storable);
}

/* --- keywords: sets of words, sorted only while they are worked on --- */

struct word {
	struct span s;
	size_t at;	/* how early it was mentioned */
};

struct words {
	struct word *v;
	size_t n, cap;
};

/* RFC 9051 section 9: flag-keyword is an atom; 8-bit octets are in none. */
bool
keyword_valid(struct span word)
{
	if (word.n == 0 || word.n > LIMIT_KEYWORD)
		return false;
	for (size_t i = 0; i < word.n; i++) {
		char c = word.p[i];

		if (c <= ' ' || c > '~' || strchr("(){%*\"\\]", c) != NULL)
			return false;
	}
	return true;
}

static int
fold(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static int
span_fold_cmp(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;

	for (size_t i = 0; i < n; i++)
		if (fold(a.p[i]) != fold(b.p[i]))
			return fold(a.p[i]) < fold(b.p[i]) ? -1 : 1;
	return (a.n > b.n) - (a.n < b.n);
}

static int
word_cmp(const void *va, const void *vb)
{
	const struct word *a = va, *b = vb;
	int r = span_fold_cmp(a->s, b->s);

	return r != 0 ? r : (a->at > b->at) - (a->at < b->at);
}

/* Adds the keywords of a list; what can't be one is passed over. */
static void
words_add(struct words *w, const char *list)
{
	static const char blank[] = " \t\r\n";
	const char *p = list;

	while (*(p += strspn(p, blank)) != '\0') {
		struct span s = { p, strcspn(p, blank) };

		if (keyword_valid(s) && flag_from_imap(s) == 0) {
			struct word *word = VEC_ADD(w->v, w->n, w->cap);

			word->s = s;
			word->at = w->n;
		}
		p += s.n;
	}
}

static void
words_sort(struct words *w)
{
	size_t kept = 0;

	if (w->n > 1)
		qsort(w->v, w->n, sizeof(*w->v), word_cmp);
	for (size_t i = 0; i < w->n; i++)
		if (kept == 0 ||
		    span_fold_cmp(w->v[kept - 1].s, w->v[i].s) != 0)
			w->v[kept++] = w->v[i];
	w->n = kept;
}

static size_t
words_length(const struct words *w)
{
	size_t total = 0;

	for (size_t i = 0; i < w->n; i++)
		total += w->v[i].s.n + (i > 0);
	return total;
}

/*
 * Drops words from the end until the rest fits. Those mentioned after `own`
 * go first, lest what is added push out what was there: that would look like
 * a removal.
 */
static void
words_cut(struct words *w, size_t own)
{
	size_t total = words_length(w), kept = 0;

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = w->n; i-- > 0 && total > LIMIT_KEYWORDS;)
			if (w->v[i].s.n > 0 && (pass == 1 ||
			    w->v[i].at > own)) {
				total -= w->v[i].s.n + 1;
				w->v[i].s.n = 0;
			}
	for (size_t i = 0; i < w->n; i++)
		if (w->v[i].s.n > 0)
			w->v[kept++] = w->v[i];
	w->n = kept;
}

/* The canonical text; releases w. */
static char *
words_finish(struct words *w)
{
	char *text = xmalloc(words_length(w) + 1), *p = text;

	for (size_t i = 0; i < w->n; i++) {
		if (i > 0)
			*p++ = ' ';
		memcpy(p, w->v[i].s.p, w->v[i].s.n);
		p += w->v[i].s.n;
	}
	*p = '\0';
	free(w->v);
	return text;
}

char *
keywords_union(const char *a, const char *b)
{
	struct words w = { 0 };
	size_t own;

	words_add(&w, a);
	own = w.n;
	words_add(&w, b);
	words_sort(&w);
	words_cut(&w, own);
	return words_finish(&w);
}

char *
keywords_canon(const char *words)
{
	return keywords_union(words, "");
}

/* The words of a that are (in == true) or are not in b. */
static char *
keywords_filter(const char *a, const char *b, bool in)
{
	struct words wa = { 0 }, wb = { 0 };
	size_t kept = 0, j = 0;

	words_add(&wa, a);
	words_add(&wb, b);
	words_sort(&wa);
	words_sort(&wb);
	for (size_t i = 0; i < wa.n; i++) {
		int r = -1;

		while (j < wb.n &&
		    (r = span_fold_cmp(wa.v[i].s, wb.v[j].s)) > 0)
			j++;
		if ((j < wb.n && r == 0) == in)
			wa.v[kept++] = wa.v[i];
	}
	wa.n = kept;
	words_cut(&wa, wa.cap);
	free(wb.v);
	return words_finish(&wa);
}

char *
keywords_less(const char *a, const char *b)
{
	return keywords_filter(a, b, false);
}

/* The same steps as flags_merge takes. */
char *
keywords_merge(const char *side_base, const char *side,
    const char *other_base, const char *other, const char *storable)
{
	char *added = keywords_less(other, other_base);
	char *removed = keywords_less(other_base, other);
	char *mine = keywords_less(side, side_base);
	char *yield = keywords_less(removed, mine);
	char *both = keywords_union(side, added);
	char *want = keywords_less(both, yield);

	if (storable != NULL) {
		char *can = keywords_filter(want, storable, true);
		char *fixed = keywords_less(side, storable);

		free(want);
		want = keywords_union(fixed, can);
		free(fixed);
		free(can);
	}
	free(added);
	free(removed);
	free(mine);
	free(yield);
	free(both);
	return want;
}

bool
keywords_equal(const char *a, const char *b)
{
	return span_ieq(span_of(a), b);
}
