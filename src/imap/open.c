/*
 * From nothing to a session that is ready for LIST and SELECT.
 *
 *	connect, TLS, greeting -> CAPABILITY -> STARTTLS -> login
 *	-> CAPABILITY -> ENABLE, ID, NAMESPACE, LIST in one flight
 *
 * Each step is left out where it is not needed: capabilities come with the
 * greeting and with the login's OK on most servers. What fails ends the flow;
 * the session is then closed before the task ends.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "loop/timer.h"

#define STARTTLS_PORT	143
#define GREETING_MS	3000	/* on another port, with STARTTLS */

struct imap_open_priv {
	struct timer greeting;
	struct imap_session *session;
	struct imap_auth *auth;
	struct imap_cmd cmd;
	struct imap_cmd enable, id, names;
	unsigned caps_seen;		/* before the login */
	uint64_t answers;		/* up to the flight */
};

static enum task_result open_greeting(struct task *);
static enum task_result open_capability(struct task *);
static enum task_result open_secure(struct task *);
static enum task_result open_tls(struct task *);
static enum task_result open_login(struct task *);
static enum task_result open_logged_in(struct task *);
static enum task_result open_ask_again(struct task *);
static enum task_result open_flight(struct task *);
static enum task_result open_ready(struct task *);

static struct imap_open *
open_of(struct task *t)
{
	return (struct imap_open *)t;
}

static enum task_result
lost(struct task *t)
{
	return task_fail(t, &open_of(t)->priv->session->err);
}

/* Sends a command without arguments; the step looks at priv->cmd. */
static void
send_word(struct imap_open *o, struct imap_cmd *cmd, const char *verb)
{
	struct imap_session *s = o->priv->session;
	struct imap_line *line;

	imap_cmd_release(cmd);
	imap_cmd_init(cmd, s, &o->task);
	line = imap_line_new(cmd, verb);
	line->starttls = strcmp(verb, "STARTTLS") == 0;
	imap_line_send(line);
	imap_cmd_started(cmd);
}

static bool
password_is_safe(const struct imap_open *o)
{
	const struct stream *st = &o->priv->session->stream;

	return st->encrypted || st->loopback || st->tunnel ||
	    o->cfg->stream.tunnel != NULL || o->cfg->cleartext_ok;
}

static bool
wants_starttls(const struct imap_open *o)
{
	return o->cfg->stream.tunnel == NULL &&
	    o->cfg->stream.tls == STREAM_TLS_STARTTLS;
}

static enum task_result
open_refuse_cleartext(struct task *t)
{
	err_set(&t->err, ERR_CONFIG, "the password for %s would cross the "
	    "network in clear text; set tls to implicit or starttls, or "
	    "allow-cleartext-password to yes",
	    open_of(t)->priv->session->host);
	return TASK_FAIL;
}

/* Where TLS comes first, both sides wait for the other to begin. */
static enum task_result
open_no_greeting(struct task *t)
{
	const struct imap_open_config *cfg = open_of(t)->cfg;

	err_set(&t->err, ERR_TLS, "%s says nothing on port %u; it seems that "
	    "TLS comes first there: set tls = implicit", cfg->stream.host,
	    (unsigned)cfg->stream.port);
	return TASK_FAIL;
}

static enum task_result
open_greeting(struct task *t)
{
	struct imap_open *o = open_of(t);
	struct imap_session *s = o->priv->session;
	struct timer *timer = &o->priv->greeting;

	if (s->err.kind != ERR_NONE)
		return lost(t);
	if (s->stream.state == STREAM_OPENING)
		return task_wait(t, open_greeting);
	if (s->greeted)
		timer_stop(timer);
	else if (timer->fired)
		return open_no_greeting(t);
	else if (timer->task == NULL && wants_starttls(o) &&
	    o->cfg->stream.port != STARTTLS_PORT)
		timer_start(timer, t, GREETING_MS);
	/* Before a single octet is sent. */
	if (!wants_starttls(o) && !password_is_safe(o))
		return open_refuse_cleartext(t);
	if (!s->greeted)
		return task_wait(t, open_greeting);
	/* Over the network it would be a way around TLS and the login: RFC
	   9051 section 11.1. */
	if (s->preauth && o->cfg->stream.tunnel == NULL) {
		err_set(&t->err, ERR_PROTO, "%s claims that we are logged in "
		    "already (PREAUTH); that is accepted through a tunnel only",
		    s->host);
		return TASK_FAIL;
	}
	if (s->caps_seen > 0)
		return task_next(t, open_secure);
	send_word(o, &o->priv->cmd, "CAPABILITY");
	return task_next(t, open_capability);
}

