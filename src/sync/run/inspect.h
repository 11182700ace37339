/* What the parts of verify share (sync/verify.h). */
#ifndef SYNC_RUN_INSPECT_H
#define SYNC_RUN_INSPECT_H

#include "core/run.h"
#include "plan/verify.h"
#include "sync/verify.h"

struct inspection {
	struct account *account;	/* conf, index and Maildir */
	const struct sync_verify_request *request;
	const struct sync_verify_visit *visit;
	struct sync_verified *out;
	uint64_t until;		/* clock_mono_ms; 0: no end */
	bool on_disk;		/* there is a Maildir to hold against it */
	bool other_server;	/* than that of which the index speaks */
	/* Of the index, by name; begins at a random one where time is short. */
	struct index_folder *folder;
	size_t n_folder, first;
};

/* A finding, and what it is about. */
struct found {
	const char *folder, *unique;	/* NULL: none */
	uint32_t uid;			/* 0: none */
	const char *met;		/* follows the words; NULL: nothing */
};
void inspect_tell(struct inspection *, enum verify_kind, const struct found *);
/* In the part that is asked for. */
bool inspect_wants(const struct inspection *, const char *folder,
    const char *unique, uint32_t uid);
/* In the folders that are. */
bool inspect_wants_folder(const struct inspection *, const char *name);
/* There is time for another message. */
bool inspect_goes_on(struct inspection *);

/* inspect_index.c: the index as such. 1: nothing can be read of it. */
int inspect_index(struct inspection *, struct err *);
/* inspect_root.c: the Maildir as such, its directories, and the attic. */
int inspect_root(struct inspection *, struct err *);
int inspect_directories(struct inspection *, struct err *);
int inspect_attic(struct inspection *, struct err *);
/* inspect_folder.c: a folder's rows and files, each with the other. */
int inspect_folder(struct inspection *, const struct index_folder *,
    struct err *);

/* inspect_remote.c: the index and the server. */
int inspect_remote(struct inspection *, struct err *);

#endif
