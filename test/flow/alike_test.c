/*
 * Where a server does not tell of lineage, what was moved there is known by its
 * size, its date and its header, and comes from the file that is here: likely
 * the same, until its body has proven it (design section 3).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define FOUR \
	"server add INBOX a~20000 S\nserver add INBOX b~20000\n" \
	"server add INBOX c FS\nserver add Work d ,Junk\n"

#define MOVED(name, server_caps) { \
	.what = "moved there, " name, .caps = server_caps, .before = FOUR, \
	.points = 4, \
	.change = "server move INBOX a~20000 Work\nserver move Work d INBOX\n", \
	.ops = "pull INBOX d\npull Work a~20000\nremove-local INBOX a~20000\n" \
	    "remove-local Work d\n", \
	.both = "INBOX: b~20000 c(FS) d(,Junk)\nWork: a~20000(S)\n" }

static const struct flow moved[] = {
	MOVED("QRESYNC", IMAPD_FULL),
	MOVED("CONDSTORE", IMAPD_CONDSTORE),
	MOVED("an old server", IMAPD_PLAIN),
	/* Rule 4. */
	{ .what = "and marked there", .before = FOUR,
	    .change = "server move INBOX b~20000 Work\n"
		"server flag Work b~20000 FS,Later\n",
	    .ops = "pull Work b~20000\nremove-local INBOX b~20000\n",
	    .both = "INBOX: a~20000(S) c(FS)\n"
		"Work: b~20000(FS,Later) d(,Junk)\n" },
	/* Where the connection is lost at the header, its body comes, and the
	 * mark is that of a message that was deleted there. */
	{ .what = "and marked here", .before = FOUR,
	    .change = "server move INBOX b~20000 Work\n"
		"disk flag INBOX b~20000 R\n",
	    .ops = "flag-remote Work b~20000 +\\Answered\n"
		"pull Work b~20000\nremove-local INBOX b~20000\n",
	    .both = "INBOX: a~20000(S) c(FS)\nWork: b~20000(R) d(,Junk)\n",
	    .not = FLOW_NOT_DRY | FLOW_NOT_CUT },
	/* Rule 5. */
	{ .what = "and deleted here", .before = FOUR,
	    .change = "server move INBOX b~20000 Work\n"
		"disk remove INBOX b~20000\n",
	    .ops = "pull Work b~20000\n",
	    .both = "INBOX: a~20000(S) c(FS)\nWork: b~20000 d(,Junk)\n" },
	{ .what = "and copied", .before = FOUR "server make Other\n",
	    .change = "server copy INBOX a~20000 Other\n"
		"server move INBOX a~20000 Work\n",
	    .ops = "pull Other a~20000\npull Work a~20000\n"
		"remove-local INBOX a~20000\n",
	    .both = "INBOX: b~20000 c(FS)\nOther: a~20000(S)\n"
		"Work: a~20000(S) d(,Junk)\n" },
	{ .what = "back and forth", .before = FOUR,
	    .change = "server move INBOX a~20000 Work\n"
		"server move Work a~20000 INBOX\n",
	    .ops = "pull INBOX a~20000\nremove-local INBOX a~20000\n",
	    .both = "INBOX: a~20000(S) b~20000 c(FS)\nWork: d(,Junk)\n" },
};

static void
moves_there(void **state)
{
	(void)state;
	flow_check_all(moved, ARRAY_SIZE(moved));
}

/* --- what costs a body --- */

static unsigned
bodies_of(struct world *w, const char *change)
{
	imapd_count(w->d);
	world_do(w, change);
	world_sync_well(w);
	return world_asked(w, "BODY.PEEK[]");
}

static void
sizes_are_estimates(struct world *w)
{
	w->d->sizes = IMAPD_SIZE_MORE;
}

static void
dates_are_made_up(struct world *w)
{
	w->d->dates = IMAPD_DATE_VARIES;
}

