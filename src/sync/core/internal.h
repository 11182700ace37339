/* What the flows of one account share. Nobody outside src/sync sees this. */
#ifndef SYNC_CORE_INTERNAL_H
#define SYNC_CORE_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "imap/box.h"
#include "imap/list.h"
#include "imap/open.h"
#include "imap/session.h"
#include "index/content.h"
#include "index/folder.h"
#include "index/index.h"
#include "index/item.h"
#include "index/place.h"
#include "loop/lane.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "maildir/deliver.h"
#include "maildir/maildir.h"
#include "maildir/scan.h"
#include "maildir/store.h"
#include "plan/message.h"
#include "sync/sync.h"

#define OWNER_OF(p, type, member) \
	((type *)(void *)((char *)(p) - offsetof(type, member)))

/* How many rows one job takes through the index at most. */
#define SYNC_ROWS	500

/* A note stands for all that waits in its folder. */
#define ALL_ROWS	UINT64_MAX

/* What this run saw of a folder, for the log of removals. */
struct proof {
	int64_t scanned[2];	/* when complete scans began, seconds; 0: none */
	bool full;		/* the server listed it in full, ... */
	uint64_t listed;	/* so many; */
	uint64_t vanished;	/* or told so many as gone */
};

/* One folder during a run: its row and what this run learned. */
struct folder {
	struct index_folder row;	/* the loop's copy; jobs write it back */
	struct imap_folder listed;	/* numbers of LIST-STATUS; name, raw: NULL */
	bool inside;		/* of folders = */
	bool chosen;		/* and of the command line's globs */
	bool trashy;		/* Trash or Junk by special use: the guard looks away */
	bool local_seen;	/* the walk over the root came by */
	bool local_broken;	/* has some of cur, new, tmp: held */
	bool local_changed;	/* the scan wrote something */
	bool missing;		/* the first scan lacked files */
	bool unseen_remote;	/* gone here, it holds messages never seen */
	bool unseen_local;	/* it holds files that the server never had */
	bool verify;		/* the server's side is to be listed in full */
	bool owed;		/* it was read-only, and something waits for that
				   to change */
	bool observed;		/* the server's side was looked at in this run */
	uint32_t unpulled;	/* highest UID that was not pulled; 0: none,
				   UINT32_MAX: any may be */
	uint64_t dirty;		/* rows, when last counted */
	bool only_pulls;	/* nothing but a pull is to be done for them */
	uint64_t remove_local, remove_remote;	/* that reconcile asks for */
	bool unsettled;		/* the sum did not close: removals wait */
	bool failed;		/* this folder is out of the game for this run */
	struct err *fault;	/* why, when its directories are */
	bool may_push;		/* first-run hold is not on */
	bool remote_gone;	/* LIST lacked it; not believed yet */
	struct proof proof;
	uint32_t transferred_next;	/* above the UIDs that copies got in this run */
	bool look_again;	/* messages were appended whose UID is not known */
	bool undone;		/* removals of it were undone: one more turn */
};

struct picked;

/* What this run found to be said (issues.c). */
struct issue {
	enum index_item_kind kind;
	size_t folder;		/* of a->box; SIZE_MAX: the account */
	uint64_t rows;		/* dirty ones that wait because of it */
	const uint64_t *all_rows;	/* or where their number stands */
	char *text;
	struct sync_item item;	/* when it was looked up */
};

/* A sentence that work on the index lane leaves behind. */
struct report_later {
	char *text;
	bool held;		/* it becomes a note */
	const uint64_t *rows;	/* where it stands how many rows wait, or NULL */
};

struct issues {
	struct issue *issue;	/* the loop's, until sealed */
	size_t n_issue, cap_issue;
	uint64_t unlisted;	/* notes beyond what is kept */
	bool sealed;		/* the index lane has it now */
	struct sync_item *listed;	/* the outcome; folder and text are owned */
	size_t n_listed, cap_listed;
	/* The index lane's. */
	bool any;		/* there may be items in the index */
	bool settled;
	int64_t run;		/* number of this run */
	int64_t begun;
};

/* A connection to the server, and the task whose passes use it. */
struct conn {
	struct account *a;
	struct task *task;
	struct imap_session *session;	/* NULL: not yet, or closed */
};

struct pull_batch;

/* Batches of several folders that wait to be made durable together. */
struct pull_group {
	struct pull_batch *batch[LANE_GROUP];
	unsigned n;
	uint64_t bytes;
};

