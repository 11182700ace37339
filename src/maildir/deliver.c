/*
 * Puts messages into a folder, a batch at a time. For each message begin, data,
 * end, place; then one commit. What fails takes its file in tmp/ along at once;
 * what was never committed goes when the batch is freed.
 */
#include "maildir/deliver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/os.h"
#include "mail/flags.h"
#include "maildir/attic.h"
#include "internal.h"

#define COPY_BLOCK (64u << 10)
#define FEW	8	/* up to that many, an fsync each is cheaper */

enum { BATCH_TMP, BATCH_NEW, BATCH_CUR };

static const char *const batch_sub[3] = { "tmp", "new", "cur" };

enum delivery_state {
	DELIVERY_OPEN,
	DELIVERY_ENDED,
	DELIVERY_PLACED,
	DELIVERY_RENAMED,	/* visible, not durable yet */
	DELIVERY_DONE,
	DELIVERY_GONE,
};

struct maildir_delivery {
	struct maildir_batch *batch;
	enum delivery_state state;
	struct maildir_msgfile tmp;
	struct fingerprinter *print;
	char file[MAILDIR_NAME_MAX + 1];	/* its name at last */
	char letters[MAILDIR_NAME_MAX + 1];	/* foreign ones, for that */
	bool in_new;
	struct file_hint hint;
};

struct maildir_batch {
	struct maildir *m;
	char *path;
	struct maildir_attic *attic;	/* where they go; NULL: to the folder */
	int fd[3];			/* BATCH_*; -1: not opened yet */
	bool can_syncfs;
	bool swept;			/* tmp/ holds nothing of killed runs */
	bool used[3];			/* something was renamed to it */
	uint64_t opened;		/* batches are numbered as they are */
	size_t placed;
	struct maildir_delivery **item;
	size_t n, cap;
};

struct maildir_batch *
maildir_batch_new(struct maildir *m, const char *path, bool more)
{
	struct maildir_batch *b = xcalloc(1, sizeof(*b));

	b->m = m;
	b->swept = more;
	b->path = xstrdup(path);
	for (int i = 0; i < 3; i++)
		b->fd[i] = -1;
	return b;
}

/* What a killed run left in the attic went when the Maildir was locked. */
struct maildir_batch *
maildir_batch_for_attic(struct maildir *m, const char *path, int64_t now)
{
	struct maildir_batch *b = maildir_batch_new(m, path, true);

	b->attic = xcalloc(1, sizeof(*b->attic));
	maildir_attic_init(b->attic, m, path, now);
	return b;
}

static int
batch_dir(struct maildir_batch *b, int i, struct err *err)
{
	if (b->attic == NULL)
		return maildir_dir_open(b->m, b->path, batch_sub[i], err);
	return i == BATCH_TMP ? maildir_attic_open_part(b->attic, err) :
	    maildir_attic_open_day(b->attic, 0, err);
}

/*
 * tmp/ must be open before the first write: syncfs reports what went wrong
 * since then. What a killed run left there goes now.
 */
static int
batch_open(struct maildir_batch *b, struct err *err)
{
	static _Atomic uint64_t count;
	size_t left;

	for (int i = 0; i < 3; i++) {
		if (b->fd[i] < 0)
			b->fd[i] = batch_dir(b, i, err);
		if (b->fd[i] < 0)
			return -1;
	}
	if (b->n > 0)
		return 0;
	b->opened = atomic_fetch_add(&count, 1);
	b->can_syncfs = os_can_sync_fs(b->fd[BATCH_TMP]);
	if (!b->swept && b->m->mark_fd >= 0 &&
	    maildir_tmp_sweep(b->fd[BATCH_TMP], false, &left, err) < 0)
		return err_within(err, "folder %s", b->path);
	b->swept = true;
	return 0;
}

static void
delivery_discard(struct maildir_delivery *d)
{
	int saved = errno;

	maildir_msgfile_discard(&d->tmp);
	fingerprint_cancel(d->print);
	d->print = NULL;
	d->state = DELIVERY_GONE;
	errno = saved;
}

static int
delivery_fail(struct maildir_delivery *d, struct err *err)
{
	delivery_discard(d);
	return err_errno(err, ERR_IO, "folder %s: can't write a message",
	    d->batch->path);
}

static int
delivery_expect(const struct maildir_delivery *d, enum delivery_state state,
    struct err *err)
{
	return d->state == state ? 0 : err_set(err, ERR_IO,
	    "folder %s: the delivery was given up", d->batch->path);
}

