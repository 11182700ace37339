/*
 * The life of a session. A pump task moves what the stream brings to the reader
 * and from there to the commands (reply.c); what is started goes out in order
 * (line.c). When the connection is lost, cancelled or has broken the protocol,
 * imap_session_drop completes every command with the reason and closes the
 * stream; the pump ends when that is closed, and only then may the session be
 * freed.
 */
#include "internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"

/* A few octets may stand for many. */
static uint64_t
heard(const struct imap_session *s)
{
	return s->stream.bytes_in + s->stream.inflated;
}

/* What is sent by us first is no time of the server's. */
static bool
takes_too_long(struct imap_session *s)
{
	const struct imap_line *first = s->lines;
	uint64_t number = first == NULL ? 0 : first->number + 1;

	if (first == NULL || !first->whole || number != s->answering) {
		s->answering = number;
		imap_session_part(s);
		return false;
	}
	return s->now - s->answer_at > s->patience_ms +
	    (heard(s) - s->answer_from) * 1000 / IMAP_SLOWEST;
}

/* Bytes come, so that it is not silent; but do they answer anything? */
static void
session_check_patience(struct imap_session *s)
{
	bool too_long = takes_too_long(s);

	if (s->paused || (s->in_flight == 0 && s->greeted))
		return;
	if (too_long)
		imap_session_dropf(s, ERR_NET, "%s does not come to the end of "
		    "an answer to %s", s->host, s->lines->verb);
	else if (s->now - s->progress_at > s->patience_ms)
		imap_session_dropf(s, ERR_NET,
		    "%s has not answered for %u seconds", s->host,
		    (unsigned)(s->patience_ms / 1000));
	else if (heard(s) - s->noise_from > IMAP_NOISE_MAX)
		imap_session_dropf(s, ERR_PROTO,
		    "%s sends without end and does not answer", s->host);
}

static void
session_check_stream(struct imap_session *s)
{
	if (s->stream.state == STREAM_FAILED)
		imap_session_drop(s, &s->stream.err);
	else if (s->stream.state == STREAM_EOF)
		imap_session_dropf(s, ERR_NET, "%s closed the connection%s",
		    s->host, imap_reader_partial(s->reader) ?
		    " in the middle of an answer" : "");
	else
		session_check_patience(s);
}

static enum task_result
session_pump(struct task *t)
{
	struct imap_session *s = (struct imap_session *)t;

	s->now = clock_mono_ms();
	imap_compress_measure(s);
	if (s->err.kind == ERR_NONE && !s->paused)
		imap_session_read(s);
	/* While paused an end of the stream waits behind what came before. */
	if (s->err.kind == ERR_NONE &&
	    (!s->paused || s->stream.state == STREAM_FAILED))
		session_check_stream(s);
	task_wake(s->opener);
	if (s->err.kind != ERR_NONE)
		return TASK_DONE;
	if (s->sending != NULL && s->sending->append != NULL)
		task_wake(s->sending->cmd->task);
	imap_session_expect(s);
	return task_wait(t, session_pump);
}

/* The pump was cancelled: with its parent, that is on a signal. */
static void
session_abort(struct task *t)
{
	struct imap_session *s = (struct imap_session *)t;

	imap_session_dropf(s, ERR_CANCELED, "stopped");
}

static void
session_finish(struct task *t)
{
	struct imap_session *s = (struct imap_session *)t;
	struct task *waiter = s->waiter;

	assert(s->lines == NULL);
	s->ended = true;
	s->waiter = NULL;
	if (waiter != NULL)
		task_unhold(waiter);
}

struct imap_session *
imap_session_new(struct loop *loop, struct task *parent,
    const struct stream_config *cfg)
{
	struct imap_session *s = xcalloc(1, sizeof(*s));
	char random[33];

	s->reader = imap_reader_new();
	s->host = xstrdup(cfg->tunnel != NULL ? "the tunnel" : cfg->host);
	s->patience_ms = cfg->silence_ms == 0 ? IMAP_PATIENCE_MS :
	    IMAP_OPENING * cfg->silence_ms;
	/* Nobody can prepare answers to tags that he can't guess. */
	random_hex(random);
	snprintf(s->prefix, sizeof(s->prefix), "m%.5s", random);
	s->task.abort = session_abort;
	s->task.finish = session_finish;
	s->now = s->progress_at = clock_mono_ms();
	task_start(&s->task, loop, parent, "imap", session_pump);
	/* A parent that is being stopped has cancelled it already. */
	if (s->err.kind == ERR_NONE)
		stream_open(&s->stream, loop, &s->task, cfg);
	return s;
}

