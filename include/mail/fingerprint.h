/*
 * What makes two messages the same message (design section 3).
 *
 * Canonical form: every line end is CRLF, a missing last one is added; what
 * other programs write into a message is left out: a first line that begins
 * with "From ", and the header fields of a table with their continuation lines.
 * A line ends at LF or CRLF; a CR elsewhere is a byte like any other.
 *
 * content = SHA-256 of all of it; head = SHA-256 of the header including the
 * blank line that ends it (without one when there is none); size = its length
 * in octets. Feeding the same message in LF or CRLF form, in any pieces, gives
 * the same fingerprint.
 *
 * Some servers keep header octets >= 0x80 as 'X'. masked is the same message in
 * that form: it counts where one of the two messages has no such octet.
 *
 * first is what an index of version 6 holds: masked, and with fewer fields left
 * out. What was recorded so is compared with it.
 */
#ifndef MAIL_FINGERPRINT_H
#define MAIL_FINGERPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/text.h"

enum { FORM_FIRST = 1, FORM_NOW };

struct digests {
	uint8_t content[32];
	uint8_t head[32];
};

struct fingerprint {
	uint8_t content[32];
	uint8_t head[32];
	struct digests masked, first;
	bool has_8bit;		/* masked is another one */
	uint64_t size;		/* canonical octets */
	uint64_t removed;	/* canonical octets of the fields left out */
	uint64_t first_size;	/* the same in the first form */
	uint64_t wire;		/* octets when sent: only line ends CRLF */
	bool has_identity;	/* Message-ID or Date there, not empty */
	bool has_nul;		/* somewhere: no literal can hold it */
	bool partial;		/* has a header X-Mailtern-Partial */
	char message_id[256];	/* unfolded, trimmed, cut; "" when absent */
	char subject[MAIL_TEXT_MAX + 1], sender[MAIL_TEXT_MAX + 1];
	bool has_sent;
	int64_t sent;		/* seconds, by Date, else the first Received */
};

struct fingerprinter;

/* What was recorded, with its form, is this message's content. */
bool fingerprint_is(const struct fingerprint *, unsigned form,
    const uint8_t content[32]);

/*
 * Once, before anything else of OpenSSL, also of TLS: it takes its memory from
 * base/mem. By itself it calls a certificate bad where memory is out, or dies.
 */
void fingerprint_init(void);

/* MD5 of a text in lower-case hex, by which OfflineIMAP tells folders apart.
 * "": this system has none. */
void fingerprint_md5(const char *text, char out[33]);

struct fingerprinter *fingerprint_new(void);
void fingerprint_add(struct fingerprinter *, const void *, size_t);
/* Each of these frees; NULL may be cancelled. */
void fingerprint_end(struct fingerprinter *, struct fingerprint *out);
void fingerprint_cancel(struct fingerprinter *);

#endif
