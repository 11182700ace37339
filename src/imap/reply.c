/*
 * What arrives: untagged data goes to the session's own state and to the
 * oldest unanswered command, tagged replies complete the line they name.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"

/* The longest SASL exchange that we know takes four. */
#define CONTINUES_MAX	16

/* Only lines that have begun are awaiting anything. */
static struct imap_line *
oldest(struct imap_session *s)
{
	struct imap_line *line = s->lines;

	return line != NULL && line->begun ? line : NULL;
}

static struct imap_line *
line_by_tag(struct imap_session *s, struct span tag)
{
	size_t n = strlen(s->prefix);
	struct imap_line *line;
	uint64_t number;

	if (tag.n <= n || memcmp(tag.p, s->prefix, n) != 0 ||
	    !span_number((struct span){ tag.p + n, tag.n - n }, UINT64_MAX,
	    &number))
		return NULL;
	DL_FOREACH(s->lines, line)
		if (line->number == number)
			return line->begun ? line : NULL;
	return NULL;
}

static void
refuse_tag(struct imap_session *s, const struct imap_resp *r)
{
	char tag[IMAP_TEXT_MAX + 4];

	imap_show_text(s, r->tag, tag);
	imap_session_dropf(s, ERR_PROTO,
	    "%s answered a command that was not sent (\"%s\")", s->host, tag);
}

void
imap_line_answered(struct imap_session *s, struct imap_line *line)
{
	struct imap_cmd *cmd = line->cmd;

	if (s->sending == line)
		s->sending = line->next;
	DL_DELETE(s->lines, line);
	s->in_flight--;
	if (line->append != NULL)
		line->append->wants = false;
	imap_line_free(line);
	cmd->priv->lines--;
	imap_cmd_settle(cmd);
	imap_session_flush(s);
}

/*
 * RFC 3501 section 6.2.1: everything learned so far was learned in clear. A
 * namespace from then, say, would hide all folders from us, and what is not
 * listed looks deleted.
 */
static void
begin_tls(struct imap_session *s)
{
	s->caps = s->mechs = s->enabled = 0;
	imap_quirks_distrust(s);
	s->has_namespace = false;
	free(s->ns_prefix);
	s->ns_prefix = NULL;
	s->delimiter = '\0';
	s->exists = 0;
	s->muted = true;
	stream_start_tls(&s->stream);
}

/* Is it time for an answer? One that refuses may come where the server is to
 * ask for a literal, or in the middle of a message. */
static bool
may_answer(const struct imap_line *line, bool refusal)
{
	return line->whole ||
	    (refusal && (line->waits || line->append != NULL));
}

static void
tagged(struct imap_session *s, const struct imap_resp *r)
{
	struct imap_line *line = line_by_tag(s, r->tag);
	bool refusal = r->status == IMAP_NO || r->status == IMAP_BAD;
	char text[IMAP_TEXT_MAX + 4];

	if (line == NULL || line->early) {
		refuse_tag(s, r);
		return;
	}
	if (refusal && imap_quirk_temporary(r->text)) {
		imap_show_text(s, r->text, text);
		imap_session_dropf(s, ERR_NET, "%s: %s", s->host, text);
		return;
	}
	imap_session_progress(s);
	s->answers++;
	if (!may_answer(line, refusal)) {
		imap_session_dropf(s, ERR_PROTO,
		    "%s answered %s before it was sent", s->host, line->verb);
		return;
	}
	if (line->cmd->priv->on_line == NULL ||
	    !line->cmd->priv->on_line(line->cmd, line, r))
		imap_cmd_record(line->cmd, line, r);
	/* Refused in the middle of its literal: the server counts the rest of
	   the octets, so they must be sent before anything else. */
	if (!line->whole && !line->waits) {
		line->early = true;
		return;
	}
	if (line->starttls && r->status == IMAP_OK)
		begin_tls(s);
	if (line->compress)
		imap_compress_answered(s, r->status);
	imap_line_answered(s, line);
}

static void
continuation(struct imap_session *s, const struct imap_resp *r)
{
	struct imap_line *line = s->sending;

	if (line != NULL && line->waits) {
		s->round_trips++;
		imap_session_progress(s);
		line->waits = false;
		line->at_stop++;
		imap_session_flush(s);
		return;
	}
	line = oldest(s);
	if (line != NULL && line->on_continue != NULL) {
		if (++line->continues > CONTINUES_MAX) {
			imap_session_dropf(s, ERR_PROTO,
			    "%s does not come to an end with %s", s->host,
			    line->verb);
			return;
		}
		s->round_trips++;
		imap_session_progress(s);
		line->on_continue(line, r);
	}
}

static void
greeting(struct imap_session *s, const struct imap_resp *r)
{
	if (r->kind != IMAP_STATUS_LINE)
		return;
	if (r->status == IMAP_NO || r->status == IMAP_BAD) {
		char text[IMAP_TEXT_MAX + 4];

		imap_show_text(s, r->text, text);
		imap_session_dropf(s, ERR_NET, "%s turned us away: %s",
		    s->host, text);
		return;
	}
	s->greeted = true;
	imap_quirks_greeting(s, r->text);
}

/* Every capability list of the session ends up here, whatever carries it. */
static void
note_code(struct imap_session *s, const struct imap_resp *r)
{
	char text[IMAP_TEXT_MAX + 4];

	switch (r->code.kind) {
	case CODE_CAPABILITY:
		imap_caps_parse(s, r->code.args);
		break;
	case CODE_CLOSED:
		s->exists = 0;
		break;
	case CODE_ALERT:
		/* RFC 3501 wants it shown; Courier says one at each login. */
		imap_show_text(s, r->text, text);
		log_info("%s says: %s", s->host, text);
		break;
	default:
		break;
	}
}

