/*
 * OK is not a fact (design section 5, "Not stored"): a server says that it
 * stored what it did not, or under a UID that it has not; it keeps one of two,
 * or shows what it got later.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "story.h"

/* --- nothing, or not yet --- */

#define ONLY_A	"INBOX: a(S)\n"
#define A_AND_B	"INBOX: a(S) b(S)\n"
#define NOT_SHOWN \
	"INBOX: the server took 1.b.host but shows no message like it; it is " \
	"not sent again\n"
#define LATER \
	"INBOX: the server said that it stored 1 message, and does not show " \
	"it so far; the file stays here\n"

static void
show_late(struct world *w)
{
	imapd_show_late(w->d);
}

static void
take_u_away(struct world *w)
{
	imapd_expunge(imapd_find_box(w->d, "INBOX"), 2);
}

/* Behind the upload, so that the run begins anew. */
static void
cut_once(struct world *w)
{
	imapd_add_rule(w->d, "UID STORE *", IMAPD_CUT, NULL)->times = 1;
}

#define ONCE_SWALLOWED(c) { \
	.what = "swallowed once, " #c, .caps = c, .lies = 1, \
	.append = IMAPD_APPEND_NOTHING, .step = { \
	{ .change = "disk add INBOX b S\n", .exit = 75, .appends = 1, \
	    .server = ONLY_A, .disk = A_AND_B }, \
	{ .change = "", .exit = 0, .appends = 2, .ops = "push INBOX b\n", \
	    .server = A_AND_B, .disk = A_AND_B }, \
	{ .change = "disk remove INBOX b\n", .exit = 0, .appends = 2, \
	    .server = ONLY_A, .disk = ONLY_A } } }
#define SWALLOWED(c) { \
	.what = "swallowed, " #c, .caps = c, \
	.append = IMAPD_APPEND_NOTHING, .step = { \
	{ .change = "disk add INBOX b S\n", .exit = 75, .appends = 1, \
	    .server = ONLY_A, .disk = A_AND_B }, \
	{ .change = "", .exit = 1, .appends = 2, .items = NOT_SHOWN, \
	    .server = ONLY_A, .disk = A_AND_B }, \
	{ .change = "", .exit = 1, .appends = 2, .items = NOT_SHOWN, \
	    .ops = "", .server = ONLY_A, .disk = A_AND_B }, \
	{ .change = "server add INBOX c S\n", .exit = 1, .appends = 2, \
	    .items = NOT_SHOWN, .disk = "INBOX: a(S) b(S) c(S)\n" }, \
	{ .change = "disk remove INBOX b\n", .exit = 0, .appends = 2, \
	    .server = "INBOX: a(S) c(S)\n", .disk = "INBOX: a(S) c(S)\n" } } }
#define LOST(c) { \
	.what = "lost behind a UID, " #c, .caps = c, \
	.append = IMAPD_APPEND_LOSES, .step = { \
	{ .change = "disk add INBOX b S\n", .exit = 1, .appends = 1, \
	    .items = LATER, .server = ONLY_A, .disk = A_AND_B }, \
	{ .change = "", .exit = 1, .appends = 1, .items = LATER, \
	    .ops = "", .server = ONLY_A, .disk = A_AND_B }, \
	{ .change = "server add INBOX c S\n", .exit = 1, .appends = 1, \
	    .items = LATER, .ops = "pull INBOX c\n", \
	    .disk = "INBOX: a(S) b(S) c(S)\n" }, \
	{ .change = "disk remove INBOX a\n", .exit = 1, .appends = 1, \
	    .items = LATER, .server = "INBOX: c(S)\n", \
	    .disk = "INBOX: b(S) c(S)\n" } } }
