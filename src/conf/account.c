/*
 * The keys of an account, and what is special about some of them. A value of
 * the account wins over that of the defaults; where two keys exclude each other
 * (password and password-command, host and tunnel) an account that has either
 * ignores both of the defaults.
 */
#include "internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "key.h"

#define NAME_MAX_BYTES 64

static bool
is_own(const struct conf_reader *r, const struct conf_value *v)
{
	return v->scope == r->scopes;
}

/* The command behind a tunnel may have logged in already. */
static int
settle_tunnel(struct conf_reader *r, struct err *err)
{
	struct conf_value *tunnel = conf_value_of(r, "tunnel");

	if (tunnel->scope == NULL || (!is_own(r, tunnel) &&
	    is_own(r, conf_value_of(r, "host")))) {
		tunnel->dropped = true;
		return 0;
	}
	conf_value_of(r, "user")->optional = true;
	conf_value_of(r, "password")->optional = true;
	return conf_keys_replace(r, tunnel, err);
}

static int
settle_port(struct conf_reader *r, struct err *err)
{
	const struct conf_account *a = r->out;
	struct conf_value *port = conf_value_of(r, "port");

	(void)err;
	if (port->scope == NULL)
		port->text = a->tls == CONF_TLS_IMPLICIT ? "993" : "143";
	return 0;
}

static int
settle_password(struct conf_reader *r, struct err *err)
{
	struct conf_value *word = conf_value_of(r, "password");
	struct conf_value *command = conf_value_of(r, "password-command");

	if (word->scope != NULL && word->scope == command->scope)
		return conf_fail(err, &word->place, "there is a password and a "
		    "password-command; remove one of the two");
	if (word->scope != NULL &&
	    (is_own(r, word) || command->scope == NULL))
		command->dropped = true;
	else if (command->scope != NULL)
		word->dropped = true;
	return 0;
}

/* "imap.example.org:993", "[2001:db8::1]:993"; an address has more colons. */
static bool
has_port(const char *host)
{
	const char *colon = strrchr(host, ':');

	return colon != NULL && colon > host && colon[1] != '\0' &&
	    strspn(colon + 1, "0123456789") == strlen(colon + 1) &&
	    (strchr(host, ':') == colon || colon[-1] == ']');
}

static int
read_host(const struct conf_value *v, struct err *err)
{
	if (conf_value_read(v, err) < 0)
		return -1;
	if (has_port(v->text))
		return conf_fail(err, &v->place, "host has a port behind it; "
		    "write the host alone, and the number as port = %s",
		    strrchr(v->text, ':') + 1);
	if (strpbrk(v->text, " /@") != NULL)
		return conf_fail(err, &v->place, "host is no host name; write "
		    "the name of the IMAP server alone");
	return 0;
}

/* 64 hex digits as openssl x509 -fingerprint prints them, or plain. */
static int
read_fingerprint(const struct conf_value *v, struct err *err)
{
	const char *s = v->text;
	char hex[65];
	size_t n = 0;

	if (strncasecmp(s, "sha256:", 7) == 0)
		s += 7;
	for (; *s != '\0'; s++) {
		if (*s == ':' && n % 2 == 0)
			continue;
		if (n == 64 || strchr("0123456789abcdefABCDEF", *s) == NULL)
			break;
		hex[n++] = (char)(*s >= 'A' && *s <= 'F' ? *s + 32 : *s);
	}
	if (n != 64 || *s != '\0')
		return conf_fail(err, &v->place, "tls-fingerprint is no "
		    "SHA-256 of a certificate; write 64 hex digits");
	hex[64] = '\0';
	*(char **)conf_value_field(v) = xstrdup(hex);
	return 0;
}

/* Whoever knows which there are can say where a wrong one stands. */
static int
read_quirks(const struct conf_value *v, struct err *err)
{
	struct conf_account *a = v->out;

	a->quirks_line = v->place.line;
	return conf_value_read(v, err);
}

