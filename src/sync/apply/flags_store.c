/*
 * Has the server store flags, and believes what it shows, not that it says OK
 * (design section 4, rule 1).
 *
 *	STORE		one command for each change and all that change so;
 *			rows come in answer
 *	FETCH		of what the rows do not show as it was asked
 *	STORE, FETCH	once more, for what is still not shown
 *
 * What is not there then, the folder does not keep; unless it keeps it for
 * others. A STORE that is refused goes once more in parts: keywords apart, flag
 * by flag, then message by message. So what the server takes gets there, and
 * what is at fault is found. After some refusals in a row it is all of them.
 */
#include "apply/flags.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/mem.h"
#include "core/lacking.h"
#include "mail/flags.h"

#define REFUSALS_MOST	8

/* A part of the flags and keywords. */
struct words {
	unsigned flags;
	char *words;
};

static bool
no_words(const struct words *w)
{
	return w->flags == 0 && *w->words == '\0';
}

/* What is to be added to, or taken from, a message that has from. */
static struct words
change(const struct flag_row *r, const struct state *from, bool add)
{
	const struct state *is = &r->p.place.remote, *goal = &r->goal;
	const struct state *more = add ? goal : is, *less = add ? is : goal;
	char *asked = keywords_less(more->keywords, less->keywords);
	char *other;
	struct words w = { more->flags & ~less->flags &
	    (add ? ~from->flags : from->flags), NULL };

	w.words = keywords_less(asked, from->keywords);
	if (!add) {
		other = w.words;
		w.words = keywords_less(asked, other);
		free(other);
	}
	free(asked);
	return w;
}

bool
is_asked_for(const struct flag_row *r)
{
	const struct state *is = &r->p.place.remote;

	return r->goal.present && (r->goal.flags != is->flags ||
	    !keywords_equal(r->goal.keywords, is->keywords));
}

/* What of that is not shown. */
static bool
is_lacking(const struct flag_row *r, const struct state *from)
{
	struct words plus = change(r, from, true);
	struct words minus = change(r, from, false);
	bool lacking = !no_words(&plus) || !no_words(&minus);

	free(plus.words);
	free(minus.words);
	return lacking;
}

/* --- rows that come --- */

static int
by_uid(const void *a, const void *b)
{
	const uint32_t x = (*(struct flag_row *const *)a)->p.place.uid;
	const uint32_t y = (*(struct flag_row *const *)b)->p.place.uid;

	return (x > y) - (x < y);
}

static struct flag_row *
batch_row(const struct flag_batch *b, uint32_t uid)
{
	struct flag_row key = { .p.place.uid = uid }, *at = &key, **found;

	found = b->n_uid == 0 ? NULL : bsearch(&at, b->by_uid, b->n_uid,
	    sizeof(struct flag_row *), by_uid);
	return found == NULL ? NULL : *found;
}

static void
take_shown(void *arg, const struct imap_fetch *f)
{
	struct flag_row *r = f->uid == 0 || !f->has_flags ? NULL :
	    batch_row(arg, f->uid);

	if (r == NULL)
		return;
	state_set(&r->shown, true, f->flags, f->keywords);
	r->fresh = true;
}

static void
take_data(struct imap_cmd *cmd, const struct imap_resp *resp)
{
	if (resp->kind == IMAP_FETCH)
		take_shown(((struct store *)cmd)->batch, &resp->fetch);
}

/* --- commands --- */

static struct store *
store_new(struct flag_batch *b, bool add, unsigned flags, const char *words)
{
	struct store *s = xcalloc(1, sizeof(*s));

	s->batch = b;
	s->add = add;
	s->flags = flags;
	s->words = xstrdup(words);
	LL_APPEND(b->stores, s);
	return s;
}

static void
store_send(struct store *s)
{
	struct flagging *f = s->batch->f;
	const struct imap_store_args args = {
		.uids = &s->uids, .add = s->add, .silent = s->of != NULL,
		.flags = s->flags, .keywords = s->words,
	};

	imap_store_start(f->pass.conn->session, &s->cmd, &f->pass.task, &args);
	s->cmd.on_data = take_data;
}

static void
stores_free(struct flag_batch *b)
{
	struct store *s;

	while ((s = b->stores) != NULL) {
		LL_DELETE(b->stores, s);
		imap_cmd_release(&s->cmd);
		uidset_release(&s->uids);
		free(s->words);
		free(s);
	}
}

/* The one that changes the same. */
static struct store *
store_for(struct flag_batch *b, bool add, const struct words *w)
{
	struct store *s;

	LL_FOREACH(b->stores, s)
		if (s->add == add && s->flags == w->flags &&
		    keywords_equal(s->words, w->words))
			return s;
	return store_new(b, add, w->flags, w->words);
}

