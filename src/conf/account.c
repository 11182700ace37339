/*
 * One account out of its section and the defaults, each value judged. A value
 * of the account wins; where two keys exclude each other (password and
 * password-command, host and tunnel) an account that has either ignores both
 * of the defaults.
 */
#include "internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

#define NAME_MAX_BYTES 64

#define PORT_TLS	993
#define PORT_PLAIN	143
#define TIMEOUT		30
#define TIMEOUT_MAX	86400
#define ATTIC_DAYS	30
#define ATTIC_DAYS_MAX	36500
#define HOUR		3600
#define DAY		(24 * HOUR)
#define VERIFY		(7 * DAY)
#define VERIFY_MAX	(3650 * (int64_t)DAY)

struct account_reader {
	const struct conf_source *src;
	struct conf_account *out;
	const char *label;	/* "account work" */
};

/* A key as it counts: in which section it stands, and what it says. */
struct value {
	const char *key;
	cfg_t *section;		/* NULL when it is nowhere */
	struct conf_place place;
	const char *text;	/* the first one of a list */
};

static struct value
find_value(const struct account_reader *r, const char *key)
{
	const struct conf_source *s = r->src;
	struct value v = { .key = key };
	unsigned line = conf_text_key_line(s->text, s->own_section, key);

	v.place.path = s->text->path;
	v.place.section = r->label;
	v.place.line = s->text->sections[s->own_section].line;
	if (line > 0) {
		v.section = s->own;
	} else if (s->defaults != NULL) {
		line = conf_text_key_line(s->text, s->defaults_section, key);
		v.section = line > 0 ? s->defaults : NULL;
	}
	if (v.section == NULL)
		return v;
	v.place.line = line;
	if (v.section == s->defaults)
		v.place.section = "defaults";
	v.text = cfg_size(v.section, key) > 0 ?
	    cfg_getnstr(v.section, key, 0) : "";
	return v;
}

static bool
is_own(const struct account_reader *r, const struct value *v)
{
	return v->section == r->src->own;
}

static bool
has_control(const char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	}
	return false;
}

/* Copies the text of a key; stays NULL when it is not set. */
static int
read_text(const struct account_reader *r, const char *key, char **out,
    struct err *err)
{
	struct value v = find_value(r, key);

	if (v.section == NULL)
		return 0;
	if (*v.text == '\0')
		return conf_fail(err, &v.place, "%s is empty; give it a value "
		    "or remove it", key);
	if (has_control(v.text))
		return conf_fail(err, &v.place, "%s has a line end or another "
		    "control character in it; write it on one line", key);
	*out = xstrdup(v.text);
	return 0;
}

struct range {
	uint64_t min, max;
};

static int
read_number(const struct account_reader *r, const char *key,
    struct range range, uint64_t *out, struct err *err)
{
	struct value v = find_value(r, key);
	uint64_t n;

	if (v.section == NULL)
		return 0;
	if (!span_number(span_of(v.text), range.max, &n) || n < range.min)
		return conf_fail(err, &v.place, "%s is no number from %llu to "
		    "%llu; correct it", key, (unsigned long long)range.min,
		    (unsigned long long)range.max);
	*out = n;
	return 0;
}

/* "12h", "7d", "2w". */
static int
read_interval(const struct account_reader *r, const char *key, int64_t *out,
    struct err *err)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 'h', HOUR }, { 'd', DAY }, { 'w', 7 * DAY } };
	struct value v = find_value(r, key);
	struct span number;
	uint64_t n;
	size_t i;

	if (v.section == NULL)
		return 0;
	number = span_of(v.text);
	for (i = 0; number.n > 1 && i < sizeof(units) / sizeof(units[0]); i++) {
		if (number.p[number.n - 1] != units[i].unit)
			continue;
		number.n--;
		if (!span_number(number, VERIFY_MAX, &n) || n == 0 ||
		    (int64_t)n > VERIFY_MAX / units[i].seconds)
			break;
		*out = (int64_t)n * units[i].seconds;
		return 0;
	}
	return conf_fail(err, &v.place, "%s is no time such as 12h, 7d or 2w, "
	    "up to 3650d; correct it", key);
}

