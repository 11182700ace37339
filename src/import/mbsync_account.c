/*
 * Makes accounts of the channels in mbsync's configuration: which stores each
 * connects, and which of their folders. What the stores are: mbsync_store.c.
 */
#include "import/mbsync_account.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "internal.h"

/* --- where a setting stands: in the channel, else before all sections --- */

static const struct mbsync_line *
setting(const struct making *m, const char *keyword, const char *other)
{
	const struct mbsync_line *l = mbsync_find(m->channel, keyword, other);
	size_t i;

	for (i = 0; l == NULL && i < m->rc->n; i++)
		if (m->rc->section[i].global)
			l = mbsync_find(&m->rc->section[i], keyword, other);
	return l;
}

static const char *
first_word(const struct mbsync_line *l)
{
	return l == NULL || l->n < 2 ? "" : l->word[1];
}

/* ":store:box" in two. */
static bool
split_box(const char *text, char **store, char **box)
{
	const char *colon = *text == ':' ? strchr(text + 1, ':') : NULL;

	if (colon == NULL)
		return false;
	*store = xstrndup(text + 1, (size_t)(colon - text - 1));
	*box = xstrdup(colon + 1);
	return true;
}

/* --- what it does that mailtern does otherwise --- */

static void
compare_sync(const struct making *m)
{
	const struct mbsync_line *l = setting(m, "Sync", NULL);

	if (l != NULL && !(l->n == 2 && (strcasecmp(l->word[1], "Full") == 0 ||
	    strcasecmp(l->word[1], "All") == 0)))
		import_note(&m->a->a, l->number, true, xasprintf("channel %s "
		    "has Sync %s: mailtern carries everything over, in both "
		    "directions", m->name, first_word(l)));
}

static void
compare_expunge(const struct making *m, bool first)
{
	const struct mbsync_line *l = setting(m, "Expunge", NULL);
	const bool both = strcasecmp(first_word(l), "Both") == 0;

	if (first)
		m->a->a.expunge = both;
	if (m->a->a.expunge != both) {
		m->a->a.expunge = false;
		import_note(&m->a->a, l == NULL ? 0 : l->number, false,
		    xasprintf("channel %s has another Expunge than the others: "
		    "what is marked as deleted stays until you say expunge = "
		    "yes", m->name));
	} else if (!both) {
		import_note(&m->a->a, l == NULL ? 0 : l->number, false,
		    xasprintf("channel %s has no Expunge Both: a message that "
		    "is deleted on one side is not only marked, but removed on "
		    "the other; the mark alone (T, \\Deleted) removes nothing "
		    "without expunge = yes", m->name));
	}
}

static const struct {
	const char *keyword, *why;
} lacking[] = {
	{ "MaxMessages", "the older messages are pulled as well" },
	{ "MaxSize", "the larger messages are pulled as well" },
	{ "ExpireUnread", "nothing expires" },
	{ "ExpungeSolo", "there is nothing like it; see expunge in "
	    "syncrc(5)" },
};

static void
compare_rest(const struct making *m)
{
	size_t i;

	for (i = 0; i < sizeof(lacking) / sizeof(lacking[0]); i++) {
		const struct mbsync_line *l = setting(m, lacking[i].keyword,
		    NULL);

		if (l != NULL && strcmp(first_word(l), "0") != 0)
			import_note(&m->a->a, l->number, false, xasprintf(
			    "channel %s has %s %s: %s", m->name, l->word[0],
			    first_word(l), lacking[i].why));
	}
	if (strcasecmp(first_word(setting(m, "Create", NULL)), "Both") != 0)
		import_note(&m->a->a, 0, false, xasprintf("channel %s has no "
		    "Create Both: folders that are new on one side are made on "
		    "the other", m->name));
	if (strcasecmp(first_word(setting(m, "Remove", NULL)), "Both") != 0)
		import_note(&m->a->a, 0, false, xasprintf("channel %s has no "
		    "Remove Both: folders that are deleted on one side are "
		    "deleted on the other, with what was in them",
		    m->name));
}

/* --- which folders --- */

static void
add_pattern_text(const struct making *m, char *pattern)
{
	*VEC_ADD(m->a->a.folder, m->a->a.n_folder, m->a->a.cap_folder) =
	    pattern;
}

