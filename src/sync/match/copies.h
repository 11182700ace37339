/*
 * New files whose content the server has already, in this folder or another:
 * they are copied there instead of sent (plan/match.h).
 */
#ifndef SYNC_MATCH_COPIES_H
#define SYNC_MATCH_COPIES_H

#include "core/run.h"

struct copy {
	int64_t source, target;	/* places */
	size_t from, to;	/* their folders, of run->folder */
	uint32_t uid;		/* of the source */
	bool left;		/* the source's file is gone, ... */
	bool moves;		/* ... and does not come back */
	bool done;		/* the server was told, or would be (dry run) */
};

/* Found on the index lane by one job; then the loop's, which alone writes done.
 * */
struct copies {
	struct copy *v;		/* by from, to, uid */
	size_t n, cap;
	struct copy **by_target;
	struct copy **moved;	/* of them, by source: one each at most */
	size_t n_moved;
};

/* Replaces what the run has. Only where its digests were made. */
int copies_find(struct run *, struct err *);
/* The first of v that goes from there; n: none does. */
size_t copies_from(const struct run *, const struct folder *);
/* NULL: it is no new file that is copied. */
struct copy *copies_to(const struct run *, int64_t target);
/* The server was told to make it, and said OK. */
bool copies_are_made_to(const struct run *, int64_t target);
/* The file of that message was moved, and its copy is made. */
bool copies_moved(const struct run *, int64_t source);
/* A file that was moved takes along what its name does not tell; a copy is new,
 * and has what it has. */
void copies_inherit(const struct copy *, struct place *target,
    const struct place *source);
/*
 * t is what becomes of s, and not agreed on so far: what either side took away
 * since both agreed on s stays away, even if its file is paired without knowing
 * of s.
 */
void copies_take_away(struct place *t, const struct place *s,
    const struct state *local, const struct state *remote);
/* Flags of t that differ are judged against what was agreed on of s. */
void copies_take_base(struct place *t, const struct place *s);
/*
 * The copy is made. What both sides agreed on of the source goes along, and so
 * does what either changed since: the file has its own changes, and the copy
 * those of the server.
 */
void copies_agree(const struct copy *, struct place *target,
    const struct place *source);
/* Tells of one that is done, or would be; p: its target. Loop thread. */
void report_copy(struct run *, const struct copy *, const struct place *p);
/* Index lane, in a transaction: it is done. */
int log_copy(struct run *, const struct copy *, const struct place *p,
    struct err *);
void copies_release(struct run *);

#endif
