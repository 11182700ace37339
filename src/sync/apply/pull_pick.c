/* Chooses what makes up a batch of a pull. On the index lane. */
#include <stdlib.h>

#include "apply/pull.h"
#include "base/mem.h"

/* Of the smallest batch. They grow as long as they come fast: a sync costs the
 * same for few and for many, but what is not recorded is lost with the line. */
#define PULL_BYTES	(8u << 20)	/* by RFC822.SIZE */
#define PULL_BYTES_0	(512u << 10)	/* scale 0: the line is measured */

int
pulled_by_uid(const void *a, const void *b)
{
	const struct pulled *x = a, *y = b;

	return (x->row.place.uid > y->row.place.uid) -
	    (x->row.place.uid < y->row.place.uid);
}

/* As many of the picked as make up a batch; the others are picked again. */
static void
take_picked(struct pull_batch *b, struct picked *picked, int n)
{
	uint64_t bytes = 0, most = b->scale == 0 ? PULL_BYTES_0 :
	    (uint64_t)b->scale * PULL_BYTES;
	int i;

	b->msg = xcalloc((size_t)n + 1, sizeof(*b->msg));
	for (i = 0; i < n && (i == 0 || bytes < most); i++) {
		/* What failed before is asked for alone: it may be why others
		 * with it did not come. */
		if (i > 0 && (picked[i].tries > 0 || picked[0].tries > 0))
			break;
		b->msg[i].row = picked[i];
		bytes += picked[i].place.size;
	}
	b->n = i;
	if (i < n) {
		b->pick.after = b->msg[i - 1].row.place.id;
		b->pick.end = false;
		picked_release(picked + i, n - i);
	}
	if (b->n > 0)
		qsort(b->msg, (size_t)b->n, sizeof(*b->msg), pulled_by_uid);
}

/* Of the batch, what could be a file that nobody could read. */
static void
drop_waiting(struct pull_batch *b)
{
	struct pull *p = b->p;
	int i, kept = 0;

	for (i = 0; i < b->n; i++) {
		const struct place *place = &b->msg[i].row.place;

		if (!unlooked_may_be_message(&p->unread, place->size)) {
			b->msg[kept++] = b->msg[i];
			continue;
		}
		if (place->uid > b->pick.skipped)
			b->pick.skipped = place->uid;
		p->waiting_for++;
		picked_release(&b->msg[i].row, 1);
	}
	b->n = kept;
}

int
pull_pick_run(struct job *job)
{
	struct pull_batch *b = OWNER_OF(job, struct pull_batch, job);
	struct pull *p = b->p;
	struct picked *picked;
	int n;

	if (!p->unread.known && unlooked_load(p->pass.run, p->pass.folder,
	    INDEX_LOCAL, &p->unread, &job->err) == -1)
		return -1;
	picked = xcalloc((size_t)b->pick.max, sizeof(*picked));
	n = pick_rows(&b->pick, picked, &job->err);
	if (n != -1) {
		take_picked(b, picked, n);
		drop_waiting(b);
	}
	free(picked);
	return n == -1 ? -1 : pull_find_kin(b, &job->err);
}
