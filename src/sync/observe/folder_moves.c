/*
 * Looks for known folders under other names: UIDVALIDITY as recorded, and the
 * newest known UIDs, whose headers are asked for; or its id (RFC 8474).
 */
#include "observe/folder_moves.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/loss.h"
#include "observe/headers.h"
#include "plan/rename.h"

#define TRIES		4	/* names that are looked at for a folder */
#define NEWEST		64
#define HEADERS_MOST	16

struct seeking {
	struct pass pass;
	const struct imap_list *list;
	struct folder_moves *out;
	struct folder_moves may;	/* all that are to be looked at */
	size_t at;
	const struct folder *folder;	/* of the one in turn */
	struct imap_select look;
	struct headers headers;
	struct rename_likeness like;
};

static enum task_result seek_next(struct task *);
static enum task_result seek_opened(struct task *);
static enum task_result seek_told(struct task *);
static enum task_result seek_judged(struct task *);

void
folder_moves_release(struct folder_moves *m)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		free(m->v[i].was);
	free(m->v);
	*m = (struct folder_moves){ .n = 0 };
}

/* --- which may be which --- */

/* Its name is gone, or another mailbox has it, as far as the numbers tell. */
static bool
is_displaced(const struct folder *f)
{
	const struct imap_folder *l = &f->listed;

	if (!f->inside || f->row.id == 0 || f->row.uidvalidity == 0)
		return false;
	return f->remote_gone || !f->row.remote || (l->has_status &&
	    (l->uidvalidity != f->row.uidvalidity ||
	    l->uidnext < f->row.uidnext));
}

static bool
may_be_it(const struct folder *f, const struct imap_folder *l)
{
	return l->selectable && l->has_status &&
	    l->uidvalidity == f->row.uidvalidity &&
	    l->uidnext >= f->row.uidnext && strcmp(l->raw, f->row.raw) != 0;
}

static const char *
last_level(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash != NULL ? slash + 1 : name;
}

/* How much speaks for it before anybody asks. */
static unsigned
likely(const struct folder *f, const struct imap_folder *l)
{
	unsigned n = 1;

	if (l->uidnext == f->row.uidnext && l->messages == f->row.exists)
		n += 4;
	if (strcmp(last_level(l->name), last_level(f->row.name)) == 0)
		n += 2;
	if (f->row.modseq != 0 && l->modseq == f->row.modseq)
		n++;
	return n;
}

static void
add_best(struct seeking *s, const struct folder *f)
{
	unsigned score[TRIES] = { 0 };
	size_t best[TRIES], n = 0, i, k;

	for (i = 0; i < s->list->n; i++) {
		unsigned now = may_be_it(f, &s->list->folder[i]) ?
		    likely(f, &s->list->folder[i]) : 0;

		for (k = n; now > 0 && k > 0 && score[k - 1] < now; k--) {
			if (k == TRIES)
				continue;
			score[k] = score[k - 1];
			best[k] = best[k - 1];
		}
		if (now == 0 || k == TRIES)
			continue;
		score[k] = now;
		best[k] = i;
		n += n < TRIES;
	}
	for (k = 0; k < n; k++)
		*VEC_ADD(s->may.v, s->may.n, s->may.cap) =
		    (struct folder_move){ .id = f->row.id, .to = best[k] };
}

static enum task_result
seek_begin(struct task *t)
{
	struct seeking *s = (struct seeking *)t;
	const struct run *run = s->pass.run;
	size_t i;

	for (i = 0; i < run->n_folder; i++)
		if (is_displaced(&run->folder[i]) &&
		    run->folder[i].row.raw != NULL)
			add_best(s, &run->folder[i]);
	return task_next(t, seek_next);
}

/* --- one after the other --- */

static bool
is_settled(const struct seeking *s, const struct folder_move *m)
{
	size_t i;

	for (i = 0; i < s->out->n; i++)
		if (s->out->v[i].proven && (s->out->v[i].id == m->id ||
		    s->out->v[i].to == m->to))
			return true;
	return false;
}

static struct folder_move *
in_turn(const struct seeking *s)
{
	return &s->may.v[s->at - 1];
}

