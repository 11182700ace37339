/* What the files of net/ know of each other. */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

#include <openssl/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/stream.h"

#define TLS_FINGERPRINT_LEN	32

/* What the verification of the peer found, for the sentence. */
struct tls_verdict {
	const char *host;
	int code;			/* X509_V_... */
	bool wrong_fingerprint;
	X509 *leaf, *culprit;		/* owned; culprit: whom code is about */
};

/* Writes the sentence for a certificate that was refused. Always -1. */
int tls_explain_verdict(const struct tls_verdict *, struct err *);
/* tls_trust.c. What it returns is freed behind ctx: X509_LOOKUP_meth_free. */
X509_LOOKUP_METHOD *tls_trust_system(SSL_CTX *ctx);
bool tls_fingerprint_parse(const char *text,
    unsigned char out[TLS_FINGERPRINT_LEN]);
bool tls_fingerprint_of(X509 *, unsigned char out[TLS_FINGERPRINT_LEN]);

struct deflate;
struct lookup;
struct tls;
struct tcp_attempt;
struct tunnel;

/* Lives until every handle of the stream is closed. */
struct stream_priv {
	struct stream *s;
	struct task *task;
	uv_loop_t *uv;

	char *host, *ca_file, *fingerprint;
	unsigned port;
	enum stream_tls mode;
	uint64_t connect_ms, silence_ms;

	/* What carries the bytes: exactly one of tcp and tunnel. */
	uv_stream_t *rd, *wr;		/* NULL until connected */
	struct lookup *lookup;		/* while the name is looked up */
	struct tcp_attempt *attempts;	/* linked; the connected one stays */
	struct addrinfo *addresses, *next_address;
	uv_timer_t stagger;		/* when to try the next address */
	int connect_error;		/* the one worth telling */
	struct tunnel *tunnel;

	struct tls *tls;
	int tls_end;			/* of tls_unwrap; 1: it goes on */
	struct err tls_err;
	struct buf wire_in;		/* ciphertext, a read's worth */
	/* Between TLS and plaintext; or NULL. */
	struct deflate *deflate;
	struct buf packed_in;		/* compressed; in has no room for it */
	struct buf packed_out;
	struct buf out;			/* plaintext, not yet written */
	struct buf wire;		/* what is to be sent next */
	struct buf sending;		/* given to libuv by write */
	uv_write_t write;
	bool writing;
	bool low_pending;		/* unsent was high: wake when low */
	struct err write_err;		/* writing failed; reading goes on */

	uv_prepare_t flush;		/* end of a turn: write, resume */
	uv_timer_t deadline;		/* connect_ms, write_err's patience */
	uv_timer_t silence;
	uint64_t active;		/* when a byte last moved */
	size_t seen_queue;		/* libuv's write queue back then */
	bool asked_again;		/* silence: it was polled once more */
	bool expecting, paused, reading;
	bool starved;			/* not reading: in was full */
	bool eof;			/* the tunnel's output has ended */

	int open_handles;
	bool closing;
};

#define STREAM_READ_PIECE	(64u << 10)	/* of one read */
#define STREAM_OUT_MAX		(64u << 20)	/* a writer that never looks */

/* stream.c; transports call these ... */
void stream_handle_opened(struct stream_priv *);
void stream_handle_closed(struct stream_priv *);
void stream_connected(struct stream_priv *, uv_stream_t *rd, uv_stream_t *wr);
void stream_fail(struct stream_priv *, const struct err *);
void stream_ended(struct stream_priv *);	/* orderly */
/* ... and reading and writing these. */
bool stream_is_live(const struct stream_priv *);
void stream_opened(struct stream_priv *);	/* the task may write */
void stream_touch(struct stream_priv *);	/* a byte moved: no silence */
void stream_want_flush(struct stream_priv *);	/* at the end of this turn */
/* Fails with write_err when reading has ended, or a moment later. */
void stream_linger(struct stream_priv *);
/* The sentence for what libuv says of the socket. */
void stream_explain_io(struct stream_priv *, int error, struct err *);

/* stream_read.c: reads while somebody wants it, there is room, and there is
 * more; decode lets the codecs go on with what they have. */
void stream_update_reading(struct stream_priv *);
void stream_decode(struct stream_priv *);
void stream_read_on(struct stream_priv *);	/* if the task made room */

/* stream_write.c: from out through the codecs to wire, and what is in wire to
 * libuv. */
void stream_flush_out(struct stream_priv *);
void stream_write_wire(struct stream_priv *);
bool stream_has_more(const struct stream_priv *);	/* not yet with libuv */

/* tcp.c */
void tcp_open(struct stream_priv *);
void tcp_close(struct stream_priv *);
/* The sentence for what has not come about within connect_ms. */
void tcp_explain_late(const struct stream_priv *, struct err *);
void tcp_quickack(uv_stream_t *);

/*
 * lookup.c. done gets what was found and owns it, or NULL and a sentence. It is
 * called once, never from within lookup_start, and not after lookup_cancel.
 */
typedef void lookup_done(void *arg, struct addrinfo *found,
    const struct err *);
struct lookup *lookup_start(uv_loop_t *, const char *host, unsigned port,
    lookup_done *, void *arg);
void lookup_cancel(struct lookup *);

/* tunnel.c */
void tunnel_open(struct stream_priv *, const char *command);
void tunnel_close(struct stream_priv *);
/* Its output has ended: calls stream_ended or stream_fail, maybe later. */
void tunnel_eof(struct stream_priv *);

#endif
