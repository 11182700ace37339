/*
 * Copies on the server what it has already, from one folder to others, rather
 * than send it (match/copies.h). What was moved is removed from there in the
 * end, like anything that is gone from disk.
 *
 *	index lane	pick	both places of each, for one folder at a time
 *	server		FETCH	are these still the messages that the index
 *				speaks of? Size and date, else the header
 *	index lane	intend	durable before anything is sent
 *	server		UID COPY
 *	index lane	record	the UIDs that it told, which a row has to show
 *
 * A set that is refused was not copied, unless the folder has grown; then each
 * message goes by itself, and what is refused alone is uploaded (push.c). An
 * answer that is lost is looked for by the next run, like that of an upload.
 */
#include <stdlib.h>

#include "apply/apply.h"
#include "base/clock.h"
#include "base/mem.h"
#include "core/lacking.h"
#include "core/learned.h"
#include "imap/box.h"
#include "index/content.h"
#include "mail/flags.h"
#include "match/copies.h"
#include "observe/headers.h"

#define COPY_ROWS	1000
#define REFUSALS_ENOUGH	8	/* in a row, each alone: it takes none */

struct copying_row {
	struct copy *copy;
	struct place source, target;
	bool there;		/* the source is what it was */
	uint32_t uid;		/* that was told; 0: none */
	struct index_intent intent;
	/* Moved to the trash, the source needs not go there a second time when
	 * it is removed (transfer.h). id 0: none. */
	struct index_intent trashed;
};

struct copying {
	struct pass pass;
	size_t at;		/* of run->copies: the next */
	struct copying_row row[COPY_ROWS];
	int n;
	struct folder *to;	/* of these */
	bool alone;		/* one by one: a set was refused */
	bool closed;		/* it takes none any more */
	unsigned refusals;
	size_t again;		/* where this set began */
	struct uidset uids;
	struct imap_fetching check;
	struct headers doubts;
	struct imap_cmd copy;
	struct imap_uidnext look;
	char *refused;		/* the server's words */
};

static enum task_result copy_pick(struct task *);
static enum task_result copy_picked(struct task *);
static enum task_result copy_seen(struct task *);
static enum task_result copy_doubts_told(struct task *);
static enum task_result copy_compared(struct task *);
static enum task_result copy_intended(struct task *);
static enum task_result copy_answered(struct task *);
static enum task_result copy_looked(struct task *);
static enum task_result copy_dropped(struct task *);
static enum task_result copy_recorded(struct task *);

static void
copy_release_rows(struct copying *c)
{
	int i;

	for (i = 0; i < c->n; i++) {
		place_release(&c->row[i].source);
		place_release(&c->row[i].target);
	}
	c->n = 0;
	uidset_clear(&c->uids);
	imap_cmd_release(&c->check.cmd);
	headers_release(&c->doubts);
	imap_cmd_release(&c->copy);
	imap_cmd_release(&c->look.cmd);
	free(c->refused);
	c->refused = NULL;
}

/* --- picking --- */

/* The next of this folder; NULL: there is none. */
static struct copy *
next_copy(const struct copying *c)
{
	const struct run *run = c->pass.run;
	struct copy *next = &run->copies->v[c->at];

	return c->at < run->copies->n &&
	    &run->folder[next->from] == c->pass.folder ? next : NULL;
}

/* They are what they were when they were chosen: 1, 0, -1. */
static int
load_copying(struct copying *c, struct copying_row *r, struct err *err)
{
	struct index *ix = c->pass.run->ix;
	const struct place *s = &r->source, *t = &r->target;
	int found = index_place_by_id(ix, r->copy->source, &r->source, err);

	if (found == 1)
		found = index_place_by_id(ix, r->copy->target, &r->target, err);
	if (found != 1)
		return found;
	return s->uid == r->copy->uid && s->remote.present &&
	    s->base_local.present && !s->unconfirmed && !s->likely &&
	    !(s->remote.flags & s->base_remote.flags & FLAG_DELETED) &&
	    t->local.present && !t->base_local.present && t->uid == 0 &&
	    t->content == s->content;
}

