/* Takes rows of FETCH into the index, in batches of one transaction. */
#include "observe/remote.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/lacking.h"
#include "mail/flags.h"

static void
rows_free(struct rows *b)
{
	int i;

	for (i = 0; i < b->n; i++)
		free((void *)(uintptr_t)b->row[i].keywords);
	free(b);
}

static int
see_row(struct rows *b, const struct index_seen_remote *row, struct err *err)
{
	const struct pass *p = &b->o->pass;
	int shown = lacking_shown(p->run, p->folder, row, err), r;
	bool changed;

	if (shown == -1)
		return -1;
	b->refutes |= shown == 1;
	r = index_see_remote(p->run->ix, p->folder->row.id, row, &changed,
	    err);
	b->has_more |= r == 1;
	return r == -1 ? -1 : 0;
}

static int
rows_run(struct job *job)
{
	struct rows *b = OWNER_OF(job, struct rows, job);
	struct index *ix = b->o->pass.run->ix;
	int i, rc;

	/* Durable with the cursor, which says that they are there. */
	rc = index_begin_seen(ix, &job->err);
	for (i = 0; i < b->n && rc == 0; i++)
		rc = see_row(b, &b->row[i], &job->err);
	return index_end(ix, rc, &job->err);
}

struct index_seen_remote *
rows_keep(struct observe *o, const struct imap_fetch *f)
{
	struct index_seen_remote *r;
	struct rows *b = o->last;

	if (b == NULL || b->n == ROWS_PER_BATCH) {
		b = xcalloc(1, sizeof(*b));
		b->o = o;
		if (o->last != NULL)
			o->last->next = b;
		else
			o->first = b;
		o->last = b;
		o->n_rows++;
	}
	r = &b->row[b->n++];
	r->uid = f->uid;
	r->has_flags = f->has_flags;
	r->flags = f->flags;
	if (f->has_flags)
		r->keywords = xstrdup(f->keywords);
	r->size = f->has_size ? f->size : 0;
	r->has_date = f->has_date;
	r->date = f->date;
	r->lineage = f->lineage;
	if (o->full)
		uidset_add(&o->listed, f->uid);
	if (f->uid > o->highest)
		o->highest = f->uid;
	if (b->n == ROWS_PER_BATCH)
		task_wake(&o->pass.task);
	return r;
}

/* One of the newest known messages, asked for by size and date alone. What the
 * server does not tell, or makes up each time, tells nothing. */
static void
check_probe(struct observe *o, const struct imap_fetch *f)
{
	const struct learned *l = &o->pass.run->learned;
	int i;

	for (i = 0; i < o->n_probe; i++) {
		const struct index_probe *p = &o->probe[i];

		if (p->uid != f->uid)
			continue;
		o->seen[i] = (struct probe_seen){
			.odd_size = f->has_size && p->size != 0 &&
			    p->size != f->size && !l->sizes_vary,
			.odd_date = f->has_date && p->has_date &&
			    p->date != f->date && !l->dates_vary,
			.size = f->size, .date = f->date,
		};
	}
}

void
rows_keep_probes(struct observe *o)
{
	int i;

	for (i = 0; i < o->n_probe; i++) {
		const struct probe_seen *s = &o->seen[i];
		const struct imap_fetch f = {
			.uid = o->probe[i].uid, .has_size = s->odd_size,
			.size = s->size, .has_date = s->odd_date,
			.date = s->date,
		};

		if (s->odd_size || s->odd_date)
			rows_keep(o, &f);
	}
}

/*
 * Told apart by what a row holds, not by the command that it seems to answer:
 * a server may begin to answer the next FETCH before it has completed this one.
 */
static void
add_row(void *arg, const struct imap_fetch *f)
{
	struct observe *o = arg;

	if (f->has_size || f->has_date)
		check_probe(o, f);
	if (!f->has_flags)
		return;
	sets_seen(o, f);
	rows_keep(o, f);
}

static void
add_vanished(void *arg, const struct uidset *uids)
{
	struct observe *o = arg;
	size_t i;

	for (i = 0; i < uids->n; i++)
		uidset_add_range(&o->vanished, uids->range[i].first,
		    uids->range[i].last);
}

/*
 * What was sent behind SELECT is about the folder only if that was selected, at
 * once, and is the one that we know. Else these are the rows of the folder that
 * was open before, or of another world.
 */
static bool
is_heard(const struct observe *o)
{
	const struct imap_select *q = &o->select;

	return !o->ahead || (q->cmd.done && q->cmd.err.kind == ERR_NONE &&
	    !q->again && epoch_fault(o, &q->box) == NULL);
}

static void
add_row_ahead(void *arg, const struct imap_fetch *f)
{
	if (is_heard(arg))
		add_row(arg, f);
}

static void
add_vanished_ahead(void *arg, const struct uidset *uids)
{
	if (is_heard(arg))
		add_vanished(arg, uids);
}

struct imap_sink
rows_sink(struct observe *o, bool ahead)
{
	return (struct imap_sink){
		.arg = o, .row = ahead ? add_row_ahead : add_row,
		.vanished = ahead ? add_vanished_ahead : add_vanished,
	};
}

void
rows_move(struct observe *o, bool all)
{
	struct run *run = o->pass.run;
	struct rows *b;

	for (b = o->first; b != NULL; b = b->next) {
		if (b->job.posted || b->job.done ||
		    (b->n < ROWS_PER_BATCH && !all))
			continue;
		b->job.run = rows_run;
		lane_post(run->index_lane, &b->job, &o->pass.task);
	}
	while ((b = o->first) != NULL && b->job.done) {
		if (b->job.result == -1 && o->rows_err.kind == ERR_NONE)
			o->rows_err = b->job.err;
		o->sets.short_of |= b->has_more;
		o->unlearn |= b->refutes;
		o->first = b->next;
		if (o->first == NULL)
			o->last = NULL;
		o->n_rows--;
		rows_free(b);
	}
	imap_session_pause(o->pass.conn->session, o->n_rows > BATCHES_MOST);
}

void
rows_release(struct observe *o)
{
	struct rows *b;

	while ((b = o->first) != NULL) {
		o->first = b->next;
		rows_free(b);
	}
}
