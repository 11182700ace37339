/* What observers tell: changes are written, what is unchanged is not. */
#include "index_fixture.h"

#include "base/fs.h"

static int64_t inbox;

static int
setup_inbox(void **state)
{
	struct fixture *f;

	setup_index(state);
	f = *state;
	ok(index_begin(f->ix, &f->err));
	inbox = add_folder(f, "INBOX");
	ok(index_commit(f->ix, &f->err));
	ok(index_begin(f->ix, &f->err));
	return 0;
}

static bool
see_remote(struct fixture *f, uint32_t uid, unsigned flags,
    const char *keywords)
{
	const struct index_seen_remote seen = { .uid = uid, .has_flags = true,
	    .flags = flags, .keywords = keywords };
	bool changed = false;

	ok(index_see_remote(f->ix, inbox, &seen, &changed, &f->err));
	return changed;
}

static bool
see_local(struct fixture *f, bool in_new, const char *file)
{
	int changed = see_file(f, inbox, in_new, file);

	ok(changed);
	return changed > 0;
}

static struct place
by_uid(struct fixture *f, uint32_t uid)
{
	struct place p;

	assert_int_equal(index_place_by_uid(f->ix, inbox, uid, &p, &f->err), 1);
	return p;
}

static struct place
by_unique(struct fixture *f, const char *unique)
{
	struct place p;

	assert_int_equal(index_place_by_unique(f->ix, inbox, unique, &p,
	    &f->err), 1);
	return p;
}

/* All that a side agreed on is as it is now. */
static void
pair(struct fixture *f, struct place *p)
{
	state_set(&p->base_local, true, p->local.flags, p->local.keywords);
	state_set(&p->base_remote, true, p->remote.flags, p->remote.keywords);
	ok(index_place_put(f->ix, p, &f->err));
}

static void
test_remote_flags_and_meta(void **state)
{
	struct fixture *f = *state;
	struct index_seen_remote seen = { .uid = 5 };
	struct place p;
	bool changed;

	/* Known to be there, nothing more. */
	ok(index_see_remote(f->ix, inbox, &seen, &changed, &f->err));
	assert_true(changed);
	p = by_uid(f, 5);
	assert_true(p.remote.present);
	assert_int_equal(p.remote.flags, 0);
	assert_int_equal(p.size, 0);
	assert_null(p.unique);
	assert_false(p.local.present || p.base_local.present);
	place_release(&p);
	ok(index_see_remote(f->ix, inbox, &seen, &changed, &f->err));
	assert_false(changed);

	assert_true(see_remote(f, 5, FLAG_SEEN, "todo"));
	assert_false(see_remote(f, 5, FLAG_SEEN, "todo"));
	assert_false(see_remote(f, 5, FLAG_SEEN, "TODO"));
	assert_true(see_remote(f, 5, FLAG_SEEN, "later"));
	assert_true(see_remote(f, 5, FLAG_SEEN, NULL));
	assert_true(see_remote(f, 5, FLAG_SEEN, "todo"));

	/* Without flags, those that are known stay. */
	seen.has_date = true;
	seen.size = 1234;
	seen.date = 1700000000;
	ok(index_see_remote(f->ix, inbox, &seen, &changed, &f->err));
	assert_true(changed);
	ok(index_see_remote(f->ix, inbox, &seen, &changed, &f->err));
	assert_false(changed);
	p = by_uid(f, 5);
	assert_int_equal(p.remote.flags, FLAG_SEEN);
	assert_string_equal(p.remote.keywords, "todo");
	assert_int_equal(p.size, 1234);
	assert_int_equal(p.date, 1700000000);
	place_release(&p);
	assert_false(see_remote(f, 5, FLAG_SEEN, "todo"));

	/* What was not told stays; 1 January 1970 is a date. */
	seen.has_date = false;
	seen.size = 0;
	seen.date = 5;
	ok(index_see_remote(f->ix, inbox, &seen, &changed, &f->err));
	assert_false(changed);
	seen.has_date = true;
	seen.date = 0;
	ok(index_see_remote(f->ix, inbox, &seen, &changed, &f->err));
	assert_true(changed);
	p = by_uid(f, 5);
	assert_true(p.has_date && p.date == 0);
	assert_int_equal(p.size, 1234);
	place_release(&p);
}

