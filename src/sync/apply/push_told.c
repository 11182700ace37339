/*
 * Records what the server told of an upload: OK, and perhaps a UID. Neither is
 * a fact before a row of the message came (match/uploaded.c).
 */
#include <string.h>

#include "apply/push.h"
#include "core/lacking.h"
#include "index/content.h"
#include "plan/upload.h"

/* The same content, or the same Message-ID: some servers go by that. 1, 0, -1.
 * */
static int
are_alike(struct index *ix, int64_t a, int64_t b, struct err *err)
{
	struct index_content one, other;
	int found;

	if (a == b)
		return 1;
	found = index_content_by_id(ix, a, &one, err);
	if (found == 1)
		found = index_content_by_id(ix, b, &other, err);
	return found != 1 ? found : one.message_id[0] != '\0' &&
	    strcmp(one.message_id, other.message_id) == 0;
}

static int
look_up(struct push *p, const struct pushed *m, struct upload_told *out,
    struct err *err)
{
	struct index *ix = p->pass.run->ix;
	const struct place *place = &m->row.place;
	struct place known;
	int alike = 0, found;

	*out = (struct upload_told){
		.below = m->uid < p->pass.folder->row.uidnext,
	};
	found = index_place_by_uid(ix, place->folder, m->uid, &known, err);
	if (found != 1)
		return found;
	if (known.content != 0)
		alike = are_alike(ix, known.content, place->content, err);
	out->known = true;
	out->there = known.remote.present;
	out->paired = known.local.present && known.id != place->id;
	out->alike = alike == 1;
	place_release(&known);
	return alike == -1 ? -1 : 0;
}

/*
 * Nobody had it before, so what the two sides have is ours: also a mark of
 * deletion that the server took no message with.
 */
static void
agree_from_nothing(const struct push *p, struct place *place)
{
	struct ability can;

	state_set(&place->base_local, true, 0, "");
	state_set(&place->base_remote, true, 0, "");
	folder_ability(p->pass.folder, &can);
	reconcile_agree(place, &can);
}

/* Size and date as the server keeps them come with the row. */
static int
record_own(struct push *p, struct pushed *m, struct err *err)
{
	struct place *place = &m->row.place;

	place->uid = m->uid;
	place->size = 0;
	place->has_date = false;
	place->lineage = 0;
	place->date = 0;
	place->fetched = FETCHED_FULL;
	place->unconfirmed = true;
	state_set(&place->remote, true, m->row.verdict.remote_flags,
	    m->row.verdict.remote_keywords);
	state_set(&place->expected, true, place->remote.flags,
	    place->remote.keywords);
	agree_from_nothing(p, place);
	p->pass.folder->uploads++;
	m->intent.told = TOLD_UID;
	return lacking_tell(p->pass.run, p->pass.folder, place, err) == -1 ?
	    -1 : index_place_put(p->pass.run->ix, place, err);
}

static int
record_twin(struct push *p, struct pushed *m, struct err *err)
{
	struct place *place = &m->row.place;

	place->fetched = FETCHED_FULL;
	place->unconfirmed = true;
	state_set(&place->remote, true, place->local.flags,
	    place->local.keywords);
	agree_from_nothing(p, place);
	p->twins++;
	m->intent.told = TOLD_TWIN;
	m->intent.uidnext = m->uid;
	return index_place_put(p->pass.run->ix, place, err);
}

int
push_record_told(struct push *p, struct pushed *m, struct err *err)
{
	struct upload_told told;
	int rc = 0;

	m->intent.answered = true;
	if (m->uid != 0) {
		rc = look_up(p, m, &told, err);
		if (rc == 0 && upload_uid(&told) == UPLOAD_UID_OWN)
			rc = record_own(p, m, err);
		else if (rc == 0 && upload_uid(&told) == UPLOAD_UID_TWIN)
			rc = record_twin(p, m, err);
	}
	return rc == -1 ? -1 : index_intent_put(p->pass.run->ix, &m->intent,
	    err);
}
