/* Asks for headers, or whole messages, and holds them against what is known. */
#include "observe/headers.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct header *
headers_add(struct headers *h, uint32_t uid, int64_t content)
{
	struct header *one = VEC_ADD(h->v, h->n, h->cap);

	one->uid = uid;
	one->content = content;
	return one;
}

static void
header_begin(void *arg, uint32_t uid, uint32_t size)
{
	struct headers *h = arg;

	(void)uid;
	(void)size;
	fingerprint_cancel(h->open);
	h->open = fingerprint_new();
	h->ended = false;
}

static void
header_data(void *arg, const void *data, size_t n)
{
	struct headers *h = arg;

	if (h->open != NULL)
		fingerprint_add(h->open, data, n);
}

static void
header_end(void *arg)
{
	struct headers *h = arg;

	if (h->open == NULL)
		return;
	fingerprint_end(h->open, &h->open_fp);
	h->open = NULL;
	h->ended = true;
}

/* An empty one is what a server forges for a message that it can't read. */
static void
header_row(void *arg, const struct imap_fetch *f)
{
	struct headers *h = arg;
	size_t i;

	for (i = 0; i < h->n && h->ended && h->open_fp.wire > 0; i++) {
		if (h->v[i].uid != f->uid)
			continue;
		h->v[i].fp = h->open_fp;
		h->v[i].got = true;
	}
	h->ended = false;
}

static void
ask_items(struct headers *h, enum imap_items items,
    struct imap_session *session, struct task *t)
{
	struct uidset uids = { .n = 0 };
	struct imap_fetch_args args = {
		.uids = &uids, .items = items,
		.sink = { .arg = h, .row = header_row,
		    .body_begin = header_begin, .body_data = header_data,
		    .body_end = header_end },
	};
	size_t i;

	for (i = 0; i < h->n; i++)
		uidset_add(&uids, h->v[i].uid);
	imap_fetch_start(session, &h->fetch, t, &args);
	uidset_release(&uids);
}

void
headers_ask(struct headers *h, struct imap_session *session, struct task *t)
{
	ask_items(h, FETCH_HEADER, session, t);
}

void
headers_ask_whole(struct headers *h, struct imap_session *session,
    struct task *t)
{
	ask_items(h, FETCH_BODY, session, t);
}

bool
header_has_head(const struct fingerprint *fp, const struct index_content *c)
{
	const uint8_t *head = c->form < FORM_NOW ? fp->first.head : fp->head;

	return memcmp(head, c->head, 32) == 0 ||
	    memcmp(fp->masked.head, c->head, 32) == 0;
}

bool
header_is_of(const struct fingerprint *fp, const struct index_content *c)
{
	if (header_has_head(fp, c))
		return true;
	return c->message_id[0] != '\0' &&
	    strcmp(c->message_id, fp->message_id) == 0;
}

int
headers_compare(struct headers *h, struct index *ix, struct err *err)
{
	struct index_content c;
	size_t i;
	int found;

	for (i = 0; i < h->n; i++) {
		struct header *one = &h->v[i];

		if (!one->got || one->content == 0)
			continue;
		found = index_content_by_id(ix, one->content, &c, err);
		if (found == -1)
			return -1;
		if (found == 1)
			one->is = header_is_of(&one->fp, &c) ? HEADER_SAME :
			    HEADER_OTHER;
	}
	return 0;
}

void
headers_release(struct headers *h)
{
	free(h->v);
	fingerprint_cancel(h->open);
	imap_cmd_release(&h->fetch.cmd);
	*h = (struct headers){ .n = 0 };
}
