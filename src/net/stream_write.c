/*
 * The way out: from what the task queued through the codecs to libuv, one
 * write at a time.
 */
#include "base/mem.h"
#include "internal.h"
#include "loop/task.h"
#include "net/deflate.h"
#include "net/tls.h"

#define WRITE_PIECE	(256u << 10)	/* what libuv is given at once */
#define UNSENT_LOW	(256u << 10)	/* the task may queue more */

size_t
stream_unsent(const struct stream *s)
{
	const struct stream_priv *p = s->priv;

	if (p == NULL)
		return 0;
	return p->out.len + p->packed_out.len + p->wire.len +
	    (p->writing ? p->wr->write_queue_size : 0);
}

bool
stream_has_more(const struct stream_priv *p)
{
	return p->out.len > 0 || p->packed_out.len > 0 || p->wire.len > 0;
}

static void
check_low(struct stream_priv *p)
{
	if (p->low_pending && stream_unsent(p->s) < UNSENT_LOW) {
		p->low_pending = false;
		task_wake(p->task);
	}
}

/*
 * The peer may have said why before it closed, and that is still to be read:
 * the failure shows when reading ends, or after a moment.
 */
static void
write_failed(struct stream_priv *p, int error)
{
	if (!stream_is_live(p) || p->write_err.kind != ERR_NONE)
		return;
	stream_explain_io(p, error, &p->write_err);
	buf_clear(&p->out);
	buf_clear(&p->packed_out);
	buf_clear(&p->wire);
	stream_linger(p);
	task_wake(p->task);
}

static void
on_written(uv_write_t *req, int status)
{
	struct stream_priv *p = req->data;

	p->writing = false;
	if (status == 0) {
		p->s->bytes_out += p->sending.len;
		stream_touch(p);
	}
	mem_wipe(p->sending.data, p->sending.len);
	buf_clear(&p->sending);
	if (p->closing)
		return;
	if (status != 0)
		write_failed(p, status);
	else if (stream_has_more(p))
		stream_want_flush(p);
	else
		task_wake(p->task);	/* somebody may wait for all of it */
	check_low(p);
}

void
stream_write_wire(struct stream_priv *p)
{
	uv_buf_t b;
	int r;

	if (p->writing || p->wire.len == 0 || p->wr == NULL ||
	    p->write_err.kind != ERR_NONE)
		return;
	buf_swap(&p->sending, &p->wire);
	b = uv_buf_init((char *)p->sending.data, (unsigned)p->sending.len);
	p->write.data = p;
	p->writing = true;
	r = uv_write(&p->write, p->wr, &b, 1, on_written);
	if (r != 0) {
		p->writing = false;
		buf_clear(&p->sending);
		write_failed(p, r);
	}
	p->seen_queue = p->wr->write_queue_size;
}

/* From out to wire, a piece at a time, through the codecs that there are. */
static void
fill_wire(struct stream_priv *p)
{
	struct buf *from = p->deflate != NULL ? &p->packed_out : &p->out;
	struct err err = { 0 };
	size_t n;

	if (p->writing || p->s->state != STREAM_OPEN)
		return;
	if (p->deflate != NULL && from->len == 0 && p->out.len > 0)
		deflate_wrap(p->deflate, &p->out, from, WRITE_PIECE);
	if (from->len == 0)
		return;
	if (p->tls != NULL) {
		if (tls_wrap(p->tls, from, &p->wire, WRITE_PIECE, &err) == -1) {
			stream_write_wire(p);
			stream_fail(p, &err);
		}
		return;
	}
	if (p->wire.len == 0 && from->len <= WRITE_PIECE) {
		buf_swap(&p->wire, from);
		return;
	}
	n = from->len < WRITE_PIECE ? from->len : WRITE_PIECE;
	if (buf_add(&p->wire, from->data, n)) {
		mem_wipe(from->data, n);
		buf_consume(from, n);
	}
}

void
stream_flush_out(struct stream_priv *p)
{
	fill_wire(p);
	stream_write_wire(p);
	check_low(p);
}

void
stream_write(struct stream *s, const void *data, size_t n)
{
	struct stream_priv *p = s->priv;
	struct err err = { 0 };

	if (p == NULL || !stream_is_live(p) || p->write_err.kind != ERR_NONE)
		return;
	if (!buf_add(&p->out, data, n)) {
		err_set(&err, ERR_NET, "%s does not take what it is sent: "
		    "%u MiB wait", p->host, STREAM_OUT_MAX >> 20);
		stream_fail(p, &err);
		return;
	}
	if (stream_unsent(s) >= UNSENT_LOW)
		p->low_pending = true;
	stream_want_flush(p);
}
