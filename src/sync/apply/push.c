/*
 * Appends to the server what is new on disk. It comes after pull, so that what
 * the server has already was paired with its file by then.
 *
 *	index lane	pick	rows
 *	disk lane	read	fingerprint; fsync, for the server may depend
 *				on it; small messages stay in memory
 *	index lane	intend	contents and intents, durable before anything
 *				is sent
 *	server		APPEND	all in flight, bodies in order (push_send.c)
 *	index lane	record	what the server told (push_told.c)
 *
 * While one batch is sent the next one is read. What the index has to do is
 * done in one transaction: the intents of what was read, the record of what was
 * answered, and then the next pick.
 *
 * An APPEND whose answer was lost, or that came without a UID, keeps its intent
 * and is not repeated in this run: the next one looks first, and pairs. So does
 * one with a UID, until a row of it came.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "imap/quirks.h"
#include "mail/flags.h"
#include "match/copies.h"
#include "match/match.h"
#include "apply/push.h"

#define PUSH_BYTES	(4u << 20)	/* of a batch: all may be in vain */

static enum task_result push_go(struct task *);

/* --- picking --- */

/* The rows of the next batch: not too many bytes, for they may go in vain. */
static void
take_batch(struct push *p, int n)
{
	struct push_batch *b = &p->next;
	uint64_t bytes = 0;
	int i;

	b->msg = xcalloc((size_t)n + 1, sizeof(*b->msg));
	for (i = 0; i < n && (i == 0 || bytes < p->most); i++) {
		b->msg[i].row = p->picked[i];
		bytes += (uint64_t)p->picked[i].place.hint.size;
	}
	b->n = i;
	if (i == n)
		return;
	p->pick.after = b->msg[i - 1].row.place.id;
	p->pick.end = false;
	picked_release(p->picked + i, n - i);
}

static int
mark_failed(struct push *p, struct err *err)
{
	struct tries tries;
	int i, rc = 0;

	for (i = 0; i < p->next.n && rc != -1; i++) {
		struct pushed *m = &p->next.msg[i];

		rc = tries_of(p->pass.run, &m->row.place, ITEM_PUSH, &tries,
		    err);
		m->row.tries = tries.n;
		m->waits = tries.wait || (tries.n > 0) != p->late;
		p->put_off |= !p->late && tries.n > 0 && !tries.wait;
	}
	return rc == -1 ? -1 : 0;
}

/* What was found to be lacking in this run is sent again by the next. */
static bool
is_first_round(const struct run *run)
{
	return !run->merged && !run->undone;
}

/* Later on it may be this sync that has just sent it: the next one judges. */
static bool
is_from_before(const struct push *p)
{
	return is_first_round(p->pass.run) && !p->late &&
	    p->pass.run->past.attempts == 0;
}

/* Once. Without a UID it is lacking where none was given away since. */
static bool
may_go_again(const struct push *p, const struct index_intent *in)
{
	const struct folder *f = p->pass.folder;

	if (!is_from_before(p))
		return false;
	return in->told == TOLD_LACKING ||
	    (in->told == TOLD_NOTHING && in->answered && !in->again &&
	    f->observed && !f->unsettled && in->uidnext > 0 &&
	    in->uidvalidity == f->row.uidvalidity &&
	    in->uidnext == f->row.uidnext);
}

/* What was copied in this run is still to be seen. A message that was appended
 * without an answer: look before it is sent again. */
static int
drop_intended(struct push *p, struct err *err)
{
	struct index_intent open;
	int i, found = 0;

	for (i = 0; i < p->next.n && found != -1; i++) {
		struct pushed *m = &p->next.msg[i];

		if (copies_are_made_to(p->pass.run, m->row.place.id)) {
			m->row.verdict.ops = OP_NONE;
			continue;
		}
		found = index_intent_of(p->pass.run->ix, p->pass.folder->row.id,
		    m->row.place.id, &open, err);
		if (found != 1)
			continue;
		if (may_go_again(p, &open)) {
			m->intent = open;
			continue;
		}
		m->row.verdict.ops = OP_NONE;
		/* Not before it was looked for. */
		m->altered = open.answered && open.told != TOLD_LACKING &&
		    !p->pass.folder->look_again && is_from_before(p);
	}
	return found == -1 ? -1 : 0;
}

