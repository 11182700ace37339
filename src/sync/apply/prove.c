/*
 * Proves likely pairs before anything is removed on their account (design
 * section 3). They were paired by header and size; the body that the server has
 * must be that of the file, or they are two messages, each one's own.
 *
 *	index lane	pick	rows to be removed that are only likely
 *	server		FETCH	their bodies, of which nothing is kept
 *	index lane	record	proven; or parted: the file goes its own way,
 *				and the message is pulled
 */
#include <stdlib.h>

#include "apply/apply.h"
#include "base/clock.h"
#include "base/mem.h"
#include "imap/box.h"
#include "index/content.h"
#include "index/fact.h"
#include "mail/flags.h"
#include "observe/headers.h"

#define PROVE_ROWS	100
#define DAY		86400

struct proving {
	struct pass pass;
	struct pick pick;
	struct picked row[PROVE_ROWS];
	int n;
	int at, end;			/* of row, that are asked for */
	bool alone;			/* one by one: a set was refused */
	struct headers bodies;		/* of these */
	char *refused;			/* the server's words */
	bool parted;			/* one at least */
	/* Of pairs that nothing is to become of: */
	bool verifies;
	struct imap_select select;
	uint32_t below;			/* the next UIDs */
	int64_t day, spent;		/* octets, today */
};

static enum task_result prove_pick(struct task *);
static enum task_result prove_ask(struct task *);
static enum task_result verify_opened(struct task *);
static enum task_result prove_fetched(struct task *);
static enum task_result prove_recorded(struct task *);

bool
prove_is_wanted(const struct place *p)
{
	return p->likely && p->remote.present;
}

static void
prove_release_rows(struct proving *p)
{
	picked_release(p->row, p->n);
	p->n = p->at = p->end = 0;
}

/* --- which --- */

/* Rows that need none are left to the removal. */
static int
prove_pick_work(struct pass *pass, struct err *err)
{
	struct proving *p = (struct proving *)pass;
	int i, n = pick_rows(&p->pick, p->row, err);

	for (i = 0; i < n; i++) {
		if (prove_is_wanted(&p->row[i].place))
			p->row[p->n++] = p->row[i];
		else
			picked_release(&p->row[i], 1);
	}
	return n == -1 ? -1 : 0;
}

/* --- which, where nothing is to be removed --- */

/* Of the account: what was fetched today. Of a folder: where to go on. */
#define VERIFY_DAY	"verify-day"
#define VERIFY_SPENT	"verify-spent"
#define VERIFY_BELOW	"verify-below"

static int
verify_load(struct proving *p, struct err *err)
{
	struct index *ix = p->pass.run->ix;
	int64_t day, below;

	p->day = clock_wall() / DAY;
	if (index_fact_get(ix, 0, VERIFY_DAY, &day, err) == -1 ||
	    index_fact_get(ix, 0, VERIFY_SPENT, &p->spent, err) == -1 ||
	    index_fact_get(ix, p->pass.folder->row.id, VERIFY_BELOW, &below,
	    err) == -1)
		return -1;
	if (day != p->day)
		p->spent = 0;
	p->below = below > 0 ? (uint32_t)below : UINT32_MAX;
	return 0;
}

static int
verify_record(struct proving *p, struct err *err)
{
	struct index *ix = p->pass.run->ix;

	return index_fact_set(ix, 0, VERIFY_DAY, p->day, err) == -1 ||
	    index_fact_set(ix, 0, VERIFY_SPENT, p->spent, err) == -1 ? -1 :
	    index_fact_set(ix, p->pass.folder->row.id, VERIFY_BELOW, p->below,
	    err);
}

/* One that alone is more than a day allows is passed over. */
static int
verify_take(struct proving *p, const struct index_probe *v, struct err *err)
{
	const uint64_t most = p->pass.run->conf->verify_bytes;
	struct picked *row = &p->row[p->n];
	int found;

	p->below = v->uid;
	if (v->size > most)
		return 0;
	*row = (struct picked){ .tries = 0 };
	found = index_place_by_uid(p->pass.run->ix, p->pass.folder->row.id,
	    v->uid, &row->place, err);
	p->n += found == 1;
	p->spent += v->size;
	return found;
}

