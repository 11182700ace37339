/*
 * Keeps an account open from run to run. Its task is a root, to which the main
 * session and the runs belong. It ends when it was told to close and no run is
 * under way; whatever ends it early, what is open is closed behind the last
 * job.
 */
#include "run/account.h"

#include <stdlib.h>

#include "base/mem.h"
#include "run/login.h"
#include "run/run.h"

static enum task_result account_closed(struct task *);

/* --- closing --- */

static int
close_run(struct job *job)
{
	struct account *a = OWNER_OF(job, struct account, close_job);
	int rc;

	lane_flush(a->disk_lane);	/* their jobs use what is closed here */
	lane_flush(a->sync_lane);
	if (a->run != NULL)
		issues_keep(a->run);
	rc = a->ix == NULL ? 0 : index_checkpoint(a->ix, &job->err);
	index_close(a->ix);
	a->ix = NULL;
	if (a->run != NULL)
		a->run->ix = NULL;
	maildir_close(&a->md);
	return rc;
}

void
account_shut(struct account *a, struct task *t, bool polite)
{
	conn_close(&a->main, polite);
	login_wipe(a->login);
	if (a->closed)
		return;
	a->closed = true;
	a->close_job = (struct job){ .run = close_run };
	lane_post(a->index_lane, &a->close_job, t);
}

/* --- the account's own task --- */

static enum task_result
account_idle(struct task *t)
{
	struct account *a = (struct account *)t;

	if (a->run != NULL || !a->closing)
		return task_wait(t, account_idle);
	if (a->closed)
		return TASK_DONE;
	account_shut(a, t, true);
	return task_wait(t, account_closed);
}

static enum task_result
account_closed(struct task *t)
{
	return ((struct account *)t)->close_job.done ? TASK_DONE :
	    task_wait(t, account_closed);
}

/* A run that is under way closes all this itself. */
static void
account_abort(struct task *t)
{
	struct account *a = (struct account *)t;

	if (a->run == NULL)
		account_shut(a, t, false);
}

static void
account_finish(struct task *t)
{
	struct account *a = (struct account *)t;

	lane_free(a->index_lane);
	lane_free(a->disk_lane);
	lane_free(a->sync_lane);
	login_free(a->login);
	a->login = NULL;
}

struct account *
sync_open(struct loop *loop, const struct conf_account *conf,
    const char *state_dir)
{
	struct account *a = xcalloc(1, sizeof(*a));

	a->conf = conf;
	a->state_dir = state_dir;
	a->closed = true;
	a->main = (struct conn){ .account = a, .task = &a->task };
	a->md.fd = a->md.mark_fd = -1;
	a->index_lane = lane_new(loop, "index");
	a->disk_lane = lane_new(loop, "disk");
	a->sync_lane = lane_new(loop, "sync");
	a->task.abort = account_abort;
	a->task.finish = account_finish;
	task_start(&a->task, loop, NULL, conf->name, account_idle);
	return a;
}

void
sync_run(struct account *a, const struct sync_options *opt,
    const struct sync_callbacks *cb, struct task *waiter)
{
	run_start(a, opt, cb, waiter);
}

bool
sync_is_running(const struct account *a)
{
	return a->run != NULL;
}

const struct sync_result *
sync_result(const struct account *a)
{
	return &a->result;
}

void
sync_close(struct account *a)
{
	a->closing = true;
	task_wake(&a->task);
}

void
sync_free(struct account *a)
{
	free(a->known_namespace);
	free(a);
}
