/*
 * Which folder of the server is which that we know, when names do not tell: a
 * raw name is gone, or stands for another mailbox now; and which directory
 * (design section 4, rule 7). Pure.
 */
#ifndef PLAN_RENAME_H
#define PLAN_RENAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the mailbox under another name has in common with the known one. */
struct rename_likeness {
	bool ids;		/* both are known ... */
	bool same_id;		/* ... and alike */
	bool same_validity;	/* UIDVALIDITY, as recorded */
	bool own;		/* we were about to give it that name */
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
	bool begun;		/* an earlier run was about to move it, or what
				   it holds lies there */
	bool carried;		/* it lies in a directory that moves so */
	bool burdened;		/* something in it is not to move along */
};
enum rename_op rename_reconcile(const struct rename_place *);

/* Which directory is which: that of a known folder is gone, and another one is
 * new. Times are ns. */
struct rename_here {
	uint64_t known;		/* files that the folder had */
	uint64_t found;		/* of them, in the new directory */
	int64_t seen;		/* cur/ had changed, when it was last looked
				   at; 0: not known */
	int64_t changed;	/* cur/ of the new one has */
};
bool rename_here_is_proven(const struct rename_here *);

/* What the server is to do about a folder that has another name on disk. */
struct rename_there {
	bool as_it_was;		/* the mailbox, by its UIDVALIDITY */
	bool free;		/* no mailbox has the new name */
	bool inside_itself;	/* the new name is below the old */
	bool carried;		/* the one above takes it along */
	/* Something in it, which keeps its name on disk, would go along. */
	bool burdened;
	bool tried;		/* this sync was about to, lost its connection,
				   and it is not so */
};
enum rename_sent {
	RENAME_SEND,
	RENAME_CARRIED,
	RENAME_COPY,	/* not: what it holds is copied, message by message */
};
enum rename_sent rename_send(const struct rename_there *);

#endif
