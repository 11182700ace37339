/* Commands of a session and of mailboxes; reading a command. */
#include <ctype.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/mem.h"
#include "imapd_conn.h"

#define SYSTEM_FLAGS "\\Answered \\Deleted \\Draft \\Flagged \\Seen"

/* --- reading --- */

bool
at_end(const struct cursor *k)
{
	return k->end - k->p == 2;	/* CRLF */
}

bool
take_char(struct cursor *k, char ch)
{
	if (k->p == k->end || *k->p != ch)
		return false;
	k->p++;
	return true;
}

bool
take_word(struct cursor *k, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(k->end - k->p) < n || strncasecmp(k->p, word, n) != 0 ||
	    isalnum((unsigned char)k->p[n]))
		return false;
	k->p += n;
	take_char(k, ' ');
	return true;
}

static char *
take_quoted(struct cursor *k, size_t *n_out)
{
	char *out = xmalloc((size_t)(k->end - k->p) + 1);
	size_t n = 0;

	for (k->p++; *k->p != '"'; k->p++) {
		if (*k->p == '\\')
			k->p++;
		out[n++] = *k->p;
	}
	k->p++;
	out[n] = '\0';
	*n_out = n;
	return out;
}

static char *
take_literal(struct cursor *k, size_t *n_out)
{
	char *out;

	*n_out = strtoul(k->p + 1, NULL, 10);
	k->p = strchr(k->p, '\n') + 1;
	out = xstrndup("", 0);
	out = xrealloc(out, *n_out + 1);
	memcpy(out, k->p, *n_out);
	out[*n_out] = '\0';
	k->p += *n_out;
	return out;
}

char *
take_string(struct cursor *k, size_t *n_out)
{
	size_t n = 0, ignored;
	char *out;

	if (n_out == NULL)
		n_out = &ignored;
	if (*k->p == '"' || *k->p == '{') {
		out = *k->p == '"' ? take_quoted(k, n_out) :
		    take_literal(k, n_out);
	} else {
		while (strchr(" ()\r\n", k->p[n]) == NULL)
			n++;
		if (n == 0)
			return NULL;
		out = xstrndup(k->p, n);
		k->p += n;
		*n_out = n;
	}
	take_char(k, ' ');
	return out;
}

char *
take_list(struct cursor *k)
{
	const char *from;
	char *out;

	if (!take_char(k, '('))
		return NULL;
	for (from = k->p; *k->p != ')'; k->p++)
		if (*k->p == '\r')
			return NULL;
	out = xstrndup(from, (size_t)(k->p - from));
	k->p++;
	take_char(k, ' ');
	return out;
}

/* --- answers --- */

static void answer(struct cursor *, const char *status, const char *fmt,
    va_list) __attribute__((format(printf, 3, 0)));

static void
answer(struct cursor *k, const char *status, const char *fmt, va_list ap)
{
	char text[500];

	vsnprintf(text, sizeof(text), fmt, ap);
	conn_say(k->c, "%s %s %s", k->tag, status, text);
}

void
answer_ok(struct cursor *k, const char *fmt, ...)
{
	va_list ap;

	view_tell(k->c);
	va_start(ap, fmt);
	answer(k, "OK", fmt, ap);
	va_end(ap);
}

void
answer_no(struct cursor *k, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	answer(k, "NO", fmt, ap);
	va_end(ap);
}

void
answer_bad(struct cursor *k)
{
	conn_say(k->c, "%s BAD I don't know that", k->tag);
}

bool
conn_has_cap(const struct imapd_conn *c, const char *word)
{
	return words_have(c->d->caps, word);
}

/* --- what the client knows of its mailbox --- */

void
conn_forget_box(struct imapd *d, const struct imapd_box *b)
{
	for (struct imapd_conn *c = d->conn; c != NULL; c = c->next)
		if (c->box == b)
			c->box = NULL;
}

void
view_open(struct imapd_conn *c, struct imapd_box *b, bool examined)
{
	c->box = b;
	c->examined = examined;
	c->n_view = 0;
	for (size_t i = 0; i < b->n; i++)
		if (imapd_shows(b, i))
			*VEC_ADD(c->view, c->n_view, c->cap_view) =
			    b->msg[i]->uid;
	c->seen = b->modseq;
	free(c->saved);
	c->saved = NULL;
}

