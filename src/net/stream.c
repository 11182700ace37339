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

/*
 * Events of libuv move bytes between the socket, the codecs and the two queues
 * s->in and p->out; then they wake the task. Tasks run in the idle phase of a
 * turn. The prepare phase behind it (on_flush) writes what they queued in one
 * piece, and reads on if they made room. So that handle runs only while there
 * is something to write or reading has stopped for lack of room.
 */

#define READ_PIECE	(64u << 10)	/* of one read */
#define WRITE_PIECE	(256u << 10)	/* what libuv is given at once */
#define UNSENT_LOW	(256u << 10)	/* the task may queue more */
#define OUT_MAX		(64u << 20)	/* a writer that never looks */
#define LINGER_MS	1000	/* after a failed write, for what was said */

static void on_flush(uv_prepare_t *);
static void update_reading(struct stream_priv *);

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

static bool
is_live(const struct stream_priv *p)
{
	return !p->closing && (p->s->state == STREAM_OPENING ||
	    p->s->state == STREAM_OPEN);
}

/* --- ends --- */

static void
stop(struct stream_priv *p, enum stream_state state)
{
	p->s->state = state;
	update_reading(p);
	uv_timer_stop(&p->stagger);
	uv_timer_stop(&p->deadline);
	uv_timer_stop(&p->silence);
	uv_prepare_stop(&p->flush);
	task_wake(p->task);
}

void
stream_fail(struct stream_priv *p, const struct err *err)
{
	if (!is_live(p))
		return;
	p->s->err = *err;
	stop(p, STREAM_FAILED);
}

void
stream_ended(struct stream_priv *p)
{
	if (!is_live(p))
		return;
	if (p->write_err.kind != ERR_NONE)
		stream_fail(p, &p->write_err);
	else
		stop(p, STREAM_EOF);
}

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
		update_reading(p);
		tunnel_eof(p);
	} else {
		stream_ended(p);
	}
}

static void
explain_io(struct stream_priv *p, int error, struct err *err)
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

/* --- silence --- */

static void
touch(struct stream_priv *p)
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
		touch(p);
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
	if (!on || !is_live(p) || p->silence_ms == 0) {
		uv_timer_stop(&p->silence);
		return;
	}
	uv_update_time(p->uv);
	touch(p);
	uv_timer_start(&p->silence, on_silence, p->silence_ms, 0);
}

/* --- writing --- */

size_t
stream_unsent(const struct stream *s)
{
	const struct stream_priv *p = s->priv;

	if (p == NULL)
		return 0;
	return p->out.len + p->packed_out.len + p->wire.len +
	    (p->writing ? p->wr->write_queue_size : 0);
}

/* Something that libuv was not given yet. */
static bool
has_more(const struct stream_priv *p)
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

static void
want_flush(struct stream_priv *p)
{
	if (is_live(p))
		uv_prepare_start(&p->flush, on_flush);
}

/*
 * The peer may have said why before it closed, and that is still to be read:
 * the failure shows when reading ends, or after a moment.
 */
static void
write_failed(struct stream_priv *p, int error)
{
	if (!is_live(p) || p->write_err.kind != ERR_NONE)
		return;
	explain_io(p, error, &p->write_err);
	buf_clear(&p->out);
	buf_clear(&p->packed_out);
	buf_clear(&p->wire);
	uv_timer_start(&p->deadline, on_deadline, LINGER_MS, 0);
	task_wake(p->task);
}

static void
on_written(uv_write_t *req, int status)
{
	struct stream_priv *p = req->data;

	p->writing = false;
	if (status == 0) {
		p->s->bytes_out += p->sending.len;
		touch(p);
	}
	mem_wipe(p->sending.data, p->sending.len);
	buf_clear(&p->sending);
	if (p->closing)
		return;
	if (status != 0)
		write_failed(p, status);
	else if (has_more(p))
		want_flush(p);
	else
		task_wake(p->task);	/* somebody may wait for all of it */
	check_low(p);
}

static void
swap(struct buf *a, struct buf *b)
{
	struct buf t = *a;

	*a = *b;
	*b = t;
}

/* Gives libuv what waits in wire; one write is under way at a time. */
static void
write_wire(struct stream_priv *p)
{
	uv_buf_t b;
	int r;

	if (p->writing || p->wire.len == 0 || p->wr == NULL ||
	    p->write_err.kind != ERR_NONE)
		return;
	swap(&p->sending, &p->wire);
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
			write_wire(p);
			stream_fail(p, &err);
		}
		return;
	}
	if (p->wire.len == 0 && from->len <= WRITE_PIECE) {
		swap(&p->wire, from);
		return;
	}
	n = from->len < WRITE_PIECE ? from->len : WRITE_PIECE;
	if (buf_add(&p->wire, from->data, n)) {
		mem_wipe(from->data, n);
		buf_consume(from, n);
	}
}

static void
flush_out(struct stream_priv *p)
{
	fill_wire(p);
	write_wire(p);
	check_low(p);
}

