/*
 * The plan of a folder: the dirty rows in order, each with its verdict. What is
 * carried out, told by a dry run or by status, counted for the guard or undone
 * is read from here. Index lane.
 */
#ifndef SYNC_CORE_PICK_H
#define SYNC_CORE_PICK_H

#include "core/run.h"
#include "index/place.h"
#include "plan/message.h"

/* How many rows one job takes through the index at most. */
#define SYNC_ROWS	500

#define FLAG_OPS	(OP_FLAG_LOCAL | OP_FLAG_REMOTE | OP_SETTLE | OP_FORGET)
#define REMOVE_OPS	(OP_REMOVE_LOCAL | OP_REMOVE_REMOTE)

struct picked {
	struct place place;
	struct verdict verdict;
	uint32_t tries;		/* of what pick->failed says */
	char *subject, *sender;	/* where the pick wants them; NULL */
};

/* Rows whose verdict has one of ops, from after on. */
struct pick {
	struct run *run;
	struct folder *folder;
	unsigned ops;
	int max;
	int64_t after;		/* moves on */
	bool end;		/* it was reached */
	/* Passes over messages of which this kind of failure is known, but for
	 * those that may be tried again. ITEM_NOTE: over none. */
	enum index_item_kind failed;
	bool late;		/* those too, that failed before; else they are
				   put off */
	uint32_t skipped;	/* up to this UID; 0: none */
	bool put_off;		/* some were, ... */
	bool suspects;		/* ... and a connection was lost at some */
	bool texts;		/* what people know the messages by, too */
	bool sends;		/* not what the server may have, unseen */
	bool unseen;		/* also what asks for what it does not show */
	bool asked, pulls;	/* is anything to be pulled? it is */
};

/* At most max of them; places and verdicts are the caller's to release. The
 * number, or -1. */
int pick_rows(struct pick *, struct picked *out, struct err *);
void picked_release(struct picked *, int n);

/* Calls row for each row of the folder that asks for one of ops, in order,
 * until it returns -1; then -1 with the error that it set. It may change that
 * row in the index, and no other; the row is released behind it. */
struct plan_visit {
	unsigned ops;
	bool texts;		/* as in a pick */
	int (*row)(void *arg, struct picked *, struct err *);
	void *arg;
	bool unseen;		/* as in pick */
};
int plan_each(struct run *, struct folder *, const struct plan_visit *,
    struct err *);

#endif
