/* Reads sections, keys and values (import/ini.h). */
#include "import/ini.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct ini_reading {
	const char *path;
	unsigned number;
	char *section;		/* in turn; NULL: none yet */
	struct ini *out;
	bool goes_on;		/* a value stands above */
};

static struct span
trim(struct span s)
{
	while (s.n > 0 && strchr(" \t\r\f\v", s.p[0]) != NULL)
		s.p++, s.n--;
	while (s.n > 0 && strchr(" \t\r\f\v", s.p[s.n - 1]) != NULL)
		s.n--;
	return s;
}

static int
ini_bad(const struct ini_reading *r, const char *what, struct err *err)
{
	return err_set(err, ERR_CONFIG, "%s:%u: %s", r->path, r->number, what);
}

/* "%%" is one; alone it would refer to another value. */
static int
take_value(struct ini_reading *r, struct span s, char **out, struct err *err)
{
	char *text = span_dup(s), *to = text;
	const char *p;

	for (p = text; *p != '\0'; p++) {
		if (*p == '%' && *++p != '%') {
			free(text);
			return ini_bad(r, "a value with a single % refers to "
			    "another one; write that out", err);
		}
		*to++ = *p;
	}
	*to = '\0';
	*out = text;
	return 0;
}

static int
go_on(struct ini_reading *r, struct span s, struct err *err)
{
	struct ini_line *l = &r->out->line[r->out->n - 1];
	char *more, *both;

	if (take_value(r, s, &more, err) == -1)
		return -1;
	both = xasprintf("%s%s%s", l->value, *l->value == '\0' ? "" : "\n",
	    more);
	str_wipe_free(l->value);
	str_wipe_free(more);
	l->value = both;
	return 0;
}

static int
begin_section(struct ini_reading *r, struct span s, struct err *err)
{
	if (s.n < 2 || s.p[s.n - 1] != ']')
		return ini_bad(r, "a section's name wants a ] behind it", err);
	free(r->section);
	r->section = span_dup(trim((struct span){ s.p + 1, s.n - 2 }));
	r->goes_on = false;
	return 0;
}

static int
add_key(struct ini_reading *r, struct span s, struct err *err)
{
	struct span key, value;
	struct ini_line *l;
	char *text, *p;
	size_t n = 0;

	while (n < s.n && s.p[n] != '=' && s.p[n] != ':')
		n++;
	key = trim((struct span){ s.p, n });
	if (n == s.n || key.n == 0)
		return ini_bad(r, "this is no section, key or comment", err);
	if (r->section == NULL)
		return ini_bad(r, "a key stands before the first section",
		    err);
	value = trim((struct span){ s.p + n + 1, s.n - n - 1 });
	if (take_value(r, value, &text, err) == -1)
		return -1;
	l = VEC_ADD(r->out->line, r->out->n, r->out->cap);
	l->number = r->number;
	l->section = xstrdup(r->section);
	l->key = span_dup(key);
	l->value = text;
	for (p = l->key; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	r->goes_on = true;
	return 0;
}

static int
ini_line(struct ini_reading *r, struct span whole, struct err *err)
{
	const bool indented = whole.n > 0 && strchr(" \t", whole.p[0]) != NULL;
	struct span s = trim(whole);

	if (s.n == 0 || s.p[0] == '#' || s.p[0] == ';')
		return 0;
	if (indented && r->goes_on)
		return go_on(r, s, err);
	return s.p[0] == '[' ? begin_section(r, s, err) : add_key(r, s, err);
}

int
ini_parse(struct span text, const char *path, struct ini *out,
    struct err *err)
{
	struct ini_reading r = { .path = path, .out = out };
	const char *p = text.p, *end = text.p + text.n;
	int rc = 0;

	*out = (struct ini){ .n = 0 };
	if (text.n > 0 && memchr(text.p, '\0', text.n) != NULL)
		return err_set(err, ERR_CONFIG, "%s is no text file", path);
	while (p < end && rc == 0) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));

		if (stop == NULL)
			stop = end;
		r.number++;
		rc = ini_line(&r, (struct span){ p, (size_t)(stop - p) }, err);
		p = stop < end ? stop + 1 : end;
	}
	free(r.section);
	if (rc == -1)
		ini_release(out);
	return rc;
}

void
ini_release(struct ini *ini)
{
	while (ini->n > 0) {
		struct ini_line *l = &ini->line[--ini->n];

		free(l->section);
		free(l->key);
		str_wipe_free(l->value);
	}
	free(ini->line);
	*ini = (struct ini){ .n = 0 };
}

const struct ini_line *
ini_find(const struct ini *ini, const char *section, const char *key)
{
	const struct ini_line *found = NULL;
	size_t i;

	for (i = 0; i < ini->n; i++) {
		const struct ini_line *l = &ini->line[i];

		if (strcmp(l->key, key) == 0 && (strcmp(l->section, section)
		    == 0 || (strcmp(l->section, "DEFAULT") == 0 &&
		    found == NULL)))
			found = l;
	}
	return found;
}