/* Numbers of messages count down while they go. */
static void
tell_gone(struct imapd_conn *c)
{
	uint32_t *gone = NULL;
	size_t n = 0, cap = 0;
	struct buf set;

	for (size_t i = c->n_view; i-- > 0; ) {
		if (imapd_find(c->box, c->view[i]) != NULL)
			continue;
		*VEC_ADD(gone, n, cap) = c->view[i];
		memmove(&c->view[i], &c->view[i + 1],
		    (--c->n_view - i) * sizeof(*c->view));
		if (!c->qresync)
			conn_say(c, "* %zu EXPUNGE", i + 1);
	}
	if (c->qresync && n > 0) {
		buf_init(&set, 1u << 20);
		set_format(&set, gone, n);
		conn_say(c, "* VANISHED %s", buf_str(&set));
		buf_release(&set);
	}
	free(gone);
}

static void
tell_flags(struct imapd_conn *c)
{
	for (size_t i = 0; i < c->n_view; i++) {
		struct imapd_message *m = imapd_find(c->box, c->view[i]);

		if (m == NULL || m->modseq <= c->seen)
			continue;
		if (c->condstore)
			conn_say(c, "* %zu FETCH (UID %u FLAGS (%s) MODSEQ "
			    "(%llu))", i + 1, m->uid, m->flags,
			    (unsigned long long)m->modseq);
		else
			conn_say(c, "* %zu FETCH (UID %u FLAGS (%s))", i + 1,
			    m->uid, m->flags);
	}
}

void
view_tell(struct imapd_conn *c)
{
	size_t before = c->n_view;

	if (c->box == NULL)
		return;
	tell_flags(c);
	tell_gone(c);
	before = c->n_view;
	for (size_t i = 0; i < c->box->n; i++) {
		uint32_t uid = c->box->msg[i]->uid;

		if (c->n_view == 0 || uid > c->view[c->n_view - 1])
			*VEC_ADD(c->view, c->n_view, c->cap_view) = uid;
	}
	if (c->n_view > before)
		conn_say(c, "* %zu EXISTS", c->n_view);
	c->seen = c->box->modseq;
}

/* --- the session --- */

static void
login(struct cursor *k)
{
	char *user = take_string(k, NULL), *password = take_string(k, NULL);
	bool right = user != NULL && password != NULL &&
	    strcmp(user, "jane") == 0 && strcmp(password, "secret") == 0;

	free(user);
	free(password);
	if (!right) {
		answer_no(k, "[AUTHENTICATIONFAILED] not you");
		return;
	}
	k->c->logged_in = true;
	answer_ok(k, "[CAPABILITY %s] in", k->c->d->caps);
}

static void
enable(struct cursor *k)
{
	struct imapd_conn *c = k->c;

	c->condstore = true;
	c->qresync = take_word(k, "QRESYNC") && conn_has_cap(c, "QRESYNC");
	conn_say(c, "* ENABLED %s", c->qresync ? "QRESYNC" : "CONDSTORE");
	answer_ok(k, "enabled");
}

static void
capability(struct cursor *k)
{
	conn_say(k->c, "* CAPABILITY %s", k->c->d->caps);
	answer_ok(k, "these");
}

static void
namespace(struct cursor *k)
{
	conn_say(k->c, "* NAMESPACE ((\"%s\" \"/\")) NIL NIL",
	    k->c->d->namespace);
	answer_ok(k, "there");
}

static void
noop(struct cursor *k)
{
	answer_ok(k, "nothing");
}

static void
id(struct cursor *k)
{
	conn_say(k->c, "* ID NIL");
	answer_ok(k, "nice to meet you");
}

static void
logout(struct cursor *k)
{
	conn_say(k->c, "* BYE see you");
	k->c->closing = true;
	answer_ok(k, "bye");
}

/* --- mailboxes --- */

static void
say_status(struct imapd_conn *c, struct imapd_box *b, const char *items)
{
	char modseq[60] = "", uidnext[40] = "", guid[40] = "";

	lies_number(c->d, b);
	if (!c->d->status_lacks_uidnext)
		snprintf(uidnext, sizeof(uidnext), " UIDNEXT %u", b->uidnext);
	if (words_have(items, "HIGHESTMODSEQ"))
		snprintf(modseq, sizeof(modseq), " HIGHESTMODSEQ %llu",
		    (unsigned long long)b->modseq);
	if (words_have(items, "X-GUID"))
		snprintf(guid, sizeof(guid), " X-GUID %08x", b->id);
	conn_say(c, "* STATUS \"%s\" (MESSAGES %zu%s UIDVALIDITY %llu%s%s)",
	    b->name, imapd_count_shown(b), uidnext,
	    (unsigned long long)b->uidvalidity, modseq, guid);
}

