/*
 * Logs in, by the best way that the server offers. SCRAM first, because it
 * proves the server to us and tells it no password; then PLAIN, then the LOGIN
 * command. After a refusal that does not say why, one more way is tried, of
 * another kind: some servers offer what they can't do for every user. Not more,
 * so that no account gets locked.
 */
#include "internal.h"

#include <errno.h>
#include <gsasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fatal.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"

/* A server could make us hash for hours. RFC 7677 asks for 4096. */
#define ITERATIONS_MAX	1000000
#define TRIES_MAX	2

struct imap_auth {
	struct imap_cmd cmd;		/* first: on_continue finds us */
	struct imap_session *session;
	const char *user, *password;
	enum imap_mech mech;
	unsigned caps;			/* from before the login */
	unsigned tries;
	Gsasl *gsasl;
	Gsasl_session *sasl;
	char *first;			/* initial response, not yet sent */
	bool proved;			/* the mechanism has reached its end */
	struct err err;			/* ours: why we gave up in the middle */
};

static const struct {
	const char *name;		/* SASL's */
	enum imap_mech weaker;		/* to try next */
} table[] = {
	[MECH_SCRAM_SHA_256_PLUS] = { "SCRAM-SHA-256-PLUS", MECH_PLAIN },
	[MECH_SCRAM_SHA_256] = { "SCRAM-SHA-256", MECH_PLAIN },
	[MECH_SCRAM_SHA_1_PLUS] = { "SCRAM-SHA-1-PLUS", MECH_PLAIN },
	[MECH_SCRAM_SHA_1] = { "SCRAM-SHA-1", MECH_PLAIN },
	[MECH_PLAIN] = { "PLAIN", MECH_LOGIN },
	[MECH_LOGIN] = { NULL, MECH_NONE },
	[MECH_NONE] = { NULL, MECH_NONE },
};

static bool
is_plus(enum imap_mech mech)
{
	return mech == MECH_SCRAM_SHA_256_PLUS ||
	    mech == MECH_SCRAM_SHA_1_PLUS;
}

static bool
is_scram(enum imap_mech mech)
{
	return mech <= MECH_SCRAM_SHA_1;
}

static bool
can_bind(struct imap_session *s)
{
	unsigned char data[128];
	size_t n = sizeof(data);
	const char *type;

	return s->stream.encrypted &&
	    stream_channel_binding(&s->stream, &type, data, &n) == 0 &&
	    (!imap_quirk_on(s, QUIRK_NO_EXPORTER) ||
	    strcmp(type, "tls-exporter") != 0);
}

static bool
mech_usable(struct imap_auth *a, enum imap_mech mech)
{
	if (mech == MECH_LOGIN)
		return (a->caps & CAP_LOGINDISABLED) == 0;
	if ((a->session->mechs & (1u << mech)) == 0 ||
	    !gsasl_client_support_p(a->gsasl, table[mech].name))
		return false;
	return !is_plus(mech) || can_bind(a->session);
}

static enum imap_mech
choose_mech(struct imap_auth *a, enum imap_mech from)
{
	enum imap_mech mech = from;

	if (from == MECH_SCRAM_SHA_256_PLUS &&
	    imap_quirk_on(a->session, QUIRK_LOGIN_FIRST) &&
	    mech_usable(a, MECH_LOGIN))
		return MECH_LOGIN;
	while (mech < MECH_NONE && !mech_usable(a, mech))
		mech++;
	return mech;
}

struct imap_auth *
imap_auth_new(struct imap_session *s, const char *user, const char *password)
{
	struct imap_auth *a = xcalloc(1, sizeof(*a));

	a->session = s;
	a->user = user;
	a->password = password;
	a->caps = imap_session_caps(s);
	if (gsasl_init(&a->gsasl) != GSASL_OK)
		fatal_memory();
	s->secret = password;
	return a;
}

static void
auth_end_sasl(struct imap_auth *a)
{
	if (a->sasl != NULL)
		gsasl_finish(a->sasl);
	a->sasl = NULL;
	str_wipe_free(a->first);
	a->first = NULL;
	str_wipe_free(a->session->said);
	a->session->said = NULL;
}

void
imap_auth_free(struct imap_auth *a)
{
	if (a == NULL)
		return;
	auth_end_sasl(a);
	gsasl_done(a->gsasl);
	imap_cmd_release(&a->cmd);
	a->session->secret = NULL;
	free(a);
}

/* gsasl does not always tell a want of memory from a wrong password. errno, set
 * to 0 before, does. */
static void
auth_check_memory(int rc)
{
	if (rc == GSASL_MALLOC_ERROR || (rc != GSASL_OK &&
	    rc != GSASL_NEEDS_MORE && errno == ENOMEM))
		fatal_memory();
}

