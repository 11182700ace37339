/*
 * What the server has of a folder and does not show: messages that slid out of
 * the window of the newest ones, and some that are counted and never listed.
 * They are believed to be there as they were seen last; nothing is asked of
 * them, and what was changed on disk waits. Index lane, but for reading.
 */
#ifndef SYNC_CORE_SIGHT_H
#define SYNC_CORE_SIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "mail/state.h"
#include "mail/uidset.h"

struct folder;
struct run;

struct sight {
	bool known;		/* all this was read from the index */
	struct uidset out;	/* UIDs out of sight */
	struct uidset waits;	/* another look has to tell whether they are */
	int64_t looks;		/* at which those waited */
	int64_t size;		/* of the window that was found; 0: none */
	int64_t hidden;		/* so many are counted and never listed */
	int64_t lacked, lacks;	/* so many lacked in so many runs ... */
	struct uidset missed;	/* ... and of those known, these in each */
	/* Files that lay there when the folder was first looked at, up to that
	 * place, and are older than all that is shown. */
	int64_t upto, before;
	/* The folder left the server, and what it showed is elsewhere there:
	 * so may be what it did not show. */
	int64_t strayed;
	uint64_t held;		/* changes that wait; counted at the end */
	uint64_t held_files;
	uint64_t held_pulls;	/* of held: nothing was changed here */
	uint64_t kept;		/* of out, that are not known to be gone */
};

void sight_release(struct sight *);
/* A copy. */
void sight_copy(struct sight *to, const struct sight *from);
/* Once a run. */
int sight_load(struct run *, struct folder *, struct err *);
/* In a transaction: what is other than before. */
int sight_store(struct run *, struct folder *, const struct sight *,
    struct err *);
/* It is not shown, so nothing can be asked of it. */
bool sight_hides(const struct sight *, const struct place *);
/* A file that may be one of those that the server had before. */
bool sight_holds_file(const struct sight *, const struct place *);

#endif
