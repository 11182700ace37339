#include "plan/message.h"

#include "plan_simulate.h"

static void
place_copy(struct place *to, const struct place *from)
{
	const struct state *f[] = { &from->base_local, &from->base_remote,
	    &from->local, &from->remote };
	struct state *t[] = { &to->base_local, &to->base_remote, &to->local,
	    &to->remote };
	size_t i;

	place_init(to);
	for (i = 0; i < 4; i++)
		state_set(t[i], f[i]->present, f[i]->flags, f[i]->keywords);
}

/* As the index has it: agreed on, there on both sides, as it was then. */
static bool
is_clean(const struct place *p)
{
	return p->base_local.present && p->base_remote.present &&
	    p->local.present && p->remote.present &&
	    p->local.flags == p->base_local.flags &&
	    p->remote.flags == p->base_remote.flags &&
	    strcmp(p->local.keywords, p->base_local.keywords) == 0 &&
	    strcmp(p->remote.keywords, p->base_remote.keywords) == 0;
}

/* How many of the sequences make a difference. */
static size_t
sequences_of(const struct place *p, const struct ability *can, bool expunge)
{
	unsigned ops = ops_of(p, can, expunge);

	return (ops & (ops - 1)) != 0 ? NSEQUENCES : 2;
}

/* --- one bit of a message: every world, written from rule 1 --- */

struct bit_world {
	unsigned base_local, base_remote, local, remote;
	unsigned want;		/* of both, where the server can store it */
	unsigned want_local, want_remote;	/* where it can't */
};

static const struct bit_world based[] = {
	{ 0, 0, 0, 0,  0,  0, 0 },
	{ 0, 0, 0, 1,  1,  1, 1 },	/* set on the server */
	{ 0, 0, 1, 0,  1,  1, 0 },	/* set here */
	{ 0, 0, 1, 1,  1,  1, 1 },
	{ 0, 1, 0, 0,  0,  0, 0 },
	{ 0, 1, 0, 1,  0,  0, 1 },	/* cleared here when it could not */
	{ 0, 1, 1, 0,  1,  1, 0 },	/* set here, cleared there: it lives */
	{ 0, 1, 1, 1,  1,  1, 1 },
	{ 1, 0, 0, 0,  0,  0, 0 },
	{ 1, 0, 0, 1,  1,  1, 1 },	/* cleared here, set there: it lives */
	{ 1, 0, 1, 0,  1,  1, 0 },	/* set here when it could not */
	{ 1, 0, 1, 1,  1,  1, 1 },
	{ 1, 1, 0, 0,  0,  0, 0 },
	{ 1, 1, 0, 1,  0,  0, 1 },	/* cleared here */
	{ 1, 1, 1, 0,  0,  1, 0 },	/* cleared on the server, or lost */
	{ 1, 1, 1, 1,  1,  1, 1 },
};

/* Never agreed on: united. */
static const struct bit_world fresh[] = {
	{ 0, 0, 0, 0,  0,  0, 0 },
	{ 0, 0, 0, 1,  1,  1, 1 },
	{ 0, 0, 1, 0,  1,  1, 0 },
	{ 0, 0, 1, 1,  1,  1, 1 },
};

/* The mark of deletion then: only where both have it. */
static const struct bit_world fresh_mark[] = {
	{ 0, 0, 0, 0,  0,  0, 0 },
	{ 0, 0, 0, 1,  0,  0, 1 },
	{ 0, 0, 1, 0,  0,  1, 0 },
	{ 0, 0, 1, 1,  1,  1, 1 },
};

/* --- messages with two bits, each a flag or a keyword --- */

struct carrier {
	unsigned flag;		/* or 0 and */
	const char *word;
	bool storable;
};

struct kind {
	const char *name;
	struct carrier bit[2];
	struct ability can;
};