#define LATE(c) { \
	.what = "shown late, " #c, .caps = c, \
	.append = IMAPD_APPEND_LATE, .step = { \
	{ .change = "disk add INBOX b S\n", .exit = 1, .appends = 1, \
	    .items = LATER, .server = ONLY_A, .disk = A_AND_B }, \
	{ .change = "server add INBOX c S\n", .exit = 1, .appends = 1, \
	    .items = LATER, .disk = "INBOX: a(S) b(S) c(S)\n" }, \
	{ .change = "", .call = show_late, .exit = 0, .appends = 1, \
	    .ops = "", .server = "INBOX: a(S) b(S) c(S)\n", \
	    .disk = "INBOX: a(S) b(S) c(S)\n" }, \
	{ .change = "server remove INBOX b\n", .exit = 0, .appends = 1, \
	    .disk = "INBOX: a(S) c(S)\n" } } }

static const struct story nothing[] = {
	ONCE_SWALLOWED(IMAPD_FULL), ONCE_SWALLOWED(IMAPD_CONDSTORE),
	ONCE_SWALLOWED("IMAP4rev1 UIDPLUS"),
	SWALLOWED(IMAPD_FULL), SWALLOWED(IMAPD_CONDSTORE),
	SWALLOWED("IMAP4rev1 UIDPLUS"),
	LOST(IMAPD_FULL), LOST(IMAPD_CONDSTORE), LOST("IMAP4rev1 UIDPLUS"),
	LATE(IMAPD_FULL), LATE(IMAPD_CONDSTORE), LATE("IMAP4rev1 UIDPLUS"),
	{ .what = "swallowed, no UIDs", .caps = IMAPD_PLAIN,
	    .append = IMAPD_APPEND_NOTHING, .step = {
	    { .change = "disk add INBOX b S\n", .exit = 75, .appends = 1,
		.server = ONLY_A, .disk = A_AND_B },
	    { .change = "", .exit = 75, .appends = 2,
		.server = ONLY_A, .disk = A_AND_B },
	    { .change = "", .exit = 1, .appends = 2, .items = NOT_SHOWN,
		.server = ONLY_A, .disk = A_AND_B } } },
	{ .what = "swallowed once, no UIDs", .caps = IMAPD_PLAIN, .lies = 1,
	    .append = IMAPD_APPEND_NOTHING, .step = {
	    { .change = "disk add INBOX b S\n", .exit = 75, .appends = 1,
		.server = ONLY_A, .disk = A_AND_B },
	    { .change = "", .exit = 0, .appends = 2, .server = A_AND_B,
		.disk = A_AND_B } } },
	{ .what = "swallowed once, and the connection lost behind it",
	    .caps = IMAPD_PLAIN, .lies = 1, .prepare = cut_once,
	    .append = IMAPD_APPEND_NOTHING, .step = {
	    { .change = "disk remove INBOX a\ndisk add INBOX b S\n",
		.exit = 75, .appends = 1, .items = "", .server = "INBOX:\n",
		.disk = "INBOX: b(S)\n" },
	    { .change = "", .exit = 0, .appends = 2,
		.server = "INBOX: b(S)\n", .disk = "INBOX: b(S)\n" } } },
	{ .what = "shown late, no UIDs", .caps = IMAPD_PLAIN,
	    .append = IMAPD_APPEND_LATE, .step = {
	    { .change = "disk add INBOX b S\n", .exit = 75, .appends = 1,
		.server = ONLY_A, .disk = A_AND_B },
	    { .change = "", .exit = 1, .appends = 1, .items = NOT_SHOWN },
	    { .change = "", .call = show_late, .exit = 0, .appends = 1,
		.server = A_AND_B, .disk = A_AND_B } } },
	/* The sum alone would close, one for the other. */
	{ .what = "shown late, and another gone", .caps = IMAPD_CONDSTORE,
	    .append = IMAPD_APPEND_LATE, .step = {
	    { .change = "disk add INBOX b S\n", .exit = 1, .appends = 1,
		.items = LATER },
	    { .change = "server add INBOX c S\n", .exit = 1, .appends = 1,
		.items = LATER, .disk = "INBOX: a(S) b(S) c(S)\n" },
	    { .change = "server remove INBOX c\n", .call = show_late,
		.exit = 0, .appends = 1, .server = A_AND_B,
		.disk = A_AND_B } } },
	/* The server says that it is gone: a deletion like any. */
	{ .what = "shown late, deleted there before", 
	    .append = IMAPD_APPEND_LATE, .step = {
	    { .change = "disk add INBOX b S\n", .exit = 1, .appends = 1,
		.items = LATER },
	    { .change = "", .call = show_late, .exit = 0, .appends = 1 },
	    { .change = "", .call = take_u_away, .exit = 0, .appends = 1,
		.server = ONLY_A, .disk = ONLY_A } } },
	/* What is deleted here while it waits goes when it comes. */
	{ .what = "shown late, deleted here before",
	    .append = IMAPD_APPEND_LATE, .step = {
	    { .change = "disk add INBOX b S\n", .exit = 1, .appends = 1,
		.items = LATER },
	    { .change = "disk remove INBOX b\n", .exit = 1, .appends = 1,
		.items = LATER },
	    { .change = "", .call = show_late, .exit = 0, .appends = 1,
		.server = ONLY_A, .disk = ONLY_A } } },
};

