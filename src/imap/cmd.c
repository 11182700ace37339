/*
 * A command, as a flow waits for it. It is done when none of its lines is left;
 * before that its on_done may look at what came and send further ones.
 */
#include "internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void
imap_cmd_init(struct imap_cmd *cmd, struct imap_session *s, struct task *task)
{
	memset(cmd, 0, sizeof(*cmd));
	cmd->priv = xcalloc(1, sizeof(*cmd->priv));
	cmd->priv->session = s;
	cmd->priv->starting = true;
	cmd->task = task;
	task_hold(task);
	if (s->err.kind != ERR_NONE)
		cmd->err = s->err;
}

bool
imap_cmd_answer(struct imap_cmd *cmd, uint64_t asked)
{
	struct imap_session *s = cmd->priv->session;
	struct imap_cmd_priv *p = cmd->priv;

	if (s->exists > p->most)
		p->most = s->exists < IMAP_MESSAGES_MAX ? s->exists :
		    IMAP_MESSAGES_MAX;
	if (asked > p->most)
		asked = p->most;
	if (++p->answers > 4 * asked + 1000)
		return false;
	imap_session_progress(s);
	return true;
}

void
imap_cmd_started(struct imap_cmd *cmd)
{
	cmd->priv->starting = false;
	imap_cmd_settle(cmd);
}

static bool
cmd_quiet(const struct imap_cmd *cmd)
{
	return !cmd->priv->starting && cmd->priv->lines == 0;
}

void
imap_cmd_settle(struct imap_cmd *cmd)
{
	if (!cmd_quiet(cmd))
		return;
	if (cmd->priv->on_done != NULL) {
		/* What it sends may fail at once, the connection being lost. */
		cmd->priv->starting = true;
		cmd->priv->on_done(cmd);
		cmd->priv->starting = false;
		if (!cmd_quiet(cmd))
			return;
	}
	free(cmd->priv);
	cmd->priv = NULL;
	cmd->done = true;
	task_unhold(cmd->task);
}

void
imap_cmd_fail(struct imap_cmd *cmd, enum err_kind kind, const char *fmt, ...)
{
	char msg[sizeof(cmd->err.msg)];
	va_list ap;

	if (cmd->err.kind != ERR_NONE)
		return;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	err_set(&cmd->err, kind, "%s", msg);
	cmd->status = IMAP_BAD;
}

bool
imap_cmd_refused(const struct imap_cmd *cmd)
{
	return cmd->err.kind == ERR_REFUSED;
}

void
imap_cmd_forget(struct imap_cmd *cmd)
{
	cmd->err.kind = ERR_NONE;
	cmd->err.msg[0] = '\0';
	cmd->status = IMAP_OK;
	cmd->code = CODE_NONE;
	cmd->code_number = 0;
	uidset_clear(&cmd->code_uids);
	uidset_clear(&cmd->code_to);
}

static void
add_set(struct uidset *to, const struct uidset *from)
{
	for (size_t i = 0; i < from->n; i++)
		uidset_add_range(to, from->range[i].first,
		    from->range[i].last);
}

/*
 * The codes of several lines add up, as long as they speak of the same thing.
 * A code that carries something is not replaced by one that does not.
 */
static void
cmd_add_code(struct imap_cmd *cmd, const struct imap_code *code)
{
	bool sets = code->kind == CODE_APPENDUID ||
	    code->kind == CODE_COPYUID || code->kind == CODE_MODIFIED;

	if (!sets) {
		if (cmd->code == CODE_NONE || cmd->code == CODE_UNKNOWN) {
			cmd->code = code->kind;
			cmd->code_number = code->number;
		}
		return;
	}
	if (cmd->code != code->kind || cmd->code_number != code->number) {
		uidset_clear(&cmd->code_uids);
		uidset_clear(&cmd->code_to);
	}
	cmd->code = code->kind;
	cmd->code_number = code->number;
	add_set(&cmd->code_uids, &code->uids);
	add_set(&cmd->code_to, &code->to);
}

/*
 * Dovecot ends its refusals with when they were and how long they took. The
 * same refusal is to read the same tomorrow.
 */
static void
cut_times(char *text)
{
	char *p = strrchr(text, '(');
	size_t n;

	if (p != NULL && strstr(p, " secs)") != NULL)
		*p = '\0';
	p = strrchr(text, '[');
	if (p != NULL && strspn(p + 1, "0123456789-: ") == 19 && p[20] == ']')
		*p = '\0';
	for (n = strlen(text); n > 0 && text[n - 1] == ' '; n--)
		text[n - 1] = '\0';
}

/* The first failure is the result; its code stays. */
void
imap_cmd_record(struct imap_cmd *cmd, const struct imap_line *line,
    const struct imap_resp *r)
{
	char text[IMAP_TEXT_MAX + 4];

	if (cmd->err.kind != ERR_NONE)
		return;
	if (r->status == IMAP_OK) {
		cmd_add_code(cmd, &r->code);
		return;
	}
	imap_show_text(cmd->priv->session, r->text, text);
	cut_times(text);
	err_set(&cmd->err, ERR_REFUSED, "%s refused %s: %s",
	    cmd->priv->session->host, line->verb, text);
	cmd->status = r->status;
	if (r->code.kind == CODE_MODIFIED) {
		cmd_add_code(cmd, &r->code);
		return;
	}
	cmd->code = r->code.kind;
	cmd->code_number = r->code.number;
}

int
imap_result(const struct imap_cmd *cmd, struct err *err)
{
	if (!cmd->done)
		return 0;
	if (cmd->err.kind == ERR_NONE)
		return 1;
	*err = cmd->err;
	return -1;
}

static enum task_result
answer_awaited(struct task *t)
{
	const struct imap_cmd *cmd = t->awaited;

	if (!cmd->done)
		return task_wait(t, answer_awaited);
	if (cmd->err.kind != ERR_NONE && cmd->err.kind != ERR_REFUSED)
		return task_fail(t, &cmd->err);
	return task_next(t, t->after);
}

enum task_result
imap_wait(struct task *t, const struct imap_cmd *cmd, task_step *next)
{
	t->awaited = cmd;
	t->after = next;
	return task_next(t, answer_awaited);
}

const char *
imap_refusal(const struct imap_cmd *cmd)
{
	return cmd->err.kind == ERR_REFUSED ? cmd->err.msg : NULL;
}

void
imap_cmd_release(struct imap_cmd *cmd)
{
	assert(cmd->priv == NULL);
	uidset_release(&cmd->code_uids);
	uidset_release(&cmd->code_to);
}
