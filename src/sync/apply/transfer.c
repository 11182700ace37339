/* What is being copied to the trash folder, and was perhaps (transfer.h). */
#include "apply/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/phases.h"

int
transfers_recall(struct account *a, const struct folder *trash,
    struct transfer *v, int n, bool *any, struct err *err)
{
	int i, found = 0;

	*any = false;
	for (i = 0; i < n && found != -1; i++) {
		found = index_intent_of(a->ix, trash->row.id, v[i].place->id,
		    &v[i].intent, err);
		*any |= found == 1;
	}
	return found == -1 ? -1 : 0;
}

/* --- which are there? --- */

/* Looked at in this run, or the server's numbers say that nothing changed. */
static bool
is_known(const struct folder *trash)
{
	return folder_in_play(trash) && !trash->unsettled;
}

static uint32_t
first_uid(const struct folder *trash, const struct index_intent *in)
{
	return in->uidvalidity == trash->row.uidvalidity ? in->uidnext : 1;
}

/* Another intent's copy, with the same content. */
static bool
is_claimed(const struct index_intent *open, size_t n_open,
    const struct place *p)
{
	size_t i;

	for (i = 0; i < n_open; i++)
		if (open[i].answered && open[i].uidnext == p->uid &&
		    open[i].content == p->content)
			return true;
	return false;
}

/* Whose copy is p? What was never pulled may be anybody's of that size. */
static int
assign(struct account *a, const struct folder *trash, struct transfer *v, int n,
    const struct place *p, struct err *err)
{
	int i;

	for (i = 0; i < n; i++) {
		struct index_intent *in = &v[i].intent;

		if (v[i].state == TRANSFER_NONE || v[i].state == TRANSFER_DONE
		    || in->id == 0 || p->uid < first_uid(trash, in))
			continue;
		if (p->content == 0 && p->size == v[i].place->size &&
		    p->date == v[i].place->date)
			v[i].state = TRANSFER_DOUBT;
		if (p->content == 0 || p->content != in->content)
			continue;
		v[i].state = TRANSFER_DONE;
		in->answered = true;
		in->uidvalidity = trash->row.uidvalidity;
		in->uidnext = p->uid;
		return index_intent_put(a->ix, in, err);
	}
	return 0;
}

/* The trash was pulled by now: what came into it is known by its content. */
static int
look(struct account *a, const struct folder *trash, struct transfer *v, int n,
    struct err *err)
{
	struct index_intent *open;
	struct place row[64];
	int64_t after = 0;
	size_t n_open;
	int i, got, rc = 0;

	if (index_intents(a->ix, trash->row.id, &open, &n_open, err) == -1)
		return -1;
	do {
		got = index_places(a->ix, PLACES_REMOTE, trash->row.id, after,
		    row, 64, err);
		for (i = 0; i < got; i++) {
			after = row[i].id;
			if (rc == 0 && !is_claimed(open, n_open, &row[i]))
				rc = assign(a, trash, v, n, &row[i], err);
			place_release(&row[i]);
		}
	} while (rc == 0 && got == 64);
	free(open);
	return got == -1 ? -1 : rc;
}

static int
intend(struct account *a, const struct folder *trash, struct transfer *c,
    struct err *err)
{
	const struct index_folder *f = &trash->row;

	c->intent = (struct index_intent){
		.id = c->intent.id, .folder = f->id, .place = c->place->id,
		.uidvalidity = f->uidvalidity,
		.uidnext = f->uidnext > trash->transferred_next ? f->uidnext :
		    trash->transferred_next,
		.content = c->place->content, .size = c->place->size,
		.begun = clock_wall(),
	};
	return index_intent_put(a->ix, &c->intent, err);
}

/* True when one has to be looked for. */
static bool
take_answered(const struct folder *trash, struct transfer *v, int n)
{
	bool open = false;
	int i;

	for (i = 0; i < n; i++) {
		if (v[i].state != TRANSFER_FRESH || v[i].intent.id == 0)
			continue;
		if (v[i].intent.answered)
			v[i].state = TRANSFER_DONE;
		else if (!is_known(trash))
			v[i].state = TRANSFER_DOUBT;
		else
			open = true;
	}
	return open;
}

