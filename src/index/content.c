/* What messages hold, as digests, and the places that hold it. */
#include "index/content.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"
#include "mail/flags.h"

/* The content with that digest, made by that form. */
static int
content_find(struct index *ix, unsigned form, const uint8_t *digest,
    int64_t *id_out, struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_CONTENT_FIND,
	    "SELECT id FROM content INDEXED BY content_digest"
	    " WHERE substr(digest, 1, 8) = substr(?1, 1, 8) AND digest = ?1"
	    " AND form = ?2");
	query_blob(&q, digest, 32);
	query_int(&q, form);
	r = query_step(&q, err);
	if (r > 0)
		*id_out = query_get_int(&q, 0);
	query_end(&q);
	return r;
}

/* Parameters 1 to 11. */
static void
bind_content(struct query *q, const struct fingerprint *fp)
{
	const bool masks = fp->has_8bit;

	query_blob(q, fp->content, sizeof(fp->content));
	query_blob(q, fp->head, sizeof(fp->head));
	query_size(q, fp->size);
	query_size(q, fp->removed);
	query_int(q, fp->has_identity);
	query_text(q, fp->message_id);
	query_int(q, FORM_NOW);
	query_blob(q, masks ? fp->masked.content : NULL, 32);
	query_blob(q, masks ? fp->masked.head : NULL, 32);
	query_text(q, fp->subject);
	query_text(q, fp->sender);
}

/* A content of an older index has none yet. */
static int
tell_subject(struct index *ix, int64_t id, const struct fingerprint *fp,
    struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_CONTENT_SUBJECT, "UPDATE content SET"
	    " subject = ?2, sender = ?3 WHERE id = ?1 AND subject IS NULL");
	query_int(&q, id);
	query_text(&q, fp->subject);
	query_text(&q, fp->sender);
	return query_run(&q, err);
}

/* Places whose messages differ in octets that the first form masked share a
 * content: the one that was read goes its own way. */
static int
is_shared(struct index *ix, int64_t id, bool *out, struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_CONTENT_SHARED, "SELECT count(*) > 1 FROM"
	    " (SELECT 1 FROM place INDEXED BY place_content"
	    " WHERE content = ? LIMIT 2)");
	query_int(&q, id);
	r = query_step(&q, err);
	*out = r > 0 && query_get_int(&q, 0) != 0;
	query_end(&q);
	return r < 0 ? -1 : 0;
}

static int
content_update(struct index *ix, int64_t id, const struct fingerprint *fp,
    struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_CONTENT_UPDATE, "UPDATE content SET"
	    " digest = ?1, head = ?2, size = ?3, removed = ?4,"
	    " has_identity = ?5, message_id = ?6, form = ?7, masked = ?8,"
	    " masked_head = ?9, subject = ?10, sender = ?11 WHERE id = ?12");
	bind_content(&q, fp);
	query_int(&q, id);
	return query_run(&q, err);
}

/* As an older version had it: 1, *id_out has our form now; 0, -1. */
static int
find_first_form(struct index *ix, const struct fingerprint *fp, int64_t *id_out,
    struct err *err)
{
	bool shared = false;
	int r = content_find(ix, FORM_FIRST, fp->first.content, id_out, err);

	if (r <= 0)
		return r;
	if (fp->has_8bit && is_shared(ix, *id_out, &shared, err) == -1)
		return -1;
	if (shared)
		return 0;
	return content_update(ix, *id_out, fp, err) == -1 ? -1 : 1;
}

int
index_content_find(struct index *ix, const struct fingerprint *fp,
    int64_t *id_out, struct err *err)
{
	int r = content_find(ix, FORM_NOW, fp->content, id_out, err);

	return r != 0 ? r : content_find(ix, FORM_FIRST, fp->first.content,
	    id_out, err);
}

