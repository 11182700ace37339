/* Puts the folders of the server, of the disk and of the index together. Index
 * lane. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/lacking.h"
#include "imap/text.h"
#include "index/fact.h"
#include "maildir/layout.h"
#include "observe/folder_table.h"
#include "observe/observe.h"

/* What is loaded so far, and where to find it. */
struct loading {
	struct run *run;
	bool names_fold;	/* the server takes Work and work for one */
	struct folder_table table;
};

static struct folder *
add_folder(struct loading *l, const char *name, const char *path)
{
	struct run *run = l->run;
	struct folder *f = VEC_ADD(run->folder, run->n_folder, run->cap_folder);

	f->row.name = xstrdup(name);
	f->row.path = xstrdup(path);
	f->row.permanent_keywords = xstrdup("");
	folder_table_add(&l->table, run->n_folder - 1);
	return f;
}

static void
set_path(struct loading *l, struct folder *f, const char *path)
{
	free(f->row.path);
	f->row.path = xstrdup(path);
	folder_table_add(&l->table, (size_t)(f - l->run->folder));
}

/* The directory of a folder that is new here. Two names that the file system
 * would take for one get apart by a hash of the name. */
static char *
path_for(struct loading *l, const char *name)
{
	const struct layout *layout = &l->run->md->layout;
	char *path = maildir_path_encode(layout, name);

	if (path == NULL || folder_by_path(&l->table, path) == NULL)
		return path;
	free(path);
	return maildir_path_apart(layout, name);
}

/* About what is no folder here. */
static void
say_held(struct run *run, const char *name, const char *why)
{
	report_issue_later(run, xasprintf("%s: %s", name, why), NULL);
}

static void
see_mailbox(struct folder *f, const struct imap_folder *seen)
{
	free(f->row.raw);
	f->row.raw = xstrdup(seen->raw);
	f->returned = !f->row.remote && f->row.uidvalidity != 0;
	f->row.remote = true;
	f->remote_gone = false;
	f->listed = *seen;
	f->listed.raw = f->listed.name = NULL;
	f->is_trash = seen->use == USE_TRASH || seen->use == USE_JUNK;
}

/*
 * What the server wrote so before, and numbers as before, is the same folder,
 * whatever a prefix or delimiter makes of its name today. True: it is known.
 */
static bool
add_known_mailbox(struct loading *l, const struct imap_folder *seen)
{
	struct folder *f;

	if (!seen->selectable)
		return true;
	f = folder_by_raw(&l->table, seen->raw);
	if (f == NULL || (seen->has_status && f->row.uidvalidity != 0 &&
	    f->row.uidvalidity != seen->uidvalidity))
		return false;
	see_mailbox(f, seen);
	return true;
}

static void
add_mailbox(struct loading *l, const struct imap_folder *seen)
{
	struct run *run = l->run;
	struct folder *f = folder_by_name(&l->table, seen->name);
	char *path;

	if (f == NULL && !conf_folder_matches(run->conf, seen->name))
		return;
	if (f != NULL && f->listed.selectable) {
		say_held(run, seen->name, "two folders of the server have "
		    "that name here; rename one of them there");
		return;
	}
	if (f == NULL) {
		path = path_for(l, seen->name);
		if (path == NULL) {	/* an empty component */
			say_held(run, seen->name, "no directory can have that "
			    "name; rename the folder on the server, or take it "
			    "out of `folders`");
			return;
		}
		f = add_folder(l, seen->name, path);
		free(path);
	}
	see_mailbox(f, seen);
}

static bool
lies_in(const struct loading *l, const char *path, const char *above)
{
	size_t n = strlen(above);

	return (l->table.folds ? strncasecmp(path, above, n) :
	    strncmp(path, above, n)) == 0 && (path[n] == '\0' ||
	    (path[n] == '/' && layout_nests(&l->run->md->layout)));
}

/*
 * A directory that we may not enter: the folders that are known to be in it are
 * left out. Of others nobody can tell; so nothing is removed from the server,
 * for what seems gone elsewhere may lie in it now.
 */
static void
leave_unread(struct loading *l, const struct maildir_folder *dir)
{
	struct run *run = l->run;
	char *name = maildir_path_decode(&run->md->layout, dir->path);
	char *shown = maildir_shown(run->md, dir->path);
	bool any = false;
	struct err err;
	size_t i;

	errno = dir->unread;
	err_errno(&err, ERR_IO, "can't open directory %s", shown);
	for (i = 0; i < run->n_folder; i++) {
		struct folder *f = &run->folder[i];

		if (!lies_in(l, f->row.path, dir->path))
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
		say_held(run, shown, "the directory can't be read, so "
		    "nothing is removed from the server; mend it, or take it "
		    "out of `folders`");
	}
	free(shown);
	free(name);
}

