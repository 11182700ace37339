/* The codec against OpenSSL's server side, in memory. */
#include "net/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "net_certs.h"

#define WIRE_MAX	(1u << 20)

static struct cert authority, other_authority, good, self_signed;
static char ca_path[] = "/tmp/net_tls_test-ca-XXXXXX";
static char self_path[] = "/tmp/net_tls_test-self-XXXXXX";
static char junk_path[] = "/tmp/net_tls_test-junk-XXXXXX";

/* Both ends and the two directions between them. */
struct pair {
	struct tls *tls;
	SSL_CTX *ctx;
	SSL *server;
	BIO *to, *from;		/* of the server */
	struct buf in, plain, out;
	struct err err;
	int result;		/* of the last tls_unwrap */
};

static void
pair_init(struct pair *p, const struct cert *c, const struct tls_config *cfg)
{
	memset(p, 0, sizeof(*p));
	p->ctx = cert_server(c);
	p->server = SSL_new(p->ctx);
	p->to = BIO_new(BIO_s_mem());
	p->from = BIO_new(BIO_s_mem());
	SSL_set_bio(p->server, p->to, p->from);
	SSL_set_accept_state(p->server);
	buf_init(&p->in, WIRE_MAX);
	buf_init(&p->plain, WIRE_MAX);
	buf_init(&p->out, WIRE_MAX);
	p->tls = tls_new(cfg, &p->err);
	p->result = 1;
}

static void
pair_release(struct pair *p)
{
	tls_free(p->tls);
	SSL_free(p->server);
	SSL_CTX_free(p->ctx);
	buf_release(&p->in);
	buf_release(&p->plain);
	buf_release(&p->out);
}

static void
unwrap(struct pair *p)
{
	p->result = tls_unwrap(p->tls, &p->in, &p->plain, &p->out, &p->err);
}

static void
to_server(struct pair *p)
{
	if (p->out.len > 0)
		BIO_write(p->to, p->out.data, (int)p->out.len);
	buf_clear(&p->out);
}

/* What the server has to say, cut bytes at a time. False when nothing. */
static bool
from_server(struct pair *p, int cut)
{
	char piece[4096];
	int n;
	bool some = false;

	while (p->result == 1 && (n = BIO_read(p->from, piece,
	    cut < 4096 ? cut : 4096)) > 0) {
		some = true;
		buf_add(&p->in, piece, (size_t)n);
		unwrap(p);
		assert_int_equal(p->in.len, 0);
		to_server(p);
	}
	return some;
}

static void
shake(struct pair *p, int cut)
{
	unwrap(p);
	do {
		to_server(p);
		SSL_do_handshake(p->server);
	} while (from_server(p, cut));
}

static void
converse(struct pair *p, int cut)
{
	struct buf say = { .max = WIRE_MAX };
	char heard[4096];
	int n, i;

	for (i = 0; i < 3; i++) {
		buf_add_str(&say, "a1 NOOP\r\n");
		assert_int_equal(tls_wrap(p->tls, &say, &p->out, 65536,
		    &p->err), 0);
		assert_int_equal(say.len, 0);
		to_server(p);
		n = SSL_read(p->server, heard, sizeof(heard));
		assert_int_equal(n, 9);
		assert_memory_equal(heard, "a1 NOOP\r\n", 9);
		assert_int_equal(SSL_write(p->server, "a1 OK\r\n", 7), 7);
		from_server(p, cut);
		assert_int_equal(p->result, 1);
		assert_string_equal(buf_str(&p->plain), "a1 OK\r\n");
		buf_clear(&p->plain);
	}
	buf_release(&say);
}

static void
test_cut_at_every_size(void **state)
{
	struct tls_config cfg = {
		.host = "mail.test", .port = 993, .ca_file = ca_path
	};
	struct pair p;
	int cut;

	(void)state;
	for (cut = 1; cut < 1200; cut += cut < 40 ? 1 : 37) {
		pair_init(&p, &good, &cfg);
		assert_false(tls_is_up(p.tls));
		shake(&p, cut);
		assert_int_equal(p.result, 1);
		assert_true(tls_is_up(p.tls));
		assert_string_equal(SSL_get_servername(p.server,
		    TLSEXT_NAMETYPE_host_name), "mail.test");
		converse(&p, cut);
		SSL_shutdown(p.server);
		from_server(&p, cut);
		assert_int_equal(p.result, 0);
		pair_release(&p);
	}
}

