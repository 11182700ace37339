/*
 * Takes back what was removed. The bytes are copied to a new file under a fresh
 * name, a batch at a time:
 *
 *	tmp/		each is written, and compared with what it should be
 *	index		its place, on disk alone: who begins again after a cut
 *			finds it there, and if the file is not, nothing is lost
 *	new/, cur/	synced, renamed, synced
 *	index		what was done, in the log
 *
 * For a sync it is a file that waits to be pushed, like any other.
 */
#include "run/restore.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/os.h"
#include "core/report.h"
#include "index/content.h"
#include "index/folder.h"
#include "mail/flags.h"
#include "maildir/deliver.h"
#include "maildir/layout.h"
#include "maildir/name.h"
#include "observe/observe.h"

#define BATCH_MAX	100

/* One file of a batch. */
struct restored {
	const struct wanted *w;
	struct maildir_delivery *delivery;
	struct fingerprint fp;
	char *from, *file;
	unsigned flags;
	int64_t place, content;
};

struct batch {
	struct restore *r;
	struct folder *folder;
	struct maildir_batch *store;
	struct restored item[BATCH_MAX];
	size_t n;
};

/* --- telling --- */

static void
tell_restored(struct restore *r, const struct wanted *w,
    struct sync_restored what)
{
	what.id = w->id;
	what.folder = w->folder;
	what.message_id = w->message_id;
	what.subject = w->subject;
	what.sender = w->sender;
	r->visit->restored(r->visit->arg, &what);
}

/* --- the folder --- */

static int
record_folder(struct run *run, struct index_folder *row, struct err *err)
{
	int rc = index_begin(run->ix, err);

	if (rc == 0)
		rc = index_folder_put(run->ix, row, err);
	return index_end(run->ix, rc, err);
}

/* One that is gone comes back: for a sync it is new on disk. */
static struct folder *
folder_comes_back(struct run *run, const char *name, struct err *err)
{
	struct folder *f;
	char *path = maildir_path_encode(&run->md->layout, name);

	if (path == NULL) {
		err_set(err, ERR_IO, "no directory can stand for the folder "
		    "%s", name);
		return NULL;
	}
	f = VEC_ADD(run->folder, run->n_folder, run->cap_folder);
	*f = (struct folder){ .row = {
		.name = xstrdup(name), .path = path, .local = true,
		.permanent_keywords = xstrdup(""),
	} };
	return record_folder(run, &f->row, err) == -1 ? NULL : f;
}

/* Its directory is durable before the index speaks of it. */
static struct folder *
get_folder(struct restore *r, const char *name, struct err *err)
{
	struct folder *f = folder_named(r->run, name);
	char *path = f != NULL ? xstrdup(f->row.path) :
	    maildir_path_encode(&r->run->md->layout, name);
	int rc = 0;

	if (path != NULL)
		rc = maildir_folder_create(r->run->md, path, err);
	free(path);
	if (rc == -1)
		return NULL;
	return f != NULL ? f : folder_comes_back(r->run, name, err);
}

/* --- a batch --- */

static struct batch *
batch_new(struct restore *r, const char *folder, struct err *err)
{
	struct batch *b = xcalloc(1, sizeof(*b));

	b->r = r;
	if (r->changed || root_mark(r->run, err) == 0) {
		r->changed = true;
		b->folder = get_folder(r, folder, err);
	}
	if (b->folder == NULL) {
		free(b);
		return NULL;
	}
	b->store = maildir_batch_new(r->run->md, b->folder->row.path, false);
	return b;
}

static void
batch_free(struct batch *b)
{
	size_t i;

	for (i = 0; i < b->n; i++) {
		free(b->item[i].from);
		free(b->item[i].file);
	}
	maildir_batch_free(b->store);
	free(b);
}

/* The octets are those that were removed; where nothing is known of them, the
 * name has to do. */
static int
is_it(struct run *run, const struct wanted *w, const struct fingerprint *fp,
    bool *out, struct err *err)
{
	struct index_content c;
	int found;

	*out = !w->has_digest || memcmp(w->digest, fp->content,
	    sizeof(w->digest)) == 0;
	if (w->content == 0)
		return 0;
	found = index_content_by_id(run->ix, w->content, &c, err);
	if (found == 1)
		*out = fingerprint_is(fp, c.form, c.digest);
	return found == -1 ? -1 : 0;
}

/* 1: it waits for the commit; 0: it is not what was removed; -1. */
static int
batch_add(struct batch *b, const struct wanted *w, struct restore_source *src,
    struct err *err)
{
	struct restored *item = &b->item[b->n];
	struct stat st;
	int64_t date;
	bool same;
	int rc;

