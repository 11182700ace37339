/*
 * The files of mbsync (isync 1.2 to 1.5): its configuration, what it last
 * agreed on, and what it writes into names. Text in, data out; who reads the
 * files is import/mbsync_files.h.
 */
#ifndef IMPORT_MBSYNC_H
#define IMPORT_MBSYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* --- .mbsyncrc --- */

/* A keyword and its arguments, unquoted: word[0] is the keyword. */
struct mbsync_line {
	unsigned number;	/* in the file, from 1 */
	char **word;
	size_t n, cap;
};

/* What stands between two empty lines. */
struct mbsync_section {
	struct mbsync_line *line;	/* the first one says what it is, but
					   for that of global options */
	size_t n, cap;
	bool global;
};

struct mbsync_rc {
	struct mbsync_section *section;
	size_t n, cap;
};

/* path is for sentences alone. ERR_CONFIG, and nothing in *out. */
int mbsync_rc_parse(struct span text, const char *path, struct mbsync_rc *out,
    struct err *);
void mbsync_rc_release(struct mbsync_rc *);	/* zeroed is fine */

/* The section "KIND NAME"; kinds are compared without case. NULL. */
const struct mbsync_section *mbsync_section(const struct mbsync_rc *,
    const char *kind, const char *name);
bool mbsync_is(const struct mbsync_section *, const char *kind);
/* The name behind the kind; "". */
const char *mbsync_name(const struct mbsync_section *);
/* The last line with one of the two keywords (other may be NULL), or NULL. */
const struct mbsync_line *mbsync_find(const struct mbsync_section *,
    const char *keyword, const char *other);
/* Its first argument; NULL: it is not set. */
const char *mbsync_value(const struct mbsync_section *, const char *keyword);

/* --- .mbsyncstate --- */

struct mbsync_pair {
	uint32_t far, near;	/* UIDs; 0: that side has none */
	unsigned flags;		/* FLAG_*, that both agreed on */
	bool dummy;		/* one of them is no more than a placeholder
				   (MaxSize) */
	bool partial;		/* it expired (MaxMessages), or was left out
				   for its size */
};

struct mbsync_state {
	uint64_t far_validity, near_validity;
	uint32_t max_pulled, max_pushed;	/* UIDs that it looked at */
	struct mbsync_pair *pair;
	size_t n, cap;
};

/* ERR_CONFIG with the number of the line that is not as mbsync writes it, or
 * for a file that was cut. */
int mbsync_state_parse(struct span text, struct mbsync_state *out,
    struct err *);
void mbsync_state_release(struct mbsync_state *);

/* .uidvalidity: what it is, and the highest number that was given to a file.
 * False: it is none. */
bool mbsync_validity_parse(struct span text, uint64_t *out, uint64_t *count);

/* The UID in a name, behind ",U="; 0: none. */
uint32_t mbsync_file_uid(const char *file);

#endif