static int
auth_bind(struct imap_auth *a)
{
	unsigned char data[128];
	size_t n = sizeof(data);
	const char *type;
	char *text = NULL;
	int rc;

	if (stream_channel_binding(&a->session->stream, &type, data, &n) != 0)
		return -1;
	errno = 0;
	rc = gsasl_base64_to((char *)data, n, &text, NULL);
	if (rc == GSASL_OK)
		rc = gsasl_property_set(a->sasl, strcmp(type,
		    "tls-exporter") == 0 ? GSASL_CB_TLS_EXPORTER :
		    GSASL_CB_TLS_UNIQUE, text);
	auth_check_memory(rc);
	gsasl_free(text);
	return rc == GSASL_OK ? 0 : -1;
}

static void
auth_give_up(struct imap_auth *a, enum err_kind kind, const char *why)
{
	err_set(&a->err, kind, "login at %s by %s: %s", a->session->host,
	    table[a->mech].name, why);
}

/* "i=4096" of SCRAM's first message, before anything is computed with it. */
static bool
iterations_fit(const char *p, size_t n)
{
	for (size_t i = 0; i + 2 < n; i++) {
		struct span number = { p + i + 2, 0 };
		uint64_t count;

		if ((i > 0 && p[i - 1] != ',') || p[i] != 'i' ||
		    p[i + 1] != '=')
			continue;
		while (i + 2 + number.n < n && p[i + 2 + number.n] != ',')
			number.n++;
		return span_number(number, ITERATIONS_MAX, &count);
	}
	return true;		/* not that message */
}

/* The answer in base64, or NULL with a->err. */
static char *
auth_step(struct imap_auth *a, const char *in, size_t n)
{
	char *out = NULL, *text = NULL;
	size_t out_n = 0;
	int rc;

	if (is_scram(a->mech) && !iterations_fit(in, n)) {
		auth_give_up(a, ERR_PROTO, "absurd number of iterations");
		return NULL;
	}
	errno = 0;
	rc = gsasl_step(a->sasl, in, n, &out, &out_n);
	auth_check_memory(rc);
	if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE) {
		auth_give_up(a, rc == GSASL_AUTHENTICATION_ERROR ?
		    ERR_PROTO : ERR_AUTH, gsasl_strerror(rc));
		return NULL;
	}
	/* PLAIN ends with its only message, SCRAM when the server has proved
	   that it knows the password as well. */
	a->proved = rc == GSASL_OK;
	rc = gsasl_base64_to(out != NULL ? out : "", out_n, &text, NULL);
	if (out != NULL) {
		mem_wipe(out, out_n);
		gsasl_free(out);
	}
	if (rc != GSASL_OK)
		fatal_memory();
	return text;
}

static void
auth_write(struct imap_auth *a, const char *text)
{
	struct imap_session *s = a->session;

	log_debug("C: ***");
	stream_write(&s->stream, text, strlen(text));
	stream_write(&s->stream, "\r\n", 2);
}

/* The decoded challenge, or NULL with a->err. "+" alone is an empty one. */
static char *
challenge_decode(struct imap_auth *a, struct span text, size_t *n_out)
{
	char *out = NULL;
	int rc;

	*n_out = 0;
	if (text.n == 0)
		return xstrdup("");
	if (text.n > LIMIT_SASL) {
		auth_give_up(a, ERR_PROTO, "challenge too long");
		return NULL;
	}
	rc = gsasl_base64_from(text.p, text.n, &out, n_out);
	if (rc == GSASL_MALLOC_ERROR)
		fatal_memory();
	if (rc != GSASL_OK)
		auth_give_up(a, ERR_PROTO, "challenge is not base64");
	return out;
}

static void
auth_on_continue(struct imap_line *line, const struct imap_resp *r)
{
	struct imap_auth *a = (struct imap_auth *)line->cmd;
	char *in, *out = NULL;
	size_t n;

	if (a->err.kind != ERR_NONE)
		return;			/* we have sent "*" already */
	if (a->first != NULL) {
		auth_write(a, a->first);
		str_wipe_free(a->first);
		a->first = NULL;
		return;
	}
	in = challenge_decode(a, r->text, &n);
	if (in != NULL && a->proved && n > 0)
		auth_give_up(a, ERR_PROTO, "a challenge too many");
	else if (in != NULL)
		out = a->proved ? xstrdup("") : auth_step(a, in, n);
	free(in);
	/* RFC 3501 section 6.2.2: "*" cancels; the server answers BAD. */
	auth_write(a, out != NULL ? out : "*");
	str_wipe_free(out);
}

static int
sasl_begin(struct imap_auth *a)
{
	const char *name = table[a->mech].name;
	int rc;

	a->proved = false;
	errno = 0;
	rc = gsasl_client_start(a->gsasl, name, &a->sasl);
	if (rc == GSASL_OK)
		rc = gsasl_property_set(a->sasl, GSASL_AUTHID, a->user);
	if (rc == GSASL_OK)
		rc = gsasl_property_set(a->sasl, GSASL_PASSWORD, a->password);
	auth_check_memory(rc);
	if (rc != GSASL_OK || (is_plus(a->mech) && auth_bind(a) != 0)) {
		auth_give_up(a, ERR_AUTH, "can't be set up");
		return -1;
	}
	a->first = auth_step(a, "", 0);
	if (a->mech == MECH_PLAIN)
		a->session->said = xstrdup(a->first);
	return a->first != NULL ? 0 : -1;
}

