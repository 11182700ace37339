/* Tells what a file of the attic holds; and whether a message is there already,
 * as an earlier run that was cut off may have put it there. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "maildir/attic.h"
#include "maildir/deliver.h"
#include "internal.h"

#define BLOCK	(64u << 10)

/* Closes fd. */
static int
read_fingerprint(int fd, struct fingerprint *out)
{
	unsigned char *block = xmalloc(BLOCK);
	struct fingerprinter *f = fingerprint_new();
	ssize_t n;

	while ((n = read(fd, block, BLOCK)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			fingerprint_add(f, block, (size_t)n);
	fingerprint_end(f, out);
	free(block);
	close(fd);
	return n < 0 ? -1 : 0;
}

int
maildir_attic_fingerprint(struct maildir *m,
    const struct maildir_attic_entry *e, struct fingerprint *out,
    struct err *err)
{
	int fd;

	if (maildir_attic_open(m, e, &fd, err) < 0)
		return -1;
	return read_fingerprint(fd, out) == 0 ? 0 : err_errno(err, ERR_IO,
	    "can't read %s in the attic", e->file);
}

int
maildir_attic_has(int dirfd, const struct maildir_keeping *k, struct err *err)
{
	struct fingerprint there;
	int fd = openat(dirfd, k->file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || read_fingerprint(fd, &there) < 0)
		return err_errno(err, ERR_IO, "can't read %s in the attic",
		    k->file);
	if (!fingerprint_is(&there, k->form, k->content))
		return err_set(err, ERR_REFUSED, "another message was put into "
		    "the attic today under the name %s", k->file);
	return fs_sync(dirfd, ATTIC, err) < 0 ? -1 : 1;
}
