/*
 * The names that the index has of a folder, held against those that lie there
 * while the directory is read: each name is met once, and only what no row
 * wants just so is kept. 24 bytes a row, whatever the length of the names.
 */
#ifndef SYNC_WANTED_H
#define SYNC_WANTED_H

#include "internal.h"

struct wanted_row {
	uint64_t sum;		/* index_name_sum; 0: to be looked at */
	int64_t id;		/* below 0: found */
};

struct wanted {
	struct wanted_row *row;	/* in ascending id */
	size_t n, cap;
	uint32_t *slot;		/* row + 1 by sum, open addressing; 0: none */
	size_t mask;
	/* What lies there and no row wants so: new, renamed or replaced. */
	uint64_t *stray;	/* hashes of unique parts, sorted when sealed */
	size_t n_stray, cap_stray;
	struct buf names;	/* 'n' or 'c', the name, a NUL; of all strays */
	bool too_many;		/* but for some that the bound left out */
};

int wanted_load(struct wanted *, struct index *, int64_t folder, struct err *);
void wanted_release(struct wanted *);

/* NULL: no row wants the name so. */
struct wanted_row *wanted_find(const struct wanted *, uint64_t sum);
/* A file lies there; one without a message's name is passed over. */
void wanted_meet(struct wanted *, const struct maildir_entry *);
/* The reading begins anew. */
void wanted_restart(struct wanted *);
/* It is done. */
void wanted_seal(struct wanted *);
/* No row is there any more: all names of the folder are strays. */
void wanted_forget(struct wanted *);

/* Among the strays is one with the unique part. */
bool wanted_has_stray(const struct wanted *, struct span unique);

#endif
