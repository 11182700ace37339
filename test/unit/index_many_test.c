/*
 * A large mailbox: what an unchanged one costs, that memory stays bounded.
 * Figures are printed, not judged, but for memory.
 */
#include "index_fixture.h"

#include <sys/resource.h>

#include "base/clock.h"

static uint32_t rows = 100000;

static long
peak_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static void
report(const char *what, uint64_t since)
{
	print_message("%-28s %6.2f s  (peak %ld MiB)\n", what,
	    (double)(clock_mono_ms() - since) / 1000, peak_kib() / 1024);
}

static unsigned
see_all(struct fixture *f, int64_t folder)
{
	unsigned n = 0;

	for (uint32_t uid = 1; uid <= rows; uid++) {
		const struct index_seen_remote seen = { .uid = uid,
		    .has_flags = true, .flags = FLAG_SEEN, .keywords = "",
		    .has_date = true, .size = uid, .date = uid };
		bool changed;

		ok(index_see_remote(f->ix, folder, &seen, &changed, &f->err));
		n += changed;
	}
	return n;
}

/* As a first pull does: a content, a name, and both sides agree. */
static void
pull_all(struct fixture *f, int64_t folder)
{
	struct index_place_stream from = { PLACES_DIRTY, folder, 0 };
	struct place p[256];
	int n;

	while ((n = index_places(f->ix, &from, p, 256, &f->err)) > 0) {
		ok(index_begin(f->ix, &f->err));
		for (int i = 0; i < n; i++) {
			struct fingerprint fp = { .size = p[i].uid };
			uint64_t mix = p[i].uid * 0x9e3779b97f4a7c15u;
			char name[60];

			memcpy(fp.content, &mix, sizeof(mix));
			memcpy(fp.head, &mix, sizeof(mix));
			snprintf(name, sizeof(name),
			    "1700000000.M%016llxP1Q%u.host",
			    (unsigned long long)mix, p[i].uid);
			p[i].unique = xstrdup(name);
			p[i].file = xasprintf("%s:2,S", name);
			ok(index_content_put(f->ix, &fp, &p[i].content,
			    &f->err));
			state_set(&p[i].local, true, FLAG_SEEN, "");
			state_set(&p[i].base_local, true, FLAG_SEEN, "");
			state_set(&p[i].base_remote, true, FLAG_SEEN, "");
			ok(index_place_put(f->ix, &p[i], &f->err));
			place_release(&p[i]);
		}
		ok(index_commit(f->ix, &f->err));
	}
	assert_int_equal(n, 0);
}

static unsigned
see_files(struct fixture *f, int64_t folder)
{
	unsigned n = 0;

	for (uint32_t uid = 1; uid <= rows; uid++) {
		uint64_t mix = uid * 0x9e3779b97f4a7c15u;
		char name[60];
		int changed;

		snprintf(name, sizeof(name),
		    "1700000000.M%016llxP1Q%u.host:2,S",
		    (unsigned long long)mix, uid);
		changed = see_file(f, folder, false, name);
		ok(changed);
		n += changed > 0;
	}
	return n;
}

static void
test_many(void **state)
{
	struct fixture *f = *state;
	struct index_counts counts;
	struct uidset none = { 0 }, half = { 0 };
	uint64_t since = clock_mono_ms(), changed;
	int64_t folder;

	ok(index_begin(f->ix, &f->err));
	folder = add_folder(f, "INBOX");
	assert_int_equal(see_all(f, folder), rows);
	ok(index_commit(f->ix, &f->err));
	report("observe new", since);
	assert_int_equal(dirty_of(f, folder), rows);

	since = clock_mono_ms();
	pull_all(f, folder);
	report("pull, 256 a transaction", since);

	since = clock_mono_ms();
	ok(index_begin(f->ix, &f->err));
	assert_int_equal(see_all(f, folder), 0);
	ok(index_commit(f->ix, &f->err));
	report("observe unchanged, server", since);

	since = clock_mono_ms();
	ok(index_begin(f->ix, &f->err));
	assert_int_equal(see_files(f, folder), 0);
	ok(index_commit(f->ix, &f->err));
	report("observe unchanged, disk", since);

	since = clock_mono_ms();
	ok(index_counts(f->ix, 0, &counts, &f->err));
	assert_int_equal(counts.paired, rows);
	assert_int_equal(counts.local, rows);
	assert_int_equal(counts.remote, rows);
	assert_int_equal(counts.dirty, 0);
	report("count", since);

	/* Every second one is gone: many small gaps. */
	since = clock_mono_ms();
	for (uint32_t uid = 1; uid <= rows; uid += 2)
		uidset_add(&half, uid);
	ok(index_begin(f->ix, &f->err));
	ok(index_keep_remote(f->ix, folder,
	    &(struct index_listed){ &half, rows }, &changed, &f->err));
	assert_int_equal(changed, rows / 2);
	ok(index_keep_remote(f->ix, folder,
	    &(struct index_listed){ &none, rows }, &changed, &f->err));
	assert_int_equal(changed, rows - rows / 2);
	ok(index_commit(f->ix, &f->err));
	report("all gone, in two steps", since);
	uidset_release(&half);

	since = clock_mono_ms();
	ok(index_begin(f->ix, &f->err));
	ok(index_folder_drop(f->ix, folder, &f->err));
	ok(index_commit(f->ix, &f->err));
	report("forget the folder", since);
	since = clock_mono_ms();
	fixture_close(f);
	report("close", since);
	since = clock_mono_ms();
	fixture_open(f);
	report("open and tidy", since);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_true(peak_kib() < 48 * 1024);
#endif
}

/* An argument says how many rows, for a look at a larger world. */
int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_many, setup_index,
		    teardown),
	};

	if (argc > 1)
		rows = (uint32_t)strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
