/*
 * Asks the server to rename what was renamed on disk.
 *
 *	index lane	what is asked for, what goes along, and a mark of it
 *	server		RENAME		of the outermost ones
 *	server		SUBSCRIBE	to the new name, and no more to the old
 *	index lane	the marks of what was refused go
 */
#include "apply/folder_send_renames.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "imap/resp.h"
#include "index/fact.h"
#include "observe/folder_moves.h"
#include "observe/observe.h"
#include "plan/rename.h"

struct sending {
	const struct folder_renamed *one;
	const struct folder *f;
	enum rename_sent op;
	bool told;		/* of its subscription */
	char *raw_to;
	struct imap_cmd rename, subscribe, unsubscribe;
};

struct send_renames {
	struct pass pass;
	const struct imap_list *list;
	const struct folders_renamed *renamed;
	bool *sent;
	struct sending *v;	/* as many as those */
	size_t n, at;
};

static enum task_result send_planned(struct task *);
static enum task_result send_next(struct task *);
static enum task_result send_answered(struct task *);
static enum task_result send_subscribed(struct task *);
static enum task_result send_settled(struct task *);

/* --- what is to be asked for --- */

static bool
mailbox_is_as_it_was(const struct folder *f)
{
	return f->listed.selectable && f->listed.has_status &&
	    f->listed.uidvalidity == f->row.uidvalidity;
}

static bool
is_name_there(const struct imap_list *list, const char *raw)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (strcmp(list->folder[i].raw, raw) == 0)
			return true;
	return false;
}

/* The name that a folder is to have; NULL: it keeps its own. */
static const char *
new_name(const struct send_renames *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->v[i].f->row.name, name) == 0)
			return s->v[i].one->to;
	return NULL;
}

static bool
ends_up_below(const struct send_renames *s, const struct sending *one,
    const char *name)
{
	const char *rest = folder_below(name, one->f->row.name);
	const char *to = new_name(s, name);
	const char *rest_to = to == NULL ? NULL :
	    folder_below(to, one->one->to);

	return rest_to != NULL && strcmp(rest, rest_to) == 0;
}

/* Whether it is one of `folders` or not. What holds no messages is only a
 * part of names. */
static bool
takes_others_along(const struct send_renames *s, const struct sending *one)
{
	size_t i;

	for (i = 0; i < s->list->n; i++) {
		const struct imap_folder *l = &s->list->folder[i];

		if (l->selectable && folder_below(l->name,
		    one->f->row.name) != NULL && !ends_up_below(s, one,
		    l->name))
			return true;
	}
	return s->list->n_passed > 0 || s->list->unnamed > 0;
}

static bool
goes_along_with(const struct send_renames *s, const struct sending *one)
{
	size_t i;

	for (i = 0; i < s->n && &s->v[i] != one; i++)
		if (s->v[i].op == RENAME_SEND && folder_below(
		    one->f->row.name, s->v[i].f->row.name) != NULL &&
		    ends_up_below(s, &s->v[i], one->f->row.name))
			return true;
	return false;
}

/* What lies above was planned before. */
static int
plan_sending(struct send_renames *s, struct sending *one, struct err *err)
{
	struct run *run = s->pass.run;
	struct rename_there at = {
		.as_it_was = mailbox_is_as_it_was(one->f),
		.free = one->raw_to != NULL &&
		    !is_name_there(s->list, one->raw_to),
		.inside_itself = folder_below(one->one->to,
		    one->f->row.name) != NULL,
		.carried = goes_along_with(s, one),
		.burdened = takes_others_along(s, one),
	};
	int64_t mark, now = renaming_mark(one->one->to);

	if (index_fact_get(run->ix, one->f->row.id, FACT_RENAMING_THERE,
	    &mark, err) == -1)
		return -1;
	at.tried = mark == now && run->past.attempts > 0;
	one->op = rename_send(&at);
	if (run->opt.dry_run)
		return 0;
	return index_fact_set(run->ix, one->f->row.id, FACT_RENAMING_THERE,
	    one->op == RENAME_COPY ? 0 : now, err);
}

static int
plan_work(struct pass *p, struct err *err)
{
	struct send_renames *s = (struct send_renames *)p;
	size_t i;
	int rc = !p->run->opt.dry_run && root_mark(p->run, err) == -1 ? -1 :
	    index_begin(p->run->ix, err);

	for (i = 0; i < s->n && rc == 0; i++)
		rc = plan_sending(s, &s->v[i], err);
	return index_end(p->run->ix, rc, err);
}

static enum task_result
send_begin(struct task *t)
{
	struct send_renames *s = (struct send_renames *)t;
	size_t i;

	s->n = s->renamed->n;
	s->v = xcalloc(s->n + 1, sizeof(*s->v));
	for (i = 0; i < s->n; i++) {
		s->v[i].one = &s->renamed->v[i];
		s->v[i].f = folder_by_id(s->pass.run, s->v[i].one->id);
		s->v[i].raw_to = imap_list_raw_name(s->pass.conn->session,
		    s->v[i].one->to);
	}
	return pass_job(&s->pass, plan_work, send_planned);
}

