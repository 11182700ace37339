/* Lanes, timers and child processes. */
#include "loop/lane.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "loop/child.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "loop/timer.h"

#define JOBS	200

struct numbered {
	struct job job;
	int number;
	int *log, *logged;	/* touched by the lane's thread only */
};

struct poster {
	struct task task;
	struct lane *lane;
	struct numbered jobs[JOBS];
	int log[JOBS], logged;
	int cancel_after;
};

static int
run_numbered(struct job *job)
{
	struct numbered *n = (struct numbered *)job;

	n->log[(*n->logged)++] = n->number;
	if (n->number % 2 == 1)
		return err_set(&job->err, ERR_IO, "odd %d", n->number);
	return 0;
}

static enum task_result
await_jobs(struct task *t)
{
	struct poster *p = (struct poster *)t;

	if (!p->jobs[JOBS - 1].job.done)
		return task_wait(t, await_jobs);
	return TASK_DONE;
}

static enum task_result
post_jobs(struct task *t)
{
	struct poster *p = (struct poster *)t;
	int i;

	for (i = 0; i < JOBS; i++) {
		p->jobs[i].job.run = run_numbered;
		p->jobs[i].number = i;
		p->jobs[i].log = p->log;
		p->jobs[i].logged = &p->logged;
		lane_post(p->lane, &p->jobs[i].job, t);
		assert_true(p->jobs[i].job.posted);
		if (i == p->cancel_after)
			task_cancel(t);
	}
	return task_wait(t, await_jobs);
}

static void
run_poster(int cancel_after, enum task_result result)
{
	struct poster p;
	struct loop *loop = loop_new();
	int i;

	memset(&p, 0, sizeof(p));
	p.cancel_after = cancel_after;
	p.lane = lane_new(loop, "a lane with a long name");
	task_start(&p.task, loop, NULL, "poster", post_jobs);
	loop_run(loop);
	lane_free(p.lane);
	loop_free(loop);
	assert_int_equal(p.task.result, result);
	assert_int_equal(p.logged, JOBS);
	for (i = 0; i < JOBS; i++) {
		assert_int_equal(p.log[i], i);
		assert_true(p.jobs[i].job.done);
		assert_false(p.jobs[i].job.posted);
		assert_int_equal(p.jobs[i].job.result, i % 2 == 1 ? -1 : 0);
		assert_int_equal(p.jobs[i].job.err.kind,
		    i % 2 == 1 ? ERR_IO : ERR_NONE);
	}
}

static void
test_lane_keeps_order(void **state)
{
	(void)state;
	run_poster(-1, TASK_DONE);
}

/* Posted is posted: all run, and the task waits for all of them. */
static void
test_lane_finishes_for_a_cancelled_task(void **state)
{
	(void)state;
	run_poster(0, TASK_FAIL);
	run_poster(JOBS / 2, TASK_FAIL);
}

/* Jobs of a kind that wait together run as one, others in between or not. */
struct kinds {
	struct task task;
	struct lane *lane;
	int gate;		/* the first job waits for a byte from here */
	struct job first, job[40];
	int grouped[8], n_groups;	/* the lane's */
	int alone;
};

static struct kinds *kinds;	/* of the test that runs */

static int
await_byte(struct job *job)
{
	char c;

	(void)job;
	return read(kinds->gate, &c, 1) == 1 ? 0 : -1;
}

static int
run_alone(struct job *job)
{
	(void)job;
	kinds->alone++;
	return 0;
}

/* The second of each group fails. */
static void
run_group(struct job **job, int n)
{
	assert_true(kinds->n_groups < 8);
	kinds->grouped[kinds->n_groups++] = n;
	for (int i = 1; i < n; i++)
		assert_true(job[i] > job[i - 1]);
	if (n > 1)
		job[1]->result = err_set(&job[1]->err, ERR_IO, "second");
}

static enum task_result
await_kinds(struct task *t)
{
	struct kinds *k = (struct kinds *)t;

	for (int i = 0; i < 40; i++)
		if (!k->job[i].done)
			return task_wait(t, await_kinds);
	return TASK_DONE;
}

static enum task_result
post_kinds(struct task *t)
{
	struct kinds *k = (struct kinds *)t;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	k->gate = fd[0];
	k->first.run = await_byte;
	lane_post(k->lane, &k->first, t);
	for (int i = 0; i < 40; i++) {
		if (i % 10 == 3)
			k->job[i].run = run_alone;
		else
			k->job[i].run_group = run_group;
		lane_post(k->lane, &k->job[i], t);
	}
	assert_int_equal(write(fd[1], "x", 1), 1);
	close(fd[1]);
	return task_wait(t, await_kinds);
}

