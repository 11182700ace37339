/* SQL statements, kept prepared; and what SQLite says as a sentence. */
#include "internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

bool
index_is_damage(int rc)
{
	return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB ||
	    rc == SQLITE_IOERR_DATA;
}

/* What SQLite calls an I/O error is here a wrong sum (vfs.c). */
const char *
index_damage_text(int rc)
{
	return rc == SQLITE_IOERR_DATA ? "a page is not as it was written" :
	    sqlite3_errstr(rc);
}

int
index_damage(struct index *ix, const char *what, struct err *err)
{
	struct err ignored;

	if (!ix->damaged && !ix->read_only)
		(void)index_mark_damaged(ix->path, &ignored);
	ix->damaged = true;
	return err_set(err, ERR_IO, "the index %s is damaged: %s; the next "
	    "sync sets it aside and merges both sides", ix->path, what);
}

/* SQLite has a word of its own for a full disk, but not where it grows the
 * memory that it shares between processes. */
static bool
is_full(struct index *ix, int rc)
{
	int why = sqlite3_system_errno(ix->db);

	return rc == SQLITE_FULL || ((rc & 0xff) == SQLITE_IOERR &&
	    (why == ENOSPC || why == EDQUOT));
}

int
index_fail(struct index *ix, int rc, struct err *err)
{
	if (ix->in_transaction && sqlite3_get_autocommit(ix->db))
		ix->lost = true;
	if (index_is_damage(rc))
		return index_damage(ix, index_damage_text(rc), err);
	if ((rc & 0xff) == SQLITE_BUSY || rc == SQLITE_PROTOCOL) {
		/* Waited for once: all that is under way fails without. What
		 * SQLITE_PROTOCOL has waited for knows no timeout. */
		sqlite3_busy_timeout(ix->db, 0);
		ix->held |= rc == SQLITE_PROTOCOL;
		return err_set(err, ERR_BUSY,
		    "another program holds the index %s; the next sync "
		    "goes on when it has ended", ix->path);
	}
	if (is_full(ix, rc))
		return err_set(err, ERR_IO, "no space left on the disk of the "
		    "index %s; make room there, and the next sync goes on",
		    ix->path);
	if ((rc & 0xff) == SQLITE_READONLY)
		return err_set(err, ERR_IO, "index %s: it, a file beside it or "
		    "their directory can't be written", ix->path);
	return err_set(err, ERR_IO, "index %s: %s", ix->path,
	    sqlite3_extended_errcode(ix->db) == rc ?
	    sqlite3_errmsg(ix->db) : sqlite3_errstr(rc));
}

void
query_init(struct query *q, struct index *ix, enum slot slot, const char *sql)
{
	*q = (struct query){ .ix = ix };
	if (ix->kept[slot] == NULL)
		q->rc = sqlite3_prepare_v3(ix->db, sql, -1,
		    SQLITE_PREPARE_PERSISTENT, &ix->kept[slot], NULL);
	q->st = ix->kept[slot];
}

static void
query_bound(struct query *q, int rc)
{
	if (q->rc == SQLITE_OK)
		q->rc = rc;
}

void
query_int(struct query *q, int64_t v)
{
	query_bound(q, sqlite3_bind_int64(q->st, ++q->bound, v));
}

void
query_size(struct query *q, uint64_t v)
{
	if (v > INT64_MAX)
		q->range = true;
	query_int(q, (int64_t)v);
}

void
query_id(struct query *q, int64_t v)
{
	if (v == 0)
		query_bound(q, sqlite3_bind_null(q->st, ++q->bound));
	else
		query_int(q, v);
}

void
query_text(struct query *q, const char *s)
{
	query_bound(q, sqlite3_bind_text(q->st, ++q->bound, s, -1,
	    SQLITE_STATIC));
}

void
query_blob(struct query *q, const void *p, size_t n)
{
	query_bound(q, sqlite3_bind_blob64(q->st, ++q->bound, p, n,
	    SQLITE_STATIC));
}

int
query_step(struct query *q, struct err *err)
{
	int rc = q->ix->held ? SQLITE_PROTOCOL : q->rc;

	if (q->range)
		return err_set(err, ERR_IO,
		    "index %s: a number is out of range", q->ix->path);
	if (rc != SQLITE_OK)
		return index_fail(q->ix, rc, err);
	rc = sqlite3_step(q->st);
	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : index_fail(q->ix, rc, err);
}

/* Bindings go as well: they borrow the caller's memory. */
void
query_end(struct query *q)
{
	if (q->st == NULL)
		return;
	sqlite3_reset(q->st);
	sqlite3_clear_bindings(q->st);
}

int
query_run(struct query *q, struct err *err)
{
	int r;

	do
		r = query_step(q, err);
	while (r > 0);
	query_end(q);
	return r;
}

int
query_any(struct query *q, bool *out, struct err *err)
{
	int r = query_step(q, err);

	*out = r > 0;
	query_end(q);
	return r < 0 ? -1 : 0;
}

int64_t
query_get_int(struct query *q, int column)
{
	return sqlite3_column_int64(q->st, column);
}

char *
query_get_text(struct query *q, int column)
{
	const void *text = sqlite3_column_text(q->st, column);

	if (text == NULL)
		return NULL;
	return xstrndup(text, (size_t)sqlite3_column_bytes(q->st, column));
}

int
index_may_write(struct index *ix, struct err *err)
{
	assert(ix->in_transaction);
	if (ix->lost)
		return err_set(err, ERR_IO,
		    "index %s: the transaction was given up", ix->path);
	return 0;
}

int
index_exec(struct index *ix, const char *sql, struct err *err)
{
	int rc = ix->held ? SQLITE_PROTOCOL :
	    sqlite3_exec(ix->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : index_fail(ix, rc, err);
}

int
index_number(struct index *ix, const char *sql, int64_t *out, struct err *err)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(ix->db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	if (rc == SQLITE_ROW)
		return 0;
	if (rc != SQLITE_DONE)
		return index_fail(ix, rc, err);
	return err_set(err, ERR_IO, "index %s: nothing came from %s", ix->path,
	    sql);
}
