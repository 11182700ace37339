/*
 * Holds what lies on disk against what the index last saw there. A directory
 * that changed is read once, and each name, with its inode, is looked up among
 * those that the rows want to see (observe/name_set.h): a row whose name is
 * there just so is not read, nor is its file looked at. What remains is what
 * changed: names that no row wants, and rows whose name is not there.
 *
 * Who renames, adds, removes or replaces a file moves the mtime of its
 * directory: where both directories are as they were when they were last read,
 * and nothing waits to be done, they are not even read. What is edited in place
 * moves nothing and keeps its inode: each file is looked at when a folder that
 * is not big changes otherwise, when it is due (verify-interval) and with
 * --full; for that index_folder.looked is set to 0.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/clock.h"
#include "observe/local_file.h"
#include "index/content.h"
#include "maildir/name.h"
#include "maildir/scan.h"
#include "maildir/store.h"
#include "observe/name_set.h"

#define NS	1000000000	/* in a second */

/* A look costs as much as five names that are only read. */
#define LOOK_ALWAYS	4096

struct scan {
	struct name_set names;
	struct index *ix;
	struct index_folder *folder;
	struct observed_local *out;
	struct known_files known;
	bool changed;		/* since the last reading */
	bool look;		/* at every file, not only at names */
	uint64_t held;		/* rows whose file an editor has put aside */
};

static int
collect(void *arg, const struct maildir_entry *e, struct err *err)
{
	struct scan *s = arg;

	(void)err;
	name_set_meet(&s->names, e);
	return 0;
}

static void
restart(void *arg)
{
	struct scan *s = arg;

	name_set_restart(&s->names);
}

/* --- rows whose name is not there --- */

/* 1: it has come back since the directory was read; 0, -1. */
static int
is_there(struct scan *s, const struct place *p, struct err *err)
{
	struct file_hint ignored;

	switch (maildir_look(&s->known.look, p->in_new, p->file, &ignored)) {
	case LOOKED_GONE:
		return 0;
	case LOOKED_UNKNOWN:	/* else its removal would wait in silence */
		return err_errno(err, ERR_IO, "can't look at %s/%s",
		    s->folder->path, p->file);
	case LOOKED_FILE:
	case LOOKED_OTHER:
		break;
	}
	s->known.unsure = true;
	return 1;
}

/* Not known to be renamed: the scan met no name with its unique part. */
static int
verify_absent(struct scan *s, const struct place *p, bool first,
    struct err *err)
{
	struct maildir_name name;
	int there;

	if (p->file == NULL || !maildir_name_parse(p->file, &name))
		return err_set(err, ERR_IO, "the index holds an impossible "
		    "file name: %s", p->file == NULL ? "none" : p->file);
	if (name_set_has_stray(&s->names, name.unique))
		return 0;
	there = is_there(s, p, err);
	if (there != 0)
		return there == -1 ? -1 : 0;
	if (name_set_has_beside(&s->names, name.unique)) {
		s->held++;
		return 0;
	}
	s->out->changed = true;
	s->out->lacking++;
	if (first) {
		s->out->missing = true;
		return p->missing ? 0 : index_miss_local(s->ix, p->id, err);
	}
	return p->missing ? index_unsee_local(s->ix, p->id, err) : 0;
}

static int
verify_row(struct scan *s, int64_t id, bool first, struct err *err)
{
	struct place p;
	int r = index_place_by_id(s->ix, id, &p, err);

	if (r <= 0)
		return r;
	r = p.local.present ? verify_absent(s, &p, first, err) : 0;
	place_release(&p);
	return r;
}

static int
verify_rows(struct scan *s, bool first, struct err *err)
{
	size_t i = 0;
	int64_t id;

	while (s->out->complete && (id = name_set_lacking(&s->names, &i)) != 0)
		if (verify_row(s, id, first, err) == -1)
			return -1;
	return 0;
}

/* --- files whose name is as it was --- */

