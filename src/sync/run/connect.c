/*
 * Gets a session, and the folders of both sides. What an earlier run left half
 * deleted is brought to its end first. Folders that LIST lacked are looked for
 * once more before anybody believes that they are gone; those that another
 * client renamed are found again, and then the server is asked to rename those
 * that have another name here.
 */
#include <stdlib.h>
#include <string.h>

#include "apply/apply.h"
#include "apply/folder_rename.h"
#include "apply/folder_send_renames.h"
#include "base/mem.h"
#include "core/learned.h"
#include "core/loss.h"
#include "imap/box.h"
#include "imap/list.h"
#include "imap/quirks.h"
#include "index/fact.h"
#include "observe/folder_proof.h"
#include "observe/observe.h"
#include "observe/prescan.h"
#include "plan/retry.h"
#include "run/again.h"
#include "run/connections.h"
#include "run/listing.h"
#include "run/login.h"
#include "run/phases.h"

struct connecting {
	struct phase phase;
	struct pass_result login;
	struct imap_list list, again;
	struct delete_left left;	/* a folder that was being deleted */
	bool leave_kept;	/* as an earlier sync found out */
	bool recovers;
	struct folder_moves moves;
	struct folders_renamed renamed;	/* here */
	bool names_tried;	/* the server was to follow: once will do */
	bool names_sent;	/* and was asked to: its list is old */
	struct pass_result asked;	/* moves; proof; renames */
	bool reload;
	char *names;		/* how the server writes them */
	struct imap_guid guid;
};

static enum task_result connect_logged_in(struct task *);
static enum task_result connect_recalled(struct task *);
static enum task_result connect_recovered(struct task *);
static enum task_result connect_listed_again(struct task *);
static enum task_result connect_load(struct task *);
static enum task_result connect_loaded(struct task *);
static enum task_result connect_goes_on(struct connecting *);
static enum task_result connect_ask_guid(struct task *);
static enum task_result connect_guid_told(struct task *);
static enum task_result connect_guid_known(struct task *);
static enum task_result connect_relisted(struct task *);
static enum task_result connect_renamed(struct task *);
static enum task_result connect_prove(struct task *);
static enum task_result connect_proven(struct task *);
static enum task_result connect_names_found(struct task *);
static enum task_result connect_names_sent(struct task *);
static enum task_result connect_names_listed(struct task *);
static enum task_result connect_attempts(struct task *);
static enum task_result connect_known(struct task *);

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

/* It cost connections, in this sync or before. */
static int
leaves_deletion(struct connecting *c, struct err *err)
{
	struct run *run = c->phase.pass.run;
	const struct index_item_key key = { 0, 0, ITEM_REMOVE, NULL };
	struct index_item it;
	int found = !run->report.any || run->opt.full ? 0 :
	    index_item_find(run->ix, &key, &it, err);

	c->left.leave = recovery_loss_is_proven(run->past.recovery_lost);
	if (found != 1)
		return found;
	c->leave_kept = !c->left.leave && run->past.recovery_lost == 0 &&
	    retry_is_later(it.next, run->report.begun);
	c->left.leave |= c->leave_kept;
	index_item_release(&it);
	return 0;
}

/* Of the account, but it takes no folder. */
static int
recall_work(struct pass *p, struct err *err)
{
	struct connecting *c = (struct connecting *)p;

	if (root_claim(p->run, err) == -1)
		return -1;
	/* It may be there, and not be listed. */
	if (listing_is_by_name(p->run))
		return 0;
	return leaves_deletion(c, err) == -1 ? -1 :
	    folder_delete_recall(p->run, &c->list, &c->left, err);
}

static enum task_result
connect_logged_in(struct task *t)
{
	struct connecting *c = (struct connecting *)t;

	prescan_stop(phase_run(t));
	phase_run(t)->past.opened = true;
	if (imap_refusal(&c->list.cmd) != NULL)
		return list_failed(t, &c->list);
	return phase_job(t, recall_work, connect_recalled);
}

static void
report_deletion(const struct connecting *c)
{
	struct run *run = c->phase.pass.run;
	char *text = xasprintf("%s: a folder that was being deleted on the "
	    "server, and the connection is lost each time that is taken up "
	    "again; it is left as it is", c->left.name);

	report_account_issue(run, ITEM_REMOVE, text);
	report_account_waits(run, ITEM_REMOVE, c->leave_kept);
	free(text);
}

