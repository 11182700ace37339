/*
 * Brings the server's new messages to disk.
 *
 * Batches of dirty rows are picked, fetched and delivered, some of them in
 * flight so that line, disk and index do not wait for each other. A batch goes
 * through these steps:
 *
 *	index lane	pick	which rows, and how large
 *	server		headers	of what looks like another folder's file
 *	disk lane	copy	what that file holds (pull_disk.c)
 *	server		FETCH	bodies arrive in pieces
 *	disk lane	write	pieces into tmp/, fingerprint, date
 *	index lane	pair	a file of this folder that nobody knows has the
 *				same content: that is the message already
 *	pull_group.c		batches of small folders wait for each other
 *	sync lane	place	sync, rename, sync
 *	index lane	record	rows and base, in one transaction
 *
 * Bodies are checked before they count: asked for, present, whole (design
 * section 11). What is wrong with one is remembered with its row and stops
 * nothing else.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "apply/pull.h"
#include "mail/flags.h"

#define PULL_SCALE	4
#define PULL_FAST	3000		/* ms */
#define PULL_SLOW	10000

static enum task_result pull_turn(struct task *);

/* --- the flow --- */

static void
batch_post(struct pull_batch *b, enum batch_at at, struct lane *lane,
    int (*run)(struct job *))
{
	b->at = at;
	b->job = (struct job){ .run = run };
	lane_post(lane, &b->job, &b->p->pass.task);
}

static void
batch_join(struct pull_batch *b, enum batch_at at, struct lane *lane,
    void (*run)(struct job **, int))
{
	b->at = at;
	b->job = (struct job){ .run_group = run };
	lane_post(lane, &b->job, &b->p->pass.task);
}

static void
batch_paired(struct pull_batch *b)
{
	b->at = BATCH_GROUP;
	b->job = (struct job){ .run_group = pull_place_group };
	if (!pull_group_add(b))
		batch_join(b, BATCH_PLACE, b->p->pass.run->sync_lane,
		    pull_place_group);
}

static void
batch_pick(struct pull_batch *b)
{
	struct pull *p = b->p;

	p->picking = true;
	b->scale = imap_session_measures(p->pass.conn->session) ? 0 : p->scale;
	b->pick = (struct pick){
		.run = p->pass.run, .folder = p->pass.folder, .ops = OP_PULL,
		.max = b->scale == 0 ? SYNC_ROWS : (int)b->scale * SYNC_ROWS,
		.after = p->after, .failed = ITEM_PULL, .late = p->late,
	};
	batch_post(b, BATCH_PICK, p->pass.run->index_lane, pull_pick_run);
}

/* It may be what an upload without an answer became. */
static void
not_pulled(struct pull *p, uint32_t uid)
{
	if (uid > p->pass.folder->unpulled)
		p->pass.folder->unpulled = uid;
}

/* The file that was lost had flags of its own, which the server gets next. */
static bool
has_flags_to_push(const struct picked *row)
{
	return row->verdict.local_flags != row->place.remote.flags ||
	    !keywords_equal(row->verdict.local_keywords,
	    row->place.remote.keywords);
}

static void
batch_take_kin(struct pull_batch *b)
{
	int i;

	for (i = 0; i < b->n; i++)
		b->p->keeps_line |= has_flags_to_push(&b->msg[i].row);
	if (pull_has_kin(b))
		batch_post(b, BATCH_DISK, b->p->pass.run->disk_lane,
		    pull_kin_run);
	else
		b->at = b->n > 0 ? BATCH_FETCH : BATCH_FREE;
}

static void
batch_picked(struct pull_batch *b)
{
	struct pull *p = b->p;

	pull_put_off_unsure(b);
	p->picking = false;
	p->after = b->pick.after;
	p->end |= b->pick.end;
	p->pass.folder->put_off |= b->pick.put_off;
	p->pass.folder->suspects |= b->pick.suspects;
	not_pulled(p, b->pick.skipped);
	if (pull_ask_headers(b))
		b->at = BATCH_HEADERS;
	else
		batch_take_kin(b);
	if (b->n == 0)
		free(b->msg);
	if (b->n == 0)
		b->msg = NULL;
}

/* The batch, and what waits behind it, as if it were alike: the share of one
 * connection. */
static uint64_t
octets_to_come(const struct pull_batch *b)
{
	uint64_t octets = 0, n = (uint64_t)b->n, rows = n;
	int i;

	if (b->p->pass.folder->dirty > b->p->done + n)
		rows = b->p->pass.folder->dirty - b->p->done;
	for (i = 0; i < b->n; i++)
		octets += b->msg[i].row.place.size;
	return octets / n * rows / b->p->n_source;
}

