/*
 * Appends to the server what is new on disk. It comes after pull, so that what
 * the server has already was paired with its file by then.
 *
 *	index lane	pick	rows
 *	disk lane	read	fingerprint; fsync, for the server may depend on it;
 *				small messages stay in memory
 *	index lane	intend	contents and intents, durable before anything is sent
 *	server		APPEND	all in flight, bodies in order
 *	index lane	record	the UID where the server told it
 *
 * An APPEND whose answer was lost, or that came without a UID, keeps its intent
 * and is not repeated in this run: the next one looks first, and pairs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "mail/flags.h"
#include "push.h"

#define PUSH_BYTES	(16u << 20)	/* of a batch: all may be in vain */

static enum task_result push_picked(struct task *);
static enum task_result push_read(struct task *);
static enum task_result push_intended(struct task *);
static enum task_result push_sending(struct task *);
static enum task_result push_recorded(struct task *);

/* --- picking --- */

/* The rows of this batch: not too many bytes, for they may go in vain. */
static void
take_picked(struct push *p, int n)
{
	uint64_t bytes = 0, most = PUSH_BYTES;
	int i;

	/* Another folder's quota is reached, it may be this one's, too: then
	 * one message of that kind goes first, to see. */
	if (p->pass.a->over_quota > 0 && !p->fits && p->too_large == 0)
		most = p->pass.a->over_quota / 2;
	p->msg = xcalloc((size_t)n + 1, sizeof(*p->msg));
	for (i = 0; i < n && (i == 0 || bytes < most); i++) {
		p->msg[i].row = p->picked[i];
		bytes += (uint64_t)p->picked[i].place.hint.size;
	}
	p->n = i;
	if (i == n)
		return;
	p->pick.after = p->msg[i - 1].row.place.id;
	p->pick.end = false;
	picked_release(p->picked + i, n - i);
}

static int
mark_failed(struct push *p, struct err *err)
{
	int i, rc = 0;

	for (i = 0; i < p->n && rc != -1; i++)
		rc = failed_before(p->pass.a, &p->msg[i].row.place, ITEM_PUSH,
		    &p->msg[i].row.tries, &p->msg[i].waits, err);
	return rc == -1 ? -1 : 0;
}

/* A message that was appended without an answer: look before it is sent again. */
static int
drop_intended(struct push *p, struct err *err)
{
	struct index_intent open;
	int i, found = 0;

	for (i = 0; i < p->n && found != -1; i++) {
		struct pushed *m = &p->msg[i];

		found = index_intent_of(p->pass.a->ix, p->pass.box->row.id,
		    m->row.place.id, &open, err);
		if (found != 1)
			continue;
		m->row.verdict.ops = OP_NONE;
		m->altered = open.answered;
	}
	return found == -1 ? -1 : 0;
}

static int
pick_run(struct job *job)
{
	struct push *p = OWNER_OF(job, struct push, index_job);
	int n = pick_rows(p->pass.a->ix, &p->pick, p->picked, &job->err);

	if (n == -1)
		return -1;
	take_picked(p, n);
	return mark_failed(p, &job->err) == -1 ? -1 :
	    drop_intended(p, &job->err);
}

static enum task_result
push_pick(struct task *t)
{
	struct push *p = (struct push *)t;

	p->pick.max = p->probing ? 1 : PUSH_ROWS;
	p->index_job = (struct job){ .run = pick_run };
	lane_post(p->pass.a->index_lane, &p->index_job, t);
	return task_wait(t, push_picked);
}

static void
rows_release(struct push *p)
{
	int i;

	for (i = 0; i < p->n; i++) {
		picked_release(&p->msg[i].row, 1);
		free(p->msg[i].body);
		free(p->msg[i].failure);
		imap_cmd_release(&p->msg[i].append.cmd);
	}
	free(p->msg);
	p->msg = NULL;
	p->n = 0;
}

static enum task_result
push_next(struct push *p)
{
	rows_release(p);
	if (!p->pick.end)
		return task_next(&p->pass.task, push_pick);
	if (p->kept_back > 0)
		box_note(p->pass.a, p->pass.box, ITEM_PUSH, p->kept_back,
		    "%llu message%s not pushed: %s",
		    (unsigned long long)p->kept_back,
		    p->kept_back == 1 ? "" : "s", p->why);
	return TASK_DONE;
}

