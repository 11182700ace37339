/*
 * Servers with a way of their own to give UIDVALIDITY: what it tells of a
 * folder is less than it should be (design section 5, "Epochs").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

static const char *const kinds[] = {
	IMAPD_FULL, IMAPD_CONDSTORE, IMAPD_PLAIN,
};

#define ANEW(name) \
	name ": the server numbers its messages anew (UIDVALIDITY); both " \
	"sides are merged, nothing is deleted\n"

/* --- another one for an empty folder, each time --- */

/* Nothing is known of it that could be wrong: there is nothing to merge, and
 * what was deleted elsewhere need not wait for that. */
static void
empty_and_numbered_anew(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct world *w = world_new(kinds[i]);

		w->d->empty_anew = true;
		world_do(w, "server make Empty\nserver add Work a S\n"
		    "server add Work b\nserver add Work c\n");
		world_sync_well(w);
		world_do(w, "disk remove Work a\nserver remove Work b\n");
		world_sync_well(w);
		world_is(w, "the notes", buf_str(&w->told.notes), "");
		world_is_in_sync(w, "Empty:\nINBOX:\nWork: c\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* One that has become empty, and one that gets its first. */
static void
emptied_and_filled(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct world *w = world_new(kinds[i]);

		w->d->empty_anew = true;
		world_do(w, "server add INBOX a S\nserver add Work b\n");
		world_sync_well(w);
		world_do(w, "disk remove INBOX a\n");
		world_sync_well(w);
		world_sync_well(w);
		world_is(w, "the notes", buf_str(&w->told.notes), "");
		world_do(w, "disk add INBOX c S\ndisk remove Work b\n"
		    "disk add Work d\n");
		world_sync_well(w);
		world_is(w, "the notes", buf_str(&w->told.notes), "");
		world_is_in_sync(w, "INBOX: c(S)\nWork: d\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* What the server lost together with its number is no deletion. */
static void
emptied_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct world *w = world_new(kinds[i]);

		w->d->empty_anew = true;
		world_do(w, "server add INBOX a S\nserver add Work b\n"
		    "server add Work c\n");
		world_sync_well(w);
		world_do(w, "server remove INBOX a\ndisk remove Work b\n");
		world_sync(w, NULL, NULL);
		world_is(w, "the notes", buf_str(&w->told.notes),
		    ANEW("INBOX"));
		world_sync_well(w);
		world_is_in_sync(w, "INBOX: a(S)\nWork: c\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* --- and what goes with that --- */

/* imap4d again: what it is sent for a folder that somebody has open may go with
 * the UIDVALIDITY. Nobody has it open then. */
static void
appends_to_a_closed_folder(void **state)
{
	struct world *w = world_new(IMAPD_PLAIN " UNSELECT AUTH=OPENID20");

	(void)state;
	w->d->append = IMAPD_APPEND_CLOSED;
	w->d->appends_lies = UINT32_MAX;
	world_do(w, "server add INBOX a S\nserver add Work b\n"
	    "server add Home c\n");
	world_sync_well(w);
	world_do(w, "disk add INBOX d S\ndisk add Work e\ndisk add Home f\n"
	    "disk add Home g F\nserver flag INBOX a SF\n");
	world_sync_well(w);
	world_is_in_sync(w, "Home: c f g(F)\nINBOX: a(FS) d(S)\nWork: b e\n");
	world_is_idle(w, 0);
	world_free(w);
}

/* --- names that are given to others --- */

#define MANY	40

static void
fill(struct world *w, const char *folder, const char *tokens, unsigned n)
{
	char *line = xasprintf("server add %s %s", folder, tokens);

	world_do_many(w, line, n, " S");
	free(line);
}

/* Courier: RENAME gives a new UIDVALIDITY. And servers that have one for all,
 * on which a name alone tells nothing. */
static struct world *
renaming_world(unsigned i)
{
	struct world *w = world_new(i % 2 == 0 ? IMAPD_PLAIN :
	    "IMAP4rev1 UIDPLUS ENABLE CONDSTORE");

	w->d->renames_anew = i < 2;
	w->d->one_validity = i >= 2;
	return w;
}

/* Each message is on each side once, in the folder that the server has it in,
 * and the tenth run at the latest has nothing left to do. */
static void
settles(struct world *w, unsigned messages)
{
	/* Where no number moved, nobody looks sooner than that. */
	const struct sync_options full = { .full = true };
	char *server = xstrdup(world_server(w));
	const char *p;
	unsigned n = 0;

	for (p = server; (p = strchr(p, '(')) != NULL; p++)
		n++;
	assert_int_equal(n, messages);
	for (int k = 0; k < 3; k++)
		world_sync(w, &full, NULL);
	world_is_in_sync(w, server);
	world_is_idle(w, 0);
	free(server);
}

static void
renamed_and_made_anew(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct world *w = renaming_world(i);

		fill(w, "Projects", "p", MANY);
		fill(w, "INBOX", "i", 3);
		world_sync_well(w);
		world_do(w, "server rename Projects Archive\n"
		    "server make Projects\nserver add Projects new S\n"
		    "server add Archive late S\n");
		settles(w, MANY + 5);
		world_free(w);
	}
}

/* ... and some of it was removed there, the newest, too. */
static void
renamed_and_weeded(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct world *w = renaming_world(i);

		fill(w, "Projects", "p", 20);
		fill(w, "INBOX", "i", 3);
		world_sync_well(w);
		world_do(w, "server rename Projects Archive\n"
		    "server make Projects\n"
		    "server remove Archive p20\nserver remove Archive p18\n"
		    "server remove Archive p15\nserver remove Archive p3\n");
		for (int k = 0; k < 3; k++)
			world_sync(w, NULL, NULL);
		assert_null(strstr(world_disk(w), "Projects: p"));
		assert_null(strstr(world_server(w), "Projects: p"));
		world_is(w, "the disk", world_disk(w), world_server(w));
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* It has its name still, and another one holds the same. */
static void
numbered_anew_beside_a_copy(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct world *w = renaming_world(i);

		fill(w, "A", "a", 5);
		world_sync_well(w);
		world_do(w, "server make B\nserver renumber A\n");
		for (int k = 1; k <= 5; k++) {
			char *line = xasprintf("server copy A a%d B\n", k);

			world_do(w, line);
			free(line);
		}
		world_sync(w, NULL, NULL);
		world_is(w, "told", buf_str(&w->told.ops), "make-local B\n"
		    "pull B a1\npull B a2\npull B a3\npull B a4\n"
		    "pull B a5\n");
		world_sync(w, NULL, NULL);
		world_is_idle(w, 0);
		world_free(w);
	}
}

static void
swapped(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct world *w = renaming_world(i % 4);

		fill(w, "A", "a", MANY);
		fill(w, "B", "b", i < 4 ? MANY : MANY - 10);
		world_sync_well(w);
		world_do(w, "server rename A C\nserver rename B A\n"
		    "server rename C B\n");
		settles(w, i < 4 ? 2 * MANY : 2 * MANY - 10);
		world_free(w);
	}
}

/* What was deleted there is not to come back from here. */
static void
renamed_onto_a_deleted_one(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct world *w = renaming_world(i);

		fill(w, "A", "a", 30);
		fill(w, "B", "b", 20);
		fill(w, "INBOX", "i", 20);
		world_sync_well(w);
		world_do(w, "server delete B\nserver rename A B\n");
		for (int k = 0; k < 4; k++)
			world_sync(w, NULL, NULL);
		assert_null(strstr(world_server(w), "b1("));
		assert_null(strstr(world_disk(w), "b1("));
		assert_non_null(strstr(world_server(w), "B: a1(S)"));
		assert_non_null(strstr(world_disk(w), "B: a1(S)"));
		world_free(w);
	}
}

static void
turned_round(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct world *w = renaming_world(i);

		fill(w, "A", "a", 12);
		fill(w, "B", "b", 20);
		fill(w, "C", "c", 16);
		world_sync_well(w);
		world_do(w, "server rename A D\nserver rename B A\n"
		    "server rename C B\nserver rename D C\n");
		settles(w, 48);
		world_free(w);
	}
}

/* A folder that holds what another does is not that one. */
static void
copied_and_made_anew(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct world *w = renaming_world(i);

		fill(w, "A", "a", 5);
		world_do(w, "server make B\n");
		for (int k = 1; k <= 5; k++) {
			char *line = xasprintf("server copy A a%d B\n", k);

			world_do(w, line);
			free(line);
		}
		world_sync_well(w);
		world_do(w, "server delete A\nserver make A\n"
		    "server add A x S\n");
		for (int k = 0; k < 3; k++)
			world_sync(w, NULL, NULL);
		assert_non_null(strstr(world_disk(w), "B: a1(S) a2(S) a3(S) "
		    "a4(S) a5(S)\n"));
		assert_non_null(strstr(world_server(w), "B: a1(S) a2(S) a3(S) "
		    "a4(S) a5(S)\n"));
		world_is_idle(w, 0);
		world_free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_and_numbered_anew),
		cmocka_unit_test(emptied_and_filled),
		cmocka_unit_test(emptied_there),
		cmocka_unit_test(appends_to_a_closed_folder),
		cmocka_unit_test(renamed_and_made_anew),
		cmocka_unit_test(renamed_and_weeded),
		cmocka_unit_test(numbered_anew_beside_a_copy),
		cmocka_unit_test(swapped),
		cmocka_unit_test(renamed_onto_a_deleted_one),
		cmocka_unit_test(turned_round),
		cmocka_unit_test(copied_and_made_anew),
	};

	return FLOW_MAIN(tests);
}
