/* Finds and reads what mbsync has. */
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

/* The newer place first. */
static char *
find_rc(const char *home)
{
	char *path = import_xdg_path("XDG_CONFIG_HOME", home, ".config",
	    "isyncrc");

	if (is_there(path))
		return path;
	free(path);
	return xasprintf("%s/.mbsyncrc", home);
}

static char *
find_default_state(const char *home)
{
	char *path = import_xdg_path("XDG_STATE_HOME", home, ".local/state",
	    "isync/");

	if (is_there(path))
		return path;
	free(path);
	return xasprintf("%s/.mbsync/", home);
}

static int
parse_file(const char *path, const char *home, struct mbsync_account **out,
    size_t *n_out, struct err *err)
{
	struct mbsync_rc rc = { .n = 0 };
	char *dir = import_directory_of(path);
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
import_mbsync(const char *path, struct import_found *out, struct err *err)
{
	char *home = fs_expand_home("~");
	struct mbsync_account *a;
	size_t n, i;
	int rc;

	*out = (struct import_found){ .path = path != NULL ? xstrdup(path) :
	    find_rc(home) };
	rc = parse_file(out->path, home, &a, &n, err);
	free(home);
	if (rc == -1)
		return -1;
	for (i = 0; i < n && rc == 0; i++) {
		struct import_entry *e = VEC_ADD(out->v, out->n, out->cap);

		rc = mbsync_base_read(&a[i], e, err);
		e->a = a[i].a;
		a[i].a = (struct import_account){ .line = 0 };
	}
	mbsync_accounts_free(a, n);
	return rc;
}
