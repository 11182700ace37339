/*
 * Removes from one side of a folder what the other lost (design section 5): the
 * last thing that a run does to it. Everything that only adds or changes
 * has been done in the whole account by now, and the guard has let it pass.
 *
 *	(prove.c	what is only likely to be the same is compared)
 *	index lane	pick	rows, with what was recorded of them
 *	server		FETCH	are these still the messages that the index
 *				speaks of? (remove_check.c)
 *	(remove_keep.c	what was deleted here goes to the attic, if all does)
 *	disk lane	unlink	under the very name last seen, or into the
 *				attic; then sync
 *	server		to the trash folder, if one is set (remove_trash.c)
 *	server		unless moved: STORE \Deleted, UID EXPUNGE; without
 *			UIDPLUS a plain EXPUNGE only when SEARCH DELETED
 *			equals our set
 *	server		what is left, where that is not clear (remove_proof.c)
 *	index lane	record	with the evidence
 *
 * Where a connection was lost at these, fewer go at once (remove_lost.c).
 */
#include "apply/remove.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/loss.h"
#include "index/content.h"
#include "mail/flags.h"
#include "maildir/attic.h"
#include "match/copies.h"
#include "observe/observe.h"

#define DAY		(24 * 3600)
#define UNPROVEN_DAYS	30

static enum task_result remove_picked(struct task *);
static enum task_result remove_unlinked(struct task *);
static enum task_result remove_marked(struct task *);
static enum task_result remove_searched(struct task *);
static enum task_result remove_answered(struct task *);
static enum task_result remove_recorded(struct task *);
static enum task_result remove_ended(struct task *);

/* --- which rows --- */

unsigned
removals_allowed(const struct run *run, const struct folder *f)
{
	unsigned ops = OP_NONE;

	if (!run->hold_remove_local)
		ops |= OP_REMOVE_LOCAL;
	if (!run->hold_remove_remote && folder_takes_removals(f) &&
	    !folder_lacks_trash(run))
		ops |= OP_REMOVE_REMOTE;
	return ops;
}

/* It may have been moved to where the file waits, and the server has it only
 * here. */
int
remove_narrow(struct run *run, struct picked *p, unsigned may, bool waits,
    struct err *err)
{
	unsigned ops = p->verdict.ops & REMOVE_OPS;

	if ((ops & may) != ops)
		ops = OP_NONE;
	waits &= (ops & OP_REMOVE_REMOTE) && p->place.content != 0;
	if (waits && index_content_waits(run->ix, p->place.content, &waits,
	    err) == -1)
		return -1;
	p->verdict.ops = waits ? OP_NONE : ops;
	return 0;
}

bool
remove_wants_expunge(const struct doomed *d)
{
	return (d->p.verdict.ops & OP_REMOVE_REMOTE) &&
	    d->p.place.remote.present;
}

static bool
wants_unlink(const struct doomed *d)
{
	return (d->p.verdict.ops & OP_REMOVE_LOCAL) &&
	    d->p.place.local.present;
}

/* What its file must be. A copy that was put back looks different to stat. */
static int
know(struct removing *r, struct doomed *d, struct err *err)
{
	struct index_content content;
	struct run *run = r->pass.run;
	int found;

	d->known.hint = d->p.place.hint;
	if (!wants_unlink(d) || d->p.place.content == 0)
		return 0;
	found = index_content_by_id(run->ix, d->p.place.content, &content, err);
	if (found == -1)
		return -1;
	d->known.has_content = found == 1;
	if (found == 1) {
		d->known.form = content.form;
		memcpy(d->known.content, content.digest,
		    sizeof(d->known.content));
	}
	return conf_attic_days(run->conf) == 0 ? 0 : remove_twin_find(run,
	    &d->p.place, &d->twin, err);
}

/* An upload, and what the server shows of it may be another message. */
static int
leave_unproven(struct removing *r, struct doomed *d, struct err *err)
{
	struct index_intent in;
	int found;

	if (r->pass.folder->uploads == 0)
		return 0;
	found = index_intent_of(r->pass.run->ix, d->p.place.folder,
	    d->p.place.id, &in, err);
	if (found == 1 && in.told == TOLD_SHOWN)
		d->p.verdict.ops = OP_NONE;
	return found == -1 ? -1 : 0;
}

