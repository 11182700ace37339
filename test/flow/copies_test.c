/*
 * OK is not a fact, for COPY and MOVE (design section 4, rule 6): a message
 * leaves its folder for the trash when a row of the trash shows its copy.
 */
#include <stdlib.h>
#include <string.h>

#include "story.h"

#define UIDPLUS	"IMAP4rev1 ENABLE CONDSTORE UIDPLUS ESEARCH NAMESPACE"
#define NEITHER	"IMAP4rev1 ENABLE CONDSTORE ESEARCH NAMESPACE"
#define MOVES	"IMAP4rev1 ENABLE CONDSTORE UIDPLUS MOVE ESEARCH NAMESPACE"

/* One of the size of another, and one in the trash that has it, too. */
static void
trash(struct world *w)
{
	w->conf.trash = xstrdup("Trash");
	world_do(w, "server add INBOX b S\nserver add INBOX c~500 S\n"
	    "server add Trash old S\n");
	world_sync_well(w);
	imapd_count(w->d);
}

static void
show_late(struct world *w)
{
	imapd_show_late(w->d);
}

#define UNSHOWN(n, s) \
	"INBOX: the server said that it copied " n " message" s " deleted " \
	"here to Trash, which does not show "
#define ONE_UNSHOWN	UNSHOWN("1", "") "it; it stays here on the server\n"
#define BOTH_UNSHOWN	UNSHOWN("2", "s") "them; they stay here on the server\n"
#define BOTH_GO	"disk remove INBOX b\ndisk remove INBOX c~500\n"
#define THERE	"INBOX: a(S) b(S) c~500(S)\nTrash: old(S)\n"
#define HERE	"INBOX: a(S)\nTrash: old(S)\n"
#define FILED	"INBOX: a(S)\nTrash: b(S) c~500(S) old(S)\n"

/* Told wrong, and there: it goes at once. */
#define FINE(lie, c) { .what = #lie ", " #c, .caps = c, .copies = lie, \
	.prepare = trash, .step = { \
	{ .change = BOTH_GO, .exit = 0, .server = FILED, .disk = FILED, \
	    .copies = 1 } } }

static const struct story fine[] = {
	FINE(IMAPD_COPIES, UIDPLUS), FINE(IMAPD_COPIES, NEITHER),
	FINE(IMAPD_COPIES_BACKWARDS, UIDPLUS), 
	FINE(IMAPD_COPIES_FIRST, UIDPLUS), 
	FINE(IMAPD_COPIES_VALIDITY, UIDPLUS), 
	FINE(IMAPD_COPIES_UNTOLD, UIDPLUS), 
	FINE(IMAPD_COPIES_UNTOLD, IMAPD_PLAIN), 
};

static void
copied_whatever_is_told(void **state)
{
	(void)state;
	story_tell_all(fine, ARRAY_SIZE(fine));
}

/* Nothing is there: it waits a run, is sent once more, and stays. */
#define NOTHING(c) { .what = "nothing, " #c, .caps = c, \
	.copies = IMAPD_COPIES_NOTHING, .prepare = trash, .step = { \
	{ .change = BOTH_GO, .exit = 75, .ops = "", .server = THERE, \
	    .disk = HERE, .copies = 1 }, \
	{ .change = "", .exit = 1, .ops = "", .server = THERE, \
	    .items = BOTH_UNSHOWN, .copies = 2 }, \
	{ .change = "", .exit = 1, .ops = "", .server = THERE, \
	    .items = BOTH_UNSHOWN, .copies = 2 }, \
	{ .change = "server flag Trash old FS\n", .exit = 1, \
	    .items = BOTH_UNSHOWN, .copies = 2 } } }
#define NOTHING_ONCE(c) { .what = "nothing at first, " #c, .caps = c, \
	.copies = IMAPD_COPIES_NOTHING, .lies = 1, .prepare = trash, \
	.step = { \
	{ .change = BOTH_GO, .exit = 75, .ops = "", .server = THERE, \
	    .disk = HERE, .copies = 1 }, \
	{ .change = "", .exit = 0, .server = FILED, .disk = FILED, \
	    .copies = 2 } } }
/* They may come: they are not sent again. */
#define LATE(c) { .what = "late, " #c, .caps = c, \
	.copies = IMAPD_COPIES_LATE, .prepare = trash, .step = { \
	{ .change = BOTH_GO, .exit = 75, .ops = "", .server = THERE, \
	    .disk = HERE, .copies = 1 }, \
	{ .change = "", .exit = 1, .ops = "", .server = THERE, \
	    .items = BOTH_UNSHOWN, .copies = 1 }, \
	{ .change = "server add Trash new S\n", .exit = 1, \
	    .items = BOTH_UNSHOWN, .copies = 1 }, \
	{ .change = "server remove Trash new\n", .call = show_late, \
	    .exit = 0, .server = FILED, .disk = FILED, .copies = 1 } } }

