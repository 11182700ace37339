/*
 * Files and messages that nobody has brought together yet, or not any more: a
 * Maildir that was there already, an index that is lost, UIDs that are new,
 * an upload that was never answered (design sections 3 and 5).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flow.h"

#define BOTH_ABC "INBOX: a(S) b\nWork: c(F)\n"
#define BEFORE_ABC \
	"server add INBOX a S\nserver add INBOX b\nserver add Work c F\n"

/* --- a Maildir that was there --- */

static const struct flow adoption[] = {
	{ .what = "what both have is paired",
	    .before = BEFORE_ABC "disk add INBOX a S\ndisk add INBOX b\n"
		"disk add Work c F\n",
	    .ops = "", .both = BOTH_ABC, .not = FLOW_FIRST },
	{ .what = "what both have is paired, an old server",
	    .caps = IMAPD_PLAIN,
	    .before = BEFORE_ABC "disk add INBOX a S\ndisk add INBOX b\n"
		"disk add Work c F\n",
	    .ops = "", .both = BOTH_ABC, .not = FLOW_FIRST },
	{ .what = "flags are united, but for the mark",
	    .before = "server add INBOX a SF\nserver add INBOX b T\n"
		"server add INBOX c ST,Junk\n"
		"disk add INBOX a R\ndisk add INBOX b S\n"
		"disk add INBOX c T\n",
	    .ops = "flag-local INBOX a +\\Flagged +\\Seen\n"
		"flag-local INBOX c +\\Seen +(Junk)\n"
		"flag-remote INBOX a +\\Answered\n"
		"flag-remote INBOX b +\\Seen -\\Deleted\n",
	    .both = "INBOX: a(FRS) b(S) c(ST,Junk)\n",
	    .not = FLOW_FIRST | FLOW_NOT_DRY },
	{ .what = "what one side lacks is copied",
	    .before = "server add INBOX a S\nserver add Work b\n"
		"disk add INBOX c F\ndisk add INBOX a S\ndisk add Home d S\n",
	    .ops = "make-local Work\nmake-remote Home\npull Work b\n"
		"push Home d\npush INBOX c\n",
	    .both = "Home: d(S)\nINBOX: a(S) c(F)\nWork: b\n",
	    .not = FLOW_FIRST },
	{ .what = "duplicates pair off one to one",
	    .before = "server add INBOX a S\nserver add INBOX a F\n"
		"disk add INBOX a F\ndisk add INBOX a S\ndisk add INBOX a\n",
	    .ops = "push INBOX a\n", .both = "INBOX: a a(F) a(S)\n",
	    .not = FLOW_FIRST | FLOW_NOT_DRY },
	/* Their header does not tell: they are fetched whole. */
	{ .what = "without Message-ID and Date",
	    .before = "server add INBOX a^ S\nserver add INBOX b^\n"
		"disk add INBOX a^ S\ndisk add INBOX b^\n",
	    .ops = "", .both = "INBOX: a^(S) b^\n",
	    .not = FLOW_FIRST | FLOW_NOT_DRY },
	{ .what = "the same message in another folder is another",
	    .before = "server add INBOX a S\ndisk add Work a S\n",
	    .ops = "copy-remote Work a from INBOX\nmake-local INBOX\n"
		"make-remote Work\npull INBOX a\n",
	    .both = "INBOX: a(S)\nWork: a(S)\n",
	    .not = FLOW_FIRST | FLOW_NOT_DRY },
	{ .what = "a message arrives on both sides",
	    .before = BEFORE_ABC,
	    .change = "server add INBOX d S\ndisk add INBOX d F\n"
		"server add INBOX e\n",
	    .ops = "flag-local INBOX d +\\Seen\n"
		"flag-remote INBOX d +\\Flagged\npull INBOX e\n",
	    .both = "INBOX: a(S) b d(FS) e\nWork: c(F)\n",
	    .not = FLOW_NOT_DRY },
};