/* It lies elsewhere by now. What the trash has may be there for its own sake,
 * or for another's. */
int
remove_is_filed(struct removing *r, const struct doomed *d, bool *out,
    struct err *err)
{
	const struct folder *trash = folder_trash(r->pass.run);
	const struct place *p = &d->p.place;

	*out = false;
	if (!remove_wants_expunge(d) || p->content == 0)
		return 0;
	return index_content_filed(r->pass.run->ix, p,
	    trash == NULL ? 0 : trash->row.id, out, err);
}

/* Only what is deleted goes to the trash, and not what was filed. */
static int
sort_out_filed(struct removing *r, struct doomed *d, struct err *err)
{
	bool filed;

	if (r->trash == NULL && !r->filed)
		return 0;
	if (remove_is_filed(r, d, &filed, err) == -1)
		return -1;
	if (filed == r->filed)
		return 0;
	r->others_filed |= filed;
	d->p.verdict.ops = OP_NONE;
	return 0;
}

/* Its file may be one that nobody could read where it is now. */
static bool
may_be_moved(const struct removing *r, const struct picked *p)
{
	return (p->verdict.ops & OP_REMOVE_REMOTE) &&
	    !p->place.local.present &&
	    unlooked_may_be_message(&r->unread, p->place.size);
}

static int
remove_pick_work(struct pass *p, struct err *err)
{
	struct removing *r = (struct removing *)p;
	int i, n = remove_lost_recall(r, err) == -1 ? -1 :
	    pick_rows(&r->pick, r->picked, err);

	if (n == -1)
		return -1;
	r->row = xcalloc((size_t)n + 1, sizeof(*r->row));
	for (i = 0; i < n; i++)
		r->row[i].p = r->picked[i];
	r->n = n;
	if (remove_lost_narrow(r, err) == -1 || (!r->unread.known &&
	    unlooked_load_files(p->run, &r->unread, err) == -1))
		return -1;
	for (i = 0; i < r->n; i++) {
		if (prove_is_wanted(&r->row[i].p.place) ||
		    may_be_moved(r, &r->row[i].p))
			r->row[i].p.verdict.ops = OP_NONE;
		if (remove_narrow(p->run, &r->row[i].p, r->pick.ops, true,
		    err) == -1 || leave_unproven(r, &r->row[i], err) == -1 ||
		    sort_out_filed(r, &r->row[i], err) == -1 ||
		    know(r, &r->row[i], err) == -1)
			return -1;
	}
	return remove_trash_recall(r, err);
}

static enum task_result
remove_pick(struct task *t)
{
	struct removing *r = (struct removing *)t;
	const unsigned most = loss_at_once(&r->pass);

	r->pick.max = most > 0 && most < REMOVE_ROWS && !r->together ?
	    (int)most : REMOVE_ROWS;
	return pass_job(&r->pass, remove_pick_work, remove_picked);
}

static void
remove_release_rows(struct removing *r)
{
	int i;

	for (i = 0; i < r->n; i++) {
		picked_release(&r->row[i].p, 1);
		remove_twin_release(&r->row[i].twin);
		free(r->row[i].failure);
	}
	free(r->row);
	r->row = NULL;
	r->n = 0;
	uidset_clear(&r->uids);
	uidset_clear(&r->marked);
	uidset_clear(&r->left);
	imap_cmd_release(&r->look.cmd);
	remove_trash_release(r);
	remove_keep_release(r);
	free(r->refused);
	r->refused = NULL;
	r->stale = r->stored = r->by_marks = r->copying = false;
	imap_cmd_release(&r->check.cmd);
	headers_release(&r->doubts);
	imap_cmd_release(&r->store);
	imap_cmd_release(&r->expunge);
	imap_searching_release(&r->search);
}

static enum task_result
remove_picked(struct task *t)
{
	return remove_check((struct removing *)t);
}

/* --- the disk's side --- */

struct attics {
	struct maildir_attic usual;
	/* For what is not proven to be what the server lost: never for less
	 * than a month. */
	struct maildir_attic unproven;
};

