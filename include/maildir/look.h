/* Looks at many files of one folder, without opening them. */
#ifndef MAILDIR_LOOK_H
#define MAILDIR_LOOK_H

#include <stdbool.h>

#include "base/err.h"
#include "mail/state.h"
#include "maildir/maildir.h"

struct maildir_look {
	int fd[2];		/* new, cur */
};

/* Both directories as they are now. */
int maildir_look_open(struct maildir_look *, struct maildir *, const char *path,
    struct err *);
void maildir_look_close(struct maildir_look *);

enum maildir_looked {
	LOOKED_FILE,		/* a regular file: *out is filled */
	LOOKED_OTHER,		/* a link or the like: nothing opens it */
	LOOKED_GONE,		/* not there under that very name */
	LOOKED_UNKNOWN,		/* the file system does not say; errno: why */
};
enum maildir_looked maildir_look(const struct maildir_look *, bool in_new,
    const char *file, struct file_hint *out);

#endif
