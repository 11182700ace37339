/* Reads the dates that stand in the headers of messages. */
#include "mail/date.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define HOUR	3600

/* Blanks and comments, which may be nested. */
static void
skip(struct span *s)
{
	int depth = 0;

	while (s->n > 0) {
		if (*s->p == '(')
			depth++;
		else if (*s->p == ')' && depth > 0)
			depth--;
		else if (depth == 0 && strchr(" \t\r\n", *s->p) == NULL)
			return;
		s->p++, s->n--;
	}
}

static bool
take_char(struct span *s, char c)
{
	skip(s);
	if (s->n == 0 || *s->p != c)
		return false;
	s->p++, s->n--;
	return true;
}

/* At most digits of them; how many there were, 0: none, or more. */
static size_t
take_number(struct span *s, size_t digits, int *out)
{
	size_t n = 0;

	skip(s);
	*out = 0;
	while (n < s->n && n <= digits && isdigit((unsigned char)s->p[n]))
		*out = *out * 10 + (s->p[n++] - '0');
	s->p += n, s->n -= n;
	return n <= digits ? n : 0;
}

static struct span
take_word(struct span *s)
{
	struct span word;

	skip(s);
	word = (struct span){ s->p, 0 };
	while (word.n < s->n && isalpha((unsigned char)s->p[word.n]))
		word.n++;
	s->p += word.n, s->n -= word.n;
	return word;
}

/* "jan" is 0; -1: no month. Longer names begin with the short ones. */
static int
month_of(struct span word)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

	for (int i = 0; word.n >= 3 && i < 12; i++)
		if (strncasecmp(word.p, names + 3 * i, 3) == 0)
			return i;
	return -1;
}

/* Two digits are of 1950 to 2049, three count from 1900. */
static bool
take_year(struct span *s, struct tm *tm)
{
	int year;
	size_t n = take_number(s, 4, &year);

	if (n < 2)
		return false;
	if (n == 2)
		year += year < 50 ? 2000 : 1900;
	else if (n == 3)
		year += 1900;
	tm->tm_year = year - 1900;
	return year >= 1900;
}

static bool
take_day(struct span *s, struct tm *tm)
{
	struct span rest = *s;

	if (take_word(&rest).n > 0) {	/* "Fri," */
		(void)take_char(&rest, ',');
		*s = rest;
	}
	if (take_number(s, 2, &tm->tm_mday) == 0)
		return false;
	tm->tm_mon = month_of(take_word(s));
	return tm->tm_mon >= 0 && take_year(s, tm) && tm->tm_mday >= 1 &&
	    tm->tm_mday <= 31;
}

static bool
take_time(struct span *s, struct tm *tm)
{
	if (take_number(s, 2, &tm->tm_hour) == 0 || !take_char(s, ':') ||
	    take_number(s, 2, &tm->tm_min) == 0)
		return false;
	if (take_char(s, ':') && take_number(s, 2, &tm->tm_sec) == 0)
		return false;
	return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

/* Seconds to the east of Greenwich; what is not known counts as that. */
static int
take_zone(struct span *s)
{
	static const struct {
		const char *name;
		int hours;
	} zones[] = {
		{ "EDT", -4 }, { "EST", -5 }, { "CDT", -5 }, { "CST", -6 },
		{ "MDT", -6 }, { "MST", -7 }, { "PDT", -7 }, { "PST", -8 },
	};
	bool west = take_char(s, '-');
	struct span word;
	int n;

	if (west || take_char(s, '+')) {
		if (take_number(s, 4, &n) != 4 || n / 100 > 23 || n % 100 > 59)
			return 0;
		n = n / 100 * HOUR + n % 100 * 60;
		return west ? -n : n;
	}
	word = take_word(s);
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (span_ieq(word, zones[i].name))
			return zones[i].hours * HOUR;
	return 0;
}

bool
mail_date_parse(struct span s, int64_t *seconds_out)
{
	struct tm tm = { 0 };

	if (!take_day(&s, &tm) || !take_time(&s, &tm))
		return false;
	*seconds_out = (int64_t)timegm(&tm) - take_zone(&s);
	return true;
}
