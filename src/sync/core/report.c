/* Tells what a run does: operations, progress, notes and issues. */
#include "core/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/pick.h"
#include "core/run.h"
#include "mail/flags.h"

#define ISSUES_MOST	1000	/* kept of one run; of more, the number */
#define SENTENCE_MAX	1000

/* --- operations and progress --- */

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
	case SYNC_MOVE_REMOTE:
		r->pushed.moved++;
		break;
	case SYNC_COPY_REMOTE:
		r->pushed.copied++;
		break;
	case SYNC_MAKE_LOCAL:
	case SYNC_DROP_LOCAL:
	case SYNC_RENAME_LOCAL:
		r->pulled.folders++;
		break;
	case SYNC_MAKE_REMOTE:
	case SYNC_DROP_REMOTE:
	case SYNC_RENAME_REMOTE:
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
		[SYNC_MOVE_REMOTE] = "move-remote",
		[SYNC_COPY_REMOTE] = "copy-remote",
		[SYNC_MAKE_LOCAL] = "make-local",
		[SYNC_MAKE_REMOTE] = "make-remote",
		[SYNC_DROP_LOCAL] = "drop-local",
		[SYNC_DROP_REMOTE] = "drop-remote",
		[SYNC_RENAME_LOCAL] = "rename-local",
		[SYNC_RENAME_REMOTE] = "rename-remote",
	};

	return names[op];
}

static void
tell_done(struct run *run, const struct sync_done *done)
{
	const struct sync_callbacks *cb = &run->report.cb;

	count_done(&run->report.result, done->op);
	run->past.progress++;
	if (cb->done != NULL)
		cb->done(cb->arg, run->conf->name, done);
}

void
report_done(struct run *run, enum sync_op op, const struct folder *f,
    const struct place *p, const char *detail)
{
	struct sync_done done = {
		.op = op, .folder = f->row.name, .detail = detail,
	};

	if (p != NULL) {
		done.uid = p->uid;
		done.unique = p->unique;
	}
	tell_done(run, &done);
}

void
report_picked(struct run *run, enum sync_op op, const struct folder *f,
    const struct picked *p, const char *detail)
{
	const struct sync_done done = {
		.op = op, .folder = f->row.name, .detail = detail,
		.uid = p->place.uid, .unique = p->place.unique,
		.subject = p->subject, .sender = p->sender,
	};

	tell_done(run, &done);
}

void
report_progress(struct run *run, const struct folder *f, const char *what,
    uint64_t done, uint64_t total)
{
	const struct sync_callbacks *cb = &run->report.cb;
	char text[300];

	if (cb->progress == NULL)
		return;
	snprintf(text, sizeof(text), "%s%s%s", f != NULL ? f->row.name : "",
	    f != NULL ? ": " : "", what);
	cb->progress(cb->arg, run->conf->name, text, done, total);
}