/* --- it is asked for --- */

/* A dry run renames nothing, and what it would see of both would be wrong. */
static void
leave_alone(const struct send_renames *s)
{
	struct run *run = s->pass.run;
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct folder_renamed *r = s->v[i].one;

		if (s->v[i].op == RENAME_COPY)
			continue;
		folder_by_id(run, r->id)->failed = true;
		folder_named(run, r->to)->failed = true;
		report_note(run, "%s: it is called %s on disk now; a sync "
		    "renames it on the server", s->v[i].f->row.name, r->to);
	}
}

static enum task_result
send_planned(struct task *t)
{
	struct send_renames *s = (struct send_renames *)t;

	if (!s->pass.run->opt.dry_run)
		return task_next(t, send_next);
	leave_alone(s);
	return TASK_DONE;
}

static enum task_result
send_next(struct task *t)
{
	struct send_renames *s = (struct send_renames *)t;
	struct sending *one;

	while (s->at < s->n && s->v[s->at].op != RENAME_SEND)
		s->at++;
	if (s->at == s->n)
		return TASK_DONE;
	one = &s->v[s->at];
	*s->sent = true;
	imap_rename_start(s->pass.conn->session, &one->rename, t,
	    one->f->row.raw, one->raw_to);
	return imap_wait(t, &one->rename, send_answered);
}

/* Those that it would have taken along stay as well. */
static int
forget_marks_work(struct pass *p, struct err *err)
{
	struct send_renames *s = (struct send_renames *)p;
	const struct sending *one = &s->v[s->at];
	size_t i;
	int rc = index_begin_seen(p->run->ix, err);

	for (i = s->at; i < s->n && rc == 0; i++)
		if (i == s->at || ends_up_below(s, one, s->v[i].f->row.name))
			rc = index_fact_set(p->run->ix, s->v[i].f->row.id,
			    FACT_RENAMING_THERE, 0, err);
	return index_end(p->run->ix, rc, err);
}

/* Web mail and phones show a folder, and what lies in it, if they are. */
static void
subscribe_along(struct send_renames *s)
{
	struct imap_session *session = s->pass.conn->session;
	const struct sending *top = &s->v[s->at];
	size_t i;

	for (i = s->at; i < s->n; i++) {
		struct sending *one = &s->v[i];

		if (one != top && (one->op != RENAME_CARRIED ||
		    !ends_up_below(s, top, one->f->row.name)))
			continue;
		one->told = true;
		imap_subscribe_start(session, &one->subscribe, &s->pass.task,
		    one->raw_to);
		imap_unsubscribe_start(session, &one->unsubscribe,
		    &s->pass.task, one->f->row.raw);
	}
}

static enum task_result
send_answered(struct task *t)
{
	struct send_renames *s = (struct send_renames *)t;
	struct sending *one = &s->v[s->at];
	const char *why = imap_refusal(&one->rename);

	if (why != NULL) {
		log_info("%s: %s is called %s on disk; the server does not "
		    "rename it, so what it holds is copied: %s",
		    s->pass.run->conf->name, one->f->row.name, one->one->to,
		    why);
		return pass_job(&s->pass, forget_marks_work, send_settled);
	}
	subscribe_along(s);
	return task_next(t, send_subscribed);
}

/* A server may have no such list; so what it answers is no matter. */
static enum task_result
send_subscribed(struct task *t)
{
	struct send_renames *s = (struct send_renames *)t;
	size_t i;

	for (i = s->at; i < s->n; i++) {
		struct sending *one = &s->v[i];

		if (one->told && !one->subscribe.done)
			return imap_wait(t, &one->subscribe, send_subscribed);
		if (one->told && !one->unsubscribe.done)
			return imap_wait(t, &one->unsubscribe,
			    send_subscribed);
	}
	return task_next(t, send_settled);
}

static enum task_result
send_settled(struct task *t)
{
	((struct send_renames *)t)->at++;
	return task_next(t, send_next);
}

static void
send_finish(struct task *t)
{
	struct send_renames *s = (struct send_renames *)t;
	size_t i;

	for (i = 0; i < s->n; i++) {
		imap_cmd_release(&s->v[i].rename);
		imap_cmd_release(&s->v[i].subscribe);
		imap_cmd_release(&s->v[i].unsubscribe);
		free(s->v[i].raw_to);
	}
	free(s->v);
	pass_end(&s->pass);
}

void
folder_send_renames_start(struct conn *conn, const struct imap_list *list,
    const struct folders_renamed *renamed, bool *sent,
    struct pass_result *out)
{
	struct send_renames *s = xcalloc(1, sizeof(*s));

	s->list = list;
	s->renamed = renamed;
	s->sent = sent;
	s->pass.task.finish = send_finish;
	pass_start(&s->pass, conn, out, "renames", send_begin);
}
