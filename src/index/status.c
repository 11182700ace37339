/* Reads the state that OfflineIMAP keeps of a folder (index/status.h). */
#include "index/status.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"

/* "file:PATH?immutable=1": as it lies there, whoever locks it. */
static char *
uri_of(const char *path)
{
	struct buf out;
	char *uri;

	buf_init(&out, 4 * strlen(path) + 64);
	buf_add_str(&out, "file:");
	for (; *path != '\0'; path++)
		if (strchr("?#%", *path) != NULL)
			buf_addf(&out, "%%%02X", (unsigned char)*path);
		else
			buf_add(&out, path, 1);
	buf_add_str(&out, "?immutable=1");
	uri = xstrdup(buf_str(&out));
	buf_release(&out);
	return uri;
}

static int
status_failed(sqlite3 *db, const char *path, struct err *err)
{
	return err_set(err, ERR_CONFIG, "%s can't be read: %s", path,
	    db == NULL ? "out of memory" : sqlite3_errmsg(db));
}

static int
visit_rows(sqlite3 *db, sqlite3_stmt *q, const char *path,
    const struct index_status_visit *visit, struct err *err)
{
	int rc;

	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		const char *letters = (const char *)sqlite3_column_text(q, 1);

		visit->row(visit->arg, sqlite3_column_int64(q, 0),
		    letters == NULL ? "" : letters);
	}
	return rc == SQLITE_DONE ? 0 : status_failed(db, path, err);
}

/* What one statement answers is that. SQLite fills up a file that was cut with
 * zeros, and would go on. */
static bool
answers(sqlite3 *db, const char *sql, const char *wanted)
{
	sqlite3_stmt *q;
	bool are = false;

	if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK &&
	    sqlite3_step(q) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(q, 0);

		are = text != NULL && strcmp(text, wanted) == 0;
	}
	sqlite3_finalize(q);
	return are;
}

static int
check_whole(sqlite3 *db, const char *path, struct err *err)
{
	struct stat st;
	char *size;
	bool whole = false;

	if (stat(path, &st) == 0) {
		size = xasprintf("%lld", (long long)st.st_size);
		whole = answers(db, "SELECT page_count * page_size FROM"
		    " pragma_page_count, pragma_page_size", size) &&
		    answers(db, "PRAGMA quick_check(1)", "ok");
		free(size);
	}
	return whole ? 0 : err_set(err, ERR_CONFIG, "%s is damaged, or is no "
	    "state of OfflineIMAP", path);
}

static int
read_table(sqlite3 *db, const char *path,
    const struct index_status_visit *visit, struct err *err)
{
	sqlite3_stmt *q;
	int rc;

	if (check_whole(db, path, err) == -1)
		return -1;
	if (sqlite3_prepare_v2(db, "SELECT id, flags FROM status", -1, &q,
	    NULL) != SQLITE_OK)
		return status_failed(db, path, err);
	rc = visit_rows(db, q, path, visit, err);
	sqlite3_finalize(q);
	return rc;
}

int
index_status_read(const char *path, const struct index_status_visit *visit,
    struct err *err)
{
	char *uri = uri_of(path);
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY |
	    SQLITE_OPEN_URI, NULL) == SQLITE_OK ? read_table(db, path, visit,
	    err) : status_failed(db, path, err);

	sqlite3_close(db);
	free(uri);
	return rc;
}
