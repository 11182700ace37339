/*
 * Hands: the folders of an account, several at a time.
 *
 * A hand is a task with a connection. It takes one folder after the other
 * through its steps until none is left:
 *
 *	make it where it is missing; observe the server's side; digest unknown
 *	files; pair; pull; flags
 *
 * Where nothing follows a pull, the hand goes on as soon as the bodies are
 * there: disk and index come behind, for several folders together.
 *
 * The account's own task opens connections, gives each that is ready a hand,
 * and waits until all have put theirs down. A server may refuse a second
 * connection, or close it in the middle: the folder is then taken over by
 * another hand, from its beginning, and for a day no more are asked for than
 * the server allowed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "run/folder_tasks.h"
#include "run/phases.h"

#define CONNECTIONS	4	/* unless the configuration says how many */
#define FOLDERS_EACH	8	/* it is worth a connection, when it does not */
#define MESSAGES_EACH	2000	/* the same; and when it does: */
#define MESSAGES_FEW	500
/* Pulls that come behind the hands: of one, and of all, who have some eleven
 * descriptors each, and their rows in memory. */
#define TAILS		24
#define BEHIND_MOST	(2 * LANE_GROUP)
#define BEHIND_ROWS	8000
#define FEW_ROWS	256	/* not too many to look at each */
#define ALLOWED_FOR	86400	/* seconds that a refusal is remembered */

/* A pull that needs the connection no more. */
struct tail {
	struct folder *folder;		/* NULL: none */
	struct pass_result pass;
};

struct folder_task {
	struct task task;
	struct conn *conn;
	struct folder *folder;		/* whose turn it is */
	struct imap_cmd cmd;
	struct job job;
	int (*work)(struct folder_task *, struct err *);
	task_step *after;
	struct pass_result pass;
	struct tail tail[TAILS];
	struct tail *pull;		/* of box */
	bool done;			/* with all folders, or it failed: */
	struct err err;
};

/* One connection beside the main one. */
struct extra {
	struct conn conn;
	struct imap_open open;
	bool opening;
};

struct folder_tasks {
	struct folder_task main;
	struct folder_task other[LIMIT_CONNECTIONS];
	struct extra extra[LIMIT_CONNECTIONS];
	unsigned n_extra;		/* asked for so far */
	unsigned opened;		/* and got */
	bool refused;			/* the server did not allow all */
	unsigned before;		/* allowed within the last day; 0: all */
	size_t next;			/* folder */
	struct folder *left[LIMIT_CONNECTIONS];	/* by a hand that lost its own */
	unsigned n_left;
	task_step *after;
};

static enum task_result folder_next(struct task *);
static enum task_result folder_created(struct task *);
static enum task_result folder_observe(struct task *);
static enum task_result folder_observed(struct task *);
static enum task_result folder_ready(struct task *);
static enum task_result folder_digested(struct task *);
static enum task_result folder_paired(struct task *);
static enum task_result folder_pulling(struct task *);
static enum task_result folder_pulled(struct task *);
static enum task_result folder_tasks_wait(struct task *);

/* --- jobs and passes of a hand --- */

static struct folder_task *
folder_task_of(struct task *t)
{
	return (struct folder_task *)t;
}

static struct account *
account_of(struct task *t)
{
	return folder_task_of(t)->conn->a;
}

static int
work_run(struct job *job)
{
	struct folder_task *h = OWNER_OF(job, struct folder_task, job);

	return h->work(h, &job->err);
}

/* Of the connection, not of what is done with it. */
static bool
is_connection_error(const struct err *err)
{
	return err->kind == ERR_NET || err->kind == ERR_TLS ||
	    err->kind == ERR_PROTO;
}

/* Forgets those that have come to their end, and how many have not. What went
 * wrong with one stands in err: the hand can't go on. */
