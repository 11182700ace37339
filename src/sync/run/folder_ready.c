/* Says what is to be done with a folder, when both sides were looked at. */
#include "run/folder_ready.h"

#include "core/pick.h"
#include "index/place.h"
#include "observe/observe.h"

#define FEW_ROWS	256	/* not too many to look at each */

/*
 * Where rows wait for nothing but their bodies. What pairs with a file may have
 * other flags than that; and of many rows it is only seen at once that no file
 * is there that could have some (rows that are nowhere wait for the removals).
 */
static int
look_for_more(struct run *run, struct folder *f, struct err *err)
{
	struct pick pick = { .run = run, .folder = f, .ops = FLAG_OPS,
	    .max = 1 };
	struct picked row;
	bool more;
	int n;

	f->only_pulls = false;
	if (f->unseen_local)
		return 0;
	if (f->dirty > FEW_ROWS) {
		if (index_has(run->ix, PLACES_LOCAL, f->row.id, &more, err) ==
		    -1)
			return -1;
		f->only_pulls = !more;
		return 0;
	}
	n = pick_rows(&pick, &row, err);
	if (n == 1)
		picked_release(&row, 1);
	f->only_pulls = n == 0;
	return n == -1 ? -1 : 0;
}

/* Both sides have the folder now. A directory that a power cut undoes would
 * look deleted. */
static int
agree_on_folder(struct run *run, struct folder *f, struct err *err)
{
	int rc;

	if (!f->row.local || !f->row.remote || f->row.base ||
	    run->md->look_only)
		return 0;
	if (maildir_folder_sync(run->md, f->row.path, err) == -1)
		return folder_leave_out(run, f, err);
	f->row.base = true;
	rc = index_begin(run->ix, err);
	if (rc == 0)
		rc = index_folder_put(run->ix, &f->row, err);
	return index_end(run->ix, rc, err);
}

/* Counts what is to be done, and takes a token before any of it is. */
int
folder_ready_work(struct pass *p, struct err *err)
{
	struct run *run = p->run;
	struct folder *f = p->folder;

	if (index_dirty(run->ix, f->row.id, &f->dirty, err) == -1)
		return -1;
	if (folder_unseen(run, f, false, &f->unseen_remote, err) == -1 ||
	    folder_unseen(run, f, true, &f->unseen_local, err) == -1)
		return -1;
	if (f->dirty > 0 && root_mark(run, err) == -1)
		return -1;
	if (look_for_more(run, f, err) == -1)
		return -1;
	return agree_on_folder(run, f, err);
}
