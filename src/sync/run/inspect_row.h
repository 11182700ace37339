/* A row of the index and its file, held against each other. */
#ifndef SYNC_RUN_INSPECT_ROW_H
#define SYNC_RUN_INSPECT_ROW_H

#include "index/verify.h"
#include "maildir/look.h"
#include "maildir/name.h"
#include "observe/name_set.h"
#include "run/inspect.h"

/* What is no message by its name: told when the directory was read. */
struct odd_name {
	char *file;
	bool in_new, odd;
};

/* The folder in turn. */
struct folder_inspection {
	struct inspection *in;
	const struct index_folder *folder;
	bool on_disk;		/* new/ and cur/ can be read: */
	struct name_set names;	/* that lie there */
	struct maildir_look look;
	struct odd_name *odd;
	size_t n_odd, cap_odd;
	bool drafts;		/* edits replace what was there */
};

/* A file where it lies. */
struct file_at {
	bool in_new;
	const char *file;
};

/* What is wrong with the row, and with the file under the name that it has. */
int inspect_row(struct folder_inspection *, struct index_verified *,
    struct err *);
/* The file that lies there has the row's unique part under another name. */
int inspect_renamed(struct folder_inspection *, struct place *,
    const struct file_at *, struct err *);
/* Behind the colon of a name stands something else than letters of flags. */
bool inspect_has_bad_info(const char *file);

#endif
