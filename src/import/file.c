/* Reads whole files of other programs, asks whether these lock them, and writes
 * one of ours. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "internal.h"

#define PORTION	4096

static int
read_all(int fd, const char *path, struct buf *out, struct err *err)
{
	for (;;) {
		void *room = buf_room(out, PORTION);
		ssize_t n;

		if (room == NULL)
			return err_set(err, ERR_IO, "%s is too large", path);
		n = read(fd, room, PORTION);
		if (n < 0 && errno != EINTR)
			return err_errno(err, ERR_IO, "can't read %s", path);
		if (n == 0)
			return 0;
		if (n > 0)
			buf_added(out, (size_t)n);
	}
}

int
import_read_file(const char *path, struct buf *out, int64_t *written_out,
    struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	int rc;

	if (fd < 0)
		return err_errno(err, errno == ENOENT ? ERR_STALE : ERR_IO,
		    "can't open %s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		rc = err_set(err, ERR_IO, "%s is no plain file", path);
	else
		rc = read_all(fd, path, out, err);
	if (rc == 0 && written_out != NULL)
		*written_out = fs_mtime_ns(&st);
	close(fd);
	return rc;
}

bool
import_is_locked(const char *path)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool is;

	if (fd < 0)
		return false;
	is = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(fd);
	return is;
}

bool
import_is_flocked(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool is;

	if (fd < 0)
		return false;
	is = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	close(fd);
	return is;
}

bool
import_written(const char *path, int64_t *out)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	*out = fs_mtime_ns(&st);
	return true;
}

bool
import_has_beside(const char *path, const char *tail)
{
	char *other = xasprintf("%s%s", path, tail);
	bool has = access(other, F_OK) == 0;

	free(other);
	return has;
}

/* --- the Maildir --- */

/* Only to look at. */
static int
open_maildir(struct import_account *a, struct maildir *md, struct err *err)
{
	struct maildir_found found;

	if (maildir_open(md, a->maildir, &found, err) == -1)
		return -1;
	md->look_only = true;
	if (found.root == ROOT_MISSING)
		return err_set(err, ERR_HELD, "the Maildir %s does not exist; "
		    "mount it, or import the configuration of another file",
		    a->maildir);
	if (maildir_root_is_folder(md))
		import_note(a, 0, true, xasprintf("%s is a folder itself: "
		    "mailtern keeps INBOX in %s/INBOX", a->maildir,
		    a->maildir));
	return 0;
}

static int
visit_folders(struct maildir *md, const struct import_visit *visit,
    struct err *err)
{
	struct maildir_folder *v = NULL;
	size_t n = 0, i;
	int rc = maildir_folders(md, &v, &n, err);

	for (i = 0; i < n && rc == 0; i++)
		if (v[i].whole && !v[i].stray && v[i].unread == 0)
			rc = visit->folder(visit->arg, v[i].path, err);
	maildir_folders_free(v, n);
	return rc;
}

int
import_folders(struct import_account *a, const struct import_visit *visit,
    struct err *err)
{
	struct maildir md = { .fd = -1, .mark_fd = -1 };
	int rc = open_maildir(a, &md, err);

	if (rc == 0)
		rc = visit_folders(&md, visit, err);
	maildir_close(&md);
	return rc;
}

/* --- paths --- */

char *
import_find(const struct import_place *p, const char *home)
{
	const char *set = getenv(p->variable);
	char *path = set != NULL && *set == '/' ?
	    xasprintf("%s/%s", set, p->tail) :
	    xasprintf("%s/%s/%s", home, p->instead, p->tail);

	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return xasprintf("%s/%s", home, p->old);
}

char *
import_directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL ? xstrdup(".") : slash == path ?
	    xstrdup("/") : xstrndup(path, (size_t)(slash - path));
	char *real = realpath(dir, NULL);

	if (real == NULL)
		return dir;
	free(dir);
	return real;
}

/* --- a new file --- */

static int
write_all(int fd, const char *path, const struct buf *text, struct err *err)
{
	size_t done = 0;

	while (done < text->len) {
		ssize_t n = write(fd, text->data + done, text->len - done);

		if (n < 0 && errno != EINTR)
			return err_errno(err, ERR_IO, "can't write %s", path);
		if (n > 0)
			done += (size_t)n;
	}
	return fs_sync(fd, path, err);
}

/* Under another name first, so that it is there whole or not at all. */
static int
create_in(int dir, const char *path, const char *name, const struct buf *text,
    struct err *err)
{
	char random[33], *tmp;
	int fd, rc;

	random_hex(random);
	tmp = xasprintf(".%s.%s", name, random);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		rc = err_errno(err, ERR_IO, "can't make %s", path);
	} else {
		rc = write_all(fd, path, text, err);
		close(fd);
		if (rc == 0)
			rc = fs_rename_new(dir, tmp, dir, name, err);
		if (rc == 0)
			rc = fs_sync(dir, path, err);
		else
			unlinkat(dir, tmp, 0);
	}
	free(tmp);
	return rc;
}

int
import_create(const char *path, const struct buf *text, struct err *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	char *above = slash == NULL ? xstrdup(".") : xstrndup(path,
	    slash == path ? 1 : (size_t)(slash - path));
	int dir = -1, rc = -1;

	if (strcmp(above, "/") == 0 || strcmp(above, ".") == 0 ||
	    fs_make_dirs(AT_FDCWD, above, err) == 0)
		dir = fs_open_dir(AT_FDCWD, above, err);
	if (dir >= 0) {
		rc = create_in(dir, path, name, text, err);
		close(dir);
	}
	free(above);
	return rc;
}
