/*
 * What a STORE was at when its connection was lost. Servers answer in the order
 * of what was asked: the oldest STORE was at work, at the first message not
 * shown so far. Where none was it can be any of them: then fewer go at once.
 */
#include "apply/flags.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/mem.h"
#include "core/loss.h"

unsigned
flags_at_once(const struct flagging *f)
{
	return f->late ? 1 : loss_at_once(&f->pass);
}

static bool
is_oldest_about(const struct flag_batch *b, const struct flag_row *r)
{
	struct store *s;

	if (b->asking)
		return true;
	LL_FOREACH(b->stores, s)
		if (!s->over)
			return uidset_has(&s->uids, r->p.place.uid);
	return false;
}

/* Of what is not answered, those that the server was at: the rows of the oldest
 * command that it has not shown. */
static struct flag_row *
stores_awaited(struct flag_batch *b, size_t *n_out, bool *came_out)
{
	struct flag_row *first = NULL;
	size_t i;

	*n_out = 0;
	*came_out = false;
	for (i = 0; i < b->n_uid; i++) {
		struct flag_row *r = b->by_uid[i];

		if (!is_oldest_about(b, r))
			continue;
		*came_out |= r->fresh;
		if (r->fresh)
			continue;
		if (first == NULL)
			first = r;
		++*n_out;
	}
	return first;
}

static struct flag_batch *
oldest(struct flagging *f)
{
	struct flag_batch *b = NULL;
	int i;

	for (i = 0; i < FLAG_BATCHES; i++)
		if (f->batch[i].at == FLAGS_APPLY && !f->batch[i].stored &&
		    (b == NULL || f->batch[i].turn < b->turn))
			b = &f->batch[i];
	return b;
}

void
flags_judge_loss(struct flagging *f)
{
	const struct conn *c = f->pass.conn;
	struct flag_batch *b = oldest(f);
	struct loss loss = { .octets = 0 };
	struct flag_row *r = b == NULL ? NULL :
	    stores_awaited(b, &loss.asked, &loss.came);

	if (r == NULL)
		return;
	loss.suspected = r->p.tries > 0;
	loss.alone = f->late && !c->mixed && c->risked == 0;
	f->pass.blamed = true;
	switch (loss_of_message(&f->pass, r->p.place.uid, &loss)) {
	case LOSS_HALVE:
		break;
	case LOSS_SUSPECT:
		r->suspect = true;
		break;
	case LOSS_PROVEN:
		r->proven = true;
	}
}

static int
record_proven(struct flagging *f, const struct place *p, struct err *err)
{
	struct failure why = { ITEM_FLAGS, "", true };
	char *text = xasprintf("flags of the message with UID %u were not set: "
	    "the connection is lost each time they are sent", p->uid);
	int rc;

	why.text = text;
	rc = record_failure(f->pass.run, f->pass.folder, p, &why, err);
	free(text);
	return rc;
}

int
flags_record_loss(struct flagging *f, const struct flag_row *r, bool lost,
    struct err *err)
{
	const struct place *p = &r->p.place;

	if (r->proven)
		return record_proven(f, p, err);
	if (r->suspect)
		return record_suspect(f->pass.run, p, ITEM_FLAGS, err);
	return lost || !is_asked_for(r) ? 0 :
	    record_success(f->pass.run, p, ITEM_FLAGS, err);
}
