/*
 * Which folder is which when names do not tell: renamed there and made anew,
 * names that differ in case, names that LIST does not show (design section 4,
 * rule 7; section 5, "Roots and folders").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "flow.h"

#define A "server add INBOX a S\n"
#define INBOX_A "INBOX: a(S)\n"
#define WORK A "server add Work b F\nserver add Work c\nserver add Work d S\n"
#define IN_WORK "b(F) c d(S)\n"
#define OBJECTS IMAPD_FULL " OBJECTID"

/* --- renamed there, and made anew under the old name --- */

#define ANEW(name, server_caps) { \
	.what = name, .caps = server_caps, .before = WORK, \
	.change = "server rename Work Old\nserver add Work e\n", \
	.ops = "make-local Work\npull Work e\nrename-local Old Work\n", \
	.both = INBOX_A "Old: " IN_WORK "Work: e\n", .not = FLOW_NOT_DRY }


static void
skips_some(struct world *w)
{
	w->conf.folders = xrealloc(w->conf.folders,
	    2 * sizeof(*w->conf.folders));
	w->conf.folders[w->conf.n_folders++] = xstrdup("!Skip*");
}

static const struct flow anew[] = {
	ANEW("and made anew", IMAPD_FULL),
	ANEW("and made anew, an old server", IMAPD_PLAIN),
	ANEW("and made anew, by id", OBJECTS),
	{ .what = "one after the other", .before = WORK "server add Job e\n",
	    .change = "server rename Job Past\nserver rename Work Job\n",
	    .ops = "rename-local Job Work\nrename-local Past Job\n",
	    .both = INBOX_A "Job: " IN_WORK "Past: e\n",
	    .not = FLOW_NOT_DRY },
	/* Neither name is free: what they hold is new there, and gone here. */
	{ .what = "the names change places", .before = WORK
		"server add Job e\n",
	    .change = "server rename Job Tmp\nserver rename Work Job\n"
		"server rename Tmp Work\n",
	    .ops = "pull Job b\npull Job c\npull Job d\npull Work e\n"
		"remove-local Job e\nremove-local Work b\n"
		"remove-local Work c\nremove-local Work d\n",
	    .both = INBOX_A "Job: " IN_WORK "Work: e\n",
	    .not = FLOW_NOT_DRY | FLOW_ONCE },
	/* Nothing is known of those that came behind it. */
	{ .what = "with changes on both sides", .before = WORK,
	    .change = "disk add Work e\ndisk remove Work c\n"
		"disk flag Work d RS\nserver add Work f\n"
		"server rename Work Old\nserver add Work g\n",
	    .ops = "flag-remote Old d +\\Answered\nmake-local Work\n"
		"pull Old f\npull Work g\npush Old e\nremove-remote Old c\n"
		"rename-local Old Work\n",
	    .both = INBOX_A "Old: b(F) d(RS) e f\nWork: g\n",
	    .not = FLOW_NOT_DRY },
	{ .what = "without what lies in it", .before = WORK
		"server add Work/sub e\n",
	    .change = "server rename Work Old\nserver rename Old/sub Work/sub\n"
		"server add Work f\n",
	    .ops = "make-local Old\npull Old b\npull Old c\npull Old d\n"
		"pull Work f\nremove-local Work b\nremove-local Work c\n"
		"remove-local Work d\n",
	    .both = INBOX_A "Old: " IN_WORK "Work: f\nWork/sub: e\n",
	    .not = FLOW_NOT_DRY | FLOW_ONCE },
	{ .what = "and the directory is taken", .before = WORK,
	    .change = "server rename Work Old\ndisk add Old e\n"
		"server add Work f\n",
	    .ops = "pull Old b\npull Old c\npull Old d\npull Work f\n"
		"push Old e\nremove-local Work b\nremove-local Work c\n"
		"remove-local Work d\n",
	    .both = INBOX_A "Old: " "b(F) c d(S) e\nWork: f\n",
	    .not = FLOW_NOT_DRY | FLOW_ONCE },
	{ .what = "to outside of folders", .before = WORK,
	    .prepare = skips_some,
	    .change = "server rename Work Skip\nserver add Work f\n",
	    .ops = "pull Work f\nremove-local Work b\nremove-local Work c\n"
		"remove-local Work d\n",
	    .server = INBOX_A "Skip: " IN_WORK "Work: f\n",
	    .disk = INBOX_A "Work: f\n", .not = FLOW_NOT_DRY | FLOW_ONCE },
	{ .what = "and deleted here", .before = WORK,
	    .change = "server rename Work Old\ndisk delete Work\n",
	    .ops = "make-local Old\npull Old b\npull Old c\npull Old d\n",
	    .both = INBOX_A "Old: " IN_WORK,
	    .not = FLOW_NOT_DRY | FLOW_ONCE },
	/* What had the name is gone: no merge brings it back. */
	{ .what = "to the name of one that was deleted", .before = WORK
		"server add Job e\n",
	    .change = "server delete Work\nserver rename Job Work\n",
	    .ops = "drop-local Job\npull Work e\nremove-local Job e\n"
		"remove-local Work b\nremove-local Work c\n"
		"remove-local Work d\n",
	    .both = INBOX_A "Work: e\n",
	    .not = FLOW_NOT_DRY | FLOW_ONCE },
	{ .what = "in its case", .before = WORK,
	    .change = "server rename Work work\n",
	    .ops = "rename-local work Work\n",
	    .both = INBOX_A "work: " IN_WORK, .not = FLOW_NOT_DRY },
	{ .what = "into itself", .before = WORK,
	    .change = "server rename Work Tmp\nserver rename Tmp Work/Old\n",
	    .ops = "drop-local Work\nmake-local Work/Old\npull Work/Old b\n"
		"pull Work/Old c\npull Work/Old d\nremove-local Work b\n"
		"remove-local Work c\nremove-local Work d\n",
	    .both = INBOX_A "Work/Old: " IN_WORK,
	    .not = FLOW_NOT_DRY | FLOW_ONCE },
};

