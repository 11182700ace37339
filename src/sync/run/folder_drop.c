/*
 * Folders that are gone on one side and emptied by now on the other: the last
 * of the turns. Never racing: what came meanwhile keeps the folder.
 */
#include "base/mem.h"
#include "apply/folder_delete.h"
#include "run/phases.h"

static enum task_result drop_each(struct task *);
static enum task_result drop_selected(struct task *);
static enum task_result drop_aside(struct task *);
static enum task_result drop_deleted(struct task *);
static enum task_result drop_done(struct task *);

enum task_result
drop_begin(struct task *t)
{
	struct account *a = (struct account *)t;

	a->turns->i = a->n_box;	/* backwards: what lies inside goes first */
	return task_next(t, drop_each);
}

static int
forget_work(struct account *a, struct err *err)
{
	if (index_begin(a->ix, err) == 0 &&
	    evidence_folder(a, turns_box(a), err) == 0 &&
	    index_folder_drop(a->ix, turns_box(a)->row.id, err) == 0 &&
	    aside_forget(a, err) == 0 &&
	    index_commit(a->ix, err) == 0)
		return 0;
	index_rollback(a->ix);
	return -1;
}

/* Nobody has it any more, or it is gone now: the index forgets it. */
static int
drop_local_work(struct account *a, struct err *err)
{
	struct box *b = turns_box(a);
	struct index_counts counts;

	a->turns->kept = true;
	if (index_counts(a->ix, b->row.id, &counts, err) == -1)
		return -1;
	if (counts.local > 0)
		return 0;
	if (root_mark(a, err) == -1)
		return -1;
	if (maildir_folder_remove(&a->md, b->row.path, err) == -1) {
		if (!is_folder_error(err))
			return -1;
		if (b->fault == NULL)
			b->fault = xcalloc(1, sizeof(*b->fault));
		*b->fault = *err;
		err->kind = ERR_NONE;
		return 0;
	}
	a->turns->kept = false;
	return forget_work(a, err);
}

static enum task_result
drop_each(struct task *t)
{
	struct account *a = (struct account *)t;
	struct box *b;
	struct imap_select_args args = { .examine = true };

	if (a->turns->i == 0)
		return task_next(t, attic_begin);
	a->turns->i--;
	b = turns_box(a);
	if (!box_in_play(b) || b->row.id == 0)
		return task_next(t, drop_each);
	switch (box_folder_op(b)) {
	case FOLDER_REMOVE_LOCAL:
		if (a->hold_remove_local)
			break;
		if (a->opt.dry_run) {
			account_done(a, SYNC_DROP_LOCAL, b, NULL, "");
			break;
		}
		return account_job(a, drop_local_work, drop_done);
	case FOLDER_REMOVE_REMOTE:
		if (a->hold_remove_remote || b->unsettled)
			break;
		if (a->opt.dry_run) {
			account_done(a, SYNC_DROP_REMOTE, b, NULL, "");
			break;
		}
		args.raw = b->row.raw;
		imap_select_start(a->main.session, &a->turns->select, t, &args);
		return task_wait(t, drop_selected);
	case FOLDER_FORGET:
		if (!a->opt.dry_run)
			return account_job(a, forget_work, drop_each);
		break;
	default:
		break;
	}
	return task_next(t, drop_each);
}

static enum task_result
drop_done(struct task *t)
{
	struct account *a = (struct account *)t;
	struct box *b = turns_box(a);

	/* A message came, which the next run sees, or it holds what is none. */
	if (b->fault != NULL)
		box_note(a, b, ITEM_REMOVE, ALL_ROWS, "it is gone from the "
		    "server and stays here: %s", b->fault->msg);
	else if (!a->turns->kept)
		account_done(a, SYNC_DROP_LOCAL, b, NULL, "");
	return task_next(t, drop_each);
}

/* Selected once more: it must hold nothing. */
static enum task_result
drop_selected(struct task *t)
{
	struct account *a = (struct account *)t;
	bool empty;

	switch (imap_result(&a->turns->select.cmd, &t->err)) {
	case 0:
		return task_wait(t, drop_selected);
	case -1:
		if (t->err.kind != ERR_REFUSED)
			return TASK_FAIL;
		box_note(a, turns_box(a), ITEM_REMOVE, ALL_ROWS, "it is gone "
		    "here and stays on the server: %s", t->err.msg);
		t->err.kind = ERR_NONE;
		imap_select_release(&a->turns->select);
		return task_next(t, drop_each);
	}
	empty = imap_box_exists(a->main.session) == 0;
	imap_select_release(&a->turns->select);
	if (!empty)
		return task_next(t, drop_each);
	return aside_start(a, turns_box(a), drop_aside);
}

static void
tell_refused(struct account *a, const char *why)
{
	box_note(a, turns_box(a), ITEM_REMOVE, 0, "the server does not delete "
	    "the folder: %s", why);
}

static enum task_result
drop_aside(struct task *t)
{
	struct account *a = (struct account *)t;

	switch (aside_end(a)) {
	case ASIDE_NOT:
		imap_delete_start(a->main.session, &a->turns->cmd, t,
		    turns_box(a)->row.raw);
		return task_wait(t, drop_deleted);
	case ASIDE_DELETED:
		account_done(a, SYNC_DROP_REMOTE, turns_box(a), NULL, "");
		return account_job(a, forget_work, drop_each);
	case ASIDE_KEPT:
		aside_tell(a);
		return account_job(a, forget_work, drop_each);
	case ASIDE_BACK:
		aside_tell(a);
		break;
	case ASIDE_REFUSED:
		tell_refused(a, aside_why(a));
		break;
	}
	return task_next(t, drop_each);
}

static enum task_result
drop_deleted(struct task *t)
{
	struct account *a = (struct account *)t;

	switch (imap_result(&a->turns->cmd, &t->err)) {
	case 0:
		return task_wait(t, drop_deleted);
	case -1:
		if (t->err.kind != ERR_REFUSED)
			return TASK_FAIL;
		tell_refused(a, t->err.msg);
		t->err.kind = ERR_NONE;
		imap_cmd_release(&a->turns->cmd);
		return task_next(t, drop_each);
	}
	imap_cmd_release(&a->turns->cmd);
	account_done(a, SYNC_DROP_REMOTE, turns_box(a), NULL, "");
	return account_job(a, forget_work, drop_each);
}
