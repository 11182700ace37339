/*
 * What SQLite can't know of a table's rows is asked here, one question each.
 * Statements are prepared as they come: none is asked twice.
 */
#include "index/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* --- questions --- */

/* Each row of an answer is a flaw: folder, UID, text. ?1 is now. */
static const struct {
	enum index_flaw flaw;
	const char *sql;
} questions[] = {
	{ FLAW_UID_TWICE, "SELECT folder, uid, max(unique_part) FROM place"
	    " WHERE uid IS NOT NULL GROUP BY folder, uid"
	    " HAVING count(*) > 1" },
	{ FLAW_NAME_TWICE, "SELECT folder, NULL, unique_part FROM place"
	    " WHERE unique_part IS NOT NULL GROUP BY folder, unique_part"
	    " HAVING count(*) > 1" },
	{ FLAW_NO_FOLDER, "SELECT 0, uid, unique_part FROM place"
	    " WHERE folder NOT IN (SELECT id FROM folder)" },
	{ FLAW_DIGEST, "SELECT 0, NULL, message_id FROM content"
	    " WHERE typeof(digest) <> 'blob' OR length(digest) <> 32"
	    " OR typeof(head) <> 'blob' OR length(head) <> 32" },
	{ FLAW_TALLY, "SELECT folder.id, NULL, ifnull(tally.remote, 'none') ||"
	    " ' and ' || (SELECT count(*) FROM place"
	    " WHERE place.folder = folder.id AND place.remote) FROM folder"
	    " LEFT JOIN tally ON tally.folder = folder.id"
	    " WHERE tally.remote IS NOT (SELECT count(*) FROM place"
	    " WHERE place.folder = folder.id AND place.remote)" },
	{ FLAW_RAW, "SELECT max(id), NULL, raw FROM folder"
	    " WHERE raw IS NOT NULL AND remote GROUP BY raw"
	    " HAVING count(*) > 1" },
	{ FLAW_PATH, "SELECT max(id), NULL, path FROM folder"
	    " WHERE path IS NOT NULL GROUP BY path HAVING count(*) > 1" },
	{ FLAW_NO_NAME, "SELECT id, NULL, name FROM folder"
	    " WHERE local AND path IS NULL OR remote AND raw IS NULL" },
	{ FLAW_UIDNEXT, "SELECT place.folder, max(place.uid), folder.uidnext"
	    " FROM folder JOIN place ON place.folder = folder.id"
	    " WHERE place.uid >= folder.uidnext AND folder.uidnext > 0"
	    " AND place.base AND place.remote AND NOT place.unconfirmed"
	    " GROUP BY place.folder" },
	{ FLAW_UIDVALIDITY, "SELECT place.folder, max(place.uid), ''"
	    " FROM folder JOIN place ON place.folder = folder.id"
	    " WHERE folder.uidvalidity = 0 AND place.remote"
	    " AND place.uid IS NOT NULL GROUP BY place.folder" },
	{ FLAW_FOLDER_CLOCK, "SELECT id, NULL, datetime(max(scanned, looked,"
	    " last_full), 'unixepoch') FROM folder"
	    " WHERE max(scanned, looked, last_full) > ?1" },
	{ FLAW_INTENT, "SELECT 0, NULL, '' FROM intent"
	    " WHERE folder NOT IN (SELECT id FROM folder)" },
	{ FLAW_ITEM, "SELECT folder, NULL, text FROM item WHERE place <> 0"
	    " AND place NOT IN (SELECT id FROM place)" },
	{ FLAW_LOG_CLOCK, "SELECT 0, NULL, datetime(max(at), 'unixepoch')"
	    " FROM log WHERE at > ?1 HAVING count(*) > 0" },
	{ FLAW_LOG, "SELECT 0, NULL, id FROM log WHERE typeof(at) <> 'integer'"
	    " OR at < 0 OR typeof(what) <> 'text' OR typeof(folder) <> 'text'"
	    " OR typeof(evidence) <> 'text' OR typeof(flags) <> 'integer'" },
};

