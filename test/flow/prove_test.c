/*
 * Likely pairs (design section 3): paired by header and size, and proven by the
 * body before anything is removed on their account.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "flow.h"

/* The same on both sides, and two that only look so. */
#define ALIKE	"server add INBOX a~9000=1 S\ndisk add INBOX a~9000=1 S\n"
#define UNLIKE	"server add INBOX a~9000=2 S\ndisk add INBOX a~9000=1 S\n"
#define NO_UIDPLUS "IMAP4rev1 ENABLE CONDSTORE ESEARCH NAMESPACE"

static void
has_trash(struct world *w)
{
	w->conf.trash = xstrdup("Trash");
}

static void
expunges(struct world *w)
{
	w->conf.expunge = true;
}

static const struct flow flows[] = {
	{ .what = "removed here, and proven", .before = ALIKE,
	    .change = "disk remove INBOX a~9000=1\n",
	    .ops = "remove-remote INBOX a~9000=1\n", .both = "INBOX:\n" },
	{ .what = "the same without UIDPLUS", .before = ALIKE,
	    .caps = NO_UIDPLUS, .change = "disk remove INBOX a~9000=1\n",
	    .ops = "remove-remote INBOX a~9000=1\n", .both = "INBOX:\n" },
	{ .what = "the same into the trash", .prepare = has_trash,
	    .before = ALIKE "server make Trash\n",
	    .change = "disk remove INBOX a~9000=1\n",
	    .ops = "pull Trash a~9000=1\nremove-remote INBOX a~9000=1\n",
	    .both = "INBOX:\nTrash: a~9000=1(S)\n",
	    .not = FLOW_NOT_DRY | FLOW_ONCE | FLOW_NOT_IDLE },
	{ .what = "removed there", .before = ALIKE,
	    .change = "server remove INBOX a~9000=1\n",
	    .ops = "remove-local INBOX a~9000=1\n", .both = "INBOX:\n" },
	{ .what = "the mark on a pair", .prepare = expunges, .before = ALIKE,
	    .change = "disk flag INBOX a~9000=1 ST\n",
	    .ops = "remove-local INBOX a~9000=1\n"
		"remove-remote INBOX a~9000=1\n", .both = "INBOX:\n",
	    .not = FLOW_ONCE | FLOW_NOT_DRY },
	{ .what = "removed here, and the server's is another",
	    .before = UNLIKE, .change = "disk remove INBOX a~9000=1\n",
	    .ops = "pull INBOX a~9000=2\n", .both = "INBOX: a~9000=2(S)\n",
	    .not = FLOW_NOT_DRY },
	{ .what = "the same without UIDPLUS", .before = UNLIKE,
	    .caps = NO_UIDPLUS, .change = "disk remove INBOX a~9000=1\n",
	    .ops = "pull INBOX a~9000=2\n", .both = "INBOX: a~9000=2(S)\n",
	    .not = FLOW_NOT_DRY },
};

static void
removed(void **state)
{
	(void)state;
	flow_check_all(flows, ARRAY_SIZE(flows));
}

/* --- what costs, and what is told --- */

static bool
asked_for_bodies(struct world *w)
{
	return strstr(buf_str(&w->d->log), "BODY.PEEK[]") != NULL;
}

static void
only_where_something_goes(void **state)
{
	const struct sync_options dry = { .dry_run = true };
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, ALIKE "server add INBOX b S\n");
	world_sync_well(w);
	imapd_count(w->d);
	world_is_idle(w, 0);
	world_do(w, "server remove INBOX b\nserver flag INBOX a~9000=1 FS\n");
	world_sync_well(w);
	world_do(w, "disk remove INBOX a~9000=1\n");
	world_sync(w, &dry, NULL);
	world_is(w, "told", buf_str(&w->told.ops),
	    "remove-remote INBOX a~9000=1\n");
	assert_false(asked_for_bodies(w));
	world_sync_well(w);
	assert_true(asked_for_bodies(w));
	world_is_in_sync(w, "INBOX:\n");
	world_free(w);
}

