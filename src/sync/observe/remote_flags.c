/*
 * Asks for the flags of many messages as sets: which of them are seen, which
 * are flagged, and so on for each keyword that the folder knows. The messages
 * themselves are a set as well, asked for before the flags and again behind
 * them: who is in only one of the two came or went meanwhile, and what the sets
 * say of him was not said at one time. He is left to the next run, as is who
 * changes meanwhile: his MODSEQ is above the cursor.
 *
 * A server might find less than there is, or not tell of all its keywords: a
 * few rows are fetched with the sets, and where the two differ all rows are;
 * and the full comparison (verify-interval) goes by rows alone. A keyword that
 * a message had and that the server does not name any more is not taken for
 * gone: then, too, all rows are fetched.
 */
#include "observe/remote.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "mail/flags.h"

static const struct {
	unsigned flag;
	const char *key;
} system_flags[] = {
	{ FLAG_SEEN, "SEEN" }, { FLAG_ANSWERED, "ANSWERED" },
	{ FLAG_FLAGGED, "FLAGGED" }, { FLAG_DELETED, "DELETED" },
	{ FLAG_DRAFT, "DRAFT" }, { FLAG_PASSED, "KEYWORD $Forwarded" },
};

#define N_SYSTEM	(sizeof(system_flags) / sizeof(system_flags[0]))

static const char *
next_word(const char *p, struct span *out)
{
	*out = (struct span){ p, strcspn(p, " ") };
	p += out->n;
	return *p == ' ' ? p + 1 : p;
}

bool
sets_possible(const struct observe *o)
{
	const char *p = o->select.box.known_keywords;
	size_t n = N_SYSTEM;
	struct span word;

	while (p != NULL && *p != '\0') {
		p = next_word(p, &word);
		if (++n > SETS_MOST || !keyword_valid(word))
			return false;
	}
	return p != NULL;	/* NULL: it did not say what it knows */
}

static void
ask_set(struct observe *o, struct imap_searching *q, const char *key)
{
	struct imap_session *session = o->pass.conn->session;
	char *criteria, *all;

	if (o->older.kept) {
		imap_search_kept_start(session, q, &o->pass.task, key);
		return;
	}
	criteria = ask_criteria(o);
	all = xasprintf("%s%s%s", criteria, *key != '\0' ? " " : "", key);
	imap_search_beside_start(session, q, &o->pass.task, all);
	free(criteria);
	free(all);
}

static void
ask_flags(struct observe *o)
{
	struct flag_sets *s = &o->sets;
	const char *p = o->select.box.known_keywords;
	struct span word;
	size_t i;
	char *key;

	for (i = 0; i < N_SYSTEM; i++) {
		/* To search for a keyword makes it known (Dovecot). */
		if (system_flags[i].flag == FLAG_PASSED &&
		    !(o->select.box.known & FLAG_PASSED))
			continue;
		s->v[s->n].flag = system_flags[i].flag;
		ask_set(o, &s->v[s->n++].search, system_flags[i].key);
	}
	while (*p != '\0' && s->n < SETS_MOST) {
		p = next_word(p, &word);
		s->v[s->n].keyword = span_dup(word);
		key = xasprintf("KEYWORD %s", s->v[s->n].keyword);
		ask_set(o, &s->v[s->n++].search, key);
		free(key);
	}
}

/* Some of them, spread over all. */
static void
ask_sample(struct observe *o)
{
	struct flag_sets *s = &o->sets;
	uint64_t count = uidset_count(&o->older.uids), i = 0;
	uint64_t step = count / PROBES + 1;
	struct uidset uids = { .n = 0 };
	struct imap_fetch_args args = {
		.uids = &uids, .items = FETCH_FLAGS,
		.sink = rows_sink(o, false),
	};
	uint32_t uid = 0;

	for (; uidset_next(&o->older.uids, &uid) && s->n_want < PROBES; i++)
		if (i % step == 0) {
			uidset_add(&uids, uid);
			s->want[s->n_want++].uid = uid;
		}
	imap_fetch_start(o->pass.conn->session, &s->sample, &o->pass.task,
	    &args);
	uidset_release(&uids);
}

void
sets_ask(struct observe *o)
{
	o->sets.asked = true;
	ask_sample(o);		/* first: rows go to the oldest command */
	ask_flags(o);
	ask_set(o, &o->sets.after, "");
}

