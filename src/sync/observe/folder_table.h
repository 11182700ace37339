/* Finds folders of a run by name, and by path, while they are being loaded. */
#ifndef SYNC_OBSERVE_FOLDER_TABLE_H
#define SYNC_OBSERVE_FOLDER_TABLE_H

#include "core/run.h"

/* Fact of the server: are names that differ in case names of one folder? */
#define FACT_FOLDS	"names-fold"
enum { NAMES_UNKNOWN, NAMES_FOLD, NAMES_APART };

struct folder_slots {
	size_t *slot;		/* place in run->folder, from 1; 0: free */
	size_t n, cap;
};

struct folder_table {
	const struct run *run;
	bool folds;		/* the file system: Work and work are one */
	struct folder_slots name, path, raw;
};

/* All that the run has so far. */
void folder_table_init(struct folder_table *, const struct run *, bool folds);
/* The i-th of them is new, or has another path. */
void folder_table_add(struct folder_table *, size_t i);
void folder_table_release(struct folder_table *);

/* As the server writes it. */
struct folder *folder_by_raw(const struct folder_table *, const char *raw);
/* The server's other folder whose name differs in case only. */
struct folder *folder_twin(const struct folder_table *,
    const struct folder *);
/* The one of that name, where case does not count; name itself first. */
struct folder *folder_by_folded(const struct folder_table *,
    const char *name);
/* Octet by octet; paths as the file system takes them. NULL: there is none. */
struct folder *folder_by_name(const struct folder_table *, const char *name);
struct folder *folder_by_path(const struct folder_table *, const char *path);

#endif
