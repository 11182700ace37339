/* What one side lost goes from the other, last of all (design section 5). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define FOUR \
	"server add INBOX a S\nserver add INBOX b\nserver add INBOX c FS\n" \
	"server add INBOX d ,Junk\n"
/* Has UIDPLUS, and no MOVE. */
#define NO_MOVE "IMAP4rev1 ENABLE CONDSTORE UIDPLUS ESEARCH NAMESPACE"

static void
expunges(struct world *w)
{
	w->conf.expunge = true;
}

static void
has_trash(struct world *w)
{
	w->conf.trash = xstrdup("Trash");
}

static void
expunges_to_trash(struct world *w)
{
	expunges(w);
	has_trash(w);
}

/* --- deleted, and nothing else --- */

#define HERE(name, server_caps) { \
	.what = "deleted here, " name, .caps = server_caps, .before = FOUR, \
	.points = 4, \
	.change = "disk remove INBOX a\ndisk remove INBOX c\n", \
	.ops = "remove-remote INBOX a\nremove-remote INBOX c\n", \
	.both = "INBOX: b d(,Junk)\n" }
#define THERE(name, server_caps) { \
	.what = "deleted there, " name, .caps = server_caps, .before = FOUR, \
	.points = 4, \
	.change = "server remove INBOX a\nserver remove INBOX c\n", \
	.ops = "remove-local INBOX a\nremove-local INBOX c\n", \
	.both = "INBOX: b d(,Junk)\n" }
#define MARKED(name, server_caps) { \
	.what = "marked, " name, .caps = server_caps, .before = FOUR, \
	.prepare = expunges, \
	.change = "disk flag INBOX a ST\nserver flag INBOX b T\n", \
	.ops = "remove-local INBOX a\nremove-local INBOX b\n" \
	    "remove-remote INBOX a\nremove-remote INBOX b\n", \
	.both = "INBOX: c(FS) d(,Junk)\n" }

static const struct flow plain[] = {
	HERE("MOVE and UIDPLUS", IMAPD_FULL),
	HERE("UIDPLUS", NO_MOVE),
	HERE("an old server", IMAPD_PLAIN),
	THERE("QRESYNC", IMAPD_FULL),
	THERE("CONDSTORE", IMAPD_CONDSTORE),
	THERE("an old server", IMAPD_PLAIN),
	MARKED("UIDPLUS", IMAPD_FULL),
	MARKED("an old server", IMAPD_PLAIN),
	{ .what = "some on each side, and one on both", .before = FOUR,
	    .change = "disk remove INBOX a\nserver remove INBOX a\n"
		"disk remove INBOX b\nserver remove INBOX c\n",
	    .ops = "remove-local INBOX c\nremove-remote INBOX b\n",
	    .both = "INBOX: d(,Junk)\n" },
	/* Rule 2: other flags do not keep it. */
	{ .what = "with other flags on the other side", .before = FOUR,
	    .change = "disk remove INBOX a\nserver flag INBOX a FS,Later\n"
		"server remove INBOX b\ndisk flag INBOX b FRS\n",
	    .ops = "remove-local INBOX b\nremove-remote INBOX a\n",
	    .both = "INBOX: c(FS) d(,Junk)\n" },
	{ .what = "one of two with that content",
	    .before = FOUR "server add INBOX a F\nserver add Work a\n",
	    .change = "disk remove Work a\nserver remove INBOX d\n",
	    .ops = "remove-local INBOX d\nremove-remote Work a\n",
	    .both = "INBOX: a(F) a(S) b c(FS)\nWork:\n" },
	{ .what = "beside all else",
	    .before = FOUR "server add Work e S\nserver add Work f\n",
	    .change = "disk remove INBOX a\nserver remove Work e\n"
		"server add INBOX g\ndisk add Work h S\n"
		"disk flag INBOX b S\nserver flag Work f F\n",
	    .ops = "flag-local Work f +\\Flagged\n"
		"flag-remote INBOX b +\\Seen\npull INBOX g\npush Work h\n"
		"remove-local Work e\nremove-remote INBOX a\n",
	    .both = "INBOX: b(S) c(FS) d(,Junk) g\nWork: f(F) h(S)\n" },
	/* Moves are a copy and a removal, in this order. */
	{ .what = "moved here", .before = FOUR "server make Work\n",
	    .change = "disk move INBOX a Work\n",
	    .ops = "move-remote Work a from INBOX\n",
	    .both = "INBOX: b c(FS) d(,Junk)\nWork: a(S)\n" },
	{ .what = "moved there", .before = FOUR "server make Work\n",
	    .change = "server move INBOX a Work\n",
	    .ops = "pull Work a\nremove-local INBOX a\n",
	    .both = "INBOX: b c(FS) d(,Junk)\nWork: a(S)\n" },
};

