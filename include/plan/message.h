/*
 * The heart: what is to be done about one message, from its three states. Pure:
 * no I/O, no clock, no index. Design section 4, rules 1 to 3 and the first half
 * of 8; who wins and what is deleted is decided here and nowhere else.
 */
#ifndef PLAN_MESSAGE_H
#define PLAN_MESSAGE_H

#include <stdbool.h>

#include "mail/state.h"

/* Bits of verdict.ops; several may be set where that makes sense. */
enum {
	OP_NONE		= 0,
	OP_FORGET	= 1 << 0,	/* gone on both sides: drop the row */
	OP_SETTLE	= 1 << 1,	/* both agree: record it as base */
	OP_PULL		= 1 << 2,	/* deliver the server's message */
	OP_PUSH		= 1 << 3,	/* append the local message */
	OP_FLAG_LOCAL	= 1 << 4,	/* local becomes local_flags, ... */
	OP_FLAG_REMOTE	= 1 << 5,	/* remote becomes remote_flags, ... */
	OP_REMOVE_LOCAL	= 1 << 6,
	OP_REMOVE_REMOTE = 1 << 7,
};

/* What the server's folder can store (PERMANENTFLAGS). Maildir holds all of
 * FLAG_ALL, and the index all keywords. */
struct ability {
	unsigned flags;		/* FLAG_*; 0 in a read-only folder */
	bool any_keyword;
	const char *keywords;	/* canonical; those it can store otherwise */
	const char *lacks;	/* canonical, or NULL: those that it was seen
				   not to store, whatever it says */
};

struct verdict {
	unsigned ops;
	unsigned local_flags, remote_flags;	/* what each side should hold */
	/* Owned; NULL when ops has no OP_FLAG_LOCAL/REMOTE/PULL/PUSH. */
	char *local_keywords, *remote_keywords;
};

/*
 * A flag that shows up on the server is one even where it can't be stored from
 * here; one that disappears there is no removal then. What the server could not
 * store when it was set or cleared here, and can now, goes to it when the row
 * is judged next.
 *
 * What is pulled takes along what the local state, though absent, still tells
 * of flags and keywords: they were there before a deletion that is undone.
 *
 * expunge: \Deleted and T mean removal (rule 8), where both sides were agreed
 * on and the server can store \Deleted.
 */
void reconcile_message(const struct place *, const struct ability *,
    bool expunge, struct verdict *out);
void verdict_release(struct verdict *);

/*
 * Records in base, flag by flag, what is settled: on what both sides agree now,
 * and of what the server can't store what each was seen to hold. Called after
 * every step that was seen to work, and for every row that was judged and
 * needed none: so a step that is still missing keeps only itself dirty, and a
 * later change of the user is judged against what was really agreed. Does
 * nothing unless the message is on both sides; a fresh pair then has a base at
 * once, so that what is deleted from now on is a deletion.
 */
void reconcile_agree(struct place *, const struct ability *);

#endif