static void
see_many(struct fixture *f, uint32_t first, uint32_t last)
{
	for (uint32_t uid = first; uid <= last; uid++)
		see_remote(f, uid, 0, "");
}

/* The uids that are there, as text. */
static void
assert_remote(struct fixture *f, const char *expected)
{
	struct index_place_stream from = { PLACES_REMOTE, inbox, 0 };
	struct uidset set = { 0 };
	struct place p[10];
	struct buf text;
	size_t at = 0;
	int n;

	while ((n = index_places(f->ix, &from, p, 10, &f->err)) > 0) {
		for (int i = 0; i < n; i++) {
			uidset_add(&set, p[i].uid);
			place_release(&p[i]);
		}
	}
	buf_init(&text, 10000);
	assert_true(uidset_format(&set, &at, 9000, &text));
	assert_string_equal(buf_str(&text), expected);
	buf_release(&text);
	uidset_release(&set);
}

static uint64_t
unsee(struct fixture *f, const char *uids)
{
	struct uidset set = { 0 };
	uint64_t changed;

	assert_int_equal(uidset_parse(&set, span_of(uids)), 0);
	ok(index_unsee_remote(f->ix, inbox, &set, &changed, &f->err));
	uidset_release(&set);
	return changed;
}

static uint64_t
keep(struct fixture *f, const char *uids, uint32_t upto)
{
	struct uidset set = { 0 };
	const struct index_listed listed = { &set, upto };
	uint64_t changed;

	if (uids[0] != '\0')
		assert_int_equal(uidset_parse(&set, span_of(uids)), 0);
	ok(index_keep_remote(f->ix, inbox, &listed, &changed, &f->err));
	uidset_release(&set);
	return changed;
}

static void
test_unsee_remote(void **state)
{
	struct fixture *f = *state;
	struct place p;

	see_many(f, 1, 1000);
	see_remote(f, 4294967295u, 0, "");
	see_remote(f, 500, FLAG_SEEN, "todo");
	assert_int_equal(unsee(f, "2,400:990,1500:2000"), 1 + 591);
	assert_remote(f, "1,3:399,991:1000,4294967295");
	assert_int_equal(unsee(f, "2,400:990,1500:2000"), 0);
	/* The row stays, to be judged, and knows what it last was. */
	p = by_uid(f, 500);
	assert_false(p.remote.present);
	assert_int_equal(p.remote.flags, FLAG_SEEN);
	assert_string_equal(p.remote.keywords, "todo");
	place_release(&p);
	assert_int_equal(unsee(f, "1:*"), 409);
	assert_remote(f, "");
	assert_true(see_remote(f, 500, FLAG_SEEN, "todo"));
	assert_remote(f, "500");
}

static const struct {
	const char *keep;
	uint32_t upto;
	const char *left;	/* of 1:1000,4294967295 */
} keeps[] = {
	{ "1:1000", 1000, "1:1000,4294967295" },
	{ "1:*", 4294967295u, "1:1000,4294967295" },
	{ "1:999", 1000, "1:999,4294967295" },
	{ "2:1000", 1000, "2:1000,4294967295" },
	{ "5,7:9,600", 1000, "5,7:9,600,4294967295" },
	{ "5,7:9,600", 500, "5,7:9,501:1000,4294967295" },
	{ "5,7:9,600", 8, "5,7:1000,4294967295" },
	{ "5,7:9,600", 6, "5,7:1000,4294967295" },
	{ "900:2000", 1000, "900:1000,4294967295" },
	{ "900:2000", 4294967295u, "900:1000" },
	{ "1:1000,4294967295", 4294967295u, "1:1000,4294967295" },
	{ "4294967295", 4294967295u, "4294967295" },
	{ "", 1000, "4294967295" },
	{ "", 4294967295u, "" },
	{ "", 0, "1:1000,4294967295" },
	{ "3", 0, "1:1000,4294967295" },
};

