/*
 * The life of one account's run: open index and Maildir, get the secret,
 * connect, list the folders; then the turns over the folders (phases.c); then
 * the reckoning. Whatever ends it early, abort closes what is open: a
 * connection is cut, the index closed behind the last job.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/limits.h"
#include "apply/folder_delete.h"
#include "base/mem.h"
#include "run/folder_tasks.h"
#include "core/internal.h"
#include "loop/child.h"
#include "loop/timer.h"

#define CONNECT_MS	20000
#define SECRET_MS	60000

struct sync {
	struct account account;
	struct sync_result result;
};

struct account_priv {
	struct account *a;
	struct job job;
	int (*work)(struct account *, struct err *);
	task_step *after;
	struct pass_result pass;
	bool closing;			/* the last job is posted */
	uint64_t wait_ms;
	struct timer pause;
	struct child child;
	char *secret;
	struct imap_open_config cfg, more;	/* main, other connections */
	struct imap_open open;
	struct imap_list list;
	bool left_over;			/* a folder that was being deleted */
	struct job close_job;
};

static enum task_result account_opened(struct task *);
static enum task_result account_settle_wait(struct task *);
static enum task_result account_paused(struct task *);
static enum task_result account_log_in(struct task *);
static enum task_result account_secret(struct task *);
static enum task_result account_connect(struct task *);
static enum task_result account_connected(struct task *);
static enum task_result account_recalled(struct task *);
static enum task_result account_list_again(struct task *);
static enum task_result account_listed_again(struct task *);
static enum task_result account_reckoned(struct task *);
static enum task_result account_closed(struct task *);

/* --- jobs and passes --- */

static int
work_run(struct job *job)
{
	struct account_priv *p = OWNER_OF(job, struct account_priv, job);

	return p->work(p->a, &job->err);
}

static enum task_result
job_ended(struct task *t)
{
	struct account *a = (struct account *)t;

	if (!a->priv->job.done)
		return task_wait(t, job_ended);
	report_flush(a);
	if (a->priv->job.result == -1)
		return task_fail(t, &a->priv->job.err);
	return task_next(t, a->priv->after);
}

enum task_result
account_job(struct account *a, int (*work)(struct account *, struct err *),
    task_step *next)
{
	struct account_priv *p = a->priv;

	p->work = work;
	p->after = next;
	p->job = (struct job){ .run = work_run };
	lane_post(a->index_lane, &p->job, &a->task);
	return task_wait(&a->task, job_ended);
}

static enum task_result
pass_ended(struct task *t)
{
	struct account *a = (struct account *)t;

	if (!a->priv->pass.done)
		return task_wait(t, pass_ended);
	if (a->priv->pass.err.kind != ERR_NONE)
		return task_fail(t, &a->priv->pass.err);
	return task_next(t, a->priv->after);
}

enum task_result
account_pass(struct account *a, pass_starter *start, struct folder *folder,
    task_step *next)
{
	a->priv->after = next;
	start(&a->main, folder, &a->priv->pass);
	return task_wait(&a->task, pass_ended);
}

/* --- from nothing to the list of folders --- */

static enum task_result
account_begin(struct task *t)
{
	return account_job((struct account *)t, root_open, account_opened);
}

static int
settle_wait_work(struct account *a, struct err *err)
{
	return settle_wait_ms(a, &a->priv->wait_ms, err);
}

static enum task_result
account_opened(struct task *t)
{
	return account_job((struct account *)t, settle_wait_work,
	    account_settle_wait);
}

static enum task_result
account_settle_wait(struct task *t)
{
	struct account *a = (struct account *)t;

	prescan_start(a);
	if (a->priv->wait_ms == 0)
		return task_next(t, account_log_in);
	report_progress(a, NULL, "waiting for what was cut off", 0, 0);
	timer_start(&a->priv->pause, t, a->priv->wait_ms);
	return task_wait(t, account_paused);
}

static enum task_result
account_paused(struct task *t)
{
	struct account *a = (struct account *)t;

	prescan_go_on(a);
	return a->priv->pause.fired ? task_next(t, account_log_in) :
	    task_wait(t, account_paused);
}

static enum task_result
account_log_in(struct task *t)
{
	struct account *a = (struct account *)t;
	const struct conf_account *c = a->conf;

	if (c->password_command != NULL) {
		child_start(&a->priv->child, t, c->password_command,
		    LIMIT_SECRET, SECRET_MS);
		return task_wait(t, account_secret);
	}
	a->priv->secret = xstrdup(c->password);
	return task_next(t, account_connect);
}

