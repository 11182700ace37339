/* Asks STATUS of folders that LIST lacks, and of a name that differs from a
 * listed one in its case only. */
#include "observe/folder_proof.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/loss.h"
#include "imap/list.h"
#include "index/fact.h"
#include "observe/folder_table.h"
#include "observe/observe.h"

#define IN_FLIGHT	32
#define LACKED		"lacked-since"	/* of a folder; of the server: some */

struct question {
	struct imap_numbers status;
	struct folder *folder;
};

struct proving {
	struct pass pass;
	bool *again;
	size_t at;		/* of run->folder: the next to look at */
	struct question ask[IN_FLIGHT];
	size_t n;
	struct folder *twin, *listed;	/* of one name but for the case */
	struct imap_numbers folding;
	bool any_numbers, any_unsure;
};

static enum task_result proof_next(struct task *);
static enum task_result proof_recorded(struct task *);
static enum task_result proof_folding(struct task *);
static enum task_result proof_folded(struct task *);
static enum task_result proof_done(struct task *);

/* --- what is lacked --- */

static bool
is_lacked(const struct folder *f)
{
	return f->remote_gone && f->inside && f->row.raw != NULL;
}

/* Listed, but alone without the numbers of STATUS: Dovecot lists a folder that
 * was deleted as if it were there, where others lie in it (Maildir++). */
static bool
is_phantom(const struct proving *p, const struct folder *f)
{
	return p->any_numbers && f->inside && f->listed.selectable &&
	    !f->listed.has_status && !f->listed.unasked && !f->remote_gone &&
	    f->row.raw != NULL;
}

static enum task_result
proof_answered(struct task *t)
{
	struct proving *p = (struct proving *)t;
	size_t i;

	for (i = 0; i < p->n; i++)
		if (!p->ask[i].status.cmd.done)
			return imap_wait(t, &p->ask[i].status.cmd,
			    proof_answered);
	for (i = 0; i < p->n; i++) {
		struct folder *f = p->ask[i].folder;
		const struct imap_cmd *cmd = &p->ask[i].status.cmd;

		f->lack = (struct folder_lack){
			.known = f->row.base,
			.answered = imap_refusal(cmd) == NULL,
			.nonexistent = cmd->code == CODE_NONEXISTENT,
			.in_words = p->ask[i].status.absent_in_words,
		};
		if (f->lack.nonexistent || f->lack.in_words)
			f->remote_gone = true;
		imap_numbers_release(&p->ask[i].status);
	}
	p->n = 0;
	return task_next(t, proof_next);
}

/* Held until it is known: nothing of it is judged. */
static void
leave_unsure(struct proving *p, struct folder *f)
{
	struct run *run = p->pass.run;

	f->failed = true;
	p->any_unsure = true;
	if (f->lack.costly) {
		report_issue_later(run, xasprintf("%s: the server does not "
		    "list it any more, and the connection is lost each time "
		    "it is asked for it; the folder is left out",
		    f->row.name), NULL);
		return;
	}
	run->report.waiting++;
	report_note_later(run, xasprintf("%s: the server does not list it any "
	    "more%s; it is left as it is until a run in an hour or later finds "
	    "the same%s", f->row.name, f->lack.in_words ? ", and many others "
	    "neither" : ", and does not say that it is gone",
	    f->lack.in_words ? " (or --force-deletes says so)" : ""));
}

/* Its name stands for another mailbox now; what it was may be one of those that
 * LIST does not show today. */
static bool
is_another(const struct folder *f)
{
	return f->inside && f->row.uidvalidity != 0 && f->listed.has_status &&
	    f->listed.uidvalidity != f->row.uidvalidity;
}

static void
leave_others(struct run *run)
{
	size_t i;

	for (i = 0; i < run->n_folder; i++) {
		struct folder *f = &run->folder[i];

		if (f->failed || !is_another(f))
			continue;
		f->failed = true;
		run->report.waiting++;
		report_note_later(run, xasprintf("%s: the server numbers its "
		    "messages anew (UIDVALIDITY), and does not list all "
		    "folders that were there; it is left as it is until that "
		    "is clear", f->row.name));
	}
}

/* since: when that was found first; 0 forgets it. */
static int
keep_since(struct proving *p, const struct folder *f, int64_t since,
    struct err *err)
{
	return p->pass.run->opt.dry_run || since == f->lack.since ||
	    f->row.id == 0 ? 0 : index_fact_set(p->pass.run->ix, f->row.id,
	    LACKED, since, err);
}

