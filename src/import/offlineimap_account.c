/* Makes accounts of those in OfflineIMAP's configuration. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "import/offlineimap.h"
#include "internal.h"

struct offline_making {
	const struct ini *ini;
	const struct offlineimap_env *env;
	struct offlineimap_account *all, *a;
	size_t n, cap;
	char *account, *near, *far;	/* sections of the one in turn */
};

static const char *
value_in(const struct offline_making *m, const char *section, const char *key)
{
	const struct ini_line *l = ini_find(m->ini, section, key);

	return l == NULL ? NULL : l->value;
}

static bool
is_on(const struct offline_making *m, const char *section, const char *key,
    bool otherwise)
{
	const char *v = value_in(m, section, key);

	if (v == NULL)
		return otherwise;
	return strcasecmp(v, "yes") == 0 || strcasecmp(v, "true") == 0 ||
	    strcasecmp(v, "on") == 0 || strcmp(v, "1") == 0;
}

static char *
expanded(const struct offline_making *m, const char *path)
{
	return strcmp(path, "~") == 0 || strncmp(path, "~/", 2) == 0 ?
	    xasprintf("%s%s", m->env->home, path + 1) : xstrdup(path);
}

/* --- what mailtern does otherwise --- */

static const struct offline_hindrance {
	const char *key;
	const char *harmless;	/* NULL: there is no such value */
	const char *why;
	bool blocks;
} hindrances[] = {
	{ "nametrans", NULL, "mailtern calls folders as the server does, and "
	    "runs no Python", true },
	{ "folderfilter", NULL, "mailtern runs no Python; set folders to what "
	    "it takes in", true },
	{ "folderincludes", NULL, "set folders", true },
	{ "reference", NULL, "folders begin at the personal namespace of the "
	    "server", true },
	{ "subscribedonly", "no", "all folders are synced; set folders",
	    true },
	{ "readonly", "no", "mailtern writes to both sides", true },
	{ "sync_deletes", "yes", "what is deleted on one side is deleted on "
	    "the other", true },
	{ "createfolders", "yes", "folders are made on both sides", true },
	{ "maxage", NULL, "older messages are pulled as well", true },
	{ "startdate", NULL, "older messages are pulled as well", true },
	{ "maxsize", NULL, "larger messages are pulled as well", true },
	{ "utf8foldernames", "no", "the directories may be called otherwise "
	    "than the folders", true },
	{ "maildir-windows-compatible", "no", "flags stand behind a colon",
	    true },
	{ "filterheaders", NULL, "messages are kept as they are", false },
	{ "synclabels", "no", "labels are not synced", false },
	{ "remotehosteval", NULL, "set host", false },
	{ "remoteusereval", NULL, "set user", false },
	{ "remotepasseval", NULL, "set password-command to what prints the "
	    "password", false },
	{ "sslclientcert", NULL, "there is no login by certificate yet",
	    false },
	{ "cert_fingerprint", NULL, "tls-fingerprint wants the SHA-256",
	    false },
	{ "oauth2_refresh_token", NULL, "there is no OAuth2 yet", false },
	{ "proxy", NULL, "connections are made directly", false },
	{ "idlefolders", NULL, "there is no mode that stays; run sync from "
	    "cron", false },
};

static void
compare_section(const struct offline_making *m, const char *section)
{
	size_t i;

	for (i = 0; i < sizeof(hindrances) / sizeof(hindrances[0]); i++) {
		const struct offline_hindrance *h = &hindrances[i];
		const struct ini_line *l = ini_find(m->ini, section, h->key);

		if (l == NULL || (h->harmless != NULL && is_on(m, section,
		    h->key, false) == (strcmp(h->harmless, "yes") == 0)))
			continue;
		import_note(&m->a->a, l->number, h->blocks, xasprintf(
		    "%s: %s", h->key, h->why));
	}
}

/* --- the server --- */

static void
read_tls(const struct offline_making *m)
{
	struct import_account *a = &m->a->a;
	const char *ca = value_in(m, m->far, "sslcacertfile");

	a->tls = is_on(m, m->far, "ssl", true) ? "implicit" :
	    is_on(m, m->far, "starttls", true) ? "starttls" : "none";
	if (ca != NULL && strcmp(ca, "OS-DEFAULT") != 0)
		a->ca_file = expanded(m, ca);
	if (ca == NULL && strcmp(a->tls, "none") != 0)
		import_note(a, 0, false, xstrdup("no sslcacertfile: "
		    "OfflineIMAP verifies no certificate then, and mailtern "
		    "always does"));
	import_note_cleartext(a);
}

/* "head -n 1 'FILE'" */
static char *
command_for_file(const struct offline_making *m, const char *path)
{
	char *file = expanded(m, path);
	char *quoted = import_replaced(file, "'", "'\\''");
	char *command = xasprintf("head -n 1 '%s'", quoted);

	free(file);
	free(quoted);
	return command;
}

static void
read_login(const struct offline_making *m)
{
	struct import_account *a = &m->a->a;
	const char *file = value_in(m, m->far, "remotepassfile");
	const char *mechanisms = value_in(m, m->far, "auth_mechanisms");

	a->user = xstrdup(value_in(m, m->far, "remoteuser"));
	a->password = xstrdup(value_in(m, m->far, "remotepass"));
	if (a->password == NULL && file != NULL)
		a->password_command = command_for_file(m, file);
	if (mechanisms != NULL && strcasecmp(mechanisms, "LOGIN") == 0)
		a->auth = "login";
	else if (mechanisms != NULL && strcasecmp(mechanisms, "PLAIN") == 0)
		a->auth = "plain";
	if (a->user == NULL && a->tunnel == NULL)
		import_note(a, 0, false, xstrdup("no remoteuser is set; set "
		    "user"));
}

