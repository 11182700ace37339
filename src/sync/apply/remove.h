/* What remove.c and remove_trash.c share: the rows of one folder that go. */
#ifndef SYNC_APPLY_REMOVE_H
#define SYNC_APPLY_REMOVE_H

#include "apply/apply.h"
#include "apply/remove_twin.h"
#include "apply/transfer.h"
#include "imap/box.h"
#include "maildir/store.h"
#include "match/unlooked.h"
#include "observe/headers.h"

#define REMOVE_ROWS	1000

/* What the server has under the UID. */
enum doomed_there {
	THERE_NOT_SEEN,
	THERE_AS_RECORDED,
	THERE_IN_DOUBT,		/* size or date are others, or not told */
	THERE_ANOTHER
};

struct doomed {
	struct picked p;
	enum doomed_there there;
	struct removed_how how;		/* it was known again */
	struct maildir_known known;	/* of its file */
	struct remove_twin twin;	/* another that holds the same */
	struct kept *kept;	/* remove_keep.c: it goes to the attic; NULL */
	bool unlinked, expunged;
	/* remove_lost.c: a connection was lost at it before; now. */
	bool suspect, suspected, proven;
	char *failure;
};

struct removing {
	struct pass pass;
	struct pick pick;
	struct picked picked[REMOVE_ROWS];
	struct doomed *row;
	int n;
	struct uidset uids;		/* to be expunged */
	struct uidset marked;		/* of uids, those with \Deleted */
	struct imap_fetching check;
	struct headers doubts;
	struct imap_cmd store, expunge;
	/* remove_proof.c */
	uint32_t exists;		/* before these */
	struct imap_fetching look;
	struct uidset left;		/* of uids, what is there still */
	uint64_t stays;			/* rows of them, not the first time */
	bool at_once;			/* these two are in one write */
	bool stored;			/* store was not refused */
	struct imap_searching search;
	struct job disk_job;
	bool stale;		/* a file was not what was recorded of it */
	char *refused;			/* the server's words */
	/* remove_lost.c */
	struct err lost;		/* the connection, ... */
	bool by_marks, copying;		/* ... at EXPUNGE without UIDs, COPY */
	bool put_off, late;		/* suspects were; they come now */
	bool marks_of_more;	/* few of them are not all that is marked ... */
	bool together;		/* ... and none cost anything: all of them */
	bool recalled;
	unsigned at_once_kept;		/* 0: any number */
	struct unlooked unread;		/* files that may be what is to go */

	struct keeping *keeping;	/* remove_keep.c; NULL */

	/* remove_trash.c */
	struct folder *trash;		/* where it goes instead, or NULL */
	bool filed;		/* what lies elsewhere by now, and needs none,
				   has its turn; ... */
	bool others_filed;	/* ... it comes behind the rest */
	struct transfer transfer[REMOVE_ROWS];	/* of each row, with trash */
	struct transfers transfers;	/* all of them */
	bool transferred_before;	/* one was, perhaps */
	bool moved;			/* by MOVE, which said OK */
	uint64_t doubtful;
	uint64_t unshown;		/* copies, not the first time */
	struct pass_result looked;
	struct imap_cmd move;
};

/* It is to be removed on the server, and was there when last seen. */
bool remove_wants_expunge(const struct doomed *);
/* remove_check.c: r->uids are those that the server still has as recorded; of
 * the others some have a failure. Then remove_checked. */
enum task_result remove_check(struct removing *);
task_step remove_checked;

/* Index lane: it lies elsewhere by now, and was not deleted. */
int remove_is_filed(struct removing *, const struct doomed *, bool *out,
    struct err *);
/* remove_keep.c: what of r->uids is to be kept is in the attic, or has left
 * r->uids; then remove_checked. Index lane: what is known of it by that. */
enum task_result remove_keep(struct removing *);
int remove_keep_record(struct removing *, struct doomed *, struct err *);
void remove_keep_release(struct removing *);

/* The rest of the way: r->uids get the mark and go; or only what was done is
 * recorded. */
enum task_result remove_mark(struct removing *);
enum task_result remove_record(struct removing *);
/*
 * remove_proof.c: begin goes before a command that removes r->uids; when it was
 * answered with OK, prove finds out which are gone, and goes on with
 * remove_proven. Index lane: a row that is left; then it is told.
 */
void remove_proof_begin(struct removing *);
enum task_result remove_prove(struct removing *);
enum task_result remove_proven(struct removing *);
int remove_record_left(struct removing *, const struct place *, struct err *);
void remove_report_left(struct removing *);
/*
 * remove_lost.c: as imap_wait, but that a lost connection is blamed on one of
 * r->uids. Index lane: how many may go at once, when rows are picked; which of
 * them not now; and how many it were in the end.
 */
enum task_result remove_wait(struct removing *, const struct imap_cmd *,
    task_step *next);
int remove_lost_recall(struct removing *, struct err *);
int remove_lost_narrow(struct removing *, struct err *);
int remove_lost_settle_work(struct pass *, struct err *);
/* Of several refusals it is the last one's words that are told. */
void remove_refused(struct removing *, const char *why);

/* Index lane: what earlier runs began of these rows. */
int remove_trash_recall(struct removing *, struct err *);
/* r->uids go to r->trash. */
enum task_result remove_to_trash(struct removing *);
/* Of r->uids some are left: what went to the trash goes there once. */
enum task_result remove_trash_left(struct removing *);
void remove_trash_release(struct removing *);
/* Index lane: the server said that it copied it, and shows no copy. Then it is
 * told. */
bool remove_is_unshown(const struct removing *, int i);
int remove_record_unshown(struct removing *, const struct place *,
    struct err *);
void remove_report_unshown(struct removing *);

#endif
