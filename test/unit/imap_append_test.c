/* APPEND against a scripted server: literals, groups, and the UIDs told. */
#include "../lib/fake_imap.c"

#include "mail/flags.h"

static void
feed_append(struct probe *p)
{
	if (p->append.wants && (p->hold == 0 || p->append.at + 1 < p->hold ||
	    p->append.cmd.err.kind != ERR_NONE))
		imap_append_feed(&p->append, "hello", 5);
}

static void
start_appends(struct probe *p, size_t n)
{
	static const struct imap_append_message m[] = {
		{ .size = 5 }, { .size = 5, .flags = FLAG_SEEN },
		{ .size = 5, .keywords = "word" },
	};
	struct imap_append_args a = { .raw = "x", .message = m, .n = n };

	p->step = feed_append;
	imap_append_start(p->session, &p->append, &p->task, &a);
	probe_add(p, &p->append.cmd);
	probe_noop(p);
}

static void
start_append(struct probe *p)
{
	start_appends(p, 1);
}

static void
start_three(struct probe *p)
{
	start_appends(p, 3);
}

static void
test_torture_22_plus_forms(void **state)
{
	static const char *const plus[] = { "S: +", "S: + ", "S: + go on",
	    "S: +go" };

	(void)state;
	for (size_t i = 0; i < sizeof(plus) / sizeof(plus[0]); i++) {
		const char *const script[] = { LOGIN("UIDPLUS"),
		    "C: APPEND x () \"01-Jan-1970 00:00:00 +0000\" {5}",
		    plus[i], "R: 7", "S: $1 OK [APPENDUID 3 8] ok",
		    "C: NOOP", "S: $1 OK", NULL };
		struct probe p = { 0 };

		probe_run(&p, script, start_append);
		assert_int_equal(p.append.cmd.err.kind, ERR_NONE);
		assert_int_equal(p.append.cmd.code, CODE_APPENDUID);
		assert_int_equal(p.append.cmd.code_number, 3);
		assert_int_equal(p.plain[0].err.kind, ERR_NONE);
		probe_release(&p);
	}
}

/* Refused early: the literal is still sent to its end, then what follows. */
static void
test_torture_40_literal_refused_early(void **state)
{
	static const char *const nonsync[] = { LOGIN("LITERAL+"),
	    "C: APPEND x () \"01-Jan-1970 00:00:00 +0000\" {5+}",
	    "S: $1 NO [TOOBIG] too big", "R: 7", "C: NOOP", "S: $1 OK", NULL };
	static const char *const sync[] = { LOGIN(""), "C: {5}",
	    "S: $1 NO [TOOBIG] too big", "C: NOOP", "S: $1 OK", NULL };
	static const char *const *const script[] = { nonsync, sync };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct probe p = { 0 };

		probe_run(&p, script[i], start_append);
		assert_int_equal(p.append.cmd.err.kind, ERR_REFUSED);
		assert_int_equal(p.append.cmd.status, IMAP_NO);
		assert_int_equal(p.append.cmd.code, CODE_TOOBIG);
		assert_int_equal(p.plain[0].err.kind, ERR_NONE);
		probe_release(&p);
	}
}

