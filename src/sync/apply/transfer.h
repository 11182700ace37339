/*
 * Where the server has no MOVE, what is removed is copied to the
 * trash folder and then expunged. A COPY can't be repeated blindly, so each has
 * an intent in the index before it is sent: the folder of the intent is the
 * trash, its place the source, which lies in another folder (an upload's lies
 * in the same). The intent goes when the source is recorded as gone.
 *
 * answered: the copy is there, and uidnext is its UID where the server told it.
 * Else nothing is known of it but that uidnext, at least, is the first it can
 * have. All on the index lane.
 */
#ifndef SYNC_APPLY_TRANSFER_H
#define SYNC_APPLY_TRANSFER_H

#include "core/run.h"
#include "imap/session.h"

enum transfer_state {
	TRANSFER_NONE,		/* is not to be copied */
	TRANSFER_FRESH,		/* may be sent */
	TRANSFER_DONE,		/* it is in the trash */
	TRANSFER_DOUBT,	/* nobody can tell: neither copied nor expunged */
};

struct transfer {
	const struct place *place;	/* the source; borrowed */
	enum transfer_state state;
	struct index_intent intent;	/* id 0: none */
};

/* What goes there together. */
struct transfers {
	struct folder *trash;
	struct transfer *v;
	int n;
};

/* What earlier runs began: 1 when there is something; 0, -1. */
int transfers_recall(struct run *, struct transfers *, struct err *);
/* Of those that are TRANSFER_FRESH, which are; with intents, durable. */
int transfers_intend(struct run *, struct transfers *, struct err *);
/* The server said OK. What it copied is TRANSFER_DONE, durable. */
int transfers_answered(struct run *, struct transfers *,
    const struct imap_cmd *, struct err *);
/* In a transaction: intents of messages that are not to be removed any more. */
int transfers_tidy(struct run *, struct err *);

#endif
