/* Bytes that grow at their end, up to a bound, and are taken from the front. */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define BUF_FIRST	256	/* smallest allocation */

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_release(struct buf *b)
{
	free(b->mem);
	*b = (struct buf){ .max = b->max };
}

/* How large to become for need bytes, when cap is not enough or fragmented. */
static size_t
buf_new_cap(const struct buf *b, size_t need)
{
	size_t cap = b->cap > SIZE_MAX / 2 ? SIZE_MAX : b->cap * 2;

	if (cap < BUF_FIRST)
		cap = BUF_FIRST;
	if (cap < need)
		cap = need;
	/* A full buffer needs no more than max and a NUL. */
	if (need > b->cap && cap - 1 > b->max && need - 1 <= b->max)
		cap = b->max + 1;
	return cap;
}

/*
 * Makes room for need bytes behind data. What was consumed is reclaimed in
 * place only when it is at least as much as what has to move, so that any
 * sequence of calls costs a constant per byte.
 */
static void
buf_reserve(struct buf *b, size_t need)
{
	size_t gone = b->mem != NULL ? (size_t)(b->data - b->mem) : 0;
	unsigned char *mem;
	size_t cap;

	if (need <= b->cap - gone)
		return;
	if (need <= b->cap && gone >= b->len) {
		memmove(b->mem, b->data, b->len);
		b->data = b->mem;
		return;
	}
	cap = buf_new_cap(b, need);
	mem = xmalloc(cap);
	if (b->len > 0)
		memcpy(mem, b->data, b->len);
	free(b->mem);
	b->mem = b->data = mem;
	b->cap = cap;
}

void *
buf_room(struct buf *b, size_t n)
{
	if (b->len > b->max || n > b->max - b->len)
		return NULL;
	buf_reserve(b, b->len + n + 1);
	return b->data + b->len;
}

void
buf_added(struct buf *b, size_t n)
{
	assert(b->mem != NULL || n == 0);
	assert(n <= b->max - b->len);
	b->len += n;
}

bool
buf_add(struct buf *b, const void *p, size_t n)
{
	void *room = buf_room(b, n);

	if (room == NULL)
		return false;
	if (n > 0)
		memcpy(room, p, n);
	b->len += n;
	return true;
}

bool
buf_add_str(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

bool
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char *room;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || (room = buf_room(b, (size_t)n)) == NULL)
		return false;
	va_start(ap, fmt);
	vsnprintf(room, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return true;
}

void
buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->len);
	if (n == b->len) {
		buf_clear(b);
		return;
	}
	b->data += n;
	b->len -= n;
}

void
buf_clear(struct buf *b)
{
	b->data = b->mem;
	b->len = 0;
}

void
buf_swap(struct buf *a, struct buf *b)
{
	struct buf t = *a;

	*a = *b;
	*b = t;
}

const char *
buf_str(struct buf *b)
{
	buf_reserve(b, b->len + 1);
	b->data[b->len] = '\0';
	return (const char *)b->data;
}
