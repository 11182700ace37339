/*
 * What kills the connection is found out, passed by and named, and all else is
 * brought over in the same run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define SIX \
	"server add INBOX a S\nserver add INBOX b S\nserver add INBOX c S\n" \
	"server add INBOX d S\nserver add INBOX e S\nserver add INBOX f S\n" \
	"server add Work g S\nserver add Zzz h S\n"
#define LOST "the connection is lost each time "

/* A run does all but what it names, and a later one that it has to itself. */
static void
passes_by(struct world *w, const char *ops, const char *items)
{
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "told", buf_str(&w->told.ops), ops);
	world_is(w, "items", buf_str(&w->told.items), items);
}

/* --- bodies --- */

static void
a_body(void **state)
{
	const enum imapd_lie lies[] = { IMAPD_KILLS, IMAPD_KILLS_ALL };
	const char *const caps[] = { IMAPD_FULL, IMAPD_PLAIN };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct world *w = world_new(caps[i % 2]);

		snprintf(world_way, sizeof(world_way), "way %zu: ", i);
		world_do(w, SIX);
		world_message(w, "INBOX", "c")->lie = lies[i / 2];
		passes_by(w, "make-local INBOX\nmake-local Work\n"
		    "make-local Zzz\npull INBOX a\n"
		    "pull INBOX b\npull INBOX d\npull INBOX e\n"
		    "pull INBOX f\npull Work g\npull Zzz h\n",
		    "INBOX: message with UID 3 was not pulled: " LOST
		    "it is asked for\n");
		/* At once by the next run, then later. */
		passes_by(w, "", "INBOX: message with UID 3 was not pulled: "
		    LOST "it is asked for\n");
		imapd_count(w->d);
		passes_by(w, "", "INBOX: message with UID 3 was not pulled: "
		    LOST "it is asked for\n");
		assert_int_equal(w->d->logins, 1);
		world_message(w, "INBOX", "c")->lie = IMAPD_TRUE;
		assert_int_equal(world_sync(w, &(struct sync_options){
		    .full = true }, NULL), 0);
		world_is(w, "told", buf_str(&w->told.ops), "pull INBOX c\n");
		world_is_idle(w, 0);
		world_free(w);
	}
	world_way[0] = '\0';
}

/* Two among hundreds, whatever the number of connections. */
static void
two_of_many(void **state)
{
	const enum imapd_lie lies[] = { IMAPD_KILLS, IMAPD_KILLS_ALL };

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct world *w = world_new(IMAPD_FULL);

		snprintf(world_way, sizeof(world_way), "way %u: ", i);
		w->conf.connections = i % 2 == 0 ? 1 : 4;
		world_do_many(w, "server add INBOX n", 600, " S\n");
		world_do(w, "server add Work g S\ndisk add Work h S\n");
		world_message(w, "INBOX", "n150")->lie = lies[i / 2];
		world_message(w, "INBOX", "n401")->lie = lies[i / 2];
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		assert_int_equal(w->told.result.pulled.new, 599);
		assert_int_equal(w->told.result.pushed.new, 1);
		assert_int_equal(w->told.result.held, 2);
		world_is(w, "items", buf_str(&w->told.items),
		    "INBOX: message with UID 150 was not pulled: " LOST
		    "it is asked for\n"
		    "INBOX: message with UID 401 was not pulled: " LOST
		    "it is asked for\n");
		world_free(w);
	}
	world_way[0] = '\0';
}

#define NOT_PULLED(f, uid) \
	f ": message with UID " uid " was not pulled: " LOST "it is asked for\n"
#define ALL_OF_SIX \
	"make-local INBOX\nmake-local Work\nmake-local Zzz\npull INBOX a\n" \
	"pull INBOX b\npull INBOX c\npull INBOX d\npull INBOX e\n" \
	"pull INBOX f\npull Work g\npull Zzz h\n"

