/*
 * A file of sections, keys and values as Python's ConfigParser reads it: "key =
 * value" or "key: value", lines that begin with a blank go on with the value
 * above, "#" and ";" begin lines that are comments, "%%" is a per cent sign.
 */
#ifndef IMPORT_INI_H
#define IMPORT_INI_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct ini_line {
	unsigned number;	/* in the file, from 1 */
	char *section;
	char *key;		/* lower case */
	char *value;		/* without blanks around it */
};

struct ini {
	struct ini_line *line;
	size_t n, cap;
};

/* path is for sentences alone. ERR_CONFIG: it is none, or a value refers to
 * another one. */
int ini_parse(struct span text, const char *path, struct ini *out,
    struct err *);
void ini_release(struct ini *);		/* zeroed is fine */

/* Also where it stands in [DEFAULT]; NULL: nowhere. */
const struct ini_line *ini_find(const struct ini *, const char *section,
    const char *key);

#endif
