/*
 * Brings the server's new messages to disk.
 *
 * Batches of dirty rows are picked, fetched and delivered, some of them in
 * flight so that line, disk and index do not wait for each other. A batch goes
 * through these hands, in order:
 *
 *	index lane	pick	which rows, and how large
 *	server		FETCH	bodies arrive in pieces
 *	disk lane	write	pieces into tmp/, fingerprint, date
 *	index lane	judge	a file of this folder that nobody knows has the
 *				same content: that is the message already
 *	pull_group.c		batches of small folders wait for each other
 *	sync lane	place	sync, rename, sync
 *	index lane	record	rows and base, in one transaction
 *
 * Bodies are checked before they count: asked for, present, whole, and of the
 * size that the listing gave (design section 11). What is wrong with one is
 * remembered with its row and stops nothing else.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "apply/pull.h"
#include "mail/flags.h"

/* Of the smallest batch. They grow as long as they come fast: a sync costs the
 * same for few and for many, but what is not recorded is lost with the line. */
#define PULL_BYTES	(8u << 20)	/* by RFC822.SIZE */
#define PULL_BYTES_0	(512u << 10)	/* while the line is measured: scale 0 */
#define PULL_SCALE	4
#define PULL_FAST	3000		/* ms */
#define PULL_SLOW	10000

static enum task_result pull_turn(struct task *);

/* --- picking, on the index lane --- */

int
pulled_by_uid(const void *a, const void *b)
{
	const struct pulled *x = a, *y = b;

	return (x->row.place.uid > y->row.place.uid) -
	    (x->row.place.uid < y->row.place.uid);
}

/* As many of the picked as make up a batch; the others are picked again. */
static void
take_picked(struct pull_batch *b, struct picked *picked, int n)
{
	uint64_t bytes = 0, most = b->scale == 0 ? PULL_BYTES_0 :
	    (uint64_t)b->scale * PULL_BYTES;
	int i;

	b->msg = xcalloc((size_t)n + 1, sizeof(*b->msg));
	for (i = 0; i < n && (i == 0 || bytes < most); i++) {
		/* What failed before is asked for alone: it may be why others
		 * with it did not come. */
		if (i > 0 && (picked[i].tries > 0 || picked[0].tries > 0))
			break;
		b->msg[i].row = picked[i];
		bytes += picked[i].place.size;
	}
	b->n = i;
	if (i < n) {
		b->pick.after = b->msg[i - 1].row.place.id;
		b->pick.end = false;
		picked_release(picked + i, n - i);
	}
	if (b->n > 0)
		qsort(b->msg, (size_t)b->n, sizeof(*b->msg), pulled_by_uid);
}

static int
pick_run(struct job *job)
{
	struct pull_batch *b = OWNER_OF(job, struct pull_batch, job);
	struct picked *picked = xcalloc((size_t)b->pick.max, sizeof(*picked));
	int n = pick_rows(b->p->pass.a->ix, &b->pick, picked, &job->err);

	if (n != -1)
		take_picked(b, picked, n);
	free(picked);
	return n == -1 ? -1 : 0;
}

/* --- judging, placing, recording --- */

/*
 * What the server made of a message that we appended and it altered: for our
 * own open uploads alone, an equal Message-ID behind the UIDs that were there
 * before is enough (design section 3).
 */
static int
join_upload(struct index *ix, const struct index_intent *in,
    const struct pulled *m, struct place *p, struct err *err)
{
	struct index_content sent;
	struct place known;
	int rc, found;

	if (p->uid < in->uidnext || m->fp.message_id[0] == '\0')
		return 0;
	found = index_content_by_id(ix, in->content, &sent, err);
	if (found != 1 || strcmp(sent.message_id, m->fp.message_id) != 0)
		return found == -1 ? -1 : 0;
	found = index_place_by_id(ix, in->place, &known, err);
	if (found != 1)
		return found;
	rc = 0;
	if (known.folder == p->folder && known.local.present &&
	    known.uid == 0 && !known.base_local.present) {
		p->content = in->content;
		rc = join_known(ix, p, &known, err) == -1 ||
		    index_intent_drop(ix, in->id, err) == -1 ? -1 : 1;
	}
	place_release(&known);
	return rc;
}