static int
pick(struct push *p, struct err *err)
{
	int n;

	if (!p->unlooked.known && (unlooked_settle(p->pass.run, p->pass.folder,
	    err) == -1 || unlooked_load(p->pass.run, p->pass.folder,
	    INDEX_REMOTE, &p->unlooked, err) == -1))
		return -1;
	n = pick_rows(&p->pick, p->picked, err);
	if (n == -1)
		return -1;
	take_batch(p, n);
	return mark_failed(p, err) == -1 ? -1 : drop_intended(p, err);
}

/* --- intents --- */

/*
 * A file that another folder lost in the same run is a move by the user: its
 * keywords, which no file name carries, go along.
 */
static int
inherit_keywords(struct push *p, struct pushed *m, struct err *err)
{
	struct index *ix = p->pass.run->ix;
	struct picked *row = &m->row;
	struct ability can;
	char *words = NULL;
	int rc = index_keywords_of_content(ix, row->place.content, &words, err);

	if (rc != 1)
		return rc;
	state_set(&row->place.local, true, row->place.local.flags, words);
	free(words);
	folder_ability(p->pass.folder, &can);
	verdict_release(&row->verdict);
	reconcile_message(&row->place, &can, false, &row->verdict);
	return 0;
}

/* By the name that stays when flags change. */
static int
record_unpushed(struct push *p, struct pushed *m, struct err *err)
{
	struct failure f = { ITEM_PUSH, "", m->refused };
	char *text;
	int rc;

	if (m->altered)
		return record_not_shown(p->pass.run, p->pass.folder,
		    &m->row.place, err);
	text = xasprintf("%s was not pushed: %s", m->row.place.unique,
	    m->failure);
	f.text = text;
	rc = record_failure(p->pass.run, p->pass.folder, &m->row.place, &f,
	    err);
	free(text);
	return rc;
}

static int
intend(struct push *p, struct pushed *m, struct err *err)
{
	struct index *ix = p->pass.run->ix;

	if (m->failure != NULL || m->altered)
		return record_unpushed(p, m, err);
	if (!m->ready)
		return 0;
	if (unlooked_may_be_file(&p->unlooked, &m->row.place, &m->fp)) {
		m->ready = false;
		p->waiting_for++;
		return 0;
	}
	if (index_content_put(ix, &m->fp, &m->row.place.content, err) == -1 ||
	    inherit_keywords(p, m, err) == -1 ||
	    index_place_put(ix, &m->row.place, err) == -1)
		return -1;
	m->intent = (struct index_intent){
		.id = m->intent.id, .again = m->intent.id != 0,
		.folder = p->pass.folder->row.id, .place = m->row.place.id,
		.uidvalidity = p->pass.folder->row.uidvalidity,
		.uidnext = folder_next_uid(p->pass.folder),
		.content = m->row.place.content, .size = (uint32_t)m->fp.wire,
		.begun = clock_wall(),
	};
	return index_intent_put(ix, &m->intent, err);
}

bool
push_keeps_back(const struct push *p, const struct pushed *m)
{
	return p->closed || (p->too_large > 0 && m->fp.wire >= p->too_large);
}

static void
keep_back(struct push *p, struct push_batch *b)
{
	int i;

	for (i = 0; i < b->n; i++) {
		struct pushed *m = &b->msg[i];

		if (!m->ready || !push_keeps_back(p, m))
			continue;
		m->ready = false;
		p->kept_back++;
	}
}

/* --- recording --- */

