/* Finds and reads what mbsync has. */
#include <stdlib.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "internal.h"

static const struct import_place rc_place = {
	"XDG_CONFIG_HOME", ".config", "isyncrc", ".mbsyncrc"
};
static const struct import_place state_place = {
	"XDG_STATE_HOME", ".local/state", "isync/", ".mbsync/"
};

static int
parse_file(const char *path, const char *home, struct mbsync_account **out,
    size_t *n_out, struct err *err)
{
	struct mbsync_rc rc = { .n = 0 };
	char *dir = import_directory_of(path);
	char *state = import_find(&state_place, home);
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
	    import_find(&rc_place, home) };
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
