/*
 * What one run did to one account, as a line for people and as a JSON object
 * for programs. Plain numbers: whoever ran the account fills them in.
 */
#ifndef UI_SUMMARY_H
#define UI_SUMMARY_H

#include <stdint.h>

struct summary_side {
	uint64_t new;
	uint64_t flags;
	uint64_t deleted;
	uint64_t moved;
	uint64_t copied;
	uint64_t folders;	/* made, renamed or removed */
};

struct summary {
	const char *account;
	struct summary_side pulled;
	struct summary_side pushed;
	uint64_t pending;	/* dirty rows left for the next run */
	uint64_t held;		/* rows that wait for the user */
	uint64_t round_trips;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t fsyncs;
	double seconds;
	int exit;
};

/*
 * "work: pulled 12 new, 3 flags, 1 moved; pushed 2 flags, 1 new; 4 round trips,
 * 31 kB, 0.4 s", without line end. Caller frees.
 */
char *summary_format_line(const struct summary *);

/* {"event":"summary",...} without line end; nothing left out. Caller frees. */
char *summary_format_json(const struct summary *);

#endif
