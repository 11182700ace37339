/*
 * What the server has against what the index last saw there.
 *
 * The newest known messages must have the size and date that were recorded: a
 * server restored from a backup hands UIDs out anew under the same UIDVALIDITY.
 *
 * Happy path: SELECT with what is known (QRESYNC: the changes come with it),
 * else ask for the changes since the cursor (CONDSTORE), else list all; then
 * the numbers of what is new. Rows go to the index in batches as they come.
 * At the end the sum must close: what the index then believes to be there is
 * what the server says it has (design section 5). If it does not, everything is
 * listed; if it still does not, nothing is believed to be gone in this run.
 * The cursor moves last, when all that it stands for is stored.
 *
 * The passes behind it find the folder selected.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "internal.h"
#include "mail/flags.h"

#define ROWS_PER_BATCH	1000
#define BATCHES_MOST	4	/* held by us; then the socket is paused */
#define FULL_TRIES	2
#define PROBES		16	/* newest messages that must be as recorded */
#define UID_LAST	4294967295u

/* One batch of FETCH rows on its way into the index. */
struct rows {
	struct job job;
	struct observe *o;
	struct rows *next;
	struct index_seen_remote row[ROWS_PER_BATCH];
	int n;
};

struct observe {
	struct pass pass;
	struct imap_select select;
	struct imap_fetching changes, news, probing;
	bool asked_changes, asked_news, asked_probes;
	struct index_probe probe[PROBES];
	int n_probe;
	bool reused;		/* a UID stands for another message */
	bool fault;		/* what is known of the folder no longer holds */
	bool full;		/* everything is being listed */
	bool fresh;		/* nothing was known of the server's side */
	bool grew;		/* the folder can store more flags than before */
	int tries;		/* full listings so far */
	uint32_t known_next;	/* first UID whose size and date are not known */
	uint32_t highest;	/* UID seen */
	struct uidset listed;	/* by a full listing */
	struct uidset vanished;

	struct rows *first, *last;	/* batches, oldest first; last may be filling */
	unsigned n_rows;
	struct err rows_err;		/* the first that failed */

	struct job job;			/* the one at the turn of a round */
	uint32_t exists;		/* what the server says at its end */
	bool closes;			/* result of the settling job */
};

static enum task_result observe_select(struct task *);
static enum task_result observe_selected(struct task *);
static enum task_result observe_fault(struct observe *, const char *fault);
static enum task_result observe_reset(struct task *);
static enum task_result observe_ask(struct task *);
static enum task_result observe_listed(struct task *);
static enum task_result observe_stored(struct task *);
static enum task_result observe_settled(struct task *);

/* --- rows into the index --- */

static void
rows_free(struct rows *b)
{
	int i;

	for (i = 0; i < b->n; i++)
		free((void *)(uintptr_t)b->row[i].keywords);
	free(b);
}

static int
rows_run(struct job *job)
{
	struct rows *b = OWNER_OF(job, struct rows, job);
	struct index *ix = b->o->pass.a->ix;
	bool changed;
	int i, rc;

	/* Durable with the cursor, which says that they are there. */
	rc = index_begin_seen(ix, &job->err);
	for (i = 0; i < b->n && rc == 0; i++)
		rc = index_see_remote(ix, b->o->pass.box->row.id, &b->row[i],
		    &changed, &job->err);
	return index_end(ix, rc, &job->err);
}

static void
keep_row(struct observe *o, const struct imap_fetch *f)
{
	struct index_seen_remote *r;
	struct rows *b = o->last;

	if (b == NULL || b->n == ROWS_PER_BATCH) {
		b = xcalloc(1, sizeof(*b));
		b->o = o;
		if (o->last != NULL)
			o->last->next = b;
		else
			o->first = b;
		o->last = b;
		o->n_rows++;
	}
	r = &b->row[b->n++];
	r->uid = f->uid;
	r->has_flags = f->has_flags;
	r->flags = f->flags;
	if (f->has_flags)
		r->keywords = xstrdup(f->keywords);
	r->has_meta = f->has_size && f->has_date;
	r->size = f->size;
	r->date = f->date;
	if (o->full)
		uidset_add(&o->listed, f->uid);
	if (f->uid > o->highest)
		o->highest = f->uid;
	if (b->n == ROWS_PER_BATCH)
		task_wake(&o->pass.task);
}

