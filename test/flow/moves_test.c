/*
 * What was filed travels once: as a copy on the server, and a removal (design
 * section 4, rules 4 to 6).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define FOUR \
	"server add INBOX a~20000 S\nserver add INBOX b\n" \
	"server add INBOX c FS\nserver add INBOX d ,Junk\nserver make Work\n"
/* Has UIDPLUS, and no MOVE. */
#define NO_MOVE "IMAP4rev1 ENABLE CONDSTORE UIDPLUS ESEARCH NAMESPACE"

static void
has_trash(struct world *w)
{
	w->conf.trash = xstrdup("Trash");
}

/* --- moved here --- */

#define MOVED(name, server_caps) { \
	.what = "moved here, " name, .caps = server_caps, .before = FOUR, \
	.points = 4, \
	.change = "disk move INBOX a~20000 Work\ndisk move INBOX d Work\n", \
	.ops = "move-remote Work a~20000 from INBOX\n" \
	    "move-remote Work d from INBOX\n", \
	.both = "INBOX: b c(FS)\nWork: a~20000(S) d(,Junk)\n" }
#define COPIED(name, server_caps) { \
	.what = "copied here, " name, .caps = server_caps, .before = FOUR, \
	.points = 4, \
	.change = "disk copy INBOX a~20000 Work\ndisk copy INBOX d Work\n", \
	.ops = "copy-remote Work a~20000 from INBOX\n" \
	    "copy-remote Work d from INBOX\n" \
	    "flag-remote Work d -(Junk)\n", \
	.both = "INBOX: a~20000(S) b c(FS) d(,Junk)\n" \
	    "Work: a~20000(S) d\n" }

static const struct flow plain[] = {
	MOVED("UIDPLUS", IMAPD_FULL),
	MOVED("CONDSTORE", NO_MOVE),
	MOVED("an old server", IMAPD_PLAIN),
	COPIED("UIDPLUS", IMAPD_FULL),
	COPIED("an old server", IMAPD_PLAIN),
	{ .what = "moved, and more", .before = FOUR,
	    .change = "disk move INBOX a~20000 Work\n"
		"disk add Work n S\ndisk remove INBOX b\n",
	    .ops = "move-remote Work a~20000 from INBOX\npush Work n\n"
		"remove-remote INBOX b\n",
	    .both = "INBOX: c(FS) d(,Junk)\nWork: a~20000(S) n(S)\n" },
	/* The folder is looked at in between, and shows the copy. */
	{ .what = "moved, and an upload as large", .caps = IMAPD_PLAIN,
	    .before = FOUR "server add Work e S\n", .points = 4,
	    .change = "disk move INBOX c Work\ndisk copy Work e INBOX\n"
		"disk add Work n S\n",
	    .ops = "copy-remote INBOX e from Work\n"
		"move-remote Work c from INBOX\npush Work n\n",
	    .both = "INBOX: a~20000(S) b d(,Junk) e(S)\n"
		"Work: c(FS) e(S) n(S)\n" },
	{ .what = "to two places", .before = FOUR "server make Other\n",
	    .change = "disk copy INBOX a~20000 Other\n"
		"disk move INBOX a~20000 Work\n",
	    .ops = "copy-remote Work a~20000 from INBOX\n"
		"move-remote Other a~20000 from INBOX\n",
	    .both = "INBOX: b c(FS) d(,Junk)\nOther: a~20000(S)\n"
		"Work: a~20000(S)\n" },
	{ .what = "twins move, each with its own flags",
	    .before = FOUR "server add INBOX a~20000 F\n",
	    .change = "disk move INBOX a~20000 Work\n"
		"disk move INBOX a~20000 Work\n",
	    .ops = "move-remote Work a~20000 from INBOX\n"
		"move-remote Work a~20000 from INBOX\n",
	    .both = "INBOX: b c(FS) d(,Junk)\n"
		"Work: a~20000(F) a~20000(S)\n" },
	{ .what = "into a new folder", .before = FOUR,
	    .change = "disk make Filed\ndisk move INBOX c Filed\n",
	    .ops = "make-remote Filed\nmove-remote Filed c from INBOX\n",
	    .both = "Filed: c(FS)\nINBOX: a~20000(S) b d(,Junk)\nWork:\n" },
};

static void
plain_moves(void **state)
{
	(void)state;
	flow_check_all(plain, ARRAY_SIZE(plain));
}

/* --- and flagged, here or there --- */