/* Once proven, not again: the removal was held back by something else. */
static void
proven_for_good(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, ALIKE);
	world_sync_well(w);
	imapd_count(w->d);
	imapd_add_rule(w->d, "UID STORE *", IMAPD_NO, "later");
	world_do(w, "disk remove INBOX a~9000=1\n");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	assert_true(asked_for_bodies(w));
	imapd_count(w->d);
	world_sync_well(w);
	assert_false(asked_for_bodies(w));
	world_is_in_sync(w, "INBOX:\n");
	world_free(w);
}

static void
refused_proof_waits(void **state)
{
	static const char *const change[] = {
		"disk remove INBOX a~9000=1\ndisk remove INBOX b~9000=1\n",
		"disk flag INBOX a~9000=1 ST\ndisk flag INBOX b~9000=1 ST\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(change); i++) {
		struct world *w = world_new(IMAPD_FULL);

		w->conf.expunge = i == 1;
		world_do(w, ALIKE "server add INBOX b~9000=1 S\n"
		    "disk add INBOX b~9000=1 S\n");
		world_sync_well(w);
		/* Of both together, then of the first alone. */
		imapd_add_rule(w->d, "UID FETCH 1*BODY.PEEK[[]*", IMAPD_NO,
		    "later");
		world_do(w, change[i]);
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		assert_non_null(strstr(buf_str(&w->told.ops),
		    "remove-remote INBOX b~9000=1\n"));
		world_is(w, "items", buf_str(&w->told.items), "INBOX: message "
		    "with UID 1 was not removed: it was known by its header "
		    "and size alone, and 127.0.0.1 refused UID FETCH: "
		    "later\n");
		imapd_count(w->d);
		world_sync_well(w);
		world_is_in_sync(w, "INBOX:\n");
		world_is(w, "items", world_items(w), "");
		world_free(w);
	}
}

/* Parted: each goes to the other side, and the mark is of the one that got it.
 */
static void
parted_with_a_mark(void **state)
{
	static const struct {
		const char *change, *both;
	} of[] = {
		{ "disk flag INBOX a~9000=1 ST\n",
		    "INBOX: a~9000=1(ST) a~9000=2(S)\n" },
		{ "server flag INBOX a~9000=2 ST\n",
		    "INBOX: a~9000=1(S) a~9000=2(ST)\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
		struct world *w = world_new(IMAPD_FULL);

		expunges(w);
		world_do(w, UNLIKE);
		world_sync_well(w);
		world_do(w, of[i].change);
		world_sync(w, NULL, NULL);
		world_sync_well(w);
		world_is_in_sync(w, of[i].both);
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* The mark was carried over before it came to mean anything. */
static void
parted_with_both_marks(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, UNLIKE);
	world_sync_well(w);
	world_do(w, "disk flag INBOX a~9000=1 ST\n");
	world_sync_well(w);
	expunges(w);
	world_do(w, "disk flag INBOX a~9000=1 FST\n");
	for (int k = 0; k < 3; k++)
		world_sync(w, NULL, NULL);
	world_is_in_sync(w, "INBOX: a~9000=1(FST) a~9000=2(S)\n");
	world_free(w);
}

/* What the message is was only believed of the file, which is another now. */
static void
replaced_and_copied(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, UNLIKE);
	world_sync_well(w);
	world_do(w, "disk edit INBOX a~9000=1 z\n"
	    "disk add INBOX a~9000=1 S\n");
	world_sync(w, NULL, NULL);
	world_do(w, "disk remove INBOX a~9000=1\n");
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a~9000=2(S) z(S)\n");
	world_free(w);
}

/* Pairs that are made anew are as likely as before. */
static void
likely_once_more(void **state)
{
	static const char *const change[] = {
		"server renumber INBOX\n", "index lose\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(change); i++) {
		struct world *w = world_new(IMAPD_FULL);

		world_do(w, UNLIKE);
		world_sync_well(w);
		world_do(w, change[i]);
		world_sync_well(w);
		world_do(w, "disk remove INBOX a~9000=1\n");
		world_sync_well(w);
		world_is(w, "told", buf_str(&w->told.ops),
		    "pull INBOX a~9000=2\n");
		world_is_in_sync(w, "INBOX: a~9000=2(S)\n");
		world_free(w);
	}
}

/* What is there comes back, and not what was taken for it. */
static void
undone(void **state)
{
	const struct sync_options undo = { .undo_deletes = true };
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, UNLIKE);
	world_sync_well(w);
	world_do(w, "disk remove INBOX a~9000=1\n");
	world_sync(w, &undo, NULL);
	world_is_in_sync(w, "INBOX: a~9000=2(S)\n");
	world_do(w, "disk remove INBOX a~9000=2\n");
	imapd_count(w->d);
	world_sync_well(w);
	assert_null(strstr(buf_str(&w->d->log), "BODY.PEEK[]"));
	world_is_in_sync(w, "INBOX:\n");
	world_free(w);
}

