/*
 * Writes what another program agreed on into the index, as if mailtern had
 * agreed on it itself and not looked at either side since (sync/takeover.h).
 *
 * The folder's cursor has the server's UIDVALIDITY, and no more: where that is
 * another one by now, the base is void and the folder merged; else the first
 * look lists it all. Host and user are recorded as well, lest the base be held
 * against another server.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/os.h"
#include "imap/text.h"
#include "maildir/look.h"
#include "maildir/name.h"
#include "maildir/store.h"
#include "observe/observe.h"
#include "plan/guard.h"
#include "run/takeover.h"

#define NS	1000000000	/* in a second */

struct taking {
	struct run *run;
	const struct takeover *t;
	struct taken_folder *folder;
	struct takeover_result *out;
	struct maildir_look look;	/* at the folder in turn */
	uint64_t known;		/* messages of the server */
	bool asks;		/* a folder without a base has files */
};

/* --- numbers that stand twice --- */

static int
pair_by_uid(const void *x, const void *y)
{
	const struct takeover_pair *const *a = x, *const *b = y;

	return ((*a)->uid > (*b)->uid) - ((*a)->uid < (*b)->uid);
}

static int
pair_by_near(const void *x, const void *y)
{
	const struct takeover_pair *const *a = x, *const *b = y;

	return ((*a)->near > (*b)->near) - ((*a)->near < (*b)->near);
}

/* Pairs of the folder that are alone with both of their numbers are marked. */
static void
find_unique(const struct takeover_folder *f, bool *unique)
{
	const struct takeover_pair **v = xcalloc(f->n + 1, sizeof(*v));
	int (*const order[])(const void *, const void *) = { pair_by_uid,
	    pair_by_near };
	size_t i, k;

	for (i = 0; i < f->n; i++) {
		v[i] = &f->pair[i];
		unique[i] = v[i]->uid != 0 && v[i]->near != 0;
	}
	for (k = 0; k < 2 && f->n > 1; k++) {
		qsort(v, f->n, sizeof(*v), order[k]);
		for (i = 1; i < f->n; i++)
			if (order[k](&v[i - 1], &v[i]) == 0)
				unique[v[i - 1] - f->pair] =
				    unique[v[i] - f->pair] = false;
	}
	free(v);
}

/* --- a file that may have come from another folder --- */

static bool
another_lacks(const struct taking *t, const struct taken_folder *f,
    uint32_t near)
{
	size_t i;

	for (i = 0; i < t->t->n; i++)
		if (&t->folder[i] != f && taken_lacks(&t->folder[i], near))
			return true;
	return false;
}

/* Its name was changed when that was recorded, or later: times may be rounded.
 * What can't be looked at may be anything. */
static bool
was_renamed_since(struct maildir *md, const struct maildir_message *m,
    int64_t written)
{
	struct timespec changed;
	struct err ignored;
	struct stat st;
	bool is = true;
	int fd;

	if (maildir_message_open(md, m, &fd, &ignored) == -1)
		return true;
	if (fstat(fd, &st) == 0) {
		changed = os_ctime(&st);
		is = (int64_t)changed.tv_sec * NS + changed.tv_nsec >
		    written - COARSE_NS;
	}
	close(fd);
	return is;
}

/* --- rows --- */

static void
agree_on(struct place *p, const struct takeover_pair *pair)
{
	p->uid = pair->uid;
	state_set(&p->base_local, true, pair->flags, "");
	state_set(&p->base_remote, true, pair->flags, "");
	state_set(&p->remote, true, pair->flags, "");
}

/* The file, and what is in it. 1; 0: it is not to be had just so; -1. */
static int
read_message(struct taking *t, const struct taken_folder *f,
    const struct numbered *file, struct place *p, struct err *err)
{
	const struct maildir_message m = { f->from->path, file->in_new,
	    file->file };
	struct maildir_name name;
	struct fingerprint fp;
	struct err why;
	int64_t mtime;

	if (!maildir_name_parse(file->file, &name) || name.unique.n == 0 ||
	    maildir_look(&t->look, file->in_new, file->file, &p->hint) !=
	    LOOKED_FILE)
		return 0;
	if (maildir_fingerprint(t->run->md, &m, &fp, &mtime, &why) == -1) {
		if (!err_is_shortage(&why))
			return 0;
		*err = why;
		return -1;
	}
	p->unique = span_dup(name.unique);
	p->file = xstrdup(file->file);
	p->in_new = file->in_new;
	p->fetched = FETCHED_FULL;
	p->likely = true;
	state_set(&p->local, true, name.flags, "");
	return index_content_put(t->run->ix, &fp, &p->content, err) == -1 ?
	    -1 : 1;
}