/* What was not sent whole is not there. */
static int
record_lost(struct push *p, struct pushed *m, struct err *err)
{
	int rc = 0;

	if (m->refused)
		rc = record_unpushed(p, m, err);
	else if (m->suspect)
		rc = record_suspect(p->pass.run, &m->row.place, ITEM_PUSH, err);
	return rc == -1 || m->in_doubt ? rc :
	    index_intent_drop(p->pass.run->ix, m->intent.id, err);
}

static int
record_pushed(struct push *p, struct pushed *m, struct err *err)
{
	struct index *ix = p->pass.run->ix;
	const struct place *place = &m->row.place;

	if (!m->started)
		return 0;
	if (p->lost.kind != ERR_NONE && (m->unsent || m->suspect ||
	    m->in_doubt))
		return record_lost(p, m, err);
	if (m->doubtful)
		return record_failure(p->pass.run, p->pass.folder, place,
		    &(struct failure){ ITEM_PUSH, "", false }, err);
	if (m->failure != NULL)
		return (m->blameless ? record_success(p->pass.run, place,
		    ITEM_PUSH, err) : record_unpushed(p, m, err)) == -1 ? -1 :
		    index_intent_drop(ix, m->intent.id, err);
	if (m->uid != 0 && record_success(p->pass.run, place, ITEM_PUSH,
	    err) == -1)
		return -1;
	p->stored++;
	return push_record_told(p, m, err) == -1 ? -1 : log_done(p->pass.run,
	    SYNC_PUSH, p->pass.folder, &(struct log_about){ .place = place },
	    err);
}

/* --- what the index does --- */

static int
work(struct push *p, const struct push_batch *b, struct err *err)
{
	int i, rc = 0;

	for (i = 0; i < b->n && rc == 0; i++) {
		if (b->record)
			rc = record_pushed(p, &b->msg[i], err);
		else if (b->intend)
			rc = intend(p, &b->msg[i], err);
	}
	return rc;
}

static int
index_run(struct job *job)
{
	struct push *p = OWNER_OF(job, struct push, index_job);
	struct index *ix = p->pass.run->ix;
	bool any = false;
	int i, rc = 0;

	for (i = 0; i < PUSH_BATCHES; i++)
		any |= p->batch[i].intend || p->batch[i].record;
	if (any) {
		rc = index_begin(ix, &job->err);
		for (i = 0; i < PUSH_BATCHES && rc == 0; i++)
			rc = work(p, &p->batch[i], &job->err);
		rc = index_end(ix, rc, &job->err);
	}
	return rc == 0 && p->picking ? pick(p, &job->err) : rc;
}

static void
tell(struct push *p, const struct push_batch *b)
{
	int i;

	for (i = 0; i < b->n; i++) {
		const struct pushed *m = &b->msg[i];

		if (m->over && m->failure == NULL)
			report_done(p->pass.run, SYNC_PUSH, p->pass.folder,
			    &m->row.place, "");
	}
	p->done += (uint64_t)b->n;
	if (b->n > 0)
		report_progress(p->pass.run, p->pass.folder, "pushing", p->done,
		    0);
}

static void
batch_release(struct push_batch *b)
{
	int i;

	for (i = 0; i < b->n; i++) {
		picked_release(&b->msg[i].row, 1);
		free(b->msg[i].body);
		free(b->msg[i].failure);
	}
	free(b->msg);
	*b = (struct push_batch){ .stage = PUSH_FREE };
}

/* --- the flow --- */

static struct push_batch *
batch_in(struct push *p, enum push_stage stage)
{
	int i;

	for (i = 0; i < PUSH_BATCHES; i++)
		if (p->batch[i].stage == stage)
			return &p->batch[i];
	return NULL;
}

static bool
is_answered(const struct push_batch *b)
{
	return b->stage == PUSH_SENT && b->open == 0;
}

static void
take_next(struct push *p)
{
	struct push_batch *b = batch_in(p, PUSH_FREE);

	*b = p->next;
	p->next = (struct push_batch){ .n = 0 };
	p->picking = false;
	if (b->n == 0)
		batch_release(b);
	else
		b->stage = PUSH_PICKED;
}