/* --- where the server's copy is gone --- */

static int64_t
day_in_the_attic(struct world *w)
{
	char *pattern = xasprintf("%s/.mailtern/attic/tmp/*", w->root);
	struct tm tm = { .tm_sec = 0 };
	glob_t g;

	assert_int_equal(glob(pattern, 0, NULL, &g), 0);
	assert_int_equal(g.gl_pathc, 1);
	assert_non_null(strptime(strrchr(g.gl_pathv[0], '/') + 1, "%Y-%m-%d",
	    &tm));
	globfree(&g);
	free(pattern);
	return timegm(&tm) / (24 * 3600);
}

/* At least 30 days, however short the attic is: by the day that it lies under,
 * which expires attic-days later. A twin does not make up for it. */
static void
unproven_is_kept(void **state)
{
	static const unsigned days[] = { 0, 7, 30, 60 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(days); i++) {
		struct world *w = world_new(IMAPD_FULL);
		int64_t today;

		w->conf.attic_days = days[i];
		world_do(w, UNLIKE "server add Work a~9000=1 S\n");
		world_sync_well(w);
		world_do(w, "server remove INBOX a~9000=2\n");
		today = time(NULL) / (24 * 3600);
		world_sync_well(w);
		world_is(w, "the attic", world_attic(w), "attic: a~9000=1\n");
		assert_in_range(day_in_the_attic(w) - today + days[i],
		    days[i] > 30 ? days[i] : 30, days[i] + 31);
		world_sync_well(w);
		world_is(w, "the attic", world_attic(w), "attic: a~9000=1\n");
		world_free(w);
	}
}

/* --- which pairs are proven from the start --- */

/* Small ones are compared as they are paired. */
static void
small_ones_are_proven(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, "server add INBOX a=1 S\ndisk add INBOX a=1 S\n"
	    "server add INBOX b^=1 S\ndisk add INBOX b^=1 S\n"
	    "server add INBOX c~9000=1 DS\ndisk add INBOX c~9000=1 DS\n"
	    "server add INBOX d~9000 S\n");
	world_sync_well(w);
	world_is(w, "told", buf_str(&w->told.ops), "pull INBOX d~9000\n");
	imapd_count(w->d);
	world_do(w, "disk remove INBOX a=1\ndisk remove INBOX b^=1\n"
	    "disk remove INBOX c~9000=1\ndisk remove INBOX d~9000\n");
	world_sync_well(w);
	assert_false(asked_for_bodies(w));
	world_is_in_sync(w, "INBOX:\n");
	world_free(w);
}

/* One on each side; two here; two there; two on each, of three: none is taken
 * for another. */
