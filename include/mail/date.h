/* Dates as messages write them (RFC 5322 sections 3.3 and 4.3). */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/*
 * Seconds since 1970, UTC. Taken are also years of two digits, zones by name or
 * none at all (UTC then), and what stands behind the date. False: no date.
 */
bool mail_date_parse(struct span, int64_t *seconds_out);

#endif
