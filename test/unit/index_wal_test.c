/*
 * What is gathered on its way into the WAL: a reader sees what was committed, all
 * of it, with no sync in between; what can't be written fails the commit.
 */
#include "index_fixture.h"

#include <signal.h>
#include <sys/resource.h>

#include "../../src/index/internal.h"

#define MANY	7000	/* rows: more than the cache holds */
#define CACHED	2000	/* it may hold these */

/* The row of message i. */
static void
see(struct fixture *f, int64_t folder, int i, unsigned flags)
{
	char words[1900];
	const struct index_seen_remote seen = { .uid = (uint32_t)i + 1,
	    .has_flags = true, .flags = flags, .keywords = words };
	bool changed;

	memset(words, 'w', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	ok(index_see_remote(f->ix, folder, &seen, &changed, &f->err));
	assert_true(changed);
}

static int64_t
folder_with(struct fixture *f, int n)
{
	struct index_folder v = { .name = (char *)"INBOX" };

	ok(index_begin_seen(f->ix, &f->err));
	ok(index_folder_put(f->ix, &v, &f->err));
	for (int i = 0; i < n; i++)
		see(f, v.id, i, 0);
	ok(index_commit(f->ix, &f->err));
	return v.id;
}

static void
assert_holds(struct fixture *f, struct index *ix, int64_t folder, int i,
    unsigned flags)
{
	struct place p;

	assert_int_equal(index_place_by_uid(ix, folder, (uint32_t)i + 1, &p,
	    &f->err), 1);
	assert_int_equal(p.remote.flags, flags);
	place_release(&p);
}

/* By another connection: how many rows there are, all with these flags. */
static void
assert_read(struct fixture *f, int64_t folder, int n, unsigned flags)
{
	struct index_open_result result;
	struct index *reader;
	struct place p;

	ok(index_open(&reader, f->db, INDEX_READ, &result, &f->err));
	for (int i = 0; i < n; i++)
		assert_holds(f, reader, folder, i, flags);
	assert_int_equal(index_place_by_uid(reader, folder, (uint32_t)n + 1, &p,
	    &f->err), 0);
	index_close(reader);
}

/* The files as they are: what a kill at this moment would leave. */
static void
assert_left(struct fixture *f, int64_t folder, int n, unsigned flags)
{
	struct fixture g = { 0 };
	char *copy = xasprintf("cp -r %s/state %s/left", f->dir, f->dir);
	char *gone = xasprintf("rm -r %s/left", f->dir);

	assert_int_equal(system(copy), 0);
	snprintf(g.db, sizeof(g.db), "%s/left/work.db", f->dir);
	fixture_open(&g);
	for (int i = 0; i < n; i++)
		assert_holds(&g, g.ix, folder, i, flags);
	fixture_close(&g);
	assert_int_equal(system(gone), 0);
	free(copy);
	free(gone);
}

static void
test_a_reader_sees_what_was_committed(void **state)
{
	struct fixture *f = *state;
	int64_t folder = folder_with(f, 0);

	for (int i = 0; i < 40; i++) {
		ok(index_begin_seen(f->ix, &f->err));
		for (int k = 0; k < i; k++)
			see(f, folder, i * (i - 1) / 2 + k, FLAG_SEEN);
		ok(index_commit(f->ix, &f->err));
		assert_read(f, folder, i * (i + 1) / 2, FLAG_SEEN);
	}
}

/* Pages go out before the end, are read back and changed where they lie. */
static void
test_more_than_the_cache_holds(void **state)
{
	struct fixture *f = *state;
	int64_t folder = folder_with(f, MANY);

	assert_read(f, folder, MANY, 0);
	ok(index_begin_seen(f->ix, &f->err));
	for (int i = 0; i < MANY; i++) {
		see(f, folder, i, FLAG_SEEN);
		if (i > 2 * CACHED)
			assert_holds(f, f->ix, folder, i - CACHED - i % CACHED,
			    FLAG_SEEN);
	}
	for (int i = MANY - 1; i >= 0; i--)
		see(f, folder, i, FLAG_FLAGGED);
	assert_read(f, folder, MANY, 0);
	ok(index_commit(f->ix, &f->err));
	assert_left(f, folder, MANY, FLAG_FLAGGED);
	assert_read(f, folder, MANY, FLAG_FLAGGED);
	ok(index_begin_seen(f->ix, &f->err));
	for (int i = 0; i < MANY; i += 2)
		see(f, folder, i, FLAG_SEEN);
	index_rollback(f->ix);
	assert_read(f, folder, MANY, FLAG_FLAGGED);
	fixture_close(f);
	fixture_open(f);
	assert_read(f, folder, MANY, FLAG_FLAGGED);
}

static off_t
size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* All of them, in one transaction that is not ended. */
static void
see_all(struct fixture *f, int64_t folder, int n, unsigned flags)
{
	ok(index_begin_seen(f->ix, &f->err));
	for (int i = 0; i < n; i++)
		see(f, folder, i, flags);
}

/* Wherever the disk is full: nothing of it is there, and nothing is broken. Who
 * only reads needs no room. */
static void
test_no_room_for_the_last_frames(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, small;
	int64_t folder = folder_with(f, 300);
	char *wal = xasprintf("%s-wal", f->db);
	int failed = 0;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	for (int room = 0; room < 60; room++) {
		struct index_open_result result;
		int rc;

		fixture_close(f);
		ok(index_open(&f->ix, f->db, INDEX_WRITE, &result, &f->err));
		see_all(f, folder, 300, FLAG_FLAGGED);
		ok(index_commit(f->ix, &f->err));
		see_all(f, folder, 300, FLAG_SEEN);
		small.rlim_cur = (rlim_t)(size_of(wal) + room * 20000);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		rc = index_commit(f->ix, &f->err);
		for (int i = 0; i < 300; i++)
			assert_holds(f, f->ix, folder, i, rc == -1 ?
			    FLAG_FLAGGED : FLAG_SEEN);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		failed += rc == -1;
		assert_read(f, folder, 300, rc == -1 ? FLAG_FLAGGED :
		    FLAG_SEEN);
		see_all(f, folder, 300, 0);
		ok(index_commit(f->ix, &f->err));
	}
	assert_in_range(failed, 10, 50);
	free(wal);
}

static sqlite3_file *
open_wal(const char *path)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(index_vfs());
	sqlite3_file *file = xcalloc(1, (size_t)vfs->szOsFile);

	assert_int_equal(vfs->xOpen(vfs, path, file, SQLITE_OPEN_WAL |
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), SQLITE_OK);
	return file;
}

