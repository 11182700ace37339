/* Tells a renamed folder, and what is to be done about it (plan/rename.h). */
#include "plan/rename.h"

#define WRONG_OF	5	/* one in so many: a size that was told wrong */

bool
rename_is_proven(const struct rename_likeness *l)
{
	if (l->ids)
		return l->same_id;
	return l->same_validity && l->found > 0 &&
	    l->wrong * WRONG_OF <= l->found;
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