static void
adopted(void **state)
{
	(void)state;
	flow_check_all(adoption, ARRAY_SIZE(adoption));
}

/* As from a machine that reports each night: one header, bodies of one length. */
static char *
report(const char *id, char number, size_t size)
{
	struct buf b;
	char *out;

	buf_init(&b, size + 4096);
	buf_addf(&b, "%sSubject: report\r\nDate: Thu, 15 Jan 2026 10:00:00 "
	    "+0000\r\n\r\n", id);
	while (b.len < size)
		buf_add_str(&b, "so much is free, and so much is not\r\n");
	buf_addf(&b, "free: %c\r\n", number);
	out = xstrdup(buf_str(&b));
	buf_release(&b);
	return out;
}

static unsigned
bodies_on_disk(struct world *w, char number)
{
	char *command = xasprintf("grep -l 'free: %c' %s/INBOX/cur/* 2>/dev/null"
	    " | wc -l", number, w->root);
	FILE *f = popen(command, "r");
	unsigned n = 99;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%u", &n), 1);
	pclose(f);
	free(command);
	return n;
}

/* The server has two, and the disk one of them: what is deleted here is what
 * goes there. */
static void
unlike_under_one_header(void **state)
{
	static const char *const ids[] = { "", "Message-ID: <r@x>\r\n" };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		const size_t size = i < 2 ? 300 : 20000;
		char *one = report(ids[i % 2], '1', size);
		char *two = report(ids[i % 2], '2', size);
		struct world *w = world_new(IMAPD_FULL);
		struct imapd_box *b = imapd_find_box(w->d, "INBOX");
		char path[300];

		imapd_add(b, "\\Seen", 1700000000, two, strlen(two));
		imapd_add(b, "\\Seen", 1700000000, one, strlen(one));
		world_put(w, "INBOX", "1.one:2,S", one, strlen(one));
		world_sync_well(w);
		assert_int_equal(b->n, 2);
		assert_int_equal(bodies_on_disk(w, '1'), 1);
		assert_int_equal(bodies_on_disk(w, '2'), 1);
		snprintf(path, sizeof(path), "%s/INBOX/cur/1.one:2,S", w->root);
		assert_int_equal(unlink(path), 0);
		world_sync_well(w);
		assert_int_equal(b->n, 1);
		assert_non_null(memmem(b->msg[0]->data, b->msg[0]->size,
		    "free: 2", 7));
		assert_int_equal(bodies_on_disk(w, '2'), 1);
		free(one);
		free(two);
		world_free(w);
	}
}

/* One on each side, with a Date and no Message-ID: that is two messages. */
static void
unlike_on_each_side(void **state)
{
	static const size_t size[] = { 300, 20000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(size); i++) {
		char *one = report("", '1', size[i]);
		char *two = report("", '2', size[i]);
		struct world *w = world_new(IMAPD_FULL);
		struct imapd_box *b = imapd_find_box(w->d, "INBOX");

		imapd_add(b, "\\Seen", 1700000000, two, strlen(two));
		world_put(w, "INBOX", "1.one:2,S", one, strlen(one));
		world_sync_well(w);
		assert_int_equal(b->n, 2);
		assert_int_equal(bodies_on_disk(w, '1'), 1);
		assert_int_equal(bodies_on_disk(w, '2'), 1);
		free(one);
		free(two);
		world_free(w);
	}
}

/* Its header says what it is: no body is asked for. */
static void
pairs_without_bodies(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, "server add INBOX a~9000 S\nserver add INBOX b~9000\n"
	    "disk add INBOX a~9000 S\ndisk add INBOX b~9000\n");
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a~9000(S) b~9000\n");
	assert_non_null(strstr(buf_str(&w->d->log), "BODY.PEEK[HEADER]"));
	assert_null(strstr(buf_str(&w->d->log), "BODY.PEEK[]"));
	world_free(w);
}

