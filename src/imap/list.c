/*
 * Asks for all folders and how many messages are in each. The happy path is one
 * command, LIST with STATUS; a server that does not have it, or refuses it, or
 * forgets the STATUS lines, gets a plain LIST and then one STATUS a folder, a
 * window of them in flight. A folder whose STATUS fails is listed without
 * numbers.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"

/* Some servers open the mailbox for each: do not queue up thousands. */
#define STATUS_WINDOW	64

/* Modified UTF-7 writes a name at most five times as long as UTF-8. */
#define RAW_NAME_MAX	(6 * LIMIT_FOLDER_NAME)
#define NAMES_MAX	(16u << 20)
#define PASSED_MOST	100	/* told one by one */

struct entry {			/* LIST or STATUS, as it came */
	char *raw;
	char delimiter;
	struct imap_mailbox_item item;	/* its name is not valid any more */
};

struct entries {
	struct entry *v;
	size_t n, cap;
};

struct imap_list_priv {
	struct entries listed, status;
	enum { LIST_STATUS, LIST_PLAIN, LIST_BELOW, ASK_STATUS } stage;
	const struct imap_list_care *care;	/* NULL: none */
	char *pattern;			/* what to list; NULL: all */
	size_t next;			/* folder to ask STATUS of */
	size_t answered;		/* folders before are through with it
					   */
	size_t skipped;
	size_t octets;			/* of the names so far */
};

static void
entries_release(struct entries *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->v[i].raw);
	free(e->v);
	*e = (struct entries){ 0 };
}

static void
entries_add(struct entries *e, const struct imap_mailbox_item *item)
{
	struct entry *add = VEC_ADD(e->v, e->n, e->cap);

	/* INBOX in any case is one mailbox: RFC 3501 section 5.1. */
	add->raw = span_ieq(item->name, "INBOX") ? xstrdup("INBOX") :
	    span_dup(item->name);
	add->delimiter = item->delimiter;
	add->item = *item;
}

/* It is no folder of the list; the user is told where that is not the server's
 * own doing. */
static void
pass_over(struct imap_list *l, const char *raw, enum imap_unnamed_why why)
{
	struct imap_unnamed *u;

	l->priv->skipped++;
	if (l->n_passed >= PASSED_MOST)
		return;
	u = VEC_ADD(l->passed, l->n_passed, l->cap_passed);
	u->name = imap_name_shown(raw);
	u->why = why;
}

static void
list_on_data(struct imap_cmd *cmd, const struct imap_resp *r)
{
	struct imap_list *l = (struct imap_list *)cmd;
	struct imap_session *s = cmd->priv->session;
	struct entries *to = r->kind == IMAP_LIST ? &l->priv->listed :
	    r->kind == IMAP_STATUS ? &l->priv->status : NULL;

	if (to == NULL)
		return;
	if (to->n >= LIMIT_FOLDERS) {
		imap_session_dropf(s, ERR_PROTO, "%s lists more than %d "
		    "folders", s->host, LIMIT_FOLDERS);
		return;
	}
	imap_session_progress(s);
	l->priv->octets += r->mailbox.name.n;
	if (l->priv->octets > NAMES_MAX) {
		imap_session_dropf(s, ERR_PROTO, "%s lists folders with %u MiB "
		    "of names", s->host, NAMES_MAX >> 20);
		return;
	}
	if (r->mailbox.name.n <= RAW_NAME_MAX) {
		entries_add(to, &r->mailbox);
	} else if (r->kind == IMAP_LIST) {
		char *raw = span_dup(r->mailbox.name);

		pass_over(l, raw, UNNAMED_LONG);
		free(raw);
	}
}

static bool
is_without(const struct imap_list_care *care, const char *raw)
{
	size_t i;

	if (care == NULL || care->without_all)
		return care != NULL;
	for (i = 0; i < care->n_without; i++)
		if (strcmp(care->without[i], raw) == 0)
			return true;
	return false;
}

static bool
is_asked(const struct imap_list *l, size_t i)
{
	return l->folder[i].selectable && !l->folder[i].unasked;
}