/* Fills a row with what is known of the pair. 1; 0: it is to be merged; -1. */
static int
fill_row(struct taking *t, const struct taken_folder *f,
    const struct takeover_pair *pair, struct place *p, struct err *err)
{
	const struct numbered *file;
	bool any;

	agree_on(p, pair);
	file = taken_file(f, pair->near, &any);
	if (!any && taken_lacks(f, pair->near))
		return f->touched ? 1 : 0;
	if (file == NULL)
		return 0;
	if (f->from->mark == NULL && another_lacks(t, f, pair->near) &&
	    was_renamed_since(t->run->md, &(struct maildir_message){
	    f->from->path, file->in_new, file->file }, f->from->written))
		return 0;
	return read_message(t, f, file, p, err);
}

static int
take_pair(struct taking *t, const struct taken_folder *f, int64_t folder,
    const struct takeover_pair *pair, struct err *err)
{
	struct place p;
	int rc;

	place_init(&p);
	p.folder = folder;
	rc = fill_row(t, f, pair, &p, err);
	if (rc == 1) {
		t->out->agreed += p.local.present;
		t->out->gone += !p.local.present;
		rc = index_place_put(t->run->ix, &p, err);
	} else if (rc == 0) {
		t->out->merged++;
	}
	place_release(&p);
	return rc;
}

static int
take_pairs(struct taking *t, const struct taken_folder *f, int64_t folder,
    struct err *err)
{
	bool *unique = xcalloc(f->from->n + 1, sizeof(*unique));
	uint64_t before = t->out->agreed;
	size_t i;
	int rc = maildir_look_open(&t->look, t->run->md, f->from->path, err);

	find_unique(f->from, unique);
	for (i = 0; i < f->from->n && rc == 0; i++)
		if (unique[i])
			rc = take_pair(t, f, folder, &f->from->pair[i], err);
		else
			t->out->merged++;
	maildir_look_close(&t->look);
	free(unique);
	t->known += f->from->n;
	t->out->files += f->files - (t->out->agreed - before);
	return rc;
}

/* --- folders --- */

/* What the files are must not be undone by a power cut: it would look like a
 * deletion (design section 6). */
static int
make_files_durable(struct taking *t, const struct taken_folder *f,
    struct err *err)
{
	return maildir_folder_sync(t->run->md, f->from->path, err) == -1 ? -1 :
	    maildir_sync_folder(t->run->md, f->from->path, err);
}

static int
put_folder(struct taking *t, const struct taken_folder *f, int64_t *id_out,
    struct err *err)
{
	struct index_folder row = {
		.name = xstrdup(f->from->name), .path = xstrdup(f->from->path),
		.raw = imap_utf7_encode(f->from->name),
		.base = true, .local = true, .remote = true,
		.uidvalidity = f->from->uidvalidity,
		.exists = (uint32_t)f->from->n,
		.permanent_keywords = xstrdup(""),
	};
	int rc = row.raw == NULL ? 0 : index_folder_put(t->run->ix, &row, err);

	*id_out = row.id;
	index_folder_release(&row);
	return rc;
}

/* Nothing is known of it, or two directories are called like it. */
static bool
has_no_base(const struct taking *t, const struct taken_folder *f)
{
	size_t i;

	for (i = 0; i < t->t->n; i++)
		if (&t->folder[i] != f && strcmp(t->folder[i].from->name,
		    f->from->name) == 0)
			return true;
	return f->from->uidvalidity == 0;
}

static int
take_over_folder(struct taking *t, const struct taken_folder *f,
    struct err *err)
{
	int64_t id;
	int rc;

	if (!conf_folder_matches(t->run->conf, f->from->name))
		return 0;
	if (has_no_base(t, f)) {
		t->asks |= f->files > 0;
		t->out->files += f->files;
		return 0;
	}
	if (make_files_durable(t, f, err) == -1)
		return -1;
	rc = index_begin(t->run->ix, err);
	if (rc == 0)
		rc = put_folder(t, f, &id, err);
	if (rc == 0 && id != 0)
		rc = take_pairs(t, f, id, err);
	return index_end(t->run->ix, rc, err);
}

/* --- the account --- */

