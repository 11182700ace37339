/*
 * Carries flags and keywords, both ways, and settles or forgets rows on which
 * both sides agree by themselves.
 *
 *	index lane	pick	rows and what each side should hold
 *	disk lane	rename	files whose letters change; then sync
 *	server		STORE	one command for all that change alike
 *	index lane	record	what was seen to work
 *
 * The two in the middle run at the same time. What is refused or no longer as
 * it was leaves its row dirty.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "internal.h"
#include "mail/flags.h"

#define FLAG_ROWS	2000	/* few commands, and few syncs */

struct row {
	struct picked p;
	bool renamed;		/* local is as wanted now */
	char file[MAILDIR_NAME_MAX + 1];
	bool in_new;
	bool stored;		/* remote is as wanted now */
	char *failure;
	size_t group;
};

/* Messages on the server that change alike: at most two STOREs. */
struct group {
	unsigned add, del;
	char *add_words, *del_words;
	struct uidset uids;
	struct imap_cmd plus, minus;
	bool has_plus, has_minus;
};

struct flagging {
	struct pass pass;
	struct pick pick;
	struct picked picked[FLAG_ROWS];
	struct row *row;
	int n;
	struct group *group;
	size_t n_group, cap_group;
	struct job index_job, disk_job;
	bool disk_posted;
	uint64_t done;
	uint64_t failed;	/* messages ... */
	char *why;		/* ... of which the first failed so */
};

static enum task_result flags_picked(struct task *);
static enum task_result flags_applied(struct task *);
static enum task_result flags_recorded(struct task *);

static int
pick_run(struct job *job)
{
	struct flagging *f = OWNER_OF(job, struct flagging, index_job);

	int i, n = pick_rows(f->pass.a->ix, &f->pick, f->picked, &job->err);

	if (n == -1)
		return -1;
	f->row = xcalloc((size_t)n + 1, sizeof(*f->row));
	for (i = 0; i < n; i++)
		f->row[i].p = f->picked[i];
	f->n = n;
	return 0;
}

static enum task_result
flags_pick(struct task *t)
{
	struct flagging *f = (struct flagging *)t;

	f->pick.max = FLAG_ROWS;
	f->index_job = (struct job){ .run = pick_run };
	lane_post(f->pass.a->index_lane, &f->index_job, t);
	return task_wait(t, flags_picked);
}

/* --- the server's side --- */

static bool
group_is(const struct group *g, unsigned add, unsigned del,
    const char *add_words, const char *del_words)
{
	return g->add == add && g->del == del &&
	    keywords_equal(g->add_words, add_words) &&
	    keywords_equal(g->del_words, del_words);
}

static void
group_join(struct flagging *f, struct row *r)
{
	const struct state *is = &r->p.place.remote;
	const struct verdict *v = &r->p.verdict;
	unsigned add = v->remote_flags & ~is->flags;
	unsigned del = is->flags & ~v->remote_flags;
	char *add_words = keywords_less(v->remote_keywords, is->keywords);
	char *del_words = keywords_less(is->keywords, v->remote_keywords);
	struct group *g;
	size_t i;

	for (i = 0; i < f->n_group; i++)
		if (group_is(&f->group[i], add, del, add_words, del_words))
			break;
	if (i == f->n_group) {
		g = VEC_ADD(f->group, f->n_group, f->cap_group);
		g->add = add;
		g->del = del;
		g->add_words = add_words;
		g->del_words = del_words;
	} else {
		free(add_words);
		free(del_words);
	}
	r->group = i;
	uidset_add(&f->group[i].uids, r->p.place.uid);
}

static void
group_send(struct flagging *f, struct group *g)
{
	struct imap_store_args args = { .uids = &g->uids };
	struct imap_session *session = f->pass.conn->session;

	g->has_plus = g->add != 0 || *g->add_words != '\0';
	g->has_minus = g->del != 0 || *g->del_words != '\0';
	if (g->has_plus) {
		args.add = true;
		args.flags = g->add;
		args.keywords = g->add_words;
		imap_store_start(session, &g->plus, &f->pass.task, &args);
	}
	if (g->has_minus) {
		args.add = false;
		args.flags = g->del;
		args.keywords = g->del_words;
		imap_store_start(session, &g->minus, &f->pass.task, &args);
	}
}

static void
groups_release(struct flagging *f)
{
	size_t i;

	for (i = 0; i < f->n_group; i++) {
		free(f->group[i].add_words);
		free(f->group[i].del_words);
		uidset_release(&f->group[i].uids);
		imap_cmd_release(&f->group[i].plus);
		imap_cmd_release(&f->group[i].minus);
	}
	free(f->group);
	f->group = NULL;
	f->n_group = f->cap_group = 0;
}

