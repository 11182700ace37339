/*
 * How far long work has come, on stderr. On a terminal one line, redrawn at
 * most ten times a second, with all accounts side by side:
 *
 *	work: pulling [#####.....]  48% 1203/2500   home: scanning 17
 *
 * Elsewhere a plain line every ten seconds at most, none for short work. With
 * -q nothing. The bar clears itself before a log line (it registers with
 * log_set_before) and before a line of report; the next change draws it
 * again. Safe from any thread. One progress at a time.
 */
#ifndef UI_PROGRESS_H
#define UI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct progress;

/* One account at work. */
struct progress_item {
	char *account;
	char *what;
	uint64_t done;
	uint64_t total;		/* 0 when not known */
};

/* Adds the n items as a line of fewer than width columns to out. Pure. */
void progress_format(struct buf *out, const struct progress_item *items,
    size_t n, size_t width);

/* Writes to fd (not closed), a bar when it is a terminal. */
struct progress *progress_new(int fd, bool quiet);

/* Clears the bar for good. NULL is fine. */
void progress_free(struct progress *);

/*
 * account does `what` ("pulling", "INBOX: pushing") and has done `done` of
 * `total`; total 0 when it is not known. Cheap: call it as often as you like.
 * NULL progress is fine and does nothing.
 */
void progress_update(struct progress *, const char *account, const char *what,
    uint64_t done, uint64_t total);

/* Takes the bar of the present progress, if any, off the screen. */
void progress_hide(void);

#endif
