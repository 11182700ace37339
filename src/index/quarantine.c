/*
 * The files around the index: the mark that it is damaged, and the way of a
 * damaged one out of use. The database goes before its WAL: without it an old
 * state would look like the present one.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

static const char *const companions[] = { "-wal", "-shm", "-journal" };
#define N_COMPANIONS	(sizeof(companions) / sizeof(companions[0]))

int
index_sync_dir(const char *path, struct err *err)
{
	char *copy = xstrdup(path);
	const char *dir = dirname(copy);
	int fd = fs_open_dir(AT_FDCWD, dir, err);
	int r = -1;

	if (fd >= 0) {
		r = fs_sync(fd, dir, err);
		close(fd);
	}
	free(copy);
	return r;
}

static bool
is_there(const char *path, const char *tail)
{
	char *name = xasprintf("%s%s", path, tail);
	struct stat st;
	bool there = lstat(name, &st) == 0;

	free(name);
	return there;
}

static int
rename_companion(const char *path, const char *to, const char *tail,
    struct err *err)
{
	char *old = xasprintf("%s%s", path, tail);
	char *new = xasprintf("%s%s", to, tail);
	int r = fs_rename_new(AT_FDCWD, old, AT_FDCWD, new, err);

	if (r < 0 && !is_there(old, ""))
		r = 0;
	free(old);
	free(new);
	return r;
}

static int
remove_file(const char *path, const char *tail, struct err *err)
{
	char *name = xasprintf("%s%s", path, tail);
	int r = unlink(name);

	if (r < 0 && errno != ENOENT)
		r = err_errno(err, ERR_IO, "can't remove %s", name);
	else
		r = 0;
	free(name);
	return r;
}

/* A name that neither the database nor a companion of it would hit. */
static char *
free_name(const char *path)
{
	char *name;
	bool taken;

	for (unsigned n = 1;; n++) {
		name = xasprintf("%s.damaged-%u", path, n);
		taken = is_there(name, "");
		for (size_t i = 0; i < N_COMPANIONS; i++)
			taken = taken || is_there(name, companions[i]);
		if (!taken)
			return name;
		free(name);
	}
}

/*
 * Renames the damaged index with what belongs to it and takes the mark away,
 * durably. Where it went is the caller's to free. A crash in between leaves
 * either the mark, or remains of a database that is gone.
 */
int
index_quarantine(const char *path, char **where_out, struct err *err)
{
	char *name = free_name(path);

	if (fs_rename_new(AT_FDCWD, path, AT_FDCWD, name, err) < 0 ||
	    index_sync_dir(path, err) < 0)
		goto failed;
	for (size_t i = 0; i < N_COMPANIONS; i++)
		if (rename_companion(path, name, companions[i], err) < 0)
			goto failed;
	if (remove_file(path, ".suspect", err) < 0 ||
	    index_sync_dir(path, err) < 0)
		goto failed;
	*where_out = name;
	return 0;
failed:
	free(name);
	err->kind = ERR_IO;
	return err_within(err, "setting the damaged index aside");
}

/* What is left of a database that is gone must not be taken for a new one's. */
int
index_clear_remains(const char *path, struct err *err)
{
	bool any = is_there(path, ".suspect");

	for (size_t i = 0; i < N_COMPANIONS; i++)
		any = any || is_there(path, companions[i]);
	if (!any)
		return 0;
	for (size_t i = 0; i < N_COMPANIONS; i++)
		if (remove_file(path, companions[i], err) < 0)
			return -1;
	if (remove_file(path, ".suspect", err) < 0)
		return -1;
	return index_sync_dir(path, err);
}

int
index_mark_damaged(const char *path, struct err *err)
{
	char *name = xasprintf("%s.suspect", path);
	int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0) {
		r = err_errno(err, ERR_IO, "can't make %s", name);
	} else {
		close(fd);
		r = index_sync_dir(path, err);
	}
	free(name);
	return r;
}

bool
index_marked_damaged(const char *path)
{
	return is_there(path, ".suspect");
}
