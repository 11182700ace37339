/*
 * Before anything is removed: how much would vanish, and does that look like a
 * disaster? Content that stays elsewhere on its side does not count (a move is
 * no removal), nor do Trash and Junk.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "internal.h"
#include "sync/guard.h"

struct judging {
	struct guard_count *local, *remote;	/* one each for a box */
	uint64_t n_local, n_remote;		/* removals altogether */
};

static int
count_row(struct account *a, const struct picked *p, struct guard_count *c,
    struct err *err)
{
	bool stays = false;

	if (p->place.content != 0 && index_content_stays(a->ix,
	    p->place.content, p->place.id, &stays, err) == -1)
		return -1;
	if (!stays)
		c->vanishing++;
	return 0;
}

static int
count_box(struct account *a, size_t i, struct judging *j, struct err *err)
{
	struct picked row[64];
	struct pick pick = {
		.box = &a->box[i], .expunge = a->conf->expunge, .max = 64,
		.ops = OP_REMOVE_LOCAL | OP_REMOVE_REMOTE,
	};
	struct index_counts counts;
	int k, n, rc = 0;

	a->box[i].remove_local = a->box[i].remove_remote = 0;
	if (index_counts(a->ix, a->box[i].row.id, &counts, err) == -1)
		return -1;
	j->local[i].total = counts.local;
	j->remote[i].total = counts.remote;
	while (rc == 0 && !pick.end) {
		n = pick_rows(a->ix, &pick, row, err);
		if (n == -1)
			return -1;
		for (k = 0; k < n && rc == 0; k++) {
			unsigned ops = row[k].verdict.ops;

			if (ops & OP_REMOVE_LOCAL) {
				j->n_local++;
				a->box[i].remove_local++;
				rc = count_row(a, &row[k], &j->local[i], err);
			}
			if (rc == 0 && (ops & OP_REMOVE_REMOTE)) {
				j->n_remote++;
				a->box[i].remove_remote++;
				rc = count_row(a, &row[k], &j->remote[i], err);
			}
		}
		picked_release(row, n);
	}
	return rc;
}

/* What both sides lost by themselves; the second scan has just told. */
static int
forget_rows(struct account *a, struct box *b, struct err *err)
{
	struct picked row[64];
	struct pick pick = { .box = b, .ops = OP_FORGET, .max = 64 };
	int k, n, rc = 0;

	while (rc == 0 && !pick.end) {
		n = pick_rows(a->ix, &pick, row, err);
		if (n == -1)
			return -1;
		for (k = 0; k < n && rc == 0; k++)
			rc = evidence_forgotten(a, b, &row[k].place, err) == -1
			    ? -1 : index_place_drop(a->ix, row[k].place.id, err);
		picked_release(row, n);
	}
	return rc;
}

int
judge_forget(struct account *a, struct err *err)
{
	size_t i;
	int rc = index_begin(a->ix, err);

	for (i = 0; i < a->n_box && rc == 0; i++)
		if (a->box[i].row.id != 0)
			rc = forget_rows(a, &a->box[i], err);
	return index_end(a->ix, rc, err);
}

/* Trash and Junk are looked away from. */
static void
drop_trashy(struct account *a, struct judging *j)
{
	size_t i;

	for (i = 0; i < a->n_box; i++)
		if (a->box[i].trashy)
			j->local[i] = j->remote[i] = (struct guard_count){ 0, 0 };
}

static char *
sentence(struct account *a, const struct guard_count *c, size_t worst,
    uint64_t all, const char *gone_from, const char *kept_on)
{
	const char *where = worst < a->n_box ? a->box[worst].row.name :
	    "the account";
	uint64_t vanishing = 0, total = 0;
	size_t i;

	for (i = 0; i < a->n_box; i++) {
		vanishing += c[i].vanishing;
		total += c[i].total;
	}
	if (worst < a->n_box) {
		vanishing = c[worst].vanishing;
		total = c[worst].total;
	}
	return xasprintf("%llu of %llu messages of %s are gone from %s; all %llu "
	    "removals on %s are held. If that was meant, run sync "
	    "--force-deletes; if not, sync --undo-deletes brings them back", (unsigned long long)vanishing,
	    (unsigned long long)total, where, gone_from,
	    (unsigned long long)all, kept_on);
}

/* A later judgement in the same run may only hold more, and says so once. */
static void
hold(struct account *a, struct judging *j)
{
	bool remote_before = a->hold_remove_remote;
	bool local_before = a->hold_remove_local;
	size_t worst;
	char *remote = NULL, *local = NULL;

	a->hold_remove_remote |= guard_holds(j->remote, a->n_box, &worst);
	if (a->hold_remove_remote && !remote_before)
		remote = sentence(a, j->remote, worst, j->n_remote,
		    "the Maildir", "the server");
	if (!a->hold_remove_remote && guard_holds_growing(a->lacking[0],
	    a->lacking[1])) {
		a->hold_remove_remote = true;
		remote = xasprintf("files are still disappearing from the "
		    "Maildir (%llu at the first look, %llu at the second); all "
		    "%llu removals on the server wait for the next run",
		    (unsigned long long)a->lacking[0],
		    (unsigned long long)a->lacking[1],
		    (unsigned long long)j->n_remote);
	}
	a->hold_remove_local |= guard_holds(j->local, a->n_box, &worst);
	if (a->hold_remove_local && !local_before)
		local = sentence(a, j->local, worst, j->n_local, "the server",
		    "disk");
	a->guarded = (a->hold_remove_remote ? j->n_remote : 0) +
	    (a->hold_remove_local ? j->n_local : 0);
	a->told_held = remote != NULL || local != NULL;
	a->told_rows = &a->guarded;
	if (remote != NULL && local != NULL) {
		a->told = xasprintf("%s; %s", remote, local);
		free(remote);
		free(local);
	} else {
		a->told = remote != NULL ? remote : local;
	}
}

int
judge_removals(struct account *a, struct err *err)
{
	struct judging j = { .n_local = 0 };
	size_t i;
	int rc = judge_forget(a, err);

	j.local = xcalloc(a->n_box + 1, sizeof(*j.local));
	j.remote = xcalloc(a->n_box + 1, sizeof(*j.remote));
	for (i = 0; i < a->n_box && rc == 0; i++)
		if (a->box[i].row.id != 0)
			rc = count_box(a, i, &j, err);
	if (rc == 0 && !a->opt.force_deletes) {
		drop_trashy(a, &j);
		hold(a, &j);
	}
	a->removals = j.n_local + j.n_remote;
	free(j.local);
	free(j.remote);
	return rc;
}
