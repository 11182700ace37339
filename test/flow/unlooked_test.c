/*
 * What was not looked at waits (design section 3): a look that was refused, or
 * that failed, says nothing about what is there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow.h"

#define THREE \
	"server add INBOX a S\nserver add INBOX b~9000 S\nserver add INBOX c^\n"
#define FILES "disk add INBOX a S\ndisk add INBOX b~9000 S\ndisk add INBOX c^\n"
#define ALL "INBOX: a(S) b~9000(S) c^\n"
#define WAY_OUT "If they are others, run sync --adopt\n"
#define WAIT \
	"INBOX: 3 files were not pushed: the server did not give 3 of its " \
	"messages, which may be the same. " WAY_OUT \
	"INBOX: 3 messages not pulled: 127.0.0.1 refused UID FETCH: later\n"

static void
refuses(struct world *w)
{
	imapd_add_rule(w->d, "UID FETCH *BODY*", IMAPD_NO, "later");
}

/* Whatever made both sides unknown to each other. */
static const char *const unknown[] = {
	THREE FILES,		/* a Maildir that was there */
	"index lose\n",
	"server renumber INBOX\n",
};

static void
refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		struct world *w = world_new(IMAPD_FULL);

		if (i > 0) {
			world_do(w, THREE FILES);
			world_sync_well(w);
		}
		world_do(w, unknown[i]);
		refuses(w);
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_is(w, "told", buf_str(&w->told.ops), "");
		world_is(w, "items", buf_str(&w->told.items), WAIT);
		world_is(w, "the server", world_server(w), ALL);
		world_is(w, "the disk", world_disk(w), ALL);
		imapd_count(w->d);
		world_sync_well(w);
		world_is(w, "told", buf_str(&w->told.ops), "");
		world_is_in_sync(w, ALL);
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* The size tells that it is none of them. */
static void
of_another_size(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, THREE "disk add INBOX d~30000 S\ndisk add INBOX a S\n");
	refuses(w);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "told", buf_str(&w->told.ops), "push INBOX d~30000\n");
	imapd_count(w->d);
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a(S) b~9000(S) c^ d~30000(S)\n");
	world_free(w);
}

/* Where sizes are estimates, nothing tells. */
static void
of_no_known_size(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	w->d->sizes = IMAPD_SIZE_NONE;
	world_do(w, THREE "disk add INBOX d~30000 S\n");
	refuses(w);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "told", buf_str(&w->told.ops), "");
	imapd_count(w->d);
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a(S) b~9000(S) c^ d~30000(S)\n");
	world_free(w);
}

/* That they are is learned from what came, and kept. */
static void
of_an_estimated_size(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	w->d->sizes = IMAPD_SIZE_MORE;
	world_do(w, THREE);
	world_sync_well(w);
	world_do(w, "server add INBOX e S\ndisk add INBOX d~30000 S\n");
	refuses(w);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "told", buf_str(&w->told.ops), "");
	imapd_count(w->d);
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a(S) b~9000(S) c^ d~30000(S) e(S)\n");
	world_free(w);
}

/*
 * One that can't be had for good: once the folder had no file to tell apart
 * from it, a new file is none of it, whatever its size.
 */
static void
known_before(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	w->d->sizes = IMAPD_SIZE_NONE;
	world_do(w, "server add INBOX a S\nserver add INBOX b S\n");
	world_message(w, "INBOX", "b")->lie = IMAPD_NIL;
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_do(w, "disk add INBOX d S\n");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "told", buf_str(&w->told.ops), "push INBOX d\n");
	/* One more, which may be what was delivered here, too. */
	world_do(w, "server add INBOX e S\ndisk add INBOX e S\n");
	world_message(w, "INBOX", "e")->lie = IMAPD_NIL;
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "told", buf_str(&w->told.ops), "");
	world_free(w);
}

static void
let_go(void **state)
{
	const struct sync_options adopt = { .adopt = true };
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, "server add INBOX a S\ndisk add INBOX a S\n"
	    "disk add INBOX d S\n");
	refuses(w);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "told", buf_str(&w->told.ops), "");
	assert_int_equal(world_sync(w, &adopt, NULL), 1);
	world_is(w, "told", buf_str(&w->told.ops),
	    "push INBOX a\npush INBOX d\n");
	world_free(w);
}

/* An item that is ignored is settled: they are others. */
static void
let_go_by_ignoring(void **state)
{
	struct world *w = world_new(IMAPD_FULL);
	struct err err;

	(void)state;
	world_do(w, "server add INBOX a S\ndisk add INBOX a S\n"
	    "disk add INBOX d S\n");
	refuses(w);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_is(w, "told", buf_str(&w->told.ops), "");
	}
	for (int64_t id = 1; id < 10; id++) {
		struct sync_ignored item = { .id = id };

		assert_int_equal(sync_ignore(&w->conf, w->state, &item, &err),
		    0);
	}
	world_sync(w, NULL, NULL);
	world_is(w, "told", buf_str(&w->told.ops),
	    "push INBOX a\npush INBOX d\n");
	imapd_count(w->d);
	world_sync(w, &(struct sync_options){ .full = true }, NULL);
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a(S) a(S) d(S)\n");
	world_is_idle(w, 0);
	world_free(w);
}

/* --- files that can't be read --- */