/* Of the first frame of several. */
static void
write_frame(sqlite3_file *file)
{
	static const unsigned char header[24] = { 0, 0, 0, 1 }, page[4096] = { 7 };

	assert_int_equal(file->pMethods->xWrite(file, header, 24, 32),
	    SQLITE_OK);
	assert_int_equal(file->pMethods->xWrite(file, page, 4096, 56),
	    SQLITE_OK);
}

/* Who looks at the file in any way sees all that was written. */
static void
test_what_waits_is_written_before_a_look(void **state)
{
	struct fixture *f = *state;
	char *path = xasprintf("%s-more", f->db);
	sqlite3_file *file = open_wal(path);
	const sqlite3_io_methods *m = file->pMethods;
	unsigned char got[4096];
	sqlite3_int64 size;

	write_frame(file);
	assert_int_equal(size_of(path), 0);
	assert_int_equal(m->xRead(file, got, 4096, 56), SQLITE_OK);
	assert_int_equal(got[0], 7);
	assert_int_equal(m->xTruncate(file, 0), SQLITE_OK);
	write_frame(file);
	assert_int_equal(m->xTruncate(file, 100), SQLITE_OK);
	assert_int_equal(size_of(path), 100);
	assert_int_equal(m->xTruncate(file, 0), SQLITE_OK);
	write_frame(file);
	assert_int_equal(m->xFileSize(file, &size), SQLITE_OK);
	assert_int_equal(size, 56 + 4096);
	assert_int_equal(m->xTruncate(file, 0), SQLITE_OK);
	write_frame(file);
	assert_int_equal(m->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
	assert_int_equal(size_of(path), 56 + 4096);
	assert_int_equal(m->xClose(file), SQLITE_OK);
	free(file);
	free(path);
}

/* What could not be written is written before what comes next, or that fails. */
static void
test_what_fails_is_not_forgotten(void **state)
{
	struct fixture *f = *state;
	char *path = xasprintf("%s-more", f->db);
	sqlite3_file *file = open_wal(path);
	const sqlite3_io_methods *m = file->pMethods;
	const struct rlimit none = { 0, RLIM_INFINITY };
	unsigned char got[4096];
	struct rlimit old;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	write_frame(file);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_not_equal(m->xRead(file, got, 24, 0), SQLITE_OK);
	assert_int_not_equal(m->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
	assert_int_not_equal(m->xWrite(file, got, 24, 9000), SQLITE_OK);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(m->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
	assert_int_equal(size_of(path), 56 + 4096);
	assert_int_equal(m->xClose(file), SQLITE_OK);
	free(file);
	free(path);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_index, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_reader_sees_what_was_committed),
		TEST(test_more_than_the_cache_holds),
		TEST(test_no_room_for_the_last_frames),
		TEST(test_what_waits_is_written_before_a_look),
		TEST(test_what_fails_is_not_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
