/* The codec of compressed connections (RFC 4978), by zlib. */
#include "net/deflate.h"

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/mem.h"

#define WINDOW		(-15)	/* raw deflate, 32 KiB: RFC 4978 section 4 */
#define LEVEL		3	/* mail: more costs more than it gains */
#define MEMORY		8
#define PIECE		(16u << 10)
/* A flush without content has five octets, the longest head of a block some
 * three hundred. Nobody has a reason to send so many of them. */
#define EMPTY_MAX	(64u << 10)

struct deflate {
	z_stream in, out;
	char *host;
	size_t empty;		/* octets taken since one came out */
	int result;		/* of deflate_unwrap, once it is not 1 */
	struct err err;
};

/* Fails like all else here: what cannot be had ends the process. */
static voidpf
z_alloc(voidpf arg, uInt n, uInt size)
{
	(void)arg;
	return xcalloc(n, size);
}

static void
z_free(voidpf arg, voidpf p)
{
	(void)arg;
	free(p);
}

struct deflate *
deflate_new(const char *host)
{
	struct deflate *d = xcalloc(1, sizeof(*d));
	int r;

	d->host = xstrdup(host);
	d->result = 1;
	d->in.zalloc = d->out.zalloc = z_alloc;
	d->in.zfree = d->out.zfree = z_free;
	r = inflateInit2(&d->in, WINDOW);
	assert(r == Z_OK);
	r = deflateInit2(&d->out, LEVEL, Z_DEFLATED, WINDOW, MEMORY,
	    Z_DEFAULT_STRATEGY);
	assert(r == Z_OK);
	(void)r;
	return d;
}

void
deflate_free(struct deflate *d)
{
	if (d == NULL)
		return;
	inflateEnd(&d->in);
	deflateEnd(&d->out);
	free(d->host);
	free(d);
}

static int
inflate_fail(struct deflate *d, const char *why)
{
	err_set(&d->err, ERR_PROTO, "what %s sends compressed is damaged "
	    "(%s); if that is so each time, set compress = no", d->host, why);
	return -1;
}

/* One step into a piece of room. Whether to go on. */
static bool
inflate_piece(struct deflate *d, struct buf *packed, struct buf *plain)
{
	size_t room = plain->max - plain->len, took, gave;
	int r;

	if (room > PIECE)
		room = PIECE;
	d->in.next_out = buf_room(plain, room);
	d->in.avail_out = (uInt)room;
	d->in.next_in = packed->data;
	d->in.avail_in = (uInt)packed->len;
	r = inflate(&d->in, Z_NO_FLUSH);
	took = packed->len - d->in.avail_in;
	gave = room - d->in.avail_out;
	if (took > 0)
		buf_consume(packed, took);
	buf_added(plain, gave);
	d->empty = gave > 0 ? 0 : d->empty + took;
	if (r == Z_STREAM_END)
		d->result = 0;
	else if (r != Z_OK && r != Z_BUF_ERROR)
		d->result = inflate_fail(d, d->in.msg != NULL ? d->in.msg :
		    "no zlib data");
	else if (d->empty > EMPTY_MAX)
		d->result = inflate_fail(d, "there is nothing in it");
	return d->result == 1 && (took > 0 || gave > 0);
}

int
deflate_unwrap(struct deflate *d, struct buf *packed, struct buf *plain,
    struct err *err)
{
	bool more = d->result == 1;

	assert(packed->len <= UINT_MAX);
	/* It may hold what plain had no room for. */
	while (more && plain->len < plain->max)
		more = inflate_piece(d, packed, plain);
	if (d->result == -1)
		*err = d->err;
	return d->result;
}

void
deflate_wrap(struct deflate *d, struct buf *plain, struct buf *packed,
    size_t max)
{
	size_t n = plain->len < max ? plain->len : max;
	int r;

	d->out.next_in = plain->data;
	d->out.avail_in = (uInt)n;
	do {
		d->out.next_out = buf_room(packed, PIECE);
		d->out.avail_out = PIECE;
		r = deflate(&d->out, Z_SYNC_FLUSH);
		/* Nothing is left to do when it was just enough room. */
		assert(r == Z_OK || r == Z_BUF_ERROR);
		buf_added(packed, PIECE - d->out.avail_out);
	} while (d->out.avail_out == 0);
	if (n > 0)
		buf_consume(plain, n);
}
