/*
 * What a server says it can do. Words are compared without case; what is not
 * in the table is no business of ours. Doubled words and lines do no harm.
 */
#include "internal.h"

#include "base/hash.h"

static const struct {
	const char *word;
	unsigned cap;
} words[] = {
	{ "IMAP4REV1", CAP_IMAP4REV1 },
	{ "IMAP4REV2", CAP_IMAP4REV2 },
	{ "STARTTLS", CAP_STARTTLS },
	{ "LOGINDISABLED", CAP_LOGINDISABLED },
	{ "SASL-IR", CAP_SASL_IR },
	{ "LITERAL+", CAP_LITERAL_PLUS },
	{ "LITERAL-", CAP_LITERAL_MINUS },
	{ "ENABLE", CAP_ENABLE },
	{ "CONDSTORE", CAP_CONDSTORE },
	/* RFC 7162: who has QRESYNC has the other two. */
	{ "QRESYNC", CAP_QRESYNC | CAP_CONDSTORE | CAP_ENABLE },
	{ "UIDPLUS", CAP_UIDPLUS },
	{ "MOVE", CAP_MOVE },
	{ "ESEARCH", CAP_ESEARCH },
	{ "LIST-EXTENDED", CAP_LIST_EXTENDED },
	{ "LIST-STATUS", CAP_LIST_STATUS },
	{ "SPECIAL-USE", CAP_SPECIAL_USE },
	{ "NAMESPACE", CAP_NAMESPACE },
	{ "ID", CAP_ID },
	{ "IDLE", CAP_IDLE },
	{ "NOTIFY", CAP_NOTIFY },
	{ "MULTIAPPEND", CAP_MULTIAPPEND },
	{ "COMPRESS=DEFLATE", CAP_COMPRESS },
	{ "OBJECTID", CAP_OBJECTID },
	{ "UNSELECT", CAP_UNSELECT },
	{ "SEARCHRES", CAP_SEARCHRES },
	{ "UIDONLY", CAP_UIDONLY },
	{ "X-GM-EXT-1", CAP_GMAIL },
};

static const struct {
	const char *word;
	enum imap_mech mech;
} mechs[] = {
	{ "AUTH=SCRAM-SHA-256-PLUS", MECH_SCRAM_SHA_256_PLUS },
	{ "AUTH=SCRAM-SHA-256", MECH_SCRAM_SHA_256 },
	{ "AUTH=SCRAM-SHA-1-PLUS", MECH_SCRAM_SHA_1_PLUS },
	{ "AUTH=SCRAM-SHA-1", MECH_SCRAM_SHA_1 },
	{ "AUTH=PLAIN", MECH_PLAIN },
	{ "AUTH=LOGIN", MECH_SASL_LOGIN },
};

/* What RFC 9051 builds in; of use where revision 1 is not offered. */
#define REV2_CAPS (CAP_SASL_IR | CAP_LITERAL_MINUS | CAP_ENABLE | \
    CAP_UIDPLUS | CAP_MOVE | CAP_ESEARCH | CAP_LIST_EXTENDED | \
    CAP_LIST_STATUS | CAP_SPECIAL_USE | CAP_NAMESPACE | CAP_IDLE | \
    CAP_UNSELECT | CAP_SEARCHRES)

static bool
next_word(struct span *rest, struct span *word_out)
{
	size_t n = 0;

	while (rest->n > 0 && rest->p[0] == ' ') {
		rest->p++;
		rest->n--;
	}
	while (n < rest->n && rest->p[n] != ' ')
		n++;
	*word_out = (struct span){ rest->p, n };
	rest->p += n;
	rest->n -= n;
	return n > 0;
}

static unsigned
word_cap(struct span word)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (span_ieq(word, words[i].word))
			return words[i].cap;
	return 0;
}

static unsigned
word_mech(struct span word)
{
	for (size_t i = 0; i < sizeof(mechs) / sizeof(mechs[0]); i++)
		if (span_ieq(word, mechs[i].word))
			return 1u << mechs[i].mech;
	return 0;
}

/* "MESSAGELIMIT=1000" (RFC 9738): of that many messages a command goes. */
static void
note_limit(struct imap_session *s, struct span word)
{
	static const char name[] = "MESSAGELIMIT=";
	struct span head = { word.p, sizeof(name) - 1 };
	uint64_t n;

	if (word.n <= head.n || !span_ieq(head, name))
		return;
	word.p += head.n;
	word.n -= head.n;
	if (span_number(word, UINT32_MAX, &n))
		s->message_limit = (uint32_t)n;
}

/* Each telling replaces the one before: RFC 3501 section 6.1.1. */
void
imap_caps_parse(struct imap_session *s, struct span list)
{
	struct span word;

	s->caps = 0;
	s->mechs = 0;
	s->caps_sum = 0;
	s->message_limit = 0;
	while (next_word(&list, &word)) {
		s->caps |= word_cap(word);
		s->mechs |= word_mech(word);
		/* In whatever order they stand. */
		s->caps_sum += fnv1a(FNV1A_START, word.p, word.n);
		note_limit(s, word);
		imap_quirks_word(s, word);
	}
	if ((s->caps & (CAP_IMAP4REV1 | CAP_IMAP4REV2)) == CAP_IMAP4REV2)
		s->caps |= REV2_CAPS;
	s->caps_seen++;
}

void
imap_enabled_parse(struct imap_session *s, struct span list)
{
	struct span word;

	while (next_word(&list, &word)) {
		if (span_ieq(word, "QRESYNC"))
			s->enabled |= CAP_QRESYNC | CAP_CONDSTORE;
		else if (span_ieq(word, "CONDSTORE"))
			s->enabled |= CAP_CONDSTORE;
		else if (span_ieq(word, "UIDONLY"))
			s->enabled |= CAP_UIDONLY;
	}
	s->enabled &= ~s->caps_off & ~s->quirk_caps;
}