/* "%" crosses no level: at the end of what takes in, what it would not reach
 * is taken out again. */
static void
add_level(const struct making *m, const char *far, const char *pattern,
    unsigned line)
{
	const size_t n = strlen(pattern);

	if (*pattern == '!' || strchr(pattern, '%') != pattern + n - 1) {
		import_note(&m->a->a, line, true, xasprintf("pattern %s of "
		    "channel %s: mailtern has no %%; see folders in syncrc(5)",
		    pattern, m->name));
		return;
	}
	add_pattern_text(m, xasprintf("%s%.*s*", far, (int)n - 1, pattern));
	add_pattern_text(m, xasprintf("!%s%.*s*/*", far, (int)n - 1, pattern));
}

static void
add_patterns(const struct making *m, const char *far,
    const struct mbsync_line *l)
{
	size_t i;

	for (i = 1; i < l->n; i++) {
		const char *p = l->word[i];

		if (strchr(p, '%') != NULL)
			add_level(m, far, p, l->number);
		else if (*p == '!')
			add_pattern_text(m, xasprintf("!%s%s", far, p + 1));
		else
			add_pattern_text(m, xasprintf("%s%s", far, p));
	}
}

static const struct mbsync_line *
patterns_of(const struct mbsync_section *channel)
{
	return mbsync_find(channel, "Pattern", "Patterns");
}

static void
add_channel_folders(const struct making *m, const struct mbsync_channel *c)
{
	size_t i;

	if (!c->patterns) {
		add_pattern_text(m, import_plain_name(c->far));
		return;
	}
	for (i = 0; i < m->channel->n; i++) {
		const struct mbsync_line *l = &m->channel->line[i];

		if (strcasecmp(l->word[0], "Pattern") == 0 ||
		    strcasecmp(l->word[0], "Patterns") == 0)
			add_patterns(m, c->far, l);
	}
}

/* --- where its state is --- */

static void
find_state(const struct making *m, struct mbsync_channel *c)
{
	const struct mbsync_line *own = mbsync_find(m->channel, "SyncState",
	    NULL);
	const char *where = first_word(setting(m, "SyncState", NULL));

	c->state_is_own = own != NULL;
	if (strcmp(where, "*") == 0)
		c->state = xstrdup("*");
	else if (*where != '\0')
		c->state = mbsync_path(m->env, where);
	else
		c->state = xstrdup(m->env->state);
}

/* --- an account --- */

/* The account that these stores make; a new one where it is the first channel
 * that connects them. */
static struct mbsync_account *
account_for(struct making *m, char *far, char *near, bool *first)
{
	struct mbsync_account *a;
	size_t i;

	*first = false;
	for (i = 0; i < m->n; i++)
		if (strcmp(m->all[i].far_store, far) == 0 &&
		    strcmp(m->all[i].near_store, near) == 0) {
			free(far);
			free(near);
			return &m->all[i];
		}
	*first = true;
	a = VEC_ADD(m->all, m->n, m->cap);
	a->far_store = far;
	a->near_store = near;
	return a;
}

static bool
is_taken(const struct making *m, const char *name)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (m->all[i].a.name != NULL &&
		    strcmp(m->all[i].a.name, name) == 0)
			return true;
	return false;
}

/* Each once. */
static char *
name_for(const struct making *m, const char *from)
{
	char *name = import_account_name(from), *other;
	unsigned i = 2;

	if (!is_taken(m, name))
		return name;
	do
		other = xasprintf("%s-%u", name, i++);
	while (is_taken(m, other) && (free(other), true));
	free(name);
	return other;
}

static int
fail_at(const struct making *m, const char *what, struct err *err)
{
	return err_set(err, ERR_CONFIG, "%s:%u: channel %s: %s", m->env->path,
	    m->channel->line[0].number, m->name, what);
}

static int
find_stores(struct making *m, const char *far, const char *near,
    struct err *err)
{
	m->imap = mbsync_section(m->rc, "IMAPStore", far);
	m->maildir = mbsync_section(m->rc, "MaildirStore", near);
	if (m->imap != NULL && m->maildir != NULL)
		return 0;
	return fail_at(m, "it does not connect an IMAPStore (Far) with a "
	    "MaildirStore (Near) of this file", err);
}