/* "10000", or "30d". */
static int
read_window(const struct conf_value *v, struct err *err)
{
	struct conf_account *a = v->out;
	struct span number = span_of(v->text);
	bool days = number.n > 0 && number.p[number.n - 1] == 'd';
	uint64_t n;

	number.n -= days;
	if (!span_number(number, days ? 36500 : v->key->max, &n) || n == 0)
		return conf_fail(err, &v->place, "window is no number of "
		    "messages or of days, such as 10000 or 30d; correct it");
	*(days ? &a->window_days : &a->window) = (uint32_t)n;
	return 0;
}

/* What a folder's name or %XX can't be mistaken for. */
static int
read_separator(const struct conf_value *v, struct err *err)
{
	static const char allowed[] = "!\"#$&'()*+,-.;<=>?@[\\]^_`{|}";
	const char *s = v->text;

	if (strlen(s) == 1 && strchr(allowed, *s) != NULL)
		return conf_value_read(v, err);
	if (strcmp(s, "/") == 0)
		return conf_fail(err, &v->place, "separator = / is how folders "
		    "lie in layout fs anyway; remove it");
	return conf_fail(err, &v->place, "separator is no single character "
	    "that can stand between levels; write one that is no letter, "
	    "digit, blank, / %% : or ~, such as \".\"");
}

static const struct conf_word tls_words[] = {
	{ "implicit", CONF_TLS_IMPLICIT, NULL },
	{ "starttls", CONF_TLS_STARTTLS, NULL },
	{ "none", CONF_TLS_NONE, NULL },
	{ NULL, 0, NULL },
};

static const struct conf_word auth_words[] = {
	{ "auto", CONF_AUTH_AUTO, NULL },
	{ "plain", CONF_AUTH_PLAIN, NULL },
	{ "login", CONF_AUTH_LOGIN, NULL },
	{ "scram-sha-1", CONF_AUTH_SCRAM_SHA_1, NULL },
	{ "scram-sha-1-plus", CONF_AUTH_SCRAM_SHA_1_PLUS, NULL },
	{ "scram-sha-256", CONF_AUTH_SCRAM_SHA_256, NULL },
	{ "scram-sha-256-plus", CONF_AUTH_SCRAM_SHA_256_PLUS, NULL },
	{ "cram-md5", 0, "auth = cram-md5 is not supported, as it protects "
	    "little; over TLS use auth = auto" },
	{ "external", 0, "auth = external (a client certificate) is not "
	    "supported yet; use auth = auto" },
	{ "none", 0, "auth = none is not supported yet; a tunnel that logs in "
	    "by itself needs no user" },
	{ "oauth2", 0, "auth = oauth2 is not supported yet; make an app "
	    "password at your provider and use auth = auto" },
	{ NULL, 0, NULL },
};

static const struct conf_word compress_words[] = {
	{ "auto", CONF_COMPRESS_AUTO, NULL },
	{ "yes", CONF_COMPRESS_YES, NULL },
	{ "no", CONF_COMPRESS_NO, NULL },
	{ NULL, 0, NULL },
};

static const struct conf_word attic_words[] = {
	{ "removed", CONF_ATTIC_REMOVED, NULL },
	{ "all", CONF_ATTIC_ALL, NULL },
	{ "none", CONF_ATTIC_NONE, NULL },
	{ NULL, 0, NULL },
};

static const struct conf_word layout_words[] = {
	{ "fs", CONF_LAYOUT_FS, NULL },
	{ "maildir++", CONF_LAYOUT_MAILDIRPP, NULL },
	{ NULL, 0, "there is no such layout; use layout = fs or "
	    "layout = \"maildir++\"" },
};

/*
 * In the order in which they are looked at: of several errors in a file the
 * first one here is told.
 */