/* Before the first run, and again: what dry runs paired was never agreed on. */
static void
dry_before_the_first(void **state)
{
	const struct sync_options dry = { .dry_run = true };
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, BEFORE_ABC "disk add INBOX a S\ndisk add INBOX b\n"
	    "disk add Work c F\n");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(world_sync(w, &dry, NULL), 0);
		world_is(w, "what was told", buf_str(&w->told.ops), "");
		world_is(w, "the notes", buf_str(&w->told.notes), "");
	}
	world_do(w, "disk remove INBOX a\n");
	assert_int_equal(world_sync(w, &dry, NULL), 0);
	world_is(w, "what was told", buf_str(&w->told.ops), "pull INBOX a\n");
	world_sync_well(w);
	world_is(w, "what was told", buf_str(&w->told.ops), "pull INBOX a\n");
	world_is(w, "the notes", buf_str(&w->told.notes), "");
	world_is_in_sync(w, BOTH_ABC);
	world_is_idle(w, 0);
	world_free(w);
}

/* --- a first run that would upload much --- */

#define HELD \
	"51 files of the Maildir DIR/mail are not on the server; this is the " \
	"first run, so nothing is carried out. If they belong there, run sync " \
	"--adopt\n"

static void
uploads_held(void **state)
{
	struct world *w = world_new(IMAPD_FULL);
	const struct sync_options adopt = { .adopt = true };

	(void)state;
	world_do(w, "server add INBOX a S\n");
	world_do_many(w, "disk add INBOX m", 51, " S");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "items", buf_str(&w->told.items), HELD);
	world_is(w, "the server", world_server(w), "INBOX: a(S)\n");
	world_changed_nothing(w);
	/* Also the next one, until it is said that they belong there. */
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "items", buf_str(&w->told.items), HELD);
	assert_int_equal(world_sync(w, &adopt, NULL), 0);
	assert_int_equal(w->told.result.pushed.new, 51);
	world_is(w, "items", world_items(w), "");
	world_is_idle(w, 0);
	world_free(w);
}

static void
fifty_are_not_held(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do_many(w, "disk add INBOX m", 50, " S");
	world_sync_well(w);
	assert_int_equal(w->told.result.pushed.new, 50);
	world_free(w);
}

/* --- the index is lost --- */

#define KNOWS_NOTHING \
	"the Maildir DIR/mail was synced before, but the index knows nothing " \
	"of it; both sides are merged, nothing is deleted\n"

static const struct flow lost[] = {
	{ .what = "the index is lost", .before = BEFORE_ABC,
	    .change = "index lose\n", .ops = "", .both = BOTH_ABC,
	    .notes = KNOWS_NOTHING },
	/* Nobody can tell a deletion from what never was there. */
	{ .what = "the index is lost, with changes", .before = BEFORE_ABC,
	    .change = "index lose\nserver remove INBOX a\n"
		"disk remove INBOX b\nserver flag Work c S\n"
		"server add INBOX d\ndisk add INBOX e S\n",
	    .ops = "flag-local Work c +\\Seen\nflag-remote Work c +\\Flagged\n"
		"pull INBOX b\npull INBOX d\npush INBOX a\npush INBOX e\n",
	    .both = "INBOX: a(S) b d e(S)\nWork: c(FS)\n",
	    .notes = KNOWS_NOTHING, .not = FLOW_NOT_DRY },
	{ .what = "the index is lost, an old server", .caps = IMAPD_PLAIN,
	    .before = BEFORE_ABC,
	    .change = "index lose\nserver remove INBOX a\n"
		"disk remove INBOX b\n",
	    .ops = "pull INBOX b\npush INBOX a\n", .both = BOTH_ABC,
	    .notes = KNOWS_NOTHING, .not = FLOW_NOT_DRY },
};

static void
index_lost(void **state)
{
	(void)state;
	flow_check_all(lost, ARRAY_SIZE(lost));
}