int
maildir_deliver_begin(struct maildir_batch *b, struct maildir_delivery **out,
    struct err *err)
{
	struct maildir_delivery *d;

	if (batch_open(b, err) < 0)
		return -1;
	d = xcalloc(1, sizeof(*d));
	d->batch = b;
	if (maildir_msgfile_create(&d->tmp, b->fd[BATCH_TMP]) < 0) {
		err_errno(err, ERR_IO, "folder %s: can't make a message",
		    b->path);
		free(d);
		return -1;
	}
	d->print = fingerprint_new();
	*VEC_ADD(b->item, b->n, b->cap) = d;
	*out = d;
	return 0;
}

int
maildir_deliver_data(struct maildir_delivery *d, const void *p, size_t n,
    struct err *err)
{
	if (delivery_expect(d, DELIVERY_OPEN, err) < 0)
		return -1;
	if (n == 0)
		return 0;
	fingerprint_add(d->print, p, n);
	return maildir_msgfile_add(&d->tmp, p, n) < 0 ?
	    delivery_fail(d, err) : 0;
}

int
maildir_deliver_end(struct maildir_delivery *d, struct fingerprint *out,
    struct err *err)
{
	if (delivery_expect(d, DELIVERY_OPEN, err) < 0)
		return -1;
	if (maildir_msgfile_end(&d->tmp) < 0)
		return delivery_fail(d, err);
	fingerprint_end(d->print, out);
	d->print = NULL;
	d->state = DELIVERY_ENDED;
	return 0;
}

int
maildir_deliver_copy(struct maildir_delivery *d, int fd,
    struct fingerprint *out, struct err *err)
{
	unsigned char *block = xmalloc(COPY_BLOCK);
	ssize_t n;
	int r = 0;

	d->tmp.raw = true;
	while (r == 0 && (n = read(fd, block, COPY_BLOCK)) != 0) {
		if (n > 0)
			r = maildir_deliver_data(d, block, (size_t)n, err);
		else if (errno != EINTR)
			r = err_errno(err, ERR_STALE, "the file can't be "
			    "read");
	}
	free(block);
	return r < 0 ? -1 : maildir_deliver_end(d, out, err);
}

/* fsync and close. NFS reports a full disk as late as that. */
static int
delivery_sync(struct maildir_delivery *d, struct err *err)
{
	int fd = d->tmp.fd;

	d->tmp.fd = -1;
	if (fd < 0)
		return 0;
	if (fs_sync(fd, "a message", err) < 0) {
		close(fd);
		return err_within(err, "folder %s", d->batch->path);
	}
	if (close(fd) < 0 && errno != EINTR)
		return err_errno(err, ERR_IO,
		    "folder %s: can't write a message", d->batch->path);
	return 0;
}

/*
 * Where syncfs will do, descriptors are kept for the first few only: it takes
 * over when more come. Elsewhere each message is synced as soon as it is whole.
 */
static int
delivery_settle(struct maildir_delivery *d, struct err *err)
{
	struct maildir_batch *b = d->batch;
	int fd = d->tmp.fd;

	if (!b->can_syncfs)
		return delivery_sync(d, err);
	if (b->placed < FEW)
		return 0;
	d->tmp.fd = -1;
	if (close(fd) < 0 && errno != EINTR)
		return err_errno(err, ERR_IO,
		    "folder %s: can't write a message", b->path);
	return 0;
}

/* -1 with errno. The kernel cuts a date that the file system can't hold. */
static int
set_date(int fd, const int64_t *date)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };

	if (date == NULL)
		return 0;
	times[1].tv_sec = (time_t)*date;
	return futimens(fd, times);
}

/* Its name is known: it waits for the commit. */
static int
delivery_put(struct maildir_delivery *d, const int64_t *date, struct err *err)
{
	struct stat st;

	if (set_date(d->tmp.fd, date) < 0 || fstat(d->tmp.fd, &st) < 0)
		return delivery_fail(d, err);
	d->hint = maildir_hint_of(&st);
	if (delivery_settle(d, err) < 0) {
		delivery_discard(d);
		return -1;
	}
	d->state = DELIVERY_PLACED;
	d->batch->placed++;
	return 0;
}

