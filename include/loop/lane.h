/*
 * A lane is one thread that does blocking work in order: disk batches, or all
 * use of one SQLite connection. A job has an owned input and an owned output
 * inside the struct that embeds it; while it is posted nobody else touches
 * them. run() may block, and must touch neither tasks nor the loop.
 */
#ifndef LOOP_LANE_H
#define LOOP_LANE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "loop/task.h"

#define LANE_GROUP	16

struct lane;

struct job {
	/* Runs on the lane's thread. 0, or -1 with job->err. */
	int (*run)(struct job *);
	/* In its place: for all that wait with the same one, though others
	 * stand between them; oldest first, at most LANE_GROUP. Each has its
	 * own result and err. */
	void (*run_group)(struct job **, int n);
	struct err err;
	int result;
	bool posted;		/* between lane_post and completion */
	bool done;		/* completed; result and err are valid */
	/* private */
	struct task *task;
	struct job *next;
	struct lane *lane;
};

struct lane *lane_new(struct loop *, const char *name);
/* Finishes what was posted, joins the thread. NULL is fine. */
void lane_free(struct lane *);

/* Waits until the lane has run all that was posted before. From another lane's
 * job, or from the loop's thread at the very end. */
void lane_flush(struct lane *);

/*
 * Runs job after those posted before it. task is held until it completes, and
 * is woken then. A posted job always runs; cancelling does not stop it.
 */
void lane_post(struct lane *, struct job *, struct task *);
/* Several at once: those with the same run_group are in one group. */
void lane_post_all(struct lane *, struct job **, struct task **, size_t n);

/*
 * The two ways to wait for a job of one's own; returned by a step. Goes on with
 * next when the job has succeeded; where it failed the task fails with its
 * error.
 */
enum task_result job_wait(struct task *, const struct job *, task_step *next);
/* The same behind lane_post of *job, made anew with run. */
enum task_result lane_run(struct lane *, struct job *, int (*run)(struct job *),
    struct task *, task_step *next);

#endif