/* Of a folder that has no directory yet, and none under our name for it. */
static struct folder *
folder_without_directory(struct loading *l, const char *name)
{
	struct folder *f = folder_by_name(&l->table, name);
	enum maildir_there there = THERE_UNKNOWN;
	struct err err;

	return f == NULL || !f->row.remote || f->row.local || f->row.base ||
	    maildir_folder_there(l->run->md, f->row.path, &there, &err) ==
	    -1 || (there != THERE_GONE && there != THERE_UNKNOWN) ? NULL : f;
}

/* INBOX in any case is one folder; so is what lies in it, where that is known
 * already. */
static struct folder *
folder_in_any_inbox(const struct loading *l, const char *name)
{
	struct folder *f;
	char *exact;

	if (strncasecmp(name, "INBOX", 5) != 0 ||
	    (name[5] != '\0' && name[5] != '/'))
		return NULL;
	exact = xasprintf("INBOX%s", name + 5);
	f = folder_by_name(&l->table, exact);
	free(exact);
	return f;
}

/*
 * mbsync calls a directory as the server calls the folder, in modified UTF-7;
 * OfflineIMAP keeps levels apart by dots. In a first run it becomes that of the
 * folder.
 */
static struct folder *
folder_spelled_otherwise(struct loading *l, const char *name)
{
	struct folder *f = NULL;
	char *plain, *p;

	if (l->run->account->adopted && !l->run->opt.adopt)
		return NULL;
	plain = imap_utf7_decode(span_of(name));
	if (plain == NULL)
		plain = xstrdup(name);
	f = folder_without_directory(l, plain);
	for (p = plain; f == NULL && (p = strchr(p, '.')) != NULL; p++)
		*p = '/';
	if (f == NULL)
		f = folder_without_directory(l, plain);
	free(plain);
	return f;
}

/* The directory is another one than the folder has. It is the folder's if that
 * has none; what is known of its files holds, wherever they lie. */
static struct folder *
take_directory(struct loading *l, struct folder *f,
    const struct maildir_folder *dir)
{
	char *one, *other;

	if (!f->local_seen && dir->whole) {
		set_path(l, f, dir->path);
		return f;
	}
	if (!dir->whole || !conf_folder_matches(l->run->conf, f->row.name))
		return NULL;
	one = maildir_shown(l->run->md, dir->path);
	other = maildir_shown(l->run->md, f->row.path);
	report_issue_later(l->run, xasprintf("%s: the directory %s is "
	    "that folder, too, and is left alone; move what is in it "
	    "to %s, and remove it", f->row.name, one, other), NULL);
	free(one);
	free(other);
	return NULL;
}

/* The folder that a directory is, which none has for its own; NULL. */
static struct folder *
folder_at(struct loading *l, const struct maildir_folder *dir)
{
	char *name = maildir_path_decode(&l->run->md->layout, dir->path);
	struct folder *f;

	if (name == NULL) {
		if (dir->whole && conf_folder_matches(l->run->conf, dir->path))
			say_held(l->run, dir->path, "no folder is ever kept in "
			    "a directory of that name, so it is left alone; "
			    "rename it");
		return NULL;
	}
	f = l->names_fold ? folder_by_folded(&l->table, name) :
	    folder_by_name(&l->table, name);
	if (f == NULL)
		f = folder_in_any_inbox(l, name);
	if (f == NULL && dir->whole)
		f = folder_spelled_otherwise(l, name);
	if (f != NULL)
		f = take_directory(l, f, dir);
	else if (dir->whole)
		f = add_folder(l, strcasecmp(name, "INBOX") == 0 ? "INBOX" :
		    name, dir->path);
	free(name);
	return f;
}

static void
see_directory(struct folder *f, const struct maildir_folder *dir)
{
	f->local_seen = true;
	if (dir->whole)
		f->row.local = true;
	else
		f->local_broken = f->row.local;
}

/* Those that are known come first: another one is a folder's only if that has
 * lost its own. */
static void
add_known_directory(struct loading *l, const struct maildir_folder *dir)
{
	struct folder *f = folder_by_path(&l->table, dir->path);

	if (f != NULL)
		see_directory(f, dir);
}

