/*
 * What is new on disk and known to the server is copied there, folder by folder
 * of those that have it, before the rest is uploaded.
 */
#include "match/copies.h"

#include "apply/apply.h"
#include "base/mem.h"
#include "observe/observe.h"
#include "run/phases.h"

static enum task_result copies_next(struct task *);
static enum task_result copies_observed(struct task *);

static int
copies_work(struct pass *p, struct err *err)
{
	return copies_find(p->run, err);
}

static enum task_result
copies_next(struct task *t)
{
	struct run *run = phase_run(t);
	struct folder *f;

	/* A dry run tells of them where it tells of uploads. */
	if (run->copies->n == 0 || run->md->look_only)
		return TASK_DONE;
	while ((f = phase_next_folder(t)) != NULL)
		/* Selected anew, so that its UIDVALIDITY is known to be the
		 * same. */
		if (copies_from(run, f) < run->copies->n)
			return phase_pass(t, observe_remote_start,
			    copies_observed);
	return TASK_DONE;
}

static enum task_result
copies_observed(struct task *t)
{
	struct run *run = phase_run(t);

	if (phase_folder(t)->failed || run->merging)
		return task_next(t, copies_next);
	return phase_pass(t, copy_start, copies_next);
}

static enum task_result
copies_begin(struct task *t)
{
	return phase_job(t, copies_work, copies_next);
}

void
copies_start(struct run *run, struct pass_result *out)
{
	struct phase *ph = xcalloc(1, sizeof(*ph));

	ph->risks = STEP_BIT(STEP_LOOK) | STEP_BIT(STEP_COPY);
	phase_start(ph, run, out, "copies", copies_begin);
}
