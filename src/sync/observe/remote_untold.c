/*
 * A listing that is refused whatever the form (RFC 2180 section 4.1: NO, and
 * rows of all but some). What came is believed. SEARCH tells what is there
 * besides; that is asked for in parts, fewer and fewer, down to the messages of
 * which no row is to be had. They are there, and no more is known of them: they
 * are pulled, or not, like any other.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "observe/remote.h"

#define REFUSALS_MOST	24	/* in succession, and it is the folder */

static enum task_result untold_searched(struct task *);
static enum task_result untold_told(struct task *);

static void
take_part(struct untold *u)
{
	uint32_t uid = 0;

	uidset_clear(&u->part);
	while (uidset_count(&u->part) < u->at_once &&
	    uidset_next(&u->left, &uid))
		uidset_add(&u->part, uid);
}

static enum task_result
untold_ask(struct observe *o)
{
	struct untold *u = &o->untold;
	struct imap_fetch_args args = {
		.uids = &u->part, .items = ask_of_news(o),
		.sink = rows_sink(o, false),
	};

	if (uidset_empty(&u->left))
		return task_next(&o->pass.task, observe_stored);
	take_part(u);
	imap_cmd_release(&u->fetch.cmd);
	u->fetch = (struct imap_fetching){ .rows = 0 };
	imap_fetch_start(o->pass.conn->session, &u->fetch, &o->pass.task,
	    &args);
	return task_next(&o->pass.task, untold_told);
}

enum task_result
observe_untold(struct observe *o, const char *why)
{
	struct untold *u = &o->untold;

	if (u->why != NULL)		/* once in a look */
		return observe_refused(o, why);
	u->why = xstrdup(why);
	asked_release(o);
	imap_search_start(o->pass.conn->session, &u->search, &o->pass.task,
	    "ALL");
	return task_next(&o->pass.task, untold_searched);
}

static enum task_result
untold_searched(struct task *t)
{
	struct observe *o = (struct observe *)t;
	struct untold *u = &o->untold;

	rows_move(o, false);
	switch (imap_result(&u->search.cmd, &t->err)) {
	case 0:
		return task_wait(t, untold_searched);
	case -1:
		if (t->err.kind != ERR_REFUSED)
			return TASK_FAIL;
		t->err.kind = ERR_NONE;
		return observe_refused(o, u->why);
	}
	uidset_join(&u->left, &u->search.uids);
	uidset_less(&u->left, &o->listed);
	u->at_once = (uidset_count(&u->left) + 1) / 2;
	return untold_ask(o);
}

/* No row of it is to be had; that it is there was told. */
static void
keep_untold(struct observe *o)
{
	uint32_t uid = 0;

	while (uidset_next(&o->untold.part, &uid)) {
		const struct imap_fetch f = { .uid = uid };

		rows_keep(o, &f);
		o->untold.n++;
	}
	uidset_less(&o->untold.left, &o->untold.part);
}

/* What was told is not asked for again, nor what there is no more. */
static enum task_result
untold_told(struct task *t)
{
	struct observe *o = (struct observe *)t;
	struct untold *u = &o->untold;
	const uint64_t before = uidset_count(&u->left);
	int rc = imap_result(&u->fetch.cmd, &t->err);

	rows_move(o, false);
	if (rc == 0)
		return task_wait(t, untold_told);
	if (rc == -1 && t->err.kind != ERR_REFUSED)
		return TASK_FAIL;
	t->err.kind = ERR_NONE;
	uidset_less(&u->left, &o->listed);
	if (rc == 1) {
		uidset_less(&u->left, &u->part);
		u->at_once *= 2;
	} else if (u->at_once == 1) {
		keep_untold(o);
	} else {
		u->at_once /= 2;
	}
	u->refusals = rc == 1 || uidset_count(&u->left) < before - 1 ? 0 :
	    u->refusals + 1;
	return u->refusals > REFUSALS_MOST ? observe_refused(o, u->why) :
	    untold_ask(o);
}

void
untold_release(struct untold *u)
{
	imap_searching_release(&u->search);
	imap_cmd_release(&u->fetch.cmd);
	uidset_release(&u->left);
	uidset_release(&u->part);
	free(u->why);
}