static const struct kind kinds[] = {
	{ "flags", { { FLAG_SEEN, "", true }, { FLAG_FLAGGED, "", true } },
	    { FLAG_ALL, true, "", NULL } },
	{ "flag, not storable", { { FLAG_SEEN, "", true },
	    { FLAG_FLAGGED, "", false } }, { FLAG_SEEN, false, "", NULL } },
	{ "read-only", { { FLAG_SEEN, "", false },
	    { FLAG_FLAGGED, "", false } }, { 0, false, "", NULL } },
	{ "mark", { { FLAG_SEEN, "", true }, { FLAG_DELETED, "", true } },
	    { FLAG_ALL, true, "", NULL } },
	{ "mark, not storable", { { FLAG_SEEN, "", true },
	    { FLAG_DELETED, "", false } }, { FLAG_ALL & ~FLAG_DELETED, true,
	    "", NULL } },
	{ "keywords", { { 0, "Alpha", true }, { 0, "beta", true } },
	    { FLAG_ALL, true, "", NULL } },
	{ "keyword, not storable", { { 0, "Alpha", true },
	    { 0, "beta", false } }, { FLAG_ALL, false, "alpha gamma", NULL } },
	{ "keywords, read-only", { { 0, "Alpha", false },
	    { 0, "beta", false } }, { 0, false, "", NULL } },
	{ "flag and keyword", { { FLAG_SEEN, "", true }, { 0, "beta", true } },
	    { FLAG_ALL, false, "beta", NULL } },
	{ "flag and mark, keyword not", { { FLAG_DELETED, "", true },
	    { 0, "beta", false } }, { FLAG_ALL, false, "", NULL } },
};

#define NKINDS	(sizeof(kinds) / sizeof(kinds[0]))

struct world {
	const struct kind *kind;
	int based, has_local, has_remote;
	unsigned base_local, base_remote, local, remote;	/* two bits */
};

static const char *
words_at(const struct kind *k, unsigned value, char out[16])
{
	unsigned i;

	*out = '\0';
	for (i = 0; i < 2; i++)
		if ((value & 1u << i) && *k->bit[i].word != '\0')
			snprintf(out + strlen(out), 16 - strlen(out), "%s%s",
			    *out == '\0' ? "" : " ", k->bit[i].word);
	return out;
}

static void
encode(const struct kind *k, bool present, unsigned value, struct state *out)
{
	unsigned flags = (value & 1 ? k->bit[0].flag : 0) |
	    (value & 2 ? k->bit[1].flag : 0);
	char words[16];

	state_set(out, present, flags, words_at(k, value, words));
}

/* The two bits; nothing else must have come up. */
static unsigned
decode(const struct kind *k, const struct state *s)
{
	unsigned value;
	char words[16];

	for (value = 0; value < 4; value++)
		if (s->flags == ((value & 1 ? k->bit[0].flag : 0) |
		    (value & 2 ? k->bit[1].flag : 0)) &&
		    strcmp(s->keywords, words_at(k, value, words)) == 0)
			return value;
	fail_msg("%s: %#x %s", k->name, s->flags, s->keywords);
	return 0;
}

static void
place_of(const struct world *w, struct place *out)
{
	place_init(out);
	encode(w->kind, w->based, w->base_local, &out->base_local);
	encode(w->kind, w->based, w->base_remote, &out->base_remote);
	encode(w->kind, w->has_local, w->local, &out->local);
	encode(w->kind, w->has_remote, w->remote, &out->remote);
}

#define CHECK(w, cond) do { \
	if (!(cond)) \
		fail_msg("line %d, %s: base %s%u %u, local %s%u, " \
		    "remote %s%u: %s", __LINE__, (w)->kind->name, \
		    (w)->based ? "" : "no ", (w)->base_local, \
		    (w)->base_remote, (w)->has_local ? "" : "no ", \
		    (w)->local, (w)->has_remote ? "" : "no ", (w)->remote, \
		    #cond); \
} while (0)

/* Calls f for every world of every kind; the number of them. */
static size_t
each_world(void (*f)(const struct world *))
{
	size_t k, n = 0;
	unsigned i;

	for (k = 0; k < NKINDS; k++)
		for (i = 0; i < 8 * 256; i++) {
			struct world w = { &kinds[k], i & 1, i >> 1 & 1,
			    i >> 2 & 1, i >> 3 & 3, i >> 5 & 3, i >> 7 & 3,
			    i >> 9 & 3 };

			/* What is not there has no flags. */
			if ((!w.based && (w.base_local | w.base_remote)) ||
			    (!w.has_local && w.local) ||
			    (!w.has_remote && w.remote))
				continue;
			f(&w);
			n++;
		}
	return n;
}

static const struct bit_world *
look_up(const struct world *w, unsigned i)
{
	bool mark = w->kind->bit[i].flag == FLAG_DELETED;
	const struct bit_world *b = w->based ? based : mark ? fresh_mark :
	    fresh;
	size_t n = w->based ? 16 : 4;

	for (; n-- > 0; b++)
		if (b->base_local == (w->base_local >> i & 1) &&
		    b->base_remote == (w->base_remote >> i & 1) &&
		    b->local == (w->local >> i & 1) &&
		    b->remote == (w->remote >> i & 1))
			return b;
	fail_msg("the table has a hole");
	return NULL;
}

