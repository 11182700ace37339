/*
 * Holds the index against the server, by one connection, which only reads.
 * EXAMINE; then one FETCH of flags, sizes and dates; then the bodies of the
 * messages whose content is known, some at a time, of which nothing is kept but
 * digests. Nothing else is at work in this process, so the index is read in the
 * steps themselves.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/learned.h"
#include "core/pass.h"
#include "imap/list.h"
#include "index/content.h"
#include "loop/loop.h"
#include "observe/headers.h"
#include "run/inspect_repair.h"
#include "run/inspect_shown.h"
#include "run/login.h"

#define ROWS		64	/* of the index, at a time */
#define ASK_OCTETS	(8u << 20)	/* of bodies, by one command */

struct remote_inspection {
	struct run run;			/* its task, and what logins want */
	struct inspection *in;
	struct account *account;	/* the connection's */
	struct pass_result login;
	struct imap_list list;
	size_t at;			/* of in->folder, the next one */
	struct imap_select select;
	struct imap_fetching listing;
	struct shown_folder shown;
	int64_t begun;			/* behind this row; then those before */
	int64_t after, upto;		/* rows between these are left */
	struct index_verified row[ROWS];
	int n_row, next;		/* of row: the next to be asked for */
	int first;			/* ... and the first that was */
	bool alone;			/* a set of them was refused */
	struct headers bodies;
};

static enum task_result remote_listed(struct task *);
static enum task_result remote_next_folder(struct task *);
static enum task_result remote_opened(struct task *);
static enum task_result remote_shown(struct task *);
static enum task_result remote_rows(struct task *);
static enum task_result remote_ask(struct task *);
static enum task_result remote_fetched(struct task *);

/* --- folders --- */

static enum task_result
remote_begin(struct task *t)
{
	struct remote_inspection *r = (struct remote_inspection *)t;

	login_start(r->account, t, &r->list, &r->login);
	return pass_wait(t, &r->login, remote_listed);
}

static const struct index_folder *
folder_of_raw(const struct inspection *in, const char *raw)
{
	size_t i;

	for (i = 0; i < in->n_folder; i++)
		if (in->folder[i].raw != NULL &&
		    strcmp(in->folder[i].raw, raw) == 0)
			return &in->folder[i];
	return NULL;
}

static bool
list_has_raw(const struct imap_list *list, const char *raw)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->folder[i].selectable &&
		    strcmp(list->folder[i].raw, raw) == 0)
			return true;
	return false;
}

static bool
is_asked(const struct inspection *in, const struct index_folder *f)
{
	return f->remote && f->raw != NULL && inspect_wants_folder(in,
	    f->name);
}

/* INBOX is there whether LIST shows it or not. */
static void
compare_lists(struct remote_inspection *r)
{
	struct inspection *in = r->in;
	size_t i;

	for (i = 0; i < in->n_folder; i++)
		if (is_asked(in, &in->folder[i]) &&
		    strcmp(in->folder[i].name, "INBOX") != 0 &&
		    !list_has_raw(&r->list, in->folder[i].raw))
			inspect_tell(in, V_REMOTE_FOLDER_GONE, &(struct found){
				.folder = in->folder[i].name });
	for (i = 0; i < r->list.n; i++) {
		const struct imap_folder *f = &r->list.folder[i];

		if (f->selectable && inspect_wants_folder(in, f->name) &&
		    folder_of_raw(in, f->raw) == NULL)
			inspect_tell(in, V_REMOTE_FOLDER_NEW, &(struct found){
				.met = f->name });
	}
}

static enum task_result
remote_listed(struct task *t)
{
	struct remote_inspection *r = (struct remote_inspection *)t;

	if (imap_refusal(&r->list.cmd) != NULL)
		return task_fail(t, &r->list.cmd.err);
	r->in->out->online = r->in->fetching = true;
	compare_lists(r);
	return task_next(t, remote_next_folder);
}

static void
folder_done(struct remote_inspection *r)
{
	shown_release(&r->shown);
	imap_select_release(&r->select);
	imap_cmd_release(&r->listing.cmd);
	r->select = (struct imap_select){ .again = false };
	r->listing = (struct imap_fetching){ .rows = 0 };
}

/* One that is not listed was told. */
static enum task_result
remote_next_folder(struct task *t)
{
	struct remote_inspection *r = (struct remote_inspection *)t;
	struct inspection *in = r->in;
	struct imap_select_args args = { .examine = true };
	const struct index_folder *f;

	folder_done(r);
	for (; r->at < in->n_folder && inspect_goes_on(in); r->at++) {
		f = &in->folder[(in->first + r->at) % in->n_folder];
		if (!is_asked(in, f) || (strcmp(f->name, "INBOX") != 0 &&
		    !list_has_raw(&r->list, f->raw)))
			continue;
		r->at++;
		r->shown = (struct shown_folder){ .in = in, .run = &r->run,
		    .folder = f };
		r->upto = INT64_MAX;
		if (inspect_begin_at(in, &r->begun, &t->err) == -1)
			return TASK_FAIL;
		r->after = r->begun;
		args.raw = f->raw;
		imap_select_start(r->account->main.session, &r->select, t,
		    &args);
		return imap_wait(t, &r->select.cmd, remote_opened);
	}
	conn_close(&r->account->main, true);
	return TASK_DONE;
}