static const struct flow flagged[] = {
	{ .what = "and marked here", .before = FOUR,
	    .change = "disk move INBOX a~20000 Work\n"
		"disk flag Work a~20000 FRS\n",
	    .ops = "flag-remote Work a~20000 +\\Flagged +\\Answered\n"
		"move-remote Work a~20000 from INBOX\n",
	    .both = "INBOX: b c(FS) d(,Junk)\nWork: a~20000(FRS)\n" },
	{ .what = "and a mark taken away here", .before = FOUR,
	    .change = "disk move INBOX c Work\ndisk flag Work c S\n",
	    .ops = "flag-remote Work c -\\Flagged\n"
		"move-remote Work c from INBOX\n",
	    .both = "INBOX: a~20000(S) b d(,Junk)\nWork: c(S)\n" },
	{ .what = "and a mark taken away here, an old server",
	    .caps = IMAPD_PLAIN, .before = FOUR,
	    .change = "disk move INBOX c Work\ndisk flag Work c S\n",
	    .ops = "flag-remote Work c -\\Flagged\n"
		"move-remote Work c from INBOX\n",
	    .both = "INBOX: a~20000(S) b d(,Junk)\nWork: c(S)\n" },
	{ .what = "and marked there", .before = FOUR,
	    .change = "disk move INBOX a~20000 Work\n"
		"server flag INBOX a~20000 FS,Later\n",
	    .ops = "flag-local Work a~20000 +\\Flagged +(Later)\n"
		"move-remote Work a~20000 from INBOX\n",
	    .both = "INBOX: b c(FS) d(,Junk)\nWork: a~20000(FS,Later)\n" },
	{ .what = "and a mark taken away there", .before = FOUR,
	    .change = "disk move INBOX c Work\nserver flag INBOX c S\n",
	    .ops = "flag-local Work c -\\Flagged\n"
		"move-remote Work c from INBOX\n",
	    .both = "INBOX: a~20000(S) b d(,Junk)\nWork: c(S)\n",
	    .not = FLOW_NOT_CUT },
	/* Rule 5. */
	{ .what = "and deleted there", .before = FOUR,
	    .change = "disk move INBOX a~20000 Work\n"
		"server remove INBOX a~20000\n",
	    .ops = "push Work a~20000\n",
	    .both = "INBOX: b c(FS) d(,Junk)\nWork: a~20000(S)\n" },
};

static void
flagged_moves(void **state)
{
	(void)state;
	flow_check_all(flagged, ARRAY_SIZE(flagged));
}

/* --- what it costs --- */

struct cost {
	const char *what, *caps;
	bool is_dovecot;
};

static const struct cost costs[] = {
	{ "UIDPLUS", IMAPD_FULL, false }, { "Dovecot", IMAPD_FULL, true },
	{ "an old server", IMAPD_PLAIN, false },
	{ "an old Dovecot", IMAPD_PLAIN, true },
};

/* No body comes back, also where nothing tells the copy's UID. The content is
 * elsewhere as well. */
static void
no_body_travels(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(costs); i++) {
		struct world *w = world_new(costs[i].caps);

		snprintf(world_way, sizeof(world_way), "%s: ", costs[i].what);
		w->d->is_dovecot = w->d->knows_guid = costs[i].is_dovecot;
		world_do(w, FOUR "server make Z\n"
		    "server copy INBOX a~20000 Z\n");
		world_sync_well(w);
		imapd_count(w->d);
		world_do(w, "disk move INBOX a~20000 Work\n");
		world_sync_well(w);
		assert_int_equal(world_asked(w, "BODY.PEEK[]"), 0);
		assert_int_equal(world_asked(w, "APPEND"), 0);
		world_is_in_sync(w, "INBOX: b c(FS) d(,Junk)\n"
		    "Work: a~20000(S)\nZ: a~20000(S)\n");
		world_is_idle(w, 0);
		world_way[0] = '\0';
		world_free(w);
	}
}

/* --- with a trash --- */

