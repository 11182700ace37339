/*
 * What one side lost goes on the other, or is held, or brought back (design
 * section 5).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define ABC \
	"server add INBOX a S\nserver add INBOX b\nserver add INBOX c\n" \
	"server add Work d F\n"

#define BOTH_WAYS(name, server_caps) { \
	.what = name, .caps = server_caps, .before = ABC, \
	.change = "server remove INBOX a\ndisk remove INBOX b\n" \
	    "disk remove Work d\n", \
	.ops = "remove-local INBOX a\nremove-remote INBOX b\n" \
	    "remove-remote Work d\n", \
	.both = "INBOX: c\nWork:\n" }

static const struct flow removed[] = {
	BOTH_WAYS("both ways", IMAPD_FULL),
	BOTH_WAYS("both ways, UIDPLUS alone", IMAPD_CONDSTORE),
	BOTH_WAYS("both ways, an old server", IMAPD_PLAIN),
	{ .what = "what both lost is forgotten", .before = ABC,
	    .change = "server remove INBOX a\ndisk remove INBOX a\n",
	    .ops = "", .both = "INBOX: b c\nWork: d(F)\n" },
	{ .what = "moved", .before = ABC,
	    .change = "disk move INBOX a Work\nserver move INBOX b Work\n",
	    .ops = "move-remote Work a from INBOX\npull Work b\n"
		"remove-local INBOX b\n",
	    .both = "INBOX: c\nWork: a(S) b d(F)\n" },
};

static void
what_one_side_lost(void **state)
{
	(void)state;
	flow_check_all(removed, ARRAY_SIZE(removed));
}

/* --- the trash --- */

static void
use_trash(struct world *w)
{
	imapd_make_box(w->d, "Trash");
	w->conf.trash = xstrdup("Trash");
}

/* Where the server tells no UIDs, what is in the trash is seen by another look
 * at it, in the same run. */
#define TO_TRASH(name, server_caps) { \
	.what = name, .caps = server_caps, .prepare = use_trash, \
	.before = ABC, .change = "disk remove INBOX a\n", \
	.ops = "pull Trash a\nremove-remote INBOX a\n", \
	.both = "INBOX: b c\nTrash: a(S)\nWork: d(F)\n", \
	.not = FLOW_NOT_DRY }

static const struct flow trashed[] = {
	TO_TRASH("moved to the trash", IMAPD_FULL),
	TO_TRASH("copied to the trash", IMAPD_CONDSTORE),
	TO_TRASH("copied to the trash, an old server", IMAPD_PLAIN),
};

static void
what_goes_to_the_trash(void **state)
{
	(void)state;
	flow_check_all(trashed, ARRAY_SIZE(trashed));
}

/* The server has the COPY, and may be at it still: it is not repeated, and the
 * next run waits. */
static void
copy_without_an_answer(void **state)
{
	struct world *w = world_new(IMAPD_PLAIN);

	(void)state;
	use_trash(w);
	world_do(w, ABC);
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, "disk remove INBOX a\n");
	imapd_add_rule(w->d, "UID COPY *", IMAPD_CUT_BEHIND, NULL);
	assert_int_equal(world_sync(w, NULL, NULL), 75);
	imapd_count(w->d);
	world_sync_well(w);
	assert_true(w->told.result.seconds >= 1);
	world_is_in_sync(w, "INBOX: b c\nTrash: a(S)\nWork: d(F)\n");
	world_free(w);
}

/* --- it is elsewhere, and waits --- */

static const char *const inbox_only[] = { "INBOX" };

/* The server has it in INBOX alone until Work is synced. */
static const struct flow waiting[] = {
	{ .what = "moved to a folder that has no part in the run",
	    .before = ABC, .change = "disk move INBOX a Work\n",
	    .opt = { .glob = inbox_only, .n_glob = 1 }, .ops = "",
	    .server = "INBOX: a(S) b c\nWork: d(F)\n",
	    .disk = "INBOX: b c\nWork: a(S) d(F)\n", .exit = 75,
	    .not = FLOW_NOT_DRY | FLOW_NOT_IDLE },
};

