/*
 * The system's certificate authorities, read only when they are needed. The
 * directory is read by the name that is looked for, the file with all of them
 * (a hundred and more, 20 ms of parsing) when neither tls-ca-file nor the
 * directory knew an issuer.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "base/os.h"
#include "internal.h"

/* The first that knows the name wins: this lookup stands last. */
static int
late_by_subject(X509_LOOKUP *late, X509_LOOKUP_TYPE type,
    const X509_NAME *name, X509_OBJECT *ret)
{
	X509_STORE *store = X509_LOOKUP_get_store(late);
	X509_LOOKUP *file = X509_LOOKUP_get_method_data(late);
	const char *path = os_secure_getenv(X509_get_default_cert_file_env());
	X509_OBJECT *found;
	X509 *cert;

	if (type != X509_LU_X509 || file == NULL)
		return 0;
	X509_LOOKUP_set_method_data(late, NULL);	/* once */
	ERR_set_mark();
	X509_load_cert_crl_file(file, path != NULL ? path :
	    X509_get_default_cert_file(), X509_FILETYPE_PEM);
	ERR_pop_to_mark();
	found = X509_OBJECT_retrieve_by_subject(X509_STORE_get0_objects(store),
	    type, name);
	cert = found != NULL ? X509_OBJECT_get0_X509(found) : NULL;
	if (cert == NULL || X509_OBJECT_set1_X509(ret, cert) != 1)
		return 0;
	X509_free(cert);	/* ret borrows it from the store */
	return 1;
}

X509_LOOKUP_METHOD *
tls_trust_system(SSL_CTX *ctx)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	X509_LOOKUP_METHOD *method = X509_LOOKUP_meth_new("late file");
	X509_LOOKUP *file, *late;

	SSL_CTX_set_default_verify_dir(ctx);
	if (method == NULL || X509_LOOKUP_meth_set_get_by_subject(method,
	    late_by_subject) != 1)
		fatal_memory();
	file = X509_STORE_add_lookup(store, X509_LOOKUP_file());
	late = X509_STORE_add_lookup(store, method);
	if (file == NULL || late == NULL)
		fatal_memory();
	X509_LOOKUP_set_method_data(late, file);
	return method;
}
