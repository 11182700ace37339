#include "plan/upload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* By hand from "Not stored", design section 5. */

/* below, known, there, paired, alike. */
static const struct {
	struct upload_told t;
	enum upload_uid want;
} told[] = {
	{ { 0, 0, 0, 0, 0 }, UPLOAD_UID_OWN },
	{ { 1, 0, 0, 0, 0 }, UPLOAD_UID_NONE },
	{ { 1, 1, 1, 1, 1 }, UPLOAD_UID_TWIN },
	{ { 0, 1, 1, 1, 1 }, UPLOAD_UID_TWIN },
	{ { 1, 1, 1, 1, 0 }, UPLOAD_UID_NONE },		/* another message */
	{ { 1, 1, 1, 0, 1 }, UPLOAD_UID_NONE },		/* not pulled so far */
	{ { 1, 1, 0, 1, 1 }, UPLOAD_UID_NONE },		/* and that is gone */
};

static void
uids(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		if (upload_uid(&told[i].t) != told[i].want)
			fail_msg("world %zu", i);
}

/* size_told, size_same, head_same, head_of_another, id_known, id_same,
 * date_known, date_same. */
static const struct {
	struct upload_shown s;
	enum upload_is want;
} shown[] = {
	{ { 1, 1, 1, 0, 1, 1, 1, 1 }, UPLOAD_SAME },
	{ { 1, 1, 1, 1, 0, 0, 0, 0 }, UPLOAD_SAME },
	{ { 1, 0, 1, 0, 1, 1, 1, 1 }, UPLOAD_REWRITTEN },
	/* A server that tells no size alters nothing. */
	{ { 0, 0, 1, 0, 1, 1, 1, 1 }, UPLOAD_SAME },
	{ { 0, 0, 0, 0, 1, 1, 1, 0 }, UPLOAD_REWRITTEN },
	/* One of the two is enough. */
	{ { 1, 0, 0, 0, 1, 1, 1, 0 }, UPLOAD_REWRITTEN },
	{ { 1, 0, 0, 0, 1, 0, 1, 1 }, UPLOAD_REWRITTEN },
	{ { 1, 1, 0, 0, 1, 1, 0, 0 }, UPLOAD_REWRITTEN },
	{ { 1, 0, 0, 0, 0, 0, 1, 1 }, UPLOAD_REWRITTEN },
	/* Both are others, or what is known of them is. */
	{ { 1, 0, 0, 0, 1, 0, 1, 0 }, UPLOAD_ANOTHER },
	{ { 1, 0, 0, 0, 1, 0, 0, 0 }, UPLOAD_ANOTHER },
	{ { 1, 0, 0, 0, 0, 0, 1, 0 }, UPLOAD_ANOTHER },
	/* Without both, another head. */
	{ { 1, 1, 0, 0, 0, 0, 0, 0 }, UPLOAD_ANOTHER },
	{ { 1, 0, 0, 0, 0, 0, 0, 0 }, UPLOAD_ANOTHER },
	/* Of the same second, of the same size. */
	{ { 1, 1, 0, 0, 1, 0, 1, 1 }, UPLOAD_ANOTHER },
	{ { 1, 0, 0, 1, 1, 0, 1, 1 }, UPLOAD_ANOTHER },
};

static void
messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (upload_is(&shown[i].s) != shown[i].want)
			fail_msg("world %zu", i);
}

static void
not_shown(void **state)
{
	(void)state;
	assert_int_equal(upload_lacking(7, 8, false), UPLOAD_WAITS);
	assert_int_equal(upload_lacking(7, 8, true), UPLOAD_WAITS);
	assert_int_equal(upload_lacking(7, 7, false), UPLOAD_AGAIN);
	assert_int_equal(upload_lacking(7, 3, false), UPLOAD_AGAIN);
	assert_int_equal(upload_lacking(7, 7, true), UPLOAD_GIVEN_UP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uids),
		cmocka_unit_test(messages),
		cmocka_unit_test(not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
