/* The small notations of IMAP: mailbox names, dates. */
#ifndef IMAP_TEXT_H
#define IMAP_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/*
 * Modified UTF-7 (RFC 3501 section 5.1.3). Decoding fails (NULL) on anything
 * that encoding would not produce, and on NUL; then the caller keeps the raw
 * bytes as the name. Encoding fails (NULL) on invalid UTF-8. Caller frees.
 */
char *imap_utf7_decode(struct span);
char *imap_utf7_encode(const char *utf8);

/* "17-Jul-1996 02:44:25 -0700", day with a leading blank or not. False when
 * it is no such date; out of range fields are refused. */
bool imap_date_parse(struct span, int64_t *seconds_out);
/* In UTC ("+0000"), with quotes, into out[30]. */
void imap_date_format(int64_t seconds, char out[30]);

#endif
