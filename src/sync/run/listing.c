/* Asks for folders in another way, where a connection was lost at that. */
#include "run/listing.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "core/loss.h"
#include "imap/list.h"
#include "imap/open.h"
#include "index/fact.h"
#include "plan/retry.h"

/* uthash's own falls through cases without saying so. */
#define HASH_FUNCTION(key, n, out) \
	((out) = (unsigned)fnv1a(FNV1A_START, key, n))
#include <uthash.h>

#define COSTS		"status-costs"	/* of a folder: so many syncs */
#define COSTS_ENOUGH	2
#define FRESH		(30 * 86400)
#define BELIEVED	10000	/* of a list that ends amiss */
#define SENTENCE	"the connection is lost each time the server lists " \
	"its folders; those that are known are synced, new ones wait, and " \
	"nothing is removed from the disk. To ask for the list once more, " \
	"run sync --full"

/* A name that is known: borrowed. */
struct known_name {
	const char *text;
	UT_hash_handle hh;
};

struct listing {
	bool by_name;
	bool kept;		/* ... as an earlier sync found out */
	unsigned lost;		/* connections, at LIST itself */
	struct imap_list_care care;
	struct imap_folder *known;	/* raw and name; only grows */
	size_t n_known, cap_known;
	struct known_name *raws, *names;	/* of them; uthash */
	char **without;		/* raw */
	size_t n_without, cap_without;
	size_t found;		/* of without: by this sync */
};

static struct listing *
listing_of(struct run *run)
{
	if (run->past.listing == NULL)
		run->past.listing = xcalloc(1, sizeof(struct listing));
	return run->past.listing;
}

static void
forget_names(struct known_name **set)
{
	struct known_name *one, *next;

	HASH_ITER(hh, *set, one, next) {
		HASH_DEL(*set, one);
		free(one);
	}
}

void
listing_free(struct listing *l)
{
	size_t i;

	if (l == NULL)
		return;
	forget_names(&l->raws);
	forget_names(&l->names);
	for (i = 0; i < l->n_known; i++) {
		free(l->known[i].raw);
		free(l->known[i].name);
	}
	for (i = 0; i < l->n_without; i++)
		free(l->without[i]);
	free(l->known);
	free(l->without);
	free(l);
}

bool
listing_is_by_name(const struct run *run)
{
	return run->past.listing != NULL && run->past.listing->by_name;
}

const struct imap_list_care *
listing_care(const struct run *run)
{
	struct listing *l = run->past.listing;

	if (l == NULL)
		return NULL;
	l->care.by_name = l->by_name;
	l->care.folder = l->known;
	l->care.n = l->n_known;
	l->care.without = l->without;
	l->care.n_without = l->n_without;
	return &l->care;
}

/* --- what is known --- */

static bool
is_known_name(const struct known_name *set, const char *text)
{
	struct known_name *found;

	HASH_FIND_STR(set, text, found);
	return found != NULL;
}

static void
know_name(struct known_name **set, const char *text)
{
	struct known_name *one = xcalloc(1, sizeof(*one));

	one->text = text;
	HASH_ADD_KEYPTR(hh, *set, text, strlen(text), one);
}

/* A server that lists many before it ends the connection costs no more than
 * their number. */
static void
add_known(struct listing *l, const char *raw, const char *name)
{
	struct imap_folder *f;

	if (is_known_name(l->raws, raw) || is_known_name(l->names, name))
		return;
	f = VEC_ADD(l->known, l->n_known, l->cap_known);
	f->raw = xstrdup(raw);
	f->name = xstrdup(name);
	know_name(&l->raws, f->raw);
	know_name(&l->names, f->name);
}

static void
add_without(struct listing *l, const char *raw)
{
	size_t i;

	for (i = 0; i < l->n_without; i++)
		if (strcmp(l->without[i], raw) == 0)
			return;
	*VEC_ADD(l->without, l->n_without, l->cap_without) = xstrdup(raw);
}

struct costs {
	struct listing *listing;
	const struct index_folder *row;
	size_t n;
};

static int
take_costs(void *arg, const struct index_fact *fact, struct err *err)
{
	struct costs *c = arg;
	size_t i;

	(void)err;
	if (*fact->name != '\0' || fact->value < COSTS_ENOUGH ||
	    clock_wall() - fact->at > FRESH)
		return 0;
	for (i = 0; i < c->n; i++)
		if (c->row[i].id == fact->folder && c->row[i].raw != NULL)
			add_without(c->listing, c->row[i].raw);
	return 0;
}

