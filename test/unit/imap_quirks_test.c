/* Deviations of named servers: each row has its effect where its server is met,
 * nowhere else, and as the configuration wants it; the manual knows it. */
#include "../lib/fake_imap.c"

#include "../../src/imap/internal.h"
#include "base/limits.h"

#define ALL_CAPS	(~0u)

/* What a server says of itself, and what must be different then. */
static const struct meeting {
	const char *row;
	void (*say)(struct imap_session *, struct span);	/* NULL: host */
	const char *text;
	unsigned caps_off;
	size_t line_max;
	unsigned quirks, connections;
} meetings[] = {
	{ "icloud-qresync", NULL, "imap.mail.me.com", CAP_QRESYNC, 0, 0, 0 },
	{ "icloud-qresync", NULL, "p05-imap.mail.ME.com", CAP_QRESYNC, 0, 0, 0 },
	{ "icloud-esearch", NULL, "imap.icloud.com", CAP_ESEARCH, 0, 0, 0 },
	{ "exchange-list", imap_quirks_greeting,
	  "The Microsoft Exchange IMAP4 service is ready. [TABP]",
	  CAP_LIST_STATUS, 0, 0, 0 },
	{ "exchange-line", imap_quirks_greeting,
	  "The Microsoft Exchange Server 2010 IMAP4 service is ready", 0,
	  4000, 0, 0 },
	{ "cyrus-exporter", imap_quirks_greeting,
	  "mx Cyrus IMAP 2.5.10 server ready", 0, 0, QUIRK_NO_EXPORTER, 0 },
	{ "cyrus-exporter", imap_quirks_greeting,
	  "mx Cyrus IMAP 3.6.1-Debian server ready", 0, 0, QUIRK_NO_EXPORTER, 0 },
	{ "uw-line", imap_quirks_greeting,
	  "localhost IMAP4rev1 2007f.404 at Mon", 0, 1000, 0, 0 },
	{ "yahoo-line", imap_quirks_word, "XYMHIGHESTMODSEQ", 0, 1000, 0, 0 },
	{ "mailutils-login", imap_quirks_word, "AUTH=OPENID20", 0, 0,
	  QUIRK_LOGIN_FIRST, 0 },
	{ "mailutils-append", imap_quirks_word, "AUTH=OPENID20", 0, 0,
	  QUIRK_APPEND_CLOSED, 1 },
	{ "icloud-connections", NULL, "imap.mail.me.com", 0, 0, 0, 2 },
	{ "exchange-connections", imap_quirks_greeting,
	  "The Microsoft Exchange IMAP4 service is ready.", 0, 0, 0, 2 },
	{ "exchange-esearch", imap_quirks_greeting,
	  "The Microsoft Exchange IMAP4 service is ready.", CAP_ESEARCH, 0, 0,
	  0 },
	{ "exchange-sizes", imap_quirks_greeting,
	  "The Microsoft Exchange IMAP4 service is ready.", 0, 0, QUIRK_SIZES,
	  0 },
	{ "exchange-sizes", imap_quirks_greeting,
	  "IMAP4rev1 DavMail 6.2.2-3546 server ready", 0, 0, QUIRK_SIZES, 0 },
	{ "dovecot-guid", imap_quirks_greeting, "Dovecot (Debian) ready.", 0,
	  0, QUIRK_GUID, 0 },
	{ "dovecot-guid", imap_quirks_ident, "Dovecot", 0, 0, QUIRK_GUID, 0 },
	{ "hmailserver-sizes", imap_quirks_greeting, "IMAPrev1", 0, 0,
	  QUIRK_SIZES, 0 },
	{ "yahoo-connections", imap_quirks_word, "XYMHIGHESTMODSEQ", 0, 0, 0,
	  2 },
	{ "gmail-connections", imap_quirks_word, "X-GM-EXT-1", 0, 0, 0, 3 },
	{ "coremail-sasl-ir", imap_quirks_greeting,
	  "Coremail System IMap Server Ready(163com)", CAP_SASL_IR, 0, 0, 0 },
	{ "zimbra-special-use", imap_quirks_greeting,
	  "mail.example.org Zimbra IMAP4rev1 server ready", CAP_SPECIAL_USE, 0,
	  0, 0 },
	{ "proton-esearch", imap_quirks_greeting,
	  "Proton Mail Bridge 03.21.00 - gluon session ID 1", CAP_ESEARCH, 0,
	  0, 0 },
	{ "proton-connections", imap_quirks_greeting,
	  "Proton Mail Bridge 03.21.00 - gluon session ID 1", 0, 0, 0, 2 },
	{ "purelymail-esearch", NULL, "imap.purelymail.com", CAP_ESEARCH, 0,
	  0, 0 },
	{ "ionos-list", NULL, "imap.ionos.de",
	  CAP_LIST_STATUS | CAP_LIST_EXTENDED, 0, 0, 0 },
	{ "strato-list", NULL, "imap.strato.de",
	  CAP_LIST_STATUS | CAP_LIST_EXTENDED, 0, 0, 0 },
	{ "james-qresync", imap_quirks_greeting,
	  "JAMES IMAP4rev1 Server James is ready.", CAP_QRESYNC, 0, 0, 0 },
	{ "zoho-modseq", imap_quirks_greeting,
	  "Zoho Mail IMAP4rev1 Server ready", CAP_CONDSTORE | CAP_QRESYNC, 0,
	  0, 0 },
};

