/*
 * What lies on disk against what the index last saw there. A directory is read
 * once by name; of a name only two hashes are kept, so a million messages take
 * 24 MB. The rows stream past the sorted hashes; only when something differs is
 * the directory read again, for the names.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"
#include "maildir/name.h"

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

/* One row of the index that is believed to be on disk. */
static int
compare_row(struct scan *s, const struct place *p, bool first,
    const struct observed_local *scanned, struct err *err)
{
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
				at->settled = true;
		return 0;
	}
	if (!scanned->complete)
		return 0;
	s->out->changed = true;
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
	bool changed;

	if (!maildir_name_parse(file, &name))
		return 0;
	is = seen_of(in_new, file, name.unique);
	for (at = find(s, is.unique); at != NULL && at < s->v + s->n &&
	    at->unique == is.unique; at++)
		if (at->whole == is.whole && at->settled)
			return 0;
	if (index_see_local(s->ix, s->folder->id, in_new, file, &changed,
	    err) == -1)
		return -1;
	s->out->changed |= changed;
	return 0;
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

int
observe_local(struct index *ix, struct maildir *md, struct index_folder *f,
    bool first, struct observed_local *out, struct err *err)
{
	struct scan s = { .ix = ix, .folder = f, .out = out };
	struct maildir_visit visit = { &s, collect, restart };
	struct maildir_scan scanned;
	int rc = -1;

	*out = (struct observed_local){ false, false, false };
	if (maildir_scan(md, f->path, &visit, &scanned, err) == -1)
		goto done;
	out->complete = scanned.complete;
	if (s.n > 1)
		qsort(s.v, s.n, sizeof(*s.v), by_unique);
	if (index_begin(ix, err) == -1)
		goto done;
	if (compare_rows(&s, first, err) == -1)
		goto rollback;
	if (!all_settled(&s) && record_names(&s, md, err) == -1)
		goto rollback;
	/* What is recorded must not be undone by a power cut (section 6). */
	if (out->changed && maildir_sync_folder(md, f->path, err) == -1)
		goto rollback;
	if (scanned.complete && (f->new_mtime != scanned.new_mtime ||
	    f->cur_mtime != scanned.cur_mtime)) {
		f->new_mtime = scanned.new_mtime;
		f->cur_mtime = scanned.cur_mtime;
		if (index_folder_put(ix, f, err) == -1)
			goto rollback;
	}
	if (index_commit(ix, err) == -1)
		goto rollback;
	rc = 0;
	goto done;
rollback:
	index_rollback(ix);
done:
	free(s.v);
	return rc;
}