static void
test_goodbye_reaches_the_server(void **state)
{
	struct tls_config cfg = { .host = "mail.test", .ca_file = ca_path };
	struct pair p;
	char c;

	(void)state;
	pair_init(&p, &good, &cfg);
	tls_finish(p.tls, &p.out);
	assert_int_equal(p.out.len, 0);		/* nothing to end yet */
	shake(&p, 4096);
	tls_finish(p.tls, &p.out);
	to_server(&p);
	assert_int_equal(SSL_read(p.server, &c, 1), 0);
	assert_int_equal(SSL_get_shutdown(p.server), SSL_RECEIVED_SHUTDOWN);
	unwrap(&p);
	assert_int_equal(p.result, -1);
	pair_release(&p);
}

/* Every prefix of the conversation is no proper end. */
static void
test_cut_is_named(void **state)
{
	struct tls_config cfg = { .host = "mail.test", .ca_file = ca_path };
	struct pair p;
	struct err err = { 0 };

	(void)state;
	pair_init(&p, &good, &cfg);
	assert_int_equal(tls_cut(p.tls, &err), -1);
	assert_int_equal(err.kind, ERR_NET);
	assert_string_equal(err.msg,
	    "mail.test closed the connection during the TLS handshake");
	shake(&p, 4096);
	assert_int_equal(tls_cut(p.tls, &err), -1);
	assert_int_equal(err.kind, ERR_NET);
	assert_string_equal(err.msg, "the connection to mail.test was cut");
	pair_release(&p);
}

static void
test_plain_is_bounded(void **state)
{
	static char text[60000], got[60000];
	struct tls_config cfg = { .host = "mail.test", .ca_file = ca_path };
	struct pair p;
	size_t n = 0, i;

	(void)state;
	for (i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 7 / 3);
	pair_init(&p, &good, &cfg);
	shake(&p, 4096);
	p.plain.max = 1000;
	assert_int_equal(SSL_write(p.server, text, sizeof(text)),
	    sizeof(text));
	from_server(&p, 4096);
	while (p.plain.len > 0) {
		assert_true(p.plain.len <= 1000);
		memcpy(got + n, p.plain.data, p.plain.len);
		n += p.plain.len;
		buf_clear(&p.plain);
		unwrap(&p);
		assert_int_equal(p.result, 1);
	}
	assert_int_equal(n, sizeof(text));
	assert_memory_equal(got, text, sizeof(text));
	pair_release(&p);
}

static void
test_wrap_stops_at_its_bound(void **state)
{
	struct tls_config cfg = { .host = "mail.test", .ca_file = ca_path };
	struct buf say = { .max = WIRE_MAX };
	struct pair p;
	char zeros[1000] = { 0 };
	int i;

	(void)state;
	pair_init(&p, &good, &cfg);
	shake(&p, 4096);
	for (i = 0; i < 500; i++)
		buf_add(&say, zeros, sizeof(zeros));
	assert_int_equal(tls_wrap(p.tls, &say, &p.out, 100000, &p.err), 0);
	assert_true(p.out.len >= 100000 && p.out.len < 120000);
	assert_true(say.len > 380000 && say.len < 402000);
	buf_release(&say);
	pair_release(&p);
}

static void
test_garbage_afterwards(void **state)
{
	struct tls_config cfg = { .host = "mail.test", .ca_file = ca_path };
	struct pair p;

	(void)state;
	pair_init(&p, &good, &cfg);
	shake(&p, 4096);
	buf_add_str(&p.in, "* OK injected in clear text\r\n");
	unwrap(&p);
	assert_int_equal(p.result, -1);
	assert_int_equal(p.err.kind, ERR_TLS);
	assert_int_equal(p.plain.len, 0);
	assert_memory_equal(p.err.msg, "TLS with mail.test broke: ", 26);
	unwrap(&p);
	assert_int_equal(p.result, -1);
	pair_release(&p);
}

/* --- who is trusted --- */

struct case_row {
	const char *what;
	struct cert_spec spec;
	const char *host;
	const char *ca_file;
	const char *fingerprint;
	const char *begin, *end;	/* of the sentence; NULL: accepted */
};

