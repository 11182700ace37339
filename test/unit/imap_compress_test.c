/* COMPRESS in a session, against a scripted server, and when it pays. */
#include "../lib/fake_imap.c"

#include "../../src/imap/internal.h"

#define OFFERED LOGIN("COMPRESS=DEFLATE")

/* Right behind the login, before anything else; then both ways. */
static void
test_from_the_login_on(void **state)
{
	static const char *const script[] = {
		LOGIN("COMPRESS=DEFLATE NAMESPACE ID"),
		"C: ID (", "C: NAMESPACE", "C: COMPRESS DEFLATE",
		"S: * ID NIL", "S: $3 OK", "S: * NAMESPACE ((\"\" \"/\")) NIL "
		"NIL", "S: $2 OK", "S: $1 OK go", "Z",
		"C: NOOP", "S: $1 OK done", NULL,
	};
	struct probe p = { .cfg.compress = IMAP_COMPRESS_YES };

	(void)state;
	probe_run(&p, script, probe_noop);
	assert_int_equal(p.plain[0].err.kind, ERR_NONE);
	/* The login, the flight with COMPRESS in it, NOOP. */
	assert_int_equal(p.stats.round_trips, 3);
	probe_release(&p);
}

/* Not asked for where it is not offered, or not wanted. */
static void
test_not_asked_for(void **state)
{
	static const struct {
		enum imap_compress compress;
		const char *in;
	} rows[] = {
		{ IMAP_COMPRESS_YES, "S: $1 OK [CAPABILITY IMAP4rev1] in" },
		{ IMAP_COMPRESS_NO, "S: $1 OK [CAPABILITY IMAP4rev1 "
		  "COMPRESS=DEFLATE] in" },
		{ IMAP_COMPRESS_AUTO, "S: $1 OK [CAPABILITY IMAP4rev1 "
		  "COMPRESS=DEFLATE] in" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const script[] = {
			"S: * OK [CAPABILITY IMAP4rev1] ready",
			"C: LOGIN jane secret", rows[i].in, "C: NOOP",
			"S: $1 OK done", NULL,
		};
		struct probe p = { .cfg.compress = rows[i].compress };

		probe_run(&p, script, probe_noop);
		assert_int_equal(p.plain[0].err.kind, ERR_NONE);
		probe_release(&p);
	}
}

/* In the middle: what is started behind it waits for its answer. */
static void
start_between(struct probe *p)
{
	probe_select(p, "INBOX");
	imap_compress_start(p->session);
	imap_compress_start(p->session);	/* once is enough */
	probe_fetch(p, "7", FETCH_BODY);
	probe_noop(p);
}

static void
test_between_others(void **state)
{
	static const struct {
		const char *answer, *then;
		enum err_kind kind;
		const char *msg;
	} rows[] = {
		{ "S: $1 OK active", "Z", ERR_NONE, "" },
		{ "S: $1 NO [COMPRESSIONACTIVE] by TLS", "s: ", ERR_NONE, "" },
		{ "S: $1 BAD what?", "s: ", ERR_NONE, "" },
		/* It says so, and does not do it. */
		{ "S: $1 OK active", "S: * 1 EXISTS", ERR_PROTO,
		  "what 127.0.0.1 sends compressed is damaged (invalid "
		  "distance too far back); if that is so each time, set "
		  "compress = no" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const script[] = {
			OFFERED, "C: SELECT INBOX", "C: COMPRESS DEFLATE",
			/* Nothing behind it: the next line would be read
			 * here, were it sent too early. */
			"S: * 1 EXISTS", "S: $2 OK done", rows[i].answer,
			rows[i].then, "C: UID FETCH 7", "C: NOOP",
			"S: * 1 FETCH (UID 7 BODY[] {5}", "s: hello", "S: )",
			"S: $2 OK done", "S: $1 OK done", NULL,
		};
		struct probe p = { .cfg.compress = IMAP_COMPRESS_AUTO };

		if (rows[i].kind == ERR_NONE)
			probe_run(&p, script, start_between);
		else
			probe_run_cut(&p, script, start_between, 99);
		assert_int_equal(p.sel.cmd.err.kind, ERR_NONE);
		assert_int_equal(p.plain[0].err.kind, rows[i].kind);
		assert_string_equal(p.plain[0].err.msg, rows[i].msg);
		assert_string_equal(p.lost.msg, rows[i].msg);
		if (rows[i].kind == ERR_NONE)
			assert_string_equal(p.seen,
			    "begin 7 5 hello end;row 7 body;");
		probe_release(&p);
	}
}

/* The connection is lost before, at and behind the answer. */
static void
test_cut(void **state)
{
	static const char *const script[] = {
		OFFERED, "C: SELECT INBOX", "C: COMPRESS DEFLATE",
		"S: * 1 EXISTS", "S: $2 OK done", "S: $1 OK", "Z",
		"C: UID FETCH 7", "C: NOOP", "S: * 1 FETCH (UID 7 BODY[] {5}",
		"s: hello", "S: )", "S: $2 OK done", "S: $1 OK done", NULL,
	};
	int cut;

	(void)state;
	for (cut = 2; cut < 9; cut++) {
		struct probe p = { .cfg.compress = IMAP_COMPRESS_AUTO };

		probe_run_cut(&p, script, start_between, cut);
		assert_int_equal(p.plain[0].err.kind, ERR_NET);
		assert_int_equal(p.lost.kind, ERR_NET);
		probe_release(&p);
	}
}

/* A literal that waits for "+", compressed. */
static void
feed_append(struct probe *p)
{
	if (p->append.wants)
		imap_append_feed(&p->append, "hello", 5);
}

static void
start_append(struct probe *p)
{
	struct imap_append_message m = { .size = 5 };
	struct imap_append_args a = { .raw = "x", .message = &m, .n = 1 };

	p->step = feed_append;
	imap_compress_start(p->session);
	imap_append_start(p->session, &p->append, &p->task, &a);
	probe_add(p, &p->append.cmd);
	probe_noop(p);
}

static void
test_append(void **state)
{
	static const char *const script[] = {
		OFFERED, "C: COMPRESS DEFLATE", "S: $1 OK", "Z",
		"C: APPEND x () \"01-Jan-1970 00:00:00 +0000\" {5}", "S: + go",
		"R: 7", "S: $1 OK done", "C: NOOP", "S: $1 OK", NULL,
	};
	struct probe p = { .cfg.compress = IMAP_COMPRESS_AUTO };

	(void)state;
	probe_run(&p, script, start_append);
	assert_int_equal(p.append.cmd.err.kind, ERR_NONE);
	assert_int_equal(p.plain[0].err.kind, ERR_NONE);
	probe_release(&p);
}

/* What it stands for counts, not the few octets on the wire. */
static void
test_noise_is_counted_inflated(void **state)
{
	static const char *const script[] = {
		OFFERED, "C: COMPRESS DEFLATE", "S: $1 OK", "Z", "C: NOOP",
		"F: 1000000 * OK one of very many lines", NULL,
	};
	struct probe p = { .cfg.compress = IMAP_COMPRESS_YES };

	(void)state;
	probe_run(&p, script, probe_noop);
	assert_int_equal(p.plain[0].err.kind, ERR_PROTO);
	assert_string_equal(p.plain[0].err.msg,
	    "127.0.0.1 sends without end and does not answer");
	assert_true(p.stats.bytes_in < 1u << 20);
	probe_release(&p);
}

static void
keep_rate(struct probe *p)
{
	snprintf(p->seen, sizeof(p->seen), "%u %u",
	    (unsigned)p->session->rate.octets,
	    (unsigned)p->session->rate.ms);
}

static void
start_measured(struct probe *p)
{
	struct imap_fetch_args a = { .uids = &p->uids, .items = FETCH_BODY };

	p->step = keep_rate;
	probe_select(p, "INBOX");
	uidset_add(&p->uids, 7);
	imap_fetch_start(p->session, &p->fetch, &p->task, &a);
	probe_add(p, &p->fetch.cmd);
	probe_noop(p);
}

/* Only bodies: other answers may take as long as they like. */
static void
test_what_is_measured(void **state)
{
	static const char *const slow_answers[] = {
		OFFERED, "C: SELECT INBOX", "C: UID FETCH 7", "C: NOOP",
		"D: 200 * 1 EXISTS\r\n", "S: $3 OK",
		"S: * 1 FETCH (UID 7 BODY[] NIL)", "S: $2 OK done",
		"D: 200 * 1 EXISTS\r\n", "S: $1 OK done", NULL,
	};
	static const char *const slow_body[] = {
		OFFERED, "C: SELECT INBOX", "C: UID FETCH 7", "C: NOOP",
		"S: * 1 EXISTS", "S: $3 OK",
		"S: * 1 FETCH (UID 7 BODY[] {200}", "D: 200 x", "S: )",
		"S: $2 OK done", "S: $1 OK done", NULL,
	};
	const char *const *const script[] = { slow_answers, slow_body };
	unsigned octets, ms, i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct probe p = { .cfg.compress = IMAP_COMPRESS_AUTO };

		probe_run(&p, script[i], start_measured);
		assert_int_equal(p.plain[0].err.kind, ERR_NONE);
		assert_int_equal(sscanf(p.seen, "%u %u", &octets, &ms), 2);
		/* 200 times 2 ms at least; what is behind may come with it. */
		if (i == 0)
			assert_true(ms < 200);
		else
			assert_true(ms >= 300 && octets <= 300);
		probe_release(&p);
	}
}

static void
test_pays(void **state)
{
#define MB 1000000ull
	static const struct {
		struct imap_rate seen;
		uint64_t octets;
		bool pays;
	} rows[] = {
		{ { 0, 0 }, 1000 * MB, false },		/* nothing is known */
		{ { MB / 2, 499 }, 1000 * MB, false },	/* next to nothing */
		{ { MB / 2, 500 }, 1000 * MB, true },
		{ { 0, 1000 }, 1000 * MB, true },	/* it stands still */
		{ { 2 * MB, 1000 }, 1000 * MB, true },	/* 16 Mbit/s */
		{ { 2 * MB, 1000 }, 1 * MB, false },	/* half a second */
		{ { 2 * MB, 1000 }, 2 * MB, true },	/* a second */
		{ { MB, 10000 }, MB, false },		/* under 1 MiB */
		{ { MB, 10000 }, 1048576, true },
		{ { 36 * MB, 1000 }, 1000 * MB, true },	/* 288 Mbit/s */
		{ { 36 * MB, 1000 }, 35 * MB, false },
		{ { 38 * MB, 1000 }, 1000 * MB, false },	/* 304 */
		{ { 38 * MB, 0 }, 1000 * MB, false },	/* in no time */
		{ { 19 * MB, 500 }, 1000 * MB, false },
		{ { 110 * MB, 1000 }, 1000 * MB, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (imap_compress_pays(&rows[i].seen, rows[i].octets) !=
		    rows[i].pays)
			fail_msg("row %zu", i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_the_login_on),
		cmocka_unit_test(test_not_asked_for),
		cmocka_unit_test(test_between_others),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_noise_is_counted_inflated),
		cmocka_unit_test(test_what_is_measured),
		cmocka_unit_test(test_pays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
