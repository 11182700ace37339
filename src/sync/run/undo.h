/*
 * --undo-deletes: a removal undone is a row without a base, so that the message
 * is new on the side that still has it.
 */
#ifndef SYNC_RUN_UNDO_H
#define SYNC_RUN_UNDO_H

#include "core/pick.h"

/* Removals that are undone: messages, and folders that are made again. */
struct undo_counts {
	uint64_t pulled, pushed, unmarked, folders;
	uint64_t unseen;	/* to be pulled when the server shows them */
	struct undo_marked {	/* files that had the mark \Deleted */
		struct folder *folder;
		int64_t id;
		uint32_t uid;
		char *unique;
		bool done;	/* lost it */
	} *marked;
	size_t n_marked, cap_marked;
};

/* All are undone in one transaction; index lane. */
int undo_removals(struct run *, struct undo_counts *out, struct err *);
/* Its removals, if it has any, are proved: they can be undone. */
bool undo_concerns(const struct folder *);
/* One of them, and whether the folder itself is. */
void undo_count(struct undo_counts *, const struct folder *,
    const struct picked *);
bool undo_makes_folder(const struct folder *);
/* "2 removals undone: 2 messages pulled again"; would: it is only told. Caller
 * frees. */
char *undo_sentence(const struct run *, const struct undo_counts *,
    bool would);
/* The files that lost the mark: an operation each. */
void undo_report_unmarked(struct run *, const struct undo_counts *);
void undo_release(struct undo_counts *);

#endif