static int
offline_bad(const struct offline_making *m, const char *section,
    const char *what, struct err *err)
{
	return err_set(err, ERR_CONFIG, "%s: [%s] %s", m->env->path, section,
	    what);
}

static int
read_remote(const struct offline_making *m, struct err *err)
{
	struct import_account *a = &m->a->a;
	const char *type = value_in(m, m->far, "type");
	const bool gmail = type != NULL && strcasecmp(type, "Gmail") == 0;

	if (type == NULL || (strcasecmp(type, "IMAP") != 0 && !gmail))
		return offline_bad(m, m->far, "is no IMAP server", err);
	a->tunnel = xstrdup(value_in(m, m->far, "preauthtunnel"));
	if (a->tunnel == NULL)
		a->tunnel = xstrdup(value_in(m, m->far, "transporttunnel"));
	a->host = xstrdup(value_in(m, m->far, "remotehost"));
	if (a->host == NULL && gmail)
		a->host = xstrdup("imap.gmail.com");
	a->port = xstrdup(value_in(m, m->far, "remoteport"));
	read_tls(m);
	read_login(m);
	if (a->host == NULL && a->tunnel == NULL &&
	    value_in(m, m->far, "remotehosteval") == NULL)
		return offline_bad(m, m->far, "has no remotehost", err);
	return 0;
}

static int
read_local(const struct offline_making *m, struct err *err)
{
	const char *type = value_in(m, m->near, "type");
	const char *root = value_in(m, m->near, "localfolders");
	const char *sep = value_in(m, m->near, "sep");
	struct import_account *a = &m->a->a;
	size_t n;

	if (type == NULL || strcasecmp(type, "Maildir") != 0)
		return offline_bad(m, m->near, "is no Maildir", err);
	if (root == NULL || (*root != '/' && *root != '~'))
		return offline_bad(m, m->near, "has no localfolders with the "
		    "whole path", err);
	a->maildir = expanded(m, root);
	for (n = strlen(a->maildir); n > 1 && a->maildir[n - 1] == '/'; n--)
		a->maildir[n - 1] = '\0';
	m->a->sep = xstrdup(sep == NULL || *sep == '\0' ? "." : sep);
	return 0;
}

/* --- accounts --- */

static int
add_account(struct offline_making *m, const char *name, struct err *err)
{
	const char *metadata = value_in(m, "general", "metadata");
	const char *near = value_in(m, m->account, "localrepository");
	const char *far = value_in(m, m->account, "remoterepository");

	if (near == NULL || far == NULL)
		return offline_bad(m, m->account, "has no localrepository or "
		    "remoterepository", err);
	m->a = VEC_ADD(m->all, m->n, m->cap);
	m->a->theirs = xstrdup(name);
	m->a->near = xstrdup(near);
	m->a->far = xstrdup(far);
	m->a->metadata = expanded(m, metadata != NULL ? metadata :
	    "~/.offlineimap");
	m->near = xasprintf("Repository %s", near);
	m->far = xasprintf("Repository %s", far);
	m->a->a.name = import_account_name(name);
	compare_section(m, m->account);
	compare_section(m, m->near);
	compare_section(m, m->far);
	return read_local(m, err) == -1 ? -1 : read_remote(m, err);
}

static int
read_account(struct offline_making *m, const char *name, struct err *err)
{
	int rc;

	m->account = xasprintf("Account %s", name);
	rc = add_account(m, name, err);
	free(m->account);
	free(m->near);
	free(m->far);
	m->account = m->near = m->far = NULL;
	return rc;
}

/* "a, b" */
static int
read_list(struct offline_making *m, const char *list, struct err *err)
{
	char *copy = xstrdup(list), *rest, *name;
	int rc = 0;

	for (name = strtok_r(copy, ", \t\n", &rest); name != NULL && rc == 0;
	    name = strtok_r(NULL, ", \t\n", &rest))
		rc = read_account(m, name, err);
	free(copy);
	return rc;
}

int
offlineimap_accounts(const struct ini *ini, const struct offlineimap_env *env,
    struct offlineimap_account **out, size_t *n_out, struct err *err)
{
	struct offline_making m = { .ini = ini, .env = env };
	const char *list = value_in(&m, "general", "accounts");
	int rc = list == NULL ? offline_bad(&m, "general", "has no accounts: "
	    "there is nothing to import", err) : read_list(&m, list, err);

	if (rc == 0 && m.n == 0)
		rc = offline_bad(&m, "general", "has no accounts: there is "
		    "nothing to import", err);
	*out = rc == 0 ? m.all : NULL;
	*n_out = rc == 0 ? m.n : 0;
	if (rc == -1)
		offlineimap_accounts_free(m.all, m.n);
	return rc;
}

void
offlineimap_accounts_free(struct offlineimap_account *all, size_t n)
{
	while (n > 0) {
		struct offlineimap_account *a = &all[--n];

		import_account_release(&a->a);
		free(a->theirs);
		free(a->near);
		free(a->far);
		free(a->sep);
		free(a->metadata);
	}
	free(all);
}
