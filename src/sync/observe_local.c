/*
 * What lies on disk against what the index last saw there. A directory is read
 * once by name; of a name only two hashes are kept, so a million messages take
 * 24 MB. The rows stream past the sorted hashes; only when something differs is
 * the directory read again, for the names.
 *
 * Who renames, adds, removes or replaces a file moves the mtime of its directory:
 * where both directories are as they were when every file was last looked at,
 * and nothing waits to be done, they are not even read. What is edited in place
 * moves nothing: it is found when the folder changes otherwise, once a week, or
 * with --full, before which index_folder.looked is set to 0.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/clock.h"
#include "known_file.h"
#include "maildir/name.h"

#define NS	1000000000	/* in a second */

struct seen {
	uint64_t unique;	/* hash of the unique part */
	uint64_t whole;		/* hash of new/ or cur/ and the whole name */
	bool settled;		/* the index has it just so */
};

struct scan {
	struct seen *v;
	size_t n, cap;
	struct index *ix;
	struct index_folder *folder;
	struct observed_local *out;
	struct known_files known;
	bool look;		/* at every file, not only at names */
};

/* FNV-1a with a final mix; only for speed, names are ours and few are hostile:
 * a collision hides a change until the next rename, and deletes nothing. */
static uint64_t
hash(uint64_t h, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		h ^= (unsigned char)p[i];
		h *= 0x100000001b3u;
	}
	h ^= h >> 29;
	h *= 0xbf58476d1ce4e5b9u;
	return h ^ h >> 32;
}

static struct seen
seen_of(bool in_new, const char *file, struct span unique)
{
	return (struct seen){
		.unique = hash(0xcbf29ce484222325u, unique.p, unique.n),
		.whole = hash(in_new ? 1 : 2, file, strlen(file)),
	};
}

static int
collect(void *arg, bool in_new, const char *file, struct err *err)
{
	struct scan *s = arg;
	struct maildir_name name;

	(void)err;
	if (maildir_name_parse(file, &name))
		*VEC_ADD(s->v, s->n, s->cap) = seen_of(in_new, file, name.unique);
	return 0;
}

static void
restart(void *arg)
{
	((struct scan *)arg)->n = 0;
}

static int
by_unique(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	if (x->unique != y->unique)
		return x->unique < y->unique ? -1 : 1;
	return (x->whole > y->whole) - (x->whole < y->whole);
}

static struct seen *
find(const struct scan *s, uint64_t unique)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->v[mid].unique < unique)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->n && s->v[lo].unique == unique ? &s->v[lo] : NULL;
}

/* The file that a deletion on the server waits for is never taken on trust. */
static bool
wants_look(const struct scan *s, const struct place *p)
{
	return s->look || p->hint.inode == 0 ||
	    (p->base_local.present && !p->remote.present);
}

/* One row of the index that is believed to be on disk. */
static int
compare_row(struct scan *s, struct place *p, bool first,
    const struct observed_local *scanned, struct err *err)
{
	bool settled = false;
	struct maildir_name name;
	struct seen is, *at;

	if (!maildir_name_parse(p->file, &name))
		return err_set(err, ERR_IO, "the index holds an impossible "
		    "file name: %s", p->file);
	is = seen_of(p->in_new, p->file, name.unique);
	at = find(s, is.unique);
	if (at != NULL) {
		for (; at < s->v + s->n && at->unique == is.unique; at++)
			if (at->whole == is.whole && !p->missing)
				settled = at->settled = true;
		return settled && wants_look(s, p) ?
		    known_file_check(&s->known, p, err) : 0;
	}
	if (!scanned->complete)
		return 0;
	s->out->changed = true;
	s->out->lacking++;
	if (first) {
		s->out->missing = true;
		return p->missing ? 0 : index_miss_local(s->ix, p->id, err);
	}
	return p->missing ? index_unsee_local(s->ix, p->id, err) : 0;
}

