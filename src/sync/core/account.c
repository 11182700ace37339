/* Says where the index of an account lies, and opens it without a sync. */
#include <stdlib.h>

#include "base/mem.h"
#include "core/run.h"

/* $XDG_STATE_HOME/mailtern or ~/.local/state/mailtern. */
static char *
state_dir(struct err *err)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (xdg != NULL && *xdg == '/')
		return xasprintf("%s/mailtern", xdg);
	if (home == NULL || *home != '/') {
		err_set(err, ERR_CONFIG, "neither XDG_STATE_HOME nor HOME is "
		    "set: there is no place for the index; set one of them");
		return NULL;
	}
	return xasprintf("%s/.local/state/mailtern", home);
}

char *
account_index_path(const struct account *a, struct err *err)
{
	char *path, *dir = a->state_dir != NULL ? xstrdup(a->state_dir) :
	    state_dir(err);

	if (dir == NULL)
		return NULL;
	path = xasprintf("%s/%s.db", dir, a->conf->name);
	free(dir);
	return path;
}

int
account_open_index(struct account *a, enum index_open_as as,
    struct index_open_result *out, struct err *err)
{
	char *path = account_index_path(a, err);
	int rc;

	if (path == NULL)
		return -1;
	rc = index_open(&a->ix, path, INDEX_READ, out, err);
	if (rc == 0 && as != INDEX_READ) {
		index_close(a->ix);
		a->ix = NULL;
		rc = index_open(&a->ix, path, as, out, err);
	}
	free(path);
	return rc;
}