static int
tails_left(struct folder_task *h)
{
	int i, n = 0;

	for (i = 0; i < TAILS; i++) {
		struct tail *tail = &h->tail[i];

		if (tail->folder == NULL)
			continue;
		if (!tail->pass.done) {
			n++;
			continue;
		}
		tail->folder = NULL;
		if (tail->pass.err.kind != ERR_NONE &&
		    (h->err.kind == ERR_NONE || is_connection_error(&h->err)))
			h->err = tail->pass.err;
	}
	return n;
}

/*
 * Not before what it left behind is recorded: whoever takes its folder over does
 * not look at the disk again.
 */
static enum task_result
folder_task_failing(struct task *t)
{
	struct folder_task *h = folder_task_of(t);

	return tails_left(h) > 0 ? task_wait(t, folder_task_failing) :
	    task_fail(t, &h->err);
}

static enum task_result
folder_task_fail(struct folder_task *h, const struct err *err)
{
	h->err = *err;
	return task_next(&h->task, folder_task_failing);
}

static enum task_result
job_ended(struct task *t)
{
	struct folder_task *h = folder_task_of(t);

	if (!h->job.done)
		return task_wait(t, job_ended);
	if (h->job.result == -1)
		return task_fail(t, &h->job.err);
	return task_next(t, h->after);
}

static enum task_result
folder_task_job(struct folder_task *h, int (*work)(struct folder_task *,
    struct err *), task_step *next)
{
	h->work = work;
	h->after = next;
	h->job = (struct job){ .run = work_run };
	lane_post(h->conn->a->index_lane, &h->job, &h->task);
	return task_wait(&h->task, job_ended);
}

static enum task_result
pass_ended(struct task *t)
{
	struct folder_task *h = folder_task_of(t);

	if (!h->pass.done)
		return task_wait(t, pass_ended);
	if (h->pass.err.kind != ERR_NONE)
		return folder_task_fail(h, &h->pass.err);
	return task_next(t, h->after);
}

static enum task_result
folder_task_pass(struct folder_task *h, struct folder *folder,
    pass_starter *start, task_step *next)
{
	h->after = next;
	start(h->conn, folder, &h->pass);
	return task_wait(&h->task, pass_ended);
}

/* --- a folder's steps --- */

/* The directory, and that both sides have the folder now. */
static int
make_local_work(struct folder_task *h, struct err *err)
{
	struct account *a = h->conn->a;
	struct folder *f = h->folder;

	if (root_mark(a, err) == -1)
		return -1;
	if (maildir_folder_create(&a->md, f->row.path, err) == -1)
		return folder_leave_out(a, f, err);
	f->row.local = f->row.base = true;
	if (index_begin(a->ix, err) == 0 &&
	    index_folder_put(a->ix, &f->row, err) == 0 &&
	    index_commit(a->ix, err) == 0)
		return 0;
	index_rollback(a->ix);
	return -1;
}

static enum task_result
make_local(struct folder_task *h, task_step *next)
{
	struct account *a = h->conn->a;

	report_done(a, SYNC_MAKE_LOCAL, h->folder, NULL, "");
	if (a->opt.dry_run)
		return task_next(&h->task, next);
	return folder_task_job(h, make_local_work, next);
}

static enum task_result
make_remote(struct folder_task *h)
{
	struct account *a = h->conn->a;
	struct folder *f = h->folder;

	if (a->opt.dry_run) {
		report_done(a, SYNC_MAKE_REMOTE, f, NULL, "");
		return folder_task_pass(h, h->folder, push_start, folder_next);
	}
	if (a->main.session == NULL) {
		err_set(&h->err, ERR_NET, "the first connection is lost");
		return task_next(&h->task, folder_task_failing);
	}
	free(f->row.raw);
	f->row.raw = imap_list_raw_name(a->main.session, f->row.name);
	if (f->row.raw == NULL) {
		f->failed = true;
		report_folder_issue(a, f, ITEM_FOLDER, ALL_ROWS,
		    "the server can't have "
		    "a folder of that name; rename the directory");
		return task_next(&h->task, folder_next);
	}
	imap_create_start(h->conn->session, &h->cmd, &h->task, f->row.raw);
	return task_wait(&h->task, folder_created);
}

