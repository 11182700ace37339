/*
 * The turns over the folders of an account, in the order of design section 2:
 * what adds and what changes first, folder by folder; then, behind a barrier
 * (removals.c), what removes.
 *
 *	scan		every directory, once
 *	each folder	make it where it is missing; look at the server's side;
 *			pull; flags: several at a time (folder_tasks.c)
 *	push		after all pulls, so that what the server has is known
 *	look again	where appended messages did not get a UID
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "apply/transfer.h"
#include "run/folder_tasks.h"
#include "core/internal.h"
#include "plan/guard.h"
#include "run/phases.h"

static enum task_result turns_relisted(struct task *);
static enum task_result turns_scan(struct task *);
static enum task_result push_begin(struct task *);
static enum task_result push_each(struct task *);
static enum task_result again_each(struct task *);
static enum task_result again_observed(struct task *);
static enum task_result again_paired(struct task *);
static enum task_result again_pulled(struct task *);

struct folder *
turns_folder(struct account *a)
{
	return &a->folder[a->turns->i];
}

static bool
folder_is_inbox(const struct folder *f)
{
	return strcmp(f->row.name, "INBOX") == 0;
}

void
turns_rewind(struct account *a)
{
	a->turns->i = (size_t)-1;
}

struct folder *
turns_next(struct account *a)
{
	return ++a->turns->i < a->n_folder ? turns_folder(a) : NULL;
}

/* In the game for this run. */
bool
folder_in_play(const struct folder *f)
{
	return f->chosen && !f->failed && !f->local_broken;
}

/* --- folders that LIST lacked: a second look --- */

enum task_result
turns_begin(struct task *t)
{
	struct account *a = (struct account *)t;
	bool gone = false, any = false;
	size_t i;

	a->turns = xcalloc(1, sizeof(*a->turns));
	for (i = 0; i < a->n_folder; i++) {
		any |= a->folder[i].chosen;
		gone |= a->folder[i].remote_gone && a->folder[i].inside;
		if (a->folder[i].local_broken && a->folder[i].chosen)
			report_folder_issue(a, &a->folder[i], ITEM_FOLDER,
			    ALL_ROWS,
			    "the directory %s lacks some of cur, new and tmp, "
			    "or is a link to nowhere; mend it, it is left "
			    "alone until then", a->folder[i].row.path);
	}
	if (!any)
		report_issue(a, a->opt.n_glob > 0 ? "no folder matches %s; see "
		    "which there are in the Maildir" : "`folders` takes no "
		    "folder in", a->opt.n_glob > 0 ? a->opt.glob[0] : "");
	if (!gone)
		return task_next(t, turns_scan);
	imap_list_start(a->main.session, &a->turns->list, t);
	return task_wait(t, turns_relisted);
}

static bool
listed_again(const struct imap_list *list, const char *name)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->folder[i].selectable &&
		    strcmp(list->folder[i].name, name) == 0)
			return true;
	return false;
}

static enum task_result
turns_relisted(struct task *t)
{
	struct account *a = (struct account *)t;
	size_t i;

	switch (imap_result(&a->turns->list.cmd, &t->err)) {
	case 0:
		return task_wait(t, turns_relisted);
	case -1:
		return TASK_FAIL;
	}
	for (i = 0; i < a->n_folder; i++)
		if (listed_again(&a->turns->list, a->folder[i].row.name))
			a->folder[i].remote_gone = false;
	return task_next(t, turns_scan);
}

/* --- the first scan --- */

void
folder_report_older(struct account *a, struct folder *f,
    const struct observed_local *seen)
{
	const char *how = seen->returned ? "files that had been removed are "
	    "back" : "the directory is older than the last run left it";

	f->failed |= a->opt.dry_run;
	report_note_later(a, xasprintf("%s: %s (restored from a backup?); %s",
	    f->row.name, how, a->opt.dry_run ?
	    "a sync would merge both sides and delete nothing" :
	    "both sides are merged, nothing is deleted"));
}

/* STATUS does not tell when a folder can be written to again. */
static int
look_for_owed(struct account *a, struct folder *f, struct err *err)
{
	struct place row;
	int n;

	if (!f->row.read_only && f->row.permanent != 0)
		return 0;
	n = index_places(a->ix, PLACES_OWED, f->row.id, 0, &row, 1, err);
	f->owed = n > 0;
	if (n > 0)
		place_release(&row);
	return n < 0 ? -1 : 0;
}

static int
first_look(struct account *a, struct folder *f, struct observed_local *seen,
    int64_t *begun, struct err *err)
{
	int taken = prescan_take(a, &f->row, seen, begun, err);

	if (taken != 0)
		return taken == 1 ? 0 : -1;
	*begun = clock_wall();
	return observe_local(a->ix, &a->md, &f->row, LOOK_FIRST, seen, err);
}

