/* Flags and keywords, merged three ways (design section 4, rule 1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define FOUR \
	"server add INBOX a S\nserver add INBOX b\nserver add INBOX c FS\n" \
	"server add INBOX d ,Junk\n"

/* The same of every kind of server. */
#define BOTH_WAYS(name, server_caps) { \
	.what = "both ways, " name, .caps = server_caps, .before = FOUR, \
	.change = "disk flag INBOX a FS\nserver flag INBOX b S\n" \
	    "disk flag INBOX c S\nserver flag INBOX c FRS\n" \
	    "disk flag INBOX d S\nserver flag INBOX d F,Later\n", \
	.ops = "flag-local INBOX b +\\Seen\n" \
	    "flag-local INBOX c +\\Answered\n" \
	    "flag-local INBOX d +\\Flagged +(Later) -(Junk)\n" \
	    "flag-remote INBOX a +\\Flagged\n" \
	    "flag-remote INBOX c -\\Flagged\n" \
	    "flag-remote INBOX d +\\Seen\n", \
	.both = "INBOX: a(FS) b(S) c(RS) d(FS,Later)\n" }

static const struct flow carried[] = {
	BOTH_WAYS("QRESYNC", IMAPD_FULL),
	BOTH_WAYS("CONDSTORE", IMAPD_CONDSTORE),
	BOTH_WAYS("an old server", IMAPD_PLAIN),
	{ .what = "each by itself", .before = FOUR,
	    .change = "disk flag INBOX c DFS\nserver flag INBOX c S\n"
		"disk flag INBOX a\nserver flag INBOX a PS\n",
	    .ops = "flag-local INBOX a +$Forwarded\n"
		"flag-local INBOX c -\\Flagged\n"
		"flag-remote INBOX a -\\Seen\nflag-remote INBOX c +\\Draft\n",
	    .both = "INBOX: a(P) b c(DS) d(,Junk)\n" },
	{ .what = "the same on both sides", .before = FOUR,
	    .change = "disk flag INBOX b FS\nserver flag INBOX b FS\n",
	    .ops = "", .both = "INBOX: a(S) b(FS) c(FS) d(,Junk)\n" },
	/* expunge = no: the mark is a flag. */
	{ .what = "the mark", .before = FOUR,
	    .change = "disk flag INBOX a ST\nserver flag INBOX b T\n",
	    .ops = "flag-local INBOX b +\\Deleted\n"
		"flag-remote INBOX a +\\Deleted\n",
	    .both = "INBOX: a(ST) b(T) c(FS) d(,Junk)\n" },
	{ .what = "seen in new/", .before = FOUR,
	    .change = "server flag INBOX b S\ndisk flag INBOX d\n",
	    .ops = "flag-local INBOX b +\\Seen\n",
	    .both = "INBOX: a(S) b(S) c(FS) d(,Junk)\n" },
};

static void
carried_over(void **state)
{
	(void)state;
	flow_check_all(carried, ARRAY_SIZE(carried));
}

/* Letters that are not ours, and what Dovecot puts behind a comma, stay. */
static void
foreign_letters(void **state)
{
	struct world *w = world_new(IMAPD_FULL);
	size_t n;
	char *text = message_text("a", &n), *path;

	(void)state;
	world_put(w, "INBOX", "1.a:2,Sabz,S=3", "Subject: x\n\nx\n", 14);
	world_sync_well(w);
	imapd_flag(imapd_find_box(w->d, "INBOX"),
	    imapd_find_box(w->d, "INBOX")->msg[0], true, "\\Flagged");
	world_sync_well(w);
	path = xasprintf("%s/INBOX/cur/1.a:2,FSabz,S=3", w->root);
	assert_int_equal(remove(path), 0);
	free(path);
	free(text);
	world_free(w);
}

/* --- what a server can't store stays here, and is owed --- */

static const struct flow limited[] = {
	{ .what = "a read-only folder",
	    .before = FOUR "server readonly INBOX\n",
	    .change = "disk flag INBOX a FS\nserver flag INBOX b S\n",
	    .ops = "flag-local INBOX b +\\Seen\n",
	    .server = "INBOX: a(S) b(S) c(FS) d(,Junk)\n",
	    .disk = "INBOX: a(FS) b(S) c(FS) d\n" },
	{ .what = "no flags but two",
	    .before = FOUR "server keeps INBOX \\Seen,\\Deleted\n",
	    .change = "disk flag INBOX a FRS\ndisk flag INBOX b S\n",
	    .ops = "flag-remote INBOX b +\\Seen\n",
	    .server = "INBOX: a(S) b(S) c(FS) d(,Junk)\n",
	    .disk = "INBOX: a(FRS) b(S) c(FS) d\n",
	    .notes = "INBOX: the server does not keep \\Flagged; it stays "
		"here\nINBOX: the server does not keep \\Answered; it stays "
		"here\n", .not = FLOW_NOT_DRY },
	/* No removal by anybody. */
	{ .what = "one disappears that can't be stored",
	    .before = FOUR "server keeps INBOX \\Seen,\\Deleted\n",
	    .change = "server flag INBOX c S\nserver flag INBOX a\n",
	    .ops = "flag-local INBOX a -\\Seen\n",
	    .server = "INBOX: a b c(S) d(,Junk)\n",
	    .disk = "INBOX: a b c(FS) d\n",
	    .notes = "INBOX: the server does not keep \\Flagged; it stays "
		"here\n", .not = FLOW_NOT_DRY },
};

