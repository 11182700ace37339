/* Decides what is to be done about one folder (plan/folder.h). */
#include "plan/folder.h"

#define BY_HAND		3	/* folders that are deleted in one go */

enum folder_op
folder_reconcile(const struct folder_facts *f)
{
	if (f->local && f->remote)
		return f->base ? FOLDER_NONE : FOLDER_SETTLE;
	if (!f->local && !f->remote)
		return FOLDER_FORGET;
	if (!f->base || f->inbox || f->unseen)
		return f->local ? FOLDER_MAKE_REMOTE : FOLDER_MAKE_LOCAL;
	return f->local ? FOLDER_REMOVE_LOCAL : FOLDER_REMOVE_REMOTE;
}

/* A tree that is deleted is one loss, however many folders it has. */
bool
folder_losses_are_many(const struct folder_losses *l)
{
	return l->apart > 1 && (l->gone == l->known ||
	    (l->apart > BY_HAND && l->gone > l->known / 3));
}

/* A clock that was set back begins anew. */
enum folder_absence
folder_absence(const struct folder_lack *l)
{
	if (l->answered)
		return FOLDER_THERE;
	if (l->nonexistent || !l->known || (l->in_words && !l->with_many))
		return FOLDER_GONE;
	return !l->costly && l->since > 0 &&
	    l->now - l->since >= FOLDER_ABSENT_S ?
	    FOLDER_GONE : FOLDER_NOT_SURE;
}
