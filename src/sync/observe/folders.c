/* Puts the folders of the server, of the disk and of the index together. Index
 * lane. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "core/lacking.h"
#include "imap/text.h"
#include "maildir/layout.h"
#include "observe/observe.h"

static struct folder *
find_folder(struct run *run, const char *name)
{
	size_t i;

	for (i = 0; i < run->n_folder; i++)
		if (strcmp(run->folder[i].row.name, name) == 0)
			return &run->folder[i];
	return NULL;
}

static struct folder *
find_path(struct run *run, const char *path)
{
	size_t i;

	for (i = 0; i < run->n_folder; i++)
		if (strcasecmp(run->folder[i].row.path, path) == 0)
			return &run->folder[i];
	return NULL;
}

static struct folder *
add_folder(struct run *run, const char *name, const char *path)
{
	struct folder *f = VEC_ADD(run->folder, run->n_folder, run->cap_folder);

	f->row.name = xstrdup(name);
	f->row.path = xstrdup(path);
	f->row.permanent_keywords = xstrdup("");
	return f;
}

/* The directory of a folder that is new here. Two names that a case-folding
 * file system would take for one get apart by a hash of the name. */
static char *
path_for(struct run *run, const char *name)
{
	char *path = maildir_path_encode(name), *apart;
	uint64_t h;

	if (path == NULL || find_path(run, path) == NULL)
		return path;
	h = fnv1a(FNV1A_START, name, strlen(name));
	apart = xasprintf("%s%%~%016llx", path, (unsigned long long)h);
	free(path);
	return apart;
}

/* About what is no folder here. */
static void
say_held(struct run *run, const char *name, const char *why)
{
	report_issue_later(run, xasprintf("%s: %s", name, why), NULL);
}

