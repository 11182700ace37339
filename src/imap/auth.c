/*
 * Logs in, by the best way that the server offers. SCRAM first, because it
 * proves the server to us and tells it no password; then PLAIN, then LOGIN.
 * After a refusal one more way is tried, of another kind (mech.c); not more, so
 * that no account gets locked. A server that should have proved itself and did
 * not gets no password by another way.
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

/* RFC 7677 asks for 4096 at least; with few, who overhears the login can guess
 * the password. With very many a server could make us hash for hours. */
#define ITERATIONS_MIN	4096
#define ITERATIONS_MAX	1000000

struct imap_auth {
	struct imap_cmd cmd;		/* first: on_continue finds us */
	struct imap_session *session;
	const char *user, *password;
	struct imap_mech_choice choice;
	enum imap_mech mech;
	unsigned caps;			/* from before the login */
	bool last;			/* no other way after this one */
	bool in_first;			/* the initial response went along with
					   the command */
	bool no_first;			/* it was BAD to send it so */
	unsigned challenges;		/* of this try, so far */
	Gsasl *gsasl;
	Gsasl_session *sasl;
	char *first;			/* initial response */
	bool sent_first;
	bool proved;			/* the mechanism has reached its end */
	struct err err;			/* ours: why we gave up in the middle */
};

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

/* What the server offers, and gsasl can. */
static unsigned
offered(struct imap_auth *a)
{
	unsigned bits = 0;

	if ((a->caps & CAP_LOGINDISABLED) == 0)
		bits |= 1u << MECH_LOGIN;
	for (enum imap_mech m = MECH_NONE + 1; m < MECH_END; m++)
		if ((a->session->mechs & (1u << m)) != 0 &&
		    gsasl_client_support_p(a->gsasl, imap_mech_name(m)))
			bits |= 1u << m;
	return bits;
}

struct imap_auth *
imap_auth_new(struct imap_session *s, const struct imap_open_config *cfg)
{
	struct imap_auth *a = xcalloc(1, sizeof(*a));

	a->session = s;
	a->user = cfg->user;
	a->password = cfg->password;
	a->last = cfg->once;
	a->caps = imap_session_caps(s);
	if (gsasl_init(&a->gsasl) != GSASL_OK)
		fatal_memory();
	a->choice = (struct imap_mech_choice){ .offered = offered(a),
	    .can_bind = can_bind(s), .wanted = cfg->wanted,
	    .before = cfg->before,
	    .login_first = imap_quirk_on(s, QUIRK_LOGIN_FIRST) };
	imap_secret_keep(s, cfg->user, cfg->password);
	s->logging_in = true;
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
}

void
imap_auth_free(struct imap_auth *a)
{
	if (a == NULL)
		return;
	auth_end_sasl(a);
	gsasl_done(a->gsasl);
	imap_cmd_release(&a->cmd);
	a->session->logging_in = false;
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
	    imap_mech_name(a->mech), why);
}

/* The value of "x=..." among "r=...,s=...,i=4096"; NULL: there is none. */
static const char *
scram_value(const char *message, size_t n, char key, size_t *n_out)
{
	const char *end = message + n, *comma;

	for (; message < end; message = comma + 1) {
		comma = memchr(message, ',', (size_t)(end - message));
		if (comma == NULL)
			comma = end;
		if (comma - message < 2 || message[0] != key ||
		    message[1] != '=')
			continue;
		*n_out = (size_t)(comma - message) - 2;
		return message + 2;
	}
	return NULL;
}

/* Before anything is computed with it. */
static int
check_iterations(struct imap_auth *a, const char *in, size_t n)
{
	struct span number = { NULL, 0 };
	uint64_t count = 0;

	number.p = scram_value(in, n, 'i', &number.n);
	if (number.p == NULL)
		return 0;		/* not that message, or refused below */
	if (!span_number(number, ITERATIONS_MAX, &count))
		auth_give_up(a, ERR_PROTO, "absurd number of iterations");
	else if (count < ITERATIONS_MIN)
		auth_give_up(a, ERR_PROTO, "the server asks for fewer than "
		    "4096 iterations, with which a password could be guessed; "
		    "have that raised there, or set auth = plain if you trust "
		    "it with the password itself");
	return a->err.kind == ERR_NONE ? 0 : -1;
}

