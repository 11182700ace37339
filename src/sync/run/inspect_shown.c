/* Holds what a server shows against rows, without asking it anything. */
#include "run/inspect_shown.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "core/learned.h"

/* Case does not count in keywords. */
static uint64_t
hash_keywords(const char *words)
{
	uint64_t sum = FNV1A_START;

	for (; *words != '\0'; words++) {
		const char c = (char)tolower((unsigned char)*words);

		sum = fnv1a(sum, &c, 1);
	}
	return sum;
}

void
shown_add(struct shown_folder *s, const struct imap_fetch *f)
{
	struct shown *one = VEC_ADD(s->v, s->n, s->cap);

	*one = (struct shown){
		.uid = f->uid, .size = f->size, .flags = f->flags,
		.has_flags = f->has_flags, .has_size = f->has_size,
		.has_date = f->has_date, .date = f->date,
		.keywords = hash_keywords(f->has_flags ? f->keywords : ""),
	};
}

static int
shown_by_uid(const void *a, const void *b)
{
	const struct shown *x = a, *y = b;

	return (x->uid > y->uid) - (x->uid < y->uid);
}

/* Of rows that came twice, unasked for, one has it all. */
void
shown_seal(struct shown_folder *s)
{
	size_t i, n = 0;

	if (s->n > 1)
		qsort(s->v, s->n, sizeof(*s->v), shown_by_uid);
	for (i = 0; i < s->n; i++) {
		if (n > 0 && s->v[n - 1].uid == s->v[i].uid) {
			if (s->v[i].has_size)
				s->v[n - 1] = s->v[i];
		} else
			s->v[n++] = s->v[i];
	}
	s->n = n;
	s->listed = n >= s->exists;
}

static struct shown *
shown_slot(const struct shown_folder *s, uint32_t uid)
{
	const struct shown key = { .uid = uid };

	return s->n == 0 ? NULL : bsearch(&key, s->v, s->n, sizeof(key),
	    shown_by_uid);
}

const struct shown *
shown_find(const struct shown_folder *s, uint32_t uid)
{
	return shown_slot(s, uid);
}

void
shown_mark(struct shown_folder *s, uint32_t uid)
{
	struct shown *one = shown_slot(s, uid);

	if (one != NULL)
		one->known = true;
}

void
shown_release(struct shown_folder *s)
{
	free(s->v);
	*s = (struct shown_folder){ .n = 0 };
}

/* --- judging --- */

/* What is made up each time, or only estimated, tells nothing. */
static bool
is_shown_otherwise(const struct shown_folder *s, const struct place *p,
    const struct shown *one)
{
	const struct learned *l = &s->run->learned;
	const struct imap_fetch f = {
		.uid = one->uid, .size = one->size, .date = one->date,
		.has_size = one->has_size && !l->sizes_inexact,
		.has_date = one->has_date,
	};
	const bool size = f.has_size && p->size != 0 && !l->sizes_vary;
	const bool date = f.has_date && p->has_date && !l->dates_vary;
	struct removed_how ignored;

	return (size || date) && !learned_is_same(l, p, &f, &ignored);
}

/* A sync may have recorded something else since the row was read. */
static int
is_as_read(struct shown_folder *s, const struct place *p, struct err *err)
{
	struct place now;
	int same, found = index_place_by_id(s->in->account->ix, p->id, &now,
	    err);

	if (found <= 0)
		return found;
	same = p->uid == now.uid && p->content == now.content &&
	    p->remote.present == now.remote.present &&
	    p->remote.flags == now.remote.flags && p->size == now.size;
	place_release(&now);
	return same;
}

int
shown_judge(struct shown_folder *s, const struct place *p,
    enum verify_octets octets, struct err *err)
{
	const struct shown *one = shown_slot(s, p->uid);
	const struct verify_shown facts = {
		.place = p, .listed = s->listed, .shown = one != NULL,
		.other = one != NULL && is_shown_otherwise(s, p, one),
		.flags = one != NULL && one->has_flags ? one->flags :
		    p->remote.flags,
		.keywords_same = one == NULL || !one->has_flags ||
		    one->keywords == hash_keywords(p->remote.keywords),
		.octets = octets,
	};
	enum verify_kind kind[VERIFY_MOST];
	size_t i, n = verify_shown(&facts, kind);
	int rc = n == 0 ? 0 : is_as_read(s, p, err);

	for (i = 0; rc == 1 && i < n; i++)
		inspect_tell(s->in, kind[i], &(struct found){
			s->folder->name, p->unique, p->uid, NULL });
	return rc == -1 ? -1 : 0;
}

bool
shown_judge_unknown(struct shown_folder *s)
{
	bool any = false;
	size_t i;

	for (i = 0; i < s->n; i++) {
		const enum verify_kind kind = verify_unknown_uid(s->v[i].uid,
		    s->folder->uidnext);

		if (s->v[i].known || !inspect_wants(s->in, s->folder->name,
		    NULL, s->v[i].uid))
			continue;
		any |= kind == V_REMOTE_UNKNOWN;
		inspect_tell(s->in, kind, &(struct found){
			s->folder->name, NULL, s->v[i].uid, NULL });
	}
	return any;
}
