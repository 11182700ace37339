/*
 * attic = all: what a person deletes on disk is in the attic before the server
 * loses it (syncrc(5)), and comes back from there as it was.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow.h"
#include "sync/history.h"

#define FOUR \
	"server add INBOX a S\nserver add INBOX b\nserver add INBOX c FS\n" \
	"server add INBOX d ,Junk\n"
#define NO_MOVE "IMAP4rev1 ENABLE CONDSTORE UIDPLUS ESEARCH NAMESPACE"
#define BODY "UID FETCH *BODY.PEEK[[]]*"

static void
keeps_all(struct world *w)
{
	w->conf.attic = CONF_ATTIC_ALL;
}

static void
keeps_all_and_expunges(struct world *w)
{
	keeps_all(w);
	w->conf.expunge = true;
}

static void
keeps_all_and_has_trash(struct world *w)
{
	keeps_all(w);
	w->conf.trash = xstrdup("Trash");
}

static void
for_no_day(struct world *w)
{
	keeps_all(w);
	w->conf.attic_days = 0;
}

static void
keeps_none(struct world *w)
{
	w->conf.attic = CONF_ATTIC_NONE;
}

static void
on_restored(void *arg, const struct sync_restored *what)
{
	unsigned *n = arg;

	assert_int_equal(what->as, RESTORED);
	++*n;
}

static void
restore_all(struct world *w, unsigned wanted)
{
	unsigned n = 0;
	const struct sync_restore_request all = { .since = 1 };
	const struct sync_restore_visit visit = { &n, on_restored };
	struct err err = { .kind = ERR_NONE };

	if (sync_restore(&w->conf, w->state, &all, &visit, &err) == -1)
		fail_msg("%s", err.msg);
	assert_int_equal(n, wanted);
}

/* --- what is kept --- */

#define HERE(name, server_caps) { \
	.what = "deleted here, " name, .caps = server_caps, \
	.prepare = keeps_all, .before = FOUR, \
	.change = "disk remove INBOX a\ndisk remove INBOX c\n", \
	.ops = "remove-remote INBOX a\nremove-remote INBOX c\n", \
	.both = "INBOX: b d(,Junk)\n", .attic = "attic: a c\n" }

static const struct flow kept[] = {
	HERE("MOVE and UIDPLUS", IMAPD_FULL),
	HERE("UIDPLUS", NO_MOVE),
	HERE("an old server", IMAPD_PLAIN),
	{ .what = "large and nameless ones", .prepare = keeps_all,
	    .before = FOUR "server add INBOX e~600000 S\n"
		"server add INBOX f^\n",
	    .change = "disk remove INBOX e~600000\ndisk remove INBOX f^\n",
	    .ops = "remove-remote INBOX e~600000\nremove-remote INBOX f^\n",
	    .both = "INBOX: a(S) b c(FS) d(,Junk)\n",
	    .attic = "attic: e~600000 f^\n" },
	/* More than is held in memory: the socket waits for the disk. */
	{ .what = "a very large one", .prepare = keeps_all,
	    .before = FOUR "server add INBOX e~4000000 S\n",
	    .change = "disk remove INBOX e~4000000\n",
	    .ops = "remove-remote INBOX e~4000000\n",
	    .both = "INBOX: a(S) b c(FS) d(,Junk)\n",
	    .attic = "attic: e~4000000\n", .points = 1 },
	/* The same once more, as it was elsewhere all the time. */
	{ .what = "one of two with that content", .prepare = keeps_all,
	    .before = FOUR "server add Work a F\n",
	    .change = "disk remove INBOX a\n",
	    .ops = "remove-remote INBOX a\n",
	    .both = "INBOX: b c(FS) d(,Junk)\nWork: a(F)\n",
	    .attic = "attic: a\n" },
	{ .what = "a folder with all in it", .prepare = keeps_all,
	    .before = FOUR "server add Work e S\nserver add Work f\n",
	    .change = "disk delete Work\n",
	    .ops = "drop-remote Work\nremove-remote Work e\n"
		"remove-remote Work f\n",
	    .both = "INBOX: a(S) b c(FS) d(,Junk)\n",
	    .attic = "attic: e f\n" },
	{ .what = "on each side, and on both", .prepare = keeps_all,
	    .before = FOUR,
	    .change = "disk remove INBOX a\nserver remove INBOX a\n"
		"disk remove INBOX b\nserver remove INBOX c\n",
	    .ops = "remove-local INBOX c\nremove-remote INBOX b\n",
	    .both = "INBOX: d(,Junk)\n", .attic = "attic: b c\n" },
	{ .what = "marked", .prepare = keeps_all_and_expunges,
	    .before = FOUR,
	    .change = "disk flag INBOX a ST\nserver flag INBOX b T\n",
	    .ops = "remove-local INBOX a\nremove-local INBOX b\n"
		"remove-remote INBOX a\nremove-remote INBOX b\n",
	    .both = "INBOX: c(FS) d(,Junk)\n", .attic = "attic: a b\n" },
	{ .what = "deleted in the trash", .prepare = keeps_all_and_has_trash,
	    .before = FOUR "server add Trash old S\nserver add Trash new\n",
	    .change = "disk remove Trash old\n",
	    .ops = "remove-remote Trash old\n",
	    .both = "INBOX: a(S) b c(FS) d(,Junk)\nTrash: new\n",
	    .attic = "attic: old\n" },
};

