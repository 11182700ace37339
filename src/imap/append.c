/*
 * APPEND. The message is not in the line: its octets are fed while the line
 * stands first in the send queue, so it never has to be in memory as a whole.
 */
#include "internal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "imap/text.h"

struct imap_append_priv {
	struct imap_line *line;		/* while it is not whole */
};

static void
append_on_done(struct imap_cmd *cmd)
{
	struct imap_append *a = (struct imap_append *)cmd;

	a->wants = false;
	free(a->priv);
	a->priv = NULL;
	/* One message has one UID: any other answer says nothing. */
	if (cmd->code == CODE_APPENDUID && uidset_count(&cmd->code_uids) != 1)
		cmd->code = CODE_UNKNOWN;
}

void
imap_append_start(struct imap_session *s, struct imap_append *a,
    struct task *task, const struct imap_append_args *args)
{
	struct imap_line *line;
	char date[30];

	imap_cmd_init(&a->cmd, s, task);
	a->wants = false;
	a->size = args->size;
	a->fed = 0;
	a->priv = xcalloc(1, sizeof(*a->priv));
	a->cmd.priv->on_done = append_on_done;
	if (args->size == 0)
		imap_cmd_fail(&a->cmd, ERR_REFUSED,
		    "an empty message can't be uploaded");
	line = imap_line_new(&a->cmd, "APPEND");
	imap_line_astring(line, args->raw);
	imap_line_add(line, " ");
	imap_line_flags(line, args->flags, args->keywords);
	imap_date_format(args->date, date);
	imap_line_add(line, " %s ", date);
	imap_line_literal_head(line, args->size);
	line->append = a;
	a->priv->line = line;
	imap_line_send(line);
	imap_cmd_started(&a->cmd);
}

/* The literal is complete: the line goes out of the way of the next one. */
static void
append_end(struct imap_append *a, struct imap_session *s)
{
	struct imap_line *line = a->priv->line;

	stream_write(&s->stream, "\r\n", 2);
	a->wants = false;
	a->priv->line = NULL;
	line->append = NULL;
	line->whole = true;
	s->sending = TAILQ_NEXT(line, link);
	if (line->early)
		imap_line_answered(s, line);
	else
		imap_session_flush(s);
	imap_session_expect(s);
}

void
imap_append_feed(struct imap_append *a, const void *data, size_t n)
{
	struct imap_session *s;

	if (a->cmd.done || !a->wants)
		return;
	assert(n <= a->size - a->fed);
	s = a->cmd.priv->session;
	s->now = clock_mono_ms();
	imap_session_progress(s);
	stream_write(&s->stream, data, n);
	a->fed += (uint32_t)n;
	if (a->fed == a->size)
		append_end(a, s);
	else
		imap_session_expect(s);
}

void
imap_append_abandon(struct imap_append *a, const struct err *err)
{
	if (!a->cmd.done)
		imap_session_drop(a->cmd.priv->session, err);
}
