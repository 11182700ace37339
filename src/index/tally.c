/*
 * How many places of each folder are on the server. Triggers (schema.c) keep
 * the number where a row changes or goes; a row that comes would pay for its
 * trigger as much as for itself, so those are added up here until the
 * transaction ends or somebody asks.
 */
#include "internal.h"

#include <stdlib.h>

#include "base/mem.h"
#include "index/folder.h"

struct tally {
	int64_t folder;
	int64_t remote;
};

void
tally_add(struct index *ix, int64_t folder)
{
	size_t i;

	/* Rows come folder by folder: the last one first. */
	for (i = ix->n_tally; i > 0; i--)
		if (ix->tally[i - 1].folder == folder) {
			ix->tally[i - 1].remote++;
			return;
		}
	*VEC_ADD(ix->tally, ix->n_tally, ix->cap_tally) =
	    (struct tally){ folder, 1 };
}

int
tally_flush(struct index *ix, struct err *err)
{
	struct query q;

	while (ix->n_tally > 0) {
		const struct tally *t = &ix->tally[ix->n_tally - 1];

		query_init(&q, ix, SLOT_TALLY_ADD, "UPDATE tally"
		    " SET remote = remote + ?2 WHERE folder = ?1");
		query_int(&q, t->folder);
		query_int(&q, t->remote);
		if (query_run(&q, err) < 0)
			return -1;
		ix->n_tally--;
	}
	return 0;
}

void
tally_clear(struct index *ix)
{
	free(ix->tally);
	ix->tally = NULL;
	ix->n_tally = ix->cap_tally = 0;
}

/*
 * Of what was appended, and of twins, no row has shown that they are there:
 * they are not in the sum. Each has an intent.
 */
static int
less_unconfirmed(struct index *ix, int64_t folder, uint64_t *sum,
    struct err *err)
{
	struct query q;
	uint64_t less = 0;
	int r;

	query_init(&q, ix, SLOT_UNCONFIRMED, "SELECT count(DISTINCT place.id)"
	    " FROM intent INDEXED BY intent_folder"
	    " JOIN place ON place.id = intent.place WHERE intent.folder = ?1"
	    " AND place.folder = ?1 AND place.unconfirmed AND place.remote");
	query_int(&q, folder);
	r = query_step(&q, err);
	if (r > 0)
		less = (uint64_t)query_get_int(&q, 0);
	query_end(&q);
	*sum -= less < *sum ? less : *sum;
	return r < 0 ? -1 : 0;
}

int
index_tally(struct index *ix, int64_t folder, uint64_t *out, struct err *err)
{
	struct query q;
	int r;

	*out = 0;
	if (tally_flush(ix, err) < 0)
		return -1;
	query_init(&q, ix, SLOT_TALLY,
	    "SELECT remote FROM tally WHERE folder = ?");
	query_int(&q, folder);
	r = query_step(&q, err);
	if (r > 0)
		*out = (uint64_t)query_get_int(&q, 0);
	query_end(&q);
	return r < 0 ? -1 : less_unconfirmed(ix, folder, out, err);
}

int
index_recount(struct index *ix, int64_t folder, uint64_t *out, struct err *err)
{
	struct index_counts counts;
	struct query q;

	if (index_may_write(ix, err) < 0 || tally_flush(ix, err) < 0 ||
	    index_counts(ix, folder, &counts, err) < 0)
		return -1;
	*out = counts.remote;
	query_init(&q, ix, SLOT_TALLY_SET, "UPDATE tally SET remote = ?2"
	    " WHERE folder = ?1 AND remote <> ?2");
	query_int(&q, folder);
	query_size(&q, counts.remote);
	return query_run(&q, err) < 0 ? -1 :
	    less_unconfirmed(ix, folder, out, err);
}
