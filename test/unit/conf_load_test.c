/*
 * syncrc: what is accepted, and for each faulty file of test/fixture/syncrc the
 * exact sentence behind the path. Run from the top of the source tree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "conf/conf.h"

#define FIXTURES "test/fixture/syncrc"
#define FIXTURES_MIN 48

static char dir[] = "/tmp/mailtern-conf-XXXXXX";
static char path[sizeof(dir) + 16];

static void
put_file(const char *text, mode_t mode)
{
	FILE *f;

	unlink(path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static struct conf
load_ok(const char *text)
{
	struct err err = { 0 };
	struct conf conf;

	put_file(text, 0600);
	if (conf_load(path, &conf, &err) < 0)
		fail_msg("%s", err.msg);
	return conf;
}

/* The message must be the path and what is expected behind it. */
static void
load_bad(const char *text, mode_t mode, const char *expected)
{
	struct err err = { 0 };
	struct conf conf;

	put_file(text, mode);
	assert_int_equal(conf_load(path, &conf, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_int_equal(strncmp(err.msg, path, strlen(path)), 0);
	assert_string_equal(err.msg + strlen(path), expected);
	assert_int_equal(conf.n, 0);
	assert_null(conf.accounts);
}

#define HEAD "account a {\n"
#define LOGIN "user = u\npassword = 'p'\n"
#define HOST "host = h.example.org\n"
#define ROOT "maildir = /tmp/mailtern-none/a\n"

static void
minimal_account_has_defaults(void **state)
{
	struct conf conf = load_ok("# c\n" HEAD HOST LOGIN ROOT "}\n");
	struct conf_account *a = conf.accounts;

	(void)state;
	assert_int_equal(conf.n, 1);
	assert_string_equal(conf.path, path);
	assert_string_equal(a->name, "a");
	assert_int_equal(a->line, 2);
	assert_string_equal(a->host, "h.example.org");
	assert_int_equal(a->port, 993);
	assert_int_equal(a->tls, CONF_TLS_IMPLICIT);
	assert_string_equal(a->user, "u");
	assert_string_equal(a->password, "p");
	assert_null(a->password_command);
	assert_string_equal(a->maildir, "/tmp/mailtern-none/a");
	assert_int_equal(a->n_folders, 1);
	assert_string_equal(a->folders[0], "*");
	assert_null(a->tls_ca_file);
	assert_null(a->tls_fingerprint);
	assert_null(a->tunnel);
	assert_false(a->allow_cleartext_password);
	assert_int_equal(a->timeout_s, 30);
	assert_int_equal(a->attic, CONF_ATTIC_REMOVED);
	assert_int_equal(a->attic_days, 30);
	assert_int_equal(conf_attic_days(a), 30);
	assert_false(conf_keeps_all(a));
	assert_int_equal(a->connections, 0);
	assert_int_equal(a->compress, CONF_COMPRESS_AUTO);
	assert_false(a->expunge);
	assert_null(a->trash);
	conf_release(&conf);
}

static void
attic_and_its_days(void **state)
{
	static const struct {
		const char *keys;
		unsigned days;
		bool all;
	} of[] = {
		{ "attic = removed\n", 30, false }, { "attic = all\n", 30, true },
		{ "attic = all\nattic-days = 7\n", 7, true },
		{ "attic = all\nattic-days = 0\n", 0, false },
		{ "attic = none\nattic-days = 7\n", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		char *text = xasprintf(HEAD HOST "user = x\n"
		    "password-command = x\nmaildir = \"/m\"\n%s}", of[i].keys);
		struct conf conf = load_ok(text);

		assert_int_equal(conf_attic_days(conf.accounts), of[i].days);
		assert_int_equal(conf_keeps_all(conf.accounts), of[i].all);
		conf_release(&conf);
		free(text);
	}
}

#define HEX16 "0123456789abcdef"

static void
every_key_is_read(void **state)
{
	struct conf conf = load_ok(HEAD HOST "user = \"u\\\"x\"\n"
	    "password-command = \"pass # show\"\n"
	    "port = 1143 tls = starttls // two on a line\n"
	    "maildir = \"~/M//b/\"\n"
	    "folders = { \"*\", # all\n '!Spam' /* but */ }\n"
	    "tls-ca-file = ~/ca.pem\n"
	    "tls-fingerprint = \"SHA256:01:23:45:67:89:AB:CD:EF:"
	    HEX16 HEX16 HEX16 "\"\n"
	    "allow-cleartext-password = yes\ntimeout = 5\nexpunge = on\n"
	    "trash = Trash\nlayout = fs\nattic = all\nattic-days = 0\n"
	    "connections = 2\ncompress = yes\nverify-interval = 36h\n"
	    "window = 10000\nverify-bytes = 3K\n}");
	struct conf_account *a = conf.accounts;

	(void)state;
	assert_string_equal(a->user, "u\"x");
	assert_string_equal(a->password_command, "pass # show");
	assert_null(a->password);
	assert_int_equal(a->port, 1143);
	assert_int_equal(a->tls, CONF_TLS_STARTTLS);
	assert_string_equal(a->maildir, "/home/jane/M/b");
	assert_int_equal(a->n_folders, 2);
	assert_string_equal(a->folders[1], "!Spam");
	assert_string_equal(a->tls_ca_file, "/home/jane/ca.pem");
	assert_string_equal(a->tls_fingerprint, HEX16 HEX16 HEX16 HEX16);
	assert_true(a->allow_cleartext_password);
	assert_int_equal(a->timeout_s, 5);
	assert_true(a->expunge);
	assert_string_equal(a->trash, "Trash");
	assert_int_equal(a->attic, CONF_ATTIC_ALL);
	assert_int_equal(a->attic_days, 0);
	assert_false(conf_keeps_all(a));
	assert_int_equal(a->connections, 2);
	assert_int_equal(a->compress, CONF_COMPRESS_YES);
	assert_int_equal(a->verify_s, 36 * 3600);
	assert_int_equal(a->verify_bytes, 3 * 1024);
	assert_int_equal(a->window, 10000);
	assert_int_equal(a->window_days, 0);
	conf_release(&conf);
}

static void
window_of_days(void **state)
{
	struct conf conf = load_ok(HEAD HOST LOGIN ROOT
	    "window = 30d\n}\n");

	(void)state;
	assert_int_equal(conf.accounts->window, 0);
	assert_int_equal(conf.accounts->window_days, 30);
	conf_release(&conf);
}

static void
port_follows_tls(void **state)
{
	struct conf conf = load_ok(HEAD HOST LOGIN ROOT "tls = none\n}\n");

	(void)state;
	assert_int_equal(conf.accounts[0].port, 143);
	assert_int_equal(conf.accounts[0].tls, CONF_TLS_NONE);
	conf_release(&conf);
}

static void
account_wins_over_defaults(void **state)
{
	struct conf conf = load_ok(
	    "account a {\n" ROOT "timeout = 7\ntls = implicit\n}\n"
	    "defaults {\nhost = d\ntls = none\n" LOGIN "timeout = 9\n"
	    "folders = {\"x\"}\n}\n"
	    "account b {\nmaildir = /tmp/mailtern-none/b\n"
	    "password-command = other\nfolders = {\"y\", \"z\"}\n}\n"
	    "account c {\nmaildir = /tmp/mailtern-none/c\n"
	    "tunnel = \"nc a b\"\n}\n");
	const struct conf_account *b = conf_account_find(&conf, "b");
	const struct conf_account *c = conf_account_find(&conf, "c");

	(void)state;
	assert_int_equal(conf.n, 3);
	assert_null(conf_account_find(&conf, "d"));
	assert_int_equal(conf.accounts[0].timeout_s, 7);
	assert_int_equal(conf.accounts[0].tls, CONF_TLS_IMPLICIT);
	assert_string_equal(conf.accounts[0].host, "d");
	assert_string_equal(conf.accounts[0].folders[0], "x");
	assert_int_equal(b->timeout_s, 9);
	assert_int_equal(b->tls, CONF_TLS_NONE);
	assert_null(b->password);
	assert_string_equal(b->password_command, "other");
	assert_int_equal(b->n_folders, 2);
	assert_null(c->host);
	assert_string_equal(c->tunnel, "nc a b");
	assert_string_equal(c->password, "p");
	conf_release(&conf);
}

static void
tunnel_needs_no_login(void **state)
{
	struct conf conf = load_ok(HEAD "tunnel = imapd\n" ROOT "}\n");

	(void)state;
	assert_null(conf.accounts[0].user);
	assert_null(conf.accounts[0].password);
	assert_int_equal(conf.accounts[0].tls, CONF_TLS_NONE);
	conf_release(&conf);
}

static void
quotes_keep_passwords(void **state)
{
	static const struct {
		const char *written, *read;
	} rows[] = {
		{ "'a#b'", "a#b" },
		{ "'a\\b${HOME}\"c'", "a\\b${HOME}\"c" },
		{ "'a\\'b'", "a'b" },
		{ "\"a#b'c\"", "a#b'c" },
		{ "\"a\\\\b\\\"\"", "a\\b\"" },
		{ "plain;/x//y", "plain;/x//y" },
		{ "'/* no */ // comment'", "/* no */ // comment" },
		{ "' blank '", " blank " },
	};
	char text[400];
	struct conf conf;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), HEAD HOST ROOT
		    "user = u\npassword = %s\n}\n", rows[i].written);
		conf = load_ok(text);
		assert_string_equal(conf.accounts[0].password, rows[i].read);
		conf_release(&conf);
	}
}