static void
sasl_send(struct imap_auth *a)
{
	struct imap_line *line = imap_line_new(&a->cmd, "AUTHENTICATE");

	imap_line_add(line, " %s", table[a->mech].name);
	if ((a->caps & CAP_SASL_IR) && strlen(a->first) <
	    LIMIT_COMMAND_LINE - 100) {
		imap_line_add(line, " ");
		/* RFC 4959: "=" is the empty one. */
		imap_line_masked(line, a->first[0] ? a->first : "=");
		str_wipe_free(a->first);
		a->first = NULL;
	}
	line->on_continue = auth_on_continue;
	imap_line_send(line);
}

static void
login_send(struct imap_auth *a)
{
	struct imap_line *line = imap_line_new(&a->cmd, "LOGIN");

	imap_line_astring(line, a->user);
	imap_line_secret(line, a->password);
	imap_line_send(line);
}

static void
auth_try(struct imap_auth *a, struct task *task)
{
	struct imap_session *s = a->session;

	a->tries++;
	imap_cmd_init(&a->cmd, s, task);
	if (a->mech == MECH_NONE)
		err_set(&a->err, ERR_AUTH, "%s offers no way to log in that "
		    "mailtern knows%s", s->host, s->stream.encrypted ? "" :
		    "; it may want encryption: set tls in syncrc");
	else if (a->mech == MECH_LOGIN)
		login_send(a);
	else if (sasl_begin(a) == 0)
		sasl_send(a);
	imap_cmd_started(&a->cmd);
}

void
imap_auth_start(struct imap_auth *a, struct task *task)
{
	a->mech = choose_mech(a, MECH_SCRAM_SHA_256_PLUS);
	auth_try(a, task);
}

/* These say what is wrong; another mechanism would not change it. */
static bool
says_why(enum imap_code_kind code)
{
	return code == CODE_AUTHENTICATIONFAILED ||
	    code == CODE_AUTHORIZATIONFAILED || code == CODE_EXPIRED ||
	    code == CODE_PRIVACYREQUIRED || code == CODE_CONTACTADMIN;
}

static bool
says_later(enum imap_code_kind code)
{
	return code == CODE_UNAVAILABLE || code == CODE_INUSE ||
	    code == CODE_LIMIT;
}

static bool
auth_again(struct imap_auth *a, struct task *task)
{
	enum imap_mech next = choose_mech(a, table[a->mech].weaker);

	if (a->tries >= TRIES_MAX || next == MECH_NONE ||
	    (a->err.kind != ERR_NONE && a->err.kind != ERR_AUTH) ||
	    says_why(a->cmd.code))
		return false;
	log_info("%s refused %s, trying %s", a->session->host,
	    a->mech == MECH_LOGIN ? "LOGIN" : table[a->mech].name,
	    next == MECH_LOGIN ? "LOGIN" : table[next].name);
	auth_end_sasl(a);
	imap_cmd_release(&a->cmd);
	a->err = (struct err){ 0 };
	a->mech = next;
	auth_try(a, task);
	return true;
}

/* Puts the two halves into one sentence: what the server said, what to do. */
static int
auth_refused(struct imap_auth *a, struct err *err)
{
	char *text = strstr(a->cmd.err.msg, ": ");
	size_t n;

	text = text != NULL ? text + 2 : a->cmd.err.msg;
	n = strlen(text);
	if (n > 0 && text[n - 1] == '.')
		text[n - 1] = '\0';	/* the sentence goes on */
	if (a->err.kind != ERR_NONE) {
		*err = a->err;
		return -1;
	}
	if (says_later(a->cmd.code))
		return err_set(err, ERR_NET, "%s can't let %s in now: %s",
		    a->session->host, a->user, text);
	return err_set(err, ERR_AUTH, "%s refused the login of %s: %s; check "
	    "user and password (some services want an app password)",
	    a->session->host, a->user, text);
}

int
imap_auth_result(struct imap_auth *a, struct task *task, struct err *err)
{
	int r = imap_result(&a->cmd, err);

	if (r == 0)
		return 0;
	if (r > 0 && a->err.kind == ERR_NONE) {
		/* The server must have proved itself before it said OK. */
		if (a->mech == MECH_LOGIN || a->proved)
			return 1;
		return err_set(err, ERR_PROTO, "login at %s by %s: the server "
		    "did not prove that it knows the password",
		    a->session->host, table[a->mech].name);
	}
	if (r < 0 && err->kind != ERR_REFUSED)
		return -1;
	if (!says_later(a->cmd.code) && auth_again(a, task))
		return 0;
	return auth_refused(a, err);
}
