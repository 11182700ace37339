/*
 * Another file that holds what a message holds and is to stay, as the index
 * knows it: then its own need not be kept in the attic.
 */
#ifndef SYNC_APPLY_REMOVE_TWIN_H
#define SYNC_APPLY_REMOVE_TWIN_H

#include "core/run.h"

struct remove_twin {
	char *path;		/* of its folder */
	char *file;		/* NULL: there is none */
	bool in_new;
	struct file_hint hint;
};

/* Index lane. *out stays zeroed when there is none. */
int remove_twin_find(struct run *, const struct place *p,
    struct remove_twin *out, struct err *);
/* Where files are removed: it is as the index knows it. */
bool remove_twin_is_there(struct maildir *, const struct remove_twin *);
void remove_twin_release(struct remove_twin *);

#endif
