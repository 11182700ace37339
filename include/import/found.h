/*
 * What another program keeps in sync: its accounts in mailtern's words, and
 * what it last agreed on with each server. Its files are read, and nothing of
 * it is changed.
 */
#ifndef IMPORT_FOUND_H
#define IMPORT_FOUND_H

#include "import/account.h"
#include "sync/takeover.h"

struct import_entry {
	struct import_account a;	/* with all that can't be taken over */
	struct takeover t;
	struct takeover_folder *folder;	/* owned, with all in them; of t */
	size_t cap;
};

struct import_found {
	char *path;		/* of the configuration that was read */
	struct import_entry *v;
	size_t n, cap;
};

/*
 * path is the configuration; NULL: where the program looks for it. ERR_CONFIG:
 * it is not as the program reads it; ERR_BUSY: the program is at work;
 * ERR_HELD: it has to be run once more, or the Maildir is not there. out is to
 * be released in any case.
 */
typedef int import_reader(const char *path, struct import_found *out,
    struct err *);
import_reader import_mbsync, import_offlineimap;

void import_found_release(struct import_found *);

#endif
