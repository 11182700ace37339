/*
 * Says what becomes of files that share a message of the server (mail/state.h).
 * On the index lane, before anything is removed. One goes when the message
 * goes. When only the other file was deleted, the message has this one from
 * then on, and stays.
 */
#include "match/twins.h"

#include "index/content.h"
#include "match/match.h"

/* The message's own file was deleted, and nothing else is to become of it. */
static bool
lost_its_file(const struct place *p)
{
	return p->base_local.present && !p->local.present;
}

static int
twin_goes(struct index *ix, struct place *twin, struct err *err)
{
	if (!twin->remote.present)
		return 0;
	twin->remote.present = false;
	return index_place_put(ix, twin, err);
}

static int
twin_takes_over(struct index *ix, const struct index_intent *in,
    struct place *p, struct place *twin, struct err *err)
{
	p->content = twin->content;
	return join_known(ix, p, twin, err) == -1 ? -1 :
	    index_intent_drop(ix, in->id, err);
}

/* 1: the message has that file now; 0, -1. */
static int
settle_twin(struct index *ix, const struct index_intent *in, struct err *err)
{
	struct place twin, p;
	int rc = 0, found = index_place_by_id(ix, in->place, &twin, err);

	if (found == -1)
		return -1;
	if (found == 0)
		return index_intent_drop(ix, in->id, err);
	if (!place_is_twin(&twin)) {
		place_release(&twin);
		return index_intent_drop(ix, in->id, err);
	}
	found = index_place_by_uid(ix, in->folder, in->uidnext, &p, err);
	if (found == -1)
		rc = -1;
	else if (found == 0 || !p.remote.present)
		rc = twin_goes(ix, &twin, err);
	else if (lost_its_file(&p) && twin.local.present && !twin.missing)
		rc = twin_takes_over(ix, in, &p, &twin, err) == -1 ? -1 : 1;
	if (found == 1)
		place_release(&p);
	place_release(&twin);
	return rc;
}

int
twins_settle(struct index *ix, int64_t folder, struct err *err)
{
	struct index_intent_stream from = {
		.folder = folder, .told = TOLD_TWIN,
	};
	struct index_intent in;
	int n, any = 0, rc = 0;

	while ((n = index_intents_told(ix, &from, &in, 1, err)) == 1 &&
	    rc != -1) {
		from.after = in.id;
		rc = settle_twin(ix, &in, err);
		any |= rc == 1;
	}
	return n == -1 || rc == -1 ? -1 : any;
}

int
twin_join(struct index *ix, struct place *p, struct err *err)
{
	struct index_intent in;
	struct place twin;
	int found = index_twin(ix, p->folder, p->content, &in, err), rc = 0;

	if (found == 1)
		found = index_place_by_id(ix, in.place, &twin, err);
	if (found != 1)
		return found;
	if (place_is_twin(&twin) && twin.local.present && !twin.missing)
		rc = twin_takes_over(ix, &in, p, &twin, err) == -1 ? -1 : 1;
	place_release(&twin);
	return rc;
}
