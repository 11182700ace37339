/*
 * Whole runs of an account in one process: once, several times with the
 * account kept open, or, for what a test says of one flow, in every way that it
 * can come about.
 */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "scheduler.h"
#include "world.h"

/* --- once --- */

/* Opens the account, runs it, closes it. What it told is in w->told; returns
 * its exit status. plan NULL: in turn. */
int world_sync(struct world *, const struct sync_options *,
    const struct sched_plan *);
/* The same without options, which must end with 0, or the test fails. */
void world_sync_well(struct world *);
/* The server was asked for something with that text, so often since
 * imapd_count. */
unsigned world_asked(const struct world *, const char *text);
/* One more run does nothing to mail, flags or folders, and ends with exit. */
void world_is_idle(struct world *, int exit);
/* No command that was received since imapd_count changes anything. */
void world_changed_nothing(struct world *);

/* --- the account kept open --- */

struct act {
	const char *what;	/* for messages */
	const char *change;	/* before the run: world_do */
	void (*call)(struct world *);	/* and this; NULL */
	bool settle;		/* then all else has time to notice */
	struct sync_options opt;
	/* What must come of it. NULL: not looked at. */
	const char *ops, *both, *notes, *items;
	int exit;
	unsigned logins;	/* that it needed, ... */
	bool may_log_in_anew;	/* ... and once more for what may cost it */
	void (*after)(struct world *);
};

/* One sync_open, n runs on one loop, one sync_close. */
void world_session(struct world *, const struct sched_plan *,
    const struct act *, size_t n);
/* From within a session: its account. */
struct account *world_account(void);

/* --- a flow in every way --- */

enum {
	FLOW_NOT_DRY = 1,	/* a dry run can't tell */
	FLOW_NOT_CUT = 2,	/* a cut leaves something to be held */
	FLOW_NOT_IDLE = 4,	/* the next run does something, too */
	FLOW_FIRST = 8,		/* it is the first run: before was not synced */
	FLOW_ONCE = 16,		/* in turn only */
};

struct flow {
	const char *what;
	const char *caps;	/* of the server; NULL: IMAPD_FULL */
	const char *before;	/* world_do; then synced */
	const char *change;	/* world_do; what the run is to carry over */
	void (*prepare)(struct world *);	/* first of all: conf, rules */
	void (*call)(struct world *);	/* behind change, before each run */
	struct sync_options opt;
	/* What must come of it. */
	const char *ops;	/* sorted */
	const char *both;	/* on both sides and in the index; or each: */
	const char *server, *disk, *index;
	const char *attic;
	const char *notes, *items;	/* "" when NULL */
	int exit;
	unsigned not;		/* FLOW_* */
	unsigned points;	/* of each kind at most; 0: as many as usual */
	int again;		/* exit of a second run; 0: as exit */
};

/*
 * Runs it in turn; dry, and then in earnest; with the completions of each lane
 * and each connection delayed to the last, and all by chance; cut before each
 * line that the server sends and each command that it carries out, of that
 * connection or of all; stopped by a signal at each event. What was disturbed
 * is followed by a clean run. In the end the outcome must be the same each
 * time.
 */
void flow_check(const struct flow *);
/* The i-th of so many points, as many as FLOW_POINTS says; false: no more. */
bool flow_point(unsigned i, unsigned all, unsigned *out);
void flow_check_all(const struct flow *, size_t n);
/* Says how many ways were gone, and how many there are. */
void flow_tell(void);

/* For main: the tests, then what is left behind. */
int flow_main(const struct CMUnitTest *, size_t n);
#define FLOW_MAIN(tests) \
	flow_main(tests, sizeof(tests) / sizeof((tests)[0]))
#define ARRAY_SIZE(v) (sizeof(v) / sizeof((v)[0]))

#endif
