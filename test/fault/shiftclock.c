/*
 * Another time of day for one run; the files' own times stay true:
 *
 *	LD_PRELOAD=shiftclock.so SHIFT_CLOCK=86400 mailtern sync
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long
shift(void)
{
	const char *by = getenv("SHIFT_CLOCK");

	return by == NULL ? 0 : strtol(by, NULL, 10);
}

int
clock_gettime(clockid_t clock, struct timespec *out)
{
	int r = (int)syscall(SYS_clock_gettime, clock, out);

	if (r == 0 && clock == CLOCK_REALTIME)
		out->tv_sec += shift();
	return r;
}

time_t
time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
