/*
 * Runs "sh -c COMMAND" without a terminal, stdin from /dev/null, and collects
 * its stdout up to a bound. For password-command. stderr is shown on a
 * terminal, and else goes nowhere.
 */
#ifndef LOOP_CHILD_H
#define LOOP_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "loop/timer.h"

struct task;
struct child_proc;

struct child {
	struct buf out;		/* what it printed; wipe it if it is a secret */
	int status;		/* exit status, or 128 + signal */
	bool done;
	struct err err;		/* could not run, timed out, printed too much */
	/* private */
	struct child_proc *proc;
};

/* max bytes of output; killed with its group after ms. Wakes task when done. */
void child_start(struct child *, struct task *, const char *command,
    size_t max, uint64_t ms);
void child_cancel(struct child *);	/* kills; still completes */
void child_release(struct child *);	/* after done */

#endif