static void
nothing_is_there(void **state)
{
	(void)state;
	story_tell_all(nothing, ARRAY_SIZE(nothing));
}

/* --- under another UID --- */

static void
another_at_append(struct imapd *d, void *arg)
{
	(void)d;
	world_do(arg, "server add INBOX x S\n");
}

static void
with_another(struct world *w)
{
	imapd_call_at(w->d, "APPEND *", another_at_append, w)->times = 1;
}

#define THREE	"disk add INBOX b S\ndisk add INBOX c S\ndisk add INBOX d S\n"
#define ALL4	"INBOX: a(S) b(S) c(S) d(S)\n"
#define UIDS(lie, c, n) { \
	.what = #lie ", " #c, .caps = c, .append = lie, .step = { \
	{ .change = THREE, .exit = 0, .appends = n, .server = ALL4, \
	    .ops = "push INBOX b\npush INBOX c\npush INBOX d\n", \
	    .disk = ALL4 }, \
	{ .change = "disk remove INBOX b\n", .exit = 0, .appends = n, \
	    .server = "INBOX: a(S) c(S) d(S)\n", \
	    .disk = "INBOX: a(S) c(S) d(S)\n" }, \
	{ .change = "server remove INBOX d\n", .exit = 0, .appends = n, \
	    .server = "INBOX: a(S) c(S)\n", \
	    .disk = "INBOX: a(S) c(S)\n" } } }

static const struct story uids[] = {
	UIDS(IMAPD_APPEND_TRUE, IMAPD_FULL, 1),
	UIDS(IMAPD_APPEND_BACKWARDS, IMAPD_FULL, 1),
	UIDS(IMAPD_APPEND_SWAPS, IMAPD_FULL, 1),
	UIDS(IMAPD_APPEND_SWAPS, "IMAP4rev1 UIDPLUS LITERAL+ MULTIAPPEND", 1),
	UIDS(IMAPD_APPEND_SHORT, IMAPD_FULL, 1),
	UIDS(IMAPD_APPEND_TWO, IMAPD_FULL, 1),
	UIDS(IMAPD_APPEND_FIRST, IMAPD_FULL, 1),
	UIDS(IMAPD_APPEND_FIRST, IMAPD_CONDSTORE, 3),
	UIDS(IMAPD_APPEND_VALIDITY, IMAPD_FULL, 1),
	UIDS(IMAPD_APPEND_VALIDITY, IMAPD_CONDSTORE, 3),
	UIDS(IMAPD_APPEND_PREVIOUS, IMAPD_FULL, 1),
	UIDS(IMAPD_APPEND_PREVIOUS, IMAPD_CONDSTORE, 3),
	{ .what = "that of a message which came just now",
	    .append = IMAPD_APPEND_PREVIOUS, .prepare = with_another, .step = {
	    { .change = "disk add INBOX b S\n", .exit = 0, .appends = 1,
		.ops = "pull INBOX x\npush INBOX b\n",
		.server = "INBOX: a(S) b(S) x(S)\n",
		.disk = "INBOX: a(S) b(S) x(S)\n" },
	    { .change = "disk remove INBOX b\n", .exit = 0, .appends = 1,
		.server = "INBOX: a(S) x(S)\n",
		.disk = "INBOX: a(S) x(S)\n" } } },
	{ .what = "kept twice", .append = IMAPD_APPEND_TWICE, .step = {
	    { .change = "disk add INBOX b S\n", .exit = 0, .appends = 1,
		.server = "INBOX: a(S) b(S) b(S)\n",
		.disk = "INBOX: a(S) b(S) b(S)\n" } } },
};

