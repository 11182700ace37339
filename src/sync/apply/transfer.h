/*
 * Where the server has no MOVE, what is removed is copied to the
 * trash folder and then expunged. A COPY can't be repeated blindly, so each has
 * an intent in the index before it is sent: the folder of the intent is the
 * trash, its place the source, which lies in another folder (an upload's lies
 * in the same). The intent goes when the source is recorded as gone.
 *
 * answered: the server said that it made the copy, and copy is the UID that it
 * told, if any. That is no fact before a row shows it (transfer_look_start):
 * then it is shown, and copy is its UID. Until then nothing is known of it but
 * that uidnext, at least, is the first it can have. All on the index lane, but
 * for the look.
 */
#ifndef SYNC_APPLY_TRANSFER_H
#define SYNC_APPLY_TRANSFER_H

#include "core/pass.h"
#include "imap/session.h"

enum transfer_state {
	TRANSFER_NONE,		/* is not to be copied */
	TRANSFER_FRESH,		/* may be sent */
	TRANSFER_SENT,		/* so the server says: a row has to show it */
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
	char *why;	/* the last look could not tell; owned, or NULL */
};

/* What earlier runs began: 1 when there is something; 0, -1. */
int transfers_recall(struct run *, struct transfers *, struct err *);
/* Of those that are TRANSFER_FRESH, which are; with intents, durable. */
int transfers_intend(struct run *, struct transfers *, struct err *);
/* The server said OK. What it copied, as it says, is TRANSFER_SENT, durable. */
int transfers_answered(struct run *, struct transfers *,
    const struct imap_cmd *, struct err *);
/* In a transaction: a row of that UID is the copy. */
int transfer_shown(struct run *, struct transfer *, uint64_t uidvalidity,
    uint32_t uid, struct err *);
/* No copy of it can have a lower one. */
uint32_t transfer_first_uid(const struct index_intent *, uint64_t uidvalidity);
/*
 * On behalf of a pass over the folder that the messages lie in: looks into the
 * one that they went to, and selects the first one again. Of those that are
 * TRANSFER_SENT, what a row shows is TRANSFER_DONE; what is not there and is to
 * be sent once more is TRANSFER_FRESH; and the others stay as they are. Where
 * the folder is not to be had again, it has failed.
 */
void transfer_look_start(struct pass *, struct transfers *,
    struct pass_result *);

/* In a transaction: intents of messages that are not to be removed any more. */
int transfers_tidy(struct run *, struct err *);

#endif
