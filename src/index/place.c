/* The rows of places, a message in a folder each: found, written, streamed. */
#include "index/place.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"

/*
 * A row that came by a tree is of use only when it is what was asked for: a
 * tree may be damaged where the row is not.
 */
static int
as_asked(struct index *ix, bool matches, struct place *p, struct err *err)
{
	if (matches)
		return 1;
	place_release(p);
	return index_damage(ix, "a tree leads to the wrong row", err);
}

int
index_place_by_id(struct index *ix, int64_t id, struct place *out,
    struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_PLACE_ID,
	    "SELECT " PLACE_COLUMNS " FROM place WHERE id = ?");
	query_int(&q, id);
	r = place_read_one(&q, out, err);
	return r <= 0 ? r : as_asked(ix, out->id == id, out, err);
}

#define NEWEST(which) "SELECT uid, size, has_date, date, content FROM place" \
	" INDEXED BY place_uid WHERE folder = ?1 AND uid IS NOT NULL" which \
	" ORDER BY uid DESC LIMIT ?2"

/* Ends the query. */
static int
read_newest(struct query *q, struct index_probe *out, int max, struct err *err)
{
	int r, n = 0;

	while ((r = query_step(q, err)) > 0 && n < max) {
		out[n].uid = (uint32_t)query_get_int(q, 0);
		out[n].size = (uint32_t)query_get_int(q, 1);
		out[n].has_date = query_get_int(q, 2) != 0;
		out[n].date = query_get_int(q, 3);
		out[n++].content = query_get_int(q, 4);
	}
	query_end(q);
	return r < 0 ? -1 : n;
}

int
index_newest(struct index *ix, int64_t folder, struct index_probe *out,
    int max, struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_NEWEST, NEWEST(" AND remote"
	    " AND NOT unconfirmed AND (size > 0 OR has_date)"));
	query_int(&q, folder);
	query_int(&q, max);
	return read_newest(&q, out, max, err);
}

int
index_newest_ever(struct index *ix, int64_t folder, struct index_probe *out,
    int max, struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_NEWEST_EVER,
	    NEWEST(" AND content IS NOT NULL"));
	query_int(&q, folder);
	query_int(&q, max);
	return read_newest(&q, out, max, err);
}

int
index_highest(struct index *ix, int64_t folder, uint32_t *out,
    struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_HIGHEST, "SELECT max(uid) FROM place"
	    " INDEXED BY place_uid WHERE folder = ? AND uid IS NOT NULL"
	    " AND NOT unconfirmed");
	query_int(&q, folder);
	r = query_step(&q, err);
	*out = r > 0 ? (uint32_t)query_get_int(&q, 0) : 0;
	query_end(&q);
	return r < 0 ? -1 : 0;
}

int
index_place_by_uid(struct index *ix, int64_t folder, uint32_t uid,
    struct place *out, struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_PLACE_UID, "SELECT " PLACE_COLUMNS
	    " FROM place INDEXED BY place_uid WHERE folder = ? AND uid = ?");
	query_int(&q, folder);
	query_int(&q, uid);
	r = place_read_one(&q, out, err);
	if (r <= 0)
		return r;
	return as_asked(ix, out->folder == folder && out->uid == uid, out, err);
}

int
index_place_by_unique(struct index *ix, int64_t folder, const char *unique,
    struct place *out, struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_PLACE_UNIQUE, "SELECT " PLACE_COLUMNS
	    " FROM place INDEXED BY place_unique"
	    " WHERE folder = ? AND unique_part = ?");
	query_int(&q, folder);
	query_text(&q, unique);
	r = place_read_one(&q, out, err);
	if (r <= 0)
		return r;
	return as_asked(ix, out->folder == folder && out->unique != NULL &&
	    strcmp(out->unique, unique) == 0, out, err);
}

int
index_likely(struct index *ix, const struct index_unproven *of,
    struct index_probe *out, struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_LIKELY, "SELECT uid, size, has_date, date,"
	    " content FROM place INDEXED BY place_likely WHERE folder = ?1"
	    " AND likely AND uid < ?3 AND base AND local AND remote"
	    " ORDER BY uid DESC LIMIT ?2");
	query_int(&q, of->folder);
	query_int(&q, of->max);
	query_int(&q, of->below);
	return read_newest(&q, out, of->max, err);
}

