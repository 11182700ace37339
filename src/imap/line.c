/*
 * Writes command lines and sends them in order. Every string that is not a
 * constant goes through imap_line_astring: as an atom when it is made of
 * letters, digits and a few signs, else quoted, else (8-bit, control
 * characters, line ends) as a literal. So nothing that a folder name or a
 * password holds can end a command and begin another.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "mail/flags.h"

/* Longer strings go as literals: servers bound what they take quoted. */
#define QUOTED_MAX	900
/* RFC 7888 section 5: what LITERAL- lets us send without asking. */
#define LITERAL_MINUS_MAX 4096

struct imap_line *
imap_line_new(struct imap_cmd *cmd, const char *verb)
{
	struct imap_session *s = cmd->priv->session;
	struct imap_line *line = xcalloc(1, sizeof(*line));

	line->cmd = cmd;
	line->verb = verb;
	line->number = ++s->next;
	buf_init(&line->text, 4 * LIMIT_COMMAND_LINE);
	buf_init(&line->shown, 4 * LIMIT_COMMAND_LINE);
	imap_line_add(line, "%s%" PRIu64 " %s", s->prefix, line->number, verb);
	return line;
}

void
imap_line_free(struct imap_line *line)
{
	if (line->secret)
		mem_wipe(line->text.data, line->text.len);
	buf_release(&line->text);
	buf_release(&line->shown);
	free(line->stop);
	free(line);
}

/* What goes on the wire and what the log shows instead (NULL: the same). */
static void
line_put(struct imap_line *line, const char *p, size_t n, const char *shown)
{
	bool ok = buf_add(&line->text, p, n);

	ok = ok && (shown == NULL ? buf_add(&line->shown, p, n) :
	    buf_add_str(&line->shown, shown));
	if (!ok)
		line->bad = true;
}

void
imap_line_add(struct imap_line *line, const char *fmt, ...)
{
	char text[LIMIT_COMMAND_LINE + 1];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text)) {
		line->bad = true;
		return;
	}
	line_put(line, text, (size_t)n, NULL);
}

enum form { FORM_ATOM, FORM_QUOTED, FORM_LITERAL };

static bool
atom_char(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' ||
	    c == '/';
}

static enum form
string_form(const char *s, size_t n)
{
	enum form form = FORM_ATOM;

	if (n == 0 || strcasecmp(s, "NIL") == 0)
		form = FORM_QUOTED;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < 0x20 || c >= 0x7f)
			return FORM_LITERAL;
		if (!atom_char(c))
			form = FORM_QUOTED;
	}
	return n > QUOTED_MAX ? FORM_LITERAL : form;
}

static void
put_quoted(struct imap_line *line, const char *s, const char *shown)
{
	line_put(line, "\"", 1, shown);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			line_put(line, "\\", 1, shown != NULL ? "" : NULL);
		line_put(line, s, 1, shown != NULL ? "" : NULL);
	}
	line_put(line, "\"", 1, shown != NULL ? "" : NULL);
}

bool
imap_literal_waits(const struct imap_session *s, uint32_t size)
{
	unsigned caps = imap_session_caps(s);

	return (caps & CAP_LITERAL_PLUS) == 0 &&
	    ((caps & CAP_LITERAL_MINUS) == 0 || size > LITERAL_MINUS_MAX);
}

/* "{n}" CR LF; behind it, unless the server agreed in advance, "+" is due. */
void
imap_line_literal_head(struct imap_line *line, uint32_t size)
{
	bool sync = imap_literal_waits(line->cmd->priv->session, size);

	imap_line_add(line, "{%" PRIu32 "%s}\r\n", size, sync ? "" : "+");
	if (sync)
		*VEC_ADD(line->stop, line->nstop, line->capstop) =
		    line->text.len;
}

static void
put_string(struct imap_line *line, const char *s, const char *shown)
{
	size_t n = strlen(s);

	/* The log line's length must not tell the password's. */
	switch (string_form(s, n)) {
	case FORM_ATOM:
		line_put(line, s, n, shown);
		break;
	case FORM_QUOTED:
		put_quoted(line, s, shown);
		break;
	case FORM_LITERAL:
		if (n > 2 * LIMIT_COMMAND_LINE) {
			line->bad = true;
			break;
		}
		imap_line_literal_head(line, (uint32_t)n);
		line_put(line, s, n, shown);
		line->literal += n;
		break;
	}
}

void
imap_line_astring(struct imap_line *line, const char *s)
{
	line_put(line, " ", 1, NULL);
	put_string(line, s, NULL);
}

/* Reserved at once, so that growing leaves no copy behind. */
static void
line_hide(struct imap_line *line)
{
	if (!line->secret && buf_room(&line->text, 3 * LIMIT_SECRET) == NULL)
		line->bad = true;
	line->secret = true;
}

void
imap_line_secret(struct imap_line *line, const char *s)
{
	line_hide(line);
	line_put(line, " ", 1, NULL);
	put_string(line, s, "***");
}

void
imap_line_masked(struct imap_line *line, const char *s)
{
	line_hide(line);
	line_put(line, s, strlen(s), "***");
}

static const char *
next_keyword(const char *p, struct span *word_out)
{
	size_t n;

	while (*p == ' ')
		p++;
	n = strcspn(p, " ");
	*word_out = (struct span){ p, n };
	return p + n;
}

