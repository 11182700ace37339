/* Opens the bytes of a message that is to be taken back, wherever they are. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "index/content.h"
#include "mail/flags.h"
#include "maildir/look.h"
#include "maildir/name.h"
#include "maildir/store.h"
#include "run/restore.h"

/* --- where it is --- */

int
restore_search_begin(struct restore *r, const struct wanted *w,
    struct restore_search *out, struct err *err)
{
	*out = (struct restore_search){ .w = w };
	if (w->content == 0)
		return 0;
	out->n_file = index_content_files(r->run->ix, w->content, out->file,
	    (int)(sizeof(out->file) / sizeof(out->file[0])), err);
	if (out->n_file >= 0)
		return 0;
	out->n_file = 0;
	return -1;
}

void
restore_search_end(struct restore_search *s)
{
	while (s->n_file > 0)
		place_release(&s->file[--s->n_file]);
}

static bool
is_on_disk(struct restore *r, const struct folder *f, const struct place *p)
{
	struct maildir_look look;
	struct file_hint ignored;
	struct err err;
	bool there;

	if (maildir_look_open(&look, r->run->md, f->row.path, &err) == -1)
		return false;
	there = maildir_look(&look, p->in_new, p->file, &ignored) ==
	    LOOKED_FILE;
	maildir_look_close(&look);
	return there;
}

/* Below the root. */
static char *
path_of(const struct restore *r, const struct folder *f, const struct place *p)
{
	char *dir = layout_dir(&r->run->md->layout, f->row.path);
	char *path = xasprintf("%s/%s/%s", dir != NULL ? dir : f->row.path,
	    p->in_new ? "new" : "cur", p->file);

	free(dir);
	return path;
}

char *
restore_is_there(struct restore *r, const struct restore_search *s)
{
	int i;

	for (i = 0; i < s->n_file; i++) {
		const struct folder *f = folder_by_id(r->run,
		    s->file[i].folder);

		if (f != NULL && strcmp(f->row.name, s->w->folder) == 0 &&
		    is_on_disk(r, f, &s->file[i]))
			return xstrdup(s->file[i].file);
	}
	return NULL;
}

/* What lies there was deleted, and not filed. */
static bool
is_trash(const struct run *run, const struct folder *f)
{
	return run->conf->trash != NULL ?
	    strcmp(f->row.name, run->conf->trash) == 0 :
	    strcasecmp(f->row.name, "Trash") == 0;
}

char *
restore_is_filed(struct restore *r, const struct restore_search *s)
{
	int i;

	for (i = 0; i < s->n_file; i++) {
		const struct place *p = &s->file[i];
		const struct folder *f = folder_by_id(r->run, p->folder);

		if (f != NULL && !is_trash(r->run, f) && p->id <= r->newest &&
		    !(p->local.flags & FLAG_DELETED) && is_on_disk(r, f, p))
			return path_of(r, f, p);
	}
	return NULL;
}

/* --- its bytes --- */

bool
restore_can_be(const struct restore *r, const struct wanted *w,
    const struct attic_copy *c)
{
	const struct folder *f = folder_named(r->run, w->folder);

	return w->content != 0 || (f != NULL && c->folder != NULL &&
	    strcmp(f->row.path, c->folder) == 0);
}

static bool
open_copy(struct restore *r, const struct wanted *w,
    const struct attic_copy *c, struct restore_source *out)
{
	const struct maildir_attic_entry e = {
		.day = c->day, .dir = c->dir, .file = c->file
	};
	struct maildir_name name;
	struct err ignored;

	if (!restore_can_be(r, w, c) ||
	    maildir_attic_open(r->run->md, &e, &out->fd, &ignored) == -1)
		return false;
	out->from = xasprintf(".mailtern/attic/tmp/%s/%s/%s", c->day, c->dir,
	    c->file);
	out->is_own = !c->alias && maildir_name_parse(c->file, &name);
	if (out->is_own) {
		out->flags = name.flags;
		out->letters = name.letters.p;
	}
	return true;
}

static bool
open_file(struct restore *r, const struct place *p,
    struct restore_source *out)
{
	const struct folder *f = folder_by_id(r->run, p->folder);
	struct err ignored;

	if (f == NULL || maildir_message_open(r->run->md,
	    &(struct maildir_message){ f->row.path, p->in_new, p->file },
	    &out->fd, &ignored) == -1)
		return false;
	out->from = path_of(r, f, p);
	return true;
}

/* The last ones first; and all own names before the others. */
static bool
try_copy(struct restore *r, const struct wanted *w, size_t tried,
    struct restore_source *out)
{
	const struct attic_copy *c = &w->copy[w->n_copy - 1 -
	    tried % w->n_copy];

	return c->alias == (tried >= w->n_copy) && open_copy(r, w, c, out);
}

bool
restore_search_next(struct restore *r, struct restore_search *s,
    struct restore_source *out)
{
	*out = (struct restore_source){ .fd = -1 };
	while (s->tried < 2 * s->w->n_copy)
		if (try_copy(r, s->w, s->tried++, out))
			return true;
	while (s->at_file < s->n_file)
		if (open_file(r, &s->file[s->at_file++], out))
			return true;
	return false;
}

void
restore_source_close(struct restore_source *s)
{
	if (s->fd >= 0)
		close(s->fd);
	free(s->from);
	*s = (struct restore_source){ .fd = -1 };
}
