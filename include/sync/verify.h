/*
 * Holds the index of an account against its Maildir, then against the server,
 * and tells every difference in words. Blocking; changes nothing on any side
 * but where it is asked to repair, and needs no lock: what a sync at work
 * changes meanwhile is looked at anew.
 */
#ifndef SYNC_VERIFY_H
#define SYNC_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct conf_account;

enum sync_finding_class {
	FINDING_DAMAGE,		/* no sync puts it right, or it contradicts what
				   was agreed on */
	FINDING_FOREIGN,	/* nothing of ours, and left alone */
	FINDING_CHANGED,	/* since the last sync: the next one sees to it
				   */
};
/* Texts are borrowed. */
struct sync_finding {
	enum sync_finding_class class;
	const char *kind;	/* a word for programs: "file-content" */
	const char *folder;	/* NULL: it is about the account */
	uint32_t uid;		/* 0: none */
	const char *unique;	/* of a file; NULL: none */
	const char *is, *should, *remedy;
};

struct sync_verify_request {
	/* Folders that match one of these; n_glob 0: all. */
	const char *const *glob;
	size_t n_glob;
	/* The part-th of so many parts of the messages; parts 0: all of them.
	 * A message stays in its part. */
	unsigned part, parts;
	/* No further message after so many; 0: no end. Then it begins at a
	 * folder and a message by chance; the server gets half of it, and what
	 * the disk left. */
	int64_t seconds;
	bool offline;		/* without the server */
	/* Put right what loses nothing; then it takes the locks of a sync. */
	bool repair;
};
struct sync_verified {
	uint64_t folders;	/* that were looked at, the last one maybe not
				   to its end */
	uint64_t messages;	/* the same: rows, and files without one */
	uint64_t bodies;	/* of the server, that were compared */
	bool online;		/* the server was asked */
	uint64_t damaged, foreign, changed;
	uint64_t repaired;	/* of what is damaged */
	bool stopped;		/* for want of time */
	uint64_t total;		/* messages that there are on disk, or in the
				   part; 0: not known */
	bool never;		/* there is no index yet */
};
struct sync_verify_visit {
	void *arg;
	void (*finding)(void *arg, const struct sync_finding *);
	/* is: what was done about a finding of that kind; no more is set. */
	void (*repaired)(void *arg, const struct sync_finding *);
	/* How far it is; total 0: not known. */
	void (*progress)(void *arg, const char *what, uint64_t done,
	    uint64_t total);
	struct sync_verified outcome;
};
/* ERR_BUSY: the index is one of an older version; or a repair is asked for, and
 * a sync is at work. Whatever fails, what was told
 * stands, and outcome counts it. */
int sync_verify(const struct conf_account *, const char *state_dir,
    const struct sync_verify_request *, struct sync_verify_visit *,
    struct err *);

#endif
