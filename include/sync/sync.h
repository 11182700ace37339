/*
 * One run of one account: observe both sides, reconcile, apply, record (design
 * section 2). Accounts run side by side on one loop. sync never prints; what
 * happens goes to the callbacks, on the loop's thread.
 */
#ifndef SYNC_SYNC_H
#define SYNC_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct conf_account;
struct loop;

struct sync_options {
	bool dry_run;		/* say what would be done, do nothing to mail */
	bool full;		/* trust no shortcut */
	bool adopt;		/* this Maildir is meant to be this account's */
	bool force_deletes;	/* carry out removals that the guard holds */
	bool undo_deletes;	/* restore what would be removed, instead */
	/* Only folders that match one of these (conf_pattern_matches); n 0: all. */
	const char *const *glob;
	size_t n_glob;
	const char *state_dir;	/* where ACCOUNT.db lies; NULL: the default */
};

enum sync_op {
	SYNC_PULL, SYNC_PUSH, SYNC_FLAG_LOCAL, SYNC_FLAG_REMOTE,
	SYNC_REMOVE_LOCAL, SYNC_REMOVE_REMOTE,
	SYNC_MAKE_LOCAL, SYNC_MAKE_REMOTE, SYNC_DROP_LOCAL, SYNC_DROP_REMOTE,
};
const char *sync_op_name(enum sync_op);	/* "pull", "push", ... */

/* An operation that was done (or, in a dry run, would be). */
struct sync_done {
	enum sync_op op;
	const char *folder;
	uint32_t uid;		/* 0: none */
	const char *unique;	/* or NULL */
	const char *detail;	/* "+\Seen -Junk", or "" */
};

struct sync_callbacks {
	void *arg;
	void (*done)(void *arg, const char *account, const struct sync_done *);
	/* Something that the user should read: held, refused, set aside. */
	void (*note)(void *arg, const char *account, const char *sentence);
	void (*progress)(void *arg, const char *account, const char *what,
	    uint64_t done, uint64_t total);
};

struct sync_side {
	uint64_t new, flags, deleted, moved, copied, folders;
};

struct sync_result {
	struct sync_side pulled, pushed;
	uint64_t pending;	/* dirty rows left */
	uint64_t held;		/* of them, or folders, waiting for the user */
	uint64_t round_trips, bytes_in, bytes_out, fsyncs;
	double seconds;
	struct err err;		/* what ended the run early; ERR_NONE else */
	int exit;		/* design section 8 */
};

struct sync;

/* The account must live until loop_run has returned. Several may be started. */
struct sync *sync_start(struct loop *, const struct conf_account *,
    const struct sync_options *, const struct sync_callbacks *);
const struct sync_result *sync_result(const struct sync *);	/* after loop_run */
void sync_free(struct sync *);

/*
 * Without the network: scans the Maildir and tells what a sync would push, what
 * the last one left over and what is held, through the callbacks. Blocking.
 * *busy_out: a sync is at work, so only what the index knew is told.
 */
struct sync_status {
	uint64_t outgoing;	/* operations told through done */
	uint64_t incoming;	/* known on the server, not pulled yet */
	uint64_t held;
	int64_t last_sync;	/* wall-clock seconds of the last clean end; 0: never */
	bool busy;
};
int sync_status(const struct conf_account *, const struct sync_options *,
    const struct sync_callbacks *, struct sync_status *out, struct err *);

/* $XDG_STATE_HOME/mailtern or ~/.local/state/mailtern; caller frees. */
char *sync_state_dir(struct err *);

#endif
