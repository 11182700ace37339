/*
 * The life of a stream: how it opens, what ends it, whose patience runs out.
 * stream_read.c is the way in, stream_write.c the way out.
 *
 * Events of libuv move bytes between the socket, the codecs and the two queues
 * s->in and p->out; then they wake the task. Tasks run in the idle phase of a
 * turn. The prepare phase behind it (on_flush) writes what they queued in one
 * piece, and reads on if they made room. So that handle runs only while there
 * is something to write or reading has stopped for lack of room.
 */
#include "net/stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "internal.h"
#include "loop/task.h"
#include "loop/uv.h"
#include "net/deflate.h"
#include "net/tls.h"

#define LINGER_MS	1000	/* after a failed write, for what was said */

/* --- handles --- */

void
stream_handle_opened(struct stream_priv *p)
{
	p->open_handles++;
}

static void
free_priv(struct stream_priv *p)
{
	if (p->out.mem != NULL)
		mem_wipe(p->out.mem, p->out.cap);
	if (p->wire.mem != NULL)
		mem_wipe(p->wire.mem, p->wire.cap);
	buf_release(&p->out);
	buf_release(&p->wire);
	buf_release(&p->sending);
	buf_release(&p->wire_in);
	buf_release(&p->packed_in);
	buf_release(&p->packed_out);
	tls_free(p->tls);
	deflate_free(p->deflate);
	free(p->host);
	free(p->ca_file);
	free(p->fingerprint);
	free(p);
}

void
stream_handle_closed(struct stream_priv *p)
{
	struct stream *s = p->s;
	struct task *task = p->task;

	if (--p->open_handles > 0 || !p->closing)
		return;
	free_priv(p);
	buf_release(&s->in);
	s->priv = NULL;
	s->state = STREAM_CLOSED;
	task_unhold(task);
}

static void
on_stream_closed(uv_handle_t *h)
{
	stream_handle_closed(h->data);
}

bool
stream_is_live(const struct stream_priv *p)
{
	return !p->closing && (p->s->state == STREAM_OPENING ||
	    p->s->state == STREAM_OPEN);
}

/* --- ends --- */

static void
stop(struct stream_priv *p, enum stream_state state)
{
	p->s->state = state;
	stream_update_reading(p);
	uv_timer_stop(&p->stagger);
	uv_timer_stop(&p->deadline);
	uv_timer_stop(&p->silence);
	uv_prepare_stop(&p->flush);
	task_wake(p->task);
}

void
stream_fail(struct stream_priv *p, const struct err *err)
{
	if (!stream_is_live(p))
		return;
	p->s->err = *err;
	stop(p, STREAM_FAILED);
}

void
stream_ended(struct stream_priv *p)
{
	if (!stream_is_live(p))
		return;
	if (p->write_err.kind != ERR_NONE)
		stream_fail(p, &p->write_err);
	else
		stop(p, STREAM_EOF);
}

void
stream_explain_io(struct stream_priv *p, int error, struct err *err)
{
	if (error == UV_ECONNRESET || error == UV_EPIPE)
		err_set(err, ERR_NET, "%s closed the connection", p->host);
	else
		err_set(err, ERR_NET, "the connection to %s broke: %s",
		    p->host, uv_strerror(error));
}

static void
on_deadline(uv_timer_t *h)
{
	struct stream_priv *p = h->data;
	struct err err = { 0 };

	if (p->write_err.kind != ERR_NONE) {
		if (p->reading)
			stream_fail(p, &p->write_err);
		else	/* what it said last is not all taken yet */
			uv_timer_start(&p->deadline, on_deadline, LINGER_MS, 0);
		return;
	}
	if (p->rd == NULL)
		tcp_explain_late(p, &err);
	else
		err_set(&err, ERR_NET, "the TLS handshake with %s took more "
		    "than %llu seconds", p->host,
		    (unsigned long long)((p->connect_ms + 999) / 1000));
	stream_fail(p, &err);
}

void
stream_linger(struct stream_priv *p)
{
	uv_timer_start(&p->deadline, on_deadline, LINGER_MS, 0);
}

/* --- the end of a turn --- */

