/* Folders that have another name on disk get it on the server, too. */
#ifndef SYNC_APPLY_FOLDER_SEND_RENAMES_H
#define SYNC_APPLY_FOLDER_SEND_RENAMES_H

#include "imap/list.h"
#include "observe/folder_renamed.h"

/*
 * A pass over the account. OK is no fact: where *sent says that the server was
 * asked for any, the folders are to be listed anew, and what is called by the
 * new name then is known by the mark that was left (observe/folder_moves.h).
 * What was refused, or can't be asked for, is left as it is: its messages are
 * copied into the new folder like those of any other. The list is the one that
 * the folders were loaded with; both are borrowed.
 */
void folder_send_renames_start(struct conn *, const struct imap_list *,
    const struct folders_renamed *, bool *sent, struct pass_result *);

#endif