static void
plain_removals(void **state)
{
	(void)state;
	flow_check_all(plain, ARRAY_SIZE(plain));
}

/* --- to the trash of the server --- */

#define TRASHED(name, server_caps) { \
	.what = "to the trash, " name, .caps = server_caps, \
	.prepare = has_trash, .points = 4, \
	.before = FOUR "server add Trash old S\n", \
	.change = "disk remove INBOX a\ndisk remove INBOX c\n", \
	.ops = "pull Trash a\npull Trash c\nremove-remote INBOX a\n" \
	    "remove-remote INBOX c\n", \
	.both = "INBOX: b d(,Junk)\nTrash: a(S) c(FS) old(S)\n", \
	.not = FLOW_NOT_DRY }
#define TRASHED_MARKED(name, server_caps) { \
	.what = "marked, to the trash, " name, .caps = server_caps, \
	.prepare = expunges_to_trash, .before = FOUR "server make Trash\n", \
	.change = "disk flag INBOX a ST\nserver flag INBOX b T\n", \
	.ops = "pull Trash a\npull Trash b\nremove-local INBOX a\n" \
	    "remove-local INBOX b\nremove-remote INBOX a\n" \
	    "remove-remote INBOX b\n", \
	.both = "INBOX: c(FS) d(,Junk)\nTrash: a(S) b\n", \
	.not = FLOW_NOT_DRY }
#define NO_TRASH \
	"INBOX: 1 message deleted here can't leave the server: there is no " \
	"folder Trash there to go to; make it, or change `trash`\n"

static const struct flow trashed[] = {
	TRASHED("MOVE", IMAPD_FULL),
	TRASHED("COPY", NO_MOVE),
	TRASHED("COPY without UIDs", IMAPD_PLAIN),
	TRASHED_MARKED("MOVE", IMAPD_FULL),
	TRASHED_MARKED("COPY", NO_MOVE),
	TRASHED_MARKED("COPY without UIDs", IMAPD_PLAIN),
	{ .what = "deleted in the trash", .prepare = has_trash,
	    .before = FOUR "server add Trash old S\nserver add Trash new\n",
	    .change = "disk remove Trash old\n",
	    .ops = "remove-remote Trash old\n",
	    .both = "INBOX: a(S) b c(FS) d(,Junk)\nTrash: new\n" },
	{ .what = "deleted there goes to no trash", .prepare = has_trash,
	    .before = FOUR "server make Trash\n",
	    .change = "server remove INBOX a\n",
	    .ops = "remove-local INBOX a\n",
	    .both = "INBOX: b c(FS) d(,Junk)\nTrash:\n" },
	{ .what = "there is no trash", .prepare = has_trash, .before = FOUR,
	    .change = "disk remove INBOX a\nserver remove INBOX b\n",
	    .ops = "remove-local INBOX b\n",
	    .server = "INBOX: a(S) c(FS) d(,Junk)\n",
	    .disk = "INBOX: c(FS) d\n",
	    .index = "INBOX: a(S)[br] c(FS) d(,Junk)\ndirty 1\n",
	    .items = NO_TRASH, .exit = 1 },
};

static void
trashed_ones(void **state)
{
	(void)state;
	flow_check_all(trashed, ARRAY_SIZE(trashed));
}

/* --- what the folder does not allow --- */

