/*
 * Getting in: what is written before a login has succeeded, what is remembered
 * of a server from run to run; and UIDVALIDITYs of any length.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define ABC "server add INBOX a S\nserver add Work b F\ndisk add INBOX c S\n"

/* Whether the server was told such a command by the last run. */
static bool
was_told(struct world *w, const char *command)
{
	return strstr(buf_str(&w->d->log), command) != NULL;
}

static void
sync_again(struct world *w)
{
	imapd_count(w->d);
	world_sync_well(w);
}

/* --- before the first success --- */

static size_t
markers(struct world *w)
{
	char *pattern = xasprintf("%s/.mailtern/*.*", w->root);
	glob_t found;
	size_t n = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;

	globfree(&found);
	free(pattern);
	return n;
}

/* A wrong user (or host) was never anybody's: nothing is asked for. */
static void
a_typo_is_corrected_without_a_question(void **state)
{
	struct world *w = world_new(IMAPD_FULL);
	char *user = w->conf.user;
	char wrong[] = "jnae";

	(void)state;
	world_do(w, ABC);
	w->conf.user = wrong;
	assert_int_equal(world_sync(w, NULL, NULL), 77);
	assert_int_equal(markers(w), 0);
	w->conf.user = user;
	sync_again(w);
	assert_string_equal(buf_str(&w->told.notes), "");
	assert_int_equal(markers(w), 1);
	world_is_in_sync(w, "INBOX: a(S) c(S)\nWork: b(F)\n");
	/* Now it is somebody's. */
	w->conf.user = wrong;
	assert_int_equal(world_sync(w, NULL, NULL), 78);
	w->conf.user = user;
	sync_again(w);
	world_free(w);
}

/* The wrong one let us in, and then nothing could be done there. */
static void
a_host_where_nothing_was_done_is_no_host(void **state)
{
	struct world *w = world_new(IMAPD_FULL);
	char *name = w->conf.host;
	char other[] = "127.1";	/* the same, in other words */

	(void)state;
	world_do(w, ABC);
	w->conf.host = other;
	imapd_add_rule(w->d, "SELECT *", IMAPD_CUT, NULL);
	assert_int_not_equal(world_sync(w, NULL, NULL), 0);
	assert_int_equal(markers(w), 1);
	w->conf.host = name;
	sync_again(w);
	assert_string_equal(buf_str(&w->told.notes), "");
	assert_int_equal(markers(w), 1);
	world_is_in_sync(w, "INBOX: a(S) c(S)\nWork: b(F)\n");
	world_free(w);
}

/* --- what is remembered --- */

/* The password is right; SCRAM is offered and refused. */
static void
the_way_in_is_remembered(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	w->d->offers = "SASL-IR AUTH=SCRAM-SHA-256";
	world_do(w, ABC);
	imapd_add_rule(w->d, "AUTHENTICATE *", IMAPD_NO,
	    "[AUTHENTICATIONFAILED] no key");
	world_sync_well(w);
	assert_true(was_told(w, "AUTHENTICATE SCRAM-SHA-256"));
	sync_again(w);
	assert_false(was_told(w, "AUTHENTICATE"));
	assert_int_equal(w->d->logins, 1);
	/* Pinned, that is the way; and no other is tried. */
	w->conf.auth = CONF_AUTH_SCRAM_SHA_256;
	imapd_count(w->d);
	imapd_add_rule(w->d, "AUTHENTICATE *", IMAPD_NO, "no key");
	assert_int_equal(world_sync(w, NULL, NULL), 77);
	assert_int_equal(w->d->logins, 0);
	world_free(w);
}

/* Runs with LIST ... RETURN answered by BAD; was it asked for? */
static bool
asks_in_vain(struct world *w)
{
	imapd_count(w->d);
	imapd_add_rule(w->d, "LIST * RETURN *", IMAPD_BAD, "what?");
	world_sync_well(w);
	return was_told(w, " RETURN ");
}

static void
what_is_offered_in_vain_twice_is_left_out(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, ABC);
	assert_true(asks_in_vain(w));
	assert_true(asks_in_vain(w));
	assert_false(asks_in_vain(w));
	assert_false(asks_in_vain(w));
	/* A new version of it. */
	free(w->d->caps);
	w->d->caps = xstrdup(IMAPD_FULL " UNSELECT");
	asks_in_vain(w);
	assert_true(asks_in_vain(w));
	world_free(w);
}

/* --- UIDVALIDITY --- */

static void
prepare_long(struct world *w)
{
	w->d->next_uidvalidity = 1713632002544u;
}

/* Beyond what can be kept as a number, too. */
static void
prepare_longest(struct world *w)
{
	w->d->next_uidvalidity = 18446744073709551000u;
}

static const struct flow flows[] = {
	{ .what = "UIDVALIDITY of 41 bits", .before = ABC,
	    .change = "server remove INBOX a\ndisk remove Work b\n"
		"disk add Work d\n",
	    .ops = "push Work d\nremove-local INBOX a\nremove-remote Work b\n",
	    .both = "INBOX: c(S)\nWork: d\n", .prepare = prepare_long,
	    .not = FLOW_ONCE },
	{ .what = "of 64 bits", .before = ABC,
	    .change = "server remove INBOX a\ndisk remove Work b\n"
		"disk add Work d\n",
	    .ops = "push Work d\nremove-local INBOX a\nremove-remote Work b\n",
	    .both = "INBOX: c(S)\nWork: d\n", .prepare = prepare_longest,
	    .not = FLOW_ONCE },
	{ .what = "of 41 bits, changed", .before = ABC,
	    .change = "server renumber INBOX\n", .ops = "",
	    .both = "INBOX: a(S) c(S)\nWork: b(F)\n",
	    .notes = "INBOX: the server numbers its messages anew "
		"(UIDVALIDITY); both sides are merged, nothing is deleted\n",
	    .prepare = prepare_long, .not = FLOW_ONCE },
	{ .what = "of 64 bits, changed", .before = ABC,
	    .change = "server renumber INBOX\n", .ops = "",
	    .both = "INBOX: a(S) c(S)\nWork: b(F)\n",
	    .notes = "INBOX: the server numbers its messages anew "
		"(UIDVALIDITY); both sides are merged, nothing is deleted\n",
	    .prepare = prepare_longest, .not = FLOW_ONCE },
};

static void
uidvalidity_of_any_length(void **state)
{
	(void)state;
	flow_check_all(flows, ARRAY_SIZE(flows));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_typo_is_corrected_without_a_question),
		cmocka_unit_test(a_host_where_nothing_was_done_is_no_host),
		cmocka_unit_test(the_way_in_is_remembered),
		cmocka_unit_test(what_is_offered_in_vain_twice_is_left_out),
		cmocka_unit_test(uidvalidity_of_any_length),
	};

	return FLOW_MAIN(tests);
}