static void
renamed_there(void **state)
{
	(void)state;
	flow_check_all(anew, ARRAY_SIZE(anew));
}

/* Servers on which all folders count from one UIDVALIDITY: headers tell. */
static void
one_uidvalidity(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	w->d->next_uidvalidity = 7;
	world_do(w, A "server add Work b F\n");
	w->d->next_uidvalidity = 7;
	world_do(w, "server add Other x\n");
	w->d->next_uidvalidity = 7;
	world_sync_well(w);
	imapd_count(w->d);
	w->d->next_uidvalidity = 7;
	world_do(w, "server rename Work Old\nserver make Work\n");
	world_sync_well(w);
	world_is(w, "the ops", buf_str(&w->told.ops),
	    "make-local Work\nrename-local Old Work\n");
	world_is_in_sync(w, INBOX_A "Old: b(F)\nOther: x\nWork:\n");
	world_is_idle(w, 0);
	world_free(w);
}

/* The server does not tell what is in the folder of the other name. */
static void
unanswered(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, WORK);
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, "server rename Work Old\nserver add Work e\n");
	imapd_add_rule(w->d, "UID FETCH *HEADER*", IMAPD_NO,
	    "[UNAVAILABLE] later");
	assert_int_equal(world_sync(w, NULL, NULL), 75);
	world_is(w, "the ops", buf_str(&w->told.ops), "");
	world_is(w, "the disk", world_disk(w), INBOX_A "Work: " IN_WORK);
	imapd_count(w->d);
	world_sync_well(w);
	world_is_in_sync(w, INBOX_A "Old: " IN_WORK "Work: e\n");
	world_free(w);
}

/* A dry run says so, and changes nothing of what comes of it. */
static void
told_by_a_dry_run(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, WORK);
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, "server rename Work Old\nserver add Work e\n");
	assert_int_equal(world_sync(w, &(struct sync_options){
	    .dry_run = true }, NULL), 0);
	world_is(w, "the notes", buf_str(&w->told.notes), "Work: it is called "
	    "Old on the server now; a sync takes that over\n");
	world_is(w, "the disk", world_disk(w), INBOX_A "Work: " IN_WORK);
	world_sync_well(w);
	world_is(w, "the ops", buf_str(&w->told.ops),
	    "make-local Work\npull Work e\nrename-local Old Work\n");
	world_is_in_sync(w, INBOX_A "Old: " IN_WORK "Work: e\n");
	world_free(w);
}

/* --- case --- */

