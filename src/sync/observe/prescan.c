/*
 * Looks at the disk while the connection is made: names of a hundred thousand
 * files are read in the time that a login takes.
 * Only folders that all agree on, of a Maildir that is the one we know: all
 * else wants to know first what the server has. What is found is recorded as
 * always; the first scan of the run takes it for its own.
 */
#include "observe/prescan.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

struct prescan_look {
	int64_t folder;		/* 0: it is taken, or there was none */
	int64_t begun;
	struct observed_local seen;
	struct err err;
};

struct prescan {
	struct task task;
	struct run *run;
	bool stop;
	struct job job;
	/* The index lane's while job is posted. */
	struct index_folder *folder;
	struct prescan_look *look;
	size_t n, at;
	size_t taken;		/* the last; the next is near */
};

static enum task_result prescan_next(struct task *);

static bool
is_steady(const struct run *run, const struct index_folder *f)
{
	return f->base && f->local && f->remote &&
	    conf_folder_matches(run->conf, f->name);
}

static int
load_run(struct job *job)
{
	struct prescan *e = OWNER_OF(job, struct prescan, job);

	if (index_folders(e->run->ix, &e->folder, &e->n, &job->err) == -1)
		return -1;
	e->look = xcalloc(e->n + 1, sizeof(*e->look));
	return 0;
}

static int
look_run(struct job *job)
{
	struct prescan *e = OWNER_OF(job, struct prescan, job);
	struct index_folder *f = &e->folder[e->at];
	struct prescan_look *look = &e->look[e->at++];
	int rc;

	if (!is_steady(e->run, f))
		return 0;
	folder_plan_look(e->run, f);
	look->begun = clock_wall();
	rc = observe_local(e->run, f, LOOK_PRESCAN, &look->seen,
	    &look->err);
	/* Of a folder that is not as it was, or not in order, the first scan
	 * takes a look, and tells. */
	if (rc == 0 ? look->seen.fault || look->seen.named :
	    err_is_of_path(&look->err))
		return 0;
	look->folder = f->id;
	job->err = look->err;
	return rc;
}

static enum task_result
prescan_next(struct task *t)
{
	struct prescan *e = (struct prescan *)t;

	if (e->stop || e->at == e->n)
		return TASK_DONE;
	return lane_run(e->run->index_lane, &e->job, look_run, t, prescan_next);
}

static enum task_result
prescan_begin(struct task *t)
{
	struct prescan *e = (struct prescan *)t;

	return lane_run(e->run->index_lane, &e->job, load_run, t, prescan_next);
}

void
prescan_start(struct run *run)
{
	struct prescan *e;

	/* Who asks for a full look has time, and each folder takes its own. */
	if (run->account->root_state != ROOT_MARKED || run->opt.full)
		return;
	e = run->prescan = xcalloc(1, sizeof(*e));
	e->run = run;
	task_start(&e->task, run->task.loop, &run->task, "prescan",
	    prescan_begin);
}

void
prescan_stop(struct run *run)
{
	if (run->prescan != NULL)
		run->prescan->stop = true;
}

static struct prescan_look *
find_look(struct prescan *e, int64_t folder)
{
	size_t i;

	for (i = 0; i < e->at; i++) {
		struct prescan_look *look = &e->look[(e->taken + i) % e->at];

		if (look->folder == folder) {
			e->taken = (size_t)(look - e->look);
			return look;
		}
	}
	return NULL;
}

int
prescan_take(struct run *run, const struct index_folder *f,
    struct observed_local *seen, int64_t *begun, struct err *err)
{
	struct prescan_look *look = run->prescan == NULL ? NULL :
	    find_look(run->prescan, f->id);

	if (look == NULL)
		return 0;
	look->folder = 0;
	*seen = look->seen;
	*begun = look->begun;
	*err = look->err;
	return err->kind != ERR_NONE ? -1 : f->base && f->local && f->remote;
}

const struct err *
prescan_failed(const struct run *run)
{
	return run->prescan != NULL && run->prescan->job.result == -1 ?
	    &run->prescan->job.err : NULL;
}

void
prescan_release(struct run *run)
{
	struct prescan *e = run->prescan;

	if (e == NULL)
		return;
	index_folders_free(e->folder, e->n);
	free(e->look);
	free(e);
	run->prescan = NULL;
}
