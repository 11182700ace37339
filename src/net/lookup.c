/*
 * A name is looked up on a thread of its own. libuv would use its pool, and
 * dies of SIGABRT where that can't start all of its threads, be it for want of
 * memory or because the user has too many.
 */
#include "internal.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/mem.h"
#include "base/os.h"
#include "loop/uv.h"

#ifndef AI_IDN
#define AI_IDN		0
#endif
#ifndef EAI_IDN_ENCODE
#define EAI_IDN_ENCODE	EAI_NONAME
#endif
#ifndef EAI_NODATA
#define EAI_NODATA	EAI_NONAME
#endif

struct lookup {
	uv_async_t async;	/* sent when it is found; its data is this */
	atomic_int refs;	/* the thread's, and that of async */
	char *host, port[16];

	uv_mutex_t lock;	/* of what follows */
	lookup_done *done;	/* NULL when nobody waits */
	void *arg;
	struct addrinfo *found;
	int status, error;	/* of getaddrinfo; errno for EAI_SYSTEM */
};

static void
unref(struct lookup *l)
{
	if (atomic_fetch_sub(&l->refs, 1) > 1)
		return;
	if (l->found != NULL)
		freeaddrinfo(l->found);
	uv_mutex_destroy(&l->lock);
	free(l->host);
	free(l);
}

static void
work(void *arg)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | AI_IDN,
	};
	struct lookup *l = arg;
	struct addrinfo *found = NULL;
	int status;

	os_name_thread("lookup");
	status = getaddrinfo(l->host, l->port, &hints, &found);
	if (status == EAI_MEMORY)
		fatal_memory();
	uv_mutex_lock(&l->lock);
	l->found = status == 0 ? found : NULL;
	l->status = status;
	l->error = errno;
	if (l->done != NULL)	/* else async is being closed */
		uv_async_send(&l->async);
	uv_mutex_unlock(&l->lock);
	unref(l);
}

static void
on_closed(uv_handle_t *h)
{
	unref(h->data);
}

void
lookup_cancel(struct lookup *l)
{
	uv_mutex_lock(&l->lock);
	l->done = NULL;
	uv_mutex_unlock(&l->lock);
	uv_close((uv_handle_t *)&l->async, on_closed);
}

static void
explain(const struct lookup *l, struct err *err)
{
	if (l->status == EAI_NONAME || l->status == EAI_NODATA ||
	    l->status == EAI_IDN_ENCODE)
		err_set(err, ERR_NET, "no such host: %s", l->host);
	else
		err_set(err, ERR_NET, "can't look up the address of %s: %s",
		    l->host, l->status == EAI_SYSTEM ? strerror(l->error) :
		    gai_strerror(l->status));
}

static void
on_found(uv_async_t *h)
{
	struct lookup *l = h->data;
	struct addrinfo *found;
	struct err err = { 0 };
	lookup_done *done;

	uv_mutex_lock(&l->lock);
	done = l->done;
	found = l->found;
	l->found = NULL;
	if (found == NULL)
		explain(l, &err);
	uv_mutex_unlock(&l->lock);
	lookup_cancel(l);
	done(l->arg, found, &err);
}

struct lookup *
lookup_start(uv_loop_t *uv, const char *host, unsigned port,
    lookup_done *done, void *arg)
{
	struct lookup *l = xcalloc(1, sizeof(*l));
	uv_thread_t thread;

	l->host = xstrdup(host);
	snprintf(l->port, sizeof(l->port), "%u", port);
	l->done = done;
	l->arg = arg;
	l->refs = 2;
	if (uv_mutex_init(&l->lock) != 0 ||
	    uv_async_init(uv, &l->async, on_found) != 0)
		fatal("can't start a thread");
	l->async.data = l;
	if (loop_start_thread(&thread, work, l) != 0)
		fatal("can't start a thread");
	pthread_detach(thread);
	return l;
}
