/* Folders, made, renamed and deleted on either side (design section 4, rule
 * 7). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define A "server add INBOX a S\n"
#define WORK A "server add Work b F\nserver add Work c\n"
#define TREE WORK "server add Work/old d S\n"
#define INBOX_A "INBOX: a(S)\n"

/* --- made --- */

#define MADE_THERE(name, server_caps) { \
	.what = "made there, " name, .caps = server_caps, .before = A, \
	.points = 4, \
	.change = "server make Empty\nserver add Work/old b S\n" \
	    "server make Work/old/er\n", \
	.ops = "make-local Empty\nmake-local Work/old\n" \
	    "make-local Work/old/er\npull Work/old b\n", \
	.both = "Empty:\n" INBOX_A "Work/old: b(S)\nWork/old/er:\n" }
#define MADE_HERE(name, server_caps) { \
	.what = "made here, " name, .caps = server_caps, .before = A, \
	.points = 4, \
	.change = "disk make Empty\ndisk add Work/old b S\n" \
	    "disk make Work/old/er\n", \
	.ops = "make-remote Empty\nmake-remote Work/old\n" \
	    "make-remote Work/old/er\npush Work/old b\n", \
	.both = "Empty:\n" INBOX_A "Work/old: b(S)\nWork/old/er:\n" }

static void
skips_some(struct world *w)
{
	w->conf.folders = xrealloc(w->conf.folders,
	    2 * sizeof(*w->conf.folders));
	w->conf.folders[w->conf.n_folders++] = xstrdup("!Skip*");
}

static const struct flow made[] = {
	MADE_THERE("LIST-STATUS", IMAPD_FULL),
	MADE_THERE("an old server", IMAPD_PLAIN),
	MADE_HERE("LIST-STATUS", IMAPD_FULL),
	MADE_HERE("an old server", IMAPD_PLAIN),
	{ .what = "made on both sides", .before = A,
	    .change = "server add Work b S\ndisk add Work c F\n",
	    .ops = "pull Work b\npush Work c\n",
	    .both = INBOX_A "Work: b(S) c(F)\n" },
	/* They are not judged. */
	{ .what = "outside of folders", .before = A, .prepare = skips_some,
	    .change = "server add Skip b\ndisk add Skipped c\n"
		"server add Work d\n",
	    .ops = "make-local Work\npull Work d\n",
	    .server = INBOX_A "Skip: b\nWork: d\n",
	    .disk = INBOX_A "Skipped: c\nWork: d\n",
	    .index = INBOX_A "Work: d\n" },
};

static void
made_folders(void **state)
{
	(void)state;
	flow_check_all(made, ARRAY_SIZE(made));
}

/* --- renamed --- */

#define RENAMED_HERE(name, server_caps) { \
	.what = name, .caps = server_caps, .before = TREE, .points = 4, \
	.change = "disk rename Work Job\n", \
	.ops = "rename-remote Job Work\nrename-remote Job/old Work/old\n", \
	.both = INBOX_A "Job: b(F) c\nJob/old: d(S)\n", \
	.not = FLOW_NOT_DRY }

/* Known by UIDVALIDITY and UIDs: the directory follows. */
#define RENAMED_THERE(name, server_caps) { \
	.what = name, .caps = server_caps, .before = TREE, .points = 4, \
	.change = "server rename Work Job\n", \
	.ops = "rename-local Job Work\n" \
	    "rename-local Job/old Work/old\n", \
	.both = INBOX_A "Job: b(F) c\nJob/old: d(S)\n", \
	.not = FLOW_NOT_DRY }

static const struct flow renamed[] = {
	RENAMED_THERE("renamed there", IMAPD_FULL),
	RENAMED_THERE("renamed there, an old server", IMAPD_PLAIN),
	RENAMED_HERE("renamed here", IMAPD_FULL),
	RENAMED_HERE("renamed here, an old server", IMAPD_PLAIN),
};

static void
renamed_folders(void **state)
{
	(void)state;
	flow_check_all(renamed, ARRAY_SIZE(renamed));
}

/* --- deleted --- */

#define DELETED(name, side, other, server_caps) { \
	.what = name, .caps = server_caps, .before = TREE, .points = 4, \
	.change = side " delete Work/old\n" side " delete Work\n", \
	.ops = "drop-" other " Work\ndrop-" other " Work/old\n" \
	    "remove-" other " Work b\nremove-" other " Work c\n" \
	    "remove-" other " Work/old d\n", \
	.both = INBOX_A }

static void
has_trash(struct world *w)
{
	w->conf.trash = xstrdup("Trash");
}

