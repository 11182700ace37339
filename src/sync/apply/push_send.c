/*
 * Sends the uploads of a pass, in the order in which they were started. One
 * APPEND carries several messages where the server takes that (MULTIAPPEND): it
 * is one transaction there. All or none of them is taken, so what is refused
 * goes once more, each message by itself, to see which one it is about. But
 * first the folder is asked for its UIDNEXT: not every server keeps to that.
 * Where it has grown, the messages are in doubt, like those whose answer was
 * lost.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "core/loss.h"
#include "mail/flags.h"
#include "mail/uidset.h"
#include "apply/push.h"

#define GROUP_ROWS	100
#define GROUPS_REFUSED	3	/* of a run; then each goes by itself */
#define WINDOW_REFUSED	10	/* in flight, once a group was refused */
#define UNSENT_MOST	(2 * PUSH_PIECE)
#define REFUSALS_MOST	8	/* in a row; then flags are not at fault */
#define STRIP_MOST	(1u << 20)	/* octets of a message that is sent once
					   more without its flags */

struct upload {
	struct upload *prev, *next;	/* of push::waiting or uploads */
	struct push_batch *batch;
	struct imap_append append;
	struct pushed *msg[GROUP_ROWS];
	size_t n;
	struct err refusal;	/* of a group: */
	bool looking;		/* has it left something behind? */
	struct imap_uidnext look;
};

/* --- starting --- */

static struct upload *
upload_new(struct push_batch *b, struct pushed *m)
{
	struct upload *u = xcalloc(1, sizeof(*u));

	u->batch = b;
	u->msg[u->n++] = m;
	return u;
}

static void
upload_start(struct push *p, struct upload *u)
{
	struct imap_append_message message[GROUP_ROWS];
	struct imap_append_args args = {
		.raw = p->pass.folder->row.raw, .message = message, .n = u->n,
	};
	size_t i;

	for (i = 0; i < u->n; i++) {
		const struct pushed *m = u->msg[i];

		message[i] = (struct imap_append_message){
			.size = (uint32_t)m->fp.wire, .date = m->date,
			.flags = m->row.verdict.remote_flags,
			.keywords = m->row.verdict.remote_keywords,
		};
	}
	DL_APPEND(p->uploads, u);
	p->in_flight++;
	if (p->feeding == NULL)
		p->feeding = u;
	imap_append_start(p->pass.conn->session, &u->append, &p->pass.task,
	    &args);
}

static void
take_message(struct push *p, struct upload *u, struct pushed *m)
{
	m->over = true;
	u->batch->open--;
	p->fits |= m->failure == NULL && m->fp.wire >= p->pass.run->over_quota;
}

/* What the server is known by now not to take is not sent. */
static void
leave_out(struct push *p, struct upload *u)
{
	size_t i, n = 0;

	for (i = 0; i < u->n; i++) {
		struct pushed *m = u->msg[i];

		if (!push_keeps_back(p, m)) {
			u->msg[n++] = m;
			continue;
		}
		m->failure = xstrdup(p->why);
		m->blameless = true;
		p->kept_back++;
		take_message(p, u, m);
	}
	u->n = n;
}

static void
start_waiting(struct push *p)
{
	struct upload *u;

	while (p->in_flight < p->window && (u = p->waiting) != NULL) {
		DL_DELETE(p->waiting, u);
		leave_out(p, u);
		if (u->n > 0)
			upload_start(p, u);
		else
			free(u);
	}
}

/* What failed before would spoil it for others; what is not in memory may be
 * gone when its turn comes. */
static bool
may_join(const struct push *p, const struct pushed *m)
{
	return m->body != NULL && m->row.tries == 0 && !p->probing &&
	    p->pass.run->over_quota == 0 &&
	    p->pass.run->groups_refused < GROUPS_REFUSED &&
	    imap_append_may_join(p->pass.conn->session, (uint32_t)m->fp.wire);
}

