/*
 * Takes bodies from the server into the attic, in pieces, whatever their size.
 * They are put together to chunks on the loop, which the disk lane writes.
 */
#include <stdlib.h>
#include <string.h>

#include "apply/remove_keep.h"
#include "base/mem.h"

#define CHUNK_BYTES	(256u << 10)
#define CHUNK_PIECES	4096
#define CHUNKS_MOST	8	/* held; then the socket is paused */
#define EMPTY_MOST	2	/* octets of a message that may come empty */

enum keep_piece_kind { KEEP_BEGIN, KEEP_DATA, KEEP_END, KEEP_ROW };

struct keep_piece {
	enum keep_piece_kind kind;
	uint32_t uid;		/* KEEP_ROW: whose body came before it */
	size_t length;		/* KEEP_DATA */
};

struct keep_chunk {
	struct job job;
	struct keeping *k;
	struct keep_chunk *next;
	struct buf data;
	struct keep_piece *piece;
	size_t n, cap;
};

/* --- arriving, on the loop --- */

static bool
takes_more(const struct keep_chunk *c)
{
	return c != NULL && !c->job.posted && !c->job.done &&
	    c->data.len < CHUNK_BYTES && c->n < CHUNK_PIECES;
}

static struct keep_chunk *
open_chunk(struct keeping *k)
{
	struct keep_chunk *c;

	if (takes_more(k->last))
		return k->last;
	c = xcalloc(1, sizeof(*c));
	c->k = k;
	buf_init(&c->data, 2 * CHUNK_BYTES);
	if (k->last != NULL)
		k->last->next = c;
	else
		k->first = c;
	k->last = c;
	k->n_chunks++;
	task_wake(&k->r->pass.task);
	return c;
}

static struct keep_piece *
add_piece(struct keeping *k, enum keep_piece_kind kind)
{
	struct keep_chunk *c = open_chunk(k);
	struct keep_piece *piece = VEC_ADD(c->piece, c->n, c->cap);

	piece->kind = kind;
	return piece;
}

static void
keep_begin(void *arg, uint32_t uid, uint32_t size)
{
	(void)uid;
	(void)size;
	add_piece(arg, KEEP_BEGIN);
}

static void
keep_data(void *arg, const void *data, size_t n)
{
	struct keeping *k = arg;
	const char *p = data;

	while (n > 0) {
		size_t part = n < CHUNK_BYTES ? n : CHUNK_BYTES;

		add_piece(k, KEEP_DATA)->length = part;
		buf_add(&k->last->data, p, part);
		p += part;
		n -= part;
	}
}

static void
keep_end(void *arg)
{
	add_piece(arg, KEEP_END);
}

static void
keep_row(void *arg, const struct imap_fetch *f)
{
	add_piece(arg, KEEP_ROW)->uid = f->uid;
}

struct imap_sink
keep_sink(struct keeping *k)
{
	return (struct imap_sink){
		.arg = k, .row = keep_row, .body_begin = keep_begin,
		.body_data = keep_data, .body_end = keep_end,
	};
}

/* --- writing, on the disk lane --- */

static void
keep_drop_open(struct keeping *k)
{
	if (k->open != NULL)
		maildir_deliver_drop(k->open);
	k->open = NULL;
	k->open_ended = false;
}

/* An empty one under a size is what servers forge for what they can't read. */
static bool
is_forged(const struct keeping *k, const struct kept *m)
{
	return k->open_octets == 0 && m->d->p.place.size > EMPTY_MOST;
}

static int
keep_take_row(struct keeping *k, uint32_t uid, struct err *err)
{
	const struct kept key = { .uid = uid };
	struct kept *m = bsearch(&key, k->v, (size_t)k->n, sizeof(*k->v),
	    kept_by_uid);
	struct maildir_delivery *body = k->open;

	if (m == NULL || m->kept || m->failure != NULL || body == NULL ||
	    !k->open_ended || is_forged(k, m)) {
		keep_drop_open(k);
		return 0;
	}
	m->fp = k->open_fp;
	k->open = NULL;
	k->open_ended = false;
	return keep_check(k, m, body, err);
}

static int
keep_take_piece(struct keeping *k, const struct keep_piece *piece,
    const unsigned char *data, struct err *err)
{
	switch (piece->kind) {
	case KEEP_BEGIN:
		keep_drop_open(k);
		k->open_octets = 0;
		return maildir_deliver_begin(k->store, &k->open, err);
	case KEEP_DATA:
		k->open_octets += piece->length;
		return k->open == NULL || k->open_ended ? 0 :
		    maildir_deliver_data(k->open, data, piece->length, err);
	case KEEP_END:
		if (k->open == NULL)
			return 0;
		k->open_ended = true;
		return maildir_deliver_end(k->open, &k->open_fp, err);
	case KEEP_ROW:
		return keep_take_row(k, piece->uid, err);
	}
	return 0;
}

static int
keep_chunk_run(struct job *job)
{
	struct keep_chunk *c = OWNER_OF(job, struct keep_chunk, job);
	struct keeping *k = c->k;
	const unsigned char *data = c->data.data;
	size_t i;

	for (i = 0; i < c->n && k->write_err.kind == ERR_NONE; i++) {
		if (keep_take_piece(k, &c->piece[i], data, &k->write_err) == -1)
			keep_drop_open(k);
		if (c->piece[i].kind == KEEP_DATA)
			data += c->piece[i].length;
	}
	return 0;
}

/* --- from the one to the other --- */

static void
keep_chunk_free(struct keep_chunk *c)
{
	buf_release(&c->data);
	free(c->piece);
	free(c);
}

bool
keep_move(struct keeping *k, bool all)
{
	struct removing *r = k->r;
	struct keep_chunk *c;

	for (c = k->first; c != NULL; c = c->next) {
		if (c->job.posted || c->job.done || (!all && takes_more(c)))
			continue;
		c->job.run = keep_chunk_run;
		lane_post(r->pass.run->disk_lane, &c->job, &r->pass.task);
	}
	while ((c = k->first) != NULL && c->job.done) {
		k->first = c->next;
		if (k->first == NULL)
			k->last = NULL;
		k->n_chunks--;
		keep_chunk_free(c);
	}
	if (r->pass.conn->session != NULL)
		imap_session_pause(r->pass.conn->session,
		    k->n_chunks > CHUNKS_MOST);
	return k->first == NULL;
}

void
keep_clear(struct keeping *k)
{
	struct keep_chunk *c;

	while ((c = k->first) != NULL) {
		k->first = c->next;
		keep_chunk_free(c);
	}
	k->last = NULL;
	k->n_chunks = 0;
}
