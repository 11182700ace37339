/* Reads the plan of a folder: its dirty rows in order, each with its verdict.
 * */
#include "core/pick.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/report.h"
#include "index/content.h"

#define PAGE	64

/* 1: it is not the time for it; 0, -1. */
static int
must_wait(struct pick *k, struct picked *p, struct err *err)
{
	struct tries tries;

	if (k->failed == ITEM_NOTE)
		return 0;
	if (tries_of(k->run, &p->place, k->failed, &tries, err) == -1)
		return -1;
	p->tries = tries.n;
	if (tries.n > 0 && !tries.wait && !k->late) {
		k->put_off = tries.wait = true;
		k->suspects |= tries.suspect;
	}
	if (tries.wait && p->place.uid > k->skipped)
		k->skipped = p->place.uid;
	return tries.wait;
}

/* What asks something of a message that the server does not show waits. */
static void
leave_unseen(const struct pick *k, struct picked *p)
{
	const struct folder *f = k->folder;
	const unsigned asks = OP_PULL | OP_FLAG_REMOTE | OP_REMOVE_REMOTE;

	if (!k->unseen && (p->verdict.ops & asks) &&
	    sight_hides(&f->sight, &p->place))
		p->verdict.ops &= p->verdict.ops & OP_REMOVE_REMOTE ? OP_NONE :
		    ~asks;
	if (!k->unseen && f->sight.strayed && !f->row.remote &&
	    sight_hides(&f->sight, &p->place))
		p->verdict.ops = OP_NONE;
	if (k->sends && sight_holds_file(&f->sight, &p->place))
		p->verdict.ops = OP_NONE;
}

/* What was deleted here before the UIDs were others may be what is still to be
 * pulled (match/join.c): it is forgotten when nothing is. */
static int
keep_lost(struct pick *k, struct picked *p, struct err *err)
{
	if (!(p->verdict.ops & OP_FORGET) || p->place.uid != 0 ||
	    !p->place.base_local.present || p->place.content == 0)
		return 0;
	if (!k->asked && folder_unseen(k->run, k->folder, false, &k->pulls,
	    err) == -1)
		return -1;
	k->asked = true;
	if (k->pulls)
		p->verdict.ops = OP_NONE;
	return 0;
}

/* It may be known on the server alone, by no more than its UID. */
static int
load_texts(const struct pick *k, struct picked *p, struct err *err)
{
	struct index_content c;
	int found;

	if (!k->texts || p->place.content == 0)
		return 0;
	found = index_content_by_id(k->run->ix, p->place.content, &c, err);
	if (found == 1) {
		p->subject = xstrdup(c.subject);
		p->sender = xstrdup(c.sender);
	}
	return found == -1 ? -1 : 0;
}

/* 1: the row is one of those that are wanted; 0: it is released; -1. */
static int
take_row(struct pick *k, const struct ability *can, struct picked *p,
    struct err *err)
{
	int waits = 0;

	reconcile_message(&p->place, can, k->run->conf->expunge, &p->verdict);
	leave_unseen(k, p);
	waits = k->ops & OP_FORGET ? keep_lost(k, p, err) : 0;
	if (waits == 0 && (p->verdict.ops & k->ops)) {
		waits = must_wait(k, p, err);
		if (waits == 0 && load_texts(k, p, err) == 0)
			return 1;
		waits = waits == 0 ? -1 : waits;
	}
	picked_release(p, 1);
	return waits == -1 ? -1 : 0;
}

/* Of one page as many as there is room for; the others come again. The number,
 * or -1. */
static int
pick_page(struct pick *k, struct picked *out, int room, struct err *err)
{
	struct place row[PAGE];
	struct index_place_stream dirty = { PLACES_DIRTY, k->folder->row.id,
	    k->after };
	struct ability can;
	int i, n = 0, r = 0, got;

	if (sight_load(k->run, k->folder, err) == -1)
		return -1;
	got = index_places(k->run->ix, &dirty, row, PAGE, err);
	folder_ability(k->folder, &can);
	for (i = 0; i < got && r != -1 && n < room; i++) {
		k->after = row[i].id;
		out[n] = (struct picked){ .place = row[i] };
		r = take_row(k, &can, &out[n], err);
		n += r == 1;
	}
	k->end = got < PAGE && i == got;
	while (i < got)
		place_release(&row[i++]);
	if (got == -1 || r != -1)
		return got == -1 ? -1 : n;
	picked_release(out, n);
	return -1;
}

int
pick_rows(struct pick *k, struct picked *out, struct err *err)
{
	int got, n = 0;

	while (n < k->max && !k->end) {
		got = pick_page(k, out + n, k->max - n, err);
		if (got == -1) {
			picked_release(out, n);
			return -1;
		}
		n += got;
	}
	return n;
}

void
picked_release(struct picked *p, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		place_release(&p[i].place);
		verdict_release(&p[i].verdict);
		free(p[i].subject);
		free(p[i].sender);
	}
}

int
plan_each(struct run *run, struct folder *f, const struct plan_visit *visit,
    struct err *err)
{
	struct picked row[PAGE];
	struct pick pick = {
		.run = run, .folder = f, .ops = visit->ops, .max = PAGE,
		.unseen = visit->unseen,
		.texts = visit->texts,
	};
	int i, n, rc = 0;

	while (rc == 0 && !pick.end) {
		n = pick_rows(&pick, row, err);
		if (n == -1)
			return -1;
		for (i = 0; i < n && rc == 0; i++)
			rc = visit->row(visit->arg, &row[i], err);
		picked_release(row, n);
	}
	return rc;
}
