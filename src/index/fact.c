/* Learned facts, a number each. */
#include "index/fact.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "internal.h"

int
index_fact_get(struct index *ix, int64_t folder, const char *name, int64_t *out,
    struct err *err)
{
	struct query q;
	int r;

	*out = 0;
	query_init(&q, ix, SLOT_FACT, "SELECT CAST(value AS INTEGER) FROM fact"
	    " WHERE folder = ? AND name = ?");
	query_int(&q, folder);
	query_text(&q, name);
	r = query_step(&q, err);
	if (r > 0)
		*out = query_get_int(&q, 0);
	query_end(&q);
	return r < 0 ? -1 : 0;
}

int
index_fact_get_fresh(struct index *ix, const char *name, int64_t seconds,
    int64_t *out, struct err *err)
{
	struct query q;
	int r;

	*out = 0;
	query_init(&q, ix, SLOT_FACT_FRESH, "SELECT CAST(value AS INTEGER)"
	    " FROM fact WHERE folder = 0 AND name = ? AND at >= ?");
	query_text(&q, name);
	query_int(&q, clock_wall() - seconds);
	r = query_step(&q, err);
	if (r > 0)
		*out = query_get_int(&q, 0);
	query_end(&q);
	return r < 0 ? -1 : 0;
}

static int
forget(struct index *ix, int64_t folder, const char *name, struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_FACT_DROP,
	    "DELETE FROM fact WHERE folder = ? AND name = ?");
	query_int(&q, folder);
	query_text(&q, name);
	return query_run(&q, err);
}

int
index_fact_set(struct index *ix, int64_t folder, const char *name,
    int64_t value, struct err *err)
{
	char text[24];
	struct query q;

	if (index_may_write(ix, err) < 0)
		return -1;
	if (value == 0)
		return forget(ix, folder, name, err);
	snprintf(text, sizeof(text), "%" PRId64, value);
	query_init(&q, ix, SLOT_FACT_SET, "INSERT INTO fact"
	    " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (folder, name)"
	    " DO UPDATE SET value = ?3, at = ?4");
	query_int(&q, folder);
	query_text(&q, name);
	query_text(&q, text);
	query_int(&q, clock_wall());
	return query_run(&q, err);
}

int
index_facts(struct index *ix, const char *prefix,
    const struct index_fact_visit *visit, struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_FACTS, "SELECT folder, substr(name,"
	    " length(?1) + 1), CAST(value AS INTEGER), at FROM fact"
	    " WHERE folder > 0 AND substr(name, 1, length(?1)) = ?1"
	    " ORDER BY folder, name");
	query_text(&q, prefix);
	while ((r = query_step(&q, err)) > 0) {
		char *name = query_get_text(&q, 1);
		const struct index_fact fact = {
			query_get_int(&q, 0), name == NULL ? "" : name,
			query_get_int(&q, 2), query_get_int(&q, 3),
		};

		r = visit->fact(visit->arg, &fact, err);
		free(name);
		if (r == -1)
			break;
	}
	query_end(&q);
	return r < 0 ? -1 : 0;
}