static struct folder *
take_folder(struct folder_tasks *all, struct account *a)
{
	if (all->n_left > 0)
		return all->left[--all->n_left];
	while (all->next < a->n_folder) {
		struct folder *f = &a->folder[all->next++];

		if (folder_wants_look(a, f))
			return f;
	}
	return NULL;
}

/* No folder is left to begin with. */
static enum task_result
folder_task_idle(struct folder_task *h, int behind)
{
	struct folder *f = pull_short_of_lines(h->conn->a);

	if (f != NULL)
		return folder_task_pass(h, f, lend_start, folder_next);
	if (!folder_tasks_are_busy(h->conn->a))
		pull_group_post(h->conn->a);
	return behind > 0 ? task_wait(&h->task, folder_next) : TASK_DONE;
}

static enum task_result
folder_next(struct task *t)
{
	struct folder_task *h = folder_task_of(t);
	struct account *a = account_of(t);
	int behind = tails_left(h);

	if (h->err.kind != ERR_NONE)
		return task_next(t, folder_task_failing);
	h->folder = take_folder(a->folder_tasks, a);
	if (h->folder == NULL)
		return folder_task_idle(h, behind);
	switch (folder_verdict(h->folder)) {
	case FOLDER_NONE:
	case FOLDER_SETTLE:
	case FOLDER_REMOVE_REMOTE:	/* not before it was looked at */
		return task_next(t, folder_observe);
	case FOLDER_MAKE_LOCAL:
		return make_local(h, folder_observe);
	case FOLDER_MAKE_REMOTE:
		return make_remote(h);
	case FOLDER_REMOVE_LOCAL:	/* behind the barrier */
	case FOLDER_FORGET:
		break;
	}
	return task_next(t, folder_next);
}

static enum task_result
folder_created(struct task *t)
{
	struct folder_task *h = folder_task_of(t);
	struct account *a = account_of(t);

	switch (imap_result(&h->cmd, &t->err)) {
	case 0:
		return task_wait(t, folder_created);
	case -1:
		if (t->err.kind != ERR_REFUSED)
			return folder_task_fail(h, &t->err);
		if (h->cmd.code == CODE_ALREADYEXISTS)
			break;
		h->folder->failed = true;
		report_folder_issue(a, h->folder, ITEM_FOLDER, ALL_ROWS,
		    "the server does " "not make the folder: %s", t->err.msg);
		t->err.kind = ERR_NONE;
		imap_cmd_release(&h->cmd);
		return task_next(t, folder_next);
	}
	t->err.kind = ERR_NONE;
	imap_cmd_release(&h->cmd);
	report_done(a, SYNC_MAKE_REMOTE, h->folder, NULL, "");
	h->folder->row.remote = true;
	return task_next(t, folder_observe);
}

static enum task_result
folder_observe(struct task *t)
{
	struct folder_task *h = folder_task_of(t);
	struct account *a = account_of(t);

	if (folder_left_out(a, h->folder))
		return task_next(t, folder_next);
	report_progress(a, h->folder, "looking", a->folder_tasks->next,
	    a->n_folder);
	return folder_task_pass(h, h->folder, observe_remote_start,
	    folder_observed);
}

/*
 * Where rows wait for nothing but their bodies. What pairs with a file may have
 * other flags than that; and of many rows it is only seen at once that no file
 * is there that could have some (rows that are nowhere wait for the barrier).
 */
static int
look_for_more(struct account *a, struct folder *f, struct err *err)
{
	struct pick pick = { .folder = f, .ops = FLAG_OPS, .max = 1,
	    .expunge = a->conf->expunge };
	struct place place;
	struct picked row;
	int n;

	f->only_pulls = false;
	if (f->unseen_local || a->opt.dry_run)
		return 0;
	if (f->dirty > FEW_ROWS) {
		n = index_places(a->ix, PLACES_LOCAL, f->row.id, 0, &place, 1,
		    err);
		if (n > 0)
			place_release(&place);
	} else {
		n = pick_rows(a->ix, &pick, &row, err);
		if (n > 0)
			picked_release(&row, 1);
	}
	f->only_pulls = n == 0;
	return n == -1 ? -1 : 0;
}