static void
limited_servers(void **state)
{
	(void)state;
	flow_check_all(limited, ARRAY_SIZE(limited));
}

static void
owed_flags(void **state)
{
	static const char *const caps[] = {
		IMAPD_FULL, IMAPD_CONDSTORE, IMAPD_PLAIN,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		struct world *w = world_new(caps[i]);

		world_do(w, FOUR "server readonly INBOX\n");
		world_sync_well(w);
		world_do(w, "disk flag INBOX a FS\ndisk flag INBOX b R\n");
		world_sync_well(w);
		world_is(w, "the ops", buf_str(&w->told.ops), "");
		/* A part of it can be stored, then all. */
		world_do(w, "server writable INBOX\n"
		    "server keeps INBOX \\Flagged\n");
		world_sync_well(w);
		world_is(w, "the ops", buf_str(&w->told.ops),
		    "flag-remote INBOX a +\\Flagged\n");
		world_do(w, "server keeps INBOX \\Flagged,\\Answered,\\*\n");
		/* An old server tells of nothing else that moved. */
		world_do(w, "server add INBOX e\n");
		world_sync_well(w);
		world_is_in_sync(w, "INBOX: a(FS) b(R) c(FS) d(,Junk) e\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* --- refused --- */

static void
no_flagged(struct world *w)
{
	imapd_add_rule(w->d, "UID STORE *Flagged*", IMAPD_NO,
	    "[LIMIT] no more stars");
}

static const struct flow refused[] = {
	{ .what = "one group is refused", .before = FOUR,
	    .change = "disk flag INBOX a FS\ndisk flag INBOX b F\n"
		"disk flag INBOX c S\ndisk flag INBOX d S\n"
		"server flag INBOX a ,Later\n",
	    .call = no_flagged,
	    .ops = "flag-local INBOX a -\\Seen +(Later)\n"
		"flag-remote INBOX d +\\Seen\n",
	    .server = "INBOX: a(,Later) b c(FS) d(S,Junk)\n",
	    .disk = "INBOX: a(F) b(F) c(S) d(S)\n",
	    .items = "INBOX: flags of 3 messages were not set: 127.0.0.1 "
		"refused UID STORE: no more stars\n",
	    .exit = 1, .not = FLOW_NOT_DRY | FLOW_NOT_IDLE },
};

static void
refused_ones(void **state)
{
	(void)state;
	flow_check_all(refused, ARRAY_SIZE(refused));
}

/* It goes when it is allowed again. */
static void
refused_and_then_not(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, FOUR);
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, "disk flag INBOX a FS\n");
	no_flagged(w);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	imapd_count(w->d);
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a(FS) b c(FS) d(,Junk)\n");
	world_is(w, "the items", world_items(w), "");
	world_free(w);
}

/* --- somebody else is at it, too --- */

static void
rename_a(struct imapd *d, void *arg)
{
	(void)d;
	world_do(arg, "disk flag INBOX a RS\n");
}

/* The file is not what the scan saw: the next run brings them together. */
static void
renamed_meanwhile(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, FOUR);
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, "server flag INBOX a FS\n");
	imapd_call_at(w->d, "SELECT *", rename_a, w)->times = 1;
	assert_int_equal(world_sync(w, NULL, NULL), 75);
	world_is(w, "the disk", world_disk(w), "INBOX: a(RS) b c(FS) d\n");
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a(FRS) b c(FS) d(,Junk)\n");
	world_is_idle(w, 0);
	world_free(w);
}

/* --- many --- */

struct many {
	const char *what, *caps;
	unsigned n;		/* messages */
	unsigned from, to;	/* those that change */
	const char *flags;	/* what they get */
	unsigned step;		/* every step-th gets more */
	const char *more;
};

