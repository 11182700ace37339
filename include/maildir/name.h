/*
 * Message file names: "<unique>" or "<unique>:2,<letters>" (cr.yp.to/proto/
 * maildir.html), info also honoured in new/. Identity is the unique part.
 * Where file systems have no ':', programs write ";2," or "!2," instead: those
 * count when nothing but letters of flags follows, to the end.
 */
#ifndef MAILDIR_NAME_H
#define MAILDIR_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define MAILDIR_NAME_MAX 255

struct maildir_name {
	struct span unique;	/* points into the name; may be empty: then the
				   message can't be known by it */
	char mark;		/* before "2,"; 0: the name ends there */
	unsigned flags;		/* FLAG_* of the known letters */
	struct span letters;	/* everything behind ":2,", as it stands */
};

/* False for what is no message: leading dot, empty. */
bool maildir_name_parse(const char *file, struct maildir_name *out);

/*
 * What an editor leaves beside a file: "NAME~", "#NAME#", ".NAME.swp" (.swo and
 * so on). *of: NAME, in it. No message, unless it was known as one before.
 */
bool maildir_name_is_leftover(const char *file, struct span *of);

/*
 * The name with these flags in place of its own; letters that are not ours are
 * kept; all in ASCII order, and behind them what letters has from its first ','
 * on (Dovecot's rule). The mark and "2," always: ':' where there was none.
 * False when it would pass MAILDIR_NAME_MAX.
 */
bool maildir_name_format(char out[MAILDIR_NAME_MAX + 1],
    const struct maildir_name *, unsigned flags);

/* A new unique part: time, microseconds, pid, counter, random, host ('/' and
 * ':' escaped). Unique even when the clock jumps. Any thread. */
void maildir_name_new(char out[MAILDIR_NAME_MAX + 1]);

#endif