/* Uploads that wait to show themselves. */
struct open_uploads {
	struct index_intent *v;
	size_t n;
};

static int
join_uploads(struct pull_batch *b, const struct pulled *m,
    struct open_uploads *open, struct place *p, struct err *err)
{
	struct index *ix = b->p->pass.a->ix;
	size_t i;
	int found = 0;

	for (i = 0; i < open->n && found == 0; i++)
		found = join_upload(ix, &open->v[i], m, p, err);
	return found;
}

static int
judge(struct pull_batch *b, struct pulled *m, struct open_uploads *open,
    struct err *err)
{
	struct index *ix = b->p->pass.a->ix;
	struct place *p = &m->row.place;
	int found;

	if (!m->got)
		return 0;
	if (index_content_put(ix, &m->fp, &p->content, err) == -1)
		return -1;
	found = join_local(ix, p, err);
	if (found == 0)
		found = join_uploads(b, m, open, p, err);
	m->paired = found == 1;
	return found == -1 ? -1 : 0;
}

static int
pair_run(struct job *job)
{
	struct pull_batch *b = OWNER_OF(job, struct pull_batch, job);
	struct index *ix = b->p->pass.a->ix;
	int64_t folder = b->p->pass.folder->row.id;
	struct open_uploads open = { .n = 0 };
	bool unpaired = false;
	int i, rc;

	if (index_has_unpaired(ix, folder, &unpaired, &job->err) == -1 ||
	    index_intents(ix, folder, &open.v, &open.n, &job->err) == -1)
		return -1;
	/* As in a first pull: no transaction for what can't be. */
	if (!unpaired && open.n == 0) {
		free(open.v);
		return 0;
	}
	rc = index_begin(ix, &job->err);
	for (i = 0; i < b->n && rc == 0; i++)
		rc = judge(b, &b->msg[i], &open, &job->err);
	free(open.v);
	return index_end(ix, rc, &job->err);
}

/* What is not to be placed goes. NULL: nothing of the batch came so far. */
static struct maildir_batch *
sort_out(struct pull_batch *b)
{
	int i;

	bodies_drop_open(b);
	for (i = 0; i < b->n; i++) {
		struct pulled *m = &b->msg[i];

		if (m->delivery != NULL && (!m->got || m->paired)) {
			maildir_deliver_drop(m->delivery);
			m->delivery = NULL;
		}
	}
	return b->store;
}

/* Batches of several folders that wait together cost no more syncs than one. */
static void
place_group(struct job **job, int n)
{
	struct maildir_commit commit[LANE_GROUP];
	struct job *of[LANE_GROUP];
	size_t i, used = 0;
	int k;

	for (k = 0; k < n; k++) {
		struct maildir_batch *store = sort_out(OWNER_OF(job[k],
		    struct pull_batch, job));

		of[used] = job[k];
		if (store != NULL)
			commit[used++].batch = store;
	}
	maildir_batches_commit(commit, used);
	for (i = 0; i < used; i++) {
		of[i]->result = commit[i].result;
		if (commit[i].result == -1)
			of[i]->err = commit[i].err;
	}
}

/*
 * Nothing came for it. Once, it may have been expunged meanwhile, and the next
 * listing tells; when it is listed and still does not come, the user is told.
 */
static int
record_missing(struct pull_batch *b, struct pulled *m, struct err *err)
{
	struct failure f = { ITEM_PULL, "", true };
	char *text = NULL;
	int rc;

	if (m->row.tries > 0 || (b->refused != NULL && b->n == 1))
		f.text = text = b->refused != NULL ? xasprintf("message with "
		    "UID %u was not pulled: %s", m->row.place.uid, b->refused) :
		    xasprintf("message with UID %u was not pulled: the server "
		    "lists it, but sends no body for it", m->row.place.uid);
	rc = record_failure(b->p->pass.a, b->p->pass.folder, &m->row.place, &f,
	    err);
	free(text);
	return rc;
}