static enum task_result
push_picked(struct task *t)
{
	struct push *p = (struct push *)t;
	int i;

	if (!p->index_job.done)
		return task_wait(t, push_picked);
	if (p->index_job.result == -1)
		return task_fail(t, &p->index_job.err);
	if (p->pass.a->opt.dry_run) {
		for (i = 0; i < p->n; i++)
			account_done(p->pass.a, SYNC_PUSH, p->pass.box,
			    &p->msg[i].row.place, "");
		return push_next(p);
	}
	p->disk_job = (struct job){ .run = push_read_run };
	lane_post(p->pass.a->disk_lane, &p->disk_job, t);
	return task_wait(t, push_read);
}

/* --- intents --- */

/*
 * A file that another folder lost in the same run is a move by the user: its
 * keywords, which no file name carries, go along.
 */
static int
inherit_keywords(struct index *ix, struct pushed *m, struct err *err)
{
	char *words = NULL;
	struct verdict *v = &m->row.verdict;
	int rc = index_keywords_of_content(ix, m->row.place.content, &words,
	    err);

	if (rc == 1) {
		state_set(&m->row.place.local, true, m->row.place.local.flags,
		    words);
		free(v->remote_keywords);
		v->remote_keywords = words;
	}
	return rc == -1 ? -1 : 0;
}

/* By the name that stays when flags change. */
static int
record_failed(struct push *p, struct pushed *m, struct err *err)
{
	struct failure f = { ITEM_PUSH, "", m->refused };
	char *text = m->altered ? xasprintf("the server took %s but shows no "
	    "message like it; it is not sent again", m->row.place.unique) :
	    xasprintf("%s was not pushed: %s", m->row.place.unique,
	    m->failure);
	int rc;

	f.text = text;
	rc = record_failure(p->pass.a, p->pass.box, &m->row.place, &f, err);
	free(text);
	return rc;
}

static int
intend(struct push *p, struct pushed *m, struct err *err)
{
	struct index *ix = p->pass.a->ix;

	if (m->failure != NULL || m->altered)
		return record_failed(p, m, err);
	if (!m->ready)
		return 0;
	if (index_content_put(ix, &m->fp, &m->row.place.content, err) == -1 ||
	    inherit_keywords(ix, m, err) == -1 ||
	    index_place_put(ix, &m->row.place, err) == -1)
		return -1;
	m->intent = (struct index_intent){
		.folder = p->pass.box->row.id, .place = m->row.place.id,
		.uidvalidity = p->pass.box->row.uidvalidity,
		.uidnext = p->pass.box->row.uidnext,
		.content = m->row.place.content, .size = (uint32_t)m->fp.wire,
		.begun = clock_wall(),
	};
	return index_intent_put(ix, &m->intent, err);
}

static int
for_each_row(struct push *p, int (*f)(struct push *, struct pushed *,
    struct err *), struct err *err)
{
	struct index *ix = p->pass.a->ix;
	int i, rc = index_begin(ix, err);

	for (i = 0; i < p->n && rc == 0; i++)
		rc = f(p, &p->msg[i], err);
	return index_end(ix, rc, err);
}

static int
intend_run(struct job *job)
{
	return for_each_row(OWNER_OF(job, struct push, index_job), intend,
	    &job->err);
}

/* What the server is known not to take is not sent. */
static void
keep_back(struct push *p)
{
	int i;

	for (i = 0; i < p->n; i++) {
		struct pushed *m = &p->msg[i];

		if (!m->ready || (!p->closed && (p->too_large == 0 ||
		    m->fp.wire < p->too_large)))
			continue;
		m->ready = false;
		p->kept_back++;
	}
}

static enum task_result
push_read(struct task *t)
{
	struct push *p = (struct push *)t;

	if (!p->disk_job.done)
		return task_wait(t, push_read);
	if (p->disk_job.result == -1)
		return task_fail(t, &p->disk_job.err);
	keep_back(p);
	p->index_job = (struct job){ .run = intend_run };
	lane_post(p->pass.a->index_lane, &p->index_job, t);
	return task_wait(t, push_intended);
}

/* --- sending --- */

static void
append(struct push *p, struct pushed *m)
{
	struct imap_append_args args = {
		.raw = p->pass.box->row.raw, .size = (uint32_t)m->fp.wire,
		.flags = m->row.verdict.remote_flags,
		.keywords = m->row.verdict.remote_keywords, .date = m->date,
	};

	m->started = true;
	imap_append_start(p->pass.conn->session, &m->append, &p->pass.task, &args);
}