static int
newest_work(struct pass *p, struct err *err)
{
	struct seeking *s = (struct seeking *)p;
	struct index_probe probe[NEWEST];
	int i, n = index_newest_ever(p->run->ix, in_turn(s)->id, probe,
	    NEWEST, err);

	for (i = 0; i < n && s->headers.n < HEADERS_MOST; i++)
		if (probe[i].content != 0)
			headers_add(&s->headers, probe[i].uid,
			    probe[i].content);
	return n == -1 ? -1 : 0;
}

static enum task_result
seek_open(struct task *t)
{
	struct seeking *s = (struct seeking *)t;
	struct imap_select_args args = {
		.raw = s->list->folder[in_turn(s)->to].raw, .examine = true,
	};

	imap_select_start(s->pass.conn->session, &s->look, t, &args);
	return imap_wait(t, &s->look.cmd, seek_opened);
}

static enum task_result
seek_next(struct task *t)
{
	struct seeking *s = (struct seeking *)t;

	headers_release(&s->headers);
	imap_select_release(&s->look);
	s->like = (struct rename_likeness){ .found = 0 };
	while (s->at < s->may.n && is_settled(s, &s->may.v[s->at]))
		s->at++;
	if (s->at == s->may.n)
		return TASK_DONE;
	s->at++;
	s->folder = folder_by_id(s->pass.run, in_turn(s)->id);
	if (loss_ends_search(s->pass.run, in_turn(s)->id)) {
		in_turn(s)->unanswered = in_turn(s)->costly = true;
		return task_next(t, seek_judged);
	}
	return pass_job(&s->pass, newest_work, seek_open);
}

static enum task_result
seek_opened(struct task *t)
{
	struct seeking *s = (struct seeking *)t;
	const struct index_folder *row = &s->folder->row;
	const struct imap_box *b = &s->look.box;

	if (imap_refusal(&s->look.cmd) != NULL) {
		in_turn(s)->unanswered = true;
		return task_next(t, seek_judged);
	}
	s->like.ids = row->mailbox_id != NULL && b->mailbox_id != NULL;
	s->like.same_id = s->like.ids &&
	    strcmp(row->mailbox_id, b->mailbox_id) == 0;
	s->like.same_validity = b->uidvalidity == row->uidvalidity;
	if (s->like.ids || !s->like.same_validity || s->headers.n == 0)
		return task_next(t, seek_judged);
	headers_ask(&s->headers, s->pass.conn->session, t);
	return imap_wait(t, &s->headers.fetch.cmd, seek_told);
}

static int
compare_work(struct pass *p, struct err *err)
{
	struct seeking *s = (struct seeking *)p;
	size_t i;

	if (headers_compare(&s->headers, p->run->ix, err) == -1)
		return -1;
	for (i = 0; i < s->headers.n; i++) {
		s->like.found += s->headers.v[i].is != HEADER_UNKNOWN;
		s->like.wrong += s->headers.v[i].is == HEADER_OTHER;
	}
	return 0;
}

static enum task_result
seek_told(struct task *t)
{
	struct seeking *s = (struct seeking *)t;

	in_turn(s)->unanswered = imap_refusal(&s->headers.fetch.cmd) != NULL;
	return pass_job(&s->pass, compare_work, seek_judged);
}

static enum task_result
seek_judged(struct task *t)
{
	struct seeking *s = (struct seeking *)t;
	struct folder_move *m = in_turn(s);

	m->proven = rename_is_proven(&s->like);
	if (m->proven || m->unanswered)
		*VEC_ADD(s->out->v, s->out->n, s->out->cap) = *m;
	return task_next(t, seek_next);
}

static void
seek_finish(struct task *t)
{
	struct seeking *s = (struct seeking *)t;

	if (s->at > 0)
		loss_of_search(s->pass.run, in_turn(s)->id, &t->err);
	headers_release(&s->headers);
	imap_select_release(&s->look);
	folder_moves_release(&s->may);
	pass_end(&s->pass);
}

void
folder_moves_start(struct conn *conn, const struct imap_list *list,
    struct folder_moves *out, struct pass_result *result)
{
	struct seeking *s = xcalloc(1, sizeof(*s));

	s->list = list;
	s->out = out;
	s->pass.task.finish = seek_finish;
	pass_start(&s->pass, conn, result, "folder moves", seek_begin);
}
