/* The log, read. It is written by index_log (pending.c). */
#include "index/log.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"

#define TEXT_MAX	4096	/* more than index_log is ever given */

void
index_log_release(struct index_log_entry *e)
{
	free(e->what);
	free(e->folder);
	free(e->unique);
	free(e->evidence);
	free(e->keywords);
	free(e->detail);
	free(e->message_id);
	free(e->subject);
	free(e->sender);
	*e = (struct index_log_entry){ 0 };
}

/* A number that is stored as one and lies in 0..max; else 0. */
static int64_t
get_number(struct query *q, int column, int64_t max, bool *bad)
{
	int64_t v = query_get_int(q, column);

	if (sqlite3_column_type(q->st, column) == SQLITE_INTEGER && v >= 0 &&
	    v <= max)
		return v;
	*bad = true;
	return 0;
}

/* A text with no NUL in it; else what can be had of it. */
static char *
get_text(struct query *q, int column, bool *bad)
{
	bool is_text = sqlite3_column_type(q->st, column) == SQLITE_TEXT;
	const char *text = (const char *)sqlite3_column_text(q->st, column);
	size_t bytes = (size_t)sqlite3_column_bytes(q->st, column);

	if (text == NULL)
		text = "";
	if (!is_text || bytes > TEXT_MAX || strlen(text) != bytes)
		*bad = true;
	return xstrndup(text, bytes > TEXT_MAX ? TEXT_MAX : bytes);
}

static bool
is_null(struct query *q, int column)
{
	return sqlite3_column_type(q->st, column) == SQLITE_NULL;
}

/* As get_text; NULL is "". */
static char *
get_any_text(struct query *q, int column, bool *bad)
{
	return is_null(q, column) ? xstrdup("") : get_text(q, column, bad);
}

static void
read_entry(struct query *q, struct index_log_entry *e)
{
	*e = (struct index_log_entry){ .id = query_get_int(q, 0) };
	e->at = get_number(q, 1, INT64_MAX, &e->bad);
	e->what = get_text(q, 2, &e->bad);
	e->folder = get_text(q, 3, &e->bad);
	if (!is_null(q, 4))
		e->uid = (uint32_t)get_number(q, 4, UINT32_MAX, &e->bad);
	if (!is_null(q, 5))
		e->unique = get_text(q, 5, &e->bad);
	e->evidence = get_text(q, 6, &e->bad);
	e->run = get_number(q, 7, INT64_MAX, &e->bad);
	e->flags = (unsigned)get_number(q, 8, UINT32_MAX, &e->bad);
	e->keywords = get_any_text(q, 9, &e->bad);
	e->detail = get_any_text(q, 10, &e->bad);
	if (!is_null(q, 11))
		e->content = get_number(q, 11, INT64_MAX, &e->bad);
	e->message_id = get_any_text(q, 12, &e->bad);
	e->subject = get_any_text(q, 13, &e->bad);
	e->sender = get_any_text(q, 14, &e->bad);
}

int
index_log_entries(struct index *ix, const struct index_log_query *query,
    struct index_log_entry *out, int max, struct err *err)
{
	int64_t after = query->after;
	struct query q;
	int r, n = 0;

	query_init(&q, ix, SLOT_LOG_ENTRIES, "SELECT log.id, at, what, folder,"
	    " uid, unique_part, evidence, run, flags, keywords, detail,"
	    " log.content, message_id, subject, sender"
	    " FROM log LEFT JOIN content ON content.id = log.content"
	    " WHERE log.id > ?1"
	    " AND (?3 = 0 OR at >= ?3) AND (?4 = 0 OR at < ?4)"
	    " AND (?5 IS NULL OR folder = ?5) AND (?6 IS NULL OR what = ?6)"
	    " ORDER BY log.id LIMIT ?2");
	query_int(&q, after);
	query_int(&q, max);
	query_int(&q, query->since);
	query_int(&q, query->until);
	query_text(&q, query->folder);
	query_text(&q, query->what);
	while ((r = query_step(&q, err)) > 0 && n < max) {
		read_entry(&q, &out[n]);
		/* Whoever goes on behind the last id would go on for ever. */
		if (out[n++].id <= after) {
			r = index_damage(ix, "the log is out of order", err);
			break;
		}
		after = out[n - 1].id;
	}
	query_end(&q);
	if (r >= 0)
		return n;
	while (n > 0)
		index_log_release(&out[--n]);
	return -1;
}

int
index_log_range(struct index *ix, int64_t *oldest_out, int64_t *newest_out,
    struct err *err)
{
	struct query q;
	int r;

	/* A statement of its own for each: then it takes no walk. */
	query_init(&q, ix, SLOT_LOG_RANGE, "SELECT (SELECT min(id) FROM log),"
	    " (SELECT max(id) FROM log)");
	r = query_step(&q, err);
	if (r > 0) {
		*oldest_out = query_get_int(&q, 0);
		*newest_out = query_get_int(&q, 1);
	}
	query_end(&q);
	return r < 0 ? -1 : 0;
}

int
index_log_next_run(struct index *ix, int64_t *out, struct err *err)
{
	return index_number(ix, "SELECT 1 + coalesce((SELECT run FROM log"
	    " ORDER BY id DESC LIMIT 1), 0)", out, err);
}
