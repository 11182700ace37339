/*
 * A phase is one part of a run, a child task of it, that has the account's main
 * connection while it works. Those that go through the folders own the cursor.
 * phases.c has them in order.
 */
#ifndef SYNC_RUN_PHASE_H
#define SYNC_RUN_PHASE_H

#include "core/pass.h"

struct phase {
	struct pass pass;	/* of no folder */
	size_t at;		/* cursor: one behind the folder in turn; a
				   second time over those where a connection
				   was lost ... */
	unsigned risks;		/* ... at one of these steps, STEP_BIT */
	struct pass_result folder_pass;
};

/* Begins a phase; its failure is the run's. */
typedef void phase_starter(struct run *, struct pass_result *);

/* As pass_start: ph is the first member of the phase's own struct, from
 * malloc; a finish of its own ends in phase_end. */
void phase_start(struct phase *ph, struct run *, struct pass_result *,
    const char *name, task_step *first);
void phase_end(struct task *);

static inline struct run *
phase_run(const struct task *t)
{
	return ((const struct pass *)t)->run;
}

/* The folder in turn; the next one, or NULL behind the last. */
struct folder *phase_folder(const struct task *);
struct folder *phase_next_folder(struct task *);

/* As pass_job. */
enum task_result phase_job(struct task *,
    int (*work)(struct pass *, struct err *), task_step *next);
/* A pass over the folder in turn, then next. */
enum task_result phase_pass(struct task *, pass_starter *, task_step *next);

#endif
