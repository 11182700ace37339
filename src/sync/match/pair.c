/*
 * Pairs unknown files with unknown UIDs of one folder, before anything is
 * transferred: match step 2 of design section 3. This one mechanism serves
 * adoption of a Maildir, a lost index, a new UIDVALIDITY and an APPEND without
 * an answer.
 *
 *	(digest.c	unknown files are read, their contents recorded)
 *	server		headers of unknown messages of a fitting size
 *	index lane	equal header, size and Message-ID: the same message
 *
 * What is not certain that way is downloaded by pull, and compared there.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/pick.h"
#include "match/match.h"
#include "observe/headers.h"

struct candidate {
	struct picked row;
	size_t header;		/* of pair.headers, plus 1; 0: not asked for */
};

struct pair {
	struct pass pass;
	struct pick pick;
	struct picked picked[SYNC_ROWS];
	struct candidate *msg;
	int n;
	uint64_t *size;	/* canonical ones of the unknown files, sorted */
	size_t n_size;
	struct headers headers;
};

static enum task_result pair_sized(struct task *);
static enum task_result pair_messages(struct task *);
static enum task_result pair_messages_picked(struct task *);
static enum task_result pair_headers(struct task *);
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

static enum task_result
pair_messages_picked(struct task *t)
{
	struct pair *p = (struct pair *)t;
	int i;

	for (i = 0; i < p->n; i++) {
		struct candidate *c = &p->msg[i];

		if (c->row.place.content != 0 ||
		    !size_fits(p, c->row.place.size))
			continue;
		headers_add(&p->headers, c->row.place.uid, 0);
		c->header = p->headers.n;
	}
	if (p->headers.n == 0)
		return task_next(t, pair_headers);
	headers_ask(&p->headers, p->pass.conn->session, t);
	return imap_wait(t, &p->headers.fetch.cmd, pair_headers);
}

/* Another message of the server looks the same: nobody knows which is it. */
static bool
has_double(const struct pair *pair, const struct candidate *c)
{
	const struct header *h = &pair->headers.v[c->header - 1];
	int i;

	for (i = 0; i < pair->n; i++) {
		const struct candidate *o = &pair->msg[i];

		if (o != c && o->header != 0 &&
		    o->row.place.size == c->row.place.size &&
		    memcmp(pair->headers.v[o->header - 1].fp.head, h->fp.head,
		    32) == 0)
			return true;
	}
	return false;
}

/* The content that a message must have by its header. 1, 0, -1. */
static int
content_of(struct pair *pair, struct candidate *c, struct err *err)
{
	struct index *ix = pair->pass.run->ix;
	struct place *p = &c->row.place;
	struct fingerprint fp;
	uint64_t body;
	int found;

	if (p->content != 0)
		return 1;		/* it was here before */
	if (c->header == 0 || !pair->headers.v[c->header - 1].got ||
	    has_double(pair, c))
		return 0;
	fp = pair->headers.v[c->header - 1].fp;
	if (p->size < fp.wire)
		return 0;
	body = p->size - fp.wire;
	fp.size += body;
	fp.first_size += body;
	found = index_content_by_head(ix, p->folder, &fp, &p->content, err);
	if (found != 0)
		return found;
	fp.size += 2;	/* the file's last line may have had no end */
	fp.first_size += 2;
	return index_content_by_head(ix, p->folder, &fp, &p->content, err);
}

static int
join_work(struct pass *pass, struct err *err)
{
	struct pair *p = (struct pair *)pass;
	struct index *ix = pass->run->ix;
	struct ability can;
	int i, rc = index_begin(ix, err);

	folder_ability(pass->folder, &can);
	for (i = 0; i < p->n && rc != -1; i++) {
		struct place *place = &p->msg[i].row.place;

		rc = content_of(p, &p->msg[i], err);
		if (rc == 1)
			rc = join_local(ix, place, err);
		if (rc != 1)
			continue;
		reconcile_agree(place, &can);
		rc = index_place_put(ix, place, err);
	}
	return index_end(ix, rc, err);
}

/* What was refused is downloaded by pull, and compared there. */
static enum task_result
pair_headers(struct task *t)
{
	struct pair *p = (struct pair *)t;

	return pass_job(&p->pass, join_work, pair_joined);
}

static enum task_result
pair_joined(struct task *t)
{
	struct pair *p = (struct pair *)t;

	pair_release_rows(p);
	headers_release(&p->headers);
	return p->pick.end ? TASK_DONE : task_next(t, pair_messages);
}

static void
pair_finish(struct task *t)
{
	struct pair *p = (struct pair *)t;

	pair_release_rows(p);
	headers_release(&p->headers);
	free(p->size);
	pass_end(&p->pass);
}

void
pair_start(struct conn *conn, struct folder *folder, struct pass_result *out)
{
	struct pair *p = xcalloc(1, sizeof(*p));

	p->pass.folder = folder;
	p->pass.task.finish = pair_finish;
	pass_start(&p->pass, conn, out, "pair", pair_begin);
}
