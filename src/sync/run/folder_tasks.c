/*
 * Carries over what adds and what changes: several folders at a time.
 *
 * A folder task has a connection. It takes one folder after the other through
 * these steps until none is left:
 *
 *	make		the folder, where a side lacks it
 *	observe		the server's side
 *	uploaded	whether earlier uploads are what it shows
 *	digest, pair	unknown files: what they are, and whose
 *	pull
 *	flags
 *
 * Where nothing follows a pull, the task goes on as soon as the bodies are
 * there: disk and index come behind, for several folders together.
 *
 * The phase opens connections, gives each that is ready a task, and waits until
 * all have ended. A server may close a connection in the middle: the folder is
 * then taken over by another task, from its beginning.
 */
#include <stdlib.h>
#include <string.h>

#include "apply/apply.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/loss.h"
#include "match/match.h"
#include "observe/observe.h"
#include "plan/loss.h"
#include "run/connections.h"
#include "run/folder_ready.h"
#include "run/phases.h"

/* Pulls that come behind the tasks: of one, and of all, who have some eleven
 * descriptors each, and their rows in memory. */
#define TAILS		24
#define BEHIND_MOST	(2 * LANE_GROUP)
#define BEHIND_ROWS	8000

struct folder_tasks;

/* A pull that needs the connection no more. */
struct tail {
	struct folder *folder;		/* NULL: none */
	struct pass_result result;
	bool behind;
};

struct folder_task {
	struct pass pass;		/* its folder is the one in turn */
	struct folder_tasks *all;
	struct pass_result result;	/* of a pass over the folder */
	task_step *after;		/* and where that goes on */
	struct tail tail[TAILS];
	struct tail *pull;		/* of the folder */
	bool done;			/* with all folders, or it failed: */
	struct err err;
};

struct folder_tasks {
	struct phase phase;
	struct folder_task main;
	struct folder_task other[LIMIT_CONNECTIONS];
	/* Of tasks that lost their connection. */
	struct folder *left[LIMIT_CONNECTIONS + 1];
	unsigned n_left;
	/* Where earlier attempts lost theirs. */
	struct folder **risky;
	size_t n_risky, cap_risky;
};

/* What a folder task does may cost the connection. */
#define RISKS	(STEP_BIT(STEP_LOOK) | STEP_BIT(STEP_MAKE) | \
	STEP_BIT(STEP_UPLOADED) | STEP_BIT(STEP_PAIR) | \
	STEP_BIT(STEP_PULL) | STEP_BIT(STEP_FLAGS))

static enum task_result folder_next(struct task *);
static enum task_result folder_made(struct task *);
static enum task_result folder_observe(struct task *);
static enum task_result folder_observed(struct task *);
static enum task_result folder_held(struct task *);
static enum task_result folder_ready(struct task *);
static enum task_result folder_match(struct task *);
static enum task_result folder_digested(struct task *);
static enum task_result folder_pull(struct task *);
static enum task_result folder_pulling(struct task *);
static enum task_result folder_pulled(struct task *);

static struct folder_task *
task_of(struct task *t)
{
	return (struct folder_task *)t;
}

static struct folder *
folder_of(struct task *t)
{
	return ((struct pass *)t)->folder;
}

/* --- what is left behind --- */

/* Forgets those that have come to their end, and how many have not. What went
 * wrong with one stands in err: the task can't go on. */
static int
tails_left(struct folder_task *h)
{
	int i, n = 0;

	for (i = 0; i < TAILS; i++) {
		struct tail *tail = &h->tail[i];

		if (tail->folder == NULL)
			continue;
		if (!tail->result.done) {
			n++;
			continue;
		}
		tail->folder = NULL;
		if (tail->result.err.kind != ERR_NONE &&
		    (h->err.kind == ERR_NONE || loss_is_of_connection(&h->err)))
			h->err = tail->result.err;
	}
	return n;
}

static void
count_behind(const struct folder_task *h, unsigned *n, uint64_t *rows)
{
	int i;

	for (i = 0; i < TAILS; i++) {
		const struct tail *tail = &h->tail[i];

		if (tail->folder == NULL || tail->result.done || !tail->behind)
			continue;
		++*n;
		*rows += tail->folder->dirty;
	}
}

/* Else the task waits for its own pull, which comes to its end. */
static bool
may_leave_behind(const struct folder_task *h)
{
	const struct folder_tasks *all = h->all;
	uint64_t rows = h->pass.folder->dirty;
	unsigned i, n = 1;

	count_behind(&all->main, &n, &rows);
	for (i = 0; i < LIMIT_CONNECTIONS; i++)
		count_behind(&all->other[i], &n, &rows);
	return n <= BEHIND_MOST && rows <= BEHIND_ROWS;
}

/*
 * Not before what it left behind is recorded: whoever takes its folder over
 * does not look at the disk again.
 */
