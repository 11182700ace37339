/* What is new on disk goes to the server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

/* --- messages that are taken --- */

static const struct flow taken[] = {
	{ .what = "new files",
	    .before = "server add INBOX a S\n",
	    .change = "disk add INBOX b\ndisk add INBOX c FS\n"
		"disk add INBOX d T\n",
	    .ops = "push INBOX b\npush INBOX c\npush INBOX d\n",
	    .both = "INBOX: a(S) b c(FS) d(T)\n" },
	{ .what = "new files, UIDPLUS alone", .caps = IMAPD_CONDSTORE,
	    .before = "server add INBOX a S\n",
	    .change = "disk add INBOX b\ndisk add INBOX c DFPRST\n",
	    .ops = "push INBOX b\npush INBOX c\n",
	    .both = "INBOX: a(S) b c(DFPRST)\n" },
	{ .what = "new files, an old server", .caps = IMAPD_PLAIN,
	    .before = "server add INBOX a S\n",
	    .change = "disk add INBOX b\ndisk add INBOX c FS\n",
	    .ops = "push INBOX b\npush INBOX c\n",
	    .both = "INBOX: a(S) b c(FS)\n" },
	{ .what = "new folders",
	    .before = "server add INBOX a S\n",
	    .change = "disk add Work/old b S\ndisk make Empty\n",
	    .ops = "make-remote Empty\nmake-remote Work/old\n"
		"push Work/old b\n",
	    .both = "Empty:\nINBOX: a(S)\nWork/old: b(S)\n" },
	{ .what = "the same message twice",
	    .before = "server add INBOX a S\n",
	    .change = "disk add INBOX b\ndisk add INBOX b S\n"
		"disk add Work b F\n",
	    .ops = "make-remote Work\npush INBOX b\npush INBOX b\n"
		"push Work b\n",
	    .both = "INBOX: a(S) b b(S)\nWork: b(F)\n" },
	{ .what = "the same message twice, an old server",
	    .caps = IMAPD_PLAIN, .before = "server add INBOX a S\n",
	    .change = "disk add INBOX b\ndisk add INBOX b S\n",
	    .ops = "push INBOX b\npush INBOX b\n",
	    .both = "INBOX: a(S) b b(S)\n" },
	{ .what = "without Message-ID and Date, an old server",
	    .caps = IMAPD_PLAIN, .before = "server add INBOX a S\n",
	    .change = "disk add INBOX b^\ndisk add INBOX c^ S\n",
	    .ops = "push INBOX b^\npush INBOX c^\n",
	    .both = "INBOX: a(S) b^ c^(S)\n" },
	{ .what = "larger than what is kept in memory",
	    .before = "server add INBOX a S\n",
	    .change = "disk add INBOX b~5500000 S\ndisk add INBOX c\n",
	    .ops = "push INBOX b~5500000\npush INBOX c\n",
	    .both = "INBOX: a(S) b~5500000(S) c\n", .points = 2 },
	{ .what = "behind what is pulled",
	    .before = "server add INBOX a S\n",
	    .change = "disk add INBOX b\nserver add INBOX c\n"
		"server add INBOX d S\ndisk add INBOX d S\n",
	    .ops = "pull INBOX c\npush INBOX b\n",
	    .both = "INBOX: a(S) b c d(S)\n", .not = FLOW_NOT_DRY },
};

static void
taken_well(void **state)
{
	(void)state;
	flow_check_all(taken, ARRAY_SIZE(taken));
}