static void
check_row(const struct case_row *row)
{
	struct tls_config cfg = { row->host, 993, row->ca_file,
	    row->fingerprint, false };
	struct cert c = cert_make(&row->spec);
	struct pair p;
	char print[96];
	size_t n, m;

	pair_init(&p, &c, &cfg);
	assert_non_null(p.tls);
	shake(&p, 4096);
	if (row->begin == NULL) {
		if (p.result != 1)
			print_error("%s: %s\n", row->what, p.err.msg);
		assert_true(tls_is_up(p.tls));
	} else {
		n = strlen(row->begin);
		m = strlen(row->end);
		if (strncmp(p.err.msg, row->begin, n) != 0 ||
		    strlen(p.err.msg) < m ||
		    strcmp(p.err.msg + strlen(p.err.msg) - m, row->end) != 0)
			fail_msg("%s: %s", row->what, p.err.msg);
		assert_int_equal(p.result, -1);
		assert_int_equal(p.err.kind, ERR_TLS);
		assert_false(tls_is_up(p.tls));
		cert_fingerprint(&c, true, print);
		if (strstr(row->what, "shows") != NULL)
			assert_non_null(strstr(p.err.msg, print));
	}
	pair_release(&p);
	cert_release(&c);
}

/* The system's file is read where nothing else knows the issuer. */
static void
test_system_authorities(void **state)
{
	static const struct cert_spec spec = { "x", "DNS:mail.test", NULL,
	    NULL, &authority, 0 };
	static const char no[] = "the certificate of mail.test was issued by "
	    "/CN=Test Authority, an authority that is not known here";
	const struct {
		const char *file;
		struct case_row row;
	} table[] = {
		{ ca_path, { "in the file", spec, "mail.test", NULL, NULL,
		    NULL, NULL } },
		{ ca_path, { "beside another", spec, "mail.test", self_path,
		    NULL, NULL, NULL } },
		{ self_path, { "not there", spec, "mail.test", NULL, NULL,
		    no, "" } },
		{ "/nowhere", { "no file", spec, "mail.test", NULL, NULL,
		    no, "" } },
		{ "/nowhere", { "not needed", spec, "mail.test", ca_path,
		    NULL, NULL, NULL } },
	};

	(void)state;
	setenv("SSL_CERT_DIR", "/nowhere", 1);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		setenv("SSL_CERT_FILE", table[i].file, 1);
		check_row(&table[i].row);
	}
	unsetenv("SSL_CERT_FILE");
	unsetenv("SSL_CERT_DIR");
}

