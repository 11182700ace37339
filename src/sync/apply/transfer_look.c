/*
 * Sees whether copies that the server said it made are there (design section 4,
 * rule 6): a row has to show each with its size before its source may go.
 *
 *	server		EXAMINE	the folder that they went to
 *			FETCH	size, from the first UID that they can have
 *	index lane		which shows what (plan/copied.h)
 *	server		SELECT	the folder that they came from
 */
#include <stdlib.h>
#include <string.h>

#include "apply/transfer.h"
#include "base/mem.h"
#include "core/folder.h"
#include "core/report.h"
#include "imap/box.h"
#include "index/place.h"
#include "plan/copied.h"
#include "plan/upload.h"

struct looking {
	struct pass pass;
	struct transfers *transfers;
	struct imap_select there, back;
	struct imap_fetching fetch;
	uint32_t first, next;	/* the lowest UID to look at; UIDNEXT */
	struct uidset uids;	/* of these: */
	struct copied_row *row;
	size_t n, cap;
};

static enum task_result look_opened(struct task *);
static enum task_result look_back(struct task *);
static enum task_result look_is_back(struct task *);

/* --- what is there --- */

static void
look_row(void *arg, const struct imap_fetch *f)
{
	struct looking *l = arg;
	size_t i;

	if (f->uid < l->first)
		return;
	if (!uidset_has(&l->uids, f->uid)) {
		uidset_add(&l->uids, f->uid);
		*VEC_ADD(l->row, l->n, l->cap) = (struct copied_row){
			.uid = f->uid
		};
	}
	for (i = l->n - 1; l->row[i].uid != f->uid; i--)
		;
	if (f->has_size)
		l->row[i].size = f->size;
}

static void
find_first(struct looking *l)
{
	const struct transfers *t = l->transfers;
	int i;

	l->first = UINT32_MAX;
	for (i = 0; i < t->n; i++) {
		uint32_t uid = transfer_first_uid(&t->v[i].intent,
		    l->there.box.uidvalidity);

		if (t->v[i].state == TRANSFER_SENT && uid < l->first)
			l->first = uid > 0 ? uid : 1;
	}
}

static enum task_result
look_begin(struct task *t)
{
	struct looking *l = (struct looking *)t;
	struct imap_select_args args = {
		.raw = l->transfers->trash->row.raw, .examine = true,
	};

	imap_select_start(l->pass.conn->session, &l->there, t, &args);
	return imap_wait(t, &l->there.cmd, look_opened);
}

static enum task_result
look_refused(struct looking *l, const char *why)
{
	l->transfers->why = xstrdup(why);
	return task_next(&l->pass.task, look_back);
}

static enum task_result
look_opened(struct task *t)
{
	struct looking *l = (struct looking *)t;
	const char *why = imap_refusal(&l->there.cmd);
	struct uidset uids = { .n = 0 };
	struct imap_fetch_args args = {
		.uids = &uids, .items = FETCH_META,
		.sink = { .arg = l, .row = look_row },
	};

	if (why != NULL)
		return look_refused(l, why);
	find_first(l);
	uidset_add_range(&uids, l->first, UINT32_MAX);
	imap_fetch_start(l->pass.conn->session, &l->fetch, t, &args);
	uidset_release(&uids);
	return imap_wait(t, &l->fetch.cmd, look_back);
}

/* --- what it is --- */

/* What was pulled is known by its content, which is another's. And what shows
 * another copy is taken. */
static int
leave_known_out(struct looking *l, struct err *err)
{
	const int64_t id = l->transfers->trash->row.id;
	struct index *ix = l->pass.run->ix;
	struct index_intent *open;
	size_t i, k, n;
	int found = 0;

	if (index_intents(ix, id, &open, &n, err) == -1)
		return -1;
	for (i = 0; i < l->n && found != -1; i++) {
		struct copied_row *r = &l->row[i];
		struct place p;

		for (k = 0; k < n; k++)
			r->taken |= open[k].shown && open[k].copy == r->uid;
		found = index_place_by_uid(ix, id, r->uid, &p, err);
		if (found != 1)
			continue;
		r->taken |= p.content != 0 &&
		    l->transfers->trash->row.uidvalidity ==
		    l->there.box.uidvalidity;
		place_release(&p);
	}
	free(open);
	return found == -1 ? -1 : 0;
}

