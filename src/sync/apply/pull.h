/* What the files of a pull share: batches, the bodies that arrive for them, and
 * the connections by which they come. */
#ifndef SYNC_APPLY_PULL_H
#define SYNC_APPLY_PULL_H

#include "base/buf.h"
#include "base/limits.h"
#include "apply/apply.h"
#include "imap/box.h"
#include "loop/timer.h"
#include "maildir/deliver.h"
#include "match/rewritten.h"
#include "match/unlooked.h"
#include "observe/headers.h"

#define PULL_BATCHES	8
#define PULL_OWN_BATCHES 4		/* and one for each that is lent */
#define PULL_FETCHES	2	/* in flight, so that the line is never idle */
#define CHUNKS_MOST	8		/* held; then the socket is paused */

/* One message of a batch. */
struct pulled {
	struct picked row;
	struct maildir_delivery *delivery;
	struct fingerprint fp;
	uint64_t octets;	/* of the body that came */
	bool got;		/* its body was written to its end */
	bool paired;		/* dropped in favour of a file that was there */
	char *failure;		/* or why not */
	bool asking, asked;	/* by a FETCH; that came to its end */
	bool suspect;		/* a connection was lost at it */
	/* A file that holds it, by the server's lineage, or by its looks
	 * (pull_disk.c). */
	struct kin {
		const char *path;	/* of its folder; NULL: there is none */
		struct place place;
		unsigned form;
		uint8_t content[32];
		bool by_looks;		/* its header has to agree */
		bool likely;		/* it was taken, without a proof */
		bool moved;		/* the server has that one no more */
	} kin;
};

enum piece_kind { PIECE_BEGIN, PIECE_DATA, PIECE_END, PIECE_ROW };

struct piece {
	enum piece_kind kind;
	uint32_t uid;		/* PIECE_ROW: to whom the last body belongs */
	bool nil;		/* PIECE_ROW: there was no body */
	bool has_date;		/* PIECE_ROW: of what came with it */
	uint32_t size;		/* 0: none came */
	int64_t date;
	size_t length;		/* PIECE_DATA */
};

/* Pieces on their way from the loop to the disk lane. */
struct chunk {
	struct job job;
	struct pull_batch *b;
	struct chunk *next;
	struct buf data;
	struct piece *piece;
	size_t n, cap;
};

/* What a batch is at, or through with when its job is done. */
enum batch_at {
	BATCH_FREE, BATCH_PICK, BATCH_HEADERS, BATCH_ALIKE, BATCH_DISK,
	BATCH_FETCH, BATCH_LOST, BATCH_WRITE, BATCH_PAIR, BATCH_GROUP,
	BATCH_PLACE, BATCH_RECORD
};

struct pull_batch {
	struct pull *p;
	enum batch_at at;
	struct job job;
	struct pick pick;
	unsigned scale;		/* how large it may become */
	uint64_t asked_at;	/* ms */
	struct pulled *msg;	/* sorted by uid */
	int n;
	struct headers headers;	/* of what looks like a file */
	struct source *source;	/* that its bodies come by */
	unsigned turn;		/* of its FETCH, in order */
	size_t n_asked;		/* by that */
	bool part;		/* more is to be asked for */
	bool lost;		/* that connection was */
	struct imap_fetching fetch;
	char *refused;			/* the server's words ... */
	bool blameless;			/* ... which are not about messages */
	struct chunk *first, *last;
	unsigned n_chunks;
	/* Disk lane only. */
	struct maildir_batch *store;
	struct maildir_delivery *open;	/* the body that is arriving */
	struct fingerprint open_fp;
	uint64_t open_octets;
	bool open_ended;
	struct err write_err;	/* the disk can't take it: the batch is void */
};

struct lending;

/* A connection that has the folder open. The first is the pass's own. */
struct source {
	struct conn *conn;
	struct lending *lending;	/* who lends it; NULL: it is over */
	bool ready;
	struct pull_batch *into;	/* whose body is arriving */
	unsigned lost_at;	/* turn of the oldest FETCH; 0: it lives */
};

