/*
 * What needs the user: gathered during a run, kept in the index between runs,
 * told at the end of each until it is settled.
 *
 * Of messages the passes record failures where they record success, so an item
 * is there for as long as its row is dirty. All else is noted anew by every run
 * that meets it, and settled by the first one that comes to its end without.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/internal.h"
#include "plan/retry.h"

#define ISSUES_MOST	1000	/* kept of one run; of more, the number */
#define LISTED_OF_FOLDER	20	/* told one by one of a folder */
#define LISTED_MOST	500	/* and in all */
#define DAY		86400

static const char *
folder_of(const struct account *a, size_t folder)
{
	return folder == SIZE_MAX ? NULL : a->folder[folder].row.name;
}

static int64_t
folder_id(const struct account *a, size_t folder)
{
	return folder == SIZE_MAX ? 0 : a->folder[folder].row.id;
}

/* --- on the loop --- */

/* A later word on the same matter replaces the first. */
static struct issue *
find_issue(struct issues *issues, const struct issue *n, const char *text)
{
	size_t i;

	for (i = 0; i < issues->n_issue; i++)
		if (issues->issue[i].kind == n->kind && issues->issue[i].folder
		    == n->folder && (n->kind != ITEM_NOTE ||
		    strcmp(issues->issue[i].text, text) == 0))
			return &issues->issue[i];
	return NULL;
}

static void add_issue(struct account *, struct issue *, const char *before,
    const char *fmt, va_list) __attribute__((format(printf, 4, 0)));

static void
add_issue(struct account *a, struct issue *n, const char *before,
    const char *fmt, va_list ap)
{
	struct issues *issues = &a->issues;
	struct issue *same;
	char text[1000];
	int used = snprintf(text, sizeof(text), "%s%s", before,
	    *before != '\0' ? ": " : "");

	if (used > 0 && (size_t)used < sizeof(text))
		vsnprintf(text + used, sizeof(text) - (size_t)used, fmt, ap);
	else if (used == 0)
		vsnprintf(text, sizeof(text), fmt, ap);
	same = issues->sealed ? NULL : find_issue(issues, n, text);
	if (same != NULL) {
		free(same->text);
		same->text = xstrdup(text);
		same->rows = n->rows;
		same->all_rows = n->all_rows;
		return;
	}
	if (issues->n_issue < ISSUES_MOST && !issues->sealed) {
		n->text = xstrdup(text);
		n->item = (struct sync_item){
			.folder = folder_of(a, n->folder), .due = true,
		};
		*VEC_ADD(issues->issue, issues->n_issue, issues->cap_issue) = *n;
		return;
	}
	issues->unlisted++;
	if (issues->sealed && a->cb.note != NULL)
		a->cb.note(a->cb.arg, a->conf->name, text);
}

void
report_issue(struct account *a, const char *fmt, ...)
{
	struct issue n = { .kind = ITEM_NOTE, .folder = SIZE_MAX };
	va_list ap;

	va_start(ap, fmt);
	add_issue(a, &n, "", fmt, ap);
	va_end(ap);
}

void
report_folder_issue(struct account *a, struct folder *f, enum index_item_kind
    kind, uint64_t rows, const char *fmt, ...)
{
	struct issue n = {
		.kind = kind, .folder = (size_t)(f - a->folder), .rows = rows,
	};
	va_list ap;

	va_start(ap, fmt);
	add_issue(a, &n, f->row.name, fmt, ap);
	va_end(ap);
}

