/*
 * Pairs unknown files with unknown UIDs of one folder, before anything is
 * transferred: match step 2 of design section 3. This one mechanism serves
 * adoption of a Maildir, a lost index, a new UIDVALIDITY and an APPEND without
 * an answer.
 *
 *	(digest.c	unknown files are read, their contents recorded)
 *	server		small unknown messages of a fitting size, and drafts
 *	index lane	equal content: the same message
 *	server		headers of the others
 *	index lane	equal header, size and Message-ID, of one alone on
 *			either side: likely the same message
 *
 * What is not certain that way is downloaded by pull, and compared there. What
 * is likely is proven before anything is removed for it (apply/prove.c).
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/pick.h"
#include "mail/flags.h"
#include "match/match.h"
#include "observe/headers.h"

#define ASK_WHOLE	(8u << 10)	/* octets that cost little more than
					   their header */

struct candidate {
	struct picked row;
	/* Of pair.whole, of pair.headers, plus 1; 0: not asked for. */
	size_t whole, header;
};

/* A message that looks like a file of that content. */
struct look_alike {
	int64_t content, place;
};

struct pair {
	struct pass pass;
	struct pick pick;
	struct picked picked[SYNC_ROWS];
	struct candidate *msg;
	int n;
	uint64_t *size;	/* canonical ones of the unknown files, sorted */
	size_t n_size;
	struct headers headers, whole;
	/* Of all messages, for what a second one looks like, too, is not known
	 * by its looks. */
	struct look_alike *alike;
	size_t n_alike, cap_alike, at_alike;
};

static enum task_result pair_sized(struct task *);
static enum task_result pair_messages(struct task *);
static enum task_result pair_messages_picked(struct task *);
static enum task_result pair_whole(struct task *);
static enum task_result pair_ask_headers(struct task *);
static enum task_result pair_headers(struct task *);
static enum task_result pair_looked(struct task *);
static enum task_result pair_alike(struct task *);
static enum task_result pair_joined(struct task *);

static void
pair_release_rows(struct pair *p)
{
	int i;

	for (i = 0; i < p->n; i++)
		picked_release(&p->msg[i].row, 1);
	free(p->msg);
	p->msg = NULL;
	p->n = 0;
}

static int
pair_pick_work(struct pass *pass, struct err *err)
{
	struct pair *p = (struct pair *)pass;
	int i, n = pick_rows(&p->pick, p->picked, err);

	if (n == -1)
		return -1;
	p->msg = xcalloc((size_t)n + 1, sizeof(*p->msg));
	for (i = 0; i < n; i++)
		p->msg[i].row = p->picked[i];
	p->n = n;
	return 0;
}

static void
pick_messages(struct pair *p)
{
	p->pick = (struct pick){
		.run = p->pass.run, .folder = p->pass.folder, .ops = OP_PULL,
		.max = SYNC_ROWS,
	};
}

static int
sizes_work(struct pass *pass, struct err *err)
{
	struct pair *p = (struct pair *)pass;

	return index_unpaired_sizes(pass->run->ix, pass->folder->row.id,
	    &p->size, &p->n_size, err);
}

static enum task_result
pair_begin(struct task *t)
{
	return pass_job((struct pass *)t, sizes_work, pair_sized);
}

static enum task_result
pair_sized(struct task *t)
{
	struct pair *p = (struct pair *)t;

	if (p->n_size == 0)
		return TASK_DONE;	/* no unknown file to pair with */
	pick_messages(p);
	return task_next(t, pair_messages);
}

static enum task_result
pair_messages(struct task *t)
{
	return pass_job((struct pass *)t, pair_pick_work, pair_messages_picked);
}

/* A file whose canonical size could be that of a message with this wire size.
 * Where that is an estimate, only the body tells. */
static bool
size_fits(const struct pair *p, uint64_t wire)
{
	uint64_t from = wire > FIELDS_LEFT_OUT ? wire - FIELDS_LEFT_OUT : 0;
	size_t lo = 0, hi = p->n_size;

	if (p->pass.run->learned.sizes_inexact)
		return false;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->size[mid] < from)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < p->n_size && p->size[lo] <= wire + 2;
}

/* Where messages are often alike, or changed in place. */
static bool
wants_whole(const struct pair *p, const struct place *place)
{
	return place->size <= ASK_WHOLE ||
	    (place->remote.flags & FLAG_DRAFT) ||
	    p->pass.folder->listed.use == USE_DRAFTS;
}