static void
kept_ones(void **state)
{
	(void)state;
	flow_check_all(kept, ARRAY_SIZE(kept));
}

/* --- what is not --- */

static const struct flow not_kept[] = {
	{ .what = "to the trash of the server",
	    .prepare = keeps_all_and_has_trash,
	    .before = FOUR "server make Trash\n",
	    .change = "disk remove INBOX a\n",
	    .ops = "pull Trash a\nremove-remote INBOX a\n",
	    .both = "INBOX: b c(FS) d(,Junk)\nTrash: a(S)\n",
	    .attic = "attic:\n", .not = FLOW_NOT_DRY },
	{ .what = "moved here", .prepare = keeps_all,
	    .before = FOUR "server make Work\n",
	    .change = "disk move INBOX a Work\n",
	    .ops = "move-remote Work a from INBOX\n",
	    .both = "INBOX: b c(FS) d(,Junk)\nWork: a(S)\n",
	    .attic = "attic:\n", .not = FLOW_ONCE },
	/* Who is cut off in the midst of it may keep it: that harms nobody. */
	{ .what = "moved here, in all ways", .prepare = keeps_all,
	    .before = FOUR "server make Work\n",
	    .change = "disk move INBOX a Work\n",
	    .ops = "move-remote Work a from INBOX\n",
	    .both = "INBOX: b c(FS) d(,Junk)\nWork: a(S)\n" },
	{ .what = "for no day", .prepare = for_no_day, .before = FOUR,
	    .change = "disk remove INBOX a\nserver remove INBOX b\n",
	    .ops = "remove-local INBOX b\nremove-remote INBOX a\n",
	    .both = "INBOX: c(FS) d(,Junk)\n", .attic = "attic:\n" },
	{ .what = "by default", .before = FOUR,
	    .change = "disk remove INBOX a\nserver remove INBOX b\n",
	    .ops = "remove-local INBOX b\nremove-remote INBOX a\n",
	    .both = "INBOX: c(FS) d(,Junk)\n", .attic = "attic: b\n" },
	{ .what = "none", .prepare = keeps_none, .before = FOUR,
	    .change = "disk remove INBOX a\nserver remove INBOX b\n",
	    .ops = "remove-local INBOX b\nremove-remote INBOX a\n",
	    .both = "INBOX: c(FS) d(,Junk)\n", .attic = "attic:\n" },
};

static void
not_kept_ones(void **state)
{
	(void)state;
	flow_check_all(not_kept, ARRAY_SIZE(not_kept));
}

/* Likely pairs alone have no proof, and are kept in any case. */
static void
none_but_the_unproven(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	keeps_none(w);
	world_do(w, "server add INBOX a~9000=2 S\nserver add INBOX b\n"
	    "disk add INBOX a~9000=1 S\n");
	world_sync_well(w);
	world_do(w, "server remove INBOX a~9000=2\nserver remove INBOX b\n");
	world_sync_well(w);
	world_is(w, "the attic", world_attic(w), "attic: a~9000=1\n");
	world_sync_well(w);
	world_is(w, "the attic", world_attic(w), "attic: a~9000=1\n");
	world_free(w);
}

/* --- what can't be had stays --- */

static void
lie(struct world *w, enum imapd_lie how)
{
	world_message(w, "INBOX", "a")->lie = how;
}

static void
hides(struct world *w)
{
	lie(w, IMAPD_HIDDEN);
}

static void
refuses(struct world *w)
{
	lie(w, IMAPD_REFUSED);
}