	*item = (struct restored){ .w = w };
	if (maildir_deliver_begin(b->store, &item->delivery, err) == -1)
		return -1;
	rc = maildir_deliver_copy(item->delivery, src->fd, &item->fp, err);
	if ((rc == -1 && err->kind != ERR_STALE) ||
	    (rc == 0 && is_it(b->r->run, w, &item->fp, &same, err) == -1))
		return -1;
	if (rc == -1 || !same || fstat(src->fd, &st) == -1) {
		maildir_deliver_drop(item->delivery);
		return 0;
	}
	date = (int64_t)os_mtime(&st).tv_sec;
	item->flags = (src->is_own ? src->flags : w->flags) &
	    ~(unsigned)FLAG_DELETED;
	if (src->letters != NULL)
		maildir_deliver_letters(item->delivery, span_of(src->letters));
	if (maildir_deliver_place(item->delivery, item->flags, &date,
	    err) == -1)
		return -1;
	item->from = xstrdup(src->from);
	b->n++;
	return 1;
}

static int
put_place(struct batch *b, struct restored *item, struct err *err)
{
	struct index *ix = b->r->run->ix;
	struct index_seen_local seen = {
		.flags = item->flags,
		.hint = *maildir_delivery_hint(item->delivery),
	};
	struct maildir_name name;
	struct place p;
	bool changed;
	int rc;

	seen.file = maildir_delivery_file(item->delivery, &seen.in_new);
	item->file = xstrdup(seen.file);
	if (!maildir_name_parse(seen.file, &name))
		return err_set(err, ERR_IO, "impossible file name %s",
		    seen.file);
	place_init(&p);
	p.folder = b->folder->row.id;
	p.unique = span_dup(name.unique);
	state_set(&p.local, false, 0, item->w->keywords);
	rc = index_content_put(ix, &item->fp, &p.content, err);
	if (rc == 0)
		rc = index_place_see(ix, &p, &seen, &changed, err);
	item->place = p.id;
	item->content = p.content;
	place_release(&p);
	return rc;
}

static int
put_places(struct batch *b, struct err *err)
{
	struct index *ix = b->r->run->ix;
	size_t i;
	int rc = index_begin(ix, err);

	for (i = 0; i < b->n && rc == 0; i++)
		rc = put_place(b, &b->item[i], err);
	return index_end(ix, rc, err);
}

/* They are not on disk. */
static void
drop_places(struct batch *b)
{
	struct index *ix = b->r->run->ix;
	struct err ignored;
	size_t i;
	int rc = index_begin(ix, &ignored);

	for (i = 0; i < b->n && rc == 0; i++)
		rc = index_place_drop(ix, b->item[i].place, &ignored);
	(void)index_end(ix, rc, &ignored);
}

static int
log_item(struct batch *b, const struct restored *item, struct err *err)
{
	char *why = xasprintf("from %s, as entry %lld says that it was removed",
	    item->from, (long long)item->w->id);
	struct maildir_name name = { .flags = 0 };
	char *unique = NULL;
	int rc;

	if (maildir_name_parse(item->file, &name))
		unique = span_dup(name.unique);
	rc = log_line(b->r->run, &(struct index_log_line){
		.what = "restored", .folder = b->folder->row.name,
		.unique = unique, .content = item->content,
		.flags = item->flags, .evidence = why,
		.keywords = *item->w->keywords != '\0' ? item->w->keywords :
		    NULL,
	    }, err);
	free(unique);
	free(why);
	return rc;
}

static int
log_items(struct batch *b, struct err *err)
{
	struct index *ix = b->r->run->ix;
	size_t i;
	int rc = index_begin(ix, err);

	for (i = 0; i < b->n && rc == 0; i++)
		rc = log_item(b, &b->item[i], err);
	return index_end(ix, rc, err);
}

static int
batch_commit(struct batch *b, struct err *err)
{
	struct maildir_commit commit = { .batch = b->store };
	size_t i;

	if (b->n == 0)
		return 0;
	if (put_places(b, err) == -1)
		return -1;
	maildir_batches_commit(&commit, 1);
	if (commit.result == -1) {
		drop_places(b);
		*err = commit.err;
		return -1;
	}
	if (log_items(b, err) == -1)
		return -1;
	for (i = 0; i < b->n; i++)
		tell_restored(b->r, b->item[i].w, (struct sync_restored){
		    .as = RESTORED, .file = b->item[i].file,
		    .from = b->item[i].from });
	return 0;
}

/* --- a message --- */

/* 1: that is all; 0. */
static int
needs_nothing(struct restore *r, const struct restore_search *s)
{
	char *file = restore_is_there(r, s), *path = NULL;

	if (file == NULL && r->request->n_id == 0)
		path = restore_is_filed(r, s);
	if (file != NULL)
		tell_restored(r, s->w, (struct sync_restored){
		    .as = RESTORE_THERE, .file = file });
	else if (path != NULL)
		tell_restored(r, s->w, (struct sync_restored){
		    .as = RESTORE_FILED, .from = path });
	free(file);
	free(path);
	return file != NULL || path != NULL;
}

