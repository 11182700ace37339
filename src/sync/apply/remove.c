/*
 * Removals in one folder, the last thing a run does to it: what a side lost is
 * taken from the other (design section 5). Everything that only adds or changes
 * has been done in the whole account by now, and the guard has let it pass.
 *
 *	index lane	pick	rows, with what was recorded of them
 *	server		FETCH	size and date again: are these still the messages
 *				that the index speaks of?
 *	disk lane	unlink	under the very name last seen, or into the attic;
 *				then sync
 *	server		UID MOVE to the trash folder, if one is set; without MOVE
 *			UID COPY, between an intent and a record of it (transfer.c)
 *	server		unless moved: STORE \Deleted, UID EXPUNGE; without UIDPLUS
 *			a plain EXPUNGE only when SEARCH DELETED equals our set
 *	index lane	record	with the evidence
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "apply/transfer.h"
#include "core/internal.h"
#include "mail/flags.h"
#include "maildir/attic.h"

#define REMOVE_ROWS	1000

struct doomed {
	struct picked p;
	bool checked;		/* the server has it as recorded */
	bool differs;		/* it has something else under that UID */
	struct maildir_known known;	/* of its file */
	struct attic_twin twin;		/* another that holds the same */
	bool unlinked, expunged;
	char *failure;
};

struct removing {
	struct pass pass;
	struct pick pick;
	struct picked picked[REMOVE_ROWS];
	struct doomed *row;
	int n;
	struct uidset uids;		/* to be expunged */
	struct imap_fetching check;
	struct folder *trash;		/* where it goes instead, or NULL */
	struct uidset marked;		/* of uids, those with \Deleted */
	struct transfer transfer[REMOVE_ROWS];	/* of each row, with trash */
	bool transferred_before;		/* one was, perhaps */
	uint64_t doubtful;
	struct imap_cmd store, expunge, move;
	bool at_once;			/* store and expunge are in one write */
	bool stored;			/* store was not refused */
	struct imap_searching search;
	struct job index_job, disk_job;
	bool stale;		/* a file was not what was recorded of it */
	char *refused;			/* the server's words */
};

static enum task_result remove_picked(struct task *);
static enum task_result remove_checked(struct task *);
static enum task_result remove_unlink(struct task *);
static enum task_result remove_unlinked(struct task *);
static enum task_result remove_trashed(struct task *);
static enum task_result remove_intended(struct task *);
static enum task_result remove_copied(struct task *);
static enum task_result remove_answered(struct task *);
static enum task_result remove_mark(struct removing *);
static enum task_result remove_marked(struct task *);
static enum task_result remove_expunge(struct task *);
static enum task_result remove_searched(struct task *);
static enum task_result remove_expunged(struct task *);
static enum task_result remove_recorded(struct task *);

/*
 * What of a row's removal may be carried out now. Where both sides are to go
 * (expunge = yes) and one is held, the other stays, too. A message is not
 * expunged while a file with its content waits to be pushed elsewhere: it may
 * have been moved there, and the server has it only here.
 */
static int
narrow(struct removing *r, struct picked *p, struct err *err)
{
	unsigned ops = p->verdict.ops & (OP_REMOVE_LOCAL | OP_REMOVE_REMOTE);
	bool waits = false;

	if ((ops & r->pick.ops) != ops)
		ops = 0;
	if ((ops & OP_REMOVE_REMOTE) && p->place.content != 0 &&
	    (!r->pass.a->opt.dry_run || r->pass.a->hold_push) &&
	    index_content_waits(r->pass.a->ix, p->place.content, &waits,
	    err) == -1)
		return -1;
	p->verdict.ops = waits ? 0 : ops;
	return 0;
}

static bool
wants_expunge(const struct doomed *d)
{
	return (d->p.verdict.ops & OP_REMOVE_REMOTE) &&
	    d->p.place.remote.present;
}

static bool
wants_unlink(const struct doomed *d)
{
	return (d->p.verdict.ops & OP_REMOVE_LOCAL) && d->p.place.local.present;
}