void
sets_seen(struct observe *o, const struct imap_fetch *f)
{
	struct flag_sets *s = &o->sets;
	int i;

	for (i = 0; s->asked && i < s->n_want; i++) {
		if (s->want[i].uid != f->uid)
			continue;
		s->want[i].has = true;
		s->want[i].flags = f->flags;
		free(s->want[i].keywords);
		s->want[i].keywords = xstrdup(f->keywords);
	}
}

int
sets_result(struct observe *o, struct err *err)
{
	struct flag_sets *s = &o->sets;
	struct err why;
	int rc, worst;
	size_t i;

	if ((rc = imap_result(&s->sample.cmd, err)) == 0 ||
	    (worst = imap_result(&s->after.cmd, &why)) == 0)
		return 0;
	if (rc == 1 && worst == -1)
		*err = why;
	worst = rc < worst ? rc : worst;
	for (i = 0; i < s->n; i++) {
		rc = imap_result(&s->v[i].search.cmd, &why);
		if (rc == 0)
			return 0;
		if (rc == -1 && worst == 1)
			*err = why;
		worst = rc < worst ? rc : worst;
	}
	return worst;
}

/* keywords: room for LIMIT_KEYWORDS; in the order of FLAGS, so canonical. */
static unsigned
flags_of(const struct flag_sets *s, uint32_t uid, struct buf *keywords)
{
	unsigned flags = 0;
	size_t i;

	buf_clear(keywords);
	for (i = 0; i < s->n; i++) {
		const struct flag_set *f = &s->v[i];

		if (!uidset_has(&f->search.uids, uid))
			continue;
		flags |= f->flag;
		if (f->keyword == NULL)
			continue;
		if (keywords->len > 0)
			buf_add(keywords, " ", 1);
		buf_add_str(keywords, f->keyword);
	}
	return flags;
}

/* A server that kept less than it told would hide changes. Who went meanwhile
 * looks the same: then it is rows, for once. */
static bool
is_kept_whole(const struct observe *o)
{
	return !o->older.kept || uidset_count(&o->sets.after.uids) ==
	    uidset_count(&o->older.uids);
}

bool
sets_agree(const struct observe *o)
{
	const struct flag_sets *s = &o->sets;
	struct buf keywords;
	bool agree = is_kept_whole(o);
	int i;

	buf_init(&keywords, 4 * LIMIT_KEYWORDS);
	for (i = 0; i < s->n_want; i++)
		if (s->want[i].has &&
		    (flags_of(s, s->want[i].uid, &keywords) !=
		    s->want[i].flags || !keywords_equal(buf_str(&keywords),
		    s->want[i].keywords)))
			agree = false;
	buf_release(&keywords);
	return agree;
}

/* Those that the sets tell of, beside all known keywords. */
static unsigned
asked_flags(const struct flag_sets *s)
{
	unsigned flags = 0;
	size_t i;

	for (i = 0; i < s->n; i++)
		flags |= s->v[i].flag;
	return flags;
}

bool
sets_make_rows(struct observe *o)
{
	struct flag_sets *s = &o->sets;
	struct imap_fetch row = { .has_flags = true };
	const unsigned flags = asked_flags(s);
	struct index_seen_remote *kept;
	struct buf keywords;
	bool more = true;

	buf_init(&keywords, 4 * LIMIT_KEYWORDS);
	while (o->n_rows <= BATCHES_MOST &&
	    (more = uidset_next(&o->older.uids, &s->at))) {
		if (!uidset_has(&s->after.uids, s->at))
			continue;
		row.uid = s->at;
		row.flags = flags_of(s, s->at, &keywords);
		row.keywords = buf_str(&keywords);
		kept = rows_keep(o, &row);
		kept->asked_flags = flags;
		kept->asked_keywords = o->select.box.known_keywords;
	}
	buf_release(&keywords);
	return !more;
}

void
sets_release(struct observe *o)
{
	struct flag_sets *s = &o->sets;
	size_t i;

	for (i = 0; i < s->n; i++) {
		free(s->v[i].keyword);
		imap_searching_release(&s->v[i].search);
	}
	for (i = 0; i < (size_t)s->n_want; i++)
		free(s->want[i].keywords);
	imap_searching_release(&s->after);
	imap_cmd_release(&s->sample.cmd);
	*s = (struct flag_sets){ .n = 0 };
}
