/* What the files of loop/ know of each other. */
#ifndef LOOP_INTERNAL_H
#define LOOP_INTERNAL_H

#include <stdbool.h>
#include <uv.h>

#include "loop/task.h"

struct loop {
	uv_loop_t uv;
	uv_idle_t drain;	/* active while a task is ready */
	uv_signal_t sigint, sigterm;
	struct task *roots;	/* linked by sibling */
	struct task *ready, **ready_tail;	/* linked by ready_next */
	bool stopping;
};

/* Runs a task that was taken from the ready queue; may free it. */
void task_run(struct task *);

void loop_add_ready(struct loop *, struct task *);

#endif
