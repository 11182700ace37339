/*
 * A folder that is deleted on the server is renamed before (folder_delete.h).
 *
 *	EXAMINE INBOX	some servers cut the connection when the selected
 *	LIST		folder goes; what lies below it would go along
 *	index lane	the note
 *	RENAME		to NAME-mailtern-XXXXXXXX, beside it
 *	EXAMINE, LIST	under that name: it must hold nothing
 *	EXAMINE INBOX	and DELETE; else RENAME back
 *	UNSUBSCRIBE	of our name, for some servers' subscriptions follow
 */
#include "apply/folder_delete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define SUFFIX		"-mailtern-"
#define SUFFIX_HEX	8
#define SUFFIX_LENGTH	(sizeof(SUFFIX) - 1 + SUFFIX_HEX)

struct folder_delete {
	char *name;		/* of the folder, ours */
	char *raw, *hidden;	/* on the wire: its own name, and the other */
	enum folder_delete_end end;
	char *why;
	task_step *after;	/* when it has ended */
	task_step *recovered;	/* when what was left over has */
	struct imap_select leave, look;
	struct imap_list below;
	struct imap_cmd rename, gone, unsubscribe;
};

static enum task_result delete_left(struct task *);
static enum task_result delete_intended(struct task *);
static enum task_result delete_looked(struct task *);
static enum task_result delete_deleted(struct task *);
static enum task_result delete_renamed_back(struct task *);
static enum task_result delete_recovered(struct task *);

void
folder_delete_release(struct account *a)
{
	struct folder_delete *s = a->folder_delete;

	if (s == NULL)
		return;
	imap_select_release(&s->leave);
	imap_select_release(&s->look);
	imap_list_release(&s->below);
	imap_cmd_release(&s->rename);
	imap_cmd_release(&s->gone);
	imap_cmd_release(&s->unsubscribe);
	free(s->name);
	free(s->raw);
	free(s->hidden);
	free(s->why);
	free(s);
	a->folder_delete = NULL;
}

enum folder_delete_end
folder_delete_end(const struct account *a)
{
	return a->folder_delete->end;
}

const char *
folder_delete_why(const struct account *a)
{
	return a->folder_delete->why;
}

/* --- the note --- */

static int
set_intent(struct account *a, const char *name, const char *raw,
    const char *hidden, struct err *err)
{
	return index_set(a->ix, "aside-name", name, err) == 0 &&
	    index_set(a->ix, "aside-raw", raw, err) == 0 &&
	    index_set(a->ix, "aside-hidden", hidden, err) == 0 ? 0 : -1;
}

static int
intend_work(struct account *a, struct err *err)
{
	const struct folder_delete *s = a->folder_delete;
	int rc = index_begin(a->ix, err);

	if (rc == 0)
		rc = set_intent(a, s->name, s->raw, s->hidden, err);
	return index_end(a->ix, rc, err);
}

int
folder_delete_forget(struct account *a, struct err *err)
{
	return a->folder_delete == NULL ? 0 : set_intent(a, NULL, NULL, NULL,
	    err);
}

static int
forget_work(struct account *a, struct err *err)
{
	int rc = index_begin(a->ix, err);

	if (rc == 0)
		rc = folder_delete_forget(a, err);
	return index_end(a->ix, rc, err);
}

/* --- waiting --- */

/* 1 when all were answered, whatever it was; 0 not yet; -1: the connection. */
static int
answered(const struct imap_cmd *const *cmd, size_t n, struct err *err)
{
	size_t i;

	for (i = 0; i < n; i++) {
		int rc = imap_result(cmd[i], err);

		if (rc == 0 || (rc == -1 && err->kind != ERR_REFUSED))
			return rc;
	}
	err->kind = ERR_NONE;
	return 1;
}

#define ANSWERED(err, ...) answered((const struct imap_cmd *const []) \
    { __VA_ARGS__ }, sizeof((const struct imap_cmd *const []) \
    { __VA_ARGS__ }) / sizeof(struct imap_cmd *), err)

static bool
is_ok(const struct imap_cmd *cmd)
{
	return cmd->err.kind == ERR_NONE;
}

/* --- the steps --- */

static void
leave(struct account *a)
{
	struct imap_select_args args = { .raw = "INBOX", .examine = true };

	imap_select_release(&a->folder_delete->leave);
	imap_select_start(a->main.session, &a->folder_delete->leave, &a->task,
	    &args);
}

