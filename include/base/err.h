/*
 * Why something failed, in two halves: the kind decides what the program does
 * next (retry, skip, stop; see err_exit_status), the message is one sentence
 * for the user. A function that can fail takes a struct err * last and returns
 * 0, or -1 having filled it in. Whoever first knows the fact writes the
 * sentence; callers add where with err_within. Nobody logs what he returns.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

enum err_kind {
	ERR_NONE,
	ERR_USAGE,	/* command line: exit 64 */
	ERR_IO,		/* local file system or index: exit 74 */
	ERR_NET,	/* resolve, connect, reset, silence: exit 75 */
	ERR_BUSY,	/* another run holds the lock: exit 75 */
	ERR_SECRET,	/* no password was to be had: exit 75, but named */
	ERR_CANCELED,	/* a signal, or the task was cancelled: exit 75 */
	ERR_PROTO,	/* protocol broken, drop the connection: 76 */
	ERR_TLS,	/* certificate or handshake; never downgrade: 76 */
	ERR_AUTH,	/* login refused: exit 77 */
	ERR_CONFIG,	/* syncrc, or the wrong Maildir: exit 78 */
	ERR_REFUSED,	/* tagged NO or BAD: the session lives */
	ERR_STALE,	/* a precondition no longer holds: drop the operation */
	ERR_HELD,	/* needs the user: exit 1 */
};

struct err {
	enum err_kind kind;
	int number;		/* errno, where err_errno was told; else 0 */
	char msg[1000];
};

/* Always -1, so that a failing function ends with "return err_set(...)". */
int err_set(struct err *, enum err_kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and the system's text for errno behind the message. */
int err_errno(struct err *, enum err_kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "where: " before the message of a failed callee. Always -1. */
int err_within(struct err *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Design section 8. ERR_NONE is 0; REFUSED, STALE and HELD are 1. */
int err_exit_status(enum err_kind);

/* The status of several accounts: the first present of 78 77 76 74 1 75 0. */
int err_exit_worse(int a, int b);

/*
 * Whose fault an ERR_IO is. Of the path alone: it can't be entered, or is
 * something else than expected (ERR_STALE, too); other paths may be well.
 */
bool err_is_of_path(const struct err *);
/* The disk as such takes no more, not this file. */
bool err_is_disk_full(const struct err *);
/* Of descriptors or memory: nothing that was asked of a file was answered. */
bool err_is_shortage(const struct err *);

#endif
