/*
 * Keeps what was deleted on disk (attic = all): before the server loses it, it
 * is in the attic, durably, under the name that its file had. What went to the
 * server's trash, or was moved elsewhere, is not kept.
 *
 *	index lane	know	which of r->uids, and what they hold
 *	disk lane	attic	an earlier run may have put it there
 *			copy	from another file with that content
 *	server		FETCH	the others, BODY.PEEK[], straight to disk
 *	disk lane	commit	syncs, renames, syncs
 *
 * What can't be had stays on the server: it leaves r->uids, and its row waits.
 */
#include "apply/remove_keep.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mail/flags.h"
#include "maildir/name.h"

#define REFUSALS_MOST	8	/* one by one, then no more is asked for */

static enum task_result keep_known(struct task *);
static enum task_result keep_copied(struct task *);
static enum task_result keep_ask(struct task *);
static enum task_result keep_arriving(struct task *);
static enum task_result keep_fetched(struct task *);
static enum task_result keep_committed(struct task *);

static struct keeping *
keeping_of(struct task *t)
{
	return ((struct removing *)t)->keeping;
}

/* --- what is to be kept --- */

/* What either side changed since both agreed counts, as it would have in a
 * merge; but for the mark that an earlier run, which was cut off, has set. */
static unsigned
kept_flags(const struct place *p, unsigned of_name)
{
	const unsigned base = p->base_remote.flags;
	const unsigned now = p->remote.flags & ~(unsigned)FLAG_DELETED;

	return (of_name | (now & ~base)) & ~(base & ~now);
}

/* Its file may have lost its name to another one since. Then the name is made
 * of what stays, so that an earlier run's is found. */
static char *
name_in_attic(const struct index_folder *f, struct place *p)
{
	char out[MAILDIR_NAME_MAX + 1];
	struct maildir_name name;
	const char *file;
	unsigned flags;

	if (p->unique == NULL)
		p->unique = xasprintf("%llu.U%u",
		    (unsigned long long)f->uidvalidity, p->uid);
	file = p->file != NULL ? p->file : p->unique;
	if (!maildir_name_parse(file, &name))
		return xstrdup(file);
	flags = kept_flags(p, name.flags);
	return xstrdup(flags != name.flags && maildir_name_format(out, &name,
	    flags) ? out : file);
}

static int
know_kept(struct removing *r, struct doomed *d, struct err *err)
{
	struct keeping *k = r->keeping;
	struct kept *m = &k->v[k->n++];
	struct index *ix = r->pass.run->ix;
	struct place *p = &d->p.place;
	struct tries tries;
	int found, n;

	*m = (struct kept){ .d = d, .uid = p->uid };
	m->file = name_in_attic(&r->pass.folder->row, p);
	d->kept = m;
	if (tries_of(r->pass.run, p, ITEM_REMOVE, &tries, err) == -1)
		return -1;
	m->tried_before = tries.n > 0;
	if (p->content == 0)
		return 0;
	found = index_content_by_id(ix, p->content, &m->content, err);
	if (found != 1)
		return found;
	n = index_content_files(ix, p->content, m->twin, KEEP_TWINS, err);
	m->n_twin = n > 0 ? n : 0;
	return n == -1 ? -1 : 0;
}

int
kept_by_uid(const void *x, const void *y)
{
	const struct kept *a = x, *b = y;

	return a->uid < b->uid ? -1 : a->uid > b->uid;
}

/* One that is marked has its file still, which goes to the attic by itself. */
static int
keep_know_work(struct pass *p, struct err *err)
{
	struct removing *r = (struct removing *)p;
	struct keeping *k = r->keeping;
	bool filed;
	int i;

	k->v = xcalloc((size_t)r->n + 1, sizeof(*k->v));
	k->rewrites = p->run->learned.rewrites;
	for (i = 0; i < r->n; i++) {
		struct doomed *d = &r->row[i];

		if (!uidset_has(&r->uids, d->p.place.uid) ||
		    !remove_wants_expunge(d) || d->p.place.local.present)
			continue;
		if (remove_is_filed(r, d, &filed, err) == -1 ||
		    (!filed && know_kept(r, d, err) == -1))
			return -1;
	}
	qsort(k->v, (size_t)k->n, sizeof(*k->v), kept_by_uid);
	for (i = 0; i < k->n; i++)
		k->v[i].d->kept = &k->v[i];
	return 0;
}

