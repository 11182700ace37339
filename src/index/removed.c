/* Files that are not to be there any more. */
#include "index/place.h"
#include "internal.h"

int
index_removed_put(struct index *ix, int64_t folder, const char *unique,
    struct err *err)
{
	struct query q;

	if (index_may_write(ix, err) < 0)
		return -1;
	query_init(&q, ix, SLOT_REMOVED_PUT, "INSERT OR REPLACE INTO removed"
	    " (folder, unique_part) VALUES (?, ?)");
	query_int(&q, folder);
	query_text(&q, unique);
	return query_run(&q, err);
}

int
index_removed_drop(struct index *ix, int64_t folder, const char *unique,
    struct err *err)
{
	struct query q;

	if (index_may_write(ix, err) < 0)
		return -1;
	query_init(&q, ix, SLOT_REMOVED_DROP, "DELETE FROM removed"
	    " WHERE folder = ? AND unique_part = ?");
	query_int(&q, folder);
	query_text(&q, unique);
	return query_run(&q, err);
}

int
index_removed(struct index *ix, int64_t folder,
    int (*each)(void *arg, const char *unique), void *arg, struct err *err)
{
	const unsigned char *unique;
	struct query q;
	int r;

	query_init(&q, ix, SLOT_REMOVED,
	    "SELECT unique_part FROM removed WHERE folder = ?");
	query_int(&q, folder);
	while ((r = query_step(&q, err)) > 0) {
		unique = sqlite3_column_text(q.st, 0);
		if (unique != NULL && each(arg, (const char *)unique) == -1)
			break;
	}
	query_end(&q);
	return r < 0 ? -1 : 0;
}
