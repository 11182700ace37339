/* Lies about what was stored and what was removed. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "imapd_conn.h"

/* A mailbox that is asked for. */
void
lies_number(struct imapd *d, struct imapd_box *b)
{
	if (!d->empty_anew || b->n > 0)
		return;
	b->uidvalidity = d->next_uidvalidity++;
	b->uidnext = 1;
}

/* --- APPEND --- */

static struct imapd_message *
find_same(struct imapd_box *b, const char *data, size_t n)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->msg[i]->size == n &&
		    memcmp(b->msg[i]->data, data, n) == 0)
			return b->msg[i];
	return NULL;
}

void
lies_keep_aside(struct imapd *d, struct imapd_box *b, const struct arrived *a)
{
	struct imapd_late *l = VEC_ADD(d->late, d->n_late, d->cap_late);

	l->box = b;
	l->a = (struct arrived){ .flags = xstrdup(a->flags), .n = a->n,
	    .data = xmalloc(a->n + 1), .date = a->date };
	memcpy(l->a.data, a->data, a->n);
	l->uid = b->uidnext++;
	l->modseq = ++b->modseq;
}

static bool
is_open(const struct imapd *d, const struct imapd_box *b)
{
	for (const struct imapd_conn *c = d->conn; c != NULL; c = c->next)
		if (c->box == b)
			return true;
	return false;
}

uint32_t
lies_store(struct imapd *d, struct imapd_box *b, const struct arrived *a)
{
	struct imapd_message *same;
	size_t n = a->n;
	char *other;
	uint32_t uid;

	switch (lies_append(d)) {
	case IMAPD_APPEND_NOTHING:
		return b->uidnext;
	case IMAPD_APPEND_LOSES:
		b->modseq++;
		return b->uidnext++;
	case IMAPD_APPEND_CLOSED:
		if (is_open(d, b))
			return b->uidnext++;
		break;
	case IMAPD_APPEND_LATE:
		lies_keep_aside(d, b, a);
		return b->uidnext - 1;
	case IMAPD_APPEND_ONCE:
		same = find_same(b, a->data, n);
		if (same != NULL)
			return same->uid;
		break;
	default:
		break;
	}
	other = d->alter == NULL ? NULL : d->alter(d, a->data, &n);
	uid = imapd_add(b, a->flags, a->date, other != NULL ? other : a->data,
	    n)->uid;
	if (lies_append(d) == IMAPD_APPEND_TWICE)
		imapd_add(b, a->flags, a->date, other != NULL ? other :
		    a->data, n);
	free(other);
	return uid;
}

enum imapd_append
lies_append(const struct imapd *d)
{
	return d->appends_true > 0 || d->appends_lies == 0 ?
	    IMAPD_APPEND_TRUE : d->append;
}

void
lies_appended(struct imapd *d)
{
	if (d->appends_true > 0)
		d->appends_true--;
	else if (d->appends_lies > 0 && d->appends_lies != UINT32_MAX)
		d->appends_lies--;
}

static void
turn_round(uint32_t *uid, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		uint32_t other = uid[i];

		uid[i] = uid[n - 1 - i];
		uid[n - 1 - i] = other;
	}
}

/* In the order in which they are told. */
void
lies_answer(struct cursor *k, struct imapd_box *b, uint32_t *uid, size_t n)
{
	enum imapd_append lie = lies_append(k->c->d);
	struct buf text;

	if (!conn_has_cap(k->c, "UIDPLUS")) {
		answer_ok(k, "there");
		return;
	}
	buf_init(&text, 1u << 20);
	if (lie == IMAPD_APPEND_BACKWARDS)
		turn_round(uid, n);
	for (size_t i = 0; i < n && (lie != IMAPD_APPEND_SHORT || i + 1 < n);
	    i++)
		buf_addf(&text, "%s%u", i > 0 ? "," : "",
		    lie == IMAPD_APPEND_FIRST ? 1 : uid[i] -
		    (lie == IMAPD_APPEND_PREVIOUS));
	if (lie == IMAPD_APPEND_TWO)
		buf_addf(&text, ",%u", uid[n - 1] + 1);
	answer_ok(k, "[APPENDUID %llu %s] there",
	    (unsigned long long)b->uidvalidity +
	    (lie == IMAPD_APPEND_VALIDITY), text.len > 0 ? buf_str(&text) :
	    "1");
	buf_release(&text);
}

/* The last one to its place. */
static void
sort_in(struct imapd_box *b)
{
	struct imapd_message *m = b->msg[b->n - 1];
	size_t i = b->n - 1;

	for (; i > 0 && b->msg[i - 1]->uid > m->uid; i--)
		b->msg[i] = b->msg[i - 1];
	b->msg[i] = m;
}

void
imapd_show_late(struct imapd *d)
{
	for (size_t i = 0; i < d->n_late; i++) {
		struct imapd_late *l = &d->late[i];
		uint32_t next = l->box->uidnext;
		struct imapd_message *m;

		/* It keeps what it was given. */
		l->box->uidnext = l->uid;
		m = imapd_add(l->box, l->a.flags, l->a.date, l->a.data,
		    l->a.n);
		m->modseq = l->modseq;
		l->box->uidnext = next > m->uid ? next : m->uid + 1;
		sort_in(l->box);
		free(l->a.flags);
		free(l->a.data);
	}
	d->n_late = 0;
}

void
imapd_expunge_late(struct imapd_box *b)
{
	for (size_t i = b->n; i-- > 0; )
		if (b->msg[i]->doomed)
			imapd_expunge(b, b->msg[i]->uid);
}

void
lies_release(struct imapd *d)
{
	for (size_t i = 0; i < d->n_late; i++) {
		free(d->late[i].a.flags);
		free(d->late[i].a.data);
	}
	free(d->late);
}
