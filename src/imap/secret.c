/*
 * The password in the forms in which we send it. A server may say any of them
 * back, also long after the login: in a refusal, an alert, a protocol error.
 */
#include "internal.h"

#include <gsasl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/mem.h"

#define MASK	"***"
#define BEGINNING 4	/* octets of it tell too much */

static char *
in_base64(const char *p, size_t n)
{
	char *text = NULL, *copy;

	if (gsasl_base64_to(p, n, &text, NULL) != GSASL_OK)
		fatal_memory();
	copy = xstrdup(text);
	mem_wipe(text, strlen(text));
	gsasl_free(text);
	return copy;
}

/* NUL user NUL password: PLAIN. */
static char *
in_plain(const char *user, const char *password)
{
	size_t u = strlen(user), p = strlen(password), n = u + p + 2;
	char *message = xcalloc(1, n + 1), *text;

	memcpy(message + 1, user, u);
	memcpy(message + u + 2, password, p);
	text = in_base64(message, n);
	mem_wipe(message, n);
	free(message);
	return text;
}

static char *
in_quotes(const char *password)
{
	char *text = xcalloc(2, strlen(password) + 1), *to = text;

	for (; *password != '\0'; password++) {
		if (*password == '"' || *password == '\\')
			*to++ = '\\';
		*to++ = *password;
	}
	return text;
}

void
imap_secret_keep(struct imap_session *s, const char *user,
    const char *password)
{
	imap_secret_release(s);
	if (password == NULL || *password == '\0')
		return;
	/* The longest first: the shorter ones may be parts of it. */
	s->secret[0] = in_plain(user, password);
	s->secret[1] = in_base64(password, strlen(password));
	s->secret[2] = in_quotes(password);
	s->secret[3] = xstrdup(password);
}

void
imap_secret_release(struct imap_session *s)
{
	for (size_t i = 0; i < IMAP_SECRETS; i++) {
		str_wipe_free(s->secret[i]);
		s->secret[i] = NULL;
	}
}

static const char *
find_secret(const struct span text, const char *secret)
{
	size_t n = secret != NULL ? strlen(secret) : 0;

	return n == 0 || text.n < n ? NULL :
	    memmem(text.p, text.n, secret, n);
}

bool
imap_secret_is_in(const struct imap_session *s, struct span text)
{
	for (size_t i = 0; i < IMAP_SECRETS; i++)
		if (find_secret(text, s->secret[i]) != NULL)
			return true;
	return false;
}

bool
imap_secret_begins_in(const struct imap_session *s, const char *text)
{
	for (size_t i = 0; i < IMAP_SECRETS; i++) {
		size_t n = s->secret[i] != NULL ? strlen(s->secret[i]) : 0;

		if (n > 0 && memmem(text, strlen(text), s->secret[i],
		    n < BEGINNING ? n : BEGINNING) != NULL)
			return true;
	}
	return false;
}

/* How many octets of the text are the secret, in one of its forms. */
static size_t
secret_at(const struct imap_session *s, struct span text)
{
	for (size_t i = 0; i < IMAP_SECRETS; i++) {
		size_t n = s->secret[i] != NULL ? strlen(s->secret[i]) : 0;

		if (n > 0 && n <= text.n &&
		    memcmp(text.p, s->secret[i], n) == 0)
			return n;
	}
	return 0;
}

size_t
imap_secret_mask(const struct imap_session *s, struct span text, char *out,
    size_t room)
{
	size_t n = 0, k;

	while (text.n > 0 && n + strlen(MASK) <= room) {
		k = secret_at(s, text);
		if (k > 0)
			memcpy(out + n, MASK, strlen(MASK));
		else
			out[n] = *text.p;
		n += k > 0 ? strlen(MASK) : 1;
		text.p += k > 0 ? k : 1;
		text.n -= k > 0 ? k : 1;
	}
	return n;
}
