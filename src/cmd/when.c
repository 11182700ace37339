/* Times as people write them on a command line. */
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "internal.h"

#define DAY	86400

/* "3d": so long ago. */
static bool
parse_age(struct span s, int64_t now, int64_t *out)
{
	static const char letters[] = "mhdw";
	static const int64_t units[] = { 60, 3600, DAY, 7 * DAY };
	const char *unit = s.n < 2 ? NULL : strchr(letters, s.p[s.n - 1]);
	uint64_t n;

	if (unit == NULL || *unit == '\0' ||
	    !span_number((struct span){ s.p, s.n - 1 }, 100000, &n))
		return false;
	*out = now - (int64_t)n * units[unit - letters];
	return true;
}

/* So many digits, and what stands behind them. */
static bool
take_digits(const char **p, unsigned digits, const char *behind, int *out)
{
	*out = 0;
	while (digits-- > 0) {
		if (!isdigit((unsigned char)**p))
			return false;
		*out = 10 * *out + (*(*p)++ - '0');
	}
	if (**p == '\0' || strchr(behind, **p) == NULL)
		return **p == '\0';
	(*p)++;
	return true;
}

/* False where there is no such day or time. */
static bool
to_seconds(struct tm *tm, int64_t *out)
{
	const struct tm same = *tm;

	const time_t t = mktime(tm);

	if (t < 0 || tm->tm_mday != same.tm_mday ||
	    tm->tm_mon != same.tm_mon || same.tm_hour > 23 ||
	    same.tm_min > 59 || same.tm_sec > 59)
		return false;
	*out = (int64_t)t;
	return true;
}

/* "2026-11-23", "2026-11-23 04:46", "2026-11-23T04:46:59": local time. */
static bool
parse_date(const char *p, int64_t *out)
{
	struct tm tm = { .tm_isdst = -1 };

	if (!take_digits(&p, 4, "-", &tm.tm_year) ||
	    !take_digits(&p, 2, "-", &tm.tm_mon) ||
	    !take_digits(&p, 2, " T", &tm.tm_mday))
		return false;
	if (*p != '\0' && (!take_digits(&p, 2, ":", &tm.tm_hour) ||
	    !take_digits(&p, 2, ":", &tm.tm_min)))
		return false;
	if (*p != '\0' && !take_digits(&p, 2, "", &tm.tm_sec))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return *p == '\0' && to_seconds(&tm, out);
}

bool
when_parse(const char *text, int64_t now, int64_t *out)
{
	struct span s = span_of(text);
	uint64_t seconds;

	if (*text != '@')
		return parse_age(s, now, out) || parse_date(text, out);
	if (!span_number((struct span){ s.p + 1, s.n - 1 }, INT64_MAX,
	    &seconds) || seconds == 0)
		return false;
	*out = (int64_t)seconds;
	return true;
}

bool
duration_parse(const char *text, int64_t *out)
{
	static const char letters[] = "smh";
	static const int64_t units[] = { 1, 60, 3600 };
	struct span s = span_of(text);
	const char *unit = s.n == 0 ? NULL : strchr(letters, s.p[s.n - 1]);
	uint64_t n;

	if (unit != NULL)
		s.n--;
	if (!span_number(s, 1000000, &n) || n == 0)
		return false;
	*out = (int64_t)n * units[unit != NULL ? unit - letters : 0];
	return true;
}
