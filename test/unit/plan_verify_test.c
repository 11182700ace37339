#include "plan/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mail/flags.h"

/* By hand from design sections 3, 4 and 18. */

#define S	FLAG_SEEN
#define D	FLAG_DRAFT
#define NONE	VERIFY_KINDS

/* A message that is on both sides, known, with a file that is as it was. */
static void
fill_sound(struct place *p, struct verify_row *r)
{
	*p = (struct place){
		.id = 1, .folder = 1, .uid = 5, .unique = "u", .file = "u:2,S",
		.base_local = { true, S, "" }, .base_remote = { true, S, "" },
		.local = { true, S, "" }, .remote = { true, S, "" },
		.content = 3, .size = 10, .fetched = FETCHED_FULL,
		.hint = { 7, 10, 100 },
	};
	*r = (struct verify_row){
		.place = p, .seen_right = true, .name_fits = true,
		.name_flags = S, .has_content = true, .disk = DISK_FILE,
		.flags = S, .hint = { 7, 10, 100 }, .octets = OCTETS_SAME,
	};
}

/* Each makes one thing other than it should be. */
static void
no_change(struct place *p, struct verify_row *r)
{
	(void)p;
	(void)r;
}

static void
bad_stamp(struct place *p, struct verify_row *r)
{
	(void)p;
	r->seen_right = false;
}

static void
no_file_name(struct place *p, struct verify_row *r)
{
	p->file = NULL;
	r->disk = DISK_UNKNOWN;
}

static void
no_unique_part(struct place *p, struct verify_row *r)
{
	p->unique = NULL;
	r->disk = DISK_UNKNOWN;
}

static void
other_name(struct place *p, struct verify_row *r)
{
	p->file = "v:2,S";
	r->name_fits = false;
}

static void
row_of_other_flags(struct place *p, struct verify_row *r)
{
	(void)r;
	p->local.flags = 0;
}

static void
no_uid(struct place *p, struct verify_row *r)
{
	(void)r;
	p->uid = 0;
}

/* The server keeps one of two that are the same: that has no UID of its own. */
static void
twin(struct place *p, struct verify_row *r)
{
	(void)r;
	p->uid = 0;
	p->unconfirmed = true;
}

static void
no_content(struct place *p, struct verify_row *r)
{
	p->content = 0;
	r->has_content = false;
	r->octets = OCTETS_UNKNOWN;
}

/* A new file that no sync has read yet has none. */
static void
new_without_content(struct place *p, struct verify_row *r)
{
	no_content(p, r);
	p->uid = 0;
	p->remote.present = false;
	p->base_local.present = p->base_remote.present = false;
}

static void
lost_content(struct place *p, struct verify_row *r)
{
	(void)p;
	r->has_content = false;
	r->octets = OCTETS_UNKNOWN;
}

/* UIDVALIDITY changed after the file was deleted: agreed on, and on neither
 * side. */
static void
vanished(struct place *p, struct verify_row *r)
{
	p->uid = 0;
	p->local.present = p->remote.present = false;
	p->unique = p->file = NULL;
	r->disk = DISK_UNKNOWN;
}

static void
edited(struct place *p, struct verify_row *r)
{
	(void)p;
	r->octets = OCTETS_OTHER;
	r->hint.mtime = 101;
}

static void
rotten(struct place *p, struct verify_row *r)
{
	(void)p;
	r->octets = OCTETS_OTHER;
}

/* Nothing is known of what stat said then: nobody can tell who it was. */
static void
edited_unknown(struct place *p, struct verify_row *r)
{
	p->hint = (struct file_hint){ 0, 0, 0 };
	r->octets = OCTETS_OTHER;
}

static void
emptied(struct place *p, struct verify_row *r)
{
	edited(p, r);
	r->hint.size = 0;
}

static void
edited_draft(struct place *p, struct verify_row *r)
{
	edited(p, r);
	p->file = "u:2,DS";
	p->local.flags = r->name_flags = r->flags = S | D;
}

