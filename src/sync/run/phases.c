/*
 * The turns over the folders of an account, in the order of design section 2:
 * what adds and what changes first, folder by folder; then, behind a barrier
 * (barrier.c), what removes.
 *
 *	scan		every directory, once
 *	each folder	make it where it is missing; look at the server's side;
 *			pull; flags: several at a time (hands.c)
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

struct box *
turns_box(struct account *a)
{
	return &a->box[a->turns->i];
}

static bool
box_is_inbox(const struct box *b)
{
	return strcmp(b->row.name, "INBOX") == 0;
}

void
turns_rewind(struct account *a)
{
	a->turns->i = (size_t)-1;
}

struct box *
turns_next(struct account *a)
{
	return ++a->turns->i < a->n_box ? turns_box(a) : NULL;
}

/* In the game for this run. */
bool
box_in_play(const struct box *b)
{
	return b->chosen && !b->failed && !b->local_broken;
}

/* --- folders that LIST lacked: a second look --- */

enum task_result
turns_begin(struct task *t)
{
	struct account *a = (struct account *)t;
	bool gone = false, any = false;
	size_t i;

	a->turns = xcalloc(1, sizeof(*a->turns));
	for (i = 0; i < a->n_box; i++) {
		any |= a->box[i].chosen;
		gone |= a->box[i].remote_gone && a->box[i].inside;
		if (a->box[i].local_broken && a->box[i].chosen)
			box_note(a, &a->box[i], ITEM_FOLDER, ALL_ROWS,
			    "the directory %s lacks some of cur, new and tmp, "
			    "or is a link to nowhere; mend it, it is left "
			    "alone until then", a->box[i].row.path);
	}
	if (!any)
		account_note(a, a->opt.n_glob > 0 ? "no folder matches %s; see "
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
	for (i = 0; i < a->n_box; i++)
		if (listed_again(&a->turns->list, a->box[i].row.name))
			a->box[i].remote_gone = false;
	return task_next(t, turns_scan);
}

/* --- the first scan --- */

void
box_tell_older(struct account *a, struct box *b,
    const struct observed_local *seen)
{
	const char *how = seen->returned ? "files that had been removed are "
	    "back" : "the directory is older than the last run left it";

	b->failed |= a->opt.dry_run;
	work_tells(a, xasprintf("%s: %s (restored from a backup?); %s",
	    b->row.name, how, a->opt.dry_run ?
	    "a sync would merge both sides and delete nothing" :
	    "both sides are merged, nothing is deleted"));
}

/* STATUS does not tell when a folder can be written to again. */
static int
look_for_owed(struct account *a, struct box *b, struct err *err)
{
	struct place row;
	int n;

	if (!b->row.read_only && b->row.permanent != 0)
		return 0;
	n = index_places(a->ix, PLACES_OWED, b->row.id, 0, &row, 1, err);
	b->owed = n > 0;
	if (n > 0)
		place_release(&row);
	return n < 0 ? -1 : 0;
}

static int
first_look(struct account *a, struct box *b, struct observed_local *seen,
    int64_t *begun, struct err *err)
{
	int taken = early_take(a, &b->row, seen, begun, err);

	if (taken != 0)
		return taken == 1 ? 0 : -1;
	*begun = clock_wall();
	return observe_local(a->ix, &a->md, &b->row, LOOK_FIRST, seen, err);
}

static int
scan_box(struct account *a, struct box *b, struct err *err)
{
	struct observed_local seen = { .changed = false };
	struct index_counts counts = { .local = 0 };
	int64_t begun = 0;

	if (b->fault != NULL)		/* known when the folders were loaded */
		return 0;
	if (b->remote_gone && box_gone_remote(a, b, err) == -1)
		return -1;
	if (!b->row.local &&
	    index_counts(a->ix, b->row.id, &counts, err) == -1)
		return -1;
	if (!b->row.local && counts.local > 0 &&
	    box_gone_local(a, b, err) == -1)
		return -1;
	if (b->row.local && first_look(a, b, &seen, &begun, err) == -1)
		return box_leave_out(a, b, err);
	if (seen.fault)
		box_tell_older(a, b, &seen);
	b->proof.scanned[0] = seen.complete ? begun : 0;
	b->missing = seen.missing;
	a->lacking[0] += seen.lacking;
	if (index_dirty(a->ix, b->row.id, &b->dirty, err) == -1 ||
	    box_unseen(a, b, true, &b->unseen_local, err) == -1)
		return -1;
	return look_for_owed(a, b, err);
}

static int
scan_work(struct account *a, struct err *err)
{
	return scan_box(a, turns_box(a), err);
}

/* A job a folder, so that a signal is heeded in between. */
static enum task_result
scan_each(struct task *t)
{
	struct account *a = (struct account *)t;
	struct box *b;

	if (a->turns->i != SIZE_MAX)
		(void)box_left_out(a, turns_box(a));
	while ((b = turns_next(a)) != NULL)
		if (b->inside && !b->local_broken)
			return account_job(a, scan_work, scan_each);
	return task_next(t, turns_each);
}

static enum task_result
turns_scan(struct task *t)
{
	struct account *a = (struct account *)t;

	account_progress(a, NULL, "scanning", 0, 0);
	turns_rewind(a);
	return task_next(t, scan_each);
}

/* --- each folder: what adds and what changes --- */

int
box_leave_out(struct account *a, struct box *b, const struct err *err)
{
	if (!is_folder_error(err))
		return -1;
	if (b->fault == NULL)
		b->fault = xcalloc(1, sizeof(*b->fault));
	*b->fault = *err;
	b->failed = a->hold_remove_remote = true;
	return 0;
}

bool
box_left_out(struct account *a, struct box *b)
{
	if (b->fault != NULL)
		box_fail(a, b, b->fault);
	return b->failed;
}

enum folder_op
box_folder_op(const struct box *b)
{
	struct folder_facts facts = {
		.base = b->row.base, .local = b->row.local,
		.remote = b->row.remote, .inbox = box_is_inbox(b),
		.unseen = b->row.local ? b->unseen_local : b->unseen_remote,
	};

	return folder_reconcile(&facts);
}

/* When removals are undone, the other folders have had their turn. */
static bool
takes_part(const struct account *a, const struct box *b)
{
	return box_in_play(b) && (!a->undone || a->merged || b->undone);
}

/* Nothing that STATUS tells has moved, and nothing here waits to be done. */
static bool
is_unchanged(const struct account *a, const struct box *b)
{
	const struct imap_folder *l = &b->listed;

	return !a->opt.full && !b->verify &&
	    l->has_status && l->modseq != 0 &&
	    b->row.base && b->dirty == 0 && !b->owed &&
	    l->modseq == b->row.modseq &&
	    l->uidvalidity == b->row.uidvalidity &&
	    l->uidnext == b->row.uidnext && l->messages == b->row.exists;
}

bool
box_wants_look(const struct account *a, const struct box *b)
{
	return takes_part(a, b) && (!b->row.local || !b->row.remote ||
	    !is_unchanged(a, b));
}

static bool
is_to_be_made(const struct account *a, const struct box *b)
{
	return takes_part(a, b) && b->fault == NULL && !a->opt.dry_run &&
	    box_folder_op(b) == FOLDER_MAKE_LOCAL;
}

/* Durable, and then in the index: a directory that a power cut undoes would
 * look deleted. */
static int
record_made(struct account *a, struct box *b, struct maildir_making *made,
    struct err *err)
{
	if (made->result == -1 && box_leave_out(a, b, &made->err) == -1) {
		*err = made->err;
		return -1;
	}
	if (made->result == -1)
		return 0;
	b->row.local = b->row.base = true;
	return index_folder_put(a->ix, &b->row, err);
}

static int
make_them(struct account *a, struct box **box, struct maildir_making *made,
    size_t n, struct err *err)
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
		rc = record_made(a, box[i], &made[i], err);
	return index_end(a->ix, rc, err);
}

