/* The folders of both sides and of the index, put together. Index lane. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/internal.h"
#include "maildir/layout.h"
#include "run/phases.h"

void
folder_release(struct folder *f)
{
	index_folder_release(&f->row);
	free(f->fault);
	f->fault = NULL;
}

static struct folder *
find_folder(struct account *a, const char *name)
{
	size_t i;

	for (i = 0; i < a->n_folder; i++)
		if (strcmp(a->folder[i].row.name, name) == 0)
			return &a->folder[i];
	return NULL;
}

static struct folder *
find_path(struct account *a, const char *path)
{
	size_t i;

	for (i = 0; i < a->n_folder; i++)
		if (strcasecmp(a->folder[i].row.path, path) == 0)
			return &a->folder[i];
	return NULL;
}

static struct folder *
add_folder(struct account *a, const char *name, const char *path)
{
	struct folder *f = VEC_ADD(a->folder, a->n_folder, a->cap_folder);

	f->row.name = xstrdup(name);
	f->row.path = xstrdup(path);
	f->row.permanent_keywords = xstrdup("");
	return f;
}

/* The directory of a folder that is new here. Two names that a case-folding
 * file system would take for one get apart by a hash of the name. */
static char *
path_for(struct account *a, const char *name)
{
	char *path = maildir_path_encode(name), *apart;
	uint64_t h = 0xcbf29ce484222325u;
	const char *p;

	if (path == NULL || find_path(a, path) == NULL)
		return path;
	for (p = name; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3u;
	apart = xasprintf("%s%%~%016llx", path, (unsigned long long)h);
	free(path);
	return apart;
}

/* About what is no folder here. */
static void
say_held(struct account *a, const char *name, const char *why)
{
	report_issue_later(a, xasprintf("%s: %s", name, why), NULL);
}

static void
add_remote(struct account *a, const struct imap_folder *seen)
{
	struct folder *f = find_folder(a, seen->name);
	char *path;

	if (!seen->selectable)
		return;
	if (f == NULL && !conf_folder_matches(a->conf, seen->name))
		return;
	if (f == NULL) {
		path = path_for(a, seen->name);
		if (path == NULL) {	/* an empty component */
			say_held(a, seen->name, "no directory can have that "
			    "name; rename the folder on the server, or take it "
			    "out of `folders`");
			return;
		}
		f = add_folder(a, seen->name, path);
		free(path);
	}
	free(f->row.raw);
	f->row.raw = xstrdup(seen->raw);
	f->row.remote = true;
	f->remote_gone = false;
	f->listed = *seen;
	f->listed.raw = f->listed.name = NULL;
	f->trashy = seen->use == USE_TRASH || seen->use == USE_JUNK;
}

static bool
lies_in(const char *path, const char *above)
{
	size_t n = strlen(above);

	return strncasecmp(path, above, n) == 0 &&
	    (path[n] == '\0' || path[n] == '/');
}

/*
 * A directory that we may not enter: the folders that are known to be in it are
 * left out. Of others nobody can tell; so nothing is removed from the server,
 * for what seems gone elsewhere may lie in it now.
 */
static void
leave_unread(struct account *a, const struct maildir_folder *dir)
{
	char *name = maildir_path_decode(dir->path);
	bool any = false;
	struct err err;
	size_t i;

	errno = dir->unread;
	err_errno(&err, ERR_IO, "can't open directory %s", dir->path);
	for (i = 0; i < a->n_folder; i++) {
		struct folder *f = &a->folder[i];

		if (!lies_in(f->row.path, dir->path))
			continue;
		f->local_seen = true;
		if (!conf_folder_matches(a->conf, f->row.name))
			continue;
		any = true;
		(void)folder_leave_out(a, f, &err);
	}
	if (!any && conf_folder_matches(a->conf, name != NULL ? name :
	    dir->path)) {
		a->hold_remove_remote = true;
		say_held(a, dir->path, "the directory can't be read, so "
		    "nothing is removed from the server; mend it, or take it "
		    "out of `folders`");
	}
	free(name);
}

/* 0, or -1 when looking at the disk failed. */
static int
add_local(struct account *a, const struct maildir_folder *dir)
{
	struct folder *f = find_path(a, dir->path);
	char *name;

	/* It may be another way to a folder that is hidden now. */
	if (f == NULL && a->hold_remove_remote && dir->by_link)
		return 0;
	if (f == NULL) {
		name = maildir_path_decode(dir->path);
		if (name == NULL) {
			if (dir->whole && conf_folder_matches(a->conf,
			    dir->path))
				say_held(a, dir->path, "no folder is ever "
				    "kept in a directory of that name, so it is "
				    "left alone; rename it");
			return 0;
		}
		f = find_folder(a, name);
		if (f == NULL && dir->whole)
			f = add_folder(a, name, dir->path);
		free(name);
	}
	if (f == NULL)
		return 0;
	f->local_seen = true;
	if (dir->whole)
		f->row.local = true;
	else
		f->local_broken = f->row.local;
	return 0;
}

/* Whoever removes a folder takes along what lies in it: then it is the
 * directory above that is gone from an intact parent. */
static int
folder_there(struct account *a, const char *path, enum maildir_there *out,
    struct err *err)
{
	char *above = xstrdup(path), *slash;
	int rc;

	while ((rc = maildir_folder_there(&a->md, above, out, err)) == 0 &&
	    *out == THERE_UNKNOWN && (slash = strrchr(above, '/')) != NULL)
		*slash = '\0';
	free(above);
	return rc;
}

/* What the index took for there and the walk did not see. */
static int
check_gone(struct account *a, struct folder *f, struct err *err)
{
	enum maildir_there there;

	if (!f->row.local || f->local_seen || a->md.fd == -1)
		return 0;
	if (folder_there(a, f->row.path, &there, err) == -1)
		return -1;
	if (there == THERE_GONE || there == THERE_BARE)
		f->row.local = false;
	else
		f->local_broken = there != THERE_WHOLE;
	return 0;
}

static bool
is_chosen(const struct account *a, const char *name)
{
	size_t i;

	for (i = 0; i < a->opt.n_glob; i++)
		if (conf_pattern_matches(a->opt.glob[i], name))
			return true;
	return a->opt.n_glob == 0;
}

static int
by_name(const void *x, const void *y)
{
	const struct folder *a = x, *b = y;
	bool ai = strcmp(a->row.name, "INBOX") == 0;
	bool bi = strcmp(b->row.name, "INBOX") == 0;

	return ai != bi ? (ai ? -1 : 1) : strcmp(a->row.name, b->row.name);
}

static int
load_known(struct account *a, struct err *err)
{
	struct index_folder *v;
	size_t n, i;

	if (index_folders(a->ix, &v, &n, err) == -1)
		return -1;
	for (i = 0; i < n; i++) {
		struct folder *f = VEC_ADD(a->folder, a->n_folder,
		    a->cap_folder);

		f->row = v[i];
		f->remote_gone = v[i].remote;
		v[i] = (struct index_folder){ .id = 0 };
	}
	index_folders_free(v, n);
	return 0;
}

static int
load_disk(struct account *a, struct err *err)
{
	struct maildir_folder *v = NULL;
	size_t n = 0, i;
	int rc = 0;

	if (a->md.fd == -1 || a->read_only)
		return 0;
	if (maildir_folders(&a->md, &v, &n, err) == -1)
		return -1;
	for (i = 0; i < n; i++)
		if (v[i].unread != 0)
			leave_unread(a, &v[i]);
	for (i = 0; i < n && rc == 0; i++)
		if (v[i].unread == 0)
			rc = add_local(a, &v[i]);
	maildir_folders_free(v, n);
	for (i = 0; i < a->n_folder && rc == 0; i++)
		rc = check_gone(a, &a->folder[i], err);
	return rc;
}

/* Folders outside `folders =` are not judged: they are not even remembered. */
static int
keep_chosen(struct account *a, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < a->n_folder; i++) {
		struct folder *f = &a->folder[i];

		f->inside = conf_folder_matches(a->conf, f->row.name);
		f->chosen = f->inside && is_chosen(a, f->row.name);
		if (a->conf->trash != NULL &&
		    strcmp(a->conf->trash, f->row.name) == 0)
			f->trashy = true;
	}
	if (a->read_only)
		return 0;
	rc = index_begin_seen(a->ix, err);
	for (i = 0; i < a->n_folder && rc == 0; i++) {
		struct folder *f = &a->folder[i];

		if (f->inside || f->row.id != 0)
			rc = index_folder_put(a->ix, &f->row, err);
	}
	return index_end(a->ix, rc, err);
}

