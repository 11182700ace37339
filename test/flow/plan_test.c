/*
 * The plan of a folder, as those read it who only look: the guard, and a dry
 * run. What these say is what a run then does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define WAY_OUT "If that was meant, run sync --force-deletes; if not, sync " \
	"--undo-deletes brings them back\n"

static const struct sync_options in_earnest = { .dry_run = false };
static const struct sync_options dry = { .dry_run = true };
static const struct sync_options *const both[] = { &dry, &in_earnest };

static void
ends_so(struct world *w, const struct sync_options *opt, int exit,
    const char *ops)
{
	snprintf(world_way, sizeof(world_way), "%s: ",
	    opt->dry_run ? "dry" : "in earnest");
	world_sync(w, opt, NULL);
	world_is(w, "the ops", buf_str(&w->told.ops), ops);
	assert_int_equal(w->told.result.exit, exit);
	world_way[0] = '\0';
}

/* And has just this to tell. */
static void
holds_so(struct world *w, const struct sync_options *opt, const char *ops,
    const char *items)
{
	ends_so(w, opt, 1, ops);
	world_is(w, "the items", buf_str(&w->told.items), items);
}

/* --- more rows than are read, or pulled, at once --- */

static void
many_rows(void **state)
{
	static const char items[] = "200 of 505 messages of the account (200 "
	    "of them in INBOX) are gone from the server; all 200 removals on "
	    "disk are held. " WAY_OUT;
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do_many(w, "server add INBOX m", 505, " S");
	world_sync_well(w);
	assert_int_equal(w->told.result.pulled.new, 505);
	world_do_many(w, "server remove INBOX m", 200, "");
	for (size_t i = 0; i < ARRAY_SIZE(both); i++)
		holds_so(w, both[i], "", items);
	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		struct sync_options opt = *both[i];

		opt.force_deletes = true;
		assert_int_equal(world_sync(w, &opt, NULL), 0);
		assert_int_equal(w->told.result.pulled.deleted, 200);
	}
	world_is_idle(w, 0);
	world_free(w);
}

/* --- one side of a folder is held --- */

static void
one_side_is_held(void **state)
{
	static const char items[] = "60 of 100 messages of the account (60 of "
	    "them in INBOX) are gone from the Maildir; all 60 removals on the "
	    "server are held. " WAY_OUT;
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do_many(w, "server add INBOX m", 100, " S");
	world_do(w, "server add INBOX a\n");
	world_sync_well(w);
	world_do_many(w, "disk remove INBOX m", 60, "");
	world_do(w, "server remove INBOX a\n");
	for (size_t i = 0; i < ARRAY_SIZE(both); i++)
		holds_so(w, both[i], "remove-local INBOX a\n", items);
	assert_int_equal(imapd_find_box(w->d, "INBOX")->n, 100);
	world_free(w);
}

/* --- uploads of a first run are held, and all else with them --- */

static void
its_copy_is_held(void **state)
{
	const struct sync_options adopt = { .adopt = true };
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, "server add INBOX a S\nserver add INBOX b\n"
	    "server make Work\ndisk add INBOX a S\ndisk add INBOX b\n");
	world_do_many(w, "disk add INBOX m", 51, " S");
	ends_so(w, &in_earnest, 1, "");
	/* Nobody has b any more; a waits in Work, and is only here. */
	world_do(w, "disk move INBOX a Work\ndisk remove INBOX b\n");
	for (size_t i = 0; i < ARRAY_SIZE(both); i++)
		ends_so(w, both[i], 1, "");
	world_is(w, "the server", world_server(w), "INBOX: a(S) b\nWork:\n");
	assert_int_equal(world_sync(w, &adopt, NULL), 0);
	assert_int_equal(w->told.result.pushed.new, 51);
	assert_int_equal(w->told.result.pushed.moved, 1);
	assert_int_equal(w->told.result.pushed.deleted, 1);
	world_is_idle(w, 0);
	world_free(w);
}

/* --- what is told of flags, of either side --- */

static const struct flow flags[] = {
	{ .what = "flags", .before = "server add INBOX a S\n"
		"server add INBOX b S\n",
	    .change = "server flag INBOX a F\ndisk flag INBOX b R\n",
	    .ops = "flag-local INBOX a +\\Flagged -\\Seen\n"
		"flag-remote INBOX b +\\Answered -\\Seen\n",
	    .both = "INBOX: a(F) b(R)\n", .points = 2 },
};

static void
details(void **state)
{
	(void)state;
	flow_check_all(flags, ARRAY_SIZE(flags));
}

/* --- a file that is gone, which only a second look tells --- */

static const struct flow gone[] = {
	{ .what = "flagged meanwhile", .before = "server add INBOX a S\n"
		"server add INBOX b\n",
	    .change = "disk remove INBOX a\nserver flag INBOX a SF\n",
	    .ops = "remove-remote INBOX a\n", .both = "INBOX: b\n" },
	{ .what = "gone from both", .before = "server add INBOX a S\n"
		"server add INBOX b\n",
	    .change = "disk remove INBOX a\nserver remove INBOX a\n",
	    .ops = "", .both = "INBOX: b\n" },
	{ .what = "moved and flagged", .before = "server add INBOX a S\n"
		"server add INBOX b\nserver make Work\n",
	    .change = "disk move INBOX a Work\nserver flag INBOX a SF\n",
	    .ops = "flag-local Work a +\\Flagged\n"
		"move-remote Work a from INBOX\n",
	    .both = "INBOX: b\nWork: a(FS)\n" },
};

static void
gone_files(void **state)
{
	(void)state;
	flow_check_all(gone, ARRAY_SIZE(gone));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_rows),
		cmocka_unit_test(one_side_is_held),
		cmocka_unit_test(its_copy_is_held),
		cmocka_unit_test(details),
		cmocka_unit_test(gone_files),
	};

	return FLOW_MAIN(tests);
}
