/*
 * folder_delete.c: a folder that is deleted on the server goes there in two steps, for
 * mail may arrive behind the last look at it, and DELETE would take that along.
 * First it gets a name of ours, which nobody delivers to; then it is looked at
 * once more, and deleted, or it gets its name back.
 *
 * What is on its way stands in the index, with both names, before anything is
 * renamed; the next run goes on from there. Without that note (a lost index) a
 * folder under such a name is one as any other: it is pulled.
 */
#ifndef SYNC_APPLY_FOLDER_DELETE_H
#define SYNC_APPLY_FOLDER_DELETE_H

#include "core/internal.h"

enum folder_delete_end {
	DELETE_NOT_RENAMED,		/* can't be renamed: nothing was done */
	DELETE_DONE,
	DELETE_REFUSED,		/* it has its name back; aside_why */
	DELETE_TAKEN_BACK,		/* the same: something had arrived in it */
	DELETE_KEPT_HIDDEN,		/* its name is taken; it stays under ours */
};

/*
 * Deletes the folder of the box, which was seen to be empty and is selected;
 * goes on with after, and INBOX or nothing is selected. Where it ended in
 * ASIDE_DELETED or ASIDE_KEPT the note is still there: aside_forget.
 */
enum task_result folder_delete_start(struct account *, const struct folder *,
    task_step *after);
enum folder_delete_end folder_delete_end(const struct account *);
const char *folder_delete_why(const struct account *);	/* the server's words */
/* What became of what arrived, for ASIDE_BACK and ASIDE_KEPT. */
void folder_delete_report(struct account *);
/* In a transaction, on the index lane: the note goes. Harmless without one. */
int folder_delete_forget(struct account *, struct err *);

/*
 * What an earlier run left under way. recall: on the index lane, before the
 * folders are loaded; true in *out when there is something to go on with. A
 * dry run takes it out of the list instead. recover: goes on with it, then
 * with after; the list is to be asked for again.
 */
int folder_delete_recall(struct account *, struct imap_list *, bool *out,
    struct err *);
enum task_result folder_delete_recover(struct account *, task_step *after);
void folder_delete_release(struct account *);

#endif
