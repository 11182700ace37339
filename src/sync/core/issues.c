/*
 * Keeps what needs the user in the index between runs, and tells it at the end
 * of each until it is settled.
 *
 * Of messages the passes record failures where they record success, so an item
 * is there for as long as its row is dirty. All else is reported anew by every
 * run that meets it, and settled by the first one that comes to its end
 * without. Index lane.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "core/report.h"
#include "core/run.h"
#include "plan/retry.h"

#define LISTED_OF_FOLDER	20	/* one by one */
#define LISTED_MOST		500	/* in all */
#define DAY			86400
#define SUSPECT			0	/* in place of the run that renewed it
					   last */

static const char *
folder_name(const struct run *run, size_t folder)
{
	return folder == SIZE_MAX ? NULL : run->folder[folder].row.name;
}

static int64_t
folder_id(const struct run *run, size_t folder)
{
	return folder == SIZE_MAX ? 0 : run->folder[folder].row.id;
}

/* --- failures of messages --- */

/* Renews it as now found, or makes it. */
static void
renew(struct run *run, struct index_item *it, const char *text)
{
	it->last = clock_wall();
	it->run = run->report.run;
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
record_failure(struct run *run, const struct folder *f, const struct place *p,
    const struct failure *why, struct err *err)
{
	const struct index_item_key key = { p->folder, p->id, why->kind, "" };
	struct index_item it = { .id = 0 };
	char *text;
	int rc = index_item_find(run->ix, &key, &it, err);

	if (rc == -1)
		return -1;
	it.folder = p->folder;
	it.place = p->id;
	it.kind = why->kind;
	if (it.run == SUSPECT && it.id != 0 && *it.text == '\0')
		it.tries = 0;	/* what it was suspected for is this */
	text = *why->text == '\0' ? xstrdup("") : xasprintf("%s: %s",
	    f->row.name, why->text);
	renew(run, &it, text);
	it.next = why->wait ? retry_next(it.tries, it.last) : 0;
	rc = index_item_put(run->ix, &it, err);
	run->report.any = true;
	free(text);
	index_item_release(&it);
	return rc;
}

int
record_suspect(struct run *run, const struct place *p,
    enum index_item_kind kind, struct err *err)
{
	const struct index_item_key key = { p->folder, p->id, kind, "" };
	struct index_item it = { .id = 0 };
	int rc = index_item_find(run->ix, &key, &it, err);

	if (rc == -1)
		return -1;
	it.folder = p->folder;
	it.place = p->id;
	it.kind = kind;
	if (rc == 0) {
		it.text = xstrdup("");
		it.first = it.last = clock_wall();
		it.tries = 1;
	}
	it.run = SUSPECT;
	rc = index_item_put(run->ix, &it, err);
	run->report.any = true;
	index_item_release(&it);
	return rc;
}

int
record_success(struct run *run, const struct place *p,
    enum index_item_kind kind, struct err *err)
{
	return !run->report.any ? 0 : index_item_drop(run->ix, p->folder,
	    p->id, kind, err);
}

int
tries_of(struct run *run, const struct place *p, enum index_item_kind kind,
    struct tries *out, struct err *err)
{
	const struct index_item_key key = { p->folder, p->id, kind, "" };
	const struct report *r = &run->report;
	struct index_item it;
	int found;

	*out = (struct tries){ .n = 0 };
	if (!r->any)
		return 0;
	found = index_item_find(run->ix, &key, &it, err);
	if (found != 1)
		return found;
	out->n = it.tries;
	out->suspect = it.run == SUSPECT;
	/* Folders are passed twice where the server tells no UIDs. */
	out->wait = it.run == r->run ||
	    (!run->opt.full && retry_is_later(it.next, r->begun));
	index_item_release(&it);
	return 0;
}

/* --- the beginning and the end --- */

int
issues_begin(struct run *run, struct err *err)
{
	struct report *r = &run->report;
	int64_t last;

	if (index_items_last_run(run->ix, &last, err) == -1)
		return -1;
	r->any = last >= 0;
	r->writes = !run->opt.dry_run;
	if (r->begun != 0)	/* not the first attempt of it */
		return 0;
	r->run = last < SUSPECT ? SUSPECT + 1 : last + 1;
	r->begun = clock_wall();
	return 0;
}

bool
issues_are_kept(const struct run *run)
{
	return run->report.begun != 0;
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
sync_item_of(const struct run *run, const struct index_item *it,
    size_t folder)
{
	struct sync_item item = item_for_user(it);

	item.folder = folder_name(run, folder);
	return item;
}

/* Named with -q, where nobody may have looked before: then in a day again. */
static int
mark_named(struct run *run, struct index_item *it, struct err *err)
{
	int64_t now = clock_wall();

	if (!run->report.writes || !run->opt.quiet || it->ignored ||
	    (it->told != 0 && it->told <= now && now - it->told < DAY))
		return 0;
	it->told = now;
	return index_item_put(run->ix, it, err);
}

/* Of one that waits only those tries count that were in vain like the last. */
static void
renew_issue(struct run *run, struct index_item *it, const struct issue *n)
{
	uint32_t tries = it->tries;

	if (n->wait && it->next == 0 && it->text != NULL &&
	    strcmp(it->text, n->text) != 0)
		it->tries = 0;
	renew(run, it, n->text);
	if (n->kept)
		it->tries = tries;
	else
		it->next = n->wait ? retry_next(it->tries, it->last) : 0;
}

static int
keep_issue(struct run *run, struct issue *n, struct err *err)
{
	const struct index_item_key key = { folder_id(run, n->folder), 0,
	    n->kind, n->text };
	struct report *r = &run->report;
	struct index_item it = { .id = 0 };
	int rc = index_item_find(run->ix, &key, &it, err);

	if (rc == -1)
		return -1;
	it.folder = folder_id(run, n->folder);
	it.kind = n->kind;
	renew_issue(run, &it, n);
	rc = r->writes ? index_item_put(run->ix, &it, err) : 0;
	n->item = sync_item_of(run, &it, n->folder);
	r->result.tells |= n->kind >= ITEM_SECRET && n->item.due &&
	    !n->item.ignored;
	if (rc == 0 && (r->settled || r->result.err_is_item ||
	    n->kind >= ITEM_SECRET))
		rc = mark_named(run, &it, err);
	r->any = true;
	index_item_release(&it);
	return rc;
}

static int
keep_issues(struct run *run, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < run->report.n_issue && rc == 0; i++)
		rc = keep_issue(run, &run->report.issue[i], err);
	return rc;
}

/* What was not met again is settled, where it would have been. */
static int
settle(struct run *run, struct err *err)
{
	const int64_t now = run->report.run;
	size_t i;
	int rc = index_items_tidy(run->ix, err);

	if (rc == 0 && run->opt.n_glob == 0)
		rc = index_items_settle(run->ix, 0, now, err);
	for (i = 0; i < run->n_folder && rc == 0; i++)
		if (run->folder[i].chosen && !run->folder[i].failed)
			rc = index_items_settle(run->ix,
			    run->folder[i].row.id, now, err);
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
list_one(struct run *run, struct listing *l, const struct sync_item *item,
    const char *text)
{
	struct report *r = &run->report;
	struct sync_item *to;

	if (item->ignored || (!item->due && run->opt.quiet))
		return;
	if (l->shown == LISTED_OF_FOLDER || r->n_listed >= LISTED_MOST) {
		l->more++;
		l->due |= item->due;
		return;
	}
	l->shown++;
	to = VEC_ADD(r->listed, r->n_listed, r->cap_listed);
	*to = *item;
	to->folder = item->folder != NULL ? xstrdup(item->folder) : NULL;
	to->text = xstrdup(text);
}

static void
list_more(struct run *run, struct listing *l)
{
	struct report *r = &run->report;
	struct sync_item *to;

	if (l->more == 0)
		return;
	to = VEC_ADD(r->listed, r->n_listed, r->cap_listed);
	*to = (struct sync_item){ .more = l->more, .due = l->due };
	if (l->folder != SIZE_MAX)
		to->folder = xstrdup(folder_name(run, l->folder));
}

static void
list_issues(struct run *run, struct listing *l)
{
	size_t i;

	for (i = 0; i < run->report.n_issue; i++) {
		struct issue *n = &run->report.issue[i];
		uint64_t rows = n->all_rows != NULL ? *n->all_rows : n->rows;

		if (n->folder != l->folder)
			continue;
		if (l->folder != SIZE_MAX && rows > l->dirty - l->rows)
			rows = l->dirty - l->rows;
		l->rows += rows;
		if (!n->item.ignored)
			run->report.result.held += rows > 0 ? rows : 1;
		list_one(run, l, &n->item, n->text);
	}
}

/* One of a message. */
static int
list_message(struct run *run, struct listing *l, struct index_item *it,
    struct err *err)
{
	struct sync_item item = sync_item_of(run, it, l->folder);

	if (it->place == 0 || *it->text == '\0')
		return 0;
	l->rows += l->rows < l->dirty;
	run->report.result.held += !it->ignored;
	list_one(run, l, &item, it->text);
	return mark_named(run, it, err);
}

static int
list_messages(struct run *run, struct listing *l, struct err *err)
{
	struct index_item row[64];
	struct index_item_stream items = { folder_id(run, l->folder), 0 };
	int i, n, rc = 0;

	do {
		n = index_items(run->ix, &items, row, 64, err);
		for (i = 0; i < n; i++) {
			if (rc == 0)
				rc = list_message(run, l, &row[i], err);
			index_item_release(&row[i]);
		}
	} while (rc == 0 && n == 64);
	return n == -1 ? -1 : rc;
}

static int
list_folder(struct run *run, struct listing *l, struct err *err)
{
	if (index_dirty(run->ix, folder_id(run, l->folder), &l->dirty, err) ==
	    -1)
		return -1;
	list_issues(run, l);
	if (run->report.any && list_messages(run, l, err) == -1)
		return -1;
	list_more(run, l);
	run->report.result.pending += l->dirty - l->rows +
	    run->folder[l->folder].edits;
	return 0;
}

/* What the account itself is told: its rows lie in the folders. */
static uint64_t
list_account(struct run *run)
{
	struct report *r = &run->report;
	struct listing l = { .folder = SIZE_MAX };

	list_issues(run, &l);
	if (r->unlisted > 0) {
		r->result.held += r->unlisted;
		l.more += r->unlisted;
		l.due = true;
	}
	list_more(run, &l);
	return l.rows;
}

static int
list_all(struct run *run, struct err *err)
{
	uint64_t *pending = &run->report.result.pending;
	uint64_t rows = list_account(run);
	size_t i;

	for (i = 0; i < run->n_folder; i++) {
		const struct folder *f = &run->folder[i];
		struct listing l = { .folder = i };

		if (f->row.id == 0)
			continue;
		if (f->chosen && list_folder(run, &l, err) == -1)
			return -1;
		/* Because of it nothing is removed anywhere. */
		if (!f->chosen && f->fault != NULL)
			list_issues(run, &l);
	}
	*pending -= rows < *pending ? rows : *pending;
	*pending += run->report.waiting;
	return 0;
}

/* The issues are sealed, and the index lane's own. */
static void
add_sealed(struct report *r, enum index_item_kind kind, const char *text)
{
	const struct issue n = { .kind = kind, .folder = SIZE_MAX,
	    .text = xstrdup(text), .item = { .due = true } };

	*VEC_ADD(r->issue, r->n_issue, r->cap_issue) = n;
}

/*
 * Runs that can't do their work end in 75, of which nobody hears with -q; so
 * one that has not done it for a day says so. The sentence stays the same.
 */
static int
report_late(struct run *run, struct err *err)
{
	static const char *const key[] = { "last-done", "last-sync",
	    "tried-since" };
	char *text = NULL, now[32], when[32], sentence[200];
	int64_t since = 0;
	time_t t;
	struct tm tm;
	size_t i;

	for (i = 0; i < 3 && since == 0; i++) {
		if (index_get(run->ix, key[i], &text, err) == -1)
			return -1;
		since = text != NULL ? strtoll(text, NULL, 10) : 0;
		free(text);
	}
	if (since == 0) {
		snprintf(now, sizeof(now), "%lld", (long long)clock_wall());
		return index_set(run->ix, "tried-since", now, err);
	}
	if (clock_wall() - since < DAY)
		return 0;
	t = (time_t)since;
	localtime_r(&t, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
	snprintf(sentence, sizeof(sentence), "%s %s; sync without -q says "
	    "why", i == 3 ? "never in sync, although it was tried since" :
	    "not in sync since", when);
	add_sealed(&run->report, ITEM_LATE, sentence);
	return 0;
}

/* Found at the very end, it is not to be taken for settled before. */
static int
spare_late(struct run *run, struct err *err)
{
	const struct index_item_key key = { 0, 0, ITEM_LATE, NULL };
	struct index_item it;
	int rc = index_item_find(run->ix, &key, &it, err);

	if (rc != 1)
		return rc;
	it.run = run->report.run;
	rc = index_item_put(run->ix, &it, err);
	index_item_release(&it);
	return rc;
}

/* The same goes for those that come to their end each time, and leave what
 * nobody is told of. */
static int
tell_late(struct run *run, struct err *err)
{
	struct report *r = &run->report;
	struct listing l = { .folder = SIZE_MAX };
	const size_t n = r->n_issue;

	if (!r->writes)
		return 0;
	if (r->result.pending > 0 && r->result.held == 0 &&
	    report_late(run, err) == -1)
		return -1;
	if (r->n_issue == n)
		return r->any ? index_item_drop(run->ix, 0, 0, ITEM_LATE,
		    err) : 0;
	if (keep_issue(run, &r->issue[n], err) == -1)
		return -1;
	list_one(run, &l, &r->issue[n].item, r->issue[n].text);
	return 0;
}

int
issues_settle(struct run *run, struct err *err)
{
	struct report *r = &run->report;

	r->settled = true;
	if (keep_issues(run, err) == -1)
		return -1;
	if (r->any && r->writes && (spare_late(run, err) == -1 ||
	    settle(run, err) == -1))
		return -1;
	return list_all(run, err) == -1 ? -1 : tell_late(run, err);
}

static int
keep_all(struct run *run, struct err *err)
{
	const struct err *why = &run->task.err;

	if (!run->report.result.err_is_item &&
	    err_exit_status(why->kind) == err_exit_status(ERR_NET) &&
	    why->kind != ERR_CANCELED && report_late(run, err) == -1)
		return -1;
	return keep_issues(run, err);
}

/* What this run did not come to is still as it was. What can't be written any
 * more is at least told. */
void
issues_keep(struct run *run)
{
	const struct report *r = &run->report;
	struct err ignored;
	size_t i;

	if (run->ix == NULL || r->begun == 0 || r->settled)
		return;
	if (r->writes && index_begin(run->ix, &ignored) == 0)
		(void)index_end(run->ix, keep_all(run, &ignored), &ignored);
	list_account(run);
	for (i = 0; i < run->n_folder; i++) {
		struct listing l = { .folder = i };

		list_issues(run, &l);
		list_more(run, &l);
	}
}