static enum task_result
push_intended(struct task *t)
{
	struct push *p = (struct push *)t;
	int i;

	if (!p->index_job.done)
		return task_wait(t, push_intended);
	if (p->index_job.result == -1)
		return task_fail(t, &p->index_job.err);
	for (i = 0; i < p->n; i++)
		if (p->msg[i].ready)
			append(p, &p->msg[i]);
	p->at = 0;
	return task_next(t, push_sending);
}

static int
piece_run(struct job *job)
{
	struct push *p = OWNER_OF(job, struct push, disk_job);
	struct pushed *m = &p->msg[p->at];
	struct maildir_message where = push_message(p, m);
	size_t left = m->append.size - m->append.fed;
	int64_t mtime;

	if (p->source == NULL && maildir_source_open(&p->pass.a->md, &where,
	    &p->source, &mtime, &job->err) == -1)
		return -1;
	p->piece_length = maildir_source_read(p->source, p->piece,
	    left < PUSH_PIECE ? left : PUSH_PIECE, &job->err);
	if (p->piece_length == 0)
		return err_set(&job->err, ERR_STALE, "%s became shorter while "
		    "it was sent", where.file);
	return p->piece_length > 0 ? 0 : -1;
}

/* Feeds a large message piece by piece. 0, or -1: the connection is given up. */
static int
feed_from_disk(struct push *p, struct pushed *m, struct err *err)
{
	if (p->reading) {
		if (!p->disk_job.done)
			return 0;
		p->reading = false;
		if (p->disk_job.result == -1) {
			*err = p->disk_job.err;
			imap_append_abandon(&m->append, err);
			return -1;
		}
		imap_append_feed(&m->append, p->piece, (size_t)p->piece_length);
	}
	if (m->append.fed == m->append.size ||
	    imap_session_unsent(p->pass.conn->session) > PUSH_PIECE)
		return 0;
	p->reading = true;
	p->disk_job = (struct job){ .run = piece_run };
	lane_post(p->pass.a->disk_lane, &p->disk_job, &p->pass.task);
	return 0;
}

static int
feed(struct push *p, struct pushed *m, struct err *err)
{
	if (!m->append.wants || m->append.fed == m->append.size)
		return 0;
	if (m->body == NULL)
		return feed_from_disk(p, m, err);
	imap_append_feed(&m->append, m->body, m->append.size);
	free(m->body);
	m->body = NULL;
	return 0;
}

/* The least that was refused in the account counts as soon as this folder,
 * which may have a quota of its own, refuses anything. */
static void
quota_reached(struct push *p, uint64_t size)
{
	uint64_t *least = &p->pass.a->over_quota;

	if (*least == 0 || size < *least)
		*least = size;
	p->too_large = *least;
}

/*
 * Over quota, what is smaller may still fit; refused for the folder's or the
 * account's sake, nothing will. Neither is the message's fault: it is tried
 * again by the next run, and so is one message of each other folder.
 */
static void
take_refusal(struct push *p, struct pushed *m, const struct err *err)
{
	enum imap_code_kind code = m->append.cmd.code;

	m->failure = xstrdup(err->msg);
	m->refused = true;
	m->blameless = is_folder_code(code) || p->pass.box->row.read_only;
	if (!m->blameless)
		return;
	p->kept_back++;
	if (p->why == NULL)
		p->why = xstrdup(err->msg);
	if (code != CODE_OVERQUOTA)
		p->closed = true;
	else
		quota_reached(p, m->fp.wire);
}

static void
take_reply(struct push *p, struct pushed *m, int rc, const struct err *err)
{
	uint32_t uid = 0;

	m->over = true;
	p->fits |= rc == 1 && m->fp.wire >= p->pass.a->over_quota;
	if (rc == -1)
		take_refusal(p, m, err);
	else if (m->append.cmd.code == CODE_APPENDUID &&
	    m->append.cmd.code_number == p->pass.box->row.uidvalidity &&
	    uidset_next(&m->append.cmd.code_uids, &uid))
		m->uid = uid;
	else
		p->unknown_uids = true;
}

/* Closes a source whose message is through. */
static void
source_done(struct push *p)
{
	if (p->reading)
		return;
	maildir_source_close(p->source);
	p->source = NULL;
}

