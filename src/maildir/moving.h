/*
 * Where folders wait while the layout changes.
 *
 * ROOT/.mailtern/moving/NAME=/, NAME being the path with "%2F" for '/' and
 * "%25" for '%'; of a longer one all parts but the last stand before it, as
 * PART+/. So each has a place there, whatever its name, and none lies in
 * another.
 */
#ifndef MAILDIR_MOVING_H
#define MAILDIR_MOVING_H

#include <stddef.h>

#include "internal.h"

/* The place of a folder, below MARK_DIR. Caller frees. */
char *moving_place(const char *path);

struct moving_list {
	char **path;
	size_t n, cap;
};
/* Paths of the folders that wait there, sorted. */
int moving_find(struct maildir *, struct moving_list *out, struct err *);
void moving_release(struct moving_list *);

/* Takes away what is empty, from place upwards, up to MOVING_DIR itself. */
void moving_tidy(struct maildir *, const char *place);

#endif
