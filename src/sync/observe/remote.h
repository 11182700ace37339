/* What remote.c, remote_rows.c and remote_flags.c share: the look at
 * one folder of the server. */
#ifndef SYNC_OBSERVE_REMOTE_H
#define SYNC_OBSERVE_REMOTE_H

#include "imap/box.h"
#include "core/sight.h"
#include "observe/headers.h"
#include "observe/observe.h"

#define ROWS_PER_BATCH	1000
#define BATCHES_MOST	4	/* held by us; then the socket is paused */
#define PROBES		16	/* newest messages that must be as recorded */
#define DOUBTS_MOST	4	/* that are asked for by their headers */
#define ROWS_LEAST	256	/* more rows than that are asked for as sets */
#define FULL_TRIES	2	/* complete listings, until one adds up */
#define SETS_MOST	40	/* flags and keywords that are asked for by sets
				   */

/* One batch of FETCH rows on its way into the index. */
struct rows {
	struct job job;
	struct observe *o;
	struct rows *next;
	struct index_seen_remote row[ROWS_PER_BATCH];
	int n;
	bool has_more;		/* the index, than the sets told of */
	bool refutes;		/* it shows a flag that was not stored */
};

/* What may be under way. */
enum asked {
	ASKED_PROBES = 1,	/* size and date of the newest known messages */
	ASKED_CHANGES = 2,	/* flags, row by row */
	ASKED_OLDER = 4,	/* which changed, or are there; a set */
	ASKED_NEWS = 8,		/* all about what is new */
	ASKED_GONE = 16,	/* which of the known ones are there; a set */
	ASKED_UPLOADS = 32,	/* those whose UID was told, and never shown */
};

/* Those that have a flag. */
struct flag_set {
	unsigned flag;		/* 0: a keyword */
	char *keyword;
	struct imap_searching search;
};

/* The flags of the messages in observe.older, one set for each flag. */
struct flag_sets {
	struct flag_set v[SETS_MOST];
	size_t n;
	struct imap_searching after;	/* older, once more behind the flags */
	struct imap_fetching sample;	/* some of them row by row ... */
	struct {
		uint32_t uid;
		bool has;
		unsigned flags;
		char *keywords;
	} want[PROBES];			/* ... to see whether both agree */
	int n_want;
	bool asked;
	uint32_t at;			/* rows were made up to here */
	bool short_of;			/* a keyword that a message had */
};

/* Messages that the server does not tell of, row by row. */
struct untold {
	char *why;		/* in its words */
	struct imap_searching search;	/* what is there */
	struct uidset left;	/* without a row so far */
	struct uidset part;	/* that are asked for ... */
	uint64_t at_once;	/* ... so many of them */
	struct imap_fetching fetch;
	unsigned refusals;	/* in succession */
	uint64_t n;		/* of which no row is to be had */
};

struct observe {
	struct pass pass;
	struct imap_select select;
	struct imap_uidnext count;	/* where SELECT tells no UIDNEXT */
	struct imap_fetching changes, news, probing, showing;
	struct imap_searching older, gone;
	unsigned asked;		/* enum asked */
	unsigned told;		/* what was answered last */
	bool ahead;		/* before SELECT was answered */
	bool qresync;		/* SELECT told what changed from split on */
	uint32_t split;	/* below, only sets are asked for; 0: nothing is */
	bool older_told;	/* what changed below came row by row */
	bool newer_told;	/* news were asked for again: it still grows */
	bool probed;
	bool gone_told;		/* gone holds what is there */
	struct flag_sets sets;
	struct index_probe probe[PROBES];
	/* What the server says of it, where that is something else. */
	struct probe_seen {
		bool odd_size, odd_date;
		uint32_t size;
		int64_t date;
	} seen[PROBES];
	int n_probe;
	uint32_t known;		/* highest UID, where no UIDNEXT is known; 0 */
	struct headers doubts;	/* of those */
	const char *fault;	/* why what is known of it no longer holds */
	bool fewer;		/* UIDNEXT alone says so */
	bool merges;		/* and something was known of it */
	bool full;		/* everything is being listed */
	bool fresh;		/* nothing was known of the server's side */
	bool by_sets;		/* ... flag by flag */
	bool thorough;		/* ... row by row, because that was due */
	bool grew;	/* the folder can store more flags than before */
	bool unlearn;	/* what it was seen not to store is to be tried again */
	int tries;		/* full listings so far */
	uint32_t known_next;	/* first UID without size and date */
	uint32_t highest;	/* UID seen */
	struct uidset uploads;	/* of ASKED_UPLOADS */
	struct uidset listed;	/* by a full listing */
	struct uidset vanished;
	struct untold untold;

