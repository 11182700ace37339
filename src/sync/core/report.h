/*
 * What a run tells. An issue needs the user, or is left over: exit 1; it is
 * kept in the index, where users call it an item, until it is settled. A note
 * is good to know, once, and no more than that.
 */
#ifndef SYNC_CORE_REPORT_H
#define SYNC_CORE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "index/item.h"
#include "mail/state.h"
#include "sync/sync.h"

struct folder;
struct picked;
struct run;

/* An issue stands for all that waits in its folder. */
#define ALL_ROWS	UINT64_MAX

/* What this run found, not about one message. */
struct issue {
	enum index_item_kind kind;
	size_t folder;		/* of run->folder; SIZE_MAX: the account */
	uint64_t rows;		/* dirty ones that wait because of it */
	const uint64_t *all_rows;	/* or where their number stands */
	char *text;
	bool wait;		/* it is not tried again for a while, ... */
	bool kept;		/* ... and was not tried in this run */
	struct sync_item item;	/* when it was looked up */
};

/* A sentence that work on the index lane leaves behind. */
struct report_later {
	char *text;
	bool is_issue;		/* else it is a note */
	const uint64_t *rows;	/* where it stands how many wait, or NULL */
};

struct report {
	struct sync_callbacks cb;
	struct sync_result result;
	/* The loop's, until sealed; then the index lane's. */
	struct issue *issue;
	size_t n_issue, cap_issue;
	uint64_t unlisted;	/* issues beyond what is kept */
	uint64_t waiting;	/* folders that are left to a later run */
	bool sealed;
	/* The index lane's. */
	struct sync_item *listed;	/* the outcome; folder, text owned */
	size_t n_listed, cap_listed;
	bool any;		/* there may be items in the index */
	bool writes;		/* and this run changes them */
	bool settled;
	int64_t run;		/* number of this run */
	int64_t logged;		/* that in the log; 0: it wrote nothing yet */
	int64_t begun;		/* seconds; 0: the index is not open yet */
	struct report_later *later;	/* passed on behind the job */
	size_t n_later, cap_later;
};

/* --- loop thread --- */

/* An operation that was done, or would be. p: NULL, or its message. */
void report_done(struct run *, enum sync_op, const struct folder *,
    const struct place *p, const char *detail);
/* The same with what people know the message by. */
void report_picked(struct run *, enum sync_op, const struct folder *,
    const struct picked *, const char *detail);
void report_progress(struct run *, const struct folder *, const char *what,
    uint64_t done, uint64_t total);
void report_note(struct run *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Its text holds nothing that changes by itself. Told at the end of the run. */
void report_issue(struct run *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* About the account: one of its kind. */
void report_account_issue(struct run *, enum index_item_kind, const char *text);
/* About a folder, whose name goes before it: one for each kind, so that a new
 * number or reason is a change of it. rows: dirty ones that wait for it. */
void report_folder_issue(struct run *, struct folder *, enum index_item_kind,
    uint64_t rows, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* One that was met costs much to meet again: that waits longer and longer.
 * kept: it is such a one, and did wait. */
void report_folder_waits(struct run *, struct folder *, enum index_item_kind,
    bool kept);
void report_account_waits(struct run *, enum index_item_kind, bool kept);
/* What jobs left behind. */
void report_flush(struct run *);
/* The items, after issues_settle or issues_keep. */
void report_items(struct run *);
void report_release(struct report *);

/* --- index lane --- */

/* text is taken over. rows: where it stands how many dirty rows wait; NULL. */
void report_note_later(struct run *, char *text);
void report_issue_later(struct run *, char *text, const uint64_t *rows);

/* The number of this run: from now on issues are kept. */
int issues_begin(struct run *, struct err *);
bool issues_are_kept(const struct run *);
/* In a transaction: what is to be told at the end, and *held, *pending of the
 * result. keep: the same for a run that ended early, with what it can. */
int issues_settle(struct run *, struct err *);
void issues_keep(struct run *);

/* A message that could not be brought over. */
struct failure {
	enum index_item_kind kind;
	const char *text;	/* "": not worth telling yet */
	bool wait;
};
/*
 * In a transaction: a message failed, with a sentence that begins behind the
 * name of the folder. wait: the third try and the next ones wait longer and
 * longer, for the server is asked in vain.
 */
int record_failure(struct run *, const struct folder *, const struct place *,
    const struct failure *, struct err *);
/* A connection was lost when it was asked for, or sent. Known by that alone, it
 * is not worth telling. */
int record_suspect(struct run *, const struct place *, enum index_item_kind,
    struct err *);
/* It worked. */
int record_success(struct run *, const struct place *, enum index_item_kind,
    struct err *);
/* How often it was tried before. */
struct tries {
	uint32_t n;
	bool wait;		/* not again now */
	bool suspect;		/* a connection was lost at it */
};
int tries_of(struct run *, const struct place *, enum index_item_kind,
    struct tries *out, struct err *);

/* folder is left to the caller; text is borrowed. */
struct sync_item item_for_user(const struct index_item *);

/*
 * evidence.c, within a transaction: a line in the log for each thing that is
 * removed, with why it was believed to be gone. Before the states of p change.
 */
int evidence_local(struct run *, const struct folder *, const struct place *p,
    struct err *);
struct removed_how {
	const char *trash;	/* where it was moved; NULL: expunged */
	bool size, date, header;	/* that the server had as recorded */
	bool kept;		/* in the attic, before */
};
int evidence_remote(struct run *, const struct folder *,
    const struct place *p, const struct removed_how *, struct err *);
int evidence_forgotten(struct run *, const struct folder *,
    const struct place *p, struct err *);
/* A likely pair is none; nothing is removed for it. */
int evidence_parted(struct run *, const struct folder *,
    const struct place *p, struct err *);
int evidence_folder(struct run *, const struct folder *, struct err *);
/* The same for what was added or changed: no more than that it was. */
struct log_about {
	const struct place *place;	/* NULL: it is about the folder */
	const char *detail;		/* NULL: none */
};
int log_done(struct run *, enum sync_op, const struct folder *,
    const struct log_about *, struct err *);
/* A line of the caller's own; its run is set. */
struct index_log_line;
int log_line(struct run *, struct index_log_line *, struct err *);
/* Of one side, before the states change. */
int log_flags(struct run *, const struct folder *, const struct picked *,
    bool local, struct err *);

/* "+\Seen -(word)": what the verdict changes on that side. Replaces out. Any
 * thread. */
void verdict_detail(const struct picked *, bool local, struct buf *out);

#endif
