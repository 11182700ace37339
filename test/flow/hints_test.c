/*
 * Sizes and dates that a server tells are hints (design section 11): whatever
 * they are, mail is brought over, paired and removed as with any other.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "flow.h"

static enum imapd_size sizes;
static enum imapd_date dates;

static void
prepare(struct world *w)
{
	w->d->sizes = sizes;
	w->d->dates = dates;
}

#define HINTS	.prepare = prepare, .not = FLOW_ONCE
#define ABC \
	"server add INBOX a S\nserver add INBOX b~9000 F\n" \
	"server add INBOX c^ S\nserver add Work d S\n"
#define ALL "INBOX: a(S) b~9000(F) c^(S)\nWork: d(S)\n"
#define FILES \
	"disk add INBOX a S\ndisk add INBOX b~9000 F\n" \
	"disk add INBOX c^ S\ndisk add Work d S\n"

/* Files have the date of the message where the server tells none. */
static const struct flow flows[] = {
	{ .what = "a Maildir that was there", .before = ABC FILES, .ops = "",
	    .both = ALL, .prepare = prepare, .not = FLOW_ONCE | FLOW_FIRST },
	{ .what = "removed, here and there", .before = ABC FILES,
	    .change = "server remove INBOX a\ndisk remove INBOX b~9000\n"
		"disk remove Work d\n",
	    .ops = "remove-local INBOX a\nremove-remote INBOX b~9000\n"
		"remove-remote Work d\n",
	    .both = "INBOX: c^(S)\nWork:\n", HINTS },
	{ .what = "new on disk", .before = ABC FILES,
	    .change = "disk add INBOX e S\ndisk add Work f^ S\n",
	    .ops = "push INBOX e\npush Work f^\n",
	    .both = "INBOX: a(S) b~9000(F) c^(S) e(S)\nWork: d(S) f^(S)\n",
	    HINTS },
	{ .what = "new on disk, and removed", .before = ABC FILES,
	    .change = "disk add INBOX e S\n", .ops = "push INBOX e\n",
	    .both = "INBOX: a(S) b~9000(F) c^(S) e(S)\nWork: d(S)\n", HINTS },
	{ .what = "new UIDs", .before = ABC FILES,
	    .change = "server renumber INBOX\n", .ops = "", .both = ALL,
	    .notes = "INBOX: the server numbers its messages anew "
		"(UIDVALIDITY); both sides are merged, nothing is deleted\n",
	    HINTS },
	{ .what = "the index is lost", .before = ABC FILES,
	    .change = "index lose\n", .ops = "", .both = ALL,
	    .notes = "the Maildir DIR/mail was synced before, but the index "
		"knows nothing of it; both sides are merged, nothing is "
		"deleted\n", HINTS },
	{ .what = "flags", .before = ABC FILES,
	    .change = "server flag INBOX a SF\ndisk flag Work d RS\n",
	    .ops = "flag-local INBOX a +\\Flagged\n"
		"flag-remote Work d +\\Answered\n",
	    .both = "INBOX: a(FS) b~9000(F) c^(S)\nWork: d(RS)\n", HINTS },
};

static void
check_all(enum imapd_size size, enum imapd_date date)
{
	sizes = size;
	dates = date;
	flow_check_all(flows, ARRAY_SIZE(flows));
}

static void
sizes_are_hints(void **state)
{
	(void)state;
	for (unsigned i = IMAPD_SIZE_EXACT; i <= IMAPD_SIZE_VARIES; i++)
		check_all((enum imapd_size)i, IMAPD_DATE_EXACT);
}

static void
dates_are_hints(void **state)
{
	(void)state;
	for (unsigned i = IMAPD_DATE_NONE; i <= IMAPD_DATE_VARIES; i++)
		check_all(IMAPD_SIZE_EXACT, (enum imapd_date)i);
}

