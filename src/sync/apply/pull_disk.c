/*
 * Takes from disk what the server has at two places, or had before it was
 * moved: its lineage says which file that is. Without, what was moved is known
 * by its size, its date and its header, and taken for likely then (design
 * section 3). So it travels once.
 */
#include <string.h>
#include <unistd.h>

#include "apply/pull.h"
#include "base/mem.h"
#include "index/content.h"
#include "mail/flags.h"
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
take_along(struct pull_batch *b, struct pulled *m, struct err *err)
{
	if (m->kin.path == NULL || m->kin.place.remote.present ||
	    m->row.place.base_local.present)
		return 0;
	take_flags_along(b, m);
	return record_taken_away(b->p->pass.run, m, err);
}

/* Where sizes and dates are what they were, and the headers can't be what has
 * cost a connection. */
static bool
may_look_alike(const struct pull *p, const struct pulled *m)
{
	const struct learned *l = &p->pass.run->learned;

	return m->row.tries == 0 &&
	    p->pass.folder->loss[STEP_PULL].all == 0 &&
	    !l->sizes_inexact && !l->sizes_vary && !l->dates_vary &&
	    !l->rewrites && p->lost.kind == ERR_NONE &&
	    !(m->row.place.remote.flags & FLAG_DRAFT) &&
	    p->pass.folder->listed.use != USE_DRAFTS;
}

static int
find_kin(struct pull_batch *b, struct pulled *m, struct err *err)
{
	struct run *run = b->p->pass.run;
	struct kin *k = &m->kin;
	int found = index_kin(run->ix, &m->row.place, &k->place, err);

	if (found == 0 && may_look_alike(b->p, m)) {
		found = index_alike(run->ix, &m->row.place, &k->place, err);
		k->by_looks = found == 1;
	}
	if (found != 1)
		return found;
	if (know_kin(run, k, err) == -1)
		return -1;
	return k->by_looks ? 0 : take_along(b, m, err);
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
	return f != p->pass.folder && folder_wants_look(p->pass.run, f) &&
	    !f->left && !f->through && !f->was_through;
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

/* --- which are what they look like --- */

/* The server has to give it. */
static void
forget_kin(struct pulled *m)
{
	place_release(&m->kin.place);
	m->kin = (struct kin){ .path = NULL };
}

/* Another one of the batch looks the same: nobody knows which it is. */
static bool
has_twin(const struct pull_batch *b, const struct pulled *m)
{
	int i;

	for (i = 0; i < b->n; i++)
		if (&b->msg[i] != m && b->msg[i].kin.path != NULL &&
		    b->msg[i].kin.place.content == m->kin.place.content)
			return true;
	return false;
}

/* What the server still has at its old place is a copy, or another one. */
bool
pull_ask_headers(struct pull_batch *b)
{
	int i;

	for (i = 0; i < b->n; i++) {
		struct pulled *m = &b->msg[i];

		if (!m->kin.by_looks || m->kin.path == NULL)
			continue;
		if (m->kin.place.remote.present || has_twin(b, m) ||
		    !b->p->source[0].ready)
			forget_kin(m);
		else
			headers_add(&b->headers, m->row.place.uid,
			    m->kin.place.content);
	}
	if (b->headers.n > 0)
		headers_ask(&b->headers, b->p->source[0].conn->session,
		    &b->p->pass.task);
	return b->headers.n > 0;
}

static const struct header *
header_of(const struct pull_batch *b, uint32_t uid)
{
	size_t i;

	for (i = 0; i < b->headers.n && b->headers.v[i].uid != uid; i++)
		;
	return &b->headers.v[i];
}

static int
judge_looks(struct pull_batch *b, struct pulled *m, struct err *err)
{
	const struct header *h = header_of(b, m->row.place.uid);
	struct index_content c;
	int found;

	if (!h->got || h->fp.message_id[0] == '\0') {
		forget_kin(m);
		return 0;
	}
	found = index_content_by_id(b->p->pass.run->ix, h->content, &c, err);
	if (found == 1 && header_has_head(&h->fp, &c))
		return take_along(b, m, err);
	forget_kin(m);
	return found == -1 ? -1 : 0;
}

int
pull_alike_run(struct job *job)
{
	struct pull_batch *b = OWNER_OF(job, struct pull_batch, job);
	int i, rc = 0;

	for (i = 0; i < b->n && rc == 0; i++)
		if (b->msg[i].kin.by_looks)
			rc = judge_looks(b, &b->msg[i], &job->err);
	return rc;
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
	m->kin.likely = k->place.likely || k->by_looks;
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
