/*
 * OK is not a fact (design section 4, rule 1): what a server holds is known by
 * what it shows, and what it refuses keeps nothing else from it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

#define THREE \
	"server add INBOX a S\nserver add INBOX b\nserver add INBOX c FS\n"
#define NOT_SET(n) "INBOX: flags of " n " were not set: the server says that " \
	"it stores them, and does not\n"
#define UNREAD "INBOX: the server does not store \\Seen in that folder; what " \
	"was read or marked unread here is so here alone\n"

static const char *const servers[] = {
	IMAPD_FULL, IMAPD_CONDSTORE, IMAPD_PLAIN,
};

static struct world *
world_with(const char *caps, const char *before)
{
	struct world *w = world_new(caps);

	snprintf(world_way, sizeof(world_way), "%s: ", caps);
	world_do(w, before);
	world_sync_well(w);
	imapd_count(w->d);
	return w;
}

static void
world_end(struct world *w)
{
	world_way[0] = '\0';
	world_free(w);
}

/* How many commands that begin so were received. */
static unsigned
count_of(struct world *w, const char *command)
{
	const char *p = buf_str(&w->d->log);
	unsigned n = 0;

	while (*p != '\0') {
		n += strncmp(p, command, strlen(command)) == 0;
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	return n;
}

/* --- OK, and nothing happens --- */

static char *
keep_no_flagged(struct imapd *d, const char *words, bool append)
{
	(void)d;
	(void)append;
	return words_less(words, "\\Flagged");
}

static char *
keep_nothing(struct imapd *d, const char *words, bool append)
{
	(void)d;
	(void)words;
	(void)append;
	return xstrdup("");
}

/* One run doubts. */
static void
sync_doubting(struct world *w, const char *item)
{
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "the items", buf_str(&w->told.items), item);
	world_is(w, "the notes", buf_str(&w->told.notes), "");
}

/* Never a removal by somebody, in no run. */
static void
not_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		struct world *w = world_with(servers[i], THREE);

		w->d->keep = keep_no_flagged;
		world_do(w, "disk flag INBOX a FS\ndisk flag INBOX b FR\n");
		sync_doubting(w, NOT_SET("2 messages"));
		world_is(w, "the ops", buf_str(&w->told.ops),
		    "flag-remote INBOX b +\\Answered\n");
		world_sync_well(w);
		world_is(w, "the ops", buf_str(&w->told.ops), "");
		world_is(w, "the notes", buf_str(&w->told.notes), "INBOX: the "
		    "server does not keep \\Flagged; it stays here\n");
		imapd_count(w->d);
		world_is(w, "the disk", world_disk(w),
		    "INBOX: a(FS) b(FR) c(FS)\n");
		world_is(w, "the server", world_server(w),
		    "INBOX: a(S) b(R) c(FS)\n");
		for (int run = 0; run < 2; run++) {
			world_is_idle(w, 0);
			assert_int_equal(count_of(w, "UID STORE"), 0);
		}
		/* Others do not want it either way. */
		world_do(w, "server flag INBOX c S\ndisk flag INBOX b FRS\n");
		world_sync_well(w);
		world_is(w, "the notes", buf_str(&w->told.notes), "");
		world_is(w, "the disk", world_disk(w),
		    "INBOX: a(FS) b(FRS) c(FS)\n");
		world_end(w);
	}
}

/* A folder that is known not to keep \Flagged, which a has here. */
static struct world *
world_lacking(const char *caps)
{
	struct world *w = world_with(caps, THREE);

	w->d->keep = keep_no_flagged;
	world_do(w, "disk flag INBOX a FS\n");
	sync_doubting(w, NOT_SET("1 message"));
	world_sync_well(w);
	w->d->keep = NULL;
	world_is_idle(w, 0);
	return w;
}

/* When it says something else, it is asked once more. */
static void
kept_later(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		struct world *w = world_lacking(servers[i]);

		world_do(w, "server keeps INBOX \\Seen,\\Flagged,\\Deleted\n"
		    "server add INBOX d\n");
		world_sync_well(w);
		world_is_in_sync(w, "INBOX: a(FS) b c(FS) d\n");
		world_is_idle(w, 0);
		world_end(w);
	}
}

/* And when it shows one that somebody else has set; it is taken at its word
 * once. */
static void
kept_for_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		struct world *w = world_lacking(servers[i]);

		world_do(w, "server flag INBOX b F\n");
		world_sync_well(w);
		world_is_in_sync(w, "INBOX: a(FS) b(F) c(FS)\n");
		world_is_idle(w, 0);
		world_end(w);
		w = world_lacking(servers[i]);
		w->d->keep = keep_no_flagged;
		world_do(w, "server flag INBOX b F\n");
		world_sync_well(w);
		imapd_count(w->d);
		world_is_idle(w, 0);
		assert_int_equal(count_of(w, "UID STORE"), 0);
		world_is(w, "the disk", world_disk(w),
		    "INBOX: a(FS) b(F) c(FS)\n");
		world_end(w);
	}
}

