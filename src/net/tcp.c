/*
 * Finds a connection to HOST port N: the name is looked up on a worker thread,
 * then its addresses are tried in the order of the resolver. Each gets a head
 * start of STAGGER_MS before the next one is tried beside it; the first that
 * connects is kept (RFC 8305 without the sorting, which getaddrinfo does).
 */
#include "internal.h"

#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/os.h"

#define STAGGER_MS	250
#define KEEPALIVE_S	60
#define KEEPALIVE_GAP_S	10
#define UNACKED_MS	30000	/* sent, not acknowledged: the peer is gone */

struct tcp_attempt {
	uv_tcp_t tcp;		/* data: p; first, for on_attempt_closed */
	uv_connect_t req;
	struct stream_priv *p;
	bool loopback;		/* the address; a peer that is gone has none */
	struct tcp_attempt *next;
};

static void try_next(struct stream_priv *);

static bool
is_loopback(const struct sockaddr *sa)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (sa->sa_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		return (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
	}
	if (sa->sa_family != AF_INET6)
		return false;
	memcpy(&v6, sa, sizeof(v6));
	return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ||
	    (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) &&
	    v6.sin6_addr.s6_addr[12] == 127);
}

/* Servers answer in small pieces: an acknowledgement must not wait for more. */
void
tcp_quickack(uv_stream_t *h)
{
	uv_os_fd_t fd;

	if (uv_fileno((uv_handle_t *)h, &fd) == 0)
		os_tcp_acknowledge(fd);
}

/* None of these is worth failing for. */
static void
set_options(uv_tcp_t *tcp)
{
	uv_os_fd_t fd;

	uv_tcp_nodelay(tcp, 1);
	uv_tcp_keepalive(tcp, 1, KEEPALIVE_S);
	if (uv_fileno((uv_handle_t *)tcp, &fd) == 0)
		os_tcp_patience(fd, KEEPALIVE_GAP_S, UNACKED_MS);
}

static void
on_attempt_closed(uv_handle_t *h)
{
	struct tcp_attempt *a = (struct tcp_attempt *)h;
	struct stream_priv *p = a->p;

	free(a);
	stream_handle_closed(p);
}

static void
drop_attempt(struct tcp_attempt *a)
{
	struct tcp_attempt **link = &a->p->attempts;

	while (*link != a)
		link = &(*link)->next;
	*link = a->next;
	uv_close((uv_handle_t *)&a->tcp, on_attempt_closed);
}

static void
drop_addresses(struct stream_priv *p)
{
	if (p->addresses != NULL)
		freeaddrinfo(p->addresses);
	p->addresses = p->next_address = NULL;
}

/* Refused says more than "unreachable" of an address family we do not have. */
static void
remember_error(struct stream_priv *p, int error)
{
	if (p->connect_error != UV_ECONNREFUSED)
		p->connect_error = error;
}

static void
explain_connect(const struct stream_priv *p, struct err *err)
{
	if (p->connect_error == UV_ECONNREFUSED)
		err_set(err, ERR_NET, "%s port %u refuses connections",
		    p->host, p->port);
	else
		err_set(err, ERR_NET, "can't connect to %s port %u: %s",
		    p->host, p->port, uv_strerror(p->connect_error));
}

void
tcp_explain_late(const struct stream_priv *p, struct err *err)
{
	unsigned long long s = (p->connect_ms + 999) / 1000;

	if (p->lookup != NULL)
		err_set(err, ERR_NET, "looking up the address of %s took more "
		    "than %llu seconds", p->host, s);
	else
		err_set(err, ERR_NET, "%s port %u does not answer within %llu "
		    "seconds", p->host, p->port, s);
}

static void
win(struct stream_priv *p, struct tcp_attempt *winner)
{
	struct tcp_attempt *a, *next;

	for (a = p->attempts; a != NULL; a = next) {
		next = a->next;
		if (a != winner)
			drop_attempt(a);
	}
	uv_timer_stop(&p->stagger);
	drop_addresses(p);
	set_options(&winner->tcp);
	p->s->loopback = winner->loopback;
	stream_connected(p, (uv_stream_t *)&winner->tcp,
	    (uv_stream_t *)&winner->tcp);
}

static void
on_connect(uv_connect_t *req, int status)
{
	struct tcp_attempt *a = req->data;
	struct stream_priv *p = a->p;

	if (uv_is_closing((uv_handle_t *)&a->tcp) ||
	    p->s->state != STREAM_OPENING)
		return;
	if (status == 0) {
		win(p, a);
		return;
	}
	remember_error(p, status);
	drop_attempt(a);
	try_next(p);
}

static void
on_stagger(uv_timer_t *h)
{
	try_next(h->data);
}

/* 0, or a libuv error and nothing was begun. */
static int
attempt(struct stream_priv *p, const struct sockaddr *sa)
{
	struct tcp_attempt *a = xcalloc(1, sizeof(*a));
	int r;

	r = uv_tcp_init(p->uv, &a->tcp);
	if (r != 0) {
		free(a);
		return r;
	}
	a->p = p;
	a->loopback = is_loopback(sa);
	a->tcp.data = p;
	a->req.data = a;
	a->next = p->attempts;
	p->attempts = a;
	stream_handle_opened(p);
	r = uv_tcp_connect(&a->req, &a->tcp, sa, on_connect);
	if (r != 0)
		drop_attempt(a);
	return r;
}

static void
try_next(struct stream_priv *p)
{
	struct err err = { 0 };
	int r;

	while (p->next_address != NULL) {
		r = attempt(p, p->next_address->ai_addr);
		p->next_address = p->next_address->ai_next;
		if (r == 0) {
			uv_timer_start(&p->stagger, on_stagger, STAGGER_MS, 0);
			return;
		}
		remember_error(p, r);
	}
	if (p->attempts != NULL || p->s->state != STREAM_OPENING)
		return;		/* one may still get through */
	explain_connect(p, &err);
	stream_fail(p, &err);
}

static void
on_lookup(void *arg, struct addrinfo *found, const struct err *err)
{
	struct stream_priv *p = arg;

	p->lookup = NULL;
	if (p->s->state != STREAM_OPENING) {	/* it came too late */
		if (found != NULL)
			freeaddrinfo(found);
		return;
	}
	if (found == NULL) {
		stream_fail(p, err);
		return;
	}
	p->addresses = p->next_address = found;
	try_next(p);
}

void
tcp_open(struct stream_priv *p)
{
	p->lookup = lookup_start(p->uv, p->host, p->port, on_lookup, p);
}

void
tcp_close(struct stream_priv *p)
{
	if (p->lookup != NULL) {
		lookup_cancel(p->lookup);
		p->lookup = NULL;
	}
	uv_timer_stop(&p->stagger);
	drop_addresses(p);
	while (p->attempts != NULL)
		drop_attempt(p->attempts);
}
