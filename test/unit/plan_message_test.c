#include "plan/message.h"

#include "plan_simulate.h"

#include "base/limits.h"
#include "base/mem.h"

/* --- named cases --- */

/* Letters of flags, then / and keywords; NULL: not there. can: "*-a" is all but
 * the keyword a. */
static const struct named {
	const char *what, *base_local, *base_remote, *local, *remote;
	const char *can;	/* "*": everything */
	bool expunge;
	unsigned ops;
	const char *want_local, *want_remote;
} cases[] = {
	/* Rule 1. */
	{ "in sync", "S", "S", "S", "S", "*", 0, OP_NONE, "S", "S" },
	{ "in sync, keywords", "/a b", "/a b", "/a b", "/a b", "*", 0,
	    OP_NONE, "/a b", "/a b" },
	{ "read here", "", "", "S", "", "*", 0, OP_FLAG_REMOTE, "S", "S" },
	{ "read there", "", "", "", "S", "*", 0, OP_FLAG_LOCAL, "S", "S" },
	{ "read on both", "", "", "S", "S", "*", 0, OP_SETTLE, "S", "S" },
	{ "unread here", "S", "S", "", "S", "*", 0, OP_FLAG_REMOTE, "", "" },
	{ "unread there", "S", "S", "S", "", "*", 0, OP_FLAG_LOCAL, "", "" },
	{ "unread on both", "S", "S", "", "", "*", 0, OP_SETTLE, "", "" },
	{ "one flag each", "", "", "F", "R", "*", 0,
	    OP_FLAG_LOCAL | OP_FLAG_REMOTE, "FR", "FR" },
	{ "set here, another cleared there", "S", "S", "FS", "", "*", 0,
	    OP_FLAG_LOCAL | OP_FLAG_REMOTE, "F", "F" },
	{ "the same flag set here, cleared there", "", "S", "S", "", "*", 0,
	    OP_FLAG_REMOTE, "S", "S" },
	{ "tagged there", "/a", "/a", "/a", "/a b", "*", 0, OP_FLAG_LOCAL,
	    "/a b", "/a b" },
	{ "tagged here", "/a", "/a", "/a b", "/a", "*", 0, OP_FLAG_REMOTE,
	    "/a b", "/a b" },
	{ "untagged there, read here", "/a", "/a", "S/a", "", "*", 0,
	    OP_FLAG_LOCAL | OP_FLAG_REMOTE, "S", "S" },
	{ "case of a keyword is no change", "/Work", "/Work", "/Work",
	    "/work", "*", 0, OP_NONE, "/Work", "/work" },
	{ "flagged here, read-only", "", "", "F", "", "", 0, OP_SETTLE, "F",
	    "" },
	{ "flagged there, read-only", "", "", "", "F", "", 0, OP_FLAG_LOCAL,
	    "F", "F" },
	{ "cleared here, read-only", "F", "F", "", "F", "", 0, OP_SETTLE, "",
	    "F" },
	{ "the server lost what it can't store", "FS", "FS", "FS", "S", "S", 0,
	    OP_SETTLE, "FS", "S" },
	{ "the same with a keyword", "/a b", "/a b", "/a b", "/a", "/a", 0,
	    OP_SETTLE, "/a b", "/a" },
	{ "passed here, not storable", "S", "S", "PS", "S", "DFRST", 0,
	    OP_SETTLE, "PS", "S" },
	{ "kept here alone: clean", "PS", "S", "PS", "S", "DFRST", 0, OP_NONE,
	    "PS", "S" },
	{ "kept here alone, read there", "P", "", "P", "S", "DFRST", 0,
	    OP_FLAG_LOCAL, "PS", "S" },
	{ "kept here alone, storable now", "PS", "S", "PS", "S", "*", 0,
	    OP_FLAG_REMOTE, "PS", "PS" },
	{ "keyword kept here, storable now", "/a", "", "/a", "", "/a", 0,
	    OP_FLAG_REMOTE, "/a", "/a" },
	{ "a keyword that it takes and does not keep", "/b", "/b", "/a b",
	    "/b", "*-a", 0, OP_SETTLE, "/a b", "/b" },
	{ "others with it", "/b", "/b", "/a c", "/b", "*-a", 0,
	    OP_FLAG_REMOTE, "/a c", "/c" },
	{ "new here, with such a one", NULL, NULL, "S/a b", NULL, "*-a", 0,
	    OP_PUSH, "S/a b", "S/b" },
	{ "it disappears there", "/a b", "/a b", "/a b", "/b", "*-a", 0,
	    OP_SETTLE, "/a b", "/b" },
	/* Rule 2. */
	{ "deleted there", "S", "S", "S", NULL, "*", 0, OP_REMOVE_LOCAL, NULL,
	    NULL },
	{ "deleted here", "S", "S", NULL, "S", "*", 0, OP_REMOVE_REMOTE, NULL,
	    NULL },
	{ "deleted there, flagged here", "S", "S", "FS", NULL, "*", 0,
	    OP_REMOVE_LOCAL, NULL, NULL },
	{ "deleted here, tagged there", "", "", NULL, "/a", "*", 0,
	    OP_REMOVE_REMOTE, NULL, NULL },
	{ "deleted on both", "S", "S", NULL, NULL, "*", 0, OP_FORGET, NULL,
	    NULL },
	{ "never pulled, then deleted", NULL, NULL, NULL, NULL, "*", 0,
	    OP_FORGET, NULL, NULL },
	/* Rule 3. */
	{ "new here", NULL, NULL, "FS", NULL, "*", 0, OP_PUSH, "FS", "FS" },
	{ "new there", NULL, NULL, NULL, "S/a", "*", 0, OP_PULL, "S/a",
	    "S/a" },
	{ "new here, marked", NULL, NULL, "T", NULL, "*", 0, OP_PUSH, "T",
	    "T" },
	{ "new there, marked", NULL, NULL, NULL, "ST", "*", 0, OP_PULL, "ST",
	    "ST" },
	{ "new here, not all storable", NULL, NULL, "PS/a b", NULL, "S/b", 0,
	    OP_PUSH, "PS/a b", "S/b" },
	{ "new there, read-only", NULL, NULL, NULL, "FS/a", "", 0, OP_PULL,
	    "FS/a", "FS/a" },
	/* Paired: section 3, and section 5 on merging. */
	{ "paired", NULL, NULL, "S", "S", "*", 0, OP_SETTLE, "S", "S" },
	{ "paired, flags united", NULL, NULL, "FS", "RS/a", "*", 0,
	    OP_FLAG_LOCAL | OP_FLAG_REMOTE, "FRS/a", "FRS/a" },
	{ "paired, marked here", NULL, NULL, "ST", "S", "*", 0, OP_FLAG_LOCAL,
	    "S", "S" },
	{ "paired, marked there", NULL, NULL, "S", "ST", "*", 0,
	    OP_FLAG_REMOTE, "S", "S" },
	{ "paired, marked on both", NULL, NULL, "T", "T", "*", 0, OP_SETTLE,
	    "T", "T" },
	/* Rule 8. */
	{ "marked here", "S", "S", "ST", "S", "*", 0, OP_FLAG_REMOTE, "ST",
	    "ST" },
	{ "marked here, expunge", "S", "S", "ST", "S", "*", 1,
	    OP_REMOVE_LOCAL | OP_REMOVE_REMOTE, NULL, NULL },
	{ "marked there, expunge", "S", "S", "S", "ST", "*", 1,
	    OP_REMOVE_LOCAL | OP_REMOVE_REMOTE, NULL, NULL },
	{ "marked on both long since, expunge", "T", "T", "T", "T", "*", 1,
	    OP_REMOVE_LOCAL | OP_REMOVE_REMOTE, NULL, NULL },
	{ "mark taken away here, expunge", "T", "T", "", "T", "*", 1,
	    OP_FLAG_REMOTE, "", "" },
	{ "marked here, read-only, expunge", "", "", "T", "", "", 1,
	    OP_SETTLE, "T", "" },
	{ "mark taken away here, read-only, expunge", "T", "T", "", "T", "", 1,
	    OP_SETTLE, "", "T" },
	{ "paired, marked on both, expunge", NULL, NULL, "T", "T", "*", 1,
	    OP_SETTLE, NULL, NULL },
	{ "new there, marked, expunge", NULL, NULL, NULL, "T", "*", 1, OP_PULL,
	    NULL, NULL },
};

