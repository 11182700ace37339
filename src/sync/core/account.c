/* Says where the index of an account lies. */
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
