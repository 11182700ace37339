/*
 * Reads server responses from a stream of bytes (RFC 3501 section 9, RFC 9051
 * section 9), sans I/O. Everything a response points to, uid sets too, belongs
 * to the reader and is valid until the next call of imap_reader_next; the data
 * of IMAP_BODY_DATA lies in the input and only until more is added there.
 *
 * A response is collected whole, within LIMIT_RESPONSE, its small literals
 * included. The literal of a BODY[...] item is never collected: it is handed
 * out in pieces as IMAP_BODY_BEGIN, IMAP_BODY_DATA..., IMAP_BODY_END events,
 * and the IMAP_FETCH that follows says BODY_STREAMED. A body is only good when
 * that came: a literal that was announced with the wrong length is noticed
 * behind it. Untagged responses and fetch items that are not known are skipped
 * without error. Very long SEARCH, ESEARCH and VANISHED come as several
 * responses, as if the server had sent them so.
 */
#ifndef IMAP_RESP_H
#define IMAP_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "mail/uidset.h"

enum imap_kind {
	IMAP_UNKNOWN,		/* untagged, not understood: ignore */
	IMAP_TAGGED,		/* tag (may be empty), status, code, text */
	IMAP_CONTINUE,		/* "+": text */
	IMAP_STATUS_LINE,	/* untagged, BYE, PREAUTH: status, code, text */
	IMAP_CAPABILITY,	/* caps */
	IMAP_ENABLED,		/* caps */
	IMAP_LIST,		/* list (also LSUB, XLIST) */
	IMAP_STATUS,		/* mailbox */
	IMAP_NAMESPACE,		/* namespace: the first personal one */
	IMAP_FLAGS,		/* flags */
	IMAP_ID,		/* ident */
	IMAP_EXISTS,		/* number */
	IMAP_EXPUNGE,		/* number */
	IMAP_SEARCH,		/* search (SEARCH or ESEARCH) */
	IMAP_VANISHED,		/* vanished */
	IMAP_FETCH,		/* fetch */
	IMAP_BODY_BEGIN,	/* fetch: uid, seq if known, size, section */
	IMAP_BODY_DATA,		/* data */
	IMAP_BODY_END,
};

enum imap_status { IMAP_OK, IMAP_NO, IMAP_BAD, IMAP_BYE, IMAP_PREAUTH };

enum imap_code_kind {
	CODE_NONE, CODE_UNKNOWN, CODE_ALERT, CODE_CAPABILITY,
	CODE_PERMANENTFLAGS, CODE_READ_ONLY, CODE_READ_WRITE, CODE_TRYCREATE,
	CODE_UIDNEXT, CODE_UIDVALIDITY, CODE_HIGHESTMODSEQ, CODE_NOMODSEQ,
	CODE_CLOSED, CODE_APPENDUID, CODE_COPYUID, CODE_UIDNOTSTICKY,
	CODE_MODIFIED,
	CODE_ALREADYEXISTS, CODE_NONEXISTENT, CODE_OVERQUOTA, CODE_TOOBIG,
	CODE_LIMIT, CODE_CANNOT, CODE_NOPERM, CODE_UNAVAILABLE, CODE_INUSE,
	CODE_EXPUNGEISSUED, CODE_SERVERBUG, CODE_CLIENTBUG, CODE_CORRUPTION,
	CODE_AUTHENTICATIONFAILED, CODE_AUTHORIZATIONFAILED, CODE_EXPIRED,
	CODE_PRIVACYREQUIRED, CODE_CONTACTADMIN, CODE_MAILBOXID,
	CODE_MESSAGELIMIT,
};

struct imap_code {
	enum imap_code_kind kind;
	uint64_t number;	/* UIDNEXT, UIDVALIDITY, HIGHESTMODSEQ; the
				   UIDVALIDITY of APPENDUID and COPYUID; the
				   last UID of MESSAGELIMIT, or 0 */
	struct uidset uids;	/* APPENDUID; the source of COPYUID; MODIFIED.
				   COPYUID: as many as in to, maybe none */
	struct uidset to;	/* the destination of COPYUID */
	struct span args;	/* what stands behind the word, raw */
};

