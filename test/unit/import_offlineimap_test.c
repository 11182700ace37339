/*
 * OfflineIMAP's configuration: what it says, also when it is cut anywhere; and
 * that what is made of it is a syncrc that loads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "import/offlineimap.h"

static const struct offlineimap_env env = { "/home/jane", "rc" };

static const char text[] =
    "[DEFAULT]\n"
    "sep = /\n"
    "# A comment.\n"
    "[general]\n"
    "accounts = Work,\n"
    "  home\n"
    "metadata: ~/.oi\n"
    "[Account Work]\n"
    "LocalRepository = w-near\n"
    "remoterepository=w-far\n"
    "[Account home]\n"
    "localrepository = h-near\n"
    "remoterepository = h-far\n"
    "[Repository w-near]\n"
    "type = Maildir\n"
    "localfolders = ~/Mail/work/\n"
    "[Repository w-far]\n"
    "type = IMAP\n"
    "remotehost = imap.example.org\n"
    "remoteuser = j'a ne\n"
    "remotepass = 50%%'#\\\n"
    "sslcacertfile = OS-DEFAULT\n"
    "[Repository h-near]\n"
    "type = Maildir\n"
    "localfolders = /mail/home\n"
    "sep = .\n"
    "[Repository h-far]\n"
    "; Another comment.\n"
    "type = Gmail\n"
    "remoteuser = jane\n"
    "remotepassfile = ~/it's here\n"
    "ssl = no\n"
    "readonly = False\n"
    "nametrans = lambda folder:\n"
    "    # not this\n"
    "\n"
    "    folder\n"
    "maxage = 30";

static int
offline_of(struct span from, struct offlineimap_account **out, size_t *n,
    struct err *err)
{
	struct ini ini;
	int rc = ini_parse(from, "rc", &ini, err);

	*out = NULL;
	*n = 0;
	if (rc == 0)
		rc = offlineimap_accounts(&ini, &env, out, n, err);
	ini_release(&ini);
	return rc;
}

static void
keys_and_values(void **state)
{
	struct ini ini;
	struct err err;
	const struct ini_line *l;

	(void)state;
	assert_int_equal(ini_parse(span_of(text), "rc", &ini, &err), 0);
	assert_string_equal(ini_find(&ini, "general", "accounts")->value,
	    "Work,\nhome");
	l = ini_find(&ini, "Repository h-far", "nametrans");
	assert_string_equal(l->value, "lambda folder:\nfolder");
	assert_int_equal(l->number, 34);
	assert_string_equal(ini_find(&ini, "Repository w-far",
	    "remotepass")->value, "50%'#\\");
	assert_string_equal(ini_find(&ini, "Repository w-near", "sep")->value,
	    "/");
	assert_string_equal(ini_find(&ini, "Repository h-near", "sep")->value,
	    ".");
	assert_null(ini_find(&ini, "Account Work", "accounts"));
	ini_release(&ini);
}

static void
faulty_files(void **state)
{
	static const struct {
		const char *text, *sentence;
	} bad[] = {
		{ "a = b\n", "rc:1: a key stands before the first section" },
		{ "\n[a\n", "rc:2: a section's name wants a ] behind it" },
		{ "[a]\nword\n", "rc:2: this is no section, key or comment" },
		{ "[a]\n = b\n", "rc:2: this is no section, key or comment" },
		{ "[a]\nk = 5%\n", "rc:2: a value with a single % refers to "
		    "another one; write that out" },
		{ "[a]\nk = x\n %(y)s\n", "rc:3: a value with a single % "
		    "refers to another one; write that out" },
		{ "[general]\n", "rc: [general] has no accounts: there is "
		    "nothing to import" },
		{ "[general]\naccounts = ,\n", "rc: [general] has no accounts: "
		    "there is nothing to import" },
		{ "[general]\naccounts = a\n", "rc: [Account a] has no "
		    "localrepository or remoterepository" },
	};
	struct offlineimap_account *a;
	struct err err;
	size_t n, i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(offline_of(span_of(bad[i].text), &a, &n,
		    &err), -1);
		assert_string_equal(err.msg, bad[i].sentence);
		assert_int_equal(n, 0);
	}
}

/* A copy of exactly that size: what reads on is found by the sanitizer. */
static void
offline_cut_anywhere(void **state)
{
	struct offlineimap_account *a;
	struct err err;
	size_t n, i, whole = 0;

	(void)state;
	for (i = 0; i < sizeof(text); i++) {
		char *copy = xmalloc(i + 1);
		int rc;

		memcpy(copy, text, i);
		rc = offline_of((struct span){ copy, i }, &a, &n, &err);
		assert_true(rc == 0 ? n == 2 : n == 0);
		whole += rc == 0;
		offlineimap_accounts_free(a, n);
		free(copy);
	}
	assert_true(whole > 20 && whole < sizeof(text) / 3);
}