void
push_send(struct push *p, struct push_batch *b)
{
	struct upload *u = NULL;
	int i;

	for (i = 0; i < b->n; i++) {
		struct pushed *m = &b->msg[i];

		if (!m->ready)
			continue;
		m->started = true;
		b->open++;
		if (u != NULL && u->n < GROUP_ROWS && may_join(p, m) &&
		    may_join(p, u->msg[0])) {
			u->msg[u->n++] = m;
			continue;
		}
		if (u != NULL)
			DL_APPEND(p->waiting, u);
		u = upload_new(b, m);
	}
	if (u != NULL)
		DL_APPEND(p->waiting, u);
}

/* --- feeding --- */

static int
piece_run(struct job *job)
{
	struct push *p = OWNER_OF(job, struct push, piece_job);
	struct upload *u = p->feeding;
	struct maildir_message where = push_message(p, u->msg[u->append.at]);
	size_t left = u->append.size - u->append.fed;
	int64_t mtime;

	if (p->source == NULL && maildir_source_open(p->pass.run->md, &where,
	    &p->source, &mtime, &job->err) == -1)
		return -1;
	p->piece_length = maildir_source_read(p->source, p->piece,
	    left < PUSH_PIECE ? left : PUSH_PIECE, &job->err);
	if (p->piece_length == 0)
		return err_set(&job->err, ERR_STALE, "%s became shorter while "
		    "it was sent", where.file);
	return p->piece_length > 0 ? 0 : -1;
}

/* A piece was read. 0, or -1: the connection is given up. */
static int
feed_piece(struct push *p, struct upload *u, struct err *err)
{
	p->fetching = false;
	if (u->append.cmd.done)
		return 0;
	if (p->piece_job.result == -1) {
		*err = p->piece_job.err;
		imap_append_abandon(&u->append, err);
		return -1;
	}
	imap_append_feed(&u->append, p->piece, (size_t)p->piece_length);
	return 0;
}

static void
feed_more(struct push *p, struct upload *u)
{
	const struct pushed *m = u->msg[u->append.at];
	size_t left = u->append.size - u->append.fed;

	if (m->body != NULL) {
		imap_append_feed(&u->append, m->body + u->append.fed,
		    left < PUSH_PIECE ? left : PUSH_PIECE);
		return;
	}
	p->fetching = true;
	p->piece_job = (struct job){ .run = piece_run };
	lane_post(p->pass.run->disk_lane, &p->piece_job, &p->pass.task);
}

/* What was refused early under LITERAL+ is fed all the same: the server was
 * promised that many octets. */
static int
feed(struct push *p, struct err *err)
{
	struct upload *u;

	while ((u = p->feeding) != NULL) {
		if (p->fetching) {
			if (!p->piece_job.done)
				return 0;
			if (feed_piece(p, u, err) == -1)
				return -1;
		} else if (u->append.cmd.done || u->append.at == u->n) {
			maildir_source_close(p->source);
			p->source = NULL;
			p->feeding = u->next;
		} else if (!u->append.wants ||
		    imap_session_unsent(p->pass.conn->session) > UNSENT_MOST) {
			return 0;
		} else {
			feed_more(p, u);
		}
	}
	return 0;
}

/* --- refused for good --- */

/* The least that was refused in the account counts as soon as this folder,
 * which may have a quota of its own, refuses anything. */
