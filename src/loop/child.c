/* Runs a shell command and collects what it prints, up to a bound. */
#include "loop/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/os.h"
#include "internal.h"
#include "loop/uv.h"

/*
 * Completes when the shell has exited and its output has ended. A program that
 * it left in the background (gpg-agent) may hold the output open for ever, so
 * the end of it is awaited for GRACE_MS only: what the command itself wrote is
 * in the pipe by then.
 */
#define GRACE_MS	500

/* Lives until libuv has let go of all three handles. */
struct child_proc {
	uv_process_t process;
	uv_pipe_t output;
	uv_timer_t timer;
	struct child *child;	/* NULL once it is done */
	struct task *task;
	uint64_t ms;
	int open_handles;
	bool running;
	bool output_open;
	char one_more;		/* read into when out is full */
};

static void
on_child_closed(uv_handle_t *h)
{
	struct child_proc *p = h->data;

	if (--p->open_handles == 0) {
		mem_wipe(p, sizeof(*p));
		free(p);
	}
}

static void
close_handle(void *handle)
{
	uv_close(handle, on_child_closed);
}

static void
complete(struct child_proc *p)
{
	struct child *c = p->child;
	struct task *task = p->task;

	if (c == NULL)
		return;
	p->child = NULL;
	close_handle(&p->process);
	close_handle(&p->output);
	close_handle(&p->timer);
	c->proc = NULL;
	c->done = true;
	task_unhold(task);
}

static void
check_done(struct child_proc *p)
{
	if (!p->running && !p->output_open)
		complete(p);
}

/* Its group is the one that setsid made. Once reaped, the id is not ours. */
static void
kill_group(struct child_proc *p)
{
	if (p->running)
		kill(-p->process.pid, SIGKILL);
}

static void
on_timer(uv_timer_t *h)
{
	struct child_proc *p = h->data;

	if (!p->running) {
		complete(p);
		return;
	}
	if (p->child->err.kind == ERR_NONE)
		err_set(&p->child->err, ERR_IO, "the command did not end "
		    "within %llu seconds and was killed",
		    (unsigned long long)((p->ms + 999) / 1000));
	kill_group(p);
}

static void
on_exit_status(uv_process_t *h, int64_t status, int signum)
{
	struct child_proc *p = h->data;

	p->running = false;
	p->child->status = signum != 0 ? 128 + signum : (int)status;
	uv_timer_start(&p->timer, on_timer, GRACE_MS, 0);
	check_done(p);
}

/* Straight into out, which never moves: no copy of a secret stays behind. */
static void
on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
	struct child_proc *p = h->data;
	struct buf *out = &p->child->out;
	size_t room = out->max - out->len;

	(void)suggested;
	if (room == 0)
		*buf = uv_buf_init(&p->one_more, 1);
	else
		*buf = uv_buf_init(buf_room(out, room), (unsigned)room);
}

static void
on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	struct child_proc *p = s->data;
	struct child *c = p->child;

	if (n == 0)
		return;
	if (n > 0 && buf->base != &p->one_more) {
		buf_added(&c->out, (size_t)n);
		return;
	}
	if (n > 0) {
		if (c->err.kind == ERR_NONE)
			err_set(&c->err, ERR_IO, "the command printed more "
			    "than %zu bytes", c->out.max);
		kill_group(p);
	} else if (n != UV_EOF && c->err.kind == ERR_NONE) {
		err_set(&c->err, ERR_IO, "can't read what the command "
		    "printed: %s", uv_strerror((int)n));
		kill_group(p);
	}
	uv_read_stop(s);
	p->output_open = false;
	check_done(p);
}

static int
spawn(struct child_proc *p, const char *command, int output_fd)
{
	char *argv[] = { "sh", "-c", (char *)(uintptr_t)command, NULL };
	uv_stdio_container_t stdio[] = {
		{ .flags = UV_IGNORE },		/* /dev/null */
		{ .flags = UV_INHERIT_FD, .data.fd = output_fd },
		/* For a person to read; cron would send it each time. */
		{ .flags = isatty(STDERR_FILENO) ? UV_INHERIT_FD : UV_IGNORE,
		  .data.fd = STDERR_FILENO },
	};
	uv_process_options_t o = {
		.exit_cb = on_exit_status,
		.file = "/bin/sh",
		.args = argv,
		.flags = UV_PROCESS_DETACHED,	/* setsid: no terminal */
		.stdio_count = 3,
		.stdio = stdio,
	};

	return uv_spawn(p->process.loop, &p->process, &o);
}

static struct child_proc *
proc_new(struct child *c, struct task *task)
{
	struct child_proc *p = xcalloc(1, sizeof(*p));
	uv_loop_t *uv = loop_uv(task->loop);

	p->child = c;
	p->task = task;
	p->open_handles = 3;
	p->output_open = true;
	uv_pipe_init(uv, &p->output, 0);
	uv_timer_init(uv, &p->timer);
	/* uv_spawn initialises it, unless we fail before. */
	p->process.loop = uv;
	p->process.data = p;
	p->output.data = p;
	p->timer.data = p;
	return p;
}

/* A real pipe, not the socket pair of libuv: scripts open /dev/stdout. */
static int
run(struct child_proc *p, const char *command, struct err *err)
{
	int fd[2] = { -1, -1 }, r;

	if (os_pipe(fd) == -1) {
		err_errno(err, ERR_IO, "can't run a command");
		p->open_handles--;	/* uv_spawn never saw the process */
		uv_close((uv_handle_t *)&p->output, on_child_closed);
		uv_close((uv_handle_t *)&p->timer, on_child_closed);
		return -1;
	}
	r = spawn(p, command, fd[1]);
	close(fd[1]);
	if (r != 0) {
		err_set(err, ERR_IO, "can't run /bin/sh: %s", uv_strerror(r));
		close(fd[0]);
		close_handle(&p->process);
		close_handle(&p->output);
		close_handle(&p->timer);
		return -1;
	}
	p->running = true;
	uv_pipe_open(&p->output, fd[0]);
	uv_read_start((uv_stream_t *)&p->output, on_alloc, on_read);
	return 0;
}

void
child_start(struct child *c, struct task *task, const char *command,
    size_t max, uint64_t ms)
{
	struct child_proc *p;

	memset(c, 0, sizeof(*c));
	buf_init(&c->out, max);
	if (max > 0)
		buf_room(&c->out, max);
	p = proc_new(c, task);
	if (run(p, command, &c->err) == -1) {
		c->done = true;
		task_wake(task);
		return;
	}
	c->proc = p;
	p->ms = ms;
	task_hold(task);
	uv_update_time(p->timer.loop);
	uv_timer_start(&p->timer, on_timer, ms, 0);
}

void
child_cancel(struct child *c)
{
	if (c->proc == NULL)
		return;
	if (c->err.kind == ERR_NONE)
		err_set(&c->err, ERR_CANCELED, "cancelled");
	kill_group(c->proc);
}

void
child_release(struct child *c)
{
	assert(c->proc == NULL);
	if (c->out.mem != NULL)
		mem_wipe(c->out.mem, c->out.cap);
	buf_release(&c->out);
}