static unsigned
flags_of(const char *text)
{
	unsigned flags = 0;

	for (; *text != '\0' && *text != '/'; text++)
		flags |= flag_from_letter(*text);
	return flags;
}

static const char *
words_of(const char *text)
{
	const char *slash = strchr(text, '/');

	return slash != NULL ? slash + 1 : "";
}

static void
state_read(struct state *s, const char *text)
{
	if (text != NULL)
		state_set(s, true, flags_of(text), words_of(text));
}

static bool
state_is(const struct state *s, const char *text)
{
	if (text == NULL || !s->present)
		return (text != NULL) == s->present;
	return s->flags == flags_of(text) &&
	    strcmp(s->keywords, words_of(text)) == 0;
}

/* Until there is nothing left to do: a mark may come over before it works. */
static void
check_named(const struct named *c)
{
	struct ability can = { flags_of(c->can), false, words_of(c->can),
	    NULL };
	struct place p;
	unsigned ops;
	int runs = 0;

	if (*c->can == '*')
		can = (struct ability){ FLAG_ALL, true, "",
		    c->can[1] == '-' ? c->can + 2 : NULL };
	place_init(&p);
	state_read(&p.base_local, c->base_local);
	state_read(&p.base_remote, c->base_remote);
	state_read(&p.local, c->local);
	state_read(&p.remote, c->remote);
	ops = ops_of(&p, &can, c->expunge);
	if (ops != c->ops)
		fail_msg("%s: ops %#x, not %#x", c->what, ops, c->ops);
	do {
		if (!run_round(&p, &can, c->expunge, 0) || ++runs > 2)
			fail_msg("%s: no end", c->what);
		ops = ops_of(&p, &can, c->expunge);
	} while (ops != OP_NONE && ops != OP_FORGET);
	if (!state_is(&p.local, c->want_local))
		fail_msg("%s: local %#x %s", c->what, p.local.flags,
		    p.local.keywords);
	if (!state_is(&p.remote, c->want_remote))
		fail_msg("%s: remote %#x %s", c->what, p.remote.flags,
		    p.remote.keywords);
	place_release(&p);
}