#define HELD_A \
	.server = "INBOX: a(S) c(FS) d(,Junk)\n", \
	.disk = "INBOX: c(FS) d\n", \
	.index = "INBOX: a(S)[br] c(FS) d(,Junk)\ndirty 1\n", .exit = 1

static const struct flow forbidden[] = {
	{ .what = "a read-only folder",
	    .before = FOUR "server readonly INBOX\n",
	    .change = "disk remove INBOX a\nserver remove INBOX b\n",
	    .ops = "remove-local INBOX b\n", HELD_A,
	    .items = "INBOX: 1 message deleted here can't be removed from the "
		"server: the folder is read-only there\n" },
};

static void
forbidden_removals(void **state)
{
	(void)state;
	flow_check_all(forbidden, ARRAY_SIZE(forbidden));
}

/* --- the guard --- */

#define TEN \
	"server add INBOX a\nserver add INBOX b\nserver add INBOX c\n" \
	"server add INBOX d\nserver add INBOX e\nserver add INBOX f\n" \
	"server add INBOX g\nserver add Work h\nserver add Work i\n" \
	"server add Work j\n"
#define NINE(side) \
	side " remove INBOX a\n" side " remove INBOX b\n" \
	side " remove INBOX c\n" side " remove INBOX d\n" \
	side " remove INBOX e\n" side " remove INBOX f\n" \
	side " remove INBOX g\n" side " remove Work h\n" \
	side " remove Work i\n"
#define WAY_OUT \
	"If that was meant, run sync --force-deletes; if not, sync " \
	"--undo-deletes brings them back\n"
#define GONE(op) \
	op " INBOX a\n" op " INBOX b\n" op " INBOX c\n" op " INBOX d\n" \
	op " INBOX e\n" op " INBOX f\n" op " INBOX g\n" op " Work h\n" \
	op " Work i\n" op " Work j\n"
#define ALL_TEN \
	"INBOX: a b c d e f g\nWork: h i j\n"
#define HELD_TEN(has) \
	"INBOX: a[" has "] b[" has "] c[" has "] d[" has "] e[" has "] " \
	"f[" has "] g[" has "]\nWork: h[" has "] i[" has "] j[" has "]\n" \
	"dirty 10\n"

static const struct flow guarded[] = {
	{ .what = "all of ten, gone here", .before = TEN,
	    .change = NINE("disk") "disk remove Work j\n", .ops = "",
	    .server = ALL_TEN, .disk = "INBOX:\nWork:\n",
	    .index = HELD_TEN("br"),
	    .items = "10 of 10 messages of the account (7 of them in INBOX) "
		"are gone from the Maildir; all 10 removals on the server are "
		"held. " WAY_OUT, .exit = 1, .points = 3 },
	{ .what = "all of ten, gone there", .before = TEN,
	    .change = NINE("server") "server remove Work j\n", .ops = "",
	    .server = "INBOX:\nWork:\n", .disk = ALL_TEN,
	    .index = HELD_TEN("bl"),
	    .items = "10 of 10 messages of the account (7 of them in INBOX) "
		"are gone from the server; all 10 removals on disk are held. "
		WAY_OUT, .exit = 1, .points = 3 },
	{ .what = "all of ten, and it was meant", .before = TEN,
	    .change = NINE("disk") "disk remove Work j\n",
	    .ops = GONE("remove-remote"), .both = "INBOX:\nWork:\n",
	    .opt = { .force_deletes = true } },
	{ .what = "nine of ten", .before = TEN, .change = NINE("disk"),
	    .ops = "remove-remote INBOX a\nremove-remote INBOX b\n"
		"remove-remote INBOX c\nremove-remote INBOX d\n"
		"remove-remote INBOX e\nremove-remote INBOX f\n"
		"remove-remote INBOX g\nremove-remote Work h\n"
		"remove-remote Work i\n",
	    .both = "INBOX:\nWork: j\n" },
	/* One side's disaster holds nothing on the other one. */
	{ .what = "all else goes on", .before = TEN "server add Work k\n",
	    .change = NINE("disk") "disk remove Work j\n"
		"server remove Work k\n", .ops = "remove-local Work k\n",
	    .server = ALL_TEN, .disk = "INBOX:\nWork:\n",
	    .index = HELD_TEN("br"),
	    .items = "10 of 10 messages of the account (7 of them in INBOX) "
		"are gone from the Maildir; all 10 removals on the server are "
		"held. " WAY_OUT, .exit = 1 },
};