static enum task_result
push_sending(struct task *t)
{
	struct push *p = (struct push *)t;
	struct err err = { .kind = ERR_NONE };
	int i, rc, open = 0;

	while (p->at < p->n) {
		struct pushed *m = &p->msg[p->at];

		/* What was refused early under LITERAL+ is fed all the same:
		 * the server was promised that many octets. */
		if (m->started && m->append.fed < m->append.size &&
		    (m->append.wants || !m->append.cmd.done)) {
			if (feed(p, m, &t->err) == -1)
				return TASK_FAIL;
			if (m->append.fed < m->append.size)
				break;
		}
		if (p->reading)
			break;
		source_done(p);
		p->at++;
	}
	for (i = 0; i < p->n; i++) {
		struct pushed *m = &p->msg[i];

		if (!m->started || m->over)
			continue;
		rc = imap_result(&m->append.cmd, &err);
		if (rc == -1 && err.kind != ERR_REFUSED)
			return task_fail(t, &err);
		if (rc == 0)
			open++;
		else
			take_reply(p, m, rc, &err);
	}
	if (open > 0 || p->reading)
		return task_wait(t, push_sending);
	p->probing = false;
	return task_next(t, push_recorded);
}

/* --- recording --- */

/* The server's copy may be known already, from a listing in between. */
static int
record_uid(struct push *p, struct pushed *m, struct err *err)
{
	struct index *ix = p->pass.a->ix;
	struct place *place = &m->row.place;
	struct place known;
	struct ability can;
	int found;

	found = index_place_by_uid(ix, place->folder, m->uid, &known, err);
	if (found == -1)
		return -1;
	if (found == 1 && known.id != place->id) {
		bool free_to_take = !known.local.present &&
		    !known.base_local.present;
		int rc = free_to_take ? index_place_drop(ix, known.id, err) : 0;

		place_release(&known);
		if (rc == -1 || !free_to_take)
			return rc;	/* recorded on the intent alone */
	} else if (found == 1) {
		place_release(&known);
	}
	/* Size and date as the server keeps them come with the next listing. */
	place->uid = m->uid;
	place->size = 0;
	place->date = 0;
	place->fetched = FETCHED_FULL;
	state_set(&place->remote, true, m->row.verdict.remote_flags,
	    m->row.verdict.remote_keywords);
	box_ability(p->pass.box, &can);
	reconcile_agree(place, &can);
	if (index_place_put(ix, place, err) == -1)
		return -1;
	return index_intent_drop(ix, m->intent.id, err);
}

static int
record(struct push *p, struct pushed *m, struct err *err)
{
	struct index *ix = p->pass.a->ix;
	const struct place *place = &m->row.place;

	if (!m->started)
		return 0;
	if (m->over && m->failure == NULL && m->uid == 0) {
		m->intent.answered = true;
		return index_intent_put(ix, &m->intent, err);
	}
	if (m->failure != NULL)
		return (m->blameless ? record_success(p->pass.a, place,
		    ITEM_PUSH, err) : record_failed(p, m, err)) == -1 ? -1 :
		    index_intent_drop(ix, m->intent.id, err);
	if (record_success(p->pass.a, place, ITEM_PUSH, err) == -1)
		return -1;
	return record_uid(p, m, err);
}

static int
record_run(struct job *job)
{
	return for_each_row(OWNER_OF(job, struct push, index_job), record,
	    &job->err);
}

static void
tell(struct push *p)
{
	int i;

	for (i = 0; i < p->n; i++) {
		struct pushed *m = &p->msg[i];

		if (m->over && m->failure == NULL)
			account_done(p->pass.a, SYNC_PUSH, p->pass.box,
			    &m->row.place, "");
	}
	p->done += (uint64_t)p->n;
	if (p->n > 0)
		account_progress(p->pass.a, p->pass.box, "pushing", p->done, 0);
}

static enum task_result
push_recorded(struct task *t)
{
	struct push *p = (struct push *)t;

	if (p->index_job.run != record_run) {
		p->index_job = (struct job){ .run = record_run };
		lane_post(p->pass.a->index_lane, &p->index_job, t);
	}
	if (!p->index_job.done)
		return task_wait(t, push_recorded);
	if (p->index_job.result == -1)
		return task_fail(t, &p->index_job.err);
	tell(p);
	return push_next(p);
}

static void
push_finish(struct task *t)
{
	struct push *p = (struct push *)t;

	if (p->unknown_uids)
		p->pass.box->look_again = true;
	maildir_source_close(p->source);
	rows_release(p);
	free(p->why);
	pass_end(&p->pass);
}

void
push_start(struct conn *conn, struct box *box,
    struct pass_result *out)
{
	struct push *p = xcalloc(1, sizeof(*p));

	p->pick = (struct pick){
		.box = box, .ops = OP_PUSH,
		.expunge = conn->a->conf->expunge,
	};
	p->probing = box->row.read_only;
	p->pass.task.finish = push_finish;
	p->pass.box = box;
	pass_start(&p->pass, conn, out, "push", push_pick);
}