/* A STATUS that fails costs its folder the numbers, nothing else. */
static void
ask_status(struct imap_list *l)
{
	struct imap_session *s = l->cmd.priv->session;
	bool modseq = (imap_session_caps(s) & CAP_CONDSTORE) != 0;

	while (l->priv->next < l->n && l->cmd.priv->lines < STATUS_WINDOW &&
	    s->err.kind == ERR_NONE) {
		struct imap_folder *f = &l->folder[l->priv->next++];
		struct imap_line *line;

		if (!f->selectable)
			continue;
		f->unasked = is_without(l->priv->care, f->raw);
		if (f->unasked)
			continue;
		line = imap_line_new(&l->cmd, "STATUS");
		imap_line_astring(line, f->raw);
		imap_line_add(line, " (MESSAGES UIDNEXT UIDVALIDITY%s)",
		    modseq ? " HIGHESTMODSEQ" : "");
		imap_line_send(line);
	}
}

static bool
list_on_line(struct imap_cmd *cmd, struct imap_line *line,
    const struct imap_resp *r)
{
	struct imap_list *l = (struct imap_list *)cmd;

	(void)line;
	(void)r;
	if (l->priv->stage != ASK_STATUS)
		return false;
	while (l->priv->answered < l->n && !is_asked(l, l->priv->answered))
		l->priv->answered++;
	l->priv->answered++;
	ask_status(l);
	return true;
}

static void
list_send(struct imap_list *l)
{
	struct imap_session *s = l->cmd.priv->session;
	unsigned caps = imap_session_caps(s);
	struct imap_line *line = imap_line_new(&l->cmd, "LIST");

	imap_line_add(line, " \"\"%s", l->priv->pattern != NULL ? "" :
	    " \"*\"");
	if (l->priv->pattern != NULL)
		imap_line_astring(line, l->priv->pattern);
	if (l->priv->stage == LIST_STATUS)
		imap_line_add(line, " RETURN (%sSTATUS (MESSAGES UIDNEXT "
		    "UIDVALIDITY%s))",
		    caps & CAP_SPECIAL_USE ? "SPECIAL-USE " : "",
		    caps & CAP_CONDSTORE ? " HIGHESTMODSEQ" : "");
	imap_line_send(line);
}

static int
compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->raw,
	    ((const struct entry *)b)->raw);
}

static int
compare_folders(const void *a, const void *b)
{
	return strcmp(((const struct imap_folder *)a)->name,
	    ((const struct imap_folder *)b)->name);
}

static void
folder_release(struct imap_folder *f)
{
	free(f->raw);
	free(f->name);
}

/* Lines of one name say it together: \Noselect and a use may be in either. */
static void
folder_merge(struct imap_folder *f, const struct imap_mailbox_item *item)
{
	if (item->noselect || item->nonexistent)
		f->selectable = false;
	if (f->use == USE_NONE)
		f->use = item->use;
}

static void
add_folder(struct imap_list *l, const struct entry *e)
{
	struct imap_session *s = l->cmd.priv->session;
	char *name = imap_name_from_raw(s, e->raw, e->delimiter);
	struct imap_folder *f;

	if (name == NULL && (e->item.noselect || e->item.nonexistent))
		l->priv->skipped++;
	else if (name == NULL)
		pass_over(l, e->raw, imap_name_why(s, e->raw));
	if (name == NULL)
		return;
	f = VEC_ADD(l->folder, l->n, l->cap);
	f->raw = xstrdup(e->raw);
	f->name = name;
	f->selectable = true;
	folder_merge(f, &e->item);
	/* imap4d says NIL for INBOX and the real one for the others. */
	if (!s->has_namespace && s->delimiter == '\0')
		s->delimiter = e->delimiter;
}

/*
 * Different wire names with one name of ours: the one that reads back to the
 * name is that folder. The other is not modified UTF-7 and happens to look
 * like it; it is called by its octets with '&' written %26.
 */
