/*
 * What costs the connection right behind the login, and LIST itself: the folders
 * that are known are synced all the same, and nothing is taken for gone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define THREE \
	"server add INBOX a S\nserver add Work b S\nserver add Zzz c S\n"
#define NEWS \
	"server add INBOX x S\nserver add Work y S\ndisk add Zzz z S\n" \
	"disk flag INBOX a FS\n"
#define AFTER "INBOX: a(FS) x(S)\nWork: b(S) y(S)\nZzz: c(S) z(S)\n"
#define BY_NAME "the connection is lost each time the server lists its " \
	"folders; those that are known are synced, new ones wait, and " \
	"nothing is removed from the disk. To ask for the list once more, " \
	"run sync --full\n"

static const enum imapd_action ends[] = { IMAPD_CUT, IMAPD_SILENT };

static struct world *
world_before(const char *caps)
{
	struct world *w = world_new(caps);

	w->conf.timeout_s = 1;
	world_do(w, THREE);
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, NEWS);
	return w;
}

/* All goes on without what it was lost at, and in the end that is known. */
static void
what_is_optional(void **state)
{
	static const char *const commands[] = {
		"ENABLE *", "ID *", "NAMESPACE*", "LIST *RETURN*", "COMPRESS*",
	};

	(void)state;
	for (size_t i = 0; i < 10; i++) {
		const char *command = commands[i / 2];
		struct world *w = world_before(IMAPD_FULL " COMPRESS=DEFLATE");

		snprintf(world_way, sizeof(world_way), "%s, %zu: ", command,
		    i % 2);
		w->conf.compress = CONF_COMPRESS_YES;
		imapd_add_rule(w->d, command, ends[i % 2], NULL);
		world_sync_well(w);
		world_is_in_sync(w, AFTER);
		assert_int_equal(w->d->logins, 2);
		world_sync_well(w);
		assert_int_equal(w->d->logins, 4);
		/* Twice is enough. */
		world_sync_well(w);
		assert_int_equal(w->d->logins, 5);
		world_free(w);
	}
	world_way[0] = '\0';
}

/* STATUS of one folder, or of two: they are looked at without. */
static void
a_status(void **state)
{
	static const char *const caps[] = { IMAPD_PLAIN, IMAPD_CONDSTORE };
	static const char *const commands[] = { "STATUS*Work*",
	    "STATUS*[NWZ][Bozi]*", "STATUS *" };

	(void)state;
	for (size_t i = 0; i < 12; i++) {
		struct world *w = world_before(caps[i % 2]);

		snprintf(world_way, sizeof(world_way), "way %zu: ", i);
		imapd_add_rule(w->d, commands[i / 4], ends[i / 2 % 2], NULL);
		world_sync_well(w);
		world_is_in_sync(w, AFTER);
		world_sync_well(w);
		imapd_find_box(w->d, "INBOX")->uidnext++;
		w->d->logins = 0;
		world_sync_well(w);
		assert_int_equal(w->d->logins, 1);
		world_free(w);
	}
	world_way[0] = '\0';
}

/* LIST in any form; it is tried anew by the next run, then later. */
static void
list_itself(void **state)
{
	static const char *const caps[] = { IMAPD_PLAIN, IMAPD_CONDSTORE,
	    IMAPD_FULL };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct world *w = world_before(caps[i % 3]);

		snprintf(world_way, sizeof(world_way), "way %zu: ", i);
		imapd_add_rule(w->d, "LIST *", ends[i / 3], NULL);
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_is(w, "items", buf_str(&w->told.items), BY_NAME);
		world_is_in_sync(w, AFTER);
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		w->d->logins = 0;
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		assert_int_equal(w->d->logins, 1);
		world_is(w, "items", buf_str(&w->told.items), BY_NAME);
		world_do(w, "disk add Work n S\nserver add Zzz m S\n");
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		imapd_count(w->d);
		assert_int_equal(world_sync(w, &(struct sync_options){
		    .full = true }, NULL), 0);
		world_is_in_sync(w, "INBOX: a(FS) x(S)\nWork: b(S) n(S) y(S)\n"
		    "Zzz: c(S) m(S) z(S)\n");
		world_is_idle(w, 0);
		world_free(w);
	}
	world_way[0] = '\0';
}

/*
 * Filed into a folder that is not seen, on either side; a folder deleted, one
 * renamed, one that has another's name now: whatever it is, it waits.
 */