/* Several go in one command where the server takes that. */
static void
in_groups(void **state)
{
	static const struct {
		const char *caps;
		unsigned n, appends;
	} cases[] = {
		{ IMAPD_FULL, 3, 1 }, { IMAPD_CONDSTORE, 3, 3 },
		{ IMAPD_FULL, 650, 7 },		/* 100 each, of 300 */
		{ IMAPD_PLAIN, 310, 310 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (unsigned seed = 0; seed < 3; seed++) {
			struct world *w = world_new(cases[i].caps);

			world_do(w, "server add INBOX a S\n");
			world_sync_well(w);
			imapd_count(w->d);
			world_do_many(w, "disk add INBOX m", cases[i].n, " S");
			assert_int_equal(world_sync(w, &(struct sync_options){
			    .adopt = true }, &(struct sched_plan){
			    .seed = seed }), 0);
			assert_int_equal(w->told.result.pushed.new,
			    cases[i].n);
			assert_int_equal(world_asked(w, "APPEND "),
			    cases[i].appends);
			assert_int_equal(imapd_find_box(w->d, "INBOX")->n,
			    1 + cases[i].n);
			world_is_idle(w, 0);
			world_free(w);
		}
}

/* --- messages that are refused --- */

static const char *
refuse_c(struct imapd *d, struct imapd_box *b, const char *data, size_t n)
{
	(void)d;
	(void)b;
	return memmem(data, n, "X-Tok: c\r\n", 10) != NULL ?
	    "this one we don't like" : NULL;
}

static const char *
refuse_large(struct imapd *d, struct imapd_box *b, const char *data, size_t n)
{
	(void)d;
	(void)b;
	(void)data;
	return n > 1000 ? "[OVERQUOTA] no room" : NULL;
}

static const char *
refuse_all(struct imapd *d, struct imapd_box *b, const char *data, size_t n)
{
	(void)d;
	(void)data;
	(void)n;
	return strcmp(b->name, "Work") == 0 ? "[NOPERM] not here" : NULL;
}

static void
refusing_c(struct world *w)
{
	w->d->refuse = refuse_c;
}

static void
with_quota(struct world *w)
{
	w->d->refuse = refuse_large;
}

static void
work_is_closed(struct world *w)
{
	w->d->refuse = refuse_all;
}

static void
no_create(struct world *w)
{
	imapd_add_rule(w->d, "CREATE *", IMAPD_NO, "[CANNOT] no more folders");
}

#define BCD "disk add INBOX b S\ndisk add INBOX c S\ndisk add INBOX d S\n"
#define WITHOUT_C \
	.server = "INBOX: a(S) b(S) d(S)\n", \
	.disk = "INBOX: a(S) b(S) c(S) d(S)\n", \
	.index = "INBOX: a(S) b(S) c[l] d(S)\ndirty 1\n"

static const struct flow refused[] = {
	/* Of a group none is taken: each goes once more by itself. */
	{ .what = "one of a group is refused",
	    .before = "server add INBOX a S\n", .change = BCD,
	    .prepare = refusing_c, .ops = "push INBOX b\npush INBOX d\n",
	    WITHOUT_C, .items = "INBOX: 2.c.host was not pushed: 127.0.0.1 "
		"refused APPEND: this one we don't like\n",
	    .exit = 1, .not = FLOW_NOT_DRY | FLOW_NOT_IDLE },
	{ .what = "one is refused, an old server", .caps = IMAPD_PLAIN,
	    .before = "server add INBOX a S\n", .change = BCD,
	    .prepare = refusing_c, .ops = "push INBOX b\npush INBOX d\n",
	    WITHOUT_C, .items = "INBOX: 2.c.host was not pushed: 127.0.0.1 "
		"refused APPEND: this one we don't like\n",
	    .exit = 1, .not = FLOW_NOT_DRY | FLOW_NOT_IDLE },
	{ .what = "over quota",
	    .before = "server add INBOX a S\n",
	    .change = "disk add INBOX b~2000 S\ndisk add INBOX c S\n"
		"disk add INBOX d~3000 S\ndisk add Work e~2500 S\n"
		"disk add Work f S\n",
	    .prepare = with_quota,
	    .ops = "make-remote Work\npush INBOX c\npush Work f\n",
	    .server = "INBOX: a(S) c(S)\nWork: f(S)\n",
	    .index = "INBOX: a(S) b~2000[l] c(S) d~3000[l]\n"
		"Work: e~2500[l] f(S)\ndirty 3\n",
	    .items = "INBOX: 2 messages not pushed: 127.0.0.1 refused "
		"APPEND: no room\nWork: 1 message not pushed: 127.0.0.1 "
		"refused APPEND: no room\n",
	    .exit = 1, .not = FLOW_NOT_DRY | FLOW_NOT_IDLE },
	/* Not the messages' fault: the other folder's go. */
	{ .what = "a folder that takes nothing",
	    .before = "server add INBOX a S\nserver make Work\n",
	    .change = "disk add INBOX b S\ndisk add Work c S\n"
		"disk add Work d S\ndisk add Yard e S\n",
	    .prepare = work_is_closed,
	    .ops = "make-remote Yard\npush INBOX b\npush Yard e\n",
	    .server = "INBOX: a(S) b(S)\nWork:\nYard: e(S)\n",
	    .index = "INBOX: a(S) b(S)\nWork: c[l] d[l]\nYard: e(S)\n"
		"dirty 2\n",
	    .items = "Work: 2 messages not pushed: 127.0.0.1 refused APPEND: "
		"not here\n",
	    .exit = 1, .not = FLOW_NOT_DRY | FLOW_NOT_IDLE },
	{ .what = "a folder that can't be made",
	    .before = "server add INBOX a S\n",
	    .change = "disk add INBOX b S\ndisk add Work c S\n",
	    .call = no_create, .ops = "push INBOX b\n",
	    .server = "INBOX: a(S) b(S)\n",
	    .disk = "INBOX: a(S) b(S)\nWork: c(S)\n",
	    .items = "Work: the server does not make the folder: 127.0.0.1 "
		"refused CREATE: no more folders\n",
	    .exit = 1, .not = FLOW_NOT_DRY | FLOW_NOT_IDLE },
	{ .what = "a read-only folder",
	    .before = "server add INBOX a S\nserver add Work b\n"
		"server readonly Work\n",
	    .change = "disk add INBOX c S\ndisk add Work d S\n",
	    .prepare = NULL, .ops = "push INBOX c\n",
	    .server = "INBOX: a(S) c(S)\nWork: b\n",
	    .items = "Work: 1 message not pushed: 127.0.0.1 refused APPEND: "
		"the mailbox can't be changed\n",
	    .exit = 1, .not = FLOW_NOT_DRY | FLOW_NOT_IDLE },
};

static void
refused_ones(void **state)
{
	(void)state;
	flow_check_all(refused, ARRAY_SIZE(refused));
}

/* --- files that can't be sent --- */

static void
put_odd_ones(struct world *w)
{
	world_put(w, "INBOX", "1.empty:2,S", "", 0);
	world_put(w, "INBOX", "2.nul:2,S", "A: b\n\nx\0y\n", 10);
	world_put(w, "INBOX", "3.part:2,S", "X-Mailtern-Partial: x 1\nA: b\n\n"
	    "x\n", 32);
	world_put(w, "INBOX", ".hidden:2,S", "A: b\n\nx\n", 8);
}

static void
odd_files(void **state)
{
	static const char items[] =
	    "INBOX: 1.empty was not pushed: the file is empty\n"
	    "INBOX: 2.nul was not pushed: it holds a NUL byte, which IMAP "
	    "can't carry\n"
	    "INBOX: 3.part was not pushed: it is a partial message "
	    "(X-Mailtern-Partial)\n";
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, "server add INBOX a S\n");
	world_sync_well(w);
	put_odd_ones(w);
	world_do(w, "disk add INBOX b S\n");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_is(w, "the ops", buf_str(&w->told.ops),
		    i == 0 ? "push INBOX b\n" : "");
		world_is(w, "the items", buf_str(&w->told.items), items);
		world_is(w, "the server", world_server(w),
		    "INBOX: a(S) b(S)\n");
	}
	/* Mended: it goes, although its time had not come. */
	world_do(w, "disk add INBOX c S\n");
	world_put(w, "INBOX", "1.empty:2,S", "A: b\n\nx\n", 8);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "the server", world_server(w), "INBOX: ?(S) a(S) b(S) "
	    "c(S)\n");
	world_is(w, "the items", buf_str(&w->told.items),
	    strchr(items, '\n') + 1);
	world_free(w);
}