int
index_content_put(struct index *ix, const struct fingerprint *fp,
    int64_t *id_out, struct err *err)
{
	struct query q;
	int r;

	if (index_may_write(ix, err) < 0)
		return -1;
	r = content_find(ix, FORM_NOW, fp->content, id_out, err);
	if (r == 0)
		r = find_first_form(ix, fp, id_out, err);
	if (r != 0)
		return r < 0 ? -1 : tell_subject(ix, *id_out, fp, err);
	query_init(&q, ix, SLOT_CONTENT_INSERT, "INSERT INTO content"
	    " (digest, head, size, removed, has_identity, message_id, form,"
	    " masked, masked_head, subject, sender)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	bind_content(&q, fp);
	if (query_run(&q, err) < 0)
		return -1;
	*id_out = sqlite3_last_insert_rowid(ix->db);
	return 0;
}

/* Where our form of it is there already, both stay: the places of one move when
 * their files are read for other reasons. */
int
index_content_renew(struct index *ix, const struct index_content *c,
    const struct fingerprint *fp, struct err *err)
{
	bool shared = false;
	int64_t other;
	int r;

	if (c->form == FORM_NOW)
		return 0;
	if (index_may_write(ix, err) < 0)
		return -1;
	r = content_find(ix, FORM_NOW, fp->content, &other, err);
	if (r == 0 && fp->has_8bit)
		r = is_shared(ix, c->id, &shared, err);
	if (r != 0 || shared)
		return r < 0 ? -1 : 0;
	return content_update(ix, c->id, fp, err);
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

static void
get_cut(struct query *q, int column, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(q->st, column);

	snprintf(out, size, "%s", text == NULL ? "" : (const char *)text);
}

static int
read_content(struct query *q, struct index_content *out, struct err *err)
{
	if (get_digest(q, 1, out->digest, err) < 0 ||
	    get_digest(q, 2, out->head, err) < 0)
		return -1;
	out->id = query_get_int(q, 0);
	out->size = (uint64_t)query_get_int(q, 3);
	out->removed = (uint64_t)query_get_int(q, 4);
	out->has_identity = query_get_int(q, 5) != 0;
	out->form = (unsigned)query_get_int(q, 7);
	get_cut(q, 6, out->message_id, sizeof(out->message_id));
	get_cut(q, 8, out->subject, sizeof(out->subject));
	get_cut(q, 9, out->sender, sizeof(out->sender));
	return 1;
}

int
index_content_by_id(struct index *ix, int64_t id, struct index_content *out,
    struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_CONTENT_ID, "SELECT id, digest, head, size,"
	    " removed, has_identity, message_id, form, subject, sender"
	    " FROM content"
	    " WHERE id = ?");
	query_int(&q, id);
	r = query_step(&q, err);
	if (r > 0)
		r = read_content(&q, out, err);
	query_end(&q);
	return r;
}

#define WAITS_IN_FOLDER	"folder = ?2 AND uid IS NULL AND local AND NOT base"
#define UNPAIRED "SELECT " PLACE_COLUMNS " FROM place" \
	" INDEXED BY place_unpaired WHERE content = ?1 AND " WAITS_IN_FOLDER

/* Of that content: 1, 0, -1. */
static int
unpaired_of(struct index *ix, const struct place *p, int64_t content,
    struct place *out, struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_UNPAIRED_FLAGS, UNPAIRED
	    " AND local_flags = ?3 ORDER BY id LIMIT 1");
	query_int(&q, content);
	query_int(&q, p->folder);
	query_int(&q, p->remote.flags);
	r = place_read_one(&q, out, err);
	if (r == 0) {
		query_init(&q, ix, SLOT_UNPAIRED_ANY,
		    UNPAIRED " ORDER BY local_flags, id LIMIT 1");
		query_int(&q, content);
		query_int(&q, p->folder);
		r = place_read_one(&q, out, err);
	}
	if (r <= 0)
		return r;
	if (out->content == content && out->folder == p->folder &&
	    out->uid == 0 && out->local.present && !out->base_local.present)
		return 1;
	place_release(out);
	return index_damage(ix, "a tree leads to the wrong row", err);
}

#define VANISHED " FROM place INDEXED BY place_content" \
	" WHERE content = ?1 AND folder = ?2 AND uid IS NULL AND base" \
	" AND NOT local AND NOT remote ORDER BY id LIMIT 1"

int
index_vanished(struct index *ix, const struct place *p, struct place *out,
    struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_VANISHED, "SELECT " PLACE_COLUMNS VANISHED);
	query_int(&q, p->content);
	query_int(&q, p->folder);
	return place_read_one(&q, out, err);
}

int
index_has_vanished(struct index *ix, int64_t folder, bool *out,
    struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_HAS_VANISHED, "SELECT 1 FROM place"
	    " INDEXED BY place_state WHERE folder = ? AND base AND NOT local"
	    " AND NOT remote LIMIT 1");
	query_int(&q, folder);
	return query_any(&q, out, err);
}

/*
 * The one content of unpaired files of folder that is this one but for header
 * octets that one of the two has masked: 1, 0, -1. Of several none is it.
 */
static int
masked_twin(struct index *ix, const struct place *p, int64_t *out,
    struct err *err)
{
	struct query q;
	int r, n = 0;