struct imap_flags {			/* FLAGS, PERMANENTFLAGS */
	unsigned flags;			/* FLAG_* of mail/flags.h */
	const char *keywords;		/* canonical */
	bool any;			/* \* */
};

struct imap_fetch {
	uint32_t seq;
	uint32_t uid;			/* 0: not given */
	bool has_flags, has_size, has_date, has_modseq;
	unsigned flags;
	const char *keywords;		/* canonical, when has_flags */
	uint32_t size;			/* RFC822.SIZE */
	int64_t date;			/* INTERNALDATE, UTC seconds */
	uint64_t modseq;
	/* Of EMAILID, X-GM-MSGID or X-GUID, hashed: copies of a message on the
	 * server have that of the message. 0: not given. */
	int64_t lineage;
	enum imap_body { BODY_NONE, BODY_NIL, BODY_INLINE, BODY_STREAMED } body;
	/* "" or "HEADER" ..., as sent; with origin "]<0>", "HEADER]<0>". */
	struct span section;
	struct span data;		/* BODY_INLINE: unquoted, unescaped */
};

struct imap_mailbox_item {		/* LIST, STATUS */
	struct span name;		/* raw, as sent, unquoted */
	char delimiter;			/* 0: NIL */
	bool noselect, nonexistent, noinferiors, subscribed;
	enum imap_use {
		USE_NONE, USE_ALL, USE_ARCHIVE, USE_DRAFTS, USE_FLAGGED,
		USE_JUNK, USE_SENT, USE_TRASH,
	} use;
	/* STATUS: has_* says what was there */
	bool has_messages, has_uidnext, has_uidvalidity, has_modseq, has_guid;
	uint32_t messages, uidnext;
	uint64_t uidvalidity;
	uint64_t modseq;
};

struct imap_search {
	struct uidset uids;
	bool has_count, esearch;
	bool uid;			/* ESEARCH says that these are UIDs */
	struct span tag;		/* of the command answered; or empty */
	uint32_t count;
};

struct imap_resp {
	enum imap_kind kind;
	struct span tag;
	enum imap_status status;
	struct imap_code code;
	struct span text;
	uint64_t number;
	struct span caps;			/* words separated by blanks */
	/* LIST, STATUS; NAMESPACE: name is the prefix. */
	struct imap_mailbox_item mailbox;
	struct imap_flags flags;
	struct { struct span name, vendor, version; } ident;	/* maybe none */
	struct imap_search search;
	struct { bool earlier; struct uidset uids; } vanished;
	/* FETCH; of BODY_BEGIN uid, seq, size and section. */
	struct imap_fetch fetch;
	struct span data;			/* BODY_DATA */
};

/*
 * A UIDVALIDITY: a number of any length, although the RFCs say 32 bits
 * (milliseconds have been seen). Those up to IMAP_VALIDITY_EXACT are what they
 * are; of a longer one this is a sum, which is good for telling it from others
 * and can't be sent. 0 is none. False: no number.
 */
#define IMAP_VALIDITY_EXACT	(UINT64_MAX >> 2)
bool imap_validity(struct span digits, uint64_t *out);

struct imap_reader;

struct imap_reader *imap_reader_new(void);
void imap_reader_free(struct imap_reader *);

/*
 * Consumes from in. 1: *resp_out holds a response; 0: more bytes are needed;
 * -1 (ERR_PROTO): these bytes can never become a response, or pass a limit;
 * the connection must be dropped.
 */
int imap_reader_next(struct imap_reader *, struct buf *in,
    struct imap_resp *resp_out, struct err *);

/* In the middle of a response (for "connection cut" messages). */
bool imap_reader_partial(const struct imap_reader *);

#endif
