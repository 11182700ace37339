/* How many places a folder has on the server: kept up with every change. */
#include "index_fixture.h"

static int64_t a, b;

static int
setup_two(void **state)
{
	struct fixture *f;

	setup_index(state);
	f = *state;
	ok(index_begin(f->ix, &f->err));
	a = add_folder(f, "a");
	b = add_folder(f, "b");
	ok(index_commit(f->ix, &f->err));
	ok(index_begin(f->ix, &f->err));
	return 0;
}

static void
see(struct fixture *f, int64_t folder, uint32_t uid)
{
	const struct index_seen_remote seen = { .uid = uid, .has_flags = true };
	bool changed;

	ok(index_see_remote(f->ix, folder, &seen, &changed, &f->err));
}

static void
assert_tally(struct fixture *f, uint64_t in_a, uint64_t in_b)
{
	uint64_t n;

	ok(index_tally(f->ix, a, &n, &f->err));
	assert_int_equal(n, in_a);
	ok(index_tally(f->ix, b, &n, &f->err));
	assert_int_equal(n, in_b);
}

static struct place
by_uid(struct fixture *f, int64_t folder, uint32_t uid)
{
	struct place p;

	assert_int_equal(index_place_by_uid(f->ix, folder, uid, &p, &f->err),
	    1);
	return p;
}

/* Each way in which a row comes, changes and goes. */
static void
test_each_change_counts(void **state)
{
	struct fixture *f = *state;
	struct uidset gone = { .n = 0 };
	struct place p;
	uint64_t changed;

	assert_tally(f, 0, 0);
	for (uint32_t uid = 1; uid <= 5; uid++)
		see(f, a, uid);
	see(f, b, 1);
	see(f, a, 5);			/* no second time */
	ok(see_file(f, a, false, "only.here:2,"));
	assert_tally(f, 5, 1);
	uidset_add(&gone, 2);
	uidset_add(&gone, 9);
	ok(index_unsee_remote(f->ix, a, &gone, &changed, &f->err));
	uidset_release(&gone);
	assert_tally(f, 4, 1);
	see(f, a, 2);			/* back */
	assert_tally(f, 5, 1);
	p = by_uid(f, a, 3);
	ok(index_place_drop(f->ix, p.id, &f->err));
	place_release(&p);
	assert_tally(f, 4, 1);
	p = by_uid(f, a, 4);		/* moved over */
	p.folder = b;
	ok(index_place_put(f->ix, &p, &f->err));
	place_release(&p);
	assert_tally(f, 3, 2);
	p = by_uid(f, a, 5);		/* a file got its UID: was there before */
	state_set(&p.local, true, 0, "");
	ok(index_place_put(f->ix, &p, &f->err));
	place_release(&p);
	assert_tally(f, 3, 2);
	ok(index_reset_remote(f->ix, a, NULL, &f->err));
	assert_tally(f, 0, 2);
	ok(index_folder_drop(f->ix, b, &f->err));
	assert_tally(f, 0, 0);
}

/* With the rows, or not at all; and it is there after the next opening. */
static void
test_it_is_of_the_transaction(void **state)
{
	struct fixture *f = *state;

	see(f, a, 1);
	see(f, b, 1);
	ok(index_commit(f->ix, &f->err));
	ok(index_begin(f->ix, &f->err));
	see(f, a, 2);
	assert_tally(f, 2, 1);
	see(f, b, 2);
	index_rollback(f->ix);
	assert_tally(f, 1, 1);
	ok(index_begin(f->ix, &f->err));
	see(f, a, 3);
	ok(index_commit(f->ix, &f->err));
	fixture_close(f);
	fixture_open(f);
	assert_tally(f, 2, 1);
}

static void
test_recount_agrees(void **state)
{
	struct fixture *f = *state;
	uint64_t n;

	for (uint32_t uid = 1; uid <= 700; uid++)
		see(f, uid % 7 == 0 ? b : a, uid);
	ok(index_recount(f->ix, a, &n, &f->err));
	assert_int_equal(n, 600);
	ok(index_recount(f->ix, b, &n, &f->err));
	assert_int_equal(n, 100);
	assert_tally(f, 600, 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_change_counts,
		    setup_two, teardown),
		cmocka_unit_test_setup_teardown(test_it_is_of_the_transaction,
		    setup_two, teardown),
		cmocka_unit_test_setup_teardown(test_recount_agrees, setup_two,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
