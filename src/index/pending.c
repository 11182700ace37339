/* What is under way on the server (intents), and the log of what was done, with
 * its evidence. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "index/content.h"
#include "internal.h"

/* Bits of the column answered. */
#define ANSWERED	1
#define TOLD_SHIFT	1	/* three of them */
#define TOLD_BITS	14
#define AGAIN		16
#define SHOWN		32
#define MISSED		64
#define COPY_SHIFT	8	/* and all above: a UID */

static int64_t
answer_of(const struct index_intent *in)
{
	return (in->answered ? ANSWERED : 0) | (int64_t)in->told << TOLD_SHIFT |
	    (in->again ? AGAIN : 0) | (in->shown ? SHOWN : 0) |
	    (in->missed ? MISSED : 0) | (int64_t)in->copy << COPY_SHIFT;
}

int
index_intent_put(struct index *ix, struct index_intent *in, struct err *err)
{
	struct query q;

	if (index_may_write(ix, err) < 0)
		return -1;
	query_init(&q, ix, SLOT_INTENT_INSERT, "INSERT INTO intent (id, folder,"
	    " place, uidvalidity, uidnext, content, size, begun, answered)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
	    " ON CONFLICT (id) DO UPDATE SET folder = ?2, place = ?3,"
	    " uidvalidity = ?4, uidnext = ?5, content = ?6, size = ?7,"
	    " begun = ?8, answered = ?9");
	query_id(&q, in->id);
	query_int(&q, in->folder);
	query_id(&q, in->place);
	query_int(&q, (int64_t)in->uidvalidity);
	query_int(&q, in->uidnext);
	query_id(&q, in->content);
	query_int(&q, in->size);
	query_int(&q, in->begun);
	query_int(&q, answer_of(in));
	if (query_run(&q, err) < 0)
		return -1;
	if (in->id == 0)
		in->id = sqlite3_last_insert_rowid(ix->db);
	return 0;
}

int
index_intent_drop(struct index *ix, int64_t id, struct err *err)
{
	struct query q;

	if (index_may_write(ix, err) < 0)
		return -1;
	query_init(&q, ix, SLOT_INTENT_DROP, "DELETE FROM intent WHERE id = ?");
	query_int(&q, id);
	return query_run(&q, err);
}

static void
read_intent(struct query *q, struct index_intent *in)
{
	const int64_t answer = query_get_int(q, 8);

	in->id = query_get_int(q, 0);
	in->folder = query_get_int(q, 1);
	in->place = query_get_int(q, 2);
	in->uidvalidity = (uint64_t)query_get_int(q, 3);
	in->uidnext = (uint32_t)query_get_int(q, 4);
	in->content = query_get_int(q, 5);
	in->size = (uint32_t)query_get_int(q, 6);
	in->begun = query_get_int(q, 7);
	in->answered = answer & ANSWERED;
	in->told = (enum index_told)((answer & TOLD_BITS) >> TOLD_SHIFT);
	in->again = answer & AGAIN;
	in->shown = answer & SHOWN;
	in->missed = answer & MISSED;
	in->copy = (uint32_t)(answer >> COPY_SHIFT);
}

#define INTENTS "SELECT id, folder, place, uidvalidity, uidnext, content," \
	" size, begun, answered FROM intent"

int
index_intents(struct index *ix, int64_t folder, struct index_intent **out,
    size_t *n_out, struct err *err)
{
	struct index_intent *all = NULL;
	size_t n = 0, cap = 0;
	struct query q;
	int r;

	if (folder != 0) {
		query_init(&q, ix, SLOT_INTENTS,
		    INTENTS " WHERE folder = ? ORDER BY id");
		query_int(&q, folder);
	} else {
		query_init(&q, ix, SLOT_INTENTS_ACCOUNT,
		    INTENTS " ORDER BY id");
	}
	while ((r = query_step(&q, err)) > 0)
		read_intent(&q, VEC_ADD(all, n, cap));
	query_end(&q);
	if (r < 0) {
		free(all);
		return -1;
	}
	*out = all;
	*n_out = n;
	return 0;
}

int
index_intent_of(struct index *ix, int64_t folder, int64_t place,
    struct index_intent *out, struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_INTENT_OF,
	    INTENTS " INDEXED BY intent_place WHERE place = ? AND folder = ?"
	    " ORDER BY answered DESC LIMIT 1");
	query_int(&q, place);
	query_int(&q, folder);
	r = query_step(&q, err);
	if (r > 0)
		read_intent(&q, out);
	query_end(&q);
	return r;
}

