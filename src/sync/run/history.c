/* Tells what was done to an account, from its index alone. */
#include "sync/history.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/os.h"
#include "base/str.h"
#include "core/run.h"
#include "index/log.h"
#include "mail/flags.h"
#include "run/history.h"

#define LOG_PAGE	200

/* --- in words --- */

/* Where nothing was written down, because what says it all. */
static const struct {
	const char *what, *why;
} plain[] = {
	{ "pulled", "new on the server" },
	{ "pushed", "new on disk" },
	{ "moved-remote", "moved on disk" },
	{ "copied-remote", "copied on disk" },
	{ "flags-local", "changed on the server" },
	{ "flags-remote", "changed on disk" },
	{ "made-local", "there is such a folder on the server" },
	{ "made-remote", "there is such a folder on disk" },
	{ "renamed-local", "renamed on the server" },
};

static const char *
why_of(const struct index_log_entry *e)
{
	size_t i;

	for (i = 0; *e->evidence == '\0' && i < sizeof(plain) /
	    sizeof(plain[0]); i++)
		if (strcmp(plain[i].what, e->what) == 0)
			return plain[i].why;
	return e->evidence;
}

bool
history_is_removal(const struct index_log_entry *e)
{
	return strcmp(e->what, "removed-local") == 0 ||
	    strcmp(e->what, "removed-remote") == 0 ||
	    strcmp(e->what, "trashed") == 0;
}

/* "\Seen \Flagged work". Replaces out. */
static void
flags_in_words(struct buf *out, unsigned flags, const char *keywords)
{
	unsigned bit;

	buf_clear(out);
	for (bit = 1; bit & FLAG_ALL; bit <<= 1)
		if (flags & bit)
			buf_addf(out, "%s%s", out->len > 0 ? " " : "",
			    flag_imap_name(bit));
	if (*keywords != '\0')
		buf_addf(out, "%s%s", out->len > 0 ? " " : "", keywords);
}

/* --- which --- */

/* With or without its brackets. */
static struct span
bare_id(const char *id)
{
	struct span s = span_of(id);

	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		return (struct span){ s.p + 1, s.n - 2 };
	return s;
}

static bool
same_id(const char *a, const char *b)
{
	struct span x = bare_id(a), y = bare_id(b);

	return x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
}

static bool
log_wants(const struct sync_log_query *query, const struct index_log_entry *e)
{
	size_t i;

	if ((query->removed && !history_is_removal(e)) ||
	    (query->message_id != NULL &&
	    !same_id(query->message_id, e->message_id)))
		return false;
	for (i = 0; i < query->n_glob; i++)
		if (conf_pattern_matches(query->glob[i], e->folder))
			return true;
	return query->n_glob == 0;
}

static void
visit_entry(const struct sync_log_visit *visit, const struct index_log_entry *e)
{
	struct buf flags;

	buf_init(&flags, 4 * LIMIT_KEYWORDS);
	flags_in_words(&flags, e->flags, e->keywords);
	visit->entry(visit->arg, &(struct sync_log_entry){
		.id = e->id, .at = e->at, .run = e->run, .what = e->what,
		.folder = e->folder, .uid = e->uid, .unique = e->unique,
		.message_id = e->message_id, .subject = e->subject,
		.sender = e->sender, .flags = buf_str(&flags),
		.detail = e->detail, .why = why_of(e),
		.removal = history_is_removal(e),
	});
	buf_release(&flags);
}

int
history_each(struct index *ix, const struct sync_log_query *query,
    const struct history_visit *visit, struct err *err)
{
	struct index_log_query from = {
		.after = query->after, .since = query->since
	};
	struct index_log_entry *e = xcalloc(LOG_PAGE, sizeof(*e));
	int i, n, rc = 0;

	do {
		n = index_log_entries(ix, &from, e, LOG_PAGE, err);
		for (i = 0; i < n; i++) {
			from.after = e[i].id;
			if (rc == 0 && log_wants(query, &e[i]))
				rc = visit->entry(visit->arg, &e[i], err);
			index_log_release(&e[i]);
		}
	} while (n == LOG_PAGE && rc == 0);
	free(e);
	return n < 0 ? -1 : rc;
}

/* --- the account's --- */

static int
tell_entry(void *arg, struct index_log_entry *e, struct err *err)
{
	(void)err;
	visit_entry(arg, e);
	return 0;
}

int
sync_log(const struct conf_account *conf, const char *state_dir,
    const struct sync_log_query *query, struct sync_log_visit *visit,
    struct err *err)
{
	struct account a = { .conf = conf, .state_dir = state_dir };
	const struct history_visit each = { visit, tell_entry };
	struct index_open_result how = { .fresh = false };
	int rc = account_open_index(&a, INDEX_READ, &how, err);

	visit->oldest = visit->newest = 0;
	if (rc == -1)	/* never synced: nothing was done */
		return err->kind == ERR_STALE ? 0 : -1;
	/* Before: what comes meanwhile comes again. */
	rc = index_log_range(a.ix, &visit->oldest, &visit->newest, err);
	if (rc == 0)
		rc = history_each(a.ix, query, &each, err);
	index_close(a.ix);
	return rc;
}

/* --- following --- */

/* A file system may count in ticks: what was written just now may be written
 * once more under the same time. */
static uint64_t
add_file(uint64_t sum, const char *path, const char *tail)
{
	char *name = xasprintf("%s%s", path, tail);
	int64_t now = clock_wall(), of[4] = { 0 };
	struct stat st;

	if (stat(name, &st) == 0) {
		of[0] = (int64_t)st.st_ino;
		of[1] = (int64_t)st.st_size;
		of[2] = (int64_t)os_mtime(&st).tv_sec;
		of[3] = os_mtime(&st).tv_nsec;
		if (now - of[2] < 2)
			of[3] = (int64_t)clock_mono_ms();
	}
	free(name);
	return fnv1a(sum, of, sizeof(of));
}

int
sync_log_stamp(const struct conf_account *conf, const char *state_dir,
    uint64_t *out, struct err *err)
{
	const struct account a = { .conf = conf, .state_dir = state_dir };
	char *path = account_index_path(&a, err);

	if (path == NULL)
		return -1;
	*out = add_file(add_file(FNV1A_START, path, ""), path, "-wal");
	free(path);
	return 0;
}
