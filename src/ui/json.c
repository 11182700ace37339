/* One event of --json, its text made valid where it is no UTF-8. */
#include "ui/json.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/fatal.h"
#include "base/mem.h"
#include "base/str.h"

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

static char *
repaired(const char *text)
{
	char *out = xmalloc(3 * strlen(text) + 1), *to = out;
	uint32_t code;
	size_t n;

	for (; *text != '\0'; text += n) {
		n = utf8_decode(text, strnlen(text, 4), &code);
		if (n > 0) {
			memcpy(to, text, n);
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
