/* What other programs wrote, made durable. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/os.h"
#include "internal.h"
#include "maildir/maildir.h"
#include "maildir/store.h"

#define FEW	8	/* up to that many, an fsync each is cheaper */

/* Both on one file system, whose syncfs tells what went wrong. */
static bool
sync_both(int cur, int new, const char *path)
{
	struct stat a, b;
	struct err ignored;

	return os_can_sync_fs(cur) && fstat(cur, &a) == 0 &&
	    fstat(new, &b) == 0 && a.st_dev == b.st_dev &&
	    fs_sync_all(cur, path, &ignored) == 0;
}

bool
maildir_sync_many(struct maildir *m, const char *path, size_t n)
{
	struct err ignored;
	bool done = false;
	int cur, new;

	if (n <= FEW)
		return false;
	cur = maildir_dir_open(m, path, "cur", &ignored);
	if (cur < 0)
		return false;
	new = maildir_dir_open(m, path, "new", &ignored);
	if (new >= 0) {
		done = sync_both(cur, new, path);
		close(new);
	}
	close(cur);
	return done;
}

static int
sync_dir(struct maildir *m, const char *path, struct err *err)
{
	int fd = fs_open_dir(m->fd, path, err), r;

	if (fd < 0)
		return -1;
	r = fs_sync(fd, path, err);
	close(fd);
	return r;
}

int
maildir_folder_sync(struct maildir *m, const char *path, struct err *err)
{
	char *above = maildir_dir_of(m, path, err), *slash;
	int r;

	if (above == NULL)
		return -1;
	while ((r = sync_dir(m, above, err)) == 0 &&
	    (slash = strrchr(above, '/')) != NULL)
		*slash = '\0';
	free(above);
	if (r == 0)
		r = fs_sync(m->fd, m->root, err);
	return r == 0 ? 0 : err_within(err, "folder %s", path);
}
