/*
 * Feeds bytes to a reader and writes what it says as text, one line an event.
 * The pieces of a body become one line, however they come.
 */
#ifndef IMAP_EVENTS_H
#define IMAP_EVENTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "imap/resp.h"

struct events {
	struct imap_reader *reader;
	struct buf in, log;
	bool in_body;
	int rc;			/* the last one of imap_reader_next */
	struct err err;
};

static void
events_init(struct events *e)
{
	*e = (struct events){ .reader = imap_reader_new() };
	buf_init(&e->in, 64u << 20);
	buf_init(&e->log, 64u << 20);
}

static void
events_release(struct events *e)
{
	imap_reader_free(e->reader);
	buf_release(&e->in);
	buf_release(&e->log);
}

static void
events_span(struct events *e, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c < 0x7f && c != '%')
			buf_add(&e->log, &c, 1);
		else
			buf_addf(&e->log, "%%%02x", c);
	}
}

static void
events_field(struct events *e, const char *name, struct span s)
{
	buf_addf(&e->log, " %s=<", name);
	events_span(e, s);
	buf_add_str(&e->log, ">");
}

static void
events_set(struct events *e, const char *name, const struct uidset *set)
{
	size_t at = 0;

	buf_addf(&e->log, " %s=", name);
	uidset_format(set, &at, SIZE_MAX, &e->log);
}

static void
events_flags(struct events *e, unsigned flags, const char *keywords)
{
	buf_addf(&e->log, " flags=%02x(%s)", flags, keywords);
}

static void
events_text(struct events *e, const struct imap_resp *r)
{
	static const char *const status[] = {
		"OK", "NO", "BAD", "BYE", "PREAUTH",
	}, *const code[] = {
		"none", "UNKNOWN", "ALERT", "CAPABILITY", "PERMANENTFLAGS",
		"READ-ONLY", "READ-WRITE", "TRYCREATE", "UIDNEXT",
		"UIDVALIDITY", "HIGHESTMODSEQ", "NOMODSEQ", "CLOSED",
		"APPENDUID", "COPYUID", "UIDNOTSTICKY", "MODIFIED",
		"ALREADYEXISTS", "NONEXISTENT", "OVERQUOTA", "TOOBIG",
		"LIMIT", "CANNOT", "NOPERM", "UNAVAILABLE", "INUSE",
		"EXPUNGEISSUED", "SERVERBUG", "CLIENTBUG", "CORRUPTION",
		"AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED",
		"PRIVACYREQUIRED", "CONTACTADMIN", "MAILBOXID",
	};

	buf_addf(&e->log, " %s", status[r->status]);
	if (r->code.kind != CODE_NONE) {
		buf_addf(&e->log, " [%s %llu]", code[r->code.kind],
		    (unsigned long long)r->code.number);
		events_field(e, "args", r->code.args);
	}
	if (r->code.uids.n > 0)
		events_set(e, "uids", &r->code.uids);
	if (r->code.to.n > 0)
		events_set(e, "to", &r->code.to);
	if (r->flags.keywords != NULL) {
		events_flags(e, r->flags.flags, r->flags.keywords);
		buf_add_str(&e->log, r->flags.any ? "*" : "");
	}
	if (r->caps.n > 0)
		events_field(e, "caps", r->caps);
	events_field(e, "text", r->text);
}

static void
events_mailbox(struct events *e, const struct imap_mailbox_item *m)
{
	events_field(e, "name", m->name);
	if (m->delimiter != '\0')
		buf_addf(&e->log, " delimiter=%c", m->delimiter);
	buf_addf(&e->log, "%s%s%s%s", m->noselect ? " noselect" : "",
	    m->nonexistent ? " nonexistent" : "",
	    m->noinferiors ? " noinferiors" : "",
	    m->subscribed ? " subscribed" : "");
	if (m->use != USE_NONE)
		buf_addf(&e->log, " use=%d", (int)m->use);
	if (m->has_messages)
		buf_addf(&e->log, " messages=%u", m->messages);
	if (m->has_uidnext)
		buf_addf(&e->log, " uidnext=%u", m->uidnext);
	if (m->has_uidvalidity)
		buf_addf(&e->log, " uidvalidity=%llu",
		    (unsigned long long)m->uidvalidity);
	if (m->has_modseq)
		buf_addf(&e->log, " modseq=%llu",
		    (unsigned long long)m->modseq);
}

