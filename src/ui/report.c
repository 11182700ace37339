/* Standard output: lines for people, or with --json one object a line. */
#include "ui/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "ui/progress.h"

#define FLUSH_MS	100

static void
print_line(struct report *r, const char *line)
{
	progress_hide();
	fprintf(r->out, "%s\n", line);
}

/* Programs watch this while the run goes on, but a first pull has an event for
 * each message, and a system call for each costs more than the event. */
static void
flush_now_and_then(struct report *r)
{
	uint64_t now = clock_mono_ms();

	if (now - r->flushed < FLUSH_MS)
		return;
	r->flushed = now;
	fflush(r->out);
}

static void
print_formatted(struct report *r, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void
print_formatted(struct report *r, const char *fmt, va_list ap)
{
	progress_hide();
	vfprintf(r->out, fmt, ap);
	fputc('\n', r->out);
	fflush(r->out);
}

void
report_line(struct report *r, const char *fmt, ...)
{
	va_list ap;

	if (r->json || r->quiet)
		return;
	va_start(ap, fmt);
	print_formatted(r, fmt, ap);
	va_end(ap);
}

void
report_data(struct report *r, const char *fmt, ...)
{
	va_list ap;

	if (r->json)
		return;
	va_start(ap, fmt);
	print_formatted(r, fmt, ap);
	va_end(ap);
}

void
report_event(struct report *r, struct json_event *e)
{
	char *line;

	if (r->json) {
		line = json_event_format(e);
		print_line(r, line);
		free(line);
		flush_now_and_then(r);
	}
	json_event_free(e);
}

/* 0 and 75 are what cron need not hear of. */
static bool
is_silent(const struct report *r, int status)
{
	return r->quiet && (status == 0 || status == 75);
}

void
report_summary(struct report *r, const struct summary *s)
{
	char *line;

	if (!r->json && is_silent(r, s->exit))
		return;
	line = r->json ? summary_format_json(s) : summary_format_line(s);
	print_line(r, line);
	fflush(r->out);
	free(line);
}

void
report_problem(struct report *r, const char *account, const struct err *err)
{
	int status = err_exit_status(err->kind);
	struct json_event *e = json_event_new("problem");

	json_event_add_text(e, "account", account);
	json_event_add_number(e, "exit", (uint64_t)status);
	json_event_add_text(e, "message", err->msg);
	report_event(r, e);
	if (is_silent(r, status))
		return;
	if (account != NULL)
		log_warn("%s: %s", account, err->msg);
	else
		log_warn("%s", err->msg);
}

int
report_close(struct report *r, struct err *err)
{
	errno = 0;
	if (fflush(r->out) == 0 && !ferror(r->out))
		return 0;
	/* The failure may be older than this flush: then errno is gone. */
	if (errno == 0)
		return err_set(err, ERR_IO, "not all could be written to "
		    "standard output");
	return err_errno(err, ERR_IO, "write to standard output");
}
