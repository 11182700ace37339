/* Preloaded: the wall clock is CLOCK_SHIFT seconds off. */
#include <stdlib.h>
#include <time.h>

time_t
time(time_t *out)
{
	const char *shift = getenv("CLOCK_SHIFT");
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (shift != NULL)
		now.tv_sec += atoll(shift);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
