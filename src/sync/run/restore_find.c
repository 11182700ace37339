/* Finds in the log what is to be taken back, each once. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
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

/* What has no content is known by its digest, or by its name. */
static int
same_message(const struct wanted *a, const struct wanted *b)
{
	int by = strcmp(a->folder, b->folder);

	if (by != 0)
		return by;
	if (a->content != b->content)
		return a->content < b->content ? -1 : 1;
	if (a->content != 0)
		return 0;
	if (a->has_digest != b->has_digest)
		return a->has_digest ? 1 : -1;
	return a->has_digest ? memcmp(a->digest, b->digest,
	    sizeof(a->digest)) : strcmp(a->unique, b->unique);
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

	return history_each(r->run->ix, &query, &visit, err) == -1 ? -1 :
	    check_ids(r, err);
}

int
restore_find(struct restore *r, struct err *err)
{
	if (find_entries(r, err) == -1 || restore_find_copies(r, err) == -1)
		return -1;
	drop_repeats(r);
	return 0;
}
