/* Begins the phases of a run, ends them, and takes them through the folders. */
#include "run/phase.h"

#include <stdlib.h>

#include "core/loss.h"

static struct phase *
phase_of(struct task *t)
{
	return (struct phase *)t;
}

void
phase_end(struct task *t)
{
	struct pass *p = (struct pass *)t;

	p->conn->task = &p->run->task;
	p->run->phase = NULL;
	pass_end(p);
}

void
phase_start(struct phase *ph, struct run *run, struct pass_result *out,
    const char *name, task_step *first)
{
	struct pass *p = &ph->pass;

	if (p->task.finish == NULL)
		p->task.finish = phase_end;
	pass_start(p, &run->account->main, out, name, first);
	p->conn->task = &p->task;
	run->phase = &p->task;
}

struct folder *
phase_folder(const struct task *t)
{
	const struct run *run = phase_run(t);

	return &run->folder[(((const struct phase *)t)->at - 1) %
	    run->n_folder];
}

struct folder *
phase_next_folder(struct task *t)
{
	struct phase *ph = phase_of(t);

	struct run *run = phase_run(t);

	while (ph->at < 2 * run->n_folder) {
		bool last = ph->at >= run->n_folder;
		struct folder *f = &run->folder[ph->at++ % run->n_folder];

		if (loss_is_near(f, ph->risks) == last)
			return f;
	}
	return NULL;
}

enum task_result
phase_job(struct task *t, int (*work)(struct pass *, struct err *),
    task_step *next)
{
	return pass_job((struct pass *)t, work, next);
}

enum task_result
phase_pass(struct task *t, pass_starter *start, task_step *next)
{
	struct phase *ph = phase_of(t);

	if (loss_wants_alone(ph->pass.conn, phase_folder(t), ph->risks,
	    &t->err))
		return TASK_FAIL;
	start(ph->pass.conn, phase_folder(t), &ph->folder_pass);
	return pass_wait(t, &ph->folder_pass, next);
}
