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
box_release(struct box *b)
{
	index_folder_release(&b->row);
	free(b->fault);
	b->fault = NULL;
}

static struct box *
find_box(struct account *a, const char *name)
{
	size_t i;

	for (i = 0; i < a->n_box; i++)
		if (strcmp(a->box[i].row.name, name) == 0)
			return &a->box[i];
	return NULL;
}

static struct box *
find_path(struct account *a, const char *path)
{
	size_t i;

	for (i = 0; i < a->n_box; i++)
		if (strcasecmp(a->box[i].row.path, path) == 0)
			return &a->box[i];
	return NULL;
}

static struct box *
add_box(struct account *a, const char *name, const char *path)
{
	struct box *b = VEC_ADD(a->box, a->n_box, a->cap_box);

	b->row.name = xstrdup(name);
	b->row.path = xstrdup(path);
	b->row.permanent_keywords = xstrdup("");
	return b;
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
	work_holds(a, xasprintf("%s: %s", name, why), NULL);
}

static void
add_remote(struct account *a, const struct imap_folder *f)
{
	struct box *b = find_box(a, f->name);
	char *path;

	if (!f->selectable)
		return;
	if (b == NULL && !conf_folder_matches(a->conf, f->name))
		return;
	if (b == NULL) {
		path = path_for(a, f->name);
		if (path == NULL) {	/* an empty component */
			say_held(a, f->name, "no directory can have that "
			    "name; rename the folder on the server, or take it "
			    "out of `folders`");
			return;
		}
		b = add_box(a, f->name, path);
		free(path);
	}
	free(b->row.raw);
	b->row.raw = xstrdup(f->raw);
	b->row.remote = true;
	b->remote_gone = false;
	b->listed = *f;
	b->listed.raw = b->listed.name = NULL;
	b->trashy = f->use == USE_TRASH || f->use == USE_JUNK;
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
leave_unread(struct account *a, const struct maildir_folder *f)
{
	char *name = maildir_path_decode(f->path);
	bool any = false;
	struct err err;
	size_t i;

	errno = f->unread;
	err_errno(&err, ERR_IO, "can't open directory %s", f->path);
	for (i = 0; i < a->n_box; i++) {
		struct box *b = &a->box[i];

		if (!lies_in(b->row.path, f->path))
			continue;
		b->local_seen = true;
		if (!conf_folder_matches(a->conf, b->row.name))
			continue;
		any = true;
		(void)box_leave_out(a, b, &err);
	}
	if (!any && conf_folder_matches(a->conf, name != NULL ? name :
	    f->path)) {
		a->hold_remove_remote = true;
		say_held(a, f->path, "the directory can't be read, so "
		    "nothing is removed from the server; mend it, or take it "
		    "out of `folders`");
	}
	free(name);
}

/* 0, or -1 when looking at the disk failed. */
static int
add_local(struct account *a, const struct maildir_folder *f)
{
	struct box *b = find_path(a, f->path);
	char *name;

	/* It may be another way to a folder that is hidden now. */
	if (b == NULL && a->hold_remove_remote && f->by_link)
		return 0;
	if (b == NULL) {
		name = maildir_path_decode(f->path);
		if (name == NULL) {
			if (f->whole && conf_folder_matches(a->conf, f->path))
				say_held(a, f->path, "no folder is ever "
				    "kept in a directory of that name, so it is "
				    "left alone; rename it");
			return 0;
		}
		b = find_box(a, name);
		if (b == NULL && f->whole)
			b = add_box(a, name, f->path);
		free(name);
	}
	if (b == NULL)
		return 0;
	b->local_seen = true;
	if (f->whole)
		b->row.local = true;
	else
		b->local_broken = b->row.local;
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
check_gone(struct account *a, struct box *b, struct err *err)
{
	enum maildir_there there;

	if (!b->row.local || b->local_seen || a->md.fd == -1)
		return 0;
	if (folder_there(a, b->row.path, &there, err) == -1)
		return -1;
	if (there == THERE_GONE || there == THERE_BARE)
		b->row.local = false;
	else
		b->local_broken = there != THERE_WHOLE;
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
	const struct box *a = x, *b = y;
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
		struct box *b = VEC_ADD(a->box, a->n_box, a->cap_box);

		b->row = v[i];
		b->remote_gone = v[i].remote;
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
	for (i = 0; i < a->n_box && rc == 0; i++)
		rc = check_gone(a, &a->box[i], err);
	return rc;
}

/* Folders outside `folders =` are not judged: they are not even remembered. */
static int
keep_chosen(struct account *a, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < a->n_box; i++) {
		struct box *b = &a->box[i];

		b->inside = conf_folder_matches(a->conf, b->row.name);
		b->chosen = b->inside && is_chosen(a, b->row.name);
		if (a->conf->trash != NULL &&
		    strcmp(a->conf->trash, b->row.name) == 0)
			b->trashy = true;
	}
	if (a->read_only)
		return 0;
	rc = index_begin_seen(a->ix, err);
	for (i = 0; i < a->n_box && rc == 0; i++) {
		struct box *b = &a->box[i];

		if (b->inside || b->row.id != 0)
			rc = index_folder_put(a->ix, &b->row, err);
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
box_plan_look(const struct account *a, struct index_folder *f)
{
	if (a->opt.full || is_due(a, f, f->looked))
		f->looked = 0;
}

/* Now and then both sides are looked at in full, although no number moved. */
static void
plan_verify(struct account *a, struct box *b)
{
	b->verify = a->opt.full || is_due(a, &b->row, b->row.last_full);
	box_plan_look(a, &b->row);
}

int
boxes_load(struct account *a, const struct imap_list *list, struct err *err)
{
	size_t i;

	if (load_known(a, err) == -1)
		return -1;
	for (i = 0; list != NULL && i < list->n; i++)
		add_remote(a, &list->folder[i]);
	if (load_disk(a, err) == -1)
		return -1;
	for (i = 0; i < a->n_box; i++)
		plan_verify(a, &a->box[i]);
	if (a->n_box > LIMIT_FOLDERS)
		return err_set(err, ERR_CONFIG, "there are more than %u "
		    "folders; narrow `folders` down", LIMIT_FOLDERS);
	if (a->n_box > 1)
		qsort(a->box, a->n_box, sizeof(*a->box), by_name);
	return keep_chosen(a, err);
}

/* --- a folder that is gone takes its messages with it --- */

static int
unsee_all(struct account *a, struct box *b, struct err *err)
{
	struct place row[64];
	int64_t after = 0;
	int i, n, rc = 0;

	do {
		n = index_places(a->ix, PLACES_LOCAL, b->row.id, after, row, 64,
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
forget_local(struct account *a, struct box *b, struct err *err)
{
	b->row.looked = 0;
	return strcmp(b->row.name, "INBOX") == 0 ?
	    index_reset_local(a->ix, b->row.id, err) : unsee_all(a, b, err);
}

int
box_gone_local(struct account *a, struct box *b, struct err *err)
{
	if (index_begin(a->ix, err) == 0 && forget_local(a, b, err) == 0 &&
	    index_folder_put(a->ix, &b->row, err) == 0 &&
	    index_commit(a->ix, err) == 0)
		return 0;
	index_rollback(a->ix);
	return -1;
}

/* A folder of that name that comes later counts its UIDs anew; these are no
 * more, while what was agreed on stays known. */
static int
strip_uids(struct account *a, struct box *b, struct err *err)
{
	struct place row[64];
	int64_t after = 0;
	int i, n, rc = 0;

	do {
		n = index_places(a->ix, PLACES_ALL, b->row.id, after, row, 64,
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
box_gone_remote(struct account *a, struct box *b, struct err *err)
{
	struct index_folder *f = &b->row;

	f->remote = false;
	f->uidvalidity = f->uidnext = f->exists = 0;
	f->modseq = 0;
	if (index_begin(a->ix, err) == 0 && strip_uids(a, b, err) == 0 &&
	    index_folder_put(a->ix, f, err) == 0 &&
	    index_commit(a->ix, err) == 0)
		return 0;
	index_rollback(a->ix);
	return -1;
}

/* What OP_PUSH means, asked of the index: row by row it would be a query for
 * each message that waits to be pulled. */
static int
has_unseen_local(struct account *a, struct box *b, bool *out, struct err *err)
{
	struct place row;
	int n = index_places(a->ix, PLACES_UNPAIRED_LOCAL, b->row.id, 0, &row,
	    1, err);

	if (n > 0)
		place_release(&row);
	*out = n > 0;
	return n < 0 ? -1 : 0;
}

int
box_unseen(struct account *a, struct box *b, bool local, bool *out,
    struct err *err)
{
	struct picked row[1];
	struct pick pick = { .box = b, .ops = OP_PULL, .max = 1 };
	int n;

	if (local)
		return has_unseen_local(a, b, out, err);
	n = pick_rows(a->ix, &pick, row, err);
	if (n == -1)
		return -1;
	picked_release(row, n);
	*out = n > 0;
	return 0;
}

struct box *
box_trash(struct account *a)
{
	size_t i;

	for (i = 0; i < a->n_box && a->conf->trash != NULL; i++)
		if (strcmp(a->box[i].row.name, a->conf->trash) == 0 &&
		    a->box[i].row.remote)
			return &a->box[i];
	return NULL;
}
