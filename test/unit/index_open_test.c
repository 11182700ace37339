/* Opening: lock, modes, versions, readers, transactions, sudden ends. */
#include "index_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <sqlite3.h>

#include "base/fs.h"

#include "../../src/index/internal.h"

static void
test_fresh_until_something_is_known(void **state)
{
	struct fixture *f = *state;
	struct index_open_result result;

	for (int i = 0; i < 2; i++) {
		ok(index_open(&f->ix, f->db, INDEX_WRITE, &result, &f->err));
		assert_true(result.fresh);
		assert_null(result.set_aside);
		fixture_close(f);
	}
	ok(index_open(&f->ix, f->db, INDEX_WRITE, &result, &f->err));
	ok(index_begin(f->ix, &f->err));
	ok(index_set(f->ix, "token", "abc", &f->err));
	ok(index_commit(f->ix, &f->err));
	fixture_close(f);
	ok(index_open(&f->ix, f->db, INDEX_WRITE, &result, &f->err));
	assert_false(result.fresh);
}

static void
test_files_are_private(void **state)
{
	struct fixture *f = *state;
	const mode_t old = umask(0);
	struct stat st;
	char *dir = xasprintf("%s/state", f->dir);

	fixture_open(f);
	ok(index_begin(f->ix, &f->err));
	ok(index_set(f->ix, "a", "b", &f->err));
	ok(index_commit(f->ix, &f->err));
	umask(old);
	assert_int_equal(mode_of(f, ""), 0600);
	assert_int_equal(mode_of(f, "-wal"), 0600);
	assert_int_equal(mode_of(f, "-shm"), 0600);
	assert_int_equal(mode_of(f, ".lock"), 0600);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	fixture_close(f);
	assert_false(there(f, "-wal"));
	assert_false(there(f, "-shm"));
	assert_false(there(f, "-journal"));
	/* Made wider by somebody: narrowed again; a umask can't spoil it. */
	assert_int_equal(chmod(f->db, 0644), 0);
	umask(0277);
	fixture_open(f);
	umask(old);
	assert_int_equal(mode_of(f, ""), 0600);
	assert_int_equal(mode_of(f, "-wal"), 0600);
	free(dir);
}

/* None of the files is reached through a link: not one that leads nowhere, nor
 * one to a good index. */
static void
test_links(void **state)
{
	static const char *const behind[] = { "", "-wal", "-shm" };
	struct fixture *f = *state;
	struct index_open_result how;

	for (size_t i = 0; i < 3; i++) {
		char *name = xasprintf("%s%s", f->db, behind[i]);
		char *away = xasprintf("%s/elsewhere", f->dir);

		fixture_open(f);
		fixture_close(f);
		if (i == 0)
			assert_int_equal(rename(name, away), 0);
		assert_int_equal(symlink(away, name), 0);
		assert_int_equal(index_open(&f->ix, f->db, INDEX_WRITE, &how,
		    &f->err), -1);
		assert_int_equal(f->err.kind, ERR_IO);
		assert_non_null(strstr(f->err.msg, "symbolic link"));
		assert_int_equal(access(away, F_OK), i == 0 ? 0 : -1);
		assert_int_equal(unlink(name), 0);
		(void)unlink(away);
		free(away);
		free(name);
	}
}

