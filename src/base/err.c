/* Fills in errors, and says which exit status each kind of them has. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "base/str.h"

#define ERR_RAW		4096	/* longer than any message that is kept */

/*
 * The text may come from a server or a file name. It is formatted beside the
 * message first, since the arguments may point into the old one.
 */
static void __attribute__((format(printf, 3, 0)))
err_format(struct err *err, const char *tail, const char *fmt, va_list ap)
{
	char raw[ERR_RAW];
	size_t used;
	int n;

	n = vsnprintf(raw, sizeof(raw), fmt, ap);
	used = n < 0 ? 0 : (size_t)n;
	if (used >= sizeof(raw))
		used = sizeof(raw) - 1;
	if (tail != NULL) {
		n = snprintf(raw + used, sizeof(raw) - used, ": %s", tail);
		used += n < 0 ? 0 : (size_t)n;
		if (used >= sizeof(raw))
			used = sizeof(raw) - 1;
	}
	str_printable(err->msg, sizeof(err->msg) - 4, raw, used);
}

int
err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	err_format(err, NULL, fmt, ap);
	va_end(ap);
	err->kind = kind;
	err->number = 0;
	errno = saved;
	return -1;
}

int
err_errno(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	int saved = errno;
	char room[OS_ERROR_MAX];
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	err_format(err, os_error_text(saved, room), fmt, ap);
	va_end(ap);
	err->kind = kind;
	err->number = saved;
	errno = saved;
	return -1;
}

int
err_within(struct err *err, const char *fmt, ...)
{
	int saved = errno;
	char old[sizeof(err->msg)];
	va_list ap;

	if (err == NULL)
		return -1;
	memcpy(old, err->msg, sizeof(old));
	va_start(ap, fmt);
	err_format(err, old, fmt, ap);
	va_end(ap);
	errno = saved;
	return -1;
}

int
err_exit_status(enum err_kind kind)
{
	switch (kind) {
	case ERR_NONE:
		return 0;
	case ERR_USAGE:
		return 64;
	case ERR_IO:
		return 74;
	case ERR_NET:
	case ERR_BUSY:
	case ERR_SECRET:
	case ERR_CANCELED:
		return 75;
	case ERR_PROTO:
	case ERR_TLS:
		return 76;
	case ERR_AUTH:
		return 77;
	case ERR_CONFIG:
		return 78;
	case ERR_REFUSED:
	case ERR_STALE:
	case ERR_HELD:
		break;
	}
	return 1;
}

/* Its place in the order of design section 8; what is not in it comes first. */
static int
err_exit_rank(int status)
{
	static const int order[] = { 78, 77, 76, 74, 1, 75, 0 };
	int n = (int)(sizeof(order) / sizeof(order[0]));

	for (int i = 0; i < n; i++)
		if (order[i] == status)
			return i;
	return -1;
}

int
err_exit_worse(int a, int b)
{
	return err_exit_rank(a) <= err_exit_rank(b) ? a : b;
}

bool
err_is_of_path(const struct err *e)
{
	if (e->kind == ERR_STALE)
		return true;
	if (e->kind != ERR_IO)
		return false;
	switch (e->number) {
	case EACCES:
	case EPERM:
	case ENOTDIR:
	case EISDIR:
	case ELOOP:
	case ENAMETOOLONG:
		return true;
	}
	return false;
}

bool
err_is_disk_full(const struct err *e)
{
	return e->kind == ERR_IO && (e->number == ENOSPC ||
	    e->number == EDQUOT || e->number == EROFS);
}

bool
err_is_shortage(const struct err *e)
{
	return e->kind == ERR_IO && (e->number == EMFILE ||
	    e->number == ENFILE || e->number == ENOMEM);
}
