/* What mbsync's stores say: the server, how to log in, and the Maildir. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "internal.h"

char *
mbsync_path(const struct mbsync_env *env, const char *path)
{
	if (strcmp(path, "~") == 0 || strncmp(path, "~/", 2) == 0)
		return xasprintf("%s%s", env->home, path + 1);
	return *path == '/' ? xstrdup(path) :
	    xasprintf("%s/%s", env->dir, path);
}

/* --- the server --- */

/* The account's options may stand in the store itself. */
static const struct mbsync_section *
server_of(const struct making *m)
{
	const char *name = mbsync_value(m->imap, "Account");

	return name == NULL ? m->imap : mbsync_section(m->rc, "IMAPAccount",
	    name);
}

static char *
copy_of(const struct mbsync_section *s, const char *keyword)
{
	return xstrdup(mbsync_value(s, keyword));
}

/* "imaps:HOST" is how it was written long ago. */
static void
read_host(struct import_account *a, const struct mbsync_section *s)
{
	const struct mbsync_line *l = mbsync_find(s, "TLSType", "SSLType");
	const char *host = mbsync_value(s, "Host");
	const char *type = l == NULL || l->n < 2 ? "STARTTLS" : l->word[1];

	if (host != NULL && strncmp(host, "imaps:", 6) == 0) {
		host += 6;
		type = "IMAPS";
	}
	a->host = xstrdup(host);
	a->port = copy_of(s, "Port");
	a->tls = strcasecmp(type, "IMAPS") == 0 ? "implicit" :
	    strcasecmp(type, "None") == 0 ? "none" : "starttls";
}

static void
read_command(struct import_account *a, const struct mbsync_section *s)
{
	const char *command = mbsync_value(s, "PassCmd");

	if (command == NULL)
		return;
	if (*command == '+') {
		command++;
		import_note(a, mbsync_find(s, "PassCmd", NULL)->number, false,
		    xstrdup("the command that prints the password may use the "
		    "terminal with mbsync; here it runs without one"));
	}
	a->password_command = xstrdup(command);
}

static const struct {
	const char *theirs, *ours;
} mechanisms[] = {
	{ "LOGIN", "login" }, { "PLAIN", "plain" },
	{ "SCRAM-SHA-1", "scram-sha-1" }, { "SCRAM-SHA-256", "scram-sha-256" },
	{ "SCRAM-SHA-1-PLUS", "scram-sha-1-plus" },
	{ "SCRAM-SHA-256-PLUS", "scram-sha-256-plus" },
};

static void
read_mechanism(struct import_account *a, const struct mbsync_section *s)
{
	const struct mbsync_line *l = mbsync_find(s, "AuthMechs", "AuthMech");
	size_t i;

	if (l == NULL || l->n < 2 || strcmp(l->word[1], "*") == 0)
		return;
	for (i = 0; l->n == 2 && i < sizeof(mechanisms) /
	    sizeof(mechanisms[0]); i++)
		if (strcasecmp(l->word[1], mechanisms[i].theirs) == 0)
			a->auth = mechanisms[i].ours;
	if (a->auth == NULL)
		import_note(a, l->number, false, xasprintf("AuthMechs %s: the "
		    "strongest way to log in that the server and mailtern "
		    "both know is taken", l->word[1]));
}

static const struct {
	const char *keyword, *why;
} unknown[] = {
	{ "UserCmd", "no command can tell the user; set user" },
	{ "UseKeychain", "set password-command to what prints the password" },
	{ "ClientCertificate", "there is no login by certificate yet" },
	{ "CipherString", "the ciphers of the system are taken" },
	{ "SystemCertificates", "those of the system are always trusted" },
	{ "RequireSSL", "set tls" }, { "UseIMAPS", "set tls" },
};

static void
note_unknown(struct import_account *a, const struct mbsync_section *s)
{
	size_t i;

	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		const struct mbsync_line *l = mbsync_find(s,
		    unknown[i].keyword, NULL);

		if (l != NULL)
			import_note(a, l->number, false, xasprintf("%s: %s",
			    l->word[0], unknown[i].why));
	}
	if (a->user == NULL && a->tunnel == NULL)
		import_note(a, 0, false, xstrdup("no User is set; mbsync asked "
		    "for it: set user"));
	import_note_cleartext(a);
}

static int
read_server(struct making *m, struct err *err)
{
	const struct mbsync_section *s = server_of(m);
	struct import_account *a = &m->a->a;
	const char *ca;

	if (s == NULL)
		return err_set(err, ERR_CONFIG, "%s:%u: there is no "
		    "IMAPAccount %s", m->env->path, m->imap->line[0].number,
		    mbsync_value(m->imap, "Account"));
	a->tunnel = copy_of(s, "Tunnel");
	read_host(a, s);
	if (a->host == NULL && a->tunnel == NULL)
		return err_set(err, ERR_CONFIG, "%s:%u: neither Host nor "
		    "Tunnel is set", m->env->path, s->line[0].number);
	a->user = copy_of(s, "User");
	a->password = copy_of(s, "Pass");
	read_command(a, s);
	read_mechanism(a, s);
	a->timeout = copy_of(s, "Timeout");
	ca = mbsync_value(s, "CertificateFile");
	a->ca_file = ca == NULL ? NULL : mbsync_path(m->env, ca);
	note_unknown(a, s);
	return 0;
}

