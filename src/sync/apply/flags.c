/*
 * Carries changed flags and keywords to the other side, both ways. Settles or
 * forgets rows on which both sides agree by themselves.
 *
 *	index lane	pick	rows and what each side should hold
 *	disk lane	rename	files whose letters change; then sync
 *	server		STORE	one command for all that change alike; what it
 *				shows counts (flags_store.c)
 *	index lane	record	what was seen to work
 *
 * The two in the middle run at the same time, and the next rows are renamed
 * while the last ones are recorded. What is refused or no longer as it was
 * leaves its row dirty.
 */
#include "apply/flags.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/lacking.h"
#include "core/loss.h"
#include "mail/flags.h"
#include "observe/observe.h"

static int
flags_pick_run(struct job *job)
{
	struct flag_batch *b = OWNER_OF(job, struct flag_batch, index_job);
	struct flagging *f = b->f;
	int i, n = pick_rows(&f->pick, f->picked, &job->err);

	if (n == -1)
		return -1;
	b->row = xcalloc((size_t)n + 1, sizeof(*b->row));
	for (i = 0; i < n; i++)
		b->row[i].p = f->picked[i];
	b->n = n;
	return 0;
}

static void
flag_batch_post(struct flag_batch *b, enum flags_at at,
    int (*run)(struct job *))
{
	b->at = at;
	b->index_job = (struct job){ .run = run };
	lane_post(b->f->pass.run->index_lane, &b->index_job, &b->f->pass.task);
}

static void
flag_batch_pick(struct flag_batch *b)
{
	const unsigned most = flags_at_once(b->f);

	b->f->picking = true;
	b->f->pick.max = most > 0 ? (int)most : b->f->done == 0 ? FLAG_ROWS_0 :
	    FLAG_ROWS;
	flag_batch_post(b, FLAGS_PICK, flags_pick_run);
}

/* --- the disk's side --- */

static int
rename_run(struct job *job)
{
	struct flag_batch *b = OWNER_OF(job, struct flag_batch, disk_job);
	struct flagging *f = b->f;
	struct maildir *md = f->pass.run->md;
	bool renamed = false;
	int i;

	for (i = 0; i < b->n; i++) {
		struct flag_row *r = &b->row[i];
		struct place *p = &r->p.place;
		struct maildir_message m = {
			f->pass.folder->row.path, p->in_new, p->file,
		};
		struct err err = { .kind = ERR_NONE };

		if (!(r->p.verdict.ops & OP_FLAG_LOCAL) ||
		    p->local.flags == r->p.verdict.local_flags)
			continue;
		if (maildir_set_flags(md, &m, r->p.verdict.local_flags,
		    &r->now, &err) == 0)
			renamed = r->renamed = true;
		else if (err.kind == ERR_IO && !err_is_of_path(&err)) {
			job->err = err;
			return -1;
		} else if (err.kind != ERR_STALE)
			r->failure = xstrdup(err.msg);
	}
	return renamed ? maildir_sync_folder(md, f->pass.folder->row.path,
	    &job->err) : 0;
}

/* Renamed, or only keywords change, which the index itself holds. */
static bool
is_local_done(const struct flag_row *r)
{
	return (r->p.verdict.ops & OP_FLAG_LOCAL) && (r->renamed ||
	    r->p.place.local.flags == r->p.verdict.local_flags);
}

/* --- both --- */

static void
report_row(struct flagging *f, struct flag_row *r, bool local)
{
	struct buf detail;

	buf_init(&detail, 4 * LIMIT_KEYWORDS);
	verdict_detail(&r->p, local, &detail);
	report_done(f->pass.run, local ? SYNC_FLAG_LOCAL : SYNC_FLAG_REMOTE,
	    f->pass.folder, &r->p.place, buf_str(&detail));
	buf_release(&detail);
}

static void
flag_batch_clear(struct flag_batch *b)
{
	int i;

	for (i = 0; i < b->n; i++) {
		picked_release(&b->row[i].p, 1);
		free(b->row[i].goal.keywords);
		free(b->row[i].shown.keywords);
		free(b->row[i].failure);
	}
	free(b->row);
	b->row = NULL;
	b->n = 0;
	stores_release(b);
	b->at = FLAGS_FREE;
}

