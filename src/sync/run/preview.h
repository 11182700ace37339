/* What a dry run does in place of the passes: it tells. */
#ifndef SYNC_RUN_PREVIEW_H
#define SYNC_RUN_PREVIEW_H

#include "core/pass.h"
#include "core/pick.h"

extern const struct passes passes_preview;

/* A pass over the plan of a folder, told row by row on the loop. */
struct preview {
	unsigned ops;		/* rows whose verdict has one of these */
	bool unseen;		/* as in pick */
	/* On the index lane: takes ops out of the verdict that would not be
	 * carried out; NULL: none is. */
	int (*narrow)(struct run *, struct folder *, struct picked *,
	    struct err *);
	void (*tell)(void *arg, struct run *, struct folder *,
	    const struct picked *);
	void *arg;
};
/* As a pass_starter; *what is copied. */
void preview_start(struct conn *, struct folder *, struct pass_result *,
    const struct preview *what);

/* Each operation of the verdict that is among ops, as report_done. Loop thread,
 * or where no loop is. */
void report_verdict(struct run *, struct folder *, const struct picked *,
    unsigned ops);

#endif
