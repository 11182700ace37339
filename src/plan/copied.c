/* Finds the rows that show copies (plan/copied.h). */
#include "plan/copied.h"

static bool
shows(const struct copied_row *r, const struct copied_source *s,
    bool sizes_tell)
{
	if (!sizes_tell || r->size == 0 || s->size == 0)
		return s->told == 0 || r->uid == s->told;
	return r->size == s->size;
}

static void
take(struct copied_row *r, struct copied_source *s)
{
	r->taken = true;
	s->uid = r->uid;
}

/* By the UID that was told, or by any. */
static void
find_one(struct copied_row *row, size_t n, struct copied_source *s,
    bool sizes_tell, bool told)
{
	size_t i;

	for (i = 0; i < n && s->uid == 0; i++)
		if (!row[i].taken && row[i].uid >= s->first &&
		    (!told || row[i].uid == s->told) &&
		    shows(&row[i], s, sizes_tell))
			take(&row[i], s);
}

/* What is left and may be it, although it does not look so. */
static bool
may_be_any(const struct copied_row *row, size_t n,
    const struct copied_source *s)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!row[i].taken && row[i].uid >= s->first &&
		    (s->told == 0 || row[i].uid == s->told))
			return true;
	return false;
}

void
copied_find(struct copied_row *row, size_t n_row, struct copied_source *source,
    size_t n_source, bool sizes_tell)
{
	size_t i;
	int pass;

	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < n_source; i++)
			if (source[i].sought && source[i].uid == 0 &&
			    (pass == 1 || source[i].told != 0))
				find_one(row, n_row, &source[i], sizes_tell,
				    pass == 0);
	for (i = 0; i < n_source; i++)
		source[i].doubtful = source[i].sought && source[i].uid == 0 &&
		    may_be_any(row, n_row, &source[i]);
}
