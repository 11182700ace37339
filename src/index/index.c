/*
 * Opens and closes the index, begins and ends transactions, keeps small facts.
 *
 * A file may be absent, empty, ours, damaged, of a newer version, or not ours.
 * Damage shows as a mark that an earlier run left, as an error of SQLite or of
 * the page sums while the file is looked at, or, after an end that was not
 * clean (something waits in the WAL), in a check of the whole file.
 */
#include "index/index.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "internal.h"
#include "vfs.h"

enum verdict { OPENED, DAMAGED, FAILED };

#define BUSY_MS		10000	/* a reader holds the file for moments only */
#define PAGE_SIZE	4096
#define PAGE_FREE	8	/* for the page sums of vfs.c */

/*
 * The cache bounds memory: a million rows are some hundred megabytes. Full
 * syncs are those of os_sync, where fsync ends in the drive's cache.
 */
static const char settings[] =
    "PRAGMA cache_size = -8192;"
    "PRAGMA mmap_size = 0;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA foreign_keys = ON;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA fullfsync = ON;"
    "PRAGMA checkpoint_fullfsync = ON;"
    "PRAGMA synchronous = FULL;";

static const char settings_write[] =
    "PRAGMA wal_autocheckpoint = 4000;"
    "PRAGMA journal_size_limit = 16777216;";

static off_t
file_size(const char *path, const char *tail)
{
	char *name = xasprintf("%s%s", path, tail);
	struct stat st;
	off_t size = stat(name, &st) == 0 ? st.st_size : -1;

	free(name);
	return size;
}

static char *
account_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	size_t n = strlen(name);

	if (n > 3 && strcmp(name + n - 3, ".db") == 0)
		n -= 3;
	return xstrndup(name, n);
}

static int
take_lock(struct index *ix, struct err *err)
{
	char *name = xasprintf("%s.lock", ix->path);
	int r = -1;

	ix->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (ix->lock < 0)
		err_errno(err, ERR_IO, "can't open %s", name);
	else
		r = fs_lock(ix->lock, ix->account, err);
	free(name);
	return r;
}

static int
make_dir(const char *path, struct err *err)
{
	char *copy = xstrdup(path);
	int r = fs_make_dirs(AT_FDCWD, dirname(copy), err);

	free(copy);
	return r;
}

/* A damaged file keeps its WAL: closing must not write one into the other. */
static void
disconnect(struct index *ix, bool damaged)
{
	if (damaged)
		sqlite3_db_config(ix->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
		    NULL);
	for (size_t i = 0; i < SLOT_MAX; i++) {
		sqlite3_finalize(ix->kept[i]);
		ix->kept[i] = NULL;
	}
	sqlite3_close(ix->db);
	ix->db = NULL;
}

static enum verdict
judge(int rc, struct index *ix, struct err *err)
{
	if (index_is_damage(rc)) {
		err_set(err, ERR_IO, "the index %s is damaged: %s; the next "
		    "sync sets it aside and merges both sides", ix->path,
		    index_damage_text(rc));
		return DAMAGED;
	}
	(void)index_fail(ix, rc, err);
	return FAILED;
}

/* One number that a PRAGMA or SELECT gives; OPENED when it came. */
static enum verdict
ask(struct index *ix, const char *sql, int64_t *out, struct err *err)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(ix->db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? OPENED : judge(rc, ix, err);
}

