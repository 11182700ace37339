/*
 * The two clocks. Nothing is decided by wall-clock time but attic age and
 * mtimes.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall(void);		/* seconds since the epoch */
/* For tests: it is that much later from now on. */
void clock_move(int64_t seconds);
uint64_t clock_mono_ms(void);		/* monotonic milliseconds */

#endif