/* Also where nothing else is in the folder. */
static void
in_two_folders(void **state)
{
	const enum imapd_lie lies[] = { IMAPD_KILLS, IMAPD_KILLS_ALL,
	    IMAPD_HANGS };

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct world *w = world_new(IMAPD_FULL);

		snprintf(world_way, sizeof(world_way), "way %u: ", i);
		w->conf.connections = i % 2 == 0 ? 1 : 3;
		w->conf.timeout_s = 1;
		world_do(w, SIX);
		world_message(w, "INBOX", "c")->lie = lies[i / 2];
		world_message(w, "Work", "g")->lie = lies[i / 2];
		passes_by(w, "make-local INBOX\nmake-local Work\n"
		    "make-local Zzz\npull INBOX a\npull INBOX b\n"
		    "pull INBOX d\npull INBOX e\npull INBOX f\npull Zzz h\n",
		    NOT_PULLED("INBOX", "3") NOT_PULLED("Work", "1"));
		world_message(w, "INBOX", "c")->lie = IMAPD_TRUE;
		world_message(w, "Work", "g")->lie = IMAPD_TRUE;
		world_sync_well(w);
		world_is(w, "told", buf_str(&w->told.ops),
		    "pull INBOX c\npull Work g\n");
		world_is_idle(w, 0);
		world_free(w);
	}
	world_way[0] = '\0';
}

/* It comes when it is asked for once more. */
static void
every_second_time(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, SIX);
	world_message(w, "INBOX", "c")->lie = IMAPD_KILLS_ODD;
	world_message(w, "Work", "g")->lie = IMAPD_KILLS_ODD;
	world_sync_well(w);
	world_is(w, "told", buf_str(&w->told.ops), ALL_OF_SIX);
	world_is_idle(w, 0);
	world_free(w);
}

/* What is refused is no loss, whatever the word. */
static void
refused_with_bad(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, SIX);
	imapd_add_rule(w->d, "UID FETCH 3 *BODY*", IMAPD_BAD, "broken");
	imapd_add_rule(w->d, "UID FETCH 1:6 *BODY*", IMAPD_BAD, "broken");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "items", buf_str(&w->told.items), "INBOX: message with UID "
	    "3 was not pulled: 127.0.0.1 refused UID FETCH: broken\n");
	assert_int_equal(w->d->logins, 2);
	imapd_count(w->d);
	assert_int_equal(world_sync(w, &(struct sync_options){ .full = true },
	    NULL), 0);
	world_is_idle(w, 0);
	world_free(w);
}

#define REFUSED(uid) "INBOX: message with UID " uid " was not pulled: " \
	"127.0.0.1 refused UID FETCH: a body can't be read\n"

/*
 * No row of it is to be had, only that it is there. The others come, and what
 * is removed goes, on either side; a new file goes up.
 */
static void
not_listed(void **state)
{
	const char *const caps[] = { IMAPD_FULL, IMAPD_PLAIN, IMAPD_CONDSTORE };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		struct world *w = world_new(caps[i]);

		snprintf(world_way, sizeof(world_way), "%s: ", caps[i]);
		world_do(w, SIX);
		world_message(w, "INBOX", "c")->lie = IMAPD_UNTOLD;
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		assert_int_equal(w->told.result.pulled.new, 7);
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_is(w, "items", buf_str(&w->told.items), REFUSED("3"));
		world_do(w, "server remove INBOX a\ndisk remove INBOX b\n"
		    "disk add INBOX x S\n");
		world_sync(w, NULL, NULL);
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_is(w, "items", buf_str(&w->told.items), REFUSED("3"));
		world_is(w, "the disk", world_disk(w), "INBOX: d(S) e(S) f(S) "
		    "x(S)\nWork: g(S)\nZzz: h(S)\n");
		world_is(w, "the server", world_server(w), "INBOX: c(S) d(S) "
		    "e(S) f(S) x(S)\nWork: g(S)\nZzz: h(S)\n");
		world_message(w, "INBOX", "c")->lie = IMAPD_TRUE;
		assert_int_equal(world_sync(w, &(struct sync_options){
		    .full = true }, NULL), 0);
		world_is_in_sync(w, "INBOX: c(S) d(S) e(S) f(S) x(S)\n"
		    "Work: g(S)\nZzz: h(S)\n");
		world_is_idle(w, 0);
		world_free(w);
	}
	world_way[0] = '\0';
}