/* --- what makes its folders other ones --- */

struct hindrance {
	const char *keyword;
	const char *harmless;	/* with that value it is none; NULL */
	const char *why;
};

static const struct hindrance far_hindrances[] = {
	{ "Path", "", "folders begin at the personal namespace of the server, "
	    "and what is called otherwise on disk is another folder" },
	{ "UseNamespace", "yes", "folders begin at the personal namespace of "
	    "the server" },
	{ "PathDelimiter", NULL, "the server says it" },
	{ "MapInbox", NULL, "INBOX has no other name" },
	{ "SubscribedOnly", "no", "all folders are synced; narrow `folders` "
	    "down" },
	{ "Flatten", NULL, "the names of the server are taken" },
};

static const struct hindrance near_hindrances[] = {
	{ "AltMap", "no", "its numbers stand in a database; mdconvert -n, "
	    "which comes with mbsync, writes them into the names of the "
	    "files: do that for each folder, set AltMap no, and import "
	    "again" },
	{ "MapInbox", NULL, "INBOX has no other name" },
	{ "InfoDelimiter", ":", "flags stand behind a colon" },
	{ "SubFolders", "Verbatim", "mailtern keeps a/b in the directory a/b; "
	    "move the folders there" },
};

static void
note_hindrances(struct making *m, const struct mbsync_section *s,
    const struct hindrance *h, size_t n)
{
	for (; n > 0; n--, h++) {
		const struct mbsync_line *l = mbsync_find(s, h->keyword, NULL);
		const char *value = l == NULL || l->n < 2 ? "" : l->word[1];

		if (l != NULL && (h->harmless == NULL ||
		    strcasecmp(value, h->harmless) != 0))
			import_note(&m->a->a, l->number, true, xasprintf(
			    "%s %s: %s", l->word[0], value, h->why));
	}
}

/* --- the Maildir --- */

/* Below the root; NULL: it lies elsewhere. */
static char *
below(const char *root, const char *path)
{
	size_t n = strlen(root), k = strlen(path);

	while (k > 1 && path[k - 1] == '/')
		k--;
	return k > n + 1 && strncmp(root, path, n) == 0 && path[n] == '/' ?
	    xstrndup(path + n + 1, k - n - 1) : NULL;
}

/* Without a Path, the directory that Inbox lies in. */
static char *
root_of(const struct making *m, const char *inbox)
{
	const char *path = mbsync_value(m->maildir, "Path");
	char *root = path == NULL ? xstrdup(inbox) : mbsync_path(m->env, path);
	size_t n = strlen(root);

	while (path == NULL && n > 1 && root[n - 1] == '/')
		n--;
	while (path == NULL && n > 1 && root[n - 1] != '/')
		n--;
	while (n > 1 && root[n - 1] == '/')
		n--;
	root[n] = '\0';
	return root;
}

static void
read_maildir(struct making *m)
{
	const struct mbsync_line *path = mbsync_find(m->maildir, "Path", NULL);
	const char *set = mbsync_value(m->maildir, "Inbox");
	char *inbox = mbsync_path(m->env, set != NULL ? set : "~/Maildir");
	struct import_account *a = &m->a->a;

	a->maildir = root_of(m, inbox);
	m->a->inbox = below(a->maildir, inbox);
	m->a->flatten = copy_of(m->maildir, "Flatten");
	if (path != NULL && path->n > 1 && path->word[1][0] != '\0' &&
	    path->word[1][strlen(path->word[1]) - 1] != '/')
		import_note(a, path->number, true, xasprintf("Path %s does not "
		    "end in a slash: it is a part of the names",
		    path->word[1]));
	if (m->a->inbox == NULL || strcasecmp(m->a->inbox, "INBOX") != 0)
		import_note(a, m->maildir->line[0].number, true, xasprintf(
		    "Inbox lies in %s: mailtern keeps it in %s/INBOX; move it "
		    "there, set Inbox so, and import again", inbox,
		    a->maildir));
	free(inbox);
}

/* --- what it keeps of what is removed --- */

static void
read_trash(struct making *m)
{
	const struct mbsync_line *far = mbsync_find(m->imap, "Trash", NULL);
	const struct mbsync_line *near = mbsync_find(m->maildir, "Trash",
	    NULL);
	const char *only_new = mbsync_value(m->imap, "TrashNewOnly");

	if (far != NULL && far->n > 1 && (only_new == NULL ||
	    strcasecmp(only_new, "no") == 0))
		m->a->a.trash = import_plain_name(far->word[1]);
	else if (far != NULL)
		import_note(&m->a->a, far->number, false, xstrdup("Trash with "
		    "TrashNewOnly: what is deleted on disk is removed from the "
		    "server; set trash if it is to be moved there"));
	if (near != NULL)
		import_note(&m->a->a, near->number, false, xstrdup("Trash on "
		    "disk: what is deleted on the server is kept in the attic; "
		    "see attic-days in syncrc(5)"));
}

#define COUNT(table)	(sizeof(table) / sizeof((table)[0]))

int
mbsync_stores_read(struct making *m, struct err *err)
{
	if (read_server(m, err) == -1)
		return -1;
	read_maildir(m);
	read_trash(m);
	note_hindrances(m, m->imap, far_hindrances, COUNT(far_hindrances));
	note_hindrances(m, m->maildir, near_hindrances,
	    COUNT(near_hindrances));
	return 0;
}
