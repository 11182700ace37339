/*
 * The client side of TLS as a codec: bytes in, bytes out, no socket. The
 * caller moves ciphertext; TLS 1.2 or later, and the certificate is always
 * checked: against the system's authorities and ca_file and for the host's
 * name, or, if a fingerprint is given, against that and nothing else.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct tls;

struct tls_config {
	const char *host;	/* a name, or an address literal */
	unsigned port;		/* for the sentences only */
	const char *ca_file;	/* or NULL */
	const char *fingerprint; /* or NULL; SHA-256 of the leaf in hex */
	bool upgrade;		/* after STARTTLS, for the sentences only */
};

/* NULL with ERR_CONFIG when ca_file or fingerprint can't be used. */
struct tls *tls_new(const struct tls_config *, struct err *);
void tls_free(struct tls *);		/* NULL is fine */

/*
 * Takes all of wire_in, appends plaintext to plain up to its max and to
 * wire_out what TLS itself has to send (handshake, alerts): flush it also on
 * failure. With nothing new it begins the handshake, or goes on after plain
 * was full. 1 while the connection is open, 0 when the peer closed it
 * properly, -1 when it is broken or not to be trusted (ERR_TLS).
 */
int tls_unwrap(struct tls *, struct buf *wire_in, struct buf *plain,
    struct buf *wire_out, struct err *);

/*
 * Encrypts from the front of plain until wire_out holds about max bytes, and
 * overwrites what it took. Only when tls_is_up. 0, or -1.
 */
int tls_wrap(struct tls *, struct buf *plain, struct buf *wire_out, size_t max,
    struct err *);

/* The transport ended without close_notify: says what that means. Always -1. */
int tls_cut(const struct tls *, struct err *);

/* Appends close_notify, when the handshake was done. */
void tls_finish(struct tls *, struct buf *wire_out);

bool tls_is_up(const struct tls *);	/* handshake done, peer accepted */

/*
 * RFC 9266 tls-exporter on TLS 1.3, RFC 5929 tls-unique on TLS 1.2 if the
 * session has the extended master secret. 0, or -1 when there is none.
 */
int tls_channel_binding(const struct tls *, const char **type_out,
    unsigned char *out, size_t *len_inout);

#endif
