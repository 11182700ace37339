/*
 * COMPRESS=DEFLATE (RFC 4978) as a codec: bytes in, bytes out, no socket. Each
 * direction is one raw deflate stream. What comes out is bounded by the
 * caller's buffers, however much a small input stands for.
 */
#ifndef NET_DEFLATE_H
#define NET_DEFLATE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct deflate;

/* host: for the sentences; copied. */
struct deflate *deflate_new(const char *host);
void deflate_free(struct deflate *);		/* NULL is fine */

/*
 * Inflates from the front of packed, appending to plain up to its max. Where
 * plain got full there may be more, also when packed is empty: to be called
 * again when there is room. 1 while the stream goes on; 0 when the peer ended
 * it and all of it is in plain (what else is in packed means nothing); -1 when
 * it is damaged, or goes on without a single octet of content (ERR_PROTO).
 * What was inflated before that is in plain. 0 and -1 stay.
 */
int deflate_unwrap(struct deflate *, struct buf *packed, struct buf *plain,
    struct err *);

/*
 * Compresses max octets at most from the front of plain, and flushes: the peer
 * can read all that it was given. packed must have room for a little more than
 * these, for not everything shrinks.
 */
void deflate_wrap(struct deflate *, struct buf *plain, struct buf *packed,
    size_t max);

#endif
