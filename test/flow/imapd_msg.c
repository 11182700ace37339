/* Commands on the messages of the mailbox that is selected. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/hash.h"
#include "base/mem.h"
#include "imapd_conn.h"

struct imapd_message *
view_message(const struct imapd_conn *c, size_t i)
{
	return imapd_find(c->box, c->view[i]);
}

static uint32_t
highest(const struct imapd_conn *c)
{
	return c->n_view == 0 ? 0 : c->view[c->n_view - 1];
}

bool
view_asked(const struct imapd_conn *c, const char *set, uint32_t uid)
{
	return set == NULL || set_has(set, uid, highest(c));
}

/* --- FETCH --- */

enum {
	ITEM_FLAGS = 1, ITEM_META = 2, ITEM_BODY = 4, ITEM_HEADER = 8,
	ITEM_MODSEQ = 16, ITEM_LINEAGE = 32,
};

static bool
has_lineage(const struct imapd_conn *c)
{
	return conn_has_cap(c, "OBJECTID") || conn_has_cap(c, "X-GM-EXT-1") ||
	    c->d->knows_guid;
}

static unsigned
take_items(struct cursor *k)
{
	static const struct {
		const char *word;
		unsigned item;
	} words[] = {
		{ "UID", 0 }, { "FLAGS", ITEM_FLAGS },
		{ "INTERNALDATE", ITEM_META }, { "RFC822.SIZE", ITEM_META },
		{ "BODY.PEEK[HEADER]", ITEM_HEADER },
		{ "BODY.PEEK[]", ITEM_BODY }, { "MODSEQ", ITEM_MODSEQ },
		{ "EMAILID", ITEM_LINEAGE }, { "X-GM-MSGID", ITEM_LINEAGE },
		{ "X-GUID", ITEM_LINEAGE },
	};
	unsigned items = 0;
	size_t i = 0;

	if (!take_char(k, '('))
		return 0;
	while (i < sizeof(words) / sizeof(words[0])) {
		for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (take_word(k, words[i].word))
				break;
		if (i < sizeof(words) / sizeof(words[0]))
			items |= words[i].item;
	}
	if (!take_char(k, ')') || ((items & ITEM_LINEAGE) &&
	    !has_lineage(k->c)))
		return 0;
	take_char(k, ' ');
	return items;
}

static size_t
header_size(const struct imapd_message *m)
{
	const char *end = memmem(m->data, m->size, "\r\n\r\n", 4);

	return end == NULL ? m->size : (size_t)(end - m->data) + 4;
}

static void
add_date(struct imapd *d, struct buf *row, const struct imapd_message *m)
{
	time_t at = (time_t)m->date;
	struct tm tm;
	char date[40];

	if (d->dates == IMAPD_DATE_VARIES)
		at = (time_t)(1800000000 + 60 * d->made_up++);
	gmtime_r(&at, &tm);
	strftime(date, sizeof(date), "%d-%b-%Y %H:%M:%S +0000", &tm);
	if (d->dates == IMAPD_DATE_NIL)
		buf_add_str(row, " INTERNALDATE NIL");
	else if (d->dates == IMAPD_DATE_NONSENSE)
		buf_add_str(row, " INTERNALDATE \"31-Nov-0000 25:00:00\"");
	else if (d->dates != IMAPD_DATE_NONE)
		buf_addf(row, " INTERNALDATE \"%s\"", date);
}

static void
add_size(struct imapd *d, struct buf *row, const struct imapd_message *m)
{
	const size_t sizes[] = {
		[IMAPD_SIZE_EXACT] = m->size, [IMAPD_SIZE_MORE] = m->size + 9,
		[IMAPD_SIZE_LESS] = m->size - 9, [IMAPD_SIZE_0] = 0,
		[IMAPD_SIZE_NONE] = 0,
		[IMAPD_SIZE_VARIES] = m->size + 1 + d->made_up % 50,
	};

	d->made_up += d->sizes == IMAPD_SIZE_VARIES;
	if (d->sizes != IMAPD_SIZE_NONE)
		buf_addf(row, " RFC822.SIZE %zu", sizes[d->sizes]);
}

static void
add_meta(struct imapd *d, struct buf *row, const struct imapd_message *m)
{
	add_date(d, row, m);
	add_size(d, row, m);
}