static int
add_channel(struct making *m, char *boxes[2], bool first, struct err *err)
{
	struct mbsync_channel *c;

	if (first) {
		const char *from = mbsync_value(m->imap, "Account");

		m->a->a.line = m->channel->line[0].number;
		m->a->a.name = name_for(m, from != NULL ? from :
		    m->a->far_store);
		if (mbsync_stores_read(m, err) == -1)
			return -1;
	}
	c = VEC_ADD(m->a->channel, m->a->n, m->a->cap);
	c->name = xstrdup(m->name);
	c->patterns = patterns_of(m->channel) != NULL;
	c->far = xstrdup(*boxes[0] == '\0' && !c->patterns ? "INBOX" :
	    boxes[0]);
	c->near = xstrdup(*boxes[1] == '\0' && !c->patterns ? "INBOX" :
	    boxes[1]);
	find_state(m, c);
	add_channel_folders(m, c);
	compare_sync(m);
	compare_expunge(m, first);
	if (first)
		compare_rest(m);
	return 0;
}

static int
read_channel(struct making *m, struct err *err)
{
	const char *far = first_word(mbsync_find(m->channel, "Far", "Master"));
	const char *near = first_word(mbsync_find(m->channel, "Near",
	    "Slave"));
	char *store[2] = { NULL, NULL }, *box[2] = { NULL, NULL };
	bool first;
	int rc;

	m->name = mbsync_name(m->channel);
	if (!split_box(far, &store[0], &box[0]) ||
	    !split_box(near, &store[1], &box[1]))
		rc = fail_at(m, "Far or Near is missing, or is not "
		    "\":STORE:BOX\"", err);
	else
		rc = find_stores(m, store[0], store[1], err);
	if (rc == 0) {
		m->a = account_for(m, store[0], store[1], &first);
		store[0] = store[1] = NULL;
		rc = add_channel(m, box, first, err);
	}
	free(store[0]);
	free(store[1]);
	free(box[0]);
	free(box[1]);
	return rc;
}

/* One that takes all in needs no list. One that begins with what it leaves out
 * would take in all else here, and takes in nothing there. */
static void
tidy_folders(struct import_account *a)
{
	if (a->n_folder > 0 && *a->folder[0] == '!') {
		(void)VEC_ADD(a->folder, a->n_folder, a->cap_folder);
		memmove(a->folder + 1, a->folder, (a->n_folder - 1) *
		    sizeof(*a->folder));
		a->folder[0] = xstrdup("!*");
	}
	if (a->n_folder == 1 && strcmp(a->folder[0], "*") == 0)
		free(a->folder[--a->n_folder]);
}

int
mbsync_accounts(const struct mbsync_rc *rc, const struct mbsync_env *env,
    struct mbsync_account **out, size_t *n_out, struct err *err)
{
	struct making m = { .rc = rc, .env = env };
	size_t i;
	int status = 0;

	for (i = 0; i < rc->n && status == 0; i++)
		if (mbsync_is(&rc->section[i], "Channel")) {
			m.channel = &rc->section[i];
			status = read_channel(&m, err);
		}
	if (status == 0 && m.n == 0)
		status = err_set(err, ERR_CONFIG, "%s has no channel: there "
		    "is nothing to import", env->path);
	for (i = 0; i < m.n; i++)
		tidy_folders(&m.all[i].a);
	*out = status == 0 ? m.all : NULL;
	*n_out = status == 0 ? m.n : 0;
	if (status == -1)
		mbsync_accounts_free(m.all, m.n);
	return status;
}

void
mbsync_accounts_free(struct mbsync_account *all, size_t n)
{
	while (n > 0) {
		struct mbsync_account *a = &all[--n];

		while (a->n > 0) {
			struct mbsync_channel *c = &a->channel[--a->n];

			free(c->name);
			free(c->far);
			free(c->near);
			free(c->state);
		}
		free(a->channel);
		free(a->far_store);
		free(a->near_store);
		free(a->inbox);
		free(a->flatten);
		import_account_release(&a->a);
	}
	free(all);
}
