/*
 * Folder names: what the wire calls them and what we call them. Ours are
 * UTF-8 with '/' between the levels and without the personal namespace's
 * prefix; "INBOX" in any case is "INBOX". Two folders never share a name:
 *
 *  - where the server's delimiter is not '/', a '/' inside a level is written
 *    %2F, and a '%' before two hex digits %25;
 *  - a folder that would be called INBOX only because the prefix is taken off
 *    ("INBOX.INBOX") has its first letter written %49 or %69;
 *  - a name that is not modified UTF-7 keeps its octets, those that are not
 *    UTF-8 written %XX.
 */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/mem.h"
#include "imap/text.h"

#define SHOWN_MAX	200	/* octets of a name that is of no use */

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
is_escape(const char *p)
{
	return p[0] == '%' && hex_value(p[1]) >= 0 && hex_value(p[2]) >= 0;
}

/* INBOX at the front of the prefix is as caseless as INBOX itself. */
static bool
has_prefix(const char *raw, const char *prefix)
{
	size_t n = strlen(prefix);
	size_t any = n >= 5 && strncasecmp(prefix, "INBOX", 5) == 0 ? 5 : 0;

	return strncasecmp(raw, prefix, any) == 0 &&
	    strncmp(raw + any, prefix + any, n - any) == 0;
}

static const char *
prefix_of(const struct imap_session *s)
{
	return s->ns_prefix != NULL ? s->ns_prefix : "";
}

void
imap_session_expect_namespace(struct imap_session *s, const char *known)
{
	free(s->ns_prefix);
	s->ns_prefix = xstrdup(*known != '\0' ? known + 1 : "");
	s->delimiter = *known == ' ' ? '\0' : *known;
}

char *
imap_list_namespace(const struct imap_session *s)
{
	return !s->has_namespace ? NULL : xasprintf("%c%s", s->delimiter ==
	    '\0' ? ' ' : s->delimiter, prefix_of(s));
}

static void
add_escape(struct buf *out, char c)
{
	buf_addf(out, "%%%02X", (unsigned char)c);
}

/* One server name, decoded, in our notation. */
static void
add_name(struct buf *out, const char *p, char delimiter, bool escapes)
{
	while (*p != '\0') {
		uint32_t code;
		size_t n = utf8_decode(p, strnlen(p, 4), &code);

		if (delimiter != '\0' && *p == delimiter) {
			buf_add(out, "/", 1);
			n = 1;
		} else if (n == 0 || (escapes && (*p == '/' ||
		    is_escape(p)))) {
			add_escape(out, *p);
			n = 1;
		} else {
			buf_add(out, p, n);
		}
		p += n;
	}
}

static bool
well_formed(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= LIMIT_FOLDER_NAME && name[0] != '/' &&
	    name[n - 1] != '/' && strstr(name, "//") == NULL;
}

char *
imap_name_from_raw(const struct imap_session *s, const char *raw,
    char delimiter)
{
	const char *prefix = prefix_of(s), *rest = raw;
	bool escapes = delimiter != '/' || prefix[0] != '\0';
	struct buf out;
	char *text, *name;

	if (strcasecmp(raw, "INBOX") == 0)
		return xstrdup("INBOX");
	if (!has_prefix(raw, prefix))
		return NULL;
	rest += strlen(prefix);
	text = imap_utf7_decode(span_of(rest));
	if (text == NULL)
		text = xstrdup(rest);
	buf_init(&out, 4 * LIMIT_FOLDER_NAME);
	if (strcasecmp(text, "INBOX") == 0) {
		add_escape(&out, text[0]);
		add_name(&out, text + 1, delimiter, escapes);
	} else {
		add_name(&out, text, delimiter, escapes);
	}
	name = xstrdup(buf_str(&out));
	buf_release(&out);
	free(text);
	if (well_formed(name))
		return name;
	free(name);
	return NULL;
}

enum imap_unnamed_why
imap_name_why(const struct imap_session *s, const char *raw)
{
	if (!has_prefix(raw, prefix_of(s)))
		return UNNAMED_OUTSIDE;
	return strlen(raw) > LIMIT_FOLDER_NAME ? UNNAMED_LONG : UNNAMED_LEVEL;
}

char *
imap_name_shown(const char *raw)
{
	char *some = xstrndup(raw, strnlen(raw, SHOWN_MAX));
	char *text = imap_utf7_decode(span_of(some)), *shown;
	struct buf out;

	buf_init(&out, 4 * LIMIT_FOLDER_NAME);
	add_name(&out, text != NULL ? text : some, '\0', false);
	if (strlen(raw) > SHOWN_MAX)
		buf_add_str(&out, "...");
	shown = xstrdup(buf_str(&out));
	buf_release(&out);
	free(text);
	free(some);
	return shown;
}

/* The reverse of add_name, as far as it has one. */
static char *
server_text(const char *name, char delimiter, bool escapes)
{
	char *text = xmalloc(strlen(name) + 1), *q = text;

	while (*name != '\0') {
		if (escapes && is_escape(name)) {
			*q++ = (char)(hex_value(name[1]) * 16 +
			    hex_value(name[2]));
			name += 3;
		} else if (*name == '/' && delimiter != '\0') {
			*q++ = delimiter;
			name++;
		} else {
			*q++ = *name++;
		}
	}
	*q = '\0';
	return text;
}

char *
imap_list_raw_name(struct imap_session *s, const char *name)
{
	const char *prefix = prefix_of(s);
	bool escapes = s->delimiter != '/' || prefix[0] != '\0';
	char *text, *utf7, *raw = NULL, *back;

	if (strcmp(name, "INBOX") == 0)
		return xstrdup("INBOX");
	if (!well_formed(name))
		return NULL;
	text = server_text(name, s->delimiter, escapes);
	utf7 = imap_utf7_encode(text);
	free(text);
	if (utf7 == NULL)
		return NULL;
	raw = xasprintf("%s%s", prefix, utf7);
	free(utf7);
	/* Proof: the server's LIST will show it to us under this very name. */
	back = imap_name_from_raw(s, raw, s->delimiter);
	if (back == NULL || strcmp(back, name) != 0) {
		free(raw);
		raw = NULL;
	}
	free(back);
	return raw;
}
