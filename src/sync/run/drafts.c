/* Lets go of drafts that were replaced, before removals are counted. */
#include <stdlib.h>

#include "base/mem.h"
#include "observe/draft.h"
#include "observe/observe.h"
#include "run/phases.h"

static enum task_result drafts_next(struct task *);

struct drafts {
	struct phase phase;
	int64_t n;		/* of the account, on their way */
};

static int
count_work(struct pass *p, struct err *err)
{
	struct drafts *d = (struct drafts *)p;

	if (drafts_count(p->run, &d->n, err) == -1)
		return -1;
	return d->n == 0 ? 0 : root_mark(p->run, err);
}

static int
drafts_work(struct pass *p, struct err *err)
{
	struct folder *f = phase_folder(&p->task);

	return drafts_settle(p->run, f, err);
}

static enum task_result
drafts_next(struct task *t)
{
	struct folder *f;

	if (((struct drafts *)t)->n == 0)
		return TASK_DONE;
	while ((f = phase_next_folder(t)) != NULL)
		if (folder_in_play(f) && f->row.local)
			return phase_job(t, drafts_work, drafts_next);
	return TASK_DONE;
}

static enum task_result
drafts_begin(struct task *t)
{
	return phase_job(t, count_work, drafts_next);
}

void
drafts_start(struct run *run, struct pass_result *out)
{
	struct drafts *d = xcalloc(1, sizeof(*d));

	phase_start(&d->phase, run, out, "drafts", drafts_begin);
}