static void
test_lane_runs_a_group_as_one(void **state)
{
	struct kinds k = { .n_groups = 0 };
	struct loop *loop = loop_new();
	int failed = 0;

	(void)state;
	kinds = &k;
	k.lane = lane_new(loop, "kinds");
	task_start(&k.task, loop, NULL, "kinds", post_kinds);
	loop_run(loop);
	lane_free(k.lane);
	loop_free(loop);
	close(k.gate);
	assert_int_equal(k.alone, 4);
	assert_int_equal(k.n_groups, 3);
	assert_int_equal(k.grouped[0], 16);
	assert_int_equal(k.grouped[1], 16);
	assert_int_equal(k.grouped[2], 4);
	for (int i = 0; i < 40; i++)
		failed += k.job[i].result == -1 &&
		    k.job[i].err.kind == ERR_IO;
	assert_int_equal(failed, 3);
}

static enum task_result
post_at_once(struct task *t)
{
	struct kinds *k = (struct kinds *)t;
	struct task *task[16];
	struct job *job[16];

	for (int i = 0; i < 40; i++)
		k->job[i].done = i >= 16;
	for (int i = 0; i < 16; i++) {
		k->job[i].run_group = run_group;
		job[i] = &k->job[i];
		task[i] = t;
	}
	lane_post_all(k->lane, job, task, 16);
	return task_wait(t, await_kinds);
}

/* The lane is idle: of jobs posted one by one it could begin with the first. */
static void
test_lane_takes_what_is_posted_together(void **state)
{
	struct kinds k = { .n_groups = 0 };
	struct loop *loop = loop_new();

	(void)state;
	kinds = &k;
	k.lane = lane_new(loop, "together");
	task_start(&k.task, loop, NULL, "together", post_at_once);
	loop_run(loop);
	lane_free(k.lane);
	loop_free(loop);
	assert_int_equal(k.n_groups, 1);
	assert_int_equal(k.grouped[0], 16);
}

static int
write_byte(struct job *job)
{
	struct numbered *n = (struct numbered *)job;

	return write(n->number, "x", 1) == 1 ? 0 : -1;
}

static enum task_result
post_and_leave(struct task *t)
{
	struct poster *p = (struct poster *)t;

	lane_post(p->lane, &p->jobs[0].job, t);
	lane_free(p->lane);
	assert_true(p->jobs[0].job.done);
	return TASK_DONE;
}

static void
test_lane_free_finishes_what_was_posted(void **state)
{
	struct poster p;
	struct loop *loop = loop_new();
	int fd[2];
	char c;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	memset(&p, 0, sizeof(p));
	p.jobs[0].job.run = write_byte;
	p.jobs[0].number = fd[1];
	p.lane = lane_new(loop, "x");
	task_start(&p.task, loop, NULL, "poster", post_and_leave);
	loop_run(loop);
	loop_free(loop);
	assert_int_equal(read(fd[0], &c, 1), 1);
	close(fd[0]);
	close(fd[1]);
	lane_free(NULL);
}

struct sleeper {
	struct task task;
	struct timer timer, never;
	uint64_t began;
	int rounds;
};

static enum task_result
await_timer(struct task *t)
{
	struct sleeper *s = (struct sleeper *)t;

	if (!s->timer.fired)
		return task_wait(t, await_timer);
	assert_true(clock_mono_ms() - s->began >= 9);
	assert_false(s->never.fired);
	if (++s->rounds < 3) {
		s->began = clock_mono_ms();
		timer_start(&s->timer, t, 10);
		assert_false(s->timer.fired);
		return task_wait(t, await_timer);
	}
	timer_stop(&s->timer);
	timer_stop(&s->timer);
	timer_stop(&s->never);
	return TASK_DONE;
}

static enum task_result
start_timer(struct task *t)
{
	struct sleeper *s = (struct sleeper *)t;

	s->began = clock_mono_ms();
	timer_start(&s->never, t, 3600 * 1000);
	timer_start(&s->timer, t, 1);
	timer_start(&s->timer, t, 10);	/* only the last one counts */
	return task_wait(t, await_timer);
}

