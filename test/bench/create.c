/*
 * create: files of given sizes, made durable with one syncfs: what the disk
 * alone takes for a first pull.
 *
 *	create DIR <SIZES
 *
 * SIZES has one number a line. Each file is written under DIR/tmp, and renamed
 * to DIR/cur when all of them are durable; then the directories are.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char page[1 << 16];

static void
check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "create: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void
write_file(int dir, long n, long size)
{
	char name[32];
	ssize_t done;
	int fd;

	snprintf(name, sizeof(name), "%ld", n);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	check(fd >= 0, name);
	for (; size > 0; size -= done) {
		done = write(fd, page, size < (long)sizeof(page) ?
		    (size_t)size : sizeof(page));
		check(done > 0, name);
	}
	check(close(fd) == 0, name);
}

int
main(int argc, char **argv)
{
	long i, n = 0, size;
	char name[32];
	int tmp, cur;

	check(argc == 2 && chdir(argv[1]) == 0, "DIR");
	memset(page, 'x', sizeof(page));
	check(mkdir("tmp", 0700) == 0 && mkdir("cur", 0700) == 0, "mkdir");
	tmp = open("tmp", O_RDONLY | O_DIRECTORY);
	cur = open("cur", O_RDONLY | O_DIRECTORY);
	check(tmp >= 0 && cur >= 0, "open");
	for (; scanf("%ld", &size) == 1; n++)
		write_file(tmp, n, size);
	check(syncfs(tmp) == 0, "syncfs");
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%ld", i);
		check(renameat(tmp, name, cur, name) == 0, name);
	}
	check(fsync(cur) == 0 && fsync(tmp) == 0, "fsync");
	return 0;
}