static enum verdict
run(struct index *ix, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(ix->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? OPENED : judge(rc, ix, err);
}

static enum verdict
check_all(struct index *ix, struct err *err)
{
	enum verdict v = DAMAGED;
	const char *text;
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(ix->db, "PRAGMA quick_check(1)", -1, &st,
	    NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc != SQLITE_ROW) {
		v = judge(rc, ix, err);
	} else {
		text = (const char *)sqlite3_column_text(st, 0);
		if (text != NULL && strcmp(text, "ok") == 0)
			v = OPENED;
		else
			err_set(err, ERR_IO, "the index %s is damaged: %s",
			    ix->path, text == NULL ? "?" : text);
	}
	sqlite3_finalize(st);
	return v;
}

/* A new file leaves room for the page sums from its first page on. */
static enum verdict
create(struct index *ix, struct err *err)
{
	enum verdict v;

	if (ix->read_only) {
		err_set(err, ERR_STALE, "%s holds no index yet", ix->path);
		return FAILED;
	}
	v = run(ix, "PRAGMA page_size = 4096;"
	    "PRAGMA journal_mode = WAL;", err);
	if (v != OPENED)
		return v;
	if (index_schema_create(ix, err) < 0 ||
	    index_sync_dir(ix->path, err) < 0)
		return FAILED;
	return OPENED;
}

/* What an older version left is taken over; by a reader it is left alone. */
static enum verdict
take_over(struct index *ix, int64_t version, struct err *err)
{
	if (version == INDEX_VERSION)
		return OPENED;
	if (ix->read_only) {
		err_set(err, ERR_BUSY, "%s was written by an older mailtern; "
		    "run sync once, which takes it over", ix->path);
		return FAILED;
	}
	if (index_schema_migrate(ix, err) == 0)
		return OPENED;
	return ix->damaged ? DAMAGED : FAILED;
}

/* Ours, and of a version that we know, as the header says that the sums stand
 * for. */
static enum verdict
identify(struct index *ix, bool *empty_out, struct err *err)
{
	int64_t app = 0, version = 0, objects = 0, page = 0;
	int spare = -1;
	enum verdict v;

	*empty_out = false;
	if ((v = ask(ix, "PRAGMA application_id", &app, err)) != OPENED ||
	    (v = ask(ix, "PRAGMA user_version", &version, err)) != OPENED ||
	    (v = ask(ix, "PRAGMA page_size", &page, err)) != OPENED ||
	    (v = ask(ix, "SELECT count(*) FROM sqlite_schema", &objects,
	    err)) != OPENED)
		return v;
	*empty_out = app == 0 && version == 0 && objects == 0;
	if (*empty_out)
		return OPENED;
	if (app != INDEX_APPLICATION) {
		err_set(err, ERR_CONFIG, "%s is not an index of mailtern",
		    ix->path);
		return FAILED;
	}
	if (version > INDEX_VERSION) {
		err_set(err, ERR_CONFIG, "%s was written by a newer mailtern",
		    ix->path);
		return FAILED;
	}
	sqlite3_file_control(ix->db, NULL, SQLITE_FCNTL_RESERVE_BYTES, &spare);
	if (version >= INDEX_OLDEST && page == PAGE_SIZE && spare == PAGE_FREE)
		return take_over(ix, version, err);
	err_set(err, ERR_IO, "the index %s is damaged: its header is wrong",
	    ix->path);
	return DAMAGED;
}

/*
 * A reader opens for writing as well and promises not to write: only so can it
 * take part in the WAL while a sync runs, and tidy up behind itself where none
 * does. A WAL that it found with something in it is left as it is.
 */
static enum verdict
connect(struct index *ix, bool unclean, struct err *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	int spare = PAGE_FREE;
	int rc;

	if (!ix->read_only)
		flags |= SQLITE_OPEN_CREATE;
	rc = sqlite3_open_v2(ix->path, &ix->db, flags, index_vfs());
	if (ix->db == NULL) {
		err_set(err, ERR_IO, "index %s: %s", ix->path,
		    sqlite3_errstr(rc));
		return FAILED;
	}
	sqlite3_extended_result_codes(ix->db, 1);
	if (rc != SQLITE_OK)
		return judge(rc, ix, err);
	sqlite3_busy_timeout(ix->db, BUSY_MS);
	sqlite3_db_config(ix->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (ix->read_only && unclean)
		sqlite3_db_config(ix->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
		    NULL);
	if (!ix->read_only)
		sqlite3_file_control(ix->db, NULL, SQLITE_FCNTL_RESERVE_BYTES,
		    &spare);
	return OPENED;
}

static enum verdict
open_once(struct index *ix, int64_t *known_out, struct err *err)
{
	bool unclean = file_size(ix->path, "-wal") > 0;
	enum verdict v = connect(ix, unclean, err);
	bool empty;

	if (v == OPENED)
		v = run(ix, settings, err);
	if (v == OPENED)
		v = identify(ix, &empty, err);
	if (v == OPENED && empty)
		v = create(ix, err);
	if (v != OPENED)
		return v;
	v = ask(ix, "SELECT EXISTS (SELECT 1 FROM folder)"
	    " OR EXISTS (SELECT 1 FROM meta)", known_out, err);
	if (v == OPENED && ix->read_only)
		return run(ix, "PRAGMA query_only = ON", err);
	if (v == OPENED)
		v = run(ix, settings_write, err);
	if (v == OPENED && (unclean || ix->check))
		v = check_all(ix, err);
	if (v == OPENED && index_schema_tidy(ix, err) < 0)
		v = ix->damaged ? DAMAGED : FAILED;
	return v;
}

/*
 * Readable by nobody else; and writable by us, which what came back from a
 * backup may not be. The WAL takes its mode from the file, and keeps it.
 */
static int
make_private(const char *path, const char *tail, struct err *err)
{
	char *name = xasprintf("%s%s", path, tail);
	struct stat st;
	int r = 0;

	if (stat(name, &st) == 0 && (st.st_mode & 0777) != 0600 &&
	    chmod(name, 0600) < 0)
		r = err_errno(err, ERR_IO, "can't make %s private", name);
	free(name);
	return r;
}

static int
open_write(struct index *ix, struct index_open_result *result, struct err *err)
{
	int64_t known = 0;
	enum verdict v;

	if (make_dir(ix->path, err) < 0 || take_lock(ix, err) < 0)
		return -1;
	if (file_size(ix->path, "") <= 0) {
		if (index_clear_remains(ix->path, err) < 0)
			return -1;
	} else if (index_marked_damaged(ix->path) &&
	    index_quarantine(ix->path, &result->set_aside, err) < 0) {
		return -1;
	}
	if (make_private(ix->path, "", err) < 0 ||
	    make_private(ix->path, "-wal", err) < 0 ||
	    make_private(ix->path, "-shm", err) < 0)
		return -1;
	v = open_once(ix, &known, err);
	if (v == DAMAGED && result->set_aside == NULL) {
		disconnect(ix, true);
		ix->damaged = false;
		if (index_quarantine(ix->path, &result->set_aside, err) < 0)
			return -1;
		v = open_once(ix, &known, err);
	}
	result->fresh = !known;
	return v == OPENED ? 0 : -1;
}

static int
open_read(struct index *ix, struct index_open_result *result, struct err *err)
{
	int64_t known = 0;
	enum verdict v;

	result->marked = index_marked_damaged(ix->path);
	if (file_size(ix->path, "") < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return err_set(err, ERR_STALE,
			    "there is no index %s yet", ix->path);
		return err_errno(err, ERR_IO, "can't look at %s", ix->path);
	}
	v = open_once(ix, &known, err);
	result->damaged = v == DAMAGED;
	result->fresh = !known;
	return v == OPENED ? 0 : -1;
}

/* Whoever can put a link there could have us write elsewhere. SQLite's own
 * SQLITE_OPEN_NOFOLLOW refuses links above the file as well, and those are the
 * user's. */
static int
refuse_links(const struct index *ix, struct err *err)
{
	static const char *const behind[] = { "", "-wal", "-shm" };
	struct stat st;

	for (size_t i = 0; i < sizeof(behind) / sizeof(*behind); i++) {
		char *name = xasprintf("%s%s", ix->path, behind[i]);
		bool link = lstat(name, &st) == 0 && S_ISLNK(st.st_mode);

		if (link)
			err_set(err, ERR_IO, "%s is a symbolic link, which is "
			    "not followed; put the file itself there", name);
		free(name);
		if (link)
			return -1;
	}
	return 0;
}

int
index_open(struct index **out, const char *path, enum index_open_as as,
    struct index_open_result *result, struct err *err)
{
	struct index *ix = xcalloc(1, sizeof(*ix));
	int r;

	*out = NULL;
	*result = (struct index_open_result){ 0 };
	ix->path = xstrdup(path);
	ix->account = account_of(path);
	ix->read_only = as == INDEX_READ;
	ix->check = as == INDEX_CHECK;
	ix->lock = -1;
	r = refuse_links(ix, err);
	if (r == 0)
		r = ix->read_only ? open_read(ix, result, err) :
		    open_write(ix, result, err);
	if (r < 0) {
		index_close(ix);
		free(result->set_aside);
		*result = (struct index_open_result){
			.damaged = result->damaged, .marked = result->marked
		};
		return -1;
	}
	*out = ix;
	return 0;
}

/* An empty WAL is the sign of a clean end; a reader may prevent it. */
int
index_checkpoint(struct index *ix, struct err *err)
{
	int rc;

	if (ix->read_only || ix->damaged)
		return 0;
	sqlite3_busy_timeout(ix->db, 0);
	rc = sqlite3_wal_checkpoint_v2(ix->db, NULL, SQLITE_CHECKPOINT_TRUNCATE,
	    NULL, NULL);
	sqlite3_busy_timeout(ix->db, BUSY_MS);
	return rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY ||
	    (rc & 0xff) == SQLITE_LOCKED ? 0 : index_fail(ix, rc, err);
}

bool
index_has_moved(struct index *ix)
{
	int moved = 0;

	return sqlite3_file_control(ix->db, NULL, SQLITE_FCNTL_HAS_MOVED,
	    &moved) == SQLITE_OK && moved != 0;
}

/* The WAL under the name of one that has moved is another's. */
void
index_close(struct index *ix)
{
	struct err ignored;
	bool moved;

	if (ix == NULL)
		return;
	if (ix->db != NULL) {
		index_rollback(ix);
		moved = index_has_moved(ix);
		if (!moved)
			(void)index_checkpoint(ix, &ignored);
		disconnect(ix, ix->damaged || moved);
	}
	if (ix->lock >= 0)
		close(ix->lock);
	free(ix->path);
	free(ix->account);
	free(ix);
}

/*
 * In a WAL the frames of a transaction are good only when all before them are:
 * the sync of one serves those that were not synced, whose order stays. NORMAL
 * syncs when the WAL is moved into the file, and there both sides of it.
 */
static int
begin(struct index *ix, bool lax, struct err *err)
{
	struct query q;

	assert(!ix->in_transaction && !ix->read_only);
	ix->lost = false;
	ix->next_place = 0;
	if (ix->lax != lax && index_exec(ix, lax ?
	    "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL",
	    err) < 0)
		return -1;
	ix->lax = lax;
	query_init(&q, ix, SLOT_BEGIN, "BEGIN IMMEDIATE");
	if (query_run(&q, err) < 0)
		return -1;
	ix->in_transaction = true;
	return 0;
}

int
index_begin(struct index *ix, struct err *err)
{
	return begin(ix, false, err);
}

int
index_begin_seen(struct index *ix, struct err *err)
{
	return begin(ix, true, err);
}

/* What could not be committed is undone: the caller sees all or nothing. */
int
index_commit(struct index *ix, struct err *err)
{
	struct query q;

	if (index_may_write(ix, err) < 0) {
		index_rollback(ix);
		return -1;
	}
	query_init(&q, ix, SLOT_COMMIT, "COMMIT");
	if (tally_flush(ix, err) < 0 || query_run(&q, err) < 0) {
		index_rollback(ix);
		return -1;
	}
	tally_clear(ix);
	ix->in_transaction = false;
	return 0;
}

void
index_rollback(struct index *ix)
{
	sqlite3_file *wal = NULL;

	if (!ix->in_transaction)
		return;
	if (sqlite3_file_control(ix->db, NULL, SQLITE_FCNTL_JOURNAL_POINTER,
	    &wal) == SQLITE_OK && wal != NULL && wal->pMethods != NULL)
		vfs_forget(wal);
	if (!sqlite3_get_autocommit(ix->db))
		sqlite3_exec(ix->db, "ROLLBACK", NULL, NULL, NULL);
	tally_clear(ix);
	ix->in_transaction = false;
	ix->lost = false;
}

int
index_get(struct index *ix, const char *key, char **out, struct err *err)
{
	struct query q;
	int r;

	*out = NULL;
	query_init(&q, ix, SLOT_GET, "SELECT value FROM meta WHERE key = ?");
	query_text(&q, key);
	r = query_step(&q, err);
	if (r > 0)
		*out = query_get_text(&q, 0);
	query_end(&q);
	return r < 0 ? -1 : 0;
}

int
index_set(struct index *ix, const char *key, const char *value,
    struct err *err)
{
	struct query q;

	if (index_may_write(ix, err) < 0)
		return -1;
	if (value == NULL) {
		query_init(&q, ix, SLOT_UNSET,
		    "DELETE FROM meta WHERE key = ?");
		query_text(&q, key);
		return query_run(&q, err);
	}
	query_init(&q, ix, SLOT_SET, "INSERT INTO meta VALUES (?1, ?2)"
	    " ON CONFLICT (key) DO UPDATE SET value = ?2 WHERE value != ?2");
	query_text(&q, key);
	query_text(&q, value);
	return query_run(&q, err);
}

int
index_end(struct index *ix, int rc, struct err *err)
{
	if (rc != -1 && index_commit(ix, err) == 0)
		return 0;
	index_rollback(ix);
	return -1;
}