/* One of the newest known messages, asked for by size and date alone. */
static void
check_probe(struct observe *o, const struct imap_fetch *f)
{
	int i;

	for (i = 0; i < o->n_probe; i++)
		if (o->probe[i].uid == f->uid &&
		    (o->probe[i].size != f->size ||
		    o->probe[i].date != f->date))
			o->reused = true;
}

/*
 * Told apart by what a row holds, not by the command that it seems to answer:
 * a server may begin to answer the next FETCH before it has completed this one.
 */
static void
sink_row(void *arg, const struct imap_fetch *f)
{
	struct observe *o = arg;

	if (f->has_size && f->has_date)
		check_probe(o, f);
	if (f->has_flags)
		keep_row(o, f);
}

static void
sink_vanished(void *arg, const struct uidset *uids)
{
	struct observe *o = arg;
	size_t i;

	for (i = 0; i < uids->n; i++)
		uidset_add_range(&o->vanished, uids->range[i].first,
		    uids->range[i].last);
}

static struct imap_sink
sink_of(struct observe *o)
{
	return (struct imap_sink){
		.arg = o, .row = sink_row, .vanished = sink_vanished,
	};
}

/* Posts what is full (with all: everything), frees what is stored, and lets the
 * socket wait when the index can't keep up. */
static void
rows_move(struct observe *o, bool all)
{
	struct account *a = o->pass.a;
	struct rows *b;

	for (b = o->first; b != NULL; b = b->next) {
		if (b->job.posted || b->job.done ||
		    (b->n < ROWS_PER_BATCH && !all))
			continue;
		b->job.run = rows_run;
		lane_post(a->index_lane, &b->job, &o->pass.task);
	}
	while ((b = o->first) != NULL && b->job.done) {
		if (b->job.result == -1 && o->rows_err.kind == ERR_NONE)
			o->rows_err = b->job.err;
		o->first = b->next;
		if (o->first == NULL)
			o->last = NULL;
		o->n_rows--;
		rows_free(b);
	}
	imap_session_pause(o->pass.conn->session, o->n_rows > BATCHES_MOST);
}

/* --- the flow --- */

static int
probe_run(struct job *job)
{
	struct observe *o = OWNER_OF(job, struct observe, job);

	o->n_probe = index_newest(o->pass.a->ix, o->pass.box->row.id, o->probe,
	    PROBES, &job->err);
	return o->n_probe < 0 ? -1 : 0;
}

static enum task_result
observe_begin(struct task *t)
{
	struct observe *o = (struct observe *)t;

	o->job = (struct job){ .run = probe_run };
	lane_post(o->pass.a->index_lane, &o->job, t);
	return task_wait(t, observe_select);
}

static enum task_result
observe_select(struct task *t)
{
	struct observe *o = (struct observe *)t;
	struct index_folder *f = &o->pass.box->row;
	struct imap_select_args args = {
		.raw = f->raw, .sink = sink_of(o), .uidvalidity = f->uidvalidity,
		.modseq = o->full ? 0 : f->modseq,
	};

	if (!o->job.done)
		return task_wait(t, observe_select);
	if (o->job.result == -1)
		return task_fail(t, &o->job.err);
	imap_select_start(o->pass.conn->session, &o->select, t, &args);
	return task_wait(t, observe_selected);
}

/* The folder is out for this run; the account goes on. */
static enum task_result
observe_refused(struct observe *o, const char *why)
{
	o->pass.box->failed = true;
	box_note(o->pass.a, o->pass.box, ITEM_FOLDER, ALL_ROWS,
	    "%s; the folder is left out", why);
	return TASK_DONE;
}

/* True when there is something that the folder could not store before. */
static bool
take_abilities(struct index_folder *f, const struct imap_box *b)
{
	struct index_folder was = *f;
	char *more;
	bool grew;

	f->read_only = b->read_only;
	f->permanent = b->read_only ? 0 : b->permanent;
	f->permanent_any = !b->read_only && b->permanent_any;
	f->permanent_keywords = xstrdup(b->read_only ||
	    b->permanent_keywords == NULL ? "" : b->permanent_keywords);
	more = keywords_less(f->permanent_keywords,
	    was.permanent_keywords == NULL ? "" : was.permanent_keywords);
	grew = (f->permanent & ~was.permanent) != 0 || *more != '\0' ||
	    (f->permanent_any && !was.permanent_any);
	free(more);
	free(was.permanent_keywords);
	return grew;
}