struct pull {
	struct pass pass;
	struct pull *next;	/* of the account's */
	struct source source[LIMIT_CONNECTIONS];
	unsigned n_source;
	bool no_more_lent;		/* nobody else finds the folder */
	struct pull_batch batch[PULL_BATCHES];
	int64_t after;		/* where the next pick goes on */
	bool end;		/* nothing is left to pick */
	bool given_up;		/* it fails: what still comes is dropped */
	bool picking;		/* one batch at a time */
	unsigned scale;		/* of the next batch, 1 to PULL_SCALE */
	struct timer grouping;	/* for how long it waits for other folders */
	uint64_t fetched_at;	/* when the last FETCH came to its end, ms */
	bool late;		/* what failed before comes now, alone */
	unsigned turns;		/* FETCHes so far */
	bool opened;		/* disk lane: a batch has opened the folder */
	uint64_t done;
	uint64_t not_given;	/* messages of FETCHes that were refused */
	bool keeps_line;	/* it brings flags that the server gets next */
	bool line_free;		/* it asks the server for no more ... */
	bool left_behind;	/* ... and the connection is elsewhere */
	/* Index lane: files that the messages could be (match/unlooked.h). */
	struct unlooked unread;
	/* And messages that were deleted here before a merge. */
	enum { LOST_UNKNOWN, LOST_NONE, LOST_SOME } lost_here;
	uint32_t lost_below;	/* what came later is none of them */
	uint64_t waiting_for;	/* messages that wait for those */
	struct rewritten rewritten;	/* files that some are, altered */
	struct err lost;	/* its own connection is */
	struct err stopped;	/* the folder's directories take no more */
};

int pulled_by_uid(const void *, const void *);	/* for qsort, bsearch */
int pull_pick_run(struct job *);	/* pull_pick.c, index lane */

/* pull_record.c, jobs of a batch: pairing on the index lane; placing on the
 * sync lane and recording on the index lane, for several batches at a time. */
int pull_pair_run(struct job *);
void pull_place_group(struct job **, int n);
void pull_record_group(struct job **, int n);

/* pull_disk.c: which of a batch lie in other folders already (index lane; -1),
 * whether any does, and taking them from there (disk lane). */
int pull_find_kin(struct pull_batch *, struct err *);
bool pull_has_kin(const struct pull_batch *);
/* The loop: those come last of which it is not known yet if they were moved. */
void pull_put_off_unsure(struct pull_batch *);
/* Of those that only look like a file the headers are asked for, by the pass's
 * own connection; false: there are none. Then, on the index lane, those stay
 * that agree. */
bool pull_ask_headers(struct pull_batch *);
int pull_alike_run(struct job *);
int pull_kin_run(struct job *job);

/* pull_lost.c: what has to be asked for still, ... */
void pull_choose(struct pull_batch *);
void pull_asked(struct pull_batch *);
/* ... and what it was that the connection was lost at. All that came by it is
 * written. */
void pull_judge_loss(struct pull_batch *);

/* pull_bodies.c: the sink of a batch's FETCH. */
struct imap_sink bodies_sink(struct pull_batch *);
/* Disk lane: where it is written to; and a whole one is there. */
void bodies_open_store(struct pull_batch *);
int bodies_check(struct pulled *, struct err *);
/* Hands full chunks (all: every one) to the disk and frees what is written. */
void bodies_move(struct pull_batch *, bool all);
void bodies_drop_open(struct pull_batch *);	/* disk lane */
void bodies_clear(struct pull_batch *);		/* at rest */

/*
 * pull_group.c: batches that were left behind wait a little for
 * those of other folders: a sync and a transaction do for all of them. What is
 * to be done with b, on the sync lane, stands in its job. False: it need not
 * wait.
 */
bool pull_group_add(struct pull_batch *b);
void pull_group_forget(const struct pull *);	/* none there is fine */

/* pull_sources.c: begin with the pass's own connection; end for all, once or
 * twice. */
void sources_begin(struct pull *, struct conn *own);
void sources_end(struct pull *);
/* It fails: what still comes by lent connections is not kept. */
void sources_give_up(struct pull *);
/* The one that has most room for another FETCH, or NULL. */
struct source *source_for(struct pull *);
/* How many batches may be under way. */
int sources_batches(const struct pull *);
void sources_pause(struct pull *, bool);
void source_lost(struct pull *, struct source *, const struct err *);
bool sources_are_gone(const struct pull *);

#endif