static int
judge(struct proving *p, struct folder *f, struct err *err)
{
	f->lack.now = clock_wall();
	if (f->row.id != 0 && index_fact_get(p->pass.run->ix, f->row.id, LACKED,
	    &f->lack.since, err) == -1)
		return -1;
	if (!is_lacked(f))
		return keep_since(p, f, 0, err);
	switch (folder_absence(&f->lack)) {
	case FOLDER_GONE:
		return 0;
	case FOLDER_THERE:
		f->remote_gone = false;
		return keep_since(p, f, 0, err);
	case FOLDER_NOT_SURE:
		f->remote_gone = false;
		leave_unsure(p, f);
		if (f->lack.since <= 0 || f->lack.since > f->lack.now)
			return keep_since(p, f, f->lack.now, err);
	}
	return 0;
}

static bool
is_lost(const struct folder *f)
{
	return is_lacked(f) && f->row.base &&
	    (f->lack.nonexistent || f->lack.in_words);
}

/* The folder above it, or one further up, is lost as well. */
static bool
is_lost_with_another(const struct folder_table *table, const struct folder *f)
{
	char *above = xstrdup(f->row.name), *slash;
	bool is = false;

	while (!is && (slash = strrchr(above, '/')) != NULL) {
		struct folder *outer;

		*slash = '\0';
		outer = folder_by_name(table, above);
		is = outer != NULL && !folder_is_inbox(outer) &&
		    is_lost(outer);
	}
	free(above);
	return is;
}

static void
weigh_losses(struct run *run)
{
	struct folder_losses losses = { .known = 0 };
	struct folder_table table;
	bool many;
	size_t i;

	for (i = 0; i < run->n_folder && !is_lost(&run->folder[i]); i++)
		;
	if (i == run->n_folder)
		return;
	folder_table_init(&table, run, false);
	for (i = 0; i < run->n_folder; i++) {
		const struct folder *f = &run->folder[i];
		bool lost = is_lost(f);

		losses.known += f->inside && f->row.base &&
		    (lost || !folder_is_inbox(f));
		losses.gone += lost;
		losses.apart += lost && !is_lost_with_another(&table, f);
	}
	folder_table_release(&table);
	/* Whoever says what is to become of removals has looked. */
	many = folder_losses_are_many(&losses) && !run->opt.force_deletes &&
	    !run->opt.undo_deletes;
	for (i = 0; i < run->n_folder; i++)
		run->folder[i].lack.with_many = many;
}

static int
judge_all(struct proving *p, struct err *err)
{
	struct run *run = p->pass.run;
	int64_t any, now;
	size_t i;
	int rc = index_fact_get(run->ix, 0, LACKED, &any, err);

	weigh_losses(run);
	for (i = 0; i < run->n_folder && rc == 0; i++)
		if (any != 0 || is_lacked(&run->folder[i]))
			rc = judge(p, &run->folder[i], err);
	if (p->any_unsure)
		leave_others(run);
	now = p->any_unsure;
	return rc == 0 && now != any && !run->opt.dry_run ?
	    index_fact_set(run->ix, 0, LACKED, now, err) : rc;
}

static int
judge_work(struct pass *pass, struct err *err)
{
	struct proving *p = (struct proving *)pass;
	int rc = index_begin_seen(pass->run->ix, err);

	if (rc == 0)
		rc = judge_all(p, err);
	return index_end(pass->run->ix, rc, err);
}

static enum task_result
proof_next(struct task *t)
{
	struct proving *p = (struct proving *)t;
	struct run *run = p->pass.run;
	size_t i;

	for (i = 0; i < run->n_folder && !p->any_numbers; i++)
		p->any_numbers = run->folder[i].listed.has_status;
	/* Where one of them cost the connection, each for itself. */
	for (; p->at < run->n_folder &&
	    p->n < (run->past.n_search > 0 ? 1 : IN_FLIGHT); p->at++) {
		struct folder *f = &run->folder[p->at];

		if (!is_lacked(f) && !is_phantom(p, f))
			continue;
		if (loss_ends_search(run, f->row.id)) {
			f->lack = (struct folder_lack){
				.known = f->row.base, .costly = true,
			};
			continue;
		}
		p->ask[p->n].folder = f;
		imap_numbers_start(p->pass.conn->session,
		    &p->ask[p->n++].status, t, f->row.raw);
	}
	if (p->n > 0)
		return task_next(t, proof_answered);
	return pass_job(&p->pass, judge_work, proof_recorded);
}

