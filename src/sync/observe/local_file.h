/*
 * Files against the rows that know their names (design section 4, rule 9). On
 * the index lane, within a transaction. A file that is renamed, removed or
 * edited meanwhile is no error: the next scan tells.
 */
#ifndef SYNC_OBSERVE_LOCAL_FILE_H
#define SYNC_OBSERVE_LOCAL_FILE_H

#include "observe/observe.h"
#include "maildir/look.h"
#include "maildir/store.h"

struct known_files {
	struct index *ix;
	struct maildir *md;
	const struct index_folder *folder;
	struct maildir_look look;
	bool changed;		/* what must not be undone by a power cut */
	bool unsure;		/* the next scan has to look again */
	bool decides;		/* about drafts: set by a first look */
	uint64_t edits;		/* drafts that wait for the next one */
	bool replaced;		/* some did not */
};

int known_files_open(struct known_files *, struct index *, struct maildir *,
    const struct index_folder *, struct err *);
void known_files_close(struct known_files *);

/*
 * The row's file lies under its name: is it still the message? One stat as long
 * as its hints are as recorded; else it is read. Equal content refreshes the
 * hints. Other content is a new message: the old one stays on the server, and
 * comes back as a file of its own.
 */
int known_file_check(struct known_files *, struct place *, struct err *);

/*
 * A name that no row has just so: a new file, a renamed one, or a second one
 * with the name. Such a one with the same inode is what is left of a delivery,
 * or of a rename under way, and is passed over; any other is a message, and
 * gets a name of its own.
 */
int known_file_see(struct known_files *, bool in_new, const char *file,
    struct err *);

#endif