/* A first look that a power cut undoes is taken once more. */
static int
begin(struct observe *o, struct err *err)
{
	struct index *ix = o->pass.a->ix;

	return o->fresh && !o->fault ? index_begin_seen(ix, err) :
	    index_begin(ix, err);
}

static int
reset_run(struct job *job)
{
	struct observe *o = OWNER_OF(job, struct observe, job);
	struct index_folder *f = &o->pass.box->row;
	struct index *ix = o->pass.a->ix;

	/* Recorded before the first row is: rows without it could not be told
	 * from those of another world. */
	f->uidvalidity = o->select.box.uidvalidity;
	f->uidnext = f->exists = 0;
	f->modseq = 0;
	if (begin(o, &job->err) == 0 &&
	    (!o->fault || index_reset_remote(ix, f->id, &job->err) == 0) &&
	    index_folder_put(ix, f, &job->err) == 0 &&
	    index_commit(ix, &job->err) == 0)
		return 0;
	index_rollback(ix);
	return -1;
}

/* Is this still the world that the base speaks of? (design section 5) */
static const char *
epoch_fault(const struct index_folder *f, const struct imap_box *b)
{
	if (f->uidvalidity == 0)
		return NULL;
	if (b->uidvalidity != f->uidvalidity)
		return "the server numbers its messages anew (UIDVALIDITY)";
	if (b->uidnext != 0 && b->uidnext < f->uidnext)
		return "the server knows fewer messages than it had before";
	return NULL;
}

static enum task_result
observe_selected(struct task *t)
{
	struct observe *o = (struct observe *)t;
	struct index_folder *f = &o->pass.box->row;
	const struct imap_box *b = &o->select.box;
	const char *fault;

	rows_move(o, false);
	switch (imap_result(&o->select.cmd, &t->err)) {
	case 0:
		return task_wait(t, observe_selected);
	case -1:
		if (t->err.kind != ERR_REFUSED)
			return TASK_FAIL;
		return observe_refused(o, t->err.msg);
	}
	if (b->uidvalidity == 0)
		return observe_refused(o, "the server gives it no UIDVALIDITY");
	o->grew |= take_abilities(f, b);
	fault = epoch_fault(f, b);
	if (fault != NULL)
		return observe_fault(o, fault);
	if (f->uidvalidity == 0) {
		o->full = o->fresh = true;
		return task_next(t, observe_reset);
	}
	/* A lower one alone is no fault, but deltas mean nothing then. */
	if (f->modseq == 0 || b->modseq < f->modseq)
		o->full = true;
	return task_next(t, observe_ask);
}

static enum task_result
observe_reset(struct task *t)
{
	struct observe *o = (struct observe *)t;

	rows_move(o, true);
	if (o->first != NULL)
		return task_wait(t, observe_reset);
	if (o->job.run != reset_run) {
		o->job = (struct job){ .run = reset_run };
		lane_post(o->pass.a->index_lane, &o->job, t);
	}
	if (!o->job.done)
		return task_wait(t, observe_reset);
	if (o->job.result == -1)
		return task_fail(t, &o->job.err);
	uidset_clear(&o->vanished);
	return task_next(t, observe_ask);
}

static void
ask_fetch(struct observe *o, struct imap_fetching *f, uint32_t first,
    uint32_t last, unsigned items)
{
	struct uidset uids = { .n = 0 };
	bool delta = !o->full && items == FETCH_FLAGS;
	struct imap_fetch_args args = {
		.uids = &uids, .items = items, .sink = sink_of(o),
		.changed_since = delta ? o->pass.box->row.modseq : 0,
	};

	uidset_add_range(&uids, first, last);
	imap_fetch_start(o->pass.conn->session, f, &o->pass.task, &args);
	uidset_release(&uids);
}