static void
batch_fetch(struct pull_batch *b, struct source *source)
{
	struct uidset uids = { .n = 0 };
	struct imap_fetch_args args = {
		.uids = &uids, .items = FETCH_BODY,
		.sink = bodies_sink(b),
	};
	int i;

	b->source = source;
	b->asked_at = clock_mono_ms();
	pull_choose(b);
	for (i = 0; i < b->n; i++) {
		if (!b->msg[i].asking)
			continue;
		uidset_add(&uids, b->msg[i].row.place.uid);
		/* First seen by a change of its flags, it has no size yet. */
		if (b->msg[i].row.place.size == 0)
			args.items |= FETCH_META;
	}
	if (!uidset_empty(&uids)) {
		imap_session_will_fetch(source->conn->session,
		    octets_to_come(b));
		imap_fetch_start(source->conn->session, &b->fetch,
		    &b->p->pass.task, &args);
	} else {
		b->at = BATCH_WRITE;
		task_wake(&b->p->pass.task);
	}
	uidset_release(&uids);
}

static void
batch_count(struct pull_batch *b)
{
	struct run *run = b->p->pass.run;
	uint64_t missing = 0;
	int i;

	for (i = 0; i < b->n; i++) {
		struct pulled *m = &b->msg[i];

		if (!m->got)
			not_pulled(b->p, m->row.place.uid);
		missing += !m->got && m->failure == NULL && m->asked;
		if (m->got && !m->paired)
			report_done(run, SYNC_PULL, b->p->pass.folder,
			    &m->row.place, "");
	}
	if (b->refused != NULL && missing > 0 && (b->n > 1 || b->blameless)) {
		b->p->not_given += missing;
		report_folder_issue(run, b->p->pass.folder, ITEM_PULL,
		    b->p->not_given, "%llu message%s not pulled: %s",
		    (unsigned long long)b->p->not_given, b->p->not_given == 1 ?
		    "" : "s", b->refused);
	}
	b->p->done += (uint64_t)b->n;
	report_progress(run, b->p->pass.folder, "pulling", b->p->done,
	    b->p->pass.folder->dirty);
}

/* After everything of it came to rest; the loop's or finish's call. */
static void
batch_clear(struct pull_batch *b)
{
	int i;

	bodies_clear(b);
	headers_release(&b->headers);
	for (i = 0; i < b->n; i++) {
		picked_release(&b->msg[i].row, 1);
		place_release(&b->msg[i].kin.place);
		free(b->msg[i].failure);
	}
	free(b->msg);
	b->msg = NULL;
	free(b->refused);
	b->refused = NULL;
	b->n = 0;
	b->blameless = b->lost = b->part = false;
	b->write_err.kind = ERR_NONE;
	if (b->store != NULL)
		maildir_batch_free(b->store);
	b->store = NULL;
	imap_cmd_release(&b->fetch.cmd);
	b->fetch = (struct imap_fetching){ .rows = 0 };
	b->source = NULL;
	b->at = BATCH_FREE;
}

/* How fast that one came says how large the next may be. */
static void
batch_timed(struct pull_batch *b)
{
	struct pull *p = b->p;
	uint64_t now = clock_mono_ms(), from = b->asked_at;

	if (p->fetched_at > from)
		from = p->fetched_at;	/* it waited behind another */
	p->fetched_at = now;
	if (now - from < PULL_FAST && b->scale == p->scale &&
	    p->scale < PULL_SCALE)
		p->scale *= 2;
	else if (now - from > PULL_SLOW && p->scale > 1)
		p->scale /= 2;
}

/* The disk can't take it. 0: that is the folder's alone, which is left. */
static int
batch_stop(struct pull_batch *b, const struct err *why, struct err *err)
{
	struct pull *p = b->p;

	if (!err_is_of_path(why)) {
		*err = *why;
		return -1;
	}
	p->end = true;
	not_pulled(p, UINT32_MAX);
	p->stopped = *why;
	batch_clear(b);
	return 0;
}

/* --- a batch, step by step --- */

/* Each takes it as far as it goes now. -1: the account can't go on. */

static int
step_free(struct pull_batch *b, struct err *err)
{
	(void)b;
	(void)err;
	return 0;
}

/* 1: its job has succeeded; 0: not yet; -1. */
static int
job_result(const struct pull_batch *b, struct err *err)
{
	if (!b->job.done)
		return 0;
	if (b->job.result == 0)
		return 1;
	*err = b->job.err;
	return -1;
}

static int
step_pick(struct pull_batch *b, struct err *err)
{
	int r = job_result(b, err);

	if (r == 1)
		batch_picked(b);
	return r == -1 ? -1 : 0;
}

/* Where it does not tell, bodies are asked for, and whatever is amiss shows
 * itself then. */