/* Those of letters that are nobody's flag, and what stands behind a comma. */
void
maildir_deliver_letters(struct maildir_delivery *d, struct span letters)
{
	size_t i, n = 0;
	bool tail = false;

	for (i = 0; i < letters.n && n < MAILDIR_NAME_MAX; i++) {
		tail |= letters.p[i] == ',';
		if (tail || flag_from_letter(letters.p[i]) == 0)
			d->letters[n++] = letters.p[i];
	}
	d->letters[n] = '\0';
}

/* Letters that find no room are left out. */
static bool
delivery_name(struct maildir_delivery *d, unsigned flags)
{
	struct maildir_name name = {
		.unique = span_of(d->tmp.name), .letters = span_of(d->letters),
	};

	d->in_new = (flags & FLAG_ALL) == 0 && name.letters.n == 0;
	if (d->in_new) {
		memcpy(d->file, d->tmp.name, sizeof(d->file));
		return true;
	}
	if (maildir_name_format(d->file, &name, flags))
		return true;
	name.letters.n = 0;
	return maildir_name_format(d->file, &name, flags);
}

int
maildir_deliver_place(struct maildir_delivery *d, unsigned flags,
    const int64_t *date, struct err *err)
{
	if (delivery_expect(d, DELIVERY_ENDED, err) < 0)
		return -1;
	if (!delivery_name(d, flags)) {
		errno = ENAMETOOLONG;
		return delivery_fail(d, err);
	}
	return delivery_put(d, date, err);
}

int
maildir_deliver_keep(struct maildir_delivery *d,
    const struct maildir_keeping *k, const int64_t *date, struct err *err)
{
	int there;

	if (delivery_expect(d, DELIVERY_ENDED, err) < 0)
		return -1;
	there = maildir_attic_has(d->batch->fd[BATCH_CUR], k, err);
	if (there != 0) {
		delivery_discard(d);
		return there == 1 ? 0 : -1;
	}
	d->in_new = false;
	snprintf(d->file, sizeof(d->file), "%s", k->file);
	return delivery_put(d, date, err);
}

int
maildir_batch_keeps(struct maildir_batch *b, const struct maildir_keeping *k,
    struct err *err)
{
	return batch_open(b, err) < 0 ? -1 :
	    maildir_attic_has(b->fd[BATCH_CUR], k, err);
}

void
maildir_deliver_drop(struct maildir_delivery *d)
{
	if (d->state == DELIVERY_PLACED)
		d->batch->placed--;
	if (d->state < DELIVERY_RENAMED)
		delivery_discard(d);
}

/* Every message was written with its descriptor kept, or none was beyond
 * the few: an unsynced one without descriptor wants syncfs. */
static int
batch_sync_files(struct maildir_batch *b, struct err *err)
{
	bool closed = false;

	for (size_t i = 0; i < b->n; i++)
		closed = closed || (b->item[i]->state == DELIVERY_PLACED &&
		    b->item[i]->tmp.fd < 0);
	if (b->can_syncfs && closed)
		return fs_sync_all(b->fd[BATCH_TMP], b->path, err);
	for (size_t i = 0; i < b->n; i++)
		if (b->item[i]->state == DELIVERY_PLACED &&
		    delivery_sync(b->item[i], err) < 0)
			return -1;
	return 0;
}

static int
delivery_dir(const struct maildir_delivery *d)
{
	return d->in_new ? BATCH_NEW : BATCH_CUR;
}

static int
batch_rename(struct maildir_batch *b, struct err *err)
{
	for (size_t i = 0; i < b->n; i++) {
		struct maildir_delivery *d = b->item[i];
		int to = delivery_dir(d);

		if (d->state != DELIVERY_PLACED)
			continue;
		/* Both names are ours and say nothing to anybody. */
		if (fs_rename_new(b->fd[BATCH_TMP], d->tmp.name, b->fd[to],
		    d->file, err) < 0)
			return err->kind == ERR_STALE ?
			    err_within(err, "folder %s", b->path) :
			    err_errno(err, ERR_IO, "folder %s: can't move a "
			    "message from tmp to %s", b->path, batch_sub[to]);
		d->state = DELIVERY_RENAMED;
		d->tmp.name[0] = '\0';
		b->used[to] = true;
	}
	return 0;
}

/* What somebody has renamed meanwhile stays: he has seen it. */
static void
batch_take_back(struct maildir_batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct maildir_delivery *d = b->item[i];

		if (d->state == DELIVERY_RENAMED)
			unlinkat(b->fd[delivery_dir(d)], d->file, 0);
		if (d->state != DELIVERY_DONE)
			delivery_discard(d);
	}
	b->placed = 0;
}