static int
look_at(void *arg, struct place *p, struct err *err)
{
	struct scan *s = arg;

	if (p->file == NULL || p->hint.inode == 0)
		return 0;	/* looked at by its name */
	return name_set_was_met(&s->names, index_name_sum(p->in_new, p->file,
	    p->hint.inode)) ? known_file_check(&s->known, p, err) : 0;
}

static int
look_at_all(struct scan *s, struct err *err)
{
	const struct index_visit visit = { look_at, s };

	return index_each(s->ix, PLACES_LOCAL, s->folder->id, &visit, err);
}

/* --- names that no row wants --- */

/* Second reading: what appeared since the first is taken as well; what left is
 * a matter for the next run. */
static int
see_entry(void *arg, const struct maildir_entry *e, struct err *err)
{
	struct scan *s = arg;
	struct maildir_name name;

	if (name_set_was_met(&s->names, index_name_sum(e->in_new, e->file,
	    e->inode)) || !maildir_name_parse(e->file, &name))
		return 0;
	return known_file_see(&s->known, e->in_new, e->file, err);
}

static void
nothing(void *arg)
{
	(void)arg;
}

static int
record_strays(struct scan *s, struct maildir *md, struct err *err)
{
	const struct maildir_visit visit = { s, see_entry, nothing };
	const struct buf *names = &s->names.stray_names;
	struct maildir_scan again;
	size_t at;

	if (s->names.too_many)
		return maildir_scan(md, s->folder->path, &visit, &again, err);
	for (at = 0; at < names->len; ) {
		const char *p = (const char *)names->data + at;

		if (known_file_see(&s->known, *p == 'n', p + 1, err) == -1)
			return -1;
		at += strlen(p) + 1;
	}
	return 0;
}

/* --- what was not changed --- */

/*
 * Both directories are as they were when they were last read, and that was long
 * enough after their last change for a coarse clock to tell.
 */
static bool
is_quiet(const struct index_folder *f, const struct maildir_scan *scanned)
{
	int64_t last = scanned->new_mtime > scanned->cur_mtime ?
	    scanned->new_mtime : scanned->cur_mtime;

	return f->new_mtime == scanned->new_mtime &&
	    f->cur_mtime == scanned->cur_mtime && last / NS + 2 < f->scanned;
}

/* Nothing can have changed since the last reading. A row that still waits for
 * something wants its file seen. 1, 0, -1. */
static int
is_unread(struct index *ix, struct maildir *md, const struct index_folder *f,
    struct err *err)
{
	struct maildir_scan now;
	struct err ignored;
	bool calm;

	if (f->looked == 0 ||
	    maildir_stamps(md, f->path, &now, &ignored) == -1 ||
	    !is_quiet(f, &now))
		return 0;
	return index_is_calm(ix, f->id, &calm, err) == -1 ? -1 : calm;
}

/* begun: when the scan was. */
static int
record_stamps(struct scan *s, const struct maildir_scan *scanned,
    int64_t begun, struct err *err)
{
	struct index_folder *f = s->folder;
	const struct index_folder was = *f;

	if (!scanned->complete)
		return 0;
	f->new_mtime = scanned->new_mtime;
	f->cur_mtime = scanned->cur_mtime;
	f->scanned = s->known.unsure ? 0 : begun;
	if (s->look && !s->known.unsure)
		f->looked = begun;
	/* Read again before the stamps had cooled: not worth a write. */
	if (!s->changed && was.looked != 0 &&
	    (f->scanned == was.scanned || (f->scanned != 0 &&
	    was.scanned != 0 && !is_quiet(f, scanned))))
		return 0;
	return index_folder_put(s->ix, f, err);
}

/* A directory whose time went back was put there from a backup: what it lacks
 * nobody deleted (design section 5). */
#define BACK_NS	2000000000

static bool
went_back(const struct index_folder *f, const struct maildir_scan *now)
{
	return (f->new_mtime != 0 && now->new_mtime < f->new_mtime - BACK_NS) ||
	    (f->cur_mtime != 0 && now->cur_mtime < f->cur_mtime - BACK_NS);
}

/* --- a name that was removed and is back --- */

struct returned {
	const struct scan *scan;
	char **unique;
	size_t n, cap;
};

