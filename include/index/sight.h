/* Messages of a server that it does not show: their UIDs, as sets that are kept
 * with what is learned of a folder (fact.h). */
#ifndef INDEX_SIGHT_H
#define INDEX_SIGHT_H

#include "index/index.h"
#include "mail/uidset.h"

/* Added to out; nothing where nothing is known. */
int index_uids_get(struct index *, int64_t folder, const char *name,
    struct uidset *out, struct err *);
/* In a transaction. An empty set forgets it. */
int index_uids_set(struct index *, int64_t folder, const char *name,
    const struct uidset *, struct err *);

/*
 * UIDs of the folder that are believed to be on the server, and of which
 * something is known on the other side, too: all of the range, or those of them
 * that have a date before that. Added to out.
 */
struct index_range {
	int64_t folder;
	uint32_t first, last;
	bool dated;
	int64_t before;
};
int index_present(struct index *, const struct index_range *,
    struct uidset *out, struct err *);
/* How many UIDs of the set are believed to be on the server. */
int index_count_present(struct index *, int64_t folder, const struct uidset *,
    uint64_t *out, struct err *);
/* The date of the oldest UID that is believed to be there; false: not known. */
int index_oldest_date(struct index *, int64_t folder, bool *known_out,
    int64_t *out, struct err *);

#endif
