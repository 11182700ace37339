/* COPY and MOVE. */
#include <stdlib.h>

#include "base/mem.h"
#include "imapd_conn.h"

/* Under which UID, as it says. */
static uint32_t
copy_one(struct imapd_conn *c, struct imapd_box *to,
    const struct imapd_message *m, size_t n)
{
	struct imapd *d = c->d;
	const struct arrived a = { m->flags, m->data, m->size, m->date };
	const uint32_t next = to->uidnext;
	const bool lies = d->copies_lies > 0;

	switch (lies ? d->copies : IMAPD_COPIES) {
	case IMAPD_COPIES_NOTHING:
		return next + (uint32_t)n;
	case IMAPD_COPIES_LOSES:
		to->modseq++;
		return to->uidnext++;
	case IMAPD_COPIES_LATE:
		lies_keep_aside(d, to, &a);
		return next;
	case IMAPD_COPIES_ONE:
		if (n > 0)
			return next + (uint32_t)n - 1;
		break;
	case IMAPD_COPIES_CUT:
		return imapd_add(to, m->flags, m->date, m->data,
		    m->size - 4)->uid;
	default:
		break;
	}
	return imapd_add(to, m->flags, m->date, m->data, m->size)->uid;
}

static void
lie_about_uids(struct imapd *d, uint32_t *uid, size_t n)
{
	if (d->copies_lies == 0)
		return;
	for (size_t i = 0; i < n && d->copies == IMAPD_COPIES_FIRST; i++)
		uid[i] = 1 + (uint32_t)i;
}

static void
format_in_order(struct buf *b, const uint32_t *uid, size_t n, bool backwards)
{
	for (size_t i = 0; i < n; i++)
		buf_addf(b, "%s%u", i > 0 ? "," : "",
		    uid[backwards ? n - 1 - i : i]);
}

/* To where copies go; "COPYUID v from to", or "". */
static char *
copy_all(struct imapd_conn *c, struct imapd_box *to, const char *set)
{
	struct imapd *d = c->d;
	const enum imapd_copies lie = d->copies_lies > 0 ? d->copies :
	    IMAPD_COPIES;
	uint32_t *from = xcalloc(c->n_view + 1, sizeof(*from));
	uint32_t *copy = xcalloc(c->n_view + 1, sizeof(*copy));
	struct buf text;
	size_t n = 0;
	char *code;

	for (size_t i = 0; i < c->n_view; i++) {
		const struct imapd_message *m = view_message(c, i);

		if (m == NULL || !view_asked(c, set, m->uid))
			continue;
		from[n] = m->uid;
		copy[n] = copy_one(c, to, m, n);
		n++;
	}
	lie_about_uids(d, copy, n);
	buf_init(&text, SET_MOST);
	buf_addf(&text, "[COPYUID %llu ", (unsigned long long)to->uidvalidity +
	    (lie == IMAPD_COPIES_VALIDITY));
	format_in_order(&text, from, n, false);
	buf_addf(&text, " ");
	format_in_order(&text, copy, n, lie == IMAPD_COPIES_BACKWARDS);
	buf_addf(&text, "] ");
	code = xstrdup(n > 0 && conn_has_cap(c, "UIDPLUS") &&
	    lie != IMAPD_COPIES_UNTOLD ? buf_str(&text) : "");
	buf_release(&text);
	free(from);
	free(copy);
	if (d->copies_lies > 0 && d->copies_lies != UINT32_MAX)
		d->copies_lies--;
	return code;
}

void
command_transfer(struct cursor *k, bool move)
{
	struct imapd_conn *c = k->c;
	char *set = take_string(k, NULL), *name = take_string(k, NULL), *code;
	struct imapd_box *to = imapd_find_box(c->d, name);

	if (to == NULL) {
		answer_no(k, "[TRYCREATE] no such mailbox");
	} else if (!move || view_writable(k)) {
		code = copy_all(c, to, set);
		if (move && *code != '\0')
			conn_say(c, "* OK %smoved", code);
		for (size_t i = 0; i < c->n_view && move; i++)
			if (view_message(c, i) != NULL &&
			    view_asked(c, set, c->view[i]))
				view_expunge(c, c->view[i]);
		answer_ok(k, "%s%s", move ? "" : code, "transferred");
		free(code);
	}
	free(set);
	free(name);
}
