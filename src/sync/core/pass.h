/*
 * A pass is a flow over one folder, a child of the task that has the
 * connection. It reads dirty rows in order, a bounded number at a time, and
 * ends with TASK_DONE, or with TASK_FAIL when that connection or the account
 * can't go on. A failure of a message or of the folder is recorded, reported
 * and is no failure of the pass. The parent looks at nothing but the result.
 */
#ifndef SYNC_CORE_PASS_H
#define SYNC_CORE_PASS_H

#include <stdbool.h>

#include "core/run.h"

struct pass_result {
	bool done;
	struct err err;		/* ERR_NONE when all went well */
};

struct pass {
	struct task task;
	struct run *run;
	struct conn *conn;
	struct folder *folder;	/* set by the starter; NULL: the account */
	enum step step;		/* the same; STEP_NONE: it is no matter if a
				   connection is lost at it */
	bool blamed;		/* a message, for a lost connection */
	struct pass_result *out;
	/* For pass_job: one at a time. */
	struct job job;
	int (*work)(struct pass *, struct err *);
};

/* How a pass over one folder begins. */
typedef void pass_starter(struct conn *, struct folder *,
    struct pass_result *);

/*
 * p is the first member of the flow's own struct, from malloc. A flow that owns
 * more replaces task.finish with one that releases it and ends in pass_end.
 */
void pass_start(struct pass *p, struct conn *, struct pass_result *,
    const char *name, task_step *first);
/* The same on behalf of another, over its folder and on its connection. */
void pass_start_within(struct pass *p, struct pass *, struct pass_result *,
    const char *name, task_step *first);
void pass_end(struct pass *);	/* sets *out, frees: the last of finish */

/* As the last line of a step: goes on with next when the pass has ended well;
 * its failure is the task's. */
enum task_result pass_wait(struct task *, const struct pass_result *,
    task_step *next);
/* The same with work on the index lane; what it leaves to be told is told. */
enum task_result pass_job(struct pass *,
    int (*work)(struct pass *, struct err *), task_step *next);

/* The passes that carry out what a plan says, and those that only tell of it
 * (a dry run). */
struct passes {
	pass_starter *make;	/* the folder, where a side lacks it */
	pass_starter *pull, *flags, *push, *remove;
	pass_starter *drop;	/* the folder, where a side lost it */
};

#endif
