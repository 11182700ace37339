/* Makes of a header field what people read. */
#include "mail/text.h"

#include <ctype.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

#define OCTETS	1000	/* of one field, decoded: more than is shown */

/* Octets that wait for their charset to end: a character may lie across two
 * words. */
struct decoder {
	char out[4 * OCTETS];
	size_t n;
	char charset[32];	/* of what waits */
	char octets[OCTETS];
	size_t waiting;
};

/* --- charsets --- */

/* iconv knows many more; who writes the message must not choose among code that
 * nobody needs. */
static const char *const charsets[] = {
	"iso-8859-1", "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5",
	"iso-8859-6", "iso-8859-7", "iso-8859-8", "iso-8859-9", "iso-8859-10",
	"iso-8859-13", "iso-8859-14", "iso-8859-15", "iso-8859-16",
	"windows-1250", "windows-1251", "windows-1252", "windows-1253",
	"windows-1254", "windows-1255", "windows-1256", "windows-1257",
	"windows-1258", "koi8-r", "koi8-u", "gb2312", "gbk", "gb18030", "big5",
	"euc-jp", "shift_jis", "iso-2022-jp", "euc-kr",
};

static bool
is_known(const char *charset)
{
	size_t i;

	for (i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++)
		if (strcasecmp(charset, charsets[i]) == 0)
			return true;
	return false;
}

static bool
is_utf8(const char *s, size_t n)
{
	uint32_t code;
	size_t i, k;

	for (i = 0; i < n; i += k) {
		k = utf8_decode(s + i, n - i, &code);
		if (k == 0)
			return false;
	}
	return true;
}

static void
add_octet(struct decoder *d, char c)
{
	if (d->n < sizeof(d->out))
		d->out[d->n++] = c;
}

/* As good a guess as any. */
static void
add_latin1(struct decoder *d, const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < 0x80) {
			add_octet(d, (char)c);
			continue;
		}
		add_octet(d, (char)(0xc0 | c >> 6));
		add_octet(d, (char)(0x80 | (c & 0x3f)));
	}
}

static bool
add_converted(struct decoder *d, char *s, size_t n)
{
	char *out = d->out + d->n;
	size_t left = sizeof(d->out) - d->n, r;
	iconv_t cd = iconv_open("UTF-8", d->charset);

	if (cd == (iconv_t)-1)
		return false;
	r = iconv(cd, &s, &n, &out, &left);
	iconv_close(cd);
	if (r == (size_t)-1 && n > 3)	/* more than a character that was cut */
		return false;
	d->n = (size_t)(out - d->out);
	return true;
}

static void
flush_octets(struct decoder *d)
{
	size_t n = d->waiting;

	d->waiting = 0;
	if (n == 0 || (is_known(d->charset) && add_converted(d, d->octets, n)))
		return;
	if (!is_utf8(d->octets, n)) {
		add_latin1(d, d->octets, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		add_octet(d, d->octets[i]);
}

static void
wait_octet(struct decoder *d, unsigned c)
{
	if (d->waiting < sizeof(d->octets))
		d->octets[d->waiting++] = (char)c;
}

/* --- encoded words --- */

static int
hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c == '\0' ? NULL :
	    strchr(digits, tolower((unsigned char)c));

	return p == NULL ? -1 : (int)(p - digits);
}

static void
decode_q(struct decoder *d, struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		int high = i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
		int low = i + 2 < s.n ? hex_digit(s.p[i + 2]) : -1;

		if (s.p[i] == '=' && high >= 0 && low >= 0) {
			wait_octet(d, (unsigned)(high << 4 | low));
			i += 2;
		} else {
			wait_octet(d, s.p[i] == '_' ? ' ' :
			    (unsigned char)s.p[i]);
		}
	}
}

static void
decode_b(struct decoder *d, struct span s)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, have = 0;
	size_t i;

	for (i = 0; i < s.n && s.p[i] != '='; i++) {
		const char *p = s.p[i] == '\0' ? NULL :
		    strchr(letters, s.p[i]);

		if (p == NULL)
			continue;
		bits = (bits << 6 | (unsigned)(p - letters)) & 0xffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			wait_octet(d, bits >> have & 0xff);
		}
	}
}

/* An encoded word, "=?CHARSET*LANGUAGE?Q?TEXT?=". */
struct word {
	struct span charset, text;
	char how;		/* 'q', 'b' */
	size_t n;		/* octets of all of it */
};

static bool
find_until(struct span s, size_t *at, const char *end, struct span *out)
{
	size_t n = strlen(end), i;

	for (i = *at; i + n <= s.n; i++)
		if (memcmp(s.p + i, end, n) == 0) {
			*out = (struct span){ s.p + *at, i - *at };
			*at = i + n;
			return true;
		}
	return false;
}

