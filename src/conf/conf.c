/*
 * The file as a whole: where it is, who may read it, and from its text to the
 * accounts (text.c, parse.c, key.c, account.c, roots.c).
 */
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "internal.h"
#include "key.h"

char *
conf_default_path(struct err *err)
{
	const char *dir = getenv("XDG_CONFIG_HOME");

	/* The XDG specification wants relative paths ignored. */
	if (dir != NULL && *dir == '/')
		return xasprintf("%s/mailtern/syncrc", dir);
	dir = getenv("HOME");
	if (dir != NULL && *dir == '/')
		return xasprintf("%s/.config/mailtern/syncrc", dir);
	err_set(err, ERR_CONFIG, "neither HOME nor XDG_CONFIG_HOME is set; "
	    "name the configuration file with -c");
	return NULL;
}

/* Whoever can write the file chooses the commands that we run. */
static int
check_owner(const char *path, const struct stat *st, struct err *err)
{
	struct conf_place place = { .path = path };

	if (!S_ISREG(st->st_mode))
		return conf_fail(err, &place, "this is no regular file; name "
		    "another with -c");
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return conf_fail(err, &place, "this file belongs to another "
		    "user, who can write it; run: chown %u '%s'",
		    (unsigned)geteuid(), path);
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return conf_fail(err, &place, "others can write this file; "
		    "run: chmod go-w '%s'", path);
	return 0;
}

static int
read_all(int fd, const char *path, char **out, size_t *n_out, struct err *err)
{
	struct conf_place place = { .path = path };
	char *text = xmalloc(LIMIT_CONFIG + 2);
	size_t n = 0;
	ssize_t got;

	while (n <= LIMIT_CONFIG) {
		got = read(fd, text + n, LIMIT_CONFIG + 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	text[n] = '\0';
	*out = text;
	*n_out = n;
	if (n > LIMIT_CONFIG)
		return conf_fail(err, &place, "this file is longer than %u "
		    "bytes; it can't be a syncrc", LIMIT_CONFIG);
	if (got < 0)
		return conf_fail(err, &place, "can't be read: %s; name "
		    "another with -c", strerror(errno));
	return 0;
}

static int
read_file(const char *path, char **out, struct stat *st, struct err *err)
{
	struct conf_place place = { .path = path };
	int status, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t n = 0;

	if (fd < 0 && errno == ENOENT)
		return conf_fail(err, &place, "there is no such file; copy "
		    "syncrc.example there, or name another with -c");
	if (fd < 0 || fstat(fd, st) < 0) {
		conf_fail(err, &place, "can't be opened: %s; name another "
		    "with -c", strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	status = check_owner(path, st, err);
	if (status == 0)
		status = read_all(fd, path, out, &n, err);
	if (status == 0 && strlen(*out) != n)
		status = conf_fail(err, &place, "there is a NUL byte in it; "
		    "save it as plain text");
	close(fd);
	return status;
}

static int
check_secrecy(const struct conf_text *text, const struct stat *st,
    struct err *err)
{
	struct conf_place place = { .path = text->path };
	const struct conf_setting *s;
	size_t i;

	if ((st->st_mode & (S_IRGRP | S_IROTH)) == 0)
		return 0;
	for (i = 0; i < text->n_settings; i++) {
		s = &text->settings[i];
		if (strcmp(s->name, "password") != 0)
			continue;
		place.line = s->line;
		/* One outside of all sections is refused only later. */
		if (s->section != CONF_NO_SECTION)
			place.section = text->sections[s->section].label;
		return conf_fail(err, &place, "others can read this password; "
		    "run: chmod 600 '%s'", text->path);
	}
	return 0;
}

/* The account sections stand in cfg in the order of the text. */
static int
read_accounts(const struct conf_text *text, cfg_t *cfg, struct conf *out,
    struct err *err)
{
	struct conf_scope scopes[2];	/* the account, the defaults */
	struct conf_reader r = { .keys = conf_account_keys, .text = text,
	    .scopes = scopes, .n_scopes = 1 };
	size_t i;

	out->accounts = xcalloc(cfg_size(cfg, "account") + 1,
	    sizeof(*out->accounts));
	for (i = 0; i < text->n_sections; i++) {
		if (strcmp(text->sections[i].name, "defaults") == 0) {
			scopes[1].cfg = cfg_getnsec(cfg, "defaults", 0);
			scopes[1].section = i;
			r.n_scopes = 2;
		}
	}
	for (i = 0; i < text->n_sections; i++) {
		if (strcmp(text->sections[i].name, "account") != 0)
			continue;
		scopes[0].section = i;
		scopes[0].cfg = cfg_getnsec(cfg, "account", (unsigned)out->n);
		if (scopes[0].cfg == NULL)
			return err_set(err, ERR_CONFIG, "%s: this is no "
			    "syncrc; see syncrc(5)", text->path);
		r.out = &out->accounts[out->n++];
		if (conf_account_read(&r, err) < 0)
			return -1;
	}
	return 0;
}

static int
parse_text(const char *raw, const struct stat *st, struct conf *out,
    struct err *err)
{
	static const struct conf_key *const tables[] = {
		conf_account_keys, NULL,
	};
	struct conf_place place = { .path = out->path };
	struct conf_text text;
	cfg_t *cfg = NULL;
	int status;

	status = conf_text_init(&text, out->path, raw, strlen(raw), err);
	if (status == 0)
		status = check_secrecy(&text, st, err);
	if (status == 0 && (cfg = conf_parse(&text, tables, err)) == NULL)
		status = -1;
	if (status == 0)
		status = read_accounts(&text, cfg, out, err);
	if (cfg != NULL)
		conf_parse_free(cfg, tables);
	conf_text_release(&text);
	if (status == 0 && out->n == 0)
		return conf_fail(err, &place, "there is no account in it; "
		    "write account NAME { ... }, see syncrc(5)");
	return status;
}

int
conf_load(const char *path, struct conf *out, struct err *err)
{
	struct stat st;
	char *raw = NULL;
	int status;

	*out = (struct conf){ 0 };
	out->path = path != NULL ? xstrdup(path) :
	    conf_default_path(err);
	if (out->path == NULL)
		return -1;
	status = read_file(out->path, &raw, &st, err);
	if (status == 0)
		status = parse_text(raw, &st, out, err);
	str_wipe_free(raw);
	if (status == 0)
		status = conf_roots_check(out, err);
	if (status < 0)
		conf_release(out);
	return status;
}

void
conf_release(struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->n; i++)
		conf_account_release(&conf->accounts[i]);
	free(conf->accounts);
	free(conf->path);
	*conf = (struct conf){ 0 };
}

const struct conf_account *
conf_account_find(const struct conf *conf, const char *name)
{
	size_t i;

	for (i = 0; i < conf->n; i++) {
		if (strcmp(conf->accounts[i].name, name) == 0)
			return &conf->accounts[i];
	}
	return NULL;
}
