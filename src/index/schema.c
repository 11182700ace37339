/* The tables of the index, in SQL. Version and application id are set in the
 * transaction that makes them. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "internal.h"
#include "index/content.h"

#define LIKELY \
"CREATE INDEX place_likely ON place (folder, uid) WHERE likely;"
#define LINEAGE \
"CREATE INDEX place_lineage ON place (lineage) WHERE lineage <> 0;"
/* Contents with octets that some servers mask are found by that form, too. */
#define MASKED \
"CREATE INDEX content_masked ON content (substr(masked, 1, 8))" \
"	WHERE masked IS NOT NULL;" \
"CREATE INDEX content_masked_head ON content (substr(masked_head, 1, 8))" \
"	WHERE masked IS NOT NULL;"
/* A message that moved looks as before, where the server has no lineage. */
#define ALIKE \
"CREATE INDEX place_alike ON place (size, date)" \
"	WHERE lineage = 0 AND size > " VALUE(INDEX_ALIKE_OVER) " AND base;"

/* Two folders never share a directory. Names that differ in case alone are kept
 * apart where they are made (sync/observe/folders.c). */
#define FOLDER_PATH \
"CREATE UNIQUE INDEX folder_path ON folder (path) WHERE path IS NOT NULL;"

/* What was learned of the server (folder 0) or of a folder of it: fact.h. */
#define FACT \
"CREATE TABLE fact (" \
"	folder INTEGER NOT NULL," \
"	name TEXT NOT NULL," \
"	value TEXT NOT NULL," \
"	at INTEGER NOT NULL,"		/* seconds */ \
"	PRIMARY KEY (folder, name)" \
") WITHOUT ROWID;" \
"CREATE TRIGGER folder_forgotten AFTER DELETE ON folder BEGIN" \
"	DELETE FROM fact WHERE folder = old.id;" \
"END;"

/* What was done, and why. A content stays for as long as a line speaks of it:
 * its Message-ID and subject stand there once. */
#define LOG_TREES \
"CREATE INDEX log_content ON log (content) WHERE content IS NOT NULL;" \
"CREATE TRIGGER log_dropped AFTER DELETE ON log" \
"	WHEN old.content IS NOT NULL BEGIN" \
"	INSERT OR IGNORE INTO loose VALUES (old.content);" \
"END;"

static const char schema[] =
/* Small facts: root-id, token, token-next, host, user, last-sync, ... */
"CREATE TABLE meta ("
"	key TEXT PRIMARY KEY,"
"	value TEXT NOT NULL"
") WITHOUT ROWID;"

/*
 * A message as such, wherever it lies. It stays as long as a place or an
 * intent speaks of it.
 */
"CREATE TABLE content ("
"	id INTEGER PRIMARY KEY,"
"	digest BLOB NOT NULL,"		/* SHA-256 of the canonical form */
"	head BLOB NOT NULL,"		/* of its header alone */
"	size INTEGER NOT NULL,"		/* canonical octets */
"	removed INTEGER NOT NULL,"	/* octets of the fields left out */
"	has_identity INTEGER NOT NULL,"	/* Message-ID or Date is there */
"	message_id TEXT NOT NULL,"
	/* How the digests were made (mail/fingerprint.h). */
"	form INTEGER NOT NULL,"
	/* Both once more with octets >= 0x80 of the header masked; NULL where
	 * it has none, or form is too old to tell. */
"	masked BLOB,"
"	masked_head BLOB,"
	/* For people, in UTF-8; NULL: not read yet. */
"	subject TEXT,"
"	sender TEXT"
");"
/*
 * Digests come in no order: each message touches another page of these trees.
 * Eight bytes tell enough, and keep the trees small. index_content_put sees to
 * it that a digest stands here once.
 */
"CREATE INDEX content_digest ON content (substr(digest, 1, 8));"
"CREATE INDEX content_head ON content (substr(head, 1, 8));"
MASKED

"CREATE TABLE folder ("
"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
"	name TEXT NOT NULL UNIQUE,"
"	raw TEXT,"			/* as the server writes it */
"	path TEXT,"			/* below the root */
"	base INTEGER NOT NULL,"		/* it is there: agreed, seen, seen */
"	local INTEGER NOT NULL,"
"	remote INTEGER NOT NULL,"
	/* The cursor: up to where the server's changes were stored. */
