/* What takeover.c and takeover_scan.c share. */
#ifndef SYNC_RUN_TAKEOVER_H
#define SYNC_RUN_TAKEOVER_H

#include <stdbool.h>

#include "core/run.h"
#include "sync/takeover.h"

#define COARSE_NS 2000000000	/* what file systems may round times by */

/* A file with a number. */
struct numbered {
	uint32_t near;
	bool in_new;
	bool odd;		/* no message that could be taken for it */
	char *file;
};

/* A folder as two scans found it. */
struct taken_folder {
	const struct takeover_folder *from;
	struct numbered *file;	/* sorted by number */
	size_t n, cap;
	uint64_t files;		/* all of them */
	bool complete;		/* the first scan tells what is absent */
	bool touched;		/* since that was recorded */
	/* Numbers that the first scan lacked, sorted; then both. */
	uint32_t *lacking;
	size_t n_lacking;
};

/* Reads all folders, and once more those that lack something. */
int takeover_scan(struct maildir *, const struct takeover *,
    struct taken_folder *, struct err *);
void taken_folder_release(struct taken_folder *);

/* The one file with the number; NULL: none, several, or an odd one. *any_out:
 * whether there is any. */
const struct numbered *taken_file(const struct taken_folder *, uint32_t near,
    bool *any_out);
bool taken_lacks(const struct taken_folder *, uint32_t near);

#endif
