/*
 * Linked in with SAN=thread. libuv closes descriptors by syscall(SYS_close),
 * which ThreadSanitizer does not see: when another thread gets the same number
 * for a file of its own, that looks like a race. Here it sees them.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

long
syscall(long number, ...)
{
	long (*next)(long, ...);
	void *found;
	va_list ap;
	long arg[6];

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(ap, long);	/* no call has more */
	va_end(ap);
	if (number == SYS_close)
		return close((int)arg[0]);
	found = dlsym(RTLD_NEXT, "syscall");
	memcpy(&next, &found, sizeof(found));	/* POSIX's way */
	return next(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}