/* Tasks have written, and consumed what they could. */
static void
on_flush(uv_prepare_t *h)
{
	struct stream_priv *p = h->data;

	stream_flush_out(p);
	stream_read_on(p);
	if (!stream_is_live(p) ||
	    (!p->starved && (p->writing || !stream_has_more(p))))
		uv_prepare_stop(h);
}

void
stream_want_flush(struct stream_priv *p)
{
	if (stream_is_live(p))
		uv_prepare_start(&p->flush, on_flush);
}

/* --- silence --- */

void
stream_touch(struct stream_priv *p)
{
	p->active = uv_now(p->uv);
	p->asked_again = false;
}

static void
on_silence(uv_timer_t *h)
{
	struct stream_priv *p = h->data;
	size_t queue = p->wr != NULL ? p->wr->write_queue_size : 0;
	struct err err = { 0 };
	uint64_t quiet;

	/* Bytes go out, or it is we who do not listen. */
	if (queue < p->seen_queue || !p->reading)
		stream_touch(p);
	p->seen_queue = queue;
	quiet = uv_now(p->uv) - p->active;
	if (quiet < p->silence_ms) {
		uv_timer_start(h, on_silence, p->silence_ms - quiet, 0);
	} else if (!p->asked_again) {
		/* Timers come before the poll: a turn that took long must not
		 * look like a silent server. */
		p->asked_again = true;
		uv_timer_start(h, on_silence, 1, 0);
	} else {
		err_set(&err, ERR_NET, "%s was silent for %llu seconds",
		    p->host, (unsigned long long)
		    ((p->silence_ms + 999) / 1000));
		stream_fail(p, &err);
	}
}

void
stream_expect(struct stream *s, bool on)
{
	struct stream_priv *p = s->priv;

	if (p == NULL || on == p->expecting)
		return;
	p->expecting = on;
	if (!on || !stream_is_live(p) || p->silence_ms == 0) {
		uv_timer_stop(&p->silence);
		return;
	}
	uv_update_time(p->uv);
	stream_touch(p);
	uv_timer_start(&p->silence, on_silence, p->silence_ms, 0);
}

/* --- opening and closing --- */

void
stream_opened(struct stream_priv *p)
{
	p->s->state = STREAM_OPEN;
	uv_timer_stop(&p->deadline);
	stream_want_flush(p);
	task_wake(p->task);
}

static void
start_deadline(struct stream_priv *p)
{
	if (p->connect_ms == 0)
		return;
	uv_update_time(p->uv);
	uv_timer_start(&p->deadline, on_deadline, p->connect_ms, 0);
}

static void
start_codec(struct stream_priv *p, bool upgrade)
{
	struct tls_config cfg = {
		.host = p->host,
		.port = p->port,
		.ca_file = p->ca_file,
		.fingerprint = p->fingerprint,
		.upgrade = upgrade,
	};
	struct err err = { 0 };

	p->tls = tls_new(&cfg, &err);
	if (p->tls == NULL)
		stream_fail(p, &err);
	else
		stream_decode(p);	/* sends the first message */
}

void
stream_connected(struct stream_priv *p, uv_stream_t *rd, uv_stream_t *wr)
{
	p->rd = rd;
	p->wr = wr;
	if (p->mode == STREAM_TLS_IMPLICIT)
		start_codec(p, false);
	else
		stream_opened(p);
	stream_update_reading(p);
}

void
stream_start_tls(struct stream *s)
{
	struct stream_priv *p = s->priv;
	struct err err = { 0 };

	if (p == NULL || !stream_is_live(p))
		return;
	assert(s->state == STREAM_OPEN && p->tls == NULL);
	stream_flush_out(p);
	if (s->in.len > 0 || p->out.len > 0) {
		err_set(&err, ERR_TLS, "%s sent data in clear text where TLS "
		    "was to begin; somebody may be tampering with the "
		    "connection", p->host);
		stream_fail(p, &err);
		return;
	}
	s->state = STREAM_OPENING;
	start_deadline(p);
	start_codec(p, true);
}

