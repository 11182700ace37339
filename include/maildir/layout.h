/*
 * Folder names and directories, layout fs (design section 9): "lists/foo" is
 * ROOT/lists/foo/{cur,new,tmp}. Injective and reversible: %XX (upper case hex)
 * only for NUL, controls, DEL, a leading '.', one byte of a component that is
 * cur, new or tmp (any case), and '%' before two hex digits. Components over
 * 255 bytes are cut at a character and get "%~" and 16 hex digits of a hash;
 * such a path can't be decoded, the index keeps the map; the '%' of a name that
 * ends like that by itself is escaped. Folder names that hold
 * '/' inside a component arrive here as "%2F" and stay so.
 */
#ifndef MAILDIR_LAYOUT_H
#define MAILDIR_LAYOUT_H

/* NULL for a name that has an empty component or is empty. Caller frees. */
char *maildir_path_encode(const char *folder);
/* NULL when encoding would never have produced it. Caller frees. */
char *maildir_path_decode(const char *path);

#endif