/* RETURN (SPECIAL-USE STATUS (...)): the items, or NULL. False: it is wrong. */
static bool
take_return(struct cursor *k, char **status)
{
	*status = NULL;
	if (!take_word(k, "RETURN"))
		return true;
	if (!conn_has_cap(k->c, "LIST-EXTENDED") || !take_char(k, '('))
		return false;
	if (take_word(k, "SPECIAL-USE") && !conn_has_cap(k->c, "SPECIAL-USE"))
		return false;
	if (take_word(k, "STATUS"))
		*status = take_list(k);
	return take_char(k, ')');
}

static bool
pattern_takes(const char *pattern, const char *name)
{
	size_t n = strlen(pattern);

	return n > 0 && pattern[n - 1] == '*' ?
	    strncmp(pattern, name, n - 1) == 0 : strcmp(pattern, name) == 0;
}

static bool
is_of(const char *pattern, const char *name)
{
	return pattern != NULL && fnmatch(pattern, name, 0) == 0;
}

static void
list(struct cursor *k)
{
	struct imapd *d = k->c->d;
	char *reference = take_string(k, NULL), *pattern = take_string(k, NULL);
	char *status;

	if (reference == NULL || pattern == NULL || !take_return(k, &status)) {
		answer_bad(k);
	} else {
		for (size_t i = 0; i < d->n_box; i++) {
			struct imapd_box *b = d->box[i];

			if (d->list_cuts > 0 && i >= d->list_cuts &&
			    strcmp(pattern, "*") == 0)
				conn_cut_behind(k->c);
			if (!pattern_takes(pattern, b->name) ||
			    is_of(d->hidden, b->name) ||
			    is_of(d->away, b->name))
				continue;
			conn_say(k->c, "* LIST (%s) \"/\" \"%s\"",
			    b->use != NULL && conn_has_cap(k->c,
			    "SPECIAL-USE") ? b->use : "", b->name);
			if (status != NULL)
				say_status(k->c, b, status);
		}
		if (d->phantom != NULL && pattern_takes(pattern, d->phantom))
			conn_say(k->c, "* LIST () \"/\" \"%s\"", d->phantom);
		answer_ok(k, "listed");
		free(status);
	}
	free(reference);
	free(pattern);
}

static struct imapd_box *
find_box(struct imapd *d, const char *name)
{
	struct imapd_box *b = imapd_find_box(d, strcasecmp(name, "INBOX") ==
	    0 ? "INBOX" : name);

	for (size_t i = 0; i < d->n_box && b == NULL && d->folds; i++)
		if (strcasecmp(d->box[i]->name, name) == 0)
			b = d->box[i];
	return b != NULL && is_of(d->away, b->name) ? NULL : b;
}

static struct imapd_box *
take_box(struct cursor *k)
{
	char *name = take_string(k, NULL);
	struct imapd_box *b = name == NULL ? NULL : find_box(k->c->d, name);

	free(name);
	return b;
}

static void
answer_nonexistent(struct cursor *k)
{
	if (k->c->d->absent != NULL)
		answer_no(k, "%s", k->c->d->absent);
	else
		answer_no(k, "%sno such mailbox", k->c->d->away != NULL ? "" :
		    "[NONEXISTENT] ");
}

static void
status(struct cursor *k)
{
	struct imapd_box *b = take_box(k);
	char *items = take_list(k);

	if (b == NULL || items == NULL) {
		answer_nonexistent(k);
	} else if (words_have(items, "X-GUID") && !k->c->d->knows_guid) {
		answer_bad(k);
	} else {
		say_status(k->c, b, items);
		answer_ok(k, "counted");
	}
	free(items);
}

/* All words of the messages, and those that always are known. */
static char *
known_flags(const struct imapd_box *b)
{
	char *all = xstrdup(SYSTEM_FLAGS), *more;

	for (size_t i = 0; i < b->n; i++) {
		char *new = words_less(b->msg[i]->flags, all);

		more = words_join(all, new);
		free(new);
		free(all);
		all = more;
	}
	return all;
}

