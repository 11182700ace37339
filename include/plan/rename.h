/*
 * Which folder of the server is which that we know, when names do not tell: a
 * raw name is gone, or stands for another mailbox now (design section 4, rule
 * 7). Pure.
 */
#ifndef PLAN_RENAME_H
#define PLAN_RENAME_H

#include <stdbool.h>
#include <stddef.h>

/* What the mailbox under another name has in common with the known one. */
struct rename_likeness {
	bool ids;		/* both are known ... */
	bool same_id;		/* ... and alike */
	bool same_validity;	/* UIDVALIDITY, as recorded */
	/* Of the newest known UIDs: those that are there, and those of them
	 * that have another size or date than recorded. */
	size_t found, wrong;
	/* UIDVALIDITY is another one: of the newest known messages, how many
	 * were looked for among its newest, and are not there. */
	bool by_content;
};
bool rename_is_proven(const struct rename_likeness *);

enum rename_op {
	RENAME_DIRECTORY,	/* the folder, and its directory with it */
	RENAME_NAME,		/* the folder; its directory is there already */
	/* It left its name, and what it holds is new under the other one. The
	 * messages are gone from here, and no merge. */
	RENAME_AWAY,
};
struct rename_place {
	bool wanted;		/* the new name is one of `folders` */
	bool free;		/* nobody is known by it */
	bool here, there;	/* the directory: of the old, the new name */
	bool begun;		/* an earlier run was about to move it */
	bool carried;		/* it lies in a directory that moves so */
	bool burdened;		/* something in it is not to move along */
};
enum rename_op rename_reconcile(const struct rename_place *);

#endif
