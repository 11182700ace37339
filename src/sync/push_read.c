/*
 * What is to be pushed is read, on the disk lane: its fingerprint, and small
 * messages into memory; made durable, for the server may depend on it; or found
 * to be nothing that can be sent.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "maildir/look.h"
#include "push.h"

#define PUSH_MEMORY	(4u << 20)	/* of a batch's bodies */

struct maildir_message
push_message(const struct push *p, const struct pushed *m)
{
	return (struct maildir_message){
		p->pass.box->row.path, m->row.place.in_new, m->row.place.file,
	};
}

/* Of the very bytes that are sent: somebody may have edited the file since. */
static void
digest_body(struct pushed *m, size_t size)
{
	struct fingerprinter *f = fingerprint_new();

	fingerprint_add(f, m->body, size);
	fingerprint_end(f, &m->fp);
}

static int
load(struct maildir_source *s, struct pushed *m, struct err *err)
{
	size_t at = 0, size = (size_t)m->fp.wire;
	ssize_t got;

	m->body = xmalloc(size + 1);
	while (at < size) {
		got = maildir_source_read(s, m->body + at, size - at, err);
		if (got <= 0)
			break;
		at += (size_t)got;
	}
	if (at == size && maildir_source_read(s, m->body + at, 1, err) == 0) {
		digest_body(m, size);
		return 0;
	}
	free(m->body);
	m->body = NULL;
	if (err->kind == ERR_NONE)
		err_set(err, ERR_STALE, "it changed while it was read");
	return -1;
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

/* durable: it is; else it has to be made so. */
static int
prepare(struct push *p, struct pushed *m, bool durable, size_t *memory,
    struct err *err)
{
	struct maildir *md = &p->pass.a->md;
	struct maildir_message where = push_message(p, m);
	struct maildir_source *s = NULL;
	const char *why;
	int rc = -1;

	if (maildir_fingerprint(md, &where, &m->fp, &m->date, err) == -1)
		return -1;
	why = unsendable(&m->fp);
	if (why != NULL)
		return err_set(err, ERR_REFUSED, "%s", why);
	if (maildir_source_open(md, &where, &s, &m->date, err) == -1 ||
	    (!durable && maildir_source_sync(s, err) == -1))
		goto done;
	if (*memory + m->fp.wire <= PUSH_MEMORY) {
		if (load(s, m, err) == -1)
			goto done;
		*memory += m->fp.wire;
	}
	m->ready = true;
	rc = 0;
done:
	maildir_source_close(s);
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

	if (maildir_look_open(&look, &p->pass.a->md, p->pass.box->row.path,
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
	struct push *p = OWNER_OF(job, struct push, disk_job);
	size_t memory = 0;
	bool durable;
	int i;

	durable = maildir_sync_many(&p->pass.a->md, p->pass.box->row.path,
	    (size_t)p->n);
	for (i = 0; i < p->n; i++) {
		struct pushed *m = &p->msg[i];
		struct err err = { .kind = ERR_NONE };

		if (m->row.verdict.ops != OP_PUSH)
			continue;
		m->waits = m->waits && is_as_it_was(p, m);
		if (m->waits || prepare(p, m, durable, &memory, &err) == 0)
			continue;
		if (is_disk_error(&err)) {
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
