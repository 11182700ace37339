/* A Maildir in a temporary directory, for the tests of maildir/. */
#ifndef TEST_MAILDIR_ROOT_H
#define TEST_MAILDIR_ROOT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "maildir/deliver.h"
#include "maildir/maildir.h"

#define ID	"00112233445566778899aabbccddeeff"
#define TOKEN	"0123456789abcdef0123456789abcdef"
#define TOKEN2	"fedcba9876543210fedcba9876543210"

/* DIR/root is the Maildir; what else turns up in DIR escaped from it. */
struct root {
	char dir[64];
	char *path;
	struct maildir m;
};

#define assert_ok(r, e) do { \
	if ((r) != 0) \
		fail_msg("%s", (e)->msg); \
} while (0)

__attribute__((unused)) static struct root *
root_new(void)
{
	struct root *r = xcalloc(1, sizeof(*r));
	struct maildir_found found;
	struct err err = { 0 };

	snprintf(r->dir, sizeof(r->dir), "/tmp/maildir-test-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	r->path = xasprintf("%s/root", r->dir);
	assert_ok(maildir_open(&r->m, r->path, &found, &err), &err);
	assert_int_equal(found.root, ROOT_MISSING);
	assert_ok(maildir_lock(&r->m, &err), &err);
	return r;
}

__attribute__((unused)) static int
root_remove_entry(const char *path, const struct stat *st, int type,
    struct FTW *at)
{
	(void)at;
	if (type == FTW_DNR || (type == FTW_DP && (st->st_mode & 0700) != 0700))
		chmod(path, 0700);
	return remove(path);
}

__attribute__((unused)) static void
root_free(struct root *r)
{
	maildir_close(&r->m);
	nftw(r->dir, root_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(r->path);
	free(r);
}

/* A path below the Maildir; freed by the caller. */
__attribute__((unused)) static char *
root_path(const struct root *r, const char *path)
{
	return xasprintf("%s/%s", r->path, path);
}

__attribute__((unused)) static void
root_write(const struct root *r, const char *path, const void *data, size_t n)
{
	char *whole = root_path(r, path);
	int fd = open(whole, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), n);
	close(fd);
	free(whole);
}

__attribute__((unused)) static char *
root_read(const struct root *r, const char *path, size_t *n_out)
{
	char *whole = root_path(r, path), *data;
	int fd = open(whole, O_RDONLY);
	struct stat st;

	if (fd < 0)
		fail_msg("no %s", whole);
	assert_int_equal(fstat(fd, &st), 0);
	data = xcalloc(1, (size_t)st.st_size + 1);
	assert_int_equal(read(fd, data, (size_t)st.st_size), st.st_size);
	close(fd);
	free(whole);
	*n_out = (size_t)st.st_size;
	return data;
}

__attribute__((unused)) static void
root_mkdir(const struct root *r, const char *path)
{
	char *whole = root_path(r, path);

	assert_int_equal(mkdir(whole, 0700), 0);
	free(whole);
}

__attribute__((unused)) static void
root_link(const struct root *r, const char *target, const char *path)
{
	char *whole = root_path(r, path);

	assert_int_equal(symlink(target, whole), 0);
	free(whole);
}

__attribute__((unused)) static bool
root_has(const struct root *r, const char *path)
{
	struct stat st;

	return fstatat(r->m.fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

__attribute__((unused)) static void
root_folder(struct root *r, const char *path)
{
	struct err err = { 0 };

	assert_ok(maildir_folder_create(&r->m, path, &err), &err);
}

/* Entries of a directory, "." and ".." not counted; -1: none. */
__attribute__((unused)) static int
root_count(const struct root *r, const char *path)
{
	char *whole = root_path(r, path);
	DIR *d = opendir(whole);
	struct dirent *e;
	int n = 0;

	free(whole);
	if (d == NULL)
		return -1;
	while ((e = readdir(d)) != NULL)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(d);
	return n;
}

/* One batch, committed by itself. */
__attribute__((unused)) static int
batch_commit(struct maildir_batch *b, struct err *err)
{
	struct maildir_commit c = { .batch = b };

	maildir_batches_commit(&c, 1);
	if (c.result < 0)
		*err = c.err;
	return c.result;
}

#endif
