/*
 * Learns what the unknown files of a folder are: their contents go into the
 * index, for pairing, and so that nothing is removed on the server that only
 * waits under another name to be pushed.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "core/internal.h"

struct unknown {
	struct picked row;
	struct fingerprint fp;
	bool got;
};

struct digest {
	struct pass pass;
	struct pick pick;
	struct picked picked[SYNC_ROWS];
	struct unknown *file;
	int n;
	struct job job;
};

static enum task_result digest_picked(struct task *);
static enum task_result digest_read(struct task *);
static enum task_result digest_recorded(struct task *);

static void
rows_release(struct digest *d)
{
	int i;

	for (i = 0; i < d->n; i++)
		picked_release(&d->file[i].row, 1);
	free(d->file);
	d->file = NULL;
	d->n = 0;
}

static int
pick_run(struct job *job)
{
	struct digest *d = OWNER_OF(job, struct digest, job);
	int i, n = pick_rows(d->pass.a->ix, &d->pick, d->picked, &job->err);

	if (n == -1)
		return -1;
	d->file = xcalloc((size_t)n + 1, sizeof(*d->file));
	for (i = 0; i < n; i++) {
		if (d->picked[i].place.content == 0)
			d->file[d->n++].row = d->picked[i];
		else
			picked_release(&d->picked[i], 1);
	}
	return 0;
}

static enum task_result
digest_pick(struct task *t)
{
	struct digest *d = (struct digest *)t;

	d->job = (struct job){ .run = pick_run };
	lane_post(d->pass.a->index_lane, &d->job, t);
	return task_wait(t, digest_picked);
}

/* -1: the sync failed, and the system says so once: push would believe a second.
 * Or there was no descriptor left: the file is none that can't be read. */
static int
make_durable(struct digest *d, const struct maildir_message *m, bool *done_out,
    struct err *err)
{
	struct maildir_source *s;
	int64_t mtime;
	int rc;

	*done_out = false;
	if (maildir_source_open(&d->pass.a->md, m, &s, &mtime, err) == -1)
		return is_shortage(err) ? -1 : 0;
	rc = maildir_source_sync(s, err);
	maildir_source_close(s);
	*done_out = rc == 0;
	return rc;
}

/*
 * Its content makes it the other half of a message on the server: a file that a
 * power cut could still undo would look deleted, or be empty. What can't be
 * read now stays unknown; push will say so.
 */
static int
read_run(struct job *job)
{
	struct digest *d = OWNER_OF(job, struct digest, job);
	bool all, durable;
	int i;

	all = maildir_sync_many(&d->pass.a->md, d->pass.folder->row.path,
	    (size_t)d->n);
	for (i = 0; i < d->n; i++) {
		struct unknown *u = &d->file[i];
		struct maildir_message m = {
			d->pass.folder->row.path, u->row.place.in_new,
			u->row.place.file,
		};
		int64_t mtime;

		durable = all;	/* else one by one */
		if (!all && make_durable(d, &m, &durable, &job->err) == -1)
			return -1;
		u->got = durable &&
		    maildir_fingerprint(&d->pass.a->md, &m, &u->fp, &mtime,
		    &job->err) == 0;
		if (durable && !u->got && is_shortage(&job->err))
			return -1;
	}
	return 0;
}

static enum task_result
digest_picked(struct task *t)
{
	struct digest *d = (struct digest *)t;

	if (!d->job.done)
		return task_wait(t, digest_picked);
	if (d->job.result == -1)
		return task_fail(t, &d->job.err);
	d->job = (struct job){ .run = read_run };
	lane_post(d->pass.a->disk_lane, &d->job, t);
	return task_wait(t, digest_read);
}

static int
record_run(struct job *job)
{
	struct digest *d = OWNER_OF(job, struct digest, job);
	struct index *ix = d->pass.a->ix;
	int i, rc = index_begin(ix, &job->err);

	for (i = 0; i < d->n && rc == 0; i++) {
		struct unknown *u = &d->file[i];

		if (!u->got)
			continue;
		rc = index_content_put(ix, &u->fp, &u->row.place.content,
		    &job->err);
		if (rc == 0)
			rc = index_place_put(ix, &u->row.place, &job->err);
	}
	return index_end(ix, rc, &job->err);
}

static enum task_result
digest_read(struct task *t)
{
	struct digest *d = (struct digest *)t;

	if (!d->job.done)
		return task_wait(t, digest_read);
	if (d->job.result == -1)
		return task_fail(t, &d->job.err);
	d->job = (struct job){ .run = record_run };
	lane_post(d->pass.a->index_lane, &d->job, t);
	return task_wait(t, digest_recorded);
}

static enum task_result
digest_recorded(struct task *t)
{
	struct digest *d = (struct digest *)t;

	if (!d->job.done)
		return task_wait(t, digest_recorded);
	if (d->job.result == -1)
		return task_fail(t, &d->job.err);
	rows_release(d);
	return d->pick.end ? TASK_DONE : task_next(t, digest_pick);
}

static void
digest_finish(struct task *t)
{
	struct digest *d = (struct digest *)t;

	rows_release(d);
	pass_end(&d->pass);
}

void
digest_start(struct conn *conn, struct folder *folder, struct pass_result *out)
{
	struct digest *d = xcalloc(1, sizeof(*d));

	d->pick = (struct pick){
		.folder = folder, .ops = OP_PUSH, .max = SYNC_ROWS,
		.expunge = conn->a->conf->expunge,
	};
	d->pass.folder = folder;
	d->pass.task.finish = digest_finish;
	pass_start(&d->pass, conn, out, "digest", digest_pick);
}
