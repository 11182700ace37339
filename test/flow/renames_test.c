/*
 * A folder that is renamed on disk is renamed on the server, with what lies in
 * it, and nothing in it is transferred (design section 4, rule 7).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define A "server add INBOX a S\n"
#define INBOX_A "INBOX: a(S)\n"
#define WORK A "server add Work b F\nserver add Work c\nserver add Work d S\n"
#define IN_WORK "b(F) c d(S)\n"
#define OBJECTS IMAPD_FULL " OBJECTID"

#define MOVED_TO(folder) \
	"move-remote " folder " b from Work\nmove-remote " folder " c from " \
	"Work\nmove-remote " folder " d from Work\n"

#define RENAMED(name, server_caps, how) { \
	.what = name, .caps = server_caps, .prepare = how, .before = WORK, \
	.points = 4, .change = "disk rename Work Old\n", \
	.ops = "rename-remote Old Work\n", \
	.both = INBOX_A "Old: " IN_WORK, .not = FLOW_NOT_DRY }

static const struct flow renamed[] = {
	RENAMED("renamed", IMAPD_FULL, NULL),
	RENAMED("renamed, an old server", IMAPD_PLAIN, NULL),
	RENAMED("renamed, by id", OBJECTS, NULL),
	{ .what = "with what lies in it", .before = WORK
		"server add Work/sub e\nserver add Work/sub/low f\n"
		"server make Work/none\n",
	    .change = "disk rename Work Old\n",
	    .ops = "rename-remote Old Work\nrename-remote Old/none Work/none\n"
		"rename-remote Old/sub Work/sub\n"
		"rename-remote Old/sub/low Work/sub/low\n",
	    .both = INBOX_A "Old: " IN_WORK "Old/none:\nOld/sub: e\n"
		"Old/sub/low: f\n", .not = FLOW_NOT_DRY },
	{ .what = "under another folder", .before = WORK "server add Top e\n",
	    .change = "disk rename Work Top/Old\n",
	    .ops = "rename-remote Top/Old Work\n",
	    .both = INBOX_A "Top: e\nTop/Old: " IN_WORK,
	    .not = FLOW_NOT_DRY },
	/* Nothing is known of those that came behind it. */
	{ .what = "with changes on both sides", .before = WORK,
	    .change = "disk rename Work Old\ndisk add Old e\n"
		"disk remove Old c\ndisk flag Old d RS\nserver add Work f\n"
		"server flag Work b FS\n",
	    .ops = "flag-local Old b +\\Seen\nflag-remote Old d +\\Answered\n"
		"pull Old f\npush Old e\nremove-remote Old c\n"
		"rename-remote Old Work\n",
	    .both = INBOX_A "Old: b(FS) d(RS) e f\n",
	    .not = FLOW_NOT_DRY },
	{ .what = "and made anew", .before = WORK,
	    .change = "disk rename Work Old\ndisk add Work e\n",
	    .ops = "make-remote Old\n" MOVED_TO("Old") "push Work e\n",
	    .both = INBOX_A "Old: " IN_WORK "Work: e\n", },
	{ .what = "in its case", .before = WORK,
	    .change = "disk rename Work work\n",
	    .ops = "rename-remote work Work\n",
	    .both = INBOX_A "work: " IN_WORK, .not = FLOW_NOT_DRY },
};

static void
renamed_here(void **state)
{
	(void)state;
	flow_check_all(renamed, ARRAY_SIZE(renamed));
}

/* --- what a RENAME would do besides --- */

static void
skips_some(struct world *w)
{
	w->conf.folders = xrealloc(w->conf.folders,
	    2 * sizeof(*w->conf.folders));
	w->conf.folders[w->conf.n_folders++] = xstrdup("!Work/skip*");
}

#define COPIED(folder) "drop-remote Work\nmake-remote " folder "\n" \
	MOVED_TO(folder)