static void
say_box(struct imapd_conn *c, struct imapd_box *b)
{
	char *known = known_flags(b);
	const char *permanent = b->permanent != NULL ? b->permanent :
	    SYSTEM_FLAGS " \\*";

	lies_number(c->d, b);
	conn_say(c, "* FLAGS (%s)", known);
	conn_say(c, "* OK [PERMANENTFLAGS (%s)] these",
	    b->read_only || c->examined ? "" : permanent);
	conn_say(c, "* %zu EXISTS", c->d->says_empty ? 0 :
	    imapd_count_shown(b));
	conn_say(c, "* 0 RECENT");
	conn_say(c, "* OK [UIDVALIDITY %llu] valid",
	    (unsigned long long)b->uidvalidity);
	if (!c->d->select_lacks_uidnext)
		conn_say(c, "* OK [UIDNEXT %u] next", b->uidnext);
	if (conn_has_cap(c, "OBJECTID"))
		conn_say(c, "* OK [MAILBOXID (F%u)] id", b->id);
	if (conn_has_cap(c, "CONDSTORE"))
		conn_say(c, "* OK [HIGHESTMODSEQ %llu] highest",
		    (unsigned long long)b->modseq);
	free(known);
}

/* (QRESYNC (uidvalidity modseq [set])) or (CONDSTORE). False: it is wrong. */
static bool
take_parameters(struct cursor *k, const struct imapd_box *b, uint64_t *since,
    char **set)
{
	char *number;
	bool same;

	if (!take_char(k, '('))
		return true;
	if (take_word(k, "CONDSTORE"))
		return conn_has_cap(k->c, "CONDSTORE") && take_char(k, ')');
	if (!k->c->qresync || !take_word(k, "QRESYNC") || !take_char(k, '('))
		return false;
	number = take_string(k, NULL);
	same = strtoull(number, NULL, 10) == b->uidvalidity;
	free(number);
	number = take_string(k, NULL);
	*since = same ? strtoull(number, NULL, 10) : 0;
	free(number);
	*set = take_string(k, NULL);
	return take_char(k, ')') && take_char(k, ')');
}

static void
open_box(struct cursor *k, bool examine)
{
	struct imapd_conn *c = k->c;
	struct imapd_box *b = take_box(k);
	uint64_t since = 0;
	char *set = NULL;

	if (c->box != NULL && c->qresync)
		conn_say(c, "* OK [CLOSED] the one before");
	c->box = NULL;
	if (b == NULL) {
		answer_nonexistent(k);
	} else if (!take_parameters(k, b, &since, &set) || !at_end(k)) {
		answer_bad(k);
	} else {
		view_open(c, b, examine);
		say_box(c, b);
		if (since > 0) {
			fetch_vanished(c, set, since);
			fetch_changes(c, set, since);
		}
		answer_ok(k, "[READ-%s] open", examine || b->read_only ?
		    "ONLY" : "WRITE");
	}
	free(set);
}

static void
select_box(struct cursor *k)
{
	open_box(k, false);
}

static void
examine_box(struct cursor *k)
{
	open_box(k, true);
}

static void
unselect(struct cursor *k)
{
	if (k->c->box == NULL) {
		answer_bad(k);
		return;
	}
	k->c->box = NULL;
	answer_ok(k, "closed");
}

static void
create(struct cursor *k)
{
	char *name = take_string(k, NULL);

	if (name == NULL) {
		answer_bad(k);
	} else if (find_box(k->c->d, name) != NULL ||
	    imapd_find_box(k->c->d, name) != NULL) {
		answer_no(k, "[ALREADYEXISTS] there is one");
	} else {
		imapd_make_box(k->c->d, name);
		answer_ok(k, "made");
	}
	free(name);
}

static void
delete(struct cursor *k)
{
	struct imapd_box *b = take_box(k);

	if (b == NULL) {
		answer_nonexistent(k);
		return;
	}
	imapd_drop_box(k->c->d, b);
	answer_ok(k, "deleted");
}

