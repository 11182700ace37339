/*
 * Reads, for a dry run, the same plan as the passes that carry it out, and
 * tells of it.
 */
#include "run/preview.h"

#include "apply/apply.h"
#include "base/limits.h"
#include "base/mem.h"
#include "match/copies.h"

struct previewing {
	struct pass pass;
	struct preview what;
	struct pick pick;
	struct picked row[SYNC_ROWS];
	int n;
};

static enum task_result preview_next(struct task *);
static enum task_result preview_picked(struct task *);

/* --- a verdict in operations --- */

static const struct {
	unsigned bit;
	enum sync_op op;
} told[] = {
	{ OP_PULL, SYNC_PULL }, { OP_PUSH, SYNC_PUSH },
	{ OP_FLAG_LOCAL, SYNC_FLAG_LOCAL },
	{ OP_FLAG_REMOTE, SYNC_FLAG_REMOTE },
	{ OP_REMOVE_LOCAL, SYNC_REMOVE_LOCAL },
	{ OP_REMOVE_REMOTE, SYNC_REMOVE_REMOTE },
};

void
report_verdict(struct run *run, struct folder *f, const struct picked *p,
    unsigned ops)
{
	struct buf detail;
	size_t i;

	buf_init(&detail, 4 * LIMIT_KEYWORDS);
	for (i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		if (!(p->verdict.ops & ops & told[i].bit))
			continue;
		buf_clear(&detail);
		if (told[i].bit & (OP_FLAG_LOCAL | OP_FLAG_REMOTE))
			verdict_detail(p, told[i].bit == OP_FLAG_LOCAL,
			    &detail);
		report_picked(run, told[i].op, f, p, buf_str(&detail));
	}
	buf_release(&detail);
}

/* --- the pass --- */

static int
preview_pick_work(struct pass *p, struct err *err)
{
	struct previewing *v = (struct previewing *)p;
	int i, rc = 0;

	v->n = pick_rows(&v->pick, v->row, err);
	if (v->n == -1) {
		v->n = 0;
		return -1;
	}
	for (i = 0; i < v->n && rc == 0 && v->what.narrow != NULL; i++)
		rc = v->what.narrow(p->run, p->folder, &v->row[i], err);
	return rc;
}

static enum task_result
preview_next(struct task *t)
{
	struct previewing *v = (struct previewing *)t;

	return v->pick.end ? TASK_DONE : pass_job(&v->pass, preview_pick_work,
	    preview_picked);
}

static enum task_result
preview_picked(struct task *t)
{
	struct previewing *v = (struct previewing *)t;
	int i;

	for (i = 0; i < v->n; i++)
		v->what.tell(v->what.arg, v->pass.run, v->pass.folder,
		    &v->row[i]);
	picked_release(v->row, v->n);
	v->n = 0;
	return task_next(t, preview_next);
}

static void
preview_finish(struct task *t)
{
	struct previewing *v = (struct previewing *)t;

	picked_release(v->row, v->n);
	pass_end(&v->pass);
}

void
preview_start(struct conn *conn, struct folder *folder,
    struct pass_result *out, const struct preview *what)
{
	struct previewing *v = xcalloc(1, sizeof(*v));

	v->what = *what;
	v->pick = (struct pick){
		.run = conn->account->run, .folder = folder, .ops = what->ops,
		.max = SYNC_ROWS, .unseen = what->unseen, .texts = true,
	};
	v->pass.folder = folder;
	v->pass.task.finish = preview_finish;
	pass_start(&v->pass, conn, out, "preview", preview_next);
}

/* --- in place of each pass --- */

static void
tell_pull(void *arg, struct run *run, struct folder *f, const struct picked *p)
{
	(void)arg;
	report_verdict(run, f, p, OP_PULL);
}

static void
preview_pull(struct conn *conn, struct folder *f, struct pass_result *out)
{
	preview_start(conn, f, out, &(struct preview){ .ops = OP_PULL,
	    .tell = tell_pull });
}

/* As it would be by then. */
static void
agree_on_source(const struct folder *f, struct place *p, bool expunge)
{
	struct verdict v;
	struct ability can;

	folder_ability(f, &can);
	reconcile_message(p, &can, expunge, &v);
	if (v.ops & OP_FLAG_REMOTE)
		state_set(&p->remote, true, v.remote_flags, v.remote_keywords);
	if (v.ops & OP_FLAG_LOCAL)
		state_set(&p->local, true, v.local_flags, v.local_keywords);
	verdict_release(&v);
	reconcile_agree(p, &can);
}

