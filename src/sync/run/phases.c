/*
 * Takes a run from its beginning to its end: look at both sides, carry over
 * what adds and what changes, then what removes, then settle the account.
 */
#include "run/phases.h"

#include <stdlib.h>

#include "apply/apply.h"
#include "base/mem.h"

struct entry {
	phase_starter *start;	/* NULL: the list ends here */
	bool (*wanted)(const struct run *);	/* NULL: always */
};

struct phases {
	size_t at;		/* the next of its list */
	bool busy;		/* one is at work */
	struct pass_result result;	/* of that one */
};

static enum task_result phases_add(struct task *);
static enum task_result phases_added(struct task *);
static enum task_result phases_once_more(struct task *);
static enum task_result phases_again(struct task *);
static enum task_result phases_preview_undo(struct task *);
static enum task_result phases_remove(struct task *);
static enum task_result phases_end(struct task *);
static enum task_result phases_done(struct task *);

/* --- which are wanted --- */

static bool
carries_out(const struct run *run)
{
	return run->passes == &passes_real;
}

/* What it finds in doubt later on is its own. */
static bool
waits_for_earlier(const struct run *run)
{
	return carries_out(run) && run->past.attempts == 0;
}

static bool
may_be_a_mistake(const struct run *run)
{
	return !run->account->adopted && !run->opt.adopt;
}

static bool
pairs_first(const struct run *run)
{
	return run->pairs_only;
}

static bool
is_not_held(const struct run *run)
{
	return !run->held;
}

/* In a merge it is not certain enough what the server has. */
static bool
may_copy(const struct run *run)
{
	return !run->held && !run->hold_push && !run->merging && !run->undone;
}

static bool
is_undone(const struct run *run)
{
	return run->undone;
}

/* After a merge nothing goes, nor where removals were undone instead. */
static bool
removes(const struct run *run)
{
	return !run->undone && !run->merged;
}

static bool
settles_drafts(const struct run *run)
{
	return removes(run) && carries_out(run);
}

static bool
has_removals(const struct run *run)
{
	return removes(run) && run->removals > 0;
}

/* What was adopted just now was paired a moment ago, and costs enough. */
static bool
verifies(const struct run *run)
{
	return removes(run) && carries_out(run) && !run->opt.adopt &&
	    run->conf->verify_bytes > 0;
}

static bool
drops(const struct run *run)
{
	return run->undone || !run->merged;
}

static bool
expires(const struct run *run)
{
	return carries_out(run) && drops(run);
}

/* --- in order --- */

static const struct entry looking[] = {
	{ open_start, NULL },
	{ settle_wait_start, waits_for_earlier },
	{ connect_start, NULL },
	{ first_scan_start, NULL },
	{ adoption_start, may_be_a_mistake },
	{ folder_tasks_start, pairs_first },
	{ adoption_settle_start, pairs_first },
	{ NULL, NULL }
};

static const struct entry adding[] = {
	{ make_directories_start, carries_out },
	{ folder_tasks_start, is_not_held },
	{ uploads_settle_start, is_not_held },
	{ copies_start, may_copy },
	{ uploads_start, is_not_held },
	{ look_again_start, is_not_held },
	{ second_scan_start, NULL },
	{ digest_unpushed_start, NULL },
	{ NULL, NULL }
};

static const struct entry once_more[] = {
	{ once_more_start, NULL },
	{ NULL, NULL }
};

static const struct entry preview_undo[] = {
	{ preview_undo_start, NULL },
	{ NULL, NULL }
};

static const struct entry removing[] = {
	{ forget_start, is_undone },
	{ drafts_start, settles_drafts },
	{ removal_check_start, removes },
	{ removals_start, has_removals },
	{ verify_phase_start, verifies },
	{ look_again_start, removes },
	{ folder_drop_start, drops },
	{ attic_expiry_start, expires },
	{ NULL, NULL }
};

static const struct entry ending[] = {
	{ unread_start, NULL },
	{ unseen_start, NULL },
	{ settle_start, NULL },
	{ close_start, NULL },
	{ NULL, NULL }
};

/* --- one after the other --- */

/* Goes through a list; self is the step that calls this, next follows. */
static enum task_result
each(struct task *t, const struct entry *list, task_step *self,
    task_step *next)
{
	struct run *run = (struct run *)t;
	struct phases *p = run->phases;

	if (p->busy && !p->result.done) {
		task_wake(run->phase);
		return task_wait(t, self);
	}
	if (p->busy && p->result.err.kind != ERR_NONE)
		return task_fail(t, &p->result.err);
	p->busy = false;
	while (list[p->at].start != NULL) {
		const struct entry *e = &list[p->at++];

		if (e->wanted != NULL && !e->wanted(run))
			continue;
		p->busy = true;
		e->start(run, &p->result);
		return task_wait(t, self);
	}
	p->at = 0;
	return task_next(t, next);
}

enum task_result
phases_begin(struct task *t)
{
	struct run *run = (struct run *)t;

	if (run->phases == NULL)
		run->phases = xcalloc(1, sizeof(*run->phases));
	return each(t, looking, phases_begin, phases_add);
}

static enum task_result
phases_add(struct task *t)
{
	return each(t, adding, phases_add, phases_added);
}

/* All is done that adds. */
static enum task_result
phases_added(struct task *t)
{
	struct run *run = (struct run *)t;

	if (!wants_once_more(run))
		return task_next(t, phases_remove);
	return task_next(t, carries_out(run) ? phases_once_more :
	    phases_preview_undo);
}

/* The server is not what it was, or removals are undone: what has to be made
 * or transferred for that takes another round. */
static enum task_result
phases_once_more(struct task *t)
{
	return each(t, once_more, phases_once_more, phases_again);
}

static enum task_result
phases_again(struct task *t)
{
	return task_next(t, has_another_round((struct run *)t) ? phases_add :
	    phases_added);
}

static enum task_result
phases_preview_undo(struct task *t)
{
	return each(t, preview_undo, phases_preview_undo, phases_end);
}

static enum task_result
phases_remove(struct task *t)
{
	return each(t, removing, phases_remove, phases_end);
}

static enum task_result
phases_end(struct task *t)
{
	return each(t, ending, phases_end, phases_done);
}

static enum task_result
phases_done(struct task *t)
{
	(void)t;
	return TASK_DONE;
}

void
phases_release(struct run *run)
{
	free(run->foreign);
	run->foreign = NULL;
	free(run->phases);
	run->phases = NULL;
}
