/*
 * The end of a session. The task lives until the session's pump has ended;
 * only then is the session freed.
 */
#include "internal.h"

#include <stdlib.h>

#include "base/mem.h"
#include "loop/timer.h"

/* What a server may take to say goodbye. */
#define LOGOUT_MS	1000

struct closing {
	struct task task;
	struct imap_session *session;
	struct imap_cmd cmd;
	struct timer timer;
};

static enum task_result
close_gone(struct task *t)
{
	struct closing *c = (struct closing *)t;

	return c->session->ended ? TASK_DONE : task_wait(t, close_gone);
}

static void
close_drop(struct closing *c)
{
	struct err err;

	err_set(&err, ERR_NET, "the session was closed");
	imap_session_dispose(c->session, &c->task, &err);
}

/* BYE comes first and ends the session; the tagged OK is not waited for. */
static enum task_result
close_said(struct task *t)
{
	struct closing *c = (struct closing *)t;

	if (!c->cmd.done && !c->timer.fired)
		return task_wait(t, close_said);
	close_drop(c);
	return task_next(t, close_gone);
}

static enum task_result
close_begin(struct task *t)
{
	struct closing *c = (struct closing *)t;
	struct imap_session *s = c->session;
	struct imap_line *line;

	imap_session_pause(s, false);
	imap_cmd_init(&c->cmd, s, t);
	line = imap_line_new(&c->cmd, "LOGOUT");
	imap_line_send(line);
	imap_cmd_started(&c->cmd);
	timer_start(&c->timer, t, LOGOUT_MS);
	return task_next(t, close_said);
}

static enum task_result
close_at_once(struct task *t)
{
	close_drop((struct closing *)t);
	return task_next(t, close_gone);
}

static void
close_abort(struct task *t)
{
	struct closing *c = (struct closing *)t;

	if (c->session->waiter == NULL)
		close_drop(c);
}

static void
close_finish(struct task *t)
{
	struct closing *c = (struct closing *)t;

	timer_stop(&c->timer);
	imap_cmd_release(&c->cmd);
	imap_session_free(c->session);
	free(c);
}

void
imap_close_start(struct imap_session *s, struct task *parent, bool polite)
{
	struct closing *c;

	if (s->ended) {
		imap_session_free(s);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->session = s;
	c->task.abort = close_abort;
	c->task.finish = close_finish;
	/* The pump may belong to another task than the one that closes. */
	task_start(&c->task, s->task.loop, parent, "close",
	    polite && s->err.kind == ERR_NONE ? close_begin : close_at_once);
}
