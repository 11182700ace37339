/*
 * What observers of the disk saw. Only the seen state changes, and only rows
 * where something differs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"
#include "index/place.h"

static bool
update_name(struct place *p, bool in_new, const char *file)
{
	bool changed = p->missing || p->in_new != in_new;

	p->missing = false;
	p->in_new = in_new;
	if (p->file != NULL && strcmp(p->file, file) == 0)
		return changed;
	free(p->file);
	p->file = xstrdup(file);
	return true;
}

/* Keywords stay: no file name carries any. */
static bool
update_flags(struct place *p, unsigned flags)
{
	if (p->local.present && p->local.flags == flags)
		return false;
	p->local.present = true;
	p->local.flags = flags;
	return true;
}

static bool
update_hint(struct place *p, const struct file_hint *hint)
{
	if (hint->inode == 0 || file_hint_equal(&p->hint, hint))
		return false;
	p->hint = *hint;
	return true;
}

/* Deleted, as it seemed, when the server's UIDs came to mean nothing: there it
 * is, and nobody knows it on the server. */
static void
revive(struct place *p)
{
	if (p->local.present || p->remote.present || p->uid != 0)
		return;
	state_set(&p->base_local, false, 0, "");
	state_set(&p->base_remote, false, 0, "");
}

int
index_place_see(struct index *ix, struct place *p,
    const struct index_seen_local *seen, bool *changed_out, struct err *err)
{
	*changed_out = false;
	if (index_may_write(ix, err) < 0)
		return -1;
	revive(p);
	*changed_out = update_name(p, seen->in_new, seen->file);
	*changed_out |= update_flags(p, seen->flags);
	*changed_out |= update_hint(p, &seen->hint);
	return *changed_out ? index_place_put(ix, p, err) : 0;
}

static int
lose_local(struct index *ix, int64_t id, bool believed, struct err *err)
{
	struct place p;
	int r;

	if (index_may_write(ix, err) < 0)
		return -1;
	r = index_place_by_id(ix, id, &p, err);
	if (r <= 0)
		return r;
	r = 0;
	if (p.local.present && (believed || !p.missing)) {
		p.local.present = !believed;
		p.missing = !believed;
		r = index_place_put(ix, &p, err);
	}
	place_release(&p);
	return r;
}

int
index_miss_local(struct index *ix, int64_t id, struct err *err)
{
	return lose_local(ix, id, false, err);
}

int
index_unsee_local(struct index *ix, int64_t id, struct err *err)
{
	return lose_local(ix, id, true, err);
}

/*
 * The deletion of what was gone already stays one; what was only overwritten is
 * pulled again, as base does not speak of it any more.
 */
static int
leave_remote(struct index *ix, struct place *p, struct err *err)
{
	if (!p->remote.present)
		return index_place_drop(ix, p->id, err);
	if (p->local.present) {
		state_set(&p->base_local, false, 0, "");
		state_set(&p->base_remote, false, 0, "");
	}
	place_forget_local(p);
	return index_place_put(ix, p, err);
}

int
index_replace_local(struct index *ix, struct place *p,
    const struct index_seen_local *seen, struct err *err)
{
	struct index_seen_local own = *seen;
	struct place q;
	char *file;
	bool changed;
	int r;

	if (index_may_write(ix, err) < 0)
		return -1;
	/* The name may be the place's own, which it loses. */
	own.file = file = xstrdup(seen->file);
	place_init(&q);
	q.folder = p->folder;
	q.unique = xstrdup(p->unique);
	state_set(&q.local, false, 0, p->local.keywords);
	r = leave_remote(ix, p, err);
	if (r == 0)
		r = index_place_see(ix, &q, &own, &changed, err);
	place_release(&q);
	free(file);
	return r;
}

int
index_hint_local(struct index *ix, int64_t id, const struct file_hint *hint,
    struct err *err)
{
	struct place p;
	int r;

	if (index_may_write(ix, err) < 0)
		return -1;
	r = index_place_by_id(ix, id, &p, err);
	if (r <= 0)
		return r;
	r = update_hint(&p, hint) ? index_place_put(ix, &p, err) : 0;
	place_release(&p);
	return r;
}