void
report_note(struct account *a, const char *fmt, ...)
{
	char text[1000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (a->cb.note != NULL)
		a->cb.note(a->cb.arg, a->conf->name, text);
}

static void add_held(struct account *, const uint64_t *rows, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

static void
add_held(struct account *a, const uint64_t *rows, const char *fmt, ...)
{
	struct issue n = { .kind = ITEM_NOTE, .folder = SIZE_MAX,
	    .all_rows = rows };
	va_list ap;

	va_start(ap, fmt);
	add_issue(a, &n, "", fmt, ap);
	va_end(ap);
}

void
report_note_later(struct account *a, char *text)
{
	*VEC_ADD(a->later, a->n_later, a->cap_later) =
	    (struct report_later){ .text = text };
}

void
report_issue_later(struct account *a, char *text, const uint64_t *rows)
{
	*VEC_ADD(a->later, a->n_later, a->cap_later) =
	    (struct report_later){ .text = text, .held = true, .rows = rows };
}

void
report_flush(struct account *a)
{
	size_t i;

	for (i = 0; i < a->n_later; i++) {
		if (a->later[i].held)
			add_held(a, a->later[i].rows, "%s", a->later[i].text);
		else
			report_note(a, "%s", a->later[i].text);
		free(a->later[i].text);
	}
	a->n_later = 0;
}

void
issues_report(struct account *a)
{
	size_t i;

	for (i = 0; i < a->issues.n_listed && a->cb.item != NULL; i++)
		a->cb.item(a->cb.arg, a->conf->name, &a->issues.listed[i]);
}

static void
free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

void
issues_release(struct account *a)
{
	struct issues *issues = &a->issues;
	size_t i;

	for (i = 0; i < issues->n_issue; i++)
		free(issues->issue[i].text);
	for (i = 0; i < issues->n_listed; i++) {
		free_text(issues->listed[i].folder);
		free_text(issues->listed[i].text);
	}
	for (i = 0; i < a->n_later; i++)
		free(a->later[i].text);
	free(a->later);
	a->later = NULL;
	a->n_later = a->cap_later = 0;
	free(issues->issue);
	free(issues->listed);
	*issues = (struct issues){ .n_issue = 0 };
}

/* --- failures of messages, on the index lane --- */

/* Renews it as now found, or makes it. */
static void
renew(struct account *a, struct index_item *it, const char *text)
{
	it->last = clock_wall();
	it->run = a->issues.run;
	if (it->tries++ == 0)
		it->first = it->last;
	if (it->text != NULL && strcmp(it->text, text) == 0)
		return;
	free(it->text);
	it->text = xstrdup(text);
	it->ignored = false;
	it->told = 0;
}

int
record_failure(struct account *a, const struct folder *f, const struct place *p,
    const struct failure *why, struct err *err)
{
	struct index_item it = { .id = 0 };
	char *text;
	int rc = index_item_find(a->ix, p->folder, p->id, why->kind, "", &it,
	    err);

	if (rc == -1)
		return -1;
	it.folder = p->folder;
	it.place = p->id;
	it.kind = why->kind;
	text = *why->text == '\0' ? xstrdup("") : xasprintf("%s: %s",
	    f->row.name, why->text);
	renew(a, &it, text);
	it.next = why->wait ? retry_next(it.tries, it.last) : 0;
	rc = index_item_put(a->ix, &it, err);
	a->issues.any = true;
	free(text);
	index_item_release(&it);
	return rc;
}

int
record_success(struct account *a, const struct place *p,
    enum index_item_kind kind, struct err *err)
{
	return !a->issues.any ? 0 : index_item_drop(a->ix, p->folder, p->id,
	    kind, err);
}

int
failed_before(struct account *a, const struct place *p,
    enum index_item_kind kind, uint32_t *tries, bool *waits, struct err *err)
{
	struct index_item it;
	int found;

	*tries = 0;
	*waits = false;
	if (!a->issues.any)
		return 0;
	found = index_item_find(a->ix, p->folder, p->id, kind, "", &it, err);
	if (found != 1)
		return found;
	*tries = it.tries;
	/* Folders are passed twice where the server tells no UIDs. */
	*waits = it.run == a->issues.run ||
	    (!a->opt.full && retry_is_later(it.next, a->issues.begun));
	index_item_release(&it);
	return 0;
}

/* --- the beginning and the end --- */

int
issues_begin(struct account *a, struct err *err)
{
	int64_t last;

	if (index_items_last_run(a->ix, &last, err) == -1)
		return -1;
	a->issues.any = last >= 0;
	a->issues.run = last + 1;
	a->issues.begun = clock_wall();
	return 0;
}

struct sync_item
item_for_user(const struct index_item *it)
{
	int64_t now = clock_wall();

	return (struct sync_item){
		.id = it->id, .text = it->text, .first = it->first,
		.last = it->last, .ignored = it->ignored,
		.next = retry_is_later(it->next, now) ? it->next : 0,
		.tries = it->place != 0 ? it->tries : 0,
		.due = it->told == 0 || it->told > now ||
		    now - it->told >= DAY,
	};
}

static struct sync_item
sync_item_of(const struct account *a, const struct index_item *it, size_t
    folder)
{
	struct sync_item item = item_for_user(it);

	item.folder = folder_of(a, folder);
	return item;
}

/* Named now: with -q it is named again in a day. */
static int
mark_named(struct account *a, struct index_item *it, struct err *err)
{
	int64_t now = clock_wall();

	if (a->opt.dry_run || it->ignored || (it->told != 0 &&
	    it->told <= now && now - it->told < DAY))
		return 0;
	it->told = now;
	return index_item_put(a->ix, it, err);
}

static int
keep_issue(struct account *a, struct issue *n, struct err *err)
{
	struct index_item it = { .id = 0 };
	int rc = index_item_find(a->ix, folder_id(a, n->folder), 0, n->kind,
	    n->text, &it, err);

	if (rc == -1)
		return -1;
	it.folder = folder_id(a, n->folder);
	it.kind = n->kind;
	renew(a, &it, n->text);
	rc = a->opt.dry_run ? 0 : index_item_put(a->ix, &it, err);
	n->item = sync_item_of(a, &it, n->folder);
	if (rc == 0 && (a->issues.settled || a->result->err_is_item))
		rc = mark_named(a, &it, err);
	a->issues.any = true;
	index_item_release(&it);
	return rc;
}

static int
keep_issues(struct account *a, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < a->issues.n_issue && rc == 0; i++)
		rc = keep_issue(a, &a->issues.issue[i], err);
	return rc;
}

/* What was not met again is settled, where it would have been. */
static int
settle(struct account *a, struct err *err)
{
	size_t i;
	int rc = index_items_tidy(a->ix, err);

	if (rc == 0 && a->opt.n_glob == 0)
		rc = index_items_settle(a->ix, 0, a->issues.run, err);
	for (i = 0; i < a->n_folder && rc == 0; i++)
		if (a->folder[i].chosen && !a->folder[i].failed)
			rc = index_items_settle(a->ix, a->folder[i].row.id,
			    a->issues.run, err);
	return rc;
}

/* --- what is told, folder by folder --- */

struct listing {
	size_t folder;		/* SIZE_MAX: the account */
	uint64_t dirty;		/* rows of the folder */
	uint64_t rows;		/* that items are about */
	uint64_t shown, more;
	bool due;		/* one of those that are not shown */
};

static void
list_one(struct account *a, struct listing *t, const struct sync_item *item,
    const char *text)
{
	struct issues *issues = &a->issues;
	struct sync_item *to;

	if (item->ignored || (!item->due && a->opt.quiet))
		return;
	if (t->shown == LISTED_OF_FOLDER || issues->n_listed >= LISTED_MOST) {
		t->more++;
		t->due |= item->due;
		return;
	}
	t->shown++;
	to = VEC_ADD(issues->listed, issues->n_listed, issues->cap_listed);
	*to = *item;
	to->folder = item->folder != NULL ? xstrdup(item->folder) : NULL;
	to->text = xstrdup(text);
}

static void
list_more(struct account *a, struct listing *t)
{
	struct sync_item *to;

	if (t->more == 0)
		return;
	to = VEC_ADD(a->issues.listed, a->issues.n_listed,
	    a->issues.cap_listed);
	*to = (struct sync_item){ .more = t->more, .due = t->due };
	if (t->folder != SIZE_MAX)
		to->folder = xstrdup(folder_of(a, t->folder));
}

static void
list_issues(struct account *a, struct listing *t)
{
	size_t i;

	for (i = 0; i < a->issues.n_issue; i++) {
		struct issue *n = &a->issues.issue[i];
		uint64_t rows = n->all_rows != NULL ? *n->all_rows : n->rows;

		if (n->folder != t->folder)
			continue;
		if (t->folder != SIZE_MAX && rows > t->dirty - t->rows)
			rows = t->dirty - t->rows;
		t->rows += rows;
		if (!n->item.ignored)
			a->result->held += rows > 0 ? rows : 1;
		list_one(a, t, &n->item, n->text);
	}
}

/* Those of messages. */
static int
list_messages(struct account *a, struct listing *t, struct err *err)
{
	struct index_item row[64];
	int64_t after = 0;
	int i, n, rc = 0;

	do {
		n = index_items(a->ix, folder_id(a, t->folder), after, row, 64,
		    err);
		for (i = 0; i < n; i++) {
			struct index_item *it = &row[i];
			struct sync_item item = sync_item_of(a, it, t->folder);

			after = it->id;
			if (rc == 0 && it->place != 0 && *it->text != '\0') {
				t->rows += t->rows < t->dirty;
				a->result->held += !it->ignored;
				list_one(a, t, &item, it->text);
				rc = mark_named(a, it, err);
			}
			index_item_release(it);
		}
	} while (rc == 0 && n == 64);
	return n == -1 ? -1 : rc;
}

static int
list_folder(struct account *a, struct listing *t, struct err *err)
{
	if (index_dirty(a->ix, folder_id(a, t->folder), &t->dirty, err) == -1)
		return -1;
	list_issues(a, t);
	if (a->issues.any && list_messages(a, t, err) == -1)
		return -1;
	list_more(a, t);
	a->result->pending += t->dirty - t->rows;
	return 0;
}

/* What the account itself is told: its rows lie in the folders. */
static uint64_t
list_account(struct account *a)
{
	struct listing t = { .folder = SIZE_MAX };

	list_issues(a, &t);
	if (a->issues.unlisted > 0) {
		a->result->held += a->issues.unlisted;
		t.more += a->issues.unlisted;
		t.due = true;
	}
	list_more(a, &t);
	return t.rows;
}

static int
list_all(struct account *a, struct err *err)
{
	uint64_t rows = list_account(a);
	size_t i;

	for (i = 0; i < a->n_folder; i++) {
		struct listing t = { .folder = i };

		if (a->folder[i].row.id == 0)
			continue;
		if (a->folder[i].chosen && list_folder(a, &t, err) == -1)
			return -1;
		/* Because of it nothing is removed anywhere. */
		if (!a->folder[i].chosen && a->folder[i].fault != NULL)
			list_issues(a, &t);
	}
	a->result->pending -= rows < a->result->pending ? rows :
	    a->result->pending;
	return 0;
}

int
issues_settle(struct account *a, struct err *err)
{
	a->issues.settled = true;
	if (keep_issues(a, err) == -1)
		return -1;
	if (a->issues.any && !a->opt.dry_run && settle(a, err) == -1)
		return -1;
	return list_all(a, err);
}

bool
issues_are_known(const struct account *a)
{
	return a->issues.begun != 0;
}

/* What this run did not come to is still as it was. What can't be written any
 * more is at least told. */
void
issues_keep(struct account *a)
{
	struct err ignored;
	size_t i;

	if (a->ix == NULL || a->issues.begun == 0 || a->issues.settled)
		return;
	if (!a->opt.dry_run && index_begin(a->ix, &ignored) == 0)
		(void)index_end(a->ix, keep_issues(a, &ignored), &ignored);
	list_account(a);
	for (i = 0; i < a->n_folder; i++) {
		struct listing t = { .folder = i };

		list_issues(a, &t);
		list_more(a, &t);
	}
}