"	uidvalidity INTEGER NOT NULL,"
"	uidnext INTEGER NOT NULL,"
"	exists_ INTEGER NOT NULL,"
"	modseq INTEGER NOT NULL,"
"	read_only INTEGER NOT NULL,"
"	permanent_any INTEGER NOT NULL,"
"	permanent INTEGER NOT NULL,"
"	permanent_keywords TEXT NOT NULL,"
	/* mtimes of new/ and cur/ at the last complete scan, ns. */
"	new_mtime INTEGER NOT NULL,"
"	cur_mtime INTEGER NOT NULL,"
"	last_full INTEGER NOT NULL,"
"	scanned INTEGER NOT NULL,"	/* when that scan began, seconds */
"	looked INTEGER NOT NULL,"	/* when files were last compared */
"	mailbox_id TEXT"	/* MAILBOXID or X-GUID; NULL: not known */
");"
FOLDER_PATH

/*
 * A place where a message is or was: known on the server by (folder, uid), on
 * disk by (folder, unique_part). Ids are never used again, so a stream in
 * ascending id meets everything that is added meanwhile.
 */
"CREATE TABLE place ("
"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
"	folder INTEGER NOT NULL REFERENCES folder (id),"
"	uid INTEGER,"
"	unique_part TEXT,"
"	file TEXT,"			/* whole last seen name */
"	in_new INTEGER NOT NULL,"	/* seen in new/, else in cur/ */
"	missing INTEGER NOT NULL,"	/* one scan lacked it */
	/* What both last agreed on, as each side was seen to hold it. */
"	base INTEGER NOT NULL,"
"	base_local_flags INTEGER NOT NULL,"
"	base_local_keywords TEXT NOT NULL COLLATE NOCASE,"
"	base_remote_flags INTEGER NOT NULL,"
"	base_remote_keywords TEXT NOT NULL COLLATE NOCASE,"
	/* What was last seen on disk, and on the server. */
"	local INTEGER NOT NULL,"
"	local_flags INTEGER NOT NULL,"
"	local_keywords TEXT NOT NULL COLLATE NOCASE,"
"	remote INTEGER NOT NULL,"
"	remote_flags INTEGER NOT NULL,"
"	remote_keywords TEXT NOT NULL COLLATE NOCASE,"
"	content INTEGER REFERENCES content (id),"
"	size INTEGER NOT NULL,"		/* RFC822.SIZE */
"	date INTEGER NOT NULL,"		/* INTERNALDATE */
"	fetched INTEGER NOT NULL,"	/* none, partial, full */
	/* What stat said of the file: hints for speed, 0 when not known. */
"	inode INTEGER NOT NULL,"
"	file_size INTEGER NOT NULL,"
"	mtime INTEGER NOT NULL,"	/* ns */
"	has_date INTEGER NOT NULL,"
"	likely INTEGER NOT NULL,"	/* the pair, without proof */
"	unconfirmed INTEGER NOT NULL,"	/* no row has shown the UID yet */
	/* What the server was asked to hold. */
"	expected INTEGER NOT NULL,"
"	expected_flags INTEGER NOT NULL,"
"	expected_keywords TEXT NOT NULL COLLATE NOCASE,"
	/* Of EMAILID, X-GM-MSGID or X-GUID; 0: not known. */
"	lineage INTEGER NOT NULL,"
"	sum INTEGER NOT NULL,"		/* of all columns above (row.c) */
"	seen INTEGER NOT NULL,"		/* name and inode, hashed (row.c) */
	/*
	 * Clean is only what is agreed on and there on both sides, each with
	 * the flags it had then. What was never agreed on, or is nowhere any
	 * more, is dirty: to be paired, or to be forgotten.
	 */