static void
unlike_stay_apart(void **state)
{
	static const struct {
		const char *script, *both;
	} of[] = {
		{ "server add INBOX a=1 S\ndisk add INBOX a=2 S\n",
		    "INBOX: a=1(S) a=2(S)\n" },
		{ "server add INBOX a^=1 S\ndisk add INBOX a^=2 S\n",
		    "INBOX: a^=1(S) a^=2(S)\n" },
		{ "server add INBOX a~9000^=1 S\ndisk add INBOX a~9000^=2 S\n",
		    "INBOX: a~9000^=1(S) a~9000^=2(S)\n" },
		{ "server add INBOX a~9000=1 DS\ndisk add INBOX a~9000=2 DS\n",
		    "INBOX: a~9000=1(DS) a~9000=2(DS)\n" },
		{ "server add INBOX a~9000=1 S\ndisk add INBOX a~9000=2 S\n"
		    "disk add INBOX a~9000=3 S\n",
		    "INBOX: a~9000=1(S) a~9000=2(S) a~9000=3(S)\n" },
		{ "server add INBOX a~9000=1 S\nserver add INBOX a~9000=2 S\n"
		    "disk add INBOX a~9000=3 S\n",
		    "INBOX: a~9000=1(S) a~9000=2(S) a~9000=3(S)\n" },
		{ "server add INBOX a~9000=1 S\nserver add INBOX a~9000=2 S\n"
		    "disk add INBOX a~9000=2 S\ndisk add INBOX a~9000=3 S\n",
		    "INBOX: a~9000=1(S) a~9000=2(S) a~9000=3(S)\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
		struct world *w = world_new(IMAPD_FULL);

		world_do(w, of[i].script);
		world_sync_well(w);
		world_is_in_sync(w, of[i].both);
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* The server has one already that looks like that. */
static void
like_one_that_was_there(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, "server add INBOX a~9000=1 S\n");
	world_sync_well(w);
	world_do(w, "disk add INBOX a~9000=1 S\nserver add INBOX a~9000=2 S\n");
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a~9000=1(S) a~9000=1(S) a~9000=2(S)\n");
	world_free(w);
}

/* Nobody but it can look like what was just uploaded. */
static void
uploads_are_proven(void **state)
{
	struct world *w = world_new(NO_UIDPLUS);

	(void)state;
	world_do(w, "disk add INBOX a~9000=1 S\n");
	world_sync_well(w);
	world_do(w, "disk remove INBOX a~9000=1\n");
	imapd_count(w->d);
	world_sync_well(w);
	assert_false(asked_for_bodies(w));
	world_is_in_sync(w, "INBOX:\n");
	world_free(w);
}

/* Of more than one job: the double lies 600 messages further on. */
static void
double_far_away(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, "server add INBOX a~9000=1 S\n");
	world_do_many(w, "server add INBOX m", 600, "~9000 S");
	world_do(w, "server add INBOX a~9000=2 S\ndisk add INBOX a~9000=2 S\n");
	world_sync_well(w);
	assert_int_equal(w->told.result.pulled.new, 601);
	imapd_count(w->d);
	world_do(w, "disk remove INBOX a~9000=2\n");
	world_sync_well(w);
	assert_false(asked_for_bodies(w));
	world_do(w, "server remove INBOX a~9000=1\n");
	world_sync_well(w);
	world_is_idle(w, 0);
	world_free(w);
}

/* --- where nothing goes: a little each day --- */

static unsigned
bodies_asked(struct world *w)
{
	const char *p = buf_str(&w->d->log);
	unsigned n = 0;

	while ((p = strstr(p, "BODY.PEEK[])")) != NULL) {
		n++;
		p++;
	}
	return n;
}

#define PAIR(t)	"server add INBOX " t " S\ndisk add INBOX " t " S\n"

/* Two of three a day, the newest first, by runs that open the folder. */
static void
some_each_day(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, PAIR("a~9000=1") PAIR("b~9000=1") PAIR("c~9000=1"));
	world_sync_well(w);
	w->conf.verify_bytes = 20000;
	imapd_count(w->d);
	world_is_idle(w, 0);
	assert_int_equal(bodies_asked(w), 0);
	world_do(w, "server flag INBOX a~9000=1 FS\n");
	world_sync_well(w);
	assert_non_null(strstr(buf_str(&w->d->log),
	    "UID FETCH 2:3 (UID BODY.PEEK[])"));
	world_do(w, "server flag INBOX a~9000=1 S\n");
	world_sync_well(w);
	assert_int_equal(bodies_asked(w), 1);
	clock_move(86400);
	world_is_idle(w, 0);
	assert_int_equal(bodies_asked(w), 0);
	world_do(w, "server flag INBOX b~9000=1 FS\n");
	world_sync_well(w);
	assert_non_null(strstr(buf_str(&w->d->log),
	    "UID FETCH 1 (UID BODY.PEEK[])"));
	/* All are proven. */
	clock_move(86400);
	world_do(w, "server flag INBOX b~9000=1 S\n");
	world_sync_well(w);
	world_do(w, "disk remove INBOX c~9000=1\n");
	world_sync_well(w);
	assert_int_equal(bodies_asked(w), 1);
	world_is_in_sync(w, "INBOX: a~9000=1(S) b~9000=1(S)\n");
	clock_move(-2 * 86400);
	world_free(w);
}

