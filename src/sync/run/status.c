/* Tells what a sync would push, without the network. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "core/pick.h"
#include "observe/folder_renamed.h"
#include "observe/observe.h"
#include "run/preview.h"

#define OUTGOING	(OP_PUSH | OP_FLAG_REMOTE | OP_REMOVE_REMOTE)
#define INCOMING	(OP_PULL | OP_FLAG_LOCAL | OP_REMOVE_LOCAL)

struct status {
	struct run *run;
	struct folder *folder;
	struct sync_status *out;
	bool current;		/* the Maildir is as the last sync left it */
};

static void report(struct status *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* What status itself found. */
static void
report(struct status *s, const char *fmt, ...)
{
	const struct sync_callbacks *cb = &s->run->report.cb;
	char text[1000];
	struct sync_item item = { .text = text, .due = true };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->out->held++;
	cb->item(cb->arg, s->run->conf->name, &item);
}

/* --- opening, beside a sync if need be --- */

static int
open_index_beside(struct status *s, struct err *err)
{
	struct account *a = s->run->account;
	struct index_open_result how = { .fresh = false };
	int rc = account_open_index(a, INDEX_WRITE, &how, err);

	if (rc == -1 && err->kind == ERR_BUSY) {
		s->run->read_only = s->out->busy = true;
		rc = account_open_index(a, INDEX_READ, &how, err);
	}
	if (how.set_aside != NULL)
		report(s, "the index was damaged and lies at %s now; the next "
		    "sync merges both sides", how.set_aside);
	free(how.set_aside);
	return rc;
}

static int
open_for_status(struct status *s, struct err *err)
{
	struct account *a = s->run->account;
	int rc = open_index_beside(s, err);

	if (rc == -1)
		return -1;
	s->run->ix = a->ix;
	rc = root_find_beside(s->run, &s->current, err);
	a->md.look_only = true;
	return rc;
}

/* --- a folder --- */

/* The same two looks that a sync takes. */
static int
scan_twice(struct status *s, struct err *err)
{
	struct run *run = s->run;
	struct index_folder *row = &s->folder->row;
	struct observed_local seen;

	if (observe_local(run, row, LOOK_FIRST, &seen, err) == -1)
		return -1;
	if (seen.fault)		/* what becomes of it is not known before */
		report_note(run, "%s: the folder is not as the last sync left "
		    "it (restored from a backup?); the next one merges both "
		    "sides and deletes nothing", row->name);
	return seen.missing ? observe_local(run, row, LOOK_SECOND,
	    &seen, err) : 0;
}

static int
visit(void *arg, struct picked *p, struct err *err)
{
	struct status *s = arg;
	unsigned bit;

	(void)err;
	for (bit = 1; bit <= OP_REMOVE_REMOTE; bit <<= 1)
		s->out->outgoing += (p->verdict.ops & bit & OUTGOING) != 0;
	s->out->incoming += (p->verdict.ops & INCOMING) != 0;
	report_verdict(s->run, s->folder, p, OUTGOING);
	return 0;
}

static void
report_folder(struct status *s)
{
	enum folder_op op = folder_verdict(s->folder);

	if (op != FOLDER_MAKE_REMOTE && op != FOLDER_REMOVE_REMOTE)
		return;
	s->out->outgoing++;
	report_done(s->run, op == FOLDER_MAKE_REMOTE ? SYNC_MAKE_REMOTE :
	    SYNC_DROP_REMOTE, s->folder, NULL, "");
}

/* A folder of the index that is gone from disk lost its files, too. */
static int
unsee_lost(struct status *s, struct err *err)
{
	struct index_counts counts;

	if (index_counts(s->run->ix, s->folder->row.id, &counts, err) == -1)
		return -1;
	return counts.local > 0 ? folder_gone_local(s->run, s->folder, err) :
	    0;
}

/* 1: nothing more is to be said of it; 0, -1. */
static int
look_at_disk(struct status *s, struct err *err)
{
	struct folder *f = s->folder;

	if (f->fault != NULL) {
		report(s, "%s: %s", f->row.name, f->fault->msg);
		return 1;
	}
	if (s->run->read_only)
		return 0;
	if (!f->row.local)
		return unsee_lost(s, err);
	if (scan_twice(s, err) == 0)
		return 0;
	if (!err_is_of_path(err))
		return -1;
	report(s, "%s: %s", f->row.name, err->msg);
	return 1;
}

static int
look_at_folder(struct status *s, struct err *err)
{
	const struct plan_visit all = { .ops = ~0u, .row = visit,
	    .arg = s, .texts = true };
	struct folder *f = s->folder;
	int rc;

	if (f->row.id == 0)
		return 0;	/* new, and the index is not ours now */
	rc = look_at_disk(s, err);
	if (rc != 0)
		return rc == 1 ? 0 : -1;
	if (folder_unseen(s->run, f, true, &f->unseen_local, err) == -1)
		return -1;
	report_folder(s);
	return plan_each(s->run, f, &all, err);
}

/* --- what the last runs could not do, in the words that they used --- */

/* Those of folders that `folders` does not take in any more are left out. */
static bool
is_inside(const struct run *run, int64_t folder, const char **name_out)
{
	const struct folder *f = folder != 0 ? folder_by_id(run, folder) :
	    NULL;

	*name_out = f != NULL ? f->row.name : NULL;
	return f == NULL || f->inside;
}

static void
report_item(struct status *s, const struct index_item *it)
{
	const struct sync_callbacks *cb = &s->run->report.cb;
	struct sync_item item = item_for_user(it);

	if (!is_inside(s->run, it->folder, &item.folder) || *it->text == '\0')
		return;
	s->out->held += !item.ignored && it->kind < ITEM_SECRET;
	s->out->ignored += item.ignored;
	cb->item(cb->arg, s->run->conf->name, &item);
}

static int
report_all_items(struct status *s, struct err *err)
{
	struct index_item row[64];
	struct index_item_stream all = { .folder = -1 };
	int i, n;

	do {
		n = index_items(s->run->ix, &all, row, 64, err);
		for (i = 0; i < n; i++) {
			report_item(s, &row[i]);
			index_item_release(&row[i]);
		}
	} while (n == 64);
	return n < 0 ? -1 : 0;
}

/* --- all of it --- */

static int
get_last_sync(struct status *s, struct err *err)
{
	char *last;

	if (index_get(s->run->ix, "last-sync", &last, err) == -1)
		return -1;
	s->out->last_sync = last == NULL ? 0 : strtoll(last, NULL, 10);
	free(last);
	return 0;
}

/* Of folders that have another name on disk no more is told: a sync has them
 * renamed on the server, if that may be, and looks at what is in them then. */
static int
tell_renamed(struct status *s, struct err *err)
{
	struct folders_renamed r = { .n = 0 };
	struct run *run = s->run;
	size_t i;
	int rc;

	for (i = 0; i < run->n_folder; i++)
		run->folder[i].remote_gone = false;	/* nobody asked */
	rc = run->read_only ? 0 : folders_find_renamed(run, &r, err);
	for (i = 0; i < r.n && rc == 0; i++) {
		struct folder *was = folder_by_id(run, r.v[i].id);
		struct folder *now = folder_named(run, r.v[i].to);

		was->failed = now->failed = true;
		s->out->outgoing++;
		report_done(run, SYNC_RENAME_REMOTE, now, NULL, was->row.name);
	}
	folders_renamed_release(&r);
	return rc;
}

/* As renamed. What can't be read has failed, too, and says why. */
static bool
was_told(const struct folder *f)
{
	return f->failed && f->fault == NULL;
}

static int
report_all(struct status *s, struct err *err)
{
	struct run *run = s->run;
	size_t i;

	if (get_last_sync(s, err) == -1)
		return -1;
	/* What is not there now nobody deleted, as far as we know. */
	run->read_only |= !s->current;
	if (!s->current && s->out->last_sync != 0)
		report(s, "the Maildir %s is not as the last sync left it, "
		    "or is not there: this tells what was known then",
		    run->md->root);
	if (folders_load(run, NULL, err) == -1 || tell_renamed(s, err) == -1)
		return -1;
	for (i = 0; i < run->n_folder; i++) {
		s->folder = &run->folder[i];
		if (s->folder->inside && !s->folder->local_broken &&
		    !was_told(s->folder) && look_at_folder(s, err) == -1)
			return -1;
	}
	return report_all_items(s, err);
}

int
sync_status(const struct conf_account *conf, const char *state_dir,
    const struct sync_callbacks *cb, struct sync_status *out, struct err *err)
{
	struct account a = { .conf = conf, .state_dir = state_dir,
	    .md = { .fd = -1, .mark_fd = -1 } };
	struct run run = { .account = &a, .conf = conf, .md = &a.md,
	    .report = { .cb = *cb } };
	struct status s = { .run = &run, .out = out };
	size_t i;
	int rc;

	*out = (struct sync_status){ .outgoing = 0 };
	rc = open_for_status(&s, err);
	if (rc == -1 && err->kind == ERR_STALE)
		rc = 0;			/* never synced: nothing to tell */
	else if (rc == 0)
		rc = report_all(&s, err);
	for (i = 0; i < run.n_folder; i++)
		folder_release(&run.folder[i]);
	free(run.folder);
	report_release(&run.report);
	index_close(a.ix);
	maildir_close(&a.md);
	return rc;
}

/* --- an item is settled --- */

/* Without the lock: whether there is one. */
static int
find_item(struct index *ix, struct sync_ignored *item, struct err *err)
{
	struct index_item_stream from = { -1, item->id - 1 };
	struct index_item it;
	int n = index_items(ix, &from, &it, 1, err);

	if (n <= 0)
		return n;
	item->found = it.id == item->id && *it.text != '\0';
	index_item_release(&it);
	return 0;
}

int
sync_ignore(const struct conf_account *conf, const char *state_dir,
    struct sync_ignored *item, struct err *err)
{
	struct account a = { .conf = conf, .state_dir = state_dir };
	struct index_open_result how = { .fresh = false };
	char *path = account_index_path(&a, err);
	int rc;

	item->found = false;
	if (path == NULL)
		return -1;
	rc = index_open(&a.ix, path, item->look_only ? INDEX_READ :
	    INDEX_WRITE, &how, err);
	free(how.set_aside);
	free(path);
	if (rc == -1)
		return err->kind == ERR_STALE ? 0 : -1;
	if (item->look_only)
		rc = find_item(a.ix, item, err);
	else if ((rc = index_begin(a.ix, err)) == 0)
		rc = index_end(a.ix, index_item_ignore(a.ix, item->id,
		    &item->found, err), err);
	index_close(a.ix);
	return rc;
}
