/*
 * Makes messages of bodies that have come: paired with a file that nobody
 * knows, or placed, for several folders together; then recorded.
 */
#include <stdlib.h>
#include <string.h>

#include "apply/pull.h"
#include "base/mem.h"
#include "core/learned.h"
#include "index/content.h"
#include "maildir/name.h"
#include "match/copies.h"
#include "match/match.h"
#include "observe/observe.h"

/*
 * What the server made of a message that we appended and it altered: for our
 * own open uploads alone, an equal Message-ID behind the UIDs that were there
 * before is enough (design section 3).
 */
static int
join_upload(struct index *ix, const struct index_intent *in,
    const struct pulled *m, struct place *p, struct err *err)
{
	struct index_content sent;
	struct place known;
	int rc, found;

	if (p->uid < in->uidnext || m->fp.message_id[0] == '\0')
		return 0;
	found = index_content_by_id(ix, in->content, &sent, err);
	if (found != 1 || strcmp(sent.message_id, m->fp.message_id) != 0)
		return found == -1 ? -1 : 0;
	found = index_place_by_id(ix, in->place, &known, err);
	if (found != 1)
		return found;
	rc = 0;
	if (known.folder == p->folder && known.local.present &&
	    known.uid == 0 && !known.base_local.present) {
		p->content = in->content;
		rc = join_known(ix, p, &known, err) == -1 ||
		    index_intent_drop(ix, in->id, err) == -1 ? -1 : 1;
	}
	place_release(&known);
	return rc;
}

/* Uploads that wait to show themselves. */
struct open_uploads {
	struct index_intent *v;
	size_t n;
};

static int
join_uploads(struct pull_batch *b, const struct pulled *m,
    struct open_uploads *open, struct place *p, struct err *err)
{
	struct index *ix = b->p->pass.run->ix;
	size_t i;
	int found = 0;

	for (i = 0; i < open->n && found == 0; i++)
		found = join_upload(ix, &open->v[i], m, p, err);
	return found == 1 && learn_rewrites(b->p->pass.run, err) == -1 ? -1 :
	    found;
}

/* No other of those that came with it has its Message-ID. */
static bool
has_own_id(const struct pull_batch *b, const struct pulled *m)
{
	int i;

	for (i = 0; b->p->pass.run->learned.rewrites && i < b->n; i++)
		if (&b->msg[i] != m && b->msg[i].got &&
		    strcmp(b->msg[i].fp.message_id, m->fp.message_id) == 0)
			return false;
	return true;
}

static int
pair_body(struct pull_batch *b, struct pulled *m, struct open_uploads *open,
    struct err *err)
{
	struct index *ix = b->p->pass.run->ix;
	struct place *p = &m->row.place;
	int found;

	if (!m->got)
		return 0;
	if (index_content_put(ix, &m->fp, &p->content, err) == -1)
		return -1;
	found = join_local(ix, p, err);
	if (found == 0)
		found = join_uploads(b, m, open, p, err);
	if (found == 0 && has_own_id(b, m))
		found = rewritten_join(&b->p->pass, &b->p->rewritten, &m->fp,
		    p, err);
	if (found == 0 && b->p->lost_here == LOST_SOME &&
	    p->uid < b->p->lost_below)
		found = join_vanished(ix, p, err);
	m->paired = found == 1;
	return found == -1 ? -1 : 0;
}

/* Once a pass: nothing is lost meanwhile. */
static int
look_for_lost(struct pull *p, struct err *err)
{
	int64_t next = 0;
	bool some;

	if (p->lost_here != LOST_UNKNOWN)
		return 0;
	if (index_has_vanished(p->pass.run->ix, p->pass.folder->row.id, &some,
	    err) == -1 || (some && learned_listed(p->pass.run,
	    p->pass.folder, &next, err) == -1))
		return -1;
	p->lost_here = some ? LOST_SOME : LOST_NONE;
	p->lost_below = next > 0 ? (uint32_t)next : UINT32_MAX;
	return 0;
}

int
pull_pair_run(struct job *job)
{
	struct pull_batch *b = OWNER_OF(job, struct pull_batch, job);
	struct index *ix = b->p->pass.run->ix;
	int64_t folder = b->p->pass.folder->row.id;
	struct open_uploads open = { .n = 0 };
	bool unpaired = false;
	int i, rc;

	if (look_for_lost(b->p, &job->err) == -1 ||
	    index_has_unpaired(ix, folder, &unpaired, &job->err) == -1 ||
	    index_intents(ix, folder, &open.v, &open.n, &job->err) == -1)
		return -1;
	/* As in a first pull: no transaction for what can't be. */
	if (!unpaired && open.n == 0 && b->p->lost_here == LOST_NONE) {
		free(open.v);
		return 0;
	}
	rc = index_begin(ix, &job->err);
	for (i = 0; i < b->n && rc == 0; i++)
		rc = pair_body(b, &b->msg[i], &open, &job->err);
	free(open.v);
	return index_end(ix, rc, &job->err);
}

/* What is not to be placed goes. NULL: nothing of the batch came so far. */
static struct maildir_batch *
sort_out(struct pull_batch *b)
{
	int i;

	bodies_drop_open(b);
	for (i = 0; i < b->n; i++) {
		struct pulled *m = &b->msg[i];

		if (m->delivery != NULL && (!m->got || m->paired)) {
			maildir_deliver_drop(m->delivery);
			m->delivery = NULL;
		}
	}
	return b->store;
}

