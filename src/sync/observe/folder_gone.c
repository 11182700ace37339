/* Lets a folder that is gone on one side take its messages with it. Index
 * lane. */
#include <stdlib.h>

#include "observe/observe.h"

static int
unsee(void *arg, struct place *p, struct err *err)
{
	return index_unsee_local(arg, p->id, err);
}

static int
forget_local(struct run *run, struct folder *f, struct err *err)
{
	const struct index_visit visit = { unsee, run->ix };

	f->row.looked = 0;
	return folder_is_inbox(f) ?
	    index_reset_local(run->ix, f->row.id, err) :
	    index_each(run->ix, PLACES_LOCAL, f->row.id, &visit, err);
}

int
folder_gone_local(struct run *run, struct folder *f, struct err *err)
{
	int rc = index_begin(run->ix, err);

	if (rc == 0)
		rc = forget_local(run, f, err);
	if (rc == 0)
		rc = index_folder_put(run->ix, &f->row, err);
	return index_end(run->ix, rc, err);
}

struct leaving {
	struct run *run;
	const struct folder *folder;
};

/* The file of what was out of sight stays: it shows itself nowhere else. */
static int
strip_uid(void *arg, struct place *p, struct err *err)
{
	const struct leaving *l = arg;

	if (p->local.present && sight_hides(&l->folder->sight, p)) {
		state_set(&p->base_local, false, 0, "");
		state_set(&p->base_remote, false, 0, "");
	}
	p->uid = 0;
	state_set(&p->remote, false, 0, "");
	return index_place_put(l->run->ix, p, err);
}

/* Their UIDs stay known, should it come back before it is removed here. */
static int
unsee_all(struct run *run, struct index_folder *row, struct err *err)
{
	const struct uidset none = { .n = 0 };
	const struct index_listed all = { &none, UINT32_MAX };
	uint64_t changed;

	row->exists = 0;
	row->modseq = 0;
	return index_keep_remote(run->ix, row->id, &all, &changed, err);
}

static int
reset_inbox(struct run *run, struct index_folder *row, struct err *err)
{
	row->uidvalidity = row->uidnext = row->exists = 0;
	row->modseq = 0;
	return index_reset_remote(run->ix, row->id, NULL, err);
}

int
folder_gone_remote(struct run *run, struct folder *f, struct err *err)
{
	struct index_folder *row = &f->row;
	int rc = index_begin(run->ix, err);

	row->remote = false;
	if (rc == 0)
		rc = folder_is_inbox(f) ? reset_inbox(run, row, err) :
		    unsee_all(run, row, err);
	if (rc == 0)
		rc = index_folder_put(run->ix, row, err);
	return index_end(run->ix, rc, err);
}

/* A folder of that name that comes later counts its UIDs anew; these are no
 * more, while what was agreed on stays known. */
int
folder_left_remote(struct run *run, struct folder *f, struct err *err)
{
	struct leaving l = { run, f };
	const struct index_visit visit = { strip_uid, &l };
	struct index_folder *row = &f->row;

	row->remote = false;
	row->uidvalidity = row->uidnext = row->exists = 0;
	row->modseq = 0;
	free(row->mailbox_id);
	row->mailbox_id = NULL;
	return sight_load(run, f, err) == 0 && index_each(run->ix, PLACES_ALL,
	    row->id, &visit, err) == 0 ? index_folder_put(run->ix, row, err) :
	    -1;
}