static const struct story lacking[] = {
	NOTHING(UIDPLUS), NOTHING(NEITHER), NOTHING(IMAPD_PLAIN),
	NOTHING_ONCE(UIDPLUS), NOTHING_ONCE(NEITHER),
	NOTHING_ONCE(IMAPD_PLAIN), LATE(UIDPLUS),
	{ .what = "lost", .caps = UIDPLUS, .copies = IMAPD_COPIES_LOSES,
	    .prepare = trash, .step = {
	    { .change = BOTH_GO, .exit = 75, .server = THERE, .disk = HERE,
		.copies = 1 },
	    { .change = "", .exit = 1, .server = THERE,
		.items = BOTH_UNSHOWN, .copies = 1 },
	    /* Somebody deletes them there: nothing waits any more. */
	    { .change = "server remove INBOX b\n"
		"server remove INBOX c~500\n", .exit = 0, .ops = "",
		.server = HERE, .disk = HERE, .copies = 1 } } },
	{ .what = "cut off", .caps = UIDPLUS, .copies = IMAPD_COPIES_CUT,
	    .lies = 1, .prepare = trash, .step = {
	    { .change = "disk remove INBOX b\n", .exit = 75,
		.copies = 1 },
	    { .change = "", .exit = 1, .items = ONE_UNSHOWN, .copies = 1,
		} } },
	/* One is there, and says nothing for the other. */
	{ .what = "one of two", .caps = UIDPLUS, .copies = IMAPD_COPIES_ONE,
	    .lies = 1, .prepare = trash, .step = {
	    { .change = BOTH_GO, .exit = 75, .ops = "pull Trash b\n"
		"remove-remote INBOX b\n", .copies = 1,
		.server = "INBOX: a(S) c~500(S)\nTrash: b(S) old(S)\n" },
	    { .change = "", .exit = 0, .server = FILED, .disk = FILED,
		.copies = 2 } } },
	{ .what = "one of two, untold", .caps = NEITHER,
	    .copies = IMAPD_COPIES_ONE, .lies = 1, .prepare = trash, .step = {
	    { .change = BOTH_GO, .exit = 75, .ops = "pull Trash b\n"
		"remove-remote INBOX b\n", .copies = 1,
		.server = "INBOX: a(S) c~500(S)\nTrash: b(S) old(S)\n" },
	    { .change = "", .exit = 0, .server = FILED, .disk = FILED,
		.copies = 2 } } },
};

static void
copied_by_word_alone(void **state)
{
	(void)state;
	story_tell_all(lacking, ARRAY_SIZE(lacking));
}

/* --- what another puts there meanwhile is no copy of ours --- */

static void
another_at_copy(struct imapd *d, void *arg)
{
	(void)d;
	world_do(arg, "server add Trash x~900 S\n");
}

static void
with_another(struct world *w)
{
	trash(w);
	imapd_call_at(w->d, "UID COPY *", another_at_copy, w)->times = 1;
}

static const struct story beside[] = {
	{ .what = "another comes, and the copy does not", .caps = UIDPLUS,
	    .copies = IMAPD_COPIES_NOTHING, .lies = 1,
	    .prepare = with_another, .step = {
	    { .change = "disk remove INBOX b\n", .exit = 75, .copies = 1,
		.server = "INBOX: a(S) b(S) c~500(S)\n"
		"Trash: old(S) x~900(S)\n" },
	    { .change = "", .exit = 0, .copies = 2,
		.server = "INBOX: a(S) c~500(S)\n"
		"Trash: b(S) old(S) x~900(S)\n" } } },
	{ .what = "the same, untold", .caps = NEITHER,
	    .copies = IMAPD_COPIES_NOTHING, .lies = 1,
	    .prepare = with_another, .step = {
	    { .change = "disk remove INBOX b\n", .exit = 75, .copies = 1 },
	    { .change = "", .exit = 1, .items = ONE_UNSHOWN, .copies = 1 },
	    { .change = "", .exit = 0, .copies = 2,
		.server = "INBOX: a(S) c~500(S)\n"
		"Trash: b(S) old(S) x~900(S)\n" } } },
	{ .what = "both come", .caps = NEITHER, .prepare = with_another,
	    .step = {
	    { .change = "disk remove INBOX b\n", .exit = 0, .copies = 1,
		.server = "INBOX: a(S) c~500(S)\n"
		"Trash: b(S) old(S) x~900(S)\n" } } },
};

