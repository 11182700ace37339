/* Removals undone: what one side lost comes back from the other (design
 * section 5, "Guard"). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "flow.h"

#define THREE \
	"server add INBOX a S\nserver add INBOX b F\nserver add INBOX c ,Junk\n"
#define ALL_THREE "INBOX: a(S) b(F) c(,Junk)\n"
#define WORK THREE "server add Work d S\nserver add Work e\n"
#define WITH_WORK ALL_THREE "Work: d(S) e\n"
#define UNDO .opt = { .undo_deletes = true }

static void
expunges(struct world *w)
{
	w->conf.expunge = true;
}

/* --- messages --- */

#define HERE(name, server_caps) { \
	.what = "deleted here, " name, .caps = server_caps, .before = THREE, \
	.points = 4, \
	.change = "disk remove INBOX a\ndisk remove INBOX c\n", UNDO, \
	.ops = "pull INBOX a\npull INBOX c\n", .both = ALL_THREE, \
	.notes = "2 removals undone: 2 messages pulled again\n" }
#define THERE(name, server_caps) { \
	.what = "deleted there, " name, .caps = server_caps, .before = THREE, \
	.points = 4, \
	.change = "server remove INBOX a\nserver remove INBOX c\n", UNDO, \
	.ops = "push INBOX a\npush INBOX c\n", .both = ALL_THREE, \
	.notes = "2 removals undone: 2 messages uploaded again\n" }

static const struct flow messages[] = {
	HERE("QRESYNC", IMAPD_FULL),
	HERE("an old server", IMAPD_PLAIN),
	THERE("QRESYNC", IMAPD_FULL),
	THERE("an old server", IMAPD_PLAIN),
	{ .what = "nothing was removed", .before = THREE, UNDO, .ops = "",
	    .both = ALL_THREE, .notes = "there is no removal to undo\n" },
	/* What both deleted stays deleted. */
	{ .what = "one on each side, and one on both", .before = WORK,
	    .change = "disk remove INBOX a\nserver remove INBOX a\n"
		"disk remove INBOX b\nserver remove Work d\n", UNDO,
	    .ops = "pull INBOX b\npush Work d\n",
	    .both = "INBOX: b(F) c(,Junk)\nWork: d(S) e\n",
	    .notes = "2 removals undone: 1 message pulled again, 1 message "
		"uploaded again\n" },
	{ .what = "beside all else", .before = WORK,
	    .change = "disk remove INBOX a\nserver add INBOX f\n"
		"disk add Work g S\nserver flag Work e F\n"
		"disk flag INBOX b FS\n", UNDO,
	    .ops = "flag-local Work e +\\Flagged\n"
		"flag-remote INBOX b +\\Seen\npull INBOX a\npull INBOX f\n"
		"push Work g\n",
	    .both = "INBOX: a(S) b(FS) c(,Junk) f\nWork: d(S) e(F) g(S)\n",
	    .notes = "1 removal undone: 1 message pulled again\n" },
	/* With what the side that has it says of flags now. */
	{ .what = "with other flags meanwhile", .before = THREE,
	    .change = "disk remove INBOX a\nserver flag INBOX a FS\n"
		"server remove INBOX b\ndisk flag INBOX b FRS\n", UNDO,
	    .ops = "pull INBOX a\npush INBOX b\n",
	    .both = "INBOX: a(FS) b(FRS) c(,Junk)\n",
	    .notes = "2 removals undone: 1 message pulled again, 1 message "
		"uploaded again\n" },
	/* Moved is in both places then. */
	{ .what = "moved here", .before = WORK,
	    .change = "disk move INBOX a Work\n", UNDO,
	    .ops = "copy-remote Work a from INBOX\npull INBOX a\n",
	    .both = ALL_THREE "Work: a(S) d(S) e\n",
	    .notes = "1 removal undone: 1 message pulled again\n" },
};

static void
messages_come_back(void **state)
{
	(void)state;
	flow_check_all(messages, ARRAY_SIZE(messages));
}

/* --- marks --- */