static const struct many crowds[] = {
	{ .what = "rows", .caps = IMAPD_FULL, .n = 600, .from = 1,
	    .to = 600, .flags = "S", .step = 7, .more = "FS" },
	{ .what = "an old server", .caps = IMAPD_PLAIN, .n = 600, .from = 1,
	    .to = 600, .flags = "S", .step = 7, .more = "FS,Later" },
	{ .what = "sets, in the old part", .caps = IMAPD_FULL, .n = 2300,
	    .from = 1, .to = 700, .flags = "S", .step = 3,
	    .more = "DFPRST,Junk,Later" },
	{ .what = "few rows in the old part", .caps = IMAPD_FULL, .n = 2300,
	    .from = 5, .to = 20, .flags = "S", .step = 3, .more = "F" },
	{ .what = "sets without SEARCHRES", .caps = IMAPD_CONDSTORE,
	    .n = 2300, .from = 1, .to = 700, .flags = "S", .step = 3,
	    .more = "RS,Junk" },
	{ .what = "sets without CONDSTORE", .caps = "IMAP4rev1 UIDPLUS "
	    "ESEARCH", .n = 700, .from = 1, .to = 700, .flags = "S",
	    .step = 5, .more = "F,Junk" },
};

static const char *
flags_of(const struct many *m, unsigned i)
{
	if (i < m->from || i > m->to)
		return "";
	return i % m->step == 0 ? m->more : m->flags;
}

static void
change_many(struct world *w, const struct many *m)
{
	struct imapd_box *b = imapd_find_box(w->d, "INBOX");

	for (unsigned i = 1; i <= m->n; i++) {
		char *words = words_from_flags(flags_of(m, i));

		imapd_flag(b, b->msg[i - 1], true, words);
		free(words);
	}
}

/* Each file has the letters of its message. */
static void
many_agree(struct world *w)
{
	char *server = xstrdup(world_server(w)), *index =
	    xstrdup(world_index(w));

	world_is(w, "the index", index, server);
	free(index);
	free(server);
}

static void
many_on_the_server(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(crowds); i++) {
		const struct many *m = &crowds[i];
		struct world *w = world_new(m->caps);

		snprintf(world_way, sizeof(world_way), "%s: ", m->what);
		world_do_many(w, "server add INBOX m", m->n, "");
		world_sync_well(w);
		for (unsigned seed = 1; seed <= 2; seed++) {
			if (seed == 1)
				change_many(w, m);
			else
				world_do_many(w, "server flag INBOX m", 40,
				    " P");
			imapd_count(w->d);
			assert_int_equal(world_sync(w, NULL,
			    &(struct sched_plan){ .seed = seed }), 0);
			assert_int_equal(w->told.result.pulled.flags,
			    seed == 1 ? m->to - m->from + 1 : 40);
			many_agree(w);
			world_changed_nothing(w);
		}
		world_is_idle(w, 0);
		world_free(w);
	}
	world_way[0] = '\0';
}

/* What is asked as sets is as right as rows are, also with other changes in
 * the same moment. */
static void
flag_more(struct imapd *d, void *arg)
{
	struct imapd_box *b = imapd_find_box(d, "INBOX");

	(void)arg;
	imapd_flag(b, b->msg[2], true, "\\Answered");
	imapd_expunge(b, 9);
	imapd_add(b, "\\Seen", message_date("late"), "Subject: late\r\n\r\n",
	    17);
}

static void
changes_while_asking(void **state)
{
	static const char *const at[] = {
		"UID SEARCH * MODSEQ *", "UID SEARCH *SEEN", "UID SEARCH *$",
		"UID FETCH *",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		struct world *w = world_new(IMAPD_FULL);

		snprintf(world_way, sizeof(world_way), "%s: ", at[i]);
		world_do_many(w, "server add INBOX m", crowds[2].n, "");
		world_sync_well(w);
		imapd_count(w->d);
		change_many(w, &crowds[2]);
		imapd_call_at(w->d, at[i], flag_more, w)->times = 1;
		world_sync(w, NULL, NULL);
		imapd_count(w->d);
		world_sync_well(w);
		many_agree(w);
		world_free(w);
	}
	world_way[0] = '\0';
}

/* From here to there: few commands, many files. */
static void
many_on_disk(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do_many(w, "server add INBOX m", 700, "");
	world_sync_well(w);
	for (unsigned seed = 0; seed < 3; seed++) {
		char *tail = xasprintf(" %s", seed == 0 ? "S" : seed == 1 ?
		    "F" : "R");

		world_do_many(w, "disk flag INBOX m", 600, tail);
		assert_int_equal(world_sync(w, NULL, &(struct sched_plan){
		    .seed = seed }), 0);
		assert_int_equal(w->told.result.pushed.flags, 600);
		many_agree(w);
		free(tail);
	}
	world_is_idle(w, 0);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(carried_over),
		cmocka_unit_test(foreign_letters),
		cmocka_unit_test(limited_servers),
		cmocka_unit_test(owed_flags),
		cmocka_unit_test(refused_ones),
		cmocka_unit_test(refused_and_then_not),
		cmocka_unit_test(renamed_meanwhile),
		cmocka_unit_test(many_on_the_server),
		cmocka_unit_test(changes_while_asking),
		cmocka_unit_test(many_on_disk),
	};

	return FLOW_MAIN(tests);
}
