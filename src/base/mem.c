/* Memory that is there, or else the process ends; and memory that is wiped. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/os.h"

static void *
mem_check(void *p)
{
	if (p == NULL)
		fatal_memory();
	return p;
}

static size_t
mem_product(size_t n, size_t size)
{
	if (size != 0 && n > SIZE_MAX / size)
		fatal("a size overflows");
	return n * size;
}

void *
xmalloc(size_t n)
{
	return mem_check(malloc(n != 0 ? n : 1));
}

void *
xcalloc(size_t n, size_t size)
{
	size_t total = mem_product(n, size);

	return mem_check(calloc(1, total != 0 ? total : 1));
}

void *
xrealloc(void *p, size_t n)
{
	return mem_check(realloc(p, n != 0 ? n : 1));
}

void *
xreallocarray(void *p, size_t n, size_t size)
{
	return xrealloc(p, mem_product(n, size));
}

char *
xstrdup(const char *s)
{
	return s != NULL ? mem_check(strdup(s)) : NULL;
}

char *
xstrndup(const char *s, size_t n)
{
	return mem_check(strndup(s, n));
}

char *
xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		fatal_memory();
	return s;
}

void
mem_wipe(void *p, size_t n)
{
	if (p != NULL)
		os_wipe(p, n);
}

void
str_wipe_free(char *s)
{
	if (s != NULL)
		os_wipe(s, strlen(s));
	free(s);
}

void *
vec_grow(void *v, size_t n, size_t *cap, size_t size)
{
	if (n >= *cap) {
		size_t more = *cap < 8 ? 8 : *cap / 2;

		if (more > SIZE_MAX - *cap)
			fatal("a size overflows");
		*cap += more;
		v = xreallocarray(v, *cap, size);
	}
	memset((char *)v + n * size, 0, size);
	return v;
}