/* --- a file that changes under our hands --- */

static void
take_b_away(struct imapd *d, void *arg)
{
	(void)d;
	world_do(arg, "disk remove INBOX b\n");
}

static void
gone_while_syncing(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, "server add INBOX a S\n");
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, "disk add INBOX b S\ndisk add INBOX c S\n");
	imapd_call_at(w->d, "SELECT *", take_b_away, w)->times = 1;
	/* It is still to be seen that it is gone. */
	assert_int_equal(world_sync(w, NULL, NULL), 75);
	world_is(w, "the ops", buf_str(&w->told.ops), "push INBOX c\n");
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a(S) c(S)\n");
	world_free(w);
}

/* --- answers that never come --- */

static const struct {
	const char *what, *caps;
	enum imapd_action action;
} unanswered[] = {
	{ "cut before", IMAPD_FULL, IMAPD_CUT },
	{ "cut behind", IMAPD_FULL, IMAPD_CUT_BEHIND },
	{ "silence", IMAPD_FULL, IMAPD_SILENT },
	{ "cut before, an old server", IMAPD_PLAIN, IMAPD_CUT },
	{ "cut behind, an old server", IMAPD_PLAIN, IMAPD_CUT_BEHIND },
	{ "silence, an old server", IMAPD_PLAIN, IMAPD_SILENT },
};

