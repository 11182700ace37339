/*
 * Deletes a folder that one side lost on the other, when nothing is in it any
 * more.
 *
 * On the server that takes two steps, for mail may arrive behind the last look
 * at it, and DELETE would take that along. First it gets a name of ours, which
 * nobody delivers to; then it is looked at once more, and deleted, or it gets
 * its name back.
 *
 *	EXAMINE		it must hold nothing
 *	EXAMINE INBOX	some servers cut the connection when the selected
 *	LIST		folder goes; what lies below it would go along
 *	index lane	the intent
 *	RENAME		to NAME-mailtern-XXXXXXXX, beside it
 *	EXAMINE, LIST	under that name: it must hold nothing
 *	EXAMINE INBOX	and DELETE; else RENAME back
 *	UNSUBSCRIBE	of our name, for some servers' subscriptions follow
 *	index lane	the folder is forgotten, and so is the intent
 *
 * The intent stands in the index, with both names, before anything is renamed;
 * the next run goes on from there. Without it (a lost index) a folder under
 * such a name is one as any other: it is pulled.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/apply.h"
#include "base/mem.h"
#include "base/str.h"
#include "imap/box.h"
#include "imap/list.h"
#include "observe/observe.h"

#define SUFFIX		"-mailtern-"
#define SUFFIX_HEX	8
#define SUFFIX_LENGTH	(sizeof(SUFFIX) - 1 + SUFFIX_HEX)

/* How it came out on the server. */
enum delete_end {
	DELETE_DONE,
	DELETE_REFUSED,		/* it has its name back */
	DELETE_TAKEN_BACK,	/* the same: something had arrived in it */
	DELETE_KEPT_HIDDEN,	/* its name is taken; it stays under ours */
};

struct deleting {
	struct pass pass;
	bool kept;		/* the directory is not empty */
	bool recovers;		/* an earlier run began it */
	char *name;		/* of the folder, ours */
	char *raw, *hidden;	/* on the wire: its own name, and the other */
	char *why;		/* it was refused */
	enum delete_end end;
	struct imap_select first, leave, look;
	struct imap_list below;
	struct imap_cmd rename, gone, unsubscribe;
	const struct imap_cmd *flight[3];	/* awaited together ... */
	task_step *landed;		/* ... and then */
};

static enum task_result delete_selected(struct task *);
static enum task_result delete_left(struct task *);
static enum task_result delete_intended(struct task *);
static enum task_result delete_looked(struct task *);
static enum task_result delete_gone(struct task *);
static enum task_result delete_renamed_back(struct task *);
static enum task_result delete_plainly(struct task *);
static enum task_result delete_ended(struct task *);

static struct deleting *
deleting_of(struct task *t)
{
	return (struct deleting *)t;
}

static struct imap_session *
session_of(const struct deleting *d)
{
	return d->pass.conn->session;
}

static enum task_result
delete_done(struct task *t)
{
	(void)t;
	return TASK_DONE;
}

/* All are answered, whatever the answers are; c may be NULL. */
static enum task_result
delete_flight(struct task *t)
{
	struct deleting *d = deleting_of(t);
	size_t i;

	for (i = 0; i < 3 && d->flight[i] != NULL; i++)
		if (!d->flight[i]->done)
			return imap_wait(t, d->flight[i], delete_flight);
	return task_next(t, d->landed);
}

static enum task_result
await(struct deleting *d, const struct imap_cmd *a, const struct imap_cmd *b,
    const struct imap_cmd *c, task_step *next)
{
	d->flight[0] = a;
	d->flight[1] = b;
	d->flight[2] = c;
	d->landed = next;
	return task_next(&d->pass.task, delete_flight);
}

/* --- the intent --- */

static int
set_intent(struct run *run, const char *name, const char *raw,
    const char *hidden, struct err *err)
{
	return index_set(run->ix, "aside-name", name, err) == 0 &&
	    index_set(run->ix, "aside-raw", raw, err) == 0 &&
	    index_set(run->ix, "aside-hidden", hidden, err) == 0 ? 0 : -1;
}

static int
drop_intent(struct run *run, struct err *err)
{
	return set_intent(run, NULL, NULL, NULL, err);
}

static int
intend_work(struct pass *p, struct err *err)
{
	const struct deleting *d = (const struct deleting *)p;
	int rc = index_begin(p->run->ix, err);

	if (rc == 0)
		rc = set_intent(p->run, d->name, d->raw, d->hidden, err);
	return index_end(p->run->ix, rc, err);
}

static int
drop_intent_work(struct pass *p, struct err *err)
{
	int rc = index_begin(p->run->ix, err);

	if (rc == 0)
		rc = drop_intent(p->run, err);
	return index_end(p->run->ix, rc, err);
}

/* --- the folder is forgotten --- */