struct account {
	struct task task;
	const struct conf_account *conf;
	struct sync_options opt;
	struct sync_callbacks cb;
	struct sync *handle;
	struct sync_result *result;

	struct lane *index_lane;	/* the only user of ix; scans too */
	struct lane *disk_lane;		/* deliveries, sources, renames, unlinks */
	struct lane *sync_lane;		/* what was delivered is made durable, while
					   the disk lane writes on */
	struct index *ix;
	struct maildir md;
	enum maildir_root root_state;
	struct pull_group pull_group;
	struct conn main;	/* the one that always is there */

	struct folder *folder;
	size_t n_folder, cap_folder;

	char root_id[33], token[33];
	bool adopted;		/* a run has uploaded unhindered: no first-run guard */
	bool read_only;		/* the index may not be written: status beside a sync */
	bool marked;		/* this run has its own token */
	bool merging;		/* the server is not what it was: nothing goes */
	bool merged;		/* and the folders were taken in turn once more */
	bool undone;		/* its removals were; nothing else goes either */
	bool hold_push, hold_remove_local, hold_remove_remote;
	uint64_t removals;	/* that reconcile asks for */
	uint64_t fsyncs_before;
	uint64_t ms_begun;
	struct issues issues;
	uint64_t lacking[2];	/* files missed by the first and second scan */
	uint64_t over_quota;	/* octets that were refused so; 0: none */
	unsigned groups_refused;	/* APPENDs of several messages */
	uint64_t held_uploads;	/* one note stands for all of them */
	uint64_t guarded_local, guarded_remote;	/* removals that wait; the same */
	struct report_later *later;	/* by a job, see account_job */
	size_t n_later, cap_later;
	struct account_priv *priv;	/* account.c's own */
	struct turns *turns;		/* phases.c's own */
	struct folder_tasks *folder_tasks;		/* folder_tasks.c's own */
	struct pull *pulls;		/* those under way */
	struct folder_delete *folder_delete;		/* folder_delete.c's own */
	struct prescan *prescan;		/* prescan.c's own */
};

/* A message that could not be brought over. */
struct failure {
	enum index_item_kind kind;
	const char *text;	/* "": not worth telling yet */
	bool wait;
};

/* How a pass over one folder begins. */
struct pass_result;
typedef void pass_starter(struct conn *, struct folder *, struct pass_result *);

/*
 * Runs work on the index lane and goes on with next; a failure is the
 * account's. What work says is passed on.
 */
enum task_result account_job(struct account *,
    int (*work)(struct account *, struct err *), task_step *next);
/* The same with a pass over a folder, on the main connection. */
enum task_result account_pass(struct account *, pass_starter *, struct folder *,
    task_step *next);

/* phases.c: everything between the list of folders and the end. Its first step;
 * the last goes on with account_end. */
enum task_result turns_begin(struct task *);
void turns_release(struct account *);
enum task_result account_end(struct task *);

/*
 * issues.c: facts for the user. Loop thread only. note: something that needs the
 * user or is left over, exit 1; it is told at the end of the run, and becomes
 * an item of the index. Its text holds nothing that changes by itself. tell:
 * only to be known, at once.
 */
