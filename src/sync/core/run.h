/*
 * What a sync works on: the account, which a process that stays keeps, and the
 * run, one sync of it. What happens is told through report.h.
 */
#ifndef SYNC_CORE_RUN_H
#define SYNC_CORE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "core/folder.h"
#include "core/past.h"
#include "core/report.h"
#include "imap/session.h"
#include "index/content.h"
#include "index/index.h"
#include "index/place.h"
#include "loop/lane.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "maildir/maildir.h"
#include "sync/sync.h"

#define OWNER_OF(p, type, member) \
	((type *)(void *)((char *)(p) - offsetof(type, member)))

struct connections;
struct copies;
struct login;
struct phases;
struct prescan;
struct pull;
struct pull_batch;
struct passes;

/* A connection to the server, and the task whose passes use it. */
struct conn {
	struct account *account;
	struct task *task;
	struct imap_session *session;	/* NULL: not yet, or closed */
	struct imap_stats counted;	/* of it, in the results of runs */
	int64_t first;		/* the folder that it was used for, ... */
	bool mixed;		/* ... and there were others since */
	unsigned risked;	/* commands answered that might have cost it */
	unsigned lost_caps;	/* the last one was lost where it made use of
				   these */
};

/* What it did since it was last counted is added to the run's result. */
void conn_count(struct conn *);

/* Ends the connection at once: what waits for it completes with an error. For
 * whoever fails while the server still sends. */
void conn_cut(struct conn *);
/* With a LOGOUT when polite. */
void conn_close(struct conn *, bool polite);

/* What stays from run to run. */
struct account {
	struct task task;	/* a root; what is open belongs to it */
	const struct conf_account *conf;
	const char *state_dir;	/* where the index lies; NULL: the default */
	struct lane *index_lane;	/* the only user of ix; scans too */
	struct lane *disk_lane;	/* deliveries, sources, renames, unlinks */
	struct lane *sync_lane;	/* what was delivered is made durable, while
				   the disk lane writes on */

	/* The loop's. */
	struct conn main;	/* the connection that always is there */
	struct login *login;	/* how to get more of them; NULL: not yet */
	struct run *run;	/* under way; NULL: none */
	struct sync_result result;	/* of the last one */
	bool closing;		/* no run comes any more */
	bool closed;		/* nothing is open */
	struct job close_job;

	/* The index lane's, but for reading while a job of a flow that needs
	 * it is awaited. */
	struct index *ix;	/* NULL: not open */
	struct maildir md;
	enum maildir_root root_state;
	char root_id[33], token[33];
	bool unclaimed;		/* the root gets its marker at the login */
	char *known_namespace;	/* what the server answered before; NULL */
	bool adopted;		/* a run has uploaded unhindered: first runs
				   are guarded, this is none any more */
};

/* ACCOUNT.db in the state directory. Caller frees; NULL: err is set. */
char *account_index_path(const struct account *, struct err *);
/* Without a sync: one that is not there is not made (ERR_STALE). out is as
 * index_open leaves it. */
int account_open_index(struct account *, enum index_open_as,
    struct index_open_result *out, struct err *);

/* Batches of several folders that wait to be made durable together. */
struct pull_group {
	struct pull_batch *batch[LANE_GROUP];
	unsigned n;
	uint64_t bytes;
	unsigned coming;	/* folder tasks that may bring one more */
};

/* What earlier runs learned of the server itself: for a month, and as long as
 * it stays the same. */
struct server_facts {
	uint64_t identity;	/* of imap_session_identity; 0: not known */
	unsigned way;		/* to log in, that worked: enum imap_mech */
	unsigned caps_once;	/* offered in vain in one session, */
	unsigned caps_off;	/* and in two: not to be asked for */
};

/* Messages have an X-GUID? Asked anew after a month. */
enum guid { GUID_UNASKED, GUID_KNOWN, GUID_NONE };

/* What this server's hints are worth. Written by the index lane, and read by
 * the loop, which sees the one or the other. */
struct learned {
	_Atomic bool sizes_inexact;	/* RFC822.SIZE is an estimate */
	_Atomic bool sizes_vary;	/* and another one each time */
	_Atomic bool dates_vary;	/* so is INTERNALDATE: it is made up */
	_Atomic bool sizes_quirk;	/* known without learning it */
	unsigned sizes_wrong;	/* of the last hundred bodies or so */
	_Atomic bool rewrites;	/* what it is given comes back altered */
	unsigned uploads_right;	/* UIDs that it told and that were proven ... */
	bool uploads_wrong;	/* ... and one was not */
	unsigned told_flags;	/* that it was told of (lacking.c) */
	int64_t guid;		/* enum guid */
	struct server_facts server;
};

/* One sync. */
struct run {
	struct task task;	/* a child of the account's */
	struct account *account;
	struct task *waiter;	/* woken when it has ended; NULL: nobody */
	struct sync_options opt;
	const struct passes *passes;	/* that carry out, or only tell */
	const struct passes *passes_later;	/* when all is paired */
	struct report report;
	uint64_t fsyncs_before, ms_begun;
	struct past past;	/* earlier attempts of it */

	/* Of the account, for short. ix and md are the index lane's. */
	const struct conf_account *conf;
	struct lane *index_lane, *disk_lane, *sync_lane;
	struct index *ix;
	struct maildir *md;

	/* Made on the index lane, by one job, before anything else is at work;
	 * then the array stays as it is. */
	struct folder *folder;
	size_t n_folder, cap_folder;

	/* The loop's. */
	bool logged_in;		/* once at least */
	struct server_facts met;	/* by this run; caps_once: in vain */
	struct phases *phases;		/* phases.c's own */
	struct task *phase;	/* at work; what wakes the run wakes it */
	struct imap_list *list;		/* what the server has */
	struct prescan *prescan;
	struct copies *copies;	/* new files that the server need not be sent;
				   NULL: not known yet */
	struct connections *connections;	/* beside the main one */
	struct pull *pulls;		/* those under way */
	struct pull_group pull_group;
	uint64_t over_quota;	/* octets that were refused so; 0: none */
	unsigned groups_refused;	/* APPENDs of several messages */

	bool pairs_only;	/* first; adoption.c */
	bool held;		/* and nothing else is carried out */

	/* Jobs on the index lane. */
	char *foreign;		/* another program's traces, in words; NULL */
	bool read_only;		/* the index may not be written: status */
	bool marked;		/* this run has its own token */
	bool merged;		/* and another round was made for that */
	bool undone;		/* its removals were; nothing else goes */
	bool seeks_all;		/* for folders, whatever their numbers say */
	uint64_t removals;	/* that reconcile asks for */
	uint64_t lacking[2];	/* files missed by the first, second scan */
	struct learned learned;
	uint64_t held_uploads;	/* one issue stands for all of them */
	uint64_t guarded_local, guarded_remote;	/* removals that wait; so, too
						   */

	/* Either, one after the other. */
	bool merging;	/* the server is not what it was: nothing goes */
	bool hold_push, hold_remove_local, hold_remove_remote;
};

#endif
