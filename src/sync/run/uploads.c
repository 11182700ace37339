/*
 * Uploads what is new on disk, after all pulls, so that what the server has is
 * known. A first run that would upload suspiciously much holds
 * it.
 */

#include "apply/apply.h"
#include "apply/transfer.h"
#include "base/mem.h"
#include "match/match.h"
#include "observe/observe.h"
#include "plan/guard.h"
#include "run/phases.h"

static enum task_result upload_next(struct task *);

static int
hold_uploads(struct run *run, struct err *err)
{
	struct index_counts counts;

	if (run->account->adopted || run->opt.adopt || run->hold_push)
		return 0;
	if (index_counts(run->ix, 0, &counts, err) == -1)
		return -1;
	if (!guard_holds_uploads(counts.unpaired_local, counts.remote))
		return 0;
	run->hold_push = true;
	run->held_uploads = counts.unpaired_local;
	report_issue_later(run, xasprintf("%llu files of the Maildir %s are "
	    "not on the server; this is the first run, so they are held. If "
	    "they belong there, run sync --adopt",
	    (unsigned long long)counts.unpaired_local, run->md->root),
	    &run->held_uploads);
	return 0;
}

/* What earlier runs appended without an answer has shown itself by now, or is
 * not there. */
static int
settle_intents(struct run *run, struct err *err)
{
	size_t i;
	int rc = index_begin(run->ix, err);

	if (rc == 0 && !run->hold_push && !run->account->adopted)
		rc = index_set(run->ix, "adopted", "yes", err);
	for (i = 0; i < run->n_folder && rc == 0; i++) {
		const struct folder *f = &run->folder[i];

		if (f->observed)
			rc = index_intents_settle(run->ix, f->row.id,
			    f->row.uidvalidity, f->unpulled, err);
	}
	if (rc == 0)
		rc = transfers_tidy(run, err);
	return index_end(run->ix, rc, err);
}

/* In a second round, or a later attempt, the intents are this run's own. */
static int
upload_work(struct pass *p, struct err *err)
{
	struct run *run = p->run;

	if (hold_uploads(run, err) == -1)
		return -1;
	if (run->md->look_only || run->merged || run->undone || run->past.sent)
		return 0;
	run->past.sent = true;
	return settle_intents(run, err);
}

static enum task_result
upload_next(struct task *t)
{
	struct run *run = phase_run(t);
	struct folder *f;

	while ((f = phase_next_folder(t)) != NULL)
		if (!run->hold_push && folder_takes_uploads(run, f))
			return phase_pass(t, run->passes->push, upload_next);
	return TASK_DONE;
}

static enum task_result
uploads_settled(struct task *t)
{
	(void)t;
	return TASK_DONE;
}

static enum task_result
uploads_settle(struct task *t)
{
	return phase_job(t, upload_work, uploads_settled);
}

void
uploads_settle_start(struct run *run, struct pass_result *out)
{
	struct phase *ph = xcalloc(1, sizeof(*ph));

	phase_start(ph, run, out, "settle uploads", uploads_settle);
}

void
uploads_start(struct run *run, struct pass_result *out)
{
	struct phase *ph = xcalloc(1, sizeof(*ph));

	ph->risks = STEP_BIT(STEP_PUSH);
	phase_start(ph, run, out, "uploads", upload_next);
}

/* --- what was uploaded is looked at --- */

static enum task_result again_observed(struct task *);
static enum task_result again_held(struct task *);
static enum task_result again_paired(struct task *);
static enum task_result again_pulled(struct task *);
static enum task_result again_through(struct task *);

static enum task_result
again_next(struct task *t)
{
	struct folder *f;

	while ((f = phase_next_folder(t)) != NULL)
		if (folder_in_play(f) && f->look_again)
			return phase_pass(t, observe_remote_start,
			    again_observed);
	return TASK_DONE;
}

static enum task_result
again_observed(struct task *t)
{
	struct folder *f = phase_folder(t);

	f->look_again = false;
	/* Should the connection be lost: what was seen is paired first. */
	f->through = false;
	if (f->failed)
		return task_next(t, again_next);
	return phase_pass(t, uploaded_start, again_held);
}

static enum task_result
again_held(struct task *t)
{
	return phase_pass(t, pair_start, again_paired);
}

/* What was appended shows itself by its header; the rest is downloaded. */
static enum task_result
again_paired(struct task *t)
{
	return phase_pass(t, pull_start, again_pulled);
}

/* A server that dropped flags on APPEND gets them now (imap4d). */
static enum task_result
again_pulled(struct task *t)
{
	if (phase_folder(t)->failed)
		return task_next(t, again_next);
	return phase_pass(t, flags_start, again_through);
}

static enum task_result
again_through(struct task *t)
{
	struct folder *f = phase_folder(t);

	f->through = !f->failed && !phase_run(t)->pairs_only;
	return task_next(t, again_next);
}

void
look_again_start(struct run *run, struct pass_result *out)
{
	struct phase *ph = xcalloc(1, sizeof(*ph));

	ph->risks = STEP_BIT(STEP_LOOK) | STEP_BIT(STEP_UPLOADED) |
	    STEP_BIT(STEP_PAIR) | STEP_BIT(STEP_PULL) | STEP_BIT(STEP_FLAGS);
	phase_start(ph, run, out, "look again", again_next);
}
