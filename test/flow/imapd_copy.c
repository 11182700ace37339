/* COPY and MOVE. */
#include <stdlib.h>

#include "base/mem.h"
#include "imapd_conn.h"

/* To where copies go; "COPYUID v from to", or "". */
static char *
copy_all(struct imapd_conn *c, struct imapd_box *to, const char *set)
{
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
		copy[n++] = imapd_add(to, m->flags, m->date, m->data,
		    m->size)->uid;
	}
	buf_init(&text, SET_MOST);
	buf_addf(&text, "[COPYUID %llu ",
	    (unsigned long long)to->uidvalidity);
	set_format(&text, from, n);
	buf_addf(&text, " ");
	set_format(&text, copy, n);
	buf_addf(&text, "] ");
	code = xstrdup(n > 0 && conn_has_cap(c, "UIDPLUS") ?
	    buf_str(&text) : "");
	buf_release(&text);
	free(from);
	free(copy);
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