static void
attics_init(struct attics *a, const struct removing *r)
{
	const int64_t days = UNPROVEN_DAYS -
	    (int64_t)conf_attic_days(r->pass.run->conf);
	struct maildir *md = r->pass.run->md;
	const char *path = r->pass.folder->row.path;
	int64_t now = clock_wall();

	maildir_attic_init(&a->usual, md, path, now);
	maildir_attic_init(&a->unproven, md, path,
	    days > 0 ? now + days * DAY : now);
}

static int
attics_sync(struct attics *a, struct err *err)
{
	return maildir_attic_sync(&a->usual, err) == -1 ? -1 :
	    maildir_attic_sync(&a->unproven, err);
}

static void
attics_release(struct attics *a)
{
	maildir_attic_release(&a->usual);
	maildir_attic_release(&a->unproven);
}

/* Into the attic, where that is wanted and the file is the last of its kind, or
 * nobody can tell. */
static int
take_away(struct removing *r, struct doomed *d, struct attics *a,
    struct err *err)
{
	struct maildir *md = r->pass.run->md;
	const struct place *p = &d->p.place;
	const struct maildir_message m = {
		r->pass.folder->row.path, p->in_new, p->file,
	};

	if (p->likely)
		return maildir_put_away(&a->unproven, &m, &d->known, err);
	if (conf_attic_days(r->pass.run->conf) > 0 &&
	    !remove_twin_is_there(md, &d->twin))
		return maildir_put_away(&a->usual, &m, &d->known, err);
	return maildir_remove_known(md, &m, &d->known, err);
}

/* The attic is durable before the folder forgets. */
static int
unlink_run(struct job *job)
{
	struct removing *r = OWNER_OF(job, struct removing, disk_job);
	struct maildir *md = r->pass.run->md;
	const char *path = r->pass.folder->row.path;
	struct attics attics;
	bool any = false;
	int i, rc = 0;

	attics_init(&attics, r);
	for (i = 0; i < r->n; i++) {
		struct doomed *d = &r->row[i];
		struct err err = { .kind = ERR_NONE };

		if (!wants_unlink(d) || d->failure != NULL)
			continue;
		if (take_away(r, d, &attics, &err) == 0)
			any = d->unlinked = true;
		else if (err.kind == ERR_STALE)
			r->stale = true;
		else
			d->failure = xstrdup(err.msg);
	}
	if (any && (attics_sync(&attics, &job->err) == -1 ||
	    maildir_sync_folder(md, path, &job->err) == -1))
		rc = -1;
	attics_release(&attics);
	return rc;
}

enum task_result
remove_checked(struct task *t)
{
	struct removing *r = (struct removing *)t;

	r->disk_job = (struct job){ .run = unlink_run };
	lane_post(r->pass.run->disk_lane, &r->disk_job, t);
	return task_wait(t, remove_unlinked);
}

static enum task_result
remove_unlinked(struct task *t)
{
	struct removing *r = (struct removing *)t;

	if (!r->disk_job.done)
		return task_wait(t, remove_unlinked);
	if (r->disk_job.result == -1 && err_is_of_path(&r->disk_job.err)) {
		folder_fail(r->pass.run, r->pass.folder, &r->disk_job.err);
		return TASK_DONE;
	}
	if (r->disk_job.result == -1)
		return task_fail(t, &r->disk_job.err);
	if (uidset_empty(&r->uids))
		return remove_record(r);
	return r->trash != NULL ? remove_to_trash(r) : remove_mark(r);
}

/* --- the server's side --- */

void
remove_refused(struct removing *r, const char *why)
{
	free(r->refused);
	r->refused = xstrdup(why);
}

static bool
is_left(const struct removing *r, const struct doomed *d)
{
	return uidset_has(&r->left, d->p.place.uid);
}

enum task_result
remove_proven(struct removing *r)
{
	int i;

	for (i = 0; i < r->n; i++) {
		struct doomed *d = &r->row[i];

		if (uidset_has(&r->uids, d->p.place.uid) && !is_left(r, d))
			d->expunged = true;
	}
	return r->trash != NULL ? remove_trash_left(r) : remove_record(r);
}

/* UID EXPUNGE needs not wait: of these, what has the mark may go in any case.
 * */