static void
session_fail_line(struct imap_session *s, struct imap_line *line)
{
	struct imap_cmd *cmd = line->cmd;

	DL_DELETE(s->lines, line);
	if (cmd->err.kind == ERR_NONE)
		cmd->err = s->err;
	imap_line_free(line);
	cmd->priv->lines--;
	imap_cmd_settle(cmd);
}

/* What it offered, and these are the first to make use of. */
static unsigned
caps_of(const char *verb)
{
	static const struct {
		const char *head;
		unsigned cap;
	} verbs[] = {
		{ "ENABLE ", CAP_ENABLE }, { "ID ", CAP_ID },
		{ "NAMESPACE", CAP_NAMESPACE }, { "COMPRESS ", CAP_COMPRESS },
	};
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strncmp(verb, verbs[i].head, strlen(verbs[i].head)) == 0)
			return verbs[i].cap;
	return 0;
}

void
imap_session_drop(struct imap_session *s, const struct err *err)
{
	struct imap_line *line;

	if (s->err.kind != ERR_NONE)
		return;
	s->err = *err;
	if (s->lines != NULL) {
		s->lost_at = s->lines->cmd;
		s->lost_caps = caps_of(s->lines->verb);
	}
	s->sending = NULL;
	while ((line = s->lines) != NULL)
		session_fail_line(s, line);
	s->in_flight = 0;
	stream_close(&s->stream);
	task_wake(s->opener);
	task_wake(&s->task);
}

int
imap_session_dropf(struct imap_session *s, enum err_kind kind,
    const char *fmt, ...)
{
	struct err err = { 0 };
	char msg[sizeof(err.msg)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	err_set(&err, kind, "%s", msg);
	imap_session_drop(s, &err);
	return -1;
}

void
imap_session_dispose(struct imap_session *s, struct task *t,
    const struct err *err)
{
	imap_session_drop(s, err);
	if (s->ended)
		return;
	assert(s->waiter == NULL);
	s->waiter = t;
	task_hold(t);
}

void
imap_session_free(struct imap_session *s)
{
	if (s == NULL)
		return;
	assert(s->ended);
	imap_cmd_release(&s->compressing);
	imap_reader_free(s->reader);
	free(s->ns_prefix);
	free(s->host);
	imap_secret_release(s);
	free(s);
}

void
imap_session_progress(struct imap_session *s)
{
	s->progress_at = s->now;
	s->noise_from = heard(s);
}

void
imap_session_part(struct imap_session *s)
{
	s->answer_at = s->now;
	s->answer_from = heard(s);
}

/* An answer is awaited, unless it is our turn to go on with a literal. */
void
imap_session_expect(struct imap_session *s)
{
	const struct imap_line *first = s->lines;
	bool ours = first != NULL && first == s->sending &&
	    first->append != NULL && first->append->wants &&
	    stream_unsent(&s->stream) == 0;
	bool awaited = !s->greeted || (s->in_flight > 0 && !ours);

	stream_expect(&s->stream, awaited && !s->paused);
}

unsigned
imap_session_caps(const struct imap_session *s)
{
	return s->caps & ~s->caps_off & ~s->quirk_caps & ~s->caps_out;
}

unsigned
imap_session_lost_at(const struct imap_session *s)
{
	return s->lost_caps;
}

uint64_t
imap_session_identity(const struct imap_session *s)
{
	return s->caps_sum ^ s->ident_sum;
}

unsigned
imap_session_distrusted(const struct imap_session *s)
{
	return s->caps_off & ~s->caps_known_off;
}

unsigned
imap_session_enabled(const struct imap_session *s)
{
	return s->enabled;
}

void
imap_session_distrust(struct imap_session *s, unsigned caps)
{
	s->caps_off |= caps;
	s->enabled &= ~caps;
}

void
imap_session_stats(const struct imap_session *s, struct imap_stats *out)
{
	out->round_trips = s->round_trips;
	out->bytes_in = s->stream.bytes_in;
	out->bytes_out = s->stream.bytes_out;
}

const struct err *
imap_session_error(const struct imap_session *s)
{
	return s->err.kind == ERR_NONE ? NULL : &s->err;
}

void
imap_session_pause(struct imap_session *s, bool paused)
{
	if (s->paused == paused || s->err.kind != ERR_NONE)
		return;
	s->paused = paused;
	stream_pause(&s->stream, paused);
	if (!paused) {
		/* The time that the disk took is not the server's. */
		s->now = s->progress_at = clock_mono_ms();
		imap_session_part(s);
		task_wake(&s->task);
	}
	imap_session_expect(s);
}

size_t
imap_session_unsent(const struct imap_session *s)
{
	return s->err.kind == ERR_NONE ? stream_unsent(&s->stream) : 0;
}

uint32_t
imap_box_exists(const struct imap_session *s)
{
	return s->exists;
}
