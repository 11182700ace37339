/* Where the server has a content: to be copied from there, or kept there. */
#include "internal.h"
#include "index/content.h"
#include "mail/flags.h"

int
index_sources(struct index *ix, int64_t content, struct index_source *out,
    int max, struct err *err)
{
	struct query q;
	int r, n = 0;

	query_init(&q, ix, SLOT_SOURCES, "SELECT id, folder, uid,"
	    " local AND NOT missing, base_local_flags FROM place"
	    " INDEXED BY place_content WHERE content = ?1 AND base AND remote"
	    " AND uid IS NOT NULL AND NOT unconfirmed AND NOT likely"
	    " AND CASE WHEN local AND NOT missing"
	    " THEN (remote_flags | local_flags) & ?2"
	    " ELSE remote_flags & base_remote_flags & ?2 END = 0"
	    " ORDER BY local AND NOT missing, id"
	    " LIMIT ?3");
	query_int(&q, content);
	query_int(&q, FLAG_DELETED);
	query_int(&q, max);
	while ((r = query_step(&q, err)) > 0 && n < max)
		out[n++] = (struct index_source){
			.place = query_get_int(&q, 0),
			.folder = query_get_int(&q, 1),
			.uid = (uint32_t)query_get_int(&q, 2),
			.on_disk = query_get_int(&q, 3) != 0,
			.flags = (unsigned)query_get_int(&q, 4),
		};
	query_end(&q);
	return r < 0 ? -1 : n;
}

int
index_content_filed(struct index *ix, const struct place *p, int64_t but,
    bool *out, struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_FILED, "SELECT 1 FROM place"
	    " INDEXED BY place_content WHERE content = ?1 AND id > ?2 AND base"
	    " AND local AND remote AND NOT missing AND NOT unconfirmed"
	    " AND uid IS NOT NULL AND local_flags & ?3 = 0 AND folder <> ?4"
	    " AND EXISTS (SELECT 1 FROM log INDEXED BY log_content"
	    " WHERE log.content = ?1 AND log.unique_part = place.unique_part"
	    " AND log.what IN ('copied-remote', 'moved-remote', 'pushed'))"
	    " LIMIT 1");
	query_int(&q, p->content);
	query_int(&q, p->id);
	query_int(&q, FLAG_DELETED);
	query_int(&q, but);
	return query_any(&q, out, err);
}

/* The first of the rows, if all have one content. */
static int
take_first(struct query *q, struct place *out, struct err *err)
{
	struct place kin;
	int r, n = 0;

	while ((r = query_step(q, err)) > 0 && n <= 1) {
		r = place_read(q, &kin, err);
		if (r == -1)
			break;
		if (n == 0)
			*out = kin;
		else if (kin.content != out->content)
			n = 2;
		if (n > 0)
			place_release(&kin);
		n += n == 0;
	}
	query_end(q);
	if (n > 0 && (r < 0 || n > 1))
		place_release(out);
	return r < 0 ? -1 : n == 1;
}

#define IN_SYNC \
	" AND base AND local AND NOT missing AND file IS NOT NULL" \
	" AND content IS NOT NULL AND NOT unconfirmed"

/* One that was proven before one that is likely. */
int
index_kin(struct index *ix, const struct place *p, struct place *out,
    struct err *err)
{
	struct query q;

	if (p->lineage == 0 || p->size == 0)
		return 0;
	query_init(&q, ix, SLOT_KIN, "SELECT " PLACE_COLUMNS " FROM place"
	    " INDEXED BY place_lineage WHERE lineage = ?1 AND lineage <> 0"
	    " AND id <> ?2 AND size = ?3 AND (date = ?4 OR NOT ?5"
	    " OR NOT has_date)" IN_SYNC " ORDER BY likely, id");
	query_int(&q, p->lineage);
	query_int(&q, p->id);
	query_int(&q, p->size);
	query_int(&q, p->date);
	query_int(&q, p->has_date);
	return take_first(&q, out, err);
}

/* One that the server has lost before one that it has. */
int
index_alike(struct index *ix, const struct place *p, struct place *out,
    struct err *err)
{
	struct query q;

	if (!p->has_date || p->size <= INDEX_ALIKE_OVER)
		return 0;
	query_init(&q, ix, SLOT_ALIKE, "SELECT " PLACE_COLUMNS " FROM place"
	    " INDEXED BY place_alike WHERE lineage = 0 AND size > "
	    VALUE(INDEX_ALIKE_OVER) " AND size = ?1 AND date = ?2 AND has_date"
	    " AND id <> ?3 AND NOT likely" IN_SYNC " ORDER BY remote, id");
	query_int(&q, p->size);
	query_int(&q, p->date);
	query_int(&q, p->id);
	return take_first(&q, out, err);
}