/* Counts what is to be done, and takes a token before any of it is. */
static int
ready_work(struct folder_task *h, struct err *err)
{
	struct account *a = h->conn->a;
	struct folder *f = h->folder;

	if (index_dirty(a->ix, f->row.id, &f->dirty, err) == -1)
		return -1;
	if (folder_unseen(a, f, false, &f->unseen_remote, err) == -1 ||
	    folder_unseen(a, f, true, &f->unseen_local, err) == -1)
		return -1;
	if (f->dirty > 0 && root_mark(a, err) == -1)
		return -1;
	if (look_for_more(a, f, err) == -1)
		return -1;
	if (!f->row.local || !f->row.remote || f->row.base || a->opt.dry_run)
		return 0;
	/* A directory that a power cut undoes would look deleted. */
	if (maildir_folder_sync(&a->md, f->row.path, err) == -1)
		return folder_leave_out(a, f, err);
	f->row.base = true;
	if (index_begin(a->ix, err) == 0 &&
	    index_folder_put(a->ix, &f->row, err) == 0 &&
	    index_commit(a->ix, err) == 0)
		return 0;
	index_rollback(a->ix);
	return -1;
}

static enum task_result
folder_observed(struct task *t)
{
	struct folder_task *h = folder_task_of(t);

	if (h->folder->failed)
		return task_next(t, folder_next);
	return folder_task_job(h, ready_work, folder_ready);
}

static enum task_result
folder_ready(struct task *t)
{
	struct folder_task *h = folder_task_of(t);
	struct account *a = account_of(t);
	struct folder *f = h->folder;

	f->unpulled = 0;	/* as the hand that lost it left it */
	if (folder_left_out(a, f) || f->dirty == 0)
		return task_next(t, folder_next);
	/* Deleted here, but it holds what was never seen: back with just that. */
	if (!f->row.local && f->unseen_remote && !a->opt.dry_run)
		return make_local(h, folder_ready);
	if (!f->row.local && !a->opt.dry_run)
		return task_next(t, folder_next);
	if (!f->unseen_local || !f->row.local)
		return task_next(t, folder_paired);
	return folder_task_pass(h, h->folder, digest_start, folder_digested);
}

static enum task_result
folder_digested(struct task *t)
{
	struct folder_task *h = folder_task_of(t);

	if (!h->folder->unseen_remote)
		return task_next(t, folder_paired);
	return folder_task_pass(h, h->folder, pair_start, folder_paired);
}

static enum task_result
folder_paired(struct task *t)
{
	struct folder_task *h = folder_task_of(t);
	int i, behind = tails_left(h);

	if (h->err.kind != ERR_NONE)
		return task_next(t, folder_task_failing);
	if (behind == TAILS)
		return task_wait(t, folder_paired);
	for (i = 0; h->tail[i].folder != NULL; i++)
		;
	h->pull = &h->tail[i];
	h->pull->folder = h->folder;
	pull_start(h->conn, h->folder, &h->pull->pass);
	return task_wait(t, folder_pulling);
}

static void
count_behind(const struct folder_task *h, unsigned *n, uint64_t *rows)
{
	int i;

	for (i = 0; i < TAILS && h->conn != NULL; i++) {
		const struct tail *tail = &h->tail[i];

		if (tail->folder == NULL || tail->pass.done ||
		    !tail->pass.left_behind)
			continue;
		++*n;
		*rows += tail->folder->dirty;
	}
}

/* Else the hand waits for its own pull, which comes to its end. */
static bool
may_leave_behind(const struct folder_task *h)
{
	const struct folder_tasks *all = h->conn->a->folder_tasks;
	uint64_t rows = h->folder->dirty;
	unsigned i, n = 1;

	count_behind(&all->main, &n, &rows);
	for (i = 0; i < all->n_extra; i++)
		count_behind(&all->other[i], &n, &rows);
	return n <= BEHIND_MOST && rows <= BEHIND_ROWS;
}

