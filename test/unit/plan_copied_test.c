#include "plan/copied.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

/* By hand from rule 6, design section 4. */

#define ROWS	3

/* Rows: uid, size, taken. Sources: sought, size, first, told, uid, doubtful. */
static const struct {
	const char *what;
	struct copied_row row[ROWS];
	struct copied_source s[2];
	bool sizes_vary;
	uint32_t want[2];
	bool doubtful[2];
} worlds[] = {
	{ "as told", { { 7, 10, 0 }, { 8, 20, 0 }, { 9, 10, 0 } },
	    { { 1, 10, 7, 9, 0, 0 }, { 1, 20, 7, 8, 0, 0 } }, 0,
	    { 9, 8 }, { 0, 0 } },
	{ "untold, in order", { { 7, 10, 0 }, { 8, 10, 0 }, { 9, 10, 0 } },
	    { { 1, 10, 7, 0, 0, 0 }, { 1, 10, 7, 0, 0, 0 } }, 0,
	    { 7, 8 }, { 0, 0 } },
	{ "turned round", { { 7, 10, 0 }, { 8, 20, 0 }, { 9, 1, 1 } },
	    { { 1, 10, 7, 8, 0, 0 }, { 1, 20, 7, 7, 0, 0 } }, 0,
	    { 7, 8 }, { 0, 0 } },
	{ "one row for two", { { 7, 10, 0 }, { 8, 10, 1 }, { 9, 10, 1 } },
	    { { 1, 10, 7, 0, 0, 0 }, { 1, 10, 7, 0, 0, 0 } }, 0,
	    { 7, 0 }, { 0, 0 } },
	{ "another size", { { 7, 11, 0 }, { 8, 1, 1 }, { 9, 1, 1 } },
	    { { 1, 10, 7, 0, 0, 0 }, { 0, 11, 7, 0, 0, 0 } }, 0,
	    { 0, 0 }, { 1, 0 } },
	{ "under another UID", { { 8, 11, 0 }, { 9, 1, 1 }, { 9, 1, 1 } },
	    { { 1, 10, 7, 7, 0, 0 }, { 0, 0, 0, 0, 0, 0 } }, 0,
	    { 0, 0 }, { 0, 0 } },
	{ "too old", { { 5, 10, 0 }, { 6, 10, 0 }, { 9, 10, 1 } },
	    { { 1, 10, 7, 0, 0, 0 }, { 1, 10, 7, 5, 0, 0 } }, 0,
	    { 0, 0 }, { 0, 0 } },
	{ "sizes vary", { { 7, 11, 0 }, { 8, 12, 0 }, { 9, 13, 1 } },
	    { { 1, 10, 7, 8, 0, 0 }, { 1, 10, 7, 0, 0, 0 } }, 1,
	    { 8, 7 }, { 0, 0 } },
	{ "no size", { { 7, 0, 0 }, { 8, 12, 0 }, { 9, 13, 1 } },
	    { { 1, 10, 7, 7, 0, 0 }, { 1, 0, 7, 0, 0, 0 } }, 0,
	    { 7, 8 }, { 0, 0 } },
};

static void
rows_show_copies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++) {
		struct copied_row row[ROWS];
		struct copied_source s[2];

		for (size_t k = 0; k < ROWS; k++)
			row[k] = worlds[i].row[k];
		for (size_t k = 0; k < 2; k++)
			s[k] = worlds[i].s[k];
		copied_find(row, ROWS, s, 2, !worlds[i].sizes_vary);
		for (size_t k = 0; k < 2; k++)
			if (s[k].uid != worlds[i].want[k] ||
			    s[k].doubtful != worlds[i].doubtful[k])
				fail_msg("%s: source %zu has %u%s",
				    worlds[i].what, k, s[k].uid,
				    s[k].doubtful ? " in doubt" : "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_show_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