static const struct flow marks[] = {
	{ .what = "marked, and expunge = yes", .prepare = expunges,
	    .before = THREE,
	    .change = "disk flag INBOX a ST\nserver flag INBOX b FT\n", UNDO,
	    .ops = "flag-local INBOX a -\\Deleted\n"
		"flag-remote INBOX b -\\Deleted\n",
	    .both = ALL_THREE,
	    .notes = "2 removals undone: 2 messages no longer marked as "
		"deleted\n" },
	/* expunge = no: it is a flag, and no removal. */
	{ .what = "marked, and expunge = no", .before = THREE,
	    .change = "disk flag INBOX a ST\n", UNDO,
	    .ops = "flag-remote INBOX a +\\Deleted\n",
	    .both = "INBOX: a(ST) b(F) c(,Junk)\n",
	    .notes = "there is no removal to undo\n" },
	{ .what = "marked, then gone", .prepare = expunges, .before = THREE,
	    .change = "disk remove INBOX a\nserver flag INBOX a ST\n", UNDO,
	    .ops = "flag-remote INBOX a -\\Deleted\npull INBOX a\n",
	    .both = ALL_THREE,
	    .notes = "1 removal undone: 1 message pulled again\n" },
};

static void
marks_are_taken_back(void **state)
{
	(void)state;
	flow_check_all(marks, ARRAY_SIZE(marks));
}

/* --- folders --- */

static const char *const only_work[] = { "Work" };

static const struct flow folders[] = {
	{ .what = "a folder deleted there", .before = WORK,
	    .change = "server delete Work\n", UNDO,
	    .ops = "make-remote Work\npush Work d\npush Work e\n",
	    .both = WITH_WORK,
	    .notes = "3 removals undone: 1 folder made again, 2 messages "
		"uploaded again\n" },
	{ .what = "a folder deleted there, an old server",
	    .caps = IMAPD_PLAIN, .before = WORK,
	    .change = "server delete Work\n", UNDO,
	    .ops = "make-remote Work\npush Work d\npush Work e\n",
	    .both = WITH_WORK,
	    .notes = "3 removals undone: 1 folder made again, 2 messages "
		"uploaded again\n" },
	{ .what = "a folder deleted here", .before = WORK,
	    .change = "disk delete Work\n", UNDO,
	    .ops = "make-local Work\npull Work d\npull Work e\n",
	    .both = WITH_WORK,
	    .notes = "3 removals undone: 1 folder made again, 2 messages "
		"pulled again\n" },
	{ .what = "empty folders", .before = THREE "server make One\n"
		"server make Two\n",
	    .change = "server delete One\ndisk delete Two\n", UNDO,
	    .ops = "make-local Two\nmake-remote One\n",
	    .both = ALL_THREE "One:\nTwo:\n",
	    .notes = "2 removals undone: 2 folders made again\n" },
	{ .what = "a folder with new mail comes back whole", .before = WORK,
	    .change = "disk delete Work\nserver add Work f\n", UNDO,
	    .ops = "make-local Work\npull Work d\npull Work e\n"
		"pull Work f\n",
	    .both = ALL_THREE "Work: d(S) e f\n", .not = FLOW_NOT_DRY,
	    .notes = "2 removals undone: 2 messages pulled again\n" },
	{ .what = "chosen folders only", .before = WORK,
	    .change = "disk remove INBOX a\ndisk remove Work d\n",
	    .opt = { .undo_deletes = true, .glob = only_work, .n_glob = 1 },
	    .ops = "pull Work d\n",
	    .server = WITH_WORK, .disk = "INBOX: b(F) c\nWork: d(S) e\n",
	    .notes = "1 removal undone: 1 message pulled again\n",
	    .not = FLOW_NOT_IDLE },
};

static void
folders_come_back(void **state)
{
	(void)state;
	flow_check_all(folders, ARRAY_SIZE(folders));
}

/* --- from run to run --- */

/* Held by the guard, undone, and then no run removes anything. */
static void
held_and_undone(void **state)
{
	const struct sync_options undo = { .undo_deletes = true };

	(void)state;
	for (int here = 0; here < 2; here++)
		for (unsigned seed = 0; seed < 3; seed++) {
			struct world *w = world_new(here ? IMAPD_FULL :
			    IMAPD_PLAIN);
			char *both;

			world_do_many(w, "server add INBOX m", 12, " S");
			world_sync_well(w);
			both = xstrdup(world_server(w));
			world_do_many(w, here ? "disk remove INBOX m" :
			    "server remove INBOX m", 12, "");
			assert_int_equal(world_sync(w, NULL, NULL), 1);
			assert_int_equal(world_sync(w, &undo,
			    &(struct sched_plan){ .seed = seed }), 0);
			world_is_in_sync(w, both);
			world_is(w, "the items", world_items(w), "");
			world_is_idle(w, 0);
			/* A removal from now on is one. */
			world_do(w, here ? "disk remove INBOX m3\n" :
			    "server remove INBOX m3\n");
			world_sync_well(w);
			world_is(w, "the ops", buf_str(&w->told.ops), here ?
			    "remove-remote INBOX m3\n" :
			    "remove-local INBOX m3\n");
			world_is_idle(w, 0);
			free(both);
			world_free(w);
		}
}

