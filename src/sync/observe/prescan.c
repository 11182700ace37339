/*
 * The first look at the disk, folder by folder, while the connection is made:
 * names of a hundred thousand files are read in the time that a login takes.
 * Only folders that all agree on, by a Maildir that is the one we know: all else
 * wants to know first what the server has. What is found is recorded as always;
 * the turns over the folders take it for their own first look.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/internal.h"

struct prescan_look {
	int64_t folder;		/* 0: it is taken, or there was none */
	int64_t begun;
	struct observed_local seen;
	struct err err;
};

struct prescan {
	struct account *a;
	struct job job;
	struct index_folder *folder;
	struct prescan_look *look;	/* NULL: the folders are to be loaded */
	size_t n, at;
	size_t taken;		/* the last; the next is near */
};

static bool
is_steady(const struct account *a, const struct index_folder *f)
{
	return f->base && f->local && f->remote &&
	    conf_folder_matches(a->conf, f->name);
}

static int
load_run(struct job *job)
{
	struct prescan *e = OWNER_OF(job, struct prescan, job);

	if (index_folders(e->a->ix, &e->folder, &e->n, &job->err) == -1)
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

	if (!is_steady(e->a, f))
		return 0;
	folder_plan_look(e->a, f);
	look->begun = clock_wall();
	rc = observe_local(e->a->ix, &e->a->md, f, LOOK_PRESCAN, &look->seen,
	    &look->err);
	/* Of a folder that is not as it was, its turn takes a look and tells. */
	if (rc == 0 ? look->seen.fault : is_folder_error(&look->err))
		return 0;
	look->folder = f->id;
	job->err = look->err;
	return rc;
}

void
prescan_start(struct account *a)
{
	/* Who asks for a full look has time, and each turn takes its own. */
	if (a->root_state != ROOT_MARKED || a->opt.full)
		return;
	a->prescan = xcalloc(1, sizeof(*a->prescan));
	a->prescan->a = a;
	prescan_go_on(a);
}

void
prescan_go_on(struct account *a)
{
	struct prescan *e = a->prescan;

	if (e == NULL || e->job.posted || e->job.result == -1 ||
	    (e->look != NULL && e->at == e->n))
		return;
	e->job = (struct job){ .run = e->look == NULL ? load_run : look_run };
	lane_post(a->index_lane, &e->job, &a->task);
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
prescan_take(struct account *a, const struct index_folder *f,
    struct observed_local *seen, int64_t *begun, struct err *err)
{
	struct prescan_look *look = a->prescan == NULL ? NULL :
	    find_look(a->prescan, f->id);

	if (look == NULL)
		return 0;
	look->folder = 0;
	*seen = look->seen;
	*begun = look->begun;
	*err = look->err;
	return err->kind != ERR_NONE ? -1 : f->base && f->local && f->remote;
}

const struct err *
prescan_failed(const struct account *a)
{
	return a->prescan != NULL && a->prescan->job.result == -1 ?
	    &a->prescan->job.err : NULL;
}

void
prescan_release(struct account *a)
{
	struct prescan *e = a->prescan;

	if (e == NULL)
		return;
	index_folders_free(e->folder, e->n);
	free(e->look);
	free(e);
	a->prescan = NULL;
}
