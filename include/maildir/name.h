/*
 * Message file names: "<unique>" or "<unique>:2,<letters>" (cr.yp.to/proto/
 * maildir.html), info also honoured in new/. Identity is the unique part.
 */
#ifndef MAILDIR_NAME_H
#define MAILDIR_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define MAILDIR_NAME_MAX 255

struct maildir_name {
	struct span unique;	/* points into the name */
	unsigned flags;		/* FLAG_* of the known letters */
	struct span letters;	/* everything behind ":2,", as it stands */
};

/* False for what is no message: leading dot, empty, empty unique part. */
bool maildir_name_parse(const char *file, struct maildir_name *out);

/*
 * The name with these flags; letters that are not ours are taken from letters
 * and kept; all in ASCII order, and behind them what letters has from its first
 * ',' on (Dovecot's rule). ":2," always. False when it would pass
 * MAILDIR_NAME_MAX.
 */
bool maildir_name_format(char out[MAILDIR_NAME_MAX + 1], struct span unique,
    unsigned flags, struct span letters);

/* A new unique part: time, microseconds, pid, counter, random, host ('/' and
 * ':' escaped). Unique even when the clock jumps. Any thread. */
void maildir_name_new(char out[MAILDIR_NAME_MAX + 1]);

#endif