/* On the same level: the last level of its name is only longer. */
static char *
hidden_name(struct account *a, const char *name)
{
	char random[33], *longer, *raw;

	random_hex(random);
	longer = xasprintf("%s" SUFFIX "%.*s", name, SUFFIX_HEX, random);
	raw = imap_list_raw_name(a->main.session, longer);
	free(longer);
	return raw;
}

enum task_result
folder_delete_start(struct account *a, const struct folder *f, task_step *after)
{
	struct folder_delete *s;

	folder_delete_release(a);
	s = a->folder_delete = xcalloc(1, sizeof(*s));
	s->name = xstrdup(f->row.name);
	s->raw = xstrdup(f->row.raw);
	s->hidden = hidden_name(a, s->name);
	s->after = after;
	leave(a);
	imap_list_below_start(a->main.session, &s->below, &a->task, s->raw);
	return task_wait(&a->task, delete_left);
}

/* RENAME would take it along. What can't be named may lie there, too. */
static bool
has_children(const struct folder_delete *s)
{
	size_t i, n = strlen(s->name);

	for (i = 0; i < s->below.n; i++)
		if (strncmp(s->below.folder[i].name, s->name, n) == 0 &&
		    s->below.folder[i].name[n] == '/')
			return true;
	return s->below.unnamed > 0;
}

static enum task_result
delete_left(struct task *t)
{
	struct account *a = (struct account *)t;
	struct folder_delete *s = a->folder_delete;

	switch (ANSWERED(&t->err, &s->leave.cmd, &s->below.cmd)) {
	case 0:
		return task_wait(t, delete_left);
	case -1:
		return TASK_FAIL;
	}
	s->end = DELETE_NOT_RENAMED;
	if (s->hidden == NULL || !is_ok(&s->below.cmd) || has_children(s))
		return task_next(t, s->after);
	return account_job(a, intend_work, delete_intended);
}

static void
look(struct account *a)
{
	struct folder_delete *s = a->folder_delete;
	struct imap_select_args args = { .raw = s->hidden, .examine = true };

	imap_select_release(&s->look);
	imap_select_start(a->main.session, &s->look, &a->task, &args);
	imap_list_release(&s->below);
	imap_list_below_start(a->main.session, &s->below, &a->task, s->hidden);
}

static enum task_result
delete_intended(struct task *t)
{
	struct account *a = (struct account *)t;
	struct folder_delete *s = a->folder_delete;

	imap_rename_start(a->main.session, &s->rename, t, s->raw, s->hidden);
	look(a);
	return task_wait(t, delete_looked);
}

/* It holds no message, and nothing lies below it. */
static bool
is_empty(const struct account *a)
{
	const struct folder_delete *s = a->folder_delete;

	return is_ok(&s->look.cmd) && imap_box_exists(a->main.session) == 0 &&
	    is_ok(&s->below.cmd) && s->below.n <= 1 && s->below.unnamed == 0;
}

static enum task_result
delete_rename_back(struct account *a, enum folder_delete_end end)
{
	struct folder_delete *s = a->folder_delete;

	s->end = end;
	leave(a);
	imap_cmd_release(&s->rename);
	imap_cmd_release(&s->unsubscribe);
	imap_rename_start(a->main.session, &s->rename, &a->task, s->hidden,
	    s->raw);
	imap_unsubscribe_start(a->main.session, &s->unsubscribe, &a->task,
	    s->hidden);
	return task_wait(&a->task, delete_renamed_back);
}

/* Of an earlier run's folder, rename is none, and OK. */
static enum task_result
delete_looked(struct task *t)
{
	struct account *a = (struct account *)t;
	struct folder_delete *s = a->folder_delete;

	if (s->recovered == NULL)
		switch (ANSWERED(&t->err, &s->rename)) {
		case 0:
			return task_wait(t, delete_looked);
		case -1:
			return TASK_FAIL;
		}
	switch (ANSWERED(&t->err, &s->look.cmd, &s->below.cmd)) {
	case 0:
		return task_wait(t, delete_looked);
	case -1:
		return TASK_FAIL;
	}
	if (!is_ok(&s->rename)) {
		s->end = DELETE_NOT_RENAMED;
		return account_job(a, forget_work, s->after);
	}
	if (!is_empty(a))
		return delete_rename_back(a, DELETE_TAKEN_BACK);
	leave(a);
	imap_delete_start(a->main.session, &s->gone, t, s->hidden);
	imap_unsubscribe_start(a->main.session, &s->unsubscribe, t, s->hidden);
	return task_wait(t, delete_deleted);
}

