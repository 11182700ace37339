/* Parses "[CODE arguments] text" behind OK, NO, BAD, BYE and PREAUTH. */
#include "reader.h"

#include <string.h>

#define MODSEQ_MAX	INT64_MAX

static const struct {
	const char *name;
	enum imap_code_kind kind;
} codes[] = {
	{ "ALERT", CODE_ALERT },
	{ "ALREADYEXISTS", CODE_ALREADYEXISTS },
	{ "APPENDUID", CODE_APPENDUID },
	{ "AUTHENTICATIONFAILED", CODE_AUTHENTICATIONFAILED },
	{ "AUTHORIZATIONFAILED", CODE_AUTHORIZATIONFAILED },
	{ "CANNOT", CODE_CANNOT },
	{ "CAPABILITY", CODE_CAPABILITY },
	{ "CLIENTBUG", CODE_CLIENTBUG },
	{ "CLOSED", CODE_CLOSED },
	{ "CONTACTADMIN", CODE_CONTACTADMIN },
	{ "COPYUID", CODE_COPYUID },
	{ "CORRUPTION", CODE_CORRUPTION },
	{ "EXPIRED", CODE_EXPIRED },
	{ "EXPUNGEISSUED", CODE_EXPUNGEISSUED },
	{ "HIGHESTMODSEQ", CODE_HIGHESTMODSEQ },
	{ "INUSE", CODE_INUSE },
	{ "LIMIT", CODE_LIMIT },
	{ "MAILBOXID", CODE_MAILBOXID },
	{ "MESSAGELIMIT", CODE_MESSAGELIMIT },
	{ "MODIFIED", CODE_MODIFIED },
	{ "NOMODSEQ", CODE_NOMODSEQ },
	{ "NONEXISTENT", CODE_NONEXISTENT },
	{ "NOPERM", CODE_NOPERM },
	{ "OVERQUOTA", CODE_OVERQUOTA },
	{ "PERMANENTFLAGS", CODE_PERMANENTFLAGS },
	{ "PRIVACYREQUIRED", CODE_PRIVACYREQUIRED },
	{ "READ-ONLY", CODE_READ_ONLY },
	{ "READ-WRITE", CODE_READ_WRITE },
	{ "SERVERBUG", CODE_SERVERBUG },
	{ "TOOBIG", CODE_TOOBIG },
	{ "TRYCREATE", CODE_TRYCREATE },
	{ "UIDNEXT", CODE_UIDNEXT },
	{ "UIDNOTSTICKY", CODE_UIDNOTSTICKY },
	{ "UIDVALIDITY", CODE_UIDVALIDITY },
	{ "UNAVAILABLE", CODE_UNAVAILABLE },
};

static enum imap_code_kind
code_find(struct span word)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (span_ieq(word, codes[i].name))
			return codes[i].kind;
	return word.n > 0 ? CODE_UNKNOWN : CODE_NONE;
}

/* What an octet of a code stands in. */
struct nesting {
	unsigned brackets, parens;
	bool quoted;
};

/* Goes on by one octet: is it the "]" that ends the code? */
static bool
closes_code(struct nesting *around, char c)
{
	if (c == '"')
		around->quoted = !around->quoted;
	else if (around->quoted)
		return false;
	else if (c == '(')
		around->parens++;
	else if (c == ')' && around->parens > 0)
		around->parens--;
	else if (c == '[' && around->parens == 0)
		around->brackets++;
	else if (c == ']' && around->parens == 0)
		return around->brackets-- == 0;
	return false;
}

/*
 * Where the "]" of a code is, c standing behind its "[". Arguments may contain
 * quotes and brackets (extensions), and flags with a "]" in them (Gmail). When
 * that does not add up, as with the raw bytes that Cyrus 3.6 sends for a
 * MAILBOXID, the first "]" is taken. NULL: there is none.
 */
static char *
code_bracket(struct cursor c)
{
	struct nesting around = { 0 };
	char *p;

	for (p = c.p; p < c.end; p++) {
		if (around.quoted && *p == '\\' && p + 1 < c.end)
			p++;
		else if (closes_code(&around, *p))
			return p;
	}
	return c.p < c.end ? memchr(c.p, ']', (size_t)(c.end - c.p)) : NULL;
}

/*
 * "2:4,7": each above the one before. Whose order counts, and was another,
 * can't be told any more when it is a set.
 */
