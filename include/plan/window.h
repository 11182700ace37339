/*
 * Whether what a server does not show any more is gone from it, or only out of
 * sight: some show the newest messages of a folder alone (design section 5,
 * "Windows"). Pure.
 */
#ifndef PLAN_WINDOW_H
#define PLAN_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

enum window_op {
	WINDOW_GONE,		/* removals like any */
	WINDOW_WAITS,		/* another look has to tell */
	WINDOW_OUT,		/* out of sight: kept on disk */
};

/* Messages are missing from the oldest end of a folder, and the server did not
 * say that they are gone. */
struct window_look {
	uint32_t exists, before;	/* now, and at the look before */
	bool news;		/* new mail came meanwhile */
	bool more;		/* some of them do not wait yet */
	unsigned looks;		/* after so many looks they were to wait */
	uint32_t size;		/* of a window that was found; 0: none */
	uint32_t least;		/* what the user says that it holds; 0 */
};

enum window_op window_judge(const struct window_look *);
/* A number of messages at which servers are known to cut their folders. */
bool window_is_usual(uint32_t exists);

/*
 * Messages that a server counts and never lists. So many lacked in each of so
 * many complete listings, in as many runs, that is how it is.
 */
#define HIDDEN_RUNS 3

#endif
