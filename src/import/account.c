/* Writes an account as a commented section of syncrc. */
#include "import/account.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"

#define COLUMNS	72

void
import_account_release(struct import_account *a)
{
	free(a->name);
	free(a->host);
	free(a->tunnel);
	free(a->user);
	str_wipe_free(a->password);
	free(a->password_command);
	free(a->port);
	free(a->ca_file);
	free(a->timeout);
	free(a->maildir);
	free(a->trash);
	while (a->n_folder > 0)
		free(a->folder[--a->n_folder]);
	free(a->folder);
	while (a->n_note > 0)
		free(a->note[--a->n_note].text);
	free(a->note);
	*a = (struct import_account){ .line = 0 };
}

void
import_note(struct import_account *a, unsigned line, bool blocks, char *text)
{
	*VEC_ADD(a->note, a->n_note, a->cap_note) = (struct import_note){
		.text = text, .line = line, .blocks = blocks,
	};
}

void
import_note_cleartext(struct import_account *a)
{
	if (a->tls != NULL && strcmp(a->tls, "none") == 0 && a->tunnel == NULL)
		import_note(a, 0, false, xstrdup("the connection is not "
		    "encrypted: unless the server is this machine itself, no "
		    "password is sent before you say allow-cleartext-password "
		    "= yes"));
}

bool
import_blocks(const struct import_account *a)
{
	size_t i;

	for (i = 0; i < a->n_note; i++)
		if (a->note[i].blocks)
			return true;
	return false;
}

char *
import_account_name(const char *from)
{
	char *name = xasprintf("%.40s", *from == '\0' ? "mail" : from), *p;

	for (p = name; *p != '\0'; p++) {
		*p = (char)tolower((unsigned char)*p);
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789_.-", *p) ==
		    NULL)
			*p = '-';
	}
	if (*name == '.' || *name == '-')
		*name = '_';
	return name;
}

/* In single quotes, as libconfuse reads it. */
static void
add_value(struct buf *out, const char *value)
{
	buf_add_str(out, "'");
	for (; *value != '\0'; value++) {
		if (*value == '\'' || *value == '\\')
			buf_add_str(out, "\\");
		buf_add(out, value, 1);
	}
	buf_add_str(out, "'");
}

/* Broken into lines at blanks. A line end in it would end the comment. */
static void
add_comment(struct buf *out, const char *text)
{
	size_t n;

	while (*text != '\0') {
		const size_t left = strlen(text);

		n = left <= COLUMNS ? left : COLUMNS;
		if (n < left) {
			while (n > 0 && text[n] != ' ')
				n--;
			if (n == 0)
				n = strcspn(text, " ");
		}
		buf_add_str(out, "\t# ");
		buf_add(out, text, n);
		buf_add_str(out, "\n");
		text += n;
		text += *text == ' ';
	}
}

static void
add_note(struct buf *out, const struct import_note *n)
{
	char *text = n->line == 0 ? xasprintf("Not carried over: %s.",
	    n->text) : xasprintf("Not carried over (line %u): %s.", n->line,
	    n->text);
	char *p;

	for (p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	add_comment(out, text);
	free(text);
}

static void
add_quoted(struct buf *out, const char *key, const char *value)
{
	if (value == NULL)
		return;
	buf_addf(out, "\t%s = ", key);
	add_value(out, value);
	buf_add_str(out, "\n");
}

static void
add_bare(struct buf *out, const char *key, const char *value)
{
	if (value != NULL)
		buf_addf(out, "\t%s = %s\n", key, value);
}

static void
add_folders(struct buf *out, const struct import_account *a)
{
	size_t i;

	if (a->n_folder == 0)
		return;
	buf_add_str(out, "\tfolders = {");
	for (i = 0; i < a->n_folder; i++) {
		if (i > 0)
			buf_add_str(out, ",\n\t    ");
		add_value(out, a->folder[i]);
	}
	buf_add_str(out, "}\n");
}

/* What has no password wants one, or the section does not load. */
static void
add_secret(struct buf *out, const struct import_account *a, bool secrets)
{
	add_quoted(out, "user", a->user);
	add_quoted(out, "password-command", a->password_command);
	if (a->password_command == NULL && a->password != NULL && !secrets)
		add_comment(out, "The password is not printed: put it here, "
		    "password = 'as it stands in the other file'.");
	else if (a->password_command == NULL)
		add_quoted(out, "password", a->password);
	if (a->user != NULL && a->password_command == NULL &&
	    a->password == NULL) {
		add_comment(out, "It was asked for; mailtern reads what a "
		    "command prints:");
		buf_add_str(out, "\tpassword-command = 'pass show mail/");
		buf_add_str(out, a->name);
		buf_add_str(out, "'\n");
	}
}

void
import_write(struct buf *out, const struct import_account *a, bool secrets)
{
	size_t i;

	buf_addf(out, "account %s {\n", a->name);
	for (i = 0; i < a->n_note; i++)
		add_note(out, &a->note[i]);
	if (a->tunnel == NULL) {
		add_quoted(out, "host", a->host);
		add_bare(out, "port", a->port);
		add_bare(out, "tls", a->tls);
		add_quoted(out, "tls-ca-file", a->ca_file);
	}
	add_quoted(out, "tunnel", a->tunnel);
	add_secret(out, a, secrets);
	add_bare(out, "auth", a->auth);
	add_bare(out, "timeout", a->timeout);
	add_quoted(out, "maildir", a->maildir);
	add_folders(out, a);
	add_quoted(out, "trash", a->trash);
	if (a->expunge) {
		add_comment(out, "What is marked as deleted is removed, on "
		    "both sides.");
		add_bare(out, "expunge", "yes");
	}
	buf_add_str(out, "}\n");
}