static enum task_result
connect_recalled(struct task *t)
{
	struct connecting *c = (struct connecting *)t;
	struct phase *ph = &c->phase;

	if (c->left.leave && c->left.name != NULL)
		report_deletion(c);
	if (!c->left.goes_on)
		return task_next(t, connect_load);
	c->recovers = true;
	folder_delete_recover_start(ph->pass.conn, NULL, &ph->folder_pass);
	return pass_wait(t, &ph->folder_pass, connect_recovered);
}

/* It has another name now, or is gone. */
static enum task_result
connect_recovered(struct task *t)
{
	struct connecting *c = (struct connecting *)t;

	c->recovers = false;
	imap_list_release(&c->list);
	imap_list_start(c->phase.pass.conn->session, &c->list, t,
	    listing_care(phase_run(t)));
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

static bool
is_any_gone(const struct run *run)
{
	size_t i;

	for (i = 0; i < run->n_folder; i++)
		if (run->folder[i].remote_gone && run->folder[i].inside)
			return true;
	return false;
}

/* Another answer counts from now on where all that is known is still there. */
static int
keep_namespace(struct run *run, const char *now, struct err *err)
{
	const char *was = run->account->known_namespace;
	int rc;

	if (now == NULL || (was != NULL && (strcmp(now, was) == 0 ||
	    is_any_gone(run))))
		return 0;
	rc = index_begin_seen(run->ix, err);
	if (rc == 0)
		rc = index_set(run->ix, "namespace", now, err);
	return index_end(run->ix, rc, err);
}

/* Once; a dry run forgets nothing. */
static int
take_doubts(struct run *run, struct err *err)
{
	int64_t seeks;
	int rc;

	if (index_fact_get(run->ix, 0, FACT_SEEK, &seeks, err) == -1)
		return -1;
	run->seeks_all = seeks != 0;
	if (!run->seeks_all || run->opt.dry_run)
		return 0;
	rc = index_begin(run->ix, err);
	if (rc == 0)
		rc = index_fact_set(run->ix, 0, FACT_SEEK, 0, err);
	return index_end(run->ix, rc, err);
}

static int
load_work(struct pass *p, struct err *err)
{
	struct connecting *c = (struct connecting *)p;

	return connections_load(p->run, err) == -1 ||
	    folders_load(p->run, &c->list, err) == -1 ||
	    take_doubts(p->run, err) == -1 ? -1 :
	    keep_namespace(p->run, c->names, err);
}

static enum task_result
connect_load(struct task *t)
{
	struct connecting *c = (struct connecting *)t;

	free(c->names);
	c->names = listing_is_by_name(phase_run(t)) ? NULL :
	    imap_list_namespace(c->phase.pass.conn->session);
	return phase_job(t, load_work, connect_loaded);
}

static void
report_broken(struct run *run)
{
	size_t i;

	for (i = 0; i < run->n_folder; i++) {
		struct folder *f = &run->folder[i];
		char *dir;

		if (!f->local_broken || !f->chosen)
			continue;
		dir = maildir_shown(run->md, f->row.path);
		report_folder_issue(run, f, ITEM_FOLDER, ALL_ROWS,
		    "the directory %s lacks some of cur, new and tmp, "
		    "or is a link to nowhere; mend it, it is left "
		    "alone until then", dir);
		free(dir);
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

static enum task_result
connect_moves(struct connecting *c)
{
	struct task *t = &c->phase.pass.task;

	folder_moves_start(c->phase.pass.conn, &c->list, &c->moves, &c->asked);
	return pass_wait(t, &c->asked, connect_renamed);
}

/* Its folders stay as they are now. */
static int
attempts_work(struct pass *p, struct err *err)
{
	return again_recall(p->run, err);
}

/* --- whether messages have an X-GUID --- */

static bool
may_have_guids(const struct run *run)
{
	const struct imap_session *s = run->account->main.session;

	return imap_quirk_on(s, QUIRK_GUID) && !(imap_session_caps(s) &
	    (CAP_OBJECTID | CAP_GMAIL)) && !learned_guid_is_asked(run);
}

/* That it has none is known first: who hangs up is not asked again. */
static int
guid_work(struct pass *p, struct err *err)
{
	return learn_guid(p->run, ((struct connecting *)p)->guid.told, err);
}

static enum task_result
connect_ask_guid(struct task *t)
{
	struct connecting *c = (struct connecting *)t;

	imap_guid_start(c->phase.pass.conn->session, &c->guid, t);
	return imap_wait(t, &c->guid.cmd, connect_guid_told);
}

static enum task_result
connect_guid_told(struct task *t)
{
	return ((struct connecting *)t)->guid.told ? phase_job(t, guid_work,
	    connect_guid_known) : task_next(t, connect_guid_known);
}

static enum task_result
connect_guid_known(struct task *t)
{
	return connect_goes_on((struct connecting *)t);
}

static enum task_result
connect_loaded(struct task *t)
{
	return may_have_guids(phase_run(t)) ? phase_job(t, guid_work,
	    connect_ask_guid) : connect_goes_on((struct connecting *)t);
}

static enum task_result
connect_goes_on(struct connecting *c)
{
	struct task *t = &c->phase.pass.task;

	if (listing_is_by_name(phase_run(t))) {
		listing_leave_unsure(phase_run(t));
		return task_next(t, connect_attempts);
	}
	if (c->names_tried || !is_any_gone(phase_run(t)))
		return connect_moves(c);
	imap_list_release(&c->again);
	imap_list_start(c->phase.pass.conn->session, &c->again, t,
	    listing_care(phase_run(t)));
	return imap_wait(t, &c->again.cmd, connect_relisted);
}

static bool
is_listed(const struct imap_list *list, const struct index_folder *row)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->folder[i].selectable && (strcmp(
		    list->folder[i].name, row->name) == 0 || (row->raw !=
		    NULL && strcmp(list->folder[i].raw, row->raw) == 0)))
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
		if (run->folder[i].remote_gone &&
		    is_listed(&c->again, &run->folder[i].row))
			run->folder[i].remote_gone = false;
	return connect_moves(c);
}

/* --- folders that have another name there --- */

static bool
is_any_proven(const struct connecting *c)
{
	size_t i;

	for (i = 0; i < c->moves.n; i++)
		if (c->moves.v[i].proven)
			return true;
	return false;
}

/* A dry run renames nothing, and what it would see of both would be wrong. */
static void
leave_unrenamed(struct connecting *c)
{
	struct run *run = phase_run(&c->phase.pass.task);
	size_t i;

	for (i = 0; i < c->moves.n; i++) {
		const struct folder_move *m = &c->moves.v[i];
		struct folder *f = folder_by_id(run, m->id);
		struct folder *to = folder_named(run,
		    c->list.folder[m->to].name);

		if (f == NULL || m->ousted ||
		    (m->proven && !run->opt.dry_run))
			continue;
		f->failed = true;
		if (to != NULL)
			to->failed = true;
		if (m->proven) {
			report_note(run, "%s: it is called %s on the server "
			    "now; a sync takes that over", f->row.name,
			    c->list.folder[m->to].name);
			continue;
		}
		if (m->costly) {
			report_folder_issue(run, f, ITEM_FOLDER, ALL_ROWS,
			    "it may be called %s now, and the connection is "
			    "lost each time that is looked into; both are left "
			    "out", c->list.folder[m->to].name);
			continue;
		}
		run->report.waiting++;
		report_note(run, "%s: the server does not tell whether it is "
		    "called %s now; it is left for the next run", f->row.name,
		    c->list.folder[m->to].name);
	}
}

static int
rename_work(struct pass *p, struct err *err)
{
	struct connecting *c = (struct connecting *)p;

	return folders_rename(p->run, &c->list, &c->moves, err) == -1 ||
	    folders_reload(p->run, &c->list, err) == -1 ? -1 : 0;
}

static enum task_result
connect_renamed(struct task *t)
{
	struct connecting *c = (struct connecting *)t;

	if (!phase_run(t)->opt.dry_run && is_any_proven(c))
		return phase_job(t, rename_work, connect_prove);
	return task_next(t, connect_prove);
}

static void
report_renamed(struct connecting *c)
{
	struct run *run = phase_run(&c->phase.pass.task);
	size_t i;

	for (i = 0; i < c->moves.n; i++) {
		const struct folder_move *m = &c->moves.v[i];
		const struct folder named = { .row = {
		    .name = c->list.folder[m->to].name } };

		if (m->was != NULL)
			report_done(run, folder_move_op(m), &named, NULL,
			    m->was);
	}
}

/* --- and those that seem to be gone --- */

static enum task_result
connect_prove(struct task *t)
{
	struct connecting *c = (struct connecting *)t;

	report_renamed(c);
	folder_proof_start(c->phase.pass.conn, &c->reload, &c->asked);
	return pass_wait(t, &c->asked, connect_proven);
}

static int
reload_work(struct pass *p, struct err *err)
{
	struct connecting *c = (struct connecting *)p;

	return folders_reload(p->run, &c->list, err);
}

/* --- folders that have another name here --- */

/* The server has its say first; and where a folder may be another one's, none
 * is told to be. */
static bool
may_follow(struct connecting *c)
{
	struct run *run = phase_run(&c->phase.pass.task);
	size_t i;

	for (i = 0; i < c->moves.n; i++)
		if (!c->moves.v[i].proven)
			return false;
	return !c->names_tried && run->account->adopted && !run->merging &&
	    !run->opt.undo_deletes && (!is_any_proven(c) || !run->opt.dry_run);
}

static int
renamed_work(struct pass *p, struct err *err)
{
	struct connecting *c = (struct connecting *)p;

	return folders_find_renamed(p->run, &c->renamed, err);
}

/* A server that folds case is met once; what it lacks is asked for again. */
static enum task_result
connect_proven(struct task *t)
{
	struct connecting *c = (struct connecting *)t;

	if (!c->reload)
		return may_follow(c) ? phase_job(t, renamed_work,
		    connect_names_found) : task_next(t, connect_attempts);
	folder_moves_release(&c->moves);
	return phase_job(t, reload_work, connect_loaded);
}

static enum task_result
connect_names_found(struct task *t)
{
	struct connecting *c = (struct connecting *)t;

	if (c->renamed.n == 0)
		return task_next(t, connect_attempts);
	folder_send_renames_start(c->phase.pass.conn, &c->list, &c->renamed,
	    &c->names_sent, &c->asked);
	return pass_wait(t, &c->asked, connect_names_sent);
}

/* What came of it the list says, and not the server's OK. */
static enum task_result
connect_names_sent(struct task *t)
{
	struct connecting *c = (struct connecting *)t;

	c->names_tried = true;
	if (!c->names_sent)
		return task_next(t, connect_attempts);
	folder_moves_release(&c->moves);
	imap_list_release(&c->list);
	imap_list_start(c->phase.pass.conn->session, &c->list, t,
	    listing_care(phase_run(t)));
	return imap_wait(t, &c->list.cmd, connect_names_listed);
}

static enum task_result
connect_names_listed(struct task *t)
{
	struct connecting *c = (struct connecting *)t;

	if (imap_refusal(&c->list.cmd) != NULL)
		return list_failed(t, &c->list);
	return phase_job(t, reload_work, connect_loaded);
}

static enum task_result
connect_attempts(struct task *t)
{
	return phase_job(t, attempts_work, connect_known);
}

static enum task_result
connect_known(struct task *t)
{
	struct connecting *c = (struct connecting *)t;
	struct run *run = phase_run(t);

	leave_unrenamed(c);
	listing_report(run);
	report_broken(run);
	if (!is_any_chosen(run) && run->opt.n_glob > 0)
		report_issue(run, "no folder matches %s; see which there are "
		    "in the Maildir", run->opt.glob[0]);
	else if (!is_any_chosen(run))
		report_issue(run, "`folders` takes no folder in");
	return TASK_DONE;
}

static void
connect_finish(struct task *t)
{
	struct connecting *c = (struct connecting *)t;

	if (c->recovers && t->result == TASK_FAIL &&
	    loss_is_of_connection(&t->err)) {
		phase_run(t)->past.recovery_lost++;
		loss_progress(phase_run(t));
	}
	listing_lost(phase_run(t), &c->list);
	listing_lost(phase_run(t), &c->again);
	imap_list_release(&c->list);
	imap_list_release(&c->again);
	imap_cmd_release(&c->guid.cmd);
	folder_moves_release(&c->moves);
	folders_renamed_release(&c->renamed);
	free(c->names);
	free(c->left.name);
	phase_end(t);
}

void
connect_start(struct run *run, struct pass_result *out)
{
	struct connecting *c = xcalloc(1, sizeof(*c));

	c->phase.pass.task.finish = connect_finish;
	phase_start(&c->phase, run, out, "connect", connect_begin);
}
