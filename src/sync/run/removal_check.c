/*
 * Counts what would vanish, and holds what looks like a disaster. Content that
 * stays elsewhere on its side does not count (a move is no removal), nor do
 * Trash and Junk.
 */
#include "run/removal_check.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/pick.h"
#include "core/pick.h"
#include "match/twins.h"
#include "plan/guard.h"

/* One side of the account. */
struct side {
	struct guard_count *count;	/* one each for a folder */
	uint64_t removals;		/* altogether */
	const char *gone_from, *kept_on;
};

struct removal_counts {
	struct run *run;
	size_t folder;			/* that is counted */
	struct side local, remote;
};

static int
count_vanishing(struct removal_counts *c, const struct picked *p,
    struct side *side, struct err *err)
{
	bool stays = false;

	side->removals++;
	if (p->place.content != 0 && index_content_stays(c->run->ix,
	    p->place.content, p->place.id, &stays, err) == -1)
		return -1;
	side->count[c->folder].vanishing += !stays;
	return 0;
}

static int
count_row(void *arg, struct picked *p, struct err *err)
{
	struct removal_counts *c = arg;
	struct folder *f = &c->run->folder[c->folder];
	int rc = 0;

	if (p->verdict.ops & OP_REMOVE_LOCAL) {
		f->remove_local++;
		rc = count_vanishing(c, p, &c->local, err);
	}
	if (rc == 0 && (p->verdict.ops & OP_REMOVE_REMOTE)) {
		f->remove_remote++;
		rc = count_vanishing(c, p, &c->remote, err);
	}
	return rc;
}

/* A folder that is gone showed a part of what it had. Is that elsewhere now, as
 * behind a RENAME that gives new UIDs? Then so is the rest, for all we know. */
struct straying {
	struct run *run;
	const struct folder *folder;
	uint64_t shown, elsewhere;
};

static int
look_elsewhere(void *arg, struct place *p, struct err *err)
{
	struct straying *s = arg;
	bool stays = false;

	if (!p->base_local.present || p->content == 0 ||
	    sight_hides(&s->folder->sight, p))
		return 0;
	if (index_content_stays(s->run->ix, p->content, p->id, &stays,
	    err) == -1)
		return -1;
	s->shown++;
	s->elsewhere += stays;
	return 0;
}

static int
keep_strayed(struct run *run, struct folder *f, struct err *err)
{
	struct sight now = { .known = false };
	int rc = index_begin(run->ix, err);

	sight_copy(&now, &f->sight);
	now.strayed = 1;
	if (rc == 0)
		rc = sight_store(run, f, &now, err);
	sight_release(&now);
	return index_end(run->ix, rc, err);
}

static int
find_strayed(struct removal_counts *c, struct folder *f, struct err *err)
{
	struct straying s = { .run = c->run, .folder = f };
	const struct index_visit visit = { look_elsewhere, &s };

	if (f->row.remote || !f->row.base || uidset_empty(&f->sight.out) ||
	    f->sight.strayed)
		return 0;
	if (index_each(c->run->ix, PLACES_LOCAL, f->row.id, &visit, err) == -1)
		return -1;
	if (2 * s.elsewhere <= s.shown)
		return 0;
	if (!c->run->md->look_only && keep_strayed(c->run, f, err) == -1)
		return -1;
	f->sight.strayed = 1;
	return 0;
}

static int
count_folder(struct removal_counts *c, size_t i, struct err *err)
{
	struct folder *f = &c->run->folder[i];
	const struct plan_visit visit = { .ops = REMOVE_OPS,
	    .row = count_row, .arg = c };

	c->folder = i;
	f->remove_local = f->remove_remote = 0;
	if (sight_load(c->run, f, err) == -1 ||
	    find_strayed(c, f, err) == -1)
		return -1;
	return plan_each(c->run, f, &visit, err);
}

/* Only where something is to be removed: that alone may cost by the message. */
static int
count_totals(struct removal_counts *c, struct err *err)
{
	struct run *run = c->run;
	struct index_counts counts;
	size_t i;

	for (i = 0; i < run->n_folder; i++) {
		if (run->folder[i].row.id == 0)
			continue;
		if (index_counts(run->ix, run->folder[i].row.id, &counts,
		    err) == -1)
			return -1;
		c->local.count[i].total = counts.local;
		c->remote.count[i].total = counts.remote;
	}
	return 0;
}

/* --- what both sides lost by themselves; the second scan has just told --- */

struct forgetting {
	struct run *run;
	struct folder *folder;
};

static int
forget_visit(void *arg, struct picked *p, struct err *err)
{
	struct forgetting *f = arg;

	return evidence_forgotten(f->run, f->folder, &p->place, err) == -1 ?
	    -1 : index_place_drop(f->run->ix, p->place.id, err);
}

int
removals_forget(struct run *run, struct err *err)
{
	size_t i;
	int rc = index_begin(run->ix, err);

	for (i = 0; i < run->n_folder && rc == 0; i++) {
		struct forgetting f = { run, &run->folder[i] };
		const struct plan_visit visit = { .ops = OP_FORGET,
		    .row = forget_visit, .arg = &f };

		if (f.folder->row.id != 0)
			rc = plan_each(run, f.folder, &visit, err);
	}
	return index_end(run->ix, rc, err);
}