static int
number_of(struct index *ix, const char *pragma)
{
	sqlite3_stmt *st;
	int n;

	assert_int_equal(sqlite3_prepare_v2(ix->db, pragma, -1, &st, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return n;
}

/* As durable as SQLite can make it: FULL is 2. */
static void
test_syncs_are_full(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	assert_int_equal(number_of(f->ix, "PRAGMA synchronous"), 2);
	assert_int_equal(number_of(f->ix, "PRAGMA fullfsync"), 1);
	assert_int_equal(number_of(f->ix, "PRAGMA checkpoint_fullfsync"), 1);
}

/* As they come back from a backup, or from a run on such a file. */
static void
test_files_become_writable(void **state)
{
	struct fixture *f = *state;
	char *wal = xasprintf("%s-wal", f->db);

	fixture_open(f);
	fixture_close(f);
	assert_int_equal(chmod(f->db, 0400), 0);
	close(open(wal, O_CREAT | O_WRONLY | O_CLOEXEC, 0400));
	fixture_open(f);
	assert_int_equal(mode_of(f, ""), 0600);
	assert_int_equal(mode_of(f, "-wal"), 0600);
	free(wal);
}

static void
test_sentence_for_what_is_read_only(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	assert_int_equal(index_fail(f->ix, SQLITE_READONLY_DIRECTORY, &f->err),
	    -1);
	assert_int_equal(f->err.kind, ERR_IO);
	assert_non_null(strstr(f->err.msg, "their directory can't be written"));
}

static void
test_facts(void **state)
{
	struct fixture *f = *state;
	char *value;

	fixture_open(f);
	ok(index_get(f->ix, "host", &value, &f->err));
	assert_null(value);
	ok(index_begin(f->ix, &f->err));
	ok(index_set(f->ix, "host", "a", &f->err));
	ok(index_set(f->ix, "host", "imap.example.org", &f->err));
	ok(index_set(f->ix, "empty", "", &f->err));
	ok(index_set(f->ix, "unset", "x", &f->err));
	ok(index_set(f->ix, "unset", NULL, &f->err));
	ok(index_commit(f->ix, &f->err));
	fixture_close(f);
	fixture_open(f);
	ok(index_get(f->ix, "host", &value, &f->err));
	assert_string_equal(value, "imap.example.org");
	free(value);
	ok(index_get(f->ix, "empty", &value, &f->err));
	assert_string_equal(value, "");
	free(value);
	ok(index_get(f->ix, "unset", &value, &f->err));
	assert_null(value);
}

static void
test_rollback(void **state)
{
	struct fixture *f = *state;
	char *value;

	fixture_open(f);
	index_rollback(f->ix);
	ok(index_begin(f->ix, &f->err));
	ok(index_set(f->ix, "a", "1", &f->err));
	index_rollback(f->ix);
	index_rollback(f->ix);
	ok(index_get(f->ix, "a", &value, &f->err));
	assert_null(value);
	/* What is open when the index is closed is undone. */
	ok(index_begin(f->ix, &f->err));
	ok(index_set(f->ix, "a", "1", &f->err));
	fixture_close(f);
	fixture_open(f);
	ok(index_get(f->ix, "a", &value, &f->err));
	assert_null(value);
	index_close(NULL);
}

static void
test_write_outside_is_refused(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid;

	fixture_open(f);
	pid = fork();
	if (pid == 0) {
		struct err err;

		close(STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		(void)index_set(f->ix, "a", "b", &err);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void
test_lock(void **state)
{
	struct fixture *f = *state;
	struct index_open_result result;
	struct index *second;

	fixture_open(f);
	assert_int_equal(index_open(&second, f->db, INDEX_WRITE, &result, &f->err),
	    -1);
	assert_int_equal(f->err.kind, ERR_BUSY);
	assert_string_equal(f->err.msg, "another mailtern is at work on work");
	assert_null(second);
	fixture_close(f);
	fixture_open(f);
}

static void
assert_refused(struct fixture *f, enum err_kind kind, const char *words)
{
	struct index_open_result result;

	assert_int_equal(index_open(&f->ix, f->db, INDEX_WRITE, &result, &f->err),
	    -1);
	assert_null(f->ix);
	assert_null(result.set_aside);
	assert_int_equal(f->err.kind, kind);
	assert_non_null(strstr(f->err.msg, words));
	assert_true(there(f, ""));
	assert_false(there(f, ".damaged-1"));
}

/*
 * Changes the file by way of another program, its pages written by it. The
 * checksums of changed pages are then old: they are made anew by letting zeros
 * stand for none, as vfs.c has it.
 */
static void
foreign(struct fixture *f, const char *sql)
{
	const unsigned char none[8] = { 0 };
	unsigned char spare;
	struct stat st;
	sqlite3 *db;
	int fd;

	assert_int_equal(sqlite3_open_v2(f->db, &db, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE, "unix"), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	fd = open(f->db, O_RDWR | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(pread(fd, &spare, 1, 20), 1);
	for (off_t at = 4096 - 8; spare == 8 && at < st.st_size; at += 4096)
		assert_int_equal(pwrite(fd, none, 8, at), 8);
	close(fd);
}

static void
test_newer_version_is_refused(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	fixture_close(f);
	foreign(f, "PRAGMA user_version = 10");
	assert_refused(f, ERR_CONFIG, "newer mailtern");
	foreign(f, "PRAGMA user_version = 9");
	fixture_open(f);
}

static void
test_foreign_file_is_refused(void **state)
{
	struct fixture *f = *state;
	char *dir = xasprintf("%s/state", f->dir);

	assert_int_equal(mkdir(dir, 0700), 0);
	free(dir);
	foreign(f, "CREATE TABLE t (a)");
	assert_refused(f, ERR_CONFIG, "not an index");
	foreign(f, "DROP TABLE t; PRAGMA user_version = 10");
	assert_refused(f, ERR_CONFIG, "not an index");
}

static void
test_bad_paths(void **state)
{
	struct fixture *f = *state;
	struct index_open_result result;
	char *file = xasprintf("%s/file", f->dir);
	char *below = xasprintf("%s/file/work.db", f->dir);

	close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(index_open(&f->ix, below, INDEX_WRITE, &result, &f->err),
	    -1);
	assert_int_equal(f->err.kind, ERR_IO);
	assert_int_equal(mkdir(f->db, 0700), -1);	/* no state/ yet */
	fixture_open(f);
	fixture_close(f);
	assert_int_equal(unlink(f->db), 0);
	assert_int_equal(mkdir(f->db, 0700), 0);
	assert_int_equal(index_open(&f->ix, f->db, INDEX_WRITE, &result, &f->err),
	    -1);
	assert_int_equal(f->err.kind, ERR_IO);
	free(file);
	free(below);
}

static void
set_a(struct fixture *f, const char *value)
{
	ok(index_begin(f->ix, &f->err));
	ok(index_set(f->ix, "a", value, &f->err));
	ok(index_commit(f->ix, &f->err));
}

static void
assert_a(struct fixture *f, struct index *ix, const char *expected)
{
	char *value;

	ok(index_get(ix, "a", &value, &f->err));
	assert_string_equal(value, expected);
	free(value);
}

static void
test_reader(void **state)
{
	struct fixture *f = *state;
	struct index_open_result result;
	struct index_counts counts;
	struct index *reader;

	assert_int_equal(index_open(&reader, f->db, INDEX_READ, &result, &f->err),
	    -1);
	assert_int_equal(f->err.kind, ERR_STALE);
	assert_false(there(f, ""));
	assert_false(there(f, ".lock"));

	/* Nobody at work: nothing is left behind. */
	fixture_open(f);
	set_a(f, "1");
	fixture_close(f);
	ok(index_open(&reader, f->db, INDEX_READ, &result, &f->err));
	assert_false(result.fresh);
	assert_a(f, reader, "1");
	ok(index_counts(reader, 0, &counts, &f->err));
	index_close(reader);
	assert_false(there(f, "-wal"));
	assert_false(there(f, "-shm"));

	/* While a sync runs, within its transaction, before and behind it. */
	fixture_open(f);
	ok(index_begin(f->ix, &f->err));
	ok(index_set(f->ix, "a", "2", &f->err));
	ok(index_open(&reader, f->db, INDEX_READ, &result, &f->err));
	assert_a(f, reader, "1");
	ok(index_commit(f->ix, &f->err));
	assert_a(f, reader, "2");
	fixture_close(f);
	assert_a(f, reader, "2");
	index_close(reader);
	fixture_open(f);
	assert_a(f, f->ix, "2");
	ok(index_open(&reader, f->db, INDEX_READ, &result, &f->err));
	set_a(f, "3");
	assert_a(f, reader, "3");
	index_close(reader);
	set_a(f, "4");
	assert_a(f, f->ix, "4");
}

static void
test_reader_of_an_empty_file(void **state)
{
	struct fixture *f = *state;
	struct index_open_result result;

	fixture_open(f);
	fixture_close(f);
	assert_int_equal(truncate(f->db, 0), 0);
	assert_int_equal(index_open(&f->ix, f->db, INDEX_READ, &result, &f->err),
	    -1);
	assert_int_equal(f->err.kind, ERR_STALE);
	fixture_open(f);
}

/* A process that dies in the midst of it, by a signal that can't be caught. */
static void
die_at_work(struct fixture *f)
{
	struct index_open_result result;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char name[20];
		int64_t folder;

		ok(index_open(&f->ix, f->db, INDEX_WRITE, &result, &f->err));
		set_a(f, "done");
		ok(index_begin(f->ix, &f->err));
		folder = add_folder(f, "INBOX");
		ok(index_set(f->ix, "a", "half", &f->err));
		/* More than the cache holds, so that some is on disk. */
		for (int i = 0; i < 60000; i++) {
			snprintf(name, sizeof(name), "n%d", i);
			ok(see_file(f, folder, false, name));
		}
		raise(SIGKILL);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void
test_killed_in_a_transaction(void **state)
{
	struct fixture *f = *state;
	struct index_open_result result;
	struct index_folder *all;
	struct index *reader;
	struct index_counts counts;
	size_t n;

	die_at_work(f);
	assert_true(there(f, "-wal"));
	/* A reader may look first, and leaves what it found. */
	ok(index_open(&reader, f->db, INDEX_READ, &result, &f->err));
	assert_a(f, reader, "done");
	index_close(reader);
	assert_true(there(f, "-wal"));
	ok(index_open(&f->ix, f->db, INDEX_WRITE, &result, &f->err));
	assert_null(result.set_aside);
	assert_false(result.fresh);
	assert_a(f, f->ix, "done");
	ok(index_folders(f->ix, &all, &n, &f->err));
	assert_int_equal(n, 0);
	index_folders_free(all, n);
	ok(index_counts(f->ix, 0, &counts, &f->err));
	assert_int_equal(counts.local, 0);
	set_a(f, "again");
	fixture_close(f);
	fixture_open(f);
	assert_a(f, f->ix, "again");
}

/* Tells each commit, and goes on until it is killed. */
static void
commit_until_killed(struct fixture *f, int tell)
{
	int64_t folder = 0;

	fixture_open(f);
	for (uint32_t n = 1;; n++) {
		const struct index_seen_remote seen = { .uid = n };
		bool changed;
		char text[20];

		ok(index_begin(f->ix, &f->err));
		if (folder == 0)
			folder = add_folder(f, "INBOX");
		snprintf(text, sizeof(text), "%u", n);
		ok(index_set(f->ix, "a", text, &f->err));
		ok(index_see_remote(f->ix, folder, &seen, &changed, &f->err));
		ok(index_commit(f->ix, &f->err));
		if (write(tell, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
}

/* The last number that was told before the process died. */
static uint32_t
kill_after(struct fixture *f, uint32_t told)
{
	uint32_t n = 0;
	int fd[2];
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0)
		commit_until_killed(f, fd[1]);
	close(fd[1]);
	while (n < told)
		assert_int_equal(read(fd[0], &n, sizeof(n)), sizeof(n));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	while (read(fd[0], &n, sizeof(n)) == sizeof(n))
		;
	close(fd[0]);
	return n;
}

/* What was told is there, and nothing is there in part. */
static void
test_killed_anywhere(void **state)
{
	struct fixture *f = *state;
	struct index_open_result result;

	for (uint32_t round = 1; round <= 25; round++) {
		const uint32_t told = kill_after(f, round);
		struct index_counts counts;
		char *value;

		ok(index_open(&f->ix, f->db, INDEX_WRITE, &result, &f->err));
		assert_null(result.set_aside);
		ok(index_get(f->ix, "a", &value, &f->err));
		ok(index_counts(f->ix, 0, &counts, &f->err));
		assert_int_equal(strtoul(value, NULL, 10), counts.remote);
		assert_int_equal(counts.dirty, counts.remote);
		assert_true(counts.remote >= told && counts.remote <= told + 1);
		free(value);
		fixture_close(f);
		assert_int_equal(unlink(f->db), 0);
	}
}

static void
test_syncs_are_counted(void **state)
{
	struct fixture *f = *state;
	uint64_t before;

	fixture_open(f);
	set_a(f, "1");
	before = fs_syncs();
	set_a(f, "2");
	assert_true(fs_syncs() > before);
	assert_true(fs_syncs() <= before + 2);
}

/*
 * No more room: the transaction fails as a whole and the index lives on. A
 * limit on the size of files stands for a full disk.
 */
static void
test_disk_full(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, small;
	char name[200];
	int64_t folder;
	int r = 0;

	fixture_open(f);
	set_a(f, "1");
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 300 * 1024;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	ok(index_begin(f->ix, &f->err));
	ok(index_set(f->ix, "a", "2", &f->err));
	folder = add_folder(f, "INBOX");
	for (int i = 0; i < 100000 && r >= 0; i++) {
		snprintf(name, sizeof(name), "%0150d", i);
		r = see_file(f, folder, false, name);
	}
	if (r >= 0)
		r = index_commit(f->ix, &f->err);
	else
		assert_int_equal(index_commit(f->ix, &f->err), -1);
	assert_int_equal(r, -1);
	assert_int_equal(f->err.kind, ERR_IO);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_a(f, f->ix, "1");
	set_a(f, "3");
	fixture_close(f);
	assert_false(there(f, ".suspect"));
	fixture_open(f);
	assert_a(f, f->ix, "3");
}

/* Milliseconds that a writer waits for a reader. */
static int64_t
patience(struct fixture *f)
{
	int64_t ms;

	ok(index_number(f->ix, "PRAGMA busy_timeout", &ms, &f->err));
	return ms;
}

static void
test_patient_behind_a_checkpoint(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	assert_int_equal(patience(f), 10000);
	set_a(f, "1");
	ok(index_checkpoint(f->ix, &f->err));
	assert_int_equal(patience(f), 10000);
}

static void
test_moved(void **state)
{
	struct fixture *f = *state;
	char *away = xasprintf("%s.away", f->db);
	struct index *moved;

	fixture_open(f);
	set_a(f, "1");
	assert_false(index_has_moved(f->ix));
	assert_int_equal(rename(f->db, away), 0);
	assert_true(index_has_moved(f->ix));
	assert_int_equal(rename(away, f->db), 0);
	assert_false(index_has_moved(f->ix));
	/* Another one in its place keeps its WAL when this one is closed. */
	moved = f->ix;
	free(away);
	away = xasprintf("%s/state", f->dir);
	remove_dir(away);
	free(away);
	assert_true(index_has_moved(moved));
	fixture_open(f);
	set_a(f, "2");
	assert_true(there(f, "-wal"));
	index_close(moved);
	assert_true(there(f, "-wal"));
	assert_false(index_has_moved(f->ix));
	assert_a(f, f->ix, "2");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_dir, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_links),
		TEST(test_fresh_until_something_is_known),
		TEST(test_files_are_private),
		TEST(test_files_become_writable),
		TEST(test_sentence_for_what_is_read_only),
		TEST(test_facts),
		TEST(test_rollback),
		TEST(test_write_outside_is_refused),
		TEST(test_lock),
		TEST(test_newer_version_is_refused),
		TEST(test_foreign_file_is_refused),
		TEST(test_bad_paths),
		TEST(test_reader),
		TEST(test_reader_of_an_empty_file),
		TEST(test_killed_in_a_transaction),
		TEST(test_killed_anywhere),
		TEST(test_syncs_are_counted),
		TEST(test_syncs_are_full),
		TEST(test_disk_full),
		TEST(test_patient_behind_a_checkpoint),
		TEST(test_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
