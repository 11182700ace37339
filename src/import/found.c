/* Keeps what was found of another program. */
#include "import/found.h"

#include <stdlib.h>

#include "base/mem.h"
#include "internal.h"

struct takeover_folder *
import_add_folder(struct import_entry *e, const char *name, const char *path)
{
	struct takeover_folder *f = VEC_ADD(e->folder, e->t.n, e->cap);

	f->name = xstrdup(name);
	f->path = xstrdup(path);
	e->t.folder = e->folder;
	return f;
}

static void
entry_release(struct import_entry *e)
{
	import_account_release(&e->a);
	while (e->t.n > 0) {
		struct takeover_folder *f = &e->folder[--e->t.n];

		free((void *)(uintptr_t)f->name);
		free((void *)(uintptr_t)f->path);
		free((void *)(uintptr_t)f->mark);
		free((void *)(uintptr_t)f->pair);
	}
	free(e->folder);
}

void
import_found_release(struct import_found *found)
{
	while (found->n > 0)
		entry_release(&found->v[--found->n]);
	free(found->v);
	free(found->path);
	*found = (struct import_found){ .n = 0 };
}
