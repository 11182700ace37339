/*
 * Before anything is removed: how much would vanish, and does that look like a
 * disaster? Content that stays elsewhere on its side does not count (a move is
 * no removal), nor do Trash and Junk.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "core/internal.h"
#include "plan/guard.h"

struct removal_counts {
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
count_folder(struct account *a, size_t i, struct removal_counts *j,
    struct err *err)
{
	struct picked row[64];
	struct pick pick = {
		.folder = &a->folder[i], .expunge = a->conf->expunge, .max = 64,
		.ops = OP_REMOVE_LOCAL | OP_REMOVE_REMOTE,
	};
	int k, n, rc = 0;

	a->folder[i].remove_local = a->folder[i].remove_remote = 0;
	while (rc == 0 && !pick.end) {
		n = pick_rows(a->ix, &pick, row, err);
		if (n == -1)
			return -1;
		for (k = 0; k < n && rc == 0; k++) {
			unsigned ops = row[k].verdict.ops;

			if (ops & OP_REMOVE_LOCAL) {
				j->n_local++;
				a->folder[i].remove_local++;
				rc = count_row(a, &row[k], &j->local[i], err);
			}
			if (rc == 0 && (ops & OP_REMOVE_REMOTE)) {
				j->n_remote++;
				a->folder[i].remove_remote++;
				rc = count_row(a, &row[k], &j->remote[i], err);
			}
		}
		picked_release(row, n);
	}
	return rc;
}

/* Only where something is to be removed: that alone may cost by the message. */
static int
count_totals(struct account *a, struct removal_counts *j, struct err *err)
{
	struct index_counts counts;
	size_t i;

	for (i = 0; i < a->n_folder; i++) {
		if (a->folder[i].row.id == 0)
			continue;
		if (index_counts(a->ix, a->folder[i].row.id, &counts, err) ==
		    -1)
			return -1;
		j->local[i].total = counts.local;
		j->remote[i].total = counts.remote;
	}
	return 0;
}

/* What both sides lost by themselves; the second scan has just told. */
static int
forget_rows(struct account *a, struct folder *f, struct err *err)
{
	struct picked row[64];
	struct pick pick = { .folder = f, .ops = OP_FORGET, .max = 64 };
	int k, n, rc = 0;

	while (rc == 0 && !pick.end) {
		n = pick_rows(a->ix, &pick, row, err);
		if (n == -1)
			return -1;
		for (k = 0; k < n && rc == 0; k++)
			rc = evidence_forgotten(a, f, &row[k].place, err) == -1
			    ? -1 : index_place_drop(a->ix, row[k].place.id,
			    err);
		picked_release(row, n);
	}
	return rc;
}

int
removals_forget(struct account *a, struct err *err)
{
	size_t i;
	int rc = index_begin(a->ix, err);

	for (i = 0; i < a->n_folder && rc == 0; i++)
		if (a->folder[i].row.id != 0)
			rc = forget_rows(a, &a->folder[i], err);
	return index_end(a->ix, rc, err);
}

/* Trash and Junk are looked away from. */
static void
drop_trashy(struct account *a, struct removal_counts *j)
{
	size_t i;

	for (i = 0; i < a->n_folder; i++)
		if (a->folder[i].trashy)
			j->local[i] = j->remote[i] = (struct guard_count){ 0,
			    0 };
}

struct side {
	const struct guard_count *count;	/* one each for a box */
	uint64_t removals;			/* altogether */
	const char *gone_from, *kept_on;
};

/* The folder that most of it is gone from. */
static size_t
hardest_hit(const struct account *a, const struct guard_count *c)
{
	size_t i, worst = 0;

	for (i = 1; i < a->n_folder; i++)
		if (c[i].vanishing > c[worst].vanishing)
			worst = i;
	return worst;
}

static char *
of_the_account(const struct account *a, const struct guard_count *c)
{
	size_t i, worst = hardest_hit(a, c);
	uint64_t vanishing = 0, total = 0;

	for (i = 0; i < a->n_folder; i++) {
		vanishing += c[i].vanishing;
		total += c[i].total;
	}
	return xasprintf("%llu of %llu messages of the account (%llu of them "
	    "in %s)", (unsigned long long)vanishing, (unsigned long long)total,
	    (unsigned long long)c[worst].vanishing, a->folder[worst].row.name);
}

static char *
of_a_folder(const struct folder *f, const struct guard_count *c)
{
	return xasprintf("%llu of %llu messages of %s",
	    (unsigned long long)c->vanishing, (unsigned long long)c->total,
	    f->row.name);
}

/* worst: a folder, or n_box. */
static char *
sentence(const struct account *a, const struct side *s, size_t worst)
{
	char *which = worst < a->n_folder ? of_a_folder(&a->folder[worst],
	    &s->count[worst]) : of_the_account(a, s->count);
	char *all = xasprintf("%s are gone from %s; all %llu removals on %s "
	    "are held. If that was meant, run sync --force-deletes; if not, "
	    "sync --undo-deletes brings them back", which, s->gone_from,
	    (unsigned long long)s->removals, s->kept_on);

	free(which);
	return all;
}

static void
hold_side(struct account *a, const struct side *s, bool *holds,
    const uint64_t *rows)
{
	size_t worst;

	/* A later judgement in the same run says it no second time. */
	if (*holds || !guard_holds(s->count, a->n_folder, &worst))
		return;
	*holds = true;
	report_issue_later(a, sentence(a, s, worst), rows);
}

static void
hold_growing(struct account *a, const struct removal_counts *j)
{
	if (a->hold_remove_remote || !guard_holds_growing(a->lacking[0],
	    a->lacking[1]))
		return;
	a->hold_remove_remote = true;
	report_issue_later(a, xasprintf("files are still disappearing from the "
	    "Maildir (%llu at the first look, %llu at the second); all "
	    "%llu removals on the server wait for the next run",
	    (unsigned long long)a->lacking[0],
	    (unsigned long long)a->lacking[1],
	    (unsigned long long)j->n_remote), &a->guarded_remote);
}

/* A line for each side. A later judgement in the same run may only hold more. */
static void
hold(struct account *a, const struct removal_counts *j)
{
	const struct side remote = { j->remote, j->n_remote, "the Maildir",
	    "the server" };
	const struct side local = { j->local, j->n_local, "the server",
	    "disk" };

	hold_side(a, &remote, &a->hold_remove_remote, &a->guarded_remote);
	hold_growing(a, j);
	hold_side(a, &local, &a->hold_remove_local, &a->guarded_local);
	a->guarded_remote = a->hold_remove_remote ? j->n_remote : 0;
	a->guarded_local = a->hold_remove_local ? j->n_local : 0;
}

int
removal_check(struct account *a, struct err *err)
{
	struct removal_counts j = { .n_local = 0 };
	size_t i;
	int rc = removals_forget(a, err);

	j.local = xcalloc(a->n_folder + 1, sizeof(*j.local));
	j.remote = xcalloc(a->n_folder + 1, sizeof(*j.remote));
	for (i = 0; i < a->n_folder && rc == 0; i++)
		if (a->folder[i].row.id != 0)
			rc = count_folder(a, i, &j, err);
	if (rc == 0 && j.n_local + j.n_remote > 0)
		rc = count_totals(a, &j, err);
	if (rc == 0 && !a->opt.force_deletes) {
		drop_trashy(a, &j);
		hold(a, &j);
	}
	a->removals = j.n_local + j.n_remote;
	free(j.local);
	free(j.remote);
	return rc;
}
