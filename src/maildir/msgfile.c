/* A new message file, whose CRLF becomes LF where that can be undone. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define BUF_SIZE	(64u << 10)
#define NAME_TRIES	8

/* A new file under a new name, 0600 whatever the umask. */
static int
create_file(int dirfd, char name[MAILDIR_NAME_MAX + 1])
{
	int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	struct stat st;
	int fd = -1, saved;

	for (int i = 0; i < NAME_TRIES && fd < 0; i++) {
		maildir_name_new(name);
		fd = openat(dirfd, name, flags, 0600);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd < 0) {
		name[0] = '\0';
		return -1;
	}
	if (fstat(fd, &st) == 0 && ((st.st_mode & 0777) == 0600 ||
	    fchmod(fd, 0600) == 0))
		return fd;
	saved = errno;
	close(fd);
	unlinkat(dirfd, name, 0);
	name[0] = '\0';
	errno = saved;
	return -1;
}

int
maildir_write_all(int fd, const unsigned char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			errno = w == 0 ? ENOSPC : errno;
			return -1;
		}
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

int
maildir_msgfile_create(struct maildir_msgfile *f, int dirfd)
{
	*f = (struct maildir_msgfile){ .dirfd = dirfd, .fd = -1 };
	f->fd = create_file(dirfd, f->name);
	if (f->fd < 0)
		return -1;
	f->buf = xmalloc(BUF_SIZE);
	return 0;
}

static int
flush(struct maildir_msgfile *f)
{
	int r = maildir_write_all(f->fd, f->buf, f->used);

	f->used = 0;
	return r;
}

static int
emit(struct maildir_msgfile *f, const void *p, size_t n)
{
	if (n == 0)
		return 0;
	f->last = ((const unsigned char *)p)[n - 1];
	if (n > BUF_SIZE - f->used && flush(f) < 0)
		return -1;
	if (n > BUF_SIZE)
		return maildir_write_all(f->fd, p, n);
	memcpy(f->buf + f->used, p, n);
	f->used += n;
	return 0;
}

/* Copies what old holds to f, every LF back to the CRLF that it was. */
static int
copy_as_wire(struct maildir_msgfile *f, int old)
{
	unsigned char *block = xmalloc(BUF_SIZE);
	off_t at = 0;
	ssize_t n;

	while ((n = pread(old, block, BUF_SIZE, at)) != 0) {
		unsigned char *p = block, *end = block + n, *lf;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		at += n;
		while (n > 0 && p < end) {
			lf = memchr(p, '\n', (size_t)(end - p));
			if (emit(f, p, (size_t)((lf ? lf : end) - p)) < 0 ||
			    (lf != NULL && emit(f, "\r\n", 2) < 0))
				n = -1;
			p = lf != NULL ? lf + 1 : end;
		}
		if (n < 0)
			break;
	}
	free(block);
	return n < 0 ? -1 : 0;
}

/*
 * Starts over in another file that holds what came so far as it came. Until
 * now every LF stored was a CRLF, and no CR stands before one.
 */
static int
turn_raw(struct maildir_msgfile *f)
{
	struct maildir_msgfile old = *f;
	int r;

	if (flush(f) < 0)
		return -1;
	f->fd = create_file(f->dirfd, f->name);
	if (f->fd < 0) {
		/* The caller discards the old one. */
		int saved = errno;

		*f = old;
		errno = saved;
		return -1;
	}
	r = copy_as_wire(f, old.fd);
	if (r == 0 && f->cr)
		r = emit(f, "\r", 1);
	f->cr = false;
	f->raw = true;
	old.buf = NULL;
	if (r < 0) {
		int saved = errno;

		maildir_msgfile_discard(&old);
		errno = saved;
		return -1;
	}
	maildir_msgfile_discard(&old);
	return 0;
}

/*
 * One line's bytes and its LF. 1: stored; 0: its end would not come back, and
 * nothing of it was stored but a CR that came before.
 */
static int
add_line(struct maildir_msgfile *f, const unsigned char *p, size_t n)
{
	unsigned char before;

	if (n == 0) {
		if (!f->cr || f->last == '\r')
			return 0;
		f->cr = false;
		return emit(f, "\n", 1) < 0 ? -1 : 1;
	}
	before = n > 1 ? p[n - 2] : f->cr ? '\r' : f->last;
	if (p[n - 1] != '\r' || before == '\r')
		return 0;
	if (f->cr && emit(f, "\r", 1) < 0)
		return -1;
	f->cr = false;
	return emit(f, p, n - 1) < 0 || emit(f, "\n", 1) < 0 ? -1 : 1;
}

/* The end of what came, without an LF; a last CR waits for what follows. */
static int
add_rest(struct maildir_msgfile *f, const unsigned char *p, size_t n)
{
	if (n == 0)
		return 0;
	if (f->cr && emit(f, "\r", 1) < 0)
		return -1;
	f->cr = p[n - 1] == '\r';
	return emit(f, p, f->cr ? n - 1 : n);
}

int
maildir_msgfile_add(struct maildir_msgfile *f, const void *data, size_t n)
{
	const unsigned char *p = data, *end = p + n, *lf;

	while (!f->raw && p < end &&
	    (lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		int r = add_line(f, p, (size_t)(lf - p));

		if (r < 0 || (r == 0 && turn_raw(f) < 0))
			return -1;
		if (r > 0)
			p = lf + 1;
	}
	return f->raw ? emit(f, p, (size_t)(end - p)) :
	    add_rest(f, p, (size_t)(end - p));
}

int
maildir_msgfile_end(struct maildir_msgfile *f)
{
	int r = f->cr ? emit(f, "\r", 1) : 0;

	f->cr = false;
	if (r == 0)
		r = flush(f);
	free(f->buf);
	f->buf = NULL;
	return r;
}

void
maildir_msgfile_discard(struct maildir_msgfile *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	if (f->name[0] != '\0')
		unlinkat(f->dirfd, f->name, 0);
	f->name[0] = '\0';
	free(f->buf);
	f->buf = NULL;
}