static int
record_failed(struct pull_batch *b, struct pulled *m, struct err *err)
{
	struct failure f = { ITEM_PULL, "", true };
	char *text = xasprintf("message with UID %u was not pulled: %s",
	    m->row.place.uid, m->failure);
	int rc;

	f.text = text;
	rc = record_failure(b->p->pass.a, b->p->pass.folder, &m->row.place, &f,
	    err);
	free(text);
	return rc;
}

static int
record(struct pull_batch *b, struct pulled *m, struct err *err)
{
	struct index *ix = b->p->pass.a->ix;
	struct place *p = &m->row.place;
	struct maildir_name name;
	struct ability can;

	if (m->failure != NULL)
		return record_failed(b, m, err);
	if (!m->got)
		return b->write_err.kind != ERR_NONE || b->blameless ? 0 :
		    record_missing(b, m, err);
	if (!m->paired) {
		if (index_content_put(ix, &m->fp, &p->content, err) == -1)
			return -1;
		p->file = xstrdup(maildir_delivery_file(m->delivery,
		    &p->in_new));
		if (!maildir_name_parse(p->file, &name))
			return err_set(err, ERR_IO, "impossible file name %s",
			    p->file);
		p->unique = span_dup(name.unique);
		state_set(&p->local, true, m->row.verdict.local_flags,
		    m->row.verdict.local_keywords);
		p->fetched = FETCHED_FULL;
		p->hint = *maildir_delivery_hint(m->delivery);
	}
	folder_ability(b->p->pass.folder, &can);
	reconcile_agree(p, &can);
	if (index_place_put(ix, p, err) == -1)
		return -1;
	return record_success(b->p->pass.a, p, ITEM_PULL, err);
}

static int
record_batch(struct pull_batch *b, struct err *err)
{
	struct account *a = b->p->pass.a;
	int i, rc = 0;

	for (i = 0; i < b->n && rc == 0; i++)
		rc = record(b, &b->msg[i], err);
	if (rc == 0 && b->store != NULL)
		rc = observe_local_ours(a->ix, &a->md, &b->p->pass.folder->row,
		    err);
	return rc;
}

/* In one transaction; if it fails, the account can't go on. */
static void
record_group(struct job **job, int n)
{
	struct pull_batch *b = OWNER_OF(job[0], struct pull_batch, job);
	struct index *ix = b->p->pass.a->ix;
	struct err err = { .kind = ERR_NONE };
	int k, rc = index_begin(ix, &err);

	for (k = 0; k < n && rc == 0; k++)
		rc = record_batch(OWNER_OF(job[k], struct pull_batch, job),
		    &err);
	rc = index_end(ix, rc, &err);
	for (k = 0; k < n; k++) {
		job[k]->result = rc;
		job[k]->err = err;
	}
}

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
	b->job = (struct job){ .run_group = place_group };
	if (!pull_group_add(b))
		batch_join(b, BATCH_PLACE, b->p->pass.a->sync_lane,
		    place_group);
}

