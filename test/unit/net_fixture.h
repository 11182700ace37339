/* A server in a thread, on loopback addresses only, and a client that opens a
 * stream to it: what the tests of streams share. */
#ifndef NET_FIXTURE_H
#define NET_FIXTURE_H

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/limits.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "loop/timer.h"
#include "net/stream.h"
#include "net_certs.h"

static struct cert authority, leaf;
static char ca_path[] = "/tmp/mailtern-net-ca-XXXXXX";

/* --- the resolver: stands in for the one of libc --- */

static sem_t slow_lookup;
static pthread_t of_loop;		/* a thread that must not wait for it */

static const struct {
	const char *name;
	int result;
	const char *addresses[3];
} names[] = {
	{ "127.0.0.1", 0, { "127.0.0.1" } },
	{ "mail.test", 0, { "127.0.0.1" } },
	{ "two.test", 0, { "127.0.0.2", "127.0.0.1" } },
	{ "hangs.test", 0, { "127.0.0.3", "127.0.0.1" } },
	{ "hangs-only.test", 0, { "127.0.0.3" } },
	{ "gone.test", EAI_NONAME, { NULL } },
	{ "again.test", EAI_AGAIN, { NULL } },
	{ "slow.test", EAI_NONAME, { NULL } },
};

struct address {
	struct addrinfo ai;
	struct sockaddr_in sa;
};

int
getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{
	struct addrinfo **tail = res;
	struct address *a;
	size_t i, k;

	(void)hints;
	*res = NULL;
	if (pthread_equal(pthread_self(), of_loop))
		return EAI_FAIL;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, node) == 0)
			break;
	if (i == sizeof(names) / sizeof(names[0]))
		return EAI_FAIL;
	if (strcmp(node, "slow.test") == 0)
		sem_wait(&slow_lookup);
	for (k = 0; k < 3 && names[i].addresses[k] != NULL; k++) {
		a = calloc(1, sizeof(*a));
		cert_must(a != NULL);
		a->ai.ai_family = AF_INET;
		a->ai.ai_socktype = SOCK_STREAM;
		a->ai.ai_addr = (struct sockaddr *)&a->sa;
		a->ai.ai_addrlen = sizeof(a->sa);
		a->sa.sin_family = AF_INET;
		a->sa.sin_port = htons((uint16_t)strtoul(service, NULL, 10));
		inet_pton(AF_INET, names[i].addresses[k], &a->sa.sin_addr);
		*tail = &a->ai;
		tail = &a->ai.ai_next;
	}
	return names[i].result;
}

void
freeaddrinfo(struct addrinfo *ai)
{
	struct addrinfo *next;

	for (; ai != NULL; ai = next) {
		next = ai->ai_next;
		free(ai);
	}
}

/* --- the server --- */

struct server {
	int fd;
	unsigned port;
	pthread_t thread;
	void (*serve)(struct server *, int conn);
	SSL_CTX *ctx;
	bool tls;		/* of serve_deflate_... */
	const char *raw;	/* sent in place of what is compressed */
	size_t n_raw;
	size_t amount;		/* to send, or received */
	const char *inject;	/* behind the answer to STARTTLS */
	sem_t go;
};

static inline int
listen_on(const char *address, unsigned *port, int backlog)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	inet_pton(AF_INET, address, &sa.sin_addr);
	sa.sin_port = htons((uint16_t)*port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	cert_must(bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	cert_must(listen(fd, backlog) == 0);
	getsockname(fd, (struct sockaddr *)&sa, &len);
	*port = ntohs(sa.sin_port);
	return fd;
}

static inline void *
serve_once(void *arg)
{
	struct server *sv = arg;
	int conn = accept4(sv->fd, NULL, NULL, SOCK_CLOEXEC);

	if (conn != -1) {
		sv->serve(sv, conn);
		close(conn);
	}
	return NULL;
}

static inline void
server_start(struct server *sv, void (*serve)(struct server *, int))
{
	memset(sv, 0, sizeof(*sv));
	sv->serve = serve;
	sv->fd = listen_on("127.0.0.1", &sv->port, 5);
	sv->ctx = cert_server(&leaf);
	sem_init(&sv->go, 0, 0);
}

static inline void
server_run(struct server *sv)
{
	cert_must(pthread_create(&sv->thread, NULL, serve_once, sv) == 0);
}

static inline void
server_stop(struct server *sv)
{
	shutdown(sv->fd, SHUT_RDWR);
	pthread_join(sv->thread, NULL);
	close(sv->fd);
	SSL_CTX_free(sv->ctx);
	sem_destroy(&sv->go);
}

static inline bool
send_all(int conn, const char *p, size_t n)
{
	ssize_t r;

	for (; n > 0; p += r, n -= (size_t)r)
		if ((r = send(conn, p, n, MSG_NOSIGNAL)) <= 0)
			return false;
	return true;
}

static inline void
serve_echo(struct server *sv, int conn)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(conn, chunk, sizeof(chunk))) > 0) {
		sv->amount += (size_t)n;
		if (!send_all(conn, chunk, (size_t)n))
			return;
	}
}

static inline void
serve_sink(struct server *sv, int conn)
{
	char chunk[65536];
	ssize_t n;

	while ((n = read(conn, chunk, sizeof(chunk))) > 0)
		sv->amount += (size_t)n;
}

static inline void
serve_hello(struct server *sv, int conn)
{
	(void)sv;
	send_all(conn, "hello", 5);
}

