/* Makes the directories of all folders that are new here at once. */
#include <stdlib.h>

#include "apply/apply.h"
#include "base/mem.h"
#include "run/phases.h"

static bool
is_to_be_made(const struct run *run, const struct folder *f)
{
	return folder_takes_part(run, f) && f->fault == NULL &&
	    folder_verdict(f) == FOLDER_MAKE_LOCAL;
}

static int
make_all_work(struct pass *p, struct err *err)
{
	struct run *run = p->run;
	struct folder **v = xcalloc(run->n_folder + 1, sizeof(struct folder *));
	size_t i, n = 0;
	int rc;

	for (i = 0; i < run->n_folder; i++)
		if (is_to_be_made(run, &run->folder[i]))
			v[n++] = &run->folder[i];
	rc = make_directories(run, v, n, err);
	free(v);
	return rc;
}

static enum task_result
make_all_done(struct task *t)
{
	struct run *run = phase_run(t);
	size_t i;

	for (i = 0; i < run->n_folder; i++)
		if (run->folder[i].inside && !run->folder[i].local_broken)
			(void)folder_left_out(run, &run->folder[i]);
	return TASK_DONE;
}

static enum task_result
make_all_begin(struct task *t)
{
	struct run *run = phase_run(t);
	bool any = false;
	size_t i;

	for (i = 0; i < run->n_folder; i++) {
		if (!is_to_be_made(run, &run->folder[i]))
			continue;
		any = true;
		report_done(run, SYNC_MAKE_LOCAL, &run->folder[i], NULL, "");
	}
	return any ? phase_job(t, make_all_work, make_all_done) :
	    task_next(t, make_all_done);
}

void
make_directories_start(struct run *run, struct pass_result *out)
{
	struct phase *ph = xcalloc(1, sizeof(*ph));

	phase_start(ph, run, out, "make directories", make_all_begin);
}