static void
test_who_is_trusted(void **state)
{
	static const char wrong[] = "00112233445566778899aabbccddeeff"
	    "00112233445566778899AABBCCDDEEFF";
	const struct case_row rows[] = {
		{ "good", { "x", "DNS:mail.test", NULL, NULL, &authority, 0 },
		  "mail.test", ca_path, NULL, NULL, NULL },
		{ "other case", { "x", "DNS:mail.test", NULL, NULL, &authority,
		  0 }, "MAIL.Test", ca_path, NULL, NULL, NULL },
		{ "root dot", { "x", "DNS:mail.test", NULL, NULL, &authority,
		  0 }, "mail.test.", ca_path, NULL, NULL, NULL },
		{ "wildcard", { "x", "DNS:*.mail.test", NULL, NULL, &authority,
		  0 }, "imap.mail.test", ca_path, NULL, NULL, NULL },
		{ "partial wildcard", { "x", "DNS:im*.mail.test", NULL, NULL,
		  &authority, 0 }, "imap.mail.test", ca_path, NULL,
		  "the certificate of imap.mail.test is for im*.mail.test, "
		  "not imap.mail.test; ", "set host to a name that it is for" },
		{ "wildcard is one label", { "x", "DNS:*.test", NULL, NULL,
		  &authority, 0 }, "a.mail.test", ca_path, NULL,
		  "the certificate of a.mail.test is for *.test, not "
		  "a.mail.test;", "for" },
		{ "address", { "x", "IP:127.0.0.1", NULL, NULL, &authority,
		  0 }, "127.0.0.1", ca_path, NULL, NULL, NULL },
		{ "address 6", { "x", "IP:::1", NULL, NULL, &authority, 0 },
		  "::1", ca_path, NULL, NULL, NULL },
		{ "address as name", { "x", "DNS:127.0.0.1", NULL, NULL,
		  &authority, 0 }, "127.0.0.1", ca_path, NULL,
		  "the certificate of 127.0.0.1 is for 127.0.0.1, not", "" },
		{ "wrong name", { "x", "DNS:a.test,DNS:b.test,IP:127.0.0.9",
		  NULL, NULL, &authority, 0 }, "mail.test", ca_path, NULL,
		  "the certificate of mail.test is for a.test, b.test, "
		  "127.0.0.9, not mail.test; set host", "" },
		{ "wrong common name", { "cn.test", NULL, NULL, NULL,
		  &authority, 0 }, "mail.test", ca_path, NULL,
		  "the certificate of mail.test is for cn.test, not mail.test;",
		  "" },
		{ "escape in name", { "a\033[2Jb", NULL, NULL, NULL,
		  &authority, 0 }, "mail.test", ca_path, NULL,
		  "the certificate of mail.test is for a?[2Jb, not mail.test;",
		  "" },
		{ "expired", { "x", "DNS:mail.test", NULL, "20200102030405Z",
		  &authority, 0 }, "mail.test", ca_path, NULL,
		  "the certificate of mail.test expired on 2020-01-02 03:04 "
		  "UTC; ", "or the clock here is wrong" },
		{ "not yet valid", { "x", "DNS:mail.test", "20970102030405Z",
		  NULL, &authority, 0 }, "mail.test", ca_path, NULL,
		  "the certificate of mail.test is not valid before "
		  "2097-01-02 03:04 UTC; ", "is the clock here right?" },
		{ "self-signed shows", { "mail.test", "DNS:mail.test", NULL,
		  NULL, NULL, 0 }, "mail.test", NULL, NULL,
		  "the certificate of mail.test is self-signed; if you trust "
		  "it, put it into a file and set tls-ca-file, or set "
		  "tls-fingerprint = \"", "\"" },
		{ "unknown authority shows", { "x", "DNS:mail.test", NULL, NULL,
		  &authority, 0 }, "mail.test", NULL, NULL,
		  "the certificate of mail.test was issued by /CN=Test "
		  "Authority, an authority that is not known here; set "
		  "tls-ca-file to ", ")" },
		{ "wrong authority shows", { "x", "DNS:mail.test", NULL, NULL,
		  &other_authority, 0 }, "mail.test", ca_path, NULL,
		  "the certificate of mail.test was issued by /CN=Other "
		  "Authority, an authority that is not known here;", ")" },
		{ "wrong fingerprint shows", { "x", "DNS:mail.test", NULL, NULL,
		  &authority, 0 }, "mail.test", ca_path, wrong,
		  "the certificate of mail.test has the fingerprint ",
		  ", not the one in tls-fingerprint; if the server has a new "
		  "certificate, set that one" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
}

/* A self-signed certificate is trusted by its file, or by its fingerprint,
 * which needs neither the name nor the dates to fit. */
static void
test_own_certificate(void **state)
{
	const struct cert_spec old = { "x", NULL, NULL, "20020101000000Z", NULL,
	    false };
	struct cert expired = cert_make(&old);
	char print[96], plain[96], old_print[96];
	const struct {
		const struct cert *cert;
		struct tls_config cfg;
	} rows[] = {
		{ &self_signed, { "mail.test", 1, self_path, NULL, false } },
		{ &self_signed, { "mail.test", 1, NULL, print, false } },
		{ &self_signed, { "mail.test", 1, NULL, plain, false } },
		{ &self_signed, { "other.test", 1, NULL, plain, false } },
		{ &expired, { "other.test", 1, NULL, old_print, false } },
	};
	struct pair p;
	size_t i;

	(void)state;
	cert_fingerprint(&self_signed, true, print);
	cert_fingerprint(&self_signed, false, plain);
	cert_fingerprint(&expired, true, old_print);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pair_init(&p, rows[i].cert, &rows[i].cfg);
		shake(&p, 4096);
		assert_string_equal(p.err.msg, "");
		assert_true(tls_is_up(p.tls));
		pair_release(&p);
	}
	cert_release(&expired);
}

static void
test_expired_authority(void **state)
{
	const struct cert_spec old = { "Old", NULL, NULL, "20020101000000Z",
	    NULL, true };
	struct cert ca = cert_make(&old);
	const struct cert_spec leaf = { "x", "DNS:mail.test", NULL, NULL, &ca,
	    false };
	struct cert c = cert_make(&leaf);
	char path[] = "/tmp/net_tls_test-old-XXXXXX";
	struct tls_config cfg = { "mail.test", 1, path, NULL, false };
	struct pair p;

	(void)state;
	close(mkstemp(path));
	cert_write(&ca, path);
	pair_init(&p, &c, &cfg);
	shake(&p, 4096);
	assert_string_equal(p.err.msg, "an authority behind the certificate "
	    "of mail.test expired on 2002-01-01 00:00 UTC; its owner has to "
	    "renew it, or the clock here is wrong");
	pair_release(&p);
	cert_release(&c);
	cert_release(&ca);
	unlink(path);
}

static void
test_bad_configuration(void **state)
{
	const struct {
		struct tls_config cfg;
		const char *msg;
	} rows[] = {
		{ { "h.test", 1, "/nonexistent/ca.pem", NULL, false },
		  "can't read tls-ca-file /nonexistent/ca.pem: "
		  "No such file or directory" },
		{ { "h.test", 1, junk_path, NULL, false }, NULL },
		{ { "h.test", 1, NULL, "", false },
		  "tls-fingerprint is not a SHA-256 fingerprint: 64 hex "
		  "digits, with or without colons" },
		{ { "h.test", 1, NULL, "AB:CD", false },
		  "tls-fingerprint is not a SHA-256 fingerprint: 64 hex "
		  "digits, with or without colons" },
		{ { "h.test", 1, NULL, "00112233445566778899aabbccddeeff"
		  "00112233445566778899aabbccddeeff0", false },
		  "tls-fingerprint is not a SHA-256 fingerprint: 64 hex "
		  "digits, with or without colons" },
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&err, 0, sizeof(err));
		assert_null(tls_new(&rows[i].cfg, &err));
		assert_int_equal(err.kind, ERR_CONFIG);
		if (rows[i].msg != NULL)
			assert_string_equal(err.msg, rows[i].msg);
		else
			assert_non_null(strstr(err.msg,
			    " holds no certificate in PEM form"));
	}
}

