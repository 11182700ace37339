/* The dates of IMAP, to and from seconds. */
#include "imap/text.h"

#include <stdio.h>
#include <string.h>

#define DAY	86400
#define YEAR_MAX	9999

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct date {
	int64_t year, month, day;	/* month and day count from 1 */
};

/* Days since 1970-01-01 in the Gregorian calendar; years begin in March here,
 * so that the leap day is the last one. */
static int64_t
date_days(struct date d)
{
	int64_t y = d.month > 2 ? d.year : d.year - 1;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * ((d.month + 9) % 12) + 2) / 5 + d.day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	    of_year - 719468;
}

static struct date
date_of_days(int64_t days)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 -
	    of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;
	struct date d = {
		.month = month < 10 ? month + 3 : month - 9,
		.day = of_year - (153 * month + 2) / 5 + 1,
	};

	d.year = year + era * 400 + (d.month <= 2);
	return d;
}

/* Exactly n digits, low to high. */
static bool
take_number(struct span *s, size_t n, int64_t low, int64_t high, int64_t *out)
{
	uint64_t value;

	if (s->n < n || !span_number((struct span){ s->p, n }, (uint64_t)high,
	    &value) || (int64_t)value < low)
		return false;
	*out = (int64_t)value;
	s->p += n;
	s->n -= n;
	return true;
}

static bool
take_char(struct span *s, char c)
{
	if (s->n == 0 || *s->p != c)
		return false;
	s->p++;
	s->n--;
	return true;
}

static bool
take_month(struct span *s, int64_t *out)
{
	if (s->n < 3)
		return false;
	for (int64_t i = 0; i < 12; i++) {
		char name[4] = { 0 };

		memcpy(name, month_names + 3 * i, 3);
		if (span_ieq((struct span){ s->p, 3 }, name)) {
			*out = i + 1;
			s->p += 3;
			s->n -= 3;
			return true;
		}
	}
	return false;
}

static bool
take_date(struct span *s, struct date *d)
{
	bool two = s->n > 1 && s->p[1] >= '0' && s->p[1] <= '9';
	struct date back;

	if (take_char(s, ' '))
		two = false;
	if (!take_number(s, two ? 2 : 1, 1, 31, &d->day) ||
	    !take_char(s, '-') || !take_month(s, &d->month) ||
	    !take_char(s, '-') || !take_number(s, 4, 1, YEAR_MAX, &d->year))
		return false;
	back = date_of_days(date_days(*d));
	return back.day == d->day;	/* no 30th of February */
}

bool
imap_date_parse(struct span s, int64_t *seconds_out)
{
	int64_t hour, minute, second, zone_hour, zone_minute, zone;
	struct date d;
	bool west;

	if (!take_date(&s, &d) || !take_char(&s, ' ') ||
	    !take_number(&s, 2, 0, 23, &hour) || !take_char(&s, ':') ||
	    !take_number(&s, 2, 0, 59, &minute) || !take_char(&s, ':') ||
	    !take_number(&s, 2, 0, 60, &second) || !take_char(&s, ' '))
		return false;
	west = take_char(&s, '-');
	if ((!west && !take_char(&s, '+')) ||
	    !take_number(&s, 2, 0, 23, &zone_hour) ||
	    !take_number(&s, 2, 0, 59, &zone_minute) || s.n != 0)
		return false;
	zone = zone_hour * 3600 + zone_minute * 60;
	*seconds_out = date_days(d) * DAY + hour * 3600 + minute * 60 +
	    second - (west ? -zone : zone);
	return true;
}

/* Years are written with four digits: what is outside goes to the edge. */
void
imap_date_format(int64_t seconds, char out[30])
{
	int64_t low = date_days((struct date){ 1, 1, 1 }) * DAY;
	int64_t high = date_days((struct date){ YEAR_MAX + 1, 1, 1 }) * DAY - 1;
	int64_t days, rest;
	struct date d;

	if (seconds < low)
		seconds = low;
	if (seconds > high)
		seconds = high;
	rest = (seconds % DAY + DAY) % DAY;
	days = (seconds - rest) / DAY;
	d = date_of_days(days);
	snprintf(out, 30, "\"%02u-%.3s-%04u %02u:%02u:%02u +0000\"",
	    (unsigned)d.day % 100, month_names + 3 * (d.month - 1),
	    (unsigned)d.year % 10000, (unsigned)(rest / 3600) % 24,
	    (unsigned)(rest / 60) % 60, (unsigned)rest % 60);
}