static const struct flow copied[] = {
	/* What is not ours to move. */
	{ .what = "with one inside that is not synced", .before = WORK
		"server add Work/skip e\n",
	    .prepare = skips_some, .change = "disk rename Work Old\n",
	    .ops = COPIED("Old"),
	    .server = INBOX_A "Old: " IN_WORK "Work/skip: e\n",
	    .disk = INBOX_A "Old: " IN_WORK, .not = FLOW_ONCE },
	/* Nobody here has seen it. */
	{ .what = "with a new one inside", .before = WORK,
	    .change = "disk rename Work Old\nserver add Work/more e\n",
	    .ops = "drop-remote Work\nmake-local Work/more\n"
		"make-remote Old\n" MOVED_TO("Old") "pull Work/more e\n",
	    .both = INBOX_A "Old: " IN_WORK "Work/more: e\n",
	    .not = FLOW_ONCE },
	{ .what = "and one inside is not", .before = WORK
		"server add Work/sub e\n",
	    .change = "disk rename Work Tmp\ndisk make Work/sub\n"
		"disk rename Work/sub Gone\ndisk rename Tmp/sub Work/sub\n"
		"disk rename Tmp Old\ndisk delete Gone\n",
	    .ops = "drop-remote Work\nmake-remote Old\n" MOVED_TO("Old"),
	    .both = INBOX_A "Old: " IN_WORK "Work/sub: e\n",
	    .not = FLOW_ONCE },
	{ .what = "to a name that is taken", .before = WORK,
	    .change = "disk rename Work Old\nserver add Old e\n",
	    .ops = "drop-remote Work\n" MOVED_TO("Old") "pull Old e\n",
	    .both = INBOX_A "Old: b(F) c d(S) e\n" },
	{ .what = "into itself", .before = WORK,
	    .change = "disk rename Work Tmp\ndisk make Work/x\n"
		"disk rename Tmp Work/Old\ndisk delete Work/x\n",
	    .ops = COPIED("Work/Old"),
	    .both = INBOX_A "Work/Old: " IN_WORK, .not = FLOW_ONCE },
	/* Two of three were moved by hand, and the folder deleted. */
	{ .what = "most of it", .before = WORK,
	    .change = "disk make Old\ndisk move Work b Old\n"
		"disk delete Work\n",
	    .ops = "drop-remote Work\nmake-remote Old\n"
		"move-remote Old b from Work\nremove-remote Work c\n"
		"remove-remote Work d\n",
	    .both = INBOX_A "Old: b(F)\n" },
	{ .what = "two change places", .before = WORK "server add Job e\n",
	    .change = "disk rename Work Tmp\ndisk rename Job Work\n"
		"disk rename Tmp Job\n",
	    .ops = "move-remote Job b from Work\nmove-remote Job c from Work\n"
		"move-remote Job d from Work\nmove-remote Work e from Job\n",
	    .both = INBOX_A "Job: " IN_WORK "Work: e\n" },
};

static void
not_by_rename(void **state)
{
	(void)state;
	flow_check_all(copied, ARRAY_SIZE(copied));
}

/* --- renamed there as well --- */

