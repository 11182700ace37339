/*
 * Are these still the messages that the index speaks of? A server that came
 * back from a backup may have others under their UIDs.
 *
 *	server		FETCH	size and date, as they were recorded
 *	server		FETCH	where one is not, or neither can be compared:
 *				the header
 *	index lane		which has to be that of the content known
 */
#include <stdlib.h>

#include "apply/remove.h"
#include "base/mem.h"
#include "core/learned.h"
#include "mail/flags.h"

static enum task_result remove_seen(struct task *);
static enum task_result remove_doubts_told(struct task *);
static enum task_result remove_doubts_compared(struct task *);

static void
compare_meta(const struct learned *l, struct doomed *d,
    const struct imap_fetch *f)
{
	d->there = learned_is_same(l, &d->p.place, f, &d->how) ?
	    THERE_AS_RECORDED : THERE_IN_DOUBT;
}

static void
check_row(void *arg, const struct imap_fetch *f)
{
	struct removing *r = arg;
	int i;

	for (i = 0; i < r->n; i++) {
		struct doomed *d = &r->row[i];

		if (d->p.place.uid == f->uid && (f->has_size || f->has_date ||
		    d->there == THERE_NOT_SEEN))
			compare_meta(&r->pass.run->learned, d, f);
	}
}

enum task_result
remove_check(struct removing *r)
{
	struct task *t = &r->pass.task;
	struct imap_fetch_args args = {
		.uids = &r->uids, .items = FETCH_META,
		.sink = { .arg = r, .row = check_row },
	};
	int i;

	for (i = 0; i < r->n; i++)
		if (remove_wants_expunge(&r->row[i]))
			uidset_add(&r->uids, r->row[i].p.place.uid);
	if (uidset_empty(&r->uids))
		return task_next(t, remove_checked);
	imap_fetch_start(r->pass.conn->session, &r->check, t, &args);
	return remove_wait(r, &r->check.cmd, remove_seen);
}

static enum task_result
remove_seen(struct task *t)
{
	struct removing *r = (struct removing *)t;
	int i;

	for (i = 0; i < r->n; i++) {
		const struct doomed *d = &r->row[i];

		if (remove_wants_expunge(d) && d->there == THERE_IN_DOUBT)
			headers_add(&r->doubts, d->p.place.uid,
			    d->p.place.content);
	}
	if (r->doubts.n == 0)
		return task_next(t, remove_doubts_compared);
	headers_ask(&r->doubts, r->pass.conn->session, t);
	return remove_wait(r, &r->doubts.fetch.cmd, remove_doubts_told);
}

static int
remove_doubts_work(struct pass *p, struct err *err)
{
	return headers_compare(&((struct removing *)p)->doubts, p->run->ix,
	    err);
}

static enum task_result
remove_doubts_told(struct task *t)
{
	return pass_job((struct pass *)t, remove_doubts_work,
	    remove_doubts_compared);
}

static void
settle_doubt(struct removing *r, const struct header *h)
{
	int i;

	for (i = 0; i < r->n && h->is != HEADER_UNKNOWN; i++) {
		struct doomed *d = &r->row[i];

		if (d->p.place.uid != h->uid)
			continue;
		d->how.header = h->is == HEADER_SAME;
		d->there = d->how.header ? THERE_AS_RECORDED : THERE_ANOTHER;
	}
}

/* What the server does not show any more will be told by the next listing. */
static enum task_result
remove_doubts_compared(struct task *t)
{
	struct removing *r = (struct removing *)t;
	size_t k;
	int i;

	for (k = 0; k < r->doubts.n; k++)
		settle_doubt(r, &r->doubts.v[k]);
	uidset_clear(&r->uids);
	for (i = 0; i < r->n; i++) {
		struct doomed *d = &r->row[i];
		const uint32_t uid = d->p.place.uid;

		if (!remove_wants_expunge(d) || d->there == THERE_NOT_SEEN)
			continue;
		if (d->there == THERE_AS_RECORDED) {
			uidset_add(&r->uids, uid);
			if (d->p.place.remote.flags & FLAG_DELETED)
				uidset_add(&r->marked, uid);
		} else if (d->there == THERE_ANOTHER) {
			d->failure = xasprintf("the server has another message "
			    "under UID %u than before; it is kept", uid);
		} else {
			d->failure = xasprintf("the server does not tell "
			    "whether UID %u is still the message that it was; "
			    "it is kept", uid);
		}
	}
	return remove_keep(r);
}
