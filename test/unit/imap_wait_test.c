/* Waiting for a command as a step of a task: answered, refused, lost. */
#include "../lib/fake_imap.c"

struct asker {
	struct task task;
	struct imap_session *session;
	struct imap_cmd cmd;
	bool went_on;
	char refusal[200];	/* "": none */
};

static struct asker asker;

static enum task_result
asker_answered(struct task *t)
{
	struct asker *a = (struct asker *)t;
	const char *why = imap_refusal(&a->cmd);

	a->went_on = true;
	assert_true(a->cmd.done);
	if (why != NULL)
		snprintf(a->refusal, sizeof(a->refusal), "%s", why);
	return TASK_DONE;
}

static enum task_result
asker_ask(struct task *t)
{
	struct asker *a = (struct asker *)t;

	imap_noop_start(a->session, &a->cmd, t);
	return imap_wait(t, &a->cmd, asker_answered);
}

static void
start_asker(struct probe *p)
{
	asker = (struct asker){ .session = p->session };
	task_start(&asker.task, p->task.loop, &p->task, "asker", asker_ask);
	probe_add(p, &asker.cmd);
}

static void
run_asker(const char *const *script, int cut)
{
	struct probe p = { 0 };

	probe_run_cut(&p, script, start_asker, cut);
	assert_true(asker.task.ended);
	imap_cmd_release(&asker.cmd);
	probe_release(&p);
}

static void
test_goes_on_when_answered(void **state)
{
	const char *const script[] = { LOGIN(""), "C: NOOP", "S: $1 OK x",
	    NULL };

	(void)state;
	run_asker(script, -1);
	assert_int_equal(asker.task.result, TASK_DONE);
	assert_true(asker.went_on);
	assert_string_equal(asker.refusal, "");
}

static void
test_goes_on_when_refused(void **state)
{
	const char *const script[] = { LOGIN(""), "C: NOOP",
	    "S: $1 NO too busy", NULL };

	(void)state;
	run_asker(script, -1);
	assert_int_equal(asker.task.result, TASK_DONE);
	assert_true(asker.went_on);
	assert_non_null(strstr(asker.refusal, "too busy"));
}

/* The last line alone is cut off: the connection is lost in between. */
static void
test_fails_with_the_connection(void **state)
{
	const char *const script[] = { LOGIN(""), "C: NOOP", "S: $1 OK x",
	    NULL };

	(void)state;
	run_asker(script, 2);
	assert_int_equal(asker.task.result, TASK_FAIL);
	assert_int_equal(asker.task.err.kind, ERR_NET);
	assert_false(asker.went_on);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on_when_answered),
		cmocka_unit_test(test_goes_on_when_refused),
		cmocka_unit_test(test_fails_with_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