static enum task_result
folder_failing(struct task *t)
{
	struct folder_task *h = task_of(t);

	return tails_left(h) > 0 ? task_wait(t, folder_failing) :
	    task_fail(t, &h->err);
}

static enum task_result
folder_fail_with(struct folder_task *h, const struct err *err)
{
	h->err = *err;
	return task_next(&h->pass.task, folder_failing);
}

static enum task_result
pass_ended(struct task *t)
{
	struct folder_task *h = task_of(t);

	if (!h->result.done)
		return task_wait(t, pass_ended);
	if (h->result.err.kind != ERR_NONE)
		return folder_fail_with(h, &h->result.err);
	return task_next(t, h->after);
}

static enum task_result
folder_pass(struct task *t, struct folder *f, pass_starter *start,
    task_step *next)
{
	struct folder_task *h = task_of(t);

	h->after = next;
	start(h->pass.conn, f, &h->result);
	return task_wait(t, pass_ended);
}

/* --- taking a folder --- */

static bool
is_free(const struct folder_task *h)
{
	return h->all == NULL || h->done;
}

static bool
is_risky(const struct folder *f)
{
	return loss_is_near(f, RISKS);
}

static struct folder *
take_folder(struct folder_tasks *all, struct run *run)
{
	unsigned i;

	for (i = 0; i < all->n_left; i++) {
		struct folder *f = all->left[i];

		if (is_risky(f))
			continue;
		all->left[i] = all->left[--all->n_left];
		return f;
	}
	while (all->phase.at < run->n_folder) {
		struct folder *f = &run->folder[all->phase.at++];

		if (!folder_wants_look(run, f))
			continue;
		if (!is_risky(f))
			return f;
		*VEC_ADD(all->risky, all->n_risky, all->cap_risky) = f;
	}
	return NULL;
}

static bool
are_others_at_work(const struct folder_tasks *all)
{
	unsigned i;

	for (i = 0; i < LIMIT_CONNECTIONS; i++)
		if (!is_free(&all->other[i]))
			return true;
	return false;
}

static bool
has_risky(const struct folder_tasks *all)
{
	return all->n_left > 0 || all->n_risky > 0;
}

/*
 * Where a connection was lost comes last, for it takes along what is left, and
 * is for a connection that has done nothing else: a new one, or the main one,
 * when all others are through.
 */
static struct folder *
take_risky(struct folder_task *h)
{
	struct folder_tasks *all = h->all;
	const struct conn *c = h->pass.conn;

	if (!has_risky(all) || (h != &all->main && c->first != 0) ||
	    (h == &all->main && are_others_at_work(all)))
		return NULL;
	return all->n_left > 0 ? all->left[--all->n_left] :
	    all->risky[--all->n_risky];
}

/* Those that hold a folder may bring more for the disk. */
static void
hold_folder(struct folder_task *h, struct folder *f)
{
	h->pass.run->pull_group.coming += f != NULL;
	h->pass.run->pull_group.coming -= h->pass.folder != NULL;
	h->pass.folder = f;
}

/* They are taken from the end. */
static void
put_last(struct folder_tasks *all)
{
	struct folder *f = all->risky[all->n_risky - 1];

	memmove(all->risky + 1, all->risky, (all->n_risky - 1) *
	    sizeof(struct folder *));
	all->risky[0] = f;
}

/* Left behind, its pull may not be recorded yet. */
static void
leave_folder(struct folder_task *h)
{
	struct folder_tasks *all = h->all;
	struct folder *f = h->pass.folder;
	bool behind = false;
	int i;

	if (f == NULL)
		return;
	for (i = 0; i < TAILS; i++)
		behind |= h->tail[i].folder == f;
	if (!f->left)
		loss_progress(h->pass.run);
	f->left = true;
	if (loss_puts_off(f)) {
		*VEC_ADD(all->risky, all->n_risky, all->cap_risky) = f;
		if (f->waits_for_all)
			put_last(all);
		if (!all->main.done)
			task_wake(&all->main.pass.task);
		return;
	}
	f->through = !behind && !f->failed && !h->pass.run->pairs_only;
}

/* No folder is left to begin with. */
static enum task_result
folder_idle(struct folder_task *h, int behind)
{
	struct run *run = h->pass.run;
	struct task *t = &h->pass.task;
	struct folder *f = pull_short_of_lines(run);

	if (f != NULL)
		return folder_pass(t, f, lend_start, folder_next);
	if (run->pull_group.coming == 0)
		pull_group_post(run);
	if (h == &h->all->main && has_risky(h->all))
		return task_wait(t, folder_next);
	return behind > 0 ? task_wait(t, folder_next) : TASK_DONE;
}