/* Whoever holds the same is a copy. */
static void
add_lineage(struct imapd_conn *c, struct buf *row, const struct imapd_message *m)
{
	unsigned long long id = c->d->one_lineage ? 1 :
	    fnv1a(FNV1A_START, m->data, m->size) >> 1;

	if (conn_has_cap(c, "OBJECTID"))
		buf_addf(row, " EMAILID (M%llx)", id);
	else if (conn_has_cap(c, "X-GM-EXT-1"))
		buf_addf(row, " X-GM-MSGID %llu", id);
	else
		buf_addf(row, " X-GUID %llx", id);
}

/* The literal in two pieces, so that it can be cut in the middle. */
static void
send_body(struct imapd_conn *c, struct buf *row, const struct imapd_message *m,
    bool header)
{
	size_t n = header ? header_size(m) : m->size, half = n / 2;
	char *longer;

	n -= !header && m->lie == IMAPD_SHORT && n > 5 ? 5 : 0;
	buf_addf(row, " BODY[%s] {%zu}\r\n", header ? "HEADER" : "",
	    n + (m->lie == IMAPD_LONG ? 5 : 0));
	conn_send(c, buf_str(row), row->len);
	conn_send(c, m->data, half);
	conn_send(c, m->data + half, n - half);
	longer = xasprintf("%s)\r\n", m->lie == IMAPD_LONG ? "more!" : "");
	conn_send(c, longer, strlen(longer));
	free(longer);
}

static void
send_row(struct imapd_conn *c, size_t at, const struct imapd_message *m,
    unsigned items)
{
	bool body = items & (ITEM_BODY | ITEM_HEADER);
	struct buf row;

	if (m->uid == c->d->lists_not ||
	    (body && (m->lie == IMAPD_HIDDEN || m->lie == IMAPD_REFUSED)))
		return;
	buf_init(&row, 1u << 20);
	buf_addf(&row, "* %zu FETCH (UID %u", at + 1, m->uid);
	if (items & ITEM_FLAGS)
		buf_addf(&row, " FLAGS (%s)", m->flags);
	if (items & ITEM_META)
		add_meta(c->d, &row, m);
	if (items & ITEM_LINEAGE)
		add_lineage(c, &row, m);
	if (items & ITEM_MODSEQ)
		buf_addf(&row, " MODSEQ (%llu)", (unsigned long long)m->modseq);
	if (body && m->lie == IMAPD_NIL)
		buf_addf(&row, " BODY[%s] NIL", items & ITEM_HEADER ?
		    "HEADER" : "");
	if (body && m->lie != IMAPD_NIL)
		send_body(c, &row, m, items & ITEM_HEADER);
	else
		conn_say(c, "%s)", buf_str(&row));
	buf_release(&row);
}

void
fetch_vanished(struct imapd_conn *c, const char *set, uint64_t since)
{
	const struct imapd_box *b = c->box;
	uint32_t *uid = xcalloc(b->n_gone + 1, sizeof(*uid));
	struct buf text;
	size_t n = 0;

	for (size_t i = 0; i < b->n_gone; i++)
		if (b->gone[i].modseq > since && (set == NULL ||
		    set_has(set, b->gone[i].uid, UINT32_MAX)))
			uid[n++] = b->gone[i].uid;
	buf_init(&text, SET_MOST);
	set_format(&text, uid, n);
	if (n > 0)
		conn_say(c, "* VANISHED (EARLIER) %s", buf_str(&text));
	buf_release(&text);
	free(uid);
}

static bool
send_rows(struct imapd_conn *c, const char *set, unsigned items,
    uint64_t since)
{
	bool refused = false, body = items & (ITEM_BODY | ITEM_HEADER);

	for (size_t i = 0; i < c->n_view; i++) {
		const struct imapd_message *m = view_message(c, i);

		if (body && m != NULL && m->lie == IMAPD_KILLS_ALL &&
		    view_asked(c, set, m->uid))
			conn_cut_behind(c);
	}
	for (size_t i = 0; i < c->n_view; i++) {
		struct imapd_message *m = view_message(c, i);

		if (m == NULL || !view_asked(c, set, m->uid) ||
		    m->uid < c->fetch_from || m->modseq <= since || m->lie == IMAPD_UNLISTED)
			continue;
		if (m->lie == IMAPD_UNTOLD) {
			refused = true;
			continue;
		}
		if (body && m->lie == IMAPD_HANGS)
			c->cut = c->silent = true;
		if (body && (m->lie == IMAPD_KILLS ||
		    (m->lie == IMAPD_KILLS_ODD && ++m->asked % 2 == 1))) {
			conn_say(c, "* %zu FETCH (UID %u BODY[] {%zu}\r\nFrom:",
			    i + 1, m->uid, m->size);
			conn_cut_behind(c);
		}
		send_row(c, i, m, items);
		refused |= m->lie == IMAPD_REFUSED && (items &
		    (ITEM_BODY | ITEM_HEADER));
	}
	return !refused;
}