static void
test_keep_remote(void **state)
{
	struct fixture *f = *state;
	struct uidset all = { 0 };

	uidset_parse(&all, span_of("1:1000,4294967295"));
	for (size_t i = 0; i < sizeof(keeps) / sizeof(keeps[0]); i++) {
		struct uidset left = { 0 };

		for (uint32_t uid = 0; uidset_next(&all, &uid);)
			see_remote(f, uid, 0, "");
		if (keeps[i].left[0] != '\0')
			uidset_parse(&left, span_of(keeps[i].left));
		assert_int_equal(keep(f, keeps[i].keep, keeps[i].upto),
		    uidset_count(&all) - uidset_count(&left));
		assert_remote(f, keeps[i].left);
		uidset_release(&left);
	}
	uidset_release(&all);
}

static const struct {
	const char *file, *unique;
	unsigned flags;
} names[] = {
	{ "1.a.host", "1.a.host", 0 },
	{ "2.a.host:2,", "2.a.host", 0 },
	{ "3.a.host:2,FS", "3.a.host", FLAG_FLAGGED | FLAG_SEEN },
	{ "4.a.host:2,DFPRST", "4.a.host", FLAG_ALL },
	{ "5.a.host:2,Sabz", "5.a.host", FLAG_SEEN },
	{ "6.a.host:1,S", "6.a.host:1,S", 0 },
	{ "7.a,S=5:2,R", "7.a,S=5", FLAG_ANSWERED },
	{ "8.a:2,FS,T", "8.a", FLAG_FLAGGED | FLAG_SEEN },
	{ "9.a:2,S:2,F", "9.a", FLAG_SEEN },
};

static void
test_local_names(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct place p;

		assert_true(see_local(f, i % 2, names[i].file));
		assert_false(see_local(f, i % 2, names[i].file));
		p = by_unique(f, names[i].unique);
		assert_int_equal(p.local.flags, names[i].flags);
		assert_true(p.local.present);
		assert_int_equal(p.in_new, i % 2);
		assert_string_equal(p.file, names[i].file);
		assert_int_equal(p.uid, 0);
		assert_false(p.remote.present || p.base_local.present);
		place_release(&p);
	}
}

static void
test_local_changes(void **state)
{
	struct fixture *f = *state;
	struct place p;
	int64_t id;

	assert_true(see_local(f, true, "a"));
	p = by_unique(f, "a");
	state_set(&p.local, true, 0, "todo");
	ok(index_place_put(f->ix, &p, &f->err));
	id = p.id;
	place_release(&p);
	assert_true(see_local(f, false, "a:2,"));
	assert_true(see_local(f, false, "a:2,S"));
	/* A foreign letter is in the name alone. */
	assert_true(see_local(f, false, "a:2,Sx"));
	p = by_unique(f, "a");
	assert_int_equal(p.id, id);
	assert_int_equal(p.local.flags, FLAG_SEEN);
	assert_string_equal(p.local.keywords, "todo");
	assert_string_equal(p.file, "a:2,Sx");
	assert_false(p.in_new);
	place_release(&p);
}

static void
test_local_absence(void **state)
{
	struct fixture *f = *state;
	struct place p;
	int64_t id;

	see_local(f, false, "a:2,S");
	p = by_unique(f, "a");
	id = p.id;
	pair(f, &p);
	place_release(&p);

	ok(index_miss_local(f->ix, id, &f->err));
	p = by_unique(f, "a");
	assert_true(p.local.present && p.missing);
	place_release(&p);
	assert_true(see_local(f, false, "a:2,S"));
	p = by_unique(f, "a");
	assert_false(p.missing);
	place_release(&p);

	ok(index_miss_local(f->ix, id, &f->err));
	ok(index_unsee_local(f->ix, id, &f->err));
	p = by_unique(f, "a");
	assert_false(p.local.present || p.missing);
	assert_true(p.base_local.present);
	assert_int_equal(p.local.flags, FLAG_SEEN);
	assert_string_equal(p.file, "a:2,S");
	place_release(&p);
	/* What is gone can't be missed; what is unknown neither. */
	ok(index_miss_local(f->ix, id, &f->err));
	p = by_unique(f, "a");
	assert_false(p.missing);
	place_release(&p);
	ok(index_miss_local(f->ix, 999, &f->err));
	ok(index_unsee_local(f->ix, 999, &f->err));
	assert_true(see_local(f, false, "a:2,S"));
}