/* The first line of its output is the secret. */
static int
take_secret(struct account *a, struct err *err)
{
	struct child *c = &a->priv->child;
	const char *text = buf_str(&c->out);
	size_t n = strcspn(text, "\r\n");

	if (c->err.kind != ERR_NONE) {
		*err = c->err;
		err->kind = ERR_AUTH;
		return err_within(err, "password-command");
	}
	if (c->status != 0)
		return err_set(err, ERR_AUTH, "password-command ended with "
		    "status %d; run it by hand to see why", c->status);
	if (n == 0)
		return err_set(err, ERR_AUTH, "password-command printed no "
		    "password on its first line; run it by hand to see why");
	a->priv->secret = xstrndup(text, n);
	return 0;
}

static enum task_result
account_secret(struct task *t)
{
	struct account *a = (struct account *)t;
	struct child *c = &a->priv->child;

	prescan_go_on(a);
	if (!c->done)
		return task_wait(t, account_secret);
	if (take_secret(a, &t->err) == -1)
		return TASK_FAIL;
	return task_next(t, account_connect);
}

static enum task_result
account_connect(struct task *t)
{
	struct account *a = (struct account *)t;
	const struct conf_account *c = a->conf;
	struct account_priv *p = a->priv;

	p->cfg = (struct imap_open_config){
		.stream = {
			.host = c->host, .port = c->port,
			.tls = c->tls == CONF_TLS_NONE ? STREAM_TLS_NONE :
			    c->tls == CONF_TLS_IMPLICIT ? STREAM_TLS_IMPLICIT :
			    STREAM_TLS_STARTTLS,
			.ca_file = c->tls_ca_file,
			.fingerprint = c->tls_fingerprint,
			.tunnel = c->tunnel,
			.connect_ms = c->timeout_s * 1000u < CONNECT_MS ?
			    c->timeout_s * 1000u : CONNECT_MS,
			.silence_ms = c->timeout_s * 1000u,
		},
		.user = c->user, .password = p->secret,
		.cleartext_ok = c->allow_cleartext_password,
		.compress = c->compress == CONF_COMPRESS_YES ?
		    IMAP_COMPRESS_YES : c->compress == CONF_COMPRESS_NO ?
		    IMAP_COMPRESS_NO : IMAP_COMPRESS_AUTO,
		.list = &p->list,
	};
	report_progress(a, NULL, "connecting", 0, 0);
	imap_open_start(&p->open, t->loop, t, &p->cfg);
	return task_wait(t, account_connected);
}

void
conn_open_start(struct account *a, struct imap_open *open)
{
	struct account_priv *p = a->priv;

	p->more = p->cfg;
	p->more.list = NULL;
	imap_open_start(open, a->task.loop, &a->task, &p->more);
}

static int
recall_work(struct account *a, struct err *err)
{
	return folder_delete_recall(a, &a->priv->list, &a->priv->left_over,
	    err);
}

static int
load_work(struct account *a, struct err *err)
{
	return connections_load(a, err) == -1 ? -1 :
	    folders_load(a, &a->priv->list, err);
}

static enum task_result
account_connected(struct task *t)
{
	struct account *a = (struct account *)t;
	struct account_priv *p = a->priv;

	if (!p->open.task.ended) {
		prescan_go_on(a);
		return task_wait(t, account_connected);
	}
	a->main.session = p->open.session;
	p->open.session = NULL;
	if (a->main.session == NULL)
		return task_fail(t, &p->open.task.err);
	if (imap_result(&p->list.cmd, &t->err) == -1) {
		err_within(&t->err, "the list of folders");
		return TASK_FAIL;
	}
	return account_job(a, recall_work, account_recalled);
}

static enum task_result
account_recalled(struct task *t)
{
	struct account *a = (struct account *)t;

	if (a->priv->left_over)
		return folder_delete_recover(a, account_list_again);
	return account_job(a, load_work, turns_begin);
}

/* It has another name now, or is gone. */
static enum task_result
account_list_again(struct task *t)
{
	struct account *a = (struct account *)t;

	imap_list_release(&a->priv->list);
	imap_list_start(a->main.session, &a->priv->list, t);
	return task_wait(t, account_listed_again);
}