void
fetch_changes(struct imapd_conn *c, const char *set, uint64_t since)
{
	send_rows(c, set, ITEM_FLAGS | ITEM_MODSEQ, since);
}

/* (CHANGEDSINCE n [VANISHED]). False: it is wrong. */
static bool
take_since(struct cursor *k, uint64_t *since, bool *vanished)
{
	char *number;

	if (!take_char(k, '('))
		return true;
	if (!conn_has_cap(k->c, "CONDSTORE") || !take_word(k, "CHANGEDSINCE"))
		return false;
	number = take_string(k, NULL);
	*since = strtoull(number, NULL, 10);
	free(number);
	*vanished = take_word(k, "VANISHED");
	return (!*vanished || k->c->qresync) && take_char(k, ')');
}

/* Each part of the set is to meet a message, and no number to be too high. */
static bool
is_readable(const struct imapd_conn *c, const char *set)
{
	char *copy = xstrdup(set), *rest = copy, *part;
	bool good = true, meets;

	while (good && (part = strsep(&rest, ",")) != NULL) {
		const char *colon = strchr(part, ':');

		meets = !c->d->strict_sets;
		for (size_t i = 0; i < c->n_view && !meets; i++)
			meets = set_has(part, c->view[i], highest(c));
		good = meets && (c->d->highest_uid == 0 || strtoul(colon ==
		    NULL ? part : colon + 1, NULL, 10) <= c->d->highest_uid);
	}
	free(copy);
	return good;
}

/* The UID from which on it goes, for a limit; text goes into the answer. */
static uint32_t
limit_from(struct imapd_conn *c, const char *set, char text[60])
{
	uint32_t from = 0;
	unsigned n = 0;

	*text = '\0';
	for (size_t i = c->n_view; i-- > 0 && c->d->limit > 0; ) {
		if (!view_asked(c, set, c->view[i]) || view_message(c, i) == NULL)
			continue;
		if (n++ == c->d->limit) {
			snprintf(text, 60, "[MESSAGELIMIT %u %u] ",
			    c->d->limit, from);
			return from;
		}
		from = c->view[i];
	}
	return 0;
}

static void
fetch_all(struct cursor *k, const char *set, unsigned items, uint64_t since)
{
	struct imapd_conn *c = k->c;
	char limited[60];

	c->fetch_from = limit_from(c, set, limited);
	if (c->d->limit_refuses && c->fetch_from > 0)
		answer_no(k, "[MESSAGELIMIT %u] too many", c->d->limit);
	else if (send_rows(c, set, items, since))
		answer_ok(k, "%sfetched", limited);
	else
		answer_no(k, "[SERVERBUG] a body can't be read");
	c->fetch_from = 0;
}

static void
fetch(struct cursor *k)
{
	char *set = take_string(k, NULL);
	unsigned items = take_items(k);
	uint64_t since = 0;
	bool vanished = false;

	if (set == NULL || items == 0 || !take_since(k, &since, &vanished) ||
	    !at_end(k) || !is_readable(k->c, set)) {
		answer_bad(k);
	} else {
		if (vanished)
			fetch_vanished(k->c, set, since);
		if (since > 0)
			items |= ITEM_MODSEQ;
		fetch_all(k, set, items, since);
	}
	free(set);
}

/* --- SEARCH --- */

struct wanted {
	char *set, *flag, *keyword;
	uint64_t modseq;
};

/* False: it is wrong. */
static bool
take_key(struct cursor *k, struct wanted *w)
{
	static const char *const flags[][2] = {
		{ "SEEN", "\\Seen" }, { "ANSWERED", "\\Answered" },
		{ "FLAGGED", "\\Flagged" }, { "DELETED", "\\Deleted" },
		{ "DRAFT", "\\Draft" },
	};
	char *number;

	if (take_word(k, "ALL"))
		return true;
	if (take_word(k, "UID")) {
		free(w->set);
		w->set = take_string(k, NULL);
		return w->set != NULL;
	}
	if (take_word(k, "ALL"))
		return true;
	if (take_word(k, "KEYWORD")) {
		w->keyword = take_string(k, NULL);
		return w->keyword != NULL;
	}
	if (take_word(k, "MODSEQ")) {
		number = take_string(k, NULL);
		w->modseq = strtoull(number, NULL, 10);
		free(number);
		return conn_has_cap(k->c, "CONDSTORE");
	}
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (take_word(k, flags[i][0])) {
			w->flag = xstrdup(flags[i][1]);
			return true;
		}
	return false;
}