/* --- what is not TLS, or too old --- */

static void
test_not_tls(void **state)
{
	static const struct {
		bool upgrade;
		const char *msg;
	} rows[] = {
		{ false, "the server mail.test does not speak TLS on port "
		  "143; is it the STARTTLS port?" },
		{ true, "mail.test does not speak TLS after STARTTLS" },
	};
	static const char greeting[] = "* OK IMAP4rev1 ready\r\n";
	struct pair p;
	size_t i, cut;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct tls_config cfg = { "mail.test", 143, NULL, NULL,
		    rows[i].upgrade };

		pair_init(&p, &good, &cfg);
		unwrap(&p);
		for (cut = 0; cut < sizeof(greeting) - 1 && p.result == 1;
		    cut++) {
			buf_add(&p.in, greeting + cut, 1);
			unwrap(&p);
		}
		assert_int_equal(p.result, -1);
		assert_int_equal(p.err.kind, ERR_TLS);
		assert_string_equal(p.err.msg, rows[i].msg);
		pair_release(&p);
	}
}

static void
test_old_tls(void **state)
{
	struct tls_config cfg = { "mail.test", 993, ca_path, NULL, false };
	struct pair p;

	(void)state;
	pair_init(&p, &good, &cfg);
	SSL_set_cipher_list(p.server, "ALL:@SECLEVEL=0");
	SSL_set_min_proto_version(p.server, TLS1_VERSION);
	SSL_set_max_proto_version(p.server, TLS1_1_VERSION);
	shake(&p, 4096);
	assert_int_equal(p.result, -1);
	assert_int_equal(p.err.kind, ERR_TLS);
	assert_string_equal(p.err.msg, "mail.test offers no TLS version from "
	    "1.2 on; older ones are not safe");
	pair_release(&p);
}

static void
test_no_common_cipher(void **state)
{
	struct tls_config cfg = { "mail.test", 993, ca_path, NULL, false };
	struct pair p;

	(void)state;
	pair_init(&p, &good, &cfg);
	SSL_set_max_proto_version(p.server, TLS1_2_VERSION);
	/* An RSA cipher can't be used with the key of that certificate. */
	assert_int_equal(SSL_set_cipher_list(p.server, "AES128-GCM-SHA256"),
	    1);
	shake(&p, 4096);
	assert_int_equal(p.result, -1);
	assert_string_equal(p.err.msg, "mail.test and OpenSSL here have no "
	    "TLS cipher in common, or it wants a client certificate");
	pair_release(&p);
}

