/* Finds in the log what is to be taken back, and in the attic where it is. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "maildir/name.h"
#include "run/history.h"
#include "run/restore.h"

static void
wanted_release(struct wanted *w)
{
	size_t i;

	for (i = 0; i < w->n_copy; i++) {
		free(w->copy[i].day);
		free(w->copy[i].dir);
		free(w->copy[i].file);
		free(w->copy[i].folder);
	}
	free(w->copy);
	free(w->keywords);
	free(w->folder);
	free(w->unique);
	free(w->message_id);
	free(w->subject);
	free(w->sender);
}

void
restore_release(struct restore *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		wanted_release(&r->wanted[i]);
	free(r->wanted);
}

/* --- from the log --- */

static bool
is_to_be_restored(const struct sync_restore_request *q,
    const struct index_log_entry *e)
{
	size_t i;

	for (i = 0; i < q->n_id; i++)
		if (q->id[i] == e->id)
			return true;
	return q->n_id == 0 && (q->run == 0 || q->run == e->run) &&
	    history_is_removal(e);
}

static void
want(struct restore *r, const struct index_log_entry *e)
{
	struct wanted *w = VEC_ADD(r->wanted, r->n, r->cap);

	*w = (struct wanted){
		.id = e->id, .content = e->content, .flags = e->flags,
		.keywords = xstrdup(e->keywords), .folder = xstrdup(e->folder),
		.unique = xstrdup(e->unique != NULL ? e->unique : ""),
		.message_id = xstrdup(e->message_id),
		.subject = xstrdup(e->subject), .sender = xstrdup(e->sender),
	};
}

static int
want_entry(void *arg, struct index_log_entry *e, struct err *err)
{
	struct restore *r = arg;

	if (!is_to_be_restored(r->request, e))
		return 0;
	if (!history_is_removal(e))
		return err_set(err, ERR_USAGE, "entry %lld of the log tells of "
		    "no message that was removed", (long long)e->id);
	want(r, e);
	return 0;
}

/* Each id once. */
static int
check_ids(const struct restore *r, struct err *err)
{
	const struct sync_restore_request *q = r->request;
	size_t i, j;

	for (i = 0; i < q->n_id; i++) {
		for (j = 0; j < r->n && r->wanted[j].id != q->id[i]; j++)
			continue;
		if (j == r->n)
			return err_set(err, ERR_USAGE, "there is no entry %lld "
			    "in the log of account %s; mailtern log prints the "
			    "number of each", (long long)q->id[i],
			    r->run->conf->name);
	}
	return 0;
}

/* What has no content is known by its name. */
static int
same_message(const struct wanted *a, const struct wanted *b)
{
	int by = strcmp(a->folder, b->folder);

	if (by == 0 && a->content != b->content)
		by = a->content < b->content ? -1 : 1;
	return by == 0 && a->content == 0 ? strcmp(a->unique, b->unique) : by;
}

static int
by_message(const void *x, const void *y)
{
	const struct wanted *a = x, *b = y;
	int by = same_message(a, b);

	return by != 0 ? by : a->id < b->id ? -1 : a->id > b->id;
}

/* One that was removed, taken back and removed again is wanted once, as it was
 * at last. */
static void
drop_repeats(struct restore *r)
{
	size_t i, n = 0;

	if (r->n > 0)
		qsort(r->wanted, r->n, sizeof(*r->wanted), by_message);
	for (i = 0; i < r->n; i++) {
		if (n > 0 && same_message(&r->wanted[n - 1],
		    &r->wanted[i]) == 0)
			wanted_release(&r->wanted[--n]);
		r->wanted[n++] = r->wanted[i];
	}
	r->n = n;
}

static int
find_entries(struct restore *r, struct err *err)
{
	const struct sync_restore_request *q = r->request;
	const struct history_visit visit = { r, want_entry };
	const struct sync_log_query query = {
		.since = q->n_id == 0 ? q->since : 0,
		.glob = q->glob, .n_glob = q->n_id == 0 ? q->n_glob : 0,
	};

	if (history_each(r->run->ix, &query, &visit, err) == -1 ||
	    check_ids(r, err) == -1)
		return -1;
	drop_repeats(r);
	return 0;
}

/* --- from the attic --- */

struct by_name {
	struct wanted **v;	/* by unique part */
	size_t n;
};

static int
by_unique(const void *x, const void *y)
{
	struct wanted *const *a = x, *const *b = y;

	return strcmp((*a)->unique, (*b)->unique);
}

/* The first that is not less. */
static size_t
first_of(const struct by_name *names, const char *unique)
{
	size_t low = 0, high = names->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(names->v[mid]->unique, unique) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int
match_file(void *arg, const struct maildir_attic_entry *e, struct err *err)
{
	const struct by_name *names = arg;
	struct maildir_name name;
	char *unique;
	size_t i;

	(void)err;
	if (!maildir_name_parse(e->file, &name))
		return 0;
	unique = span_dup(name.unique);
	for (i = first_of(names, unique); i < names->n &&
	    strcmp(names->v[i]->unique, unique) == 0; i++) {
		struct wanted *w = names->v[i];

		*VEC_ADD(w->copy, w->n_copy, w->cap_copy) =
		    (struct attic_copy){
			.day = xstrdup(e->day), .dir = xstrdup(e->dir),
			.file = xstrdup(e->file), .folder = e->folder != NULL ?
			    xstrdup(e->folder) : NULL,
		    };
	}
	free(unique);
	return 0;
}

/* A part that can't be read keeps back no other: what is not found is told. */
static void
find_copies(struct restore *r)
{
	struct by_name names = { .n = r->n };
	const struct maildir_attic_visit visit = { &names, match_file };
	struct err ignored;
	size_t i;

	names.v = xcalloc(r->n + 1, sizeof(*names.v));
	for (i = 0; i < r->n; i++)
		names.v[i] = &r->wanted[i];
	qsort(names.v, r->n, sizeof(*names.v), by_unique);
	(void)maildir_attic_list(r->run->md, &visit, &ignored);
	free(names.v);
}

int
restore_find(struct restore *r, struct err *err)
{
	if (find_entries(r, err) == -1)
		return -1;
	find_copies(r);
	return 0;
}
