/* Finds and reads mbsync's configuration. */
#include "import/mbsync_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "internal.h"

static bool
is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* "$NAME/tail", or under the home directory without that variable. */
static char *
xdg_path(const char *name, const char *home, const char *instead,
    const char *tail)
{
	const char *set = getenv(name);

	return set != NULL && *set == '/' ? xasprintf("%s/%s", set, tail) :
	    xasprintf("%s/%s/%s", home, instead, tail);
}

/* The newer place first. */
static char *
find_rc(const char *home)
{
	char *path = xdg_path("XDG_CONFIG_HOME", home, ".config", "isyncrc");

	if (is_there(path))
		return path;
	free(path);
	return xasprintf("%s/.mbsyncrc", home);
}

static char *
find_default_state(const char *home)
{
	char *path = xdg_path("XDG_STATE_HOME", home, ".local/state",
	    "isync/");

	if (is_there(path))
		return path;
	free(path);
	return xasprintf("%s/.mbsync/", home);
}

/* Relative paths begin where mbsync is run, or, from 1.5 on, at the file: who
 * has some keeps both the same. */
static char *
directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? xstrdup(".") : slash == path ? xstrdup("/") :
	    xstrndup(path, (size_t)(slash - path));
}

static char *
absolute_directory(const char *path)
{
	char *dir = directory_of(path), *real = realpath(dir, NULL);

	if (real == NULL)
		return dir;
	free(dir);
	return real;
}

static int
parse_file(const char *path, const char *home, struct mbsync_account **out,
    size_t *n_out, struct err *err)
{
	struct mbsync_rc rc = { .n = 0 };
	char *dir = absolute_directory(path);
	char *state = find_default_state(home);
	const struct mbsync_env env = { home, dir, state, path };
	struct buf text;
	int status;

	buf_init(&text, LIMIT_CONFIG);
	status = import_read_file(path, &text, NULL, err);
	if (status == 0)
		status = mbsync_rc_parse((struct span){
		    (const char *)text.data, text.len }, path, &rc, err);
	if (status == 0)
		status = mbsync_accounts(&rc, &env, out, n_out, err);
	mem_wipe(text.data, text.len);
	buf_release(&text);
	mbsync_rc_release(&rc);
	free(dir);
	free(state);
	return status;
}

int
mbsync_read(const char *path, char **path_out, struct mbsync_account **out,
    size_t *n_out, struct err *err)
{
	char *home = fs_expand_home("~");
	int rc;

	*path_out = path != NULL ? xstrdup(path) : find_rc(home);
	rc = parse_file(*path_out, home, out, n_out, err);
	free(home);
	return rc;
}
