/*
 * What was moved or copied on the server travels no second time where the
 * server tells of its lineage (design section 3; section 4, rules 4 to 6).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define FOUR \
	"server add INBOX a~20000 S\nserver add INBOX b\n" \
	"server add INBOX c FS\nserver add Work d ,Junk\n"
#define OBJECTS	IMAPD_FULL " OBJECTID"
#define GMAIL	"IMAP4rev1 LITERAL+ ENABLE CONDSTORE UIDPLUS MOVE ESEARCH " \
	"NAMESPACE X-GM-EXT-1"

static void
dovecot(struct world *w)
{
	w->d->is_dovecot = w->d->knows_guid = true;
}

/* --- what comes of it --- */

#define MOVED(name, server_caps, how) { \
	.what = "moved there, " name, .caps = server_caps, .prepare = how, \
	.before = FOUR, .points = 4, \
	.change = "server move INBOX a~20000 Work\nserver move Work d INBOX\n", \
	.ops = "pull INBOX d\npull Work a~20000\nremove-local INBOX a~20000\n" \
	    "remove-local Work d\n", \
	.both = "INBOX: b c(FS) d(,Junk)\nWork: a~20000(S)\n" }

static const struct flow moved[] = {
	MOVED("OBJECTID", OBJECTS, NULL),
	MOVED("Gmail", GMAIL, NULL),
	MOVED("Dovecot", IMAPD_FULL, dovecot),
	MOVED("an old server", IMAPD_PLAIN, NULL),
	{ .what = "copied there", .caps = OBJECTS, .before = FOUR,
	    .change = "server copy INBOX a~20000 Work\n"
		"server copy INBOX b Work\n",
	    .ops = "pull Work a~20000\npull Work b\n",
	    .both = "INBOX: a~20000(S) b c(FS)\n"
		"Work: a~20000(S) b d(,Junk)\n" },
	{ .what = "moved there, and marked there", .caps = OBJECTS,
	    .before = FOUR,
	    .change = "server move INBOX b Work\n"
		"server flag Work b FS,Later\n",
	    .ops = "pull Work b\nremove-local INBOX b\n",
	    .both = "INBOX: a~20000(S) c(FS)\n"
		"Work: b(FS,Later) d(,Junk)\n" },
	/* Rule 4. */
	{ .what = "moved there, and marked here", .caps = OBJECTS,
	    .before = FOUR,
	    .change = "server move INBOX b Work\ndisk flag INBOX b R\n",
	    .ops = "flag-remote Work b +\\Answered\npull Work b\n"
		"remove-local INBOX b\n",
	    .both = "INBOX: a~20000(S) c(FS)\nWork: b(R) d(,Junk)\n",
	    .not = FLOW_NOT_DRY },
	{ .what = "moved there, and a mark taken away here",
	    .caps = OBJECTS, .before = FOUR,
	    .change = "server move INBOX c Work\ndisk flag INBOX c S\n"
		"server flag Work c FRS\n",
	    .ops = "flag-remote Work c -\\Flagged\npull Work c\n"
		"remove-local INBOX c\n",
	    .both = "INBOX: a~20000(S) b\nWork: c(RS) d(,Junk)\n",
	    .not = FLOW_NOT_DRY },
	/* Rule 5. */
	{ .what = "moved there, and deleted here", .caps = OBJECTS,
	    .before = FOUR,
	    .change = "server move INBOX b Work\ndisk remove INBOX b\n",
	    .ops = "pull Work b\n",
	    .both = "INBOX: a~20000(S) c(FS)\nWork: b d(,Junk)\n" },
	{ .what = "moved there, and edited here", .caps = OBJECTS,
	    .before = FOUR,
	    .change = "server move INBOX b Work\ndisk edit INBOX b x\n",
	    .ops = "pull Work b\npush INBOX x\n",
	    .both = "INBOX: a~20000(S) c(FS) x\nWork: b d(,Junk)\n" },
};

static void
moves_there(void **state)
{
	(void)state;
	flow_check_all(moved, ARRAY_SIZE(moved));
}

/* --- what it costs --- */

/* Runs, and how many bodies were asked for. */
static unsigned
bodies_of(struct world *w, const char *change)
{
	imapd_count(w->d);
	world_do(w, change);
	world_sync_well(w);
	return world_asked(w, "BODY.PEEK[]");
}

struct cost {
	const char *what, *caps;
	void (*prepare)(struct world *);
	unsigned moved, copied;	/* commands for bodies */
};

static const struct cost costs[] = {
	{ "OBJECTID", OBJECTS, NULL, 0, 0 }, { "Gmail", GMAIL, NULL, 0, 0 },
	{ "Dovecot", IMAPD_FULL, dovecot, 0, 0 },
	{ "no lineage", IMAPD_FULL, NULL, 0, 1 },
	{ "an old server", IMAPD_PLAIN, NULL, 0, 1 },
};

