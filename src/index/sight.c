/* Keeps sets of UIDs of messages that a server has and does not show. */
#include "index/sight.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "internal.h"

#define TEXT_MAX	(8u << 20)	/* of a set */

int
index_uids_get(struct index *ix, int64_t folder, const char *name,
    struct uidset *out, struct err *err)
{
	struct query q;
	char *text;
	int r;

	query_init(&q, ix, SLOT_UIDS, "SELECT value FROM fact"
	    " WHERE folder = ? AND name = ?");
	query_int(&q, folder);
	query_text(&q, name);
	r = query_step(&q, err);
	text = r > 0 ? query_get_text(&q, 0) : NULL;
	/* Hints all: what can't be read is not known. */
	if (text != NULL)
		(void)uidset_parse(out, span_of(text));
	free(text);
	query_end(&q);
	return r < 0 ? -1 : 0;
}

static int
forget_uids(struct index *ix, int64_t folder, const char *name,
    struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_UIDS_DROP,
	    "DELETE FROM fact WHERE folder = ? AND name = ?");
	query_int(&q, folder);
	query_text(&q, name);
	return query_run(&q, err);
}

int
index_uids_set(struct index *ix, int64_t folder, const char *name,
    const struct uidset *uids, struct err *err)
{
	size_t at = 0;
	struct query q;
	struct buf text;
	int rc;

	if (index_may_write(ix, err) < 0)
		return -1;
	if (uidset_empty(uids))
		return forget_uids(ix, folder, name, err);
	buf_init(&text, TEXT_MAX);
	if (!uidset_format(uids, &at, TEXT_MAX - 1, &text)) {
		buf_release(&text);
		return err_set(err, ERR_IO, "too many messages that the server "
		    "does not show");
	}
	query_init(&q, ix, SLOT_UIDS_SET, "INSERT INTO fact"
	    " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (folder, name)"
	    " DO UPDATE SET value = ?3, at = ?4");
	query_int(&q, folder);
	query_text(&q, name);
	query_text(&q, buf_str(&text));
	query_int(&q, clock_wall());
	rc = query_run(&q, err);
	buf_release(&text);
	return rc;
}

int
index_present(struct index *ix, const struct index_range *in,
    struct uidset *out, struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_PRESENT, "SELECT uid FROM place"
	    " INDEXED BY place_uid WHERE folder = ?1 AND uid BETWEEN ?2 AND ?3"
	    " AND remote AND (base OR local)"
	    " AND (NOT ?4 OR (has_date AND date < ?5)) ORDER BY uid");
	query_int(&q, in->folder);
	query_int(&q, in->first);
	query_int(&q, in->last);
	query_int(&q, in->dated);
	query_int(&q, in->before);
	while ((r = query_step(&q, err)) > 0)
		uidset_add(out, (uint32_t)query_get_int(&q, 0));
	query_end(&q);
	return r < 0 ? -1 : 0;
}

static int
count_range(struct index *ix, int64_t folder, struct uidrange in,
    uint64_t *out, struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_COUNT_PRESENT, "SELECT count(*) FROM place"
	    " INDEXED BY place_uid WHERE folder = ? AND uid BETWEEN ? AND ?"
	    " AND remote");
	query_int(&q, folder);
	query_int(&q, in.first);
	query_int(&q, in.last);
	r = query_step(&q, err);
	if (r > 0)
		*out += (uint64_t)query_get_int(&q, 0);
	query_end(&q);
	return r < 0 ? -1 : 0;
}

int
index_count_present(struct index *ix, int64_t folder,
    const struct uidset *uids, uint64_t *out, struct err *err)
{
	size_t i;

	*out = 0;
	for (i = 0; i < uids->n; i++)
		if (count_range(ix, folder, uids->range[i], out, err) < 0)
			return -1;
	return 0;
}

int
index_oldest_date(struct index *ix, int64_t folder, bool *known_out,
    int64_t *out, struct err *err)
{
	struct query q;
	int r;

	*known_out = false;
	query_init(&q, ix, SLOT_OLDEST, "SELECT has_date, date FROM place"
	    " INDEXED BY place_uid WHERE folder = ? AND uid IS NOT NULL"
	    " AND remote ORDER BY uid LIMIT 1");
	query_int(&q, folder);
	r = query_step(&q, err);
	if (r > 0) {
		*known_out = query_get_int(&q, 0) != 0;
		*out = query_get_int(&q, 1);
	}
	query_end(&q);
	return r < 0 ? -1 : 0;
}