static inline char
pattern(size_t i)
{
	return (char)(i * 31 / 7);
}

static inline void
fill(char *chunk, size_t n, size_t at)
{
	size_t i;

	for (i = 0; i < n; i++)
		chunk[i] = pattern(at + i);
}

static inline SSL *
accept_tls(struct server *sv, int conn)
{
	SSL *ssl = SSL_new(sv->ctx);

	SSL_set_fd(ssl, conn);
	if (SSL_accept(ssl) == 1)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

/* --- the client --- */

struct client {
	struct task task;
	struct stream s;
	struct stream_config cfg;
	bool (*look)(struct client *);	/* true: it is over */
	bool expect;
	const char *say;
	size_t want;		/* bytes to get */
	bool said, upgraded;
	struct buf got;
	size_t total, most;
	struct timer timer;
	/* What it was like at the end. */
	enum stream_state state;
	struct err err;
	bool encrypted, loopback;
	uint64_t bytes_in, bytes_out, inflated;
};

static inline enum task_result
await_closed(struct task *t)
{
	struct client *c = (struct client *)t;

	if (c->s.state != STREAM_CLOSED)
		return task_wait(t, await_closed);
	timer_stop(&c->timer);
	return TASK_DONE;
}

static inline enum task_result
watch(struct task *t)
{
	struct client *c = (struct client *)t;

	if (!c->look(c) && (c->s.state == STREAM_OPENING ||
	    c->s.state == STREAM_OPEN))
		return task_wait(t, watch);
	c->state = c->s.state;
	c->err = c->s.err;
	c->encrypted = c->s.encrypted;
	c->loopback = c->s.loopback;
	c->bytes_in = c->s.bytes_in;
	c->bytes_out = c->s.bytes_out;
	c->inflated = c->s.inflated;
	stream_close(&c->s);
	stream_close(&c->s);
	return task_next(t, await_closed);
}

static inline enum task_result
open_it(struct task *t)
{
	struct client *c = (struct client *)t;

	stream_open(&c->s, t->loop, t, &c->cfg);
	stream_expect(&c->s, c->expect);
	return task_wait(t, watch);
}

static inline void
close_it(struct task *t)
{
	struct client *c = (struct client *)t;

	stream_close(&c->s);
	timer_stop(&c->timer);
}

/* Says what it has to say, takes everything, ends when it got enough. */
static inline bool
look_talk(struct client *c)
{
	if (c->s.state == STREAM_OPEN && c->say != NULL && !c->said) {
		c->said = true;
		stream_write(&c->s, c->say, strlen(c->say));
	}
	buf_add(&c->got, c->s.in.data, c->s.in.len);
	buf_clear(&c->s.in);
	return c->want > 0 && c->got.len >= c->want;
}

/* Lets it fill up, then takes it all, again and again. */
static inline bool
look_full(struct client *c)
{
	size_t i;

	assert_true(c->s.in.len <= LIMIT_STREAM_IN);
	if (c->s.in.len > c->most)
		c->most = c->s.in.len;
	if (c->s.in.len < LIMIT_STREAM_IN &&
	    c->total + c->s.in.len < c->want)
		return false;
	for (i = 0; i < c->s.in.len; i++)
		if ((char)c->s.in.data[i] != pattern(c->total + i))
			fail_msg("byte %zu is wrong", c->total + i);
	c->total += c->s.in.len;
	buf_clear(&c->s.in);
	return false;
}

static inline void
client_init(struct client *c, const char *host, unsigned port)
{
	memset(c, 0, sizeof(*c));
	of_loop = pthread_self();
	c->task.abort = close_it;
	c->look = look_talk;
	buf_init(&c->got, 1u << 20);
	c->cfg.host = host;
	c->cfg.port = port;
	c->cfg.connect_ms = 20000;
	c->cfg.silence_ms = 20000;
	c->cfg.ca_file = ca_path;
}

static inline void
client_run(struct client *c)
{
	struct loop *loop = loop_new();

	task_start(&c->task, loop, NULL, "client", open_it);
	loop_run(loop);
	sem_post(&slow_lookup);		/* nobody waits for it any more */
	loop_free(loop);
	while (sem_trywait(&slow_lookup) == 0)
		continue;
	assert_null(c->s.priv);
}

static inline void
client_release(struct client *c)
{
	buf_release(&c->got);
}

static inline void
expect_failure(struct client *c, enum err_kind kind, const char *msg)
{
	assert_string_equal(c->err.msg, msg);
	assert_int_equal(c->err.kind, kind);
	assert_int_equal(c->state, STREAM_FAILED);
}

static inline long
peak_kib(void)
{
	char line[200];
	long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "VmHWM:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	if (f != NULL)
		fclose(f);
	return kib;
}

/* --- before and after the tests --- */

static inline int
make_certificates(void **state)
{
	const struct cert_spec ca = { "Test Authority", NULL, NULL, NULL, NULL,
	    true };
	const struct cert_spec spec = { "x", "DNS:mail.test", NULL, NULL,
	    &authority, false };

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	sem_init(&slow_lookup, 0, 0);
	authority = cert_make(&ca);
	leaf = cert_make(&spec);
	close(mkstemp(ca_path));
	cert_write(&authority, ca_path);
	return 0;
}

static inline int
drop_certificates(void **state)
{
	(void)state;
	cert_release(&authority);
	cert_release(&leaf);
	unlink(ca_path);
	return 0;
}

#endif