static void
add_mailbox(struct run *run, const struct imap_folder *seen)
{
	struct folder *f = find_folder(run, seen->name);
	char *path;

	if (!seen->selectable)
		return;
	if (f == NULL && !conf_folder_matches(run->conf, seen->name))
		return;
	if (f == NULL) {
		path = path_for(run, seen->name);
		if (path == NULL) {	/* an empty component */
			say_held(run, seen->name, "no directory can have that "
			    "name; rename the folder on the server, or take it "
			    "out of `folders`");
			return;
		}
		f = add_folder(run, seen->name, path);
		free(path);
	}
	free(f->row.raw);
	f->row.raw = xstrdup(seen->raw);
	f->row.remote = true;
	f->remote_gone = false;
	f->listed = *seen;
	f->listed.raw = f->listed.name = NULL;
	f->is_trash = seen->use == USE_TRASH || seen->use == USE_JUNK;
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
leave_unread(struct run *run, const struct maildir_folder *dir)
{
	char *name = maildir_path_decode(dir->path);
	bool any = false;
	struct err err;
	size_t i;

	errno = dir->unread;
	err_errno(&err, ERR_IO, "can't open directory %s", dir->path);
	for (i = 0; i < run->n_folder; i++) {
		struct folder *f = &run->folder[i];

		if (!lies_in(f->row.path, dir->path))
			continue;
		f->local_seen = true;
		if (!conf_folder_matches(run->conf, f->row.name))
			continue;
		any = true;
		(void)folder_leave_out(run, f, &err);
	}
	if (!any && conf_folder_matches(run->conf, name != NULL ? name :
	    dir->path)) {
		run->hold_remove_remote = true;
		say_held(run, dir->path, "the directory can't be read, so "
		    "nothing is removed from the server; mend it, or take it "
		    "out of `folders`");
	}
	free(name);
}

/* Of a folder that has no directory yet, and none under our name for it. */
static struct folder *
take_directory(struct run *run, const char *name, const char *path)
{
	struct folder *f = find_folder(run, name);
	enum maildir_there there = THERE_UNKNOWN;
	struct err err;

	if (f == NULL || !f->row.remote || f->row.local || f->row.base ||
	    maildir_folder_there(run->md, f->row.path, &there, &err) == -1 ||
	    (there != THERE_GONE && there != THERE_UNKNOWN))
		return NULL;
	free(f->row.path);
	f->row.path = xstrdup(path);
	return f;
}

/*
 * mbsync calls a directory as the server calls the folder, in modified UTF-7;
 * OfflineIMAP keeps levels apart by dots. In a first run it becomes that of the
 * folder.
 */
static struct folder *
folder_spelled_otherwise(struct run *run, const char *name, const char *path)
{
	struct folder *f = NULL;
	char *plain, *p;

	if (run->account->adopted && !run->opt.adopt)
		return NULL;
	plain = imap_utf7_decode(span_of(name));
	if (plain == NULL)
		plain = xstrdup(name);
	f = take_directory(run, plain, path);
	for (p = plain; f == NULL && (p = strchr(p, '.')) != NULL; p++)
		*p = '/';
	if (f == NULL)
		f = take_directory(run, plain, path);
	free(plain);
	return f;
}

/* The folder that a directory is, if that can be one; NULL. */
static struct folder *
folder_at(struct run *run, const struct maildir_folder *dir)
{
	char *name = maildir_path_decode(dir->path);
	struct folder *f;

	if (name == NULL) {
		if (dir->whole && conf_folder_matches(run->conf, dir->path))
			say_held(run, dir->path, "no folder is ever kept in a "
			    "directory of that name, so it is left alone; "
			    "rename it");
		return NULL;
	}
	f = find_folder(run, name);
	if (f == NULL && dir->whole)
		f = folder_spelled_otherwise(run, name, dir->path);
	if (f == NULL && dir->whole)
		f = add_folder(run, name, dir->path);
	free(name);
	return f;
}

static void
add_directory(struct run *run, const struct maildir_folder *dir)
{
	struct folder *f = find_path(run, dir->path);

	/* It may be another way to a folder that is hidden now. */
	if (f == NULL && run->hold_remove_remote && dir->by_link)
		return;
	if (f == NULL)
		f = folder_at(run, dir);
	if (f == NULL)
		return;
	f->local_seen = true;
	if (dir->whole)
		f->row.local = true;
	else
		f->local_broken = f->row.local;
}

/* Whoever removes a folder takes along what lies in it: then it is the
 * directory above that is gone from an intact parent. */
static int
folder_there(struct run *run, const char *path, enum maildir_there *out,
    struct err *err)
{
	char *above = xstrdup(path), *slash;
	int rc;

	while ((rc = maildir_folder_there(run->md, above, out, err)) == 0 &&
	    *out == THERE_UNKNOWN && (slash = strrchr(above, '/')) != NULL)
		*slash = '\0';
	free(above);
	return rc;
}

/* What the index took for there and the walk did not see. */
static int
check_gone(struct run *run, struct folder *f, struct err *err)
{
	enum maildir_there there;

	if (!f->row.local || f->local_seen || run->md->fd == -1)
		return 0;
	if (folder_there(run, f->row.path, &there, err) == -1)
		return -1;
	if (there == THERE_GONE || there == THERE_BARE)
		f->row.local = false;
	else
		f->local_broken = there != THERE_WHOLE;
	return 0;
}

static bool
is_chosen(const struct run *run, const char *name)
{
	size_t i;

	for (i = 0; i < run->opt.n_glob; i++)
		if (conf_pattern_matches(run->opt.glob[i], name))
			return true;
	return run->opt.n_glob == 0;
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
load_known(struct run *run, struct err *err)
{
	struct index_folder *v;
	size_t n, i;

	if (index_folders(run->ix, &v, &n, err) == -1)
		return -1;
	for (i = 0; i < n; i++) {
		struct folder *f = VEC_ADD(run->folder, run->n_folder,
		    run->cap_folder);

		f->row = v[i];
		f->remote_gone = v[i].remote;
		v[i] = (struct index_folder){ .id = 0 };
	}
	index_folders_free(v, n);
	return 0;
}

static int
load_disk(struct run *run, struct err *err)
{
	struct maildir_folder *v = NULL;
	size_t n = 0, i;
	int rc = 0;

	if (run->md->fd == -1 || run->read_only)
		return 0;
	if (maildir_folders(run->md, &v, &n, err) == -1)
		return -1;
	for (i = 0; i < n; i++)
		if (v[i].unread != 0)
			leave_unread(run, &v[i]);
	for (i = 0; i < n; i++)
		if (v[i].unread == 0)
			add_directory(run, &v[i]);
	maildir_folders_free(v, n);
	for (i = 0; i < run->n_folder && rc == 0; i++)
		rc = check_gone(run, &run->folder[i], err);
	return rc;
}

/* Folders outside `folders =` are not judged: they are not even remembered. */
static int
keep_chosen(struct run *run, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < run->n_folder; i++) {
		struct folder *f = &run->folder[i];

		f->inside = conf_folder_matches(run->conf, f->row.name);
		f->chosen = f->inside && is_chosen(run, f->row.name);
		if (run->conf->trash != NULL &&
		    strcmp(run->conf->trash, f->row.name) == 0)
			f->is_trash = true;
	}
	if (run->read_only)
		return 0;
	rc = index_begin_seen(run->ix, err);
	for (i = 0; i < run->n_folder && rc == 0; i++) {
		struct folder *f = &run->folder[i];

		if (f->inside || f->row.id != 0)
			rc = index_folder_put(run->ix, &f->row, err);
	}
	return index_end(run->ix, rc, err);
}

/* A folder comes due at a time of its own, up to two sevenths sooner. */
static bool
is_due(const struct run *run, const struct index_folder *f, int64_t last)
{
	int64_t now = clock_wall(), interval = run->conf->verify_s;

	return last > now || now - last >= interval -
	    interval / 168 * (f->id % 48);
}

void
folder_plan_look(const struct run *run, struct index_folder *f)
{
	if (run->opt.full || is_due(run, f, f->looked))
		f->looked = 0;
}

/* Now and then both sides are looked at in full, although no number moved. */
static void
plan_verify(struct run *run, struct folder *f)
{
	f->verify = run->opt.full || is_due(run, &f->row, f->row.last_full);
	folder_plan_look(run, &f->row);
}

int
folders_load(struct run *run, const struct imap_list *list, struct err *err)
{
	size_t i;

	if (load_known(run, err) == -1 || lacking_load(run, err) == -1)
		return -1;
	for (i = 0; list != NULL && i < list->n; i++)
		add_mailbox(run, &list->folder[i]);
	if (load_disk(run, err) == -1)
		return -1;
	for (i = 0; i < run->n_folder; i++)
		plan_verify(run, &run->folder[i]);
	if (run->n_folder > LIMIT_FOLDERS)
		return err_set(err, ERR_CONFIG, "there are more than %u "
		    "folders; narrow `folders` down", LIMIT_FOLDERS);
	if (run->n_folder > 1)
		qsort(run->folder, run->n_folder, sizeof(*run->folder),
		    by_name);
	return keep_chosen(run, err);
}

/* --- a folder that is gone takes its messages with it --- */

static int
unsee(void *arg, struct place *p, struct err *err)
{
	return index_unsee_local(arg, p->id, err);
}

static int
forget_local(struct run *run, struct folder *f, struct err *err)
{
	const struct index_visit visit = { unsee, run->ix };

	f->row.looked = 0;
	return folder_is_inbox(f) ?
	    index_reset_local(run->ix, f->row.id, err) :
	    index_each(run->ix, PLACES_LOCAL, f->row.id, &visit, err);
}

int
folder_gone_local(struct run *run, struct folder *f, struct err *err)
{
	int rc = index_begin(run->ix, err);

	if (rc == 0)
		rc = forget_local(run, f, err);
	if (rc == 0)
		rc = index_folder_put(run->ix, &f->row, err);
	return index_end(run->ix, rc, err);
}

static int
strip_uid(void *arg, struct place *p, struct err *err)
{
	p->uid = 0;
	state_set(&p->remote, false, 0, "");
	return index_place_put(arg, p, err);
}

static int
forget_remote(struct run *run, struct folder *f, struct err *err)
{
	const struct index_visit visit = { strip_uid, run->ix };

	return folder_is_inbox(f) ?
	    index_reset_remote(run->ix, f->row.id, err) :
	    index_each(run->ix, PLACES_ALL, f->row.id, &visit, err);
}

/* A folder of that name that comes later counts its UIDs anew; these are no
 * more, while what was agreed on stays known. */
int
folder_gone_remote(struct run *run, struct folder *f, struct err *err)
{
	struct index_folder *row = &f->row;
	int rc = index_begin(run->ix, err);

	row->remote = false;
	row->uidvalidity = row->uidnext = row->exists = 0;
	row->modseq = 0;
	if (rc == 0)
		rc = forget_remote(run, f, err);
	if (rc == 0)
		rc = index_folder_put(run->ix, row, err);
	return index_end(run->ix, rc, err);
}

void
report_older(struct run *run, struct folder *f,
    const struct observed_local *seen)
{
	const char *how = seen->returned ? "files that had been removed are "
	    "back" : "the directory is older than the last run left it";
	bool only_looks = run->md->look_only;

	f->failed |= only_looks;
	report_note_later(run, xasprintf("%s: %s (restored from a backup?); %s",
	    f->row.name, how, only_looks ?
	    "a sync would merge both sides and delete nothing" :
	    "both sides are merged, nothing is deleted"));
}
