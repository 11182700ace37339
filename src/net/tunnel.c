/*
 * A command that carries the connection on its stdin and stdout, as "ssh host
 * imapd" does. It has its own session, so that Ctrl-C does not end it under
 * our hands; stderr is the user's.
 */
#include "internal.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

#define EXIT_MS		1000	/* from the end of its output to its exit */
#define TERM_MS		500	/* from the end of its input to SIGTERM */
#define KILL_MS		2000	/* from SIGTERM to SIGKILL */

struct tunnel {
	struct stream_priv *p;
	uv_process_t process;
	uv_pipe_t to, from;
	uv_timer_t timer;
	bool running, eof, closing, told;
	int status;
	int handles;
};

static void
on_tunnel_closed(uv_handle_t *h)
{
	struct stream_priv *p = h->data;

	if (--p->tunnel->handles == 0) {
		free(p->tunnel);
		p->tunnel = NULL;
	}
	stream_handle_closed(p);
}

static void
close_process(struct tunnel *t)
{
	uv_close((uv_handle_t *)&t->process, on_tunnel_closed);
	uv_close((uv_handle_t *)&t->timer, on_tunnel_closed);
}

static void
ended(struct tunnel *t)
{
	struct err err = { 0 };

	if (t->running || t->status == 0) {
		stream_ended(t->p);
		return;
	}
	err_set(&err, ERR_NET, "the tunnel command ended with status %d",
	    t->status);
	stream_fail(t->p, &err);
}

static void
on_exit_status(uv_process_t *h, int64_t status, int signum)
{
	struct tunnel *t = ((struct stream_priv *)h->data)->tunnel;

	t->running = false;
	t->status = signum != 0 ? 128 + signum : (int)status;
	uv_timer_stop(&t->timer);
	if (t->closing)
		close_process(t);
	else if (t->eof)
		ended(t);
}

static void
on_timer(uv_timer_t *h)
{
	struct tunnel *t = ((struct stream_priv *)h->data)->tunnel;

	if (!t->closing) {
		ended(t);
		return;
	}
	kill(-t->process.pid, t->told ? SIGKILL : SIGTERM);
	if (!t->told)
		uv_timer_start(h, on_timer, KILL_MS, 0);
	t->told = true;
}

void
tunnel_eof(struct stream_priv *p)
{
	struct tunnel *t = p->tunnel;

	t->eof = true;
	if (t->running)
		uv_timer_start(&t->timer, on_timer, EXIT_MS, 0);
	else
		ended(t);
}

static int
spawn(struct tunnel *t, const char *command)
{
	char *argv[] = { "sh", "-c", (char *)(uintptr_t)command, NULL };
	uv_stdio_container_t stdio[] = {
		{ .flags = UV_CREATE_PIPE | UV_READABLE_PIPE,
		    .data.stream = (uv_stream_t *)&t->to },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
		    .data.stream = (uv_stream_t *)&t->from },
		{ .flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO },
	};
	uv_process_options_t o = {
		.exit_cb = on_exit_status,
		.file = "/bin/sh",
		.args = argv,
		.flags = UV_PROCESS_DETACHED,
		.stdio_count = 3,
		.stdio = stdio,
	};

	return uv_spawn(t->p->uv, &t->process, &o);
}

void
tunnel_open(struct stream_priv *p, const char *command)
{
	struct tunnel *t = xcalloc(1, sizeof(*t));
	struct err err = { 0 };
	int r;

	t->p = p;
	t->process.data = t->to.data = t->from.data = t->timer.data = p;
	uv_pipe_init(p->uv, &t->to, 0);
	uv_pipe_init(p->uv, &t->from, 0);
	uv_timer_init(p->uv, &t->timer);
	for (t->handles = 0; t->handles < 4; t->handles++)
		stream_handle_opened(p);
	p->tunnel = t;
	r = spawn(t, command);
	if (r != 0) {
		err_set(&err, ERR_NET, "can't run the tunnel command: %s",
		    uv_strerror(r));
		stream_fail(p, &err);
		return;
	}
	t->running = true;
	stream_connected(p, (uv_stream_t *)&t->from, (uv_stream_t *)&t->to);
}

/* Closed only after it was reaped, so that no zombie stays behind. */
void
tunnel_close(struct stream_priv *p)
{
	struct tunnel *t = p->tunnel;

	t->closing = true;
	uv_close((uv_handle_t *)&t->to, on_tunnel_closed);
	uv_close((uv_handle_t *)&t->from, on_tunnel_closed);
	if (!t->running) {
		close_process(t);
		return;
	}
	uv_timer_start(&t->timer, on_timer, TERM_MS, 0);
}