static enum task_result
open_capability(struct task *t)
{
	struct imap_open *o = open_of(t);

	switch (imap_result(&o->priv->cmd, &t->err)) {
	case 0:
		return task_wait(t, open_capability);
	case -1:
		return TASK_FAIL;
	}
	return task_next(t, open_secure);
}

static enum task_result
open_secure(struct task *t)
{
	struct imap_open *o = open_of(t);
	struct imap_session *s = o->priv->session;

	if (!wants_starttls(o) || s->stream.encrypted)
		return task_next(t, open_login);
	if ((imap_session_caps(s) & CAP_STARTTLS) == 0) {
		err_set(&t->err, ERR_TLS, "%s does not offer STARTTLS, so the "
		    "login would not be encrypted", s->host);
		return TASK_FAIL;
	}
	send_word(o, &o->priv->cmd, "STARTTLS");
	return task_next(t, open_tls);
}

static enum task_result
open_tls(struct task *t)
{
	struct imap_open *o = open_of(t);
	struct imap_session *s = o->priv->session;

	switch (imap_result(&o->priv->cmd, &t->err)) {
	case 0:
		return task_wait(t, open_tls);
	case -1:
		if (t->err.kind == ERR_REFUSED)
			t->err.kind = ERR_TLS;
		return TASK_FAIL;
	}
	if (s->err.kind != ERR_NONE)
		return lost(t);
	if (s->stream.state != STREAM_OPEN || !s->stream.encrypted)
		return task_wait(t, open_tls);
	s->muted = false;
	task_wake(&s->task);
	send_word(o, &o->priv->cmd, "CAPABILITY");
	return task_next(t, open_capability);
}

static enum task_result
open_login(struct task *t)
{
	struct imap_open *o = open_of(t);
	struct imap_session *s = o->priv->session;

	o->priv->caps_seen = s->caps_seen;
	if (s->preauth)
		return task_next(t, open_flight);
	if (!password_is_safe(o))
		return open_refuse_cleartext(t);
	o->priv->auth = imap_auth_new(s, o->cfg);
	imap_auth_start(o->priv->auth, t);
	return task_next(t, open_logged_in);
}

static enum task_result
open_logged_in(struct task *t)
{
	struct imap_open *o = open_of(t);
	struct imap_session *s = o->priv->session;

	switch (imap_auth_result(o->priv->auth, t, &t->err)) {
	case 0:
		return task_wait(t, open_logged_in);
	case -1:
		return TASK_FAIL;
	}
	o->mech = imap_auth_mech(o->priv->auth);
	imap_auth_free(o->priv->auth);
	o->priv->auth = NULL;
	/* What it offered before the login is another list. */
	if (s->caps_seen != o->priv->caps_seen)
		return task_next(t, open_flight);
	send_word(o, &o->priv->cmd, "CAPABILITY");
	return task_next(t, open_ask_again);
}

static enum task_result
open_ask_again(struct task *t)
{
	struct imap_open *o = open_of(t);

	switch (imap_result(&o->priv->cmd, &t->err)) {
	case 0:
		return task_wait(t, open_ask_again);
	case -1:
		if (t->err.kind != ERR_REFUSED)
			return TASK_FAIL;
		t->err = (struct err){ 0 };
	}
	return task_next(t, open_flight);
}

static uint64_t
patience(const struct stream_config *c)
{
	uint64_t most = (uint64_t)IMAP_OPENED * c->silence_ms;

	return most == 0 || most > IMAP_PATIENCE_MS ? IMAP_PATIENCE_MS : most;
}

/* Yahoo shows all of a folder to those alone who use no message numbers. */
static void
enable(struct imap_open *o, unsigned caps)
{
	static const char *const what[] = {
		NULL, "ENABLE CONDSTORE", "ENABLE QRESYNC", "ENABLE QRESYNC",
		"ENABLE UIDONLY", "ENABLE CONDSTORE UIDONLY",
		"ENABLE QRESYNC UIDONLY", "ENABLE QRESYNC UIDONLY",
	};
	unsigned i = 0;

	if (caps & CAP_CONDSTORE)
		i |= 1;
	if (caps & CAP_QRESYNC)
		i |= 2;
	if (caps & CAP_UIDONLY)
		i |= 4;
	if ((caps & CAP_ENABLE) && what[i] != NULL)
		send_word(o, &o->priv->enable, what[i]);
}

