/* What the loss of a connection means: tables written from the rules. */
#include "plan/loss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct {
	struct loss_of_run l;
	bool anew;
} runs[] = {
	/* A line that can't be opened proves nothing. */
	{ { .opened = false, .lost = 1 }, false },
	{ { .opened = true, .lost = 1 }, true },
	/* It stalled once, and there is nothing to show for it. */
	{ { .opened = true, .lost = 1, .idle = 1 }, true },
	{ { .opened = true, .lost = 2, .idle = 2 }, false },
	/* Each brings something, as where a server ends them after a while. */
	{ { .opened = true, .lost = 30 }, true },
	{ { .opened = true, .lost = 40 }, false },
};

static void
test_run(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
		assert_int_equal(loss_begins_anew(&runs[i].l), runs[i].anew);
}

/* Once it may have been the hour. */
static void
test_list(void **state)
{
	(void)state;
	assert_false(list_loss_is_proven(1));
	assert_true(list_loss_is_proven(2));
	assert_false(recovery_loss_is_proven(0));
	assert_false(recovery_loss_is_proven(1));
	assert_true(recovery_loss_is_proven(2));
	assert_false(list_loss_ends_status(7));
	assert_true(list_loss_ends_status(8));
}

static const struct {
	struct loss l;
	enum loss_verdict verdict;
} losses[] = {
	/* Nothing of many came: it can be any of them, ... */
	{ { .asked = 500 }, LOSS_HALVE },
	{ { .asked = 2, .suspected = true, .alone = true }, LOSS_HALVE },
	/* ... and behind what came it is the next one. */
	{ { .asked = 500, .came = true }, LOSS_SUSPECT },
	{ { .asked = 2, .came = true, .suspected = true, .alone = true },
	    LOSS_SUSPECT },
	/* Once is no proof, nor is it on a connection that did more. */
	{ { .asked = 1 }, LOSS_SUSPECT },
	{ { .asked = 1, .alone = true }, LOSS_SUSPECT },
	{ { .asked = 1, .suspected = true }, LOSS_SUSPECT },
	{ { .asked = 1, .suspected = true, .alone = true }, LOSS_PROVEN },
	/* Not an octet more than the last time. */
	{ { .asked = 1, .came = true, .suspected = true, .alone = true,
	    .octets = 100, .octets_before = 100 }, LOSS_PROVEN },
	{ { .asked = 1, .came = true, .suspected = true, .alone = true,
	    .octets = 101, .octets_before = 100 }, LOSS_SUSPECT },
};

static void
test_message(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(losses) / sizeof(losses[0]); i++)
		assert_int_equal(loss_judge(&losses[i].l), losses[i].verdict);
}

static void
test_kinds(void **state)
{
	const enum err_kind of[] = { ERR_NET, ERR_TLS, ERR_PROTO };
	const enum err_kind not[] = { ERR_NONE, ERR_IO, ERR_BUSY, ERR_CANCELED,
	    ERR_AUTH, ERR_CONFIG, ERR_REFUSED, ERR_STALE, ERR_HELD };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		assert_true(loss_is_of_connection(&(struct err){
		    .kind = of[i] }));
	for (i = 0; i < sizeof(not) / sizeof(not[0]); i++)
		assert_false(loss_is_of_connection(&(struct err){
		    .kind = not[i] }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
