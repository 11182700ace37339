/* Gives a message of the server the file that is its own. */
#include "match/match.h"

#include <stdlib.h>

#include "index/content.h"
#include "mail/flags.h"
#include "match/twins.h"
#include "observe/draft.h"

/*
 * What we uploaded nobody had before: where its flags differ, neither side has
 * taken any away, but for what is known of the source of a copy. The server did
 * not say its UID, or its answer was lost.
 */
static int
agree_on_upload(struct index *ix, struct place *p, const struct place *file,
    struct err *err)
{
	struct index_intent in;
	int found;

	if (p->base_local.present)
		return 0;
	found = index_intent_of(ix, p->folder, file->id, &in, err);
	if (found == 1 && p->uid >= in.uidnext) {
		p->base_local.present = p->base_remote.present = true;
		/* It has what it was about. */
		return index_intent_drop(ix, in.id, err);
	}
	return found;
}

/* Under its name, should it come back. */
static void
take_file(struct place *p, struct place *known)
{
	free(p->unique);
	free(p->file);
	p->unique = known->unique;
	p->file = known->file;
	p->in_new = known->in_new;
	p->hint = known->hint;
	known->unique = known->file = NULL;
}

static void
keep_absent(struct state *s, const struct state *known)
{
	char *words = keywords_union(s->keywords, known->keywords);

	state_set(s, false, s->flags | known->flags, words);
	free(words);
}

/* What was taken away before the two were parted, or moved, stays away. */
static void
keep_taken_away(struct place *p, const struct place *known)
{
	keep_absent(&p->base_local, &known->base_local);
	keep_absent(&p->base_remote, &known->base_remote);
}

/* The file is taken at once, so that no second message gets it. */
int
join_known(struct index *ix, struct place *p, struct place *known,
    struct err *err)
{
	if (!p->base_local.present)
		keep_taken_away(p, known);
	if (agree_on_upload(ix, p, known, err) == -1 ||
	    draft_joined(ix, known, p, err) == -1 ||
	    index_place_drop(ix, known->id, err) == -1)
		return -1;
	take_file(p, known);
	p->missing = known->missing;
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

/* It is agreed on again, and so its deletion is one. */
int
join_vanished(struct index *ix, struct place *p, struct err *err)
{
	struct place lost;
	int rc, found = index_vanished(ix, p, &lost, err);

	if (found != 1)
		return found;
	state_set(&p->base_local, true, lost.base_local.flags,
	    lost.base_local.keywords);
	state_set(&p->base_remote, true, lost.base_remote.flags,
	    lost.base_remote.keywords);
	take_file(p, &lost);
	rc = index_place_drop(ix, lost.id, err) == -1 ||
	    index_place_put(ix, p, err) == -1 ? -1 : 1;
	place_release(&lost);
	return rc;
}