static int
compare_rows(struct scan *s, bool first, struct err *err)
{
	struct place row[64];
	int64_t after = 0;
	int i, n, rc = 0;

	do {
		n = index_places(s->ix, PLACES_LOCAL, s->folder->id, after, row,
		    64, err);
		if (n < 0)
			return -1;
		for (i = 0; i < n; i++) {
			if (rc == 0)
				rc = compare_row(s, &row[i], first, s->out, err);
			after = row[i].id;
			place_release(&row[i]);
		}
	} while (rc == 0 && n == 64);
	return rc;
}

static bool
all_settled(const struct scan *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (!s->v[i].settled)
			return false;
	return true;
}

/* Second reading: names that the index has not just so. What appeared since
 * the first is taken as well; what left is a matter for the next run. */
static int
record(void *arg, bool in_new, const char *file, struct err *err)
{
	struct scan *s = arg;
	struct maildir_name name;
	struct seen is, *at;

	if (!maildir_name_parse(file, &name))
		return 0;
	is = seen_of(in_new, file, name.unique);
	for (at = find(s, is.unique); at != NULL && at < s->v + s->n &&
	    at->unique == is.unique; at++)
		if (at->whole == is.whole && at->settled)
			return 0;
	return known_file_see(&s->known, in_new, file, err);
}

static void
nothing(void *arg)
{
	(void)arg;
}

static int
record_names(struct scan *s, struct maildir *md, struct err *err)
{
	struct maildir_visit visit = { s, record, nothing };
	struct maildir_scan again;

	return maildir_scan(md, s->folder->path, &visit, &again, err);
}

/*
 * Both directories are as they were when every file was looked at, and that was
 * long enough after their last change for a coarse clock to tell.
 */
static bool
is_quiet(const struct index_folder *f, const struct maildir_scan *scanned)
{
	int64_t last = scanned->new_mtime > scanned->cur_mtime ?
	    scanned->new_mtime : scanned->cur_mtime;

	return f->new_mtime == scanned->new_mtime &&
	    f->cur_mtime == scanned->cur_mtime && last / NS + 2 < f->looked;
}

/* Now and then every file is looked at all the same; not all folders at once. */
#define VERIFY_SECONDS	(7 * 24 * 3600)

static bool
is_fresh(const struct index_folder *f, int64_t now)
{
	return f->looked <= now &&
	    now - f->looked < VERIFY_SECONDS - f->id % 48 * 3600;
}

/* Nothing can have changed since the last reading. A row that still waits for
 * something wants its file seen. 1, 0, -1. */
static int
is_unread(struct index *ix, struct maildir *md, const struct index_folder *f,
    struct err *err)
{
	struct maildir_scan now;
	struct err ignored;
	bool calm;

	if (!is_fresh(f, clock_wall()) ||
	    maildir_stamps(md, f->path, &now, &ignored) == -1 ||
	    !is_quiet(f, &now))
		return 0;
	return index_is_calm(ix, f->id, &calm, err) == -1 ? -1 : calm;
}

/* begun: when the scan was. */
static int
record_stamps(struct scan *s, const struct maildir_scan *scanned,
    int64_t begun, struct err *err)
{
	struct index_folder *f = s->folder;
	struct index_folder was = *f;

	if (!scanned->complete)
		return 0;
	f->new_mtime = scanned->new_mtime;
	f->cur_mtime = scanned->cur_mtime;
	if (s->known.unsure)
		f->looked = 0;
	else if (s->look)
		f->looked = begun;
	/* Looked at again before the stamps had cooled: not worth a write. */
	if (f->new_mtime == was.new_mtime && f->cur_mtime == was.cur_mtime &&
	    (f->looked == was.looked || (f->looked != 0 && was.looked != 0 &&
	    !is_quiet(f, scanned))))
		return 0;
	return index_folder_put(s->ix, f, err);
}

/* A directory whose time went back was put there from a backup: what it lacks
 * nobody deleted (design section 5). */
#define BACK_NS	2000000000

static bool
went_back(const struct index_folder *f, const struct maildir_scan *now)
{
	return (f->new_mtime != 0 && now->new_mtime < f->new_mtime - BACK_NS) ||
	    (f->cur_mtime != 0 && now->cur_mtime < f->cur_mtime - BACK_NS);
}

/* --- a name that was removed and is back --- */

