/* What the parts of verify share (sync/verify.h). */
#ifndef SYNC_RUN_INSPECT_H
#define SYNC_RUN_INSPECT_H

#include "core/run.h"
#include "plan/verify.h"
#include "sync/verify.h"

/* A file that does not hold its message, as it was when it was read. */
struct noted_file {
	int64_t place;
	struct file_hint hint;
	enum verify_kind kind;
};

/* Of the index, and to be repaired when its tables are not read any more. */
struct flawed_folder {
	int64_t folder;
	enum verify_kind kind;
};

struct inspection {
	struct account *account;	/* conf, index and Maildir */
	struct run run;		/* of the same, for what wants one */
	const struct sync_verify_request *request;
	struct sync_verify_visit *visit;
	struct sync_verified *out;
	uint64_t until, end;	/* clock_mono_ms; 0: no end. Until then the
				   disk is read */
	bool fetching;		/* bodies; else files are read */
	bool on_disk;		/* there is a Maildir to hold against it */
	bool current;		/* and it is as the last sync left it */
	bool other_server;	/* than that of which the index speaks */
	/* Of the index, by name; begins at a random one where time is short. */
	struct index_folder *folder;
	size_t n_folder, first;
	/* What is asked to be repaired, may be: the locks are held, and the
	 * Maildir is as the last sync left it. */
	bool repairs;
	struct flawed_folder *flawed;
	size_t n_flawed, cap_flawed;
	struct noted_file *noted;
	size_t n_noted, cap_noted;
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
/* There is time for another message; tells how far it is. */
bool inspect_goes_on(struct inspection *);
/* The place behind which to begin: 0, or where time is short, any. */
int inspect_begin_at(struct inspection *, int64_t *out, struct err *);

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
