/*
 * Looks for what can't be right in an index, and changes nothing. What is
 * damaged is told, and does not end it.
 */
#ifndef INDEX_VERIFY_H
#define INDEX_VERIFY_H

#include "index/index.h"

enum index_flaw {
	FLAW_PAGE,		/* a page can't be read: nothing else is told */
	FLAW_CHECK,		/* what SQLite's quick_check says */
	FLAW_TABLE,		/* a table, tree or trigger is missing: text */
	FLAW_UID_TWICE, FLAW_NAME_TWICE,	/* two rows */
	FLAW_NO_FOLDER,		/* a row of no folder */
	FLAW_DIGEST,		/* a content's; text is its Message-ID */
	FLAW_TALLY, FLAW_RAW, FLAW_PATH, FLAW_NO_NAME, FLAW_UIDNEXT,
	FLAW_UIDVALIDITY, FLAW_FOLDER_CLOCK,	/* of a folder */
	FLAW_INTENT,		/* of no folder */
	FLAW_ITEM,		/* of a place that is not there; text is its */
	FLAW_LOG_CLOCK,
	FLAW_LOG,		/* text is the number of the entry */
};
struct index_flaw_found {
	enum index_flaw flaw;
	int64_t folder;		/* 0: none */
	uint32_t uid;		/* 0: none */
	const char *text;	/* borrowed; "" */
};
struct index_flaw_visit {
	void *arg;
	void (*flaw)(void *arg, const struct index_flaw_found *);
	int64_t now;		/* seconds: what is later can't be */
};
/* The file as such, and what its tables say of each other; but for what a
 * single row says (index_verify_rows). */
int index_verify(struct index *, const struct index_flaw_visit *, struct err *);

/* A row as it is, right or wrong. */
struct index_verified {
	int64_t id;
	bool sum_right;		/* else place is zeroed but for id, uid and
				   unique, as far as they can be read */
	bool seen_right;	/* what a scan compares names with */
	bool has_content;	/* a content that it names is there, whole */
	struct place place;	/* to be released */
};
/* The next rows of the folder behind `after` and up to `upto`, at most max, in
 * ascending id; the number, or -1. */
struct index_verify_stream {
	int64_t folder, after, upto;
};
int index_verify_rows(struct index *, const struct index_verify_stream *,
    struct index_verified *out, int max, struct err *);

/* The log knows what was removed from that folder under that unique part, and
 * none of it is what was read. */
struct index_removal {
	const char *folder, *unique;
};
int index_is_other(struct index *, const struct index_removal *,
    const struct fingerprint *, bool *out, struct err *);

#endif