static void
ask_probes(struct observe *o)
{
	struct uidset uids = { .n = 0 };
	struct imap_fetch_args args = {
		.uids = &uids, .items = FETCH_META,
		.sink = sink_of(o),
	};
	int i;

	for (i = o->n_probe - 1; i >= 0; i--)
		uidset_add(&uids, o->probe[i].uid);
	imap_fetch_start(o->pass.conn->session, &o->probing, &o->pass.task, &args);
	uidset_release(&uids);
}

static enum task_result
observe_ask(struct task *t)
{
	struct observe *o = (struct observe *)t;
	const struct index_folder *f = &o->pass.box->row;
	const struct imap_box *b = &o->select.box;
	bool qresync = imap_session_enabled(o->pass.conn->session) & CAP_QRESYNC;

	o->known_next = f->uidnext > 0 ? f->uidnext : 1;
	uidset_clear(&o->listed);
	o->asked_changes = o->known_next > 1 &&
	    (o->full || (!qresync && b->modseq != f->modseq));
	o->asked_news = imap_box_exists(o->pass.conn->session) > 0 &&
	    (o->full || b->uidnext == 0 || b->uidnext > o->known_next);
	o->asked_probes = o->n_probe > 0 && !o->fault && o->tries == 0;
	if (o->asked_probes)
		ask_probes(o);
	if (o->asked_changes)
		ask_fetch(o, &o->changes, 1, o->known_next - 1, FETCH_FLAGS);
	if (o->asked_news)
		ask_fetch(o, &o->news, o->known_next, UID_LAST,
		    FETCH_FLAGS | FETCH_META);
	return task_next(t, observe_listed);
}

/* 1, 0, -1 for all that was asked; 0 until every answer is there. */
static int
asked_result(struct observe *o, struct err *err)
{
	const struct {
		bool asked;
		const struct imap_cmd *cmd;
	} all[] = {
		{ o->asked_probes, &o->probing.cmd },
		{ o->asked_changes, &o->changes.cmd },
		{ o->asked_news, &o->news.cmd },
	};
	struct err why;
	bool failed = false;
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		int rc = all[i].asked ? imap_result(all[i].cmd, &why) : 1;

		if (rc == 0)
			return 0;
		if (rc == -1 && !failed)
			*err = why;
		failed |= rc == -1;
	}
	return failed ? -1 : 1;
}

static void
asked_release(struct observe *o)
{
	imap_cmd_release(&o->probing.cmd);
	imap_cmd_release(&o->changes.cmd);
	imap_cmd_release(&o->news.cmd);
	o->probing = o->changes = o->news = (struct imap_fetching){ .rows = 0 };
}

/* What is known of the folder is void: it is looked at as if for the first time. */
static enum task_result
observe_fault(struct observe *o, const char *fault)
{
	if (o->pass.a->opt.dry_run)
		return observe_refused(o, fault);
	account_tell(o->pass.a, "%s: %s; both sides are merged, nothing is "
	    "deleted", o->pass.box->row.name, fault);
	o->fault = o->full = true;
	o->pass.a->merging = true;
	return task_next(&o->pass.task, observe_reset);
}

static enum task_result
observe_listed(struct task *t)
{
	struct observe *o = (struct observe *)t;

	rows_move(o, false);
	switch (asked_result(o, &t->err)) {
	case 0:
		return task_wait(t, observe_listed);
	case -1:
		if (t->err.kind != ERR_REFUSED)
			return TASK_FAIL;
		return observe_refused(o, t->err.msg);
	}
	asked_release(o);
	if (o->reused && !o->fault)
		return observe_fault(o, "its newest messages are not those "
		    "that the server had under these UIDs");
	return task_next(t, observe_stored);
}

/* What the server could not store before is owed to it: from now on the rows
 * are dirty. In the transaction that records what it can. */
static int
claim_owed(struct observe *o, struct err *err)
{
	struct index *ix = o->pass.a->ix;
	struct place row[64];
	struct ability can;
	int64_t after = 0;
	int i, n, rc = 0;

	box_ability(o->pass.box, &can);
	do {
		n = index_places(ix, PLACES_OWED, o->pass.box->row.id, after,
		    row, 64, err);
		for (i = 0; i < n; i++) {
			after = row[i].id;
			reconcile_agree(&row[i], &can);
			if (rc == 0)
				rc = index_place_put(ix, &row[i], err);
			place_release(&row[i]);
		}
	} while (rc == 0 && n == 64);
	return n < 0 ? -1 : rc;
}

