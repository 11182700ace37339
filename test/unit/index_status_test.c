/* OfflineIMAP's state of a folder: its rows, and files that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "index/status.h"

static char path[] = "/tmp/mailtern-st%atus?#-XXXXXX";
static char seen[1000];

static void
status_row(void *arg, int64_t uid, const char *letters)
{
	size_t n = strlen(seen);

	(void)arg;
	if (n < sizeof(seen) - 50)
		snprintf(seen + n, sizeof(seen) - n, "%lld%s,", (long long)uid,
		    letters);
}

static int
read_it(struct err *err)
{
	const struct index_status_visit visit = { status_row, NULL };

	seen[0] = '\0';
	return index_status_read(path, &visit, err);
}

static int
make_status(void **state)
{
	sqlite3 *db;
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE metadata (key, value);"
	    "CREATE TABLE status (id INTEGER PRIMARY KEY, flags, mtime,"
	    " labels);"
	    "INSERT INTO status VALUES (1, 'FS', 0, NULL), (7, '', 0, ''),"
	    " (9, NULL, 0, ''), (4294967296, 'S', 0, '')", NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
	return 0;
}

static int
drop_status(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void
rows_are_told(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(read_it(&err), 0);
	assert_string_equal(seen, "1FS,7,9,4294967296S,");
}

/* It may be held by whomever, and is left as it is. */
static void
no_lock_is_asked_for(void **state)
{
	struct stat before, after;
	struct err err = { 0 };
	sqlite3 *db;

	(void)state;
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL,
	    NULL), SQLITE_OK);
	assert_int_equal(read_it(&err), 0);
	sqlite3_close(db);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_mtime, after.st_mtime);
	assert_int_equal(before.st_size, after.st_size);
}

static void
status_cut_anywhere(void **state)
{
	struct err err = { 0 };
	struct stat st;
	off_t size;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	for (size = st.st_size - 1; size >= 0; size--) {
		assert_int_equal(truncate(path, size), 0);
		if (read_it(&err) == 0)
			fail_msg("accepted with %lld of its octets",
			    (long long)size);
		assert_int_equal(err.kind, ERR_CONFIG);
	}
	unlink(path);
	assert_int_equal(read_it(&err), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_told),
		cmocka_unit_test(no_lock_is_asked_for),
		cmocka_unit_test(status_cut_anywhere),
	};

	return cmocka_run_group_tests(tests, make_status, drop_status);
}