static void
join_store(struct flag_batch *b, struct flag_row *r, bool add)
{
	const struct state *from = b->round == 1 ? &r->p.place.remote :
	    &r->shown;
	struct words w = change(r, from, add);

	if (!no_words(&w))
		uidset_add(&store_for(b, add, &w)->uids, r->p.place.uid);
	free(w.words);
}

/* In the second round, those that were shown not to have it. */
static void
send_round(struct flag_batch *b)
{
	struct store *s;
	size_t i;

	stores_free(b);
	b->round++;
	for (i = 0; i < b->n_uid; i++)
		if (b->round == 1 || b->by_uid[i]->shown.present) {
			join_store(b, b->by_uid[i], true);
			join_store(b, b->by_uid[i], false);
		}
	LL_FOREACH(b->stores, s)
		store_send(s);
}

void
stores_begin(struct flag_batch *b)
{
	int i;

	b->by_uid = xcalloc((size_t)b->n + 1, sizeof(struct flag_row *));
	for (i = 0; i < b->n; i++) {
		struct flag_row *r = &b->row[i];
		const struct verdict *v = &r->p.verdict;

		if (!(v->ops & OP_FLAG_REMOTE))
			continue;
		state_set(&r->goal, true, v->remote_flags,
		    v->remote_keywords);
		b->by_uid[b->n_uid++] = r;
	}
	if (b->n_uid > 0)
		qsort(b->by_uid, b->n_uid, sizeof(struct flag_row *), by_uid);
	state_set(&b->lacks, true, 0, "");
	state_set(&b->shown, true, 0, "");
	send_round(b);
}

/* --- refusals --- */

static bool
is_one_flag(const struct store *s)
{
	if (*s->words != '\0')
		return s->flags == 0 && strchr(s->words, ' ') == NULL;
	return (s->flags & (s->flags - 1)) == 0;
}

static bool
store_has_keywords(const struct store *s)
{
	return *s->words != '\0' || (s->flags & FLAG_PASSED);
}

static bool
is_keyword(const struct store *s)
{
	return store_has_keywords(s) && is_one_flag(s);
}

/* Flags of the system apart from keywords, then the one half from the other. */
static void
split_flags(const struct store *s, struct words *a, struct words *b)
{
	unsigned half = s->flags & ~(unsigned)FLAG_PASSED;
	size_t n = strlen(s->words), at = n / 2;

	if (half == 0 || !store_has_keywords(s))
		half = s->flags & (~s->flags + 1);	/* the lowest */
	*a = (struct words){ half, xstrdup("") };
	*b = (struct words){ s->flags & ~half, xstrdup(s->words) };
	if (s->flags != 0)
		return;
	at += strcspn(s->words + at, " ");
	if (at == n)		/* the last one is the longest */
		while (s->words[at - 1] != ' ')
			at--;
	free(a->words);
	free(b->words);
	a->words = xstrndup(s->words, at);
	b->words = keywords_less(s->words, a->words);
}

static struct store *
send_part(struct store *s, bool add, const struct words *w,
    const struct uidset *uids)
{
	struct store *part = store_new(s->batch, add, w->flags, w->words);
	uint32_t uid = 0;

	while (uidset_next(uids, &uid))
		uidset_add(&part->uids, uid);
	store_send(part);
	return part;
}

static void
halve_flags(struct store *s)
{
	struct words a, b;

	split_flags(s, &a, &b);
	send_part(s, s->add, &a, &s->uids);
	send_part(s, s->add, &b, &s->uids);
	free(a.words);
	free(b.words);
}

static void
halve_messages(struct store *s)
{
	const struct words all = { s->flags, s->words };
	uint64_t half = uidset_count(&s->uids) / 2, i = 0;
	struct uidset a = { .n = 0 }, b = { .n = 0 };
	uint32_t uid = 0;

	while (uidset_next(&s->uids, &uid))
		uidset_add(i++ < half ? &a : &b, uid);
	send_part(s, s->add, &all, &a);
	send_part(s, s->add, &all, &b);
	uidset_release(&a);
	uidset_release(&b);
}

/* What it changes is not asked of the row any more. */
static void
drop_from_goal(struct flag_row *r, const struct store *s)
{
	char *words = s->add ? keywords_less(r->goal.keywords, s->words) :
	    keywords_union(r->goal.keywords, s->words);

	state_set(&r->goal, true, s->add ? r->goal.flags & ~s->flags :
	    r->goal.flags | s->flags, words);
	free(words);
}

static void
give_up(struct store *s, const char *why)
{
	struct flag_row *r;
	uint32_t uid = 0;

	while (uidset_next(&s->uids, &uid)) {
		r = batch_row(s->batch, uid);
		drop_from_goal(r, s);
		if (why != NULL && r->failure == NULL)
			r->failure = xstrdup(why);
	}
}