static void
edited_in_drafts(struct place *p, struct verify_row *r)
{
	edited(p, r);
	r->drafts = true;
}

static void
rotten_draft(struct place *p, struct verify_row *r)
{
	rotten(p, r);
	r->drafts = true;
}

static void
touched(struct place *p, struct verify_row *r)
{
	(void)p;
	r->hint.mtime = 101;
}

static void
re_flagged(struct place *p, struct verify_row *r)
{
	(void)p;
	r->flags = 0;
}

static void
moved_to_new(struct place *p, struct verify_row *r)
{
	(void)p;
	r->in_new = true;
}

static void
re_flagged_and_edited(struct place *p, struct verify_row *r)
{
	edited(p, r);
	re_flagged(p, r);
}

static void
gone(struct place *p, struct verify_row *r)
{
	(void)p;
	r->disk = DISK_GONE;
}

static void
gone_before(struct place *p, struct verify_row *r)
{
	p->local.present = false;
	r->disk = DISK_GONE;
}

static void
held(struct place *p, struct verify_row *r)
{
	(void)p;
	r->disk = DISK_HELD;
}

static void
odd(struct place *p, struct verify_row *r)
{
	(void)p;
	r->disk = DISK_ODD;
}

static void
unread(struct place *p, struct verify_row *r)
{
	(void)p;
	r->disk = DISK_UNREAD;
}

static void
not_looked_at(struct place *p, struct verify_row *r)
{
	(void)p;
	r->disk = DISK_UNKNOWN;
	r->flags = 0;
}

static void
back(struct place *p, struct verify_row *r)
{
	p->local.present = false;
	r->flags = 0;
}

static void
told_before(struct place *p, struct verify_row *r)
{
	no_file_name(p, r);
	r->disk = DISK_GONE;
	r->told = true;
}

static const struct {
	const char *what;
	void (*spoil)(struct place *, struct verify_row *);
	enum verify_kind want[3];
} rows[] = {
	{ "sound", no_change, { NONE } },
	{ "its stamp is wrong", bad_stamp, { V_ROW_SEEN, NONE } },
	{ "no file name", no_file_name, { V_ROW_NO_NAME, NONE } },
	{ "no unique part", no_unique_part, { V_ROW_NO_NAME, NONE } },
	{ "another's name", other_name, { V_ROW_NAME, NONE } },
	{ "flags of no name", row_of_other_flags, { V_ROW_FLAGS, NONE } },
	{ "no UID", no_uid, { V_ROW_NO_UID, NONE } },
	{ "a twin", twin, { NONE } },
	{ "no content", no_content, { V_ROW_NO_CONTENT, NONE } },
	{ "new, not read", new_without_content, { NONE } },
	{ "content lost", lost_content, { V_ROW_CONTENT, NONE } },
	{ "vanished", vanished, { NONE } },
	{ "edited", edited, { V_FILE_CONTENT, NONE } },
	{ "rotten", rotten, { V_FILE_ROTTEN, NONE } },
	{ "edited, hint unknown", edited_unknown, { V_FILE_CONTENT, NONE } },
	{ "emptied", emptied, { V_FILE_EMPTY, NONE } },
	{ "draft edited", edited_draft, { V_FILE_DRAFT, NONE } },
	{ "edited in Drafts", edited_in_drafts, { V_FILE_DRAFT, NONE } },
	{ "draft rotten", rotten_draft, { V_FILE_ROTTEN, NONE } },
	{ "touched", touched, { V_FILE_TOUCHED, NONE } },
	{ "re-flagged", re_flagged, { V_FILE_FLAGS, NONE } },
	{ "back to new/", moved_to_new, { V_FILE_MOVED, NONE } },
	{ "re-flagged and edited", re_flagged_and_edited,
	    { V_FILE_CONTENT, V_FILE_FLAGS, NONE } },
	{ "gone", gone, { V_FILE_GONE, NONE } },
	{ "gone before", gone_before, { NONE } },
	{ "held", held, { V_FILE_HELD, NONE } },
	{ "odd", odd, { V_FILE_ODD, NONE } },
	{ "unread", unread, { V_FILE_UNREAD, NONE } },
	{ "not looked at", not_looked_at, { NONE } },
	{ "back", back, { V_FILE_BACK, NONE } },
	{ "told before", told_before, { V_FILE_GONE, NONE } },
};