static void
uids_are_told_wrong(void **state)
{
	(void)state;
	story_tell_all(uids, ARRAY_SIZE(uids));
}

/* --- one of two --- */

#define NO_MULTI "IMAP4rev1 ENABLE CONDSTORE QRESYNC UIDPLUS LITERAL+ ESEARCH"

#define TWINS	"INBOX: a(S) b(F) b(S)\n"
#define NOTE \
	"INBOX: 1 file holds a message that the server has once and keeps no " \
	"second time; it stays here as long as that does\n"
#define ONE_OF_TWO(name, c) \
	.what = name ", " #c, .caps = c, .append = IMAPD_APPEND_ONCE
#define BEGINS \
	{ .change = "disk add INBOX b S\n", .appends = 1, .notes = "" }, \
	{ .change = "disk add INBOX b F\n", .appends = 2, .notes = NOTE, \
	.server = A_AND_B, .disk = TWINS }, \
	{ .change = "", .appends = 2, .ops = "", .notes = "", .disk = TWINS }

static void
remove_file(struct world *w, const char *ends)
{
	char *path, *command;

	command = xasprintf("rm %s/INBOX/cur/*%s", w->root, ends);
	path = command;
	assert_int_equal(system(path), 0);
	free(command);
}

static void
remove_the_twin(struct world *w)
{
	remove_file(w, "b.host:2,F");
}

static void
remove_the_other(struct world *w)
{
	remove_file(w, "b.host:2,S");
}