/* OK, and no copy. */
static int
miss(struct looking *l, struct transfer *t, struct err *err)
{
	struct index_intent *in = &t->intent;
	const bool first = !in->missed;

	if (!first && upload_lacking(in->copy != 0 ? in->copy : UINT32_MAX,
	    l->next, in->again) == UPLOAD_AGAIN) {
		in->again = true;
		in->answered = in->missed = false;
		in->copy = 0;
		t->state = TRANSFER_FRESH;
		return index_intent_put(l->pass.run->ix, in, err);
	}
	in->missed = true;
	return first ? index_intent_put(l->pass.run->ix, in, err) : 0;
}

static int
take_found(struct looking *l, struct transfer *t,
    const struct copied_source *s, struct err *err)
{
	if (s->uid != 0)
		return transfer_shown(l->pass.run, t,
		    l->there.box.uidvalidity, s->uid, err);
	return s->doubtful ? 0 : miss(l, t, err);
}

static int
find_shown(struct looking *l, struct copied_source *s, struct err *err)
{
	struct transfers *t = l->transfers;
	const uint64_t validity = l->there.box.uidvalidity;
	int i, rc = leave_known_out(l, err);

	for (i = 0; i < t->n; i++)
		s[i] = (struct copied_source){
			.sought = t->v[i].state == TRANSFER_SENT,
			.size = t->v[i].place->size,
			.told = t->v[i].intent.copy,
			.first = transfer_first_uid(&t->v[i].intent, validity),
		};
	copied_find(l->row, l->n, s, (size_t)t->n,
	    !l->pass.run->learned.sizes_vary);
	for (i = 0; i < t->n && rc == 0; i++)
		if (s[i].sought)
			rc = take_found(l, &t->v[i], &s[i], err);
	return rc;
}

static int
find_work(struct pass *p, struct err *err)
{
	struct looking *l = (struct looking *)p;
	struct copied_source *s = xcalloc((size_t)l->transfers->n + 1,
	    sizeof(*s));
	int rc = index_begin(p->run->ix, err);

	if (rc == 0)
		rc = find_shown(l, s, err);
	free(s);
	return index_end(p->run->ix, rc, err);
}

/* --- and back --- */

static enum task_result
look_judged(struct task *t)
{
	struct looking *l = (struct looking *)t;
	struct imap_select_args args = { .raw = l->pass.folder->row.raw };

	imap_select_start(l->pass.conn->session, &l->back, t, &args);
	return imap_wait(t, &l->back.cmd, look_is_back);
}

/* What others put there meanwhile is not taken for ours the next time. */
static void
move_on(struct looking *l)
{
	struct folder *to = l->transfers->trash;
	size_t i;

	l->next = l->there.box.uidnext;
	for (i = 0; i < l->n; i++)
		if (l->row[i].uid >= l->next && l->row[i].uid < UINT32_MAX)
			l->next = l->row[i].uid + 1;
	if (l->there.box.uidvalidity == to->row.uidvalidity &&
	    l->next > to->transferred_next)
		to->transferred_next = l->next;
}

static enum task_result
look_back(struct task *t)
{
	struct looking *l = (struct looking *)t;
	struct transfers *all = l->transfers;
	const char *why = all->why == NULL ? imap_refusal(&l->fetch.cmd) :
	    NULL;

	if (why != NULL)
		all->why = xstrdup(why);
	if (all->why != NULL)
		return task_next(t, look_judged);
	move_on(l);
	return pass_job(&l->pass, find_work, look_judged);
}

static enum task_result
look_is_back(struct task *t)
{
	struct looking *l = (struct looking *)t;
	struct folder *f = l->pass.folder;
	const char *why = imap_refusal(&l->back.cmd);

	if (why == NULL && l->back.box.uidvalidity != f->row.uidvalidity)
		why = "it is another folder now";
	if (why == NULL)
		return TASK_DONE;
	f->failed = true;
	report_folder_issue(l->pass.run, f, ITEM_FOLDER, ALL_ROWS,
	    "%s; the folder is left out", why);
	return TASK_DONE;
}

static void
look_finish(struct task *t)
{
	struct looking *l = (struct looking *)t;

	imap_select_release(&l->there);
	imap_select_release(&l->back);
	imap_cmd_release(&l->fetch.cmd);
	uidset_release(&l->uids);
	free(l->row);
	pass_end(&l->pass);
}

void
transfer_look_start(struct pass *pass, struct transfers *transfers,
    struct pass_result *out)
{
	struct looking *l = xcalloc(1, sizeof(*l));

	l->transfers = transfers;
	free(transfers->why);
	transfers->why = NULL;
	l->pass.task.finish = look_finish;
	pass_start_within(&l->pass, pass, out, "look for copies", look_begin);
}
