/*
 * Modified UTF-7, in which servers write the names of folders. Many spellings
 * decode to the same name, one of them is right. Decoding accepts only that
 * one, by encoding its result again: else two folders of the server could
 * become one directory.
 */
#include "imap/text.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static char *
utf8_put(char *to, uint32_t c)
{
	if (c < 0x80) {
		*to++ = (char)c;
		return to;
	}
	if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*to++ = (char)(0xe0 | c >> 12);
		} else {
			*to++ = (char)(0xf0 | c >> 18);
			*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (c & 0x3f));
	return to;
}

/* Bits on their way into or out of groups of six. */
struct bits {
	uint32_t held;
	unsigned n;
};

static char *
base64_put(struct bits *b, char *to, uint32_t unit)
{
	b->held = b->held << 16 | unit;
	b->n += 16;
	while (b->n >= 6) {
		b->n -= 6;
		*to++ = digits[b->held >> b->n & 0x3f];
	}
	return to;
}

static bool
is_direct(uint32_t c)
{
	return c >= 0x20 && c <= 0x7e;
}

/* All characters at *p up to the next one that stands for itself. */
static char *
encode_run(const char **p, const char *end, char *to)
{
	struct bits b = { 0 };
	uint32_t c;
	size_t n;

	*to++ = '&';
	while (*p < end && (n = utf8_decode(*p, (size_t)(end - *p), &c)) > 0 &&
	    !is_direct(c)) {
		if (c >= 0x10000) {
			c -= 0x10000;
			to = base64_put(&b, to, 0xd800 | c >> 10);
			c = 0xdc00 | (c & 0x3ff);
		}
		to = base64_put(&b, to, c);
		*p += n;
	}
	if (b.n > 0)
		*to++ = digits[b.held << (6 - b.n) & 0x3f];
	*to++ = '-';
	return to;
}

char *
imap_utf7_encode(const char *utf8)
{
	const char *p = utf8, *end = utf8 + strlen(utf8);
	/* The worst is a control character between others: "&AAE-". */
	char *out = xmalloc(strlen(utf8) * 5 + 1), *to = out;
	uint32_t c;

	while (p < end) {
		if (utf8_decode(p, (size_t)(end - p), &c) == 0) {
			free(out);
			return NULL;
		}
		if (!is_direct(c)) {
			to = encode_run(&p, end, to);
			continue;
		}
		*to++ = (char)c;
		if (c == '&')
			*to++ = '-';
		p++;
	}
	*to = '\0';
	return out;
}

/* Collects UTF-16 units into characters; false on a lone surrogate or NUL. */
static bool
utf16_put(uint32_t *high, uint32_t unit, char **to)
{
	if (*high != 0) {
		if (unit < 0xdc00 || unit > 0xdfff)
			return false;
		*to = utf8_put(*to, 0x10000 + ((*high & 0x3ff) << 10 |
		    (unit & 0x3ff)));
		*high = 0;
		return true;
	}
	if (unit >= 0xd800 && unit <= 0xdbff) {
		*high = unit;
		return true;
	}
	if (unit == 0 || (unit >= 0xdc00 && unit <= 0xdfff))
		return false;
	*to = utf8_put(*to, unit);
	return true;
}

/* Base64 at *p up to and with its "-". */
static bool
decode_run(const char **p, const char *end, char **to)
{
	struct bits b = { 0 };
	uint32_t high = 0;

	for (; *p < end && **p != '-'; ++*p) {
		const char *digit = memchr(digits, **p, sizeof(digits) - 1);

		if (digit == NULL)
			return false;
		b.held = (b.held << 6 | (uint32_t)(digit - digits)) &
		    0x3fffffu;
		b.n += 6;
		if (b.n < 16)
			continue;
		b.n -= 16;
		if (!utf16_put(&high, b.held >> b.n & 0xffff, to))
			return false;
	}
	if (*p == end || high != 0)
		return false;
	++*p;
	return true;
}

static bool
decode(const char *p, const char *end, char *to)
{
	while (p < end) {
		char c = *p++;

		if (c == '&' && p < end && *p == '-') {
			p++;
		} else if (c == '&') {
			if (!decode_run(&p, end, &to))
				return false;
			continue;
		} else if (!is_direct((unsigned char)c)) {
			return false;
		}
		*to++ = c;
	}
	*to = '\0';
	return true;
}

char *
imap_utf7_decode(struct span raw)
{
	/* A unit takes two and a half digits or more, and gives 3 octets. */
	char *out = xmalloc(raw.n * 2 + 1), *again = NULL;
	bool same = false;

	if (decode(raw.p, raw.p + raw.n, out)) {
		again = imap_utf7_encode(out);
		same = again != NULL && span_eq(raw, again);
	}
	free(again);
	if (!same) {
		free(out);
		return NULL;
	}
	return out;
}
