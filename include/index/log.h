/*
 * What was done, as index_log wrote it: read again, also from an index that
 * was opened with INDEX_READ while a sync is at work.
 *
 * Ids ascend in the order in which entries become visible, without a gap: who
 * goes on behind the last id that was read misses none. Only the oldest
 * entries go, and an index that is made anew begins again at 1.
 */
#ifndef INDEX_LOG_H
#define INDEX_LOG_H

#include "index/index.h"

struct index_log_entry {
	int64_t id;
	int64_t at;		/* wall-clock seconds */
	int64_t run;		/* number of the sync; 0: not known */
	char *what;		/* removed-local, pushed, ... (sync/core/log.h)
				   */
	char *folder;		/* its name then; "": of none */
	uint32_t uid;		/* 0: not of a message, or not known */
	char *unique;		/* unique part of its file; NULL: the same */
	char *evidence;		/* why, in words; "" where what says it */
	unsigned flags;		/* FLAG_*, that the message had */
	char *keywords;		/* the same */
	char *detail;		/* what changed; "" */
	int64_t content;	/* 0: not known, and then all of these "" */
	char *message_id, *subject, *sender;
	bool bad;		/* it is not as index_log writes one: what could
				   be read of it is here */
};
void index_log_release(struct index_log_entry *);

/* All of it must hold; zeroed: every entry. Texts are borrowed, NULL: any. */
struct index_log_query {
	int64_t after;		/* ids above it */
	int64_t since, until;	/* since <= at < until; 0: no bound */
	const char *folder;
	const char *what;
};

/*
 * In ascending id, at most max, each to be released. The number, or -1; fewer
 * than max: there are no more now.
 */
int index_log_entries(struct index *, const struct index_log_query *,
    struct index_log_entry *out, int max, struct err *);

/*
 * The lowest and the highest id that is there; 0 in both: none. A reader that
 * had read up to `after` has missed some if oldest > after + 1, and read
 * another index if newest < after.
 */
int index_log_range(struct index *, int64_t *oldest_out, int64_t *newest_out,
    struct err *);

/* A number for a run that begins to write now: no entry has it. */
int index_log_next_run(struct index *, int64_t *out, struct err *);

#endif