static int
read_bool(const struct account_reader *r, const char *key, bool *out,
    struct err *err)
{
	struct value v = find_value(r, key);
	int b;

	if (v.section == NULL)
		return 0;
	b = cfg_parse_boolean(v.text);
	if (b != 0 && b != 1)
		return conf_fail(err, &v.place, "%s is neither yes nor no; "
		    "write one of them", key);
	*out = b == 1;
	return 0;
}

/* An absolute path without "//" and a slash at the end. */
static int
read_path(const struct account_reader *r, const char *key, char **out,
    struct err *err)
{
	struct value v = find_value(r, key);
	char *raw = NULL, *path, *to;
	const char *from;

	if (read_text(r, key, &raw, err) < 0)
		return -1;
	if (raw == NULL)
		return 0;
	path = fs_expand_home(raw);
	free(raw);
	*out = path;
	if (path == NULL || *path != '/')
		return conf_fail(err, &v.place, "%s is no absolute path; "
		    "begin it with / or ~/", key);
	for (from = to = path; *from != '\0'; from++) {
		if (from[0] == '/' && (from[1] == '/' || from[1] == '\0'))
			continue;
		*to++ = *from;
	}
	*to = '\0';
	if (*path == '\0' || strstr(path, "/../") != NULL ||
	    (to - path >= 3 && strcmp(to - 3, "/..") == 0))
		return conf_fail(err, &v.place, "%s is the root directory or "
		    "has .. in it; write the path in full", key);
	return 0;
}

static int
missing(const struct account_reader *r, const char *key, const char *hint,
    struct err *err)
{
	struct value v = find_value(r, "");

	return conf_fail(err, &v.place, "%s is missing; add %s", key, hint);
}

static int
read_name(struct account_reader *r, struct err *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_.-";
	const char *name = cfg_title(r->src->own);
	struct value v = find_value(r, "");
	size_t n = strlen(name);

	if (n == 0 || n > NAME_MAX_BYTES || strspn(name, allowed) != n ||
	    *name == '.' || *name == '-')
		return conf_fail(err, &v.place, "this is no account name; use "
		    "1 to %d of a-z 0-9 _ . - and begin with a letter, digit "
		    "or _", NAME_MAX_BYTES);
	r->out->name = xstrdup(name);
	r->out->line = v.place.line;
	return 0;
}

static int
read_tls(const struct account_reader *r, struct err *err)
{
	struct value v = find_value(r, "tls");
	struct conf_account *a = r->out;

	a->tls = CONF_TLS_IMPLICIT;
	if (v.section == NULL || strcmp(v.text, "implicit") == 0)
		return 0;
	if (strcmp(v.text, "starttls") == 0)
		a->tls = CONF_TLS_STARTTLS;
	else if (strcmp(v.text, "none") == 0)
		a->tls = CONF_TLS_NONE;
	else
		return conf_fail(err, &v.place, "tls is none of implicit, "
		    "starttls and none; write one of them");
	return 0;
}

/* 64 hex digits as openssl x509 -fingerprint prints them, or plain. */
static int
read_fingerprint(const struct account_reader *r, struct err *err)
{
	struct value v = find_value(r, "tls-fingerprint");
	const char *s = v.text;
	char hex[65];
	size_t n = 0;

	if (v.section == NULL)
		return 0;
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
		return conf_fail(err, &v.place, "tls-fingerprint is no "
		    "SHA-256 of a certificate; write 64 hex digits");
	hex[64] = '\0';
	r->out->tls_fingerprint = xstrdup(hex);
	return 0;
}

/* What only a server reached over the network has. */
static int
refuse_beside_tunnel(const struct account_reader *r, struct err *err)
{
	static const char *const keys[] = {
		"host", "port", "tls", "tls-ca-file", "tls-fingerprint",
	};
	struct value tunnel = find_value(r, "tunnel");
	struct value v;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		v = find_value(r, keys[i]);
		if (v.section != tunnel.section)
			continue;
		return conf_fail(err, &v.place, "tunnel replaces %s; remove "
		    "one of the two", keys[i]);
	}
	return 0;
}