static int
forget_work(struct pass *p, struct err *err)
{
	const struct deleting *d = (const struct deleting *)p;
	struct run *run = p->run;
	int rc = index_begin(run->ix, err);

	if (rc == 0)
		rc = evidence_folder(run, p->folder, err);
	if (rc == 0)
		rc = index_folder_drop(run->ix, p->folder->row.id, err);
	if (rc == 0 && d->name != NULL)
		rc = drop_intent(run, err);
	return index_end(run->ix, rc, err);
}

/* Of an earlier run. Whatever has its name now is another folder. */
static int
forget_row(struct deleting *d, struct index_folder *row, struct err *err)
{
	struct folder f = { .row = *row };

	if (row->local || strcmp(row->name, d->name) != 0)
		return 0;
	return evidence_folder(d->pass.run, &f, err) == 0 &&
	    index_folder_drop(d->pass.run->ix, row->id, err) == 0 ? 0 : -1;
}

static int
forget_recovered_work(struct pass *p, struct err *err)
{
	struct deleting *d = (struct deleting *)p;
	struct index *ix = p->run->ix;
	struct index_folder *v = NULL;
	size_t n = 0, i;
	int rc = index_begin(ix, err);

	if (rc == 0)
		rc = index_folders(ix, &v, &n, err);
	for (i = 0; i < n && rc == 0; i++)
		rc = forget_row(d, &v[i], err);
	index_folders_free(v, n);
	if (rc == 0)
		rc = drop_intent(p->run, err);
	return index_end(ix, rc, err);
}

/* --- on disk --- */

/* It is gone now, or a message came, which the next run sees, or it holds what
 * is none. */
static int
delete_local_work(struct pass *p, struct err *err)
{
	struct deleting *d = (struct deleting *)p;
	struct run *run = p->run;
	struct index_counts counts;

	d->kept = true;
	if (index_counts(run->ix, p->folder->row.id, &counts, err) == -1)
		return -1;
	if (counts.local > 0)
		return 0;
	if (root_mark(run, err) == -1)
		return -1;
	if (maildir_folder_remove(run->md, p->folder->row.path, err) == -1) {
		if (!err_is_of_path(err))
			return -1;
		d->why = xstrdup(err->msg);
		err->kind = ERR_NONE;
		return 0;
	}
	d->kept = false;
	return forget_work(p, err);
}

static enum task_result
deleted_local(struct task *t)
{
	struct deleting *d = deleting_of(t);

	if (d->why != NULL)
		report_folder_issue(d->pass.run, d->pass.folder, ITEM_REMOVE,
		    ALL_ROWS, "it is gone from the server and stays here: %s",
		    d->why);
	else if (!d->kept)
		report_done(d->pass.run, SYNC_DROP_LOCAL, d->pass.folder, NULL,
		    "");
	return TASK_DONE;
}

/* --- on the server: is it empty, and may it be renamed? --- */

static enum task_result
delete_remote(struct deleting *d)
{
	struct imap_select_args args = {
		.raw = d->pass.folder->row.raw, .examine = true,
	};

	imap_select_start(session_of(d), &d->first, &d->pass.task, &args);
	return imap_wait(&d->pass.task, &d->first.cmd, delete_selected);
}

static void
leave(struct deleting *d)
{
	struct imap_select_args args = { .raw = "INBOX", .examine = true };

	imap_select_release(&d->leave);
	imap_select_start(session_of(d), &d->leave, &d->pass.task, &args);
}

/* On the same level: the last level of its name is only longer. */
static char *
hidden_name(struct deleting *d)
{
	char random[33], *longer, *raw;

	random_hex(random);
	longer = xasprintf("%s" SUFFIX "%.*s", d->name, SUFFIX_HEX, random);
	raw = imap_list_raw_name(session_of(d), longer);
	free(longer);
	return raw;
}

static enum task_result
delete_selected(struct task *t)
{
	struct deleting *d = deleting_of(t);
	const char *why = imap_refusal(&d->first.cmd);

	if (why != NULL) {
		report_folder_issue(d->pass.run, d->pass.folder, ITEM_REMOVE,
		    ALL_ROWS, "it is gone here and stays on the server: %s",
		    why);
		return TASK_DONE;
	}
	if (imap_box_exists(session_of(d)) > 0)
		return TASK_DONE;
	d->name = xstrdup(d->pass.folder->row.name);
	d->raw = xstrdup(d->pass.folder->row.raw);
	d->hidden = hidden_name(d);
	leave(d);
	imap_list_below_start(session_of(d), &d->below, t, d->raw);
	return await(d, &d->leave.cmd, &d->below.cmd, NULL, delete_left);
}

