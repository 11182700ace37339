/*
 * Messages whose removal kills the connection: the others go, these are named
 * one by one, and no more than that is done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define NOT_REMOVED(uid) "INBOX: message with UID " uid " was not removed: " \
	"the connection is lost each time that is asked for\n"
#define NO_MOVE "IMAP4rev1 LITERAL+ ENABLE CONDSTORE QRESYNC UIDPLUS ESEARCH " \
	"LIST-EXTENDED LIST-STATUS SPECIAL-USE NAMESPACE ID"
#define NO_UIDPLUS "IMAP4rev1 LITERAL+ ENABLE CONDSTORE QRESYNC ESEARCH " \
	"LIST-EXTENDED LIST-STATUS SPECIAL-USE NAMESPACE ID"

static const struct {
	const char *caps, *kills;
	bool trash;
} ways[] = {
	{ IMAPD_FULL, "UID STORE ", false },
	{ IMAPD_FULL, "UID EXPUNGE ", false },
	{ IMAPD_FULL, "UID MOVE ", true },
	{ IMAPD_CONDSTORE, "UID EXPUNGE ", false },
	{ NO_MOVE, "UID STORE ", true },
};

static struct world *
world_before(const char *caps, bool trash)
{
	struct world *w = world_new(caps);

	if (trash)
		w->conf.trash = xstrdup("Trash");
	world_do_many(w, "server add INBOX n", 60, " S\n");
	world_do_many(w, "server add INBOX k", 60, " S\n");
	world_do(w, "server add Work g S\nserver make Trash\n");
	world_sync_well(w);
	imapd_count(w->d);
	world_do_many(w, "disk remove INBOX n", 40, "");
	world_do(w, "disk remove Work g\nserver add Work h S\n");
	return w;
}

static bool
has(struct world *w, const char *folder, const char *token)
{
	return world_message(w, folder, token) != NULL;
}

static void
one_or_two(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4 * ARRAY_SIZE(ways); i++) {
		struct world *w = world_before(ways[i / 4].caps,
		    ways[i / 4].trash);
		bool two = i / 2 % 2 == 1;
		size_t left = imapd_find_box(w->d, "INBOX")->n - 39 + two;

		snprintf(world_way, sizeof(world_way), "way %zu: ", i);
		w->d->kills = ways[i / 4].kills;
		w->d->kills_behind = i % 2 == 1 && !two;
		w->d->killed_by[0] = 23;
		w->d->killed_by[1] = two ? 37 : 0;
		if (w->d->kills_behind) {
			/* What was done is seen. */
			world_sync(w, NULL, NULL);
			imapd_count(w->d);
			world_sync_well(w);
			world_is_idle(w, 0);
			world_free(w);
			continue;
		}
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_is(w, "items", buf_str(&w->told.items), two ?
		    NOT_REMOVED("23") NOT_REMOVED("37") : NOT_REMOVED("23"));
		assert_int_equal(imapd_find_box(w->d, "INBOX")->n, left);
		assert_true(has(w, "INBOX", "n23"));
		assert_int_equal(imapd_find_box(w->d, "Work")->n, 1);
		if (ways[i / 4].trash)
			assert_int_equal(imapd_find_box(w->d, "Trash")->n,
			    strcmp(ways[i / 4].kills, "UID MOVE ") == 0 ?
			    40 - two : 41);
		/* By the next run at once, then later. */
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		w->d->logins = 0;
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		assert_int_equal(w->d->logins, 1);
		imapd_count(w->d);
		assert_int_equal(world_sync(w, &(struct sync_options){
		    .full = true }, NULL), 0);
		assert_int_equal(imapd_find_box(w->d, "INBOX")->n, 80);
		if (ways[i / 4].trash)
			assert_int_equal(imapd_find_box(w->d, "Trash")->n,
			    41);
		world_is_idle(w, 0);
		world_free(w);
	}
	world_way[0] = '\0';
}

/* A copy that was lost is looked for by the next run, so it takes some. */
static void
a_copy(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct world *w = world_before(NO_MOVE, true);
		int runs = 0;

		w->d->kills = "UID COPY ";
		w->d->killed_by[0] = 23;
		w->d->kills_behind = i == 1;
		while (world_sync(w, NULL, NULL) != 1 || strcmp(buf_str(
		    &w->told.items), NOT_REMOVED("23")) != 0) {
			assert_true(++runs < 12);
			if (i == 1 && runs > 1 && w->told.result.exit == 0)
				break;
		}
		w->d->kills = NULL;
		world_sync(w, &(struct sync_options){ .full = true }, NULL);
		world_sync_well(w);
		assert_int_equal(imapd_find_box(w->d, "INBOX")->n, 80);
		assert_int_equal(imapd_find_box(w->d, "Trash")->n, 41);
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* Without UIDPLUS the marks of all have to be there at once. */
static void
without_uidplus(void **state)
{
	static const char *const kills[] = { "UID STORE ", "EXPUNGE" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world *w = world_before(i == 0 ? NO_UIDPLUS :
		    IMAPD_PLAIN, false);

		snprintf(world_way, sizeof(world_way), "way %zu: ", i);
		if (i == 0)
			w->d->kills = kills[i];
		else
			imapd_add_rule(w->d, kills[i], IMAPD_CUT, NULL);
		w->d->killed_by[0] = 23;
		for (int k = 0; k < 3; k++)
			world_sync(w, NULL, NULL);
		assert_int_equal(w->told.result.exit, 1);
		assert_int_equal(imapd_find_box(w->d, "Work")->n, i == 0 ?
		    1 : 2);
		imapd_count(w->d);
		world_sync(w, &(struct sync_options){ .full = true }, NULL);
		world_sync_well(w);
		assert_int_equal(imapd_find_box(w->d, "INBOX")->n, 80);
		world_is_idle(w, 0);
		world_free(w);
	}
	world_way[0] = '\0';
}

/* More of them than one run finds out: the next one goes on. */
static void
more_than_one_run(void **state)
{
	struct world *w = world_new(IMAPD_FULL);
	uint64_t before = UINT64_MAX;

	(void)state;
	world_do_many(w, "server add INBOX n", 200, " S\n");
	for (size_t i = 0; i < 200; i += 5)
		imapd_find_box(w->d, "INBOX")->msg[i]->lie = IMAPD_KILLS_ALL;
	for (int runs = 0; world_sync(w, NULL, NULL) != 1; runs++) {
		const struct imapd_box *b = imapd_find_box(w->d, "INBOX");
		uint64_t waits = b->n;

		assert_int_equal(w->told.result.exit, 75);
		assert_true(runs < 12 && waits <= before);
		before = waits;
	}
	assert_int_equal(w->told.result.held, 40);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_or_two),
		cmocka_unit_test(a_copy),
		cmocka_unit_test(without_uidplus),
		cmocka_unit_test(more_than_one_run),
	};

	return FLOW_MAIN(tests);
}
