/* Proves pairs that are only likely, in folders that were looked at anyway. */
#include "apply/apply.h"
#include "base/mem.h"
#include "run/phases.h"

static enum task_result
verify_next(struct task *t)
{
	struct folder *f;

	while ((f = phase_next_folder(t)) != NULL)
		if (folder_in_play(f) && f->observed && !f->unsettled &&
		    !f->look_again && f->row.local && f->row.remote)
			return phase_pass(t, verify_start, verify_next);
	return TASK_DONE;
}

void
verify_phase_start(struct run *run, struct pass_result *out)
{
	struct phase *ph = xcalloc(1, sizeof(*ph));

	ph->risks = STEP_BIT(STEP_PROVE);
	phase_start(ph, run, out, "verify", verify_next);
}