static const struct flow deleted[] = {
	DELETED("deleted there", "server", "local", IMAPD_FULL),
	DELETED("deleted there, an old server", "server", "local",
	    IMAPD_PLAIN),
	DELETED("deleted here", "disk", "remote", IMAPD_FULL),
	DELETED("deleted here, an old server", "disk", "remote", IMAPD_PLAIN),
	{ .what = "empty ones", .before = A "server make One\n"
		"server make Two\nserver make Three\n",
	    .change = "server delete One\ndisk delete Two\n"
		"server delete Three\ndisk delete Three\n",
	    .ops = "drop-local One\ndrop-remote Two\n", .both = INBOX_A },
	{ .what = "emptied, then deleted", .before = WORK,
	    .change = "server remove Work b\ndisk remove Work c\n"
		"server delete Work\n",
	    .ops = "drop-local Work\nremove-local Work b\n",
	    .both = INBOX_A },
	{ .what = "one below it stays", .before = TREE,
	    .change = "server delete Work\n",
	    .ops = "drop-local Work\nremove-local Work b\n"
		"remove-local Work c\n",
	    .both = INBOX_A "Work/old: d(S)\n" },
	/* Rule 2, of each of its messages. */
	{ .what = "with other flags on the other side",
	    .before = WORK "server add Home d\n",
	    .change = "server delete Work\ndisk flag Work b S\n"
		"disk delete Home\nserver flag Home d FS\n",
	    .ops = "drop-local Work\ndrop-remote Home\n"
		"remove-local Work b\nremove-local Work c\n"
		"remove-remote Home d\n",
	    .both = INBOX_A },
	{ .what = "to the trash", .before = WORK "server make Trash\n",
	    .prepare = has_trash, .change = "disk delete Work\n",
	    .ops = "drop-remote Work\npull Trash b\npull Trash c\n"
		"remove-remote Work b\nremove-remote Work c\n",
	    .both = INBOX_A "Trash: b(F) c\n", .not = FLOW_NOT_DRY },
};

static void
deleted_folders(void **state)
{
	(void)state;
	flow_check_all(deleted, ARRAY_SIZE(deleted));
}

/* --- deleted, and not gone --- */

static const struct flow back[] = {
	{ .what = "deleted there, with new mail here", .before = WORK,
	    .change = "server delete Work\ndisk add Work e S\n",
	    .ops = "make-remote Work\npush Work e\nremove-local Work b\n"
		"remove-local Work c\n",
	    .both = INBOX_A "Work: e(S)\n" },
	{ .what = "deleted there, with new mail here, an old server",
	    .caps = IMAPD_PLAIN, .before = WORK,
	    .change = "server delete Work\ndisk add Work e S\n",
	    .ops = "make-remote Work\npush Work e\nremove-local Work b\n"
		"remove-local Work c\n",
	    .both = INBOX_A "Work: e(S)\n" },
	{ .what = "deleted here, with new mail there", .before = WORK,
	    .change = "disk delete Work\nserver add Work e S\n",
	    .ops = "make-local Work\npull Work e\nremove-remote Work b\n"
		"remove-remote Work c\n",
	    .both = INBOX_A "Work: e(S)\n" },
	{ .what = "deleted here, with new mail there, an old server",
	    .caps = IMAPD_PLAIN, .before = WORK,
	    .change = "disk delete Work\nserver add Work e S\n",
	    .ops = "make-local Work\npull Work e\nremove-remote Work b\n"
		"remove-remote Work c\n",
	    .both = INBOX_A "Work: e(S)\n" },
	{ .what = "INBOX is remade here", .before = WORK
		"server add INBOX d\n", .change = "disk delete INBOX\n",
	    .ops = "make-local INBOX\npull INBOX a\npull INBOX d\n",
	    .both = "INBOX: a(S) d\nWork: b(F) c\n" },
	{ .what = "INBOX is remade there", .before = WORK,
	    .change = "server delete INBOX\n",
	    .ops = "make-remote INBOX\npush INBOX a\n",
	    .both = "INBOX: a(S)\nWork: b(F) c\n" },
	{ .what = "made anew there, with other mail", .before = WORK,
	    .change = "server delete Work\nserver add Work e\n",
	    .ops = "pull Work e\npush Work b\npush Work c\n",
	    .both = INBOX_A "Work: b(F) c e\n",
	    .notes = "Work: the server numbers its messages anew "
		"(UIDVALIDITY); both sides are merged, nothing is deleted\n",
	    .not = FLOW_NOT_DRY },
};

static void
folders_come_back(void **state)
{
	(void)state;
	flow_check_all(back, ARRAY_SIZE(back));
}

