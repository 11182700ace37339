/*
 * Keeps the connections that one pull gets its bodies by. A task without a
 * folder of its own helps where much is left: it opens the same folder,
 * read-only, and lends its connection until the pull is over. What it was at
 * when it is lost is asked for again by another one.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "apply/pull.h"
#include "core/loss.h"

#define WORTH_A_LINE	1000	/* messages that are left */

struct lending {
	struct pass pass;
	struct imap_select select;
	struct pull *pull;	/* NULL: it is over */
	struct err lost;
};

/* --- what the pull does with them --- */

void
sources_begin(struct pull *p, struct conn *own)
{
	p->source[0] = (struct source){ .conn = own, .ready = true };
	p->n_source = 1;
	/* Connections may be idle. */
	task_wake(&p->pass.run->task);
}

static int
fetches(const struct pull *p, const struct source *s)
{
	int i, n = 0;

	for (i = 0; i < PULL_BATCHES; i++)
		n += p->batch[i].at == BATCH_FETCH &&
		    p->batch[i].source == s;
	return n;
}

/* One batch after the other, so that it is known what is at work. */
static bool
are_careful(const struct pull *p)
{
	return p->late || loss_at_once(&p->pass) > 0;
}

struct source *
source_for(struct pull *p)
{
	struct source *best = NULL;
	int least = are_careful(p) ? 1 : PULL_FETCHES;
	unsigned i;

	for (i = 0; i < p->n_source; i++) {
		struct source *s = &p->source[i];
		int n = s->ready ? fetches(p, s) : least;

		if (n < least) {
			least = n;
			best = s;
		}
	}
	return best;
}

int
sources_batches(const struct pull *p)
{
	unsigned i, n = PULL_OWN_BATCHES - 1;

	for (i = 0; i < p->n_source; i++)
		n += p->source[i].ready;
	return n < PULL_BATCHES ? (int)n : PULL_BATCHES;
}

void
sources_pause(struct pull *p, bool paused)
{
	unsigned i;

	for (i = 0; i < p->n_source; i++)
		if (p->source[i].ready && p->source[i].conn->session != NULL)
			imap_session_pause(p->source[i].conn->session, paused);
}

/* The lender no longer hears of the pull, nor the pull of it. */
static void
let_go(struct source *s)
{
	struct lending *h = s->lending;

	s->ready = false;
	s->into = NULL;
	s->lending = NULL;
	if (h == NULL)
		return;
	h->pull = NULL;
	task_wake(&h->pass.task);
}

void
source_lost(struct pull *p, struct source *s, const struct err *err)
{
	int i;

	for (i = 0; i < PULL_BATCHES && s->ready; i++) {
		const struct pull_batch *b = &p->batch[i];

		if (b->at == BATCH_FETCH && b->source == s && b->turn != 0 &&
		    (s->lost_at == 0 || b->turn < s->lost_at))
			s->lost_at = b->turn;
	}
	if (s == &p->source[0]) {
		p->lost = *err;
		p->end = true;
	}
	if (s->lending != NULL)
		s->lending->lost = *err;
	let_go(s);
}

bool
sources_are_gone(const struct pull *p)
{
	unsigned i;

	for (i = 0; i < p->n_source; i++)
		if (p->source[i].ready)
			return false;
	return true;
}

/* A connection that stays paused would never end its FETCH; one that does not
 * would fill the memory, for nobody takes what it brings. */
void
sources_give_up(struct pull *p)
{
	p->end = p->given_up = true;
	sources_pause(p, false);
}

void
sources_end(struct pull *p)
{
	unsigned i;

	sources_pause(p, false);
	for (i = 0; i < p->n_source; i++)
		let_go(&p->source[i]);
}

/* --- what the lender does --- */

static bool
is_short_of_lines(const struct pull *p)
{
	return !p->end && !p->no_more_lent && !are_careful(p) &&
	    p->n_source < LIMIT_CONNECTIONS &&
	    p->pass.folder->dirty > p->done + WORTH_A_LINE;
}

struct folder *
pull_short_of_lines(struct run *run)
{
	struct pull *p;

	for (p = run->pulls; p != NULL; p = p->next)
		if (is_short_of_lines(p))
			return p->pass.folder;
	return NULL;
}

static struct source *
source_of(struct lending *h)
{
	unsigned i;

	for (i = 1; i < h->pull->n_source; i++)
		if (h->pull->source[i].lending == h)
			return &h->pull->source[i];
	return NULL;
}

static enum task_result
lend_over(struct task *t)
{
	struct lending *h = (struct lending *)t;

	if (h->lost.kind != ERR_NONE)
		return task_fail(t, &h->lost);
	return h->pull == NULL ? TASK_DONE : task_wait(t, lend_over);
}

static enum task_result
lend_selected(struct task *t)
{
	struct lending *h = (struct lending *)t;

	if (h->pull == NULL)
		return TASK_DONE;
	if (imap_refusal(&h->select.cmd) != NULL ||
	    h->select.box.uidvalidity != h->pass.folder->row.uidvalidity) {
		h->pull->no_more_lent = true;	/* do not come back */
		return TASK_DONE;
	}
	source_of(h)->ready = true;
	task_wake(&h->pull->pass.task);
	return task_next(t, lend_over);
}

static enum task_result
lend_select(struct task *t)
{
	struct lending *h = (struct lending *)t;
	struct imap_select_args args = {
		.raw = h->pass.folder->row.raw, .examine = true,
	};

	imap_select_start(h->pass.conn->session, &h->select, t, &args);
	return imap_wait(t, &h->select.cmd, lend_selected);
}

static void
lend_finish(struct task *t)
{
	struct lending *h = (struct lending *)t;

	if (h->pull != NULL)
		let_go(source_of(h));
	imap_select_release(&h->select);
	pass_end(&h->pass);
}

/* folder: whose pull is short of connections. */
void
lend_start(struct conn *conn, struct folder *folder, struct pass_result *out)
{
	struct lending *h = xcalloc(1, sizeof(*h));
	struct pull *p = conn->account->run->pulls;

	while (p->pass.folder != folder)
		p = p->next;
	h->pull = p;
	p->source[p->n_source++] = (struct source){
		.conn = conn, .lending = h,
	};
	h->pass.folder = folder;
	h->pass.task.finish = lend_finish;
	pass_start(&h->pass, conn, out, "help", lend_select);
}
