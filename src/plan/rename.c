/* Tells a renamed folder, and what is to be done about it (plan/rename.h). */
#include "plan/rename.h"

#define WRONG_OF	5	/* one in so many: a size that was told wrong */
#define AWAY_OF		2	/* and what was removed there since */

bool
rename_is_proven(const struct rename_likeness *l)
{
	if (l->ids)
		return l->same_id;
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
