/*
 * Finds in the attic where it has what is to be taken back. That is under the
 * message's own name; or under that of another one, which held the same when it
 * was removed: one of two is not kept while the other is there.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "index/content.h"
#include "maildir/name.h"
#include "run/history.h"
#include "run/restore.h"

#define ALIASES_MOST	16	/* of one message */

/* A name in the attic, and whose it is. */
struct attic_name {
	char *unique;
	struct wanted *w;
	bool alias;
};

struct attic_names {
	struct attic_name *v;	/* by unique, in the end */
	size_t n, cap;
	struct wanted **known;	/* those whose content is known */
	size_t n_known;
};

static void
add_attic_name(struct attic_names *names, struct wanted *w, const char *unique,
    bool alias)
{
	*VEC_ADD(names->v, names->n, names->cap) = (struct attic_name){
		.unique = xstrdup(unique), .w = w, .alias = alias,
	};
}

/* --- names of others --- */

static int
wanted_by_content(const void *x, const void *y)
{
	struct wanted *const *a = x, *const *b = y;
	int64_t p = (*a)->content, q = (*b)->content;

	return p < q ? -1 : p > q;
}

static size_t
first_of_content(const struct attic_names *names, int64_t content)
{
	size_t low = 0, high = names->n_known;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (names->known[mid]->content < content)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int
alias_entry(void *arg, struct index_log_entry *e, struct err *err)
{
	struct attic_names *names = arg;
	size_t i;

	(void)err;
	if (e->content == 0 || e->unique == NULL || !history_is_removal(e))
		return 0;
	for (i = first_of_content(names, e->content); i < names->n_known &&
	    names->known[i]->content == e->content; i++) {
		struct wanted *w = names->known[i];

		if (w->n_alias == ALIASES_MOST ||
		    strcmp(w->unique, e->unique) == 0)
			continue;
		w->n_alias++;
		add_attic_name(names, w, e->unique, true);
	}
	return 0;
}

static int
find_names(struct restore *r, struct attic_names *names, struct err *err)
{
	const struct sync_log_query all = { .removed = true };
	const struct history_visit visit = { names, alias_entry };
	size_t i;

	names->known = xcalloc(r->n + 1, sizeof(*names->known));
	for (i = 0; i < r->n; i++) {
		struct wanted *w = &r->wanted[i];

		add_attic_name(names, w, w->unique, false);
		if (w->content != 0)
			names->known[names->n_known++] = w;
	}
	if (names->n_known == 0)
		return 0;
	qsort(names->known, names->n_known,
	    sizeof(*names->known), wanted_by_content);
	return history_each(r->run->ix, &all, &visit, err);
}

/* --- files --- */

static int
by_unique(const void *x, const void *y)
{
	const struct attic_name *a = x, *b = y;

	return strcmp(a->unique, b->unique);
}

/* The first that is not less. */
static size_t
first_of(const struct attic_names *names, const char *unique)
{
	size_t low = 0, high = names->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(names->v[mid].unique, unique) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int
match_file(void *arg, const struct maildir_attic_entry *e, struct err *err)
{
	const struct attic_names *names = arg;
	struct maildir_name name;
	char *unique;
	size_t i;

	(void)err;
	if (!maildir_name_parse(e->file, &name))
		return 0;
	unique = span_dup(name.unique);
	for (i = first_of(names, unique); i < names->n &&
	    strcmp(names->v[i].unique, unique) == 0; i++) {
		struct wanted *w = names->v[i].w;

		*VEC_ADD(w->copy, w->n_copy, w->cap_copy) =
		    (struct attic_copy){
			.day = xstrdup(e->day), .dir = xstrdup(e->dir),
			.file = xstrdup(e->file), .folder = e->folder != NULL ?
			    xstrdup(e->folder) : NULL,
			.alias = names->v[i].alias,
		    };
	}
	free(unique);
	return 0;
}

static void
names_free(struct attic_names *names)
{
	size_t i;

	for (i = 0; i < names->n; i++)
		free(names->v[i].unique);
	free(names->v);
	free(names->known);
}

/* --- what is known by its name alone --- */

static int
learn_content(struct restore *r, struct wanted *w, struct err *err)
{
	struct err ignored;
	size_t i;

	for (i = w->n_copy; i > 0; i--) {
		const struct attic_copy *c = &w->copy[i - 1];
		const struct maildir_attic_entry e = {
			.day = c->day, .dir = c->dir, .file = c->file
		};
		struct fingerprint fp;

		if (!restore_can_be(r, w, c) || maildir_attic_fingerprint(
		    r->run->md, &e, &fp, &ignored) == -1)
			continue;
		w->has_digest = true;
		memcpy(w->digest, fp.content, sizeof(w->digest));
		return index_content_find(r->run->ix, &fp, &w->content,
		    err) == -1 ? -1 : 0;
	}
	return 0;
}

/* A part that can't be read keeps back no other: what is not found is told. */
int
restore_find_copies(struct restore *r, struct err *err)
{
	struct attic_names names = { .n = 0 };
	const struct maildir_attic_visit visit = { &names, match_file };
	int rc = find_names(r, &names, err);
	struct err ignored;
	size_t i;

	if (rc == 0 && names.n > 0) {
		qsort(names.v, names.n, sizeof(*names.v), by_unique);
		(void)maildir_attic_list(r->run->md, &visit, &ignored);
	}
	names_free(&names);
	for (i = 0; i < r->n && rc == 0; i++)
		if (r->wanted[i].content == 0)
			rc = learn_content(r, &r->wanted[i], err);
	return rc;
}
