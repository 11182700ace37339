/*
 * From the name of a folder to its directory, and back (design section 9), in
 * two steps:
 *
 *	name	"lists/foo", as the server has it
 *	path	the same where a directory can be called so. It is what the
 *		index, the attic and everything above this module know, and it
 *		does not depend on the layout
 *	directory	where that lies below the root; this module alone knows
 *
 * Name to path: %XX (upper case hex) only for NUL, controls, DEL, a leading
 * '.', one byte of a component that is cur, new or tmp (any case), and '%'
 * before two hex digits. Injective and reversible. What is too long is cut at a
 * character and gets "%~" and 16 hex digits of a hash; such a path can't be
 * decoded, the index keeps the map; the '%' of a name that ends like that by
 * itself is escaped. Folder names that hold '/' inside a component arrive here
 * as "%2F" and stay so.
 *
 * Path to directory:
 *
 *	fs		lists/foo
 *	fs, flat	lists.foo
 *	maildir++	.lists.foo; INBOX in any case is the root itself
 *
 * In the last two the separator inside a component is written %XX, and so is
 * the first letter of what would be called .mailtern.
 */
#ifndef MAILDIR_LAYOUT_H
#define MAILDIR_LAYOUT_H

#include <stdbool.h>

/* All zero: layout fs. */
struct layout {
	bool dotted;		/* maildir++ */
	char separator;		/* between levels: all directories lie in the
				   root. 0: each lies in the one above it */
};

/* Which can't be taken for anything else in a path. */
bool layout_may_separate(char);
bool layout_equal(const struct layout *, const struct layout *);

/* NULL for a name that has an empty component or is empty. Caller frees. */
char *maildir_path_encode(const struct layout *, const char *folder);
/* Another one, for a name whose path reaches the directory of another folder
 * (file systems that fold case): with a hash of the name behind it. */
char *maildir_path_apart(const struct layout *, const char *folder);
/* NULL when encoding would never have produced it. Caller frees. */
char *maildir_path_decode(const struct layout *, const char *path);

/* The directory, below the root ("." is the root); NULL: none can be that, as
 * its name would be too long. Caller frees. */
char *layout_dir(const struct layout *, const char *path);
/* And back: NULL when no folder lies there. Caller frees. */
char *layout_path(const struct layout *, const char *dir);

/* A directory lies in that of the level above it. */
bool layout_nests(const struct layout *);
/* What inner has behind outer, from a '/' on, where its directory lies in that
 * of outer, and goes where that goes; else NULL. */
const char *layout_below(const struct layout *, const char *inner,
    const char *outer);

/* Of a directory in another one ("": the root) that is none of cur, new, tmp:
 * is it a folder, or does it hold some? */
enum layout_entry {
	ENTRY_ENTERED,
	ENTRY_STRAY,		/* it may be one in another layout */
	ENTRY_PASSED,		/* neither */
};
enum layout_entry layout_entry(const struct layout *, const char *above,
    const char *name);

#endif
