/*
 * Holds what the server has against what the index last saw there.
 *
 * The newest known messages must have the size and date that were recorded: a
 * server restored from a backup hands UIDs out anew under the same UIDVALIDITY.
 * Those are hints. Where they say so, headers tell.
 *
 * Happy path, all in one write: SELECT with what is known, for which QRESYNC
 * tells what changed and vanished; the newest known messages; and what is new,
 * where STATUS said that there is some. In a large folder QRESYNC is asked
 * about the end of it alone, where most happens. What changed in the older part
 * is asked for as a set of UIDs; if that is not empty, a second exchange tells
 * how, row by row, or flag by flag where it is much (remote_flags.c).
 *
 * Without QRESYNC the changes are asked for (CONDSTORE), without that all flags
 * are. At the end the sum must close: what the index then believes to be there
 * is what the server says it has (design section 5). If it does not:
 *
 *	what vanished in the older part, where QRESYNC was not asked about it
 *	which of the known UIDs are still there, a set
 *	everything, row by row; twice
 *
 * If it still does not, nothing is believed to be gone in this run. The cursor
 * moves last, when all that it stands for is stored.
 *
 * The passes behind it find the folder selected.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/learned.h"
#include "mail/flags.h"
#include "observe/remote.h"

#define RECENT		1000	/* UIDs whose changes come row by row */

static enum task_result observe_select(struct task *);
static enum task_result observe_selected(struct task *);
static enum task_result observe_judged(struct task *);
static enum task_result observe_unask(struct task *);
static enum task_result observe_reset(struct task *);
static enum task_result observe_anew(struct task *);
static enum task_result observe_ask(struct task *);
static enum task_result observe_flag_sets(struct task *);
static enum task_result observe_set_rows(struct task *);

/* --- the flow --- */

static unsigned
caps_of(const struct observe *o)
{
	return imap_session_caps(o->pass.conn->session);
}

static unsigned
enabled_of(const struct observe *o)
{
	return imap_session_enabled(o->pass.conn->session);
}

static int
probe_work(struct pass *p, struct err *err)
{
	struct observe *o = (struct observe *)p;

	o->n_probe = (p->folder->returned ? index_newest_ever :
	    index_newest)(p->run->ix, p->folder->row.id, o->probe, PROBES,
	    err);
	if (o->n_probe < 0 || sight_load(p->run, p->folder, err) == -1)
		return -1;
	o->known = 0;
	if (p->folder->row.uidnext == 0 && index_highest(p->run->ix,
	    p->folder->row.id, &o->known, err) == -1)
		return -1;
	return index_upload_uids(p->run->ix, p->folder->row.id, &o->uploads,
	    err);
}

static enum task_result
observe_begin(struct task *t)
{
	return pass_job((struct pass *)t, probe_work, observe_select);
}

/* From what is known before anything is asked. */
static void
plan(struct observe *o)
{
	const struct index_folder *f = &o->pass.folder->row;
	bool sets = (caps_of(o) & CAP_ESEARCH) != 0;

	o->known_next = f->uidnext > 0 ? f->uidnext : 1;
	if (f->uidvalidity == 0)
		return;
	o->full |= f->modseq == 0;
	o->by_sets = o->full && !o->thorough && sets && f->exists > ROWS_LEAST;
	if (o->full)
		return;
	o->qresync = (enabled_of(o) & CAP_QRESYNC) != 0;
	if (sets && (caps_of(o) & CAP_CONDSTORE) &&
	    o->known_next > 2 * RECENT)
		o->split = o->known_next - RECENT;
}

/* Behind SELECT in the same write: where LIST told of the folder that we know,
 * and the server knows already that we can do with MODSEQ. */
static bool
may_ask_ahead(const struct observe *o)
{
	const struct index_folder *f = &o->pass.folder->row;
	const struct imap_folder *l = &o->pass.folder->listed;

	return f->uidvalidity != 0 && l->has_status && l->messages > 0 &&
	    l->uidvalidity == f->uidvalidity && (o->full ||
	    !observe_has_changes(o, l->modseq) || (enabled_of(o) &
	    CAP_CONDSTORE));
}

static enum task_result
observe_select(struct task *t)
{
	struct observe *o = (struct observe *)t;
	struct index_folder *f = &o->pass.folder->row;
	const struct imap_folder *l = &o->pass.folder->listed;
	struct imap_select_args args = {
		.raw = f->raw, .sink = rows_sink(o, false),
		.uidvalidity = f->uidvalidity,
	};

	plan(o);
	args.modseq = o->full ? 0 : f->modseq;
	if (o->split > 1)
		args.known = (struct uidrange){ o->split, o->known_next - 1 };
	imap_select_start(o->pass.conn->session, &o->select, t, &args);
	o->ahead = may_ask_ahead(o);
	if (o->ahead)
		ask(o, ask_what(o, l->modseq, l->uidnext));
	return task_wait(t, observe_selected);
}

