/* What remove_keep.c and remove_keep_bodies.c share: messages that go into the
 * attic before the server loses them (attic = all). */
#ifndef SYNC_APPLY_REMOVE_KEEP_H
#define SYNC_APPLY_REMOVE_KEEP_H

#include "apply/remove.h"
#include "base/buf.h"
#include "maildir/deliver.h"

#define KEEP_TWINS	4	/* other files that are tried */

struct kept {
	struct doomed *d;	/* of r->row */
	uint32_t uid;
	char *file;		/* its name in the attic */
	struct index_content content;	/* as known; id 0: not known */
	struct place twin[KEEP_TWINS];	/* files that may hold it */
	int n_twin;
	bool tried_before;	/* in an earlier run, in vain */
	/* The loop's, while nothing is at work on the disk lane. */
	bool asked;
	char *refused;		/* the server's words */
	/* The disk lane's, until it is through. */
	struct fingerprint fp;	/* of what is kept */
	bool kept;		/* it is there, durably when committed */
	bool is_another;	/* the server has another message */
	char *failure;		/* why it can't be kept */
};

struct keep_chunk;

struct keeping {
	struct removing *r;
	struct kept *v;		/* sorted by uid */
	int n;
	bool rewrites;		/* what the server gives may be altered */
	bool alone;		/* one by one: several were refused */
	unsigned in_vain;	/* refusals in succession */
	char *refused;		/* no more is asked for: the server's words */
	struct imap_fetching fetch;
	struct job job;
	/* remove_keep_bodies.c */
	struct keep_chunk *first, *last;
	unsigned n_chunks;
	/* Disk lane only. */
	struct maildir_batch *store;
	struct maildir_delivery *open;	/* the body that is arriving */
	struct fingerprint open_fp;
	uint64_t open_octets;
	bool open_ended;
	struct err write_err;	/* the disk can't take it: nothing is kept */
};

int kept_by_uid(const void *, const void *);	/* for qsort, bsearch */
/* Disk lane: what was delivered is held against what is known of the message;
 * where it is that, it waits for the commit. -1: the disk can't take it. */
int keep_check(struct keeping *, struct kept *, struct maildir_delivery *,
    struct err *);

/*
 * remove_keep_bodies.c: the sink of a FETCH. Its pieces go to the disk lane
 * when the task looks after them: move returns true when all that came is
 * written. all: also what is not a chunk's worth yet.
 */
struct imap_sink keep_sink(struct keeping *);
bool keep_move(struct keeping *, bool all);
void keep_clear(struct keeping *);	/* at rest */

#endif