/* Runs in one transaction with the cursor. */
static int
settle(struct observe *o, struct err *err)
{
	struct index *ix = o->pass.a->ix;
	struct index_folder *f = &o->pass.box->row;
	const struct imap_box *b = &o->select.box;
	uint64_t changed, there;

	if (o->full && uidset_count(&o->listed) != o->exists)
		return 0;
	if (o->full && index_keep_remote(ix, f->id, &o->listed, UID_LAST,
	    &changed, err) == -1)
		return -1;
	if (index_unsee_remote(ix, f->id, &o->vanished, &changed, err) == -1 ||
	    (o->full ? index_recount(ix, f->id, &there, err) :
	    index_tally(ix, f->id, &there, err)) == -1)
		return -1;
	o->closes = there == o->exists;
	if (!o->closes)
		return 0;
	if (o->grew && claim_owed(o, err) == -1)
		return -1;
	f->uidvalidity = b->uidvalidity;
	f->modseq = b->modseq;
	f->exists = o->exists;
	if (o->highest >= f->uidnext)
		f->uidnext = o->highest < UID_LAST ? o->highest + 1 : UID_LAST;
	if (b->uidnext > f->uidnext)
		f->uidnext = b->uidnext;
	if (o->full)
		f->last_full = clock_wall();
	return index_folder_put(ix, f, err);
}

/* What does not close is not kept: not the vanished ones, not the cursor. */
static int
settle_run(struct job *job)
{
	struct observe *o = OWNER_OF(job, struct observe, job);
	struct index *ix = o->pass.a->ix;

	o->closes = false;
	if (begin(o, &job->err) == -1)
		return -1;
	if (settle(o, &job->err) == 0 && o->closes)
		return index_commit(ix, &job->err);
	index_rollback(ix);
	return job->err.kind == ERR_NONE ? 0 : -1;
}

static enum task_result
observe_stored(struct task *t)
{
	struct observe *o = (struct observe *)t;

	rows_move(o, true);
	if (o->first != NULL)
		return task_wait(t, observe_stored);
	if (o->rows_err.kind != ERR_NONE)
		return task_fail(t, &o->rows_err);
	o->exists = imap_box_exists(o->pass.conn->session);
	o->job = (struct job){ .run = settle_run };
	lane_post(o->pass.a->index_lane, &o->job, t);
	return task_wait(t, observe_settled);
}

static enum task_result
observe_settled(struct task *t)
{
	struct observe *o = (struct observe *)t;

	if (!o->job.done)
		return task_wait(t, observe_settled);
	if (o->job.result == -1)
		return task_fail(t, &o->job.err);
	if (o->closes) {
		struct proof *proof = &o->pass.box->proof;

		o->pass.box->observed = true;
		proof->full |= o->full;
		if (o->full)
			proof->listed = uidset_count(&o->listed);
		proof->vanished += uidset_count(&o->vanished);
		return TASK_DONE;
	}
	if (!o->full || ++o->tries < FULL_TRIES) {
		o->full = true;
		uidset_clear(&o->vanished);
		return task_next(t, observe_ask);
	}
	o->pass.box->unsettled = true;
	box_note(o->pass.a, o->pass.box, ITEM_SUM, ALL_ROWS, "the server says "
	    "it has %u messages but lists %llu; nothing is removed there until "
	    "that adds up", o->exists,
	    (unsigned long long)uidset_count(&o->listed));
	return TASK_DONE;
}

static void
observe_finish(struct task *t)
{
	struct observe *o = (struct observe *)t;
	struct rows *b;

	if (o->pass.conn->session != NULL)
		imap_session_pause(o->pass.conn->session, false);
	while ((b = o->first) != NULL) {
		o->first = b->next;
		rows_free(b);
	}
	imap_select_release(&o->select);
	asked_release(o);
	uidset_release(&o->listed);
	uidset_release(&o->vanished);
	pass_end(&o->pass);
}

void
observe_remote_start(struct conn *conn, struct box *box,
    struct pass_result *out)
{
	struct observe *o = xcalloc(1, sizeof(*o));

	o->full = conn->a->opt.full;
	o->pass.task.finish = observe_finish;
	o->pass.box = box;
	pass_start(&o->pass, conn, out, "observe", observe_begin);
}
