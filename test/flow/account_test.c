/*
 * An account that is kept open from run to run: connection, index, Maildir and
 * lock stay, and what happened in between, whatever it was, is seen.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow.h"
#include "loop/task.h"
#include "core/run.h"

#define BEFORE \
	"server add INBOX a S\n" \
	"server add INBOX b\n" \
	"server add Work c F\n"
#define BEFORE_OPS \
	"make-local INBOX\nmake-local Work\npull INBOX a\npull INBOX b\n" \
	"pull Work c\n"
#define BEFORE_BOTH "INBOX: a(S) b\nWork: c(F)\n"

static const struct act first = {
	.what = "the first run", .change = BEFORE, .ops = BEFORE_OPS,
	.both = BEFORE_BOTH, .notes = "", .items = "", .logins = 1,
};

/* --- three runs over one connection --- */

static void
costs_something(struct world *w)
{
	const struct sync_result *r = &w->told.result;

	if (r->round_trips == 0 || r->bytes_in == 0 || r->bytes_out == 0)
		fail_msg("%llu round trips, %llu in, %llu out",
		    (unsigned long long)r->round_trips,
		    (unsigned long long)r->bytes_in,
		    (unsigned long long)r->bytes_out);
}

/* Nothing changed: one exchange, and no folder is opened. */
static void
asks_for_the_list_only(struct world *w)
{
	world_is(w, "the log", buf_str(&w->d->log), "LIST \"\" \"*\" RETURN "
	    "(SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY "
	    "HIGHESTMODSEQ))\n");
	assert_int_equal(w->told.result.round_trips, 1);
	costs_something(w);
}

static void
three_runs(void **state)
{
	static const char *const caps[] = {
		IMAPD_FULL, IMAPD_CONDSTORE, IMAPD_PLAIN,
	};
	const struct act acts[] = {
		first,
		{ .what = "changes on both sides", .change =
		    "server add INBOX d\nserver remove INBOX a\n"
		    "server flag Work c\ndisk flag INBOX b S\n"
		    "disk add Work e F\ndisk add Fresh f S\n",
		    .ops = "flag-local Work c -\\Flagged\n"
		    "flag-remote INBOX b +\\Seen\nmake-remote Fresh\n"
		    "pull INBOX d\npush Fresh f\npush Work e\n"
		    "remove-local INBOX a\n",
		    .both = "Fresh: f(S)\nINBOX: b(S) d\nWork: c e(F)\n",
		    .notes = "", .items = "", .after = costs_something },
		{ .what = "back again", .change =
		    "server flag INBOX b\nserver delete Fresh\n"
		    "disk remove Work c\ndisk move INBOX d Work\n",
		    .both = "INBOX: b\nWork: d e(F)\n", .notes = "",
		    .items = "", .after = costs_something },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		struct world *w = world_new(caps[i]);

		world_session(w, NULL, acts, ARRAY_SIZE(acts));
		world_is_idle(w, 0);
		world_free(w);
	}
}

static void
nothing_to_do(void **state)
{
	const struct act acts[] = {
		first,
		{ .what = "nothing", .ops = "", .both = BEFORE_BOTH,
		    .after = asks_for_the_list_only },
		{ .what = "again nothing", .ops = "", .both = BEFORE_BOTH,
		    .after = asks_for_the_list_only },
		{ .what = "something", .change = "server add INBOX d\n",
		    .ops = "pull INBOX d\n",
		    .both = "INBOX: a(S) b d\nWork: c(F)\n" },
		{ .what = "nothing more", .ops = "",
		    .after = asks_for_the_list_only },
	};
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_session(w, NULL, acts, ARRAY_SIZE(acts));
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_runs),
		cmocka_unit_test(nothing_to_do),
	};

	return FLOW_MAIN(tests);
}
