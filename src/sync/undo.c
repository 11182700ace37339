/*
 * --undo-deletes: what this run would remove, or holds, is restored instead
 * (design section 5, "Guard"). Such a row loses its base and what it says of the
 * side that lost the message: so the message is new on the side that has it, and
 * the turns over the folders copy it. A message that `expunge = yes` would
 * remove loses the mark: a row without a base keeps that only where both sides
 * have it, and then the file loses it here.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "internal.h"
#include "mail/flags.h"
#include "turns.h"

#define REMOVALS	(OP_REMOVE_LOCAL | OP_REMOVE_REMOTE)
#define ROWS		64

static struct pick
removals_of(const struct account *a, struct box *b, int max)
{
	return (struct pick){
		.box = b, .ops = REMOVALS, .expunge = a->conf->expunge,
		.max = max,
	};
}

/* What a folder lacks for sure, and no other: who still waits for proof keeps
 * waiting. */
bool
undo_concerns(const struct box *b)
{
	return box_in_play(b) && b->row.id != 0 && !b->unsettled;
}

static void
count(const struct picked *p, struct undo_counts *out)
{
	unsigned ops = p->verdict.ops & REMOVALS;

	out->unmarked += ops == REMOVALS;
	out->pushed += ops == OP_REMOVE_LOCAL;
	out->pulled += ops == OP_REMOVE_REMOTE;
}

/* --- in the index --- */

/* Letters and keywords that only the lost file had stay known. */
static void
lose_file(struct place *p)
{
	unsigned flags = p->local.flags;
	char *words = p->local.keywords;

	p->local.keywords = NULL;
	place_forget_local(p);
	state_set(&p->local, false, flags, words);
	free(words);
}

static int
undo_row(struct index *ix, struct picked *row, struct err *err)
{
	unsigned ops = row->verdict.ops & REMOVALS;
	struct place *p = &row->place;

	if (ops == OP_REMOVE_LOCAL)
		place_forget_remote(p);
	else if (ops == OP_REMOVE_REMOTE)
		lose_file(p);
	state_set(&p->base_local, false, 0, "");
	state_set(&p->base_remote, false, 0, "");
	return index_place_put(ix, p, err);
}

static int
undo_rows(struct account *a, struct box *b, struct undo_counts *out,
    struct err *err)
{
	struct pick pick = removals_of(a, b, ROWS);
	struct picked row[ROWS];
	int k, n, rc = 0;

	while (rc == 0 && !pick.end) {
		n = pick_rows(a->ix, &pick, row, err);
		if (n == -1)
			return -1;
		for (k = 0; k < n && rc == 0; k++) {
			count(&row[k], out);
			rc = undo_row(a->ix, &row[k], err);
		}
		b->undone |= n > 0;
		b->dirty += (uint64_t)n;
		picked_release(row, n);
	}
	return rc;
}

static int
undo_box(struct account *a, struct box *b, struct undo_counts *out,
    struct err *err)
{
	if (!undo_concerns(b))
		return 0;
	if (b->row.base && b->row.local != b->row.remote) {
		b->row.base = false;
		b->undone = true;
		out->folders++;
		if (index_folder_put(a->ix, &b->row, err) == -1)
			return -1;
	}
	return undo_rows(a, b, out, err);
}

static int
undo_all(struct account *a, struct undo_counts *out, struct err *err)
{
	size_t i;
	int rc = index_begin(a->ix, err);

	for (i = 0; i < a->n_box && rc == 0; i++)
		rc = undo_box(a, &a->box[i], out, err);
	return index_end(a->ix, rc, err);
}

/* --- files that carry the mark, and so does the server --- */

static bool
is_marked(const struct place *p)
{
	return p->local.present && p->remote.present &&
	    !p->base_local.present &&
	    (p->local.flags & p->remote.flags & FLAG_DELETED);
}

/* 1: renamed; 0: it is not there any more under that name. */
static int
unmark_file(struct account *a, const struct box *b, struct place *p,
    struct err *err)
{
	struct maildir_message m = { b->row.path, p->in_new, p->file };
	unsigned flags = p->local.flags & ~(unsigned)FLAG_DELETED;
	char file[MAILDIR_NAME_MAX + 1];

	if (maildir_set_flags(&a->md, &m, flags, file, &p->in_new,
	    err) == -1) {
		if (err->kind != ERR_STALE)
			return -1;
		err->kind = ERR_NONE;
		return 0;
	}
	free(p->file);
	p->file = xstrdup(file);
	p->local.flags = flags;
	return 1;
}

/* Renamed, durable, recorded. */
static int
unmark_rows(struct account *a, struct box *b, struct place *row, int n,
    struct err *err)
{
	bool renamed[ROWS] = { false };
	bool any = false;
	int i, r, rc;

	for (i = 0; i < n; i++) {
		r = is_marked(&row[i]) ? unmark_file(a, b, &row[i], err) : 0;
		if (r == -1)
			return -1;
		any |= renamed[i] = r == 1;
	}
	if (!any)
		return 0;
	if (maildir_sync_folder(&a->md, b->row.path, err) == -1)
		return -1;
	rc = index_begin(a->ix, err);
	for (i = 0; i < n && rc == 0; i++)
		if (renamed[i])
			rc = index_place_put(a->ix, &row[i], err);
	return index_end(a->ix, rc, err);
}

