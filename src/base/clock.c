/* The time of day, and a clock that only goes forward. */
#include "base/clock.h"

#include <time.h>

static int64_t moved;

int64_t
clock_wall(void)
{
	return (int64_t)time(NULL) + moved;
}

void
clock_move(int64_t seconds)
{
	moved += seconds;
}

uint64_t
clock_mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}