static int
step_headers(struct pull_batch *b, struct err *err)
{
	struct err why;
	int r = imap_result(&b->headers.fetch.cmd, &why);

	(void)err;
	if (r == 0)
		return 0;
	if (r == -1 && why.kind != ERR_REFUSED && b->p->source[0].ready)
		source_lost(b->p, &b->p->source[0], &why);
	batch_post(b, BATCH_ALIKE, b->p->pass.run->index_lane, pull_alike_run);
	return 0;
}

static int
step_alike(struct pull_batch *b, struct err *err)
{
	int r = job_result(b, err);

	if (r == 1)
		batch_take_kin(b);
	return r == -1 ? -1 : 0;
}

static int
step_disk(struct pull_batch *b, struct err *err)
{
	int r = job_result(b, err);

	if (r == 1)
		b->at = BATCH_FETCH;
	return r == -1 ? -1 : 0;
}

/* A refused FETCH leaves its rows dirty; what came of it counts. */
static void
batch_refused(struct pull_batch *b, const char *why)
{
	b->refused = xstrdup(why);
	b->blameless = code_is_folder(b->fetch.cmd.code);
	b->p->end |= b->blameless;
	if (b->blameless)
		not_pulled(b->p, UINT32_MAX);
}

/* Bodies are still coming, or have all been handed over. */
static int
step_fetch(struct pull_batch *b, struct err *err)
{
	struct err why;
	int rc;

	(void)err;
	if (b->fetch.cmd.task == NULL)
		return 0;
	rc = imap_result(&b->fetch.cmd, &why);
	bodies_move(b, rc != 0);
	if (rc == 0)
		return 0;
	if (rc == -1 && why.kind != ERR_REFUSED) {
		source_lost(b->p, b->source, &why);
		b->lost = true;
		b->at = BATCH_LOST;
		return 0;
	}
	pull_asked(b);
	if (rc == -1)
		batch_refused(b, why.msg);
	batch_timed(b);
	b->at = rc == 1 && b->part ? BATCH_LOST : BATCH_WRITE;
	return 0;
}

/* Its connection is gone, or there is more to ask for: when all that came by it
 * is written. Without another connection, what came is kept. */
static int
step_lost(struct pull_batch *b, struct err *err)
{
	(void)err;
	bodies_move(b, true);
	if (b->first != NULL)
		return 0;
	if (b->lost)
		pull_judge_loss(b);
	b->lost = false;
	if (sources_are_gone(b->p)) {
		b->blameless = true;
		b->at = BATCH_WRITE;
		return 0;
	}
	imap_cmd_release(&b->fetch.cmd);
	b->fetch = (struct imap_fetching){ .rows = 0 };
	b->source = NULL;
	b->at = BATCH_FETCH;
	return 0;
}

/* Also when the disk took no more: what is whole is kept. */
static int
step_write(struct pull_batch *b, struct err *err)
{
	(void)err;
	bodies_move(b, true);
	if (b->first == NULL)
		batch_post(b, BATCH_PAIR, b->p->pass.run->index_lane,
		    pull_pair_run);
	return 0;
}

static int
step_pair(struct pull_batch *b, struct err *err)
{
	int r = job_result(b, err);

	if (r == 1)
		batch_paired(b);
	return r == -1 ? -1 : 0;
}

static int
step_group(struct pull_batch *b, struct err *err)
{
	(void)err;
	if (b->p->grouping.fired)
		pull_group_post(b->p->pass.run);
	return 0;
}

static int
step_place(struct pull_batch *b, struct err *err)
{
	struct err why;

	switch (job_result(b, &why)) {
	case 1:
		batch_join(b, BATCH_RECORD, b->p->pass.run->index_lane,
		    pull_record_group);
		break;
	case -1:
		return batch_stop(b, &why, err);
	}
	return 0;
}

static int
step_record(struct pull_batch *b, struct err *err)
{
	int r = job_result(b, err);

	if (r != 1)
		return r;
	batch_count(b);
	if (b->write_err.kind != ERR_NONE)
		return batch_stop(b, &b->write_err, err);
	batch_clear(b);
	return 0;
}

static int (*const steps[])(struct pull_batch *, struct err *) = {
	[BATCH_FREE] = step_free, [BATCH_PICK] = step_pick,
	[BATCH_HEADERS] = step_headers, [BATCH_ALIKE] = step_alike,
	[BATCH_DISK] = step_disk,
	[BATCH_FETCH] = step_fetch, [BATCH_LOST] = step_lost,
	[BATCH_WRITE] = step_write, [BATCH_PAIR] = step_pair,
	[BATCH_GROUP] = step_group, [BATCH_PLACE] = step_place,
	[BATCH_RECORD] = step_record,
};

/* On at once where it came a step further: a FETCH that brought nothing leaves
 * no job behind that would wake us. */
static int
batch_step(struct pull_batch *b, struct err *err)
{
	enum batch_at before;

	do {
		before = b->at;
		if (steps[before](b, err) == -1)
			return -1;
	} while (b->at != before);
	return 0;
}

