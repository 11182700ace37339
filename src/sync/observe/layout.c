/* Lays the folders out as it is configured. Index lane. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "core/report.h"
#include "observe/observe.h"

struct layout
layout_wanted(const struct conf_account *c)
{
	const char *separator = c->separator;

	if (separator == NULL && c->layout == CONF_LAYOUT_MAILDIRPP)
		separator = ".";
	return (struct layout){
		.dotted = c->layout == CONF_LAYOUT_MAILDIRPP,
		.separator = separator != NULL ? *separator : '\0',
	};
}

int
layout_refuse_moving(const struct account *a, struct err *err)
{
	return !a->md.moving ? 0 : err_set(err, ERR_HELD, "the folders of %s "
	    "are on their way to another layout, and a run was stopped "
	    "meanwhile; run sync once, which goes on with that", a->md.root);
}

static int
preview_layout(struct run *run, const struct layout *want, struct err *err)
{
	if (layout_refuse_moving(run->account, err) == -1)
		return -1;
	if (!layout_equal(&run->md->layout, want))
		report_note_later(run, xasprintf("a sync would first move the "
		    "folders of %s to where they lie in the layout that is set "
		    "now", run->md->root));
	return 0;
}

/* --- names that another program gave --- */

/* Where it would lie if it were new. NULL: it does, or nobody could tell from
 * that directory whose it is. */
static char *
own_path(const struct layout *l, const struct index_folder *row)
{
	char *is = row->path == NULL ? NULL : maildir_path_decode(l, row->path);
	char *path = maildir_path_encode(l, row->name);
	char *name = path == NULL ? NULL : maildir_path_decode(l, path);

	if (is == NULL || name == NULL || strcasecmp(is, row->name) == 0 ||
	    strcmp(name, row->name) != 0) {
		free(path);
		path = NULL;
	}
	free(is);
	free(name);
	return path;
}

struct rows {
	struct index_folder *v;
	size_t n;
};

static bool
has_path(const struct rows *rows, const char *path)
{
	size_t i;

	for (i = 0; i < rows->n; i++)
		if (rows->v[i].path != NULL &&
		    strcmp(rows->v[i].path, path) == 0)
			return true;
	return false;
}

/* What can't be moved stays. */
static int
respell(struct run *run, const struct rows *rows, struct index_folder *row,
    struct err *err)
{
	char *path = row->local ? own_path(&run->md->layout, row) : NULL;
	struct err ignored;

	if (path == NULL)
		return 0;
	if (has_path(rows, path) || maildir_folder_rename(run->md, row->path,
	    path, &ignored) == -1) {
		free(path);
		return 0;
	}
	free(row->path);
	row->path = path;
	return index_folder_put(run->ix, row, err);
}

/*
 * A directory that was taken over may have a name that is another folder's in
 * this layout ("lists.foo"). Should the run be killed in between, the folder is
 * found again by the name of its directory; so not where that would take others
 * along. What is left then keeps its name, which is no harm.
 */
static int
respell_all(struct run *run, struct err *err)
{
	struct rows rows;
	size_t i;
	int rc;

	if (layout_nests(&run->md->layout))
		return 0;
	if (index_folders(run->ix, &rows.v, &rows.n, err) == -1)
		return -1;
	rc = index_begin(run->ix, err);
	for (i = 0; i < rows.n && rc == 0; i++)
		rc = respell(run, &rows, &rows.v[i], err);
	index_folders_free(rows.v, rows.n);
	return index_end(run->ix, rc, err);
}

/* --- all of them --- */

/* Before anything is looked at: then what is known of the folders holds. */
int
layout_settle(struct run *run, struct err *err)
{
	const struct layout want = layout_wanted(run->conf);
	bool changes = !layout_equal(&run->md->layout, &want);
	size_t n = 0;

	if (run->md->look_only)
		return preview_layout(run, &want, err);
	if (maildir_relayout(run->md, &want, &n, err) == -1)
		return -1;
	if (n > 0 && respell_all(run, err) == -1)
		return -1;
	if (changes)
		report_note_later(run, xasprintf("the layout was changed: %zu "
		    "folder%s of %s moved, nothing is transferred for that", n,
		    n == 1 ? "" : "s", run->md->root));
	return 0;
}
