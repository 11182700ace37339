/* Remembers at what a connection was lost, and keeps away from it. */
#include "core/loss.h"

#include "base/log.h"
#include "core/pick.h"
#include "core/report.h"
#include "plan/loss.h"
#include "plan/retry.h"

#define ALONE_ENOUGH	2	/* losses in one sync: other work beside it is
				   not why */

#define ENOUGH_OF_ALL	4	/* at one step of a folder, also where it went
				   well in between */
#define SEARCHES_ENOUGH	2

static const struct {
	enum index_item_kind kind;	/* of the issue */
	const char *at;			/* "each time that ..." */
	const char *so;
} words[STEPS] = {
	[STEP_LOOK] = { ITEM_FOLDER, "it is looked at",
	    "the folder is left out" },
	[STEP_MAKE] = { ITEM_FOLDER, "it is made", "the folder is left out" },
	[STEP_UPLOADED] = { ITEM_SUM, "the headers of what was uploaded are "
	    "asked for", "nothing is done with it" },
	[STEP_PAIR] = { ITEM_NOTE, "headers are asked for", "" },
	[STEP_PULL] = { ITEM_PULL, "messages are asked for",
	    "they were not pulled" },
	[STEP_FLAGS] = { ITEM_FLAGS, "flags are set",
	    "flags were not carried over" },
	[STEP_COPY] = { ITEM_PUSH, "messages are copied from it",
	    "they were not" },
	[STEP_PUSH] = { ITEM_PUSH, "messages are sent",
	    "they were not pushed" },
	[STEP_PROVE] = { ITEM_REMOVE, "messages are asked for",
	    "none was removed" },
	[STEP_REMOVE] = { ITEM_REMOVE, "messages are removed",
	    "none was removed" },
	[STEP_DROP] = { ITEM_FOLDER, "it is deleted", "it was not" },
};

void
loss_progress(struct run *run)
{
	run->past.progress++;
}

/* The first one may have been about something else. */
void
loss_of_pass(struct pass *p)
{
	struct folder_loss *l;
	struct loss loss = { .asked = 1 };

	if (p->folder == NULL || p->step == STEP_NONE ||
	    !loss_is_of_connection(&p->task.err))
		return;
	if (p->conn->lost_caps != 0)
		loss_progress(p->run);
	if (p->blamed || p->conn->lost_caps != 0)
		return;
	l = &p->folder->loss[p->step];
	if (++l->all <= ENOUGH_OF_ALL)
		loss_progress(p->run);
	l->by_main |= p->conn == &p->conn->account->main;
	log_info("%s: %s: a connection was lost when %s", p->run->conf->name,
	    p->folder->row.name, words[p->step].at);
	loss.suspected = l->n++ > 0 || l->all >= ENOUGH_OF_ALL;
	loss.alone = !p->conn->mixed || l->n > 2 || l->all > ENOUGH_OF_ALL;
	l->proven = loss_judge(&loss) == LOSS_PROVEN;
}

static struct past_message *
message_of(struct past *p, const struct pass *pass, uint32_t uid)
{
	const int64_t folder = pass->folder->row.id;
	unsigned i, n = p->n_message < PAST_MESSAGES ? p->n_message :
	    PAST_MESSAGES;
	struct past_message *m;

	for (i = 0; i < n; i++)
		if (p->message[i].folder == folder &&
		    p->message[i].step == pass->step &&
		    p->message[i].uid == uid)
			return &p->message[i];
	m = &p->message[p->n_message++ % PAST_MESSAGES];
	*m = (struct past_message){ .folder = folder, .step = pass->step,
	    .uid = uid };
	return m;
}

static uint16_t
half_of(size_t n)
{
	return n < 2 ? 1 : n / 2 > UINT16_MAX ? UINT16_MAX : (uint16_t)(n / 2);
}

enum loss_verdict
loss_of_message(struct pass *p, uint32_t uid, const struct loss *loss)
{
	struct past_message *m = message_of(&p->run->past, p, uid);
	struct loss l = *loss;
	enum loss_verdict verdict;

	l.octets_before = m->octets;
	l.alone |= m->losses++ >= ALONE_ENOUGH;
	verdict = loss_judge(&l);
	if (verdict == LOSS_HALVE || m->losses <= ENOUGH_OF_ALL ||
	    l.octets > m->octets)
		loss_progress(p->run);
	if (l.octets > m->octets)
		m->octets = l.octets;
	if (verdict == LOSS_HALVE)
		p->folder->loss[p->step].at_once = half_of(l.asked);
	log_info("%s: %s: a connection was lost at %s %u",
	    p->run->conf->name, p->folder->row.name, verdict == LOSS_HALVE ?
	    "one of the messages from UID" : "the message with UID", uid);
	return verdict;
}

