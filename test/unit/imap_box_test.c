/* SELECT, SEARCH, long sets. */
#include "../lib/fake_imap.c"

#include "mail/flags.h"

static void
start_qresync(struct probe *p)
{
	struct imap_select_args a = { .raw = "a b", .uidvalidity = 9,
	    .modseq = 50, .sink = probe_sink(p) };

	imap_select_start(p->session, &p->sel, &p->task, &a);
	probe_add(p, &p->sel.cmd);
}

#define ENABLED LOGIN("QRESYNC"), "C: ENABLE QRESYNC", \
	"S: * ENABLED QRESYNC", "S: $1 OK"

static void
test_select_qresync(void **state)
{
	static const char *const script[] = { ENABLED,
		"C: SELECT \"a b\" (QRESYNC (9 50))\r\n",
		"S: * FLAGS (\\Seen $Forwarded)", "S: * 4 EXISTS",
		"S: * OK [PERMANENTFLAGS (\\Seen \\Deleted foo \\*)] x",
		"S: * OK [UIDVALIDITY 9] x", "S: * OK [UIDNEXT 0] x",
		"S: * OK [HIGHESTMODSEQ 60] x", "S: * OK [UIDNOTSTICKY] x",
		"S: * VANISHED (EARLIER) 1:3,5",
		"S: * 4 FETCH (UID 8 FLAGS (\\Seen) MODSEQ (55))",
		"S: * 3 FETCH (FLAGS ())", "S: $1 OK [READ-ONLY] x", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_qresync);
	assert_int_equal(p.sel.cmd.err.kind, ERR_NONE);
	assert_string_equal(p.seen, "vanished 4;row 8 flags;");
	assert_int_equal(p.sel.box.exists, 4);
	assert_int_equal(p.sel.box.uidnext, 0);
	assert_int_equal(p.sel.box.modseq, 60);
	assert_true(p.sel.box.read_only);
	assert_true(p.sel.box.uid_not_sticky);
	assert_true(p.sel.box.permanent_any);
	assert_string_equal(p.sel.box.permanent_keywords, "foo");
	probe_release(&p);
}

/* QRESYNC turns out not to be there: modseq 0 says nothing was reported. */
static void
test_select_falls_back(void **state)
{
	static const char *const script[] = { ENABLED,
		"C: SELECT \"a b\" (QRESYNC (9 50))\r\n", "S: $1 BAD what",
		"C: SELECT \"a b\"\r\n", "S: * 4 EXISTS",
		"S: * OK [UIDVALIDITY 9] x", "S: * OK [HIGHESTMODSEQ 60] x",
		"S: $1 OK x", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_qresync);
	assert_int_equal(p.sel.cmd.err.kind, ERR_NONE);
	assert_true(p.sel.again);
	assert_int_equal(p.sel.box.modseq, 0);
	assert_int_equal(p.sel.box.exists, 4);
	probe_release(&p);
}

static struct imap_select second;

static void
start_two(struct probe *p)
{
	struct imap_select_args a = { .raw = "two", .sink = probe_sink(p) };

	probe_select(p, "one");
	imap_select_start(p->session, &second, &p->task, &a);
	probe_add(p, &second.cmd);
}

/* What comes before [CLOSED] is about the folder before. */
static void
test_select_closed(void **state)
{
	static const char *const script[] = { LOGIN("CONDSTORE"),
		"C: SELECT one (CONDSTORE)", "S: * 7 EXISTS", "S: $1 OK",
		"C: SELECT two (CONDSTORE)", "S: * 8 EXISTS",
		"S: * 1 FETCH (UID 1 FLAGS ())", "S: * OK [CLOSED] x",
		"S: * 2 EXISTS", "S: * OK [UIDVALIDITY 3] x",
		"S: * OK [NOMODSEQ] x", "S: $1 OK", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_two);
	assert_int_equal(p.sel.box.exists, 7);
	assert_int_equal(second.box.exists, 2);
	assert_int_equal(second.box.uidvalidity, 3);
	assert_int_equal(second.box.modseq, 0);
	assert_string_equal(p.seen, "");
	imap_select_release(&second);
	probe_release(&p);
}

static void
start_search(struct probe *p)
{
	imap_search_start(p->session, &p->search, &p->task, "DELETED");
	probe_add(p, &p->search.cmd);
}

