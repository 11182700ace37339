#include "plan/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/*
 * Every world of one folder, by hand from rule 7 of design section 4:
 * base, local, remote, inbox, unseen -> what is done.
 */
static const struct {
	struct folder_facts f;
	enum folder_op want;
} worlds[] = {
	/* Nowhere: only the index still names it. */
	{ { 0, 0, 0, 0, 0 }, FOLDER_FORGET },
	{ { 0, 0, 0, 0, 1 }, FOLDER_FORGET },
	{ { 0, 0, 0, 1, 0 }, FOLDER_FORGET },
	{ { 0, 0, 0, 1, 1 }, FOLDER_FORGET },
	/* New on the server. */
	{ { 0, 0, 1, 0, 0 }, FOLDER_MAKE_LOCAL },
	{ { 0, 0, 1, 0, 1 }, FOLDER_MAKE_LOCAL },
	{ { 0, 0, 1, 1, 0 }, FOLDER_MAKE_LOCAL },
	{ { 0, 0, 1, 1, 1 }, FOLDER_MAKE_LOCAL },
	/* New on disk. */
	{ { 0, 1, 0, 0, 0 }, FOLDER_MAKE_REMOTE },
	{ { 0, 1, 0, 0, 1 }, FOLDER_MAKE_REMOTE },
	{ { 0, 1, 0, 1, 0 }, FOLDER_MAKE_REMOTE },
	{ { 0, 1, 0, 1, 1 }, FOLDER_MAKE_REMOTE },
	/* New on both. */
	{ { 0, 1, 1, 0, 0 }, FOLDER_SETTLE },
	{ { 0, 1, 1, 0, 1 }, FOLDER_SETTLE },
	{ { 0, 1, 1, 1, 0 }, FOLDER_SETTLE },
	{ { 0, 1, 1, 1, 1 }, FOLDER_SETTLE },
	/* Deleted on both. */
	{ { 1, 0, 0, 0, 0 }, FOLDER_FORGET },
	{ { 1, 0, 0, 0, 1 }, FOLDER_FORGET },
	{ { 1, 0, 0, 1, 0 }, FOLDER_FORGET },
	{ { 1, 0, 0, 1, 1 }, FOLDER_FORGET },
	/* Deleted on disk: on the server too, unless it holds something that
	 * was never seen here, or is INBOX. */
	{ { 1, 0, 1, 0, 0 }, FOLDER_REMOVE_REMOTE },
	{ { 1, 0, 1, 0, 1 }, FOLDER_MAKE_LOCAL },
	{ { 1, 0, 1, 1, 0 }, FOLDER_MAKE_LOCAL },
	{ { 1, 0, 1, 1, 1 }, FOLDER_MAKE_LOCAL },
	/* Deleted on the server. */
	{ { 1, 1, 0, 0, 0 }, FOLDER_REMOVE_LOCAL },
	{ { 1, 1, 0, 0, 1 }, FOLDER_MAKE_REMOTE },
	{ { 1, 1, 0, 1, 0 }, FOLDER_MAKE_REMOTE },
	{ { 1, 1, 0, 1, 1 }, FOLDER_MAKE_REMOTE },
	/* In sync. */
	{ { 1, 1, 1, 0, 0 }, FOLDER_NONE },
	{ { 1, 1, 1, 0, 1 }, FOLDER_NONE },
	{ { 1, 1, 1, 1, 0 }, FOLDER_NONE },
	{ { 1, 1, 1, 1, 1 }, FOLDER_NONE },
};

static void
test_folder_every_world(void **state)
{
	unsigned seen = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++) {
		const struct folder_facts *f = &worlds[i].f;

		seen |= 1u << (f->base << 4 | f->local << 3 | f->remote << 2 |
		    f->inbox << 1 | f->unseen);
		if (folder_reconcile(f) != worlds[i].want)
			fail_msg("row %zu", i);
	}
	assert_int_equal(i, 32);
	assert_true(seen == 0xffffffffu);	/* each of them once */
}

/* known, answered, nonexistent, in words, with many, costly, since, now */
static const struct {
	struct folder_lack l;
	enum folder_absence want;
} lacks[] = {
	{ { 1, 1, 0, 0, 0, 0, 0, 9000 }, FOLDER_THERE },
	{ { 1, 1, 0, 0, 1, 0, 1, 9000 }, FOLDER_THERE },
	{ { 1, 0, 1, 0, 0, 0, 0, 9000 }, FOLDER_GONE },
	{ { 1, 0, 1, 0, 1, 0, 0, 9000 }, FOLDER_GONE },
	/* Words of a known server, but not of too many. */
	{ { 1, 0, 0, 1, 0, 0, 0, 9000 }, FOLDER_GONE },
	{ { 1, 0, 0, 1, 1, 0, 0, 9000 }, FOLDER_NOT_SURE },
	{ { 1, 0, 0, 1, 1, 0, 5401, 9000 }, FOLDER_NOT_SURE },
	{ { 1, 0, 0, 1, 1, 0, 5400, 9000 }, FOLDER_GONE },
	/* Any other answer. */
	{ { 1, 0, 0, 0, 0, 0, 0, 9000 }, FOLDER_NOT_SURE },
	{ { 1, 0, 0, 0, 0, 0, 5401, 9000 }, FOLDER_NOT_SURE },
	{ { 1, 0, 0, 0, 0, 0, 5400, 9000 }, FOLDER_GONE },
	{ { 1, 0, 0, 0, 0, 0, 9001, 9000 }, FOLDER_NOT_SURE },
	/* Nobody could hear one. */
	{ { 1, 0, 0, 0, 0, 1, 0, 9000 }, FOLDER_NOT_SURE },
	{ { 1, 0, 0, 0, 0, 1, 5400, 9000 }, FOLDER_NOT_SURE },
	/* Nothing was agreed on. */
	{ { 0, 0, 0, 0, 0, 0, 0, 9000 }, FOLDER_GONE },
	{ { 0, 0, 0, 1, 1, 0, 0, 9000 }, FOLDER_GONE },
};

static void
test_folder_absence(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++)
		if (folder_absence(&lacks[i].l) != lacks[i].want)
			fail_msg("row %zu", i);
}

static const struct {
	struct folder_losses l;		/* known, gone, apart */
	bool want;
} losses[] = {
	{ { 10, 0, 0 }, false },
	{ { 1, 1, 1 }, false },		/* one folder, though the only one */
	{ { 9, 9, 1 }, false },		/* one tree */
	{ { 2, 2, 2 }, true },		/* all there were */
	{ { 3, 2, 2 }, false },
	{ { 4, 3, 3 }, false },		/* by hand */
	{ { 10, 8, 3 }, false },
	{ { 10, 4, 4 }, true },		/* more than a third */
	{ { 11, 4, 4 }, true },
	{ { 12, 4, 4 }, false },
	{ { 1000, 333, 333 }, false },
	{ { 1000, 334, 4 }, true },
};

static void
test_folder_losses(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(losses) / sizeof(losses[0]); i++)
		if (folder_losses_are_many(&losses[i].l) != losses[i].want)
			fail_msg("row %zu", i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folder_every_world),
		cmocka_unit_test(test_folder_absence),
		cmocka_unit_test(test_folder_losses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
