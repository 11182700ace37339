/*
 * Writes down what the program does to disk and line, in order:
 *
 *	LD_PRELOAD=recorder.so RECORD_TO=/tmp/calls mailtern sync
 *
 * One line a call: "sync PATH", "syncfs PATH", "rename PATH", "unlink PATH",
 * "send TEXT". PATH is where the file lies at that moment (of a rename: where
 * it goes to). With RECORD_KILL=TEXT the process is killed before the first
 * call whose line holds that text.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define LINE	(PATH_MAX + 300)

/* POSIX's way to get a function out of dlsym. */
static void
find(const char *name, void *out)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (p == NULL) {
		fprintf(stderr, "recorder: no %s\n", name);
		_exit(99);
	}
	memcpy(out, &p, sizeof(p));
}

/* One write, so that lines of two threads do not mix. */
static void
record(const char *what, const char *dir, const char *name)
{
	ssize_t (*real)(int, const void *, size_t);
	const char *to = getenv("RECORD_TO"), *victim = getenv("RECORD_KILL");
	char line[LINE];
	int fd, n;

	if (to == NULL)
		return;
	n = snprintf(line, sizeof(line), "%s %s%s%s\n", what, dir,
	    *dir != '\0' && *name != '\0' ? "/" : "", name);
	if (n >= (int)sizeof(line))
		n = sizeof(line) - 1;
	fd = open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	find("write", &real);
	if (fd < 0 || real(fd, line, (size_t)n) != n) {
		fprintf(stderr, "recorder: can't write %s\n", to);
		_exit(99);
	}
	close(fd);
	if (victim != NULL && strstr(line, victim) != NULL)
		kill(getpid(), SIGKILL);
}

static void
path_of(int fd, char out[PATH_MAX])
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, out, PATH_MAX - 1);
	out[n < 0 ? 0 : n] = '\0';
}

static void
record_fd(const char *what, int fd)
{
	char path[PATH_MAX];

	path_of(fd, path);
	record(what, path, "");
}

static void
record_at(const char *what, int fd, const char *name)
{
	char dir[PATH_MAX] = "";

	if (*name != '/' && fd != AT_FDCWD)
		path_of(fd, dir);
	record(what, dir, name);
}

/* The beginning of it; line ends as blanks. */
static void
record_sent(int fd, const char *p, size_t n)
{
	char text[300];
	struct stat st;
	size_t i;

	if (fstat(fd, &st) == -1 || !S_ISSOCK(st.st_mode))
		return;
	for (i = 0; i < n && i < sizeof(text) - 1; i++)
		text[i] = p[i] < ' ' || p[i] > '~' ? ' ' : p[i];
	text[i] = '\0';
	record("send", "", text);
}

int
fsync(int fd)
{
	int (*real)(int);

	find("fsync", &real);
	record_fd("sync", fd);
	return real(fd);
}

int
fdatasync(int fd)
{
	int (*real)(int);

	find("fdatasync", &real);
	record_fd("sync", fd);
	return real(fd);
}

int
syncfs(int fd)
{
	int (*real)(int);

	find("syncfs", &real);
	record_fd("syncfs", fd);
	return real(fd);
}

int
renameat2(int at, const char *from, int to_at, const char *to, unsigned how)
{
	int (*real)(int, const char *, int, const char *, unsigned);

	find("renameat2", &real);
	record_at("rename", to_at, to);
	return real(at, from, to_at, to, how);
}

int
unlinkat(int at, const char *name, int how)
{
	int (*real)(int, const char *, int);

	find("unlinkat", &real);
	record_at("unlink", at, name);
	return real(at, name, how);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	ssize_t (*real)(int, const void *, size_t);

	find("write", &real);
	record_sent(fd, p, n);
	return real(fd, p, n);
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	ssize_t (*real)(int, const struct iovec *, int);
	int i;

	find("writev", &real);
	for (i = 0; i < n; i++)
		record_sent(fd, v[i].iov_base, v[i].iov_len);
	return real(fd, v, n);
}