/* The next run waits, looks, and sends only what is not there. */
static void
no_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unanswered); i++) {
		struct world *w = world_new(unanswered[i].caps);

		snprintf(world_way, sizeof(world_way), "%s: ",
		    unanswered[i].what);
		world_do(w, "server add INBOX a S\n");
		world_sync_well(w);
		imapd_count(w->d);
		world_do(w, "disk add INBOX b S\ndisk add INBOX c^ F\n");
		imapd_add_rule(w->d, "APPEND *", unanswered[i].action, NULL);
		assert_int_equal(world_sync(w, NULL, NULL), 75);
		world_is(w, "the ops", buf_str(&w->told.ops), "");
		assert_non_null(strstr(world_index(w), "in doubt 2\n"));
		imapd_count(w->d);
		world_sync_well(w);
		assert_true(w->told.result.seconds >= 1);
		world_is_in_sync(w, "INBOX: a(S) b(S) c^(F)\n");
		world_is_idle(w, 0);
		world_free(w);
	}
	world_way[0] = '\0';
}

/* Somebody else deletes, before the next run, what was sent in vain. */
static void
no_answer_and_gone(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, "server add INBOX a S\n");
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, "disk add INBOX b S\n");
	imapd_add_rule(w->d, "APPEND *", IMAPD_CUT_BEHIND, NULL);
	assert_int_equal(world_sync(w, NULL, NULL), 75);
	imapd_count(w->d);
	world_do(w, "server remove INBOX b\n");
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a(S) b(S)\n");
	world_free(w);
}

/* They were listed, and the line is lost before their bodies came: the attempt
 * behind that knows them. */
static void
lost_at_the_second_look(void **state)
{
	struct world *w = world_new(IMAPD_PLAIN);

	(void)state;
	world_do(w, "server add INBOX a S\n");
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, "disk add INBOX b S\ndisk add INBOX c S\n");
	imapd_add_rule(w->d, "UID FETCH *BODY*", IMAPD_CUT, NULL)->times = 1;
	world_sync_well(w);
	assert_true(w->d->was_cut);
	world_is(w, "the items", buf_str(&w->told.items), "");
	world_is_in_sync(w, "INBOX: a(S) b(S) c(S)\n");
	world_is_idle(w, 0);
	world_free(w);
}

/* --- a group of which a part was taken all the same --- */

static void
keep_one(struct imapd *d, void *arg)
{
	(void)d;
	world_do(arg, "server add INBOX b S\n");
}

/* Its UIDNEXT tells that something came: they are in doubt until the next
 * run has looked. */
static void
half_a_group(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, "server add INBOX a S\n");
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, BCD);
	w->d->refuse = refuse_c;
	imapd_call_at(w->d, "APPEND *}*}*", keep_one, w);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	assert_int_equal(world_asked(w, "APPEND "), 1);
	world_is(w, "the items", buf_str(&w->told.items), "INBOX: 3 messages "
	    "not pushed: 127.0.0.1 refused APPEND: this one we don't like\n");
	w->d->refuse = NULL;
	imapd_count(w->d);
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a(S) b(S) c(S) d(S)\n");
	world_is_idle(w, 0);
	world_free(w);
}

