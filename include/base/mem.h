/*
 * Memory. Exhaustion ends the process (base/fatal.h), so no caller has to write
 * a path for it. Sizes that come from outside are checked against base/limits.h
 * before they get here.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *xmalloc(size_t);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *, size_t);
void *xreallocarray(void *, size_t n, size_t size);
char *xstrdup(const char *);		/* NULL gives NULL */
char *xstrndup(const char *, size_t);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* For secrets: overwrites; overwrites and frees. NULL is fine. */
void mem_wipe(void *, size_t);
void str_wipe_free(char *);

/*
 * A growing array: struct foo *v; size_t n, cap;
 * VEC_ADD(v, n, cap) makes room and evaluates to a pointer to the new last
 * element, zeroed.
 */
void *vec_grow(void *v, size_t n, size_t *cap, size_t size);
#define VEC_ADD(v, n, cap) \
	((v) = vec_grow((v), (n), &(cap), sizeof(*(v))), &(v)[(n)++])

#endif