void
verdict_detail(const struct picked *p, bool local, struct buf *out)
{
	const struct state *is = local ? &p->place.local : &p->place.remote;
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

/* --- notes and issues --- */

static void
tell_note(struct run *run, const char *text)
{
	const struct sync_callbacks *cb = &run->report.cb;

	if (cb->note != NULL)
		cb->note(cb->arg, run->conf->name, text);
}

void
report_note(struct run *run, const char *fmt, ...)
{
	char text[SENTENCE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tell_note(run, text);
}

/* A later word on the same matter replaces the first. */
static struct issue *
find_issue(struct report *r, const struct issue *n, const char *text)
{
	size_t i;

	for (i = 0; i < r->n_issue; i++)
		if (r->issue[i].kind == n->kind &&
		    r->issue[i].folder == n->folder && (n->kind != ITEM_NOTE ||
		    strcmp(r->issue[i].text, text) == 0))
			return &r->issue[i];
	return NULL;
}

/* When the issues are sealed, the sentence is at least told. */
static void
add_issue(struct run *run, struct issue *n, const char *text)
{
	struct report *r = &run->report;
	struct issue *same = r->sealed ? NULL : find_issue(r, n, text);

	if (same != NULL) {
		free(same->text);
		same->text = xstrdup(text);
		same->rows = n->rows;
		same->all_rows = n->all_rows;
		same->wait = same->kept = false;
		return;
	}
	if (r->n_issue < ISSUES_MOST && !r->sealed) {
		n->text = xstrdup(text);
		n->item = (struct sync_item){ .due = true };
		if (n->folder != SIZE_MAX)
			n->item.folder = run->folder[n->folder].row.name;
		*VEC_ADD(r->issue, r->n_issue, r->cap_issue) = *n;
		return;
	}
	r->unlisted++;
	if (r->sealed)
		tell_note(run, text);
}

void
report_issue(struct run *run, const char *fmt, ...)
{
	struct issue n = { .kind = ITEM_NOTE, .folder = SIZE_MAX };
	char text[SENTENCE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add_issue(run, &n, text);
}

void
report_account_issue(struct run *run, enum index_item_kind kind,
    const char *text)
{
	struct issue n = { .kind = kind, .folder = SIZE_MAX };

	add_issue(run, &n, text);
}

void
report_folder_issue(struct run *run, struct folder *f,
    enum index_item_kind kind, uint64_t rows, const char *fmt, ...)
{
	struct issue n = {
		.kind = kind, .folder = (size_t)(f - run->folder), .rows = rows,
	};
	char text[SENTENCE_MAX];
	int used = snprintf(text, sizeof(text), "%s: ", f->row.name);
	va_list ap;

	va_start(ap, fmt);
	if (used > 0 && (size_t)used < sizeof(text))
		vsnprintf(text + used, sizeof(text) - (size_t)used, fmt, ap);
	va_end(ap);
	add_issue(run, &n, text);
}

static void
set_waits(struct run *run, const struct issue *n, bool kept)
{
	struct issue *it = find_issue(&run->report, n, "");

	if (it == NULL)
		return;
	it->wait = true;
	it->kept = kept;
}

void
report_folder_waits(struct run *run, struct folder *f,
    enum index_item_kind kind, bool kept)
{
	set_waits(run, &(struct issue){ .kind = kind,
	    .folder = (size_t)(f - run->folder) }, kept);
}

void
report_account_waits(struct run *run, enum index_item_kind kind, bool kept)
{
	set_waits(run, &(struct issue){ .kind = kind, .folder = SIZE_MAX },
	    kept);
}

void
report_note_later(struct run *run, char *text)
{
	struct report *r = &run->report;

	*VEC_ADD(r->later, r->n_later, r->cap_later) =
	    (struct report_later){ .text = text };
}

void
report_issue_later(struct run *run, char *text, const uint64_t *rows)
{
	struct report *r = &run->report;

	*VEC_ADD(r->later, r->n_later, r->cap_later) =
	    (struct report_later){ .text = text, .is_issue = true,
	    .rows = rows };
}

void
report_flush(struct run *run)
{
	struct report *r = &run->report;
	size_t i;

	for (i = 0; i < r->n_later; i++) {
		struct issue n = { .kind = ITEM_NOTE, .folder = SIZE_MAX,
		    .all_rows = r->later[i].rows };

		if (r->later[i].is_issue)
			add_issue(run, &n, r->later[i].text);
		else
			tell_note(run, r->later[i].text);
		free(r->later[i].text);
	}
	r->n_later = 0;
}

void
report_items(struct run *run)
{
	const struct sync_callbacks *cb = &run->report.cb;
	size_t i;

	for (i = 0; i < run->report.n_listed && cb->item != NULL; i++)
		cb->item(cb->arg, run->conf->name, &run->report.listed[i]);
}

static void
free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

void
report_release(struct report *r)
{
	size_t i;

	for (i = 0; i < r->n_issue; i++)
		free(r->issue[i].text);
	for (i = 0; i < r->n_listed; i++) {
		free_text(r->listed[i].folder);
		free_text(r->listed[i].text);
	}
	for (i = 0; i < r->n_later; i++)
		free(r->later[i].text);
	free(r->later);
	free(r->issue);
	free(r->listed);
	*r = (struct report){ .n_issue = 0 };
}
