/*
 * Looks for known folders under other names: UIDVALIDITY as recorded, and the
 * newest known UIDs, whose headers are asked for; or its id (RFC 8474). Where
 * its name has another UIDVALIDITY, and so has everything that is renamed there
 * (Courier), the newest known messages, whatever their UIDs are now.
 *
 * A folder may be at home even so: under its own name it is looked for first,
 * and so is a folder whose name may be another one's now. Where all folders
 * have one UIDVALIDITY, nothing else tells them apart.
 */
#include "observe/folder_moves.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "core/loss.h"
#include "index/fact.h"
#include "observe/headers.h"
#include "plan/rename.h"

#define TRIES		4	/* names that are looked at for a folder */
#define NEWEST		64
#define HEADERS_MOST	16
#define HEADERS_FEW	4	/* where all numbers are what they were */
#define HELD_MOST	8	/* where all of them are numbered anew */

/* What is to be looked at, in this order. */
struct candidate {
	int64_t id;		/* of the known folder */
	size_t to;		/* where it may be, in the list */
	bool home;		/* that is its own name */
	bool by_content;	/* its UIDs mean nothing there */
	bool settled;		/* that is where it is */
};

struct seeking {
	struct pass pass;
	const struct imap_list *list;
	struct folder_moves *out;
	struct candidate *may;
	size_t n_may, cap_may;
	size_t at;
	const struct folder *folder;	/* of the one in turn */
	bool unanswered;
	/* Index lane: what it held, where UIDs mean nothing. */
	struct index_content held[HELD_MOST];
	size_t n_held;
	const struct folder **holder;	/* of each name in the list; NULL */
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

int64_t
renaming_mark(const char *name)
{
	return (int64_t)(fnv1a(FNV1A_START, name, strlen(name)) >> 1) | 1;
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

/* Its name is gone or has another UIDVALIDITY, and so has it, if that is it. */
static bool
may_be_it_anew(const struct seeking *s, const struct folder *f,
    const struct imap_folder *l)
{
	const struct folder *holder = s->holder[l - s->list->folder];

	if ((!f->remote_gone && (!f->row.remote || !f->listed.has_status ||
	    f->listed.uidvalidity == f->row.uidvalidity)) ||
	    f->row.mailbox_id != NULL || f->row.exists == 0 ||
	    !l->selectable || !l->has_status || l->messages == 0 ||
	    l->uidvalidity == f->row.uidvalidity ||
	    strcmp(l->raw, f->row.raw) == 0)
		return false;
	return holder == NULL || holder->row.uidvalidity != l->uidvalidity;
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

static bool
is_looked_for(const struct seeking *s, int64_t id)
{
	size_t i;

	for (i = 0; i < s->n_may; i++)
		if (s->may[i].id == id)
			return true;
	return false;
}

static void
add_candidate(struct seeking *s, const struct folder *f, size_t to, bool home)
{
	*VEC_ADD(s->may, s->n_may, s->cap_may) = (struct candidate){
		.id = f->row.id, .to = to, .home = home,
		.by_content = s->list->folder[to].uidvalidity !=
		    f->row.uidvalidity,
	};
}

/* Who may still have that name is asked there first. */
static void
add_holder(struct seeking *s, size_t to)
{
	const struct folder *holder = s->holder[to];

	if (holder != NULL && holder->row.uidvalidity ==
	    s->list->folder[to].uidvalidity && holder->row.exists > 0 &&
	    holder->row.mailbox_id == NULL && !is_looked_for(s,
	    holder->row.id) && !is_displaced(holder))
		add_candidate(s, holder, to, true);
}

static void
add_best(struct seeking *s, const struct folder *f)
{
	unsigned score[TRIES] = { 0 };
	size_t best[TRIES], n = 0, i, k;

	for (i = 0; i < s->list->n; i++) {
		const struct imap_folder *l = &s->list->folder[i];
		unsigned now = may_be_it(f, l) || may_be_it_anew(s, f, l) ?
		    likely(f, l) : 0;

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
	for (k = 0; k < n; k++) {
		add_holder(s, best[k]);
		add_candidate(s, f, best[k], false);
	}
}

/* It was only numbered anew, as far as that can be; or nothing was. */
static void
add_home(struct seeking *s, const struct folder *f)
{
	size_t i;

	if (f->remote_gone || !f->row.remote || f->row.exists == 0 ||
	    f->row.mailbox_id != NULL || f->listed.messages == 0)
		return;
	for (i = 0; i < s->list->n; i++)
		if (s->holder[i] == f)
			add_candidate(s, f, i, true);
}

static int
by_raw(const void *x, const void *y)
{
	const struct folder *const *a = x, *const *b = y;

	return strcmp((*a)->row.raw, (*b)->row.raw);
}

static int
raw_of(const void *raw, const void *x)
{
	const struct folder *const *f = x;

	return strcmp(raw, (*f)->row.raw);
}

/* Whose names those are, as far as it was known before. */
static void
find_holders(struct seeking *s)
{
	const struct run *run = s->pass.run;
	const struct folder **known = xcalloc(run->n_folder + 1,
	    sizeof(*known)), **found;
	size_t i, n = 0;

	for (i = 0; i < run->n_folder; i++)
		if (run->folder[i].row.uidvalidity != 0 &&
		    run->folder[i].row.raw != NULL)
			known[n++] = &run->folder[i];
	qsort(known, n, sizeof(*known), by_raw);
	s->holder = xcalloc(s->list->n + 1, sizeof(*s->holder));
	for (i = 0; i < s->list->n; i++) {
		found = bsearch(s->list->folder[i].raw, known, n,
		    sizeof(*known), raw_of);
		s->holder[i] = found == NULL ? NULL : *found;
	}
	free(known);
}

/* Those that are not where they were; where that has another UIDVALIDITY, there
 * is nothing to ask for as long as no other name may be theirs. */
static void
add_displaced(struct seeking *s, const struct folder *f)
{
	size_t n = s->n_may;

	if (f->listed.uidvalidity != f->row.uidvalidity)
		add_home(s, f);
	if (s->n_may == n) {
		add_best(s, f);
		return;
	}
	n = s->n_may;
	add_best(s, f);
	if (s->n_may == n)
		s->n_may--;
}

static bool
shares_validity(const struct run *run, const struct folder *f)
{
	size_t i;

	for (i = 0; i < run->n_folder; i++)
		if (&run->folder[i] != f && run->folder[i].row.uidvalidity ==
		    f->row.uidvalidity)
			return true;
	return false;
}

static enum task_result
seek_begin(struct task *t)
{
	struct seeking *s = (struct seeking *)t;
	const struct run *run = s->pass.run;
	size_t i;

	find_holders(s);
	for (i = 0; i < run->n_folder; i++) {
		const struct folder *f = &run->folder[i];

		if (f->row.raw == NULL)
			continue;
		if (is_displaced(f))
			add_displaced(s, f);
		else if (run->seeks_all && f->inside && f->row.id != 0 &&
		    f->row.uidvalidity != 0 && shares_validity(run, f))
			add_home(s, f);
	}
	return task_next(t, seek_next);
}

/* --- one after the other --- */

static bool
is_settled(const struct seeking *s, const struct candidate *c)
{
	size_t i;

	for (i = 0; i < s->at; i++)
		if (s->may[i].settled && (s->may[i].id == c->id ||
		    s->may[i].to == c->to))
			return true;
	return false;
}

static struct candidate *
in_turn(const struct seeking *s)
{
	return &s->may[s->at - 1];
}

/* What lies under the highest UIDs there, and came before what is new. */
static void
ask_newest(struct seeking *s)
{
	const struct imap_folder *l = &s->list->folder[in_turn(s)->to];
	const uint64_t next = l->uidnext, had = s->folder->row.exists;
	uint64_t most = HELD_MOST + (l->messages > had ? l->messages - had : 0);
	uint64_t uid;

	if (most > NEWEST)
		most = NEWEST;
	for (uid = next > most ? next - most : 1; uid < next &&
	    uid <= UINT32_MAX; uid++)
		headers_add(&s->headers, (uint32_t)uid, 0);
}

/* A run was about to give it that name: then the number is enough. */
static int
know_own(struct seeking *s, struct err *err)
{
	const struct imap_folder *l = &s->list->folder[in_turn(s)->to];
	int64_t mark;

	if (index_fact_get(s->pass.run->ix, in_turn(s)->id,
	    FACT_RENAMING_THERE, &mark, err) == -1)
		return -1;
	s->like.own = !in_turn(s)->home && mark == renaming_mark(l->name);
	s->like.same_validity = l->uidvalidity == s->folder->row.uidvalidity;
	return 0;
}

static size_t
how_many(const struct seeking *s)
{
	const struct imap_folder *l = &s->list->folder[in_turn(s)->to];
	const struct index_folder *row = &s->folder->row;

	return !in_turn(s)->home && l->uidnext == row->uidnext &&
	    l->messages == row->exists ? HEADERS_FEW : HEADERS_MOST;
}

static int
newest_work(struct pass *p, struct err *err)
{
	struct seeking *s = (struct seeking *)p;
	struct index_probe probe[NEWEST];
	int i, rc = know_own(s, err), n = rc == -1 ? -1 : index_newest_ever(
	    p->run->ix, in_turn(s)->id, probe, NEWEST, err);

	s->n_held = 0;
	for (i = 0; i < n && rc != -1; i++) {
		if (probe[i].content == 0)
			continue;
		if (!in_turn(s)->by_content) {
			if (s->headers.n < how_many(s))
				headers_add(&s->headers, probe[i].uid,
				    probe[i].content);
			continue;
		}
		if (s->n_held == HELD_MOST)
			break;
		rc = index_content_by_id(p->run->ix, probe[i].content,
		    &s->held[s->n_held], err);
		s->n_held += rc == 1;
	}
	if (s->n_held > 0)
		ask_newest(s);
	return n == -1 || rc == -1 ? -1 : 0;
}

static enum task_result
seek_open(struct task *t)
{
	struct seeking *s = (struct seeking *)t;
	struct imap_select_args args = {
		.raw = s->list->folder[in_turn(s)->to].raw, .examine = true,
	};

	if (s->like.own && s->like.same_validity)
		return task_next(t, seek_judged);
	imap_select_start(s->pass.conn->session, &s->look, t, &args);
	return imap_wait(t, &s->look.cmd, seek_opened);
}

static struct folder_move *
note_move(struct seeking *s, bool costly)
{
	struct folder_move *m = VEC_ADD(s->out->v, s->out->n, s->out->cap);

	*m = (struct folder_move){ .id = in_turn(s)->id, .to = in_turn(s)->to,
	    .unanswered = true, .costly = costly };
	return m;
}

static enum task_result
seek_next(struct task *t)
{
	struct seeking *s = (struct seeking *)t;

	headers_release(&s->headers);
	imap_select_release(&s->look);
	s->like = (struct rename_likeness){ .found = 0 };
	s->unanswered = false;
	while (s->at < s->n_may && is_settled(s, &s->may[s->at]))
		s->at++;
	if (s->at == s->n_may)
		return TASK_DONE;
	s->at++;
	s->folder = folder_by_id(s->pass.run, in_turn(s)->id);
	if (loss_ends_search(s->pass.run, in_turn(s)->id)) {
		note_move(s, true);
		return task_next(t, seek_next);
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
		s->unanswered = true;
		return task_next(t, seek_judged);
	}
	s->like.ids = row->mailbox_id != NULL && b->mailbox_id != NULL;
	s->like.same_id = s->like.ids &&
	    strcmp(row->mailbox_id, b->mailbox_id) == 0;
	s->like.same_validity = b->uidvalidity == row->uidvalidity;
	s->like.by_content = in_turn(s)->by_content;
	if (s->like.ids || s->headers.n == 0 || (!s->like.same_validity &&
	    !s->like.by_content))
		return task_next(t, seek_judged);
	headers_ask(&s->headers, s->pass.conn->session, t);
	return imap_wait(t, &s->headers.fetch.cmd, seek_told);
}

static bool
is_among(const struct headers *h, const struct index_content *c)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		if (h->v[i].got && header_is_of(&h->v[i].fp, c))
			return true;
	return false;
}

static int
compare_work(struct pass *p, struct err *err)
{
	struct seeking *s = (struct seeking *)p;
	size_t i;

	s->like.found = s->n_held;
	for (i = 0; i < s->n_held; i++)
		s->like.wrong += !is_among(&s->headers, &s->held[i]);
	if (in_turn(s)->by_content)
		return 0;
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

	s->unanswered = imap_refusal(&s->headers.fetch.cmd) != NULL;
	return pass_job(&s->pass, compare_work, seek_judged);
}

/* Its name was not known to be another one's; now it is. */
static void
oust(struct seeking *s)
{
	struct folder_move *m = note_move(s, false);

	m->unanswered = false;
	m->ousted = true;
	add_best(s, s->folder);
}

static void
note_proven(struct seeking *s)
{
	struct folder_move *m = note_move(s, false);

	m->proven = true;
	m->own = s->like.own;
}

static enum task_result
seek_judged(struct task *t)
{
	struct seeking *s = (struct seeking *)t;
	struct candidate *c = in_turn(s);

	c->settled = rename_is_proven(&s->like);
	if (s->unanswered)
		note_move(s, false);
	else if (c->home && !c->settled && !c->by_content)
		oust(s);
	else if (!c->home && c->settled)
		note_proven(s);
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
	free(s->may);
	free(s->holder);
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