/* What its file must be. A copy that was put back looks different to stat. */
static int
know(struct removing *r, struct doomed *d, struct err *err)
{
	struct index_content content;
	int found;

	d->known.hint = d->p.place.hint;
	if (!wants_unlink(d) || d->p.place.content == 0)
		return 0;
	found = index_content_by_id(r->pass.a->ix, d->p.place.content, &content,
	    err);
	if (found == -1)
		return -1;
	d->known.has_content = found == 1;
	if (found == 1)
		memcpy(d->known.content, content.digest,
		    sizeof(d->known.content));
	return r->pass.a->conf->attic_days == 0 ? 0 :
	    attic_twin_find(r->pass.a, &d->p.place, &d->twin, err);
}

static int
pick_run(struct job *job)
{
	struct removing *r = OWNER_OF(job, struct removing, index_job);
	int i, n = pick_rows(r->pass.a->ix, &r->pick, r->picked, &job->err);

	if (n == -1)
		return -1;
	r->row = xcalloc((size_t)n + 1, sizeof(*r->row));
	for (i = 0; i < n; i++)
		r->row[i].p = r->picked[i];
	r->n = n;
	for (i = 0; i < n; i++)
		if (narrow(r, &r->row[i].p, &job->err) == -1 ||
		    know(r, &r->row[i], &job->err) == -1)
			return -1;
	if (r->trash == NULL)
		return 0;
	for (i = 0; i < n; i++)
		r->transfer[i] = (struct transfer){ .place =
		    &r->row[i].p.place };
	return transfers_recall(r->pass.a, r->trash, r->transfer, n,
	    &r->transferred_before, &job->err);
}

static enum task_result
remove_pick(struct task *t)
{
	struct removing *r = (struct removing *)t;

	r->pick.max = REMOVE_ROWS;
	r->index_job = (struct job){ .run = pick_run };
	lane_post(r->pass.a->index_lane, &r->index_job, t);
	return task_wait(t, remove_picked);
}

static void
rows_release(struct removing *r)
{
	int i;

	for (i = 0; i < r->n; i++) {
		picked_release(&r->row[i].p, 1);
		attic_twin_release(&r->row[i].twin);
		free(r->row[i].failure);
	}
	free(r->row);
	r->row = NULL;
	r->n = 0;
	uidset_clear(&r->uids);
	uidset_clear(&r->marked);
	memset(r->transfer, 0, sizeof(r->transfer));
	r->transferred_before = false;
	r->doubtful = 0;
	free(r->refused);
	r->refused = NULL;
	r->stale = r->stored = false;
	imap_cmd_release(&r->check.cmd);
	imap_cmd_release(&r->store);
	imap_cmd_release(&r->move);
	imap_cmd_release(&r->expunge);
	imap_searching_release(&r->search);
}

static enum task_result
remove_next(struct removing *r)
{
	rows_release(r);
	return r->pick.end ? TASK_DONE : task_next(&r->pass.task, remove_pick);
}

/* --- are they still the same? --- */

static void
check_row(void *arg, const struct imap_fetch *f)
{
	struct removing *r = arg;
	int i;

	if (!f->has_size || !f->has_date)
		return;
	for (i = 0; i < r->n; i++) {
		const struct place *p = &r->row[i].p.place;

		if (p->uid != f->uid)
			continue;
		r->row[i].checked = true;
		r->row[i].differs = (p->size != 0 && p->size != f->size) ||
		    (p->date != 0 && p->date != f->date);
	}
}

static enum task_result
remove_picked(struct task *t)
{
	struct removing *r = (struct removing *)t;
	struct imap_fetch_args args = {
		.uids = &r->uids, .items = FETCH_META,
		.sink = { .arg = r, .row = check_row },
	};
	int i;

	if (!r->index_job.done)
		return task_wait(t, remove_picked);
	if (r->index_job.result == -1)
		return task_fail(t, &r->index_job.err);
	if (r->pass.a->opt.dry_run) {
		for (i = 0; i < r->n; i++) {
			if (wants_unlink(&r->row[i]))
				report_done(r->pass.a, SYNC_REMOVE_LOCAL,
				    r->pass.folder, &r->row[i].p.place, "");
			if (wants_expunge(&r->row[i]))
				report_done(r->pass.a, SYNC_REMOVE_REMOTE,
				    r->pass.folder, &r->row[i].p.place, "");
		}
		return remove_next(r);
	}
	for (i = 0; i < r->n; i++)
		if (wants_expunge(&r->row[i]))
			uidset_add(&r->uids, r->row[i].p.place.uid);
	if (uidset_empty(&r->uids))
		return task_next(t, remove_unlink);
	imap_fetch_start(r->pass.conn->session, &r->check, t, &args);
	return task_wait(t, remove_checked);
}