static void
remote_row(void *arg, const struct imap_fetch *f)
{
	shown_add(arg, f);
}

static void
remote_tell_folder(struct remote_inspection *r, enum verify_kind kind,
    const char *met)
{
	inspect_tell(r->in, kind, &(struct found){
		.folder = r->shown.folder->name, .met = met });
}

static enum task_result
remote_opened(struct task *t)
{
	struct remote_inspection *r = (struct remote_inspection *)t;
	const char *why = imap_refusal(&r->select.cmd);
	struct uidset all = { .n = 0 };
	struct imap_fetch_args args = {
		.uids = &all, .items = FETCH_FLAGS | FETCH_META,
		.sink = { .arg = &r->shown, .row = remote_row },
	};

	/* 0: no sync has looked at it yet. */
	if (why != NULL || (r->shown.folder->uidvalidity != 0 &&
	    r->select.box.uidvalidity != r->shown.folder->uidvalidity)) {
		remote_tell_folder(r, why != NULL ? V_REMOTE_FOLDER_REFUSED :
		    V_REMOTE_UIDVALIDITY, why);
		return task_next(t, remote_next_folder);
	}
	r->shown.exists = imap_box_exists(r->account->main.session);
	if (r->shown.exists == 0)
		return task_next(t, remote_shown);
	uidset_add_range(&all, 1, UINT32_MAX);
	imap_fetch_start(r->account->main.session, &r->listing, t, &args);
	uidset_release(&all);
	return imap_wait(t, &r->listing.cmd, remote_shown);
}

static enum task_result
remote_shown(struct task *t)
{
	struct remote_inspection *r = (struct remote_inspection *)t;
	const char *why = r->listing.cmd.done ? imap_refusal(
	    &r->listing.cmd) : NULL;

	if (why != NULL) {
		remote_tell_folder(r, V_REMOTE_FOLDER_REFUSED, why);
		return task_next(t, remote_next_folder);
	}
	shown_seal(&r->shown);
	if (!r->shown.listed)
		remote_tell_folder(r, V_REMOTE_COUNT, NULL);
	return task_next(t, remote_rows);
}

/* --- rows --- */

static void
release_rows(struct remote_inspection *r)
{
	while (r->n_row > 0)
		place_release(&r->row[--r->n_row].place);
	r->next = r->first = 0;
}

static bool
is_to_judge(const struct remote_inspection *r, const struct index_verified *v)
{
	return v->sum_right && v->place.uid != 0 && inspect_wants(r->in,
	    r->shown.folder->name, v->place.unique, v->place.uid);
}

/* Its body is asked for, and judged with what is shown of it. */
static bool
has_body(const struct remote_inspection *r, const struct index_verified *v)
{
	return v->place.remote.present && v->place.content != 0 &&
	    v->has_content && shown_find(&r->shown, v->place.uid) != NULL;
}

/* Each row's UID is known, whichever part it is in. */
static int
meet_row(struct remote_inspection *r, const struct index_verified *v,
    struct err *err)
{
	shown_mark(&r->shown, v->place.uid);
	return is_to_judge(r, v) && !has_body(r, v) ? shown_judge(&r->shown,
	    &v->place, OCTETS_UNKNOWN, err) : 0;
}

static enum task_result
remote_rows(struct task *t)
{
	struct remote_inspection *r = (struct remote_inspection *)t;
	const struct index_verify_stream rows = { r->shown.folder->id,
	    r->after, r->upto };
	int i;

	release_rows(r);
	if (r->in->out->stopped)
		return task_next(t, remote_next_folder);
	r->n_row = index_verify_rows(r->in->account->ix, &rows, r->row, ROWS,
	    &t->err);
	if (r->n_row == -1) {
		r->n_row = 0;
		return TASK_FAIL;
	}
	for (i = 0; i < r->n_row; i++)
		if (meet_row(r, &r->row[i], &t->err) == -1)
			return TASK_FAIL;
	if (r->n_row == 0 && r->upto != r->begun) {
		r->after = 0;
		r->upto = r->begun;
		return task_next(t, remote_rows);
	}
	if (r->n_row == 0) {
		if (shown_judge_unknown(&r->shown) && repair_folder(r->in,
		    r->shown.folder->id, V_REMOTE_UNKNOWN, &t->err) == -1)
			return TASK_FAIL;
		return task_next(t, remote_next_folder);
	}
	r->after = r->row[r->n_row - 1].id;
	return task_next(t, remote_ask);
}

