/* What was learned of a server (folder 0) or of one of its folders: numbers by
 * name. They are hints, and go with the index. */
#ifndef INDEX_FACT_H
#define INDEX_FACT_H

#include "index/index.h"

/* 0 where nothing is known. */
int index_fact_get(struct index *, int64_t folder, const char *name,
    int64_t *out, struct err *);
/* In a transaction. 0 forgets it. */
int index_fact_set(struct index *, int64_t folder, const char *name,
    int64_t value, struct err *);

#endif