static int
read_host(const struct account_reader *r, struct err *err)
{
	struct value v = find_value(r, "host");
	struct conf_account *a = r->out;

	if (read_text(r, "host", &a->host, err) < 0)
		return -1;
	if (a->host == NULL)
		return missing(r, "host", "host = imap.example.org", err);
	if (strpbrk(a->host, " /@") != NULL)
		return conf_fail(err, &v.place, "host is no host name; write "
		    "the name of the IMAP server alone");
	return 0;
}

static int
read_server(const struct account_reader *r, struct err *err)
{
	struct value host = find_value(r, "host");
	struct value tunnel = find_value(r, "tunnel");
	struct conf_account *a = r->out;
	uint64_t port;

	if (tunnel.section != NULL &&
	    (is_own(r, &tunnel) || !is_own(r, &host))) {
		if (refuse_beside_tunnel(r, err) < 0)
			return -1;
		a->tls = CONF_TLS_NONE;
		return read_text(r, "tunnel", &a->tunnel, err);
	}
	if (read_host(r, err) < 0 || read_tls(r, err) < 0)
		return -1;
	port = a->tls == CONF_TLS_IMPLICIT ? PORT_TLS : PORT_PLAIN;
	if (read_number(r, "port", (struct range){ 1, 65535 }, &port, err) < 0)
		return -1;
	a->port = (uint16_t)port;
	if (read_path(r, "tls-ca-file", &a->tls_ca_file, err) < 0)
		return -1;
	return read_fingerprint(r, err);
}

static int
read_one_secret(const struct account_reader *r, const struct value *v,
    char **out, struct err *err)
{
	if (strlen(v->text) > LIMIT_SECRET)
		return conf_fail(err, &v->place, "%s is longer than %d bytes; "
		    "shorten it", v->key, LIMIT_SECRET);
	return read_text(r, v->key, out, err);
}

static int
read_secret(const struct account_reader *r, struct err *err)
{
	struct value word = find_value(r, "password");
	struct value command = find_value(r, "password-command");
	struct conf_account *a = r->out;

	if (word.section != NULL && word.section == command.section)
		return conf_fail(err, &word.place, "there is a password and a "
		    "password-command; remove one of the two");
	if (word.section != NULL &&
	    (is_own(r, &word) || command.section == NULL))
		return read_one_secret(r, &word, &a->password, err);
	if (command.section != NULL)
		return read_one_secret(r, &command, &a->password_command, err);
	if (a->tunnel != NULL)
		return 0;
	return missing(r, "password", "password-command = \"pass show mail\", "
	    "or password = 'secret'", err);
}

static int
read_login(const struct account_reader *r, struct err *err)
{
	struct conf_account *a = r->out;

	if (read_text(r, "user", &a->user, err) < 0)
		return -1;
	if (a->user == NULL && a->tunnel == NULL)
		return missing(r, "user", "user = \"jane@example.org\"", err);
	/* The command behind a tunnel may have logged in already. */
	if (a->user == NULL)
		return 0;
	if (read_secret(r, err) < 0)
		return -1;
	return read_bool(r, "allow-cleartext-password",
	    &a->allow_cleartext_password, err);
}

static int
read_folders(const struct account_reader *r, struct err *err)
{
	struct value v = find_value(r, "folders");
	struct conf_account *a = r->out;
	size_t i, n = v.section == NULL ? 1 : cfg_size(v.section, "folders");
	const char *pattern = "*";

	if (n == 0)
		return conf_fail(err, &v.place, "folders is empty; write "
		    "folders = {\"*\"} for all of them");
	a->folders = xcalloc(n, sizeof(*a->folders));
	for (i = 0; i < n; i++) {
		if (v.section != NULL)
			pattern = cfg_getnstr(v.section, "folders",
			    (unsigned)i);
		if (pattern[*pattern == '!'] == '\0' || has_control(pattern))
			return conf_fail(err, &v.place, "folders has an empty "
			    "pattern or a control character in it; remove it");
		a->folders[a->n_folders++] = xstrdup(pattern);
	}
	return 0;
}

