/* Place rows: written, found, judged dirty, streamed. */
#include "index_fixture.h"

static void
fill(struct place *p, int64_t folder, uint32_t uid, const char *unique)
{
	place_init(p);
	p->folder = folder;
	p->uid = uid;
	p->unique = xstrdup(unique);
}

static int64_t
add(struct fixture *f, int64_t folder, uint32_t uid, const char *unique)
{
	struct place p;
	int64_t id;

	fill(&p, folder, uid, unique);
	ok(index_place_put(f->ix, &p, &f->err));
	id = p.id;
	place_release(&p);
	return id;
}

static void
assert_state(const struct state *s, bool present, unsigned flags,
    const char *keywords)
{
	assert_int_equal(s->present, present);
	assert_int_equal(s->flags, flags);
	assert_string_equal(s->keywords, keywords);
}

static void
test_every_column_comes_back(void **state)
{
	struct fixture *f = *state;
	struct fingerprint fp = { .content = { 1 }, .size = 9 };
	struct place p, q;
	int64_t content;

	ok(index_begin(f->ix, &f->err));
	fill(&p, add_folder(f, "INBOX"), 4294967295u, "1.M2.h\xc3\xb6st\xff");
	ok(index_content_put(f->ix, &fp, &content, &f->err));
	p.file = xstrdup("1.M2.h\xc3\xb6st\xff:2,FSz");
	p.in_new = true;
	p.missing = true;
	state_set(&p.base_local, true, FLAG_SEEN, "a");
	state_set(&p.base_remote, true, FLAG_DRAFT, "b");
	state_set(&p.local, true, FLAG_ALL, "a b");
	state_set(&p.remote, true, FLAG_FLAGGED, "c");
	p.content = content;
	p.size = 4294967295u;
	p.date = -5;
	p.fetched = FETCHED_PARTIAL;
	ok(index_place_put(f->ix, &p, &f->err));
	assert_true(p.id > 0);
	ok(index_commit(f->ix, &f->err));
	fixture_close(f);
	fixture_open(f);

	assert_int_equal(index_place_by_id(f->ix, p.id, &q, &f->err), 1);
	assert_int_equal(q.id, p.id);
	assert_int_equal(q.folder, p.folder);
	assert_int_equal(q.uid, 4294967295u);
	assert_string_equal(q.unique, p.unique);
	assert_string_equal(q.file, p.file);
	assert_true(q.in_new);
	assert_true(q.missing);
	assert_state(&q.base_local, true, FLAG_SEEN, "a");
	assert_state(&q.base_remote, true, FLAG_DRAFT, "b");
	assert_state(&q.local, true, FLAG_ALL, "a b");
	assert_state(&q.remote, true, FLAG_FLAGGED, "c");
	assert_int_equal(q.content, content);
	assert_int_equal(q.size, 4294967295u);
	assert_int_equal(q.date, -5);
	assert_int_equal(q.fetched, FETCHED_PARTIAL);
	place_release(&q);
	place_release(&p);
}

static void
test_found_by_id_uid_and_name(void **state)
{
	struct fixture *f = *state;
	struct place p;
	int64_t one, two, id;

	ok(index_begin(f->ix, &f->err));
	one = add_folder(f, "INBOX");
	two = add_folder(f, "lists/foo");
	id = add(f, one, 5, "u5");
	add(f, two, 6, "u6");
	assert_int_equal(index_place_by_id(f->ix, id, &p, &f->err), 1);
	place_release(&p);
	assert_int_equal(index_place_by_id(f->ix, 999, &p, &f->err), 0);
	assert_int_equal(index_place_by_uid(f->ix, one, 5, &p, &f->err), 1);
	assert_int_equal(p.id, id);
	place_release(&p);
	assert_int_equal(index_place_by_uid(f->ix, one, 6, &p, &f->err), 0);
	assert_int_equal(index_place_by_unique(f->ix, one, "u5", &p, &f->err),
	    1);
	assert_int_equal(p.id, id);
	place_release(&p);
	assert_int_equal(index_place_by_unique(f->ix, two, "u5", &p, &f->err),
	    0);
	assert_int_equal(index_place_by_unique(f->ix, one, "U5", &p, &f->err),
	    0);
	ok(index_commit(f->ix, &f->err));
}

