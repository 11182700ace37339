/*
 * An account that is kept open from run to run: the server, the Maildir or the
 * index is another one in between, and that is seen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "core/run.h"
#include "index/index.h"
#include "loop/task.h"

/* --- the server is another one in between --- */

static void
new_uidvalidity(void **state)
{
	const struct act acts[] = {
		first,
		{ .what = "numbered anew", .change =
		    "server renumber INBOX\nserver add INBOX d\n"
		    "disk remove Work c\n", .ops = "pull INBOX d\n",
		    .exit = 75,	/* the removal waits */
		    .notes = "INBOX: the server numbers its messages anew "
		    "(UIDVALIDITY); both sides are merged, nothing is deleted\n" },
		{ .what = "behind it", .ops = "remove-remote Work c\n",
		    .both = "INBOX: a(S) b d\nWork:\n", .notes = "" },
	};
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_session(w, NULL, acts, ARRAY_SIZE(acts));
	world_free(w);
}

/* --- the Maildir is another one in between --- */

static void
move_away(struct world *w)
{
	char *away = xasprintf("%s.away", w->root);

	assert_int_equal(rename(w->root, away), 0);
	free(away);
}

static void
unmount(struct world *w)
{
	move_away(w);
	assert_int_equal(mkdir(w->root, 0700), 0);
}

static void
put_back(struct world *w)
{
	char *away = xasprintf("%s.away", w->root);

	rmdir(w->root);
	assert_int_equal(rename(away, w->root), 0);
	free(away);
}

/* Nothing is touched while it is away, and it goes on where it was. */
static void
maildir_away(void **state)
{
	static const struct {
		void (*call)(struct world *);
		const char *items;
	} ways[] = {
		{ move_away, "the Maildir DIR/mail does not exist, but the last "
		    "run left 3 messages in it; nothing was touched. Mount or "
		    "restore it, or run sync --adopt to begin with it as it "
		    "is\n" },
		{ unmount, "the Maildir DIR/mail is empty, but the last run "
		    "left 3 messages in it; nothing was touched. Mount or "
		    "restore it, or run sync --adopt to begin with it as it "
		    "is\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		const struct act acts[] = {
			first,
			{ .what = "away", .change = "server remove INBOX a\n"
			    "server add INBOX d\n", .call = ways[i].call,
			    .ops = "", .items = ways[i].items, .exit = 1,
			    .after = world_changed_nothing },
			{ .what = "still away", .ops = "",
			    .items = ways[i].items, .exit = 1 },
			{ .what = "back", .call = put_back,
			    .ops = "pull INBOX d\nremove-local INBOX a\n",
			    .both = "INBOX: b d\nWork: c(F)\n", .items = "",
			    .notes = "", .logins = 1 },
		};
		struct world *w = world_new(IMAPD_FULL);

		world_session(w, NULL, acts, ARRAY_SIZE(acts));
		world_free(w);
	}
}

/* A backup of the state before, put in its place. */
static void
back_up(struct world *w)
{
	char *cp = xasprintf("cp -a %s %s.away", w->root, w->root);

	assert_int_equal(system(cp), 0);
	free(cp);
}

static void
restore(struct world *w)
{
	remove_tree(w->root);
	put_back(w);
}

static void
maildir_of_yesterday(void **state)
{
	const struct act acts[] = {
		first,
		{ .what = "a day passes", .change = "disk add INBOX d S\n"
		    "server remove INBOX a\n", .call = back_up,
		    .both = "INBOX: b d(S)\nWork: c(F)\n" },
		/* The backup holds a, and d not yet pushed. */
		{ .what = "restored", .call = restore,
		    .ops = "push INBOX a\n",
		    .both = "INBOX: a(S) b d(S)\nWork: c(F)\n",
		    .notes = "the Maildir DIR/mail is not as the last run "
		    "left it (restored from a backup?); both sides are merged, "
		    "nothing is deleted\nINBOX: files that had been removed "
		    "are back (restored from a backup?); both sides are "
		    "merged, nothing is deleted\n" },
		{ .what = "behind it", .ops = "", .notes = "",
		    .both = "INBOX: a(S) b d(S)\nWork: c(F)\n" },
	};
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_session(w, NULL, acts, ARRAY_SIZE(acts));
	world_free(w);
}

/* Another account's. */
static void
change_marker(struct world *w)
{
	char *mv = xasprintf("cd %s/.mailtern && mv [0-9a-f]*.* "
	    "00112233445566778899aabbccddeeff.00112233445566778899aabbccddeeff",
	    w->root);

	assert_int_equal(system(mv), 0);
	free(mv);
}

static void
maildir_of_another(void **state)
{
	const struct act acts[] = {
		first,
		{ .what = "of another", .change = "server remove INBOX a\n",
		    .call = change_marker, .ops = "", .exit = 78 },
		{ .what = "taken over", .opt = { .adopt = true },
		    .ops = "push INBOX a\n",
		    .both = "INBOX: a(S) b\nWork: c(F)\n", .logins = 1 },
		{ .what = "behind it", .ops = "",
		    .both = "INBOX: a(S) b\nWork: c(F)\n" },
	};
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_session(w, NULL, acts, ARRAY_SIZE(acts));
	world_free(w);
}

/* --- the index is gone, or another one, in between --- */

