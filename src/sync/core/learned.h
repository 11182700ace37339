/* What is learned of a server's hints while they are used. Index lane. */
#ifndef SYNC_CORE_LEARNED_H
#define SYNC_CORE_LEARNED_H

#include "core/run.h"
#include "plan/upload.h"

/* As the index has it. */
int learned_load(struct run *, struct err *);
/* So many bodies came, of which so many had another length than was told. In a
 * transaction. */
int learn_sizes(struct run *, uint64_t got, uint64_t wrong, struct err *);
/* The newest messages are the same, but so many have another size, another date
 * than before. In a transaction of its own. */
int learn_probes(struct run *, size_t sizes, size_t dates, struct err *);
/* Which server it was, how it let us in, and what it offered in vain, as
 * run->met has it. In a transaction. */
int learn_server(struct run *, struct err *);

/* Whether the server knows X-GUID; it is asked once. */
bool learned_guid_is_asked(const struct run *);
bool learned_has_guid(const struct run *);
int learn_guid(struct run *, bool guid, struct err *);

/* In a transaction: a look at all of the folder's messages begins, of which
 * nothing is known. Then: up to which place there was something before it. */
int learn_anew(struct run *, const struct folder *, struct err *);
int learned_anew(struct run *, const struct folder *, int64_t *place_out,
    struct err *);
/* In a transaction: that look has found all that there was. Then: UIDNEXT at
 * that time, 0 while it is not known. */
int learn_listed(struct run *, const struct folder *, struct err *);
int learned_listed(struct run *, const struct folder *, int64_t *uidnext_out,
    struct err *);

/* What is told of the message is what was recorded of it, as far as that can be
 * compared: what is made up each time tells nothing. Any thread. */
bool learned_is_same(const struct learned *, const struct place *,
    const struct imap_fetch *, struct removed_how *out);

/* What it was given came back altered. In a transaction. */
int learn_rewrites(struct run *, struct err *);
/* What lies under the UID that the server told of an upload. In a transaction.
 */
int learn_upload(struct run *, enum upload_is, bool same_head, struct err *);
/* Its word is good, but where the size says otherwise. */
bool learned_uploads_right(const struct learned *);
/* So many of them may be asked for at once. */
int learned_uploads_ask(const struct learned *, int max);

#endif