static enum task_result
folder_next(struct task *t)
{
	struct folder_task *h = task_of(t);
	struct run *run = h->pass.run;
	struct folder *f;
	int behind = tails_left(h);

	if (h->err.kind != ERR_NONE)
		return task_next(t, folder_failing);
	leave_folder(h);
	f = take_folder(h->all, run);
	hold_folder(h, f != NULL ? f : take_risky(h));
	f = h->pass.folder;
	if (f == NULL)
		return folder_idle(h, behind);
	if (loss_wants_alone(h->pass.conn, f, RISKS, &h->err))
		return task_next(t, folder_failing);
	switch (folder_verdict(h->pass.folder)) {
	case FOLDER_NONE:
	case FOLDER_SETTLE:
	case FOLDER_REMOVE_REMOTE:	/* not before it was looked at */
		return task_next(t, folder_observe);
	case FOLDER_MAKE_LOCAL:
	case FOLDER_MAKE_REMOTE:
		return folder_pass(t, h->pass.folder, run->passes->make,
		    folder_made);
	case FOLDER_REMOVE_LOCAL:	/* when all that adds is done */
	case FOLDER_FORGET:
		break;
	}
	return task_next(t, folder_next);
}

static enum task_result
folder_made(struct task *t)
{
	struct folder_task *h = task_of(t);
	struct folder *f = h->pass.folder;

	if (f->failed && f->fault == NULL)
		return task_next(t, folder_next);
	if (!f->row.remote)		/* it was only told */
		return folder_pass(t, f, digest_start, folder_next);
	return task_next(t, folder_observe);
}

/* --- a folder's steps --- */

static enum task_result
folder_observe(struct task *t)
{
	struct folder_task *h = task_of(t);
	struct run *run = h->pass.run;

	if (folder_left_out(run, h->pass.folder))
		return task_next(t, folder_next);
	report_progress(run, h->pass.folder, "looking", h->all->phase.at,
	    run->n_folder);
	return folder_pass(t, h->pass.folder, observe_remote_start,
	    folder_observed);
}

static enum task_result
folder_observed(struct task *t)
{
	struct folder *f = folder_of(t);

	if (f->failed)
		return task_next(t, folder_next);
	return f->uploads == 0 || task_of(t)->pass.run->md->look_only ?
	    task_next(t, folder_held) :
	    folder_pass(t, f, uploaded_start, folder_held);
}

static enum task_result
folder_held(struct task *t)
{
	return pass_job((struct pass *)t, folder_ready_work, folder_ready);
}

static enum task_result
folder_ready(struct task *t)
{
	struct folder_task *h = task_of(t);
	struct folder *f = h->pass.folder;

	f->unpulled = 0;	/* as the task that lost it left it */
	if (folder_left_out(h->pass.run, f) || f->dirty == 0)
		return task_next(t, folder_next);
	if (f->row.local)
		return task_next(t, folder_match);
	/* Deleted here, but it may hold what was never seen: back with just
	 * that. Of one that is new, or INBOX, it was only told. */
	if (!f->unseen_remote)
		return task_next(t, folder_next);
	if (!f->row.base || folder_is_inbox(f))
		return task_next(t, folder_match);
	return folder_pass(t, f, h->pass.run->passes->make, folder_match);
}

static enum task_result
folder_match(struct task *t)
{
	struct folder *f = folder_of(t);

	if (folder_left_out(task_of(t)->pass.run, f))
		return task_next(t, folder_next);
	if (!f->unseen_local || !f->row.local)
		return task_next(t, folder_pull);
	return folder_pass(t, f, digest_start, folder_digested);
}

static enum task_result
folder_digested(struct task *t)
{
	if (!folder_of(t)->unseen_remote)
		return task_next(t, folder_pull);
	return folder_pass(t, folder_of(t), pair_start, folder_pull);
}

static enum task_result
folder_pull(struct task *t)
{
	struct folder_task *h = task_of(t);
	int i, behind = tails_left(h);

	if (h->err.kind != ERR_NONE)
		return task_next(t, folder_failing);
	if (behind == TAILS)
		return task_wait(t, folder_pull);
	for (i = 0; h->tail[i].folder != NULL; i++)
		;
	h->pull = &h->tail[i];
	*h->pull = (struct tail){ .folder = h->pass.folder };
	h->pass.run->passes->pull(h->pass.conn, h->pass.folder,
	    &h->pull->result);
	return task_wait(t, folder_pulling);
}

static enum task_result
folder_pulling(struct task *t)
{
	struct folder_task *h = task_of(t);
	struct folder *f = h->pass.folder;
	struct pass_result *r = &h->pull->result;
	struct pull *pull;

	if (r->done) {
		h->pull->folder = NULL;
		return r->err.kind != ERR_NONE ? folder_fail_with(h, &r->err) :
		    task_next(t, folder_pulled);
	}
	pull = f->only_pulls ? pull_find(h->pass.run, f) : NULL;
	if (pull == NULL || !pull_line_is_free(pull) || f->put_off ||
	    !may_leave_behind(h))
		return task_wait(t, folder_pulling);
	h->pull->behind = true;
	pull_leave_behind(pull);
	return task_next(t, folder_next);
}

