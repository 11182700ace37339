/* A thread for work that blocks, one job after the other. */
#include "loop/lane.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/mem.h"
#include "base/os.h"
#include "internal.h"
#include "loop/loop.h"
#include "loop/uv.h"

struct lane {
	uv_thread_t thread;
	uv_mutex_t lock;
	uv_cond_t more;		/* waiting is not empty, or stop is set */
	uv_async_t async;	/* ran is not empty */
	char name[16];		/* as long as a thread's name may be */

	/* Under lock, linked by job::next. */
	struct job *waiting, **waiting_tail;
	struct job *ran, **ran_tail;
	bool stop;
	bool busy;		/* a job is running */
	uv_cond_t idle;		/* nothing waits, and none runs */
};

/* The first that waits and, of a group, the others of its kind. */
static int
unlink_waiting(struct lane *lane, struct job *out[LANE_GROUP])
{
	struct job **at = &lane->waiting, *job = *at;
	void (*kind)(struct job **, int) = job->run_group;
	int n = 0;

	do {
		if (n == 0 || job->run_group == kind) {
			out[n++] = job;
			*at = job->next;
			job->next = NULL;
		} else {
			at = &job->next;
		}
		job = *at;
	} while (kind != NULL && job != NULL && n < LANE_GROUP);
	while (*at != NULL)
		at = &(*at)->next;
	lane->waiting_tail = at;
	return n;
}

/* How many; 0: the lane is to stop. */
static int
take_waiting(struct lane *lane, struct job *out[LANE_GROUP])
{
	int n = 0;

	uv_mutex_lock(&lane->lock);
	lane->busy = false;
	if (lane->waiting == NULL)
		uv_cond_broadcast(&lane->idle);
	while (lane->waiting == NULL && !lane->stop)
		uv_cond_wait(&lane->more, &lane->lock);
	if (lane->waiting != NULL) {
		lane->busy = true;
		n = unlink_waiting(lane, out);
	}
	uv_mutex_unlock(&lane->lock);
	return n;
}

static void
work(void *arg)
{
	struct lane *lane = arg;
	struct job *job[LANE_GROUP];
	int n;

	os_name_thread(lane->name);
	while ((n = take_waiting(lane, job)) > 0) {
		if (job[0]->run_group != NULL)
			job[0]->run_group(job, n);
		else
			job[0]->result = job[0]->run(job[0]);
		uv_mutex_lock(&lane->lock);
		for (int i = 0; i < n; i++) {
			*lane->ran_tail = job[i];
			lane->ran_tail = &job[i]->next;
		}
		uv_mutex_unlock(&lane->lock);
		uv_async_send(&lane->async);
	}
}

static void
deliver(struct lane *lane)
{
	struct job *job, *next;

	uv_mutex_lock(&lane->lock);
	job = lane->ran;
	lane->ran = NULL;
	lane->ran_tail = &lane->ran;
	uv_mutex_unlock(&lane->lock);
	for (; job != NULL; job = next) {
		next = job->next;
		job->next = NULL;
		job->posted = false;
		job->done = true;
		task_unhold(job->task);
	}
}

static void
on_async(uv_async_t *h)
{
	deliver(h->data);
}

/* Signals are for the loop's thread: a job's system calls are not disturbed. */
int
loop_start_thread(uv_thread_t *out, void (*run)(void *), void *arg)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	r = uv_thread_create(out, run, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

struct lane *
lane_new(struct loop *loop, const char *name)
{
	struct lane *lane = xcalloc(1, sizeof(*lane));
	size_t n = strnlen(name, sizeof(lane->name) - 1);

	memcpy(lane->name, name, n);
	lane->waiting_tail = &lane->waiting;
	lane->ran_tail = &lane->ran;
	if (uv_mutex_init(&lane->lock) != 0 || uv_cond_init(&lane->more) != 0 ||
	    uv_cond_init(&lane->idle) != 0 ||
	    uv_async_init(loop_uv(loop), &lane->async, on_async) != 0)
		fatal("can't start a thread");
	lane->async.data = lane;
	if (loop_start_thread(&lane->thread, work, lane) != 0)
		fatal("can't start a thread");
	return lane;
}

static void
on_lane_closed(uv_handle_t *h)
{
	free(h->data);
}

void
lane_free(struct lane *lane)
{
	if (lane == NULL)
		return;
	uv_mutex_lock(&lane->lock);
	lane->stop = true;
	uv_cond_signal(&lane->more);
	uv_mutex_unlock(&lane->lock);
	uv_thread_join(&lane->thread);
	deliver(lane);
	uv_cond_destroy(&lane->more);
	uv_cond_destroy(&lane->idle);
	uv_mutex_destroy(&lane->lock);
	uv_close((uv_handle_t *)&lane->async, on_lane_closed);
}

void
lane_flush(struct lane *lane)
{
	uv_mutex_lock(&lane->lock);
	while (lane->waiting != NULL || lane->busy)
		uv_cond_wait(&lane->idle, &lane->lock);
	uv_mutex_unlock(&lane->lock);
}

static void
prepare(struct lane *lane, struct job *job, struct task *task)
{
	assert(!job->posted && (job->run != NULL) != (job->run_group != NULL));
	job->lane = lane;
	job->task = task;
	job->next = NULL;
	job->posted = true;
	job->done = false;
	job->result = 0;
	memset(&job->err, 0, sizeof(job->err));
	task_hold(task);
}

void
lane_post_all(struct lane *lane, struct job **job, struct task **task,
    size_t n)
{
	for (size_t i = 0; i < n; i++)
		prepare(lane, job[i], task[i]);
	uv_mutex_lock(&lane->lock);
	for (size_t i = 0; i < n; i++) {
		*lane->waiting_tail = job[i];
		lane->waiting_tail = &job[i]->next;
	}
	uv_cond_signal(&lane->more);
	uv_mutex_unlock(&lane->lock);
}

void
lane_post(struct lane *lane, struct job *job, struct task *task)
{
	lane_post_all(lane, &job, &task, 1);
}

static enum task_result
job_awaited(struct task *t)
{
	const struct job *job = t->awaited;

	if (!job->done)
		return task_wait(t, job_awaited);
	if (job->result == -1)
		return task_fail(t, &job->err);
	return task_next(t, t->after);
}

enum task_result
job_wait(struct task *t, const struct job *job, task_step *next)
{
	t->awaited = job;
	t->after = next;
	return task_next(t, job_awaited);
}

enum task_result
lane_run(struct lane *lane, struct job *job, int (*run)(struct job *),
    struct task *t, task_step *next)
{
	*job = (struct job){ .run = run };
	lane_post(lane, job, t);
	return job_wait(t, job, next);
}
