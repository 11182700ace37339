/*
 * Deviations of named servers, a row of data each (imap/quirks.c): which
 * servers it is for, and what differs there. Nothing elsewhere asks which
 * server it talks to. A row is on where greeting, host, capabilities or ID
 * match, or where the configuration names it, unless that takes it out.
 */
#ifndef IMAP_QUIRKS_H
#define IMAP_QUIRKS_H

#include <stdbool.h>
#include <stddef.h>

struct imap_session;

/* What a flow has to know. Rows also take capabilities away, and shorten
 * lines; of that nobody has to know. */
enum imap_quirk {
	QUIRK_LOGIN_FIRST	= 1 << 0, /* SASL is offered, does not work */
	QUIRK_NO_EXPORTER	= 1 << 1, /* no binding over TLS 1.3 */
	QUIRK_SIZES		= 1 << 2, /* RFC822.SIZE is an estimate */
	QUIRK_APPEND_CLOSED	= 1 << 3, /* loses APPENDs to an open folder */
	QUIRK_GUID		= 1 << 4, /* may know X-GUID */
};

bool imap_quirk_on(const struct imap_session *, enum imap_quirk);

/* How many connections it bears, by itself; 0: as many as others. */
unsigned imap_quirk_connections(const struct imap_session *);

/* The rows, for the configuration; NULL behind the last. */
const char *imap_quirk_row_name(size_t i);
bool imap_quirk_row_exists(const char *name);

#endif
