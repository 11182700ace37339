/*
 * Who goes next. A run waits for jobs of its lanes, for the server and for
 * timers. In a flow test none of these comes by itself: when nothing moves any
 * more, one of what is ready is picked, and goes. So every completion can be
 * delayed behind every other one, and a test that failed fails again.
 *
 * The lanes of the program are replaced at link time (-Wl,--wrap): what is
 * posted runs on the loop's thread, in the order of its lane, and is delivered
 * in that order, some time later. Timers are virtual: when nothing is ready the
 * clock goes on to the next one. With FLOW_THREADS=1 in the environment, and
 * under the thread sanitizer, lanes are the real ones with their threads.
 */
#ifndef FLOW_SCHEDULER_H
#define FLOW_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

struct sched_plan {
	/* 0: in turn. Else whoever is picked is picked by chance. */
	unsigned seed;
	/* Sources whose name begins so go when no other is ready; NULL. */
	const char *last;
	/* Before the n-th event, n from 0; NULL. */
	void (*before)(void *arg, unsigned n);
	void *arg;
};

/* What may go. Added for good; taken out before it is freed. */
struct sched_source {
	const char *name;	/* "lane index", "server", ... */
	bool (*ready)(struct sched_source *);
	void (*go)(struct sched_source *);
	struct sched_source *next;
};

/* One loop at a time. stop: when loop_run has returned, before loop_free. */
void sched_start(struct loop *, const struct sched_plan *);
void sched_stop(void);
void sched_add(struct sched_source *);
void sched_remove(struct sched_source *);

/* Something happened that is no event: look once more before the next one. */
void sched_touch(void);
/* How many events there were since the start. */
unsigned sched_events(void);
/* Lanes have no threads, so that a test comes out the same each time. */
bool sched_is_exact(void);

/* The time of day goes on by so much, back by less than 0; 0: as it is. */
void sched_skip(int64_t seconds);
void sched_skip_none(void);

/* A small generator, for whoever wants chance with a seed. */
unsigned sched_random(unsigned *state);

#endif
