/* The Maildir as such: its marker, directories that no folder has, attic. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "index/verify.h"
#include "maildir/attic.h"
#include "maildir/foreign.h"
#include "maildir/layout.h"
#include "maildir/name.h"
#include "observe/observe.h"
#include "run/inspect.h"

/* --- the marker --- */

static int
count_paired(struct inspection *in, uint64_t *out, struct err *err)
{
	struct index_counts counts;

	*out = 0;
	if (in->account->ix == NULL)
		return 0;
	if (index_counts(in->account->ix, 0, &counts, err) == -1)
		return -1;
	*out = counts.paired;
	return 0;
}

static int
check_marker(struct inspection *in, struct err *err)
{
	struct account *a = in->account;
	const struct found root = { .met = a->conf->maildir };
	char *id;

	if (index_get(a->ix, "root-id", &id, err) == -1)
		return -1;
	if (id == NULL || strcmp(id, a->root_id) != 0) {
		inspect_tell(in, V_ROOT_OTHER, &root);
		in->on_disk = false;
	} else if (!in->current)
		inspect_tell(in, V_ROOT_OLDER, &root);
	free(id);
	in->repairs = in->request->repair && in->current;
	return in->repairs ? maildir_lock(&a->md, err) : 0;
}

static int
check_root(struct inspection *in, struct err *err)
{
	struct account *a = in->account;
	const struct found root = { .met = a->conf->maildir };
	const bool lost = a->root_state == ROOT_MISSING ||
	    a->root_state == ROOT_EMPTY;
	uint64_t paired;

	if (a->ix == NULL) {	/* that nothing is known of it says it all */
		if (a->root_state == ROOT_MARKED && in->out->never)
			inspect_tell(in, V_INDEX_LOST, &root);
		return 0;
	}
	if (count_paired(in, &paired, err) == -1)
		return -1;
	in->on_disk = !lost;
	if (a->root_state == ROOT_MARKED)
		return check_marker(in, err);
	if (paired > 0)
		inspect_tell(in, lost ? V_ROOT_GONE : V_ROOT_NO_MARKER, &root);
	return 0;
}

static void
check_programs(struct inspection *in)
{
	struct maildir_foreign f;
	const char *met;

	maildir_foreign_look(&in->account->md, &f);
	met = f.mbsync != NULL ? f.mbsync : f.uidvalidity != NULL ?
	    f.uidvalidity : f.offlineimap;
	if (met != NULL)
		inspect_tell(in, V_ROOT_PROGRAM, &(struct found){
			.met = met });
	maildir_foreign_release(&f);
}

int
inspect_root(struct inspection *in, struct err *err)
{
	struct account *a = in->account;

	if (root_find_beside(&in->run, &in->current, err) == -1) {
		if (err->kind != ERR_CONFIG)
			return -1;
		inspect_tell(in, V_ROOT_MARKERS, &(struct found){
			.met = err->msg });
		*err = (struct err){ 0 };
		return 0;
	}
	a->md.look_only = true;
	if (check_root(in, err) == -1)
		return -1;
	if (maildir_root_is_folder(&a->md))
		inspect_tell(in, V_ROOT_IS_FOLDER, &(struct found){
			.met = a->conf->maildir });
	if (in->on_disk)
		check_programs(in);
	return 0;
}

/* --- directories that no folder has --- */

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
judge_directory(struct inspection *in, const struct maildir_folder *d)
{
	char *name = maildir_path_decode(&in->account->md.layout, d->path);
	const struct found about = { .met = d->path };

	if (name == NULL || inspect_wants_folder(in, name)) {
		if (d->stray)
			inspect_tell(in, V_DIR_DOTTED, &about);
		else if (d->unread != 0)
			inspect_tell(in, V_DIR_UNREAD, &about);
		else
			inspect_tell(in, d->whole ? V_DIR_NEW : V_DIR_PART,
			    &about);
	}
	free(name);
}

int
inspect_directories(struct inspection *in, struct err *err)
{
	const char **known = xcalloc(in->n_folder + 1, sizeof(*known));
	struct maildir_folder *v;
	size_t i, n, n_known = 0;

	for (i = 0; i < in->n_folder; i++)
		if (in->folder[i].path != NULL)
			known[n_known++] = in->folder[i].path;
	qsort(known, n_known, sizeof(*known), by_text);
	if (!in->on_disk || maildir_folders(&in->account->md, &v, &n,
	    err) == -1) {
		free(known);
		return in->on_disk ? -1 : 0;
	}
	for (i = 0; i < n; i++)
		if (bsearch(&v[i].path, known, n_known, sizeof(*known),
		    by_text) == NULL)
			judge_directory(in, &v[i]);
	maildir_folders_free(v, n);
	free(known);
	return 0;
}

/* --- the attic --- */

/* As it is now; one that is gone is nothing to be told. */
static int
compare_kept(struct inspection *in, const struct maildir_attic_entry *e,
    const struct found *about, struct err *err)
{
	const struct index_removal gone = { about->folder, about->unique };
	struct fingerprint fp;
	struct err why;
	bool other;

	if (maildir_attic_fingerprint(&in->account->md, e, &fp, &why) == -1) {
		if (why.kind != ERR_STALE)
			inspect_tell(in, V_ATTIC_UNREAD, about);
		return 0;
	}
	if (index_is_other(in->account->ix, &gone, &fp, &other, err) == -1)
		return -1;
	if (other)
		inspect_tell(in, V_ATTIC_CONTENT, about);
	return 0;
}

/* What the log calls the folder: by its path, or as that decodes. */
static char *
log_name_of(const struct inspection *in, const char *path)
{
	size_t i;

	for (i = 0; path != NULL && i < in->n_folder; i++)
		if (in->folder[i].path != NULL &&
		    strcmp(in->folder[i].path, path) == 0)
			return xstrdup(in->folder[i].name);
	return path == NULL ? NULL : maildir_path_decode(
	    &in->account->md.layout, path);
}

struct kept_search {
	struct inspection *in;
	bool failed;		/* by the index, and not by the attic */
};

static int
inspect_kept(void *arg, const struct maildir_attic_entry *e, struct err *err)
{
	struct kept_search *k = arg;
	struct inspection *in = k->in;
	char *folder = log_name_of(in, e->folder), *unique = NULL, *met;
	struct maildir_name name;
	int rc = 0;

	if (maildir_name_parse(e->file, &name))
		unique = span_dup(name.unique);
	met = xasprintf("%s/%s/%s", e->day, e->dir, e->file);
	if (folder != NULL && unique != NULL &&
	    inspect_wants_folder(in, folder) && inspect_goes_on(in) &&
	    inspect_wants(in, folder, unique, 0)) {
		const struct found about = { folder, unique, 0, met };

		if (e->size == 0)
			inspect_tell(in, V_ATTIC_EMPTY, &about);
		else
			rc = compare_kept(in, e, &about, err);
		k->failed = rc == -1;
	}
	free(met);
	free(unique);
	free(folder);
	return rc;
}

int
inspect_attic(struct inspection *in, struct err *err)
{
	struct kept_search k = { .in = in };
	const struct maildir_attic_visit visit = { &k, inspect_kept };

	if (!in->on_disk || in->out->stopped ||
	    maildir_attic_list(&in->account->md, &visit, err) == 0)
		return 0;
	if (k.failed)
		return -1;
	inspect_tell(in, V_ATTIC_UNREAD, &(struct found){ .met = err->msg });
	*err = (struct err){ 0 };
	return 0;
}