/* One UID once a command. */
static bool
joins(const struct copying *c, const struct copy *next)
{
	const struct copy *last = c->n == 0 ? NULL : c->row[c->n - 1].copy;

	return last == NULL || (next->to == last->to && next->uid != last->uid);
}

static void
turn_to(struct copying *c, struct folder *to)
{
	if (c->to == to)
		return;
	c->to = to;
	c->alone = c->closed = false;
	c->refusals = 0;
}

static int
copy_pick_work(struct pass *pass, struct err *err)
{
	struct copying *c = (struct copying *)pass;
	const int most = c->alone ? 1 : COPY_ROWS;
	struct copy *next;
	int rc;

	c->again = c->at;
	while (c->n < most && (next = next_copy(c)) != NULL && joins(c, next)) {
		struct copying_row *r = &c->row[c->n];

		turn_to(c, &pass->run->folder[next->to]);
		c->at++;
		if (c->closed)
			continue;
		*r = (struct copying_row){ .copy = next };
		rc = load_copying(c, r, err);
		if (rc == 1) {
			c->n++;
			continue;
		}
		place_release(&r->source);
		place_release(&r->target);
		if (rc == -1)
			return -1;
	}
	return 0;
}

static enum task_result
copy_pick(struct task *t)
{
	struct copying *c = (struct copying *)t;

	copy_release_rows(c);
	return next_copy(c) == NULL ? TASK_DONE : pass_job(&c->pass,
	    copy_pick_work, copy_picked);
}

/* --- are they still what they were? --- */

static void
check_source(void *arg, const struct imap_fetch *f)
{
	struct copying *c = arg;
	struct removed_how how;
	int i;

	for (i = 0; i < c->n; i++)
		if (c->row[i].source.uid == f->uid &&
		    (f->has_size || f->has_date))
			c->row[i].there = learned_is_same(
			    &c->pass.run->learned, &c->row[i].source, f, &how);
}

static enum task_result
copy_picked(struct task *t)
{
	struct copying *c = (struct copying *)t;
	struct imap_fetch_args args = {
		.uids = &c->uids, .items = FETCH_META,
		.sink = { .arg = c, .row = check_source },
	};
	int i;

	for (i = 0; i < c->n; i++)
		uidset_add(&c->uids, c->row[i].source.uid);
	if (c->n == 0)
		return task_next(t, copy_pick);
	imap_fetch_start(c->pass.conn->session, &c->check, t, &args);
	return imap_wait(t, &c->check.cmd, copy_seen);
}

static enum task_result
copy_seen(struct task *t)
{
	struct copying *c = (struct copying *)t;
	int i;

	for (i = 0; i < c->n; i++)
		if (!c->row[i].there)
			headers_add(&c->doubts, c->row[i].source.uid,
			    c->row[i].source.content);
	if (c->doubts.n == 0)
		return task_next(t, copy_compared);
	headers_ask(&c->doubts, c->pass.conn->session, t);
	return imap_wait(t, &c->doubts.fetch.cmd, copy_doubts_told);
}

static int
copy_doubts_work(struct pass *p, struct err *err)
{
	return headers_compare(&((struct copying *)p)->doubts, p->run->ix, err);
}

static enum task_result
copy_doubts_told(struct task *t)
{
	return pass_job((struct pass *)t, copy_doubts_work, copy_compared);
}

/* --- asking --- */

/* One of a run that was cut off is taken over. */
static int
intend_trashed(struct copying *c, struct copying_row *r, struct err *err)
{
	struct index *ix = c->pass.run->ix;
	struct index_intent open = { .id = 0 };

	if (index_intent_of(ix, c->to->row.id, r->source.id, &open, err) == -1)
		return -1;
	r->trashed = r->intent;
	r->trashed.id = open.id;
	r->trashed.place = r->source.id;
	return index_intent_put(ix, &r->trashed, err);
}

