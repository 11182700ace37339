/* Streams against a server in a thread, on loopback addresses only. */
#include "net/stream.h"

#include <arpa/inet.h>
#include <errno.h>
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
#include <zlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "loop/loop.h"
#include "loop/task.h"
#include "loop/timer.h"
#include "net_certs.h"

static struct cert authority, leaf;
static char ca_path[] = "/tmp/net_stream_test-ca-XXXXXX";

/* --- the resolver: stands in for the one of libc --- */

static sem_t slow_lookup;

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

static int
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

static void *
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

static void
server_start(struct server *sv, void (*serve)(struct server *, int))
{
	memset(sv, 0, sizeof(*sv));
	sv->serve = serve;
	sv->fd = listen_on("127.0.0.1", &sv->port, 5);
	sv->ctx = cert_server(&leaf);
	sem_init(&sv->go, 0, 0);
}

static void
server_run(struct server *sv)
{
	cert_must(pthread_create(&sv->thread, NULL, serve_once, sv) == 0);
}

static void
server_stop(struct server *sv)
{
	shutdown(sv->fd, SHUT_RDWR);
	pthread_join(sv->thread, NULL);
	close(sv->fd);
	SSL_CTX_free(sv->ctx);
	sem_destroy(&sv->go);
}

static bool
send_all(int conn, const char *p, size_t n)
{
	ssize_t r;

	for (; n > 0; p += r, n -= (size_t)r)
		if ((r = send(conn, p, n, MSG_NOSIGNAL)) <= 0)
			return false;
	return true;
}

static void
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

static void
serve_sink(struct server *sv, int conn)
{
	char chunk[65536];
	ssize_t n;

	while ((n = read(conn, chunk, sizeof(chunk))) > 0)
		sv->amount += (size_t)n;
}

static void
serve_hello(struct server *sv, int conn)
{
	(void)sv;
	send_all(conn, "hello", 5);
}