void report_issue(struct account *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* About a folder, whose name goes before it: one for each kind, so that a new
 * number or reason is a change of it. rows: dirty ones that wait for it. */
void report_folder_issue(struct account *, struct folder *,
    enum index_item_kind, uint64_t rows, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
void report_note(struct account *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* On the index lane: the number of this run; all that is to be told at its end,
 * and *held, *pending of the result; the same when it ended early. */
int issues_begin(struct account *, struct err *);
int issues_settle(struct account *, struct err *);
void issues_keep(struct account *);
/* items_begin was called: a note will be kept. */
bool issues_are_known(const struct account *);
/* On the loop, after that. */
void issues_report(struct account *);
void issues_release(struct account *);
/* What a job says, on the index lane: text is taken over. tells: only to be
 * known; holds: a note, about *rows dirty rows (NULL: none). */
void report_note_later(struct account *, char *text);
void report_issue_later(struct account *, char *text, const uint64_t *rows);
void report_flush(struct account *);
void report_done(struct account *, enum sync_op, const struct folder *,
    const struct place *, const char *detail);
/* "+\Seen -(word)": what the verdict changes on that side. Replaces out. */
void verdict_detail(const struct picked *, bool local, struct buf *out);
void report_progress(struct account *, const struct folder *, const char *what,
    uint64_t done, uint64_t total);

void folder_ability(const struct folder *, struct ability *out);

/*
 * The passes over one folder. Each is a child of the task that has the
 * connection. It reads dirty rows in order, a bounded number at a time, and ends
 * with TASK_DONE, or TASK_FAIL when that connection or the account can't go on. A failure of a message or of the
 * folder is recorded, noted and is no failure of the pass. finish frees it.
 * The parent looks at nothing but the result.
 */
struct pass_result {
	bool done;
	bool line_free;		/* a pull: it asks the server for no more ... */
	bool left_behind;	/* ... and the connection is elsewhere */
	struct err err;		/* ERR_NONE when all went well */
};
struct pass {
	struct task task;
	struct account *a;
	struct conn *conn;
	struct folder *folder;
	struct pass_result *out;
};
void pass_start(struct pass *, struct conn *, struct pass_result *,
    const char *name, task_step *first);

/* Ends the connection at once: what waits for it completes with an error. For
 * whoever fails while the server still sends. */
void conn_cut(struct conn *);
/* With a LOGOUT when polite. */
void conn_close(struct conn *, bool polite);
void pass_end(struct pass *);	/* sets *out, frees: the last of finish */

/* Of one folder alone, whose directories are not as they should be: the account
 * goes on without it. A full disk is no such thing. */
bool is_folder_error(const struct err *);
/* The disk as such fails, not this file. */
bool is_disk_error(const struct err *);
/* Of descriptors or memory: nothing that was asked of a file was answered. */
bool is_shortage(const struct err *);
/* The server refuses a command with that code for the folder or the account,
 * whatever the message. */
bool is_folder_code(enum imap_code_kind);
/* The folder is out of the game for this run, for that reason. Loop thread. */
void folder_fail(struct account *, struct folder *, const struct err *);
/* How long to wait before the server is asked, for what was sent to it before.
 * Index lane. */
int settle_wait_ms(struct account *, uint64_t *out, struct err *);
/* The folder that `trash` names, if the server has it; else NULL. */
struct folder *folder_trash(struct account *);

pass_starter observe_remote_start;
pass_starter digest_start;
pass_starter pair_start;
pass_starter pull_start;
/* pull_sources.c: a folder whose pull could do with another connection, or NULL; the
 * pass that lends it one. */
struct folder *pull_short_of_lines(struct account *);
pass_starter lend_start;
/* pull_group.c: pulls that wait for others go on, as no others come. */
void pull_group_post(struct account *);
pass_starter flags_start;
#define FLAG_OPS (OP_FLAG_LOCAL | OP_FLAG_REMOTE | OP_SETTLE | OP_FORGET)
pass_starter push_start;
pass_starter remove_start;

/*
 * Blocking; on the index lane. After the second look of this run, what is still
 * missing is believed to be gone. The early one is a first one that only tells of
 * a fault: it is forgotten by whoever can say so.
 */
enum look { LOOK_PRESCAN, LOOK_FIRST, LOOK_SECOND };

struct observed_local {
	bool changed;		/* rows were written */
	bool missing;		/* rows of the index were not found */
	uint64_t lacking;	/* so many */
	bool fault;		/* an older state came back: it lost its base */
	bool returned;		/* files were back that had been removed */
	bool complete;
};
int observe_local(struct index *, struct maildir *, struct index_folder *,
    enum look, struct observed_local *out, struct err *);

/*
 * prescan.c: first looks while the connection is made. go_on: one more, if the last
 * has ended; whenever the account is woken meanwhile. take, on the index lane: 1
 * and that of this folder, once, with the time when it began; 0: there is none;
 * -1: it failed so. A sync that failed must not be tried again silently; failed,
 * when the lane is at rest: that error, although no turn may have come to it.
 */
void prescan_start(struct account *);
void prescan_go_on(struct account *);
int prescan_take(struct account *, const struct index_folder *,
    struct observed_local *out, int64_t *begun_out, struct err *);
const struct err *prescan_failed(const struct account *);
void prescan_release(struct account *);

/* The run itself has changed the folder. In the transaction that says so: what
 * is put back from a backup is older than this. */
int observe_local_ours(struct index *, struct maildir *, struct index_folder *,
    struct err *);

/*
 * Dirty rows of a folder whose verdict has one of ops, from *after on, at most
 * max; places and verdicts are the caller's to release. The number, or -1.
 * *after moves on; the end is reached when *end_out.
 */
struct picked {
	struct place place;
	struct verdict verdict;
	uint32_t tries;		/* of what k->failed says */
};
struct pick {
	struct folder *folder;
	unsigned ops;
	bool expunge;
	int max;
	int64_t after;
	bool end;
	/* Passes over messages of which this kind of failure is known, but for
	 * those that may be tried again. ITEM_NOTE: over none. */
	enum index_item_kind failed;
	struct account *account;	/* with failed */
	uint32_t skipped;		/* up to this UID; 0: none */
};
int pick_rows(struct index *, struct pick *, struct picked *out, struct err *);
void picked_release(struct picked *, int n);

/*
 * root.c, on the index lane. Opens and locks index and Maildir and decides
 * whether this is the Maildir that the index speaks of (design section 5,
 * "Epochs", "Roots and folders"). What is not goes through a merge: the rows
 * lose their base.
 */
int root_open(struct account *, struct err *);
/* The marker that was read is the one that the index expects. */
int root_is_current(struct account *, bool *out, struct err *);
/* A token of this run's own, before the first change of anything. */
int root_mark(struct account *, struct err *);

/*
 * folders.c, on the index lane: the folders of both sides and of the index made
 * into a->box, sorted, INBOX first. list: what the server has.
 */
int folders_load(struct account *, const struct imap_list *list, struct err *);
void folder_release(struct folder *);
/* The next first look is at every file, when that is due. */
void folder_plan_look(const struct account *, struct index_folder *);
/* The folder is gone from that side for sure: so are its messages there. Not
 * so INBOX, which is never deleted: it will be made and pulled again. */
int folder_gone_local(struct account *, struct folder *, struct err *);
int folder_gone_remote(struct account *, struct folder *, struct err *);
/* One message at least that the other side has not seen. */
int folder_unseen(struct account *, struct folder *, bool local, bool *out,
    struct err *);

/* removal_check.c, on the index lane: counts removals of the account, asks the guard and
 * sets a->hold_remove_*. */
int removal_check(struct account *, struct err *);
/* The same lane: rows that both sides lost by themselves go. */
int removals_forget(struct account *, struct err *);

/*
 * attic_expiry.c. Another file that holds what p holds and is to stay, as the index
 * knows it: then p's need not be kept. *out stays zeroed when there is none. On
 * the index lane; whether it is there is asked where files are removed.
 */
struct attic_twin {
	char *path;		/* of its folder */
	char *file;		/* NULL: there is none */
	bool in_new;
	struct file_hint hint;
};
int attic_twin_find(struct account *, const struct place *p,
    struct attic_twin *out, struct err *);
bool attic_twin_is_there(struct maildir *, const struct attic_twin *);
void attic_twin_release(struct attic_twin *);

/*
 * issues.c, on the index lane, in a transaction: a message failed, with a
 * sentence that begins behind the name of the folder. wait: the third try and
 * the next ones wait longer and longer, for the server is asked in vain.
 */
int record_failure(struct account *, const struct folder *,
    const struct place *, const struct failure *, struct err *);
/* It worked. */
int record_success(struct account *, const struct place *,
    enum index_item_kind, struct err *);
/* How often it was tried. 0: never. *waits: not again now. */
int failed_before(struct account *, const struct place *,
    enum index_item_kind, uint32_t *tries, bool *waits, struct err *);
/* folder is left to the caller; text is borrowed. */
struct sync_item item_for_user(const struct index_item *);

/*
 * evidence.c, on the index lane, within a transaction: a line in the log for
 * each thing that is removed, with why it was believed to be gone. Before the
 * states of p change.
 */
int evidence_local(struct account *, const struct folder *,
    const struct place *p, struct err *);
int evidence_remote(struct account *, const struct folder *,
    const struct place *p, const char *trash, struct err *);
int evidence_forgotten(struct account *, const struct folder *,
    const struct place *p, struct err *);
int evidence_folder(struct account *, const struct folder *, struct err *);

/*
 * Match step 2: an unpaired file of p's folder with p's content, if there is
 * one, becomes p's, whose row is written. 1, 0, -1.
 */
int join_local(struct index *, struct place *p, struct err *);
/* The same with the file of known, whose row goes. */
int join_known(struct index *, struct place *p, struct place *known,
    struct err *);

#endif