static const char *
text_of(sqlite3_stmt *st, int column)
{
	const char *text = (const char *)sqlite3_column_text(st, column);

	return text != NULL ? text : "";
}

static void
tell_flaw(const struct index_flaw_visit *visit, enum index_flaw flaw,
    sqlite3_stmt *st)
{
	struct index_flaw_found found = {
		.flaw = flaw, .folder = sqlite3_column_int64(st, 0),
		.uid = (uint32_t)sqlite3_column_int64(st, 1),
		.text = text_of(st, 2),
	};

	visit->flaw(visit->arg, &found);
}

/* What was met in place of an answer: damage is told; else -1. */
static int
give_up(struct index *ix, const struct index_flaw_visit *visit, int rc,
    struct err *err)
{
	struct index_flaw_found found = { .flaw = FLAW_PAGE,
	    .text = index_damage_text(rc) };

	if (!index_is_damage(rc))
		return index_fail(ix, rc, err);
	visit->flaw(visit->arg, &found);
	ix->damaged = true;
	return 0;
}

static int
ask_question(struct index *ix, size_t i, const struct index_flaw_visit *visit,
    struct err *err)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(ix->db, questions[i].sql, -1, &st, NULL);

	if (rc == SQLITE_OK && sqlite3_bind_parameter_count(st) > 0)
		rc = sqlite3_bind_int64(st, 1, visit->now);
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		tell_flaw(visit, questions[i].flaw, st);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? 0 : give_up(ix, visit, rc, err);
}

/* --- the file --- */

/* A page that can't be read; what else it says follows from that. */
#define NO_PAGE	"unable to get the page"

/* One line each, but for what it puts above them. */
static void
tell_faults(const struct index_flaw_visit *visit, const char *text)
{
	struct index_flaw_found found = { .flaw = FLAW_CHECK };
	char line[200];
	size_t n;

	for (; *text != '\0'; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		found.text = line;
		if (strncmp(line, "***", 3) != 0 && strcmp(line, "ok") != 0)
			visit->flaw(visit->arg, &found);
	}
}

static int
check_pages(struct index *ix, const struct index_flaw_visit *visit,
    struct err *err)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(ix->db, "PRAGMA quick_check", -1, &st,
	    NULL);

	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		rc = SQLITE_OK;
		if (strstr(text_of(st, 0), NO_PAGE) != NULL)
			rc = SQLITE_IOERR_DATA;
		else
			tell_faults(visit, text_of(st, 0));
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? 0 : give_up(ix, visit, rc, err);
}

/* What a new index has, by name; the text of what was taken over from an older
 * version is another one. */
static int
check_tables(struct index *ix, const struct index_flaw_visit *visit,
    struct err *err)
{
	struct index_flaw_found found = { .flaw = FLAW_TABLE };
	struct index fresh = { .path = ix->path };
	sqlite3_stmt *all = NULL, *one = NULL;
	int rc = sqlite3_open(":memory:", &fresh.db);

	if (rc == SQLITE_OK && index_schema_create(&fresh, err) == -1)
		rc = SQLITE_ERROR;
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(fresh.db, "SELECT name FROM"
		    " sqlite_schema WHERE name NOT LIKE 'sqlite_%'", -1, &all,
		    NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(ix->db, "SELECT 1 FROM sqlite_schema"
		    " WHERE name = ?", -1, &one, NULL);
	while (rc == SQLITE_OK && sqlite3_step(all) == SQLITE_ROW) {
		found.text = text_of(all, 0);
		sqlite3_bind_text(one, 1, found.text, -1, SQLITE_STATIC);
		if (sqlite3_step(one) != SQLITE_ROW)
			visit->flaw(visit->arg, &found);
		rc = sqlite3_reset(one);
	}
	sqlite3_finalize(all);
	sqlite3_finalize(one);
	sqlite3_close(fresh.db);
	return rc == SQLITE_OK ? 0 : give_up(ix, visit, rc, err);
}

int
index_verify(struct index *ix, const struct index_flaw_visit *visit,
    struct err *err)
{
	size_t i;
	int rc = check_tables(ix, visit, err);