static void
flag_batch_apply(struct flag_batch *b)
{
	struct flagging *f = b->f;

	b->turn = ++f->turns;
	stores_begin(b);
	b->at = FLAGS_APPLY;
	b->disk_job = (struct job){ .run = rename_run };
	lane_post(f->pass.run->disk_lane, &b->disk_job, &f->pass.task);
}

static void
flag_batch_picked(struct flag_batch *b)
{
	struct flagging *f = b->f;

	f->picking = false;
	f->end |= f->pick.end;
	f->pass.folder->put_off |= f->pick.put_off;
	f->pass.folder->suspects |= f->pick.suspects;
	if (b->n == 0)
		flag_batch_clear(b);
	else
		flag_batch_apply(b);
}

/* Where there was no room for flags it got another one altogether. */
static void
take_name(struct place *p, const struct maildir_renamed *now)
{
	struct maildir_name name;

	free(p->file);
	p->file = xstrdup(now->file);
	p->in_new = now->in_new;
	if (!maildir_name_parse(now->file, &name) || span_eq(name.unique,
	    p->unique))
		return;
	free(p->unique);
	p->unique = span_dup(name.unique);
}

static int
record_flags(struct flagging *f, struct flag_row *r, struct err *err)
{
	struct index *ix = f->pass.run->ix;
	struct place *p = &r->p.place;
	struct verdict *v = &r->p.verdict;
	struct ability can;

	if (v->ops & OP_FORGET)
		return evidence_forgotten(f->pass.run, f->pass.folder, p, err)
		    == -1 ? -1 : index_place_drop(ix, p->id, err);
	if (r->renamed)
		take_name(p, &r->now);
	if (is_local_done(r))
		state_set(&p->local, true, v->local_flags, v->local_keywords);
	if (is_asked_for(r))
		state_set(&p->expected, true, r->goal.flags,
		    r->goal.keywords);
	if (r->shown.present)
		place_show(p, r->shown.flags, r->shown.keywords);
	folder_ability(f->pass.folder, &can);
	reconcile_agree(p, &can);
	return lacking_tell(f->pass.run, f->pass.folder, p, err) == -1 ? -1 :
	    index_place_put(ix, p, err);
}

/* Something was asked of the server, and done. */
static bool
is_remote_done(const struct flag_batch *b, const struct flag_row *r)
{
	const struct state *is = &r->p.place.remote;

	return (!b->lost || r->fresh) && r->goal.present &&
	    (r->p.verdict.remote_flags != is->flags ||
	    !keywords_equal(r->p.verdict.remote_keywords, is->keywords));
}

/* Before the rows are changed: the detail is the difference. */
static int
log_row(const struct flag_batch *b, const struct flag_row *r, struct err *err)
{
	struct run *run = b->f->pass.run;
	const struct folder *f = b->f->pass.folder;

	if (is_local_done(r) && log_flags(run, f, &r->p, true, err) == -1)
		return -1;
	return is_remote_done(b, r) ? log_flags(run, f, &r->p, false, err) : 0;
}

static int
flags_record_run(struct job *job)
{
	struct flag_batch *b = OWNER_OF(job, struct flag_batch, index_job);
	struct run *run = b->f->pass.run;
	bool renamed = false;
	int i, rc = index_begin(run->ix, &job->err);

	if (rc == 0)
		rc = lacking_learn(run, b->f->pass.folder, &b->lacks,
		    &job->err);
	if (rc == 0)
		rc = lacking_refute(run, b->f->pass.folder, &b->shown,
		    &job->err);
	for (i = 0; i < b->n && rc == 0; i++) {
		renamed |= b->row[i].renamed;
		rc = log_row(b, &b->row[i], &job->err);
		if (rc == 0)
			rc = record_flags(b->f, &b->row[i], &job->err);
		if (rc == 0)
			rc = flags_record_loss(b->f, &b->row[i], b->lost,
			    &job->err);
	}
	if (rc == 0 && renamed)
		rc = observe_local_ours(run->ix, run->md,
		    &b->f->pass.folder->row, &job->err);
	return index_end(run->ix, rc, &job->err);
}

/* Before the rows are changed: the detail is the difference. */
static void
report_batch(struct flag_batch *b)
{
	struct flagging *f = b->f;
	int i;

	for (i = 0; i < b->n; i++) {
		struct flag_row *r = &b->row[i];

		if (is_local_done(r))
			report_row(f, r, true);
		if (is_remote_done(b, r))
			report_row(f, r, false);
		if (r->failure != NULL && f->failed++ == 0)
			f->why = xstrdup(r->failure);
	}
	f->done += (uint64_t)b->n;
	report_progress(f->pass.run, f->pass.folder, "flags", f->done, 0);
}