#define ESEARCHED LOGIN("ESEARCH"), "C: UID SEARCH RETURN (ALL COUNT) DELETED"
#define AGAIN "C: UID SEARCH DELETED\r\n", "S: * SEARCH 4 6", "S: $1 OK", NULL

static void
test_search(void **state)
{
	static const char *const whole[] = { ESEARCHED,
	    "S: * ESEARCH (TAG \"$1\") UID ALL 4,6 COUNT 2", "S: $1 OK", NULL };
	static const char *const only_count[] = { ESEARCHED,
	    "S: * ESEARCH (TAG \"$1\") UID COUNT 2", "S: $1 OK", AGAIN };
	static const char *const no_count[] = { ESEARCHED,
	    "S: * ESEARCH (TAG \"$1\") UID ALL 4", "S: $1 OK", AGAIN };
	static const char *const nothing[] = { ESEARCHED, "S: $1 OK", AGAIN };
	static const char *const refused[] = { ESEARCHED, "S: $1 BAD", AGAIN };
	static const char *const old_form[] = { ESEARCHED, "S: * SEARCH 4",
	    "S: * SEARCH 6 (MODSEQ 9)", "S: $1 OK", NULL };
	static const char *const *const all[] = { whole, only_count, no_count,
	    nothing, refused, old_form };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct probe p = { 0 };

		probe_run(&p, all[i], start_search);
		assert_int_equal(p.search.cmd.err.kind, ERR_NONE);
		assert_int_equal(uidset_count(&p.search.uids), 2);
		assert_true(uidset_has(&p.search.uids, 4));
		assert_true(uidset_has(&p.search.uids, 6));
		probe_release(&p);
	}
}

static struct imap_searching beside[2];

static void
start_beside(struct probe *p)
{
	const struct imap_fetch_args a = { .uids = &p->uids,
	    .items = FETCH_FLAGS, .sink = probe_sink(p) };

	uidset_add(&p->uids, 9);
	imap_fetch_start(p->session, &p->fetch, &p->task, &a);
	probe_add(p, &p->fetch.cmd);
	imap_search_beside_start(p->session, &beside[0], &p->task, "SEEN");
	probe_add(p, &beside[0].cmd);
	imap_search_beside_start(p->session, &beside[1], &p->task, "DELETED");
	probe_add(p, &beside[1].cmd);
}

#define BESIDE LOGIN("ESEARCH"), "C: UID FETCH 9 (UID FLAGS)", \
	"C: UID SEARCH RETURN (ALL COUNT) SEEN", \
	"C: UID SEARCH RETURN (ALL COUNT) DELETED"

/* Answered in any order (Dovecot): each has its own. */
static void
test_search_beside(void **state)
{
	static const char *const script[] = { BESIDE,
	    "S: * ESEARCH (TAG \"$1\") UID ALL 5:6 COUNT 2", "S: $1 OK",
	    "S: * 1 FETCH (UID 9 FLAGS ())",
	    "S: * ESEARCH (TAG \"$2\") UID ALL 3 COUNT 1", "S: $3 OK",
	    "S: $2 OK", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_beside);
	assert_string_equal(p.seen, "row 9 flags;");
	assert_int_equal(beside[0].cmd.err.kind, ERR_NONE);
	assert_int_equal(uidset_count(&beside[0].uids), 1);
	assert_true(uidset_has(&beside[0].uids, 3));
	assert_int_equal(uidset_count(&beside[1].uids), 2);
	imap_searching_release(&beside[0]);
	imap_searching_release(&beside[1]);
	probe_release(&p);
}

/* Nobody could tell whose answer a SEARCH line is: refused, and not asked for
 * again. */
static void
test_search_beside_needs_tags(void **state)
{
	static const char *const script[] = { BESIDE, "S: $3 OK",
	    "S: * SEARCH 3", "S: $2 OK", "S: * ESEARCH UID ALL 3", "S: $1 OK",
	    NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_beside);
	assert_int_equal(beside[0].cmd.err.kind, ERR_REFUSED);
	assert_int_equal(beside[1].cmd.err.kind, ERR_REFUSED);
	imap_searching_release(&beside[0]);
	imap_searching_release(&beside[1]);
	probe_release(&p);
}

