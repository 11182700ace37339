/* Within the program: there is no descriptor left, once, when the file whose name
 * begins with $NOFILE is opened. $NOFILE_SKIP such calls pass before. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic int calls;

static int
is_out_of_files(const char *path)
{
	const char *name = getenv("NOFILE");

	return strncmp(path, name, strlen(name)) == 0 &&
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
