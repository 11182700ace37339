/*
 * Items: what was refused, skipped or held, until it is settled. One is known
 * by its folder, its message and its kind (ITEM_NOTE: by its text); while those
 * stay, a new text is a change of it. What is about a place or a folder goes
 * when that is dropped.
 */
#ifndef INDEX_ITEM_H
#define INDEX_ITEM_H

#include "index/index.h"

enum index_item_kind {
	ITEM_NOTE,		/* about anything: known by its text */
	ITEM_PULL, ITEM_PUSH,	/* of a message; place 0: of the folder */
	ITEM_FLAGS,
	ITEM_REMOVE,
	ITEM_FOLDER,		/* it is left out */
	ITEM_SUM,		/* what it holds does not add up */
	ITEM_WINDOW,		/* its oldest messages are not shown */
	ITEM_UNSEEN,		/* and changes of those wait */
	ITEM_OLDER,		/* files may be messages that are not shown */
	ITEM_UNSURE_PUSH,	/* ... or messages that nobody could look at */
	ITEM_UNSURE_PULL,	/* messages may be files that nobody could */
	/* Of the account, not a matter of exit 1; yet -q names them. */
	ITEM_SECRET = 100,	/* no password was to be had */
	ITEM_LATE,		/* not in sync for long */
};

struct index_item {
	int64_t id;			/* given once, never again */
	int64_t folder, place;		/* 0: of the account, of no message */
	enum index_item_kind kind;
	char *text;			/* a sentence without times; "": not
					   worth telling yet */
	int64_t first, last, next;	/* seconds; next: not tried before */
	int64_t told;			/* seconds; 0: not since it changed */
	uint32_t tries;
	int64_t run;			/* that renewed it last */
	bool ignored;			/* until it changes */
};

void index_item_release(struct index_item *);

/* What an item is known by; text is looked at for ITEM_NOTE only. */
struct index_item_key {
	int64_t folder, place;
	enum index_item_kind kind;
	const char *text;		/* NULL: "" */
};
/* 1 found, 0, -1. */
int index_item_find(struct index *, const struct index_item_key *,
    struct index_item *out, struct err *);
/* Inserts (id 0, then set) or updates by id. */
int index_item_put(struct index *, struct index_item *, struct err *);
int index_item_drop(struct index *, int64_t folder, int64_t place,
    enum index_item_kind, struct err *);
/* ignored, until it changes; *found_out tells whether there is one. */
int index_item_ignore(struct index *, int64_t id, bool *found_out,
    struct err *);

/*
 * Streams in ascending id: the next items, at most max, each to be released;
 * the number, or -1. Items may be changed between two calls.
 */
struct index_item_stream {
	int64_t folder;			/* -1: all */
	int64_t after;			/* the id given last, or 0 */
};
int index_items(struct index *, struct index_item_stream *,
    struct index_item *out, int max, struct err *);

/* Those of messages that are in order now, by whatever way, are settled ... */
int index_items_tidy(struct index *, struct err *);
/* ... and those of folder (0: the account) itself that run did not renew. */
int index_items_settle(struct index *, int64_t folder, int64_t run,
    struct err *);
/* The highest run of any item; -1 in *out when there is no item. */
int index_items_last_run(struct index *, int64_t *out, struct err *);

#endif
