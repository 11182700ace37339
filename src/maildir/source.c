/* Reads a message file as it goes over the wire, each line ending in CRLF. */
#include "maildir/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/os.h"
#include "internal.h"

#define SOURCE_BUF	(64u << 10)

struct maildir_source {
	struct maildir_durable *durable;	/* of its directory */
	int fd, dirfd;
	char *what;		/* for messages: folder and name */
	struct stat st;		/* when it was opened */
	unsigned char *buf;
	size_t at, len;		/* what of buf is not handed out yet */
	unsigned char last;	/* the last byte handed out */
};

/* Never blocks on a FIFO, never follows a link. */
static int
source_open_file(struct maildir_source *s, const char *file, struct err *err)
{
	s->fd = openat(s->dirfd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC);
	if (s->fd < 0 && errno == ENOENT)
		return err_set(err, ERR_STALE, "%s is not there any more",
		    s->what);
	if (s->fd < 0 && !os_error_is_link(errno) && errno != ENXIO)
		return err_errno(err, ERR_IO, "can't open %s", s->what);
	if (s->fd >= 0 && fstat(s->fd, &s->st) < 0)
		return err_errno(err, ERR_IO, "can't look at %s", s->what);
	if (s->fd < 0 || !S_ISREG(s->st.st_mode))
		return err_set(err, ERR_IO, "%s is no regular file", s->what);
	/* Before any of it is read: a sparse one is huge at no cost. */
	if ((uint64_t)s->st.st_size > LIMIT_MESSAGE)
		return err_set(err, ERR_REFUSED, "it is larger than IMAP can "
		    "carry (4 GiB)");
	return 0;
}

int
maildir_source_open(struct maildir *m, const struct maildir_message *msg,
    struct maildir_source **out, int64_t *mtime_out, struct err *err)
{
	const char *sub = msg->in_new ? "new" : "cur";
	struct maildir_source *s;

	if (!maildir_file_is_safe(msg->file))
		return err_set(err, ERR_IO, "folder %s: not the name of a "
		    "message: %s", msg->path, msg->file);
	s = xcalloc(1, sizeof(*s));
	s->fd = -1;
	s->durable = &m->durable[msg->in_new];
	s->what = xasprintf("folder %s: %s/%s", msg->path, sub, msg->file);
	s->dirfd = maildir_dir_open(m, msg->path, sub, err);
	if (s->dirfd < 0 || source_open_file(s, msg->file, err) < 0) {
		maildir_source_close(s);
		return -1;
	}
	s->buf = xmalloc(SOURCE_BUF);
	*mtime_out = (int64_t)os_mtime(&s->st).tv_sec;
	*out = s;
	return 0;
}

int
maildir_message_open(struct maildir *m, const struct maildir_message *msg,
    int *fd_out, struct err *err)
{
	struct maildir_source *s;
	int64_t mtime;

	if (maildir_source_open(m, msg, &s, &mtime, err) < 0)
		return -1;
	*fd_out = s->fd;
	s->fd = -1;
	maildir_source_close(s);
	return 0;
}

/* 1: bytes are in buf; 0: the end. */
static int
source_fill(struct maildir_source *s, struct err *err)
{
	ssize_t n;

	if (s->at < s->len)
		return 1;
	do
		n = read(s->fd, s->buf, SOURCE_BUF);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(err, ERR_IO, "can't read %s", s->what);
	s->at = 0;
	s->len = (size_t)n;
	return n > 0;
}

/*
 * Hands out up to n bytes of what is in buf. A bare LF first becomes a CR; then
 * it stands behind one and passes as it is.
 */
static size_t
source_convert(struct maildir_source *s, unsigned char *out, size_t n)
{
	size_t done = 0;

	while (done < n && s->at < s->len) {
		const unsigned char *p = s->buf + s->at, *lf;
		size_t left = s->len - s->at, part;

		if (*p == '\n' && s->last != '\r') {
			s->last = out[done++] = '\r';
			continue;
		}
		/* Past the byte at hand, up to the next LF. */
		lf = left > 1 ? memchr(p + 1, '\n', left - 1) : NULL;
		part = lf != NULL ? (size_t)(lf - p) : left;
		if (part > n - done)
			part = n - done;
		memcpy(out + done, p, part);
		s->last = p[part - 1];
		s->at += part;
		done += part;
	}
	return done;
}

ssize_t
maildir_source_read(struct maildir_source *s, void *out, size_t n,
    struct err *err)
{
	size_t done = 0;

	while (done < n) {
		int r = source_fill(s, err);

		if (r < 0)
			return -1;
		if (r == 0)
			break;
		done += source_convert(s, (unsigned char *)out + done,
		    n - done);
	}
	return (ssize_t)done;
}

/* Of a thousand messages of a folder, all but the first find it done. */
static int
source_sync_dir(struct maildir_source *s, struct err *err)
{
	struct maildir_durable *known = s->durable;
	struct timespec changed;
	struct stat st;
	bool settled;

	if (fstat(s->dirfd, &st) < 0)
		return err_errno(err, ERR_IO, "can't look at %s", s->what);
	changed = os_ctime(&st);
	if (known->ino == st.st_ino && known->dev == st.st_dev &&
	    known->changed.tv_sec == changed.tv_sec &&
	    known->changed.tv_nsec == changed.tv_nsec)
		return 0;
	known->ino = 0;
	/* Asked before: the sync may take longer than the clock's grain. */
	settled = maildir_dir_is_settled(s->dirfd, &st);
	if (fs_sync(s->dirfd, s->what, err) < 0)
		return -1;
	if (settled)
		*known = (struct maildir_durable){ st.st_dev, st.st_ino,
		    changed };
	return 0;
}

int
maildir_source_sync(struct maildir_source *s, struct err *err)
{
	if (fs_sync(s->fd, s->what, err) < 0)
		return -1;
	return source_sync_dir(s, err);
}

void
maildir_source_close(struct maildir_source *s)
{
	if (s == NULL)
		return;
	if (s->fd >= 0)
		close(s->fd);
	if (s->dirfd >= 0)
		close(s->dirfd);
	free(s->what);
	free(s->buf);
	free(s);
}

/* Somebody edits it: then its digest is that of no message. */
int
maildir_source_unchanged(const struct maildir_source *s, struct err *err)
{
	struct stat now;

	if (fstat(s->fd, &now) < 0)
		return err_errno(err, ERR_IO, "can't look at %s", s->what);
	if (now.st_size != s->st.st_size ||
	    fs_mtime_ns(&now) != fs_mtime_ns(&s->st))
		return err_set(err, ERR_STALE, "%s changed while it was read",
		    s->what);
	return 0;
}

int
maildir_fingerprint(struct maildir *m, const struct maildir_message *msg,
    struct fingerprint *out, int64_t *mtime_out, struct err *err)
{
	struct maildir_source *s;
	struct fingerprinter *f;
	int r;

	if (maildir_source_open(m, msg, &s, mtime_out, err) < 0)
		return -1;
	f = fingerprint_new();
	while ((r = source_fill(s, err)) > 0) {
		fingerprint_add(f, s->buf, s->len);
		s->at = s->len;
	}
	if (r == 0)
		r = maildir_source_unchanged(s, err);
	if (r == 0)
		fingerprint_end(f, out);
	else
		fingerprint_cancel(f);
	maildir_source_close(s);
	return r;
}
