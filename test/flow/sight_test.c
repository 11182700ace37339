/*
 * What a server has and does not show, beside what really went (design section
 * 5, "Absence" and "Windows"), and what is undone or comes anew meanwhile.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "index/item.h"

static const char *const kinds[] = { IMAPD_CONDSTORE, IMAPD_PLAIN, IMAPD_FULL };
#define FIVE \
	"server add INBOX m1 S\nserver add INBOX m2 S\nserver add INBOX m3 S\n" \
	"server add INBOX m4 S\nserver add INBOX m5 S\n"
#define HIDDEN_1 \
	"INBOX: the server counts 1 message more than it lists, run after " \
	"run; what it does not list is left as it is\n"
#define ONE_OF_TWO \
	"INBOX: 1 of 2 messages that the server does not list any more was " \
	"deleted there, and it can't be told which; all are kept on disk\n"

static int
sync_all(struct world *w)
{
	return world_sync(w, &(struct sync_options){ .full = true }, NULL);
}

static void
hide(struct world *w, const char *token, bool hidden)
{
	world_message(w, "INBOX", token)->lie = hidden ? IMAPD_UNLISTED :
	    IMAPD_TRUE;
}

static struct world *
five(const char *caps)
{
	struct world *w = world_new(caps);

	world_do(w, FIVE);
	world_sync_well(w);
	return w;
}

/* --- hidden, and deleted --- */

/* It was listed while the other was lacking already. */
static void
deleted_beside_a_hidden_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(kinds); i++) {
		struct world *w = five(kinds[i / 2]);
		const bool late = i % 2 == 1;

		hide(w, "m4", true);
		assert_int_equal(sync_all(w), 1);
		if (late)
			assert_int_equal(sync_all(w), 1);
		world_do(w, "server remove INBOX m2\n");
		if (!late)
			assert_int_equal(sync_all(w), 1);
		assert_int_equal(sync_all(w), 0);
		world_is(w, "notes", buf_str(&w->told.notes), HIDDEN_1);
		world_is(w, "the disk", world_disk(w),
		    "INBOX: m1(S) m3(S) m4(S) m5(S)\n");
		world_is_idle(w, 0);
		/* And it goes like any other when it is not counted. */
		world_do(w, "server remove INBOX m4\n");
		assert_int_equal(sync_all(w), 0);
		world_is_in_sync(w, "INBOX: m1(S) m3(S) m5(S)\n");
		world_free(w);
	}
}

/* Both are lacking from the first: nobody knows which. That is told. */
static void
hidden_and_deleted_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world *w = five(kinds[i]);

		hide(w, "m4", true);
		world_do(w, "server remove INBOX m2\n");
		for (int run = 1; run <= 2; run++)
			assert_int_equal(sync_all(w), 1);
		assert_int_equal(sync_all(w), 1);
		world_is(w, "items", world_items(w), ONE_OF_TWO);
		world_is(w, "the disk", world_disk(w),
		    "INBOX: m1(S) m2(S) m3(S) m4(S) m5(S)\n");
		world_is_idle(w, 1);
		/* It shows: the other is gone. */
		hide(w, "m4", false);
		assert_int_equal(sync_all(w), 0);
		world_is_in_sync(w, "INBOX: m1(S) m3(S) m4(S) m5(S)\n");
		world_free(w);
	}
}

/* Another one each time is not alike. */
static void
lacking_by_turns(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		static const char *const turn[] = { "m4", "m2", "m3", "m5",
		    "m1", "m2" };
		struct world *w = five(kinds[i]);

		for (size_t k = 0; k < ARRAY_SIZE(turn); k++) {
			hide(w, turn[k], true);
			assert_int_equal(sync_all(w), 1);
			hide(w, turn[k], false);
		}
		assert_int_equal(sync_all(w), 0);
		world_is(w, "the attic", world_attic(w), "attic:\n");
		world_is_in_sync(w, "INBOX: m1(S) m2(S) m3(S) m4(S) m5(S)\n");
		world_free(w);
	}
}

/* One that was never seen is counted, and two by turns are not listed. */
static void
unknown_and_by_turns(void **state)
{
	struct world *w = five(IMAPD_CONDSTORE);

	(void)state;
	world_do(w, "server add INBOX n S\n");
	hide(w, "n", true);
	assert_int_equal(sync_all(w), 1);
	hide(w, "n", false);
	hide(w, "m2", true);
	assert_int_equal(sync_all(w), 1);
	assert_int_equal(sync_all(w), 0);
	hide(w, "m2", false);
	assert_int_equal(sync_all(w), 0);
	world_is(w, "the attic", world_attic(w), "attic:\n");
	world_is_in_sync(w, "INBOX: m1(S) m2(S) m3(S) m4(S) m5(S) n(S)\n");
	world_free(w);
}

