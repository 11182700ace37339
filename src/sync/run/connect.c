/*
 * Gets a session, and the folders of both sides. What an earlier run left half
 * deleted is brought to its end first. Folders that LIST lacked are looked for
 * once more before anybody believes that they are gone.
 */
#include <string.h>

#include "apply/apply.h"
#include "base/mem.h"
#include "imap/list.h"
#include "observe/observe.h"
#include "observe/prescan.h"
#include "run/connections.h"
#include "run/login.h"
#include "run/phases.h"

struct connecting {
	struct phase phase;
	struct pass_result login;
	struct imap_list list, again;
	bool left_over;		/* a folder that was being deleted */
};

static enum task_result connect_logged_in(struct task *);
static enum task_result connect_recalled(struct task *);
static enum task_result connect_recovered(struct task *);
static enum task_result connect_listed_again(struct task *);
static enum task_result connect_load(struct task *);
static enum task_result connect_loaded(struct task *);
static enum task_result connect_relisted(struct task *);

static enum task_result
connect_begin(struct task *t)
{
	struct connecting *c = (struct connecting *)t;
	struct run *run = phase_run(t);

	report_progress(run, NULL, "connecting", 0, 0);
	login_start(run->account, t, &c->list, &c->login);
	return pass_wait(t, &c->login, connect_logged_in);
}

static enum task_result
list_failed(struct task *t, const struct imap_list *list)
{
	t->err = list->cmd.err;
	err_within(&t->err, "the list of folders");
	return TASK_FAIL;
}

/* Of the account, but it takes no folder. */
static int
recall_work(struct pass *p, struct err *err)
{
	struct connecting *c = (struct connecting *)p;

	if (root_claim(p->run, err) == -1)
		return -1;
	return folder_delete_recall(p->run, &c->list, &c->left_over, err);
}

static enum task_result
connect_logged_in(struct task *t)
{
	struct connecting *c = (struct connecting *)t;

	prescan_stop(phase_run(t));
	if (imap_refusal(&c->list.cmd) != NULL)
		return list_failed(t, &c->list);
	return phase_job(t, recall_work, connect_recalled);
}

static enum task_result
connect_recalled(struct task *t)
{
	struct connecting *c = (struct connecting *)t;
	struct phase *ph = &c->phase;

	if (!c->left_over)
		return task_next(t, connect_load);
	folder_delete_recover_start(ph->pass.conn, NULL, &ph->folder_pass);
	return pass_wait(t, &ph->folder_pass, connect_recovered);
}

/* It has another name now, or is gone. */
static enum task_result
connect_recovered(struct task *t)
{
	struct connecting *c = (struct connecting *)t;

	imap_list_release(&c->list);
	imap_list_start(c->phase.pass.conn->session, &c->list, t);
	return imap_wait(t, &c->list.cmd, connect_listed_again);
}

static enum task_result
connect_listed_again(struct task *t)
{
	struct connecting *c = (struct connecting *)t;

	if (imap_refusal(&c->list.cmd) != NULL)
		return list_failed(t, &c->list);
	return task_next(t, connect_load);
}

static int
load_work(struct pass *p, struct err *err)
{
	struct connecting *c = (struct connecting *)p;

	return connections_load(p->run, err) == -1 ? -1 :
	    folders_load(p->run, &c->list, err);
}

static enum task_result
connect_load(struct task *t)
{
	return phase_job(t, load_work, connect_loaded);
}

static void
report_broken(struct run *run)
{
	size_t i;

	for (i = 0; i < run->n_folder; i++) {
		struct folder *f = &run->folder[i];

		if (f->local_broken && f->chosen)
			report_folder_issue(run, f, ITEM_FOLDER, ALL_ROWS,
			    "the directory %s lacks some of cur, new and tmp, "
			    "or is a link to nowhere; mend it, it is left "
			    "alone until then", f->row.path);
	}
}

static bool
is_any_chosen(const struct run *run)
{
	size_t i;

	for (i = 0; i < run->n_folder; i++)
		if (run->folder[i].chosen)
			return true;
	return false;
}

static bool
is_any_gone(const struct run *run)
{
	size_t i;

	for (i = 0; i < run->n_folder; i++)
		if (run->folder[i].remote_gone && run->folder[i].inside)
			return true;
	return false;
}

static enum task_result
connect_loaded(struct task *t)
{
	struct connecting *c = (struct connecting *)t;
	struct run *run = phase_run(t);

	report_broken(run);
	if (!is_any_chosen(run) && run->opt.n_glob > 0)
		report_issue(run, "no folder matches %s; see which there are "
		    "in the Maildir", run->opt.glob[0]);
	else if (!is_any_chosen(run))
		report_issue(run, "`folders` takes no folder in");
	if (!is_any_gone(run))
		return TASK_DONE;
	imap_list_start(c->phase.pass.conn->session, &c->again, t);
	return imap_wait(t, &c->again.cmd, connect_relisted);
}

static bool
is_listed(const struct imap_list *list, const char *name)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->folder[i].selectable &&
		    strcmp(list->folder[i].name, name) == 0)
			return true;
	return false;
}

static enum task_result
connect_relisted(struct task *t)
{
	struct connecting *c = (struct connecting *)t;
	struct run *run = phase_run(t);
	size_t i;

	if (imap_refusal(&c->again.cmd) != NULL)
		return task_fail(t, &c->again.cmd.err);
	for (i = 0; i < run->n_folder; i++)
		if (is_listed(&c->again, run->folder[i].row.name))
			run->folder[i].remote_gone = false;
	return TASK_DONE;
}

static void
connect_finish(struct task *t)
{
	struct connecting *c = (struct connecting *)t;

	imap_list_release(&c->list);
	imap_list_release(&c->again);
	phase_end(t);
}

void
connect_start(struct run *run, struct pass_result *out)
{
	struct connecting *c = xcalloc(1, sizeof(*c));

	c->phase.pass.task.finish = connect_finish;
	phase_start(&c->phase, run, out, "connect", connect_begin);
}
