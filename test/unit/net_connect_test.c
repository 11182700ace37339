/* Streams on their way to a server: its addresses, and whose patience ends. */
#include "net_fixture.h"

#include <errno.h>

#include "base/clock.h"

static void
serve_trickle(struct server *sv, int conn)
{
	struct timespec gap = { 0, 100 * 1000000 };
	int i;

	for (i = 0; i < 8 && send_all(conn, "x", 1); i++)
		nanosleep(&gap, NULL);
	serve_sink(sv, conn);
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
		  "Temporary failure in name resolution", 20000 },
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next_address),
		cmocka_unit_test(test_no_connection),
		cmocka_unit_test(test_silent_server),
		cmocka_unit_test(test_silent_handshake),
		cmocka_unit_test(test_slow_is_not_silent),
		cmocka_unit_test(test_nothing_awaited_is_not_silent),
		cmocka_unit_test(test_paused_is_not_silent),
	};

	return cmocka_run_group_tests(tests, make_certificates,
	    drop_certificates);
}
