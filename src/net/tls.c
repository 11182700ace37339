/* The client's side of TLS as a codec, by OpenSSL. */
#include "net/tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/mem.h"
#include "internal.h"

#define RECORD	16384		/* plaintext in a TLS record at most */

struct tls {
	SSL_CTX *ctx;
	SSL *ssl;
	X509_LOOKUP_METHOD *late;	/* of ctx */
	BIO *in, *out;		/* memory; owned by ssl */
	char *host;		/* without a trailing dot */
	unsigned port;
	bool upgrade;
	bool pinned;
	unsigned char pin[TLS_FINGERPRINT_LEN];
	bool up;
	bool broken;		/* nothing may be sent any more */
	bool heard;		/* a byte came */
	unsigned char first;	/* the first one */
	struct tls_verdict verdict;
};

/*
 * Replaces OpenSSL's own call of X509_verify_cert: after a failure the leaf is
 * not to be had from the SSL any more, and the sentence needs it.
 */
static int
verify_peer(X509_STORE_CTX *store, void *arg)
{
	struct tls *t = arg;
	struct tls_verdict *v = &t->verdict;
	unsigned char seen[TLS_FINGERPRINT_LEN];
	X509 *culprit;
	int ok;

	v->leaf = X509_STORE_CTX_get0_cert(store);
	if (v->leaf != NULL)
		X509_up_ref(v->leaf);
	if (t->pinned) {
		ok = v->leaf != NULL && tls_fingerprint_of(v->leaf, seen) &&
		    CRYPTO_memcmp(seen, t->pin, sizeof(seen)) == 0;
		v->wrong_fingerprint = !ok;
		X509_STORE_CTX_set_error(store,
		    ok ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
		return ok;
	}
	ok = X509_verify_cert(store) == 1;
	v->code = X509_STORE_CTX_get_error(store);
	culprit = X509_STORE_CTX_get_current_cert(store);
	if (!ok && culprit != NULL && X509_up_ref(culprit))
		v->culprit = culprit;
	return ok;
}

static int
load_authorities(struct tls *t, const char *ca_file, struct err *err)
{
	int fd;

	t->late = tls_trust_system(t->ctx);
	if (ca_file == NULL)
		return 0;
	if ((fd = open(ca_file, O_RDONLY | O_CLOEXEC)) == -1)
		return err_errno(err, ERR_CONFIG, "can't read tls-ca-file %s",
		    ca_file);
	close(fd);
	if (SSL_CTX_load_verify_file(t->ctx, ca_file) == 1)
		return 0;
	return err_set(err, ERR_CONFIG, "tls-ca-file %s holds no certificate "
	    "in PEM form", ca_file);
}

/* A name is told to the server (SNI) and checked; an address only checked. */
static bool
expect_host(struct tls *t)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);
	struct in6_addr ip;

	if (inet_pton(AF_INET, t->host, &ip) == 1 ||
	    inet_pton(AF_INET6, t->host, &ip) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(param, t->host) == 1;
	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set_tlsext_host_name(t->ssl, t->host) == 1 &&
	    SSL_set1_host(t->ssl, t->host) == 1;
}

