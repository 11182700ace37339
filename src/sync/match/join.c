/* Gives a message of the server the file that is its own. */
#include "match/match.h"
#include "match/twins.h"

#include <stdlib.h>

/* The file is taken at once, so that no second message gets it. */
int
join_known(struct index *ix, struct place *p, struct place *known,
    struct err *err)
{
	if (index_place_drop(ix, known->id, err) == -1)
		return -1;
	free(p->unique);
	free(p->file);
	p->unique = known->unique;
	p->file = known->file;
	p->in_new = known->in_new;
	p->missing = known->missing;
	p->hint = known->hint;
	known->unique = known->file = NULL;
	state_set(&p->local, true, known->local.flags, known->local.keywords);
	p->fetched = FETCHED_FULL;
	return index_place_put(ix, p, err);
}

int
join_local(struct index *ix, struct place *p, struct err *err)
{
	struct place known;
	int rc, found;

	found = index_unpaired_local(ix, p, &known, err);
	if (found == 0)
		return twin_join(ix, p, err);
	if (found != 1)
		return found;
	/* Where one side masks octets, the row has what the file has. */
	p->content = known.content;
	/* A file that the last look lacked is no proof that it is here. */
	rc = known.missing ? 0 : join_known(ix, p, &known, err) == -1 ? -1 : 1;
	place_release(&known);
	return rc;
}