static void
events_fetch(struct events *e, const struct imap_fetch *f)
{
	static const char *const body[] = { "", " nil", " inline", " streamed" };

	buf_addf(&e->log, " seq=%u uid=%u", f->seq, f->uid);
	if (f->has_flags)
		events_flags(e, f->flags, f->keywords);
	if (f->has_size)
		buf_addf(&e->log, " size=%u", f->size);
	if (f->has_date)
		buf_addf(&e->log, " date=%lld", (long long)f->date);
	if (f->has_modseq)
		buf_addf(&e->log, " modseq=%llu",
		    (unsigned long long)f->modseq);
	buf_add_str(&e->log, body[f->body]);
	if (f->body != BODY_NONE)
		events_field(e, "section", f->section);
	if (f->body == BODY_INLINE)
		events_field(e, "data", f->data);
}

static void
events_add(struct events *e, const struct imap_resp *r)
{
	static const char *const names[] = {
		"UNKNOWN", "TAGGED", "CONTINUE", "LINE", "CAPABILITY",
		"ENABLED", "LIST", "STATUS", "NAMESPACE", "FLAGS", "ID",
		"EXISTS", "EXPUNGE", "SEARCH", "VANISHED", "FETCH", "BEGIN", "DATA", "END",
	};

	if (r->kind == IMAP_BODY_DATA) {
		assert_true(r->data.n > 0);
		events_span(e, r->data);
		return;
	}
	if (e->in_body)
		buf_add_str(&e->log, "\n");
	e->in_body = r->kind == IMAP_BODY_BEGIN;
	buf_add_str(&e->log, names[r->kind]);
	switch (r->kind) {
	case IMAP_TAGGED:
		events_field(e, "tag", r->tag);
		events_text(e, r);
		break;
	case IMAP_CONTINUE:
		events_field(e, "text", r->text);
		break;
	case IMAP_STATUS_LINE:
		events_text(e, r);
		break;
	case IMAP_CAPABILITY:
	case IMAP_ENABLED:
		events_field(e, "caps", r->caps);
		break;
	case IMAP_LIST:
	case IMAP_STATUS:
	case IMAP_NAMESPACE:
		events_mailbox(e, &r->mailbox);
		break;
	case IMAP_ID:
		events_field(e, "name", r->ident.name);
		events_field(e, "vendor", r->ident.vendor);
		events_field(e, "version", r->ident.version);
		break;
	case IMAP_FLAGS:
		events_flags(e, r->flags.flags, r->flags.keywords);
		buf_add_str(&e->log, r->flags.any ? "*" : "");
		break;
	case IMAP_EXISTS:
	case IMAP_EXPUNGE:
		buf_addf(&e->log, " %llu", (unsigned long long)r->number);
		break;
	case IMAP_SEARCH:
		buf_add_str(&e->log, r->search.esearch ? " esearch" : "");
		buf_add_str(&e->log, r->search.uid ? " uid" : "");
		if (r->search.has_count)
			buf_addf(&e->log, " count=%u", r->search.count);
		events_set(e, "uids", &r->search.uids);
		break;
	case IMAP_VANISHED:
		buf_add_str(&e->log, r->vanished.earlier ? " earlier" : "");
		events_set(e, "uids", &r->vanished.uids);
		break;
	case IMAP_FETCH:
		events_fetch(e, &r->fetch);
		break;
	case IMAP_BODY_BEGIN:
		buf_addf(&e->log, " seq=%u uid=%u size=%u", r->fetch.seq,
		    r->fetch.uid, r->fetch.size);
		events_field(e, "section", r->fetch.section);
		buf_add_str(&e->log, " ");
		return;
	default:
		break;
	}
	buf_add_str(&e->log, "\n");
}

/* All events that these further bytes bring. */
static void
events_feed(struct events *e, const void *bytes, size_t n)
{
	struct imap_resp resp;

	assert_true(buf_add(&e->in, bytes, n));
	while ((e->rc = imap_reader_next(e->reader, &e->in, &resp,
	    &e->err)) == 1)
		events_add(e, &resp);
	if (e->rc < 0)
		assert_int_equal(e->err.kind, ERR_PROTO);
	else
		assert_int_equal(e->in.len, 0);
}

/*
 * The bytes give exactly these events, whole and one by one; rc at the end.
 */
static void
events_expect_bytes(const char *bytes, size_t n, const char *want, int rc)
{
	for (int single = 0; single < 2; single++) {
		struct events e;

		events_init(&e);
		if (single) {
			for (size_t i = 0; i < n && e.rc == 0; i++)
				events_feed(&e, bytes + i, 1);
		} else {
			events_feed(&e, bytes, n);
		}
		assert_string_equal(buf_str(&e.log), want);
		assert_int_equal(e.rc, rc);
		events_release(&e);
	}
}

/* Whole responses, all well. */
#define EVENTS(bytes, want) \
	events_expect_bytes((bytes), sizeof(bytes) - 1, (want), 0)
/* Refused after these events. */
#define REFUSED(bytes, want) \
	events_expect_bytes((bytes), sizeof(bytes) - 1, (want), -1)

#endif
