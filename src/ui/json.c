#include "ui/json.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/fatal.h"
#include "base/mem.h"

struct json_event {
	json_t *root;
	json_t *inner;		/* the object entered, in root; or NULL */
};

static void
add(struct json_event *e, const char *key, json_t *value)
{
	json_t *object = e->inner != NULL ? e->inner : e->root;

	/* Fails only for want of memory, and then as everywhere. */
	if (value == NULL || json_object_set_new(object, key, value) < 0)
		fatal_memory();
}

struct json_event *
json_event_new(const char *event)
{
	struct json_event *e = xcalloc(1, sizeof(*e));

	e->root = json_object();
	if (e->root == NULL)
		fatal_memory();
	json_event_add_text(e, "event", event);
	return e;
}

void
json_event_free(struct json_event *e)
{
	if (e == NULL)
		return;
	json_decref(e->root);
	free(e);
}

/* Bytes of the well-formed UTF-8 sequence at s (RFC 3629); 0 when none is. */
static size_t
utf8_length(const unsigned char *s)
{
	static const struct {
		unsigned char first, last, low, high;
		size_t n;
	} rows[] = {
		{ 0x01, 0x7f, 0x00, 0x00, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	size_t i, k;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (*s < rows[i].first || *s > rows[i].last)
			continue;
		if (rows[i].n > 1 &&
		    (s[1] < rows[i].low || s[1] > rows[i].high))
			return 0;
		for (k = 2; k < rows[i].n; k++) {
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		}
		return rows[i].n;
	}
	return 0;
}

static char *
repaired(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	char *out = xmalloc(3 * strlen(text) + 1), *to = out;
	size_t n;

	for (; *s != '\0'; s += n) {
		n = utf8_length(s);
		if (n > 0) {
			memcpy(to, s, n);
			to += n;
			continue;
		}
		memcpy(to, "\xef\xbf\xbd", 3);
		to += 3;
		n = 1;
	}
	*to = '\0';
	return out;
}

void
json_event_add_text(struct json_event *e, const char *key, const char *text)
{
	char *clean;

	if (text == NULL) {
		add(e, key, json_null());
		return;
	}
	clean = repaired(text);
	add(e, key, json_string(clean));
	free(clean);
}

void
json_event_add_number(struct json_event *e, const char *key, uint64_t n)
{
	add(e, key, json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n));
}

void
json_event_add_real(struct json_event *e, const char *key, double x)
{
	/* JSON has no infinities. */
	add(e, key, json_real(isfinite(x) ? x : 0));
}

void
json_event_add_bool(struct json_event *e, const char *key, bool b)
{
	add(e, key, json_boolean(b));
}

void
json_event_enter(struct json_event *e, const char *key)
{
	json_t *inner = json_object();

	assert(e->inner == NULL);
	add(e, key, inner);
	e->inner = inner;
}

void
json_event_leave(struct json_event *e)
{
	assert(e->inner != NULL);
	e->inner = NULL;
}

char *
json_event_format(const struct json_event *e)
{
	char *line;

	line = json_dumps(e->root, JSON_COMPACT | JSON_REAL_PRECISION(12));
	if (line == NULL)
		fatal_memory();
	return line;
}