static int
take_source(struct restore *r, struct batch *b, const struct wanted *w,
    struct restore_source *src, struct err *err)
{
	if (!r->request->dry_run)
		return batch_add(b, w, src, err);
	tell_restored(r, w, (struct sync_restored){ .as = RESTORED,
	    .from = src->from });
	return 1;
}

/* b: NULL in a dry run. */
static int
restore_message(struct restore *r, struct batch *b, const struct wanted *w,
    struct err *err)
{
	struct restore_search s;
	struct restore_source src;
	int done, rc = restore_search_begin(r, w, &s, err);

	if (rc == -1)
		return -1;
	done = needs_nothing(r, &s);
	while (done == 0 && restore_search_next(r, &s, &src)) {
		done = take_source(r, b, w, &src, err);
		restore_source_close(&src);
	}
	if (done == 0)
		tell_restored(r, w, (struct sync_restored){
		    .as = RESTORE_LOST });
	restore_search_end(&s);
	return done == -1 ? -1 : 0;
}

/* Of one folder, from the i-th on; *i moves on. */
static int
restore_some(struct restore *r, size_t *i, struct err *err)
{
	const char *folder = r->wanted[*i].folder;
	struct batch *b = NULL;
	int rc = 0;

	if (!r->request->dry_run) {
		b = batch_new(r, folder, err);
		if (b == NULL)
			return -1;
	}
	while (rc == 0 && *i < r->n && (b == NULL || b->n < BATCH_MAX) &&
	    strcmp(r->wanted[*i].folder, folder) == 0)
		rc = restore_message(r, b, &r->wanted[(*i)++], err);
	if (b == NULL)
		return rc;
	if (rc == 0)
		rc = batch_commit(b, err);
	batch_free(b);
	return rc;
}

/* --- the account --- */

static int
load_folders(struct run *run, struct err *err)
{
	struct index_folder *v;
	size_t n, i;

	if (index_folders(run->ix, &v, &n, err) == -1)
		return -1;
	run->folder = xcalloc(n + 1, sizeof(*run->folder));
	run->cap_folder = n + 1;
	run->n_folder = n;
	for (i = 0; i < n; i++) {
		run->folder[i].row = v[i];
		v[i] = (struct index_folder){ .id = 0 };
	}
	index_folders_free(v, n);
	return 0;
}

static int
restore_open_index(struct restore *r, struct err *err)
{
	struct account *a = r->run->account;
	struct index_open_result how = { .fresh = false };
	int rc = account_open_index(a, r->request->dry_run ? INDEX_READ :
	    INDEX_WRITE, &how, err);

	if (rc == 0 && how.set_aside != NULL)
		rc = err_set(err, ERR_HELD, "the index was damaged and lies at "
		    "%s now: run sync, which merges both sides",
		    how.set_aside);
	else if (rc == -1 && err->kind == ERR_STALE)
		err_set(err, ERR_USAGE, "account %s was never synced: nothing "
		    "was removed", a->conf->name);
	free(how.set_aside);
	r->run->ix = a->ix;
	return rc;
}

/* A file that a merge would look at anew belongs to no sync that was. */
static int
restore_open_root(struct restore *r, struct err *err)
{
	struct run *run = r->run;
	bool current;

	if (root_find(run->account, err) == -1 ||
	    root_is_current(run, &current, err) == -1)
		return -1;
	if (!current)
		return err_set(err, ERR_HELD, "the Maildir %s is not as the "
		    "last sync left it, or is not there; run sync first",
		    run->md->root);
	run->md->look_only = r->request->dry_run;
	return r->request->dry_run ? 0 : maildir_lock(run->md, err);
}

static int
restore_all(struct restore *r, struct err *err)
{
	size_t i = 0;

	if (restore_open_index(r, err) == -1 ||
	    restore_open_root(r, err) == -1 ||
	    load_folders(r->run, err) == -1 || restore_find(r, err) == -1 ||
	    index_newest_place(r->run->ix, &r->newest, err) == -1)
		return -1;
	while (i < r->n)
		if (restore_some(r, &i, err) == -1)
			return -1;
	return 0;
}

int
sync_restore(const struct conf_account *conf, const char *state_dir,
    const struct sync_restore_request *request,
    const struct sync_restore_visit *visit, struct err *err)
{
	struct account a = { .conf = conf, .state_dir = state_dir,
	    .md = { .fd = -1, .mark_fd = -1 } };
	struct run run = { .account = &a, .conf = conf, .md = &a.md };
	struct restore r = { .run = &run, .request = request,
	    .visit = visit };
	int rc = restore_all(&r, err);
	size_t i;

	restore_release(&r);
	for (i = 0; i < run.n_folder; i++)
		folder_release(&run.folder[i]);
	free(run.folder);
	index_close(a.ix);
	maildir_close(&a.md);
	return rc;
}
