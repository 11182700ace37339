/*
 * mbsync's files: what they say, also when they are cut anywhere; and that what
 * is made of its configuration is a syncrc that loads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "import/mbsync_account.h"
#include "mail/flags.h"

static const struct mbsync_env env = {
	"/home/jane", "/home/jane", "/home/jane/.mbsync/", "rc",
};

/* A copy of exactly that size: what reads on is found by the sanitizer. */
static struct span
cut(const char *text, size_t n, char **copy)
{
	*copy = xmalloc(n + 1);
	memcpy(*copy, text, n);
	return (struct span){ *copy, n };
}

/* --- .mbsyncrc --- */

static const char rc_text[] =
    "# Global ones come first.\n"
    "SyncState *\n"
    "Create Both\n"
    "\n"
    "IMAPAccount Work.Mail\n"
    "Host imap.example.org # not a part of it\n"
    "User \"jane doe\"\n"
    "# A comment ends no section.\n"
    "PassCmd \"+pass show \\\"mail/work\\\" | head -1\"\n"
    "SSLType IMAPS\n"
    "AuthMechs LOGIN\n"
    "Timeout 40\n"
    " \t\r\n"
    "IMAPStore far\n"
    "Account Work.Mail\n"
    "\n"
    "MaildirStore near\n"
    "Path ~/Mail/work/\n"
    "Inbox ~/Mail/work/INBOX\n"
    "SubFolders Verbatim\n"
    "\n"
    "Channel work\n"
    "Far :far:\n"
    "Near :near:\n"
    "Patterns * !Spam% \"!a b\" lists/%\n"
    "Expunge Both\n"
    "Remove Both\n"
    "\n"
    "Group all work other";

static void
words_and_sections(void **state)
{
	struct mbsync_rc rc;
	struct err err = { 0 };
	const struct mbsync_section *s;
	const struct mbsync_line *l;

	(void)state;
	assert_int_equal(mbsync_rc_parse(span_of(rc_text), "rc", &rc, &err),
	    0);
	assert_int_equal(rc.n, 6);
	assert_true(rc.section[0].global);
	s = mbsync_section(&rc, "imapaccount", "Work.Mail");
	assert_non_null(s);
	assert_string_equal(mbsync_value(s, "host"), "imap.example.org");
	assert_string_equal(mbsync_value(s, "User"), "jane doe");
	assert_string_equal(mbsync_value(s, "PassCmd"),
	    "+pass show \"mail/work\" | head -1");
	assert_null(mbsync_value(s, "Port"));
	l = mbsync_find(mbsync_section(&rc, "Channel", "work"), "Pattern",
	    "Patterns");
	assert_int_equal(l->n, 5);
	assert_int_equal(l->number, 25);
	assert_string_equal(l->word[3], "!a b");
	assert_null(mbsync_section(&rc, "Channel", "near"));
	mbsync_rc_release(&rc);
}

static void
faulty_configurations(void **state)
{
	static const struct {
		const char *text, *sentence;
	} bad[] = {
		{ "Host \"x\n", "rc:1: a quote is not closed" },
		{ "Host x\\", "rc:1: a quote is not closed" },
		{ "\nIMAPStore\n", "rc:2: IMAPStore wants one name" },
		{ "IMAPStore a b\n", "rc:1: IMAPStore wants one name" },
		{ "IMAPStore a\nChannel b\n", "rc:2: Channel begins before an "
		    "empty line ended the section above; mbsync does not read "
		    "it either" },
	};
	struct mbsync_rc rc;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(mbsync_rc_parse(span_of(bad[i].text), "rc",
		    &rc, &err), -1);
		assert_string_equal(err.msg, bad[i].sentence);
		assert_int_equal(rc.n, 0);
	}
}

static int
accounts_of(struct span text, struct mbsync_account **out, size_t *n,
    struct err *err)
{
	struct mbsync_rc rc;
	int status = mbsync_rc_parse(text, "rc", &rc, err);

	*out = NULL;
	*n = 0;
	if (status == 0)
		status = mbsync_accounts(&rc, &env, out, n, err);
	mbsync_rc_release(&rc);
	return status;
}

