/* Streams that are compressed, with and without TLS. */
#include "net_fixture.h"

#include <zlib.h>

/* --- the server --- */

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

/* --- the client --- */

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
/* Sanitizers keep freed memory. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deflate_echo),
		cmocka_unit_test(test_deflate_is_bounded),
		cmocka_unit_test(test_deflate_bomb),
		cmocka_unit_test(test_deflate_ends),
		cmocka_unit_test(test_deflate_upload),
	};

	return cmocka_run_group_tests(tests, make_certificates,
	    drop_certificates);
}
