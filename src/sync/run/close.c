/*
 * Ends a run that went through: what is to be told is made up and kept; then
 * all is closed, unless the account stays open for the next run.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/learned.h"
#include "run/account.h"
#include "run/connections.h"
#include "run/listing.h"
#include "run/phases.h"

static enum task_result
close_done(struct task *t)
{
	(void)t;
	return TASK_DONE;
}

/* --- settling --- */

/* The checkpoint at the very end makes it durable. */
static int
settle_run_work(struct pass *p, struct err *err)
{
	struct run *run = p->run;
	struct sync_result *r = &run->report.result;
	char now[32];
	int rc = index_begin_seen(run->ix, err);

	if (rc == 0)
		rc = issues_settle(run, err);
	if (run->opt.dry_run)
		r->pending = 0;
	snprintf(now, sizeof(now), "%lld", (long long)clock_wall());
	if (rc == 0 && r->held == 0 && !run->opt.dry_run)
		rc = index_set(run->ix, "last-sync", now, err);
	/* What was left over is named. */
	if (rc == 0 && r->pending == 0 && !run->opt.dry_run)
		rc = index_set(run->ix, "last-done", now, err);
	if (rc == 0)
		rc = connections_keep(run, err);
	if (rc == 0)
		rc = listing_learn(run, err);
	if (rc == 0)
		rc = learn_server(run, err);
	return index_end(run->ix, rc, err);
}

static enum task_result
settle_begin(struct task *t)
{
	struct run *run = phase_run(t);

	run->report.sealed = true;
	conn_count(&run->account->main);
	return phase_job(t, settle_run_work, close_done);
}

void
settle_start(struct run *run, struct pass_result *out)
{
	struct phase *ph = xcalloc(1, sizeof(*ph));

	phase_start(ph, run, out, "settle", settle_begin);
}

/* --- closing --- */

static int
checkpoint_work(struct pass *p, struct err *err)
{
	return index_checkpoint(p->run->ix, err);
}

static enum task_result
shut(struct task *t)
{
	return phase_run(t)->account->close_job.done ? TASK_DONE :
	    task_wait(t, shut);
}

/* A failure to close is the run's, but what is open is closed all the same. */
static enum task_result
close_begin(struct task *t)
{
	struct run *run = phase_run(t);

	connections_close(run, true);
	if (!run->account->closing)
		return phase_job(t, checkpoint_work, close_done);
	account_shut(run->account, t, true);
	return task_wait(t, shut);
}

void
close_start(struct run *run, struct pass_result *out)
{
	struct phase *ph = xcalloc(1, sizeof(*ph));

	phase_start(ph, run, out, "close", close_begin);
}
