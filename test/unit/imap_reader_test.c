/*
 * The reader as a whole: transcripts in any pieces, limits, speed with small
 * pieces. Single responses are in imap_torture_test.c.
 */
#include "imap_events.h"

#include <time.h>

#include "base/limits.h"
#include "base/mem.h"

/* Transcripts, and how many events of each kind are in them. */
static const struct {
	const char *name;
	unsigned n[IMAP_BODY_END + 1];
} fixtures[] = {
	{ "rfc", {
		[IMAP_UNKNOWN] = 1, [IMAP_TAGGED] = 9, [IMAP_STATUS_LINE] = 4,
		[IMAP_LIST] = 2, [IMAP_STATUS] = 1, [IMAP_NAMESPACE] = 1,
		[IMAP_FLAGS] = 1, [IMAP_EXISTS] = 1, [IMAP_SEARCH] = 2,
		[IMAP_VANISHED] = 2, [IMAP_FETCH] = 5, [IMAP_BODY_BEGIN] = 1,
		[IMAP_BODY_END] = 1 } },
	{ "dovecot", {
		[IMAP_UNKNOWN] = 1, [IMAP_TAGGED] = 7, [IMAP_CONTINUE] = 1,
		[IMAP_STATUS_LINE] = 8, [IMAP_ENABLED] = 1, [IMAP_LIST] = 3,
		[IMAP_STATUS] = 2, [IMAP_FLAGS] = 1, [IMAP_EXISTS] = 1,
		[IMAP_VANISHED] = 2, [IMAP_FETCH] = 4, [IMAP_BODY_BEGIN] = 2,
		[IMAP_BODY_END] = 2 } },
	{ "cyrus", {
		[IMAP_TAGGED] = 2, [IMAP_STATUS_LINE] = 3, [IMAP_ENABLED] = 1,
		[IMAP_LIST] = 2, [IMAP_STATUS] = 2, [IMAP_EXPUNGE] = 2,
		[IMAP_FETCH] = 1, [IMAP_BODY_BEGIN] = 1,
		[IMAP_BODY_END] = 1 } },
	{ "courier", {
		[IMAP_UNKNOWN] = 1, [IMAP_TAGGED] = 8, [IMAP_STATUS_LINE] = 4,
		[IMAP_ENABLED] = 1, [IMAP_LIST] = 2, [IMAP_STATUS] = 1,
		[IMAP_NAMESPACE] = 1, [IMAP_FLAGS] = 1, [IMAP_EXISTS] = 1,
		[IMAP_SEARCH] = 1, [IMAP_FETCH] = 2 } },
	{ "imap4d", {
		[IMAP_TAGGED] = 5, [IMAP_STATUS_LINE] = 4, [IMAP_LIST] = 3,
		[IMAP_FLAGS] = 1, [IMAP_EXISTS] = 1, [IMAP_EXPUNGE] = 1,
		[IMAP_FETCH] = 2, [IMAP_BODY_BEGIN] = 1,
		[IMAP_BODY_END] = 1 } },
	{ "gmail", {
		[IMAP_TAGGED] = 4, [IMAP_STATUS_LINE] = 5,
		[IMAP_CAPABILITY] = 1, [IMAP_LIST] = 4, [IMAP_FLAGS] = 1,
		[IMAP_EXISTS] = 1, [IMAP_FETCH] = 1, [IMAP_BODY_BEGIN] = 1,
		[IMAP_BODY_END] = 1 } },
};
#define FIXTURES	(sizeof(fixtures) / sizeof(fixtures[0]))

static char *
fixture_read(size_t i, size_t *n)
{
	char path[100], *text = xmalloc(1 << 20);
	FILE *f;

	snprintf(path, sizeof(path), "test/fixture/imap/%s.txt",
	    fixtures[i].name);
	f = fopen(path, "r");
	if (f == NULL)
		fail_msg("can't open %s", path);
	*n = fread(text, 1, 1 << 20, f);
	assert_true(feof(f));
	fclose(f);
	return text;
}

