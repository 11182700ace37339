/* Leftovers of interrupted deliveries. */
#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/os.h"

#define TMP_AGE	(36 * 3600)	/* seconds; cr.yp.to/proto/maildir.html */

bool
maildir_tmp_is_old(const struct stat *st)
{
	return clock_wall() - (int64_t)os_mtime(st).tv_sec > TMP_AGE &&
	    clock_wall() - (int64_t)os_ctime(st).tv_sec > TMP_AGE;
}

struct sweep {
	int fd;
	bool all;
	size_t left;
};

/*
 * The Maildir is locked, so nobody but this process can be writing a file of
 * ours; what it writes at this very moment has its process id.
 */
static bool
is_leftover(const struct sweep *s, const char *name, const struct stat *st)
{
	uint64_t pid;

	if (!S_ISREG(st->st_mode) || name[0] == '.')
		return false;
	if (maildir_name_is_ours(name, &pid) &&
	    (s->all || pid != (uint64_t)getpid()))
		return true;
	return maildir_tmp_is_old(st);
}

static int
tmp_sweep_entry(void *arg, const char *name, unsigned char type,
    struct err *err)
{
	struct sweep *s = arg;
	struct stat st;

	(void)type;
	(void)err;
	if (fstatat(s->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		s->left += errno != ENOENT;
		return 0;
	}
	if (!is_leftover(s, name, &st) ||
	    (unlinkat(s->fd, name, 0) < 0 && errno != ENOENT))
		s->left++;
	return 0;
}

static void
tmp_sweep_restart(void *arg)
{
	((struct sweep *)arg)->left = 0;
}

int
maildir_tmp_sweep(int fd, bool all, size_t *left_out, struct err *err)
{
	struct sweep s = { fd, all, 0 };
	const struct dir_visit visit = { &s, tmp_sweep_entry };

	if (maildir_dir_list(fd, &visit, tmp_sweep_restart, err) < 0)
		return -1;
	*left_out = s.left;
	return 0;
}
