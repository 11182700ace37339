/*
 * Small folders share their syncs. What is made durable for one message costs
 * about as much as for a thousand, and each message touches another page of the
 * index's trees of digests, which one transaction writes once.
 */
#include "run/folder_tasks.h"
#include "apply/pull.h"

#define GATHER_MS	200
#define GATHER_BYTES	(32u << 20)	/* by RFC822.SIZE */

static void
take(struct gather *g, struct pull_batch *b)
{
	int i;

	g->batch[g->n++] = b;
	for (i = 0; i < b->n; i++)
		g->bytes += b->msg[i].row.place.size;
}

bool
gather_add(struct pull_batch *b)
{
	struct pull *p = b->p;
	struct gather *g = &p->pass.a->gather;

	if (!p->pass.out->left_behind || !hands_are_at_it(p->pass.a))
		return false;
	take(g, b);
	if (g->n == LANE_GROUP || g->bytes >= GATHER_BYTES)
		gather_end(p->pass.a);
	else
		timer_start(&p->gathering, &p->pass.task, GATHER_MS);
	return true;
}

void
gather_end(struct account *a)
{
	struct gather *g = &a->gather;
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
	*g = (struct gather){ .n = 0 };
}

void
gather_forget(const struct pull *p)
{
	struct gather *g = &p->pass.a->gather, was = *g;
	unsigned i;

	*g = (struct gather){ .n = 0 };
	for (i = 0; i < was.n; i++)
		if (was.batch[i]->p != p)
			take(g, was.batch[i]);
}
