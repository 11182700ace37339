#include "scheduler.h"

#include <assert.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../../src/loop/internal.h"
#include "base/mem.h"
#include "loop/lane.h"
#include "loop/loop.h"

#ifdef __SANITIZE_THREAD__
#define HAVE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAVE_TSAN 1
#endif
#endif
#ifndef HAVE_TSAN
#define HAVE_TSAN 0
#endif

#define QUIET_TURNS	2	/* of the loop, until nothing moves any more */
#define LANES_MOST	8

/* Stands for a lane of the program, which never sees what is in it. */
struct held_lane {
	char name[32];
	struct job *waiting, **waiting_tail;	/* linked by job::next */
	struct job *ran, **ran_tail;
	struct sched_source run, deliver;
};

static struct {
	struct loop *loop;
	struct sched_plan plan;
	uv_check_t check;
	uv_idle_t spin;		/* the loop does not sleep */
	struct sched_source *source;
	struct sched_source *turn;	/* the one that went last */
	unsigned chance, events, quiet;
	bool flushed;		/* with threads: all lanes had come to rest */
	struct lane *lane[LANES_MOST];	/* the real ones */
	size_t n_lane;
} s;

/* --- the clocks --- */

static int64_t mono_ahead, wall_ahead;	/* ns */

#define NS 1000000000

static void
clock_add(struct timespec *t, int64_t ns)
{
	int64_t all = (int64_t)t->tv_sec * NS + t->tv_nsec + ns;

	t->tv_sec = (time_t)(all / NS);
	t->tv_nsec = (long)(all % NS);
}

/* In place of libc's, also for libuv. */
int
clock_gettime(clockid_t id, struct timespec *t)
{
	static int (*real)(clockid_t, struct timespec *);
	int r;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	r = real(id, t);
	if (r != 0)
		return r;
	if (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE)
		clock_add(t, mono_ahead);
	else if (id == CLOCK_REALTIME)
		clock_add(t, wall_ahead);
	return 0;
}

time_t
time(time_t *out)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_REALTIME, &t);
	if (out != NULL)
		*out = t.tv_sec;
	return t.tv_sec;
}

void
sched_skip(int64_t seconds)
{
	wall_ahead += seconds * NS;
}

void
sched_skip_none(void)
{
	wall_ahead = 0;
}

/* A directory that has just changed is waited for until the kernel's clock has
 * ticked. Here nobody changes one that is being read. */
int __wrap_nanosleep(const struct timespec *, struct timespec *);

int
__wrap_nanosleep(const struct timespec *t, struct timespec *left)
{
	(void)t;
	(void)left;
	return 0;
}

/* --- picking --- */