static void
batch_pick(struct pull_batch *b)
{
	struct pull *p = b->p;

	p->picking = true;
	b->scale = imap_session_measures(p->pass.conn->session) ? 0 : p->scale;
	b->pick = (struct pick){
		.folder = p->pass.folder, .ops = OP_PULL,
		.max = b->scale == 0 ? SYNC_ROWS : (int)b->scale * SYNC_ROWS,
		.expunge = p->pass.a->conf->expunge, .after = p->after,
		.failed = ITEM_PULL, .account = p->pass.a,
	};
	batch_post(b, BATCH_PICK, p->pass.a->index_lane, pick_run);
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
batch_picked(struct pull_batch *b)
{
	struct pull *p = b->p;
	int i;

	for (i = 0; i < b->n; i++)
		p->keeps_line |= has_flags_to_push(&b->msg[i].row);
	p->picking = false;
	p->after = b->pick.after;
	p->end |= b->pick.end;
	not_pulled(p, b->pick.skipped);
	b->at = b->n > 0 ? BATCH_FETCH : BATCH_FREE;
	if (b->n == 0)
		free(b->msg);
	if (b->n == 0)
		b->msg = NULL;
}

/* What came before the connection was lost is not asked for again. */
static bool
is_awaited(const struct pulled *m)
{
	return !m->got && m->failure == NULL && m->delivery == NULL;
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
	for (i = 0; i < b->n; i++) {
		if (!is_awaited(&b->msg[i]))
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

/* Dry run: the batch is told and forgotten. */
static void
batch_tell(struct pull_batch *b)
{
	int i;

	for (i = 0; i < b->n; i++)
		report_done(b->p->pass.a, SYNC_PULL, b->p->pass.folder,
		    &b->msg[i].row.place, "");
}

static void
batch_count(struct pull_batch *b)
{
	struct account *a = b->p->pass.a;
	uint64_t missing = 0;
	int i;

	for (i = 0; i < b->n; i++) {
		struct pulled *m = &b->msg[i];

		if (!m->got)
			not_pulled(b->p, m->row.place.uid);
		missing += !m->got && m->failure == NULL;
		if (m->got && !m->paired)
			report_done(a, SYNC_PULL, b->p->pass.folder,
			    &m->row.place, "");
	}
	if (b->refused != NULL && missing > 0 && (b->n > 1 || b->blameless)) {
		b->p->not_given += missing;
		report_folder_issue(a, b->p->pass.folder, ITEM_PULL,
		    b->p->not_given, "%llu message%s not pulled: %s",
		    (unsigned long long)b->p->not_given, b->p->not_given == 1 ?
		    "" : "s", b->refused);
	}
	b->p->done += (uint64_t)b->n;
	report_progress(a, b->p->pass.folder, "pulling", b->p->done,
	    b->p->pass.folder->dirty);
}

/* After everything of it came to rest; the loop's or finish's call. */
static void
batch_clear(struct pull_batch *b)
{
	int i;

	bodies_clear(b);
	for (i = 0; i < b->n; i++) {
		picked_release(&b->msg[i].row, 1);
		free(b->msg[i].failure);
	}
	free(b->msg);
	b->msg = NULL;
	free(b->refused);
	b->refused = NULL;
	b->n = 0;
	b->blameless = false;
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

/* Bodies are still coming, or have all been handed over. */
static int
batch_fetching(struct pull_batch *b, struct err *err)
{
	int rc;

	if (b->fetch.cmd.task == NULL)
		return 0;
	rc = imap_result(&b->fetch.cmd, err);
	bodies_move(b, rc != 0);
	if (rc == 0)
		return 0;
	if (rc == -1 && err->kind != ERR_REFUSED) {
		source_lost(b->p, b->source, err);
		err->kind = ERR_NONE;
		b->at = BATCH_LOST;
		return 0;
	}
	/* A refused FETCH leaves its rows dirty; what came of it counts. */
	if (rc == -1) {
		b->refused = xstrdup(err->msg);
		b->blameless = is_folder_code(b->fetch.cmd.code);
		b->p->end |= b->blameless;
		if (b->blameless)
			not_pulled(b->p, UINT32_MAX);
		err->kind = ERR_NONE;
	}
	batch_timed(b);
	b->at = BATCH_WRITE;
	return 0;
}

/* Its connection is gone: when all that came by it is written, another one is
 * asked for the rest. Without another one, what came is kept. */
static void
batch_lost(struct pull_batch *b)
{
	bodies_move(b, true);
	if (b->first != NULL)
		return;
	if (sources_are_gone(b->p)) {
		b->blameless = true;
		b->at = BATCH_WRITE;
		return;
	}
	imap_cmd_release(&b->fetch.cmd);
	b->fetch = (struct imap_fetching){ .rows = 0 };
	b->source = NULL;
	b->at = BATCH_FETCH;
}

/* The disk can't take it. 0: that is the folder's alone, which is left. */
static int
batch_stop(struct pull_batch *b, const struct err *why, struct err *err)
{
	struct pull *p = b->p;

	if (!is_folder_error(why)) {
		*err = *why;
		return -1;
	}
	p->end = true;
	not_pulled(p, UINT32_MAX);
	p->stopped = *why;
	batch_clear(b);
	return 0;
}

/* Takes one batch as far as it goes now. -1: the account can't go on. */
static int
batch_step(struct pull_batch *b, struct err *err)
{
	struct account *a = b->p->pass.a;

	if (b->at == BATCH_FETCH && batch_fetching(b, err) == -1)
		return -1;
	if (b->at == BATCH_LOST)
		batch_lost(b);
	/* At once when it came to its end: a FETCH that brought nothing leaves no
	 * job behind that would wake us. */
	if (b->at == BATCH_WRITE) {
		bodies_move(b, true);
		if (b->first != NULL)
			return 0;
		/* Also when the disk took no more: what is whole is kept. */
		batch_post(b, BATCH_PAIR, a->index_lane, pair_run);
	}
	if (b->at == BATCH_GROUP && b->p->grouping.fired)
		pull_group_post(a);
	if (b->at == BATCH_FREE || b->at == BATCH_FETCH ||
	    b->at == BATCH_LOST || !b->job.done)
		return 0;
	if (b->job.result == -1 && b->at == BATCH_PLACE)
		return batch_stop(b, &b->job.err, err);
	if (b->job.result == -1) {
		*err = b->job.err;
		return -1;
	}
	switch (b->at) {
	case BATCH_PICK:
		batch_picked(b);
		if (b->at == BATCH_FETCH && a->opt.dry_run) {
			batch_tell(b);
			batch_clear(b);
		}
		break;
	case BATCH_PAIR:
		batch_paired(b);
		break;
	case BATCH_PLACE:
		batch_join(b, BATCH_RECORD, a->index_lane, record_group);
		break;
	case BATCH_RECORD:
		batch_count(b);
		if (b->write_err.kind != ERR_NONE)
			return batch_stop(b, &b->write_err, err);
		batch_clear(b);
		break;
	case BATCH_FREE:
	case BATCH_FETCH:
	case BATCH_LOST:
	case BATCH_WRITE:
	case BATCH_GROUP:
		assert(false);		/* no job is done there */
	}
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
	if (p->pass.out->line_free || p->keeps_line ||
	    p->lost.kind != ERR_NONE)
		return;
	p->pass.out->line_free = true;
	sources_end(p);
	task_wake(p->pass.task.parent);
}

static enum task_result
pull_turn(struct task *t)
{
	struct pull *p = (struct pull *)t;
	int i, busy = 0, most = sources_batches(p);
	struct source *source;
	unsigned held = 0;

	for (i = 0; i < PULL_BATCHES; i++)
		if (batch_step(&p->batch[i], &t->err) == -1)
			return TASK_FAIL;
	for (i = 0; i < PULL_BATCHES; i++) {
		struct pull_batch *b = &p->batch[i];

		if (b->at == BATCH_FREE && !p->end && !p->picking && i < most)
			batch_pick(b);
		if (b->at == BATCH_FETCH && b->fetch.cmd.task == NULL &&
		    sources_are_gone(p)) {
			b->at = BATCH_LOST;
			task_wake(t);
		}
		busy += b->at != BATCH_FREE;
		if (b->at == BATCH_FETCH && b->fetch.cmd.task == NULL &&
		    (source = source_for(p)) != NULL)
			batch_fetch(b, source);
		held += b->n_chunks;
	}
	sources_pause(p, held > CHUNKS_MOST);
	if (has_all_bodies(p))
		free_line(p);
	/* Those who go on with the folder do not see what is on disk alone. */
	if (busy == 0 && p->lost.kind != ERR_NONE)
		return task_fail(t, &p->lost);
	if (busy == 0 && p->stopped.kind != ERR_NONE)
		folder_fail(p->pass.a, p->pass.folder, &p->stopped);
	return busy > 0 ? task_wait(t, pull_turn) : TASK_DONE;
}

/* Its own connection is cut; the helpers' can still be used. */
static void
pull_abort(struct task *t)
{
	struct pull *p = (struct pull *)t;

	pull_group_forget(p);
	sources_give_up(p);
	if (!p->pass.out->line_free)
		conn_cut(p->pass.conn);
}

static void
pull_finish(struct task *t)
{
	struct pull *p = (struct pull *)t;
	int i;

	timer_stop(&p->grouping);
	pull_group_forget(p);
	sources_end(p);
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
	p->pass.task.finish = pull_finish;
	p->pass.folder = folder;
	pass_start(&p->pass, conn, out, "pull", pull_turn);
	p->pass.task.abort = pull_abort;
	sources_begin(p, conn);
}
