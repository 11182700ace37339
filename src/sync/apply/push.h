/* What push.c, push_read.c and push_send.c share: the batches on their way. */
#ifndef SYNC_APPLY_PUSH_H
#define SYNC_APPLY_PUSH_H

#include <utlist.h>

#include "apply/apply.h"
#include "imap/box.h"
#include "maildir/store.h"
#include "match/unlooked.h"

#define PUSH_ROWS	300	/* of a batch */
#define PUSH_BATCHES	3	/* one is read, one sent, one recorded */
#define PUSH_WINDOW	100	/* uploads in flight: they may be in vain */
#define PUSH_PIECE	(128u << 10)

struct pushed {
	struct picked row;
	struct fingerprint fp;
	int64_t date;
	bool ready;		/* may be sent */
	bool gone;		/* it moved meanwhile: the next scan tells */
	bool waits;		/* failed before, not to be tried yet */
	bool altered;	/* the server took it in an earlier run, and shows
				   nothing like it */
	unsigned char *body;	/* wire form; NULL: read again while sending */
	struct index_intent intent;
	bool started, over;
	uint32_t uid;
	char *failure;
	bool refused;		/* by the server, and not for the disk's sake */
	bool blameless;		/* the message is not what it is about */
	bool doubtful;		/* refused, but perhaps it is there */
	/* The connection was lost: */
	bool unsent;		/* before it was sent whole, ... */
	bool suspect;		/* ... or at it; */
	bool in_doubt;		/* it was sent: perhaps it is there */
};

struct push_batch {
	enum push_stage {
		PUSH_FREE, PUSH_PICKED, PUSH_READ, PUSH_SENT,
	} stage;
	struct pushed *msg;
	int n;
	int open;		/* sent and not answered */
	bool intend, record;	/* what the index lane does with it */
};

struct upload;

struct push {
	struct pass pass;
	struct pick pick;
	struct picked picked[PUSH_ROWS];
	struct push_batch batch[PUSH_BATCHES];
	struct push_batch next;		/* what was picked */
	struct push_batch *reading;
	bool picking;
	uint64_t most;			/* octets of the next batch */
	struct job index_job, read_job, piece_job;
	struct imap_cmd close;		/* before anything is sent */
	/* While sending: in order, and the one that is fed, from where. */
	struct upload *waiting, *uploads;	/* utlists */
	unsigned in_flight, window;
	uint32_t highest;	/* UID that was told ... */
	uint32_t untold;	/* ... and how many were not */
	struct upload *feeding;
	struct maildir_source *source;
	unsigned char piece[PUSH_PIECE];
	ssize_t piece_length;
	bool fetching;		/* a piece is being read */
	uint64_t done;
	bool unknown_uids;	/* the folder wants another look */
	uint64_t stored, twins;	/* messages that the server took; of which it
				   keeps no copy of their own */
	/* What the server takes no more of, from the folder or the account. */
	bool probing;		/* one message goes first, to see */
	bool closed;		/* nothing goes any more ... */
	uint64_t too_large;	/* ... or nothing so large; 0: all goes */
	bool fits;		/* what was too large elsewhere */
	unsigned refusals;	/* since the last message that was taken */
	uint64_t kept_back;
	char *why;
	/* What failed before goes last, one after the other. */
	bool put_off, late;
	struct err lost;	/* the connection is: what came is recorded */
	/* Index lane: messages that the files could be (match/unlooked.h). */
	struct unlooked unlooked;
	uint64_t waiting_for;	/* files that wait for those */
};

/* Where its file is. */
struct maildir_message push_message(const struct push *, const struct pushed *);
/* Job read_job: makes what may be sent of p->reading ready, or says why it may
 * not. */
int push_read_run(struct job *);

/* The server is known not to take it. */
bool push_keeps_back(const struct push *, const struct pushed *);

/* push_told.c, index lane: the server said OK to it, and perhaps a UID. */
int push_record_told(struct push *, struct pushed *, struct err *);

/* push_send.c: what is ready of the batch goes out. */
void push_send(struct push *, struct push_batch *);
/* Feeds what is wanted and takes what was answered. -1: the connection is lost.
 * */
int push_drive(struct push *, struct err *);
void push_send_release(struct push *);

#endif
