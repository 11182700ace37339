/* What the files of a restore share. */
#ifndef SYNC_RUN_RESTORE_H
#define SYNC_RUN_RESTORE_H

#include "core/run.h"
#include "maildir/attic.h"
#include "sync/history.h"

/* A file of the attic whose name is the message's. */
struct attic_copy {
	char *day, *dir, *file;
	char *folder;		/* path; NULL: of several */
	bool alias;		/* that of another message, which held the same
				   when it was removed */
};

/* A message that is to be taken back. */
struct wanted {
	int64_t id, content;	/* content 0: known by its name alone; or ... */
	bool has_digest;	/* ... by what is in the attic under it */
	uint8_t digest[32];
	unsigned flags;
	char *keywords, *folder, *unique;
	char *message_id, *subject, *sender;
	struct attic_copy *copy;
	size_t n_copy, cap_copy;
	unsigned n_alias;
};

struct restore {
	struct run *run;
	const struct sync_restore_request *request;
	const struct sync_restore_visit *visit;
	struct wanted *wanted;	/* by folder, and by content therein */
	size_t n, cap;
	int64_t newest;		/* place before it began: none of its own */
	bool changed;		/* the root has this run's token */
};

/*
 * restore_find.c: what is wanted, once each, and where the attic has it.
 * ERR_USAGE: one of the entries is not there, or tells of no removal.
 */
int restore_find(struct restore *, struct err *);
void restore_release(struct restore *);
/* restore_attic.c: where it has what is wanted. The log of version 6 says
 * nothing of contents: then that comes from there. */
int restore_find_copies(struct restore *, struct err *);

/* restore_file.c: a message's bytes, open for reading. */
struct restore_source {
	int fd;			/* -1: there is none */
	char *from;		/* path below the root */
	unsigned flags;		/* that its name tells ... */
	const char *letters;	/* ... with these, as they stand; borrowed */
	bool is_own;		/* it is the message's own name */
};
/* The next one behind those that were tried; false: no more of them. */
struct restore_search {
	const struct wanted *w;
	size_t tried;		/* of the attic, twice: own names first */
	struct place file[16];	/* those that are in folders */
	int n_file, at_file;
};
int restore_search_begin(struct restore *, const struct wanted *,
    struct restore_search *, struct err *);
void restore_search_end(struct restore_search *);
bool restore_search_next(struct restore *, struct restore_search *,
    struct restore_source *out);
void restore_source_close(struct restore_source *);
/* Names are unique; but without a content nothing else would tell. */
bool restore_can_be(const struct restore *, const struct wanted *,
    const struct attic_copy *);
/* The message's folder has it, under that name; it lies elsewhere, and is not
 * deleted. Caller frees; NULL: no. */
char *restore_is_there(struct restore *, const struct restore_search *);
char *restore_is_filed(struct restore *, const struct restore_search *);

#endif
