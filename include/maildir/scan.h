/* What lies in a folder: new/ first, then cur/, by name only. */
#ifndef MAILDIR_SCAN_H
#define MAILDIR_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "maildir/maildir.h"

struct maildir_scan {
	int64_t new_mtime, cur_mtime;	/* ns, before reading */
	/*
	 * Absence may be judged by it: each directory was read by a single
	 * system call, or its mtime did not move while it was read (design
	 * section 5). Retries a few times before it gives up.
	 */
	bool complete;
	uint64_t files;		/* plain ones */
};

struct maildir_entry {
	bool in_new;
	const char *file;
	uint64_t inode;		/* as the directory has it */
	bool odd;		/* no plain file: a link, a directory, ... */
};

/*
 * Calls entry for each name without a leading dot, and for what editors leave
 * (maildir/name.h), until it returns -1; then
 * -1 with the error it set in err. A name may be seen twice when it moves
 * meanwhile, or again after a retry: restart() says "forget what came so far".
 */
struct maildir_visit {
	void *arg;
	int (*entry)(void *arg, const struct maildir_entry *, struct err *);
	void (*restart)(void *arg);
};
int maildir_scan(struct maildir *, const char *path,
    const struct maildir_visit *, struct maildir_scan *out, struct err *);

/* Only the stamps, without reading. complete: no change by whomever can leave
 * them as they are for longer than the kernel's clock takes. */
int maildir_stamps(struct maildir *, const char *path, struct maildir_scan *out,
    struct err *);

#endif