static void
start_keep(struct probe *p)
{
	imap_search_keep_start(p->session, &p->search, &p->task, "DELETED");
	probe_add(p, &p->search.cmd);
}

#define KEEP(words) LOGIN(words), \
	"C: UID SEARCH RETURN (SAVE ALL COUNT) DELETED\r\n"
#define FOUND "S: * ESEARCH (TAG \"$1\") UID ALL 4,6 COUNT 2", "S: $1 OK"

/* Found in each case; kept where the server says that it can, and does. */
static void
test_search_keep(void **state)
{
	static const char *const kept[] = { KEEP("ESEARCH SEARCHRES"), FOUND,
	    NULL };
	static const char *const not_offered[] = { ESEARCHED, FOUND, NULL };
	static const char *const refused[] = { KEEP("ESEARCH SEARCHRES"),
	    "S: $1 BAD", "C: UID SEARCH RETURN (ALL COUNT) DELETED\r\n", FOUND,
	    NULL };
	static const char *const no_answer[] = { KEEP("ESEARCH SEARCHRES"),
	    "S: $1 OK", "C: UID SEARCH RETURN (ALL COUNT) DELETED\r\n", FOUND,
	    NULL };
	static const char *const old_answer[] = { KEEP("ESEARCH SEARCHRES"),
	    "S: * SEARCH 4 6", "S: $1 OK",
	    "C: UID SEARCH RETURN (ALL COUNT) DELETED\r\n", FOUND, NULL };
	static const char *const *const all[] = { kept, not_offered, refused,
	    no_answer, old_answer };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct probe p = { 0 };

		probe_run(&p, all[i], start_keep);
		assert_int_equal(p.search.cmd.err.kind, ERR_NONE);
		assert_int_equal(uidset_count(&p.search.uids), 2);
		assert_int_equal(p.search.kept, i == 0);
		assert_true(p.caps & CAP_ESEARCH);
		assert_int_equal(!(p.caps & CAP_SEARCHRES), i > 0);
		probe_release(&p);
	}
}

static void
start_kept(struct probe *p)
{
	imap_search_kept_start(p->session, &beside[0], &p->task, "SEEN");
	probe_add(p, &beside[0].cmd);
	imap_search_kept_start(p->session, &beside[1], &p->task, "");
	probe_add(p, &beside[1].cmd);
}

/* A result that was dropped (NOTSAVED) is no reason to search no more. */
static void
test_search_kept(void **state)
{
	static const char *const script[] = { LOGIN("ESEARCH SEARCHRES"),
	    "C: UID SEARCH RETURN (ALL COUNT) UID $ SEEN\r\n",
	    "C: UID SEARCH RETURN (ALL COUNT) UID $\r\n", FOUND,
	    "S: $2 NO [NOTSAVED] x", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_kept);
	assert_int_equal(beside[0].cmd.err.kind, ERR_REFUSED);
	assert_int_equal(beside[1].cmd.err.kind, ERR_NONE);
	assert_int_equal(uidset_count(&beside[1].uids), 2);
	assert_true(p.caps & CAP_ESEARCH);
	assert_false(p.caps & CAP_SEARCHRES);
	imap_searching_release(&beside[0]);
	imap_searching_release(&beside[1]);
	probe_release(&p);
}

static void
start_known(struct probe *p)
{
	struct imap_select_args a = { .raw = "x", .uidvalidity = 9,
	    .modseq = 50, .known = { 11, 20 }, .sink = probe_sink(p) };

	imap_select_start(p->session, &p->sel, &p->task, &a);
	probe_add(p, &p->sel.cmd);
}

static void
test_select_of_a_part(void **state)
{
	static const char *const script[] = { ENABLED,
		"C: SELECT x (QRESYNC (9 50 11:20))\r\n",
		"S: * FLAGS (\\Seen $Forwarded b a)", "S: * 4 EXISTS",
		"S: * OK [PERMANENTFLAGS (\\Seen \\*)] x",
		"S: * OK [UIDVALIDITY 9] x", "S: $1 OK x", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_known);
	assert_int_equal(p.sel.cmd.err.kind, ERR_NONE);
	assert_false(p.sel.again);
	assert_int_equal(p.sel.box.known, FLAG_SEEN | FLAG_PASSED);
	assert_string_equal(p.sel.box.known_keywords, "a b");
	probe_release(&p);
}