/*
 * gsasl did not take what came. "e=..." is how SCRAM refuses; anything else in
 * its place comes from a server that can't prove that it knows the password, or
 * does not want to, and must not get it by another way.
 */
static void
scram_failed(struct imap_auth *a, const char *in, size_t n)
{
	struct span e = { NULL, 0 };

	e.p = scram_value(in, n, 'e', &e.n);
	if (e.p == NULL)
		auth_give_up(a, ERR_PROTO, "the server did not prove that it "
		    "knows the password; nothing more was sent to it");
	else if (span_eq(e, "channel-bindings-dont-match"))
		auth_give_up(a, ERR_PROTO, "the encrypted connection does not "
		    "end at the server, but at somebody in between; if that "
		    "is meant to be so, set auth = scram-sha-256");
	else
		auth_give_up(a, ERR_AUTH, "refused");
}

static void
step_failed(struct imap_auth *a, const char *in, size_t n, int rc)
{
	if (imap_mech_is_scram(a->mech) && n > 0 &&
	    (rc == GSASL_MECHANISM_PARSE_ERROR ||
	    rc == GSASL_AUTHENTICATION_ERROR))
		scram_failed(a, in, n);
	else
		auth_give_up(a, ERR_AUTH, gsasl_strerror(rc));
}

/* The answer in base64, or NULL with a->err. */
static char *
auth_step(struct imap_auth *a, const char *in, size_t n)
{
	char *out = NULL, *text = NULL;
	size_t out_n = 0;
	int rc;

	if (imap_mech_is_scram(a->mech) && check_iterations(a, in, n) != 0)
		return NULL;
	errno = 0;
	rc = gsasl_step(a->sasl, in, n, &out, &out_n);
	auth_check_memory(rc);
	if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE) {
		step_failed(a, in, n, rc);
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

/* What answers this challenge; NULL: we give up. */
static char *
auth_answer(struct imap_auth *a, const struct imap_resp *r)
{
	size_t n;
	char *in = challenge_decode(a, r->text, &n), *out = NULL;

	if (in != NULL && a->proved && n > 0 && a->mech != MECH_SASL_LOGIN)
		auth_give_up(a, ERR_PROTO, "a challenge too many");
	else if (in != NULL)
		out = a->proved ? xstrdup("") : auth_step(a, in, n);
	free(in);
	return out;
}

static void
auth_on_continue(struct imap_line *line, const struct imap_resp *r)
{
	struct imap_auth *a = (struct imap_auth *)line->cmd;
	char *out;

	if (a->err.kind != ERR_NONE)
		return;			/* we have sent "*" already */
	/* Some ask for what came with the command. */
	if (!a->sent_first || (a->challenges == 0 && a->in_first &&
	    r->text.n == 0)) {
		a->sent_first = true;
		a->in_first = false;
		auth_write(a, a->first);
		return;
	}
	a->challenges++;
	out = auth_answer(a, r);
	/* RFC 3501 section 6.2.2: "*" cancels; the server answers BAD. */
	auth_write(a, out != NULL ? out : "*");
	str_wipe_free(out);
}

static int
sasl_begin(struct imap_auth *a)
{
	const char *name = imap_mech_name(a->mech);
	int rc;

	a->proved = a->sent_first = a->in_first = false;
	a->challenges = 0;
	errno = 0;
	rc = gsasl_client_start(a->gsasl, name, &a->sasl);
	if (rc == GSASL_OK)
		rc = gsasl_property_set(a->sasl, GSASL_AUTHID, a->user);
	if (rc == GSASL_OK)
		rc = gsasl_property_set(a->sasl, GSASL_PASSWORD, a->password);
	auth_check_memory(rc);
	if (rc != GSASL_OK || (imap_mech_binds(a->mech) && auth_bind(a) != 0)) {
		auth_give_up(a, ERR_AUTH, "can't be set up");
		return -1;
	}
	a->first = auth_step(a, "", 0);
	return a->first != NULL ? 0 : -1;
}

static void
sasl_send(struct imap_auth *a)
{
	struct imap_line *line = imap_line_new(&a->cmd, "AUTHENTICATE");

	imap_line_add(line, " %s", imap_mech_name(a->mech));
	/* LOGIN begins with a challenge. */
	if ((a->caps & CAP_SASL_IR) && !a->no_first &&
	    a->mech != MECH_SASL_LOGIN && strlen(a->first) <
	    LIMIT_COMMAND_LINE - 100) {
		imap_line_add(line, " ");
		/* RFC 4959: "=" is the empty one. */
		imap_line_masked(line, a->first[0] ? a->first : "=");
		a->sent_first = a->in_first = true;
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

/* Why there is nothing to try. */
static void
auth_no_way(struct imap_auth *a)
{
	const struct imap_session *s = a->session;
	enum imap_mech wanted = a->choice.wanted;

	if (wanted == MECH_NONE)
		err_set(&a->err, ERR_AUTH, "%s offers no way to log in that "
		    "mailtern knows%s", s->host, s->stream.encrypted ? "" :
		    "; it may want encryption: set tls in syncrc");
	else if (imap_mech_binds(wanted) && !a->choice.can_bind)
		err_set(&a->err, ERR_AUTH, "%s can't be used on this "
		    "connection to %s; change auth in syncrc",
		    imap_mech_name(wanted), s->host);
	else
		err_set(&a->err, ERR_AUTH, "%s does not offer %s, which auth "
		    "in syncrc asks for; -vv shows what it offers", s->host,
		    imap_mech_name(wanted));
}

static void
auth_try(struct imap_auth *a, struct task *task)
{
	imap_cmd_init(&a->cmd, a->session, task);
	if (a->mech == MECH_NONE)
		auth_no_way(a);
	else if (a->mech == MECH_LOGIN)
		login_send(a);
	else if (sasl_begin(a) == 0)
		sasl_send(a);
	imap_cmd_started(&a->cmd);
}

void
imap_auth_start(struct imap_auth *a, struct task *task)
{
	a->mech = imap_mech_first(&a->choice);
	auth_try(a, task);
}

enum imap_mech
imap_auth_mech(const struct imap_auth *a)
{
	return a->mech;
}

/* These say what is wrong; another mechanism would not change it. That there
 * is no such password is said of a SCRAM that the server holds no key for,
 * too. */
static bool
says_why(const struct imap_auth *a)
{
	switch (a->cmd.code) {
	case CODE_AUTHENTICATIONFAILED:
		return !imap_mech_is_scram(a->mech);
	case CODE_AUTHORIZATIONFAILED:
	case CODE_EXPIRED:
	case CODE_PRIVACYREQUIRED:
	case CODE_CONTACTADMIN:
		return true;
	default:
		return false;
	}
}

static bool
says_later(enum imap_code_kind code)
{
	return code == CODE_UNAVAILABLE || code == CODE_INUSE ||
	    code == CODE_LIMIT;
}

static void
auth_begin_again(struct imap_auth *a, struct task *task, enum imap_mech mech)
{
	auth_end_sasl(a);
	imap_cmd_release(&a->cmd);
	a->err = (struct err){ 0 };
	a->mech = mech;
	auth_try(a, task);
}

/* Offered, and yet some can't read an initial response: no try was that. */
static bool
auth_without_first(struct imap_auth *a, struct task *task)
{
	if (!a->in_first || a->challenges > 0 || a->cmd.status != IMAP_BAD ||
	    a->err.kind != ERR_NONE)
		return false;
	a->no_first = true;
	auth_begin_again(a, task, a->mech);
	return true;
}

static bool
auth_again(struct imap_auth *a, struct task *task)
{
	enum imap_mech next;

	if (a->last || a->mech == MECH_NONE ||
	    (a->err.kind != ERR_NONE && a->err.kind != ERR_AUTH) ||
	    says_why(a) || says_later(a->cmd.code))
		return false;
	next = imap_mech_next(&a->choice, a->mech);
	if (next == MECH_NONE)
		return false;
	log_info("%s refused %s, trying %s", a->session->host,
	    imap_mech_name(a->mech), imap_mech_name(next));
	a->last = true;
	auth_begin_again(a, task, next);
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
		if (a->no_first)
			imap_session_distrust(a->session, CAP_SASL_IR);
		if (a->mech == MECH_LOGIN || a->proved)
			return 1;
		return err_set(err, ERR_PROTO, "login at %s by %s: the server "
		    "did not prove that it knows the password",
		    a->session->host, imap_mech_name(a->mech));
	}
	if (r < 0 && err->kind != ERR_REFUSED)
		return -1;
	if (auth_without_first(a, task) || auth_again(a, task)) {
		*err = (struct err){ 0 };
		return 0;
	}
	return auth_refused(a, err);
}