static int
scan_folder(struct account *a, struct folder *f, struct err *err)
{
	struct observed_local seen = { .changed = false };
	struct index_counts counts = { .local = 0 };
	int64_t begun = 0;

	if (f->fault != NULL)		/* known when the folders were loaded */
		return 0;
	if (f->remote_gone && folder_gone_remote(a, f, err) == -1)
		return -1;
	if (!f->row.local &&
	    index_counts(a->ix, f->row.id, &counts, err) == -1)
		return -1;
	if (!f->row.local && counts.local > 0 &&
	    folder_gone_local(a, f, err) == -1)
		return -1;
	if (f->row.local && first_look(a, f, &seen, &begun, err) == -1)
		return folder_leave_out(a, f, err);
	if (seen.fault)
		folder_report_older(a, f, &seen);
	f->proof.scanned[0] = seen.complete ? begun : 0;
	f->missing = seen.missing;
	a->lacking[0] += seen.lacking;
	if (index_dirty(a->ix, f->row.id, &f->dirty, err) == -1 ||
	    folder_unseen(a, f, true, &f->unseen_local, err) == -1)
		return -1;
	return look_for_owed(a, f, err);
}

static int
scan_work(struct account *a, struct err *err)
{
	return scan_folder(a, turns_folder(a), err);
}

/* A job a folder, so that a signal is heeded in between. */
static enum task_result
scan_each(struct task *t)
{
	struct account *a = (struct account *)t;
	struct folder *f;

	if (a->turns->i != SIZE_MAX)
		(void)folder_left_out(a, turns_folder(a));
	while ((f = turns_next(a)) != NULL)
		if (f->inside && !f->local_broken)
			return account_job(a, scan_work, scan_each);
	return task_next(t, turns_each);
}

static enum task_result
turns_scan(struct task *t)
{
	struct account *a = (struct account *)t;

	report_progress(a, NULL, "scanning", 0, 0);
	turns_rewind(a);
	return task_next(t, scan_each);
}

/* --- each folder: what adds and what changes --- */

int
folder_leave_out(struct account *a, struct folder *f, const struct err *err)
{
	if (!is_folder_error(err))
		return -1;
	if (f->fault == NULL)
		f->fault = xcalloc(1, sizeof(*f->fault));
	*f->fault = *err;
	f->failed = a->hold_remove_remote = true;
	return 0;
}

bool
folder_left_out(struct account *a, struct folder *f)
{
	if (f->fault != NULL)
		folder_fail(a, f, f->fault);
	return f->failed;
}

enum folder_op
folder_verdict(const struct folder *f)
{
	struct folder_facts facts = {
		.base = f->row.base, .local = f->row.local,
		.remote = f->row.remote, .inbox = folder_is_inbox(f),
		.unseen = f->row.local ? f->unseen_local : f->unseen_remote,
	};

	return folder_reconcile(&facts);
}

/* When removals are undone, the other folders have had their turn. */
static bool
takes_part(const struct account *a, const struct folder *f)
{
	return folder_in_play(f) && (!a->undone || a->merged || f->undone);
}

/* Nothing that STATUS tells has moved, and nothing here waits to be done. */
static bool
is_unchanged(const struct account *a, const struct folder *f)
{
	const struct imap_folder *l = &f->listed;

	return !a->opt.full && !f->verify &&
	    l->has_status && l->modseq != 0 &&
	    f->row.base && f->dirty == 0 && !f->owed &&
	    l->modseq == f->row.modseq &&
	    l->uidvalidity == f->row.uidvalidity &&
	    l->uidnext == f->row.uidnext && l->messages == f->row.exists;
}

bool
folder_wants_look(const struct account *a, const struct folder *f)
{
	return takes_part(a, f) && (!f->row.local || !f->row.remote ||
	    !is_unchanged(a, f));
}

static bool
is_to_be_made(const struct account *a, const struct folder *f)
{
	return takes_part(a, f) && f->fault == NULL && !a->opt.dry_run &&
	    folder_verdict(f) == FOLDER_MAKE_LOCAL;
}

/* Durable, and then in the index: a directory that a power cut undoes would
 * look deleted. */
static int
record_made(struct account *a, struct folder *f, struct maildir_making *made,
    struct err *err)
{
	if (made->result == -1 && folder_leave_out(a, f, &made->err) == -1) {
		*err = made->err;
		return -1;
	}
	if (made->result == -1)
		return 0;
	f->row.local = f->row.base = true;
	return index_folder_put(a->ix, &f->row, err);
}

static int
make_them(struct account *a, struct folder **folder,
    struct maildir_making *made, size_t n, struct err *err)
{
	size_t i;
	int rc;

	if (n == 0)
		return 0;
	if (root_mark(a, err) == -1)
		return -1;
	maildir_folders_create(&a->md, made, n);
	rc = index_begin(a->ix, err);
	for (i = 0; i < n && rc == 0; i++)
		rc = record_made(a, folder[i], &made[i], err);
	return index_end(a->ix, rc, err);
}

/* The directories of all new folders at once, for few syncs. */
static int
make_work(struct account *a, struct err *err)
{
	struct maildir_making *made = xcalloc(a->n_folder + 1, sizeof(*made));
	struct folder **folder = xcalloc(a->n_folder + 1,
	    sizeof(struct folder *));
	size_t i, n = 0;
	int rc;

	for (i = 0; i < a->n_folder; i++) {
		if (!is_to_be_made(a, &a->folder[i]))
			continue;
		folder[n] = &a->folder[i];
		made[n++].path = a->folder[i].row.path;
	}
	rc = make_them(a, folder, made, n, err);
	free(made);
	free(folder);
	return rc;
}

