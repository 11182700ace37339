/* Text in slices: compared, read as a number, decoded, made printable. */
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/mem.h"
#include "base/os.h"

#define DISTANCE_MAX	64

struct span
span_of(const char *s)
{
	return (struct span){ s, s != NULL ? strlen(s) : 0 };
}

bool
span_eq(struct span a, const char *s)
{
	size_t n = strlen(s);

	return a.n == n && (n == 0 || memcmp(a.p, s, n) == 0);
}

/* tolower() would ask the locale. */
static unsigned char
ascii_lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool
span_ieq(struct span a, const char *s)
{
	if (a.n != strlen(s))
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(s[i]))
			return false;
	return true;
}

char *
span_dup(struct span a)
{
	char *s = xmalloc(a.n + 1);

	if (a.n > 0)
		memcpy(s, a.p, a.n);
	s[a.n] = '\0';
	return s;
}

bool
span_number(struct span s, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint64_t digit;

		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		digit = (uint64_t)(s.p[i] - '0');
		if (value > max / 10 || digit > max - value * 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

void
hex_format(char *out, const void *bytes, size_t n)
{
	static const char digit[] = "0123456789abcdef";
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digit[p[i] >> 4];
		out[2 * i + 1] = digit[p[i] & 15];
	}
	out[2 * n] = '\0';
}

size_t
utf8_decode(const char *s, size_t n, uint32_t *code_out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s;
	uint32_t code = p[0];
	size_t len = code < 0x80 ? 1 : code >= 0xf0 ? 4 : code >= 0xe0 ? 3 : 2;

	if ((code >= 0x80 && code < 0xc2) || code > 0xf4 || n < len)
		return 0;
	if (len > 1)
		code &= 0x7fu >> len;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < least[len] || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*code_out = code;
	return len;
}

/* What moves the cursor, starts a sequence or reorders what stands around. */
static bool
code_is_unsafe(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c ||
	    c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069);
}

void
str_printable(char *out, size_t max, const char *s, size_t n)
{
	size_t used = 0;

	while (n > 0) {
		uint32_t code = 0;
		size_t len = utf8_decode(s, n, &code);
		bool bad = len == 0 || code_is_unsafe(code);
		size_t width = bad ? 1 : len;

		if (width > max - used) {
			memcpy(out + used, "...", 3);
			used += 3;
			break;
		}
		if (bad)
			out[used] = '?';
		else
			memcpy(out + used, s, len);
		used += width;
		s += len != 0 ? len : 1;
		n -= len != 0 ? len : 1;
	}
	out[used] = '\0';
}

void
random_hex(char out[33])
{
	unsigned char bytes[16];

	if (os_random(bytes, sizeof(bytes)) < 0)
		fatal("the kernel gives no random bytes");
	hex_format(out, bytes, sizeof(bytes));
}

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

size_t
str_distance(const char *a, const char *b)
{
	size_t an = strnlen(a, DISTANCE_MAX + 1);
	size_t bn = strnlen(b, DISTANCE_MAX + 1);
	size_t row[DISTANCE_MAX + 1];

	if (an > DISTANCE_MAX || bn > DISTANCE_MAX)
		return strcmp(a, b) == 0 ? 0 : DISTANCE_MAX;
	for (size_t j = 0; j <= bn; j++)
		row[j] = j;
	for (size_t i = 1; i <= an; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= bn; j++) {
			size_t above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1,
			    diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[bn];
}
