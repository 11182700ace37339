/* Looks for the files of folders whose directories are gone (folder_renamed.h).
 * The cost is that of the directories that are new. */
#include "observe/folder_renamed.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "index/place.h"
#include "maildir/name.h"
#include "maildir/scan.h"
#include "plan/rename.h"

/* A directory that is new, and a folder that has none any more. */
struct likening {
	struct run *run;
	const struct folder *gone;
	uint64_t found;		/* files that the folder had */
};

const char *
folder_below(const char *inner, const char *name)
{
	size_t n = strlen(name);

	return strncmp(inner, name, n) == 0 && inner[n] == '/' ? inner + n :
	    NULL;
}

void
folders_renamed_release(struct folders_renamed *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		free(r->v[i].to);
	free(r->v);
	*r = (struct folders_renamed){ .n = 0 };
}

/* --- which may be which --- */

static bool
has_lost_directory(const struct folder *f)
{
	return f->inside && f->row.base && !f->row.local && !f->local_seen &&
	    !f->local_broken && !folder_is_inbox(f);
}

static bool
is_new_directory(const struct folder *f)
{
	return f->inside && f->local_seen && f->row.local && !f->local_broken &&
	    !f->row.base && f->row.uidvalidity == 0;
}

static bool
is_taken(const struct folders_renamed *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (strcmp(r->v[i].to, name) == 0)
			return true;
	return false;
}

/* --- what they hold --- */

static void
like_restart(void *arg)
{
	((struct likening *)arg)->found = 0;
}

static int
like_entry(void *arg, const struct maildir_entry *e, struct err *err)
{
	struct likening *l = arg;
	struct maildir_name name;
	struct place p;
	char *unique;
	int found;

	if (e->odd || !maildir_name_parse(e->file, &name) ||
	    name.unique.n == 0)
		return 0;
	unique = xstrndup(name.unique.p, name.unique.n);
	found = index_place_by_unique(l->run->ix, l->gone->row.id, unique, &p,
	    err);
	free(unique);
	if (found != 1)
		return found;
	l->found += p.base_local.present;
	place_release(&p);
	return 0;
}

/* 1: the directory is that of the folder that is gone; 0, -1. */
static int
holds_files_of(struct run *run, const struct folder *gone,
    const struct folder *dir, struct err *err)
{
	struct likening l = { .run = run, .gone = gone };
	const struct maildir_visit visit = { &l, like_entry, like_restart };
	struct index_counts had;
	struct maildir_scan scan;
	struct rename_here here;

	if (index_counts(run->ix, gone->row.id, &had, err) == -1)
		return -1;
	if (had.paired == 0)
		return 0;
	if (maildir_scan(run->md, dir->row.path, &visit, &scan, err) == -1)
		return -1;
	here = (struct rename_here){
		.known = had.paired, .found = l.found,
		.seen = gone->row.cur_mtime, .changed = scan.cur_mtime,
	};
	return rename_here_is_proven(&here);
}

/* What can't be read is told when its turn comes. */
static int
directory_of(struct run *run, const struct folders_renamed *r,
    const struct folder *gone, const struct folder **out, struct err *err)
{
	size_t i;
	int rc;

	for (i = 0; i < run->n_folder && *out == NULL; i++) {
		const struct folder *dir = &run->folder[i];

		if (!is_new_directory(dir) || is_taken(r, dir->row.name))
			continue;
		rc = holds_files_of(run, gone, dir, err);
		if (rc == 1)
			*out = dir;
		else if (rc == -1 && !err_is_of_path(err))
			return -1;
	}
	return 0;
}

/* --- all of them --- */

/* Where the one above has taken it, if something lies there. */
static const struct folder *
directory_along(const struct run *run, const struct folders_renamed *r,
    const struct folder *gone)
{
	const struct folder *dir = NULL;
	size_t i;

	for (i = 0; i < r->n && dir == NULL; i++) {
		const struct folder *above = folder_by_id(run, r->v[i].id);
		const char *rest = folder_below(gone->row.name,
		    above->row.name);
		char *to;

		if (rest == NULL)
			continue;
		to = xasprintf("%s%s", r->v[i].to, rest);
		dir = folder_named(run, to);
		free(to);
		if (dir != NULL && (!is_new_directory(dir) ||
		    is_taken(r, dir->row.name)))
			dir = NULL;
	}
	return dir;
}

static int
find_one(struct run *run, struct folders_renamed *r,
    const struct folder *gone, struct err *err)
{
	const struct folder *dir = directory_along(run, r, gone);

	if (dir == NULL && directory_of(run, r, gone, &dir, err) == -1)
		return -1;
	if (dir != NULL)
		*VEC_ADD(r->v, r->n, r->cap) = (struct folder_renamed){
			gone->row.id, xstrdup(dir->row.name)
		};
	return 0;
}

int
folder_find_directory(struct run *run, const struct folder *gone,
    const struct folder **out, struct err *err)
{
	const struct folders_renamed none = { .n = 0 };

	*out = NULL;
	return has_lost_directory(gone) ? directory_of(run, &none, gone, out,
	    err) : 0;
}

static bool
is_any_new(const struct run *run)
{
	size_t i;

	for (i = 0; i < run->n_folder; i++)
		if (is_new_directory(&run->folder[i]))
			return true;
	return false;
}

/* The folders are sorted: what lies above comes first. */
int
folders_find_renamed(struct run *run, struct folders_renamed *out,
    struct err *err)
{
	size_t i;
	int rc = 0;

	if (!is_any_new(run))
		return 0;
	for (i = 0; i < run->n_folder && rc == 0; i++)
		if (has_lost_directory(&run->folder[i]) &&
		    run->folder[i].row.remote && !run->folder[i].remote_gone)
			rc = find_one(run, out, &run->folder[i], err);
	return rc;
}