static void
choose(struct pair *p, struct candidate *c)
{
	const struct place *place = &c->row.place;

	if (place->content != 0 || !size_fits(p, place->size))
		return;
	if (wants_whole(p, place)) {
		headers_add(&p->whole, place->uid, 0);
		c->whole = p->whole.n;
	} else {
		headers_add(&p->headers, place->uid, 0);
		c->header = p->headers.n;
	}
}

static enum task_result
pair_messages_picked(struct task *t)
{
	struct pair *p = (struct pair *)t;
	int i;

	for (i = 0; i < p->n; i++)
		choose(p, &p->msg[i]);
	if (p->whole.n == 0)
		return task_next(t, pair_whole);
	headers_ask_whole(&p->whole, p->pass.conn->session, t);
	return imap_wait(t, &p->whole.fetch.cmd, pair_whole);
}

/* --- by content --- */

/* What came whole is known from now on, whether a file has it or not. 1: it is
 * to be recorded; 0, -1. */
static int
pair_by_content(struct pair *pair, struct candidate *c, struct err *err)
{
	struct index *ix = pair->pass.run->ix;
	struct place *p = &c->row.place;
	const struct header *got;

	if (p->content != 0)
		return join_local(ix, p, err);	/* it was here before */
	if (c->whole == 0)
		return 0;
	got = &pair->whole.v[c->whole - 1];
	if (!got->got)
		return 0;
	if (index_content_put(ix, &got->fp, &p->content, err) == -1)
		return -1;
	return join_local(ix, p, err) == -1 ? -1 : 1;
}

static int
whole_work(struct pass *pass, struct err *err)
{
	struct pair *p = (struct pair *)pass;
	struct ability can;
	int i, rc = index_begin(pass->run->ix, err);

	folder_ability(pass->folder, &can);
	for (i = 0; i < p->n && rc != -1; i++) {
		struct place *place = &p->msg[i].row.place;

		rc = pair_by_content(p, &p->msg[i], err);
		if (rc != 1)
			continue;
		reconcile_agree(place, &can);
		rc = index_place_put(pass->run->ix, place, err);
	}
	return index_end(pass->run->ix, rc, err);
}

/* What was refused is downloaded by pull, and compared there. */
static enum task_result
pair_whole(struct task *t)
{
	return pass_job((struct pass *)t, whole_work, pair_ask_headers);
}

/* --- by header --- */

static enum task_result
pair_ask_headers(struct task *t)
{
	struct pair *p = (struct pair *)t;

	if (p->headers.n == 0)
		return task_next(t, pair_looked);
	headers_ask(&p->headers, p->pass.conn->session, t);
	return imap_wait(t, &p->headers.fetch.cmd, pair_headers);
}

/* The content of a file that looks like the message. 1, 0, -1. */
static int
alike_of(struct pair *pair, const struct candidate *c, int64_t *out,
    struct err *err)
{
	struct index *ix = pair->pass.run->ix;
	const struct place *p = &c->row.place;
	struct fingerprint fp;
	uint64_t body;
	int found;

	if (c->header == 0 || !pair->headers.v[c->header - 1].got)
		return 0;
	fp = pair->headers.v[c->header - 1].fp;
	if (p->size < fp.wire)
		return 0;
	body = p->size - fp.wire;
	fp.size += body;
	fp.first_size += body;
	found = index_content_by_head(ix, p->folder, &fp, out, err);
	if (found != 0)
		return found;
	fp.size += 2;	/* the file's last line may have had no end */
	fp.first_size += 2;
	return index_content_by_head(ix, p->folder, &fp, out, err);
}

static int
headers_work(struct pass *pass, struct err *err)
{
	struct pair *p = (struct pair *)pass;
	int64_t content = 0;
	int i, found;

	for (i = 0; i < p->n; i++) {
		found = alike_of(p, &p->msg[i], &content, err);
		if (found == -1)
			return -1;
		if (found == 1)
			*VEC_ADD(p->alike, p->n_alike, p->cap_alike) =
			    (struct look_alike){ content,
			    p->msg[i].row.place.id };
	}
	return 0;
}

static enum task_result
pair_headers(struct task *t)
{
	return pass_job((struct pass *)t, headers_work, pair_looked);
}

static int
by_content(const void *x, const void *y)
{
	const struct look_alike *a = x, *b = y;

	return (a->content > b->content) - (a->content < b->content);
}

