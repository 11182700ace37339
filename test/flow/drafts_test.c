/*
 * Drafts that are edited in place (design section 4, rule 9): in the end there
 * is one of each, with the bytes that the user wrote last.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

static struct world *
world_with_draft(const char *caps)
{
	struct world *w = world_new(caps);

	world_do(w, "disk add INBOX x S\ndisk add INBOX a DS\n");
	assert_int_equal(world_sync(w, NULL, NULL), 0);
	world_is_idle(w, 0);
	return w;
}

/* Runs until nothing is left to do. */
static void
settle(struct world *w)
{
	for (int i = 0; i < 4; i++)
		(void)world_sync(w, NULL, NULL);
	world_is_idle(w, 0);
}

static void
edited_once(void **state)
{
	static const char *const caps[] = { IMAPD_FULL, IMAPD_PLAIN,
	    IMAPD_CONDSTORE };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		struct world *w = world_with_draft(caps[i]);

		world_do(w, "disk edit INBOX a b\n");
		/* It may be written still. */
		assert_int_equal(world_sync(w, NULL, NULL), 75);
		world_is(w, "told", buf_str(&w->told.ops), "");
		settle(w);
		world_is(w, "the server", world_server(w),
		    "INBOX: b(DS) x(S)\n");
		world_is(w, "the attic", world_attic(w), "attic: a\n");
		world_free(w);
	}
}

static void
edited_each_time(void **state)
{
	static const char *const edits[] = {
		"disk edit INBOX a b\n", "disk edit INBOX b c\n",
		"disk edit INBOX c d\n", "disk edit INBOX d e\n",
	};
	struct world *w = world_with_draft(IMAPD_FULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(edits); i++) {
		world_do(w, edits[i]);
		assert_int_equal(world_sync(w, NULL, NULL),
		    75);
	}
	settle(w);
	world_is(w, "the server", world_server(w), "INBOX: e(DS) x(S)\n");
	world_is(w, "the disk", world_disk(w), "INBOX: e(DS) x(S)\n");
	world_free(w);
}

/* The server takes the new one no more: the old one stays. */
static void
not_taken(void **state)
{
	struct world *w = world_with_draft(IMAPD_FULL);

	(void)state;
	world_do(w, "disk edit INBOX a b\n");
	imapd_add_rule(w->d, "APPEND *", IMAPD_NO, "too late");
	for (int i = 0; i < 3; i++)
		(void)world_sync(w, NULL, NULL);
	world_is(w, "the server", world_server(w), "INBOX: a(DS) x(S)\n");
	imapd_count(w->d);
	(void)world_sync(w, &(struct sync_options){ .full = true }, NULL);
	settle(w);
	world_is(w, "the server", world_server(w), "INBOX: b(DS) x(S)\n");
	world_free(w);
}

/* What is no draft is a message of its own. */
static void
no_draft(void **state)
{
	struct world *w = world_with_draft(IMAPD_FULL);

	(void)state;
	world_do(w, "disk edit INBOX x y\n");
	settle(w);
	world_is(w, "the server", world_server(w),
	    "INBOX: a(DS) x(S) y(S)\n");
	world_free(w);
}

/* Deleted before it went: then both are. Or the phone deleted the old one. */
static void
deleted(void **state)
{
	static const struct {
		const char *change, *wanted;
	} cases[] = {
		{ "disk remove INBOX b\n", "INBOX: x(S)\n" },
		{ "server remove INBOX a\n", "INBOX: b(DS) x(S)\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world *w = world_with_draft(IMAPD_FULL);

		world_do(w, "disk edit INBOX a b\n");
		assert_int_equal(world_sync(w, NULL, NULL), 75);
		world_do(w, cases[i].change);
		settle(w);
		world_is(w, "the server", world_server(w), cases[i].wanted);
		world_free(w);
	}
}

/* The marker's name tells whether a run has changed anything. */
static char *
marker(struct world *w)
{
	char *pattern = xasprintf("%s/.mailtern/*.*", w->root), *name;
	glob_t g = { 0 };

	assert_int_equal(glob(pattern, 0, NULL, &g), 0);
	name = xstrdup(g.gl_pathv[0]);
	globfree(&g);
	free(pattern);
	return name;
}

/* Its folder goes while a draft is on its way: nothing is left of that. */
static void
folder_goes(void **state)
{
	struct world *w = world_new(IMAPD_FULL);
	char *before, *after;

	(void)state;
	world_do(w, "server add INBOX x S\nserver add Drafts a DS\n");
	world_sync_well(w);
	world_do(w, "disk edit Drafts a c\n");
	world_sync(w, NULL, NULL);
	imapd_add_rule(w->d, "APPEND *", IMAPD_NO, "too late");
	world_sync(w, NULL, NULL);
	imapd_count(w->d);
	world_do(w, "disk delete Drafts\n");
	settle(w);
	before = marker(w);
	world_is_idle(w, 0);
	after = marker(w);
	assert_string_equal(before, after);
	free(before);
	free(after);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edited_once),
		cmocka_unit_test(edited_each_time),
		cmocka_unit_test(not_taken),
		cmocka_unit_test(no_draft),
		cmocka_unit_test(deleted),
		cmocka_unit_test(folder_goes),
	};

	return FLOW_MAIN(tests);
}