/* It may be what a file is: an index that is lost uploads nothing for it. */
static void
not_listed_in_a_merge(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, SIX);
	world_sync_well(w);
	world_do(w, "index lose\n");
	world_message(w, "INBOX", "c")->lie = IMAPD_UNTOLD;
	world_sync(w, NULL, NULL);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "the server", world_server(w), "INBOX: a(S) b(S) c(S) d(S) "
	    "e(S) f(S)\nWork: g(S)\nZzz: h(S)\n");
	world_message(w, "INBOX", "c")->lie = IMAPD_TRUE;
	world_sync(w, &(struct sync_options){ .full = true }, NULL);
	world_is_in_sync(w, "INBOX: a(S) b(S) c(S) d(S) e(S) f(S)\n"
	    "Work: g(S)\nZzz: h(S)\n");
	world_free(w);
}

/* --- folders --- */

static const struct {
	const char *command, *change, *ops, *items;
} kills[] = {
	{ "SELECT *Work*", "server add Work x S\nserver add Zzz y S\n"
	    "disk add INBOX z S\n", "pull Zzz y\npush INBOX z\n",
	    "Work: " LOST "it is looked at; the folder is left out\n" },
	{ "CREATE *", "disk make Fresh\nserver add Zzz y S\n", "pull Zzz y\n",
	    "Fresh: " LOST "it is made; the folder is left out\n" },
	{ "UID STORE *Flagged*", "disk flag INBOX a FS\nserver add Zzz y S\n",
	    "pull Zzz y\n", "INBOX: flags of the message with UID 1 were not "
	    "set: " LOST "they are sent\n" },
	{ "UID EXPUNGE *", "disk remove INBOX a\nserver add Zzz y S\n",
	    "pull Zzz y\n", "INBOX: message with UID 1 was not removed: " LOST
	    "that is asked for\n" },
};

static void
a_folder(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kills); i++) {
		struct world *w = world_new(IMAPD_FULL);

		snprintf(world_way, sizeof(world_way), "%s: ",
		    kills[i].command);
		world_do(w, SIX);
		world_sync_well(w);
		world_do(w, kills[i].change);
		imapd_count(w->d);
		imapd_add_rule(w->d, kills[i].command, IMAPD_CUT, NULL);
		passes_by(w, kills[i].ops, kills[i].items);
		imapd_count(w->d);
		world_sync(w, NULL, NULL);
		world_sync_well(w);
		world_is_idle(w, 0);
		world_free(w);
	}
	world_way[0] = '\0';
}

/* Of the flags of many those of one can't be set. */
static void
a_store(void **state)
{
	const char *const caps[] = { IMAPD_FULL, IMAPD_PLAIN };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct world *w = world_new(caps[i % 2]);

		snprintf(world_way, sizeof(world_way), "way %zu: ", i);
		world_do_many(w, "server add INBOX n", 40, " S\n");
		world_do(w, SIX);
		world_sync_well(w);
		world_do_many(w, "disk flag INBOX n", 40, " FS\n");
		world_do(w, "disk flag Work g FS\n");
		imapd_find_box(w->d, "INBOX")->cuts_store = 23;
		imapd_find_box(w->d, "INBOX")->cuts_first = i / 2 == 0;
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		assert_int_equal(w->told.result.pushed.flags, 40);
		world_is(w, "items", buf_str(&w->told.items),
		    "INBOX: flags of the message with UID 23 were not set: "
		    LOST "they are sent\n");
		imapd_count(w->d);
		world_do(w, "disk flag INBOX a FS\n");
		world_sync(w, NULL, NULL);
		world_is(w, "told", buf_str(&w->told.ops),
		    "flag-remote INBOX a +\\Flagged\n");
		/* Later from now on. */
		imapd_count(w->d);
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		assert_int_equal(w->d->logins, 1);
		imapd_find_box(w->d, "INBOX")->cuts_store = 0;
		assert_int_equal(world_sync(w, &(struct sync_options){
		    .full = true }, NULL), 0);
		world_is(w, "told", buf_str(&w->told.ops),
		    "flag-remote INBOX n23 +\\Flagged\n");
		world_is_idle(w, 0);
		world_free(w);
	}
	world_way[0] = '\0';
}