static enum task_result
remove_checked(struct task *t)
{
	struct removing *r = (struct removing *)t;
	int i;

	switch (imap_result(&r->check.cmd, &t->err)) {
	case 0:
		return task_wait(t, remove_checked);
	case -1:
		if (t->err.kind != ERR_REFUSED)
			return TASK_FAIL;
		t->err.kind = ERR_NONE;
	}
	/* What it does not show any more will be told by the next listing. */
	uidset_clear(&r->uids);
	for (i = 0; i < r->n; i++) {
		struct doomed *d = &r->row[i];

		if (!wants_expunge(d))
			continue;
		if (d->checked && !d->differs) {
			uidset_add(&r->uids, d->p.place.uid);
			if (d->p.place.remote.flags & FLAG_DELETED)
				uidset_add(&r->marked, d->p.place.uid);
		} else if (d->differs)
			d->failure = xasprintf("the server has another message "
			    "under UID %u than before; it is kept",
			    d->p.place.uid);
	}
	return task_next(t, remove_unlink);
}

/* --- the disk's side --- */

/* Into the attic, where that is wanted and the file is the last of its kind. */
static int
take_away(struct removing *r, struct doomed *d, struct maildir_attic *attic,
    struct err *err)
{
	const struct place *p = &d->p.place;
	const struct maildir_message m = {
		r->pass.folder->row.path, p->in_new, p->file,
	};

	if (r->pass.a->conf->attic_days > 0 &&
	    !attic_twin_is_there(attic->m, &d->twin))
		return maildir_put_away(attic, &m, &d->known, err);
	return maildir_remove_known(attic->m, &m, &d->known, err);
}

/* The attic is durable before the folder forgets. */
static int
unlink_run(struct job *job)
{
	struct removing *r = OWNER_OF(job, struct removing, disk_job);
	struct maildir *md = &r->pass.a->md;
	struct maildir_attic attic;
	bool any = false;
	int i, rc = 0;

	maildir_attic_init(&attic, md, r->pass.folder->row.path, clock_wall());
	for (i = 0; i < r->n; i++) {
		struct doomed *d = &r->row[i];
		struct err err = { .kind = ERR_NONE };

		if (!wants_unlink(d) || d->failure != NULL)
			continue;
		if (take_away(r, d, &attic, &err) == 0)
			any = d->unlinked = true;
		else if (err.kind == ERR_STALE)
			r->stale = true;
		else
			d->failure = xstrdup(err.msg);
	}
	if (any && (maildir_attic_sync(&attic, &job->err) == -1 ||
	    maildir_sync_folder(md, r->pass.folder->row.path, &job->err) == -1))
		rc = -1;
	maildir_attic_release(&attic);
	return rc;
}

static enum task_result
remove_unlink(struct task *t)
{
	struct removing *r = (struct removing *)t;

	r->disk_job = (struct job){ .run = unlink_run };
	lane_post(r->pass.a->disk_lane, &r->disk_job, t);
	return task_wait(t, remove_unlinked);
}

/* --- the server's side --- */

/* It arrives there without \Deleted. */
static void
unmark(struct removing *r)
{
	struct imap_store_args args = {
		.uids = &r->marked, .flags = FLAG_DELETED,
	};

	if (!uidset_empty(&r->marked))
		imap_store_start(r->pass.conn->session, &r->store,
		    &r->pass.task, &args);
}

static int
intend_run(struct job *job)
{
	struct removing *r = OWNER_OF(job, struct removing, index_job);

	return transfers_intend(r->pass.a, r->trash, r->transfer, r->n,
	    &job->err);
}

static enum task_result
remove_to_trash(struct removing *r)
{
	struct account *a = r->pass.a;
	struct task *t = &r->pass.task;
	int i;

	if ((imap_session_caps(r->pass.conn->session) & CAP_MOVE) &&
	    !r->transferred_before) {
		unmark(r);
		imap_move_start(r->pass.conn->session, &r->move, t, &r->uids,
		    r->trash->row.raw);
		return task_wait(t, remove_trashed);
	}
	for (i = 0; i < r->n; i++)
		if (uidset_has(&r->uids, r->row[i].p.place.uid))
			r->transfer[i].state = TRANSFER_FRESH;
	r->index_job = (struct job){ .run = intend_run };
	lane_post(a->index_lane, &r->index_job, t);
	return task_wait(t, remove_intended);
}

