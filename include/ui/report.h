/*
 * What goes to stdout: lines for people, or with --json one object a line.
 * Diagnostics go to stderr through base/log.h, never here.
 */
#ifndef UI_REPORT_H
#define UI_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "ui/json.h"
#include "ui/summary.h"

struct report {
	FILE *out;	/* stdout */
	bool json;
	bool quiet;	/* -q */
	uint64_t flushed;	/* when, ms */
};

/* A line for people; nothing with json or quiet. Adds the line end. */
void report_line(struct report *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for what was asked for: quiet does not matter. */
void report_data(struct report *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* An event for programs; nothing without json. Frees the event. Of many in a
 * row the last wait for the next, or for the summary. */
void report_event(struct report *, struct json_event *);

/*
 * The last line of an account, in either form. With quiet, people do not
 * see it when the account ended with 0 or 75.
 */
void report_summary(struct report *, const struct summary *);

/*
 * Something failed or needs the user: one line on stderr, "account: message"
 * (account may be NULL), and with json the event "problem" with account, exit
 * and message. With quiet, what leads to exit 75 stays silent on stderr.
 */
void report_problem(struct report *, const char *account, const struct err *);

/* Flushes. ERR_IO when anything could not be written (disk full, pipe). */
int report_close(struct report *, struct err *);

#endif
