/* Two open-addressed tables over the folders of a run: 99,000 of them are each
 * looked for twice. */
#include "observe/folder_table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "base/mem.h"

/* Where case does not count the sum must not know of it either. */
static size_t
start_of(const struct folder_slots *s, const char *key)
{
	uint64_t sum = FNV1A_START;

	for (; *key != '\0'; key++) {
		char c = *key >= 'A' && *key <= 'Z' ?
		    (char)(*key - 'A' + 'a') : *key;

		sum = fnv1a(sum, &c, 1);
	}
	return (size_t)(sum ^ sum >> 32) & (s->cap - 1);
}

static void
slots_put(struct folder_slots *s, const char *key, size_t i)
{
	size_t at = start_of(s, key);

	while (s->slot[at] != 0)
		at = (at + 1) & (s->cap - 1);
	s->slot[at] = i + 1;
	s->n++;
}

static const char *
key_of(const struct folder_table *t, const struct folder_slots *s, size_t i)
{
	const struct index_folder *row = &t->run->folder[i].row;

	return s == &t->name ? row->name : s == &t->raw ? row->raw :
	    row->path;
}

static void
slots_grow(struct folder_table *t, struct folder_slots *s)
{
	struct folder_slots old = *s;
	size_t i;

	s->cap = old.cap == 0 ? 64 : old.cap * 2;
	s->slot = xcalloc(s->cap, sizeof(*s->slot));
	s->n = 0;
	for (i = 0; i < old.cap; i++)
		if (old.slot[i] != 0 &&
		    key_of(t, s, old.slot[i] - 1) != NULL)
			slots_put(s, key_of(t, s, old.slot[i] - 1),
			    old.slot[i] - 1);
	free(old.slot);
}

static void
slots_add(struct folder_table *t, struct folder_slots *s, size_t i)
{
	if (s->n * 2 >= s->cap)
		slots_grow(t, s);
	slots_put(s, key_of(t, s, i), i);
}

void
folder_table_init(struct folder_table *t, const struct run *run, bool folds)
{
	size_t i;

	*t = (struct folder_table){ .run = run, .folds = folds };
	for (i = 0; i < run->n_folder; i++)
		folder_table_add(t, i);
}

void
folder_table_add(struct folder_table *t, size_t i)
{
	slots_add(t, &t->name, i);
	slots_add(t, &t->path, i);
	if (t->run->folder[i].row.raw != NULL)
		slots_add(t, &t->raw, i);
}

void
folder_table_release(struct folder_table *t)
{
	free(t->name.slot);
	free(t->path.slot);
	free(t->raw.slot);
	*t = (struct folder_table){ .run = NULL };
}

static struct folder *
find(const struct folder_table *t, const struct folder_slots *s,
    const char *key, bool folds)
{
	size_t at = s->cap == 0 ? 0 : start_of(s, key);

	for (; s->cap != 0 && s->slot[at] != 0; at = (at + 1) & (s->cap - 1)) {
		const char *is = key_of(t, s, s->slot[at] - 1);

		if (is == NULL)
			continue;
		if (folds ? strcasecmp(is, key) == 0 : strcmp(is, key) == 0)
			return &t->run->folder[s->slot[at] - 1];
	}
	return NULL;
}

struct folder *
folder_by_name(const struct folder_table *t, const char *name)
{
	return find(t, &t->name, name, false);
}

struct folder *
folder_by_folded(const struct folder_table *t, const char *name)
{
	struct folder *f = folder_by_name(t, name);

	return f != NULL ? f : find(t, &t->name, name, true);
}

struct folder *
folder_twin(const struct folder_table *t, const struct folder *f)
{
	const struct folder_slots *s = &t->name;
	size_t at = s->cap == 0 ? 0 : start_of(s, f->row.name);

	for (; s->cap != 0 && s->slot[at] != 0; at = (at + 1) & (s->cap - 1)) {
		struct folder *is = &t->run->folder[s->slot[at] - 1];

		if (is != f && is->row.remote && !is->remote_gone &&
		    strcasecmp(is->row.name, f->row.name) == 0)
			return is;
	}
	return NULL;
}

struct folder *
folder_by_raw(const struct folder_table *t, const char *raw)
{
	return find(t, &t->raw, raw, false);
}

struct folder *
folder_by_path(const struct folder_table *t, const char *path)
{
	return find(t, &t->path, path, t->folds);
}