/* --- held --- */

#define TEN_IN_WORK \
	"server add Work a\nserver add Work b\nserver add Work c\n" \
	"server add Work d\nserver add Work e\nserver add Work f\n" \
	"server add Work g\nserver add Work h\nserver add Work i\n" \
	"server add Work j\n"
#define IN_WORK "Work: a b c d e f g h i j\n"
#define HELD(gone, kept) \
	"10 of 10 messages of the account (10 of them in Work) are gone from " \
	gone "; all 10 removals on " kept " are held. If that was meant, run " \
	"sync --force-deletes; if not, sync --undo-deletes brings them back\n"

static const struct flow held[] = {
	{ .what = "all that there is, deleted there", .before = TEN_IN_WORK,
	    .change = "server delete Work\n", .ops = "",
	    .server = "INBOX:\n", .disk = "INBOX:\n" IN_WORK,
	    .items = HELD("the server", "disk"), .exit = 1, .points = 3 },
	{ .what = "all that there is, deleted here", .before = TEN_IN_WORK,
	    .change = "disk delete Work\n", .ops = "",
	    .server = "INBOX:\n" IN_WORK, .disk = "INBOX:\n",
	    .items = HELD("the Maildir", "the server"), .exit = 1 },
};

static void
held_folders(void **state)
{
	(void)state;
	flow_check_all(held, ARRAY_SIZE(held));
}

/* --- never racing: it is put aside, looked at, and then deleted --- */

static void
mail_comes(struct imapd *d, void *arg)
{
	(void)d;
	world_do(arg, "server add Work e S\n");
}

static void
begin_deleted(struct world **w)
{
	*w = world_new(IMAPD_FULL);
	world_do(*w, WORK);
	world_sync_well(*w);
	imapd_count((*w)->d);
	world_do(*w, "disk delete Work\n");
}

/* Behind the last look at it under its own name: it keeps the folder. */
static void
mail_behind_the_look(void **state)
{
	struct world *w;

	(void)state;
	begin_deleted(&w);
	imapd_call_at(w->d, "RENAME *", mail_comes, w)->times = 1;
	world_sync_well(w);
	world_is(w, "the notes", buf_str(&w->told.notes), "Work: mail arrived "
	    "while the folder was deleted on the server; it stays, with "
	    "that\n");
	world_is(w, "the server", world_server(w), INBOX_A "Work: e(S)\n");
	imapd_count(w->d);
	world_sync_well(w);
	world_is(w, "the ops", buf_str(&w->told.ops),
	    "make-local Work\npull Work e\n");
	world_is_in_sync(w, INBOX_A "Work: e(S)\n");
	world_is_idle(w, 0);
	world_free(w);
}

/* Behind the renaming: it makes the folder anew. */
static void
mail_behind_the_renaming(void **state)
{
	struct world *w;

	(void)state;
	begin_deleted(&w);
	imapd_call_at(w->d, "DELETE *", mail_comes, w)->times = 1;
	world_sync_well(w);
	world_is(w, "the server", world_server(w), INBOX_A "Work: e(S)\n");
	imapd_count(w->d);
	world_sync_well(w);
	world_is_in_sync(w, INBOX_A "Work: e(S)\n");
	world_is_idle(w, 0);
	world_free(w);
}

static void
and_another_folder(struct imapd *d, void *arg)
{
	(void)d;
	world_do(arg, "server add Work f\n");
}

/* Both: then there are two, and nothing is lost. */
static void
mail_at_both(void **state)
{
	static const char start[] = "INBOX: a(S)\nWork: f\nWork-mailtern-";
	struct world *w;

	(void)state;
	begin_deleted(&w);
	imapd_call_at(w->d, "RENAME *", mail_comes, w)->times = 1;
	imapd_call_at(w->d, "EXAMINE *-mailtern-*", and_another_folder,
	    w)->times = 1;
	world_sync_well(w);
	assert_non_null(strstr(buf_str(&w->told.notes), "Work: there is a new "
	    "folder of that name on the server; what arrived in the deleted "
	    "one is in Work-mailtern-"));
	imapd_count(w->d);
	world_sync_well(w);
	assert_int_equal(strncmp(world_disk(w), start, sizeof(start) - 1), 0);
	assert_non_null(strstr(world_disk(w), ": e(S)\n"));
	world_is_idle(w, 0);
	world_free(w);
}

/* --- refused --- */

