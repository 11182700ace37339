/* Knows what is being copied to the trash, and what was perhaps (transfer.h).
 * */
#include "apply/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "plan/message.h"

int
transfers_recall(struct run *run, struct transfers *t, struct err *err)
{
	int i, any = 0, found = 0;

	for (i = 0; i < t->n && found != -1; i++) {
		found = index_intent_of(run->ix, t->trash->row.id,
		    t->v[i].place->id, &t->v[i].intent, err);
		any |= found == 1;
	}
	return found == -1 ? -1 : any;
}

/* --- which are there? --- */

/* Looked at in this run, or the server's numbers say that nothing changed. */
static bool
is_known(const struct folder *trash)
{
	return folder_in_play(trash) && !trash->unsettled;
}

uint32_t
transfer_first_uid(const struct index_intent *in, uint64_t uidvalidity)
{
	return in->uidvalidity == uidvalidity ? in->uidnext : 1;
}

/* What is looked for in the trash. */
struct search {
	struct run *run;
	struct transfers *sought;
	struct index_intent *open;	/* all of the trash */
	size_t n_open;
};

/* Another intent's copy, with the same content. */
static bool
is_claimed(const struct search *s, const struct place *p)
{
	size_t i;

	for (i = 0; i < s->n_open; i++)
		if (s->open[i].shown && s->open[i].copy == p->uid &&
		    s->open[i].content == p->content)
			return true;
	return false;
}

/* It could be the copy of that one, by where it stands. */
static bool
may_be(const struct search *s, const struct transfer *t,
    const struct place *p)
{
	return t->state != TRANSFER_NONE && t->state != TRANSFER_DONE &&
	    t->intent.id != 0 && p->uid >= transfer_first_uid(&t->intent,
	    s->sought->trash->row.uidvalidity);
}

int
transfer_shown(struct run *run, struct transfer *t, uint64_t uidvalidity,
    uint32_t uid, struct err *err)
{
	t->state = TRANSFER_DONE;
	t->intent.answered = t->intent.shown = true;
	t->intent.uidvalidity = uidvalidity;
	t->intent.uidnext = t->intent.copy = uid;
	return index_intent_put(run->ix, &t->intent, err);
}

/* Whose copy is p? What was never pulled may be anybody's of that size. */
static int
assign(void *arg, struct place *p, struct err *err)
{
	struct search *s = arg;
	int i;

	if (is_claimed(s, p))
		return 0;
	for (i = 0; i < s->sought->n; i++) {
		struct transfer *t = &s->sought->v[i];

		if (!may_be(s, t, p))
			continue;
		if (t->state != TRANSFER_SENT && p->content == 0 &&
		    (s->run->learned.sizes_inexact ||
		    p->size == t->place->size) && (s->run->learned.dates_vary ||
		    p->date == t->place->date))
			t->state = TRANSFER_DOUBT;
		if (p->content == 0 || p->content != t->intent.content)
			continue;
		return transfer_shown(s->run, t,
		    s->sought->trash->row.uidvalidity, p->uid, err);
	}
	return 0;
}

/* The trash was pulled by now: what came into it is known by its content. */
static int
look_for_copies(struct run *run, struct transfers *t, struct err *err)
{
	struct search s = { .run = run, .sought = t };
	const struct index_visit visit = { assign, &s };
	const int64_t trash = t->trash->row.id;
	int rc;

	if (index_intents(run->ix, trash, &s.open, &s.n_open, err) == -1)
		return -1;
	rc = index_each(run->ix, PLACES_REMOTE, trash, &visit, err);
	free(s.open);
	return rc;
}

static int
intend_transfer(struct run *run, const struct folder *trash,
    struct transfer *t, struct err *err)
{
	const struct index_folder *row = &trash->row;

	t->intent = (struct index_intent){
		.id = t->intent.id, .folder = row->id, .place = t->place->id,
		.again = t->intent.again,
		.uidvalidity = row->uidvalidity,
		.uidnext = folder_next_uid(trash),
		.content = t->place->content, .size = t->place->size,
		.begun = clock_wall(),
	};
	return index_intent_put(run->ix, &t->intent, err);
}

/* Of an earlier attempt of this sync: the server may be at it still. */
static bool
is_own(const struct run *run, const struct index_intent *in)
{
	return run->past.attempts > 0 && in->begun >= run->report.begun;
}

