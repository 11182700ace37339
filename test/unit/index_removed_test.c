#include "index_fixture.h"

static int
collect(void *arg, const char *unique)
{
	char *all = arg;

	strncat(all, unique, 20);
	strncat(all, " ", 2);
	return 0;
}

static void
check(struct fixture *f, int64_t folder, const char *want)
{
	char all[200] = "";

	ok(index_removed(f->ix, folder, collect, all, &f->err));
	assert_string_equal(all, want);
}

/* By folder, each once; they go with the folder. */
static void
test_removed(void **state)
{
	struct fixture *f = *state;
	int64_t a, b;

	ok(index_begin(f->ix, &f->err));
	a = add_folder(f, "a");
	b = add_folder(f, "b");
	ok(index_removed_put(f->ix, a, "x", &f->err));
	ok(index_removed_put(f->ix, b, "x", &f->err));
	ok(index_removed_put(f->ix, a, "y", &f->err));
	ok(index_removed_put(f->ix, a, "x", &f->err));
	ok(index_commit(f->ix, &f->err));
	check(f, a, "x y ");
	check(f, b, "x ");
	ok(index_begin(f->ix, &f->err));
	ok(index_removed_drop(f->ix, a, "x", &f->err));
	ok(index_removed_drop(f->ix, a, "z", &f->err));
	ok(index_folder_drop(f->ix, b, &f->err));
	ok(index_commit(f->ix, &f->err));
	check(f, a, "y ");
	check(f, b, "");
}

static void
test_newest_are_kept(void **state)
{
	struct fixture *f = *state;
	char name[20], all[200] = "";
	int64_t a;

	ok(index_begin(f->ix, &f->err));
	a = add_folder(f, "a");
	for (int i = 0; i < 22005; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		ok(index_removed_put(f->ix, a, name, &f->err));
	}
	ok(index_commit(f->ix, &f->err));
	fixture_close(f);
	fixture_open(f);
	ok(index_begin(f->ix, &f->err));
	for (int i = 2005; i < 22004; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		ok(index_removed_drop(f->ix, a, name, &f->err));
	}
	ok(index_commit(f->ix, &f->err));
	ok(index_removed(f->ix, a, collect, all, &f->err));
	assert_string_equal(all, "n22004 ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_removed, setup_index,
		    teardown),
		cmocka_unit_test_setup_teardown(test_newest_are_kept,
		    setup_index, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
