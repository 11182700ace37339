/*
 * Flags and keywords of one message. System flags are bits; keywords are one
 * canonical string: words separated by single blanks, sorted and unique under
 * ASCII case folding, the case of the first mention kept; "" for none. \Recent
 * and unknown \Flags are never represented. $Forwarded is the bit FLAG_PASSED,
 * because Maildir has a letter for it.
 */
#ifndef MAIL_FLAGS_H
#define MAIL_FLAGS_H

#include <stdbool.h>

#include "base/str.h"

enum {
	FLAG_DRAFT	= 1 << 0,	/* D  \Draft */
	FLAG_FLAGGED	= 1 << 1,	/* F  \Flagged */
	FLAG_PASSED	= 1 << 2,	/* P  $Forwarded */
	FLAG_ANSWERED	= 1 << 3,	/* R  \Answered */
	FLAG_SEEN	= 1 << 4,	/* S  \Seen */
	FLAG_DELETED	= 1 << 5,	/* T  \Deleted */
	FLAG_ALL	= (1 << 6) - 1,
};

/* One IMAP flag word: its bit, or 0 when it is a keyword or not ours. */
unsigned flag_from_imap(struct span word);
/* The IMAP name of one bit; NULL when it is none. */
const char *flag_imap_name(unsigned bit);
/* One Maildir letter: its bit, or 0. */
unsigned flag_from_letter(char);
/* The letters of the bits in ASCII order into out[7], terminated. */
void flag_letters(unsigned flags, char out[7]);

/*
 * What a side should hold: its present state, plus what the other side added
 * since its base, less what the other side removed. What this side cannot
 * store (not in storable) stays as it is. A flag added on this side survives a
 * removal on the other.
 */
unsigned flags_merge(unsigned side_base, unsigned side, unsigned other_base,
    unsigned other, unsigned storable);

/*
 * Keywords. The result of each is canonical and freed by the caller. Words that
 * can't be keywords, and names of flags, are passed over; what goes beyond
 * LIMIT_KEYWORDS is left out, from the end, of b before of a.
 */
char *keywords_canon(const char *words);
char *keywords_union(const char *a, const char *b);
/* The words of a that are not in b. */
char *keywords_less(const char *a, const char *b);
/* As flags_merge; storable is a canonical list, or NULL for everything. */
char *keywords_merge(const char *side_base, const char *side,
    const char *other_base, const char *other, const char *storable);
bool keywords_equal(const char *a, const char *b);	/* both canonical */
/* RFC 9051 flag-keyword, an atom, within LIMIT_KEYWORD. */
bool keyword_valid(struct span);

#endif
