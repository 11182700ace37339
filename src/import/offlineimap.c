/* Finds and reads what OfflineIMAP has: its configuration, and what it last
 * agreed on, folder by folder. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "import/offlineimap.h"
#include "index/status.h"
#include "internal.h"
#include "mail/fingerprint.h"
#include "mail/flags.h"

struct offline_reading {
	struct offlineimap_account *a;
	struct import_entry *out;
	const char *path;	/* of the folder, below the root */
	char *base;		/* its name in the state */
	struct takeover_pair *pair;
	size_t n, cap;
};

/* --- one folder --- */

/* Each letter that is a flag: a-z are keywords of its own. */
static void
offline_row(void *arg, int64_t uid, const char *letters)
{
	struct offline_reading *r = arg;
	struct takeover_pair *p;

	if (uid <= 0 || uid > UINT32_MAX)
		return;
	p = VEC_ADD(r->pair, r->n, r->cap);
	p->uid = p->near = (uint32_t)uid;
	for (; *letters != '\0'; letters++)
		p->flags |= flag_from_letter(*letters);
}

/* The server's UIDVALIDITY; 0: it is not known. */
static uint64_t
validity_of(const struct offline_reading *r)
{
	char *file = xasprintf("%s/Repository-%s/FolderValidity/%s",
	    r->a->metadata, r->a->far, r->base);
	struct err ignored;
	struct buf text;
	uint64_t n = 0;

	buf_init(&text, 8192);
	if (import_read_file(file, &text, NULL, &ignored) == 0) {
		size_t digits = strspn(buf_str(&text), "0123456789");

		if (!span_number((struct span){ buf_str(&text), digits },
		    UINT32_MAX, &n))
			n = 0;
	}
	buf_release(&text);
	free(file);
	return n;
}

static void
take_rows(struct offline_reading *r, uint64_t validity, int64_t written)
{
	struct takeover_folder *f;
	char *name, md5[33];

	fingerprint_md5(r->path, md5);
	name = import_plain_name(r->path);
	f = import_add_folder(r->out, name, r->path);
	free(name);
	if (*md5 == '\0')
		return;		/* then it is merged by content */
	f->mark = xasprintf(",FMD5=%s", md5);
	f->uidvalidity = validity;
	f->pair = r->pair;
	f->n = r->n;
	f->written = written;
	r->pair = NULL;
}

static void
leave_folder(const struct offline_reading *r)
{
	char *name = import_plain_name(r->path);

	import_add_folder(r->out, name, r->path);
	free(name);
}

static int
read_status(struct offline_reading *r, const char *file, struct err *err)
{
	const struct index_status_visit visit = { offline_row, r };
	uint64_t validity = validity_of(r);
	int64_t written;

	if (!import_written(file, &written)) {
		leave_folder(r);
		return 0;	/* new since its last run */
	}
	if (import_has_beside(file, "-journal") ||
	    import_has_beside(file, "-wal"))
		return err_set(err, ERR_HELD, "OfflineIMAP's last run was cut "
		    "off (%s-journal is there): run it once more, so that it "
		    "finishes that, and import then", file);
	if (index_status_read(file, &visit, err) == -1 || validity == 0) {
		leave_folder(r);
		import_note(&r->a->a, 0, false, xasprintf("folder %s is merged "
		    "by content: %s", r->path, validity == 0 ?
		    "its FolderValidity is not known" : err->msg));
	} else {
		take_rows(r, validity, written);
	}
	return 0;
}

struct offline_account {
	struct offlineimap_account *a;
	struct import_entry *out;
};

/* Where '.' may be a level or a part of a name, only the server's list tells
 * which; and its state may be that of either. */
static int
offline_folder(void *arg, const char *path, struct err *err)
{
	const struct offline_account *all = arg;
	struct offlineimap_account *a = all->a;
	struct offline_reading r = { .a = a, .out = all->out, .path = path };
	char *file;
	int rc;

	if (strchr(path, '.') != NULL) {
		all->out->t.asks |= strcmp(a->sep, "/") != 0;
		return 0;
	}
	r.base = import_replaced(path, "/", ".");
	file = xasprintf("%s/Account-%s/LocalStatus-sqlite/%s", a->metadata,
	    a->theirs, r.base);
	rc = read_status(&r, file, err);
	free(r.pair);
	free(r.base);
	free(file);
	return rc;
}

/* --- an account --- */

static int
check_lock(const struct offlineimap_account *a, struct err *err)
{
	char *lock = xasprintf("%s/%s.lock", a->metadata, a->theirs);
	bool busy = import_is_locked(lock) || import_is_flocked(lock);

	free(lock);
	return !busy ? 0 : err_set(err, ERR_BUSY, "OfflineIMAP is at work on "
	    "account %s; import when it is done", a->theirs);
}

static int
read_base(struct offlineimap_account *a, struct import_entry *out,
    struct err *err)
{
	struct offline_account all = { a, out };
	const struct import_visit visit = { &all, offline_folder };

	out->t.from = "offlineimap";
	out->t.near_of = mbsync_file_uid;
	if (check_lock(a, err) == -1 ||
	    import_folders(&a->a, &visit, err) == -1)
		return -1;
	if (out->t.asks)
		import_note(&a->a, 0, false, xstrdup("folders with a dot in "
		    "the name of their directory are compared by content when "
		    "sync --adopt is run: whether the dot divides levels, the "
		    "server says"));
	return 0;
}

/* --- the configuration --- */

static const struct import_place config_place = {
	"XDG_CONFIG_HOME", ".config", "offlineimap/config", ".offlineimaprc"
};

static int
parse_config(const char *path, const char *home,
    struct offlineimap_account **out, size_t *n_out, struct err *err)
{
	const struct offlineimap_env env = { home, path };
	struct ini ini = { .n = 0 };
	struct buf text;
	int rc;

	buf_init(&text, LIMIT_CONFIG);
	rc = import_read_file(path, &text, NULL, err);
	if (rc == 0)
		rc = ini_parse((struct span){ (const char *)text.data,
		    text.len }, path, &ini, err);
	if (rc == 0)
		rc = offlineimap_accounts(&ini, &env, out, n_out, err);
	mem_wipe(text.data, text.len);
	buf_release(&text);
	ini_release(&ini);
	return rc;
}

int
import_offlineimap(const char *path, struct import_found *out,
    struct err *err)
{
	char *home = fs_expand_home("~");
	struct offlineimap_account *a;
	size_t n, i;
	int rc;

	*out = (struct import_found){ .path = path != NULL ? xstrdup(path) :
	    import_find(&config_place, home) };
	rc = parse_config(out->path, home, &a, &n, err);
	free(home);
	if (rc == -1)
		return -1;
	for (i = 0; i < n && rc == 0; i++) {
		struct import_entry *e = VEC_ADD(out->v, out->n, out->cap);

		rc = read_base(&a[i], e, err);
		e->a = a[i].a;
		a[i].a = (struct import_account){ .line = 0 };
	}
	offlineimap_accounts_free(a, n);
	return rc;
}