/* What the server was asked for is expected of it then. */
static void
flag_batch_lost(struct flag_batch *b, struct err *err)
{
	if (b->f->lost.kind == ERR_NONE)
		flags_judge_loss(b->f);
	b->lost = b->stored = true;
	b->f->end = true;
	b->f->lost = *err;
}

static int
flag_batch_applied(struct flag_batch *b, struct err *err)
{
	struct err why = { .kind = ERR_NONE };
	int answered = stores_drive(b, &why);

	if (answered == -1)
		flag_batch_lost(b, &why);
	if (answered == 0 || !b->disk_job.done)
		return 0;
	if (b->disk_job.result == -1 && err_is_of_path(&b->disk_job.err)) {
		b->f->stopped = b->disk_job.err;
		b->f->end = true;
		flag_batch_clear(b);
		return 0;
	}
	if (b->disk_job.result == -1) {
		*err = b->disk_job.err;
		return -1;
	}
	if (!b->lost)
		loss_was_none(&b->f->pass, b->f->pass.conn);
	report_batch(b);
	flag_batch_post(b, FLAGS_RECORD, flags_record_run);
	return 0;
}

static int
flag_batch_step(struct flag_batch *b, struct err *err)
{
	if (b->at == FLAGS_APPLY)
		return flag_batch_applied(b, err);
	if (b->at == FLAGS_FREE || !b->index_job.done)
		return 0;
	report_flush(b->f->pass.run);
	if (b->index_job.result == -1) {
		*err = b->index_job.err;
		return -1;
	}
	if (b->at == FLAGS_PICK)
		flag_batch_picked(b);
	else
		flag_batch_clear(b);
	return 0;
}

static enum task_result
flags_end(struct flagging *f)
{
	if (f->lost.kind != ERR_NONE)
		return task_fail(&f->pass.task, &f->lost);
	if (f->stopped.kind != ERR_NONE)
		folder_fail(f->pass.run, f->pass.folder, &f->stopped);
	/* A command is for many messages: which one it is about is not told. */
	else if (f->failed > 0)
		report_folder_issue(f->pass.run, f->pass.folder, ITEM_FLAGS,
		    f->failed, "flags of %llu message%s were not set: %s",
		    (unsigned long long)f->failed, f->failed == 1 ? "" : "s",
		    f->why);
	return TASK_DONE;
}

static enum task_result
flags_turn(struct task *t)
{
	struct flagging *f = (struct flagging *)t;
	int i, most, busy = 0;

	for (i = 0; i < FLAG_BATCHES; i++)
		if (flag_batch_step(&f->batch[i], &t->err) == -1)
			return TASK_FAIL;
	most = flags_at_once(f) > 0 ? 1 : FLAG_BATCHES;
	for (i = 0; i < most; i++) {
		if (f->batch[i].at == FLAGS_FREE && !f->end && !f->picking)
			flag_batch_pick(&f->batch[i]);
	}
	for (i = 0; i < FLAG_BATCHES; i++)
		busy += f->batch[i].at != FLAGS_FREE;
	return busy > 0 ? task_wait(t, flags_turn) : flags_end(f);
}

static void
flags_finish(struct task *t)
{
	struct flagging *f = (struct flagging *)t;
	int i;

	for (i = 0; i < FLAG_BATCHES; i++)
		flag_batch_clear(&f->batch[i]);
	free(f->why);
	free(f->shown.keywords);
	pass_end(&f->pass);
}

void
flags_start(struct conn *conn, struct folder *folder,
    struct pass_result *out)
{
	struct flagging *f = xcalloc(1, sizeof(*f));
	int i;

	for (i = 0; i < FLAG_BATCHES; i++)
		f->batch[i].f = f;
	state_set(&f->shown, true, 0, "");
	f->pick = (struct pick){
		.run = conn->account->run, .folder = folder, .ops = FLAG_OPS,
		.failed = ITEM_FLAGS, .late = folder->late,
	};
	f->late = folder->late;
	f->pass.task.finish = flags_finish;
	f->pass.folder = folder;
	f->pass.step = STEP_FLAGS;
	pass_start(&f->pass, conn, out, "flags", flags_turn);
}
