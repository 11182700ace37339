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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folder_every_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
