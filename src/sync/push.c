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
#include "internal.h"
#include "mail/flags.h"

#define PUSH_ROWS	100
#define PUSH_MEMORY	(4u << 20)	/* of a batch's bodies */
#define PIECE		(128u << 10)

struct pushed {
	struct picked row;
	struct fingerprint fp;
	int64_t date;
	bool ready;		/* may be sent */
	bool gone;		/* it moved meanwhile: the next scan tells */
	bool altered;		/* the server took it in an earlier run, and shows
				   nothing like it */
	unsigned char *body;	/* wire form; NULL: read again while sending */
	struct index_intent intent;
	struct imap_append append;
	bool started, over;
	uint32_t uid;
	char *failure;
};

struct push {
	struct pass pass;
	struct pick pick;
	struct picked picked[PUSH_ROWS];
	struct pushed *msg;
	int n;
	struct job index_job, disk_job;
	/* While sending: which one is fed, and from where. */
	int at;
	struct maildir_source *source;
	unsigned char piece[PIECE];
	ssize_t piece_length;
	bool reading;
	uint64_t done;
	bool unknown_uids;	/* the folder wants another look */
};

static enum task_result push_picked(struct task *);
static enum task_result push_read(struct task *);
static enum task_result push_intended(struct task *);
static enum task_result push_sending(struct task *);
static enum task_result push_recorded(struct task *);

static struct maildir_message
message_of(struct push *p, struct pushed *m)
{
	return (struct maildir_message){
		p->pass.box->row.path, m->row.place.in_new, m->row.place.file,
	};
}

/* --- picking --- */

/* A message that was appended without an answer: look before it is sent again. */
static int
drop_intended(struct push *p, struct err *err)
{
	struct index_intent *v;
	size_t n, i;
	int k;

	if (index_intents(p->pass.a->ix, p->pass.box->row.id, &v, &n,
	    err) == -1)
		return -1;
	for (k = 0; k < p->n; k++)
		for (i = 0; i < n; i++)
			if (v[i].place == p->msg[k].row.place.id) {
				p->msg[k].row.verdict.ops = OP_NONE;
				p->msg[k].altered = v[i].answered;
			}
	free(v);
	return 0;
}

static int
pick_run(struct job *job)
{
	struct push *p = OWNER_OF(job, struct push, index_job);
	int i, n = pick_rows(p->pass.a->ix, &p->pick, p->picked, &job->err);

	if (n == -1)
		return -1;
	p->msg = xcalloc((size_t)n + 1, sizeof(*p->msg));
	for (i = 0; i < n; i++)
		p->msg[i].row = p->picked[i];
	p->n = n;
	return drop_intended(p, &job->err);
}

static enum task_result
push_pick(struct task *t)
{
	struct push *p = (struct push *)t;

	p->pick.max = PUSH_ROWS;
	p->index_job = (struct job){ .run = pick_run };
	lane_post(p->pass.a->index_lane, &p->index_job, t);
	return task_wait(t, push_picked);
}

/* --- reading, on the disk lane --- */

/* Of the very bytes that are sent: somebody may have edited the file since. */
static void
digest_body(struct pushed *m, size_t size)
{
	struct fingerprinter *f = fingerprint_new();

	fingerprint_add(f, m->body, size);
	fingerprint_end(f, &m->fp);
}

static int
load(struct maildir_source *s, struct pushed *m, struct err *err)
{
	size_t at = 0, size = (size_t)m->fp.wire;
	ssize_t got;

	m->body = xmalloc(size + 1);
	while (at < size) {
		got = maildir_source_read(s, m->body + at, size - at, err);
		if (got <= 0)
			break;
		at += (size_t)got;
	}
	if (at == size && maildir_source_read(s, m->body + at, 1, err) == 0) {
		digest_body(m, size);
		return 0;
	}
	free(m->body);
	m->body = NULL;
	if (err->kind == ERR_NONE)
		err_set(err, ERR_STALE, "it changed while it was read");
	return -1;
}

/* Why this message will never go, or NULL. */
static const char *
unsendable(const struct fingerprint *fp)
{
	if (fp->wire == 0)
		return "the file is empty";
	if (fp->has_nul)
		return "it holds a NUL byte, which IMAP can't carry";
	if (fp->wire > LIMIT_MESSAGE)
		return "it is larger than IMAP can carry (4 GiB)";
	if (fp->partial)
		return "it is a partial message (X-Mailtern-Partial)";
	return NULL;
}