unsigned
sched_random(unsigned *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static bool
is_last(const struct sched_source *src)
{
	return s.plan.last != NULL &&
	    strncmp(src->name, s.plan.last, strlen(s.plan.last)) == 0;
}

static size_t
count_ready(bool last)
{
	size_t n = 0;

	for (struct sched_source *p = s.source; p != NULL; p = p->next)
		n += is_last(p) == last && p->ready(p);
	return n;
}

/* The n-th of those that are ready. */
static struct sched_source *
nth_ready(bool last, size_t n)
{
	struct sched_source *p = s.source;

	for (;; p = p->next)
		if (is_last(p) == last && p->ready(p) && n-- == 0)
			return p;
}

/* The next one behind that which went last. */
static struct sched_source *
ready_in_turn(bool last)
{
	struct sched_source *p = s.turn;

	do {
		p = p != NULL && p->next != NULL ? p->next : s.source;
	} while (is_last(p) != last || !p->ready(p));
	return p;
}

static struct sched_source *
pick(void)
{
	bool last = false;
	size_t n = count_ready(last);

	if (n == 0)
		n = count_ready(last = true);
	if (n == 0)
		return NULL;
	return s.plan.seed == 0 ? ready_in_turn(last) :
	    nth_ready(last, sched_random(&s.chance) % n);
}

static void
note_process(uv_handle_t *h, void *arg)
{
	*(bool *)arg |= uv_handle_get_type(h) == UV_PROCESS &&
	    uv_is_active(h);
}

/* A command, a look-up of a name, a connection: that comes by itself. */
static bool
is_awaiting_system(void)
{
	bool any = s.loop->uv.active_reqs.count > 0;

	if (!any)
		uv_walk(&s.loop->uv, note_process, &any);
	return any;
}

/* To the next timer. Returns false when there is none. */
static bool
skip_to_timer(void)
{
	int ms;

	uv_update_time(&s.loop->uv);
	uv_idle_stop(&s.spin);
	ms = uv_backend_timeout(&s.loop->uv);
	if (ms < 0)
		return false;
	mono_ahead += (int64_t)ms * (NS / 1000);
	return true;
}

/* --- the loop --- */

static void
on_spin(uv_idle_t *h)
{
	(void)h;
}

void
sched_touch(void)
{
	s.quiet = 0;
}

/* Threads may be at work still, or have just ended something. */
static bool
has_threads_at_work(void)
{
	if (s.n_lane == 0 || s.flushed)
		return false;
	for (size_t i = 0; i < s.n_lane; i++)
		lane_flush(s.lane[i]);
	s.flushed = true;
	s.quiet = 0;
	return true;
}

static void
go(struct sched_source *src)
{
	s.turn = src;
	s.quiet = 0;
	if (s.plan.before != NULL)
		s.plan.before(s.plan.arg, s.events);
	s.events++;
	src->go(src);
}

/* Behind each look at the sockets. */
static void
on_check(uv_check_t *h)
{
	struct sched_source *src;

	(void)h;
	uv_idle_start(&s.spin, on_spin);
	if (s.loop->ready != NULL) {
		s.quiet = 0;
		return;
	}
	if (++s.quiet < QUIET_TURNS)
		return;
	if (is_awaiting_system()) {
		uv_idle_stop(&s.spin);
		return;
	}
	if (has_threads_at_work())
		return;
	src = pick();
	if (src != NULL)
		go(src);
	else if (s.loop->roots != NULL && !skip_to_timer())
		fail_msg("nothing is left that could happen");
}

/* A test that failed has jumped out of its loop. */
static void
forget_failed(void)
{
	s.source = NULL;
	if (s.loop == NULL)
		return;
	uv_signal_stop(&s.loop->sigint);
	uv_signal_stop(&s.loop->sigterm);
}

void
sched_start(struct loop *loop, const struct sched_plan *plan)
{
	forget_failed();
	s.loop = loop;
	s.plan = *plan;
	s.chance = plan->seed * 2654435761u + 1;
	s.events = s.quiet = 0;
	s.turn = NULL;
	s.n_lane = 0;
	uv_check_init(&loop->uv, &s.check);
	uv_idle_init(&loop->uv, &s.spin);
	uv_check_start(&s.check, on_check);
	uv_idle_start(&s.spin, on_spin);
}

void
sched_stop(void)
{
	uv_close((uv_handle_t *)&s.check, NULL);
	uv_close((uv_handle_t *)&s.spin, NULL);
	s.loop = NULL;
}

void
sched_add(struct sched_source *src)
{
	src->next = s.source;
	s.source = src;
}

void
sched_remove(struct sched_source *src)
{
	struct sched_source **p = &s.source;

	while (*p != src)
		p = &(*p)->next;
	*p = src->next;
	if (s.turn == src)
		s.turn = NULL;
}

unsigned
sched_events(void)
{
	return s.events;
}

bool
sched_is_exact(void)
{
	const char *threads = getenv("FLOW_THREADS");

	return !HAVE_TSAN && (threads == NULL || strcmp(threads, "1") != 0);
}

/* --- lanes without threads --- */

struct lane *__real_lane_new(struct loop *, const char *);
void __real_lane_free(struct lane *);
void __real_lane_flush(struct lane *);
void __real_lane_post_all(struct lane *, struct job **, struct task **, size_t);
struct lane *__wrap_lane_new(struct loop *, const char *);
void __wrap_lane_free(struct lane *);
void __wrap_lane_flush(struct lane *);
void __wrap_lane_post(struct lane *, struct job *, struct task *);
void __wrap_lane_post_all(struct lane *, struct job **, struct task **, size_t);
enum task_result __wrap_lane_run(struct lane *, struct job *,
    int (*)(struct job *), struct task *, task_step *);

static struct held_lane *
held(struct lane *lane)
{
	return (struct held_lane *)(void *)lane;
}

/* The first and, of a group, the others of its kind: as loop/lane.c does. */
static int
take(struct held_lane *l, struct job *out[LANE_GROUP])
{
	struct job **at = &l->waiting, *job = *at;
	void (*kind)(struct job **, int) = job->run_group;
	int n = 0;

	do {
		if (n == 0 || job->run_group == kind) {
			out[n++] = job;
			*at = job->next;
		} else {
			at = &job->next;
		}
		job = *at;
	} while (kind != NULL && job != NULL && n < LANE_GROUP);
	while (*at != NULL)
		at = &(*at)->next;
	l->waiting_tail = at;
	return n;
}

static void
run_next(struct held_lane *l)
{
	struct job *job[LANE_GROUP];
	int n = take(l, job);

	if (job[0]->run_group != NULL)
		job[0]->run_group(job, n);
	else
		job[0]->result = job[0]->run(job[0]);
	for (int i = 0; i < n; i++) {
		job[i]->next = NULL;
		*l->ran_tail = job[i];
		l->ran_tail = &job[i]->next;
	}
}

static void
deliver_next(struct held_lane *l)
{
	struct job *job = l->ran;

	l->ran = job->next;
	if (l->ran == NULL)
		l->ran_tail = &l->ran;
	job->next = NULL;
	job->posted = false;
	job->done = true;
	task_unhold(job->task);
}

#define LANE_OF(src, member) \
	((struct held_lane *)(void *)((char *)(src) - \
	offsetof(struct held_lane, member)))

static bool
can_run(struct sched_source *src)
{
	return LANE_OF(src, run)->waiting != NULL;
}

static void
go_run(struct sched_source *src)
{
	run_next(LANE_OF(src, run));
}

static bool
can_deliver(struct sched_source *src)
{
	return LANE_OF(src, deliver)->ran != NULL;
}

static void
go_deliver(struct sched_source *src)
{
	deliver_next(LANE_OF(src, deliver));
}

struct lane *
__wrap_lane_new(struct loop *loop, const char *name)
{
	struct held_lane *l;

	if (!sched_is_exact()) {
		assert(s.n_lane < LANES_MOST);
		return s.lane[s.n_lane++] = __real_lane_new(loop, name);
	}
	l = xcalloc(1, sizeof(*l));
	snprintf(l->name, sizeof(l->name), "lane %s", name);
	l->waiting_tail = &l->waiting;
	l->ran_tail = &l->ran;
	l->run = (struct sched_source){ l->name, can_run, go_run, NULL };
	l->deliver = (struct sched_source){ l->name, can_deliver, go_deliver,
	    NULL };
	sched_add(&l->deliver);
	sched_add(&l->run);
	return (struct lane *)(void *)l;
}

void
__wrap_lane_flush(struct lane *lane)
{
	if (!sched_is_exact()) {
		__real_lane_flush(lane);
		return;
	}
	while (held(lane)->waiting != NULL)
		run_next(held(lane));
}

static void
forget_lane(const struct lane *lane)
{
	for (size_t i = 0; i < s.n_lane; i++)
		if (s.lane[i] == lane)
			s.lane[i--] = s.lane[--s.n_lane];
}

void
__wrap_lane_free(struct lane *lane)
{
	struct held_lane *l = held(lane);

	if (lane == NULL)
		return;
	if (!sched_is_exact()) {
		forget_lane(lane);
		__real_lane_free(lane);
		return;
	}
	lane_flush(lane);
	while (l->ran != NULL)
		deliver_next(l);
	sched_remove(&l->run);
	sched_remove(&l->deliver);
	free(l);
}

static void
post(struct held_lane *l, struct job *job, struct task *task)
{
	assert(!job->posted && (job->run != NULL) != (job->run_group != NULL));
	job->task = task;
	job->next = NULL;
	job->posted = true;
	job->done = false;
	job->result = 0;
	memset(&job->err, 0, sizeof(job->err));
	task_hold(task);
	*l->waiting_tail = job;
	l->waiting_tail = &job->next;
}

void
__wrap_lane_post_all(struct lane *lane, struct job **job, struct task **task,
    size_t n)
{
	if (!sched_is_exact()) {
		s.flushed = false;
		__real_lane_post_all(lane, job, task, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		post(held(lane), job[i], task[i]);
}

void
__wrap_lane_post(struct lane *lane, struct job *job, struct task *task)
{
	__wrap_lane_post_all(lane, &job, &task, 1);
}

enum task_result
__wrap_lane_run(struct lane *lane, struct job *job, int (*run)(struct job *),
    struct task *t, task_step *next)
{
	*job = (struct job){ .run = run };
	__wrap_lane_post(lane, job, t);
	return job_wait(t, job, next);
}