static enum task_result
account_listed_again(struct task *t)
{
	struct account *a = (struct account *)t;

	switch (imap_result(&a->priv->list.cmd, &t->err)) {
	case 0:
		return task_wait(t, account_listed_again);
	case -1:
		err_within(&t->err, "the list of folders");
		return TASK_FAIL;
	}
	return account_job(a, load_work, turns_begin);
}

/* --- the reckoning --- */

/* The checkpoint at the very end makes it durable. */
static int
reckon_work(struct account *a, struct err *err)
{
	char now[32];
	int rc = index_begin_seen(a->ix, err);

	if (rc == 0)
		rc = issues_settle(a, err);
	if (a->opt.dry_run)
		a->result->pending = 0;
	snprintf(now, sizeof(now), "%lld", (long long)clock_wall());
	if (rc == 0 && a->result->held == 0 && !a->opt.dry_run)
		rc = index_set(a->ix, "last-sync", now, err);
	if (rc == 0)
		rc = connections_keep(a, err);
	return index_end(a->ix, rc, err);
}

enum task_result
account_end(struct task *t)
{
	struct account *a = (struct account *)t;

	a->issues.sealed = true;
	return account_job(a, reckon_work, account_reckoned);
}

void
conn_close(struct conn *c, bool polite)
{
	struct sync_result *r = c->a->result;
	struct imap_stats stats;

	if (c->session == NULL)
		return;
	imap_session_stats(c->session, &stats);
	r->round_trips += stats.round_trips;
	r->bytes_in += stats.bytes_in;
	r->bytes_out += stats.bytes_out;
	imap_close_start(c->session, &c->a->task, polite);
	c->session = NULL;
}

void
conn_cut(struct conn *c)
{
	conn_close(c, false);
}

static int
close_run(struct job *job)
{
	struct account *a = OWNER_OF(job, struct account_priv, close_job)->a;

	int rc;

	lane_flush(a->disk_lane);	/* their jobs use what is closed here */
	lane_flush(a->sync_lane);
	issues_keep(a);
	rc = a->ix == NULL ? 0 : index_checkpoint(a->ix, &job->err);
	index_close(a->ix);
	a->ix = NULL;
	maildir_close(&a->md);
	return rc;
}

/* Ends the session and closes index and Maildir behind what is posted. */
static void
close_all(struct account *a, bool polite)
{
	struct account_priv *p = a->priv;

	conn_close(&a->main, polite);
	connections_close(a, polite);
	str_wipe_free(p->secret);
	p->secret = NULL;
	if (p->closing)
		return;
	p->closing = true;
	a->issues.sealed = true;
	p->close_job = (struct job){ .run = close_run };
	lane_post(a->index_lane, &p->close_job, &a->task);
}

static enum task_result
account_reckoned(struct task *t)
{
	close_all((struct account *)t, true);
	return task_wait(t, account_closed);
}

static enum task_result
account_closed(struct task *t)
{
	struct account *a = (struct account *)t;

	return a->priv->close_job.done ? TASK_DONE :
	    task_wait(t, account_closed);
}

/* What no later run can get past without the user: told like all that waits
 * for him, and by -q not every time. */
static bool
needs_user(const struct err *err)
{
	return err->kind == ERR_HELD || err->kind == ERR_AUTH ||
	    err->kind == ERR_CONFIG;
}

static void
account_abort(struct task *t)
{
	struct account *a = (struct account *)t;

	if (needs_user(&t->err) && issues_are_known(a)) {
		a->result->err_is_item = true;
		report_issue(a, "%s", t->err.msg);
	}
	if (a->main.session == NULL && a->priv->open.task.ended)
		a->main.session = a->priv->open.session;
	a->priv->open.session = NULL;
	timer_stop(&a->priv->pause);
	child_cancel(&a->priv->child);
	close_all(a, false);
}

/* Failures name their account's part; the status is design section 8's. */
static void
reckon(struct account *a)
{
	struct sync_result *r = a->result;

	r->seconds = (double)(clock_mono_ms() - a->ms_begun) / 1000;
	r->fsyncs = fs_syncs() - a->fsyncs_before;
	if (prescan_failed(a) != NULL)	/* graver than what the server says */
		r->err = *prescan_failed(a);
	else if (a->task.result == TASK_FAIL)
		r->err = a->task.err;
	else if (a->priv->close_job.result == -1)
		r->err = a->priv->close_job.err;
	if (r->err.kind != ERR_NONE)
		r->exit = err_exit_status(r->err.kind);
	else if (r->held > 0)
		r->exit = 1;
	else
		r->exit = r->pending > 0 ? err_exit_status(ERR_NET) : 0;
}