/* durable: it is; else it has to be made so. */
static int
prepare(struct push *p, struct pushed *m, bool durable, size_t *memory,
    struct err *err)
{
	struct maildir *md = &p->pass.a->md;
	struct maildir_message where = message_of(p, m);
	struct maildir_source *s = NULL;
	const char *why;
	int rc = -1;

	if (maildir_fingerprint(md, &where, &m->fp, &m->date, err) == -1)
		return -1;
	why = unsendable(&m->fp);
	if (why != NULL)
		return err_set(err, ERR_REFUSED, "%s", why);
	if (maildir_source_open(md, &where, &s, &m->date, err) == -1 ||
	    (!durable && maildir_source_sync(s, err) == -1))
		goto done;
	if (*memory + m->fp.wire <= PUSH_MEMORY) {
		if (load(s, m, err) == -1)
			goto done;
		*memory += m->fp.wire;
	}
	m->ready = true;
	rc = 0;
done:
	maildir_source_close(s);
	return rc;
}

static int
read_run(struct job *job)
{
	struct push *p = OWNER_OF(job, struct push, disk_job);
	size_t memory = 0;
	bool durable;
	int i;

	durable = maildir_sync_many(&p->pass.a->md, p->pass.box->row.path,
	    (size_t)p->n);
	for (i = 0; i < p->n; i++) {
		struct pushed *m = &p->msg[i];
		struct err err = { .kind = ERR_NONE };

		if (m->row.verdict.ops != OP_PUSH ||
		    prepare(p, m, durable, &memory, &err) == 0)
			continue;
		if (err.kind == ERR_STALE)
			m->gone = true;
		else
			m->failure = xstrdup(err.msg);
	}
	return 0;
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
	return p->pick.end ? TASK_DONE : task_next(&p->pass.task, push_pick);
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
	p->disk_job = (struct job){ .run = read_run };
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

static int
intend(struct push *p, struct pushed *m, struct err *err)
{
	struct index *ix = p->pass.a->ix;

	if (m->failure != NULL)
		return record_failure(ix, &m->row.place, FAILED_PUSH,
		    m->failure, err);
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

static enum task_result
push_read(struct task *t)
{
	struct push *p = (struct push *)t;

	if (!p->disk_job.done)
		return task_wait(t, push_read);
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
	imap_append_start(p->pass.a->session, &m->append, &p->pass.task, &args);
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
	struct maildir_message where = message_of(p, m);
	size_t left = m->append.size - m->append.fed;
	int64_t mtime;

	if (p->source == NULL && maildir_source_open(&p->pass.a->md, &where,
	    &p->source, &mtime, &job->err) == -1)
		return -1;
	p->piece_length = maildir_source_read(p->source, p->piece,
	    left < PIECE ? left : PIECE, &job->err);
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
	    imap_session_unsent(p->pass.a->session) > PIECE)
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

static void
take_reply(struct push *p, struct pushed *m, int rc, const struct err *err)
{
	uint32_t uid = 0;

	m->over = true;
	if (rc == -1)
		m->failure = xasprintf("the server refused it: %s", err->msg);
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
		return record_failure(ix, place, FAILED_PUSH, m->failure,
		    err) == -1 ? -1 : index_intent_drop(ix, m->intent.id, err);
	if (index_failure_drop(ix, place->folder, place->id, FAILED_PUSH,
	    err) == -1)
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

		if (m->altered)
			account_note(p->pass.a, "%s: the server took %s but "
			    "shows no message like it; it is not sent again",
			    p->pass.box->row.name, m->row.place.file);
		else if (m->failure != NULL)
			account_note(p->pass.a, "%s: %s was not pushed: %s",
			    p->pass.box->row.name, m->row.place.file,
			    m->failure);
		else if (m->over)
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
	pass_end(&p->pass);
}

void
push_start(struct account *a, struct box *box,
    struct pass_result *out)
{
	struct push *p = xcalloc(1, sizeof(*p));

	p->pick = (struct pick){
		.box = box, .ops = OP_PUSH, .expunge = a->conf->expunge,
	};
	p->pass.task.finish = push_finish;
	p->pass.box = box;
	pass_start(&p->pass, a, out, "push", push_pick);
}
