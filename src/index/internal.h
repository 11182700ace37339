/*
 * Inside the index: the handle, statements that are kept prepared, the place
 * row and its checksum.
 */
#ifndef INDEX_INTERNAL_H
#define INDEX_INTERNAL_H

#include <sqlite3.h>

#include "index/index.h"

/* One kept statement each; its text stands where it is used. */
enum slot {
	SLOT_BEGIN, SLOT_COMMIT,
	SLOT_GET, SLOT_SET, SLOT_UNSET,
	SLOT_PLACE_ID, SLOT_PLACE_UID, SLOT_PLACE_UNIQUE, SLOT_PLACE_SEQ,
	SLOT_PLACE_INSERT, SLOT_PLACE_FLAGS, SLOT_PLACE_NAME,
	SLOT_PLACE_STATES, SLOT_PLACE_HELD, SLOT_PLACE_UPDATE,
	SLOT_PLACE_DROP, SLOT_PLACE_UIDS, SLOT_PLACE_DISK,
	SLOT_PLACES_FOLDER,			/* one for each index_which */
	SLOT_PLACES_ACCOUNT = SLOT_PLACES_FOLDER + 7,
	SLOT_FOLDERS = SLOT_PLACES_ACCOUNT + 7,
	SLOT_FOLDER_INSERT, SLOT_FOLDER_UPDATE, SLOT_FOLDER_EMPTY,
	SLOT_FOLDER_DROP,
	SLOT_COUNT_STATES_FOLDER, SLOT_COUNT_STATES_ACCOUNT,
	SLOT_COUNT_DIRTY_FOLDER, SLOT_COUNT_DIRTY_ACCOUNT, SLOT_FOLDER_CALM,
	SLOT_CONTENT_FIND, SLOT_CONTENT_INSERT, SLOT_CONTENT_ID,
	SLOT_CONTENT_UPDATE, SLOT_CONTENT_SHARED, SLOT_MASKED_TWIN,
	SLOT_UNPAIRED_FLAGS, SLOT_UNPAIRED_ANY, SLOT_HAS_UNPAIRED,
	SLOT_NEWEST, SLOT_NEWEST_EVER, SLOT_HIGHEST,
	SLOT_STAYS, SLOT_ON_DISK, SLOT_WAITS,
	SLOT_ON_SERVER, SLOT_CONTENT_FILES, SLOT_CONTENT_IS,
	SLOT_CONTENT_SUBJECT, SLOT_SIZES,
	SLOT_BY_HEAD, SLOT_KEYWORDS,
	SLOT_INTENT_INSERT, SLOT_INTENT_DROP, SLOT_INTENTS,
	SLOT_INTENTS_ACCOUNT, SLOT_INTENT_OF, SLOT_INTENTS_SETTLE,
	SLOT_INTENT_SHOWN, SLOT_UPLOADS_TOLD, SLOT_TWIN, SLOT_UNCONFIRMED,
	SLOT_INTENTS_TOLD, SLOT_UPLOAD_UIDS, SLOT_UNPAIRED_IDS,
	SLOT_ITEM_FIND, SLOT_ITEM_PUT, SLOT_ITEM_DROP, SLOT_ITEM_IGNORE,
	SLOT_ITEMS_ALL, SLOT_ITEMS_FOLDER, SLOT_ITEMS_TIDY, SLOT_ITEMS_SETTLE,
	SLOT_TALLY, SLOT_TALLY_ADD, SLOT_TALLY_SET,
	SLOT_LOG, SLOT_LOG_ENTRIES, SLOT_LOG_RANGE,
	SLOT_REMOVED_PUT, SLOT_REMOVED_DROP, SLOT_REMOVED,
	SLOT_UNLOOKED_LOCAL, SLOT_UNLOOKED_REMOTE,
	SLOT_FACT, SLOT_FACT_FRESH, SLOT_FACT_SET, SLOT_FACT_DROP, SLOT_FACTS,
	SLOT_PLACE_OWES, SLOT_LIKELY,
	SLOT_UIDS, SLOT_UIDS_SET, SLOT_UIDS_DROP, SLOT_PRESENT,
	SLOT_COUNT_PRESENT, SLOT_OLDEST, SLOT_VANISHED, SLOT_HAS_VANISHED,
	SLOT_SOURCES, SLOT_FILED, SLOT_KIN, SLOT_ALIKE,
	SLOT_VERIFY_ROWS, SLOT_VERIFY_DIGEST, SLOT_VERIFY_LOG,
	SLOT_MAX,
};

