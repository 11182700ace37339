/* Says when what was refused is tried again: soon at first, then once a day. */
#include "plan/retry.h"

#define DAY		86400
#define FIRST_WAIT	300

int64_t
retry_next(uint32_t tries, int64_t last)
{
	int64_t wait = FIRST_WAIT;
	uint32_t i;

	if (tries < 2)
		return 0;
	for (i = 2; i < tries && wait < DAY; i++)
		wait *= 2;
	return last + (wait < DAY ? wait : DAY);
}

bool
retry_is_later(int64_t next, int64_t now)
{
	return next > now && next <= now + DAY;
}
