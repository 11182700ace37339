/*
 * Servers that show the newest messages of a folder alone, and such that count
 * some which they never list (design section 5, "Absence" and "Windows").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "flow.h"

#define OUT_OF_SIGHT \
	"INBOX: the server does not show all messages any more; those that " \
	"it had are kept on disk. If it shows the newest ones only, say so " \
	"with `window` in the syncrc\n"

static const char *const kinds[] = {
	IMAPD_FULL, IMAPD_CONDSTORE, IMAPD_PLAIN,
};

static unsigned
count_files(struct world *w, const char *folder)
{
	const char *line = world_disk(w), *end;
	char *name = xasprintf("%s:", folder);
	unsigned n = 0;

	while (*line != '\0' && strncmp(line, name, strlen(name)) != 0)
		line = strchr(line, '\n') + 1;
	free(name);
	for (end = strchr(line, '\n'); line < end; line++)
		n += *line == ' ';
	return n;
}

static struct imapd_box *
inbox(struct world *w)
{
	return imapd_find_box(w->d, "INBOX");
}

/* Tokens PREFIX1 ... PREFIXn, with S. */
static void
arrive(struct world *w, const char *prefix, unsigned n)
{
	char *line = xasprintf("server add INBOX %s", prefix);

	world_do_many(w, line, n, " S");
	free(line);
}

/* A folder of which so many are shown, all of them pulled. */
static struct world *
full_window(const char *caps, unsigned n)
{
	struct world *w = world_new(caps);

	arrive(w, "m", n);
	world_sync_well(w);
	inbox(w)->window = n;
	return w;
}

/* --- nobody told of it --- */

static void
slides_without_a_key(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct world *w = full_window(kinds[k], 20);

		for (unsigned day = 1; day <= 6; day++) {
			char prefix[8];

			snprintf(prefix, sizeof(prefix), "d%u-", day);
			arrive(w, prefix, 2);
			assert_int_equal(world_sync(w, NULL, NULL), day >= 3);
			world_is(w, "items", world_items(w), day >= 3 ?
			    OUT_OF_SIGHT : "");
			assert_int_equal(count_files(w, "INBOX"),
			    20 + 2 * day);
			world_is_idle(w, day >= 3);
		}
		assert_int_equal(inbox(w)->n, 32);
		/* It grows again: they are what they were. */
		inbox(w)->window = 0;
		world_sync_well(w);
		world_is(w, "what was told", buf_str(&w->told.ops), "");
		world_is(w, "items", world_items(w), "");
		assert_int_equal(count_files(w, "INBOX"), 32);
		/* And go as any other. */
		world_do(w, "server remove INBOX m1\ndisk remove INBOX m2\n");
		world_sync_well(w);
		assert_int_equal(count_files(w, "INBOX"), 30);
		assert_int_equal(inbox(w)->n, 30);
		world_free(w);
	}
}