static void
tell_apart(struct imap_list *l, struct imap_folder *a, struct imap_folder *b)
{
	char *raw = imap_list_raw_name(l->cmd.priv->session, a->name);
	struct imap_folder *odd = raw != NULL && strcmp(raw, a->raw) == 0 ?
	    b : a;
	struct buf name;

	buf_init(&name, 4 * LIMIT_FOLDER_NAME);
	for (const char *p = odd->name; *p != '\0'; p++)
		if (*p == '&')
			buf_add_str(&name, "%26");
		else
			buf_add(&name, p, 1);
	free(odd->name);
	odd->name = xstrdup(buf_str(&name));
	buf_release(&name);
	free(raw);
}

static void
list_unique(struct imap_list *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct imap_folder *f = &l->folder[i];

		if (kept > 0 &&
		    strcmp(l->folder[kept - 1].name, f->name) == 0) {
			if (f->selectable)
				pass_over(l, f->raw, UNNAMED_TWIN);
			else
				l->priv->skipped++;
			folder_release(f);
			continue;
		}
		l->folder[kept++] = *f;
	}
	l->n = kept;
}

static void
list_collect(struct imap_list *l)
{
	struct entries *e = &l->priv->listed;
	bool clash = false;

	if (e->n > 0)
		qsort(e->v, e->n, sizeof(*e->v), compare_entries);
	for (size_t i = 0; i < e->n; i++) {
		if (i > 0 && strcmp(e->v[i - 1].raw, e->v[i].raw) == 0 &&
		    l->n > 0 &&
		    strcmp(l->folder[l->n - 1].raw, e->v[i].raw) == 0)
			folder_merge(&l->folder[l->n - 1], &e->v[i].item);
		else
			add_folder(l, &e->v[i]);
	}
	entries_release(e);
	if (l->n == 0)
		return;
	qsort(l->folder, l->n, sizeof(*l->folder), compare_folders);
	for (size_t i = 1; i < l->n; i++) {
		if (strcmp(l->folder[i - 1].name, l->folder[i].name) == 0) {
			tell_apart(l, &l->folder[i - 1], &l->folder[i]);
			clash = true;
		}
	}
	if (clash)
		qsort(l->folder, l->n, sizeof(*l->folder), compare_folders);
	list_unique(l);
}

static void
folder_status(struct imap_folder *f, const struct imap_mailbox_item *item)
{
	if (!item->has_messages || !item->has_uidnext ||
	    !item->has_uidvalidity || item->uidnext == 0 ||
	    item->uidvalidity == 0)
		return;
	f->has_status = true;
	f->messages = item->messages;
	f->uidnext = item->uidnext;
	f->uidvalidity = item->uidvalidity;
	f->modseq = item->has_modseq ? item->modseq : 0;
}

/* Joins what STATUS said by wire name. The last line for a name holds. */
static void
list_join(struct imap_list *l)
{
	struct entries *e = &l->priv->status;

	if (e->n == 0)
		return;
	qsort(e->v, e->n, sizeof(*e->v), compare_entries);
	for (size_t i = 0; i < l->n; i++) {
		struct entry key = { .raw = l->folder[i].raw };
		struct entry *at = bsearch(&key, e->v, e->n, sizeof(*e->v),
		    compare_entries);

		if (at != NULL)
			folder_status(&l->folder[i], &at->item);
	}
	entries_release(e);
}

static void
list_end(struct imap_list *l)
{
	if (l->priv == NULL)
		return;
	if (l->priv->skipped > 0)
		log_info("%s: %zu folders have names that can't be used or "
		    "lie outside the personal namespace",
		    l->cmd.priv->session->host, l->priv->skipped);
	entries_release(&l->priv->listed);
	entries_release(&l->priv->status);
	l->unnamed = l->priv->skipped;
	free(l->priv->pattern);
	free(l->priv);
	l->priv = NULL;
}

