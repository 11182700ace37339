/*
 * Waits until the server is through with what a run sent that was cut off. It
 * has the whole command (APPEND, COPY), and needs nobody to carry it out.
 * Looked for too early it is not found, sent again, and there twice. How long a
 * server takes nobody says: a second, and one more for each megabyte.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "index/content.h"
#include "loop/timer.h"
#include "run/phases.h"

#define WAIT_MS		1000
#define OCTETS_A_MS	1000
#define WAIT_MAX_MS	30000
#define OLD		600	/* seconds: nobody is at that any more */

struct settle_wait {
	struct phase phase;
	uint64_t ms;
	struct timer timer;
};

static int
wait_work(struct pass *p, struct err *err)
{
	struct settle_wait *w = (struct settle_wait *)p;
	const int64_t now = clock_wall();
	struct index_intent *v;
	uint64_t octets = 0;
	size_t i, n;

	if (index_intents(p->run->ix, 0, &v, &n, err) == -1)
		return -1;
	for (i = 0; i < n; i++) {
		if (v[i].answered || v[i].begun < now - OLD)
			continue;
		octets += v[i].size;
		w->ms = WAIT_MS + octets / OCTETS_A_MS;
	}
	free(v);
	if (w->ms > WAIT_MAX_MS)
		w->ms = WAIT_MAX_MS;
	return 0;
}

static enum task_result
wait_over(struct task *t)
{
	return ((struct settle_wait *)t)->timer.fired ? TASK_DONE :
	    task_wait(t, wait_over);
}

static enum task_result
wait_known(struct task *t)
{
	struct settle_wait *w = (struct settle_wait *)t;

	if (w->ms == 0)
		return TASK_DONE;
	report_progress(phase_run(t), NULL, "waiting for what was cut off", 0,
	    0);
	timer_start(&w->timer, t, w->ms);
	return task_wait(t, wait_over);
}

static enum task_result
wait_begin(struct task *t)
{
	return phase_job(t, wait_work, wait_known);
}

static void
wait_finish(struct task *t)
{
	timer_stop(&((struct settle_wait *)t)->timer);
	phase_end(t);
}

void
settle_wait_start(struct run *run, struct pass_result *out)
{
	struct settle_wait *w = xcalloc(1, sizeof(*w));

	w->phase.pass.task.finish = wait_finish;
	phase_start(&w->phase, run, out, "settle wait", wait_begin);
}
