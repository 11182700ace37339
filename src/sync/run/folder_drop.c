/*
 * Folders that are gone on one side and emptied by now on the other: the last
 * of the turns. Never racing: what came meanwhile keeps the folder.
 */
#include "base/mem.h"
#include "apply/folder_delete.h"
#include "run/phases.h"

static enum task_result drop_each(struct task *);
static enum task_result drop_selected(struct task *);
static enum task_result drop_ended(struct task *);
static enum task_result drop_deleted(struct task *);
static enum task_result drop_done(struct task *);

enum task_result
drop_begin(struct task *t)
{
	struct account *a = (struct account *)t;

	a->turns->i = a->n_folder;	/* backwards: what lies inside goes first */
	return task_next(t, drop_each);
}

static int
forget_work(struct account *a, struct err *err)
{
	if (index_begin(a->ix, err) == 0 &&
	    evidence_folder(a, turns_folder(a), err) == 0 &&
	    index_folder_drop(a->ix, turns_folder(a)->row.id, err) == 0 &&
	    folder_delete_forget(a, err) == 0 &&
	    index_commit(a->ix, err) == 0)
		return 0;
	index_rollback(a->ix);
	return -1;
}

/* Nobody has it any more, or it is gone now: the index forgets it. */
static int
drop_local_work(struct account *a, struct err *err)
{
	struct folder *f = turns_folder(a);
	struct index_counts counts;

	a->turns->kept = true;
	if (index_counts(a->ix, f->row.id, &counts, err) == -1)
		return -1;
	if (counts.local > 0)
		return 0;
	if (root_mark(a, err) == -1)
		return -1;
	if (maildir_folder_remove(&a->md, f->row.path, err) == -1) {
		if (!is_folder_error(err))
			return -1;
		if (f->fault == NULL)
			f->fault = xcalloc(1, sizeof(*f->fault));
		*f->fault = *err;
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
	struct folder *f;
	struct imap_select_args args = { .examine = true };

	if (a->turns->i == 0)
		return task_next(t, attic_begin);
	a->turns->i--;
	f = turns_folder(a);
	if (!folder_in_play(f) || f->row.id == 0)
		return task_next(t, drop_each);
	switch (folder_verdict(f)) {
	case FOLDER_REMOVE_LOCAL:
		if (a->hold_remove_local)
			break;
		if (a->opt.dry_run) {
			report_done(a, SYNC_DROP_LOCAL, f, NULL, "");
			break;
		}
		return account_job(a, drop_local_work, drop_done);
	case FOLDER_REMOVE_REMOTE:
		if (a->hold_remove_remote || f->unsettled)
			break;
		if (a->opt.dry_run) {
			report_done(a, SYNC_DROP_REMOTE, f, NULL, "");
			break;
		}
		args.raw = f->row.raw;
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
	struct folder *f = turns_folder(a);

	/* A message came, which the next run sees, or it holds what is none. */
	if (f->fault != NULL)
		report_folder_issue(a, f, ITEM_REMOVE, ALL_ROWS,
		    "it is gone from the " "server and stays here: %s",
		    f->fault->msg);
	else if (!a->turns->kept)
		report_done(a, SYNC_DROP_LOCAL, f, NULL, "");
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
		report_folder_issue(a, turns_folder(a), ITEM_REMOVE, ALL_ROWS,
		    "it is gone " "here and stays on the server: %s",
		    t->err.msg);
		t->err.kind = ERR_NONE;
		imap_select_release(&a->turns->select);
		return task_next(t, drop_each);
	}
	empty = imap_box_exists(a->main.session) == 0;
	imap_select_release(&a->turns->select);
	if (!empty)
		return task_next(t, drop_each);
	return folder_delete_start(a, turns_folder(a), drop_ended);
}

static void
tell_refused(struct account *a, const char *why)
{
	report_folder_issue(a, turns_folder(a), ITEM_REMOVE, 0,
	    "the server does not delete " "the folder: %s", why);
}

static enum task_result
drop_ended(struct task *t)
{
	struct account *a = (struct account *)t;

	switch (folder_delete_end(a)) {
	case DELETE_NOT_RENAMED:
		imap_delete_start(a->main.session, &a->turns->cmd, t,
		    turns_folder(a)->row.raw);
		return task_wait(t, drop_deleted);
	case DELETE_DONE:
		report_done(a, SYNC_DROP_REMOTE, turns_folder(a), NULL, "");
		return account_job(a, forget_work, drop_each);
	case DELETE_KEPT_HIDDEN:
		folder_delete_report(a);
		return account_job(a, forget_work, drop_each);
	case DELETE_TAKEN_BACK:
		folder_delete_report(a);
		break;
	case DELETE_REFUSED:
		tell_refused(a, folder_delete_why(a));
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
	report_done(a, SYNC_DROP_REMOTE, turns_folder(a), NULL, "");
	return account_job(a, forget_work, drop_each);
}
