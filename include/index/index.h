/*
 * The index: one SQLite file an account, in WAL mode with synchronous=FULL.
 * It is an index: everything in it can be had again from the two sides. A plain
 * blocking library, used by one thread at a time (a lane). The schema stands,
 * commented, in src/index/schema.c.
 *
 * Every function may fail with ERR_IO. Writes outside index_begin and
 * index_commit are refused by an assertion.
 */
#ifndef INDEX_INDEX_H
#define INDEX_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "mail/fingerprint.h"
#include "mail/state.h"
#include "mail/uidset.h"

struct index;

/*
 * Opens or creates path (0600; the directory is made 0700, durably) and takes
 * the account's lock: path with ".lock" behind, ERR_BUSY. A file of a newer
 * version, or not ours: ERR_CONFIG. A damaged file (quick_check after an
 * unclean end, SQLITE_CORRUPT/NOTADB, a wrong page sum, or damage that an
 * earlier run met and left a mark of) is set aside as path.damaged-N with its
 * WAL and a fresh one made. read: for status: no lock, no creation
 * (ERR_STALE when there is none), no change (ERR_BUSY for an older version);
 * works while a sync runs. check: quick_check in any case: else a page is
 * judged when it is read.
 */
enum index_open_as { INDEX_WRITE, INDEX_READ, INDEX_CHECK };
struct index_open_result {
	bool fresh;		/* it knows no folder and no fact yet */
	char *set_aside;	/* where a damaged one went, or NULL; to be
				   freed */
	/* Of a reader: why it fails, if it does; an earlier run has met damage,
	 * and the next one that writes sets the file aside. */
	bool damaged, marked;
};
int index_open(struct index **out, const char *path, enum index_open_as,
    struct index_open_result *, struct err *);
void index_close(struct index *);	/* checkpoints; NULL is fine */
/* Its file was removed or renamed: what is written there nobody will read. */
bool index_has_moved(struct index *);
/* For who wants to know before the close whether that works. What was committed
 * is as durable where it does not; a reader in the way is no error. */
int index_checkpoint(struct index *, struct err *);

int index_begin(struct index *, struct err *);
/*
 * The same for what was only seen, or can be done again: its commit waits for
 * no disk. A power cut may undo it, with all that was committed since, up to
 * the next commit of a transaction of the other kind, which makes all durable.
 */
int index_begin_seen(struct index *, struct err *);
int index_commit(struct index *, struct err *);		/* durable */
void index_rollback(struct index *);			/* harmless outside */
/* The end of a batch: commits unless rc is -1, and rolls back what failed, also
 * when that was the commit. 0 or -1. */
int index_end(struct index *, int rc, struct err *);

/* Small facts by name: "root-id", "token", "token-next", "host", "user",
 * "last-sync", ... *out is NULL when unset; caller frees. */
int index_get(struct index *, const char *key, char **out, struct err *);
int index_set(struct index *, const char *key, const char *value, struct err *);

#endif