static void
test_named_cases(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_named(&cases[i]);
}

/* --- what a lost file had comes back with it, but for the mark --- */

static void
test_lost_file(void **state)
{
	const struct ability can = { flags_of("FS"), false, "a", NULL };
	struct verdict v;
	struct place p;

	(void)state;
	place_init(&p);
	state_set(&p.local, false, flags_of("FPT"), "mine");
	state_set(&p.remote, true, flags_of("S"), "a");
	reconcile_message(&p, &can, true, &v);
	assert_int_equal(v.ops, OP_PULL);
	assert_int_equal(v.local_flags, flags_of("FPS"));
	assert_string_equal(v.local_keywords, "a mine");
	assert_int_equal(v.remote_flags, flags_of("S"));
	assert_string_equal(v.remote_keywords, "a");
	verdict_release(&v);
	/* That it had the mark is how an undone removal takes it away. */
	state_set(&p.remote, true, flags_of("ST"), "a");
	reconcile_message(&p, &can, true, &v);
	assert_int_equal(v.local_flags, flags_of("FPS"));
	verdict_release(&v);
	state_set(&p.local, false, flags_of("FP"), "mine");
	reconcile_message(&p, &can, true, &v);
	assert_int_equal(v.local_flags, flags_of("FPST"));
	verdict_release(&v);
	place_release(&p);
}

/* --- more keywords than a message may have --- */

static char *
many_words(const char *prefix, int n)
{
	char *words = xmalloc((size_t)n * 16 + 1), *p = words;
	int i;

	*p = '\0';
	for (i = 0; i < n; i++)
		p += snprintf(p, 16, "%s%s%04d", i > 0 ? " " : "", prefix, i);
	return words;
}

/* What does not fit stays where it is, run after run. */
static void
test_too_many_keywords(void **state)
{
	const struct ability can = { FLAG_ALL, true, "", NULL };
	char *mine = many_words("m", 600), *theirs = many_words("t", 600);
	struct place p;
	int i;

	(void)state;
	assert_true(strlen(mine) * 2 > LIMIT_KEYWORDS);
	place_init(&p);
	state_set(&p.local, true, 0, mine);
	state_set(&p.remote, true, 0, theirs);
	for (i = 0; i < 3; i++) {
		char *lost_here, *lost_there;

		run_round(&p, &can, false, 0);
		lost_here = keywords_less(mine, p.local.keywords);
		lost_there = keywords_less(theirs, p.remote.keywords);
		assert_string_equal(lost_here, "");
		assert_string_equal(lost_there, "");
		free(lost_here);
		free(lost_there);
	}
	place_release(&p);
	free(mine);
	free(theirs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named_cases),
		cmocka_unit_test(test_lost_file),
		cmocka_unit_test(test_too_many_keywords),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
