/*
 * Takes bodies from the server to disk. Pieces that arrive on the loop are put
 * together to chunks, which the disk lane writes into tmp/. What a body is
 * worth is checked when its row names it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "apply/pull.h"

#define CHUNK_BYTES	(256u << 10)	/* from the loop to the disk lane */

/* --- arriving, on the loop --- */

static struct pulled *
find_pulled(struct pull_batch *b, uint32_t uid)
{
	struct pulled key = { .row.place.uid = uid };

	return b->n == 0 ? NULL : bsearch(&key, b->msg, (size_t)b->n,
	    sizeof(*b->msg), pulled_by_uid);
}

static struct chunk *
chunk_open(struct pull_batch *b)
{
	struct chunk *c = b->last;

	if (c != NULL && !c->job.posted && !c->job.done &&
	    c->data.len < CHUNK_BYTES && c->n < 4096)
		return c;
	c = xcalloc(1, sizeof(*c));
	c->b = b;
	buf_init(&c->data, 2 * CHUNK_BYTES);
	if (b->last != NULL)
		b->last->next = c;
	else
		b->first = c;
	b->last = c;
	b->n_chunks++;
	task_wake(&b->p->pass.task);
	return c;
}

static struct piece *
piece_add(struct pull_batch *b, enum piece_kind kind)
{
	struct chunk *c = chunk_open(b);
	struct piece *piece = VEC_ADD(c->piece, c->n, c->cap);

	piece->kind = kind;
	return piece;
}

/*
 * Whose message that is. Not simply the oldest FETCH's: a server may answer the
 * second before it has completed the first (Dovecot does, RFC 9051 section 5.5
 * allows it).
 */
static struct pull_batch *
route(struct pull_batch *asked, uint32_t uid)
{
	struct pull *p = asked->p;
	int i;

	for (i = 0; i < PULL_BATCHES; i++)
		if (p->batch[i].at == BATCH_FETCH &&
		    p->batch[i].source == asked->source &&
		    find_pulled(&p->batch[i], uid) != NULL)
			return &p->batch[i];
	return asked;
}

static void
body_begin(void *arg, uint32_t uid, uint32_t size)
{
	struct pull_batch *b = route(arg, uid);

	(void)size;
	if (b->p->given_up)
		return;
	b->source->into = b;
	piece_add(b, PIECE_BEGIN);
}

static void
body_data(void *arg, const void *data, size_t n)
{
	struct pull_batch *b = arg;
	struct source *s = b->source;
	const char *p = data;

	while (n > 0 && !b->p->given_up) {
		size_t part = n < CHUNK_BYTES ? n : CHUNK_BYTES;
		struct piece *piece = piece_add(s->into, PIECE_DATA);

		piece->length = part;
		buf_add(&s->into->last->data, p, part);
		p += part;
		n -= part;
	}
}

static void
body_end(void *arg)
{
	struct pull_batch *b = arg;

	if (!b->p->given_up)
		piece_add(b->source->into, PIECE_END);
}

static void
body_row(void *arg, const struct imap_fetch *f)
{
	struct pull_batch *b = arg;
	struct source *s = b->source;
	struct piece *piece;

	if (b->p->given_up)
		return;
	piece = piece_add(s->into != NULL ? s->into : route(b, f->uid),
	    PIECE_ROW);
	s->into = NULL;
	piece->uid = f->uid;
	piece->nil = f->body == BODY_NIL;
	piece->size = f->has_size ? f->size : 0;
	piece->has_date = f->has_date;
	piece->date = f->date;
}

/* --- writing, on the disk lane --- */

void
bodies_drop_open(struct pull_batch *b)
{
	if (b->open != NULL)
		maildir_deliver_drop(b->open);
	b->open = NULL;
	b->open_ended = false;
}

/* An empty one under a size is what servers forge for what they can't read. */
#define EMPTY_MOST	2

/*
 * It was asked for and came whole: that is all that counts, for sizes are
 * estimates on some servers. Its date is that of the server, else its own, else
 * now. A whole one is closed at once: a batch has more than descriptors.
 */
