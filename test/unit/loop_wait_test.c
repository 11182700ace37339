/* Waiting for a job as a step of a task. */
#include "loop/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loop/loop.h"

struct worker {
	struct task task;
	struct lane *lane;
	struct job job;
	const char *fails;	/* at this job; NULL: none does */
	char log[100];
};

static void
note(struct worker *w, const char *what)
{
	strncat(w->log, what, sizeof(w->log) - strlen(w->log) - 1);
}

static int
work(struct worker *w, const char *name, struct err *err)
{
	note(w, name);
	return w->fails != NULL && strcmp(w->fails, name) == 0 ?
	    err_set(err, ERR_IO, "%s failed", name) : 0;
}

static int
first_run(struct job *job)
{
	return work((struct worker *)(void *)((char *)job -
	    offsetof(struct worker, job)), "first", &job->err);
}

static int
second_run(struct job *job)
{
	return work((struct worker *)(void *)((char *)job -
	    offsetof(struct worker, job)), "second", &job->err);
}

static enum task_result
worker_done(struct task *t)
{
	note((struct worker *)t, ".");
	return TASK_DONE;
}

static enum task_result
worker_again(struct task *t)
{
	struct worker *w = (struct worker *)t;
	enum task_result r;

	note(w, ">");
	assert_true(w->job.done);
	r = lane_run(w->lane, &w->job, second_run, t, worker_done);
	task_wake(t);		/* too early does no harm */
	return r;
}

static enum task_result
worker_begin(struct task *t)
{
	struct worker *w = (struct worker *)t;

	return lane_run(w->lane, &w->job, first_run, t, worker_again);
}

static void
run_worker(struct worker *w, const char *fails)
{
	struct loop *loop = loop_new();

	*w = (struct worker){ .lane = lane_new(loop, "work"), .fails = fails };
	task_start(&w->task, loop, NULL, "worker", worker_begin);
	loop_run(loop);
	lane_free(w->lane);
	loop_free(loop);
}

static void
test_goes_on_behind_each_job(void **state)
{
	struct worker w;

	(void)state;
	run_worker(&w, NULL);
	assert_int_equal(w.task.result, TASK_DONE);
	assert_string_equal(w.log, "first>second.");
}

static void
test_fails_as_the_job_failed(void **state)
{
	struct worker w;

	(void)state;
	run_worker(&w, "first");
	assert_int_equal(w.task.result, TASK_FAIL);
	assert_string_equal(w.log, "first");
	assert_int_equal(w.task.err.kind, ERR_IO);
	assert_string_equal(w.task.err.msg, "first failed");
	run_worker(&w, "second");
	assert_int_equal(w.task.result, TASK_FAIL);
	assert_string_equal(w.log, "first>second");
	assert_string_equal(w.task.err.msg, "second failed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on_behind_each_job),
		cmocka_unit_test(test_fails_as_the_job_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