static enum task_result
delete_deleted(struct task *t)
{
	struct account *a = (struct account *)t;
	struct folder_delete *s = a->folder_delete;

	switch (ANSWERED(&t->err, &s->leave.cmd, &s->gone, &s->unsubscribe)) {
	case 0:
		return task_wait(t, delete_deleted);
	case -1:
		return TASK_FAIL;
	}
	s->end = DELETE_DONE;
	if (is_ok(&s->gone) || s->gone.code == CODE_NONEXISTENT)
		return task_next(t, s->after);
	s->why = xstrdup(s->gone.err.msg);
	return delete_rename_back(a, DELETE_REFUSED);
}

static enum task_result
delete_renamed_back(struct task *t)
{
	struct account *a = (struct account *)t;
	struct folder_delete *s = a->folder_delete;

	switch (ANSWERED(&t->err, &s->leave.cmd, &s->rename,
	    &s->unsubscribe)) {
	case 0:
		return task_wait(t, delete_renamed_back);
	case -1:
		return TASK_FAIL;
	}
	if (is_ok(&s->rename))
		return account_job(a, forget_work, s->after);
	s->end = DELETE_KEPT_HIDDEN;
	return task_next(t, s->after);
}

void
folder_delete_report(struct account *a)
{
	const struct folder_delete *s = a->folder_delete;
	size_t n = strlen(s->hidden);

	if (s->end == DELETE_TAKEN_BACK)
		report_note(a, "%s: mail arrived while the folder was deleted "
		    "on the server; it stays, with that", s->name);
	else if (s->end == DELETE_KEPT_HIDDEN)
		report_note(a, "%s: there is a new folder of that name on the "
		    "server; what arrived in the deleted one is in %s%s",
		    s->name, s->name, s->hidden + n - SUFFIX_LENGTH);
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
recall(struct account *a, struct err *err)
{
	struct folder_delete *s = a->folder_delete;

	return index_get(a->ix, "aside-name", &s->name, err) == 0 &&
	    index_get(a->ix, "aside-raw", &s->raw, err) == 0 &&
	    index_get(a->ix, "aside-hidden", &s->hidden, err) == 0 ? 0 : -1;
}

int
folder_delete_recall(struct account *a, struct imap_list *list, bool *out,
    struct err *err)
{
	struct imap_folder *f;
	struct folder_delete *s;
	int rc;

	*out = false;
	s = a->folder_delete = xcalloc(1, sizeof(*s));
	rc = recall(a, err);
	if (rc == 0 && s->name != NULL && s->raw != NULL &&
	    s->hidden != NULL && strlen(s->hidden) > SUFFIX_LENGTH) {
		f = find_raw(list, s->hidden);
		if (f != NULL && a->opt.dry_run)
			f->selectable = false;
		*out = f != NULL && !a->opt.dry_run;
		/* It never was renamed, or it is gone. */
		if (f == NULL && !a->opt.dry_run)
			rc = forget_work(a, err);
	}
	if (!*out)
		folder_delete_release(a);
	return rc;
}

enum task_result
folder_delete_recover(struct account *a, task_step *after)
{
	a->folder_delete->recovered = after;
	a->folder_delete->after = delete_recovered;
	look(a);
	return task_wait(&a->task, delete_looked);
}

/* Whatever has its name now is another folder. */
static int
forget_row(struct account *a, struct index_folder *row, struct err *err)
{
	struct folder f = { .row = *row };

	if (row->local || strcmp(row->name, a->folder_delete->name) != 0)
		return 0;
	return evidence_folder(a, &f, err) == 0 &&
	    index_folder_drop(a->ix, row->id, err) == 0 ? 0 : -1;
}

static int
recovered_work(struct account *a, struct err *err)
{
	struct index_folder *v = NULL;
	size_t n = 0, i;
	int rc = index_begin(a->ix, err);

	if (rc == 0)
		rc = index_folders(a->ix, &v, &n, err);
	for (i = 0; i < n && rc == 0; i++)
		rc = forget_row(a, &v[i], err);
	index_folders_free(v, n);
	if (rc == 0)
		rc = folder_delete_forget(a, err);
	return index_end(a->ix, rc, err);
}

static enum task_result
delete_recovered(struct task *t)
{
	struct account *a = (struct account *)t;
	struct folder_delete *s = a->folder_delete;
	const struct folder f = { .row = { .name = s->name } };

	folder_delete_report(a);
	if (s->end == DELETE_DONE)
		report_done(a, SYNC_DROP_REMOTE, &f, NULL, "");
	if (s->end == DELETE_DONE || s->end == DELETE_KEPT_HIDDEN)
		return account_job(a, recovered_work, s->recovered);
	return task_next(t, s->recovered);
}
