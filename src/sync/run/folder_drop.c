/*
 * Drops folders that are gone on one side and emptied by now on the other: the
 * last of what removes. Never racing: what came meanwhile keeps the folder.
 */
#include "apply/apply.h"
#include "base/mem.h"
#include "run/phases.h"

static bool
may_go(const struct run *run, const struct folder *f)
{
	if (!folder_in_play(f) || f->row.id == 0)
		return false;
	switch (folder_verdict(f)) {
	case FOLDER_REMOVE_LOCAL:
		return !run->hold_remove_local;
	case FOLDER_REMOVE_REMOTE:
		return !run->hold_remove_remote && !f->unsettled;
	case FOLDER_FORGET:
		return true;
	default:
		return false;
	}
}

/* Backwards: what lies inside goes first. */
static enum task_result
drop_next(struct task *t)
{
	struct phase *ph = (struct phase *)t;
	struct run *run = phase_run(t);
	struct folder *f;

	while (ph->at > 0) {
		f = &run->folder[--ph->at];
		if (!may_go(run, f))
			continue;
		run->passes->drop(ph->pass.conn, f, &ph->folder_pass);
		return pass_wait(t, &ph->folder_pass, drop_next);
	}
	return TASK_DONE;
}

void
folder_drop_start(struct run *run, struct pass_result *out)
{
	struct phase *ph = xcalloc(1, sizeof(*ph));

	ph->at = run->n_folder;
	ph->risks = STEP_BIT(STEP_DROP);
	phase_start(ph, run, out, "drop folders", drop_next);
}
