/* What the turns over the folders share: turns.c, barrier.c and drop.c. */
#ifndef SYNC_TURNS_H
#define SYNC_TURNS_H

#include "internal.h"
#include "sync/folders.h"

struct turns {
	size_t i;		/* the box whose turn it is */
	struct imap_list list;	/* the second look */
	struct imap_cmd cmd;
	struct imap_select select;
	task_step *after_again;	/* looked again twice: after push, after remove */
	bool kept;		/* ... or could not be dropped yet */
};

struct box *turns_box(struct account *);	/* whose turn it is */
/* A loop over all folders: rewind, then each until NULL. */
void turns_rewind(struct account *);
struct box *turns_next(struct account *);
bool box_is_inbox(const struct box *);
bool box_in_play(const struct box *);		/* in the game for this run */
enum folder_op box_folder_op(const struct box *);

/* Each folder in turn: what adds and what changes; goes on with barrier_begin. */
enum task_result turns_each(struct task *);
/* Another look at the server where a folder wants one, then after. */
enum task_result turns_again(struct account *, task_step *after);

/* barrier.c: what removes. Goes on with drop_begin or account_end. */
enum task_result barrier_begin(struct task *);

/* drop.c: folders that are gone on one side. Goes on with account_end. */
enum task_result drop_begin(struct task *);

#endif