/* AUTOINCREMENT keeps count of it. */
int
index_newest_place(struct index *ix, int64_t *id_out, struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_PLACE_SEQ,
	    "SELECT seq FROM sqlite_sequence WHERE name = 'place'");
	r = query_step(&q, err);
	*id_out = r > 0 ? query_get_int(&q, 0) : 0;
	query_end(&q);
	return r < 0 ? -1 : 0;
}

/* Ids are given here and not by SQLite, because the checksum covers them. */
static int
next_place(struct index *ix, int64_t *id_out, struct err *err)
{
	int64_t newest;

	if (ix->next_place == 0) {
		if (index_newest_place(ix, &newest, err) < 0)
			return -1;
		ix->next_place = newest + 1;
	}
	*id_out = ix->next_place++;
	return 0;
}

static void
bind_flags(struct query *q, const struct state *s)
{
	query_int(q, s->flags);
	query_text(q, s->keywords);
}

/* Parameters 1 to 34, as all statements number them. */
static void
bind_place(struct query *q, const struct place *p)
{
	query_int(q, p->id);
	query_int(q, p->folder);
	query_id(q, p->uid);
	query_text(q, p->unique);
	query_text(q, p->file);
	query_int(q, p->in_new);
	query_int(q, p->missing);
	query_int(q, p->base_local.present);
	bind_flags(q, &p->base_local);
	bind_flags(q, &p->base_remote);
	query_int(q, p->local.present);
	bind_flags(q, &p->local);
	query_int(q, p->remote.present);
	bind_flags(q, &p->remote);
	query_id(q, p->content);
	query_int(q, p->size);
	query_int(q, p->date);
	query_int(q, p->fetched);
	query_int(q, (int64_t)p->hint.inode);
	query_int(q, p->hint.size);
	query_int(q, p->hint.mtime);
	query_int(q, p->has_date);
	query_int(q, p->likely);
	query_int(q, p->unconfirmed);
	query_int(q, p->expected.present);
	bind_flags(q, &p->expected);
	query_int(q, p->lineage);
	query_int(q, (int64_t)place_sum(p));
	query_int(q, (int64_t)place_seen(p));
}

static int
place_insert(struct index *ix, const struct place *p, struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_PLACE_INSERT,
	    "INSERT INTO place (" PLACE_COLUMNS ", seen)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
	    " ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26,"
	    " ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34)");
	bind_place(&q, p);
	if (query_run(&q, err) < 0)
		return -1;
	if (p->remote.present)
		tally_add(ix, p->folder);
	return 0;
}

#define SET_FLAGS \
	"UPDATE place SET file = ?5, in_new = ?6," \
	" base_local_flags = ?9, base_local_keywords = ?10," \
	" base_remote_flags = ?11, base_remote_keywords = ?12," \
	" local_flags = ?14, local_keywords = ?15," \
	" remote_flags = ?17, remote_keywords = ?18," \
	" size = ?20, date = ?21, fetched = ?22, inode = ?23," \
	" file_size = ?24, mtime = ?25, has_date = ?26, likely = ?27," \
	" unconfirmed = ?28, expected = ?29, expected_flags = ?30," \
	" expected_keywords = ?31, sum = ?33"
#define SET_STATES SET_FLAGS \
	", seen = ?34, missing = ?7, base = ?8, local = ?13, remote = ?16"
#define SAME_UID	" WHERE id = ?1 AND folder = ?2 AND uid IS ?3"
#define SAME_PLACE	SAME_UID " AND unique_part IS ?4 AND content IS ?19" \
	" AND lineage = ?32"
#define SAME_STATES	SAME_PLACE " AND missing = ?7 AND base = ?8" \
	" AND local = ?13 AND remote = ?16"

/*
 * SQLite rewrites the trees of all columns that a statement names. What changes
 * day by day is flags, with them the name of the file; then where a message is;
 * then what a known UID holds, when it was pulled: they have statements that
 * leave the rest alone, and hit only when that is as it was.
 */
enum update { UPDATE_FLAGS, UPDATE_NAME, UPDATE_STATES, UPDATE_HELD, UPDATE_ALL,
    UPDATES };