enum task_result
remove_keep(struct removing *r)
{
	if (!conf_keeps_all(r->pass.run->conf) || r->trash != NULL ||
	    uidset_empty(&r->uids))
		return task_next(&r->pass.task, remove_checked);
	r->keeping = xcalloc(1, sizeof(*r->keeping));
	r->keeping->r = r;
	return pass_job(&r->pass, keep_know_work, keep_known);
}

/* --- the disk lane --- */

/* The digest of what was delivered tells. Where a server is known to alter what
 * it is given, or the header says that it is the message, what the server has
 * is what is kept: nothing else would be left of it. */
static bool
is_the_message(const struct keeping *k, const struct kept *m)
{
	const struct index_content *c = &m->content;

	return c->id == 0 || fingerprint_is(&m->fp, c->form, c->digest) ||
	    k->rewrites || header_is_of(&m->fp, c);
}

int
keep_check(struct keeping *k, struct kept *m, struct maildir_delivery *body,
    struct err *err)
{
	const struct maildir_keeping as = { m->file, FORM_NOW, m->fp.content };
	const struct place *p = &m->d->p.place;
	const int64_t *date = p->has_date ? &p->date :
	    m->fp.has_sent ? &m->fp.sent : NULL;

	if (!is_the_message(k, m)) {
		maildir_deliver_drop(body);
		m->is_another = true;
		return 0;
	}
	if (maildir_deliver_keep(body, &as, date, err) == 0) {
		m->kept = true;
		return 0;
	}
	if (err->kind != ERR_REFUSED)
		return -1;
	m->failure = xstrdup(err->msg);
	return 0;
}

/* 1: it is; 0; -1. What has its name and is not what is known of it may be what
 * the server made of it: that is seen when it has come. */
static int
is_in_attic(struct keeping *k, struct kept *m, struct err *err)
{
	const struct maildir_keeping as = {
		m->file, m->content.form, m->content.digest,
	};
	int there;

	if (m->content.id == 0)
		return 0;
	there = maildir_batch_keeps(k->store, &as, err);
	if (there == -1 && err->kind == ERR_REFUSED)
		return 0;
	m->kept = there == 1;
	return there;
}

/* 1: it holds the very content, and waits for the commit; 0; -1. */
static int
deliver_twin(struct keeping *k, struct kept *m, int fd, struct err *err)
{
	struct maildir_delivery *copy;
	int rc;

	if (maildir_deliver_begin(k->store, &copy, err) == -1)
		return -1;
	rc = maildir_deliver_copy(copy, fd, &m->fp, err);
	if (rc == 0 && fingerprint_is(&m->fp, m->content.form,
	    m->content.digest))
		return keep_check(k, m, copy, err) == -1 ? -1 : 1;
	maildir_deliver_drop(copy);
	return rc == -1 && err->kind != ERR_STALE ? -1 : 0;
}

static int
copy_twin(struct keeping *k, struct kept *m, const struct place *twin,
    struct err *err)
{
	struct run *run = k->r->pass.run;
	const struct folder *f = folder_by_id(run, twin->folder);
	struct err ignored;
	int fd, rc;

	if (f == NULL || f->row.path == NULL ||
	    maildir_message_open(run->md, &(struct maildir_message){
	    f->row.path, twin->in_new, twin->file }, &fd, &ignored) == -1)
		return 0;
	rc = deliver_twin(k, m, fd, err);
	close(fd);
	return rc;
}

