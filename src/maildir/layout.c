/* From the name of a folder to its path, and back. */
#include "maildir/layout.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "mail/fingerprint.h"
#include "internal.h"

#define COMPONENT_MAX	MAILDIR_NAME_MAX
#define CUT_MARK	"%~"
#define CUT_HEX		16
#define CUT_LEN		(2 + CUT_HEX)

/* 0 to 15, or -1. isxdigit would ask the locale. */
static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool
is_escape(const char *p, size_t n)
{
	return n >= 3 && p[0] == '%' && hex_value(p[1]) >= 0 &&
	    hex_value(p[2]) >= 0;
}

/* "%2F" stands for a '/' inside a component on both sides of the mapping. */
static bool
is_slash(const char *p, size_t n)
{
	return n >= 3 && memcmp(p, "%2F", 3) == 0;
}

/* All of p is what a cut component ends in. */
static bool
is_cut_tail(const char *p, size_t n)
{
	if (n != CUT_LEN || memcmp(p, CUT_MARK, 2) != 0)
		return false;
	for (size_t i = 2; i < n; i++)
		if (hex_value(p[i]) < 0 || (p[i] >= 'A' && p[i] <= 'F'))
			return false;
	return true;
}

static bool
is_reserved(struct span c)
{
	return span_ieq(c, "cur") || span_ieq(c, "new") || span_ieq(c, "tmp");
}

/* Whether byte i of component c has to be written as %XX. */
static bool
needs_escape(struct span c, size_t i)
{
	unsigned char b = (unsigned char)c.p[i];
	const char *rest = c.p + i;
	size_t n = c.n - i;

	if (b < 0x20 || b == 0x7f)
		return true;
	if (i == 0 && (b == '.' || is_reserved(c)))
		return true;
	return (is_escape(rest, n) && !is_slash(rest, n)) ||
	    is_cut_tail(rest, n);
}

/* At most max, and inside neither a character nor an escape. */
static size_t
cut_at(const char *s, size_t max)
{
	size_t k = max;

	for (int i = 0; i < 3 && ((unsigned char)s[k] & 0xc0) == 0x80; i++)
		k--;
	if (is_escape(s + k - 1, 3))
		return k - 1;
	return is_escape(s + k - 2, 3) ? k - 2 : k;
}

/*
 * The digest is that of a message with an empty header and s as its body: s
 * has no control characters, so no two of them have the same canonical form.
 */
static void
cut_hash(const char *s, size_t n, char hex[CUT_HEX + 1])
{
	struct fingerprinter *f = fingerprint_new();
	struct fingerprint print;

	fingerprint_add(f, "\n", 1);
	fingerprint_add(f, s, n);
	fingerprint_end(f, &print);
	hex_format(hex, print.content, CUT_HEX / 2);
}

/* Cuts the encoded component s to COMPONENT_MAX; returns its new length. */
static size_t
component_cut(char *s, size_t n)
{
	size_t k = cut_at(s, COMPONENT_MAX - CUT_LEN);
	char hex[CUT_HEX + 1];

	cut_hash(s, n, hex);
	memcpy(s + k, CUT_MARK, 2);
	memcpy(s + k + 2, hex, CUT_HEX);
	return k + CUT_LEN;
}

/* out has room for 3 * c.n bytes; returns how many were used. */
static size_t
component_encode(struct span c, char *out)
{
	static const char digit[] = "0123456789ABCDEF";
	size_t n = 0;

	for (size_t i = 0; i < c.n; i++) {
		unsigned char b = (unsigned char)c.p[i];

		if (needs_escape(c, i)) {
			out[n++] = '%';
			out[n++] = digit[b >> 4];
			out[n++] = digit[b & 15];
		} else {
			out[n++] = (char)b;
		}
	}
	return n <= COMPONENT_MAX ? n : component_cut(out, n);
}

static char *
components_encode(const char *folder)
{
	size_t len = strlen(folder), n = 0;
	char *out = xmalloc(3 * len + 1);

	for (const char *p = folder;; p++) {
		size_t part = strcspn(p, "/");

		if (part == 0) {
			free(out);
			return NULL;
		}
		n += component_encode((struct span){ p, part }, out + n);
		p += part;
		if (*p == '\0')
			break;
		out[n++] = '/';
	}
	out[n] = '\0';
	return out;
}

/* Octets of the character or escape that begins there. */
static size_t
unit_at(const char *p, size_t n)
{
	size_t k = 1;

	if (is_escape(p, n))
		return 3;
	while (k < n && k < 4 && ((unsigned char)p[k] & 0xc0) == 0x80)
		k++;
	return k;
}

/* So much of path that its directory has room for a hash behind it. */
static size_t
prefix_with_room(const struct layout *l, const char *path)
{
	const char *last = l->separator == '\0' ? strrchr(path, '/') : NULL;
	size_t at = last != NULL ? (size_t)(last - path) + 1 : 0;
	size_t len = strlen(path), used = l->dotted, k;

	for (; at < len; at += k) {
		k = unit_at(path + at, len - at);
		used += path[at] == l->separator ? 3 : k;
		if (used > COMPONENT_MAX - CUT_LEN)
			break;
	}
	return at;
}

static char *
path_with_hash(const struct layout *l, const char *path,
    const char hex[CUT_HEX + 1])
{
	return xasprintf("%.*s%s%s", (int)prefix_with_room(l, path), path,
	    CUT_MARK, hex);
}

char *
maildir_path_encode(const struct layout *l, const char *folder)
{
	char *path = components_encode(folder), *dir, *cut;
	char hex[CUT_HEX + 1];

	if (path == NULL)
		return NULL;
	dir = layout_dir(l, path);
	if (dir == NULL) {
		cut_hash(path, strlen(path), hex);
		cut = path_with_hash(l, path, hex);
		free(path);
		path = cut;
	}
	free(dir);
	return path;
}

char *
maildir_path_apart(const struct layout *l, const char *folder)
{
	char *path = maildir_path_encode(l, folder), *apart = NULL;
	char hex[CUT_HEX + 1];

	snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)fnv1a(
	    FNV1A_START, folder, strlen(folder)));
	if (path != NULL)
		apart = path_with_hash(l, path, hex);
	free(path);
	return apart;
}

/* Undoes every escape there is; NULL for one that can't be. */
static char *
path_unescape(const char *path)
{
	size_t len = strlen(path), n = 0;
	char *out = xmalloc(len + 1);

	for (size_t i = 0; i < len; i++) {
		const char *p = path + i;

		if (!is_escape(p, len - i) || is_slash(p, len - i)) {
			out[n++] = *p;
			continue;
		}
		out[n] = (char)(hex_value(p[1]) << 4 | hex_value(p[2]));
		if (out[n] == '\0' || out[n] == '/') {
			free(out);
			return NULL;
		}
		n++;
		i += 2;
	}
	out[n] = '\0';
	return out;
}

/* A cut component would encode to something else, so it is refused as well. */
char *
maildir_path_decode(const struct layout *l, const char *path)
{
	char *folder = path_unescape(path);
	char *again = folder != NULL ? maildir_path_encode(l, folder) : NULL;

	if (again == NULL || strcmp(again, path) != 0) {
		free(folder);
		folder = NULL;
	}
	free(again);
	return folder;
}
