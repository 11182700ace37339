/*
 * Restores what this run would remove, or holds: --undo-deletes (design section
 * 5, "Guard"). Such a row loses its base and what it says of
 * the side that lost the message: so the message is new on the side that has
 * it, and the next round copies it. The mark \Deleted does not come back, or it
 * would be removed after all: a row without a base keeps the mark only where
 * both sides say so, and a file loses it here.
 */
#include "run/undo.h"

#include <stdlib.h>

#include "apply/transfer.h"
#include "base/buf.h"
#include "base/mem.h"
#include "mail/flags.h"
#include "maildir/store.h"
#include "observe/observe.h"

#define ROWS		64

/* What a folder lacks for sure, and no other: who still waits for proof keeps
 * waiting. */
bool
undo_concerns(const struct folder *f)
{
	return folder_in_play(f) && f->row.id != 0 && !f->unsettled;
}

bool
undo_makes_folder(const struct folder *f)
{
	return f->row.base && f->row.local != f->row.remote;
}

void
undo_count(struct undo_counts *out, const struct folder *f,
    const struct picked *p)
{
	unsigned ops = p->verdict.ops & REMOVE_OPS;

	out->unmarked += ops == REMOVE_OPS;
	out->pushed += ops == OP_REMOVE_LOCAL;
	if (ops == OP_REMOVE_REMOTE && sight_hides(&f->sight, &p->place))
		out->unseen++;
	else
		out->pulled += ops == OP_REMOVE_REMOTE;
}

static void
keep_marked(struct undo_counts *out, struct folder *f, const struct place *p)
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
	unsigned ops = row->verdict.ops & REMOVE_OPS;
	struct place *p = &row->place;

	if (ops == OP_REMOVE_LOCAL)
		place_forget_remote(p);
	else if (ops == OP_REMOVE_REMOTE)
		lose_file(p);
	state_set(&p->base_local, false, 0, "");
	state_set(&p->base_remote, false, 0, "");
	return index_place_put(ix, p, err);
}

struct undoing {
	struct run *run;
	struct folder *folder;
	struct undo_counts *out;
};

static int
undo_visit(void *arg, struct picked *row, struct err *err)
{
	struct undoing *u = arg;

	undo_count(u->out, u->folder, row);
	keep_marked(u->out, u->folder, &row->place);
	u->folder->undone = true;
	u->folder->dirty++;
	return undo_row(u->run->ix, row, err);
}

static int
undo_folder(struct run *run, struct folder *f, struct undo_counts *out,
    struct err *err)
{
	struct undoing u = { run, f, out };
	const struct plan_visit visit = { .ops = REMOVE_OPS,
	    .row = undo_visit, .arg = &u, .unseen = true };

	if (!undo_concerns(f))
		return 0;
	if (undo_makes_folder(f)) {
		f->row.base = false;
		f->undone = true;
		out->folders++;
		if (index_folder_put(run->ix, &f->row, err) == -1)
			return -1;
	}
	return plan_each(run, f, &visit, err);
}

static int
undo_all(struct run *run, struct undo_counts *out, struct err *err)
{
	size_t i;
	int rc = index_begin(run->ix, err);

	for (i = 0; i < run->n_folder && rc == 0; i++)
		rc = undo_folder(run, &run->folder[i], out, err);
	/* Deleted once more, they go to the trash once more. */
	if (rc == 0)
		rc = transfers_tidy(run, err);
	return index_end(run->ix, rc, err);
}

/* --- files that carry the mark --- */

/* 1: renamed; 0: it is not there any more under that name. */
static int
unmark_file(struct run *run, const struct folder *f, struct place *p,
    struct err *err)
{
	struct maildir_message m = { f->row.path, p->in_new, p->file };
	unsigned flags = p->local.flags & ~(unsigned)FLAG_DELETED;
	struct maildir_renamed now;

	if (maildir_set_flags(run->md, &m, flags, &now, err) == -1) {
		if (err->kind != ERR_STALE)
			return -1;
		err->kind = ERR_NONE;
		return 0;
	}
	free(p->file);
	p->file = xstrdup(now.file);
	p->in_new = now.in_new;
	p->local.flags = flags;
	return 1;
}

static int
record_unmarked(struct run *run, const struct undo_marked *v,
    struct place *row, size_t n, struct err *err)
{
	size_t i;
	int rc = maildir_sync_folder(run->md, v->folder->row.path, err);

	if (rc == -1)
		return -1;
	rc = index_begin(run->ix, err);
	for (i = 0; i < n && rc == 0; i++)
		if (v[i].done)
			rc = index_place_put(run->ix, &row[i], err);
	return index_end(run->ix, rc, err);
}

/* The next files of one folder: renamed, durable, recorded. */
static int
unmark_some(struct run *run, struct undo_marked *v, size_t n,
    struct err *err)
{
	struct place row[ROWS];
	bool any = false;
	size_t i, got;
	int rc, r = 0;

	for (got = 0; got < n && r != -1; got++) {
		row[got] = (struct place){ .id = 0 };
		r = index_place_by_id(run->ix, v[got].id, &row[got], err);
		if (r == 1)
			r = unmark_file(run, v[got].folder, &row[got], err);
		any |= v[got].done = r == 1;
	}
	rc = r == -1 ? -1 : any ? record_unmarked(run, v, row, n, err) : 0;
	for (i = 0; i < got; i++) {
		v[i].uid = row[i].uid;
		v[i].unique = row[i].unique;
		row[i].unique = NULL;
		place_release(&row[i]);
	}
	return rc;
}

static int
unmark_files(struct run *run, struct undo_counts *out, struct err *err)
{
	struct undo_marked *v = out->marked;
	size_t i, n;

	for (i = 0; i < out->n_marked; i += n) {
		for (n = 1; n < ROWS && i + n < out->n_marked &&
		    v[i + n].folder == v[i].folder; n++)
			;
		if (unmark_some(run, v + i, n, err) == -1)
			return -1;
	}
	return 0;
}

int
undo_removals(struct run *run, struct undo_counts *out, struct err *err)
{
	if (root_mark(run, err) == -1 || undo_all(run, out, err) == -1)
		return -1;
	return unmark_files(run, out, err);
}

void
undo_report_unmarked(struct run *run, const struct undo_counts *c)
{
	size_t i;

	for (i = 0; i < c->n_marked; i++) {
		struct place p = { .uid = c->marked[i].uid,
		    .unique = c->marked[i].unique };

		if (c->marked[i].done)
			report_done(run, SYNC_FLAG_LOCAL, c->marked[i].folder,
			    &p, "-\\Deleted");
	}
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
undo_sentence(const struct run *run, const struct undo_counts *c, bool would)
{
	uint64_t n = c->pulled + c->unseen + c->pushed + c->unmarked +
	    c->folders;
	struct buf parts;
	char *text;

	if (n == 0)
		return xstrdup("there is no removal to undo");
	buf_init(&parts, 500);
	add_part(&parts, c->folders, "folder", "made again");
	add_part(&parts, c->pulled, "message", "pulled again");
	add_part(&parts, c->unseen, "message", "pulled again when the server "
	    "shows it");
	add_part(&parts, c->pushed, "message", run->hold_push ?
	    "kept until uploads are held no longer" : "uploaded again");
	add_part(&parts, c->unmarked, "message", "no longer marked as deleted");
	text = xasprintf("%llu removal%s %sundone: %s", (unsigned long long)n,
	    n == 1 ? "" : "s", would ? "would be " : "", buf_str(&parts));
	buf_release(&parts);
	return text;
}
