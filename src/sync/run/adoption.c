/*
 * Asks before a first run, or one whose index is lost, does what may be a
 * mistake: it may be the wrong Maildir, or another program's. First all is
 * paired, and nothing else; then it is known how much would be uploaded. Where
 * that is much, or the Maildir is not laid out like ours, nothing is carried
 * out before --adopt.
 */
#include <stdlib.h>
#include <strings.h>

#include "base/mem.h"
#include "maildir/foreign.h"
#include "maildir/layout.h"
#include "plan/guard.h"
#include "run/phases.h"

struct adoption {
	struct phase phase;
	bool something;		/* there are files, or traces */
	bool held;
};

/* --- pairing alone --- */

static enum task_result
idle_done(struct task *t)
{
	(void)t;
	return TASK_DONE;
}

static void
idle_start(struct conn *conn, struct folder *f, struct pass_result *out)
{
	struct pass *p = xcalloc(1, sizeof(*p));

	p->folder = f;
	pass_start(p, conn, out, "idle", idle_done);
}

static const struct passes passes_idle = {
	.make = idle_start, .pull = idle_start, .flags = idle_start,
	.push = idle_start, .remove = idle_start, .drop = idle_start,
};

/* --- what another program left --- */

/* The directory of a folder that the server has, by another name than ours for
 * it: in modified UTF-7 (mbsync), or with dots between levels (OfflineIMAP). */
static bool
is_spelled_otherwise(const struct layout *l, const struct folder *f)
{
	char *ours = f->inside && f->row.local && f->row.remote ?
	    maildir_path_encode(l, f->row.name) : NULL;
	bool is = ours != NULL && strcasecmp(ours, f->row.path) != 0;

	free(ours);
	return is;
}

static char *
other_spelling(const struct run *run)
{
	size_t i;

	for (i = 0; i < run->n_folder; i++)
		if (is_spelled_otherwise(&run->md->layout, &run->folder[i]))
			return maildir_shown(run->md,
			    run->folder[i].row.path);
	return NULL;
}

/* What was seen, in words; NULL: nothing. */
static char *
traces(struct run *run)
{
	char *spelled = other_spelling(run), *text = NULL;
	struct maildir_foreign f;

	maildir_foreign_look(run->md, &f);
	if (f.mbsync != NULL)
		text = xasprintf("was filled by mbsync (%s)", f.mbsync);
	else if (f.offlineimap != NULL)
		text = xasprintf("was filled by OfflineIMAP (%s)",
		    f.offlineimap);
	else if (f.uidvalidity != NULL)
		text = xasprintf("was filled by another program (%s)",
		    f.uidvalidity);
	if (f.otherwise != NULL || spelled != NULL) {
		char *more = xasprintf("%s%sis laid out otherwise than here "
		    "(%s)", text == NULL ? "" : text, text == NULL ? "" :
		    " and ", f.otherwise != NULL ? f.otherwise : spelled);

		free(text);
		text = more;
	}
	maildir_foreign_release(&f);
	free(spelled);
	return text;
}

/* --- is there anything to be careful about? --- */

static int
begin_work(struct pass *p, struct err *err)
{
	struct adoption *a = (struct adoption *)p;
	struct run *run = p->run;
	size_t i;

	(void)err;
	run->foreign = traces(run);
	a->something = run->foreign != NULL;
	for (i = 0; i < run->n_folder; i++)
		a->something |= run->folder[i].unseen_local;
	return 0;
}

static enum task_result
adoption_begun(struct task *t)
{
	struct run *run = phase_run(t);

	if (!((struct adoption *)t)->something)
		return TASK_DONE;
	run->pairs_only = true;
	run->passes_later = run->passes;
	run->passes = &passes_idle;
	return TASK_DONE;
}

static enum task_result
adoption_begin(struct task *t)
{
	return phase_job(t, begin_work, adoption_begun);
}

void
adoption_start(struct run *run, struct pass_result *out)
{
	struct adoption *a = xcalloc(1, sizeof(*a));

	phase_start(&a->phase, run, out, "adoption", adoption_begin);
}

/* --- all is paired that can be --- */

static void
report_foreign(struct run *run, const struct index_counts *c)
{
	report_issue_later(run, xasprintf("the Maildir %s %s: %llu of its "
	    "messages are on the server, too, %llu are not. Nothing is carried "
	    "out before it is said that this is meant: run import, to go on "
	    "where mbsync or OfflineIMAP ended; or see sync -n --adopt, then "
	    "run sync --adopt", run->md->root, run->foreign,
	    (unsigned long long)c->paired,
	    (unsigned long long)c->unpaired_local), &run->held_uploads);
}

static void
report_many(struct run *run, const struct index_counts *c)
{
	report_issue_later(run, xasprintf("%llu files of the Maildir %s are "
	    "not on the server; this is the first run, so nothing is carried "
	    "out. If they belong there, run sync --adopt",
	    (unsigned long long)c->unpaired_local, run->md->root),
	    &run->held_uploads);
}

static int
settle_adoption_work(struct pass *p, struct err *err)
{
	struct adoption *a = (struct adoption *)p;
	struct run *run = p->run;
	struct index_counts counts;
	size_t i;

	if (index_counts(run->ix, 0, &counts, err) == -1)
		return -1;
	for (i = 0; i < run->n_folder; i++)
		if (run->folder[i].row.id != 0 && index_dirty(run->ix,
		    run->folder[i].row.id, &run->folder[i].dirty, err) == -1)
			return -1;
	a->held = run->foreign != NULL || guard_holds_uploads(
	    counts.unpaired_local, counts.remote);
	if (!a->held)
		return 0;
	run->held_uploads = counts.dirty;
	if (run->foreign != NULL)
		report_foreign(run, &counts);
	else
		report_many(run, &counts);
	return 0;
}

static enum task_result
adoption_settled(struct task *t)
{
	struct run *run = phase_run(t);

	run->held = ((struct adoption *)t)->held;
	if (!run->held)
		run->passes = run->passes_later;
	run->hold_push |= run->held;
	run->hold_remove_local |= run->held;
	run->hold_remove_remote |= run->held;
	return TASK_DONE;
}

static enum task_result
adoption_settle(struct task *t)
{
	return phase_job(t, settle_adoption_work, adoption_settled);
}

void
adoption_settle_start(struct run *run, struct pass_result *out)
{
	struct adoption *a = xcalloc(1, sizeof(*a));

	phase_start(&a->phase, run, out, "adoption", adoption_settle);
}