/* What LIST told of is there. */
static void
list_lost(struct imap_list *l)
{
	struct imap_list_priv *p = l->priv;
	size_t i;

	if (p->stage != ASK_STATUS) {
		l->lost = p->stage == LIST_STATUS ? LIST_LOST_WITH_STATUS :
		    LIST_LOST_LIST;
		list_collect(l);
		return;
	}
	for (i = p->answered; i < l->n && !is_asked(l, i); i++)
		;
	if (i == l->n)
		return;
	l->lost = LIST_LOST_STATUS;
	l->lost_at = xstrdup(l->folder[i].raw);
}

/* LIST-STATUS is not to be had here: the long way. */
static bool
list_refused(struct imap_list *l)
{
	if (l->priv->stage != LIST_STATUS || !imap_cmd_refused(&l->cmd))
		return false;
	l->cmd.priv->session->caps_off |= CAP_LIST_STATUS;
	imap_cmd_forget(&l->cmd);
	entries_release(&l->priv->listed);
	entries_release(&l->priv->status);
	l->priv->stage = LIST_PLAIN;
	list_send(l);
	return l->cmd.priv->lines > 0;
}

static void
list_on_done(struct imap_cmd *cmd)
{
	struct imap_list *l = (struct imap_list *)cmd;
	struct imap_list_priv *p = l->priv;

	if (list_refused(l))
		return;
	if (cmd->err.kind == ERR_NONE && p->stage != ASK_STATUS) {
		bool asked = p->stage == LIST_BELOW ||
		    (p->stage == LIST_STATUS && p->status.n > 0);

		list_collect(l);
		p->stage = ASK_STATUS;
		if (!asked)
			ask_status(l);
		if (cmd->priv->lines > 0)
			return;
	}
	if (cmd->err.kind == ERR_NONE)
		list_join(l);
	else if (cmd->priv->session->lost_at == cmd)
		list_lost(l);
	list_end(l);
}

/* As if LIST had told so. */
static void
list_by_name(struct imap_list *l)
{
	const struct imap_list_care *care = l->priv->care;

	for (size_t i = 0; i < care->n; i++) {
		struct imap_folder *f = VEC_ADD(l->folder, l->n, l->cap);

		f->raw = xstrdup(care->folder[i].raw);
		f->name = xstrdup(care->folder[i].name);
		f->selectable = true;
	}
	if (l->n > 0)
		qsort(l->folder, l->n, sizeof(*l->folder), compare_folders);
	l->priv->stage = ASK_STATUS;
	ask_status(l);
}

static void
list_init(struct imap_session *s, struct imap_list *l, struct task *task)
{
	unsigned need = CAP_LIST_EXTENDED | CAP_LIST_STATUS;

	memset(l, 0, sizeof(*l));
	imap_cmd_init(&l->cmd, s, task);
	l->priv = xcalloc(1, sizeof(*l->priv));
	l->priv->stage = (imap_session_caps(s) & need) == need ? LIST_STATUS :
	    LIST_PLAIN;
	l->cmd.priv->on_data = list_on_data;
	l->cmd.priv->on_line = list_on_line;
	l->cmd.priv->on_done = list_on_done;
}

void
imap_list_start(struct imap_session *s, struct imap_list *l,
    struct task *task, const struct imap_list_care *care)
{
	list_init(s, l, task);
	l->priv->care = care;
	if (care != NULL && care->by_name)
		list_by_name(l);
	else
		list_send(l);
	imap_cmd_started(&l->cmd);
}

/* A wildcard in the name itself only lists more. */
void
imap_list_below_start(struct imap_session *s, struct imap_list *l,
    struct task *task, const char *raw)
{
	list_init(s, l, task);
	l->priv->pattern = xasprintf("%s*", raw);
	l->priv->stage = LIST_BELOW;
	list_send(l);
	imap_cmd_started(&l->cmd);
}

void
imap_list_release(struct imap_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		folder_release(&l->folder[i]);
	free(l->folder);
	l->folder = NULL;
	l->n = l->cap = 0;
	for (size_t i = 0; i < l->n_passed; i++)
		free(l->passed[i].name);
	free(l->passed);
	l->passed = NULL;
	l->n_passed = l->cap_passed = 0;
	free(l->lost_at);
	l->lost_at = NULL;
	imap_cmd_release(&l->cmd);
}