/* FLAGS and PERMANENTFLAGS, and what can be stored. */
static void
test_select_permanent(void **state)
{
	static const struct {
		const char *known, *permanent;
		unsigned flags;
		bool any;
	} table[] = {
		{ "S: * FLAGS (\\Seen \\Deleted x)",
		    "S: * OK [PERMANENTFLAGS (\\*)] x",
		    FLAG_SEEN | FLAG_DELETED | FLAG_PASSED, true },
		{ "S: * FLAGS (\\Seen \\Deleted x)",
		    "S: * OK [PERMANENTFLAGS (\\Seen \\*)] x",
		    FLAG_SEEN | FLAG_PASSED, true },
		{ "S: * FLAGS (\\Seen \\Deleted x)",
		    "S: * OK [PERMANENTFLAGS ()] x", 0, false },
		{ "S: * FLAGS (\\Seen x)", "S: * 0 RECENT", FLAG_SEEN,
		    false },
		{ "S: * 0 RECENT", "S: * 0 RECENT",
		    FLAG_ALL & ~FLAG_PASSED, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *const script[] = { ENABLED,
			"C: SELECT x (QRESYNC (9 50 11:20))\r\n",
			table[i].known, "S: * 4 EXISTS", table[i].permanent,
			"S: * OK [UIDVALIDITY 9] x", "S: $1 OK x", NULL };
		struct probe p = { 0 };

		probe_run(&p, script, start_known);
		assert_int_equal(p.sel.box.permanent, table[i].flags);
		assert_int_equal(p.sel.box.permanent_any, table[i].any);
		probe_release(&p);
	}
}

static void
test_search_empty(void **state)
{
	static const char *const script[] = { ESEARCHED,
	    "S: * ESEARCH (TAG \"$1\") UID COUNT 0", "S: $1 OK", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_search);
	assert_int_equal(p.search.cmd.err.kind, ERR_NONE);
	assert_true(uidset_empty(&p.search.uids));
	probe_release(&p);
}

/* 2000 lone UIDs of five digits and a comma: 12000 octets, so two lines. */
static void
start_long(struct probe *p)
{
	struct imap_store_args a = { .uids = &p->uids, .add = true,
	    .silent = true, .keywords = "foo" };

	for (uint32_t i = 0; i < 2000; i++)
		uidset_add(&p->uids, 10000 + 2 * i);
	imap_store_start(p->session, &p->plain[0], &p->task, &a);
	probe_add(p, &p->plain[0]);
}

static void
test_long_set(void **state)
{
	static const char *const script[] = { LOGIN(""),
		"C: UID STORE 10000,10002,",
		"C: ,13998 +FLAGS.SILENT (foo)\r\n",
		"S: $2 NO [CANNOT] not this", "S: $1 OK", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_long);
	assert_int_equal(p.plain[0].err.kind, ERR_REFUSED);
	assert_int_equal(p.plain[0].code, CODE_CANNOT);
	probe_release(&p);
}

/* A keyword is an atom or it is not sent. */
static void
start_bad_keyword(struct probe *p)
{
	struct imap_store_args a = { .uids = &p->uids, .add = true,
	    .keywords = "a)(b" };

	uidset_add(&p->uids, 1);
	imap_store_start(p->session, &p->plain[0], &p->task, &a);
	imap_move_start(p->session, &p->plain[1], &p->task, &p->uids, "x");
	probe_add(p, &p->plain[0]);
	probe_add(p, &p->plain[1]);
}

static void
test_what_is_not_sent(void **state)
{
	static const char *const script[] = { LOGIN(""), NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_bad_keyword);
	assert_int_equal(p.plain[0].err.kind, ERR_REFUSED);
	assert_int_equal(p.plain[1].err.kind, ERR_REFUSED);	/* no MOVE */
	probe_release(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_select_qresync),
		cmocka_unit_test(test_select_falls_back),
		cmocka_unit_test(test_select_closed),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_search_beside),
		cmocka_unit_test(test_search_beside_needs_tags),
		cmocka_unit_test(test_search_keep),
		cmocka_unit_test(test_search_kept),
		cmocka_unit_test(test_select_of_a_part),
		cmocka_unit_test(test_select_permanent),
		cmocka_unit_test(test_search_empty),
		cmocka_unit_test(test_long_set),
		cmocka_unit_test(test_what_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
