/* What flags.c and flags_store.c share: the rows of one batch, and what the
 * server is asked to store for them. */
#ifndef SYNC_APPLY_FLAGS_H
#define SYNC_APPLY_FLAGS_H

#include "apply/apply.h"
#include "imap/box.h"
#include "maildir/store.h"

#define FLAG_ROWS	2000	/* few commands, and few syncs ... */
#define FLAG_ROWS_0	500	/* ... but the first are soon at the disk */
#define FLAG_BATCHES	2

struct flag_row {
	struct picked p;
	bool renamed;		/* local is as wanted now */
	struct maildir_renamed now;
	/* The server's side. What it is asked to hold: as wanted, less what it
	 * refuses. */
	struct state goal;
	struct state shown;	/* the last row of it since; absent: none */
	bool fresh;		/* that came since it was asked for */
	char *failure;
	bool suspect;		/* the connection was lost at it, ... */
	bool proven;		/* ... each time */
};

/* One STORE. */
struct store {
	struct imap_cmd cmd;	/* first: rows come by its on_data */
	struct store *next;
	struct flag_batch *batch;
	bool add;
	unsigned flags;
	char *words;
	struct uidset uids;
	bool over;		/* answered, and dealt with */
	/* It changes nothing: is it the keyword of that other one that was
	 * refused, or do these messages take no STORE at all? */
	struct store *of;
	bool probed;		/* one is under way for it */
};

struct flag_batch {
	struct flagging *f;
	enum flags_at { FLAGS_FREE, FLAGS_PICK, FLAGS_APPLY, FLAGS_RECORD } at;
	struct flag_row *row;
	int n;
	struct job index_job, disk_job;
	/* flags_store.c */
	struct flag_row **by_uid;	/* those that the server is to change */
	size_t n_uid;
	struct store *stores;
	unsigned round;		/* of STOREs, from 1 */
	bool asking;		/* for rows that did not come */
	bool stored;		/* all is answered */
	bool lost;		/* or will never be */
	unsigned turn;		/* of those that were sent, in order */
	struct imap_fetching ask;
	struct state lacks;	/* that the folder does not keep */
	struct state shown;	/* that it was seen to */
};

struct flagging {
	struct pass pass;
	struct pick pick;
	struct picked picked[FLAG_ROWS];
	struct flag_batch batch[FLAG_BATCHES];
	bool picking;		/* one at a time, for rows come in order */
	bool end;		/* nothing is left to pick */
	bool late;		/* what failed before comes now, alone */
	unsigned turns;		/* batches sent so far */
	struct err stopped;	/* the folder's directories take no more */
	struct err lost;	/* the connection is */
	uint64_t done;
	uint64_t failed;	/* messages ... */
	char *why;		/* ... of which the first failed so */
	unsigned refusals;	/* since the last STORE that was not */
	struct state shown;	/* of which a row showed what was asked */
};

/* The server is asked for all rows of the batch that want it. */
void stores_begin(struct flag_batch *);
/* 1: all that can be known is; 0: not yet; -1: the connection is lost. */
int stores_drive(struct flag_batch *, struct err *);
/* The server's side of the row is to change, or was. */
bool is_asked_for(const struct flag_row *);
void stores_release(struct flag_batch *);

/* flags_lost.c: how many rows may go at once; 0: any number. Then no batch goes
 * beside another. */
unsigned flags_at_once(const struct flagging *);
/* The connection is lost. At a row, perhaps. */
void flags_judge_loss(struct flagging *);
/* What became of it, in the index. Index lane. */
int flags_record_loss(struct flagging *, const struct flag_row *, bool lost,
    struct err *);

#endif