static const struct flow both_sides[] = {
	{ .what = "to the same name", .before = WORK,
	    .change = "disk rename Work Old\nserver rename Work Old\n",
	    .ops = "rename-local Old Work\n", .both = INBOX_A "Old: " IN_WORK,
	    .not = FLOW_NOT_DRY },
	{ .what = "to the same name, and marked on both", .before = WORK,
	    .change = "disk rename Work Old\ndisk flag Old d RS\n"
		"disk flag Old b \nserver rename Work Old\n"
		"server flag Old d FS\n",
	    .ops = "flag-local Old d +\\Flagged\n"
		"flag-remote Old b -\\Flagged\n"
		"flag-remote Old d +\\Answered\nrename-local Old Work\n",
	    .both = INBOX_A "Old: b c d(FRS)\n", .not = FLOW_NOT_DRY },
	/* The server's wins, once. */
	{ .what = "to another name", .before = WORK,
	    .change = "disk rename Work Here\nserver rename Work There\n",
	    .ops = "rename-local There Work\n",
	    .both = INBOX_A "There: " IN_WORK, .not = FLOW_NOT_DRY },
	{ .what = "to another name, with what lies in it", .before = WORK
		"server add Work/sub e\nserver make Work/none\n",
	    .change = "disk rename Work Here\nserver rename Work There\n",
	    .ops = "rename-local There Work\n"
		"rename-local There/sub Work/sub\n",
	    .both = INBOX_A "There: " IN_WORK "There/none:\nThere/sub: e\n",
	    .not = FLOW_NOT_DRY },
	{ .what = "and deleted there", .before = WORK,
	    .change = "disk rename Work Old\nserver delete Work\n",
	    .ops = "make-remote Old\npush Old b\npush Old c\npush Old d\n",
	    .both = INBOX_A "Old: " IN_WORK },
};

static void
renamed_on_both(void **state)
{
	(void)state;
	flow_check_all(both_sides, ARRAY_SIZE(both_sides));
}

/* --- a server that does not, or says that it did --- */

static const struct refusal {
	const char *what;
	enum imapd_action action;
	const char *ops;
} refusals[] = {
	{ "refused", IMAPD_NO, COPIED("Old") },
	{ "not known", IMAPD_BAD, COPIED("Old") },
	{ "OK, and it is not", IMAPD_OK, COPIED("Old") },
	{ "lost, and it is not", IMAPD_CUT, COPIED("Old") },
	{ "lost, and it is", IMAPD_CUT_BEHIND, "rename-remote Old Work\n" },
};

static void
refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];
		struct world *w = world_new(IMAPD_FULL);

		snprintf(world_way, sizeof(world_way), "%s: ", r->what);
		world_do(w, WORK);
		world_sync_well(w);
		imapd_count(w->d);
		imapd_add_rule(w->d, "RENAME Work Old", r->action, "no");
		world_do(w, "disk rename Work Old\n");
		world_sync_well(w);
		world_is(w, "ops", buf_str(&w->told.ops), r->ops);
		assert_int_equal(world_asked(w, "RENAME Work Old"), 1);
		assert_int_equal(world_asked(w, "BODY.PEEK[]"), 0);
		assert_int_equal(world_asked(w, "APPEND"), 0);
		world_is_in_sync(w, INBOX_A "Old: " IN_WORK);
		world_is_idle(w, 0);
		world_way[0] = '\0';
		world_free(w);
	}
}

/* Courier numbers what it renames anew: known by content then. */
static void
numbered_anew(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	w->d->renames_anew = true;
	world_do(w, WORK);
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, "disk rename Work Old\n");
	world_sync_well(w);
	world_is(w, "ops", buf_str(&w->told.ops), "rename-remote Old Work\n");
	world_is_in_sync(w, INBOX_A "Old: " IN_WORK);
	world_is_idle(w, 0);
	world_free(w);
}

/* Dry, it is said; and what an old backup brings back is no rename. */
static void
told_by_a_dry_run(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, WORK);
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, "disk rename Work Old\n");
	assert_int_equal(world_sync(w, &(struct sync_options){
	    .dry_run = true }, NULL), 0);
	world_changed_nothing(w);
	world_is(w, "the notes", buf_str(&w->told.notes), "Work: it is called "
	    "Old on disk now; a sync renames it on the server\n");
	world_sync_well(w);
	world_is(w, "the ops", buf_str(&w->told.ops),
	    "rename-remote Old Work\n");
	world_is_in_sync(w, INBOX_A "Old: " IN_WORK);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renamed_here),
		cmocka_unit_test(not_by_rename),
		cmocka_unit_test(renamed_on_both),
		cmocka_unit_test(refused),
		cmocka_unit_test(numbered_anew),
		cmocka_unit_test(told_by_a_dry_run),
	};

	return FLOW_MAIN(tests);
}
