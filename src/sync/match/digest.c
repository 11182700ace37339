/*
 * Learns what the unknown files of a folder are. Their contents go into the
 * index, for pairing, and so that nothing is removed on the server that only
 * waits under another name to be pushed.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "core/pick.h"
#include "maildir/store.h"
#include "match/match.h"

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
	struct job read_job;
};

static enum task_result digest_picked(struct task *);
static enum task_result digest_read(struct task *);
static enum task_result digest_recorded(struct task *);

static void
digest_release_rows(struct digest *d)
{
	int i;

	for (i = 0; i < d->n; i++)
		picked_release(&d->file[i].row, 1);
	free(d->file);
	d->file = NULL;
	d->n = 0;
}

static int
digest_pick_work(struct pass *p, struct err *err)
{
	struct digest *d = (struct digest *)p;
	int i, n = pick_rows(&d->pick, d->picked, err);

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

	return pass_job(&d->pass, digest_pick_work, digest_picked);
}

/* -1: the sync failed, and the system says so once: push would believe a
 * second. Or there was no descriptor left: the file is none that can't be read.
 * */
static int
make_durable(struct digest *d, const struct maildir_message *m, bool *done_out,
    struct err *err)
{
	struct maildir_source *s;
	int64_t mtime;
	int rc;

	*done_out = false;
	if (maildir_source_open(d->pass.run->md, m, &s, &mtime, err) == -1)
		return err_is_shortage(err) ? -1 : 0;
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
read_file(struct digest *d, struct unknown *u, bool durable, struct err *err)
{
	const struct maildir_message m = {
		d->pass.folder->row.path, u->row.place.in_new,
		u->row.place.file,
	};
	struct maildir *md = d->pass.run->md;
	int64_t mtime;

	if (!durable && make_durable(d, &m, &durable, err) == -1)
		return -1;
	u->got = durable && maildir_fingerprint(md, &m, &u->fp, &mtime,
	    err) == 0;
	return durable && !u->got && err_is_shortage(err) ? -1 : 0;
}

static int
read_run(struct job *job)
{
	struct digest *d = OWNER_OF(job, struct digest, read_job);
	bool all = maildir_sync_many(d->pass.run->md, d->pass.folder->row.path,
	    (size_t)d->n);
	int i;

	for (i = 0; i < d->n; i++)
		if (read_file(d, &d->file[i], all, &job->err) == -1)
			return -1;
	return 0;
}

static enum task_result
digest_picked(struct task *t)
{
	struct digest *d = (struct digest *)t;

	return lane_run(d->pass.run->disk_lane, &d->read_job, read_run, t,
	    digest_read);
}

static int
digest_record_work(struct pass *p, struct err *err)
{
	struct digest *d = (struct digest *)p;
	struct index *ix = p->run->ix;
	int i, rc = index_begin(ix, err);

	for (i = 0; i < d->n && rc == 0; i++) {
		struct unknown *u = &d->file[i];

		if (!u->got)
			continue;
		rc = index_content_put(ix, &u->fp, &u->row.place.content, err);
		if (rc == 0)
			rc = index_place_put(ix, &u->row.place, err);
	}
	return index_end(ix, rc, err);
}

static enum task_result
digest_read(struct task *t)
{
	return pass_job((struct pass *)t, digest_record_work, digest_recorded);
}

static enum task_result
digest_recorded(struct task *t)
{
	struct digest *d = (struct digest *)t;

	digest_release_rows(d);
	return d->pick.end ? TASK_DONE : task_next(t, digest_pick);
}

static void
digest_finish(struct task *t)
{
	struct digest *d = (struct digest *)t;

	digest_release_rows(d);
	pass_end(&d->pass);
}

void
digest_start(struct conn *conn, struct folder *folder, struct pass_result *out)
{
	struct digest *d = xcalloc(1, sizeof(*d));

	d->pick = (struct pick){
		.run = conn->account->run, .folder = folder, .ops = OP_PUSH,
		.max = SYNC_ROWS,
	};
	d->pass.folder = folder;
	d->pass.task.finish = digest_finish;
	pass_start(&d->pass, conn, out, "digest", digest_pick);
}