static bool
says(const struct import_account *a, const char *part, bool blocks)
{
	size_t i;

	for (i = 0; i < a->n_note; i++)
		if (strncmp(a->note[i].text, part, strlen(part)) == 0 &&
		    a->note[i].blocks == blocks)
			return true;
	return false;
}

static void
offline_accounts_are_made(void **state)
{
	struct offlineimap_account *a;
	struct err err;
	size_t n;

	(void)state;
	assert_int_equal(offline_of(span_of(text), &a, &n, &err), 0);
	assert_string_equal(a[0].a.name, "work");
	assert_string_equal(a[0].theirs, "Work");
	assert_string_equal(a[0].a.host, "imap.example.org");
	assert_string_equal(a[0].a.tls, "implicit");
	assert_null(a[0].a.ca_file);
	assert_string_equal(a[0].a.maildir, "/home/jane/Mail/work");
	assert_string_equal(a[0].metadata, "/home/jane/.oi");
	assert_string_equal(a[0].sep, "/");
	assert_int_equal(a[0].a.n_note, 0);
	assert_string_equal(a[1].a.host, "imap.gmail.com");
	assert_string_equal(a[1].a.tls, "starttls");
	assert_string_equal(a[1].a.password_command,
	    "head -n 1 '/home/jane/it'\\''s here'");
	assert_string_equal(a[1].sep, ".");
	assert_true(says(&a[1].a, "nametrans", true));
	assert_true(says(&a[1].a, "maxage", true));
	assert_true(says(&a[1].a, "no sslcacertfile", false));
	assert_int_equal(a[1].a.n_note, 3);
	offlineimap_accounts_free(a, n);
}

static void
what_is_made_loads(void **state)
{
	char path[] = "/tmp/mailtern-import-XXXXXX";
	struct offlineimap_account *a;
	struct conf conf;
	struct buf out;
	struct err err;
	size_t n, i;
	int fd;

	(void)state;
	assert_int_equal(offline_of(span_of(text), &a, &n, &err), 0);
	buf_init(&out, 100000);
	for (i = 0; i < n; i++)
		import_write(&out, &a[i].a, true);
	fd = mkstemp(path);
	assert_int_equal(write(fd, out.data, out.len), out.len);
	close(fd);
	if (conf_load(path, &conf, &err) == -1)
		fail_msg("%s\n%s", err.msg, buf_str(&out));
	unlink(path);
	assert_int_equal(conf.n, 2);
	assert_string_equal(conf.accounts[0].user, "j'a ne");
	assert_string_equal(conf.accounts[0].password, "50%'#\\");
	assert_string_equal(conf.accounts[1].password_command,
	    "head -n 1 '/home/jane/it'\\''s here'");
	conf_release(&conf);
	buf_release(&out);
	offlineimap_accounts_free(a, n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_and_values),
		cmocka_unit_test(faulty_files),
		cmocka_unit_test(offline_cut_anywhere),
		cmocka_unit_test(offline_accounts_are_made),
		cmocka_unit_test(what_is_made_loads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
