/*
 * Within the program: the first syncfs, or the one behind the first $STALL_SKIP
 * of them, takes $STALL_MS. Until then no message is written either, and then it
 * fails; with $STALL_ONLY neither is so. When it begins, the file $STALL_TELLS
 * is made.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static _Atomic int stalls, done;

static void
pause_ms(long ms)
{
	usleep((useconds_t)ms * 1000);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	ssize_t (*next)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
	char name[16];

	prctl(PR_GET_NAME, name, 0, 0, 0);
	while (strcmp(name, "disk") == 0 && stalls)
		pause_ms(5);
	return next(fd, p, n);
}

int
syncfs(int fd)
{
	int (*next)(int) = dlsym(RTLD_NEXT, "syncfs");
	const char *skip = getenv("STALL_SKIP");

	if (atomic_fetch_add(&done, 1) != (skip != NULL ? atoi(skip) : 0))
		return next(fd);
	stalls = getenv("STALL_ONLY") == NULL;
	if (getenv("STALL_TELLS") != NULL)
		close(open(getenv("STALL_TELLS"), O_CREAT | O_WRONLY |
		    O_CLOEXEC, 0600));
	pause_ms(atol(getenv("STALL_MS")));
	stalls = 0;
	if (getenv("STALL_ONLY") != NULL)
		return next(fd);
	errno = EIO;
	return -1;
}