static void
test_timer(void **state)
{
	struct sleeper s;
	struct loop *loop = loop_new();

	(void)state;
	memset(&s, 0, sizeof(s));
	timer_stop(&s.timer);	/* a zeroed one */
	task_start(&s.task, loop, NULL, "sleeper", start_timer);
	loop_run(loop);
	loop_free(loop);
	assert_int_equal(s.rounds, 3);
	assert_int_equal(s.task.result, TASK_DONE);
}

struct runner {
	struct task task;
	struct child child;
	const char *command;
	size_t max;
	uint64_t ms;
	bool cancel;
};

static enum task_result
await_child(struct task *t)
{
	struct runner *r = (struct runner *)t;

	if (!r->child.done)
		return task_wait(t, await_child);
	return TASK_DONE;
}

static enum task_result
start_child(struct task *t)
{
	struct runner *r = (struct runner *)t;

	child_start(&r->child, t, r->command, r->max, r->ms);
	if (r->cancel)
		child_cancel(&r->child);
	return task_wait(t, await_child);
}

static void
run_child(struct runner *r)
{
	struct loop *loop = loop_new();

	task_start(&r->task, loop, NULL, "runner", start_child);
	loop_run(loop);
	assert_true(r->child.done);
	child_cancel(&r->child);	/* too late: harmless */
	loop_free(loop);
}

static void
test_child(void **state)
{
	static const struct {
		const char *command, *out;
		size_t max;
		uint64_t ms;
		bool cancel;
		int status;
		enum err_kind kind;
		const char *msg;
	} rows[] = {
		{ "echo secret", "secret\n", 100, 60000, false, 0, ERR_NONE,
		  "" },
		{ "echo secret; exit 3", "secret\n", 100, 60000, false, 3,
		  ERR_NONE, "" },
		{ "exit 255", "", 100, 60000, false, 255, ERR_NONE, "" },
		{ "kill -TERM $$", "", 100, 60000, false, 128 + SIGTERM,
		  ERR_NONE, "" },
		/* Just fits, and one byte more. */
		{ "printf 12345678", "12345678", 8, 60000, false, 0, ERR_NONE,
		  "" },
		{ "printf 123456789; sleep 1000", "12345678", 8, 60000, false,
		  128 + SIGKILL, ERR_IO,
		  "the command printed more than 8 bytes" },
		/* The whole group goes, or the sleep would hold the pipe. */
		{ "echo x; sleep 1000 | cat; true", "x\n", 100, 300, false,
		  128 + SIGKILL, ERR_IO,
		  "the command did not end within 1 seconds and was killed" },
		{ "sleep 1000", "", 100, 60000, true, 128 + SIGKILL,
		  ERR_CANCELED, "cancelled" },
		/* What stays in the background is neither awaited nor killed. */
		{ "echo pw; sleep 30 &", "pw\n", 100, 60000, false, 0,
		  ERR_NONE, "" },
		/* No terminal, empty input, its own session. */
		{ "cat; test -t 0 || echo none; "
		  "read -r pid name state parent group sid rest </proc/$$/stat;"
		  "test $sid = $$ && echo own",
		  "none\nown\n", 100, 60000, false, 0, ERR_NONE, "" },
		{ "echo x >/dev/stdout", "x\n", 100, 60000, false, 0, ERR_NONE,
		  "" },
		{ "/nonexistent/program 2>/dev/null", "", 100, 60000, false,
		  127, ERR_NONE, "" },
	};
	struct runner r;
	uint64_t began;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&r, 0, sizeof(r));
		r.command = rows[i].command;
		r.max = rows[i].max;
		r.ms = rows[i].ms;
		r.cancel = rows[i].cancel;
		began = clock_mono_ms();
		run_child(&r);
		assert_true(clock_mono_ms() - began < 20000);
		assert_string_equal(r.child.err.msg, rows[i].msg);
		assert_int_equal(r.child.err.kind, rows[i].kind);
		assert_int_equal(r.child.status, rows[i].status);
		assert_string_equal(buf_str(&r.child.out), rows[i].out);
		child_release(&r.child);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lane_keeps_order),
		cmocka_unit_test(test_lane_finishes_for_a_cancelled_task),
		cmocka_unit_test(test_lane_runs_a_group_as_one),
		cmocka_unit_test(test_lane_takes_what_is_posted_together),
		cmocka_unit_test(test_lane_free_finishes_what_was_posted),
		cmocka_unit_test(test_timer),
		cmocka_unit_test(test_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