static int
keep_copy_run(struct job *job)
{
	struct keeping *k = OWNER_OF(job, struct keeping, job);
	struct run *run = k->r->pass.run;
	int i, at, rc = 0;

	k->store = maildir_batch_for_attic(run->md,
	    k->r->pass.folder->row.path, clock_wall());
	for (i = 0; i < k->n && rc != -1; i++) {
		rc = is_in_attic(k, &k->v[i], &job->err);
		for (at = 0; rc == 0 && at < k->v[i].n_twin; at++)
			rc = copy_twin(k, &k->v[i], &k->v[i].twin[at],
			    &job->err);
	}
	return rc == -1 ? -1 : 0;
}

static int
keep_commit_run(struct job *job)
{
	struct keeping *k = OWNER_OF(job, struct keeping, job);
	struct maildir_commit commit = { .batch = k->store };

	if (k->write_err.kind == ERR_NONE)
		maildir_batches_commit(&commit, 1);
	job->err = commit.result == -1 ? commit.err : k->write_err;
	return job->err.kind == ERR_NONE ? 0 : -1;
}

/* The folder's, or the account's: as where a file can't be removed. */
static enum task_result
keep_stopped(struct keeping *k)
{
	struct removing *r = k->r;

	(void)err_within(&k->job.err, "the attic");
	if (!err_is_of_path(&k->job.err))
		return task_fail(&r->pass.task, &k->job.err);
	folder_fail(r->pass.run, r->pass.folder, &k->job.err);
	return TASK_DONE;
}

static enum task_result
keep_on_disk(struct keeping *k, int (*run)(struct job *), task_step *next)
{
	struct removing *r = k->r;

	k->job = (struct job){ .run = run };
	lane_post(r->pass.run->disk_lane, &k->job, &r->pass.task);
	return task_wait(&r->pass.task, next);
}

static enum task_result
keep_known(struct task *t)
{
	struct keeping *k = keeping_of(t);

	return k->n == 0 ? task_next(t, remove_checked) :
	    keep_on_disk(k, keep_copy_run, keep_copied);
}

/* --- the server's side --- */

static enum task_result
keep_copied(struct task *t)
{
	struct keeping *k = keeping_of(t);

	if (!k->job.done)
		return task_wait(t, keep_copied);
	return k->job.result == -1 ? keep_stopped(k) : task_next(t, keep_ask);
}

/* As many as may be asked for at once; their octets. */
static uint64_t
choose_kept(struct keeping *k, struct uidset *out)
{
	uint64_t octets = 0;
	int i;

	for (i = 0; i < k->n && k->refused == NULL; i++) {
		struct kept *m = &k->v[i];

		if (m->kept || m->failure != NULL || m->asked)
			continue;
		m->asked = true;
		uidset_add(out, m->uid);
		octets += m->d->p.place.size;
		if (k->alone)
			break;
	}
	return octets;
}

static enum task_result
keep_ask(struct task *t)
{
	struct imap_session *session = ((struct pass *)t)->conn->session;
	struct keeping *k = keeping_of(t);
	struct uidset uids = { .n = 0 };
	struct imap_fetch_args args = {
		.uids = &uids, .items = FETCH_BODY, .sink = keep_sink(k),
	};
	const uint64_t octets = choose_kept(k, &uids);

	if (uidset_empty(&uids))
		return keep_on_disk(k, keep_commit_run, keep_committed);
	imap_session_will_fetch(session, octets);
	imap_cmd_release(&k->fetch.cmd);
	imap_fetch_start(session, &k->fetch, t, &args);
	uidset_release(&uids);
	return task_wait(t, keep_arriving);
}

/* What the disk lane is at must end before the task does. */
static enum task_result
keep_arriving(struct task *t)
{
	struct keeping *k = keeping_of(t);

	if (!keep_move(k, k->fetch.cmd.done) || !k->fetch.cmd.done)
		return task_wait(t, keep_arriving);
	return remove_wait(k->r, &k->fetch.cmd, keep_fetched);
}

static bool
is_missing(const struct kept *m)
{
	return m->asked && !m->kept && m->failure == NULL && !m->is_another;
}