static void
readable(struct world *w, const char *token, mode_t mode)
{
	char *file = world_file(w, "INBOX", token);

	assert_int_equal(chmod(file, mode), 0);
	free(file);
}

/* The mirror: nothing is delivered that could be one of them. */
static void
unreadable(void **state)
{
	struct world *w;

	(void)state;
	if (geteuid() == 0 && seteuid(65534) == -1)	/* root reads it all */
		skip();
	w = world_new(IMAPD_FULL);
	world_do(w, THREE);
	world_sync_well(w);
	readable(w, "a", 0);
	/* More than one batch: each that waits is counted once. */
	world_do(w, "index lose\nserver add INBOX e~8500000 S\n"
	    "server add INBOX f~8500000 S\nserver add INBOX g S\n");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "told", buf_str(&w->told.ops),
	    "pull INBOX e~8500000\npull INBOX f~8500000\n");
	assert_non_null(strstr(buf_str(&w->told.items), "INBOX: 2 messages "
	    "were not pulled: 1 file can't be read and may be the same. "
	    WAY_OUT));
	readable(w, "a", 0600);
	world_sync_well(w);
	world_is(w, "told", buf_str(&w->told.ops), "pull INBOX g\n");
	world_is_in_sync(w, "INBOX: a(S) b~9000(S) c^ e~8500000(S) "
	    "f~8500000(S) g(S)\n");
	world_free(w);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
}

/* It was moved to where nobody can read it: the server's copy stays. */
static void
moved_and_unreadable(void **state)
{
	struct world *w;
	char *file;

	(void)state;
	if (geteuid() == 0 && seteuid(65534) == -1)
		skip();
	w = world_new(IMAPD_FULL);
	world_do(w, THREE "server make Work\n");
	world_sync_well(w);
	world_do(w, "disk move INBOX a Work\ndisk remove INBOX b~9000\n");
	file = world_file(w, "Work", "a");
	assert_int_equal(chmod(file, 0), 0);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "told", buf_str(&w->told.ops),
	    "remove-remote INBOX b~9000\n");
	assert_int_equal(chmod(file, 0600), 0);
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: c^\nWork: a(S)\n");
	free(file);
	world_free(w);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
}

/* --- what was not even listed --- */

#define UNLISTED(n) "INBOX: " n " not pushed: the server does not list all " \
	"its messages, which may be the same. " WAY_OUT
#define NO_SUM(says, lists) "INBOX: the server says it has " says " messages " \
	"but lists " lists "; nothing is removed there until that adds up\n"

/* A word that there is nothing is no list. */
static void
said_to_be_empty(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		struct world *w = world_new(IMAPD_FULL);

		if (i > 0) {
			world_do(w, THREE FILES);
			world_sync_well(w);
		}
		world_do(w, unknown[i]);
		w->d->says_empty = true;
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_is(w, "told", buf_str(&w->told.ops), "");
		world_is(w, "items", buf_str(&w->told.items),
		    NO_SUM("0", "3"));
		world_is(w, "the server", world_server(w), ALL);
		w->d->says_empty = false;
		world_sync_well(w);
		world_is(w, "told", buf_str(&w->told.ops), "");
		world_is_in_sync(w, ALL);
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* Nothing is known to be gone, either. */
static void
said_to_be_emptied(void **state)
{
	static const char *const caps[] = {
		IMAPD_FULL, IMAPD_CONDSTORE, IMAPD_PLAIN,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		struct world *w = world_new(caps[i]);

		world_do(w, THREE FILES);
		world_sync_well(w);
		w->d->says_empty = true;
		world_do(w, "server add INBOX d\ndisk add INBOX e\n");
		world_sync(w, NULL, NULL);
		w->d->says_empty = false;
		world_sync(w, NULL, NULL);
		world_sync_well(w);
		world_is_in_sync(w, "INBOX: a(S) b~9000(S) c^ d e\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* One that no look shows may be the file that has none; what comes later is
 * none of it. */
static void
not_listed(void **state)
{
	const struct sync_options all = { .full = true };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		struct world *w = world_new(IMAPD_FULL);

		if (i > 0) {
			world_do(w, THREE FILES);
			world_sync_well(w);
		}
		world_do(w, unknown[i]);
		w->d->lists_not = 2;
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_is(w, "told", buf_str(&w->told.ops), "");
		world_is(w, "items", buf_str(&w->told.items),
		    UNLISTED("1 file was") NO_SUM("3", "2"));
		world_do(w, "disk add INBOX d S\n");
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_is(w, "told", buf_str(&w->told.ops), "push INBOX d\n");
		w->d->lists_not = 0;
		assert_int_equal(world_sync(w, &all, NULL), 0);
		world_is_in_sync(w, "INBOX: a(S) b~9000(S) c^ d(S)\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(of_another_size),
		cmocka_unit_test(of_no_known_size),
		cmocka_unit_test(of_an_estimated_size),
		cmocka_unit_test(known_before),
		cmocka_unit_test(let_go),
		cmocka_unit_test(let_go_by_ignoring),
		cmocka_unit_test(unreadable),
		cmocka_unit_test(moved_and_unreadable),
		cmocka_unit_test(said_to_be_empty),
		cmocka_unit_test(said_to_be_emptied),
		cmocka_unit_test(not_listed),
	};

	return FLOW_MAIN(tests);
}