/* The directories of all new folders at once, for few syncs. */
static int
make_work(struct account *a, struct err *err)
{
	struct maildir_making *made = xcalloc(a->n_box + 1, sizeof(*made));
	struct box **box = xcalloc(a->n_box + 1, sizeof(struct box *));
	size_t i, n = 0;
	int rc;

	for (i = 0; i < a->n_box; i++) {
		if (!is_to_be_made(a, &a->box[i]))
			continue;
		box[n] = &a->box[i];
		made[n++].path = a->box[i].row.path;
	}
	rc = make_them(a, box, made, n, err);
	free(made);
	free(box);
	return rc;
}

static enum task_result
turns_made(struct task *t)
{
	struct account *a = (struct account *)t;
	size_t i;

	for (i = 0; i < a->n_box; i++)
		if (a->box[i].inside && !a->box[i].local_broken)
			(void)box_left_out(a, &a->box[i]);
	return hands_begin(a, push_begin);
}

enum task_result
turns_each(struct task *t)
{
	struct account *a = (struct account *)t;
	bool any = false;
	size_t i;

	for (i = 0; i < a->n_box; i++) {
		if (!is_to_be_made(a, &a->box[i]))
			continue;
		any = true;
		account_done(a, SYNC_MAKE_LOCAL, &a->box[i], NULL, "");
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
	uploads = counts.local > counts.paired ? counts.local - counts.paired : 0;
	if (!guard_holds_uploads(uploads, counts.remote))
		return 0;
	a->hold_push = true;
	a->held_uploads = uploads;
	work_holds(a, xasprintf("%llu files of the Maildir %s are not on the "
	    "server; this is the first run, so they are held. If they belong "
	    "there, run sync --adopt", (unsigned long long)uploads,
	    a->md.root), &a->held_uploads);
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
	for (i = 0; i < a->n_box && rc == 0; i++)
		if (a->box[i].observed)
			rc = index_intents_settle(a->ix, a->box[i].row.id,
			    a->box[i].row.uidvalidity, a->box[i].unpulled, err);
	if (rc == 0)
		rc = copies_tidy(a, err);
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
	struct box *b;

	while ((b = turns_next(a)) != NULL)
		if (takes_part(a, b) && !a->hold_push && b->dirty > 0 &&
		    b->row.remote && b->row.local)
			return account_pass(a, push_start, b, push_each);
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
	struct box *b;

	while ((b = turns_next(a)) != NULL)
		if (box_in_play(b) && b->look_again)
			return account_pass(a, observe_remote_start, b,
			    again_observed);
	return task_next(t, a->turns->after_again);
}

static enum task_result
again_observed(struct task *t)
{
	struct account *a = (struct account *)t;

	turns_box(a)->look_again = false;
	if (turns_box(a)->failed)
		return task_next(t, again_each);
	return account_pass(a, pair_start, turns_box(a), again_paired);
}

/* What was appended shows itself by its header; the rest is downloaded. */
static enum task_result
again_paired(struct task *t)
{
	struct account *a = (struct account *)t;

	return account_pass(a, pull_start, turns_box(a), again_pulled);
}

/* A server that dropped flags on APPEND gets them now (imap4d). */
static enum task_result
again_pulled(struct task *t)
{
	struct account *a = (struct account *)t;

	if (turns_box(a)->failed)
		return task_next(t, again_each);
	return account_pass(a, flags_start, turns_box(a), again_each);
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