static void
account_finish(struct task *t)
{
	struct account *a = (struct account *)t;
	struct account_priv *p = a->priv;
	size_t i;

	report_flush(a);
	issues_report(a);
	reckon(a);
	timer_stop(&p->pause);
	lane_free(a->index_lane);
	lane_free(a->disk_lane);
	lane_free(a->sync_lane);
	turns_release(a);
	folder_tasks_release(a);
	folder_delete_release(a);
	prescan_release(a);
	for (i = 0; i < a->n_folder; i++)
		folder_release(&a->folder[i]);
	free(a->folder);
	issues_release(a);
	mem_wipe(p->child.out.mem, p->child.out.cap);
	child_release(&p->child);
	str_wipe_free(p->secret);
	imap_list_release(&p->list);
	free(p);
	a->priv = NULL;
}

struct sync *
sync_start(struct loop *loop, const struct conf_account *conf,
    const struct sync_options *opt, const struct sync_callbacks *cb)
{
	struct sync *s = xcalloc(1, sizeof(*s));
	struct account *a = &s->account;

	a->conf = conf;
	a->opt = *opt;
	a->cb = *cb;
	a->result = &s->result;
	a->main = (struct conn){ .a = a, .task = &a->task };
	a->md.fd = a->md.mark_fd = -1;
	a->priv = xcalloc(1, sizeof(*a->priv));
	a->priv->a = a;
	a->index_lane = lane_new(loop, "index");
	a->disk_lane = lane_new(loop, "disk");
	a->sync_lane = lane_new(loop, "sync");
	a->fsyncs_before = fs_syncs();
	a->ms_begun = clock_mono_ms();
	a->task.abort = account_abort;
	a->task.finish = account_finish;
	task_start(&a->task, loop, NULL, conf->name, account_begin);
	return s;
}

const struct sync_result *
sync_result(const struct sync *s)
{
	return &s->result;
}

void
sync_free(struct sync *s)
{
	free(s);
}

/* --- operations --- */

static void
count_done(struct sync_result *r, enum sync_op op)
{
	switch (op) {
	case SYNC_PULL:
		r->pulled.new++;
		break;
	case SYNC_PUSH:
		r->pushed.new++;
		break;
	case SYNC_FLAG_LOCAL:
		r->pulled.flags++;
		break;
	case SYNC_FLAG_REMOTE:
		r->pushed.flags++;
		break;
	case SYNC_REMOVE_LOCAL:
		r->pulled.deleted++;
		break;
	case SYNC_REMOVE_REMOTE:
		r->pushed.deleted++;
		break;
	case SYNC_MAKE_LOCAL:
	case SYNC_DROP_LOCAL:
		r->pulled.folders++;
		break;
	case SYNC_MAKE_REMOTE:
	case SYNC_DROP_REMOTE:
		r->pushed.folders++;
		break;
	}
}

const char *
sync_op_name(enum sync_op op)
{
	static const char *const names[] = {
		[SYNC_PULL] = "pull", [SYNC_PUSH] = "push",
		[SYNC_FLAG_LOCAL] = "flag-local",
		[SYNC_FLAG_REMOTE] = "flag-remote",
		[SYNC_REMOVE_LOCAL] = "remove-local",
		[SYNC_REMOVE_REMOTE] = "remove-remote",
		[SYNC_MAKE_LOCAL] = "make-local",
		[SYNC_MAKE_REMOTE] = "make-remote",
		[SYNC_DROP_LOCAL] = "drop-local",
		[SYNC_DROP_REMOTE] = "drop-remote",
	};

	return names[op];
}

void
report_done(struct account *a, enum sync_op op, const struct folder *f,
    const struct place *p, const char *detail)
{
	struct sync_done done = {
		.op = op, .folder = f->row.name, .detail = detail,
	};

	if (p != NULL) {
		done.uid = p->uid;
		done.unique = p->unique;
	}
	count_done(a->result, op);
	if (a->cb.done != NULL)
		a->cb.done(a->cb.arg, a->conf->name, &done);
}

void
report_progress(struct account *a, const struct folder *f, const char *what,
    uint64_t done, uint64_t total)
{
	char text[300];

	if (a->cb.progress == NULL)
		return;
	snprintf(text, sizeof(text), "%s%s%s", f != NULL ? f->row.name : "",
	    f != NULL ? ": " : "", what);
	a->cb.progress(a->cb.arg, a->conf->name, text, done, total);
}