/* The folder is out for this run; the account goes on. */
enum task_result
observe_refused(struct observe *o, const char *why)
{
	o->pass.folder->failed = true;
	report_folder_issue(o->pass.run, o->pass.folder, ITEM_FOLDER, ALL_ROWS,
	    "%s; the folder is left out", why);
	return TASK_DONE;
}

/* What it says that it can store, and whether that is more than before. */
static void
take_abilities(struct observe *o, const struct imap_box *b)
{
	struct index_folder *f = &o->pass.folder->row, was = *f;
	const struct lacking *lacks = &o->pass.folder->lacking;
	char *more;

	f->read_only = b->read_only;
	f->permanent = b->read_only ? 0 : b->permanent;
	f->permanent_any = !b->read_only && b->permanent_any;
	f->permanent_keywords = xstrdup(b->read_only ||
	    b->permanent_keywords == NULL ? "" : b->permanent_keywords);
	more = keywords_less(f->permanent_keywords,
	    was.permanent_keywords == NULL ? "" : was.permanent_keywords);
	o->grew |= (f->permanent & ~was.permanent) != 0 || *more != '\0' ||
	    (f->permanent_any && !was.permanent_any);
	if (lacks->flags != 0 || lacks->keywords != NULL)
		o->unlearn |= lacks->stale || f->permanent != was.permanent ||
		    f->permanent_any != was.permanent_any;
	free(more);
	free(was.permanent_keywords);
}

/* Recorded before the first row is: rows without it could not be told from
 * those of another world. */
static int
reset_work(struct pass *p, struct err *err)
{
	struct observe *o = (struct observe *)p;
	struct index_folder *f = &p->folder->row;
	struct index *ix = p->run->ix;
	int rc;

	rc = observe_write(o, err);
	if (rc == 0 && o->fault)
		rc = p->folder->returned ?
		    folder_left_remote(p->run, p->folder, err) :
		    index_reset_remote(ix, f->id, &o->merges, err);
	p->folder->returned = false;
	f->remote = true;
	f->uidvalidity = o->select.box.uidvalidity;
	f->uidnext = f->exists = 0;
	f->modseq = 0;
	if (rc == 0)
		rc = sight_forget(o, err);
	if (rc == 0)
		rc = index_folder_put(ix, f, err);
	if (rc == 0)
		rc = learn_anew(p->run, p->folder, err);
	return index_end(ix, rc, err);
}

const char *
epoch_fault(const struct observe *o, const struct imap_box *b)
{
	const struct index_folder *f = &o->pass.folder->row;

	if (f->uidvalidity == 0)
		return NULL;
	if (b->uidvalidity != f->uidvalidity)
		return "the server numbers its messages anew (UIDVALIDITY)";
	if (b->uidnext != 0 && (b->uidnext < f->uidnext ||
	    b->uidnext <= o->known))
		return "the server knows fewer messages than it had before";
	return NULL;
}

/* SELECT told no UIDNEXT, and LIST one that is too low: is it so? */
static bool
wants_uidnext(const struct observe *o)
{
	const struct index_folder *f = &o->pass.folder->row;
	const struct imap_folder *l = &o->pass.folder->listed;

	return o->select.box.uidnext == 0 && f->uidvalidity != 0 &&
	    o->select.box.uidvalidity == f->uidvalidity && l->has_status &&
	    l->uidvalidity == f->uidvalidity && l->uidnext > 0 &&
	    l->uidnext < f->uidnext;
}

static enum task_result
observe_uidnext(struct task *t)
{
	struct observe *o = (struct observe *)t;
	const struct index_folder *f = &o->pass.folder->row;
	const struct imap_uidnext *c = &o->count;

	if (c->cmd.err.kind == ERR_NONE && c->uidnext > 0 &&
	    c->uidnext < f->uidnext)
		o->select.box.uidnext = c->uidnext;
	return task_next(t, observe_judged);
}

static enum task_result
observe_selected(struct task *t)
{
	struct observe *o = (struct observe *)t;
	const struct imap_box *b = &o->select.box;

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
	take_abilities(o, b);
	if (!wants_uidnext(o))
		return task_next(t, observe_judged);
	imap_uidnext_start(o->pass.conn->session, &o->count, t,
	    o->pass.folder->row.raw);
	return imap_wait(t, &o->count.cmd, observe_uidnext);
}