#define MEETINGS	(sizeof(meetings) / sizeof(meetings[0]))

/* It offers everything, and ID has not come yet. */
static struct imap_session
session_at(const char *host, char *const *chosen, size_t n)
{
	struct imap_session s = { .caps = ALL_CAPS, .enabled = ALL_CAPS };

	s.host = (char *)(uintptr_t)host;
	imap_quirks_choose(&s, chosen, n);
	return s;
}

static struct imap_session
meet(const struct meeting *m, char *const *chosen, size_t n)
{
	struct imap_session s = session_at(m->say == NULL ? m->text :
	    "imap.example.org", chosen, n);

	if (m->say != NULL)
		m->say(&s, span_of(m->text));
	return s;
}

static bool
has_effect(const struct imap_session *s, const struct meeting *m)
{
	return (imap_session_caps(s) & m->caps_off) == 0 &&
	    (imap_session_enabled(s) & m->caps_off) == 0 &&
	    (m->line_max == 0 || s->line_max == m->line_max) &&
	    (s->quirks & m->quirks) == m->quirks &&
	    (m->connections == 0 ||
	    imap_quirk_connections(s) == m->connections);
}

static bool
has_none(const struct imap_session *s, const struct meeting *m)
{
	return (imap_session_caps(s) & m->caps_off) == m->caps_off &&
	    (m->line_max == 0 || s->line_max != m->line_max) &&
	    (s->quirks & m->quirks) == 0 &&
	    (m->connections == 0 || imap_quirk_connections(s) == 0);
}

static void
each_row_is_met(void **state)
{
	struct imap_session other = session_at("imap.example.org", NULL, 0);

	(void)state;
	imap_quirks_greeting(&other, span_of("ready"));
	imap_quirks_word(&other, span_of("AUTH=PLAIN"));
	imap_quirks_ident(&other, span_of("Example"));
	assert_int_equal(imap_session_caps(&other), ALL_CAPS);
	assert_int_equal(other.line_max, LIMIT_COMMAND_LINE);
	assert_int_equal(other.quirks, 0);
	for (size_t i = 0; i < MEETINGS; i++) {
		struct imap_session s = meet(&meetings[i], NULL, 0);

		print_message("%s\n", meetings[i].text);
		assert_true(has_effect(&s, &meetings[i]));
	}
}

/* What a server says of itself, and how it says that `Entw&APw-rfe` is not
 * there. */
static const struct absence {
	const char *row;
	void (*say)(struct imap_session *, struct span);
	const char *text, *absent;
} absences[] = {
	{ "courier-absent", imap_quirks_greeting, "Courier-IMAP ready. "
	  "Copyright 1998-2021 Double Precision, Inc.",
	  "Mailbox does not exist, or must be subscribed to." },
	{ "cyrus-absent", imap_quirks_greeting,
	  "mx Cyrus IMAP 3.6.1-Debian server ready",
	  "Mailbox does not exist" },
	{ "cyrus-absent", imap_quirks_ident, "Cyrus IMAPD",
	  "Mailbox does not exist" },
	{ "dovecot-absent", imap_quirks_greeting, "Dovecot (Debian) ready.",
	  "Mailbox doesn't exist: Entw\xc3\xbcrfe (0.001 + 0.000 secs)." },
	{ "dovecot-absent", imap_quirks_ident, "Dovecot",
	  "Mailbox isn't selectable (0.001 + 0.000 secs)." },
	{ "dovecot-absent", imap_quirks_ident, "Dovecot",
	  "Mailbox doesn't exist: Entw&APw-rfe" },
};