static enum task_result
remove_unlinked(struct task *t)
{
	struct removing *r = (struct removing *)t;

	if (!r->disk_job.done)
		return task_wait(t, remove_unlinked);
	if (r->disk_job.result == -1 && is_folder_error(&r->disk_job.err)) {
		folder_fail(r->pass.a, r->pass.folder, &r->disk_job.err);
		return TASK_DONE;
	}
	if (r->disk_job.result == -1)
		return task_fail(t, &r->disk_job.err);
	if (uidset_empty(&r->uids))
		return task_next(t, remove_recorded);
	return r->trash != NULL ? remove_to_trash(r) : remove_mark(r);
}

/* UID EXPUNGE needs not wait: of these, what has the mark may go in any case. */
static enum task_result
remove_mark(struct removing *r)
{
	struct imap_session *session = r->pass.conn->session;
	struct task *t = &r->pass.task;
	struct imap_store_args args = {
		.uids = &r->uids, .add = true, .flags = FLAG_DELETED,
	};

	imap_cmd_release(&r->store);
	imap_store_start(session, &r->store, t, &args);
	r->at_once = imap_session_caps(session) & CAP_UIDPLUS;
	if (r->at_once)
		imap_expunge_start(session, &r->expunge, t, &r->uids);
	return task_wait(t, remove_marked);
}

/* Of several it is the last one's words that are told. */
static void
take_refusal(struct removing *r, struct err *err)
{
	free(r->refused);
	r->refused = xstrdup(err->msg);
	err->kind = ERR_NONE;
}

/* 1, 0, -1 as imap_result, with what was refused noted. */
static int
moved(struct removing *r, struct err *err)
{
	int rc = imap_result(&r->move, err);

	if (rc == 1)
		r->trash->look_again = true;
	if (rc == -1 && err->kind == ERR_REFUSED)
		take_refusal(r, err);
	return rc;
}

static void
uids_of_transfers(struct removing *r, enum transfer_state state)
{
	int i;

	uidset_clear(&r->uids);
	for (i = 0; i < r->n; i++)
		if (r->transfer[i].state == state)
			uidset_add(&r->uids, r->row[i].p.place.uid);
}

/* Only what is in the trash for sure goes here. */
static enum task_result
remove_copies(struct removing *r)
{
	uids_of_transfers(r, TRANSFER_DONE);
	if (uidset_empty(&r->uids))
		return task_next(&r->pass.task, remove_recorded);
	return remove_mark(r);
}

static enum task_result
remove_intended(struct task *t)
{
	struct removing *r = (struct removing *)t;
	int i;

	if (!r->index_job.done)
		return task_wait(t, remove_intended);
	if (r->index_job.result == -1)
		return task_fail(t, &r->index_job.err);
	uids_of_transfers(r, TRANSFER_FRESH);
	uidset_clear(&r->marked);
	for (i = 0; i < r->n; i++) {
		const struct place *p = &r->row[i].p.place;

		r->doubtful += r->transfer[i].state == TRANSFER_DOUBT;
		if (r->transfer[i].state == TRANSFER_FRESH &&
		    (p->remote.flags & FLAG_DELETED))
			uidset_add(&r->marked, p->uid);
	}
	if (uidset_empty(&r->uids))
		return remove_copies(r);
	unmark(r);
	imap_copy_start(r->pass.conn->session, &r->move, t, &r->uids,
	    r->trash->row.raw);
	return task_wait(t, remove_copied);
}

static int
answered_run(struct job *job)
{
	struct removing *r = OWNER_OF(job, struct removing, index_job);

	return transfers_answered(r->pass.a, r->trash, r->transfer, r->n,
	    &r->move, &job->err);
}

/* Refused: of a long set, a part may have been copied. The next run looks. */
static enum task_result
remove_copied(struct task *t)
{
	struct removing *r = (struct removing *)t;

	switch (moved(r, &t->err)) {
	case 0:
		return task_wait(t, remove_copied);
	case -1:
		if (r->refused == NULL)
			return TASK_FAIL;
		return remove_copies(r);
	}
	r->index_job = (struct job){ .run = answered_run };
	lane_post(r->pass.a->index_lane, &r->index_job, t);
	return task_wait(t, remove_answered);
}