/* A folder comes due at a time of its own, up to two sevenths sooner. */
static bool
is_due(const struct account *a, const struct index_folder *f, int64_t last)
{
	int64_t now = clock_wall(), interval = a->conf->verify_s;

	return last > now || now - last >= interval -
	    interval / 168 * (f->id % 48);
}

void
folder_plan_look(const struct account *a, struct index_folder *f)
{
	if (a->opt.full || is_due(a, f, f->looked))
		f->looked = 0;
}

/* Now and then both sides are looked at in full, although no number moved. */
static void
plan_verify(struct account *a, struct folder *f)
{
	f->verify = a->opt.full || is_due(a, &f->row, f->row.last_full);
	folder_plan_look(a, &f->row);
}

int
folders_load(struct account *a, const struct imap_list *list, struct err *err)
{
	size_t i;

	if (load_known(a, err) == -1)
		return -1;
	for (i = 0; list != NULL && i < list->n; i++)
		add_remote(a, &list->folder[i]);
	if (load_disk(a, err) == -1)
		return -1;
	for (i = 0; i < a->n_folder; i++)
		plan_verify(a, &a->folder[i]);
	if (a->n_folder > LIMIT_FOLDERS)
		return err_set(err, ERR_CONFIG, "there are more than %u "
		    "folders; narrow `folders` down", LIMIT_FOLDERS);
	if (a->n_folder > 1)
		qsort(a->folder, a->n_folder, sizeof(*a->folder), by_name);
	return keep_chosen(a, err);
}