/* Uid 1 on both sides, paired; 2 on the server; "c" on disk. */
static void
three_rows(struct fixture *f)
{
	struct fingerprint fp = { .content = { 3 } };
	struct place p;

	see_remote(f, 1, FLAG_SEEN, "todo");
	see_remote(f, 2, 0, "");
	p = by_uid(f, 1);
	ok(index_content_put(f->ix, &fp, &p.content, &f->err));
	p.unique = xstrdup("a");
	p.file = xstrdup("a:2,S");
	p.size = 10;
	p.date = 20;
	p.fetched = FETCHED_FULL;
	state_set(&p.local, true, FLAG_SEEN, "todo");
	pair(f, &p);
	place_release(&p);
	see_local(f, true, "c");
	assert_int_equal(dirty_of(f, inbox), 2);
}

static void
assert_counts(struct fixture *f, unsigned local, unsigned remote,
    unsigned paired, unsigned dirty)
{
	struct index_counts counts;

	ok(index_counts(f->ix, inbox, &counts, &f->err));
	assert_int_equal(counts.local, local);
	assert_int_equal(counts.remote, remote);
	assert_int_equal(counts.paired, paired);
	assert_int_equal(counts.dirty, dirty);
}

static void
test_reset_remote(void **state)
{
	struct fixture *f = *state;
	struct place p;

	three_rows(f);
	ok(index_reset_remote(f->ix, inbox, NULL, &f->err));
	assert_counts(f, 2, 0, 0, 2);
	p = by_unique(f, "a");
	assert_int_equal(p.uid, 0);
	assert_int_equal(p.size, 0);
	assert_int_equal(p.date, 0);
	assert_true(p.local.present);
	assert_int_equal(p.local.flags, FLAG_SEEN);
	assert_string_equal(p.local.keywords, "todo");
	assert_true(p.content != 0);
	assert_int_equal(p.fetched, FETCHED_FULL);
	place_release(&p);
	assert_int_equal(index_place_by_uid(f->ix, inbox, 1, &p, &f->err), 0);
	assert_int_equal(index_place_by_uid(f->ix, inbox, 2, &p, &f->err), 0);
	assert_true(see_remote(f, 1, 0, ""));
}

/* What the disk lost, or one scan lacked, stays agreed on; and what it took
 * away from what is left. */
static void
test_reset_remote_one_sided(void **state)
{
	struct fixture *f = *state;
	struct place p;

	three_rows(f);
	p = by_uid(f, 1);
	state_set(&p.base_local, true, FLAG_SEEN | FLAG_FLAGGED, "todo x");
	state_set(&p.base_remote, true, FLAG_SEEN | FLAG_FLAGGED, "todo x");
	ok(index_place_put(f->ix, &p, &f->err));
	p.missing = true;
	ok(index_place_put(f->ix, &p, &f->err));
	ok(index_reset_remote(f->ix, inbox, NULL, &f->err));
	place_release(&p);
	p = by_unique(f, "a");
	assert_true(p.base_local.present && p.base_remote.present);
	assert_false(p.local.present || p.remote.present || p.missing);
	assert_int_equal(p.uid, 0);
	place_release(&p);
	/* It is back: nobody knows it on the server. */
	assert_true(see_local(f, false, "a:2,S"));
	p = by_unique(f, "a");
	assert_false(p.base_local.present || p.base_remote.present);
	state_set(&p.base_local, true, FLAG_SEEN | FLAG_FLAGGED, "todo x");
	state_set(&p.base_remote, true, FLAG_SEEN | FLAG_FLAGGED, "todo x");
	ok(index_place_put(f->ix, &p, &f->err));
	place_release(&p);
	ok(index_reset_remote(f->ix, inbox, NULL, &f->err));
	p = by_unique(f, "a");
	assert_false(p.base_local.present || p.base_remote.present);
	assert_true(p.local.present);
	assert_int_equal(p.base_local.flags, FLAG_FLAGGED);
	assert_int_equal(p.base_remote.flags, FLAG_FLAGGED);
	assert_string_equal(p.base_local.keywords, "x");
	place_release(&p);
}