/* --- an item is settled --- */

static void
ignore_all(struct world *w)
{
	char *path = xasprintf("%s/work.db", w->state);
	struct index_item_stream from = { .folder = -1 };
	struct index_open_result how;
	struct index_item item;
	struct index *ix;
	struct err err;
	bool found;

	if (index_open(&ix, path, INDEX_WRITE, &how, &err) == -1)
		fail_msg("%s", err.msg);
	while (index_items(ix, &from, &item, 1, &err) == 1) {
		if (index_begin(ix, &err) == -1 || index_item_ignore(ix,
		    item.id, &found, &err) == -1 || index_commit(ix, &err) ==
		    -1)
			fail_msg("%s", err.msg);
		index_item_release(&item);
	}
	index_close(ix);
	free(path);
}

/* A window slides on each day. */
static void
window_is_ignored(void **state)
{
	struct world *w = world_new(IMAPD_CONDSTORE);

	(void)state;
	world_do_many(w, "server add INBOX m", 20, " S");
	world_sync_well(w);
	imapd_find_box(w->d, "INBOX")->window = 20;
	for (unsigned day = 1; day <= 8; day++) {
		char *line = xasprintf("server add INBOX d%u S\n", day);

		world_do(w, line);
		free(line);
		assert_int_equal(world_sync(w, NULL, NULL), day == 3);
		if (day == 3)
			ignore_all(w);
	}
	assert_int_equal(imapd_find_box(w->d, "INBOX")->n, 28);
	world_free(w);
}

/* --- undone --- */

static void
undone_out_of_sight(void **state)
{
	const struct sync_options undo = { .undo_deletes = true };
	const struct sync_options try = { .undo_deletes = true,
	    .dry_run = true };
	struct world *w = world_new(IMAPD_CONDSTORE);

	(void)state;
	world_do_many(w, "server add INBOX m", 20, " S");
	world_sync_well(w);
	imapd_find_box(w->d, "INBOX")->window = w->conf.window = 20;
	world_do(w, "server add INBOX d S\nserver add INBOX e S\n");
	world_sync_well(w);
	world_do(w, "disk remove INBOX m1\n");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	assert_int_equal(world_sync(w, &try, NULL), 1);
	world_is(w, "notes", buf_str(&w->told.notes), "1 removal would be "
	    "undone: 1 message pulled again when the server shows it\n");
	world_is(w, "what was told", buf_str(&w->told.ops), "");
	assert_int_equal(world_sync(w, &undo, NULL), 1);
	world_is(w, "notes", buf_str(&w->told.notes), "1 removal undone: 1 "
	    "message pulled again when the server shows it\n");
	world_is(w, "items", world_items(w), "INBOX: 1 message to be pulled "
	    "can't be reached on the server, which does not show it; that "
	    "waits\n");
	world_is_idle(w, 1);
	imapd_find_box(w->d, "INBOX")->window = 0;
	world_do(w, "server flag INBOX m3 FS\n");
	world_sync_well(w);
	world_is(w, "what was told", buf_str(&w->told.ops),
	    "flag-local INBOX m3 +\\Flagged\npull INBOX m1\n");
	assert_int_equal(imapd_find_box(w->d, "INBOX")->n, 22);
	world_is_idle(w, 0);
	world_free(w);
}

/* --- deleted on both sides, and sent anew --- */

/* A body that is never had keeps what both deleted from being forgotten. */
static void
sent_anew(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct world *w = world_new(kinds[i]);

		world_do(w, "server add INBOX a S\nserver add INBOX b S\n");
		world_sync_well(w);
		world_do(w, "server add INBOX x~400 S\n");
		world_message(w, "INBOX", "x~400")->lie = IMAPD_REFUSED;
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_do(w, "disk remove INBOX a\nserver remove INBOX a\n"
		    "server renumber INBOX\n");
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_do(w, "server add INBOX a\n");
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_is(w, "the server", world_server(w),
		    "INBOX: a b(S) x~400(S)\n");
		world_is(w, "the disk", world_disk(w), "INBOX: a b(S)\n");
		world_free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deleted_beside_a_hidden_one),
		cmocka_unit_test(hidden_and_deleted_at_once),
		cmocka_unit_test(lacking_by_turns),
		cmocka_unit_test(unknown_and_by_turns),
		cmocka_unit_test(window_is_ignored),
		cmocka_unit_test(undone_out_of_sight),
		cmocka_unit_test(sent_anew),
	};

	return FLOW_MAIN(tests);
}