/* What was carried out stays: it is in the attic, or in the trash. */
static void
too_late(void **state)
{
	const struct sync_options undo = { .undo_deletes = true };
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, THREE);
	world_sync_well(w);
	world_do(w, "server remove INBOX a\n");
	world_sync_well(w);
	world_do(w, "server remove INBOX b\n");
	assert_int_equal(world_sync(w, &undo, NULL), 0);
	world_is(w, "the notes", buf_str(&w->told.notes),
	    "1 removal undone: 1 message uploaded again\n");
	world_is_in_sync(w, "INBOX: b(F) c(,Junk)\n");
	world_is(w, "the attic", world_attic(w), "attic: a\n");
	world_free(w);
}

/*
 * Copied to the trash by a run that was cut off, undone, the trash emptied,
 * deleted once more: it goes to the trash once more.
 */
static void
copies_are_forgotten(void **state)
{
	const struct sync_options undo = { .undo_deletes = true };
	struct world *w = world_new(IMAPD_PLAIN);

	(void)state;
	w->conf.trash = xstrdup("Trash");
	world_do(w, THREE "server make Trash\n");
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, "disk remove INBOX a\n");
	imapd_add_rule(w->d, "UID STORE *", IMAPD_CUT, NULL);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "the server", world_server(w), ALL_THREE "Trash: a(S)\n");
	imapd_count(w->d);
	assert_int_equal(world_sync(w, &undo, NULL), 0);
	world_do(w, "server remove Trash a\ndisk remove INBOX a\n");
	world_sync(w, NULL, NULL);
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: b(F) c(,Junk)\nTrash: a(S)\n");
	world_free(w);
}

/* --- all of it, or nothing --- */

/* Rows that wait for a removal, folder by folder. */
#define WAIT	"SELECT count(*) FROM place WHERE folder =" \
	" (SELECT id FROM folder WHERE name = '%s') AND base AND NOT local"

static struct world *watched;
static int commits, undone, halves;	/* index lane, until the run ends */

static int
waiting(sqlite3 *db, const char *folder)
{
	char *sql = sqlite3_mprintf(WAIT, folder);
	sqlite3_stmt *st;
	int n = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	sqlite3_free(sql);
	return n;
}

/* What a reader sees just before a commit is what the one before it left. */
static int
look(void *arg)
{
	char *path = xasprintf("%s/%s.db", watched->state,
	    watched->conf.name);
	sqlite3 *db = arg;
	int inbox, work;

	(void)sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL);
	inbox = waiting(db, "INBOX");
	work = waiting(db, "Work");
	sqlite3_close(db);
	free(path);
	commits += inbox == 2 && work == 1;
	undone += inbox == 0 && work == 0;
	halves += (inbox == 0) != (work == 0);
	return 0;
}

static int
hook(sqlite3 *db, char **message, const struct sqlite3_api_routines *api)
{
	(void)message;
	(void)api;
	if (sqlite3_db_readonly(db, "main") == 0)
		(void)sqlite3_commit_hook(db, look, NULL);
	return SQLITE_OK;
}

/* A run that ends in between has undone them in no folder, or in each. */
static void
at_once(void **state)
{
	const struct sync_options undo = { .undo_deletes = true };
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, WORK);
	world_sync_well(w);
	world_do(w, "disk remove INBOX a\ndisk remove INBOX b\n"
	    "disk remove Work d\n");
	/* They are seen to be gone, and can't be removed. */
	imapd_add_rule(w->d, "UID STORE *", IMAPD_CUT, NULL);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	imapd_count(w->d);
	watched = w;
	commits = undone = halves = 0;
	assert_int_equal(sqlite3_auto_extension((void (*)(void))hook),
	    SQLITE_OK);
	assert_int_equal(world_sync(w, &undo, NULL), 0);
	sqlite3_reset_auto_extension();
	assert_true(commits > 0 && undone > 0);
	assert_int_equal(halves, 0);
	world_is_in_sync(w, WITH_WORK);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_back),
		cmocka_unit_test(marks_are_taken_back),
		cmocka_unit_test(folders_come_back),
		cmocka_unit_test(held_and_undone),
		cmocka_unit_test(too_late),
		cmocka_unit_test(copies_are_forgotten),
		cmocka_unit_test(at_once),
	};

	return FLOW_MAIN(tests);
}