static void
what_waits_elsewhere_stays(void **state)
{
	(void)state;
	flow_check_all(waiting, ARRAY_SIZE(waiting));
}

/* --- much of it --- */

struct crowd {
	const char *what;
	unsigned n;		/* in INBOX */
	const char *remove;	/* what goes: up to the number, and behind it */
	const char *tail;
	unsigned gone;
	const char *item;	/* "": it is not held */
	bool is_trash;		/* all lies in Trash, and not in INBOX */
	bool not_dry;
};

#define SERVER_KEEPS " are gone from the Maildir; all "
#define DISK_KEEPS " are gone from the server; all "
#define WAYS_OUT " are held. If that was meant, run sync --force-deletes; if " \
	"not, sync --undo-deletes brings them back\n"

static const struct crowd crowds[] = {
	{ .what = "nine of nine", .n = 9, .remove = "disk remove INBOX m",
	    .gone = 9, .item = "" },
	{ .what = "ten of ten files", .n = 10,
	    .remove = "disk remove INBOX m", .gone = 10,
	    .item = "10 of 10 messages of the account (10 of them in INBOX)"
		SERVER_KEEPS "10 removals on the server" WAYS_OUT },
	{ .what = "ten of ten messages", .n = 10,
	    .remove = "server remove INBOX m", .gone = 10,
	    .item = "10 of 10 messages of the account (10 of them in INBOX)"
		DISK_KEEPS "10 removals on disk" WAYS_OUT },
	/* Of more rows than are read at once, each is counted. */
	{ .what = "a third of many", .n = 300,
	    .remove = "disk remove INBOX m", .gone = 100,
	    .item = "100 of 300 messages of the account (100 of them in "
		"INBOX)" SERVER_KEEPS "100 removals on the server" WAYS_OUT },
	{ .what = "a quarter of many", .n = 300,
	    .remove = "disk remove INBOX m", .gone = 75, .item = "" },
	{ .what = "moved here", .n = 12, .remove = "disk move INBOX m",
	    .tail = " Work", .gone = 12, .item = "" },
	/* What new messages are a dry run does not know: it would hold. */
	{ .what = "moved there", .n = 12, .remove = "server move INBOX m",
	    .tail = " Work", .gone = 12, .item = "", .not_dry = true },
	{ .what = "the trash is emptied", .n = 12, .is_trash = true,
	    .remove = "disk remove Trash m", .gone = 12, .item = "" },
};

static struct world *
crowd_begin(const struct crowd *c)
{
	struct world *w = world_new(IMAPD_FULL);

	imapd_make_box(w->d, "Work");
	imapd_make_box(w->d, "Trash")->use = "\\Trash";
	world_do_many(w, c->is_trash ? "server add Trash m" :
	    "server add INBOX m", c->n, "");
	world_sync_well(w);
	world_do_many(w, c->remove, c->gone, c->tail != NULL ? c->tail : "");
	return w;
}

static void
is_held(struct world *w, const struct crowd *c)
{
	bool local = strstr(c->item, SERVER_KEEPS) == NULL;
	struct sync_options force = { .force_deletes = true };
	const struct sync_result *r = &w->told.result;

	world_is(w, "what was told", buf_str(&w->told.ops), "");
	world_changed_nothing(w);
	/* Also the next one, until it is said that it was meant. */
	world_is_idle(w, 1);
	world_is(w, "items", buf_str(&w->told.items), c->item);
	assert_int_equal(world_sync(w, &force, NULL), 0);
	assert_int_equal(local ? r->pulled.deleted : r->pushed.deleted,
	    c->gone);
	assert_int_equal(local ? r->pushed.deleted : r->pulled.deleted, 0);
}

