/*
 * Holds the names that the index has of a folder against those that lie there,
 * while the directory is read. Each name is met once, and only what no row
 * wants just so is kept. Some 32 bytes a row, whatever the length of the names.
 */
#ifndef SYNC_OBSERVE_NAME_SET_H
#define SYNC_OBSERVE_NAME_SET_H

#include "base/buf.h"
#include "base/str.h"
#include "index/place.h"
#include "maildir/name.h"
#include "maildir/scan.h"

struct name_set_row {
	uint64_t sum;		/* index_name_sum; 0: to be looked at */
	int64_t id;
};

/* Hashes of unique parts, sorted when sealed. */
struct name_list {
	uint64_t *v;
	size_t n, cap;
};

struct name_set {
	struct name_set_row *row;	/* in ascending id */
	size_t n, cap;
	/* By sum, open addressing: row + 1 in the bits of mask, the sum's own
	 * in the others, so that a name costs one look at memory. 0: none. */
	uint64_t *slot;
	size_t mask;
	uint64_t *met;		/* a bit each: its name lies there */
	/* What lies there and no row wants so: new, renamed or replaced. */
	struct name_list stray;
	struct buf stray_names;	/* 'n' or 'c', the name, a NUL; of all strays */
	bool too_many;		/* but for some that the bound left out */
	struct name_list beside;	/* editors left something beside it */
	/* What is no plain file: how many, and the first by name. */
	uint64_t n_odd;
	char odd[1 + MAILDIR_NAME_MAX + 1];	/* as in stray_names */
};

int name_set_load(struct name_set *, struct index *, int64_t folder,
    struct err *);
void name_set_release(struct name_set *);

/* A row wants a name so, and that was met. */
bool name_set_was_met(const struct name_set *, uint64_t sum);
/* The next row from *i on whose name was not met, 0: no more. *i moves on. */
int64_t name_set_lacking(const struct name_set *, size_t *i);
/* That lies there; what has no name of a message is passed over. */
void name_set_meet(struct name_set *, const struct maildir_entry *);
/* The reading begins anew. */
void name_set_restart(struct name_set *);
/* It is done. */
void name_set_seal(struct name_set *);
/* No row is there any more: all names of the folder are strays. */
void name_set_forget(struct name_set *);

/* Among the strays is one with the unique part. */
bool name_set_has_stray(const struct name_set *, struct span unique);
/* There are several of them. */
bool name_set_has_twins(const struct name_set *, struct span unique);
/* An editor has left something beside a file of that unique part, or it has
 * itself such a name. */
bool name_set_has_beside(const struct name_set *, struct span unique);

#endif
