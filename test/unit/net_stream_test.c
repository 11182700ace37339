/* Streams that are open: what goes in and out, TLS, tunnels, how they end. */
#include "net_fixture.h"

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
/* Sanitizers keep freed memory. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
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

/* --- what else there is about TLS --- */

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_tls_echo),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_reading_is_bounded),
		cmocka_unit_test(test_upload_in_small_memory),
		cmocka_unit_test(test_starttls),
		cmocka_unit_test(test_tunnel),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_tls_configuration),
		cmocka_unit_test(test_channel_binding),
	};

	return cmocka_run_group_tests(tests, make_certificates,
	    drop_certificates);
}