static void
bodies_travel_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(costs); i++) {
		struct world *w = world_new(costs[i].caps);

		snprintf(world_way, sizeof(world_way), "%s: ", costs[i].what);
		if (costs[i].prepare != NULL)
			costs[i].prepare(w);
		world_do(w, FOUR);
		world_sync_well(w);
		assert_int_equal(bodies_of(w,
		    "server move INBOX a~20000 Work\n"), costs[i].moved);
		assert_int_equal(bodies_of(w, "server copy Work d INBOX\n"),
		    costs[i].copied);
		assert_int_equal(bodies_of(w, "server add Work new S\n"), 1);
		/* What went up from here has it as well. */
		world_do(w, "disk add INBOX u~20000 S\n");
		world_sync_well(w);
		assert_int_equal(bodies_of(w,
		    "server move INBOX u~20000 Work\n"), costs[i].moved);
		world_is_in_sync(w, "INBOX: b c(FS) d(,Junk)\nWork: "
		    "a~20000(S) d(,Junk) new(S) u~20000(S)\n");
		world_is_idle(w, 0);
		world_way[0] = '\0';
		world_free(w);
	}
}

/* --- what is not what it says --- */

/* A proxy of that name, with something else behind it. */
static void
is_asked_once(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	w->d->is_dovecot = true;
	imapd_count(w->d);
	world_do(w, FOUR);
	world_sync_well(w);
	assert_int_equal(world_asked(w, "X-GUID"), 1);
	assert_int_equal(bodies_of(w, "server move INBOX b Work\n"), 1);
	assert_int_equal(world_asked(w, "X-GUID"), 0);
	world_is_in_sync(w, "INBOX: a~20000(S) c(FS)\nWork: b d(,Junk)\n");
	world_free(w);
}

/* It hangs up at what it does not know. */
static void
may_hang_up(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	w->d->is_dovecot = true;
	imapd_add_rule(w->d, "STATUS INBOX (X-GUID)", IMAPD_CUT, NULL);
	world_do(w, FOUR);
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a~20000(S) b c(FS)\nWork: d(,Junk)\n");
	world_free(w);
}

/* Size and date tell them apart. */
static void
one_for_all(void **state)
{
	struct world *w = world_new(OBJECTS);

	(void)state;
	w->d->one_lineage = true;
	world_do(w, FOUR);
	world_sync_well(w);
	world_do(w, "server add Work e S\nserver add Work f~20000\n"
	    "server move INBOX b Work\n");
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a~20000(S) c(FS)\n"
	    "Work: b d(,Junk) e(S) f~20000\n");
	world_is_idle(w, 0);
	world_free(w);
}

/* So does the size alone, and then that there are several. */
static void
without_dates(void **state)
{
	struct world *w = world_new(OBJECTS);

	(void)state;
	w->d->one_lineage = true;
	w->d->dates = IMAPD_DATE_NONE;
	world_do(w, "server add INBOX a~20000 S\nserver make Work\n");
	world_sync_well(w);
	assert_int_equal(bodies_of(w, "server add Work b~30000 S\n"), 1);
	assert_int_equal(bodies_of(w, "server copy INBOX a~20000 Work\n"), 0);
	world_free(w);

	w = world_new(OBJECTS);
	w->d->one_lineage = true;
	w->d->dates = IMAPD_DATE_NONE;
	world_do(w, "server add INBOX a S\nserver add INBOX b S\n"
	    "server make Work\n");
	world_sync_well(w);
	assert_int_equal(bodies_of(w, "server add Work c S\n"), 1);
	world_free(w);
}

/* Behind the scan, the file is not what the index knows. */
static void
edit_a(struct imapd *d, void *arg)
{
	char *path = world_file(arg, "INBOX", "a~20000");
	FILE *f = fopen(path, "r+");

	(void)d;
	assert_non_null(f);
	fseek(f, -3, SEEK_END);
	fputs("zz", f);
	fclose(f);
	free(path);
}

static void
edited_meanwhile(void **state)
{
	struct world *w = world_new(OBJECTS);

	(void)state;
	world_do(w, FOUR);
	world_sync_well(w);
	imapd_count(w->d);
	imapd_call_at(w->d, "SELECT Work*", edit_a, w)->times = 1;
	world_do(w, "server copy INBOX a~20000 Work\n");
	world_sync(w, NULL, NULL);
	assert_int_equal(world_asked(w, "BODY.PEEK[]"), 1);
	assert_non_null(strstr(world_disk(w), "Work: a~20000(S)"));
	world_free(w);
}

/* From a folder that is looked at behind it, or once more behind it. */
static void
moved_to_an_earlier_one(void **state)
{
	(void)state;
	for (unsigned lost = 0; lost < 3; lost++) {
		static const char *const cut[] = { "nothing",
		    "SELECT Work*", "SELECT INBOX*" };
		struct world *w = world_new(OBJECTS);

		world_do(w, FOUR "server make Alpha\n");
		world_sync_well(w);
		imapd_count(w->d);
		imapd_add_rule(w->d, cut[lost], IMAPD_CUT, NULL)->times = 1;
		world_do(w, "server move Work d Alpha\n"
		    "disk flag Work d R\nserver move INBOX b Alpha\n"
		    "disk flag INBOX b R\n");
		world_sync_well(w);
		world_is_in_sync(w, "Alpha: b(R) d(R,Junk)\n"
		    "INBOX: a~20000(S) c(FS)\nWork:\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves_there),
		cmocka_unit_test(bodies_travel_once),
		cmocka_unit_test(is_asked_once),
		cmocka_unit_test(may_hang_up),
		cmocka_unit_test(one_for_all),
		cmocka_unit_test(without_dates),
		cmocka_unit_test(edited_meanwhile),
		cmocka_unit_test(moved_to_an_earlier_one),
	};

	return FLOW_MAIN(tests);
}