static void
test_reset_local(void **state)
{
	struct fixture *f = *state;
	struct place p;

	three_rows(f);
	ok(index_reset_local(f->ix, inbox, &f->err));
	assert_counts(f, 0, 2, 0, 2);
	p = by_uid(f, 1);
	assert_null(p.unique);
	assert_null(p.file);
	assert_int_equal(p.size, 10);
	assert_int_equal(p.date, 20);
	assert_int_equal(p.remote.flags, FLAG_SEEN);
	assert_true(p.content != 0);
	assert_int_equal(p.fetched, FETCHED_NONE);
	place_release(&p);
	assert_int_equal(index_place_by_unique(f->ix, inbox, "c", &p, &f->err),
	    0);
	assert_true(see_local(f, false, "a"));
}

/* More than one portion, and other folders are left alone. */
static void
test_reset_is_for_one_folder(void **state)
{
	struct fixture *f = *state;
	const int64_t first = inbox;
	struct index_counts counts;
	char name[20];

	for (int i = 0; i < 700; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		see_local(f, false, name);
	}
	see_many(f, 1, 700);
	inbox = add_folder(f, "two");
	see_many(f, 1, 5);
	see_local(f, false, "n1");
	ok(index_reset_remote(f->ix, first, NULL, &f->err));
	ok(index_counts(f->ix, first, &counts, &f->err));
	assert_int_equal(counts.local, 700);
	assert_int_equal(counts.remote, 0);
	ok(index_reset_local(f->ix, first, &f->err));
	assert_counts(f, 1, 5, 0, 6);
	ok(index_counts(f->ix, first, &counts, &f->err));
	assert_int_equal(counts.local, 0);
	assert_int_equal(counts.dirty, 0);
}

static const struct file_hint first = { 11, 100, 1000000001 };
static const struct file_hint later = { 12, 101, 1000000002 };

static void
see_hinted(struct fixture *f, const char *file, const struct file_hint *hint,
    bool want)
{
	const struct index_seen_local seen = { .file = file, .hint = *hint };
	char *unique = xstrndup(file, strcspn(file, ":"));
	bool changed;
	struct place p;

	if (index_place_by_unique(f->ix, inbox, unique, &p, &f->err) == 0) {
		place_init(&p);
		p.folder = inbox;
		p.unique = xstrdup(unique);
	}
	ok(index_place_see(f->ix, &p, &seen, &changed, &f->err));
	assert_int_equal(changed, want);
	place_release(&p);
	free(unique);
}

static void
assert_hint(struct fixture *f, const char *unique, const struct file_hint *want)
{
	struct place p = by_unique(f, unique);

	assert_int_equal(p.hint.inode, want->inode);
	assert_int_equal(p.hint.size, want->size);
	assert_int_equal(p.hint.mtime, want->mtime);
	place_release(&p);
}

static void
test_hints(void **state)
{
	static const struct file_hint none;
	static const struct file_hint extreme = { UINT64_MAX, INT64_MAX,
	    INT64_MIN };
	struct fixture *f = *state;
	struct place p;

	see_hinted(f, "a:2,", &first, true);
	assert_hint(f, "a", &first);
	see_hinted(f, "a:2,", &first, false);
	see_hinted(f, "a:2,S", &none, true);
	assert_hint(f, "a", &first);
	assert_true(see_local(f, false, "a:2,F"));
	assert_hint(f, "a", &first);
	p = by_unique(f, "a");
	ok(index_hint_local(f->ix, p.id, &later, &f->err));
	assert_hint(f, "a", &later);
	ok(index_hint_local(f->ix, p.id, &extreme, &f->err));
	assert_hint(f, "a", &extreme);
	ok(index_unsee_local(f->ix, p.id, &f->err));
	assert_hint(f, "a", &extreme);
	place_release(&p);
	ok(index_reset_local(f->ix, inbox, &f->err));
}

/* The file under the name of uid 1 is another message now. */
static struct place
replace(struct fixture *f, struct place *p)
{
	struct index_seen_local seen = { .file = "a:2,F",
	    .flags = FLAG_FLAGGED, .hint = later };

	/* The name may be the place's own, which it loses. */
	if (p->local.present) {
		free(p->file);
		p->file = xstrdup("a:2,F");
		seen.file = p->file;
	}
	ok(index_replace_local(f->ix, p, &seen, &f->err));
	place_release(p);
	return by_unique(f, "a");
}