	if (rc == 0 && !ix->damaged)
		rc = check_pages(ix, visit, err);
	for (i = 0; rc == 0 && !ix->damaged && i < sizeof(questions) /
	    sizeof(questions[0]); i++)
		rc = ask_question(ix, i, visit, err);
	return rc;
}

/* --- rows --- */

/* That of which the sum is wrong is known by what it says of itself. */
static void
read_wrong(struct query *q, struct index_verified *out)
{
	int64_t uid = query_get_int(q, 2);

	out->place = (struct place){ .id = out->id };
	if (uid > 0 && uid <= UINT32_MAX)
		out->place.uid = (uint32_t)uid;
	out->place.unique = query_get_text(q, 3);
}

static void
read_row(struct query *q, struct index_verified *out)
{
	const bool damaged = q->ix->damaged;
	struct err ignored;

	out->id = query_get_int(q, 0);
	out->sum_right = place_read(q, &out->place, &ignored) == 0;
	if (!out->sum_right) {
		/* The row is told; the file as such can be read. */
		q->ix->damaged = damaged;
		read_wrong(q, out);
		return;
	}
	out->seen_right = place_seen(&out->place) ==
	    (uint64_t)query_get_int(q, 33);
	out->has_content = query_get_int(q, 34) != 0;
}

int
index_verify_rows(struct index *ix, const struct index_verify_stream *from,
    struct index_verified *out, int max, struct err *err)
{
	struct query q;
	int n = 0, r = 0;

	query_init(&q, ix, SLOT_VERIFY_ROWS, "SELECT " PLACE_COLUMNS ", seen,"
	    " EXISTS (SELECT 1 FROM content WHERE content.id = place.content"
	    " AND length(digest) = 32 AND length(head) = 32)"
	    " FROM place WHERE folder = ?1 AND id > ?2 AND id <= ?3"
	    " ORDER BY id LIMIT ?4");
	query_int(&q, from->folder);
	query_int(&q, from->after);
	query_int(&q, from->upto);
	query_int(&q, max);
	while (n < max && (r = query_step(&q, err)) > 0) {
		out[n] = (struct index_verified){ .id = 0 };
		read_row(&q, &out[n++]);
	}
	query_end(&q);
	while (r < 0 && n > 0)
		place_release(&out[--n].place);
	return r < 0 ? -1 : n;
}

/* --- what was removed --- */

/* Most are known by their digest, without reading the log. */
int
index_is_other(struct index *ix, const struct index_removal *gone,
    const struct fingerprint *fp, bool *out, struct err *err)
{
	struct query q;
	bool known;

	*out = false;
	query_init(&q, ix, SLOT_VERIFY_DIGEST, "SELECT 1 FROM content"
	    " INDEXED BY content_digest WHERE (substr(digest, 1, 8) ="
	    " substr(?1, 1, 8) AND digest = ?1 AND form = ?2)"
	    " OR (substr(digest, 1, 8) = substr(?3, 1, 8) AND digest = ?3"
	    " AND form = ?4) LIMIT 1");
	query_blob(&q, fp->content, 32);
	query_int(&q, FORM_NOW);
	query_blob(&q, fp->first.content, 32);
	query_int(&q, FORM_FIRST);
	if (query_any(&q, &known, err) == -1)
		return -1;
	if (known)
		return 0;
	query_init(&q, ix, SLOT_VERIFY_LOG, "SELECT 1 FROM log"
	    " WHERE unique_part = ?1 AND folder = ?2 AND content IS NOT NULL"
	    " AND what = 'removed-local' LIMIT 1");
	query_text(&q, gone->unique);
	query_text(&q, gone->folder);
	return query_any(&q, out, err);
}