/* One message has one UID; whoever takes the first of many pairs the wrong one. */
static void
test_appenduid_of_many(void **state)
{
	static const struct {
		const char *reply;
		enum imap_code_kind code;
	} rows[] = {
		{ "S: $1 OK [APPENDUID 7 9] x", CODE_APPENDUID },
		{ "S: $1 OK [APPENDUID 7 1:4294967295] x", CODE_UNKNOWN },
		{ "S: $1 OK [APPENDUID 7 1,3] x", CODE_UNKNOWN },
		{ "S: $1 OK [APPENDUID 7 0] x", CODE_UNKNOWN },
		{ "S: $1 OK [APPENDUID 7 4294967296] x", CODE_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const script[] = { LOGIN("LITERAL+"), "C: {5+}",
		    "R: 7", rows[i].reply, "C: NOOP", "S: $1 OK", NULL };
		struct probe p = { 0 };

		probe_run(&p, script, start_append);
		assert_int_equal(p.append.cmd.err.kind, ERR_NONE);
		assert_int_equal(p.append.cmd.code, rows[i].code);
		probe_release(&p);
	}
}

#define HEAD "\"01-Jan-1970 00:00:00 +0000\" "

/* RFC 3502: one command; of its UIDs the n-th is that of the n-th message, and
 * what is no such list says nothing. */
static void
test_append_of_three(void **state)
{
	static const struct {
		const char *reply, *uids;	/* NULL: not told */
	} rows[] = {
		{ "S: $3 OK [APPENDUID 7 9:11] x", "9:11" },
		{ "S: $3 OK [APPENDUID 7 9,11,20] x", "9,11,20" },
		{ "S: $3 OK [APPENDUID 7 9:10,20] x", "9:10,20" },
		{ "S: $3 OK [APPENDUID 7 9,10:11] x", "9:11" },
		{ "S: $3 OK x", NULL },
		{ "S: $3 OK [APPENDUID 7 9] x", NULL },
		{ "S: $3 OK [APPENDUID 7 9:10] x", NULL },
		{ "S: $3 OK [APPENDUID 7 9:12] x", NULL },
		{ "S: $3 OK [APPENDUID 7 9,10,9] x", NULL },
		{ "S: $3 OK [APPENDUID 7 11:9] x", NULL },
		{ "S: $3 OK [APPENDUID 7 11,9,10] x", NULL },
		{ "S: $3 OK [APPENDUID 7 9,11,10] x", NULL },
		{ "S: $3 OK [APPENDUID 7 9:10,10,11] x", NULL },
		{ "S: $3 OK [APPENDUID 7 9:*] x", NULL },
		{ "S: $3 OK [APPENDUID 7 0,9,10] x", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const script[] = { LOGIN("LITERAL+ MULTIAPPEND"),
		    "C: APPEND x () " HEAD "{5+}", "R: 5",
		    "C:  (\\Seen) " HEAD "{5+}", "R: 5",
		    "C:  (word) " HEAD "{5+}", "R: 7", rows[i].reply,
		    "C: NOOP", "S: $1 OK", NULL };
		struct probe p = { 0 };
		struct buf text;
		size_t at = 0;

		buf_init(&text, 100);
		probe_run(&p, script, start_three);
		assert_int_equal(p.append.cmd.err.kind, ERR_NONE);
		assert_int_equal(p.append.at, 3);
		assert_int_equal(p.append.cmd.code == CODE_APPENDUID,
		    rows[i].uids != NULL);
		uidset_format(&p.append.cmd.code_uids, &at, 100, &text);
		if (rows[i].uids != NULL)
			assert_string_equal(buf_str(&text), rows[i].uids);
		buf_release(&text);
		probe_release(&p);
	}
}

/* The literal that was begun is sent to its end, nothing behind it. */
static void
test_append_of_three_refused_early(void **state)
{
	static const char *const first[] = { LOGIN("LITERAL+"),
	    "C: APPEND x () " HEAD "{5+}", "S: $1 NO [OVERQUOTA] full",
	    "R: 7", "C: NOOP", "S: $1 OK", NULL };
	static const char *const second[] = { LOGIN("LITERAL+"),
	    "C: APPEND x () " HEAD "{5+}", "R: 5", "C: {5+}",
	    "S: $2 NO [OVERQUOTA] full", "R: 7", "C: NOOP", "S: $1 OK",
	    NULL };
	static const char *const asked[] = { LOGIN(""),
	    "C: APPEND x () " HEAD "{5}", "S: + go on", "R: 5", "C: {5}",
	    "S: $2 NO [OVERQUOTA] full", "C: NOOP", "S: $1 OK", NULL };
	static const char *const *const script[] = { first, second, asked };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct probe p = { .hold = i < 2 ? i + 1 : 0 };

		probe_run(&p, script[i], start_three);
		assert_int_equal(p.append.cmd.err.kind, ERR_REFUSED);
		assert_int_equal(p.append.cmd.code, CODE_OVERQUOTA);
		assert_int_equal(p.plain[0].err.kind, ERR_NONE);
		probe_release(&p);
	}
}

static void
start_may_join(struct probe *p)
{
	static const uint32_t sizes[] = { 1, 4096, 4097, 1000000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		probe_say(p, "%d", imap_append_may_join(p->session, sizes[i]));
	probe_noop(p);
}

/* Several go in one command only where nothing has to be asked for. */
static void
test_append_may_join(void **state)
{
	static const struct {
		const char *greeting, *may;
	} rows[] = {
		{ "S: $1 OK [CAPABILITY IMAP4rev1 MULTIAPPEND LITERAL+] x",
		    "1111" },
		{ "S: $1 OK [CAPABILITY IMAP4rev1 MULTIAPPEND LITERAL-] x",
		    "1100" },
		{ "S: $1 OK [CAPABILITY IMAP4rev1 MULTIAPPEND] x", "0000" },
		{ "S: $1 OK [CAPABILITY IMAP4rev1 LITERAL+] x", "0000" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const script[] = {
		    "S: * OK [CAPABILITY IMAP4rev1] ready", "C: LOGIN",
		    rows[i].greeting, "C: NOOP", "S: $1 OK", NULL };
		struct probe p = { 0 };

		probe_run(&p, script, start_may_join);
		assert_string_equal(p.seen, rows[i].may);
		probe_release(&p);
	}
}

static void
test_ok_before_the_literal_is_an_error(void **state)
{
	static const char *const script[] = { LOGIN(""), "C: {5}",
	    "S: $1 OK stored", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_append);
	assert_int_equal(p.append.cmd.err.kind, ERR_PROTO);
	assert_int_equal(p.plain[0].err.kind, ERR_PROTO);
	probe_release(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_torture_22_plus_forms),
		cmocka_unit_test(test_torture_40_literal_refused_early),
		cmocka_unit_test(test_appenduid_of_many),
		cmocka_unit_test(test_append_of_three),
		cmocka_unit_test(test_append_of_three_refused_early),
		cmocka_unit_test(test_append_may_join),
		cmocka_unit_test(test_ok_before_the_literal_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
