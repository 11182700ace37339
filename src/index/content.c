/* What messages hold, as digests, and the places that hold it. */
#include "index/content.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"
#include "mail/flags.h"

static int
content_find(struct index *ix, const uint8_t *digest, int64_t *id_out,
    struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_CONTENT_FIND,
	    "SELECT id FROM content INDEXED BY content_digest"
	    " WHERE substr(digest, 1, 8) = substr(?1, 1, 8) AND digest = ?1");
	query_blob(&q, digest, 32);
	r = query_step(&q, err);
	if (r > 0)
		*id_out = query_get_int(&q, 0);
	query_end(&q);
	return r;
}

int
index_content_put(struct index *ix, const struct fingerprint *fp,
    int64_t *id_out, struct err *err)
{
	struct query q;
	int r;

	if (index_may_write(ix, err) < 0)
		return -1;
	r = content_find(ix, fp->content, id_out, err);
	if (r != 0)
		return r < 0 ? -1 : 0;
	query_init(&q, ix, SLOT_CONTENT_INSERT, "INSERT INTO content"
	    " (digest, head, size, removed, has_identity, message_id)"
	    " VALUES (?, ?, ?, ?, ?, ?)");
	query_blob(&q, fp->content, sizeof(fp->content));
	query_blob(&q, fp->head, sizeof(fp->head));
	query_size(&q, fp->size);
	query_size(&q, fp->removed);
	query_int(&q, fp->has_identity);
	query_text(&q, fp->message_id);
	if (query_run(&q, err) < 0)
		return -1;
	*id_out = sqlite3_last_insert_rowid(ix->db);
	return 0;
}

static int
get_digest(struct query *q, int column, uint8_t out[32], struct err *err)
{
	const void *blob = sqlite3_column_blob(q->st, column);

	if (blob == NULL || sqlite3_column_bytes(q->st, column) != 32)
		return index_damage(q->ix, "a digest is cut", err);
	memcpy(out, blob, 32);
	return 0;
}

static int
read_content(struct query *q, struct index_content *out, struct err *err)
{
	const unsigned char *message_id;

	if (get_digest(q, 1, out->digest, err) < 0 ||
	    get_digest(q, 2, out->head, err) < 0)
		return -1;
	out->id = query_get_int(q, 0);
	out->size = (uint64_t)query_get_int(q, 3);
	out->removed = (uint64_t)query_get_int(q, 4);
	out->has_identity = query_get_int(q, 5) != 0;
	message_id = sqlite3_column_text(q->st, 6);
	snprintf(out->message_id, sizeof(out->message_id), "%s",
	    message_id == NULL ? "" : (const char *)message_id);
	return 1;
}

int
index_content_by_id(struct index *ix, int64_t id, struct index_content *out,
    struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_CONTENT_ID, "SELECT id, digest, head, size,"
	    " removed, has_identity, message_id FROM content WHERE id = ?");
	query_int(&q, id);
	r = query_step(&q, err);
	if (r > 0)
		r = read_content(&q, out, err);
	query_end(&q);
	return r;
}

#define UNPAIRED "SELECT " PLACE_COLUMNS " FROM place" \
	" INDEXED BY place_unpaired WHERE content = ?1 AND folder = ?2" \
	" AND uid IS NULL AND local AND NOT base"

int
index_unpaired_local(struct index *ix, const struct place *p,
    struct place *out, struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_UNPAIRED_FLAGS, UNPAIRED
	    " AND local_flags = ?3 ORDER BY id LIMIT 1");
	query_int(&q, p->content);
	query_int(&q, p->folder);
	query_int(&q, p->remote.flags);
	r = place_read_one(&q, out, err);
	if (r == 0) {
		query_init(&q, ix, SLOT_UNPAIRED_ANY,
		    UNPAIRED " ORDER BY local_flags, id LIMIT 1");
		query_int(&q, p->content);
		query_int(&q, p->folder);
		r = place_read_one(&q, out, err);
	}
	if (r <= 0)
		return r;
	if (out->content == p->content && out->folder == p->folder &&
	    out->uid == 0 && out->local.present && !out->base_local.present)
		return 1;
	place_release(out);
	return index_damage(ix, "a tree leads to the wrong row", err);
}

static int
is_any(struct query *q, bool *out, struct err *err)
{
	int r = query_step(q, err);

	*out = r > 0;
	query_end(q);
	return r < 0 ? -1 : 0;
}

