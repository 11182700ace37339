/*
 * No memory, at a chosen allocation:
 *
 *	LD_PRELOAD=nomem.so NOMEM_FILE=FILE NOMEM_AT=N [NOMEM_EVER=1] mailtern
 *
 * The N-th allocation of the process (all threads together; malloc, calloc,
 * realloc to more, aligned ones) gets NULL; with NOMEM_EVER so does every later
 * one. With NOMEM_THREAD=N it is the first one of the N-th pthread_create, and
 * every later one. NOMEM_AT=0 only counts. FILE is a struct report, made by the caller as
 * zeros; it is mapped, and so tells how far a process came, however it ended.
 * Children are left alone.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct report {
	_Atomic uint64_t count;
	_Atomic uint64_t fired;
	_Atomic uint64_t pid;	/* of whoever came first */
	_Atomic uint64_t threads;
	char where[224];	/* what asked for the memory, at the first one */
};

/* What glibc has underneath; looking them up would take memory. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static struct report *report;
static _Atomic uint64_t at;
static uint64_t at_thread;
static bool for_ever;
static int (*real_create)(pthread_t *, const pthread_attr_t *,
    void *(*)(void *), void *);

static void
fail(const char *what)
{
	fprintf(stderr, "nomem: %s: %s\n", what, strerror(errno));
	_exit(99);
}

static void __attribute__((constructor))
begin(void)
{
	const char *file = getenv("NOMEM_FILE"), *n = getenv("NOMEM_AT");
	const char *thread = getenv("NOMEM_THREAD");
	void *create = dlsym(RTLD_NEXT, "pthread_create");
	uint64_t nobody = 0;
	void *map;
	int fd;

	memcpy(&real_create, &create, sizeof(create));
	if (file == NULL || n == NULL)
		return;
	fd = open(file, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fail(file);
	map = mmap(NULL, sizeof(struct report), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		fail(file);
	close(fd);
	at = strtoull(n, NULL, 10);
	at_thread = thread != NULL ? strtoull(thread, NULL, 10) : 0;
	for_ever = thread != NULL || getenv("NOMEM_EVER") != NULL;
	if (atomic_compare_exchange_strong(&((struct report *)map)->pid,
	    &nobody, (uint64_t)getpid()))
		report = map;
}

/* Without memory: the library, and the place in it. */
static void
note_where(const void *caller)
{
	Dl_info info;
	const char *name;

	if (dladdr(caller, &info) == 0 || info.dli_fname == NULL)
		return;
	name = strrchr(info.dli_fname, '/');
	snprintf(report->where, sizeof(report->where), "%s+0x%llx %s",
	    name != NULL ? name + 1 : info.dli_fname,
	    (unsigned long long)((const char *)caller -
	    (const char *)info.dli_fbase),
	    info.dli_sname != NULL ? info.dli_sname : "");
}

static bool
refuse(const void *caller)
{
	uint64_t n, first = at;

	if (report == NULL || report->pid != (uint64_t)getpid())
		return false;
	n = atomic_fetch_add(&report->count, 1) + 1;
	if (first == 0 || (n != first && !(for_ever && n > first)))
		return false;
	if (atomic_fetch_add(&report->fired, 1) == 0)
		note_where(caller);
	errno = ENOMEM;
	return true;
}

int
pthread_create(pthread_t *out, const pthread_attr_t *attr,
    void *(*run)(void *), void *arg)
{
	if (report != NULL && report->pid == (uint64_t)getpid() &&
	    atomic_fetch_add(&report->threads, 1) + 1 == at_thread)
		at = report->count + 1;
	return real_create(out, attr, run, arg);
}

#define REFUSED() refuse(__builtin_return_address(0))

void *
malloc(size_t n)
{
	return REFUSED() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return REFUSED() ? NULL : __libc_calloc(n, size);
}

/* These so that their callers are seen, not glibc. */
char *
strndup(const char *s, size_t max)
{
	size_t n = strnlen(s, max);
	char *copy = REFUSED() ? NULL : __libc_malloc(n + 1);

	if (copy == NULL)
		return NULL;
	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *
strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *copy = REFUSED() ? NULL : __libc_malloc(n);

	return copy != NULL ? memcpy(copy, s, n) : NULL;
}

/* To make a block smaller is not refused: it can't fail in practice. */
void *
realloc(void *p, size_t n)
{
	if ((p == NULL || n > malloc_usable_size(p)) && REFUSED())
		return NULL;
	return __libc_realloc(p, n);
}

void *
reallocarray(void *p, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total) || ((p == NULL ||
	    total > malloc_usable_size(p)) && REFUSED())) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_realloc(p, total);
}

void *
memalign(size_t alignment, size_t n)
{
	return REFUSED() ? NULL : __libc_memalign(alignment, n);
}

void *
aligned_alloc(size_t alignment, size_t n)
{
	return REFUSED() ? NULL : __libc_memalign(alignment, n);
}

int
posix_memalign(void **out, size_t alignment, size_t n)
{
	void *p = REFUSED() ? NULL : __libc_memalign(alignment, n);

	if (p == NULL)
		return ENOMEM;
	*out = p;
	return 0;
}
