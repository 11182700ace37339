/*
 * An account that is kept open from run to run: connection, index, Maildir and
 * lock stay. The connection is lost, a run fails or ends in its middle.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "core/run.h"
#include "loop/task.h"

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


/* --- the first run may be any --- */

static void
dry_runs_between(void **state)
{
	const struct act acts[] = {
		{ .what = "dry before the first", .change = BEFORE,
		    .opt = { .dry_run = true }, .ops = BEFORE_OPS,
		    .logins = 1 },
		{ .what = "the first in earnest", .ops = BEFORE_OPS,
		    .both = BEFORE_BOTH },
		{ .what = "dry", .change =
		    "server add INBOX d\ndisk remove INBOX a\n",
		    .opt = { .dry_run = true },
		    .ops = "pull INBOX d\nremove-remote INBOX a\n" },
		{ .what = "dry once more", .opt = { .dry_run = true },
		    .ops = "pull INBOX d\nremove-remote INBOX a\n" },
		{ .what = "in earnest", .change = "disk add Fresh f S\n",
		    .ops = "make-remote Fresh\npull INBOX d\npush Fresh f\n"
		    "remove-remote INBOX a\n",
		    .both = "Fresh: f(S)\nINBOX: b d\nWork: c(F)\n" },
		/* That folder was agreed on. */
		{ .what = "and on", .change = "server delete Fresh\n",
		    .ops = "drop-local Fresh\nremove-local Fresh f\n",
		    .both = "INBOX: b d\nWork: c(F)\n" },
	};
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_session(w, NULL, acts, ARRAY_SIZE(acts));
	world_free(w);
}

/* --- the connection is lost in between --- */

static void
hang_up(struct world *w)
{
	imapd_hang_up(w->d);
}

static void
say_bye(struct world *w)
{
	imapd_say_bye(w->d, "you have been idle for too long");
}

static void
fall_silent(struct world *w)
{
	imapd_add_rule(w->d, "LIST *", IMAPD_SILENT, NULL)->times = 1;
}

static void
no_list(struct world *w)
{
	imapd_add_rule(w->d, "LIST *", IMAPD_NO, "[SERVERBUG] not now");
}

