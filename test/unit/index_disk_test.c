/* What a scan of the disk is held against. */
#include "index_fixture.h"

struct on_disk {
	size_t n;
	int64_t id;
	uint64_t sum;
};

static void
on_disk_row(void *arg, int64_t id, uint64_t sum)
{
	struct on_disk *o = arg;

	assert_true(id > o->id);
	o->n++;
	o->id = id;
	o->sum = sum;
}

static struct on_disk
on_disk(struct fixture *f, int64_t folder)
{
	struct on_disk o = { 0 };

	ok(index_on_disk(f->ix, folder, on_disk_row, &o, &f->err));
	return o;
}

/* A row of the folder in sync, with a name in cur/ and an inode. */
static void
fill(struct place *p, int64_t folder)
{
	place_init(p);
	p->folder = folder;
	p->uid = 1;
	p->unique = xstrdup("a");
	p->file = xstrdup("a:2,S");
	p->hint.inode = 7;
	state_set(&p->base_local, true, FLAG_SEEN, "");
	state_set(&p->base_remote, true, FLAG_SEEN, "");
	state_set(&p->local, true, FLAG_SEEN, "");
	state_set(&p->remote, true, FLAG_SEEN, "");
}

static void
assert_sum(struct fixture *f, struct place *p, uint64_t want)
{
	struct on_disk o;

	ok(index_place_put(f->ix, p, &f->err));
	o = on_disk(f, p->folder);
	assert_int_equal(o.n, 1);
	assert_int_equal(o.id, p->id);
	assert_true(o.sum == want);
}

static void
test_what_is_wanted(void **state)
{
	struct fixture *f = *state;
	uint64_t sum = index_name_sum(false, "a:2,S", 7);
	struct place p;

	ok(index_begin(f->ix, &f->err));
	fill(&p, add_folder(f, "INBOX"));
	assert_int_equal(on_disk(f, p.folder).n, 0);
	assert_sum(f, &p, sum);
	p.in_new = true;
	assert_sum(f, &p, index_name_sum(true, "a:2,S", 7));
	p.in_new = false;
	p.hint.inode = 8;
	assert_sum(f, &p, index_name_sum(false, "a:2,S", 8));
	p.hint.inode = 0;			/* never seen by stat */
	assert_sum(f, &p, 0);
	p.hint.inode = 7;
	p.missing = true;			/* once more, as it is */
	assert_sum(f, &p, 0);
	p.missing = false;
	p.remote.present = false;		/* its deletion waits */
	assert_sum(f, &p, 0);
	state_set(&p.base_local, false, 0, "");
	state_set(&p.base_remote, false, 0, "");
	assert_sum(f, &p, sum);			/* it waits to be pushed */
	p.local.present = false;
	ok(index_place_put(f->ix, &p, &f->err));
	assert_int_equal(on_disk(f, p.folder).n, 0);
	place_release(&p);
}

static void
test_one_folder_only(void **state)
{
	struct fixture *f = *state;
	struct place p, q;

	ok(index_begin(f->ix, &f->err));
	fill(&p, add_folder(f, "INBOX"));
	fill(&q, add_folder(f, "work"));
	ok(index_place_put(f->ix, &q, &f->err));
	q.id = 0;
	q.uid = 2;
	q.unique[0] = 'b';
	ok(index_place_put(f->ix, &q, &f->err));
	assert_sum(f, &p, index_name_sum(false, "a:2,S", 7));
	assert_int_equal(on_disk(f, q.folder).n, 2);
	place_release(&p);
	place_release(&q);
}

/* Whatever differs, so does the sum. */
static void
test_sums_differ(void **state)
{
	const uint64_t sums[] = {
		index_name_sum(false, "1.a.b:2,S", 7),
		index_name_sum(true, "1.a.b:2,S", 7),
		index_name_sum(false, "1.a.b:2,S", 8),
		index_name_sum(false, "1.a.b:2,", 7),
		index_name_sum(false, "1.a.b:2,FS", 7),
		index_name_sum(false, "1.a.c:2,S", 7),
		index_name_sum(true, "0.a.b:2,S", 7),	/* a bit in each */
		index_name_sum(false, "1.a.b:2,S", UINT64_MAX),
		index_name_sum(false, "", 0),
	};
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(sums) / sizeof(*sums); i++) {
		assert_true(sums[i] != 0);
		for (j = 0; j < i; j++)
			assert_true(sums[i] != sums[j]);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_index, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_wanted),
		TEST(test_one_folder_only),
		cmocka_unit_test(test_sums_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
