/* Reads what mbsync last agreed on, folder by folder. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "internal.h"
#include "maildir/maildir.h"

#define STATE_MOST	(1u << 30)

struct base_reading {
	struct mbsync_account *a;
	struct import_entry *out;
	const char *path;	/* of the folder, below the root */
	const char *state;	/* its file */
	char *name;		/* of the folder */
};

static void
note(struct base_reading *r, bool blocks, char *text)
{
	import_note(&r->a->a, 0, blocks, text);
}

/* --- is mbsync through with it? --- */

static int
check_idle(struct base_reading *r, struct err *err)
{
	char *lock = xasprintf("%s.lock", r->state);
	char *numbers = xasprintf("%s/%s/.uidvalidity", r->a->a.maildir,
	    r->path);
	bool busy = import_is_locked(lock) || import_is_locked(numbers);

	free(lock);
	free(numbers);
	if (busy)
		return err_set(err, ERR_BUSY, "mbsync is at work on folder %s; "
		    "import when it is done", r->name);
	if (import_has_beside(r->state, ".journal") ||
	    import_has_beside(r->state, ".new"))
		return err_set(err, ERR_HELD, "mbsync's last run was cut off "
		    "at folder %s (%s.journal or .new is there): run mbsync "
		    "once more, so that it finishes that, and import then",
		    r->name, r->state);
	return 0;
}

/* --- the pairs --- */

/* What is in a state, by what becomes of it. */
struct kinds {
	uint64_t dummies;
	uint64_t halves;	/* deleted on one side, marked on the other */
};

static void
add_pair(struct takeover_folder *f, struct takeover_pair *v,
    const struct mbsync_pair *p, struct kinds *kinds)
{
	kinds->dummies += p->dummy;
	if (p->dummy || p->partial)
		return;
	if (p->far != 0 && p->near != 0)
		v[f->n++] = (struct takeover_pair){ p->far, p->near,
		    p->flags };
	else
		kinds->halves += p->far != p->near;
}

static void
note_kinds(struct base_reading *r, const struct kinds *kinds)
{
	if (kinds->dummies > 0)
		note(r, true, xasprintf("folder %s holds %llu placeholders of "
		    "messages that were too large (MaxSize), and a placeholder "
		    "is no message: flag them, take MaxSize out and run mbsync "
		    "--renew, then import", r->name,
		    (unsigned long long)kinds->dummies));
	if (kinds->halves > 0)
		note(r, false, xasprintf("folder %s: what was deleted on one "
		    "side and only marked as deleted on the other (%llu) will "
		    "be on both again, still marked; to be rid of it, run "
		    "mbsync --expunge, then import", r->name,
		    (unsigned long long)kinds->halves));
}

static void
take_state(struct base_reading *r, const struct mbsync_state *s,
    int64_t written)
{
	struct takeover_pair *v = xcalloc(s->n + 1, sizeof(*v));
	struct takeover_folder *f = import_add_folder(r->out, r->name,
	    r->path);
	struct kinds kinds = { 0, 0 };
	size_t i;

	f->uidvalidity = s->far_validity;
	f->pair = v;
	f->written = written;
	for (i = 0; i < s->n; i++)
		add_pair(f, v, &s->pair[i], &kinds);
	note_kinds(r, &kinds);
}

/* The highest number that it gave to a file. */
static uint32_t
highest_near(const struct mbsync_state *s)
{
	uint32_t most = 0;
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->pair[i].near > most)
			most = s->pair[i].near;
	return most;
}

/* The numbers in the names are those that it speaks of. A lower count than it
 * has: the directory is older than it, and lacks what was never deleted. */
static bool
speaks_of_files(const struct base_reading *r, const struct mbsync_state *s)
{
	char *path = xasprintf("%s/%s/.uidvalidity", r->a->a.maildir, r->path);
	struct buf text;
	struct err ignored;
	uint64_t now = 0, count = 0;
	bool has;

	buf_init(&text, 8192);
	has = import_read_file(path, &text, NULL, &ignored) == 0 &&
	    mbsync_validity_parse((struct span){ (const char *)text.data,
	    text.len }, &now, &count) && now == s->near_validity &&
	    count >= highest_near(s);
	buf_release(&text);
	free(path);
	return has;
}

static int
read_state(struct base_reading *r, struct err *err)
{
	struct mbsync_state s = { .n = 0 };
	const size_t had = r->out->t.n;
	struct buf text;
	int64_t written;
	int rc;

	buf_init(&text, STATE_MOST);
	rc = import_read_file(r->state, &text, &written, err);
	if (rc == -1 && err->kind == ERR_STALE) {
		buf_release(&text);
		import_add_folder(r->out, r->name, r->path);
		return 0;	/* new since its last run */
	}
	if (rc == 0 && mbsync_state_parse((struct span){
	    (const char *)text.data, text.len }, &s, err) == -1)
		note(r, false, xasprintf("folder %s is merged by content: in "
		    "%s %s", r->name, r->state, err->msg));
	else if (rc == 0 && !speaks_of_files(r, &s))
		note(r, false, xasprintf("folder %s is merged by content: its "
		    ".uidvalidity is not the one that %s speaks of, or older "
		    "(restored from a backup?)", r->name, r->state));
	else if (rc == 0)
		take_state(r, &s, written);
	if (rc == 0 && r->out->t.n == had)
		import_add_folder(r->out, r->name, r->path);
	mbsync_state_release(&s);
	buf_release(&text);
	return rc;
}

/* --- the folders on disk --- */

struct account_reading {
	struct mbsync_account *a;
	struct import_entry *out;
};

static int
read_folder(void *arg, const char *path, struct err *err)
{
	const struct account_reading *all = arg;
	char *state = NULL;
	struct base_reading r = { all->a, all->out, path, NULL, NULL };
	int rc = 0;

	r.name = mbsync_folder_of(all->a, path, &state);
	r.state = state;
	if (r.name != NULL && !import_names_folder(path, r.name))
		note(&r, true, xasprintf("folder %s lies in the directory %s, "
		    "and mailtern keeps it in one that is called like it: "
		    "rename the directory, and import again", r.name, path));
	if (r.name != NULL)
		rc = check_idle(&r, err) == -1 ? -1 : read_state(&r, err);
	free(r.name);
	free(state);
	return rc;
}

int
mbsync_base_read(struct mbsync_account *a, struct import_entry *out,
    struct err *err)
{
	struct account_reading all = { a, out };
	const struct import_visit visit = { &all, read_folder };

	out->t.from = "mbsync";
	out->t.near_of = mbsync_file_uid;
	return import_folders(&a->a, &visit, err);
}
