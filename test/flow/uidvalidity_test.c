/*
 * Servers with a way of their own to give UIDVALIDITY: what it tells of a
 * folder is less than it should be (design section 5, "Epochs").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

static const char *const kinds[] = {
	IMAPD_FULL, IMAPD_CONDSTORE, IMAPD_PLAIN,
};

#define ANEW(name) \
	name ": the server numbers its messages anew (UIDVALIDITY); both " \
	"sides are merged, nothing is deleted\n"

/* --- another one for an empty folder, each time --- */

/* Nothing is known of it that could be wrong: there is nothing to merge, and
 * what was deleted elsewhere need not wait for that. */
static void
empty_and_numbered_anew(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct world *w = world_new(kinds[i]);

		w->d->empty_anew = true;
		world_do(w, "server make Empty\nserver add Work a S\n"
		    "server add Work b\nserver add Work c\n");
		world_sync_well(w);
		world_do(w, "disk remove Work a\nserver remove Work b\n");
		world_sync_well(w);
		world_is(w, "the notes", buf_str(&w->told.notes), "");
		world_is_in_sync(w, "Empty:\nINBOX:\nWork: c\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* One that has become empty, and one that gets its first. */
static void
emptied_and_filled(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct world *w = world_new(kinds[i]);

		w->d->empty_anew = true;
		world_do(w, "server add INBOX a S\nserver add Work b\n");
		world_sync_well(w);
		world_do(w, "disk remove INBOX a\n");
		world_sync_well(w);
		world_sync_well(w);
		world_is(w, "the notes", buf_str(&w->told.notes), "");
		world_do(w, "disk add INBOX c S\ndisk remove Work b\n"
		    "disk add Work d\n");
		world_sync_well(w);
		world_is(w, "the notes", buf_str(&w->told.notes), "");
		world_is_in_sync(w, "INBOX: c(S)\nWork: d\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* What the server lost together with its number is no deletion. */
static void
emptied_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct world *w = world_new(kinds[i]);

		w->d->empty_anew = true;
		world_do(w, "server add INBOX a S\nserver add Work b\n"
		    "server add Work c\n");
		world_sync_well(w);
		world_do(w, "server remove INBOX a\ndisk remove Work b\n");
		world_sync(w, NULL, NULL);
		world_is(w, "the notes", buf_str(&w->told.notes),
		    ANEW("INBOX"));
		world_sync_well(w);
		world_is_in_sync(w, "INBOX: a(S)\nWork: c\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* --- and what goes with that --- */

/* imap4d again: what it is sent for a folder that somebody has open may go with
 * the UIDVALIDITY. Nobody has it open then. */
static void
appends_to_a_closed_folder(void **state)
{
	struct world *w = world_new(IMAPD_PLAIN " UNSELECT AUTH=OPENID20");

	(void)state;
	w->d->append = IMAPD_APPEND_CLOSED;
	w->d->appends_lies = UINT32_MAX;
	world_do(w, "server add INBOX a S\nserver add Work b\n"
	    "server add Home c\n");
	world_sync_well(w);
	world_do(w, "disk add INBOX d S\ndisk add Work e\ndisk add Home f\n"
	    "disk add Home g F\nserver flag INBOX a SF\n");
	world_sync_well(w);
	world_is_in_sync(w, "Home: c f g(F)\nINBOX: a(FS) d(S)\nWork: b e\n");
	world_is_idle(w, 0);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_and_numbered_anew),
		cmocka_unit_test(emptied_and_filled),
		cmocka_unit_test(emptied_there),
		cmocka_unit_test(appends_to_a_closed_folder),
	};

	return FLOW_MAIN(tests);
}