struct index {
	sqlite3 *db;
	char *path;
	char *account;		/* base name without ".db" */
	bool read_only;
	bool check;		/* all of it, when it is opened */
	bool in_transaction;
	bool held;		/* by another program, for good */
	bool lost;		/* SQLite gave the transaction up by itself */
	bool lax;		/* a commit does not sync: index_begin_seen */
	bool damaged;
	int lock;		/* descriptor, -1: none */
	int64_t next_place;	/* within a transaction; 0: not asked yet */
	struct tally *tally;	/* rows inserted in this transaction */
	size_t n_tally, cap_tally;
	sqlite3_stmt *kept[SLOT_MAX];
};

/*
 * A statement at work. Parameters are bound in order; what went wrong while
 * binding is reported by the first step.
 */
struct query {
	struct index *ix;
	sqlite3_stmt *st;
	int bound;
	int rc;
	bool range;		/* a number did not fit */
};

void query_init(struct query *, struct index *, enum slot, const char *sql);
void query_int(struct query *, int64_t);
void query_size(struct query *, uint64_t);	/* refused from 2^63 on */
void query_id(struct query *, int64_t);		/* 0 becomes NULL */
void query_text(struct query *, const char *);	/* borrowed; may be NULL */
void query_blob(struct query *, const void *, size_t);	/* borrowed; may be
						   NULL */
int query_step(struct query *, struct err *);	/* 1 a row, 0 the end, -1 */
void query_end(struct query *);
/* All of it, for what gives no rows. */
int query_run(struct query *, struct err *);
/* Whether a row comes; the last of it. */
int query_any(struct query *, bool *out, struct err *);

/* Columns of the row that query_step found. */
int64_t query_get_int(struct query *, int column);
char *query_get_text(struct query *, int column);	/* owned, or NULL */

/*
 * The sentence for a failed call of SQLite, or for a row that can't be right.
 * Damage is remembered beside the file, so that the next index_open sets the
 * file aside. Always -1.
 */
int index_fail(struct index *, int rc, struct err *);
int index_damage(struct index *, const char *what, struct err *);
bool index_is_damage(int rc);
const char *index_damage_text(int rc);

/* -1 when the transaction was lost; asserts that there is one. */
int index_may_write(struct index *, struct err *);
int index_exec(struct index *, const char *sql, struct err *);
/* The number in the first row and column. */
int index_number(struct index *, const char *sql, int64_t *out, struct err *);

/* quarantine.c: see there. */
int index_quarantine(const char *path, char **where_out, struct err *);
int index_mark_damaged(const char *path, struct err *);
bool index_marked_damaged(const char *path);
int index_clear_remains(const char *path, struct err *);
int index_sync_dir(const char *path, struct err *);

/* schema.c */
#define INDEX_APPLICATION	0x6d74726e	/* "mtrn" */
#define INDEX_VERSION		9
/* A number in a text of SQL. */
#define STR(x)			#x
#define VALUE(x)		STR(x)
#define INDEX_OLDEST		6	/* that can be taken over */
int index_schema_create(struct index *, struct err *);
/* Brings the tables of an older version to ours, in one transaction. */
int index_schema_migrate(struct index *, struct err *);
/* What little is cleaned at every opening. */
int index_schema_tidy(struct index *, struct err *);

/* tally.c: a place was inserted that is on the server; in the transaction's
 * last moment; the transaction is over, either way. */
void tally_add(struct index *, int64_t folder);
int tally_flush(struct index *, struct err *);
void tally_clear(struct index *);

/* vfs.c: the name of the shim, registered. */
const char *index_vfs(void);

/* sum.c: a 64-bit checksum, fed piece by piece. */
#define INDEX_SUM_START	0x9e3779b97f4a7c15u
uint64_t index_sum(uint64_t sum, const void *, size_t);
uint64_t index_sum_int(uint64_t sum, int64_t);

/* row.c: the columns of a place, in the order in which rows are read. */
#define PLACE_COLUMNS \
	"id, folder, uid, unique_part, file, in_new, missing, base," \
	" base_local_flags, base_local_keywords," \
	" base_remote_flags, base_remote_keywords," \
	" local, local_flags, local_keywords," \
	" remote, remote_flags, remote_keywords," \
	" content, size, date, fetched, inode, file_size, mtime," \
	" has_date, likely, unconfirmed," \
	" expected, expected_flags, expected_keywords, lineage, sum"
uint64_t place_sum(const struct place *);
/* What a scan has to find for the row to be passed over; 0: it never is. */
uint64_t place_seen(const struct place *);
/* The row holds now what the place says. */
void place_stored(struct place *);
/* 0, or -1 when the row is damaged; out is filled only on 0. */
int place_read(struct query *, struct place *out, struct err *);
/* One row or none: 1, 0, -1; ends the query. */
int place_read_one(struct query *, struct place *out, struct err *);

#endif