"	dirty INTEGER AS (NOT (base AND local AND remote"
"		AND local_flags = base_local_flags"
"		AND local_keywords = base_local_keywords"
"		AND remote_flags = base_remote_flags"
"		AND remote_keywords = base_remote_keywords)) VIRTUAL"
");"
"CREATE UNIQUE INDEX place_uid ON place (folder, uid)"
"	WHERE uid IS NOT NULL;"
"CREATE UNIQUE INDEX place_unique ON place (folder, unique_part)"
"	WHERE unique_part IS NOT NULL;"
/* Streams one folder, and counts without reading rows. */
"CREATE INDEX place_state ON place (folder, id, base, local, remote);"
/* What a scan is held against: it reads no rows that are as they were. */
"CREATE INDEX place_disk ON place (folder, id, seen) WHERE local;"
"CREATE INDEX place_dirty ON place (folder, id) WHERE dirty;"
"CREATE INDEX place_dirty_all ON place (id) WHERE dirty;"
"CREATE INDEX place_missing ON place (id, folder) WHERE missing;"
LIKELY LINEAGE ALIKE
"CREATE INDEX place_content ON place (content)"
"	WHERE content IS NOT NULL;"
/* The server could not hold then what the other side held. */
"CREATE INDEX place_owed ON place (folder, id) WHERE base"
"	AND (base_local_flags <> base_remote_flags"
"		OR base_local_keywords <> base_remote_keywords);"
/* Local messages that wait for their other half, by what they are. */
"CREATE INDEX place_unpaired ON place (folder, content, local_flags, id)"
"	WHERE content IS NOT NULL AND uid IS NULL AND local AND NOT base;"

/*
 * How many places of a folder are there on the server, so that a change need
 * not be paid for with a count of them all. What is inserted is added at the
 * end of the transaction (tally.c), all else by the triggers below.
 */
"CREATE TABLE tally ("
"	folder INTEGER PRIMARY KEY,"
"	remote INTEGER NOT NULL"
");"

FACT
/* An APPEND or COPY begun: not repeated before its outcome is known. */
"CREATE TABLE intent ("
"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
"	folder INTEGER NOT NULL,"
"	place INTEGER,"
"	uidvalidity INTEGER NOT NULL,"	/* as they were when it began */
"	uidnext INTEGER NOT NULL,"
"	content INTEGER,"
"	size INTEGER NOT NULL,"
"	begun INTEGER NOT NULL,"
"	answered INTEGER NOT NULL"	/* bits: with OK, told, again
					   (pending.c) */
");"
"CREATE INDEX intent_folder ON intent (folder);"
"CREATE INDEX intent_place ON intent (place);"
"CREATE INDEX intent_content ON intent (content);"

/*
 * What was refused, skipped or held, until it is settled. 0 for what it is not
 * about. Ids are shown, and never used again. Known by folder, place and kind,
 * or, with kind 0, by its text.
 */
"CREATE TABLE item ("
"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
"	folder INTEGER NOT NULL,"
"	place INTEGER NOT NULL,"
"	kind INTEGER NOT NULL,"
"	text TEXT NOT NULL,"
"	first INTEGER NOT NULL,"	/* seconds, as the next three */
"	last INTEGER NOT NULL,"
"	next INTEGER NOT NULL,"
"	told INTEGER NOT NULL,"		/* when -q last named it */
"	tries INTEGER NOT NULL,"
"	run INTEGER NOT NULL,"		/* that renewed it last */
"	ignored INTEGER NOT NULL"
");"
"CREATE UNIQUE INDEX item_about ON item (place, folder, kind,"
"	CASE kind WHEN 0 THEN text ELSE '' END);"
"CREATE INDEX item_folder ON item (folder, id);"

/* Every change that was made, with its evidence, for the log command. */
"CREATE TABLE log ("
"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
"	at INTEGER NOT NULL,"
"	what TEXT NOT NULL,"
"	folder TEXT NOT NULL,"
"	uid INTEGER,"
"	unique_part TEXT,"
"	evidence TEXT NOT NULL,"
"	run INTEGER NOT NULL,"
"	content INTEGER,"
"	flags INTEGER NOT NULL,"	/* that the message had then */
"	keywords TEXT,"
"	detail TEXT"			/* what changed, in words */
");"

/*
 * Files that were removed from disk because the server had lost them: whoever
 * puts one back under its name, puts a backup back.
 */
"CREATE TABLE removed ("
"	id INTEGER PRIMARY KEY,"
"	folder INTEGER NOT NULL,"
"	unique_part TEXT NOT NULL,"
"	UNIQUE (folder, unique_part)"
");"