static void
test_transcripts_count(void **state)
{
	(void)state;
	for (size_t i = 0; i < FIXTURES; i++) {
		unsigned n[IMAP_BODY_END + 1] = { 0 };
		struct imap_resp resp;
		struct events e;
		size_t size;
		char *text = fixture_read(i, &size);

		events_init(&e);
		buf_add(&e.in, text, size);
		while (imap_reader_next(e.reader, &e.in, &resp, &e.err) == 1)
			n[resp.kind]++;
		assert_int_equal(e.err.kind, ERR_NONE);
		assert_false(imap_reader_partial(e.reader));
		for (int k = 0; k <= IMAP_BODY_END; k++)
			if (k != IMAP_BODY_DATA && n[k] != fixtures[i].n[k])
				fail_msg("%s: %u of kind %d, not %u",
				    fixtures[i].name, n[k], k,
				    fixtures[i].n[k]);
		events_release(&e);
		free(text);
	}
}

static void
feed_in_pieces(struct events *e, const char *text, size_t n, size_t piece)
{
	for (size_t at = 0; at < n; at += piece)
		events_feed(e, text + at, piece < n - at ? piece : n - at);
}

static void
test_pieces_make_no_difference(void **state)
{
	(void)state;
	for (size_t i = 0; i < FIXTURES; i++) {
		struct events whole;
		size_t n;
		char *text = fixture_read(i, &n);

		events_init(&whole);
		events_feed(&whole, text, n);
		assert_int_equal(whole.rc, 0);
		for (size_t piece = 1; piece < 40; piece++) {
			struct events e;

			events_init(&e);
			feed_in_pieces(&e, text, n, piece);
			assert_int_equal(e.rc, 0);
			assert_string_equal(buf_str(&e.log),
			    buf_str(&whole.log));
			events_release(&e);
		}
		events_release(&whole);
		free(text);
	}
}

/* Where a transcript may be cut without being in the middle of a response. */
static bool
at_line_end(const char *text, size_t n)
{
	return n == 0 || text[n - 1] == '\n';
}

static void
test_every_prefix_needs_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < FIXTURES; i++) {
		struct events whole;
		size_t n;
		char *text = fixture_read(i, &n);

		events_init(&whole);
		events_feed(&whole, text, n);
		for (size_t cut = 0; cut < n; cut++) {
			struct events e;

			events_init(&e);
			events_feed(&e, text, cut);
			assert_int_equal(e.rc, 0);
			assert_true(e.log.len <= whole.log.len);
			assert_int_equal(strncmp(buf_str(&e.log),
			    buf_str(&whole.log), e.log.len), 0);
			if (!at_line_end(text, cut))
				assert_true(imap_reader_partial(e.reader));
			events_release(&e);
		}
		events_release(&whole);
		free(text);
	}
}