/* Is it the folder that is known? */
static enum task_result
observe_judged(struct task *t)
{
	struct observe *o = (struct observe *)t;
	struct index_folder *f = &o->pass.folder->row;
	const struct imap_box *b = &o->select.box;
	const char *fault = epoch_fault(o, b);

	o->fewer = fault != NULL && b->uidvalidity == f->uidvalidity;
	if (fault != NULL)
		return observe_fault(o, fault);
	if (f->uidvalidity == 0) {
		o->full = o->fresh = true;
		return task_next(t, observe_reset);
	}
	/* A lower one alone is no fault, but deltas mean nothing then. */
	if (!o->full && (b->modseq == 0 || b->modseq < f->modseq)) {
		o->full = true;
		return task_next(t, observe_unask);
	}
	return task_next(t, o->select.again ? observe_unask : observe_ask);
}

/* What was asked ahead has been answered, and is of no use. 0: not yet. */
static int
unasked(struct observe *o, struct err *err)
{
	int rc = asked_result(o, err);

	if (rc == 0 || (rc == -1 && err->kind != ERR_REFUSED))
		return rc;
	asked_release(o);
	asked_forget_sets(o);
	o->ahead = false;
	return 1;
}

static enum task_result
observe_unask(struct task *t)
{
	struct observe *o = (struct observe *)t;

	rows_move(o, false);
	switch (unasked(o, &t->err)) {
	case 0:
		return task_wait(t, observe_unask);
	case -1:
		return TASK_FAIL;
	}
	t->err.kind = ERR_NONE;
	return task_next(t, observe_ask);
}

static enum task_result
observe_reset(struct task *t)
{
	struct observe *o = (struct observe *)t;

	switch (unasked(o, &t->err)) {
	case 0:
		return task_wait(t, observe_reset);
	case -1:
		return TASK_FAIL;
	}
	t->err.kind = ERR_NONE;
	rows_move(o, true);
	if (o->first != NULL)
		return task_wait(t, observe_reset);
	return pass_job(&o->pass, reset_work, observe_anew);
}

static enum task_result
observe_anew(struct task *t)
{
	struct observe *o = (struct observe *)t;

	if (o->merges) {
		report_note(o->pass.run, "%s: %s; both sides are merged, "
		    "nothing is deleted", o->pass.folder->row.name, o->fault);
		o->pass.run->merging = true;
	}
	uidset_clear(&o->vanished);
	o->known_next = 1;
	return task_next(t, observe_ask);
}

/*
 * That there is nothing, or that nothing ever was, is the word of one line.
 * Where it is all that is asked for, and something was there or may be what
 * lies here, it has to be listed.
 */
static bool
says_nothing(const struct observe *o)
{
	const struct folder *f = o->pass.folder;

	return imap_box_exists(o->pass.conn->session) == 0 && !(o->full &&
	    (o->select.box.uidnext != 1 || o->fewer) && (o->fault ||
	    f->row.exists > 0 || f->unseen_local));
}

static enum task_result
observe_ask(struct task *t)
{
	struct observe *o = (struct observe *)t;
	const struct imap_box *b = &o->select.box;
	unsigned what = ask_what(o, b->modseq, b->uidnext) & ~o->asked;

	if (says_nothing(o))
		what &= ~(unsigned)ASKED_NEWS;
	ask(o, what);
	return task_next(t, observe_listed);
}

/* Once more, and everything, row by row. */
enum task_result
observe_all(struct observe *o)
{
	asked_release(o);
	asked_forget_sets(o);
	uidset_clear(&o->listed);
	uidset_clear(&o->vanished);
	o->full = true;
	o->by_sets = false;
	return task_next(&o->pass.task, observe_ask);
}

/* What is known of the folder is void: it is looked at as if for the first
 * time. One that was gone and came back as another one stays gone. Where
 * nothing was known there is nothing to merge, which may be so in each run:
 * some give an empty folder another UIDVALIDITY whenever it is opened. */
enum task_result
observe_fault(struct observe *o, const char *fault)
{
	if (o->pass.run->md->look_only)
		return observe_refused(o, fault);
	o->fault = fault;
	o->full = true;
	o->by_sets = false;
	return task_next(&o->pass.task, observe_reset);
}

/* It offers what it does not know: then without, in this session. */
static void
distrust_deltas(struct observe *o)
{
	const struct imap_cmd *cmd[] = { &o->changes.cmd, &o->older.cmd };
	const unsigned what[] = { ASKED_CHANGES, ASKED_OLDER };
	size_t i;

	for (i = 0; i < 2; i++)
		if ((o->asked & what[i]) && cmd[i]->err.kind == ERR_REFUSED &&
		    cmd[i]->status == IMAP_BAD)
			imap_session_distrust(o->pass.conn->session,
			    CAP_CONDSTORE | CAP_QRESYNC);
}