/* Of several, each is asked for once more, alone: what came of them counts. */
static void
be_refused(struct keeping *k, const char *why)
{
	int i;

	if (code_is_folder(k->fetch.cmd.code) ||
	    (k->alone && ++k->in_vain == REFUSALS_MOST))
		k->refused = xstrdup(why);
	for (i = 0; i < k->n; i++) {
		struct kept *m = &k->v[i];

		if (!is_missing(m) || m->refused != NULL)
			continue;
		if (k->alone)
			m->refused = xstrdup(why);
		else
			m->asked = false;
	}
	k->alone = true;
}

static enum task_result
keep_fetched(struct task *t)
{
	struct keeping *k = keeping_of(t);
	const char *why = imap_refusal(&k->fetch.cmd);

	if (why != NULL)
		be_refused(k, why);
	else
		k->in_vain = 0;
	return task_next(t, keep_ask);
}

/* --- what came of it --- */

/* One that did not come at all may have been expunged meanwhile; the next
 * listing tells, or the next run finds it still there. */
static char *
why_not(const struct keeping *k, const struct kept *m)
{
	const char *why = m->failure != NULL ? m->failure : m->refused;

	if (m->is_another)
		return xasprintf("the server has another message under UID %u "
		    "than the one deleted here; it is kept", m->uid);
	if (why == NULL && k->refused != NULL && !m->asked)
		return NULL;	/* one issue for all of these */
	if (why == NULL)
		why = m->tried_before ? "the server sends no body" : NULL;
	return why == NULL ? xstrdup("") : xasprintf("message with UID %u was "
	    "not removed: it could not be put into the attic first: %s",
	    m->uid, why);
}

static void
report_refused(const struct keeping *k, unsigned long long n)
{
	struct removing *r = k->r;

	report_folder_issue(r->pass.run, r->pass.folder, ITEM_REMOVE, n,
	    "%llu message%s deleted here stay%s on the server, as %s could not "
	    "be put into the attic first: %s", n, n == 1 ? "" : "s",
	    n == 1 ? "s" : "", n == 1 ? "it" : "they", k->refused);
}

/* What is not kept is not removed. */
static void
leave_what_is_not_kept(struct keeping *k)
{
	struct removing *r = k->r;
	struct uidset left = { .n = 0 };
	unsigned long long n = 0;
	int i;

	for (i = 0; i < k->n; i++) {
		struct kept *m = &k->v[i];

		if (m->kept)
			continue;
		uidset_add(&left, m->uid);
		m->d->failure = why_not(k, m);
		n += m->d->failure == NULL;
	}
	uidset_less(&r->uids, &left);
	uidset_release(&left);
	if (n > 0)
		report_refused(k, n);
}

static enum task_result
keep_committed(struct task *t)
{
	struct keeping *k = keeping_of(t);

	if (!k->job.done)
		return task_wait(t, keep_committed);
	if (k->job.result == -1)
		return keep_stopped(k);
	leave_what_is_not_kept(k);
	return task_next(t, remove_checked);
}

int
remove_keep_record(struct removing *r, struct doomed *d, struct err *err)
{
	const struct kept *m = d->kept;

	if (m == NULL || !m->kept)
		return 0;
	d->how.kept = true;
	/* Not where it was there already. */
	return m->fp.wire == 0 ? 0 : index_content_put(r->pass.run->ix,
	    &m->fp, &d->p.place.content, err);
}

void
remove_keep_release(struct removing *r)
{
	struct keeping *k = r->keeping;
	int i;

	if (k == NULL)
		return;
	keep_clear(k);
	for (i = 0; i < k->n; i++) {
		while (k->v[i].n_twin > 0)
			place_release(&k->v[i].twin[--k->v[i].n_twin]);
		free(k->v[i].file);
		free(k->v[i].refused);
		free(k->v[i].failure);
	}
	free(k->v);
	free(k->refused);
	imap_cmd_release(&k->fetch.cmd);
	maildir_batch_free(k->store);
	free(k);
	r->keeping = NULL;
}
