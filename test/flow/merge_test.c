/*
 * Files and messages that nobody has brought together yet, or not any more: a
 * Maildir that was there already, an index that is lost, UIDs that are new,
 * an upload that was never answered (design sections 3 and 5).
 */
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define BOTH_ABC "INBOX: a(S) b\nWork: c(F)\n"
#define BEFORE_ABC \
	"server add INBOX a S\nserver add INBOX b\nserver add Work c F\n"

/* Before the first run, and again: what dry runs paired was never agreed on. */
static void
dry_before_the_first(void **state)
{
	const struct sync_options dry = { .dry_run = true };
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, BEFORE_ABC "disk add INBOX a S\ndisk add INBOX b\n"
	    "disk add Work c F\n");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(world_sync(w, &dry, NULL), 0);
		world_is(w, "what was told", buf_str(&w->told.ops), "");
		world_is(w, "the notes", buf_str(&w->told.notes), "");
	}
	world_do(w, "disk remove INBOX a\n");
	assert_int_equal(world_sync(w, &dry, NULL), 0);
	world_is(w, "what was told", buf_str(&w->told.ops), "pull INBOX a\n");
	world_sync_well(w);
	world_is(w, "what was told", buf_str(&w->told.ops), "pull INBOX a\n");
	world_is(w, "the notes", buf_str(&w->told.notes), "");
	world_is_in_sync(w, BOTH_ABC);
	world_is_idle(w, 0);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dry_before_the_first),
	};

	return FLOW_MAIN(tests);
}