static const struct flow cases[] = {
	{ .what = "twins there", .before = WORK "server add work e\n",
	    .change = "server add Work f\nserver add work g\n",
	    .ops = "pull Work f\npull work g\n",
	    .both = INBOX_A "Work: b(F) c d(S) f\nwork: e g\n" },
	{ .what = "a twin is made here", .before = WORK,
	    .change = "disk add work e\ndisk add Job f\ndisk add JOB g\n",
	    .ops = "make-remote JOB\nmake-remote Job\nmake-remote work\n"
		"push JOB g\npush Job f\npush work e\n",
	    .both = INBOX_A "JOB: g\nJob: f\nWork: " IN_WORK "work: e\n" },
	{ .what = "renamed in its case here", .before = WORK,
	    .change = "disk rename Work work\n",
	    .ops = "rename-remote work Work\n",
	    .both = INBOX_A "work: " IN_WORK,
	    .not = FLOW_ONCE | FLOW_NOT_DRY },
	{ .what = "a twin of INBOX here", .before = A
		"disk add Inbox a S\ndisk add Inbox b S\n",
	    .change = "", .ops = "push INBOX b\n",
	    .server = "INBOX: a(S) b(S)\n", .disk = "Inbox: a(S) b(S)\n",
	    .not = FLOW_FIRST | FLOW_ONCE },
	{ .what = "INBOX renamed in its case here", .before = A,
	    .change = "disk rename INBOX InBox\nserver add INBOX b\n",
	    .ops = "pull INBOX b\n",
	    .server = "INBOX: a(S) b\n", .disk = "InBox: a(S) b\n" },
};

static void
case_counts(void **state)
{
	(void)state;
	flow_check_all(cases, ARRAY_SIZE(cases));
}

/* Where the server takes both for one, so are the directories. */
static void
server_folds(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	w->d->folds = true;
	world_do(w, WORK "server add Job e\n");
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, "disk rename Work work\ndisk add work f\n");
	world_sync_well(w);
	world_is(w, "the ops", buf_str(&w->told.ops), "push Work f\n");
	world_is(w, "the disk", world_disk(w), INBOX_A "Job: e\n"
	    "work: b(F) c d(S) f\n");
	world_is_idle(w, 0);
	/* A second directory of one mailbox is none. */
	imapd_count(w->d);
	world_do(w, "disk add JOB g\n");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "the items", buf_str(&w->told.items), "Job: the directory "
	    "JOB is that folder, too, and is left alone; move what is in it to "
	    "Job, and remove it\n");
	world_is(w, "the server", world_server(w), INBOX_A "Job: e\n"
	    "Work: b(F) c d(S) f\n");
	world_free(w);
}

/* --- what LIST does not show --- */

/* For a while: then it is as it was. */
static void
list_gap(void **state)
{
	static const char *const caps[] = {
		IMAPD_FULL, IMAPD_PLAIN, IMAPD_CONDSTORE,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		struct world *w = world_new(caps[i]);

		world_do(w, WORK "server add Work/sub e\n");
		world_sync_well(w);
		imapd_count(w->d);
		w->d->away = "Work*";
		assert_int_equal(world_sync(w, NULL, NULL), 75);
		world_is(w, "the ops", buf_str(&w->told.ops), "");
		clock_move(3000);
		assert_int_equal(world_sync(w, NULL, NULL), 75);
		w->d->away = NULL;
		world_do(w, "server add Work f\ndisk remove Work c\n");
		world_sync_well(w);
		world_is_in_sync(w, INBOX_A "Work: b(F) d(S) f\nWork/sub: e\n");
		world_is_idle(w, 0);
		/* Healed: the hour begins anew. */
		clock_move(4000);
		w->d->away = "Work*";
		assert_int_equal(world_sync(w, NULL, NULL), 75);
		clock_move(3601);
		world_sync_well(w);
		world_is(w, "the disk", world_disk(w), INBOX_A);
		world_free(w);
	}
}

/* What a folder was may be among those that are not shown: merged with what has
 * its name now it would be there twice. */
static void
renamed_in_a_gap(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, WORK "server add Job e\n");
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, "server rename Work Old\nserver add Work f\n"
	    "server add INBOX g\n");
	w->d->away = "[JO]*";
	assert_int_equal(world_sync(w, NULL, NULL), 75);
	world_is(w, "the ops", buf_str(&w->told.ops), "pull INBOX g\n");
	assert_non_null(strstr(buf_str(&w->told.notes), "Work: the server "
	    "numbers its messages anew (UIDVALIDITY), and does not list all "
	    "folders that were there; it is left as it is until that is "
	    "clear\n"));
	w->d->away = NULL;
	world_sync_well(w);
	world_is(w, "the ops", buf_str(&w->told.ops),
	    "make-local Work\npull Work f\nrename-local Old Work\n");
	world_is_in_sync(w, "INBOX: a(S) g\nJob: e\nOld: " IN_WORK
	    "Work: f\n");
	world_is_idle(w, 0);
	world_free(w);
}

