/*
 * Ends a look at the server: what is gone is believed and the cursor moves, in
 * one transaction, if the sum closes. If it does not, what could be missing is
 * asked for, the cheapest first.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/lacking.h"
#include "core/learned.h"
#include "observe/remote.h"

#define DAY	86400

static enum task_result observe_settled(struct task *);

/* A first look that a power cut undoes is taken once more. */
int
observe_write(struct observe *o, struct err *err)
{
	struct index *ix = o->pass.run->ix;

	return o->fresh && !o->fault ? index_begin_seen(ix, err) :
	    index_begin(ix, err);
}

struct owed {
	struct index *ix;
	struct ability can;
};

static int
claim(void *arg, struct place *p, struct err *err)
{
	const struct owed *o = arg;

	reconcile_agree(p, &o->can);
	return index_place_put(o->ix, p, err);
}

/* What the server could not store before is owed to it: from now on the rows
 * are dirty. In the transaction that records what it can. */
static int
claim_owed(struct observe *o, struct err *err)
{
	struct owed owed = { .ix = o->pass.run->ix };
	const struct index_visit visit = { claim, &owed };

	folder_ability(o->pass.folder, &owed.can);
	return index_each(owed.ix, PLACES_OWED, o->pass.folder->row.id, &visit,
	    err);
}

/* What is gone, by whatever told of it, and what is only out of sight. */
static int
unsee_gone(struct observe *o, struct err *err)
{
	struct index *ix = o->pass.run->ix;
	const int64_t id = o->pass.folder->row.id;
	struct uidset keep = { 0 }, gone = { 0 };
	struct index_listed there = { &keep, UID_LAST };
	uint64_t changed;
	int rc = 0;

	sight_keeps(o, &keep);
	uidset_join(&gone, &o->vanished);
	uidset_less(&gone, &keep);
	uidset_join(&keep, o->full ? &o->listed : &o->gone.uids);
	if (!o->full)
		there.upto = o->known_next - 1;
	if (o->full || o->gone_told)
		rc = index_keep_remote(ix, id, &there, &changed, err);
	if (rc == 0)
		rc = index_unsee_remote(ix, id, &gone, &changed, err);
	uidset_release(&keep);
	uidset_release(&gone);
	return rc;
}

/* What no row was to be had of is asked for again in a day or so, whenever the
 * folder would come due (at five sevenths of the interval or later). */
static int64_t
listed_at(const struct observe *o)
{
	const int64_t now = clock_wall();
	const int64_t early = o->pass.run->conf->verify_s / 7 * 5 - DAY;

	return o->untold.n > 0 && early > 0 ? now - early : now;
}

static int
move_cursor(struct observe *o, struct err *err)
{
	struct index_folder *f = &o->pass.folder->row;
	const struct imap_box *b = &o->select.box;

	f->uidvalidity = b->uidvalidity;
	if (b->mailbox_id != NULL) {
		free(f->mailbox_id);
		f->mailbox_id = xstrdup(b->mailbox_id);
	}
	f->modseq = b->modseq;
	f->exists = o->exists;
	if (o->highest >= f->uidnext)
		f->uidnext = o->highest < UID_LAST ? o->highest + 1 : UID_LAST;
	if (b->uidnext > f->uidnext)
		f->uidnext = b->uidnext;
	if (o->full && !o->by_sets)
		f->last_full = listed_at(o);
	return index_folder_put(o->pass.run->ix, f, err);
}

/* What is believed to be there is what the server counts. */
static int
add_up(struct observe *o, struct err *err)
{
	struct index *ix = o->pass.run->ix;
	const int64_t id = o->pass.folder->row.id;
	int64_t unseen;
	uint64_t there;

	if ((o->full ? index_recount(ix, id, &there, err) :
	    index_tally(ix, id, &there, err)) == -1 ||
	    sight_count(o, &unseen, err) == -1)
		return -1;
	o->closes = (int64_t)there + unseen == (int64_t)o->exists;
	return 0;
}

static int
settle_closed(struct observe *o, struct err *err)
{
	const bool first = o->pass.folder->row.uidnext == 0;

	if (o->unlearn && lacking_doubt(o->pass.run, o->pass.folder, err) ==
	    -1)
		return -1;
	if ((o->grew || o->unlearn) && claim_owed(o, err) == -1)
		return -1;
	/* Also where another attempt, or run, began with that and was lost. */
	if (first && sight_hold_files(o, err) == -1)
		return -1;
	if (sight_store(o->pass.run, o->pass.folder, &o->sight, err) == -1 ||
	    move_cursor(o, err) == -1)
		return -1;
	return first ? learn_listed(o->pass.run, o->pass.folder, err) : 0;
}

