/*
 * --undo-deletes: what this run would remove, or holds, is restored instead
 * (design section 5, "Guard"). Such a row loses its base and what it says of the
 * side that lost the message: so the message is new on the side that has it, and
 * the turns over the folders copy it. The mark \Deleted does not come back, or
 * it would be removed after all: a row without a base keeps the mark only where
 * both sides say so, and a file loses it here.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/internal.h"
#include "mail/flags.h"
#include "run/phases.h"

#define REMOVALS	(OP_REMOVE_LOCAL | OP_REMOVE_REMOTE)
#define ROWS		64

static struct pick
removals_of(const struct account *a, struct folder *f, int max)
{
	return (struct pick){
		.folder = f, .ops = REMOVALS, .expunge = a->conf->expunge,
		.max = max,
	};
}

/* What a folder lacks for sure, and no other: who still waits for proof keeps
 * waiting. */
bool
undo_concerns(const struct folder *f)
{
	return folder_in_play(f) && f->row.id != 0 && !f->unsettled;
}

static void
count(const struct picked *p, struct undo_counts *out)
{
	unsigned ops = p->verdict.ops & REMOVALS;

	out->unmarked += ops == REMOVALS;
	out->pushed += ops == OP_REMOVE_LOCAL;
	out->pulled += ops == OP_REMOVE_REMOTE;
}

static void
note_marked(struct undo_counts *out, struct folder *f, const struct place *p)
{
	if (!p->local.present || !(p->local.flags & FLAG_DELETED))
		return;
	*VEC_ADD(out->marked, out->n_marked, out->cap_marked) =
	    (struct undo_marked){ .folder = f, .id = p->id };
}

/* --- in the index --- */

/* Letters and keywords that only the lost file had stay known; the mark among
 * them means that the server's is not pulled. */