static int
verify_pick_work(struct pass *pass, struct err *err)
{
	struct proving *p = (struct proving *)pass;
	const int64_t most = (int64_t)pass->run->conf->verify_bytes;
	struct index_unproven of = {
		.folder = pass->folder->row.id, .max = PROVE_ROWS,
	};
	struct index_probe v[PROVE_ROWS];
	int i, n, rc = 0;

	if (p->day == 0 && verify_load(p, err) == -1)
		return -1;
	of.below = p->below;
	n = index_likely(pass->run->ix, &of, v, err);
	if (n == 0 && p->below != UINT32_MAX) {
		p->below = UINT32_MAX;	/* what was refused, once more */
		rc = index_begin(pass->run->ix, err);
		if (rc == 0)
			rc = verify_record(p, err);
		return index_end(pass->run->ix, rc, err);
	}
	for (i = 0; i < n && rc != -1 && (p->spent + v[i].size <= most ||
	    v[i].size > most); i++)
		rc = verify_take(p, &v[i], err);
	return n == -1 || rc == -1 ? -1 : 0;
}

/* The folder is not open any more: nothing is changed in it. */
static enum task_result
verify_picked(struct task *t)
{
	struct proving *p = (struct proving *)t;
	struct imap_select_args args = {
		.raw = p->pass.folder->row.raw, .examine = true,
	};

	if (p->n == 0)
		return TASK_DONE;
	if (p->select.box.uidvalidity != 0)
		return task_next(t, prove_ask);
	imap_select_start(p->pass.conn->session, &p->select, t, &args);
	return imap_wait(t, &p->select.cmd, verify_opened);
}

static enum task_result
verify_opened(struct task *t)
{
	struct proving *p = (struct proving *)t;

	if (imap_refusal(&p->select.cmd) != NULL || p->select.box.uidvalidity
	    != p->pass.folder->row.uidvalidity)
		return TASK_DONE;	/* the next run tells */
	return task_next(t, prove_ask);
}

static enum task_result
prove_pick(struct task *t)
{
	struct proving *p = (struct proving *)t;

	prove_release_rows(p);
	if (p->verifies)
		return pass_job(&p->pass, verify_pick_work, verify_picked);
	return p->pick.end ? TASK_DONE : pass_job(&p->pass, prove_pick_work,
	    prove_ask);
}

static enum task_result
prove_ask(struct task *t)
{
	struct proving *p = (struct proving *)t;
	int i;

	if (p->at == p->n)
		return task_next(t, prove_pick);
	p->end = p->alone ? p->at + 1 : p->n;
	for (i = p->at; i < p->end; i++)
		headers_add(&p->bodies, p->row[i].place.uid, 0);
	headers_ask_whole(&p->bodies, p->pass.conn->session, t);
	return imap_wait(t, &p->bodies.fetch.cmd, prove_fetched);
}

/* --- what came of it --- */

/* The file becomes a message that the server never had. A mark was set for
 * both, and is not believed of the other. */
static int
part_file(struct index *ix, struct place *p, struct place *own,
    struct err *err)
{
	place_init(own);
	own->folder = p->folder;
	own->unique = xstrdup(p->unique);
	own->file = xstrdup(p->file);
	own->in_new = p->in_new;
	own->missing = p->missing;
	own->hint = p->hint;
	own->content = p->content;
	own->fetched = FETCHED_FULL;
	state_set(&own->local, true, p->local.flags, p->local.keywords);
	place_forget_local(p);
	state_set(&p->local, false, own->local.flags & FLAG_DELETED, "");
	/* The name is free then. */
	return index_place_put(ix, p, err) == -1 ? -1 :
	    index_place_put(ix, own, err);
}

/* What the message is, is known now: so they are not paired once more. */
static int
part(struct proving *p, struct place *place, const struct fingerprint *fp,
    struct err *err)
{
	struct index *ix = p->pass.run->ix;
	struct place own = { .id = 0 };
	int rc = evidence_parted(p->pass.run, p->pass.folder, place, err);