int
bodies_check(struct pulled *m, struct err *err)
{
	const struct place *p = &m->row.place;
	const int64_t *date = p->has_date ? &p->date :
	    m->fp.has_sent ? &m->fp.sent : NULL;

	if (m->octets == 0 && p->size > EMPTY_MOST) {
		m->failure = xasprintf("the server told of %u octets and sent "
		    "none", p->size);
		maildir_deliver_drop(m->delivery);
		return 0;
	}
	if (maildir_deliver_place(m->delivery, m->row.verdict.local_flags,
	    date, err) == -1)
		return -1;
	m->got = true;
	return 0;
}

/* The row that names the message whose body came before it. */
static int
write_row(struct pull_batch *b, const struct piece *piece, struct err *err)
{
	struct pulled *m = find_pulled(b, piece->uid);

	if (m == NULL || m->delivery != NULL) {
		bodies_drop_open(b);	/* not asked for, or sent twice */
		return 0;
	}
	if (b->open == NULL || !b->open_ended) {
		if (piece->nil && m->failure == NULL)
			m->failure = xstrdup("the server sent no body");
		bodies_drop_open(b);
		return 0;
	}
	free(m->failure);
	m->failure = NULL;
	m->delivery = b->open;
	m->fp = b->open_fp;
	m->octets = b->open_octets;
	if (piece->size != 0)
		m->row.place.size = piece->size;
	if (piece->has_date) {
		m->row.place.has_date = true;
		m->row.place.date = piece->date;
	}
	b->open = NULL;
	b->open_ended = false;
	return bodies_check(m, err);
}

static int
write_piece(struct pull_batch *b, const struct piece *piece,
    const unsigned char *data, struct err *err)
{
	switch (piece->kind) {
	case PIECE_BEGIN:
		bodies_drop_open(b);
		b->open_octets = 0;
		return maildir_deliver_begin(b->store, &b->open, err);
	case PIECE_DATA:
		b->open_octets += piece->length;
		return b->open == NULL || b->open_ended ? 0 :
		    maildir_deliver_data(b->open, data, piece->length, err);
	case PIECE_END:
		if (b->open == NULL)
			return 0;
		b->open_ended = true;
		return maildir_deliver_end(b->open, &b->open_fp, err);
	case PIECE_ROW:
		return write_row(b, piece, err);
	}
	return 0;
}

void
bodies_open_store(struct pull_batch *b)
{
	if (b->store == NULL)
		b->store = maildir_batch_new(b->p->pass.run->md,
		    b->p->pass.folder->row.path, b->p->opened);
	b->p->opened = true;
}

static int
write_run(struct job *job)
{
	struct chunk *c = OWNER_OF(job, struct chunk, job);
	struct pull_batch *b = c->b;
	const unsigned char *data = c->data.data;
	size_t i;

	bodies_open_store(b);
	for (i = 0; i < c->n && b->write_err.kind == ERR_NONE; i++) {
		if (write_piece(b, &c->piece[i], data, &b->write_err) == -1)
			bodies_drop_open(b);
		if (c->piece[i].kind == PIECE_DATA)
			data += c->piece[i].length;
	}
	return 0;
}

static void
chunk_free(struct chunk *c)
{
	buf_release(&c->data);
	free(c->piece);
	free(c);
}

/* Hands full chunks (all: every one) to the disk and frees what is written. */
void
bodies_move(struct pull_batch *b, bool all)
{
	struct run *run = b->p->pass.run;
	struct chunk *c;

	for (c = b->first; c != NULL; c = c->next) {
		if (c->job.posted || c->job.done || (c->next == NULL && !all &&
		    c->data.len < CHUNK_BYTES))
			continue;
		c->job.run = write_run;
		lane_post(run->disk_lane, &c->job, &b->p->pass.task);
	}
	while ((c = b->first) != NULL && c->job.done) {
		b->first = c->next;
		if (b->first == NULL)
			b->last = NULL;
		b->n_chunks--;
		chunk_free(c);
	}
}

struct imap_sink
bodies_sink(struct pull_batch *b)
{
	return (struct imap_sink){
		.arg = b, .row = body_row, .body_begin = body_begin,
		.body_data = body_data, .body_end = body_end,
	};
}

void
bodies_clear(struct pull_batch *b)
{
	struct chunk *c;

	while ((c = b->first) != NULL) {
		b->first = c->next;
		chunk_free(c);
	}
	b->last = NULL;
	b->n_chunks = 0;
	b->open = NULL;
	b->open_ended = false;
}
