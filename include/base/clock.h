/*
 * The two clocks. Nothing is decided by wall-clock time but attic age and
 * mtimes.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall(void);		/* seconds since the epoch */
uint64_t clock_mono_ms(void);		/* monotonic milliseconds */

#endif