/* One run alone says nothing, however often there is one. */
static void
bad_hours(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		struct world *w = world_with(servers[i], THREE);

		w->d->keep = keep_no_flagged;
		world_do(w, "disk flag INBOX a FS\n");
		sync_doubting(w, NOT_SET("1 message"));
		w->d->keep = NULL;
		world_sync_well(w);
		world_is_in_sync(w, "INBOX: a(FS) b c(FS)\n");
		world_is_idle(w, 0);
		w->d->keep = keep_no_flagged;
		world_do(w, "disk flag INBOX b F\n");
		sync_doubting(w, NOT_SET("1 message"));
		w->d->keep = NULL;
		world_sync_well(w);
		world_is_in_sync(w, "INBOX: a(FS) b(F) c(FS)\n");
		world_end(w);
	}
}

static void
seen_not_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		struct world *w = world_with(servers[i], THREE);

		w->d->keep = keep_nothing;
		world_do(w, "disk flag INBOX b S\ndisk flag INBOX a\n");
		sync_doubting(w, NOT_SET("2 messages"));
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_is(w, "the items", buf_str(&w->told.items), UNREAD);
		world_is(w, "the notes", buf_str(&w->told.notes), "");
		world_is_idle(w, 1);
		world_is(w, "the disk", world_disk(w), "INBOX: a b(S) c(FS)\n");
		world_end(w);
	}
}

/* Only some messages are like that: no word on the folder. */
static bool
is_message(const struct imapd_message *m, const char *token)
{
	size_t n;
	char *text = message_text(token, &n);
	bool same = m != NULL && m->size == n && memcmp(m->data, text, n) == 0;

	free(text);
	return same;
}

static const char *
refuse_b(struct imapd *d, const struct imapd_message *m, const char *words)
{
	(void)d;
	(void)words;
	return is_message(m, "b") ? "[CANNOT] retained" : NULL;
}

/* --- answers without rows --- */

static void
no_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		struct world *w = world_with(servers[i], THREE);

		w->d->quiet = true;
		world_do(w, "disk flag INBOX a F\ndisk flag INBOX b S\n");
		world_sync_well(w);
		world_is(w, "the ops", buf_str(&w->told.ops),
		    "flag-remote INBOX a +\\Flagged -\\Seen\n"
		    "flag-remote INBOX b +\\Seen\n");
		assert_int_equal(count_of(w, "UID STORE"), 3);
		world_is_in_sync(w, "INBOX: a(F) b(S) c(FS)\n");
		world_is_idle(w, 0);
		world_end(w);
	}
}

/* Done, and the answer and the network are lost; then the user thinks better of
 * it. */
static void
taken_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		struct world *w = world_with(servers[i], THREE);

		world_do(w, "disk flag INBOX a FS\ndisk flag INBOX c F\n");
		imapd_add_rule(w->d, "UID STORE *", IMAPD_CUT_BEHIND, NULL);
		w->d->cut_all = true;
		assert_int_equal(world_sync(w, NULL, NULL), 75);
		imapd_count(w->d);
		w->d->cut_all = w->d->down = false;
		world_do(w, "disk flag INBOX a S\n");
		world_sync_well(w);
		world_is_in_sync(w, "INBOX: a(S) b c(F)\n");
		world_is_idle(w, 0);
		world_end(w);
	}
}

static void
expunge_a(struct imapd *d, void *arg)
{
	(void)arg;
	imapd_expunge(imapd_find_box(d, "INBOX"), 1);
}

/* Not shown, for it is gone: that is seen in the same run. */
static void
gone_meanwhile(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		struct world *w = world_with(servers[i], THREE);

		world_do(w, "disk flag INBOX a FS\n");
		imapd_call_at(w->d, "UID STORE *", expunge_a, NULL)->times = 1;
		world_sync_well(w);
		world_is_in_sync(w, "INBOX: b c(FS)\n");
		world_end(w);
	}
}

/* --- APPEND --- */

static char *
append_nothing(struct imapd *d, const char *words, bool append)
{
	(void)d;
	return xstrdup(append ? "" : words);
}

static void
append_without_flags(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		struct world *w = world_with(servers[i], THREE);

		w->d->keep = append_nothing;
		world_do(w, "disk add INBOX d FRS\ndisk add INBOX e\n");
		world_sync_well(w);
		world_is_in_sync(w, "INBOX: a(S) b c(FS) d(FRS) e\n");
		world_is_idle(w, 0);
		world_end(w);
	}
}