static enum task_result
folder_pulling(struct task *t)
{
	struct folder_task *h = folder_task_of(t);
	struct pass_result *pull = &h->pull->pass;

	if (pull->done) {
		h->pull->folder = NULL;
		return pull->err.kind != ERR_NONE ? folder_task_fail(h,
		    &pull->err) : task_next(t, folder_pulled);
	}
	if (pull->line_free && h->folder->only_pulls && may_leave_behind(h)) {
		pull->left_behind = true;
		return task_next(t, folder_next);
	}
	return task_wait(t, folder_pulling);
}

static enum task_result
folder_pulled(struct task *t)
{
	struct folder_task *h = folder_task_of(t);

	if (h->folder->failed)
		return task_next(t, folder_next);
	return folder_task_pass(h, h->folder, flags_start, folder_next);
}

/* --- taking up and putting down --- */

/* The folder is not lost with a connection that could be spared. */
static void
folder_task_finish(struct task *t)
{
	struct folder_task *h = folder_task_of(t);
	struct account *a = account_of(t);

	imap_cmd_release(&h->cmd);
	h->done = true;
	h->conn->task = &a->task;
	if (t->result != TASK_FAIL)
		return;
	h->err = t->err;
	if (h->conn == &a->main || !is_connection_error(&t->err))
		return;
	log_info("%s: a connection was lost, the others go on: %s",
	    a->conf->name, t->err.msg);
	h->err.kind = ERR_NONE;
	if (h->folder != NULL)	/* else it helped another */
		a->folder_tasks->left[a->folder_tasks->n_left++] = h->folder;
}

static void
folder_task_abort(struct task *t)
{
	conn_cut(folder_task_of(t)->conn);
}

static void
folder_task_start(struct folder_task *h, struct conn *conn)
{
	*h = (struct folder_task){ .conn = conn };
	conn->task = &h->task;
	h->task.abort = folder_task_abort;
	h->task.finish = folder_task_finish;
	task_start(&h->task, conn->a->task.loop, &conn->a->task,
	    conn->a->conf->name, folder_next);
}

static bool
is_free(const struct folder_task *h)
{
	return h->conn == NULL || h->done;
}

/* For a hand that helps or waits has none. */
bool
folder_tasks_are_busy(const struct account *a)
{
	const struct folder_tasks *all = a->folder_tasks;
	unsigned i;

	for (i = 0; i < all->n_extra; i++)
		if (!is_free(&all->other[i]) && all->other[i].folder != NULL)
			return true;
	return !is_free(&all->main) && all->main.folder != NULL;
}

/* --- how many --- */

/* New messages that the folder seems to have. */
static uint64_t
awaited(const struct folder *f)
{
	return f->listed.has_status && f->listed.messages > f->row.exists ?
	    f->listed.messages - f->row.exists : 0;
}

/* A number in the configuration is taken at its word, wherever there are two
 * things to do; without one a connection has to be worth its price. */
static unsigned
connections_wanted(struct account *a)
{
	uint64_t folders = 0, messages = 0, n, each = MESSAGES_FEW;
	unsigned most = a->conf->connections, before = a->folder_tasks->before;
	size_t i;

	for (i = 0; i < a->n_folder; i++) {
		struct folder *f = &a->folder[i];

		if (!folder_wants_look(a, f))
			continue;
		folders++;
		messages += awaited(f);
	}
	n = folders;
	if (most == 0) {
		/* Nobody knows what a tunnel's command costs. */
		most = a->conf->tunnel != NULL ? 1 : CONNECTIONS;
		n = folders / FOLDERS_EACH;
		each = MESSAGES_EACH;
	}
	if (folders > 0 && n < messages / each)
		n = messages / each;
	if (before > 0 && before < most)
		most = before;
	return n > most ? most : n < 1 ? 1 : (unsigned)n;
}

