/*
 * Small folders share their syncs. What is made durable for one message costs
 * about as much as for a thousand, and each message touches another page of the
 * index's trees of digests, which one transaction writes once.
 */
#include "hands.h"
#include "pull.h"

#define GATHER_MS	200
#define GATHER_BYTES	(32u << 20)	/* by RFC822.SIZE */

bool
gather_add(struct pull_batch *b)
{
	struct pull *p = b->p;
	struct gather *g = &p->pass.a->gather;
	int i;

	if (!p->pass.out->line_free || !p->pass.box->only_pulls ||
	    !hands_are_at_it(p->pass.a))
		return false;
	g->batch[g->n++] = b;
	for (i = 0; i < b->n; i++)
		g->bytes += b->msg[i].row.place.size;
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
gather_forget(struct pull_batch *b)
{
	struct gather *g = &b->p->pass.a->gather;
	unsigned i, n = 0;

	for (i = 0; i < g->n; i++)
		if (g->batch[i] != b)
			g->batch[n++] = g->batch[i];
	g->n = n;
}