	struct rows *first, *last;	/* batches; last may be filling */
	unsigned n_rows;
	struct err rows_err;		/* the first that failed */

	uint32_t exists;		/* what the server says at its end */
	struct sight sight;		/* of the folder, as it is now */
	bool found_hidden;		/* some are never listed: since now */
	bool closes;			/* result of the settling job */
};

/* remote_rows.c: rows into the index. */
struct imap_sink rows_sink(struct observe *, bool ahead);
/* What is kept of it, until the next rows_move. */
struct index_seen_remote *rows_keep(struct observe *,
    const struct imap_fetch *);
/* Posts what is full (with all: everything), frees what is stored, and lets the
 * socket wait when the index can't keep up. */
void rows_move(struct observe *, bool all);
void rows_release(struct observe *);
/* Size and date of probes that are other ones now, into the index. */
void rows_keep_probes(struct observe *);

/*
 * remote_ask.c. modseq, uidnext: what the folder has by SELECT, or by LIST
 * before that is answered. The numbers changed, or it is not known whether they
 * did; what is therefore to be asked.
 */
#define UID_LAST	4294967295u
bool observe_has_changes(const struct observe *, uint64_t modseq);
unsigned ask_what(const struct observe *, uint64_t modseq, uint32_t uidnext);
/* Of those below split what changed or, with full, all that are known. The
 * upper bound is named: to Cyrus "*" is the last one that is left. */
/* What is asked of a message that was not seen before. */
unsigned ask_of_news(const struct observe *);
char *ask_criteria(const struct observe *);
/* In one write. Nothing here changes a mailbox. */
void ask(struct observe *, unsigned what);
void ask_fetch(struct observe *, struct imap_fetching *, struct uidrange,
    unsigned items);
/* 1, 0, -1 for all that was asked; 0 until every answer is there. */
int asked_result(struct observe *, struct err *);
/* The sets stay until they are asked for anew. */
void asked_release(struct observe *);
void asked_forget_sets(struct observe *);

/* remote.c: the folder is out for this run; what is known of it is void; what
 * was told is believed. */
enum task_result observe_refused(struct observe *, const char *why);
enum task_result observe_fault(struct observe *, const char *fault);
task_step observe_listed;
task_step observe_told;
/* Once more, and everything, row by row; or what is below split. */
enum task_result observe_all(struct observe *);
enum task_result observe_below(struct observe *);
/* remote_settle.c: all that was asked for has come. */
task_step observe_stored;
/* Begins a transaction for what was seen. */
int observe_write(struct observe *, struct err *);
/* remote_untold.c: everything was asked for, and refused. */
enum task_result observe_untold(struct observe *, const char *why);
void untold_release(struct untold *);
/* remote_doubts.c: comes back to these. */
bool doubts_are_there(const struct observe *);
task_step observe_doubts;

/*
 * remote_sight.c. The folder was listed in full: do all show that the server
 * counts, but for those that it never lists?
 */
int sight_is_whole(struct observe *, bool *whole_out, struct err *);
/* So many are lacking once more: added to what is known of that. */
int sight_lacks(struct observe *, struct sight *, int64_t lack, struct err *);
/* Decides what of it is out of sight rather than gone, ... */
int sight_judge(struct observe *, struct err *);
/* ... for which a listing is needed first; ... */
bool sight_wants_list(const struct observe *);
/* ... and so is not to be forgotten; */
void sight_keeps(const struct observe *, struct uidset *out);
/* ... what has to be added to what is known, for the sum. */
int sight_count(struct observe *, int64_t *out, struct err *);
int sight_hold_files(struct observe *, struct err *);
/* UIDs mean nothing any more. In a transaction. */
int sight_forget(struct observe *, struct err *);

/* Is this still the world that the base speaks of? (design section 5) NULL, or
 * why not. */
const char *epoch_fault(const struct observe *, const struct imap_box *);

/*
 * remote_flags.c: the flags of many messages as a set of UIDs for each flag: a
 * tenth of the octets of a row each, and next to nothing where neighbours are
 * alike. possible: not with more flags than that, or odd ones.
 */
bool sets_possible(const struct observe *);
void sets_ask(struct observe *);
int sets_result(struct observe *, struct err *);	/* 1, 0, -1 */
void sets_seen(struct observe *, const struct imap_fetch *);
/* Some rows were asked for as well, and say the same. */
bool sets_agree(const struct observe *);
/* Makes rows of them as far as the index keeps up: false, there are more. */
bool sets_make_rows(struct observe *);
void sets_release(struct observe *);

#endif
