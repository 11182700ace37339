/* Log lines on standard error, each in one write, from any thread. */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define LOG_PREFIX	"mailtern: "
#define LOG_LINE	8192	/* bytes of text on one line */

static _Atomic int level = LOG_WARN;
static void (*before_line)(void);
static pthread_mutex_t line_lock = PTHREAD_MUTEX_INITIALIZER;

void
log_set_level(enum log_level l)
{
	atomic_store(&level, (int)l);
}

enum log_level
log_level(void)
{
	return (enum log_level)atomic_load(&level);
}

void
log_set_before(void (*before)(void))
{
	pthread_mutex_lock(&line_lock);
	before_line = before;
	pthread_mutex_unlock(&line_lock);
}

/* One write for one line, so that lines of several processes stay whole. */
static void
log_write(const char *line, size_t n)
{
	pthread_mutex_lock(&line_lock);
	if (before_line != NULL)
		before_line();
	while (n > 0) {
		ssize_t done = write(STDERR_FILENO, line, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			break;
		line += done;
		n -= (size_t)done;
	}
	pthread_mutex_unlock(&line_lock);
}

void
log_at(enum log_level at, const char *fmt, ...)
{
	size_t prefix = sizeof(LOG_PREFIX) - 1;
	int saved = errno;
	char *raw, *line;
	va_list ap;
	int n;

	if (at > log_level())
		return;
	va_start(ap, fmt);
	n = vasprintf(&raw, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if (n > 0 && raw[n - 1] == '\n')
		n--;
	/* 4 as str_printable wants it, 1 for the line end. */
	line = xmalloc(prefix + LOG_LINE + 4 + 1);
	memcpy(line, LOG_PREFIX, prefix);
	str_printable(line + prefix, LOG_LINE, raw, (size_t)n);
	n = (int)strlen(line);
	line[n] = '\n';
	log_write(line, (size_t)n + 1);
	free(line);
	free(raw);
	errno = saved;
}
