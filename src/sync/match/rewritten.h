/* Files whose message the server keeps in another form than they have. */
#ifndef SYNC_MATCH_REWRITTEN_H
#define SYNC_MATCH_REWRITTEN_H

#include "core/pass.h"

/* Unpaired files of a folder by their Message-ID. Zeroed, then filled when it
 * is first asked for. */
struct rewritten {
	bool known;
	struct named_file {
		uint64_t id;		/* hash of the Message-ID */
		int64_t content;
	} *v;
	size_t n, cap;
};

/*
 * Index lane, in a transaction: p is a message of the pass's folder, fp is its
 * fingerprint, and no file has its content. On a server that is known to
 * rewrite, that file becomes its own whose Message-ID no other has, whose Date
 * is the same, and which was known before p: a later one is an edit, and so
 * another message. What was moved or copied there on disk has another message.
 * 1, p's row is written; 0, -1.
 */
int rewritten_join(const struct pass *, struct rewritten *,
    const struct fingerprint *fp, struct place *p, struct err *);
void rewritten_release(struct rewritten *);

#endif