/* --- channel binding --- */

static void
test_channel_binding(void **state)
{
	struct tls_config cfg = { "mail.test", 993, ca_path, NULL, false };
	unsigned char ours[64], theirs[64];
	const char *type = NULL;
	size_t n = sizeof(ours), m;
	struct pair p;

	(void)state;
	pair_init(&p, &good, &cfg);
	assert_int_equal(tls_channel_binding(p.tls, &type, ours, &n), -1);
	shake(&p, 4096);
	n = 31;
	assert_int_equal(tls_channel_binding(p.tls, &type, ours, &n), -1);
	n = sizeof(ours);
	assert_int_equal(tls_channel_binding(p.tls, &type, ours, &n), 0);
	assert_string_equal(type, "tls-exporter");
	assert_int_equal(n, 32);
	assert_int_equal(SSL_export_keying_material(p.server, theirs, 32,
	    "EXPORTER-Channel-Binding", 24, (const unsigned char *)"", 0, 1),
	    1);
	assert_memory_equal(ours, theirs, 32);
	pair_release(&p);

	pair_init(&p, &good, &cfg);
	SSL_set_max_proto_version(p.server, TLS1_2_VERSION);
	shake(&p, 4096);
	n = sizeof(ours);
	assert_int_equal(tls_channel_binding(p.tls, &type, ours, &n), 0);
	assert_string_equal(type, "tls-unique");
	m = SSL_get_peer_finished(p.server, theirs, sizeof(theirs));
	assert_int_equal(n, m);
	assert_memory_equal(ours, theirs, m);
	pair_release(&p);

	/* No extended master secret, no binding. */
	pair_init(&p, &good, &cfg);
	SSL_set_max_proto_version(p.server, TLS1_2_VERSION);
	SSL_set_options(p.server, SSL_OP_NO_EXTENDED_MASTER_SECRET);
	shake(&p, 4096);
	assert_true(tls_is_up(p.tls));
	n = sizeof(ours);
	assert_int_equal(tls_channel_binding(p.tls, &type, ours, &n), -1);
	pair_release(&p);
}

static int
make_certificates(void **state)
{
	const struct cert_spec ca = { "Test Authority", NULL, NULL, NULL, NULL,
	    true };
	const struct cert_spec other = { "Other Authority", NULL, NULL, NULL,
	    NULL, true };
	const struct cert_spec leaf = { "x", "DNS:mail.test", NULL, NULL,
	    &authority, false };
	const struct cert_spec self = { "mail.test", "DNS:mail.test", NULL,
	    NULL, NULL, false };

	(void)state;
	authority = cert_make(&ca);
	other_authority = cert_make(&other);
	good = cert_make(&leaf);
	self_signed = cert_make(&self);
	close(mkstemp(ca_path));
	close(mkstemp(self_path));
	close(mkstemp(junk_path));
	cert_write(&authority, ca_path);
	cert_write(&self_signed, self_path);
	return 0;
}

static int
drop_certificates(void **state)
{
	(void)state;
	cert_release(&authority);
	cert_release(&other_authority);
	cert_release(&good);
	cert_release(&self_signed);
	unlink(ca_path);
	unlink(self_path);
	unlink(junk_path);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_at_every_size),
		cmocka_unit_test(test_goodbye_reaches_the_server),
		cmocka_unit_test(test_cut_is_named),
		cmocka_unit_test(test_plain_is_bounded),
		cmocka_unit_test(test_wrap_stops_at_its_bound),
		cmocka_unit_test(test_garbage_afterwards),
		cmocka_unit_test(test_system_authorities),
		cmocka_unit_test(test_who_is_trusted),
		cmocka_unit_test(test_own_certificate),
		cmocka_unit_test(test_expired_authority),
		cmocka_unit_test(test_bad_configuration),
		cmocka_unit_test(test_not_tls),
		cmocka_unit_test(test_old_tls),
		cmocka_unit_test(test_no_common_cipher),
		cmocka_unit_test(test_channel_binding),
	};

	return cmocka_run_group_tests(tests, make_certificates,
	    drop_certificates);
}
