#include "loop/task.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop/loop.h"

/* A flow of five steps that writes down what happened to it. */
struct flow {
	struct task task;
	struct flow *child;		/* started in step 2, awaited in 3 */
	struct flow *victim;		/* cancelled in step 1 */
	char trace[64];
	int fail_at, cancel_at, wait_at;	/* a step, or 0 */
	int finished;
};

static void
note(struct flow *f, char c)
{
	size_t n = strlen(f->trace);

	assert_true(n < sizeof(f->trace) - 1);
	f->trace[n] = c;
}

static enum task_result
step(struct task *t, int n, task_step *next)
{
	struct flow *f = (struct flow *)t;

	note(f, (char)('0' + n));
	if (f->cancel_at == n)
		task_cancel(t);
	if (f->fail_at == n) {
		err_set(&t->err, ERR_PROTO, "failed at %d", n);
		return TASK_FAIL;
	}
	if (next == NULL)
		return TASK_DONE;
	if (f->wait_at == n) {
		task_wake(t);
		return task_wait(t, next);
	}
	return task_next(t, next);
}

static enum task_result
five(struct task *t)
{
	return step(t, 5, NULL);
}

static enum task_result
four(struct task *t)
{
	return step(t, 4, five);
}

static enum task_result
three(struct task *t)
{
	struct flow *f = (struct flow *)t;

	if (f->child != NULL && !f->child->task.ended) {
		note(f, '.');
		return task_wait(t, three);
	}
	if (f->child != NULL && f->child->task.result == TASK_FAIL)
		return task_fail(t, &f->child->task.err);
	return step(t, 3, four);
}

static enum task_result one(struct task *);

static enum task_result
two(struct task *t)
{
	struct flow *f = (struct flow *)t;

	if (f->child != NULL)
		task_start(&f->child->task, t->loop, t, "child", one);
	return step(t, 2, three);
}

static enum task_result
one(struct task *t)
{
	struct flow *f = (struct flow *)t;

	if (f->victim != NULL)
		task_cancel(&f->victim->task);
	return step(t, 1, two);
}

static void
on_abort(struct task *t)
{
	note((struct flow *)t, 'a');
}

static void
on_finish(struct task *t)
{
	struct flow *f = (struct flow *)t;

	note(f, 'f');
	f->finished++;
}

static void
flow_init(struct flow *f)
{
	memset(f, 0, sizeof(*f));
	f->task.abort = on_abort;
	f->task.finish = on_finish;
}

static void
run_flow(struct flow *f, task_step *first)
{
	struct loop *loop = loop_new();

	task_start(&f->task, loop, NULL, "flow", first);
	assert_string_equal(f->trace, "");	/* never at once */
	loop_run(loop);
	loop_free(loop);
	assert_true(f->task.ended);
	assert_int_equal(f->finished, 1);
}

static void
test_success(void **state)
{
	struct flow f;

	(void)state;
	flow_init(&f);
	run_flow(&f, one);
	assert_string_equal(f.trace, "12345f");
	assert_int_equal(f.task.result, TASK_DONE);
	assert_int_equal(f.task.err.kind, ERR_NONE);
}