static void
held_by_the_guard(void **state)
{
	(void)state;
	flow_check_all(guarded, ARRAY_SIZE(guarded));
}

/* --- how many --- */

static const struct {
	const char *what;
	unsigned n, gone;	/* of INBOX; m1 ... are gone */
	bool held, forced;
} limits[] = {
	{ "fifty go", 60, 50, false, false },
	{ "fifty-one of 170 go", 170, 51, false, false },
	{ "fifty-one of 169 are held", 169, 51, true, false },
	{ "nine of nine go", 9, 9, false, false },
	{ "two batches", 1010, 1005, false, true },
};

static const char *
outcome(struct world *w, bool here)
{
	static char text[80];
	const struct sync_side *s = here ? &w->told.result.pushed :
	    &w->told.result.pulled;

	snprintf(text, sizeof(text), "exit %d, %llu\n", w->told.result.exit,
	    (unsigned long long)s->deleted);
	return text;
}

static void
limits_of_the_guard(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		for (unsigned here = 0; here < 2; here++) {
			struct world *w = world_new(here ? IMAPD_FULL :
			    IMAPD_PLAIN);
			char wanted[80];

			snprintf(world_way, sizeof(world_way), "%s, %s: ",
			    limits[i].what, here ? "here" : "there");
			snprintf(wanted, sizeof(wanted), "exit %d, %u\n",
			    limits[i].held, limits[i].held ? 0 :
			    limits[i].gone);
			world_do_many(w, "server add INBOX m", limits[i].n,
			    "");
			world_sync_well(w);
			world_do_many(w, here ? "disk remove INBOX m" :
			    "server remove INBOX m", limits[i].gone, "");
			world_sync(w, &(struct sync_options){
			    .force_deletes = limits[i].forced },
			    &(struct sched_plan){ .seed = (unsigned)i });
			world_is(w, "it", outcome(w, here), wanted);
			world_is_idle(w, limits[i].held);
			world_free(w);
		}
	world_way[0] = '\0';
}

/* --- the attic --- */

static void
into_the_attic(void **state)
{
	static const struct {
		const char *before, *change, *attic;
		unsigned days;
	} cases[] = {
		{ FOUR, "server remove INBOX a\nserver remove INBOX b\n",
		    " a b", 30 },
		{ FOUR, "server remove INBOX a\n", "", 0 },
		/* Deleted here: what is gone is gone. */
		{ FOUR, "disk remove INBOX a\n", "", 30 },
		/* Another file holds the same. */
		{ FOUR "server add Work a F\n", "server remove INBOX a\n",
		    "", 30 },
		{ FOUR "server add Work a F\n", "server remove INBOX a\n"
		    "server remove Work a\n", " a a", 30 },
		{ FOUR "server make Work\n", "server move INBOX a Work\n",
		    "", 30 },
		{ FOUR "server add Work e\n", "server delete Work\n", " e",
		    30 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world *w = world_new(IMAPD_FULL);
		char *wanted = xasprintf("attic:%s\n", cases[i].attic);

		snprintf(world_way, sizeof(world_way), "case %zu: ", i);
		w->conf.attic_days = cases[i].days;
		world_do(w, cases[i].before);
		world_sync_well(w);
		world_do(w, cases[i].change);
		world_sync_well(w);
		world_is(w, "the attic", world_attic(w), wanted);
		world_is_idle(w, 0);
		free(wanted);
		world_free(w);
	}
	world_way[0] = '\0';
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_removals),
		cmocka_unit_test(trashed_ones),
		cmocka_unit_test(forbidden_removals),
		cmocka_unit_test(held_by_the_guard),
		cmocka_unit_test(limits_of_the_guard),
		cmocka_unit_test(into_the_attic),
	};

	return FLOW_MAIN(tests);
}