/* One that was never seen; there is nothing else to do for it. */
static void
a_new_folder(void **state)
{
	(void)state;
	for (unsigned i = 1; i < 4; i += 2) {
		struct world *w = world_new(IMAPD_FULL);

		w->conf.connections = i;
		world_do(w, SIX "disk add Work x S\n");
		imapd_add_rule(w->d, "SELECT *Work*", IMAPD_CUT, NULL);
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		assert_int_equal(w->told.result.pulled.new, 7);
		world_is(w, "items", buf_str(&w->told.items), "Work: " LOST
		    "it is looked at; the folder is left out\n");
		imapd_count(w->d);
		assert_int_equal(world_sync(w, &(struct sync_options){
		    .full = true }, NULL), 0);
		world_is(w, "told", buf_str(&w->told.ops),
		    "pull Work g\npush Work x\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* One after the other is lost, each after so many commands: that is nobody's
 * fault, and goes on with each. */
static void
after_a_while(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct world *w = world_new(IMAPD_FULL);

		snprintf(world_way, sizeof(world_way), "way %u: ", i);
		world_do(w, SIX "server add A i S\nserver add B j S\n"
		    "server add C k S\nserver add D l S\nserver add E m S\n");
		w->d->commands_most = 10 + i / 2 * 2;
		w->d->says_bye = i / 2 == 0;
		w->conf.connections = i % 2 == 0 ? 1 : 3;
		world_sync_well(w);
		assert_true(w->d->logins > 1);
		world_do(w, "disk flag INBOX a FS\ndisk remove INBOX b\n"
		    "disk add Work x S\nserver remove A i\n"
		    "server add B y S\ndisk flag C k FS\n");
		/* An APPEND that was lost is not repeated by that run. */
		if (world_sync(w, NULL, NULL) != 0)
			world_sync_well(w);

		world_is_idle(w, 0);
		world_free(w);
	}
	world_way[0] = '\0';
}

/* It stalls once. */
static void
once(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, SIX);
	imapd_add_rule(w->d, "UID FETCH *BODY*", IMAPD_CUT, NULL)->times = 1;
	world_sync_well(w);
	world_is_idle(w, 0);
	world_free(w);
}

/* The network is gone: that proves nothing. */
static void
gone_for_good(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, SIX);
	for (unsigned i = 0; i < 3; i++) {
		imapd_count(w->d);
		imapd_add_rule(w->d, "UID FETCH *BODY*", IMAPD_CUT, NULL);
		w->d->cut_all = true;
		assert_int_equal(world_sync(w, NULL, NULL), 75);
		world_is(w, "items", buf_str(&w->told.items), "");
	}
	imapd_count(w->d);
	w->d->cut_all = w->d->down = false;
	world_sync_well(w);
	world_is_idle(w, 0);
	world_free(w);
}

/* --- uploads --- */

static const char *
cuts_at_c(struct imapd *d, struct imapd_box *b, const char *data, size_t n)
{
	(void)d;
	(void)b;
	return memmem(data, n, "c@flow", 6) != NULL ? "cut" : NULL;
}

static void
an_upload(void **state)
{
	const char *const caps[] = { IMAPD_FULL, IMAPD_PLAIN, IMAPD_CONDSTORE };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		struct world *w = world_new(caps[i]);

		snprintf(world_way, sizeof(world_way), "%s: ", caps[i]);
		world_do(w, "server add INBOX o S\nserver make Zzz\n");
		world_sync_well(w);
		world_do(w, "disk add INBOX a S\ndisk add INBOX b S\n"
		    "disk add INBOX c S\ndisk add INBOX d S\n"
		    "disk add INBOX e S\ndisk add Zzz z S\n");
		w->d->refuse = cuts_at_c;
		world_sync(w, NULL, NULL);
		world_sync(w, NULL, NULL);
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		assert_non_null(strstr(buf_str(&w->told.items),
		    "was not pushed: " LOST "it is sent"));
		world_is(w, "the server", world_server(w),
		    "INBOX: a(S) b(S) d(S) e(S) o(S)\nZzz: z(S)\n");
		w->d->refuse = NULL;
		assert_int_equal(world_sync(w, &(struct sync_options){
		    .full = true }, NULL), 0);
		world_is_in_sync(w, "INBOX: a(S) b(S) c(S) d(S) e(S) o(S)\n"
		    "Zzz: z(S)\n");
		world_free(w);
	}
	world_way[0] = '\0';
}