static void
lose_file(struct place *p)
{
	unsigned flags = p->local.flags | FLAG_DELETED;
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
undo_rows(struct account *a, struct folder *f, struct undo_counts *out,
    struct err *err)
{
	struct pick pick = removals_of(a, f, ROWS);
	struct picked row[ROWS];
	int k, n, rc = 0;

	while (rc == 0 && !pick.end) {
		n = pick_rows(a->ix, &pick, row, err);
		if (n == -1)
			return -1;
		for (k = 0; k < n && rc == 0; k++) {
			count(&row[k], out);
			note_marked(out, f, &row[k].place);
			rc = undo_row(a->ix, &row[k], err);
		}
		f->undone |= n > 0;
		f->dirty += (uint64_t)n;
		picked_release(row, n);
	}
	return rc;
}

static int
undo_folder(struct account *a, struct folder *f, struct undo_counts *out,
    struct err *err)
{
	if (!undo_concerns(f))
		return 0;
	if (f->row.base && f->row.local != f->row.remote) {
		f->row.base = false;
		f->undone = true;
		out->folders++;
		if (index_folder_put(a->ix, &f->row, err) == -1)
			return -1;
	}
	return undo_rows(a, f, out, err);
}

static int
undo_all(struct account *a, struct undo_counts *out, struct err *err)
{
	size_t i;
	int rc = index_begin(a->ix, err);

	for (i = 0; i < a->n_folder && rc == 0; i++)
		rc = undo_folder(a, &a->folder[i], out, err);
	return index_end(a->ix, rc, err);
}

/* --- files that carry the mark --- */

/* 1: renamed; 0: it is not there any more under that name. */
static int
unmark_file(struct account *a, const struct folder *f, struct place *p,
    struct err *err)
{
	struct maildir_message m = { f->row.path, p->in_new, p->file };
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

/* The next files of one box: renamed, durable, recorded. */
static int
unmark_some(struct account *a, struct undo_marked *v, size_t n,
    struct err *err)
{
	struct place row[ROWS];
	bool any = false;
	size_t i, got;
	int r = 0, rc;

	for (got = 0; got < n && r != -1; got++) {
		row[got] = (struct place){ .id = 0 };
		r = index_place_by_id(a->ix, v[got].id, &row[got], err);
		if (r == 1)
			r = unmark_file(a, v[got].folder, &row[got], err);
		any |= v[got].done = r == 1;
	}
	rc = r == -1 ? -1 : 0;
	if (rc == 0 && any &&
	    (rc = maildir_sync_folder(&a->md, v->folder->row.path, err)) == 0) {
		rc = index_begin(a->ix, err);
		for (i = 0; i < n && rc == 0; i++)
			if (v[i].done)
				rc = index_place_put(a->ix, &row[i], err);
		rc = index_end(a->ix, rc, err);
	}
	for (i = 0; i < got; i++) {
		v[i].uid = row[i].uid;
		v[i].unique = row[i].unique;
		row[i].unique = NULL;
		place_release(&row[i]);
	}
	return rc;
}

static int
unmark_files(struct account *a, struct undo_counts *out, struct err *err)
{
	struct undo_marked *v = out->marked;
	size_t i, n;

	for (i = 0; i < out->n_marked; i += n) {
		for (n = 1; n < ROWS && i + n < out->n_marked &&
		    v[i + n].folder == v[i].folder; n++)
			;
		if (unmark_some(a, v + i, n, err) == -1)
			return -1;
	}
	return 0;
}

int
undo_removals(struct account *a, struct undo_counts *out, struct err *err)
{
	if (root_mark(a, err) == -1 || undo_all(a, out, err) == -1)
		return -1;
	return unmark_files(a, out, err);
}

void
undo_tell_unmarked(struct account *a)
{
	struct undo_counts *c = &a->turns->undo;
	size_t i;

	for (i = 0; i < c->n_marked; i++) {
		struct place p = { .uid = c->marked[i].uid,
		    .unique = c->marked[i].unique };

		if (c->marked[i].done)
			report_done(a, SYNC_FLAG_LOCAL, c->marked[i].folder, &p,
			    "-\\Deleted");
	}
	undo_release(c);
}

void
undo_release(struct undo_counts *c)
{
	while (c->n_marked > 0)
		free(c->marked[--c->n_marked].unique);
	free(c->marked);
	c->marked = NULL;
	c->cap_marked = 0;
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
undo_sentence(const struct account *a)
{
	const struct undo_counts *c = &a->turns->undo;
	uint64_t n = c->pulled + c->pushed + c->unmarked + c->folders;
	struct buf parts;
	char *text;

	if (n == 0)
		return xstrdup("there is no removal to undo");
	buf_init(&parts, 500);
	add_part(&parts, c->folders, "folder", "made again");
	add_part(&parts, c->pulled, "message", "pulled again");
	add_part(&parts, c->pushed, "message", a->hold_push ?
	    "kept until uploads are held no longer" : "uploaded again");
	add_part(&parts, c->unmarked, "message", "no longer marked as deleted");
	text = xasprintf("%llu removal%s %sundone: %s", (unsigned long long)n, n
	    == 1 ? "" : "s", a->opt.dry_run ? "would be " : "",
	    buf_str(&parts));
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
	struct folder *f = l->pass.folder;
	const struct place *at = &p->place;

	count(p, &a->turns->undo);
	if (ops == OP_REMOVE_REMOTE)
		report_done(a, SYNC_PULL, f, at, "");
	if (at->local.present && (at->local.flags & FLAG_DELETED))
		report_done(a, SYNC_FLAG_LOCAL, f, at, "-\\Deleted");
	if (at->remote.present && (at->remote.flags & FLAG_DELETED))
		report_done(a, SYNC_FLAG_REMOTE, f, at, "-\\Deleted");
	if (ops == OP_REMOVE_LOCAL && !a->hold_push)
		report_done(a, SYNC_PUSH, f, at, "");
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
undo_tell_start(struct conn *conn, struct folder *folder,
    struct pass_result *out)
{
	struct telling *l = xcalloc(1, sizeof(*l));
	struct account *a = conn->a;

	if (folder->row.base && folder->row.local != folder->row.remote) {
		a->turns->undo.folders++;
		report_done(a, folder->row.local ? SYNC_MAKE_REMOTE :
		    SYNC_MAKE_LOCAL, folder, NULL, "");
	}
	l->pick = removals_of(a, folder, SYNC_ROWS);
	l->pass.folder = folder;
	l->pass.task.finish = tell_finish;
	pass_start(&l->pass, conn, out, "undo", tell_pick);
}