static void
lost_in_between(void **state)
{
	static const struct {
		void (*call)(struct world *);
		bool settle;
		int exit;
		unsigned logins;
	} ways[] = {
		{ hang_up, false, 0, 1 },	/* LIST finds it out */
		{ hang_up, true, 0, 1 },	/* it was noticed before */
		{ say_bye, false, 0, 1 }, { say_bye, true, 0, 1 },
		{ fall_silent, false, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		const struct act acts[] = {
			first,
			{ .what = "lost", .change = "server add INBOX d\n",
			    .call = ways[i].call, .settle = ways[i].settle,
			    .ops = "pull INBOX d\n",
			    .both = "INBOX: a(S) b d\nWork: c(F)\n",
			    .notes = "", .items = "", .exit = ways[i].exit,
			    .logins = ways[i].logins,
			    .after = costs_something },
			{ .what = "behind it", .change = "disk add INBOX e\n",
			    .ops = "push INBOX e\n",
			    .both = "INBOX: a(S) b d e\nWork: c(F)\n" },
		};
		struct world *w = world_new(IMAPD_FULL);

		snprintf(world_way, sizeof(world_way), "way %zu: ", i);
		world_session(w, NULL, acts, ARRAY_SIZE(acts));
		world_free(w);
	}
	world_way[0] = '\0';
}

static void
be_down(struct world *w)
{
	imapd_hang_up(w->d);
	w->d->down = true;
}

/* What can't be had is asked for again by the next run, from its beginning. */
static void
a_run_fails(void **state)
{
	static const struct {
		void (*call)(struct world *);
		unsigned logins;	/* of the next one */
	} ways[] = { { be_down, 1 }, { no_list, 1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		const struct act acts[] = {
			first,
			{ .what = "fails", .change = "server add INBOX d\n"
			    "disk add INBOX e\n", .call = ways[i].call,
			    .ops = "", .exit = i == 0 ? 75 : 1 },
			{ .what = "behind it",
			    .ops = "pull INBOX d\npush INBOX e\n",
			    .both = "INBOX: a(S) b d e\nWork: c(F)\n",
			    .notes = "", .items = "", .logins = 1 },
			/* What was pushed is looked at once more. */
			{ .what = "and on", .ops = "" },
			{ .what = "and on again", .ops = "",
			    .after = asks_for_the_list_only },
		};
		struct world *w = world_new(IMAPD_FULL);

		snprintf(world_way, sizeof(world_way), "way %zu: ", i);
		world_session(w, NULL, acts, ARRAY_SIZE(acts));
		world_free(w);
	}
	world_way[0] = '\0';
}

/* Cut anywhere in the second run, when nobody gets in any more; the third opens
 * everything anew. Before its LIST was answered the run logs in anew by itself.
 */
#define LIST_LINES 6

static unsigned cut_at;

static void
cut_there(struct world *w)
{
	w->d->cut_line = (int)cut_at + LIST_LINES;
	w->d->cut_all = true;
}

static void
was_cut(struct world *w)
{
	assert_true(w->d->was_cut);
}

static unsigned lines_of_a_change;

static void
count_lines(struct world *w)
{
	lines_of_a_change = (unsigned)w->d->lines;
}

#define CHANGE \
	"server add INBOX d\nserver flag Work c\ndisk remove INBOX a\n" \
	"disk add Work e S\n"
#define CHANGE_OPS \
	"flag-local Work c -\\Flagged\npull INBOX d\npush Work e\n" \
	"remove-remote INBOX a\n"
#define CHANGE_BOTH "INBOX: b d\nWork: c e(S)\n"

static void
a_run_is_cut(void **state)
{
	struct act acts[] = {
		first,
		{ .what = "whole", .change = CHANGE, .ops = CHANGE_OPS,
		    .both = CHANGE_BOTH, .after = count_lines },
		{ .what = "once more", .both = CHANGE_BOTH },
	};
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_session(w, NULL, acts, ARRAY_SIZE(acts));
	world_free(w);
	acts[1] = (struct act){ .what = "cut", .change = CHANGE,
	    .call = cut_there, .exit = 75, .after = was_cut };
	acts[2].logins = 1;
	acts[2].may_log_in_anew = true;
	for (unsigned i = 0; flow_point(i, lines_of_a_change - LIST_LINES,
	    &cut_at); i++) {
		w = world_new(IMAPD_FULL);
		snprintf(world_way, sizeof(world_way), "line %u: ", cut_at);
		world_session(w, NULL, acts, ARRAY_SIZE(acts));
		world_free(w);
	}
	world_way[0] = '\0';
}

/* --- it ends in the middle of the second run --- */

static unsigned begun, wanted_event;

static void
note_event(struct world *w)
{
	(void)w;
	begun = sched_events();
}

static bool
is_due(unsigned n)
{
	return begun > 0 && n == begun + wanted_event;
}

static void
close_there(void *arg, unsigned n)
{
	(void)arg;
	if (is_due(n))
		sync_close(world_account());
}

static void
cancel_there(void *arg, unsigned n)
{
	(void)arg;
	if (is_due(n))
		task_cancel(&world_account()->task);
}

static void
signal_there(void *arg, unsigned n)
{
	(void)arg;
	if (is_due(n))
		raise(SIGINT);
}

static const struct act in_the_middle[] = {
	{ .what = "the first run", .change = BEFORE, .both = BEFORE_BOTH,
	    .logins = 1 },
	{ .what = NULL, .change = CHANGE, .call = note_event },
};

/* How many events the second run takes. */
static unsigned
events_of_a_change(void)
{
	struct world *w = world_new(IMAPD_FULL);
	unsigned n;

	begun = 0;
	world_session(w, NULL, in_the_middle, ARRAY_SIZE(in_the_middle));
	n = sched_events() - begun;
	world_free(w);
	return n;
}

/* exit: of the run; then one more is clean. */
static void
end_in_the_middle(void (*before)(void *, unsigned), int exit)
{
	const struct sched_plan plan = { .before = before };
	unsigned n = events_of_a_change();

	for (unsigned i = 0; flow_point(i, n, &wanted_event); i++) {
		struct world *w = world_new(IMAPD_FULL);

		snprintf(world_way, sizeof(world_way), "event %u: ",
		    wanted_event);
		begun = 0;
		world_session(w, &plan, in_the_middle,
		    ARRAY_SIZE(in_the_middle));
		if (w->told.result.exit != 0 && w->told.result.exit != exit)
			fail_msg("%sexit %d: %s", world_way,
			    w->told.result.exit, w->told.result.err.msg);
		if (exit == 0)
			world_is(w, "what was told",
			    buf_str(&w->told.ops), CHANGE_OPS);
		world_sync_well(w);
		world_is_in_sync(w, CHANGE_BOTH);
		world_free(w);
	}
	world_way[0] = '\0';
}

/* The run comes to its end, and then all is closed. */
static void
closed_under_way(void **state)
{
	(void)state;
	end_in_the_middle(close_there, 0);
}

static void
cancelled_under_way(void **state)
{
	(void)state;
	end_in_the_middle(cancel_there, 75);
}

static void
signal_under_way(void **state)
{
	(void)state;
	end_in_the_middle(signal_there, 75);
}

/* With no run under way: the account alone ends. */
static void
send_signal(struct world *w)
{
	(void)w;
	raise(SIGINT);
}

static void
signal_in_between(void **state)
{
	const struct act acts[] = {
		first,
		{ .what = NULL, .call = send_signal, .settle = true },
	};
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_session(w, NULL, acts, ARRAY_SIZE(acts));
	world_sync_well(w);
	world_is_in_sync(w, BEFORE_BOTH);
	world_free(w);
}

static void
never_run(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_session(w, NULL, NULL, 0);
	assert_int_equal(w->d->logins, 0);
	world_free(w);
}

/* --- the secret --- */

static unsigned
times_asked(struct world *w)
{
	char *path = xasprintf("%s/asked", w->dir);
	struct stat st;
	unsigned n = stat(path, &st) == 0 ? (unsigned)st.st_size : 0;

	free(path);
	return n;
}

static void
asked_once(struct world *w)
{
	assert_int_equal(times_asked(w), 1);
}

static void
asked_twice(struct world *w)
{
	assert_int_equal(times_asked(w), 2);
}

/* It is asked for once, and anew when all was closed. */
static void
password_command(void **state)
{
	const struct act acts[] = {
		{ .what = "first", .logins = 1, .after = asked_once },
		{ .what = "second", .after = asked_once },
		{ .what = "lost", .call = hang_up, .settle = true,
		    .logins = 1, .after = asked_once },
		{ .what = "fails", .call = be_down, .exit = 75,
		    .after = asked_once },
		{ .what = "behind it", .logins = 1, .after = asked_twice },
	};
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	free(w->conf.password);
	w->conf.password = NULL;
	w->conf.password_command = xasprintf("printf x >>%s/asked; "
	    "echo secret", w->dir);
	world_session(w, NULL, acts, ARRAY_SIZE(acts));
	free(w->conf.password_command);
	w->conf.password_command = NULL;
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_runs),
		cmocka_unit_test(nothing_to_do),
		cmocka_unit_test(dry_runs_between),
		cmocka_unit_test(lost_in_between),
		cmocka_unit_test(a_run_fails),
		cmocka_unit_test(a_run_is_cut),
		cmocka_unit_test(closed_under_way),
		cmocka_unit_test(cancelled_under_way),
		cmocka_unit_test(signal_under_way),
		cmocka_unit_test(signal_in_between),
		cmocka_unit_test(never_run),
		cmocka_unit_test(password_command),
	};

	return FLOW_MAIN(tests);
}