static const struct story once[] = {
	{ ONE_OF_TWO("the twin is deleted", NO_MULTI), .step = { BEGINS,
	    { .change = "", .call = remove_the_twin, .exit = 0, .appends = 2,
		.ops = "", .server = A_AND_B, .disk = A_AND_B },
	    { .change = "disk remove INBOX b\n", .exit = 0, .appends = 2,
		.ops = "remove-remote INBOX b\n", .server = ONLY_A,
		.disk = ONLY_A } } },
	{ ONE_OF_TWO("the other is deleted", NO_MULTI), .step = { BEGINS,
	    { .change = "", .call = remove_the_other, .exit = 0, .appends = 2,
		.disk = "INBOX: a(S) b(F)\n" },
	    { .change = "disk remove INBOX b\n", .exit = 0, .appends = 2,
		.ops = "remove-remote INBOX b\n", .server = ONLY_A,
		.disk = ONLY_A } } },
	{ ONE_OF_TWO("both are deleted", NO_MULTI), .step = { BEGINS,
	    { .change = "disk remove INBOX b\ndisk remove INBOX b\n",
		.exit = 0, .appends = 2, .ops = "remove-remote INBOX b\n",
		.server = ONLY_A, .disk = ONLY_A } } },
	{ ONE_OF_TWO("deleted there", NO_MULTI), .step = { BEGINS,
	    { .change = "server remove INBOX b\n", .exit = 0, .appends = 2,
		.server = ONLY_A, .disk = ONLY_A } } },
	{ ONE_OF_TWO("deleted there", "IMAP4rev1 UIDPLUS"), .step = {
	    BEGINS, { .change = "server remove INBOX b\n", .exit = 0, .appends = 2,
		.server = ONLY_A, .disk = ONLY_A } } },
	{ ONE_OF_TWO("flags", NO_MULTI), .step = { BEGINS,
	    { .change = "server flag INBOX b RS\n", .exit = 0, .appends = 2,
		.ops = "flag-local INBOX b +\\Answered\n",
		.disk = "INBOX: a(S) b(F) b(RS)\n" } } },
	{ ONE_OF_TWO("a second one there", NO_MULTI), .step = { BEGINS,
	    { .change = "server add INBOX b F\n", .exit = 0, .appends = 2,
		.ops = "", .server = TWINS, .disk = TWINS },
	    { .change = "", .call = remove_the_other, .exit = 0, .appends = 2,
		.server = "INBOX: a(S) b(F)\n",
		.disk = "INBOX: a(S) b(F)\n" } } },
	{ ONE_OF_TWO("of what was there", IMAPD_CONDSTORE), .step = {
	    { .change = "disk add INBOX a F\n", .exit = 0, .appends = 1,
		.notes = NOTE, .server = ONLY_A, .disk = "INBOX: a(F) a(S)\n"
	    }, { .change = "", .exit = 0, .appends = 1, .ops = "" },
	    { .change = "index lose\n", .exit = 0, .appends = 2,
		.server = ONLY_A, .disk = "INBOX: a(F) a(S)\n" },
	    { .change = "server renumber INBOX\n", .exit = 0, .appends = 3,
		.server = ONLY_A, .disk = "INBOX: a(F) a(S)\n" } } },
	{ ONE_OF_TWO("without UIDs", IMAPD_PLAIN), .step = {
	    { .change = "disk add INBOX a F\n", .exit = 75, .appends = 1,
		.server = ONLY_A },
	    { .change = "", .exit = 75, .appends = 2 },
	    { .change = "", .exit = 1, .appends = 2,
		.items = "INBOX: the server took 1.a.host but shows no "
		"message like it; it is not sent again\n" } } },
};

static void
one_of_two_is_kept(void **state)
{
	(void)state;
	story_tell_all(once, ARRAY_SIZE(once));
}

/* --- altered --- */

static char *
add_a_field(struct imapd *d, const char *data, size_t *n)
{
	static const char field[] = "X-Scanned: by the server\r\n";
	char *other = xmalloc(*n + sizeof(field));

	(void)d;
	memcpy(other, field, sizeof(field) - 1);
	memcpy(other + sizeof(field) - 1, data, *n);
	*n += sizeof(field) - 1;
	return other;
}

static void
altering(struct world *w)
{
	w->d->alter = add_a_field;
}

static size_t
messages_of(struct world *w)
{
	return imapd_find_box(w->d, "INBOX")->n;
}