static void
check(const char *what, const enum verify_kind *got, size_t n,
    const enum verify_kind *want)
{
	size_t i;

	for (i = 0; want[i] != NONE; i++)
		if (i >= n || got[i] != want[i])
			fail_msg("%s: not %s", what,
			    verify_words(want[i])->name);
	if (n > i)
		fail_msg("%s: also %s", what, verify_words(got[i])->name);
}

static void
rows_are_judged(void **state)
{
	enum verify_kind kind[VERIFY_MOST];
	struct verify_row r;
	struct place p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fill_sound(&p, &r);
		rows[i].spoil(&p, &r);
		check(rows[i].what, kind, verify_row(&r, kind), rows[i].want);
	}
}

/* remote, unconfirmed; listed, shown, other, re-flagged, re-worded; octets */
static const struct {
	const char *what;
	bool remote, unconfirmed;
	bool listed, shown, other, flags, words;
	enum verify_octets octets;
	enum verify_kind want[3];
} shown[] = {
	{ "as it was", 1, 0, 1, 1, 0, 0, 0, OCTETS_SAME, { NONE } },
	{ "not compared", 1, 0, 1, 1, 0, 0, 0, OCTETS_UNKNOWN, { NONE } },
	{ "gone", 1, 0, 1, 0, 0, 0, 0, OCTETS_UNKNOWN,
	    { V_REMOTE_GONE, NONE } },
	{ "not shown, nor all", 1, 0, 0, 0, 0, 0, 0, OCTETS_UNKNOWN,
	    { NONE } },
	{ "never shown", 1, 1, 1, 0, 0, 0, 0, OCTETS_UNKNOWN, { NONE } },
	{ "gone before", 0, 0, 1, 0, 0, 0, 0, OCTETS_UNKNOWN, { NONE } },
	{ "back", 0, 0, 1, 1, 1, 1, 1, OCTETS_OTHER,
	    { V_REMOTE_BACK, NONE } },
	{ "another size", 1, 0, 1, 1, 1, 0, 0, OCTETS_SAME,
	    { V_REMOTE_OTHER, NONE } },
	{ "re-flagged", 1, 0, 1, 1, 0, 1, 0, OCTETS_SAME,
	    { V_REMOTE_FLAGS, NONE } },
	{ "a keyword", 1, 0, 1, 1, 0, 0, 1, OCTETS_SAME,
	    { V_REMOTE_FLAGS, NONE } },
	{ "another body", 1, 0, 1, 1, 0, 0, 0, OCTETS_OTHER,
	    { V_REMOTE_BODY, NONE } },
	{ "another altogether", 1, 0, 1, 1, 1, 0, 0, OCTETS_OTHER,
	    { V_REMOTE_OTHER, V_REMOTE_BODY, NONE } },
	{ "not given", 1, 0, 0, 1, 0, 0, 0, OCTETS_REFUSED,
	    { V_REMOTE_NOT_GIVEN, NONE } },
};

static void
the_server_is_judged(void **state)
{
	enum verify_kind kind[VERIFY_MOST];
	struct verify_row unused;
	struct place p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		struct verify_shown s = {
			.place = &p, .listed = shown[i].listed,
			.shown = shown[i].shown, .other = shown[i].other,
			.flags = shown[i].flags ? 0 : S,
			.keywords_same = !shown[i].words,
			.octets = shown[i].octets,
		};

		fill_sound(&p, &unused);
		p.remote.present = shown[i].remote;
		p.unconfirmed = shown[i].unconfirmed;
		check(shown[i].what, kind, verify_shown(&s, kind),
		    shown[i].want);
	}
	assert_int_equal(verify_unknown_uid(4, 5), V_REMOTE_UNKNOWN);
	assert_int_equal(verify_unknown_uid(5, 5), V_REMOTE_NEW);
}