/* --- the disk's side --- */

static int
rename_run(struct job *job)
{
	struct flagging *f = OWNER_OF(job, struct flagging, disk_job);
	struct maildir *md = &f->pass.a->md;
	bool renamed = false;
	int i;

	for (i = 0; i < f->n; i++) {
		struct row *r = &f->row[i];
		struct place *p = &r->p.place;
		struct maildir_message m = {
			f->pass.box->row.path, p->in_new, p->file,
		};
		struct err err = { .kind = ERR_NONE };

		if (!(r->p.verdict.ops & OP_FLAG_LOCAL) ||
		    p->local.flags == r->p.verdict.local_flags)
			continue;
		if (maildir_set_flags(md, &m, r->p.verdict.local_flags,
		    r->file, &r->in_new, &err) == 0)
			renamed = r->renamed = true;
		else if (err.kind == ERR_IO && !is_folder_error(&err)) {
			job->err = err;
			return -1;
		} else if (err.kind != ERR_STALE)
			r->failure = xstrdup(err.msg);
	}
	return renamed ? maildir_sync_folder(md, f->pass.box->row.path,
	    &job->err) : 0;
}

/* Renamed, or only keywords change, which the index itself holds. */
static bool
is_local_done(const struct row *r)
{
	return (r->p.verdict.ops & OP_FLAG_LOCAL) && (r->renamed ||
	    r->p.place.local.flags == r->p.verdict.local_flags);
}

/* --- both --- */

static void
tell(struct flagging *f, struct row *r, bool local)
{
	struct buf detail;

	buf_init(&detail, 4 * LIMIT_KEYWORDS);
	verdict_detail(&r->p, local, &detail);
	account_done(f->pass.a, local ? SYNC_FLAG_LOCAL : SYNC_FLAG_REMOTE,
	    f->pass.box, &r->p.place, buf_str(&detail));
	buf_release(&detail);
}

static void
rows_release(struct flagging *f)
{
	int i;

	for (i = 0; i < f->n; i++) {
		picked_release(&f->row[i].p, 1);
		free(f->row[i].failure);
	}
	free(f->row);
	f->row = NULL;
	f->n = 0;
}

static enum task_result
flags_next(struct flagging *f)
{
	rows_release(f);
	groups_release(f);
	if (!f->pick.end)
		return task_next(&f->pass.task, flags_pick);
	/* A command is for many messages: which one it is about is not told. */
	if (f->failed > 0)
		box_note(f->pass.a, f->pass.box, ITEM_FLAGS, f->failed,
		    "flags of %llu message%s were not set: %s",
		    (unsigned long long)f->failed, f->failed == 1 ? "" : "s",
		    f->why);
	return TASK_DONE;
}

static enum task_result
flags_tell(struct flagging *f)
{
	int i;

	for (i = 0; i < f->n; i++) {
		if (f->row[i].p.verdict.ops & OP_FLAG_LOCAL)
			tell(f, &f->row[i], true);
		if (f->row[i].p.verdict.ops & OP_FLAG_REMOTE)
			tell(f, &f->row[i], false);
	}
	return flags_next(f);
}

static enum task_result
flags_picked(struct task *t)
{
	struct flagging *f = (struct flagging *)t;
	size_t g;
	int i;

	if (!f->index_job.done)
		return task_wait(t, flags_picked);
	if (f->index_job.result == -1)
		return task_fail(t, &f->index_job.err);
	if (f->pass.a->opt.dry_run)
		return flags_tell(f);
	for (i = 0; i < f->n; i++)
		if (f->row[i].p.verdict.ops & OP_FLAG_REMOTE)
			group_join(f, &f->row[i]);
	for (g = 0; g < f->n_group; g++)
		group_send(f, &f->group[g]);
	f->disk_job = (struct job){ .run = rename_run };
	lane_post(f->pass.a->disk_lane, &f->disk_job, t);
	return task_wait(t, flags_applied);
}

static int
record(struct flagging *f, struct row *r, struct err *err)
{
	struct index *ix = f->pass.a->ix;
	struct place *p = &r->p.place;
	struct verdict *v = &r->p.verdict;
	struct ability can;

