/*
 * Which known folders have another name on disk now (design section 4, rule 7).
 * The directory is gone, and one that nobody knows has most of its files; or it
 * lies where the one above has taken it along.
 */
#ifndef SYNC_OBSERVE_FOLDER_RENAMED_H
#define SYNC_OBSERVE_FOLDER_RENAMED_H

#include "core/pass.h"

struct folder_renamed {
	int64_t id;		/* of the known folder, in the index */
	char *to;		/* the name that it has on disk now */
};

struct folders_renamed {
	struct folder_renamed *v;	/* by the names that they had */
	size_t n, cap;
};

/* Index lane, when the folders are loaded. Changes nothing. */
int folders_find_renamed(struct run *, struct folders_renamed *out,
    struct err *);
void folders_renamed_release(struct folders_renamed *);

/* Index lane. The directory, which is new, of a folder that has none any more,
 * by its files; *out NULL: there is none. */
int folder_find_directory(struct run *, const struct folder *,
    const struct folder **out, struct err *);

/* What lies below name, from its '/' on; NULL: inner does not. */
const char *folder_below(const char *inner, const char *name);

#endif