static int
open_account(struct taking *t, struct err *err)
{
	struct account *a = t->run->account;
	struct index_open_result how = { .fresh = false };
	char *path = account_index_path(a, err);
	int rc = path == NULL ? -1 : index_open(&a->ix, path, INDEX_WRITE,
	    &how, err);

	free(how.set_aside);
	free(path);
	t->run->ix = a->ix;
	if (rc == -1 || root_find(a, err) == -1)
		return -1;
	t->run->md->look_only = true;
	return 0;
}

static int
has_fact(struct taking *t, const char *key, bool *out, struct err *err)
{
	char *value;

	if (index_get(t->run->ix, key, &value, err) == -1)
		return -1;
	*out = value != NULL;
	free(value);
	return 0;
}

/* A run that only asked (--adopt) has carried nothing out: what it paired goes,
 * and its marker stays. */
static int
was_synced(struct taking *t, bool *out, struct err *err)
{
	const bool marked = t->run->account->root_state == ROOT_MARKED;
	bool known, adopted, last;

	if (has_fact(t, "root-id", &known, err) == -1 ||
	    has_fact(t, "adopted", &adopted, err) == -1 ||
	    has_fact(t, "last-sync", &last, err) == -1)
		return -1;
	*out = known != marked || (known && (adopted || last));
	return 0;
}

static int
refuse_known(struct taking *t, struct err *err)
{
	const struct account *a = t->run->account;
	bool synced;

	if (was_synced(t, &synced, err) == -1)
		return -1;
	if (synced)
		return err_set(err, ERR_HELD, "account %s was synced before: "
		    "what both sides agreed on then holds, and nothing is "
		    "taken over", t->run->conf->name);
	if (a->root_state == ROOT_EMPTY || a->root_state == ROOT_MISSING)
		return err_set(err, ERR_HELD, "the Maildir %s %s: there is "
		    "nothing to take over; mount it, or set `maildir` of "
		    "account %s right", a->md.root,
		    a->root_state == ROOT_EMPTY ? "is empty" :
		    "does not exist", t->run->conf->name);
	return 0;
}

/* Of an earlier import, or a dry run. */
static int
forget_taken(struct taking *t, struct err *err)
{
	struct index_folder *v;
	size_t n, i;
	int rc;

	if (index_folders(t->run->ix, &v, &n, err) == -1)
		return -1;
	rc = index_begin(t->run->ix, err);
	if (rc == 0)
		rc = index_set(t->run->ix, IMPORTED, NULL, err);
	if (rc == 0)
		rc = index_set(t->run->ix, "adopted", NULL, err);
	for (i = 0; i < n && rc == 0; i++)
		rc = index_folder_drop(t->run->ix, v[i].id, err);
	index_folders_free(v, n);
	return index_end(t->run->ix, rc, err);
}

/* From now on the first sync takes it for the base. */
static int
conclude(struct taking *t, struct err *err)
{
	struct index *ix = t->run->ix;
	int rc;

	t->out->asks = t->t->asks || t->asks ||
	    guard_holds_uploads(t->out->files, t->known);
	rc = index_begin(ix, err);
	if (rc == 0)
		rc = root_record_server(t->run, err);
	if (rc == 0)
		rc = index_set(ix, IMPORTED, t->t->from, err);
	if (rc == 0)
		rc = index_set(ix, "adopted", t->out->asks ? NULL : "yes",
		    err);
	return index_end(ix, rc, err);
}

static int
take_all(struct taking *t, struct err *err)
{
	size_t i;

	if (open_account(t, err) == -1 || refuse_known(t, err) == -1 ||
	    forget_taken(t, err) == -1 ||
	    takeover_scan(t->run->md, t->t, t->folder, err) == -1)
		return -1;
	for (i = 0; i < t->t->n; i++)
		if (take_over_folder(t, &t->folder[i], err) == -1)
			return -1;
	return conclude(t, err);
}

int
sync_takeover(const struct conf_account *conf, const char *state_dir,
    const struct takeover *from, struct takeover_result *out, struct err *err)
{
	struct account a = { .conf = conf, .state_dir = state_dir,
	    .md = { .fd = -1, .mark_fd = -1 } };
	struct run run = { .account = &a, .conf = conf, .md = &a.md };
	struct taking t = { .run = &run, .t = from, .out = out,
	    .folder = xcalloc(from->n + 1, sizeof(*t.folder)),
	    .look = { .fd = { -1, -1 } } };
	size_t i;
	int rc;

	*out = (struct takeover_result){ .agreed = 0 };
	rc = take_all(&t, err);
	for (i = 0; i < from->n; i++)
		taken_folder_release(&t.folder[i]);
	free(t.folder);
	index_close(a.ix);
	maildir_close(&a.md);
	return rc;
}