/* Two bits that each side should end with, message on both sides. */
static void
wanted(const struct world *w, unsigned *local_out, unsigned *remote_out)
{
	unsigned i;

	*local_out = *remote_out = 0;
	for (i = 0; i < 2; i++) {
		const struct bit_world *b = look_up(w, i);
		bool can = w->kind->bit[i].storable;

		*local_out |= (can ? b->want : b->want_local) << i;
		*remote_out |= (can ? b->want : b->want_remote) << i;
	}
}

static unsigned
storable(const struct kind *k)
{
	return (unsigned)k->bit[0].storable |
	    (unsigned)k->bit[1].storable << 1;
}

static void
check_both(const struct world *w, const struct place *p, unsigned local,
    unsigned remote)
{
	CHECK(w, p->local.present && p->remote.present);
	CHECK(w, decode(w->kind, &p->local) == local);
	CHECK(w, decode(w->kind, &p->remote) == remote);
	CHECK(w, is_clean(p));
	CHECK(w, ops_of(p, &w->kind->can, false) == OP_NONE);
}

/* What the tables say, when everything went well. */
static void
check_outcome(const struct world *w, const struct place *p)
{
	unsigned local, remote;

	if (w->has_local && w->has_remote) {
		wanted(w, &local, &remote);
		check_both(w, p, local, remote);
	} else if (w->based || (!w->has_local && !w->has_remote)) {
		CHECK(w, is_gone(p));
		CHECK(w, ops_of(p, &w->kind->can, false) == OP_FORGET);
	} else if (w->has_local) {
		check_both(w, p, w->local, w->local & storable(w->kind));
	} else {
		check_both(w, p, w->remote, w->remote);
	}
}

/* The laws, without the tables. */
static void
check_laws(const struct world *w, const struct place *p)
{
	unsigned can = storable(w->kind), mark = 0, l, r, i;

	/* A message vanishes only where base had it and one side lost it. */
	if (!p->local.present)
		CHECK(w, !w->has_local || (w->based && !w->has_remote));
	if (!p->remote.present)
		CHECK(w, !w->has_remote || (w->based && !w->has_local));
	if (is_gone(p))
		return;
	l = decode(w->kind, &p->local);
	r = decode(w->kind, &p->remote);
	CHECK(w, ((l ^ r) & can) == 0);
	for (i = 0; i < 2; i++)
		if (w->kind->bit[i].flag == FLAG_DELETED && !w->based &&
		    w->has_local && w->has_remote)
			mark = 1u << i;
	if (w->has_remote)
		CHECK(w, ((r ^ w->remote) & ~can) == 0);
	/* Set on a side since base: it is there, on both if it can be. */
	CHECK(w, (w->local & ~w->base_local & ~l & ~mark) == 0);
	CHECK(w, (w->local & ~w->base_local & ~r & can & ~mark) == 0);
	CHECK(w, (w->remote & ~w->base_remote & ~(l & r) & ~mark) == 0);
	/* Gone from a side: the other had it at base, and has lost it. */
	CHECK(w, (w->local & ~l & ~(w->base_remote & ~w->remote) &
	    ~mark) == 0);
	CHECK(w, (w->remote & ~r & ~(w->base_local & ~w->local) &
	    ~(w->base_remote & ~w->base_local & ~w->local) & ~mark) == 0);
	/* And nothing is set that neither side has. */
	CHECK(w, ((l | r) & ~(w->local | w->remote)) == 0);
}

static void
one_run(const struct world *w)
{
	size_t seq, n;

	for (seq = 0, n = 2; seq < n; seq++) {
		struct place p;

		place_of(w, &p);
		n = sequences_of(&p, &w->kind->can, false);
		if (!run_round(&p, &w->kind->can, false, seq)) {
			/* What failed is done by the next run, which reads
			 * dirty rows only. */
			CHECK(w, !is_clean(&p) ||
			    ops_of(&p, &w->kind->can, false) == OP_NONE);
			run_round(&p, &w->kind->can, false, 0);
		}
		check_outcome(w, &p);
		check_laws(w, &p);
		place_release(&p);
	}
}

static void
test_every_world_one_run(void **state)
{
	(void)state;
	/* base: none, or 4 x 4; each side: none, or 4. */
	assert_int_equal(each_world(one_run), NKINDS * 17 * 5 * 5);
}

/* --- a run of which a part fails, then the user, then another run --- */

