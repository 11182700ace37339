/*
 * The barrier between what adds and what removes, and what lies behind it.
 *
 *	second scan	where files were missing; digest what was not pushed
 *	once more	the turns over the folders, after a merge of folders or
 *			with --undo-deletes; then nothing is removed
 *	judge		count and guard
 *	remove		folder by folder; look again where trash went to; then
 *			deleted folders (folder_drop.c)
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/internal.h"
#include "run/phases.h"

static enum task_result digest_each(struct task *);
static enum task_result pushed(struct task *);
static enum task_result once_more(struct task *);
static enum task_result tell_each(struct task *);
static enum task_result judge(struct task *);
static enum task_result remove_begin(struct task *);
static enum task_result remove_each(struct task *);
static enum task_result remove_observed(struct task *);
static enum task_result remove_checked_again(struct task *);

static int
rescan_work(struct account *a, struct err *err)
{
	struct folder *f = turns_folder(a);
	struct observed_local seen;
	int64_t begun = clock_wall();

	if (observe_local(a->ix, &a->md, &f->row, LOOK_SECOND, &seen, err) ==
	    -1)
		return folder_leave_out(a, f, err);
	if (seen.fault)		/* what was to be added has had its turn */
		folder_report_older(a, f, &seen);
	f->proof.scanned[1] = seen.complete ? begun : 0;
	a->lacking[1] += seen.lacking;
	return 0;
}

static enum task_result
rescan_each(struct task *t)
{
	struct account *a = (struct account *)t;
	struct folder *f;

	if (a->turns->i != SIZE_MAX)
		(void)folder_left_out(a, turns_folder(a));
	while ((f = turns_next(a)) != NULL)
		if (f->missing && f->row.local)
			return account_job(a, rescan_work, rescan_each);
	turns_rewind(a);
	return task_next(t, digest_each);
}

/*
 * The server is not what it was: a folder that one side lacks was not deleted by
 * anybody, as far as we know. It loses its base, and the turns begin anew: they
 * make it again.
 */
static int
merge_work(struct account *a, struct err *err)
{
	size_t i;
	int rc = index_begin(a->ix, err);

	for (i = 0; i < a->n_folder && rc == 0; i++) {
		struct index_folder *f = &a->folder[i].row;

		if (!f->base || f->local == f->remote)
			continue;
		f->base = false;
		f->looked = f->local ? f->looked : 0;
		rc = f->local ? index_reset_remote(a->ix, f->id, err) :
		    index_reset_local(a->ix, f->id, err);
		if (rc == 0)
			rc = index_folder_put(a->ix, f, err);
	}
	return index_end(a->ix, rc, err);
}

/* What was not pushed, for whatever reason, keeps the server's copy alive. */
static enum task_result
digest_each(struct task *t)
{
	struct account *a = (struct account *)t;
	struct folder *f;

	while ((f = turns_next(a)) != NULL)
		if (f->unseen_local && f->row.local)
			return account_pass(a, digest_start, f, digest_each);
	return task_next(t, pushed);
}

static int
once_more_work(struct account *a, struct err *err)
{
	if (a->merging && !a->merged && merge_work(a, err) == -1)
		return -1;
	a->merged = a->merging;
	if (!a->opt.undo_deletes || a->undone)
		return 0;
	a->undone = true;
	if (undo_removals(a, &a->turns->undo, err) == -1)
		return -1;
	report_note_later(a, undo_sentence(a));
	return 0;
}

/* All is done that adds. */
static enum task_result
pushed(struct task *t)
{
	struct account *a = (struct account *)t;
	bool undo = a->opt.undo_deletes && !a->undone;

	if (undo && a->opt.dry_run) {
		turns_rewind(a);
		return task_next(t, tell_each);
	}
	if (undo || (a->merging && !a->merged)) {
		/* What vanishes from now on waits for the next run. */
		a->hold_remove_local = a->hold_remove_remote = true;
		return account_job(a, once_more_work, once_more);
	}
	if (a->undone)
		return account_job(a, removals_forget, drop_begin);
	if (a->merged)
		return task_next(t, account_end);
	return account_job(a, removal_check, judge);
}

static enum task_result
once_more(struct task *t)
{
	struct account *a = (struct account *)t;
	size_t i;

	undo_tell_unmarked(a);
	for (i = 0; i < a->n_folder; i++)
		if (a->merged || a->folder[i].undone)
			return task_next(t, turns_each);
	return task_next(t, pushed);
}

static enum task_result
tell_each(struct task *t)
{
	struct account *a = (struct account *)t;
	struct folder *f;
	char *text;

	while ((f = turns_next(a)) != NULL)
		if (undo_concerns(f))
			return account_pass(a, undo_tell_start, f, tell_each);
	text = undo_sentence(a);
	report_note(a, "%s", text);
	free(text);
	return task_next(t, account_end);
}

enum task_result
barrier_begin(struct task *t)
{
	turns_rewind((struct account *)t);
	return task_next(t, rescan_each);
}

static enum task_result
judge(struct task *t)
{
	struct account *a = (struct account *)t;

	if (a->removals == 0)
		return task_next(t, drop_begin);
	return task_next(t, remove_begin);
}

/* --- what removes --- */

static int
mark_work(struct account *a, struct err *err)
{
	return root_mark(a, err);
}

static enum task_result
remove_begin(struct task *t)
{
	struct account *a = (struct account *)t;

	turns_rewind(a);
	return account_job(a, mark_work, remove_each);
}

static enum task_result
remove_each(struct task *t)
{
	struct account *a = (struct account *)t;
	struct folder *f = turns_next(a);
	bool local, remote;

	if (f == NULL)
		return turns_again(a, drop_begin);
	local = f->remove_local > 0 && !a->hold_remove_local;
	remote = f->remove_remote > 0 && !a->hold_remove_remote &&
	    f->row.remote;
	if (!folder_in_play(f) || f->unsettled || (!local && !remote))
		return task_next(t, remove_each);
	if (remote && a->conf->trash != NULL && folder_trash(a) == NULL) {
		report_folder_issue(a, f, ITEM_REMOVE, f->remove_remote,
		    "%llu message%s "
		    "deleted here can't leave the server: there is no folder "
		    "%s there to go to; make it, or change `trash`",
		    (unsigned long long)f->remove_remote, f->remove_remote == 1
		    ? "" : "s", a->conf->trash);
		return task_next(t, remove_each);
	}
	if (remote && f->row.read_only && !a->opt.dry_run)
		report_folder_issue(a, f, ITEM_REMOVE, f->remove_remote,
		    "%llu message%s "
		    "deleted here can't be removed from the server: the folder "
		    "is read-only there", (unsigned long long)f->remove_remote,
		    f->remove_remote == 1 ? "" : "s");
	if (!remote || a->opt.dry_run)
		return account_pass(a, remove_start, f, remove_each);
	/* Selected anew, so that its UIDVALIDITY is known to be the same. */
	return account_pass(a, observe_remote_start, f, remove_observed);
}

static enum task_result
remove_observed(struct task *t)
{
	struct account *a = (struct account *)t;

	if (turns_folder(a)->failed || turns_folder(a)->unsettled)
		return task_next(t, remove_each);
	return account_job(a, removal_check, remove_checked_again);
}

/* That look may have brought more removals than the guard has seen. */
static enum task_result
remove_checked_again(struct task *t)
{
	struct account *a = (struct account *)t;

	return account_pass(a, remove_start, turns_folder(a), remove_each);
}