static void
configuration_cut_anywhere(void **state)
{
	struct mbsync_account *a;
	struct err err;
	size_t n, i, whole = 0;
	char *copy;

	(void)state;
	for (i = 0; i < sizeof(rc_text); i++) {
		int rc = accounts_of(cut(rc_text, i, &copy), &a, &n, &err);

		assert_true(rc == 0 ? n == 1 : n == 0);
		assert_true(rc == 0 || *err.msg != '\0');
		whole += rc == 0;
		mbsync_accounts_free(a, n);
		free(copy);
	}
	assert_true(whole > 20 && whole < sizeof(rc_text) / 4);
}

static bool
has_note(const struct import_account *a, const char *part, bool blocks)
{
	size_t i;

	for (i = 0; i < a->n_note; i++)
		if (strstr(a->note[i].text, part) != NULL &&
		    a->note[i].blocks == blocks)
			return true;
	return false;
}

static void
an_account_is_made(void **state)
{
	static const char *const folders[] = { "*", "!a b", "lists/*",
	    "!lists/*/*" };
	struct mbsync_account *a;
	struct err err;
	size_t n, i;

	(void)state;
	assert_int_equal(accounts_of(span_of(rc_text), &a, &n, &err), 0);
	assert_string_equal(a->a.name, "work.mail");
	assert_string_equal(a->a.host, "imap.example.org");
	assert_string_equal(a->a.tls, "implicit");
	assert_string_equal(a->a.auth, "login");
	assert_string_equal(a->a.password_command,
	    "pass show \"mail/work\" | head -1");
	assert_string_equal(a->a.timeout, "40");
	assert_string_equal(a->a.maildir, "/home/jane/Mail/work");
	assert_string_equal(a->inbox, "INBOX");
	assert_true(a->a.expunge);
	assert_int_equal(a->a.n_folder, 4);
	for (i = 0; i < 4; i++)
		assert_string_equal(a->a.folder[i], folders[i]);
	assert_true(has_note(&a->a, "may use the terminal", false));
	assert_true(has_note(&a->a, "pattern !Spam%", true));
	assert_int_equal(a->a.n_note, 2);
	mbsync_accounts_free(a, n);
}

/* The one of rc_text, with a line more in each section. */
static void
with(const char *server, const char *far, const char *near,
    const char *channel, struct mbsync_account **out, size_t *n)
{
	char *text = xasprintf("IMAPAccount a\nHost h\nUser u\nPass p\n%s\n\n"
	    "IMAPStore far\nAccount a\n%s\n\nMaildirStore near\nPath ~/M/\n"
	    "Inbox ~/M/INBOX\n%s\n\nChannel c\nMaster :far:\nSlave :near:\n"
	    "Patterns *\n%s\n", server, far, near, channel);
	struct err err = { 0 };

	if (accounts_of(span_of(text), out, n, &err) == -1)
		fail_msg("%s", err.msg);
	free(text);
}

static void
what_hinders_is_said(void **state)
{
	static const struct {
		const char *server, *far, *near, *channel, *note;
		bool blocks;
	} of[] = {
		{ "", "", "", "Sync Pull", "Sync Pull", true },
		{ "", "", "", "Sync Full", "Remove Both", false },
		{ "", "", "", "MaxMessages 5", "MaxMessages 5", false },
		{ "", "", "", "Expunge Near", "Expunge Both", false },
		{ "", "", "AltMap yes", "", "mdconvert", true },
		{ "", "", "SubFolders Legacy", "", "Legacy", true },
		{ "", "", "SubFolders Maildir++", "", "Maildir++", true },
		{ "", "", "Inbox ~/Maildir", "", "INBOX", true },
		{ "", "", "Path ~/M/mail-", "", "slash", true },
		{ "", "Path INBOX.", "", "", "namespace", true },
		{ "", "UseNamespace no", "", "", "namespace", true },
		{ "", "SubscribedOnly yes", "", "", "Subscribed", true },
		{ "UserCmd x", "", "", "", "UserCmd", false },
		{ "SSLType None", "", "", "", "not encrypted", false },
		{ "AuthMechs XOAUTH2", "", "", "", "XOAUTH2", false },
	};
	struct mbsync_account *a;
	size_t n, i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		with(of[i].server, of[i].far, of[i].near, of[i].channel, &a,
		    &n);
		if (!has_note(&a->a, of[i].note, of[i].blocks))
			fail_msg("nothing is said of %s", of[i].note);
		assert_int_equal(import_blocks(&a->a), of[i].blocks);
		mbsync_accounts_free(a, n);
	}
}