/* What is copied on the server may differ in flags then. */
static int
narrow_push(struct run *run, struct folder *f, struct picked *p,
    struct err *err)
{
	const struct copy *copy = copies_to(run, p->place.id);
	struct ability can;
	struct place source;
	int found = copy == NULL ? 0 : index_place_by_id(run->ix, copy->source,
	    &source, err);

	if (found != 1)
		return found;
	if (source.local.present && !source.missing)
		agree_on_source(&run->folder[copy->from], &source,
		    run->conf->expunge);
	copies_agree(copy, &p->place, &source);
	place_release(&source);
	folder_ability(f, &can);
	verdict_release(&p->verdict);
	reconcile_message(&p->place, &can, false, &p->verdict);
	return 0;
}

static void
tell_push(void *arg, struct run *run, struct folder *f, const struct picked *p)
{
	struct copy *copy = copies_to(run, p->place.id);

	(void)arg;
	if (copy == NULL) {
		report_verdict(run, f, p, OP_PUSH);
		return;
	}
	copy->done = true;
	report_copy(run, copy, &p->place);
	report_verdict(run, f, p, OP_FLAG_LOCAL | OP_FLAG_REMOTE);
}

static void
preview_push(struct conn *conn, struct folder *f, struct pass_result *out)
{
	preview_start(conn, f, out, &(struct preview){ .ops = OP_PUSH,
	    .narrow = narrow_push, .tell = tell_push });
}

/* A file that the first scan lacked can't be renamed; it may be renamed or gone
 * already. */
static int
narrow_flags(struct run *run, struct folder *f, struct picked *p,
    struct err *err)
{
	(void)run;
	(void)f;
	(void)err;
	if (p->place.missing &&
	    p->place.local.flags != p->verdict.local_flags)
		p->verdict.ops &= ~(unsigned)OP_FLAG_LOCAL;
	return 0;
}

static void
tell_flags(void *arg, struct run *run, struct folder *f,
    const struct picked *p)
{
	(void)arg;
	report_verdict(run, f, p, OP_FLAG_LOCAL | OP_FLAG_REMOTE);
}

static void
preview_flags(struct conn *conn, struct folder *f, struct pass_result *out)
{
	preview_start(conn, f, out, &(struct preview){ .ops = FLAG_OPS,
	    .narrow = narrow_flags, .tell = tell_flags });
}

/* A file that waits keeps the server's copy, but it would have been pushed by
 * then, unless that is held. */
static int
narrow_removal(struct run *run, struct folder *f, struct picked *p,
    struct err *err)
{
	return remove_narrow(run, p, removals_allowed(run, f), run->hold_push,
	    err);
}

static void
tell_removal(void *arg, struct run *run, struct folder *f,
    const struct picked *p)
{
	(void)arg;
	report_verdict(run, f, p,
	    (p->place.local.present ? OP_REMOVE_LOCAL : OP_NONE) |
	    (p->place.remote.present && !copies_moved(run, p->place.id) ?
	    OP_REMOVE_REMOTE : OP_NONE));
}

static void
preview_remove(struct conn *conn, struct folder *f, struct pass_result *out)
{
	preview_start(conn, f, out, &(struct preview){
	    .ops = removals_allowed(conn->account->run, f),
	    .narrow = narrow_removal, .tell = tell_removal });
}

/* --- folders --- */

static enum task_result
tell_made(struct task *t)
{
	struct pass *p = (struct pass *)t;

	report_done(p->run, p->folder->row.local ? SYNC_MAKE_REMOTE :
	    SYNC_MAKE_LOCAL, p->folder, NULL, "");
	return TASK_DONE;
}

static void
preview_make(struct conn *conn, struct folder *f, struct pass_result *out)
{
	struct pass *p = xcalloc(1, sizeof(*p));

	p->folder = f;
	pass_start(p, conn, out, "preview", tell_made);
}

static enum task_result
tell_dropped(struct task *t)
{
	struct pass *p = (struct pass *)t;

	if (p->folder->row.local || p->folder->row.remote)
		report_done(p->run, p->folder->row.local ? SYNC_DROP_LOCAL :
		    SYNC_DROP_REMOTE, p->folder, NULL, "");
	return TASK_DONE;
}

static void
preview_drop(struct conn *conn, struct folder *f, struct pass_result *out)
{
	struct pass *p = xcalloc(1, sizeof(*p));

	p->folder = f;
	pass_start(p, conn, out, "preview", tell_dropped);
}

const struct passes passes_preview = {
	.make = preview_make, .pull = preview_pull, .flags = preview_flags,
	.push = preview_push, .remove = preview_remove, .drop = preview_drop,
};