/* One that only looks so is parted; both are brought over. */
static void
unlike_by_the_day(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, UNLIKE);
	world_sync_well(w);
	w->conf.verify_bytes = 20000;
	world_do(w, "server flag INBOX a~9000=2 FS\n");
	for (int run = 0; run < 3; run++)
		world_sync(w, NULL, NULL);
	world_is_in_sync(w, "INBOX: a~9000=1(FS) a~9000=2(FS)\n");
	world_is_idle(w, 0);
	world_free(w);
}

/* What is refused is no issue, and keeps the others from nothing. */
static void
refused_by_the_day(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, PAIR("a~9000=1") PAIR("b~9000=1") PAIR("c~90000=1"));
	world_sync_well(w);
	world_message(w, "INBOX", "b~9000=1")->lie = IMAPD_REFUSED;
	w->conf.verify_bytes = 20000;
	imapd_count(w->d);
	for (int day = 0; day < 3; day++) {
		world_do(w, day % 2 ? "server flag INBOX a~9000=1 S\n" :
		    "server flag INBOX a~9000=1 FS\n");
		world_sync_well(w);
		clock_move(86400);
	}
	imapd_count(w->d);
	w->conf.verify_bytes = 0;
	world_do(w, "disk remove INBOX a~9000=1\n");
	world_sync_well(w);
	assert_int_equal(bodies_asked(w), 0);
	world_is_in_sync(w, "INBOX: b~9000=1(S) c~90000=1(S)\n");
	clock_move(-3 * 86400);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(removed),
		cmocka_unit_test(only_where_something_goes),
		cmocka_unit_test(proven_for_good),
		cmocka_unit_test(refused_proof_waits),
		cmocka_unit_test(parted_with_a_mark),
		cmocka_unit_test(parted_with_both_marks),
		cmocka_unit_test(replaced_and_copied),
		cmocka_unit_test(likely_once_more),
		cmocka_unit_test(undone),
		cmocka_unit_test(unproven_is_kept),
		cmocka_unit_test(small_ones_are_proven),
		cmocka_unit_test(unlike_stay_apart),
		cmocka_unit_test(like_one_that_was_there),
		cmocka_unit_test(uploads_are_proven),
		cmocka_unit_test(double_far_away),
		cmocka_unit_test(some_each_day),
		cmocka_unit_test(unlike_by_the_day),
		cmocka_unit_test(refused_by_the_day),
	};

	return FLOW_MAIN(tests);
}
