/*
 * Within the program: there is no descriptor left, once, when the file whose name
 * begins with $NOFILE is opened; $NOFILE_SKIP such calls pass before. Or the first
 * sync of a directory that ends with $NOSYNC fails, and $NOSYNC_TELLS is made.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Atomic int calls, syncs;

static int
is_out_of_files(const char *path)
{
	const char *name = getenv("NOFILE");

	return name != NULL && strncmp(path, name, strlen(name)) == 0 &&
	    calls++ == atoi(getenv("NOFILE_SKIP"));
}

int
openat(int dir, const char *path, int flags, ...)
{
	int (*next)(int, const char *, int, ...) = dlsym(RTLD_NEXT, "openat");
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = va_arg(ap, int);
	va_end(ap);
	if (is_out_of_files(path)) {
		errno = EMFILE;
		return -1;
	}
	return next(dir, path, flags, mode);
}

static int
ends_with(int fd, const char *end)
{
	char name[64], path[4096] = "";
	size_t n;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, path, sizeof(path) - 1) < 0 ? 0 : strlen(path);
	return n >= strlen(end) && strcmp(path + n - strlen(end), end) == 0;
}

int
fsync(int fd)
{
	int (*next)(int) = dlsym(RTLD_NEXT, "fsync");
	const char *end = getenv("NOSYNC");

	if (end != NULL && ends_with(fd, end) && syncs++ == 0) {
		close(creat(getenv("NOSYNC_TELLS"), 0600));
		errno = EIO;
		return -1;
	}
	return next(fd);
}
