/* Headers of messages on the server, or whole messages, as fingerprints: by
 * these it is known which message lies under a UID. */
#ifndef SYNC_OBSERVE_HEADERS_H
#define SYNC_OBSERVE_HEADERS_H

#include "core/run.h"
#include "imap/box.h"

struct header {
	uint32_t uid;
	bool got;		/* it came whole */
	struct fingerprint fp;	/* of the header, or of the message */
	/* headers_compare: with the content that is known of the message. */
	int64_t content;
	enum { HEADER_UNKNOWN, HEADER_SAME, HEADER_OTHER } is;
};

/* Zeroed, then filled by headers_add. */
struct headers {
	struct header *v;
	size_t n, cap;
	struct imap_fetching fetch;
	struct fingerprinter *open;	/* that is arriving */
	struct fingerprint open_fp;
	bool ended;
};

struct header *headers_add(struct headers *, uint32_t uid, int64_t content);
/* One at least; complete as fetch.cmd is. */
void headers_ask(struct headers *, struct imap_session *, struct task *);
/* The same for whole messages, of which nothing is kept. */
void headers_ask_whole(struct headers *, struct imap_session *, struct task *);
/*
 * Index lane. The same message: its header is that of the content, or its
 * Message-ID is, for some servers rewrite headers. UNKNOWN where one of the two
 * is not known.
 */
int headers_compare(struct headers *, struct index *, struct err *);
bool header_is_of(const struct fingerprint *, const struct index_content *);
/* Without regard to Message-ID. */
bool header_has_head(const struct fingerprint *, const struct index_content *);
void headers_release(struct headers *);

#endif
