/*
 * What a pull was at when it lost a connection. Servers answer in the order of
 * what was asked: the oldest FETCH was at work, at the first message that had
 * not come. That one is put off; the others are asked for again.
 */
#include <stdlib.h>

#include "apply/pull.h"
#include "base/mem.h"
#include "core/loss.h"

/* What came before the connection was lost is not asked for again. */
static bool
pulled_is_awaited(const struct pulled *m)
{
	return !m->got && m->failure == NULL && m->delivery == NULL &&
	    !m->asked && !m->suspect;
}

static struct pulled *
first_awaited(const struct pull_batch *b, size_t *n_out)
{
	struct pulled *first = NULL;
	int i;

	*n_out = 0;
	for (i = 0; i < b->n; i++) {
		if (!pulled_is_awaited(&b->msg[i]))
			continue;
		if (first == NULL)
			first = &b->msg[i];
		++*n_out;
	}
	return first;
}

/* What was asked for has come, or never will. */
void
pull_asked(struct pull_batch *b)
{
	int i;

	for (i = 0; i < b->n; i++) {
		b->msg[i].asked |= b->msg[i].asking;
		b->msg[i].asking = false;
	}
	loss_was_none(&b->p->pass, b->source->conn);
}

/* As many as may be asked for at once. */
void
pull_choose(struct pull_batch *b)
{
	const unsigned most = loss_at_once(&b->p->pass);
	int i;

	b->turn = ++b->p->turns;
	b->n_asked = 0;
	b->part = false;
	for (i = 0; i < b->n; i++) {
		b->msg[i].asking = pulled_is_awaited(&b->msg[i]) &&
		    (most == 0 || b->n_asked < most);
		b->part |= !b->msg[i].asking && pulled_is_awaited(&b->msg[i]);
		b->n_asked += b->msg[i].asking;
	}
}

void
pull_judge_loss(struct pull_batch *b)
{
	const struct conn *c = b->source->conn;
	struct loss loss = { .octets = 0 };
	size_t left;
	struct pulled *m = first_awaited(b, &left);

	if (m == NULL || b->turn != b->source->lost_at)
		return;
	if (b->open != NULL)
		loss.octets = b->open_octets;
	/* Of those beyond, it was not asked. */
	loss.asked = left < b->n_asked ? left : b->n_asked;
	loss.came = b->open != NULL || b->fetch.rows > 0;
	loss.suspected = m->row.tries > 0;
	loss.alone = b->p->late && !c->mixed && c->risked == 0;
	b->p->pass.blamed = true;
	switch (loss_of_message(&b->p->pass, m->row.place.uid, &loss)) {
	case LOSS_HALVE:
		break;
	case LOSS_SUSPECT:
		m->suspect = true;
		b->p->pass.folder->put_off = true;
		b->p->pass.folder->suspects = true;
		break;
	case LOSS_PROVEN:
		m->failure = xstrdup("the connection is lost each time it is "
		    "asked for");
	}
}