static void
status_line(struct imap_session *s, const struct imap_resp *r)
{
	char text[IMAP_TEXT_MAX + 4];

	note_code(s, r);
	if (r->status == IMAP_BYE) {
		imap_show_text(s, r->text, text);
		imap_session_dropf(s, ERR_NET, "%s closed the connection: %s",
		    s->host, text);
	} else if (r->status == IMAP_PREAUTH &&
	    (s->next == 0 || s->stream.tunnel)) {
		/* A greeting. Later it would be a way around the login. */
		s->preauth = true;
	}
}

static void
fewer(struct imap_session *s, uint64_t n)
{
	s->exists -= n < s->exists ? (uint32_t)n : s->exists;
}

static void
note_namespace(struct imap_session *s, const struct imap_resp *r)
{
	if (s->has_namespace)
		return;
	s->has_namespace = true;
	free(s->ns_prefix);
	s->ns_prefix = span_dup(r->mailbox.name);
	s->delimiter = r->mailbox.delimiter;
}

static void
note_ident(struct imap_session *s, const struct imap_resp *r)
{
	s->ident_sum = fnv1a(FNV1A_START, r->ident.name.p, r->ident.name.n);
	s->ident_sum = fnv1a(s->ident_sum, "", 1);
	s->ident_sum = fnv1a(s->ident_sum, r->ident.version.p,
	    r->ident.version.n);
	imap_quirks_ident(s, r->ident.name);
	imap_quirks_ident(s, r->ident.vendor);
}

/* RFC 7162 section 3.2.10: to those who have enabled QRESYNC, or UIDONLY (RFC
 * 9586). Elsewhere it is nobody's business, and does not count. */
static bool
is_out_of_place(const struct imap_session *s, const struct imap_resp *r)
{
	return r->kind == IMAP_VANISHED &&
	    !(s->enabled & (CAP_QRESYNC | CAP_UIDONLY));
}

/* Facts about the session, whoever asked for them. */
static void
note_untagged(struct imap_session *s, const struct imap_resp *r)
{
	switch (r->kind) {
	case IMAP_STATUS_LINE:
		status_line(s, r);
		break;
	case IMAP_CAPABILITY:
		imap_caps_parse(s, r->caps);
		break;
	case IMAP_ENABLED:
		imap_enabled_parse(s, r->caps);
		break;
	case IMAP_NAMESPACE:
		note_namespace(s, r);
		break;
	case IMAP_ID:
		note_ident(s, r);
		break;
	case IMAP_EXISTS:
		s->exists = (uint32_t)r->number;
		break;
	case IMAP_EXPUNGE:
		fewer(s, 1);
		break;
	case IMAP_VANISHED:
		/* RFC 7162 section 3.2.10: EARLIER does not renumber. */
		if (!r->vanished.earlier)
			fewer(s, uidset_count(&r->vanished.uids));
		break;
	default:
		break;
	}
}

/*
 * Who gets it: the oldest command. Only ESEARCH says whose answer it is, and
 * needs to: Dovecot answers a SEARCH before a FETCH that was sent first.
 */
static struct imap_line *
addressee(struct imap_session *s, const struct imap_resp *r)
{
	struct imap_line *line = r->kind == IMAP_SEARCH ?
	    line_by_tag(s, r->search.tag) : NULL;

	return line != NULL ? line : oldest(s);
}

static void
untagged(struct imap_session *s, const struct imap_resp *r)
{
	struct imap_line *line = addressee(s, r);
	struct imap_cmd *cmd;

	if (!s->greeted)
		greeting(s, r);
	if (is_out_of_place(s, r))
		line = NULL;
	else if (s->err.kind == ERR_NONE)
		note_untagged(s, r);
	if (s->err.kind != ERR_NONE)
		return;
	if (line == NULL) {
		if (++s->unasked > IMAP_UNASKED_MAX)
			imap_session_dropf(s, ERR_PROTO,
			    "%s does not stop to send what nobody asked for",
			    s->host);
		return;
	}
	cmd = line->cmd;
	s->answers += r->kind == IMAP_LIST || r->kind == IMAP_STATUS;
	if (cmd->priv->on_data != NULL)
		cmd->priv->on_data(cmd, r);
	if (cmd->on_data != NULL)
		cmd->on_data(cmd, r);
	task_wake(cmd->task);
}

static void
dispatch(struct imap_session *s, const struct imap_resp *r)
{
	imap_trace_resp(s, r);
	if (r->kind == IMAP_TAGGED) {
		note_code(s, r);
		tagged(s, r);
	} else if (r->kind == IMAP_CONTINUE) {
		continuation(s, r);
	} else {
		untagged(s, r);
	}
}

void
imap_session_read(struct imap_session *s)
{
	struct imap_resp r;
	struct err err = { 0 };
	int got = 1;

	while (s->err.kind == ERR_NONE && !s->paused && !s->muted) {
		got = imap_reader_next(s->reader, &s->stream.in, &r, &err);
		if (got <= 0)
			break;
		dispatch(s, &r);
	}
	if (got < 0 && s->err.kind == ERR_NONE) {
		char *shown = strstr(err.msg, ": ");

		/* The reader does not know what must not be shown, and shows
		   it in part. */
		if (shown != NULL && (s->logging_in ||
		    imap_secret_begins_in(s, shown)))
			*shown = '\0';
		err_within(&err, "%s", s->host);
		imap_session_drop(s, &err);
	}
}
