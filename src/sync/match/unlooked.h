/*
 * What was not looked at waits (design section 3). Index lane.
 *
 * Where messages of the server could not be had, files that could be those are
 * not uploaded; where files could not be read, messages that could be those are
 * not delivered. That goes for what came since the folder's two sides were last
 * known not to have each other's. --adopt lets go, and so does who ignores the
 * item.
 */
#ifndef SYNC_MATCH_UNLOOKED_H
#define SYNC_MATCH_UNLOOKED_H

#include "core/run.h"

struct unlooked {
	bool known;		/* it was loaded */
	uint64_t *size;		/* ascending; 0: any */
	size_t n;
	bool any_size;		/* sizes tell nothing */
	int64_t unlisted_to;	/* up to that place any file may be a message
				   that was not even listed; 0: none */
};

/* INDEX_REMOTE: messages, with the sizes that the server tells; INDEX_LOCAL:
 * files, with those on disk. Replaces what it holds. */
int unlooked_load(struct run *, const struct folder *, enum index_side,
    struct unlooked *, struct err *);
/* Files of all folders: one that was moved may be among them. */
int unlooked_load_files(struct run *, struct unlooked *, struct err *);
void unlooked_release(struct unlooked *);

/* The file could be one of those messages; the message one of those files. */
bool unlooked_may_be_file(const struct unlooked *, const struct place *,
    const struct fingerprint *);
bool unlooked_may_be_message(const struct unlooked *, uint32_t size);

/*
 * Behind all pulls of a folder: where one of the sides has nothing that waits
 * to be told apart, what the other has now is none of what may come there.
 */
int unlooked_settle(struct run *, const struct folder *, struct err *);

#endif
