/*
 * Servers that are slow, busy, full, or at their end: whatever one folder, one
 * connection or one answer does, all else goes on, and the next run does what
 * is open, once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define THREE \
	"server add INBOX a S\nserver add INBOX b~3000 S\n" \
	"server add Work c S\nserver add Work d S\nserver add Zzz e S\n"
#define NEWS \
	"server add INBOX f S\nserver add Work g S\ndisk add Work h S\n" \
	"disk flag Work c FS\ndisk remove Work d\ndisk add Zzz i S\n" \
	"server remove Zzz e\n"
#define AFTER \
	"INBOX: a(S) b~3000(S) f(S)\nWork: c(FS) g(S) h(S)\nZzz: i(S)\n"

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

static void
heal(struct world *w)
{
	imapd_count(w->d);
	if (world_sync(w, &(struct sync_options){ .full = true }, NULL) != 0)
		world_sync_well(w);
	world_is_in_sync(w, AFTER);
	world_is_idle(w, 0);
	world_free(w);
}

static const struct {
	const char *command;
	enum imapd_action action;
	const char *text;
	int exit;
	const char *item;	/* by the third run */
} busy[] = {
	{ "SELECT *Work*", IMAPD_NO, "[INUSE] locked", 1, "Work: 127" },
	{ "SELECT *Work*", IMAPD_NO, "[UNAVAILABLE] later", 1, "Work: 127" },
	{ "SELECT *Work*", IMAPD_NO, "no", 1, "Work: 127" },
	{ "SELECT *Work*", IMAPD_BAD, "what", 1, "Work: 127" },
	{ "SELECT *Work*", IMAPD_NO, "Request is throttled", 1, "Work: the" },
	{ "SELECT *Work*", IMAPD_CUT_BEHIND, NULL, 1, "Work: the" },
	{ "SELECT *Work*", IMAPD_SILENT, NULL, 1, "Work: the" },
	{ "APPEND *Work*", IMAPD_NO, "[INUSE] locked", 1, "Work: 1 message" },
	{ "APPEND *Work*", IMAPD_NO, "[UNAVAILABLE] later", 1,
	    "Work: 1 message" },
	{ "UID STORE *Flagged*", IMAPD_NO, "[INUSE] locked", 1,
	    "Work: flags of 1" },
	{ "UID EXPUNGE *", IMAPD_NO, "[UNAVAILABLE] later", 1,
	    "Work: the server refused" },
	{ "STATUS *Work*", IMAPD_NO, "[INUSE] locked", 0, NULL },
	{ "LOGOUT*", IMAPD_SILENT, NULL, 0, NULL },
	{ "LOGOUT*", IMAPD_BAD, "what", 0, NULL },
};

static void
one_folder(void **state)
{
	static const char *const caps[] = { IMAPD_FULL, IMAPD_CONDSTORE };

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(busy); i++) {
		struct world *w = world_before(caps[i % 2]);

		snprintf(world_way, sizeof(world_way), "%s %s, %zu: ",
		    busy[i / 2].command, busy[i / 2].text, i % 2);
		imapd_add_rule(w->d, busy[i / 2].command, busy[i / 2].action,
		    busy[i / 2].text);
		for (int k = 0; k < 3; k++)
			assert_int_equal(world_sync(w, NULL, NULL),
			    busy[i / 2].exit);
		if (busy[i / 2].item != NULL)
			assert_non_null(strstr(buf_str(&w->told.items),
			    busy[i / 2].item));
		assert_non_null(strstr(world_disk(w), "INBOX: a(S) b~3000(S) "
		    "f(S)\n"));
		assert_non_null(strstr(world_server(w), "Zzz: i(S)\n"));
		heal(w);
	}
	world_way[0] = '\0';
}

/* So many commands a connection, so many octets. */
static void
short_lines(void **state)
{
	static const char *const caps[] = { IMAPD_FULL, IMAPD_PLAIN };

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		struct world *w = world_before(caps[i % 2]);

		snprintf(world_way, sizeof(world_way), "short %u: ", i);
		if (i < 20)
			w->d->commands_most = 2 + i / 2;
		else
			w->d->octets_most = 300u * (i / 2 - 9);
		for (int k = 0; k < 4; k++) {
			w->d->logins = 0;
			world_sync(w, NULL, NULL);
		}
		/* It does not go on for ever, and what is open is named. */
		assert_true(w->d->logins < 25);
		if (w->d->commands_most > 4)
			assert_int_not_equal(w->told.result.exit, 75);
		w->d->commands_most = w->d->octets_most = 0;
		heal(w);
	}
	world_way[0] = '\0';
}

/* One connection is all there is. */
static void
a_limit(void **state)
{
	struct world *w = world_before(IMAPD_FULL);

	(void)state;
	w->d->connections_most = 1;
	w->conf.connections = 4;
	world_sync_well(w);
	world_is_in_sync(w, AFTER);
	heal(w);
}

/* Nobody gets in. */
static void
no_greeting(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct world *w = world_before(IMAPD_FULL);

		w->d->greets = i == 0 ? "" : i == 1 ? "* BYE too busy" :
		    "* BYE [UNAVAILABLE] too busy";
		for (int k = 0; k < 2; k++) {
			assert_int_equal(world_sync(w, NULL, NULL), 75);
			world_is(w, "items", buf_str(&w->told.items), "");
		}
		w->d->greets = NULL;
		heal(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_folder),
		cmocka_unit_test(short_lines),
		cmocka_unit_test(a_limit),
		cmocka_unit_test(no_greeting),
	};

	return FLOW_MAIN(tests);
}