static const struct {
	enum slot slot;
	const char *sql;
} updates[UPDATES] = {
	[UPDATE_FLAGS] = { SLOT_PLACE_FLAGS,
	    SET_FLAGS SAME_STATES " AND seen = ?34" },
	[UPDATE_NAME] = { SLOT_PLACE_NAME,
	    SET_FLAGS ", seen = ?34" SAME_STATES },
	[UPDATE_STATES] = { SLOT_PLACE_STATES, SET_STATES SAME_PLACE },
	[UPDATE_HELD] = { SLOT_PLACE_HELD,
	    SET_STATES ", unique_part = ?4, content = ?19, lineage = ?32"
	    SAME_UID },
	[UPDATE_ALL] = { SLOT_PLACE_UPDATE, SET_STATES
	    ", folder = ?2, uid = ?3, unique_part = ?4, content = ?19,"
	    " lineage = ?32 WHERE id = ?1" },
};

/* The first statement that may hit, as far as is known of the row. */
static enum update
first_update(const struct place *p)
{
	const struct place_row *was = &p->row;

	if (!was->known)
		return UPDATE_STATES;
	if (was->content != p->content || was->lineage != p->lineage ||
	    was->named != (p->unique != NULL))
		return UPDATE_HELD;
	if (was->missing != p->missing ||
	    was->base != p->base_local.present ||
	    was->local != p->local.present || was->remote != p->remote.present)
		return UPDATE_STATES;
	return was->seen != place_seen(p) ? UPDATE_NAME : UPDATE_FLAGS;
}

static int
place_update(struct index *ix, const struct place *p, struct err *err)
{
	struct query q;

	for (enum update i = first_update(p); i < UPDATES; i++) {
		query_init(&q, ix, updates[i].slot, updates[i].sql);
		bind_place(&q, p);
		if (query_run(&q, err) < 0)
			return -1;
		if (sqlite3_changes(ix->db) > 0)
			return 0;
	}
	return err_set(err, ERR_IO, "index %s: there is no place %lld",
	    ix->path, (long long)p->id);
}

int
index_place_put(struct index *ix, struct place *p, struct err *err)
{
	const bool new = p->id == 0;

	assert(p->base_local.present == p->base_remote.present);
	if (index_may_write(ix, err) < 0)
		return -1;
	if (new && next_place(ix, &p->id, err) < 0)
		return -1;
	if ((new ? place_insert(ix, p, err) : place_update(ix, p, err)) == 0) {
		place_stored(p);
		return 0;
	}
	if (new)
		p->id = 0;
	return -1;
}

int
index_place_drop(struct index *ix, int64_t id, struct err *err)
{
	struct query q;

	if (index_may_write(ix, err) < 0)
		return -1;
	query_init(&q, ix, SLOT_PLACE_DROP, "DELETE FROM place WHERE id = ?");
	query_int(&q, id);
	return query_run(&q, err);
}

/* ?1 after, ?2 max, ?3 folder. The first half is for one folder. */
#define STREAM(tree, where) "SELECT " PLACE_COLUMNS " FROM place " tree \
	" WHERE id > ?1 AND " where " ORDER BY id LIMIT ?2"
/* As the tree has it. */
#define OWED	"base AND (base_local_flags <> base_remote_flags" \
	" OR base_local_keywords <> base_remote_keywords)"
static const char *const streams[] = {
	[PLACES_ALL] = STREAM("INDEXED BY place_state", "folder = ?3"),
	[PLACES_DIRTY] = STREAM("INDEXED BY place_dirty",
	    "folder = ?3 AND dirty"),
	[PLACES_LOCAL] = STREAM("INDEXED BY place_state",
	    "folder = ?3 AND local"),
	[PLACES_REMOTE] = STREAM("INDEXED BY place_state",
	    "folder = ?3 AND remote"),
	[PLACES_UNPAIRED_LOCAL] = STREAM("INDEXED BY place_dirty",
	    "folder = ?3 AND dirty AND local AND NOT base AND NOT remote"),
	[PLACES_MISSING] = STREAM("INDEXED BY place_missing",
	    "folder = ?3 AND missing AND local"),
	[PLACES_OWED] = STREAM("INDEXED BY place_owed",
	    "folder = ?3 AND " OWED),
};
static const char *const streams_account[] = {
	[PLACES_ALL] = STREAM("", "true"),
	[PLACES_DIRTY] = STREAM("INDEXED BY place_dirty_all", "dirty"),
	[PLACES_LOCAL] = STREAM("", "local"),
	[PLACES_REMOTE] = STREAM("", "remote"),
	[PLACES_UNPAIRED_LOCAL] = STREAM("INDEXED BY place_dirty_all",
	    "dirty AND local AND NOT base AND NOT remote"),
	[PLACES_MISSING] = STREAM("INDEXED BY place_missing",
	    "missing AND local"),
	[PLACES_OWED] = STREAM("", OWED),
};

