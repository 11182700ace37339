/* A timer that wakes a task when its time has come. */
#include "loop/timer.h"

#include <stdlib.h>

#include "base/mem.h"
#include "internal.h"
#include "loop/uv.h"

/* On the heap because libuv needs it a little longer than its owner does. */
struct timer_handle {
	uv_timer_t uv;
	struct timer *timer;	/* NULL once stopped */
};

static void
on_timer_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
on_fired(uv_timer_t *h)
{
	struct timer_handle *th = h->data;

	th->timer->fired = true;
	task_wake(th->timer->task);
}

void
timer_start(struct timer *timer, struct task *task, uint64_t ms)
{
	struct timer_handle *th = timer->handle;

	if (th == NULL) {
		th = xcalloc(1, sizeof(*th));
		uv_timer_init(loop_uv(task->loop), &th->uv);
		th->uv.data = th;
		timer->handle = th;
	}
	th->timer = timer;
	timer->task = task;
	timer->fired = false;
	/* libuv counts from the start of the turn, which may be long ago. */
	uv_update_time(loop_uv(task->loop));
	uv_timer_start(&th->uv, on_fired, ms, 0);
}

void
timer_stop(struct timer *timer)
{
	if (timer->handle == NULL)
		return;
	timer->handle->timer = NULL;
	uv_timer_stop(&timer->handle->uv);
	uv_close((uv_handle_t *)&timer->handle->uv, on_timer_closed);
	timer->handle = NULL;
}
