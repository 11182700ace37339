/*
 * Makes a folder on the side that lacks it. A directory is durable before the
 * index knows of it: one that a power cut undoes would look deleted.
 */
#include <stdlib.h>

#include "apply/apply.h"
#include "base/mem.h"
#include "imap/list.h"
#include "observe/observe.h"

struct making {
	struct pass pass;
	struct imap_cmd cmd, subscribe;
};

static enum task_result make_created(struct task *);
static enum task_result make_subscribed(struct task *);
static enum task_result make_logged(struct task *);

/* --- directories --- */

static int
record_made(struct run *run, struct folder *f, struct maildir_making *made,
    struct err *err)
{
	if (made->result == -1 && folder_leave_out(run, f, &made->err) == -1) {
		*err = made->err;
		return -1;
	}
	if (made->result == -1)
		return 0;
	f->row.local = f->row.base = true;
	if (index_folder_put(run->ix, &f->row, err) == -1)
		return -1;
	return log_done(run, SYNC_MAKE_LOCAL, f, &(struct log_about){ NULL,
	    NULL }, err);
}

int
make_directories(struct run *run, struct folder *const *v, size_t n,
    struct err *err)
{
	struct maildir_making *made;
	size_t i;
	int rc;

	if (n == 0)
		return 0;
	if (root_mark(run, err) == -1)
		return -1;
	made = xcalloc(n, sizeof(*made));
	for (i = 0; i < n; i++)
		made[i].path = v[i]->row.path;
	maildir_folders_create(run->md, made, n);
	rc = index_begin(run->ix, err);
	for (i = 0; i < n && rc == 0; i++)
		rc = record_made(run, v[i], &made[i], err);
	free(made);
	return index_end(run->ix, rc, err);
}

static int
make_local_work(struct pass *p, struct err *err)
{
	struct folder *f = p->folder;

	return make_directories(p->run, &f, 1, err);
}

static enum task_result
make_local_done(struct task *t)
{
	(void)t;
	return TASK_DONE;
}

/* --- on the server --- */

static void
refuse(struct pass *p, const char *why)
{
	p->folder->failed = true;
	report_folder_issue(p->run, p->folder, ITEM_FOLDER, ALL_ROWS, "%s",
	    why);
}

static enum task_result
make_remote(struct making *m)
{
	struct pass *p = &m->pass;
	struct imap_session *main = p->run->account->main.session;
	struct index_folder *row = &p->folder->row;

	if (main == NULL) {
		err_set(&p->task.err, ERR_NET, "the first connection is lost");
		return TASK_FAIL;
	}
	free(row->raw);
	row->raw = imap_list_raw_name(main, row->name);
	if (row->raw == NULL) {
		refuse(p, "the server can't have a folder of that name; rename "
		    "the directory");
		return TASK_DONE;
	}
	imap_create_start(p->conn->session, &m->cmd, &p->task, row->raw);
	return imap_wait(&p->task, &m->cmd, make_created);
}

static enum task_result
make_created(struct task *t)
{
	struct making *m = (struct making *)t;
	struct pass *p = &m->pass;
	const char *why = imap_refusal(&m->cmd);

	if (why != NULL && m->cmd.code != CODE_ALREADYEXISTS) {
		char *text = xasprintf("the server does not make the folder: "
		    "%s", why);

		refuse(p, text);
		free(text);
		return TASK_DONE;
	}
	report_done(p->run, SYNC_MAKE_REMOTE, p->folder, NULL, "");
	p->folder->row.remote = true;
	p->folder->returned = p->folder->row.uidvalidity != 0;
	if (why != NULL)	/* somebody else made it */
		return TASK_DONE;
	imap_subscribe_start(p->conn->session, &m->subscribe, t,
	    p->folder->row.raw);
	return imap_wait(t, &m->subscribe, make_subscribed);
}

/* What is recorded next makes it durable. */
static int
log_made_work(struct pass *p, struct err *err)
{
	int rc = index_begin_seen(p->run->ix, err);

	if (rc == 0)
		rc = log_done(p->run, SYNC_MAKE_REMOTE, p->folder,
		    &(struct log_about){ NULL, NULL }, err);
	return index_end(p->run->ix, rc, err);
}

/* Web mail and phones show it then. A server may have no such list. */
static enum task_result
make_subscribed(struct task *t)
{
	return pass_job((struct pass *)t, log_made_work, make_logged);
}

static enum task_result
make_logged(struct task *t)
{
	(void)t;
	return TASK_DONE;
}

static enum task_result
make_begin(struct task *t)
{
	struct making *m = (struct making *)t;
	struct pass *p = &m->pass;

	if (p->folder->row.local)
		return make_remote(m);
	report_done(p->run, SYNC_MAKE_LOCAL, p->folder, NULL, "");
	return pass_job(p, make_local_work, make_local_done);
}

static void
make_finish(struct task *t)
{
	struct making *m = (struct making *)t;

	imap_cmd_release(&m->cmd);
	imap_cmd_release(&m->subscribe);
	pass_end(&m->pass);
}

void
folder_make_start(struct conn *conn, struct folder *folder,
    struct pass_result *out)
{
	struct making *m = xcalloc(1, sizeof(*m));

	m->pass.folder = folder;
	m->pass.step = STEP_MAKE;
	m->pass.task.finish = make_finish;
	pass_start(&m->pass, conn, out, "make folder", make_begin);
}