static int
unmark_box(struct account *a, struct box *b, struct err *err)
{
	struct place row[ROWS];
	int64_t after = 0;
	int i, n, rc = 0;

	do {
		n = index_places(a->ix, PLACES_DIRTY, b->row.id, after, row,
		    ROWS, err);
		if (n > 0) {
			after = row[n - 1].id;
			rc = unmark_rows(a, b, row, n, err);
		}
		for (i = 0; i < n; i++)
			place_release(&row[i]);
	} while (rc == 0 && n == ROWS);
	return n == -1 ? -1 : rc;
}

int
undo_removals(struct account *a, struct undo_counts *out, struct err *err)
{
	size_t i;

	if (root_mark(a, err) == -1 || undo_all(a, out, err) == -1)
		return -1;
	for (i = 0; i < a->n_box && out->unmarked > 0; i++)
		if (a->box[i].undone && a->box[i].row.local &&
		    unmark_box(a, &a->box[i], err) == -1)
			return -1;
	return 0;
}

/* --- in words --- */

static void
add_part(struct buf *b, uint64_t n, const char *what, const char *done)
{
	if (n > 0)
		buf_addf(b, "%s%llu %s%s %s", b->len > 0 ? ", " : "",
		    (unsigned long long)n, what, n == 1 ? "" : "s", done);
}

char *
undo_sentence(const struct undo_counts *c, bool dry_run)
{
	uint64_t n = c->pulled + c->pushed + c->unmarked + c->folders;
	struct buf parts;
	char *text;

	if (n == 0)
		return xstrdup("there is no removal to undo");
	buf_init(&parts, 500);
	add_part(&parts, c->folders, "folder", "made again");
	add_part(&parts, c->pulled, "message", "pulled again");
	add_part(&parts, c->pushed, "message", "uploaded again");
	add_part(&parts, c->unmarked, "message", "no longer marked as deleted");
	text = xasprintf("%llu removal%s %sundone: %s", (unsigned long long)n,
	    n == 1 ? "" : "s", dry_run ? "would be " : "", buf_str(&parts));
	buf_release(&parts);
	return text;
}

/* --- a dry run tells --- */

struct telling {
	struct pass pass;
	struct pick pick;
	struct picked picked[SYNC_ROWS];
	int n;
	struct job job;
};

static enum task_result tell_picked(struct task *);

static int
tell_pick_run(struct job *job)
{
	struct telling *l = OWNER_OF(job, struct telling, job);
	int n = pick_rows(l->pass.a->ix, &l->pick, l->picked, &job->err);

	if (n == -1)
		return -1;
	l->n = n;
	return 0;
}

static enum task_result
tell_pick(struct task *t)
{
	struct telling *l = (struct telling *)t;

	l->job = (struct job){ .run = tell_pick_run };
	lane_post(l->pass.a->index_lane, &l->job, t);
	return task_wait(t, tell_picked);
}

static void
tell_row(struct telling *l, const struct picked *p)
{
	unsigned ops = p->verdict.ops & REMOVALS;
	struct account *a = l->pass.a;
	struct box *b = l->pass.box;
	const struct place *at = &p->place;

	count(p, &a->turns->undo);
	if (ops == OP_REMOVE_LOCAL)
		account_done(a, SYNC_PUSH, b, at, "");
	else if (ops == OP_REMOVE_REMOTE)
		account_done(a, SYNC_PULL, b, at, "");
	else {
		if (at->local.flags & FLAG_DELETED)
			account_done(a, SYNC_FLAG_LOCAL, b, at, "-\\Deleted");
		if (at->remote.flags & FLAG_DELETED)
			account_done(a, SYNC_FLAG_REMOTE, b, at, "-\\Deleted");
	}
}

static enum task_result
tell_picked(struct task *t)
{
	struct telling *l = (struct telling *)t;
	int i;

	if (!l->job.done)
		return task_wait(t, tell_picked);
	if (l->job.result == -1)
		return task_fail(t, &l->job.err);
	for (i = 0; i < l->n; i++)
		tell_row(l, &l->picked[i]);
	picked_release(l->picked, l->n);
	l->n = 0;
	return l->pick.end ? TASK_DONE : task_next(t, tell_pick);
}

static void
tell_finish(struct task *t)
{
	struct telling *l = (struct telling *)t;

	picked_release(l->picked, l->n);
	pass_end(&l->pass);
}

void
undo_tell_start(struct account *a, struct box *box, struct pass_result *out)
{
	struct telling *l = xcalloc(1, sizeof(*l));

	if (box->row.base && box->row.local != box->row.remote) {
		a->turns->undo.folders++;
		account_done(a, box->row.local ? SYNC_MAKE_REMOTE :
		    SYNC_MAKE_LOCAL, box, NULL, "");
	}
	l->pick = removals_of(a, box, SYNC_ROWS);
	l->pass.box = box;
	l->pass.task.finish = tell_finish;
	pass_start(&l->pass, a, out, "undo", tell_pick);
}
