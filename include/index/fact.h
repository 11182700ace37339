/* What was learned of a server (folder 0) or of one of its folders: numbers by
 * name. They are hints, and go with the index. */
#ifndef INDEX_FACT_H
#define INDEX_FACT_H

#include "index/index.h"

/* 0 where nothing is known. */
int index_fact_get(struct index *, int64_t folder, const char *name,
    int64_t *out, struct err *);
/* 0 also where it was set more than so many seconds ago. */
int index_fact_get_fresh(struct index *, const char *name, int64_t seconds,
    int64_t *out, struct err *);
/* In a transaction. 0 forgets it. */
int index_fact_set(struct index *, int64_t folder, const char *name,
    int64_t value, struct err *);
/* Calls fact for each whose name begins so, of the folders, by their ids, until
 * it returns -1; it changes none. */
struct index_fact {
	int64_t folder;
	const char *name;	/* behind the prefix */
	int64_t value, at;	/* at: when it was set, seconds */
};
struct index_fact_visit {
	int (*fact)(void *arg, const struct index_fact *, struct err *);
	void *arg;
};
int index_facts(struct index *, const char *prefix,
    const struct index_fact_visit *, struct err *);

#endif
