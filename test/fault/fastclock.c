/*
 * A monotonic clock that goes on a tenth of a second each time it is asked:
 *
 *	LD_PRELOAD=fastclock.so mailtern verify --offline --time 2s
 */
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int
clock_gettime(clockid_t clock, struct timespec *out)
{
	static _Atomic long asked;
	int r = (int)syscall(SYS_clock_gettime, clock, out);
	long tenths;

	if (r == 0 && clock == CLOCK_MONOTONIC) {
		tenths = atomic_fetch_add(&asked, 1);
		out->tv_sec += tenths / 10;
		out->tv_nsec += tenths % 10 * 100000000L;
		if (out->tv_nsec >= 1000000000L) {
			out->tv_nsec -= 1000000000L;
			out->tv_sec++;
		}
	}
	return r;
}