static void
rename_box(struct cursor *k)
{
	struct imapd_box *b = take_box(k);
	char *to = take_string(k, NULL);

	if (b == NULL || to == NULL) {
		answer_nonexistent(k);
	} else if (imapd_find_box(k->c->d, to) != NULL) {
		answer_no(k, "[ALREADYEXISTS] there is one");
	} else {
		imapd_rename_box(k->c->d, b, to);
		answer_ok(k, "renamed");
	}
	free(to);
}

/* --- APPEND --- */

/* "15-Jan-2026 10:00:00 +0000" */
static int64_t
parse_date(const char *text)
{
	struct tm tm = { 0 };
	const char *zone = strptime(text, "%d-%b-%Y %H:%M:%S", &tm);
	int offset = zone == NULL ? 0 : atoi(zone);

	return (int64_t)timegm(&tm) - (offset / 100 * 60 + offset % 100) * 60;
}

/* What the server refuses of it, or NULL. */
static const char *
take_message(struct cursor *k, struct imapd_box *b, struct arrived *a)
{
	struct imapd *d = k->c->d;
	const char *why;
	char *date, *kept;

	a->flags = take_list(k);
	date = take_string(k, NULL);
	a->date = parse_date(date);
	free(date);
	a->data = take_string(k, &a->n);
	if (b->read_only)
		return "[NOPERM] the mailbox can't be changed";
	why = d->refuse_words == NULL ? NULL : d->refuse_words(d, NULL,
	    a->flags);
	if (why != NULL)
		return why;
	kept = d->keep == NULL ? xstrdup(a->flags) : d->keep(d, a->flags,
	    true);
	free(a->flags);
	a->flags = kept;
	why = d->refuse == NULL ? NULL : d->refuse(d, b, a->data, a->n);
	if (why != NULL && strncmp(why, "cut", 3) == 0)
		conn_cut_behind(k->c);
	return why != NULL && strcmp(why, "cut behind") == 0 ? NULL : why;
}

/* All of them, or none. */
static void
append(struct cursor *k)
{
	struct imapd_box *b = take_box(k);
	struct arrived *all = NULL;
	size_t n = 0, cap = 0;
	const char *why = NULL;
	uint32_t *uid;

	while (b != NULL && why == NULL && !at_end(k))
		why = take_message(k, b, VEC_ADD(all, n, cap));
	if (b == NULL) {
		answer_no(k, "[TRYCREATE] no such mailbox");
	} else if (why != NULL) {
		answer_no(k, "%s", why);
	} else if (n > 1 && !conn_has_cap(k->c, "MULTIAPPEND")) {
		answer_bad(k);
	} else {
		uid = xcalloc(n, sizeof(*uid));
		for (size_t i = 0; i < n; i++)
			uid[i] = lies_store(k->c->d, b, &all[lies_append(
			    k->c->d) == IMAPD_APPEND_SWAPS ? n - 1 - i : i]);
		lies_answer(k, b, uid, n);
		lies_appended(k->c->d);
		free(uid);
	}
	while (n > 0) {
		free(all[--n].flags);
		free(all[n].data);
	}
	free(all);
}

static void
expunge(struct cursor *k)
{
	command_expunge(k, NULL);
}

/* --- all of them --- */

static const struct {
	const char *word;
	void (*run)(struct cursor *);
	bool before_login;
} commands[] = {
	{ "CAPABILITY", capability, true }, { "LOGOUT", logout, true },
	{ "LOGIN", login, true }, { "NOOP", noop, true },
	{ "ENABLE", enable, false }, { "ID", id, false },
	{ "NAMESPACE", namespace, false }, { "LIST", list, false },
	{ "STATUS", status, false }, { "SELECT", select_box, false },
	{ "EXAMINE", examine_box, false }, { "CREATE", create, false },
	{ "DELETE", delete, false }, { "RENAME", rename_box, false },
	{ "SUBSCRIBE", noop, false }, { "UNSUBSCRIBE", noop, false },
	{ "UNSELECT", unselect, false }, { "APPEND", append, false },
	{ "EXPUNGE", expunge, false }, { "UID", command_uid, false },
};

void
command_run(struct imapd_conn *c, const char *tag, const char *text, size_t n)
{
	struct cursor k = { c, tag, text, text + n };

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!take_word(&k, commands[i].word))
			continue;
		if (!c->logged_in && !commands[i].before_login)
			break;
		commands[i].run(&k);
		return;
	}
	answer_bad(&k);
}