static const struct {
	const char *command, *text;
	const char *ops, *items, *server;
	int exit;
} refusals[] = {
	/* It can't be renamed: it is deleted under its own name. */
	{ "RENAME *", "[CANNOT] names are names",
	    "drop-remote Work\nremove-remote Work b\nremove-remote Work c\n",
	    "", INBOX_A, 0 },
	{ "DELETE *", "[NOPERM] not yours", "remove-remote Work b\n"
	    "remove-remote Work c\n", "Work: the server does not delete the "
	    "folder: 127.0.0.1 refused DELETE: not yours\n",
	    INBOX_A "Work:\n", 1 },
	{ "UNSUBSCRIBE *", "no list of these", "drop-remote Work\n"
	    "remove-remote Work b\nremove-remote Work c\n", "", INBOX_A, 0 },
	{ "EXAMINE Work *", "[NOPERM] don't look", "remove-remote Work b\n"
	    "remove-remote Work c\n", "Work: it is gone here and stays on the "
	    "server: 127.0.0.1 refused EXAMINE: don't look\n",
	    INBOX_A "Work:\n", 1 },
};

static void
refused_deletions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct world *w;

		snprintf(world_way, sizeof(world_way), "%s: ",
		    refusals[i].command);
		begin_deleted(&w);
		imapd_add_rule(w->d, refusals[i].command, IMAPD_NO,
		    refusals[i].text);
		assert_int_equal(world_sync(w, NULL, NULL), refusals[i].exit);
		world_is(w, "the ops", buf_str(&w->told.ops),
		    refusals[i].ops);
		world_is(w, "the items", buf_str(&w->told.items),
		    refusals[i].items);
		world_is(w, "the server", world_server(w),
		    refusals[i].server);
		imapd_count(w->d);
		world_sync_well(w);
		world_is_in_sync(w, INBOX_A);
		world_is(w, "the items", world_items(w), "");
		world_free(w);
	}
	world_way[0] = '\0';
}

/* --- what adds comes before what removes --- */

static void
in_order(struct world *w, const char *const *line, size_t n)
{
	const char *at = buf_str(&w->d->log);

	for (size_t i = 0; i < n; i++) {
		const char *next = strstr(at, line[i]);

		if (next == NULL)
			fail_msg("%s does not come there:\n%s", line[i],
			    buf_str(&w->d->log));
		at = next + 1;
	}
}

static void
adding_comes_first(void **state)
{
	static const char *const lines[] = {
		"LIST ", "CREATE Job\n", "UID COPY 1:2 Job\n", "UID EXPUNGE ",
		"EXAMINE Work ", "RENAME Work ", "DELETE Work-mailtern-",
	};
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, WORK);
	world_sync_well(w);
	for (unsigned seed = 0; seed < 4; seed++) {
		imapd_count(w->d);
		imapd_add_rule(w->d, "RENAME Work Job", IMAPD_NO, "no");
		world_do(w, "disk rename Work Job\n");
		assert_int_equal(world_sync(w, NULL, &(struct sched_plan){
		    .seed = seed }), 0);
		in_order(w, lines, ARRAY_SIZE(lines));
		world_is_in_sync(w, INBOX_A "Job: b(F) c\n");
		world_do(w, "disk rename Job Work\n");
		world_sync_well(w);
	}
	world_free(w);
}

/* A folder that can't be made keeps what was moved there where it was. */
static void
no_new_place(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, WORK);
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, "disk rename Work Job\n");
	imapd_add_rule(w->d, "RENAME Work Job", IMAPD_NO, "[CANNOT] no more");
	imapd_add_rule(w->d, "CREATE *", IMAPD_NO, "[CANNOT] no more");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "the server", world_server(w), INBOX_A "Work: b(F) c\n");
	world_is(w, "the disk", world_disk(w), INBOX_A "Job: b(F) c\n");
	world_is(w, "the items", buf_str(&w->told.items), "Job: the server "
	    "does not make the folder: 127.0.0.1 refused CREATE: no more\n");
	imapd_count(w->d);
	world_sync_well(w);
	world_is_in_sync(w, INBOX_A "Job: b(F) c\n");
	world_is_idle(w, 0);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_folders),
		cmocka_unit_test(renamed_folders),
		cmocka_unit_test(deleted_folders),
		cmocka_unit_test(folders_come_back),
		cmocka_unit_test(held_folders),
		cmocka_unit_test(mail_behind_the_look),
		cmocka_unit_test(mail_behind_the_renaming),
		cmocka_unit_test(mail_at_both),
		cmocka_unit_test(refused_deletions),
		cmocka_unit_test(adding_comes_first),
		cmocka_unit_test(no_new_place),
	};

	return FLOW_MAIN(tests);
}
