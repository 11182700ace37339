/*
 * The barrier between what adds and what removes, and what lies behind it.
 *
 *	second scan	where files were missing; digest what was not pushed
 *	once more	the turns over the folders, after a merge of folders or
 *			with --undo-deletes; then nothing is removed
 *	judge		count and guard
 *	remove		folder by folder; look again where trash went to; then
 *			deleted folders (drop.c)
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
static enum task_result remove_judged(struct task *);

static int
rescan_work(struct account *a, struct err *err)
{
	struct box *b = turns_box(a);
	struct observed_local seen;
	int64_t begun = clock_wall();

	if (observe_local(a->ix, &a->md, &b->row, LOOK_SECOND, &seen, err) == -1)
		return box_leave_out(a, b, err);
	if (seen.fault)		/* what was to be added has had its turn */
		box_tell_older(a, b, &seen);
	b->proof.scanned[1] = seen.complete ? begun : 0;
	a->lacking[1] += seen.lacking;
	return 0;
}

static enum task_result
rescan_each(struct task *t)
{
	struct account *a = (struct account *)t;
	struct box *b;

	if (a->turns->i != SIZE_MAX)
		(void)box_left_out(a, turns_box(a));
	while ((b = turns_next(a)) != NULL)
		if (b->missing && b->row.local)
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

	for (i = 0; i < a->n_box && rc == 0; i++) {
		struct index_folder *f = &a->box[i].row;

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
	struct box *b;

	while ((b = turns_next(a)) != NULL)
		if (b->unseen_local && b->row.local)
			return account_pass(a, digest_start, b, digest_each);
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
	work_tells(a, undo_sentence(a));
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
		return account_job(a, judge_forget, drop_begin);
	if (a->merged)
		return task_next(t, account_end);
	return account_job(a, judge_removals, judge);
}

static enum task_result
once_more(struct task *t)
{
	struct account *a = (struct account *)t;
	size_t i;

	undo_tell_unmarked(a);
	for (i = 0; i < a->n_box; i++)
		if (a->merged || a->box[i].undone)
			return task_next(t, turns_each);
	return task_next(t, pushed);
}

static enum task_result
tell_each(struct task *t)
{
	struct account *a = (struct account *)t;
	struct box *b;
	char *text;

	while ((b = turns_next(a)) != NULL)
		if (undo_concerns(b))
			return account_pass(a, undo_tell_start, b, tell_each);
	text = undo_sentence(a);
	account_tell(a, "%s", text);
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
	struct box *b = turns_next(a);
	bool local, remote;

	if (b == NULL)
		return turns_again(a, drop_begin);
	local = b->remove_local > 0 && !a->hold_remove_local;
	remote = b->remove_remote > 0 && !a->hold_remove_remote &&
	    b->row.remote;
	if (!box_in_play(b) || b->unsettled || (!local && !remote))
		return task_next(t, remove_each);
	if (remote && a->conf->trash != NULL && box_trash(a) == NULL) {
		box_note(a, b, ITEM_REMOVE, b->remove_remote, "%llu message%s "
		    "deleted here can't leave the server: there is no folder "
		    "%s there to go to; make it, or change `trash`",
		    (unsigned long long)b->remove_remote,
		    b->remove_remote == 1 ? "" : "s", a->conf->trash);
		return task_next(t, remove_each);
	}
	if (remote && b->row.read_only && !a->opt.dry_run)
		box_note(a, b, ITEM_REMOVE, b->remove_remote, "%llu message%s "
		    "deleted here can't be removed from the server: the folder "
		    "is read-only there", (unsigned long long)b->remove_remote,
		    b->remove_remote == 1 ? "" : "s");
	if (!remote || a->opt.dry_run)
		return account_pass(a, remove_start, b, remove_each);
	/* Selected anew, so that its UIDVALIDITY is known to be the same. */
	return account_pass(a, observe_remote_start, b, remove_observed);
}

static enum task_result
remove_observed(struct task *t)
{
	struct account *a = (struct account *)t;

	if (turns_box(a)->failed || turns_box(a)->unsettled)
		return task_next(t, remove_each);
	return account_job(a, judge_removals, remove_judged);
}

/* That look may have brought more removals than the guard has seen. */
static enum task_result
remove_judged(struct task *t)
{
	struct account *a = (struct account *)t;

	return account_pass(a, remove_start, turns_box(a), remove_each);
}