/* Believed at last, but held; then it comes back. */
static void
held_then_healed(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do_many(w, "server add Work m", 60, "");
	world_sync_well(w);
	imapd_count(w->d);
	w->d->away = "Work";
	assert_int_equal(world_sync(w, NULL, NULL), 75);
	clock_move(3601);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	w->d->away = NULL;
	world_do(w, "disk flag Work m7 FS\nserver flag Work m8 S\n");
	world_sync_well(w);
	world_is(w, "the ops", buf_str(&w->told.ops),
	    "flag-local Work m8 +\\Seen\nflag-remote Work m7 +\\Flagged "
	    "+\\Seen\n");
	world_is_idle(w, 0);
	world_free(w);
}

/* Servers that have words for a folder that is gone, and no code. */
#define WORDS		"Mailbox does not exist"
#define MANY A \
	"server add Work b\nserver add Work/one c\nserver add Work/two d\n" \
	"server add Work/two/three e\nserver add Work/four f\n" \
	"server add Job g\nserver add Play h\nserver add Rest i\n"

static struct world *
world_with_words(const char *caps, const char *row, const char *words)
{
	struct world *w = world_new(caps);

	if (row != NULL) {
		w->conf.quirks = xcalloc(1, sizeof(*w->conf.quirks));
		w->conf.quirks[w->conf.n_quirks++] = xstrdup(row);
	}
	w->d->absent = words;
	world_do(w, MANY);
	world_sync_well(w);
	imapd_count(w->d);
	return w;
}

static void
gone_in_words(void **state)
{
	static const char *const caps[] = {
		IMAPD_FULL, IMAPD_PLAIN, IMAPD_CONDSTORE,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		struct world *w = world_with_words(caps[i], "cyrus-absent",
		    WORDS);

		/* A tree is one. */
		world_do(w, "server delete Work\nserver delete Work/one\n"
		    "server delete Work/two\nserver delete Work/two/three\n"
		    "server delete Work/four\n");
		world_sync_well(w);
		world_is_in_sync(w, INBOX_A "Job: g\nPlay: h\nRest: i\n");
		world_is_idle(w, 0);
		imapd_count(w->d);
		world_do(w, "server delete Job\nserver delete Rest\n");
		world_sync_well(w);
		world_is_in_sync(w, INBOX_A "Play: h\n");
		world_do(w, "server delete Play\n");
		world_sync_well(w);
		world_is_in_sync(w, INBOX_A);
		world_free(w);
	}
}

static const struct {
	const char *row, *words;
} unsaid[] = {
	{ NULL, WORDS },
	{ "dovecot-absent", WORDS },
	{ "cyrus-absent", "Permission denied" },
	{ "cyrus-absent", "[UNAVAILABLE] " WORDS },
	{ "cyrus-absent", "[NOPERM] " WORDS },
	{ "cyrus-absent", "Das Postfach gibt es nicht" },
};

static void
not_said_that_it_is_gone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unsaid); i++) {
		struct world *w = world_with_words(IMAPD_FULL, unsaid[i].row,
		    unsaid[i].words);

		world_do(w, "server delete Job\n");
		assert_int_equal(world_sync(w, NULL, NULL), 75);
		world_is(w, "the ops", buf_str(&w->told.ops), "");
		world_is(w, "the notes", buf_str(&w->told.notes),
		    "Job: the server does not list it any more, and does not "
		    "say that it is gone; it is left as it is until a run in "
		    "an hour or later finds the same\n");
		clock_move(3601);
		world_sync_well(w);
		world_is(w, "the ops", buf_str(&w->told.ops),
		    "drop-local Job\nremove-local Job g\n");
		world_free(w);
	}
}