/* Its job is done. */
static void
take_index(struct push *p)
{
	int i;

	p->index_job.done = false;
	for (i = 0; i < PUSH_BATCHES; i++) {
		struct push_batch *b = &p->batch[i];

		if (b->record) {
			report_flush(p->pass.run);
			tell(p, b);
			batch_release(b);
			p->probing = false;
		} else if (b->intend) {
			b->intend = false;
			b->stage = PUSH_SENT;
			push_send(p, b);
		}
	}
	if (p->picking)
		take_next(p);
}

/*
 * Room for another batch, when those that were answered are recorded. Where one
 * message goes first to see, nothing goes beside it.
 */
static bool
may_pick(const struct push *p)
{
	bool alone = p->probing || p->pass.run->over_quota > 0;
	int i, busy = 0;

	for (i = 0; i < PUSH_BATCHES; i++)
		busy += p->batch[i].stage != PUSH_FREE &&
		    !is_answered(&p->batch[i]);
	return !p->pick.end && busy < (alone ? 1 : PUSH_BATCHES);
}

/* Records wait for the intents that come next, or for the last answer. */
static bool
must_record(struct push *p)
{
	bool answered = false, open = false;
	int i;

	for (i = 0; i < PUSH_BATCHES; i++) {
		answered |= is_answered(&p->batch[i]);
		open |= p->batch[i].open > 0;
	}
	return answered && !open && batch_in(p, PUSH_PICKED) == NULL;
}

static void
ask_index(struct push *p)
{
	int i;

	if (p->index_job.posted)
		return;
	p->picking = may_pick(p);
	if (!p->picking && batch_in(p, PUSH_READ) == NULL && !must_record(p))
		return;
	/* Another folder's quota is reached, it may be this one's, too: then
	 * one message of that kind goes first, to see. */
	p->most = p->pass.run->over_quota > 0 && !p->fits && p->too_large == 0 ?
	    p->pass.run->over_quota / 2 : PUSH_BYTES;
	p->pick.max = p->probing ? 1 : PUSH_ROWS;
	for (i = 0; i < PUSH_BATCHES; i++) {
		struct push_batch *b = &p->batch[i];

		b->record = is_answered(b);
		b->intend = b->stage == PUSH_READ;
		if (b->intend)
			keep_back(p, b);
	}
	p->index_job = (struct job){ .run = index_run };
	lane_post(p->pass.run->index_lane, &p->index_job, &p->pass.task);
}

static void
ask_disk(struct push *p)
{
	if (p->reading != NULL)
		return;
	p->reading = batch_in(p, PUSH_PICKED);
	if (p->reading == NULL)
		return;
	p->read_job = (struct job){ .run = push_read_run };
	lane_post(p->pass.run->disk_lane, &p->read_job, &p->pass.task);
}

/* 0, or -1 with the task's error. */
static int
take_jobs(struct push *p)
{
	struct task *t = &p->pass.task;

	if (p->reading != NULL && p->read_job.done) {
		if (p->read_job.result == -1)
			return task_fail(t, &p->read_job.err), -1;
		p->reading->stage = PUSH_READ;
		p->reading = NULL;
	}
	if (p->index_job.done) {
		if (p->index_job.result == -1)
			return task_fail(t, &p->index_job.err), -1;
		take_index(p);
	}
	return 0;
}

static bool
is_over(const struct push *p)
{
	int i;

	for (i = 0; i < PUSH_BATCHES; i++)
		if (p->batch[i].stage != PUSH_FREE)
			return false;
	return !p->index_job.posted && p->pick.end;
}

static void
push_late(struct push *p)
{
	p->put_off = false;
	p->late = true;
	p->window = 1;
	p->pick.after = 0;
	p->pick.end = false;
}