/* --- the server numbers anew --- */

#define ANEW \
	"INBOX: the server numbers its messages anew (UIDVALIDITY); both " \
	"sides are merged, nothing is deleted\n"

static const struct flow renumbered[] = {
	{ .what = "new UIDVALIDITY", .before = BEFORE_ABC,
	    .change = "server renumber INBOX\n", .ops = "", .both = BOTH_ABC,
	    .notes = ANEW, .not = FLOW_NOT_DRY },
	{ .what = "new UIDVALIDITY, an old server", .caps = IMAPD_PLAIN,
	    .before = BEFORE_ABC, .change = "server renumber INBOX\n",
	    .ops = "", .both = BOTH_ABC, .notes = ANEW,
	    .not = FLOW_NOT_DRY },
	{ .what = "new UIDVALIDITY, and changes", .before = BEFORE_ABC,
	    .change = "server renumber INBOX\nserver add INBOX d S\n"
		"server flag INBOX b F\ndisk flag INBOX b S\n"
		"disk add INBOX e\n",
	    .ops = "flag-local INBOX b +\\Flagged\n"
		"flag-remote INBOX b +\\Seen\npull INBOX d\npush INBOX e\n",
	    .both = "INBOX: a(S) b(FS) d(S) e\nWork: c(F)\n", .notes = ANEW,
	    .not = FLOW_NOT_DRY },
	/* What was cleared here stays cleared; the mark goes with both. */
	{ .what = "new UIDVALIDITY, and flags cleared",
	    .before = "server add INBOX a SF\nserver add INBOX b S,Junk\n",
	    .change = "disk flag INBOX a S\nserver renumber INBOX\n"
		"server flag INBOX a FRS\n",
	    .ops = "flag-local INBOX a +\\Answered\n"
		"flag-remote INBOX a -\\Flagged\n",
	    .both = "INBOX: a(RS) b(S,Junk)\n", .notes = ANEW,
	    .not = FLOW_NOT_DRY },
};

static void
new_uidvalidity(void **state)
{
	(void)state;
	flow_check_all(renumbered, ARRAY_SIZE(renumbered));
}

/* What was deleted here is to go there, too, whatever its UID is now; and so
 * is what another one scan will have missed. */