static int
returned_entry(void *arg, const char *unique)
{
	struct returned *r = arg;

	if (name_set_has_stray(&r->scan->names, span_of(unique)))
		*VEC_ADD(r->unique, r->n, r->cap) = xstrdup(unique);
	return 0;
}

static void
returned_release(struct returned *r)
{
	while (r->n > 0)
		free(r->unique[--r->n]);
	free(r->unique);
}

/*
 * Files that were removed on the server's word and that nobody but a backup
 * has: who copies one without its dates does not turn back the time of the
 * directory. No row wants to see it, so it is among the strays.
 */
static int
look_for_returned(const struct scan *s, struct returned *out, struct err *err)
{
	*out = (struct returned){ .scan = s };
	return s->names.stray.n > 0 ? index_removed(s->ix, s->folder->id,
	    returned_entry, out, err) : 0;
}

/* It is noticed once; from now on they are files like any other. */
static int
forget_base(struct scan *s, struct returned *back, struct err *err)
{
	size_t i;

	for (i = 0; i < back->n; i++)
		if (index_removed_drop(s->ix, s->folder->id, back->unique[i],
		    err) == -1)
			return -1;
	name_set_forget(&s->names);
	return index_reset_local(s->ix, s->folder->id, err);
}

/* --- a second scan of what has stood still since the first --- */

/*
 * Neither directory has changed since before the first scan, by a clock that
 * would tell: to read them again would give what that one gave.
 */
static bool
stood_still(struct maildir *md, const struct index_folder *f)
{
	struct maildir_scan now;
	struct err ignored;

	return maildir_stamps(md, f->path, &now, &ignored) == 0 &&
	    now.complete && is_quiet(f, &now);
}

static int
lose(void *arg, struct place *p, struct err *err)
{
	struct scan *s = arg;

	s->out->lacking++;
	return index_unsee_local(s->ix, p->id, err);
}

static int
lose_missing(struct scan *s, struct err *err)
{
	const struct index_visit visit = { lose, s };

	return index_each(s->ix, PLACES_MISSING, s->folder->id, &visit, err);
}

/* The first scan has made durable what was missing. */
static int
scan_unread(struct scan *s, struct err *err)
{
	int rc = index_begin(s->ix, err);

	s->out->complete = true;
	if (rc == 0)
		rc = lose_missing(s, err);
	return index_end(s->ix, rc, err);
}

/* Behind the reading: what it says of rows and files, in a transaction. */
static int
record_scan(struct scan *s, struct maildir *md, bool first, struct err *err)
{
	const char *path = s->folder->path;

	if (verify_rows(s, first, err) == -1 ||
	    (s->look && look_at_all(s, err) == -1) ||
	    record_strays(s, md, err) == -1)
		return -1;
	/* What is recorded must not be undone by a power cut (section 6). */
	s->out->changed |= s->known.changed;
	return s->out->changed ? maildir_sync_folder(md, path, err) : 0;
}

/* --- what needs the user --- */

/* Where it lies, as in name_set::odd. */
static const char *
sub_of(char in)
{
	return in == 'n' ? "new" : "cur";
}

static void
name_odd(struct run *run, const struct scan *s)
{
	const unsigned long long n = s->names.n_odd;
	const char *odd = s->names.odd;
	char *others = n > 1 ? xasprintf(" (and %llu more like it)", n - 1) :
	    xstrdup("");

	report_issue_later(run, xasprintf("%s: %s/%s is no plain file%s, so it "
	    "is not synchronised; put the message itself in its place, or take "
	    "it away", s->folder->name, sub_of(odd[0]), odd + 1, others), NULL);
	free(others);
}

static void
name_held(struct run *run, const struct scan *s)
{
	const unsigned long long n = s->held;

	report_issue_later(run, xasprintf("%s: of %llu message%s only what an "
	    "editor left is there (NAME~, #NAME#); put it in its place, or "
	    "take it away if the message is to be deleted", s->folder->name, n,
	    n == 1 ? "" : "s"), NULL);
}

