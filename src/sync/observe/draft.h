/*
 * Drafts that were edited in place (design section 4, rule 9). Each takes the
 * place of the message that it was; any other file with new content is a
 * message of its own. Index lane, within a transaction.
 */
#ifndef SYNC_OBSERVE_DRAFT_H
#define SYNC_OBSERVE_DRAFT_H

#include "observe/local_file.h"

/* By its name, drafts lie in the folder. */
bool draft_is_folder(const char *name);

/* The file of p holds something else now; is it a draft that replaces it? */
enum draft {
	DRAFT_FAILED = -1,	/* as err says */
	DRAFT_NONE,
	DRAFT_WAITS,		/* it may be written still: the first look of
				   the next run decides, if size and mtime are
				   the same then */
	DRAFT_EDITED,
};
enum draft draft_judge(const struct known_files *, const struct place *p,
    const struct index_seen_local *, struct err *);
/* It did: p is on the server alone now, and the file has a row of its own. */
int draft_replaced(const struct known_files *, int64_t old, const char *unique,
    struct err *);

/* The file's row went, for the server's row of the same message has it now. */
int draft_joined(struct index *, const struct place *file,
    const struct place *now, struct err *);

/* A fact of the account: so many are on their way. */
#define DRAFTS_FACT "drafts"
/* How many are: a folder that was forgotten took its along. Index lane. */
int drafts_count(struct run *, int64_t *out, struct err *);

/*
 * The old one goes when the server has shown the new one under another UID, and
 * its own bytes are on disk again: those go to the attic here, and then it is a
 * message that was deleted on disk. Not within a transaction.
 */
int drafts_settle(struct run *, struct folder *, struct err *);

#endif
