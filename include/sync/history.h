/*
 * What mailtern did to an account, told; and what it removed, taken back.
 * Blocking, and without the network.
 */
#ifndef SYNC_HISTORY_H
#define SYNC_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct conf_account;

/* One change. Texts are never NULL, but for unique, and borrowed. */
struct sync_log_entry {
	int64_t id, at, run;	/* run 0: not known */
	const char *what, *folder;
	uint32_t uid;		/* 0: none */
	const char *unique;	/* of its file; NULL: none */
	const char *message_id, *subject, *sender;	/* "": not known */
	const char *flags;	/* in words of IMAP, that the message had */
	const char *detail;	/* what changed */
	const char *why;
	bool removal;		/* of a message, which can be restored */
};

/* Which of them: all of it must hold; zeroed: all. */
struct sync_log_query {
	int64_t after;		/* ids above it */
	int64_t since;		/* at that time or later; 0: whenever */
	bool removed;		/* removals only */
	const char *message_id;	/* NULL: any */
	const char *const *glob;	/* folders that match one; n_glob 0:
					   all */
	size_t n_glob;
};

/* Calls entry for each, in order. Also while a sync is at work. */
struct sync_log_visit {
	void *arg;
	void (*entry)(void *arg, const struct sync_log_entry *);
	/* The outcome: what there was before; 0: none. */
	int64_t oldest, newest;
};
int sync_log(const struct conf_account *, const char *state_dir,
    const struct sync_log_query *, struct sync_log_visit *, struct err *);
/*
 * What changes when the log may have: a reader that goes on behind an id asks
 * this before it opens the index again. It never is the same within the two
 * seconds after a change.
 */
int sync_log_stamp(const struct conf_account *, const char *state_dir,
    uint64_t *out, struct err *);

/*
 * What is to be taken back: the removals that these entries tell of; else all
 * those of a run, or since a time, in the folders that match; but of these not
 * what lies in another folder now, as it was filed, and not deleted.
 */
struct sync_restore_request {
	const int64_t *id;
	size_t n_id;
	int64_t run, since;
	const char *const *glob;
	size_t n_glob;		/* 0: all folders */
	bool dry_run;		/* only tell */
};
enum sync_restored_as {
	RESTORED,		/* (or would be): file is its name */
	RESTORE_THERE,		/* the folder has it: file is that */
	RESTORE_FILED,		/* another folder has it: from */
	RESTORE_LOST,		/* no copy of it is kept */
};
struct sync_restored {
	int64_t id;		/* of the entry */
	enum sync_restored_as as;
	const char *folder, *message_id, *subject, *sender;
	const char *file;	/* NULL: none, or not known before it is made */
	const char *from;	/* path below the root; NULL: none */
};
struct sync_restore_visit {
	void *arg;
	void (*restored)(void *arg, const struct sync_restored *);
};
/*
 * Copies the bytes to a new file of the folder, with the flags that the message
 * had but for the mark of deletion. It is a new message then, which the next
 * sync uploads. ERR_USAGE: there is no such entry; ERR_BUSY: a sync is at work
 * (not for a dry run); ERR_HELD: the Maildir is not as the last sync left it.
 */
int sync_restore(const struct conf_account *, const char *state_dir,
    const struct sync_restore_request *, const struct sync_restore_visit *,
    struct err *);

#endif
