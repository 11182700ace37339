/*
 * An account as another program has it configured, in mailtern's words, and
 * its section of syncrc. Text only.
 */
#ifndef IMPORT_ACCOUNT_H
#define IMPORT_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* What mailtern does not do as the other program did. */
struct import_note {
	char *text;		/* a sentence without its full stop */
	unsigned line;		/* of the other configuration; 0: of none */
	/* A sync would do what the user did not ask the other program for, or
	 * not know its folders: nothing is taken over. */
	bool blocks;
};

struct import_account {
	char *name;		/* as syncrc wants it */
	unsigned line;		/* of the other configuration */
	char *host, *tunnel, *user, *password, *password_command;
	char *port;		/* digits; NULL: the usual one */
	const char *tls;	/* a value of syncrc, as is auth; NULL: unset */
	const char *auth;
	char *ca_file;
	char *timeout;		/* digits; NULL */
	char *maildir;		/* absolute */
	char **folder;		/* patterns of syncrc; none: all */
	size_t n_folder, cap_folder;
	bool expunge;
	char *trash;		/* a folder; NULL */
	struct import_note *note;
	size_t n_note, cap_note;
};

void import_account_release(struct import_account *);
/* Takes text. */
void import_note(struct import_account *, unsigned line, bool blocks,
    char *text);
bool import_blocks(const struct import_account *);

/*
 * Whether mailtern takes that directory for that folder by its name (UTF-8, '/'
 * between): as it would call it itself.
 */
bool import_names_folder(const char *path, const char *folder);

/* The section, commented. Without secrets, for a terminal, a password is only
 * said to be missing. */
void import_write(struct buf *out, const struct import_account *,
    bool secrets);
/* A file of that text, 0600, durably, and the directories above it. ERR_STALE:
 * there is something of that name, which stays as it is. */
int import_create(const char *path, const struct buf *text, struct err *);

#endif
