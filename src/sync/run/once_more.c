/*
 * Prepares another round of what adds. The server is not what it was: a folder
 * that one side lacks was not deleted by anybody, as far as we know, and is
 * made again. Or the user wants removals undone (undo.c), which makes them
 * additions.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mail/flags.h"
#include "run/phases.h"
#include "run/preview.h"
#include "run/undo.h"

struct again {
	struct phase phase;
	struct undo_counts undo;
};

static bool
wants_undo(const struct run *run)
{
	return run->opt.undo_deletes && !run->undone;
}

static bool
wants_merge(const struct run *run)
{
	return run->merging && !run->merged;
}

bool
wants_once_more(const struct run *run)
{
	return wants_undo(run) || wants_merge(run);
}

bool
has_another_round(const struct run *run)
{
	size_t i;

	for (i = 0; i < run->n_folder; i++)
		if (run->merged || run->folder[i].undone)
			return true;
	return false;
}

/* What it held is where it went: it is not made again beside that. */
static bool
has_left(const struct index_folder *row)
{
	return !row->remote && row->uidvalidity == 0 &&
	    strcmp(row->name, "INBOX") != 0;
}

/* It loses its base, and so is new on the server, which lacks it. One that the
 * disk lacks was deleted there: that waits. */
static int
merge_folder(struct run *run, struct index_folder *row, struct err *err)
{
	int rc;

	if (!row->base || !row->local || row->remote || has_left(row))
		return 0;
	row->base = false;
	rc = index_reset_remote(run->ix, row->id, NULL, err);
	return rc == -1 ? -1 : index_folder_put(run->ix, row, err);
}

static int
merge_folders(struct run *run, struct err *err)
{
	size_t i;
	int rc = index_begin(run->ix, err);

	for (i = 0; i < run->n_folder && rc == 0; i++)
		rc = merge_folder(run, &run->folder[i].row, err);
	return index_end(run->ix, rc, err);
}

static int
once_more_work(struct pass *p, struct err *err)
{
	struct again *a = (struct again *)p;
	struct run *run = p->run;

	if (wants_merge(run) && merge_folders(run, err) == -1)
		return -1;
	run->merged = run->merging;
	if (!wants_undo(run))
		return 0;
	run->undone = true;
	if (undo_removals(run, &a->undo, err) == -1)
		return -1;
	report_note_later(run, undo_sentence(run, &a->undo, false));
	return 0;
}

static enum task_result
once_more_done(struct task *t)
{
	undo_report_unmarked(phase_run(t), &((struct again *)t)->undo);
	return TASK_DONE;
}

static enum task_result
once_more_begin(struct task *t)
{
	struct run *run = phase_run(t);

	/* What vanishes from now on waits for the next run. */
	run->hold_remove_local = run->hold_remove_remote = true;
	return phase_job(t, once_more_work, once_more_done);
}

static void
again_finish(struct task *t)
{
	undo_release(&((struct again *)t)->undo);
	phase_end(t);
}

static void
again_start(struct run *run, struct pass_result *out, task_step *first)
{
	struct again *a = xcalloc(1, sizeof(*a));

	a->phase.pass.task.finish = again_finish;
	phase_start(&a->phase, run, out, "once more", first);
}

void
once_more_start(struct run *run, struct pass_result *out)
{
	again_start(run, out, once_more_begin);
}

/* --- a dry run --- */

/* Nothing is changed by it: what would come back is told as it would come. */
static void
tell_undone(void *arg, struct run *run, struct folder *f,
    const struct picked *p)
{
	unsigned ops = p->verdict.ops & REMOVE_OPS;
	const struct place *at = &p->place;

	undo_count(arg, f, p);
	if (ops == OP_REMOVE_REMOTE && !sight_hides(&f->sight, at))
		report_done(run, SYNC_PULL, f, at, "");
	if (at->local.present && (at->local.flags & FLAG_DELETED))
		report_done(run, SYNC_FLAG_LOCAL, f, at, "-\\Deleted");
	if (at->remote.present && (at->remote.flags & FLAG_DELETED))
		report_done(run, SYNC_FLAG_REMOTE, f, at, "-\\Deleted");
	if (ops == OP_REMOVE_LOCAL && !run->hold_push)
		report_done(run, SYNC_PUSH, f, at, "");
}

static enum task_result
preview_undo_next(struct task *t)
{
	struct again *a = (struct again *)t;
	struct phase *ph = &a->phase;
	struct run *run = phase_run(t);
	struct folder *f;
	char *text;

	while ((f = phase_next_folder(t)) != NULL && !undo_concerns(f))
		;
	if (f == NULL) {
		text = undo_sentence(run, &a->undo, true);
		report_note(run, "%s", text);
		free(text);
		return TASK_DONE;
	}
	if (undo_makes_folder(f)) {
		a->undo.folders++;
		report_done(run, f->row.local ? SYNC_MAKE_REMOTE :
		    SYNC_MAKE_LOCAL, f, NULL, "");
	}
	preview_start(ph->pass.conn, f, &ph->folder_pass, &(struct preview){
	    .ops = REMOVE_OPS, .unseen = true, .tell = tell_undone,
	    .arg = &a->undo });
	return pass_wait(t, &ph->folder_pass, preview_undo_next);
}

void
preview_undo_start(struct run *run, struct pass_result *out)
{
	again_start(run, out, preview_undo_next);
}
