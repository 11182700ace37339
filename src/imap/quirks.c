/*
 * Deviations of named servers, as data: a row each, with its source. A row
 * without an effect can't be: it says what is different, not that something is.
 */
#include "imap/quirks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/log.h"
#include "imap/text.h"
#include "internal.h"

enum where {
	NOWHERE,
	GREETING,	/* its text has this in it */
	HOST,		/* the host's name ends in this */
	WORD,		/* a capability */
	IDENT,		/* "name" or "vendor" of ID begins with this */
};

#define WHO_MOST	5

static const struct row {
	const char *name;
	const char *what;		/* is different, as -v tells it */
	struct {
		enum where where;
		const char *text;
	} who[WHO_MOST];
	unsigned caps_off;
	size_t line_max;		/* 0: as usual */
	unsigned quirks;		/* enum imap_quirk */
	unsigned connections;		/* 0: as usual */
} rows[] = {
	/* Reports in Mailspring-Sync#91 and horde#17. */
	{ "icloud-qresync", "VANISHED names wrong messages",
	  { { HOST, ".mail.me.com" }, { HOST, ".icloud.com" } },
	  CAP_QRESYNC, 0, 0, 0 },
	{ "icloud-esearch", "ESEARCH gives no UIDs",
	  { { HOST, ".mail.me.com" }, { HOST, ".icloud.com" } },
	  CAP_ESEARCH, 0, 0, 0 },
	{ "icloud-connections", "few connections",
	  { { HOST, ".mail.me.com" }, { HOST, ".icloud.com" } }, 0, 0, 0, 2 },
	{ "exchange-list", "LIST ... RETURN is an error",
	  { { GREETING, "Microsoft Exchange" } }, CAP_LIST_STATUS, 0, 0, 0 },
	/* MailKit#2016. */
	{ "exchange-esearch", "ESEARCH gives odd answers",
	  { { GREETING, "Microsoft Exchange" } }, CAP_ESEARCH, 0, 0, 0 },
	/* Mailspring-Sync#5. */
	{ "exchange-line", "long lines are an error",
	  { { GREETING, "Microsoft Exchange" } }, 0, 4000, 0, 0 },
	{ "exchange-connections", "throttles",
	  { { GREETING, "Microsoft Exchange" } }, 0, 0, 0, 2 },
	/* MS-STANOIMAP, unless EnableExactRFC822Size is set; DavMail passes
	   on what Exchange says; vandelay#12, hmailserver#476. */
	{ "exchange-sizes", "sizes are estimates",
	  { { GREETING, "Microsoft Exchange" }, { GREETING, "DavMail" } },
	  0, 0, QUIRK_SIZES, 0 },
	{ "hmailserver-sizes", "sizes are estimates",
	  { { GREETING, "IMAPrev1" } }, 0, 0, QUIRK_SIZES, 0 },
	/* Before 3.8 its SASL binds to tls-unique only, which TLS 1.3 has not;
	   it offers -PLUS even so, and answers NO after three seconds. */
	{ "cyrus-exporter", "no channel binding over TLS 1.3",
	  { { GREETING, "Cyrus IMAP 2." }, { GREETING, "Cyrus IMAP 3.0." },
	    { GREETING, "Cyrus IMAP 3.2." }, { GREETING, "Cyrus IMAP 3.4." },
	    { GREETING, "Cyrus IMAP 3.6." } }, 0, 0, QUIRK_NO_EXPORTER, 0 },
	/* Measured with Courier 5.0, Cyrus 3.6 and Dovecot 2.3; the texts are
	   below. Dovecot has the code in its answers to other commands. */
	{ "courier-absent", "no code where a folder is not there",
	  { { GREETING, "Courier-IMAP" } }, 0, 0, 0, 0 },
	{ "cyrus-absent", "no code where a folder is not there",
	  { { GREETING, "Cyrus IMAP" }, { IDENT, "Cyrus IMAP" } }, 0, 0, 0, 0 },
	{ "dovecot-absent", "no code where a folder is not there",
	  { { GREETING, "Dovecot" }, { IDENT, "Dovecot" } }, 0, 0, 0, 0 },
	/* Since 1.2 (2009), and never offered: asked for alone, for behind a
	   proxy of that name may be anything. */
	{ "dovecot-guid", "messages have an X-GUID",
	  { { GREETING, "Dovecot" }, { IDENT, "Dovecot" } },
	  0, 0, QUIRK_GUID, 0 },
	/* RFC 2683's limit; its buffer. */
	{ "uw-line", "lines of 1000 octets at most",
	  { { GREETING, "IMAP4rev1 2007" } }, 0, 1000, 0, 0 },
	{ "yahoo-line", "lines of 1000 octets at most",
	  { { WORD, "XYMHIGHESTMODSEQ" } }, 0, 1000, 0, 0 },
	{ "yahoo-connections", "few connections",
	  { { WORD, "XYMHIGHESTMODSEQ" } }, 0, 0, 0, 2 },
	/* It turns away the 16th of all clients together. */
	{ "gmail-connections", "few connections",
	  { { WORD, "X-GM-EXT-1" } }, 0, 0, 0, 3 },
	/* mailutils offers every SASL mechanism that exists; for users that
	   are not in the system's password file only LOGIN works. */
	{ "mailutils-login", "of what it offers, LOGIN alone works",
	  { { WORD, "AUTH=OPENID20" } }, 0, 0, QUIRK_LOGIN_FIRST, 0 },
	/* Measured with 3.15 and mbox files: one of two messages is gone, with
	   the folder's UIDVALIDITY, or its flags are. */
	{ "mailutils-append", "what is appended to an open folder may be lost",
	  { { WORD, "AUTH=OPENID20" } }, 0, 0, QUIRK_APPEND_CLOSED, 1 },
	/* himalaya#729. */
	{ "coremail-sasl-ir", "SASL-IR is an error",
	  { { GREETING, "Coremail" } }, CAP_SASL_IR, 0, 0, 0 },
	/* vandelay#5. */
	{ "zimbra-special-use", "LIST RETURN (SPECIAL-USE) is refused",
	  { { GREETING, "Zimbra" } }, CAP_SPECIAL_USE, 0, 0, 0 },
	/* libredesk#282: no UIDs among them; and it hangs up. */
	{ "proton-esearch", "SEARCH RETURN ends the connection",
	  { { GREETING, "Proton Mail Bridge" }, { GREETING, "gluon" } },
	  CAP_ESEARCH, 0, 0, 0 },
	{ "proton-connections", "few connections",
	  { { GREETING, "Proton Mail Bridge" }, { GREETING, "gluon" } },
	  0, 0, 0, 2 },
	{ "purelymail-esearch", "ESEARCH does not say UID",
	  { { HOST, "purelymail.com" } }, CAP_ESEARCH, 0, 0, 0 },
	/* warmbly#407. */
	{ "ionos-list", "LIST ... RETURN is an error",
	  { { HOST, ".ionos.de" }, { HOST, ".ionos.com" },
	    { HOST, ".ionos.co.uk" }, { HOST, ".1und1.de" },
	    { HOST, ".1and1.com" } },
	  CAP_LIST_STATUS | CAP_LIST_EXTENDED, 0, 0, 0 },
	{ "strato-list", "LIST ... RETURN gives nothing",
	  { { HOST, ".strato.de" }, { HOST, ".strato.com" },
	    { GREETING, "RZimapd" } },
	  CAP_LIST_STATUS | CAP_LIST_EXTENDED, 0, 0, 0 },
	/* JAMES-3642, before 3.7: everything old has vanished. */
	{ "james-qresync", "VANISHED names wrong messages",
	  { { GREETING, "JAMES" } }, CAP_QRESYNC, 0, 0, 0 },
	{ "zoho-modseq", "MODSEQ is -1",
	  { { GREETING, "Zoho" } }, CAP_CONDSTORE | CAP_QRESYNC, 0, 0, 0 },
};

