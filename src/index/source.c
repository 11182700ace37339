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