/* They are the same for good, also when all has to be paired anew. */
static void
altered_ones(void **state)
{
	static const char *const caps[] = { IMAPD_FULL, IMAPD_CONDSTORE,
	    IMAPD_PLAIN };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		struct world *w = world_new(caps[i]);

		altering(w);
		world_do(w, "server add INBOX a S\n" THREE);
		world_sync_well(w);
		world_is_idle(w, 0);
		world_do(w, "disk add INBOX e S\nserver renumber INBOX\n");
		world_sync(w, NULL, NULL);
		world_do(w, "disk remove INBOX a\n");
		world_sync_well(w);
		world_is(w, "the disk", world_disk(w),
		    "INBOX: b(S) c(S) d(S) e(S)\n");
		assert_int_equal(messages_of(w), 4);
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* With the Message-ID and the Date of what was filed there in the meantime. */
static void
not_what_was_moved(void **state)
{
	static const char *const caps[] = { IMAPD_FULL, IMAPD_PLAIN };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		struct world *w = world_new(caps[i]);

		altering(w);
		world_do(w, "server add Work a~9000=1 S\ndisk add INBOX b S\n");
		world_sync_well(w);
		world_is_idle(w, 0);
		world_do(w, "disk move Work a~9000=1 INBOX\n"
		    "server add INBOX a~9000=2 S\n");
		world_sync_well(w);
		world_is(w, "the disk", world_disk(w),
		    "INBOX: a~9000=1(S) a~9000=2(S) b(S)\nWork:\n");
		assert_int_equal(messages_of(w), 3);
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* Nor with those of a file that came behind it. */
static void
not_what_came_later(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	altering(w);
	world_do(w, "server add INBOX c S\ndisk add INBOX b S\n");
	world_sync_well(w);
	imapd_add_rule(w->d, "UID FETCH *BODY.PEEK*", IMAPD_NO, "Not now");
	world_do(w, "server add INBOX a~5000=2 S\n");
	world_sync(w, NULL, NULL);
	imapd_count(w->d);
	world_do(w, "disk add INBOX a~5000=1 S\n");
	world_sync(w, NULL, NULL);
	world_sync_well(w);
	world_is(w, "the disk", world_disk(w),
	    "INBOX: a~5000=1(S) a~5000=2(S) b(S) c(S)\n");
	assert_int_equal(messages_of(w), 4);
	world_is_idle(w, 0);
	world_free(w);
}

/* --- EXPUNGE --- */

#define NO_MOVE "IMAP4rev1 ENABLE CONDSTORE UIDPLUS ESEARCH NAMESPACE"

static void
never(struct world *w)
{
	world_do(w, "server add INBOX b S\n");
	world_sync_well(w);
	imapd_count(w->d);
	w->d->expunges = IMAPD_EXPUNGES_NEVER;
}

static void
late(struct world *w)
{
	never(w);
	w->d->expunges = IMAPD_EXPUNGES_LATE;
}

static void
silently(struct world *w)
{
	never(w);
	w->d->expunges = IMAPD_EXPUNGES_SILENTLY;
}

static void
never_to_trash(struct world *w)
{
	w->conf.trash = xstrdup("Trash");
	world_do(w, "server make Trash\n");
	never(w);
}

static void
it_is_late(struct world *w)
{
	imapd_expunge_late(imapd_find_box(w->d, "INBOX"));
}

static void
at_last(struct world *w)
{
	w->d->expunges = IMAPD_EXPUNGES;
}

#define STILL \
	"INBOX: 1 message deleted here is still on the server, which said OK " \
	"to their removal\n"
#define MARKED "INBOX: a(S) b(ST)\n"
#define NEVER(c) { .what = "never expunged, " #c, .caps = c, \
	.prepare = never, .step = { \
	{ .change = "disk remove INBOX b\n", .exit = 75, .ops = "", \
	    .server = MARKED, .disk = ONLY_A }, \
	{ .change = "", .exit = 1, .ops = "", .items = STILL, \
	    .server = MARKED, .disk = ONLY_A }, \
	{ .change = "", .exit = 1, .ops = "", .items = STILL, \
	    .disk = ONLY_A }, \
	{ .change = "", .call = at_last, .exit = 0, \
	    .ops = "remove-remote INBOX b\n", .server = ONLY_A, \
	    .disk = ONLY_A } } }
#define EXPUNGED_LATE(c) { .what = "expunged late, " #c, .caps = c, \
	.prepare = late, .step = { \
	{ .change = "disk remove INBOX b\n", .exit = 75, .ops = "", \
	    .server = MARKED, .disk = ONLY_A }, \
	{ .change = "", .call = it_is_late, .exit = 0, .ops = "", \
	    .server = ONLY_A, .disk = ONLY_A } } }
#define SILENTLY(c) { .what = "expunged, and not told, " #c, .caps = c, \
	.prepare = silently, .step = { \
	{ .change = "disk remove INBOX b\n", .exit = 0, \
	    .ops = "remove-remote INBOX b\n", .server = ONLY_A, \
	    .disk = ONLY_A } } }