/* RENAME would take it along. What can't be named may lie there, too. */
static bool
has_children(const struct deleting *d)
{
	size_t i, n = strlen(d->name);

	for (i = 0; i < d->below.n; i++)
		if (strncmp(d->below.folder[i].name, d->name, n) == 0 &&
		    d->below.folder[i].name[n] == '/')
			return true;
	return d->below.unnamed > 0;
}

static enum task_result
delete_left(struct task *t)
{
	struct deleting *d = deleting_of(t);

	if (d->hidden == NULL || imap_refusal(&d->below.cmd) != NULL ||
	    has_children(d))
		return task_next(t, delete_plainly);
	return pass_job(&d->pass, intend_work, delete_intended);
}

/* --- under the other name --- */

static void
look(struct deleting *d)
{
	struct imap_select_args args = { .raw = d->hidden, .examine = true };

	imap_select_release(&d->look);
	imap_select_start(session_of(d), &d->look, &d->pass.task, &args);
	imap_list_release(&d->below);
	imap_list_below_start(session_of(d), &d->below, &d->pass.task,
	    d->hidden);
}

static enum task_result
delete_intended(struct task *t)
{
	struct deleting *d = deleting_of(t);

	imap_rename_start(session_of(d), &d->rename, t, d->raw, d->hidden);
	look(d);
	return await(d, &d->rename, &d->look.cmd, &d->below.cmd,
	    delete_looked);
}

/* It holds no message, and nothing lies below it. */
static bool
is_empty(const struct deleting *d)
{
	return imap_refusal(&d->look.cmd) == NULL &&
	    imap_box_exists(session_of(d)) == 0 &&
	    imap_refusal(&d->below.cmd) == NULL && d->below.n <= 1 &&
	    d->below.unnamed == 0;
}

static enum task_result
rename_back(struct deleting *d, enum delete_end end)
{
	struct task *t = &d->pass.task;

	d->end = end;
	leave(d);
	imap_cmd_release(&d->rename);
	imap_cmd_release(&d->unsubscribe);
	imap_rename_start(session_of(d), &d->rename, t, d->hidden, d->raw);
	imap_unsubscribe_start(session_of(d), &d->unsubscribe, t, d->hidden);
	return await(d, &d->leave.cmd, &d->rename, &d->unsubscribe,
	    delete_renamed_back);
}

/* Of an earlier run's folder, rename is none, and OK. */
static enum task_result
delete_looked(struct task *t)
{
	struct deleting *d = deleting_of(t);

	if (imap_refusal(&d->rename) != NULL)
		return pass_job(&d->pass, drop_intent_work, delete_plainly);
	if (!is_empty(d))
		return rename_back(d, DELETE_TAKEN_BACK);
	leave(d);
	imap_delete_start(session_of(d), &d->gone, t, d->hidden);
	imap_unsubscribe_start(session_of(d), &d->unsubscribe, t, d->hidden);
	return await(d, &d->leave.cmd, &d->gone, &d->unsubscribe,
	    delete_gone);
}

static enum task_result
delete_gone(struct task *t)
{
	struct deleting *d = deleting_of(t);
	const char *why = imap_refusal(&d->gone);

	d->end = DELETE_DONE;
	if (why == NULL || d->gone.code == CODE_NONEXISTENT)
		return task_next(t, delete_ended);
	d->why = xstrdup(why);
	return rename_back(d, DELETE_REFUSED);
}

static enum task_result
delete_renamed_back(struct task *t)
{
	struct deleting *d = deleting_of(t);

	if (imap_refusal(&d->rename) == NULL)
		return pass_job(&d->pass, drop_intent_work, delete_ended);
	d->end = DELETE_KEPT_HIDDEN;
	return task_next(t, delete_ended);
}

/* --- where it can't be renamed --- */

static enum task_result
deleted_plainly(struct task *t)
{
	struct deleting *d = deleting_of(t);
	const char *why = imap_refusal(&d->gone);

	d->end = why == NULL ? DELETE_DONE : DELETE_REFUSED;
	d->why = why == NULL ? NULL : xstrdup(why);
	return task_next(t, delete_ended);
}

static enum task_result
delete_plainly(struct task *t)
{
	struct deleting *d = deleting_of(t);

	imap_delete_start(session_of(d), &d->gone, t, d->raw);
	return imap_wait(t, &d->gone, deleted_plainly);
}

/* --- the end --- */

static void
report_end(struct deleting *d)
{
	struct run *run = d->pass.run;
	const struct folder named = { .row = { .name = d->name } };

	switch (d->end) {
	case DELETE_DONE:
		report_done(run, SYNC_DROP_REMOTE, &named, NULL, "");
		break;
	case DELETE_REFUSED:
		if (!d->recovers)
			report_folder_issue(run, d->pass.folder, ITEM_REMOVE,
			    0, "the server does not delete the folder: %s",
			    d->why);
		break;
	case DELETE_TAKEN_BACK:
		report_note(run, "%s: mail arrived while the folder was "
		    "deleted on the server; it stays, with that", d->name);
		break;
	case DELETE_KEPT_HIDDEN:
		report_note(run, "%s: there is a new folder of that name on "
		    "the server; what arrived in the deleted one is in %s%s",
		    d->name, d->name, d->hidden + strlen(d->hidden) -
		    SUFFIX_LENGTH);
		break;
	}
}