int
index_has_unpaired(struct index *ix, int64_t folder, bool *out,
    struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_HAS_UNPAIRED, "SELECT 1 FROM place"
	    " INDEXED BY place_unpaired WHERE folder = ?1"
	    " AND content IS NOT NULL AND uid IS NULL AND local AND NOT base"
	    " LIMIT 1");
	query_int(&q, folder);
	return is_any(&q, out, err);
}

int
index_content_stays(struct index *ix, int64_t content, int64_t id, bool *out,
    struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_STAYS, "SELECT 1 FROM place"
	    " INDEXED BY place_content WHERE content = ?1 AND id <> ?2"
	    " AND (local OR remote) AND (NOT base OR (local AND remote))"
	    " LIMIT 1");
	query_int(&q, content);
	query_int(&q, id);
	return is_any(&q, out, err);
}

int
index_content_on_disk(struct index *ix, int64_t content, int64_t id,
    struct place *out, struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_ON_DISK, "SELECT " PLACE_COLUMNS " FROM place"
	    " INDEXED BY place_content WHERE content = ?1 AND id <> ?2"
	    " AND base AND local AND remote AND NOT missing AND inode <> 0"
	    " AND local_flags & ?3 = 0 LIMIT 1");
	query_int(&q, content);
	query_int(&q, id);
	query_int(&q, FLAG_DELETED);
	r = place_read_one(&q, out, err);
	if (r <= 0 || (out->content == content && out->id != id &&
	    out->file != NULL && out->local.present && out->remote.present))
		return r;
	place_release(out);
	return index_damage(ix, "a tree leads to the wrong row", err);
}

int
index_content_waits(struct index *ix, int64_t content, bool *out,
    struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_WAITS, "SELECT 1 FROM place"
	    " INDEXED BY place_content WHERE content = ?1"
	    " AND local AND NOT base AND NOT remote LIMIT 1");
	query_int(&q, content);
	return is_any(&q, out, err);
}

int
index_unpaired_sizes(struct index *ix, int64_t folder, uint64_t **out,
    size_t *n_out, struct err *err)
{
	uint64_t *all = NULL;
	size_t n = 0, cap = 0;
	struct query q;
	int r;

	query_init(&q, ix, SLOT_SIZES, "SELECT DISTINCT size FROM content"
	    " WHERE id IN (SELECT content FROM place INDEXED BY place_unpaired"
	    " WHERE folder = ? AND content IS NOT NULL AND uid IS NULL"
	    " AND local AND NOT base) ORDER BY size");
	query_int(&q, folder);
	while ((r = query_step(&q, err)) > 0)
		*VEC_ADD(all, n, cap) = (uint64_t)query_get_int(&q, 0);
	query_end(&q);
	if (r < 0) {
		free(all);
		return -1;
	}
	*out = all;
	*n_out = n;
	return 0;
}

/* Two contents are enough to know that there is not one. */
int
index_content_by_head(struct index *ix, int64_t folder,
    const struct fingerprint *fp, int64_t *content_out, struct err *err)
{
	bool identity = false;
	struct query q;
	int r, n = 0;

	query_init(&q, ix, SLOT_BY_HEAD, "SELECT id, has_identity FROM content"
	    " INDEXED BY content_head"
	    " WHERE substr(head, 1, 8) = substr(?1, 1, 8)"
	    " AND head = ?1 AND size = ?2"
	    " AND EXISTS (SELECT 1 FROM place INDEXED BY place_unpaired"
	    " WHERE place.content = content.id AND folder = ?3"
	    " AND uid IS NULL AND local AND NOT base) LIMIT 2");
	query_blob(&q, fp->head, sizeof(fp->head));
	query_size(&q, fp->size);
	query_int(&q, folder);
	while ((r = query_step(&q, err)) > 0) {
		*content_out = query_get_int(&q, 0);
		identity = query_get_int(&q, 1) != 0;
		n++;
	}
	query_end(&q);
	if (r < 0)
		return -1;
	return n == 1 && identity;
}

int
index_keywords_of_content(struct index *ix, int64_t content, char **out,
    struct err *err)
{
	struct place p;
	struct query q;
	int r;

	query_init(&q, ix, SLOT_KEYWORDS, "SELECT " PLACE_COLUMNS " FROM place"
	    " INDEXED BY place_content WHERE content = ? AND base"
	    " AND (NOT local OR missing) ORDER BY id DESC LIMIT 1");
	query_int(&q, content);
	r = place_read_one(&q, &p, err);
	if (r <= 0)
		return r;
	*out = xstrdup(p.base_local.keywords);
	r = p.content == content ? 1 :
	    index_damage(ix, "a tree leads to the wrong row", err);
	if (r < 0)
		free(*out);
	place_release(&p);
	return r;
}
