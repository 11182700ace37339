/* Says what it means that a connection was lost. */
#include "plan/loss.h"

#define LOST_MOST	40	/* of one sync */
#define IDLE_MOST	2
#define LIST_ENOUGH	2
#define STATUS_MOST	8

bool
loss_is_of_connection(const struct err *err)
{
	return err->kind == ERR_NET || err->kind == ERR_TLS ||
	    err->kind == ERR_PROTO;
}

bool
loss_begins_anew(const struct loss_of_run *l)
{
	return l->opened && l->lost < LOST_MOST && l->idle < IDLE_MOST;
}

/*
 * Servers answer in the order of what was asked: what came last was well, what
 * would have come next is the suspect. Where nothing came it can be any.
 */
enum loss_verdict
loss_judge(const struct loss *l)
{
	if (l->asked > 1 && !l->came)
		return LOSS_HALVE;
	if (l->asked > 1 || !l->suspected || !l->alone)
		return LOSS_SUSPECT;
	return l->octets > l->octets_before ? LOSS_SUSPECT : LOSS_PROVEN;
}

bool
list_loss_is_proven(size_t lost)
{
	return lost >= LIST_ENOUGH;
}

bool
recovery_loss_is_proven(size_t lost)
{
	return lost >= LIST_ENOUGH;
}

bool
list_loss_ends_status(size_t folders)
{
	return folders >= STATUS_MOST;
}
