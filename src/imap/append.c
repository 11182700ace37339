/*
 * The command APPEND, which uploads messages. They are not in the line: their
 * octets are fed while the line stands first in the send queue, so they never
 * have to be in memory as a whole. The text of the line is what stands around
 * them: up to the end of the first head, then from head to head.
 */
#include "internal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "imap/text.h"

struct imap_append_priv {
	struct imap_line *line;		/* while it is not whole */
	struct imap_append_part {
		uint32_t size;
		size_t head_end;	/* in the text of the line */
	} *part;
};

static void
append_on_done(struct imap_cmd *cmd)
{
	struct imap_append *a = (struct imap_append *)cmd;

	a->wants = false;
	free(a->priv->part);
	free(a->priv);
	a->priv = NULL;
	/* Each message has one UID: any other answer says nothing. */
	if (cmd->code == CODE_APPENDUID &&
	    uidset_count(&cmd->code_uids) != a->n)
		cmd->code = CODE_UNKNOWN;
}

bool
imap_append_may_join(const struct imap_session *s, uint32_t size)
{
	return (imap_session_caps(s) & CAP_MULTIAPPEND) != 0 &&
	    !imap_literal_waits(s, size);
}

/* " (flags) "date" {size}" */
static void
append_head(struct imap_line *line, const struct imap_append_message *m)
{
	char date[30];

	if (m->size == 0)
		imap_cmd_fail(line->cmd, ERR_REFUSED,
		    "an empty message can't be uploaded");
	imap_line_add(line, " ");
	imap_line_flags(line, m->flags, m->keywords);
	imap_date_format(m->date, date);
	imap_line_add(line, " %s ", date);
	imap_line_literal_head(line, m->size);
}

static void
append_to_part(struct imap_append *a, struct imap_line *line, size_t at)
{
	a->at = at;
	a->size = a->priv->part[at].size;
	a->fed = 0;
	line->head_end = a->priv->part[at].head_end;
}

void
imap_append_start(struct imap_session *s, struct imap_append *a,
    struct task *task, const struct imap_append_args *args)
{
	struct imap_line *line;
	size_t i;

	imap_cmd_init(&a->cmd, s, task);
	a->wants = false;
	a->n = args->n;
	a->priv = xcalloc(1, sizeof(*a->priv));
	a->priv->part = xcalloc(args->n, sizeof(*a->priv->part));
	a->cmd.priv->on_done = append_on_done;
	line = imap_line_new(&a->cmd, "APPEND");
	imap_line_astring(line, args->raw);
	for (i = 0; i < args->n; i++) {
		append_head(line, &args->message[i]);
		a->priv->part[i] = (struct imap_append_part){
			args->message[i].size, line->text.len,
		};
	}
	line->append = a;
	a->priv->line = line;
	append_to_part(a, line, 0);
	imap_line_send(line);
	imap_cmd_started(&a->cmd);
}

/* All is sent: the line goes out of the way of the next one. */
static void
append_end(struct imap_append *a, struct imap_session *s)
{
	struct imap_line *line = a->priv->line;

	stream_write(&s->stream, "\r\n", 2);
	a->at = a->n;
	a->wants = false;
	a->priv->line = NULL;
	line->append = NULL;
	line->whole = true;
	s->sending = line->next;
	if (line->early)
		imap_line_answered(s, line);
	else
		imap_session_flush(s);
	imap_session_expect(s);
}

/* A literal is complete. Of what was refused already no more is sent. */
static void
append_next(struct imap_append *a, struct imap_session *s)
{
	if (a->at + 1 == a->n || a->priv->line->early) {
		append_end(a, s);
		return;
	}
	append_to_part(a, a->priv->line, a->at + 1);
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
		append_next(a, s);
	else
		imap_session_expect(s);
}

void
imap_append_abandon(struct imap_append *a, const struct err *err)
{
	if (!a->cmd.done)
		imap_session_drop(a->cmd.priv->session, err);
}

static void
uidnext_on_data(struct imap_cmd *cmd, const struct imap_resp *r)
{
	struct imap_uidnext *u = (struct imap_uidnext *)cmd;

	if (r->kind == IMAP_STATUS && r->mailbox.has_uidnext)
		u->uidnext = r->mailbox.uidnext;
}

void
imap_uidnext_start(struct imap_session *s, struct imap_uidnext *u,
    struct task *task, const char *raw)
{
	struct imap_line *line;

	imap_cmd_init(&u->cmd, s, task);
	u->uidnext = 0;
	u->cmd.priv->on_data = uidnext_on_data;
	line = imap_line_new(&u->cmd, "STATUS");
	imap_line_astring(line, raw);
	imap_line_add(line, " (UIDNEXT)");
	imap_line_send(line);
	imap_cmd_started(&u->cmd);
}

static void
guid_on_data(struct imap_cmd *cmd, const struct imap_resp *r)
{
	struct imap_guid *g = (struct imap_guid *)cmd;

	g->told |= r->kind == IMAP_STATUS && r->mailbox.has_guid;
}

void
imap_guid_start(struct imap_session *s, struct imap_guid *g, struct task *task)
{
	struct imap_line *line;

	imap_cmd_init(&g->cmd, s, task);
	g->told = false;
	g->cmd.priv->on_data = guid_on_data;
	line = imap_line_new(&g->cmd, "STATUS INBOX (X-GUID)");
	imap_line_send(line);
	imap_cmd_started(&g->cmd);
}