static enum task_result
folder_pulled(struct task *t)
{
	struct folder *f = folder_of(t);

	if (f->failed)
		return task_next(t, folder_next);
	return folder_pass(t, f, task_of(t)->pass.run->passes->flags,
	    folder_next);
}

/* --- tasks come and go --- */

/* The folder is not lost with a connection that could be spared. */
static void
folder_task_finish(struct task *t)
{
	struct folder_task *h = task_of(t);
	struct folder_tasks *all = h->all;
	struct run *run = h->pass.run;
	struct folder *f = h->pass.folder;
	bool is_main = h == &all->main;

	hold_folder(h, NULL);
	h->done = true;
	h->pass.conn->task = is_main ? &all->phase.pass.task : &run->task;
	if (!is_main && !all->main.done)
		task_wake(&all->main.pass.task);
	if (t->result != TASK_FAIL)
		return;
	h->err = t->err;
	if (!loss_is_of_connection(&t->err))
		return;
	if (f != NULL)		/* else it helped another */
		all->left[all->n_left++] = f;
	if (is_main)
		return;
	log_info("%s: a connection was lost, the others go on: %s",
	    run->conf->name, t->err.msg);
	h->err.kind = ERR_NONE;
}

static void
folder_task_abort(struct task *t)
{
	conn_cut(task_of(t)->pass.conn);
}

static void
folder_task_start(struct folder_tasks *all, struct folder_task *h,
    struct conn *conn)
{
	struct run *run = all->phase.pass.run;
	struct task *parent = &all->phase.pass.task;

	*h = (struct folder_task){ .all = all,
	    .pass = { .run = run, .conn = conn } };
	conn->task = &h->pass.task;
	h->pass.task.abort = folder_task_abort;
	h->pass.task.finish = folder_task_finish;
	task_start(&h->pass.task, parent->loop, parent, run->conf->name,
	    folder_next);
}

static bool
has_work(const struct folder_tasks *all, const struct conn *c)
{
	struct run *run = all->phase.pass.run;
	unsigned i;

	for (i = 0; i < all->n_left; i++)
		if (!is_risky(all->left[i]))
			return true;
	return (has_risky(all) && c->first == 0) ||
	    all->phase.at < run->n_folder || pull_short_of_lines(run) != NULL;
}

/* A connection that is ready gets a task while there is something to do. */
static bool
are_others_busy(struct folder_tasks *all)
{
	struct run *run = all->phase.pass.run;
	bool busy = false;
	unsigned i;

	for (i = 0; i < connections_count(run); i++) {
		struct conn *conn = connection(run, i);

		if (conn != NULL && is_free(&all->other[i]) &&
		    has_work(all, conn))
			folder_task_start(all, &all->other[i], conn);
		busy |= !is_free(&all->other[i]);
	}
	return busy;
}

/* The gravest: what is not of a connection. */
static const struct err *
failure(const struct folder_tasks *all)
{
	unsigned i;

	for (i = 0; i < LIMIT_CONNECTIONS; i++)
		if (all->other[i].done && all->other[i].err.kind != ERR_NONE)
			return &all->other[i].err;
	return all->main.done && all->main.err.kind != ERR_NONE ?
	    &all->main.err : NULL;
}

/* What the others can do without the main connection they do first. */
static enum task_result
tasks_wait(struct task *t)
{
	struct folder_tasks *all = (struct folder_tasks *)t;
	const struct err *why = failure(all);
	bool busy;

	if (why != NULL && !loss_is_of_connection(why))
		return task_fail(t, why);
	busy = are_others_busy(all);
	if (all->main.done && why == NULL && has_risky(all))
		folder_task_start(all, &all->main,
		    &all->phase.pass.run->account->main);
	if (busy || !all->main.done)
		return task_wait(t, tasks_wait);
	return why != NULL ? task_fail(t, why) : TASK_DONE;
}

static enum task_result
tasks_begin(struct task *t)
{
	struct folder_tasks *all = (struct folder_tasks *)t;
	struct run *run = phase_run(t);

	folder_task_start(all, &all->main, &run->account->main);
	connections_open(run, connections_wanted(run));
	return task_wait(t, tasks_wait);
}

static void
tasks_finish(struct task *t)
{
	free(((struct folder_tasks *)t)->risky);
	phase_end(t);
}

void
folder_tasks_start(struct run *run, struct pass_result *out)
{
	struct folder_tasks *all = xcalloc(1, sizeof(*all));

	all->phase.pass.task.finish = tasks_finish;
	phase_start(&all->phase, run, out, "folders", tasks_begin);
}