/* Batches of several folders that wait together cost no more syncs than one. */
void
pull_place_group(struct job **job, int n)
{
	struct maildir_commit commit[LANE_GROUP];
	struct job *of[LANE_GROUP];
	size_t i, used = 0;
	int k;

	for (k = 0; k < n; k++) {
		struct maildir_batch *store = sort_out(OWNER_OF(job[k],
		    struct pull_batch, job));

		of[used] = job[k];
		if (store != NULL)
			commit[used++].batch = store;
	}
	maildir_batches_commit(commit, used);
	for (i = 0; i < used; i++) {
		of[i]->result = commit[i].result;
		if (commit[i].result == -1)
			of[i]->err = commit[i].err;
	}
}

/*
 * Nothing came for it. Once, it may have been expunged meanwhile, and the next
 * listing tells; when it is listed and still does not come, the user is told.
 */
static int
record_missing(struct pull_batch *b, struct pulled *m, struct err *err)
{
	struct failure f = { ITEM_PULL, "", true };
	char *text = NULL;
	int rc;

	if (m->row.tries > 0 || (b->refused != NULL && b->n == 1))
		f.text = text = b->refused != NULL ? xasprintf("message with "
		    "UID %u was not pulled: %s", m->row.place.uid, b->refused) :
		    xasprintf("message with UID %u was not pulled: the server "
		    "lists it, but sends no body for it", m->row.place.uid);
	rc = record_failure(b->p->pass.run, b->p->pass.folder, &m->row.place,
	    &f, err);
	free(text);
	return rc;
}

static int
record_unpulled(struct pull_batch *b, struct pulled *m, struct err *err)
{
	struct failure f = { ITEM_PULL, "", true };
	char *text = xasprintf("message with UID %u was not pulled: %s",
	    m->row.place.uid, m->failure);
	int rc;

	f.text = text;
	rc = record_failure(b->p->pass.run, b->p->pass.folder, &m->row.place,
	    &f, err);
	free(text);
	return rc;
}

static int
record_pulled(struct pull_batch *b, struct pulled *m, struct err *err)
{
	struct index *ix = b->p->pass.run->ix;
	struct place *p = &m->row.place;
	struct maildir_name name;
	struct ability can;

	if (m->failure != NULL)
		return record_unpulled(b, m, err);
	if (m->suspect)
		return record_suspect(b->p->pass.run, p, ITEM_PULL, err);
	if (!m->got)
		return b->write_err.kind != ERR_NONE || b->blameless ||
		    !m->asked ? 0 : record_missing(b, m, err);
	if (!m->paired) {
		if (index_content_put(ix, &m->fp, &p->content, err) == -1)
			return -1;
		p->file = xstrdup(maildir_delivery_file(m->delivery,
		    &p->in_new));
		if (!maildir_name_parse(p->file, &name))
			return err_set(err, ERR_IO, "impossible file name %s",
			    p->file);
		p->unique = span_dup(name.unique);
		state_set(&p->local, true, m->row.verdict.local_flags,
		    m->row.verdict.local_keywords);
		p->fetched = FETCHED_FULL;
		p->hint = *maildir_delivery_hint(m->delivery);
		if (m->kin.moved)
			copies_take_base(p, &m->kin.place);
	}
	p->likely = !m->paired && m->kin.likely;
	folder_ability(b->p->pass.folder, &can);
	reconcile_agree(p, &can);
	if (index_place_put(ix, p, err) == -1 || (!m->paired &&
	    log_done(b->p->pass.run, SYNC_PULL, b->p->pass.folder,
	    &(struct log_about){ .place = p }, err) == -1))
		return -1;
	return record_success(b->p->pass.run, p, ITEM_PULL, err);
}

static int
record_batch(struct pull_batch *b, struct err *err)
{
	struct run *run = b->p->pass.run;
	uint64_t got = 0, wrong = 0;
	int i, rc = 0;

	for (i = 0; i < b->n && rc == 0; i++) {
		struct pulled *m = &b->msg[i];
		bool told = m->got && m->row.place.size != 0;

		rc = record_pulled(b, m, err);
		got += told;
		wrong += told && m->row.place.size != m->octets;
	}
	if (rc == 0)
		rc = learn_sizes(run, got, wrong, err);
	if (rc == 0 && b->store != NULL)
		rc = observe_local_ours(run->ix, run->md,
		    &b->p->pass.folder->row, err);
	return rc;
}

/* In one transaction; if it fails, the account can't go on. */
void
pull_record_group(struct job **job, int n)
{
	struct pull_batch *b = OWNER_OF(job[0], struct pull_batch, job);
	struct index *ix = b->p->pass.run->ix;
	struct err err = { .kind = ERR_NONE };
	int k, rc = index_begin(ix, &err);

	for (k = 0; k < n && rc == 0; k++)
		rc = record_batch(OWNER_OF(job[k], struct pull_batch, job),
		    &err);
	rc = index_end(ix, rc, &err);
	for (k = 0; k < n; k++) {
		job[k]->result = rc;
		job[k]->err = err;
	}
}