	if (v->ops & OP_FORGET)
		return evidence_forgotten(f->pass.a, f->pass.box, p, err) == -1
		    ? -1 : index_place_drop(ix, p->id, err);
	if (r->renamed) {
		free(p->file);
		p->file = xstrdup(r->file);
		p->in_new = r->in_new;
	}
	if (is_local_done(r))
		state_set(&p->local, true, v->local_flags, v->local_keywords);
	if (r->stored)
		state_set(&p->remote, true, v->remote_flags,
		    v->remote_keywords);
	box_ability(f->pass.box, &can);
	reconcile_agree(p, &can);
	return index_place_put(ix, p, err);
}

static int
record_run(struct job *job)
{
	struct flagging *f = OWNER_OF(job, struct flagging, index_job);
	struct index *ix = f->pass.a->ix;
	bool renamed = false;
	int i, rc = index_begin(ix, &job->err);

	for (i = 0; i < f->n && rc == 0; i++) {
		renamed |= f->row[i].renamed;
		rc = record(f, &f->row[i], &job->err);
	}
	if (rc == 0 && renamed)
		rc = observe_local_ours(ix, &f->pass.a->md,
		    &f->pass.box->row, &job->err);
	return index_end(ix, rc, &job->err);
}

/* 1 all answered, 0 not yet, -1 connection lost. */
static int
groups_result(struct flagging *f, struct err *err)
{
	size_t i;

	for (i = 0; i < f->n_group; i++) {
		struct group *g = &f->group[i];
		int plus = g->has_plus ? imap_result(&g->plus, err) : 1;
		int minus;

		if (plus == -1 && err->kind != ERR_REFUSED)
			return -1;
		minus = g->has_minus ? imap_result(&g->minus, err) : 1;
		if (minus == -1 && err->kind != ERR_REFUSED)
			return -1;
		if (plus == 0 || minus == 0)
			return 0;
	}
	return 1;
}

static void
take_replies(struct flagging *f)
{
	int i;

	for (i = 0; i < f->n; i++) {
		struct row *r = &f->row[i];
		struct group *g;
		struct err err;

		if (!(r->p.verdict.ops & OP_FLAG_REMOTE))
			continue;
		g = &f->group[r->group];
		if ((!g->has_plus || imap_result(&g->plus, &err) == 1) &&
		    (!g->has_minus || imap_result(&g->minus, &err) == 1))
			r->stored = true;
		else if (r->failure == NULL)
			r->failure = xstrdup(err.msg);
	}
}

/* Before the rows are changed: the detail is the difference. */
static void
tell_done(struct flagging *f)
{
	int i;

	for (i = 0; i < f->n; i++) {
		struct row *r = &f->row[i];

		if (is_local_done(r))
			tell(f, r, true);
		if (r->stored)
			tell(f, r, false);
		if (r->failure != NULL && f->failed++ == 0)
			f->why = xstrdup(r->failure);
	}
	f->done += (uint64_t)f->n;
	if (f->n > 0)
		account_progress(f->pass.a, f->pass.box, "flags", f->done, 0);
}

static enum task_result
flags_applied(struct task *t)
{
	struct flagging *f = (struct flagging *)t;
	int answered = groups_result(f, &t->err);

	if (answered == -1)
		return TASK_FAIL;
	if (answered == 0 || !f->disk_job.done)
		return task_wait(t, flags_applied);
	t->err.kind = ERR_NONE;
	if (f->disk_job.result == -1 && is_folder_error(&f->disk_job.err)) {
		box_fail(f->pass.a, f->pass.box, &f->disk_job.err);
		return TASK_DONE;
	}
	if (f->disk_job.result == -1)
		return task_fail(t, &f->disk_job.err);
	take_replies(f);
	tell_done(f);
	f->index_job = (struct job){ .run = record_run };
	lane_post(f->pass.a->index_lane, &f->index_job, t);
	return task_wait(t, flags_recorded);
}

static enum task_result
flags_recorded(struct task *t)
{
	struct flagging *f = (struct flagging *)t;

	if (!f->index_job.done)
		return task_wait(t, flags_recorded);
	if (f->index_job.result == -1)
		return task_fail(t, &f->index_job.err);
	return flags_next(f);
}

static void
flags_finish(struct task *t)
{
	struct flagging *f = (struct flagging *)t;

	rows_release(f);
	groups_release(f);
	free(f->why);
	pass_end(&f->pass);
}

void
flags_start(struct conn *conn, struct box *box,
    struct pass_result *out)
{
	struct flagging *f = xcalloc(1, sizeof(*f));

	f->pick = (struct pick){
		.box = box, .ops = FLAG_OPS,
		.expunge = conn->a->conf->expunge,
	};
	f->pass.task.finish = flags_finish;
	f->pass.box = box;
	pass_start(&f->pass, conn, out, "flags", flags_pick);
}