static void
others_are_no_copies(void **state)
{
	(void)state;
	story_tell_all(beside, ARRAY_SIZE(beside));
}

/* --- MOVE, and what refuses --- */

static void
move_does_nothing(struct world *w)
{
	trash(w);
	imapd_add_rule(w->d, "UID MOVE *", IMAPD_OK, "moved")->times = 1;
}

static void
move_says_copies(struct world *w)
{
	trash(w);
	imapd_add_rule(w->d, "UID MOVE *", IMAPD_OK,
	    "[COPYUID 2 2:3 2:3] moved")->times = 1;
}

static void
move_leaves(struct world *w)
{
	trash(w);
	w->d->expunges = IMAPD_EXPUNGES_NEVER;
}

static void
moves_at_last(struct world *w)
{
	w->d->expunges = IMAPD_EXPUNGES;
}

static void
no_quota(struct world *w)
{
	trash(w);
	imapd_add_rule(w->d, "UID MOVE *", IMAPD_NO, "[OVERQUOTA] full");
	imapd_add_rule(w->d, "UID COPY *", IMAPD_NO, "[OVERQUOTA] full");
}

static void
has_quota(struct world *w)
{
	w->d->n_rule = 0;
}

static void
goes_away(struct imapd *d, void *arg)
{
	(void)arg;
	imapd_drop_box(d, imapd_find_box(d, "Trash"));
}

static void
trash_goes(struct world *w)
{
	trash(w);
	imapd_call_at(w->d, "UID MOVE *", goes_away, w)->times = 1;
	imapd_call_at(w->d, "UID COPY *", goes_away, w)->times = 1;
}

#define REFUSED(word, why) \
	"INBOX: the server refused to remove messages: 127.0.0.1 refused " \
	"UID " word ": " why "\n"
#define FULL(c, word) { .what = "over quota, " #c, .caps = c, \
	.prepare = no_quota, .step = { \
	{ .change = BOTH_GO, .exit = 1, .ops = "", .server = THERE, \
	    .disk = HERE, .items = REFUSED(word, "full") }, \
	{ .change = "", .exit = 1, .ops = "", .server = THERE, \
	    .items = REFUSED(word, "full") }, \
	{ .change = "", .call = has_quota, .exit = 0, .server = FILED, \
	    .disk = FILED } } }
#define GOES(c, word) { .what = "no trash any more, " #c, .caps = c, \
	.prepare = trash_goes, .step = { \
	{ .change = BOTH_GO, .exit = 1, .ops = "", \
	    .server = "INBOX: a(S) b(S) c~500(S)\n", \
	    .items = REFUSED(word, "no such mailbox") } } }

static const struct story moved[] = {
	{ .what = "MOVE does nothing", .caps = MOVES,
	    .prepare = move_does_nothing, .step = {
	    { .change = BOTH_GO, .exit = 75, .server = THERE, .disk = HERE },
	    { .change = "", .exit = 0, .server = FILED, .disk = FILED,
		.copies = 1 } } },
	{ .what = "MOVE does nothing, and says that it did", .caps = MOVES,
	    .prepare = move_says_copies, .step = {
	    { .change = BOTH_GO, .exit = 75, .server = THERE, .disk = HERE },
	    { .change = "", .exit = 1, .server = THERE, .disk = HERE,
		.items = BOTH_UNSHOWN },
	    { .change = "", .exit = 0, .server = FILED, .disk = FILED,
		.copies = 1 } } },
	{ .what = "MOVE leaves the source", .caps = MOVES,
	    .prepare = move_leaves, .step = {
	    { .change = BOTH_GO, .exit = 75,
		.server = "INBOX: a(S) b(S) c~500(S)\n"
		"Trash: b(S) c~500(S) old(S)\n" },
	    { .change = "", .call = moves_at_last, .exit = 0,
		.server = FILED, .disk = FILED } } },
	FULL(MOVES, "MOVE"), FULL(UIDPLUS, "COPY"),
	FULL(IMAPD_PLAIN, "COPY"),
	GOES(MOVES, "MOVE"), GOES(UIDPLUS, "COPY"),
	GOES(IMAPD_PLAIN, "COPY"),
};

static void
moved_and_refused(void **state)
{
	(void)state;
	story_tell_all(moved, ARRAY_SIZE(moved));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copied_whatever_is_told),
		cmocka_unit_test(copied_by_word_alone),
		cmocka_unit_test(others_are_no_copies),
		cmocka_unit_test(moved_and_refused),
	};

	return FLOW_MAIN(tests);
}
