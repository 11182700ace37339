/*
 * One connection to a server, seen as plaintext bytes: TCP (every address of
 * the name tried in turn) or a tunnel command, with TLS and then compression as
 * codecs on top. It wakes its task whenever something changed; the task looks
 * at the fields.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct loop;
struct task;

enum stream_tls { STREAM_TLS_NONE, STREAM_TLS_IMPLICIT, STREAM_TLS_STARTTLS };

struct stream_config {
	const char *host;		/* for TCP, SNI and verification */
	unsigned port;
	enum stream_tls tls;
	const char *ca_file;		/* or NULL; adds to the system store */
	const char *fingerprint;	/* or NULL; SHA-256 of the leaf, in hex,
					   colons allowed */
	const char *tunnel;		/* or NULL; replaces host and port */
	uint64_t connect_ms;		/* to resolve, connect, shake hands */
	uint64_t silence_ms;		/* no byte while stream_expect(true) */
};

enum stream_state {
	STREAM_OPENING,
	STREAM_OPEN,
	STREAM_EOF,		/* closed by the peer (TLS: close_notify) */
	STREAM_FAILED,		/* err says why: ERR_NET, ERR_TLS, ERR_PROTO */
	STREAM_CLOSED,		/* after stream_close; may be freed */
};

struct stream_priv;

struct stream {
	enum stream_state state;
	struct err err;
	struct buf in;		/* plaintext that came; the task consumes it */
	uint64_t bytes_in, bytes_out;	/* on the wire, TLS included */
	uint64_t inflated;	/* octets that were compressed on the wire */
	bool encrypted;		/* TLS is up */
	bool loopback;		/* the peer's address is a loopback one */
	bool tunnel;
	/* private */
	struct stream_priv *priv;
};

/* Begins to connect. cfg's strings must live until the stream is open. */
void stream_open(struct stream *, struct loop *, struct task *,
    const struct stream_config *cfg);

/*
 * Queues plaintext. It is written at the end of this turn of the loop, all of a
 * turn in one write. Never fails here; a failure shows in state.
 */
void stream_write(struct stream *, const void *, size_t);

/* Bytes queued and not yet taken by the kernel. The task is woken when it
 * falls below 256 KiB, and when it reaches 0. */
size_t stream_unsent(const struct stream *);

/* While paused nothing is read from the socket. Reading also pauses by itself
 * when in holds LIMIT_STREAM_IN, until it was consumed. */
void stream_pause(struct stream *, bool);

/* Tells whether an answer is awaited: then silence_ms without a byte read
 * (or, while sending, written) makes the stream fail with ERR_NET. */
void stream_expect(struct stream *, bool);

/*
 * After the tagged OK to STARTTLS: in must be empty, else the stream fails
 * (ERR_TLS, injected data). State goes back to STREAM_OPENING until the
 * handshake is done.
 */
void stream_start_tls(struct stream *);

/*
 * After the tagged OK to COMPRESS DEFLATE: what in holds behind it, and all
 * that comes, is compressed; and so is what was not sent yet. What is damaged
 * makes the stream fail with ERR_PROTO. Once only.
 */
void stream_start_deflate(struct stream *);

/* "tls-exporter" or "tls-unique" binding data for SASL -PLUS; 0, or -1 when
 * there is none. type_out is a constant. */
int stream_channel_binding(struct stream *, const char **type_out,
    unsigned char *out, size_t *len_inout);

/* Closes (TLS close_notify where possible) and frees what is private; the task
 * is held until state is STREAM_CLOSED. Harmless when never opened. */
void stream_close(struct stream *);

#endif