/* --- the account's steps --- */

static void
refused(struct account *a, const struct err *err)
{
	a->folder_tasks->refused = true;
	log_info("%s: one more connection is not to be had: %s",
	    a->conf->name, err->msg);
}

/* A connection that is ready gets a hand while there is something to do. */
static void
take_up(struct account *a, unsigned i)
{
	struct folder_tasks *all = a->folder_tasks;
	struct extra *e = &all->extra[i];

	if (e->opening && e->open.task.ended) {
		e->opening = false;
		e->conn.session = e->open.session;
		if (e->open.session == NULL)
			refused(a, &e->open.task.err);
		else
			all->opened++;
	}
	if (e->conn.session != NULL && is_free(&all->other[i]) &&
	    (all->n_left > 0 || all->next < a->n_folder ||
	    pull_short_of_lines(a) != NULL))
		folder_task_start(&all->other[i], &e->conn);
}

static enum task_result
folder_tasks_wait(struct task *t)
{
	struct account *a = (struct account *)t;
	struct folder_tasks *all = a->folder_tasks;
	bool busy;
	unsigned i;

	if (all->main.done && all->main.err.kind != ERR_NONE)
		return task_fail(t, &all->main.err);
	for (i = 0; i < all->n_extra; i++)
		if (all->other[i].done && all->other[i].err.kind != ERR_NONE)
			return task_fail(t, &all->other[i].err);
	for (i = 0; i < all->n_extra; i++)
		take_up(a, i);
	if (all->main.done && all->n_left > 0)
		folder_task_start(&all->main, &a->main);
	busy = !all->main.done;
	for (i = 0; i < all->n_extra; i++)
		busy |= !is_free(&all->other[i]);
	return busy ? task_wait(t, folder_tasks_wait) : task_next(t,
	    all->after);
}

enum task_result
folder_tasks_begin(struct account *a, task_step *after)
{
	struct folder_tasks *all = a->folder_tasks;
	unsigned n;

	all->next = 0;
	all->after = after;
	folder_task_start(&all->main, &a->main);
	for (n = connections_wanted(a); all->n_extra + 1 < n; all->n_extra++) {
		struct extra *e = &all->extra[all->n_extra];

		e->conn = (struct conn){ .a = a, .task = &a->task };
		e->opening = true;
		conn_open_start(a, &e->open);
	}
	return task_wait(&a->task, folder_tasks_wait);
}

int
connections_load(struct account *a, struct err *err)
{
	long long until;
	unsigned n;
	char *text;

	a->folder_tasks = xcalloc(1, sizeof(*a->folder_tasks));
	if (index_get(a->ix, "connections", &text, err) == -1)
		return -1;
	if (text != NULL && sscanf(text, "%u %lld", &n, &until) == 2 &&
	    until > clock_wall() && until <= clock_wall() + ALLOWED_FOR)
		a->folder_tasks->before = n;
	free(text);
	return 0;
}

int
connections_keep(struct account *a, struct err *err)
{
	char text[64];

	if (a->folder_tasks == NULL || !a->folder_tasks->refused)
		return 0;
	snprintf(text, sizeof(text), "%u %lld", a->folder_tasks->opened + 1,
	    (long long)clock_wall() + ALLOWED_FOR);
	return index_set(a->ix, "connections", text, err);
}

void
connections_close(struct account *a, bool polite)
{
	unsigned i;

	for (i = 0; a->folder_tasks != NULL && i < a->folder_tasks->n_extra;
	    i++) {
		struct extra *e = &a->folder_tasks->extra[i];

		if (e->opening && e->open.task.ended)
			e->conn.session = e->open.session;
		else if (e->opening)
			task_cancel(&e->open.task);
		e->opening = e->opening && !e->open.task.ended;
		conn_close(&e->conn, polite);
	}
}

void
folder_tasks_release(struct account *a)
{
	free(a->folder_tasks);
	a->folder_tasks = NULL;
}