/* The rows of the transcripts, spot-checked. */
static void
test_transcript_rows(void **state)
{
	static const struct {
		size_t fixture;
		const char *row;
	} rows[] = {
		{ 0, "FETCH seq=12 uid=0 flags=10() size=4286 "
		    "date=837596665\n" },
		{ 0, "FETCH seq=23 uid=7\n" },
		{ 0, "FETCH seq=49 uid=117 flags=18() "
		    "modseq=90060115194045001\n" },
		{ 0, "TAGGED tag=<A004> OK [COPYUID 38505] args=<38505 "
		    "304,319:320 3956:3958> uids=304,319:320 to=3956:3958 "
		    "text=<Done>\n" },
		{ 0, "TAGGED tag=<d105> OK [MODIFIED 0] args=<7,9> uids=7,9 "
		    "text=<Conditional STORE failed>\n" },
		{ 1, "END\nFETCH seq=1 uid=4 size=61 date=1580547600 "
		    "streamed section=<>\nFETCH seq=2 uid=6 nil section=<>\n"
		    "BEGIN seq=3 uid=8 size=0 section=<> \nEND\n" },
		{ 1, "STATUS name=<Entw&APw-rfe alt> messages=3 uidnext=9 "
		    "uidvalidity=1700000002 modseq=12\n" },
		{ 2, "STATUS name=<INBOX> messages=2 uidnext=4 "
		    "uidvalidity=1700000003 modseq=19\n" },
		{ 3, "NAMESPACE name=<INBOX.> delimiter=.\n" },
		{ 4, "LIST name=<ba\\ck> delimiter=/ noselect\n" },
		{ 5, "FLAGS flags=3b($NotPhishing)\n" },
		{ 5, "FETCH seq=12 uid=4710 flags=10() size=14 "
		    "modseq=123456789 streamed section=<>\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct events e;
		size_t n;
		char *text = fixture_read(rows[i].fixture, &n);

		events_init(&e);
		events_feed(&e, text, n);
		if (strstr(buf_str(&e.log), rows[i].row) == NULL)
			fail_msg("no %sin %s", rows[i].row, buf_str(&e.log));
		events_release(&e);
		free(text);
	}
}

static void
expect_repeated(const char *head, const char *unit, size_t times,
    const char *tail, int rc)
{
	struct events e;
	size_t n = strlen(unit);
	char *many = xmalloc(n * times);

	for (size_t i = 0; i < times; i++)
		memcpy(many + i * n, unit, n);
	events_init(&e);
	events_feed(&e, head, strlen(head));
	for (size_t at = 0; e.rc == 0 && at < n * times; at += 4096)
		events_feed(&e, many + at, n * times - at < 4096 ?
		    n * times - at : 4096);
	if (e.rc == 0)
		events_feed(&e, tail, strlen(tail));
	assert_int_equal(e.rc, rc);
	if (rc < 0) {
		/* once refused, always refused */
		events_feed(&e, "* 1 EXISTS\r\n", 12);
		assert_int_equal(e.rc, -1);
		assert_null(strstr(buf_str(&e.log), "EXISTS"));
	}
	events_release(&e);
	free(many);
}

static void
test_limits(void **state)
{
	(void)state;
	expect_repeated("* OK ", "x", LIMIT_RESPONSE - 7, "\r\n", 0);
	expect_repeated("* OK ", "x", LIMIT_RESPONSE, "\r\n", -1);
	expect_repeated("* XFOO ", "x", LIMIT_RESPONSE, "\r\n", -1);
	expect_repeated("* 1 FETCH (X ", "(", LIMIT_RESPONSE / 2, "\r\n", -1);
	expect_repeated("* 1 FETCH (UID 5 BODY[", "x", 5000, "] NIL)\r\n", -1);
	expect_repeated("* 1 FETCH (FLAGS (", "abcdefgh ", 1000,
	    ") UID 5)\r\n", 0);
	/* Literals that add up. */
	expect_repeated("* ESEARCH (", "{20}\r\n01234567890123456789 ",
	    LIMIT_RESPONSE / 24, ")\r\n", -1);
	REFUSED("* LIST () \"/\" {65537}\r\n", "");
	REFUSED("* 1 FETCH (BODY[HEADER.FIELDS ({65537}\r\n", "");
	EVENTS("* LIST () \"/\" {65536}\r\n", "");
}

static void
expect_depth(size_t inner, const char *want, int rc)
{
	char text[400] = "* 1 FETCH (X ";
	size_t n = strlen(text);

	memset(text + n, '(', inner);
	memset(text + n + inner, ')', inner);
	memcpy(text + n + 2 * inner, " UID 5)\r\n", 10);
	events_expect_bytes(text, strlen(text), want, rc);
}

static void
test_depth_limit_is_exact(void **state)
{
	(void)state;
	/* The row itself has one more pair. */
	expect_depth(LIMIT_DEPTH - 1, "FETCH seq=1 uid=5\n", 0);
	expect_depth(LIMIT_DEPTH, "", -1);
}

/* What nobody asked for may be as large as it likes, and is not held. */
static void
test_unknown_literals_are_not_held(void **state)
{
	(void)state;
	expect_repeated("* XFOO {9000000}\r\n", "a{5}\r\n", 1500000,
	    " x\r\n", 0);
	expect_repeated("* 1 FETCH (UID 5 X-BIG (1 {9000000}\r\n", "a{5}\r\n",
	    1500000, " NIL) FLAGS ())\r\n", 0);
	expect_repeated("* 0 FETCH (BODY[] {9000000}\r\n", "a{5}\r\n", 1500000,
	    ")\r\n", 0);
}

static void
test_too_many_keywords_leave_the_flags_out(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 1 << 20);
	buf_add_str(&text, "* 1 FETCH (UID 5 FLAGS (\\Seen");
	for (int i = 0; i < LIMIT_KEYWORDS / 4; i++)
		buf_addf(&text, " k%03x", i);
	buf_add_str(&text, "))\r\n* 1 FETCH (UID 5 FLAGS (a))\r\n");
	events_expect_bytes((const char *)text.data, text.len,
	    "FETCH seq=1 uid=5\nFETCH seq=1 uid=5 flags=00(a)\n", 0);
	buf_release(&text);
}

