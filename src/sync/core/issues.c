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

#define NOTES_MOST	1000	/* kept of one run; of more, the number */
#define SHOWN_MOST	20	/* told one by one of a folder */
#define TOLD_MOST	500	/* and in all */
#define DAY		86400

static const char *
folder_of(const struct account *a, size_t box)
{
	return box == SIZE_MAX ? NULL : a->box[box].row.name;
}

static int64_t
folder_id(const struct account *a, size_t box)
{
	return box == SIZE_MAX ? 0 : a->box[box].row.id;
}

/* --- on the loop --- */

/* A later word on the same matter replaces the first. */
static struct note *
find_note(struct items *items, const struct note *n, const char *text)
{
	size_t i;

	for (i = 0; i < items->n_note; i++)
		if (items->note[i].kind == n->kind &&
		    items->note[i].box == n->box && (n->kind != ITEM_NOTE ||
		    strcmp(items->note[i].text, text) == 0))
			return &items->note[i];
	return NULL;
}

static void note(struct account *, struct note *, const char *before,
    const char *fmt, va_list) __attribute__((format(printf, 4, 0)));

static void
note(struct account *a, struct note *n, const char *before, const char *fmt,
    va_list ap)
{
	struct items *items = &a->items;
	struct note *same;
	char text[1000];
	int used = snprintf(text, sizeof(text), "%s%s", before,
	    *before != '\0' ? ": " : "");

	if (used > 0 && (size_t)used < sizeof(text))
		vsnprintf(text + used, sizeof(text) - (size_t)used, fmt, ap);
	else if (used == 0)
		vsnprintf(text, sizeof(text), fmt, ap);
	same = items->sealed ? NULL : find_note(items, n, text);
	if (same != NULL) {
		free(same->text);
		same->text = xstrdup(text);
		same->rows = n->rows;
		same->all_rows = n->all_rows;
		return;
	}
	if (items->n_note < NOTES_MOST && !items->sealed) {
		n->text = xstrdup(text);
		n->item = (struct sync_item){
			.folder = folder_of(a, n->box), .due = true,
		};
		*VEC_ADD(items->note, items->n_note, items->cap_note) = *n;
		return;
	}
	items->unsaid++;
	if (items->sealed && a->cb.note != NULL)
		a->cb.note(a->cb.arg, a->conf->name, text);
}

void
account_note(struct account *a, const char *fmt, ...)
{
	struct note n = { .kind = ITEM_NOTE, .box = SIZE_MAX };
	va_list ap;

	va_start(ap, fmt);
	note(a, &n, "", fmt, ap);
	va_end(ap);
}

void
box_note(struct account *a, struct box *b, enum index_item_kind kind,
    uint64_t rows, const char *fmt, ...)
{
	struct note n = {
		.kind = kind, .box = (size_t)(b - a->box), .rows = rows,
	};
	va_list ap;

	va_start(ap, fmt);
	note(a, &n, b->row.name, fmt, ap);
	va_end(ap);
}