/* The next rows, until enough bodies are asked for. */
static enum task_result
remote_ask(struct task *t)
{
	struct remote_inspection *r = (struct remote_inspection *)t;
	uint64_t octets = 0;

	headers_release(&r->bodies);
	r->first = r->next;
	for (; r->next < r->n_row && octets < ASK_OCTETS &&
	    !(r->alone && r->bodies.n > 0); r->next++) {
		const struct index_verified *v = &r->row[r->next];

		if (!is_to_judge(r, v) || !has_body(r, v) ||
		    !inspect_goes_on(r->in))
			continue;
		headers_add(&r->bodies, v->place.uid, v->place.content);
		octets += shown_find(&r->shown, v->place.uid)->size;
	}
	if (r->bodies.n == 0)
		return task_next(t, r->next == r->n_row ? remote_rows :
		    remote_ask);
	if (r->run.learned.rewrites)
		headers_ask(&r->bodies, r->account->main.session, t);
	else
		headers_ask_whole(&r->bodies, r->account->main.session, t);
	return imap_wait(t, &r->bodies.fetch.cmd, remote_fetched);
}

/* --- bodies --- */

static const struct header *
body_of(const struct remote_inspection *r, uint32_t uid)
{
	size_t i;

	for (i = 0; i < r->bodies.n; i++)
		if (r->bodies.v[i].uid == uid)
			return &r->bodies.v[i];
	return NULL;
}

/* Of a server that rewrites, the fields of the header that stay count. */
static int
compare_body(struct remote_inspection *r, const struct header *h,
    enum verify_octets *out, struct err *err)
{
	struct index *ix = r->in->account->ix;
	struct index_content c;
	bool same = true;
	int found;

	/* Expunged meanwhile, or refused. */
	*out = imap_box_exists(r->account->main.session) < r->shown.exists ?
	    OCTETS_UNKNOWN : OCTETS_REFUSED;
	if (!h->got)
		return 0;
	r->in->out->bodies++;
	if (!r->run.learned.rewrites) {
		if (index_content_is(ix, h->content, &h->fp, &same, err) == -1)
			return -1;
	} else {
		found = index_content_by_id(ix, h->content, &c, err);
		if (found == -1)
			return -1;
		same = found == 0 || header_is_of(&h->fp, &c);
	}
	*out = same ? OCTETS_SAME : OCTETS_OTHER;
	return 0;
}

static enum task_result
remote_fetched(struct task *t)
{
	struct remote_inspection *r = (struct remote_inspection *)t;
	enum verify_octets octets;
	int i;

	if (imap_refusal(&r->bodies.fetch.cmd) != NULL && r->bodies.n > 1) {
		r->alone = true;
		r->next = r->first;
		return task_next(t, remote_ask);
	}
	for (i = r->first; i < r->next; i++) {
		const struct header *h = body_of(r, r->row[i].place.uid);

		if (h != NULL && (compare_body(r, h, &octets, &t->err) == -1 ||
		    shown_judge(&r->shown, &r->row[i].place, octets,
		    &t->err) == -1 || (octets == OCTETS_SAME &&
		    !r->run.learned.rewrites && repair_file(r->in,
		    r->shown.folder, r->row[i].place.id, &t->err) == -1)))
			return TASK_FAIL;
	}
	return task_next(t, r->next == r->n_row ? remote_rows : remote_ask);
}

/* --- beginning and end --- */

static void
remote_abort(struct task *t)
{
	conn_cut(&((struct remote_inspection *)t)->account->main);
}

/* The account ends with it: it waits to be closed. */
static void
remote_finish(struct task *t)
{
	struct remote_inspection *r = (struct remote_inspection *)t;

	conn_cut(&r->account->main);
	release_rows(r);
	headers_release(&r->bodies);
	folder_done(r);
	imap_list_release(&r->list);
	r->account->ix = NULL;
	r->account->run = NULL;
	r->account->main.task = &r->account->task;
	task_wake(&r->account->task);
}

static int
load_learned(struct remote_inspection *r, struct err *err)
{
	struct account *a = r->account;

	return learned_load(&r->run, err) == -1 ? -1 :
	    index_get(a->ix, "namespace", &a->known_namespace, err);
}

int
inspect_remote(struct inspection *in, struct err *err)
{
	struct remote_inspection *r = xcalloc(1, sizeof(*r));
	struct loop *loop = loop_new();
	struct account *a = sync_open(loop, in->account->conf,
	    in->account->state_dir);
	int rc;

	a->ix = in->account->ix;
	r->in = in;
	r->account = a;
	r->run = (struct run){ .account = a, .conf = a->conf, .ix = a->ix,
	    .md = &a->md };
	rc = load_learned(r, err);
	a->run = &r->run;
	a->main.task = &r->run.task;
	r->run.task.abort = remote_abort;
	r->run.task.finish = remote_finish;
	if (rc == 0)
		task_start(&r->run.task, loop, &a->task, a->conf->name,
		    remote_begin);
	else
		remote_finish(&r->run.task);
	sync_close(a);
	loop_run(loop);
	if (rc == 0 && r->run.task.result == TASK_FAIL) {
		*err = r->run.task.err;
		rc = -1;
	}
	sync_free(a);
	loop_free(loop);
	free(r);
	return rc;
}
