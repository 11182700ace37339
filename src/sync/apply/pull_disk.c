/*
 * Takes from disk what the server has at two places, or had before it was
 * moved: its lineage says which file that is. So it travels once.
 */
#include <string.h>
#include <unistd.h>

#include "apply/pull.h"
#include "base/mem.h"
#include "index/content.h"
#include "maildir/store.h"
#include "match/copies.h"

/* --- which file it is, on the index lane --- */

static int
know_kin(struct run *run, struct kin *k, struct err *err)
{
	const struct folder *f = folder_by_id(run, k->place.folder);
	struct index_content c;
	int found = index_content_by_id(run->ix, k->place.content, &c, err);

	if (found != 1 || f == NULL || f->row.path == NULL)
		return found == -1 ? -1 : 0;
	k->form = c.form;
	memcpy(k->content, c.digest, sizeof(k->content));
	k->path = f->row.path;
	return 0;
}

/*
 * What was moved on the server and marked here, or there, in the meantime, is
 * marked at its new place (rule 4): it takes what was agreed on along.
 */
static void
take_flags_along(struct pull_batch *b, struct pulled *m)
{
	const struct place *k = &m->kin.place;
	const struct place both = {
		.base_local = k->base_local, .base_remote = k->base_remote,
		.local = k->local, .remote = m->row.place.remote,
	};
	struct verdict *v = &m->row.verdict, merged;
	struct ability can;
	bool here;

	folder_ability(b->p->pass.folder, &can);
	reconcile_message(&both, &can, false, &merged);
	here = merged.ops & OP_FLAG_LOCAL;
	verdict_release(v);
	v->local_flags = here ? merged.local_flags : k->local.flags;
	v->local_keywords = xstrdup(here ? merged.local_keywords :
	    k->local.keywords);
	verdict_release(&merged);
	m->kin.moved = true;
}

/* Recorded before its file is there, which a run that is killed leaves. */
static int
record_taken_away(struct run *run, struct pulled *m, struct err *err)
{
	struct place *p = &m->row.place;
	int rc;

	copies_take_away(p, &m->kin.place, &m->kin.place.local, &p->remote);
	if (p->base_local.flags == 0 && *p->base_local.keywords == '\0')
		return 0;
	rc = index_begin(run->ix, err);
	if (rc == 0)
		rc = index_place_put(run->ix, p, err);
	return index_end(run->ix, rc, err);
}

static int
find_kin(struct pull_batch *b, struct pulled *m, struct err *err)
{
	struct run *run = b->p->pass.run;
	int found = index_kin(run->ix, &m->row.place, &m->kin.place, err);

	if (found != 1)
		return found;
	if (know_kin(run, &m->kin, err) == -1)
		return -1;
	if (m->kin.path == NULL || m->kin.place.remote.present ||
	    m->row.place.base_local.present)
		return 0;
	take_flags_along(b, m);
	return record_taken_away(run, m, err);
}

int
pull_find_kin(struct pull_batch *b, struct err *err)
{
	int i, rc = 0;

	for (i = 0; i < b->n && rc == 0; i++)
		rc = find_kin(b, &b->msg[i], err);
	return rc;
}

bool
pull_has_kin(const struct pull_batch *b)
{
	int i;

	for (i = 0; i < b->n; i++)
		if (b->msg[i].kin.path != NULL)
			return true;
	return false;
}

/* --- which have to wait, on the loop --- */

/* Moved or copied? Flags go along with the one, and not with the other. Both
 * sides of its folder have to be looked at first. */
static bool
is_unsure(const struct pull *p, const struct kin *k)
{
	const struct folder *f;

	if (k->path == NULL)
		return false;
	f = folder_by_id(p->pass.run, k->place.folder);
	return f != p->pass.folder && folder_in_play(f) && !f->left &&
	    !f->through && !f->was_through;
}

void
pull_put_off_unsure(struct pull_batch *b)
{
	int i, kept = 0;

	for (i = 0; i < b->n && !b->p->late; i++) {
		struct pulled *m = &b->msg[i];

		if (!is_unsure(b->p, &m->kin)) {
			b->msg[kept++] = *m;
			continue;
		}
		if (m->row.place.uid > b->pick.skipped)
			b->pick.skipped = m->row.place.uid;
		b->pick.put_off = b->p->pass.folder->waits_for_all = true;
		picked_release(&m->row, 1);
		place_release(&m->kin.place);
	}
	b->n = b->p->late ? b->n : kept;
}

/* --- taking it, on the disk lane --- */

/* 1: it is delivered; 0: the server has to give it; -1: the disk can't. */
static int
copy_kin(struct pull_batch *b, struct pulled *m, int fd, struct err *err)
{
	const struct kin *k = &m->kin;
	int rc;

	if (maildir_deliver_begin(b->store, &m->delivery, err) == -1)
		return -1;
	rc = maildir_deliver_copy(m->delivery, fd, &m->fp, err);
	if (rc == -1 || !fingerprint_is(&m->fp, k->form, k->content)) {
		maildir_deliver_drop(m->delivery);
		m->delivery = NULL;
		return rc == -1 && err->kind != ERR_STALE ? -1 : 0;
	}
	m->octets = m->row.place.size;
	m->kin.likely = k->place.likely;
	return bodies_check(m, err) == -1 ? -1 : 1;
}

/* What can't be read comes from the server. */
static int
take_kin(struct pull_batch *b, struct pulled *m, struct err *err)
{
	const struct maildir_message file = {
		m->kin.path, m->kin.place.in_new, m->kin.place.file,
	};
	struct err ignored;
	int fd, rc;

	if (maildir_message_open(b->p->pass.run->md, &file, &fd,
	    &ignored) == -1)
		return 0;
	rc = copy_kin(b, m, fd, err);
	close(fd);
	return rc;
}

int
pull_kin_run(struct job *job)
{
	struct pull_batch *b = OWNER_OF(job, struct pull_batch, job);
	struct err err;
	int i;

	bodies_open_store(b);
	for (i = 0; i < b->n && b->write_err.kind == ERR_NONE; i++)
		if (b->msg[i].kin.path != NULL && take_kin(b, &b->msg[i],
		    &err) == -1)
			b->write_err = err;
	return 0;
}
