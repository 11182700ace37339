/*
 * Gathers what SQLite writes to its WAL, and writes it in large pieces. SQLite
 * does it frame by frame, each as 24 octets and a page: two system calls for a
 * page that changed.
 *
 * Nobody misses what is not in the file yet: who looks for frames finds them by
 * the WAL's index, which names those of a transaction when its last one has
 * been written. That one has a mark, and with its page everything goes out.
 * What is read, synced, measured or cut before that is written first. What
 * can't be written stays, and is tried again by whatever comes next, so that no
 * commit succeeds behind it, until the transaction is given up. There is one
 * writer: the lock beside the index keeps others out.
 */
#include "vfs.h"

#include <stdlib.h>
#include <string.h>

#define GATHERED	65536
#define FRAME_HEADER	24	/* sqlite.org/fileformat2.html#walformat */

static int
write_out(sqlite3_file *file)
{
	struct shim *shim = shim_of(file);
	int rc = SQLITE_OK;

	if (shim->n_gathered > 0)
		rc = shim->real->xWrite(file, shim->gathered, shim->n_gathered,
		    shim->gathered_at);
	if (rc == SQLITE_OK)
		shim->n_gathered = 0;
	return rc;
}

/* Of the last frame of a transaction: the size of the database, else zero. */
static bool
is_commit(const unsigned char *p, int n)
{
	return n == FRAME_HEADER && (p[4] | p[5] | p[6] | p[7]) != 0;
}

static bool
continues(const struct shim *shim, int n, sqlite3_int64 at)
{
	return shim->n_gathered > 0 && n <= GATHERED - shim->n_gathered &&
	    at == shim->gathered_at + shim->n_gathered;
}

static int
wal_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
	struct shim *shim = shim_of(file);
	bool alone = !continues(shim, n, at);
	bool last = shim->last;
	int rc = alone ? write_out(file) : SQLITE_OK;

	if (rc != SQLITE_OK)
		return rc;
	shim->last = is_commit(from, n);
	/* A mark may be put on a frame whose page is there already. */
	if (n > GATHERED || (alone && (last || shim->last)))
		return shim->real->xWrite(file, from, n, at);
	if (alone)
		shim->gathered_at = at;
	memcpy(shim->gathered + shim->n_gathered, from, (size_t)n);
	shim->n_gathered += n;
	return last ? write_out(file) : SQLITE_OK;
}

static int
wal_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at)
{
	int rc = write_out(file);

	return rc == SQLITE_OK ? plain_read(file, to, n, at) : rc;
}

static int
wal_sync(sqlite3_file *file, int flags)
{
	int rc = write_out(file);

	return rc == SQLITE_OK ? shim_sync(file, flags) : rc;
}

static int
wal_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	int rc = write_out(file);

	return rc == SQLITE_OK ? shim_of(file)->real->xTruncate(file, size) :
	    rc;
}

static int
wal_size(sqlite3_file *file, sqlite3_int64 *out)
{
	int rc = write_out(file);

	return rc == SQLITE_OK ? shim_of(file)->real->xFileSize(file, out) : rc;
}

/* What is left belongs to no transaction. */
static int
wal_close(sqlite3_file *file)
{
	struct shim *shim = shim_of(file);

	free(shim->gathered);
	shim->gathered = NULL;
	return shim->real->xClose(file);
}

void
vfs_forget(sqlite3_file *file)
{
	struct shim *shim = shim_of(file);

	shim->n_gathered = 0;
	shim->last = false;
}

void
vfs_gather(struct shim *shim)
{
	shim->gathered = malloc(GATHERED);
	if (shim->gathered == NULL)
		return;		/* piece by piece, then */
	shim->methods.xWrite = wal_write;
	shim->methods.xRead = wal_read;
	shim->methods.xSync = wal_sync;
	shim->methods.xTruncate = wal_truncate;
	shim->methods.xFileSize = wal_size;
	shim->methods.xClose = wal_close;
}
