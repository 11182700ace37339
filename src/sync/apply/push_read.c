/*
 * Reads what is to be pushed, on the disk lane: its fingerprint, and small
 * messages into memory. It is made durable, for the server may depend on it; or
 * it is found to be nothing that can be sent.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "maildir/look.h"
#include "apply/push.h"

#define PUSH_MEMORY	(5u << 20)	/* of a batch's bodies */

struct maildir_message
push_message(const struct push *p, const struct pushed *m)
{
	return (struct maildir_message){
		p->pass.folder->row.path, m->row.place.in_new,
		    m->row.place.file,
	};
}

/* Of the very bytes that are sent: somebody may edit the file meanwhile. */
static void
digest_body(struct pushed *m, size_t size)
{
	struct fingerprinter *f = fingerprint_new();

	fingerprint_add(f, m->body, size);
	fingerprint_end(f, &m->fp);
}

/*
 * 1: its body is in memory; 0: it takes more than room; -1. The last octet of
 * the buffer shows that there is no more.
 */
static int
load(struct maildir_source *s, struct pushed *m, size_t room, struct err *err)
{
	size_t n = 0, size = (size_t)m->row.place.hint.size;
	ssize_t got;

	size += size / 16 + 1024;	/* CRs come in */
	do {
		if (size > room)
			return 0;
		m->body = xreallocarray(m->body, size, 1);
		got = maildir_source_read(s, m->body + n, size - n, err);
		if (got > 0)
			n += (size_t)got;
		if (n == size)
			size *= 2;
	} while (got > 0);
	if (got < 0 || maildir_source_unchanged(s, err) == -1)
		return -1;
	m->body = xreallocarray(m->body, n + 1, 1);
	digest_body(m, n);
	return 1;
}

/* Why this message will never go, or NULL. */
static const char *
unsendable(const struct fingerprint *fp)
{
	if (fp->wire == 0)
		return "the file is empty";
	if (fp->has_nul)
		return "it holds a NUL byte, which IMAP can't carry";
	if (fp->wire > LIMIT_MESSAGE)
		return "it is larger than IMAP can carry (4 GiB)";
	if (fp->partial)
		return "it is a partial message (X-Mailtern-Partial)";
	return NULL;
}

static int
prepare_open(struct push *p, struct pushed *m, struct maildir_source *s,
    size_t *room, struct err *err)
{
	struct maildir_message where = push_message(p, m);
	int rc = load(s, m, *room, err);

	if (rc == 1) {
		*room -= m->fp.wire;
		return 0;
	}
	free(m->body);
	m->body = NULL;
	return rc == -1 ? -1 : maildir_fingerprint(p->pass.run->md, &where,
	    &m->fp, &m->date, err);
}

/* durable: it is; else it has to be made so. */
static int
prepare(struct push *p, struct pushed *m, bool durable, size_t *room,
    struct err *err)
{
	struct maildir_message where = push_message(p, m);
	struct maildir_source *s = NULL;
	const char *why;
	int rc = -1;

	if (maildir_source_open(p->pass.run->md, &where, &s, &m->date, err) ==
	    -1)
		return -1;
	if ((durable || maildir_source_sync(s, err) == 0) &&
	    prepare_open(p, m, s, room, err) == 0)
		rc = 0;
	maildir_source_close(s);
	why = rc == 0 ? unsendable(&m->fp) : NULL;
	if (why != NULL)
		rc = err_set(err, ERR_REFUSED, "%s", why);
	m->ready = rc == 0;
	return rc;
}

/* What failed before is as it was when it did. */
static bool
is_as_it_was(struct push *p, const struct pushed *m)
{
	const struct place *place = &m->row.place;
	struct maildir_look look;
	struct file_hint now;
	struct err ignored;
	bool same;

	if (maildir_look_open(&look, p->pass.run->md, p->pass.folder->row.path,
	    &ignored) == -1)
		return true;
	same = maildir_look(&look, place->in_new, place->file, &now) !=
	    LOOKED_FILE || place->hint.inode == 0 ||
	    file_hint_equal(&place->hint, &now);
	maildir_look_close(&look);
	return same;
}

int
push_read_run(struct job *job)
{
	struct push *p = OWNER_OF(job, struct push, read_job);
	const struct push_batch *b = p->reading;
	size_t room = PUSH_MEMORY;
	bool durable;
	int i;

	durable = maildir_sync_many(p->pass.run->md, p->pass.folder->row.path,
	    (size_t)b->n);
	for (i = 0; i < b->n; i++) {
		struct pushed *m = &b->msg[i];
		struct err err = { .kind = ERR_NONE };

		if (m->row.verdict.ops != OP_PUSH)
			continue;
		m->waits = m->waits && is_as_it_was(p, m);
		if (m->waits || prepare(p, m, durable, &room, &err) == 0)
			continue;
		if (err_is_disk_full(&err)) {
			job->err = err;
			return -1;
		}
		m->refused = err.kind == ERR_REFUSED;
		if (err.kind == ERR_STALE)
			m->gone = true;
		else
			m->failure = xstrdup(err.msg);
	}
	return 0;
}
