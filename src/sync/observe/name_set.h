/*
 * The names that the index has of a folder, held against those that lie there
 * while the directory is read: each name is met once, and only what no row
 * wants just so is kept. Some 32 bytes a row, whatever the length of the names.
 */
#ifndef SYNC_OBSERVE_NAME_SET_H
#define SYNC_OBSERVE_NAME_SET_H

#include "core/internal.h"

struct wanted_row {
	uint64_t sum;		/* index_name_sum; 0: to be looked at */
	int64_t id;
};

struct wanted {
	struct wanted_row *row;	/* in ascending id */
	size_t n, cap;
	/* By sum, open addressing: row + 1 in the bits of mask, the sum's own in
	 * the others, so that a name costs one look at memory. 0: none. */
	uint64_t *slot;
	size_t mask;
	uint64_t *met;		/* a bit each: its name lies there */
	/* What lies there and no row wants so: new, renamed or replaced. */
	uint64_t *stray;	/* hashes of unique parts, sorted when sealed */
	size_t n_stray, cap_stray;
	struct buf names;	/* 'n' or 'c', the name, a NUL; of all strays */
	bool too_many;		/* but for some that the bound left out */
};

int wanted_load(struct wanted *, struct index *, int64_t folder, struct err *);
void wanted_release(struct wanted *);

/* A row wants a name so, and that was met. */
bool wanted_was_met(const struct wanted *, uint64_t sum);
/* The next row from *i on whose name was not met, 0: no more. *i moves on. */
int64_t wanted_lacking(const struct wanted *, size_t *i);
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