#define ROWS	(sizeof(rows) / sizeof(rows[0]))
static_assert(ROWS <= 64, "a bit each");

/*
 * What a server answers about a folder that is not there, where it leaves out
 * NONEXISTENT (RFC 5530); %: the folder's name. Only of servers on which that
 * means nothing else: Exchange says "NAME doesn't exist." of an INBOX, too,
 * that it can't open (rainloop-webmail#1777).
 */
static const struct {
	const char *row, *text;
} absent[] = {
	{ "courier-absent",
	  "Mailbox does not exist, or must be subscribed to." },
	{ "cyrus-absent", "Mailbox does not exist" },
	{ "dovecot-absent", "Mailbox doesn't exist: %" },
	{ "dovecot-absent", "Mailbox isn't selectable" },	/* mbox */
};

/* Refusals that mean: come back later; whatever the command was. */
static const char *const temporary[] = {
	"authenticated but not connected",	/* Exchange */
	"request is throttled",			/* Exchange */
	"server unavailable. 15",		/* Exchange */
	"too many simultaneous connections",	/* Gmail */
	"exceeded command or bandwidth limits",	/* Gmail */
};

static bool
has_text(struct span s, const char *what)
{
	size_t n = strlen(what);

	for (size_t i = 0; n <= s.n && i <= s.n - n; i++)
		if (strncasecmp(s.p + i, what, n) == 0)
			return true;
	return false;
}

static bool
has_tail(struct span s, const char *tail)
{
	size_t n = strlen(tail);

	return s.n >= n && strncasecmp(s.p + s.n - n, tail, n) == 0;
}

static bool
has_head(struct span s, const char *head)
{
	size_t n = strlen(head);

	return s.n >= n && strncasecmp(s.p, head, n) == 0;
}

static bool
is_for(const struct row *row, enum where where, struct span text)
{
	for (size_t i = 0; i < WHO_MOST; i++) {
		const char *what = row->who[i].text;

		if (what == NULL || row->who[i].where != where)
			continue;
		if (where == GREETING ? has_text(text, what) :
		    where == HOST ? has_tail(text, what) :
		    where == WORD ? span_ieq(text, what) :
		    has_head(text, what))
			return true;
	}
	return false;
}

