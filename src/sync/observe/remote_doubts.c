/*
 * The newest known messages have another size or date than was recorded. The
 * headers of some tell whether they are others, or whether this server's sizes
 * and dates are not to be believed.
 */
#include "observe/remote.h"

#include <string.h>

#include "core/learned.h"
#include "index/fact.h"
#include "observe/folder_moves.h"

static enum task_result observe_doubts_told(struct task *);
static enum task_result observe_doubts_compared(struct task *);

bool
doubts_are_there(const struct observe *o)
{
	int i;

	if (o->pass.folder->returned && o->n_probe > 0 && !o->fault)
		return true;
	for (i = 0; i < o->n_probe && !o->fault; i++)
		if (o->seen[i].odd_size || o->seen[i].odd_date)
			return true;
	return false;
}

/* Its name may be another one's now, which has the same UIDVALIDITY. */
static bool
may_be_misnamed(const struct observe *o)
{
	const struct run *run = o->pass.run;
	const struct index_folder *row = &o->pass.folder->row;
	size_t i;

	if (run->seeks_all || run->opt.dry_run || run->md->look_only ||
	    o->pass.folder->returned)
		return false;
	for (i = 0; i < run->n_folder; i++)
		if (run->folder[i].row.id != row->id &&
		    run->folder[i].row.uidvalidity == row->uidvalidity)
			return true;
	return false;
}

static int
misnamed_work(struct pass *p, struct err *err)
{
	int rc = index_begin(p->run->ix, err);

	if (rc == 0)
		rc = index_fact_set(p->run->ix, 0, FACT_SEEK, 1, err);
	return index_end(p->run->ix, rc, err);
}

static enum task_result
observe_misnamed(struct task *t)
{
	struct observe *o = (struct observe *)t;

	o->pass.folder->failed = true;
	o->pass.run->report.waiting++;
	report_note(o->pass.run, "%s: its newest messages are not those that "
	    "the server had under these UIDs; it may have got another name, so "
	    "it is left for the next run, which looks for it",
	    o->pass.folder->row.name);
	return TASK_DONE;
}

static enum task_result
observe_reused(struct observe *o)
{
	if (may_be_misnamed(o))
		return pass_job(&o->pass, misnamed_work, observe_misnamed);
	return observe_fault(o, "its newest messages are not those that the "
	    "server had under these UIDs");
}

enum task_result
observe_doubts(struct task *t)
{
	struct observe *o = (struct observe *)t;
	int i;

	for (i = 0; i < o->n_probe && o->doubts.n < DOUBTS_MOST; i++)
		if ((o->seen[i].odd_size || o->seen[i].odd_date ||
		    o->pass.folder->returned) && o->probe[i].content != 0)
			headers_add(&o->doubts, o->probe[i].uid,
			    o->probe[i].content);
	if (o->doubts.n == 0)	/* nothing else is known of them */
		return observe_reused(o);
	headers_ask(&o->doubts, o->pass.conn->session, t);
	return imap_wait(t, &o->doubts.fetch.cmd, observe_doubts_told);
}

static int
doubts_work(struct pass *p, struct err *err)
{
	struct observe *o = (struct observe *)p;
	size_t i, sizes = 0, dates = 0;
	bool same = true;

	if (headers_compare(&o->doubts, p->run->ix, err) == -1)
		return -1;
	for (i = 0; i < o->doubts.n; i++)
		same &= o->doubts.v[i].is == HEADER_SAME;
	for (i = 0; i < (size_t)o->n_probe; i++) {
		sizes += o->seen[i].odd_size;
		dates += o->seen[i].odd_date;
	}
	return same ? learn_probes(p->run, sizes, dates, err) : 0;
}

static enum task_result
observe_doubts_told(struct task *t)
{
	struct observe *o = (struct observe *)t;
	const char *refused = imap_refusal(&o->doubts.fetch.cmd);

	if (refused != NULL)
		return observe_refused(o, refused);
	return pass_job(&o->pass, doubts_work, observe_doubts_compared);
}

/* A folder that was gone: one at least must be what it was. What is not there
 * any more tells nothing. */
static enum task_result
observe_returned(struct observe *o)
{
	size_t i, same = 0;

	for (i = 0; i < o->doubts.n; i++)
		if (o->doubts.v[i].is == HEADER_OTHER)
			return observe_reused(o);
		else
			same += o->doubts.v[i].is == HEADER_SAME;
	if (same == 0)
		return observe_reused(o);
	o->pass.folder->returned = false;
	memset(o->seen, 0, sizeof(o->seen));
	return task_next(&o->pass.task, observe_told);
}

static enum task_result
observe_doubts_compared(struct task *t)
{
	struct observe *o = (struct observe *)t;
	size_t i;

	if (o->pass.folder->returned)
		return observe_returned(o);
	for (i = 0; i < o->doubts.n; i++)
		if (o->doubts.v[i].is == HEADER_OTHER)
			return observe_reused(o);
	for (i = 0; i < o->doubts.n; i++)
		if (o->doubts.v[i].is == HEADER_UNKNOWN)
			return observe_refused(o, "the server tells another "
			    "size or date of its newest messages, and not "
			    "which they are");
	rows_keep_probes(o);
	memset(o->seen, 0, sizeof(o->seen));
	return task_next(t, observe_told);
}
