/* Asks what many files of one folder are now, without opening any. */
#include "maildir/look.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fs.h"
#include "internal.h"

int
maildir_look_open(struct maildir_look *l, struct maildir *m, const char *path,
    struct err *err)
{
	l->fd[1] = -1;
	l->fd[0] = maildir_dir_open(m, path, "new", err);
	if (l->fd[0] < 0)
		return -1;
	l->fd[1] = maildir_dir_open(m, path, "cur", err);
	if (l->fd[1] >= 0)
		return 0;
	maildir_look_close(l);
	return -1;
}

void
maildir_look_close(struct maildir_look *l)
{
	for (int i = 0; i < 2; i++) {
		if (l->fd[i] >= 0)
			close(l->fd[i]);
		l->fd[i] = -1;
	}
}

struct file_hint
maildir_hint_of(const struct stat *st)
{
	return (struct file_hint){
		.inode = (uint64_t)st->st_ino,
		.size = (int64_t)st->st_size,
		.mtime = fs_mtime_ns(st),
	};
}

enum maildir_looked
maildir_look(const struct maildir_look *l, bool in_new, const char *file,
    struct file_hint *out)
{
	struct stat st;

	*out = (struct file_hint){ 0 };
	errno = EINVAL;
	if (!maildir_file_is_safe(file))
		return LOOKED_UNKNOWN;
	if (fstatat(l->fd[in_new ? 0 : 1], file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? LOOKED_GONE : LOOKED_UNKNOWN;
	if (!S_ISREG(st.st_mode))
		return LOOKED_OTHER;
	*out = maildir_hint_of(&st);
	return LOOKED_FILE;
}