/* All bodies are written: disk and index do the rest without the server. */
static bool
has_all_bodies(const struct pull *p)
{
	int i;

	for (i = 0; i < PULL_BATCHES; i++)
		if (p->batch[i].at != BATCH_FREE &&
		    p->batch[i].at < BATCH_PAIR)
			return false;
	return p->end;
}

/* Whoever has the connection may go on with another folder. */
static void
free_line(struct pull *p)
{
	if (p->line_free || p->keeps_line ||
	    p->lost.kind != ERR_NONE)
		return;
	p->line_free = true;
	sources_end(p);
	task_wake(p->pass.task.parent);
}

/* What a free batch, or one that is asked for nowhere, begins with. */
static void
batch_begin(struct pull_batch *b, bool may_pick)
{
	struct pull *p = b->p;
	struct source *source;

	if (b->at == BATCH_FREE && !p->end && !p->picking && may_pick)
		batch_pick(b);
	if (b->at != BATCH_FETCH || b->fetch.cmd.task != NULL)
		return;
	if (sources_are_gone(p)) {
		b->at = BATCH_LOST;
		task_wake(&p->pass.task);
	} else if ((source = source_for(p)) != NULL) {
		batch_fetch(b, source);
	}
}

static void
tell_waiting_messages(struct pull *p)
{
	const unsigned long long n = p->waiting_for, files = p->unread.n;

	if (n == 0)
		return;
	report_folder_issue(p->pass.run, p->pass.folder, ITEM_UNSURE_PULL, n,
	    "%llu message%s not pulled: %llu file%s can't be read and may be "
	    "the same. If they are others, run sync --adopt", n, n == 1 ?
	    " was" : "s were", files, files == 1 ? "" : "s");
}

/* Those who go on with the folder do not see what is on disk alone. */
static enum task_result
pull_over(struct pull *p)
{
	tell_waiting_messages(p);
	if (p->lost.kind != ERR_NONE)
		return task_fail(&p->pass.task, &p->lost);
	if (p->stopped.kind != ERR_NONE)
		folder_fail(p->pass.run, p->pass.folder, &p->stopped);
	return TASK_DONE;
}

static enum task_result
pull_turn(struct task *t)
{
	struct pull *p = (struct pull *)t;
	int i, busy = 0, most = sources_batches(p);
	unsigned held = 0;

	for (i = 0; i < PULL_BATCHES; i++)
		if (batch_step(&p->batch[i], &t->err) == -1)
			return TASK_FAIL;
	for (i = 0; i < PULL_BATCHES; i++) {
		batch_begin(&p->batch[i], i < most);
		busy += p->batch[i].at != BATCH_FREE;
		held += p->batch[i].n_chunks;
	}
	sources_pause(p, held > CHUNKS_MOST);
	if (has_all_bodies(p))
		free_line(p);
	return busy > 0 ? task_wait(t, pull_turn) : pull_over(p);
}

/* Its own connection is cut; those that are lent can still be used. */
static void
pull_abort(struct task *t)
{
	struct pull *p = (struct pull *)t;

	pull_group_forget(p);
	sources_give_up(p);
	if (!p->line_free)
		conn_cut(p->pass.conn);
}

static void
leave_list(struct pull *p)
{
	struct pull **at = &p->pass.run->pulls;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
}

static void
pull_finish(struct task *t)
{
	struct pull *p = (struct pull *)t;
	int i;

	timer_stop(&p->grouping);
	pull_group_forget(p);
	sources_end(p);
	leave_list(p);
	unlooked_release(&p->unread);
	rewritten_release(&p->rewritten);
	for (i = 0; i < PULL_BATCHES; i++)
		batch_clear(&p->batch[i]);
	pass_end(&p->pass);
}

void
pull_start(struct conn *conn, struct folder *folder,
    struct pass_result *out)
{
	struct pull *p = xcalloc(1, sizeof(*p));
	int i;

	for (i = 0; i < PULL_BATCHES; i++)
		p->batch[i].p = p;
	p->scale = 1;
	p->late = folder->late;
	p->pass.task.finish = pull_finish;
	p->pass.folder = folder;
	p->pass.step = STEP_PULL;
	pass_start(&p->pass, conn, out, "pull", pull_turn);
	p->pass.task.abort = pull_abort;
	p->next = p->pass.run->pulls;
	p->pass.run->pulls = p;
	sources_begin(p, conn);
}

struct pull *
pull_find(struct run *run, const struct folder *f)
{
	struct pull *p;

	for (p = run->pulls; p != NULL && p->pass.folder != f; p = p->next)
		;
	return p;
}

bool
pull_line_is_free(const struct pull *p)
{
	return p->line_free;
}

void
pull_leave_behind(struct pull *p)
{
	p->left_behind = true;
}
