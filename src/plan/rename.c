/* Tells a renamed folder, and what is to be done about it (plan/rename.h). */
#include "plan/rename.h"

#define WRONG_OF	5	/* one in so many: a size that was told wrong */
#define AWAY_OF		2	/* and what was removed there since */
#define OLDER_NS	(INT64_C(2) * 1000000000)	/* than clocks tell */

bool
rename_is_proven(const struct rename_likeness *l)
{
	if (l->ids)
		return l->same_id;
	if (l->own && l->same_validity)
		return true;
	if (l->found == 0 || !(l->same_validity || l->by_content))
		return false;
	return l->wrong * (l->by_content ? AWAY_OF : WRONG_OF) <= l->found;
}

/* Whoever deleted the directory did not know of the new name: the folder
 * survives there. */
enum rename_op
rename_reconcile(const struct rename_place *p)
{
	if (!p->wanted || !p->free)
		return RENAME_AWAY;
	if (p->carried || (p->begun && !p->here && p->there))
		return RENAME_NAME;
	return p->here && !p->there && !p->burdened ? RENAME_DIRECTORY :
	    RENAME_AWAY;
}

/* What last changed before the folder did comes from a backup. */
bool
rename_here_is_proven(const struct rename_here *h)
{
	return h->found > 0 && h->found * 2 > h->known &&
	    (h->seen == 0 || h->changed >= h->seen - OLDER_NS);
}

enum rename_sent
rename_send(const struct rename_there *t)
{
	if (t->carried)
		return RENAME_CARRIED;
	return t->as_it_was && t->free && !t->inside_itself && !t->burdened &&
	    !t->tried ? RENAME_SEND : RENAME_COPY;
}
