/* Finds another file that holds what a message holds (remove_twin.h). */
#include "apply/remove_twin.h"

#include <stdlib.h>

#include "base/mem.h"
#include "index/content.h"
#include "maildir/look.h"

int
remove_twin_find(struct run *run, const struct place *p,
    struct remove_twin *out, struct err *err)
{
	const struct folder *f;
	struct place other;
	int found = index_content_on_disk(run->ix, p->content, p->id, &other,
	    err);

	if (found != 1)
		return found;
	f = folder_by_id(run, other.folder);
	if (f != NULL) {
		*out = (struct remove_twin){
			.path = xstrdup(f->row.path), .file =
			    xstrdup(other.file),
			.in_new = other.in_new, .hint = other.hint,
		};
	}
	place_release(&other);
	return 0;
}

bool
remove_twin_is_there(struct maildir *md, const struct remove_twin *t)
{
	struct maildir_look look;
	struct file_hint now;
	struct err ignored;
	bool there;

	if (t->file == NULL ||
	    maildir_look_open(&look, md, t->path, &ignored) == -1)
		return false;
	there = maildir_look(&look, t->in_new, t->file, &now) == LOOKED_FILE &&
	    file_hint_equal(&t->hint, &now);
	maildir_look_close(&look);
	return there;
}

void
remove_twin_release(struct remove_twin *t)
{
	free(t->path);
	free(t->file);
	*t = (struct remove_twin){ .path = NULL };
}
