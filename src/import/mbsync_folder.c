/* Which folder a directory of mbsync is, and where what it knows of it lies. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "imap/text.h"
#include "internal.h"
#include "maildir/layout.h"

char *
import_plain_name(const char *name)
{
	char *plain = imap_utf7_decode(span_of(name));

	return plain != NULL ? plain : xstrdup(name);
}

char *
import_replaced(const char *text, const char *from, const char *to)
{
	const size_t n = strlen(from);
	char *out = xcalloc(strlen(text) * (strlen(to) + 1) + 1, 1), *o = out;

	while (*text != '\0')
		if (n > 0 && strncmp(text, from, n) == 0) {
			o = stpcpy(o, to);
			text += n;
		} else {
			*o++ = *text++;
		}
	*o = '\0';
	return out;
}

/* As observe/folders.c takes a directory for a folder in a first run. */
bool
import_names_folder(const char *path, const char *folder)
{
	const struct layout fs = { .dotted = false };
	char *ours = maildir_path_encode(&fs, folder);
	char *plain = import_plain_name(path);
	char *levels = import_replaced(plain, ".", "/");
	bool is = (ours != NULL && strcmp(ours, path) == 0) ||
	    strcmp(plain, folder) == 0 || strcmp(levels, folder) == 0 ||
	    (strcasecmp(path, "INBOX") == 0 && strcmp(folder, "INBOX") == 0);

	free(ours);
	free(plain);
	free(levels);
	return is;
}

/* --- boxes --- */

/* The box of a directory, with '/' between its levels. */
static char *
box_of(const struct mbsync_account *a, const char *path)
{
	if (a->inbox != NULL && strcmp(a->inbox, path) == 0)
		return xstrdup("INBOX");
	return a->flatten == NULL ? xstrdup(path) :
	    import_replaced(path, a->flatten, "/");
}

/* The box of the server; NULL: the channel has none in that directory. */
static char *
far_box(const struct mbsync_channel *c, const char *box)
{
	const size_t n = strlen(c->near);

	if (!c->patterns)
		return strcmp(c->near, box) == 0 ? xstrdup(c->far) : NULL;
	return strncmp(c->near, box, n) == 0 && box[n] != '\0' ?
	    xasprintf("%s%s", c->far, box + n) : NULL;
}

/* One that was moved to where mailtern keeps the folder. */
static char *
moved_box(const struct mbsync_channel *c, const char *path)
{
	char *name = c->patterns ? NULL : import_plain_name(c->far);
	bool is = name != NULL && import_names_folder(path, name);

	free(name);
	return is ? xstrdup(c->far) : NULL;
}

/* A part of the name of a file. */
static char *
file_part(const char *box)
{
	return import_replaced(box, "/", "!");
}

static char *
state_of(const struct mbsync_account *a, const struct mbsync_channel *c,
    const char *path, const char *far, const char *near)
{
	char *flat, *f, *n, *out;

	if (strcmp(c->state, "*") == 0)
		return xasprintf("%s/%s/.mbsyncstate", a->a.maildir, path);
	flat = a->flatten == NULL ? xstrdup(near) :
	    import_replaced(near, "/", a->flatten);
	f = file_part(far);
	n = file_part(flat);
	out = c->state_is_own ? xasprintf("%s%s", c->state, n) :
	    xasprintf("%s:%s:%s_:%s:%s", c->state, a->far_store, f,
	    a->near_store, n);
	free(flat);
	free(f);
	free(n);
	return out;
}

/* Channels of one box go before those with patterns. */
static char *
search_channels(const struct mbsync_account *a, const char *path,
    const char *box, size_t *which)
{
	char *far = NULL;
	unsigned pass;
	size_t i;

	for (pass = 0; pass < 3 && far == NULL; pass++)
		for (i = 0; i < a->n && far == NULL; i++) {
			const struct mbsync_channel *c = &a->channel[i];

			*which = i;
			if (pass == 2)
				far = moved_box(c, path);
			else if (c->patterns == (pass == 1))
				far = far_box(c, box);
		}
	return far;
}

char *
mbsync_folder_of(const struct mbsync_account *a, const char *path,
    char **state_out)
{
	char *box = box_of(a, path), *name = NULL;
	size_t which = 0;
	char *far = search_channels(a, path, box, &which);

	if (far != NULL) {
		const struct mbsync_channel *c = &a->channel[which];

		*state_out = state_of(a, c, path, far, c->patterns ? box :
		    c->near);
		name = import_plain_name(far);
	}
	free(far);
	free(box);
	return name;
}
