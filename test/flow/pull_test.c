/* What is new on the server comes to disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

/* --- messages as they should be --- */

static const struct flow whole[] = {
	{ .what = "the first run",
	    .before = "server add INBOX a S\nserver add INBOX b\n"
		"server add Work/old c F\n",
	    .ops = "make-local INBOX\nmake-local Work/old\npull INBOX a\n"
		"pull INBOX b\npull Work/old c\n",
	    .both = "INBOX: a(S) b\nWork/old: c(F)\n", .not = FLOW_FIRST },
	{ .what = "the first run, an old server", .caps = IMAPD_PLAIN,
	    .before = "server add INBOX a S\nserver add INBOX b\n"
		"server add Work c F\n",
	    .ops = "make-local INBOX\nmake-local Work\npull INBOX a\n"
		"pull INBOX b\npull Work c\n",
	    .both = "INBOX: a(S) b\nWork: c(F)\n", .not = FLOW_FIRST },
	{ .what = "the first run, and nothing there",
	    .ops = "make-local INBOX\n", .both = "INBOX:\n",
	    .not = FLOW_FIRST },
	{ .what = "new messages",
	    .before = "server add INBOX a S\n",
	    .change = "server add INBOX b\nserver add INBOX c FS\n"
		"server add INBOX d ,Junk,Later\n",
	    .ops = "pull INBOX b\npull INBOX c\npull INBOX d\n",
	    .both = "INBOX: a(S) b c(FS) d(,Junk,Later)\n" },
	{ .what = "new messages, CONDSTORE alone", .caps = IMAPD_CONDSTORE,
	    .before = "server add INBOX a S\nserver add INBOX z\n",
	    .change = "server add INBOX b\nserver add INBOX c DFPRST\n"
		"server remove INBOX z\n",
	    .ops = "pull INBOX b\npull INBOX c\nremove-local INBOX z\n",
	    .both = "INBOX: a(S) b c(DFPRST)\n" },
	{ .what = "new messages, an old server", .caps = IMAPD_PLAIN,
	    .before = "server add INBOX a S\n",
	    .change = "server add INBOX b\nserver add INBOX c FS\n",
	    .ops = "pull INBOX b\npull INBOX c\n",
	    .both = "INBOX: a(S) b c(FS)\n" },
	/* Bodies in many pieces, and one that has neither Message-ID nor
	 * Date. */
	{ .what = "large and nameless ones",
	    .before = "server add INBOX a S\n",
	    .change = "server add INBOX b~300000 S\n"
		"server add INBOX c^\nserver add INBOX d~5000\n",
	    .ops = "pull INBOX b~300000\npull INBOX c^\n"
		"pull INBOX d~5000\n",
	    .both = "INBOX: a(S) b~300000(S) c^ d~5000\n" },
	{ .what = "the same message twice",
	    .before = "server add INBOX a S\n",
	    .change = "server add INBOX b\nserver add INBOX b S\n"
		"server add Work b F\n",
	    .ops = "make-local Work\npull INBOX b\npull INBOX b\n"
		"pull Work b\n",
	    .both = "INBOX: a(S) b b(S)\nWork: b(F)\n" },
	{ .what = "gone again before it was pulled",
	    .before = "server add INBOX a S\n",
	    .change = "server add INBOX b\nserver add INBOX c\n"
		"server remove INBOX b\n",
	    .ops = "pull INBOX c\n", .both = "INBOX: a(S) c\n" },
};

static void
whole_messages(void **state)
{
	(void)state;
	flow_check_all(whole, ARRAY_SIZE(whole));
}

/* What nobody has seen lies in new/, the rest in cur/. */
static void
new_or_cur(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, "server add INBOX a\nserver add INBOX b S\n"
	    "server add INBOX c F\nserver add INBOX d ,Junk\n");
	world_sync_well(w);
	world_is(w, "new", world_new_files(w), "INBOX: a d\n");
	world_free(w);
}

/* --- bodies that are not what was listed --- */

static void
lie(struct world *w, enum imapd_lie how)
{
	world_message(w, "INBOX", "b")->lie = how;
}

static void
no_body(struct world *w)
{
	lie(w, IMAPD_NIL);
}

