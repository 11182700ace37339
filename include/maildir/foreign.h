/*
 * What other programs left in a Maildir that is not ours yet: their state, and
 * directories that are folders in another layout than ours.
 */
#ifndef MAILDIR_FOREIGN_H
#define MAILDIR_FOREIGN_H

#include "base/err.h"
#include "maildir/maildir.h"

/* Paths below the root, each the first that was met; NULL: none. */
struct maildir_foreign {
	char *mbsync;		/* .mbsyncstate, .isyncuidmap.db */
	char *uidvalidity;	/* .uidvalidity */
	char *offlineimap;	/* a file whose name has its ",FMD5=" */
	char *otherwise;	/* a folder that is none in our layout: with a
				   dot before it (Maildir++, mbsync's Legacy),
				   or without */
};

/* A look at so many directories at most that it costs no time worth mentioning.
 * What can't be read is passed over. */
void maildir_foreign_look(struct maildir *, struct maildir_foreign *out);
void maildir_foreign_release(struct maildir_foreign *);

#endif