#define A_STAYS \
	.server = "INBOX: a(S) c(FS) d(,Junk)\n", \
	.disk = "INBOX: c(FS) d\n", \
	.index = "INBOX: a(S)[br] c(FS) d(,Junk)\ndirty 1\n", \
	.attic = "attic: b\n"
#define BOTH_GO "disk remove INBOX a\ndisk remove INBOX b\n"

static const struct flow refused[] = {
	/* Once, it may have been expunged meanwhile. */
	{ .what = "it does not come", .prepare = keeps_all, .before = FOUR,
	    .change = BOTH_GO, .call = hides, .ops = "remove-remote INBOX b\n",
	    A_STAYS, .exit = 75, .again = 1, .not = FLOW_NOT_DRY },
	{ .what = "it is refused", .prepare = keeps_all, .before = FOUR,
	    .change = BOTH_GO, .call = refuses,
	    .ops = "remove-remote INBOX b\n", A_STAYS, .exit = 1,
	    .items = "INBOX: message with UID 1 was not removed: it could not "
		"be put into the attic first: 127.0.0.1 refused UID FETCH: "
		"a body can't be read\n", .not = FLOW_NOT_DRY },
};

static void
refused_ones(void **state)
{
	(void)state;
	flow_check_all(refused, ARRAY_SIZE(refused));
}

/* All of them: for the folder's sake, at once; or one by one, and not a
 * thousand times. */
static void
all_are_refused(void **state)
{
	static const struct {
		const char *answer;
		unsigned asked, waiting;
	} of[] = { { "[NOPERM] no", 1, 20 }, { "no", 9, 12 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
		struct world *w = world_new(IMAPD_FULL);
		char *issue = xasprintf("INBOX: %u messages deleted here stay "
		    "on the server, as they could not be put into the attic "
		    "first: 127.0.0.1 refused UID FETCH: no\n", of[i].waiting);

		keeps_all(w);
		world_do_many(w, "server add INBOX m", 40, "");
		world_sync_well(w);
		world_do_many(w, "disk remove INBOX m", 20, "");
		imapd_count(w->d);
		imapd_add_rule(w->d, BODY, IMAPD_NO, of[i].answer);
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		assert_int_equal(world_asked(w, "BODY.PEEK[]"), of[i].asked);
		assert_int_equal(world_asked(w, "STORE"), 0);
		if (strstr(buf_str(&w->told.items), issue) == NULL)
			fail_msg("items:\n%s", buf_str(&w->told.items));
		imapd_count(w->d);
		world_sync_well(w);
		world_is(w, "items", world_items(w), "");
		assert_null(strstr(world_server(w), "m1 "));
		free(issue);
		world_free(w);
	}
}

/* The connection ends each time at one of them: the others go. */
static void
one_kills(void **state)
{
	static const enum imapd_lie how[] = { IMAPD_KILLS, IMAPD_KILLS_ALL };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(how); i++) {
		struct world *w = world_new(IMAPD_FULL);

		keeps_all(w);
		world_do_many(w, "server add INBOX n", 60, " S\n");
		world_sync_well(w);
		world_do_many(w, "disk remove INBOX n", 40, "");
		world_message(w, "INBOX", "n23")->lie = how[i];
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_is(w, "items", buf_str(&w->told.items),
		    "INBOX: message with UID 23 was not removed: the "
		    "connection is lost each time that is asked for\n");
		assert_int_equal(imapd_find_box(w->d, "INBOX")->n, 21);
		assert_non_null(world_message(w, "INBOX", "n23"));
		assert_null(strstr(world_attic(w), "n23"));
		restore_all(w, 39);
		world_message(w, "INBOX", "n23")->lie = IMAPD_TRUE;
		assert_int_equal(world_sync(w, &(struct sync_options){
		    .full = true }, NULL), 0);
		assert_int_equal(imapd_find_box(w->d, "INBOX")->n, 59);
		world_free(w);
	}
}

/* Under its UID, with its size and date, but with another header. */
static void
another_message(void **state)
{
	struct world *w = world_new(IMAPD_FULL);
	struct imapd_message *m;

	(void)state;
	keeps_all(w);
	world_do(w, FOUR);
	world_sync_well(w);
	world_do(w, "disk remove INBOX a\n");
	m = world_message(w, "INBOX", "a");
	for (char *p = m->data; (p = strstr(p, "a@flow")) != NULL; p++)
		*p = 'z';
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "items", buf_str(&w->told.items), "INBOX: the server has "
	    "another message under UID 1 than the one deleted here; it is "
	    "kept\n");
	world_is(w, "the attic", world_attic(w), "attic:\n");
	assert_non_null(world_message(w, "INBOX", "a"));
	world_free(w);
}

