/* From the path of a folder to its directory, and back, in each layout. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "internal.h"
#include "maildir/layout.h"

#define ESCAPE_LEN	3

bool
layout_may_separate(char c)
{
	return c > ' ' && c < 0x7f && strchr("/%:~", c) == NULL &&
	    !(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') &&
	    !(c >= 'a' && c <= 'z');
}

bool
layout_equal(const struct layout *a, const struct layout *b)
{
	return a->dotted == b->dotted && a->separator == b->separator;
}

static void
separator_escape(const struct layout *l, char out[ESCAPE_LEN + 1])
{
	snprintf(out, ESCAPE_LEN + 1, "%%%02X", (unsigned char)l->separator);
}

/* However long. */
static char *
join_levels(const struct layout *l, const char *path)
{
	char *out = xmalloc(ESCAPE_LEN * strlen(path) + 2);
	char escape[ESCAPE_LEN + 1];
	size_t n = 0;

	separator_escape(l, escape);
	if (l->dotted)
		out[n++] = '.';
	for (const char *p = path; *p != '\0'; p++) {
		if (*p != l->separator) {
			out[n++] = *p == '/' ? l->separator : *p;
			continue;
		}
		memcpy(out + n, escape, ESCAPE_LEN);
		n += ESCAPE_LEN;
	}
	out[n] = '\0';
	return out;
}

/* A dot at the beginning of a component is written like that in any layout. */
static bool
is_separator_escape(const struct layout *l, const char *p, bool first)
{
	char escape[ESCAPE_LEN + 1];

	separator_escape(l, escape);
	return strncmp(p, escape, ESCAPE_LEN) == 0 &&
	    !(first && l->separator == '.');
}

static char *
split_levels(const struct layout *l, const char *name)
{
	char *out = xmalloc(strlen(name) + 1);
	size_t n = 0;

	for (const char *p = name; *p != '\0'; p++) {
		bool first = n == 0 || out[n - 1] == '/';

		if (is_separator_escape(l, p, first)) {
			out[n++] = l->separator;
			p += ESCAPE_LEN - 1;
		} else {
			out[n++] = *p == l->separator ? '/' : *p;
		}
	}
	out[n] = '\0';
	return out;
}

/* .mailtern is ours: a folder of that name gets another one. */
static char *
make_way(char *dir)
{
	char *other;

	if (strcasecmp(dir, MARK_DIR) != 0)
		return dir;
	other = xasprintf(".%%%02X%s", (unsigned)(unsigned char)dir[1],
	    dir + 2);
	free(dir);
	return other;
}

/* The same undone, without its dot. */
static char *
make_way_back(const char *dir)
{
	if (strncmp(dir, ".%6D", 4) == 0 &&
	    strcasecmp(dir + 4, &MARK_DIR[2]) == 0)
		return xasprintf("m%s", dir + 4);
	if (strncmp(dir, ".%4D", 4) == 0 &&
	    strcasecmp(dir + 4, &MARK_DIR[2]) == 0)
		return xasprintf("M%s", dir + 4);
	return xstrdup(dir + 1);
}

static char *
flat_dir(const struct layout *l, const char *path)
{
	char *dir = join_levels(l, path);

	return l->dotted ? make_way(dir) : dir;
}

/* NULL where it can't be one, by its beginning. */
static char *
flat_path(const struct layout *l, const char *dir)
{
	char *name, *path;

	if (!l->dotted)
		return split_levels(l, dir);
	if (dir[0] != '.')
		return NULL;
	name = make_way_back(dir);
	path = split_levels(l, name);
	free(name);
	return path;
}

static bool
is_inbox(const char *path)
{
	return strcasecmp(path, "INBOX") == 0;
}

/* Each must undo the other, or two folders would meet in one directory. */
static bool
is_same(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

char *
layout_dir(const struct layout *l, const char *path)
{
	char *dir, *back;

	if (layout_nests(l))
		return xstrdup(path);
	if (l->dotted && is_inbox(path))
		return xstrdup(".");
	dir = flat_dir(l, path);
	back = flat_path(l, dir);
	if (strlen(dir) > MAILDIR_NAME_MAX || !is_same(back, path)) {
		free(dir);
		dir = NULL;
	}
	free(back);
	return dir;
}

char *
layout_path(const struct layout *l, const char *dir)
{
	char *path, *back;

	if (layout_nests(l))
		return xstrdup(dir);
	if (l->dotted && strcmp(dir, ".") == 0)
		return xstrdup("INBOX");
	path = flat_path(l, dir);
	back = path != NULL ? layout_dir(l, path) : NULL;
	if (path == NULL || !maildir_path_is_safe(path) ||
	    !is_same(back, dir)) {
		free(path);
		path = NULL;
	}
	free(back);
	return path;
}

bool
layout_nests(const struct layout *l)
{
	return l->separator == '\0';
}

const char *
layout_below(const struct layout *l, const char *inner, const char *outer)
{
	size_t n = strlen(outer);

	return layout_nests(l) && strncmp(inner, outer, n) == 0 &&
	    inner[n] == '/' ? inner + n : NULL;
}

enum layout_entry
layout_entry(const struct layout *l, const char *above, const char *name)
{
	if (strcmp(name, MARK_DIR) == 0 ||
	    (!layout_nests(l) && *above != '\0'))
		return ENTRY_PASSED;
	return l->dotted == (name[0] == '.') ? ENTRY_ENTERED : ENTRY_STRAY;
}