/* Deleted, and listed still, as what lies in it is there. */
static void
listed_although_it_is_gone(void **state)
{
	static const char *const caps[] = {
		IMAPD_FULL, IMAPD_PLAIN, IMAPD_CONDSTORE,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		struct world *w = world_with_words(caps[i], "cyrus-absent",
		    WORDS);

		w->d->phantom = "Work";
		world_do(w, "server delete Work\n");
		world_sync_well(w);
		world_is(w, "the ops", buf_str(&w->told.ops),
		    "drop-local Work\nremove-local Work b\n");
		world_is_in_sync(w, INBOX_A "Job: g\nPlay: h\nRest: i\n"
		    "Work/four: f\nWork/one: c\nWork/two: d\n"
		    "Work/two/three: e\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* As on a server that has lost sight of a disk: for words alone it is too much,
 * and what comes back is what it was. */
static const char *const too_much[] = { "[!I]*", "[JPRW]*", "*[!r]" };

static void
too_many_gone_in_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(too_much); i++) {
		struct world *w = world_with_words(IMAPD_FULL,
		    "cyrus-absent", WORDS);

		w->d->away = too_much[i];
		assert_int_equal(world_sync(w, NULL, NULL), 75);
		world_is(w, "the ops", buf_str(&w->told.ops), "");
		assert_non_null(strstr(buf_str(&w->told.notes),
		    "Job: the server does not list it any more, and many "
		    "others neither; it is left as it is until a run in an "
		    "hour or later finds the same (or --force-deletes says so)"
		    "\n"));
		w->d->away = NULL;
		world_sync_well(w);
		world_is(w, "the ops", buf_str(&w->told.ops), "");
		world_is_idle(w, 0);
		world_free(w);
	}
}

static void
many_are_gone_in_words_indeed(void **state)
{
	static const struct {
		struct sync_options opt;
		const char *both;
		unsigned hours;
	} way[] = {
		{ { .force_deletes = false }, INBOX_A, 1 },
		{ { .force_deletes = true }, INBOX_A, 0 },
		{ { .undo_deletes = true }, INBOX_A "Job: g\nPlay: h\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(way); i++) {
		struct world *w = world_new(IMAPD_FULL);

		w->conf.quirks = xcalloc(1, sizeof(*w->conf.quirks));
		w->conf.quirks[w->conf.n_quirks++] = xstrdup("cyrus-absent");
		w->d->absent = WORDS;
		world_do(w, A "server add Job g\nserver add Play h\n");
		world_sync_well(w);
		imapd_count(w->d);
		world_do(w, "server delete Job\nserver delete Play\n");
		assert_int_equal(world_sync(w, NULL, NULL), 75);
		clock_move(3601 * way[i].hours);
		assert_int_equal(world_sync(w, &way[i].opt, NULL), 0);
		world_is_in_sync(w, way[i].both);
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* There, and not shown. */
static void
hidden(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	w->d->hidden = "Work";
	world_do(w, A "disk add Work b S\n");
	world_sync_well(w);
	world_do(w, "server add Work c\n");
	world_sync_well(w);
	world_is_in_sync(w, INBOX_A "Work: b(S) c\n");
	world_is_idle(w, 0);
	w->d->hidden = "INBOX";
	world_do(w, "server add INBOX d\ndisk add INBOX e S\n");
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a(S) d e(S)\nWork: b(S) c\n");
	world_is_idle(w, 0);
	world_free(w);
}

static void
hidden_from_the_first(void **state)
{
	struct world *w = world_new(IMAPD_PLAIN);

	(void)state;
	w->d->hidden = "INBOX";
	world_do(w, WORK);
	world_sync_well(w);
	world_is_in_sync(w, INBOX_A "Work: " IN_WORK);
	world_is_idle(w, 0);
	world_free(w);
}

/* --- what is passed over is named --- */

static const struct {
	const char *mailbox, *item;
} odd[] = {
	{ "Work//sub", "Work//sub: a level of its name is empty, and no "
	    "directory can have that name; rename the folder on the server, or "
	    "take it out of `folders`\n" },
	{ "Work/", "Work/: a level of its name is empty, and no directory can "
	    "have that name; rename the folder on the server, or take it out "
	    "of `folders`\n" },
	{ "/Work", "/Work: a level of its name is empty, and no directory can "
	    "have that name; rename the folder on the server, or take it out "
	    "of `folders`\n" },
	{ "Entw\xc3\xbcrfe", "Entw\xc3\xbcrfe: another folder of the server has "
	    "the same name, written in another way; rename one of them "
	    "there\n" },
};

static void
passed_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		struct world *w = world_new(i % 2 == 0 ? IMAPD_FULL :
		    IMAPD_PLAIN);

		world_do(w, A "server make Entw&APw-rfe\n");
		imapd_make_box(w->d, odd[i].mailbox);
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_is(w, "the items", buf_str(&w->told.items), odd[i].item);
		world_is_idle(w, 1);
		/* Whoever can live with that says so. */
		w->conf.folders = xrealloc(w->conf.folders,
		    2 * sizeof(*w->conf.folders));
		w->conf.folders[w->conf.n_folders++] = xasprintf("!%s",
		    odd[i].mailbox);
		world_is_idle(w, 0);
		world_free(w);
	}
}

static void
too_long(void **state)
{
	struct world *w = world_new(IMAPD_FULL);
	char name[1500];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	world_do(w, A);
	imapd_make_box(w->d, name);
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	assert_non_null(strstr(buf_str(&w->told.items),
	    "nnn...: its name is too long; "));
	world_free(w);
}

static void
outside_of_the_namespace(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	w->d->namespace = "INBOX/";
	world_do(w, A "server add INBOX/Work b S\nserver make Public/all\n");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "the items", buf_str(&w->told.items), "Public/all: it lies "
	    "outside of the personal namespace, and is not synchronised; take "
	    "it out of `folders`\n");
	world_is(w, "the disk", world_disk(w), INBOX_A "Work: b(S)\n");
	/* It is refused once: what is known is what it was, and what is made
	 * goes where it went before. */
	imapd_count(w->d);
	imapd_add_rule(w->d, "NAMESPACE", IMAPD_NO, "later");
	world_do(w, "server add INBOX/Work c\ndisk add Neu d S\n");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "the server", world_server(w), INBOX_A
	    "INBOX/Neu: d(S)\nINBOX/Work: b(S) c\nPublic/all:\n");
	world_is(w, "the disk", world_disk(w), INBOX_A "Neu: d(S)\n"
	    "Work: b(S) c\n");
	/* It answers something else. */
	imapd_count(w->d);
	w->d->namespace = "";
	world_do(w, "server add INBOX/Work e\n");
	world_sync_well(w);
	world_is(w, "the disk", world_disk(w), INBOX_A "Neu: d(S)\n"
	    "Public/all:\nWork: b(S) c e\n");
	world_is_idle(w, 0);
	world_free(w);
}

