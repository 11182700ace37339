/* Decides what is to be done about one message (plan/message.h). */
#include "plan/message.h"

#include <stdlib.h>

#include "base/mem.h"
#include "mail/flags.h"

/* Operations that say what the sides should hold. */
#define OPS_WITH_FLAGS (OP_FLAG_LOCAL | OP_FLAG_REMOTE | OP_PULL | OP_PUSH)

/* Of those keywords what the server could store. */
static char *
keywords_storable(const char *words, const struct ability *can)
{
	char *told = keywords_merge("", "", "", words, can->any_keyword ? NULL :
	    can->keywords);
	char *kept = keywords_less(told, can->lacks != NULL ? can->lacks : "");

	free(told);
	return kept;
}

/* Of all that either side has or had; NULL means that there is no limit. */
static char *
keyword_limit(const struct place *p, const struct ability *can)
{
	const char *br = p->base_remote.keywords;
	char *ours, *theirs, *both, *limit;

	if (can->any_keyword && (can->lacks == NULL || *can->lacks == '\0'))
		return NULL;
	ours = keywords_union(p->local.keywords, p->base_local.keywords);
	theirs = keywords_union(p->remote.keywords, br);
	both = keywords_union(ours, theirs);
	limit = keywords_storable(both, can);
	free(ours);
	free(theirs);
	free(both);
	return limit;
}

/*
 * Without a base the sides are united, except that a message is marked deleted
 * only where both say so: nobody can tell any more whether the mark was set
 * here or taken away there. That is what a merge makes of a base that holds
 * the mark and nothing else, or what the local side had taken away before that.
 */
static unsigned
base_flags(const struct state *base)
{
	return base->present ? base->flags : base->flags | FLAG_DELETED;
}

static const char *
base_keywords(const struct state *base)
{
	return base->keywords;
}

/*
 * The base of the local side as the server sees it. Where the two bases differ
 * the server could not store it then, and what the local side held is owed to
 * it if it can now. So the server's own base counts, but for what was added on
 * the local side since.
 */
static unsigned
owing_flags(const struct place *p)
{
	return base_flags(&p->base_remote) &
	    ~(p->local.flags & ~base_flags(&p->base_local));
}

static char *
owing_keywords(const struct place *p)
{
	char *added = keywords_less(p->local.keywords,
	    base_keywords(&p->base_local));
	char *words = keywords_less(base_keywords(&p->base_remote), added);

	free(added);
	return words;
}

/*
 * What the server no longer shows and can't store is no removal by anybody: to
 * the local side it does not count as having been there.
 */
static void
want_flags(const struct place *p, const struct ability *can, struct verdict *v)
{
	unsigned bl = base_flags(&p->base_local);
	unsigned br = base_flags(&p->base_remote);
	unsigned l = p->local.flags, r = p->remote.flags;

	v->local_flags = flags_merge(bl, l, br & (can->flags | r), r, FLAG_ALL);
	v->remote_flags = flags_merge(br, r, owing_flags(p), l, can->flags);
}

/* The same steps as want_flags takes. */
static void
want_keywords(const struct place *p, const struct ability *can,
    struct verdict *v)
{
	const char *bl = base_keywords(&p->base_local);
	const char *br = base_keywords(&p->base_remote);
	const char *l = p->local.keywords, *r = p->remote.keywords;
	char *limit = keyword_limit(p, can);
	char *beyond = keywords_less(br, limit == NULL ? br : limit);
	char *lost = keywords_less(beyond, r);
	char *theirs = keywords_less(br, lost);
	char *ours = owing_keywords(p);

	v->local_keywords = keywords_merge(bl, l, theirs, r, NULL);
	v->remote_keywords = keywords_merge(br, r, ours, l, limit);
	free(limit);
	free(beyond);
	free(lost);
	free(theirs);
	free(ours);
}

static bool
state_differs(const struct state *s, unsigned flags, const char *keywords)
{
	return s->flags != flags || !keywords_equal(s->keywords, keywords);
}

static bool
state_same(const struct state *a, const struct state *b)
{
	return a->present == b->present &&
	    !state_differs(a, b->flags, b->keywords);
}

static void
verdict_of_both(const struct place *p, const struct ability *can, bool expunge,
    struct verdict *v)
{
	want_flags(p, can, v);
	want_keywords(p, can, v);
	/* A server that can't hold the mark could not expunge either. */
	if (expunge && p->base_local.present &&
	    (v->local_flags & can->flags & FLAG_DELETED)) {
		v->ops = OP_REMOVE_LOCAL | OP_REMOVE_REMOTE;
		return;
	}
	if (state_differs(&p->local, v->local_flags, v->local_keywords))
		v->ops |= OP_FLAG_LOCAL;
	if (state_differs(&p->remote, v->remote_flags, v->remote_keywords))
		v->ops |= OP_FLAG_REMOTE;
	if (v->ops == OP_NONE && (!state_same(&p->local, &p->base_local) ||
	    !state_same(&p->remote, &p->base_remote)))
		v->ops = OP_SETTLE;
}

/* A new message takes all it has along, its mark too: nobody says otherwise. */
static void
verdict_of_push(const struct state *local, const struct ability *can,
    struct verdict *v)
{
	v->ops = OP_PUSH;
	v->local_flags = local->flags;
	v->local_keywords = xstrdup(local->keywords);
	v->remote_flags = local->flags & can->flags;
	v->remote_keywords = keywords_storable(local->keywords, can);
}