static int
read_layout(const struct account_reader *r, struct err *err)
{
	struct value v = find_value(r, "layout");

	if (v.section == NULL || strcmp(v.text, "fs") == 0)
		return 0;
	if (strcmp(v.text, "maildir++") == 0)
		return conf_fail(err, &v.place, "layout maildir++ is not "
		    "supported yet; use layout = fs");
	return conf_fail(err, &v.place, "there is no such layout; use "
	    "layout = fs");
}

static int
read_maildir(const struct account_reader *r, struct err *err)
{
	struct conf_account *a = r->out;

	if (read_path(r, "maildir", &a->maildir, err) < 0)
		return -1;
	if (a->maildir == NULL)
		return missing(r, "maildir", "maildir = \"~/Mail/NAME\"", err);
	if (strlen(a->maildir) >= PATH_MAX / 2) {
		struct value v = find_value(r, "maildir");

		return conf_fail(err, &v.place, "maildir is too long a path; "
		    "shorten it");
	}
	return read_layout(r, err);
}

static int
read_compress(const struct account_reader *r, struct err *err)
{
	struct value v = find_value(r, "compress");
	struct conf_account *a = r->out;
	bool yes = false;

	a->compress = CONF_COMPRESS_AUTO;
	if (v.section == NULL || strcmp(v.text, "auto") == 0)
		return 0;
	if (read_bool(r, "compress", &yes, err) < 0)
		return conf_fail(err, &v.place, "compress is none of auto, "
		    "yes and no; write one of them");
	a->compress = yes ? CONF_COMPRESS_YES : CONF_COMPRESS_NO;
	return 0;
}

static int
read_rest(const struct account_reader *r, struct err *err)
{
	struct conf_account *a = r->out;
	uint64_t timeout = TIMEOUT, attic = ATTIC_DAYS, connections = 0;

	if (read_number(r, "timeout", (struct range){ 1, TIMEOUT_MAX },
	    &timeout, err) < 0 || read_number(r, "attic-days",
	    (struct range){ 0, ATTIC_DAYS_MAX }, &attic, err) < 0 ||
	    read_number(r, "connections", (struct range){ 1,
	    LIMIT_CONNECTIONS }, &connections, err) < 0)
		return -1;
	a->connections = (unsigned)connections;
	a->timeout_s = (unsigned)timeout;
	a->attic_days = (unsigned)attic;
	a->verify_s = VERIFY;
	if (read_interval(r, "verify-interval", &a->verify_s, err) < 0 ||
	    read_compress(r, err) < 0 ||
	    read_bool(r, "expunge", &a->expunge, err) < 0)
		return -1;
	return read_text(r, "trash", &a->trash, err);
}

int
conf_account_read(const struct conf_source *src, struct conf_account *out,
    struct err *err)
{
	struct account_reader r = {
		.src = src,
		.out = out,
		.label = src->text->sections[src->own_section].label,
	};

	if (read_name(&r, err) < 0 || read_server(&r, err) < 0 ||
	    read_login(&r, err) < 0 || read_maildir(&r, err) < 0 ||
	    read_folders(&r, err) < 0)
		return -1;
	return read_rest(&r, err);
}

void
conf_account_release(struct conf_account *a)
{
	size_t i;

	for (i = 0; i < a->n_folders; i++)
		free(a->folders[i]);
	free(a->folders);
	free(a->name);
	free(a->host);
	free(a->user);
	str_wipe_free(a->password);
	str_wipe_free(a->password_command);
	free(a->maildir);
	free(a->tls_ca_file);
	free(a->tls_fingerprint);
	free(a->tunnel);
	free(a->trash);
	*a = (struct conf_account){ 0 };
}
