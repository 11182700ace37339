/*
 * syncrc: the accounts, read once at the start, whole or not at all. See
 * syncrc(5) for the keys. What is here is checked: names are well formed, what
 * is needed is there, ports are ports, paths are absolute, Maildir roots do not
 * lie in each other. Whether a password may cross a connection is decided where
 * the connection is known (imap), not here.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum conf_tls {
	CONF_TLS_NONE,
	CONF_TLS_IMPLICIT,
	CONF_TLS_STARTTLS,
};

enum conf_layout {
	CONF_LAYOUT_FS,
	CONF_LAYOUT_MAILDIRPP,
};

enum conf_compress {
	CONF_COMPRESS_AUTO,
	CONF_COMPRESS_YES,
	CONF_COMPRESS_NO,
};

enum conf_auth {
	CONF_AUTH_AUTO,
	CONF_AUTH_PLAIN,
	CONF_AUTH_LOGIN,
	CONF_AUTH_SCRAM_SHA_1,
	CONF_AUTH_SCRAM_SHA_1_PLUS,
	CONF_AUTH_SCRAM_SHA_256,
	CONF_AUTH_SCRAM_SHA_256_PLUS,
};

/* What is kept of messages that are removed. */
enum conf_attic {
	CONF_ATTIC_REMOVED,	/* the files that are removed on disk */
	CONF_ATTIC_ALL,		/* and what is deleted there, before the server
				   loses it */
	CONF_ATTIC_NONE,
};

struct conf_account {
	char *name;		/* [a-z0-9_.-]+, not beginning with a dot */
	unsigned line;		/* of syncrc, where the section begins */
	char *host;		/* NULL only with tunnel */
	uint16_t port;		/* 993, or 143 when tls is not implicit */
	enum conf_tls tls;	/* none with tunnel */
	char *user;		/* NULL only with tunnel (PREAUTH) */
	char *password;		/* NULL when password_command, or no user */
	char *password_command;	/* for sh -c */
	char *maildir;		/* absolute, without a slash at the end */
	enum conf_layout layout;
	char *separator;	/* one character; NULL: the layout's own */
	char **folders;		/* patterns; see conf_folder_matches */
	size_t n_folders;
	char *tls_ca_file;	/* absolute, added to the system's; or NULL */
	char *tls_fingerprint;	/* 64 lower-case hex digits; or NULL */
	char *tunnel;		/* for sh -c; or NULL */
	bool allow_cleartext_password;
	enum conf_auth auth;
	enum conf_compress compress;
	unsigned timeout_s;	/* silence limit */
	unsigned connections;	/* at most; 0: a few, where it pays */
	bool expunge;		/* \Deleted and T mean removal */
	char *trash;		/* folder for what is removed; or NULL */
	enum conf_attic attic;	/* see conf_attic_days, conf_keeps_all */
	unsigned attic_days;	/* for how long; 0: not at all */
	char **quirks;		/* rows of imap/quirks.h, or "!ROW" */
	size_t n_quirks;
	unsigned quirks_line;	/* where that stands */
	uint32_t window, window_days;	/* the server shows so many of the
					   newest, or of so many days; 0 */
	int64_t verify_s;	/* a full comparison of each folder so often */
	uint64_t verify_bytes;	/* likely pairs proven a day, octets; 0: none */
};

struct conf {
	struct conf_account *accounts;	/* in the order of the file */
	size_t n;			/* at least one */
	char *path;			/* the file that was read */
};

/*
 * Reads and checks path; NULL: $XDG_CONFIG_HOME/mailtern/syncrc, by default
 * ~/.config/mailtern/syncrc. On failure *out is empty and the error
 * (ERR_CONFIG) is one sentence:
 * "FILE:LINE: account NAME: what is wrong; what to do".
 */
int conf_load(const char *path, struct conf *out, struct err *);

/* Where that is by default. Caller frees; NULL: err is set. */
char *conf_default_path(struct err *);

/* Overwrites the passwords. A zeroed conf is fine. */
void conf_release(struct conf *);

/* NULL when there is none of that name. */
const struct conf_account *conf_account_find(const struct conf *,
    const char *name);

/* How many days is kept what is removed; 0: it is not. */
unsigned conf_attic_days(const struct conf_account *);
/* What is deleted on disk is kept, too. */
bool conf_keeps_all(const struct conf_account *);

/*
 * Whether `folders` takes this folder (UTF-8, "/" as delimiter) in. Each
 * pattern that matches the whole name decides, the last one wins: "!PATTERN"
 * takes out, any other takes in. "*" stands for any text, "/" included, "?" for
 * one character; all else is literal ("[Gmail]/Spam" is a name, no bracket
 * expression). A list that begins with "!" has an implied "*" before it. INBOX
 * matches in any case, also in front of its children.
 */
bool conf_folder_matches(const struct conf_account *, const char *folder);

/* One pattern without "!", with the same rules: for ACCOUNT:GLOB. */
bool conf_pattern_matches(const char *pattern, const char *folder);

#endif
