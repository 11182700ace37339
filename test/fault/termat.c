/*
 * SIGTERM at a chosen moment, from within:
 *
 *	LD_PRELOAD=termat.so TERM_AT=sqlite3_step:8 mailtern sync
 *
 * sends it at the beginning of the 8th call of that function, whichever thread
 * makes it, and lingers there for TERM_LINGER microseconds (default 20000): the
 * loop stops while that job is still at work. Unlike a tracer this leaves the
 * sanitizers alone.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int sqlite3_step(void *);

static void
moment(const char *name)
{
	static atomic_int calls;
	const char *at = getenv("TERM_AT"), *linger = getenv("TERM_LINGER");
	size_t n = strlen(name);

	if (at == NULL || strncmp(at, name, n) != 0 || at[n] != ':')
		return;
	if (atomic_fetch_add(&calls, 1) + 1 != strtol(at + n + 1, NULL, 10))
		return;
	kill(getpid(), SIGTERM);
	usleep(linger != NULL ? (useconds_t)strtol(linger, NULL, 10) : 20000);
}

/* POSIX's way to get a function out of dlsym. */
static void
find(const char *name, void *out)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (p == NULL) {
		fprintf(stderr, "termat: no %s\n", name);
		_exit(99);
	}
	memcpy(out, &p, sizeof(p));
}

int
sqlite3_step(void *statement)
{
	int (*real)(void *);

	find("sqlite3_step", &real);
	moment("sqlite3_step");
	return real(statement);
}

int
fsync(int fd)
{
	int (*real)(int);

	find("fsync", &real);
	moment("fsync");
	return real(fd);
}

int
syncfs(int fd)
{
	int (*real)(int);

	find("syncfs", &real);
	moment("syncfs");
	return real(fd);
}

int
renameat2(int at, const char *from, int to_at, const char *to, unsigned how)
{
	int (*real)(int, const char *, int, const char *, unsigned);

	find("renameat2", &real);
	moment("renameat2");
	return real(at, from, to_at, to, how);
}

int
unlinkat(int at, const char *path, int how)
{
	int (*real)(int, const char *, int);

	find("unlinkat", &real);
	moment("unlinkat");
	return real(at, path, how);
}
