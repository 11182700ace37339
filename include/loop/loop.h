/*
 * The event loop: libuv underneath, tasks on top (loop/task.h). One thread
 * runs it; other threads reach it only through loop/lane.h. net/ gets at the
 * libuv loop through loop/uv.h.
 */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

struct loop;

struct loop *loop_new(void);
/* Asserts that no handle but the loop's own is still open. NULL is fine. */
void loop_free(struct loop *);

/*
 * Runs until every root task has ended. SIGINT and SIGTERM cancel all roots;
 * a second signal of the kind ends the process at once, by its default action.
 */
void loop_run(struct loop *);

#endif
