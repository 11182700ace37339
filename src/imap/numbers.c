/* The command STATUS, of one folder. */
#include "internal.h"

#include <stdlib.h>

#include "base/mem.h"
#include "imap/list.h"

static void
status_on_data(struct imap_cmd *cmd, const struct imap_resp *r)
{
	struct imap_numbers *s = (struct imap_numbers *)cmd;

	if (r->kind != IMAP_STATUS)
		return;
	if (r->mailbox.has_messages)
		s->messages = r->mailbox.messages;
	if (r->mailbox.has_uidnext)
		s->uidnext = r->mailbox.uidnext;
	if (r->mailbox.has_uidvalidity)
		s->uidvalidity = r->mailbox.uidvalidity;
}

static bool
status_on_line(struct imap_cmd *cmd, struct imap_line *line,
    const struct imap_resp *r)
{
	struct imap_numbers *s = (struct imap_numbers *)cmd;

	(void)line;
	s->absent_in_words = r->status == IMAP_NO &&
	    r->code.kind == CODE_NONE &&
	    imap_quirk_absent(cmd->priv->session, r->text, s->raw);
	return false;
}

void
imap_numbers_start(struct imap_session *s, struct imap_numbers *q,
    struct task *task, const char *raw)
{
	struct imap_line *line;

	*q = (struct imap_numbers){ .raw = xstrdup(raw) };
	imap_cmd_init(&q->cmd, s, task);
	q->cmd.priv->on_data = status_on_data;
	q->cmd.priv->on_line = status_on_line;
	line = imap_line_new(&q->cmd, "STATUS");
	imap_line_astring(line, raw);
	imap_line_add(line, " (MESSAGES UIDNEXT UIDVALIDITY)");
	imap_line_send(line);
	imap_cmd_started(&q->cmd);
}

void
imap_numbers_release(struct imap_numbers *q)
{
	free(q->raw);
	q->raw = NULL;
	imap_cmd_release(&q->cmd);
}