#define ABSENCES	(sizeof(absences) / sizeof(absences[0]))

/* Nothing else may be taken for it, whoever says it. */
static const char *const not_absent[] = {
	"", "Permission denied", "Mailbox does not exist.",
	"Mailbox does not exist, or", "mailbox does not exist",
	"Mailbox doesn't exist: ", "Mailbox doesn't exist: Entw&APw-rfe2",
	"Mailbox doesn't exist: Entw&APw-rf", "Mailbox doesn't exist: INBOX",
	"Mailbox doesn't exist: Entw&APw-rfx",
	"Mailbox doesn't exist: Entw&APw-rfe (timed out)",
	"Mailbox doesn't exist: Entw&APw-rfe: Permission denied",
	"Permission denied (0.001 + 0.000 secs).", " secs).", "( secs).",
	"Mailbox isn't",
	"Internal error occurred. Refer to server log for more information.",
	"Entw&APw-rfe doesn't exist.", "Postfach existiert nicht",
};

static bool
is_absent(const struct imap_session *s, const char *text)
{
	return imap_quirk_absent(s, span_of(text), "Entw&APw-rfe");
}

static void
absence_has_the_words_of_the_server(void **state)
{
	(void)state;
	for (size_t i = 0; i < ABSENCES; i++) {
		const struct absence *a = &absences[i];
		struct imap_session s = session_at("h", NULL, 0);

		print_message("%s\n", a->text);
		assert_false(is_absent(&s, a->absent));
		a->say(&s, span_of(a->text));
		assert_true(is_absent(&s, a->absent));
		for (size_t k = 0; k < ABSENCES; k++)
			assert_int_equal(is_absent(&s, absences[k].absent),
			    strcmp(absences[k].row, a->row) == 0);
		for (size_t k = 0; k < sizeof(not_absent) /
		    sizeof(not_absent[0]); k++)
			assert_false(is_absent(&s, not_absent[k]));
	}
}

static void
absence_as_the_configuration_wants_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ABSENCES; i++) {
		const struct absence *a = &absences[i];
		char out[100], *chosen[] = { out + 1 };
		struct imap_session s;

		snprintf(out, sizeof(out), "!%s", a->row);
		s = session_at("h", chosen, 1);
		assert_true(is_absent(&s, a->absent));
		chosen[0] = out;
		s = session_at("h", chosen, 1);
		a->say(&s, span_of(a->text));
		assert_false(is_absent(&s, a->absent));
	}
}

static bool
is_met_here(const char *row)
{
	for (size_t i = 0; i < MEETINGS; i++)
		if (strcmp(meetings[i].row, row) == 0)
			return true;
	for (size_t i = 0; i < ABSENCES; i++)
		if (strcmp(absences[i].row, row) == 0)
			return true;
	return false;
}

/* A row that nothing here meets would be one that nobody has tried. */
static void
each_row_has_a_meeting_and_a_line_in_the_manual(void **state)
{
	static char text[100000];
	FILE *f = fopen("man/syncrc.5", "r");
	const char *row;

	(void)state;
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	for (size_t i = 0; (row = imap_quirk_row_name(i)) != NULL; i++) {
		char item[100];

		print_message("%s\n", row);
		assert_true(is_met_here(row));
		assert_true(imap_quirk_row_exists(row));
		snprintf(item, sizeof(item), "Ql %s", row);
		assert_non_null(strstr(text, item));
	}
	assert_false(imap_quirk_row_exists("nobody"));
}

static void
the_configuration_takes_rows_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < MEETINGS; i++) {
		char out[100], *chosen[] = { out };
		struct imap_session s;

		snprintf(out, sizeof(out), "!%s", meetings[i].row);
		s = meet(&meetings[i], chosen, 1);
		print_message("%s\n", out);
		assert_true(has_none(&s, &meetings[i]));
	}
}

