/* Mailboxes, and what the test does to them as if it were another client. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "imapd_conn.h"

/* --- words --- */

static size_t
word_length(const char *p)
{
	return strcspn(p, " ");
}

static const char *
word_next(const char *p)
{
	p += word_length(p);
	return *p == ' ' ? p + 1 : p;
}

static bool
has_word(const char *words, const char *word, size_t n)
{
	for (; *words != '\0'; words = word_next(words))
		if (word_length(words) == n &&
		    strncasecmp(words, word, n) == 0)
			return true;
	return false;
}

bool
words_have(const char *words, const char *word)
{
	return has_word(words, word, strlen(word));
}

static int
compare_words(const void *a, const void *b)
{
	return strcasecmp(*(char *const *)a, *(char *const *)b);
}

/* Those of a, and of b unless that is NULL, that are not in less. */
static char *
words_make(const char *a, const char *b, const char *less)
{
	const char *from[] = { a, b == NULL ? "" : b };
	char *all = xstrdup(""), *longer, *word[200];
	size_t n = 0;

	for (size_t i = 0; i < 2; i++)
		for (const char *p = from[i]; *p != '\0' && n < 200;
		    p = word_next(p))
			if (word_length(p) > 0 &&
			    !has_word(less, p, word_length(p)))
				word[n++] = xstrndup(p, word_length(p));
	if (n > 0)
		qsort(word, n, sizeof(*word), compare_words);
	for (size_t i = 0; i < n; i++) {
		if (!words_have(all, word[i])) {
			longer = xasprintf("%s%s%s", all, *all ? " " : "",
			    word[i]);
			free(all);
			all = longer;
		}
		free(word[i]);
	}
	return all;
}

char *
words_join(const char *a, const char *b)
{
	return words_make(a, b, "");
}

char *
words_less(const char *a, const char *b)
{
	return words_make(a, NULL, b);
}

/* --- sets --- */

static uint32_t
set_number(const char **p, uint32_t star)
{
	char *end;
	uint32_t n;

	if (**p == '*') {
		++*p;
		return star;
	}
	n = (uint32_t)strtoul(*p, &end, 10);
	*p = end;
	return n;
}

bool
set_has(const char *p, uint32_t uid, uint32_t star)
{
	while (*p != '\0') {
		uint32_t a = set_number(&p, star), b = a, swap;

		if (*p == ':') {
			p++;
			b = set_number(&p, star);
		}
		if (a > b) {
			swap = a;
			a = b;
			b = swap;
		}
		if (uid >= a && uid <= b)
			return true;
		if (*p != ',')
			return false;
		p++;
	}
	return false;
}

static int
compare_uids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void
set_format(struct buf *out, uint32_t *uid, size_t n)
{
	size_t i, from;

	if (n > 0)
		qsort(uid, n, sizeof(*uid), compare_uids);
	for (i = 0; i < n; i++) {
		from = i;
		while (i + 1 < n && uid[i + 1] <= uid[i] + 1)
			i++;
		buf_addf(out, "%s%u", from > 0 ? "," : "", uid[from]);
		if (uid[i] != uid[from])
			buf_addf(out, ":%u", uid[i]);
	}
}

/* --- mailboxes --- */

struct imapd_box *
imapd_find_box(struct imapd *d, const char *name)
{
	for (size_t i = 0; i < d->n_box; i++)
		if (strcmp(d->box[i]->name, name) == 0)
			return d->box[i];
	return NULL;
}

struct imapd_box *
imapd_make_box(struct imapd *d, const char *name)
{
	struct imapd_box *b = xcalloc(1, sizeof(*b));

	b->name = xstrdup(name);
	b->uidvalidity = d->one_validity ? d->box[0]->uidvalidity :
	    d->next_uidvalidity++;
	b->id = (unsigned)b->uidvalidity;
	b->uidnext = 1;
	b->modseq = 1;
	*VEC_ADD(d->box, d->n_box, d->cap_box) = b;
	return b;
}

static void
message_free(struct imapd_message *m)
{
	free(m->flags);
	free(m->data);
	free(m);
}

static void
box_free(struct imapd_box *b)
{
	while (b->n > 0)
		message_free(b->msg[--b->n]);
	free(b->msg);
	free(b->gone);
	free(b->name);
	free(b);
}

bool
imapd_shows(const struct imapd_box *b, size_t i)
{
	return (b->window == 0 || i + b->window >= b->n) &&
	    b->msg[i]->date >= b->window_from;
}

size_t
imapd_count_shown(const struct imapd_box *b)
{
	size_t i, n = 0;

	for (i = 0; i < b->n; i++)
		n += imapd_shows(b, i);
	return n;
}