static void
commit_fail(struct maildir_commit *c, const struct err *err)
{
	batch_take_back(c->batch);
	c->result = -1;
	c->err = *err;
}

static bool
commit_is_open(const struct maildir_commit *c)
{
	return c->result == 0 && c->batch->placed > 0;
}

/*
 * One syncfs does for all: all can have it, and they lie on one file system.
 * It has to be asked by the descriptor that was opened first, as it reports
 * what went wrong since then. NULL: to each his own.
 */
static struct maildir_batch *
commits_together(struct maildir_commit *c, size_t n)
{
	struct maildir_batch *first = NULL;
	size_t many = 0;
	dev_t dev = 0;

	for (size_t i = 0; i < n; i++) {
		struct maildir_batch *b = c[i].batch;
		struct stat st;

		if (!commit_is_open(&c[i]))
			continue;
		if (!b->can_syncfs || fstat(b->fd[BATCH_TMP], &st) < 0 ||
		    (first != NULL && st.st_dev != dev))
			return NULL;
		dev = st.st_dev;
		if (first == NULL || b->opened < first->opened)
			first = b;
		many++;
	}
	return many > 1 ? first : NULL;
}

static void
commits_sync_files(struct maildir_commit *c, size_t n,
    struct maildir_batch *first)
{
	struct err err = { 0 };
	int r = first == NULL ? 0 :
	    fs_sync_all(first->fd[BATCH_TMP], first->path, &err);

	for (size_t i = 0; i < n; i++) {
		if (!commit_is_open(&c[i]))
			continue;
		if (first == NULL)
			r = batch_sync_files(c[i].batch, &err);
		if (r < 0)
			commit_fail(&c[i], &err);
	}
}

static void
commits_rename(struct maildir_commit *c, size_t n)
{
	struct err err = { 0 };

	for (size_t i = 0; i < n; i++)
		if (commit_is_open(&c[i]) && batch_rename(c[i].batch, &err) < 0)
			commit_fail(&c[i], &err);
}

static int
batch_sync_dirs(struct maildir_batch *b, struct err *err)
{
	for (int i = BATCH_NEW; i <= BATCH_CUR; i++)
		if (b->used[i] && fs_sync(b->fd[i], b->path, err) < 0)
			return err_within(err, "folder %s", b->path);
	return 0;
}

/* Of two directories each a sync is as cheap. */
static void
commits_sync_dirs(struct maildir_commit *c, size_t n,
    struct maildir_batch *first)
{
	struct err err = { 0 };
	int r = first == NULL ? 0 :
	    fs_sync_all(first->fd[BATCH_TMP], first->path, &err);

	for (size_t i = 0; i < n; i++) {
		if (!commit_is_open(&c[i]))
			continue;
		if (first == NULL)
			r = batch_sync_dirs(c[i].batch, &err);
		if (r < 0)
			commit_fail(&c[i], &err);
	}
}

static void
batch_done(struct maildir_batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct maildir_delivery *d = b->item[i];

		if (d->state != DELIVERY_RENAMED)
			continue;
		d->state = DELIVERY_DONE;
		if (d->tmp.fd >= 0)
			close(d->tmp.fd);
		d->tmp.fd = -1;
	}
	b->placed = 0;
}

void
maildir_batches_commit(struct maildir_commit *c, size_t n)
{
	struct maildir_batch *first;

	for (size_t i = 0; i < n; i++)
		c[i].result = 0;
	first = commits_together(c, n);
	commits_sync_files(c, n, first);
	commits_rename(c, n);
	commits_sync_dirs(c, n, first);
	for (size_t i = 0; i < n; i++)
		if (commit_is_open(&c[i]))
			batch_done(c[i].batch);
}

const char *
maildir_delivery_file(const struct maildir_delivery *d, bool *in_new_out)
{
	*in_new_out = d->in_new;
	return d->file;
}

const struct file_hint *
maildir_delivery_hint(const struct maildir_delivery *d)
{
	return &d->hint;
}

void
maildir_batch_free(struct maildir_batch *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->n; i++) {
		delivery_discard(b->item[i]);
		free(b->item[i]);
	}
	for (int i = 0; i < 3; i++)
		if (b->fd[i] >= 0)
			close(b->fd[i]);
	if (b->attic != NULL)
		maildir_attic_release(b->attic);
	free(b->attic);
	free(b->item);
	free(b->path);
	free(b);
}
