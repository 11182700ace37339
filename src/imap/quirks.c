/*
 * Deviations of named servers, as data. Nothing elsewhere asks which server it
 * talks to. Sources: reports against the products named in each line.
 */
#include "internal.h"

#include <string.h>
#include <strings.h>

enum where { GREETING, HOST_TAIL, WORD };

static const struct quirk {
	enum where where;
	const char *what;
	unsigned caps_off;
	size_t line_max;		/* 0: as usual */
	unsigned flags;
} quirks[] = {
	/* iCloud: VANISHED with wrong UIDs, ESEARCH without a result. */
	{ HOST_TAIL, ".mail.me.com", CAP_QRESYNC | CAP_ESEARCH, 0, 0 },
	{ HOST_TAIL, ".icloud.com", CAP_QRESYNC | CAP_ESEARCH, 0, 0 },
	/* Exchange errors out on long lines and on LIST ... RETURN. */
	{ GREETING, "Microsoft Exchange", CAP_LIST_STATUS, 4000, 0 },
	/* Before 3.8 its SASL binds to tls-unique only, which TLS 1.3 has not;
	   it offers -PLUS even so, and answers NO after three seconds. */
	{ GREETING, "Cyrus IMAP 2.", 0, 0, QUIRK_NO_EXPORTER },
	{ GREETING, "Cyrus IMAP 3.0.", 0, 0, QUIRK_NO_EXPORTER },
	{ GREETING, "Cyrus IMAP 3.2.", 0, 0, QUIRK_NO_EXPORTER },
	{ GREETING, "Cyrus IMAP 3.4.", 0, 0, QUIRK_NO_EXPORTER },
	{ GREETING, "Cyrus IMAP 3.6.", 0, 0, QUIRK_NO_EXPORTER },
	/* UW and Panda imapd: lines of 1000 octets. */
	{ GREETING, "IMAP4rev1 2007", 0, 1000, 0 },
	{ WORD, "XYMHIGHESTMODSEQ", 0, 1000, 0 },	/* Yahoo, AOL */
	/* mailutils offers every SASL mechanism that exists; for users that
	   are not in the system's password file only LOGIN works. */
	{ WORD, "AUTH=OPENID20", 0, 0, QUIRK_LOGIN_FIRST },
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
has_tail(const char *s, const char *tail)
{
	size_t n = strlen(s), k = strlen(tail);

	return n >= k && strcasecmp(s + n - k, tail) == 0;
}

static void
apply(struct imap_session *s, const struct quirk *q)
{
	s->caps_off |= q->caps_off;
	s->quirks |= q->flags;
	if (q->line_max != 0 && q->line_max < s->line_max)
		s->line_max = q->line_max;
}

void
imap_quirks_apply(struct imap_session *s, struct span greeting)
{
	for (size_t i = 0; i < sizeof(quirks) / sizeof(quirks[0]); i++) {
		const struct quirk *q = &quirks[i];

		if ((q->where == GREETING && has_text(greeting, q->what)) ||
		    (q->where == HOST_TAIL && has_tail(s->host, q->what)))
			apply(s, q);
	}
}

void
imap_quirks_word(struct imap_session *s, struct span word)
{
	for (size_t i = 0; i < sizeof(quirks) / sizeof(quirks[0]); i++)
		if (quirks[i].where == WORD && span_ieq(word, quirks[i].what))
			apply(s, &quirks[i]);
}

bool
imap_quirk_temporary(struct span text)
{
	for (size_t i = 0; i < sizeof(temporary) / sizeof(temporary[0]); i++)
		if (has_text(text, temporary[i]))
			return true;
	return false;
}
