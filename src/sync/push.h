/* What push.c and push_read.c share: the batch that is being pushed. */
#ifndef SYNC_PUSH_H
#define SYNC_PUSH_H

#include "internal.h"

#define PUSH_ROWS	100
#define PUSH_PIECE	(128u << 10)

struct pushed {
	struct picked row;
	struct fingerprint fp;
	int64_t date;
	bool ready;		/* may be sent */
	bool gone;		/* it moved meanwhile: the next scan tells */
	bool waits;		/* failed before, not to be tried yet */
	bool altered;		/* the server took it in an earlier run, and shows
				   nothing like it */
	unsigned char *body;	/* wire form; NULL: read again while sending */
	struct index_intent intent;
	struct imap_append append;
	bool started, over;
	uint32_t uid;
	char *failure;
	bool refused;		/* by the server, and not for the disk's sake */
	bool blameless;		/* the message is not what it is about */
};

struct push {
	struct pass pass;
	struct pick pick;
	struct picked picked[PUSH_ROWS];
	struct pushed *msg;
	int n;
	struct job index_job, disk_job;
	/* While sending: which one is fed, and from where. */
	int at;
	struct maildir_source *source;
	unsigned char piece[PUSH_PIECE];
	ssize_t piece_length;
	bool reading;
	uint64_t done;
	bool unknown_uids;	/* the folder wants another look */
	/* What the server takes no more of, from the folder or the account. */
	bool probing;		/* one message goes first, to see */
	bool closed;		/* nothing goes any more ... */
	uint64_t too_large;	/* ... or nothing so large; 0: all goes */
	bool fits;		/* what was too large elsewhere */
	uint64_t kept_back;
	char *why;
};

/* Where its file is. */
struct maildir_message push_message(const struct push *, const struct pushed *);
/* Job disk_job: makes what may be sent ready, or says why it may not. */
int push_read_run(struct job *);

#endif