/* odd, editor, no_unique, bad_info, empty, twice, linked, known */
static const struct {
	const char *what;
	struct verify_name name;
	enum verify_kind want[3];
} names[] = {
	{ "new", { 0, 0, 0, 0, 0, 0, 0, 0 }, { V_NAME_NEW, NONE } },
	{ "a link", { 1, 0, 0, 0, 0, 0, 0, 0 }, { V_NAME_ODD, NONE } },
	{ "a known link", { 1, 0, 0, 0, 0, 0, 0, 1 }, { NONE } },
	{ "an editor's", { 0, 1, 0, 0, 0, 0, 0, 0 }, { V_NAME_EDITOR, NONE } },
	{ "no unique part", { 0, 0, 1, 0, 0, 0, 0, 0 },
	    { V_NAME_NO_UNIQUE, NONE } },
	{ "bad info", { 0, 0, 0, 1, 0, 0, 0, 0 },
	    { V_NAME_INFO, V_NAME_NEW, NONE } },
	{ "empty", { 0, 0, 0, 0, 1, 0, 0, 0 }, { V_NAME_EMPTY, NONE } },
	{ "twice", { 0, 0, 0, 0, 0, 1, 0, 1 }, { V_NAME_TWICE, NONE } },
	{ "twice, and new", { 0, 0, 0, 0, 0, 1, 0, 0 },
	    { V_NAME_TWICE, NONE } },
	{ "linked", { 0, 0, 0, 0, 0, 1, 1, 1 }, { V_NAME_LINKED, NONE } },
	{ "renamed", { 0, 0, 0, 0, 0, 0, 0, 1 }, { NONE } },
};

static void
names_are_judged(void **state)
{
	enum verify_kind kind[VERIFY_MOST];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		check(names[i].what, kind, verify_name(&names[i].name, kind),
		    names[i].want);
}

/* Each has its words, and a name that no other has. */
static void
all_have_words(void **state)
{
	int i, k;

	(void)state;
	for (i = 0; i < VERIFY_KINDS; i++) {
		const struct verify_words *w = verify_words(
		    (enum verify_kind)i);

		assert_non_null(w->name);
		assert_true(strlen(w->is) > 10 && strlen(w->should) > 4 &&
		    strlen(w->remedy) > 5);
		for (k = 0; k < i; k++)
			assert_string_not_equal(w->name,
			    verify_words((enum verify_kind)k)->name);
	}
}

/* What stays is in one part; parts are of about one size; and the folder
 * counts, and a UID where there is no file. */
static void
parts_share_all(void **state)
{
	unsigned n[31] = { 0 }, i, other = 0;
	char unique[40];

	(void)state;
	for (i = 0; i < 30000; i++) {
		const char *u = i % 2 == 0 ? unique : NULL;
		unsigned part;

		snprintf(unique, sizeof(unique), "17%u.M1P2.host", i);
		part = verify_part("INBOX", u, i, 30);
		assert_in_range(part, 1, 30);
		assert_int_equal(part, verify_part("INBOX", u, u != NULL ? 0 :
		    i, 30));
		n[part]++;
		other += part != verify_part("work", u, i, 30);
		assert_int_equal(verify_part("INBOX", u, i, 1), 1);
	}
	for (i = 1; i <= 30; i++)
		assert_in_range(n[i], 800, 1200);
	assert_in_range(other, 28000, 30000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_judged),
		cmocka_unit_test(names_are_judged),
		cmocka_unit_test(the_server_is_judged),
		cmocka_unit_test(all_have_words),
		cmocka_unit_test(parts_share_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
