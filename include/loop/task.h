/*
 * A task is one flow that waits for things: opening a session, syncing a
 * folder. Embed it first in the struct that holds the flow's own state.
 *
 * The flow is a list of steps, written in the order in which they run. A step
 * never blocks. It ends by saying what happens next:
 *
 *	return task_next(t, step);	go on with step at once
 *	return task_wait(t, step);	run step when the task is next woken
 *	return TASK_DONE;		the flow is over, it did what it should
 *	return TASK_FAIL;		the flow is over, t->err says why
 *
 *  1. A completion (command, timer, job, child task) stores its result and
 *     wakes the task. It never runs a step, so no step is ever re-entered.
 *  2. A woken step looks at what it waited for; if that has not happened yet
 *     it waits again. Waking twice or too early is harmless.
 *  3. Whatever a task starts completes exactly once, cancelled or not
 *     (task_hold when it starts, task_unhold when it has completed). A task
 *     ends only when it is over and nothing it started is pending.
 */
#ifndef LOOP_TASK_H
#define LOOP_TASK_H

#include <stdbool.h>

#include "base/err.h"

struct loop;
struct task;

enum task_result { TASK_NEXT, TASK_WAIT, TASK_DONE, TASK_FAIL };

typedef enum task_result task_step(struct task *);

struct task {
	struct loop *loop;
	const char *name;		/* for the log; not owned */
	task_step *step;
	enum task_result result;	/* of the last step */
	struct err err;			/* why it failed */
	unsigned pending;		/* started, not yet completed */
	bool cancelled;
	bool ended;			/* finish has been called */
	/*
	 * Optional. abort: hurry what is pending, called once when the task is
	 * cancelled or has failed. finish: the last call; may free the task.
	 * The parent, if any, has been woken by then and must not look at it
	 * later unless it owns it.
	 */
	void (*abort)(struct task *);
	void (*finish)(struct task *);
	/* private */
	const void *awaited;		/* by lane_run and its like ... */
	task_step *after;		/* ... and where that goes on */
	struct task *parent, *children, *sibling;
	struct task *ready_next;
	bool ready, aborted;
};

/*
 * Starts with step on the next turn of the loop. parent may be NULL (a root).
 * A child counts as pending for its parent until it has ended, wakes it then,
 * and is cancelled with it. The struct must be zeroed except abort and finish.
 */
void task_start(struct task *, struct loop *, struct task *parent,
    const char *name, task_step *first);

enum task_result task_next(struct task *, task_step *);
enum task_result task_wait(struct task *, task_step *);
/* t->err = *e; TASK_FAIL. */
enum task_result task_fail(struct task *, const struct err *e);

void task_wake(struct task *);		/* NULL is fine */
void task_hold(struct task *);
void task_unhold(struct task *);	/* also wakes */
void task_cancel(struct task *);	/* and its children; idempotent */

#endif
