/*
 * Growable bytes with a bound. The owner says at init how much it may ever
 * hold; adding past that fails and adds nothing, so no peer can make us grow.
 * Consuming from the front is cheap.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	unsigned char *data;	/* the bytes start here; NULL when never used */
	size_t len;
	size_t max;
	/* private */
	unsigned char *mem;
	size_t cap;
};

void buf_init(struct buf *, size_t max);
void buf_release(struct buf *);		/* a zeroed buf is fine */

/* False when len + n would pass max; then nothing was added. */
bool buf_add(struct buf *, const void *, size_t n);
bool buf_add_str(struct buf *, const char *);
bool buf_addf(struct buf *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Room for at least n more bytes at the end, to be written and then counted
 * with buf_added; NULL when that would pass max. */
void *buf_room(struct buf *, size_t n);
void buf_added(struct buf *, size_t n);

void buf_consume(struct buf *, size_t n);	/* n <= len */
void buf_clear(struct buf *);
void buf_swap(struct buf *, struct buf *);	/* bounds and all */

/* Terminates with NUL (not counted in len) and returns the text. */
const char *buf_str(struct buf *);

#endif