/* Runs in one transaction with the cursor. */
static int
settle_look(struct observe *o, struct err *err)
{
	bool whole = true;

	sight_copy(&o->sight, &o->pass.folder->sight);
	o->found_hidden = false;
	if (o->full && sight_is_whole(o, &whole, err) == -1)
		return -1;
	if (!whole || sight_wants_list(o))
		return 0;
	if (sight_judge(o, err) == -1 || unsee_gone(o, err) == -1 ||
	    add_up(o, err) == -1)
		return -1;
	return o->closes ? settle_closed(o, err) : 0;
}

/* What does not close is not kept: not the vanished ones, not the cursor. */
static int
settle_look_work(struct pass *p, struct err *err)
{
	struct observe *o = (struct observe *)p;
	struct index *ix = p->run->ix;
	int rc;

	o->closes = false;
	if (observe_write(o, err) == -1)
		return -1;
	rc = settle_look(o, err);
	if (rc == 0 && o->closes) {
		rc = index_commit(ix, err);
		if (rc == 0)
			sight_copy(&p->folder->sight, &o->sight);
		return rc;
	}
	index_rollback(ix);
	return rc;
}

enum task_result
observe_stored(struct task *t)
{
	struct observe *o = (struct observe *)t;

	rows_move(o, true);
	if (o->first != NULL)
		return task_wait(t, observe_stored);
	if (o->rows_err.kind != ERR_NONE)
		return task_fail(t, &o->rows_err);
	if (o->sets.short_of) {
		sets_release(o);
		return o->full ? observe_all(o) : observe_below(o);
	}
	o->exists = imap_box_exists(o->pass.conn->session);
	return pass_job(&o->pass, settle_look_work, observe_settled);
}

static void
keep_proof(const struct observe *o)
{
	struct proof *proof = &o->pass.folder->proof;

	o->pass.folder->observed = true;
	o->pass.folder->verify &= !o->full || o->by_sets;
	proof->full |= o->full || o->gone_told;
	if (o->full)
		proof->listed = uidset_count(&o->listed);
	else if (o->gone_told)
		proof->listed = o->exists;
	proof->vanished += uidset_count(&o->vanished);
}

/* The sum does not close: what could be missing, the cheapest first. */
static enum task_result
observe_what_is_missing(struct observe *o)
{
	bool more = o->exists > o->select.box.exists;

	if (!o->full && more && !o->newer_told) {
		o->newer_told = true;
		ask(o, ASKED_NEWS);
		return task_next(&o->pass.task, observe_listed);
	}
	if (!o->full && o->qresync && o->split > 1 && !o->older_told &&
	    uidset_count(&o->older.uids) <= ROWS_LEAST)
		return observe_below(o);
	if (!o->full && o->known_next > 1 && !o->gone_told) {
		o->gone_told = true;
		ask(o, ASKED_GONE);
		return task_next(&o->pass.task, observe_listed);
	}
	return observe_all(o);
}

/* As many in one run after the other are hidden for good. */
static int
lack_work(struct pass *p, struct err *err)
{
	struct observe *o = (struct observe *)p;
	struct sight *s = &o->sight;
	const uint64_t listed = uidset_count(&o->listed);
	const int64_t lack = (int64_t)o->exists - (int64_t)listed;
	int rc;

	sight_copy(s, &p->folder->sight);
	if (lack <= 0 || p->folder->unsettled || p->run->md->look_only ||
	    p->run->past.attempts > 0)
		return 0;
	rc = sight_lacks(o, s, lack, err);
	if (rc == 0)
		rc = index_begin(p->run->ix, err);
	if (rc == 0)
		rc = sight_store(p->run, p->folder, s, err);
	rc = index_end(p->run->ix, rc, err);
	if (rc == 0)
		sight_copy(&p->folder->sight, s);
	return rc;
}

static enum task_result
observe_given_up(struct task *t)
{
	struct observe *o = (struct observe *)t;

	o->pass.folder->unsettled = true;
	report_folder_issue(o->pass.run, o->pass.folder, ITEM_SUM, ALL_ROWS,
	    "the server says it has %u messages but lists %llu; nothing is "
	    "removed there until that adds up", o->exists,
	    (unsigned long long)uidset_count(&o->listed));
	return TASK_DONE;
}

static void
report_hidden(const struct observe *o)
{
	const long long n = (long long)o->sight.hidden;

	report_note(o->pass.run, "%s: the server counts %lld message%s more "
	    "than it lists, run after run; what it does not list is left as "
	    "it is", o->pass.folder->row.name, n, n == 1 ? "" : "s");
}

static enum task_result
observe_settled(struct task *t)
{
	struct observe *o = (struct observe *)t;

	if (o->closes && o->found_hidden)
		report_hidden(o);
	if (o->closes) {
		keep_proof(o);
		return TASK_DONE;
	}
	if (!o->full || o->by_sets || ++o->tries < FULL_TRIES)
		return observe_what_is_missing(o);
	return pass_job(&o->pass, lack_work, observe_given_up);
}
