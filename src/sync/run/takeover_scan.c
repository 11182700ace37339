/* Finds the files that another program numbered, and the numbers without one.
 * A number counts as absent when two complete scans lack it, the second begun
 * after every folder was read once (design section 5). */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "maildir/name.h"
#include "maildir/scan.h"
#include "run/takeover.h"

struct finding {
	const struct takeover *t;
	struct taken_folder *f;
};

static void
forget_files(struct taken_folder *f)
{
	while (f->n > 0)
		free(f->file[--f->n].file);
	f->files = 0;
}

void
taken_folder_release(struct taken_folder *f)
{
	forget_files(f);
	free(f->file);
	free(f->lacking);
	*f = (struct taken_folder){ .n = 0 };
}

/* What an editor left beside a message says that this is not gone. */
static int
find_entry(void *arg, const struct maildir_entry *e, struct err *err)
{
	struct finding *find = arg;
	struct taken_folder *f = find->f;
	const char *mark = f->from->mark;
	const uint32_t near = mark == NULL || strstr(e->file, mark) != NULL ?
	    find->t->near_of(e->file) : 0;
	struct maildir_name name;
	struct span of;

	(void)err;
	f->files++;
	if (near != 0)
		*VEC_ADD(f->file, f->n, f->cap) = (struct numbered){
			.near = near, .in_new = e->in_new,
			.odd = e->odd || maildir_name_is_leftover(e->file,
			    &of) || !maildir_name_parse(e->file, &name),
			.file = xstrdup(e->file),
		};
	return 0;
}

static void
find_restart(void *arg)
{
	forget_files(((struct finding *)arg)->f);
}

static int
by_number(const void *x, const void *y)
{
	const struct numbered *a = x, *b = y;

	return (a->near > b->near) - (a->near < b->near);
}

static int
scan_folder(struct maildir *md, const struct takeover *t,
    struct taken_folder *f, struct err *err)
{
	struct finding find = { t, f };
	const struct maildir_visit visit = { &find, find_entry, find_restart };
	struct maildir_scan scanned;

	forget_files(f);
	if (maildir_scan(md, f->from->path, &visit, &scanned, err) == -1)
		return -1;
	f->complete = scanned.complete;
	f->touched = scanned.new_mtime > f->from->written - COARSE_NS ||
	    scanned.cur_mtime > f->from->written - COARSE_NS;
	if (f->n > 1)
		qsort(f->file, f->n, sizeof(*f->file), by_number);
	return 0;
}

/* --- which are absent --- */

static int
near_by_value(const void *x, const void *y)
{
	const uint32_t *a = x, *b = y;

	return (*a > *b) - (*a < *b);
}

/* The first with that number, or where it would be. */
static size_t
place_of_number(const struct taken_folder *f, uint32_t near)
{
	size_t lo = 0, hi = f->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->file[mid].near < near)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct numbered *
taken_file(const struct taken_folder *f, uint32_t near, bool *any_out)
{
	size_t at = place_of_number(f, near);

	*any_out = at < f->n && f->file[at].near == near;
	if (!*any_out || f->file[at].odd ||
	    (at + 1 < f->n && f->file[at + 1].near == near))
		return NULL;
	return &f->file[at];
}

bool
taken_lacks(const struct taken_folder *f, uint32_t near)
{
	return f->n_lacking > 0 && bsearch(&near, f->lacking, f->n_lacking,
	    sizeof(near), near_by_value) != NULL;
}

static void
note_lacking(struct taken_folder *f)
{
	size_t i;
	bool any;

	f->lacking = xcalloc(f->from->n + 1, sizeof(*f->lacking));
	for (i = 0; i < f->from->n && f->complete; i++) {
		(void)taken_file(f, f->from->pair[i].near, &any);
		if (!any)
			f->lacking[f->n_lacking++] = f->from->pair[i].near;
	}
	if (f->n_lacking > 1)
		qsort(f->lacking, f->n_lacking, sizeof(*f->lacking),
		    near_by_value);
}

/* By the second scan. */
static void
keep_lacking(struct taken_folder *f)
{
	size_t i, n = 0;
	bool any;

	for (i = 0; i < f->n_lacking && f->complete; i++) {
		(void)taken_file(f, f->lacking[i], &any);
		if (!any)
			f->lacking[n++] = f->lacking[i];
	}
	f->n_lacking = n;
}

int
takeover_scan(struct maildir *md, const struct takeover *t,
    struct taken_folder *f, struct err *err)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		f[i].from = &t->folder[i];
		if (scan_folder(md, t, &f[i], err) == -1)
			return -1;
		note_lacking(&f[i]);
	}
	for (i = 0; i < t->n; i++) {
		if (f[i].n_lacking == 0)
			continue;
		if (scan_folder(md, t, &f[i], err) == -1)
			return -1;
		keep_lacking(&f[i]);
	}
	return 0;
}
