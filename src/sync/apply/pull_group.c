/*
 * Makes the pulls of small folders share their syncs. What is made durable for
 * one message costs about as much as for a thousand, and each message touches
 * another page of the index's trees of digests, which one transaction writes
 * once.
 */
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

static void
forget_all(struct pull_group *g)
{
	g->n = 0;
	g->bytes = 0;
}

bool
pull_group_add(struct pull_batch *b)
{
	struct pull *p = b->p;
	struct pull_group *g = &p->pass.run->pull_group;

	if (!p->left_behind || g->coming == 0)
		return false;
	take(g, b);
	if (g->n == LANE_GROUP || g->bytes >= GROUP_BYTES)
		pull_group_post(p->pass.run);
	else
		timer_start(&p->grouping, &p->pass.task, GROUP_MS);
	return true;
}

void
pull_group_post(struct run *run)
{
	struct pull_group *g = &run->pull_group;
	struct task *task[LANE_GROUP];
	struct job *job[LANE_GROUP];
	unsigned i;

	for (i = 0; i < g->n; i++) {
		g->batch[i]->at = BATCH_PLACE;
		job[i] = &g->batch[i]->job;
		task[i] = &g->batch[i]->p->pass.task;
	}
	if (g->n > 0)
		lane_post_all(run->sync_lane, job, task, g->n);
	forget_all(g);
}

void
pull_group_forget(const struct pull *p)
{
	struct pull_group *g = &p->pass.run->pull_group, was = *g;
	unsigned i;

	forget_all(g);
	for (i = 0; i < was.n; i++)
		if (was.batch[i]->p != p)
			take(g, was.batch[i]);
}