/* Contents that lost a place: looked at when the index is opened next. */
"CREATE TABLE loose (content INTEGER PRIMARY KEY);"
LOG_TREES

"CREATE TRIGGER place_dropped AFTER DELETE ON place BEGIN"
"	DELETE FROM item WHERE place = old.id;"
"	INSERT OR IGNORE INTO loose SELECT old.content"
"		WHERE old.content IS NOT NULL;"
"	UPDATE tally SET remote = remote - old.remote"
"		WHERE folder = old.folder AND old.remote;"
"END;"
"CREATE TRIGGER place_counted AFTER UPDATE OF remote, folder ON place"
"	WHEN old.remote <> new.remote OR old.folder <> new.folder BEGIN"
"	UPDATE tally SET remote = remote - old.remote"
"		WHERE folder = old.folder;"
"	UPDATE tally SET remote = remote + new.remote"
"		WHERE folder = new.folder;"
"END;"
"CREATE TRIGGER place_changed AFTER UPDATE OF content ON place"
"	WHEN old.content IS NOT NULL AND old.content IS NOT new.content BEGIN"
"	INSERT OR IGNORE INTO loose VALUES (old.content);"
"END;"
"CREATE TRIGGER intent_dropped AFTER DELETE ON intent"
"	WHEN old.content IS NOT NULL BEGIN"
"	INSERT OR IGNORE INTO loose VALUES (old.content);"
"END;"
"CREATE TRIGGER folder_made AFTER INSERT ON folder BEGIN"
"	INSERT INTO tally VALUES (new.id, 0);"
"END;"
"CREATE TRIGGER folder_dropped AFTER DELETE ON folder BEGIN"
"	DELETE FROM tally WHERE folder = old.id;"
"	DELETE FROM item WHERE folder = old.id;"
"	DELETE FROM intent WHERE folder = old.id;"
"	DELETE FROM removed WHERE folder = old.id;"
"END;"

"PRAGMA application_id = " VALUE(INDEX_APPLICATION) ";"
"PRAGMA user_version = " VALUE(INDEX_VERSION) ";";

/*
 * What each version lacks of the next. Names of columns and trees are those of
 * the schema; rows keep their sums (row.c).
 */
static const char *const migrations[INDEX_VERSION] = {
[6] =
"ALTER TABLE content ADD COLUMN form INTEGER NOT NULL DEFAULT 1;"
"ALTER TABLE content ADD COLUMN masked BLOB;"
"ALTER TABLE content ADD COLUMN masked_head BLOB;"
MASKED
"ALTER TABLE folder ADD COLUMN mailbox_id TEXT;"
"DROP INDEX folder_path;"
FOLDER_PATH
"ALTER TABLE place ADD COLUMN has_date INTEGER NOT NULL DEFAULT 0;"
"ALTER TABLE place ADD COLUMN likely INTEGER NOT NULL DEFAULT 0;"
"ALTER TABLE place ADD COLUMN unconfirmed INTEGER NOT NULL DEFAULT 0;"
"ALTER TABLE place ADD COLUMN expected INTEGER NOT NULL DEFAULT 0;"
"ALTER TABLE place ADD COLUMN expected_flags INTEGER NOT NULL DEFAULT 0;"
"ALTER TABLE place ADD COLUMN expected_keywords TEXT NOT NULL"
"	DEFAULT '' COLLATE NOCASE;"
"UPDATE place SET has_date = 1 WHERE date <> 0;"
LIKELY
FACT
"ALTER TABLE content ADD COLUMN subject TEXT;"
"ALTER TABLE content ADD COLUMN sender TEXT;"
"ALTER TABLE log ADD COLUMN run INTEGER NOT NULL DEFAULT 0;"
"ALTER TABLE log ADD COLUMN content INTEGER;"
"ALTER TABLE log ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;"
"ALTER TABLE log ADD COLUMN keywords TEXT;"
"ALTER TABLE log ADD COLUMN detail TEXT;"
LOG_TREES
"PRAGMA user_version = 7;",
[7] =
"ALTER TABLE place ADD COLUMN lineage INTEGER NOT NULL DEFAULT 0;"
LINEAGE
"PRAGMA user_version = 8;",
[8] =
ALIKE
"PRAGMA user_version = 9;",
};

