/*
 * Servers that answer in parts (RFC 9738), that can't read a set which names
 * what is not there or a number above 2^31-1, and that tell the next UID in
 * STATUS alone (design section 11).
 */
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define TWELVE \
	"INBOX: m1(S) m10(S) m11(S) m12(S) m2(S) m3(S) m4(S) m5(S) m6(S) " \
	"m7(S) m8(S) m9(S)\n"

static const char *const kinds[] = {
	IMAPD_FULL, IMAPD_CONDSTORE, IMAPD_PLAIN,
};

static struct imapd_box *
inbox(struct world *w)
{
	return imapd_find_box(w->d, "INBOX");
}

/* --- parts --- */

static void
check_limit(const char *kind, unsigned limit, bool told, bool refuses)
{
	char *caps = xasprintf(told ? "%s MESSAGELIMIT=%u" : "%s", kind,
	    limit);
	struct world *w = world_new(caps);

	w->d->limit = limit;
	w->d->limit_refuses = refuses;
	world_do_many(w, "server add INBOX m", 12, " S");
	world_sync_well(w);
	world_is_in_sync(w, TWELVE);
	world_is_idle(w, 0);
	world_do(w, "server remove INBOX m3\ndisk remove INBOX m9\n"
	    "server flag INBOX m1 FS\ndisk flag INBOX m12 FS\n"
	    "server add INBOX n S\ndisk add INBOX o S\n");
	world_sync_well(w);
	world_is(w, "what was told", buf_str(&w->told.ops),
	    "flag-local INBOX m1 +\\Flagged\n"
	    "flag-remote INBOX m12 +\\Flagged\npull INBOX n\n"
	    "push INBOX o\nremove-local INBOX m3\nremove-remote INBOX m9\n");
	world_is_idle(w, 0);
	world_do(w, "index lose\n");
	world_sync_well(w);
	world_is(w, "what was told", buf_str(&w->told.ops), "");
	world_free(w);
	free(caps);
}

static void
answers_in_parts(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (unsigned limit = 1; limit <= 7; limit += 3) {
			check_limit(kinds[k], limit, true, false);
			check_limit(kinds[k], limit, false, false);
		}
}

/* --- sets that are not read --- */

static void
absent_uids(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct world *w = world_new(kinds[k]);

		w->d->strict_sets = true;
		world_do_many(w, "server add INBOX m", 6, " S");
		world_do(w, "server remove INBOX m2\nserver remove INBOX m4\n");
		world_sync_well(w);
		imapd_count(w->d);
		world_do(w, "server remove INBOX m3\nserver flag INBOX m1 FS\n"
		    "disk flag INBOX m5 FS\ndisk remove INBOX m6\n");
		world_sync_well(w);
		world_is(w, "what was told", buf_str(&w->told.ops),
		    "flag-local INBOX m1 +\\Flagged\n"
		    "flag-remote INBOX m5 +\\Flagged\n"
		    "remove-local INBOX m3\nremove-remote INBOX m6\n");
		world_is_in_sync(w, "INBOX: m1(FS) m5(FS)\n");
		world_is_idle(w, 0);
		/* Nothing is left of those that are asked for. */
		world_do(w, "server remove INBOX m1\nserver remove INBOX m5\n"
		    "server add INBOX n S\n");
		world_sync_well(w);
		world_is_in_sync(w, "INBOX: n(S)\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

static void
high_uids(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct world *w = world_new(kinds[k]);

		w->d->highest_uid = INT32_MAX;
		world_do_many(w, "server add INBOX m", 12, " S");
		world_sync_well(w);
		world_is_in_sync(w, TWELVE);
		world_do(w, "server add Work n S\nserver remove INBOX m1\n");
		world_sync_well(w);
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* --- a restored server that tells the next UID in STATUS alone --- */

static void
lower_uidnext_of_status(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct world *w = world_new(kinds[k]);

		w->d->select_lacks_uidnext = true;
		world_do_many(w, "server add INBOX m", 5, " S");
		world_sync_well(w);
		world_do(w, "server remove INBOX m4\nserver remove INBOX m5\n");
		inbox(w)->uidnext = 4;
		world_sync(w, NULL, NULL);
		world_is(w, "notes", buf_str(&w->told.notes), "INBOX: the "
		    "server knows fewer messages than it had before; both "
		    "sides are merged, nothing is deleted\n");
		world_is(w, "the server", world_server(w),
		    "INBOX: m1(S) m2(S) m3(S) m4(S) m5(S)\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* The newest was deleted; and one that tells it nowhere. */
static void
no_uidnext(void **state)
{
	(void)state;
	for (size_t k = 0; k < 2; k++) {
		struct world *w = world_new(IMAPD_PLAIN);

		w->d->select_lacks_uidnext = true;
		w->d->status_lacks_uidnext = k == 1;
		world_do_many(w, "server add INBOX m", 5, " S");
		world_sync_well(w);
		world_do(w, "server remove INBOX m5\n");
		world_sync_well(w);
		world_is(w, "what was told", buf_str(&w->told.ops),
		    "remove-local INBOX m5\n");
		world_free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_in_parts),
		cmocka_unit_test(absent_uids),
		cmocka_unit_test(high_uids),
		cmocka_unit_test(lower_uidnext_of_status),
		cmocka_unit_test(no_uidnext),
	};

	return FLOW_MAIN(tests);
}