static void
deletions_outlive_a_merge(void **state)
{
	static const char *const kinds[] = { IMAPD_FULL, IMAPD_PLAIN };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		const struct sync_options held = { .dry_run = false };
		struct world *w = world_new(kinds[i % 2]);

		world_do(w, BEFORE_ABC "server add INBOX d~9000 S\n"
		    "server add INBOX e S\n");
		world_sync_well(w);
		world_do(w, "disk remove INBOX a\ndisk remove INBOX d~9000\n"
		    "server remove INBOX b\n");
		if (i >= 2) {	/* refused, so that it waits */
			imapd_count(w->d);
			imapd_add_rule(w->d, "UID STORE*", IMAPD_NO, "later");
			world_sync(w, &held, NULL);
			imapd_count(w->d);
		}
		world_do(w, "server renumber INBOX\n");
		world_sync(w, NULL, NULL);
		world_is(w, "the notes", buf_str(&w->told.notes), ANEW);
		world_is(w, "the server", world_server(w), i >= 2 ?
		    "INBOX: a(S) d~9000(S) e(S)\nWork: c(F)\n" :
		    "INBOX: a(S) b d~9000(S) e(S)\nWork: c(F)\n");
		world_sync_well(w);
		world_is(w, "what was told", buf_str(&w->told.ops),
		    "remove-remote INBOX a\nremove-remote INBOX d~9000\n");
		world_is(w, "the server", world_server(w), i >= 2 ?
		    "INBOX: e(S)\nWork: c(F)\n" :
		    "INBOX: b e(S)\nWork: c(F)\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* The server lost them, too: nothing is left of it. And a file that is back in
 * time is none that was deleted. */
static void
deletions_that_meet_nothing(void **state)
{
	struct world *w = world_new(IMAPD_FULL);
	char *path, *aside;

	(void)state;
	world_do(w, BEFORE_ABC);
	world_sync_well(w);
	world_do(w, "disk remove INBOX a\nserver remove INBOX a\n"
	    "server renumber INBOX\n");
	world_sync(w, NULL, NULL);
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: b\nWork: c(F)\n");
	world_is_idle(w, 0);
	path = world_file(w, "INBOX", "b");
	aside = xasprintf("%s/aside", w->dir);
	assert_int_equal(rename(path, aside), 0);
	world_do(w, "server renumber INBOX\n");
	world_sync(w, NULL, NULL);
	assert_int_equal(rename(aside, path), 0);
	free(aside);
	free(path);
	world_sync(w, NULL, NULL);
	world_sync(w, NULL, NULL);
	world_is(w, "the disk", world_disk(w), "INBOX: b\nWork: c(F)\n");
	world_is(w, "the server", world_server(w), "INBOX: b\nWork: c(F)\n");
	world_is_idle(w, 0);
	world_free(w);
}

/* Under the same UIDVALIDITY the UIDs are used anew (a restored server). */
static void
use_uids_anew(struct world *w)
{
	struct imapd_box *b = imapd_find_box(w->d, "INBOX");

	imapd_expunge(b, 2);
	imapd_expunge(b, 3);
	b->uidnext = 2;
	world_do(w, "server add INBOX e\nserver add INBOX f\n"
	    "server add INBOX g\n");
}

static const struct flow reused[] = {
	{ .what = "UIDs that are used anew",
	    .before = "server add INBOX a S\nserver add INBOX b\n"
		"server add INBOX c\n",
	    .call = use_uids_anew,
	    .ops = "pull INBOX e\npull INBOX f\npull INBOX g\n"
		"push INBOX b\npush INBOX c\n",
	    .both = "INBOX: a(S) b c e f g\n",
	    .notes = "INBOX: its newest messages are not those that the "
		"server had under these UIDs; both sides are merged, nothing "
		"is deleted\n", .not = FLOW_NOT_DRY | FLOW_NOT_CUT },
};

static void
reused_uids(void **state)
{
	(void)state;
	flow_check_all(reused, ARRAY_SIZE(reused));
}

/* A folder has another name on the server, and here that is taken; one beside
 * it is numbered anew: what it holds is there once. */
static void
renamed_beside_a_merge(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, BEFORE_ABC);
	world_sync_well(w);
	world_do(w, "server rename Work Werk\ndisk make Werk\n"
	    "server renumber INBOX\n");
	for (int k = 0; k < 3; k++)
		world_sync(w, NULL, NULL);
	world_is_in_sync(w, "INBOX: a(S) b\nWerk: c(F)\n");
	world_is_idle(w, 0);
	world_free(w);
}

/* Refused once, or lost in the middle: it was deleted here all the same. */
static void
deletions_that_come_later(void **state)
{
	static const enum imapd_lie lies[] = { IMAPD_REFUSED, IMAPD_KILLS_ODD };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		const struct sync_options full = { .full = true };
		struct world *w = world_new(IMAPD_FULL);

		world_do(w, BEFORE_ABC);
		world_sync_well(w);
		world_do(w, "disk remove INBOX a\nserver renumber INBOX\n");
		world_message(w, "INBOX", "a")->lie = lies[i];
		world_sync(w, NULL, NULL);
		world_message(w, "INBOX", "a")->lie = IMAPD_TRUE;
		for (int k = 0; k < 2; k++)
			world_sync(w, &full, NULL);
		world_is_in_sync(w, "INBOX: b\nWork: c(F)\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* In a first run: the file finds its message when that is looked at again. */
static void
cut_behind_a_copy(void **state)
{
	static const char *const caps[] = { IMAPD_FULL, IMAPD_PLAIN };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		struct world *w = world_new(caps[i]);
		struct imapd_rule *r;

		world_do(w, "server add INBOX a S\ndisk add Work a S\n");
		r = imapd_add_rule(w->d, "UID COPY *", IMAPD_CUT_BEHIND, "");
		r->times = 1;
		world_sync(w, NULL, NULL);
		assert_int_equal(r->acted, 1);
		world_sync_well(w);
		assert_null(strstr(world_index(w), "in doubt"));
		world_is_in_sync(w, "INBOX: a(S)\nWork: a(S)\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* --- a look behind the upload begins a merge, and is lost --- */

static void
renumber_and_cut(struct imapd *d, void *arg)
{
	world_do(arg, "server renumber INBOX\n");
	imapd_add_rule(d, "UID FETCH 1:429*", IMAPD_CUT, "")->times = 1;
}

/* What was through is not: nothing is known of it any more. */
static void
lost_behind_an_upload(void **state)
{
	static const char *const kinds[] = { IMAPD_FULL, IMAPD_CONDSTORE,
	    IMAPD_PLAIN };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct world *w = world_new(kinds[i]);

		world_do(w, BEFORE_ABC);
		world_sync_well(w);
		world_do(w, "disk add INBOX d S\n");
		imapd_call_at(w->d, "APPEND *", renumber_and_cut, w)->times =
		    1;
		for (int run = 0; run < 3; run++)
			world_sync(w, NULL, NULL);
		world_is_in_sync(w, "INBOX: a(S) b d(S)\nWork: c(F)\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* --- nothing, and nothing ever was --- */

/* Two lines say so, and the messages are there. */
static void
never_was_any(void **state)
{
	struct world *w = world_new(IMAPD_FULL);
	struct imapd_box *b;
	uint32_t next;

	(void)state;
	world_do(w, BEFORE_ABC);
	world_sync_well(w);
	imapd_count(w->d);
	b = imapd_find_box(w->d, "INBOX");
	next = b->uidnext;
	b->uidnext = 1;
	w->d->says_empty = true;
	world_sync(w, NULL, NULL);
	b->uidnext = next;
	w->d->says_empty = false;
	assert_int_equal(world_asked(w, "APPEND"), 0);
	world_sync_well(w);
	world_is_in_sync(w, BOTH_ABC);
	world_free(w);
}

/* --- a folder goes here, while the server numbers another one anew --- */

static void
deleted_in_a_merge(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, BEFORE_ABC "server add Old d S\n");
	world_sync_well(w);
	world_do(w, "server renumber INBOX\ndisk delete Old\n");
	world_sync(w, NULL, NULL);
	world_is(w, "the disk", world_disk(w), BOTH_ABC);
	world_sync_well(w);
	world_is_in_sync(w, BOTH_ABC);
	world_is_idle(w, 0);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_was_any),
		cmocka_unit_test(deleted_in_a_merge),
		cmocka_unit_test(adopted),
		cmocka_unit_test(unlike_under_one_header),
		cmocka_unit_test(unlike_on_each_side),
		cmocka_unit_test(pairs_without_bodies),
		cmocka_unit_test(dry_before_the_first),
		cmocka_unit_test(uploads_held),
		cmocka_unit_test(fifty_are_not_held),
		cmocka_unit_test(index_lost),
		cmocka_unit_test(new_uidvalidity),
		cmocka_unit_test(deletions_outlive_a_merge),
		cmocka_unit_test(lost_behind_an_upload),
		cmocka_unit_test(deletions_that_meet_nothing),
		cmocka_unit_test(reused_uids),
		cmocka_unit_test(renamed_beside_a_merge),
		cmocka_unit_test(cut_behind_a_copy),
		cmocka_unit_test(deletions_that_come_later),
	};

	return FLOW_MAIN(tests);
}