static enum task_result
remove_answered(struct task *t)
{
	struct removing *r = (struct removing *)t;

	if (!r->index_job.done)
		return task_wait(t, remove_answered);
	if (r->index_job.result == -1)
		return task_fail(t, &r->index_job.err);
	return remove_copies(r);
}

static enum task_result
remove_trashed(struct task *t)
{
	struct removing *r = (struct removing *)t;
	int i;

	switch (moved(r, &t->err)) {
	case 0:
		return task_wait(t, remove_trashed);
	case -1:
		if (r->refused == NULL)
			return TASK_FAIL;
		return task_next(t, remove_recorded);
	}
	for (i = 0; i < r->n; i++)
		if (uidset_has(&r->uids, r->row[i].p.place.uid))
			r->row[i].expunged = true;
	return task_next(t, remove_recorded);
}

static enum task_result
remove_marked(struct task *t)
{
	struct removing *r = (struct removing *)t;

	switch (imap_result(&r->store, &t->err)) {
	case 0:
		return task_wait(t, remove_marked);
	case -1:
		if (t->err.kind != ERR_REFUSED)
			return TASK_FAIL;
		take_refusal(r, &t->err);
		return task_next(t, r->at_once ? remove_expunged :
		    remove_recorded);
	}
	r->stored = true;
	if (r->at_once)
		return task_next(t, remove_expunged);
	imap_search_start(r->pass.conn->session, &r->search, t, "DELETED");
	return task_wait(t, remove_searched);
}

static bool
same_set(const struct uidset *a, const struct uidset *b)
{
	uint32_t uid = 0;

	if (uidset_count(a) != uidset_count(b))
		return false;
	while (uidset_next(a, &uid))
		if (!uidset_has(b, uid))
			return false;
	return true;
}

static enum task_result
remove_searched(struct task *t)
{
	struct removing *r = (struct removing *)t;

	switch (imap_result(&r->search.cmd, &t->err)) {
	case 0:
		return task_wait(t, remove_searched);
	case -1:
		if (t->err.kind != ERR_REFUSED)
			return TASK_FAIL;
		t->err.kind = ERR_NONE;
		return task_next(t, remove_recorded);
	}
	/* Somebody else's marks are not ours to carry out. */
	return task_next(t, same_set(&r->uids, &r->search.uids) ?
	    remove_expunge : remove_recorded);
}

static enum task_result
remove_expunge(struct task *t)
{
	struct removing *r = (struct removing *)t;

	imap_expunge_all_start(r->pass.conn->session, &r->expunge, t);
	return task_wait(t, remove_expunged);
}

/* What was not marked may be there still: then the next listing tells. */
static enum task_result
remove_expunged(struct task *t)
{
	struct removing *r = (struct removing *)t;
	int i;

	switch (imap_result(&r->expunge, &t->err)) {
	case 0:
		return task_wait(t, remove_expunged);
	case -1:
		if (t->err.kind != ERR_REFUSED)
			return TASK_FAIL;
		take_refusal(r, &t->err);
		return task_next(t, remove_recorded);
	}
	for (i = 0; i < r->n && r->stored; i++)
		if (uidset_has(&r->uids, r->row[i].p.place.uid))
			r->row[i].expunged = true;
	return task_next(t, remove_recorded);
}

/* --- recording --- */

/*
 * It stays there with our mark. That counts as agreed: if the file comes back,
 * without it, the mark goes, and is not taken for somebody's wish.
 */
static void
own_mark(struct place *p)
{
	p->local.flags |= FLAG_DELETED;
	p->remote.flags |= FLAG_DELETED;
	p->base_local.flags |= FLAG_DELETED;
	p->base_remote.flags |= FLAG_DELETED;
}

static int
record(struct removing *r, int i, struct err *err)
{
	struct doomed *d = &r->row[i];
	struct index *ix = r->pass.a->ix;
	struct place *p = &d->p.place;
	bool ours = r->stored && !d->expunged && !uidset_has(&r->marked,
	    p->uid) && uidset_has(&r->uids, p->uid);