static bool
is_ascending(struct span s)
{
	uint64_t uid, least = 1;
	size_t n;

	while (s.n > 0) {
		for (n = 0; n < s.n && s.p[n] != ',' && s.p[n] != ':'; n++)
			;
		if (!span_number((struct span){ s.p, n }, UINT32_MAX, &uid) ||
		    uid < least)
			return false;
		/* "7:7" is sloppy, but clear. */
		least = n < s.n && s.p[n] == ':' ? uid : uid + 1;
		n += n < s.n;
		s.p += n;
		s.n -= n;
	}
	return true;
}

/* A set of UIDs that exist: '*' is no answer. */
static bool
code_set(struct cursor *c, bool ordered, struct uidset *set)
{
	struct span s;

	lex_blanks(c);
	s = lex_until(c, " ");
	return s.n > 0 && memchr(s.p, '*', s.n) == NULL &&
	    (!ordered || is_ascending(s)) && uidset_parse(set, s) == 0;
}

static bool
code_number(struct cursor *c, uint64_t max, uint64_t *out)
{
	lex_blanks(c);
	return span_number(lex_until(c, " "), max, out);
}

static bool
code_validity(struct cursor *c, uint64_t *out)
{
	lex_blanks(c);
	return imap_validity(lex_until(c, " "), out);
}

/*
 * "COPYUID validity from to". Both sets empty means that nothing was copied.
 * Pairs that don't pair are of no use to anybody. "APPENDUID validity uids" are
 * those of the messages in their order.
 */
static bool
code_uids(struct imap_reader *r, struct cursor c, struct imap_code *code)
{
	bool both = code->kind == CODE_COPYUID;

	if (!code_validity(&c, &code->number))
		return false;
	lex_blanks(&c);
	if (both && c.p == c.end)
		return true;
	if (!code_set(&c, !both, &r->uids) ||
	    (both && !code_set(&c, false, &r->to)))
		return false;
	lex_blanks(&c);
	return c.p == c.end &&
	    (!both || uidset_count(&r->uids) == uidset_count(&r->to));
}

/* False: the arguments are not what the word promises. */
static bool
code_args(struct imap_reader *r, struct cursor c, struct imap_resp *resp)
{
	struct imap_code *code = &resp->code;

	switch (code->kind) {
	case CODE_UIDVALIDITY:
		return code_validity(&c, &code->number);
	case CODE_UIDNEXT:
		return code_number(&c, UINT32_MAX, &code->number);
	case CODE_HIGHESTMODSEQ:
		return code_number(&c, MODSEQ_MAX, &code->number);
	case CODE_MESSAGELIMIT:
		if (!code_number(&c, UINT32_MAX, &code->number))
			return false;
		lex_blanks(&c);
		if (c.p == c.end)
			code->number = 0;
		return c.p == c.end ||
		    code_number(&c, UINT32_MAX, &code->number);
	case CODE_APPENDUID:
	case CODE_COPYUID:
		return code_uids(r, c, code);
	case CODE_MODIFIED:
		return code_set(&c, false, &r->uids);
	case CODE_PERMANENTFLAGS:
		return words_flag_list(r, &c, &resp->flags);
	case CODE_CAPABILITY:
		resp->caps = code->args = words_squeeze(c);
		return true;
	default:
		return true;
	}
}

void
code_parse(struct imap_reader *r, struct cursor c, struct imap_resp *resp)
{
	struct imap_code *code = &resp->code;
	struct cursor in;

	lex_blanks(&c);
	in = c;
	if (lex_char(&in, '[') && (in.end = code_bracket(in)) != NULL) {
		c.p = in.end + 1;
		lex_blanks(&c);
		lex_blanks(&in);
		code->kind = code_find(lex_word(&in));
		lex_blanks(&in);
		while (in.end > in.p && in.end[-1] == ' ')
			in.end--;
		code->args = (struct span){ in.p, (size_t)(in.end - in.p) };
		if (!code_args(r, in, resp)) {
			code->kind = CODE_UNKNOWN;
			code->number = 0;
			uidset_clear(&r->uids);
			uidset_clear(&r->to);
		}
		code->uids = r->uids;
		code->to = r->to;
	}
	resp->text = (struct span){ c.p, (size_t)(c.end - c.p) };
}
