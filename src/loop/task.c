/* Tasks: when they run, what cancels them, and when they have ended. */
#include "loop/task.h"

#include <assert.h>
#include <stddef.h>

#include "internal.h"

static struct task **
siblings_of(struct task *t)
{
	return t->parent != NULL ? &t->parent->children : &t->loop->roots;
}

void
task_start(struct task *t, struct loop *loop, struct task *parent,
    const char *name, task_step *first)
{
	struct task **list;

	assert(first != NULL && t->step == NULL);
	assert(parent == NULL || !parent->ended);
	t->loop = loop;
	t->name = name;
	t->step = first;
	t->result = TASK_NEXT;
	t->parent = parent;
	list = siblings_of(t);
	t->sibling = *list;
	*list = t;
	if (parent != NULL)
		task_hold(parent);
	task_wake(t);
	if (parent != NULL ? parent->aborted : loop->stopping)
		task_cancel(t);
}

enum task_result
task_next(struct task *t, task_step *step)
{
	t->step = step;
	return TASK_NEXT;
}

enum task_result
task_wait(struct task *t, task_step *step)
{
	t->step = step;
	return TASK_WAIT;
}

enum task_result
task_fail(struct task *t, const struct err *e)
{
	if (e != &t->err)
		t->err = *e;
	return TASK_FAIL;
}

void
task_wake(struct task *t)
{
	if (t == NULL || t->ready || t->ended)
		return;
	t->ready = true;
	t->ready_next = NULL;
	loop_add_ready(t->loop, t);
}

void
task_hold(struct task *t)
{
	assert(!t->ended);
	t->pending++;
}

void
task_unhold(struct task *t)
{
	assert(t->pending > 0);
	t->pending--;
	task_wake(t);
}

/* What is still pending is moot: hurry it. Its depth is that of our flows. */
static void
hurry(struct task *t)
{
	struct task *child;

	if (t->aborted)
		return;
	t->aborted = true;
	for (child = t->children; child != NULL; child = child->sibling)
		task_cancel(child);
	if (t->abort != NULL)
		t->abort(t);
}

void
task_cancel(struct task *t)
{
	if (t->ended || t->cancelled)
		return;
	t->cancelled = true;
	hurry(t);
	task_wake(t);
}

static void
end(struct task *t)
{
	struct task **p = siblings_of(t);

	assert(t->children == NULL);
	while (*p != t)
		p = &(*p)->sibling;
	*p = t->sibling;
	t->sibling = NULL;
	t->ended = true;
	if (t->parent != NULL)
		task_unhold(t->parent);
	if (t->finish != NULL)
		t->finish(t);
}

void
task_run(struct task *t)
{
	if (t->result == TASK_WAIT)
		t->result = TASK_NEXT;
	while (t->result == TASK_NEXT)
		t->result = t->cancelled ? TASK_FAIL : t->step(t);
	if (t->result == TASK_WAIT)
		return;

	if (t->result == TASK_FAIL) {
		if (t->err.kind == ERR_NONE)
			err_set(&t->err, ERR_CANCELED, "%s",
			    t->loop->stopping ? "stopped by a signal" :
			    "cancelled");
		hurry(t);
	}
	/* Woken meanwhile: it is in the queue, and comes by here once more. */
	if (t->pending == 0 && !t->ready)
		end(t);
}