/* One bit after the second run, or -1: the sides were told opposite things. */
static int
bit_after(const struct world *w, unsigned i, const unsigned before[2],
    const unsigned after[2])
{
	unsigned set_local = after[0] & ~before[0], set_remote = after[1] &
	    ~before[1], cut_local = before[0] & ~after[0], cut_remote =
	    before[1] & ~after[1];
	const struct bit_world *b = look_up(w, i);
	bool can = w->kind->bit[i].storable;

	if (((set_local & cut_remote) | (set_remote & cut_local)) >> i & 1)
		return -1;
	if ((set_local | set_remote) >> i & 1)
		return 1;
	if (cut_local >> i & 1)
		return 0;
	if (cut_remote >> i & 1)
		return can ? 0 : (int)(before[0] >> i & 1);
	return (int)(can ? b->want : b->want_local);
}

static void
user_then_run(const struct world *w, const struct place *half,
    const unsigned before[2], const unsigned after[2])
{
	struct place p;
	unsigned i, l, r;

	place_copy(&p, half);
	encode(w->kind, true, after[0], &p.local);
	encode(w->kind, true, after[1], &p.remote);
	CHECK(w, run_round(&p, &w->kind->can, false, 0));
	l = decode(w->kind, &p.local);
	r = decode(w->kind, &p.remote);
	for (i = 0; i < 2; i++) {
		int want = bit_after(w, i, before, after);

		if (want != -1)
			CHECK(w, (int)(l >> i & 1) == want);
		if (w->kind->bit[i].storable)
			CHECK(w, ((l ^ r) >> i & 1) == 0);
		else
			CHECK(w, ((after[1] ^ r) >> i & 1) == 0);
	}
	CHECK(w, is_clean(&p));
	place_release(&p);
}

static void
user_deletes(const struct world *w, const struct place *half, bool local)
{
	struct place p;

	place_copy(&p, half);
	state_set(local ? &p.local : &p.remote, false, 0, "");
	CHECK(w, run_round(&p, &w->kind->can, false, 0));
	CHECK(w, is_gone(&p));
	place_release(&p);
}

static void
two_runs(const struct world *w)
{
	size_t seq, n;
	unsigned v;

	if (!w->has_local || !w->has_remote)
		return;
	for (seq = 0, n = 2; seq < n; seq++) {
		struct place half;
		unsigned before[2], after[2];

		place_of(w, &half);
		n = sequences_of(&half, &w->kind->can, false);
		run_round(&half, &w->kind->can, false, seq);
		before[0] = decode(w->kind, &half.local);
		before[1] = decode(w->kind, &half.remote);
		for (v = 0; v < 16; v++) {
			after[0] = v & 3;
			after[1] = v >> 2;
			user_then_run(w, &half, before, after);
		}
		user_deletes(w, &half, true);
		user_deletes(w, &half, false);
		place_release(&half);
	}
}

static void
test_every_world_two_runs(void **state)
{
	(void)state;
	each_world(two_runs);
}

/* --- expunge = yes --- */

/* Both sides end up with a mark that the server can store. */
static bool
is_marked(const struct world *w)
{
	unsigned i, value;

	for (i = 0; i < 2; i++) {
		if (w->kind->bit[i].flag != FLAG_DELETED ||
		    !w->kind->bit[i].storable)
			continue;
		value = w->has_local && w->has_remote ? look_up(w, i)->want :
		    (w->local | w->remote) >> i & 1;
		if (value == 1)
			return true;
	}
	return false;
}

/* Base proves that both sides had it: else the mark only comes over. */
static void
expunging(const struct world *w)
{
	const unsigned both = OP_REMOVE_LOCAL | OP_REMOVE_REMOTE;
	bool doomed = is_marked(w) && w->based && w->has_local &&
	    w->has_remote;
	bool lost = w->based && (w->has_local ^ w->has_remote);
	size_t seq, n;

	for (seq = 0, n = 2; seq < n; seq++) {
		struct place p;
		unsigned ops;

		place_of(w, &p);
		n = sequences_of(&p, &w->kind->can, true);
		ops = ops_of(&p, &w->kind->can, true);
		CHECK(w, doomed == (ops == both));
		CHECK(w, doomed || lost || !(ops & both));
		run_round(&p, &w->kind->can, true, seq);
		run_round(&p, &w->kind->can, true, 0);
		run_round(&p, &w->kind->can, true, 0);
		if (is_marked(w))
			CHECK(w, is_gone(&p));
		else
			check_outcome(w, &p);
		place_release(&p);
	}
}

static void
test_every_world_expunge(void **state)
{
	(void)state;
	each_world(expunging);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_world_one_run),
		cmocka_unit_test(test_every_world_two_runs),
		cmocka_unit_test(test_every_world_expunge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