static enum task_result
pair_looked(struct task *t)
{
	struct pair *p = (struct pair *)t;

	pair_release_rows(p);
	headers_release(&p->headers);
	headers_release(&p->whole);
	if (!p->pick.end)
		return task_next(t, pair_messages);
	if (p->n_alike == 0)
		return TASK_DONE;
	qsort(p->alike, p->n_alike, sizeof(*p->alike), by_content);
	return task_next(t, pair_alike);
}

/* --- what is likely --- */

/* Another message of the server looks the same: nobody knows which is it. */
static bool
has_double(const struct pair *p, size_t i)
{
	int64_t content = p->alike[i].content;

	return (i > 0 && p->alike[i - 1].content == content) ||
	    (i + 1 < p->n_alike && p->alike[i + 1].content == content);
}

/* An upload or a copy of ours that the server did not tell the UID of: nobody
 * but it can look like that. */
static int
is_own_upload(struct index *ix, const struct place *p, bool *out,
    struct err *err)
{
	struct index_intent *v;
	size_t n, i;

	*out = false;
	if (index_intents(ix, p->folder, &v, &n, err) == -1)
		return -1;
	for (i = 0; i < n; i++)
		*out |= v[i].content == p->content && p->uid >= v[i].uidnext;
	free(v);
	return 0;
}

/* A file that went from elsewhere to here has its message there, and pull tells
 * by the body whether this is another. */
static int
is_filed_here(struct index *ix, int64_t content, struct err *err)
{
	struct index_source from;
	int n = index_sources(ix, content, &from, 1, err);

	return n == 1 ? !from.on_disk : n;
}

/* 1: paired; 0, -1. */
static int
join_alike(struct pair *pair, const struct look_alike *a, struct place *p,
    struct err *err)
{
	struct index *ix = pair->pass.run->ix;
	bool other, own;
	int rc;

	if (!p->remote.present || p->local.present || p->content != 0)
		return 0;
	if (index_content_on_server(ix, a->content, p->folder, &other,
	    err) == -1)
		return -1;
	if (other)
		return 0;
	p->content = a->content;
	/* An upload that finds its file is none any more. */
	if (is_own_upload(ix, p, &own, err) == -1)
		return -1;
	rc = own ? 0 : is_filed_here(ix, a->content, err);
	if (rc != 0) {
		p->content = 0;
		return rc == 1 ? 0 : -1;
	}
	rc = join_local(ix, p, err);
	if (rc == 1)
		p->likely = !own;
	return rc;
}

static int
pair_one_alike(struct pair *pair, const struct look_alike *a,
    struct err *err)
{
	struct index *ix = pair->pass.run->ix;
	struct ability can;
	struct place p;
	int rc = index_place_by_id(ix, a->place, &p, err);

	if (rc != 1)
		return rc;
	rc = join_alike(pair, a, &p, err);
	if (rc == 1) {
		folder_ability(pair->pass.folder, &can);
		reconcile_agree(&p, &can);
		rc = index_place_put(ix, &p, err);
	}
	place_release(&p);
	return rc;
}

static int
alike_work(struct pass *pass, struct err *err)
{
	struct pair *p = (struct pair *)pass;
	size_t end = p->at_alike + SYNC_ROWS;
	int rc = index_begin(pass->run->ix, err);

	for (; p->at_alike < p->n_alike && p->at_alike < end && rc != -1;
	    p->at_alike++)
		if (!has_double(p, p->at_alike))
			rc = pair_one_alike(p, &p->alike[p->at_alike], err);
	return index_end(pass->run->ix, rc == -1 ? -1 : 0, err);
}

static enum task_result
pair_alike(struct task *t)
{
	return pass_job((struct pass *)t, alike_work, pair_joined);
}

static enum task_result
pair_joined(struct task *t)
{
	struct pair *p = (struct pair *)t;

	return p->at_alike == p->n_alike ? TASK_DONE :
	    task_next(t, pair_alike);
}

static void
pair_finish(struct task *t)
{
	struct pair *p = (struct pair *)t;

	pair_release_rows(p);
	headers_release(&p->headers);
	headers_release(&p->whole);
	free(p->alike);
	free(p->size);
	pass_end(&p->pass);
}

void
pair_start(struct conn *conn, struct folder *folder, struct pass_result *out)
{
	struct pair *p = xcalloc(1, sizeof(*p));

	p->pass.folder = folder;
	p->pass.step = STEP_PAIR;
	p->pass.task.finish = pair_finish;
	pass_start(&p->pass, conn, out, "pair", pair_begin);
}
