/* Finds the names that a folder's rows want among those that lie there. */
#include "observe/name_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

/* Some ten thousand names; of more the directory is read once again. */
#define NAMES_MAX	(1u << 20)

/* With a final mix; only for speed, names are ours and few are hostile:
 * a collision hides what is gone until the next run, and deletes nothing. */
static uint64_t
hash(struct span s)
{
	uint64_t h = fnv1a(FNV1A_START, s.p, s.n);

	h ^= h >> 29;
	h *= 0xbf58476d1ce4e5b9u;
	return h ^ h >> 32;
}

static void
load_row(void *arg, int64_t id, uint64_t sum)
{
	struct name_set *w = arg;

	*VEC_ADD(w->row, w->n, w->cap) = (struct name_set_row){ sum, id };
}

/* Where the sum stands, or would. */
static uint64_t *
slot_of(const struct name_set *w, uint64_t sum)
{
	size_t at = (size_t)sum & w->mask;

	while (w->slot[at] != 0 &&
	    ((w->slot[at] ^ sum) & ~(uint64_t)w->mask) != 0)
		at = (at + 1) & w->mask;
	return &w->slot[at];
}

/* -1: no row wants the name so. */
static int64_t
row_of(const struct name_set *w, uint64_t sum)
{
	return (int64_t)(*slot_of(w, sum) & w->mask) - 1;
}

static bool
is_met(const struct name_set *w, size_t i)
{
	return w->met[i / 64] >> i % 64 & 1;
}

int
name_set_load(struct name_set *w, struct index *ix, int64_t folder,
    struct err *err)
{
	size_t i, slots = 64;

	*w = (struct name_set){ 0 };
	buf_init(&w->stray_names, NAMES_MAX);
	if (index_on_disk(ix, folder, load_row, w, err) == -1)
		return -1;
	if (w->n >= UINT32_MAX)
		return err_set(err, ERR_IO, "the index has too many rows");
	while (slots < w->n + w->n / 2)
		slots *= 2;
	w->slot = xcalloc(slots, sizeof(*w->slot));
	w->mask = slots - 1;
	w->met = xcalloc(w->n / 64 + 1, sizeof(*w->met));
	for (i = 0; i < w->n; i++) {
		uint64_t sum = w->row[i].sum;

		if (sum != 0)
			*slot_of(w, sum) = (sum & ~(uint64_t)w->mask) | (i + 1);
	}
	return 0;
}

void
name_set_release(struct name_set *w)
{
	free(w->row);
	free(w->slot);
	free(w->met);
	free(w->stray.v);
	free(w->beside.v);
	buf_release(&w->stray_names);
	*w = (struct name_set){ 0 };
}

bool
name_set_was_met(const struct name_set *w, uint64_t sum)
{
	int64_t row = row_of(w, sum);

	return row >= 0 && is_met(w, (size_t)row);
}

int64_t
name_set_lacking(const struct name_set *w, size_t *i)
{
	while (*i < w->n && is_met(w, *i))
		++*i;
	return *i < w->n ? w->row[(*i)++].id : 0;
}

static void
list_add(struct name_list *l, struct span unique)
{
	*VEC_ADD(l->v, l->n, l->cap) = hash(unique);
}

static void
add_name(struct name_set *w, const struct maildir_entry *e)
{
	const size_t n = strlen(e->file) + 1;
	unsigned char *room;

	room = w->too_many ? NULL : buf_room(&w->stray_names, n + 1);
	if (room == NULL) {
		w->too_many = true;
		return;
	}
	room[0] = e->in_new ? 'n' : 'c';
	memcpy(room + 1, e->file, n);
	buf_added(&w->stray_names, n + 1);
}

/* Others order a directory as they like: the same is told by each run. */
static void
add_odd(struct name_set *w, const struct maildir_entry *e)
{
	const char sub = e->in_new ? 'n' : 'c';

	if (w->n_odd++ > 0 && (sub > w->odd[0] || (sub == w->odd[0] &&
	    strcmp(e->file, w->odd + 1) > 0)))
		return;
	w->odd[0] = sub;
	memcpy(w->odd + 1, e->file, strlen(e->file) + 1);
}

/*
 * As a message it would be known by its own name. That it lies beside another
 * says that somebody is at work on that one.
 */
static void
add_leftover(struct name_set *w, const struct maildir_entry *e, struct span of)
{
	char file[MAILDIR_NAME_MAX + 1];
	struct maildir_name name;

	memcpy(file, of.p, of.n);
	file[of.n] = '\0';
	if (maildir_name_parse(file, &name))
		list_add(&w->beside, name.unique);
	if (!maildir_name_parse(e->file, &name))
		return;
	list_add(&w->beside, name.unique);
	add_name(w, e);
}

/* The inode of what is odd may be that of a file that was there before. */
void
name_set_meet(struct name_set *w, const struct maildir_entry *e)
{
	int64_t row = e->odd ? -1 :
	    row_of(w, index_name_sum(e->in_new, e->file, e->inode));
	struct maildir_name name;
	struct span of;

	if (row >= 0) {
		w->met[row / 64] |= (uint64_t)1 << row % 64;
		return;
	}
	if (maildir_name_is_leftover(e->file, &of) && !e->odd) {
		add_leftover(w, e, of);
		return;
	}
	if (!maildir_name_parse(e->file, &name))
		return;
	list_add(&w->stray, name.unique);
	if (e->odd)
		add_odd(w, e);
	else
		add_name(w, e);
}

void
name_set_restart(struct name_set *w)
{
	memset(w->met, 0, (w->n / 64 + 1) * sizeof(*w->met));
	w->stray.n = w->beside.n = 0;
	w->n_odd = 0;
	w->too_many = false;
	buf_clear(&w->stray_names);
}

static int
by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
list_seal(struct name_list *l)
{
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), by_value);
}

void
name_set_seal(struct name_set *w)
{
	list_seal(&w->stray);
	list_seal(&w->beside);
}

void
name_set_forget(struct name_set *w)
{
	w->n = 0;
	memset(w->slot, 0, (w->mask + 1) * sizeof(*w->slot));
	w->too_many = true;	/* names that were found are not among them */
}

static bool
list_has(const struct name_list *l, struct span unique)
{
	const uint64_t h = hash(unique);

	return l->n > 0 && bsearch(&h, l->v, l->n, sizeof(h), by_value) != NULL;
}

bool
name_set_has_stray(const struct name_set *w, struct span unique)
{
	return list_has(&w->stray, unique);
}

/* One that moved while it was read counts twice, too. */
bool
name_set_has_twins(const struct name_set *w, struct span unique)
{
	const struct name_list *l = &w->stray;
	const uint64_t h = hash(unique), *at = l->n == 0 ? NULL :
	    bsearch(&h, l->v, l->n, sizeof(h), by_value);

	return at != NULL && ((at > l->v && at[-1] == h) ||
	    (at < l->v + l->n - 1 && at[1] == h));
}

bool
name_set_has_beside(const struct name_set *w, struct span unique)
{
	return list_has(&w->beside, unique);
}