static void
test_cancelled_or_failed_at_each_step(void **state)
{
	static const struct {
		int fail_at, cancel_at, wait_at;
		const char *trace;
		enum task_result result;
		enum err_kind kind;
	} rows[] = {
		{ 1, 0, 0, "1af", TASK_FAIL, ERR_PROTO },
		{ 2, 0, 0, "12af", TASK_FAIL, ERR_PROTO },
		{ 3, 0, 0, "123af", TASK_FAIL, ERR_PROTO },
		{ 4, 0, 3, "1234af", TASK_FAIL, ERR_PROTO },
		{ 5, 0, 0, "12345af", TASK_FAIL, ERR_PROTO },
		{ 0, 1, 0, "1af", TASK_FAIL, ERR_CANCELED },
		{ 0, 1, 1, "1af", TASK_FAIL, ERR_CANCELED },
		{ 0, 2, 0, "12af", TASK_FAIL, ERR_CANCELED },
		{ 0, 3, 3, "123af", TASK_FAIL, ERR_CANCELED },
		{ 0, 4, 0, "1234af", TASK_FAIL, ERR_CANCELED },
		/* It was through already. */
		{ 0, 5, 0, "12345af", TASK_DONE, ERR_NONE },
		/* Its own reason is the better one. */
		{ 2, 2, 0, "12af", TASK_FAIL, ERR_PROTO },
		{ 0, 0, 1, "12345f", TASK_DONE, ERR_NONE },
	};
	struct flow f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		flow_init(&f);
		f.fail_at = rows[i].fail_at;
		f.cancel_at = rows[i].cancel_at;
		f.wait_at = rows[i].wait_at;
		run_flow(&f, one);
		assert_string_equal(f.trace, rows[i].trace);
		assert_int_equal(f.task.result, rows[i].result);
		assert_int_equal(f.task.err.kind, rows[i].kind);
	}
}

static void
test_child_is_awaited(void **state)
{
	struct flow f, child;

	(void)state;
	flow_init(&f);
	flow_init(&child);
	f.child = &child;
	run_flow(&f, one);
	assert_string_equal(child.trace, "12345f");
	assert_string_equal(f.trace, "12.345f");
	assert_int_equal(f.task.result, TASK_DONE);
}

static void
test_failing_child(void **state)
{
	struct flow f, child;

	(void)state;
	flow_init(&f);
	flow_init(&child);
	f.child = &child;
	child.fail_at = 4;
	run_flow(&f, one);
	assert_string_equal(child.trace, "1234af");
	assert_string_equal(f.trace, "12.af");
	assert_int_equal(f.task.err.kind, ERR_PROTO);
	assert_string_equal(f.task.err.msg, "failed at 4");
}

/* The parent fails while its child runs: it ends after the child has. */
static void
test_failing_parent_takes_its_child_along(void **state)
{
	struct flow f, child;

	(void)state;
	flow_init(&f);
	flow_init(&child);
	f.child = &child;
	f.fail_at = 2;
	run_flow(&f, one);
	assert_string_equal(child.trace, "af");
	assert_int_equal(child.task.err.kind, ERR_CANCELED);
	assert_string_equal(f.trace, "12af");
	assert_int_equal(f.task.err.kind, ERR_PROTO);
}

static enum task_result
wait_for_ever(struct task *t)
{
	note((struct flow *)t, '.');
	return task_wait(t, wait_for_ever);
}

static enum task_result
start_waiting_child(struct task *t)
{
	struct flow *f = (struct flow *)t;

	task_start(&f->child->task, t->loop, t, "child", wait_for_ever);
	return task_wait(t, wait_for_ever);
}

static void
test_cancel_goes_down_the_tree(void **state)
{
	struct flow f, child, killer;
	struct loop *loop = loop_new();

	(void)state;
	flow_init(&f);
	flow_init(&child);
	flow_init(&killer);
	f.child = &child;
	killer.victim = &f;
	task_start(&f.task, loop, NULL, "f", start_waiting_child);
	task_start(&killer.task, loop, NULL, "killer", one);
	loop_run(loop);
	loop_free(loop);
	assert_string_equal(child.trace, "af");
	assert_string_equal(f.trace, "af");
	assert_string_equal(killer.trace, "12345f");
	assert_int_equal(child.task.err.kind, ERR_CANCELED);
}

static enum task_result
wake_me_twice(struct task *t)
{
	note((struct flow *)t, 'w');
	task_wake(t);
	task_wake(t);
	return task_wait(t, five);
}

static void
test_waking_twice_runs_once(void **state)
{
	struct flow f;

	(void)state;
	flow_init(&f);
	run_flow(&f, wake_me_twice);
	assert_string_equal(f.trace, "w5f");
	task_wake(NULL);
	task_wake(&f.task);	/* ended: nothing happens */
	assert_false(f.task.ready);
}

