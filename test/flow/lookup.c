/*
 * Names are looked up by the scheduler: an event like all others, and no thread
 * of which it would not know that something is still to come.
 */
#include <assert.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/net/internal.h"
#include "base/mem.h"
#include "scheduler.h"

/* Stands for that of the program, which never sees what is in it. */
struct lookup {
	struct sched_source source;
	struct addrinfo *found;
	lookup_done *done;
	void *arg;
};

struct lookup *__wrap_lookup_start(uv_loop_t *, const char *, unsigned,
    lookup_done *, void *);
void __wrap_lookup_cancel(struct lookup *);

static bool
is_ready(struct sched_source *source)
{
	(void)source;
	return true;
}

static void
go(struct sched_source *source)
{
	struct lookup l = *(struct lookup *)source;
	const struct err err = { .kind = ERR_NONE };

	sched_remove(source);
	free(source);
	l.done(l.arg, l.found, &err);
}

struct lookup *
__wrap_lookup_start(uv_loop_t *uv, const char *host, unsigned port,
    lookup_done *done, void *arg)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | AI_NUMERICHOST,
	};
	struct lookup *l = xcalloc(1, sizeof(*l));
	char text[16];
	int status;

	(void)uv;
	l->source = (struct sched_source){ "lookup", is_ready, go, NULL };
	l->done = done;
	l->arg = arg;
	snprintf(text, sizeof(text), "%u", port);
	status = getaddrinfo(host, text, &hints, &l->found);
	assert(status == 0);
	(void)status;
	sched_add(&l->source);
	return l;
}

void
__wrap_lookup_cancel(struct lookup *l)
{
	sched_remove(&l->source);
	freeaddrinfo(l->found);
	free(l);
}