/* What a row of the stream must be, judged by the row and not by a tree. */
static bool
belongs(const struct place *p, const struct index_place_stream *from,
    int64_t after)
{
	if (p->id <= after || (from->folder != 0 && p->folder != from->folder))
		return false;
	switch (from->which) {
	case PLACES_LOCAL:
		return p->local.present;
	case PLACES_REMOTE:
		return p->remote.present;
	case PLACES_UNPAIRED_LOCAL:
		return p->local.present && !p->base_local.present &&
		    !p->remote.present;
	case PLACES_MISSING:
		return p->local.present && p->missing;
	case PLACES_OWED:
		return p->base_local.present;
	case PLACES_ALL:
	case PLACES_DIRTY:
		break;
	}
	return true;
}

static int
read_stream(struct query *q, struct index_place_stream *from,
    struct place *out, int max, struct err *err)
{
	int64_t after = from->after;
	int r, n = 0;

	while ((r = query_step(q, err)) > 0 && n < max) {
		if (place_read(q, &out[n], err) < 0) {
			r = -1;
			break;
		}
		n++;
		if (!belongs(&out[n - 1], from, after)) {
			r = index_damage(q->ix, "a tree leads to the wrong row",
			    err);
			break;
		}
		after = out[n - 1].id;
	}
	if (r >= 0) {
		from->after = after;
		return n;
	}
	while (n > 0)
		place_release(&out[--n]);
	return -1;
}

int
index_places(struct index *ix, struct index_place_stream *from,
    struct place *out, int max, struct err *err)
{
	enum index_which which = from->which;
	struct query q;
	int n;

	if (from->folder != 0)
		query_init(&q, ix, SLOT_PLACES_FOLDER + which, streams[which]);
	else
		query_init(&q, ix, SLOT_PLACES_ACCOUNT + which,
		    streams_account[which]);
	query_int(&q, from->after);
	query_int(&q, max);
	if (from->folder != 0)
		query_int(&q, from->folder);
	n = read_stream(&q, from, out, max, err);
	query_end(&q);
	return n;
}

int
index_each(struct index *ix, enum index_which which, int64_t folder,
    const struct index_visit *visit, struct err *err)
{
	struct place page[64];
	const int max = sizeof(page) / sizeof(page[0]);
	struct index_place_stream rows = { .which = which, .folder = folder };
	int i, n, rc = 0;

	do {
		n = index_places(ix, &rows, page, max, err);
		for (i = 0; i < n; i++) {
			if (rc == 0)
				rc = visit->row(visit->arg, &page[i], err);
			place_release(&page[i]);
		}
	} while (rc == 0 && n == max);
	return n == -1 ? -1 : rc;
}

int
index_has(struct index *ix, enum index_which which, int64_t folder, bool *out,
    struct err *err)
{
	struct index_place_stream rows = { .which = which, .folder = folder };
	struct place row;
	int n = index_places(ix, &rows, &row, 1, err);

	if (n == 1)
		place_release(&row);
	*out = n == 1;
	return n == -1 ? -1 : 0;
}

int
index_owes_flag(struct index *ix, int64_t folder, unsigned flags, bool *out,
    struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_PLACE_OWES, "SELECT 1 FROM place"
	    " INDEXED BY place_owed WHERE folder = ?1 AND " OWED
	    " AND (base_local_flags & ?2) <> (base_remote_flags & ?2) LIMIT 1");
	query_int(&q, folder);
	query_int(&q, flags);
	return query_any(&q, out, err);
}

int
index_on_disk(struct index *ix, int64_t folder,
    void (*each)(void *arg, int64_t id, uint64_t sum), void *arg,
    struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_PLACE_DISK, "SELECT id, seen FROM place"
	    " INDEXED BY place_disk WHERE folder = ? AND local ORDER BY id");
	query_int(&q, folder);
	while ((r = query_step(&q, err)) > 0)
		each(arg, query_get_int(&q, 0),
		    (uint64_t)query_get_int(&q, 1));
	query_end(&q);
	return r;
}
