/*
 * The protocol as -vv shows it. Lines are built from what was understood, not
 * copied from the wire: bodies, continuations and secrets are never in them.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

static const char *
status_word(enum imap_status status)
{
	static const char *const word[] = { "OK", "NO", "BAD", "BYE",
	    "PREAUTH" };

	return word[status];
}

/* The server may repeat what we sent it; the password stays out even so. */
void
imap_show_text(const struct imap_session *s, struct span text,
    char out[IMAP_TEXT_MAX + 4])
{
	char masked[IMAP_TEXT_MAX + 8];
	size_t n;

	if (s->logging_in && imap_secret_is_in(s, text)) {
		snprintf(out, IMAP_TEXT_MAX + 4, "(it repeats the password)");
		return;
	}
	n = imap_secret_mask(s, text, masked, sizeof(masked));
	str_printable(out, IMAP_TEXT_MAX, masked, n);
}

static void
trace_text(const struct imap_session *s, const char *head,
    const struct imap_resp *r)
{
	char text[IMAP_TEXT_MAX + 4], code[IMAP_TEXT_MAX + 4];

	imap_show_text(s, r->text, text);
	imap_show_text(s, r->code.args, code);
	log_debug("S: %s %s %s%s%s%s", head, status_word(r->status),
	    r->code.kind != CODE_NONE ? "[code " : "",
	    r->code.kind != CODE_NONE ? code : "",
	    r->code.kind != CODE_NONE ? "] " : "", text);
}

static void
trace_fetch(const struct imap_resp *r)
{
	const struct imap_fetch *f = &r->fetch;

	log_debug("S: * %" PRIu32 " FETCH uid %" PRIu32 "%s%s%s", f->seq,
	    f->uid, f->has_flags ? " flags" : "", f->has_size ? " size" : "",
	    f->body == BODY_NONE ? "" : f->body == BODY_NIL ? " body NIL" :
	    " body");
}

static void
trace_named(const struct imap_session *s, const char *what, struct span text)
{
	char shown[IMAP_TEXT_MAX + 4];

	imap_show_text(s, text, shown);
	log_debug("S: * %s %s", what, shown);
}

void
imap_trace_resp(const struct imap_session *s, const struct imap_resp *r)
{
	char tag[IMAP_TEXT_MAX + 4];

	if (log_level() < LOG_DEBUG)
		return;
	switch (r->kind) {
	case IMAP_TAGGED:
		imap_show_text(s, r->tag, tag);
		trace_text(s, tag, r);
		break;
	case IMAP_STATUS_LINE:
		trace_text(s, "*", r);
		break;
	case IMAP_CONTINUE:
		log_debug("S: + ...");
		break;
	case IMAP_CAPABILITY:
		trace_named(s, "CAPABILITY", r->caps);
		break;
	case IMAP_ENABLED:
		trace_named(s, "ENABLED", r->caps);
		break;
	case IMAP_ID:
		trace_named(s, "ID", r->ident.name);
		trace_named(s, "ID version", r->ident.version);
		break;
	case IMAP_LIST:
		trace_named(s, "LIST", r->mailbox.name);
		break;
	case IMAP_STATUS:
		trace_named(s, "STATUS", r->mailbox.name);
		break;
	case IMAP_EXISTS:
	case IMAP_EXPUNGE:
		log_debug("S: * %" PRIu64 " %s", r->number,
		    r->kind == IMAP_EXISTS ? "EXISTS" : "EXPUNGE");
		break;
	case IMAP_VANISHED:
		log_debug("S: * VANISHED%s of %" PRIu64 " UIDs",
		    r->vanished.earlier ? " (EARLIER)" : "",
		    uidset_count(&r->vanished.uids));
		break;
	case IMAP_SEARCH:
		log_debug("S: * %s of %" PRIu64 " UIDs",
		    r->search.esearch ? "ESEARCH" : "SEARCH",
		    uidset_count(&r->search.uids));
		break;
	case IMAP_FETCH:
		trace_fetch(r);
		break;
	default:
		break;
	}
}

void
imap_trace_line(const struct imap_session *s, struct imap_line *line)
{
	char text[IMAP_TEXT_MAX + 4];

	if (log_level() < LOG_DEBUG)
		return;
	imap_show_text(s, (struct span){ (const char *)line->shown.data,
	    line->shown.len }, text);
	log_debug("C: %s", text);
}
