/*
 * Small folders share their syncs. What is made durable for one message costs
 * about as much as for a thousand, and each message touches another page of the
 * index's trees of digests, which one transaction writes once.
 */
#include "run/folder_tasks.h"
#include "apply/pull.h"

#define GROUP_MS	200
#define GROUP_BYTES	(32u << 20)	/* by RFC822.SIZE */

static void
take(struct pull_group *g, struct pull_batch *b)
{
	int i;

	g->batch[g->n++] = b;
	for (i = 0; i < b->n; i++)
		g->bytes += b->msg[i].row.place.size;
}

bool
pull_group_add(struct pull_batch *b)
{
	struct pull *p = b->p;
	struct pull_group *g = &p->pass.a->pull_group;

	if (!p->pass.out->left_behind || !folder_tasks_are_busy(p->pass.a))
		return false;
	take(g, b);
	if (g->n == LANE_GROUP || g->bytes >= GROUP_BYTES)
		pull_group_post(p->pass.a);
	else
		timer_start(&p->grouping, &p->pass.task, GROUP_MS);
	return true;
}

void
pull_group_post(struct account *a)
{
	struct pull_group *g = &a->pull_group;
	struct task *task[LANE_GROUP];
	struct job *job[LANE_GROUP];
	unsigned i;

	for (i = 0; i < g->n; i++) {
		g->batch[i]->at = BATCH_PLACE;
		job[i] = &g->batch[i]->job;
		task[i] = &g->batch[i]->p->pass.task;
	}
	if (g->n > 0)
		lane_post_all(a->sync_lane, job, task, g->n);
	*g = (struct pull_group){ .n = 0 };
}

void
pull_group_forget(const struct pull *p)
{
	struct pull_group *g = &p->pass.a->pull_group, was = *g;
	unsigned i;

	*g = (struct pull_group){ .n = 0 };
	for (i = 0; i < was.n; i++)
		if (was.batch[i]->p != p)
			take(g, was.batch[i]);
}