static void
test_identity_may_change_and_is_unique(void **state)
{
	struct fixture *f = *state;
	struct place p, q;
	int64_t one, two;

	ok(index_begin(f->ix, &f->err));
	one = add_folder(f, "INBOX");
	two = add_folder(f, "two");
	add(f, one, 1, "a");
	fill(&p, one, 2, "b");
	ok(index_place_put(f->ix, &p, &f->err));
	/* A new identity for a known row: another folder, uid and name. */
	p.folder = two;
	p.uid = 1;
	free(p.unique);
	p.unique = xstrdup("c");
	ok(index_place_put(f->ix, &p, &f->err));
	assert_int_equal(index_place_by_uid(f->ix, one, 2, &q, &f->err), 0);
	assert_int_equal(index_place_by_uid(f->ix, two, 1, &q, &f->err), 1);
	assert_int_equal(q.id, p.id);
	place_release(&q);
	/* Taken: by uid, and by name. */
	p.folder = one;
	assert_int_equal(index_place_put(f->ix, &p, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_IO);
	p.uid = 9;
	free(p.unique);
	p.unique = xstrdup("a");
	assert_int_equal(index_place_put(f->ix, &p, &f->err), -1);
	/* None of either: as many as one likes. */
	p.uid = 0;
	free(p.unique);
	p.unique = NULL;
	for (int i = 0; i < 3; i++) {
		p.id = 0;
		ok(index_place_put(f->ix, &p, &f->err));
	}
	/* What failed above did not spoil the transaction. */
	ok(index_commit(f->ix, &f->err));
	p.id = 12345;
	ok(index_begin(f->ix, &f->err));
	assert_int_equal(index_place_put(f->ix, &p, &f->err), -1);
	ok(index_commit(f->ix, &f->err));
	place_release(&p);
}

/* Each change by itself, and against a copy that was read before another one:
 * what is written is all that the place says. */
static void
test_written_whole(void **state)
{
	struct fixture *f = *state;
	struct place old, p, q;
	int64_t id;

	ok(index_begin(f->ix, &f->err));
	id = add(f, add_folder(f, "INBOX"), 1, "a");
	for (unsigned change = 0; change < 2 * 10; change++) {
		assert_int_equal(index_place_by_id(f->ix, id, &old, &f->err), 1);
		assert_int_equal(index_place_by_id(f->ix, id, &p, &f->err), 1);
		switch (change % 10) {
		case 0:
			state_set(&p.local, true, FLAG_SEEN, "k");
			break;
		case 1:
			state_set(&p.remote, true, FLAG_DRAFT, "");
			break;
		case 2:
			free(p.file);
			p.file = xasprintf("a:2,%u", change);
			break;
		case 3:
			p.in_new = !p.in_new;
			break;
		case 4:
			p.hint.inode += 5;
			break;
		case 5:
			p.missing = !p.missing;
			break;
		case 6:
			state_set(&p.base_local, true, change, "");
			state_set(&p.base_remote, true, FLAG_SEEN, "");
			break;
		case 7:
			p.local.present = !p.local.present;
			break;
		case 8:
			p.remote.present = !p.remote.present;
			break;
		case 9:
			state_set(&p.base_local, false, 0, "");
			state_set(&p.base_remote, false, 0, "");
		}
		ok(index_place_put(f->ix, &p, &f->err));
		/* A wrong sum, and so a wrong column, would be an error. */
		assert_int_equal(index_place_by_id(f->ix, id, &q, &f->err), 1);
		place_release(&q);
		if (change >= 10) {
			ok(index_place_put(f->ix, &old, &f->err));
			assert_int_equal(index_place_by_id(f->ix, id, &q,
			    &f->err), 1);
			assert_int_equal(q.missing, old.missing);
			assert_int_equal(q.local.present, old.local.present);
			assert_int_equal(q.remote.present, old.remote.present);
			place_release(&q);
			ok(index_place_put(f->ix, &p, &f->err));
		}
		place_release(&old);
		place_release(&p);
	}
	ok(index_commit(f->ix, &f->err));
}

static void
test_ids_are_never_used_again(void **state)
{
	struct fixture *f = *state;
	int64_t folder, first, second, third;

	ok(index_begin(f->ix, &f->err));
	folder = add_folder(f, "INBOX");
	first = add(f, folder, 1, "a");
	second = add(f, folder, 2, "b");
	ok(index_place_drop(f->ix, second, &f->err));
	ok(index_commit(f->ix, &f->err));
	fixture_close(f);
	fixture_open(f);
	ok(index_begin(f->ix, &f->err));
	third = add(f, folder, 2, "b");
	assert_true(third > second && second > first);
	index_rollback(f->ix);
	ok(index_begin(f->ix, &f->err));
	assert_int_equal(add(f, folder, 2, "b"), third);
	ok(index_place_drop(f->ix, 999, &f->err));
	ok(index_commit(f->ix, &f->err));
}

/*
 * The truth table of dirty. S is \Seen; "base" is what both sides were last
 * seen to hold. Columns: base there, local there, remote there; whether S is in
 * base_local, local, base_remote, remote; and what is expected.
 */
static const char *const truth[] = {
	/* Never agreed on: always dirty, wherever it is. */
	"000 ---- dirty", "010 ---- dirty", "001 ---- dirty", "011 ---- dirty",
	"011 SSSS dirty", "010 -S-- dirty", "001 ---S dirty", "000 SSSS dirty",
	"011 -S-S dirty", "011 S--- dirty",
	/* Agreed on and gone from one side or both. */
	"100 ---- dirty", "110 ---- dirty", "101 ---- dirty", "100 SSSS dirty",
	"110 SSSS dirty", "101 SSSS dirty", "110 SSS- dirty", "101 S-SS dirty",
	/* There on both sides: all sixteen of one flag. Each side is compared
	 * with its own base only. */
	"111 ---- clean", "111 S--- dirty", "111 -S-- dirty", "111 SS-- clean",
	"111 --S- dirty", "111 S-S- dirty", "111 -SS- dirty", "111 SSS- dirty",
	"111 ---S dirty", "111 S--S dirty", "111 -S-S dirty", "111 SS-S dirty",
	"111 --SS clean", "111 S-SS dirty", "111 -SSS dirty", "111 SSSS clean",
};

static void
set_row(struct place *p, const char *row, bool keyword)
{
	struct state *const state[] = { &p->base_local, &p->local,
	    &p->base_remote, &p->remote };
	const bool present[] = { row[0] == '1', row[1] == '1', row[0] == '1',
	    row[2] == '1' };

	for (int i = 0; i < 4; i++) {
		bool has = row[4 + i] == 'S';

		state_set(state[i], present[i],
		    FLAG_DRAFT | (has && !keyword ? FLAG_SEEN : 0),
		    has && keyword ? "todo" : "");
	}
}

static void
check_truth(struct fixture *f, bool keyword)
{
	struct place p, got[2];
	int64_t folder;

	ok(index_begin(f->ix, &f->err));
	folder = add_folder(f, "INBOX");
	fill(&p, folder, 1, "a");
	ok(index_place_put(f->ix, &p, &f->err));
	for (size_t i = 0; i < sizeof(truth) / sizeof(truth[0]); i++) {
		bool dirty = strcmp(truth[i] + 9, "dirty") == 0;
		int n;

		set_row(&p, truth[i], keyword);
		ok(index_place_put(f->ix, &p, &f->err));
		n = index_places(f->ix, &(struct index_place_stream){
		    PLACES_DIRTY, folder, 0 }, got, 2, &f->err);
		if (n != dirty)
			fail_msg("row %s: %d", truth[i], n);
		if (n > 0)
			place_release(&got[0]);
		n = index_places(f->ix, &(struct index_place_stream){
		    PLACES_DIRTY, 0, 0 }, got, 2, &f->err);
		assert_int_equal(n, dirty);
		if (n > 0)
			place_release(&got[0]);
		assert_int_equal(dirty_of(f, folder), dirty);
		assert_int_equal(dirty_of(f, 0), dirty);
	}
	place_release(&p);
	ok(index_commit(f->ix, &f->err));
}

static void
test_dirty_by_flags(void **state)
{
	check_truth(*state, false);
}

static void
test_dirty_by_keywords(void **state)
{
	check_truth(*state, true);
}

static void
test_keyword_case_is_no_difference(void **state)
{
	struct fixture *f = *state;
	struct place p;
	int64_t folder;

	ok(index_begin(f->ix, &f->err));
	folder = add_folder(f, "INBOX");
	fill(&p, folder, 1, "a");
	set_row(&p, "111 SSSS", true);
	state_set(&p.remote, true, p.remote.flags, "ToDo");
	ok(index_place_put(f->ix, &p, &f->err));
	assert_int_equal(dirty_of(f, folder), 0);
	state_set(&p.remote, true, p.remote.flags, "todo2");
	ok(index_place_put(f->ix, &p, &f->err));
	assert_int_equal(dirty_of(f, folder), 1);
	place_release(&p);
	ok(index_commit(f->ix, &f->err));
}

/* Rows 1 to n over two folders; the bits of i say what is present. */
static void
add_world(struct fixture *f, int64_t folder[2], unsigned n)
{
	ok(index_begin(f->ix, &f->err));
	folder[0] = add_folder(f, "INBOX");
	folder[1] = add_folder(f, "two");
	for (unsigned i = 0; i < n; i++) {
		struct place p;
		char unique[20];

		snprintf(unique, sizeof(unique), "u%u", i);
		fill(&p, folder[(i >> 4) & 1], i + 1, unique);
		state_set(&p.base_local, i & 1, 0, "");
		state_set(&p.base_remote, i & 1, i & 32 ? FLAG_SEEN : 0, "");
		state_set(&p.local, i & 2, 0, "");
		state_set(&p.remote, i & 4, i & 32 ? FLAG_SEEN : 0, "");
		p.missing = i & 8;
		ok(index_place_put(f->ix, &p, &f->err));
		assert_int_equal(p.id, i + 1);
		place_release(&p);
	}
	ok(index_commit(f->ix, &f->err));
}

static bool
wanted(enum index_which which, unsigned i)
{
	bool base = i & 1, local = i & 2, remote = i & 4, missing = i & 8;

	switch (which) {
	case PLACES_ALL:
		return true;
	case PLACES_DIRTY:
		return (i & 7) != 7;
	case PLACES_LOCAL:
		return local;
	case PLACES_REMOTE:
		return remote;
	case PLACES_UNPAIRED_LOCAL:
		return local && !base && !remote;
	case PLACES_MISSING:
		return local && missing;
	case PLACES_OWED:
		return base && (i & 32);
	}
	return false;
}

/* Reads the whole stream in portions and compares it with the rule above. */
static void
check_stream(struct fixture *f, enum index_which which, int64_t folder,
    int side, unsigned n)
{
	struct index_place_stream from = { which, folder, 0 };
	struct place p[7];
	unsigned i = 0;
	int got;

	while ((got = index_places(f->ix, &from, p, 7, &f->err)) > 0) {
		for (int k = 0; k < got; k++, i++) {
			while (i < n && (!wanted(which, i) ||
			    (side >= 0 && (int)((i >> 4) & 1) != side)))
				i++;
			assert_int_equal(p[k].id, i + 1);
			place_release(&p[k]);
		}
	}
	assert_int_equal(got, 0);
	for (; i < n; i++)
		assert_false(wanted(which, i) &&
		    (side < 0 || (int)((i >> 4) & 1) == side));
}

static void
test_streams(void **state)
{
	struct fixture *f = *state;
	int64_t folder[2];

	add_world(f, folder, 200);
	for (int which = PLACES_ALL; which <= PLACES_OWED; which++) {
		check_stream(f, (enum index_which)which, folder[0], 0, 200);
		check_stream(f, (enum index_which)which, folder[1], 1, 200);
		check_stream(f, (enum index_which)which, 0, -1, 200);
	}
}

static void
test_counts(void **state)
{
	struct fixture *f = *state;
	struct index_counts counts;
	int64_t folder[2];

	add_world(f, folder, 32);
	ok(index_counts(f->ix, 0, &counts, &f->err));
	assert_int_equal(counts.local, 16);
	assert_int_equal(counts.remote, 16);
	assert_int_equal(counts.paired, 16);
	assert_int_equal(counts.unpaired_local, 4);
	assert_int_equal(counts.dirty, 28);
	ok(index_counts(f->ix, folder[1], &counts, &f->err));
	assert_int_equal(counts.local, 8);
	assert_int_equal(counts.dirty, 14);
	ok(index_counts(f->ix, 999, &counts, &f->err));
	assert_int_equal(counts.local, 0);
	assert_int_equal(counts.dirty, 0);
}

/* Each row that a portion gave is dropped or cleaned, and a new one comes. */
static void
test_rows_change_between_portions(void **state)
{
	struct fixture *f = *state;
	struct index_place_stream from = { PLACES_DIRTY, 0, 0 };
	struct place p[3];
	int64_t folder[2], after = 0;
	unsigned seen = 0, added = 0;
	int got;

	add_world(f, folder, 16);
	while ((got = index_places(f->ix, &from, p, 3, &f->err)) > 0) {
		ok(index_begin(f->ix, &f->err));
		for (int k = 0; k < got; k++) {
			assert_true(p[k].id > after);
			after = p[k].id;
			seen++;
			if (k == 0) {
				ok(index_place_drop(f->ix, p[k].id, &f->err));
			} else {
				set_row(&p[k], "111 SSSS", false);
				ok(index_place_put(f->ix, &p[k], &f->err));
			}
			place_release(&p[k]);
		}
		if (added < 5) {
			char unique[20];

			snprintf(unique, sizeof(unique), "late%u", added);
			add(f, folder[0], 1000 + added++, unique);
		}
		ok(index_commit(f->ix, &f->err));
	}
	assert_int_equal(got, 0);
	assert_int_equal(seen, 14 + 5);
	assert_int_equal(dirty_of(f, 0), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_index, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_every_column_comes_back),
		TEST(test_found_by_id_uid_and_name),
		TEST(test_identity_may_change_and_is_unique),
		TEST(test_written_whole),
		TEST(test_ids_are_never_used_again),
		TEST(test_dirty_by_flags),
		TEST(test_dirty_by_keywords),
		TEST(test_keyword_case_is_no_difference),
		TEST(test_streams),
		TEST(test_counts),
		TEST(test_rows_change_between_portions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