/* A flag that none of them has or gets; 0. */
static unsigned
harmless_flag(const struct store *s, unsigned can)
{
	const struct flag_row *r;
	uint32_t uid = 0;

	can &= ~(unsigned)FLAG_PASSED;
	while (uidset_next(&s->uids, &uid)) {
		r = batch_row(s->batch, uid);
		can &= ~(r->p.place.remote.flags | r->goal.flags |
		    r->shown.flags);
	}
	return can & (~can + 1);
}

/* A keyword is refused: would the messages take anything? */
static bool
probe(struct store *s)
{
	char none[] = "";
	const struct words harmless = {
		harmless_flag(s, s->batch->f->pass.folder->row.permanent), none
	};

	if (harmless.flags == 0 || !s->add)
		return false;
	s->probed = true;
	send_part(s, false, &harmless, &s->uids)->of = s;
	return true;
}

static void
add_words(struct state *s, unsigned flags, const char *more)
{
	char *all = keywords_union(s->keywords, more);

	state_set(s, true, s->flags | flags, all);
	free(all);
}

/* The keyword is at fault, for the messages take other changes. */
static void
lacks_keyword(struct store *s, const char *why)
{
	struct flag_batch *b = s->batch;

	add_words(&b->lacks, s->flags, s->words);
	give_up(s, lacking_doubted(b->f->pass.folder, s->flags, s->words) ?
	    NULL : why);
}

static void
halve(struct store *s, const char *why)
{
	if (s->batch->f->refusals >= REFUSALS_MOST)
		give_up(s, why);
	else if (!is_one_flag(s))
		halve_flags(s);
	else if (uidset_count(&s->uids) > 1)
		halve_messages(s);
	else
		give_up(s, why);
}

/* The number of keywords is what LIMIT is told for in RFC 5530. */
static void
store_refused(struct store *s, const char *why)
{
	bool limit = s->cmd.code == CODE_LIMIT && store_has_keywords(s);

	s->over = true;
	s->batch->f->refusals++;
	if (limit && is_keyword(s))
		lacks_keyword(s, why);
	else if (!limit && code_is_passing(s->cmd.code))
		give_up(s, why);
	else if (!is_keyword(s) || !probe(s))
		halve(s, why);
}

static void
take_probe(struct store *s, bool taken)
{
	if (taken)
		lacks_keyword(s, imap_refusal(&s->cmd));
	else
		halve(s, imap_refusal(&s->cmd));
}

/* 1: it was answered; 0: not yet; -1: the connection is lost. */
static int
store_take(struct store *s, struct err *err)
{
	int rc = imap_result(&s->cmd, err);

	if (rc == 0 || (rc == -1 && err->kind != ERR_REFUSED))
		return rc;
	s->over = true;
	if (rc == 1)
		s->batch->f->refusals = 0;
	if (s->of != NULL)
		take_probe(s->of, rc == 1);
	else if (rc == -1)
		store_refused(s, err->msg);
	return 1;
}

/* Those that are sent meanwhile come last. */
static int
stores_take(struct flag_batch *b, struct err *err)
{
	bool open = false;
	struct store *s;
	int rc;

	LL_FOREACH(b->stores, s) {
		rc = s->over ? 1 : store_take(s, err);
		if (rc == -1)
			return -1;
		open |= rc == 0;
	}
	return !open;
}

/* --- what is not shown is asked for --- */

static bool
is_shown(const struct flag_row *r)
{
	return r->shown.present && !is_lacking(r, &r->shown);
}

/* False: there is nothing to ask for. */
static bool
ask_start(struct flag_batch *b)
{
	struct uidset uids = { .n = 0 };
	const struct imap_fetch_args args = {
		.uids = &uids, .items = FETCH_FLAGS,
		.sink = { .arg = b, .row = take_shown },
	};
	size_t i;

	for (i = 0; i < b->n_uid; i++) {
		struct flag_row *r = b->by_uid[i];

		r->fresh = !is_asked_for(r) || is_shown(r);
		if (!r->fresh)
			uidset_add(&uids, r->p.place.uid);
	}
	b->asking = !uidset_empty(&uids);
	imap_cmd_release(&b->ask.cmd);
	b->ask = (struct imap_fetching){ .rows = 0 };
	if (b->asking)
		imap_fetch_start(b->f->pass.conn->session, &b->ask,
		    &b->f->pass.task, &args);
	uidset_release(&uids);
	return b->asking;
}