static enum task_result
delete_ended(struct task *t)
{
	struct deleting *d = deleting_of(t);

	report_end(d);
	if (d->end != DELETE_DONE && d->end != DELETE_KEPT_HIDDEN)
		return TASK_DONE;
	return pass_job(&d->pass, d->recovers ? forget_recovered_work :
	    forget_work, delete_done);
}

static enum task_result
delete_begin(struct task *t)
{
	struct deleting *d = deleting_of(t);

	switch (folder_verdict(d->pass.folder)) {
	case FOLDER_REMOVE_LOCAL:
		return pass_job(&d->pass, delete_local_work, deleted_local);
	case FOLDER_REMOVE_REMOTE:
		return delete_remote(d);
	case FOLDER_FORGET:	/* nobody has it any more */
		return pass_job(&d->pass, forget_work, delete_done);
	default:
		return TASK_DONE;
	}
}

static void
delete_finish(struct task *t)
{
	struct deleting *d = deleting_of(t);

	imap_select_release(&d->first);
	imap_select_release(&d->leave);
	imap_select_release(&d->look);
	imap_list_release(&d->below);
	imap_cmd_release(&d->rename);
	imap_cmd_release(&d->gone);
	imap_cmd_release(&d->unsubscribe);
	free(d->name);
	free(d->raw);
	free(d->hidden);
	free(d->why);
	pass_end(&d->pass);
}

void
folder_delete_start(struct conn *conn, struct folder *folder,
    struct pass_result *out)
{
	struct deleting *d = xcalloc(1, sizeof(*d));

	d->pass.folder = folder;
	d->pass.step = STEP_DROP;
	d->pass.task.finish = delete_finish;
	pass_start(&d->pass, conn, out, "delete folder", delete_begin);
}

/* --- what an earlier run left --- */

static struct imap_folder *
find_raw(struct imap_list *list, const char *raw)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (strcmp(list->folder[i].raw, raw) == 0)
			return &list->folder[i];
	return NULL;
}

static int
get_intent(struct deleting *d, struct index *ix, struct err *err)
{
	return index_get(ix, "aside-name", &d->name, err) == 0 &&
	    index_get(ix, "aside-raw", &d->raw, err) == 0 &&
	    index_get(ix, "aside-hidden", &d->hidden, err) == 0 ? 0 : -1;
}

static bool
is_whole(const struct deleting *d)
{
	return d->name != NULL && d->raw != NULL && d->hidden != NULL &&
	    strlen(d->hidden) > SUFFIX_LENGTH;
}

static int
recall(struct run *run, struct deleting *d, struct imap_list *list,
    struct delete_left *out, struct err *err)
{
	const bool leave = run->md->look_only || out->leave;
	struct imap_folder *f;
	int rc;

	if (get_intent(d, run->ix, err) == -1)
		return -1;
	if (!is_whole(d))
		return 0;
	f = find_raw(list, d->hidden);
	if (f != NULL && leave) {
		f->selectable = false;
		out->name = xstrdup(f->name);
	}
	out->goes_on = f != NULL && !leave;
	if (f != NULL || run->md->look_only)
		return 0;
	/* It never was renamed, or it is gone. */
	rc = index_begin(run->ix, err);
	if (rc == 0)
		rc = drop_intent(run, err);
	return index_end(run->ix, rc, err);
}

int
folder_delete_recall(struct run *run, struct imap_list *list,
    struct delete_left *out, struct err *err)
{
	struct deleting d = { .name = NULL };
	int rc;

	rc = recall(run, &d, list, out, err);
	free(d.name);
	free(d.raw);
	free(d.hidden);
	return rc;
}

static int
recover_work(struct pass *p, struct err *err)
{
	return get_intent((struct deleting *)p, p->run->ix, err);
}

static enum task_result
recover_look(struct task *t)
{
	struct deleting *d = deleting_of(t);

	look(d);
	return await(d, &d->look.cmd, &d->below.cmd, NULL, delete_looked);
}

static enum task_result
recover_begin(struct task *t)
{
	return pass_job(&deleting_of(t)->pass, recover_work, recover_look);
}

void
folder_delete_recover_start(struct conn *conn, struct folder *none,
    struct pass_result *out)
{
	struct deleting *d = xcalloc(1, sizeof(*d));

	d->recovers = true;
	d->pass.folder = none;
	d->pass.task.finish = delete_finish;
	pass_start(&d->pass, conn, out, "recover folder", recover_begin);
}