#define CONF_OWNER struct conf_account
#define NETWORK .replaced_by = "tunnel"
const struct conf_key conf_account_keys[] = {
	KEY_TEXT("tunnel", tunnel, .settle = settle_tunnel),
	KEY_TEXT("host", host, NETWORK, .needed = true, .read = read_host,
	    .example = "host = imap.example.org"),
	KEY_WORD("tls", tls, tls_words, NETWORK, .preset = "implicit"),
	KEY_NUMBER("port", port, 1, 65535, NETWORK, .settle = settle_port),
	KEY_PATH("tls-ca-file", tls_ca_file, NETWORK),
	KEY_TEXT("tls-fingerprint", tls_fingerprint, NETWORK,
	    .read = read_fingerprint),
	KEY_TEXT("user", user, .needed = true,
	    .example = "user = \"jane@example.org\""),
	KEY_TEXT("password", password, .needs = "user", .secret = true,
	    .max = LIMIT_SECRET, .settle = settle_password, .needed = true,
	    .example = "password-command = \"pass show mail\", or "
	    "password = 'secret'"),
	KEY_TEXT("password-command", password_command, .needs = "user",
	    .secret = true, .max = LIMIT_SECRET),
	KEY_BOOL("allow-cleartext-password", allow_cleartext_password,
	    .needs = "user"),
	KEY_WORD("auth", auth, auth_words, .needs = "user", .preset = "auto"),
	KEY_PATH("maildir", maildir, .needed = true, .max = PATH_MAX / 2 - 1,
	    .example = "maildir = \"~/Mail/NAME\""),
	KEY_WORD("layout", layout, layout_words, .preset = "fs"),
	KEY_TEXT("separator", separator, .read = read_separator),
	KEY_LIST("folders", folders, n_folders, .preset = "*",
	    .item = "pattern", .example = "folders = {\"*\"} for all of them"),
	KEY_NUMBER("timeout", timeout_s, 1, 86400, .preset = "30"),
	KEY_WORD("attic", attic, attic_words, .preset = "removed"),
	KEY_NUMBER("attic-days", attic_days, 0, 36500, .preset = "30"),
	KEY_NUMBER("connections", connections, 1, LIMIT_CONNECTIONS),
	KEY_DURATION("verify-interval", verify_s, CONF_HOUR, 3650 * CONF_DAY,
	    .preset = "7d"),
	KEY_SIZE("verify-bytes", verify_bytes, 0, 1ull << 40, .preset = "50M"),
	KEY_NUMBER("window", window, 1, 16777216, .read = read_window),
	KEY_WORD("compress", compress, compress_words, .preset = "auto"),
	KEY_BOOL("expunge", expunge),
	KEY_TEXT("trash", trash),
	KEY_LIST("quirks", quirks, n_quirks, .item = "name",
	    .read = read_quirks),
	KEY_END,
};

static int
read_name(const struct conf_reader *r, struct err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_.-";
	const struct conf_section *s = &r->text->sections[r->scopes->section];
	struct conf_place place = { .path = r->text->path, .line = s->line,
	    .section = s->label };
	const char *name = cfg_title(r->scopes->cfg);
	struct conf_account *a = r->out;
	size_t n = strlen(name);

	if (n == 0 || n > NAME_MAX_BYTES || strspn(name, allowed) != n ||
	    *name == '.' || *name == '-')
		return conf_fail(err, &place, "this is no account name; use "
		    "1 to %d of a-z 0-9 _ . - and begin with a letter, digit "
		    "or _", NAME_MAX_BYTES);
	a->name = xstrdup(name);
	a->line = s->line;
	return 0;
}

int
conf_account_read(struct conf_reader *r, struct err *err)
{
	return read_name(r, err) < 0 ? -1 : conf_keys_read(r, err);
}

void
conf_account_release(struct conf_account *a)
{
	conf_keys_release(conf_account_keys, a);
	free(a->name);
	*a = (struct conf_account){ 0 };
}

unsigned
conf_attic_days(const struct conf_account *a)
{
	return a->attic == CONF_ATTIC_NONE ? 0 : a->attic_days;
}

bool
conf_keeps_all(const struct conf_account *a)
{
	return a->attic == CONF_ATTIC_ALL && a->attic_days > 0;
}
