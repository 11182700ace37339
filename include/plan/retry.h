/* When what was refused is tried again. Pure; times are seconds since 1970. */
#ifndef PLAN_RETRY_H
#define PLAN_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * After that many tries, the last of them at that time: the next one not
 * before. 0: with the next run, as once and twice; then 5 minutes, doubled with
 * each try, a day at most.
 */
int64_t retry_next(uint32_t tries, int64_t last);

/* It is not time yet. A clock that was set back would make it wait for years:
 * what lies more than a day ahead is not believed. */
bool retry_is_later(int64_t next, int64_t now);

#endif
