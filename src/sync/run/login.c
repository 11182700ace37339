/*
 * Gets an account its session. The secret is asked for once and kept for
 * more connections, until the account is closed.
 */
#include "run/login.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "imap/list.h"
#include "imap/quirks.h"
#include "loop/child.h"
#include "run/listing.h"

#define CONNECT_MS	20000
#define SECRET_MS	60000

struct login {
	struct task task;
	struct account *account;
	struct pass_result *out;
	struct imap_list *list;
	struct child child;
	char *secret;
	struct imap_open_config cfg, more;	/* main, other connections */
	struct imap_open open;
};

static enum task_result login_secret(struct task *);
static enum task_result login_have_secret(struct task *);
static enum task_result login_connect(struct task *);
static enum task_result login_connected(struct task *);

/* It may have been lost since it was used last. */
static enum task_result
login_listed(struct task *t)
{
	struct login *l = (struct login *)t;
	struct err lost;
	int rc = imap_result(&l->list->cmd, &lost);

	if (rc == 0)
		return task_wait(t, login_listed);
	if (rc == 1 || lost.kind == ERR_REFUSED)
		return TASK_DONE;
	imap_list_release(l->list);
	conn_cut(&l->account->main);
	return task_next(t, login_secret);
}

static enum task_result
login_begin(struct task *t)
{
	struct login *l = (struct login *)t;
	struct conn *main = &l->account->main;

	if (main->session != NULL && imap_session_error(main->session) != NULL)
		conn_cut(main);
	if (main->session == NULL)
		return task_next(t, login_secret);
	imap_list_start(main->session, l->list, t,
	    listing_care(l->account->run));
	return task_wait(t, login_listed);
}

static enum task_result
login_secret(struct task *t)
{
	struct login *l = (struct login *)t;
	const struct conf_account *conf = l->account->conf;

	if (l->secret != NULL)
		return task_next(t, login_connect);
	if (conf->password_command != NULL) {
		child_start(&l->child, t, conf->password_command, LIMIT_SECRET,
		    SECRET_MS);
		return task_wait(t, login_have_secret);
	}
	l->secret = xstrdup(conf->password);
	return task_next(t, login_connect);
}

/*
 * The first line of its output is the secret. That there is none is no word of
 * the server's: a keyring that is locked now may be open later.
 */
static int
take_secret(struct login *l, struct err *err)
{
	struct child *c = &l->child;
	const char *text = buf_str(&c->out);
	size_t n = strcspn(text, "\r\n");

	if (c->err.kind == ERR_CANCELED) {
		*err = c->err;
		return -1;
	}
	if (c->err.kind != ERR_NONE) {
		*err = c->err;
		err->kind = ERR_SECRET;
		return err_within(err, "password-command");
	}
	if (c->status != 0)
		return err_set(err, ERR_SECRET, "password-command ended with "
		    "status %d; run it by hand to see why", c->status);
	if (n == 0)
		return err_set(err, ERR_SECRET, "password-command printed no "
		    "password on its first line; run it by hand to see why");
	l->secret = xstrndup(text, n);
	return 0;
}

static enum task_result
login_have_secret(struct task *t)
{
	struct login *l = (struct login *)t;

	if (!l->child.done)
		return task_wait(t, login_have_secret);
	if (take_secret(l, &t->err) == -1)
		return TASK_FAIL;
	return task_next(t, login_connect);
}

static struct stream_config
stream_of(const struct conf_account *c)
{
	const unsigned silence = c->timeout_s * 1000u;

	return (struct stream_config){
		.host = c->host, .port = c->port,
		.tls = c->tls == CONF_TLS_NONE ? STREAM_TLS_NONE :
		    c->tls == CONF_TLS_IMPLICIT ? STREAM_TLS_IMPLICIT :
		    STREAM_TLS_STARTTLS,
		.ca_file = c->tls_ca_file, .fingerprint = c->tls_fingerprint,
		.tunnel = c->tunnel,
		.connect_ms = silence < CONNECT_MS ? silence : CONNECT_MS,
		.silence_ms = silence,
	};
}

static enum imap_compress
compress_of(const struct conf_account *c)
{
	return c->compress == CONF_COMPRESS_YES ? IMAP_COMPRESS_YES :
	    c->compress == CONF_COMPRESS_NO ? IMAP_COMPRESS_NO :
	    IMAP_COMPRESS_AUTO;
}

