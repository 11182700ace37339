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
	struct box *box;		/* NULL: none */
	struct pass_result pass;
};

struct hand {
	struct task task;
	struct conn *conn;
	struct box *box;		/* whose turn it is */
	struct imap_cmd cmd;
	struct job job;
	int (*work)(struct hand *, struct err *);
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

struct hands {
	struct hand main;
	struct hand other[LIMIT_CONNECTIONS];
	struct extra extra[LIMIT_CONNECTIONS];
	unsigned n_extra;		/* asked for so far */
	unsigned opened;		/* and got */
	bool refused;			/* the server did not allow all */
	unsigned before;		/* allowed within the last day; 0: all */
	size_t next;			/* folder */
	struct box *left[LIMIT_CONNECTIONS];	/* by a hand that lost its own */
	unsigned n_left;
	task_step *after;
};

static enum task_result hand_next(struct task *);
static enum task_result hand_created(struct task *);
static enum task_result hand_observe(struct task *);
static enum task_result hand_observed(struct task *);
static enum task_result hand_ready(struct task *);
static enum task_result hand_digested(struct task *);
static enum task_result hand_paired(struct task *);
static enum task_result hand_pulling(struct task *);
static enum task_result hand_pulled(struct task *);
static enum task_result hands_wait(struct task *);

/* --- jobs and passes of a hand --- */

static struct hand *
hand_of(struct task *t)
{
	return (struct hand *)t;
}

static struct account *
account_of(struct task *t)
{
	return hand_of(t)->conn->a;
}

static int
work_run(struct job *job)
{
	struct hand *h = OWNER_OF(job, struct hand, job);

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
tails_left(struct hand *h)
{
	int i, n = 0;

	for (i = 0; i < TAILS; i++) {
		struct tail *tail = &h->tail[i];

		if (tail->box == NULL)
			continue;
		if (!tail->pass.done) {
			n++;
			continue;
		}
		tail->box = NULL;
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
hand_failing(struct task *t)
{
	struct hand *h = hand_of(t);

	return tails_left(h) > 0 ? task_wait(t, hand_failing) :
	    task_fail(t, &h->err);
}

static enum task_result
hand_fail(struct hand *h, const struct err *err)
{
	h->err = *err;
	return task_next(&h->task, hand_failing);
}

static enum task_result
job_ended(struct task *t)
{
	struct hand *h = hand_of(t);

	if (!h->job.done)
		return task_wait(t, job_ended);
	if (h->job.result == -1)
		return task_fail(t, &h->job.err);
	return task_next(t, h->after);
}

static enum task_result
hand_job(struct hand *h, int (*work)(struct hand *, struct err *),
    task_step *next)
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
	struct hand *h = hand_of(t);

	if (!h->pass.done)
		return task_wait(t, pass_ended);
	if (h->pass.err.kind != ERR_NONE)
		return hand_fail(h, &h->pass.err);
	return task_next(t, h->after);
}

static enum task_result
hand_pass(struct hand *h, struct box *box, pass_starter *start,
    task_step *next)
{
	h->after = next;
	start(h->conn, box, &h->pass);
	return task_wait(&h->task, pass_ended);
}

/* --- a folder's steps --- */

/* The directory, and that both sides have the folder now. */
static int
make_local_work(struct hand *h, struct err *err)
{
	struct account *a = h->conn->a;
	struct box *b = h->box;

	if (root_mark(a, err) == -1)
		return -1;
	if (maildir_folder_create(&a->md, b->row.path, err) == -1)
		return box_leave_out(a, b, err);
	b->row.local = b->row.base = true;
	if (index_begin(a->ix, err) == 0 &&
	    index_folder_put(a->ix, &b->row, err) == 0 &&
	    index_commit(a->ix, err) == 0)
		return 0;
	index_rollback(a->ix);
	return -1;
}

static enum task_result
make_local(struct hand *h, task_step *next)
{
	struct account *a = h->conn->a;

	account_done(a, SYNC_MAKE_LOCAL, h->box, NULL, "");
	if (a->opt.dry_run)
		return task_next(&h->task, next);
	return hand_job(h, make_local_work, next);
}

static enum task_result
make_remote(struct hand *h)
{
	struct account *a = h->conn->a;
	struct box *b = h->box;

	if (a->opt.dry_run) {
		account_done(a, SYNC_MAKE_REMOTE, b, NULL, "");
		return hand_pass(h, h->box, push_start, hand_next);
	}
	if (a->main.session == NULL) {
		err_set(&h->err, ERR_NET, "the first connection is lost");
		return task_next(&h->task, hand_failing);
	}
	free(b->row.raw);
	b->row.raw = imap_list_raw_name(a->main.session, b->row.name);
	if (b->row.raw == NULL) {
		b->failed = true;
		box_note(a, b, ITEM_FOLDER, ALL_ROWS, "the server can't have "
		    "a folder of that name; rename the directory");
		return task_next(&h->task, hand_next);
	}
	imap_create_start(h->conn->session, &h->cmd, &h->task, b->row.raw);
	return task_wait(&h->task, hand_created);
}

static struct box *
take_box(struct hands *all, struct account *a)
{
	if (all->n_left > 0)
		return all->left[--all->n_left];
	while (all->next < a->n_box) {
		struct box *b = &a->box[all->next++];

		if (box_wants_look(a, b))
			return b;
	}
	return NULL;
}

/* No folder is left to begin with. */
static enum task_result
hand_idle(struct hand *h, int behind)
{
	struct box *b = pull_to_help(h->conn->a);

	if (b != NULL)
		return hand_pass(h, b, help_start, hand_next);
	if (!hands_are_at_it(h->conn->a))
		gather_end(h->conn->a);
	return behind > 0 ? task_wait(&h->task, hand_next) : TASK_DONE;
}

static enum task_result
hand_next(struct task *t)
{
	struct hand *h = hand_of(t);
	struct account *a = account_of(t);
	int behind = tails_left(h);

	if (h->err.kind != ERR_NONE)
		return task_next(t, hand_failing);
	h->box = take_box(a->hands, a);
	if (h->box == NULL)
		return hand_idle(h, behind);
	switch (box_folder_op(h->box)) {
	case FOLDER_NONE:
	case FOLDER_SETTLE:
	case FOLDER_REMOVE_REMOTE:	/* not before it was looked at */
		return task_next(t, hand_observe);
	case FOLDER_MAKE_LOCAL:
		return make_local(h, hand_observe);
	case FOLDER_MAKE_REMOTE:
		return make_remote(h);
	case FOLDER_REMOVE_LOCAL:	/* behind the barrier */
	case FOLDER_FORGET:
		break;
	}
	return task_next(t, hand_next);
}

static enum task_result
hand_created(struct task *t)
{
	struct hand *h = hand_of(t);
	struct account *a = account_of(t);

	switch (imap_result(&h->cmd, &t->err)) {
	case 0:
		return task_wait(t, hand_created);
	case -1:
		if (t->err.kind != ERR_REFUSED)
			return hand_fail(h, &t->err);
		if (h->cmd.code == CODE_ALREADYEXISTS)
			break;
		h->box->failed = true;
		box_note(a, h->box, ITEM_FOLDER, ALL_ROWS, "the server does "
		    "not make the folder: %s", t->err.msg);
		t->err.kind = ERR_NONE;
		imap_cmd_release(&h->cmd);
		return task_next(t, hand_next);
	}
	t->err.kind = ERR_NONE;
	imap_cmd_release(&h->cmd);
	account_done(a, SYNC_MAKE_REMOTE, h->box, NULL, "");
	h->box->row.remote = true;
	return task_next(t, hand_observe);
}

static enum task_result
hand_observe(struct task *t)
{
	struct hand *h = hand_of(t);
	struct account *a = account_of(t);

	if (box_left_out(a, h->box))
		return task_next(t, hand_next);
	account_progress(a, h->box, "looking", a->hands->next, a->n_box);
	return hand_pass(h, h->box, observe_remote_start, hand_observed);
}

/*
 * Where rows wait for nothing but their bodies. What pairs with a file may have
 * other flags than that; and of many rows it is only seen at once that no file
 * is there that could have some (rows that are nowhere wait for the barrier).
 */
static int
look_for_more(struct account *a, struct box *b, struct err *err)
{
	struct pick pick = { .box = b, .ops = FLAG_OPS, .max = 1,
	    .expunge = a->conf->expunge };
	struct place place;
	struct picked row;
	int n;

	b->only_pulls = false;
	if (b->unseen_local || a->opt.dry_run)
		return 0;
	if (b->dirty > FEW_ROWS) {
		n = index_places(a->ix, PLACES_LOCAL, b->row.id, 0, &place, 1,
		    err);
		if (n > 0)
			place_release(&place);
	} else {
		n = pick_rows(a->ix, &pick, &row, err);
		if (n > 0)
			picked_release(&row, 1);
	}
	b->only_pulls = n == 0;
	return n == -1 ? -1 : 0;
}

/* Counts what is to be done, and takes a token before any of it is. */
static int
ready_work(struct hand *h, struct err *err)
{
	struct account *a = h->conn->a;
	struct box *b = h->box;

	if (index_dirty(a->ix, b->row.id, &b->dirty, err) == -1)
		return -1;
	if (box_unseen(a, b, false, &b->unseen_remote, err) == -1 ||
	    box_unseen(a, b, true, &b->unseen_local, err) == -1)
		return -1;
	if (b->dirty > 0 && root_mark(a, err) == -1)
		return -1;
	if (look_for_more(a, b, err) == -1)
		return -1;
	if (!b->row.local || !b->row.remote || b->row.base || a->opt.dry_run)
		return 0;
	/* A directory that a power cut undoes would look deleted. */
	if (maildir_folder_sync(&a->md, b->row.path, err) == -1)
		return box_leave_out(a, b, err);
	b->row.base = true;
	if (index_begin(a->ix, err) == 0 &&
	    index_folder_put(a->ix, &b->row, err) == 0 &&
	    index_commit(a->ix, err) == 0)
		return 0;
	index_rollback(a->ix);
	return -1;
}

static enum task_result
hand_observed(struct task *t)
{
	struct hand *h = hand_of(t);

	if (h->box->failed)
		return task_next(t, hand_next);
	return hand_job(h, ready_work, hand_ready);
}

static enum task_result
hand_ready(struct task *t)
{
	struct hand *h = hand_of(t);
	struct account *a = account_of(t);
	struct box *b = h->box;

	b->unpulled = 0;	/* as the hand that lost it left it */
	if (box_left_out(a, b) || b->dirty == 0)
		return task_next(t, hand_next);
	/* Deleted here, but it holds what was never seen: back with just that. */
	if (!b->row.local && b->unseen_remote && !a->opt.dry_run)
		return make_local(h, hand_ready);
	if (!b->row.local && !a->opt.dry_run)
		return task_next(t, hand_next);
	if (!b->unseen_local || !b->row.local)
		return task_next(t, hand_paired);
	return hand_pass(h, h->box, digest_start, hand_digested);
}

static enum task_result
hand_digested(struct task *t)
{
	struct hand *h = hand_of(t);

	if (!h->box->unseen_remote)
		return task_next(t, hand_paired);
	return hand_pass(h, h->box, pair_start, hand_paired);
}

static enum task_result
hand_paired(struct task *t)
{
	struct hand *h = hand_of(t);
	int i, behind = tails_left(h);

	if (h->err.kind != ERR_NONE)
		return task_next(t, hand_failing);
	if (behind == TAILS)
		return task_wait(t, hand_paired);
	for (i = 0; h->tail[i].box != NULL; i++)
		;
	h->pull = &h->tail[i];
	h->pull->box = h->box;
	pull_start(h->conn, h->box, &h->pull->pass);
	return task_wait(t, hand_pulling);
}

static void
count_behind(const struct hand *h, unsigned *n, uint64_t *rows)
{
	int i;

	for (i = 0; i < TAILS && h->conn != NULL; i++) {
		const struct tail *tail = &h->tail[i];

		if (tail->box == NULL || tail->pass.done ||
		    !tail->pass.left_behind)
			continue;
		++*n;
		*rows += tail->box->dirty;
	}
}

/* Else the hand waits for its own pull, which comes to its end. */
static bool
may_leave_behind(const struct hand *h)
{
	const struct hands *all = h->conn->a->hands;
	uint64_t rows = h->box->dirty;
	unsigned i, n = 1;

	count_behind(&all->main, &n, &rows);
	for (i = 0; i < all->n_extra; i++)
		count_behind(&all->other[i], &n, &rows);
	return n <= BEHIND_MOST && rows <= BEHIND_ROWS;
}

static enum task_result
hand_pulling(struct task *t)
{
	struct hand *h = hand_of(t);
	struct pass_result *pull = &h->pull->pass;

	if (pull->done) {
		h->pull->box = NULL;
		return pull->err.kind != ERR_NONE ? hand_fail(h, &pull->err) :
		    task_next(t, hand_pulled);
	}
	if (pull->line_free && h->box->only_pulls && may_leave_behind(h)) {
		pull->left_behind = true;
		return task_next(t, hand_next);
	}
	return task_wait(t, hand_pulling);
}

static enum task_result
hand_pulled(struct task *t)
{
	struct hand *h = hand_of(t);

	if (h->box->failed)
		return task_next(t, hand_next);
	return hand_pass(h, h->box, flags_start, hand_next);
}

/* --- taking up and putting down --- */

/* The folder is not lost with a connection that could be spared. */
static void
hand_finish(struct task *t)
{
	struct hand *h = hand_of(t);
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
	if (h->box != NULL)	/* else it helped another */
		a->hands->left[a->hands->n_left++] = h->box;
}

static void
hand_abort(struct task *t)
{
	conn_cut(hand_of(t)->conn);
}

static void
hand_start(struct hand *h, struct conn *conn)
{
	*h = (struct hand){ .conn = conn };
	conn->task = &h->task;
	h->task.abort = hand_abort;
	h->task.finish = hand_finish;
	task_start(&h->task, conn->a->task.loop, &conn->a->task,
	    conn->a->conf->name, hand_next);
}

static bool
is_free(const struct hand *h)
{
	return h->conn == NULL || h->done;
}

/* For a hand that helps or waits has none. */
bool
hands_are_at_it(const struct account *a)
{
	const struct hands *all = a->hands;
	unsigned i;

	for (i = 0; i < all->n_extra; i++)
		if (!is_free(&all->other[i]) && all->other[i].box != NULL)
			return true;
	return !is_free(&all->main) && all->main.box != NULL;
}

/* --- how many --- */

/* New messages that the folder seems to have. */
static uint64_t
awaited(const struct box *b)
{
	return b->listed.has_status && b->listed.messages > b->row.exists ?
	    b->listed.messages - b->row.exists : 0;
}

/* A number in the configuration is taken at its word, wherever there are two
 * things to do; without one a connection has to be worth its price. */
static unsigned
wanted(struct account *a)
{
	uint64_t folders = 0, messages = 0, n, each = MESSAGES_FEW;
	unsigned most = a->conf->connections, before = a->hands->before;
	size_t i;

	for (i = 0; i < a->n_box; i++) {
		struct box *b = &a->box[i];

		if (!box_wants_look(a, b))
			continue;
		folders++;
		messages += awaited(b);
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
	a->hands->refused = true;
	log_info("%s: one more connection is not to be had: %s",
	    a->conf->name, err->msg);
}

/* A connection that is ready gets a hand while there is something to do. */
static void
take_up(struct account *a, unsigned i)
{
	struct hands *all = a->hands;
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
	    (all->n_left > 0 || all->next < a->n_box ||
	    pull_to_help(a) != NULL))
		hand_start(&all->other[i], &e->conn);
}

static enum task_result
hands_wait(struct task *t)
{
	struct account *a = (struct account *)t;
	struct hands *all = a->hands;
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
		hand_start(&all->main, &a->main);
	busy = !all->main.done;
	for (i = 0; i < all->n_extra; i++)
		busy |= !is_free(&all->other[i]);
	return busy ? task_wait(t, hands_wait) : task_next(t, all->after);
}

enum task_result
hands_begin(struct account *a, task_step *after)
{
	struct hands *all = a->hands;
	unsigned n;

	all->next = 0;
	all->after = after;
	hand_start(&all->main, &a->main);
	for (n = wanted(a); all->n_extra + 1 < n; all->n_extra++) {
		struct extra *e = &all->extra[all->n_extra];

		e->conn = (struct conn){ .a = a, .task = &a->task };
		e->opening = true;
		conn_open_start(a, &e->open);
	}
	return task_wait(&a->task, hands_wait);
}

int
hands_load(struct account *a, struct err *err)
{
	long long until;
	unsigned n;
	char *text;

	a->hands = xcalloc(1, sizeof(*a->hands));
	if (index_get(a->ix, "connections", &text, err) == -1)
		return -1;
	if (text != NULL && sscanf(text, "%u %lld", &n, &until) == 2 &&
	    until > clock_wall() && until <= clock_wall() + ALLOWED_FOR)
		a->hands->before = n;
	free(text);
	return 0;
}

int
hands_keep(struct account *a, struct err *err)
{
	char text[64];

	if (a->hands == NULL || !a->hands->refused)
		return 0;
	snprintf(text, sizeof(text), "%u %lld", a->hands->opened + 1,
	    (long long)clock_wall() + ALLOWED_FOR);
	return index_set(a->ix, "connections", text, err);
}

void
hands_close(struct account *a, bool polite)
{
	unsigned i;

	for (i = 0; a->hands != NULL && i < a->hands->n_extra; i++) {
		struct extra *e = &a->hands->extra[i];

		if (e->opening && e->open.task.ended)
			e->conn.session = e->open.session;
		else if (e->opening)
			task_cancel(&e->open.task);
		e->opening = e->opening && !e->open.task.ended;
		conn_close(&e->conn, polite);
	}
}

void
hands_release(struct account *a)
{
	free(a->hands);
	a->hands = NULL;
}
