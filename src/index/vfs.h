/* The layer over SQLite's file access: what its two halves share. */
#ifndef INDEX_VFS_H
#define INDEX_VFS_H

#include "internal.h"

/* Behind SQLite's own file structure: the methods of vfs.c. */
struct shim {
	sqlite3_io_methods methods;
	const sqlite3_io_methods *real;
	bool sums;		/* a database whose header leaves eight bytes */
	/* Of a WAL (vfs_wal.c): what is to be written, at that place. */
	unsigned char *gathered;
	int n_gathered;
	sqlite3_int64 gathered_at;
	bool last;		/* the next page is a transaction's last */
};

struct shim *shim_of(sqlite3_file *);
int plain_read(sqlite3_file *, void *to, int n, sqlite3_int64 at);
int shim_sync(sqlite3_file *, int flags);

/* Writes of this WAL go out in large pieces. */
void vfs_gather(struct shim *);
/* The transaction is given up: what was gathered of it must not go out. */
void vfs_forget(sqlite3_file *wal);

#endif