static void
the_configuration_switches_rows_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < MEETINGS; i++) {
		char on[100], out[100];
		char *chosen[] = { out, on }, *and_out[] = { on, out };
		struct imap_session s, off;

		snprintf(on, sizeof(on), "%s", meetings[i].row);
		snprintf(out, sizeof(out), "!%s", meetings[i].row);
		s = session_at("imap.example.org", chosen, 2);
		off = session_at("imap.example.org", and_out, 2);
		print_message("%s\n", on);
		assert_true(has_effect(&s, &meetings[i]));
		assert_true(has_none(&off, &meetings[i]));
	}
}

/* In clear anybody may have said it, to make the login a weaker one. */
static void
words_of_before_tls_do_not_count(void **state)
{
	static char name[] = "mailutils-login";
	char *chosen[] = { name };
	struct imap_session s = session_at("h", NULL, 0);
	struct imap_session wanted = session_at("h", chosen, 1);

	(void)state;
	imap_quirks_word(&s, span_of("AUTH=OPENID20"));
	imap_quirks_greeting(&s, span_of("Microsoft Exchange"));
	imap_quirks_distrust(&s);
	assert_false(imap_quirk_on(&s, QUIRK_LOGIN_FIRST));
	assert_int_equal(s.line_max, 4000);
	imap_quirks_distrust(&wanted);
	assert_true(imap_quirk_on(&wanted, QUIRK_LOGIN_FIRST));
}

/* --- ID on the wire: who it is, and that it is still the same --- */

static uint64_t identity;

static void
note_identity(struct probe *p)
{
	identity = imap_session_identity(p->session);
}

/* The session's identity after such a login. */
static uint64_t
identity_of(const char *words, const char *ident)
{
	char caps[200], id[200];
	const char *script[] = { "S: * OK [CAPABILITY IMAP4rev1] ready",
		"C: LOGIN jane secret", caps, "C: ID (\"name\" \"mailtern\"",
		id, "S: $1 OK done", NULL };
	struct probe p = { 0 };

	snprintf(caps, sizeof(caps), "S: $1 OK [CAPABILITY IMAP4rev1 ID%s] in",
	    words);
	snprintf(id, sizeof(id), "S: * ID %s", ident);
	probe_run(&p, script, note_identity);
	assert_string_equal(p.open_err.msg, "");
	probe_release(&p);
	return identity;
}

static void
the_identity_is_id_and_capabilities(void **state)
{
	const uint64_t base = identity_of(" IDLE UIDPLUS",
	    "(\"name\" \"Dovecot\" \"version\" \"2.3\")");

	(void)state;
	assert_int_not_equal(base, 0);
	/* The order says nothing, nor do a literal and other fields. */
	assert_true(base == identity_of(" UIDPLUS IDLE",
	    "(\"NAME\" \"Dovecot\" \"version\" \"2.3\" \"remote-host\" "
	    "\"192.0.2.7\")"));
	assert_true(base == identity_of(" IDLE UIDPLUS",
	    "(\"support-url\" NIL \"name\" {7}\r\nDovecot \"version\" "
	    "\"2.3\")"));
	assert_true(base != identity_of(" IDLE",
	    "(\"name\" \"Dovecot\" \"version\" \"2.3\")"));
	assert_true(base != identity_of(" IDLE UIDPLUS",
	    "(\"name\" \"Dovecot\" \"version\" \"2.4\")"));
	assert_true(base != identity_of(" IDLE UIDPLUS", "NIL"));
	/* Broken ones are hints that say little, no errors. */
	assert_true(identity_of(" IDLE", "NIL") == identity_of(" IDLE",
	    "(name)"));
	assert_true(identity_of(" IDLE", "(\"name\" \"x\" \"version\" y z)") ==
	    identity_of(" IDLE", "(\"name\" \"x\")"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_is_met),
		cmocka_unit_test(absence_has_the_words_of_the_server),
		cmocka_unit_test(absence_as_the_configuration_wants_it),
		cmocka_unit_test(
		    each_row_has_a_meeting_and_a_line_in_the_manual),
		cmocka_unit_test(the_configuration_takes_rows_out),
		cmocka_unit_test(the_configuration_switches_rows_on),
		cmocka_unit_test(words_of_before_tls_do_not_count),
		cmocka_unit_test(the_identity_is_id_and_capabilities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