static void
assert_new_file(const struct place *q)
{
	assert_string_equal(q->file, "a:2,F");
	assert_true(q->local.present);
	assert_int_equal(q->local.flags, FLAG_FLAGGED);
	assert_false(q->remote.present);
	assert_false(q->base_local.present);
	assert_int_equal(q->uid, 0);
	assert_int_equal(q->content, 0);
	assert_true(file_hint_equal(&q->hint, &later));
}

/* Places "a" as it was agreed on: on disk and under uid 1. */
static struct place
agreed(struct fixture *f)
{
	struct place p;

	see_remote(f, 1, FLAG_SEEN, "");
	p = by_uid(f, 1);
	p.unique = xstrdup("a");
	p.file = xstrdup("a:2,S");
	p.hint = first;
	state_set(&p.local, true, FLAG_SEEN, "todo");
	pair(f, &p);
	return p;
}

static void
test_replace_overwritten(void **state)
{
	struct fixture *f = *state;
	struct place p = agreed(f);
	struct place q = replace(f, &p);

	assert_new_file(&q);
	assert_string_equal(q.local.keywords, "todo");
	p = by_uid(f, 1);
	assert_int_not_equal(p.id, q.id);
	assert_null(p.unique);
	assert_null(p.file);
	assert_false(p.local.present);
	assert_false(p.base_local.present);
	assert_false(p.base_remote.present);
	assert_true(p.remote.present);
	assert_int_equal(p.remote.flags, FLAG_SEEN);
	assert_int_equal(p.hint.inode, 0);
	place_release(&p);
	place_release(&q);
}

/* Deleted, then another one came under the name: it stays deleted. */
static void
test_replace_deleted(void **state)
{
	struct fixture *f = *state;
	struct place p = agreed(f), q;

	ok(index_unsee_local(f->ix, p.id, &f->err));
	place_release(&p);
	p = by_uid(f, 1);
	q = replace(f, &p);
	assert_new_file(&q);
	place_release(&q);
	p = by_uid(f, 1);
	assert_null(p.unique);
	assert_true(p.base_local.present);
	assert_false(p.local.present);
	place_release(&p);
}

/* Gone from the server, or never there: nothing is left of the old one. */
static void
test_replace_local_only(void **state)
{
	struct fixture *f = *state;
	struct place p = agreed(f), q;
	struct uidset gone = { .n = 0 };
	int64_t was = p.id;
	uint64_t changed;

	place_release(&p);
	uidset_add(&gone, 1);
	ok(index_unsee_remote(f->ix, inbox, &gone, &changed, &f->err));
	uidset_release(&gone);
	p = by_unique(f, "a");
	q = replace(f, &p);
	assert_new_file(&q);
	place_release(&q);
	assert_int_equal(index_place_by_id(f->ix, was, &p, &f->err), 0);
}

static void
test_unchanged_costs_no_write(void **state)
{
	struct fixture *f = *state;
	uint64_t before;

	see_many(f, 1, 100);
	see_local(f, false, "a:2,S");
	ok(index_commit(f->ix, &f->err));
	before = fs_syncs();
	ok(index_begin(f->ix, &f->err));
	for (uint32_t uid = 1; uid <= 100; uid++)
		assert_false(see_remote(f, uid, 0, ""));
	assert_false(see_local(f, false, "a:2,S"));
	assert_int_equal(keep(f, "1:100", 100), 0);
	ok(index_commit(f->ix, &f->err));
	assert_int_equal(fs_syncs(), before);
	ok(index_begin(f->ix, &f->err));
	assert_true(see_remote(f, 1, FLAG_SEEN, ""));
	ok(index_commit(f->ix, &f->err));
	assert_true(fs_syncs() > before);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_inbox, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_remote_flags_and_meta),
		TEST(test_unsee_remote),
		TEST(test_keep_remote),
		TEST(test_local_names),
		TEST(test_local_changes),
		TEST(test_local_absence),
		TEST(test_reset_remote),
		TEST(test_reset_remote_one_sided),
		TEST(test_reset_local),
		TEST(test_reset_is_for_one_folder),
		TEST(test_hints),
		TEST(test_replace_overwritten),
		TEST(test_replace_deleted),
		TEST(test_replace_local_only),
		TEST(test_unchanged_costs_no_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