/* The same by its header: what the server has is kept, and comes back. */
static void
altered_message(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	keeps_all(w);
	world_do(w, FOUR "server add INBOX e~900 S\n");
	world_sync_well(w);
	world_do(w, "disk remove INBOX e~900\n");
	memcpy(strstr(world_message(w, "INBOX", "e~900")->data, "Line at"),
	    "Word at", 7);
	world_sync_well(w);
	world_is(w, "the attic", world_attic(w), "attic: e~900?\n");
	world_is_in_sync(w, "INBOX: a(S) b c(FS) d(,Junk)\n");
	restore_all(w, 1);
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a(S) b c(FS) d(,Junk) e~900?(S)\n");
	world_free(w);
}

/* --- how it is had --- */

/* What is in the file is another message, and stat does not tell. */
static void
edit_unseen(struct world *w, const char *folder, const char *token)
{
	char *file = world_file(w, folder, token);
	int fd = open(file, O_WRONLY);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(write(fd, "Edit", 4), 4);
	assert_int_equal(futimens(fd, (struct timespec[2]){ st.st_atim,
	    st.st_mtim }), 0);
	close(fd);
	free(file);
}

/* From the other file, and not from the server; but for one that does not hold
 * it any more. */
static void
from_another_file(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	keeps_all(w);
	world_do(w, FOUR "server add Work a F\n");
	world_sync_well(w);
	world_do(w, "disk remove INBOX a\n");
	imapd_count(w->d);
	world_sync_well(w);
	assert_int_equal(world_asked(w, "BODY.PEEK[]"), 0);
	world_is(w, "the attic", world_attic(w), "attic: a\n");

	world_do(w, "server add INBOX e\nserver add Work e\n");
	world_sync_well(w);
	world_do(w, "disk remove INBOX e\n");
	edit_unseen(w, "Work", "e");
	imapd_count(w->d);
	world_sync_well(w);
	assert_int_not_equal(world_asked(w, "BODY.PEEK[]"), 0);
	world_is(w, "the attic", world_attic(w), "attic: a e\n");
	world_free(w);
}

/* An earlier run has put it there, and could not go on. */
static void
once_is_enough(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	keeps_all(w);
	world_do(w, FOUR);
	world_sync_well(w);
	world_do(w, "disk remove INBOX a\n");
	imapd_count(w->d);
	imapd_add_rule(w->d, "UID STORE *", IMAPD_NO, "later");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "the attic", world_attic(w), "attic: a\n");
	imapd_count(w->d);
	imapd_add_rule(w->d, "UID STORE *", IMAPD_NO, "later");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	assert_int_equal(world_asked(w, "BODY.PEEK[]"), 0);
	world_is(w, "the attic", world_attic(w), "attic: a\n");
	world_free(w);
}

/* --- and back --- */

/* Byte for byte, with flags, keywords and dates, which the tokens tell. */
static void
as_it_was(void **state)
{
	static const char *const caps[] = { IMAPD_FULL, IMAPD_PLAIN };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		struct world *w = world_new(caps[i]);

		keeps_all(w);
		world_do(w, FOUR "server add Work e~600000 RS\n"
		    "server add Work f^ P\nserver add Work a F\n");
		world_sync_well(w);
		world_do(w, "disk remove INBOX a\ndisk remove INBOX d\n"
		    "server flag INBOX a FS\ndisk delete Work\n");
		world_sync_well(w);
		world_is(w, "the attic", world_attic(w),
		    "attic: a a d e~600000 f^\n");
		restore_all(w, 5);
		world_sync_well(w);
		world_is_in_sync(w, "INBOX: a(FS) b c(FS) d(,Junk)\n"
		    "Work: a(F) e~600000(RS) f^(P)\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_ones),
		cmocka_unit_test(not_kept_ones),
		cmocka_unit_test(none_but_the_unproven),
		cmocka_unit_test(refused_ones),
		cmocka_unit_test(all_are_refused),
		cmocka_unit_test(one_kills),
		cmocka_unit_test(another_message),
		cmocka_unit_test(altered_message),
		cmocka_unit_test(from_another_file),
		cmocka_unit_test(once_is_enough),
		cmocka_unit_test(as_it_was),
	};

	return FLOW_MAIN(tests);
}
