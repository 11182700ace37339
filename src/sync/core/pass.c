/* Begins passes over a folder, ends them, and waits for them. */
#include "core/pass.h"

#include <stdlib.h>

#include "core/loss.h"

static void
pass_finish(struct task *t)
{
	struct pass *p = (struct pass *)t;

	p->out->done = true;
	if (t->result == TASK_FAIL)
		p->out->err = t->err;
	if (t->result == TASK_DONE)
		loss_is_over(p);
	else if (!t->cancelled)
		loss_of_pass(p);
	free(p);
}

/* What the server still sends for a pass that fails or is cancelled is not
 * waited for. */
static void
pass_abort(struct task *t)
{
	conn_cut(((struct pass *)t)->conn);
}

static enum task_result
pass_over(struct task *t)
{
	(void)t;
	return TASK_DONE;
}

static void
start_below(struct pass *p, struct task *parent, struct pass_result *out,
    const char *name, task_step *first)
{
	p->run = p->conn->account->run;
	p->out = out;
	*out = (struct pass_result){ .done = false };
	p->task.abort = pass_abort;
	if (p->task.finish == NULL)
		p->task.finish = pass_finish;
	task_start(&p->task, parent->loop, parent, name,
	    loss_passes_by(p) ? pass_over : first);
}

void
pass_start(struct pass *p, struct conn *conn, struct pass_result *out,
    const char *name, task_step *first)
{
	p->conn = conn;
	start_below(p, conn->task, out, name, first);
}

void
pass_start_within(struct pass *p, struct pass *in, struct pass_result *out,
    const char *name, task_step *first)
{
	p->conn = in->conn;
	p->folder = in->folder;
	start_below(p, &in->task, out, name, first);
}

void
pass_end(struct pass *p)
{
	pass_finish(&p->task);
}

static enum task_result
pass_awaited(struct task *t)
{
	const struct pass_result *r = t->awaited;

	if (!r->done)
		return task_wait(t, pass_awaited);
	if (r->err.kind != ERR_NONE)
		return task_fail(t, &r->err);
	return task_next(t, t->after);
}

enum task_result
pass_wait(struct task *t, const struct pass_result *result, task_step *next)
{
	t->awaited = result;
	t->after = next;
	return task_next(t, pass_awaited);
}

static int
work_run(struct job *job)
{
	struct pass *p = OWNER_OF(job, struct pass, job);

	return p->work(p, &job->err);
}

static enum task_result
work_awaited(struct task *t)
{
	struct pass *p = (struct pass *)t;

	if (!p->job.done)
		return task_wait(t, work_awaited);
	report_flush(p->run);
	if (p->job.result == -1)
		return task_fail(t, &p->job.err);
	return task_next(t, t->after);
}

enum task_result
pass_job(struct pass *p, int (*work)(struct pass *, struct err *),
    task_step *next)
{
	p->work = work;
	p->task.after = next;
	p->job = (struct job){ .run = work_run };
	lane_post(p->run->index_lane, &p->job, &p->task);
	return task_next(&p->task, work_awaited);
}