int
index_intents_told(struct index *ix, const struct index_intent_stream *from,
    struct index_intent *out, int max, struct err *err)
{
	struct query q;
	int r, n = 0;

	query_init(&q, ix, SLOT_INTENTS_TOLD, INTENTS
	    " INDEXED BY intent_folder WHERE folder = ? AND id > ?"
	    " AND (answered & 14) = ? ORDER BY id LIMIT ?");
	query_int(&q, from->folder);
	query_int(&q, from->after);
	query_int(&q, from->told << TOLD_SHIFT);
	query_int(&q, max);
	while ((r = query_step(&q, err)) > 0 && n < max)
		read_intent(&q, &out[n++]);
	query_end(&q);
	return r < 0 ? -1 : n;
}

int
index_upload_uids(struct index *ix, int64_t folder, struct uidset *out,
    struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_UPLOAD_UIDS, "SELECT place.uid FROM intent"
	    " INDEXED BY intent_folder JOIN place ON place.id = intent.place"
	    " WHERE intent.folder = ?1 AND (answered & 14) = 2"
	    " AND place.folder = ?1 AND place.uid IS NOT NULL"
	    " AND place.remote");
	query_int(&q, folder);
	while ((r = query_step(&q, err)) > 0)
		uidset_add(out, (uint32_t)query_get_int(&q, 0));
	query_end(&q);
	return r < 0 ? -1 : 0;
}

int
index_intent_shown(struct index *ix, int64_t place, struct err *err)
{
	struct query q;

	if (index_may_write(ix, err) < 0)
		return -1;
	query_init(&q, ix, SLOT_INTENT_SHOWN, "UPDATE intent"
	    " SET answered = answered + 2 WHERE place = ?"
	    " AND (answered & 14) = 2");
	query_int(&q, place);
	return query_run(&q, err);
}

int
index_uploads_told(struct index *ix, int64_t folder, uint64_t *out,
    struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_UPLOADS_TOLD, "SELECT count(*) FROM intent"
	    " INDEXED BY intent_folder WHERE folder = ?"
	    " AND (answered & 14) IN (2, 4)");
	query_int(&q, folder);
	r = query_step(&q, err);
	*out = r > 0 ? (uint64_t)query_get_int(&q, 0) : 0;
	query_end(&q);
	return r < 0 ? -1 : 0;
}

int
index_twin(struct index *ix, int64_t folder, int64_t content,
    struct index_intent *out, struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_TWIN, INTENTS " INDEXED BY intent_content"
	    " WHERE content = ? AND folder = ? AND (answered & 14) = 6"
	    " ORDER BY id LIMIT 1");
	query_int(&q, content);
	query_int(&q, folder);
	r = query_step(&q, err);
	if (r > 0)
		read_intent(&q, out);
	query_end(&q);
	return r;
}

int
index_intents_settle(struct index *ix, int64_t folder, uint64_t uidvalidity,
    uint32_t unpulled, struct err *err)
{
	struct query q;

	if (index_may_write(ix, err) < 0)
		return -1;
	query_init(&q, ix, SLOT_INTENTS_SETTLE, "DELETE FROM intent"
	    " WHERE folder = ?1 AND NOT (answered & 1 AND uidvalidity = ?2"
	    " AND EXISTS (SELECT 1 FROM place WHERE place.id = intent.place"
	    " AND (place.uid IS NULL OR (answered & 14) IN (2, 4))))"
	    " AND (?3 = 0 OR (uidvalidity = ?2 AND uidnext > ?3))"
	    " AND NOT EXISTS (SELECT 1 FROM place WHERE place.id = intent.place"
	    " AND place.folder <> intent.folder)");
	query_int(&q, folder);
	query_int(&q, (int64_t)uidvalidity);
	query_int(&q, unpulled);
	return query_run(&q, err);
}

int
index_log(struct index *ix, const struct index_log_line *line, struct err *err)
{
	struct query q;

	if (index_may_write(ix, err) < 0)
		return -1;
	query_init(&q, ix, SLOT_LOG, "INSERT INTO log"
	    " (at, what, folder, uid, unique_part, evidence, run, content,"
	    " flags, keywords, detail)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	query_int(&q, clock_wall());
	query_text(&q, line->what);
	query_text(&q, line->folder == NULL ? "" : line->folder);
	query_id(&q, line->uid);
	query_text(&q, line->unique);
	query_text(&q, line->evidence == NULL ? "" : line->evidence);
	query_int(&q, line->run);
	query_id(&q, line->content);
	query_int(&q, line->flags);
	query_text(&q, line->keywords);
	query_text(&q, line->detail);
	return query_run(&q, err);
}