void
imapd_drop_box(struct imapd *d, struct imapd_box *b)
{
	size_t i = 0;

	conn_forget_box(d, b);
	while (d->box[i] != b)
		i++;
	memmove(&d->box[i], &d->box[i + 1],
	    (--d->n_box - i) * sizeof(struct imapd_box *));
	box_free(b);
}

void
imapd_rename_box(struct imapd *d, struct imapd_box *b, const char *to)
{
	size_t n = strlen(b->name);
	char *from = xstrdup(b->name), *name;

	for (size_t i = 0; i < d->n_box; i++) {
		struct imapd_box *at = d->box[i];

		if (strncmp(at->name, from, n) != 0 ||
		    (at->name[n] != '\0' && at->name[n] != '/'))
			continue;
		name = xasprintf("%s%s", to, at->name + n);
		free(at->name);
		at->name = name;
		if (d->renames_anew)
			imapd_renumber(d, at);
	}
	free(from);
}

void
imapd_renumber(struct imapd *d, struct imapd_box *b)
{
	conn_forget_box(d, b);
	b->uidvalidity = d->next_uidvalidity++;
	b->n_gone = 0;
	for (size_t i = 0; i < b->n; i++)
		b->msg[i]->uid = (uint32_t)i + 1;
	b->uidnext = (uint32_t)b->n + 1;
}

/* --- messages --- */

struct imapd_message *
imapd_add(struct imapd_box *b, const char *flags, int64_t date,
    const char *data, size_t n)
{
	struct imapd_message *m = xcalloc(1, sizeof(*m));

	m->uid = b->uidnext++;
	m->flags = words_join(flags, "");
	m->date = date;
	m->modseq = ++b->modseq;
	m->data = xmalloc(n + 1);
	memcpy(m->data, data, n);
	m->data[n] = '\0';
	m->size = n;
	*VEC_ADD(b->msg, b->n, b->cap) = m;
	return m;
}

/* n: there is none. */
static size_t
index_of(const struct imapd_box *b, uint32_t uid)
{
	size_t lo = 0, hi = b->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (b->msg[mid]->uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < b->n && b->msg[lo]->uid == uid ? lo : b->n;
}

struct imapd_message *
imapd_find(struct imapd_box *b, uint32_t uid)
{
	size_t i = index_of(b, uid);

	return i < b->n ? b->msg[i] : NULL;
}

void
imapd_expunge(struct imapd_box *b, uint32_t uid)
{
	size_t i = index_of(b, uid);

	message_free(b->msg[i]);
	memmove(&b->msg[i], &b->msg[i + 1],
	    (--b->n - i) * sizeof(struct imapd_message *));
	*VEC_ADD(b->gone, b->n_gone, b->cap_gone) = (struct imapd_gone){
		.uid = uid, .modseq = ++b->modseq,
	};
}

void
imapd_flag(struct imapd_box *b, struct imapd_message *m, bool add,
    const char *words)
{
	char *now = add ? words_join(m->flags, words) :
	    words_less(m->flags, words);

	if (strcmp(now, m->flags) != 0)
		m->modseq = ++b->modseq;
	free(m->flags);
	m->flags = now;
}

/* --- the server as a whole --- */

struct imapd *
imapd_new(const char *caps)
{
	struct imapd *d = xcalloc(1, sizeof(*d));

	d->caps = xstrdup(caps);
	d->next_uidvalidity = 1000;
	d->namespace = "";
	d->appends_lies = UINT32_MAX;
	buf_init(&d->log, 16u << 20);
	imapd_count(d);
	imapd_make_box(d, "INBOX");
	return d;
}

void
imapd_free(struct imapd *d)
{
	if (d == NULL)
		return;
	imapd_close(d);
	while (d->n_box > 0)
		box_free(d->box[--d->n_box]);
	lies_release(d);
	free(d->box);
	free(d->caps);
	buf_release(&d->log);
	free(d);
}

void
imapd_count(struct imapd *d)
{
	d->cut_line = d->cut_command = -1;
	d->cut_all = d->cut_other = d->down = d->was_cut = false;
	d->lines = d->commands = 0;
	d->logins = 0;
	d->n_rule = 0;
	d->kills = NULL;
	buf_clear(&d->log);
}

struct imapd_rule *
imapd_add_rule(struct imapd *d, const char *command, enum imapd_action action,
    const char *text)
{
	struct imapd_rule *r = &d->rule[d->n_rule++];

	*r = (struct imapd_rule){ .command = command, .action = action,
	    .text = text };
	return r;
}

struct imapd_rule *
imapd_call_at(struct imapd *d, const char *command,
    void (*call)(struct imapd *, void *arg), void *arg)
{
	struct imapd_rule *r = imapd_add_rule(d, command, IMAPD_CALL, NULL);

	r->call = call;
	r->arg = arg;
	return r;
}
