/* The answer to ID: who the server says that it is (RFC 2971). */
#include "reader.h"

static bool
ident_string(struct cursor *c, struct span *out)
{
	lex_blanks(c);
	return lex_quoted(c, out) || lex_literal(c, out);
}

/* Of fields that have no value, or that nobody asks for, nothing stays. */
static void
ident_field(struct imap_resp *resp, struct span key, struct span value)
{
	if (span_ieq(key, "name"))
		resp->ident.name = value;
	else if (span_ieq(key, "vendor"))
		resp->ident.vendor = value;
	else if (span_ieq(key, "version"))
		resp->ident.version = value;
}

/* What comes behind something broken is not looked at: it is a hint. */
void
ident_parse(struct cursor c, struct imap_resp *resp)
{
	struct span key, value;

	resp->kind = IMAP_ID;
	lex_blanks(&c);
	if (!lex_char(&c, '('))
		return;			/* NIL */
	while (ident_string(&c, &key)) {
		if (ident_string(&c, &value))
			ident_field(resp, key, value);
		else if (!span_ieq(lex_word(&c), "NIL"))
			return;
	}
}