static const struct cost {
	const char *what;
	void (*prepare)(struct world *);
	const char *change;
	unsigned bodies;	/* commands */
} costs[] = {
	{ "moved", NULL, "server move INBOX a~20000 Work\n", 0 },
	{ "many", NULL, "server move INBOX a~20000 Work\n"
	    "server move INBOX b~20000 Work\n", 0 },
	{ "small", NULL, "server move INBOX c Work\n", 1 },
	{ "a copy", NULL, "server copy INBOX a~20000 Work\n", 1 },
	{ "of the same size", NULL, "server add Work e~20000\n", 1 },
	{ "sizes are estimates", sizes_are_estimates,
	    "server move INBOX a~20000 Work\n", 1 },
	{ "dates are made up", dates_are_made_up,
	    "server move INBOX a~20000 Work\n", 1 },
};

static void
what_costs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(costs); i++) {
		struct world *w = world_new(IMAPD_FULL);

		snprintf(world_way, sizeof(world_way), "%s: ", costs[i].what);
		if (costs[i].prepare != NULL)
			costs[i].prepare(w);
		world_do(w, FOUR);
		world_sync_well(w);
		assert_int_equal(bodies_of(w, costs[i].change),
		    costs[i].bodies);
		world_way[0] = '\0';
		world_free(w);
	}
}

/* --- what does not go as it should --- */

static const struct amiss {
	const char *what, *command;
	enum imapd_action action;
} amiss[] = {
	{ "headers are refused", "UID FETCH * (UID BODY.PEEK[[]HEADER])",
	    IMAPD_NO },
	{ "and not told", "UID FETCH * (UID BODY.PEEK[[]HEADER])", IMAPD_OK },
	{ "and cost the connection", "UID FETCH * (UID BODY.PEEK[[]HEADER])",
	    IMAPD_CUT },
};

static void
bodies_are_asked_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(amiss); i++) {
		struct world *w = world_new(IMAPD_FULL);

		snprintf(world_way, sizeof(world_way), "%s: ", amiss[i].what);
		world_do(w, FOUR);
		world_sync_well(w);
		imapd_count(w->d);
		imapd_add_rule(w->d, amiss[i].command, amiss[i].action, "no");
		world_do(w, "server move INBOX a~20000 Work\n");
		world_sync_well(w);
		assert_int_equal(world_asked(w, "BODY.PEEK[]"), 1);
		world_is_in_sync(w, "INBOX: b~20000 c(FS)\n"
		    "Work: a~20000(S) d(,Junk)\n");
		world_is_idle(w, 0);
		world_way[0] = '\0';
		world_free(w);
	}
}

/* Of the same size, and of that second. */
static void
another_header(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, FOUR);
	world_sync_well(w);
	world_do(w, "server remove INBOX a~20000\nserver add Work e~20000\n");
	world_message(w, "Work", "e~20000")->date = message_date("a~20000");
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: b~20000 c(FS)\n"
	    "Work: d(,Junk) e~20000@\n");
	world_free(w);
}

/* It only looks the same. Nothing goes on its account before its body is known:
 * then its own comes, and the file is a message of its own where it is there
 * still. */
static void
another_one(void **state)
{
	static const struct {
		const char *change, *both;
	} then[] = {
		{ "server flag Work a~9000=2 FS\n",
		    "INBOX:\nWork: a~9000=1(FS) a~9000=2@(FS)\n" },
		{ "disk remove Work a~9000=1\n",
		    "INBOX:\nWork: a~9000=2@(S)\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(then); i++) {
		struct world *w = world_new(IMAPD_FULL);

		world_do(w, "server add INBOX a~9000=1 S\nserver make Work\n");
		world_sync_well(w);
		world_do(w, "server remove INBOX a~9000=1\n"
		    "server add Work a~9000=2 S\n");
		world_message(w, "Work", "a~9000=2")->date =
		    message_date("a~9000=1");
		world_sync_well(w);
		world_is(w, "the disk", world_disk(w),
		    "INBOX:\nWork: a~9000=1(S)\n");
		world_do(w, then[i].change);
		w->conf.verify_bytes = i == 0 ? 20000 : 0;
		world_sync(w, NULL, NULL);
		world_sync(w, NULL, NULL);
		world_is_in_sync(w, then[i].both);
		world_is_idle(w, 0);
		world_free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves_there),
		cmocka_unit_test(what_costs),
		cmocka_unit_test(bodies_are_asked_for),
		cmocka_unit_test(another_header),
		cmocka_unit_test(another_one),
	};

	return FLOW_MAIN(tests);
}
