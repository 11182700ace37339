/* Within the program: writes down which directories it reads, to $READS_TO. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

static void
note(int fd)
{
	char name[64], path[4096];
	ssize_t n;
	FILE *f = fopen(getenv("READS_TO"), "a");

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, path, sizeof(path) - 1);
	fprintf(f, "%.*s\n", n < 0 ? 0 : (int)n, path);
	fclose(f);
}

long
syscall(long nr, ...)
{
	long (*next)(long, ...) = dlsym(RTLD_NEXT, "syscall");
	long a[6];
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_getdents64)
		note((int)a[0]);
	return next(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}