#define STORES "IMAPStore far\nHost h\nUser u\nPass p\n\n" \
	"MaildirStore near\nPath ~/M/\nInbox ~/M/INBOX\n"

static void
trash_and_patterns(void **state)
{
	struct mbsync_account *a;
	size_t n;

	(void)state;
	with("", "Trash Bin", "Trash gone", "Pattern !x y", &a, &n);
	assert_string_equal(a->a.trash, "Bin");
	assert_true(has_note(&a->a, "attic", false));
	assert_int_equal(a->a.n_folder, 3);
	assert_string_equal(a->a.folder[0], "*");
	assert_string_equal(a->a.folder[1], "!x");
	mbsync_accounts_free(a, n);
	with("", "Trash Bin\nTrashNewOnly yes", "", "", &a, &n);
	assert_null(a->a.trash);
	assert_true(has_note(&a->a, "TrashNewOnly", false));
	assert_int_equal(a->a.n_folder, 0);
	mbsync_accounts_free(a, n);
}

/* Nothing is taken in but what is named. */
static void
patterns_begin_with_none(void **state)
{
	static const char of[] = STORES "\nChannel c\nFar :far:\nNear :near:\n"
	    "Patterns !x y\n";
	struct mbsync_account *a;
	struct err err;
	size_t n;

	(void)state;
	assert_int_equal(accounts_of(span_of(of), &a, &n, &err), 0);
	assert_int_equal(a->a.n_folder, 3);
	assert_string_equal(a->a.folder[0], "!*");
	assert_string_equal(a->a.folder[1], "!x");
	assert_string_equal(a->a.folder[2], "y");
	mbsync_accounts_free(a, n);
}

/* --- which directory is which folder --- */

static void
is_folder(const struct mbsync_account *a, const char *path, const char *name,
    const char *file)
{
	char *state = NULL, *got = mbsync_folder_of(a, path, &state);

	if (name == NULL) {
		assert_null(got);
		assert_null(state);
	} else {
		assert_string_equal(got, name);
		assert_string_equal(state, file);
	}
	free(got);
	free(state);
}