	query_init(&q, ix, SLOT_MASKED_TWIN, "SELECT DISTINCT content"
	    " FROM place INDEXED BY place_unpaired WHERE " WAITS_IN_FOLDER
	    " AND content IN (SELECT o.id FROM content c"
	    " JOIN content o INDEXED BY content_masked"
	    " ON substr(o.masked, 1, 8) = substr(c.digest, 1, 8)"
	    " AND o.masked = c.digest WHERE c.id = ?1 AND c.masked IS NULL"
	    " AND c.form = ?3 UNION SELECT o.id FROM content c"
	    " JOIN content o INDEXED BY content_digest"
	    " ON substr(o.digest, 1, 8) = substr(c.masked, 1, 8)"
	    " AND o.digest = c.masked WHERE c.id = ?1 AND o.masked IS NULL"
	    " AND o.form = ?3) LIMIT 2");
	query_int(&q, p->content);
	query_int(&q, p->folder);
	query_int(&q, FORM_NOW);
	while ((r = query_step(&q, err)) > 0) {
		*out = query_get_int(&q, 0);
		n++;
	}
	query_end(&q);
	return r < 0 ? -1 : n == 1;
}

int
index_unpaired_local(struct index *ix, const struct place *p,
    struct place *out, struct err *err)
{
	int64_t twin;
	int r = unpaired_of(ix, p, p->content, out, err);

	if (r == 0)
		r = masked_twin(ix, p, &twin, err);
	else
		return r;
	return r == 1 ? unpaired_of(ix, p, twin, out, err) : r;
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
	return query_any(&q, out, err);
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
	return query_any(&q, out, err);
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
index_content_files(struct index *ix, int64_t content, struct place *out,
    int max, struct err *err)
{
	struct query q;
	int r, n = 0;

	query_init(&q, ix, SLOT_CONTENT_FILES, "SELECT " PLACE_COLUMNS
	    " FROM place INDEXED BY place_content WHERE content = ?1 AND local"
	    " AND file IS NOT NULL ORDER BY id LIMIT ?2");
	query_int(&q, content);
	query_int(&q, max);
	while ((r = query_step(&q, err)) > 0 && n < max) {
		r = place_read(&q, &out[n], err);
		if (r < 0)
			break;
		n++;
	}
	query_end(&q);
	if (r >= 0)
		return n;
	while (n > 0)
		place_release(&out[--n]);
	return -1;
}

int
index_content_waits(struct index *ix, int64_t content, bool *out,
    struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_WAITS, "SELECT 1 FROM place"
	    " INDEXED BY place_content WHERE content = ?1"
	    " AND local AND NOT base AND NOT remote UNION ALL SELECT 1"
	    " FROM intent INDEXED BY intent_content WHERE content = ?1"
	    " AND (answered & 14) IN (2, 4) LIMIT 1");
	query_int(&q, content);
	return query_any(&q, out, err);
}

int
index_content_on_server(struct index *ix, int64_t content, int64_t folder,
    bool *out, struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_ON_SERVER, "SELECT 1 FROM place"
	    " INDEXED BY place_content WHERE content = ?1 AND folder = ?2"
	    " AND remote LIMIT 1");
	query_int(&q, content);
	query_int(&q, folder);
	return query_any(&q, out, err);
}

int
index_content_is(struct index *ix, int64_t content,
    const struct fingerprint *fp, bool *out, struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_CONTENT_IS, "SELECT 1 FROM content"
	    " WHERE id = ?1 AND ((form = ?2 AND digest = ?3)"
	    " OR (form = ?4 AND digest = ?5)"
	    " OR (form = ?2 AND masked IS NULL AND digest = ?6)"
	    " OR masked = ?7)");
	query_int(&q, content);
	query_int(&q, FORM_NOW);
	query_blob(&q, fp->content, 32);
	query_int(&q, FORM_FIRST);
	query_blob(&q, fp->first.content, 32);
	query_blob(&q, fp->has_8bit ? fp->masked.content : NULL, 32);
	query_blob(&q, fp->has_8bit ? NULL : fp->content, 32);
	return query_any(&q, out, err);
}

/* The numbers in the first column, in order. */
static int
read_sizes(struct query *q, uint64_t **out, size_t *n_out, struct err *err)
{
	uint64_t *all = NULL;
	size_t n = 0, cap = 0;
	int r;

	while ((r = query_step(q, err)) > 0)
		*VEC_ADD(all, n, cap) = (uint64_t)query_get_int(q, 0);
	query_end(q);
	if (r < 0) {
		free(all);
		return -1;
	}
	*out = all;
	*n_out = n;
	return 0;
}

