/*
 * Puts messages into a folder, a durable batch at a time: each is written to
 * tmp/, then one sync for all, then all are renamed to new/ or cur/ (never over
 * an existing file), then the directories are synced. Nothing is visible before
 * it is durable; a failed sync discards the batch.
 */
#ifndef MAILDIR_DELIVER_H
#define MAILDIR_DELIVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "mail/fingerprint.h"
#include "mail/state.h"
#include "maildir/maildir.h"

struct maildir_batch;
struct maildir_delivery;

/* Clears tmp/ of what a killed run left, once; but not when batches of the
 * folder are under way (more): they move its files meanwhile. */
struct maildir_batch *maildir_batch_new(struct maildir *, const char *path,
    bool more);

/*
 * The same for the folder's place in the attic (attic.h), on the day of now:
 * for messages that have no file which could be moved there. Under the lock.
 */
struct maildir_batch *maildir_batch_for_attic(struct maildir *,
    const char *path, int64_t now);

/* Begins a message. The bytes that follow are wire form (CRLF). They are
 * stored with LF line ends, or as received where that would not restore them
 * on the way back (a bare LF, or CR before CRLF). */
int maildir_deliver_begin(struct maildir_batch *, struct maildir_delivery **out,
    struct err *);
int maildir_deliver_data(struct maildir_delivery *, const void *, size_t,
    struct err *);
int maildir_deliver_end(struct maildir_delivery *, struct fingerprint *out,
    struct err *);
/* In place of data and end: all that the file holds, octet by octet. ERR_STALE
 * where it can't be read; the delivery is to be dropped then. */
int maildir_deliver_copy(struct maildir_delivery *, int fd,
    struct fingerprint *out, struct err *);
/* Its name gets these letters, too, as far as they are not ours
 * (maildir/name.h), and then it goes to cur/. Before it is placed. */
void maildir_deliver_letters(struct maildir_delivery *, struct span letters);
/* Then either: where it goes (flags in the name; new/ when neither FLAG_SEEN
 * nor any other flag is set, else cur/), mtime = date ... */
int maildir_deliver_place(struct maildir_delivery *, unsigned flags,
    const int64_t *date, struct err *);
/*
 * ... or, of a batch for the attic, under that very name. One that is there
 * already, with the same content, takes its place, durably. ERR_REFUSED:
 * something else has that name on that day.
 */
struct maildir_keeping {
	const char *file;
	unsigned form;			/* as fingerprint_is takes both */
	const uint8_t *content;
};
int maildir_deliver_keep(struct maildir_delivery *,
    const struct maildir_keeping *, const int64_t *date, struct err *);
/* Is it there before anything was delivered? 1, durably; 0; -1. */
int maildir_batch_keeps(struct maildir_batch *, const struct maildir_keeping *,
    struct err *);
/* ... or away with it. */
void maildir_deliver_drop(struct maildir_delivery *);

/*
 * Sync, rename, sync, for batches of one Maildir. Of a batch that failed
 * nothing counts as delivered, and what was already renamed is taken back where
 * that is possible. Each has its own result; several share syncs, and one that
 * failed is that of all it was for.
 */
struct maildir_commit {
	struct maildir_batch *batch;
	int result;
	struct err err;
};
void maildir_batches_commit(struct maildir_commit *, size_t n);
/* After the commit. */
const char *maildir_delivery_file(const struct maildir_delivery *,
    bool *in_new_out);
/* What stat will say of it; from maildir_deliver_place on. */
const struct file_hint *maildir_delivery_hint(const struct maildir_delivery *);
/* Frees all deliveries too; what was not committed is removed from tmp/. */
void maildir_batch_free(struct maildir_batch *);

#endif