/* As mox does with $Junk. */
static char *
append_more(struct imapd *d, const char *words, bool append)
{
	(void)d;
	return words_join(words, append ? "$NotJunk" : "");
}

static void
append_with_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		struct world *w = world_with(servers[i], THREE);

		w->d->keep = append_more;
		world_do(w, "disk add INBOX d FS\n");
		world_sync_well(w);
		world_is_in_sync(w, "INBOX: a(S) b c(FS) d(FS,$NotJunk)\n");
		world_is_idle(w, 0);
		world_end(w);
	}
}

/* --- refused --- */

static const char *
refuse_forwarded(struct imapd *d, const struct imapd_message *m,
    const char *words)
{
	(void)d;
	(void)m;
	return words_have(words, "$Forwarded") ? "invalid flag" : NULL;
}

static const char *
too_many_keywords(struct imapd *d, const struct imapd_message *m,
    const char *words)
{
	(void)d;
	(void)m;
	return words_have(words, "$Forwarded") ? "[LIMIT] too many keywords" :
	    NULL;
}

static void
without_forwarded(const char *caps, const char *(*refuse)(struct imapd *,
    const struct imapd_message *, const char *))
{
	struct world *w = world_with(caps, THREE);

	w->d->refuse_words = refuse;
	world_do(w, "disk flag INBOX a FPS\ndisk flag INBOX b P\n"
	    "disk add INBOX d PS\ndisk add INBOX e S\n");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_sync_well(w);
	world_is(w, "the notes", buf_str(&w->told.notes),
	    "INBOX: the server does not keep $Forwarded; it stays here\n");
	world_is(w, "the disk", world_disk(w),
	    "INBOX: a(FPS) b(P) c(FS) d(PS) e(S)\n");
	world_is(w, "the server", world_server(w),
	    "INBOX: a(FS) b c(FS) d(S) e(S)\n");
	world_is_idle(w, 0);
	world_end(w);
}

static void
keyword_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		without_forwarded(servers[i], refuse_forwarded);
		without_forwarded(servers[i], too_many_keywords);
	}
}

static void
keyword_refused_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		struct world *w = world_with(servers[i], THREE);

		w->d->refuse_words = refuse_forwarded;
		world_do(w, "disk flag INBOX a FPS\ndisk add INBOX d PS\n");
		sync_doubting(w, "INBOX: flags of 2 messages were not set: "
		    "127.0.0.1 refused UID STORE: invalid flag\n");
		w->d->refuse_words = NULL;
		world_sync_well(w);
		world_is_in_sync(w, "INBOX: a(FPS) b c(FS) d(PS)\n");
		world_is_idle(w, 0);
		world_end(w);
	}
}

/* Nothing is known of the keyword then; a system flag may be at fault, too. */
static const char *
refuse_any(struct imapd *d, const struct imapd_message *m, const char *words)
{
	(void)d;
	return m == NULL && *words != '\0' ? "no flags here" : NULL;
}

static void
append_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		struct world *w = world_with(servers[i], THREE);

		w->d->refuse_words = refuse_any;
		world_do(w, "disk add INBOX d FPST\ndisk add INBOX e S\n"
		    "disk add INBOX f\n");
		world_sync_well(w);
		world_is_in_sync(w, "INBOX: a(S) b c(FS) d(FPST) e(S) f\n");
		world_is_idle(w, 0);
		w->d->refuse_words = refuse_forwarded;
		world_do(w, "disk add INBOX g FPS\n");
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_sync_well(w);
		world_is(w, "the server", world_server(w), "INBOX: a(S) b "
		    "c(FS) d(FPST) e(S) f g(FS)\n");
		world_is(w, "the disk", world_disk(w), "INBOX: a(S) b c(FS) "
		    "d(FPST) e(S) f g(FPS)\n");
		world_end(w);
	}
}

static void
message_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		struct world *w = world_with(servers[i], THREE
		    "server add INBOX d\nserver add INBOX e\n");

		w->d->refuse_words = refuse_b;
		world_do(w, "disk flag INBOX a FRS\ndisk flag INBOX b FRS\n"
		    "disk flag INBOX d FRS\ndisk flag INBOX e FRS\n");
		assert_int_equal(world_sync(w, NULL, NULL), 1);
		world_is(w, "the items", buf_str(&w->told.items),
		    "INBOX: flags of 1 message were not set: 127.0.0.1 refused "
		    "UID STORE: retained\n");
		world_is(w, "the server", world_server(w),
		    "INBOX: a(FRS) b c(FS) d(FRS) e(FRS)\n");
		world_is(w, "the disk", world_disk(w),
		    "INBOX: a(FRS) b(FRS) c(FS) d(FRS) e(FRS)\n");
		w->d->refuse_words = NULL;
		world_sync_well(w);
		world_is_in_sync(w,
		    "INBOX: a(FRS) b(FRS) c(FS) d(FRS) e(FRS)\n");
		world_end(w);
	}
}