struct returned {
	const struct scan *scan;
	char **unique;
	size_t n, cap;
};

static int
returned_entry(void *arg, const char *unique)
{
	struct returned *r = arg;
	struct seen is = seen_of(false, "", span_of(unique));

	if (find(r->scan, is.unique) != NULL)
		*VEC_ADD(r->unique, r->n, r->cap) = xstrdup(unique);
	return 0;
}

static void
returned_release(struct returned *r)
{
	while (r->n > 0)
		free(r->unique[--r->n]);
	free(r->unique);
}

/*
 * Files that were removed on the server's word and that nobody but a backup has:
 * who copies one without its dates does not turn back the time of the directory.
 * Only where a directory has changed.
 */
static int
look_for_returned(const struct scan *s, struct returned *out, struct err *err)
{
	*out = (struct returned){ .scan = s };
	return s->look ? index_removed(s->ix, s->folder->id, returned_entry,
	    out, err) : 0;
}

/* It is noticed once; from now on they are files like any other. */
static int
forget_base(struct scan *s, struct returned *back, struct err *err)
{
	size_t i;

	for (i = 0; i < back->n; i++)
		if (index_removed_drop(s->ix, s->folder->id, back->unique[i],
		    err) == -1)
			return -1;
	return index_reset_local(s->ix, s->folder->id, err);
}

int
observe_local(struct index *ix, struct maildir *md, struct index_folder *f,
    bool first, struct observed_local *out, struct err *err)
{
	struct scan s = { .ix = ix, .folder = f, .out = out };
	struct maildir_visit visit = { &s, collect, restart };
	struct returned back = { .scan = &s };
	struct maildir_scan scanned;
	int64_t begun = clock_wall();
	int rc = first ? is_unread(ix, md, f, err) : 0;

	*out = (struct observed_local){ .complete = rc == 1 };
	if (rc != 0)
		return rc == 1 ? 0 : -1;
	rc = -1;
	if (known_files_open(&s.known, ix, md, f, err) == -1 ||
	    maildir_scan(md, f->path, &visit, &scanned, err) == -1)
		goto done;
	out->complete = scanned.complete;
	s.look = !is_quiet(f, &scanned) || !is_fresh(f, begun);
	if (s.n > 1)
		qsort(s.v, s.n, sizeof(*s.v), by_unique);
	if (look_for_returned(&s, &back, err) == -1)
		goto done;
	out->fault = went_back(f, &scanned);
	out->returned = back.n > 0 && !out->fault;
	out->fault |= out->returned;
	if (out->fault && md->look_only) {	/* status and dry runs forget nothing */
		rc = 0;
		goto done;
	}
	if (index_begin(ix, err) == -1)
		goto done;
	if (out->fault && forget_base(&s, &back, err) == -1)
		goto rollback;
	if (compare_rows(&s, first, err) == -1)
		goto rollback;
	if (!all_settled(&s) && record_names(&s, md, err) == -1)
		goto rollback;
	/* What is recorded must not be undone by a power cut (section 6). */
	out->changed |= s.known.changed;
	if (out->changed && maildir_sync_folder(md, f->path, err) == -1)
		goto rollback;
	if (record_stamps(&s, &scanned, begun, err) == -1)
		goto rollback;
	if (index_commit(ix, err) == -1)
		goto rollback;
	rc = 0;
	goto done;
rollback:
	index_rollback(ix);
done:
	known_files_close(&s.known);
	returned_release(&back);
	free(s.v);
	return rc;
}

int
observe_local_ours(struct index *ix, struct maildir *md, struct index_folder *f,
    struct err *err)
{
	struct err ignored = { .kind = ERR_NONE };
	struct maildir_scan now;

	/* Gone meanwhile: the next scan says what is to be said. */
	if (maildir_stamps(md, f->path, &now, &ignored) == -1)
		return 0;
	if (f->new_mtime == now.new_mtime && f->cur_mtime == now.cur_mtime)
		return 0;
	f->new_mtime = now.new_mtime;
	f->cur_mtime = now.cur_mtime;
	f->looked = 0;		/* the files were not compared since */
	return index_folder_put(ix, f, err);
}