/* The keywords of one row must not stick to the next. */
static void
test_keyword_lists_do_not_mix(void **state)
{
	(void)state;
	EVENTS("* 1 FETCH (FLAGS (b a) UID 1)\r\n* 2 FETCH (FLAGS (b a) UID 2)"
	    "\r\n* 3 FETCH (FLAGS () UID 3)\r\n* 4 FETCH (FLAGS (c) UID 4)\r\n"
	    "* 5 FETCH (FLAGS (b a) UID 5)\r\n"
	    "* 6 FETCH (FLAGS (x) FLAGS (y \\Seen) FLAGS (z) UID 6)\r\n",
	    "FETCH seq=1 uid=1 flags=00(a b)\n"
	    "FETCH seq=2 uid=2 flags=00(a b)\nFETCH seq=3 uid=3 flags=00()\n"
	    "FETCH seq=4 uid=4 flags=00(c)\nFETCH seq=5 uid=5 flags=00(a b)\n"
	    "FETCH seq=6 uid=6 flags=00(z)\n");
}

/* Sets far beyond LIMIT_RESPONSE arrive complete, in several responses. */
static void
test_long_sets(void **state)
{
	static const struct {
		const char *head, *sep;
	} forms[] = {
		{ "* SEARCH ", " " },
		{ "* ESEARCH (TAG \"a\") UID COUNT 400000 ALL ", "," },
		{ "* VANISHED (EARLIER) ", "," },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct uidset all = { 0 };
		struct imap_resp resp;
		struct events e;
		unsigned responses = 0;
		int rc;

		events_init(&e);
		buf_add_str(&e.in, forms[i].head);
		for (uint32_t uid = 1; uid <= 400000; uid++)
			buf_addf(&e.in, "%s%u", uid > 1 ? forms[i].sep : "",
			    1000 + 2 * uid);
		assert_true(e.in.len > 2 * LIMIT_RESPONSE);
		buf_add_str(&e.in, "\r\n* 3 EXISTS\r\n");
		while ((rc = imap_reader_next(e.reader, &e.in, &resp,
		    &e.err)) == 1 && resp.kind != IMAP_EXISTS) {
			const struct uidset *set = &resp.search.uids;

			if (i == 2) {
				assert_int_equal(resp.kind, IMAP_VANISHED);
				assert_true(resp.vanished.earlier);
				set = &resp.vanished.uids;
			} else {
				assert_int_equal(resp.kind, IMAP_SEARCH);
				assert_true(resp.search.esearch == (i == 1));
				assert_true(resp.search.has_count == (i == 1));
			}
			for (size_t k = 0; k < set->n; k++)
				uidset_add_range(&all, set->range[k].first,
				    set->range[k].last);
			responses++;
		}
		assert_int_equal(rc, 1);
		assert_true(responses > 1);
		assert_int_equal(uidset_count(&all), 400000);
		for (uint32_t uid = 1; uid <= 400000; uid += 997) {
			assert_true(uidset_has(&all, 1000 + 2 * uid));
			assert_false(uidset_has(&all, 1001 + 2 * uid));
		}
		uidset_release(&all);
		events_release(&e);
	}
}

static void
test_long_sets_in_pieces(void **state)
{
	struct events whole;
	struct buf text;

	(void)state;
	buf_init(&text, 2 * LIMIT_RESPONSE);
	buf_add_str(&text, "* SEARCH");
	for (unsigned uid = 1; uid <= 80000; uid++)
		buf_addf(&text, " %u", 2 * uid);
	buf_add_str(&text, " (MODSEQ 7)\r\n* 3 EXISTS\r\n");
	events_init(&whole);
	events_feed(&whole, text.data, text.len);
	assert_non_null(strstr(buf_str(&whole.log), ",160000\nEXISTS 3\n"));
	for (size_t piece = 1; piece < 3000; piece = piece * 7 + 1) {
		struct events e;

		events_init(&e);
		feed_in_pieces(&e, (const char *)text.data, text.len, piece);
		assert_string_equal(buf_str(&e.log), buf_str(&whole.log));
		events_release(&e);
	}
	events_release(&whole);
	buf_release(&text);
}

