/*
 * What it means that a connection was lost: it was closed, fell silent, or
 * broke the protocol. Pure.
 */
#ifndef PLAN_LOSS_H
#define PLAN_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* It is of the connection, not of what is done with it. */
bool loss_is_of_connection(const struct err *);

/*
 * A sync has lost its connection. Another one is worth it as long as the last
 * ones brought it on, or told what it is that they are lost at. One that can't
 * be opened proves nothing: then it is over.
 */
struct loss_of_run {
	bool opened;		/* it got as far as a login */
	unsigned lost;		/* so many in this sync, with this one */
	unsigned idle;		/* so many in succession that brought nothing */
};
bool loss_begins_anew(const struct loss_of_run *);

/* What was asked for when it was lost, and what is to be done about it. */
struct loss {
	size_t asked;		/* messages of the oldest command that had not
				   come */
	bool came;		/* something of that command did */
	bool suspected;		/* of what is asked for, one was lost before */
	bool alone;		/* by a connection that had done nothing else,
				   and with nothing beside it */
	uint64_t octets;	/* of it that came ... */
	uint64_t octets_before;	/* ... and the last time */
};
enum loss_verdict {
	LOSS_HALVE,	/* any of them may be it: fewer at a time */
	LOSS_SUSPECT,	/* the first one may be: last and alone from now on */
	LOSS_PROVEN,	/* it is: it needs the user */
};
enum loss_verdict loss_judge(const struct loss *);

/*
 * So many were lost in one sync where it asks for the folders: at LIST, then
 * they are asked for by their names; when a deletion that was cut short was
 * taken up, then it is left; at the STATUS of so many folders, one after the
 * other, then it is asked of none.
 */
bool list_loss_is_proven(size_t lost);
bool recovery_loss_is_proven(size_t lost);
bool list_loss_ends_status(size_t folders);

#endif