/* As many were deleted as came: the next look tells. */
static void
deletions_wait_a_look(void **state)
{
	(void)state;
	for (size_t k = 1; k < ARRAY_SIZE(kinds); k++) {
		struct world *w = world_new(kinds[k]);

		arrive(w, "m", 25);
		world_sync_well(w);
		world_do(w, "server remove INBOX m1\nserver remove INBOX m2\n"
		    "server remove INBOX m9\n");
		arrive(w, "n", 3);
		world_sync_well(w);
		world_is(w, "what was told", buf_str(&w->told.ops),
		    "pull INBOX n1\npull INBOX n2\npull INBOX n3\n"
		    "remove-local INBOX m9\n");
		world_is_idle(w, 0);
		world_do(w, "server add INBOX o S\n");
		world_sync_well(w);
		world_is(w, "what was told", buf_str(&w->told.ops),
		    "pull INBOX o\nremove-local INBOX m1\n"
		    "remove-local INBOX m2\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* VANISHED says that they are gone. */
static void
vanished_is_gone(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	arrive(w, "m", 25);
	world_sync_well(w);
	world_do(w, "server remove INBOX m1\nserver add INBOX n S\n");
	world_sync_well(w);
	world_is(w, "what was told", buf_str(&w->told.ops),
	    "pull INBOX n\nremove-local INBOX m1\n");
	world_free(w);
}

/* No new mail: somebody tidied up. And a small folder is no window. */
static void
plain_deletions(void **state)
{
	(void)state;
	for (size_t k = 1; k < ARRAY_SIZE(kinds); k++) {
		struct world *w = world_new(kinds[k]);

		arrive(w, "m", 25);
		world_do(w, "server add Work a S\nserver add Work b S\n");
		world_sync_well(w);
		world_do(w, "server remove INBOX m1\nserver remove INBOX m2\n"
		    "server remove Work a\nserver add Work c S\n");
		world_sync_well(w);
		world_is(w, "what was told", buf_str(&w->told.ops),
		    "pull Work c\nremove-local INBOX m1\n"
		    "remove-local INBOX m2\nremove-local Work a\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* Where EXISTS is a number at which servers cut, at once: also the first time
 * that it is reached. */
static void
usual_numbers(void **state)
{
	struct world *w = world_new(IMAPD_PLAIN);

	(void)state;
	arrive(w, "m", 995);
	world_sync_well(w);
	inbox(w)->window = 1000;
	arrive(w, "n", 9);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "items", world_items(w), OUT_OF_SIGHT);
	assert_int_equal(count_files(w, "INBOX"), 1004);
	world_free(w);
}

/* --- the user told of it --- */

static void
slides_with_a_key(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct world *w = full_window(kinds[k], 20);

		w->conf.window = 20;
		arrive(w, "n", 2);
		world_sync_well(w);
		assert_int_equal(count_files(w, "INBOX"), 22);
		/* Within it, and at its end: the phone deletes. */
		world_do(w, "server remove INBOX m7\nserver add INBOX o S\n");
		world_sync_well(w);
		world_is(w, "what was told", buf_str(&w->told.ops),
		    "pull INBOX o\nremove-local INBOX m7\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* A server that calls it gone: who said that it is a window knows better. */
static void
told_as_gone(void **state)
{
	struct world *w = full_window(IMAPD_FULL, 20);

	(void)state;
	inbox(w)->window = 0;
	w->conf.window = 20;
	arrive(w, "n", 2);
	world_do(w, "server remove INBOX m1\nserver remove INBOX m2\n");
	world_sync_well(w);
	assert_int_equal(count_files(w, "INBOX"), 22);
	world_is_idle(w, 0);
	world_free(w);
}

/* By date, whatever EXISTS says. */
static void
by_date(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct world *w = world_new(kinds[k]);
		const int64_t now = clock_wall();
		struct imapd_box *b = inbox(w);

		arrive(w, "m", 25);
		for (size_t i = 0; i < b->n; i++)
			b->msg[i]->date = now - 86400 *
			    (i < 5 || i == 20 ? 40 : 2);
		world_sync_well(w);
		w->conf.window_days = 30;
		b->window_from = now - 30 * 86400;
		/* One that is within goes, too. */
		world_do(w, "server remove INBOX m10\n");
		imapd_flag(b, b->msg[8], true, "\\Flagged");
		world_sync_well(w);
		world_is(w, "what was told", buf_str(&w->told.ops),
		    "flag-local INBOX m9 +\\Flagged\nremove-local INBOX m10\n");
		assert_int_equal(count_files(w, "INBOX"), 24);
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* What is changed here of what is not shown waits, and is named. */
static void
changed_out_of_sight(void **state)
{
	struct world *w = full_window(IMAPD_CONDSTORE, 20);

	(void)state;
	w->conf.window = 20;
	arrive(w, "n", 3);
	world_sync_well(w);
	world_do(w, "disk remove INBOX m1\ndisk flag INBOX m2 FS\n"
	    "disk remove INBOX n1\n");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "what was told", buf_str(&w->told.ops),
	    "remove-remote INBOX n1\n");
	world_is(w, "items", world_items(w), "INBOX: 2 messages changed or "
	    "deleted here can't be reached on the server, which does not show "
	    "them; that waits\n");
	world_is_idle(w, 1);
	inbox(w)->window = 0;
	world_do(w, "server flag INBOX m3 FS\n");
	world_sync_well(w);
	world_is(w, "what was told", buf_str(&w->told.ops),
	    "flag-local INBOX m3 +\\Flagged\nflag-remote INBOX m2 +\\Flagged\n"
	    "remove-remote INBOX m1\n");
	world_is_idle(w, 0);
	world_free(w);
}

/* Trash is emptied, and is no window. */
static void
trash_is_none(void **state)
{
	struct world *w = world_new(IMAPD_CONDSTORE " LIST-EXTENDED "
	    "SPECIAL-USE");

	(void)state;
	imapd_make_box(w->d, "Trash")->use = "\\Trash";
	world_do_many(w, "server add Trash m", 25, " S");
	world_sync_well(w);
	world_do(w, "server remove Trash m1\nserver add Trash n S\n");
	world_sync_well(w);
	world_is(w, "what was told", buf_str(&w->told.ops),
	    "pull Trash n\nremove-local Trash m1\n");
	world_free(w);
}

/* The index is lost: nobody knows what the server has beside what it shows. */
static void
index_lost_in_a_window(void **state)
{
	const struct sync_options adopt = { .adopt = true };
	struct world *w = world_new(IMAPD_CONDSTORE);
	struct imapd_box *b = inbox(w);

	(void)state;
	arrive(w, "m", 23);
	for (size_t i = 0; i < b->n; i++)
		b->msg[i]->date = 1800000000 + (int64_t)i;
	world_sync_well(w);
	b->window = w->conf.window = 20;
	world_sync_well(w);
	world_do(w, "index lose\ndisk add INBOX new~300 S\n");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "items", world_items(w), "INBOX: 4 files are older than "
	    "all that the server shows and may be there already; if not, run "
	    "sync --adopt to upload them\n");
	assert_int_equal(b->n, 23);
	world_is_idle(w, 1);
	/* What comes later is new. */
	world_do(w, "disk add INBOX later S\n");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "what was told", buf_str(&w->told.ops),
	    "push INBOX later\n");
	assert_int_equal(world_sync(w, &adopt, NULL), 0);
	assert_int_equal(w->told.result.pushed.new, 4);
	world_free(w);
}

/* --- counted, and never listed --- */

static void
never_listed(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct world *w = world_new(kinds[k]);

		arrive(w, "m", 4);
		world_message(w, "INBOX", "m2")->lie = IMAPD_UNLISTED;
		for (unsigned run = 1; run <= 2; run++)
			assert_int_equal(world_sync(w, NULL, NULL), 1);
		assert_int_equal(count_files(w, "INBOX"), 3);
		world_sync_well(w);
		world_is(w, "notes", buf_str(&w->told.notes), "INBOX: the "
		    "server counts 1 message more than it lists, run after "
		    "run; what it does not list is left as it is\n");
		world_do(w, "server add INBOX n S\nserver remove INBOX m3\n"
		    "disk remove INBOX m4\n");
		world_sync_well(w);
		world_is(w, "notes", buf_str(&w->told.notes), "");
		world_is(w, "the disk", world_disk(w), "INBOX: m1(S) n(S)\n");
		assert_int_equal(inbox(w)->n, 3);
		world_is_idle(w, 0);
		/* It shows at last. */
		world_message(w, "INBOX", "m2")->lie = IMAPD_TRUE;
		world_do(w, "server flag INBOX m2 FS\n");
		world_sync_well(w);
		world_is(w, "the disk", world_disk(w),
		    "INBOX: m1(S) m2(FS) n(S)\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* A run that looks again, for what it pushed, is one run. */
static void
never_listed_in_two_looks(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	arrive(w, "m", 4);
	world_message(w, "INBOX", "m2")->lie = IMAPD_UNLISTED;
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_do(w, "disk add INBOX p S\n");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "notes", buf_str(&w->told.notes), "");
	world_sync_well(w);
	world_free(w);
}

/* It was listed once: what is counted is not gone. */
static void
not_listed_any_more(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		const struct sync_options full = { .full = true };
		struct world *w = world_new(kinds[k]);

		arrive(w, "m", 5);
		world_sync_well(w);
		world_message(w, "INBOX", "m4")->lie = IMAPD_UNLISTED;
		for (unsigned run = 1; run <= 2; run++)
			assert_int_equal(world_sync(w, &full, NULL), 1);
		assert_int_equal(world_sync(w, &full, NULL), 0);
		assert_int_equal(count_files(w, "INBOX"), 5);
		world_do(w, "server add INBOX n S\nserver remove INBOX m1\n");
		world_sync(w, NULL, NULL);
		world_is(w, "the disk", world_disk(w),
		    "INBOX: m2(S) m3(S) m4(S) m5(S) n(S)\n");
		world_free(w);
	}
}

/* Then it counts no more than it lists: what was kept for that is gone. And
 * other UIDs are not out of sight for the ones that were. */
static void
counted_no_more(void **state)
{
	(void)state;
	for (size_t k = 0; k < 2 * ARRAY_SIZE(kinds); k++) {
		const struct sync_options full = { .full = true };
		struct world *w = world_new(kinds[k / 2]);

		arrive(w, "m", 5);
		world_sync_well(w);
		world_message(w, "INBOX", "m4")->lie = IMAPD_UNLISTED;
		for (unsigned run = 1; run <= 3; run++)
			assert_int_equal(world_sync(w, &full, NULL), run < 3);
		if (k % 2 == 0) {
			world_do(w, "server remove INBOX m4\n");
			world_sync_well(w);
			world_is_in_sync(w, "INBOX: m1(S) m2(S) m3(S) m5(S)\n");
		} else {
			world_message(w, "INBOX", "m4")->lie = IMAPD_TRUE;
			world_do(w, "server renumber INBOX\n");
			world_sync_well(w);
			world_is_in_sync(w,
			    "INBOX: m1(S) m2(S) m3(S) m4(S) m5(S)\n");
			world_do(w, "disk flag INBOX m4 FS\n");
			world_sync_well(w);
		}
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* The first look at a window is lost after it began: what lies here may be what
 * the server does not show, all the same. */
static bool
lost_at(unsigned command, const char *change)
{
	struct world *w = world_new(IMAPD_CONDSTORE);
	struct imapd_box *b = inbox(w);
	struct imapd_rule *r;
	bool acted;

	snprintf(world_way, sizeof(world_way), "%.9s, command %u: ", change,
	    command);
	arrive(w, "m", 23);
	for (size_t i = 0; i < b->n; i++)
		b->msg[i]->date = 1800000000 + (int64_t)i;
	world_sync_well(w);
	b->window = w->conf.window = 20;
	world_sync_well(w);
	world_do(w, change);
	imapd_count(w->d);
	r = imapd_add_rule(w->d, "*", IMAPD_CUT, "");
	r->skip = command;
	r->times = 1;
	world_sync(w, NULL, NULL);
	acted = r->acted > 0;
	imapd_count(w->d);
	world_sync(w, NULL, NULL);
	assert_int_equal(b->n, 23);
	world_free(w);
	return acted;
}

static void
first_look_lost(void **state)
{
	static const char *const change[] = {
		"index lose\n", "server renumber INBOX\n",
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(change); k++)
		for (unsigned i = 0; lost_at(i, change[k]); i++)
			;
	world_way[0] = '\0';
}

/* Three days later m1 to m3 are out of sight; nobody told of a window. */
static struct world *
slid(const char *folder)
{
	struct world *w = world_new(IMAPD_CONDSTORE);
	struct imapd_box *b;
	char *line = xasprintf("server add %s m", folder);

	world_do_many(w, line, 20, " S");
	free(line);
	b = imapd_find_box(w->d, folder);
	for (size_t i = 0; i < b->n; i++)
		b->msg[i]->date = 1600000000 + (int64_t)i;
	world_sync_well(w);
	b->window = 20;
	for (unsigned day = 1; day <= 3; day++) {
		line = xasprintf("server add %s d%u S\n", folder, day);
		world_do(w, line);
		free(line);
		world_sync(w, NULL, NULL);
	}
	assert_int_equal(count_files(w, folder), 23);
	return w;
}

/* Known by other UIDs: what was out of sight is still there. */
static void
slid_and_renumbered(void **state)
{
	struct world *w = slid("INBOX");

	(void)state;
	world_do(w, "server renumber INBOX\n");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "what was told", buf_str(&w->told.ops), "");
	assert_int_equal(inbox(w)->n, 23);
	assert_int_equal(count_files(w, "INBOX"), 23);
	world_is_idle(w, 1);
	inbox(w)->window = 0;
	world_do(w, "server flag INBOX d3 FS\n");
	world_sync_well(w);
	assert_int_equal(inbox(w)->n, 23);
	assert_int_equal(count_files(w, "INBOX"), 23);
	world_free(w);
}

/* The server calls it otherwise, and here that name is taken: what is out of
 * sight shows itself nowhere. */
static void
slid_and_renamed(void **state)
{
	struct world *w = slid("Work");

	(void)state;
	world_do(w, "server rename Work Werk\ndisk make Werk\n");
	for (int i = 0; i < 3; i++)
		world_sync(w, NULL, NULL);
	world_is(w, "the attic", world_attic(w), "attic:\n");
	assert_int_equal(count_files(w, "Werk") + count_files(w, "Work"), 23);
	world_free(w);
}

/* And its RENAME gives new UIDs (Courier): it is known by what is in it. */
static void
slid_and_renamed_anew(void **state)
{
	struct world *w = slid("Work");

	(void)state;
	world_do(w, "server rename Work Werk\nserver renumber Werk\n");
	for (int i = 0; i < 4; i++)
		assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "items", world_items(w), "Werk: 3 files are older than all "
	    "that the server shows and may be there already; if not, run sync "
	    "--adopt to upload them\n");
	world_is_idle(w, 1);
	assert_int_equal(count_files(w, "Werk"), 23);
	world_free(w);
}

/* What was shown was moved to a folder that was there before, and says where
 * the others are. */
static void
slid_and_emptied(void **state)
{
	struct world *w = slid("Work");

	(void)state;
	world_do(w, "server make Werk\nserver add Werk z S\n");
	world_sync(w, NULL, NULL);
	world_do_many(w, "server move Work m", 20, " Werk");
	world_do_many(w, "server move Work d", 3, " Werk");
	world_do(w, "server delete Work\n");
	for (int i = 0; i < 4; i++)
		assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "items", world_items(w), "Work: the folder is gone from "
	    "the server, and what it showed is in another one; 3 messages that "
	    "it did not show may be there, too: kept on disk\n");
	world_is_idle(w, 1);
	assert_int_equal(count_files(w, "Werk") + count_files(w, "Work"), 27);
	world_free(w);
}

/* It was deleted: what was out of sight went with the rest. */
static void
slid_and_deleted(void **state)
{
	struct world *w = slid("Work");

	(void)state;
	world_do(w, "server copy Work m7 INBOX\nserver delete Work\n");
	for (int i = 0; i < 2; i++)
		world_sync(w, &(struct sync_options){ .force_deletes = true },
		    NULL);
	assert_int_equal(count_files(w, "INBOX"), 1);
	assert_null(strstr(world_disk(w), "Work"));
	world_is_idle(w, 0);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slides_without_a_key),
		cmocka_unit_test(deletions_wait_a_look),
		cmocka_unit_test(vanished_is_gone),
		cmocka_unit_test(plain_deletions),
		cmocka_unit_test(usual_numbers),
		cmocka_unit_test(slides_with_a_key),
		cmocka_unit_test(told_as_gone),
		cmocka_unit_test(by_date),
		cmocka_unit_test(changed_out_of_sight),
		cmocka_unit_test(trash_is_none),
		cmocka_unit_test(index_lost_in_a_window),
		cmocka_unit_test(never_listed),
		cmocka_unit_test(never_listed_in_two_looks),
		cmocka_unit_test(not_listed_any_more),
		cmocka_unit_test(counted_no_more),
		cmocka_unit_test(first_look_lost),
		cmocka_unit_test(slid_and_renumbered),
		cmocka_unit_test(slid_and_renamed),
		cmocka_unit_test(slid_and_renamed_anew),
		cmocka_unit_test(slid_and_emptied),
		cmocka_unit_test(slid_and_deleted),
	};

	return FLOW_MAIN(tests);
}
