/* Why a certificate was refused, in words that say what to do. */
#include "internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define FINGERPRINT_TEXT	(TLS_FINGERPRINT_LEN * 3)
#define NAMES_MAX		300
#define NAME_MAX_SHOWN		120

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* 64 hex digits; colons may stand between the bytes. */
bool
tls_fingerprint_parse(const char *text, unsigned char out[TLS_FINGERPRINT_LEN])
{
	int i, high, low;

	for (i = 0; i < TLS_FINGERPRINT_LEN; i++) {
		if (i > 0 && *text == ':')
			text++;
		if ((high = hex_digit(text[0])) == -1 ||
		    (low = hex_digit(text[1])) == -1)
			return false;
		out[i] = (unsigned char)(high * 16 + low);
		text += 2;
	}
	return *text == '\0';
}

bool
tls_fingerprint_of(X509 *cert, unsigned char out[TLS_FINGERPRINT_LEN])
{
	unsigned n = 0;

	return X509_digest(cert, EVP_sha256(), out, &n) == 1 &&
	    n == TLS_FINGERPRINT_LEN;
}

static void
fingerprint_format(X509 *cert, char out[FINGERPRINT_TEXT])
{
	unsigned char md[TLS_FINGERPRINT_LEN];
	int i;

	if (cert == NULL || !tls_fingerprint_of(cert, md)) {
		snprintf(out, FINGERPRINT_TEXT, "unknown");
		return;
	}
	for (i = 0; i < TLS_FINGERPRINT_LEN; i++) {
		hex_format(out + 3 * i, &md[i], 1);
		out[3 * i] = (char)toupper((unsigned char)out[3 * i]);
		out[3 * i + 1] = (char)toupper((unsigned char)out[3 * i + 1]);
		out[3 * i + 2] = i + 1 < TLS_FINGERPRINT_LEN ? ':' : '\0';
	}
}

/* Adds one name to a list of bounded length. */
static void
add_name(char *list, const void *name, size_t n)
{
	char shown[NAME_MAX_SHOWN + 4];
	size_t len = strlen(list);

	str_printable(shown, NAME_MAX_SHOWN, name, n);
	if (len + strlen(shown) + 3 < NAMES_MAX)
		snprintf(list + len, NAMES_MAX - len, "%s%s",
		    len > 0 ? ", " : "", shown);
	else if (len >= 3 && strcmp(list + len - 3, "...") != 0 &&
	    len + 5 < NAMES_MAX)
		snprintf(list + len, NAMES_MAX - len, ", ...");
}

static void
add_address(char *list, const ASN1_OCTET_STRING *ip)
{
	const unsigned char *p = ASN1_STRING_get0_data(ip);
	int n = ASN1_STRING_length(ip);
	char text[INET6_ADDRSTRLEN];

	if ((n == 4 && inet_ntop(AF_INET, p, text, sizeof(text)) != NULL) ||
	    (n == 16 && inet_ntop(AF_INET6, p, text, sizeof(text)) != NULL))
		add_name(list, text, strlen(text));
}

static void
add_common_name(char *list, const X509_NAME *subject)
{
	int i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *utf8 = NULL;
	int n;

	if (i < 0)
		return;
	n = ASN1_STRING_to_UTF8(&utf8,
	    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
	if (n > 0)
		add_name(list, utf8, (size_t)n);
	OPENSSL_free(utf8);
}

static void
names_of(X509 *cert, char list[NAMES_MAX])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name,
	    NULL, NULL);
	const GENERAL_NAME *name;
	int i;

	list[0] = '\0';
	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_DNS)
			add_name(list, ASN1_STRING_get0_data(name->d.dNSName),
			    (size_t)ASN1_STRING_length(name->d.dNSName));
		else if (name->type == GEN_IPADD)
			add_address(list, name->d.iPAddress);
	}
	GENERAL_NAMES_free(names);
	if (list[0] == '\0')
		add_common_name(list, X509_get_subject_name(cert));
	if (list[0] == '\0')
		snprintf(list, NAMES_MAX, "no host at all");
}

static void
issuer_of(X509 *cert, char out[NAME_MAX_SHOWN + 4])
{
	char text[512];

	out[0] = '\0';
	X509_NAME_oneline(X509_get_issuer_name(cert), text, sizeof(text));
	str_printable(out, NAME_MAX_SHOWN, text, strlen(text));
}

static void
date_format(const ASN1_TIME *t, char out[32])
{
	struct tm tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1 ||
	    strftime(out, 32, "%Y-%m-%d %H:%M UTC", &tm) == 0)
		snprintf(out, 32, "an unknown date");
}

static int
explain_date(const struct tls_verdict *v, struct err *err)
{
	X509 *cert = v->culprit != NULL ? v->culprit : v->leaf;
	const char *which = cert == v->leaf ? "the certificate of" :
	    "an authority behind the certificate of";
	bool expired = v->code == X509_V_ERR_CERT_HAS_EXPIRED;
	char date[32];

	date_format(cert == NULL ? NULL : expired ?
	    X509_get0_notAfter(cert) : X509_get0_notBefore(cert), date);
	if (expired)
		return err_set(err, ERR_TLS, "%s %s expired on %s; its owner "
		    "has to renew it, or the clock here is wrong", which,
		    v->host, date);
	return err_set(err, ERR_TLS, "%s %s is not valid before %s; is the "
	    "clock here right?", which, v->host, date);
}

static int
explain_issuer(const struct tls_verdict *v, struct err *err)
{
	char print[FINGERPRINT_TEXT], issuer[NAME_MAX_SHOWN + 4];

	fingerprint_format(v->leaf, print);
	if (v->code == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT)
		return err_set(err, ERR_TLS, "the certificate of %s is "
		    "self-signed; if you trust it, put it into a file and set "
		    "tls-ca-file, or set tls-fingerprint = \"%s\"", v->host,
		    print);
	issuer[0] = '\0';
	if (v->leaf != NULL)
		issuer_of(v->leaf, issuer);
	return err_set(err, ERR_TLS, "the certificate of %s was issued by %s, "
	    "an authority that is not known here; set tls-ca-file to the "
	    "certificate of that authority (the fingerprint seen is %s)",
	    v->host, issuer, print);
}

int
tls_explain_verdict(const struct tls_verdict *v, struct err *err)
{
	char print[FINGERPRINT_TEXT], names[NAMES_MAX];

	if (v->wrong_fingerprint) {
		fingerprint_format(v->leaf, print);
		return err_set(err, ERR_TLS, "the certificate of %s has the "
		    "fingerprint %s, not the one in tls-fingerprint; if the "
		    "server has a new certificate, set that one", v->host,
		    print);
	}
	switch (v->code) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		names_of(v->leaf, names);
		return err_set(err, ERR_TLS, "the certificate of %s is for %s, "
		    "not %s; set host to a name that it is for", v->host,
		    names, v->host);
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return explain_date(v, err);
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return explain_issuer(v, err);
	}
	return err_set(err, ERR_TLS, "the certificate of %s is refused: %s",
	    v->host, X509_verify_cert_error_string(v->code));
}
