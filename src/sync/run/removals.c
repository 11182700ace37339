/*
 * Removes, folder by folder, when all that adds has been done in the whole
 * account. What goes is counted, guarded (removal_check.c), and looked at once
 * more where the server is to lose something.
 */
#include "apply/apply.h"
#include "base/mem.h"
#include "index/content.h"
#include "observe/observe.h"
#include "run/phases.h"
#include "run/removal_check.h"

static enum task_result removal_next(struct task *);
static enum task_result removal_observed(struct task *);
static enum task_result removal_checked(struct task *);
static enum task_result removal_proven(struct task *);
static enum task_result removal_counted(struct task *);

static enum task_result
removals_done(struct task *t)
{
	(void)t;
	return TASK_DONE;
}

/* --- how much, and what both sides lost by themselves --- */

static int
check_work(struct pass *p, struct err *err)
{
	return removal_check(p->run, err);
}

static enum task_result
check_begin(struct task *t)
{
	return phase_job(t, check_work, removals_done);
}

void
removal_check_start(struct run *run, struct pass_result *out)
{
	struct phase *ph = xcalloc(1, sizeof(*ph));

	phase_start(ph, run, out, "removal check", check_begin);
}

static int
forget_rows_work(struct pass *p, struct err *err)
{
	return removals_forget(p->run, err);
}

static enum task_result
forget_begin(struct task *t)
{
	return phase_job(t, forget_rows_work, removals_done);
}

void
forget_start(struct run *run, struct pass_result *out)
{
	struct phase *ph = xcalloc(1, sizeof(*ph));

	phase_start(ph, run, out, "forget", forget_begin);
}

/* --- what removes --- */

static int
mark_work(struct pass *p, struct err *err)
{
	return root_mark(p->run, err);
}

static enum task_result
removal_begin(struct task *t)
{
	return phase_job(t, mark_work, removal_next);
}

static void
report_no_trash(struct run *run, struct folder *f)
{
	report_folder_issue(run, f, ITEM_REMOVE, f->remove_remote, "%llu "
	    "message%s deleted here can't leave the server: there is no folder "
	    "%s there to go to; make it, or change `trash`",
	    (unsigned long long)f->remove_remote,
	    f->remove_remote == 1 ? "" : "s", run->conf->trash);
}

/* What says so has just come by SELECT. */
static void
report_kept(struct run *run, struct folder *f)
{
	report_folder_issue(run, f, ITEM_REMOVE, f->remove_remote, "%llu "
	    "message%s deleted here can't be removed from the server: %s",
	    (unsigned long long)f->remove_remote,
	    f->remove_remote == 1 ? "" : "s", f->row.read_only ?
	    "the folder is read-only there" :
	    "it does not let this user delete in that folder");
}

static bool
goes_remotely(const struct run *run, const struct folder *f)
{
	return f->remove_remote > 0 && !run->hold_remove_remote &&
	    f->row.remote;
}

static bool
folder_has_removals(const struct run *run, const struct folder *f)
{
	return folder_in_play(f) && !f->unsettled && (goes_remotely(run, f) ||
	    (f->remove_local > 0 && !run->hold_remove_local));
}

static enum task_result
removal_next(struct task *t)
{
	struct run *run = phase_run(t);
	struct folder *f = phase_next_folder(t);

	if (f == NULL)
		return TASK_DONE;
	if (!folder_has_removals(run, f))
		return task_next(t, removal_next);
	if (!goes_remotely(run, f))
		return phase_pass(t, run->passes->remove, removal_next);
	if (folder_lacks_trash(run))
		report_no_trash(run, f);
	if (folder_lacks_trash(run) || run->md->look_only)
		return phase_pass(t, run->passes->remove, removal_next);
	/* Selected anew, so that its UIDVALIDITY is known to be the same. */
	return phase_pass(t, observe_remote_start, removal_observed);
}

static enum task_result
removal_observed(struct task *t)
{
	if (phase_folder(t)->failed || phase_folder(t)->unsettled)
		return task_next(t, removal_next);
	return phase_job(t, check_work, removal_checked);
}

/* That look may have brought more removals than the guard has seen. */
static enum task_result
removal_checked(struct task *t)
{
	return phase_pass(t, prove_start, removal_proven);
}

/* What was parted is to be removed no longer. */
static enum task_result
removal_proven(struct task *t)
{
	if (!phase_folder(t)->look_again)
		return task_next(t, removal_counted);
	return phase_job(t, check_work, removal_counted);
}

static enum task_result
removal_counted(struct task *t)
{
	struct run *run = phase_run(t);
	struct folder *f = phase_folder(t);

	if (goes_remotely(run, f) && !folder_takes_removals(f))
		report_kept(run, f);
	return phase_pass(t, run->passes->remove, removal_next);
}

void
removals_start(struct run *run, struct pass_result *out)
{
	struct phase *ph = xcalloc(1, sizeof(*ph));

	ph->risks = STEP_BIT(STEP_LOOK) | STEP_BIT(STEP_REMOVE);
	phase_start(ph, run, out, "removals", removal_begin);
}