/* From the rows that are on. */
static void
take_effect(struct imap_session *s)
{
	s->quirk_caps = s->quirks = s->quirk_connections = 0;
	s->line_max = LIMIT_COMMAND_LINE;
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *row = &rows[i];

		if ((s->rows_on & ((uint64_t)1 << i)) == 0)
			continue;
		s->quirk_caps |= row->caps_off;
		s->quirks |= row->quirks;
		if (row->line_max != 0 && row->line_max < s->line_max)
			s->line_max = row->line_max;
		if (row->connections != 0)
			s->quirk_connections = row->connections;
	}
	s->enabled &= ~s->quirk_caps;
}

static void
switch_on(struct imap_session *s, uint64_t which)
{
	which &= ~s->rows_on & ~s->rows_out;
	if (which == 0)
		return;
	for (size_t i = 0; i < ROWS; i++)
		if (which & ((uint64_t)1 << i))
			log_info("%s: quirk %s: %s", s->host, rows[i].name,
			    rows[i].what);
	s->rows_on |= which;
	take_effect(s);
}

static void
met(struct imap_session *s, enum where where, struct span text)
{
	uint64_t which = 0;

	for (size_t i = 0; i < ROWS; i++)
		if (is_for(&rows[i], where, text))
			which |= (uint64_t)1 << i;
	switch_on(s, which);
}

static uint64_t
row_bit(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return (uint64_t)1 << i;
	return 0;
}

void
imap_quirks_choose(struct imap_session *s, char *const *list, size_t n)
{
	uint64_t on = 0;

	for (size_t i = 0; i < n; i++) {
		const char *name = list[i];

		if (*name == '!') {
			s->rows_out |= row_bit(name + 1);
			on &= ~row_bit(name + 1);
		} else {
			on |= row_bit(name);
			s->rows_out &= ~row_bit(name);
		}
	}
	s->rows_chosen = on;
	take_effect(s);
	switch_on(s, on);
	met(s, HOST, span_of(s->host));
}

void
imap_quirks_greeting(struct imap_session *s, struct span text)
{
	met(s, GREETING, text);
}

void
imap_quirks_word(struct imap_session *s, struct span word)
{
	met(s, WORD, word);
}

void
imap_quirks_ident(struct imap_session *s, struct span value)
{
	met(s, IDENT, value);
}

/* What was said in clear may have been said by anybody; a row for capabilities
 * could make the login weaker. */
void
imap_quirks_distrust(struct imap_session *s)
{
	for (size_t i = 0; i < ROWS; i++)
		for (size_t k = 0; k < WHO_MOST; k++)
			if (rows[i].who[k].where == WORD)
				s->rows_on &= ~((uint64_t)1 << i);
	s->rows_on |= s->rows_chosen;
	take_effect(s);
}

bool
imap_quirk_on(const struct imap_session *s, enum imap_quirk quirk)
{
	return (s->quirks & (unsigned)quirk) != 0;
}

unsigned
imap_quirk_connections(const struct imap_session *s)
{
	return s->quirk_connections;
}

const char *
imap_quirk_row_name(size_t i)
{
	return i < ROWS ? rows[i].name : NULL;
}

bool
imap_quirk_row_exists(const char *name)
{
	return row_bit(name) != 0;
}

/* "... (0.001 + 0.000 secs)." */
static struct span
without_times(struct span text)
{
	size_t n = text.n;

	if (!has_tail(text, " secs)."))
		return text;
	while (n > 0 && text.p[n - 1] != '(')
		n--;
	return n < 2 || text.p[n - 2] != ' ' ? text :
	    (struct span){ text.p, n - 2 };
}

static bool
is_said_of(struct span text, const char *said, const char *name)
{
	size_t head = strcspn(said, "%"), n = strlen(name);

	if (said[head] == '\0')
		return text.n == head && memcmp(text.p, said, head) == 0;
	return text.n == head + n + strlen(said + head + 1) &&
	    memcmp(text.p, said, head) == 0 &&
	    memcmp(text.p + head, name, n) == 0 &&
	    memcmp(text.p + head + n, said + head + 1, text.n - head - n) == 0;
}

bool
imap_quirk_absent(const struct imap_session *s, struct span text,
    const char *raw)
{
	char *name = imap_utf7_decode(span_of(raw));
	bool is = false;

	text = without_times(text);
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		if (s->rows_on & row_bit(absent[i].row))
			is |= is_said_of(text, absent[i].text, raw) ||
			    (name != NULL && is_said_of(text, absent[i].text,
			    name));
	free(name);
	return is;
}

bool
imap_quirk_temporary(struct span text)
{
	for (size_t i = 0; i < sizeof(temporary) / sizeof(temporary[0]); i++)
		if (has_text(text, temporary[i]))
			return true;
	return false;
}
