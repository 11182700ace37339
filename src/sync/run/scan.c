/*
 * Looks at the disk: at every directory once, before anything is done. Where
 * files were missing it looks once more, before anything is believed to be
 * deleted; and at the files that were not pushed.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "match/match.h"
#include "observe/prescan.h"
#include "run/phases.h"

/* --- the first --- */

static enum task_result first_next(struct task *);

/* STATUS does not tell when a folder can be written to again. */
static int
look_for_owed(struct run *run, struct folder *f, struct err *err)
{
	return !f->row.read_only && f->row.permanent != 0 &&
	    !f->lacking.stale ? 0 :
	    index_has(run->ix, PLACES_OWED, f->row.id, &f->owed, err);
}

/* It is of a backup: in words, for the user. */
static void
report_older(struct run *run, struct folder *f,
    const struct observed_local *seen)
{
	const char *how = seen->returned ? "files that had been removed are "
	    "back" : "the directory is older than the last run left it";
	bool only_looks = run->md->look_only;

	f->failed |= only_looks;
	report_note_later(run, xasprintf("%s: %s (restored from a backup?); %s",
	    f->row.name, how, only_looks ?
	    "a sync would merge both sides and delete nothing" :
	    "both sides are merged, nothing is deleted"));
}

static int
first_look(struct run *run, struct folder *f, struct observed_local *seen,
    int64_t *begun, struct err *err)
{
	int taken = prescan_take(run, &f->row, seen, begun, err);

	if (taken != 0)
		return taken == 1 ? 0 : -1;
	*begun = clock_wall();
	return observe_local(run, &f->row, LOOK_FIRST, seen, err);
}

/* What the lists and the walk over the root say of the folder itself. */
static int
believe_gone(struct run *run, struct folder *f, struct err *err)
{
	struct index_counts counts = { .local = 0 };

	if (f->remote_gone && folder_gone_remote(run, f, err) == -1)
		return -1;
	if (f->row.local)
		return 0;
	if (index_counts(run->ix, f->row.id, &counts, err) == -1)
		return -1;
	return counts.local > 0 ? folder_gone_local(run, f, err) : 0;
}

static int
first_work(struct pass *p, struct err *err)
{
	struct run *run = p->run;
	struct folder *f = phase_folder(&p->task);
	struct observed_local seen = { .changed = false };
	int64_t begun = 0;

	if (f->fault != NULL)		/* known when the folders were loaded */
		return 0;
	if (believe_gone(run, f, err) == -1)
		return -1;
	if (f->row.local && first_look(run, f, &seen, &begun, err) == -1)
		return folder_leave_out(run, f, err);
	if (seen.fault)
		report_older(run, f, &seen);
	f->proof.scanned[0] = seen.complete ? begun : 0;
	f->missing = seen.missing;
	f->edits = seen.edits;
	f->replaced = seen.replaced;
	run->lacking[0] += seen.lacking;
	if (index_dirty(run->ix, f->row.id, &f->dirty, err) == -1 ||
	    index_uploads_told(run->ix, f->row.id, &f->uploads, err) == -1 ||
	    folder_unseen(run, f, true, &f->unseen_local, err) == -1)
		return -1;
	return look_for_owed(run, f, err);
}

static enum task_result
first_scanned(struct task *t)
{
	phase_folder(t)->look_again |= phase_folder(t)->replaced;
	(void)folder_left_out(phase_run(t), phase_folder(t));
	return task_next(t, first_next);
}

/* A job a folder, so that a signal is heeded in between. */
static enum task_result
first_next(struct task *t)
{
	struct folder *f;

	while ((f = phase_next_folder(t)) != NULL)
		if (f->inside && !f->local_broken)
			return phase_job(t, first_work, first_scanned);
	return TASK_DONE;
}

void
first_scan_start(struct run *run, struct pass_result *out)
{
	struct phase *ph = xcalloc(1, sizeof(*ph));

	report_progress(run, NULL, "scanning", 0, 0);
	phase_start(ph, run, out, "first scan", first_next);
}

/* --- the second --- */

static enum task_result second_next(struct task *);

static int
second_work(struct pass *p, struct err *err)
{
	struct run *run = p->run;
	struct folder *f = phase_folder(&p->task);
	struct observed_local seen;
	int64_t begun = clock_wall();

	if (observe_local(run, &f->row, LOOK_SECOND, &seen, err) ==
	    -1)
		return folder_leave_out(run, f, err);
	if (seen.fault)		/* what was to be added has had its turn */
		report_older(run, f, &seen);
	f->proof.scanned[1] = seen.complete ? begun : 0;
	run->lacking[1] += seen.lacking;
	return 0;
}

static enum task_result
second_scanned(struct task *t)
{
	(void)folder_left_out(phase_run(t), phase_folder(t));
	return task_next(t, second_next);
}

static enum task_result
second_next(struct task *t)
{
	struct folder *f;

	while ((f = phase_next_folder(t)) != NULL)
		if (f->missing && f->row.local)
			return phase_job(t, second_work, second_scanned);
	return TASK_DONE;
}

void
second_scan_start(struct run *run, struct pass_result *out)
{
	struct phase *ph = xcalloc(1, sizeof(*ph));

	phase_start(ph, run, out, "second scan", second_next);
}

/* --- what was not pushed --- */

/* For whatever reason: it keeps the server's copy alive. */
static enum task_result
digest_next(struct task *t)
{
	struct folder *f;

	while ((f = phase_next_folder(t)) != NULL)
		if (f->unseen_local && f->row.local)
			return phase_pass(t, digest_start, digest_next);
	return TASK_DONE;
}

void
digest_unpushed_start(struct run *run, struct pass_result *out)
{
	struct phase *ph = xcalloc(1, sizeof(*ph));

	phase_start(ph, run, out, "digest", digest_next);
}
