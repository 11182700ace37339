/* What lies in the directories of a folder and is no message. Looks alone. */
#ifndef MAILDIR_STRANGERS_H
#define MAILDIR_STRANGERS_H

#include "base/err.h"
#include "maildir/maildir.h"

/* Of cur, new and tmp, in that order. */
enum maildir_part { PART_DIR, PART_GONE, PART_OTHER };
/* ERR_STALE: the folder's own directory is gone; ERR_IO: it can't be read. */
int maildir_parts(struct maildir *, const char *path, enum maildir_part out[3],
    struct err *);

enum maildir_stranger {
	STRANGER_FILE,	/* beside cur, new and tmp; not with a leading dot */
	STRANGER_DOT,	/* in cur or new, with a leading dot; not what editors
			   leave */
	STRANGER_TMP,	/* in tmp, and older than 36 hours */
};
/* Each is told once, by its path below the folder. What can't be read is passed
 * over. */
struct maildir_strangers {
	void *arg;
	void (*found)(void *arg, enum maildir_stranger, const char *file);
};
void maildir_strangers(struct maildir *, const char *path,
    const struct maildir_strangers *);

#endif