static bool
is_wanted(const struct imapd_conn *c, const struct imapd_message *m,
    const struct wanted *w)
{
	const char *set = w->set != NULL && strcmp(w->set, "$") == 0 ?
	    (c->saved == NULL ? "" : c->saved) : w->set;

	return view_asked(c, set, m->uid) && m->modseq >= w->modseq &&
	    (w->flag == NULL || words_have(m->flags, w->flag)) &&
	    (w->keyword == NULL || words_have(m->flags, w->keyword));
}

static void
say_found(struct cursor *k, uint32_t *uid, size_t n, bool extended)
{
	struct buf text;

	buf_init(&text, SET_MOST);
	if (extended) {
		set_format(&text, uid, n);
		conn_say(k->c, "* ESEARCH (TAG \"%s\") UID%s%s COUNT %zu",
		    k->tag, n > 0 ? " ALL " : "", buf_str(&text), n);
	} else {
		for (size_t i = 0; i < n; i++)
			buf_addf(&text, " %u", uid[i]);
		conn_say(k->c, "* SEARCH%s", buf_str(&text));
	}
	buf_release(&text);
}

static void
save_found(struct imapd_conn *c, uint32_t *uid, size_t n)
{
	struct buf text;

	buf_init(&text, SET_MOST);
	set_format(&text, uid, n);
	free(c->saved);
	c->saved = xstrdup(buf_str(&text));
	buf_release(&text);
}

static void
find(struct cursor *k, const struct wanted *w, const char *result)
{
	struct imapd_conn *c = k->c;
	uint32_t *uid = xcalloc(c->n_view + 1, sizeof(*uid));
	char limited[60];
	uint32_t from = limit_from(c, w->set, limited);
	size_t n = 0;

	for (size_t i = 0; i < c->n_view; i++) {
		const struct imapd_message *m = view_message(c, i);

		if (m != NULL && m->uid >= from && is_wanted(c, m, w) &&
		    m->lie != IMAPD_UNLISTED)
			uid[n++] = m->uid;
	}
	if (result != NULL && words_have(result, "SAVE"))
		save_found(c, uid, n);
	say_found(k, uid, n, result != NULL);
	answer_ok(k, "%ssearched", limited);
	free(uid);
}

static void
search(struct cursor *k)
{
	struct wanted w = { .modseq = 0 };
	char *result = NULL;
	bool right = true;

	if (take_word(k, "RETURN")) {
		result = take_list(k);
		right = result != NULL && conn_has_cap(k->c, "ESEARCH") &&
		    (!words_have(result, "SAVE") ||
		    conn_has_cap(k->c, "SEARCHRES"));
	}
	while (right && !at_end(k))
		right = take_key(k, &w);
	if (right)
		find(k, &w, result);
	else
		answer_bad(k);
	free(w.set);
	free(w.flag);
	free(w.keyword);
	free(result);
}

/* --- STORE --- */

/* Those of the words that the mailbox can hold. */
static char *
storable(const struct imapd_box *b, const char *words)
{
	char *no, *all;

	if (b->permanent == NULL || words_have(b->permanent, "\\*"))
		return xstrdup(words);
	no = words_less(words, b->permanent);
	all = words_less(words, no);
	free(no);
	return all;
}

bool
view_writable(struct cursor *k)
{
	if (!k->c->examined && !k->c->box->read_only)
		return true;
	answer_no(k, "[READ-ONLY] the mailbox can't be changed");
	return false;
}

/* All of them, or none: what it refuses, or NULL. */
static const char *
refusal(const struct imapd_conn *c, const char *set, const char *words)
{
	const char *why = NULL;

	for (size_t i = 0; i < c->n_view && why == NULL; i++) {
		const struct imapd_message *m = view_message(c, i);

		if (m != NULL && view_asked(c, set, m->uid) &&
		    c->d->refuse_words != NULL)
			why = c->d->refuse_words(c->d, m, words);
	}
	return why;
}