static int
intend_copy(struct copying *c, struct copying_row *r, struct err *err)
{
	const struct index_folder *to = &c->to->row;

	copies_inherit(r->copy, &r->target, &r->source);
	copies_take_away(&r->target, &r->source, &r->target.local,
	    &r->source.remote);
	r->intent = (struct index_intent){
		.folder = to->id, .place = r->target.id,
		.uidvalidity = to->uidvalidity,
		.uidnext = folder_next_uid(c->to),
		.content = r->target.content, .size = r->source.size,
		.begun = clock_wall(),
	};
	if (index_place_put(c->pass.run->ix, &r->target, err) == -1 ||
	    index_intent_put(c->pass.run->ix, &r->intent, err) == -1)
		return -1;
	return r->copy->moves && c->to == folder_trash(c->pass.run) ?
	    intend_trashed(c, r, err) : 0;
}

static int
copy_intend_work(struct pass *p, struct err *err)
{
	struct copying *c = (struct copying *)p;
	int i, rc = index_begin(p->run->ix, err);

	for (i = 0; i < c->n && rc == 0; i++)
		if (c->row[i].there)
			rc = intend_copy(c, &c->row[i], err);
	return index_end(p->run->ix, rc, err);
}

static enum task_result
copy_compared(struct task *t)
{
	struct copying *c = (struct copying *)t;
	size_t k;
	int i;

	for (k = 0; k < c->doubts.n; k++)
		for (i = 0; i < c->n; i++)
			if (c->row[i].source.uid == c->doubts.v[k].uid)
				c->row[i].there =
				    c->doubts.v[k].is == HEADER_SAME;
	uidset_clear(&c->uids);
	for (i = 0; i < c->n; i++)
		if (c->row[i].there)
			uidset_add(&c->uids, c->row[i].source.uid);
	return uidset_empty(&c->uids) ? task_next(t, copy_pick) :
	    pass_job(&c->pass, copy_intend_work, copy_intended);
}

static enum task_result
copy_intended(struct task *t)
{
	struct copying *c = (struct copying *)t;

	imap_copy_start(c->pass.conn->session, &c->copy, t, &c->uids,
	    c->to->row.raw);
	return imap_wait(t, &c->copy, copy_answered);
}

/* --- refused --- */

static int
drop_intents(struct index *ix, const struct copying_row *r, struct err *err)
{
	if (r->intent.id != 0 && index_intent_drop(ix, r->intent.id, err) == -1)
		return -1;
	return r->trashed.id == 0 ? 0 : index_intent_drop(ix, r->trashed.id,
	    err);
}

static int
copy_drop_work(struct pass *p, struct err *err)
{
	struct copying *c = (struct copying *)p;
	int i, rc = index_begin(p->run->ix, err);

	for (i = 0; i < c->n && rc == 0; i++)
		rc = drop_intents(p->run->ix, &c->row[i], err);
	return index_end(p->run->ix, rc, err);
}

static enum task_result
copy_dropped(struct task *t)
{
	struct copying *c = (struct copying *)t;

	if (!c->alone && !c->closed) {
		c->alone = true;
		c->at = c->again;
	}
	return task_next(t, copy_pick);
}

/* They are uploaded in this run, which has its own words for a refusal. */
static enum task_result
copy_refused(struct copying *c)
{
	c->closed = code_is_folder(c->copy.code) ||
	    ++c->refusals >= REFUSALS_ENOUGH;
	return pass_job(&c->pass, copy_drop_work, copy_dropped);
}

static bool
has_grown_by_copies(const struct copying *c)
{
	return c->look.uidnext > folder_next_uid(c->to);
}

static enum task_result
copy_looked(struct task *t)
{
	struct copying *c = (struct copying *)t;
	const char *why = imap_refusal(&c->look.cmd);

	if (why == NULL && !has_grown_by_copies(c))
		return copy_refused(c);
	report_folder_issue(c->pass.run, c->to, ITEM_PUSH, (uint64_t)c->n,
	    "%d message%s perhaps copied there: %s; the next run looks", c->n,
	    c->n == 1 ? " was" : "s were", c->refused);
	c->to->look_again = c->closed = true;
	return task_next(t, copy_pick);
}

/* --- recording --- */