/* True when one has to be looked for. */
static bool
take_answered(const struct run *run, struct transfers *t)
{
	bool open = false;
	int i;

	for (i = 0; i < t->n; i++) {
		struct transfer *v = &t->v[i];

		if (v->state != TRANSFER_FRESH || v->intent.id == 0)
			continue;
		if (v->intent.shown) {
			v->state = TRANSFER_DONE;
		} else if (v->intent.answered) {
			v->state = TRANSFER_SENT;
			open |= is_known(t->trash);
		} else if (is_own(run, &v->intent) ||
		    !is_known(t->trash)) {
			v->state = TRANSFER_DOUBT;
		} else {
			open = true;
		}
	}
	return open;
}

int
transfers_intend(struct run *run, struct transfers *t, struct err *err)
{
	bool open = take_answered(run, t);
	int i, rc = index_begin(run->ix, err);

	if (rc == 0 && open)
		rc = look_for_copies(run, t, err);
	for (i = 0; i < t->n && rc == 0; i++)
		if (t->v[i].state == TRANSFER_FRESH)
			rc = intend_transfer(run, t->trash, &t->v[i], err);
	return index_end(run->ix, rc, err);
}

/* --- what the server said --- */

static struct transfer *
find_transfer(struct transfers *t, uint32_t uid)
{
	int i;

	for (i = 0; i < t->n; i++)
		if (t->v[i].state == TRANSFER_FRESH &&
		    t->v[i].place->uid == uid)
			return &t->v[i];
	return NULL;
}

/* COPYUID lists what was copied, and as what. That is a word, and no fact. */
static void
take_copied_uids(struct transfers *t, const struct imap_cmd *cmd)
{
	struct folder *trash = t->trash;
	bool same = cmd->code_number == trash->row.uidvalidity;
	uint32_t from = 0, to = 0;
	struct transfer *v;

	while (uidset_next(&cmd->code_uids, &from) &&
	    uidset_next(&cmd->code_to, &to)) {
		if (same && to >= trash->transferred_next)
			trash->transferred_next = to < UINT32_MAX ? to + 1 :
			    to;
		v = find_transfer(t, from);
		if (v == NULL)
			continue;
		v->state = TRANSFER_SENT;
		if (same)
			v->intent.copy = to;
	}
}

int
transfers_answered(struct run *run, struct transfers *t,
    const struct imap_cmd *cmd, struct err *err)
{
	bool told = cmd->code == CODE_COPYUID &&
	    !uidset_empty(&cmd->code_uids);
	int i, rc = index_begin(run->ix, err);

	if (told)
		take_copied_uids(t, cmd);
	for (i = 0; i < t->n && rc == 0; i++) {
		struct transfer *v = &t->v[i];

		if (v->state == TRANSFER_FRESH && !told)
			v->state = TRANSFER_SENT;
		if (v->state != TRANSFER_SENT || v->intent.answered)
			continue;
		v->intent.answered = true;
		rc = index_intent_put(run->ix, &v->intent, err);
	}
	return index_end(run->ix, rc, err);
}

/* --- what is not wanted any more --- */

/* 1: the removal that it belongs to is still asked for, or will be when the
 * second scan lacks the file like the first; or it is an upload. */
static int
is_wanted(struct run *run, const struct index_intent *in, struct err *err)
{
	struct verdict verdict = { .ops = OP_NONE };
	const struct folder *f;
	struct ability can;
	struct place p;
	int found = index_place_by_id(run->ix, in->place, &p, err);

	if (found != 1)
		return found;
	f = folder_by_id(run, p.folder);
	if (p.folder != in->folder && f != NULL) {
		if (p.missing)
			state_set(&p.local, false, 0, "");
		folder_ability(f, &can);
		reconcile_message(&p, &can, run->conf->expunge, &verdict);
		found = (verdict.ops & OP_REMOVE_REMOTE) != 0;
		verdict_release(&verdict);
	}
	place_release(&p);
	return found;
}

static int
tidy(struct run *run, const struct folder *trash, struct err *err)
{
	struct index_intent *v;
	size_t n, i;
	int rc = 0;

	if (index_intents(run->ix, trash->row.id, &v, &n, err) == -1)
		return -1;
	for (i = 0; i < n && rc == 0; i++) {
		rc = is_wanted(run, &v[i], err);
		if (rc != -1)
			rc = rc == 1 ? 0 : index_intent_drop(run->ix, v[i].id,
			    err);
	}
	free(v);
	return rc;
}

int
transfers_tidy(struct run *run, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < run->n_folder && run->conf->trash != NULL && rc == 0;
	    i++)
		if (strcmp(run->folder[i].row.name, run->conf->trash) == 0 &&
		    run->folder[i].row.id != 0)
			rc = tidy(run, &run->folder[i], err);
	return rc;
}