static void
directories_and_their_state(void **state)
{
	static const char text[] = STORES "\n"
	    "Channel sent\nFar \":far:[Gmail]/Sent Mail\"\nNear :near:sent\n"
	    "SyncState /s/sent-\n\n"
	    "Channel lists\nFar :far:l/\nNear :near:lists/\nPatterns *\n\n"
	    "Channel inbox\nFar :far:\nNear :near:\nSyncState *\n";
	static const char flat[] = STORES "Flatten .\n\n"
	    "Channel c\nFar :far:\nNear :near:\nPatterns *\n";
	struct mbsync_account *a;
	struct err err;
	size_t n;

	(void)state;
	assert_int_equal(accounts_of(span_of(text), &a, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(a->n, 3);
	is_folder(a, "INBOX", "INBOX", "/home/jane/M/INBOX/.mbsyncstate");
	is_folder(a, "sent", "[Gmail]/Sent Mail", "/s/sent-sent");
	is_folder(a, "[Gmail]/Sent Mail", "[Gmail]/Sent Mail", "/s/sent-sent");
	is_folder(a, "lists/x/&ZeVnLIqe-", "l/x/\u65e5\u672c\u8a9e",
	    "/home/jane/.mbsync/:far:l!x!&ZeVnLIqe-_:near:lists!x!&ZeVnLIqe-");
	is_folder(a, "other", NULL, NULL);
	is_folder(a, "lists", NULL, NULL);
	mbsync_accounts_free(a, n);
	assert_int_equal(accounts_of(span_of(flat), &a, &n, &err), 0);
	is_folder(a, "x.y", "x/y", "/home/jane/.mbsync/:far:x!y_:near:x.y");
	mbsync_accounts_free(a, n);
	assert_true(import_names_folder("x.y", "x/y"));
	assert_true(import_names_folder("&ZeVnLIqe-", "\u65e5\u672c\u8a9e"));
	assert_true(import_names_folder("Inbox", "INBOX"));
	assert_false(import_names_folder("sent", "[Gmail]/Sent Mail"));
}

/* --- syncrc --- */

static void
what_is_written_loads(void **state)
{
	static const char text[] = "IMAPStore Far_1\nHost h.example.org\n"
	    "User \"j'a\\\\ne$HOME${HOME}\"\n"
	    "Pass \"p'#\\\\ \\\"x\"\nSSLType STARTTLS\nPort 1143\n\n"
	    "MaildirStore near\nPath \"/tmp/mailtern none/\"\n"
	    "Inbox \"/tmp/mailtern none/INBOX\"\n\n"
	    "Channel c\nFar :Far_1:\nNear :near:\nPatterns * \"!it's\"\n"
	    "Expunge Both\n";
	char path[] = "/tmp/mailtern-import-XXXXXX";
	struct mbsync_account *a;
	struct conf conf;
	struct buf out;
	struct err err;
	size_t n;
	int fd;

	(void)state;
	assert_int_equal(accounts_of(span_of(text), &a, &n, &err), 0);
	import_note(&a->a, 7, false, xstrdup("a long sentence with a \n that "
	    "would end the comment, and with } and { and 'quotes' in it"));
	buf_init(&out, 100000);
	import_write(&out, &a->a, true);
	fd = mkstemp(path);
	assert_int_equal(write(fd, out.data, out.len), out.len);
	close(fd);
	if (conf_load(path, &conf, &err) == -1)
		fail_msg("%s\n%s", err.msg, buf_str(&out));
	unlink(path);
	assert_int_equal(conf.n, 1);
	assert_string_equal(conf.accounts->name, "far_1");
	assert_string_equal(conf.accounts->user, "j'a\\ne$HOME${HOME}");
	assert_string_equal(conf.accounts->password, "p'#\\ \"x");
	assert_string_equal(conf.accounts->maildir, "/tmp/mailtern none");
	assert_int_equal(conf.accounts->port, 1143);
	assert_int_equal(conf.accounts->tls, CONF_TLS_STARTTLS);
	assert_true(conf.accounts->expunge);
	assert_int_equal(conf.accounts->n_folders, 2);
	assert_string_equal(conf.accounts->folders[1], "!it's");
	conf_release(&conf);
	buf_clear(&out);
	import_write(&out, &a->a, false);
	assert_null(strstr(buf_str(&out), "p\\'#"));
	assert_non_null(strstr(buf_str(&out), "password is not printed"));
	buf_release(&out);
	mbsync_accounts_free(a, n);
}

/* --- .mbsyncstate --- */

static const char state_text[] =
    "FarUidValidity 1795397707\nNearUidValidity 4294967295\n"
    "MaxPulledUid 10\nMaxPushedUid 9\nMaxExpiredFarUid 4\n\n"
    "2 2 S\n4294967294 1 DFPRST\n7 7 >S\n3 3 ~\n5 4294967295 \n0 6 T\n9 9 \n";

static void
pairs_and_their_flags(void **state)
{
	struct mbsync_state s;
	struct err err;

	(void)state;
	assert_int_equal(mbsync_state_parse(span_of(state_text), &s, &err), 0);
	assert_int_equal(s.far_validity, 1795397707);
	assert_int_equal(s.near_validity, UINT32_MAX);
	assert_int_equal(s.max_pulled, 10);
	assert_int_equal(s.max_pushed, 9);
	assert_int_equal(s.n, 7);
	assert_int_equal(s.pair[0].flags, FLAG_SEEN);
	assert_int_equal(s.pair[1].far, UINT32_MAX - 1);
	assert_int_equal(s.pair[1].flags, FLAG_ALL);
	assert_true(s.pair[2].dummy);
	assert_true(s.pair[3].partial);
	assert_true(s.pair[4].partial && s.pair[4].near == 0);
	assert_int_equal(s.pair[5].far, 0);
	assert_false(s.pair[6].dummy || s.pair[6].partial);
	assert_int_equal(s.pair[6].flags, 0);
	mbsync_state_release(&s);
}

/* Whatever is missing at its end, no pair is another one than it was. */
static void
state_cut_anywhere(void **state)
{
	struct mbsync_state s;
	struct err err;
	size_t i, whole = 0;
	char *copy;

	(void)state;
	for (i = 0; i + 1 < sizeof(state_text); i++) {
		int rc = mbsync_state_parse(cut(state_text, i, &copy), &s,
		    &err);

		assert_true(rc == -1 || state_text[i - 1] == '\n');
		assert_true(rc == 0 || s.n == 0);
		whole += rc == 0;
		mbsync_state_release(&s);
		free(copy);
	}
	assert_int_equal(whole, 7);
}

static void
faulty_states(void **state)
{
	static const char head[] = "FarUidValidity 1\nNearUidValidity 2\n";
	static const char *const bad[] = {
		"\n1\n", "\n1 x \n", "\n1 2 Q\n", "\n1 2 S S\n", "\n-1 2 \n",
		"\n4294967296 2 \n", "Unknown 1\n\n", "MaxPulledUid\n\n",
		"MaxPulledUid x\n\n", "1 2 \n", "\n\n",
	};
	struct mbsync_state s;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *text = xasprintf("%s%s", head, bad[i]);

		if (mbsync_state_parse(span_of(text), &s, &err) == 0)
			fail_msg("accepted: %s", bad[i]);
		free(text);
	}
	assert_int_equal(mbsync_state_parse(span_of("FarUidValidity 1\n\n"),
	    &s, &err), -1);
	assert_int_equal(mbsync_state_parse(span_of("1:2 3:4:5\n1 1 S\n"),
	    &s, &err), -1);
}

static void
numbers_beside_messages(void **state)
{
	uint64_t n = 0, count = 0;

	(void)state;
	assert_true(mbsync_validity_parse(span_of("17\n9\n"), &n, &count));
	assert_int_equal(count, 9);
	assert_int_equal(n, 17);
	assert_false(mbsync_validity_parse(span_of("17\n"), &n, &count));
	assert_false(mbsync_validity_parse(span_of("17"), &n, &count));
	assert_false(mbsync_validity_parse(span_of("0\n1\n"), &n, &count));
	assert_false(mbsync_validity_parse(span_of("x\n1\n"), &n, &count));
	assert_int_equal(mbsync_file_uid("1.2_3.h,U=17:2,S"), 17);
	assert_int_equal(mbsync_file_uid("1.2_3.h,U=17,FMD5=x:2,S"), 17);
	assert_int_equal(mbsync_file_uid("1.2_3.h:2,S"), 0);
	assert_int_equal(mbsync_file_uid("1.2_3.h,U=:2,S"), 0);
	assert_int_equal(mbsync_file_uid("1.2_3.h,U=4294967296"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_sections),
		cmocka_unit_test(faulty_configurations),
		cmocka_unit_test(configuration_cut_anywhere),
		cmocka_unit_test(an_account_is_made),
		cmocka_unit_test(what_hinders_is_said),
		cmocka_unit_test(trash_and_patterns),
		cmocka_unit_test(patterns_begin_with_none),
		cmocka_unit_test(directories_and_their_state),
		cmocka_unit_test(what_is_written_loads),
		cmocka_unit_test(pairs_and_their_flags),
		cmocka_unit_test(state_cut_anywhere),
		cmocka_unit_test(faulty_states),
		cmocka_unit_test(numbers_beside_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
