/* What the passes over a folder have in common. */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "core/internal.h"
#include "mail/flags.h"

static void
pass_finish(struct task *t)
{
	struct pass *p = (struct pass *)t;

	p->out->done = true;
	if (t->result == TASK_FAIL)
		p->out->err = t->err;
	free(p);
}

/* What the server still sends for a pass that fails or is cancelled is not
 * waited for. */
static void
pass_abort(struct task *t)
{
	conn_cut(((struct pass *)t)->conn);
}

/*
 * p is the first member of the flow's own struct, from malloc. A flow that owns
 * more replaces finish with one that releases it and calls the one found here.
 */
void
pass_start(struct pass *p, struct conn *conn, struct pass_result *out,
    const char *name, task_step *first)
{
	p->a = conn->a;
	p->conn = conn;
	p->out = out;
	*out = (struct pass_result){ .done = false };
	p->task.abort = pass_abort;
	if (p->task.finish == NULL)
		p->task.finish = pass_finish;
	task_start(&p->task, conn->task->loop, conn->task, name, first);
}

void
pass_end(struct pass *p)
{
	pass_finish(&p->task);
}

bool
is_folder_error(const struct err *err)
{
	if (err->kind == ERR_STALE)
		return true;
	if (err->kind != ERR_IO)
		return false;
	switch (err->number) {
	case EACCES:
	case EPERM:
	case ENOTDIR:
	case EISDIR:
	case ELOOP:
	case ENAMETOOLONG:
		return true;
	}
	return false;
}

bool
is_disk_error(const struct err *err)
{
	return err->kind == ERR_IO && (err->number == ENOSPC ||
	    err->number == EDQUOT || err->number == EROFS);
}

bool
is_shortage(const struct err *err)
{
	return err->kind == ERR_IO && (err->number == EMFILE ||
	    err->number == ENFILE || err->number == ENOMEM);
}

bool
is_folder_code(enum imap_code_kind code)
{
	switch (code) {
	case CODE_OVERQUOTA:
	case CODE_NOPERM:
	case CODE_READ_ONLY:
	case CODE_TRYCREATE:
	case CODE_NONEXISTENT:
	case CODE_UNAVAILABLE:
	case CODE_INUSE:
	case CODE_EXPIRED:
	case CODE_PRIVACYREQUIRED:
	case CODE_AUTHORIZATIONFAILED:
	case CODE_CONTACTADMIN:
		return true;
	default:
		return false;
	}
}

void
folder_fail(struct account *a, struct folder *f, const struct err *err)
{
	f->failed = true;
	report_folder_issue(a, f, ITEM_FOLDER, ALL_ROWS,
	    "%s; the folder is left out", err->msg);
}

void
folder_ability(const struct folder *f, struct ability *out)
{
	out->flags = f->row.permanent;
	out->any_keyword = f->row.permanent_any;
	out->keywords = f->row.permanent_keywords != NULL ?
	    f->row.permanent_keywords : "";
}

/* 1: it is not the time for it; 0, -1. */
static int
must_wait(struct pick *k, struct picked *p, struct err *err)
{
	bool waits;

	if (k->failed == ITEM_NOTE)
		return 0;
	if (failed_before(k->account, &p->place, k->failed, &p->tries, &waits,
	    err) == -1)
		return -1;
	if (waits && p->place.uid > k->skipped)
		k->skipped = p->place.uid;
	return waits;
}

int
pick_rows(struct index *ix, struct pick *k, struct picked *out,
    struct err *err)
{
	struct place row[64];
	struct ability can;
	int i, got, n = 0, waits = 0;

	folder_ability(k->folder, &can);
	while (n < k->max && !k->end) {
		got = index_places(ix, PLACES_DIRTY, k->folder->row.id,
		    k->after, row, 64, err);
		if (got < 0) {
			picked_release(out, n);
			return -1;
		}
		k->end = got < 64;
		for (i = 0; i < got; i++) {
			struct picked *p = &out[n];

			if (n == k->max) {	/* for the next time */
				k->end = false;
				place_release(&row[i]);
				continue;
			}
			k->after = row[i].id;
			*p = (struct picked){ .place = row[i] };
			reconcile_message(&p->place, &can, k->expunge,
			    &p->verdict);
			if (waits != -1 && (p->verdict.ops & k->ops))
				waits = must_wait(k, p, err);
			if (waits == 0 && (p->verdict.ops & k->ops))
				n++;
			else
				picked_release(p, 1);
		}
		if (waits == -1) {
			picked_release(out, n);
			return -1;
		}
	}
	return n;
}

void
picked_release(struct picked *p, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		place_release(&p[i].place);
		verdict_release(&p[i].verdict);
	}
}

/* The file is taken at once, so that no second message gets it. */
int
join_known(struct index *ix, struct place *p, struct place *known,
    struct err *err)
{
	if (index_place_drop(ix, known->id, err) == -1)
		return -1;
	free(p->unique);
	free(p->file);
	p->unique = known->unique;
	p->file = known->file;
	p->in_new = known->in_new;
	p->missing = known->missing;
	p->hint = known->hint;
	known->unique = known->file = NULL;
	state_set(&p->local, true, known->local.flags, known->local.keywords);
	p->fetched = FETCHED_FULL;
	return index_place_put(ix, p, err);
}

int
join_local(struct index *ix, struct place *p, struct err *err)
{
	struct place known;
	int rc, found;

	found = index_unpaired_local(ix, p->folder, p->content,
	    p->remote.flags, &known, err);
	if (found != 1)
		return found;
	/* A file that the last look lacked is no proof that it is here. */
	rc = known.missing ? 0 : join_known(ix, p, &known, err) == -1 ? -1 : 1;
	place_release(&known);
	return rc;
}

void
verdict_detail(const struct picked *p, bool local, struct buf *out)
{
	const struct state *is = local ? &p->place.local :
	    &p->place.remote;
	unsigned want = local ? p->verdict.local_flags :
	    p->verdict.remote_flags;
	const char *words = local ? p->verdict.local_keywords :
	    p->verdict.remote_keywords;
	char *add = keywords_less(words, is->keywords);
	char *del = keywords_less(is->keywords, words);
	unsigned bit;

	buf_clear(out);
	for (bit = 1; bit & FLAG_ALL; bit <<= 1)
		if ((want ^ is->flags) & bit)
			buf_addf(out, "%s%c%s", out->len > 0 ? " " : "",
			    want & bit ? '+' : '-', flag_imap_name(bit));
	if (*add != '\0')
		buf_addf(out, "%s+(%s)", out->len > 0 ? " " : "", add);
	if (*del != '\0')
		buf_addf(out, "%s-(%s)", out->len > 0 ? " " : "", del);
	free(add);
	free(del);
}
