/*
 * COMPRESS DEFLATE (RFC 4978), a command of the session's own. It goes out
 * among the others; what is started behind it waits for the answer, and no flow
 * has to. A refusal leaves the connection as it is.
 *
 * Compressing costs a server about a second of CPU for 37 MB of bodies, so it
 * pays where the line is slower than that, and only for what takes a while: it
 * costs a round trip in which nothing else is sent. How fast the line is, the
 * bodies tell that came already; other answers many servers make up slowly.
 */
#include "internal.h"

#include "base/clock.h"
#include "base/mem.h"

#define RATE_MAX	(37u * 1000)	/* octets a millisecond */
#define SEEN_MS		500	/* that a rate is made of */
#define MEASURE_MAX	(4u << 20)	/* octets to ask for little by little */
#define OCTETS_MIN	(1u << 20)	/* to come */
#define WORTH_MS	1000		/* that they would take */

void
imap_compress_start(struct imap_session *s)
{
	struct imap_line *line;

	if (s->asked_compress || s->err.kind != ERR_NONE ||
	    (imap_session_caps(s) & CAP_COMPRESS) == 0)
		return;
	s->asked_compress = true;
	imap_cmd_init(&s->compressing, s, &s->task);
	line = imap_line_new(&s->compressing, "COMPRESS DEFLATE");
	line->compress = true;
	imap_line_send(line);
	imap_cmd_started(&s->compressing);
}

/* The next octet from the server is compressed, ours as well. */
void
imap_compress_answered(struct imap_session *s, enum imap_status status)
{
	if (status == IMAP_OK)
		stream_start_deflate(&s->stream);
}

/* --- whether it pays --- */

bool
imap_compress_pays(const struct imap_rate *r, uint64_t octets)
{
	return octets >= OCTETS_MIN && r->ms >= SEEN_MS &&
	    r->octets < RATE_MAX * r->ms &&
	    octets / WORTH_MS >= r->octets / r->ms;
}

static bool
may_compress(const struct imap_session *s)
{
	return s->compress == IMAP_COMPRESS_AUTO && !s->asked_compress &&
	    !s->stream.loopback &&
	    (imap_session_caps(s) & CAP_COMPRESS) != 0;
}

void
imap_session_will_fetch(struct imap_session *s, uint64_t octets)
{
	if (may_compress(s) && imap_compress_pays(&s->rate, octets))
		imap_compress_start(s);
}

bool
imap_session_measures(const struct imap_session *s)
{
	return may_compress(s) && s->rate.ms < SEEN_MS &&
	    s->rate.octets < MEASURE_MAX;
}

/*
 * Counted is the time from one arrival to the next while bodies are awaited. A
 * command's first arrival is left out: a round trip may lie before it. What we
 * did not take, being busy, comes in no time: then the line looks fast, and it
 * is we who are slow.
 */
void
imap_compress_measure(struct imap_session *s)
{
	const struct imap_line *first = s->lines;
	bool awaited = first != NULL && first->bodies && !s->paused;
	uint64_t came = s->stream.bytes_in - s->measured_in;

	if (awaited && came == 0)
		return;
	if (awaited && first->number == s->measured) {
		s->rate.octets += came;
		s->rate.ms += s->now - s->measured_at;
	}
	/* The latest counts most: TCP begins slowly. */
	if (s->rate.ms >= 2 * SEEN_MS) {
		s->rate.octets /= 2;
		s->rate.ms /= 2;
	}
	s->measured = awaited ? first->number : 0;
	s->measured_at = s->now;
	s->measured_in = s->stream.bytes_in;
}