int
index_unpaired_sizes(struct index *ix, int64_t folder, uint64_t **out,
    size_t *n_out, struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_SIZES, "SELECT DISTINCT size FROM content"
	    " WHERE id IN (SELECT content FROM place INDEXED BY place_unpaired"
	    " WHERE folder = ? AND content IS NOT NULL AND uid IS NULL"
	    " AND local AND NOT base) ORDER BY size");
	query_int(&q, folder);
	return read_sizes(&q, out, n_out, err);
}

int
index_unpaired_ids(struct index *ix, int64_t folder,
    void (*each)(void *arg, int64_t content, const char *message_id),
    void *arg, struct err *err)
{
	struct query q;
	char *id;
	int r;

	query_init(&q, ix, SLOT_UNPAIRED_IDS, "SELECT content.id, message_id"
	    " FROM place INDEXED BY place_unpaired"
	    " JOIN content ON content.id = place.content WHERE folder = ?"
	    " AND content IS NOT NULL AND uid IS NULL AND local AND NOT base"
	    " AND message_id <> ''");
	query_int(&q, folder);
	while ((r = query_step(&q, err)) > 0) {
		id = query_get_text(&q, 1);
		each(arg, query_get_int(&q, 0), id);
		free(id);
	}
	query_end(&q);
	return r < 0 ? -1 : 0;
}

#define UNLOOKED(size, side) "SELECT " size " FROM place" \
	" INDEXED BY place_dirty WHERE folder = ?1 AND id > ?2 AND dirty" \
	" AND NOT base AND content IS NULL AND " side " ORDER BY 1"

int
index_unlooked(struct index *ix, const struct index_unlooked *of,
    uint64_t **out, size_t *n_out, struct err *err)
{
	struct query q;

	if (of->side == INDEX_LOCAL)
		query_init(&q, ix, SLOT_UNLOOKED_LOCAL, UNLOOKED("CASE inode"
		    " WHEN 0 THEN 0 ELSE file_size END",
		    "local AND NOT remote"));
	else
		query_init(&q, ix, SLOT_UNLOOKED_REMOTE, UNLOOKED("size",
		    "remote AND NOT local AND NOT EXISTS (SELECT 1 FROM intent"
		    " WHERE intent.folder = place.folder"
		    " AND intent.size = place.size"
		    " AND intent.uidnext <= place.uid)"));
	query_int(&q, of->folder);
	query_int(&q, of->after);
	return read_sizes(&q, out, n_out, err);
}

#define BY_HEAD(head) "SELECT id FROM content INDEXED BY content_head" \
	" WHERE substr(head, 1, 8) = substr(" head ", 1, 8) AND head = " head

/* As it is; as an older version had it; and where one of the two has its 8-bit
 * octets masked. Two contents are enough to know that there is not one. */
int
index_content_by_head(struct index *ix, int64_t folder,
    const struct fingerprint *fp, int64_t *content_out, struct err *err)
{
	bool has_id = false;
	struct query q;
	int r, n = 0;

	query_init(&q, ix, SLOT_BY_HEAD, "SELECT id, message_id <> ''"
	    " FROM content WHERE id IN ("
	    BY_HEAD("?1") " AND size = ?2 AND form = ?8 UNION "
	    BY_HEAD("?4") " AND size = ?5 AND form = ?9 UNION "
	    BY_HEAD("?6") " AND size = ?2 AND form = ?8 AND masked IS NULL"
	    " UNION SELECT id FROM content INDEXED BY content_masked_head"
	    " WHERE masked IS NOT NULL AND size = ?2"
	    " AND substr(masked_head, 1, 8) = substr(?7, 1, 8)"
	    " AND masked_head = ?7)"
	    " AND EXISTS (SELECT 1 FROM place INDEXED BY place_unpaired"
	    " WHERE place.content = content.id AND folder = ?3"
	    " AND uid IS NULL AND local AND NOT base) LIMIT 2");
	query_blob(&q, fp->head, 32);
	query_size(&q, fp->size);
	query_int(&q, folder);
	query_blob(&q, fp->first.head, 32);
	query_size(&q, fp->first_size);
	query_blob(&q, fp->has_8bit ? fp->masked.head : NULL, 32);
	query_blob(&q, fp->has_8bit ? NULL : fp->head, 32);
	query_int(&q, FORM_NOW);
	query_int(&q, FORM_FIRST);
	while ((r = query_step(&q, err)) > 0) {
		*content_out = query_get_int(&q, 0);
		has_id = query_get_int(&q, 1) != 0;
		n++;
	}
	query_end(&q);
	if (r < 0)
		return -1;
	return n == 1 && has_id;
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