/* Reading the set of a response must not pull the reader's own away. */
static void
test_unordered_search(void **state)
{
	(void)state;
	EVENTS("* SEARCH 9 5 7 1 3\r\n* SEARCH 8 2\r\n* VANISHED 9,5,7,1\r\n"
	    "* SEARCH 6 4 2\r\n",
	    "SEARCH uids=1,3,5,7,9\nSEARCH uids=2,8\n"
	    "VANISHED uids=1,5,7,9\nSEARCH uids=2,4,6\n");
}

static uint64_t
cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* One byte at a time a megabyte in one line costs time, but not its square
 * (which would be minutes). */
static void
test_small_pieces_are_not_quadratic(void **state)
{
	uint64_t begin = cpu_ms();
	struct events e;

	(void)state;
	events_init(&e);
	events_feed(&e, "* 1 FETCH (UID 5 X \"", 20);
	for (size_t i = 0; i < 1000000; i++)
		events_feed(&e, i % 2 ? "{" : "a", 1);
	events_feed(&e, "\")\r\n", 4);
	assert_string_equal(buf_str(&e.log), "FETCH seq=1 uid=5\n");
	assert_true(cpu_ms() - begin < 10000);
	events_release(&e);
}

/* Text made to be read over and over. */
static void
test_hostile_text_is_read_once(void **state)
{
	uint64_t begin = cpu_ms();

	(void)state;
	expect_repeated("* ESEARCH (", "\"\\", LIMIT_RESPONSE / 2 - 20,
	    "\r\n", 0);
	expect_repeated("* ESEARCH (", "{", LIMIT_RESPONSE - 20, "\r\n", 0);
	expect_repeated("* LIST () \"/\" \"", "\" x", LIMIT_RESPONSE / 4,
	    "\"\r\n", 0);
	expect_repeated("* OK [X ", "[\"(", LIMIT_RESPONSE / 4, "\r\n", 0);
	expect_repeated("* 1 FETCH (", "BODY[] {0}\r\n ", LIMIT_RESPONSE / 16,
	    ")\r\n", 0);
	expect_repeated("* 1 FETCH (X (", "{1}\r\na ", LIMIT_RESPONSE / 16,
	    "))\r\n", 0);
	expect_repeated("* STATUS x (", "a (\" ", LIMIT_RESPONSE / 8,
	    ")\r\n", 0);
	assert_true(cpu_ms() - begin < 10000);
}

static void
test_partial(void **state)
{
	struct events e;

	(void)state;
	events_init(&e);
	assert_false(imap_reader_partial(e.reader));
	events_feed(&e, "\0\r\n* 1 ", 7);
	assert_true(imap_reader_partial(e.reader));
	events_feed(&e, "EXISTS\r\n", 8);
	assert_false(imap_reader_partial(e.reader));
	events_feed(&e, "* 1 FETCH (BODY[] {3}\r\n", 23);
	assert_true(imap_reader_partial(e.reader));
	events_feed(&e, "abc", 3);
	assert_true(imap_reader_partial(e.reader));
	events_feed(&e, ")\r\n", 3);
	assert_false(imap_reader_partial(e.reader));
	events_release(&e);
}

/* What stands behind a response is left alone: TLS may begin there. */
static void
test_reads_no_further_than_the_response(void **state)
{
	struct events e;
	struct imap_resp resp;

	(void)state;
	events_init(&e);
	buf_add_str(&e.in, "a OK begin TLS\r\n\x16\x03\x01");
	assert_int_equal(imap_reader_next(e.reader, &e.in, &resp, &e.err), 1);
	assert_int_equal(e.in.len, 3);
	events_release(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transcripts_count),
		cmocka_unit_test(test_pieces_make_no_difference),
		cmocka_unit_test(test_every_prefix_needs_more),
		cmocka_unit_test(test_transcript_rows),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_depth_limit_is_exact),
		cmocka_unit_test(test_unknown_literals_are_not_held),
		cmocka_unit_test(test_too_many_keywords_leave_the_flags_out),
		cmocka_unit_test(test_keyword_lists_do_not_mix),
		cmocka_unit_test(test_long_sets),
		cmocka_unit_test(test_long_sets_in_pieces),
		cmocka_unit_test(test_unordered_search),
		cmocka_unit_test(test_small_pieces_are_not_quadratic),
		cmocka_unit_test(test_hostile_text_is_read_once),
		cmocka_unit_test(test_partial),
		cmocka_unit_test(test_reads_no_further_than_the_response),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
