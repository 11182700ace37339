/*
 * What a removal was at when its connection was lost: any of the messages that
 * it had asked for. Fewer go at once then, at last one that may be it, behind
 * all others; when that is lost alone it stays, and is an item of its own.
 */
#include "apply/remove.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/loss.h"
#include "index/fact.h"

#define AT_ONCE		"remove-at-once"

static enum task_result remove_awaited(struct task *);
static enum task_result remove_lost_kept(struct task *);

enum task_result
remove_wait(struct removing *r, const struct imap_cmd *cmd, task_step *next)
{
	r->pass.task.awaited = cmd;
	r->pass.task.after = next;
	return task_next(&r->pass.task, remove_awaited);
}

/* --- which of them --- */

/* A copy that was lost is not repeated in this sync, so that each gets one
 * chance in each. */
static bool
is_alone(const struct removing *r)
{
	const struct conn *c = r->pass.conn;

	return r->late && (r->copying || (!c->mixed && c->risked == 0));
}

static struct doomed *
doomed_by_uid(struct removing *r, uint32_t uid)
{
	int i;

	for (i = 0; i < r->n; i++)
		if (r->row[i].p.place.uid == uid)
			return &r->row[i];
	return NULL;
}

static void
judge_loss(struct removing *r)
{
	struct loss loss = { .asked = uidset_count(&r->uids) };
	struct doomed *d;
	uint32_t uid = 0;

	d = uidset_next(&r->uids, &uid) ? doomed_by_uid(r, uid) : NULL;
	if (d == NULL)
		return;
	loss.suspected = d->suspect;
	loss.alone = is_alone(r);
	r->pass.blamed = true;
	switch (loss_of_message(&r->pass, uid, &loss)) {
	case LOSS_HALVE:
		break;
	case LOSS_SUSPECT:
		d->suspected = true;
		break;
	case LOSS_PROVEN:
		d->proven = true;
	}
}

/* --- what is kept of it --- */

static int
record_stays(struct removing *r, const struct place *p, struct err *err)
{
	char *text = xasprintf("message with UID %u was not removed: the "
	    "connection is lost each time that is asked for", p->uid);
	int rc = record_failure(r->pass.run, r->pass.folder, p,
	    &(struct failure){ ITEM_REMOVE, text, true }, err);

	free(text);
	return rc;
}

static int
keep_lost_work(struct pass *pass, struct err *err)
{
	struct removing *r = (struct removing *)pass;
	struct run *run = pass->run;
	int i, rc = index_begin(run->ix, err);

	for (i = 0; i < r->n && rc == 0; i++) {
		const struct doomed *d = &r->row[i];

		if (d->proven)
			rc = record_stays(r, &d->p.place, err);
		else if (d->suspected)
			rc = record_suspect(run, &d->p.place, ITEM_REMOVE,
			    err);
	}
	if (rc == 0 && r->copying)
		rc = index_fact_set(run->ix, pass->folder->row.id, AT_ONCE,
		    loss_at_once(pass), err);
	return index_end(run->ix, rc, err);
}

/* What EXPUNGE without UIDs was at is not told: that is the folder's. */
static enum task_result
remove_awaited(struct task *t)
{
	struct removing *r = (struct removing *)t;
	const struct imap_cmd *cmd = t->awaited;

	if (!cmd->done)
		return task_wait(t, remove_awaited);
	if (cmd->err.kind == ERR_NONE || cmd->err.kind == ERR_REFUSED)
		return task_next(t, t->after);
	r->lost = cmd->err;
	if (!r->by_marks && loss_is_of_connection(&r->lost))
		judge_loss(r);
	return pass_job(&r->pass, keep_lost_work, remove_lost_kept);
}

static enum task_result
remove_lost_kept(struct task *t)
{
	return task_fail(t, &((struct removing *)t)->lost);
}

/* --- which may be asked for --- */

/* Once, at the beginning. */
int
remove_lost_recall(struct removing *r, struct err *err)
{
	struct folder_loss *l = &r->pass.folder->loss[STEP_REMOVE];
	int64_t n;

	if (r->recalled)
		return 0;
	r->recalled = true;
	if (index_fact_get(r->pass.run->ix, r->pass.folder->row.id, AT_ONCE,
	    &n, err) == -1)
		return -1;
	r->at_once_kept = n > 0 && n < REMOVE_ROWS ? (unsigned)n : 0;
	if (r->at_once_kept == 0 || l->at_once > 0)
		return 0;
	l->at_once = (uint16_t)n;
	if (r->pick.max > n)
		r->pick.max = (int)n;
	return 0;
}

/* Each time that all went well there may be twice as many. */
int
remove_lost_settle_work(struct pass *p, struct err *err)
{
	const unsigned now = loss_at_once(p);
	int rc;

	if (((struct removing *)p)->at_once_kept == now)
		return 0;
	rc = index_begin(p->run->ix, err);
	if (rc == 0)
		rc = index_fact_set(p->run->ix, p->folder->row.id, AT_ONCE,
		    now, err);
	return index_end(p->run->ix, rc, err);
}

/* Of those that may cost the connection one comes at a time, when all else is
 * through: the others behind it are picked again. */
static void
keep_first(struct removing *r)
{
	int i, first = 0;

	while (first < r->n && !r->row[first].suspect)
		first++;
	for (i = 0; i < r->n; i++)
		if (i != first)
			r->row[i].p.verdict.ops = OP_NONE;
	if (first + 1 >= r->n)
		return;
	r->pick.after = r->row[first].p.place.id;
	r->pick.end = false;
	for (i = first + 1; i < r->n; i++)
		picked_release(&r->row[i].p, 1);
	r->n = first + 1;
}

int
remove_lost_narrow(struct removing *r, struct err *err)
{
	struct tries tries;
	int i;

	for (i = 0; i < r->n; i++) {
		struct doomed *d = &r->row[i];

		if (!remove_wants_expunge(d))
			continue;
		if (tries_of(r->pass.run, &d->p.place, ITEM_REMOVE, &tries,
		    err) == -1)
			return -1;
		d->suspect = tries.suspect && !r->together;
		r->put_off |= d->suspect && !r->late;
		if (tries.wait || (d->suspect && !r->late))
			d->p.verdict.ops = OP_NONE;
	}
	if (r->late)
		keep_first(r);
	return 0;
}