static const struct flow trashed[] = {
	{ .what = "what was filed is not trashed", .prepare = has_trash,
	    .before = FOUR "server make Trash\n",
	    .change = "disk move INBOX a~20000 Work\ndisk remove INBOX b\n",
	    .ops = "move-remote Work a~20000 from INBOX\npull Trash b\n"
		"remove-remote INBOX b\n",
	    .both = "INBOX: c(FS) d(,Junk)\nTrash: b\nWork: a~20000(S)\n",
	    .not = FLOW_NOT_DRY },
	{ .what = "what was trashed is there once", .prepare = has_trash,
	    .before = FOUR "server make Trash\n",
	    .change = "disk move INBOX a~20000 Trash\n",
	    .ops = "move-remote Trash a~20000 from INBOX\n",
	    .both = "INBOX: b c(FS) d(,Junk)\nTrash: a~20000(S)\nWork:\n" },
	{ .what = "the copy is deleted, not the message, by lineage",
	    .prepare = has_trash, .caps = IMAPD_FULL " OBJECTID",
	    .before = FOUR "server copy INBOX a~20000 Work\n"
		"server make Trash\n",
	    .change = "disk remove Work a~20000\n",
	    .ops = "pull Trash a~20000\nremove-remote Work a~20000\n",
	    .both = "INBOX: a~20000(S) b c(FS) d(,Junk)\n"
		"Trash: a~20000(S)\nWork:\n",
	    .not = FLOW_NOT_DRY },
	{ .what = "the copy is deleted, not the message", .prepare = has_trash,
	    .before = FOUR "server copy INBOX a~20000 Work\n"
		"server make Trash\n",
	    .change = "disk remove Work a~20000\n",
	    .ops = "pull Trash a~20000\nremove-remote Work a~20000\n",
	    .both = "INBOX: a~20000(S) b c(FS) d(,Junk)\n"
		"Trash: a~20000(S)\nWork:\n",
	    .not = FLOW_NOT_DRY },
	{ .what = "the older of two that the server had",
	    .prepare = has_trash,
	    .before = FOUR "server copy INBOX a~20000 Work\n"
		"server make Trash\n",
	    .change = "disk remove INBOX a~20000\n",
	    .ops = "pull Trash a~20000\nremove-remote INBOX a~20000\n",
	    .both = "INBOX: b c(FS) d(,Junk)\n"
		"Trash: a~20000(S)\nWork: a~20000(S)\n",
	    .not = FLOW_NOT_DRY },
};

/* Saved in one run and purged in a later one. */
static void
filed_in_two_runs(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	has_trash(w);
	world_do(w, FOUR "server make Trash\n");
	world_sync_well(w);
	world_do(w, "disk copy INBOX a~20000 Work\n");
	world_sync_well(w);
	world_do(w, "disk remove INBOX a~20000\n");
	world_sync_well(w);
	world_is(w, "ops", buf_str(&w->told.ops),
	    "remove-remote INBOX a~20000\n");
	world_is_in_sync(w, "INBOX: b c(FS) d(,Junk)\nTrash:\n"
	    "Work: a~20000(S)\n");
	world_is_idle(w, 0);
	world_free(w);
}

static void
trashed_moves(void **state)
{
	(void)state;
	flow_check_all(trashed, ARRAY_SIZE(trashed));
}

/* --- a server that does not, or says that it did --- */

struct refusal {
	const char *what, *command;
	enum imapd_action action;
	const char *text;
	unsigned times;
	const char *change;	/* NULL: a and b move */
	/* The first run, and the clean one behind it. */
	int exit;
	const char *ops, *server;
	const char *ops_then;
	int exit_then;
	const char *server_then;
};

#define BOTH_MOVED "INBOX: c(FS) d(,Junk)\nWork: a~20000(S) b\n"
#define NONE_MOVED "INBOX: a~20000(S) b c(FS) d(,Junk)\nWork:\n"
#define BOTH_SENT \
	"push Work a~20000\npush Work b\nremove-remote INBOX a~20000\n" \
	"remove-remote INBOX b\n"
#define BOTH_COPIED \
	"move-remote Work a~20000 from INBOX\nmove-remote Work b from INBOX\n"

