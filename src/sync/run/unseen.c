/* Tells of messages that the server has and does not show, and of what waits
 * for them. */
#include "base/mem.h"
#include "index/place.h"
#include "index/sight.h"
#include "run/phases.h"

static int
count_unseen(void *arg, struct place *p, struct err *err)
{
	struct sight *s = arg;

	(void)err;
	if (sight_hides(s, p)) {
		s->held++;
		s->held_pulls += !p->local.present && !p->base_local.present;
	} else if (p->local.present && !p->base_local.present &&
	    sight_holds_file(s, p)) {
		s->held_files++;
	}
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
		f->sight.held_pulls = f->sight.kept = 0;
		if (rc == 0 && !uidset_empty(&f->sight.out))
			rc = index_count_present(p->run->ix, f->row.id,
			    &f->sight.out, &f->sight.kept, err);
		if (rc == 0 && (!uidset_empty(&f->sight.out) ||
		    f->sight.upto > 0))
			rc = index_each(p->run->ix, PLACES_DIRTY, f->row.id,
			    &visit, err);
	}
	return rc;
}

static bool
is_meant(const struct run *run)
{
	return run->conf->window > 0 || run->conf->window_days > 0;
}

/* So many are counted and never listed; more are missing, and some of them have
 * to be gone. */
static void
report_hidden_and_gone(struct run *run, struct folder *f)
{
	const unsigned long long all = f->sight.kept;
	const unsigned long long gone = all - (uint64_t)f->sight.hidden;

	report_folder_issue(run, f, ITEM_WINDOW, 0, "%llu of %llu messages "
	    "that the server does not list any more %s deleted there, and it "
	    "can't be told which; all are kept on disk", gone, all,
	    gone == 1 ? "was" : "were");
}

static void
report_out_of_sight(struct run *run, struct folder *f)
{
	const struct sight *s = &f->sight;

	if (s->hidden > 0 && s->size == 0) {
		if (s->kept > (uint64_t)s->hidden)
			report_hidden_and_gone(run, f);
		return;
	}
	if (s->kept > 0 && !is_meant(run))
		report_folder_issue(run, f, ITEM_WINDOW, 0, "the server does "
		    "not show all messages any more; those that it had are "
		    "kept on disk. If it shows the newest ones only, say so "
		    "with `window` in the syncrc");
}

static void
report_unseen(struct run *run, struct folder *f)
{
	const struct sight *s = &f->sight;
	const unsigned long long held = s->held, files = s->held_files;

	report_out_of_sight(run, f);
	if (held > 0)
		report_folder_issue(run, f, ITEM_UNSEEN, held, "%llu message%s "
		    "%s can't be reached on the server, which does not show "
		    "%s; that waits", held, held == 1 ? "" : "s",
		    s->held_pulls == held ? "to be pulled" :
		    "changed or deleted here", held == 1 ? "it" : "them");
	if (files > 0)
		report_folder_issue(run, f, ITEM_OLDER, files, "%llu file%s "
		    "older than all that the server shows and may be there "
		    "already; if not, run sync --adopt to upload %s", files,
		    files == 1 ? " is" : "s are", files == 1 ? "it" : "them");
}

static void
report_strayed(struct run *run, struct folder *f)
{
	const unsigned long long n = f->sight.held;

	report_folder_issue(run, f, ITEM_UNSEEN, n, "the folder is gone from "
	    "the server, and what it showed is in another one; %llu message%s "
	    "that it did not show may be there, too: kept on disk", n,
	    n == 1 ? "" : "s");
}

static enum task_result
unseen_counted(struct task *t)
{
	struct run *run = phase_run(t);
	size_t i;

	for (i = 0; i < run->n_folder; i++)
		if (!run->folder[i].chosen)
			;
		else if (run->folder[i].row.remote)
			report_unseen(run, &run->folder[i]);
		else if (run->folder[i].sight.strayed &&
		    run->folder[i].sight.held > 0)
			report_strayed(run, &run->folder[i]);
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