void
stream_start_deflate(struct stream *s)
{
	struct stream_priv *p = s->priv;

	if (p == NULL || !stream_is_live(p)) {
		buf_clear(&s->in);	/* nobody can read it any more */
		return;
	}
	assert(s->state == STREAM_OPEN && p->deflate == NULL);
	p->deflate = deflate_new(p->host);
	buf_swap(&p->packed_in, &s->in);
	stream_decode(p);
	stream_update_reading(p);
}

static char *
dup_or_null(const char *s)
{
	return s != NULL ? xstrdup(s) : NULL;
}

static struct stream_priv *
priv_new(struct stream *s, struct loop *loop, struct task *task,
    const struct stream_config *cfg)
{
	struct stream_priv *p = xcalloc(1, sizeof(*p));
	bool tunnel = cfg->tunnel != NULL;

	p->s = s;
	p->task = task;
	p->uv = loop_uv(loop);
	p->host = xstrdup(tunnel ? "the tunnel command" : cfg->host);
	p->ca_file = dup_or_null(cfg->ca_file);
	p->fingerprint = dup_or_null(cfg->fingerprint);
	p->port = cfg->port;
	p->mode = tunnel ? STREAM_TLS_NONE : cfg->tls;
	p->connect_ms = cfg->connect_ms;
	p->silence_ms = cfg->silence_ms;
	p->tls_end = 1;
	buf_init(&p->wire_in, STREAM_READ_PIECE);
	buf_init(&p->packed_in, LIMIT_STREAM_IN);
	buf_init(&p->packed_out, STREAM_OUT_MAX);
	buf_init(&p->out, STREAM_OUT_MAX);
	buf_init(&p->wire, STREAM_OUT_MAX);
	buf_init(&p->sending, STREAM_OUT_MAX);
	uv_timer_init(p->uv, &p->stagger);
	uv_timer_init(p->uv, &p->deadline);
	uv_timer_init(p->uv, &p->silence);
	uv_prepare_init(p->uv, &p->flush);
	p->stagger.data = p->deadline.data = p;
	p->silence.data = p->flush.data = p;
	p->open_handles = 4;
	return p;
}

void
stream_open(struct stream *s, struct loop *loop, struct task *task,
    const struct stream_config *cfg)
{
	struct stream_priv *p;

	memset(s, 0, sizeof(*s));
	buf_init(&s->in, LIMIT_STREAM_IN);
	s->tunnel = cfg->tunnel != NULL;
	s->priv = p = priv_new(s, loop, task, cfg);
	start_deadline(p);
	if (s->tunnel)
		tunnel_open(p, cfg->tunnel);
	else
		tcp_open(p);
}

int
stream_channel_binding(struct stream *s, const char **type_out,
    unsigned char *out, size_t *len_inout)
{
	struct stream_priv *p = s->priv;

	if (p == NULL || p->tls == NULL)
		return -1;
	return tls_channel_binding(p->tls, type_out, out, len_inout);
}

/* What was queued and close_notify go out if the kernel takes them now. */
static void
say_goodbye(struct stream_priv *p)
{
	if (!stream_is_live(p) || p->wr == NULL)
		return;
	stream_flush_out(p);
	if (p->tls == NULL || (p->writing && p->wr->write_queue_size > 0))
		return;
	tls_finish(p->tls, &p->wire);
	if (p->wire.len > 0) {
		uv_buf_t b = uv_buf_init((char *)p->wire.data,
		    (unsigned)p->wire.len);

		uv_try_write(p->wr, &b, 1);
	}
}

void
stream_close(struct stream *s)
{
	struct stream_priv *p = s->priv;

	if (p == NULL) {
		s->state = STREAM_CLOSED;
		return;
	}
	if (p->closing)
		return;
	task_hold(p->task);
	say_goodbye(p);
	p->closing = true;
	stream_update_reading(p);
	if (p->tunnel != NULL)
		tunnel_close(p);
	tcp_close(p);
	uv_close((uv_handle_t *)&p->stagger, on_stream_closed);
	uv_close((uv_handle_t *)&p->deadline, on_stream_closed);
	uv_close((uv_handle_t *)&p->silence, on_stream_closed);
	uv_close((uv_handle_t *)&p->flush, on_stream_closed);
}