/* BAD to a group: in this run each goes by itself. */
static void
groups_not_known(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, "server add INBOX a S\n");
	world_sync_well(w);
	imapd_count(w->d);
	world_do_many(w, "disk add INBOX m", 5, " S");
	world_do_many(w, "disk add Work x", 5, " S");
	imapd_add_rule(w->d, "APPEND *}*}*", IMAPD_BAD, "what is that?");
	world_sync_well(w);
	assert_int_equal(world_asked(w, "APPEND "), 11);
	world_is_in_sync(w, "INBOX: a(S) m1(S) m2(S) m3(S) m4(S) m5(S)\n"
	    "Work: x1(S) x2(S) x3(S) x4(S) x5(S)\n");
	world_free(w);
}

/* --- literals that have to be asked for --- */

static void
refused_before_the_literal(void **state)
{
	struct world *w = world_new(IMAPD_CONDSTORE);

	(void)state;
	world_do(w, "server add INBOX a S\n");
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, "disk add INBOX b~2000 S\ndisk add INBOX c S\n"
	    "disk add INBOX d S\n");
	imapd_add_rule(w->d, "literal APPEND *{20??}", IMAPD_NO,
	    "[TOOBIG] too big")->times = 1;
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "the ops", buf_str(&w->told.ops),
	    "push INBOX c\npush INBOX d\n");
	world_is(w, "the items", buf_str(&w->told.items), "INBOX: "
	    "1.b~2000.host was not pushed: 127.0.0.1 refused APPEND: too "
	    "big\n");
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a(S) b~2000(S) c(S) d(S)\n");
	world_free(w);
}

/* --- servers that store something else --- */

static char *
add_header(struct imapd *d, const char *data, size_t *n)
{
	char *out = xasprintf("Received: by us\r\n%.*s", (int)*n, data);

	(void)d;
	*n += 17;
	return out;
}

/* With UIDPLUS it is known by its UID, without by its Message-ID; and what has
 * none is pulled as another, and not sent again. */
static void
altered(void **state)
{
	static const struct {
		const char *caps, *token, *server, *disk, *items;
		int exit;
	} cases[] = {
		{ IMAPD_FULL, "b", "INBOX: a(S) b?(S)\n", "INBOX: a(S) b(S)\n",
		    "", 0 },
		{ IMAPD_PLAIN, "b", "INBOX: a(S) b?(S)\n",
		    "INBOX: a(S) b(S)\n", "", 0 },
		{ IMAPD_PLAIN, "b^", "INBOX: a(S) b^?(S)\n",
		    "INBOX: a(S) b^(S) b^?(S)\n", "INBOX: the server took "
		    "1.b^.host but shows no message like it; it is not sent "
		    "again\n", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct world *w = world_new(cases[i].caps);
		char *add = xasprintf("disk add INBOX %s S\n", cases[i].token);

		snprintf(world_way, sizeof(world_way), "case %zu: ", i);
		world_do(w, "server add INBOX a S\n");
		world_sync_well(w);
		imapd_count(w->d);
		w->d->alter = add_header;
		world_do(w, add);
		for (int run = 0; run < 3; run++) {
			imapd_count(w->d);
			world_sync(w, NULL, NULL);
			assert_int_equal(world_asked(w, "APPEND "), run == 0);
			world_is(w, "the server", world_server(w),
			    cases[i].server);
			world_is(w, "the disk", world_disk(w), cases[i].disk);
		}
		assert_int_equal(w->told.result.exit, cases[i].exit);
		world_is(w, "the items", world_items(w), cases[i].items);
		free(add);
		world_free(w);
	}
	world_way[0] = '\0';
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken_well),
		cmocka_unit_test(in_groups),
		cmocka_unit_test(refused_ones),
		cmocka_unit_test(odd_files),
		cmocka_unit_test(gone_while_syncing),
		cmocka_unit_test(no_answer),
		cmocka_unit_test(no_answer_and_gone),
		cmocka_unit_test(lost_at_the_second_look),
		cmocka_unit_test(half_a_group),
		cmocka_unit_test(groups_not_known),
		cmocka_unit_test(refused_before_the_literal),
		cmocka_unit_test(altered),
	};

	return FLOW_MAIN(tests);
}