static void
short_body(struct world *w)
{
	lie(w, IMAPD_SHORT);
}

static void
long_body(struct world *w)
{
	lie(w, IMAPD_LONG);
}

static void
hidden_body(struct world *w)
{
	lie(w, IMAPD_HIDDEN);
}

static void
refused_body(struct world *w)
{
	lie(w, IMAPD_REFUSED);
}

#define BEFORE_B "server add INBOX a S\n"
#define ADD_B "server add INBOX b\nserver add INBOX c\n"
#define WITHOUT_B \
	.server = "INBOX: a(S) b c\n", .disk = "INBOX: a(S) c\n", \
	.index = "INBOX: a(S) b[r] c\ndirty 1\n"

static const struct flow broken[] = {
	{ .what = "no body", .before = BEFORE_B, .change = ADD_B,
	    .call = no_body, .ops = "pull INBOX c\n", WITHOUT_B,
	    .items = "INBOX: message with UID 2 was not pulled: the server "
		"sent no body\n", .exit = 1, .not = FLOW_NOT_DRY },
	/* Its literal came whole: sizes are hints. */
	{ .what = "a shorter body", .before = BEFORE_B, .change = ADD_B,
	    .call = short_body, .ops = "pull INBOX b\npull INBOX c\n",
	    .server = "INBOX: a(S) b c\n", .disk = "INBOX: a(S) b? c\n",
	    .index = "INBOX: a(S) b? c\n" },
	{ .what = "a longer body", .before = BEFORE_B, .change = ADD_B,
	    .call = long_body, .ops = "pull INBOX b\npull INBOX c\n",
	    .server = "INBOX: a(S) b c\n", .disk = "INBOX: a(S) b? c\n",
	    .index = "INBOX: a(S) b? c\n" },
	/* Once it may have been expunged meanwhile: no item yet. */
	{ .what = "listed and not sent", .before = BEFORE_B, .change = ADD_B,
	    .call = hidden_body, .ops = "pull INBOX c\n", WITHOUT_B,
	    .exit = 75, .again = 1, .not = FLOW_NOT_DRY },
	{ .what = "a body that can't be read", .before = BEFORE_B,
	    .change = ADD_B, .call = refused_body, .ops = "pull INBOX c\n",
	    WITHOUT_B, .items = "INBOX: 1 message not pulled: 127.0.0.1 "
		"refused UID FETCH: a body can't be read\n", .exit = 1,
	    .not = FLOW_NOT_DRY },
};

static void
broken_bodies(void **state)
{
	(void)state;
	flow_check_all(broken, ARRAY_SIZE(broken));
}

/* --- many, by several batches and connections --- */

/* "NAME: m1 m2 ..." as the looks have it, sorted as text. */
static int
compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *
line_of_many(const char *folder, const char *token, unsigned n)
{
	char **v = xcalloc(n, sizeof(*v)), *out;
	struct buf b;

	buf_init(&b, 1u << 20);
	for (unsigned i = 0; i < n; i++)
		v[i] = xasprintf("%s%u", token, i + 1);
	qsort(v, n, sizeof(*v), compare_text);
	buf_addf(&b, "%s:", folder);
	for (unsigned i = 0; i < n; i++) {
		buf_addf(&b, " %s", v[i]);
		free(v[i]);
	}
	buf_addf(&b, "\n");
	out = xstrdup(buf_str(&b));
	buf_release(&b);
	free(v);
	return out;
}

struct many {
	const char *what, *caps;
	unsigned n;		/* messages in INBOX */
	unsigned connections;	/* of the account */
	unsigned most;		/* that the server allows */
	unsigned folders;	/* beside it, with one message each */
};

static struct world *
many_begin(const struct many *m)
{
	struct world *w = world_new(m->caps);

	w->conf.connections = m->connections;
	w->d->connections_most = m->most;
	world_do_many(w, "server add INBOX m", m->n, "");
	for (unsigned i = 1; i <= m->folders; i++) {
		char *line = xasprintf("server add f%u x%u", i + 100, i);

		world_do(w, line);
		free(line);
	}
	snprintf(world_way, sizeof(world_way), "%s: ", m->what);
	return w;
}