/* ENABLE goes before any SELECT, or iCloud does not count MODSEQs. */
static enum task_result
open_flight(struct task *t)
{
	struct imap_open *o = open_of(t);
	struct imap_open_priv *p = o->priv;
	unsigned caps = imap_session_caps(p->session);

	o->opened = true;
	p->answers = p->session->answers;
	enable(o, caps);
	/* NetEase lets nobody SELECT who has not said who he is. */
	if (caps & CAP_ID)
		send_word(o, &p->id, "ID (\"name\" \"mailtern\" \"version\" \""
		    MAILTERN_VERSION "\")");
	if (o->cfg->known_namespace != NULL && !p->session->has_namespace)
		imap_session_expect_namespace(p->session,
		    o->cfg->known_namespace);
	if (caps & CAP_NAMESPACE)
		send_word(o, &p->names, "NAMESPACE");
	p->session->patience_ms = patience(&o->cfg->stream);
	/* Its names are read at its end: the namespace is known then. */
	if (o->cfg->list != NULL)
		imap_list_start(p->session, o->cfg->list, t, o->cfg->care);
	/* Last, so that it costs no round trip of its own. */
	if (o->cfg->compress == IMAP_COMPRESS_YES)
		imap_compress_start(p->session);
	return task_next(t, open_ready);
}

/* 1: answered, whatever the answer was; 0: not yet; -1: connection lost. */
static int
answered(const struct imap_cmd *cmd, struct err *err)
{
	struct err why;

	if (cmd->task == NULL)
		return 1;		/* not asked */
	switch (imap_result(cmd, &why)) {
	case 0:
		return 0;
	case -1:
		if (why.kind != ERR_REFUSED) {
			*err = why;
			return -1;
		}
	}
	return 1;
}

static enum task_result
open_ready(struct task *t)
{
	struct imap_open *o = open_of(t);
	struct imap_open_priv *p = o->priv;
	const struct imap_cmd *cmd[] = { &p->enable, &p->id, &p->names };

	for (size_t i = 0; i < 3; i++) {
		switch (answered(cmd[i], &t->err)) {
		case 0:
			return task_wait(t, open_ready);
		case -1:
			return TASK_FAIL;
		}
	}
	if (o->cfg->list != NULL && !o->cfg->list->cmd.done)
		return task_wait(t, open_ready);
	if (p->session->err.kind != ERR_NONE)
		return lost(t);
	/* Another server, or a new version of it: what was known is not. */
	if (imap_session_identity(p->session) != o->cfg->identity)
		p->session->caps_off &= ~p->session->caps_known_off;
	o->session = p->session;
	p->session->opener = NULL;
	return TASK_DONE;
}

static void
open_abort(struct task *t)
{
	struct imap_open *o = open_of(t);
	struct err err = t->err;

	if (err.kind == ERR_NONE)
		err_set(&err, ERR_CANCELED, "stopped");
	o->priv->session->opener = NULL;
	imap_session_dispose(o->priv->session, t, &err);
}

static void
open_finish(struct task *t)
{
	struct imap_open *o = open_of(t);
	struct imap_open_priv *p = o->priv;

	timer_stop(&p->greeting);
	imap_auth_free(p->auth);
	imap_cmd_release(&p->cmd);
	imap_cmd_release(&p->enable);
	imap_cmd_release(&p->id);
	imap_cmd_release(&p->names);
	o->lost_caps = p->session->lost_caps;
	o->answered = o->opened && p->session->answers > p->answers;
	if (o->session == NULL)
		imap_session_free(p->session);
	free(p);
	o->priv = NULL;
}

void
imap_open_start(struct imap_open *o, struct loop *loop, struct task *parent,
    const struct imap_open_config *cfg)
{
	memset(o, 0, sizeof(*o));
	o->cfg = cfg;
	o->priv = xcalloc(1, sizeof(*o->priv));
	o->priv->session = imap_session_new(loop, cfg->owner != NULL ?
	    cfg->owner : parent, &cfg->stream);
	o->priv->session->opener = &o->task;
	o->priv->session->caps_off = cfg->caps_off;
	o->priv->session->caps_known_off = cfg->caps_off;
	o->priv->session->caps_out = cfg->caps_out;
	imap_quirks_choose(o->priv->session, cfg->quirks, cfg->n_quirks);
	o->priv->session->compress = cfg->compress;
	o->task.abort = open_abort;
	o->task.finish = open_finish;
	task_start(&o->task, loop, parent, "open", open_greeting);
}