/* "(\Seen word)". */
void
imap_line_flags(struct imap_line *line, unsigned flags, const char *keywords)
{
	const char *sep = "";
	struct span word;

	imap_line_add(line, "(");
	for (unsigned bit = 1; bit <= FLAG_ALL; bit <<= 1) {
		if ((flags & bit) == 0)
			continue;
		imap_line_add(line, "%s%s", sep, flag_imap_name(bit));
		sep = " ";
	}
	while (keywords != NULL &&
	    (keywords = next_keyword(keywords, &word), word.n > 0)) {
		if (!keyword_valid(word))
			line->bad = true;
		imap_line_add(line, "%s%.*s", sep, (int)word.n, word.p);
		sep = " ";
	}
	imap_line_add(line, ")");
}

/* What of the text may be sent now: up to where octets are fed. */
static size_t
line_end(const struct imap_line *line)
{
	return line->append != NULL ? line->head_end : line->text.len;
}

void
imap_line_send(struct imap_line *line)
{
	struct imap_cmd *cmd = line->cmd;
	struct imap_session *s = cmd->priv->session;

	if (line->append == NULL)
		line_put(line, "\r\n", 2, "");
	if (line->bad || line_end(line) - line->literal >
	    LIMIT_COMMAND_LINE + 4 * LIMIT_SECRET / 3)
		imap_cmd_fail(cmd, ERR_REFUSED,
		    "%s can't be put into one IMAP command", line->verb);
	if (cmd->err.kind == ERR_NONE && s->err.kind != ERR_NONE)
		cmd->err = s->err;
	if (cmd->err.kind != ERR_NONE) {
		imap_line_free(line);
		return;
	}
	cmd->priv->lines++;
	DL_APPEND(s->lines, line);
	if (s->sending == NULL)
		s->sending = line;
	imap_session_flush(s);
	imap_session_expect(s);
}

/* Not one more than are to be asked for by a command; but a range that begins
 * so is not cut: who knows how many of it there are. */
static void
cut_to_limit(const struct imap_session *s, const struct uidset *from,
    struct uidset *out)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < from->n; i++) {
		const struct uidrange *r = &from->range[i];

		n += (uint64_t)r->last - r->first + 1;
		if (i > 0 && s->message_limit > 0 && n > s->message_limit)
			break;
		uidset_add_range(out, r->first, r->last);
	}
}

/* As much as a line holds, and the server takes; it is gone from rest. */
static void
line_take_set(struct imap_line *line, struct uidset *rest)
{
	/* Room for the tag, the verb and what follows the set. */
	const struct imap_session *s = line->cmd->priv->session;
	size_t at = 0, max = s->line_max - s->line_max / 4;
	struct uidset now = { 0 };
	struct buf part;

	cut_to_limit(s, rest, &now);
	buf_init(&part, s->line_max);
	if (!uidset_format(&now, &at, max, &part) && at == 0)
		line->bad = true;
	imap_line_add(line, " %s", buf_str(&part));
	buf_release(&part);
	if (at > 0) {
		line->first = now.range[0].first;
		line->last = now.range[at - 1].last;
		uidset_clear(&now);
		uidset_add_range(&now, line->first, line->last);
	}
	uidset_less(rest, &now);
	uidset_release(&now);
}

static void
leave_high_out(struct uidset *set)
{
	struct uidset high = { 0 };

	uidset_add_range(&high, (uint32_t)INT32_MAX + 1, UINT32_MAX);
	uidset_less(set, &high);
	uidset_release(&high);
}

void
imap_line_sets(struct imap_cmd *cmd, const char *verb,
    const struct uidset *set, void (*tail)(struct imap_line *, void *),
    void *arg)
{
	struct uidset rest = { 0 };

	uidset_join(&rest, set);
	if (cmd->priv->session->low_uids)
		leave_high_out(&rest);
	while (!uidset_empty(&rest) && cmd->err.kind == ERR_NONE) {
		struct imap_line *line = imap_line_new(cmd, verb);

		line_take_set(line, &rest);
		tail(line, arg);
		imap_line_send(line);
	}
	uidset_release(&rest);
}

static void
line_begin(struct imap_session *s, struct imap_line *line)
{
	line->begun = true;
	s->unasked = 0;
	if (s->in_flight++ == 0) {
		s->round_trips++;
		s->now = clock_mono_ms();
		imap_session_progress(s);
	}
	imap_trace_line(s, line);
}

/* Returns whether the next line may follow. */
static bool
line_go_on(struct imap_session *s, struct imap_line *line)
{
	bool stops = line->at_stop < line->nstop;
	size_t end = stops ? line->stop[line->at_stop] : line_end(line);

	if (line->waits)
		return false;
	if (end > line->sent)
		stream_write(&s->stream, line->text.data + line->sent,
		    end - line->sent);
	line->sent = end;
	if (stops) {
		line->waits = true;
		return false;
	}
	if (line->append != NULL) {
		if (!line->append->wants) {
			line->append->wants = true;
			task_wake(line->cmd->task);
		}
		return false;
	}
	line->whole = true;
	/* RFC 4978 section 3: the answer tells how to send what follows. */
	return !line->compress;
}

void
imap_session_flush(struct imap_session *s)
{
	while (s->err.kind == ERR_NONE && s->sending != NULL) {
		struct imap_line *line = s->sending;

		if (!line->begun)
			line_begin(s, line);
		if (!line_go_on(s, line))
			return;
		s->sending = line->next;
	}
}