static void
say_stored(struct imapd_conn *c, size_t at, bool silent)
{
	const struct imapd_message *m = view_message(c, at);

	if (!silent && c->d->quiet)
		return;
	if (!silent && c->condstore)
		conn_say(c, "* %zu FETCH (UID %u FLAGS (%s) MODSEQ (%llu))",
		    at + 1, m->uid, m->flags, (unsigned long long)m->modseq);
	else if (!silent)
		conn_say(c, "* %zu FETCH (UID %u FLAGS (%s))", at + 1, m->uid,
		    m->flags);
	else if (c->condstore)
		conn_say(c, "* %zu FETCH (UID %u MODSEQ (%llu))", at + 1,
		    m->uid, (unsigned long long)m->modseq);
}

static void
store_words(struct imapd_conn *c, const char *set, bool add, bool silent,
    const char *words)
{
	char *can = storable(c->box, words), *kept = c->d->keep == NULL ?
	    xstrdup(can) : c->d->keep(c->d, can, false);

	view_tell(c);
	for (size_t i = 0; i < c->n_view; i++) {
		struct imapd_message *m = view_message(c, i);

		if (m == NULL || !view_asked(c, set, m->uid))
			continue;
		if (m->uid == c->box->cuts_store)
			conn_cut_behind(c);
		if (c->cut)
			break;
		imapd_flag(c->box, m, add, kept);
		say_stored(c, i, silent);
	}
	c->seen = c->box->modseq;
	free(can);
	free(kept);
}

static void
store(struct cursor *k)
{
	struct imapd_conn *c = k->c;
	char *set = take_string(k, NULL), *words;
	bool add = *k->p == '+', silent;
	const char *why;

	if (!view_writable(k)) {
		free(set);
		return;
	}
	silent = take_word(k, add ? "+FLAGS.SILENT" : "-FLAGS.SILENT");
	if (!silent)
		take_word(k, add ? "+FLAGS" : "-FLAGS");
	words = take_list(k);
	why = refusal(c, set, words);
	if (why != NULL) {
		answer_no(k, "%s", why);
	} else {
		if (c->box->cuts_first && view_asked(c, set, c->box->cuts_store))
			conn_cut_behind(c);
		else
			store_words(c, set, add, silent, words);
		answer_ok(k, "stored");
	}
	free(words);
	free(set);
}

/* --- what removes --- */

void
view_expunge(struct imapd_conn *c, uint32_t uid)
{
	if (c->d->expunges == IMAPD_EXPUNGES ||
	    c->d->expunges == IMAPD_EXPUNGES_SILENTLY)
		imapd_expunge(c->box, uid);
	else if (c->d->expunges == IMAPD_EXPUNGES_LATE)
		imapd_find(c->box, uid)->doomed = true;
}

/* set NULL: all that are marked. */
void
command_expunge(struct cursor *k, const char *set)
{
	struct imapd_conn *c = k->c;

	if (c->box == NULL) {
		answer_bad(k);
		return;
	}
	if (!view_writable(k))
		return;
	for (size_t i = 0; i < c->n_view; i++) {
		const struct imapd_message *m = view_message(c, i);

		if (m != NULL && words_have(m->flags, "\\Deleted") &&
		    view_asked(c, set, m->uid))
			view_expunge(c, m->uid);
	}
	if (c->d->expunges == IMAPD_EXPUNGES_SILENTLY)
		conn_say(c, "%s OK expunged", k->tag);
	else
		answer_ok(k, "expunged");
}

static void
uid_expunge(struct cursor *k)
{
	char *set = take_string(k, NULL);

	if (conn_has_cap(k->c, "UIDPLUS"))
		command_expunge(k, set);
	else
		answer_bad(k);
	free(set);
}

void
command_uid(struct cursor *k)
{
	if (k->c->box == NULL)
		answer_bad(k);
	else if (take_word(k, "FETCH"))
		fetch(k);
	else if (take_word(k, "SEARCH"))
		search(k);
	else if (take_word(k, "STORE"))
		store(k);
	else if (take_word(k, "EXPUNGE"))
		uid_expunge(k);
	else if (take_word(k, "COPY"))
		command_transfer(k, false);
	else if (take_word(k, "MOVE") && conn_has_cap(k->c, "MOVE"))
		command_transfer(k, true);
	else
		answer_bad(k);
}
