/* A deadline that wakes a task. Embedded; to be stopped before it is freed. */
#ifndef LOOP_TIMER_H
#define LOOP_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct task;
struct timer_handle;

struct timer {
	struct task *task;
	bool fired;
	struct timer_handle *handle;	/* private; owned until closed */
};

/* (Re)starts: fired = false; after ms milliseconds fired = true, task woken. */
void timer_start(struct timer *, struct task *, uint64_t ms);
void timer_stop(struct timer *);	/* zeroed or stopped is fine */

#endif