static unsigned
stores_when(const char *text)
{
	struct world *w = world_new(IMAPD_FULL);
	unsigned n;

	world_do_many(w, "server add INBOX m", 100, "");
	world_sync_well(w);
	imapd_count(w->d);
	imapd_add_rule(w->d, "UID STORE *", IMAPD_NO, text);
	world_do_many(w, "disk flag INBOX m", 100, " S");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "the server's words", strstr(buf_str(&w->told.items),
	    "flags of 100 messages") != NULL ? "" : "not named", "");
	n = count_of(w, "UID STORE");
	world_free(w);
	return n;
}

/* Not for ever, and not where a part would fare no better. */
static void
all_refused(void **state)
{
	(void)state;
	assert_in_range(stores_when("[CANNOT] never"), 8, 20);
	assert_int_equal(stores_when("[UNAVAILABLE] later"), 1);
	assert_int_equal(stores_when("[LIMIT] slowly"), 1);
	assert_int_equal(stores_when("[NOPERM] not you"), 1);
}

/* --- what a folder can hold --- */

static void
any_alone(void **state)
{
	struct world *w = world_with(IMAPD_FULL, THREE
	    "server keeps INBOX \\*\n");

	(void)state;
	world_do(w, "disk flag INBOX b FS\ndisk remove INBOX c\n");
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a(S) b(FS)\n");
	world_end(w);
}

static void
no_right_to_delete(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
		struct world *w = world_with(servers[i], THREE
		    "server keeps INBOX \\Seen,\\Flagged\n");

		world_do(w, "disk remove INBOX c\ndisk flag INBOX b S\n");
		for (int run = 0; run < 2; run++) {
			assert_int_equal(world_sync(w, NULL, NULL), 1);
			world_is(w, "the items", buf_str(&w->told.items),
			    "INBOX: 1 message deleted here can't be removed "
			    "from the server: it does not let this user "
			    "delete in that folder\n");
			assert_int_equal(count_of(w, "UID EXPUNGE") +
			    count_of(w, "EXPUNGE"), 0);
		}
		world_is(w, "the server", world_server(w),
		    "INBOX: a(S) b(S) c(FS)\n");
		world_is(w, "the disk", world_disk(w), "INBOX: a(S) b(S)\n");
		world_do(w, "server keeps INBOX \\Seen,\\Flagged,\\Deleted\n");
		world_sync_well(w);
		world_is_in_sync(w, "INBOX: a(S) b(S)\n");
		world_is(w, "the items", world_items(w), "");
		world_end(w);
	}
}

static void
no_right_to_read(void **state)
{
	struct world *w = world_with(IMAPD_FULL, THREE
	    "server keeps INBOX \\Deleted,\\Flagged,\\*\n");

	(void)state;
	world_is(w, "the items", world_items(w), "");
	world_do(w, "disk flag INBOX b S\ndisk add INBOX d FS\n");
	assert_int_equal(world_sync(w, NULL, NULL), 1);
	world_is(w, "the items", buf_str(&w->told.items), UNREAD);
	world_is_idle(w, 1);
	world_is(w, "the server", world_server(w),
	    "INBOX: a(S) b c(FS) d(F)\n");
	world_do(w, "disk flag INBOX b\ndisk flag INBOX d F\n");
	world_sync_well(w);
	world_is(w, "the items", world_items(w), "");
	world_end(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(not_kept),
		cmocka_unit_test(kept_later),
		cmocka_unit_test(kept_for_others),
		cmocka_unit_test(bad_hours),
		cmocka_unit_test(seen_not_kept),
		cmocka_unit_test(no_rows),
		cmocka_unit_test(taken_back),
		cmocka_unit_test(gone_meanwhile),
		cmocka_unit_test(append_without_flags),
		cmocka_unit_test(append_with_more),
		cmocka_unit_test(keyword_refused),
		cmocka_unit_test(keyword_refused_once),
		cmocka_unit_test(append_refused),
		cmocka_unit_test(message_refused),
		cmocka_unit_test(all_refused),
		cmocka_unit_test(any_alone),
		cmocka_unit_test(no_right_to_delete),
		cmocka_unit_test(no_right_to_read),
	};

	return FLOW_MAIN(tests);
}