static bool
parse_word(struct span s, struct word *w)
{
	struct span how;
	const char *star;
	size_t at = 2;

	if (s.n < 8 || memcmp(s.p, "=?", 2) != 0 ||
	    !find_until(s, &at, "?", &w->charset) ||
	    !find_until(s, &at, "?", &how) || how.n != 1 ||
	    !find_until(s, &at, "?=", &w->text))
		return false;
	star = memchr(w->charset.p, '*', w->charset.n);
	if (star != NULL)
		w->charset.n = (size_t)(star - w->charset.p);
	w->how = (char)tolower((unsigned char)*how.p);
	w->n = at;
	return (w->how == 'q' || w->how == 'b') && w->charset.n > 0 &&
	    w->charset.n < 32;
}

static void
add_word(struct decoder *d, const struct word *w)
{
	if (!span_ieq(w->charset, d->charset)) {
		flush_octets(d);
		memcpy(d->charset, w->charset.p, w->charset.n);
		d->charset[w->charset.n] = '\0';
	}
	if (w->how == 'q')
		decode_q(d, w->text);
	else
		decode_b(d, w->text);
}

static size_t
blanks(struct span s)
{
	size_t n = 0;

	while (n < s.n && strchr(" \t\r\n", s.p[n]) != NULL && s.p[n] != '\0')
		n++;
	return n;
}

/* What stands as it is: up to the next word. */
static size_t
plain_text(struct span s)
{
	struct word ignored;
	size_t n = 0;

	while (n < s.n && !parse_word((struct span){ s.p + n, s.n - n },
	    &ignored))
		n++;
	return n;
}

static void
add_plain(struct decoder *d, struct span s)
{
	size_t i;

	flush_octets(d);
	memcpy(d->charset, "utf-8", sizeof("utf-8"));
	for (i = 0; i < s.n; i++)
		wait_octet(d, (unsigned char)s.p[i]);
	flush_octets(d);
}

/* Blanks between two words are none. */
static void
decode(struct decoder *d, struct span s)
{
	bool behind_word = false;
	struct word w;
	size_t n;

	d->n = d->waiting = 0;
	d->charset[0] = '\0';
	while (s.n > 0) {
		n = plain_text(s);
		if (n > 0 && !(behind_word && n < s.n &&
		    blanks(s) == n))
			add_plain(d, (struct span){ s.p, n });
		s = (struct span){ s.p + n, s.n - n };
		behind_word = parse_word(s, &w);
		if (!behind_word)
			break;
		add_word(d, &w);
		s = (struct span){ s.p + w.n, s.n - w.n };
	}
	flush_octets(d);
}

/* --- for people --- */

/* One line, a blank for each run of blanks and controls. */
static void
put_line(char out[MAIL_TEXT_MAX + 1], const struct decoder *d)
{
	bool blank = false;
	uint32_t code;
	size_t i, k, n = 0;

	for (i = 0; i < d->n; i += k) {
		k = utf8_decode(d->out + i, d->n - i, &code);
		if (k == 0 || code <= ' ' || (code >= 0x7f && code <= 0xa0)) {
			k = k == 0 ? 1 : k;
			blank = n > 0;
			continue;
		}
		if (n + blank + k > MAIL_TEXT_MAX)
			break;
		if (blank)
			out[n++] = ' ';
		blank = false;
		memcpy(out + n, d->out + i, k);
		n += k;
	}
	out[n] = '\0';
}

void
mail_text_decode(char out[MAIL_TEXT_MAX + 1], struct span raw)
{
	struct decoder d;

	if (raw.n > OCTETS)
		raw.n = OCTETS;
	decode(&d, raw);
	put_line(out, &d);
}

/* Where one of these stands that is in no quotes; s.n: nowhere. */
static size_t
find_bare(struct span s, const char *any)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && s.p[i] != '\0' &&
		    strchr(any, s.p[i]) != NULL)
			return i;
	}
	return s.n;
}

/* "Jane \"J\" Doe" without its quotes; the length. */
static size_t
unquote(char *out, struct span s)
{
	size_t i, n = 0;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		else if (s.p[i] == '"')
			continue;
		out[n++] = s.p[i];
	}
	return n;
}

void
mail_text_sender(char out[MAIL_TEXT_MAX + 1], struct span raw)
{
	char name[OCTETS];
	size_t at, end;

	if (raw.n > OCTETS)
		raw.n = OCTETS;
	at = find_bare(raw, "<,");
	end = unquote(name, (struct span){ raw.p, at });
	mail_text_decode(out, (struct span){ name, end });
	if (*out != '\0' || at == raw.n)
		return;
	raw = (struct span){ raw.p + at + 1, raw.n - at - 1 };
	mail_text_decode(out, (struct span){ raw.p, find_bare(raw, ">,") });
}