static void
index_lost(void **state)
{
	const struct act acts[] = {
		first,
		{ .what = "lost", .change = "index lose\n"
		    "server add INBOX d\ndisk remove INBOX a\n",
		    .ops = "pull INBOX a\npull INBOX d\n",
		    .both = "INBOX: a(S) b d\nWork: c(F)\n",
		    .notes = "the Maildir DIR/mail was synced before, but the "
		    "index knows nothing of it; both sides are merged, nothing "
		    "is deleted\n" },
		{ .what = "behind it", .change = "disk remove INBOX b\n",
		    .both = "INBOX: a(S) d\nWork: c(F)\n", .notes = "" },
	};
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_session(w, NULL, acts, ARRAY_SIZE(acts));
	world_is_idle(w, 0);
	world_free(w);
}

static void
keep_index(struct world *w)
{
	char *cp = xasprintf("cp -a %s %s.kept", w->state, w->state);

	assert_int_equal(system(cp), 0);
	free(cp);
}

static void
index_of_before(struct world *w)
{
	char *kept = xasprintf("%s.kept", w->state);

	remove_tree(w->state);
	assert_int_equal(rename(kept, w->state), 0);
	free(kept);
}

static void
index_of_yesterday(void **state)
{
	const struct act acts[] = {
		first,
		{ .what = "a day passes", .call = keep_index,
		    .change = "server remove INBOX a\nserver add INBOX d\n",
		    .both = "INBOX: b d\nWork: c(F)\n" },
		{ .what = "restored", .change = "disk remove INBOX b\n",
		    .call = index_of_before, .ops = "pull INBOX b\n",
		    .both = "INBOX: b d\nWork: c(F)\n",
		    .notes = "the Maildir DIR/mail is not as the last run "
		    "left it (restored from a backup?); both sides are merged, "
		    "nothing is deleted\n" },
	};
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_session(w, NULL, acts, ARRAY_SIZE(acts));
	world_is_idle(w, 0);
	world_free(w);
}

/* The page that is last in the file: what is open has it in memory. */
static void
damage_index(struct world *w)
{
	char *path = xasprintf("%s/work.db", w->state);
	static const char noise[] = "\x5a\xa5\x5a\xa5\x5a\xa5\x5a\xa5";
	FILE *f = fopen(path, "r+");

	assert_non_null(f);
	for (long at = 1; at < 4096; at += (long)sizeof(noise)) {
		assert_int_equal(fseek(f, -at - (long)sizeof(noise), SEEK_END),
		    0);
		assert_int_equal(fwrite(noise, sizeof(noise), 1, f), 1);
	}
	assert_int_equal(fclose(f), 0);
	free(path);
}

/* --full trusts no index that is open already. */
static void
index_damaged(void **state)
{
	const struct act acts[] = {
		first,
		{ .what = "damaged", .change = "server add INBOX d\n"
		    "disk remove INBOX a\n", .call = damage_index,
		    .opt = { .full = true },
		    .ops = "pull INBOX a\npull INBOX d\n",
		    .both = "INBOX: a(S) b d\nWork: c(F)\n",
		    .notes = "the index was damaged and lies at "
		    "DIR/state/work.db.damaged-1 now; both sides are merged, "
		    "nothing is deleted\n" },
		{ .what = "behind it", .change = "disk remove INBOX b\n",
		    .both = "INBOX: a(S) d\nWork: c(F)\n", .notes = "" },
	};
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_session(w, NULL, acts, ARRAY_SIZE(acts));
	world_is_idle(w, 0);
	world_free(w);
}

/* --- what one run told is not told by the next --- */

static void
refuse_body(struct world *w)
{
	world_message(w, "INBOX", "d")->lie = IMAPD_NIL;
}

/* The third try waits for five minutes. */
static void
tell_the_truth(struct world *w)
{
	sched_skip(301);
	world_message(w, "INBOX", "d")->lie = IMAPD_TRUE;
}

static void
items_come_and_go(void **state)
{
	static const char item[] = "INBOX: message with UID 3 was not pulled: "
	    "the server sent no body\n";
	const struct act acts[] = {
		first,
		{ .what = "no body", .change = "server add INBOX d\n",
		    .call = refuse_body, .ops = "", .items = item, .exit = 1 },
		{ .what = "no body again", .ops = "", .items = item,
		    .exit = 1 },
		{ .what = "a body", .call = tell_the_truth,
		    .ops = "pull INBOX d\n", .items = "",
		    .both = "INBOX: a(S) b d\nWork: c(F)\n" },
	};
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_session(w, NULL, acts, ARRAY_SIZE(acts));
	world_free(w);
}

/* --- nobody else gets in between --- */

static void
is_locked(struct world *w)
{
	char *path = xasprintf("%s/work.db", w->state);
	struct index_open_result how = { .fresh = false };
	struct index *ix = NULL;
	struct err err = { .kind = ERR_NONE };

	assert_int_equal(index_open(&ix, path, INDEX_WRITE, &how, &err), -1);
	assert_int_equal(err.kind, ERR_BUSY);
	free(path);
}

static void
locked_in_between(void **state)
{
	const struct act acts[] = {
		first,
		{ .what = "locked", .call = is_locked, .ops = "",
		    .after = is_locked },
	};
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_session(w, NULL, acts, ARRAY_SIZE(acts));
	world_sync_well(w);	/* and free behind it */
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_uidvalidity),
		cmocka_unit_test(maildir_away),
		cmocka_unit_test(maildir_of_yesterday),
		cmocka_unit_test(maildir_of_another),
		cmocka_unit_test(index_lost),
		cmocka_unit_test(index_of_yesterday),
		cmocka_unit_test(index_damaged),
		cmocka_unit_test(items_come_and_go),
		cmocka_unit_test(locked_in_between),
	};

	return FLOW_MAIN(tests);
}