static void
add_new_directory(struct loading *l, const struct maildir_folder *dir)
{
	struct folder *f = NULL;

	if (folder_by_path(&l->table, dir->path) != NULL)
		return;
	/* It may be another way to a folder that is hidden now. */
	if (!l->run->hold_remove_remote || !dir->by_link)
		f = folder_at(l, dir);
	if (f != NULL)
		see_directory(f, dir);
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

/* In a layout that came later it may be too long for any directory. */
static void
shorten_path(const struct run *run, struct index_folder *row)
{
	char *dir = row->path == NULL ? NULL :
	    layout_dir(&run->md->layout, row->path);

	if (dir == NULL) {
		free(row->path);
		row->path = maildir_path_encode(&run->md->layout, row->name);
	}
	free(dir);
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
		shorten_path(run, &f->row);
	}
	index_folders_free(v, n);
	return 0;
}

/* In another layout it would be a folder. */
static void
leave_stray(struct run *run, const char *dir)
{
	if (run->account->adopted || run->opt.adopt)
		say_held(run, dir, run->md->layout.dotted ?
		    "in layout maildir++ no folder has a directory of that "
		    "name, and there may be mail in it; rename it" :
		    "this directory begins with a dot, so it is no folder "
		    "here, and there is mail in it; move that into a directory "
		    "without the dot");
}

static int
load_disk(struct loading *l, struct err *err)
{
	struct run *run = l->run;
	struct maildir_folder *v = NULL;
	size_t n = 0, i;
	int rc = 0;

	if (run->md->fd == -1 || run->read_only)
		return 0;
	if (maildir_folders(run->md, &v, &n, err) == -1)
		return -1;
	for (i = 0; i < n; i++)
		if (v[i].unread != 0)
			leave_unread(l, &v[i]);
		else if (v[i].stray)
			leave_stray(run, v[i].path);
	for (i = 0; i < n; i++)
		if (v[i].unread == 0 && !v[i].stray)
			add_known_directory(l, &v[i]);
	for (i = 0; i < n; i++)
		if (v[i].unread == 0 && !v[i].stray)
			add_new_directory(l, &v[i]);
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

/* It is there whether LIST shows it or not, unless the server says that it is
 * not when it is asked (folder_proof.c). */
static void
add_inbox(struct loading *l)
{
	struct folder *f = folder_by_name(&l->table, "INBOX");

	if (f == NULL && conf_folder_matches(l->run->conf, "INBOX"))
		f = add_folder(l, "INBOX", "INBOX");
	if (f == NULL || (f->row.remote && !f->remote_gone))
		return;
	free(f->row.raw);
	f->row.raw = xstrdup("INBOX");
	f->row.remote = f->remote_gone = true;
}

/* Folders of the server that can be none here. */
static void
say_passed(struct run *run, const struct imap_list *list)
{
	static const char *const why[] = {
		[UNNAMED_OUTSIDE] = "it lies outside of the personal "
		    "namespace, and is not synchronised; take it out of "
		    "`folders`",
		[UNNAMED_LEVEL] = "a level of its name is empty, and no "
		    "directory can have that name; rename the folder on the "
		    "server, or take it out of `folders`",
		[UNNAMED_LONG] = "its name is too long; rename the folder on "
		    "the server, or take it out of `folders`",
		[UNNAMED_TWIN] = "another folder of the server has the same "
		    "name, written in another way; rename one of them there",
	};
	size_t i;

	for (i = 0; i < list->n_passed; i++)
		if (conf_folder_matches(run->conf, list->passed[i].name))
			say_held(run, list->passed[i].name,
			    why[list->passed[i].why]);
}

static void
load_list(struct loading *l, const struct imap_list *list)
{
	bool *known = xcalloc(list->n + 1, sizeof(*known));
	size_t i;

	for (i = 0; i < list->n; i++)
		known[i] = add_known_mailbox(l, &list->folder[i]);
	for (i = 0; i < list->n; i++)
		if (!known[i])
			add_mailbox(l, &list->folder[i]);
	free(known);
}

static int
load_sides(struct loading *l, const struct imap_list *list, struct err *err)
{
	if (list != NULL) {
		load_list(l, list);
		add_inbox(l);
		say_passed(l->run, list);
	}
	return load_disk(l, err);
}

int
folders_load(struct run *run, const struct imap_list *list, struct err *err)
{
	struct loading l = { .run = run };
	int64_t folds;
	size_t i;
	int rc;

	if (load_known(run, err) == -1 || lacking_load(run, err) == -1 ||
	    index_fact_get(run->ix, 0, FACT_FOLDS, &folds, err) == -1)
		return -1;
	l.names_fold = folds == NAMES_FOLD;
	folder_table_init(&l.table, run, maildir_folds_case(run->md));
	rc = load_sides(&l, list, err);
	folder_table_release(&l.table);
	if (rc == -1)
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

int
folders_reload(struct run *run, const struct imap_list *list, struct err *err)
{
	while (run->n_folder > 0)
		folder_release(&run->folder[--run->n_folder]);
	return folders_load(run, list, err);
}
