/* The event loop: libuv's, run until every task has ended. */
#include "loop/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "base/mem.h"
#include "internal.h"
#include "loop/uv.h"

/*
 * One turn of libuv is timers, idle, prepare, poll, check, close. Tasks run in
 * the idle phase, and what they wrote to a stream goes out in the prepare phase
 * right behind it, before the loop sleeps.
 */

/* Tasks run in one turn before I/O gets its chance again. */
#define RUNS_PER_TURN	1000

static void
drain_ready(uv_idle_t *h)
{
	struct loop *loop = h->data;
	struct task *t;
	int i;

	for (i = 0; i < RUNS_PER_TURN && loop->ready != NULL; i++) {
		t = loop->ready;
		loop->ready = t->ready_next;
		if (loop->ready == NULL)
			loop->ready_tail = &loop->ready;
		t->ready_next = NULL;
		t->ready = false;
		task_run(t);
	}
	if (loop->ready == NULL)
		uv_idle_stop(&loop->drain);
}

void
loop_add_ready(struct loop *loop, struct task *t)
{
	*loop->ready_tail = t;
	loop->ready_tail = &t->ready_next;
	uv_idle_start(&loop->drain, drain_ready);
}

/* The handler was installed for one signal only: the second one kills. */
static void
on_signal(uv_signal_t *h, int signum)
{
	struct loop *loop = h->data;
	struct task *t;

	(void)signum;
	loop->stopping = true;
	for (t = loop->roots; t != NULL; t = t->sibling)
		task_cancel(t);
}

static void
must(int r)
{
	if (r != 0)
		fatal(uv_strerror(r));	/* no descriptors at start */
}

struct loop *
loop_new(void)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));

	/* libuv writes without MSG_NOSIGNAL; children get the default back. */
	signal(SIGPIPE, SIG_IGN);
	/* It dies of a signal, or in silence, where it gets no memory. */
	must(uv_replace_allocator(xmalloc, xrealloc, xcalloc, free));
	must(uv_loop_init(&loop->uv));
	must(uv_idle_init(&loop->uv, &loop->drain));
	must(uv_signal_init(&loop->uv, &loop->sigint));
	must(uv_signal_init(&loop->uv, &loop->sigterm));
	loop->drain.data = loop;
	loop->sigint.data = loop;
	loop->sigterm.data = loop;
	loop->ready_tail = &loop->ready;
	return loop;
}

static void
assert_closing(uv_handle_t *h, void *arg)
{
	(void)arg;
	(void)h;
	assert(uv_is_closing(h));
}

void
loop_free(struct loop *loop)
{
	int r;

	if (loop == NULL)
		return;
	assert(loop->roots == NULL);
	uv_close((uv_handle_t *)&loop->drain, NULL);
	uv_close((uv_handle_t *)&loop->sigint, NULL);
	uv_close((uv_handle_t *)&loop->sigterm, NULL);
	uv_walk(&loop->uv, assert_closing, NULL);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	r = uv_loop_close(&loop->uv);
	assert(r == 0);
	(void)r;
	free(loop);
}

void
loop_run(struct loop *loop)
{
	if (!loop->stopping) {
		must(uv_signal_start_oneshot(&loop->sigint, on_signal,
		    SIGINT));
		must(uv_signal_start_oneshot(&loop->sigterm, on_signal,
		    SIGTERM));
	}
	while (loop->roots != NULL)
		uv_run(&loop->uv, UV_RUN_ONCE);
	uv_signal_stop(&loop->sigint);
	uv_signal_stop(&loop->sigterm);
}

uv_loop_t *
loop_uv(struct loop *loop)
{
	return &loop->uv;
}