/* Each run has to meet it. */
static void
name_all(struct run *run, struct scan *s, enum look look)
{
	s->out->edits = s->known.edits;
	s->out->replaced = s->known.replaced;
	s->out->named = s->names.n_odd > 0 || s->held > 0 ||
	    s->out->edits > 0;
	s->known.unsure |= s->out->named;
	if (look != LOOK_FIRST)
		return;
	if (s->names.n_odd > 0)
		name_odd(run, s);
	if (s->held > 0)
		name_held(run, s);
}

/* Reads the directories against the names that the rows want. */
static int
read_names(struct scan *s, struct maildir *md, struct maildir_scan *scanned,
    struct err *err)
{
	const struct maildir_visit visit = { s, collect, restart };
	const struct index_folder *f = s->folder;

	if (known_files_open(&s->known, s->ix, md, f, err) == -1 ||
	    name_set_load(&s->names, s->ix, f->id, err) == -1 ||
	    maildir_scan(md, f->path, &visit, scanned, err) == -1)
		return -1;
	s->out->complete = scanned->complete;
	s->changed = f->new_mtime != scanned->new_mtime ||
	    f->cur_mtime != scanned->cur_mtime;
	s->look = f->looked == 0 ||
	    (!is_quiet(f, scanned) && s->names.n <= LOOK_ALWAYS);
	name_set_seal(&s->names);
	return 0;
}

static int
scan(struct run *run, struct scan *s, enum look look, struct err *err)
{
	struct maildir *md = run->md;
	struct returned back = { .scan = s };
	struct maildir_scan scanned;
	int64_t begun = clock_wall();
	int rc;

	if (read_names(s, md, &scanned, err) == -1)
		return -1;
	if (look_for_returned(s, &back, err) == -1) {
		returned_release(&back);
		return -1;
	}
	s->out->fault = went_back(s->folder, &scanned);
	s->out->returned = back.n > 0 && !s->out->fault;
	s->out->fault |= s->out->returned;
	s->known.decides = look == LOOK_FIRST && !md->look_only &&
	    run->past.attempts == 0;
	/* Status, dry runs and prescans forget nothing. */
	if (s->out->fault && (md->look_only || look == LOOK_PRESCAN)) {
		returned_release(&back);
		return 0;
	}
	rc = index_begin(s->ix, err);
	if (rc == 0 && s->out->fault)
		rc = forget_base(s, &back, err);
	if (rc == 0)
		rc = record_scan(s, md, look != LOOK_SECOND, err);
	name_all(run, s, look);
	if (rc == 0)
		rc = record_stamps(s, &scanned, begun, err);
	returned_release(&back);
	return index_end(s->ix, rc, err);
}

int
observe_local(struct run *run, struct index_folder *f, enum look look,
    struct observed_local *out, struct err *err)
{
	struct index *ix = run->ix;
	struct maildir *md = run->md;
	struct scan s = { .ix = ix, .folder = f, .out = out };
	int rc = look != LOOK_SECOND ? is_unread(ix, md, f, err) : 0;

	*out = (struct observed_local){ .complete = rc == 1 };
	if (rc != 0)
		return rc == 1 ? 0 : -1;
	if (look == LOOK_SECOND && stood_still(md, f))
		return scan_unread(&s, err);
	rc = scan(run, &s, look, err);
	known_files_close(&s.known);
	name_set_release(&s.names);
	return rc;
}

int
observe_local_ours(struct index *ix, struct maildir *md, struct index_folder *f,
    struct err *err)
{
	struct err ignored = { .kind = ERR_NONE };
	struct maildir_scan now;

	/* Gone meanwhile: the next scan says what is to be said. */
	if (maildir_stamps(md, f->path, &now, &ignored) == -1)
		return 0;
	if (f->new_mtime == now.new_mtime && f->cur_mtime == now.cur_mtime)
		return 0;
	f->new_mtime = now.new_mtime;
	f->cur_mtime = now.cur_mtime;
	f->scanned = 0;		/* who else changed it is not known */
	return index_folder_put(ix, f, err);
}