static void
many_came(struct world *w, const struct many *m)
{
	char *inbox = line_of_many("INBOX", "m", m->n), *all;
	struct buf b;

	buf_init(&b, 1u << 20);
	buf_add_str(&b, inbox);
	for (unsigned i = 1; i <= m->folders; i++)
		buf_addf(&b, "f%u: x%u\n", i + 100, i);
	all = xstrdup(buf_str(&b));
	world_is_in_sync(w, all);
	buf_release(&b);
	free(all);
	free(inbox);
}

static const struct many crowds[] = {
	{ .what = "several batches", .caps = IMAPD_FULL, .n = 1200 },
	{ .what = "several batches, an old server", .caps = IMAPD_PLAIN,
	    .n = 600 },
	{ .what = "lent connections", .caps = IMAPD_FULL, .n = 2600,
	    .connections = 4 },
	{ .what = "fewer than wanted", .caps = IMAPD_FULL, .n = 1700,
	    .connections = 4, .most = 2 },
	{ .what = "many folders", .caps = IMAPD_FULL, .n = 3,
	    .folders = 40 },
	{ .what = "many folders by three connections", .caps = IMAPD_FULL,
	    .n = 3, .folders = 40, .connections = 3 },
};

static void
crowds_come(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(crowds); i++)
		for (unsigned seed = 0; seed < 3; seed++) {
			struct world *w = many_begin(&crowds[i]);

			assert_int_equal(world_sync(w, NULL,
			    &(struct sched_plan){ .seed = seed }), 0);
			many_came(w, &crowds[i]);
			assert_int_equal(w->told.result.pulled.new,
			    crowds[i].n + crowds[i].folders);
			if (seed == 0)
				world_is_idle(w, 0);
			world_free(w);
		}
	world_way[0] = '\0';
}

/* Answers of FETCHes that wait together come mixed up. */
static void
mixed_answers(void **state)
{
	const struct many m = { .what = "mixed", .caps = IMAPD_FULL,
	    .n = 1200 };

	(void)state;
	for (unsigned seed = 1; seed <= 4; seed++) {
		struct world *w = many_begin(&m);

		w->d->mix = seed;
		assert_int_equal(world_sync(w, NULL, &(struct sched_plan){
		    .seed = seed }), 0);
		many_came(w, &m);
		world_free(w);
	}
	world_way[0] = '\0';
}

#define LINES	6	/* so many points are enough to lose one */

/* A line is lost, and then a clean run. What came is not pulled again. */
static void
lose_line(const struct many *m, unsigned point, bool other)
{
	struct world *w = many_begin(m);
	const unsigned n = m->n + m->folders;
	unsigned first;

	w->d->cut_line = (int)(n * point / 2);
	w->d->cut_other = other;
	world_sync(w, NULL, &(struct sched_plan){ .seed = point });
	first = (unsigned)w->told.result.pulled.new;
	assert_true(w->d->was_cut);
	if (other)
		assert_int_equal(w->told.result.exit, 0);
	if (w->told.result.exit == 0)
		assert_int_equal(first, n);
	else
		assert_int_equal(w->told.result.exit, 75);
	imapd_count(w->d);
	world_sync_well(w);
	assert_int_equal(first + w->told.result.pulled.new, n);
	many_came(w, m);
	world_free(w);
}

/*
 * What one of several was at, another one takes over, and the run ends well. The
 * first one is needed behind the pulls: without it the run ends with 75.
 */
static void
lines_are_lost(void **state)
{
	unsigned at;

	(void)state;
	for (unsigned i = 0; flow_point(i, LINES, &at); i++) {
		lose_line(&crowds[0], 1 + at, false);
		lose_line(&crowds[4], 1 + (at + 1) % LINES, false);
		lose_line(&crowds[2], 1 + (at + 2) % LINES, true);
		lose_line(&crowds[5], 1 + (at + 3) % LINES, true);
	}
	world_way[0] = '\0';
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_messages),
		cmocka_unit_test(new_or_cur),
		cmocka_unit_test(broken_bodies),
		cmocka_unit_test(crowds_come),
		cmocka_unit_test(mixed_answers),
		cmocka_unit_test(lines_are_lost),
	};

	return FLOW_MAIN(tests);
}