/* Perhaps the server never gives them: then the user has to say. */
static void
tell_waiting(struct push *p)
{
	const unsigned long long n = p->waiting_for;
	const char *were = n == 1 ? " was" : "s were";

	if (n > 0 && p->unlooked.n == 0)
		report_folder_issue(p->pass.run, p->pass.folder,
		    ITEM_UNSURE_PUSH, n, "%llu file%s not pushed: the server "
		    "does not list all its messages, which may be the same. If "
		    "they are others, run sync --adopt", n, were);
	else if (n > 0)
		report_folder_issue(p->pass.run, p->pass.folder,
		    ITEM_UNSURE_PUSH, n, "%llu file%s not pushed: the server "
		    "did not give %llu of its messages, which may be the same. "
		    "If they are others, run sync --adopt", n, were,
		    (unsigned long long)p->unlooked.n);
}

static void
tell_twins(struct push *p)
{
	const unsigned long long n = p->twins;

	if (n > 0)
		report_note(p->pass.run, "%s: %llu file%s a message that the "
		    "server has once and keeps no second time; %s stay%s here "
		    "as long as that does", p->pass.folder->row.name, n,
		    n == 1 ? " holds" : "s hold", n == 1 ? "it" : "they",
		    n == 1 ? "s" : "");
}

static enum task_result
push_go(struct task *t)
{
	struct push *p = (struct push *)t;

	if (take_jobs(p) == -1 || push_drive(p, &t->err) == -1)
		return TASK_FAIL;
	ask_disk(p);
	ask_index(p);
	if (!is_over(p))
		return task_wait(t, push_go);
	if (p->lost.kind != ERR_NONE)
		return task_fail(t, &p->lost);
	if (p->put_off) {
		push_late(p);
		return task_next(t, push_go);
	}
	if (p->kept_back > 0)
		report_folder_issue(p->pass.run, p->pass.folder, ITEM_PUSH,
		    p->kept_back, "%llu message%s not pushed: %s",
		    (unsigned long long)p->kept_back, p->kept_back == 1 ? "" :
		    "s", p->why);
	tell_waiting(p);
	tell_twins(p);
	return TASK_DONE;
}

static enum task_result
push_closed(struct task *t)
{
	struct push *p = (struct push *)t;

	switch (imap_result(&p->close, &t->err)) {
	case 0:
		return task_wait(t, push_closed);
	case -1:
		if (t->err.kind != ERR_REFUSED)
			return TASK_FAIL;
		t->err.kind = ERR_NONE;
	}
	return task_next(t, push_go);
}

static enum task_result
push_begin(struct task *t)
{
	struct push *p = (struct push *)t;
	struct imap_session *s = p->pass.conn->session;

	if (imap_quirk_on(s, QUIRK_APPEND_CLOSED) &&
	    imap_unselect_start(s, &p->close, t))
		return task_wait(t, push_closed);
	return task_next(t, push_go);
}

static void
push_finish(struct task *t)
{
	struct push *p = (struct push *)t;
	int i;

	imap_cmd_release(&p->close);
	if (p->unknown_uids || p->stored > 0)
		p->pass.folder->look_again = true;
	push_send_release(p);
	for (i = 0; i < PUSH_BATCHES; i++)
		batch_release(&p->batch[i]);
	batch_release(&p->next);
	free(p->why);
	unlooked_release(&p->unlooked);
	pass_end(&p->pass);
}

void
push_start(struct conn *conn, struct folder *folder,
    struct pass_result *out)
{
	struct push *p = xcalloc(1, sizeof(*p));

	p->pick = (struct pick){
		.run = conn->account->run, .folder = folder, .ops = OP_PUSH,
		.sends = true,
	};
	p->window = PUSH_WINDOW;
	p->probing = folder->row.read_only;
	p->pass.task.finish = push_finish;
	p->pass.folder = folder;
	p->pass.step = STEP_PUSH;
	pass_start(&p->pass, conn, out, "push", push_begin);
}
