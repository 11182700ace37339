/*
 * What makes two messages the same message (design section 3).
 *
 * Canonical form: every line end is CRLF, a missing last one is added, the
 * header fields Status, X-Status, Content-Length and Lines are left out with
 * their continuation lines, header bytes >= 0x80 count as 'X'. A line ends at
 * LF or CRLF; a CR elsewhere is a byte like any other.
 *
 * content = SHA-256 of all of it; head = SHA-256 of the header including the
 * blank line that ends it (without one when there is none); size = its length
 * in octets. Feeding the same message in LF or CRLF form, in any pieces, gives
 * the same fingerprint.
 */
#ifndef MAIL_FINGERPRINT_H
#define MAIL_FINGERPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fingerprint {
	uint8_t content[32];
	uint8_t head[32];
	uint64_t size;		/* canonical octets */
	uint64_t removed;	/* canonical octets of the fields left out */
	uint64_t wire;		/* octets when sent: only line ends CRLF */
	bool has_identity;	/* Message-ID or Date there, not empty */
	bool has_nul;		/* somewhere: no literal can hold it */
	bool partial;		/* has a header X-Mailtern-Partial */
	char message_id[256];	/* unfolded, trimmed, cut; "" when absent */
};

struct fingerprinter;

/*
 * Once, before anything else of OpenSSL, also of TLS: it takes its memory from
 * base/mem. By itself it calls a certificate bad where memory is out, or dies.
 */
void fingerprint_init(void);

struct fingerprinter *fingerprint_new(void);
void fingerprint_add(struct fingerprinter *, const void *, size_t);
/* Each of these frees; NULL may be cancelled. */
void fingerprint_end(struct fingerprinter *, struct fingerprint *out);
void fingerprint_cancel(struct fingerprinter *);

#endif