static void
nothing_goes(void **state)
{
	static const struct {
		const char *change, *server, *disk;
	} cases[] = {
		{ "server make Fresh\nserver move Work b Fresh\n",
		    "Fresh: b(S)\nINBOX: a(S)\nWork:\nZzz: c(S)\n",
		    "INBOX: a(S)\nWork: b(S)\nZzz: c(S)\n" },
		{ "disk make Fresh\ndisk move Work b Fresh\n",
		    "INBOX: a(S)\nWork: b(S)\nZzz: c(S)\n",
		    "Fresh: b(S)\nINBOX: a(S)\nWork:\nZzz: c(S)\n" },
		{ "server delete Work\n", "INBOX: a(S)\nZzz: c(S)\n",
		    "INBOX: a(S)\nWork: b(S)\nZzz: c(S)\n" },
		{ "server rename Work Fresh\n",
		    "Fresh: b(S)\nINBOX: a(S)\nZzz: c(S)\n",
		    "INBOX: a(S)\nWork: b(S)\nZzz: c(S)\n" },
		{ "server rename Work Fresh\nserver add Work d S\n",
		    "Fresh: b(S)\nINBOX: a(S)\nWork: d(S)\nZzz: c(S)\n",
		    "INBOX: a(S)\nWork: b(S)\nZzz: c(S)\n" },
		{ "disk rename Work Fresh\n",
		    "INBOX: a(S)\nWork: b(S)\nZzz: c(S)\n",
		    "Fresh: b(S)\nINBOX: a(S)\nZzz: c(S)\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world *w = world_new(IMAPD_FULL);

		snprintf(world_way, sizeof(world_way), "%s: ",
		    cases[i].change);
		world_do(w, THREE);
		world_sync_well(w);
		imapd_count(w->d);
		world_do(w, cases[i].change);
		imapd_add_rule(w->d, "LIST *", IMAPD_CUT, NULL);
		for (int k = 0; k < 3; k++)
			assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_is(w, "the server", world_server(w), cases[i].server);
		world_is(w, "the disk", world_disk(w), cases[i].disk);
		assert_non_null(strstr(buf_str(&w->told.items), BY_NAME));
		imapd_count(w->d);
		world_sync(w, &(struct sync_options){ .full = true }, NULL);
		world_sync_well(w);
		world_is_idle(w, 0);
		/* Each of them is there once. */
		assert_string_equal(world_server(w), cases[i].server[0] ==
		    'I' && strstr(cases[i].change, "disk") != NULL ?
		    cases[i].disk : cases[i].server);
		world_free(w);
	}
	world_way[0] = '\0';
}

/* A deletion that was cut short is taken up again first of all. */
static void
a_recovery(void **state)
{
	static const char *const commands[] = { "EXAMINE *-mailtern-*",
	    "DELETE *" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world *w = world_new(IMAPD_FULL);

		snprintf(world_way, sizeof(world_way), "way %zu: ", i);
		w->conf.timeout_s = 1;
		world_do(w, THREE "server make Old\n");
		world_sync_well(w);
		imapd_count(w->d);
		world_do(w, "disk delete Old\n" NEWS);
		imapd_add_rule(w->d, commands[i % 2], ends[i / 2], NULL);
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		assert_non_null(strstr(buf_str(&w->told.items), ": a folder "
		    "that was being deleted on the server, and the connection "
		    "is lost each time that is taken up again; it is left as "
		    "it is\n"));
		assert_non_null(strstr(world_server(w), "Work: b(S) y(S)\n"
		    "Zzz: c(S) z(S)\n"));
		world_is(w, "the disk", world_disk(w), AFTER);
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		w->d->logins = 0;
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		assert_int_equal(w->d->logins, 1);
		assert_non_null(strstr(world_server(w), "Old-mailtern-"));
		imapd_count(w->d);
		assert_int_equal(world_sync(w, &(struct sync_options){
		    .full = true }, NULL), 0);
		world_is_in_sync(w, AFTER);
		world_is_idle(w, 0);
		world_free(w);
	}
	world_way[0] = '\0';
}

/* Nor is it forgotten where nobody sees how far it came. */
static void
a_recovery_unseen(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, THREE "server make Old\n");
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, "disk delete Old\n" NEWS);
	imapd_add_rule(w->d, "DELETE *", IMAPD_CUT, NULL)->times = 1;
	imapd_add_rule(w->d, "LIST * \"\\*\"*", IMAPD_CUT, NULL)->skip = 1;
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	assert_non_null(strstr(world_server(w), "Old-mailtern-"));
	imapd_count(w->d);
	assert_int_equal(world_sync(w, &(struct sync_options){
	    .full = true }, NULL), 0);
	world_is_in_sync(w, AFTER);
	world_free(w);
}

/* Nothing is known yet: INBOX, and what LIST told before it ended. */
static void
a_first_run(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct world *w = world_new(i % 2 == 0 ? IMAPD_PLAIN :
		    IMAPD_FULL);

		world_do(w, THREE);
		if (i < 2)
			imapd_add_rule(w->d, "LIST *", IMAPD_CUT, NULL);
		else
			w->d->list_cuts = 2;
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_is(w, "items", buf_str(&w->told.items), BY_NAME);
		world_is(w, "the disk", world_disk(w), i < 2 ?
		    "INBOX: a(S)\n" : "INBOX: a(S)\nWork: b(S)\n");
		imapd_count(w->d);
		w->d->list_cuts = 0;
		assert_int_equal(world_sync(w, &(struct sync_options){
		    .full = true }, NULL), 0);
		world_is_in_sync(w, "INBOX: a(S)\nWork: b(S)\nZzz: c(S)\n");
		world_free(w);
	}
}

/* Whoever closes each connection behind the login says nothing of what it was
 * asked there. */
static void
closed_at_once(void **state)
{
	static const char *const caps[] = { IMAPD_PLAIN, IMAPD_FULL };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct world *w = world_before(caps[i % 2]);

		w->d->commands_most = 1;
		w->d->says_bye = i / 2 == 0;
		for (int k = 0; k < 3; k++) {
			w->d->logins = 0;
			assert_int_equal(world_sync(w, NULL, NULL), 75);
			assert_true(w->d->logins <= 3);
			world_is(w, "items", buf_str(&w->told.items), "");
		}
		w->d->commands_most = 0;
		world_sync_well(w);
		world_is_in_sync(w, AFTER);
		world_is_idle(w, 0);
		world_free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_optional),
		cmocka_unit_test(a_status),
		cmocka_unit_test(list_itself),
		cmocka_unit_test(nothing_goes),
		cmocka_unit_test(a_recovery),
		cmocka_unit_test(a_recovery_unseen),
		cmocka_unit_test(a_first_run),
		cmocka_unit_test(closed_at_once),
	};

	return FLOW_MAIN(tests);
}