/* --- a folder that is gone takes its messages with it --- */

static int
unsee_all(struct account *a, struct folder *f, struct err *err)
{
	struct place row[64];
	int64_t after = 0;
	int i, n, rc = 0;

	do {
		n = index_places(a->ix, PLACES_LOCAL, f->row.id, after, row, 64,
		    err);
		for (i = 0; i < n; i++) {
			if (rc == 0)
				rc = index_unsee_local(a->ix, row[i].id, err);
			after = row[i].id;
			place_release(&row[i]);
		}
	} while (rc == 0 && n == 64);
	return n == -1 ? -1 : rc;
}

static int
forget_local(struct account *a, struct folder *f, struct err *err)
{
	f->row.looked = 0;
	return strcmp(f->row.name, "INBOX") == 0 ?
	    index_reset_local(a->ix, f->row.id, err) : unsee_all(a, f, err);
}

int
folder_gone_local(struct account *a, struct folder *f, struct err *err)
{
	if (index_begin(a->ix, err) == 0 && forget_local(a, f, err) == 0 &&
	    index_folder_put(a->ix, &f->row, err) == 0 &&
	    index_commit(a->ix, err) == 0)
		return 0;
	index_rollback(a->ix);
	return -1;
}

/* A folder of that name that comes later counts its UIDs anew; these are no
 * more, while what was agreed on stays known. */
static int
strip_uids(struct account *a, struct folder *f, struct err *err)
{
	struct place row[64];
	int64_t after = 0;
	int i, n, rc = 0;

	do {
		n = index_places(a->ix, PLACES_ALL, f->row.id, after, row, 64,
		    err);
		for (i = 0; i < n; i++) {
			after = row[i].id;
			row[i].uid = 0;
			state_set(&row[i].remote, false, 0, "");
			if (rc == 0)
				rc = index_place_put(a->ix, &row[i], err);
			place_release(&row[i]);
		}
	} while (rc == 0 && n == 64);
	return n == -1 ? -1 : rc;
}

int
folder_gone_remote(struct account *a, struct folder *f, struct err *err)
{
	struct index_folder *row = &f->row;

	row->remote = false;
	row->uidvalidity = row->uidnext = row->exists = 0;
	row->modseq = 0;
	if (index_begin(a->ix, err) == 0 && strip_uids(a, f, err) == 0 &&
	    index_folder_put(a->ix, row, err) == 0 &&
	    index_commit(a->ix, err) == 0)
		return 0;
	index_rollback(a->ix);
	return -1;
}

/* What OP_PUSH means, asked of the index: row by row it would be a query for
 * each message that waits to be pulled. */
static int
has_unseen_local(struct account *a, struct folder *f, bool *out,
    struct err *err)
{
	struct place row;
	int n = index_places(a->ix, PLACES_UNPAIRED_LOCAL, f->row.id, 0, &row,
	    1, err);

	if (n > 0)
		place_release(&row);
	*out = n > 0;
	return n < 0 ? -1 : 0;
}

int
folder_unseen(struct account *a, struct folder *f, bool local, bool *out,
    struct err *err)
{
	struct picked row[1];
	struct pick pick = { .folder = f, .ops = OP_PULL, .max = 1 };
	int n;

	if (local)
		return has_unseen_local(a, f, out, err);
	n = pick_rows(a->ix, &pick, row, err);
	if (n == -1)
		return -1;
	picked_release(row, n);
	*out = n > 0;
	return 0;
}

struct folder *
folder_trash(struct account *a)
{
	size_t i;

	for (i = 0; i < a->n_folder && a->conf->trash != NULL; i++)
		if (strcmp(a->folder[i].row.name, a->conf->trash) == 0 &&
		    a->folder[i].row.remote)
			return &a->folder[i];
	return NULL;
}