/* --- what differs in case only --- */

static bool
is_new_here(const struct folder *f)
{
	return f->inside && f->row.local && !f->row.remote && !f->row.base;
}

static int
find_twin_work(struct pass *pass, struct err *err)
{
	struct proving *p = (struct proving *)pass;
	struct run *run = pass->run;
	struct folder_table table;
	int64_t known;
	size_t i;

	if (index_fact_get(run->ix, 0, FACT_FOLDS, &known, err) == -1 ||
	    known != 0)
		return known != 0 ? 0 : -1;
	folder_table_init(&table, run, false);
	for (i = 0; i < run->n_folder && p->twin == NULL; i++) {
		struct folder *f = &run->folder[i];

		p->listed = is_new_here(f) ? folder_twin(&table, f) : NULL;
		if (p->listed != NULL)
			p->twin = f;
	}
	folder_table_release(&table);
	return 0;
}

static enum task_result
proof_recorded(struct task *t)
{
	return pass_job((struct pass *)t, find_twin_work, proof_folding);
}

static enum task_result
proof_folding(struct task *t)
{
	struct proving *p = (struct proving *)t;
	struct imap_session *s = p->pass.conn->session;
	char *raw = p->twin == NULL ? NULL :
	    imap_list_raw_name(s, p->twin->row.name);

	if (raw == NULL || loss_ends_search(p->pass.run, p->twin->row.id)) {
		free(raw);
		return TASK_DONE;
	}
	imap_numbers_start(s, &p->folding, t, raw);
	free(raw);
	return imap_wait(t, &p->folding.cmd, proof_folded);
}

/* Rows of directories that are none of their own. */
static int
drop_twins(struct run *run, struct err *err)
{
	struct folder_table table;
	size_t i;
	int rc = 0;

	folder_table_init(&table, run, false);
	for (i = 0; i < run->n_folder && rc == 0; i++) {
		struct folder *f = &run->folder[i];

		if (is_new_here(f) && f->row.id != 0 &&
		    folder_twin(&table, f) != NULL)
			rc = index_folder_drop(run->ix, f->row.id, err);
	}
	folder_table_release(&table);
	return rc;
}

static int
folds_work(struct pass *pass, struct err *err)
{
	struct proving *p = (struct proving *)pass;
	struct run *run = pass->run;
	int rc = index_begin(run->ix, err);

	if (rc == 0)
		rc = index_fact_set(run->ix, 0, FACT_FOLDS, *p->again ?
		    NAMES_FOLD : NAMES_APART, err);
	if (rc == 0 && *p->again)
		rc = drop_twins(run, err);
	return index_end(run->ix, rc, err);
}

/* The mailbox of the other name, or one that LIST does not show? */
static enum task_result
proof_folded(struct task *t)
{
	struct proving *p = (struct proving *)t;
	const struct imap_folder *l = &p->listed->listed;

	*p->again = imap_refusal(&p->folding.cmd) == NULL &&
	    (!l->has_status || p->folding.uidvalidity == l->uidvalidity);
	return pass_job(&p->pass, folds_work, proof_done);
}

static enum task_result
proof_done(struct task *t)
{
	(void)t;
	return TASK_DONE;
}

static void
proof_finish(struct task *t)
{
	struct proving *p = (struct proving *)t;
	size_t i;

	for (i = 0; i < p->n; i++)
		loss_of_search(p->pass.run, p->ask[i].folder->row.id, &t->err);
	if (p->twin != NULL)
		loss_of_search(p->pass.run, p->twin->row.id, &t->err);
	for (i = 0; i < IN_FLIGHT; i++)
		imap_numbers_release(&p->ask[i].status);
	imap_numbers_release(&p->folding);
	pass_end(&p->pass);
}

void
folder_proof_start(struct conn *conn, bool *again, struct pass_result *out)
{
	struct proving *p = xcalloc(1, sizeof(*p));

	*again = false;
	p->again = again;
	p->pass.task.finish = proof_finish;
	pass_start(&p->pass, conn, out, "folder proof", proof_next);
}