static enum imap_mech
way_of(const struct conf_account *c)
{
	static const enum imap_mech way[] = {
		[CONF_AUTH_AUTO] = MECH_NONE,
		[CONF_AUTH_PLAIN] = MECH_PLAIN,
		[CONF_AUTH_LOGIN] = MECH_LOGIN,
		[CONF_AUTH_SCRAM_SHA_1] = MECH_SCRAM_SHA_1,
		[CONF_AUTH_SCRAM_SHA_1_PLUS] = MECH_SCRAM_SHA_1_PLUS,
		[CONF_AUTH_SCRAM_SHA_256] = MECH_SCRAM_SHA_256,
		[CONF_AUTH_SCRAM_SHA_256_PLUS] = MECH_SCRAM_SHA_256_PLUS,
	};

	return way[c->auth];
}

/* A second way is tried once in a run: so nobody gets locked out. */
static enum task_result
login_connect(struct task *t)
{
	struct login *l = (struct login *)t;
	const struct conf_account *conf = l->account->conf;
	const struct run *run = l->account->run;
	const struct server_facts *known = &run->learned.server;

	l->cfg = (struct imap_open_config){
		.stream = stream_of(conf), .user = conf->user,
		.password = l->secret,
		.cleartext_ok = conf->allow_cleartext_password,
		.quirks = conf->quirks, .n_quirks = conf->n_quirks,
		.wanted = way_of(conf),
		.before = run->logged_in ? run->met.way : known->way,
		.caps_off = known->caps_off, .identity = known->identity,
		.caps_out = run->past.caps_lost, .once = run->logged_in,
		.compress = compress_of(conf), .list = l->list,
		.care = listing_care(run),
		.owner = &l->account->task,
		.known_namespace = l->account->known_namespace,
	};
	imap_open_start(&l->open, t->loop, t, &l->cfg);
	return task_wait(t, login_connected);
}

/* More connections of this run log in as this one did. */
static void
note_login(struct login *l)
{
	struct run *run = l->account->run;

	run->logged_in = l->cfg.once = true;
	if (l->open.mech != MECH_NONE)
		l->cfg.before = l->open.mech;
	run->met.way = l->cfg.before;
	if (imap_quirk_on(l->account->main.session, QUIRK_SIZES))
		run->learned.sizes_quirk = run->learned.sizes_inexact = true;
	run->met.identity = imap_session_identity(l->account->main.session);
}

static enum task_result
login_connected(struct task *t)
{
	struct login *l = (struct login *)t;

	if (!l->open.task.ended)
		return task_wait(t, login_connected);
	l->account->main.session = l->open.session;
	l->open.session = NULL;
	if (l->account->main.session == NULL) {
		listing_lost_login(l->account->run, &l->open);
		return task_fail(t, &l->open.task.err);
	}
	l->account->run->past.mute = 0;
	note_login(l);
	return TASK_DONE;
}

static void
login_abort(struct task *t)
{
	struct login *l = (struct login *)t;

	child_cancel(&l->child);
}

/* A session that came although the login was given up is the account's to cut.
 * */
static void
login_finish(struct task *t)
{
	struct login *l = (struct login *)t;

	if (l->account->main.session == NULL)
		l->account->main.session = l->open.session;
	l->open.session = NULL;
	child_release(&l->child);
	l->child = (struct child){ .done = false };
	l->out->done = true;
	if (t->result == TASK_FAIL)
		l->out->err = t->err;
}

void
login_start(struct account *a, struct task *parent, struct imap_list *list,
    struct pass_result *out)
{
	struct login *l = a->login;

	if (l == NULL)
		l = a->login = xcalloc(1, sizeof(*l));
	l->account = a;
	l->list = list;
	l->out = out;
	*out = (struct pass_result){ .done = false };
	l->task = (struct task){ .abort = login_abort,
	    .finish = login_finish };
	task_start(&l->task, parent->loop, parent, "login", login_begin);
}

void
login_more(struct run *run, struct imap_open *open)
{
	struct login *l = run->account->login;

	l->more = l->cfg;
	l->more.list = NULL;
	l->more.owner = NULL;
	l->more.known_namespace = l->account->known_namespace;
	imap_open_start(open, run->task.loop, &run->task, &l->more);
}

void
login_wipe(struct login *l)
{
	if (l == NULL)
		return;
	str_wipe_free(l->secret);
	l->secret = NULL;
}

void
login_free(struct login *l)
{
	login_wipe(l);
	free(l);
}