/* Without linger the peer sees a reset. */
static void
serve_reset(struct server *sv, int conn)
{
	struct linger l = { 1, 0 };
	char c;

	(void)sv;
	if (read(conn, &c, 1) != 1)	/* or it may still be connecting */
		return;
	setsockopt(conn, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static void
serve_trickle(struct server *sv, int conn)
{
	struct timespec gap = { 0, 100 * 1000000 };
	int i;

	for (i = 0; i < 8 && send_all(conn, "x", 1); i++)
		nanosleep(&gap, NULL);
	serve_sink(sv, conn);
}

static char
pattern(size_t i)
{
	return (char)(i * 31 / 7);
}

static void
fill(char *chunk, size_t n, size_t at)
{
	size_t i;

	for (i = 0; i < n; i++)
		chunk[i] = pattern(at + i);
}

static void
serve_flood(struct server *sv, int conn)
{
	char chunk[8192];
	size_t sent;

	for (sent = 0; sent < sv->amount; sent += sizeof(chunk)) {
		fill(chunk, sizeof(chunk), sent);
		if (!send_all(conn, chunk, sizeof(chunk)))
			return;
	}
}

static SSL *
accept_tls(struct server *sv, int conn)
{
	SSL *ssl = SSL_new(sv->ctx);

	SSL_set_fd(ssl, conn);
	if (SSL_accept(ssl) == 1)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

static void
serve_tls_echo(struct server *sv, int conn)
{
	SSL *ssl = accept_tls(sv, conn);
	char chunk[4096];
	int n;

	if (ssl == NULL)
		return;
	while ((n = SSL_read(ssl, chunk, sizeof(chunk))) > 0)
		if (SSL_write(ssl, chunk, n) != n)
			break;
	/* 1: the client said goodbye properly. */
	sv->amount = SSL_get_shutdown(ssl) == SSL_RECEIVED_SHUTDOWN;
	SSL_shutdown(ssl);
	SSL_free(ssl);
}

static void
serve_tls_sink(struct server *sv, int conn)
{
	SSL *ssl = accept_tls(sv, conn);
	static char chunk[65536];
	int n;

	if (ssl == NULL)
		return;
	while ((n = SSL_read(ssl, chunk, sizeof(chunk))) > 0)
		sv->amount += (size_t)n;
	SSL_free(ssl);
}

static void
serve_tls_flood(struct server *sv, int conn)
{
	SSL *ssl = accept_tls(sv, conn);
	char chunk[8192];
	size_t sent;

	if (ssl == NULL)
		return;
	for (sent = 0; sent < sv->amount; sent += sizeof(chunk)) {
		fill(chunk, sizeof(chunk), sent);
		if (SSL_write(ssl, chunk, sizeof(chunk)) <= 0)
			break;
	}
	SSL_shutdown(ssl);
	SSL_free(ssl);
}

static void
serve_tls_hello(struct server *sv, int conn)
{
	SSL *ssl = accept_tls(sv, conn);

	if (ssl == NULL)
		return;
	SSL_write(ssl, "hello", 5);
	if (sv->amount > 0)
		SSL_shutdown(ssl);
	SSL_free(ssl);
	/* Or the unread goodbye would turn the end into a reset. */
	shutdown(conn, SHUT_WR);
	serve_sink(sv, conn);
}

static void
serve_starttls(struct server *sv, int conn)
{
	char line[100];
	char answer[200];

	send_all(conn, "* OK\r\n", 6);
	if (read(conn, line, sizeof(line)) <= 0)
		return;
	snprintf(answer, sizeof(answer), "OK\r\n%s", sv->inject);
	send_all(conn, answer, strlen(answer));
	serve_tls_echo(sv, conn);
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

static enum task_result
await_closed(struct task *t)
{
	struct client *c = (struct client *)t;

	if (c->s.state != STREAM_CLOSED)
		return task_wait(t, await_closed);
	timer_stop(&c->timer);
	return TASK_DONE;
}

static enum task_result
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

static enum task_result
open_it(struct task *t)
{
	struct client *c = (struct client *)t;

	stream_open(&c->s, t->loop, t, &c->cfg);
	stream_expect(&c->s, c->expect);
	return task_wait(t, watch);
}

static void
close_it(struct task *t)
{
	struct client *c = (struct client *)t;

	stream_close(&c->s);
	timer_stop(&c->timer);
}

/* Says what it has to say, takes everything, ends when it got enough. */
static bool
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

static void
client_init(struct client *c, const char *host, unsigned port)
{
	memset(c, 0, sizeof(*c));
	c->task.abort = close_it;
	c->look = look_talk;
	buf_init(&c->got, 1u << 20);
	c->cfg.host = host;
	c->cfg.port = port;
	c->cfg.connect_ms = 20000;
	c->cfg.silence_ms = 20000;
	c->cfg.ca_file = ca_path;
}

static void
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

static void
client_release(struct client *c)
{
	buf_release(&c->got);
}

static void
expect_failure(struct client *c, enum err_kind kind, const char *msg)
{
	assert_string_equal(c->err.msg, msg);
	assert_int_equal(c->err.kind, kind);
	assert_int_equal(c->state, STREAM_FAILED);
}

static void
test_echo(void **state)
{
	struct server sv;
	struct client c;

	(void)state;
	server_start(&sv, serve_echo);
	server_run(&sv);
	client_init(&c, "127.0.0.1", sv.port);
	c.say = "a1 NOOP\r\n";
	c.want = 9;
	c.expect = true;
	client_run(&c);
	server_stop(&sv);
	assert_int_equal(c.state, STREAM_OPEN);
	assert_string_equal(buf_str(&c.got), "a1 NOOP\r\n");
	assert_true(c.loopback);
	assert_false(c.encrypted);
	assert_int_equal(c.bytes_in, 9);
	assert_int_equal(c.bytes_out, 9);
	client_release(&c);
}

static void
test_tls_echo(void **state)
{
	struct server sv;
	struct client c;

	(void)state;
	server_start(&sv, serve_tls_echo);
	server_run(&sv);
	client_init(&c, "mail.test", sv.port);
	c.cfg.tls = STREAM_TLS_IMPLICIT;
	c.say = "a1 NOOP\r\n";
	c.want = 9;
	client_run(&c);
	server_stop(&sv);
	assert_string_equal(c.err.msg, "");
	assert_int_equal(c.state, STREAM_OPEN);
	assert_string_equal(buf_str(&c.got), "a1 NOOP\r\n");
	assert_true(c.encrypted);
	assert_true(c.bytes_in > 500 && c.bytes_out > 200);
	assert_int_equal(sv.amount, 1);		/* close_notify arrived */
	client_release(&c);
}

static void
test_next_address(void **state)
{
	static const char *const hosts[] = { "two.test", "hangs.test" };
	struct server sv;
	struct client c;
	struct sockaddr_in sa = { .sin_family = AF_INET };
	int full, filler[4], i;
	size_t h;

	(void)state;
	for (h = 0; h < 2; h++) {
		server_start(&sv, serve_echo);
		/* A listener whose queue is full drops what comes. */
		full = listen_on("127.0.0.3", &sv.port, 0);
		sa.sin_port = htons((uint16_t)sv.port);
		inet_pton(AF_INET, "127.0.0.3", &sa.sin_addr);
		for (i = 0; i < 4; i++) {
			filler[i] = socket(AF_INET, SOCK_STREAM |
			    SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
			if (connect(filler[i], (struct sockaddr *)&sa,
			    sizeof(sa)) == -1)
				assert_int_equal(errno, EINPROGRESS);
		}
		server_run(&sv);
		client_init(&c, hosts[h], sv.port);
		c.say = "x";
		c.want = 1;
		client_run(&c);
		server_stop(&sv);
		assert_string_equal(c.err.msg, "");
		assert_int_equal(c.state, STREAM_OPEN);
		assert_int_equal(c.got.len, 1);
		client_release(&c);

		/* Alone, such an address takes connect_ms. */
		client_init(&c, "hangs-only.test", sv.port);
		c.cfg.connect_ms = 300;
		client_run(&c);
		assert_int_equal(c.state, STREAM_FAILED);
		assert_non_null(strstr(c.err.msg,
		    " does not answer within 1 seconds"));
		client_release(&c);
		for (i = 0; i < 4; i++)
			close(filler[i]);
		close(full);
	}
}

static void
test_no_connection(void **state)
{
	char refused[100];
	unsigned port = 0;
	const struct {
		const char *host, *msg;
		uint64_t ms;
	} rows[] = {
		{ "127.0.0.1", refused, 20000 },
		{ "gone.test", "no such host: gone.test", 20000 },
		{ "again.test", "can't look up the address of again.test: "
		  "temporary failure", 20000 },
		{ "slow.test", "looking up the address of slow.test took more "
		  "than 1 seconds", 100 },
	};
	struct client c;
	size_t i;

	(void)state;
	close(listen_on("127.0.0.1", &port, 1));	/* free by now */
	snprintf(refused, sizeof(refused),
	    "127.0.0.1 port %u refuses connections", port);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		client_init(&c, rows[i].host, port);
		c.cfg.connect_ms = rows[i].ms;
		client_run(&c);
		expect_failure(&c, ERR_NET, rows[i].msg);
		client_release(&c);
	}
}

static void
test_silent_server(void **state)
{
	struct server sv;
	struct client c;
	uint64_t began;

	(void)state;
	server_start(&sv, serve_sink);
	server_run(&sv);
	client_init(&c, "127.0.0.1", sv.port);
	c.cfg.silence_ms = 200;
	c.expect = true;
	c.say = "hello?";
	began = clock_mono_ms();
	client_run(&c);
	server_stop(&sv);
	expect_failure(&c, ERR_NET, "127.0.0.1 was silent for 1 seconds");
	assert_true(clock_mono_ms() - began >= 199);
	client_release(&c);
}

static void
test_silent_handshake(void **state)
{
	struct server sv;
	struct client c;

	(void)state;
	server_start(&sv, serve_sink);
	server_run(&sv);
	client_init(&c, "mail.test", sv.port);
	c.cfg.tls = STREAM_TLS_IMPLICIT;
	c.cfg.connect_ms = 200;
	client_run(&c);
	server_stop(&sv);
	expect_failure(&c, ERR_NET,
	    "the TLS handshake with mail.test took more than 1 seconds");
	client_release(&c);
}

/* In all longer than silence_ms, but never silent that long. */
static void
test_slow_is_not_silent(void **state)
{
	struct server sv;
	struct client c;

	(void)state;
	server_start(&sv, serve_trickle);
	server_run(&sv);
	client_init(&c, "127.0.0.1", sv.port);
	c.cfg.silence_ms = 500;
	c.expect = true;
	c.want = 8;
	client_run(&c);
	server_stop(&sv);
	assert_string_equal(c.err.msg, "");
	assert_string_equal(buf_str(&c.got), "xxxxxxxx");
	client_release(&c);
}

static bool
look_timer(struct client *c)
{
	if (c->s.state == STREAM_OPEN && !c->said) {
		c->said = true;
		timer_start(&c->timer, &c->task, 300);
	}
	return c->timer.fired;
}

static void
test_nothing_awaited_is_not_silent(void **state)
{
	struct server sv;
	struct client c;

	(void)state;
	server_start(&sv, serve_sink);
	server_run(&sv);
	client_init(&c, "127.0.0.1", sv.port);
	c.cfg.silence_ms = 50;
	c.look = look_timer;
	client_run(&c);
	server_stop(&sv);
	assert_int_equal(c.state, STREAM_OPEN);
	client_release(&c);
}

static bool
look_paused(struct client *c)
{
	stream_pause(&c->s, true);
	return look_timer(c);
}

static void
test_paused_is_not_silent(void **state)
{
	struct server sv;
	struct client c;

	(void)state;
	server_start(&sv, serve_hello);
	server_run(&sv);
	client_init(&c, "127.0.0.1", sv.port);
	c.cfg.silence_ms = 50;
	c.expect = true;
	c.look = look_paused;
	client_run(&c);
	server_stop(&sv);
	assert_int_equal(c.state, STREAM_OPEN);
	assert_int_equal(c.bytes_in, 0);
	client_release(&c);
}

static void
test_ends(void **state)
{
	static const struct {
		void (*serve)(struct server *, int);
		enum stream_tls tls;
		size_t notify;
		enum stream_state state;
		const char *got, *msg;
	} rows[] = {
		{ serve_hello, STREAM_TLS_NONE, 0, STREAM_EOF, "hello", "" },
		{ serve_reset, STREAM_TLS_NONE, 0, STREAM_FAILED, "",
		  "mail.test closed the connection" },
		{ serve_tls_hello, STREAM_TLS_IMPLICIT, 1, STREAM_EOF, "hello",
		  "" },
		{ serve_tls_hello, STREAM_TLS_IMPLICIT, 0, STREAM_FAILED,
		  "hello", "the connection to mail.test was cut" },
		{ serve_reset, STREAM_TLS_IMPLICIT, 0, STREAM_FAILED, "",
		  "mail.test closed the connection" },
	};
	struct server sv;
	struct client c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		server_start(&sv, rows[i].serve);
		sv.amount = rows[i].notify;
		server_run(&sv);
		client_init(&c, "mail.test", sv.port);
		c.cfg.tls = rows[i].tls;
		c.say = rows[i].serve == serve_reset ? "x" : NULL;
		client_run(&c);
		server_stop(&sv);
		assert_string_equal(c.err.msg, rows[i].msg);
		assert_int_equal(c.state, rows[i].state);
		assert_string_equal(buf_str(&c.got), rows[i].got);
		if (rows[i].state == STREAM_FAILED)
			assert_int_equal(c.err.kind, ERR_NET);
		client_release(&c);
	}
}

/* --- back-pressure --- */

/* Lets it fill up, then takes it all, again and again. */
static bool
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

static void
test_reading_is_bounded(void **state)
{
	struct server sv;
	struct client c;
	int tls;

	(void)state;
	for (tls = 0; tls < 2; tls++) {
		server_start(&sv, tls ? serve_tls_flood : serve_flood);
		sv.amount = 4u << 20;
		server_run(&sv);
		client_init(&c, "mail.test", sv.port);
		c.cfg.tls = tls ? STREAM_TLS_IMPLICIT : STREAM_TLS_NONE;
		c.look = look_full;
		c.want = 4u << 20;
		client_run(&c);
		server_stop(&sv);
		assert_string_equal(c.err.msg, "");
		assert_int_equal(c.state, STREAM_EOF);
		assert_int_equal(c.total, 4u << 20);
		assert_int_equal(c.most, LIMIT_STREAM_IN);
		client_release(&c);
	}
}

/* An uploader that looks at stream_unsent before it goes on. */
static bool
look_upload(struct client *c)
{
	static const char chunk[65536];

	if (c->s.state != STREAM_OPEN)
		return false;
	while (c->total < c->want && stream_unsent(&c->s) < 262144) {
		stream_write(&c->s, chunk, sizeof(chunk));
		c->total += sizeof(chunk);
		if (stream_unsent(&c->s) > c->most)
			c->most = stream_unsent(&c->s);
	}
	return c->total >= c->want && stream_unsent(&c->s) == 0;
}

static long
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

static void
test_upload_in_small_memory(void **state)
{
	const char *mib = getenv("NET_TEST_MIB");
	struct server sv;
	struct client c;
	long before = peak_kib();
	int tls;

	(void)state;
	for (tls = 0; tls < 2; tls++) {
		server_start(&sv, tls ? serve_tls_sink : serve_sink);
		server_run(&sv);
		client_init(&c, "mail.test", sv.port);
		c.cfg.tls = tls ? STREAM_TLS_IMPLICIT : STREAM_TLS_NONE;
		c.look = look_upload;
		c.want = (mib != NULL ? strtoul(mib, NULL, 10) : 32) << 20;
		client_run(&c);
		server_stop(&sv);
		assert_string_equal(c.err.msg, "");
		assert_int_equal(c.state, STREAM_OPEN);
		assert_int_equal(sv.amount, c.want);
		assert_true(c.most < 262144 + 65536 + 1);
		client_release(&c);
	}
	if (mib != NULL)
		print_message("peak %ld kiB, before %ld kiB\n", peak_kib(),
		    before);
#ifndef __SANITIZE_ADDRESS__	/* it keeps freed memory */
	assert_true(peak_kib() - before < 16 * 1024);
#endif
}

/* --- STARTTLS --- */

static bool
look_starttls(struct client *c)
{
	if (c->s.state != STREAM_OPEN)
		return false;
	if (!c->said && c->s.in.len >= 6) {
		buf_consume(&c->s.in, 6);
		c->said = true;
		stream_write(&c->s, "STARTTLS\r\n", 10);
	}
	if (c->said && !c->upgraded && c->s.in.len >= 4) {
		buf_consume(&c->s.in, 4);
		c->upgraded = true;
		stream_start_tls(&c->s);
		if (c->s.state == STREAM_OPENING)
			assert_false(c->s.encrypted);
		stream_write(&c->s, "secret", 6);
	}
	return c->upgraded && c->s.encrypted && c->s.in.len == 6 &&
	    memcmp(c->s.in.data, "secret", 6) == 0;
}

static void
test_starttls(void **state)
{
	static const struct {
		const char *inject, *host;
		enum stream_state state;
		const char *msg;
	} rows[] = {
		{ "", "mail.test", STREAM_OPEN, "" },
		{ "* injected\r\n", "mail.test", STREAM_FAILED,
		  "mail.test sent data in clear text where TLS was to begin; "
		  "somebody may be tampering with the connection" },
		{ "", "two.test", STREAM_FAILED, "the certificate of two.test "
		  "is for mail.test, not two.test; set host to a name that it "
		  "is for" },
	};
	struct server sv;
	struct client c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		server_start(&sv, serve_starttls);
		sv.inject = rows[i].inject;
		server_run(&sv);
		client_init(&c, rows[i].host, sv.port);
		c.cfg.tls = STREAM_TLS_STARTTLS;
		c.look = look_starttls;
		client_run(&c);
		server_stop(&sv);
		assert_string_equal(c.err.msg, rows[i].msg);
		assert_int_equal(c.state, rows[i].state);
		assert_int_equal(c.encrypted, rows[i].state == STREAM_OPEN);
		if (rows[i].state == STREAM_FAILED)
			assert_int_equal(c.err.kind, ERR_TLS);
		client_release(&c);
	}
}

/* --- COMPRESS --- */

/* The server's side: TLS or not, clear first, compressed from then on. */
struct peer {
	int conn;
	SSL *ssl;
	z_stream in, out;
};

static bool
peer_write(struct peer *p, const void *data, size_t n)
{
	return p->ssl != NULL ? SSL_write(p->ssl, data, (int)n) == (int)n :
	    send_all(p->conn, data, n);
}

static int
peer_read(struct peer *p, void *data, size_t n)
{
	return p->ssl != NULL ? SSL_read(p->ssl, data, (int)n) :
	    (int)read(p->conn, data, n);
}

static bool
peer_say(struct peer *p, const void *data, size_t n, int flush)
{
	unsigned char piece[65536];

	p->out.next_in = (void *)(uintptr_t)data;
	p->out.avail_in = (uInt)n;
	do {
		p->out.next_out = piece;
		p->out.avail_out = sizeof(piece);
		deflate(&p->out, flush);
		if (p->out.avail_out < sizeof(piece) &&
		    !peer_write(p, piece, sizeof(piece) - p->out.avail_out))
			return false;
	} while (p->out.avail_out == 0);
	return true;
}

static bool
peer_init(struct peer *p, struct server *sv, int conn)
{
	char line[100];

	memset(p, 0, sizeof(*p));
	p->conn = conn;
	inflateInit2(&p->in, -15);
	deflateInit2(&p->out, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
	if (sv->tls && (p->ssl = accept_tls(sv, conn)) == NULL)
		return false;
	return peer_read(p, line, sizeof(line)) > 0 &&
	    peer_write(p, "OK\r\n", 4);
}

static void
peer_end(struct peer *p)
{
	if (p->ssl != NULL) {
		SSL_shutdown(p->ssl);
		SSL_free(p->ssl);
	}
	inflateEnd(&p->in);
	deflateEnd(&p->out);
}

/* amount: also says that much at once, behind its OK. */
static void
serve_deflate_echo(struct server *sv, int conn)
{
	unsigned char chunk[4096], text[65536];
	struct peer p;
	int n;

	if (!peer_init(&p, sv, conn)) {
		peer_end(&p);
		return;
	}
	peer_say(&p, "hello ", sv->amount, Z_SYNC_FLUSH);
	while ((n = peer_read(&p, chunk, sizeof(chunk))) > 0) {
		p.in.next_in = chunk;
		p.in.avail_in = (uInt)n;
		do {
			p.in.next_out = text;
			p.in.avail_out = sizeof(text);
			if (inflate(&p.in, Z_SYNC_FLUSH) == Z_DATA_ERROR ||
			    !peer_say(&p, text, sizeof(text) -
			    p.in.avail_out, Z_SYNC_FLUSH))
				break;
		} while (p.in.avail_out == 0);
	}
	peer_end(&p);
}

/* The pattern of look_full, then the end that it says and all others. */
static void
serve_deflate_flood(struct server *sv, int conn)
{
	char chunk[8192];
	struct peer p;
	size_t sent;

	if (peer_init(&p, sv, conn)) {
		for (sent = 0; sent < sv->amount; sent += sizeof(chunk)) {
			fill(chunk, sizeof(chunk), sent);
			if (!peer_say(&p, chunk, sizeof(chunk), Z_NO_FLUSH))
				break;
		}
		peer_say(&p, "", 0, sv->raw != NULL ? Z_FINISH :
		    Z_SYNC_FLUSH);
	}
	peer_end(&p);
}

static void
serve_deflate_zeros(struct server *sv, int conn)
{
	static const char zeros[65536];
	struct peer p;
	size_t sent;

	if (peer_init(&p, sv, conn))
		for (sent = 0; sent < sv->amount; sent += sizeof(zeros))
			if (!peer_say(&p, zeros, sizeof(zeros), Z_NO_FLUSH))
				break;
	peer_say(&p, "", 0, Z_SYNC_FLUSH);
	peer_end(&p);
}

static void
serve_deflate_raw(struct server *sv, int conn)
{
	struct peer p;
	char go[100];

	if (peer_init(&p, sv, conn) && peer_read(&p, go, sizeof(go)) > 0)
		peer_write(&p, sv->raw, sv->n_raw);
	peer_end(&p);
}

/* Whether it is compressed by now. */
static bool
begin_deflate(struct client *c)
{
	if (c->s.state != STREAM_OPEN || c->upgraded)
		return c->upgraded;
	if (!c->said) {
		c->said = true;
		stream_write(&c->s, "COMPRESS\r\n", 10);
	}
	if (c->s.in.len < 4)
		return false;
	buf_consume(&c->s.in, 4);
	c->upgraded = true;
	stream_start_deflate(&c->s);
	return true;
}

static bool
look_deflate_echo(struct client *c)
{
	if (!begin_deflate(c))
		return false;
	if (c->total == 0 && c->s.state == STREAM_OPEN) {
		stream_write(&c->s, c->say, strlen(c->say));
		c->total = 1;
	}
	buf_add(&c->got, c->s.in.data, c->s.in.len);
	buf_clear(&c->s.in);
	return c->got.len >= c->want;
}

static void
test_deflate_echo(void **state)
{
	static char text[30001];
	struct server sv;
	struct client c;
	size_t hello;
	int tls;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	for (tls = 0; tls < 2; tls++) {
		for (hello = 0; hello <= 6; hello += 6) {
			server_start(&sv, serve_deflate_echo);
			sv.tls = tls;
			sv.amount = hello;
			server_run(&sv);
			client_init(&c, "mail.test", sv.port);
			c.cfg.tls = tls ? STREAM_TLS_IMPLICIT :
			    STREAM_TLS_NONE;
			c.look = look_deflate_echo;
			c.say = text;
			c.want = hello + 30000;
			client_run(&c);
			server_stop(&sv);
			assert_string_equal(c.err.msg, "");
			assert_int_equal(c.got.len, hello + 30000);
			assert_memory_equal(c.got.data, "hello ", hello);
			assert_string_equal(buf_str(&c.got) + hello, text);
			assert_int_equal(c.inflated, hello + 30000);
			/* On the wire both are small. */
			assert_true(c.bytes_in < 4000);
			assert_true(c.bytes_out < 2000);
			client_release(&c);
		}
	}
}

/* Lets it fill up before it takes any, like look_full. */
static bool
look_deflate_full(struct client *c)
{
	return begin_deflate(c) && look_full(c);
}

static void
test_deflate_is_bounded(void **state)
{
	struct server sv;
	struct client c;
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		server_start(&sv, serve_deflate_flood);
		sv.tls = i & 1;
		sv.amount = 8u << 20;
		sv.raw = i & 2 ? "the last block" : NULL;
		server_run(&sv);
		client_init(&c, "mail.test", sv.port);
		c.cfg.tls = i & 1 ? STREAM_TLS_IMPLICIT : STREAM_TLS_NONE;
		c.look = look_deflate_full;
		c.want = 8u << 20;
		client_run(&c);
		server_stop(&sv);
		assert_string_equal(c.err.msg, "");
		assert_int_equal(c.state, STREAM_EOF);
		assert_int_equal(c.total, 8u << 20);
		assert_int_equal(c.inflated, 8u << 20);
		assert_int_equal(c.most, LIMIT_STREAM_IN);
		assert_true(c.bytes_in < 1u << 20);
		client_release(&c);
	}
}

/* Only looks at how much there is; stops for a while now and then. */
static bool
look_bomb(struct client *c)
{
	if (c->timer.fired)
		stream_pause(&c->s, false);
	if (!begin_deflate(c) || c->s.in.len < LIMIT_STREAM_IN)
		return false;
	assert_int_equal(c->s.in.len, LIMIT_STREAM_IN);
	c->total += c->s.in.len;
	if (c->total % (16u << 20) == 0) {
		/* While it is paused nothing is inflated. */
		stream_pause(&c->s, true);
		timer_start(&c->timer, &c->task, 20);
	}
	buf_clear(&c->s.in);
	return c->total == c->want;
}

static void
test_deflate_bomb(void **state)
{
	long before = peak_kib();
	struct server sv;
	struct client c;
	int tls;

	(void)state;
	for (tls = 0; tls < 2; tls++) {
		server_start(&sv, serve_deflate_zeros);
		sv.tls = tls;
		sv.amount = 128u << 20;
		server_run(&sv);
		client_init(&c, "mail.test", sv.port);
		c.cfg.tls = tls ? STREAM_TLS_IMPLICIT : STREAM_TLS_NONE;
		c.look = look_bomb;
		c.want = 128u << 20;
		client_run(&c);
		server_stop(&sv);
		assert_string_equal(c.err.msg, "");
		assert_int_equal(c.total, 128u << 20);
		assert_int_equal(c.inflated, 128u << 20);
		assert_true(c.bytes_in < 200000);
		client_release(&c);
	}
#ifndef __SANITIZE_ADDRESS__	/* it keeps freed memory */
	assert_true(peak_kib() - before < 4 * 1024);
#else
	(void)before;
#endif
}

static bool
look_deflate_take(struct client *c)
{
	if (begin_deflate(c)) {
		if (c->total++ == 0)
			stream_write(&c->s, "go", 2);
		buf_add(&c->got, c->s.in.data, c->s.in.len);
		buf_clear(&c->s.in);
	}
	return false;
}

static void
test_deflate_ends(void **state)
{
#define HI	"\x00\x02\x00\xfd\xff" "hi"
	static const struct {
		const char *raw;
		size_t n;
		enum stream_state state;
		const char *got, *msg;
	} rows[] = {
		{ "", 0, STREAM_EOF, "", "" },
		{ HI, 7, STREAM_EOF, "hi", "" },
		/* In the middle of a block; whose answer is missing, knows. */
		{ HI HI, 13, STREAM_EOF, "hih", "" },
		{ HI "\x01\x00\x00\xff\xff", 12, STREAM_EOF, "hi", "" },
		{ HI "\x07", 8, STREAM_FAILED, "hi", "what mail.test sends "
		  "compressed is damaged (invalid block type); if that is so "
		  "each time, set compress = no" },
	};
	struct server sv;
	struct client c;
	size_t i;

	(void)state;
	for (i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		server_start(&sv, serve_deflate_raw);
		sv.tls = i & 1;
		sv.raw = rows[i / 2].raw;
		sv.n_raw = rows[i / 2].n;
		server_run(&sv);
		client_init(&c, "mail.test", sv.port);
		c.cfg.tls = i & 1 ? STREAM_TLS_IMPLICIT : STREAM_TLS_NONE;
		c.look = look_deflate_take;
		client_run(&c);
		server_stop(&sv);
		assert_string_equal(c.err.msg, rows[i / 2].msg);
		assert_int_equal(c.state, rows[i / 2].state);
		assert_string_equal(buf_str(&c.got), rows[i / 2].got);
		if (c.state == STREAM_FAILED)
			assert_int_equal(c.err.kind, ERR_PROTO);
		client_release(&c);
	}
}

/* Paced by what is unsent; all of it comes back. */
static bool
look_deflate_upload(struct client *c)
{
	static const char chunk[65536];

	if (!begin_deflate(c))
		return false;
	while (c->total < c->want && stream_unsent(&c->s) < 262144) {
		stream_write(&c->s, chunk, sizeof(chunk));
		c->total += sizeof(chunk);
		if (stream_unsent(&c->s) > c->most)
			c->most = stream_unsent(&c->s);
	}
	buf_clear(&c->s.in);
	return c->s.inflated >= c->want;
}

static void
test_deflate_upload(void **state)
{
	struct server sv;
	struct client c;
	int tls;

	(void)state;
	for (tls = 0; tls < 2; tls++) {
		server_start(&sv, serve_deflate_echo);
		sv.tls = tls;
		server_run(&sv);
		client_init(&c, "mail.test", sv.port);
		c.cfg.tls = tls ? STREAM_TLS_IMPLICIT : STREAM_TLS_NONE;
		c.look = look_deflate_upload;
		c.want = 16u << 20;
		client_run(&c);
		server_stop(&sv);
		assert_string_equal(c.err.msg, "");
		assert_int_equal(c.inflated, c.want);
		assert_true(c.most < 262144 + 65536 + 1);
		assert_true(c.bytes_out < 1u << 20);
		client_release(&c);
	}
}

/* --- tunnel --- */

static void
test_tunnel(void **state)
{
	static const struct {
		const char *command;
		size_t want;
		enum stream_state state;
		const char *got, *msg;
	} rows[] = {
		{ "exec cat", 2, STREAM_OPEN, "hi", "" },
		{ "echo bye", 0, STREAM_EOF, "bye\n", "" },
		{ "echo sorry; exit 3", 0, STREAM_FAILED, "sorry\n",
		  "the tunnel command ended with status 3" },
		{ "kill -9 $$", 0, STREAM_FAILED, "",
		  "the tunnel command ended with status 137" },
		/* Its input ends, but it takes a signal to stop it. */
		{ "echo hi; sleep 1000", 2, STREAM_OPEN, "hi\n", "" },
	};
	struct client c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		client_init(&c, NULL, 0);
		c.cfg.tls = STREAM_TLS_IMPLICIT;	/* is not asked */
		c.cfg.tunnel = rows[i].command;
		c.say = "hi";
		c.want = rows[i].want;
		client_run(&c);
		assert_string_equal(c.err.msg, rows[i].msg);
		assert_int_equal(c.state, rows[i].state);
		assert_string_equal(buf_str(&c.got), rows[i].got);
		assert_true(c.s.tunnel);
		assert_false(c.loopback);
		client_release(&c);
	}
}

/* --- closing at any time --- */

static bool
look_cancel(struct client *c)
{
	if (c->s.state == STREAM_OPEN)
		task_cancel(&c->task);
	return false;
}

static enum task_result
open_and_cancel(struct task *t)
{
	struct client *c = (struct client *)t;

	stream_open(&c->s, t->loop, t, &c->cfg);
	task_cancel(t);
	return task_wait(t, watch);
}

static void
run_cancelled(struct client *c, task_step *first)
{
	struct loop *loop = loop_new();

	task_start(&c->task, loop, NULL, "cancelled", first);
	loop_run(loop);
	sem_post(&slow_lookup);
	loop_free(loop);
	while (sem_trywait(&slow_lookup) == 0)
		continue;
	assert_int_equal(c->task.err.kind, ERR_CANCELED);
	assert_int_equal(c->s.state, STREAM_CLOSED);
	assert_null(c->s.priv);
	client_release(c);
}

static void
test_cancel(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "slow.test",
	    "gone.test" };
	struct server sv;
	struct client c;
	struct stream never = { 0 };
	size_t i;

	(void)state;
	stream_close(&never);
	assert_int_equal(never.state, STREAM_CLOSED);
	for (i = 0; i < 3; i++) {
		client_init(&c, hosts[i], 1);
		run_cancelled(&c, open_and_cancel);
	}
	server_start(&sv, serve_tls_echo);
	server_run(&sv);
	client_init(&c, "mail.test", sv.port);
	c.cfg.tls = STREAM_TLS_IMPLICIT;
	c.look = look_cancel;
	run_cancelled(&c, open_it);
	server_stop(&sv);
	client_init(&c, NULL, 0);
	c.cfg.tunnel = "cat";
	run_cancelled(&c, open_and_cancel);
}