/* What is still known of a file that was lost comes back with it. A mark that
 * is known of it goes on both sides: its removal was undone. */
static void
verdict_of_pull(const struct state *remote, const struct state *lost,
    struct verdict *v)
{
	unsigned gone = lost->flags & FLAG_DELETED;

	v->ops = OP_PULL;
	v->local_flags = (remote->flags | (lost->flags & FLAG_ALL)) & ~gone;
	v->local_keywords = keywords_union(remote->keywords, lost->keywords);
	v->remote_flags = remote->flags;
	v->remote_keywords = xstrdup(remote->keywords);
}

/* The server is not asked about it. */
static void
verdict_of_twin(const struct place *p, bool expunge, struct verdict *v)
{
	if (!p->local.present)
		v->ops = OP_FORGET;
	else if (!p->remote.present ||
	    (expunge && (p->local.flags & FLAG_DELETED)))
		v->ops = OP_REMOVE_LOCAL;
	else if (!state_same(&p->local, &p->base_local) ||
	    !state_same(&p->remote, &p->base_remote))
		v->ops = OP_SETTLE;
}

void
reconcile_message(const struct place *p, const struct ability *can,
    bool expunge, struct verdict *out)
{
	bool based = p->base_local.present;

	*out = (struct verdict){ .ops = OP_NONE };
	if (place_is_twin(p) && based)
		verdict_of_twin(p, expunge, out);
	else if (p->local.present && p->remote.present)
		verdict_of_both(p, can, expunge, out);
	else if (!p->local.present && !p->remote.present)
		out->ops = OP_FORGET;
	else if (based)
		out->ops = p->local.present ? OP_REMOVE_LOCAL :
		    OP_REMOVE_REMOTE;
	else if (p->remote.present)
		verdict_of_pull(&p->remote, &p->local, out);
	else
		verdict_of_push(&p->local, can, out);
	/* Nobody knows yet what lies under its UID. */
	if (p->unconfirmed)
		out->ops &= ~(unsigned)OP_FLAG_REMOTE;
	if (!(out->ops & OPS_WITH_FLAGS))
		verdict_release(out);
}

void
verdict_release(struct verdict *v)
{
	free(v->local_keywords);
	free(v->remote_keywords);
	v->local_keywords = v->remote_keywords = NULL;
}

/*
 * What is not settled yet: the server could store it and the sides differ, or
 * the local side has still to get it. Of that the old base is kept.
 */
static unsigned
open_flags(const struct place *p, const struct ability *can, unsigned want)
{
	unsigned l = p->local.flags, r = p->remote.flags;

	return ((l ^ r) & can->flags) | (want ^ l);
}

/* Three lists and no union of them, for that might be cut to the limit. */
struct open_words {
	char *list[3];
};

static void
open_keywords(const struct place *p, const struct ability *can,
    const char *want, struct open_words *out)
{
	const char *l = p->local.keywords, *r = p->remote.keywords;
	char *l_only = keywords_less(l, r), *r_only = keywords_less(r, l);

	out->list[0] = keywords_storable(l_only, can);
	out->list[1] = keywords_storable(r_only, can);
	out->list[2] = keywords_less(want, l);
	free(l_only);
	free(r_only);
}

static void
open_words_release(struct open_words *open)
{
	size_t i;

	for (i = 0; i < 3; i++)
		free(open->list[i]);
}

static char *
settled_words(const char *words, const struct open_words *open)
{
	char *left = xstrdup(words);
	size_t i;

	for (i = 0; i < 3; i++) {
		char *less = keywords_less(left, open->list[i]);

		free(left);
		left = less;
	}
	return left;
}

/* Takes the seen state over into base, all but what is open. */
static void
base_advance(struct state *base, const struct state *seen, unsigned open,
    const struct open_words *open_words)
{
	char *settled = settled_words(seen->keywords, open_words);
	char *past = settled_words(base_keywords(base), open_words);
	char *kept = keywords_less(base_keywords(base), past);
	char *words = keywords_union(settled, kept);

	state_set(base, true, (base_flags(base) & open) |
	    (seen->flags & ~open), words);
	free(settled);
	free(past);
	free(kept);
	free(words);
}

static void
agree_on_twin(struct place *p)
{
	const struct state *l = &p->local;

	state_set(&p->remote, true, l->flags, l->keywords);
	state_set(&p->base_local, true, l->flags, l->keywords);
	state_set(&p->base_remote, true, l->flags, l->keywords);
}

void
reconcile_agree(struct place *p, const struct ability *can)
{
	struct verdict want = { .ops = OP_NONE };
	struct open_words open_words;
	unsigned open;
	char *ours;

	if (!p->local.present || !p->remote.present)
		return;
	if (place_is_twin(p)) {
		agree_on_twin(p);
		return;
	}
	want_flags(p, can, &want);
	want_keywords(p, can, &want);
	open = open_flags(p, can, want.local_flags);
	open_keywords(p, can, want.local_keywords, &open_words);
	/* What is owed makes the row dirty from now on. */
	ours = owing_keywords(p);
	state_set(&p->base_local, true, owing_flags(p), ours);
	base_advance(&p->base_local, &p->local, open, &open_words);
	base_advance(&p->base_remote, &p->remote, open, &open_words);
	free(ours);
	open_words_release(&open_words);
	verdict_release(&want);
}