/* The next contents to be looked at, a portion that one statement can undo. */
#define LOOSE	"(SELECT content FROM loose ORDER BY content LIMIT 1000)"

static const char tidy_contents[] =
"DELETE FROM content WHERE id IN " LOOSE
"	AND NOT EXISTS (SELECT 1 FROM place WHERE place.content = content.id)"
"	AND NOT EXISTS (SELECT 1 FROM intent"
"		WHERE intent.content = content.id)"
"	AND NOT EXISTS (SELECT 1 FROM log"
"		WHERE log.content = content.id);"
"DELETE FROM loose WHERE content IN " LOOSE ";";

static const char tidy_removed[] =
"DELETE FROM removed WHERE id <= (SELECT max(id) FROM removed) - 20000;";

/* All within one transaction, or nothing. */
static int
schema_apply(struct index *ix, int (*work)(struct index *, struct err *),
    struct err *err)
{
	struct err ignored;

	if (index_exec(ix, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	if (work(ix, err) == 0 && index_exec(ix, "COMMIT", err) == 0)
		return 0;
	if (!sqlite3_get_autocommit(ix->db))
		(void)index_exec(ix, "ROLLBACK", &ignored);
	return -1;
}

static int
create_tables(struct index *ix, struct err *err)
{
	return index_exec(ix, schema, err);
}

int
index_schema_create(struct index *ix, struct err *err)
{
	return schema_apply(ix, create_tables, err);
}

static int
migrate(struct index *ix, struct err *err)
{
	int64_t version;

	if (index_number(ix, "PRAGMA user_version", &version, err) == -1)
		return -1;
	for (; version < INDEX_VERSION; version++)
		if (index_exec(ix, migrations[version], err) == -1)
			return -1;
	return 0;
}

int
index_schema_migrate(struct index *ix, struct err *err)
{
	return schema_apply(ix, migrate, err);
}

/*
 * The log keeps what is younger than 90 days, of that at most a million lines,
 * and loses its oldest ones only: who reads it by id can tell. A clock that was
 * wrong for a while makes it keep more, never less.
 */
#define LOG_DAYS	"90"
#define LOG_LINES	"1000000"
#define LOG_PORTION	"50000"		/* at one opening */
#define LOG_OLD	\
	"max((SELECT max(id) FROM log) - " LOG_LINES "," \
	" coalesce((SELECT id FROM log WHERE at >= %lld - " LOG_DAYS \
	" * 86400 ORDER BY id LIMIT 1) - 1, 0))"

static int
tidy_log(struct index *ix, struct err *err)
{
	char *sql = xasprintf("DELETE FROM log WHERE id <= " LOG_OLD
	    " AND id < (SELECT min(id) FROM log) + " LOG_PORTION,
	    (long long)clock_wall());
	int r = index_exec(ix, sql, err);

	free(sql);
	return r;
}

static int
tidy(struct index *ix, struct err *err)
{
	int64_t more;

	if (tidy_log(ix, err) < 0)
		return -1;
	do {
		if (index_exec(ix, tidy_contents, err) < 0 ||
		    index_number(ix, "SELECT EXISTS (SELECT 1 FROM loose)",
		    &more, err) < 0)
			return -1;
	} while (more);
	return index_exec(ix, tidy_removed, err);
}

/*
 * A content is kept over the end of the run that lost its last place: until
 * then the caller may hold its id, to give it to a new place. Of the log some
 * lines at a time go, and of files that were removed the last twenty thousand
 * are known. Mostly there is nothing to do: then nothing is written or synced.
 */
int
index_schema_tidy(struct index *ix, struct err *err)
{
	char *sql = xasprintf("SELECT EXISTS (SELECT 1 FROM loose)"
	    " OR coalesce(" LOG_OLD " - (SELECT min(id) FROM log) > 1000, 0)"
	    " OR (SELECT max(id) - min(id) > 22000 FROM removed)",
	    (long long)clock_wall());
	int64_t work;
	int r = index_number(ix, sql, &work, err);

	free(sql);
	if (r < 0)
		return -1;
	return work ? schema_apply(ix, tidy, err) : 0;
}
