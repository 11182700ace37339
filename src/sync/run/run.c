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
#include "match/copies.h"
#include "observe/prescan.h"
#include "run/account.h"
#include "run/again.h"
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

	if (again_is_worth_it(run)) {
		connections_close(run, false);
		conn_cut(&run->account->main);
		return;
	}
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
run_free(struct run *run)
{
	size_t i;

	phases_release(run);
	connections_release(run);
	prescan_release(run);
	copies_release(run);
	for (i = 0; i < run->n_folder; i++)
		folder_release(&run->folder[i]);
	free(run->folder);
	again_release(&run->past);
	report_release(&run->report);
	free(run);
}

/* The account belongs to nobody then; what is still open is closed. */
static void
run_leave(struct run *run)
{
	struct account *a = run->account;

	a->result = run->report.result;
	a->run = NULL;
	a->main.task = &a->task;
	task_wake(&a->task);
	if (run->task.result == TASK_FAIL)
		account_shut(a, &a->task, false);
	if (run->waiter != NULL)
		task_unhold(run->waiter);
}

static struct run *run_new(struct account *, const struct sync_options *,
    const struct sync_callbacks *);
static void run_begin(struct run *);

/* The same sync: what it has done counts, what it met it will meet again. */
static void
run_again(struct run *run)
{
	struct run *next = run_new(run->account, &run->opt, &run->report.cb);

	next->waiter = run->waiter;
	next->fsyncs_before = run->fsyncs_before;
	next->ms_begun = run->ms_begun;
	next->report.result = run->report.result;
	next->report.run = run->report.run;
	next->report.logged = run->report.logged;
	next->report.begun = run->report.begun;
	again_hand_over(run, next);
	run_free(run);
	run_begin(next);
}

static void
run_finish(struct task *t)
{
	struct run *run = (struct run *)t;

	report_flush(run);
	if (again_is_worth_it(run) && prescan_failed(run) == NULL) {
		run_again(run);
		return;
	}
	report_items(run);
	sum_up(run);
	run_leave(run);
	run_free(run);
}

static struct run *
run_new(struct account *a, const struct sync_options *opt,
    const struct sync_callbacks *cb)
{
	struct run *run = xcalloc(1, sizeof(*run));

	run->account = a;
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
	return run;
}

static void
run_begin(struct run *run)
{
	struct account *a = run->account;

	a->run = run;
	a->main.task = &run->task;
	run->task.abort = run_abort;
	run->task.finish = run_finish;
	task_start(&run->task, a->task.loop, &a->task, a->conf->name,
	    phases_begin);
}

void
run_start(struct account *a, const struct sync_options *opt,
    const struct sync_callbacks *cb, struct task *waiter)
{
	struct run *run = run_new(a, opt, cb);

	run->waiter = waiter;
	if (waiter != NULL)
		task_hold(waiter);
	run_begin(run);
}