static const struct story expunged[] = {
	NEVER(IMAPD_FULL), NEVER(NO_MOVE), NEVER(IMAPD_PLAIN),
	EXPUNGED_LATE(IMAPD_FULL), EXPUNGED_LATE(NO_MOVE),
	EXPUNGED_LATE(IMAPD_PLAIN),
	SILENTLY(IMAPD_FULL), SILENTLY(NO_MOVE), SILENTLY(IMAPD_PLAIN),
	/* What was copied is not copied again. */
	{ .what = "never expunged, to the trash", .caps = NO_MOVE,
	    .prepare = never_to_trash, .step = {
	    { .change = "disk remove INBOX b\n", .exit = 75,
		.server = "INBOX: a(S) b(ST)\nTrash: b(S)\n" },
	    { .change = "", .exit = 1, .items = STILL,
		.server = "INBOX: a(S) b(ST)\nTrash: b(S)\n" },
	    { .change = "", .call = at_last, .exit = 0,
		.server = "INBOX: a(S)\nTrash: b(S)\n",
		.disk = "INBOX: a(S)\nTrash: b(S)\n" } } },
	{ .what = "never expunged, to the trash by MOVE", .caps = IMAPD_FULL,
	    .prepare = never_to_trash, .step = {
	    { .change = "disk remove INBOX b\n", .exit = 75,
		.server = "INBOX: a(S) b(S)\nTrash: b(S)\n" },
	    { .change = "", .exit = 1, .items = STILL,
		.server = "INBOX: a(S) b(ST)\nTrash: b(S)\n" },
	    { .change = "", .call = at_last, .exit = 0,
		.server = "INBOX: a(S)\nTrash: b(S)\n",
		.disk = "INBOX: a(S)\nTrash: b(S)\n" } } },
};

static void
expunge_is_no_fact(void **state)
{
	(void)state;
	story_tell_all(expunged, ARRAY_SIZE(expunged));
}

/* --- and cut off --- */

static void
swapping(struct world *w)
{
	w->d->append = IMAPD_APPEND_SWAPS;
}

static void
telling_the_first(struct world *w)
{
	w->d->append = IMAPD_APPEND_FIRST;
}

static void
keeping_one(struct world *w)
{
	w->d->append = IMAPD_APPEND_ONCE;
}

#define LIED(name, lie, server_caps) { \
	.what = name ", " #server_caps, .caps = server_caps, .prepare = lie, \
	.before = "server add INBOX a S\n", .change = THREE, \
	.ops = "push INBOX b\npush INBOX c\npush INBOX d\n", .both = ALL4, \
	.points = 8 }

static const struct flow lied[] = {
	LIED("swapped UIDs", swapping, IMAPD_FULL),
	LIED("the first UID for all", telling_the_first, IMAPD_FULL),
	LIED("the first UID for all", telling_the_first, IMAPD_CONDSTORE),
	{ .what = "one of two is kept", .caps = NO_MULTI,
	    .prepare = keeping_one, .before = "server add INBOX a S\n",
	    .change = "disk add INBOX a S\ndisk add INBOX b S\n",
	    .ops = "push INBOX a\npush INBOX b\n", .server = A_AND_B,
	    .disk = "INBOX: a(S) a(S) b(S)\n", .notes = NOTE, .points = 8,
	    .index = "INBOX: a(S) a(S) b(S)\n", .not = FLOW_NOT_DRY },
};

static void
in_every_way(void **state)
{
	(void)state;
	flow_check_all(lied, ARRAY_SIZE(lied));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_there),
		cmocka_unit_test(uids_are_told_wrong),
		cmocka_unit_test(one_of_two_is_kept),
		cmocka_unit_test(altered_ones),
		cmocka_unit_test(not_what_was_moved),
		cmocka_unit_test(not_what_came_later),
		cmocka_unit_test(expunge_is_no_fact),
		cmocka_unit_test(in_every_way),
	};

	return FLOW_MAIN(tests);
}