void
stream_write(struct stream *s, const void *data, size_t n)
{
	struct stream_priv *p = s->priv;
	struct err err = { 0 };

	if (p == NULL || !is_live(p) || p->write_err.kind != ERR_NONE)
		return;
	if (!buf_add(&p->out, data, n)) {
		err_set(&err, ERR_NET, "%s does not take what it is sent: "
		    "%u MiB wait", p->host, OUT_MAX >> 20);
		stream_fail(p, &err);
		return;
	}
	if (stream_unsent(s) >= UNSENT_LOW)
		p->low_pending = true;
	want_flush(p);
}

/* --- reading --- */

static bool
has_room(const struct stream_priv *p)
{
	return p->s->in.len < p->s->in.max;
}

static void
opened(struct stream_priv *p)
{
	p->s->state = STREAM_OPEN;
	uv_timer_stop(&p->deadline);
	want_flush(p);
	task_wake(p->task);
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

/* Lets the codecs go on with what they have. */
static void
decode(struct stream_priv *p)
{
	struct err err = { 0 };
	size_t before = p->s->in.len;
	int r;

	r = p->deflate != NULL ? unpack(p, &err) : tls_unwrap(p->tls,
	    &p->wire_in, &p->s->in, &p->wire, &err);
	write_wire(p);
	if (p->s->in.len > before)
		task_wake(p->task);
	if (p->s->state == STREAM_OPENING && tls_is_up(p->tls)) {
		p->s->encrypted = true;
		opened(p);
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
	if (room > READ_PIECE)
		room = READ_PIECE;
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
		explain_io(p, (int)n, &err);
		stream_fail(p, &err);
		return;
	}
	p->s->bytes_in += (uint64_t)n;
	touch(p);
	if (p->tunnel == NULL && n < READ_PIECE / 2)
		tcp_quickack(h);	/* not while it pours */
	buf_added(landing(p), (size_t)n);
	if (p->tls != NULL || p->deflate != NULL)
		decode(p);
	/* Also when it was a codec's own: whose patience is it? */
	task_wake(p->task);
	update_reading(p);
}

/* Reads while somebody wants it, there is room, and there is more. */
static void
update_reading(struct stream_priv *p)
{
	bool want = p->rd != NULL && is_live(p) && !p->paused && !p->eof;

	if (want && !has_room(p)) {
		p->starved = true;
		want_flush(p);
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
	touch(p);
	uv_read_start(p->rd, on_alloc, on_read);
}

void
stream_pause(struct stream *s, bool on)
{
	struct stream_priv *p = s->priv;

	if (p == NULL || p->paused == on)
		return;
	p->paused = on;
	update_reading(p);
	want_flush(p);
}

/* The end of a turn: tasks have written, and consumed what they could. */
static void
on_flush(uv_prepare_t *h)
{
	struct stream_priv *p = h->data;

	flush_out(p);
	if (p->starved && !p->paused && has_room(p) && is_live(p)) {
		p->starved = false;
		if (p->tls != NULL || p->deflate != NULL)
			decode(p);
		update_reading(p);
	}
	if (!is_live(p) || (!p->starved && (p->writing || !has_more(p))))
		uv_prepare_stop(h);
}

/* --- opening and closing --- */

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
		decode(p);	/* sends the first message */
}

void
stream_connected(struct stream_priv *p, uv_stream_t *rd, uv_stream_t *wr)
{
	p->rd = rd;
	p->wr = wr;
	if (p->mode == STREAM_TLS_IMPLICIT)
		start_codec(p, false);
	else
		opened(p);
	update_reading(p);
}

void
stream_start_tls(struct stream *s)
{
	struct stream_priv *p = s->priv;
	struct err err = { 0 };

	if (p == NULL || !is_live(p))
		return;
	assert(s->state == STREAM_OPEN && p->tls == NULL);
	flush_out(p);
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

	if (p == NULL || !is_live(p)) {
		buf_clear(&s->in);	/* nobody can read it any more */
		return;
	}
	assert(s->state == STREAM_OPEN && p->deflate == NULL);
	p->deflate = deflate_new(p->host);
	swap(&p->packed_in, &s->in);
	decode(p);
	update_reading(p);
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
	buf_init(&p->wire_in, READ_PIECE);
	buf_init(&p->packed_in, LIMIT_STREAM_IN);
	buf_init(&p->packed_out, OUT_MAX);
	buf_init(&p->out, OUT_MAX);
	buf_init(&p->wire, OUT_MAX);
	buf_init(&p->sending, OUT_MAX);
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
	if (!is_live(p) || p->wr == NULL)
		return;
	flush_out(p);
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
	update_reading(p);
	if (p->tunnel != NULL)
		tunnel_close(p);
	tcp_close(p);
	uv_close((uv_handle_t *)&p->stagger, on_stream_closed);
	uv_close((uv_handle_t *)&p->deadline, on_stream_closed);
	uv_close((uv_handle_t *)&p->silence, on_stream_closed);
	uv_close((uv_handle_t *)&p->flush, on_stream_closed);
}