static void
test_tls_configuration(void **state)
{
	struct server sv;
	struct client c;

	(void)state;
	server_start(&sv, serve_echo);
	server_run(&sv);
	client_init(&c, "mail.test", sv.port);
	c.cfg.tls = STREAM_TLS_IMPLICIT;
	c.cfg.ca_file = "/nonexistent/ca.pem";
	client_run(&c);
	server_stop(&sv);
	expect_failure(&c, ERR_CONFIG, "can't read tls-ca-file "
	    "/nonexistent/ca.pem: No such file or directory");
	client_release(&c);
}

static bool
look_binding(struct client *c)
{
	unsigned char data[64];
	size_t n = sizeof(data);
	const char *type;

	if (c->s.state != STREAM_OPEN) {
		assert_int_equal(stream_channel_binding(&c->s, &type, data,
		    &n), -1);
		return false;
	}
	assert_int_equal(stream_channel_binding(&c->s, &type, data, &n), 0);
	assert_string_equal(type, "tls-exporter");
	assert_int_equal(n, 32);
	return true;
}

static void
test_channel_binding(void **state)
{
	struct server sv;
	struct client c;

	(void)state;
	server_start(&sv, serve_tls_echo);
	server_run(&sv);
	client_init(&c, "mail.test", sv.port);
	c.cfg.tls = STREAM_TLS_IMPLICIT;
	c.look = look_binding;
	client_run(&c);
	server_stop(&sv);
	assert_int_equal(c.state, STREAM_OPEN);
	client_release(&c);
}

static int
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

static int
drop_certificates(void **state)
{
	(void)state;
	cert_release(&authority);
	cert_release(&leaf);
	unlink(ca_path);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_tls_echo),
		cmocka_unit_test(test_next_address),
		cmocka_unit_test(test_no_connection),
		cmocka_unit_test(test_silent_server),
		cmocka_unit_test(test_silent_handshake),
		cmocka_unit_test(test_slow_is_not_silent),
		cmocka_unit_test(test_nothing_awaited_is_not_silent),
		cmocka_unit_test(test_paused_is_not_silent),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_reading_is_bounded),
		cmocka_unit_test(test_upload_in_small_memory),
		cmocka_unit_test(test_starttls),
		cmocka_unit_test(test_deflate_echo),
		cmocka_unit_test(test_deflate_is_bounded),
		cmocka_unit_test(test_deflate_bomb),
		cmocka_unit_test(test_deflate_ends),
		cmocka_unit_test(test_deflate_upload),
		cmocka_unit_test(test_tunnel),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_tls_configuration),
		cmocka_unit_test(test_channel_binding),
	};

	return cmocka_run_group_tests(tests, make_certificates,
	    drop_certificates);
}