/* --- what is held, in words --- */

/* The guard looks away from Trash and Junk. */
static void
leave_trash_out(struct removal_counts *c)
{
	size_t i;

	for (i = 0; i < c->run->n_folder; i++)
		if (c->run->folder[i].is_trash)
			c->local.count[i] = c->remote.count[i] =
			    (struct guard_count){ 0, 0 };
}

/* The folder that most of it is gone from. */
static size_t
hardest_hit(const struct run *run, const struct guard_count *c)
{
	size_t i, worst = 0;

	for (i = 1; i < run->n_folder; i++)
		if (c[i].vanishing > c[worst].vanishing)
			worst = i;
	return worst;
}

static char *
of_the_account(const struct run *run, const struct guard_count *c)
{
	size_t i, worst = hardest_hit(run, c);
	uint64_t vanishing = 0, total = 0;

	for (i = 0; i < run->n_folder; i++) {
		vanishing += c[i].vanishing;
		total += c[i].total;
	}
	return xasprintf("%llu of %llu messages of the account (%llu of them "
	    "in %s)", (unsigned long long)vanishing, (unsigned long long)total,
	    (unsigned long long)c[worst].vanishing,
	    run->folder[worst].row.name);
}

static char *
of_a_folder(const struct folder *f, const struct guard_count *c)
{
	return xasprintf("%llu of %llu messages of %s",
	    (unsigned long long)c->vanishing, (unsigned long long)c->total,
	    f->row.name);
}

/* worst: a folder, or n_folder. */
static char *
sentence(const struct run *run, const struct side *s, size_t worst)
{
	char *which = worst < run->n_folder ? of_a_folder(&run->folder[worst],
	    &s->count[worst]) : of_the_account(run, s->count);
	char *all = xasprintf("%s are gone from %s; all %llu removals on %s "
	    "are held. If that was meant, run sync --force-deletes; if not, "
	    "sync --undo-deletes brings them back", which, s->gone_from,
	    (unsigned long long)s->removals, s->kept_on);

	free(which);
	return all;
}

/* A later check in the same run says it no second time. */
static void
hold_side(struct run *run, const struct side *s, bool *holds,
    const uint64_t *rows)
{
	size_t worst;

	if (*holds || !guard_holds(s->count, run->n_folder, &worst))
		return;
	*holds = true;
	report_issue_later(run, sentence(run, s, worst), rows);
}

static void
hold_growing(struct run *run, const struct side *remote)
{
	if (run->hold_remove_remote || !guard_holds_growing(run->lacking[0],
	    run->lacking[1]))
		return;
	run->hold_remove_remote = true;
	report_issue_later(run, xasprintf("files are still disappearing from "
	    "the Maildir (%llu at the first look, %llu at the second); all "
	    "%llu removals on the server wait for the next run",
	    (unsigned long long)run->lacking[0],
	    (unsigned long long)run->lacking[1],
	    (unsigned long long)remote->removals), &run->guarded_remote);
}

/* A line for each side. */
static void
hold(struct removal_counts *c)
{
	struct run *run = c->run;

	hold_side(run, &c->remote, &run->hold_remove_remote,
	    &run->guarded_remote);
	hold_growing(run, &c->remote);
	hold_side(run, &c->local, &run->hold_remove_local,
	    &run->guarded_local);
	run->guarded_remote = run->hold_remove_remote ? c->remote.removals : 0;
	run->guarded_local = run->hold_remove_local ? c->local.removals : 0;
}

/* Flags of a file that a message got just now are carried over by the look
 * that follows. */
static int
settle_twins(struct run *run, struct err *err)
{
	size_t i;
	int rc = index_begin(run->ix, err);

	for (i = 0; i < run->n_folder && rc != -1; i++) {
		struct folder *f = &run->folder[i];

		if (f->row.id == 0)
			continue;
		rc = twins_settle(run->ix, f->row.id, err);
		f->look_again |= rc == 1;
	}
	return index_end(run->ix, rc == -1 ? -1 : 0, err);
}

int
removal_check(struct run *run, struct err *err)
{
	struct removal_counts c = { .run = run,
	    .local = { NULL, 0, "the server", "disk" },
	    .remote = { NULL, 0, "the Maildir", "the server" } };
	size_t i;
	int rc = settle_twins(run, err);

	if (rc == 0)
		rc = removals_forget(run, err);
	c.local.count = xcalloc(run->n_folder + 1, sizeof(*c.local.count));
	c.remote.count = xcalloc(run->n_folder + 1, sizeof(*c.remote.count));
	for (i = 0; i < run->n_folder && rc == 0; i++)
		if (run->folder[i].row.id != 0)
			rc = count_folder(&c, i, err);
	run->removals = c.local.removals + c.remote.removals;
	if (rc == 0 && run->removals > 0)
		rc = count_totals(&c, err);
	if (rc == 0 && !run->opt.force_deletes) {
		leave_trash_out(&c);
		hold(&c);
	}
	free(c.local.count);
	free(c.remote.count);
	return rc;
}