int
transfers_intend(struct account *a, const struct folder *trash,
    struct transfer *v, int n, struct err *err)
{
	bool open = take_answered(trash, v, n);
	int i, rc = index_begin(a->ix, err);

	if (rc == 0 && open)
		rc = look(a, trash, v, n, err);
	for (i = 0; i < n && rc == 0; i++)
		if (v[i].state == TRANSFER_FRESH)
			rc = intend(a, trash, &v[i], err);
	return index_end(a->ix, rc, err);
}

/* --- what the server said --- */

static struct transfer *
find_transfer(struct transfer *v, int n, uint32_t uid)
{
	int i;

	for (i = 0; i < n; i++)
		if (v[i].state == TRANSFER_FRESH && v[i].place->uid == uid)
			return &v[i];
	return NULL;
}

/* COPYUID lists what was copied, and as what. */
static void
take_uids(struct folder *trash, struct transfer *v, int n,
    const struct imap_cmd *cmd)
{
	bool same = cmd->code_number == trash->row.uidvalidity;
	uint32_t from = 0, to = 0;
	struct transfer *c;

	while (uidset_next(&cmd->code_uids, &from) &&
	    uidset_next(&cmd->code_to, &to)) {
		if (same && to >= trash->transferred_next)
			trash->transferred_next = to < UINT32_MAX ? to + 1 : to;
		c = find_transfer(v, n, from);
		if (c == NULL)
			continue;
		c->state = TRANSFER_DONE;
		if (same)
			c->intent.uidnext = to;
	}
}

int
transfers_answered(struct account *a, struct folder *trash, struct transfer *v,
    int n, const struct imap_cmd *cmd, struct err *err)
{
	bool told = cmd->code == CODE_COPYUID &&
	    !uidset_empty(&cmd->code_uids);
	int i, rc = index_begin(a->ix, err);

	if (told)
		take_uids(trash, v, n, cmd);
	for (i = 0; i < n && rc == 0; i++) {
		if (v[i].state == TRANSFER_FRESH && !told)
			v[i].state = TRANSFER_DONE;
		if (v[i].state != TRANSFER_DONE || v[i].intent.answered)
			continue;
		v[i].intent.answered = true;
		rc = index_intent_put(a->ix, &v[i].intent, err);
	}
	return index_end(a->ix, rc, err);
}

/* --- what is not wanted any more --- */

static const struct folder *
folder_by_id(const struct account *a, int64_t id)
{
	size_t i;

	for (i = 0; i < a->n_folder; i++)
		if (a->folder[i].row.id == id)
			return &a->folder[i];
	return NULL;
}

/* 1: the removal that it belongs to is still asked for; or it is an upload. */
static int
is_wanted(struct account *a, const struct index_intent *in, struct err *err)
{
	struct verdict verdict = { .ops = OP_NONE };
	const struct folder *f;
	struct ability can;
	struct place p;
	int found = index_place_by_id(a->ix, in->place, &p, err);

	if (found != 1)
		return found;
	f = folder_by_id(a, p.folder);
	if (p.folder != in->folder && f != NULL) {
		folder_ability(f, &can);
		reconcile_message(&p, &can, a->conf->expunge, &verdict);
		found = (verdict.ops & OP_REMOVE_REMOTE) != 0;
		verdict_release(&verdict);
	}
	place_release(&p);
	return found;
}

static int
tidy(struct account *a, const struct folder *trash, struct err *err)
{
	struct index_intent *v;
	size_t n, i;
	int rc = 0;

	if (index_intents(a->ix, trash->row.id, &v, &n, err) == -1)
		return -1;
	for (i = 0; i < n && rc == 0; i++) {
		rc = is_wanted(a, &v[i], err);
		if (rc != -1)
			rc = rc == 1 ? 0 : index_intent_drop(a->ix, v[i].id,
			    err);
	}
	free(v);
	return rc;
}

int
transfers_tidy(struct account *a, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < a->n_folder && a->conf->trash != NULL && rc == 0; i++)
		if (strcmp(a->folder[i].row.name, a->conf->trash) == 0 &&
		    a->folder[i].row.id != 0)
			rc = tidy(a, &a->folder[i], err);
	return rc;
}