static int
load_names(struct run *run, struct err *err)
{
	struct listing *l = listing_of(run);
	struct costs c = { .listing = l };
	const struct index_fact_visit visit = { take_costs, &c };
	struct index_folder *v;
	size_t i;
	int rc = 0;

	if (index_folders(run->ix, &v, &c.n, err) == -1)
		return -1;
	c.row = v;
	if (run->past.attempts == 0 && !run->opt.full)
		rc = index_facts(run->ix, COSTS, &visit, err);
	if (l->by_name)
		add_known(l, "INBOX", "INBOX");
	for (i = 0; i < c.n && l->by_name; i++)
		if (v[i].remote && v[i].raw != NULL)
			add_known(l, v[i].raw, v[i].name);
	index_folders_free(v, c.n);
	return rc;
}

/* LIST is tried again now and then. */
static int
recall_list(struct run *run, struct err *err)
{
	const struct index_item_key key = { 0, 0, ITEM_FOLDER, NULL };
	struct index_item it;
	int found = !run->report.any || run->opt.full ||
	    run->past.attempts > 0 ? 0 :
	    index_item_find(run->ix, &key, &it, err);

	if (found != 1)
		return found;
	if (retry_is_later(it.next, run->report.begun))
		listing_of(run)->by_name = listing_of(run)->kept = true;
	index_item_release(&it);
	return 0;
}

int
listing_load(struct run *run, struct err *err)
{
	return recall_list(run, err) == -1 ? -1 : load_names(run, err);
}

/* --- what was lost --- */

/* Connections that end right behind the login, whatever is asked for there, are
 * closed for a reason that lies elsewhere. */
void
listing_lost_login(struct run *run, const struct imap_open *open)
{
	struct past *p = &run->past;

	if (!open->opened)
		return;
	p->opened = true;
	p->caps_lost |= open->lost_caps;
	p->mute = open->answered ? 0 : p->mute + 1;
	if (open->lost_caps != 0 && p->mute <= 1)
		loss_progress(run);
}

static void
lost_at_list(struct listing *l, const struct imap_list *list)
{
	size_t i;

	for (i = 0; i < list->n && list->n <= BELIEVED; i++)
		if (list->folder[i].selectable)
			add_known(l, list->folder[i].raw,
			    list->folder[i].name);
	l->by_name = list_loss_is_proven(++l->lost);
}

void
listing_lost(struct run *run, const struct imap_list *list)
{
	struct listing *l;

	if (list->lost == LIST_LOST_ELSEWHERE)
		return;
	l = listing_of(run);
	if (list->lost == LIST_LOST_WITH_STATUS) {
		run->past.caps_lost |= CAP_LIST_STATUS;
	} else if (list->lost == LIST_LOST_LIST) {
		lost_at_list(l, list);
	} else {
		add_without(l, list->lost_at);
		l->care.without_all = list_loss_ends_status(++l->found);
	}
	if (run->past.mute <= 1)
		loss_progress(run);
}

/* --- folders by name --- */

/* The server may have it. */
static bool
may_be_there(const struct folder *f)
{
	return f->row.local && !f->row.remote && !f->row.base;
}

/* What had the name may be another folder now. */
static bool
is_numbered_anew(const struct folder *f)
{
	return f->row.uidvalidity != 0 && f->listed.has_status &&
	    f->listed.uidvalidity != f->row.uidvalidity;
}

/* A message that seems to be gone may be in a folder that nobody has seen. */
void
listing_leave_unsure(struct run *run)
{
	size_t i;

	run->hold_remove_local = true;
	for (i = 0; i < run->n_folder; i++) {
		struct folder *f = &run->folder[i];

		if (!f->inside || (!may_be_there(f) && !is_numbered_anew(f)))
			continue;
		f->failed = true;
		run->hold_remove_remote |= may_be_there(f);
	}
}

void
listing_report(struct run *run)
{
	if (!listing_is_by_name(run))
		return;
	report_account_issue(run, ITEM_FOLDER, SENTENCE);
	report_account_waits(run, ITEM_FOLDER, run->past.listing->kept);
}

/* --- what is kept of it --- */

static int
learn_costs(struct run *run, const struct folder *f, struct err *err)
{
	int64_t n;

	return index_fact_get(run->ix, f->row.id, COSTS, &n, err) == -1 ? -1 :
	    index_fact_set(run->ix, f->row.id, COSTS, n + 1, err);
}

int
listing_learn(struct run *run, struct err *err)
{
	const struct listing *l = run->past.listing;
	const size_t first = l == NULL ? 0 : l->n_without - l->found;
	size_t i, k;
	int rc = 0;

	run->met.caps_once |= run->past.caps_lost;
	if (l == NULL || run->opt.dry_run)
		return 0;
	if (l->lost > 0)	/* with STATUS or without */
		run->met.caps_once &= ~(unsigned)CAP_LIST_STATUS;
	for (i = first; i < l->n_without; i++)
		for (k = 0; k < run->n_folder && rc == 0; k++)
			if (run->folder[k].row.id != 0 &&
			    run->folder[k].row.raw != NULL &&
			    strcmp(run->folder[k].row.raw, l->without[i]) == 0)
				rc = learn_costs(run, &run->folder[k], err);
	return rc;
}