enum task_result
remove_mark(struct removing *r)
{
	struct imap_session *session = r->pass.conn->session;
	struct task *t = &r->pass.task;
	struct imap_store_args args = {
		.uids = &r->uids, .add = true, .silent = true,
		.flags = FLAG_DELETED,
	};

	imap_cmd_release(&r->store);
	remove_proof_begin(r);
	imap_store_start(session, &r->store, t, &args);
	r->at_once = imap_session_caps(session) & CAP_UIDPLUS;
	if (r->at_once)
		imap_expunge_start(session, &r->expunge, t, &r->uids);
	return remove_wait(r, &r->store, remove_marked);
}

static enum task_result
remove_marked(struct task *t)
{
	struct removing *r = (struct removing *)t;
	const char *why = imap_refusal(&r->store);

	if (why != NULL)
		remove_refused(r, why);
	r->stored = why == NULL;
	if (r->at_once)
		return remove_wait(r, &r->expunge, remove_answered);
	if (!r->stored)
		return remove_record(r);
	imap_search_start(r->pass.conn->session, &r->search, t, "DELETED");
	return remove_wait(r, &r->search.cmd, remove_searched);
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

/* Somebody else's marks are not ours to carry out. */
static enum task_result
remove_searched(struct task *t)
{
	struct removing *r = (struct removing *)t;

	if (imap_refusal(&r->search.cmd) != NULL)
		return remove_record(r);
	if (!same_set(&r->uids, &r->search.uids)) {
		r->marks_of_more |= r->late || r->pick.max < REMOVE_ROWS;
		return remove_record(r);
	}
	r->by_marks = true;
	imap_expunge_all_start(r->pass.conn->session, &r->expunge, t);
	return remove_wait(r, &r->expunge, remove_answered);
}

/* What was not marked may be there still: that is seen. */
static enum task_result
remove_answered(struct task *t)
{
	struct removing *r = (struct removing *)t;
	const char *why = imap_refusal(&r->expunge);

	if (why != NULL)
		remove_refused(r, why);
	return why == NULL ? remove_prove(r) : remove_record(r);
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
record_unlinked(struct removing *r, struct place *p, struct err *err)
{
	struct run *run = r->pass.run;

	if (evidence_local(run, r->pass.folder, p, err) == -1)
		return -1;
	return index_removed_put(run->ix, p->folder, p->unique, err);
}

static int
record_expunged(struct removing *r, int i, struct err *err)
{
	struct run *run = r->pass.run;
	const int64_t intent = r->transfer[i].intent.id;
	struct removed_how how = r->row[i].how;

	if (r->trash != NULL)
		how.trash = r->trash->row.name;
	if (evidence_remote(run, r->pass.folder, &r->row[i].p.place, &how,
	    err) == -1)
		return -1;
	return intent == 0 ? 0 : index_intent_drop(run->ix, intent, err);
}

static bool
is_left_marked(const struct removing *r, const struct doomed *d)
{
	const uint32_t uid = d->p.place.uid;

	return r->stored && !d->expunged && !uidset_has(&r->marked, uid) &&
	    uidset_has(&r->uids, uid);
}

/* Evidence first: it speaks of the states as they were. */
static int
record_row(struct removing *r, int i, struct err *err)
{
	struct doomed *d = &r->row[i];
	struct index *ix = r->pass.run->ix;
	struct place *p = &d->p.place;
	bool marked = is_left_marked(r, d);

	if (d->failure != NULL)
		return record_failure(r->pass.run, r->pass.folder, p,
		    &(struct failure){ ITEM_REMOVE, d->failure, false }, err);
	if ((d->unlinked && record_unlinked(r, p, err) == -1) ||
	    remove_keep_record(r, d, err) == -1 ||
	    (d->expunged && record_expunged(r, i, err) == -1))
		return -1;
	if (d->unlinked)
		state_set(&p->local, false, 0, "");
	if (d->expunged)
		state_set(&p->remote, false, 0, "");
	if (!p->local.present && !p->remote.present)
		return index_place_drop(ix, p->id, err);
	if (marked)
		own_mark(p);
	return d->unlinked || d->expunged || marked ?
	    index_place_put(ix, p, err) : 0;
}

static int
remove_record_work(struct pass *pass, struct err *err)
{
	struct removing *r = (struct removing *)pass;
	struct index *ix = pass->run->ix;
	struct index_folder *row = &pass->folder->row;
	bool unlinked = false;
	int i, rc = index_begin(ix, err);

	for (i = 0; i < r->n && rc == 0; i++) {
		unlinked |= r->row[i].unlinked;
		rc = record_row(r, i, err);
		if (rc == 0 && is_left(r, &r->row[i]))
			rc = remove_record_left(r, &r->row[i].p.place, err);
		else if (rc == 0 && remove_is_unshown(r, i))
			rc = remove_record_unshown(r, &r->row[i].p.place, err);
	}
	if (rc == 0 && unlinked)
		rc = observe_local_ours(ix, pass->run->md, row, err);
	/* Somebody edited it: the next scan looks at every file. */
	if (rc == 0 && r->stale && row->looked != 0) {
		row->looked = 0;
		rc = index_folder_put(ix, row, err);
	}
	return index_end(ix, rc, err);
}

enum task_result
remove_record(struct removing *r)
{
	return pass_job(&r->pass, remove_record_work, remove_recorded);
}

static void
report_left(struct removing *r)
{
	struct folder *f = r->pass.folder;

	if (r->refused != NULL)
		report_folder_issue(r->pass.run, f, ITEM_REMOVE,
		    f->remove_remote, "the server refused to remove messages: "
		    "%s", r->refused);
	else if (r->doubtful > 0)
		report_folder_issue(r->pass.run, f, ITEM_REMOVE, r->doubtful,
		    "%llu messages deleted here may have been copied to %s by "
		    "a run that was cut off; they stay on the server until %s "
		    "could be looked at", (unsigned long long)r->doubtful,
		    r->trash->row.name, r->trash->row.name);
	else if (r->unshown > 0)
		remove_report_unshown(r);
	else
		remove_report_left(r);
}

/* Once more from the beginning: for what was put off, then for all that few at
 * a time could not expunge, then for what was filed. Or that was all. */
static enum task_result
remove_next_round(struct removing *r)
{
	const bool together = !r->put_off && r->marks_of_more && !r->together;

	if (!r->put_off && !together && (r->filed || !r->others_filed))
		return pass_job(&r->pass, remove_lost_settle_work,
		    remove_ended);
	r->late = r->put_off;
	r->together = together;
	r->marks_of_more = false;
	if (!r->put_off && !together) {
		r->filed = true;
		r->trash = NULL;
	}
	r->put_off = r->pick.end = false;
	r->pick.after = 0;
	return task_next(&r->pass.task, remove_pick);
}

static enum task_result
remove_recorded(struct task *t)
{
	struct removing *r = (struct removing *)t;
	int i;

	for (i = 0; i < r->n; i++) {
		const struct doomed *d = &r->row[i];

		if (d->unlinked)
			report_done(r->pass.run, SYNC_REMOVE_LOCAL,
			    r->pass.folder, &d->p.place, "");
		if (d->expunged && !copies_moved(r->pass.run, d->p.place.id))
			report_done(r->pass.run, SYNC_REMOVE_REMOTE,
			    r->pass.folder, &d->p.place, "");
	}
	report_left(r);
	if (!uidset_empty(&r->uids))
		loss_was_none(&r->pass, r->pass.conn);
	remove_release_rows(r);
	return r->pick.end ? remove_next_round(r) : task_next(t, remove_pick);
}

static enum task_result
remove_ended(struct task *t)
{
	(void)t;
	return TASK_DONE;
}

static void
remove_finish(struct task *t)
{
	struct removing *r = (struct removing *)t;

	remove_release_rows(r);
	uidset_release(&r->uids);
	uidset_release(&r->marked);
	uidset_release(&r->left);
	unlooked_release(&r->unread);
	pass_end(&r->pass);
}

void
remove_start(struct conn *conn, struct folder *folder,
    struct pass_result *out)
{
	struct removing *r = xcalloc(1, sizeof(*r));
	struct run *run = conn->account->run;

	r->pick = (struct pick){ .run = run, .folder = folder,
	    .ops = removals_allowed(run, folder) };
	r->trash = folder_trash(run);
	if (r->trash == folder)
		r->trash = NULL;
	r->pass.task.finish = remove_finish;
	r->pass.folder = folder;
	r->pass.step = STEP_REMOVE;
	pass_start(&r->pass, conn, out, "remove", remove_pick);
}