void
loss_of_search(struct run *run, int64_t folder, const struct err *err)
{
	struct past *p = &run->past;
	unsigned i = 0;

	if (folder == 0 || !loss_is_of_connection(err))
		return;
	while (i < p->n_search && p->search[i].folder != folder)
		i++;
	if (i == PAST_SEARCHES)
		return;
	if (i == p->n_search)
		p->search[p->n_search++] = (struct past_search){
			.folder = folder,
		};
	p->search[i].losses++;
	loss_progress(run);
}

bool
loss_ends_search(const struct run *run, int64_t folder)
{
	const struct past *p = &run->past;
	unsigned i;

	for (i = 0; i < p->n_search; i++)
		if (p->search[i].folder == folder)
			return p->search[i].losses >= SEARCHES_ENOUGH;
	return false;
}

void
loss_was_none(struct pass *p, struct conn *c)
{
	struct folder_loss *l = &p->folder->loss[p->step];

	c->risked++;
	l->at_once = l->at_once < SYNC_ROWS ? 2 * l->at_once : 0;
}

unsigned
loss_at_once(const struct pass *p)
{
	return p->folder->loss[p->step].at_once;
}

void
loss_is_over(struct pass *p)
{
	if (p->folder != NULL && !p->folder->loss[p->step].proven)
		p->folder->loss[p->step].n = 0;
}

/* What an earlier sync found out counts until it is time to try again. */
int
loss_recall(struct run *run, struct folder *f, struct err *err)
{
	const int64_t begun = run->report.begun;
	int i, found;

	for (i = STEP_LOOK; i < STEPS && run->report.any; i++) {
		const struct index_item_key key = { f->row.id, 0, words[i].kind,
		    NULL };
		struct folder_loss *l = &f->loss[i];
		struct index_item it;

		if (l->n > 0 || words[i].kind == ITEM_NOTE)
			continue;
		found = index_item_find(run->ix, &key, &it, err);
		if (found == -1)
			return -1;
		if (found == 1 && !run->opt.full)
			l->proven = l->kept = retry_is_later(it.next, begun);
		if (found == 1)
			index_item_release(&it);
	}
	return 0;
}

bool
loss_passes_by(struct pass *p)
{
	struct conn *c = p->conn;
	struct folder *f = p->folder;
	const struct folder_loss *l;

	if (f == NULL)
		return false;
	c->mixed |= c->first != 0 && c->first != f->row.id;
	c->first = f->row.id;
	l = &f->loss[p->step];
	if (!l->proven)
		return false;
	f->failed |= words[p->step].kind == ITEM_FOLDER;
	if (words[p->step].kind == ITEM_NOTE)
		return true;
	report_folder_issue(p->run, f, words[p->step].kind, ALL_ROWS,
	    "the connection is lost each time %s; %s", words[p->step].at,
	    words[p->step].so);
	report_folder_waits(p->run, f, words[p->step].kind, l->kept);
	return true;
}

bool
loss_is_near(const struct folder *f, unsigned steps)
{
	int i;

	for (i = 0; i < STEPS; i++)
		if ((steps & STEP_BIT(i)) && f->loss[i].n > 0 &&
		    !f->loss[i].proven)
			return true;
	return false;
}

bool
loss_wants_alone(struct conn *c, struct folder *f, unsigned steps,
    struct err *err)
{
	bool wants = false;
	int i;

	if (c->first == 0 || (c->first == f->row.id && !c->mixed))
		return false;
	for (i = 0; i < STEPS; i++) {
		struct folder_loss *l = &f->loss[i];

		if (!(steps & STEP_BIT(i)) || l->n == 0 || l->proven ||
		    !l->by_main)
			continue;
		wants |= !l->alone;
		l->alone = true;
	}
	if (!wants)
		return false;
	c->account->run->past.wanted = true;
	err_set(err, ERR_NET, "%s may cost the connection, and is to have one "
	    "of its own", f->row.name);
	return true;
}

bool
loss_puts_off(struct folder *f)
{
	const bool again = f->put_off && !f->late && !f->failed;

	if (again && f->suspects) {
		f->loss[STEP_PULL].n = 1;
		f->loss[STEP_PULL].by_main = true;
	}
	f->late = again;
	f->put_off = f->suspects = false;
	return again;
}
