/* Folders that have another name on the server get it here, too. */
#ifndef SYNC_APPLY_FOLDER_RENAME_H
#define SYNC_APPLY_FOLDER_RENAME_H

#include "imap/list.h"
#include "observe/folder_moves.h"

/* Index lane. Those that are proven; was tells what they were called. Then
 * the folders are to be loaded anew. */
int folders_rename(struct run *, const struct imap_list *,
    struct folder_moves *, struct err *);
/* On whose side it was renamed for that: where the mark of an earlier run says
 * that it was ours, on the server. */
enum sync_op folder_move_op(const struct folder_move *);

#endif