/* Below split, row by row; with QRESYNC also what vanished there. */
enum task_result
observe_below(struct observe *o)
{
	o->older_told = true;
	o->asked |= ASKED_CHANGES;
	ask_fetch(o, &o->changes, (struct uidrange){ 1, o->split - 1 },
	    FETCH_FLAGS);
	return task_next(&o->pass.task, observe_listed);
}

/* No set is to be had: row by row, then. */
static bool
only_older_failed(const struct observe *o)
{
	return (o->asked & ASKED_OLDER) &&
	    o->older.cmd.err.kind == ERR_REFUSED &&
	    (!(o->asked & ASKED_CHANGES) ||
	    o->changes.cmd.err.kind == ERR_NONE);
}

/* Refused: in a simpler form, as long as there is one. */
static enum task_result
observe_simpler(struct observe *o)
{
	struct task *t = &o->pass.task;

	if (o->full && !o->by_sets && !o->ahead)
		return observe_untold(o, t->err.msg);
	t->err.kind = ERR_NONE;
	if (o->ahead)
		return task_next(t, observe_unask);
	if (!o->full && only_older_failed(o)) {
		asked_release(o);
		return observe_below(o);
	}
	if (!o->full)
		distrust_deltas(o);
	return observe_all(o);
}

/* Those that changed below split or, with full, all that there are. */
static enum task_result
observe_older(struct observe *o)
{
	if (!o->full && (uidset_count(&o->older.uids) <= ROWS_LEAST ||
	    !sets_possible(o)))
		return observe_below(o);
	if (!sets_possible(o))
		return observe_all(o);
	sets_ask(o);
	return task_next(&o->pass.task, observe_flag_sets);
}

enum task_result
observe_listed(struct task *t)
{
	struct observe *o = (struct observe *)t;
	unsigned asked = o->asked;

	rows_move(o, false);
	switch (asked_result(o, &t->err)) {
	case 0:
		return task_wait(t, observe_listed);
	case -1:
		if (t->err.kind != ERR_REFUSED)
			return TASK_FAIL;
		return observe_simpler(o);
	}
	asked_release(o);
	o->ahead = false;
	o->probed |= (asked & ASKED_PROBES) != 0;
	o->told = asked;
	return task_next(t, doubts_are_there(o) ? observe_doubts :
	    observe_told);
}

enum task_result
observe_told(struct task *t)
{
	struct observe *o = (struct observe *)t;

	if ((o->told & ASKED_OLDER) && !uidset_empty(&o->older.uids))
		return observe_older(o);
	return task_next(t, observe_stored);
}

static enum task_result
observe_flag_sets(struct task *t)
{
	struct observe *o = (struct observe *)t;

	switch (sets_result(o, &t->err)) {
	case 0:
		return task_wait(t, observe_flag_sets);
	case -1:
		if (t->err.kind != ERR_REFUSED)
			return TASK_FAIL;
		t->err.kind = ERR_NONE;
		break;
	case 1:
		if (sets_agree(o))
			return task_next(t, observe_set_rows);
	}
	sets_release(o);
	return o->full ? observe_all(o) : observe_below(o);
}

static enum task_result
observe_set_rows(struct task *t)
{
	struct observe *o = (struct observe *)t;
	bool done = sets_make_rows(o);

	rows_move(o, false);
	return done ? task_next(t, observe_stored) :
	    task_wait(t, observe_set_rows);
}

static void
observe_finish(struct task *t)
{
	struct observe *o = (struct observe *)t;

	if (o->pass.conn->session != NULL)
		imap_session_pause(o->pass.conn->session, false);
	rows_release(o);
	headers_release(&o->doubts);
	imap_select_release(&o->select);
	imap_cmd_release(&o->count.cmd);
	asked_release(o);
	asked_forget_sets(o);
	uidset_release(&o->listed);
	uidset_release(&o->vanished);
	uidset_release(&o->uploads);
	sight_release(&o->sight);
	untold_release(&o->untold);
	pass_end(&o->pass);
}

void
observe_remote_start(struct conn *conn, struct folder *folder,
    struct pass_result *out)
{
	struct observe *o = xcalloc(1, sizeof(*o));

	o->full = o->thorough = conn->account->run->opt.full || folder->verify;
	o->pass.task.finish = observe_finish;
	o->pass.folder = folder;
	o->pass.step = STEP_LOOK;
	pass_start(&o->pass, conn, out, "observe", observe_begin);
}