	if (d->failure != NULL)
		return record_failure(r->pass.a, r->pass.folder, p,
		    &(struct failure){ ITEM_REMOVE, d->failure, false }, err);
	if ((d->unlinked && evidence_local(r->pass.a, r->pass.folder, p, err) ==
	    -1) || (d->expunged && evidence_remote(r->pass.a, r->pass.folder, p,
	    r->trash != NULL ? r->trash->row.name : NULL, err) == -1))
		return -1;
	if (d->unlinked) {
		if (index_removed_put(ix, p->folder, p->unique, err) == -1)
			return -1;
		state_set(&p->local, false, 0, "");
	}
	if (d->expunged)
		state_set(&p->remote, false, 0, "");
	if (d->expunged && r->transfer[i].intent.id != 0 &&
	    index_intent_drop(ix, r->transfer[i].intent.id, err) == -1)
		return -1;
	if (!p->local.present && !p->remote.present)
		return index_place_drop(ix, p->id, err);
	if (ours)
		own_mark(p);
	return d->unlinked || d->expunged || ours ?
	    index_place_put(ix, p, err) : 0;
}

static int
record_run(struct job *job)
{
	struct removing *r = OWNER_OF(job, struct removing, index_job);
	struct index *ix = r->pass.a->ix;
	struct index_folder *folder = &r->pass.folder->row;
	bool unlinked = false;
	int i, rc = index_begin(ix, &job->err);

	for (i = 0; i < r->n && rc == 0; i++) {
		unlinked |= r->row[i].unlinked;
		rc = record(r, i, &job->err);
	}
	if (rc == 0 && unlinked)
		rc = observe_local_ours(ix, &r->pass.a->md, folder, &job->err);
	/* Somebody edited it: the next scan looks at every file. */
	if (rc == 0 && r->stale && folder->looked != 0) {
		folder->looked = 0;
		rc = index_folder_put(ix, folder, &job->err);
	}
	return index_end(ix, rc, &job->err);
}

static void
tell(struct removing *r)
{
	struct account *a = r->pass.a;
	int i;

	for (i = 0; i < r->n; i++) {
		struct doomed *d = &r->row[i];

		if (d->unlinked)
			report_done(a, SYNC_REMOVE_LOCAL, r->pass.folder,
			    &d->p.place, "");
		if (d->expunged)
			report_done(a, SYNC_REMOVE_REMOTE, r->pass.folder,
			    &d->p.place, "");
	}
	if (r->refused != NULL)
		report_folder_issue(a, r->pass.folder, ITEM_REMOVE,
		    r->pass.folder->remove_remote,
		    "the server refused to remove messages: %s", r->refused);
	else if (r->doubtful > 0)
		report_folder_issue(a, r->pass.folder, ITEM_REMOVE, r->doubtful,
		    "%llu "
		    "messages deleted here may have been copied to %s by a run "
		    "that was cut off; they stay on the server until %s could "
		    "be looked at", (unsigned long long)r->doubtful,
		    r->trash->row.name, r->trash->row.name);
}

static enum task_result
remove_recorded(struct task *t)
{
	struct removing *r = (struct removing *)t;

	if (r->index_job.run != record_run) {
		r->index_job = (struct job){ .run = record_run };
		lane_post(r->pass.a->index_lane, &r->index_job, t);
	}
	if (!r->index_job.done)
		return task_wait(t, remove_recorded);
	if (r->index_job.result == -1)
		return task_fail(t, &r->index_job.err);
	tell(r);
	return remove_next(r);
}

static void
remove_finish(struct task *t)
{
	struct removing *r = (struct removing *)t;

	rows_release(r);
	uidset_release(&r->uids);
	uidset_release(&r->marked);
	pass_end(&r->pass);
}

void
remove_start(struct conn *conn, struct folder *folder,
    struct pass_result *out)
{
	struct removing *r = xcalloc(1, sizeof(*r));
	struct account *a = conn->a;

	r->pick = (struct pick){ .folder = folder, .expunge =
	    a->conf->expunge };
	r->trash = folder_trash(a);
	if (r->trash == folder)
		r->trash = NULL;
	if (!a->hold_remove_local)
		r->pick.ops |= OP_REMOVE_LOCAL;
	if (!a->hold_remove_remote && !folder->row.read_only)
		r->pick.ops |= OP_REMOVE_REMOTE;
	r->pass.task.finish = remove_finish;
	r->pass.folder = folder;
	pass_start(&r->pass, conn, out, "remove", remove_pick);
}
