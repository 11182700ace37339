/* Decides what a server's word of an upload is worth (plan/upload.h). */
#include "plan/upload.h"

enum upload_uid
upload_uid(const struct upload_told *t)
{
	if (!t->known)
		return t->below ? UPLOAD_UID_NONE : UPLOAD_UID_OWN;
	return t->there && t->paired && t->alike ? UPLOAD_UID_TWIN :
	    UPLOAD_UID_NONE;
}

/*
 * Whoever alters a header leaves Message-ID or Date. Both are another message's
 * now and then: but not under the very size that was sent.
 */
enum upload_is
upload_is(const struct upload_shown *s)
{
	bool other_id = s->id_known && !s->id_same;

	if (s->head_same)
		return s->size_same || !s->size_told ? UPLOAD_SAME :
		    UPLOAD_REWRITTEN;
	if (s->head_of_another || (other_id && s->size_same))
		return UPLOAD_ANOTHER;
	return (s->id_known && s->id_same) || (s->date_known && s->date_same) ?
	    UPLOAD_REWRITTEN : UPLOAD_ANOTHER;
}

enum upload_lacking
upload_lacking(uint32_t uid, uint32_t uidnext, bool sent_again)
{
	if (uidnext > uid)
		return UPLOAD_WAITS;
	return sent_again ? UPLOAD_GIVEN_UP : UPLOAD_AGAIN;
}
