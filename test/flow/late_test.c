/*
 * What nobody hears of with -q: runs that end with 75 each time are named when
 * that has gone on for a day, once a day.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "flow.h"

#define DAY	86400

static const struct sync_options quiet = { .quiet = true };

static void
run_quietly(struct world *w, int64_t later, bool told)
{
	clock_move(later);
	assert_int_equal(world_sync(w, &quiet, NULL), 75);
	assert_int_equal(w->told.result.tells, told);
	assert_int_equal(strncmp(buf_str(&w->told.items), "not in sync since",
	    17) == 0, told);
}

/* It went through, but for a removal: without UIDPLUS it waits as long as there
 * are somebody else's marks. */
static void
something_waits(void **state)
{
	struct world *w = world_new(IMAPD_PLAIN);

	(void)state;
	world_do(w, "server add INBOX a S\nserver add INBOX b S\n");
	world_sync_well(w);
	world_do(w, "server flag INBOX b ST\n");
	world_sync_well(w);
	world_do(w, "disk remove INBOX a\n");
	run_quietly(w, 0, false);
	run_quietly(w, DAY + 60, true);
	run_quietly(w, 3600, false);
	run_quietly(w, DAY, true);
	world_do(w, "server flag INBOX b S\n");
	while (world_sync(w, &quiet, NULL) != 0)
		;
	world_is(w, "the items", world_items(w), "");
	world_is_in_sync(w, "INBOX: b(S)\n");
	clock_move(-2 * DAY - 3660);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(something_waits),
	};

	return FLOW_MAIN(tests);
}