void
account_tell(struct account *a, const char *fmt, ...)
{
	char text[1000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (a->cb.note != NULL)
		a->cb.note(a->cb.arg, a->conf->name, text);
}

static void held(struct account *, const uint64_t *rows, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
held(struct account *a, const uint64_t *rows, const char *fmt, ...)
{
	struct note n = { .kind = ITEM_NOTE, .box = SIZE_MAX,
	    .all_rows = rows };
	va_list ap;

	va_start(ap, fmt);
	note(a, &n, "", fmt, ap);
	va_end(ap);
}

void
work_tells(struct account *a, char *text)
{
	*VEC_ADD(a->said, a->n_said, a->cap_said) =
	    (struct saying){ .text = text };
}

void
work_holds(struct account *a, char *text, const uint64_t *rows)
{
	*VEC_ADD(a->said, a->n_said, a->cap_said) =
	    (struct saying){ .text = text, .held = true, .rows = rows };
}

void
items_pass_on_said(struct account *a)
{
	size_t i;

	for (i = 0; i < a->n_said; i++) {
		if (a->said[i].held)
			held(a, a->said[i].rows, "%s", a->said[i].text);
		else
			account_tell(a, "%s", a->said[i].text);
		free(a->said[i].text);
	}
	a->n_said = 0;
}

void
items_tell(struct account *a)
{
	size_t i;

	for (i = 0; i < a->items.n_told && a->cb.item != NULL; i++)
		a->cb.item(a->cb.arg, a->conf->name, &a->items.told[i]);
}

static void
free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

void
items_release(struct account *a)
{
	struct items *items = &a->items;
	size_t i;

	for (i = 0; i < items->n_note; i++)
		free(items->note[i].text);
	for (i = 0; i < items->n_told; i++) {
		free_text(items->told[i].folder);
		free_text(items->told[i].text);
	}
	for (i = 0; i < a->n_said; i++)
		free(a->said[i].text);
	free(a->said);
	a->said = NULL;
	a->n_said = a->cap_said = 0;
	free(items->note);
	free(items->told);
	*items = (struct items){ .n_note = 0 };
}

/* --- failures of messages, on the index lane --- */

/* Renews it as now found, or makes it. */
static void
renew(struct account *a, struct index_item *it, const char *text)
{
	it->last = clock_wall();
	it->run = a->items.run;
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
record_failure(struct account *a, const struct box *b, const struct place *p,
    const struct failure *f, struct err *err)
{
	struct index_item it = { .id = 0 };
	char *text;
	int rc = index_item_find(a->ix, p->folder, p->id, f->kind, "", &it,
	    err);

	if (rc == -1)
		return -1;
	it.folder = p->folder;
	it.place = p->id;
	it.kind = f->kind;
	text = *f->text == '\0' ? xstrdup("") : xasprintf("%s: %s",
	    b->row.name, f->text);
	renew(a, &it, text);
	it.next = f->wait ? retry_next(it.tries, it.last) : 0;
	rc = index_item_put(a->ix, &it, err);
	a->items.any = true;
	free(text);
	index_item_release(&it);
	return rc;
}

int
record_success(struct account *a, const struct place *p,
    enum index_item_kind kind, struct err *err)
{
	return !a->items.any ? 0 : index_item_drop(a->ix, p->folder, p->id,
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
	if (!a->items.any)
		return 0;
	found = index_item_find(a->ix, p->folder, p->id, kind, "", &it, err);
	if (found != 1)
		return found;
	*tries = it.tries;
	/* Folders are passed twice where the server tells no UIDs. */
	*waits = it.run == a->items.run ||
	    (!a->opt.full && retry_is_later(it.next, a->items.begun));
	index_item_release(&it);
	return 0;
}

/* --- the beginning and the end --- */

int
items_begin(struct account *a, struct err *err)
{
	int64_t last;

	if (index_items_last_run(a->ix, &last, err) == -1)
		return -1;
	a->items.any = last >= 0;
	a->items.run = last + 1;
	a->items.begun = clock_wall();
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
sync_item_of(const struct account *a, const struct index_item *it, size_t box)
{
	struct sync_item item = item_for_user(it);

	item.folder = folder_of(a, box);
	return item;
}

/* Named now: with -q it is named again in a day. */
static int
mark_told(struct account *a, struct index_item *it, struct err *err)
{
	int64_t now = clock_wall();

	if (a->opt.dry_run || it->ignored || (it->told != 0 &&
	    it->told <= now && now - it->told < DAY))
		return 0;
	it->told = now;
	return index_item_put(a->ix, it, err);
}

static int
keep_note(struct account *a, struct note *n, struct err *err)
{
	struct index_item it = { .id = 0 };
	int rc = index_item_find(a->ix, folder_id(a, n->box), 0, n->kind,
	    n->text, &it, err);

	if (rc == -1)
		return -1;
	it.folder = folder_id(a, n->box);
	it.kind = n->kind;
	renew(a, &it, n->text);
	rc = a->opt.dry_run ? 0 : index_item_put(a->ix, &it, err);
	n->item = sync_item_of(a, &it, n->box);
	if (rc == 0 && (a->items.reckoned || a->result->err_is_item))
		rc = mark_told(a, &it, err);
	a->items.any = true;
	index_item_release(&it);
	return rc;
}

static int
keep_notes(struct account *a, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < a->items.n_note && rc == 0; i++)
		rc = keep_note(a, &a->items.note[i], err);
	return rc;
}

/* What was not met again is settled, where it would have been. */
static int
settle(struct account *a, struct err *err)
{
	size_t i;
	int rc = index_items_tidy(a->ix, err);

	if (rc == 0 && a->opt.n_glob == 0)
		rc = index_items_settle(a->ix, 0, a->items.run, err);
	for (i = 0; i < a->n_box && rc == 0; i++)
		if (a->box[i].chosen && !a->box[i].failed)
			rc = index_items_settle(a->ix, a->box[i].row.id,
			    a->items.run, err);
	return rc;
}

/* --- what is told, folder by folder --- */

struct telling {
	size_t box;		/* SIZE_MAX: the account */
	uint64_t dirty;		/* rows of the folder */
	uint64_t rows;		/* that items are about */
	uint64_t shown, more;
	bool due;		/* one of those that are not shown */
};

static void
tell_one(struct account *a, struct telling *t, const struct sync_item *item,
    const char *text)
{
	struct items *items = &a->items;
	struct sync_item *to;

	if (item->ignored || (!item->due && a->opt.quiet))
		return;
	if (t->shown == SHOWN_MOST || items->n_told >= TOLD_MOST) {
		t->more++;
		t->due |= item->due;
		return;
	}
	t->shown++;
	to = VEC_ADD(items->told, items->n_told, items->cap_told);
	*to = *item;
	to->folder = item->folder != NULL ? xstrdup(item->folder) : NULL;
	to->text = xstrdup(text);
}

static void
tell_more(struct account *a, struct telling *t)
{
	struct sync_item *to;

	if (t->more == 0)
		return;
	to = VEC_ADD(a->items.told, a->items.n_told, a->items.cap_told);
	*to = (struct sync_item){ .more = t->more, .due = t->due };
	if (t->box != SIZE_MAX)
		to->folder = xstrdup(folder_of(a, t->box));
}

static void
tell_notes(struct account *a, struct telling *t)
{
	size_t i;

	for (i = 0; i < a->items.n_note; i++) {
		struct note *n = &a->items.note[i];
		uint64_t rows = n->all_rows != NULL ? *n->all_rows : n->rows;

		if (n->box != t->box)
			continue;
		if (t->box != SIZE_MAX && rows > t->dirty - t->rows)
			rows = t->dirty - t->rows;
		t->rows += rows;
		if (!n->item.ignored)
			a->result->held += rows > 0 ? rows : 1;
		tell_one(a, t, &n->item, n->text);
	}
}

/* Those of messages. */
static int
tell_messages(struct account *a, struct telling *t, struct err *err)
{
	struct index_item row[64];
	int64_t after = 0;
	int i, n, rc = 0;

	do {
		n = index_items(a->ix, folder_id(a, t->box), after, row, 64,
		    err);
		for (i = 0; i < n; i++) {
			struct index_item *it = &row[i];
			struct sync_item item = sync_item_of(a, it, t->box);

			after = it->id;
			if (rc == 0 && it->place != 0 && *it->text != '\0') {
				t->rows += t->rows < t->dirty;
				a->result->held += !it->ignored;
				tell_one(a, t, &item, it->text);
				rc = mark_told(a, it, err);
			}
			index_item_release(it);
		}
	} while (rc == 0 && n == 64);
	return n == -1 ? -1 : rc;
}

static int
tell_folder(struct account *a, struct telling *t, struct err *err)
{
	if (index_dirty(a->ix, folder_id(a, t->box), &t->dirty, err) == -1)
		return -1;
	tell_notes(a, t);
	if (a->items.any && tell_messages(a, t, err) == -1)
		return -1;
	tell_more(a, t);
	a->result->pending += t->dirty - t->rows;
	return 0;
}

/* What the account itself is told: its rows lie in the folders. */
static uint64_t
tell_account(struct account *a)
{
	struct telling t = { .box = SIZE_MAX };

	tell_notes(a, &t);
	if (a->items.unsaid > 0) {
		a->result->held += a->items.unsaid;
		t.more += a->items.unsaid;
		t.due = true;
	}
	tell_more(a, &t);
	return t.rows;
}

static int
tell_all(struct account *a, struct err *err)
{
	uint64_t rows = tell_account(a);
	size_t i;

	for (i = 0; i < a->n_box; i++) {
		struct telling t = { .box = i };

		if (a->box[i].row.id == 0)
			continue;
		if (a->box[i].chosen && tell_folder(a, &t, err) == -1)
			return -1;
		/* Because of it nothing is removed anywhere. */
		if (!a->box[i].chosen && a->box[i].fault != NULL)
			tell_notes(a, &t);
	}
	a->result->pending -= rows < a->result->pending ? rows :
	    a->result->pending;
	return 0;
}

int
items_reckon(struct account *a, struct err *err)
{
	a->items.reckoned = true;
	if (keep_notes(a, err) == -1)
		return -1;
	if (a->items.any && !a->opt.dry_run && settle(a, err) == -1)
		return -1;
	return tell_all(a, err);
}

bool
items_are_known(const struct account *a)
{
	return a->items.begun != 0;
}

/* What this run did not come to is still as it was. What can't be written any
 * more is at least told. */
void
items_keep(struct account *a)
{
	struct err ignored;
	size_t i;

	if (a->ix == NULL || a->items.begun == 0 || a->items.reckoned)
		return;
	if (!a->opt.dry_run && index_begin(a->ix, &ignored) == 0)
		(void)index_end(a->ix, keep_notes(a, &ignored), &ignored);
	tell_account(a);
	for (i = 0; i < a->n_box; i++) {
		struct telling t = { .box = i };

		tell_notes(a, &t);
		tell_more(a, &t);
	}
}
