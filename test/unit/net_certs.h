/* Certificates made for one test, and the server side of TLS. */
#ifndef NET_CERTS_H
#define NET_CERTS_H

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cert {
	X509 *x;
	EVP_PKEY *key;
};

struct cert_spec {
	const char *cn;
	const char *san;	/* "DNS:a,IP:127.0.0.1", or NULL */
	const char *from, *to;	/* or NULL: 2001, 2098 */
	const struct cert *issuer;	/* or NULL: self-signed */
	bool authority;
};

static inline void
cert_must(bool ok)
{
	if (!ok)
		abort();
}

static inline void
cert_extend(struct cert *c, int nid, const char *value)
{
	X509_EXTENSION *ext;

	ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	cert_must(ext != NULL && X509_add_ext(c->x, ext, -1) == 1);
	X509_EXTENSION_free(ext);
}

static inline struct cert
cert_make(const struct cert_spec *spec)
{
	static long serial = 1;
	struct cert c = { X509_new(), EVP_EC_gen("P-256") };
	const struct cert *issuer = spec->issuer != NULL ? spec->issuer : &c;
	X509_NAME *name;

	cert_must(c.x != NULL && c.key != NULL);
	X509_set_version(c.x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c.x), serial++);
	name = X509_get_subject_name(c.x);
	cert_must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const unsigned char *)spec->cn, -1, -1, 0) == 1);
	X509_set_issuer_name(c.x, X509_get_subject_name(issuer->x));
	cert_must(ASN1_TIME_set_string(X509_getm_notBefore(c.x),
	    spec->from != NULL ? spec->from : "20010101000000Z") == 1);
	cert_must(ASN1_TIME_set_string(X509_getm_notAfter(c.x),
	    spec->to != NULL ? spec->to : "20980101000000Z") == 1);
	X509_set_pubkey(c.x, c.key);
	if (spec->authority)
		cert_extend(&c, NID_basic_constraints, "critical,CA:TRUE");
	if (spec->san != NULL)
		cert_extend(&c, NID_subject_alt_name, spec->san);
	cert_must(X509_sign(c.x, issuer->key, EVP_sha256()) > 0);
	return c;
}

static inline void
cert_release(struct cert *c)
{
	X509_free(c->x);
	EVP_PKEY_free(c->key);
}

static inline void
cert_write(const struct cert *c, const char *path)
{
	FILE *f = fopen(path, "w");

	cert_must(f != NULL && PEM_write_X509(f, c->x) == 1);
	fclose(f);
}

/* With colons, or lower case without. */
static inline void
cert_fingerprint(const struct cert *c, bool colons, char out[96])
{
	unsigned char md[32];
	unsigned n = 0;
	int i;

	cert_must(X509_digest(c->x, EVP_sha256(), md, &n) == 1 && n == 32);
	out[0] = '\0';
	for (i = 0; i < 32; i++)
		snprintf(out + strlen(out), 4, colons && i > 0 ? ":%02X" :
		    colons ? "%02X" : "%02x", md[i]);
}

static inline SSL_CTX *
cert_server(const struct cert *c)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	cert_must(ctx != NULL && SSL_CTX_use_certificate(ctx, c->x) == 1 &&
	    SSL_CTX_use_PrivateKey(ctx, c->key) == 1);
	return ctx;
}

#endif
