/* What the turns over the folders share: phases.c, removals.c, undo.c
 * and folder_drop.c. */
#ifndef SYNC_RUN_PHASES_H
#define SYNC_RUN_PHASES_H

#include "core/internal.h"
#include "plan/folder.h"

/* Removals that are undone: messages, and folders that are made again. */
struct undo_counts {
	uint64_t pulled, pushed, unmarked, folders;
	struct undo_marked {	/* files that had the mark */
		struct folder *folder;
		int64_t id;
		uint32_t uid;
		char *unique;
		bool done;	/* lost it */
	} *marked;
	size_t n_marked, cap_marked;
};

struct turns {
	size_t i;		/* the box whose turn it is */
	struct imap_list list;	/* the second look */
	struct imap_cmd cmd;
	struct imap_select select;
	task_step *after_again;	/* looked again twice: after push, after remove */
	struct undo_counts undo;	/* what --undo-deletes comes to */
	bool kept;		/* ... or could not be dropped yet */
	bool attic_left;	/* something in the attic is to expire */
};

struct folder *turns_folder(struct account *);	/* whose turn it is */
/* A loop over all folders: rewind, then each until NULL. */
void turns_rewind(struct account *);
struct folder *turns_next(struct account *);
bool folder_in_play(const struct folder *);		/* in the game for this run */
enum folder_op folder_verdict(const struct folder *);
/*
 * Its directories can't be read or made: 0, the folder is left alone, or -1,
 * that is not all. What seems gone from another may lie in it now, so nothing
 * is removed from the server. Index lane.
 */
int folder_leave_out(struct account *, struct folder *, const struct err *);
/* It has failed, which is noted here. */
bool folder_left_out(struct account *, struct folder *);
/* It takes part in this turn, and its server's side is to be looked at. */
bool folder_wants_look(const struct account *, const struct folder *);
/* A scan found the folder to be of a backup: in words, for the user. */
void folder_report_older(struct account *, struct folder *,
    const struct observed_local *);

/* Each folder in turn: what adds and what changes; goes on with barrier_begin. */
enum task_result turns_each(struct task *);
/* Another look at the server where a folder wants one, then after. */
enum task_result turns_again(struct account *, task_step *after);

/* removals.c: what removes. Goes on with drop_begin or account_end. */
enum task_result barrier_begin(struct task *);

/*
 * undo.c. A removal undone is a row without a base, so that the message is new
 * on the side that still has it. All are undone in one transaction; index lane.
 */
int undo_removals(struct account *, struct undo_counts *out, struct err *);
/* Its removals, if it has any, are proved: they can be undone. */
bool undo_concerns(const struct folder *);
/* "2 removals undone: 2 messages pulled again". Caller frees. */
char *undo_sentence(const struct account *);
/* The files that lost the mark: an operation each. */
void undo_tell_unmarked(struct account *);
void undo_release(struct undo_counts *);
/* For a dry run: an operation each, counted in turns.undo. */
pass_starter undo_tell_start;

/* folder_drop.c: folders that are gone on one side. Goes on with attic_begin. */
enum task_result drop_begin(struct task *);
/* attic_expiry.c: what was kept long enough. Goes on with account_end. */
enum task_result attic_begin(struct task *);

#endif