	p->parted = true;
	state_set(&place->base_local, false, 0, "");
	state_set(&place->base_remote, false, 0, "");
	if (rc == 0 && place->local.present)
		rc = part_file(ix, place, &own, err);
	else
		place_forget_local(place);
	place_release(&own);
	if (rc == 0)
		rc = index_content_put(ix, fp, &place->content, err);
	return rc == 0 ? index_place_put(ix, place, err) : -1;
}

/* Once, it may have been expunged meanwhile, and the next listing tells. */
static int
not_given(struct proving *p, const struct place *place, struct err *err)
{
	struct failure f = { ITEM_REMOVE, "", false };
	struct tries tries;
	char *text;
	int rc;

	if (tries_of(p->pass.run, place, ITEM_REMOVE, &tries, err) == -1)
		return -1;
	text = xasprintf("message with UID %u was not removed: it was known "
	    "by its header and size alone, and %s", place->uid,
	    p->refused != NULL ? p->refused : "the server sends no body to "
	    "compare");
	if (p->refused != NULL || tries.n > 0)
		f.text = text;
	rc = record_failure(p->pass.run, p->pass.folder, place, &f, err);
	free(text);
	return rc;
}

static int
prove_row(struct proving *p, struct place *place, const struct header *body,
    struct err *err)
{
	struct run *run = p->pass.run;
	bool same;

	if (!body->got)
		return p->verifies ? 0 : not_given(p, place, err);
	if (index_content_is(run->ix, place->content, &body->fp, &same,
	    err) == -1)
		return -1;
	if (!same)
		return part(p, place, &body->fp, err);
	place->likely = false;
	if (index_place_put(run->ix, place, err) == -1)
		return -1;
	return record_success(run, place, ITEM_REMOVE, err);
}

static int
prove_record_work(struct pass *pass, struct err *err)
{
	struct proving *p = (struct proving *)pass;
	int rc = index_begin(pass->run->ix, err);

	for (; p->at < p->end && rc == 0; p->at++)
		rc = prove_row(p, &p->row[p->at].place,
		    &p->bodies.v[p->bodies.n - (size_t)(p->end - p->at)], err);
	if (rc == 0 && p->verifies)
		rc = verify_record(p, err);
	return index_end(pass->run->ix, rc, err);
}

/* Of a set that was refused, what came counts; each of it is asked for once
 * more, alone. */
static enum task_result
prove_fetched(struct task *t)
{
	struct proving *p = (struct proving *)t;
	const char *why = imap_refusal(&p->bodies.fetch.cmd);

	if (why != NULL && p->end - p->at > 1) {
		p->alone = true;
		headers_release(&p->bodies);
		return task_next(t, prove_ask);
	}
	p->refused = why == NULL ? NULL : xstrdup(why);
	return pass_job(&p->pass, prove_record_work, prove_recorded);
}

static enum task_result
prove_recorded(struct task *t)
{
	struct proving *p = (struct proving *)t;

	headers_release(&p->bodies);
	free(p->refused);
	p->refused = NULL;
	p->pass.folder->look_again |= p->parted;
	return task_next(t, prove_ask);
}

static void
prove_finish(struct task *t)
{
	struct proving *p = (struct proving *)t;

	prove_release_rows(p);
	headers_release(&p->bodies);
	free(p->refused);
	imap_select_release(&p->select);
	pass_end(&p->pass);
}

void
prove_start(struct conn *conn, struct folder *folder, struct pass_result *out)
{
	struct proving *p = xcalloc(1, sizeof(*p));
	struct run *run = conn->account->run;

	p->pick = (struct pick){ .run = run, .folder = folder,
	    .ops = removals_allowed(run, folder), .max = PROVE_ROWS };
	p->pass.folder = folder;
	p->pass.step = STEP_PROVE;
	p->pass.task.finish = prove_finish;
	pass_start(&p->pass, conn, out, "prove", prove_pick);
}

void
verify_start(struct conn *conn, struct folder *folder, struct pass_result *out)
{
	struct proving *p = xcalloc(1, sizeof(*p));

	p->verifies = true;
	p->pass.folder = folder;
	p->pass.step = STEP_PROVE;
	p->pass.task.finish = prove_finish;
	pass_start(&p->pass, conn, out, "verify", prove_pick);
}