static void
neither_is_told(void **state)
{
	(void)state;
	check_all(IMAPD_SIZE_NONE, IMAPD_DATE_NONE);
	check_all(IMAPD_SIZE_VARIES, IMAPD_DATE_VARIES);
}

/* --- what is pulled --- */

static void
pulled(void **state)
{
	(void)state;
	for (unsigned i = IMAPD_SIZE_EXACT; i <= IMAPD_SIZE_VARIES; i++) {
		struct world *w = world_new(IMAPD_FULL);

		w->d->sizes = (enum imapd_size)i;
		world_do(w, ABC);
		world_sync_well(w);
		world_is_in_sync(w, ALL);
		world_is_idle(w, 0);
		world_do(w, "server add INBOX g\n");
		world_sync_well(w);
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* 15 January 2026, 10 o'clock, is what the header says. */
static void
date_of_the_header(void **state)
{
	(void)state;
	for (unsigned i = IMAPD_DATE_NONE; i <= IMAPD_DATE_NONSENSE; i++) {
		struct world *w = world_new(IMAPD_FULL);
		struct stat st;
		char *pattern = xasprintf("%s/INBOX/cur/*", w->root);
		glob_t g;

		w->d->dates = (enum imapd_date)i;
		world_do(w, "server add INBOX a S\n");
		world_sync_well(w);
		assert_int_equal(glob(pattern, 0, NULL, &g), 0);
		assert_int_equal(g.gl_pathc, 1);
		assert_int_equal(stat(g.gl_pathv[0], &st), 0);
		assert_int_equal(st.st_mtime, 1768471200);
		globfree(&g);
		free(pattern);
		world_is_idle(w, 0);
		world_free(w);
	}
}

/* What varies is learned: then no headers are asked for any more. */
static void
learned(void **state)
{
	static const char *const change[] = {
		"server flag INBOX a SF\n", "server flag INBOX a S\n",
	};

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct world *w = world_new(IMAPD_FULL);

		w->d->sizes = k == 0 ? IMAPD_SIZE_VARIES : IMAPD_SIZE_EXACT;
		w->d->dates = k == 0 ? IMAPD_DATE_EXACT : IMAPD_DATE_VARIES;
		world_do(w, ABC);
		world_sync_well(w);
		for (size_t i = 0; i < 2; i++) {
			bool asked;

			imapd_count(w->d);
			world_do(w, change[i]);
			world_sync_well(w);
			asked = strstr(buf_str(&w->d->log), "HEADER") != NULL;
			assert_int_equal(asked, i == 0);
		}
		world_free(w);
	}
}

/* --- another message under the same UID --- */

/* A server that came back from a backup, whatever it says of sizes. */
static void
reused(void **state)
{
	static const char notes[] = "INBOX: its newest messages are not those "
	    "that the server had under these UIDs; both sides are merged, "
	    "nothing is deleted\n";

	(void)state;
	for (unsigned i = IMAPD_SIZE_EXACT; i <= IMAPD_SIZE_LESS; i++) {
		struct world *w = world_new(IMAPD_FULL);
		struct imapd_message *m;

		w->d->sizes = (enum imapd_size)i;
		world_do(w, "server add INBOX a S\nserver add INBOX b S\n");
		world_sync_well(w);
		m = world_message(w, "INBOX", "b");
		free(m->data);
		m->data = message_text("other~400", &m->size);
		m->date = message_date("other~400");
		world_do(w, "server flag INBOX a SF\n");
		world_sync(w, NULL, NULL);
		world_is(w, "notes", buf_str(&w->told.notes), notes);
		world_is(w, "the disk", world_disk(w),
		    "INBOX: a(FS) b(S) other~400(S)\n");
		world_is_idle(w, 0);
		world_free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_hints),
		cmocka_unit_test(dates_are_hints),
		cmocka_unit_test(neither_is_told),
		cmocka_unit_test(pulled),
		cmocka_unit_test(date_of_the_header),
		cmocka_unit_test(learned),
		cmocka_unit_test(reused),
	};

	return FLOW_MAIN(tests);
}