static const struct refusal refusals[] = {
	{ "each is refused", "UID COPY *", IMAPD_NO, "not today", 0, NULL,
	    0, BOTH_SENT, BOTH_MOVED, "", 0, BOTH_MOVED },
	{ "it does not know that", "UID COPY *", IMAPD_BAD, "what?", 0, NULL,
	    0, BOTH_SENT, BOTH_MOVED, "", 0, BOTH_MOVED },
	{ "the set is refused", "UID COPY 1:2 *", IMAPD_NO, "too many", 0,
	    NULL, 0, BOTH_COPIED, BOTH_MOVED, "", 0, BOTH_MOVED },
	{ "one of them is", "UID COPY 1* *", IMAPD_NO, "not this", 0, NULL,
	    0, "move-remote Work b from INBOX\npush Work a~20000\n"
	    "remove-remote INBOX a~20000\n",
	    "INBOX: c(FS) d(,Junk)\nWork: a~20000(S) b\n",
	    "", 0, "INBOX: c(FS) d(,Junk)\nWork: a~20000(S) b\n" },
	/* Nothing goes before it is there. */
	{ "OK, and nothing is there", "UID COPY *", IMAPD_OK, "done", 1, NULL,
	    75, BOTH_COPIED, NONE_MOVED, BOTH_SENT, 0, BOTH_MOVED },
	{ "a UID, and nothing is there", "UID COPY *", IMAPD_OK,
	    "[COPYUID 1001 1:2 7:8] done", 1, NULL,
	    75, BOTH_COPIED, NONE_MOVED, BOTH_SENT, 0, BOTH_MOVED },
	{ "the UIDs of others", "UID COPY *", IMAPD_OK,
	    "[COPYUID 1001 1:2 1:2] done", 1,
	    "server add Work x\nserver add Work y\n"
	    "disk move INBOX a~20000 Work\ndisk move INBOX b Work\n",
	    75, BOTH_COPIED "pull Work x\npull Work y\n",
	    "INBOX: a~20000(S) b c(FS) d(,Junk)\nWork: x y\n", BOTH_SENT, 0,
	    "INBOX: c(FS) d(,Junk)\nWork: a~20000(S) b x y\n" },
	/* The copy took a UID, and the upload none. */
	{ "an upload beside it is not stored", "APPEND *", IMAPD_OK, "done", 1,
	    "disk move INBOX a~20000 Work\ndisk add Work n\n",
	    75, "move-remote Work a~20000 from INBOX\npush Work n\n",
	    "INBOX: b c(FS) d(,Junk)\nWork: a~20000(S)\n", "push Work n\n",
	    0, "INBOX: b c(FS) d(,Junk)\nWork: a~20000(S) n\n" },
	/* Who expunges marked messages in Work must not meet it there. */
	{ "it is marked as deleted", "no command", IMAPD_NO, "", 0,
	    "server flag INBOX c T\ndisk copy INBOX c Work\n",
	    0, "flag-local INBOX c -\\Flagged -\\Seen +\\Deleted\n"
	    "push Work c\n",
	    "INBOX: a~20000(S) b c(T) d(,Junk)\nWork: c(FS)\n", "", 0,
	    "INBOX: a~20000(S) b c(T) d(,Junk)\nWork: c(FS)\n" },
};

static void
refused_copies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];
		struct world *w = world_new(IMAPD_FULL);
		int exit;

		snprintf(world_way, sizeof(world_way), "%s: ", r->what);
		world_do(w, FOUR);
		world_sync_well(w);
		imapd_count(w->d);
		imapd_add_rule(w->d, r->command, r->action,
		    r->text)->times = r->times;
		world_do(w, r->change != NULL ? r->change :
		    "disk move INBOX a~20000 Work\ndisk move INBOX b Work\n");
		exit = world_sync(w, NULL, NULL);
		world_is(w, "ops", buf_str(&w->told.ops), r->ops);
		world_is(w, "the server", world_server(w), r->server);
		if (exit != r->exit)
			fail_msg("%s: exit %d", r->what, exit);
		assert_int_equal(world_sync(w, NULL, NULL), r->exit_then);
		world_is(w, "ops then", buf_str(&w->told.ops), r->ops_then);
		world_is(w, "the server then", world_server(w),
		    r->server_then);
		if (r->exit_then == 0)
			world_is_idle(w, 0);
		world_way[0] = '\0';
		world_free(w);
	}
}

/* --- it is not what it was --- */

/* Under the UID of a there is another now. It is not among the newest, by which
 * a server is known. */
static void
another_is_not_copied(void **state)
{
	struct world *w = world_new(IMAPD_FULL);
	struct imapd_message *a;
	char *data;

	(void)state;
	world_do(w, FOUR);
	world_do_many(w, "server add INBOX m", 20, "");
	world_sync_well(w);
	a = imapd_find(imapd_find_box(w->d, "INBOX"), 1);
	a->date += 3600;
	data = a->data;
	a->data = message_text("e~20000", &a->size);
	free(data);
	world_do(w, "disk move INBOX a~20000 Work\n");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	assert_null(strstr(buf_str(&w->d->log), "UID COPY"));
	world_is(w, "ops", buf_str(&w->told.ops), "push Work a~20000\n");
	world_is(w, "items", buf_str(&w->told.items), "INBOX: the server has "
	    "another message under UID 1 than before; it is kept\n");
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_moves),
		cmocka_unit_test(flagged_moves),
		cmocka_unit_test(no_body_travels),
		cmocka_unit_test(trashed_moves),
		cmocka_unit_test(filed_in_two_runs),
		cmocka_unit_test(refused_copies),
		cmocka_unit_test(another_is_not_copied),
	};

	return FLOW_MAIN(tests);
}