/* What still is not shown may be gone, or the server gives nothing. */
static int
ask_take(struct flag_batch *b, struct err *err)
{
	int rc = imap_result(&b->ask.cmd, err);
	size_t i;

	if (rc == 0 || (rc == -1 && err->kind != ERR_REFUSED))
		return rc;
	b->asking = false;
	for (i = 0; i < b->n_uid; i++) {
		if (b->by_uid[i]->fresh)
			continue;
		state_set(&b->by_uid[i]->shown, false, 0, "");
		b->f->pass.folder->look_again |= rc == 1;
	}
	return 1;
}

/* --- what became of it --- */

static bool
wants_round(const struct flag_batch *b)
{
	size_t i;

	for (i = 0; b->round == 1 && i < b->n_uid; i++)
		if (b->by_uid[i]->shown.present && !is_shown(b->by_uid[i]))
			return true;
	return false;
}

/* Of what was asked, what is shown so; all, where nothing is shown. The rest is
 * in lacks. */
static void
weigh(const struct flag_row *r, struct words *lacks, struct words *has)
{
	const struct state *is = &r->p.place.remote;
	const struct state *now = r->shown.present ? &r->shown : &r->goal;
	struct words plus = change(r, now, true), minus = change(r, now, false);
	struct words add = change(r, is, true), del = change(r, is, false);
	char *all = keywords_union(add.words, del.words);

	lacks->flags = plus.flags | minus.flags;
	lacks->words = keywords_union(plus.words, minus.words);
	has->flags = (add.flags | del.flags) & ~lacks->flags;
	has->words = keywords_less(all, lacks->words);
	free(all);
	free(add.words);
	free(del.words);
	free(plus.words);
	free(minus.words);
}

/* What is told of the row is what was seen to work. */
static void
keep_done(struct flag_row *r, const struct words *has)
{
	const struct state *is = &r->p.place.remote;
	struct verdict *v = &r->p.verdict;
	char *both = keywords_union(is->keywords, has->words);
	char *new = keywords_less(has->words, is->keywords);
	char *old = keywords_less(has->words, new);

	free(v->remote_keywords);
	v->remote_flags = is->flags ^ has->flags;
	v->remote_keywords = keywords_less(both, old);
	free(both);
	free(new);
	free(old);
}

static void
judge_shown(struct flag_batch *b, struct flag_row *r)
{
	struct words lacks, has;

	weigh(r, &lacks, &has);
	if (r->shown.present) {
		add_words(&b->f->shown, has.flags, has.words);
		add_words(&b->shown, has.flags, has.words);
	}
	keep_done(r, &has);
	free(lacks.words);
	free(has.words);
}

/* Answered OK twice, and not shown: of nobody, or of this message alone? */
static void
judge_lacking(struct flag_batch *b, struct flag_row *r)
{
	const struct flagging *f = b->f;
	struct words lacks, has;
	char *never;

	weigh(r, &lacks, &has);
	never = keywords_less(lacks.words, f->shown.keywords);
	add_words(&b->lacks, lacks.flags & ~f->shown.flags, never);
	if (r->failure == NULL && !((lacks.flags & f->shown.flags) == 0 &&
	    keywords_equal(never, lacks.words) &&
	    lacking_doubted(f->pass.folder, lacks.flags, lacks.words)))
		r->failure = xstrdup("the server says that it stores them, and "
		    "does not");
	free(never);
	free(lacks.words);
	free(has.words);
}

/* What another message took, it was this one's that was refused. */
static void
excuse_shown(struct flag_batch *b)
{
	char *words = keywords_less(b->lacks.keywords, b->f->shown.keywords);

	state_set(&b->lacks, true, b->lacks.flags & ~b->f->shown.flags, words);
	free(words);
}

static void
stores_judge(struct flag_batch *b)
{
	size_t i;

	for (i = 0; i < b->n_uid; i++)
		judge_shown(b, b->by_uid[i]);
	excuse_shown(b);
	for (i = 0; i < b->n_uid && b->round > 1; i++)
		judge_lacking(b, b->by_uid[i]);
	b->stored = true;
}

int
stores_drive(struct flag_batch *b, struct err *err)
{
	bool asked;
	int rc;

	while (!b->stored) {
		asked = b->asking;
		rc = asked ? ask_take(b, err) : stores_take(b, err);
		if (rc != 1)
			return rc;
		err->kind = ERR_NONE;
		if (!asked && ask_start(b))
			continue;
		if (wants_round(b))
			send_round(b);
		else
			stores_judge(b);
	}
	return 1;
}

void
stores_release(struct flag_batch *b)
{
	stores_free(b);
	imap_cmd_release(&b->ask.cmd);
	free(b->by_uid);
	free(b->lacks.keywords);
	free(b->shown.keywords);
	b->by_uid = NULL;
	b->lacks = b->shown = (struct state){ .present = false };
	b->n_uid = 0;
	b->round = 0;
	b->asking = b->stored = b->lost = false;
	b->ask = (struct imap_fetching){ .rows = 0 };
}