static void
quota_reached(struct push *p, uint64_t size)
{
	uint64_t *least = &p->pass.run->over_quota;

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
take_refusal(struct push *p, struct pushed *m, enum imap_code_kind code,
    const struct err *err)
{
	m->failure = xstrdup(err->msg);
	m->refused = true;
	m->blameless = code_is_folder(code) || p->pass.folder->row.read_only;
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

/* --- refused, perhaps for its flags --- */

static bool
has_keywords(const struct verdict *v)
{
	return *v->remote_keywords != '\0' || (v->remote_flags & FLAG_PASSED);
}

/* A large one is not sent again and again. RFC 5530 tells LIMIT of the number
 * of keywords, too. */
static bool
may_strip(const struct push *p, const struct pushed *m,
    enum imap_code_kind code)
{
	const struct verdict *v = &m->row.verdict;

	if (p->refusals >= REFUSALS_MOST)
		return false;
	if (code == CODE_LIMIT)
		return has_keywords(v);
	if (code_is_passing(code) || code == CODE_TOOBIG)
		return false;
	return has_keywords(v) || (v->remote_flags != 0 &&
	    m->fp.wire <= STRIP_MOST);
}

/* Once more without keywords, or without anything. */
static void
send_stripped(struct push *p, struct upload *u)
{
	struct pushed *m = u->msg[0];
	struct verdict *v = &m->row.verdict;
	struct upload *again;

	v->remote_flags = has_keywords(v) ? v->remote_flags &
	    ~(unsigned)FLAG_PASSED : 0;
	*v->remote_keywords = '\0';
	again = upload_new(u->batch, m);
	DL_PREPEND(p->waiting, again);
}

/* --- answers --- */

/* The n-th UID is that of the n-th message. */
static void
take_uids(struct push *p, struct upload *u)
{
	const struct imap_cmd *cmd = &u->append.cmd;
	bool told = cmd->code == CODE_APPENDUID &&
	    cmd->code_number == p->pass.folder->row.uidvalidity;
	uint32_t uid = 0;
	size_t i;

	p->refusals = 0;
	for (i = 0; i < u->n; i++) {
		if (told && uidset_next(&cmd->code_uids, &uid)) {
			u->msg[i]->uid = uid;
		} else {
			p->unknown_uids = true;
			p->untold++;
		}
		take_message(p, u, u->msg[i]);
	}
	if (uid > p->highest)
		p->highest = uid;
}

/* Somebody else may have made the folder grow; that can't be told apart. */
static bool
has_grown(const struct push *p, const struct upload *u)
{
	uint64_t next = p->pass.folder->row.uidnext;

	if (next < (uint64_t)p->highest + 1)
		next = (uint64_t)p->highest + 1;
	return u->look.uidnext > next + p->untold;
}

/* It may be about one of them only. */
static void
send_singly(struct push *p, struct upload *u)
{
	struct run *run = p->pass.run;
	size_t i;

	if (u->append.cmd.status == IMAP_BAD)
		run->groups_refused = GROUPS_REFUSED;
	else
		run->groups_refused++;
	p->window = WINDOW_REFUSED;
	for (i = 0; i < u->n; i++) {
		struct upload *one = upload_new(u->batch, u->msg[i]);

		DL_APPEND(p->waiting, one);
	}
}

/* They keep their intents; the next run sends what it does not find, each
 * message by itself. */
static void
leave_in_doubt(struct push *p, struct upload *u)
{
	size_t i;

	for (i = 0; i < u->n; i++) {
		struct pushed *m = u->msg[i];

		m->failure = xstrdup(u->refusal.msg);
		m->doubtful = true;
		p->kept_back++;
		take_message(p, u, m);
	}
	if (p->why == NULL)
		p->why = xstrdup(u->refusal.msg);
	p->unknown_uids = true;
}

/* False: a group is looked after. */
static bool
take_refused(struct push *p, struct upload *u, const struct err *err)
{
	enum imap_code_kind code = u->append.cmd.code;
	size_t i;

	if (u->n > 1 && (code == CODE_OVERQUOTA || !code_is_folder(code))) {
		u->refusal = *err;
		u->looking = true;
		imap_uidnext_start(p->pass.conn->session, &u->look,
		    &p->pass.task, p->pass.folder->row.raw);
		return false;
	}
	p->refusals++;
	if (u->n == 1 && may_strip(p, u->msg[0], code)) {
		send_stripped(p, u);
		return true;
	}
	for (i = 0; i < u->n; i++) {
		take_refusal(p, u->msg[i], code, err);
		take_message(p, u, u->msg[i]);
	}
	return true;
}

static void
upload_release(struct push *p, struct upload *u)
{
	DL_DELETE(p->uploads, u);
	p->in_flight--;
	imap_cmd_release(&u->append.cmd);
	imap_cmd_release(&u->look.cmd);
	free(u);
}

/* 1: through with it; 0: not yet; -1: the connection is lost. */
static int
take_answer(struct push *p, struct upload *u, struct err *err)
{
	int rc = imap_result(u->looking ? &u->look.cmd : &u->append.cmd, err);

	if (rc == 0 || (rc == -1 && err->kind != ERR_REFUSED))
		return rc;
	if (!u->looking && rc == -1)
		return take_refused(p, u, err);
	if (!u->looking)
		take_uids(p, u);
	else if (rc == -1 || has_grown(p, u))	/* refused: not known */
		leave_in_doubt(p, u);
	else
		send_singly(p, u);
	return 1;
}

/* Of those that are looked after, or of the others. */
static int
take_some(struct push *p, bool looking, struct err *err)
{
	struct upload *u, *next;
	int rc;

	for (u = p->uploads; u != NULL; u = next) {
		struct err why = { .kind = ERR_NONE };

		next = u->next;
		if (u == p->feeding || u->looking != looking)
			continue;
		rc = take_answer(p, u, &why);
		if (rc == 1)
			upload_release(p, u);
		if (rc != -1)
			continue;
		*err = why;
		return -1;
	}
	return 0;
}

/*
 * The server was at the first that it had not answered. By the next run that is
 * sent alone; when it was alone already, and a connection lost at it before, it
 * is what the connections are lost at.
 */
static void
lose_upload(struct push *p, struct upload *u)
{
	const struct loss loss = {
		.asked = 1, .suspected = u->msg[0]->row.tries > 0,
		.alone = p->late && u->n == 1,
	};
	const bool first = u == p->uploads;
	const bool sent = u->append.at == u->n;	/* perhaps carried out */
	size_t i;

	for (i = 0; i < u->n; i++) {
		struct pushed *m = u->msg[i];

		m->suspect = first;
		m->in_doubt = sent;
		m->unsent = !sent;
		m->refused = first && loss_judge(&loss) == LOSS_PROVEN;
		m->failure = xstrdup("the connection is lost each time it is "
		    "sent");
		take_message(p, u, m);
	}
}

/* What was answered is recorded, what is left goes another time. */
static void
lose_uploads(struct push *p, const struct err *why)
{
	struct upload *u;

	p->lost = *why;
	p->pass.blamed = p->uploads != NULL;
	p->closed = p->pick.end = true;
	if (p->why == NULL)
		p->why = xstrdup(why->msg);
	DL_FOREACH(p->uploads, u)
		lose_upload(p, u);
	p->feeding = NULL;
	while ((u = p->uploads) != NULL)
		upload_release(p, u);
	start_waiting(p);
	task_wake(&p->pass.task);
}

/* What was answered before the look was counts when that is looked at. */
static int
take_answers(struct push *p, struct err *err)
{
	return take_some(p, false, err) == -1 ||
	    take_some(p, true, err) == -1 ? -1 : 0;
}

int
push_drive(struct push *p, struct err *err)
{
	struct err why;

	start_waiting(p);
	if (feed(p, err) == -1)
		return -1;
	/* The piece that is being read is of the upload in turn. */
	if (take_answers(p, &why) == -1 && !p->fetching)
		lose_uploads(p, &why);
	if (p->in_flight < p->window && p->waiting != NULL)
		task_wake(&p->pass.task);
	return 0;
}

void
push_send_release(struct push *p)
{
	struct upload *u;

	while ((u = p->waiting) != NULL) {
		DL_DELETE(p->waiting, u);
		free(u);
	}
	while ((u = p->uploads) != NULL)
		upload_release(p, u);
	maildir_source_close(p->source);
}
