/* Folders and their cursors. */
#ifndef INDEX_FOLDER_H
#define INDEX_FOLDER_H

#include "index/index.h"

struct index_folder {
	int64_t id;			/* 0: not in the index yet */
	char *name;			/* UTF-8, '/' between; unique */
	char *raw;			/* on the wire; NULL: not there yet */
	char *path;			/* below the root; unique */
	bool base, local, remote;	/* the three states: it is there */
	/* Cursor of the server's side: what was received and stored. */
	uint64_t uidvalidity;		/* 0: never seen */
	uint32_t uidnext, exists;
	uint64_t modseq;		/* 0: none */
	bool read_only, permanent_any;
	unsigned permanent;		/* FLAG_* the server can store */
	char *permanent_keywords;	/* canonical */
	/* Stamps of the last complete scan, ns; 0: none. */
	int64_t new_mtime, cur_mtime;
	int64_t last_full;		/* seconds: last full enumeration */
	int64_t scanned;		/* seconds: when it began; 0: these are
					   the stamps of our own changes */
	/* Seconds: when a scan began that compared every file with what is
	 * recorded of it; 0: the next one has to. */
	int64_t looked;
	char *mailbox_id;		/* MAILBOXID or X-GUID; NULL: unknown */
};

void index_folder_release(struct index_folder *);

/* All, sorted by name; freed by index_folders_free. */
int index_folders(struct index *, struct index_folder **out, size_t *n_out,
    struct err *);
void index_folders_free(struct index_folder *, size_t n);
/* Inserts (id 0, then set) or updates. */
int index_folder_put(struct index *, struct index_folder *, struct err *);
/* Forgets it and all its places. */
int index_folder_drop(struct index *, int64_t id, struct err *);

/* Numbers of the account or, with folder not 0, of one folder. */
struct index_counts {
	uint64_t local, remote;		/* places present on that side */
	uint64_t paired;		/* base present */
	uint64_t unpaired_local;	/* on disk alone, and without base */
	uint64_t dirty;
};
int index_counts(struct index *, int64_t folder, struct index_counts *out,
    struct err *);
/*
 * How many places of a folder are present on the server. tally: from what is
 * kept up with each change; recount: by counting them, which sets the tally
 * right should it ever be wrong.
 */
int index_tally(struct index *, int64_t folder, uint64_t *out, struct err *);
int index_recount(struct index *, int64_t folder, uint64_t *out, struct err *);
/* Only the dirty ones: the cost is theirs, not that of the folder. */
int index_dirty(struct index *, int64_t folder, uint64_t *out, struct err *);
/* No row of the folder is dirty, and none was missed by the last scan. */
int index_is_calm(struct index *, int64_t folder, bool *out, struct err *);

#endif
