/* Begins a run: opens index and Maildir, and starts to look at the disk. */
#include "base/mem.h"
#include "observe/prescan.h"
#include "run/listing.h"
#include "run/phases.h"

static int
open_work(struct pass *p, struct err *err)
{
	return root_open(p->run, err) == -1 ? -1 : listing_load(p->run, err);
}

static enum task_result
open_done(struct task *t)
{
	prescan_start(phase_run(t));
	return TASK_DONE;
}

static enum task_result
open_begin(struct task *t)
{
	/* Something is to be closed from now on. */
	phase_run(t)->account->closed = false;
	return phase_job(t, open_work, open_done);
}

void
open_start(struct run *run, struct pass_result *out)
{
	struct phase *ph = xcalloc(1, sizeof(*ph));

	phase_start(ph, run, out, "open", open_begin);
}
