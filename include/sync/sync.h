/*
 * Accounts and their runs. A run observes both sides, reconciles, applies and
 * records (design section 2). Accounts run side by side on one loop; each keeps
 * its connection, index and lock from one run to the next. sync never prints;
 * what happens goes to the callbacks, on the loop's thread.
 */
#ifndef SYNC_SYNC_H
#define SYNC_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct conf;
struct conf_account;
struct loop;
struct task;

struct sync_options {
	bool dry_run;		/* say what would be done, do nothing to mail */
	bool full;		/* trust no shortcut */
	bool adopt;		/* this Maildir is meant to be this account's */
	bool force_deletes;	/* carry out removals that the guard holds */
	bool undo_deletes;	/* restore what would be removed, instead */
	bool quiet;		/* tell only items that are due */
	/* Only folders that match one of these (conf_pattern_matches); n 0:
	 * all. */
	const char *const *glob;
	size_t n_glob;
};

enum sync_op {
	SYNC_PULL, SYNC_PUSH, SYNC_FLAG_LOCAL, SYNC_FLAG_REMOTE,
	SYNC_REMOVE_LOCAL, SYNC_REMOVE_REMOTE,
	SYNC_MOVE_REMOTE, SYNC_COPY_REMOTE,	/* folder is where it went,
						   detail where from */
	SYNC_MAKE_LOCAL, SYNC_MAKE_REMOTE, SYNC_DROP_LOCAL, SYNC_DROP_REMOTE,
	SYNC_RENAME_LOCAL, SYNC_RENAME_REMOTE,	/* folder is the new name,
						   detail the old */
};
const char *sync_op_name(enum sync_op);	/* "pull", "push", ... */

/* An operation that was done (or, in a dry run, would be). */
struct sync_done {
	enum sync_op op;
	const char *folder;
	uint32_t uid;		/* 0: none */
	const char *unique;	/* or NULL */
	const char *detail;	/* "+\Seen -Junk", or "" */
	/* Of the message, where only told is what would be done; NULL. */
	const char *subject, *sender;
};

/*
 * What was refused, skipped or held, and needs the user. It is told by every
 * run until it is settled or ignored.
 */
struct sync_item {
	int64_t id;		/* for sync_ignore; 0: it is not kept */
	const char *folder;	/* NULL: the account */
	const char *text;	/* a sentence */
	int64_t first, last;	/* seconds since 1970: it was met */
	int64_t next;		/* not tried before; 0: by the next run */
	uint32_t tries;		/* of a message; 0: about something else */
	bool ignored;		/* told by sync_status only */
	bool due;		/* new, changed, or not told for a day */
	/* Not an item, but how many others of the folder are not told one by
	 * one; text and the rest are unset. */
	uint64_t more;
};

struct sync_callbacks {
	void *arg;
	void (*done)(void *arg, const char *account, const struct sync_done *);
	/* Something that is good to know: merged, set aside. */
	void (*note)(void *arg, const char *account, const char *sentence);
	/* At the end of the run. */
	void (*item)(void *arg, const char *account, const struct sync_item *);
	void (*progress)(void *arg, const char *account, const char *what,
	    uint64_t done, uint64_t total);
};

struct sync_side {
	uint64_t new, flags, deleted, moved, copied, folders;
};

struct sync_result {
	struct sync_side pulled, pushed;
	uint64_t pending;	/* dirty rows left, but for ... */
	uint64_t held;		/* ... rows and folders that items are about;
				   what is ignored is in neither */
	uint64_t round_trips, bytes_in, bytes_out, fsyncs;
	double seconds;
	struct err err;		/* what ended the run early; ERR_NONE else */
	bool err_is_item;	/* it needs the user, and is among the items */
	bool tells;		/* an item is due that -q names, whatever exit
				   is */
	int exit;		/* design section 8 */
};

/* What can't be told before it is read whole: names that only the engine knows.
 * ERR_CONFIG like conf_load. */
int sync_check(const struct conf *, struct err *);

struct account;

/* An account for runs on that loop. What is borrowed must live until sync_free.
 * state_dir: where ACCOUNT.db lies; NULL: the default. */
struct account *sync_open(struct loop *, const struct conf_account *,
    const char *state_dir);
/* Begins a run; none must be under way. waiter is held, and woken when it has
 * ended; NULL: nobody. What ended it early has closed the account's connection
 * and index, which the next run opens anew. */
void sync_run(struct account *, const struct sync_options *,
    const struct sync_callbacks *, struct task *waiter);
bool sync_is_running(const struct account *);
/* Of the last run, when it has ended. */
const struct sync_result *sync_result(const struct account *);
/* No more runs: all is closed at the end of the one that is under way, or now.
 * The loop goes on until that is done. */
void sync_close(struct account *);
void sync_free(struct account *);	/* after loop_run */

/*
 * Without the network: scans the Maildir and tells what a sync would push, what
 * the last one left over and what is held, through the callbacks. Blocking.
 * *busy_out: a sync is at work, so only what the index knew is told.
 */
struct sync_status {
	uint64_t outgoing;	/* operations told through done */
	uint64_t incoming;	/* known on the server, not pulled yet */
	uint64_t held, ignored;	/* items told through item */
	int64_t last_sync;	/* wall-clock seconds of the last clean end; 0:
				   never */
	bool busy;
};
int sync_status(const struct conf_account *, const char *state_dir,
    const struct sync_callbacks *, struct sync_status *out, struct err *);

/*
 * The item is settled until it changes. found: the account has it. look_only:
 * only that is wanted; works while a sync runs, else ERR_BUSY.
 */
struct sync_ignored {
	int64_t id;
	bool look_only;
	bool found;		/* the outcome */
};
int sync_ignore(const struct conf_account *, const char *state_dir,
    struct sync_ignored *, struct err *);

#endif