static int
set_up(struct tls *t, const struct tls_config *cfg, struct err *err)
{
	X509_VERIFY_PARAM *param;

	if (cfg->fingerprint != NULL) {
		t->pinned = true;
		if (!tls_fingerprint_parse(cfg->fingerprint, t->pin))
			return err_set(err, ERR_CONFIG, "tls-fingerprint is "
			    "not a SHA-256 fingerprint: 64 hex digits, with "
			    "or without colons");
	}
	t->ctx = SSL_CTX_new(TLS_client_method());
	if (t->ctx == NULL ||
	    SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION) != 1)
		return err_set(err, ERR_TLS, "OpenSSL can't be set up");
	SSL_CTX_set_options(t->ctx, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(t->ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(t->ctx, verify_peer, t);
	/* What the user lists is trusted, also a server's own certificate. */
	param = SSL_CTX_get0_param(t->ctx);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	if (!t->pinned && load_authorities(t, cfg->ca_file, err) == -1)
		return -1;

	t->ssl = SSL_new(t->ctx);
	t->in = BIO_new(BIO_s_mem());
	t->out = BIO_new(BIO_s_mem());
	if (t->ssl == NULL || t->in == NULL || t->out == NULL)
		fatal_memory();
	SSL_set_bio(t->ssl, t->in, t->out);
	SSL_set_connect_state(t->ssl);
	if (!expect_host(t))
		return err_set(err, ERR_CONFIG, "%s can't be the name of a "
		    "TLS server", t->host);
	return 0;
}

struct tls *
tls_new(const struct tls_config *cfg, struct err *err)
{
	struct tls *t = xcalloc(1, sizeof(*t));
	size_t n = strlen(cfg->host);

	t->host = xstrdup(cfg->host);
	if (n > 1 && t->host[n - 1] == '.')
		t->host[n - 1] = '\0';
	t->port = cfg->port;
	t->upgrade = cfg->upgrade;
	t->verdict.host = t->host;
	if (set_up(t, cfg, err) == -1) {
		tls_free(t);
		return NULL;
	}
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	SSL_CTX_free(t->ctx);
	X509_LOOKUP_meth_free(t->late);
	X509_free(t->verdict.leaf);
	X509_free(t->verdict.culprit);
	free(t->host);
	free(t);
}

static const char *
last_reason(void)
{
	unsigned long e = ERR_peek_last_error();
	const char *text = e != 0 ? ERR_reason_error_string(e) : NULL;

	return text != NULL ? text : "the server broke the protocol";
}

static int
explain_failure(struct tls *t, struct err *err)
{
	unsigned long e = ERR_peek_last_error();
	int reason = ERR_GET_LIB(e) == ERR_LIB_SSL ? ERR_GET_REASON(e) : 0;

	if (t->up)
		return err_set(err, ERR_TLS, "TLS with %s broke: %s", t->host,
		    last_reason());
	/* Anything but a handshake or an alert record is another protocol. */
	if (t->heard && t->first != 0x16 && t->first != 0x15)
		return t->upgrade ?
		    err_set(err, ERR_TLS, "%s does not speak TLS after "
		    "STARTTLS", t->host) :
		    err_set(err, ERR_TLS, "the server %s does not speak TLS "
		    "on port %u; is it the STARTTLS port?", t->host, t->port);
	switch (reason) {
	case SSL_R_CERTIFICATE_VERIFY_FAILED:
		return tls_explain_verdict(&t->verdict, err);
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_WRONG_SSL_VERSION:
		return err_set(err, ERR_TLS, "%s offers no TLS version from "
		    "1.2 on; older ones are not safe", t->host);
	case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
	case SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
		return err_set(err, ERR_TLS, "%s and OpenSSL here have no "
		    "TLS cipher in common, or it wants a client certificate",
		    t->host);
	}
	return err_set(err, ERR_TLS, "TLS handshake with %s failed: %s",
	    t->host, last_reason());
}

/* Moves what OpenSSL wants sent. False when the peer provokes too much. */
static bool
drain(struct tls *t, struct buf *wire_out)
{
	size_t n = BIO_ctrl_pending(t->out);
	void *room;
	int got;

	if (n == 0)
		return true;
	if (n > INT_MAX || (room = buf_room(wire_out, n)) == NULL)
		return false;
	got = BIO_read(t->out, room, (int)n);
	if (got > 0)
		buf_added(wire_out, (size_t)got);
	return true;
}

static int
tls_fail(struct tls *t, struct buf *wire_out, struct err *err)
{
	explain_failure(t, err);
	drain(t, wire_out);	/* the alert */
	t->broken = true;
	return -1;
}

/* 1 when n bytes could be had or more are needed, 0 at close_notify, or -1. */
static int
judge(struct tls *t, int n, struct buf *wire_out, struct err *err)
{
	int why = SSL_get_error(t->ssl, n);

	if (n <= 0 && why != SSL_ERROR_WANT_READ &&
	    why != SSL_ERROR_ZERO_RETURN)
		return tls_fail(t, wire_out, err);
	if (!drain(t, wire_out)) {
		t->broken = true;
		return err_set(err, ERR_TLS, "%s asks for more TLS answers "
		    "than it takes", t->host);
	}
	return why != SSL_ERROR_ZERO_RETURN;
}

static void
take_wire(struct tls *t, struct buf *wire_in)
{
	if (wire_in->len == 0)
		return;
	if (!t->heard) {
		t->heard = true;
		t->first = wire_in->data[0];
	}
	assert(wire_in->len <= INT_MAX);
	if (BIO_write(t->in, wire_in->data, (int)wire_in->len) !=
	    (int)wire_in->len)
		fatal_memory();
	buf_clear(wire_in);
}

static int
read_plain(struct tls *t, struct buf *plain, struct buf *wire_out,
    struct err *err)
{
	size_t want;
	int n, r;

	while ((want = plain->max - plain->len) > 0) {
		if (want > RECORD)
			want = RECORD;
		n = SSL_read(t->ssl, buf_room(plain, want), (int)want);
		if (n > 0)
			buf_added(plain, (size_t)n);
		if ((r = judge(t, n, wire_out, err)) != 1 || n <= 0)
			return r;
	}
	return 1;
}

int
tls_unwrap(struct tls *t, struct buf *wire_in, struct buf *plain,
    struct buf *wire_out, struct err *err)
{
	int n, r;

	if (t->broken)
		return err_set(err, ERR_TLS, "TLS with %s broke", t->host);
	take_wire(t, wire_in);
	ERR_clear_error();	/* SSL_get_error also looks at old ones */
	if (!t->up) {
		n = SSL_do_handshake(t->ssl);
		if ((r = judge(t, n, wire_out, err)) != 1 || n <= 0)
			return r;
		t->up = true;
	}
	return read_plain(t, plain, wire_out, err);
}

int
tls_wrap(struct tls *t, struct buf *plain, struct buf *wire_out, size_t max,
    struct err *err)
{
	size_t want;
	int n;

	assert(t->up);
	if (t->broken)
		return err_set(err, ERR_TLS, "TLS with %s broke", t->host);
	ERR_clear_error();
	while (plain->len > 0 && wire_out->len < max) {
		want = plain->len < RECORD ? plain->len : RECORD;
		n = SSL_write(t->ssl, plain->data, (int)want);
		if (n <= 0)
			return tls_fail(t, wire_out, err);
		/* It may be a password. */
		mem_wipe(plain->data, (size_t)n);
		buf_consume(plain, (size_t)n);
		if (judge(t, n, wire_out, err) == -1)
			return -1;
	}
	return 0;
}

/* Without close_notify anybody on the way may have ended it (truncation). */
int
tls_cut(const struct tls *t, struct err *err)
{
	if (!t->up)
		return err_set(err, ERR_NET, "%s closed the connection during "
		    "the TLS handshake", t->host);
	return err_set(err, ERR_NET, "the connection to %s was cut", t->host);
}

void
tls_finish(struct tls *t, struct buf *wire_out)
{
	if (!t->up || t->broken)
		return;
	ERR_clear_error();
	SSL_shutdown(t->ssl);
	drain(t, wire_out);
	t->broken = true;
}

bool
tls_is_up(const struct tls *t)
{
	return t->up;
}

int
tls_channel_binding(const struct tls *t, const char **type_out,
    unsigned char *out, size_t *len_inout)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	unsigned char finished[EVP_MAX_MD_SIZE];
	size_t n;

	if (!t->up || t->broken)
		return -1;
	if (SSL_version(t->ssl) >= TLS1_3_VERSION) {
		if (*len_inout < 32 || SSL_export_keying_material(t->ssl, out,
		    32, label, sizeof(label) - 1, NULL, 0, 1) != 1)
			return -1;
		*type_out = "tls-exporter";
		*len_inout = 32;
		return 0;
	}
	/* Without that secret the value is not bound to the peer (RFC 7627). */
	if (SSL_get_extms_support(t->ssl) != 1)
		return -1;
	/* The first Finished is ours in a full handshake, and there is no
	 * other here. */
	n = SSL_get_finished(t->ssl, finished, sizeof(finished));
	if (n == 0 || n > sizeof(finished) || n > *len_inout)
		return -1;
	memcpy(out, finished, n);
	*type_out = "tls-unique";
	*len_inout = n;
	return 0;
}