static const char *
keeps_c_and_cuts(struct imapd *d, struct imapd_box *b, const char *data,
    size_t n)
{
	return cuts_at_c(d, b, data, n) != NULL ? "cut behind" : NULL;
}

/* Stored each time, and never said so: it is there once. */
static void
an_upload_that_is_kept(void **state)
{
	const char *const caps[] = { IMAPD_FULL, IMAPD_PLAIN, IMAPD_CONDSTORE };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		struct world *w = world_new(caps[i]);

		snprintf(world_way, sizeof(world_way), "%s: ", caps[i]);
		world_do(w, "server add INBOX o S\nserver make Zzz\n");
		world_sync_well(w);
		world_do(w, "disk add INBOX a S\ndisk add INBOX b S\n"
		    "disk add INBOX c S\ndisk add INBOX d S\n"
		    "disk add Zzz z S\n");
		w->d->refuse = keeps_c_and_cuts;
		for (unsigned k = 0; k < 3; k++)
			world_sync(w, NULL, NULL);
		world_is(w, "the server", world_server(w),
		    "INBOX: a(S) b(S) c(S) d(S) o(S)\nZzz: z(S)\n");
		world_is(w, "the disk", world_disk(w),
		    "INBOX: a(S) b(S) c(S) d(S) o(S)\nZzz: z(S)\n");
		world_is_idle(w, 0);
		world_free(w);
	}
	world_way[0] = '\0';
}

/* A folder that has another name now, or is gone: it costs the connection when
 * that is looked into, and nothing else waits for it. */
static void
a_folder_that_moved(void **state)
{
	static const struct {
		const char *change, *rule;	/* NULL: its message kills */
	} cases[] = {
		{ "server rename Work Werk\n", "EXAMINE*Werk*" },
		{ "server rename Work Werk\n", NULL },
		{ "server delete Work\n", "STATUS*Work*" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world *w = world_new(IMAPD_FULL);

		snprintf(world_way, sizeof(world_way), "way %zu: ", i);
		world_do(w, "server add INBOX a S\nserver add Work g S\n");
		world_sync_well(w);
		world_do(w, cases[i].change);
		world_do(w, "server add INBOX b S\n");
		if (cases[i].rule != NULL)
			imapd_add_rule(w->d, cases[i].rule, IMAPD_CUT, "");
		else
			world_message(w, "Werk", "g")->lie = IMAPD_KILLS_ALL;
		for (int k = 0; k < 4; k++)
			world_sync(w, NULL, NULL);
		assert_int_equal(w->told.result.exit, 1);
		assert_non_null(strstr(world_disk(w), "INBOX: a(S) b(S)"));
		world_free(w);
	}
	world_way[0] = '\0';
}

/* A name that differs in its case only is asked for: as it can't be, it counts
 * as one of its own. */
static void
a_twin_in_name(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, "server add INBOX a S\nserver add Work g S\n");
	world_sync_well(w);
	world_do(w, "disk make work\nserver add INBOX b S\n");
	imapd_add_rule(w->d, "STATUS*work*", IMAPD_CUT, "");
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a(S) b(S)\nWork: g(S)\nwork:\n");
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body),
		cmocka_unit_test(two_of_many),
		cmocka_unit_test(in_two_folders),
		cmocka_unit_test(every_second_time),
		cmocka_unit_test(refused_with_bad),
		cmocka_unit_test(not_listed),
		cmocka_unit_test(not_listed_in_a_merge),
		cmocka_unit_test(a_folder),
		cmocka_unit_test(a_new_folder),
		cmocka_unit_test(a_store),
		cmocka_unit_test(after_a_while),
		cmocka_unit_test(once),
		cmocka_unit_test(gone_for_good),
		cmocka_unit_test(an_upload),
		cmocka_unit_test(an_upload_that_is_kept),
		cmocka_unit_test(a_folder_that_moved),
		cmocka_unit_test(a_twin_in_name),
	};

	return FLOW_MAIN(tests);
}