/* COPYUID lists what was copied, and as what. */
static void
take_copy_uids(struct copying *c)
{
	struct folder *to = c->to;
	uint32_t from = 0, uid = 0;
	int i;

	if (c->copy.code != CODE_COPYUID ||
	    c->copy.code_number != to->row.uidvalidity)
		return;
	while (uidset_next(&c->copy.code_uids, &from) &&
	    uidset_next(&c->copy.code_to, &uid)) {
		if (uid < UINT32_MAX && uid >= to->transferred_next)
			to->transferred_next = uid + 1;
		for (i = 0; i < c->n; i++)
			if (c->row[i].there && c->row[i].source.uid == from)
				c->row[i].uid = uid;
	}
}

/* Nothing else can have it: 1, 0, -1. */
static int
is_new_uid(const struct copying *c, uint32_t uid, struct err *err)
{
	struct place known;
	int found;

	if (uid == 0 || uid < c->to->row.uidnext)
		return 0;
	found = index_place_by_uid(c->pass.run->ix, c->to->row.id, uid, &known,
	    err);
	if (found == 1)
		place_release(&known);
	return found == -1 ? -1 : !found;
}

static void
agree_as_source(const struct copying *c, struct copying_row *r)
{
	const struct place *s = &r->source;
	struct place *t = &r->target;
	struct ability can;

	t->uid = r->uid;
	t->fetched = FETCHED_FULL;
	t->unconfirmed = true;
	copies_agree(r->copy, t, s);
	state_set(&t->expected, true, t->remote.flags, t->remote.keywords);
	folder_ability(c->to, &can);
	reconcile_agree(t, &can);
}

static int
record_copy(struct copying *c, struct copying_row *r, struct err *err)
{
	struct run *run = c->pass.run;
	int is_new = is_new_uid(c, r->uid, err);

	r->intent.answered = true;
	if (is_new == 1) {
		agree_as_source(c, r);
		c->to->uploads++;
		r->intent.told = TOLD_UID;
		if (lacking_tell(run, c->to, &r->target, err) == -1 ||
		    index_place_put(run->ix, &r->target, err) == -1)
			return -1;
	}
	if (is_new == -1 || log_copy(run, r->copy, &r->target, err) == -1 ||
	    index_intent_put(run->ix, &r->intent, err) == -1)
		return -1;
	if (r->trashed.id == 0)
		return 0;
	r->trashed.answered = true;
	r->trashed.copy = is_new == 1 ? r->uid : 0;
	return index_intent_put(run->ix, &r->trashed, err);
}

static int
copy_record_work(struct pass *p, struct err *err)
{
	struct copying *c = (struct copying *)p;
	int i, rc = index_begin(p->run->ix, err);

	for (i = 0; i < c->n && rc == 0; i++)
		if (c->row[i].there)
			rc = record_copy(c, &c->row[i], err);
	return index_end(p->run->ix, rc, err);
}

static enum task_result
copy_answered(struct task *t)
{
	struct copying *c = (struct copying *)t;
	const char *why = imap_refusal(&c->copy);

	if (why == NULL) {
		take_copy_uids(c);
		c->to->look_again = true;
		c->refusals = 0;
		return pass_job(&c->pass, copy_record_work, copy_recorded);
	}
	c->refused = xstrdup(why);
	if (uidset_count(&c->uids) == 1)
		return copy_refused(c);
	imap_uidnext_start(c->pass.conn->session, &c->look, t, c->to->row.raw);
	return imap_wait(t, &c->look.cmd, copy_looked);
}

static enum task_result
copy_recorded(struct task *t)
{
	struct copying *c = (struct copying *)t;
	int i;

	for (i = 0; i < c->n; i++) {
		if (!c->row[i].there)
			continue;
		c->row[i].copy->done = true;
		report_copy(c->pass.run, c->row[i].copy, &c->row[i].target);
	}
	return task_next(t, copy_pick);
}

static void
copy_finish(struct task *t)
{
	struct copying *c = (struct copying *)t;

	copy_release_rows(c);
	uidset_release(&c->uids);
	pass_end(&c->pass);
}

void
copy_start(struct conn *conn, struct folder *folder, struct pass_result *out)
{
	struct copying *c = xcalloc(1, sizeof(*c));

	c->at = copies_from(conn->account->run, folder);
	c->pass.folder = folder;
	c->pass.step = STEP_COPY;
	c->pass.task.finish = copy_finish;
	pass_start(&c->pass, conn, out, "copy", copy_pick);
}