/* Something it started is pending: it is over, but ends when that is done. */
static enum task_result
hold_and_finish(struct task *t)
{
	task_hold(t);
	note((struct flow *)t, 'h');
	return TASK_DONE;
}

static enum task_result
release_other(struct task *t)
{
	struct flow *f = (struct flow *)t;

	if (f->victim->task.result != TASK_DONE) {
		task_wake(t);
		return task_wait(t, release_other);
	}
	assert_false(f->victim->task.ended);
	assert_string_equal(f->victim->trace, "h");
	task_unhold(&f->victim->task);
	task_cancel(&f->victim->task);
	return TASK_DONE;
}

static void
test_ends_only_when_nothing_is_pending(void **state)
{
	struct flow f, other;
	struct loop *loop = loop_new();

	(void)state;
	flow_init(&f);
	flow_init(&other);
	other.victim = &f;
	task_start(&f.task, loop, NULL, "f", hold_and_finish);
	task_start(&other.task, loop, NULL, "other", release_other);
	loop_run(loop);
	loop_free(loop);
	assert_string_equal(f.trace, "haf");
	assert_int_equal(f.task.result, TASK_DONE);
}

static void
free_it(struct task *t)
{
	free(t);
}

static enum task_result
done(struct task *t)
{
	(void)t;
	return TASK_DONE;
}

static enum task_result
start_many(struct task *t)
{
	struct task *child;
	int i;

	for (i = 0; i < 3000; i++) {
		child = calloc(1, sizeof(*child));
		assert_non_null(child);
		child->finish = free_it;
		task_start(child, t->loop, t, "many", done);
	}
	return TASK_DONE;
}

static void
test_many_children_free_themselves(void **state)
{
	struct flow f;

	(void)state;
	flow_init(&f);
	run_flow(&f, start_many);
	assert_string_equal(f.trace, "f");
}

static enum task_result
raise_signal(struct task *t)
{
	raise(SIGTERM);
	return task_wait(t, wait_for_ever);
}

static void
test_signal_cancels_all_roots(void **state)
{
	struct flow f, g, late;
	struct loop *loop = loop_new();

	(void)state;
	flow_init(&f);
	flow_init(&g);
	flow_init(&late);
	task_start(&f.task, loop, NULL, "f", raise_signal);
	task_start(&g.task, loop, NULL, "g", wait_for_ever);
	loop_run(loop);
	/* What starts later does not get anywhere. */
	task_start(&late.task, loop, NULL, "late", one);
	loop_run(loop);
	loop_free(loop);
	assert_string_equal(f.trace, "af");
	assert_string_equal(g.trace, ".af");
	assert_string_equal(late.trace, "af");
	assert_string_equal(g.task.err.msg, "stopped by a signal");
	assert_int_equal(g.task.err.kind, ERR_CANCELED);
}

/* The flow takes no notice of the first signal; the second one ends it. */
static enum task_result
raise_again(struct task *t)
{
	raise(SIGINT);
	return task_wait(t, raise_again);
}

static void
keep_pending(struct task *t)
{
	(void)t;
	raise(SIGINT);
	_exit(7);	/* not reached */
}

static void
test_second_signal_kills(void **state)
{
	struct flow f;
	struct loop *loop;
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		loop = loop_new();
		flow_init(&f);
		f.task.abort = keep_pending;
		task_start(&f.task, loop, NULL, "f", raise_again);
		loop_run(loop);
		_exit(8);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGINT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_cancelled_or_failed_at_each_step),
		cmocka_unit_test(test_child_is_awaited),
		cmocka_unit_test(test_failing_child),
		cmocka_unit_test(test_failing_parent_takes_its_child_along),
		cmocka_unit_test(test_cancel_goes_down_the_tree),
		cmocka_unit_test(test_waking_twice_runs_once),
		cmocka_unit_test(test_ends_only_when_nothing_is_pending),
		cmocka_unit_test(test_many_children_free_themselves),
		cmocka_unit_test(test_signal_cancels_all_roots),
		cmocka_unit_test(test_second_signal_kills),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