/* Web mail and phones show what is subscribed. */
static void
subscribed(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, A);
	world_sync_well(w);
	imapd_count(w->d);
	world_do(w, "disk add Work b S\n");
	world_sync_well(w);
	assert_non_null(strstr(buf_str(&w->d->log), "\nSUBSCRIBE Work\n"));
	imapd_count(w->d);
	imapd_add_rule(w->d, "SUBSCRIBE *", IMAPD_NO, "no such list");
	world_do(w, "disk add Job c S\n");
	world_sync_well(w);
	world_is_in_sync(w, INBOX_A "Job: c(S)\nWork: b(S)\n");
	world_free(w);
}

static void
root_is_a_folder(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, A "disk make cur\n");
	for (size_t i = 0; i < 3; i++) {
		static const char *const part[] = { "cur", "new", "tmp" };
		char *path = xasprintf("%s/%s", w->root, part[i]);

		(void)mkdir(path, 0700);
		free(path);
	}
	assert_int_equal(world_sync(w, NULL, NULL), 78);
	assert_non_null(strstr(buf_str(&w->told.items),
	    "the Maildir DIR/mail is a folder itself: it has cur, new and "
	    "tmp"));
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renamed_there),
		cmocka_unit_test(one_uidvalidity),
		cmocka_unit_test(unanswered),
		cmocka_unit_test(told_by_a_dry_run),
		cmocka_unit_test(case_counts),
		cmocka_unit_test(server_folds),
		cmocka_unit_test(list_gap),
		cmocka_unit_test(renamed_in_a_gap),
		cmocka_unit_test(held_then_healed),
		cmocka_unit_test(gone_in_words),
		cmocka_unit_test(listed_although_it_is_gone),
		cmocka_unit_test(not_said_that_it_is_gone),
		cmocka_unit_test(too_many_gone_in_words),
		cmocka_unit_test(many_are_gone_in_words_indeed),
		cmocka_unit_test(hidden),
		cmocka_unit_test(hidden_from_the_first),
		cmocka_unit_test(passed_over),
		cmocka_unit_test(too_long),
		cmocka_unit_test(outside_of_the_namespace),
		cmocka_unit_test(subscribed),
		cmocka_unit_test(root_is_a_folder),
	};

	return FLOW_MAIN(tests);
}