static void
disasters(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(crowds); i++) {
		const struct crowd *c = &crowds[i];
		struct sync_options dry = { .dry_run = true };
		struct world *w = crowd_begin(c);
		int exit = *c->item == '\0' ? 0 : 1;

		snprintf(world_way, sizeof(world_way), "%s: ", c->what);
		imapd_count(w->d);
		if (!c->not_dry) {
			assert_int_equal(world_sync(w, &dry, NULL), exit);
			world_is(w, "items of a dry run",
			    buf_str(&w->told.items), c->item);
		}
		assert_int_equal(world_sync(w, NULL, NULL), exit);
		world_is(w, "items", buf_str(&w->told.items), c->item);
		if (exit == 1)
			is_held(w, c);
		else
			assert_int_equal(w->told.result.pulled.deleted +
			    w->told.result.pushed.deleted +
			    w->told.result.pushed.moved, c->gone);
		world_is_idle(w, 0);
		world_free(w);
	}
	world_way[0] = '\0';
}

/* The last message of 30 is gone from the server, the 29 others from disk. */
static void
one_side_is_held(void **state)
{
	static const char item[] = "29 of 29 messages of the account (29 of "
	    "them in INBOX)" SERVER_KEEPS "29 removals on the server" WAYS_OUT;
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do_many(w, "server add INBOX m", 30, "");
	world_sync_well(w);
	world_do_many(w, "disk remove INBOX m", 29, "");
	world_do(w, "server remove INBOX m30\n");
	imapd_count(w->d);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "items", buf_str(&w->told.items), item);
	world_is(w, "what was told", buf_str(&w->told.ops),
	    "remove-local INBOX m30\n");
	world_changed_nothing(w);
	world_is(w, "the disk", world_disk(w), "INBOX:\n");
	world_is_idle(w, 1);
	world_free(w);
}

/* --- undone --- */

static const struct flow undone[] = {
	{ .what = "undone", .before = ABC, .opt = { .undo_deletes = true },
	    .change = "server remove INBOX a\ndisk remove Work d\n",
	    .ops = "pull Work d\npush INBOX a\n",
	    .both = "INBOX: a(S) b c\nWork: d(F)\n",
	    .notes = "2 removals undone: 1 message pulled again, 1 message "
		"uploaded again\n", .not = FLOW_ONCE },
};

static void
what_is_undone_comes_back(void **state)
{
	(void)state;
	flow_check_all(undone, ARRAY_SIZE(undone));
}

static void
remove_c(struct imapd *d, void *arg)
{
	(void)d;
	world_do(arg, "server remove INBOX c\n");
}

/* In the second round INBOX is opened for the second time. */
static void
what_vanishes_meanwhile_waits(void **state)
{
	const struct sync_options undo = { .undo_deletes = true };
	struct world *w = world_new(IMAPD_FULL);
	struct imapd_rule *rule;

	(void)state;
	world_do(w, ABC);
	world_sync_well(w);
	world_do(w, "server remove INBOX a\n");
	imapd_count(w->d);
	rule = imapd_call_at(w->d, "SELECT *INBOX*", remove_c, w);
	rule->skip = rule->times = 1;
	assert_int_equal(world_sync(w, &undo, NULL), 75);
	assert_int_equal(rule->acted, 1);
	world_is(w, "what was told", buf_str(&w->told.ops), "push INBOX a\n");
	world_is(w, "the disk", world_disk(w),
	    "INBOX: a(S) b c\nWork: d(F)\n");
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a(S) b\nWork: d(F)\n");
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_one_side_lost),
		cmocka_unit_test(what_goes_to_the_trash),
		cmocka_unit_test(copy_without_an_answer),
		cmocka_unit_test(what_waits_elsewhere_stays),
		cmocka_unit_test(disasters),
		cmocka_unit_test(one_side_is_held),
		cmocka_unit_test(what_is_undone_comes_back),
		cmocka_unit_test(what_vanishes_meanwhile_waits),
	};

	return FLOW_MAIN(tests);
}
