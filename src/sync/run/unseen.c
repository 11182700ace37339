/* Tells of messages that the server has and does not show, and of what waits
 * for them. */
#include "base/mem.h"
#include "index/place.h"
#include "run/phases.h"

static int
count_unseen(void *arg, struct place *p, struct err *err)
{
	struct sight *s = arg;

	(void)err;
	if (sight_hides(s, p))
		s->held++;
	else if (p->local.present && !p->base_local.present &&
	    sight_holds_file(s, p))
		s->held_files++;
	return 0;
}

static int
count_unseen_work(struct pass *p, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < p->run->n_folder && rc == 0; i++) {
		struct folder *f = &p->run->folder[i];
		const struct index_visit visit = { count_unseen, &f->sight };

		rc = sight_load(p->run, f, err);
		f->sight.held = f->sight.held_files = 0;
		if (rc == 0 && (!uidset_empty(&f->sight.out) ||
		    f->sight.upto > 0))
			rc = index_each(p->run->ix, PLACES_DIRTY, f->row.id,
			    &visit, err);
	}
	return rc;
}

static void
report_unseen(struct run *run, struct folder *f)
{
	const struct sight *s = &f->sight;
	const unsigned long long held = s->held, files = s->held_files;
	bool meant = run->conf->window > 0 || run->conf->window_days > 0;

	if (!uidset_empty(&s->out) && !meant)
		report_folder_issue(run, f, ITEM_WINDOW, 0, "the server does "
		    "not show all messages any more; those that it had are "
		    "kept on disk. If it shows the newest ones only, say so "
		    "with `window` in the syncrc");
	if (held > 0)
		report_folder_issue(run, f, ITEM_UNSEEN, held, "%llu message%s "
		    "changed or deleted here can't be reached on the server, "
		    "which does not show %s; that waits", held,
		    held == 1 ? "" : "s", held == 1 ? "it" : "them");
	if (files > 0)
		report_folder_issue(run, f, ITEM_OLDER, files, "%llu file%s "
		    "older than all that the server shows and may be there "
		    "already; if not, run sync --adopt to upload %s", files,
		    files == 1 ? " is" : "s are", files == 1 ? "it" : "them");
}

static enum task_result
unseen_counted(struct task *t)
{
	struct run *run = phase_run(t);
	size_t i;

	for (i = 0; i < run->n_folder; i++)
		if (run->folder[i].chosen && run->folder[i].row.remote)
			report_unseen(run, &run->folder[i]);
	return TASK_DONE;
}

static enum task_result
unseen_begin(struct task *t)
{
	return phase_job(t, count_unseen_work, unseen_counted);
}

void
unseen_start(struct run *run, struct pass_result *out)
{
	struct phase *ph = xcalloc(1, sizeof(*ph));

	phase_start(ph, run, out, "unseen", unseen_begin);
}