static enum task_result
turns_made(struct task *t)
{
	struct account *a = (struct account *)t;
	size_t i;

	for (i = 0; i < a->n_folder; i++)
		if (a->folder[i].inside && !a->folder[i].local_broken)
			(void)folder_left_out(a, &a->folder[i]);
	return folder_tasks_begin(a, push_begin);
}

enum task_result
turns_each(struct task *t)
{
	struct account *a = (struct account *)t;
	bool any = false;
	size_t i;

	for (i = 0; i < a->n_folder; i++) {
		if (!is_to_be_made(a, &a->folder[i]))
			continue;
		any = true;
		report_done(a, SYNC_MAKE_LOCAL, &a->folder[i], NULL, "");
	}
	return any ? account_job(a, make_work, turns_made) :
	    task_next(t, turns_made);
}

/* --- pushing what is new --- */

static int
hold_uploads(struct account *a, struct err *err)
{
	struct index_counts counts;
	uint64_t uploads;

	if (a->adopted || a->opt.adopt || a->hold_push)
		return 0;
	if (index_counts(a->ix, 0, &counts, err) == -1)
		return -1;
	uploads = counts.local > counts.paired ? counts.local - counts.paired :
	    0;
	if (!guard_holds_uploads(uploads, counts.remote))
		return 0;
	a->hold_push = true;
	a->held_uploads = uploads;
	report_issue_later(a,
	    xasprintf("%llu files of the Maildir %s are not on the "
	    "server; this is the first run, so they are held. If they belong "
	    "there, run sync --adopt", (unsigned long long)uploads, a->md.root),
	    &a->held_uploads);
	return 0;
}

static int
push_work(struct account *a, struct err *err)
{
	size_t i;
	int rc;

	if (hold_uploads(a, err) == -1)
		return -1;
	/* What earlier runs appended without an answer has shown itself by now,
	 * or is not there. In the second turn they are this run's own. */
	if (a->opt.dry_run || a->merged || a->undone)
		return 0;
	rc = index_begin(a->ix, err);
	if (rc == 0 && !a->hold_push && !a->adopted)
		rc = index_set(a->ix, "adopted", "yes", err);
	for (i = 0; i < a->n_folder && rc == 0; i++)
		if (a->folder[i].observed)
			rc = index_intents_settle(a->ix, a->folder[i].row.id,
			    a->folder[i].row.uidvalidity, a->folder[i].unpulled,
			    err);
	if (rc == 0)
		rc = transfers_tidy(a, err);
	return index_end(a->ix, rc, err);
}

static enum task_result
push_begin(struct task *t)
{
	struct account *a = (struct account *)t;

	turns_rewind(a);
	return account_job(a, push_work, push_each);
}

static enum task_result
push_each(struct task *t)
{
	struct account *a = (struct account *)t;
	struct folder *f;

	while ((f = turns_next(a)) != NULL)
		if (takes_part(a, f) && !a->hold_push && f->dirty > 0 &&
		    f->row.remote && f->row.local)
			return account_pass(a, push_start, f, push_each);
	return turns_again(a, barrier_begin);
}

/* --- where the server did not tell the UIDs --- */

enum task_result
turns_again(struct account *a, task_step *after)
{
	turns_rewind(a);
	a->turns->after_again = after;
	return task_next(&a->task, again_each);
}

static enum task_result
again_each(struct task *t)
{
	struct account *a = (struct account *)t;
	struct folder *f;

	while ((f = turns_next(a)) != NULL)
		if (folder_in_play(f) && f->look_again)
			return account_pass(a, observe_remote_start, f,
			    again_observed);
	return task_next(t, a->turns->after_again);
}

static enum task_result
again_observed(struct task *t)
{
	struct account *a = (struct account *)t;

	turns_folder(a)->look_again = false;
	if (turns_folder(a)->failed)
		return task_next(t, again_each);
	return account_pass(a, pair_start, turns_folder(a), again_paired);
}

/* What was appended shows itself by its header; the rest is downloaded. */
static enum task_result
again_paired(struct task *t)
{
	struct account *a = (struct account *)t;

	return account_pass(a, pull_start, turns_folder(a), again_pulled);
}

/* A server that dropped flags on APPEND gets them now (imap4d). */
static enum task_result
again_pulled(struct task *t)
{
	struct account *a = (struct account *)t;

	if (turns_folder(a)->failed)
		return task_next(t, again_each);
	return account_pass(a, flags_start, turns_folder(a), again_each);
}

void
turns_release(struct account *a)
{
	if (a->turns == NULL)
		return;
	undo_release(&a->turns->undo);
	imap_list_release(&a->turns->list);
	imap_cmd_release(&a->turns->cmd);
	imap_select_release(&a->turns->select);
	free(a->turns);
	a->turns = NULL;
}