static void
modes_are_checked(void **state)
{
	static const char secret[] = HEAD HOST LOGIN ROOT "}\n";
	static const char command[] = HEAD HOST "user = u\n"
	    "password-command = c\n" ROOT "}\n";
	struct err err = { 0 };
	struct conf conf;
	char expected[200];

	(void)state;
	snprintf(expected, sizeof(expected), ": others can write this file; "
	    "run: chmod go-w '%s'", path);
	load_bad(command, 0620, expected);
	load_bad(command, 0602, expected);
	snprintf(expected, sizeof(expected), ":4: account a: others can read "
	    "this password; run: chmod 600 '%s'", path);
	load_bad(secret, 0640, expected);
	load_bad(secret, 0604, expected);
	put_file(command, 0644);
	assert_int_equal(conf_load(path, &conf, &err), 0);
	conf_release(&conf);
}

static void
odd_files_are_refused(void **state)
{
	char *big = malloc(LIMIT_CONFIG + 2);
	struct err err = { 0 };
	struct conf conf;
	FILE *f;

	(void)state;
	assert_non_null(big);
	memset(big, '\n', LIMIT_CONFIG + 1);
	big[LIMIT_CONFIG + 1] = '\0';
	load_bad(big, 0600, ": this file is longer than 1048576 bytes; it "
	    "can't be a syncrc");
	big[LIMIT_CONFIG] = '\0';
	load_bad(big, 0600, ": there is no account in it; write account NAME "
	    "{ ... }, see syncrc(5)");
	free(big);
	f = fopen(path, "w");
	assert_non_null(f);
	fwrite("a\0b", 1, 3, f);
	fclose(f);
	assert_int_equal(conf_load(path, &conf, &err), -1);
	assert_string_equal(err.msg + strlen(path), ": there is a NUL byte in "
	    "it; save it as plain text");
	assert_int_equal(conf_load(dir, &conf, &err), -1);
	assert_string_equal(err.msg + strlen(dir), ": this is no regular "
	    "file; name another with -c");
	unlink(path);
	assert_int_equal(conf_load(path, &conf, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_string_equal(err.msg + strlen(path), ": there is no such file; "
	    "copy syncrc.example there, or name another with -c");
}

/* What would be taken for another host, and never be reached. */
static void
what_stands_behind_a_host_is_named(void **state)
{
	(void)state;
	load_bad(HEAD "host = imap.example.org:993\n" LOGIN ROOT "}\n", 0600,
	    ":2: account a: host has a port behind it; write the host alone, "
	    "and the number as port = 993");
	load_bad(HEAD "host = \"[2001:db8::1]:143\"\n" LOGIN ROOT "}\n", 0600,
	    ":2: account a: host has a port behind it; write the host alone, "
	    "and the number as port = 143");
	load_bad(HEAD HOST LOGIN ROOT "tls = none;\n}\n", 0600, ":6: there is "
	    "a ; at the end of a value; remove it, or put the value in "
	    "\"quotes\" if it belongs to it");
	load_bad(HEAD "host = \"imap.example.org\";\n" LOGIN ROOT "}\n", 0600,
	    ":2: there is a ; at the end of a value; remove it, or put the "
	    "value in \"quotes\" if it belongs to it");
	load_bad(HEAD HOST LOGIN ROOT "auth = oauth2\n}\n", 0600, ":6: account "
	    "a: auth = oauth2 is not supported yet; make an app password at "
	    "your provider and use auth = auto");
}

static void
an_address_is_a_host(void **state)
{
	struct conf conf = load_ok(HEAD "host = \"2001:db8::993\"\n" LOGIN ROOT
	    "auth = scram-sha-256-plus\n}\n");

	(void)state;
	assert_string_equal(conf.accounts[0].host, "2001:db8::993");
	assert_int_equal(conf.accounts[0].auth, CONF_AUTH_SCRAM_SHA_256_PLUS);
	conf_release(&conf);
}

static void
linked_roots_are_seen(void **state)
{
	char text[600], real[64], link[64];
	struct conf conf;

	(void)state;
	snprintf(real, sizeof(real), "%s/real", dir);
	snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(mkdir(real, 0700), 0);
	assert_int_equal(symlink("real", link), 0);
	snprintf(text, sizeof(text), HEAD HOST LOGIN "maildir = %s\n}\n"
	    "account b {\n" HOST LOGIN "maildir = %s/new/deep\n}\n",
	    real, link);
	load_bad(text, 0600, ":7: account b: its maildir lies in that of "
	    "account a; give each account a directory of its own");
	snprintf(text, sizeof(text), HEAD HOST LOGIN "maildir = %s/b\n}\n"
	    "account b {\n" HOST LOGIN "maildir = %s/bc\n}\n", real, link);
	conf = load_ok(text);
	conf_release(&conf);
	unlink(link);
	rmdir(real);
}

/* No file is there: the sentence names it. */
static void
assert_looked_for(const char *want)
{
	struct err err = { 0 };
	struct conf conf;

	assert_int_equal(conf_load(NULL, &conf, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	if (strncmp(err.msg, want, strlen(want)) != 0)
		fail_msg("%s: not in it: %s", err.msg, want);
}

static void
default_path_follows_xdg(void **state)
{
	(void)state;
	setenv("XDG_CONFIG_HOME", "/x", 1);
	assert_looked_for("/x/mailtern/syncrc: there is no such file");
	setenv("XDG_CONFIG_HOME", "relative", 1);
	assert_looked_for("/home/jane/.config/mailtern/syncrc: there is no");
	unsetenv("HOME");
	assert_looked_for("neither HOME nor XDG_CONFIG_HOME is set; ");
	setenv("HOME", "/home/jane", 1);
}

static void
read_fixture(const char *name, const char *suffix, char *out, size_t max)
{
	char file[300];
	size_t n;
	FILE *f;

	snprintf(file, sizeof(file), "%s/%s%s", FIXTURES, name, suffix);
	f = fopen(file, "r");
	if (f == NULL)
		fail_msg("%s is missing", file);
	n = fread(out, 1, max - 1, f);
	out[n] = '\0';
	fclose(f);
}

static void
faulty_files_are_explained(void **state)
{
	char name[256], text[8192], expected[1000];
	struct dirent *entry;
	DIR *d = opendir(FIXTURES);
	size_t n = 0;
	char *dot;

	(void)state;
	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		snprintf(name, sizeof(name), "%s", entry->d_name);
		dot = strstr(name, ".syncrc");
		if (dot == NULL)
			continue;
		*dot = '\0';
		read_fixture(name, ".syncrc", text, sizeof(text));
		read_fixture(name, ".expected", expected, sizeof(expected));
		expected[strcspn(expected, "\n")] = '\0';
		print_message("%s\n", name);
		load_bad(text, 0600, expected);
		n++;
	}
	closedir(d);
	assert_true(n >= FIXTURES_MIN);
}

/* syncrc.example as it is, and with its other sections uncommented. */
static void
example_is_right(void **state)
{
	char text[8192] = "", line[200];
	struct conf conf;
	FILE *f = fopen("syncrc.example", "r");

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		bool code = line[0] == '#' && line[1] != ' ';

		strncat(text, line + code, sizeof(text) - strlen(text) - 1);
	}
	rewind(f);
	conf = load_ok(text);
	assert_int_equal(conf.n, 2);
	assert_string_equal(conf.accounts[0].password_command,
	    "pass show mail/work");
	assert_string_equal(conf.accounts[0].maildir, "/home/jane/Mail/work");
	assert_int_equal(conf.accounts[0].timeout_s, 60);
	assert_non_null(conf.accounts[1].tunnel);
	conf_release(&conf);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	conf = load_ok(text);
	assert_int_equal(conf.n, 1);
	assert_int_equal(conf.accounts[0].timeout_s, 30);
	conf_release(&conf);
}

/* Whatever is cut off, it is an answer and no crash. */
static void
cut_files_never_crash(void **state)
{
	static const char text[] = "# c\ndefaults { timeout = 3 }\n/* x */\n"
	    "account a {\nhost = \"h\"\nuser = ${USER}\npassword = 'p'\n"
	    "maildir = ~/a\nfolders = { \"*\", '!b' }\n}\n";
	char part[sizeof(text)];
	struct err err = { 0 };
	struct conf conf;
	size_t i, good = 0;

	(void)state;
	setenv("USER", "jane", 1);
	for (i = 0; i < sizeof(text); i++) {
		memcpy(part, text, i);
		part[i] = '\0';
		put_file(part, 0600);
		err.kind = ERR_NONE;
		if (conf_load(path, &conf, &err) == 0)
			good++;
		else
			assert_int_equal(err.kind, ERR_CONFIG);
		conf_release(&conf);
	}
	/* With the last brace, with and without the line end. */
	assert_int_equal(good, 2);
}

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/syncrc", dir);
	return setenv("HOME", "/home/jane", 1);
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(minimal_account_has_defaults),
		cmocka_unit_test(every_key_is_read),
		cmocka_unit_test(attic_and_its_days),
		cmocka_unit_test(window_of_days),
		cmocka_unit_test(port_follows_tls),
		cmocka_unit_test(account_wins_over_defaults),
		cmocka_unit_test(tunnel_needs_no_login),
		cmocka_unit_test(quotes_keep_passwords),
		cmocka_unit_test(modes_are_checked),
		cmocka_unit_test(odd_files_are_refused),
		cmocka_unit_test(what_stands_behind_a_host_is_named),
		cmocka_unit_test(an_address_is_a_host),
		cmocka_unit_test(linked_roots_are_seen),
		cmocka_unit_test(default_path_follows_xdg),
		cmocka_unit_test(faulty_files_are_explained),
		cmocka_unit_test(example_is_right),
		cmocka_unit_test(cut_files_never_crash),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
