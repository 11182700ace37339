/* Knows which messages a server has and does not show. */
#include "core/sight.h"

#include "core/run.h"
#include "index/fact.h"
#include "index/sight.h"

static const struct {
	const char *name;
	size_t at;
} numbers[] = {
	{ "window-looks", offsetof(struct sight, looks) },
	{ "window-size", offsetof(struct sight, size) },
	{ "window-upto", offsetof(struct sight, upto) },
	{ "window-before", offsetof(struct sight, before) },
	{ "hidden", offsetof(struct sight, hidden) },
	{ "lacked", offsetof(struct sight, lacked) },
	{ "lacks", offsetof(struct sight, lacks) },
	{ "strayed", offsetof(struct sight, strayed) },
};

#define NUMBERS		(sizeof(numbers) / sizeof(numbers[0]))
#define OUT		"window-out"
#define WAITS		"window-waits"
#define MISSED		"lacked-uids"

static int64_t *
number_of(const struct sight *s, size_t i)
{
	return (int64_t *)(void *)((char *)(uintptr_t)s + numbers[i].at);
}

void
sight_release(struct sight *s)
{
	uidset_release(&s->out);
	uidset_release(&s->waits);
	uidset_release(&s->missed);
	*s = (struct sight){ .known = false };
}

void
sight_copy(struct sight *to, const struct sight *from)
{
	sight_release(to);
	*to = *from;
	to->out = to->waits = to->missed = (struct uidset){ 0 };
	uidset_join(&to->out, &from->out);
	uidset_join(&to->waits, &from->waits);
	uidset_join(&to->missed, &from->missed);
}

int
sight_load(struct run *run, struct folder *f, struct err *err)
{
	struct sight *s = &f->sight;
	const int64_t id = f->row.id;
	size_t i;

	if (s->known || id == 0)
		return 0;
	for (i = 0; i < NUMBERS; i++)
		if (index_fact_get(run->ix, id, numbers[i].name,
		    number_of(s, i), err) == -1)
			return -1;
	if (index_uids_get(run->ix, id, OUT, &s->out, err) == -1 ||
	    index_uids_get(run->ix, id, WAITS, &s->waits, err) == -1 ||
	    index_uids_get(run->ix, id, MISSED, &s->missed, err) == -1)
		return -1;
	if (run->opt.adopt)
		s->upto = s->before = 0;
	s->known = true;
	return 0;
}

static bool
same_uids(const struct uidset *a, const struct uidset *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (a->range[i].first != b->range[i].first ||
		    a->range[i].last != b->range[i].last)
			return false;
	return true;
}

int
sight_store(struct run *run, struct folder *f, const struct sight *now,
    struct err *err)
{
	const struct sight *was = &f->sight;
	const int64_t id = f->row.id;
	int rc = 0;
	size_t i;

	for (i = 0; i < NUMBERS && rc == 0; i++)
		if (*number_of(now, i) != *number_of(was, i))
			rc = index_fact_set(run->ix, id, numbers[i].name,
			    *number_of(now, i), err);
	if (rc == 0 && !same_uids(&now->out, &was->out))
		rc = index_uids_set(run->ix, id, OUT, &now->out, err);
	if (rc == 0 && !same_uids(&now->waits, &was->waits))
		rc = index_uids_set(run->ix, id, WAITS, &now->waits, err);
	if (rc == 0 && !same_uids(&now->missed, &was->missed))
		rc = index_uids_set(run->ix, id, MISSED, &now->missed, err);
	return rc;
}

bool
sight_hides(const struct sight *s, const struct place *p)
{
	return p->uid != 0 && (uidset_has(&s->out, p->uid) ||
	    uidset_has(&s->waits, p->uid));
}

bool
sight_holds_file(const struct sight *s, const struct place *p)
{
	return p->id <= s->upto && p->hint.mtime / 1000000000 < s->before;
}
