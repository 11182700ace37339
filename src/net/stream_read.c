/*
 * The way in: what the socket or the tunnel brings, through the codecs to the
 * task, as long as there is room for it.
 */
#include "internal.h"
#include "loop/task.h"
#include "net/deflate.h"
#include "net/tls.h"

static void
cut(struct stream_priv *p)
{
	struct err err = { 0 };

	tls_cut(p->tls, &err);
	stream_fail(p, &err);
}

/* The transport has no more bytes. */
static void
on_transport_eof(struct stream_priv *p)
{
	if (p->tls != NULL) {
		cut(p);
	} else if (p->tunnel != NULL) {
		p->eof = true;
		stream_update_reading(p);
		tunnel_eof(p);
	} else {
		stream_ended(p);
	}
}

static bool
has_room(const struct stream_priv *p)
{
	return p->s->in.len < p->s->in.max;
}

/*
 * Inflates what TLS or the socket brought, as far as there is room. TLS has
 * ended when all that came before that is in.
 */
static int
unpack(struct stream_priv *p, struct err *err)
{
	struct buf *in = &p->s->in;
	size_t before = in->len;
	bool more;
	int r;

	do {
		if (p->tls != NULL && p->tls_end == 1)
			p->tls_end = tls_unwrap(p->tls, &p->wire_in,
			    &p->packed_in, &p->wire, &p->tls_err);
		more = p->packed_in.len == p->packed_in.max;
		r = deflate_unwrap(p->deflate, &p->packed_in, in, err);
	} while (r == 1 && more && has_room(p));
	p->s->inflated += in->len - before;
	if (r != 1 || p->tls_end == 1 || !has_room(p))
		return r;
	*err = p->tls_err;
	return p->tls_end;
}

void
stream_decode(struct stream_priv *p)
{
	struct err err = { 0 };
	size_t before = p->s->in.len;
	int r;

	r = p->deflate != NULL ? unpack(p, &err) : tls_unwrap(p->tls,
	    &p->wire_in, &p->s->in, &p->wire, &err);
	stream_write_wire(p);
	if (p->s->in.len > before)
		task_wake(p->task);
	if (p->s->state == STREAM_OPENING && tls_is_up(p->tls)) {
		p->s->encrypted = true;
		stream_opened(p);
	}
	if (r == -1)
		stream_fail(p, &err);
	else if (r == 0 && p->tls != NULL && !tls_is_up(p->tls))
		cut(p);
	else if (r == 0)
		stream_ended(p);
}

/* A codec's bytes are read into its own buffer, plaintext where it belongs. */
static struct buf *
landing(struct stream_priv *p)
{
	return p->tls != NULL ? &p->wire_in :
	    p->deflate != NULL ? &p->packed_in : &p->s->in;
}

static void
on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *b)
{
	struct buf *to = landing(h->data);
	size_t room = to->max - to->len;

	(void)suggested;
	if (room > STREAM_READ_PIECE)
		room = STREAM_READ_PIECE;
	*b = uv_buf_init(buf_room(to, room), (unsigned)room);
}

static void
on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b)
{
	struct stream_priv *p = h->data;
	struct err err = { 0 };

	(void)b;
	if (n == 0)
		return;
	if (n == UV_EOF) {
		on_transport_eof(p);
		return;
	}
	if (n < 0) {
		stream_explain_io(p, (int)n, &err);
		stream_fail(p, &err);
		return;
	}
	p->s->bytes_in += (uint64_t)n;
	stream_touch(p);
	if (p->tunnel == NULL && n < STREAM_READ_PIECE / 2)
		tcp_quickack(h);	/* not while it pours */
	buf_added(landing(p), (size_t)n);
	if (p->tls != NULL || p->deflate != NULL)
		stream_decode(p);
	/* Also when it was a codec's own: whose patience is it? */
	task_wake(p->task);
	stream_update_reading(p);
}

void
stream_update_reading(struct stream_priv *p)
{
	bool want = p->rd != NULL && stream_is_live(p) && !p->paused && !p->eof;

	if (want && !has_room(p)) {
		p->starved = true;
		stream_want_flush(p);
	}
	want = want && !p->starved;
	if (want == p->reading)
		return;
	p->reading = want;
	if (!want) {
		uv_read_stop(p->rd);
		return;
	}
	uv_update_time(p->uv);
	stream_touch(p);
	uv_read_start(p->rd, on_alloc, on_read);
}

void
stream_read_on(struct stream_priv *p)
{
	if (!p->starved || p->paused || !has_room(p) || !stream_is_live(p))
		return;
	p->starved = false;
	if (p->tls != NULL || p->deflate != NULL)
		stream_decode(p);
	stream_update_reading(p);
}

void
stream_pause(struct stream *s, bool on)
{
	struct stream_priv *p = s->priv;

	if (p == NULL || p->paused == on)
		return;
	p->paused = on;
	stream_update_reading(p);
	stream_want_flush(p);
}
