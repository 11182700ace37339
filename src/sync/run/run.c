/*
 * Begins and ends one sync; its parts are the phases (phases.c).
 * Whatever ends it early, what is open is closed: a connection is cut, the
 * index closed behind the last job.
 */
#include "run/run.h"

#include <stdlib.h>

#include "apply/apply.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "observe/prescan.h"
#include "run/account.h"
#include "run/connections.h"
#include "run/phases.h"
#include "run/preview.h"

/* What no later run can get past without the user: an issue, like all that
 * waits for them, and with -q not told every time. */
static bool
needs_user(const struct err *err)
{
	return err->kind == ERR_HELD || err->kind == ERR_AUTH ||
	    err->kind == ERR_CONFIG || err->kind == ERR_SECRET;
}

static void
run_abort(struct task *t)
{
	struct run *run = (struct run *)t;

	if (needs_user(&t->err) && issues_are_kept(run)) {
		run->report.result.err_is_item = true;
		report_account_issue(run, t->err.kind == ERR_SECRET ?
		    ITEM_SECRET : ITEM_NOTE, t->err.msg);
	}
	connections_close(run, false);
	run->report.sealed = true;
	account_shut(run->account, t, false);
}

/* Failures name their account's part; the status is design section 8's. */
static void
sum_up(struct run *run)
{
	const struct job *close_job = &run->account->close_job;
	struct sync_result *r = &run->report.result;

	conn_count(&run->account->main);	/* it may stay open */
	r->seconds = (double)(clock_mono_ms() - run->ms_begun) / 1000;
	r->fsyncs = fs_syncs() - run->fsyncs_before;
	if (prescan_failed(run) != NULL)	/* graver than what the server
						   says */
		r->err = *prescan_failed(run);
	else if (run->task.result == TASK_FAIL)
		r->err = run->task.err;
	else if (run->account->closed && close_job->result == -1)
		r->err = close_job->err;
	if (r->err.kind != ERR_NONE)
		r->exit = err_exit_status(r->err.kind);
	else if (r->held > 0)
		r->exit = 1;
	else
		r->exit = r->pending > 0 ? err_exit_status(ERR_NET) : 0;
}

static void
run_finish(struct task *t)
{
	struct run *run = (struct run *)t;
	struct account *a = run->account;
	size_t i;

	report_flush(run);
	report_items(run);
	sum_up(run);
	a->result = run->report.result;
	a->run = NULL;
	a->main.task = &a->task;
	task_wake(&a->task);
	if (run->waiter != NULL)
		task_unhold(run->waiter);
	phases_release(run);
	connections_release(run);
	prescan_release(run);
	for (i = 0; i < run->n_folder; i++)
		folder_release(&run->folder[i]);
	free(run->folder);
	report_release(&run->report);
	free(run);
}

void
run_start(struct account *a, const struct sync_options *opt,
    const struct sync_callbacks *cb, struct task *waiter)
{
	struct run *run = xcalloc(1, sizeof(*run));

	run->account = a;
	run->waiter = waiter;
	if (waiter != NULL)
		task_hold(waiter);
	run->opt = *opt;
	run->passes = opt->dry_run ? &passes_preview : &passes_real;
	run->report.cb = *cb;
	run->conf = a->conf;
	run->index_lane = a->index_lane;
	run->disk_lane = a->disk_lane;
	run->sync_lane = a->sync_lane;
	run->ix = a->ix;
	run->md = &a->md;
	run->fsyncs_before = fs_syncs();
	run->ms_begun = clock_mono_ms();
	a->run = run;
	a->main.task = &run->task;
	run->task.abort = run_abort;
	run->task.finish = run_finish;
	task_start(&run->task, a->task.loop, &a->task, a->conf->name,
	    phases_begin);
}
